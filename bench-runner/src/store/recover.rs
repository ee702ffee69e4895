//! Runs whose process died: found when the store is opened, kept, and marked partial.

use rusqlite::Connection;

use super::error::{Fault, StoreError};
use super::lock::{RunLock, lock_files};
use super::text::run_id;
use super::{Store, write};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::RunId;
use crate::model::run::RunStatus;

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
    let (launches, complete): (u32, u32) = connection.query_row(
        "SELECT count(*), count(*) FILTER (WHERE status = 'complete') FROM launch WHERE run_id = ?1",
        [row],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let measurements: u32 = connection.query_row(
        "SELECT count(*) FROM launch JOIN measurement USING (launch_id) WHERE run_id = ?1",
        [row],
        |row| row.get(0),
    )?;
    connection.execute(
        "UPDATE launch SET status = 'partial', reason = ifnull(reason, 'the runner ended before the launch did')
         WHERE run_id = ?1 AND status = 'running'",
        [row],
    )?;
    let finding = Finding {
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
    };
    write::append_findings(connection, row, &[finding])?;
    write::seal(connection, row, RunStatus::Partial, None)
}
