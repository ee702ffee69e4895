//! What the calibration of a machine makes of what a gate confirmed there.
//!
//! Without a calibration nothing changes. A confirmed change below the noise floor is said to be so. Where equal executables are
//! told apart more often than the rule promises, the noise floor is the least change that is believed: below it, what was
//! confirmed is open.

use super::history::Look;
use super::steps;
use crate::analysis::calibrate::{breaks_its_promise, noise_floor};
use crate::analysis::words;
use crate::model::calibration::{Calibration, CalibrationNote};
use crate::model::finding::{Finding, Severity};
use crate::model::gate::{GateReport, SeriesAnswer};

/// Holds every confirmed change against the noise floor of as many blocks as confirmed it.
///
/// `calibration` is one that counts for the machine, its configuration and the run. Only series that were confirmed are touched:
/// each gets a step, and below the floor of a machine that breaks the promise of the rule the answer *inconclusive*.
///
/// # Edge cases
/// A benchmark that the calibration has not measured keeps its answer, and the step says that its floor is unknown.
pub fn weigh(look: &mut Look, calibration: Option<&Calibration>) {
    let Some(calibration) = calibration else { return };
    let broken = breaks_its_promise(&calibration.rates.rule_5);
    for outcome in &mut look.outcomes {
        if !matches!(outcome.answer, SeriesAnswer::Regressed | SeriesAnswer::Improved) {
            continue;
        }
        let Some((ratio, blocks)) =
            outcome.confirmation.as_ref().and_then(|again| Some((again.ratio?, again.blocks)))
        else {
            continue;
        };
        let key = &outcome.series;
        let noise = calibration
            .benchmarks
            .iter()
            .find(|noise| noise.benchmark == key.benchmark && noise.metric == key.metric);
        let floor = noise.and_then(|noise| noise_floor(noise.block_sd, blocks));
        outcome.steps.push(steps::noise_floor(ratio, floor, blocks));
        if let Some(floor) = floor.filter(|floor| broken && ratio.ln().abs() < floor.ln_1p()) {
            outcome.answer = SeriesAnswer::Inconclusive;
            outcome.reason = format!(
                "{}; not credible: below the noise floor of {} on a machine where equal executables are told apart too often",
                outcome.reason,
                words::percent(floor)
            );
        }
    }
}

/// The doubt about what was confirmed, if anything was.
///
/// A note belongs to the machine and configuration of the run; one that is stale says nothing any more.
#[must_use]
pub fn doubt(report: &GateReport, note: Option<&CalibrationNote>) -> Option<Finding> {
    let confirmed = report
        .series
        .iter()
        .any(|outcome| matches!(outcome.answer, SeriesAnswer::Regressed | SeriesAnswer::Improved));
    if !confirmed {
        return None;
    }
    let unknown = |evidence: String| {
        let effect = "how often this machine shows changes that are not there was not measured lately";
        Finding::of_whole(
            "gate-uncalibrated",
            Severity::Info,
            evidence,
            effect,
            "run `bench-runner calibrate`",
        )
    };
    let Some(note) = note else {
        return Some(unknown("no calibration of this machine is stored".to_owned()));
    };
    if let Some(why) = &note.stale {
        return Some(unknown(format!("the calibration of this machine does not count: {why}")));
    }
    let alarms = &note.alarms;
    let (nominal, (low, _)) = alarms.nominal.zip(alarms.interval)?;
    breaks_its_promise(alarms).then(|| {
        let evidence = format!(
            "equal executables were told apart in {} of {} comparisons on this machine, at least {} where at most {} were \
             promised",
            alarms.alarms,
            alarms.comparisons,
            words::percent(low),
            words::percent(nominal)
        );
        let effect = "what was confirmed may be false more often than the gate says; below the noise floor it is not believed";
        let remedy = "find out what disturbs the machine: `bench-runner doctor`";
        Finding::of_whole("calibration-alarms", Severity::Warning, evidence, effect, remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::calibrate::{PLANNED_BLOCKS, alarms};
    use crate::analysis::examples::{benchmark, run_id};
    use crate::model::calibration::{BenchmarkNoise, Location, Rates};
    use crate::model::gate::{Census, Confirmation, LayoutSpread, SeriesOutcome};
    use crate::model::record::SeriesKey;
    use crate::model::step::Step;
    use crate::model::units::{Metric, Timestamp};

    fn outcome(answer: SeriesAnswer) -> SeriesOutcome {
        let series = SeriesKey {
            benchmark: benchmark("t", "g", None),
            machine: "m".to_owned(),
            config: "c".to_owned(),
            metric: Metric::time(),
            recipe: 1,
        };
        SeriesOutcome {
            series,
            earlier_names: Vec::new(),
            answer,
            value: None,
            expected: None,
            ratio: None,
            p_value: None,
            adjusted_p: None,
            history: 0,
            change: None,
            confirmation: None,
            waiver: None,
            reason: String::new(),
            steps: Vec::new(),
        }
    }

    fn report(answer: SeriesAnswer) -> GateReport {
        GateReport {
            run: "01K9BWV7G0000000000000000A".parse().unwrap(),
            started: Timestamp(0),
            budgets: Vec::new(),
            series: vec![outcome(answer)],
            machine: None,
            census: Census::default(),
            layout: LayoutSpread { sd: None, rebuilt: 0, same: 0 },
            multiplicity: String::new(),
            findings: Vec::new(),
            signals: Vec::new(),
        }
    }

    fn note(found: u64, stale: Option<&str>) -> CalibrationNote {
        CalibrationNote {
            at: Timestamp(0),
            alarms: alarms(Some(0.05), found, 100),
            criterion: alarms(None, 0, 0),
            smallest_change: None,
            planned_blocks: 20,
            best: Location::Median,
            stale: stale.map(str::to_owned),
        }
    }

    #[test]
    fn only_what_was_confirmed_is_doubted() {
        let check = |answer, note: Option<&CalibrationNote>, expected: Option<&str>| {
            let found = doubt(&report(answer), note);
            assert_eq!(found.map(|finding| finding.code).as_deref(), expected, "{answer:?} {note:?}");
        };
        check(SeriesAnswer::Quiet, None, None);
        check(SeriesAnswer::Inconclusive, None, None);
        check(SeriesAnswer::Regressed, None, Some("gate-uncalibrated"));
        check(SeriesAnswer::Improved, Some(&note(2, Some("it is old"))), Some("gate-uncalibrated"));
        check(SeriesAnswer::Regressed, Some(&note(2, None)), None);
        // 9 of 100 may be 5 %: the exact interval begins at 4.2 %. 15 of 100 are too many.
        check(SeriesAnswer::Regressed, Some(&note(9, None)), None);
        check(SeriesAnswer::Regressed, Some(&note(15, None)), Some("calibration-alarms"));
        check(SeriesAnswer::Refuted, Some(&note(15, None)), None);
    }

    /// A calibration of one benchmark with 2 % between blocks, and so many alarms of 100.
    fn calibration(group: &str, alarmed: u64) -> Calibration {
        let rate = |nominal| alarms(nominal, alarmed, 100);
        Calibration {
            experiment: run_id(1),
            at: Timestamp(0),
            machine: "m".to_owned(),
            config: "c".to_owned(),
            comparisons: Vec::new(),
            rates: Rates {
                rule_5: rate(Some(0.05)),
                rule_1: rate(Some(0.01)),
                student_5: rate(Some(0.05)),
                student_1: rate(Some(0.01)),
                rank_5: None,
                rank_1: None,
                criterion: rate(None),
            },
            planned_blocks: PLANNED_BLOCKS,
            smallest_change: None,
            largest_smallest_change: None,
            session: None,
            best: Location::Median,
            locations: Vec::new(),
            benchmarks: vec![BenchmarkNoise {
                benchmark: benchmark("t", group, None),
                metric: Metric::time(),
                executable: None,
                blocks: 40,
                block_sd: 0.02,
                launch_sd: 0.02,
                level: 0.0,
                level_variance: 0.0,
                smallest_change: None,
            }],
        }
    }

    /// What becomes of a series that was measured again with 20 blocks: answer, and the step of the noise floor.
    fn weighed(
        given: SeriesAnswer,
        ratio: f64,
        calibration: Option<&Calibration>,
    ) -> (SeriesAnswer, Option<Step>) {
        let mut one = outcome(given);
        one.confirmation = Some(Confirmation {
            answer: given,
            ratio: Some(ratio),
            interval: None,
            alpha: 0.005,
            baseline: None,
            experiment: None,
            blocks: 20,
            reason: String::new(),
            steps: Vec::new(),
        });
        let mut look = Look {
            outcomes: vec![one],
            not_judged: std::collections::BTreeMap::new(),
            suspects: Vec::new(),
            machine: None,
            lasting: None,
            levels: (0.1, 0.01),
        };
        weigh(&mut look, calibration);
        let one = look.outcomes.remove(0);
        (one.answer, one.steps.into_iter().next())
    }

    /// The noise floor of 20 blocks at 2 % is 1.54 %: (2.0930 + 1.3277) · 0.02 ÷ √20, from Student's tables with 19 degrees.
    #[test]
    fn the_noise_floor_is_said_and_decides_only_where_the_promise_is_broken() {
        use SeriesAnswer::{Improved, Inconclusive, Quiet, Refuted, Regressed};
        let check = |given, ratio: f64, alarmed, expected, word: &str| {
            let (answer, step) = weighed(given, ratio, Some(&calibration("g", alarmed)));
            assert_eq!(answer, expected, "{ratio} {alarmed}");
            let step = step.unwrap();
            let floor = (2.0930 + 1.3277) * 0.02 / 20.0_f64.sqrt();
            let floor = if ratio < 1.0 { -floor } else { floor };
            assert!((step.threshold.unwrap() - floor.exp_m1() * 100.0).abs() < 1e-3, "{step:?}");
            assert!((step.value.unwrap() - (ratio - 1.0) * 100.0).abs() < 1e-9, "{step:?}");
            assert!(
                step.text.starts_with(word) && step.text.contains("1.5 %") && step.text.contains("20 blocks")
            );
        };
        // The promise holds: it is said, and counts.
        check(Regressed, 1.03, 2, Regressed, "at least");
        check(Regressed, 1.01, 2, Regressed, "smaller than");
        check(Improved, 0.99, 9, Improved, "smaller than");
        // It does not: small changes are open, large ones count.
        check(Regressed, 1.01, 15, Inconclusive, "smaller than");
        check(Improved, 0.99, 15, Inconclusive, "smaller than");
        check(Regressed, 1.03, 15, Regressed, "at least");
        // What nothing confirmed is left alone, and so is everything without a calibration.
        for answer in [Quiet, Refuted, Inconclusive] {
            assert_eq!(weighed(answer, 1.01, Some(&calibration("g", 15))), (answer, None));
        }
        assert_eq!(weighed(Regressed, 1.01, None), (Regressed, None));
        let (answer, step) = weighed(Regressed, 1.01, Some(&calibration("other", 15)));
        assert_eq!((answer, step.unwrap().threshold), (Regressed, None));
    }
}
