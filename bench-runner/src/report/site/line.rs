//! The page of one benchmark: each machine's trend, what the newest run looks like against the one before, and when.

use super::block::{Block, Cell, Document, Grid, Tile};
use super::measure::{self, PAGE, minute};
use super::samples::{distributions, in_order};
use super::trend::{alongside, kind, trend};
use super::{Site, benchmark_path, run_path};
use crate::model::change_point::ChangeKind;
use crate::model::gate::Per;
use crate::model::site::{BenchmarkPage, Place, SiteLine};
use crate::report::ReportError;
use crate::report::format::{self, Scale, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::{code, strong};
use crate::report::view::{real, total};

/// Writes the page.
///
/// # Errors
///
/// [`ReportError::Chart`] when a chart cannot be drawn.
pub fn benchmark(site: &Site, content: &BenchmarkPage) -> Result<Document, ReportError> {
    let id = &content.benchmark;
    let title = crate::report::escape::shorten(&measure::name(id), 120);
    let mut page = Document::new(benchmark_path(id), "Benchmark", title);
    let measures = content.measures.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
    page.line = format!("Package {}.{measures}", code(&id.package));
    page.command =
        format!("bench-runner changes list # {}", crate::report::escape::visible(&measure::name(id), false));
    for place in &content.places {
        let (words, tone) = measure::standing(place.line.standing);
        page.chips.push((format!("{words} on {}", code(&place.name)), tone));
    }
    for (number, place) in content.places.iter().enumerate() {
        let title = format!("On {}", place.name);
        page.section(&format!("place-{}", number + 1), &title, blocks(site, place, number + 1)?);
    }
    page.footer.push(
        "Dots are the median of launch medians of one run; the band is its 95 % interval over launches. The vertical axis \
         does not begin at zero unless you choose so. Rings are runs that are not judged with: partial, imported or put aside. Upright lines are \
         steps, releases, and what is recorded to have changed in the build or on the machine; the table names all of them."
            .to_owned(),
    );
    Ok(page)
}

fn blocks(site: &Site, place: &Place, number: usize) -> Result<Vec<Block>, ReportError> {
    let line = &place.line;
    let mut blocks = vec![Block::Quiet(format!("Configuration {}", code(&line.history.key.config)))];
    blocks.push(Block::Tiles(tiles(place)));
    let (words, tone) = measure::standing(line.standing);
    if line.moved.is_some() {
        blocks.push(Block::Banner(tone, words.to_owned(), format!("{} {}", verdict(line), explain(line))));
    } else {
        blocks.push(Block::Text(format!("{}: {}.", strong(words), line.reason.trim_end_matches('.'))));
    }
    blocks.push(Block::Chart(trend(site, place, number)?));
    if let Some(samples) = &place.samples {
        let metric = &line.history.key.metric;
        let now = samples.now.launches.concat();
        let scale = Scale::metric(PAGE, metric, now.iter().copied());
        if let Some((run, before)) = &samples.before {
            let name = (run.short(), samples.run.short());
            blocks.push(Block::Chart(distributions(
                &scale,
                (&before.launches.concat(), &now),
                name,
                number,
            )?));
        }
        if !now.is_empty() {
            blocks.push(Block::Chart(in_order(&scale, &samples.now.launches, samples.run.short(), number)?));
        }
    }
    let found = steps(site, place);
    if !found.rows.is_empty() {
        blocks.push(Block::Heading("Every change of this line".to_owned()));
        blocks.push(Block::Table(found));
    }
    blocks.push(Block::Heading("Look further".to_owned()));
    blocks.push(Block::Code(commands(line)));
    Ok(blocks)
}

fn tiles(place: &Place) -> Vec<Tile> {
    let line = &place.line;
    let metric = &line.history.key.metric;
    let mut tiles = Vec::new();
    if let Some(last) = line.history.points.last() {
        let interval = line.intervals.last().copied().flatten();
        tiles.push(Tile {
            name: "Newest run".to_owned(),
            value: measure::value(metric, last.value, interval),
            // A record states a number and has no launches.
            below: match last.launches {
                0 => minute(last.started),
                launches => format!("{}, {}", minute(last.started), plural(u64::from(launches), "launch")),
            },
            tone: "",
        });
    }
    tiles.extend(throughput(place));
    if let Some(moved) = &line.moved {
        tiles.push(Tile {
            name: "Change".to_owned(),
            value: measure::change(moved.ratio, moved.interval),
            below: format!("since {}", measure::since(moved)),
            tone: measure::standing(line.standing).1,
        });
    }
    if let Some(budget) = &line.budget {
        let per = if budget.budget.per == Per::Element { " per element" } else { "" };
        let limit = Scale::time(PAGE, [budget.budget.limit_ns]).show(budget.budget.limit_ns, None);
        tiles.push(Tile {
            name: format!("Budget {}", code(&budget.budget.id)),
            value: crate::report::view::words::gate(budget.verdict, PAGE),
            below: match budget.headroom {
                Some(room) => format!("≤ {limit}{per}, {} headroom", format::percent(PAGE, room, 1)),
                None => format!("≤ {limit}{per}"),
            },
            tone: crate::report::view::words::gate_tone(budget.verdict),
        });
    }
    tiles.push(Tile {
        name: "History".to_owned(),
        value: plural(total(line.history.points.len()), "run"),
        below: line
            .history
            .points
            .first()
            .map_or_else(String::new, |first| format!("since {}", format::day(first.started))),
        tone: "",
    });
    tiles
}

/// What one iteration gives, where the benchmark states its elements.
fn throughput(place: &Place) -> Option<Tile> {
    let (line, elements) = (&place.line, place.elements.filter(|elements| *elements > 0)?);
    let last = line.history.points.last().filter(|last| last.value > 0.0)?;
    if !line.history.key.metric.is_time() {
        return None;
    }
    let each = last.value / real(elements);
    let below = match elements {
        1 => "one per iteration".to_owned(),
        many => format!("{many} per iteration, {} each", Scale::time(PAGE, [each]).show(each, None)),
    };
    Some(Tile { name: "Throughput".to_owned(), value: format::rate(PAGE, 1e9 / each, "op"), below, tone: "" })
}

fn verdict(line: &SiteLine) -> String {
    let Some(moved) = &line.moved else { return String::new() };
    format!(
        "{} since {}; commits {}; {}.",
        measure::change(moved.ratio, moved.interval),
        measure::since(moved),
        measure::commits(&moved.commits),
        line.reason
    )
}

fn explain(line: &SiteLine) -> String {
    match line.moved.as_ref().and_then(|moved| Some((moved.before.as_ref()?, &moved.since))) {
        Some((before, since)) => format!("Why: {}.", code(&format!("bench-runner explain {before} {since}"))),
        None => String::new(),
    }
}

/// The commands that lead on from this line.
fn commands(line: &SiteLine) -> String {
    let mut lines = Vec::new();
    if let Some(moved) = &line.moved {
        if let Some(before) = &moved.before {
            lines.push(format!("bench-runner explain {before} {}", moved.since));
            lines.push(format!("bench-runner compare {before} {}", moved.since));
        }
        if let Some(change) = &moved.change {
            lines.push(format!("bench-runner changes accept {change} --reason \"...\""));
        }
    }
    if let Some(last) = line.history.points.last() {
        lines.push(format!("bench-runner report {}", last.run));
        lines.push(format!(
            "bench-runner export --help   # run {} and others as CSV, JSON and more",
            last.run.short()
        ));
    }
    lines.join("\n")
}

fn steps(site: &Site, place: &Place) -> Grid {
    let line = &place.line;
    let mut grid = Grid::new(
        "Changes of this line",
        &[
            ("What", Kind::Text),
            ("First run", Kind::Text),
            ("Change", Kind::Number),
            ("Levels", Kind::Number),
            ("Between commits", Kind::Text),
            ("Changed with it", Kind::Text),
            ("Runs", Kind::Number),
            ("State", Kind::Text),
        ],
    );
    let metric = &line.history.key.metric;
    for step in line.steps.iter().rev().filter(|step| step.kind != ChangeKind::Spike).take(40) {
        let (state, tone) = measure::state(step.state);
        let beside = alongside(place, step.index);
        let beside = if beside.is_empty() { "nothing recorded".to_owned() } else { beside.join("; ") };
        grid.rows.push(vec![
            Cell::text(kind(step.kind)),
            Cell::text(minute(step.started)).to(site.link(run_path(&step.first_run))),
            Cell::text(measure::change(step.ratio, step.ratio_interval)).by(step.ratio),
            Cell::text(measure::levels(metric, step.levels.0, step.levels.1)),
            Cell::text(measure::commits(&step.commits)),
            Cell::text(beside),
            Cell::text(step.runs.to_string()),
            Cell::toned(state, tone),
        ]);
    }
    grid.note = format!(
        "“Changed with it” is what the first run of the step recorded to be new besides the code: a suspicion, no cause. {} looks \
         for one.",
        code("bench-runner explain")
    );
    grid
}
