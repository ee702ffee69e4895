//! Layer 3: a decided [`RunReport`] becomes Markdown, one self-contained HTML page, terminal text, or JSON.
//!
//! Strings out, nothing else: no file is read or written, no store opened, no statistic computed, no clock asked.
//! The same report gives the same bytes.

mod chart;
mod escape;
pub mod format;
pub mod github;
mod junit;
mod render;
mod sheet_text;
pub mod site;
mod terminal;
pub mod view;

use std::collections::BTreeMap;

use serde::Serialize;

pub use junit::junit;
pub use render::{TEMPLATE_NAMES, Templates};

use self::format::Dialect;
use self::view::sheet::Sheet;
use crate::model::comparison::{Comparison, Verdict};
use crate::model::ids::BenchmarkId;
use crate::model::machines::MachineComparison;
use crate::model::release::ReleaseNotes;
use crate::model::report::RunReport;
use crate::model::trend::TrendReport;
use crate::model::units::Metric;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A template does not parse, or asks for a value that the view does not have.
    #[error("template `{name}`{} cannot be rendered: {reason}", at_line(*.line))]
    Template {
        /// Name of the template.
        name: String,
        /// Line of the failure, from 1, if known.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
        /// The engine's own error.
        #[source]
        source: Box<minijinja::Error>,
    },
    /// A template was given under a name that nothing asks for.
    #[error("there is no template named `{name}`")]
    UnknownTemplate {
        /// The name as given.
        name: String,
    },
    /// The stylesheet would end its own element.
    #[error("the style sheet `page.css` contains `</style`, which would end it early")]
    Stylesheet,
    /// A chart cannot be drawn; drawing into a string never fails by itself.
    #[error("a chart cannot be drawn: {reason}")]
    Chart {
        /// What the drawing library says.
        reason: String,
    },
    /// The report holds something that JSON cannot express.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line},"))
}

impl ReportError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Template { name, .. } => Some(format!(
                "correct `{name}`, or remove it so that the built-in one is used; the built-in templates show every \
                 value there is"
            )),
            Self::UnknownTemplate { .. } => {
                Some(format!("the templates that can be replaced are {}", TEMPLATE_NAMES.join(", ")))
            }
            Self::Stylesheet => Some("remove that text from the style sheet".to_owned()),
            Self::Chart { .. } | Self::Json(_) => None,
        }
    }
}

/// Writes the report as Markdown, with the built-in template.
///
/// # Errors
///
/// Returns [`ReportError::Template`] when the template fails.
pub fn markdown(report: &RunReport) -> Result<String, ReportError> {
    markdown_with(&Templates::built_in(), report)
}

/// Writes the report as one HTML page that needs nothing else, with the built-in templates.
///
/// # Errors
///
/// Returns [`ReportError::Template`] when the template fails and [`ReportError::Chart`] when a chart cannot be drawn.
pub fn html(report: &RunReport) -> Result<String, ReportError> {
    html_with(&Templates::built_in(), report)
}

/// Writes the report as Markdown with `templates`.
///
/// # Errors
///
/// Returns [`ReportError::Template`] when the template fails.
pub fn markdown_with(templates: &Templates, report: &RunReport) -> Result<String, ReportError> {
    render::markdown(templates, &view::page(report, Dialect::Markdown)?)
}

/// Makes the page of a nightly trend; `command` is the one that makes it again.
#[must_use]
pub fn trend_sheet(report: &TrendReport, command: &str, dialect: Dialect) -> Sheet {
    view::trend(report, command, dialect)
}

/// Makes the page of release notes.
#[must_use]
pub fn release_sheet(notes: &ReleaseNotes, dialect: Dialect) -> Sheet {
    view::release(notes, dialect)
}

/// Writes a sheet for a terminal of `width` columns. Where a table is too wide, its rows go on below themselves; nothing is left out.
#[must_use]
pub fn sheet_text(sheet: &Sheet, width: usize) -> String {
    sheet_text::text(sheet, width)
}

/// Writes a sheet as Markdown.
///
/// # Errors
///
/// Returns [`ReportError::Template`] when the template fails.
pub fn sheet_markdown(templates: &Templates, sheet: &Sheet) -> Result<String, ReportError> {
    render::markdown_of(templates, "sheet.md", sheet)
}

/// Writes a sheet as one HTML page that needs nothing else.
///
/// # Errors
///
/// Returns [`ReportError::Template`] when the template fails and [`ReportError::Stylesheet`] when the style sheet would break
/// out of its element.
pub fn sheet_html(templates: &Templates, sheet: &Sheet) -> Result<String, ReportError> {
    render::html_of(templates, "sheet.html", sheet)
}

/// Writes the report as one HTML page with `templates`.
///
/// # Errors
///
/// Returns [`ReportError::Template`] when the template fails and [`ReportError::Stylesheet`] when the style sheet
/// would break out of its element.
pub fn html_with(templates: &Templates, report: &RunReport) -> Result<String, ReportError> {
    render::html(templates, &view::page(report, Dialect::Html)?)
}

/// Writes the report for a terminal of `width` columns: verdicts, a table, findings.
///
/// `color` adds ANSI colours; `ascii` leaves out every character beyond ASCII that is ours.
///
/// # Edge cases
///
/// Narrow terminals lose columns, never rows; a row is never wrapped.
#[must_use]
pub fn terminal_summary(report: &RunReport, width: usize, color: bool, ascii: bool) -> String {
    terminal::summary(report, &Recent::new(), width, (color, ascii))
}

/// Values of the newest comparable runs by series, oldest first; `None` where a run has none.
pub type Recent = BTreeMap<(BenchmarkId, Metric), Vec<Option<f64>>>;

/// The same as [`terminal_summary`], with a line of blocks for the newest runs of each benchmark where there is room.
#[must_use]
pub fn terminal_summary_with(
    report: &RunReport,
    recent: &Recent,
    width: usize,
    color: bool,
    ascii: bool,
) -> String {
    terminal::summary(report, recent, width, (color, ascii))
}

/// Draws values as a line of blocks, oldest first: eight heights, a dot for a gap; ASCII has signs in their place.
#[must_use]
pub fn sparkline(values: &[Option<f64>], dialect: Dialect) -> String {
    view::sparkline(values, dialect)
}

/// Draws the machine at `place` among the sides of a comparison (1 is the first after the reference) as lines of characters: the
/// ratio of each benchmark with its interval, and that of cycles; a fenced block in Markdown.
#[must_use]
pub fn ratio_text(found: &MachineComparison, place: usize, width: usize, dialect: Dialect) -> String {
    let text = view::ratio_text::ratio_text(found, place, width, dialect);
    if text.is_empty() || dialect != Dialect::Markdown {
        return text;
    }
    format!("{}\n", escape::markdown_fence(&text))
}

/// Counts the verdicts of two runs, with the reach of the changes behind those that moved; one line without a full stop.
#[must_use]
pub fn counted(rows: &[Comparison], dialect: Dialect) -> String {
    view::counted(rows, dialect)
}

/// Glyph and word of a verdict.
#[must_use]
pub fn verdict(value: Verdict, dialect: Dialect) -> String {
    view::words::verdict(value, dialect)
}

/// What is left of each reason once what all of them share is told together, and the sentence that tells it.
#[must_use]
pub fn reasons(rows: &[Comparison]) -> (Vec<String>, String) {
    let (left, together) =
        view::words::shared(&rows.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>());
    let together = view::words::together((&left, &together));
    (left, together)
}

/// The first of many names, and how many more there are.
#[must_use]
pub fn capped(names: &[String], most: usize) -> String {
    view::words::capped(names, most)
}

/// Wraps `text` in a Markdown code span that nothing in it can end.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    escape::markdown_code(text, false)
}

/// The versioned envelope of the machine-readable report.
#[derive(Debug, Serialize)]
struct Envelope<'a> {
    schema: &'static str,
    version: u32,
    #[serde(flatten)]
    report: &'a RunReport,
}

/// Writes the report as JSON: `{"schema": "bench-runner/report", "version": 1, …}` with the model's own fields.
///
/// # Errors
///
/// Returns [`ReportError::Json`] when the report cannot be serialised.
pub fn json(report: &RunReport) -> Result<String, ReportError> {
    let envelope = Envelope { schema: "bench-runner/report", version: 1, report };
    let mut text = serde_json::to_string_pretty(&envelope)?;
    text.push('\n');
    Ok(text)
}
