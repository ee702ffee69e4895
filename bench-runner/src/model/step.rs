//! One step of an explanation: what was computed, the number, what it was held against, and what follows.
//!
//! Verdicts carry their steps, so that a person can check the arithmetic without the source.

use serde::{Deserialize, Serialize};

/// One step on the way to a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What was computed, for example `tail probability`.
    pub name: String,
    /// The number; `None` when it is not known.
    pub value: Option<f64>,
    /// What the number was held against; `None` when the step informs only.
    pub threshold: Option<f64>,
    /// Unit of both numbers, for example `ns`; empty for plain numbers and shares.
    pub unit: String,
    /// What follows from it, in words.
    pub text: String,
}

impl Step {
    /// A step that informs and decides nothing.
    #[must_use]
    pub fn told(name: &str, value: Option<f64>, unit: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value, threshold: None, unit: unit.to_owned(), text: text.into() }
    }

    /// A step that holds a number against a threshold.
    #[must_use]
    pub fn held(name: &str, value: f64, threshold: f64, unit: &str, text: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            value: Some(value),
            threshold: Some(threshold),
            unit: unit.to_owned(),
            text: text.into(),
        }
    }
}
