//! Charts as inline SVG: drawn with plotters, coloured by the page's style sheet, described in words.
//!
//! Takes numbers and finished labels. Bins and ticks are geometry and are made here; statistics are not.

pub(super) mod batch;
pub(super) mod distribution;
pub(super) mod forest;
pub(super) mod frame;
pub(super) mod line;
pub(super) mod pair;
pub(super) mod ratio;
pub(super) mod regression;
pub(super) mod scaling;
pub(super) mod svg;
pub(super) mod thin;

use plotters::drawing::DrawingAreaErrorKind;

use super::ReportError;

/// Width of every chart in its own units; pages scale it. On a phone, where a figure is 340 pixels wide, a label of 13 units
/// is still 10 pixels high.
const WIDTH: u32 = 440;

/// The words that every chart carries.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// Unique name within the page, made of letters, digits and hyphens.
    pub id: String,
    /// What the chart is.
    pub title: String,
    /// What it shows, with the main numbers.
    pub description: String,
}

/// Turns a drawing error, which a string as target never raises, into ours.
fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> ReportError {
    ReportError::Chart { reason: error.to_string() }
}
