//! Performance notes of a release: two tags compared on each machine, and what had to be refused.
//!
//! What is claimed is decided by `analysis::release`; the sentences are made by the view from these rows.

use serde::{Deserialize, Serialize};

use super::comparison::{Comparison, Difference};
use super::ids::{Identity, RunId};

/// What may be said of one benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Worse: the whole interval of the ratio lies beyond 1, and the effect is at least the margin.
    Slower,
    /// Better, in the same sense.
    Faster,
    /// The whole interval lies within the margin.
    Unchanged,
    /// The interval contains 1, or the effect may be smaller than the margin: nothing is claimed.
    None,
}

/// One benchmark of both releases on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// Values, ratio with interval, and the runs.
    pub comparison: Comparison,
    /// Interval of the older value, 95 %, if there is one.
    pub before: Option<(f64, f64)>,
    /// Interval of the newer value.
    pub after: Option<(f64, f64)>,
    /// What may be said.
    pub claim: Claim,
}

/// Where the numbers of a section come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseSource {
    /// Both releases built and measured in turns.
    Experiment {
        /// The experiment.
        id: RunId,
        /// Blocks that count.
        blocks: u32,
    },
    /// Both releases build to equal executables: nothing was measured, since no difference is possible.
    EqualExecutables {
        /// The experiment that found it out.
        id: RunId,
    },
    /// Two stored runs, made at different times.
    History {
        /// Days between their starts.
        days: u32,
    },
}

/// Both releases on one machine in one configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseSection {
    /// The machine, with class and configuration.
    pub identity: Identity,
    /// Where the numbers come from.
    pub source: ReleaseSource,
    /// Runs of the older and the newer release.
    pub runs: (RunId, RunId),
    /// Launches of the two runs.
    pub launches: (u32, u32),
    /// Version of Criterion, if it is known.
    pub criterion: Option<String>,
    /// Sampling of each launch, in words.
    pub sampling: String,
    /// Compilers of the two releases, where they are known.
    pub compilers: (Option<String>, Option<String>),
    /// Rows, slower first, then faster, unchanged, and those of which nothing is said.
    pub rows: Vec<ReleaseRow>,
    /// Benchmarks that only the newer release has, as `target/full_id`.
    pub new: Vec<String>,
    /// Benchmarks that only the older release has.
    pub removed: Vec<String>,
    /// What differs besides the commit and forbids nothing.
    pub differences: Vec<Difference>,
    /// What limits the numbers, a sentence each.
    pub limits: Vec<String>,
}

/// A comparison that was not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Run of the older release.
    pub from: RunId,
    /// Run of the newer release.
    pub to: RunId,
    /// Why: what differs, with both values.
    pub reasons: Vec<String>,
}

/// Performance notes of a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseNotes {
    /// The older tag, as it was given.
    pub from: String,
    /// The newer tag.
    pub to: String,
    /// Their commits.
    pub commits: (String, String),
    /// Change that does not matter, as a fraction.
    pub margin: f64,
    /// One section per machine and configuration.
    pub sections: Vec<ReleaseSection>,
    /// Comparisons that were refused.
    pub refused: Vec<Refused>,
    /// Why the numbers are from history although measuring was asked for.
    pub not_measured: Option<String>,
    /// The command that makes this note.
    pub command: String,
}
