//! Trials of knobs: experiments with what was tried in them. Rows are added and never changed.
//!
//! What a trial says is computed from its launches, elsewhere.

use rusqlite::params;

use super::Store;
use super::error::{Fault, StoreError};
use super::text::{from_json, json_of, run_id};
use crate::model::ids::RunId;
use crate::model::knob::KnobTrial;

impl Store {
    /// Stores what an experiment tried.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] when there is no such experiment; [`StoreError`] when it has a trial already or cannot be
    /// written.
    pub fn add_knob_trial(&mut self, experiment: &RunId, trial: &KnobTrial) -> Result<(), StoreError> {
        self.write("storing a trial", |tx| {
            let added = tx
                .prepare_cached(
                    "INSERT INTO knob_trial (experiment_id, knob, session, trial_json)
                     SELECT experiment_id, ?2, ?3, ?4 FROM experiment WHERE id = ?1",
                )?
                .execute(params![
                    experiment.as_str(),
                    trial.knob,
                    trial.session,
                    json_of("a trial", trial)?
                ])?;
            match added {
                1 => Ok(()),
                _ => Err(Fault::invalid("a trial", format!("there is no experiment {experiment}"))),
            }
        })
    }

    /// Returns all trials with their experiments, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn knob_trials(&self) -> Result<Vec<(RunId, KnobTrial)>, StoreError> {
        self.read("reading trials", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, trial_json FROM knob_trial JOIN experiment USING (experiment_id) ORDER BY started_us, id",
            )?;
            let mut rows = statement.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let trial = from_json("a trial", &row.get::<_, String>(1)?)?;
                found.push((run_id(&row.get::<_, String>(0)?)?, trial));
            }
            Ok(found)
        })
    }
}
