//! Rules on a real history, as if each night were tonight.

use std::collections::BTreeMap;

use super::count::{Counter, Counts};
use super::rules::HistoryRule;

/// One value of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// What is measured together: one suite on one machine.
    pub suite: String,
    /// The series within it, unit included.
    pub series: String,
    /// When, in milliseconds of any epoch; equal times of a suite are one night.
    pub date_ms: i64,
    /// The value; larger is not taken to be worse.
    pub value: f64,
}

/// A history in the order of its nights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Number of series.
    pub series: usize,
    /// Group and (series, value) pairs of each night; groups number the suites, in the order of their first value.
    pub nights: Vec<(usize, Vec<(usize, f64)>)>,
    /// Values that are not above zero or not finite.
    pub unusable: u64,
}

impl History {
    /// Sorts points into nights.
    ///
    /// # Edge cases
    /// Several values of one series at one time become nights of their own, in the order given.
    #[must_use]
    pub fn new(mut points: Vec<Point>) -> Self {
        points.sort_by(|a, b| (a.date_ms, &a.suite).cmp(&(b.date_ms, &b.suite)));
        let mut indices: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for point in &points {
            let next = indices.len();
            indices.entry((&point.suite, &point.series)).or_insert(next);
            let next = groups.len();
            groups.entry(&point.suite).or_insert(next);
        }
        let mut history = Self { series: indices.len(), ..Self::default() };
        let mut current = None;
        for point in &points {
            if !(point.value > 0.0 && point.value.is_finite()) {
                history.unusable += 1;
                continue;
            }
            let index = indices[&(point.suite.as_str(), point.series.as_str())];
            let time = Some((point.date_ms, &point.suite));
            let taken =
                history.nights.last().is_some_and(|(_, values)| values.iter().any(|(i, _)| *i == index));
            if current != time || taken {
                history.nights.push((groups[point.suite.as_str()], Vec::new()));
                current = time;
            }
            if let Some((_, values)) = history.nights.last_mut() {
                values.push((index, point.value));
            }
        }
        history
    }
}

/// Runs a rule over a history.
///
/// Real changes are in it and count as alerts, because nobody knows which they are. A rule that confirms has nothing to
/// measure again here; what is counted are its suspects.
#[must_use]
pub fn replay(rule: &dyn HistoryRule, history: &History) -> Counts {
    let mut judge = rule.start();
    let mut counter = Counter::default();
    for (group, present) in &history.nights {
        let mut values = vec![None; history.series];
        for (index, value) in present {
            values[*index] = Some(*value);
        }
        counter.night(&judge.night(*group, &values));
    }
    counter.counts
}

#[cfg(test)]
mod tests {
    use super::super::rules;
    use super::*;

    fn point(suite: &str, series: &str, date_ms: i64, value: f64) -> Point {
        Point { suite: suite.to_owned(), series: series.to_owned(), date_ms, value }
    }

    #[test]
    fn points_become_nights_of_their_suite() {
        let history = History::new(vec![
            point("b", "x", 2, 5.0),
            point("a", "x", 1, 1.0),
            point("a", "y", 1, 2.0),
            point("a", "x", 1, 3.0),
            point("a", "y", 2, -1.0),
        ]);
        assert_eq!((history.series, history.unusable), (3, 1));
        assert_eq!(
            history.nights,
            [(0, vec![(0, 1.0), (1, 2.0)]), (0, vec![(0, 3.0)]), (1, vec![(2, 5.0)]),]
        );
    }

    #[test]
    fn a_tenfold_value_is_seen_by_every_rule() {
        let mut points = Vec::new();
        let mut rng = crate::stats::rng::SplitMix64::new(2);
        for night in 0..80 {
            for series in ["a", "b", "c", "d", "e", "f"] {
                let tenfold = if night == 79 && series == "c" { 10.0 } else { 1.0 };
                points.push(point("s", series, night, tenfold * 100.0 * (0.01 * rng.normal()).exp()));
            }
        }
        let history = History::new(points);
        for rule in rules::all() {
            let counts = replay(&*rule, &history);
            assert!(counts.alerts >= 1 && counts.judged >= 6 * 45, "{}: {counts:?}", rule.name());
            assert_eq!(counts.machine_events, 0);
        }
    }
}
