//! A fast path into a store for made-up histories: runs without launches' measurements, and whole lines of points.
//!
//! Runs arrive folded, as very old ones are. It is for development; nothing that was measured is stored this way.

use rusqlite::Connection;

use super::error::{Fault, StoreError};
use super::nights::{self, Night};
use super::{Store, dictionary, seal, write};
use crate::model::ids::{Digest, Identity};
use crate::model::record::SeriesKey;
use crate::model::run::{Run, RunStatus};

/// One made-up point of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BulkNight {
    /// What [`Store::bulk_runs`] returned for the run.
    pub run: i64,
    /// Median of the launch medians.
    pub value: f64,
    /// Standard deviation of their logarithms.
    pub log_sd: Option<f64>,
    /// How many launches.
    pub launches: u32,
}

impl Store {
    /// Begins to store made-up histories: this connection checks no references any more and is only good for that.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a store that has runs.
    pub fn bulk_begin(&mut self) -> Result<(), StoreError> {
        self.write("beginning made-up histories", |tx| {
            let runs: i64 = tx.query_row("SELECT count(*) FROM run", [], |row| row.get(0))?;
            if runs == 0 {
                Ok(())
            } else {
                Err(Fault::invalid("a store for made-up histories", "it has runs"))
            }
        })?;
        let set = || {
            self.connection.pragma_update(None, "foreign_keys", false)?;
            self.connection.pragma_update(None, "synchronous", "NORMAL")?;
            self.connection.pragma_update(None, "cache_size", -65_536)?;
            self.connection.query_row("PRAGMA wal_autocheckpoint = 4096", [], |_| Ok(()))
        };
        set().map_err(|error| super::error::classify(&self.path, "beginning made-up histories", error))
    }

    /// Stores made-up runs as folded ones, in one transaction. Returns their rows in order.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as [`Store::import_run`].
    pub fn bulk_runs(&mut self, runs: &[Run]) -> Result<Vec<i64>, StoreError> {
        self.write("storing made-up runs", |tx| {
            let mut rows = Vec::with_capacity(runs.len());
            for run in runs {
                let begun = Run { status: RunStatus::Running, finished: None, ..run.clone() };
                let row = write::insert_run(tx, &begun)?;
                tx.prepare_cached("INSERT INTO pruned_run (run_id, at_us) VALUES (?1, ?2)")?
                    .execute((row, run.started.0))?;
                tx.prepare_cached("INSERT INTO folded_run (run_id, at_us) VALUES (?1, ?2)")?
                    .execute((row, run.started.0))?;
                seal::seal_without_nights(tx, row, (run.status, run.finished))?;
                rows.push(row);
            }
            Ok(rows)
        })
    }

    /// Stores whole lines of points in one transaction; all runs of a line have the executable `code`.
    ///
    /// Lines that come in the order of their keys' first appearance, with points in the order of runs, are written fastest.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be written.
    pub fn bulk_lines(
        &mut self,
        lines: &[(SeriesKey, Vec<BulkNight>)],
        code: Digest,
    ) -> Result<(), StoreError> {
        self.write("storing made-up lines", |tx| {
            let code = nights::intern_code(tx, code)?;
            for (key, points) in lines {
                let series = intern(tx, key)?;
                for point in points {
                    let BulkNight { run, value, log_sd, launches } = *point;
                    let night = Night { series, ordinal: 0, value, log_sd, launches, code: None };
                    nights::insert(tx, run, &night, Some(code))?;
                }
            }
            Ok(())
        })
    }

    /// Closes the points of all made-up runs.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be written.
    pub fn bulk_end(&mut self, rows: &[i64]) -> Result<(), StoreError> {
        self.write("closing made-up lines", |tx| {
            rows.iter().try_for_each(|row| nights::close(tx, *row))?;
            Ok(())
        })
    }
}

/// Returns the row of a series by its key.
fn intern(connection: &Connection, key: &SeriesKey) -> Result<i64, Fault> {
    let identity = Identity {
        recipe: key.recipe,
        hw_class: String::new(),
        machine: key.machine.clone(),
        label: None,
        config: key.config.clone(),
        build: String::new(),
    };
    Ok(dictionary::intern_series(connection, &identity, &key.benchmark, &key.metric)?)
}
