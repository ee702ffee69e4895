//! The command line: global options and the list of commands. Each command's own arguments live in its file.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands;

/// Benchmark observatory: runs Criterion suites, keeps every observation, and says what may be concluded.
#[derive(Debug, Parser)]
#[command(name = "bench-runner", version, max_term_width = 100, after_long_help = after_help())]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Configuration file instead of the nearest `bench-runner.toml`
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Store instead of the configured one
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Form of the answer on stdout
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub format: Format,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value = "auto")]
    pub color: ColorChoice,
    /// Use ASCII only: no arrows, no block characters
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Print no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal.
    Text,
    /// For a pull request or a chat.
    Markdown,
    /// One versioned JSON object.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure a suite, store the run and write its report
    Run(Box<commands::run::Args>),
    /// Write the report of a stored run
    Report(commands::report::Args),
    /// List stored runs
    List(commands::list::Args),
    /// Show one run
    Show(commands::show::Args),
    /// Write the pages of the observatory: one folder, no server, no request
    Site(commands::site::Args),
    /// List machines, or show one
    Machines(commands::machines::Args),
    /// Say how far this machine can be trusted right now
    Doctor(commands::doctor::Args),
    /// Compare two stored runs, what differs between them first
    Compare(commands::compare::Args),
    /// Give a run a name to compare with later
    Baseline(commands::baseline::Args),
    /// Say why benchmarks moved between two runs
    Explain(commands::explain::Args),
    /// Measure equal executables against each other, and say what this machine makes of them
    Calibrate(Box<commands::calibrate::Args>),
    /// Say how many launches a wanted precision takes, and how long
    Plan(commands::plan::Args),
    /// Time the machine itself: clock, neighbours, memory, timer
    Canary(commands::canary::Args),
    /// Judge a stored run: budgets, and each series against its history
    Gate(Box<commands::gate::Args>),
    /// List changes that the gate found, and decide about them
    Changes(commands::changes::Args),
    /// Say that a benchmark goes on under a new name
    Alias(commands::alias::Args),
    /// Put a run aside, or take it back
    Quarantine(commands::quarantine::Args),
    /// Say whether tonight is fine, and what moved since when
    Trend(commands::trend::Args),
    /// Write what a release did to performance, and claim nothing else
    ReleaseNotes(Box<commands::release_notes::Args>),
    /// Measure two or more variants in turns, and say how they differ
    Experiment(Box<commands::experiment::Args>),
    /// Measure earlier commits, so that a history begins before today
    Backfill(Box<commands::backfill::Args>),
    /// Find the commit that changed a benchmark, by experiment
    Bisect(Box<commands::bisect::Args>),
    /// Say what rules of judging are worth, on made-up noise or on a history
    Evaluate(commands::evaluate::Args),
    /// Bring foreign results into the store
    Import(commands::import::Args),
    /// Write stored runs in the format of another tool
    Export(commands::export::Args),
    /// Write a run to one file, or read one; exchange runs through a folder
    Bundle(commands::bundle::Args),
    /// Check stored runs and words against what was signed
    Verify(commands::verify::Args),
    /// List what could make the code faster, and try it here
    Knobs(Box<commands::knobs::Args>),
    /// Look after the signing key and the trusted keys
    Key(commands::key::Args),
    /// Check, copy and prune the store
    Db(commands::db::Args),
    /// Print the resolved configuration
    Config(commands::config::Args),
    /// Print shell completions
    Completions(commands::completions::Args),
    /// Write man pages
    Man(commands::man::Args),
}

/// The exit codes below the long help.
fn after_help() -> String {
    format!("Exit codes:\n{}", crate::exit_code::table())
}
