//! Why benchmarks moved between two runs: facts, canaries, common factor, executables, and one label.
//!
//! The decision is a table of rules over a small set of evidence (`docs/explain.md`), so that each label can be traced to
//! the lines that gave it. Missing evidence leads to *unknown*, never to a guess; an unchanged executable is never *code*.

mod around;
mod changes;
mod decide;
mod gather;
#[cfg(test)]
mod tests;

use super::compare::{CompareSettings, Side};
use super::words;
use crate::model::explain::{Change, Explanation, Replay, Shift};
use crate::model::ids::BenchmarkId;
use crate::stats::interval::one_sample;

pub use around::around;
pub use changes::changes;
pub use decide::{Evidence, Pattern, Ruling, decide};

/// Change of the clock that counts as a change, as a fraction: the canary repeats within 1 %.
pub const CLOCK: f64 = 0.015;
/// Change of contention or of the CPU share that counts as a change, as a fraction.
pub const CONTENTION: f64 = 0.05;
/// Series from which on a pattern over all of them says something.
pub const FEWEST_SERIES: usize = 4;
/// Share of series that must have stayed for a shift to be selective.
pub const STAYED: f64 = 0.25;
/// How far a series may be from a common factor and still follow it, as a share of that factor.
pub const SPREAD: f64 = 0.25;

/// What is to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The first run with its results.
    pub before: Side<'a>,
    /// The second run with its results.
    pub after: Side<'a>,
    /// Only this benchmark's move is asked about; the others still tell what is common.
    pub benchmark: Option<&'a BenchmarkId>,
    /// What a replay of the first run's executable showed.
    pub replay: Option<&'a Replay>,
    /// Margin and level.
    pub settings: &'a CompareSettings,
}

/// Explains.
///
/// # Edge cases
/// Total: runs without launches, facts or executables give *unknown* or *no shift* with the reason.
#[must_use]
pub fn explain(question: &Question<'_>) -> Explanation {
    let shifts = gather::shifts(question);
    let changes = changes(question.before.run, question.after.run);
    let evidence = gather::evidence(question, &shifts, &changes);
    let ruling = decide(&evidence);
    let mut lines = gather::lines(question, &evidence, &shifts, &changes);
    lines.insert(0, ruling.why.clone());
    let common = common(&shifts);
    Explanation {
        before: question.before.run.id.clone(),
        after: question.after.run.id.clone(),
        benchmark: question.benchmark.cloned(),
        cause: ruling.cause,
        rule: ruling.rule,
        evidence: lines,
        next: ruling.next.to_owned(),
        common,
        clock_ratio: evidence.clock,
        contention_ratio: evidence.contention,
        changes: sorted(changes),
        shifts: largest_first(shifts),
        replay: question.replay.cloned(),
    }
}

/// Geometric mean ratio over all series that have an interval, with Student's interval over the series.
fn common(shifts: &[Shift]) -> Option<(f64, (f64, f64), u32)> {
    let logs: Vec<f64> =
        shifts.iter().filter(|shift| shift.interval.is_some()).map(|shift| shift.ratio.ln()).collect();
    let t = one_sample(&logs, 0.95)?;
    let count = u32::try_from(logs.len()).unwrap_or(u32::MAX);
    Some((t.estimate.exp(), (t.low.exp(), t.high.exp()), count))
}

/// What can move time first, then by key.
fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by(|a, b| (a.cause.is_none(), a.cause, &a.key).cmp(&(b.cause.is_none(), b.cause, &b.key)));
    changes
}

fn largest_first(mut shifts: Vec<Shift>) -> Vec<Shift> {
    shifts.sort_by(|a, b| {
        b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()).then_with(|| a.benchmark.cmp(&b.benchmark))
    });
    shifts
}

/// A ratio as a signed change: `+4.5 %`.
fn change(ratio: f64) -> String {
    words::change(ratio - 1.0)
}
