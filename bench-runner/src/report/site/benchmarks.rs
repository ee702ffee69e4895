//! All benchmarks on one page, with their newest value on each machine: where one looks for a benchmark by name.

use std::collections::BTreeMap;

use super::Site;
use super::block::{Block, Cell, Document, Grid};
use super::measure::{self, benchmark_cell};
use crate::model::ids::BenchmarkId;
use crate::model::site::{LineSummary, Overview, Standing};
use crate::model::units::Metric;
use crate::report::format::{append, plural};
use crate::report::view::table::Kind;
use crate::report::view::total;

/// Rows at most; a page stays below half a megabyte.
const ROWS: usize = 600;
/// Machines with a column of their own.
const MACHINES: usize = 6;

/// Lines of one benchmark and metric.
type Lines<'a> = BTreeMap<(&'a BenchmarkId, &'a Metric), Vec<&'a LineSummary>>;

/// Writes the page.
#[must_use]
pub fn benchmarks(site: &Site, overview: &Overview) -> Document {
    let mut page = Document::new("benchmarks.html", "Benchmark observatory", "Benchmarks");
    let mut lines: Lines<'_> = BTreeMap::new();
    for line in &overview.lines {
        lines.entry((&line.benchmark, &line.metric)).or_default().push(line);
    }
    page.line = format!(
        "{} on {}. Each leads to its trends.",
        plural(total(lines.len()), "benchmark"),
        plural(total(overview.machines.len()), "machine")
    );
    page.command = "bench-runner show latest".to_owned();
    if lines.is_empty() {
        let text = "Nothing is stored yet; `bench-runner run` measures.";
        page.section("all", "All", vec![Block::Text(text.to_owned())]);
        return page;
    }
    let machines: Vec<&str> =
        overview.machines.iter().map(|standing| standing.machine.machine.as_str()).take(MACHINES).collect();
    let mut grid = Grid::new("All benchmarks with their newest values", &[("Benchmark", Kind::Text)]);
    for machine in &machines {
        let name = crate::report::escape::shorten(&site.machine_name(machine), 40);
        grid.columns.push((crate::report::escape::visible(&name, false), Kind::Number));
    }
    grid.columns.push(("Runs".to_owned(), Kind::Number));
    for ((id, _), of) in lines.iter().take(ROWS) {
        let mut cells = vec![benchmark_cell(site, id)];
        cells.extend(machines.iter().map(|machine| newest(of, machine)));
        let runs: u32 = of.iter().map(|line| line.points).sum();
        cells.push(Cell::text(runs.to_string()));
        grid.rows.push(cells);
    }
    grid.note = note(lines.len(), overview.machines.len());
    page.section("all", "All", vec![Block::Table(grid)]);
    page
}

fn note(lines: usize, machines: usize) -> String {
    let mut note = "The newest value of each machine with its relative half width; ▲ got slower, ▼ got faster, ? cannot \
                    tell, – not run tonight, by the trend. Of \
                    several configurations of a machine the one measured last is shown."
        .to_owned();
    if lines > ROWS {
        append(&mut note, format_args!(" {} more benchmarks are left out here.", lines - ROWS));
    }
    if machines > MACHINES {
        append(&mut note, format_args!(" {} more machines have no column.", machines - MACHINES));
    }
    note
}

/// The newest value on a machine.
fn newest(lines: &[&LineSummary], machine: &str) -> Cell {
    let mine = lines.iter().filter(|line| line.machine == machine);
    let Some(line) = mine.max_by_key(|line| line.latest.as_ref().map(|(_, at)| *at)) else {
        return Cell::text("");
    };
    let Some((value, interval)) = line.value else { return Cell::text("unknown") };
    let text = measure::value(&line.metric, value, interval);
    let (glyph, tone) = match line.standing {
        Standing::Slower => ("▲ ", "regressed"),
        Standing::Faster => ("▼ ", "improved"),
        Standing::CannotTell => ("? ", "inconclusive"),
        Standing::NotRun => ("– ", "apart"),
        Standing::Quiet => ("", ""),
    };
    Cell::toned(format!("{glyph}{text}"), tone).by(value)
}
