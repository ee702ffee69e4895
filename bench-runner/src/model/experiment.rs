//! An experiment: two or more arms measured in turns on one machine, so that what they share cancels.
//!
//! Each arm is stored as a run of its own, with every observation; the experiment adds which launch belongs to which
//! block. Verdicts are computed from that and can be computed again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::comparison::Comparison;
use super::finding::Finding;
use super::ids::RunId;
use super::step::Step;
use super::units::Timestamp;

/// What an experiment was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Somebody asked how variants differ.
    Compare,
    /// The same executables twice: how often does this machine see what is not there?
    Calibrate,
    /// A suspect of the gate, measured again against its baseline.
    Confirm,
    /// A knob, turned.
    Knob,
    /// Two releases.
    Release,
    /// One step of a search for the commit that changed a benchmark.
    Bisect,
    /// An old executable measured today, to tell code from environment.
    Replay,
}

/// How the code of one arm is made. Everything that is `None` or empty is as in the project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Variant {
    /// Name shown for the arm.
    pub name: String,
    /// Git revision to build from a clean worktree; `None` is the working tree as it is.
    pub rev: Option<String>,
    /// Run whose kept executables are used instead of building.
    pub run: Option<RunId>,
    /// Compiler flags, added to the configured ones.
    pub rustflags: Vec<String>,
    /// Beginnings of configured compiler flags that are left out, for example `--cfg=backend=`, so that one value can
    /// stand in for another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_flags: Vec<String>,
    /// Cargo features to enable.
    pub features: Vec<String>,
    /// Cargo profile instead of `bench`.
    pub cargo_profile: Option<String>,
    /// Settings of the cargo profile, for example `lto` to `"fat"`, as `CARGO_PROFILE_*` would set them.
    pub profile_settings: BTreeMap<String, String>,
    /// Variables of the bench process; names and values are stored, so secrets do not belong here.
    pub environment: BTreeMap<String, String>,
    /// Processors that the bench process may use; empty is all.
    pub affinity: Vec<u32>,
}

/// What a launch of an experiment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchRole {
    /// Counts in the comparison of its arm with the baseline arm.
    Test,
    /// Belongs to a control block, in which both sides are the baseline arm.
    Control,
}

/// One launch in the order of the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentLaunch {
    /// Place in the whole experiment, from 0.
    pub position: u32,
    /// Block it belongs to, from 0; the launches of a block follow one another.
    pub block: u32,
    /// Arm that was launched; in a control block the side (0 or 1) is in `side`.
    pub arm: u32,
    /// Side of the comparison inside its block: 0 baseline, 1 the other.
    pub side: u32,
    /// Test or control.
    pub role: LaunchRole,
    /// Ordinal of the launch in the run of its arm.
    pub launch: u32,
    /// Why its block does not count; the launch stays stored.
    pub contaminated: Option<String>,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// How it was made.
    pub variant: Variant,
    /// The run that holds its launches.
    pub run: RunId,
}

/// A stored experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its name, a ULID as for runs.
    pub id: RunId,
    /// What for.
    pub purpose: Purpose,
    /// First moment.
    pub started: Timestamp,
    /// Last moment; `None` while it runs or when it broke off.
    pub finished: Option<Timestamp>,
    /// Seed of the order of arms.
    pub seed: u64,
    /// The first is the baseline.
    pub arms: Vec<Arm>,
    /// All launches in their order.
    pub launches: Vec<ExperimentLaunch>,
}

/// What stands behind one row of a contrast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowEvidence {
    /// Differences of the mean logarithms of the launch medians, candidate minus baseline, one per block that counts,
    /// in the order of measuring.
    pub differences: Vec<f64>,
    /// Launches behind them, both sides together.
    pub launches: u32,
    /// Student's interval of the ratio at the row's level. It holds for a number of blocks fixed beforehand only.
    pub t_interval: Option<(f64, f64)>,
    /// Signed-rank interval of the ratio at the row's level, exact for symmetric differences. It holds for a number of blocks
    /// fixed beforehand only.
    #[serde(default)]
    pub rank_interval: Option<(f64, f64)>,
    /// How the verdict came about.
    pub steps: Vec<Step>,
}

/// One arm against the baseline arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// Name of the baseline arm.
    pub baseline: String,
    /// Name of the other arm; the baseline's own name for the control.
    pub candidate: String,
    /// One row per benchmark and metric.
    pub rows: Vec<Comparison>,
    /// What stands behind each row, in the same order.
    pub evidence: Vec<RowEvidence>,
}

/// One line of a list of experiments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentListing {
    /// Its name.
    pub id: RunId,
    /// What for.
    pub purpose: Purpose,
    /// First moment.
    pub started: Timestamp,
    /// Last moment; `None` while it runs or when it broke off.
    pub finished: Option<Timestamp>,
    /// Names of the arms, the baseline first.
    pub arms: Vec<String>,
    /// Launches that belong to blocks.
    pub launches: u32,
}

/// What an experiment says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentResult {
    /// Each arm against the baseline.
    pub contrasts: Vec<Contrast>,
    /// The baseline against itself, from the control blocks; `None` without any.
    pub control: Option<Contrast>,
    /// Blocks that count.
    pub blocks: u32,
    /// Blocks repeated because something disturbed them.
    pub repeated: u32,
    /// Doubts about the experiment as a whole.
    pub findings: Vec<Finding>,
}
