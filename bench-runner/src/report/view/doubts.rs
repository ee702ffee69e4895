//! Doubts and limits: every finding with what it does to the numbers and what to do about it.
//!
//! Orders by severity and says alike doubts once, for all that they concern; it never drops a finding.

use std::cmp::Reverse;
use std::collections::BTreeMap;

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
    let broken = context.report.descriptions.iter().filter(|words| Regex::new(&words.pattern).is_err());
    Doubts {
        items: grouped(findings),
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

/// Subjects named in one line before it says how many more.
const NAMED: usize = 6;

/// One doubt for all findings that share severity, code, effect and remedy; most severe first.
pub(super) fn grouped(findings: Vec<(&Finding, String)>) -> Vec<Doubt> {
    type Key<'a> = (Reverse<Severity>, &'a str, &'a str, &'a str);
    let mut groups: BTreeMap<Key<'_>, Vec<(String, &str)>> = BTreeMap::new();
    for (finding, subject) in findings {
        let key = (Reverse(finding.severity), &*finding.code, &*finding.effect, &*finding.remedy);
        let members = groups.entry(key).or_default();
        let member = (subject, &*finding.evidence);
        if !members.contains(&member) {
            members.push(member);
        }
    }
    groups
        .into_iter()
        .map(|((Reverse(severity), code, effect, remedy), members)| Doubt {
            severity: capitalised(words::severity(severity)),
            tone: match severity {
                Severity::Info => "quiet",
                Severity::Warning => "inconclusive",
                Severity::Blocking => "fail",
            },
            code: code.to_owned(),
            subject: words::capped(
                &members.iter().map(|(subject, _)| subject.clone()).collect::<Vec<_>>(),
                NAMED,
            ),
            evidence: evidence(&members),
            effect: started(effect),
            remedy: started(remedy),
        })
        .collect()
}

/// The evidence once where it is the same for all, else one piece for each subject.
fn evidence(members: &[(String, &str)]) -> String {
    match members {
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => started(first),
        _ => {
            let piece =
                |(subject, text): &(String, &str)| format!("{subject}: {}", text.trim_end_matches('.'));
            started(&members.iter().map(piece).collect::<Vec<_>>().join("; "))
        }
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
