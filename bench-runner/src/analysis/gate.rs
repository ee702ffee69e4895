//! Budgets judged on one run, by the whole interval.
//!
//! An absolute limit belongs to one machine class and configuration. Comparing with history is below, in `history`.

pub mod afford;
pub mod calibrated;
pub mod confirm;
pub mod history;
pub mod layout;
pub mod propose;
pub mod steps;
pub mod total;

#[cfg(test)]
mod history_tests;

use std::collections::BTreeSet;

use super::estimate::REPLICATED_LAUNCHES;
use super::words;
use crate::model::estimate::BenchmarkResult;
use crate::model::gate::{Budget, GateOutcome, GateVerdict, Per};
use crate::model::ids::BenchmarkId;
use crate::model::run::{Run, RunKind};
use crate::model::step::Step;

/// Judges every budget on a run, in their order.
///
/// Inside is a pass, outside a failure, straddling inconclusive. With fewer than three launches the interval does not
/// cover launch-to-launch variation, and the answer is inconclusive as well.
///
/// # Edge cases
/// Another class or configuration: not applicable. A benchmark that is not there: missing, never a pass. A partial, imported
/// or summary run, a name that two packages share, an estimate without interval, a metric other than time, or a budget per element without declared elements:
/// not comparable.
#[must_use]
pub fn judge(run: &Run, results: &[BenchmarkResult], budgets: &[Budget]) -> Vec<GateOutcome> {
    budgets.iter().map(|budget| outcome(run, results, budget)).collect()
}

/// How the answer of a budget came about.
#[must_use]
pub fn explain(outcome: &GateOutcome) -> Vec<Step> {
    let limit = outcome.budget.limit_ns;
    let mut steps =
        vec![Step::told("limit", Some(limit), "ns", format!("set on {}", outcome.budget.hw_class))];
    if let Some(value) = outcome.value_ns {
        let room = outcome.headroom.unwrap_or(0.0);
        let text = format!("headroom {}", words::change(room));
        steps.push(Step::held("value", value, limit, "ns", text));
    }
    if let Some((low, high)) = outcome.interval_ns {
        // An interval of too few launches, or of a run that is not judged, decides nothing wherever it lies.
        let decides = matches!(outcome.verdict, GateVerdict::Pass | GateVerdict::Fail);
        let so = |word: &str| {
            if decides { format!(": {word}") } else { ", which decides nothing here".to_owned() }
        };
        let below = if low > limit {
            format!("above the limit{}", so("fails"))
        } else {
            "not above the limit".to_owned()
        };
        steps.push(Step::held("lower end of the interval", low, limit, "ns", below));
        let above = if high <= limit {
            format!("within the limit{}", so("passes"))
        } else {
            "beyond the limit".to_owned()
        };
        steps.push(Step::held("upper end of the interval", high, limit, "ns", above));
    }
    steps.push(Step::told("answer", None, "", outcome.reason.clone()));
    steps
}

fn outcome(run: &Run, results: &[BenchmarkResult], budget: &Budget) -> GateOutcome {
    let named = named(results, &budget.benchmark);
    let result = named.as_ref().ok().copied().flatten();
    let mut outcome = GateOutcome {
        budget: budget.clone(),
        benchmark: result.map(|result| result.benchmark.clone()),
        value_ns: None,
        interval_ns: None,
        headroom: None,
        verdict: GateVerdict::NotComparable,
        reason: String::new(),
    };
    if let Some(reason) = elsewhere(run, budget) {
        outcome.verdict = GateVerdict::NotApplicable;
        outcome.reason = reason;
        return outcome;
    }
    if let Err(reason) = named {
        outcome.reason = reason;
        return outcome;
    }
    let Some(result) = result else {
        outcome.verdict = GateVerdict::Missing;
        outcome.reason = format!("{} was not measured in this run", budget.benchmark);
        return outcome;
    };
    match divisor(result, budget) {
        Ok(divisor) => weigh(run, result, divisor, &mut outcome),
        Err(reason) => reason.clone_into(&mut outcome.reason),
    }
    outcome
}

/// The result of the benchmark that a budget names; of several metrics the time, which is what a budget limits.
///
/// # Errors
/// Why it is not one benchmark: two packages may have a target of the same name.
fn named<'a>(results: &'a [BenchmarkResult], name: &str) -> Result<Option<&'a BenchmarkResult>, String> {
    let mut found: Vec<&BenchmarkResult> =
        results.iter().filter(|result| result.benchmark.to_string() == name).collect();
    // Stable: among equals the first stays first.
    found.sort_by_key(|result| !result.metric.is_time());
    let ids: BTreeSet<&BenchmarkId> = found.iter().map(|result| &result.benchmark).collect();
    if ids.len() > 1 {
        let candidates: Vec<String> =
            ids.iter().map(|id| format!("{id} of package {}", id.package)).collect();
        return Err(format!("the budget names more than one benchmark: {}", words::list(&candidates, 4)));
    }
    Ok(found.first().copied())
}

fn elsewhere(run: &Run, budget: &Budget) -> Option<String> {
    if budget.hw_class != run.identity.hw_class {
        return Some(format!("set on {}, this run is from {}", budget.hw_class, run.identity.hw_class));
    }
    let config = budget.config.as_ref().filter(|config| **config != run.identity.config)?;
    Some(format!("set for the configuration {config}, this run had {}", run.identity.config))
}

fn divisor(result: &BenchmarkResult, budget: &Budget) -> Result<f64, &'static str> {
    if !result.metric.is_time() {
        return Err("the budget is a time, the benchmark measures something else");
    }
    match budget.per {
        Per::Iteration => Ok(1.0),
        Per::Element => match result.elements() {
            Some(elements) if elements > 0 => Ok(elements as f64),
            _ => Err("the budget is per element, but the benchmark declares no elements"),
        },
    }
}

fn weigh(run: &Run, result: &BenchmarkResult, divisor: f64, outcome: &mut GateOutcome) {
    let limit = outcome.budget.limit_ns;
    let value = result.estimate.value / divisor;
    let interval = result.estimate.interval.map(|i| (i.low / divisor, i.high / divisor));
    outcome.value_ns = Some(value);
    outcome.interval_ns = interval;
    outcome.headroom = Some(1.0 - value / limit);
    if !run.is_eligible() {
        outcome.reason = match run.kind {
            RunKind::Summary => "a record of estimates without raw samples is not judged",
            RunKind::Imported => "an imported run is not judged: its origin is not verified",
            RunKind::Measured => "the run is not complete or has a blocking finding",
        }
        .to_owned();
        return;
    }
    let Some((low, high)) = interval else {
        "the estimate has no interval".clone_into(&mut outcome.reason);
        return;
    };
    let span = format!("{} to {}", words::time(low), words::time(high));
    let launches = result.estimate.launches as usize;
    (outcome.verdict, outcome.reason) = if launches < REPLICATED_LAUNCHES {
        let launches = if launches == 1 { "one launch".to_owned() } else { format!("{launches} launches") };
        let text = format!(
            "{launches}: the interval {span} does not cover launch-to-launch variation; at least {REPLICATED_LAUNCHES} launches are needed"
        );
        (GateVerdict::Inconclusive, text)
    } else if high <= limit {
        (GateVerdict::Pass, format!("the whole interval {span} lies within {}", words::time(limit)))
    } else if low > limit {
        (GateVerdict::Fail, format!("the whole interval {span} lies above {}", words::time(limit)))
    } else {
        (GateVerdict::Inconclusive, format!("the interval {span} straddles {}", words::time(limit)))
    };
}

#[cfg(test)]
mod tests {
    use super::super::estimate::estimate_run;
    use super::super::examples::{founding, noisy_launches, run};
    use super::*;
    use crate::model::run::RunStatus;
    use crate::model::units::Metric;

    fn budget(limit_ns: f64) -> Budget {
        Budget {
            id: "sign".to_owned(),
            benchmark: "t/f".to_owned(),
            limit_ns,
            per: Per::Iteration,
            hw_class: "x86_64/test/2c2t/4g".to_owned(),
            config: None,
        }
    }

    #[track_caller]
    fn check(run: &Run, launches: u32, budget: &Budget, expected: GateVerdict) {
        let results = estimate_run(&[], &noisy_launches("t", "f", 1e6, launches, 0.01));
        let outcome = judge(run, &results, std::slice::from_ref(budget)).remove(0);
        assert_eq!(outcome.verdict, expected, "{}", outcome.reason);
        assert!(!outcome.reason.is_empty());
    }

    #[test]
    fn the_whole_interval_decides() {
        let run = run('A');
        check(&run, 8, &budget(1.1e6), GateVerdict::Pass);
        check(&run, 8, &budget(0.9e6), GateVerdict::Fail);
        check(&run, 8, &budget(1.0e6), GateVerdict::Inconclusive);
        check(&run, 2, &budget(9e6), GateVerdict::Inconclusive);
        check(&run, 1, &budget(9e6), GateVerdict::Inconclusive);
    }

    /// The answer of a budget, found again from the printed numbers and limits alone.
    fn found(steps: &[Step]) -> Option<GateVerdict> {
        let held = |name: &str| {
            let step = steps.iter().find(|step| step.name == name)?;
            step.value.zip(step.threshold).map(|numbers| (numbers, step.text.contains("decides nothing")))
        };
        let ((low, limit), idle) = held("lower end of the interval")?;
        let ((high, _), also) = held("upper end of the interval")?;
        Some(match (idle || also, high <= limit, low > limit) {
            (false, true, _) => GateVerdict::Pass,
            (false, _, true) => GateVerdict::Fail,
            _ => GateVerdict::Inconclusive,
        })
    }

    #[test]
    fn every_answer_of_a_budget_explains_itself() {
        let check = |launches, limit, class: &str, expected: GateVerdict, says: &str| {
            let results = estimate_run(&[], &noisy_launches("t", "f", 1e6, launches, 0.01));
            let budget = Budget { hw_class: class.to_owned(), ..budget(limit) };
            let outcome = judge(&run('A'), &results, &[budget]).remove(0);
            let steps = explain(&outcome);
            assert_eq!(outcome.verdict, expected, "{outcome:?}");
            assert_eq!(found(&steps).unwrap_or(expected), expected, "{steps:?}");
            let (first, last) = (steps.first().unwrap(), steps.last().unwrap());
            assert_eq!((first.name.as_str(), first.value), ("limit", Some(limit)));
            assert!(
                last.name == "answer" && last.text == outcome.reason && last.text.contains(says),
                "{last:?}"
            );
        };
        let here = "x86_64/test/2c2t/4g";
        check(8, 1.1e6, here, GateVerdict::Pass, "lies within 1.100 ms");
        check(8, 0.9e6, here, GateVerdict::Fail, "lies above 900.0 µs");
        check(8, 1.0e6, here, GateVerdict::Inconclusive, "straddles 1.000 ms");
        check(2, 9e6, here, GateVerdict::Inconclusive, "2 launches");
        check(2, 0.1e6, here, GateVerdict::Inconclusive, "at least 3 launches");
        check(8, 9e6, "other", GateVerdict::NotApplicable, "set on other");
        let missing = Budget { benchmark: "t/g".to_owned(), ..budget(1e6) };
        let results = estimate_run(&[], &noisy_launches("t", "f", 1e6, 8, 0.01));
        let steps = explain(&judge(&run('A'), &results, &[missing]).remove(0));
        assert_eq!(steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["limit", "answer"]);
    }

    #[test]
    fn budgets_are_judged_where_they_belong_only() {
        let elsewhere = Budget { hw_class: "other".to_owned(), ..budget(1.0) };
        check(&run('A'), 8, &elsewhere, GateVerdict::NotApplicable);
        let configured = Budget { config: Some("governor=performance".to_owned()), ..budget(1.0) };
        check(&run('A'), 8, &configured, GateVerdict::NotApplicable);
        let here = Budget { config: Some("governor=?".to_owned()), ..budget(9e6) };
        check(&run('A'), 8, &here, GateVerdict::Pass);
        let unknown = Budget { benchmark: "t/g".to_owned(), ..budget(1.0) };
        check(&run('A'), 8, &unknown, GateVerdict::Missing);
        let mut partial = run('A');
        partial.status = RunStatus::Partial;
        check(&partial, 8, &budget(9e6), GateVerdict::NotComparable);
    }

    #[test]
    fn the_founding_record_shows_its_headroom_but_is_not_judged() {
        let (record, results, budgets) = founding();
        let outcomes = judge(&record, &results, &budgets);
        let headroom: Vec<String> =
            outcomes.iter().map(|o| format!("{:.1}", 100.0 * o.headroom.unwrap())).collect();
        // Limit over value − 1, as the record itself put it, is 4.0, 4.0 and 3.1 %.
        assert_eq!(headroom, ["3.8", "3.8", "3.0"]);
        assert!(outcomes.iter().all(|o| o.verdict == GateVerdict::NotComparable));
    }

    #[test]
    fn a_budget_finds_the_time_of_one_benchmark_or_names_the_candidates() {
        let time = estimate_run(&[], &noisy_launches("t", "f", 1e6, 8, 0.01)).remove(0);
        let mut cycles = time.clone();
        cycles.metric = Metric { name: "cycles".to_owned(), unit: "cycles".to_owned() };
        let of = |results: &[BenchmarkResult]| judge(&run('A'), results, &[budget(9e6)]).remove(0);
        assert_eq!(of(&[cycles.clone(), time.clone()]).verdict, GateVerdict::Pass);
        assert_eq!(of(&[cycles]).verdict, GateVerdict::NotComparable);
        let mut twin = time.clone();
        twin.benchmark.package = "twin".to_owned();
        let outcome = of(&[time.clone(), twin]);
        assert_eq!((outcome.verdict, outcome.benchmark), (GateVerdict::NotComparable, None));
        for package in ["twin", time.benchmark.package.as_str()] {
            assert!(outcome.reason.contains(&format!("t/f of package {package}")), "{}", outcome.reason);
        }
    }

    #[test]
    fn per_element_budgets_divide_by_declared_elements() {
        let mut results = estimate_run(&[], &noisy_launches("t", "f", 1e6, 8, 0.01));
        let per_element = Budget { per: Per::Element, ..budget(1.1e6) };
        assert_eq!(
            judge(&run('A'), &results, std::slice::from_ref(&per_element))[0].verdict,
            GateVerdict::Pass
        );
        results[0].throughput.clear();
        let outcome = judge(&run('A'), &results, &[per_element]).remove(0);
        assert_eq!(outcome.verdict, GateVerdict::NotComparable);
    }
}
