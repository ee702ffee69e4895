//! Where the level of a series changed, and how sure that is.
//!
//! Indices are places in the series that was analyzed; which run stands there is the application's knowledge.

use serde::{Deserialize, Serialize};

/// What happened at a place of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// From one value to the next the level is another one, and stays.
    Step,
    /// The level moved slowly: no single place explains it.
    Drift,
    /// A few values lie far out, and the level is as before.
    Spike,
}

/// One change of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangePoint {
    /// What happened.
    pub kind: ChangeKind,
    /// Index of the first value of the new level; of a drift, of its first value; of a spike, of its first value.
    pub index: usize,
    /// Index after the last value that belongs to it: of a step, the end of the new level.
    pub end: usize,
    /// Level before, in the unit of the series.
    pub before: f64,
    /// Level after; of a spike, the level of its values; of a drift, that of its end.
    pub after: f64,
    /// `after ÷ before`.
    pub ratio: f64,
    /// Interval of the ratio; `None` where nothing supports one, as with spikes.
    pub ratio_interval: Option<(f64, f64)>,
    /// Confidence level of the interval, for this change alone.
    pub level: f64,
    /// Probability of a contrast this large without a change, the place being given; not corrected for the search. The engine's
    /// threshold is. `None` of drifts and spikes.
    pub p_value: Option<f64>,
}
