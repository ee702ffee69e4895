//! `bench-runner show [RUN]`: one run in the terminal.

use super::{Session, load};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::report;

/// Show one run: verdicts, results, findings
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `latest`, a run id, or four or more characters of its beginning or end
    #[arg(default_value = "latest", value_name = "RUN")]
    run: String,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, or there is no such run.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let content = load::report_of(&config, &store, &store.resolve(&args.run)?)?;
    let style = session.style;
    let text = match session.format {
        Format::Text => report::terminal_summary(&content, style.width, style.color, style.ascii),
        Format::Markdown => report::markdown_with(&super::report::templates(&config)?, &content)?,
        Format::Json | Format::Jsonl => report::json(&content)?,
        Format::Csv => report::csv(&content),
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}
