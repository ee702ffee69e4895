//! Writing: one function per event of a run, each one immediate transaction.
//!
//! A measurement is either stored whole, with its digest, or not at all.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::dictionary::{intern, intern_benchmark, intern_identity, intern_series};
use super::error::{Fault, StoreError};
use super::lock::RunLock;
use super::seal::seal;
use super::text::{json_of, name_of};
use super::{Store, covariates, pack, read, rehash};
use crate::model::fact::{Fact, FactValue};
use crate::model::finding::Finding;
use crate::model::ids::{Identity, RunId};
use crate::model::measurement::{Measurement, Observation};
use crate::model::record::{RunRecord, StatedEstimate, measurement_digest};
use crate::model::run::{Executable, Launch, LaunchStatus, Run, RunStatus};
use crate::model::units::Timestamp;

/// What is known only when a run ends.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// How far the run got; not `running`.
    pub status: RunStatus,
    /// Last moment; `None` when nobody knows.
    pub finished: Option<Timestamp>,
    /// Facts read at the end, and differences; they are added to those of the start.
    pub facts: Vec<Fact>,
    /// Doubts about the run as a whole; they are added to those of the start.
    pub findings: Vec<Finding>,
}

/// What became of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The run is stored now.
    Added,
    /// The same run was stored already; nothing was changed.
    AlreadyThere,
}

impl Store {
    /// Stores the beginning of a run and marks it as alive until this store is dropped or the run is finished.
    ///
    /// Launches, facts and findings that the run already has are stored with it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] unless the status is `running`; [`StoreError`] when it cannot be written.
    pub fn begin_run(&mut self, run: &Run) -> Result<(), StoreError> {
        let lock_beside = self.on_disk.then(|| self.path.clone());
        let lock = self.write("beginning a run", |tx| {
            if run.status != RunStatus::Running {
                return Err(Fault::invalid("a new run", "it is not running"));
            }
            if row_of(tx, &run.id)?.is_some() {
                return Err(Fault::invalid(format!("run {}", run.id), "its id is taken"));
            }
            // Inside the transaction: nobody else can look for dead runs between the lock and the row.
            let lock = match lock_beside.map(|store| RunLock::take(&store, &run.id)).transpose()? {
                Some(None) => {
                    return Err(Fault::invalid(format!("run {}", run.id), "it is being measured elsewhere"));
                }
                Some(Some(lock)) => Some(lock),
                None => None,
            };
            insert_run(tx, run)?;
            Ok(lock)
        })?;
        if let Some(lock) = lock {
            self.locks.insert(run.id.clone(), lock);
        }
        Ok(())
    }

    /// Adds a launch to a running run.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: no such run, the run is finished, the ordinal is taken, or it cannot be written.
    pub fn add_launch(&mut self, run: &RunId, launch: &Launch) -> Result<(), StoreError> {
        self.write("adding a launch", |tx| insert_launch(tx, require(tx, run)?, launch))
    }

    /// Replaces a launch that was running by its final state.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: no such launch, it is already finished, or it cannot be written.
    pub fn finish_launch(&mut self, run: &RunId, launch: &Launch) -> Result<(), StoreError> {
        self.write("finishing a launch", |tx| {
            let changed = tx.prepare_cached(
                "UPDATE launch SET round = ?3, executable_sha256 = ?4, package = ?5, target = ?6, status = ?7,
                     capture = ?8, reason = ?9, harness_version = ?10, started_us = ?11, elapsed_seconds = ?12,
                     exit_code = ?13
                 WHERE run_id = ?1 AND ordinal = ?2",
            )?
            .execute(launch_columns(require(tx, run)?, launch)?)?;
            if changed != 1 {
                return Err(no_launch(run, launch.ordinal));
            }
            insert_covariates(tx, require(tx, run)?, launch)
        })
    }

    /// Stores one measurement of a launch with all its observations.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: no such launch, the run is finished, the benchmark was already measured in this launch, an
    /// observation is impossible, or it cannot be written.
    pub fn insert_measurement(
        &mut self,
        run: &RunId,
        launch: u32,
        measurement: &Measurement,
    ) -> Result<(), StoreError> {
        self.write("storing a measurement", |tx| {
            let row = require(tx, run)?;
            let launch_row = tx
                .prepare_cached("SELECT launch_id FROM launch WHERE run_id = ?1 AND ordinal = ?2")?
                .query_row((row, launch), |row| row.get(0))
                .optional()?
                .ok_or_else(|| no_launch(run, launch))?;
            let identity = read::identity_of_run(tx, row)?;
            insert_measurement(tx, &identity, (launch_row, launch), measurement)
        })
    }

    /// Ends a run: adds what is only known now, seals its parts with digests, and closes it for ever.
    ///
    /// Launches that are still `running` become partial.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] when a measured run shall be complete but has no launch, or one that is not complete;
    /// [`StoreError`]: no such run, it is finished already, or it cannot be written. Then it is still running.
    pub fn finish_run(&mut self, run: &RunId, end: &RunEnd) -> Result<(), StoreError> {
        let signer = self.signer.clone();
        self.write("finishing a run", |tx| {
            let row = require(tx, run)?;
            append_facts(tx, row, &end.facts)?;
            append_findings(tx, row, &end.findings)?;
            seal(tx, row, (end.status, end.finished), signer.as_deref())
        })?;
        self.locks.remove(run);
        Ok(())
    }

    /// Stores a finished run from elsewhere, whole or not at all. Storing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the id is stored with other content, [`StoreError::Invalid`] for a run that is still
    /// running or whose launches are not in order; [`StoreError`] when it cannot be written.
    pub fn import_run(&mut self, record: &RunRecord) -> Result<Imported, StoreError> {
        let signer = self.signer.clone();
        self.write("importing a run", |tx| {
            let digests = record.digests().map_err(|error| Fault::invalid("a run", error))?;
            if let Some(row) = row_of(tx, &record.run.id)? {
                let stored = read::digests(tx, row)?;
                // Of a folded run the digests of the measurements are gone; that of their list is there.
                let (_, folded) = rehash::state(tx, row)?;
                let differs = |part: &&String| {
                    stored.get(*part) != digests.get(*part) && !(folded && part.contains('/'))
                };
                return match digests.keys().chain(stored.keys()).find(differs) {
                    None => Ok(Imported::AlreadyThere),
                    Some(part) => {
                        Err(StoreError::Conflict { id: record.run.id.clone(), part: part.clone() }.into())
                    }
                };
            }
            if !record.run.launches.is_sorted_by(|a, b| a.ordinal < b.ordinal) {
                return Err(Fault::invalid(
                    format!("run {}", record.run.id),
                    "its launches are not in order",
                ));
            }
            if record.run.launches.iter().any(|launch| launch.status == LaunchStatus::Running) {
                return Err(Fault::invalid(format!("run {}", record.run.id), "a launch is still running"));
            }
            let row = insert_run(tx, &record.run)?;
            insert_content(tx, row, record)?;
            seal(tx, row, (record.run.status, record.run.finished), signer.as_deref())?;
            // What was stored must be what was given, down to the last digest.
            match read::digests(tx, row)? == digests {
                true => Ok(Imported::Added),
                false => Err(Fault::invalid(format!("run {}", record.run.id), "it does not survive storing")),
            }
        })
    }
}

/// Returns the row of a run, if there is one.
pub(super) fn row_of(connection: &Connection, run: &RunId) -> Result<Option<i64>, Fault> {
    Ok(connection
        .prepare_cached("SELECT run_id FROM run WHERE id = ?1")?
        .query_row([run.as_str()], |row| row.get(0))
        .optional()?)
}

/// Returns the row of a run that must be there.
pub(super) fn require(connection: &Connection, run: &RunId) -> Result<i64, Fault> {
    row_of(connection, run)?.ok_or_else(|| StoreError::NoSuchRun { text: run.to_string() }.into())
}

/// Says that a launch is missing.
fn no_launch(run: &RunId, ordinal: u32) -> Fault {
    Fault::invalid(format!("launch {ordinal} of run {run}"), "there is no such launch")
}

/// Inserts a run with status `running` and everything it already has.
pub(super) fn insert_run(connection: &Connection, run: &Run) -> Result<i64, Fault> {
    let identity = intern_identity(connection, &run.identity)?;
    connection
        .prepare_cached(
            "INSERT INTO run (id, kind, status, started_us, suite, title, identity_id, plan_json, written_by)
             VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            run.id.as_str(),
            name_of("the kind of a run", run.kind)?,
            run.started.0,
            run.suite,
            run.title,
            identity,
            json_of("the plan", &run.plan)?,
            env!("CARGO_PKG_VERSION"),
        ])?;
    let row = connection.last_insert_rowid();
    let mut inventory = connection
        .prepare_cached("INSERT INTO inventory (run_id, ordinal, benchmark_id) VALUES (?1, ?2, ?3)")?;
    for (ordinal, benchmark) in (0_i64..).zip(&run.inventory) {
        inventory.execute((row, ordinal, intern_benchmark(connection, benchmark)?))?;
    }
    for (ordinal, executable) in (0_i64..).zip(&run.executables) {
        insert_executable(connection, row, ordinal, executable)?;
    }
    for launch in &run.launches {
        insert_launch(connection, row, launch)?;
    }
    append_facts(connection, row, &run.facts)?;
    append_findings(connection, row, &run.findings)?;
    Ok(row)
}

/// Inserts measurements and stated estimates of a whole record.
fn insert_content(connection: &Connection, row: i64, record: &RunRecord) -> Result<(), Fault> {
    let mut launches = BTreeMap::new();
    let mut find = connection.prepare_cached("SELECT ordinal, launch_id FROM launch WHERE run_id = ?1")?;
    let mut rows = find.query([row])?;
    while let Some(found) = rows.next()? {
        launches.insert(found.get::<_, u32>(0)?, found.get::<_, i64>(1)?);
    }
    for entry in &record.measurements {
        let launch_row =
            *launches.get(&entry.launch).ok_or_else(|| no_launch(&record.run.id, entry.launch))?;
        insert_measurement(connection, &record.run.identity, (launch_row, entry.launch), &entry.measurement)?;
    }
    for (ordinal, stated) in (0_i64..).zip(&record.stated) {
        insert_stated(connection, &record.run.identity, (row, ordinal), stated)?;
    }
    Ok(())
}

/// Inserts one measurement; `launch` is its row and its ordinal.
fn insert_measurement(
    connection: &Connection,
    identity: &Identity,
    launch: (i64, u32),
    measurement: &Measurement,
) -> Result<(), Fault> {
    let what = || format!("the measurement of {}", measurement.benchmark);
    let packed = pack(&measurement.sample).map_err(|error| Fault::invalid(what(), error))?;
    let (median, minimum) =
        summary_of(&measurement.sample).ok_or_else(|| Fault::invalid(what(), "it has no observations"))?;
    let digest = measurement_digest(launch.1, measurement).map_err(|error| Fault::invalid(what(), error))?;
    let series = intern_series(connection, identity, &measurement.benchmark, &measurement.metric)?;
    let protocol = intern(
        connection,
        "SELECT protocol_id FROM protocol WHERE sampling = ?1 AND settings_json = ?2 AND throughput_json = ?3",
        "INSERT INTO protocol (sampling, settings_json, throughput_json) VALUES (?1, ?2, ?3)",
        (
            name_of("a sampling mode", measurement.sampling)?,
            json_of("harness settings", &measurement.settings)?,
            json_of("a throughput", &measurement.throughput)?,
        ),
    )?;
    connection
        .prepare_cached(
            "INSERT INTO measurement (launch_id, position, series_id, protocol_id, observations, median, minimum, sha256)
             VALUES (?1, (SELECT ifnull(max(position) + 1, 0) FROM measurement WHERE launch_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            launch.0,
            series,
            protocol,
            i64::try_from(measurement.sample.len()).unwrap_or(i64::MAX),
            median,
            minimum,
            digest.0,
        ])?;
    connection
        .prepare_cached("INSERT INTO sample (measurement_id, packed) VALUES (?1, ?2)")?
        .execute(params![connection.last_insert_rowid(), packed])?;
    Ok(())
}

/// Returns median and minimum per iteration, for lists.
pub(super) fn summary_of(sample: &[Observation]) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = sample.iter().map(|o| o.per_iteration()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some((f64::midpoint(lower, upper), *values.first()?))
}

/// Inserts one stated estimate; `place` is the row of the run and the ordinal in it.
fn insert_stated(
    connection: &Connection,
    identity: &Identity,
    place: (i64, i64),
    stated: &StatedEstimate,
) -> Result<(), Fault> {
    let interval = stated.estimate.interval;
    let numbers = [Some(stated.estimate.value), interval.map(|i| i.low), interval.map(|i| i.high)];
    if numbers.into_iter().flatten().any(|number| !number.is_finite()) {
        return Err(Fault::invalid(
            format!("the estimate of {}", stated.benchmark),
            "a number is not finite",
        ));
    }
    let series = intern_series(connection, identity, &stated.benchmark, &stated.metric)?;
    connection
        .prepare_cached(
            "INSERT INTO stated_estimate (run_id, ordinal, series_id, throughput_json, statistic, value, low, high, level,
                                          method, launches, observations)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            place.0,
            place.1,
            series,
            json_of("a throughput", &stated.throughput)?,
            name_of("a statistic", stated.estimate.statistic)?,
            stated.estimate.value,
            interval.map(|i| i.low),
            interval.map(|i| i.high),
            interval.map(|i| i.level),
            interval.map(|i| name_of("a method", i.method)).transpose()?,
            stated.estimate.launches,
            i64::try_from(stated.estimate.observations).unwrap_or(i64::MAX),
        ])?;
    Ok(())
}

/// Adds facts after those that the run has.
fn append_facts(connection: &Connection, row: i64, facts: &[Fact]) -> Result<(), Fault> {
    let next: i64 = connection.query_row(
        "SELECT ifnull(max(ordinal) + 1, 0) FROM fact WHERE run_id = ?1",
        [row],
        |row| row.get(0),
    )?;
    let mut insert = connection
        .prepare_cached("INSERT INTO fact (run_id, ordinal, phase, fact_text_id) VALUES (?1, ?2, ?3, ?4)")?;
    for (ordinal, fact) in (next..).zip(facts) {
        if matches!(fact.value, Some(FactValue::Number(number)) if !number.is_finite()) {
            return Err(Fault::invalid(format!("the fact `{}`", fact.key), "its number is not finite"));
        }
        let text = intern(
            connection,
            "SELECT fact_text_id FROM fact_text
             WHERE key = ?1 AND value_json = ?2 AND unit = ?3 AND status = ?4 AND source = ?5",
            "INSERT INTO fact_text (key, value_json, unit, status, source) VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                &fact.key,
                json_of("a fact", &fact.value)?,
                &fact.unit,
                name_of("the status of a fact", fact.status)?,
                &fact.source,
            ),
        )?;
        insert.execute((row, ordinal, name_of("a phase", fact.phase)?, text))?;
    }
    Ok(())
}

/// Adds findings after those that the run has.
pub(super) fn append_findings(connection: &Connection, row: i64, findings: &[Finding]) -> Result<(), Fault> {
    let next: i64 = connection.query_row(
        "SELECT ifnull(max(ordinal) + 1, 0) FROM finding WHERE run_id = ?1",
        [row],
        |row| row.get(0),
    )?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO finding (run_id, ordinal, code, severity, subject, evidence, effect, remedy)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (ordinal, finding) in (next..).zip(findings) {
        insert.execute(params![
            row,
            ordinal,
            finding.code,
            name_of("a severity", finding.severity)?,
            finding.subject,
            finding.evidence,
            finding.effect,
            finding.remedy,
        ])?;
    }
    Ok(())
}

/// Inserts one executable of a run.
fn insert_executable(
    connection: &Connection,
    row: i64,
    ordinal: i64,
    executable: &Executable,
) -> Result<(), Fault> {
    let size = i64::try_from(executable.bytes)
        .map_err(|error| Fault::invalid("the size of an executable", error))?;
    let id = intern(
        connection,
        "SELECT executable_id FROM executable WHERE sha256 = ?1 AND ?2 = ?2",
        "INSERT INTO executable (sha256, size_bytes) VALUES (?1, ?2)",
        (executable.digest.0, size),
    )?;
    connection
        .prepare_cached(
            "INSERT INTO run_executable (run_id, ordinal, executable_id, package, target) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![row, ordinal, id, executable.package, executable.target])?;
    Ok(())
}

/// Inserts one launch.
fn insert_launch(connection: &Connection, row: i64, launch: &Launch) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT INTO launch (run_id, ordinal, round, executable_sha256, package, target, status, capture, reason,
                                 harness_version, started_us, elapsed_seconds, exit_code)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(launch_columns(row, launch)?)?;
    insert_covariates(connection, row, launch)
}

/// Stores what was noticed about a launch, if anything was.
fn insert_covariates(connection: &Connection, row: i64, launch: &Launch) -> Result<(), Fault> {
    match &launch.covariates {
        Some(noticed) => covariates::insert(connection, row, launch.ordinal, noticed),
        None => Ok(()),
    }
}

/// The columns of a launch, numbered from 1 with its run and its ordinal.
fn launch_columns(row: i64, launch: &Launch) -> Result<impl rusqlite::Params + use<>, Fault> {
    if !launch.elapsed_seconds.is_finite() {
        return Err(Fault::invalid(format!("launch {}", launch.ordinal), "its duration is not finite"));
    }
    Ok((
        row,
        launch.ordinal,
        launch.round,
        launch.executable.0,
        launch.package.clone(),
        launch.target.clone(),
        name_of("the status of a launch", launch.status)?,
        launch.capture.map(|capture| name_of("a capture", capture)).transpose()?,
        launch.reason.clone(),
        launch.harness_version.clone(),
        launch.started.0,
        launch.elapsed_seconds,
        launch.exit_code,
    ))
}
