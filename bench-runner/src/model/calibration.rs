//! A calibration: what this machine makes of equal executables, and so what may be believed from it today.
//!
//! It is computed from a stored experiment and can be computed again. It belongs to one machine in one configuration
//! and grows old; who uses it decides whether it still counts.

use serde::{Deserialize, Serialize};

use super::ids::{BenchmarkId, Digest, RunId};
use super::units::{Metric, Timestamp};

/// One number that stands for the observations of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// The median.
    Median,
    /// The mean without the lowest and the highest fifth.
    TrimmedMean,
    /// The smallest.
    Minimum,
    /// The Hodges–Lehmann center.
    HodgesLehmann,
}

impl Location {
    /// All of them, the one that is shown everywhere first.
    pub const ALL: [Self; 4] = [Self::Median, Self::TrimmedMean, Self::Minimum, Self::HodgesLehmann];

    /// Its name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::TrimmedMean => "trimmed mean",
            Self::Minimum => "minimum",
            Self::HodgesLehmann => "Hodges–Lehmann",
        }
    }
}

/// How much one location varies between the blocks of equal executables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocationScore {
    /// Which location.
    pub location: Location,
    /// Median over the benchmarks of the standard deviation of block differences of logarithms.
    pub block_sd: f64,
    /// Benchmarks behind it.
    pub benchmarks: u32,
}

/// One comparison of equal executables: some consecutive blocks of one benchmark, judged by each rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NullComparison {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// First block of the comparison among those that count, from 0.
    pub first_block: u32,
    /// Blocks.
    pub blocks: u32,
    /// Hodges–Lehmann center of the block differences, as a natural logarithm; the truth is 0.
    pub effect: f64,
    /// Standard deviation of the block differences.
    pub block_sd: f64,
    /// Whether the interval that experiments are judged by excluded 0 after any block, at 5 %.
    pub alarm_5: bool,
    /// The same at 1 %.
    pub alarm_1: bool,
    /// Whether Student's interval for a number of blocks fixed beforehand excludes 0, at 5 %.
    pub student_5: bool,
    /// The same at 1 %.
    pub student_1: bool,
    /// Whether the signed-rank interval for a number of blocks fixed beforehand excludes 0, at 5 %; `None` in calibrations that
    /// were stored before it was known.
    #[serde(default)]
    pub rank_5: Option<bool>,
    /// The same at 1 %.
    #[serde(default)]
    pub rank_1: Option<bool>,
    /// Pairs of launches of these blocks that Criterion's own rule calls changed.
    pub criterion_changed: u32,
    /// Pairs of launches that it was asked about.
    pub criterion_pairs: u32,
}

/// Alarms among comparisons in which nothing differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FalseAlarms {
    /// Probability that the rule promises at most; `None` for Criterion's rule, whose 5 % hold for other samples.
    pub nominal: Option<f64>,
    /// Alarms.
    pub alarms: u64,
    /// Comparisons.
    pub comparisons: u64,
    /// Exact 95 % interval of the rate (Clopper and Pearson), if the comparisons were independent.
    pub interval: Option<(f64, f64)>,
}

impl FalseAlarms {
    /// Alarms divided by comparisons; `None` without any.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub fn rate(&self) -> Option<f64> {
        (self.comparisons > 0).then(|| self.alarms as f64 / self.comparisons as f64)
    }
}

/// The counts of one calibration, or of several together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// The rule of experiments at 5 %.
    pub rule_5: FalseAlarms,
    /// The rule of experiments at 1 %.
    pub rule_1: FalseAlarms,
    /// Student's interval for a fixed number of blocks at 5 %.
    pub student_5: FalseAlarms,
    /// The same at 1 %.
    pub student_1: FalseAlarms,
    /// The signed-rank interval for a fixed number of blocks at 5 %; `None` in calibrations that were stored before it was known.
    #[serde(default)]
    pub rank_5: Option<FalseAlarms>,
    /// The same at 1 %.
    #[serde(default)]
    pub rank_1: Option<FalseAlarms>,
    /// Criterion's own rule on pairs of the same launches.
    pub criterion: FalseAlarms,
}

/// What was learnt about one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkNoise {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Executable that was measured.
    pub executable: Option<Digest>,
    /// Blocks that count.
    pub blocks: u32,
    /// Standard deviation of their differences of logarithms.
    pub block_sd: f64,
    /// Standard deviation of the logarithm of a launch median.
    pub launch_sd: f64,
    /// Mean logarithm of the launch medians: the level of this session.
    pub level: f64,
    /// Variance of that mean from the launches of this session alone.
    pub level_variance: f64,
    /// Smallest change that an experiment of the planned number of blocks shows with 90 % probability, as a fraction.
    pub smallest_change: Option<f64>,
}

/// How far unchanged executables move between sessions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SessionSpread {
    /// Variance of the logarithm of a session's level, beyond what its launches explain; at least 0.
    pub variance: f64,
    /// Degrees of freedom behind it: sessions beyond the first, over all benchmarks.
    pub degrees: u32,
}

/// What this machine makes of equal executables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The experiment that it rests on.
    pub experiment: RunId,
    /// When that ended.
    pub at: Timestamp,
    /// The machine.
    pub machine: String,
    /// Its configuration: a calibration of another one says nothing.
    pub config: String,
    /// Every comparison.
    pub comparisons: Vec<NullComparison>,
    /// Alarms among them.
    pub rates: Rates,
    /// Blocks that the smallest changes are for.
    pub planned_blocks: u32,
    /// Median over the benchmarks of the smallest change; `None` when no benchmark varied measurably.
    pub smallest_change: Option<f64>,
    /// Largest over the benchmarks.
    pub largest_smallest_change: Option<f64>,
    /// Spread between sessions; `None` with fewer than two sessions of one executable.
    pub session: Option<SessionSpread>,
    /// The location that varied least.
    pub best: Location,
    /// All locations.
    pub locations: Vec<LocationScore>,
    /// Each benchmark.
    pub benchmarks: Vec<BenchmarkNoise>,
}

/// What a report says about calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationNote {
    /// When it was made.
    pub at: Timestamp,
    /// Alarms of the rule of experiments at 5 %.
    pub alarms: FalseAlarms,
    /// Alarms of Criterion's own rule on the same launches.
    pub criterion: FalseAlarms,
    /// Median smallest change, as a fraction.
    pub smallest_change: Option<f64>,
    /// Blocks that it is for.
    pub planned_blocks: u32,
    /// The location that varied least.
    pub best: Location,
    /// Why it does not count any more; `None` while it does.
    pub stale: Option<String>,
}
