//! All observations of one benchmark as a histogram, and below it each launch by its middle half.
//!
//! Shows at a glance whether launches agree, which a single bell never does.

use plotters::prelude::{Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Frame, Margins, SMALL};
use super::svg::Ink;
use super::{Words, failed};
use crate::report::ReportError;

/// Height of the histogram in units.
const HISTOGRAM: f64 = 96.0;
/// Share of the observations, in percent, that may lie beyond the right edge: long tails would flatten the rest.
const TAIL: usize = 2;
/// Launches drawn at most; more are left to the table.
pub(in crate::report) const MOST_LAUNCHES: usize = 24;

/// One launch, in the unit of the chart.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Row {
    /// First quartile.
    pub lower: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub upper: f64,
    /// Smallest value.
    pub minimum: f64,
    /// Largest value.
    pub maximum: f64,
}

/// What is drawn, all in one unit.
#[derive(Debug)]
pub(in crate::report) struct Spec {
    /// All observations.
    pub values: Vec<f64>,
    /// The launches in order.
    pub rows: Vec<Row>,
    /// The estimate.
    pub estimate: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// The unit with a word, for example `µs per iteration`.
    pub label: String,
}

/// The finished chart.
#[derive(Debug)]
pub(in crate::report) struct Chart {
    /// The SVG element.
    pub svg: String,
    /// Observations beyond the right edge.
    pub beyond: usize,
}

/// Draws the chart.
pub(in crate::report) fn chart(words: &Words, spec: &Spec) -> Result<Chart, ReportError> {
    let (low, high, beyond) = window(spec);
    let bins = histogram(&spec.values, low, high);
    let rows = &spec.rows[..spec.rows.len().min(MOST_LAUNCHES)];
    let pitch = if rows.len() > 12 { 7.0 } else { 10.0 };
    let below = count(rows.len()) * pitch + if rows.is_empty() { 0.0 } else { 8.0 };
    let margins = Margins { top: 8, right: 14, bottom: 42, left: 74 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 24 rows of 10 units"
    )]
    let height = (HISTOGRAM + below) as u32 + 50;
    let svg = frame::draw(words, height, margins, (low..high, -below..HISTOGRAM), |frame| {
        frame.x_axis(&frame::ticks(low, high, 6.0), &spec.label)?;
        if let Some((from, to)) = spec.interval {
            let band = Rectangle::new([(from, HISTOGRAM), (to, -below)], Ink::Band.area());
            frame.plot.draw(&band).map_err(failed)?;
        }
        silhouette(frame, &bins, low, high)?;
        launches(frame, rows, pitch, high)?;
        let (x, top) = frame.place(spec.estimate, HISTOGRAM);
        let (.., bottom) = frame.edges();
        frame.line(&[(x, top), (x, bottom)], Ink::Reference, 12)?;
        labels(frame, spec, rows.len(), pitch)
    })?;
    Ok(Chart { svg, beyond })
}

/// Left and right edge, and how many observations lie beyond the right one.
fn window(spec: &Spec) -> (f64, f64, usize) {
    let mut sorted = spec.values.clone();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = |place: usize| sorted.get(place).copied().unwrap_or(spec.estimate);
    let (mut low, mut high) = (at(0), at(last - last * TAIL / 100));
    for value in spec.interval.into_iter().flat_map(|(from, to)| [from, to]).chain([spec.estimate]) {
        low = low.min(value);
        high = high.max(value);
    }
    let room = ((high - low) * 0.03).max(high.abs() * 1e-6);
    let (low, high) = (low - room, high + room);
    (low, high, sorted.iter().filter(|value| **value > high).count())
}

/// Shares of the fullest bin, 0 to 1.
fn histogram(values: &[f64], low: f64, high: f64) -> Vec<f64> {
    // The square-root rule, within what a chart of this width can show.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 12 to 48")]
    let bins = count(values.len()).sqrt().clamp(12.0, 48.0) as usize;
    let mut counts = vec![0_usize; bins];
    for value in values.iter().filter(|value| **value >= low && **value < high) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 48 bins")]
        let bin = ((value - low) / (high - low) * count(bins)) as usize;
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts.into_iter().map(|found| count(found) / count(most)).collect()
}

fn silhouette(frame: &Frame<'_>, bins: &[f64], low: f64, high: f64) -> Result<(), ReportError> {
    let width = (high - low) / count(bins.len());
    let mut outline = vec![(low, 0.0)];
    for (place, share) in bins.iter().enumerate() {
        let left = low + count(place) * width;
        let top = share * (HISTOGRAM - 6.0);
        outline.extend([(left, top), (left + width, top)]);
    }
    outline.push((high, 0.0));
    // The style sheet gives this area its outline.
    frame.plot.draw(&Polygon::new(outline, Ink::Area.area())).map_err(failed)
}

/// One row per launch: thin from smallest to largest, thick over the middle half, a tick at the median.
fn launches(frame: &Frame<'_>, rows: &[Row], pitch: f64, high: f64) -> Result<(), ReportError> {
    let height = |place: usize| -8.0 - (count(place) + 0.5) * pitch + 4.0;
    for (place, row) in rows.iter().enumerate() {
        let y = height(place);
        let points = [frame.place(row.minimum, y), frame.place(row.maximum.min(high), y)];
        frame.line(&points, Ink::Grid, 14)?;
    }
    for (place, row) in rows.iter().enumerate() {
        let y = height(place);
        frame.line(&[frame.place(row.lower, y), frame.place(row.upper.min(high), y)], Ink::Series, 30)?;
    }
    for (place, row) in rows.iter().enumerate() {
        let (x, y) = frame.place(row.median, height(place));
        frame.line(&[(x, y - 34), (x, y + 34)], Ink::Name, 16)?;
    }
    Ok(())
}

fn labels(frame: &Frame<'_>, spec: &Spec, rows: usize, pitch: f64) -> Result<(), ReportError> {
    let (left, ..) = frame.edges();
    let side = |text: &str, height: f64| {
        let (_, y) = frame.place(spec.estimate, height);
        frame.text(text, (left - 80, y), (Ink::Text, SMALL), (HPos::Right, VPos::Center))
    };
    side(&format!("{} obs.", spec.values.len()), HISTOGRAM * 0.5)?;
    if rows > 0 {
        side("launch 1", -4.0 - 0.5 * pitch)?;
    }
    if rows > 2 {
        side(&rows.to_string(), -4.0 - (count(rows) - 0.5) * pitch)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of observations stay far below 2^53")]
fn count(value: usize) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(values: &[f64]) -> Spec {
        Spec {
            values: values.to_vec(),
            rows: Vec::new(),
            estimate: 10.0,
            interval: Some((9.9, 10.1)),
            label: "µs".to_owned(),
        }
    }

    #[test]
    fn the_window_holds_the_interval_and_counts_what_it_leaves_out() {
        let mut values = vec![10.0; 199];
        values.push(1000.0);
        let (low, high, beyond) = window(&spec(&values));
        assert!(low < 9.9 && high > 10.1 && high < 11.0, "{low} {high}");
        assert_eq!(beyond, 1);
    }

    #[test]
    fn a_histogram_shows_shares_of_its_fullest_bin() {
        let bins = histogram(&[0.5, 0.5, 0.5, 5.5], 0.0, 12.0);
        assert_eq!(bins.len(), 12);
        assert_eq!(
            bins.iter().map(|share| format!("{share:.2}")).collect::<Vec<_>>()[..6],
            ["1.00", "0.00", "0.00", "0.00", "0.00", "0.33"]
        );
    }

    #[test]
    fn equal_values_and_no_values_still_draw() {
        let words = Words { id: "a".to_owned(), title: String::new(), description: String::new() };
        for values in [&[10.0, 10.0][..], &[]] {
            let chart = chart(&words, &spec(values)).unwrap();
            assert!(chart.svg.starts_with("<svg") && !chart.svg.contains("NaN"), "{}", chart.svg);
        }
    }
}
