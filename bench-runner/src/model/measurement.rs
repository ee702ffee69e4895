//! What was observed, before anything is concluded from it.

use serde::{Deserialize, Serialize};

use super::ids::BenchmarkId;
use super::units::{Metric, Throughput};

/// One pair of a number of iterations and the total that they took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Iterations, at least 1.
    pub iterations: u64,
    /// Total over all iterations in the unit of the metric (nanoseconds for time); finite and above zero.
    pub total: f64,
}

impl Observation {
    /// Total divided by iterations: the unit of the metric per iteration.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "iteration counts stay far below 2^53")]
    pub fn per_iteration(self) -> f64 {
        self.total / self.iterations as f64
    }
}

/// How Criterion chose the iteration counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplingMode {
    /// d, 2d, 3d … iterations: a slope can be fitted.
    Linear,
    /// The same count each time.
    Flat,
    /// A mode that this version does not know.
    Other,
}

/// The settings that Criterion really used; group-level settings in code beat the command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HarnessSettings {
    /// Warm-up in nanoseconds.
    pub warm_up_ns: f64,
    /// Measurement time in nanoseconds.
    pub measurement_ns: f64,
    /// Observations asked for.
    pub sample_size: u64,
}

/// Everything one launch recorded about one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Work per iteration, as declared; empty when nothing was declared.
    pub throughput: Vec<Throughput>,
    /// Linear or flat.
    pub sampling: SamplingMode,
    /// Effective settings; `None` when the harness does not tell (files).
    pub settings: Option<HarnessSettings>,
    /// All observations in time order.
    pub sample: Vec<Observation>,
}

/// One location of one launch, computed from its sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LaunchSummary {
    /// Ordinal of the launch in the run.
    pub launch: u32,
    /// Number of observations.
    pub observations: u32,
    /// Smallest time per iteration.
    pub minimum: f64,
    /// First quartile.
    pub lower_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub upper_quartile: f64,
    /// Largest time per iteration.
    pub maximum: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Slope through the origin; only for linear sampling.
    pub slope: Option<f64>,
}
