//! Words and names added to what is stored: annotations, aliases, baselines. Rows are added and never changed.

use rusqlite::params;

use super::Store;
use super::dictionary::intern_benchmark;
use super::error::StoreError;
use super::text::{BENCHMARK_COLUMNS, benchmark, name_of, named, run_id};
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

    /// Returns the names that runs have now, the newest first: of each name the run that it was given to last.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn baselines(&self) -> Result<Vec<BaselineName>, StoreError> {
        self.read("listing baselines", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, run.id, at_us FROM baseline JOIN run USING (run_id)
                 WHERE baseline_id IN (SELECT max(baseline_id) FROM baseline GROUP BY name)
                 ORDER BY baseline_id DESC",
            )?;
            let mut rows = statement.query([])?;
            let mut names = Vec::new();
            while let Some(row) = rows.next()? {
                let run = run_id(&row.get::<_, String>(1)?)?;
                names.push(BaselineName { name: row.get(0)?, run, at: Timestamp(row.get(2)?) });
            }
            Ok(names)
        })
    }
}

/// A name that a run was given to be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineName {
    /// The name.
    pub name: String,
    /// The run that it means.
    pub run: RunId,
    /// When it was given.
    pub at: Timestamp,
}
