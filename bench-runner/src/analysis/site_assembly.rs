//! What the pages of the site show, decided in pure steps: how each line stands, and what the first page says.
//!
//! Verdicts of two runs come from `compare`, steps from `change_points`, words of the gate from the store; this brings them
//! together and decides the order. It formats nothing beyond reasons.

mod overview;
#[cfg(test)]
mod tests;

use super::change_points::group::NEAR;
use super::change_points::robust::{FEWEST, Robust};
use super::words;
use crate::model::change_point::{ChangeKind, ChangePoint};
use crate::model::comparison::{Comparison, Verdict};
use crate::model::decision::{Change, ChangeState};
use crate::model::gate::GateOutcome;
use crate::model::history::{History, HistoryPoint};
use crate::model::ids::RunId;
use crate::model::site::{LevelStep, LineSummary, Moved, SiteLine, Standing};
use crate::model::units::Metric;
use crate::stats::distributions::t_quantile;

pub use overview::{MachineInput, OverviewInput, feed_of, overview, stale_after};

/// Confidence level of the interval of one point.
pub const LEVEL: f64 = 0.95;
/// Runs after which a step is history rather than news.
pub const RECENT: usize = 30;
/// Values of a sparkline.
pub const SPARK: usize = 20;
/// Points that a page looks at, the newest: about eleven years of nights.
pub const MOST_POINTS: usize = 4_000;

/// What is known about a line besides its points.
#[derive(Debug, Clone, Copy)]
pub struct LineInput<'a> {
    /// What the gate noted, of all lines.
    pub changes: &'a [Change],
    /// The newest run of the place.
    pub newest: Option<&'a RunId>,
    /// The benchmark's row in the comparison of that run with the one before.
    pub row: Option<&'a Comparison>,
    /// Its budget judged on that run.
    pub budget: Option<&'a GateOutcome>,
    /// Margin within which a change does not matter, as a fraction.
    pub margin: f64,
}

/// Decides how a line stands; `engine` is working memory.
#[must_use]
pub fn line(engine: &mut Robust, mut history: History, input: &LineInput<'_>) -> SiteLine {
    let excess = history.points.len().saturating_sub(MOST_POINTS);
    history.points.drain(..excess);
    let values: Vec<Option<f64>> =
        history.points.iter().map(|point| point.is_eligible().then_some(point.value)).collect();
    let found = engine.analyze(&values);
    let steps: Vec<LevelStep> =
        found.changes.iter().filter_map(|change| level_step(&history, change, input.changes)).collect();
    let scale = found.scale.unwrap_or(0.0).max(1e-4);
    let (standing, reason, moved) = standing(&history, &steps, scale, input);
    SiteLine {
        intervals: history.points.iter().map(interval).collect(),
        level: LEVEL,
        steps,
        standing,
        reason,
        moved,
        budget: input.budget.cloned(),
        history,
    }
}

/// Student's interval of one point over its launches, on logarithms.
fn interval(point: &HistoryPoint) -> Option<(f64, f64)> {
    let launches = f64::from(point.launches);
    let spread = point.log_sd.filter(|_| point.launches >= 2)?;
    let reach = t_quantile(f64::midpoint(1.0, LEVEL), launches - 1.0)? * spread / launches.sqrt();
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

type Answer = (Standing, String, Option<Moved>);

/// Whether a larger value of the metric is worse.
fn is_worse(metric: &Metric, ratio: f64) -> bool {
    if metric.bigger_is_better() { ratio < 1.0 } else { ratio > 1.0 }
}

/// The answer about the newest run of a line.
fn standing(history: &History, steps: &[LevelStep], scale: f64, input: &LineInput<'_>) -> Answer {
    let Some(last) = history.points.last() else {
        return (Standing::CannotTell, "there is no point yet".to_owned(), None);
    };
    if input.newest.is_some_and(|newest| *newest != last.run) {
        return (
            Standing::NotRun,
            format!(
                "the newest run of this machine has no value; the last one is of run {}",
                last.run.short()
            ),
            None,
        );
    }
    if let Some(why) = &last.quarantined {
        return (Standing::CannotTell, format!("the newest run was put aside: {why}"), None);
    }
    if !last.is_eligible() {
        return (Standing::CannotTell, "the newest run is partial or not measured here".to_owned(), None);
    }
    let recent = history.points.len().saturating_sub(RECENT);
    let step = steps.iter().rfind(|step| step.kind == ChangeKind::Step).filter(|step| {
        step.index >= recent
            && step.state == ChangeState::New
            && step.ratio.ln().abs() >= input.margin.ln_1p()
    });
    if let Some(step) = step {
        let moved = moved_by_step(step, scale);
        let word =
            if is_worse(&history.key.metric, step.ratio) { Standing::Slower } else { Standing::Faster };
        let reason =
            format!("the level changed and stayed for {}", words::count(u64::from(step.runs), "run"));
        return (word, reason, Some(moved));
    }
    let eligible = history.points.iter().filter(|point| point.is_eligible()).count();
    by_comparison(history, eligible, scale, input)
}

/// The answer of the comparison with the run before, where no step is there.
fn by_comparison(history: &History, eligible: usize, scale: f64, input: &LineInput<'_>) -> Answer {
    let enough = eligible >= FEWEST;
    let Some(row) = input.row else {
        return if enough {
            (Standing::Quiet, format!("no step in {} runs", eligible.min(RECENT)), None)
        } else {
            let reason =
                format!("{eligible} of {FEWEST} runs that a history needs, and no comparable run before");
            (Standing::CannotTell, reason, None)
        };
    };
    match row.verdict {
        Verdict::Regressed | Verdict::Improved => {
            let word = if row.verdict == Verdict::Regressed { Standing::Slower } else { Standing::Faster };
            let moved = moved_by_row(history, row, scale);
            (
                word,
                "seen in the newest run only: the next one will tell whether it stays".to_owned(),
                Some(moved),
            )
        }
        Verdict::Unchanged => (Standing::Quiet, row.reason.clone(), None),
        Verdict::Inconclusive if enough => {
            (Standing::Quiet, format!("no step in the last {} runs", eligible.min(RECENT)), None)
        }
        Verdict::Inconclusive | Verdict::NotComparable => (Standing::CannotTell, row.reason.clone(), None),
    }
}

fn moved_by_step(step: &LevelStep, scale: f64) -> Moved {
    Moved {
        ratio: step.ratio,
        interval: step.ratio_interval,
        since: step.first_run.clone(),
        started: step.started,
        before: step.last_before.clone(),
        commits: step.commits.clone(),
        runs: step.runs,
        change: step.change.clone(),
        severity: step.ratio.ln().abs() / scale,
    }
}

fn moved_by_row(history: &History, row: &Comparison, scale: f64) -> Moved {
    let points = &history.points;
    let commit =
        |run: &RunId| points.iter().find(|point| point.run == *run).and_then(|point| point.commit.clone());
    let started = points.iter().find(|point| point.run == row.candidate).or(points.last());
    Moved {
        ratio: row.ratio,
        interval: row.ratio_interval,
        since: row.candidate.clone(),
        started: started.map_or(crate::model::units::Timestamp(0), |point| point.started),
        before: Some(row.baseline.clone()),
        commits: (commit(&row.baseline), commit(&row.candidate)),
        runs: 1,
        change: None,
        severity: row.ratio.ln().abs() / scale,
    }
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
