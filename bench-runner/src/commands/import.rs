//! `bench-runner import`: foreign results into the store.

mod criterion;
mod files;

use std::path::{Path, PathBuf};

use super::{Session, load};
use crate::error::CliError;
use crate::exchange::summary::{self as summary_file, Summary};
use crate::exit_code::{self, ExitCode};
use crate::store::{Imported, Store};

/// Bring foreign results into the store
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    file: files::FileArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Read a folder of Criterion results, such as `target/criterion`
    Criterion {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Results of this saved baseline instead of the latest ones
        #[arg(long, value_name = "NAME")]
        baseline: Option<String>,
        /// The results were made on this machine: file them under it
        #[arg(long)]
        here: bool,
    },
    /// Read a record of estimates without raw samples, such as `data/founding/november-5.json`
    Summary {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
///
/// When the source cannot be read or the store cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let (id, outcome) = match &args.action {
        None => return files::run(&args.file, session),
        Some(Action::Criterion { folder, baseline, here }) => {
            criterion::store(session, folder, baseline.as_deref(), *here)?
        }
        Some(Action::Summary { file }) => {
            let summary = read_summary(&session.folder.join(file))?;
            let mut store = load::open_to_write(&session.config()?)?;
            let outcome = store_summary(&mut store, &summary)?;
            (summary.record.run.id, outcome)
        }
    };
    load::stored(session, id.as_str(), outcome)?;
    Ok(exit_code::DONE)
}

/// Reads a summary record; an error names the file.
pub(super) fn read_summary(file: &Path) -> Result<Summary, CliError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    summary_file::read(file).map_err(|error| CliError::from(error).about(&name))
}

/// Stores a summary record with its annotations and aliases.
pub(super) fn store_summary(store: &mut Store, summary: &Summary) -> Result<Imported, CliError> {
    let run = &summary.record.run.id;
    // A record that contradicts the stored one is refused before anything of it is stored. A new one comes last: where
    // the run is, what belongs to it is as well, even if this process is killed in between.
    let known = if store.contains(run)? { Some(store.import_run(&summary.record)?) } else { None };
    for note in &summary.annotations {
        store.annotate(note)?;
    }
    for alias in &summary.aliases {
        store.add_alias(alias)?;
    }
    known.map_or_else(|| Ok(store.import_run(&summary.record)?), Ok)
}
