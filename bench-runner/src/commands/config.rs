//! `bench-runner config`: the resolved configuration, defaults included.

use std::fmt::Write as _;

use super::Session;
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::ui::table::quote_csv;

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
        Format::Csv => csv(&config)?,
        Format::Text | Format::Markdown => {
            let origin = config
                .file
                .as_ref()
                .map_or("built-in defaults".to_owned(), |file| file.display().to_string());
            let body =
                toml::to_string(&config).map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
            let body = format!("# from {origin}\n{body}");
            if session.format == Format::Markdown { format!("```toml\n{body}```\n") } else { body }
        }
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

/// One line a setting: its dotted name and its value in TOML.
fn csv(config: &crate::config::Config) -> Result<String, CliError> {
    let value =
        toml::Value::try_from(config).map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
    let mut lines = "setting,value\n".to_owned();
    flatten("", &value, &mut lines);
    Ok(lines)
}

fn flatten(name: &str, value: &toml::Value, lines: &mut String) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (key, inner) in table {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, inner, lines);
            }
        }
        other => {
            let (name, value) = (quote_csv(name), quote_csv(&other.to_string()));
            _ = writeln!(lines, "{name},{value}");
        }
    }
}
