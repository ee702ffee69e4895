//! Lines and overviews from made-up histories: standing, intervals, commits, and what a page may call new.

use super::*;
use crate::model::comparison::Comparison;
use crate::model::ids::BenchmarkId;
use crate::model::record::SeriesKey;
use crate::model::run::{RunKind, RunStatus};
use crate::model::units::Timestamp;
use crate::stats::rng::SplitMix64;

fn run(number: usize) -> RunId {
    format!("01K9BWV7G0000000000{number:07}").parse().unwrap()
}

fn key() -> SeriesKey {
    SeriesKey {
        benchmark: BenchmarkId {
            package: "kms".to_owned(),
            target: "t".to_owned(),
            group: "g".to_owned(),
            function: None,
            value: None,
            occurrence: 0,
        },
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

fn row(verdict: Verdict, ratio: f64) -> Comparison {
    Comparison {
        benchmark: key().benchmark,
        metric: Metric::time(),
        baseline: run(0),
        candidate: run(1),
        baseline_value: 1000.0,
        candidate_value: 1000.0 * ratio,
        ratio,
        ratio_interval: Some((ratio * 0.99, ratio * 1.01)),
        level: 0.99,
        margin: 0.02,
        minimum_detectable_effect: None,
        verdict,
        reason: "as the test says".to_owned(),
    }
}

fn decided(
    history: History,
    row: Option<&Comparison>,
    newest: Option<&RunId>,
    changes: &[Change],
) -> SiteLine {
    line(&mut Robust::default(), history, &LineInput { changes, newest, row, budget: None, margin: 0.02 })
}

#[test]
fn a_recent_step_is_news_until_somebody_decides() {
    let found = decided(stepped(60, 52, 0.08), None, None, &[]);
    assert_eq!(found.standing, Standing::Slower, "{}", found.reason);
    let moved = found.moved.unwrap();
    assert_eq!(moved.since, run(52));
    assert_eq!(moved.before, Some(run(51)));
    assert_eq!(moved.commits, (Some(format!("{:040x}", 51)), Some(format!("{:040x}", 52))));
    assert_eq!(moved.runs, 8);
    assert!((1.05..1.11).contains(&moved.ratio), "{}", moved.ratio);
    assert_eq!(decided(stepped(60, 52, -0.08), None, None, &[]).standing, Standing::Faster);
    assert_eq!(
        decided(stepped(60, 10, 0.08), None, None, &[]).standing,
        Standing::Quiet,
        "old steps are history"
    );
    let accepted = Change {
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
    let after = decided(stepped(60, 52, 0.08), None, None, std::slice::from_ref(&accepted));
    assert_eq!(after.standing, Standing::Quiet);
    assert_eq!(after.steps[0].change.as_deref(), Some("c0123456789a"));
}

#[test]
fn short_histories_are_answered_by_the_comparison_or_not_at_all() {
    let check = |row: Option<&Comparison>, expected: Standing| {
        let found = decided(history(&[1000.0, 1001.0]), row, None, &[]);
        assert_eq!(found.standing, expected, "{}", found.reason);
    };
    check(None, Standing::CannotTell);
    check(Some(&row(Verdict::Regressed, 1.05)), Standing::Slower);
    check(Some(&row(Verdict::Improved, 0.95)), Standing::Faster);
    check(Some(&row(Verdict::Unchanged, 1.0)), Standing::Quiet);
    check(Some(&row(Verdict::Inconclusive, 1.01)), Standing::CannotTell);
    check(Some(&row(Verdict::NotComparable, 1.01)), Standing::CannotTell);
    assert_eq!(decided(history(&[]), None, None, &[]).standing, Standing::CannotTell);
}

#[test]
fn missing_and_quarantined_values_are_never_quiet() {
    let newest = run(99);
    assert_eq!(decided(stepped(40, 40, 0.0), None, Some(&newest), &[]).standing, Standing::NotRun);
    let mut aside = stepped(40, 40, 0.0);
    aside.points[39].quarantined = Some("the fan failed".to_owned());
    let found = decided(aside, None, None, &[]);
    assert_eq!(found.standing, Standing::CannotTell);
    assert!(found.reason.contains("the fan failed"));
    assert_eq!(summary(&found).recent.last(), Some(&None));
}

#[test]
fn intervals_are_students_on_logarithms() {
    let found = decided(history(&[1000.0]), None, None, &[]);
    let (low, high) = found.intervals[0].unwrap();
    // Known answer: t(0.975, 4) = 2.776445; exp(2.776445 × 0.004 ÷ √5) = 1.004979.
    assert!((high - 1004.979).abs() < 0.001, "{high}");
    assert!((low - 995.046).abs() < 0.001, "{low}");
}

#[test]
fn more_is_better_where_the_metric_says_so() {
    let mut rate = stepped(60, 52, 0.08);
    rate.key.metric = Metric { name: "rate".to_owned(), unit: "op".to_owned() };
    assert_eq!(decided(rate, None, None, &[]).standing, Standing::Faster);
}
