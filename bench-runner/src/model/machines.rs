//! Machines side by side, and one machine over time.

use serde::{Deserialize, Serialize};

use super::ids::{BenchmarkId, Identity, RunId};
use super::record::MachineListing;
use super::units::{Metric, Timestamp};

/// One side of a comparison of machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineSide {
    /// The run that stands for it.
    pub run: RunId,
    /// Name on the page: the label or the key, and the configuration where that is needed to tell sides apart.
    pub name: String,
    /// Who measured.
    pub identity: Identity,
    /// Clock by the canary at the start of the run, in GHz, if it is known.
    pub clock_ghz: Option<f64>,
    /// Whether the machine was made up for a trial.
    pub synthetic: bool,
}

/// A fact in which the sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideDifference {
    /// Fact key or identity part.
    pub key: String,
    /// Value of each side, in their order; `unknown` where it is not known.
    pub values: Vec<String>,
}

/// One benchmark on one machine against the reference machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineCell {
    /// Time per iteration in the unit of the metric.
    pub value: f64,
    /// Over the reference; above 1 is slower.
    pub ratio: f64,
    /// Interval of the ratio; `None` below two launches on a side.
    pub ratio_interval: Option<(f64, f64)>,
    /// Ratio of cycles: ratio × clock ÷ clock of the reference, for times only; `None` unless both clocks are known.
    pub per_cycle: Option<f64>,
    /// Interval of the same; the clocks are taken as exact.
    pub per_cycle_interval: Option<(f64, f64)>,
}

/// One benchmark on all machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineRow {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Value on the reference machine.
    pub reference: f64,
    /// One cell per other machine, in their order; `None` where it was not measured.
    pub cells: Vec<Option<MachineCell>>,
}

/// A number that a record states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatedNumber {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// The value per iteration.
    pub value: f64,
    /// Its interval, if one is stated.
    pub interval: Option<(f64, f64)>,
}

/// A record without samples, shown apart: its numbers are stated, and nothing is concluded from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatedMachine {
    /// The record.
    pub run: RunId,
    /// Name on the page.
    pub name: String,
    /// Who measured.
    pub identity: Identity,
    /// What it states.
    pub numbers: Vec<StatedNumber>,
}

/// Machines side by side: the same code, built alike, measured by independent runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineComparison {
    /// Commit that all sides measured.
    pub commit: String,
    /// The machine that the others are compared with, first.
    pub sides: Vec<MachineSide>,
    /// In what they differ, shown before any number.
    pub differences: Vec<SideDifference>,
    /// Confidence level of each interval.
    pub level: f64,
    /// One row per benchmark of the reference.
    pub rows: Vec<MachineRow>,
    /// Per other machine the geometric mean ratio, that of cycles if known, and how many rows.
    pub means: Vec<Option<(f64, Option<f64>, u32)>>,
    /// Records without samples.
    pub stated: Vec<StatedMachine>,
}

/// A configuration in which a machine was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// Canonical text.
    pub config: String,
    /// Runs in it.
    pub runs: u32,
    /// Start of the first.
    pub first: Timestamp,
    /// Start of the newest.
    pub latest: Timestamp,
}

/// How noisy a machine was in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// The run.
    pub run: RunId,
    /// Its start.
    pub started: Timestamp,
    /// Median over benchmarks of the standard deviation of the logarithms of their launch medians.
    pub log_sd: Option<f64>,
    /// Benchmarks behind it.
    pub benchmarks: u32,
    /// Clock by the canary at its start, in GHz.
    pub clock_ghz: Option<f64>,
    /// Launches that were repeated because something disturbed them, and all launches.
    pub repeated: (u32, u32),
    /// The doctor's grade.
    pub grade: Option<String>,
}

/// A fact that was one thing in a run and another in the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactStep {
    /// First run with the new value.
    pub run: RunId,
    /// Its start.
    pub started: Timestamp,
    /// Fact key.
    pub key: String,
    /// Value before.
    pub before: String,
    /// Value from then on.
    pub after: String,
}

/// One machine over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineProfile {
    /// What it is.
    pub machine: MachineListing,
    /// Configurations seen, the newest first.
    pub modes: Vec<Mode>,
    /// Its runs, oldest first.
    pub noise: Vec<Noise>,
    /// Facts that changed, oldest first.
    pub steps: Vec<FactStep>,
}
