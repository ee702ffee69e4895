//! `bench-runner report [RUN]`: the note as Markdown and as one HTML page.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Session, load};
use crate::cli::Format;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::files::{self, Access};
use crate::model::report::RunReport;
use crate::report::{self, TEMPLATE_NAMES, Templates};

/// Upper limit of a user's template in bytes.
const MAX_TEMPLATE_BYTES: u64 = 1 << 20;

/// Write the report of a stored run
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `latest`, a run id, or four or more characters of its beginning or end
    #[arg(default_value = "latest", value_name = "RUN")]
    run: String,
    /// Folder to write into instead of one named after the run
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The two files of a report.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Markdown.
    pub(super) markdown: PathBuf,
    /// HTML.
    pub(super) html: PathBuf,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, there is no such run, a template is wrong, or the files cannot
/// be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let content = load::report_of(&config, &store, &store.resolve(&args.run)?)?;
    let written = write(&config, &content, args.out.as_ref().map(|out| session.folder.join(out)))?;
    let (markdown, html) = (load::shown(session, &written.markdown), load::shown(session, &written.html));
    let text = match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/written", "version": 1,
            "run": content.run.id, "markdown": markdown, "html": html,
        })
        .to_string(),
        Format::Text | Format::Markdown | Format::Csv => format!("{markdown}\n{html}\n"),
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

/// Writes both files and says where they are.
pub(super) fn write(config: &Config, content: &RunReport, out: Option<PathBuf>) -> Result<Written, CliError> {
    let templates = templates(config)?;
    let folder = out.unwrap_or_else(|| config.reports.join(content.run.id.as_str()));
    let written = Written { markdown: folder.join("report.md"), html: folder.join("report.html") };
    // Both are rendered before either is written: a template error leaves no half report.
    let markdown = report::markdown_with(&templates, content)?;
    let html = report::html_with(&templates, content)?;
    files::write(&written.markdown, markdown.as_bytes(), Access::Default)?;
    files::write(&written.html, html.as_bytes(), Access::Default)?;
    Ok(written)
}

/// The built-in templates with those of the configured folder in their place.
pub(super) fn templates(config: &Config) -> Result<Templates, CliError> {
    let Some(folder) = &config.templates else { return Ok(Templates::built_in()) };
    if !folder.is_dir() {
        let what = format!("the configured folder of templates `{}` is not there", folder.display());
        return Err(CliError::new(exit_code::CONFIGURATION, what)
            .hinted(Some("correct `templates` in bench-runner.toml, or leave it out".to_owned())));
    }
    let mut sources = BTreeMap::new();
    for name in TEMPLATE_NAMES {
        let file = folder.join(name);
        if file.is_file() {
            let content = files::read(&file, MAX_TEMPLATE_BYTES)?;
            sources.insert((*name).to_owned(), String::from_utf8_lossy(&content).into_owned());
        }
    }
    Ok(Templates::replacing(sources)?)
}
