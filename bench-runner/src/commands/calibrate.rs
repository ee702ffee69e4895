//! `bench-runner calibrate`: the same executables on both sides, and how often a difference is seen.

use std::fmt::Write as _;

use super::experiment::seconds;
use super::stage::{self, BuildArgs, Stage, StageWishes, WhatArgs, build_request, fresh_seed, named_profile};
use super::{Session, load};
use crate::analysis::calibrate::{
    CalibrationInput, LaunchSample, SessionLevel, calibrate, level_of_night, levels, pooled,
};
use crate::analysis::experiment::{Rules, Stopping};
use crate::cli::Format;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::{Outcome, Recipe, Request, Selection, measure, prepare};
use crate::model::calibration::{Calibration, FalseAlarms, NullComparison, Rates};
use crate::model::experiment::{Purpose, Variant};
use crate::model::finding::Severity;
use crate::report::format::{Dialect, percent, timestamp};
use crate::store::{HistoryFilter, Store};
use crate::ui::table::{Align, Column, Table};

/// Calibrations that are pooled or held against one another at most.
const MOST: u32 = 10_000;

/// Measure equal executables against each other, and say what this machine makes of them
///
/// False alarms of our rule, with Criterion's own rule on the same launches beside it; the smallest change that shows
/// today; which summary of a launch is steadiest; how far sessions of one executable lie apart. The result is stored,
/// printed in reports, and used by comparisons, plans and the gate for 30 days, as long as the configuration stays the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Blocks of four launches for each bench target at most; each ten make a comparison
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    blocks: u32,
    /// Most time for measuring, for example `90s`, `5m`, `1h30m`
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = seconds)]
    budget: f64,
    /// Measure nothing: pool all stored calibrations of the machine and configuration of the newest
    #[arg(long)]
    all: bool,
    /// Seconds of warm-up of each launch and benchmark
    #[arg(long, value_name = "SECONDS", default_value_t = 0.05)]
    warm_up: f64,
    /// Seconds of measuring of each launch and benchmark
    #[arg(long, value_name = "SECONDS", default_value_t = 0.1)]
    measuring: f64,
    /// Observations of each launch and benchmark
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    samples: u32,
    /// Seed of the order, to repeat it
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Label for this machine instead of its key
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// End with 122 instead of waiting when another measurement is running
    #[arg(long)]
    no_wait: bool,
    /// What to measure
    #[command(flatten)]
    what: WhatArgs,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
}

/// Runs the command.
///
/// # Errors
///
/// Whatever stops it before the first launch, and failures of the store; or nothing to conclude from.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = stage::config(args.what.manifest_path.as_ref(), session)?;
    if args.all {
        let all = load::open_to_read(&config)?.calibrations(None, MOST)?;
        return answer_all(&all, session);
    }
    if !(args.warm_up > 0.0 && args.measuring > 0.0 && args.warm_up + args.measuring < 3600.0) {
        return Err(CliError::new(
            exit_code::USAGE,
            "warm-up and measuring take more than 0 s and less than an hour",
        ));
    }
    let set = args.what.set.clone().unwrap_or(named_profile(None, &config)?.1.set.clone());
    stage::check_selection(&set, args.what.filter.as_deref(), &config)?;
    let wishes = StageWishes { no_wait: args.no_wait, label: args.machine.clone(), watchdog: None };
    let mut stage = Stage::open(session, config, &wishes, &mut |_| Ok(()))?;
    let recipe = Recipe {
        request: build_request(&args.what, &args.build, session, &stage.config),
        selection: Selection { set, filter: args.what.filter.clone() },
        keep_worktrees: false,
    };
    let request = request(args, &stage.config);
    let mut world = stage.world();
    let variant = Variant { name: "one side".to_owned(), ..Variant::default() };
    let mut arms = prepare(&[variant], &recipe, &mut world)?;
    let other = arms.arms.first().map(|arm| arm.again(|variant| "the same".clone_into(&mut variant.name)));
    arms.arms.extend(other);
    let measured = measure(&request, &arms.arms, &mut world);
    arms.close(&world)?;
    let outcome = measured?;
    stage.progress.finish();
    let Some(calibration) = conclude(&stage.store, &outcome)? else {
        let text = format!("experiment {} has too few blocks to conclude from", outcome.experiment.id);
        return Err(CliError::new(exit_code::INCONCLUSIVE, text)
            .hinted(Some("allow more with `--budget`, or select fewer benchmarks".to_owned())));
    };
    stage.store.add_calibration(&calibration)?;
    answer(&calibration, session)?;
    let failed = outcome.result.findings.iter().any(|finding| finding.severity == Severity::Blocking);
    Ok(match (outcome.interrupted, failed) {
        (true, _) => exit_code::INTERRUPTED,
        (false, true) => exit_code::BENCH_FAILED,
        (false, false) => exit_code::DONE,
    })
}

fn request(args: &Args, config: &crate::config::Config) -> Request {
    Request {
        purpose: Purpose::Calibrate,
        settings: LaunchSettings {
            warm_up_seconds: Some(args.warm_up),
            measurement_seconds: Some(args.measuring),
            sample_size: Some(args.samples),
        },
        stopping: Stopping::Sequential {
            fewest: args.blocks,
            most: args.blocks,
            budget_seconds: Some(args.budget),
        },
        // Every block is a control here.
        control_every: 0,
        rules: Rules { margin: config.margin, family_alpha: 1.0 - config.comparison_level },
        seed: args.seed.unwrap_or_else(fresh_seed),
        measure_equal: true,
    }
}

/// Computes the calibration of a stored experiment, held against the other sessions of the store.
fn conclude(store: &Store, outcome: &Outcome) -> Result<Option<Calibration>, CliError> {
    let mut samples = Vec::new();
    for (arm, found) in (0..).zip(&outcome.experiment.arms) {
        for entry in store.measurements(&found.run)? {
            samples.push(LaunchSample {
                arm,
                launch: entry.launch,
                benchmark: entry.measurement.benchmark,
                metric: entry.measurement.metric,
                values: entry.measurement.sample.iter().map(|pair| pair.per_iteration()).collect(),
            });
        }
    }
    let Some(first) = outcome.experiment.arms.first() else { return Ok(None) };
    let run = store.run(&first.run)?;
    let mut sessions: Vec<SessionLevel> = Vec::new();
    for earlier in store.calibrations(Some(&run.identity.machine), MOST)? {
        if earlier.config == run.identity.config {
            sessions.extend(levels(&earlier.benchmarks));
        }
    }
    let filter = HistoryFilter {
        machine: Some(run.identity.machine.clone()),
        config: Some(run.identity.config.clone()),
        since: None,
    };
    store.histories(&filter, |history| {
        if history.key.metric.is_time() {
            let of = |point| level_of_night(&history.key.benchmark, point);
            sessions.extend(history.points.iter().filter_map(of));
        }
    })?;
    let input = CalibrationInput {
        experiment: &outcome.experiment,
        run: &run,
        samples: &samples,
        sessions: &sessions,
    };
    Ok(calibrate(input))
}

/// Prints one calibration in the asked form.
fn answer(calibration: &Calibration, session: &Session) -> Result<(), CliError> {
    let text = match session.format {
        Format::Csv => comparisons(calibration.experiment.as_str(), &calibration.comparisons).csv(),
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/calibration", "version": 1, "calibration": calibration,
        })
        .to_string(),
        Format::Markdown => {
            format!("{}\n{}", sentences(calibration, "- "), benchmarks(calibration).markdown())
        }
        Format::Text => {
            format!("{}\n{}", sentences(calibration, ""), benchmarks(calibration).text(session.style.width))
        }
    };
    session.answer(&text)
}

/// Prints all calibrations of the machine of the newest one together.
fn answer_all(all: &[Calibration], session: &Session) -> Result<ExitCode, CliError> {
    let Some(newest) = all.first() else {
        return Err(CliError::new(exit_code::NOTHING, "no calibration is stored")
            .hinted(Some("`bench-runner calibrate` makes one".to_owned())));
    };
    let same: Vec<Calibration> = all
        .iter()
        .filter(|other| (&other.machine, &other.config) == (&newest.machine, &newest.config))
        .cloned()
        .collect();
    let rates = pooled(&same);
    let text = match session.format {
        Format::Csv => {
            let mut table = comparisons("", &[]);
            for calibration in same.iter().rev() {
                let more = comparisons(calibration.experiment.as_str(), &calibration.comparisons);
                table.rows.extend(more.rows);
            }
            table.csv()
        }
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/calibrations", "version": 1, "calibrations": same.len(), "rates": rates,
        })
        .to_string(),
        Format::Markdown => format!("{} calibrations\n\n{}", same.len(), rate_lines(&rates, "- ")),
        Format::Text => format!("{} calibrations\n{}", same.len(), rate_lines(&rates, "")),
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

fn alarms(name: &str, alarms: &FalseAlarms, mark: &str) -> String {
    let rate = match (alarms.rate(), alarms.interval) {
        (Some(rate), Some((low, high))) => format!(
            "{} ({} to {})",
            percent(Dialect::Terminal, rate, 1),
            percent(Dialect::Terminal, low, 1),
            percent(Dialect::Terminal, high, 1)
        ),
        _ => "unknown".to_owned(),
    };
    format!("{mark}{name}: {} of {}, {rate}\n", alarms.alarms, alarms.comparisons)
}

fn rate_lines(rates: &Rates, mark: &str) -> String {
    [
        ("false alarms of experiments, watched, at 5 %", Some(&rates.rule_5)),
        ("false alarms of experiments, watched, at 1 %", Some(&rates.rule_1)),
        ("false alarms of signed ranks, blocks fixed, at 5 %", rates.rank_5.as_ref()),
        ("false alarms of signed ranks, blocks fixed, at 1 %", rates.rank_1.as_ref()),
        ("false alarms of Student's interval, blocks fixed, at 5 %", Some(&rates.student_5)),
        ("false alarms of Student's interval, blocks fixed, at 1 %", Some(&rates.student_1)),
        ("Criterion's own rule on pairs of the same launches", Some(&rates.criterion)),
    ]
    .into_iter()
    .filter_map(|(name, found)| Some(alarms(name, found?, mark)))
    .collect()
}

fn sentences(calibration: &Calibration, mark: &str) -> String {
    let share = |value: f64| percent(Dialect::Terminal, value, 2);
    let shown = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), share);
    let mut text =
        format!("{mark}calibrated on {}, experiment {}\n", timestamp(calibration.at), calibration.experiment);
    text.push_str(&rate_lines(&calibration.rates, mark));
    let _ = writeln!(
        text,
        "{mark}smallest change that {} blocks show with 90 % probability: {} (at worst {})",
        calibration.planned_blocks,
        shown(calibration.smallest_change),
        shown(calibration.largest_smallest_change)
    );
    let session = match calibration.session {
        Some(spread) => {
            format!("{} (SD, {} degrees of freedom)", share(spread.variance.sqrt()), spread.degrees)
        }
        None => "unknown before a second session of the same executables".to_owned(),
    };
    let _ = writeln!(text, "{mark}between sessions: {session}");
    let scores: Vec<String> = calibration
        .locations
        .iter()
        .map(|score| format!("{} {}", score.location.name(), share(score.block_sd)))
        .collect();
    let _ = writeln!(
        text,
        "{mark}steadiest summary of a launch: {} (SD of blocks: {})",
        calibration.best.name(),
        scores.join(", ")
    );
    text
}

const fn column(title: &'static str, align: Align, drop_order: u8) -> Column {
    Column { title, align, drop_order }
}

fn benchmarks(calibration: &Calibration) -> Table {
    let columns = vec![
        column("benchmark", Align::Left, 0),
        column("blocks", Align::Right, 2),
        column("SD of blocks", Align::Right, 0),
        column("SD of launches", Align::Right, 1),
        column("smallest change", Align::Right, 0),
    ];
    let share = |value: f64| percent(Dialect::Terminal, value, 2);
    let row = |noise: &crate::model::calibration::BenchmarkNoise| {
        vec![
            noise.benchmark.to_string(),
            noise.blocks.to_string(),
            share(noise.block_sd),
            share(noise.launch_sd),
            noise.smallest_change.map_or_else(|| "-".to_owned(), share),
        ]
    };
    Table { columns, rows: calibration.benchmarks.iter().map(row).collect() }
}

/// Each comparison as evidence for others to count.
fn comparisons(experiment: &str, found: &[NullComparison]) -> Table {
    let columns = [
        "experiment",
        "benchmark",
        "first_block",
        "blocks",
        "effect",
        "block_sd",
        "alarm_5",
        "alarm_1",
        "student_5",
        "student_1",
        "rank_5",
        "rank_1",
        "criterion_changed",
        "criterion_pairs",
    ]
    .map(|title| column(title, Align::Left, 0))
    .to_vec();
    let flag = |known: Option<bool>| known.map_or_else(String::new, |alarm| u8::from(alarm).to_string());
    let row = |c: &NullComparison| {
        vec![
            experiment.to_owned(),
            c.benchmark.to_string(),
            c.first_block.to_string(),
            c.blocks.to_string(),
            format!("{:.6}", c.effect),
            format!("{:.6}", c.block_sd),
            u8::from(c.alarm_5).to_string(),
            u8::from(c.alarm_1).to_string(),
            u8::from(c.student_5).to_string(),
            u8::from(c.student_1).to_string(),
            flag(c.rank_5),
            flag(c.rank_1),
            c.criterion_changed.to_string(),
            c.criterion_pairs.to_string(),
        ]
    };
    Table { columns, rows: found.iter().map(row).collect() }
}
