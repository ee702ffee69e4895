//! `bench-runner list`: the stored runs, newest first.

use super::{Session, load};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::experiment::ExperimentListing;
use crate::model::record::RunListing;
use crate::model::run::{RunKind, RunStatus};
use crate::report::format::timestamp;
use crate::store::RunFilter;
use crate::ui::table::{Align, Column, Table};

/// List stored runs, newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show at most this many
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    limit: u32,
    /// Only runs of this machine key or label
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Only runs of this suite
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// List experiments instead of runs
    #[arg(long, conflicts_with_all = ["machine", "suite"])]
    experiments: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let store = load::open_to_read(&session.config()?)?;
    if args.experiments {
        let found = store.experiments(args.limit)?;
        let items = found.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
        load::show(session, &experiments(&found), "bench-runner/list-experiments", &items)?;
        return Ok(exit_code::DONE);
    }
    let filter =
        RunFilter { machine: args.machine.clone(), suite: args.suite.clone(), ..RunFilter::default() };
    let runs = store.runs(&filter, args.limit)?;
    let items = runs.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &table(&runs), "bench-runner/list", &items)?;
    Ok(exit_code::DONE)
}

fn experiments(found: &[ExperimentListing]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let row = |experiment: &ExperimentListing| {
        let purpose = format!("{:?}", experiment.purpose).to_lowercase();
        let ended = if experiment.finished.is_some() { "ended" } else { "open" };
        vec![
            experiment.id.to_string(),
            timestamp(experiment.started),
            purpose,
            ended.to_owned(),
            experiment.arms.join(", "),
            experiment.launches.to_string(),
        ]
    };
    Table {
        columns: vec![
            column("experiment", Align::Left, 0),
            column("started", Align::Left, 1),
            column("purpose", Align::Left, 2),
            column("status", Align::Left, 3),
            column("arms", Align::Left, 0),
            column("launches", Align::Right, 4),
        ],
        rows: found.iter().map(row).collect(),
    }
}

fn table(runs: &[RunListing]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("run", Align::Left, 0),
            column("started", Align::Left, 1),
            column("status", Align::Left, 0),
            column("suite", Align::Left, 0),
            column("profile", Align::Left, 3),
            column("benchmarks", Align::Right, 4),
            column("launches", Align::Right, 5),
            column("commit", Align::Left, 6),
            column("machine", Align::Left, 2),
            column("configuration", Align::Left, 9),
        ],
        rows: runs.iter().map(row).collect(),
    }
}

fn row(run: &RunListing) -> Vec<String> {
    let status = match (run.kind, run.status) {
        (RunKind::Summary, _) => "summary",
        (RunKind::Imported, _) => "imported",
        (RunKind::Measured, RunStatus::Running) => "running",
        (RunKind::Measured, RunStatus::Complete) => "complete",
        (RunKind::Measured, RunStatus::Partial) => "partial",
    };
    let commit = run.commit.as_deref().map_or("?", |commit| commit.get(..10).unwrap_or(commit));
    vec![
        run.id.to_string(),
        timestamp(run.started),
        status.to_owned(),
        run.suite.clone(),
        run.profile.clone().unwrap_or_else(|| "-".to_owned()),
        run.benchmarks.to_string(),
        run.launches.to_string(),
        commit.to_owned(),
        run.identity.label.clone().unwrap_or_else(|| run.identity.machine.clone()),
        run.identity.config.clone(),
    ]
}
