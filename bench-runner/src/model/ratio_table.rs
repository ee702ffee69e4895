//! A ratio table: what several implementations of one operation cost, each against one of them, within one run.
//!
//! It holds what was found; who is compared with whom, and how, is decided by `analysis::ratio_table`.

use serde::{Deserialize, Serialize};

/// Ratios of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatioTable {
    /// Ratio up to which an implementation counts as level with the reference.
    pub bound: f64,
    /// Level of each interval. Every ratio stands alone: nothing is adjusted for their number.
    pub level: f64,
    /// One row per operation, in the order of the run.
    pub rows: Vec<RatioRow>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatioRow {
    /// The group of the benchmarks, with the parameter they share, if any.
    pub operation: String,
    /// The function that the others are divided by; `None` where the row has none of those asked for.
    pub reference: Option<String>,
    /// Median over launches of the reference's launch medians. Unit: that of the metric, per element where declared.
    pub reference_value: Option<f64>,
    /// One cell per function, in the order of the run, the reference among them.
    pub cells: Vec<RatioCell>,
}

/// One implementation of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatioCell {
    /// The function.
    pub function: String,
    /// Launches in which both it and the reference were measured.
    pub launches: u32,
    /// Geometric mean over launches of its launch median divided by the reference's; below 1 is faster.
    pub ratio: Option<f64>,
    /// Bounds of the interval of the ratio; `None` with too few launches to know anything about others.
    pub interval: Option<(f64, f64)>,
    /// What may be said.
    pub verdict: RatioVerdict,
}

/// What a ratio's interval says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatioVerdict {
    /// This is what the others are divided by.
    Reference,
    /// The whole interval is below 1.
    Ahead,
    /// The whole interval is at most the bound.
    Level,
    /// The whole interval is above the bound.
    Behind,
    /// The interval says none of these, or there is none.
    Inconclusive,
    /// There is no reference, or no launch measured both.
    NotComparable,
}

impl RatioVerdict {
    /// Gives the words that tables print.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Ahead => "ahead",
            Self::Level => "level",
            Self::Behind => "behind",
            Self::Inconclusive => "inconclusive",
            Self::NotComparable => "not comparable",
        }
    }
}
