//! Changes against another run with their intervals, and the margin within which a change does not matter.
//!
//! Every verdict has its own mark, so that the chart reads without colour.

use plotters::prelude::Rectangle;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Frame, Margins, SMALL};
use super::svg::Ink;
use super::{Words, failed};
use crate::model::comparison::Verdict;
use crate::report::{ReportError, escape};

/// Height of a row in units.
const PITCH: u32 = 24;
/// Rows drawn at most; the tables hold all.
pub(in crate::report) const MOST_ROWS: usize = 40;
/// Half the size of a mark in tenths of a unit.
const MARK: i32 = 45;

/// One benchmark.
#[derive(Debug, Clone)]
pub(in crate::report) struct Row {
    /// Name.
    pub name: String,
    /// Change in percent.
    pub change: f64,
    /// Its interval in percent.
    pub interval: Option<(f64, f64)>,
    /// Margin in percent.
    pub margin: f64,
    /// Decides the mark.
    pub verdict: Verdict,
    /// The change as text.
    pub text: String,
}

/// The finished chart.
#[derive(Debug)]
pub(in crate::report) struct Chart {
    /// The SVG element.
    pub svg: String,
    /// Intervals that run off an edge.
    pub clipped: usize,
}

/// Draws the first [`MOST_ROWS`] rows.
pub(in crate::report) fn chart(words: &Words, rows: &[Row]) -> Result<Chart, ReportError> {
    let rows = &rows[..rows.len().min(MOST_ROWS)];
    let reach = reach(rows);
    let over = |row: &&Row| ends(row).into_iter().any(|end| end.abs() > reach);
    let clipped = rows.iter().filter(over).count();
    let lines = u32::try_from(rows.len()).unwrap_or(1);
    let margins = Margins { top: 6, right: 70, bottom: 42, left: 160 };
    let svg =
        frame::draw(words, lines * PITCH + 48, margins, (-reach..reach, 0.0..f64::from(lines)), |frame| {
            bands(frame, rows, reach)?;
            frame.x_axis(&frame::ticks(-reach, reach, 5.0), "change in %; right is slower")?;
            let (_, _, top, bottom) = frame.edges();
            let (zero, _) = frame.place(0.0, 0.0);
            frame.line(&[(zero, top), (zero, bottom)], Ink::Axis, 12)?;
            for (row, place) in rows.iter().zip(0_u32..) {
                draw_row(frame, row, f64::from(lines - place) - 0.5, reach)?;
            }
            Ok(())
        })?;
    Ok(Chart { svg, clipped })
}

/// The margins; neighbours of equal width share one area, so that no seam shows.
fn bands(frame: &Frame<'_>, rows: &[Row], reach: f64) -> Result<(), ReportError> {
    let mut top = u32::try_from(rows.len()).unwrap_or(0);
    for chunk in rows.chunk_by(|a, b| a.margin.total_cmp(&b.margin).is_eq()) {
        let bottom = top - u32::try_from(chunk.len()).unwrap_or(0).min(top);
        let margin = chunk.first().map_or(0.0, |row| row.margin).min(reach);
        let corners = [(-margin, f64::from(top)), (margin, f64::from(bottom))];
        frame.plot.draw(&Rectangle::new(corners, Ink::Band.area())).map_err(failed)?;
        top = bottom;
    }
    Ok(())
}

fn ends(row: &Row) -> [f64; 2] {
    row.interval.map_or([row.change; 2], |(low, high)| [low, high])
}

/// Half the width of the axis: all intervals, unless one would squeeze the others into a line.
fn reach(rows: &[Row]) -> f64 {
    let mut ends: Vec<f64> = rows.iter().flat_map(ends).map(f64::abs).filter(|end| end.is_finite()).collect();
    ends.sort_by(f64::total_cmp);
    let margin = rows.iter().map(|row| row.margin).max_by(f64::total_cmp).unwrap_or(1.0);
    let most = ends.last().copied().unwrap_or(margin);
    let middle = ends.get(ends.len() / 2).copied().unwrap_or(margin);
    most.min((8.0 * middle).max(4.0 * margin)).max(margin * 1.5).max(1e-6) * 1.06
}

fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Regressed => Ink::Regressed,
        Verdict::Improved => Ink::Improved,
        Verdict::Unchanged => Ink::Neutral,
        Verdict::Inconclusive | Verdict::NotComparable => Ink::Unsure,
    }
}

fn draw_row(frame: &Frame<'_>, row: &Row, base: f64, reach: f64) -> Result<(), ReportError> {
    let ink = ink(row.verdict);
    let inside = |value: f64| value.clamp(-reach, reach);
    let (x, y) = frame.place(inside(row.change), base);
    if let Some((low, high)) = row.interval {
        let (from, _) = frame.place(inside(low), base);
        let (to, _) = frame.place(inside(high), base);
        frame.line(&[(from, y), (to, y)], ink, 18)?;
        for (end, value) in [(from, low), (to, high)] {
            // An end without a cap runs on beyond the edge.
            if value.abs() <= reach {
                frame.line(&[(end, y - 30), (end, y + 30)], ink, 18)?;
            }
        }
    }
    let sheet = &frame.sheet;
    match row.verdict {
        Verdict::Regressed | Verdict::Improved => {
            let up = if row.verdict == Verdict::Regressed { -1 } else { 1 };
            let corners = [(x - MARK, y - up * MARK), (x + MARK, y - up * MARK), (x, y + up * MARK)];
            sheet.draw(&plotters::element::Polygon::new(corners, ink.area())).map_err(failed)?;
        }
        Verdict::Unchanged => {
            sheet.draw(&plotters::element::Circle::new((x, y), 35, ink.area())).map_err(failed)?;
        }
        Verdict::Inconclusive => {
            sheet.draw(&plotters::element::Circle::new((x, y), 38, ink.line(18))).map_err(failed)?;
        }
        Verdict::NotComparable => {
            frame.line(&[(x - MARK, y - MARK), (x + MARK, y + MARK)], ink, 18)?;
            frame.line(&[(x - MARK, y + MARK), (x + MARK, y - MARK)], ink, 18)?;
        }
    }
    let (left, right, ..) = frame.edges();
    let name = escape::shorten_start(&row.name, 20);
    frame.text(&name, (left - 80, y), (Ink::Name, SMALL), (HPos::Right, VPos::Center))?;
    frame.text(&row.text, (right + 80, y), (Ink::Text, SMALL), (HPos::Left, VPos::Center))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(change: f64, half: f64, verdict: Verdict) -> Row {
        Row {
            name: "a<b".to_owned(),
            change,
            interval: Some((change - half, change + half)),
            margin: 1.0,
            verdict,
            text: format!("{change:+.1} %"),
        }
    }

    #[test]
    fn one_wild_row_does_not_flatten_the_others() {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        let mut rows = vec![row(0.1, 0.4, Verdict::Unchanged); 9];
        rows.push(row(900.0, 50.0, Verdict::Regressed));
        assert!(reach(&rows) < 10.0);
        let chart = chart(&words, &rows).unwrap();
        assert_eq!(chart.clipped, 1);
        assert!(chart.svg.contains("a&lt;b") && !chart.svg.contains("a<b"));
    }

    #[test]
    fn verdicts_differ_in_shape() {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        let shapes: std::collections::BTreeSet<String> = [
            Verdict::Regressed,
            Verdict::Improved,
            Verdict::Unchanged,
            Verdict::Inconclusive,
            Verdict::NotComparable,
        ]
        .map(|verdict| {
            let svg = chart(&words, &[row(0.2, 0.1, verdict)]).unwrap().svg;
            // Without the colour classes only the shapes are left.
            ["k-reg", "k-imp", "k-same", "k-unsure"].iter().fold(svg, |svg, class| svg.replace(class, ""))
        })
        .into_iter()
        .collect();
        assert_eq!(shapes.len(), 5);
    }
}
