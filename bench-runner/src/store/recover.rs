//! Runs whose process died: found when the store is opened for writing, kept, and marked partial.
//!
//! A reader may not write that down, but tells it all the same: it looks at the locks and shows such runs as they will be.

use rusqlite::Connection;

use super::error::{Fault, StoreError};
use super::lock::{RunLock, is_free, lock_files};
use super::seal::{NO_END, seal};
use super::text::run_id;
use super::{Store, write};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::RunId;
use crate::model::run::{LaunchStatus, Run, RunStatus};

impl Store {
    /// Marks running runs without a living process as partial and removes lock files that nobody holds.
    pub(super) fn recover(&mut self) -> Result<Vec<RunId>, StoreError> {
        let path = self.path.clone();
        // Usually there is nothing to do, and that is found out without waiting for a writer.
        let running = self.read("looking for interrupted runs", running)?;
        if running.is_empty() && lock_files(&path).is_empty() {
            return Ok(Vec::new());
        }
        self.write("recovering interrupted runs", |tx| {
            let mut recovered = Vec::new();
            // Asked again under the write lock, under which runs begin and end.
            for id in self::running(tx)? {
                if let Some(lock) = RunLock::take(&path, &id)? {
                    close(tx, &id)?;
                    recovered.push(id);
                    drop(lock);
                }
            }
            for id in lock_files(&path) {
                // Taking and dropping a free lock removes its file; one that is held stays.
                drop(RunLock::take(&path, &id)?);
            }
            Ok(recovered)
        })
    }

    /// Whether a run that was read as running has lost its process. A store in memory dies with its process.
    pub(super) fn is_dead(&self, run: &RunId) -> Result<bool, StoreError> {
        // Locks lie beside the file itself, not beside a link to it.
        let file = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        if !self.on_disk || !is_free(&file, run) {
            return Ok(false);
        }
        // It may have ended between reading its status and looking at its lock; the lock goes after the end is stored.
        self.read("looking for interrupted runs", |connection| Ok(running(connection)?.contains(run)))
    }
}

/// Lists the runs that are marked as running, oldest id first.
fn running(connection: &Connection) -> Result<Vec<RunId>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM run WHERE status = 'running' ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(run_id(&row.get::<_, String>(0)?)?);
    }
    Ok(runs)
}

/// Closes an interrupted run as it is.
fn close(connection: &Connection, id: &RunId) -> Result<(), Fault> {
    let row = write::require(connection, id)?;
    let run = super::read::run(connection, row)?;
    let finding = interrupted(&run, measurements(connection, row)?);
    write::append_findings(connection, row, &[finding])?;
    // Nobody has said yet who signs; `Store::sign_runs` makes up for it.
    seal(connection, row, (RunStatus::Partial, None), None)
}

/// Counts the stored measurements of a run.
pub(super) fn measurements(connection: &Connection, row: i64) -> Result<u32, Fault> {
    Ok(connection.query_row(
        "SELECT count(*) FROM launch JOIN measurement USING (launch_id) WHERE run_id = ?1",
        [row],
        |row| row.get(0),
    )?)
}

/// Makes of a run whose process died what recovering it will make of it.
pub(super) fn as_recovered(run: &mut Run, measurements: u32) {
    run.findings.push(interrupted(run, measurements));
    run.status = RunStatus::Partial;
    for launch in run.launches.iter_mut().filter(|launch| launch.status == LaunchStatus::Running) {
        launch.status = LaunchStatus::Partial;
        launch.reason.get_or_insert_with(|| NO_END.to_owned());
    }
}

/// Says that the process of a run died.
fn interrupted(run: &Run, measurements: u32) -> Finding {
    let complete = run.launches.iter().filter(|launch| launch.status == LaunchStatus::Complete).count();
    let launches = run.launches.len();
    Finding {
        code: "run-interrupted".to_owned(),
        severity: Severity::Blocking,
        subject: String::new(),
        evidence: format!(
            "the process that measured this run ended without finishing it; {complete} of {launches} started launches \
             are complete, {measurements} measurements are stored"
        ),
        effect: "the run is partial: what is stored is exact, but no gate judges it and nothing is compared with it"
            .to_owned(),
        remedy: "run the suite again".to_owned(),
    }
}
