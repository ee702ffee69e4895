//! What a gate said, for GitHub Actions: Markdown for the step summary, and workflow commands for annotations.
//!
//! Strings only; where they go is decided by the command.

use std::fmt::Write as _;

use super::escape;
use crate::model::finding::Severity;
use crate::model::gate::{GateReport, GateVerdict, SeriesAnswer};

/// Markdown for the step summary; `outcome` is the exit code in words.
#[must_use]
pub fn summary(report: &GateReport, outcome: &str) -> String {
    let word = |text: &str| escape::markdown(text, false);
    let mut text = format!("## Benchmark gate: {}\n\n", word(outcome));
    _ = writeln!(
        text,
        "Run `{}`. {} of {} benchmarks judged against history. {}\n",
        report.run,
        report.census.judged(),
        report.census.rows.len(),
        word(&report.multiplicity)
    );
    if !report.findings.is_empty() {
        text.push_str("| | finding | about | seen | effect | what to do |\n|---|---|---|---|---|---|\n");
        for finding in &report.findings {
            let mark = match finding.severity {
                Severity::Info => "note",
                Severity::Warning => "**warning**",
                Severity::Blocking => "**blocking**",
            };
            _ = writeln!(
                text,
                "| {mark} | {} | {} | {} | {} | {} |",
                finding.code,
                escape::markdown_code(&finding.subject, true),
                word(&finding.evidence),
                word(&finding.effect),
                word(&finding.remedy)
            );
        }
        text.push('\n');
    }
    if !report.budgets.is_empty() {
        text.push_str("| budget | verdict | why |\n|---|---|---|\n");
        for budget in &report.budgets {
            let verdict = match budget.verdict {
                GateVerdict::Pass => "pass",
                GateVerdict::Fail => "**FAIL**",
                GateVerdict::Inconclusive => "inconclusive",
                GateVerdict::NotComparable => "not comparable",
                GateVerdict::NotApplicable => "not applicable",
                GateVerdict::Missing => "**missing**",
            };
            _ = writeln!(
                text,
                "| {} | {verdict} | {} |",
                escape::markdown_code(&budget.budget.id, true),
                word(&budget.reason)
            );
        }
    }
    text
}

/// One workflow command a line for what a person has to look at: `::error …`, `::warning …` or `::notice …`.
#[must_use]
pub fn annotations(report: &GateReport) -> String {
    let mut text = String::new();
    let mut line = |level: &str, title: &str, message: &str| {
        _ = writeln!(text, "::{level} title={}::{}", property(title), data(message));
    };
    for budget in &report.budgets {
        let level = match budget.verdict {
            GateVerdict::Fail | GateVerdict::Missing => "error",
            GateVerdict::Inconclusive | GateVerdict::NotComparable => "warning",
            GateVerdict::Pass | GateVerdict::NotApplicable => continue,
        };
        line(level, &format!("budget {}", budget.budget.id), &budget.reason);
    }
    for finding in &report.findings {
        let level = match (finding.code.as_str(), finding.severity) {
            ("regression-confirmed" | "benchmark-vanished" | "suite-shift", _) => "error",
            (_, Severity::Info) => "notice",
            _ => "warning",
        };
        let about = if finding.subject.is_empty() {
            finding.code.clone()
        } else {
            format!("{}: {}", finding.code, finding.subject)
        };
        line(level, &about, &format!("{}; {}. {}.", finding.evidence, finding.effect, finding.remedy));
    }
    let improved = report.series.iter().filter(|outcome| outcome.answer == SeriesAnswer::Improved).count();
    if improved > 0 {
        line("notice", "improvements", &format!("{improved} confirmed; see that they still do their work"));
    }
    text
}

/// Escapes the message of a workflow command.
fn data(raw: &str) -> String {
    escape::visible(raw, true).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(raw: &str) -> String {
    data(&escape::visible(raw, false)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_a_command() {
        let hostile = "a::error title=x::y\r\n::set-env name=P::%0A100%,b";
        let shown = property(hostile);
        assert!(!shown.contains(['\n', '\r', ':', ',']), "{shown}");
        assert_eq!(property("50%, a:b"), "50%25%2C a%3Ab");
        let message = data(hostile);
        assert!(!message.contains(['\n', '\r']), "{message}");
        assert!(message.contains("%250A100%25"), "{message}");
    }
}
