//! Quantities with their unit in the type.

use serde::{Deserialize, Serialize};

/// A point in time: microseconds since 1970-01-01T00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of time in nanoseconds, finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanoseconds(f64);

impl Nanoseconds {
    /// Wraps `value`, or returns `None` when it is negative, infinite or not a number.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }

    /// The number of nanoseconds.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// What a measurement counts and in which unit; part of the key of a series.
///
/// Wall-clock time is `time` in `ns`. A custom Criterion measurement is named after the unit it reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metric {
    /// Stable name: `time`, later `instructions`, `bytes`; `custom` when only a unit is known. `rate` (per second) and
    /// `score` are the two names of which more is better.
    pub name: String,
    /// Base unit of the stored values: `ns`, `instructions`, `B`, or the text a custom measurement printed.
    pub unit: String,
}

impl Metric {
    /// Wall-clock time in nanoseconds.
    #[must_use]
    pub fn time() -> Self {
        Self { name: "time".to_owned(), unit: "ns".to_owned() }
    }

    /// Whether this is wall-clock time.
    #[must_use]
    pub fn is_time(&self) -> bool {
        self.name == "time"
    }

    /// Whether more is better. Only the names `rate` and `score` say so; of anything else, less is better.
    ///
    /// The name carries the direction, so that stored keys and digests need no field for it.
    #[must_use]
    pub fn bigger_is_better(&self) -> bool {
        matches!(self.name.as_str(), "rate" | "score")
    }
}

/// Work done per iteration, as the benchmark declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Throughput {
    /// Bits per iteration.
    Bits(u64),
    /// Bytes per iteration, shown with binary prefixes.
    Bytes(u64),
    /// Bytes per iteration, shown with decimal prefixes.
    BytesDecimal(u64),
    /// Elements (operations, items) per iteration.
    Elements(u64),
    /// Both at once (Criterion 0.8).
    ElementsAndBytes {
        /// Elements per iteration.
        elements: u64,
        /// Bytes per iteration.
        bytes: u64,
    },
}

impl Throughput {
    /// Elements per iteration, where the benchmark declares them.
    #[must_use]
    pub fn elements(self) -> Option<u64> {
        match self {
            Self::Elements(elements) | Self::ElementsAndBytes { elements, .. } => Some(elements),
            Self::Bits(_) | Self::Bytes(_) | Self::BytesDecimal(_) => None,
        }
    }
}
