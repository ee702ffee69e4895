//! How the answer of a row came about, step by step.

use super::POWER;
use crate::analysis::words;
use crate::model::comparison::Comparison;
use crate::model::step::Step;

/// How the answer of a row came about.
#[must_use]
pub fn explain(row: &Comparison) -> Vec<Step> {
    let mut steps = vec![
        Step::told(
            "baseline",
            Some(row.baseline_value),
            &row.metric.unit,
            words::quantity(row.baseline_value, &row.metric),
        ),
        Step::told(
            "candidate",
            Some(row.candidate_value),
            &row.metric.unit,
            words::quantity(row.candidate_value, &row.metric),
        ),
        Step::held(
            "change",
            row.ratio - 1.0,
            row.margin,
            "",
            format!("{}, held against the margin", words::change(row.ratio - 1.0)),
        ),
    ];
    match row.ratio_interval {
        Some((low, high)) => {
            let level = format!("level {:.2} %, shared by the rows", row.level * 100.0);
            steps.push(Step::held(
                "lower end of the interval",
                low - 1.0,
                0.0,
                "",
                format!("above 0 is slower; {level}"),
            ));
            steps.push(Step::held(
                "upper end of the interval",
                high - 1.0,
                0.0,
                "",
                format!("below 0 is faster; {level}"),
            ));
        }
        None => steps.push(Step::told(
            "interval",
            None,
            "",
            "none: nothing is known about launch-to-launch variation",
        )),
    }
    let text = row.minimum_detectable_effect.map_or_else(|| "unknown".to_owned(), words::percent);
    steps.push(Step::told(
        "smallest visible change",
        row.minimum_detectable_effect,
        "",
        format!("{text}, shown with {:.0} % probability", POWER * 100.0),
    ));
    steps.push(Step::told("answer", None, "", row.reason.clone()));
    steps
}
