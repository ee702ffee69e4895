//! Speed-up of parallel benchmarks as bars against the ideal of their cores.
//!
//! Bars start at zero; the ideal is a mark, not a bar, so that the gap is what one sees.

use plotters::prelude::Rectangle;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Margins, NORMAL, SMALL};
use super::svg::Ink;
use super::{Words, failed};
use crate::report::{ReportError, escape};

/// Room for one bar with its two lines of text, in units.
const PITCH: u32 = 50;

/// One bar.
#[derive(Debug, Clone)]
pub(in crate::report) struct Bar {
    /// Name of the benchmark.
    pub name: String,
    /// Times one thread.
    pub speed_up: f64,
    /// The most that its cores could give.
    pub ideal: f64,
    /// The numbers as text.
    pub text: String,
}

/// Draws the chart.
pub(in crate::report) fn chart(words: &Words, bars: &[Bar]) -> Result<String, ReportError> {
    let rows = u32::try_from(bars.len()).unwrap_or(1);
    let longest = bars.iter().flat_map(|bar| [bar.speed_up, bar.ideal]).max_by(f64::total_cmp).unwrap_or(1.0);
    let margins = Margins { top: 6, right: 18, bottom: 42, left: 18 };
    let height = rows * PITCH + 48;
    frame::draw(words, height, margins, (0.0..longest * 1.05, 0.0..f64::from(rows)), |frame| {
        frame.x_axis(&frame::ticks(0.0, longest * 1.05, 5.0), "times one thread; the mark is the ideal")?;
        let (left, right, ..) = frame.edges();
        for (bar, place) in bars.iter().zip(0_u32..) {
            let base = f64::from(rows - place);
            let shape = Rectangle::new([(0.0, base - 0.5), (bar.speed_up, base - 0.9)], Ink::Series.area());
            frame.plot.draw(&shape).map_err(failed)?;
            let (x, top) = frame.place(bar.ideal, base - 0.42);
            let (_, bottom) = frame.place(bar.ideal, base - 0.98);
            frame.line(&[(x, top), (x, bottom)], Ink::Name, 24)?;
            let (_, y) = frame.place(0.0, base - 0.24);
            let name = escape::shorten(&bar.name, 34);
            frame.text(&name, (left, y), (Ink::Name, NORMAL), (HPos::Left, VPos::Center))?;
            frame.text(&bar.text, (right, y), (Ink::Text, SMALL), (HPos::Right, VPos::Center))?;
        }
        Ok(())
    })
}
