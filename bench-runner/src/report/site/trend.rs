//! The trend of one line: points, band, levels, budget, and what changed on the way.

use super::Site;
use super::block::{Cell, Chart, Grid};
use super::measure::{self, PAGE, minute};
use crate::model::change_point::ChangeKind;
use crate::model::gate::Per;
use crate::model::history::HistoryPoint;
use crate::model::site::{Happening, Mark, Place, SiteLine};
use crate::model::units::Timestamp;
use crate::report::ReportError;
use crate::report::chart::Words;
use crate::report::chart::line::{Point, Spec, chart};
use crate::report::chart::svg::Ink;
use crate::report::chart::thin::thin;
use crate::report::format::{self, Scale, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::code;
use crate::report::view::{fact_label, total};

/// Points of a trend at most, besides those with a mark; of longer lines the newest stay, and extremes.
const TREND: usize = 180;
/// The newest points, all of which stay: the page can show them alone.
const NEWEST: usize = 90;
/// Microseconds of a day.
const DAY: f64 = 86_400e6;
/// A gap is this many times the usual distance of two points, and at least two and a half days.
const GAP: f64 = 3.0;

/// Days since the first point.
fn days(points: &[HistoryPoint], time: Timestamp) -> f64 {
    let first = points.first().map_or(0, |point| point.started.0);
    #[expect(clippy::cast_precision_loss, reason = "microseconds of centuries stay below 2^53")]
    let days = (time.0 - first) as f64 / DAY;
    days
}

pub(super) fn trend(site: &Site, place: &Place, number: usize) -> Result<Chart, ReportError> {
    let line = &place.line;
    let (points, metric) = (&line.history.points, &line.history.key.metric);
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    let builds = builds(points);
    let kept = shown(place, &values, &builds);
    let scale = Scale::metric(PAGE, metric, values.iter().copied());
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
        marks: marks(place, &builds),
        ticks: dates(points),
        label: "day of the run, UTC".to_owned(),
        unit: format!("{} per iteration", scale.unit()),
        joined: true,
        points: drawn(line, &kept, &scale),
    };
    let words = Words {
        id: format!("trend-{number}"),
        title: format!("Trend on {}", crate::report::escape::visible(&place.name, false)),
        description: format!(
            "{} from {} to {}, values between {}.",
            plural(total(points.len()), "run"),
            points.first().map_or_else(String::new, |point| format::day(point.started)),
            points.last().map_or_else(String::new, |point| format::day(point.started)),
            scale.range(
                values.iter().copied().fold(f64::MAX, f64::min),
                values.iter().copied().fold(f64::MIN, f64::max)
            )
        ),
    };
    let made = chart(&words, &spec)?;
    let ((left, right, top, bottom), (from, to), (low, high)) = (made.axes.edges, made.axes.x, made.axes.y);
    let start = points.first().map_or(0, |point| point.started.0.div_euclid(1000));
    let left_out = points.len() - kept.len();
    let thinned = if left_out == 0 {
        String::new()
    } else {
        format!(" {left_out} runs between extremes are left out of the drawing and its table.")
    };
    Ok(Chart {
        svg: made.svg,
        at: made.at,
        axes: Some(format!("{left} {right} {top} {bottom} {from} {to} {low} {high} {start}")),
        drawn: String::new(),
        caption: format!("Trend: one point per run, oldest left.{thinned}"),
        fold: format!("The {} as a table", plural(total(kept.len()), "point")),
        grid: trend_table(site, place, &kept),
    })
}

/// The points of `kept` as they are drawn.
fn drawn(line: &SiteLine, kept: &[usize], scale: &Scale) -> Vec<Point> {
    let points = &line.history.points;
    let spacing = usual_spacing(points);
    let mut drawn: Vec<Point> = Vec::with_capacity(kept.len());
    let mut earlier: Option<usize> = None;
    for index in kept {
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
    drawn
}

/// Indices of the points whose build is not that of the one before.
fn builds(points: &[HistoryPoint]) -> Vec<usize> {
    (1..points.len()).filter(|index| points[*index].build != points[index - 1].build).collect()
}

/// Indices of the points that are drawn: the newest, extremes of every stretch before, and everything with a mark, so that the
/// table names it.
fn shown(place: &Place, values: &[f64], builds: &[usize]) -> Vec<usize> {
    let points = &place.line.history.points;
    if values.len() <= TREND {
        return thin(values, TREND);
    }
    let newest = values.len() - NEWEST;
    let mut kept = thin(&values[..newest], TREND - NEWEST);
    kept.extend((newest..values.len()).filter(|index| values[*index].is_finite()));
    kept.extend(place.line.steps.iter().map(|step| step.index).filter(|index| *index < points.len()));
    kept.extend(place.marks.iter().filter_map(|mark| place_of(points, mark)));
    kept.extend(builds);
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Index of the point of a mark's run: points are in the order of time.
fn place_of(points: &[HistoryPoint], mark: &Mark) -> Option<usize> {
    let from = points.partition_point(|point| point.started < mark.started);
    let same = points[from..].iter().take_while(|point| point.started == mark.started);
    same.map(|point| &point.run).position(|run| *run == mark.run).map(|place| from + place)
}

fn trend_table(site: &Site, place: &Place, kept: &[usize]) -> Grid {
    let line = &place.line;
    let mut grid = Grid::new(
        "Points of the trend",
        &[
            ("Started", Kind::Text),
            ("Value", Kind::Number),
            ("Change", Kind::Number),
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
            Cell::text(minute(point.started)).to(site.run_link(&point.run)),
            Cell::text(measure::value(&line.history.key.metric, point.value, line.intervals[*index]))
                .by(point.value),
            against_previous(&line.history.points, *index),
            Cell::text(commit),
            Cell::text(point.launches.to_string()),
            Cell::text(point.grade.clone().unwrap_or_default()),
            Cell::text(remark(place, *index)),
        ]);
    }
    grid
}

/// The change of a point to the one before it, which is mostly noise: a verdict needs an interval.
fn against_previous(points: &[HistoryPoint], index: usize) -> Cell {
    let before = index.checked_sub(1).map(|before| points[before].value);
    match before.filter(|before| *before > 0.0) {
        Some(before) => {
            let ratio = points[index].value / before;
            Cell::text(format::change(PAGE, ratio - 1.0, None)).by(ratio)
        }
        None => Cell::text(""),
    }
}

/// What is special about a point.
fn remark(place: &Place, index: usize) -> String {
    let line = &place.line;
    let points = &line.history.points;
    let point = &points[index];
    let mut remarks = Vec::new();
    if let Some(why) = &point.quarantined {
        remarks.push(format!("put aside: {why}"));
    } else if !point.is_eligible() {
        remarks.push("not judged with".to_owned());
    }
    remarks.extend(
        line.steps
            .iter()
            .filter(|step| step.index == index)
            .map(|step| format!("{} {}", kind(step.kind), measure::change(step.ratio, step.ratio_interval))),
    );
    remarks.extend(alongside(place, index));
    remarks.join("; ")
}

/// What is recorded to have changed in the run of a point, besides its value: build, release, configuration, facts.
pub(super) fn alongside(place: &Place, index: usize) -> Vec<String> {
    let points = &place.line.history.points;
    let Some(point) = points.get(index) else { return Vec::new() };
    let before = index.checked_sub(1).map(|index| &points[index]);
    let build = before
        .filter(|before| before.build != point.build)
        .map(|before| format!("build changed: {}", difference(&before.build, &point.build)));
    let mine = |mark: &&Mark| mark.started == point.started && mark.run == point.run;
    let marks = place.marks.iter().filter(mine).map(|mark| happening(&mark.what));
    build.into_iter().chain(marks).collect()
}

/// What happened on the way, in words.
fn happening(what: &Happening) -> String {
    match what {
        Happening::Release { tag } => format!("release {tag}"),
        Happening::Configuration { before } => format!("back from configuration {before}"),
        Happening::Fact { key, before, after } => {
            let short = |text: &str| crate::report::escape::shorten(text, 40);
            format!("{}: {} → {}", fact_label(key), short(before), short(after))
        }
    }
}

/// The same for a label in the drawing.
fn label(what: &Happening) -> String {
    match what {
        Happening::Release { tag } => tag.clone(),
        Happening::Configuration { .. } => "configuration".to_owned(),
        Happening::Fact { key, after, .. } => format!("{} {after}", fact_label(key)),
    }
}

pub(super) fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Step => "step",
        ChangeKind::Drift => "drift",
        ChangeKind::Spike => "spike",
    }
}

/// The words of `after` that `before` does not have, else those that went.
fn difference(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_whitespace().collect(), after.split_whitespace().collect());
    let only = |mine: &[&str], other: &[&str]| -> String {
        let words: Vec<&str> = mine.iter().copied().filter(|word| !other.contains(word)).collect();
        words.join(" ")
    };
    let (came, went) = (only(&new, &old), only(&old, &new));
    match (came.is_empty(), went.is_empty()) {
        (false, _) => came,
        (true, false) => format!("without {went}"),
        (true, true) => "in another order".to_owned(),
    }
}

/// Days between two points from which on a line is interrupted.
fn usual_spacing(points: &[HistoryPoint]) -> f64 {
    let mut steps: Vec<f64> =
        points.windows(2).map(|pair| days(points, pair[1].started) - days(points, pair[0].started)).collect();
    let middle = steps.len() / 2;
    let usual = if steps.is_empty() { 1.0 } else { *steps.select_nth_unstable_by(middle, f64::total_cmp).1 };
    (usual * GAP).max(2.5)
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

/// Steps, releases, and changes of build and machine as labelled places, the most telling first.
fn marks(place: &Place, builds: &[usize]) -> Vec<(f64, String, Ink)> {
    let line = &place.line;
    let points = &line.history.points;
    let more_is_better = line.history.key.metric.bigger_is_better();
    let steps = line.steps.iter().rev().filter(|step| step.kind == ChangeKind::Step).map(|step| {
        let worse = (step.ratio > 1.0) != more_is_better;
        let ink = if worse { Ink::Regressed } else { Ink::Improved };
        let glyph = if worse { "▲" } else { "▼" };
        (days(points, step.started), format!("{glyph} {}", format::change(PAGE, step.ratio - 1.0, None)), ink)
    });
    let happened = |releases: bool| {
        let mine = place.marks.iter().rev().filter(move |mark| {
            matches!(mark.what, Happening::Release { .. }) == releases && place_of(points, mark).is_some()
        });
        mine.map(move |mark| (days(points, mark.started), label(&mark.what), Ink::Neutral))
    };
    let builds = builds.iter().rev().map(|index| {
        let (before, now) = (&points[index - 1], &points[*index]);
        (days(points, now.started), difference(&before.build, &now.build), Ink::Neutral)
    });
    steps.chain(happened(true)).chain(builds).chain(happened(false)).collect()
}

/// About four days with their dates.
fn dates(points: &[HistoryPoint]) -> Vec<(f64, String)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let span = last.started.0 - first.started.0;
    let count = if span == 0 { 0 } else { 3 };
    let mut ticks: Vec<(f64, String)> = (0..=count)
        .map(|part| Timestamp(first.started.0 + span * part / count.max(1)))
        .map(|time| (days(points, time), format::day(time).replace('-', "\u{2010}")))
        .collect();
    ticks.dedup_by(|a, b| a.1 == b.1);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_says_what_came_or_went() {
        let check =
            |before: &str, after: &str, expected: &str| assert_eq!(difference(before, after), expected);
        check("rustc 1.94.1", "rustc 1.95.0", "1.95.0");
        check("rustc 1.95.0 native", "rustc 1.95.0", "without native");
        check("a b", "b a", "in another order");
    }
}
