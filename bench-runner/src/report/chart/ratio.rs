//! One machine against another: the ratio of each benchmark with its interval, and the ratio of cycles where clocks are known.
//!
//! The axis is logarithmic, so that twice and half lie equally far from equal.

use plotters::element::Circle;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Frame, Margins, SMALL};
use super::svg::{Ink, STEPS};
use super::{Words, failed};
use crate::report::{ReportError, escape};

/// Height of a row in units.
const PITCH: u32 = 24;
/// Rows drawn at most; the table holds all.
pub(in crate::report) const MOST_ROWS: usize = 40;
/// Largest over smallest up to which the axis has evenly spaced numbers instead of powers of two.
const CLOSE: f64 = 3.0;

/// One benchmark.
#[derive(Debug, Clone)]
pub(in crate::report) struct Row {
    /// Name.
    pub name: String,
    /// Time over that of the reference.
    pub ratio: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// Cycles over those of the reference.
    pub cycles: Option<f64>,
    /// The change as text.
    pub text: String,
}

/// The finished chart.
#[derive(Debug)]
pub(in crate::report) struct Chart {
    /// The SVG element.
    pub svg: String,
    /// Where the points are, in units of the chart.
    pub at: Vec<(f64, f64)>,
}

/// Draws the first [`MOST_ROWS`] rows; ratios are above 0.
pub(in crate::report) fn chart(words: &Words, rows: &[Row]) -> Result<Chart, ReportError> {
    let rows = &rows[..rows.len().min(MOST_ROWS)];
    let (low, high) = bounds(rows);
    let lines = u32::try_from(rows.len()).unwrap_or(1).max(1);
    let margins = Margins { top: 6, right: 56, bottom: 42, left: 160 };
    let room = ((high / low).log2() * 0.04).max(0.01);
    let across = low.log2() - room..high.log2() + room;
    let mut at = Vec::new();
    let svg = frame::draw(words, lines * PITCH + 48, margins, (across, 0.0..f64::from(lines)), |frame| {
        let ticks: Vec<(f64, String)> = ticks(low, high)
            .into_iter()
            .map(|(ratio, text)| (ratio.log2(), text.replace('-', "−")))
            .collect();
        frame.x_axis(&ticks, "change in % against the reference, logarithmic; right is slower")?;
        let (_, _, top, bottom) = frame.edges();
        let (one, _) = frame.place(0.0, 0.0);
        frame.line(&[(one, top), (one, bottom)], Ink::Axis, 14)?;
        for (row, place) in rows.iter().zip(0_u32..) {
            at.push(draw_row(frame, row, f64::from(lines - place) - 0.5)?);
        }
        Ok(())
    })?;
    let unit = |value: i32| f64::from(value) / f64::from(STEPS);
    Ok(Chart { svg, at: at.into_iter().map(|(x, y)| (unit(x), unit(y))).collect() })
}

/// Smallest and largest of everything drawn, and of equal.
fn bounds(rows: &[Row]) -> (f64, f64) {
    let ends = rows.iter().flat_map(|row| {
        let interval = row.interval.map_or([row.ratio; 2], |(low, high)| [low, high]);
        interval.into_iter().chain([row.ratio]).chain(row.cycles)
    });
    let known = ends.filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    known.fold((1.0, 1.0), |(low, high): (f64, f64), ratio| (low.min(ratio), high.max(ratio)))
}

/// Ticks of the axis with the change in percent that each stands for: evenly spaced for machines that lie close, else powers
/// of two.
pub(in crate::report) fn ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let ratios: Vec<f64> = if high / low < CLOSE {
        frame::ticks(low, high, 5.0).into_iter().map(|(ratio, _)| ratio).collect()
    } else {
        (-10..=10).map(|power| 2_f64.powi(power)).filter(|ratio| (low..=high).contains(ratio)).collect()
    };
    ratios.into_iter().map(|ratio| (ratio, percent(ratio))).collect()
}

/// A ratio as its change in percent, without digits that say nothing: 0.5 is `-50`, 1 is `0`.
fn percent(ratio: f64) -> String {
    let text = format!("{:+.2}", (ratio - 1.0) * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if matches!(text, "+0" | "-0") { "0".to_owned() } else { text.to_owned() }
}

/// Draws one row and says where its point is.
fn draw_row(frame: &Frame<'_>, row: &Row, base: f64) -> Result<(i32, i32), ReportError> {
    let across = |ratio: f64| frame.place(ratio.log2(), base).0;
    let (x, y) = (across(row.ratio), frame.place(0.0, base).1);
    if let Some((low, high)) = row.interval.filter(|(low, high)| *low > 0.0 && high.is_finite()) {
        let (from, to) = (across(low), across(high));
        frame.line(&[(from, y), (to, y)], Ink::Series, 18)?;
        for end in [from, to] {
            frame.line(&[(end, y - 30), (end, y + 30)], Ink::Series, 18)?;
        }
    }
    if let Some(cycles) = row.cycles.filter(|cycles| cycles.is_finite() && *cycles > 0.0) {
        let ring = Circle::new((across(cycles), y), 42, Ink::Unsure.line(14));
        frame.sheet.draw(&ring).map_err(failed)?;
    }
    frame.sheet.draw(&Circle::new((x, y), 36, Ink::Series.area())).map_err(failed)?;
    let (left, right, ..) = frame.edges();
    let name = escape::shorten_start(&row.name, 20);
    frame.text(&name, (left - 80, y), (Ink::Name, SMALL), (HPos::Right, VPos::Center))?;
    frame.text(&row.text, (right + 60, y), (Ink::Text, SMALL), (HPos::Left, VPos::Center))?;
    Ok((x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratio: f64, interval: Option<(f64, f64)>, cycles: Option<f64>) -> Row {
        Row { name: "a<b".to_owned(), ratio, interval, cycles, text: format!("{ratio:.2}") }
    }

    #[test]
    fn twice_and_half_lie_equally_far_from_equal() {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        let rows = [row(0.5, None, None), row(2.0, None, Some(1.0)), row(1.0, Some((0.9, 1.1)), None)];
        let made = chart(&words, &rows).unwrap();
        let x: Vec<f64> = made.at.iter().map(|point| point.0).collect();
        assert!(((x[2] - x[0]) - (x[1] - x[2])).abs() <= 0.2, "{x:?}");
        assert!(made.svg.contains("a&lt;b") && made.svg.contains(">−50<") && made.svg.contains(">+100<"));
        assert_eq!(made.svg.matches("k-unsure").count(), 1, "one ring for the one ratio of cycles");
    }

    #[test]
    fn ticks_say_changes() {
        let check = |low: f64, high: f64, expected: &[&str]| {
            let texts: Vec<String> = ticks(low, high).into_iter().map(|(_, text)| text).collect();
            assert_eq!(texts, expected, "{low} to {high}");
        };
        check(0.125, 8.0, &["-87.5", "-75", "-50", "0", "+100", "+300", "+700"]);
        check(0.88, 1.12, &["-10", "-5", "0", "+5", "+10"]);
    }

    #[test]
    fn odd_numbers_still_draw() {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        let check = |rows: &[Row]| {
            let svg = chart(&words, rows).unwrap().svg;
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        };
        check(&[]);
        check(&[row(1.0, None, None)]);
        check(&[row(1.2, Some((0.0, f64::INFINITY)), Some(f64::NAN))]);
    }
}
