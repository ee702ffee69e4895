//! The complete, decided content of one run's report, before any word is formatted.

use serde::{Deserialize, Serialize};

use super::comparison::RunComparison;
use super::curve::{BatchCurve, ParallelScaling};
use super::estimate::BenchmarkResult;
use super::gate::GateOutcome;
use super::ids::BenchmarkId;
use super::knob::Recommendation;
use super::run::Run;
use super::units::Timestamp;

/// Words about one benchmark that its owner wrote in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Regular expression on `target/full_id`.
    pub pattern: String,
    /// Heading of the section that the matching benchmarks share.
    pub title: String,
    /// What it measures, one or two sentences.
    pub measures: String,
    /// What one element is called, for example `signature`; plural by adding `s`.
    pub element: String,
}

/// Observed times per iteration of one benchmark, one list per launch, for charts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// Per launch, in time order: value per iteration in the metric's unit.
    pub launches: Vec<Vec<f64>>,
}

/// Everything that a report of one run shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub run: Run,
    /// One result per measured benchmark in inventory order.
    pub results: Vec<BenchmarkResult>,
    /// Raw values for the distribution charts.
    pub distributions: Vec<Distribution>,
    /// Batch curves found in the results.
    pub batch_curves: Vec<BatchCurve>,
    /// Parallel benchmarks found in the results.
    pub parallel: Vec<ParallelScaling>,
    /// The previous comparable run, if there is one.
    pub previous: Option<RunComparison>,
    /// Start of that previous run.
    pub previous_started: Option<Timestamp>,
    /// Budgets judged.
    pub gates: Vec<GateOutcome>,
    /// Knob recommendations, strongest first.
    pub recommendations: Vec<Recommendation>,
    /// Owner's words.
    pub descriptions: Vec<Description>,
    /// The command that makes this report again.
    pub reproduce: String,
    /// Place and digest of the statement that was signed about the run; `None` for an unsigned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<super::seal::ChainHead>,
    /// What is known about false alarms on the machine; `None` when it was never calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<super::calibration::CalibrationNote>,
}
