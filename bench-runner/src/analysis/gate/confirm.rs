//! The suspects measured again: what is asked, and what the answers do to the outcomes.
//!
//! How the measuring is done is not known here; see [`Confirm`].

use super::history::{Look, Suspect};
use super::steps;
use crate::analysis::evaluate::simulate::CONFIRM_ALPHA;
use crate::model::gate::{Confirmation, MachineShift, SeriesAnswer, SeriesOutcome};
use crate::model::ids::{BenchmarkId, Digest, RunId};
use crate::model::units::Metric;

/// Chance of any false confirmation that one night may have, shared equally by its suspects.
pub const NIGHT_ALPHA: f64 = CONFIRM_ALPHA;

/// One suspect as a measurer sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Runs whose executable may be the baseline, the best first.
    pub baselines: Vec<(RunId, Option<Digest>)>,
    /// Chance of a false "regressed" or "improved" that this suspect may have.
    pub alpha: f64,
    /// Tonight's value in the unit of the metric.
    pub value: Option<f64>,
}

/// Measures suspects again: the executable of an earlier run against that of the candidate, in turns.
pub trait Confirm {
    /// Gives one answer for each suspect, in their order. What could not be measured is *unknown* with the reason; nothing is left
    /// out.
    fn confirm(&mut self, candidate: &RunId, asked: &[Asked]) -> Vec<Confirmation>;

    /// Whether suspects are measured again although their executable is that of their baseline: nothing can have changed then,
    /// and what is confirmed all the same is a false answer.
    fn measures_equal(&self) -> bool {
        false
    }
}

/// Has the suspects of `look` measured again, and writes the answers into its outcomes; without a measurer they stay open.
///
/// Returns what is known of an event of the machine, if one began.
pub fn confirm(
    look: &mut Look,
    candidate: &RunId,
    measurer: Option<&mut dyn Confirm>,
) -> Option<MachineShift> {
    let alpha = NIGHT_ALPHA / look.suspects.len().max(1) as f64;
    let suspects = look.suspects.clone();
    let measures_equal = measurer.as_ref().is_some_and(|measurer| measurer.measures_equal());
    let mut answers: Vec<Option<Confirmation>> =
        suspects.iter().map(|suspect| without_measuring(suspect, alpha, measures_equal)).collect();
    if let Some(measurer) = measurer {
        let open: Vec<usize> = (0..suspects.len()).filter(|index| answers[*index].is_none()).collect();
        let asked: Vec<Asked> = open.iter().map(|index| asked(look, &suspects[*index], alpha)).collect();
        let given = if asked.is_empty() { Vec::new() } else { measurer.confirm(candidate, &asked) };
        let mut given = given.into_iter();
        for index in open {
            let silent = || nothing(SeriesAnswer::Unknown, alpha, "the measurer gave no answer".to_owned());
            answers[index] = Some(given.next().unwrap_or_else(silent));
        }
    }
    for (suspect, answer) in suspects.iter().zip(&answers) {
        write(&mut look.outcomes[suspect.place], suspect, answer.clone());
    }
    let (factor, series) = look.machine?;
    // Where every series is a suspect itself, nobody is left to stand for the others: then they speak.
    let speak = |of: &dyn Fn(&Suspect) -> bool| -> Vec<SeriesAnswer> {
        let heard = suspects.iter().zip(&answers).filter(|(suspect, _)| of(suspect));
        heard.filter_map(|(_, answer)| Some(answer.as_ref()?.answer)).collect()
    };
    let mut heard = speak(&|suspect| suspect.represents);
    if suspects.iter().all(|suspect| !suspect.represents) {
        heard = speak(&|suspect| !suspect.open);
    }
    Some(MachineShift { ratio: factor.exp(), series, answer: majority(&heard) })
}

/// Writes the answer about a suspect into its outcome.
///
/// One that stands for the machine keeps its own answer, which the screen gave, unless it was confirmed to have changed: that is a
/// change of its own whatever the others say, and stays open until somebody decides.
fn write(outcome: &mut SeriesOutcome, suspect: &Suspect, answer: Option<Confirmation>) {
    let Some(answer) = answer else {
        if !suspect.represents {
            outcome.reason.push_str("; not measured again");
        }
        return;
    };
    let changed = matches!(answer.answer, SeriesAnswer::Regressed | SeriesAnswer::Improved);
    if suspect.represents && !changed {
        outcome.confirmation = Some(answer);
        return;
    }
    if suspect.represents {
        outcome.change = Some(suspect.change.clone());
    }
    outcome.answer = answer.answer;
    outcome.reason = format!("{}; {}", outcome.reason, answer.reason);
    outcome.steps.extend(steps::confirmed(&answer));
    outcome.confirmation = Some(answer);
}

/// What is known before anything is measured: equal executables are equal code.
fn without_measuring(suspect: &Suspect, alpha: f64, measures_equal: bool) -> Option<Confirmation> {
    let Some((run, digest)) = suspect.baselines.first() else {
        let text = "no earlier run of its level to measure it against".to_owned();
        return Some(nothing(SeriesAnswer::Unknown, alpha, text));
    };
    let equal = digest.is_some() && *digest == suspect.executable && !measures_equal;
    equal.then(|| Confirmation {
        baseline: Some(run.clone()),
        ..nothing(
            SeriesAnswer::Refuted,
            alpha,
            "both runs ran the same executable, so the code cannot be the cause".to_owned(),
        )
    })
}

/// An answer without numbers.
#[must_use]
pub fn nothing(answer: SeriesAnswer, alpha: f64, reason: String) -> Confirmation {
    Confirmation {
        answer,
        ratio: None,
        interval: None,
        alpha,
        baseline: None,
        experiment: None,
        blocks: 0,
        reason,
        steps: Vec::new(),
    }
}

fn asked(look: &Look, suspect: &Suspect, alpha: f64) -> Asked {
    let outcome = &look.outcomes[suspect.place];
    Asked {
        benchmark: outcome.series.benchmark.clone(),
        metric: outcome.series.metric.clone(),
        baselines: suspect.baselines.clone(),
        alpha,
        value: outcome.value,
    }
}

/// What more than half of the representatives say; inconclusive when they do not agree.
fn majority(answers: &[SeriesAnswer]) -> SeriesAnswer {
    [SeriesAnswer::Regressed, SeriesAnswer::Improved, SeriesAnswer::Refuted]
        .into_iter()
        .find(|answer| 2 * answers.iter().filter(|given| *given == answer).count() > answers.len())
        .unwrap_or(SeriesAnswer::Inconclusive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SeriesAnswer::{Improved, Inconclusive, Refuted, Regressed, Unknown};

    #[test]
    fn most_representatives_speak_for_the_machine() {
        let check =
            |answers: &[SeriesAnswer], expected| assert_eq!(majority(answers), expected, "{answers:?}");
        check(&[], Inconclusive);
        check(&[Regressed, Regressed, Unknown], Regressed);
        check(&[Refuted, Refuted, Regressed], Refuted);
        check(&[Improved], Improved);
        check(&[Regressed, Refuted], Inconclusive);
        check(&[Unknown, Unknown, Unknown], Inconclusive);
    }
}
