//! What steps are put down to: loads the runs around each and asks `analysis::explain`. Shared by `trend` and `changes`.
//!
//! Runs are read by the medians of their launches, which are cheap and outlive pruning.

use std::collections::BTreeMap;

use super::load;
use crate::analysis::compare::Side;
use crate::analysis::explain::around;
use crate::config::Config;
use crate::error::CliError;
use crate::model::estimate::{BenchmarkResult, Estimate, Statistic};
use crate::model::explain::StepCause;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::measurement::LaunchSummary;
use crate::model::run::Run;
use crate::stats::order::median;
use crate::store::{LaunchMedians, Store};

/// Steps that are looked into: each needs up to four runs.
const LOOKED_INTO: u32 = 40;

/// Runs that are remembered; steps of one night share theirs.
const REMEMBERED: usize = 32;

/// A step and the runs around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// Which benchmark moved.
    pub(super) benchmark: &'a BenchmarkId,
    /// New level over old.
    pub(super) ratio: f64,
    /// Runs of the old level, the nearest first.
    pub(super) before: &'a [RunId],
    /// Runs of the new level, the nearest first.
    pub(super) after: &'a [RunId],
}

/// Finds causes and remembers the runs that it read.
pub(super) struct Causes<'a> {
    config: &'a Config,
    store: &'a Store,
    left: u32,
    loaded: BTreeMap<RunId, (Run, Vec<BenchmarkResult>)>,
}

impl<'a> Causes<'a> {
    /// Begins without having read anything.
    pub(super) fn new(config: &'a Config, store: &'a Store) -> Self {
        Self { config, store, left: LOOKED_INTO, loaded: BTreeMap::new() }
    }

    /// What a step is put down to; `None` once enough steps were looked into.
    ///
    /// # Errors
    ///
    /// When a run cannot be read.
    pub(super) fn of(&mut self, step: Step<'_>) -> Result<Option<StepCause>, CliError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        if step.before.is_empty() {
            return Ok(Some(StepCause::unknown("the store has no run of the level before")));
        }
        if self.loaded.len() > REMEMBERED {
            self.loaded.clear();
        }
        for run in step.before.iter().chain(step.after) {
            if !self.loaded.contains_key(run) {
                let loaded = (self.store.run(run)?, self.store.launch_medians(run)?);
                let results = loaded.1.into_iter().filter_map(result).collect();
                self.loaded.insert(run.clone(), (loaded.0, results));
            }
        }
        let sides = |runs: &[RunId]| -> Vec<Side<'_>> {
            let known = runs.iter().filter_map(|run| self.loaded.get(run));
            known
                .filter(|(_, results)| !results.is_empty())
                .map(|(run, results)| Side { run, results })
                .collect()
        };
        let (old, new) = (sides(step.before), sides(step.after));
        if old.is_empty() || new.is_empty() {
            let side = if old.is_empty() { step.before } else { step.after };
            let names: Vec<&str> = side.iter().map(RunId::short).collect();
            let why = format!("the measurements of {} are not in the store (any more)", names.join(" and "));
            return Ok(Some(StepCause::unknown(why)));
        }
        // The nearest two first; then one of them and the next one, in case the step is dated a night too early or late.
        let mut pairs: Vec<(usize, (Side<'_>, Side<'_>))> = Vec::new();
        for (far, before) in old.iter().enumerate() {
            for (further, after) in new.iter().enumerate() {
                pairs.push((far + further, (*before, *after)));
            }
        }
        pairs.sort_by_key(|(distance, _)| *distance);
        let pairs: Vec<(Side<'_>, Side<'_>)> = pairs.into_iter().map(|(_, pair)| pair).collect();
        let settings = match new.first() {
            Some(side) => load::settings_of(self.config, self.store, side.run)?,
            None => load::settings(self.config),
        };
        Ok(Some(around((step.benchmark, step.ratio), &pairs, &settings)))
    }
}

/// A result with what medians alone can say.
fn result(medians: LaunchMedians) -> Option<BenchmarkResult> {
    let LaunchMedians { benchmark, metric, launches } = medians;
    let values: Vec<f64> = launches.iter().map(|(_, median, _)| *median).collect();
    let estimate = Estimate {
        statistic: Statistic::MedianOfLaunchMedians,
        value: median(&values)?,
        interval: None,
        launches: u32::try_from(launches.len()).unwrap_or(u32::MAX),
        observations: launches.iter().map(|(.., observations)| u64::from(*observations)).sum(),
    };
    let summary = |(launch, median, observations): (u32, f64, u32)| LaunchSummary {
        launch,
        observations,
        minimum: median,
        lower_quartile: median,
        median,
        upper_quartile: median,
        maximum: median,
        mean: median,
        slope: None,
    };
    Some(BenchmarkResult {
        benchmark,
        metric,
        throughput: Vec::new(),
        estimate,
        launches: launches.into_iter().map(summary).collect(),
        launch_variance_share: None,
        findings: Vec::new(),
    })
}
