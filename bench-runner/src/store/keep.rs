//! Keeping a store: checking the whole file, copying it, and pruning old observations.
//!
//! Pruning goes run by run, each in one transaction: killed or out of space, it leaves whole runs. Digests and points of
//! history stay, so that chains can still be checked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, MAIN_DB, params};

use super::error::{Fault, StoreError, classify};
use super::text::{run_id, series_key};
use super::{Store, nights, pack, rehash};
use crate::model::ids::RunId;
use crate::model::record::{SeriesKey, sample_digest};
use crate::model::units::Timestamp;

/// Why a run is kept whose digests do not match.
const MISMATCH: &str = "it does not match its digests: see `verify`";
/// Why a signed run is kept where nobody signs.
const UNSIGNABLE: &str = "it is signed, and without the key its pruning would look like a deletion";

/// What a check of the whole file found; all lists are empty for a sound store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// Runs that were read again.
    pub runs: u64,
    /// Lines of history that were computed again.
    pub series: u64,
    /// What SQLite says about its file.
    pub file: Vec<String>,
    /// Rows that refer to nothing.
    pub orphans: Vec<String>,
    /// Parts of runs that do not match their digests.
    pub parts: Vec<(RunId, Vec<String>)>,
}

impl Check {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.file.is_empty() && self.orphans.is_empty() && self.parts.is_empty()
    }
}

/// What pruning did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs whose observations went, oldest first.
    pub runs: Vec<RunId>,
    /// Runs that are as old and were kept, with the reason.
    pub kept: Vec<(RunId, String)>,
    /// Samples.
    pub samples: u64,
    /// Bytes that their packed form took.
    pub bytes: u64,
}

impl Store {
    /// Reads the whole file: SQLite's own check, references, every run against its digests and its points of history.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file cannot be read at all.
    pub fn check(&self, mut progress: impl FnMut(u64)) -> Result<Check, StoreError> {
        let (mut check, runs) = self.read("checking the store", |connection| {
            let mut check =
                Check { file: texts(connection, "PRAGMA integrity_check(100)")?, ..Check::default() };
            check.file.retain(|line| line != "ok");
            let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
            let orphan = |row: &rusqlite::Row<'_>| {
                let (table, row_id, parent): (String, Option<i64>, String) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                let row_id = row_id.map_or_else(|| "?".to_owned(), |id| id.to_string());
                Ok(format!("row {row_id} of {table} refers to a row of {parent} that is missing"))
            };
            check.orphans = statement.query_map([], orphan)?.take(100).collect::<Result<_, _>>()?;
            Ok((
                check,
                texts(connection, "SELECT id FROM run WHERE status <> 'running' ORDER BY started_us, id")?,
            ))
        })?;
        for id in runs {
            let id: RunId =
                id.parse().map_err(|error| Fault::content("a run id", error).at(&self.path, "checking"))?;
            let parts = match self.verify(&id) {
                Ok(parts) => parts,
                Err(StoreError::Content { what, reason, .. }) => vec![format!("{what}: {reason}")],
                Err(other) => return Err(other),
            };
            if !parts.is_empty() {
                check.parts.push((id, parts));
            }
            check.runs += 1;
            progress(check.runs);
        }
        check.series = self.read("counting series", |connection| {
            Ok(connection
                .query_row("SELECT count(*) FROM series", [], |row| row.get::<_, i64>(0))?
                .unsigned_abs())
        })?;
        Ok(check)
    }

    /// Copies the store to `target` while others may read and write; the file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`StoreError::Beside`] when `target` exists or cannot be written, or [`StoreError`] when the store cannot be read.
    pub fn back_up(&self, target: &Path) -> Result<(), StoreError> {
        let beside = |doing| move |source| StoreError::Beside { path: target.to_owned(), doing, source };
        if target.exists() {
            return Err(beside("write")(std::io::ErrorKind::AlreadyExists.into()));
        }
        let folder = crate::files::folder_of(target);
        std::fs::create_dir_all(folder).map_err(beside("make the folder of"))?;
        let mut name = target.as_os_str().to_owned();
        name.push(".unfinished");
        let unfinished = PathBuf::from(name);
        let copied = self
            .connection
            .backup(MAIN_DB, &unfinished, None::<fn(rusqlite::backup::Progress)>)
            .map_err(|error| classify(&unfinished, "copying the store", error))
            .and_then(|()| std::fs::rename(&unfinished, target).map_err(beside("rename the copy to")))
            .and_then(|()| crate::files::sync_folder(folder).map_err(beside("flush the folder of")));
        if copied.is_err() {
            drop(std::fs::remove_file(&unfinished));
        }
        copied
    }

    /// Deletes the observations of finished runs that began before `before`; with `dry` only says which.
    ///
    /// Runs that a baseline, an annotation, a segment or an experiment names keep theirs. A run whose observations do not
    /// match their digests is left as it is: it shall not look sound afterwards. So is a signed one where nobody signs that it
    /// was pruned: that would be a deletion.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be written; runs that were pruned until then stay pruned.
    pub fn prune(&mut self, before: Timestamp, now: Timestamp, dry: bool) -> Result<Pruned, StoreError> {
        let old = self.read("looking for old runs", |connection| old_runs(connection, before))?;
        let mut pruned = Pruned::default();
        for (row, id, reason) in old {
            if let Some(reason) = reason.or(self.unsignable(row)?) {
                pruned.kept.push((id, reason));
                continue;
            }
            if !dry && !self.verify(&id)?.is_empty() {
                pruned.kept.push((id, MISMATCH.to_owned()));
                continue;
            }
            let (samples, bytes): (i64, i64) = self.read("measuring samples", |connection| {
                let sql = "SELECT count(*), ifnull(sum(length(packed)), 0) FROM launch JOIN measurement USING (launch_id)
                           JOIN sample USING (measurement_id) WHERE run_id = ?1";
                Ok(connection.query_row(sql, [row], |row| Ok((row.get(0)?, row.get(1)?)))?)
            })?;
            if !dry {
                self.write("pruning a run", |tx| prune_run(tx, row, now))?;
            }
            pruned.samples += samples.unsigned_abs();
            pruned.bytes += bytes.unsigned_abs();
            pruned.runs.push(id);
        }
        Ok(pruned)
    }

    /// Folds pruned runs that began before `before` into their points of history: their measurements go too.
    ///
    /// The signed digest of the points stays and is checked from then on in place of that of the measurements. Runs that do not
    /// match their digests are kept as they are, and signed ones where nobody signs the folding.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be written; runs that were folded until then stay folded.
    pub fn fold(&mut self, before: Timestamp, now: Timestamp, dry: bool) -> Result<Pruned, StoreError> {
        let runs: Vec<(i64, String)> = self.read("looking for old runs", |connection| {
            let mut statement = connection.prepare(
                "SELECT run_id, id FROM run JOIN pruned_run USING (run_id) JOIN night_run USING (run_id)
                 WHERE started_us < ?1 AND NOT EXISTS (SELECT 1 FROM folded_run WHERE folded_run.run_id = run.run_id)
                 ORDER BY started_us, id",
            )?;
            Ok(statement.query_map([before.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
        })?;
        let mut folded = Pruned::default();
        for (row, id) in runs {
            let id =
                id.parse().map_err(|error| Fault::content("a run id", error).at(&self.path, "folding"))?;
            if let Some(reason) = self.unsignable(row)? {
                folded.kept.push((id, reason));
            } else if self.verify(&id)?.is_empty() {
                if !dry {
                    self.write("folding a run", |tx| fold_run(tx, row, now))?;
                }
                folded.runs.push(id);
            } else {
                folded.kept.push((id, MISMATCH.to_owned()));
            }
        }
        Ok(folded)
    }

    /// Why nothing of a run may be deleted now: it is signed, and nobody would sign that.
    fn unsignable(&self, row: i64) -> Result<Option<String>, StoreError> {
        if self.signer.is_some() {
            return Ok(None);
        }
        let signed = self.read("looking for a statement", |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM link WHERE run_id = ?1)";
            Ok(connection.prepare_cached(sql)?.query_row([row], |row| row.get(0))?)
        })?;
        Ok(if signed { Some(UNSIGNABLE.to_owned()) } else { None })
    }

    /// Gives the space of deleted rows back to the file system. Returns how many bytes the file shrank by.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] where a store of an older version has to be written anew and there is no room for that; the
    /// store is then as it was.
    pub fn shrink(&mut self) -> Result<u64, StoreError> {
        let fail = |error| classify(&self.path, "giving back space", error);
        let pages = || -> rusqlite::Result<i64> {
            self.connection.pragma_query_value(None, "page_count", |row| row.get(0))
        };
        let size: i64 =
            self.connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(fail)?;
        let before = pages().map_err(fail)?;
        let mode: i64 =
            self.connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).map_err(fail)?;
        let done = if mode == 2 {
            self.connection.execute_batch("PRAGMA incremental_vacuum")
        } else {
            // A store from before this setting: once as a whole, and page by page from then on.
            self.connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
        };
        done.and_then(|()| self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .map_err(fail)?;
        let after = pages().map_err(fail)?;
        Ok(before.saturating_sub(after).max(0).unsigned_abs() * size.unsigned_abs())
    }

    /// Compares the points of every line with what its launches say, and returns the lines that differ. Points of folded runs
    /// are passed over: nothing is left to compare them with.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn odd_histories(&self) -> Result<Vec<SeriesKey>, StoreError> {
        let keys: Vec<SeriesKey> = self.read("listing series", |connection| {
            let mut statement = connection.prepare(super::text::SERIES_KEYS)?;
            Ok(statement.query_map([], |row| series_key(row, 0))?.collect::<Result<_, _>>()?)
        })?;
        let folded: BTreeSet<String> = self
            .read("listing folded runs", |connection| {
                texts(connection, "SELECT id FROM run JOIN folded_run USING (run_id)")
            })?
            .into_iter()
            .collect();
        let mut odd = Vec::new();
        for key in keys {
            let mut kept = self.history(&key)?;
            kept.points.retain(|point| !folded.contains(point.run.as_str()));
            // Debug writes every bit of a number, and tells a missing one from zero.
            if format!("{kept:?}") != format!("{:?}", self.history_from_launches(&key)?) {
                odd.push(key);
            }
        }
        Ok(odd)
    }
}

/// Reads a column of text.
fn texts(connection: &Connection, sql: &str) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare(sql)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Lists finished runs with observations that began before a moment, with the reason to keep them if there is one.
fn old_runs(connection: &Connection, before: Timestamp) -> Result<Vec<(i64, RunId, Option<String>)>, Fault> {
    let mut statement = connection.prepare(
        "SELECT run_id, id,
                CASE WHEN EXISTS (SELECT 1 FROM baseline WHERE baseline.run_id = run.run_id) THEN 'a baseline names it'
                     WHEN EXISTS (SELECT 1 FROM annotation WHERE target = 'run' AND target_id = run.id)
                          THEN 'an annotation names it'
                     WHEN EXISTS (SELECT 1 FROM annotation WHERE target = 'finding' AND target_id >= run.id || '/'
                                                           AND target_id < run.id || '0') THEN 'a finding of it is annotated'
                     WHEN EXISTS (SELECT 1 FROM segment WHERE first_run_id = run.run_id) THEN 'a level begins with it'
                     WHEN EXISTS (SELECT 1 FROM experiment_arm WHERE experiment_arm.run_id = run.run_id)
                          THEN 'it is an arm of an experiment' END
         FROM run WHERE status <> 'running' AND kind <> 'summary' AND started_us < ?1
           AND NOT EXISTS (SELECT 1 FROM pruned_run WHERE pruned_run.run_id = run.run_id)
         ORDER BY started_us, id",
    )?;
    let mut rows = statement.query([before.0])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push((row.get(0)?, run_id(&row.get::<_, String>(1)?)?, row.get(2)?));
    }
    Ok(runs)
}

/// Deletes the samples of a run and keeps their digests.
fn prune_run(connection: &Connection, run: i64, now: Timestamp) -> Result<(), Fault> {
    let samples: Vec<(i64, Vec<u8>)> = connection
        .prepare_cached(
            "SELECT measurement_id, packed FROM launch JOIN measurement USING (launch_id)
             JOIN sample USING (measurement_id) WHERE run_id = ?1",
        )?
        .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut keep =
        connection.prepare_cached("INSERT INTO pruned_sample (measurement_id, sha256) VALUES (?1, ?2)")?;
    let mut delete = connection.prepare_cached("DELETE FROM sample WHERE measurement_id = ?1")?;
    for (measurement, packed) in samples {
        let sample = pack::unpack(&packed).map_err(|error| Fault::content("a sample", error))?;
        keep.execute(params![measurement, sample_digest(&sample).0])?;
        delete.execute([measurement])?;
    }
    connection.execute("INSERT INTO pruned_run (run_id, at_us) VALUES (?1, ?2)", (run, now.0))?;
    Ok(())
}

/// Deletes the measurements of a pruned run, whose points of history are written.
fn fold_run(connection: &Connection, run: i64, now: Timestamp) -> Result<(), Fault> {
    let (pruned, folded) = rehash::state(connection, run)?;
    if !pruned || folded || !nights::follow(connection, run, &nights::stored(connection, run)?)? {
        return Err(Fault::invalid("a run to fold", "it is not pruned, or its points do not follow from it"));
    }
    connection.execute("INSERT INTO folded_run (run_id, at_us) VALUES (?1, ?2)", (run, now.0))?;
    let launches = "(SELECT launch_id FROM launch WHERE run_id = ?1)";
    for sql in [
        format!(
            "DELETE FROM pruned_sample WHERE measurement_id IN
                 (SELECT measurement_id FROM measurement WHERE launch_id IN {launches})"
        ),
        format!("DELETE FROM measurement WHERE launch_id IN {launches}"),
    ] {
        connection.execute(&sql, [run])?;
    }
    Ok(())
}
