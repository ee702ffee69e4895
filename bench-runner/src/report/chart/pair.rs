//! Observations of two runs one above the other on one scale: now, and before.

use plotters::prelude::Polygon;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Margins, NORMAL};
use super::svg::Ink;
use super::{Words, failed};
use crate::report::ReportError;
use crate::report::view::{real, total};

/// Bins of each silhouette.
const BINS: usize = 60;
/// Share of observations in percent that may lie beyond the right edge.
const TAIL: usize = 2;

/// Draws `before` above `now`; both in the unit that `label` names. Gives the element and how many observations lie beyond
/// the right edge.
pub(in crate::report) fn chart(
    words: &Words,
    (before, now): (&[f64], &[f64]),
    medians: (Option<f64>, Option<f64>),
    label: &str,
) -> Result<(String, usize), ReportError> {
    let mut all: Vec<f64> = before.iter().chain(now).copied().filter(|value| value.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    let last = all.len().saturating_sub(1);
    let low = all.first().copied().unwrap_or(0.0);
    let high = all.get(last - last * TAIL / 100).copied().unwrap_or(1.0);
    let room = ((high - low) * 0.03).max(high.abs() * 1e-6);
    let (low, high) = (low - room, high + room);
    let beyond = all.iter().filter(|value| **value > high).count();
    let margins = Margins { top: 8, right: 14, bottom: 42, left: 66 };
    let svg = frame::draw(words, 250, margins, (low..high, 0.0..2.0), |frame| {
        frame.x_axis(&frame::ticks(low, high, 6.0), label)?;
        let (left, ..) = frame.edges();
        for (base, name, values, median) in [(1.0, "before", before, medians.0), (0.0, "now", now, medians.1)]
        {
            let shares = histogram(values, low, high);
            let width = (high - low) / real(total(BINS));
            let mut outline = vec![(low, base)];
            for (place, share) in shares.iter().enumerate() {
                let start = low + real(total(place)) * width;
                outline.extend([(start, base + share * 0.88), (start + width, base + share * 0.88)]);
            }
            outline.push((high, base));
            frame.plot.draw(&Polygon::new(outline, Ink::Area.area())).map_err(failed)?;
            if let Some(median) = median {
                let (a, b) = (frame.place(median, base), frame.place(median, base + 0.94));
                frame.line(&[a, b], Ink::Reference, 12)?;
            }
            let (_, y) = frame.place(low, base + 0.4);
            frame.text(name, (left - 80, y), (Ink::Name, NORMAL), (HPos::Right, VPos::Center))?;
        }
        Ok(())
    })?;
    Ok((svg, beyond))
}

/// Shares of the fullest bin, 0 to 1.
fn histogram(values: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut counts = vec![0_usize; BINS];
    for value in values.iter().filter(|value| **value >= low && **value < high) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 60 bins")]
        let bin = ((value - low) / (high - low) * real(total(BINS))) as usize;
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts.into_iter().map(|count| real(total(count)) / real(total(most))).collect()
}
