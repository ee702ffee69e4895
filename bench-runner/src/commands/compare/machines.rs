//! `compare --machines`: one run per machine, what differs on top, then ratios of time and of cycles.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::{Session, load};
use crate::analysis::compare::Side;
use crate::analysis::machines::{clock_or_core, compare_machines};
use crate::cli::Format;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::{keys, known};
use crate::model::ids::RunId;
use crate::model::machines::{MachineCell, MachineComparison, StatedNumber};
use crate::model::run::{Run, RunKind, RunStatus};
use crate::report::format::{Dialect, Scale, change, plural};
use crate::store::{RunFilter, Store};
use crate::ui::table::{Align, Column, Table};

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
        Format::Csv => table(&found, config.margin, None).csv(),
        Format::Markdown => page(&found, config.margin, &Table::markdown),
        Format::Text => page(&found, config.margin, &|table| table.text(session.style.width)),
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

/// Sides, differences, one table per other machine, records.
fn page(found: &MachineComparison, margin: f64, show: &dyn Fn(&Table) -> String) -> String {
    let mut text = format!("commit {}\n\n", found.commit);
    for (index, side) in found.sides.iter().enumerate() {
        let mark = if side.synthetic { "  *synthetic*" } else { "" };
        let clock =
            side.clock_ghz.map_or("clock unknown".to_owned(), |ghz| format!("{ghz:.2} GHz by the canary"));
        _ = writeln!(
            text,
            "- {}: {}; {clock}; run {}{mark}{}",
            side.name,
            side.identity.hw_class,
            side.run,
            if index == 0 { " (reference)" } else { "" }
        );
    }
    text.push_str("\nWhat differs:\n\n");
    for difference in &found.differences {
        _ = writeln!(text, "- {}: {}", difference.key, difference.values.join(" | "));
    }
    for (index, side) in found.sides.iter().skip(1).enumerate() {
        _ = write!(
            text,
            "\n{} against {}\n\n{}",
            side.name,
            found.sides[0].name,
            show(&table(found, margin, Some(index)))
        );
        if let Some((mean, cycles, rows)) = found.means[index] {
            let cycles = cycles.map_or("cycles unknown".to_owned(), |cycles| {
                format!("{} in cycles", change(Dialect::Ascii, cycles - 1.0, None))
            });
            _ = writeln!(
                text,
                "\ngeometric mean of {}: {}, {cycles} (without an interval)",
                plural(rows.into(), "row"),
                change(Dialect::Ascii, mean - 1.0, None)
            );
        }
    }
    _ = writeln!(
        text,
        "\nEach interval holds at {:.2} %: launches of independent runs. Cycles are time x clock by the canary, which is\ntaken as exact.",
        found.level * 100.0
    );
    for record in &found.stated {
        _ = writeln!(
            text,
            "\n{}: stated numbers, without samples; nothing is concluded from them ({})\n",
            record.name, record.identity.hw_class
        );
        for StatedNumber { benchmark, metric, value, interval } in &record.numbers {
            let scale = Scale::metric(Dialect::Ascii, metric, [*value]);
            let half = interval.map(|(low, high)| (high - low) / 2.0);
            let around = interval
                .map_or(" (no interval)".to_owned(), |(low, high)| format!(" [{}]", scale.range(low, high)));
            _ = writeln!(text, "- {benchmark}: {}{around}", scale.show(*value, half));
        }
    }
    text
}

/// One row per benchmark and other machine, or of one other machine only.
fn table(found: &MachineComparison, margin: f64, only: Option<usize>) -> Table {
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
            let scale = Scale::metric(Dialect::Ascii, &row.metric, [row.reference]);
            let mut cells = vec![
                row.benchmark.to_string(),
                found.sides[index + 1].name.clone(),
                scale.show(row.reference, None),
            ];
            match cell {
                Some(cell) => cells.extend(shown(cell, &scale, margin)),
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

fn shown(cell: &MachineCell, scale: &Scale, margin: f64) -> [String; 4] {
    let with = |ratio: f64, interval: Option<(f64, f64)>| {
        change(Dialect::Ascii, ratio - 1.0, interval.map(|(low, high)| (low - 1.0, high - 1.0)))
    };
    [
        scale.show(cell.value, None),
        with(cell.ratio, cell.ratio_interval),
        cell.per_cycle.map_or("unknown".to_owned(), |cycles| with(cycles, cell.per_cycle_interval)),
        clock_or_core(cell, margin),
    ]
}
