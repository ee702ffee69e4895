//! Edge: Criterion benches. Builds them, lists them, runs them one process at a time, reads what they say.
//!
//! What is observed here is handed on raw; whether a number may be believed is decided in `analysis`, where it is
//! kept in `store`. A launch is called complete only when that is proven.

pub mod build;
mod capture;
pub mod files;
pub mod flags;
pub mod import;
pub mod instructions;
pub mod inventory;
pub mod launch;
mod metadata;
mod overseer;
pub mod probe;
mod session;
pub mod socket;
pub mod target_cpu;
pub mod wire;

/// A finding about captured data: built here so that the modules below word them alike.
fn finding(
    code: &str,
    severity: crate::model::finding::Severity,
    subject: impl Into<String>,
    evidence: impl Into<String>,
    (effect, remedy): (&str, &str),
) -> crate::model::finding::Finding {
    crate::model::finding::Finding {
        code: code.to_owned(),
        severity,
        subject: subject.into(),
        evidence: evidence.into(),
        effect: effect.to_owned(),
        remedy: remedy.to_owned(),
    }
}
