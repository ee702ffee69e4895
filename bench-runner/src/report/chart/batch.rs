//! Time per element over batch size, with the single operation as reference.
//!
//! The axis starts at zero, so that the eye reads the saving as it is.

use plotters::prelude::{Circle, ErrorBar, LineSeries};
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Margins, SMALL};
use super::svg::Ink;
use super::{Words, failed};
use crate::report::ReportError;

/// More points than this stand without a value beside them.
const LABELLED: usize = 6;

/// One point in the unit of the chart.
#[derive(Debug, Clone)]
pub(in crate::report) struct Point {
    /// Batch size, at least 1.
    pub size: f64,
    /// Time per element.
    pub value: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// The value as text.
    pub text: String,
}

/// What is drawn.
#[derive(Debug)]
pub(in crate::report) struct Spec {
    /// Points by ascending size.
    pub points: Vec<Point>,
    /// The single operation and its label.
    pub single: Option<(f64, String)>,
    /// The unit.
    pub unit: String,
}

/// Draws the chart.
pub(in crate::report) fn chart(words: &Words, spec: &Spec) -> Result<String, ReportError> {
    let place = |size: f64| size.max(1.0).log2();
    let first = spec.points.first().map_or(0.0, |point| place(point.size));
    let last = spec.points.last().map_or(1.0, |point| place(point.size));
    let tops = spec.points.iter().map(|point| point.interval.map_or(point.value, |(_, high)| high));
    let top = tops.chain(spec.single.iter().map(|(value, _)| *value)).max_by(f64::total_cmp).unwrap_or(1.0);
    let (low, high) = (first - 0.4, last + 0.5);
    let margins = Margins { top: 22, right: 14, bottom: 42, left: 52 };
    frame::draw(words, 270, margins, (low..high, 0.0..top * 1.12), |frame| {
        let ticks: Vec<(f64, String)> =
            spec.points.iter().map(|point| (place(point.size), format!("{}", point.size))).collect();
        frame.x_axis(&ticks, "batch size N, logarithmic")?;
        frame.y_axis(&frame::ticks(0.0, top * 1.08, 4.0))?;
        let (left, right, up, _) = frame.edges();
        frame.text(&spec.unit, (left - 60, up - 40), (Ink::Text, SMALL), (HPos::Right, VPos::Bottom))?;
        if let Some((value, label)) = &spec.single {
            let (_, y) = frame.place(0.0, *value);
            frame.line(&[(left, y), (right, y)], Ink::Reference, 16)?;
            frame.text(label, (right, y - 50), (Ink::Name, SMALL), (HPos::Right, VPos::Bottom))?;
        }
        let line = spec.points.iter().map(|point| (place(point.size), point.value));
        let line = LineSeries::new(line, Ink::Series.line(20));
        for element in line {
            frame.plot.draw(&element).map_err(failed)?;
        }
        for point in &spec.points {
            let x = place(point.size);
            if let Some((from, to)) = point.interval {
                let bar = ErrorBar::new_vertical(x, from, point.value, to, Ink::Series.line(16), 90);
                frame.plot.draw(&bar).map_err(failed)?;
            }
            frame.plot.draw(&Circle::new((x, point.value), 40, Ink::Series.area())).map_err(failed)?;
            if spec.points.len() <= LABELLED {
                let (x, y) = frame.place(x, point.value);
                frame.text(&point.text, (x, y + 100), (Ink::Name, SMALL), (HPos::Center, VPos::Top))?;
            }
        }
        Ok(())
    })
}
