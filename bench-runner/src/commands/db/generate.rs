//! `bench-runner db generate`: a new store of made-up histories, for measuring and trying at the scale of years.

use crate::analysis::made_up::{self, MadeUpMachine, MadeUpNight};
use crate::clock;
use crate::commands::{Session, load};
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::model::ids::{BenchmarkId, Digest, Identity};
use crate::model::record::SeriesKey;
use crate::model::run::{Capture, Launch, LaunchStatus, Run, RunKind, RunStatus};
use crate::model::units::{Metric, Timestamp};
use crate::store::{BulkNight, OpenMode, Store};
use crate::ui;

/// First night: 2015-01-01T01:37:00Z.
const FIRST: i64 = 1_420_076_220_000_000;
/// Launches of every made-up run.
const LAUNCHES: u32 = 5;
/// Nights before the last one whose runs list their benchmarks: `trend` judges what tonight's runs list. Lists of all nights would be as
/// many rows as there are points, and nothing reads them.
const LISTED: u32 = 7;
/// Points of one transaction.
const CHUNK: usize = 200_000;

/// What to make up.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Machines
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    machines: u32,
    /// Benchmarks of each machine
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    benchmarks: u32,
    /// Nights, some of which will be gaps
    #[arg(long, default_value_t = 4000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    nights: u32,
    /// Seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Fills the configured store, which must be new.
pub(super) fn run(args: &Args, session: &Session, config: &Config) -> Result<ExitCode, CliError> {
    let (mut store, _) = Store::open(&config.store, OpenMode::ReadWrite, clock::now())?;
    store.bulk_begin()?;
    let mut points = 0_u64;
    let mut rows = Vec::new();
    for number in 0..args.machines {
        let machine = made_up::machine(args.seed, number, args.nights);
        let runs: Vec<Run> = (0..args.nights)
            .filter(|night| machine.measured.get(*night as usize) == Some(&true))
            .map(|night| {
                let listed = night + LISTED >= args.nights;
                let inventory = (0..args.benchmarks).filter(|_| listed).map(benchmark_id).collect();
                Run { inventory, ..made_up_run(args.seed, (number, &machine), night) }
            })
            .collect();
        let mut of_night = vec![0_i64; args.nights as usize];
        for chunk in runs.chunks(500) {
            for (run, row) in chunk.iter().zip(store.bulk_runs(chunk)?) {
                of_night[night_of(run)] = row;
                rows.push(row);
            }
        }
        let mut lines: Vec<(SeriesKey, Vec<BulkNight>)> = Vec::new();
        let mut waiting = 0;
        for benchmark in 0..args.benchmarks {
            let nights = made_up::line(args.seed, (number, &machine), benchmark);
            points += nights.len() as u64;
            waiting += nights.len();
            lines.extend(split(&machine, number, benchmark, &nights, &of_night));
            if waiting >= CHUNK {
                store.bulk_lines(&lines, Digest([7; 32]))?;
                lines.clear();
                waiting = 0;
            }
        }
        store.bulk_lines(&lines, Digest([7; 32]))?;
        ui::note(&format!("machine {} of {}: {points} points so far", number + 1, args.machines));
    }
    store.bulk_end(&rows)?;
    drop(store);
    let text = format!("{} runs and {points} points in {}", rows.len(), load::shown(session, &config.store));
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

/// Returns the number of the night in which a made-up run began.
fn night_of(run: &Run) -> usize {
    usize::try_from((run.started.0 - FIRST) / super::DAY_US).unwrap_or(0)
}

/// One line for each box that stood under the number of the machine.
fn split(
    machine: &MadeUpMachine,
    number: u32,
    benchmark: u32,
    nights: &[MadeUpNight],
    of_night: &[i64],
) -> Vec<(SeriesKey, Vec<BulkNight>)> {
    let at = nights.partition_point(|night| machine.replaced_at.is_none_or(|at| night.night < at));
    let (before, after) = nights.split_at(at);
    [(before, false), (after, true)]
        .into_iter()
        .filter(|(nights, _)| !nights.is_empty())
        .map(|(nights, replaced)| {
            let points = nights.iter().map(|night| BulkNight {
                run: of_night[night.night as usize],
                value: night.value,
                log_sd: Some(night.log_sd),
                launches: LAUNCHES,
            });
            let identity = identity(number, replaced);
            let key = SeriesKey {
                benchmark: benchmark_id(benchmark),
                metric: Metric::time(),
                recipe: identity.recipe,
                machine: identity.machine,
                config: identity.config,
            };
            (key, points.collect())
        })
        .collect()
}

fn benchmark_id(number: u32) -> BenchmarkId {
    BenchmarkId {
        package: "made-up".to_owned(),
        target: format!("target_{}", number % 10),
        group: format!("group_{:03}", number / 10),
        function: Some(format!("function_{number:05}")),
        value: None,
        occurrence: 0,
    }
}

fn identity(number: u32, replaced: bool) -> Identity {
    Identity {
        recipe: 1,
        hw_class: "x86_64/made-up/4c8t/16g".to_owned(),
        machine: format!("{:016x}", u64::from(number) + if replaced { 0x1_0000 } else { 0 }),
        label: None,
        config: "governor=performance;power-mode=normal;power-source=mains".to_owned(),
        build: "rustc 1.95.0".to_owned(),
    }
}

/// A run without measurements and without a list of benchmarks: what is left of it are its points.
fn made_up_run(seed: u64, (number, machine): (u32, &MadeUpMachine), night: u32) -> Run {
    let started = Timestamp(FIRST + i64::from(night) * super::DAY_US + i64::from(number) * 1_000_000);
    let fact = |key: &str, value: String| Fact {
        key: key.to_owned(),
        value: Some(FactValue::Text(value)),
        unit: String::new(),
        status: FactStatus::Ok,
        source: "made up".to_owned(),
        phase: Phase::Start,
    };
    let launch = |ordinal: u32| Launch {
        ordinal,
        round: ordinal,
        executable: Digest([7; 32]),
        package: "made-up".to_owned(),
        target: "all".to_owned(),
        status: LaunchStatus::Complete,
        capture: Some(Capture::Socket),
        reason: None,
        harness_version: None,
        started,
        elapsed_seconds: 60.0,
        exit_code: Some(0),
        covariates: None,
    };
    let mut content = seed.to_le_bytes().to_vec();
    content.extend_from_slice(&number.to_le_bytes());
    content.extend_from_slice(&night.to_le_bytes());
    Run {
        id: clock::run_id_of(started, crate::files::sha256(&content)),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started,
        finished: Some(Timestamp(started.0 + 300_000_000)),
        suite: "made-up".to_owned(),
        title: None,
        identity: identity(number, machine.replaced_at.is_some_and(|at| night >= at)),
        plan: None,
        inventory: Vec::new(),
        facts: vec![
            fact(keys::SOURCE_COMMIT, made_up::commit(seed, night)),
            fact(keys::DOCTOR_GRADE, "B".to_owned()),
        ],
        executables: Vec::new(),
        launches: (0..LAUNCHES).map(launch).collect(),
        findings: Vec::new(),
    }
}
