//! What the trend is made of, read from the store: for `trend` and for the first page of the site alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::compare::{CompareSettings, Side};
use crate::analysis::explain::{Question, explain};
use crate::analysis::trend::{Again, FEWEST_NIGHTS, NIGHT, TonightRun, TrendInput, joined, tonight, trend};
use crate::commands::load;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::model::estimate::BenchmarkResult;
use crate::model::experiment::Purpose;
use crate::model::explain::Cause;
use crate::model::history::Line;
use crate::model::ids::RunId;
use crate::model::record::RunListing;
use crate::model::run::{Run, RunKind};
use crate::model::trend::{TrendChange, TrendReport};
use crate::model::units::Timestamp;
use crate::store::{HistoryFilter, RunFilter, Store};

/// Changes whose cause is looked for: each needs the samples of two runs.
const EXPLAINED: usize = 6;

/// Experiments that are looked through for what the gate measured again.
const LOOKED_THROUGH: u32 = 500;

/// A run with its results.
type Loaded = (Run, Vec<BenchmarkResult>);

/// About what a trend is made.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Asked<'a> {
    /// Only this machine, by key or label.
    pub machine: Option<&'a str>,
    /// Nights of the window.
    pub nights: u32,
    /// The moment that it is about.
    pub now: Timestamp,
}

/// Reads what the trend needs, and makes it.
pub(in crate::commands) fn report_of(
    asked: &Asked<'_>,
    config: &Config,
    store: &Store,
) -> Result<TrendReport, CliError> {
    let now = asked.now;
    let read = i64::from(asked.nights.max(FEWEST_NIGHTS)) * NIGHT;
    let since = Timestamp(now.0.saturating_sub(read));
    let key = asked.machine.map(|name| key_of(name, store)).transpose()?;
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
        nights: asked.nights,
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
    let mut loaded: BTreeMap<RunId, Loaded> = BTreeMap::new();
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
    (before, after): (&Loaded, &Loaded),
    settings: &CompareSettings,
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
