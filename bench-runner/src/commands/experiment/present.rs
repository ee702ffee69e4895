//! An experiment as a person or a program reads it: the answer first, then what differs, the geometric mean last.

use std::fmt::Write as _;

use super::super::compare::told_together;
use super::super::{Session, load, sheet, steps};
use crate::analysis::compare::differences;
use crate::cli::Format;
use crate::error::CliError;
use crate::experiment::Outcome;
use crate::model::comparison::{Comparison, Difference, Verdict};
use crate::model::experiment::{Arm, Contrast, LaunchRole, RowEvidence};
use crate::report::format::{Dialect, Scale, change, percent, plural};
use crate::report::{counted, verdict};
use crate::stats::moments::geometric_mean;
use crate::store::Store;
use crate::ui::table::{Align, Column, Table, wrapped};

/// Prints an outcome in the asked form.
pub(super) fn answer(
    outcome: &Outcome,
    store: &Store,
    session: &Session,
    explain: bool,
) -> Result<(), CliError> {
    let differing = differing(outcome, store)?;
    let text = match session.format {
        Format::Json | Format::Jsonl => json(outcome, &differing)?.to_string(),
        Format::Csv => {
            let mut tables = outcome.result.contrasts.iter().map(|one| table(one, Dialect::Ascii));
            let mut whole = tables.next().unwrap_or_else(|| table(&nothing(), Dialect::Ascii));
            whole.rows.extend(tables.flat_map(|table| table.rows));
            whole.csv()
        }
        Format::Markdown => framed(outcome, &differing, (Dialect::Markdown, usize::MAX), explain),
        Format::Text => framed(outcome, &differing, (sheet::dialect(session), session.style.width), explain),
    };
    session.answer(&text)
}

fn nothing() -> Contrast {
    Contrast { baseline: String::new(), candidate: String::new(), rows: Vec::new(), evidence: Vec::new() }
}

/// In what each arm differs from the baseline.
fn differing(outcome: &Outcome, store: &Store) -> Result<Vec<(String, Vec<Difference>)>, CliError> {
    let Some((first, others)) = outcome.experiment.arms.split_first() else { return Ok(Vec::new()) };
    let baseline = store.run(&first.run)?;
    let mut found = Vec::new();
    for arm in others {
        let candidate = store.run(&arm.run)?;
        let mut list = differences(&baseline, &candidate);
        let mut note = |key: &str, old: String, new: String| {
            if old != new {
                list.push(Difference {
                    key: key.to_owned(),
                    baseline: old,
                    candidate: new,
                    splits_series: false,
                });
            }
        };
        let (old, new) = (environment(first), environment(arm));
        note("environment", old, new);
        note("processors", processors(first), processors(arm));
        for executable in &baseline.executables {
            let same = |other: &&crate::model::run::Executable| {
                (&other.package, &other.target) == (&executable.package, &executable.target)
            };
            if let Some(other) = candidate.executables.iter().find(same) {
                let key = format!("executable {}", executable.target);
                note(&key, executable.digest.short(), other.digest.short());
            }
        }
        found.push((arm.variant.name.clone(), list));
    }
    Ok(found)
}

fn environment(arm: &Arm) -> String {
    let words: Vec<String> =
        arm.variant.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if words.is_empty() { "as it was".to_owned() } else { words.join(" ") }
}

fn processors(arm: &Arm) -> String {
    let words: Vec<String> = arm.variant.affinity.iter().map(ToString::to_string).collect();
    if words.is_empty() { "all".to_owned() } else { words.join("+") }
}

fn json(outcome: &Outcome, differing: &[(String, Vec<Difference>)]) -> Result<serde_json::Value, CliError> {
    let means: Vec<_> = outcome
        .result
        .contrasts
        .iter()
        .map(|contrast| {
            let mean = mean(contrast);
            serde_json::json!({
                "candidate": contrast.candidate,
                "ratio": mean.map(|(mean, _)| mean), "rows": mean.map_or(0, |(_, rows)| rows),
            })
        })
        .collect();
    Ok(serde_json::json!({
        "schema": "bench-runner/experiment", "version": 1,
        "experiment": load::json_of(&outcome.experiment)?,
        "differences": load::json_of(&differing)?,
        "result": load::json_of(&outcome.result)?,
        "geometric_means": means,
        "equal_executables": outcome.equal, "interrupted": outcome.interrupted, "seconds": outcome.seconds,
    }))
}

/// Differences above the tables, control, doubts and means below.
fn framed(
    outcome: &Outcome,
    differing: &[(String, Vec<Difference>)],
    (dialect, width): (Dialect, usize),
    explain: bool,
) -> String {
    let format = if dialect == Dialect::Markdown { Format::Markdown } else { Format::Text };
    let bullet = if format == Format::Markdown { "- " } else { "  " };
    let baseline = outcome.experiment.arms.first().map_or("", |arm| arm.variant.name.as_str());
    let say = |words: &str| format!("{}\n", wrapped(words, width).join("\n"));
    let mut text = String::new();
    if outcome.equal {
        text.push_str("No effect possible: equal executables. Nothing was measured.\n");
    }
    let judged = || outcome.result.contrasts.iter().filter(|contrast| !contrast.rows.is_empty());
    for contrast in judged() {
        let answer = counted(&contrast.rows, dialect);
        text.push_str(&say(&format!("`{}` against `{baseline}`: {answer}", contrast.candidate)));
    }
    _ = writeln!(text, "\nExperiment {}; the baseline is `{baseline}`", outcome.experiment.id);
    for (name, list) in differing {
        if list.is_empty() {
            _ = writeln!(text, "\nNothing that was recorded differs in `{name}`.");
            continue;
        }
        _ = writeln!(text, "\nWhat differs in `{name}`:\n");
        for difference in list {
            let Difference { key, baseline, candidate, splits_series } = difference;
            let mark = if *splits_series { "  (another line of history)" } else { "" };
            _ = writeln!(text, "{bullet}{key}: {baseline} -> {candidate}{mark}");
        }
    }
    for contrast in judged() {
        let mut table = table(contrast, dialect);
        let together = told_together(&mut table, &contrast.rows);
        let table = if format == Format::Markdown { table.markdown() } else { table.text(width) };
        _ = write!(text, "\n`{}` against `{baseline}`:\n\n{table}", contrast.candidate);
        if !together.is_empty() {
            _ = write!(text, "\n{}", say(&together));
        }
    }
    if explain {
        text.push_str(&explained(outcome, format));
    }
    text.push_str(&control(outcome).map_or_else(String::new, |control| format!("\n{}", say(&control))));
    for finding in &outcome.result.findings {
        let subject =
            if finding.subject.is_empty() { String::new() } else { format!("{}: ", finding.subject) };
        _ = write!(
            text,
            "\n{}",
            say(&format!("{}: {subject}{}; {}", finding.code, finding.evidence, finding.effect))
        );
    }
    _ = write!(text, "\n{}", say(&cost(outcome)));
    for contrast in &outcome.result.contrasts {
        if let Some((mean, count)) = mean(contrast) {
            let rows = plural(count as u64, "row");
            let mean = change(dialect, mean - 1.0, None);
            text.push_str(&say(&format!(
                "Geometric mean of {rows} of `{}`: {mean}, without an interval.",
                contrast.candidate
            )));
        }
    }
    text
}

/// Each step of each verdict.
fn explained(outcome: &Outcome, format: Format) -> String {
    let verdicts = outcome.result.contrasts.iter().flat_map(|contrast| {
        contrast.rows.iter().zip(&contrast.evidence).map(|(row, evidence)| {
            let name = format!("{} in `{}`: {}", row.benchmark, contrast.candidate, row.reason);
            (name, evidence.steps.clone())
        })
    });
    steps::explained(verdicts, format)
}

/// What the baseline against itself showed.
fn control(outcome: &Outcome) -> Option<String> {
    let control = outcome.result.control.as_ref()?;
    let different = control
        .rows
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::Regressed | Verdict::Improved))
        .count();
    let sizes = control.rows.iter().map(|row| row.ratio);
    let largest = sizes.max_by(|a, b| a.ln().abs().total_cmp(&b.ln().abs())).unwrap_or(1.0);
    let blocks = control.evidence.iter().map(|evidence| evidence.differences.len()).max().unwrap_or(0);
    Some(format!(
        "Control: the baseline against itself was called different in {different} of {}; the largest difference of \
         {blocks} control blocks is {}.",
        plural(control.rows.len() as u64, "row"),
        percent(Dialect::Ascii, largest - 1.0, 2)
    ))
}

/// What it took.
fn cost(outcome: &Outcome) -> String {
    let launches = outcome.experiment.launches.len();
    let control =
        outcome.experiment.launches.iter().filter(|launch| launch.role == LaunchRole::Control).count();
    format!(
        "{launches} launches ({control} of them in control blocks) in {} blocks that count; {} repeated; {:.0} s; seed {}.",
        outcome.result.blocks, outcome.result.repeated, outcome.seconds, outcome.experiment.seed
    )
}

/// Geometric mean of the ratios of a contrast, and how many rows it is of.
fn mean(contrast: &Contrast) -> Option<(f64, usize)> {
    let ratios: Vec<f64> = contrast.rows.iter().map(|row| row.ratio).collect();
    geometric_mean(&ratios).map(|mean| (mean, ratios.len()))
}

fn table(contrast: &Contrast, dialect: Dialect) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("verdict", Align::Left, 0),
            column("benchmark", Align::Left, 0),
            column("baseline", Align::Right, 3),
            column("candidate", Align::Right, 3),
            column("change", Align::Right, 0),
            column("visible from", Align::Right, 2),
            column("blocks", Align::Right, 1),
            column("launches", Align::Right, 4),
            column("why", Align::Left, 5),
        ],
        rows: contrast
            .rows
            .iter()
            .zip(&contrast.evidence)
            .map(|(row, evidence)| cells(row, evidence, dialect))
            .collect(),
    }
}

fn cells(row: &Comparison, evidence: &RowEvidence, dialect: Dialect) -> Vec<String> {
    let scale = Scale::metric(dialect, &row.metric, [row.baseline_value, row.candidate_value]);
    let interval = row.ratio_interval.map(|(low, high)| (low - 1.0, high - 1.0));
    let visible = row.minimum_detectable_effect.map(|effect| percent(dialect, effect, 1));
    vec![
        verdict(row.verdict, dialect),
        row.benchmark.to_string(),
        scale.show(row.baseline_value, None),
        scale.show(row.candidate_value, None),
        change(dialect, row.ratio - 1.0, interval),
        visible.unwrap_or_else(|| "-".to_owned()),
        evidence.differences.len().to_string(),
        evidence.launches.to_string(),
        row.reason.clone(),
    ]
}
