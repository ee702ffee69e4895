//! Doubts and problems as data: they travel with the numbers they concern.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// The number may mislead.
    Warning,
    /// The number must not be used for a decision.
    Blocking,
}

/// One coded statement about data or environment. It always ends in an action, or says that there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Stable code in kebab case, listed in `docs/findings.md`, for example `benchmark-missing`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: a benchmark id, a fact key, a launch; empty for the run as a whole.
    pub subject: String,
    /// What was seen, with numbers and units.
    pub evidence: String,
    /// What it does to the numbers.
    pub effect: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    /// A finding about what it is kept with as a whole: its subject is empty.
    #[must_use]
    pub fn of_whole(code: &str, severity: Severity, evidence: String, effect: &str, remedy: &str) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            subject: String::new(),
            evidence,
            effect: effect.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}
