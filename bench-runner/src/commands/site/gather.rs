//! What the store knows, read once: machines, runs, the newest run of each place, and which runs get a page.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::compare::Side;
use crate::analysis::machines::compare_machines;
use crate::analysis::site_assembly::tag;
use crate::commands::knobs::Trials;
use crate::commands::load;
use crate::commands::threads::parallel;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::model::decision::{Change, Decision};
use crate::model::estimate::BenchmarkResult;
use crate::model::finding::Severity;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::{MachineListing, RunListing, SeriesKey};
use crate::model::report::{Distribution, RunReport};
use crate::model::run::{Run, RunKind, RunStatus};
use crate::model::site::{PreparedComparison, ReleaseStep, SideBySide};
use crate::store::{LineRow, RunFilter, Store, StoreError};

/// Runs read from the list.
const LISTED: u32 = 1_000_000;
/// Newest runs of each machine with a page.
const PAGES: usize = 30;
/// Newest runs of each machine whose facts are looked at.
pub(super) const LOOKED_AT: usize = 120;
/// Comparable runs back for the longer comparison.
const BACK: usize = 30;

/// Machine, configuration and recipe.
pub(super) type PlaceKey = (String, String, u32);

/// The newest run of a place.
#[derive(Debug)]
pub(super) struct Newest {
    /// Its report.
    pub report: RunReport,
    /// Observations of the run before.
    pub before: BTreeMap<BenchmarkId, Distribution>,
}

/// Everything that is read once.
#[derive(Debug)]
pub(super) struct Known {
    pub machines: Vec<MachineListing>,
    pub runs: Vec<RunListing>,
    pub by_id: BTreeMap<RunId, usize>,
    pub pages: BTreeSet<RunId>,
    /// The run that each one with a page is compared with.
    pub before: BTreeMap<RunId, Option<RunId>>,
    pub lines: BTreeMap<BenchmarkId, Vec<(SeriesKey, LineRow)>>,
    pub newest: BTreeMap<PlaceKey, Newest>,
    pub facts: BTreeMap<String, Vec<Run>>,
    pub changes: Vec<Change>,
    pub decisions: Vec<Decision>,
    /// Trials and calibrations, by which every report of a run may change.
    pub learned: String,
    pub side: SideBySide,
    pub comparisons: Vec<PreparedComparison>,
    pub releases: Vec<ReleaseStep>,
    /// What trials of knobs say, judged once for all reports.
    pub trials: Trials,
    /// Whether all of this follows from the store alone: a run without an end depends on its process too.
    pub settled: bool,
}

/// The place of a run.
pub(super) fn place(run: &RunListing) -> PlaceKey {
    (run.identity.machine.clone(), run.identity.config.clone(), run.identity.recipe)
}

/// Reads the store.
pub(super) fn gather(config: &Config, all: bool) -> Result<Known, CliError> {
    let store = load::open_to_read(config)?;
    let settled = !store.has_unfinished_runs()?;
    let runs: Vec<RunListing> = store
        .runs(&RunFilter::default(), LISTED)?
        .into_iter()
        .filter(|run| run.status != RunStatus::Running)
        .collect();
    let by_id = runs.iter().enumerate().map(|(index, run)| (run.id.clone(), index)).collect();
    let mut lines: BTreeMap<BenchmarkId, Vec<(SeriesKey, LineRow)>> = BTreeMap::new();
    for line in store.lines()? {
        lines.entry(line.0.benchmark.clone()).or_default().push(line);
    }
    let facts = facts_of(&store, &runs)?;
    let trials = Trials::of(&store, config, None)?;
    let (newest, comparisons) = newest_of(config, &runs, &trials)?;
    let changes = store.changes()?;
    let releases = releases(config, &store, &facts)?;
    let comparisons = with_releases(comparisons, &releases);
    let mut pages: BTreeSet<RunId> = changes.iter().map(|change| change.first_run.clone()).collect();
    for one in &comparisons {
        pages.extend([one.comparison.baseline.clone(), one.comparison.candidate.clone()]);
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &runs {
        let count = counts.entry(run.identity.machine.as_str()).or_insert(0);
        *count += 1;
        if all || *count <= PAGES {
            pages.insert(run.id.clone());
        }
    }
    let learned = format!("{:?}{:?}", store.knob_trials()?, store.calibrations(None, LISTED)?);
    let with_page: Vec<RunId> = pages.iter().cloned().collect();
    Ok(Known {
        learned,
        before: store.previous_of(&with_page)?,
        side: side_by_side(config, &runs)?,
        machines: store.machines()?,
        decisions: {
            let mut found = store.decisions()?;
            found.reverse();
            found
        },
        changes: {
            let mut found = changes;
            found.reverse();
            found
        },
        runs,
        by_id,
        pages,
        lines,
        newest,
        facts,
        comparisons,
        releases,
        trials,
        settled,
    })
}

/// The newest runs of each machine with their facts, oldest first; what was measured in them is left out.
fn facts_of(store: &Store, runs: &[RunListing]) -> Result<BTreeMap<String, Vec<Run>>, CliError> {
    let mut newest: BTreeMap<&str, Vec<RunId>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.kind == RunKind::Measured) {
        let of_machine = newest.entry(run.identity.machine.as_str()).or_default();
        if of_machine.len() < LOOKED_AT {
            of_machine.push(run.id.clone());
        }
    }
    let mut found = BTreeMap::new();
    for (machine, mut runs) in newest {
        runs.reverse();
        found.insert(machine.to_owned(), store.outlines(&runs)?);
    }
    Ok(found)
}

/// Reads a report; a run whose samples were pruned has none.
fn report_of(
    config: &Config,
    store: &Store,
    trials: &Trials,
    run: &RunId,
) -> Result<Option<RunReport>, CliError> {
    match load::report_with(config, store, trials, run) {
        Ok(report) => Ok(Some(report)),
        Err(error) if error.exit == exit_code::NOTHING => Ok(None),
        Err(error) => Err(error),
    }
}

/// The newest complete run of each place, and what it is compared with. Places do not know each other: each is read and compared by
/// one of a few threads.
fn newest_of(
    config: &Config,
    runs: &[RunListing],
    trials: &Trials,
) -> Result<(BTreeMap<PlaceKey, Newest>, Vec<PreparedComparison>), CliError> {
    let mut seen = BTreeSet::new();
    let first = runs.iter().filter(is_complete).filter(|run| seen.insert(place(run)));
    let mut newest: Vec<(PlaceKey, &RunId)> = first.map(|run| (place(run), &run.id)).collect();
    newest.sort();
    let read = parallel(config, &newest, usize::MAX, |store, (_, run)| {
        let Some(report) = report_of(config, store, trials, run)? else { return Ok(None) };
        let before = match &report.previous {
            Some(previous) => observations(store, &previous.baseline)?,
            None => BTreeMap::new(),
        };
        let compared = comparisons(config, store, &report)?;
        Ok(Some((Newest { report, before }, compared)))
    })?;
    let (mut found, mut comparisons) = (BTreeMap::new(), Vec::new());
    for ((place, _), one) in newest.into_iter().zip(read) {
        if let Some((newest, compared)) = one {
            found.insert(place, newest);
            comparisons.extend(compared);
        }
    }
    Ok((found, comparisons))
}

/// Whether a run was measured here, to its end.
fn is_complete(run: &&RunListing) -> bool {
    run.kind == RunKind::Measured && run.status == RunStatus::Complete
}

/// Observations of a run by benchmark and launch; empty when they were pruned.
fn observations(store: &Store, run: &RunId) -> Result<BTreeMap<BenchmarkId, Distribution>, CliError> {
    let measurements = match store.measurements(run) {
        Ok(measurements) => measurements,
        Err(StoreError::Pruned { .. }) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found: BTreeMap<BenchmarkId, Distribution> = BTreeMap::new();
    for one in measurements {
        let id = one.measurement.benchmark;
        let entry =
            found.entry(id.clone()).or_insert_with(|| Distribution { benchmark: id, launches: Vec::new() });
        entry
            .launches
            .push(one.measurement.sample.iter().map(|observation| observation.per_iteration()).collect());
    }
    Ok(found)
}

/// The newest run of a place against the one before and against one of about a month ago.
fn comparisons(
    config: &Config,
    store: &Store,
    report: &RunReport,
) -> Result<Vec<PreparedComparison>, CliError> {
    let mut found = Vec::new();
    let run = &report.run;
    let Some(previous) = &report.previous else { return Ok(found) };
    let mut add =
        |label: &str, comparison: crate::model::comparison::RunComparison| -> Result<(), CliError> {
            let started = (store.run(&comparison.baseline)?.started, run.started);
            let identity = run.identity.clone();
            found.push(PreparedComparison { label: label.to_owned(), identity, started, comparison });
            Ok(())
        };
    add("Newest run against the one before", previous.clone())?;
    let comparable = store.comparable_runs(&run.id)?;
    let older = comparable.len().checked_sub(BACK).or((comparable.len() > 2).then_some(0));
    if let Some(older) =
        older.and_then(|place| comparable.get(place)).filter(|older| **older != previous.baseline)
    {
        match load::comparison_of(config, store, (older, &run.id)) {
            Ok(comparison) => {
                add(
                    &format!("Newest run against the one {} runs back", comparable.len().min(BACK)),
                    comparison,
                )?;
            }
            Err(error) if error.exit == exit_code::NOTHING => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The comparisons with those of releases that are not among them.
fn with_releases(mut found: Vec<PreparedComparison>, releases: &[ReleaseStep]) -> Vec<PreparedComparison> {
    for step in releases {
        let pair =
            |one: &PreparedComparison| (one.comparison.baseline.clone(), one.comparison.candidate.clone());
        if !found.iter().any(|one| pair(one) == pair(&step.comparison)) {
            found.push(step.comparison.clone());
        }
    }
    found
}

/// The newest two tags of each place, compared.
fn releases(
    config: &Config,
    store: &Store,
    facts: &BTreeMap<String, Vec<Run>>,
) -> Result<Vec<ReleaseStep>, CliError> {
    let mut found = Vec::new();
    for runs in facts.values() {
        let mut places: BTreeMap<&str, Vec<(String, &Run)>> = BTreeMap::new();
        for run in runs {
            if let Some(tag) = tag(run) {
                let tagged = places.entry(&run.identity.config).or_default();
                tagged.retain(|(known, _)| *known != tag);
                tagged.push((tag, run));
            }
        }
        for tagged in places.values() {
            for pair in tagged.windows(2).rev().take(3) {
                let [(old, before), (new, after)] = pair else { continue };
                let comparison = match load::comparison_of(config, store, (&before.id, &after.id)) {
                    Ok(comparison) => comparison,
                    Err(error) if error.exit == exit_code::NOTHING => continue,
                    Err(error) => return Err(error),
                };
                found.push(ReleaseStep {
                    tags: (old.clone(), new.clone()),
                    comparison: PreparedComparison {
                        label: format!("{new} against {old}"),
                        identity: after.identity.clone(),
                        started: (before.started, after.started),
                        comparison,
                    },
                });
            }
        }
    }
    Ok(found)
}

/// Doubts of a run that a reader of the first page should know, in words.
pub(super) fn doubts(run: &Run) -> Vec<String> {
    let serious = run.findings.iter().filter(|finding| finding.severity >= Severity::Warning);
    serious.map(|finding| format!("{}: {}; {}", finding.evidence, finding.effect, finding.remedy)).collect()
}

/// The newest run of each place that measured the newest commit, side by side; who does not fit is left out and named.
fn side_by_side(config: &Config, runs: &[RunListing]) -> Result<SideBySide, CliError> {
    let none = |reason: &str| SideBySide { comparison: None, refused: vec![reason.to_owned()] };
    let Some(commit) = runs.iter().find(is_complete).and_then(|run| run.commit.clone()) else {
        return Ok(none("the newest run does not know its commit, so that no machine can stand beside it"));
    };
    let mut seen = BTreeSet::new();
    let same = runs.iter().filter(is_complete).filter(|run| run.commit.as_ref() == Some(&commit));
    let sides: Vec<&RunId> = same.filter(|run| seen.insert(place(run))).map(|run| &run.id).collect();
    let read = parallel(config, &sides, usize::MAX, |store, run| match load::with_results(store, run) {
        Ok(side) => Ok(Some(side)),
        Err(error) if error.exit == exit_code::NOTHING => Ok(None),
        Err(error) => Err(error),
    })?;
    let mut loaded: Vec<(Run, Vec<BenchmarkResult>)> = read.into_iter().flatten().collect();
    // The reference is the machine that measured most: the newest run would make it change from night to night.
    let runs_of = |machine: &str| runs.iter().filter(|run| run.identity.machine == machine).count();
    loaded.sort_by_key(|(run, _)| std::cmp::Reverse(runs_of(&run.identity.machine)));
    let mut refused = Vec::new();
    while loaded.len() >= 2 {
        let sides: Vec<Side<'_>> = loaded.iter().map(|(run, results)| Side { run, results }).collect();
        match compare_machines(&sides, 1.0 - config.comparison_level) {
            Ok(found) => return Ok(SideBySide { comparison: Some(found), refused }),
            Err(refusal) => {
                let Some(index) = loaded.iter().position(|(run, _)| run.id == refusal.run) else { break };
                let (run, _) = loaded.remove(index);
                let name = run.identity.label.unwrap_or(run.identity.machine);
                refused.push(format!("{name} (run {}): {}", run.id.short(), refusal.reason));
            }
        }
    }
    refused.push(format!(
        "only one machine measured commit {} in a way that can stand beside others",
        commit.chars().take(12).collect::<String>()
    ));
    Ok(SideBySide { comparison: None, refused })
}
