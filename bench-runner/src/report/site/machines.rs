//! Machines: who measures, how fit, and how they compare on the same code.

use super::Site;
use super::block::{Block, Cell, Chart, Document, Grid};
use super::index::{fitness, noise};
use super::measure::{self, PAGE, machine_cell, minute};
use super::run_path;
use crate::model::machines::{MachineCell, MachineComparison, MachineRow};
use crate::model::site::{MachineStanding, SideBySide};
use crate::report::ReportError;
use crate::report::chart::{Words, ratio};
use crate::report::format::{self, Dialect, Scale, plural};
use crate::report::view::ratio_text::ratio_text;
use crate::report::view::table::Kind;
use crate::report::view::total;
use crate::report::view::words::code;

/// Columns of the drawing in the Markdown twin.
const TWIN: usize = 90;

/// Writes the page.
///
/// # Errors
///
/// [`ReportError::Chart`] when a chart cannot be drawn.
pub fn machines(
    site: &Site,
    standings: &[MachineStanding],
    side: &SideBySide,
) -> Result<Document, ReportError> {
    let mut page = Document::new("machines.html", "Benchmark observatory", "Machines");
    page.line = fit(standings);
    page.command = "bench-runner compare --machines".to_owned();
    page.section("fit", "Is it fit?", vec![Block::Table(list(site, standings))]);
    let mut blocks = Vec::new();
    if let Some(found) = &side.comparison {
        blocks.extend(comparison(site, found)?);
    }
    for refused in &side.refused {
        blocks.push(Block::Banner("apart", "≠ Not comparable.".to_owned(), refused.clone()));
    }
    page.section("side", "Side by side, on the same code", blocks);
    Ok(page)
}

/// How many machines are fit, as the doctor saw them at their newest runs.
fn fit(standings: &[MachineStanding]) -> String {
    let of = |wanted: &str| standings.iter().filter(|standing| fitness(standing).1 == wanted).count();
    let (yes, no) = (of("pass"), of("fail"));
    format!(
        "{} measured what is in this store: {yes} fit, {no} not fit, {} in doubt or unknown.",
        plural(total(standings.len()), "machine"),
        standings.len() - yes - no
    )
}

fn list(site: &Site, standings: &[MachineStanding]) -> Grid {
    let mut grid = Grid::new(
        "Machines",
        &[
            ("Machine", Kind::Text),
            ("Hardware", Kind::Code),
            ("Fit", Kind::Text),
            ("Noise", Kind::Number),
            ("Runs", Kind::Number),
            ("First", Kind::Text),
            ("Newest run", Kind::Text),
            ("Configurations", Kind::Number),
        ],
    );
    for standing in standings {
        let (fit, tone) = fitness(standing);
        let machine = &standing.machine;
        grid.rows.push(vec![
            machine_cell(site, &machine.machine),
            Cell::text(machine.hw_class.clone()),
            Cell::toned(fit, tone),
            Cell::text(noise(standing.noise)).by(standing.noise.unwrap_or(f64::NAN)),
            Cell::text(machine.runs.to_string()),
            Cell::text(format::day(machine.first)),
            Cell::text(minute(machine.latest)).to(site.link(run_path(&machine.latest_run))),
            Cell::text(machine.configs.len().to_string()),
        ]);
    }
    grid.command = "bench-runner machines".to_owned();
    grid
}

fn comparison(site: &Site, found: &MachineComparison) -> Result<Vec<Block>, ReportError> {
    let mut blocks = vec![Block::Text(format!(
        "All measured commit {}. The reference is {}; changes are of the time against it, and above zero is slower. “In cycles” \
         takes the clock out: where times differ and cycles do not, the clock is what differs.",
        code(&found.commit.chars().take(12).collect::<String>()),
        code(found.sides.first().map_or("", |side| side.name.as_str()))
    ))];
    for side in found.sides.iter().filter(|side| side.synthetic) {
        blocks.push(Block::Banner(
            "inconclusive",
            "Made up.".to_owned(),
            format!("{} is no real machine.", code(&side.name)),
        ));
    }
    for place in 1..found.sides.len() {
        blocks.extend(ratio_chart(site, found, place)?.map(Block::Chart));
    }
    blocks.push(Block::Table(all_sides(site, found)));
    for (mean, side) in found.means.iter().zip(found.sides.iter().skip(1)) {
        if let Some((ratio, _, rows)) = mean {
            blocks.push(Block::Quiet(format!(
                "Geometric mean of {} on {}: {}, without an interval.",
                plural(u64::from(*rows), "benchmark"),
                code(&side.name),
                format::change(PAGE, *ratio - 1.0, None)
            )));
        }
    }
    let mut differences = Grid::new("What differs between the machines", &[("What", Kind::Code)]);
    for side in &found.sides {
        differences.columns.push((crate::report::escape::visible(&side.name, false), Kind::Code));
    }
    for difference in &found.differences {
        let values =
            difference.values.iter().map(|value| Cell::text(crate::report::escape::shorten(value, 90)));
        differences.rows.push([Cell::text(difference.key.clone())].into_iter().chain(values).collect());
    }
    if !differences.rows.is_empty() {
        blocks.push(Block::Heading("What differs between the machines".to_owned()));
        blocks.push(Block::Table(differences));
    }
    Ok(blocks)
}

/// All benchmarks on all machines.
fn all_sides(site: &Site, found: &MachineComparison) -> Grid {
    let mut grid = Grid::new("Machines side by side", &[("Benchmark", Kind::Text)]);
    for (place, side) in found.sides.iter().enumerate() {
        let head = crate::report::escape::visible(&side.name, false);
        grid.columns
            .push((if place == 0 { format!("{head} (reference)") } else { head.clone() }, Kind::Number));
        if place > 0 {
            grid.columns.push((format!("{head}: change"), Kind::Number));
            grid.columns.push((format!("{head}: in cycles"), Kind::Number));
        }
    }
    for row in &found.rows {
        let values = row.cells.iter().flatten().map(|cell| cell.value).chain([row.reference]);
        let scale = Scale::metric(PAGE, &row.metric, values);
        let mut cells = vec![
            measure::benchmark_cell(site, &row.benchmark),
            Cell::text(scale.show(row.reference, None)).by(row.reference),
        ];
        for cell in &row.cells {
            cells.extend(side_cells(&scale, cell.as_ref()));
        }
        grid.rows.push(cells);
    }
    grid.note = format!("Each interval holds at {}.", format::percent(PAGE, found.level, 2));
    grid
}

/// One machine against the reference, benchmark by benchmark; `place` is its place among the sides.
fn ratio_chart(site: &Site, found: &MachineComparison, place: usize) -> Result<Option<Chart>, ReportError> {
    let cells = found.rows.iter().filter_map(|row| {
        let cell = row.cells.get(place - 1)?.as_ref()?;
        (cell.ratio.is_finite() && cell.ratio > 0.0).then_some((row, cell))
    });
    let cells: Vec<(&MachineRow, &MachineCell)> = cells.collect();
    if cells.is_empty() {
        return Ok(None);
    }
    let drawn = &cells[..cells.len().min(ratio::MOST_ROWS)];
    let marks: Vec<ratio::Row> = drawn
        .iter()
        .map(|(row, cell)| ratio::Row {
            name: row.benchmark.full_id(),
            ratio: cell.ratio,
            interval: cell.ratio_interval,
            cycles: cell.per_cycle,
            text: format::change(PAGE, cell.ratio - 1.0, None),
        })
        .collect();
    let name = |place: usize| found.sides.get(place).map_or("", |side| side.name.as_str());
    let words = Words {
        id: format!("ratio-{place}"),
        title: crate::report::escape::visible(&format!("{} against {}", name(place), name(0)), false),
        description: format!(
            "Change of the time of {} against the reference, with intervals.",
            plural(total(drawn.len()), "benchmark")
        ),
    };
    let made = ratio::chart(&words, &marks)?;
    let mut grid = Grid::new(
        "Changes drawn",
        &[
            ("Benchmark", Kind::Text),
            ("Time", Kind::Number),
            ("Change", Kind::Number),
            ("In cycles", Kind::Number),
        ],
    );
    for (row, cell) in drawn {
        let scale = Scale::metric(PAGE, &row.metric, [cell.value]);
        let mut cells = vec![measure::benchmark_cell(site, &row.benchmark)];
        cells.extend(side_cells(&scale, Some(*cell)));
        grid.rows.push(cells);
    }
    let rest = cells.len() - drawn.len();
    let rest =
        if rest == 0 { String::new() } else { format!(" {rest} more are in the table of all machines.") };
    Ok(Some(Chart {
        svg: made.svg,
        at: made.at,
        axes: None,
        drawn: ratio_text(found, place, TWIN, Dialect::Terminal),
        caption: format!(
            "{} against {}: dots are times with their intervals, rings are cycles.{rest}",
            code(name(place)),
            code(name(0))
        ),
        fold: format!("The {} as a table", plural(total(drawn.len()), "change")),
        grid,
    }))
}

fn side_cells(scale: &Scale, cell: Option<&MachineCell>) -> Vec<Cell> {
    let Some(cell) = cell else {
        return vec![Cell::text("not measured"), Cell::text(""), Cell::text("")];
    };
    let ratio = |value: f64, interval: Option<(f64, f64)>| {
        let none = if interval.is_some() { "" } else { " (no interval)" };
        let interval = interval.map(|(low, high)| (low - 1.0, high - 1.0));
        format!("{}{none}", format::change(PAGE, value - 1.0, interval))
    };
    vec![
        Cell::text(scale.show(cell.value, None)).by(cell.value),
        Cell::text(ratio(cell.ratio, cell.ratio_interval)).by(cell.ratio),
        Cell::text(
            cell.per_cycle
                .map_or_else(|| "unknown".to_owned(), |value| ratio(value, cell.per_cycle_interval)),
        ),
    ]
}
