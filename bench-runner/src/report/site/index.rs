//! The first page: what the trend says at the newest run, with drawings and with links to what it rests on.
//!
//! Words, order and counts of tonight are those of `view::trend`; nothing is decided here.

use super::block::{Block, Cell, Document, Grid, Item};
use super::measure::{self, PAGE, benchmark_cell, machine_cell, minute};
use super::tonight::{changes, machines, not_run, together, unsure};
use super::{Site, run_path};
use crate::model::gate::GateVerdict;
use crate::model::run::{RunKind, RunStatus};
use crate::model::site::{LineSummary, MachineStanding, Overview, Standing};
use crate::report::format::{self, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::{code, list};
use crate::report::view::{NOTHING, Telling, total};

/// Rows of a list with drawings; the rest is counted.
pub(super) const DRAWN: usize = 25;
/// Rows of a list without drawings.
pub(super) const LISTED: usize = 100;
/// Runs listed at the end.
const RUNS: usize = 15;

/// Writes the page.
#[must_use]
pub fn index(site: &Site, overview: &Overview) -> Document {
    let suite = if overview.suites.is_empty() { "no runs yet".to_owned() } else { list(&overview.suites) };
    let mut page = Document::new("index.html", "Benchmark observatory", suite);
    let trend = &overview.trend;
    let telling = Telling { report: trend, dialect: PAGE };
    page.line = telling.line();
    page.dated = overview.newest;
    page.chips = chips(overview);
    page.command =
        format!("bench-runner trend --nights {} --now {}", trend.nights, format::timestamp(trend.now));
    let heading = |word: &str, count: usize| format!("{word} ({count})");
    page.section("attention", &heading("Needs attention", trend.slower.len()), attention(site, overview));
    page.section("unsure", &heading("Could not tell", trend.undecided.len()), unsure(site, &telling));
    let mut good = changes(site, &telling, "What got faster", &trend.faster, "g");
    good.extend(together(site, &telling, &trend.faster));
    page.section("good", &heading("Good news", trend.faster.len()), or_none(good, &telling.none("faster")));
    let mut decided = changes(site, &telling, "Changes about which somebody decided", &trend.decided, "d");
    decided.extend(together(site, &telling, &trend.decided));
    page.section("decided", &heading("Decided", trend.decided.len()), decided);
    page.section(
        "machines",
        &heading("Machines", overview.machines.len()),
        machines(site, overview, &telling),
    );
    page.section(
        "not-run",
        &heading("Not run", trend.not_run.len()),
        or_none(not_run(site, &telling), NOTHING[1]),
    );
    let basis = telling.basis().into_iter().map(|text| Item { text, link: None });
    page.section("checked", "What was checked", vec![Block::List(basis.collect())]);
    page.section("lines", "Every other line", others(site, overview));
    page.section("runs", "Newest runs", runs(site, overview));
    page.section("ask", "Questions and where their answers are", questions(site));
    page.footer.push(match overview.newest {
        Some(newest) => format!(
            "Dated by the newest run, {}: made again from the same store, this page is the same to the byte. \
             {} of {} have a page of their own; any other is written by {}.",
            format::timestamp(newest),
            overview.runs.1,
            plural(u64::from(overview.runs.0), "run"),
            code("bench-runner report RUN")
        ),
        None => format!("The store has no runs yet: {} makes the first one.", code("bench-runner run")),
    });
    page
}

/// What an empty list says in its place.
fn or_none(blocks: Vec<Block>, words: &str) -> Vec<Block> {
    if blocks.is_empty() { vec![Block::Text(words.to_owned())] } else { blocks }
}

/// What needs a person: broken budgets, then what got slower.
fn attention(site: &Site, overview: &Overview) -> Vec<Block> {
    let trend = &overview.trend;
    let telling = Telling { report: trend, dialect: PAGE };
    let broken = overview.budgets.iter().filter(|(_, gate)| gate.verdict == GateVerdict::Fail);
    let mut blocks: Vec<Block> = broken
        .map(|(machine, gate)| {
            let machine = code(&site.machine_name(machine));
            let title = format!("Budget {} is broken.", code(&gate.budget.id));
            Block::Banner("fail", title, format!("On {machine}: {}", gate.reason))
        })
        .collect();
    if trend.slower.is_empty() {
        blocks.push(Block::Text(telling.none("slower")));
        return blocks;
    }
    blocks.extend(changes(site, &telling, "What got slower", &trend.slower, "a"));
    blocks.extend(together(site, &telling, &trend.slower));
    blocks.push(Block::Quiet(format!(
        "{} decides about a change, {} looks for its cause, {} for its commit.",
        code("bench-runner changes accept"),
        code("bench-runner explain"),
        code("bench-runner bisect")
    )));
    blocks
}

fn chips(overview: &Overview) -> Vec<(String, &'static str)> {
    let trend = &overview.trend;
    let members = |changes: &[crate::model::trend::TrendChange]| {
        changes.iter().map(|change| change.members.len()).sum::<usize>()
    };
    let counts = [
        (Standing::Slower, members(&trend.slower)),
        (Standing::Faster, members(&trend.faster)),
        (Standing::CannotTell, trend.undecided.len()),
        (Standing::NotRun, trend.not_run.len()),
    ];
    let mut chips = Vec::new();
    for (standing, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let (words, tone) = measure::standing(standing);
        let (glyph, word) = words.split_once(' ').unwrap_or(("", words));
        chips.push((format!("{glyph} {count} {word}"), tone));
    }
    let judged = |verdict| overview.budgets.iter().filter(|(_, gate)| gate.verdict == verdict).count();
    let (pass, fail) = (judged(GateVerdict::Pass), judged(GateVerdict::Fail));
    let open =
        judged(GateVerdict::Inconclusive) + judged(GateVerdict::Missing) + judged(GateVerdict::NotComparable);
    if pass + fail + open > 0 {
        let tone = if fail > 0 {
            "fail"
        } else if open > 0 {
            "inconclusive"
        } else {
            "pass"
        };
        chips.push((format!("{pass} of {} budgets hold", pass + fail + open), tone));
    }
    if let Some(newest) = overview.newest {
        chips.push((format!("newest run {}", minute(newest)), ""));
    }
    if let Some(commit) = &overview.commit {
        chips.push((format!("commit {}", code(&commit.chars().take(10).collect::<String>())), ""));
    }
    chips
}

/// Word and tone of a machine's fitness.
pub(super) fn fitness(machine: &MachineStanding) -> (String, &'static str) {
    match (machine.grade.as_deref(), machine.doubts.first()) {
        (Some("X"), _) => ("no: grade X".to_owned(), "fail"),
        (Some(grade), None) => {
            (format!("yes: grade {grade}"), if grade == "C" { "inconclusive" } else { "pass" })
        }
        (Some(grade), Some(_)) => {
            (format!("grade {grade}, {}", plural(total(machine.doubts.len()), "doubt")), "inconclusive")
        }
        (None, None) => ("unknown".to_owned(), "inconclusive"),
        (None, Some(_)) => {
            (format!("unknown, {}", plural(total(machine.doubts.len()), "doubt")), "inconclusive")
        }
    }
}

/// The noise of a machine as text.
pub(super) fn noise(log_sd: Option<f64>) -> String {
    log_sd.map_or_else(|| "unknown".to_owned(), |spread| format::half_width(PAGE, spread))
}

/// Lines that moved, with drawings.
pub(super) fn moved(site: &Site, caption: &str, lines: &[&LineSummary], mark: &str) -> Vec<Block> {
    if lines.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        caption,
        &[
            ("Benchmark", Kind::Text),
            ("Machine", Kind::Text),
            ("Newest runs", Kind::Text),
            ("Change", Kind::Number),
            ("Since", Kind::Text),
            ("Between commits", Kind::Text),
            ("Now", Kind::Number),
        ],
    );
    for (place, line) in lines.iter().take(DRAWN).enumerate() {
        let Some(moved) = &line.moved else { continue };
        let value = line.value.map_or_else(
            || "unknown".to_owned(),
            |(value, interval)| measure::value(&line.metric, value, interval),
        );
        let tone = measure::standing(line.standing).1;
        grid.rows.push(vec![
            benchmark_cell(site, &line.benchmark),
            machine_cell(site, &line.machine),
            Cell {
                drawing: measure::spark((&line.metric, &line.recent), &format!("s{mark}{place}")),
                ..Cell::default()
            },
            Cell::toned(measure::change(moved.ratio, moved.interval), tone).by(moved.ratio),
            Cell::text(measure::since(moved)).to(site.link(run_path(&moved.since))),
            Cell::text(measure::commits(&moved.commits)),
            Cell::text(value).by(line.value.map_or(f64::NAN, |value| value.0)),
        ]);
    }
    if lines.len() > DRAWN {
        grid.note = format!("{} more are on the page of all changes.", lines.len() - DRAWN);
    }
    grid.command = "bench-runner changes list".to_owned();
    vec![Block::Table(grid)]
}

/// The lines that no list above names, counted: nothing is left out silently.
fn others(site: &Site, overview: &Overview) -> Vec<Block> {
    let count = |standing| overview.lines.iter().filter(|line| line.standing == standing).count();
    if overview.lines.is_empty() {
        return Vec::new();
    }
    let text = format!(
        "Of {}, {} are as before, {} cannot be told and {} were not run; lines of machines that measured nothing tonight, \
         imported ones and records are among them.",
        plural(total(overview.lines.len()), "line"),
        count(Standing::Quiet),
        count(Standing::CannotTell),
        count(Standing::NotRun)
    );
    let link = site.link("benchmarks.html".to_owned());
    vec![
        Block::Text(text),
        Block::List(vec![Item { text: "All benchmarks with their newest values".to_owned(), link }]),
    ]
}

fn runs(site: &Site, overview: &Overview) -> Vec<Block> {
    if overview.recent.is_empty() {
        return Vec::new();
    }
    let mut grid = run_grid();
    for run in overview.recent.iter().take(RUNS) {
        grid.rows.push(run_row(site, run));
    }
    grid.command = "bench-runner list".to_owned();
    vec![Block::Table(grid)]
}

/// Heads of a list of runs.
pub(super) fn run_grid() -> Grid {
    Grid::new(
        "Newest runs",
        &[
            ("Started", Kind::Text),
            ("Machine", Kind::Text),
            ("Suite", Kind::Text),
            ("Commit", Kind::Text),
            ("State", Kind::Text),
            ("Benchmarks", Kind::Number),
            ("Launches", Kind::Number),
        ],
    )
}

/// One run of such a list.
pub(super) fn run_row(site: &Site, run: &crate::model::record::RunListing) -> Vec<Cell> {
    let commit = run
        .commit
        .as_ref()
        .map_or_else(|| "unknown".to_owned(), |commit| code(&commit.chars().take(9).collect::<String>()));
    let (state, tone) = match (run.kind, run.status) {
        (RunKind::Measured, RunStatus::Complete) => ("complete", ""),
        (RunKind::Measured, RunStatus::Partial) => ("partial", "inconclusive"),
        (RunKind::Measured, RunStatus::Running) => ("running", "inconclusive"),
        (RunKind::Imported, _) => ("imported", "apart"),
        (RunKind::Summary, _) => ("a record", "apart"),
    };
    vec![
        Cell::text(minute(run.started)).to(site.link(run_path(&run.id))),
        machine_cell(site, &run.identity.machine),
        Cell::text(run.suite.clone()),
        Cell::text(commit),
        Cell::toned(state, tone),
        Cell::text(run.benchmarks.to_string()),
        Cell::text(run.launches.to_string()),
    ]
}

/// The questions that people come with.
fn questions(site: &Site) -> Vec<Block> {
    let ask = [
        ("changes.html", "What changed over the months, and what was decided about it?"),
        ("machines.html", "Is this machine fit, and how do machines compare?"),
        ("compare.html", "What changed between two runs?"),
        ("gates.html", "How much room do the budgets leave?"),
        ("releases.html", "What may I write in the release notes?"),
        ("knobs.html", "Which knob first, and what did it gain?"),
        ("data.html", "How do I get the numbers?"),
        ("method.html", "How is each number made?"),
    ];
    let items = ask
        .iter()
        .filter(|(path, _)| site.has(path))
        .map(|(path, text)| Item { text: (*text).to_owned(), link: Some((*path).to_owned()) });
    vec![Block::List(items.collect())]
}
