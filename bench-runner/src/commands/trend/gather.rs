//! Reads what the trend is made of, makes it, and puts its steps down to causes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cause::{Causes, Step};
use super::super::threads::parallel;
use crate::analysis::trend::{
    Again, FEWEST_NIGHTS, Frame, NIGHT, Part, TonightRun, TrendInput, joined, part, tonight, trend,
};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::model::decision::{Change, Decision};
use crate::model::experiment::Purpose;
use crate::model::explain::StepCause;
use crate::model::history::Line;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::RunListing;
use crate::model::run::{RunKind, RunStatus};
use crate::model::trend::{TrendChange, TrendReport};
use crate::model::units::Timestamp;
use crate::store::{HistoryFilter, RunFilter, Store};

/// Experiments that are looked through for what the gate measured again.
const LOOKED_THROUGH: u32 = 500;

/// Machines whose lines are read at the same time.
const AT_ONCE: usize = 2;

/// Nights that a page shows when nobody says otherwise.
const NIGHTS: u32 = 30;

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// Most nights that can be asked for: ten years.
pub(in crate::commands) const MOST_NIGHTS: u32 = 3660;

/// What the trend is to be about.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::commands) struct Wish<'a> {
    /// Only this machine, by key or label.
    pub(in crate::commands) machine: Option<&'a str>,
    /// Nights to look back.
    pub(in crate::commands) nights: Option<u32>,
    /// The moment that counts as now.
    pub(in crate::commands) now: Option<Timestamp>,
    /// Imported runs instead of measured ones.
    pub(in crate::commands) imported: bool,
}

/// The moment of the newest measured run: for what is asked about the store rather than about tonight.
///
/// # Errors
///
/// When the store cannot be read.
pub(in crate::commands) fn newest_night(store: &Store) -> Result<Timestamp, CliError> {
    let filter = RunFilter { kind: Some(RunKind::Measured), ..RunFilter::default() };
    Ok(newest(store, &filter, false)?.unwrap_or_else(clock::now))
}

/// Reads what the trend needs, and makes it; causes are not looked for.
///
/// # Errors
///
/// When the store cannot be read, or there is no such machine.
pub(in crate::commands) fn report_of(
    wish: &Wish<'_>,
    config: &Config,
    store: &Store,
) -> Result<TrendReport, CliError> {
    let key = wish.machine.map(|name| key_of(name, store)).transpose()?;
    let filter = RunFilter {
        kind: (!wish.imported).then_some(RunKind::Measured),
        machine: key.clone(),
        ..RunFilter::default()
    };
    let (now, nights) = window(wish, store, &filter)?;
    let since = Timestamp(now.0.saturating_sub(i64::from(nights.max(FEWEST_NIGHTS)) * NIGHT));
    let within =
        RunFilter { since: Some(since), until: Some(Timestamp(now.0.saturating_add(1))), ..filter.clone() };
    let wanted = |kind: RunKind| (kind == RunKind::Measured) != wish.imported;
    let frame = Frame { now, nights, imported: wish.imported, margin: config.margin };
    let shared = Shared {
        frame,
        renames: store.renames()?,
        changes: store.changes()?,
        decisions: store.decisions()?,
        again: again(store, since)?,
    };
    let mut of_machine: BTreeMap<String, Vec<RunListing>> = BTreeMap::new();
    for run in store.runs(&within, u32::MAX)?.into_iter().filter(|run| wanted(run.kind)) {
        of_machine.entry(run.identity.machine.clone()).or_default().push(run);
    }
    // Memory holds the lines of few machines at a time.
    let machines: Vec<(String, Vec<RunListing>)> = of_machine.into_iter().collect();
    let parts = parallel(config, &machines, AT_ONCE, |store, (machine, runs)| {
        let machine = Some(machine.clone());
        let filter = HistoryFilter { machine, since: Some(since), ..HistoryFilter::default() };
        shared.part_of(store, runs, &filter)
    })?;
    let mut report = trend(frame, parts);
    if report.newest.is_none() {
        // Nothing in the window: when was the last time?
        report.newest = newest(store, &RunFilter { since: None, ..within }, wish.imported)?;
    }
    Ok(report)
}

/// What all machines share.
struct Shared {
    frame: Frame,
    renames: BTreeMap<String, BenchmarkId>,
    changes: Vec<Change>,
    decisions: Vec<Decision>,
    again: Vec<Again>,
}

impl Shared {
    /// What one machine contributes.
    fn part_of(&self, store: &Store, runs: &[RunListing], filter: &HistoryFilter) -> Result<Part, CliError> {
        let Frame { now, imported, .. } = self.frame;
        let mut histories = Vec::new();
        store.histories(filter, |mut history| {
            let wanted = |kind: RunKind| (kind == RunKind::Measured) != imported;
            history.points.retain(|point| wanted(point.kind) && point.started <= now);
            if !history.points.is_empty() {
                histories.push(history);
            }
        })?;
        let lines = joined(histories, &self.renames);
        let tonight = if imported { Vec::new() } else { tonight(runs, now) };
        let tonight =
            tonight.iter().map(|id| load_tonight(store, id, runs, &lines)).collect::<Result<Vec<_>, _>>()?;
        let alike = if imported { Vec::new() } else { alike(store, &tonight, &lines)? };
        Ok(part(&TrendInput {
            frame: self.frame,
            runs,
            tonight: &tonight,
            lines: &lines,
            alike: &alike,
            changes: &self.changes,
            decisions: &self.decisions,
            again: &self.again,
        }))
    }
}

/// The moment that counts as now, and the nights to look back: by default the newest imported run, and back to the oldest.
fn window(wish: &Wish<'_>, store: &Store, filter: &RunFilter) -> Result<(Timestamp, u32), CliError> {
    if !wish.imported {
        return Ok((wish.now.unwrap_or_else(clock::now), wish.nights.unwrap_or(NIGHTS)));
    }
    let mut starts: Vec<Timestamp> = store
        .runs(filter, u32::MAX)?
        .iter()
        .filter(|run| run.kind != RunKind::Measured && run.status == RunStatus::Complete)
        .map(|run| run.started)
        .collect();
    starts.sort();
    // A whole second, as the command that makes the page again writes it.
    let second = |at: &Timestamp| Timestamp(at.0.div_euclid(SECOND).saturating_add(1).saturating_mul(SECOND));
    let now = wish.now.or(starts.last().map(second)).unwrap_or_else(clock::now);
    let span = starts.first().map_or(0, |first| now.0.saturating_sub(first.0).max(0) / NIGHT + 1);
    let all = u32::try_from(span).unwrap_or(MOST_NIGHTS).clamp(1, MOST_NIGHTS);
    Ok((now, wish.nights.unwrap_or(all)))
}

/// Start of the newest run of all times.
fn newest(store: &Store, filter: &RunFilter, imported: bool) -> Result<Option<Timestamp>, CliError> {
    let most = if imported { u32::MAX } else { 1 };
    let runs = store.runs(filter, most)?;
    Ok(runs.iter().find(|run| (run.kind == RunKind::Measured) != imported).map(|run| run.started))
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

/// Runs that may be judged with one another, a set for each way of measuring: those of tonight, and of lines that were not measured
/// tonight those of their newest run.
fn alike(store: &Store, tonight: &[TonightRun], lines: &[Line]) -> Result<Vec<BTreeSet<RunId>>, CliError> {
    let mut sets: Vec<BTreeSet<RunId>> = Vec::new();
    let mut newest_first: Vec<&TonightRun> = tonight.iter().collect();
    newest_first.sort_by(|a, b| (b.run.started, &b.run.id).cmp(&(a.run.started, &a.run.id)));
    for one in newest_first {
        // What may be judged with a run may also be judged with every other run of its set.
        if !sets.iter().any(|runs| runs.contains(&one.run.id)) {
            let mut runs: BTreeSet<RunId> = one.comparable.iter().cloned().collect();
            runs.extend(one.run.is_eligible().then(|| one.run.id.clone()));
            sets.push(runs);
        }
    }
    let mut blocked: BTreeSet<&RunId> = BTreeSet::new();
    for line in lines {
        for point in line.history.points.iter().rev().filter(|point| point.is_eligible()) {
            let run = &point.run;
            if sets.iter().any(|runs| runs.contains(run)) {
                break;
            }
            if blocked.contains(run) {
                continue;
            }
            if store.run(run)?.is_eligible() {
                let runs: BTreeSet<RunId> =
                    store.comparable_runs(run)?.into_iter().chain([run.clone()]).collect();
                // Of one way the set of the newest run holds all others.
                sets.retain(|other| other.is_disjoint(&runs));
                sets.push(runs);
                break;
            }
            blocked.insert(run);
        }
    }
    Ok(sets)
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

/// Puts the changes of a report down to causes, the largest of each list first.
///
/// # Errors
///
/// When a run cannot be read.
pub(in crate::commands) fn put_down(
    report: &mut TrendReport,
    config: &Config,
    store: &Store,
) -> Result<(), CliError> {
    let mut causes = Causes::new(config, store);
    let imported = report.imported;
    for change in report.slower.iter_mut().chain(&mut report.faster).chain(&mut report.decided) {
        change.cause = cause_of(change, imported, &mut causes)?;
    }
    Ok(())
}

/// What a change is put down to.
///
/// # Errors
///
/// When a run cannot be read.
pub(in crate::commands) fn cause_of(
    change: &TrendChange,
    imported: bool,
    causes: &mut Causes<'_>,
) -> Result<Option<StepCause>, CliError> {
    let Some(lead) = change.members.first() else { return Ok(None) };
    if imported {
        return Ok(Some(StepCause::unknown("imported numbers have no launches and no machine")));
    }
    if change.drift {
        return Ok(Some(StepCause::unknown("the level moved slowly: no two runs stand around it")));
    }
    let (before, after) = (&change.around.0, &change.around.1);
    causes.of(Step { benchmark: &lead.benchmark, ratio: lead.ratio, before, after })
}
