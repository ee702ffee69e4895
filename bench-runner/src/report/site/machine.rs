//! The page of one machine: is it fit, how noisy, what changed on it.

use super::block::{Block, Cell, Chart, Document, Grid, Item, Tile};
use super::index::{fitness, moved, noise, run_grid, run_row};
use super::measure::{PAGE, minute, recorded};
use super::{Site, machine_path, run_path};
use crate::model::fact::{Fact, Phase};
use crate::model::machines::Noise;
use crate::model::site::MachinePage;
use crate::report::ReportError;
use crate::report::chart::line::{Point, Spec, chart};
use crate::report::chart::thin::thin;
use crate::report::chart::{Words, frame};
use crate::report::format::{self, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::code;
use crate::report::view::{real, total};

/// Runs of the noise chart at most.
const RUNS: usize = 200;
/// Runs listed.
const LISTED: usize = 30;

/// Writes the page.
///
/// # Errors
///
/// [`ReportError::Chart`] when a chart cannot be drawn.
pub fn machine(site: &Site, content: &MachinePage) -> Result<Document, ReportError> {
    let standing = &content.standing;
    let listing = &standing.machine;
    let mut page =
        Document::new(machine_path(&listing.machine), "Machine", site.machine_name(&listing.machine));
    let (fit, tone) = fitness(standing);
    page.line = format!(
        "{}, key {}. {} since {}, the newest {}.",
        code(&listing.hw_class),
        code(&listing.machine),
        plural(u64::from(listing.runs), "run"),
        format::day(listing.first),
        minute(listing.latest)
    );
    page.chips.push((format!("fit: {fit}"), tone));
    if standing.stale {
        page.chips.push(("silent: others have newer runs".to_owned(), "inconclusive"));
    }
    page.command =
        format!("bench-runner machines {}", crate::report::escape::visible(&listing.machine, false));
    let mut fitting = vec![Block::Tiles(tiles(content))];
    fitting.extend(doubts(&standing.doubts));
    fitting.push(Block::Text(format!("What would make it better, now: {}.", code("bench-runner doctor"))));
    page.section("fit", "Is it fit?", fitting);
    page.section("noise", "Noise over time", noise_chart(site, &content.profile.noise)?);
    let lines: Vec<_> = content.lines.iter().collect();
    page.section(
        "lines",
        "Lines that moved here",
        moved(site, "Lines that moved on this machine", &lines, "m"),
    );
    page.section("changes", "Facts that changed", steps(site, content));
    page.section("modes", "Configurations", modes(content));
    let mut runs = run_grid();
    runs.rows = content.runs.iter().take(LISTED).map(|run| run_row(site, run)).collect();
    page.section("runs", "Newest runs", vec![Block::Table(runs)]);
    page.section("facts", "Facts of its newest run", facts(&content.facts));
    Ok(page)
}

/// Doubts about the newest run, those that are told more than once counted.
fn doubts(doubts: &[String]) -> Vec<Block> {
    let mut told: Vec<(&String, usize)> = Vec::new();
    for doubt in doubts {
        match told.iter_mut().find(|(known, _)| *known == doubt) {
            Some((_, times)) => *times += 1,
            None => told.push((doubt, 1)),
        }
    }
    if told.is_empty() {
        return Vec::new();
    }
    let items = told.into_iter().map(|(doubt, times)| {
        let again = if times > 1 { format!(" ({times} times)") } else { String::new() };
        Item { text: format!("{}{again}.", doubt.trim_end_matches('.')), link: None }
    });
    let title = format!("? {} about its newest run.", plural(total(doubts.len()), "doubt"));
    let said = "What was measured on it is shown, and may mislead:".to_owned();
    vec![Block::Banner("inconclusive", title, said), Block::List(items.collect())]
}

fn tiles(content: &MachinePage) -> Vec<Tile> {
    let standing = &content.standing;
    let last = content.profile.noise.last();
    let mut tiles = vec![Tile {
        name: "Noise".to_owned(),
        value: noise(standing.noise),
        below: "launch to launch, middle of its benchmarks".to_owned(),
        tone: "",
    }];
    if let Some(last) = last {
        tiles.push(Tile {
            name: "Clock by the canary".to_owned(),
            value: last.clock_ghz.map_or_else(|| "unknown".to_owned(), |ghz| format!("{ghz:.2} GHz")),
            below: minute(last.started),
            tone: "",
        });
        tiles.push(Tile {
            name: "Launches made again".to_owned(),
            value: format!("{} of {}", last.repeated.0, last.repeated.1),
            below: "something disturbed them".to_owned(),
            tone: "",
        });
    }
    let words = ["slower", "faster", "cannot tell", "not run", "as before"];
    let counts: Vec<String> = standing
        .counts
        .iter()
        .zip(words)
        .filter(|(count, _)| **count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let all = standing.counts.iter().map(|count| u64::from(*count)).sum::<u64>();
    tiles.push(Tile { name: "Lines".to_owned(), value: all.to_string(), below: counts.join(", "), tone: "" });
    tiles
}

fn noise_chart(site: &Site, nights: &[Noise]) -> Result<Vec<Block>, ReportError> {
    let known: Vec<(&Noise, f64)> =
        nights.iter().filter_map(|night| Some((night, night.log_sd?.exp_m1() * 100.0))).collect();
    let values: Vec<f64> = known.iter().map(|night| night.1).collect();
    let kept = thin(&values, RUNS);
    if kept.len() < 2 {
        return Ok(vec![Block::Text(
            "Fewer than two runs have a spread between launches; the chart begins with the second."
                .to_owned(),
        )]);
    }
    let x = |place: usize| real(total(place + 1));
    let spec = Spec {
        points: kept
            .iter()
            .map(|place| Point { x: x(*place), y: values[*place], interval: None, aside: false, gap: false })
            .collect(),
        levels: Vec::new(),
        limit: None,
        marks: Vec::new(),
        ticks: frame::ticks(1.0, x(values.len()), 6.0),
        label: "run, oldest left".to_owned(),
        unit: "% launch to launch".to_owned(),
        joined: true,
    };
    let words = Words {
        id: "noise".to_owned(),
        title: "Noise over time".to_owned(),
        description: format!("{} of this machine.", plural(total(known.len()), "run")),
    };
    let made = chart(&words, &spec)?;
    let mut grid = Grid::new(
        "Noise of each run",
        &[
            ("Started", Kind::Text),
            ("Noise", Kind::Number),
            ("Benchmarks", Kind::Number),
            ("Clock", Kind::Number),
            ("Made again", Kind::Text),
            ("Grade", Kind::Text),
        ],
    );
    for place in &kept {
        let (night, percent) = known[*place];
        grid.rows.push(vec![
            Cell::text(minute(night.started)).to(site.link(run_path(&night.run))),
            Cell::text(format::percent(PAGE, percent / 100.0, 2)).by(percent),
            Cell::text(night.benchmarks.to_string()),
            Cell::text(night.clock_ghz.map_or_else(|| "unknown".to_owned(), |ghz| format!("{ghz:.2} GHz"))),
            Cell::text(format!("{} of {}", night.repeated.0, night.repeated.1)),
            Cell::text(night.grade.clone().unwrap_or_else(|| "unknown".to_owned())),
        ]);
    }
    Ok(vec![Block::Chart(Chart {
        svg: made.svg,
        at: made.at,
        axes: None,
        drawn: String::new(),
        caption: "Median over benchmarks of the spread between launches of one run. Lower is quieter."
            .to_owned(),
        fold: format!("The {} as a table", plural(total(kept.len()), "run")),
        grid,
    })])
}

fn steps(site: &Site, content: &MachinePage) -> Vec<Block> {
    if content.profile.steps.is_empty() {
        return vec![Block::Text("No fact changed between runs in which it was known.".to_owned())];
    }
    let mut grid = Grid::new(
        "Facts that changed, newest first",
        &[("Since", Kind::Text), ("Fact", Kind::Code), ("Before", Kind::Code), ("After", Kind::Code)],
    );
    for step in content.profile.steps.iter().rev().take(60) {
        let short = |text: &str| recorded(text, 120);
        grid.rows.push(vec![
            Cell::text(minute(step.started)).to(site.link(run_path(&step.run))),
            Cell::text(step.key.clone()),
            Cell::text(short(&step.before)),
            Cell::text(short(&step.after)),
        ]);
    }
    if content.profile.steps.len() > 60 {
        grid.note = format!("{} older ones are left out.", content.profile.steps.len() - 60);
    }
    vec![Block::Table(grid)]
}

fn modes(content: &MachinePage) -> Vec<Block> {
    let mut grid = Grid::new(
        "Configurations in which it was measured",
        &[
            ("Configuration", Kind::Code),
            ("Runs", Kind::Number),
            ("First", Kind::Text),
            ("Latest", Kind::Text),
        ],
    );
    for mode in &content.profile.modes {
        grid.rows.push(vec![
            Cell::text(mode.config.clone()),
            Cell::text(mode.runs.to_string()),
            Cell::text(format::day(mode.first)),
            Cell::text(format::day(mode.latest)),
        ]);
    }
    grid.note = "Runs of unlike configurations are never compared.".to_owned();
    vec![Block::Table(grid)]
}

fn facts(facts: &[Fact]) -> Vec<Block> {
    let mut grid = Grid::new(
        "Facts with their status",
        &[("Fact", Kind::Code), ("Value", Kind::Text), ("Status", Kind::Text), ("Source", Kind::Text)],
    );
    for fact in facts.iter().filter(|fact| fact.phase == Phase::Start) {
        let status = format!("{:?}", fact.status).to_lowercase();
        let unit = if fact.unit.is_empty() { String::new() } else { format!(" {}", fact.unit) };
        grid.rows.push(vec![
            Cell::text(fact.key.clone()),
            Cell::text(
                fact.known_text().map_or_else(|| "unknown".to_owned(), |text| format!("{text}{unit}")),
            ),
            Cell::text(status),
            Cell::text(fact.source.clone()),
        ]);
    }
    if grid.rows.is_empty() {
        Vec::new()
    } else {
        vec![Block::Fold(plural(total(grid.rows.len()), "fact"), grid)]
    }
}
