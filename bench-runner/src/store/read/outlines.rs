//! Many runs at once, without the lists that only a report of one of them needs.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::outline;
use crate::model::fact::{Fact, Phase};
use crate::model::ids::RunId;
use crate::model::run::{Run, RunStatus};
use crate::store::Store;
use crate::store::error::{Fault, StoreError};
use crate::store::text::named;
use crate::store::write::require;

impl Store {
    /// Returns runs in the asked order, each as [`Store::run`] does, but with an empty inventory and without executables.
    ///
    /// What the facts of several runs share, and that is nearly all of them, is read and checked once.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when one of them cannot be read.
    pub fn outlines(&self, runs: &[RunId]) -> Result<Vec<Run>, StoreError> {
        let mut found = self.read("reading runs", |connection| {
            let mut known = BTreeMap::new();
            let mut found = Vec::with_capacity(runs.len());
            for run in runs {
                let row = require(connection, run)?;
                found.push(Run { facts: facts(connection, row, &mut known)?, ..outline(connection, row)? });
            }
            Ok(found)
        })?;
        for run in found.iter_mut().filter(|run| run.status == RunStatus::Running) {
            // Whether its process lives is not for the store to say.
            *run = Run { inventory: Vec::new(), executables: Vec::new(), ..self.run(&run.id)? };
        }
        Ok(found)
    }
}

/// Reads the facts of a run; `known` are those that were read before, by their row, in whatever phase.
fn facts(connection: &Connection, run: i64, known: &mut BTreeMap<i64, Fact>) -> Result<Vec<Fact>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT fact_text_id, phase FROM fact WHERE run_id = ?1 ORDER BY ordinal")?;
    let mut rows = statement.query([run])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        let (text, phase): (i64, Phase) = (row.get(0)?, named("the phase of a fact", row.get(1)?)?);
        let fact = match known.get(&text) {
            Some(fact) => fact.clone(),
            None => {
                let fact = fact(connection, text, phase)?;
                known.insert(text, fact.clone());
                fact
            }
        };
        facts.push(Fact { phase, ..fact });
    }
    Ok(facts)
}

/// Reads one fact that runs share.
fn fact(connection: &Connection, text: i64, phase: Phase) -> Result<Fact, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT key, value_json, unit, status, source FROM fact_text WHERE fact_text_id = ?1",
    )?;
    let mut rows = statement.query([text])?;
    let row = rows.next()?.ok_or_else(|| Fault::content("a fact", "its row is missing"))?;
    super::fact(row, phase)
}
