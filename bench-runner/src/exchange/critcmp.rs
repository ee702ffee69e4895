//! A baseline as `critcmp --export` writes it: Criterion's estimates of each benchmark, without samples.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::foreign::{ForeignError, ForeignRun, Gatherer, IMPORTED, MAX_OBJECTS, check_amount, named_with};
use super::input;
use crate::model::estimate::Statistic;
use crate::model::units::{Metric, Throughput};

/// Name of the format in messages.
const FORMAT: &str = "a critcmp export";

/// The file.
#[derive(Deserialize)]
struct File {
    name: String,
    benchmarks: BTreeMap<String, Benchmark>,
}

/// One benchmark; the version is part of the fields' names.
#[derive(Deserialize)]
struct Benchmark {
    criterion_benchmark_v1: Info,
    criterion_estimates_v1: Estimates,
}

/// What Criterion's `benchmark.json` says.
#[derive(Deserialize)]
struct Info {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<BTreeMap<String, serde_json::Value>>,
}

/// What Criterion's `estimates.json` says, in nanoseconds.
#[derive(Deserialize)]
struct Estimates {
    #[serde(alias = "Mean")]
    mean: Stats,
    #[serde(alias = "Slope")]
    slope: Option<Stats>,
}

/// One estimate.
#[derive(Deserialize)]
struct Stats {
    confidence_interval: Interval,
    point_estimate: f64,
}

/// Its interval.
#[derive(Deserialize)]
struct Interval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

/// Reads an export.
///
/// The slope is taken where Criterion fitted one, else the mean: what Criterion itself prints. Both were made within one
/// process.
///
/// # Errors
///
/// [`ForeignError`]: no JSON of that shape, another version of the entries, too much of something, or nothing usable.
pub fn parse(content: &[u8]) -> Result<Vec<ForeignRun>, ForeignError> {
    let text = input::text(content)?;
    let file: File = input::json(text, FORMAT, MAX_OBJECTS)?;
    let mut gatherer = Gatherer::new(IMPORTED, None);
    gatherer.fact("import.baseline", &file.name, "critcmp");
    for Benchmark { criterion_benchmark_v1: info, criterion_estimates_v1: estimates } in
        file.benchmarks.into_values()
    {
        let mut benchmark = named_with(IMPORTED, IMPORTED, &info.group_id, info.value_str.as_deref())?;
        benchmark.function = info.function_id.map(|function| super::foreign::without_homes(&function));
        let (statistic, stats) = match estimates.slope {
            Some(slope) => (Statistic::Slope, slope),
            None => (Statistic::Mean, estimates.mean),
        };
        let interval = stats.confidence_interval;
        let interval = (interval.lower_bound, interval.upper_bound, interval.confidence_level);
        let throughput = info.throughput.iter().flatten().filter_map(throughput).collect();
        if gatherer.state(benchmark, Metric::time(), (statistic, stats.point_estimate), Some(interval)) {
            gatherer.declare(throughput);
        }
    }
    let (runs, left_out) = match gatherer.finish() {
        Ok(run) => (vec![run], 0),
        Err(left_out) => (Vec::new(), left_out),
    };
    check_amount(&runs, left_out)?;
    Ok(runs)
}

/// A declared throughput; kinds that this version does not know are left out.
fn throughput((kind, value): (&String, &serde_json::Value)) -> Option<Throughput> {
    let number = value.as_u64()?;
    match kind.as_str() {
        "Bytes" => Some(Throughput::Bytes(number)),
        "BytesDecimal" => Some(Throughput::BytesDecimal(number)),
        "Elements" => Some(Throughput::Elements(number)),
        "Bits" => Some(Throughput::Bits(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATS: &str = r#"{"confidence_interval": {"confidence_level": 0.95, "lower_bound": 9.5, "upper_bound": 11.0},
        "point_estimate": 10.25, "standard_error": 0.1}"#;

    fn file(slope: &str) -> String {
        format!(
            r#"{{"name": "before", "benchmarks": {{"g/f/8": {{"baseline": "before", "fullname": "before/g/f/8",
            "criterion_benchmark_v1": {{"group_id": "g", "function_id": "f", "value_str": "8",
              "throughput": {{"Elements": 8}}, "full_id": "g/f/8", "directory_name": "g/f/8"}},
            "criterion_estimates_v1": {{"mean": {STATS}, "median": {STATS}, "slope": {slope}, "std_dev": {STATS}}}}}}}}}"#
        )
    }

    #[test]
    fn slope_or_mean_comes_with_its_interval() {
        let check = |slope: &str, statistic| {
            let run = parse(file(slope).as_bytes()).unwrap().remove(0);
            let entry = &run.stated[0];
            assert_eq!(entry.benchmark.full_id(), "g/f/8");
            assert_eq!((entry.estimate.statistic, entry.throughput[0].elements()), (statistic, Some(8)));
            let interval = entry.estimate.interval.unwrap();
            assert_eq!(
                (entry.estimate.value, interval.low, interval.high, interval.level),
                (10.25, 9.5, 11.0, 0.95)
            );
        };
        check(STATS, Statistic::Slope);
        check("null", Statistic::Mean);
    }

    #[test]
    fn other_entries_are_refused() {
        let other = file("null").replace("_v1", "_v2");
        assert!(matches!(parse(other.as_bytes()), Err(ForeignError::Malformed { .. })));
        assert!(matches!(
            parse(br#"{"name": "x", "benchmarks": {}}"#),
            Err(ForeignError::Empty { left_out: 0 })
        ));
    }
}
