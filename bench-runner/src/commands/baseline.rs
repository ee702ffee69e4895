//! `bench-runner baseline NAME [RUN]`: a name of its own for a run, to compare with later.
//!
//! A name may be given again: earlier meanings stay in the store. The executables of a baseline are never pruned.

use super::{Session, load};
use crate::cli::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};

/// Longest name, in characters.
const LONGEST: usize = 80;

/// Give a run a name to compare with later, and keep its executables
///
/// `compare NAME` then means that run, until the name is given to another one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name, such as `v1.0` or `before-the-rewrite`
    #[arg(value_name = "NAME")]
    name: String,
    /// `latest`, a run id, another baseline, or four or more characters of an id's beginning or end
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
}

/// Runs the command.
///
/// # Errors
///
/// When the name is none, there is no such run, or the store cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.name.trim();
    let odd = name.is_empty() || name == "latest" || name.chars().any(char::is_control);
    if odd || name.chars().count() > LONGEST {
        let text = format!("`{}` cannot be the name of a baseline", args.name.escape_debug());
        return Err(CliError::new(exit_code::USAGE, text)
            .hinted(Some(format!("a name has 1 to {LONGEST} characters, and is not `latest`"))));
    }
    let mut store = load::open_to_write(&session.config()?)?;
    let run = store.resolve(&args.run)?;
    store.set_baseline(name, &run, clock::now())?;
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/baseline", "version": 1, "name": name, "run": run,
        })
        .to_string(),
        Format::Csv => format!("name,run\n{},{run}", crate::ui::table::quote_csv(name)),
        Format::Text | Format::Markdown => format!("`{name}` is run {run}"),
    })?;
    Ok(exit_code::DONE)
}
