//! Budgets proposed from history, each with the false alarms that it would have raised on that history.
//!
//! The rate is counted on the nights that the limit was chosen from: it is what has been, not what will be.

use crate::model::history::{HistoryPoint, Line};
use crate::model::ids::{BenchmarkId, RunId};
use crate::stats::Sorted;
use crate::stats::distributions::t_quantile;
use crate::stats::proportion::clopper_pearson;

/// Nights that a proposal needs.
pub const FEWEST_NIGHTS: usize = 10;

/// Share of the nights whose whole interval lies below the limit before the room is added.
pub const QUANTILE: f64 = 0.95;

/// A proposed budget.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Proposal {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// Limit in nanoseconds, three significant digits, rounded up.
    pub limit_ns: f64,
    /// Nights of the present level that it was counted on.
    pub nights: u32,
    /// Nights whose whole interval would have lain above it: false alarms, if nothing had changed.
    pub failed: u32,
    /// Nights whose interval would have straddled it.
    pub inconclusive: u32,
    /// Upper end of the exact 95 % interval of the share of false alarms.
    pub failed_at_most: f64,
}

/// Proposes a limit for the level that a line has since `begin`, if any, among the runs in `comparable`: the
/// 95th percentile of the upper ends of its nights' intervals, and `room` above it.
///
/// # Edge cases
/// `None` for metrics other than time and below [`FEWEST_NIGHTS`] nights with at least three launches.
#[must_use]
pub fn propose(line: &Line, comparable: &[RunId], begin: Option<&RunId>, room: f64) -> Option<Proposal> {
    if !line.history.key.metric.is_time() {
        return None;
    }
    let start =
        begin.and_then(|run| line.history.points.iter().position(|point| point.run == *run)).unwrap_or(0);
    let intervals: Vec<(f64, f64)> = line.history.points[start..]
        .iter()
        .filter(|point| point.is_eligible() && comparable.contains(&point.run))
        .filter_map(interval)
        .collect();
    if intervals.len() < FEWEST_NIGHTS {
        return None;
    }
    let highs: Vec<f64> = intervals.iter().map(|(_, high)| *high).collect();
    let limit_ns = rounded_up(Sorted::new(&highs)?.quantile(QUANTILE) * (1.0 + room));
    let failed = intervals.iter().filter(|(low, _)| *low > limit_ns).count() as u64;
    let over = intervals.iter().filter(|(_, high)| *high > limit_ns).count() as u64;
    let nights = intervals.len() as u64;
    let (_, failed_at_most) = clopper_pearson(failed, nights, 0.95)?;
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Some(Proposal {
        benchmark: line.history.key.benchmark.clone(),
        limit_ns,
        nights: narrow(nights),
        failed: narrow(failed),
        inconclusive: narrow(over - failed),
        failed_at_most,
    })
}

/// The interval that the night's gate would have used: Student's t on the logarithms of the launch medians.
fn interval(point: &HistoryPoint) -> Option<(f64, f64)> {
    let launches = f64::from(point.launches);
    if point.launches < 3 {
        return None;
    }
    let reach = t_quantile(0.975, launches - 1.0)? * point.log_sd? / launches.sqrt();
    Some((point.value * (-reach).exp(), point.value * reach.exp()))
}

/// The next number with three significant digits.
fn rounded_up(value: f64) -> f64 {
    if !(value > 0.0 && value.is_finite()) {
        return value;
    }
    let unit = 10.0_f64.powf(value.log10().floor() - 2.0);
    // A value that has three digits already keeps them.
    ((value / unit - 1e-9).ceil()) * unit
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{line, run_id};
    use super::*;

    #[test]
    fn a_limit_states_what_it_would_have_done() {
        let mut points: Vec<(f64, u32)> = (0..40).map(|i| (1000.0 + f64::from(i % 5), i)).collect();
        points[7].0 = 1500.0;
        let runs: Vec<RunId> = (0..40).map(run_id).collect();
        let found = propose(&line("g", &points), &runs, None, 0.02).unwrap();
        // t(0.975, 4) = 2.776, 0.5 % over √5: ± 0.62 %; 1004 · 1.0062 · 1.02 = 1030.5.
        assert!((found.limit_ns - 1040.0).abs() < 1e-6, "{found:?}");
        assert_eq!((found.nights, found.failed, found.inconclusive), (40, 1, 0));
        assert!(found.failed_at_most > 0.1 && found.failed_at_most < 0.14, "{found:?}");
        let later = propose(&line("g", &points), &runs, Some(&run_id(8)), 0.02).unwrap();
        assert_eq!((later.nights, later.failed), (32, 0));
        assert_eq!(propose(&line("g", &points), &runs[..9], None, 0.02), None);
    }

    #[test]
    fn limits_have_three_digits() {
        for (value, expected) in
            [(1030.5, 1040.0), (1040.0, 1040.0), (0.123_41, 0.124), (99_990.0, 100_000.0)]
        {
            assert!((rounded_up(value) / expected - 1.0).abs() < 1e-12, "{value}: {}", rounded_up(value));
        }
    }
}
