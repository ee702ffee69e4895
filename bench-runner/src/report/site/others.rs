//! Lines of a benchmark that its page has no room to draw: a row each.

use super::Site;
use super::block::{Block, Cell, Grid};
use super::measure::{self, minute};
use crate::model::site::Place;
use crate::report::format::plural;
use crate::report::view::table::Kind;
use crate::report::view::total;
use crate::report::view::words::code;

/// Rows at most.
pub(super) const ROWS: usize = 60;
/// Values of the small drawing in a row.
const SPARK: usize = 20;

/// Machines that have a row and no charts, with their numbers, beside `drawn` others.
pub(super) fn in_rows(site: &Site, drawn: usize, others: &[(usize, &Place)]) -> Vec<Block> {
    let mut grid = Grid::new(
        "Machines without charts here",
        &[
            ("Machine", Kind::Text),
            ("Configuration", Kind::Text),
            ("Standing", Kind::Text),
            ("Newest value", Kind::Number),
            ("Change", Kind::Number),
            ("Newest values", Kind::Text),
            ("Newest run", Kind::Text),
            ("Runs", Kind::Number),
        ],
    );
    for (number, place) in others.iter().take(ROWS) {
        let line = &place.line;
        let (key, points) = (&line.history.key, &line.history.points);
        let (words, tone) = measure::standing(line.standing);
        let newest = points.last().map_or_else(Cell::default, |last| {
            Cell::text(measure::value(&key.metric, last.value, line.intervals.last().copied().flatten()))
                .by(last.value)
        });
        let moved = line.moved.as_ref().map_or_else(Cell::default, |moved| {
            Cell::text(measure::change(moved.ratio, moved.interval)).by(moved.ratio)
        });
        let run = points
            .last()
            .map_or_else(Cell::default, |last| Cell::text(minute(last.started)).to(site.run_link(&last.run)));
        let recent = &points[points.len().saturating_sub(SPARK)..];
        let recent: Vec<Option<f64>> =
            recent.iter().map(|point| point.is_eligible().then_some(point.value)).collect();
        grid.rows.push(vec![
            measure::machine_cell(site, &key.machine),
            Cell::text(code(&crate::report::escape::shorten(&key.config, 60))),
            Cell::toned(words, tone),
            newest,
            moved,
            Cell {
                drawing: measure::spark((&key.metric, &recent), &format!("s{number}")),
                ..Cell::default()
            },
            run,
            Cell::text(points.len().to_string()),
        ]);
    }
    if others.len() > ROWS {
        grid.note = format!("{} more are left out here.", others.len() - ROWS);
    }
    let text = format!(
        "A page stays below half a megabyte: it draws the {} that were measured last. Of the rest, {}, it has a row each; {} says \
         more of one machine.",
        plural(total(drawn), "line"),
        plural(total(others.len()), "line"),
        code("bench-runner trend --machine NAME")
    );
    vec![Block::Text(text), Block::Table(grid)]
}
