//! What is open about tonight: benchmarks that are unusual and not settled, and machines whose benchmarks moved as one.
//!
//! A question stays open from the night that raised it until somebody, a second measurement or the following nights
//! answer it: silence is no answer.

use super::{Again, TonightRun, TrendInput};
use crate::analysis::gate::history::{Look, waiver_of};
use crate::analysis::screen::WATCHED;
use crate::model::comparison::Verdict;
use crate::model::decision::{ChangeState, change_id};
use crate::model::gate::{SeriesAnswer, SeriesOutcome, Waiver};
use crate::model::ids::RunId;
use crate::model::trend::{Moved, TrendChange, Undecided};
use crate::stats::order::median;
use crate::stats::scale::MAD_TO_SD;

/// Robust standard deviations of the nights on a level within which tonight is on it as well.
const ON_LEVEL: f64 = 3.0;

/// Nights on a level, the latest ones, that tell how far they scatter about it.
const LATEST: usize = 9;

/// All benchmarks of a machine moved together.
pub(super) struct Shift {
    /// Common factor of tonight, as a logarithm.
    pub(super) factor: f64,
    /// Nights that it may have lasted, tonight included.
    pub(super) nights: usize,
    /// Whether each benchmark is watched for it: then it says what there is to say about each.
    pub(super) of_each: bool,
}

/// Whether the machine moved as one tonight, or did some nights ago and is not back.
pub(super) fn shift(input: &TrendInput<'_>, seen: &Look) -> Option<Shift> {
    // A suite too small for a common factor is watched benchmark by benchmark.
    let judged: Vec<&SeriesOutcome> =
        seen.outcomes.iter().filter(|outcome| outcome.answer != SeriesAnswer::NotJudged).collect();
    let of_each = judged.len() > 1 && judged.iter().all(|outcome| outcome.answer == SeriesAnswer::Watched);
    if let Some((factor, _)) = seen.machine {
        return Some(Shift { factor, nights: 1, of_each });
    }
    let watched = || {
        let changes: Vec<f64> = judged.iter().filter_map(|outcome| outcome.ratio).map(f64::ln).collect();
        median(&changes).filter(|_| of_each).map(|factor| (factor, WATCHED + 1))
    };
    let (factor, nights) = seen.lasting.or_else(watched)?;
    (factor.abs() >= input.frame.margin.ln_1p()).then_some(Shift { factor, nights, of_each })
}

/// A run and those before it that it may be judged with, the newest first: as many as there are nights.
pub(super) fn last_runs(tonight: &TonightRun, nights: usize) -> impl Iterator<Item = &RunId> + Clone {
    let before = tonight.comparable.iter().rev().take(nights.saturating_sub(1));
    std::iter::once(&tonight.run.id).chain(before)
}

/// Whether what was measured again of one of these runs is as the code before it.
pub(super) fn is_machine<'a>(input: &TrendInput<'_>, mut runs: impl Iterator<Item = &'a RunId>) -> bool {
    runs.any(|run| {
        let again: Vec<&Again> = input.again.iter().filter(|again| again.run == *run).collect();
        !again.is_empty() && again.iter().all(|again| again.verdict == Verdict::Unchanged)
    })
}

/// What is open about one benchmark of tonight, if anything is.
pub(super) fn question(
    input: &TrendInput<'_>,
    tonight: &TonightRun,
    outcome: &SeriesOutcome,
    machine: usize,
) -> Option<Undecided> {
    let far = || outcome.ratio.is_none_or(|ratio| ratio.ln().abs() >= input.frame.margin.ln_1p());
    let (suspect, nights) = match outcome.answer {
        SeriesAnswer::Inconclusive | SeriesAnswer::Unknown => (true, 1),
        // An alert of the nights before that is still there; nearer to what was expected it has gone back.
        SeriesAnswer::Watched if far() => (true, WATCHED + 1),
        SeriesAnswer::NotJudged => (false, 1),
        _ => return None,
    };
    let runs = last_runs(tonight, nights);
    let waiver = waiver(input, outcome, runs.clone());
    if waiver.is_some_and(|waiver| input.frame.now < waiver.until) {
        return None;
    }
    if suspect && is_decided(input, tonight, outcome, runs.clone()) {
        return None;
    }
    let again = input.again.iter().rev().find(|again| {
        again.benchmark == outcome.series.benchmark
            && again.metric == outcome.series.metric
            && runs.clone().any(|run| again.run == *run)
    });
    let reason = match again.map(|again| again.verdict) {
        // It was measured again in turns with earlier code, and is as before: the night was unusual, the code is not.
        Some(Verdict::Unchanged) if suspect => return None,
        Some(Verdict::Inconclusive) => format!("measured again without an answer: {}", outcome.reason),
        _ => outcome.reason.clone(),
    };
    Some(Undecided {
        machine,
        benchmark: outcome.series.benchmark.clone(),
        ratio: outcome.ratio,
        suspect,
        reason,
    })
}

/// What says that a suspect does not count: the screen asks for one on the night of its alert only.
fn waiver<'a>(
    input: &TrendInput<'_>,
    outcome: &SeriesOutcome,
    runs: impl Iterator<Item = &'a RunId>,
) -> Option<Waiver> {
    outcome.waiver.clone().or_else(|| {
        let mut names: Vec<String> = runs.map(|run| change_id(&outcome.series, run)).collect();
        names.push(outcome.series.benchmark.to_string());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        waiver_of(input.decisions, &names).filter(|_| outcome.answer == SeriesAnswer::Watched)
    })
}

/// Whether somebody decided about a change that began with one of these runs. A repair says nothing about runs after it.
fn is_decided<'a>(
    input: &TrendInput<'_>,
    tonight: &TonightRun,
    outcome: &SeriesOutcome,
    runs: impl Iterator<Item = &'a RunId> + Clone,
) -> bool {
    input.changes.iter().filter(|change| change.series == outcome.series).any(|change| {
        let counts = match change.state {
            ChangeState::New => false,
            ChangeState::Accepted | ChangeState::Noise => true,
            ChangeState::Fixed => {
                change.decision.as_ref().is_some_and(|decision| tonight.run.started < decision.at)
            }
        };
        counts && runs.clone().any(|run| change.first_run == *run)
    })
}

/// Whether a listed change tells what is unusual tonight: it began tonight, or tonight's value is on its new level.
pub(super) fn is_explained(
    input: &TrendInput<'_>,
    listed: &[&TrendChange],
    outcome: &SeriesOutcome,
    run: &RunId,
) -> bool {
    let of_series =
        |moved: &&Moved| moved.benchmark == outcome.series.benchmark && moved.metric == outcome.series.metric;
    listed.iter().any(|change| {
        change.members.iter().filter(of_series).any(|moved| {
            moved.first == *run || outcome.value.is_some_and(|value| is_on_level(input, change, moved, value))
        })
    })
}

/// Whether a value is as near to a new level as the nights on it are, or nearer than the margin.
fn is_on_level(input: &TrendInput<'_>, change: &TrendChange, moved: &Moved, value: f64) -> bool {
    let off = |value: f64| (value / moved.after).ln().abs();
    let since = input.night(change.since).unwrap_or(0);
    // The newest value is tonight's: it does not speak for itself.
    let nights = moved.values.iter().skip(since).flatten().rev().skip(1).take(LATEST);
    let usual = median(&nights.map(|value| off(*value)).collect::<Vec<f64>>());
    off(value) <= usual.map_or(0.0, |usual| ON_LEVEL * MAD_TO_SD * usual).max(input.frame.margin.ln_1p())
}
