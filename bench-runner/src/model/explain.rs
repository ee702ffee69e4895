//! Why benchmarks moved between two runs: the label, and the evidence it rests on.

use serde::{Deserialize, Serialize};

use super::ids::{BenchmarkId, RunId};

/// What a shift is put down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nothing moved beyond the margin and beyond doubt.
    NoShift,
    /// The measured code.
    Code,
    /// Compiler, flags, profile, features or locked dependencies.
    Toolchain,
    /// The machine: clock, power, neighbours, kernel, settings, or its state.
    Environment,
    /// How it was measured: harness version, sampling settings.
    Protocol,
    /// More than one of these, or changes that stored evidence cannot tell apart.
    Mixed,
    /// The evidence that would tell is missing.
    Unknown,
}

impl Cause {
    /// All labels, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::NoShift,
        Self::Code,
        Self::Toolchain,
        Self::Environment,
        Self::Protocol,
        Self::Mixed,
        Self::Unknown,
    ];

    /// The label as it is printed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoShift => "no shift",
            Self::Code => "code",
            Self::Toolchain => "toolchain",
            Self::Environment => "environment",
            Self::Protocol => "protocol",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether two things are the same, as far as the records tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    /// Known on both sides and equal.
    Same,
    /// Known on both sides and different.
    Different,
    /// Not known on at least one side.
    Unknown,
}

/// One thing that differs, and what kind of cause it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Fact key or setting.
    pub key: String,
    /// Value in the first run.
    pub before: String,
    /// Value in the second run.
    pub after: String,
    /// The kind of cause it would be; `None` when it is not known to move time.
    pub cause: Option<Cause>,
    /// How it can move time, in a few words; empty when it is not known to.
    pub how: String,
}

/// How one benchmark moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// Second run over first; above 1 is slower.
    pub ratio: f64,
    /// Interval of the ratio at the level of the whole comparison; `None` without launches on both sides.
    pub interval: Option<(f64, f64)>,
    /// Whether it moved beyond the margin and beyond doubt.
    pub moved: bool,
    /// Whether its executable is the same in both runs.
    pub executable: Sameness,
}

/// What the replay of a kept executable showed, as ratios of times of one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The experiment, if it is stored.
    pub experiment: Option<RunId>,
    /// New executable over old one, both measured today in turns, with its interval.
    pub new_over_old: (f64, (f64, f64)),
    /// Old executable today over old executable then, with its interval.
    pub today_over_then: (f64, (f64, f64)),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The first run.
    pub before: RunId,
    /// The second run.
    pub after: RunId,
    /// Benchmark asked about; `None` is all of them.
    pub benchmark: Option<BenchmarkId>,
    /// The label.
    pub cause: Cause,
    /// Number of the rule of the decision table that gave it, from 1.
    pub rule: u32,
    /// Why, one line each, with numbers.
    pub evidence: Vec<String>,
    /// What would settle it; empty when nothing is open.
    pub next: String,
    /// How each benchmark moved, the largest move first.
    pub shifts: Vec<Shift>,
    /// Geometric mean ratio of all series and its interval, with their number; `None` below two series.
    pub common: Option<(f64, (f64, f64), u32)>,
    /// Clock of the second run over that of the first, by the canary.
    pub clock_ratio: Option<f64>,
    /// Contention of the second run over that of the first, by the canary; below 1 is more contended.
    pub contention_ratio: Option<f64>,
    /// Everything that differs, what can move time first.
    pub changes: Vec<Change>,
    /// What the replay showed, if one was made.
    pub replay: Option<Replay>,
}

/// What a step of a line is put down to, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCause {
    /// The label.
    pub cause: Cause,
    /// Why that label, or why none can be given.
    pub why: String,
    /// The runs before and after that said so; `None` when no two runs could be asked.
    pub runs: Option<(RunId, RunId)>,
}

impl StepCause {
    /// No label, for a reason.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { cause: Cause::Unknown, why: why.into(), runs: None }
    }
}
