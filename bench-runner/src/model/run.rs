//! A run: one execution of a suite on one machine at one commit, and the plan it followed.

use serde::{Deserialize, Serialize};

use super::covariates::Covariates;
use super::fact::Fact;
use super::finding::Finding;
use super::ids::{BenchmarkId, Digest, Identity, RunId};
use super::units::Timestamp;

/// Where the numbers of a run come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Measured by bench-runner: raw samples, launches, facts.
    Measured,
    /// Read from someone's Criterion folder: raw samples of one launch, origin unverified.
    Imported,
    /// Written down as estimates only (the founding record): no raw samples, never compared as if it had them.
    Summary,
}

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Still measuring.
    Running,
    /// Every benchmark of the inventory was measured in every launch.
    Complete,
    /// Something is missing; the findings name it. Never eligible for a gate.
    Partial,
}

/// One bench executable of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executable {
    /// SHA-256 of the file: the only proof that two runs ran the same code.
    pub digest: Digest,
    /// Size in bytes.
    pub bytes: u64,
    /// Cargo package.
    pub package: String,
    /// Bench target.
    pub target: String,
}

/// What became of one launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchStatus {
    /// Started, not yet finished.
    Running,
    /// Handshake, every benchmark begun and completed, sums consistent, exit 0.
    Complete,
    /// Something is missing or inconsistent; the reason says what.
    Partial,
}

/// How the observations of a launch were captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// Criterion's socket protocol.
    Socket,
    /// Files of a fresh `CRITERION_HOME`.
    Files,
}

/// One process of one bench executable: the unit of replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// Ordinal in the run, from 0, in the order of execution.
    pub ordinal: u32,
    /// Round of the plan it belongs to, from 0.
    pub round: u32,
    /// Which executable; [`Digest::UNKNOWN`] for imported results.
    pub executable: Digest,
    /// Cargo package.
    pub package: String,
    /// Bench target.
    pub target: String,
    /// What became of it.
    pub status: LaunchStatus,
    /// How it was captured; `None` when nothing was.
    pub capture: Option<Capture>,
    /// Why it is not complete.
    pub reason: Option<String>,
    /// Criterion's version as the bench said in its handshake.
    pub harness_version: Option<String>,
    /// Start of the process.
    pub started: Timestamp,
    /// Wall-clock seconds of the process.
    pub elapsed_seconds: f64,
    /// Exit code; `None` when killed by a signal.
    pub exit_code: Option<i32>,
    /// What was noticed beside its observations; `None` when nobody looked. Digests cover it as a part of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariates: Option<Covariates>,
}

impl Launch {
    /// Whether estimates use this launch: it is complete, and no other was made in its stead.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.status == LaunchStatus::Complete
            && !self.covariates.as_ref().is_some_and(|covariates| covariates.repeated)
    }
}

/// What the user asked for, resolved: nothing optional is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// Name of the profile, for example `standard`.
    pub profile: String,
    /// Name of the set, `core` or `full`.
    pub set: String,
    /// Launches of each executable.
    pub launches: u32,
    /// Warm-up in seconds; `None` leaves the bench's own.
    pub warm_up_seconds: Option<f64>,
    /// Measurement time in seconds; `None` leaves the bench's own.
    pub measurement_seconds: Option<f64>,
    /// Observations per benchmark and launch; `None` leaves the bench's own.
    pub sample_size: Option<u32>,
    /// Seed of the shuffled launch order.
    pub seed: u64,
    /// Extra filter on full ids, a regular expression.
    pub filter: Option<String>,
}

/// Everything about a run but its observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Measured, imported, summary.
    pub kind: RunKind,
    /// How far it got.
    pub status: RunStatus,
    /// First moment.
    pub started: Timestamp,
    /// Last moment; `None` while running or after a kill.
    pub finished: Option<Timestamp>,
    /// Name of the suite: the packages measured, joined by `+`.
    pub suite: String,
    /// Title or origin of an imported record.
    pub title: Option<String>,
    /// Who measured.
    pub identity: Identity,
    /// What was planned; `None` for imported runs.
    pub plan: Option<RunPlan>,
    /// What was expected to be measured, in inventory order.
    pub inventory: Vec<BenchmarkId>,
    /// Facts of all phases.
    pub facts: Vec<Fact>,
    /// The executables.
    pub executables: Vec<Executable>,
    /// The launches in order of execution.
    pub launches: Vec<Launch>,
    /// Doubts about the run as a whole.
    pub findings: Vec<Finding>,
}

impl Run {
    /// Whether a gate may judge this run: measured here, complete, and nothing blocking.
    #[must_use]
    pub fn is_eligible(&self) -> bool {
        self.kind == RunKind::Measured
            && self.status == RunStatus::Complete
            && self.findings.iter().all(|finding| finding.severity < super::finding::Severity::Blocking)
    }
}
