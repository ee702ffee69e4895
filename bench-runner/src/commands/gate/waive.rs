//! `bench-runner gate waive ID`: something does not count until a day.

use crate::cli::Format;
use crate::clock;
use crate::commands::{Session, load};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::{Decision, DecisionKind};
use crate::store::Store;

/// Let a change, a budget or a vanished benchmark not count until a day
///
/// The answer is still shown, with the reason; it speaks for no exit code. A waiver that ended is said to have ended.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of a change (four or more characters), id of a budget, or `target/full_id` of a benchmark
    #[arg(value_name = "ID")]
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Last day, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: String,
}

/// Runs the command.
pub(super) fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let usage = |text: String| CliError::new(exit_code::USAGE, text);
    if args.reason.trim().is_empty() {
        return Err(usage("the reason is empty".to_owned()));
    }
    let now = clock::now();
    let until = clock::end_of_day(&args.until)
        .ok_or_else(|| usage(format!("`{}` is not a day such as `2026-12-31`", args.until)))?;
    if until <= now {
        return Err(usage(format!("{} is over", args.until)));
    }
    let config = session.config()?;
    let mut store = load::open_to_write(&config)?;
    let budget = config.budgets.iter().any(|budget| budget.id == args.id);
    let subject = if budget { args.id.clone() } else { subject(&store, &args.id)? };
    let decision = Decision {
        subject,
        kind: DecisionKind::Waive,
        reason: args.reason.clone(),
        until: Some(until),
        at: now,
    };
    store.decide(&decision)?;
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => {
            let decision = load::json_of(&decision)?;
            serde_json::json!({"schema": "bench-runner/decision", "version": 1, "decision": decision})
                .to_string()
        }
        Format::Csv => {
            format!("subject,until\n{},{}", crate::ui::table::quote_csv(&decision.subject), args.until)
        }
        Format::Text | Format::Markdown => {
            format!("{} waived until the end of {}", decision.subject, args.until)
        }
    })?;
    Ok(exit_code::DONE)
}

/// A benchmark of the store, or a change.
fn subject(store: &Store, id: &str) -> Result<String, CliError> {
    let known = |name: &str| -> Result<bool, CliError> {
        Ok(store
            .series(None)?
            .iter()
            .any(|key| key.benchmark.to_string() == name || key.benchmark.long_name() == name))
    };
    if known(id)? {
        return Ok(id.to_owned());
    }
    let changes = store.changes()?;
    Ok(crate::commands::changes::find(&changes, id)
        .map_err(|error| {
            error.hinted(Some(
                "a budget's id and a benchmark's `target/full_id` can be waived as well".to_owned(),
            ))
        })?
        .id
        .clone())
}
