//! All changes: what the gate noted with its state, what the histories show, and what was decided.

use super::Site;
use super::block::{Block, Cell, Document, Grid, Item};
use super::measure::{self, PAGE, benchmark_cell, machine_cell, minute};
use super::run_path;
use crate::model::decision::{ChangeState, DecisionKind};
use crate::model::site::{ChangeLog, LevelStep, LineSummary};
use crate::report::format;
use crate::report::view::table::Kind;

/// Rows of each table.
const ROWS: usize = 400;

/// Writes the page.
#[must_use]
pub fn changes(site: &Site, log: &ChangeLog) -> Document {
    let mut page = Document::new("changes.html", "Benchmark observatory", "Changes");
    let open = log.noted.iter().filter(|change| change.is_open()).count();
    page.line = format!(
        "{open} confirmed by the gate and undecided; {} steps in the histories. Newest first.",
        log.found.len()
    );
    for state in [ChangeState::New, ChangeState::Accepted, ChangeState::Fixed, ChangeState::Noise] {
        let count = log.noted.iter().filter(|change| change.state == state).count();
        if count > 0 {
            let (word, tone) = measure::state(state);
            page.chips.push((format!("{count} {word}"), tone));
        }
    }
    page.command = "bench-runner changes list".to_owned();
    page.section("found", "Steps that the histories show", found(site, &log.found));
    page.section("noted", "Noted by the gate", noted(site, log));
    page.section("decisions", "Decisions", decisions(log));
    if page.sections.is_empty() {
        page.section(
            "none",
            "Nothing yet",
            vec![Block::Text("No history is long enough for a step, and the gate noted nothing.".to_owned())],
        );
    }
    if site.has("changes.atom") {
        let feed =
            Item { text: "The same as an Atom feed".to_owned(), link: Some("changes.atom".to_owned()) };
        page.section("feed", "Follow", vec![Block::List(vec![feed])]);
    }
    page
}

fn found(site: &Site, found: &[(LineSummary, LevelStep)]) -> Vec<Block> {
    if found.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        "Steps, newest first",
        &[
            ("State", Kind::Text),
            ("Benchmark", Kind::Text),
            ("Machine", Kind::Text),
            ("Change", Kind::Number),
            ("Levels", Kind::Number),
            ("First run", Kind::Text),
            ("Between commits", Kind::Text),
            ("Runs", Kind::Number),
        ],
    );
    for (line, step) in found.iter().take(ROWS) {
        let (state, tone) = measure::state(step.state);
        let worse = (step.ratio > 1.0) != line.metric.bigger_is_better();
        let glyph = if worse { "▲" } else { "▼" };
        grid.rows.push(vec![
            Cell::toned(format!("{glyph} {state}"), tone),
            benchmark_cell(site, &line.benchmark),
            machine_cell(site, &line.machine),
            Cell::toned(
                measure::change(step.ratio, step.ratio_interval),
                if worse { "regressed" } else { "improved" },
            )
            .by(step.ratio),
            Cell::text(measure::levels(&line.metric, step.levels.0, step.levels.1)),
            Cell::text(minute(step.started)).to(site.link(run_path(&step.first_run))),
            Cell::text(measure::commits(&step.commits)),
            Cell::text(step.runs.to_string()),
        ]);
    }
    if found.len() > ROWS {
        grid.note = format!("{} older ones are on the pages of their benchmarks.", found.len() - ROWS);
    }
    vec![Block::Table(grid)]
}

fn noted(site: &Site, log: &ChangeLog) -> Vec<Block> {
    if log.noted.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        "Noted by the gate, newest first",
        &[
            ("Change", Kind::Code),
            ("State", Kind::Text),
            ("Seen", Kind::Text),
            ("Benchmark", Kind::Text),
            ("Machine", Kind::Text),
            ("Size", Kind::Number),
            ("Since", Kind::Text),
            ("Nights", Kind::Number),
            ("Why", Kind::Text),
        ],
    );
    for change in log.noted.iter().take(ROWS) {
        let (state, tone) = measure::state(change.state);
        grid.rows.push(vec![
            Cell::text(change.id.clone()),
            Cell::toned(state, tone),
            Cell::text(measure::evidence(change.evidence)),
            benchmark_cell(site, &change.series.benchmark),
            machine_cell(site, &change.series.machine),
            Cell::text(format::change(PAGE, change.ratio - 1.0, None)).by(change.ratio),
            Cell::text(minute(change.first_started)).to(site.link(run_path(&change.first_run))),
            Cell::text(change.sightings.to_string()),
            Cell::text(change.decision.as_ref().map_or_else(String::new, |decision| decision.reason.clone())),
        ]);
    }
    vec![Block::Table(grid)]
}

fn decisions(log: &ChangeLog) -> Vec<Block> {
    if log.decisions.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        "Decisions, newest first",
        &[
            ("When", Kind::Text),
            ("What", Kind::Text),
            ("About", Kind::Code),
            ("Until", Kind::Text),
            ("Why", Kind::Text),
        ],
    );
    for decision in log.decisions.iter().take(ROWS) {
        let word = match decision.kind {
            DecisionKind::Accept => "accepted",
            DecisionKind::Fix => "fixed",
            DecisionKind::Noise => "noise",
            DecisionKind::Waive => "waived",
        };
        grid.rows.push(vec![
            Cell::text(minute(decision.at)),
            Cell::text(word),
            Cell::text(decision.subject.clone()),
            Cell::text(decision.until.map_or_else(String::new, minute)),
            Cell::text(decision.reason.clone()),
        ]);
    }
    vec![Block::Table(grid)]
}
