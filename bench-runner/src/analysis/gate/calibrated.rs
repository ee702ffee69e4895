//! What the calibration of a machine makes of a gate that confirmed something there.
//!
//! It changes no answer: a machine on which equal executables are told apart too often is a doubt about the answer.

use crate::analysis::words;
use crate::model::calibration::CalibrationNote;
use crate::model::finding::{Finding, Severity};
use crate::model::gate::{GateReport, SeriesAnswer};

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
    (low > nominal).then(|| {
        let evidence = format!(
            "equal executables were told apart in {} of {} comparisons on this machine, at least {} where at most {} were \
             promised",
            alarms.alarms,
            alarms.comparisons,
            words::percent(low),
            words::percent(nominal)
        );
        let effect = "what was confirmed may be false more often than the gate says";
        let remedy = "find out what disturbs the machine: `bench-runner doctor`";
        Finding::of_whole("calibration-alarms", Severity::Warning, evidence, effect, remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::calibrate::alarms;
    use crate::analysis::examples::benchmark;
    use crate::model::calibration::Location;
    use crate::model::gate::{Census, LayoutSpread, SeriesOutcome};
    use crate::model::record::SeriesKey;
    use crate::model::units::{Metric, Timestamp};

    fn report(answer: SeriesAnswer) -> GateReport {
        let series = SeriesKey {
            benchmark: benchmark("t", "g", None),
            machine: "m".to_owned(),
            config: "c".to_owned(),
            metric: Metric::time(),
            recipe: 1,
        };
        let outcome = SeriesOutcome {
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
        };
        GateReport {
            run: "01K9BWV7G0000000000000000A".parse().unwrap(),
            started: Timestamp(0),
            budgets: Vec::new(),
            series: vec![outcome],
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
}
