//! Ratios between the functions of a group within one run: which implementation is ahead of which?
//!
//! All functions of a group live in one executable, so that each launch measures all of them under the same
//! conditions: the ratio is taken within a launch, and the launches are the replicates.

use std::collections::BTreeMap;

use super::estimate::REPLICATED_LAUNCHES;
use crate::model::estimate::BenchmarkResult;
use crate::model::ratio_table::{RatioCell, RatioRow, RatioTable, RatioVerdict};
use crate::stats::interval::one_sample;
use crate::stats::moments::mean;

/// Ratio up to which an implementation counts as level with the reference.
pub const BOUND: f64 = 1.02;

/// Level of the intervals.
pub const LEVEL: f64 = 0.95;

/// Builds the table of the groups that `wanted` chooses, given `target/group`.
///
/// `references` are function names; the first one that a group has is what its functions are divided by. Groups whose
/// benchmarks have no function are left out: they are sizes of one thing, not implementations of it.
///
/// # Reference
/// Student's interval of the mean of the logarithms of the ratios of launch medians, `stats::interval::one_sample`.
#[must_use]
pub fn ratio_table(
    results: &[BenchmarkResult],
    wanted: impl Fn(&str) -> bool,
    references: &[String],
) -> RatioTable {
    let mut rows: Vec<(RowKey<'_>, Vec<&BenchmarkResult>)> = Vec::new();
    for result in results {
        let id = &result.benchmark;
        if id.function.is_none() || id.occurrence > 0 || !wanted(&format!("{}/{}", id.target, id.group)) {
            continue;
        }
        let key = (id.package.as_str(), id.target.as_str(), id.group.as_str(), id.value.as_deref());
        let key = (key, result.metric.name.as_str());
        match rows.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(result),
            None => rows.push((key, vec![result])),
        }
    }
    let rows = rows.into_iter().map(|(((_, _, group, value), _), members)| {
        let operation = value.map_or_else(|| group.to_owned(), |value| format!("{group}/{value}"));
        row(operation, &members, references)
    });
    RatioTable { bound: BOUND, level: LEVEL, rows: rows.collect() }
}

/// Package, target, group and parameter; and the metric.
type RowKey<'a> = ((&'a str, &'a str, &'a str, Option<&'a str>), &'a str);

fn row(operation: String, members: &[&BenchmarkResult], references: &[String]) -> RatioRow {
    let function = |result: &BenchmarkResult| result.benchmark.function.clone().unwrap_or_default();
    let reference =
        references.iter().find_map(|wanted| members.iter().find(|result| function(result) == *wanted));
    let cells = members.iter().map(|result| match reference {
        Some(reference) if reference.benchmark == result.benchmark => RatioCell {
            function: function(result),
            launches: u32::try_from(result.launches.len()).unwrap_or(u32::MAX),
            ratio: Some(1.0),
            interval: None,
            verdict: RatioVerdict::Reference,
        },
        Some(reference) => cell(function(result), result, reference),
        None => RatioCell {
            function: function(result),
            launches: 0,
            ratio: None,
            interval: None,
            verdict: RatioVerdict::NotComparable,
        },
    });
    RatioRow {
        operation,
        reference: reference.map(|result| function(result)),
        reference_value: reference.map(|result| result.estimate.value / per(result)),
        cells: cells.collect(),
    }
}

/// Elements per iteration, or 1: both sides of a ratio are taken per element.
fn per(result: &BenchmarkResult) -> f64 {
    result.elements().unwrap_or(1).max(1) as f64
}

fn cell(function: String, result: &BenchmarkResult, reference: &BenchmarkResult) -> RatioCell {
    let known: BTreeMap<u32, f64> =
        reference.launches.iter().map(|launch| (launch.launch, launch.median / per(reference))).collect();
    let logarithms: Vec<f64> = result
        .launches
        .iter()
        .filter_map(|launch| Some((launch.median / per(result) / known.get(&launch.launch)?).ln()))
        .filter(|logarithm| logarithm.is_finite())
        .collect();
    let interval = one_sample(&logarithms, LEVEL)
        .filter(|_| logarithms.len() >= REPLICATED_LAUNCHES)
        .map(|interval| (interval.low.exp(), interval.high.exp()));
    let verdict = match interval {
        _ if logarithms.is_empty() => RatioVerdict::NotComparable,
        Some((_, high)) if high < 1.0 => RatioVerdict::Ahead,
        Some((_, high)) if high <= BOUND => RatioVerdict::Level,
        Some((low, _)) if low > BOUND => RatioVerdict::Behind,
        _ => RatioVerdict::Inconclusive,
    };
    RatioCell {
        function,
        launches: u32::try_from(logarithms.len()).unwrap_or(u32::MAX),
        ratio: mean(&logarithms).map(f64::exp),
        interval,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::super::estimate::estimate_run;
    use super::super::examples::{benchmark, measurement};
    use super::*;
    use crate::model::measurement::Measurement;

    /// Launch medians of functions of one group; a launch's factor is common to all of them.
    fn launches(functions: &[(&str, &[f64])]) -> Vec<BenchmarkResult> {
        let mut data: Vec<(u32, Measurement)> = Vec::new();
        for (function, values) in functions {
            for (launch, value) in (0_u32..).zip(*values) {
                let mut id = benchmark("peers", "peers/sign", None);
                id.function = Some((*function).to_owned());
                data.push((launch, measurement(id, &[*value, *value])));
            }
        }
        estimate_run(&[], &data)
    }

    fn table(functions: &[(&str, &[f64])], references: &[&str]) -> RatioTable {
        let references: Vec<String> = references.iter().map(|&name| name.to_owned()).collect();
        ratio_table(&launches(functions), |group| group == "peers/peers/sign", &references)
    }

    fn find<'a>(table: &'a RatioTable, function: &str) -> &'a RatioCell {
        table.rows[0].cells.iter().find(|cell| cell.function == function).unwrap()
    }

    #[test]
    fn a_ratio_is_taken_within_each_launch() {
        // Launches that are 1, 2 and 4 times as slow for both sides: the ratio does not know.
        let table = table(&[("dalek", &[10.0, 20.0, 40.0]), ("kms", &[5.0, 10.0, 20.0])], &["dalek"]);
        let cell = find(&table, "kms");
        assert!((cell.ratio.unwrap() - 0.5).abs() < 1e-12);
        let (low, high) = cell.interval.unwrap();
        assert!((low - 0.5).abs() < 1e-9 && (high - 0.5).abs() < 1e-9);
        assert_eq!((cell.verdict, cell.launches), (RatioVerdict::Ahead, 3));
        assert_eq!(find(&table, "dalek").verdict, RatioVerdict::Reference);
        assert_eq!(table.rows[0].reference.as_deref(), Some("dalek"));
        assert!((table.rows[0].reference_value.unwrap() - 20.0).abs() < 1e-12);
    }

    #[test]
    fn the_interval_is_students_on_logarithms() {
        // Ratios e^-0.1, e^0, e^0.1: mean 0, s 0.1, t(0.975; 2) = 4.30265, so the half width is 0.248414.
        let ratios = [(-0.1_f64).exp(), 1.0, 0.1_f64.exp()];
        let table = table(&[("a", &[1.0, 1.0, 1.0]), ("b", &ratios)], &["a"]);
        let (low, high) = find(&table, "b").interval.unwrap();
        assert!((low.ln() + 0.248_414).abs() < 1e-5 && (high.ln() - 0.248_414).abs() < 1e-5, "{low} {high}");
        assert_eq!(find(&table, "b").verdict, RatioVerdict::Inconclusive);
    }

    #[test]
    fn verdicts_follow_the_whole_interval() {
        let check = |values: &[f64], verdict: RatioVerdict| {
            let reference = [100.0, 100.0, 100.0];
            let table = table(&[("a", &reference[..]), ("b", values)], &["a"]);
            assert_eq!(find(&table, "b").verdict, verdict, "{values:?}");
        };
        check(&[90.0, 91.0, 90.5], RatioVerdict::Ahead);
        check(&[100.0, 100.1, 100.2], RatioVerdict::Level);
        check(&[101.0, 103.0, 102.0], RatioVerdict::Inconclusive);
        check(&[110.0, 111.0, 110.5], RatioVerdict::Behind);
        // Two launches say nothing about a third.
        check(&[50.0, 50.0], RatioVerdict::Inconclusive);
    }

    #[test]
    fn the_first_reference_that_a_group_has_is_taken() {
        let functions: &[(&str, &[f64])] = &[("kms", &[1.0, 1.0, 1.0]), ("zebra", &[2.0, 2.0, 2.0])];
        assert_eq!(table(functions, &["dalek", "zebra"]).rows[0].reference.as_deref(), Some("zebra"));
        let without = table(functions, &["dalek"]);
        assert_eq!(without.rows[0].reference, None);
        assert!(without.rows[0].cells.iter().all(|cell| cell.verdict == RatioVerdict::NotComparable));
        assert!(ratio_table(&launches(functions), |_| false, &[]).rows.is_empty());
    }
}
