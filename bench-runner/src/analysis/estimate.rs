//! Observations of one run → one result per benchmark, with an interval that says what it covers.
//!
//! The unit of replication is the launch. With one or two launches nothing is known about other launches, and the
//! result says so instead of pretending. Doubts about the data live in `doubts`; constants are documented in
//! `docs/statistics.md`.

use std::collections::BTreeMap;

use super::words;
use crate::model::estimate::{BenchmarkResult, ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::measurement::{LaunchSummary, Measurement, SamplingMode};
use crate::stats::rng::{SplitMix64, seed_of};
use crate::stats::{Sorted, bootstrap, interval, moments, variance};

mod doubts;

/// Confidence level of the intervals shown beside single numbers.
pub const LEVEL: f64 = 0.95;

/// Bootstrap resamples.
pub const RESAMPLES: u32 = 2000;

/// Launches from which on the hierarchical bootstrap replaces Student's t; below it would be too narrow.
pub const BOOTSTRAP_LAUNCHES: usize = 15;

/// Launches from which on launch-to-launch variation can be stated at all.
pub const REPLICATED_LAUNCHES: usize = 3;

/// What one launch recorded about one benchmark.
pub(crate) struct LaunchData<'a> {
    pub(crate) launch: u32,
    pub(crate) measurement: &'a Measurement,
    /// Values per iteration in time order.
    pub(crate) values: Vec<f64>,
    pub(crate) sorted: Sorted,
}

impl<'a> LaunchData<'a> {
    /// `None` when there is no observation or one of them is not a finite number above zero.
    fn new(launch: u32, measurement: &'a Measurement) -> Option<Self> {
        let valid = measurement.sample.iter().all(|observation| {
            observation.iterations > 0 && observation.total.is_finite() && observation.total > 0.0
        });
        let values: Vec<f64> = measurement.sample.iter().map(|o| o.per_iteration()).collect();
        let sorted = Sorted::new(&values)?;
        valid.then_some(Self { launch, measurement, values, sorted })
    }
}

/// Reduces one launch's sample to its locations.
///
/// # Edge cases
/// `None` when the sample is empty or holds a total that is not finite and above zero. The slope is fitted under
/// linear sampling only.
#[must_use]
pub fn summarize(launch: u32, measurement: &Measurement) -> Option<LaunchSummary> {
    LaunchData::new(launch, measurement).map(|data| summary(&data))
}

fn summary(data: &LaunchData<'_>) -> LaunchSummary {
    let sorted = &data.sorted;
    LaunchSummary {
        launch: data.launch,
        observations: u32::try_from(sorted.len()).unwrap_or(u32::MAX),
        minimum: sorted.minimum(),
        lower_quartile: sorted.quantile(0.25),
        median: sorted.median(),
        upper_quartile: sorted.quantile(0.75),
        maximum: sorted.maximum(),
        mean: moments::mean(&data.values).unwrap_or_else(|| sorted.median()),
        slope: slope(data.measurement),
    }
}

fn slope(measurement: &Measurement) -> Option<f64> {
    if measurement.sampling != SamplingMode::Linear {
        return None;
    }
    let iterations: Vec<f64> = measurement.sample.iter().map(|o| o.iterations as f64).collect();
    let totals: Vec<f64> = measurement.sample.iter().map(|o| o.total).collect();
    moments::line_through_origin(&iterations, &totals).map(|line| line.slope)
}

/// One result per benchmark and metric: those of the inventory in its order, then any others by id.
///
/// `measurements` pairs each measurement with the ordinal of its launch.
///
/// # Edge cases
/// Measurements with impossible observations are left out and leave a blocking finding; a benchmark with nothing else
/// gets no result.
#[must_use]
pub fn estimate_run(inventory: &[BenchmarkId], measurements: &[(u32, Measurement)]) -> Vec<BenchmarkResult> {
    let borrowed: Vec<(u32, &Measurement)> =
        measurements.iter().map(|(launch, measurement)| (*launch, measurement)).collect();
    estimate_borrowed(inventory, &borrowed)
}

/// As [`estimate_run`], without owning the measurements.
pub(crate) fn estimate_borrowed(
    inventory: &[BenchmarkId],
    measurements: &[(u32, &Measurement)],
) -> Vec<BenchmarkResult> {
    let position: BTreeMap<&BenchmarkId, usize> = inventory.iter().zip(0..).collect();
    let mut groups: BTreeMap<_, Vec<(u32, &Measurement)>> = BTreeMap::new();
    for &(launch, measurement) in measurements {
        let id = &measurement.benchmark;
        let order = position.get(id).copied().unwrap_or(usize::MAX);
        groups.entry((order, id, &measurement.metric)).or_default().push((launch, measurement));
    }
    groups.into_values().filter_map(|launches| estimate(&launches)).collect()
}

/// The result of one benchmark from its launches.
///
/// The value is the median of the launch medians. The interval is, from 15 launches on, a hierarchical bootstrap; from
/// 3 to 14, Student's t on the logarithms of the launch medians; below that a bootstrap within the launches, which says
/// nothing about other launches. It is extended to contain the value where the two disagree (few, lopsided launches).
///
/// # Edge cases
/// `None` when no launch has a usable sample. All measurements must be of one benchmark and metric; the first decides.
#[must_use]
pub fn estimate(launches: &[(u32, &Measurement)]) -> Option<BenchmarkResult> {
    let mut ordered = launches.to_vec();
    ordered.sort_by_key(|(launch, _)| *launch);
    let (first_launch, first) = ordered.first().copied()?;
    let data: Vec<LaunchData<'_>> =
        ordered.iter().filter_map(|(launch, measurement)| LaunchData::new(*launch, measurement)).collect();
    let summaries: Vec<LaunchSummary> = data.iter().map(summary).collect();
    let medians: Vec<f64> = summaries.iter().map(|summary| summary.median).collect();
    let value = Sorted::new(&medians)?.median();
    let split = variance::split(&data.iter().map(|launch| launch.values.clone()).collect::<Vec<_>>());
    let mut findings = doubts::of(first, &data, split.as_ref());
    if data.len() < ordered.len() {
        findings.push(impossible(first, first_launch, ordered.len() - data.len()));
    }
    Some(BenchmarkResult {
        benchmark: first.benchmark.clone(),
        metric: first.metric.clone(),
        throughput: first.throughput.clone(),
        estimate: Estimate {
            statistic: if data.len() == 1 { Statistic::Median } else { Statistic::MedianOfLaunchMedians },
            value,
            interval: confidence(&data, &medians, value),
            launches: u32::try_from(data.len()).unwrap_or(u32::MAX),
            observations: data.iter().map(|launch| launch.values.len() as u64).sum(),
        },
        launches: summaries,
        launch_variance_share: split
            .filter(|_| data.len() >= REPLICATED_LAUNCHES)
            .map(|split| split.launch_share),
        findings,
    })
}

fn confidence(data: &[LaunchData<'_>], medians: &[f64], value: f64) -> Option<ConfidenceInterval> {
    let (method, bounds) = if data.len() >= BOOTSTRAP_LAUNCHES {
        (IntervalMethod::HierarchicalBootstrap, hierarchical(data))
    } else if data.len() >= REPLICATED_LAUNCHES {
        let logs: Vec<f64> = medians.iter().map(|median| median.ln()).collect();
        let bounds = interval::one_sample(&logs, LEVEL).map(|t| (t.low.exp(), t.high.exp()));
        (IntervalMethod::LaunchT, bounds)
    } else {
        (IntervalMethod::WithinLaunchBootstrap, within(data))
    };
    bounds.map(|(low, high)| ConfidenceInterval {
        low: low.min(value),
        high: high.max(value),
        level: LEVEL,
        method,
    })
}

fn seeded(data: &[LaunchData<'_>]) -> SplitMix64 {
    SplitMix64::new(seed_of(data.iter().flat_map(|launch| &launch.values)))
}

fn hierarchical(data: &[LaunchData<'_>]) -> Option<(f64, f64)> {
    let groups: Vec<Sorted> = data.iter().map(|launch| launch.sorted.clone()).collect();
    bootstrap::percentile_interval(
        bootstrap::hierarchical_medians(&groups, RESAMPLES, &mut seeded(data)),
        LEVEL,
    )
}

/// Resamples the observations of each launch but never the launches themselves.
fn within(data: &[LaunchData<'_>]) -> Option<(f64, f64)> {
    let mut rng = seeded(data);
    let per_launch: Vec<Vec<f64>> =
        data.iter().map(|launch| bootstrap::medians(&launch.sorted, RESAMPLES, &mut rng)).collect();
    let estimates = (0..RESAMPLES as usize)
        .filter_map(|i| {
            Sorted::from_vec(per_launch.iter().filter_map(|medians| medians.get(i).copied()).collect())
        })
        .map(|medians| medians.median())
        .collect();
    bootstrap::percentile_interval(estimates, LEVEL)
}

fn impossible(first: &Measurement, first_launch: u32, dropped: usize) -> Finding {
    Finding {
        code: "impossible-observations".to_owned(),
        severity: Severity::Blocking,
        subject: first.benchmark.to_string(),
        evidence: format!(
            "{} of this benchmark (first launch: {first_launch}) hold no observation, or one that is not a number above zero",
            words::count(dropped as u64, "measurement")
        ),
        effect: "those launches are left out of the estimate".to_owned(),
        remedy: "let the benchmark measure for longer than the clock's resolution, and see that it returns its result".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{benchmark, measurement, noisy_launches};
    use super::*;
    use crate::model::measurement::Observation;

    fn result(launches: u32, launch_sd: f64) -> BenchmarkResult {
        let measurements = noisy_launches("sign_bench", "sign", 17_309.0, launches, launch_sd);
        estimate_run(&[], &measurements).remove(0)
    }

    #[track_caller]
    fn check(launches: u32, method: IntervalMethod, statistic: Statistic) {
        let result = result(launches, 0.01);
        let interval = result.estimate.interval.unwrap();
        assert_eq!((interval.method, result.estimate.statistic), (method, statistic));
        assert_eq!(result.estimate.launches, launches);
        assert_eq!(result.launches.len(), launches as usize);
        assert!(interval.low <= result.estimate.value && result.estimate.value <= interval.high);
        assert!(interval.low < 17_309.0 * 1.05 && interval.high > 17_309.0 * 0.95, "{interval:?}");
    }

    #[test]
    fn the_number_of_launches_decides_the_method() {
        check(1, IntervalMethod::WithinLaunchBootstrap, Statistic::Median);
        check(2, IntervalMethod::WithinLaunchBootstrap, Statistic::MedianOfLaunchMedians);
        check(3, IntervalMethod::LaunchT, Statistic::MedianOfLaunchMedians);
        check(14, IntervalMethod::LaunchT, Statistic::MedianOfLaunchMedians);
        check(15, IntervalMethod::HierarchicalBootstrap, Statistic::MedianOfLaunchMedians);
    }

    #[test]
    fn equal_data_give_equal_intervals() {
        assert_eq!(result(15, 0.01), result(15, 0.01));
        assert_eq!(result(1, 0.01), result(1, 0.01));
    }

    #[test]
    fn lopsided_launches_do_not_leave_the_value_outside_of_its_interval() {
        let mut measurements = noisy_launches("t", "f", 100.0, 14, 0.0001);
        for (launch, measurement) in &mut measurements {
            if *launch >= 8 {
                for observation in &mut measurement.sample {
                    observation.total *= 2.0;
                }
            }
        }
        let result = estimate_run(&[], &measurements).remove(0);
        let interval = result.estimate.interval.unwrap();
        assert!(interval.low <= result.estimate.value);
    }

    /// 95 % intervals from launches with a known truth must cover it about 95 times in 100.
    #[test]
    fn launch_intervals_cover_the_truth() {
        let mut rng = SplitMix64::new(77);
        let covered = (0..400)
            .filter(|_| {
                let data: Vec<(u32, Measurement)> = (0..6)
                    .map(|launch| {
                        let location = 1000.0 * (0.03 * rng.normal()).exp();
                        let values: Vec<f64> =
                            (0..11).map(|_| location * (1.0 + 0.01 * rng.normal())).collect();
                        (launch, measurement(benchmark("t", "f", None), &values))
                    })
                    .collect();
                let interval = estimate_run(&[], &data).remove(0).estimate.interval.unwrap();
                interval.low <= 1000.0 && 1000.0 <= interval.high
            })
            .count();
        assert!((368..=396).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn results_follow_the_inventory_then_the_id() {
        let ids = ["c", "a", "b"].map(|name| benchmark("t", name, None));
        let measurements: Vec<(u32, Measurement)> =
            ids.iter().map(|id| (0, measurement(id.clone(), &[1.0, 2.0]))).collect();
        let names: Vec<String> = estimate_run(&[benchmark("t", "b", None)], &measurements)
            .iter()
            .map(|result| result.benchmark.group.clone())
            .collect();
        assert_eq!(names, ["b", "a", "c"]);
    }

    #[test]
    fn impossible_observations_block_and_never_enter_the_estimate() {
        let mut bad = measurement(benchmark("t", "f", None), &[1.0, 2.0]);
        bad.sample[0] = Observation { iterations: 1, total: 0.0 };
        let good = measurement(benchmark("t", "f", None), &[5.0, 5.0]);
        let result = estimate(&[(0, &bad), (1, &good)]).unwrap();
        assert_eq!(result.estimate.launches, 1);
        assert!((result.estimate.value - 5.0).abs() < 1e-12);
        assert!(result.findings.iter().any(|f| f.code == "impossible-observations"));
        assert_eq!(estimate(&[(0, &bad)]), None);
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn the_slope_exists_under_linear_sampling_only() {
        let flat = measurement(benchmark("t", "f", None), &[1.0, 2.0, 3.0]);
        assert_eq!(summarize(0, &flat).unwrap().slope, None);
        let linear = Measurement { sampling: SamplingMode::Linear, ..flat };
        assert!(summarize(0, &linear).unwrap().slope.is_some());
    }

    #[test]
    fn shares_need_three_launches() {
        assert_eq!(result(2, 0.01).launch_variance_share, None);
        assert!(result(6, 0.05).launch_variance_share.unwrap() > 0.9);
    }
}
