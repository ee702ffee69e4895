//! What the pages of the site show, decided in pure steps: each line with its steps, and what the first page says.
//!
//! How a line stands is what the trend says ([`Told`]); steps over its whole history come from `change_points`, words of the
//! gate from the store. It formats nothing beyond reasons.

mod marks;
mod overview;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::change_points::group::NEAR;
use super::change_points::robust::Robust;
use crate::model::change_point::{ChangeKind, ChangePoint};
use crate::model::decision::{Change, ChangeState};
use crate::model::gate::GateOutcome;
use crate::model::history::{History, HistoryPoint};
use crate::model::site::{LevelStep, LineSummary, SiteLine};
use crate::stats::distributions::t_quantile;

pub use marks::{marks, tag};
pub use overview::{MachineInput, OverviewInput, feed_of, overview};
pub use standing::{Answer, Told};

/// Confidence level of the interval of one point.
pub const LEVEL: f64 = 0.95;
/// Values of a sparkline.
pub const SPARK: usize = 20;
/// Points that a page looks at, the newest: about eleven years of nights.
pub const MOST_POINTS: usize = 4_000;

/// Working memory for one line after the other: it holds nothing that a line could tell from another.
#[derive(Debug, Default)]
pub struct Memory {
    engine: Robust,
    quantiles: Quantiles,
}

/// Puts a line together: its points, their intervals, its steps, and how it stands.
///
/// `noted` is what the gate noted, of all lines.
#[must_use]
pub fn line(
    memory: &mut Memory,
    mut history: History,
    noted: &[Change],
    told: &Told<'_>,
    budget: Option<&GateOutcome>,
) -> SiteLine {
    let excess = history.points.len().saturating_sub(MOST_POINTS);
    history.points.drain(..excess);
    let values: Vec<Option<f64>> =
        history.points.iter().map(|point| point.is_eligible().then_some(point.value)).collect();
    let found = memory.engine.analyze(&values);
    let steps: Vec<LevelStep> =
        found.changes.iter().filter_map(|change| level_step(&history, change, noted)).collect();
    let (standing, reason, moved) = told.about(&history);
    SiteLine {
        intervals: history.points.iter().map(|point| interval(point, &mut memory.quantiles)).collect(),
        level: LEVEL,
        steps,
        standing,
        reason,
        moved,
        budget: budget.cloned(),
        history,
    }
}

/// Student's quantile for each number of launches that was met: lines have few of them, and a quantile costs as much as a
/// thousand points.
#[derive(Debug, Default)]
struct Quantiles(BTreeMap<u32, Option<f64>>);

impl Quantiles {
    fn of(&mut self, launches: u32) -> Option<f64> {
        let quantile = || t_quantile(f64::midpoint(1.0, LEVEL), f64::from(launches) - 1.0);
        *self.0.entry(launches).or_insert_with(quantile)
    }
}

/// Student's interval of one point over its launches, on logarithms.
fn interval(point: &HistoryPoint, quantiles: &mut Quantiles) -> Option<(f64, f64)> {
    let launches = f64::from(point.launches);
    let spread = point.log_sd.filter(|_| point.launches >= 2)?;
    let reach = quantiles.of(point.launches)? * spread / launches.sqrt();
    Some((point.value * (-reach).exp(), point.value * reach.exp()))
}

/// A change point with its runs, commits and state.
fn level_step(history: &History, change: &ChangePoint, noted: &[Change]) -> Option<LevelStep> {
    let points = &history.points;
    let first = points.get(change.index)?;
    let before = points[..change.index].iter().rfind(|point| point.is_eligible());
    let known = noted.iter().find(|other| {
        other.series == history.key
            && points
                .iter()
                .position(|point| point.run == other.first_run)
                .is_some_and(|index| index.abs_diff(change.index) <= NEAR)
    });
    let runs = points.get(change.index..change.end.min(points.len()))?;
    Some(LevelStep {
        kind: change.kind,
        index: change.index,
        first_run: first.run.clone(),
        started: first.started,
        last_before: before.map(|point| point.run.clone()),
        commits: (before.and_then(|point| point.commit.clone()), first.commit.clone()),
        levels: (change.before, change.after),
        ratio: change.ratio,
        ratio_interval: change.ratio_interval,
        runs: u32::try_from(runs.iter().filter(|point| point.is_eligible()).count()).unwrap_or(u32::MAX),
        state: known.map_or(ChangeState::New, |known| known.state),
        change: known.map(|known| known.id.clone()),
    })
}

/// What other pages say about a line.
#[must_use]
pub fn summary(line: &SiteLine) -> LineSummary {
    let points = &line.history.points;
    let last = points.last();
    let recent = points.get(points.len().saturating_sub(SPARK)..).unwrap_or_default();
    LineSummary {
        benchmark: line.history.key.benchmark.clone(),
        metric: line.history.key.metric.clone(),
        machine: line.history.key.machine.clone(),
        config: line.history.key.config.clone(),
        standing: line.standing,
        reason: line.reason.clone(),
        value: last.map(|point| (point.value, line.intervals.last().copied().flatten())),
        latest: last.map(|point| (point.run.clone(), point.started)),
        moved: line.moved.clone(),
        recent: recent.iter().map(|point| point.is_eligible().then_some(point.value)).collect(),
        steps: line.steps.iter().filter(|step| step.kind == ChangeKind::Step).cloned().collect(),
        points: u32::try_from(points.len()).unwrap_or(u32::MAX),
    }
}
