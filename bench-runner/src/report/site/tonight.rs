//! The lists of tonight, as the trend tells them: what moved, what could not be told, machines, what was not run.
//!
//! The words come from [`Telling`]; this adds drawings, links and what a table can sort by.

use super::block::{Block, Cell, Grid};
use super::index::{DRAWN, LISTED, fitness, noise};
use super::measure::{self, PAGE, benchmark_cell, machine_cell, minute};
use super::{Site, machine_path, run_path};
use crate::model::decision::ChangeState;
use crate::model::site::{MachineStanding, Overview, Standing};
use crate::model::trend::{MachineNight, TrendChange};
use crate::report::format::{self, Dialect, plural};
use crate::report::view::table::Kind;
use crate::report::view::{Telling, cause, state, total};

/// Name of the machine of a list's row, leading to its page.
fn machine(site: &Site, telling: &Telling<'_>, place: usize) -> Cell {
    let link = telling.report.machines.get(place).and_then(|night| site.link(machine_path(&night.machine)));
    Cell::text(crate::report::escape::shorten(&telling.machine(place), 60)).to(link)
}

/// What moved, the worst first; what moved together is one row.
pub(super) fn changes(
    site: &Site,
    telling: &Telling<'_>,
    caption: &str,
    changes: &[TrendChange],
    mark: &str,
) -> Vec<Block> {
    if changes.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        caption,
        &[
            ("Benchmark", Kind::Text),
            ("Change [95 %]", Kind::Number),
            ("Nights", Kind::Text),
            ("Machine", Kind::Text),
            ("Since", Kind::Text),
            ("Between commits", Kind::Text),
            ("Level", Kind::Number),
            ("State", Kind::Text),
            ("Cause", Kind::Text),
        ],
    );
    for (place, change) in changes.iter().take(DRAWN).enumerate() {
        let Some(lead) = change.members.first() else { continue };
        let tone = match (change.state, change.ratio > 1.0) {
            (ChangeState::New, true) => "regressed",
            (ChangeState::New, false) => "improved",
            _ => "",
        };
        let glyph = if change.ratio > 1.0 { "▲" } else { "▼" };
        let name = match change.members.as_slice() {
            [one] => benchmark_cell(site, &one.benchmark),
            _ => Cell::text(telling.names(change)).to(site.link(super::benchmark_path(&lead.benchmark))),
        };
        let since = format!("{}, {}", format::day(change.since), plural(u64::from(change.runs), "run"));
        let drawing = measure::spark((&lead.metric, &lead.values), &format!("s{mark}{place}"));
        grid.rows.push(vec![
            name,
            Cell::toned(format!("{glyph} {}", telling.size(change)), tone).by(change.ratio),
            Cell { drawing, ..Cell::default() },
            machine(site, telling, change.machine),
            Cell::text(since).to(site.link(run_path(&change.first))),
            Cell::text(measure::commits(&change.commits)),
            Cell::text(telling.levels(lead)),
            Cell::text(state(change)),
            Cell::text(cause(change.cause.as_ref())),
        ]);
    }
    let rest = match changes.len().saturating_sub(DRAWN) {
        0 => String::new(),
        more => {
            format!(" {} are left out here; the command below lists all.", plural(total(more), "more row"))
        }
    };
    grid.note = format!(
        "▲ slower, ▼ faster. Levels are medians per iteration of the first benchmark named; each interval holds for its change \
         alone.{rest}"
    );
    vec![Block::Table(grid)]
}

/// The benchmarks of changes that name only some of theirs.
pub(super) fn together(site: &Site, telling: &Telling<'_>, changes: &[TrendChange]) -> Vec<Block> {
    let many: Vec<&TrendChange> = changes.iter().filter(|change| change.members.len() > 1).collect();
    let all: usize = many.iter().map(|change| change.members.len()).sum();
    if all == 0 {
        return Vec::new();
    }
    let mut grid = Grid::new(
        "What moved together",
        &[
            ("Since", Kind::Text),
            ("Benchmark", Kind::Text),
            ("Machine", Kind::Text),
            ("Change", Kind::Number),
            ("Level", Kind::Number),
        ],
    );
    let members = many.iter().flat_map(|change| change.members.iter().map(move |one| (*change, one)));
    for (change, one) in members.take(LISTED) {
        grid.rows.push(vec![
            Cell::text(format::day(change.since)).to(site.link(run_path(&change.first))),
            benchmark_cell(site, &one.benchmark),
            machine(site, telling, change.machine),
            Cell::text(measure::change(one.ratio, one.interval)).by(one.ratio),
            Cell::text(telling.levels(one)),
        ]);
    }
    if all > LISTED {
        grid.note = format!("{} more are left out here.", all - LISTED);
    }
    let fold = format!("{} in steps that many share", plural(total(all), "benchmark"));
    vec![Block::Fold(fold, grid)]
}

/// What could not be told, suspects first, with the reasons.
pub(super) fn unsure(site: &Site, telling: &Telling<'_>) -> Vec<Block> {
    let undecided = &telling.report.undecided;
    if undecided.is_empty() {
        return vec![Block::Text(crate::report::view::NOTHING[0].to_owned())];
    }
    let heads =
        [("Benchmark", Kind::Text), ("Machine", Kind::Text), ("Change", Kind::Number), ("Why", Kind::Text)];
    let mut blocks = Vec::new();
    for (suspect, caption) in [(true, "Unusual tonight, and not settled"), (false, "Not judged")] {
        let mut grid = Grid::new(caption, &heads);
        let mine: Vec<_> = undecided.iter().filter(|one| one.suspect == suspect).collect();
        for one in mine.iter().take(LISTED) {
            let size = one.ratio.map_or_else(String::new, |ratio| format::change(PAGE, ratio - 1.0, None));
            grid.rows.push(vec![
                benchmark_cell(site, &one.benchmark),
                machine(site, telling, one.machine),
                Cell::text(size).by(one.ratio.unwrap_or(f64::NAN)),
                Cell::text(one.reason.clone()),
            ]);
        }
        if mine.len() > LISTED {
            grid.note = format!("{} more are left out here.", mine.len() - LISTED);
        }
        match (mine.len(), suspect) {
            (0, _) => {}
            (_, true) => blocks.push(Block::Table(grid)),
            (many, false) => {
                grid.twin = Telling { dialect: Dialect::Markdown, ..*telling }.not_judged();
                blocks.push(Block::Fold(format!("{} not judged", plural(total(many), "benchmark")), grid));
            }
        }
    }
    blocks
}

/// What its machine measured before, and not tonight.
pub(super) fn not_run(site: &Site, telling: &Telling<'_>) -> Vec<Block> {
    let missing = &telling.report.not_run;
    if missing.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        "Measured before, not tonight",
        &[("Benchmark", Kind::Text), ("Machine", Kind::Text), ("Last measured", Kind::Text)],
    );
    for one in missing.iter().take(LISTED) {
        grid.rows.push(vec![
            benchmark_cell(site, &one.benchmark),
            machine(site, telling, one.machine),
            Cell::text(format!("{}, {}", minute(one.at), telling.ago(one.at)))
                .to(site.link(run_path(&one.last))),
        ]);
    }
    if missing.len() > LISTED {
        grid.note = format!("{} more are left out here.", missing.len() - LISTED);
    }
    grid.twin = Telling { dialect: Dialect::Markdown, ..*telling }.last_measured();
    vec![Block::Fold(plural(total(missing.len()), "benchmark"), grid)]
}

/// Machines with their nights, those of tonight first; those without a run in the window at the end.
pub(super) fn machines(site: &Site, overview: &Overview, telling: &Telling<'_>) -> Vec<Block> {
    let trend = telling.report;
    let mut grid = Grid::new(
        "Machines",
        &[
            ("Machine", Kind::Text),
            ("Fit", Kind::Text),
            ("Nights", Kind::Text),
            ("Missed", Kind::Number),
            ("Noise", Kind::Number),
            ("Newest run", Kind::Text),
            ("Judged", Kind::Number),
            ("▲", Kind::Number),
            ("▼", Kind::Number),
            ("?", Kind::Number),
            ("–", Kind::Number),
        ],
    );
    let of = |key: &str| overview.machines.iter().find(|standing| standing.machine.machine == key);
    for (place, night) in trend.machines.iter().enumerate() {
        grid.rows.push(night_row(site, telling, (place, night), of(&night.machine)));
    }
    for standing in &overview.machines {
        let key = &standing.machine.machine;
        if !trend.machines.iter().any(|night| night.machine == *key) {
            grid.rows.push(silent_row(site, standing));
        }
    }
    if grid.rows.is_empty() {
        return Vec::new();
    }
    grid.note = format!(
        "Fit is the doctor's grade at the start of the run, A best. One bar for each of {}, the newest last. Noise is the middle \
         over benchmarks of the spread between launches, tonight and usually. ▲ slower, ▼ faster, ? cannot tell, – not run.",
        plural(u64::from(trend.nights), "night")
    );
    let mut blocks = vec![Block::Table(grid)];
    blocks.extend(telling.shifts().into_iter().map(Block::Text));
    blocks
}

fn night_row(
    site: &Site,
    telling: &Telling<'_>,
    (place, night): (usize, &MachineNight),
    standing: Option<&MachineStanding>,
) -> Vec<Cell> {
    let trend = telling.report;
    let newest = standing.filter(|standing| standing.latest.id == night.run);
    let (fit, tone) = newest.map_or_else(
        || match &night.grade {
            Some(grade) => (format!("grade {grade}"), ""),
            None => ("unknown".to_owned(), "inconclusive"),
        },
        fitness,
    );
    let usual =
        night.usual_noise.map_or_else(String::new, |usual| format!(", usually {}", noise(Some(usual))));
    let when = format!("{}, {}", minute(night.started), telling.ago(night.started));
    let (when, when_tone) = match &night.unfit {
        Some(why) => (format!("{when} ({why})"), "inconclusive"),
        None => (when, if night.fresh { "" } else { "inconclusive" }),
    };
    let moved = |changes: &[TrendChange]| {
        let mine = changes.iter().filter(|change| change.machine == place);
        mine.map(|change| change.members.len()).sum::<usize>()
    };
    let counts = [
        (Standing::Slower, moved(&trend.slower)),
        (Standing::Faster, moved(&trend.faster)),
        (Standing::CannotTell, trend.undecided.iter().filter(|one| one.machine == place).count()),
        (Standing::NotRun, trend.not_run.iter().filter(|one| one.machine == place).count()),
    ];
    let mut cells = vec![
        machine(site, telling, place),
        Cell::toned(fit, tone),
        Cell { drawing: Some(calendar(telling, night, place)), ..Cell::default() },
        Cell::toned(night.missed.to_string(), if night.missed > 0 { "inconclusive" } else { "" }),
        Cell::text(format!("{}{usual}", noise(night.noise))).by(night.noise.unwrap_or(f64::NAN)),
        Cell::toned(when, when_tone).to(site.link(run_path(&night.run))),
        Cell::text(format!("{} of {}", night.judged, night.benchmarks)).by(f64::from(night.judged)),
    ];
    for (standing, count) in counts {
        let tone = if count > 0 { measure::standing(standing).1 } else { "" };
        cells.push(Cell::toned(count.to_string(), tone));
    }
    cells
}

/// A machine that measured nothing in the window.
fn silent_row(site: &Site, standing: &MachineStanding) -> Vec<Cell> {
    let (fit, tone) = fitness(standing);
    let nothing = || Cell::text(PAGE.nothing());
    let when = format!("{}, nothing since", minute(standing.latest.started));
    let mut cells = vec![
        machine_cell(site, &standing.machine.machine),
        Cell::toned(fit, tone),
        Cell::text("none"),
        nothing(),
        Cell::text(noise(standing.noise)).by(standing.noise.unwrap_or(f64::NAN)),
        Cell::toned(when, "inconclusive").to(site.link(run_path(&standing.latest.id))),
    ];
    cells.extend(std::iter::repeat_with(nothing).take(5));
    cells
}

/// The nights of a machine as a small drawing: a bar for each night with a run.
fn calendar(telling: &Telling<'_>, night: &MachineNight, place: usize) -> (String, String) {
    let (there, missed): (Vec<usize>, Vec<usize>) =
        (0..night.nights.len()).partition(|number| night.nights.get(*number).copied().unwrap_or(false));
    let words = format!("{} with a run of {}", plural(total(there.len()), "night"), night.nights.len());
    (measure::bars(&there, &missed, &words, &format!("n{place}")), telling.calendar(night))
}
