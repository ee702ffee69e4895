//! `bench-runner man DIR`: one page for the program and one for each command.

use std::path::PathBuf;

use clap::CommandFactory;

use super::{Session, load};
use crate::cli::Cli;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};

/// Write man pages
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to write `bench-runner.1`, `bench-runner-run.1` … into
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command.
///
/// # Errors
///
/// When the folder cannot be made or written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let written = || {
        std::fs::create_dir_all(&args.folder)?;
        clap_mangen::generate_to(Cli::command(), &args.folder)
    };
    written().map_err(|error| {
        CliError::from_error(exit_code::FAILURE, &error)
            .hinted(Some(format!("check that `{}` is a writable folder", args.folder.display())))
    })?;
    load::written(session, &args.folder)?;
    Ok(exit_code::DONE)
}
