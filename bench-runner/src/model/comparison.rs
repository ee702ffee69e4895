//! Two runs side by side.

use serde::{Deserialize, Serialize};

use super::ids::{BenchmarkId, RunId};
use super::units::Metric;

/// The five answers. "No evidence" is never "no change".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Slower, beyond doubt and beyond the margin.
    Regressed,
    /// Faster, beyond doubt and beyond the margin.
    Improved,
    /// The whole interval lies within the margin.
    Unchanged,
    /// The data cannot tell.
    Inconclusive,
    /// The two must not be compared.
    NotComparable,
}

/// One benchmark of a candidate against the same benchmark of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted, on the side under judgement.
    pub metric: Metric,
    /// The older side.
    pub baseline: RunId,
    /// The side under judgement.
    pub candidate: RunId,
    /// Value of the baseline per iteration.
    pub baseline_value: f64,
    /// Value of the candidate per iteration.
    pub candidate_value: f64,
    /// Candidate over baseline; above 1 is slower.
    pub ratio: f64,
    /// Interval of the ratio at `level`; `None` when a side has no launches to judge by.
    pub ratio_interval: Option<(f64, f64)>,
    /// Confidence level of the interval.
    pub level: f64,
    /// Margin within which a change does not matter, as a fraction (0.02 is 2 %).
    pub margin: f64,
    /// Smallest relative change that this data would have shown with 90 % probability; `None` when unknown.
    pub minimum_detectable_effect: Option<f64>,
    /// The answer.
    pub verdict: Verdict,
    /// Why, in words with numbers.
    pub reason: String,
}

/// One thing in which two runs differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Fact key or identity part.
    pub key: String,
    /// Value on the baseline's side.
    pub baseline: String,
    /// Value on the candidate's side.
    pub candidate: String,
    /// Whether this alone makes the runs incomparable.
    pub splits_series: bool,
}

/// A candidate run against a baseline run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunComparison {
    /// The older side.
    pub baseline: RunId,
    /// The side under judgement.
    pub candidate: RunId,
    /// What differs, shown before any number.
    pub differences: Vec<Difference>,
    /// One row per benchmark and metric that both have, regressions first.
    pub rows: Vec<Comparison>,
    /// Benchmarks that only the baseline has.
    pub missing: Vec<BenchmarkId>,
    /// Benchmarks that only the candidate has.
    pub new: Vec<BenchmarkId>,
    /// Geometric mean of the ratios of comparable rows, and how many those are; `None` without such a row. It has no
    /// interval: rows of one session share its disturbances.
    pub geometric_mean: Option<(f64, u32)>,
}
