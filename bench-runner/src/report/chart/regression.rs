//! Time of each sample over its iterations, with the line through the origin that linear sampling fits.
//!
//! Both axes begin at zero: what lies off the line is a sample that something disturbed, or a cost that does not grow with the
//! iterations. The wedge shows how far the launches' own lines lie apart.

use plotters::prelude::Polygon;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Margins, SMALL};
use super::svg::Ink;
use super::{Words, failed};
use crate::report::ReportError;

/// What is drawn.
#[derive(Debug)]
pub(in crate::report) struct Spec {
    /// Samples: iterations, time.
    pub dots: Vec<(f64, f64)>,
    /// Smallest, middle and largest slope of a launch.
    pub slopes: (f64, f64, f64),
    /// What the horizontal axis shows.
    pub label: String,
    /// What the vertical axis shows.
    pub unit: String,
}

/// Draws the chart.
pub(in crate::report) fn chart(words: &Words, spec: &Spec) -> Result<String, ReportError> {
    let (least, middle, largest) = spec.slopes;
    let right = spec.dots.iter().map(|dot| dot.0).fold(1.0, f64::max);
    let top = spec.dots.iter().map(|dot| dot.1).fold(right * largest, f64::max);
    let margins = Margins { top: 34, right: 24, bottom: 42, left: 66 };
    frame::draw(words, 250, margins, (0.0..right * 1.03, 0.0..top * 1.05), |frame| {
        frame.x_axis(&frame::ticks(0.0, right, 5.0), &spec.label)?;
        frame.y_axis(&frame::ticks(0.0, top, 5.0))?;
        let (_, _, above, _) = frame.edges();
        frame.text(&spec.unit, (0, above - 250), (Ink::Text, SMALL), (HPos::Left, VPos::Top))?;
        let wedge = vec![(0.0, 0.0), (right, right * least), (right, right * largest)];
        frame.plot.draw(&Polygon::new(wedge, Ink::Haze.area())).map_err(failed)?;
        frame.line(&[frame.place(0.0, 0.0), frame.place(right, right * middle)], Ink::Name, 12)?;
        for (x, y) in &spec.dots {
            // A line without a length, with round ends, is a dot, and many of them are one element.
            let at = frame.place(*x, *y);
            frame.line(&[at, at], Ink::Dots, 38)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_one_element_and_the_line_begins_at_zero() {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        let spec = Spec {
            dots: vec![(1.0, 2.0), (2.0, 4.1), (3.0, 6.0)],
            slopes: (1.9, 2.0, 2.1),
            label: "<b>".to_owned(),
            unit: "µs".to_owned(),
        };
        let svg = chart(&words, &spec).unwrap();
        assert_eq!(svg.matches("k-dots").count(), 1, "{svg}");
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("NaN"));
        // The plot begins 66 units from the left and ends 42 above the lower edge of 250, less a tenth.
        assert!(svg.contains("stroke-width=\"1.2\" d=\"M66 207.9L"), "{svg}");
    }
}
