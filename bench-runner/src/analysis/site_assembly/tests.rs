//! Lines from made-up histories and made-up trends: standing, steps, intervals, marks.

use super::*;
use crate::analysis::examples;
use crate::analysis::trend::{Frame, NIGHT};
use crate::model::explain::{Cause, StepCause};
use crate::model::fact::keys;
use crate::model::ids::RunId;
use crate::model::record::SeriesKey;
use crate::model::run::{RunKind, RunStatus};
use crate::model::site::{Happening, Standing};
use crate::model::trend::{self, KnownBy, NotRun, Tonight, TrendChange, TrendReport, Undecided};
use crate::model::units::{Metric, Timestamp};
use crate::stats::rng::SplitMix64;

fn run(number: usize) -> RunId {
    format!("01K9BWV7G0000000000{number:07}").parse().unwrap()
}

fn key() -> SeriesKey {
    SeriesKey {
        benchmark: examples::benchmark("t", "g", None),
        metric: Metric::time(),
        recipe: 1,
        machine: "m".to_owned(),
        config: "c".to_owned(),
    }
}

fn history(values: &[f64]) -> History {
    let points = values.iter().enumerate().map(|(number, value)| HistoryPoint {
        run: run(number),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started: Timestamp(i64::try_from(number).unwrap() * 86_400_000_000),
        value: *value,
        log_sd: Some(0.004),
        launches: 5,
        commit: Some(format!("{number:040x}")),
        build: "rustc 1.95.0".to_owned(),
        executable: None,
        grade: None,
        quarantined: None,
    });
    History { key: key(), points: points.collect() }
}

fn stepped(nights: usize, at: usize, size: f64) -> History {
    let mut rng = SplitMix64::new(4);
    let values: Vec<f64> = (0..nights)
        .map(|night| 1000.0 * (0.004 * rng.normal()).exp() * if night < at { 1.0 } else { 1.0 + size })
        .collect();
    history(&values)
}

/// A trend in which the one machine measured tonight and nothing is to be said.
fn calm(nights: usize) -> TrendReport {
    let now = Timestamp(i64::try_from(nights.saturating_sub(1)).unwrap() * NIGHT);
    let frame = Frame { now, nights: 30, imported: false, margin: 0.02 };
    TrendReport {
        tonight: Tonight::Fine,
        newest: Some(now),
        machines: vec![examples::machine_night("m", run(nights.saturating_sub(1)), now)],
        ..crate::analysis::trend::trend(frame, Vec::new())
    }
}

fn change(ratio: f64, state: ChangeState) -> TrendChange {
    TrendChange {
        machine: 0,
        members: vec![trend::Moved {
            benchmark: key().benchmark,
            metric: Metric::time(),
            before: 1000.0,
            after: 1000.0 * ratio,
            ratio,
            interval: Some((ratio * 0.99, ratio * 1.01)),
            first: run(52),
            name: "c0123456789a".to_owned(),
            change: Some("c0123456789a".to_owned()),
            values: Vec::new(),
        }],
        ratio,
        interval: None,
        drift: false,
        last_before: Some(run(51)),
        first: run(52),
        since: Timestamp(52 * NIGHT),
        runs: 8,
        around: (Vec::new(), Vec::new()),
        commits: (Some(format!("{:040x}", 51)), Some(format!("{:040x}", 52))),
        known_by: KnownBy::Confirmed,
        state,
        reason: (state != ChangeState::New).then(|| "meant so".to_owned()),
        cause: None,
    }
}

fn of(history: History, report: &TrendReport) -> SiteLine {
    line(&mut Memory::default(), history, &[], &Told::new(report), None)
}

#[test]
fn a_line_stands_as_the_trend_says() {
    let check = |report: &TrendReport, expected: Standing, words: &str| {
        let found = of(stepped(60, 60, 0.0), report);
        assert_eq!(found.standing, expected, "{}", found.reason);
        assert!(found.reason.contains(words), "{}", found.reason);
        assert_eq!(found.moved.is_some(), matches!(expected, Standing::Slower | Standing::Faster));
        found
    };
    let mut report = calm(60);
    check(&report, Standing::Quiet, "nothing found");
    report.slower = vec![change(1.08, ChangeState::New)];
    let found = check(&report, Standing::Slower, "stayed for 8 runs; measured again and confirmed");
    let moved = found.moved.unwrap();
    assert_eq!((moved.since, moved.before, moved.runs), (run(52), Some(run(51)), 8));
    assert_eq!(moved.change.as_deref(), Some("c0123456789a"));
    report.faster = std::mem::take(&mut report.slower);
    report.faster[0].members[0].ratio = 0.9;
    check(&report, Standing::Faster, "8 runs");
    report.faster.clear();
    report.decided = vec![change(1.08, ChangeState::Accepted)];
    check(&report, Standing::Quiet, "accepted, meant so");
    report.undecided = vec![Undecided {
        machine: 0,
        benchmark: key().benchmark,
        ratio: None,
        suspect: true,
        reason: "as the trend says".to_owned(),
    }];
    report.decided.clear();
    check(&report, Standing::CannotTell, "as the trend says");
}

#[test]
fn what_was_no_part_of_tonight_is_never_called_as_before() {
    let check = |history: History, report: &TrendReport, expected: Standing, words: &str| {
        let found = of(history, report);
        assert_eq!(found.standing, expected, "{}", found.reason);
        assert!(found.reason.contains(words), "{}", found.reason);
    };
    check(history(&[]), &calm(40), Standing::CannotTell, "no value yet");
    check(stepped(30, 30, 0.0), &calm(40), Standing::NotRun, "measured without it");
    let mut skipped = calm(40);
    skipped.not_run = vec![NotRun { machine: 0, benchmark: key().benchmark, last: run(39), at: skipped.now }];
    check(stepped(40, 40, 0.0), &skipped, Standing::NotRun, "measured without it");
    let mut imported = stepped(40, 40, 0.0);
    imported.points[39].kind = RunKind::Imported;
    check(imported, &calm(40), Standing::CannotTell, "imported");
    let mut silent = calm(40);
    silent.machines[0].fresh = false;
    check(stepped(40, 40, 0.0), &silent, Standing::NotRun, "measured nothing after run");
    let mut elsewhere = calm(40);
    elsewhere.machines[0].config = "another".to_owned();
    check(stepped(40, 40, 0.0), &elsewhere, Standing::NotRun, "within the last 30 nights");
    let mut aside = stepped(40, 40, 0.0);
    aside.points[39].quarantined = Some("the fan failed".to_owned());
    assert_eq!(summary(&of(aside, &calm(40))).recent.last(), Some(&None), "it is a gap in the drawing");
}

#[test]
fn steps_of_the_whole_history_keep_what_the_gate_noted() {
    let noted = Change {
        id: "c0123456789a".to_owned(),
        series: key(),
        first_run: run(53),
        first_started: Timestamp(0),
        ratio: 1.08,
        evidence: crate::model::decision::Evidence::Confirmed,
        experiment: None,
        found: Timestamp(0),
        sightings: 1,
        state: ChangeState::Accepted,
        decision: None,
    };
    let report = calm(60);
    let told = Told::new(&report);
    let found = line(&mut Memory::default(), stepped(60, 52, 0.08), &[noted], &told, None);
    assert_eq!(found.steps.len(), 1);
    assert_eq!(found.steps[0].change.as_deref(), Some("c0123456789a"));
    assert_eq!(found.steps[0].last_before, Some(run(51)));
}

#[test]
fn a_step_is_put_down_to_what_the_trend_says_of_it() {
    let cause = StepCause { cause: Cause::Toolchain, why: "another compiler".to_owned(), runs: None };
    let check = |edit: &dyn Fn(&mut TrendChange), expected: bool| {
        let mut report = calm(60);
        let mut change = TrendChange { cause: Some(cause.clone()), ..change(1.08, ChangeState::New) };
        edit(&mut change);
        // Another change of the same line does not hide it.
        report.slower = vec![self::change(1.02, ChangeState::New), change];
        let told = Told::new(&report);
        let found = line(&mut Memory::default(), stepped(60, 52, 0.08), &[], &told, None);
        assert_eq!(found.steps.len(), 1);
        assert_eq!(told.causes(&found), [expected.then(|| cause.clone())]);
    };
    check(&|_| {}, true);
    check(&|change| change.members[0].first = run(54), true);
    check(&|change| change.members[0].first = run(55), false);
    check(&|change| change.members[0].first = run(99), false);
    check(&|change| change.members[0].ratio = 0.9, false);
    check(&|change| change.members[0].benchmark.group = "other".to_owned(), false);
    check(&|change| change.machine = 7, false);
    check(&|change| change.drift = true, false);
    check(&|change| change.cause = None, false);
}

#[test]
fn intervals_are_students_on_logarithms() {
    let found = of(history(&[1000.0]), &calm(1));
    let (low, high) = found.intervals[0].unwrap();
    // Known answer: t(0.975, 4) = 2.776445; exp(2.776445 × 0.004 ÷ √5) = 1.004979.
    assert!((high - 1004.979).abs() < 0.001, "{high}");
    assert!((low - 995.046).abs() < 0.001, "{low}");
    // Each point by its own number of launches: t(0.975, 1) = 12.706205; exp(12.706205 × 0.004 ÷ √2) = 1.036593.
    let mut mixed = history(&[1000.0; 4]);
    mixed.points[1].launches = 2;
    mixed.points[2].launches = 1;
    let found = of(mixed, &calm(4)).intervals;
    let high = |place: usize| found[place].map(|(_, high)| high);
    assert_eq!((high(0), high(2)), (high(3), None));
    assert!((high(0).unwrap() - 1004.979).abs() < 0.001, "{found:?}");
    assert!((high(1).unwrap() - 1036.593).abs() < 0.001, "{found:?}");
}

#[test]
fn marks_name_releases_configurations_and_facts_of_their_own_configuration() {
    let made = |number: usize, config: &str, kernel: &str, describe: &str| {
        let mut made = examples::run('0');
        made.id = run(number);
        made.started = Timestamp(i64::try_from(number).unwrap());
        made.identity.config = config.to_owned();
        made.facts =
            [(keys::OS_KERNEL, kernel), (keys::SOURCE_DESCRIBE, describe), (keys::LOAD_ONE, describe)]
                .map(|(key, value)| examples::fact(key, value))
                .to_vec();
        made
    };
    let runs = [
        made(0, "c", "6.1", "v1"),
        made(1, "other", "6.2", "v1-3-gabcdef1"),
        made(2, "c", "6.2", "v1-4-gabcdef2"),
        made(3, "c", "6.2", "v2"),
    ];
    let seen: Vec<(RunId, Happening)> =
        marks(&runs, "c").into_iter().map(|mark| (mark.run, mark.what)).collect();
    let expected = [
        (run(0), Happening::Release { tag: "v1".to_owned() }),
        (run(2), Happening::Configuration { before: "other".to_owned() }),
        (
            run(2),
            Happening::Fact {
                key: keys::OS_KERNEL.to_owned(),
                before: "6.1".to_owned(),
                after: "6.2".to_owned(),
            },
        ),
        (run(3), Happening::Release { tag: "v2".to_owned() }),
    ];
    assert_eq!(seen, expected);
}
