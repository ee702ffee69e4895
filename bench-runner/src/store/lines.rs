//! Lines of history across renames, and the runs that one run may be judged with.
//!
//! A rename is an alias of the origin [`RENAME`]: the old name in full, and the benchmark that goes on under a new one.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::OptionalExtension as _;

use super::Store;
use super::error::{Fault, StoreError};
use super::listing::criterion_version;
use super::text::run_id;
use super::write;
use crate::model::fact::keys;
use crate::model::history::Line;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::{Alias, SeriesKey};

/// Origin of the aliases that say that a benchmark was renamed.
pub const RENAME: &str = "rename";

/// What a run must have in common with `this` to be judged with it, in SQL (`?1` is the run, `?2` the key of Criterion's version).
const COMPARABLE: &str = "earlier.kind = 'measured' AND earlier.status = 'complete'
    AND (earlier.started_us, earlier.id) < (this.started_us, this.id)
    AND earlier.plan_json ->> '$.warm_up_seconds' IS this.plan_json ->> '$.warm_up_seconds'
    AND earlier.plan_json ->> '$.measurement_seconds' IS this.plan_json ->> '$.measurement_seconds'
    AND earlier.plan_json ->> '$.sample_size' IS this.plan_json ->> '$.sample_size'
    AND NOT EXISTS (SELECT 1 FROM finding WHERE finding.run_id = earlier.run_id AND severity = 'blocking')
    AND NOT EXISTS (SELECT 1 FROM experiment_arm WHERE experiment_arm.run_id = earlier.run_id)";

/// Whether a run is put aside, in SQL.
const PUT_ASIDE: &str = "'quarantine' IS (SELECT kind FROM annotation
    WHERE target = 'run' AND target_id = earlier.id AND kind IN ('quarantine', 'release')
    ORDER BY at_us DESC, annotation_id DESC LIMIT 1)";

impl Store {
    /// Returns the runs before `run` that it may be judged with, oldest first.
    ///
    /// They are complete measured runs without a blocking finding and not put aside, of the same machine, hardware class,
    /// configuration, key recipe, Criterion version and sampling settings. Suite and set may differ, because each series is
    /// judged by itself; arms of experiments are no nights.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when the store cannot be read.
    pub fn comparable_runs(&self, run: &RunId) -> Result<Vec<RunId>, StoreError> {
        self.read("looking for comparable runs", |connection| {
            let row = write::require(connection, run)?;
            let mut statement = connection.prepare_cached(&format!(
                "SELECT earlier.id {FROM} WHERE this.run_id = ?1 AND {COMPARABLE} AND NOT {PUT_ASIDE} AND {} IS {}
                 ORDER BY earlier.started_us, earlier.id",
                criterion_version("earlier"),
                criterion_version("this"),
            ))?;
            let mut rows = statement.query((row, keys::HARNESS_CRITERION))?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                runs.push(run_id(&row.get::<_, String>(0)?)?);
            }
            Ok(runs)
        })
    }

    /// Returns the newest run before `run` that was asked for the same benchmarks: suite, set and filter are equal.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when the store cannot be read.
    pub fn same_selection_before(&self, run: &RunId) -> Result<Option<RunId>, StoreError> {
        self.read("looking for the inventory before", |connection| {
            let row = write::require(connection, run)?;
            let id: Option<String> = connection
                .prepare_cached(&format!(
                    "SELECT earlier.id {FROM} WHERE this.run_id = ?1 AND {COMPARABLE} AND {} IS {}
                       AND earlier.suite = this.suite AND earlier.set_name IS this.set_name
                       AND earlier.plan_json ->> '$.filter' IS this.plan_json ->> '$.filter'
                     ORDER BY earlier.started_us DESC, earlier.id DESC LIMIT 1",
                    criterion_version("earlier"),
                    criterion_version("this"),
                ))?
                .query_row((row, keys::HARNESS_CRITERION), |row| row.get(0))
                .optional()?;
            id.as_deref().map(run_id).transpose()
        })
    }

    /// Notes that `old` is called `new` from now on; the same again changes nothing. Returns whether it is new.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] when both are one, when `old` already goes on under another name, or when following the names
    /// would lead back to `old`; [`StoreError`] when it cannot be written.
    pub fn add_rename(&mut self, old: &BenchmarkId, new: &BenchmarkId) -> Result<bool, StoreError> {
        let renames = self.renames()?;
        let mut at = Some(new);
        let mut steps = 0;
        while let Some(name) = at {
            // A chain cannot be longer than the number of names.
            if name == old || steps > renames.len() {
                let what = format!("the new name of {old}");
                let fault = Fault::invalid(what, "following it leads back to the old one");
                return Err(fault.at(self.path(), "adding a new name"));
            }
            at = renames.get(&name.long_name());
            steps += 1;
        }
        self.add_alias(&Alias { origin: RENAME.to_owned(), name: old.long_name(), benchmark: new.clone() })
    }

    /// Returns where the line of each renamed benchmark goes on, by the old name in full (`package/target/full_id`).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn renames(&self) -> Result<BTreeMap<String, BenchmarkId>, StoreError> {
        let aliases = self.aliases()?.into_iter().filter(|alias| alias.origin == RENAME);
        Ok(aliases.map(|alias| (alias.name, alias.benchmark)).collect())
    }

    /// Returns the history of a series with the points that were measured under earlier names of its benchmark.
    ///
    /// # Edge cases
    ///
    /// Where one run has points of several names, that of the newest name counts.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn line(&self, key: &SeriesKey) -> Result<Line, StoreError> {
        let renames = self.renames()?;
        let mut line = Line { history: self.history(key)?, earlier_names: Vec::new() };
        if renames.is_empty() {
            return Ok(line);
        }
        let all: BTreeSet<BenchmarkId> =
            self.series(None)?.into_iter().map(|series| series.benchmark).collect();
        let mut names = vec![key.benchmark.clone()];
        let mut done = 0;
        while done < names.len() {
            let present = names[done].clone();
            done += 1;
            for old in all.iter().filter(|old| renames.get(&old.long_name()) == Some(&present)) {
                if names.contains(old) {
                    continue;
                }
                names.push(old.clone());
                let earlier = self.history(&SeriesKey { benchmark: old.clone(), ..key.clone() })?;
                let known: BTreeSet<&RunId> = line.history.points.iter().map(|point| &point.run).collect();
                let added: Vec<_> =
                    earlier.points.into_iter().filter(|point| !known.contains(&point.run)).collect();
                if !added.is_empty() {
                    line.earlier_names.push(old.clone());
                    line.history.points.extend(added);
                }
            }
        }
        line.history.points.sort_by(|a, b| (a.started, &a.run).cmp(&(b.started, &b.run)));
        line.earlier_names.sort();
        Ok(line)
    }
}

/// Every run of the same machine and configuration as `this`, in SQL.
const FROM: &str = "FROM run AS this JOIN identity AS mine ON mine.identity_id = this.identity_id
    JOIN identity AS theirs ON theirs.machine = mine.machine AND theirs.config = mine.config
                           AND theirs.recipe = mine.recipe AND theirs.hw_class = mine.hw_class
    JOIN run AS earlier ON earlier.identity_id = theirs.identity_id";
