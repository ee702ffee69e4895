//! Values in their order with an interval band, levels, a limit and labelled marks: trends, noise over time, samples.
//!
//! The vertical axis does not begin at zero; the words beside the chart say so.

use plotters::prelude::{Circle, Polygon};
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Frame, Margins, SMALL};
use super::svg::{Ink, STEPS};
use super::{Words, failed};
use crate::report::{ReportError, escape};

/// Height of the chart in units.
const HEIGHT: u32 = 250;
/// More points than this are drawn as a line without dots.
const DOTS: usize = 140;
/// Characters of a label of a mark; the table names all marks in full.
const LABEL: usize = 24;
/// Room around a label, in tenths of a unit.
const GAP: i32 = 40;

/// One value.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Point {
    /// Place on the horizontal axis.
    pub x: f64,
    /// Value.
    pub y: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// Whether it is shown only, not judged with.
    pub aside: bool,
    /// Whether the line is interrupted before it.
    pub gap: bool,
}

/// What is drawn, all in one unit.
#[derive(Debug)]
pub(in crate::report) struct Spec {
    /// The values in order; at least one.
    pub points: Vec<Point>,
    /// Levels: from, to, value.
    pub levels: Vec<(f64, f64, f64)>,
    /// The limit and its words.
    pub limit: Option<(f64, String)>,
    /// Labelled places, the most telling first: where, words, how.
    pub marks: Vec<(f64, String, Ink)>,
    /// Ticks of the horizontal axis with their texts.
    pub ticks: Vec<(f64, String)>,
    /// What the horizontal axis shows.
    pub label: String,
    /// The unit of the values.
    pub unit: String,
    /// Whether neighbors are joined.
    pub joined: bool,
}

/// The finished chart.
#[derive(Debug)]
pub(in crate::report) struct Chart {
    /// The SVG element.
    pub svg: String,
    /// Where the points are, in units of the chart.
    pub at: Vec<(f64, f64)>,
    /// What the axes reach.
    pub axes: Axes,
}

/// What the axes of a chart reach, so that a page can draw it over another range.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::report) struct Axes {
    /// Left, right, top and bottom of the plot, in units of the chart.
    pub edges: (f64, f64, f64, f64),
    /// What left and right stand for.
    pub x: (f64, f64),
    /// What bottom and top stand for.
    pub y: (f64, f64),
}

/// Draws the chart.
pub(in crate::report) fn chart(words: &Words, spec: &Spec) -> Result<Chart, ReportError> {
    let (left, right) = bounds(spec.points.iter().map(|point| point.x));
    let (low, high) = vertical(spec);
    let side = ((right - left) * 0.02).max(0.5e-9);
    let margins = Margins { top: 34, right: 40, bottom: 42, left: 66 };
    let mut at = Vec::new();
    let unit = |value: i32| f64::from(value) / f64::from(STEPS);
    let mut axes = Axes { x: (left - side, right + side), y: (low, high), ..Axes::default() };
    let svg = frame::draw(words, HEIGHT, margins, (left - side..right + side, low..high), |frame| {
        frame.x_axis(&spec.ticks, &spec.label)?;
        frame.y_axis(&frame::ticks(low, high, 5.0))?;
        let (from, to, top, bottom) = frame.edges();
        axes.edges = (unit(from), unit(to), unit(top), unit(bottom));
        frame.text(&spec.unit, (0, top - 250), (Ink::Text, SMALL), (HPos::Left, VPos::Top))?;
        if let Some((limit, text)) = &spec.limit {
            let (_, y) = frame.place(left, *limit);
            frame.line(&[(from, y), (to, y)], Ink::Reference, 14)?;
            frame.text(text, (to, y - 95), (Ink::Unsure, SMALL), (HPos::Right, VPos::Center))?;
        }
        marks(frame, spec, (top, bottom))?;
        for run in runs(&spec.points) {
            band(frame, run)?;
        }
        for (start, end, value) in &spec.levels {
            let (a, b) = (frame.place(*start, *value), frame.place(*end, *value));
            frame.line(&[a, b], Ink::Name, 12)?;
        }
        values(frame, spec)?;
        at = spec.points.iter().map(|point| frame.place(point.x, point.y)).collect::<Vec<_>>();
        Ok(())
    })?;
    Ok(Chart { svg, at: at.into_iter().map(|(x, y)| (unit(x), unit(y))).collect(), axes })
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
}

/// Bottom and top: all values and levels, the limit if it is near, and of the intervals what does not flatten the rest.
fn vertical(spec: &Spec) -> (f64, f64) {
    let levels = spec.levels.iter().map(|level| level.2);
    let (low, high) = bounds(spec.points.iter().map(|point| point.y).chain(levels));
    let span = (high - low).max(high.abs() * 0.01).max(f64::MIN_POSITIVE);
    let (mut bottom, mut top) = (low, high);
    for (from, to) in spec.points.iter().filter_map(|point| point.interval) {
        bottom = bottom.min(from.max(low - span));
        top = top.max(to.min(high + span));
    }
    if let Some((limit, _)) =
        spec.limit.as_ref().filter(|(limit, _)| (low - 2.0 * span..high + 2.0 * span).contains(limit))
    {
        bottom = bottom.min(*limit);
        top = top.max(*limit);
    }
    let room = ((top - bottom) * 0.06).max(high.abs() * 0.002);
    (bottom - room, top + room)
}

/// The points without interruption.
fn runs(points: &[Point]) -> impl Iterator<Item = &[Point]> {
    points.chunk_by(|_, next| !next.gap)
}

fn band(frame: &Frame<'_>, run: &[Point]) -> Result<(), ReportError> {
    let with: Vec<(f64, (f64, f64))> =
        run.iter().filter_map(|point| Some((point.x, point.interval?))).collect();
    if with.len() < 2 {
        for (x, (low, high)) in with {
            let (a, b) = (frame.place(x, low), frame.place(x, high));
            frame.line(&[a, b], Ink::Haze, 40)?;
        }
        return Ok(());
    }
    let upper = with.iter().map(|(x, (_, high))| (*x, *high));
    let lower = with.iter().rev().map(|(x, (low, _))| (*x, *low));
    frame.plot.draw(&Polygon::new(upper.chain(lower).collect::<Vec<_>>(), Ink::Haze.area())).map_err(failed)
}

fn values(frame: &Frame<'_>, spec: &Spec) -> Result<(), ReportError> {
    if spec.joined {
        for run in runs(&spec.points) {
            let path: Vec<(i32, i32)> = run.iter().map(|point| frame.place(point.x, point.y)).collect();
            frame.line(&path, Ink::Series, if spec.points.len() > DOTS { 10 } else { 13 })?;
        }
    }
    let dots = spec.points.len() <= DOTS || !spec.joined;
    let last = spec.points.len().saturating_sub(1);
    for (place, point) in spec.points.iter().enumerate() {
        let at = frame.place(point.x, point.y);
        if point.aside {
            frame.sheet.draw(&Circle::new(at, 30, Ink::Unsure.line(12))).map_err(failed)?;
        } else if place == last && spec.joined {
            frame.sheet.draw(&Circle::new(at, 38, Ink::Name.area())).map_err(failed)?;
        } else if dots {
            frame.sheet.draw(&Circle::new(at, 19, Ink::Series.area())).map_err(failed)?;
        }
    }
    Ok(())
}

/// Lines at the marks, and labels where there is room for them: on two rows above the plot, the first marks first.
fn marks(frame: &Frame<'_>, spec: &Spec, (top, bottom): (i32, i32)) -> Result<(), ReportError> {
    let (from, to, ..) = frame.edges();
    let mut taken: [Vec<(i32, i32)>; 2] = [Vec::new(), Vec::new()];
    for (x, text, ink) in &spec.marks {
        let (x, _) = frame.place(*x, 0.0);
        frame.line(&[(x, top), (x, bottom)], *ink, 10)?;
        let text = escape::shorten(text, LABEL);
        let width = i32::try_from(text.chars().count()).unwrap_or(0) * SMALL * 58 / 100;
        // Away from the edge that is nearer.
        let left = if x > from + (to - from) / 2 { x + 20 - width } else { x - 20 };
        let span = (left - GAP, left + width + GAP);
        let free = |row: &Vec<(i32, i32)>| row.iter().all(|(start, end)| span.1 <= *start || *end <= span.0);
        let Some(row) = taken.iter().position(free) else { continue };
        taken[row].push(span);
        let y = top - [90, 210][row];
        frame.text(&text, (left, y), (*ink, SMALL), (HPos::Left, VPos::Center))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(marks: &[(f64, &str)]) -> String {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        let dot = |x: f64| Point { x, y: 1.0, interval: None, aside: false, gap: false };
        let spec = Spec {
            points: vec![dot(0.0), dot(100.0)],
            levels: Vec::new(),
            limit: None,
            marks: marks.iter().map(|(x, text)| (*x, (*text).to_owned(), Ink::Neutral)).collect(),
            ticks: Vec::new(),
            label: String::new(),
            unit: String::new(),
            joined: true,
        };
        chart(&words, &spec).unwrap().svg
    }

    #[test]
    fn axes_say_where_a_value_is_drawn() {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        let dot = |x: f64, y: f64| Point { x, y, interval: None, aside: false, gap: false };
        let spec = Spec {
            points: vec![dot(0.0, 10.0), dot(5.0, 12.0), dot(20.0, 11.0)],
            levels: Vec::new(),
            limit: None,
            marks: Vec::new(),
            ticks: Vec::new(),
            label: String::new(),
            unit: String::new(),
            joined: true,
        };
        let made = chart(&words, &spec).unwrap();
        let ((left, right, top, bottom), (from, to), (low, high)) =
            (made.axes.edges, made.axes.x, made.axes.y);
        for (point, (x, y)) in spec.points.iter().zip(made.at) {
            let value = (
                from + (x - left) / (right - left) * (to - from),
                high - (y - top) / (bottom - top) * (high - low),
            );
            assert!(
                (value.0 - point.x).abs() < 0.02 && (value.1 - point.y).abs() < 0.02,
                "{point:?} {value:?}"
            );
        }
    }

    #[test]
    fn labels_never_lie_on_each_other() {
        let check = |marks: &[(f64, &str)], shown: &[&str]| {
            let svg = drawn(marks);
            let seen: Vec<&str> =
                marks.iter().map(|mark| mark.1).filter(|text| svg.contains(*text)).collect();
            assert_eq!(seen, shown);
        };
        check(&[(10.0, "one"), (80.0, "two")], &["one", "two"]);
        check(&[(10.0, "one"), (10.0, "two"), (10.0, "three")], &["one", "two"]);
        check(
            &[(10.0, "first"), (11.0, "second"), (12.0, "third"), (90.0, "fourth")],
            &["first", "second", "fourth"],
        );
    }
}
