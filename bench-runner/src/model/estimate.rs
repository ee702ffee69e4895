//! Numbers that carry their doubt with them.

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::ids::BenchmarkId;
use super::measurement::LaunchSummary;
use super::units::{Metric, Throughput};

/// The name of a number computed from samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Median over launches of the launch medians: the house statistic.
    MedianOfLaunchMedians,
    /// Median of one launch's sample.
    Median,
    /// Arithmetic mean.
    Mean,
    /// Slope through the origin (Criterion's choice under linear sampling).
    Slope,
    /// A middle number stated by a record, whose statistic is Criterion's slope or mean.
    CriterionTypical,
    /// A number stated by a record that does not say which statistic it is.
    Stated,
}

impl Statistic {
    /// The words shown beside the number.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::MedianOfLaunchMedians => "median of launch medians",
            Self::Median => "median",
            Self::Mean => "mean",
            Self::Slope => "slope",
            Self::CriterionTypical => "Criterion's typical estimate (slope or mean)",
            Self::Stated => "as stated, kind unknown",
        }
    }
}

/// How an interval was made; it decides what the interval covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Student's t on the logarithms of the launch medians: covers launch-to-launch variation.
    LaunchT,
    /// Bootstrap over launches, then over the observations within: covers both.
    HierarchicalBootstrap,
    /// Bootstrap of one launch's observations: says nothing about other launches.
    WithinLaunchBootstrap,
    /// Stated by an imported record.
    Stated,
}

/// A confidence interval in the unit of its estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceInterval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Confidence level, for example 0.95.
    pub level: f64,
    /// What it covers.
    pub method: IntervalMethod,
}

impl ConfidenceInterval {
    /// Half of the width divided by `value`; `None` when `value` is zero.
    #[must_use]
    pub fn relative_half_width(&self, value: f64) -> Option<f64> {
        (value != 0.0).then(|| (self.high - self.low) / (2.0 * value.abs()))
    }
}

/// A statistic's value with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Which statistic.
    pub statistic: Statistic,
    /// The value per iteration in the metric's unit.
    pub value: f64,
    /// The interval; `None` when the record states none.
    pub interval: Option<ConfidenceInterval>,
    /// Launches it rests on; 0 for a record without raw samples.
    pub launches: u32,
    /// Observations it rests on; 0 for a record without raw samples.
    pub observations: u64,
}

/// What one run says about one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkResult {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Work per iteration, as declared.
    pub throughput: Vec<Throughput>,
    /// The number to show.
    pub estimate: Estimate,
    /// One row per complete launch; empty for a record without raw samples.
    pub launches: Vec<LaunchSummary>,
    /// Share of the variance of a launch mean that comes from the launch itself, 0 to 1; `None` below 3 launches.
    pub launch_variance_share: Option<f64>,
    /// Doubts about this benchmark's data.
    pub findings: Vec<Finding>,
}

impl BenchmarkResult {
    /// Elements per iteration: the first declared element throughput, else 1 is *not* assumed.
    #[must_use]
    pub fn elements(&self) -> Option<u64> {
        self.throughput.iter().find_map(|throughput| throughput.elements())
    }
}
