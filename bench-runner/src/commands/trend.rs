//! `bench-runner trend`: is tonight fine, what moved since when, and what was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Session, load, machine, sheet};
use crate::analysis::compare::Side;
use crate::analysis::explain::{Question, explain};
use crate::analysis::identity;
use crate::analysis::trend::{Again, FEWEST_NIGHTS, NIGHT, TonightRun, TrendInput, joined, tonight, trend};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::estimate::BenchmarkResult;
use crate::model::experiment::Purpose;
use crate::model::explain::Cause;
use crate::model::history::Line;
use crate::model::ids::RunId;
use crate::model::record::RunListing;
use crate::model::run::{Run, RunKind, RunStatus};
use crate::model::trend::{TrendChange, TrendReport};
use crate::model::units::Timestamp;
use crate::report::trend_sheet;
use crate::store::{HistoryFilter, RunFilter, Store};
use crate::ui::table::quote_csv;

/// Changes whose cause is looked for: each needs the samples of two runs.
const EXPLAINED: usize = 6;

/// Experiments that are looked through for what the gate measured again.
const LOOKED_THROUGH: u32 = 500;

/// Age in microseconds up to which a run counts for [`Args::has`]: less than a night, so that the next night is measured anew.
const SAME_NIGHT: i64 = NIGHT / 4 * 3;

/// Say whether tonight is fine, and what moved since when
///
/// The first line answers: fine, how many got slower, cannot tell, or since when nothing was measured. Then what needs a person,
/// worst first, with the nights as a line of blocks, the commits between which it happened, and the cause as far as the records
/// tell; what could not be told and why; good news; machines with their noise and missed nights; what was not run; what was
/// checked. Steps that move together are one row. Nothing is measured, and nothing in the store changes. Ends with 4 when
/// nothing was ever measured, otherwise with 0: `gate` is what fails a night.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this machine, by key or label
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Nights to look back
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3660))]
    nights: u32,
    /// Write `trend.md`, `trend.html` and `trend.json` into this folder too
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The moment that counts as now, as RFC 3339, for a trend as it was or would be
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<Timestamp>,
    /// Only end with 0 when this machine has a complete run of that commit tonight, else with 4
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["machine", "out"])]
    has: Option<String>,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let stamp: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Ok(Timestamp(stamp.as_microsecond()))
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, or there is no such machine.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let now = args.now.unwrap_or_else(clock::now);
    if let Some(commit) = &args.has {
        return has(commit, &config, now);
    }
    let store = load::open_to_read(&config)?;
    let report = report_of(args, &config, &store, now)?;
    let mut command = format!("bench-runner trend --nights {}", args.nights);
    if let Some(machine) = &args.machine {
        command.push_str(&format!(" --machine {machine}"));
    }
    command.push_str(&format!(" --now {}", crate::report::format::timestamp(now)));
    let made = sheet::Made {
        sheet: &|dialect| trend_sheet(&report, &command, dialect),
        json: serde_json::json!({
            "schema": "bench-runner/trend", "version": 1, "trend": load::json_of(&report)?,
        }),
        csv: csv(&report),
        name: "trend",
    };
    sheet::show(&made, args.out.as_deref(), &config, session)?;
    Ok(if report.newest.is_none() { exit_code::NOTHING } else { exit_code::DONE })
}

/// Whether this machine measured a commit tonight. A store that is not there yet has measured nothing.
fn has(commit: &str, config: &Config, now: Timestamp) -> Result<ExitCode, CliError> {
    if !config.store.exists() {
        return Ok(exit_code::NOTHING);
    }
    let store = load::open_to_read(config)?;
    let filter = RunFilter {
        kind: Some(RunKind::Measured),
        status: Some(RunStatus::Complete),
        machine: Some(identity::machine(&machine::machine_id(&config.store), None)),
        since: Some(Timestamp(now.0.saturating_sub(SAME_NIGHT))),
        ..RunFilter::default()
    };
    let runs = store.runs(&filter, u32::MAX)?;
    let there = runs.iter().any(|run| run.commit.as_deref() == Some(commit));
    Ok(if there { exit_code::DONE } else { exit_code::NOTHING })
}

/// Reads what the trend needs, and makes it.
fn report_of(args: &Args, config: &Config, store: &Store, now: Timestamp) -> Result<TrendReport, CliError> {
    let read = i64::from(args.nights.max(FEWEST_NIGHTS)) * NIGHT;
    let since = Timestamp(now.0.saturating_sub(read));
    let key = args.machine.as_deref().map(|name| key_of(name, store)).transpose()?;
    let filter = RunFilter {
        kind: Some(RunKind::Measured),
        machine: key.clone(),
        since: Some(since),
        until: Some(Timestamp(now.0.saturating_add(1))),
        ..RunFilter::default()
    };
    let runs = store.runs(&filter, u32::MAX)?;
    let mut histories = Vec::new();
    let history_filter = HistoryFilter { machine: key, since: Some(since), ..HistoryFilter::default() };
    store.histories(&history_filter, |history| histories.push(history))?;
    for history in &mut histories {
        history.points.retain(|point| point.kind == RunKind::Measured && point.started <= now);
    }
    histories.retain(|history| !history.points.is_empty());
    let lines = joined(histories, &store.renames()?);
    let tonight = tonight(&runs, now)
        .iter()
        .map(|id| load_tonight(store, id, &runs, &lines))
        .collect::<Result<Vec<_>, _>>()?;
    let again = again(store, since)?;
    let mut report = trend(&TrendInput {
        now,
        nights: args.nights,
        margin: config.margin,
        runs: &runs,
        tonight: &tonight,
        lines: &lines,
        changes: &store.changes()?,
        decisions: &store.decisions()?,
        again: &again,
    });
    if report.newest.is_none() {
        // Nothing in the window: when was the last time?
        let newest = store.runs(&RunFilter { since: None, ..filter }, 1)?;
        report.newest = newest.first().map(|run| run.started);
    }
    put_down(&mut report, config, store)?;
    Ok(report)
}

/// The key of a machine that is named by key or label.
fn key_of(name: &str, store: &Store) -> Result<String, CliError> {
    let machines = store.machines()?;
    let found = machines.iter().find(|one| one.machine == name || one.label.as_deref() == Some(name));
    found.map(|one| one.machine.clone()).ok_or_else(|| {
        CliError::new(exit_code::NOTHING, format!("no run is from a machine `{name}`"))
            .hinted(Some("`bench-runner machines` lists them".to_owned()))
    })
}

fn load_tonight(
    store: &Store,
    id: &RunId,
    runs: &[RunListing],
    lines: &[Line],
) -> Result<TonightRun, CliError> {
    let read: BTreeSet<&RunId> = runs.iter().map(|run| &run.id).collect();
    let mut comparable = store.comparable_runs(id)?;
    comparable.retain(|run| read.contains(run));
    let mut points = lines.iter().flat_map(|line| &line.history.points);
    let quarantined = points.find(|point| point.run == *id).and_then(|point| point.quarantined.clone());
    Ok(TonightRun { run: store.run(id)?, quarantined, comparable })
}

/// What the gate measured again since a moment, oldest first.
fn again(store: &Store, since: Timestamp) -> Result<Vec<Again>, CliError> {
    let mut found = Vec::new();
    for listing in store.experiments(LOOKED_THROUGH)?.into_iter().rev() {
        if listing.purpose != Purpose::Confirm || listing.started < since {
            continue;
        }
        let arms = store.experiment(&listing.id)?.arms;
        let Some(run) = arms.get(1).and_then(|arm| arm.variant.run.clone()) else { continue };
        let Some(result) = store.experiment_result(&listing.id)? else { continue };
        for row in result.contrasts.into_iter().flat_map(|contrast| contrast.rows) {
            found.push(Again {
                run: run.clone(),
                benchmark: row.benchmark,
                metric: row.metric,
                verdict: row.verdict,
                interval: row.ratio_interval,
            });
        }
    }
    Ok(found)
}

/// Puts the largest changes down to a cause, where the runs on both sides have their samples.
fn put_down(report: &mut TrendReport, config: &Config, store: &Store) -> Result<(), CliError> {
    let settings = load::settings(config);
    let mut loaded: BTreeMap<RunId, (Run, Vec<BenchmarkResult>)> = BTreeMap::new();
    let changes = report.slower.iter_mut().chain(&mut report.faster);
    let steps = changes.filter(|change| !change.drift && change.last_before.is_some());
    for change in steps.take(EXPLAINED) {
        let Some(before) = change.last_before.clone() else { continue };
        for id in [&before, &change.first] {
            if !loaded.contains_key(id) {
                loaded.insert(id.clone(), load::with_results(store, id)?);
            }
        }
        change.cause = cause(change, (&loaded[&before], &loaded[&change.first]), &settings);
    }
    Ok(())
}

fn cause(
    change: &TrendChange,
    (before, after): (&(Run, Vec<BenchmarkResult>), &(Run, Vec<BenchmarkResult>)),
    settings: &crate::analysis::compare::CompareSettings,
) -> Option<Cause> {
    if before.1.is_empty() || after.1.is_empty() {
        return None;
    }
    let benchmark = change.members.first().map(|moved| &moved.benchmark);
    let found = explain(&Question {
        before: Side { run: &before.0, results: &before.1 },
        after: Side { run: &after.0, results: &after.1 },
        benchmark,
        replay: None,
        settings,
    });
    // Two nights may say too little for a step that twenty nights show.
    Some(if found.cause == Cause::NoShift { Cause::Unknown } else { found.cause })
}

fn csv(report: &TrendReport) -> String {
    let mut text =
        "list,machine,benchmark,ratio,low,high,since,first_run,runs,commit_before,commit,state\n".to_owned();
    let lists = [("slower", &report.slower), ("faster", &report.faster), ("decided", &report.decided)];
    for (name, changes) in lists {
        for change in changes {
            for moved in &change.members {
                let bound = |pick: fn((f64, f64)) -> f64| {
                    moved.interval.map_or_else(String::new, |interval| pick(interval).to_string())
                };
                let machine = report.machines.get(change.machine).map_or("", |one| one.machine.as_str());
                let state = format!("{:?}", change.state).to_lowercase();
                let cells = [
                    name.to_owned(),
                    quote_csv(machine),
                    quote_csv(&moved.benchmark.long_name()),
                    moved.ratio.to_string(),
                    bound(|interval| interval.0),
                    bound(|interval| interval.1),
                    crate::report::format::timestamp(change.since),
                    change.first.to_string(),
                    change.runs.to_string(),
                    change.commits.0.clone().unwrap_or_default(),
                    change.commits.1.clone().unwrap_or_default(),
                    state,
                ];
                text.push_str(&cells.join(","));
                text.push('\n');
            }
        }
    }
    text
}
