//! Showing a sheet in the asked form, and writing it as files: what trend and release notes share.

use std::path::Path;

use super::{Session, load, report};
use crate::cli::Format;
use crate::config::Config;
use crate::error::CliError;
use crate::files::{self, Access};
use crate::report as render;
use crate::report::format::Dialect;
use crate::report::view::sheet::Sheet;
use crate::ui;

/// A page in the forms that it is shown and written in.
pub(super) struct Made<'a> {
    /// Makes the page in a dialect.
    pub(super) sheet: &'a dyn Fn(Dialect) -> Sheet,
    /// The object for programs, with schema and version.
    pub(super) json: serde_json::Value,
    /// The rows for spreadsheets, with a header.
    pub(super) csv: String,
    /// Name of the files, without ending.
    pub(super) name: &'static str,
}

/// The dialect of this terminal.
pub(super) fn dialect(session: &Session) -> Dialect {
    if session.style.ascii { Dialect::Ascii } else { Dialect::Terminal }
}

/// Writes the files, if a folder is given, and then the answer.
pub(super) fn show(
    made: &Made<'_>,
    out: Option<&Path>,
    config: &Config,
    session: &Session,
) -> Result<(), CliError> {
    let templates = report::templates(config)?;
    // All are rendered before any is written: a template error leaves no half page.
    let markdown = render::sheet_markdown(&templates, &(made.sheet)(Dialect::Markdown))?;
    if let Some(out) = out {
        let folder = session.folder.join(out);
        let html = render::sheet_html(&templates, &(made.sheet)(Dialect::Html))?;
        let json = format!("{}\n", made.json);
        for (ending, text) in [("md", &markdown), ("html", &html), ("json", &json)] {
            let file = folder.join(format!("{}.{ending}", made.name));
            files::write(&file, text.as_bytes(), Access::Default)?;
            if !session.style.quiet {
                ui::note(&format!("wrote {}", load::shown(session, &file)));
            }
        }
    }
    session.answer(&match session.format {
        Format::Text => render::sheet_text(&(made.sheet)(dialect(session)), session.style.width),
        Format::Markdown => markdown,
        Format::Json | Format::Jsonl => made.json.to_string(),
        Format::Csv => made.csv.clone(),
    })
}
