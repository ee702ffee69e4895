//! A line of history as analysis wants it: one point per run of one series, oldest first.
//!
//! A point is a summary; the observations behind it are in the store under the run's name. What the line concludes
//! (shifts, trends, verdicts) is computed elsewhere.

use serde::{Deserialize, Serialize};

use super::ids::{BenchmarkId, Digest, RunId};
use super::record::SeriesKey;
use super::run::{RunKind, RunStatus};
use super::units::Timestamp;

/// What one run contributes to a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryPoint {
    /// The run.
    pub run: RunId,
    /// Where its numbers come from.
    pub kind: RunKind,
    /// How far the run got.
    pub status: RunStatus,
    /// Start of the run.
    pub started: Timestamp,
    /// Median of the launch medians per iteration, in the unit of the metric; a summary's stated value.
    pub value: f64,
    /// Standard deviation of the natural logarithms of the launch medians; `None` below two launches.
    pub log_sd: Option<f64>,
    /// Launches with this benchmark; 0 for a record without raw samples.
    pub launches: u32,
    /// Commit that was measured, if it is known.
    pub commit: Option<String>,
    /// Key of toolchain and build settings.
    pub build: String,
    /// The executable that ran it, if it is known: equal digests are equal code.
    pub executable: Option<Digest>,
    /// The doctor's grade of the machine at the start of the run, if one was stored.
    pub grade: Option<String>,
    /// Why somebody put this run aside; such a point is shown and never judged with.
    pub quarantined: Option<String>,
}

impl HistoryPoint {
    /// Whether the point may be judged with: measured, complete and not put aside.
    #[must_use]
    pub fn is_eligible(&self) -> bool {
        self.kind == RunKind::Measured && self.status == RunStatus::Complete && self.quarantined.is_none()
    }
}

/// One series with its points, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Which line.
    pub key: SeriesKey,
    /// Its points in the order of the runs' starts.
    pub points: Vec<HistoryPoint>,
}

/// A history that goes on under earlier names of its benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The points of all names, under the present one.
    pub history: History,
    /// Earlier names that points come from, in order.
    pub earlier_names: Vec<BenchmarkId>,
}
