//! Experiments: their arms, which are runs, and which launch of them belongs to which block.
//!
//! Rows are added as an experiment goes on; only its end is filled in. What is concluded is stored as it was concluded
//! then, and can be computed again.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::{Fault, StoreError};
use super::lock::RunLock;
use super::text::{digest, from_json, json_of, name_of, named, narrow, run_id};
use super::write::{insert_run, require, row_of};
use super::{Store, listing};
use crate::model::decision::Change;
use crate::model::experiment::{Arm, Experiment, ExperimentLaunch, ExperimentListing, ExperimentResult};
use crate::model::ids::{Digest, RunId};
use crate::model::run::{Run, RunStatus};
use crate::model::units::Timestamp;

/// Newest runs of each machine whose executables are kept: tonight's and the three before, which the gate measures against.
const PINNED_RUNS: u32 = 4;

impl Store {
    /// Stores the beginning of an experiment and of the runs that are its arms, in the order of its arms.
    ///
    /// The runs are marked as alive as [`Store::begin_run`] does; launches are added with [`Store::add_launch`] and
    /// [`Store::add_experiment_launch`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] when arms and runs do not belong together or a run is not `running`; [`StoreError`] when it
    /// cannot be written.
    pub fn begin_experiment(&mut self, experiment: &Experiment, runs: &[Run]) -> Result<(), StoreError> {
        let lock_beside = self.on_disk.then(|| self.path.clone());
        let locks = self.write("beginning an experiment", |tx| {
            let what = || format!("experiment {}", experiment.id);
            if !runs.iter().map(|run| &run.id).eq(experiment.arms.iter().map(|arm| &arm.run)) {
                return Err(Fault::invalid(what(), "its runs are not those of its arms"));
            }
            tx.prepare_cached(
                "INSERT INTO experiment (id, purpose, started_us, seed, written_by) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                experiment.id.as_str(),
                name_of("a purpose", experiment.purpose)?,
                experiment.started.0,
                experiment.seed.to_string(),
                env!("CARGO_PKG_VERSION"),
            ])?;
            let row = tx.last_insert_rowid();
            let mut locks = Vec::new();
            for (ordinal, (arm, run)) in (0_i64..).zip(experiment.arms.iter().zip(runs)) {
                if run.status != RunStatus::Running {
                    return Err(Fault::invalid("a new run", "it is not running"));
                }
                if row_of(tx, &run.id)?.is_some() {
                    return Err(Fault::invalid(format!("run {}", run.id), "its id is taken"));
                }
                match lock_beside.as_ref().map(|store| RunLock::take(store, &run.id)).transpose()? {
                    Some(Some(lock)) => locks.push((run.id.clone(), lock)),
                    Some(None) => {
                        return Err(Fault::invalid(format!("run {}", run.id), "it is being measured elsewhere"));
                    }
                    None => {}
                }
                let run_row = insert_run(tx, run)?;
                tx.prepare_cached(
                    "INSERT INTO experiment_arm (experiment_id, ordinal, run_id, variant_json) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![row, ordinal, run_row, json_of("a variant", &arm.variant)?])?;
            }
            Ok(locks)
        })?;
        self.locks.extend(locks);
        Ok(())
    }

    /// Adds a launch to an experiment that goes on; the launch itself is in the run of its arm.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: no such experiment, its position is taken, or it cannot be written.
    pub fn add_experiment_launch(
        &mut self,
        experiment: &RunId,
        launch: &ExperimentLaunch,
    ) -> Result<(), StoreError> {
        self.write("adding a launch to an experiment", |tx| {
            let row = required(tx, experiment)?;
            tx.prepare_cached(
                "INSERT INTO experiment_launch (experiment_id, position, block, arm, side, role, launch, contaminated)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                row,
                launch.position,
                launch.block,
                launch.arm,
                launch.side,
                name_of("a role", launch.role)?,
                launch.launch,
                launch.contaminated,
            ])?;
            Ok(())
        })
    }

    /// Closes an experiment with what was concluded; its runs are finished on their own, before.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: no such experiment, it is closed already, or it cannot be written.
    pub fn finish_experiment(
        &mut self,
        experiment: &RunId,
        finished: Timestamp,
        result: &ExperimentResult,
    ) -> Result<(), StoreError> {
        self.write("finishing an experiment", |tx| {
            let row = required(tx, experiment)?;
            tx.prepare_cached(
                "UPDATE experiment SET finished_us = ?2, result_json = ?3 WHERE experiment_id = ?1",
            )?
            .execute(params![row, finished.0, json_of("a result", result)?])?;
            Ok(())
        })
    }

    /// Returns an experiment with all its launches.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be read.
    pub fn experiment(&self, experiment: &RunId) -> Result<Experiment, StoreError> {
        self.read("reading an experiment", |connection| {
            let row = required(connection, experiment)?;
            let mut found = connection
                .prepare_cached(
                    "SELECT id, purpose, started_us, finished_us, seed FROM experiment WHERE experiment_id = ?1",
                )?
                .query_row([row], |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, String>(1)?,
                        row.get::<_, i64>(2)?,
                        row.get::<_, Option<i64>>(3)?,
                        row.get::<_, String>(4)?,
                    ))
                })
                .map(|(id, purpose, started, finished, seed)| -> Result<Experiment, Fault> {
                    Ok(Experiment {
                        id: run_id(&id)?,
                        purpose: named("a purpose", purpose)?,
                        started: Timestamp(started),
                        finished: finished.map(Timestamp),
                        seed: seed.parse().map_err(|error| Fault::content("a seed", error))?,
                        arms: Vec::new(),
                        launches: Vec::new(),
                    })
                })??;
            found.arms = arms(connection, row)?;
            found.launches = launches(connection, row)?;
            Ok(found)
        })
    }

    /// Returns what was concluded when an experiment ended; `None` while it goes on or when it broke off.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be read.
    pub fn experiment_result(&self, experiment: &RunId) -> Result<Option<ExperimentResult>, StoreError> {
        self.read("reading a result", |connection| {
            let row = required(connection, experiment)?;
            let json: Option<String> = connection
                .prepare_cached("SELECT result_json FROM experiment WHERE experiment_id = ?1")?
                .query_row([row], |row| row.get(0))?;
            json.map(|json| from_json("a result", &json)).transpose()
        })
    }

    /// Returns the experiment that a run is an arm of, if it is one.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be read.
    pub fn experiment_of(&self, run: &RunId) -> Result<Option<RunId>, StoreError> {
        self.read("looking for an experiment", |connection| {
            let row = require(connection, run)?;
            let id: Option<String> = connection
                .prepare_cached(
                    "SELECT id FROM experiment JOIN experiment_arm USING (experiment_id) WHERE run_id = ?1",
                )?
                .query_row([row], |row| row.get(0))
                .optional()?;
            id.as_deref().map(run_id).transpose()
        })
    }

    /// Lists experiments, newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn experiments(&self, limit: u32) -> Result<Vec<ExperimentListing>, StoreError> {
        self.read("listing experiments", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT experiment_id, id, purpose, started_us, finished_us,
                        (SELECT count(*) FROM experiment_launch AS l WHERE l.experiment_id = experiment.experiment_id)
                 FROM experiment ORDER BY started_us DESC, id DESC LIMIT ?1",
            )?;
            let mut rows = statement.query([limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let arms = arms(connection, row.get(0)?)?;
                found.push(ExperimentListing {
                    id: run_id(&row.get::<_, String>(1)?)?,
                    purpose: named("a purpose", row.get(2)?)?,
                    started: Timestamp(row.get(3)?),
                    finished: row.get::<_, Option<i64>>(4)?.map(Timestamp),
                    arms: arms.into_iter().map(|arm| arm.variant.name).collect(),
                    launches: narrow("a number of launches", row.get(5)?)?,
                });
            }
            Ok(found)
        })
    }

    /// Finds the experiment that `text` names: `latest`, an id, or the beginning or end of one (4 characters or more).
    ///
    /// # Errors
    ///
    /// As [`Store::resolve`].
    pub fn resolve_experiment(&self, text: &str) -> Result<RunId, StoreError> {
        self.read("looking for an experiment", |connection| {
            if text == "latest" {
                let newest = "SELECT id FROM experiment ORDER BY started_us DESC, id DESC LIMIT 1";
                let id: Option<String> = connection.query_row(newest, [], |row| row.get(0)).optional()?;
                let id = id.as_deref().map(run_id).transpose()?;
                return id.ok_or_else(|| StoreError::NoSuchRun { text: text.to_owned() }.into());
            }
            listing::abbreviated(connection, "experiment", text)
        })
    }
}

impl Store {
    /// Returns the executables that must not be pruned: those of baselines, of runs that somebody annotated, of the newest four runs of
    /// each machine, since the gate measures a suspect against the run three nights before it, and those that confirmed a change which
    /// nobody has decided about, since it is measured against them every night.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn pinned_executables(&self) -> Result<BTreeSet<Digest>, StoreError> {
        let mut found = self.read("looking for pinned executables", |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT DISTINCT sha256 FROM run_executable JOIN executable USING (executable_id) JOIN run USING (run_id)
                 WHERE run_id IN (SELECT run_id FROM baseline)
                    OR run.id IN (SELECT target_id FROM annotation WHERE target = 'run')
                    OR run_id IN (SELECT run_id FROM (
                           SELECT run_id, row_number() OVER (PARTITION BY recipe, machine
                                                             ORDER BY started_us DESC, run.id DESC) AS place
                           FROM run JOIN identity USING (identity_id) WHERE {}) WHERE place <= ?1)",
                listing::NO_ARM
            ))?;
            let mut rows = statement.query([PINNED_RUNS])?;
            let mut found = BTreeSet::new();
            while let Some(row) = rows.next()? {
                found.insert(digest(&row.get::<_, Vec<u8>>(0)?)?);
            }
            Ok(found)
        })?;
        let open = self.changes()?.into_iter().filter(Change::is_open);
        let experiments: BTreeSet<RunId> = open.filter_map(|change| change.experiment).collect();
        self.read("looking for executables that changes were confirmed with", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT sha256 FROM experiment JOIN experiment_arm USING (experiment_id)
                 JOIN run_executable USING (run_id) JOIN executable USING (executable_id) WHERE experiment.id = ?1",
            )?;
            for experiment in &experiments {
                let mut rows = statement.query([experiment.as_str()])?;
                while let Some(row) = rows.next()? {
                    found.insert(digest(&row.get::<_, Vec<u8>>(0)?)?);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// Returns the row of an experiment that must be there.
pub(super) fn required(connection: &Connection, experiment: &RunId) -> Result<i64, Fault> {
    connection
        .prepare_cached("SELECT experiment_id FROM experiment WHERE id = ?1")?
        .query_row([experiment.as_str()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| StoreError::NoSuchRun { text: experiment.to_string() }.into())
}

fn arms(connection: &Connection, row: i64) -> Result<Vec<Arm>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT variant_json, run.id FROM experiment_arm JOIN run USING (run_id) WHERE experiment_id = ?1
         ORDER BY ordinal",
    )?;
    let mut rows = statement.query([row])?;
    let mut arms = Vec::new();
    while let Some(row) = rows.next()? {
        arms.push(Arm {
            variant: from_json("a variant", &row.get::<_, String>(0)?)?,
            run: run_id(&row.get::<_, String>(1)?)?,
        });
    }
    Ok(arms)
}

fn launches(connection: &Connection, row: i64) -> Result<Vec<ExperimentLaunch>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT position, block, arm, side, role, launch, contaminated FROM experiment_launch
         WHERE experiment_id = ?1 ORDER BY position",
    )?;
    let mut rows = statement.query([row])?;
    let mut launches = Vec::new();
    while let Some(row) = rows.next()? {
        launches.push(ExperimentLaunch {
            position: row.get(0)?,
            block: row.get(1)?,
            arm: row.get(2)?,
            side: row.get(3)?,
            role: named("a role", row.get(4)?)?,
            launch: row.get(5)?,
            contaminated: row.get(6)?,
        });
    }
    Ok(launches)
}
