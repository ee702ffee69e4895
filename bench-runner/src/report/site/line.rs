//! The page of one benchmark: each machine's trend, what the newest run looks like against the one before, and when.

use super::block::{Block, Cell, Chart, Document, Grid, Tile};
use super::measure::{self, PAGE, minute};
use super::{Site, benchmark_path, run_path};
use crate::model::change_point::ChangeKind;
use crate::model::gate::Per;
use crate::model::history::HistoryPoint;
use crate::model::site::{BenchmarkPage, Place, SiteLine};
use crate::model::units::Timestamp;
use crate::report::ReportError;
use crate::report::chart::line::{Point, Spec, chart};
use crate::report::chart::svg::Ink;
use crate::report::chart::thin::thin;
use crate::report::chart::{Words, frame, pair};
use crate::report::format::{self, Scale, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::{code, strong};
use crate::report::view::{real, total};

/// Points of a trend at most; of longer lines extremes stay.
const TREND: usize = 240;
/// Points of the samples at most.
const SAMPLES: usize = 260;
/// Microseconds of a day.
const DAY: f64 = 86_400e6;
/// A gap is this many times the usual distance of two points, and at least two and a half days.
const GAP: f64 = 3.0;

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
        page.chips.push((format!("{words} on {}", place.name), tone));
    }
    for (number, place) in content.places.iter().enumerate() {
        let title = format!("On {}", place.name);
        page.section(&format!("place-{}", number + 1), &title, blocks(site, place, number + 1)?);
    }
    page.footer.push(
        "Dots are the median of launch medians of one run; the band is its 95 % interval over launches. The vertical axis \
         does not begin at zero. Rings are runs that are not judged with: partial, imported or put aside."
            .to_owned(),
    );
    Ok(page)
}

fn blocks(site: &Site, place: &Place, number: usize) -> Result<Vec<Block>, ReportError> {
    let line = &place.line;
    let mut blocks = vec![Block::Quiet(format!("Configuration {}", code(&line.history.key.config)))];
    blocks.push(Block::Tiles(tiles(line)));
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
    let found = steps(site, line);
    if !found.rows.is_empty() {
        blocks.push(Block::Heading("Every change of this line".to_owned()));
        blocks.push(Block::Table(found));
    }
    blocks.push(Block::Heading("Look further".to_owned()));
    blocks.push(Block::Code(commands(line)));
    Ok(blocks)
}

fn tiles(line: &SiteLine) -> Vec<Tile> {
    let metric = &line.history.key.metric;
    let mut tiles = Vec::new();
    if let Some(last) = line.history.points.last() {
        let interval = line.intervals.last().copied().flatten();
        tiles.push(Tile {
            name: "Newest run".to_owned(),
            value: measure::value(metric, last.value, interval),
            below: format!("{}, {}", minute(last.started), plural(u64::from(last.launches), "launch")),
            tone: "",
        });
    }
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
            .map_or_else(String::new, |first| format!("since {}", measure::day(first.started))),
        tone: "",
    });
    tiles
}

fn verdict(line: &SiteLine) -> String {
    let Some(moved) = &line.moved else { return String::new() };
    format!(
        "{} since {}, {}. {}.",
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

/// Days since the first point.
fn days(points: &[HistoryPoint], time: Timestamp) -> f64 {
    let first = points.first().map_or(0, |point| point.started.0);
    #[expect(clippy::cast_precision_loss, reason = "microseconds of centuries stay below 2^53")]
    let days = (time.0 - first) as f64 / DAY;
    days
}

fn trend(site: &Site, place: &Place, number: usize) -> Result<Chart, ReportError> {
    let line = &place.line;
    let (points, metric) = (&line.history.points, &line.history.key.metric);
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    let kept = thin(&values, TREND);
    let scale = Scale::metric(PAGE, metric, values.iter().copied());
    let spacing = usual_spacing(points);
    let mut drawn: Vec<Point> = Vec::with_capacity(kept.len());
    let mut earlier: Option<usize> = None;
    for index in &kept {
        let point = &points[*index];
        let before = earlier.map(|earlier| days(points, points[earlier].started));
        let x = days(points, point.started);
        // Of a thinned line neighbors lie further apart; only what was left out of the nights themselves is a gap.
        let previous = index.checked_sub(1).map(|index| days(points, points[index].started));
        drawn.push(Point {
            x,
            y: scale.scaled(point.value),
            interval: line.intervals[*index].map(|(low, high)| (scale.scaled(low), scale.scaled(high))),
            aside: !point.is_eligible(),
            gap: before.is_some() && previous.is_some_and(|previous| x - previous > spacing),
        });
        earlier = Some(*index);
    }
    let spec = Spec {
        levels: levels(line, &scale),
        limit: line
            .budget
            .as_ref()
            .filter(|budget| budget.budget.per == Per::Iteration && metric.is_time())
            .map(|budget| {
                (
                    scale.scaled(budget.budget.limit_ns),
                    format!("budget {}", scale.show(budget.budget.limit_ns, None)),
                )
            }),
        marks: marks(line),
        ticks: dates(points),
        label: "day of the run, UTC".to_owned(),
        unit: format!("{} per iteration", scale.unit()),
        joined: true,
        points: drawn,
    };
    let words = Words {
        id: format!("trend-{number}"),
        title: format!("Trend on {}", crate::report::escape::visible(&place.name, false)),
        description: format!(
            "{} from {} to {}, values between {}.",
            plural(total(points.len()), "run"),
            points.first().map_or_else(String::new, |point| measure::day(point.started)),
            points.last().map_or_else(String::new, |point| measure::day(point.started)),
            scale.range(
                values.iter().copied().fold(f64::MAX, f64::min),
                values.iter().copied().fold(f64::MIN, f64::max)
            )
        ),
    };
    let made = chart(&words, &spec)?;
    let left_out = points.len() - kept.len();
    let thinned = if left_out == 0 {
        String::new()
    } else {
        format!(" {left_out} runs between extremes are left out of the drawing and its table.")
    };
    Ok(Chart {
        svg: made.svg,
        at: made.at,
        caption: format!("Trend: one point per run, oldest left.{thinned}"),
        fold: format!("The {} as a table", plural(total(kept.len()), "point")),
        grid: trend_table(site, line, &kept),
    })
}

fn trend_table(site: &Site, line: &SiteLine, kept: &[usize]) -> Grid {
    let mut grid = Grid::new(
        "Points of the trend",
        &[
            ("Started", Kind::Text),
            ("Value", Kind::Number),
            ("Commit", Kind::Text),
            ("Launches", Kind::Number),
            ("Grade", Kind::Text),
            ("Remark", Kind::Text),
        ],
    );
    for index in kept {
        let point = &line.history.points[*index];
        let commit = point
            .commit
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |commit| code(&commit.chars().take(9).collect::<String>()));
        grid.rows.push(vec![
            Cell::text(minute(point.started)).to(site.link(run_path(&point.run))),
            Cell::text(measure::value(&line.history.key.metric, point.value, line.intervals[*index]))
                .by(point.value),
            Cell::text(commit),
            Cell::text(point.launches.to_string()),
            Cell::text(point.grade.clone().unwrap_or_default()),
            Cell::text(remark(line, *index)),
        ]);
    }
    grid
}

/// What is special about a point.
fn remark(line: &SiteLine, index: usize) -> String {
    let points = &line.history.points;
    let point = &points[index];
    let mut remarks = Vec::new();
    if let Some(why) = &point.quarantined {
        remarks.push(format!("put aside: {why}"));
    } else if !point.is_eligible() {
        remarks.push("not judged with".to_owned());
    }
    if let Some(before) =
        index.checked_sub(1).map(|index| &points[index]).filter(|before| before.build != point.build)
    {
        remarks.push(format!("build changed: {}", difference(&before.build, &point.build)));
    }
    remarks.extend(
        line.steps
            .iter()
            .filter(|step| step.index == index)
            .map(|step| format!("{} {}", kind(step.kind), measure::change(step.ratio, step.ratio_interval))),
    );
    remarks.join("; ")
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Step => "step",
        ChangeKind::Drift => "drift",
        ChangeKind::Spike => "spike",
    }
}

/// The words of `after` that `before` does not have.
fn difference(before: &str, after: &str) -> String {
    let old: Vec<&str> = before.split_whitespace().collect();
    let new: Vec<&str> = after.split_whitespace().filter(|word| !old.contains(word)).collect();
    if new.is_empty() { "something was taken out".to_owned() } else { new.join(" ") }
}

/// Days between two points from which on a line is interrupted.
fn usual_spacing(points: &[HistoryPoint]) -> f64 {
    let mut steps: Vec<f64> =
        points.windows(2).map(|pair| days(points, pair[1].started) - days(points, pair[0].started)).collect();
    steps.sort_by(f64::total_cmp);
    (steps.get(steps.len() / 2).copied().unwrap_or(1.0) * GAP).max(2.5)
}

/// The level of each stretch between two steps.
fn levels(line: &SiteLine, scale: &Scale) -> Vec<(f64, f64, f64)> {
    let points = &line.history.points;
    let steps: Vec<_> = line.steps.iter().filter(|step| step.kind == ChangeKind::Step).collect();
    let x = |index: usize| {
        points.get(index.min(points.len().saturating_sub(1))).map_or(0.0, |point| days(points, point.started))
    };
    let mut levels = Vec::new();
    let mut from = 0;
    for (place, step) in steps.iter().enumerate() {
        levels.push((x(from), x(step.index.saturating_sub(1)), scale.scaled(step.levels.0)));
        if place + 1 == steps.len() {
            levels.push((x(step.index), x(points.len() - 1), scale.scaled(step.levels.1)));
        }
        from = step.index;
    }
    levels
}

/// Steps and changes of the build as labelled places.
fn marks(line: &SiteLine) -> Vec<(f64, String, Ink)> {
    let points = &line.history.points;
    let mut marks: Vec<(f64, String, Ink)> = points
        .windows(2)
        .filter(|pair| pair[0].build != pair[1].build)
        .map(|pair| (days(points, pair[1].started), difference(&pair[0].build, &pair[1].build), Ink::Neutral))
        .collect();
    let more_is_better = line.history.key.metric.bigger_is_better();
    marks.extend(line.steps.iter().filter(|step| step.kind == ChangeKind::Step).map(|step| {
        let worse = (step.ratio > 1.0) != more_is_better;
        let ink = if worse { Ink::Regressed } else { Ink::Improved };
        let glyph = if worse { "▲" } else { "▼" };
        (days(points, step.started), format!("{glyph} {}", format::change(PAGE, step.ratio - 1.0, None)), ink)
    }));
    marks.sort_by(|a, b| a.0.total_cmp(&b.0));
    marks
}

/// About five days with their dates.
fn dates(points: &[HistoryPoint]) -> Vec<(f64, String)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let span = last.started.0 - first.started.0;
    let count = if span == 0 { 0 } else { 4 };
    let mut ticks: Vec<(f64, String)> = (0..=count)
        .map(|part| Timestamp(first.started.0 + span * part / count.max(1)))
        .map(|time| (days(points, time), measure::day(time).replace('-', "\u{2010}")))
        .collect();
    ticks.dedup_by(|a, b| a.1 == b.1);
    ticks
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

fn distributions(
    scale: &Scale,
    (before, now): (&[f64], &[f64]),
    (old, new): (&str, &str),
    number: usize,
) -> Result<Chart, ReportError> {
    let scaled = |values: &[f64]| values.iter().map(|value| scale.scaled(*value)).collect::<Vec<f64>>();
    let middle = (median(before), median(now));
    let words = Words {
        id: format!("pair-{number}"),
        title: "Observations of the newest run and of the one before".to_owned(),
        description: format!(
            "Middle {} before and {} now, on one scale.",
            middle.0.map_or_else(|| "unknown".to_owned(), |value| scale.show(value, None)),
            middle.1.map_or_else(|| "unknown".to_owned(), |value| scale.show(value, None))
        ),
    };
    let label = format!("{} per iteration", scale.unit());
    let drawn = (middle.0.map(|value| scale.scaled(value)), middle.1.map(|value| scale.scaled(value)));
    let (svg, beyond) = pair::chart(&words, (&scaled(before), &scaled(now)), drawn, &label)?;
    let mut grid = Grid::new(
        "Both runs in numbers",
        &[
            ("Run", Kind::Code),
            ("Observations", Kind::Number),
            ("Smallest", Kind::Number),
            ("Middle", Kind::Number),
            ("Largest", Kind::Number),
        ],
    );
    for (name, values) in [(old, before), (new, now)] {
        let end = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick);
        let show =
            |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| scale.show(value, None));
        grid.rows.push(vec![
            Cell::text(name),
            Cell::text(values.len().to_string()),
            Cell::text(show(end(f64::min))),
            Cell::text(show(median(values))),
            Cell::text(show(end(f64::max))),
        ]);
    }
    let beyond = if beyond == 0 { String::new() } else { format!(" {beyond} lie beyond the right edge.") };
    Ok(Chart {
        svg,
        at: Vec::new(),
        caption: format!(
            "All observations, run {} above, run {} below, the same scale; the mark is the middle.{beyond}",
            code(old),
            code(new)
        ),
        fold: "Both runs in numbers".to_owned(),
        grid,
    })
}

/// Observations in the order of time: drift, steps and throttling show here and nowhere else.
fn in_order(scale: &Scale, launches: &[Vec<f64>], run: &str, number: usize) -> Result<Chart, ReportError> {
    let values = launches.concat();
    let kept = thin(&values, SAMPLES);
    let x = |place: usize| real(total(place + 1));
    let mut begins = Vec::new();
    let mut begun = 0;
    for launch in launches {
        begins.push(begun);
        begun += launch.len();
    }
    let launch_of = |place: usize| begins.partition_point(|begin| *begin <= place);
    let spec = Spec {
        points: kept
            .iter()
            .map(|place| Point {
                x: x(*place),
                y: scale.scaled(values[*place]),
                interval: None,
                aside: false,
                gap: false,
            })
            .collect(),
        levels: launches
            .iter()
            .zip(&begins)
            .filter_map(|(launch, begin)| {
                Some((x(*begin), x(begin + launch.len().saturating_sub(1)), scale.scaled(median(launch)?)))
            })
            .collect(),
        limit: None,
        marks: Vec::new(),
        ticks: frame::ticks(1.0, x(values.len()), 6.0),
        label: "observation, in the order of time".to_owned(),
        unit: format!("{} per iteration", scale.unit()),
        joined: false,
    };
    let words = Words {
        id: format!("order-{number}"),
        title: "Observations in the order of time".to_owned(),
        description: format!(
            "{} in {}.",
            plural(total(values.len()), "observation"),
            plural(total(launches.len()), "launch")
        ),
    };
    let made = chart(&words, &spec)?;
    let mut grid = Grid::new(
        "Observations drawn",
        &[("Observation", Kind::Number), ("Launch", Kind::Number), ("Value", Kind::Number)],
    );
    for place in &kept {
        grid.rows.push(vec![
            Cell::text((place + 1).to_string()),
            Cell::text(launch_of(*place).to_string()),
            Cell::text(scale.show(values[*place], None)),
        ]);
    }
    Ok(Chart {
        svg: made.svg,
        at: made.at,
        caption: format!(
            "Samples of run {} in time order; the lines are the middles of its launches. {} of {} drawn, extremes always.",
            code(run),
            kept.len(),
            plural(total(values.len()), "observation")
        ),
        fold: format!("The {} as a table", plural(total(kept.len()), "observation")),
        grid,
    })
}

fn steps(site: &Site, line: &SiteLine) -> Grid {
    let mut grid = Grid::new(
        "Changes of this line",
        &[
            ("What", Kind::Text),
            ("First run", Kind::Text),
            ("Change", Kind::Number),
            ("Levels", Kind::Number),
            ("Between commits", Kind::Text),
            ("Runs", Kind::Number),
            ("State", Kind::Text),
        ],
    );
    let metric = &line.history.key.metric;
    for step in line.steps.iter().rev().filter(|step| step.kind != ChangeKind::Spike).take(40) {
        let (state, tone) = measure::state(step.state);
        grid.rows.push(vec![
            Cell::text(kind(step.kind)),
            Cell::text(minute(step.started)).to(site.link(run_path(&step.first_run))),
            Cell::text(measure::change(step.ratio, step.ratio_interval)).by(step.ratio),
            Cell::text(measure::levels(metric, step.levels.0, step.levels.1)),
            Cell::text(measure::commits(&step.commits)),
            Cell::text(step.runs.to_string()),
            Cell::toned(state, tone),
        ]);
    }
    grid
}
