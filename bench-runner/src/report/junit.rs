//! What a gate said as JUnit XML, for CI systems that show tests.
//!
//! A case that speaks for an exit code other than 0 is a failure or an error; what was not judged is skipped, never passed.

use std::fmt::Write as _;

use super::escape;
use crate::model::gate::{
    CensusRow, GateOutcome, GateReport, GateVerdict, NotJudged, SeriesAnswer, SeriesOutcome,
};

/// Writes a gate's report as one `testsuites` element with the suites `budgets`, `history` and `coverage`.
#[must_use]
pub fn junit(report: &GateReport) -> String {
    // The findings say whether a waiver still counts.
    let waived = |subject: &str| {
        report.findings.iter().any(|finding| finding.code == "waived" && finding.subject == subject)
    };
    let budgets = report.budgets.iter().map(|outcome| budget(outcome, waived(&outcome.budget.id))).collect();
    let history = report
        .series
        .iter()
        .map(|outcome| series(outcome, waived(&outcome.series.benchmark.to_string())))
        .collect();
    let coverage =
        report.census.rows.iter().map(|row| coverage(row, waived(&row.benchmark.to_string()))).collect();
    let suites: Vec<(&str, Vec<Case>)> =
        vec![("budgets", budgets), ("history", history), ("coverage", coverage)];
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all =
        |of: fn(&Case) -> bool| suites.iter().flat_map(|(_, cases)| cases).filter(|case| of(case)).count();
    _ = writeln!(
        xml,
        "<testsuites name=\"bench-runner gate\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        all(|_| true),
        all(|case| case.kind == Kind::Failure),
        all(|case| case.kind == Kind::Error),
        all(|case| case.kind == Kind::Skipped),
    );
    for (name, cases) in &suites {
        let count = |kind: Kind| cases.iter().filter(|case| case.kind == kind).count();
        _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
            cases.len(),
            count(Kind::Failure),
            count(Kind::Error),
            count(Kind::Skipped),
        );
        for case in cases {
            case.write(&mut xml);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passed,
    Failure,
    Error,
    Skipped,
}

/// One test case.
struct Case {
    class: String,
    name: String,
    kind: Kind,
    /// What the case is called in words.
    word: &'static str,
    reason: String,
}

impl Case {
    fn write(&self, xml: &mut String) {
        let (class, name) = (text(&self.class), text(&self.name));
        _ = write!(xml, "    <testcase classname=\"{class}\" name=\"{name}\"");
        let element = match self.kind {
            Kind::Passed => {
                xml.push_str("/>\n");
                return;
            }
            Kind::Failure => "failure",
            Kind::Error => "error",
            Kind::Skipped => "skipped",
        };
        let (word, reason) = (text(self.word), text(&self.reason));
        // `skipped` has no type in the schema that most readers use.
        let kind = if self.kind == Kind::Skipped { String::new() } else { format!(" type=\"{word}\"") };
        _ = writeln!(xml, "><{element}{kind} message=\"{word}: {reason}\"/></testcase>");
    }
}

/// Text for an attribute: markup is escaped, and what XML 1.0 cannot hold is shown as a stand-in.
fn text(raw: &str) -> String {
    escape::html(raw)
        .chars()
        .map(|character| match character {
            '\n' | '\t' => ' ',
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            other => other,
        })
        .collect()
}

fn budget(outcome: &GateOutcome, waived: bool) -> Case {
    let (mut kind, word) = match outcome.verdict {
        GateVerdict::Pass => (Kind::Passed, "pass"),
        GateVerdict::Fail => (Kind::Failure, "budget broken"),
        GateVerdict::Inconclusive => (Kind::Error, "inconclusive"),
        GateVerdict::NotComparable => (Kind::Error, "not comparable"),
        GateVerdict::Missing => (Kind::Error, "missing"),
        GateVerdict::NotApplicable => (Kind::Skipped, "not applicable"),
    };
    if waived && kind != Kind::Passed {
        kind = Kind::Skipped;
    }
    Case {
        class: "budgets".to_owned(),
        name: outcome.budget.id.clone(),
        kind,
        word: if waived { "waived" } else { word },
        reason: outcome.reason.clone(),
    }
}

fn series(outcome: &SeriesOutcome, waived: bool) -> Case {
    let (mut kind, mut word) = match outcome.answer {
        SeriesAnswer::Regressed => (Kind::Failure, "regressed"),
        SeriesAnswer::Inconclusive => (Kind::Error, "inconclusive"),
        SeriesAnswer::Unknown => (Kind::Error, "unknown"),
        SeriesAnswer::Improved => (Kind::Passed, "improved"),
        SeriesAnswer::Refuted | SeriesAnswer::Quiet | SeriesAnswer::Watched => (Kind::Passed, "quiet"),
        SeriesAnswer::NotJudged => (Kind::Skipped, "not judged"),
    };
    if waived && matches!(kind, Kind::Failure | Kind::Error) {
        (kind, word) = (Kind::Skipped, "waived");
    }
    Case {
        class: format!("history.{}", outcome.series.benchmark.target),
        name: format!("{} [{}]", outcome.series.benchmark, outcome.series.metric.name),
        kind,
        word,
        reason: outcome.reason.clone(),
    }
}

fn coverage(row: &CensusRow, waived: bool) -> Case {
    let (mut kind, mut word) = match row.reason {
        Some(NotJudged::Removed) => (Kind::Failure, "vanished"),
        Some(NotJudged::NotMeasured) => (Kind::Error, "not measured"),
        _ => (Kind::Passed, "there"),
    };
    if waived && kind != Kind::Passed {
        (kind, word) = (Kind::Skipped, "waived");
    }
    Case {
        class: format!("coverage.{}", row.benchmark.target),
        name: row.benchmark.to_string(),
        kind,
        word,
        reason: "in the inventory of the comparable run before".to_owned(),
    }
}
