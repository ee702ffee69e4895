//! The page of one benchmark: each machine's trend, what the newest run looks like against the one before, and when.
//!
//! A page holds the charts of as many machines as fit into it, those first that measured last; of the others it has a row each.

use std::cmp::Reverse;

use super::block::{Block, Cell, Document, Grid, Item, Tile};
use super::measure::{self, PAGE, minute};
use super::others::in_rows;
use super::samples::{distributions, in_order};
use super::trend::{alongside, kind, trend};
use super::{Site, benchmark_path, html};
use crate::model::change_point::ChangeKind;
use crate::model::explain::StepCause;
use crate::model::gate::Per;
use crate::model::site::{BenchmarkPage, LevelStep, Place, SiteLine};
use crate::report::ReportError;
use crate::report::format::{self, Scale, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::{code, strong};
use crate::report::view::{cause, real, total};

/// Bytes of the sections of machines, about: with style, script and the rest a page stays below half a megabyte.
const MOST: usize = 400_000;
/// Changes of a line that are listed.
const CHANGES: usize = 40;

/// What the steps of a line are put down to, in their order; `None` for a step that nobody asked about.
pub type Causes = Vec<Option<StepCause>>;

/// Writes the page; `causes` are those of each place.
///
/// # Errors
///
/// [`ReportError::Chart`] when a chart cannot be drawn.
pub fn benchmark(site: &Site, content: &BenchmarkPage, causes: &[Causes]) -> Result<Document, ReportError> {
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
    let sections = sections(site, &content.places, causes)?;
    let mut others = Vec::new();
    for ((number, place), blocks) in content.places.iter().enumerate().zip(sections) {
        match blocks {
            Some(blocks) => {
                page.section(&format!("place-{}", number + 1), &format!("On {}", place.name), blocks);
            }
            None => others.push((number + 1, place)),
        }
    }
    if !others.is_empty() {
        let drawn = content.places.len() - others.len();
        page.section("others", "Other machines", in_rows(site, drawn, &others));
    }
    page.footer.push(
        "Dots are the median of launch medians of one run; the band is its 95 % interval over launches. The vertical axis \
         does not begin at zero unless you choose so. Rings are runs that are not judged with: partial, imported or put aside. Upright lines are \
         steps, releases, and what is recorded to have changed in the build or on the machine; the table names all of them."
            .to_owned(),
    );
    Ok(page)
}

/// The sections of places, in their order; `None` for those that the page has no room for.
fn sections(
    site: &Site,
    places: &[Place],
    causes: &[Causes],
) -> Result<Vec<Option<Vec<Block>>>, ReportError> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|place| Reverse(places[*place].line.history.points.last().map(|point| point.started)));
    let mut sections: Vec<Option<Vec<Block>>> = vec![None; places.len()];
    let mut taken = 0;
    for place in order {
        let causes = causes.get(place).map(Vec::as_slice).unwrap_or_default();
        let blocks = blocks(site, &places[place], causes, place + 1)?;
        let room = html::room(&blocks);
        if taken > 0 && taken + room > MOST {
            break;
        }
        taken += room;
        sections[place] = Some(blocks);
    }
    Ok(sections)
}

fn blocks(
    site: &Site,
    place: &Place,
    causes: &[Option<StepCause>],
    number: usize,
) -> Result<Vec<Block>, ReportError> {
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
    let found = steps(site, place, causes);
    if !found.rows.is_empty() {
        blocks.push(Block::Heading("Every change of this line".to_owned()));
        blocks.push(Block::Table(found));
        let why = reasons(line, causes);
        if !why.is_empty() {
            blocks.push(Block::List(why));
        }
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

/// The changes of a line that are listed, the newest first, with what they are put down to.
fn listed<'a>(
    line: &'a SiteLine,
    causes: &'a [Option<StepCause>],
) -> impl Iterator<Item = (&'a LevelStep, Option<&'a StepCause>)> {
    let causes = causes.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let steps: Vec<_> = line.steps.iter().zip(causes).collect();
    steps.into_iter().rev().filter(|(step, _)| step.kind != ChangeKind::Spike).take(CHANGES)
}

/// Why the causes are what they are.
fn reasons(line: &SiteLine, causes: &[Option<StepCause>]) -> Vec<Item> {
    let known = listed(line, causes).filter_map(|(step, cause)| Some((step, cause?)));
    let item = |(step, cause): (&LevelStep, &StepCause)| {
        let asked = cause.runs.as_ref().map_or_else(String::new, |(before, after)| {
            format!(" ({})", code(&format!("bench-runner explain {before} {after}")))
        });
        let day = format::day(step.started);
        let (kind, label, why) = (kind(step.kind), cause.cause.word(), cause.why.trim_end_matches('.'));
        Item {
            text: format!("The {kind} of {day} is put down to {}: {why}{asked}.", strong(label)),
            link: None,
        }
    };
    known.map(item).collect()
}

fn steps(site: &Site, place: &Place, causes: &[Option<StepCause>]) -> Grid {
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
            ("Cause", Kind::Text),
        ],
    );
    let metric = &line.history.key.metric;
    for (step, found) in listed(line, causes) {
        let (state, tone) = measure::state(step.state);
        let beside = alongside(place, step.index);
        let beside = if beside.is_empty() { "nothing recorded".to_owned() } else { beside.join("; ") };
        grid.rows.push(vec![
            Cell::text(kind(step.kind)),
            Cell::text(minute(step.started)).to(site.run_link(&step.first_run)),
            Cell::text(measure::change(step.ratio, step.ratio_interval)).by(step.ratio),
            Cell::text(measure::levels(metric, step.levels.0, step.levels.1)),
            Cell::text(measure::commits(&step.commits)),
            Cell::text(beside),
            Cell::text(step.runs.to_string()),
            Cell::toned(state, tone),
            Cell::text(cause(found)),
        ]);
    }
    grid.note = format!(
        "“Changed with it” is what the first run of the step recorded to be new besides the code: a suspicion, no cause. “Cause” is \
         what tonight's trend puts a step of its nights down to; of any other {} looks for one.",
        code("bench-runner explain")
    );
    grid
}

#[cfg(test)]
mod tests {
    use super::super::others::ROWS;
    use super::*;
    use crate::model::decision::ChangeState;
    use crate::model::explain::Cause;
    use crate::model::history::{History, HistoryPoint};
    use crate::model::ids::BenchmarkId;
    use crate::model::record::SeriesKey;
    use crate::model::run::{RunKind, RunStatus};
    use crate::model::site::Standing;
    use crate::model::units::{Metric, Timestamp};
    use crate::report::Templates;

    const DAY: i64 = 86_400_000_000;

    fn id() -> BenchmarkId {
        let (package, target, group) = ("p".to_owned(), "t".to_owned(), "g".to_owned());
        BenchmarkId { package, target, group, function: None, value: None, occurrence: 0 }
    }

    /// A line of 400 nights that ends `before` days before the others.
    fn place(name: &str, before: i64) -> Place {
        let point = |night: i64| HistoryPoint {
            run: format!("01K9BWV7G0000000000{night:07}").parse().unwrap(),
            kind: RunKind::Measured,
            status: RunStatus::Complete,
            started: Timestamp((night - before) * DAY),
            value: 1000.0 + real((night * 7919 % 31).unsigned_abs()),
            log_sd: Some(0.004),
            launches: 5,
            commit: Some(format!("{night:040x}")),
            build: "rustc 1.95.0".to_owned(),
            executable: None,
            grade: Some("B".to_owned()),
            quarantined: None,
        };
        let points: Vec<HistoryPoint> = (0..400).map(point).collect();
        let (metric, machine, config) = (Metric::time(), name.to_owned(), "c".to_owned());
        let line = SiteLine {
            intervals: points.iter().map(|point| Some((point.value * 0.99, point.value * 1.01))).collect(),
            history: History {
                key: SeriesKey { benchmark: id(), metric, recipe: 1, machine, config },
                points,
            },
            level: 0.95,
            steps: Vec::new(),
            standing: Standing::Quiet,
            reason: "nothing found".to_owned(),
            moved: None,
            budget: None,
        };
        Place { name: name.to_owned(), line, marks: Vec::new(), elements: None, samples: None }
    }

    fn step(line: &SiteLine, index: usize) -> LevelStep {
        let point = &line.history.points[index];
        LevelStep {
            kind: ChangeKind::Step,
            index,
            first_run: point.run.clone(),
            started: point.started,
            last_before: None,
            commits: (None, None),
            levels: (1000.0, 1080.0),
            ratio: 1.08,
            ratio_interval: None,
            runs: 3,
            state: ChangeState::New,
            change: None,
        }
    }

    fn site() -> Site {
        Site::new(&Templates::built_in(), vec![benchmark_path(&id())], &[]).unwrap()
    }

    fn made(places: Vec<Place>, causes: &[Causes]) -> (Document, String) {
        let content = BenchmarkPage { benchmark: id(), measures: None, places };
        let document = benchmark(&site(), &content, causes).unwrap();
        let page = site().html(&document).unwrap();
        (document, page)
    }

    #[test]
    fn a_page_draws_the_machines_that_measured_last_and_stays_small() {
        let check = |machines: usize, all: bool| {
            let names: Vec<String> = (0..machines).map(|number| format!("machine-{number:02}")).collect();
            // The first of the page measured first.
            let ages = (0..i64::try_from(machines).unwrap()).rev();
            let (document, page) =
                made(names.iter().zip(ages).map(|(name, age)| place(name, age)).collect(), &[]);
            assert!(page.len() <= 500_000, "{} bytes", page.len());
            let drawn: Vec<&str> =
                document.sections.iter().filter_map(|section| section.title.strip_prefix("On ")).collect();
            let first = machines - drawn.len();
            assert_eq!(drawn, names[first..], "those that measured last");
            assert_eq!(first == 0, all, "{} of {machines} drawn", drawn.len());
            let rest = document.sections.iter().find(|section| section.id == "others");
            assert_eq!(rest.is_some(), !all);
            let said = format!("it draws the {} lines", drawn.len());
            assert!(all || page.contains(&said), "{said}");
            let rows = page.rsplit("Machines without charts here").next().unwrap();
            for name in &names[..first.min(ROWS)] {
                assert!(rows.contains(&format!("<code>{name}</code>")), "{name}");
            }
            assert_eq!(page.contains("more are left out here"), first > ROWS);
        };
        check(1, true);
        check(7, true);
        check(12, false);
        check(100, false);
    }

    #[test]
    fn a_step_names_what_it_is_put_down_to() {
        let mut place = place("m", 0);
        place.line.steps = vec![step(&place.line, 100), step(&place.line, 390)];
        let runs = Some((place.line.steps[0].first_run.clone(), place.line.steps[1].first_run.clone()));
        let cause = StepCause { cause: Cause::Toolchain, why: "rustc 1.94 → 1.95".to_owned(), runs };
        let (_, page) = made(vec![place.clone()], &[vec![None, Some(cause)]]);
        assert!(page.contains("is put down to <strong>toolchain</strong>: rustc 1.94 → 1.95 (<code>"), "why");
        assert!(page.contains("<td>toolchain") && page.contains("<td>not looked at"), "both rows");
        let (_, page) = made(vec![place], &[]);
        assert!(!page.contains("is put down to <") && page.contains("<td>not looked at"), "nobody asked");
    }
}
