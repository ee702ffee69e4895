//! `bench-runner knobs`: what could make the code faster, tried on this machine instead of believed.

mod cards;
mod list;
mod load;
mod placebo;
mod plan;
mod present;
mod stack;
mod trying;

use std::path::PathBuf;

use super::Session;
use super::experiment::seconds;
use super::stage::{BuildArgs, WhatArgs};
use crate::error::CliError;
use crate::exit_code::ExitCode;

pub(super) use load::Trials;

/// List what could make the code faster, and try it here
///
/// Rules look for knobs in what is stored; `try` measures a knob in turns with the project as it is, and says verified,
/// harmful, no effect or inconclusive. The machine is never changed: what is turned is a build of its own, or the bench
/// process alone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the catalogue, what pays most first
    List(ListArgs),
    /// Show what to do about a run, the surest gain first: evidence, what trying showed, cost, risk, lines to paste
    Cards(CardsArgs),
    /// Show one knob: question, evidence, what trying it showed, what to paste
    Show(ShowArgs),
    /// Try knobs: measured in turns with the project as it is
    Try(Box<TryArgs>),
    /// Try all verified knobs together
    Stack(Box<StackArgs>),
    /// Trials of arms that are the same, or differ by a planted change: how often are verdicts wrong?
    #[command(hide = true)]
    Placebo(Box<PlaceboArgs>),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only what can be tried without privileges
    #[arg(long)]
    tryable: bool,
    /// A file of TOML lines `"REGEX on target/full_id" = SHARE`: which calls the code really makes
    #[arg(long, value_name = "FILE")]
    mix: Option<PathBuf>,
    /// Run whose evidence is asked
    #[arg(long, value_name = "RUN", default_value = "latest")]
    run: String,
}

#[derive(Debug, clap::Args)]
struct CardsArgs {
    /// Run whose evidence is asked
    #[arg(long, value_name = "RUN", default_value = "latest")]
    run: String,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The knob, as `knobs list` names it
    #[arg(value_name = "KNOB")]
    knob: String,
    /// Run whose evidence is asked
    #[arg(long, value_name = "RUN", default_value = "latest")]
    run: String,
}

/// How to measure a trial.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "How to measure")]
struct HowArgs {
    /// Most time for measuring, over all knobs; building is not counted
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = seconds)]
    budget: f64,
    /// Blocks of each bench target, whatever they say
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    blocks: Option<u32>,
    /// Seconds of warm-up of each launch and benchmark, instead of what the budget allows (at most 0.03)
    #[arg(long, value_name = "SECONDS")]
    warm_up: Option<f64>,
    /// Seconds of measuring of each launch and benchmark, instead of what the budget allows (0.02 to 0.1)
    #[arg(long, value_name = "SECONDS")]
    measuring: Option<f64>,
    /// Seed of the order, to repeat it
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Label for this machine instead of its key
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// End with 122 instead of waiting when another measurement is running
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, clap::Args)]
struct TryArgs {
    /// Knobs, as `knobs list --tryable` names them
    #[arg(value_name = "KNOB", required_unless_present = "all")]
    knobs: Vec<String>,
    /// All that can be tried here
    #[arg(long, conflicts_with = "knobs")]
    all: bool,
    /// Leave out what was tried already and still holds: goes on where an interrupted call ended
    #[arg(long)]
    missing: bool,
    /// What to measure
    #[command(flatten)]
    what: WhatArgs,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
    /// How to measure
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Debug, clap::Args)]
struct StackArgs {
    /// What to measure
    #[command(flatten)]
    what: WhatArgs,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
    /// How to measure
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Debug, clap::Args)]
struct PlaceboArgs {
    /// File of comma-separated values to which each trial is added; what it holds already is not measured again
    #[arg(long, value_name = "FILE")]
    evidence: PathBuf,
    /// How many trials the file should hold in the end
    #[arg(long, value_name = "N", default_value_t = 300)]
    trials: u32,
    /// NAME=A,B: the arms differ in this variable of the bench process instead, a change that the bench knows how to make
    #[arg(long, value_name = "NAME=A,B")]
    planted: Option<String>,
    /// What to measure
    #[command(flatten)]
    what: WhatArgs,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
    /// How to measure
    #[command(flatten)]
    how: HowArgs,
}

/// Runs the command.
///
/// # Errors
///
/// When there is no such knob, nothing can be built or measured, or the store cannot be used.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    match &args.what {
        What::List(args) => list::list(args, session),
        What::Cards(args) => cards::cards(args, session),
        What::Show(args) => list::show(args, session),
        What::Try(args) => trying::run(args, session),
        What::Stack(args) => stack::run(args, session),
        What::Placebo(args) => placebo::run(args, session),
    }
}
