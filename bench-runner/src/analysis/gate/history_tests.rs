//! The judgement against history with a measurer that answers as told: no time, no store.

mod open;

use std::collections::BTreeSet;

use super::confirm::{Asked, Confirm, NIGHT_ALPHA, confirm};
use super::history::{Past, look};
use super::layout::layout_spread;
use super::total::{Parts, conclude, sightings};
use crate::analysis::census::{CensusInput, census};
use crate::analysis::examples::{line, run, run_id};
use crate::analysis::screen::{HISTORY_ONLY, SUSPECTS};
use crate::model::decision::{Change, ChangeState, Decision, DecisionKind, Evidence, Sighting};
use crate::model::gate::{Confirmation, GateReport, NotJudged, SeriesAnswer, Signal};
use crate::model::history::Line;
use crate::model::ids::RunId;
use crate::model::run::Run;
use crate::model::step::Step;
use crate::model::units::Timestamp;
use crate::stats::rng::SplitMix64;

const SERIES: usize = 20;
const NOW: Timestamp = Timestamp(1_000_000);

/// Gives every suspect the same answer, and remembers what it was asked.
struct Told {
    answer: SeriesAnswer,
    /// Answers of the first ones asked, where they differ.
    first: Vec<SeriesAnswer>,
    ratio: f64,
    asked: Vec<Asked>,
}

impl Confirm for Told {
    fn confirm(&mut self, _: &RunId, asked: &[Asked]) -> Vec<Confirmation> {
        self.asked = asked.to_vec();
        let given = |(place, asked): (usize, &Asked)| Confirmation {
            answer: self.first.get(place).copied().unwrap_or(self.answer),
            ratio: Some(self.ratio),
            interval: Some((self.ratio - 0.01, self.ratio + 0.01)),
            alpha: asked.alpha,
            baseline: asked.baselines.first().map(|(run, _)| run.clone()),
            experiment: Some(run_id(9999)),
            blocks: 20,
            reason: "told".to_owned(),
            steps: Vec::new(),
        };
        asked.iter().enumerate().map(given).collect()
    }
}

/// `nights` nights of 20 series with 1 % of noise; `factor` is what the last night does to a series. Every night has an
/// executable of its own.
fn history(nights: u32, factor: impl Fn(usize) -> f64) -> (Run, Vec<Line>) {
    let mut rng = SplitMix64::new(11);
    let lines: Vec<Line> = (0..SERIES)
        .map(|series| {
            let points: Vec<(f64, u32)> = (0..nights)
                .map(|night| {
                    let shift = if night + 1 == nights { factor(series) } else { 1.0 };
                    (1000.0 * shift * (0.01 * rng.normal()).exp(), night)
                })
                .collect();
            line(&format!("g{series:02}"), &points)
        })
        .collect();
    let mut tonight = run('A');
    tonight.id = run_id(nights - 1);
    tonight.started = Timestamp(i64::from(nights - 1));
    tonight.inventory = lines.iter().map(|line| line.history.key.benchmark.clone()).collect();
    (tonight, lines)
}

/// Judges the last night.
fn judge(
    (tonight, lines): &(Run, Vec<Line>),
    measurer: Option<&mut Told>,
    changes: &[Change],
    decisions: &[Decision],
) -> (GateReport, Vec<Sighting>) {
    let comparable: Vec<RunId> = lines[0].history.points[..lines[0].history.points.len() - 1]
        .iter()
        .map(|point| point.run.clone())
        .collect();
    let past = Past {
        run: tonight,
        quarantined: None,
        lines,
        comparable: &comparable,
        changes,
        decisions,
        now: NOW,
    };
    let mut seen = look(&past, if measurer.is_some() { SUSPECTS } else { HISTORY_ONLY });
    let machine = confirm(&mut seen, &tonight.id, measurer.map(|told| told as &mut dyn Confirm));
    let census = census(&CensusInput {
        run: tonight,
        outcomes: &seen.outcomes,
        not_judged: &seen.not_judged,
        reference: None,
        renames: &std::collections::BTreeMap::new(),
        decisions,
    });
    let suspects = seen.suspects.clone();
    let report = conclude(Parts {
        run: tonight,
        quarantined: None,
        budgets: Vec::new(),
        look: seen,
        machine,
        census,
        layout: layout_spread(lines, &comparable, &BTreeSet::new()),
        decisions,
        now: NOW,
        margin: 0.02,
    });
    let seen = sightings(&report, &suspects, 0.02, NOW);
    (report, seen)
}

fn told(answer: SeriesAnswer, ratio: f64) -> Told {
    Told { answer, first: Vec::new(), ratio, asked: Vec::new() }
}

fn step(series: usize) -> f64 {
    if series == 3 { 1.1 } else { 1.0 }
}

fn codes(report: &GateReport) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// The change that a sighting begins.
fn change(sighting: &Sighting, state: ChangeState) -> Change {
    Change {
        id: sighting.change.clone(),
        series: sighting.series.clone(),
        first_run: sighting.first_run.clone(),
        first_started: Timestamp(59),
        ratio: sighting.ratio,
        evidence: sighting.evidence,
        experiment: None,
        found: NOW,
        sightings: 1,
        state,
        decision: None,
    }
}

#[test]
fn what_the_measurer_says_decides() {
    let nights = history(60, step);
    let check = |answer, ratio, signals: &[Signal], code: &str| {
        let mut told = told(answer, ratio);
        let (report, _) = judge(&nights, Some(&mut told), &[], &[]);
        assert_eq!(report.signals, signals, "{answer:?}: {:?}", report.findings);
        assert!(code.is_empty() || codes(&report).contains(&code), "{answer:?}: {:?}", report.findings);
        // Suspects share the error of the night.
        let alpha = NIGHT_ALPHA / told.asked.len() as f64;
        assert!(told.asked.iter().all(|asked| (asked.alpha / alpha - 1.0).abs() < 1e-12));
        // The code three nights before comes first: two nights may have hidden the step.
        assert_eq!(told.asked[0].baselines[0].0, run_id(56));
        assert_eq!(told.asked[0].benchmark.group, "g03", "the most unusual one is measured first");
        let outcome = &report.series.iter().find(|one| one.series.benchmark.group == "g03").unwrap();
        let steps: Vec<&str> = outcome.steps.iter().map(|step| step.name.as_str()).collect();
        for name in ["expected value", "tail probability", "adjusted probability", "error allowed"] {
            assert!(steps.contains(&name), "{steps:?}");
        }
    };
    use SeriesAnswer::{Improved, Inconclusive, Refuted, Regressed, Unknown};
    check(Regressed, 1.1, &[Signal::Failed], "regression-confirmed");
    check(Improved, 0.9, &[Signal::Improved], "improvement-confirmed");
    check(Refuted, 1.0, &[], "");
    check(Inconclusive, 1.005, &[Signal::Inconclusive], "suspect-open");
    check(Unknown, 1.0, &[Signal::Inconclusive], "suspect-open");
}

#[test]
fn without_a_measurer_a_step_is_inconclusive_and_noise_is_quiet() {
    let (report, seen) = judge(&history(60, step), None, &[], &[]);
    assert_eq!(report.signals, [Signal::Inconclusive], "{:?}", report.findings);
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].series.benchmark.group.as_str(), seen[0].evidence), ("g03", Evidence::Suspect));
    assert!((seen[0].ratio - 1.1).abs() < 0.03);
    let (report, seen) = judge(&history(60, |_| 1.0), None, &[], &[]);
    assert!(report.signals.is_empty() && seen.is_empty(), "{:?}", report.findings);
    assert_eq!((report.census.judged(), report.census.rows.len()), (SERIES, SERIES));
    assert!(report.multiplicity.contains("20 series"), "{}", report.multiplicity);
}

#[test]
fn a_machine_that_moves_is_one_finding() {
    let nights = history(60, |_| 1.05);
    for (answer, code, signals) in [
        (None, "machine-shift", vec![Signal::Inconclusive]),
        (Some(SeriesAnswer::Refuted), "machine-shift", vec![]),
        (Some(SeriesAnswer::Regressed), "suite-shift", vec![Signal::Failed]),
    ] {
        let mut told = answer.map(|answer| told(answer, 1.05));
        let refuted = answer == Some(SeriesAnswer::Refuted) || answer.is_none();
        let (report, _) = judge(&nights, told.as_mut(), &[], &[]);
        let shift = report.machine.as_ref().expect("an event of the machine");
        assert!((shift.ratio - 1.05).abs() < 0.01, "{shift:?}");
        assert_eq!(codes(&report).iter().filter(|found| **found == code).count(), 1);
        if refuted {
            assert_eq!((codes(&report), &report.signals), (vec![code], &signals), "{answer:?}");
        } else {
            assert_eq!(report.signals, signals);
        }
        // The steadiest of them are asked first.
        assert!(told.is_none_or(|told| told.asked.len() >= super::history::REPRESENTATIVES));
    }
}

#[test]
fn equal_executables_are_not_measured_and_no_change_of_the_code() {
    let (tonight, mut lines) = history(60, step);
    for line in &mut lines {
        let first = line.history.points[0].executable;
        line.history.points.iter_mut().for_each(|point| point.executable = first);
    }
    let mut told = told(SeriesAnswer::Regressed, 1.1);
    let (report, _) = judge(&(tonight, lines), Some(&mut told), &[], &[]);
    assert!(told.asked.is_empty() && report.signals.is_empty(), "{:?}", report.signals);
    let found = report.series.iter().find(|one| one.series.benchmark.group == "g03").unwrap();
    assert_eq!(found.answer, SeriesAnswer::Refuted);
    assert!(found.reason.contains("same executable"), "{}", found.reason);
}

/// A step in night 59 of 70 that stays; tonight is night 69.
fn stayed() -> (Run, Vec<Line>, Change) {
    let (_, seen) = judge(&history(60, step), Some(&mut told(SeriesAnswer::Regressed, 1.1)), &[], &[]);
    let sighting = seen.into_iter().find(|one| one.series.benchmark.group == "g03").unwrap();
    let (tonight, mut lines) = history(70, |_| 1.0);
    for point in &mut lines[3].history.points[59..] {
        point.value *= 1.1;
    }
    (tonight, lines, change(&sighting, ChangeState::New))
}

#[test]
fn a_confirmed_change_stays_open_until_somebody_decides() {
    let (tonight, lines, open) = stayed();
    let nights = (tonight, lines);
    let find = |report: &GateReport| {
        report.series.iter().find(|one| one.series.benchmark.group == "g03").unwrap().clone()
    };
    let mut again = told(SeriesAnswer::Regressed, 1.1);
    let (report, seen) = judge(&nights, Some(&mut again), std::slice::from_ref(&open), &[]);
    assert!(report.signals.contains(&Signal::Failed));
    assert_eq!(find(&report).change, Some(open.id.clone()), "the same change keeps its name");
    let asked = again.asked.iter().find(|asked| asked.benchmark.group == "g03").unwrap();
    assert_eq!(asked.baselines[0].0, run_id(56), "measured against the level before it");
    assert!(seen.iter().any(|one| one.change == open.id && one.evidence == Evidence::Confirmed));
    // Gone again.
    let (_, seen) =
        judge(&nights, Some(&mut told(SeriesAnswer::Refuted, 1.0)), std::slice::from_ref(&open), &[]);
    assert!(seen.iter().any(|one| one.change == open.id && one.evidence == Evidence::Refuted));
    // Accepted: nothing is open, and the new level is expected.
    let accepted = Change { state: ChangeState::Accepted, ..open.clone() };
    let (report, _) = judge(&nights, None, &[accepted], &[]);
    assert_eq!(find(&report).answer, SeriesAnswer::Quiet, "{:?}", find(&report).reason);
    assert!((find(&report).expected.unwrap() / 1100.0 - 1.0).abs() < 0.02);
    // Waived, and the waiver over.
    let waived = |until: i64| Decision {
        subject: open.id.clone(),
        kind: DecisionKind::Waive,
        reason: "known".to_owned(),
        until: Some(Timestamp(until)),
        at: Timestamp(0),
    };
    let decided = |until| judge(&nights, None, std::slice::from_ref(&open), &[waived(until)]).0;
    let report = decided(NOW.0 + 1);
    assert!(report.signals.is_empty() && codes(&report).contains(&"waived"), "{:?}", report.findings);
    let report = decided(NOW.0);
    assert_eq!(report.signals, [Signal::Inconclusive]);
    assert!(codes(&report).contains(&"waiver-expired"));
}

#[test]
fn nights_of_a_repaired_change_are_no_part_of_the_noise() {
    let (tonight, mut lines, open) = stayed();
    // Repaired before tonight.
    let last = lines[3].history.points.len() - 1;
    lines[3].history.points[last].value /= 1.1;
    let decision = Decision {
        subject: open.id.clone(),
        kind: DecisionKind::Fix,
        reason: "reverted".to_owned(),
        until: None,
        at: Timestamp(i64::try_from(last).unwrap()),
    };
    let fixed = Change { state: ChangeState::Fixed, decision: Some(decision), ..open };
    let (report, _) = judge(&(tonight, lines), None, &[fixed], &[]);
    let found = report.series.iter().find(|one| one.series.benchmark.group == "g03").unwrap();
    assert_eq!(found.answer, SeriesAnswer::Quiet, "{}", found.reason);
    assert!((found.expected.unwrap() / 1000.0 - 1.0).abs() < 0.02);
}

#[test]
fn short_histories_and_unfit_runs_are_not_judged_and_say_so() {
    let (report, _) = judge(&history(20, step), None, &[], &[]);
    assert_eq!(report.signals, [Signal::NotComparable]);
    assert!(
        report
            .census
            .rows
            .iter()
            .all(|row| { row.reason == Some(NotJudged::ShortHistory { have: 19, need: 30 }) })
    );
    assert_eq!(codes(&report), ["history-short", "nothing-judged"]);
    let (mut tonight, lines) = history(60, step);
    tonight.status = crate::model::run::RunStatus::Partial;
    let (report, _) = judge(&(tonight, lines), None, &[], &[]);
    assert_eq!(report.signals, [Signal::NotComparable]);
    assert!(report.census.rows.iter().all(|row| row.reason == Some(NotJudged::NotEligible)));
}

#[test]
fn a_change_no_larger_than_the_layout_spread_is_said_to_be_so() {
    let (tonight, mut lines) = history(60, |series| if series == 3 { 1.06 } else { 1.0 });
    // Pairs of nights share an executable; each rebuild moves a series by about 3 %.
    let mut rng = SplitMix64::new(5);
    for line in &mut lines {
        let mut offset = 1.0;
        for (night, point) in line.history.points.iter_mut().enumerate() {
            if night % 2 == 0 {
                offset = (0.03 * rng.normal()).exp();
            }
            point.value *= offset;
            point.executable = Some(crate::model::ids::Digest([u8::try_from(night / 2).unwrap(); 32]));
        }
    }
    for line in &mut lines {
        line.history.points.last_mut().unwrap().executable = Some(crate::model::ids::Digest([200; 32]));
    }
    lines[3].history.points.last_mut().unwrap().value = 1200.0;
    let (report, _) = judge(&(tonight, lines), Some(&mut told(SeriesAnswer::Regressed, 1.06)), &[], &[]);
    assert!(report.layout.sd.is_some_and(|sd| sd > 0.03 && sd < 0.06), "{:?}", report.layout);
    assert!(codes(&report).contains(&"within-layout-spread"), "{:?}", codes(&report));
    assert!(report.signals.contains(&Signal::Failed), "it is said, and it counts all the same");
}

/// Whether a screened series is an alert, found again from the printed numbers and thresholds alone; `None` without a tail.
fn alert(steps: &[Step]) -> Option<bool> {
    let held = |name: &str| {
        let step = steps.iter().find(|step| step.name == name)?;
        step.value.zip(step.threshold)
    };
    let (p, level) = held("tail probability")?;
    let (own, allowed) = held("own residuals as far out")?;
    Some(p <= level && own <= allowed)
}

/// Checks every series of a report, and returns the answers that it saw.
#[track_caller]
fn explained(report: &GateReport) -> BTreeSet<SeriesAnswer> {
    for outcome in &report.series {
        let steps = &outcome.steps;
        let last = steps.last().unwrap();
        assert_eq!((last.name.as_str(), &last.text), ("answer", &outcome.reason), "{steps:#?}");
        assert!(steps.iter().all(|step| !step.name.is_empty() && !step.text.is_empty()), "{steps:#?}");
        let value = |name: &str| steps.iter().find(|step| step.name == name).and_then(|step| step.value);
        match (outcome.answer, &outcome.confirmation) {
            (SeriesAnswer::NotJudged, _) => assert!(value("earlier values").is_some(), "{steps:#?}"),
            (SeriesAnswer::Quiet, _) => assert_eq!(alert(steps), Some(false), "{steps:#?}"),
            (SeriesAnswer::Watched, _) => {
                assert!(outcome.reason.contains("being watched"), "{}", outcome.reason);
            }
            (_, None) => assert_eq!(alert(steps), Some(true), "{steps:#?}"),
            (_, Some(again)) => {
                assert_eq!(alert(steps), Some(true), "{steps:#?}");
                assert_eq!(value("error allowed"), Some(again.alpha), "{steps:#?}");
                assert_eq!(value("blocks measured"), (again.blocks > 0).then(|| f64::from(again.blocks)));
                assert_eq!(value("ratio measured again"), again.ratio, "{steps:#?}");
                let told = steps.iter().find(|step| step.name == "measured again").unwrap();
                assert!(told.text.starts_with(&again.reason), "{told:?}");
            }
        }
    }
    report.series.iter().map(|outcome| outcome.answer).collect()
}

#[test]
fn every_answer_of_a_series_explains_itself() {
    use SeriesAnswer::{Improved, Inconclusive, NotJudged, Quiet, Refuted, Regressed, Unknown, Watched};
    let mut seen = BTreeSet::new();
    let nights = history(60, step);
    seen.extend(explained(&judge(&nights, None, &[], &[]).0));
    for (answer, ratio) in
        [(Regressed, 1.1), (Improved, 0.9), (Refuted, 1.0), (Inconclusive, 1.005), (Unknown, 1.0)]
    {
        let (report, _) = judge(&nights, Some(&mut told(answer, ratio)), &[], &[]);
        let found = explained(&report);
        assert!(found.contains(&answer), "{answer:?}: {found:?}");
        seen.extend(found);
    }
    // Two nights of one step: the second is watched. Too short a history, and all series at once.
    let (tonight, mut lines) = history(60, |_| 1.0);
    for point in &mut lines[3].history.points[58..] {
        point.value *= 1.1;
    }
    seen.extend(explained(&judge(&(tonight, lines), None, &[], &[]).0));
    seen.extend(explained(&judge(&history(20, step), None, &[], &[]).0));
    seen.extend(explained(&judge(&history(60, |_| 1.05), None, &[], &[]).0));
    let all = [Regressed, Improved, Inconclusive, Unknown, Refuted, Watched, Quiet, NotJudged];
    assert_eq!(seen, BTreeSet::from(all), "an answer that no case has");
}

/// Constants that prose repeats.
#[test]
fn the_document_states_the_constants_of_the_gate() {
    use super::history::{BASELINE_LAG, REPRESENTATIVES};
    use super::total::SERIOUS;
    use crate::analysis::screen::WARM_UP;
    let document = include_str!("../../../docs/methodology.md");
    let words = ["none", "one", "two", "three", "four"];
    for sentence in [
        format!("A series needs {WARM_UP} earlier values"),
        format!("the one {} nights back", words[BASELINE_LAG]),
        format!("the {} steadiest", words[REPRESENTATIVES]),
        format!("share a chance of {} % for any false answer", NIGHT_ALPHA * 100.0),
        format!("more unusual than {} % of the machine's residuals", HISTORY_ONLY.up * 100.0),
        format!("than {} % after adjusting for all series", SERIOUS * 100.0),
        format!("at a level of {} % some series are unusual", SUSPECTS.up * 100.0),
        format!("unknown below {} pairs of either kind", super::layout::FEWEST_PAIRS),
    ] {
        // Lines are broken where they are full, so that a sentence may go over two of them.
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(document).contains(&flat(&sentence)), "docs/methodology.md does not say: {sentence}");
    }
}
