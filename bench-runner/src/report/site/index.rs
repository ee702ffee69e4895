//! The first page: is tonight fine? Worst first, then good news, then what could not be told.

use std::fmt::Write as _;

use super::block::{Block, Cell, Document, Grid, Item};
use super::measure::{self, benchmark_cell, machine_cell, minute};
use super::{Site, run_path};
use crate::model::gate::GateVerdict;
use crate::model::run::{RunKind, RunStatus};
use crate::model::site::{LineSummary, MachineStanding, Overview, Standing};
use crate::report::format::{self, plural};
use crate::report::view::table::Kind;
use crate::report::view::total;
use crate::report::view::words::{code, list, strong};

/// Rows of a list with drawings; the rest is counted.
const DRAWN: usize = 25;
/// Rows of a list without drawings.
const LISTED: usize = 250;
/// Runs listed at the end.
const RUNS: usize = 15;

/// Writes the page.
#[must_use]
pub fn index(site: &Site, overview: &Overview) -> Document {
    let suite = if overview.suites.is_empty() { "no runs yet".to_owned() } else { list(&overview.suites) };
    let mut page = Document::new("index.html", "Benchmark observatory", suite);
    page.line = answer(overview);
    page.chips = chips(overview);
    page.command = "bench-runner site".to_owned();
    page.section("machines", "Machines", machines(site, overview));
    let pick =
        |standing| overview.lines.iter().filter(move |line| line.standing == standing).collect::<Vec<_>>();
    page.section(
        "attention",
        "Needs attention",
        moved(site, "Got slower, worst first", &pick(Standing::Slower), "a"),
    );
    page.section("good", "Good news", moved(site, "Got faster, most first", &pick(Standing::Faster), "g"));
    page.section("unsure", "Could not tell", reasons(site, "Without an answer", &pick(Standing::CannotTell)));
    page.section("not-run", "Not run", reasons(site, "Not in the newest run", &pick(Standing::NotRun)));
    page.section("quiet", "Nothing found", quiet(site, &pick(Standing::Quiet)));
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

/// The answer in one line.
fn answer(overview: &Overview) -> String {
    let Some(newest) = overview.newest else {
        return format!("Nothing was measured yet. {} measures.", code("bench-runner run"));
    };
    let count = |standing| total(overview.lines.iter().filter(|line| line.standing == standing).count());
    let (slower, unsure) = (count(Standing::Slower), count(Standing::CannotTell));
    let broken = total(overview.budgets.iter().filter(|(_, gate)| gate.verdict == GateVerdict::Fail).count());
    let judged = count(Standing::Quiet) + count(Standing::Faster) + slower;
    let first = if slower > 0 {
        strong(&format!("{} got slower.", plural(slower, "benchmark")))
    } else if broken > 0 {
        strong(&format!("{} broken.", plural(broken, "budget")))
    } else if judged == 0 {
        strong("Nobody can tell: no benchmark has enough history.")
    } else {
        strong("Tonight is fine.")
    };
    let mut rest = format!(" {} of {} judged", judged, plural(total(overview.lines.len()), "line"));
    if unsure > 0 {
        _ = write!(rest, ", {unsure} without an answer");
    }
    let stale = total(overview.machines.iter().filter(|machine| machine.stale).count());
    if stale > 0 {
        _ = write!(rest, ", {} silent", plural(stale, "machine"));
    }
    let commit = overview.commit.as_ref().map_or_else(
        || "commit unknown".to_owned(),
        |commit| format!("commit {}", code(&commit.chars().take(12).collect::<String>())),
    );
    format!("{first}{rest}. Newest run {}, {commit}.", minute(newest))
}

fn chips(overview: &Overview) -> Vec<(String, &'static str)> {
    let mut chips = Vec::new();
    for standing in Standing::ALL {
        let count = overview.lines.iter().filter(|line| line.standing == standing).count();
        if count > 0 {
            let (words, tone) = measure::standing(standing);
            let (glyph, word) = words.split_once(' ').unwrap_or(("", words));
            chips.push((format!("{glyph} {count} {word}"), tone));
        }
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
    chips
}

fn machines(site: &Site, overview: &Overview) -> Vec<Block> {
    if overview.machines.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        "Machines with their newest run",
        &[
            ("Machine", Kind::Text),
            ("Fit", Kind::Text),
            ("Noise", Kind::Number),
            ("Newest run", Kind::Text),
            ("▲", Kind::Number),
            ("▼", Kind::Number),
            ("?", Kind::Number),
            ("–", Kind::Number),
            ("=", Kind::Number),
            ("Worst", Kind::Text),
        ],
    );
    for machine in &overview.machines {
        grid.rows.push(machine_row(site, overview, machine));
    }
    grid.note = "Fit is the doctor's grade at the start of the run, A best. Noise is the median over benchmarks of the spread \
                 between launches. ▲ slower, ▼ faster, ? cannot tell, – not run, = nothing found."
        .to_owned();
    grid.command = "bench-runner machines".to_owned();
    vec![Block::Table(grid)]
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
    log_sd.map_or_else(|| "unknown".to_owned(), |spread| format::percent(measure::PAGE, spread.exp_m1(), 2))
}

fn machine_row(site: &Site, overview: &Overview, machine: &MachineStanding) -> Vec<Cell> {
    let (fit, tone) = fitness(machine);
    let worst = overview
        .lines
        .iter()
        .find(|line| line.machine == machine.machine.machine && line.standing == Standing::Slower);
    let worst = match (worst, worst.and_then(|line| line.moved.as_ref())) {
        (Some(line), Some(moved)) => {
            let name = crate::report::escape::shorten(&measure::name(&line.benchmark), 48);
            Cell::toned(format!("{name} {}", measure::change(moved.ratio, moved.interval)), "")
                .to(site.link(super::benchmark_path(&line.benchmark)))
        }
        _ => Cell::text(measure::PAGE.nothing()),
    };
    let when = minute(machine.latest.started);
    let mut cells = vec![
        machine_cell(site, &machine.machine.machine),
        Cell::toned(fit, tone),
        Cell::text(noise(machine.noise)).by(machine.noise.unwrap_or(f64::NAN)),
        Cell {
            text: if machine.stale { format!("{when}, silent since") } else { when },
            tone: if machine.stale { "inconclusive" } else { "" },
            ..Cell::default()
        }
        .to(site.link(run_path(&machine.latest.id))),
    ];
    let tones = ["regressed", "improved", "inconclusive", "apart", ""];
    for (count, tone) in machine.counts.iter().zip(tones) {
        cells.push(Cell::toned(count.to_string(), if *count > 0 { tone } else { "" }).by(f64::from(*count)));
    }
    cells.push(worst);
    cells
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
            ("Now", Kind::Number),
            ("Since", Kind::Text),
            ("Between commits", Kind::Text),
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
            Cell { drawing: measure::spark(line, &format!("s{mark}{place}")), ..Cell::default() },
            Cell::toned(measure::change(moved.ratio, moved.interval), tone).by(moved.ratio),
            Cell::text(value).by(line.value.map_or(f64::NAN, |value| value.0)),
            Cell::text(measure::since(moved)).to(site.link(run_path(&moved.since))),
            Cell::text(measure::commits(&moved.commits)),
        ]);
    }
    if lines.len() > DRAWN {
        grid.note = format!("{} more are on the page of all changes.", lines.len() - DRAWN);
    }
    grid.command = "bench-runner changes list".to_owned();
    vec![Block::Table(grid)]
}

/// Lines with a reason.
fn reasons(site: &Site, caption: &str, lines: &[&LineSummary]) -> Vec<Block> {
    if lines.is_empty() {
        return Vec::new();
    }
    let mut grid =
        Grid::new(caption, &[("Benchmark", Kind::Text), ("Machine", Kind::Text), ("Why", Kind::Text)]);
    for line in lines.iter().take(LISTED) {
        grid.rows.push(vec![
            benchmark_cell(site, &line.benchmark),
            machine_cell(site, &line.machine),
            Cell::text(line.reason.clone()),
        ]);
    }
    if lines.len() > LISTED {
        grid.note = format!("{} more are on the pages of their machines.", lines.len() - LISTED);
    }
    vec![Block::Fold(plural(total(lines.len()), "line"), grid)]
}

fn quiet(site: &Site, lines: &[&LineSummary]) -> Vec<Block> {
    if lines.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new(
        "Lines in which nothing was found",
        &[("Benchmark", Kind::Text), ("Machine", Kind::Text), ("Now", Kind::Number), ("Runs", Kind::Number)],
    );
    for line in lines.iter().take(LISTED) {
        let value = line.value.map_or_else(
            || "unknown".to_owned(),
            |(value, interval)| measure::value(&line.metric, value, interval),
        );
        grid.rows.push(vec![
            benchmark_cell(site, &line.benchmark),
            machine_cell(site, &line.machine),
            Cell::text(value).by(line.value.map_or(f64::NAN, |value| value.0)),
            Cell::text(line.points.to_string()),
        ]);
    }
    if lines.len() > LISTED {
        grid.note = format!("{} more are on the pages of their machines.", lines.len() - LISTED);
    }
    vec![Block::Fold(format!("= {}", plural(total(lines.len()), "line")), grid)]
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
        ("changes.html", "Which benchmark got slower, and since which commit?"),
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
