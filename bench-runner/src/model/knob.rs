//! Knobs: settings and habits that move performance, with the evidence for turning them.

use serde::{Deserialize, Serialize};

use super::ids::{BenchmarkId, RunId};
use super::units::Timestamp;

/// Id of the one card that names all knobs that were tried and did nothing.
pub const TRIED_IN_VAIN: &str = "tried.no-effect";

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
    /// What trying it showed; `None` when it was not tried here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// What a trial says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnobVerdict {
    /// Faster beyond doubt and margin somewhere, and slower nowhere.
    Verified,
    /// Slower beyond doubt and margin somewhere.
    Harmful,
    /// Everything lies within the margin, or nothing can differ.
    NoEffect,
    /// The data cannot tell.
    Inconclusive,
}

/// One benchmark, or one pair of them, in a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProofRow {
    /// The benchmark, or `baseline -> candidate` for two of one suite.
    pub subject: String,
    /// Change of time per operation as a fraction.
    pub change: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// Level of the interval.
    pub level: f64,
    /// Pairs of neighbouring launches behind it.
    pub pairs: u32,
    /// Smallest change that this data would have shown with 90 % probability, as a fraction.
    pub visible_from: Option<f64>,
    /// What the row says on its own.
    pub verdict: super::comparison::Verdict,
}

/// What trying a knob showed. Computed from the stored launches of its experiment, never stored itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// The experiment.
    pub experiment: RunId,
    /// The knob.
    pub knob: String,
    /// When it was tried.
    pub tried: Timestamp,
    /// The kind of machine it was tried on.
    pub hw_class: String,
    /// What it says, whether or not it still holds.
    pub verdict: KnobVerdict,
    /// Why, in words with numbers.
    pub reason: String,
    /// Rows, the strongest first.
    pub rows: Vec<ProofRow>,
    /// Facts that changed since, which make it stale; empty while it holds.
    pub stale: Vec<String>,
    /// How often this knob was tried in this store.
    pub times: u32,
    /// The command that repeats it.
    pub again: String,
}

/// How the two sides of a trial are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialKind {
    /// Two arms that differ in the knob alone.
    Arms,
    /// Benchmarks of one suite against one another, per element: baseline and candidate of each pair.
    Suite(Vec<(BenchmarkId, BenchmarkId)>),
}

/// What was stored about a trial beside its experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnobTrial {
    /// The knob.
    pub knob: String,
    /// What ties the trials of one invocation together: they are judged together.
    pub session: String,
    /// How many trials the session meant to make; what is judged is corrected for all of them.
    pub planned: u32,
    /// How the sides were made.
    pub kind: TrialKind,
    /// Words that repeat it, after `bench-runner`.
    pub words: String,
}
