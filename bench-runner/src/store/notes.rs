//! Words and names added to what is stored: annotations, aliases, baselines. Rows are added and never changed.

use rusqlite::params;

use super::Store;
use super::dictionary::intern_benchmark;
use super::error::StoreError;
use super::text::{BENCHMARK_COLUMNS, benchmark, name_of, named};
use super::write::require;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::{Alias, Annotation, NoteTarget};
use crate::model::units::Timestamp;

impl Store {
    /// Adds an annotation; the same one again changes nothing. Returns whether it is new.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be written.
    pub fn annotate(&mut self, note: &Annotation) -> Result<bool, StoreError> {
        self.write("adding an annotation", |tx| {
            let added = tx
                .prepare_cached(
                    "INSERT INTO annotation (target, target_id, kind, text, at_us) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![name_of("a target", note.target)?, note.id, note.kind, note.text, note.at.0])?;
            Ok(added == 1)
        })
    }

    /// Returns the annotations of one thing in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn annotations(&self, target: NoteTarget, id: &str) -> Result<Vec<Annotation>, StoreError> {
        self.read("reading annotations", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT target, target_id, kind, text, at_us FROM annotation WHERE target = ?1 AND target_id = ?2
                 ORDER BY at_us, annotation_id",
            )?;
            let mut rows = statement.query((name_of("a target", target)?, id))?;
            let mut notes = Vec::new();
            while let Some(row) = rows.next()? {
                notes.push(Annotation {
                    target: named("a target", row.get(0)?)?,
                    id: row.get(1)?,
                    kind: row.get(2)?,
                    text: row.get(3)?,
                    at: Timestamp(row.get(4)?),
                });
            }
            Ok(notes)
        })
    }

    /// Adds another name of a benchmark; the same one again changes nothing. Returns whether it is new.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] when the name already means another benchmark, or [`StoreError`] when it cannot be written.
    pub fn add_alias(&mut self, alias: &Alias) -> Result<bool, StoreError> {
        self.write("adding an alias", |tx| {
            let id = intern_benchmark(tx, &alias.benchmark)?;
            let added = tx
                .prepare_cached(
                    "INSERT INTO alias (origin, name, benchmark_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?
                .execute((&alias.origin, &alias.name, id))?;
            let stored: i64 = tx
                .prepare_cached("SELECT benchmark_id FROM alias WHERE origin = ?1 AND name = ?2")?
                .query_row((&alias.origin, &alias.name), |row| row.get(0))?;
            if stored == id {
                Ok(added == 1)
            } else {
                let what = format!("the alias `{}` of {}", alias.name, alias.origin);
                Err(super::Fault::invalid(what, "it already means another benchmark"))
            }
        })
    }

    /// Returns all aliases by origin and name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn aliases(&self) -> Result<Vec<Alias>, StoreError> {
        self.read("reading aliases", |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT origin, name, {BENCHMARK_COLUMNS} FROM alias JOIN benchmark USING (benchmark_id)
                 ORDER BY origin, name"
            ))?;
            let mut rows = statement.query([])?;
            let mut aliases = Vec::new();
            while let Some(row) = rows.next()? {
                let benchmark: BenchmarkId = benchmark(row, 2)?;
                aliases.push(Alias { origin: row.get(0)?, name: row.get(1)?, benchmark });
            }
            Ok(aliases)
        })
    }

    /// Lets the baseline `name` point to `run` from now on; earlier meanings stay in the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be written.
    pub fn set_baseline(&mut self, name: &str, run: &RunId, at: Timestamp) -> Result<(), StoreError> {
        self.write("setting a baseline", |tx| {
            let row = require(tx, run)?;
            tx.execute("INSERT INTO baseline (name, run_id, at_us) VALUES (?1, ?2, ?3)", (name, row, at.0))?;
            Ok(())
        })
    }
}
