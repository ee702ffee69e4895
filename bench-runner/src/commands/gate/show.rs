//! What the gate says, in the asked form: what needs a person first.

use std::fmt::Write as _;

use super::code_of;
use crate::analysis::gate::explain;
use crate::cli::Format;
use crate::commands::{Session, load, steps};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::finding::{Finding, Severity};
use crate::model::gate::{
    Census, GateOutcome, GateReport, GateVerdict, NotJudged, Per, SeriesAnswer, SeriesOutcome, Signal,
};
use crate::model::step::Step;
use crate::report::format::{Dialect, Scale, change, percent};
use crate::ui::table::{Align, Column, Table, escape_markdown, printable, wrapped};

/// Prints the report.
pub(super) fn show(
    session: &Session,
    report: &GateReport,
    exit: ExitCode,
    explained: bool,
) -> Result<(), CliError> {
    let text = match session.format {
        Format::Json => object(report, exit, explained)?.to_string(),
        Format::Jsonl => {
            let items = report.budgets.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
            let mut lines: String = items.iter().map(|item| format!("{item}\n")).collect();
            for outcome in &report.series {
                _ = writeln!(lines, "{}", load::json_of(outcome)?);
            }
            lines
        }
        Format::Csv => everything(report).csv(),
        Format::Text | Format::Markdown => words(session, report, exit, explained),
    };
    session.answer(&text)
}

/// The report as one object.
pub(super) fn object(
    report: &GateReport,
    exit: ExitCode,
    explained: bool,
) -> Result<serde_json::Value, CliError> {
    let items = report.budgets.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    let mut object = load::json_of(report)?;
    if explained {
        let steps: Vec<_> = report.budgets.iter().map(explain).collect();
        object["budget_steps"] = load::json_of(&steps)?;
        object["whole_steps"] = load::json_of(&whole(report, exit).1)?;
    }
    Ok(serde_json::json!({
        "schema": "bench-runner/gate", "version": 1, "items": items,
        "exit": {"code": exit.code, "meaning": exit.meaning}, "report": object,
    }))
}

/// The report for a person.
pub(super) fn words(session: &Session, report: &GateReport, exit: ExitCode, explained: bool) -> String {
    let form = Form { markdown: session.format == Format::Markdown, width: session.style.width };
    let mut text = form.line(&format!("gate of run {}: {} (exit {})", report.run, exit.meaning, exit.code));
    if !report.budgets.is_empty() {
        text.push('\n');
        text.push_str(&form.table(&budgets(&report.budgets)));
    }
    let unusual = series(&report.series);
    if !unusual.rows.is_empty() {
        text.push('\n');
        text.push_str(&form.table(&unusual));
    }
    if !report.findings.is_empty() {
        text.push('\n');
        for finding in &report.findings {
            text.push_str(&form.item(&in_words(finding)));
        }
    }
    text.push('\n');
    text.push_str(&form.line(&census(&report.census)));
    text.push_str(&form.line(&report.multiplicity));
    if explained {
        let budgets =
            report.budgets.iter().map(|outcome| (format!("budget {}", outcome.budget.id), explain(outcome)));
        let series = report.series.iter().map(|outcome| {
            let name = format!("{}: {}", outcome.series.benchmark, answer(outcome.answer));
            (name, outcome.steps.clone())
        });
        let all = budgets.chain(series).chain([whole(report, exit)]);
        text.push_str(&steps::explained(all, session.format));
    }
    text
}

/// How the end of it all came about: how much was judged, whether the machine moved, and what speaks for which exit code.
fn whole(report: &GateReport, exit: ExitCode) -> (String, Vec<Step>) {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let (judged, of) = (count(report.census.judged()), count(report.census.rows.len()));
    let mut steps = vec![
        Step::held("benchmarks judged", judged, of, "", census(&report.census)),
        Step::told("tests at once", None, "", report.multiplicity.clone()),
    ];
    if let Some(shift) = &report.machine {
        let text = format!(
            "{} in all {} series; measured again: {}",
            change(Dialect::Ascii, shift.ratio - 1.0, None),
            shift.series,
            answer(shift.answer)
        );
        steps.push(Step::told("machine moved", Some(shift.ratio), "", text));
    }
    for signal in &report.signals {
        let code = code_of(*signal);
        let counts = exit_code::strongest(&[code, exit]) == exit;
        let weight = match signal {
            Signal::Improved if exit != code => "is no failure",
            _ if counts && code != exit => "is outweighed",
            _ => "decides",
        };
        steps.push(Step::told(
            "speaks for exit code",
            Some(f64::from(code.code)),
            "",
            format!("{}; {weight}", code.meaning),
        ));
    }
    if report.signals.is_empty() {
        steps.push(Step::told("speaks for exit code", Some(0.0), "", "nothing speaks for another one"));
    }
    steps.push(Step::told("answer", Some(f64::from(exit.code)), "", exit.meaning));
    ("the gate as a whole".to_owned(), steps)
}

/// Markdown, or text that fits the terminal.
struct Form {
    markdown: bool,
    width: usize,
}

impl Form {
    fn line(&self, text: &str) -> String {
        if self.markdown {
            return format!("{}\n\n", escape_markdown(text));
        }
        wrapped(&printable(text), self.width).iter().map(|line| format!("{line}\n")).collect()
    }

    fn item(&self, text: &str) -> String {
        if self.markdown {
            return format!("- {}\n", escape_markdown(text));
        }
        let lines = wrapped(&printable(text), self.width.saturating_sub(2));
        lines
            .iter()
            .enumerate()
            .map(|(place, line)| format!("{}{line}\n", if place == 0 { "" } else { "  " }))
            .collect()
    }

    fn table(&self, table: &Table) -> String {
        if self.markdown { table.markdown() } else { table.text(self.width) }
    }
}

fn in_words(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Blocking => "blocking",
    };
    let subject = if finding.subject.is_empty() { String::new() } else { format!(" {}", finding.subject) };
    // The remedy is a sentence of its own.
    let mut remedy = finding.remedy.chars();
    let first: String = remedy.next().into_iter().flat_map(char::to_uppercase).collect();
    format!(
        "{severity} [{}]{subject}: {}; {}. {first}{}.",
        finding.code,
        finding.evidence,
        finding.effect,
        remedy.as_str()
    )
}

/// Judged of how many, and why the others were not.
fn census(census: &Census) -> String {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for row in &census.rows {
        let word = match &row.reason {
            None => continue,
            Some(NotJudged::New) => "new",
            Some(NotJudged::ShortHistory { .. }) => "with too short a history",
            Some(NotJudged::ShortMachine) => "with too few residuals of this machine",
            Some(NotJudged::Quarantined) => "in a run put aside",
            Some(NotJudged::NotEligible) => "in a run that may not be judged",
            Some(NotJudged::OtherSettings) => "measured with other settings before",
            Some(NotJudged::NotMeasured) => "not measured",
            Some(NotJudged::Removed) => "vanished",
        };
        match reasons.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => reasons.push((word, 1)),
        }
    }
    let mut text = format!("judged against history: {} of {} benchmarks", census.judged(), census.rows.len());
    if !reasons.is_empty() {
        let parts: Vec<String> = reasons.iter().map(|(word, count)| format!("{count} {word}")).collect();
        _ = write!(text, " ({})", parts.join(", "));
    }
    text
}

fn answer(answer: SeriesAnswer) -> &'static str {
    match answer {
        SeriesAnswer::Regressed => "REGRESSED",
        SeriesAnswer::Improved => "improved",
        SeriesAnswer::Inconclusive => "inconclusive",
        SeriesAnswer::Unknown => "unknown",
        SeriesAnswer::Refuted => "no change of the code",
        SeriesAnswer::Watched => "watched",
        SeriesAnswer::Quiet => "quiet",
        SeriesAnswer::NotJudged => "not judged",
    }
}

/// Budgets and all series in one shape, for programs.
fn everything(report: &GateReport) -> Table {
    let column = |title| Column { title, align: Align::Left, drop_order: 0 };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let budgets = report.budgets.iter().map(|outcome| {
        vec![
            "budget".to_owned(),
            outcome.budget.id.clone(),
            verdict(outcome.verdict).to_owned(),
            number(outcome.value_ns),
            outcome.budget.limit_ns.to_string(),
            "ns".to_owned(),
            outcome.reason.clone(),
        ]
    });
    let series = report.series.iter().map(|outcome| {
        vec![
            "series".to_owned(),
            outcome.series.benchmark.to_string(),
            answer(outcome.answer).to_owned(),
            number(outcome.value),
            number(outcome.expected),
            outcome.series.metric.unit.clone(),
            outcome.reason.clone(),
        ]
    });
    let titles = ["kind", "name", "answer", "value", "limit or expected", "unit", "why"];
    Table { columns: titles.into_iter().map(column).collect(), rows: budgets.chain(series).collect() }
}

/// The series that are not quiet.
fn series(outcomes: &[SeriesOutcome]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let shown =
        |outcome: &&SeriesOutcome| !matches!(outcome.answer, SeriesAnswer::Quiet | SeriesAnswer::NotJudged);
    let row = |outcome: &SeriesOutcome| {
        let values = [outcome.value, outcome.expected];
        let scale = Scale::metric(Dialect::Ascii, &outcome.series.metric, values.into_iter().flatten());
        let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| scale.show(v, None));
        let mut name = outcome.series.benchmark.to_string();
        for earlier in &outcome.earlier_names {
            _ = write!(name, " (before: {earlier})");
        }
        vec![
            answer(outcome.answer).to_owned(),
            name,
            value(outcome.value),
            value(outcome.expected),
            outcome.ratio.map_or_else(|| "-".to_owned(), |ratio| change(Dialect::Ascii, ratio - 1.0, None)),
            outcome.change.clone().unwrap_or_else(|| "-".to_owned()),
            outcome.reason.clone(),
        ]
    };
    Table {
        columns: vec![
            column("answer", Align::Left, 0),
            column("benchmark", Align::Left, 0),
            column("value", Align::Right, 2),
            column("expected", Align::Right, 3),
            column("change", Align::Right, 0),
            column("name", Align::Left, 1),
            column("why", Align::Left, 4),
        ],
        rows: outcomes.iter().filter(shown).map(row).collect(),
    }
}

fn budgets(outcomes: &[GateOutcome]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("budget", Align::Left, 0),
            column("verdict", Align::Left, 0),
            column("limit", Align::Right, 0),
            column("value", Align::Right, 0),
            column("headroom", Align::Right, 1),
            column("why", Align::Left, 2),
        ],
        rows: outcomes.iter().map(budget).collect(),
    }
}

fn verdict(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Pass => "pass",
        GateVerdict::Fail => "FAIL",
        GateVerdict::Inconclusive => "inconclusive",
        GateVerdict::NotComparable => "not comparable",
        GateVerdict::NotApplicable => "not applicable",
        GateVerdict::Missing => "MISSING",
    }
}

fn budget(outcome: &GateOutcome) -> Vec<String> {
    let per = match outcome.budget.per {
        Per::Iteration => "",
        Per::Element => "/op",
    };
    // One unit a row, chosen from its smallest value.
    let scale =
        Scale::time(Dialect::Ascii, [Some(outcome.budget.limit_ns), outcome.value_ns].into_iter().flatten());
    let time = |value: f64| format!("{}{per}", scale.show(value, None));
    vec![
        outcome.budget.id.clone(),
        verdict(outcome.verdict).to_owned(),
        time(outcome.budget.limit_ns),
        outcome.value_ns.map_or_else(|| "-".to_owned(), time),
        outcome.headroom.map_or_else(|| "-".to_owned(), |room| percent(Dialect::Ascii, room, 1)),
        outcome.reason.clone(),
    ]
}
