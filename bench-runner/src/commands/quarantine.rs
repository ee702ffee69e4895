//! `bench-runner quarantine RUN`: a run that must not be judged with, and why.

use super::{Session, load};
use crate::cli::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::record::{Annotation, NoteTarget};
use crate::store::{QUARANTINE, RELEASE};

/// Put a run aside, or take it back
///
/// A run that was put aside stays in the store and in every list; no gate judges it, and none judges with it. Nothing is deleted:
/// both words stay, and the last one counts.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `latest`, a run id, or four or more characters of its beginning or end
    #[arg(value_name = "RUN")]
    run: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Take it back
    #[arg(long)]
    release: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When there is no such run, the reason is empty, or the store cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::new(exit_code::USAGE, "the reason is empty"));
    }
    let mut store = load::open_to_write(&session.config()?)?;
    let run = store.resolve(&args.run)?;
    let (kind, word) = if args.release { (RELEASE, "taken back") } else { (QUARANTINE, "put aside") };
    store.annotate(&Annotation {
        target: NoteTarget::Run,
        id: run.to_string(),
        kind: kind.to_owned(),
        text: args.reason.clone(),
        at: clock::now(),
    })?;
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/quarantine", "version": 1, "run": run, "kind": kind, "reason": args.reason,
        })
        .to_string(),
        Format::Csv => format!("run,kind,reason\n{run},{kind},{}", crate::ui::table::quote_csv(&args.reason)),
        Format::Text | Format::Markdown => format!("{run} {word}"),
    })?;
    Ok(exit_code::DONE)
}
