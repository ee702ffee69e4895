//! The end of a run: no launch stays open, every part gets its digest, and a run is complete only if its launches are.
//!
//! Finishing, importing and recovering end here. What the findings of an unfinished run say is decided elsewhere.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::error::Fault;
use super::text::name_of;
use super::{chain, nights, read};
use crate::model::ids::Digest;
use crate::model::record::{list_digest, run_digests, stated_digest};
use crate::model::run::{LaunchStatus, Run, RunKind, RunStatus};
use crate::model::seal::Signer;
use crate::model::units::Timestamp;

/// Why a launch without an end is partial.
pub(super) const NO_END: &str = "the runner ended before the launch did";

/// Closes a run: ends its launches, writes the digests of all parts but the measurements, which have theirs, and its points
/// on the lines of history, and has it signed if there is a signer.
pub(super) fn seal(
    connection: &Connection,
    row: i64,
    end: (RunStatus, Option<Timestamp>),
    signer: Option<&dyn Signer>,
) -> Result<(), Fault> {
    let (run, digests) = digest_parts(connection, row, end)?;
    nights::fill(connection, row)?;
    if let Some(signer) = signer {
        chain::link_run(connection, signer, (row, &run), &digests)?;
    }
    close(connection, row, end)
}

/// Closes a made-up run, whose points are written later.
pub(super) fn seal_without_nights(
    connection: &Connection,
    row: i64,
    end: (RunStatus, Option<Timestamp>),
) -> Result<(), Fault> {
    digest_parts(connection, row, end)?;
    close(connection, row, end)
}

/// Ends the launches of a run and writes the digests of its parts.
fn digest_parts(
    connection: &Connection,
    row: i64,
    (status, finished): (RunStatus, Option<Timestamp>),
) -> Result<(Run, BTreeMap<String, Digest>), Fault> {
    if status == RunStatus::Running {
        return Err(Fault::invalid("the end of a run", "its status is still running"));
    }
    connection
        .prepare_cached(
            "UPDATE launch SET status = 'partial', reason = ifnull(reason, ?2)
             WHERE run_id = ?1 AND status = 'running'",
        )?
        .execute((row, NO_END))?;
    let run = Run { status, finished, ..read::run(connection, row)? };
    if let Some(reason) = incomplete(&run) {
        return Err(Fault::invalid(format!("the end of run {}", run.id), reason));
    }
    let mut digests = run_digests(&run).map_err(|error| Fault::invalid("a run", error))?;
    let stated = stated_digest(&read::stated(connection, row)?)
        .map_err(|error| Fault::invalid("stated estimates", error))?;
    digests.insert("stated".to_owned(), stated);
    digests.insert("measurements".to_owned(), list_digest(&read::measurement_digests(connection, row)?));
    let mut insert =
        connection.prepare_cached("INSERT INTO part_digest (run_id, part, sha256) VALUES (?1, ?2, ?3)")?;
    for (part, digest) in &digests {
        insert.execute(params![row, part, digest.0])?;
    }
    Ok((run, digests))
}

/// Gives a run its final status: from now on triggers keep it.
fn close(
    connection: &Connection,
    row: i64,
    (status, finished): (RunStatus, Option<Timestamp>),
) -> Result<(), Fault> {
    connection
        .prepare_cached("UPDATE run SET status = ?2, finished_us = ?3 WHERE run_id = ?1")?
        .execute(params![row, name_of("the status of a run", status)?, finished.map(|at| at.0)])?;
    Ok(())
}

/// Says why a run that calls itself complete is not; records from elsewhere have no launches of ours to judge by.
fn incomplete(run: &Run) -> Option<String> {
    if run.status != RunStatus::Complete || run.kind != RunKind::Measured {
        return None;
    }
    if run.launches.is_empty() {
        return Some("it cannot be complete without a launch".to_owned());
    }
    let open = run.launches.iter().find(|launch| launch.status != LaunchStatus::Complete)?;
    Some(format!("it cannot be complete while launch {} is not", open.ordinal))
}
