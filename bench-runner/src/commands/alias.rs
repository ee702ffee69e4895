//! `bench-runner alias OLD NEW`: the history of a renamed benchmark goes on.

use std::collections::BTreeSet;

use super::{Session, load};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::ids::BenchmarkId;
use crate::store::Store;

/// Say that a benchmark goes on under a new name
///
/// The points measured under OLD become the beginning of the line of NEW; both names are shown. Both must have been measured.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name before: `target/full_id`, or `package/target/full_id` where two packages share it
    #[arg(value_name = "OLD")]
    old: String,
    /// The name now
    #[arg(value_name = "NEW")]
    new: String,
}

/// Runs the command.
///
/// # Errors
///
/// When a name is not in the store or means several benchmarks, when the names would form a circle, or when the store cannot
/// be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let mut store = load::open_to_write(&session.config()?)?;
    let (old, new) = (named(&store, &args.old)?, named(&store, &args.new)?);
    let added = store.add_rename(&old, &new)?;
    let word = if added { "goes on as" } else { "already goes on as" };
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/alias", "version": 1,
            "old": old.long_name(), "new": new.long_name(), "added": added,
        })
        .to_string(),
        Format::Csv => {
            let quote = crate::ui::table::quote_csv;
            format!("old,new,added\n{},{},{added}", quote(&old.long_name()), quote(&new.long_name()))
        }
        Format::Text | Format::Markdown => format!("{} {word} {}", old.long_name(), new.long_name()),
    })?;
    Ok(exit_code::DONE)
}

/// The one benchmark of the store that is called so.
fn named(store: &Store, name: &str) -> Result<BenchmarkId, CliError> {
    let all: BTreeSet<BenchmarkId> = store.series(None)?.into_iter().map(|key| key.benchmark).collect();
    let found: Vec<&BenchmarkId> =
        all.iter().filter(|id| id.long_name() == name || id.to_string() == name).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(CliError::new(exit_code::NOTHING, format!("no benchmark of the store is called `{name}`"))
            .hinted(Some(
                "names are written `target/full_id`, as `bench-runner show` prints them".to_owned(),
            ))),
        several => {
            let names: Vec<String> = several.iter().map(|id| id.long_name()).collect();
            Err(CliError::new(exit_code::USAGE, format!("`{name}` means several benchmarks"))
                .hinted(Some(format!("write one of: {}", names.join(", ")))))
        }
    }
}
