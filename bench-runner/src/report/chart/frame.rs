//! The frame of a chart: ticks at round numbers, few grid lines, labels with room to spare.
//!
//! Geometry only; what the numbers are and how they are written is the caller's business.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, DrawingArea, IntoDrawingArea, IntoTextStyle, PathElement,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{IntoFont, TextStyle};

use super::svg::{Drawing, Ink, Pen, STEPS};
use super::{Words, failed};
use crate::report::ReportError;

/// Size of axis labels in tenths of a unit.
pub(super) const SMALL: i32 = 130;
/// Size of names in tenths of a unit.
pub(super) const NORMAL: i32 = 135;

/// Margins around the plotting area, in units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Margins {
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
    pub left: i32,
}

/// A chart being drawn: the sheet and the plotting area with its coordinates.
pub(super) struct Frame<'a> {
    /// The whole sheet, in tenths of a unit.
    pub sheet: DrawingArea<Pen<'a>, Shift>,
    /// The plotting area, in the caller's coordinates.
    pub plot: DrawingArea<Pen<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
}

/// Draws on a fresh sheet and returns the finished element.
pub(super) fn draw(
    words: &Words,
    height: u32,
    margins: Margins,
    (x, y): (Range<f64>, Range<f64>),
    paint: impl FnOnce(&Frame<'_>) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    let mut drawing = Drawing::default();
    {
        let sheet = Pen::new(&mut drawing, super::WIDTH, height).into_drawing_area();
        let chart: ChartContext<'_, _, Cartesian2d<RangedCoordf64, RangedCoordf64>> =
            ChartBuilder::on(&sheet)
                .margin_top(margins.top * STEPS)
                .margin_right(margins.right * STEPS)
                .margin_bottom(margins.bottom * STEPS)
                .margin_left(margins.left * STEPS)
                .build_cartesian_2d(widened(x), widened(y))
                .map_err(failed)?;
        let plot = chart.plotting_area().clone();
        drop(chart);
        paint(&Frame { sheet, plot })?;
    }
    Ok(drawing.finish(words, super::WIDTH, height))
}

/// A range that has a width: plotters divides by it.
fn widened(range: Range<f64>) -> Range<f64> {
    if range.end > range.start { range } else { range.start - 0.5..range.start + 0.5 }
}

impl Frame<'_> {
    /// Position of a point of the plot on the sheet.
    pub(super) fn place(&self, x: f64, y: f64) -> (i32, i32) {
        self.plot.map_coordinate(&(x, y))
    }

    /// Left, right, top and bottom of the plot on the sheet.
    pub(super) fn edges(&self) -> (i32, i32, i32, i32) {
        let (x, y) = self.plot.get_pixel_range();
        (x.start, x.end, y.start, y.end)
    }

    /// A line on the sheet.
    pub(super) fn line(&self, points: &[(i32, i32)], ink: Ink, width: u32) -> Result<(), ReportError> {
        self.sheet.draw(&PathElement::new(points.to_vec(), ink.line(width))).map_err(failed)
    }

    /// A text on the sheet.
    pub(super) fn text(
        &self,
        text: &str,
        at: (i32, i32),
        (ink, size): (Ink, i32),
        (h, v): (HPos, VPos),
    ) -> Result<(), ReportError> {
        let style: TextStyle<'_> = ("sans-serif", size).into_font().into_text_style(&self.sheet);
        let color = ink.color();
        let style = style.color(&color).pos(Pos::new(h, v));
        self.sheet.draw_text(text, &style, at).map_err(failed)
    }

    /// A horizontal axis below the plot with its ticks, grid lines and label.
    pub(super) fn x_axis(&self, ticks: &[(f64, String)], label: &str) -> Result<(), ReportError> {
        let (left, right, top, bottom) = self.edges();
        for (value, text) in ticks {
            let (x, _) = self.place(*value, 0.0);
            self.line(&[(x, top), (x, bottom)], Ink::Grid, 10)?;
            // A chart is part of a page, where a minus is a minus and not a hyphen.
            let text = text.replace('-', "\u{2212}");
            self.text(&text, (x, bottom + 60), (Ink::Text, SMALL), (HPos::Center, VPos::Top))?;
        }
        self.line(&[(left, bottom), (right, bottom)], Ink::Axis, 10)?;
        self.text(label, (right, bottom + 230), (Ink::Text, SMALL), (HPos::Right, VPos::Top))
    }

    /// A vertical axis left of the plot.
    pub(super) fn y_axis(&self, ticks: &[(f64, String)]) -> Result<(), ReportError> {
        let (left, right, ..) = self.edges();
        for (value, text) in ticks {
            let (_, y) = self.place(0.0, *value);
            self.line(&[(left, y), (right, y)], Ink::Grid, 10)?;
            self.text(text, (left - 60, y), (Ink::Text, SMALL), (HPos::Right, VPos::Center))?;
        }
        Ok(())
    }
}

/// Ticks at multiples of 1, 2 or 5 times a power of ten, about `wanted` of them, with their digits after the point.
pub(in crate::report) fn ticks(low: f64, high: f64, wanted: f64) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return vec![(low, format!("{low:.2}"))];
    }
    let raw = span / wanted;
    let power = raw.log10().floor();
    let unit = 10_f64.powf(power);
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * unit).find(|step| *step >= raw);
    let step = step.unwrap_or(unit);
    // The step's own digits: 0.05 needs two, 20 none.
    let places = (0..12_usize).find(|places| {
        let shifted = step * 10_f64.powf(small(*places));
        (shifted - shifted.round()).abs() < 1e-6 * shifted
    });
    let places = places.unwrap_or(0);
    let first = (low / step).ceil();
    (0..20)
        .map(|count| (first + f64::from(count)) * step)
        .take_while(|value| *value <= high + step * 1e-9)
        // A rounding residue of zero would print as "-0".
        .map(|value| if value.abs() < step * 1e-9 { 0.0 } else { value })
        .map(|value| (value, format!("{value:.places$}")))
        .collect()
}

fn small(places: usize) -> f64 {
    f64::from(u32::try_from(places).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_numbers() {
        let check = |low: f64, high: f64, wanted: f64, expected: &[&str]| {
            let texts: Vec<String> = ticks(low, high, wanted).into_iter().map(|(_, text)| text).collect();
            assert_eq!(texts, expected, "{low} to {high}");
        };
        check(0.0, 35.0, 4.0, &["0", "10", "20", "30"]);
        check(17.28, 17.51, 4.0, &["17.3", "17.4", "17.5"]);
        check(17.28, 17.41, 5.0, &["17.30", "17.35", "17.40"]);
        check(-0.06, 0.06, 4.0, &["-0.05", "0.00", "0.05"]);
        check(1.0, 1.0, 4.0, &["1.00"]);
        check(0.0, f64::INFINITY, 4.0, &["0.00"]);
    }
}
