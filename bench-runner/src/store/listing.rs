//! Finding runs: lists, names, the run before, the machines, the lines of history.
//!
//! Each question has an index; none reads a sample.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::error::{Fault, StoreError};
use super::read::{IDENTITY_COLUMNS, identity, optional_text};
use super::text::{BENCHMARK_COLUMNS, benchmark, name_of, named, narrow, run_id};
use super::{Store, write};
use crate::model::fact::keys;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::{MachineListing, RunListing, SeriesKey, SeriesPoint};
use crate::model::run::{RunKind, RunStatus};
use crate::model::units::{Metric, Timestamp};

/// Fewest characters of an id that may stand for it.
const SHORTEST_ABBREVIATION: usize = 4;
/// Most runs named when an abbreviation is ambiguous.
const MOST_CANDIDATES: u32 = 10;

/// Keeps the arms of experiments out, in SQL: they are no nights of a history.
pub(super) const NO_ARM: &str =
    "NOT EXISTS (SELECT 1 FROM experiment_arm WHERE experiment_arm.run_id = run.run_id)";

/// Which runs to list; everything left out matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only runs of this kind.
    pub kind: Option<RunKind>,
    /// Only runs of this status.
    pub status: Option<RunStatus>,
    /// Only runs of this suite.
    pub suite: Option<String>,
    /// Only runs of this machine key or owner's label.
    pub machine: Option<String>,
    /// Only runs that began at or after this moment.
    pub since: Option<Timestamp>,
    /// Only runs that began before this moment.
    pub until: Option<Timestamp>,
    /// Whether the arms of experiments are listed as well.
    pub arms: bool,
}

impl Store {
    /// Lists runs, newest first, at most `limit`.
    ///
    /// A run whose process died is listed as partial; the filter goes by what is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunListing>, StoreError> {
        let mut runs = self.read("listing runs", |connection| list(connection, filter, limit))?;
        for run in runs.iter_mut().filter(|run| run.status == RunStatus::Running) {
            if self.is_dead(&run.id)? {
                run.status = RunStatus::Partial;
                run.findings += 1;
            }
        }
        Ok(runs)
    }

    /// Finds the run that `text` names: `latest`, an id, a baseline, or the beginning or end of an id (4 characters or more).
    ///
    /// `latest` is the newest finished run with observations, else the newest summary.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoRuns`], [`StoreError::NoSuchRun`], [`StoreError::Ambiguous`], or [`StoreError`] when the store
    /// cannot be read.
    pub fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        self.read("looking for a run", |connection| {
            if text == "latest" {
                return latest(connection)?
                    .ok_or_else(|| StoreError::NoRuns { path: self.path.clone() }.into());
            }
            if let Ok(id) = text.parse::<RunId>()
                && write::row_of(connection, &id)?.is_some()
            {
                return Ok(id);
            }
            if let Some(id) = baseline(connection, text)? {
                return Ok(id);
            }
            abbreviated(connection, "run", text)
        })
    }

    /// Returns the run that the newest baseline of that name points to.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn baseline(&self, name: &str) -> Result<Option<RunId>, StoreError> {
        self.read("looking for a baseline", |connection| baseline(connection, name))
    }

    /// Returns the newest run before `run` that it may be compared with.
    ///
    /// That is a complete measured run without a blocking finding, of the same suite, set, machine, hardware class,
    /// configuration, key recipe, Criterion version and sampling settings, that began earlier and shares at least one
    /// benchmark: whatever would make a comparison say "not comparable" is passed over here. A run of the same profile comes before a newer one of
    /// another profile.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when the store cannot be read.
    pub fn previous_comparable(&self, run: &RunId) -> Result<Option<RunId>, StoreError> {
        self.read("looking for the run before", |connection| {
            let row = write::require(connection, run)?;
            let id: Option<String> = connection
                .prepare_cached(&format!(
                    "SELECT earlier.id
                     FROM run AS this JOIN identity AS mine ON mine.identity_id = this.identity_id
                          JOIN identity AS theirs ON theirs.machine = mine.machine AND theirs.config = mine.config
                                                 AND theirs.recipe = mine.recipe
                                                 AND theirs.hw_class = mine.hw_class
                          JOIN run AS earlier ON earlier.identity_id = theirs.identity_id
                     WHERE this.run_id = ?1 AND (earlier.started_us, earlier.id) < (this.started_us, this.id)
                       AND earlier.kind = 'measured' AND earlier.status = 'complete'
                       AND NOT EXISTS (SELECT 1 FROM experiment_arm WHERE experiment_arm.run_id = earlier.run_id)
                       AND earlier.suite = this.suite AND earlier.set_name IS this.set_name
                       AND earlier.plan_json ->> '$.warm_up_seconds' IS this.plan_json ->> '$.warm_up_seconds'
                       AND earlier.plan_json ->> '$.measurement_seconds' IS this.plan_json ->> '$.measurement_seconds'
                       AND earlier.plan_json ->> '$.sample_size' IS this.plan_json ->> '$.sample_size'
                       AND NOT EXISTS (SELECT 1 FROM pruned_run WHERE pruned_run.run_id = earlier.run_id)
                       AND NOT EXISTS (SELECT 1 FROM finding
                                       WHERE finding.run_id = earlier.run_id AND severity = 'blocking')
                       AND EXISTS (SELECT 1 FROM inventory AS a JOIN inventory AS b USING (benchmark_id)
                                   WHERE a.run_id = this.run_id AND b.run_id = earlier.run_id)
                       AND {} IS {}
                     ORDER BY earlier.profile IS this.profile DESC, earlier.started_us DESC, earlier.id DESC
                     LIMIT 1",
                    criterion_version("earlier"),
                    criterion_version("this"),
                ))?
                .query_row((row, keys::HARNESS_CRITERION), |row| row.get(0))
                .optional()?;
            id.as_deref().map(run_id).transpose()
        })
    }

    /// Lists the machines that have runs, the one measured last first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn machines(&self) -> Result<Vec<MachineListing>, StoreError> {
        self.read("listing machines", machines)
    }

    /// Lists the series of a benchmark, or all of them, in order of their keys.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn series(&self, of: Option<&BenchmarkId>) -> Result<Vec<SeriesKey>, StoreError> {
        self.read("listing series", |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {BENCHMARK_COLUMNS}, metric.name, metric.unit, recipe, machine, config
                 FROM series JOIN benchmark USING (benchmark_id) JOIN metric USING (metric_id)"
            ))?;
            let mut rows = statement.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                let key = SeriesKey {
                    benchmark: benchmark(row, 0)?,
                    metric: Metric { name: row.get(6)?, unit: row.get(7)? },
                    recipe: row.get(8)?,
                    machine: row.get(9)?,
                    config: row.get(10)?,
                };
                if of.is_none_or(|id| *id == key.benchmark) {
                    keys.push(key);
                }
            }
            keys.sort();
            Ok(keys)
        })
    }

    /// Returns the points of a series, one per launch, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn series_points(&self, key: &SeriesKey) -> Result<Vec<SeriesPoint>, StoreError> {
        self.read("reading a series", |connection| points(connection, key))
    }
}

/// The version of Criterion that a run speaks of, in SQL: from its handshakes, else from its facts (`?2` is the key).
pub(super) fn criterion_version(run: &str) -> String {
    format!(
        "ifnull((SELECT group_concat(version, '+')
                 FROM (SELECT DISTINCT harness_version AS version FROM launch
                       WHERE launch.run_id = {run}.run_id AND harness_version IS NOT NULL ORDER BY version)),
                (SELECT fact_text.value_json FROM fact JOIN fact_text USING (fact_text_id)
                 WHERE fact.run_id = {run}.run_id AND phase = 'start' AND key = ?2
                   AND fact_text.status IN ('ok', 'derived') LIMIT 1) ->> '$')"
    )
}

/// Lists runs.
fn list(connection: &Connection, filter: &RunFilter, limit: u32) -> Result<Vec<RunListing>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT run.id, kind, status, started_us, finished_us, suite, title, profile, set_name,
                (SELECT value_json FROM fact JOIN fact_text USING (fact_text_id)
                 WHERE fact.run_id = run.run_id AND phase = 'start' AND key = :commit_key
                   AND fact_text.status IN ('ok', 'derived') LIMIT 1) ->> '$',
                (SELECT count(DISTINCT series_id) FROM launch JOIN measurement USING (launch_id)
                 WHERE launch.run_id = run.run_id)
                + (SELECT count(DISTINCT series_id) FROM stated_estimate WHERE stated_estimate.run_id = run.run_id),
                (SELECT count(*) FROM launch WHERE launch.run_id = run.run_id),
                (SELECT count(*) FROM finding WHERE finding.run_id = run.run_id),
                {IDENTITY_COLUMNS}
         FROM run JOIN identity USING (identity_id)
         WHERE (:kind IS NULL OR kind = :kind) AND (:status IS NULL OR status = :status)
           AND (:suite IS NULL OR suite = :suite)
           AND (:machine IS NULL OR machine = :machine OR label = :machine)
           AND (:since IS NULL OR started_us >= :since) AND (:until IS NULL OR started_us < :until)
           AND (:arms OR {NO_ARM})
         ORDER BY started_us DESC, run.id DESC LIMIT :limit"
    ))?;
    let mut rows = statement.query(named_params! {
        ":commit_key": keys::SOURCE_COMMIT,
        ":kind": filter.kind.map(|kind| name_of("a kind", kind)).transpose()?,
        ":status": filter.status.map(|status| name_of("a status", status)).transpose()?,
        ":suite": filter.suite,
        ":machine": filter.machine,
        ":since": filter.since.map(|at| at.0),
        ":until": filter.until.map(|at| at.0),
        ":arms": filter.arms,
        ":limit": limit,
    })?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(listing(row)?);
    }
    Ok(runs)
}

/// Reads one line of the list of runs.
fn listing(row: &Row<'_>) -> Result<RunListing, Fault> {
    Ok(RunListing {
        id: run_id(&row.get::<_, String>(0)?)?,
        kind: named("the kind of a run", row.get(1)?)?,
        status: named("the status of a run", row.get(2)?)?,
        started: Timestamp(row.get(3)?),
        finished: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        suite: row.get(5)?,
        title: row.get(6)?,
        profile: row.get(7)?,
        set: row.get(8)?,
        commit: row.get(9)?,
        benchmarks: row.get(10)?,
        launches: row.get(11)?,
        findings: row.get(12)?,
        identity: identity(row, 13)?,
    })
}

/// Returns the newest finished run with observations, else the newest summary.
fn latest(connection: &Connection) -> Result<Option<RunId>, Fault> {
    let sql = format!(
        "SELECT id FROM run WHERE status <> 'running' AND {NO_ARM}
         ORDER BY kind = 'summary', started_us DESC, id DESC LIMIT 1"
    );
    optional_text(connection, &sql, [])?.as_deref().map(run_id).transpose()
}

/// Returns the run of the newest baseline of that name.
fn baseline(connection: &Connection, name: &str) -> Result<Option<RunId>, Fault> {
    let sql = "SELECT run.id FROM baseline JOIN run USING (run_id)
               WHERE baseline.name = ?1 ORDER BY baseline_id DESC LIMIT 1";
    optional_text(connection, sql, [name])?.as_deref().map(run_id).transpose()
}

/// Finds the only row of `table` (`run` or `experiment`) whose id begins or ends with `text`.
pub(super) fn abbreviated(connection: &Connection, table: &'static str, text: &str) -> Result<RunId, Fault> {
    let unknown = || StoreError::NoSuchRun { text: text.to_owned() }.into();
    if text.len() < SHORTEST_ABBREVIATION || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(unknown());
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id FROM {table} WHERE substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1
         ORDER BY started_us, id LIMIT ?2",
    ))?;
    let mut rows = statement.query((text.to_ascii_uppercase(), MOST_CANDIDATES))?;
    let mut candidates = Vec::new();
    while let Some(row) = rows.next()? {
        candidates.push(run_id(&row.get::<_, String>(0)?)?);
    }
    match candidates.len() {
        0 => Err(unknown()),
        1 => Ok(candidates.remove(0)),
        _ => Err(StoreError::Ambiguous { text: text.to_owned(), candidates }.into()),
    }
}

/// Lists the machines; class and label are those of the newest run.
fn machines(connection: &Connection) -> Result<Vec<MachineListing>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT recipe, machine, hw_class, label, config, run.id, started_us
         FROM run JOIN identity USING (identity_id) WHERE {NO_ARM} ORDER BY started_us DESC, run.id DESC",
    ))?;
    let mut rows = statement.query([])?;
    let mut machines: Vec<MachineListing> = Vec::new();
    while let Some(row) = rows.next()? {
        let (recipe, machine): (u32, String) = (row.get(0)?, row.get(1)?);
        let (config, started): (String, Timestamp) = (row.get(4)?, Timestamp(row.get(6)?));
        match machines.iter_mut().find(|known| known.recipe == recipe && known.machine == machine) {
            Some(known) => {
                known.runs += 1;
                known.first = started;
                known.configs.push(config);
            }
            None => machines.push(MachineListing {
                recipe,
                machine,
                hw_class: row.get(2)?,
                label: row.get(3)?,
                configs: vec![config],
                runs: 1,
                first: started,
                latest: started,
                latest_run: run_id(&row.get::<_, String>(5)?)?,
            }),
        }
    }
    for machine in &mut machines {
        machine.configs.sort();
        machine.configs.dedup();
    }
    Ok(machines)
}

/// Reads the points of a series.
fn points(connection: &Connection, key: &SeriesKey) -> Result<Vec<SeriesPoint>, Fault> {
    let id = &key.benchmark;
    let mut statement = connection.prepare_cached(
        "SELECT run.id, kind, run.status, run.started_us, launch.ordinal, median, minimum, observations
         FROM benchmark JOIN series USING (benchmark_id) JOIN metric USING (metric_id)
              JOIN measurement USING (series_id) JOIN launch USING (launch_id) JOIN run USING (run_id)
         WHERE group_name = :group AND benchmark.target = :target AND benchmark.package = :package
           AND occurrence = :occurrence
           AND function IS :function AND value IS :value AND metric.name = :metric AND metric.unit = :unit
           AND machine = :machine AND config = :config AND recipe = :recipe
         ORDER BY run.started_us, run.id, launch.ordinal",
    )?;
    let mut rows = statement.query(named_params! {
        ":group": id.group,
        ":target": id.target,
        ":package": id.package,
        ":occurrence": id.occurrence,
        ":function": id.function,
        ":value": id.value,
        ":metric": key.metric.name,
        ":unit": key.metric.unit,
        ":machine": key.machine,
        ":config": key.config,
        ":recipe": key.recipe,
    })?;
    let mut points = Vec::new();
    while let Some(row) = rows.next()? {
        points.push(SeriesPoint {
            run: run_id(&row.get::<_, String>(0)?)?,
            kind: named("the kind of a run", row.get(1)?)?,
            status: named("the status of a run", row.get(2)?)?,
            started: Timestamp(row.get(3)?),
            launch: row.get(4)?,
            median: row.get(5)?,
            minimum: row.get(6)?,
            observations: narrow("a number of observations", row.get(7)?)?,
        });
    }
    Ok(points)
}
