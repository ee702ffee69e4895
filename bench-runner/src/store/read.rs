//! Reading whole runs back, exactly as they were given, and checking them against their digests.

mod outlines;

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::error::{Fault, StoreError};
use super::text::{BENCHMARK_COLUMNS, benchmark, digest, exactly, from_json, named, narrow, run_id};
use super::write::{require, row_of};
use super::{Store, covariates, pack, recover, rehash};
use crate::model::estimate::{ConfidenceInterval, Estimate};
use crate::model::fact::{Fact, Phase};
use crate::model::finding::Finding;
use crate::model::ids::{BenchmarkId, Digest, Identity, RunId};
use crate::model::measurement::Measurement;
use crate::model::record::{
    LaunchMeasurement, RunRecord, StatedEstimate, measurement_digest, measurement_part,
};
use crate::model::run::{Executable, Launch, Run, RunStatus};
use crate::model::units::{Metric, Timestamp};

impl Store {
    /// Returns everything about a run but its observations.
    ///
    /// A run whose process died is returned as partial, with the finding `run-interrupted`, even where this store is open
    /// for reading only and may not write that down.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be read.
    pub fn run(&self, run: &RunId) -> Result<Run, StoreError> {
        let (mut found, count) = self.read("reading a run", |connection| {
            let row = require(connection, run)?;
            Ok((self::run(connection, row)?, recover::measurements(connection, row)?))
        })?;
        if found.status == RunStatus::Running && self.is_dead(run)? {
            recover::as_recovered(&mut found, count);
        }
        Ok(found)
    }

    /// Whether there is a run of that id.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn contains(&self, run: &RunId) -> Result<bool, StoreError> {
        self.read("looking for a run", |connection| Ok(row_of(connection, run)?.is_some()))
    }

    /// Returns the measurements of a run by launch, and within a launch in the order of measuring.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], [`StoreError::Content`] for observations that do not match their digest, or
    /// [`StoreError`] when they cannot be read.
    pub fn measurements(&self, run: &RunId) -> Result<Vec<LaunchMeasurement>, StoreError> {
        self.read("reading measurements", |connection| measurements(connection, require(connection, run)?))
    }

    /// Returns the estimates that a record states without samples.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when they cannot be read.
    pub fn stated(&self, run: &RunId) -> Result<Vec<StatedEstimate>, StoreError> {
        self.read("reading stated estimates", |connection| stated(connection, require(connection, run)?))
    }

    /// Returns a whole run, for export; one whose process died as [`Store::run`] does.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as for its parts.
    pub fn record(&self, run: &RunId) -> Result<RunRecord, StoreError> {
        let mut record = self.read("reading a run", |connection| {
            let row = require(connection, run)?;
            Ok(RunRecord {
                run: self::run(connection, row)?,
                measurements: measurements(connection, row)?,
                stated: stated(connection, row)?,
            })
        })?;
        if record.run.status == RunStatus::Running && self.is_dead(run)? {
            let count = u32::try_from(record.measurements.len()).unwrap_or(u32::MAX);
            recover::as_recovered(&mut record.run, count);
        }
        Ok(record)
    }

    /// Returns the stored digests of the parts of a finished run; a running one has only those of its measurements.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when they cannot be read.
    pub fn digests(&self, run: &RunId) -> Result<BTreeMap<String, Digest>, StoreError> {
        self.read("reading digests", |connection| digests(connection, require(connection, run)?))
    }

    /// Reads a finished run again and returns the names of the parts that no longer match their digest, sorted.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when the rows themselves cannot be read.
    pub fn verify(&self, run: &RunId) -> Result<Vec<String>, StoreError> {
        self.read("verifying a run", |connection| {
            let row = require(connection, run)?;
            let mut stored = digests(connection, row)?;
            let mut actual = rehash::run(connection, row, &mut BTreeMap::new())?;
            if actual.folded {
                stored.retain(|part, _| !part.starts_with("measurement"));
            }
            // What stands beside the parts has no digest of its own here, and is judged by whether it follows from them.
            for (part, follows) in [("nights", actual.nights_follow), ("summaries", actual.summaries_follow)]
            {
                if follows {
                    actual.parts.remove(part);
                }
            }
            let mut parts: Vec<String> = stored
                .keys()
                .chain(actual.parts.keys())
                .filter(|part| stored.get(*part) != actual.parts.get(*part))
                .cloned()
                .collect();
            parts.sort();
            parts.dedup();
            Ok(parts)
        })
    }
}

/// Reads all rows of a query about one run.
fn rows<T>(
    connection: &Connection,
    sql: &str,
    run: i64,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([run])?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// Reads the identity of a run.
pub(super) fn identity_of_run(connection: &Connection, row: i64) -> Result<Identity, Fault> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {IDENTITY_COLUMNS} FROM run JOIN identity USING (identity_id) WHERE run_id = ?1"
        ))?
        .query_row([row], |row| identity(row, 0))?)
}

/// Columns of an identity in the order in which [`identity`] reads them.
pub(super) const IDENTITY_COLUMNS: &str =
    "identity.recipe, identity.hw_class, identity.machine, identity.label, identity.config, identity.build";

/// Reads an identity from six columns that begin at `first`.
pub(super) fn identity(row: &Row<'_>, first: usize) -> rusqlite::Result<Identity> {
    Ok(Identity {
        recipe: row.get(first)?,
        hw_class: row.get(first + 1)?,
        machine: row.get(first + 2)?,
        label: row.get(first + 3)?,
        config: row.get(first + 4)?,
        build: row.get(first + 5)?,
    })
}

/// Reads a run with all its lists.
pub(super) fn run(connection: &Connection, row: i64) -> Result<Run, Fault> {
    Ok(Run {
        inventory: inventory(connection, row)?,
        facts: facts(connection, row)?,
        executables: executables(connection, row)?,
        ..outline(connection, row)?
    })
}

/// Reads a run without its inventory, facts and executables.
fn outline(connection: &Connection, row: i64) -> Result<Run, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, kind, status, started_us, finished_us, suite, title, plan_json FROM run WHERE run_id = ?1",
    )?;
    let mut found = statement.query([row])?;
    let head = found.next()?.ok_or_else(|| Fault::content("a run", "its row is missing"))?;
    Ok(Run {
        id: run_id(&head.get::<_, String>(0)?)?,
        kind: named("the kind of a run", head.get(1)?)?,
        status: named("the status of a run", head.get(2)?)?,
        started: Timestamp(head.get(3)?),
        finished: head.get::<_, Option<i64>>(4)?.map(Timestamp),
        suite: head.get(5)?,
        title: head.get(6)?,
        identity: identity_of_run(connection, row)?,
        plan: from_json("the plan", &head.get::<_, String>(7)?)?,
        inventory: Vec::new(),
        facts: Vec::new(),
        executables: Vec::new(),
        launches: launches(connection, row)?,
        findings: findings(connection, row)?,
    })
}

/// Reads the inventory of a run.
fn inventory(connection: &Connection, run: i64) -> Result<Vec<BenchmarkId>, Fault> {
    let sql = format!(
        "SELECT {BENCHMARK_COLUMNS} FROM inventory JOIN benchmark USING (benchmark_id)
         WHERE run_id = ?1 ORDER BY ordinal"
    );
    rows(connection, &sql, run, |row| Ok(benchmark(row, 0)?))
}

/// Reads the facts of a run.
fn facts(connection: &Connection, run: i64) -> Result<Vec<Fact>, Fault> {
    let sql =
        "SELECT key, value_json, unit, status, source, phase FROM fact JOIN fact_text USING (fact_text_id)
               WHERE run_id = ?1 ORDER BY ordinal";
    rows(connection, sql, run, |row| fact(row, named("the phase of a fact", row.get(5)?)?))
}

/// Reads a fact from its key, value, unit, status and source, the first five columns.
fn fact(row: &Row<'_>, phase: Phase) -> Result<Fact, Fault> {
    Ok(Fact {
        key: row.get(0)?,
        value: exactly("the value of a fact", &row.get::<_, String>(1)?)?,
        unit: row.get(2)?,
        status: named("the status of a fact", row.get(3)?)?,
        source: row.get(4)?,
        phase,
    })
}

/// Reads the executables of a run.
fn executables(connection: &Connection, run: i64) -> Result<Vec<Executable>, Fault> {
    let sql =
        "SELECT sha256, size_bytes, package, target FROM run_executable JOIN executable USING (executable_id)
               WHERE run_id = ?1 ORDER BY ordinal";
    rows(connection, sql, run, |row| {
        Ok(Executable {
            digest: digest(&row.get::<_, Vec<u8>>(0)?)?,
            bytes: narrow("the size of an executable", row.get(1)?)?,
            package: row.get(2)?,
            target: row.get(3)?,
        })
    })
}

/// Reads the launches of a run.
fn launches(connection: &Connection, run: i64) -> Result<Vec<Launch>, Fault> {
    let sql = format!(
        "SELECT ordinal, round, executable_sha256, package, target, status, capture, reason, harness_version,
                started_us, elapsed_seconds, exit_code, {}
         FROM launch LEFT JOIN launch_covariates USING (launch_id) WHERE run_id = ?1 ORDER BY ordinal",
        covariates::COLUMNS
    );
    rows(connection, &sql, run, |row| {
        Ok(Launch {
            ordinal: row.get(0)?,
            round: row.get(1)?,
            executable: digest(&row.get::<_, Vec<u8>>(2)?)?,
            package: row.get(3)?,
            target: row.get(4)?,
            status: named("the status of a launch", row.get(5)?)?,
            capture: row.get::<_, Option<String>>(6)?.map(|name| named("a capture", name)).transpose()?,
            reason: row.get(7)?,
            harness_version: row.get(8)?,
            started: Timestamp(row.get(9)?),
            elapsed_seconds: row.get(10)?,
            exit_code: row.get(11)?,
            covariates: covariates::read(row, 12)?,
        })
    })
}

/// Reads the findings of a run.
fn findings(connection: &Connection, run: i64) -> Result<Vec<Finding>, Fault> {
    let sql = "SELECT code, severity, subject, evidence, effect, remedy FROM finding WHERE run_id = ?1 ORDER BY ordinal";
    rows(connection, sql, run, |row| {
        Ok(Finding {
            code: row.get(0)?,
            severity: named("a severity", row.get(1)?)?,
            subject: row.get(2)?,
            evidence: row.get(3)?,
            effect: row.get(4)?,
            remedy: row.get(5)?,
        })
    })
}

/// Reads the stated estimates of a run.
pub(super) fn stated(connection: &Connection, run: i64) -> Result<Vec<StatedEstimate>, Fault> {
    let sql = format!(
        "SELECT {BENCHMARK_COLUMNS}, metric.name, metric.unit, throughput_json, statistic, stated_estimate.value, low, high,
                level, method, launches, observations
         FROM stated_estimate JOIN series USING (series_id) JOIN benchmark USING (benchmark_id) JOIN metric USING (metric_id)
         WHERE run_id = ?1 ORDER BY ordinal"
    );
    rows(connection, &sql, run, |row| {
        let bounds = (row.get(11)?, row.get(12)?, row.get(13)?, row.get::<_, Option<String>>(14)?);
        let interval = match bounds {
            (Some(low), Some(high), Some(level), Some(method)) => {
                Some(ConfidenceInterval { low, high, level, method: named("a method", method)? })
            }
            (None, None, None, None) => None,
            _ => return Err(Fault::content("an interval", "a part of it is missing")),
        };
        Ok(StatedEstimate {
            benchmark: benchmark(row, 0)?,
            metric: Metric { name: row.get(6)?, unit: row.get(7)? },
            throughput: exactly("a throughput", &row.get::<_, String>(8)?)?,
            estimate: Estimate {
                statistic: named("a statistic", row.get(9)?)?,
                value: row.get(10)?,
                interval,
                launches: row.get(15)?,
                observations: narrow("a number of observations", row.get(16)?)?,
            },
        })
    })
}

/// Reads the measurements of a run; the first that is damaged is an error.
fn measurements(connection: &Connection, run: i64) -> Result<Vec<LaunchMeasurement>, Fault> {
    if rehash::state(connection, run)? != (false, false) {
        let id: String =
            connection.query_row("SELECT id FROM run WHERE run_id = ?1", [run], |row| row.get(0))?;
        return Err(StoreError::Pruned { id: run_id(&id)? }.into());
    }
    let mut values = Vec::new();
    for_each_measurement(connection, run, |launch, _, measurement| {
        values.push(LaunchMeasurement { launch, measurement: measurement? });
        Ok(())
    })?;
    Ok(values)
}

/// Hands launch, position and content of each measurement of a run to `take`; damaged content comes as an error.
fn for_each_measurement(
    connection: &Connection,
    run: i64,
    mut take: impl FnMut(u32, u32, Result<Measurement, Fault>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT launch.ordinal, measurement.position, {BENCHMARK_COLUMNS}, metric.name, metric.unit, throughput_json,
                sampling, settings_json, measurement.sha256, packed
         FROM launch JOIN measurement USING (launch_id) JOIN series USING (series_id) JOIN benchmark USING (benchmark_id)
              JOIN metric USING (metric_id) JOIN protocol USING (protocol_id) LEFT JOIN sample USING (measurement_id)
         WHERE launch.run_id = ?1 ORDER BY launch.ordinal, measurement.position"
    ))?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        take(row.get(0)?, row.get(1)?, measurement(row))?;
    }
    Ok(())
}

/// Reads one measurement and checks it against its digest.
fn measurement(row: &Row<'_>) -> Result<Measurement, Fault> {
    let benchmark = benchmark(row, 2)?;
    let what = format!("the measurement of {benchmark}");
    let damaged = |reason: String| Fault::content(what.clone(), reason);
    let packed: Option<Vec<u8>> = row.get(14)?;
    let sample = match packed {
        None => return Err(damaged("its sample is missing".to_owned())),
        Some(packed) => pack::unpack(&packed).map_err(|error| damaged(error.to_string()))?,
    };
    let measurement = Measurement {
        metric: Metric { name: row.get(8)?, unit: row.get(9)? },
        throughput: from_json("a throughput", &row.get::<_, String>(10)?)?,
        sampling: named("a sampling mode", row.get(11)?)?,
        settings: from_json("harness settings", &row.get::<_, String>(12)?)?,
        sample,
        benchmark,
    };
    let actual = measurement_digest(row.get(0)?, &measurement).map_err(|error| damaged(error.to_string()))?;
    if actual == digest(&row.get::<_, Vec<u8>>(13)?)? {
        Ok(measurement)
    } else {
        Err(damaged("it does not match its SHA-256".to_owned()))
    }
}

/// Reads the stored digests of the measurements of a run.
pub(super) fn measurement_digests(
    connection: &Connection,
    run: i64,
) -> Result<BTreeMap<String, Digest>, Fault> {
    let sql =
        "SELECT launch.ordinal, position, measurement.sha256 FROM launch JOIN measurement USING (launch_id)
               WHERE launch.run_id = ?1";
    let list = rows(connection, sql, run, |row| {
        Ok((measurement_part(row.get(0)?, row.get(1)?), digest(&row.get::<_, Vec<u8>>(2)?)?))
    })?;
    Ok(list.into_iter().collect())
}

/// Reads the stored digests of all parts of a run.
pub(super) fn digests(connection: &Connection, run: i64) -> Result<BTreeMap<String, Digest>, Fault> {
    let mut digests = measurement_digests(connection, run)?;
    digests.extend(rows(connection, "SELECT part, sha256 FROM part_digest WHERE run_id = ?1", run, |row| {
        Ok((row.get(0)?, digest(&row.get::<_, Vec<u8>>(1)?)?))
    })?);
    Ok(digests)
}

/// Returns the text in the first row of a query, if there is a row.
pub(super) fn optional_text(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Option<String>, Fault> {
    Ok(connection.prepare_cached(sql)?.query_row(parameters, |row| row.get(0)).optional()?)
}
