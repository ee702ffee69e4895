//! `bench-runner completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Session;
use crate::cli::Cli;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};

/// Print shell completions
///
/// For example: bench-runner completions bash > ~/.local/share/bash-completion/completions/bench-runner
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell to complete for
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bench-runner", &mut script);
    session.answer(&String::from_utf8_lossy(&script))?;
    Ok(exit_code::DONE)
}
