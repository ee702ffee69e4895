//! Calibrations beside the experiments that they rest on. Rows are only added.
//!
//! Whether a calibration still counts is not decided here.

use rusqlite::params;

use super::Store;
use super::error::StoreError;
use super::experiment::required;
use super::text::{from_json, json_of};
use crate::model::calibration::Calibration;

impl Store {
    /// Stores a calibration; its experiment must be there, and has one at most.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be written.
    pub fn add_calibration(&mut self, calibration: &Calibration) -> Result<(), StoreError> {
        self.write("storing a calibration", |tx| {
            let row = required(tx, &calibration.experiment)?;
            tx.prepare_cached(
                "INSERT INTO calibration (experiment_id, machine, at_us, result_json) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                row,
                calibration.machine,
                calibration.at.0,
                json_of("a calibration", calibration)?
            ])?;
            Ok(())
        })
    }

    /// Returns the calibrations of a machine, or of all of them, the newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn calibrations(&self, machine: Option<&str>, limit: u32) -> Result<Vec<Calibration>, StoreError> {
        self.read("reading calibrations", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT result_json FROM calibration WHERE ?1 IS NULL OR machine = ?1
                 ORDER BY at_us DESC, experiment_id DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![machine, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(from_json("a calibration", &row.get::<_, String>(0)?)?);
            }
            Ok(found)
        })
    }
}
