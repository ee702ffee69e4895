//! `bench-runner import criterion|summary`: foreign results into the store.

use std::path::{Path, PathBuf};

use super::{Session, load, machine};
use crate::analysis::identity::identify;
use crate::clock;
use crate::criterion::import as criterion;
use crate::error::CliError;
use crate::exchange::summary as summary_file;
use crate::exit_code::{self, ExitCode};
use crate::files;
use crate::model::ids::Identity;
use crate::model::record::{LaunchMeasurement, RunRecord};
use crate::model::run::{Capture, Launch, LaunchStatus, Run, RunKind, RunStatus};
use crate::store::{Imported, Store};

/// Bring foreign results into the store
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
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
    let config = session.config()?;
    let (id, outcome) = match &args.action {
        Action::Criterion { folder, baseline, here } => {
            let read = criterion::import(&session.folder.join(folder), baseline.as_deref())?;
            let identity = if *here {
                let facts =
                    machine::facts(session, &session.folder, &config.store, crate::model::fact::Phase::Start);
                identify(&facts, &machine::machine_id(&config.store), None)
            } else {
                unknown_identity()
            };
            let record = record(read, identity);
            let mut store = load::open_to_write(&config)?;
            (record.run.id.to_string(), store.import_run(&record)?)
        }
        Action::Summary { file } => {
            let mut store = load::open_to_write(&config)?;
            summary(&mut store, &session.folder.join(file))?
        }
    };
    load::stored(session, &id, outcome)?;
    Ok(exit_code::DONE)
}

/// Stores the summary record of `file` with its annotations and aliases.
pub(super) fn summary(store: &mut Store, file: &Path) -> Result<(String, Imported), CliError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let summary = summary_file::read(file).map_err(|error| CliError::from(error).about(&name))?;
    let outcome = store.import_run(&summary.record)?;
    for note in &summary.annotations {
        store.annotate(note)?;
    }
    for alias in &summary.aliases {
        store.add_alias(alias)?;
    }
    Ok((summary.record.run.id.to_string(), outcome))
}

/// Results whose machine nobody wrote down belong to no known machine.
fn unknown_identity() -> Identity {
    Identity {
        recipe: crate::analysis::identity::RECIPE,
        hw_class: "?".to_owned(),
        machine: "imported".to_owned(),
        label: None,
        config: "?".to_owned(),
        build: "?".to_owned(),
    }
}

/// One folder of results as a run with one launch.
fn record(read: criterion::Imported, identity: Identity) -> RunRecord {
    let mut inventory: Vec<_> =
        read.measurements.iter().map(|measurement| measurement.benchmark.clone()).collect();
    inventory.sort();
    let elapsed = (read.last.0 - read.first.0).max(0);
    let launch = Launch {
        ordinal: 0,
        round: 0,
        executable: files::sha256(b""),
        package: criterion::IMPORTED.to_owned(),
        target: criterion::IMPORTED.to_owned(),
        status: LaunchStatus::Complete,
        capture: Some(Capture::Files),
        reason: None,
        harness_version: None,
        started: read.first,
        #[expect(clippy::cast_precision_loss, reason = "microseconds within one session")]
        elapsed_seconds: elapsed as f64 / 1e6,
        exit_code: None,
    };
    let run = Run {
        id: clock::new_run_id(read.first),
        kind: RunKind::Imported,
        status: RunStatus::Complete,
        started: read.first,
        finished: Some(read.last),
        suite: criterion::IMPORTED.to_owned(),
        title: Some("imported from a folder of Criterion results".to_owned()),
        identity,
        plan: None,
        inventory,
        facts: Vec::new(),
        executables: Vec::new(),
        launches: vec![launch],
        findings: read.findings,
    };
    let measurements = read
        .measurements
        .into_iter()
        .map(|measurement| LaunchMeasurement { launch: 0, measurement })
        .collect();
    RunRecord { run, measurements, stated: Vec::new() }
}
