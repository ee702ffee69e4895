//! The steps of the judgement against history, in words with their numbers.
//!
//! Words only: every decision was made elsewhere, and each step names the threshold that it was held against.

use super::layout::LIMIT;
use crate::analysis::screen::Detail;
use crate::analysis::words;
use crate::model::decision::Change;
use crate::model::gate::{Confirmation, LayoutSpread, NotJudged, SeriesAnswer, SeriesOutcome};
use crate::model::step::Step;
use crate::model::units::Metric;

/// Why the screen answers as it does, one sentence.
pub(super) fn reason(
    answer: SeriesAnswer,
    why: Option<&NotJudged>,
    detail: Option<&Detail>,
    adjusted: Option<f64>,
) -> String {
    if let Some(why) = why {
        return not_judged_words(why);
    }
    let Some(detail) = detail else { return "nothing is expected of it yet".to_owned() };
    let change = words::change(detail.change.exp_m1());
    match answer {
        SeriesAnswer::Watched => {
            format!(
                "{change} against history; an alert of an earlier night is being watched, or all series moved as one"
            )
        }
        SeriesAnswer::Quiet => format!(
            "{change} against history; of this machine's residuals {} are as far out",
            probability(detail.p_value)
        ),
        _ => format!(
            "{change} against history; of this machine's residuals {} are as far out (level {}, adjusted for all series {})",
            probability(detail.p_value),
            small(detail.level),
            probability(adjusted)
        ),
    }
}

/// The reason of the census in words.
#[must_use]
pub fn not_judged_words(why: &NotJudged) -> String {
    match why {
        NotJudged::New => "new: no earlier run has it".to_owned(),
        NotJudged::ShortHistory { have, need } => {
            format!("too short a history: {have} of {need} earlier values")
        }
        NotJudged::ShortMachine => "too few residuals of this machine yet".to_owned(),
        NotJudged::Quarantined => "the run was put aside".to_owned(),
        NotJudged::NotEligible => "the run is partial, imported or blocked".to_owned(),
        NotJudged::OtherSettings => "all earlier runs used other settings".to_owned(),
        NotJudged::NotMeasured => "no complete launch measured it".to_owned(),
        NotJudged::Removed => "vanished: the comparable run before has it".to_owned(),
    }
}

pub(super) fn not_judged(why: &NotJudged, history: usize) -> Step {
    let text = not_judged_words(why);
    match why {
        NotJudged::ShortHistory { need, .. } => {
            Step::held("earlier values", history as f64, f64::from(*need), "", text)
        }
        _ => Step::told("earlier values", Some(history as f64), "", text),
    }
}

/// The steps of the screen.
pub(super) fn screened(metric: &Metric, detail: Option<&Detail>, adjusted: Option<f64>) -> Vec<Step> {
    let Some(detail) = detail else {
        return vec![Step::told("expected value", None, &metric.unit, "no forecast yet")];
    };
    let expected = detail.expected.exp();
    let factor = detail.common.exp();
    let taken = if detail.cleaned {
        "taken out, because that made this series' errors smaller so far"
    } else {
        "not taken out: this series' errors were not smaller without it"
    };
    let mut steps = vec![
        Step::held(
            "earlier values",
            detail.history as f64,
            crate::analysis::screen::WARM_UP as f64,
            "",
            format!("{} of them since the last accepted shift", detail.segment),
        ),
        Step::told(
            "expected value",
            Some(expected),
            &metric.unit,
            format!("{}: {}", words::quantity(expected, metric), detail.forecaster),
        ),
        Step::told(
            "common factor of the night",
            Some(factor),
            "",
            format!("{} in all other series; {taken}", words::change(factor - 1.0)),
        ),
        Step::told(
            "change",
            Some(detail.change.exp_m1()),
            "",
            format!("{} from what was expected", words::change(detail.change.exp_m1())),
        ),
        Step::told(
            "residual",
            Some(detail.residual),
            "",
            format!("{:+.2} robust standard deviations of {}", detail.residual, words::percent(detail.scale)),
        ),
    ];
    if let Some(p) = detail.p_value {
        let verdict =
            if p <= detail.level { "at or below the level" } else { "above the level: nothing unusual" };
        let text = format!("{verdict}; tail of {} residuals of this machine", detail.pool);
        steps.push(Step::held("tail probability", p, detail.level, "", text));
        steps.push(Step::held(
            "own residuals as far out",
            detail.own as f64,
            detail.allowed,
            "",
            if detail.own as f64 <= detail.allowed { "few enough" } else { "too many: this series is wild" },
        ));
    }
    if let Some(adjusted) = adjusted {
        let text = "chance of a residual this far out anywhere among tonight's series (Holm, two-sided)";
        steps.push(Step::told("adjusted probability", Some(adjusted), "", text));
    }
    steps
}

/// The steps of a second measurement.
pub(super) fn confirmed(confirmation: &Confirmation) -> Vec<Step> {
    let mut steps = vec![Step::told(
        "error allowed",
        Some(confirmation.alpha),
        "",
        "chance of a false answer that this suspect may have: the night's, shared by its suspects",
    )];
    if confirmation.blocks > 0 {
        let text = "blocks of four launches in turns that counted";
        steps.push(Step::told("blocks measured", Some(f64::from(confirmation.blocks)), "", text));
    }
    steps.extend(confirmation.steps.iter().cloned());
    if let Some(ratio) = confirmation.ratio {
        let text = match confirmation.interval {
            Some((low, high)) => format!(
                "{} in turns with the baseline, interval {} to {}",
                words::change(ratio - 1.0),
                words::change(low - 1.0),
                words::change(high - 1.0)
            ),
            None => format!("{} in turns with the baseline, without an interval", words::change(ratio - 1.0)),
        };
        steps.push(Step::held("ratio measured again", ratio, 1.0, "", text));
    }
    let place =
        confirmation.baseline.as_ref().map_or_else(String::new, |run| format!(" (baseline: run {run})"));
    steps.push(Step::told("measured again", None, "", format!("{}{place}", confirmation.reason)));
    steps
}

/// The last step of every series: what all others led to.
pub(super) fn answer(outcome: &SeriesOutcome) -> Step {
    Step::told("answer", None, "", outcome.reason.clone())
}

/// Name of the step that holds a confirmed change against the noise floor.
pub(super) const NOISE_FLOOR: &str = "noise floor";

/// What a confirmed change is held against: the smallest one that so many blocks show on this machine.
pub(super) fn noise_floor(ratio: f64, floor: Option<f64>, blocks: u32) -> Step {
    let Some(floor) = floor else {
        let text = "unknown: the calibration of this machine has not measured this benchmark";
        return Step::told(NOISE_FLOOR, None, "", text);
    };
    let (size, least) = (ratio.ln().abs(), floor.ln_1p());
    let than = if size < least { "smaller than" } else { "at least" };
    let text = format!(
        "{than} the {} that {} show with 90 % probability, as calibration measured this machine",
        words::percent(floor),
        words::count(u64::from(blocks), "block")
    );
    Step::held(NOISE_FLOOR, size, least, "", text)
}

/// What a confirmed change is held against: what rebuilds that change nothing do.
pub(super) fn layout(ratio: f64, spread: &LayoutSpread) -> Step {
    let size = ratio.ln().abs();
    match spread.sd {
        Some(sd) if size <= LIMIT * sd => Step::held(
            "layout spread",
            size,
            LIMIT * sd,
            "",
            "not larger than what rebuilds that change nothing do on this machine",
        ),
        Some(sd) => Step::held("layout spread", size, LIMIT * sd, "", "larger than what rebuilds do"),
        None => Step::told(
            "layout spread",
            None,
            "",
            format!(
                "unknown: {} rebuilt and {} equal pairs of nights are too few to tell",
                spread.rebuilt, spread.same
            ),
        ),
    }
}

pub(super) fn still_open(change: &Change) -> String {
    format!(
        "change {} ({} since run {}) was confirmed and nobody decided about it",
        change.id,
        words::change(change.ratio - 1.0),
        change.first_run
    )
}

pub(super) fn open_elsewhere(change: &Change) -> String {
    format!(
        "{}; its runs had other settings or another Criterion, so that this one cannot tell whether it is still there",
        still_open(change)
    )
}

/// Name of the step that says that a change is open.
pub(super) const OPEN: &str = "open change";

pub(super) fn open_step(change: &Change) -> Step {
    let text =
        format!("confirmed before, since run {}: measured again whatever the screen says", change.first_run);
    Step::told(OPEN, Some(change.ratio), "", text)
}

fn probability(p: Option<f64>) -> String {
    p.map_or_else(|| "an unknown share".to_owned(), small)
}

/// A share that may be very small.
fn small(p: f64) -> String {
    if p >= 0.001 { words::percent(p) } else { format!("{:.1e}", p) }
}
