//! How the answer of a row came about, step by step.
//!
//! The numbers are those that decided: the answer can be found again from the steps alone, which a test does.

use super::POWER;
use crate::analysis::words;
use crate::model::comparison::{Comparison, Verdict};
use crate::model::step::Step;

/// How the answer of a row came about.
#[must_use]
pub fn explain(row: &Comparison) -> Vec<Step> {
    // What may not be compared has no numbers to show side by side: they may not even be of one unit.
    let mut steps = if row.verdict == Verdict::NotComparable { Vec::new() } else { judged(row) };
    steps.push(Step::told("answer", None, "", row.reason.clone()));
    steps
}

/// Both values, then the bounds and the effect against the margin and no change, as an experiment names them.
fn judged(row: &Comparison) -> Vec<Step> {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let either = |holds: bool, yes: &str, no: &str| if holds { yes.to_owned() } else { no.to_owned() };
    // What a margin of 2 % is downwards: as far on the scale of logarithms.
    let (least, most) = (1.0 / (1.0 + row.margin), 1.0 + row.margin);
    let told = |name: &str, value: f64| {
        Step::told(name, Some(value), &row.metric.unit, words::quantity(value, &row.metric))
    };
    let mut steps = vec![told("baseline", row.baseline_value), told("candidate", row.candidate_value)];
    match row.ratio_interval {
        Some((low, high)) => {
            let level = "of the interval, shared by all judged rows";
            steps.push(Step::told("level", Some(row.level * 100.0), "%", level));
            let inside = |holds| either(holds, "within the margin", "beyond the margin");
            steps.push(Step::held(
                "lower bound of the change",
                percent(low),
                percent(least),
                "%",
                inside(low > least),
            ));
            steps.push(Step::held(
                "upper bound of the change",
                percent(high),
                percent(most),
                "%",
                inside(high < most),
            ));
            let name = "bound nearest to no change";
            steps.push(if low > 1.0 || high < 1.0 {
                let nearest = if low > 1.0 { low } else { high };
                Step::held(name, percent(nearest), 0.0, "%", "no change is refuted")
            } else {
                Step::told(name, None, "", "no change lies between the bounds: it is still possible")
            });
        }
        None => steps.push(Step::told(
            "interval",
            None,
            "",
            "none: nothing is known about launch-to-launch variation",
        )),
    }
    let limit = if row.ratio < 1.0 { least } else { most };
    let size =
        either(row.ratio.ln().abs() >= row.margin.ln_1p(), "at least the margin", "smaller than the margin");
    steps.push(Step::held("effect", percent(row.ratio), percent(limit), "%", size));
    let text = row.minimum_detectable_effect.map_or_else(|| "unknown".to_owned(), words::percent);
    steps.push(Step::told(
        "smallest visible change",
        row.minimum_detectable_effect.map(|effect| effect * 100.0),
        "%",
        format!("{text}, shown with {:.0} % probability", POWER * 100.0),
    ));
    steps
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{STANDARD, Side, compare};
    use super::*;
    use crate::analysis::estimate::estimate_run;
    use crate::analysis::examples::{answer_of, noisy_launches, run};
    use crate::model::estimate::BenchmarkResult;
    use crate::model::run::{Run, RunStatus};
    use crate::stats::rng::SplitMix64;

    fn results(launches: u32, deviation: f64, factor: f64, seed: u64) -> Vec<BenchmarkResult> {
        let mut rng = SplitMix64::new(seed);
        let mut data = noisy_launches("t", "f", 1e6, launches, 0.0);
        for (_, measurement) in &mut data {
            let shift = factor * (deviation * rng.normal()).exp();
            measurement.sample.iter_mut().for_each(|observation| observation.total *= shift);
        }
        estimate_run(&[], &data)
    }

    /// The answer, found again from the printed numbers and thresholds alone; what is not compared has no effect.
    fn found(steps: &[Step]) -> Verdict {
        let effect =
            steps.iter().find(|step| step.name == "effect").and_then(|step| step.value.zip(step.threshold));
        effect.map_or(Verdict::NotComparable, |_| answer_of(steps).unwrap_or(Verdict::Inconclusive))
    }

    #[test]
    fn every_answer_can_be_found_again_from_its_steps() {
        let (old, new) = (run('A'), run('B'));
        let partial = Run { status: RunStatus::Partial, ..run('B') };
        let mut seen = BTreeSet::new();
        for launches in [1, 2, 3, 10] {
            for deviation in [0.0005, 0.005, 0.05] {
                for factor in [0.9, 0.98, 0.985, 1.0, 1.016, 1.02, 1.1] {
                    let baseline = results(launches, deviation, 1.0, 5);
                    let candidate = results(launches, deviation, factor, 6);
                    for side in [&new, &partial] {
                        let compared = compare(
                            Side { run: &old, results: &baseline },
                            Side { run: side, results: &candidate },
                            &STANDARD,
                        );
                        let row = &compared.rows[0];
                        let steps = explain(row);
                        assert_eq!(found(&steps), row.verdict, "{row:?}\n{steps:?}");
                        assert_eq!(steps.last().map(|step| step.text.as_str()), Some(row.reason.as_str()));
                        seen.insert(format!("{:?}", row.verdict));
                    }
                }
            }
        }
        let all = ["Improved", "Inconclusive", "NotComparable", "Regressed", "Unchanged"];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
    }
}
