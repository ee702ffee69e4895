//! Benchmark observatory: runs Criterion suites, keeps every observation, and says what may be concluded.
//!
//! The layers, and what each must not do, are in `ARCHITECTURE.md`; the words are in `docs/glossary.md`.

pub mod analysis;
pub mod attest;
pub mod canary;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod criterion;
pub mod error;
pub mod exchange;
pub mod executables;
pub mod exit_code;
pub mod experiment;
pub mod files;
pub mod hardware;
pub mod model;
pub mod process;
pub mod report;
pub mod source;
pub mod stats;
pub mod store;
pub mod ui;
pub mod worktree;

use std::process::ExitCode;

use clap::Parser;

/// Runs the program: reads the command line, does what it says, prints an error with its hints, and gives the code.
#[must_use]
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == process::GUARD_WORD) {
        return process::guard_main(words);
    }
    let cli = cli::Cli::parse();
    // A panic is a bug of ours: 1, not Rust's 101, which means here that cargo could not build.
    let outcome = std::panic::catch_unwind(|| commands::dispatch(&cli)).unwrap_or_else(|_| {
        Err(error::CliError::new(
            exit_code::FAILURE,
            "bench-runner panicked; what was measured is in the store",
        )
        .hinted(Some("please report the message above".to_owned())))
    });
    match outcome {
        Ok(exit) => ExitCode::from(exit.code),
        Err(error) => {
            let json = matches!(cli.global.format, cli::Format::Json | cli::Format::Jsonl);
            ui::note(if json { error.json() } else { error.text() }.trim_end());
            ExitCode::from(error.exit.code)
        }
    }
}
