//! `bench-runner config`: the resolved configuration, defaults included.

use super::Session;
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};

/// Print the resolved configuration
///
/// As TOML for people, or with `--format json` as one object.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
///
/// When the configuration is wrong or stdout cannot be written.
pub fn run(_: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let text = match session.format {
        Format::Json | Format::Jsonl => {
            let object = serde_json::json!({"schema": "bench-runner/config", "version": 1, "config": config});
            object.to_string()
        }
        Format::Text | Format::Markdown | Format::Csv => {
            let origin = config
                .file
                .as_ref()
                .map_or("built-in defaults".to_owned(), |file| file.display().to_string());
            let body =
                toml::to_string(&config).map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
            format!("# from {origin}\n{body}")
        }
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}
