//! `bench-runner bundle export|import`: one run as one file.

use std::path::PathBuf;

use super::{Session, load};
use crate::error::CliError;
use crate::exchange::bundle;
use crate::exit_code::{self, ExitCode};

/// Write a run to one file with digests of its parts, or read such a file
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write a stored run to a file
    Export {
        /// `latest`, a run id, or four or more characters of its beginning or end
        #[arg(value_name = "RUN")]
        run: String,
        /// File to write instead of `RUN.bundle.json` in the current folder
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Store the run of a file; storing it twice changes nothing
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
///
/// When the store or the file cannot be read or written, or a digest does not match.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    match &args.action {
        Action::Export { run, out } => {
            let store = load::open_to_read(&config)?;
            let id = store.resolve(run)?;
            let file = session.folder.join(out.clone().unwrap_or_else(|| bundle::file_name(&id)));
            bundle::write(&file, &store.record(&id)?)?;
            load::written(session, &file)?;
        }
        Action::Import { file } => {
            let record = bundle::read(&session.folder.join(file))
                .map_err(|error| CliError::from(error).about(&file.display().to_string()))?;
            let mut store = load::open_to_write(&config)?;
            let outcome = store.import_run(&record)?;
            load::stored(session, record.run.id.as_str(), outcome)?;
        }
    }
    Ok(exit_code::DONE)
}
