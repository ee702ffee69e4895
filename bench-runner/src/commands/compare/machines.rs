//! `compare --machines`: one run per machine, the answer on top, what differs, then changes of time and of cycles.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::{Session, load, sheet};
use crate::analysis::compare::Side;
use crate::analysis::machines::{clock_or_core, compare_machines};
use crate::cli::Format;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::{keys, known};
use crate::model::ids::RunId;
use crate::model::machines::{MachineCell, MachineComparison, MachineSide, StatedNumber};
use crate::model::run::{Run, RunKind, RunStatus};
use crate::report::format::{Dialect, Scale, change, plural};
use crate::report::{markdown_code as code, ratio_text};
use crate::store::{RunFilter, Store};
use crate::ui::table::{Align, Column, Table, escape_markdown, printable, wrapped};

/// Runs looked through for a machine's newest.
const LOOKED_AT: u32 = 10_000;

/// Compares the machines that `wanted` names, or all that measured the commit of the latest run.
pub(super) fn run(
    wanted: &[String],
    session: &Session,
    config: &Config,
    store: &Store,
) -> Result<ExitCode, CliError> {
    let ids = if wanted.is_empty() {
        newest_of_each(store)?
    } else {
        let ids: Result<Vec<RunId>, CliError> = wanted.iter().map(|text| named(store, text)).collect();
        ids?
    };
    let loaded = ids.iter().map(|id| load::with_results(store, id)).collect::<Result<Vec<_>, _>>()?;
    let sides: Vec<Side<'_>> =
        loaded.iter().map(|(run, results): &(Run, Vec<BenchmarkResult>)| Side { run, results }).collect();
    if sides.len() < 2 {
        return Err(CliError::new(exit_code::NOTHING, "there is only one machine to compare").hinted(Some(
            "`bench-runner machines` lists them; `bundle import` brings runs of others".to_owned(),
        )));
    }
    let found = compare_machines(&sides, 1.0 - config.comparison_level).map_err(|refusal| {
        CliError::new(
            exit_code::NOT_COMPARABLE,
            format!("run {} cannot stand beside the reference: {}", refusal.run, refusal.reason),
        )
        .hinted(Some(
            "machines are compared on the same commit, built by the same toolchain in the same way"
                .to_owned(),
        ))
    })?;
    let text = match session.format {
        Format::Json | Format::Jsonl => {
            let object = load::json_of(&found)?;
            serde_json::json!({"schema": "bench-runner/compare-machines", "version": 1, "comparison": object})
                .to_string()
        }
        Format::Csv => table(&found, config.margin, None, Dialect::Ascii).csv(),
        Format::Markdown => markdown(&found, config.margin),
        Format::Text => page(&found, config.margin, (session.style.width, sheet::dialect(session))),
    };
    session.answer(&text)?;
    Ok(if found.sides.len() > 1 { exit_code::DONE } else { exit_code::NOT_COMPARABLE })
}

/// A run by its name, or the newest complete run of a machine by its key or label.
fn named(store: &Store, text: &str) -> Result<RunId, CliError> {
    let filter = RunFilter {
        machine: Some(text.to_owned()),
        status: Some(RunStatus::Complete),
        ..RunFilter::default()
    };
    let of_machine = store.runs(&filter, LOOKED_AT)?;
    // A machine whose newest run is one of its own; a summary only when it has nothing else.
    let newest = of_machine.iter().find(|run| run.kind == RunKind::Measured).or(of_machine.first());
    match newest {
        Some(run) => Ok(run.id.clone()),
        None => Ok(store.resolve(text)?),
    }
}

/// The newest complete run of each machine and configuration that measured the commit of the latest one, which comes
/// first; records without samples at the end.
fn newest_of_each(store: &Store) -> Result<Vec<RunId>, CliError> {
    let latest = store.resolve("latest")?;
    let commit = known(&store.run(&latest)?.facts, keys::SOURCE_COMMIT);
    let mut seen = BTreeSet::new();
    let (mut found, mut records) = (Vec::new(), Vec::new());
    let listed =
        store.runs(&RunFilter { status: Some(RunStatus::Complete), ..RunFilter::default() }, LOOKED_AT)?;
    for run in listed {
        let place = (run.identity.machine.clone(), run.identity.config.clone());
        match run.kind {
            RunKind::Summary => records.push(run.id),
            RunKind::Measured if commit.is_some() && run.commit == commit && seen.insert(place) => {
                found.push(run.id);
            }
            _ => {}
        }
    }
    found.sort_by_key(|id| *id != latest);
    found.append(&mut records);
    Ok(found)
}

/// One line for each other machine: how far its benchmarks lie from those of the reference.
fn answers(found: &MachineComparison, dialect: Dialect) -> Vec<String> {
    let reference = found.sides.first().map_or("", |side| side.name.as_str());
    let of = |(index, side): (usize, &MachineSide)| {
        let cells = found.rows.iter().filter_map(|row| row.cells.get(index)?.as_ref());
        let mut ratios: Vec<f64> = cells.map(|cell| cell.ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let size = |ratio: f64| change(dialect, ratio - 1.0, None);
        let reach = match ratios.as_slice() {
            [] => "no benchmark in common".to_owned(),
            [one] => format!("1 benchmark, {} in time", size(*one)),
            [least, .., most] => format!(
                "{}, {} to {} in time",
                plural(ratios.len() as u64, "benchmark"),
                size(*least),
                size(*most)
            ),
        };
        format!("{} against {reference}: {reach}", side.name)
    };
    found.sides.iter().skip(1).enumerate().map(of).collect()
}

/// The answer, sides, differences, one table and one chart per other machine, records.
fn page(found: &MachineComparison, margin: f64, (width, dialect): (usize, Dialect)) -> String {
    let say = |bullet: &str, words: &str| {
        let gap = " ".repeat(bullet.len());
        let lines = wrapped(&printable(words), width.saturating_sub(bullet.len()));
        format!("{bullet}{}\n", lines.join(&format!("\n{gap}")))
    };
    let mut text: String = answers(found, dialect).iter().map(|answer| say("", answer)).collect();
    _ = write!(text, "\ncommit {}\n\n", found.commit);
    for (index, side) in found.sides.iter().enumerate() {
        let mark = if side.synthetic { "  *synthetic*" } else { "" };
        let role = if index == 0 { " (reference)" } else { "" };
        let words = format!(
            "{}{role}: {}; {}; run {}{mark}",
            side.name,
            side.identity.hw_class,
            clock(side),
            side.run
        );
        text.push_str(&say("- ", &words));
    }
    text.push_str("\nWhat differs:\n\n");
    for difference in &found.differences {
        text.push_str(&say("- ", &format!("{}: {}", difference.key, difference.values.join(" | "))));
    }
    for (index, side) in found.sides.iter().skip(1).enumerate() {
        let table = table(found, margin, Some(index), dialect).text(width);
        let title = printable(&format!("{} against {}", side.name, found.sides[0].name));
        _ = write!(text, "\n{title}\n\n{table}");
        _ = write!(text, "\n{}", ratio_text(found, index + 1, width, dialect));
        if let Some(mean) = found.means[index] {
            _ = write!(text, "\n{}", say("", &of_all(mean, dialect)));
        }
    }
    _ = write!(text, "\n{}", say("", &basis(found)));
    for record in &found.stated {
        let who = format!("{} ({})", record.name, record.identity.hw_class);
        _ = write!(text, "\n{}{}\n", say("", &who), say("", STATED));
        for number in &record.numbers {
            text.push_str(&say("- ", &format!("{}: {}", number.benchmark, stated(number, dialect))));
        }
    }
    text
}

/// The same for a pull request or a chat: headings, names as code, and the command that makes it again.
fn markdown(found: &MachineComparison, margin: f64) -> String {
    let reference = found.sides.first().map_or("", |side| side.name.as_str());
    let mut text = format!("# Machines on commit {}\n\n", code(&found.commit));
    for answer in answers(found, Dialect::Markdown) {
        _ = write!(text, "**{}**\n\n", escape_markdown(&answer));
    }
    for (index, side) in found.sides.iter().enumerate() {
        let mark = if side.synthetic { ", *synthetic: no real machine*" } else { "" };
        _ = writeln!(
            text,
            "- **{}**{}: {}; {}; run {}{mark}",
            escape_markdown(&side.name),
            if index == 0 { " (reference)" } else { "" },
            code(&side.identity.hw_class),
            clock(side),
            code(side.run.as_str()),
        );
    }
    for (index, side) in found.sides.iter().skip(1).enumerate() {
        let title = format!("{} against {}", escape_markdown(&side.name), escape_markdown(reference));
        _ = write!(text, "\n## {title}\n\n");
        text.push_str(&ratio_text(found, index + 1, MARKDOWN_WIDTH, Dialect::Markdown));
        _ = write!(text, "\n{}", table(found, margin, Some(index), Dialect::Markdown).markdown());
        if let Some(mean) = found.means[index] {
            _ = writeln!(text, "\n{}", of_all(mean, Dialect::Markdown));
        }
    }
    _ = write!(text, "\n{}\n\n## What differs\n\n", basis(found));
    let column = |title| Column { title, align: Align::Left, drop_order: 0 };
    let rows = found
        .differences
        .iter()
        .map(|difference| vec![difference.key.clone(), difference.values.join(" | ")]);
    let differences = Table {
        columns: vec![column("what"), column("each machine, the reference first")],
        rows: rows.collect(),
    };
    text.push_str(&differences.markdown());
    for record in &found.stated {
        _ = write!(
            text,
            "\n## {}\n\nFrom {}: {STATED}.\n\n",
            escape_markdown(&record.name),
            code(&record.identity.hw_class)
        );
        for number in &record.numbers {
            _ = writeln!(
                text,
                "- {}: {}",
                code(&number.benchmark.to_string()),
                stated(number, Dialect::Markdown)
            );
        }
    }
    let runs: Vec<&str> = found.sides.iter().map(|side| side.run.as_str()).collect();
    _ = writeln!(text, "\nMade by {}", code(&format!("bench-runner compare --machines {}", runs.join(" "))));
    text
}

/// What is said about numbers without samples.
const STATED: &str = "stated numbers, without samples; nothing is concluded from them";
/// Columns of the drawing in Markdown: what a pull request shows without scrolling.
const MARKDOWN_WIDTH: usize = 90;

fn clock(side: &MachineSide) -> String {
    side.clock_ghz.map_or("clock unknown".to_owned(), |ghz| format!("{ghz:.2} GHz by the canary"))
}

/// `Geometric mean of 13 rows: +73.3 % in time, +41.4 % in cycles, without an interval.`
fn of_all((mean, cycles, rows): (f64, Option<f64>, u32), dialect: Dialect) -> String {
    let cycles = cycles.map_or("cycles unknown".to_owned(), |cycles| {
        format!("{} in cycles", change(dialect, cycles - 1.0, None))
    });
    let mean = change(dialect, mean - 1.0, None);
    let rows = plural(rows.into(), "row");
    format!("Geometric mean of {rows}: {mean} in time, {cycles}, without an interval.")
}

fn basis(found: &MachineComparison) -> String {
    format!(
        "Each interval holds at {:.2} %: launches of independent runs. Cycles are time x clock by the canary, which is taken as \
         exact.",
        found.level * 100.0
    )
}

fn stated(StatedNumber { metric, value, interval, .. }: &StatedNumber, dialect: Dialect) -> String {
    let scale = Scale::metric(dialect, metric, [*value]);
    let half = interval.map(|(low, high)| (high - low) / 2.0);
    let around =
        interval.map_or(" (no interval)".to_owned(), |(low, high)| format!(" [{}]", scale.range(low, high)));
    format!("{}{around}", scale.show(*value, half))
}

/// One row per benchmark and other machine, or of one other machine only.
fn table(found: &MachineComparison, margin: f64, only: Option<usize>, dialect: Dialect) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let mut columns = vec![
        column("benchmark", Align::Left, 0),
        column("machine", Align::Left, 0),
        column("reference", Align::Right, 3),
        column("time", Align::Right, 2),
        column("change", Align::Right, 0),
        column("in cycles", Align::Right, 0),
        column("clock or core?", Align::Left, 1),
    ];
    let mut rows = Vec::new();
    for row in &found.rows {
        for (index, cell) in row.cells.iter().enumerate() {
            if only.is_some_and(|only| only != index) {
                continue;
            }
            let scale = Scale::metric(dialect, &row.metric, [row.reference]);
            let mut cells = vec![
                row.benchmark.to_string(),
                found.sides[index + 1].name.clone(),
                scale.show(row.reference, None),
            ];
            match cell {
                Some(cell) => cells.extend(shown(cell, &scale, margin, dialect)),
                None => cells.extend(["not measured", "-", "-", ""].map(str::to_owned)),
            }
            rows.push(cells);
        }
    }
    if only.is_some() {
        columns.remove(1);
        for row in &mut rows {
            row.remove(1);
        }
    }
    Table { columns, rows }
}

fn shown(cell: &MachineCell, scale: &Scale, margin: f64, dialect: Dialect) -> [String; 4] {
    let with = |ratio: f64, interval: Option<(f64, f64)>| {
        change(dialect, ratio - 1.0, interval.map(|(low, high)| (low - 1.0, high - 1.0)))
    };
    [
        scale.show(cell.value, None),
        with(cell.ratio, cell.ratio_interval),
        cell.per_cycle.map_or("unknown".to_owned(), |cycles| with(cycles, cell.per_cycle_interval)),
        clock_or_core(cell, margin),
    ]
}
