//! Knobs: settings and habits that move performance, with the evidence for turning them.

use serde::{Deserialize, Serialize};

use super::ids::RunId;

/// Where a knob is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnobGroup {
    /// In the caller's code and architecture.
    Caller,
    /// In the build.
    Build,
    /// In the operating system or hardware.
    Machine,
    /// In how we measure.
    Measurement,
}

/// How far a recommendation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnobState {
    /// A rule fired on stored evidence; nothing was tried yet.
    Candidate,
    /// For information only: it has a price that is not ours to weigh.
    Information,
}

/// Confidence in a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The rule rests on a model.
    Low,
    /// The rule rests on measured numbers, extrapolated.
    Medium,
    /// The rule rests on measured numbers, within their range.
    High,
}

/// One number that a recommendation rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the number is, for example `verify_batch/64 per op`.
    pub label: String,
    /// The number as text with unit and, where there is one, interval.
    pub value: String,
    /// The run it comes from.
    pub run: RunId,
}

/// Advice, the evidence for it, and what it would cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Stable id of the knob, for example `caller.batch-size`.
    pub knob: String,
    /// Where it is turned.
    pub group: KnobGroup,
    /// The sentence to act on.
    pub action: String,
    /// Why, in words with numbers.
    pub because: String,
    /// The numbers it rests on.
    pub evidence: Vec<Evidence>,
    /// Predicted change of time per operation as a fraction (−0.4 is 40 % less), low and high; `None` if not a speed gain.
    pub predicted_change: Option<(f64, f64)>,
    /// Confidence in the prediction.
    pub confidence: Confidence,
    /// What it costs: effort, latency, memory.
    pub cost: String,
    /// What can go wrong.
    pub risk: String,
    /// Lines to paste or a command to run; empty when there is none.
    pub how: String,
    /// How far it has come.
    pub state: KnobState,
}
