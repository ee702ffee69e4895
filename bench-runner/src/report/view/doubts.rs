//! Doubts and limits: every finding with what it does to the numbers and what to do about it.
//!
//! Orders by severity and repeats nothing; it never drops a finding.

use regex::Regex;
use serde::Serialize;

use super::words;
use super::{Context, family::capitalised, sentence};
use crate::model::finding::{Finding, Severity};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Word of the severity.
    pub severity: String,
    /// Class of the meaning.
    pub tone: &'static str,
    /// Stable code.
    pub code: String,
    /// What it is about; "the run" for the whole.
    pub subject: String,
    /// What was seen.
    pub evidence: String,
    /// What it does to the numbers.
    pub effect: String,
    /// What to do.
    pub remedy: String,
}

/// All findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubts {
    /// Most severe first.
    pub items: Vec<Doubt>,
    /// What to say when there is none.
    pub empty: String,
    /// Remarks on the report itself.
    pub remarks: Vec<String>,
}

/// Writes the section.
pub(super) fn doubts(context: &Context<'_>) -> Doubts {
    let of_run = context.report.run.findings.iter();
    let mut findings: Vec<(&Finding, String)> = of_run
        .map(|finding| {
            let subject =
                if finding.subject.is_empty() { "the run".to_owned() } else { finding.subject.clone() };
            (finding, subject)
        })
        .collect();
    for result in &context.report.results {
        findings.extend(result.findings.iter().map(|finding| (finding, context.name(&result.benchmark))));
    }
    findings.sort_by(|(a, about_a), (b, about_b)| {
        b.severity.cmp(&a.severity).then_with(|| a.code.cmp(&b.code)).then_with(|| about_a.cmp(about_b))
    });
    findings.dedup();
    let broken = context.report.descriptions.iter().filter(|words| Regex::new(&words.pattern).is_err());
    Doubts {
        items: findings.into_iter().map(|(finding, subject)| doubt(finding, subject)).collect(),
        empty: "No doubt was found about this run.".to_owned(),
        remarks: broken
            .map(|description| {
                format!(
                    "The pattern {} of a description is not a regular expression; it matches nothing.",
                    words::code(&description.pattern)
                )
            })
            .collect(),
    }
}

fn doubt(finding: &Finding, subject: String) -> Doubt {
    Doubt {
        severity: capitalised(words::severity(finding.severity)),
        tone: match finding.severity {
            Severity::Info => "quiet",
            Severity::Warning => "inconclusive",
            Severity::Blocking => "fail",
        },
        code: finding.code.clone(),
        subject,
        evidence: started(&finding.evidence),
        effect: started(&finding.effect),
        remedy: started(&finding.remedy),
    }
}

/// A fragment as a sentence of its own; a first word that is a name keeps its spelling.
fn started(text: &str) -> String {
    let text = sentence(text);
    let word = text.split_whitespace().next().unwrap_or_default();
    if word.chars().all(char::is_alphabetic) { capitalised(&text) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_become_sentences_and_names_stay() {
        let check = |text: &str, expected: &str| assert_eq!(started(text), expected);
        check("plug in and run again", "Plug in and run again.");
        check("verify_batch/8 ran once.", "verify_batch/8 ran once.");
        check("`cargo` is missing", "`cargo` is missing.");
        check("", "");
    }
}
