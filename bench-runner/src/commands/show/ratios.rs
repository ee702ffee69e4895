//! `bench-runner show RUN --table GROUPS --against FUNCTION`: the ratio table of one run.

use std::fmt::Write as _;

use regex::Regex;

use crate::analysis::ratio_table::ratio_table;
use crate::cli::Format;
use crate::commands::{Session, load};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::ratio_table::{RatioCell, RatioRow, RatioTable, RatioVerdict};
use crate::model::report::RunReport;
use crate::report::format::{Dialect, Scale};
use crate::ui::table::{Align, Column, Table};

/// Shows the table.
///
/// # Errors
///
/// When the pattern is no regular expression, or chooses no group with functions.
pub(super) fn run(
    content: &RunReport,
    pattern: &str,
    against: &[String],
    session: &Session,
) -> Result<ExitCode, CliError> {
    let groups = Regex::new(pattern).map_err(|error| {
        let mut made =
            CliError::new(exit_code::USAGE, format!("`--table {pattern}` is not a regular expression"));
        made.causes.push(error.to_string());
        made
    })?;
    let table = ratio_table(&content.results, |group| groups.is_match(group), against);
    if table.rows.is_empty() {
        let text = format!("no group with functions matches `{pattern}` in run {}", content.run.id);
        return Err(CliError::new(exit_code::NOTHING, text).hinted(Some(
            "the pattern is matched with `target/group`; `show` lists what there is".to_owned(),
        )));
    }
    match session.format {
        Format::Markdown => session.answer(&matrix(&table))?,
        Format::Json => {
            let mut object = load::json_of(&table)?;
            object["schema"] = "bench-runner/ratio-table".into();
            object["version"] = 1.into();
            object["run"] = content.run.id.to_string().into();
            session.answer(&object.to_string())?;
        }
        _ => {
            let items = table.rows.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
            load::show(session, &long(&table), "bench-runner/ratio-table", &items)?;
        }
    }
    Ok(exit_code::DONE)
}

/// One line per implementation, for a terminal or a program.
fn long(table: &RatioTable) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let line = |row: &RatioRow, cell: &RatioCell| {
        vec![
            row.operation.clone(),
            cell.function.clone(),
            number(cell.ratio),
            number(cell.interval.map(|(low, _)| low)),
            number(cell.interval.map(|(_, high)| high)),
            cell.verdict.words().to_owned(),
            cell.launches.to_string(),
            row.reference.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    Table {
        columns: vec![
            column("operation", Align::Left, 0),
            column("function", Align::Left, 0),
            column("ratio", Align::Right, 0),
            column("low", Align::Right, 0),
            column("high", Align::Right, 0),
            column("verdict", Align::Left, 0),
            column("launches", Align::Right, 2),
            column("against", Align::Left, 1),
        ],
        rows: table.rows.iter().flat_map(|row| row.cells.iter().map(|cell| line(row, cell))).collect(),
    }
}

/// Operations down, implementations across, for a document.
fn matrix(table: &RatioTable) -> String {
    let mut functions: Vec<&str> = Vec::new();
    for cell in table.rows.iter().flat_map(|row| &row.cells) {
        if !functions.contains(&cell.function.as_str()) {
            functions.push(&cell.function);
        }
    }
    let mut out = String::from("| operation |");
    functions.iter().for_each(|function| {
        let _ = write!(out, " {} |", quoted(function));
    });
    let _ = write!(out, "\n|---|{}\n", "---:|".repeat(functions.len()));
    for row in &table.rows {
        let _ = write!(out, "| {} |", quoted(&row.operation));
        for function in &functions {
            let cell = row.cells.iter().find(|cell| cell.function == *function);
            let _ = write!(out, " {} |", cell.map_or_else(String::new, |cell| words(row, cell)));
        }
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "\nTime divided by that of the column marked *1*, within each launch of one executable: geometric mean over \
         launches and its {:.0} % interval. **Bold**: the whole interval is below 1. *Level*: the whole interval is at \
         most {:.2}. *Behind*: the whole interval is above that. *Open*: none of these can be said.",
        table.level * 100.0,
        table.bound,
    );
    out
}

fn words(row: &RatioRow, cell: &RatioCell) -> String {
    let ratio = cell.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    let interval = cell.interval.map_or_else(String::new, |(low, high)| format!(" ({low:.2}–{high:.2})"));
    match cell.verdict {
        RatioVerdict::Reference => {
            let value = row.reference_value.unwrap_or_default();
            format!("*1* = {}", Scale::time(Dialect::Markdown, [value]).show(value, None))
        }
        RatioVerdict::Ahead => format!("**{ratio}**{interval}"),
        RatioVerdict::Level => format!("{ratio}{interval} *level*"),
        RatioVerdict::Behind => format!("{ratio}{interval} *behind*"),
        RatioVerdict::Inconclusive => format!("{ratio}{interval} *open*"),
        RatioVerdict::NotComparable => "-".to_owned(),
    }
}

/// A name as a cell of a Markdown table.
fn quoted(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(function: &str, verdict: RatioVerdict, ratio: f64) -> RatioCell {
        let interval = (verdict != RatioVerdict::Reference).then_some((ratio - 0.01, ratio + 0.01));
        RatioCell { function: function.to_owned(), launches: 9, ratio: Some(ratio), interval, verdict }
    }

    #[test]
    fn the_matrix_has_a_column_per_function_and_leaves_gaps_empty() {
        let row = |operation: &str, cells: Vec<RatioCell>| RatioRow {
            operation: operation.to_owned(),
            reference: Some("dalek".to_owned()),
            reference_value: Some(17_100.0),
            cells,
        };
        let table = RatioTable {
            bound: 1.02,
            level: 0.95,
            rows: vec![
                row(
                    "sign",
                    vec![
                        cell("kms", RatioVerdict::Ahead, 0.5),
                        cell("dalek", RatioVerdict::Reference, 1.0),
                        cell("ring", RatioVerdict::Behind, 1.36),
                    ],
                ),
                row("verify|x", vec![cell("ring", RatioVerdict::Inconclusive, 1.02)]),
            ],
        };
        let text = matrix(&table);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "| operation | `kms` | `dalek` | `ring` |",
                "|---|---:|---:|---:|",
                "| `sign` | **0.50** (0.49–0.51) | *1* = 17.10 µs | 1.36 (1.35–1.37) *behind* |",
                "| `verify\\|x` |  |  | 1.02 (1.01–1.03) *open* |",
            ]
        );
        assert_eq!(long(&table).rows.len(), 4);
        assert_eq!(long(&table).rows[1][..4], ["sign", "dalek", "1.000", "-"]);
    }
}
