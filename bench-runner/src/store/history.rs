//! Lines of history: one point per run of a series, from the summaries of its launches.
//!
//! Runs that are arms of an experiment are not nights and are left out.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::error::{Fault, StoreError};
use super::text::{SERIES_KEYS, named, run_id, series_key};
use super::{Store, nights};
use crate::model::fact::keys;
use crate::model::history::{History, HistoryPoint};
use crate::model::ids::Digest;
use crate::model::record::SeriesKey;
use crate::model::units::Timestamp;

/// Kind of the annotation that puts a run aside.
pub const QUARANTINE: &str = "quarantine";
/// Kind of the annotation that takes it back.
pub const RELEASE: &str = "release";

/// Which lines to read; everything left out matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only lines of this machine key.
    pub machine: Option<String>,
    /// Only lines of this configuration.
    pub config: Option<String>,
    /// Only points of runs that began at or after this moment.
    pub since: Option<Timestamp>,
}

/// What the points of one run share.
#[derive(Debug)]
struct About {
    row: i64,
    point: HistoryPoint,
}

/// Machine, configuration and recipe: the runs of a line are those of one of these.
type Place = (String, String, u32);

/// Where a store keeps a line: for asking the same store again, and good for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineRow(i64);

/// What is known about runs, read once and kept until somebody writes.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// State of the store for which this holds: commits of others, changes of ours.
    state: (i64, i64),
    places: BTreeMap<Place, Rc<RunsOf>>,
    /// Points that were given back, by the place of their run: their texts need not be copied again for the next line.
    spare: BTreeMap<Place, Spare>,
    /// Lists of points that were given back, emptied: each takes more than the rest of a line together.
    lists: Vec<Vec<HistoryPoint>>,
}

/// The finished runs of a place.
#[derive(Debug)]
struct RunsOf {
    /// By row.
    all: Vec<About>,
    /// Their places among `all`, by time.
    by_time: Vec<usize>,
}

/// For each run of a place a point of it that nobody needs.
type Spare = Vec<Option<HistoryPoint>>;

/// Emptied lists that are kept at most.
const LISTS: usize = 16;

/// Which state of the store lines were read from: for [`Store::take_back`], and good for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineState((i64, i64));

impl Store {
    /// Returns the points of a series, one per run with a launch of it or a stated estimate, oldest first.
    ///
    /// Running runs and arms of experiments are left out; partial, imported and quarantined ones are in it and say so.
    /// One range scan: what the runs are is read with the first line of a machine and remembered until something is written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn history(&self, key: &SeriesKey) -> Result<History, StoreError> {
        self.read("reading a history", |connection| {
            let id = &key.benchmark;
            let series: Option<i64> = connection
                .prepare_cached(
                    "SELECT series_id FROM benchmark JOIN series USING (benchmark_id) JOIN metric USING (metric_id)
                     WHERE group_name = :group AND target = :target AND package = :package
                       AND occurrence = :occurrence AND function IS :function AND value IS :value
                       AND metric.name = :metric AND metric.unit = :unit
                       AND machine = :machine AND config = :config AND recipe = :recipe",
                )?
                .query_row(
                    named_params! {
                        ":group": id.group, ":target": id.target, ":package": id.package,
                        ":occurrence": id.occurrence, ":function": id.function, ":value": id.value,
                        ":metric": key.metric.name, ":unit": key.metric.unit,
                        ":machine": key.machine, ":config": key.config, ":recipe": key.recipe,
                    },
                    |row| row.get(0),
                )
                .optional()?;
            let points = match series {
                None => Vec::new(),
                Some(series) => {
                    self.forget_what_changed(connection)?;
                    self.points(connection, (key, series), None, &mut BTreeMap::new())?
                }
            };
            Ok(History { key: key.clone(), points })
        })
    }

    /// Hands every line that matches to `take`, in the order of machines, configurations and then of their first appearance.
    /// Lines without a point are left out.
    ///
    /// Each is read in one range scan and dropped before the next, so that memory holds one line and the list of runs.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read; `take` has seen what came before.
    pub fn histories(&self, filter: &HistoryFilter, mut take: impl FnMut(History)) -> Result<(), StoreError> {
        self.read("reading histories", |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SERIES_KEYS} WHERE (?1 IS NULL OR series.machine = ?1) AND (?2 IS NULL OR series.config = ?2)
                 ORDER BY series.machine, series.config, series.recipe, series.series_id"
            ))?;
            let mut rows = statement.query((&filter.machine, &filter.config))?;
            self.forget_what_changed(connection)?;
            let mut codes = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let key = series_key(row, 0)?;
                let points = self.points(connection, (&key, row.get(11)?), filter.since, &mut codes)?;
                if !points.is_empty() {
                    take(History { key, points });
                }
            }
            Ok(())
        })
    }

    /// Lists all series in the order of their keys, each with the place of its line.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn lines(&self) -> Result<Vec<(SeriesKey, LineRow)>, StoreError> {
        self.read("listing lines", |connection| {
            let mut statement = connection.prepare_cached(SERIES_KEYS)?;
            let mut rows = statement.query([])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push((series_key(row, 0)?, LineRow(row.get(11)?)));
            }
            lines.sort();
            Ok(lines)
        })
    }

    /// Returns the points of the lines that [`Store::lines`] named, each as [`Store::history`] returns them, on one state of the
    /// store: it asks once for what that asks for again with every line.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn histories_at(&self, lines: &[(SeriesKey, LineRow)]) -> Result<Vec<History>, StoreError> {
        self.read("reading histories", |connection| {
            self.forget_what_changed(connection)?;
            let mut codes = BTreeMap::new();
            let mut histories = Vec::with_capacity(lines.len());
            for (key, row) in lines {
                let points = self.points(connection, (key, row.0), None, &mut codes)?;
                histories.push(History { key: key.clone(), points });
            }
            Ok(histories)
        })
    }

    /// Computes the points of a series from its launches again, without what was kept when the runs ended.
    pub(super) fn history_from_launches(&self, key: &SeriesKey) -> Result<History, StoreError> {
        self.read("reading a history", |connection| {
            let mut points = measured(connection, key)?;
            points.extend(stated(connection, key)?);
            points.sort_by(|a, b| (a.started, &a.run).cmp(&(b.started, &b.run)));
            Ok(History { key: key.clone(), points })
        })
    }

    /// Lets go of what is known about runs if somebody wrote since. To be asked within the transaction that then reads.
    fn forget_what_changed(&self, connection: &Connection) -> Result<(), Fault> {
        let changes: i64 =
            connection.prepare_cached("SELECT total_changes()")?.query_row([], |row| row.get(0))?;
        let others = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let mut known = self.runs.borrow_mut();
        if known.state != (others, changes) {
            *known = Runs { state: (others, changes), ..Runs::default() };
        }
        Ok(())
    }

    /// Returns the finished runs of a place, by row.
    fn about(&self, connection: &Connection, place: &Place) -> Result<Rc<RunsOf>, Fault> {
        let mut known = self.runs.borrow_mut();
        if let Some(runs) = known.places.get(place) {
            return Ok(Rc::clone(runs));
        }
        let mut statement = connection.prepare_cached(
            "SELECT run.run_id, run.id, run.kind, run.status, run.started_us, identity.build, source, grade,
                    (SELECT CASE kind WHEN 'quarantine' THEN text END FROM annotation
                     WHERE target = 'run' AND target_id = run.id AND kind IN ('quarantine', 'release')
                     ORDER BY at_us DESC, annotation_id DESC LIMIT 1)
             FROM identity JOIN run USING (identity_id) LEFT JOIN night_run USING (run_id)
             WHERE machine = ?1 AND config = ?2 AND recipe = ?3 AND run.status <> 'running'
               AND NOT EXISTS (SELECT 1 FROM experiment_arm WHERE experiment_arm.run_id = run.run_id)
             ORDER BY run.run_id",
        )?;
        let mut rows = statement.query((&place.0, &place.1, place.2))?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            let point = HistoryPoint {
                run: run_id(&row.get::<_, String>(1)?)?,
                kind: named("the kind of a run", row.get(2)?)?,
                status: named("the status of a run", row.get(3)?)?,
                started: Timestamp(row.get(4)?),
                value: f64::NAN,
                log_sd: None,
                launches: 0,
                commit: row.get(6)?,
                build: row.get(5)?,
                executable: None,
                grade: row.get(7)?,
                quarantined: row.get(8)?,
            };
            runs.push(About { row: row.get(0)?, point });
        }
        let mut by_time: Vec<usize> = (0..runs.len()).collect();
        let time = |place: &usize| (runs[*place].point.started, &runs[*place].point.run);
        by_time.sort_by(|a, b| time(a).cmp(&time(b)));
        let runs = Rc::new(RunsOf { all: runs, by_time });
        known.places.insert(place.clone(), Rc::clone(&runs));
        Ok(runs)
    }

    /// Reads the points of one line by its key and row, with what was given back of its place.
    fn points(
        &self,
        connection: &Connection,
        (key, series): (&SeriesKey, i64),
        since: Option<Timestamp>,
        codes: &mut BTreeMap<i64, Digest>,
    ) -> Result<Vec<HistoryPoint>, Fault> {
        let place = place_of(key);
        let runs = self.about(connection, &place)?;
        let (mut spare, list) = {
            let mut known = self.runs.borrow_mut();
            (known.spare.remove(&place).unwrap_or_default(), known.lists.pop().unwrap_or_default())
        };
        let points = points(connection, series, (&runs.all, since), (codes, &mut spare, list))?;
        self.runs.borrow_mut().spare.insert(place, spare);
        Ok(points)
    }

    /// Returns the state of the store that the last lines were read from.
    #[must_use]
    pub fn line_state(&self) -> LineState {
        LineState(self.runs.borrow().state)
    }

    /// Takes back the points of a line that nobody needs any more, as they were read, so that the next line of its place need
    /// not copy the texts of its runs again. `state` is that of [`Store::line_state`] when the line was read; points of another
    /// state are let go.
    pub fn take_back(&self, state: LineState, mut history: History) {
        let mut known = self.runs.borrow_mut();
        let place = place_of(&history.key);
        if known.state != state.0 {
            return;
        }
        let Some(runs) = known.places.get(&place).map(Rc::clone) else { return };
        let spare = known.spare.entry(place).or_default();
        spare.resize_with(runs.all.len(), || None);
        // Both are in the order of time.
        let mut next = runs.by_time.iter().peekable();
        for point in history.points.drain(..) {
            let order = |at: usize| {
                let about = &runs.all[at].point;
                about.started.cmp(&point.started).then_with(|| about.run.cmp(&point.run))
            };
            while let Some(at) = next.peek().copied().copied() {
                match order(at) {
                    Ordering::Less => _ = next.next(),
                    Ordering::Equal => {
                        spare[at] = Some(point);
                        break;
                    }
                    Ordering::Greater => break,
                }
            }
        }
        if known.lists.len() < LISTS {
            known.lists.push(history.points);
        }
    }
}

/// The place of a line.
fn place_of(key: &SeriesKey) -> Place {
    (key.machine.clone(), key.config.clone(), key.recipe)
}

/// Reads the points of one line; runs that are not among `runs`, or began before `since`, are left out. `codes` are digests of
/// executables that are known by their row, `spare` points of the same runs that may be used up, `points` an empty list to fill.
fn points(
    connection: &Connection,
    series: i64,
    (runs, since): (&[About], Option<Timestamp>),
    (codes, spare, mut points): (&mut BTreeMap<i64, Digest>, &mut Spare, Vec<HistoryPoint>),
) -> Result<Vec<HistoryPoint>, Fault> {
    let wanted = |about: &&About| since.is_none_or(|since| about.point.started >= since);
    // Most lines have a point of nearly every run: room for all from the start.
    let (mut first, mut most) = (i64::MAX, 0);
    for about in runs.iter().filter(wanted) {
        (first, most) = (first.min(about.row), most + 1);
    }
    if most == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT run_id, night.value, log_sd, launches, code_id FROM night
         WHERE series_id = ?1 AND run_id >= ?2 ORDER BY run_id, ordinal",
    )?;
    let mut rows = statement.query((series, first))?;
    points.reserve(most);
    // Both lists are in the order of rows, so that the next one is nearly always at hand.
    let mut place = 0;
    while let Some(row) = rows.next()? {
        let run: i64 = row.get(0)?;
        while runs.get(place).is_some_and(|about| about.row < run) {
            place += 1;
        }
        let Some(about) = runs.get(place).filter(|about| about.row == run).filter(wanted) else { continue };
        let executable = match row.get::<_, Option<i64>>(4)? {
            None => None,
            Some(code) => match codes.get(&code) {
                Some(digest) => Some(*digest),
                None => {
                    let digest = Digest(
                        connection
                            .prepare_cached("SELECT sha256 FROM code WHERE code_id = ?1")?
                            .query_row([code], |row| row.get(0))?,
                    );
                    codes.insert(code, digest);
                    Some(digest)
                }
            },
        };
        let shared = spare.get_mut(place).and_then(Option::take);
        let shared = shared.unwrap_or_else(|| about.point.clone());
        let (value, log_sd, launches) = (row.get(1)?, row.get(2)?, row.get(3)?);
        points.push(HistoryPoint { value, log_sd, launches, executable, ..shared });
    }
    points.sort_by(|a, b| (a.started, &a.run).cmp(&(b.started, &b.run)));
    Ok(points)
}

/// What every point says about its run, in SQL after `run.run_id` is known.
const ABOUT: &str = "run.id, run.kind, run.status, run.started_us, identity.build,
    (SELECT value_json ->> '$' FROM fact JOIN fact_text USING (fact_text_id)
     WHERE fact.run_id = run.run_id AND phase = 'start' AND key = :commit
       AND fact_text.status IN ('ok', 'derived') LIMIT 1),
    (SELECT value_json ->> '$' FROM fact JOIN fact_text USING (fact_text_id)
     WHERE fact.run_id = run.run_id AND phase = 'start' AND key = :grade
       AND fact_text.status IN ('ok', 'derived') LIMIT 1),
    (SELECT CASE kind WHEN 'quarantine' THEN text END FROM annotation
     WHERE target = 'run' AND target_id = run.id AND kind IN ('quarantine', 'release')
     ORDER BY at_us DESC, annotation_id DESC LIMIT 1)";

/// Picks the series, in SQL.
const WHICH: &str = "benchmark JOIN series USING (benchmark_id) JOIN metric USING (metric_id)";

/// Compares with the key, in SQL.
const IS_KEY: &str = "group_name = :group AND benchmark.target = :target AND benchmark.package = :package
    AND occurrence = :occurrence AND function IS :function AND value IS :value
    AND metric.name = :metric AND metric.unit = :unit
    AND series.machine = :machine AND series.config = :config AND series.recipe = :recipe
    AND run.status <> 'running'
    AND NOT EXISTS (SELECT 1 FROM experiment_arm WHERE experiment_arm.run_id = run.run_id)";

/// Points with launches behind them.
fn measured(connection: &Connection, key: &SeriesKey) -> Result<Vec<HistoryPoint>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ABOUT}, launch.executable_sha256, measurement.median
         FROM {WHICH} JOIN measurement USING (series_id) JOIN launch USING (launch_id) JOIN run USING (run_id)
              JOIN identity USING (identity_id)
         WHERE {IS_KEY} AND launch.status = 'complete'
           AND NOT EXISTS (SELECT 1 FROM launch_covariates AS c WHERE c.launch_id = launch.launch_id AND c.repeated)
         ORDER BY run.started_us, run.id, launch.ordinal"
    ))?;
    let id = &key.benchmark;
    let mut rows = statement.query(named_params! {
        ":commit": keys::SOURCE_COMMIT, ":grade": keys::DOCTOR_GRADE,
        ":group": id.group, ":target": id.target, ":package": id.package, ":occurrence": id.occurrence,
        ":function": id.function, ":value": id.value, ":metric": key.metric.name, ":unit": key.metric.unit,
        ":machine": key.machine, ":config": key.config, ":recipe": key.recipe,
    })?;
    let mut points: Vec<HistoryPoint> = Vec::new();
    let mut medians: Vec<f64> = Vec::new();
    while let Some(row) = rows.next()? {
        let mut point = about(row)?;
        let digest: [u8; 32] = row.get(8)?;
        point.executable = Some(Digest(digest)).filter(|digest| *digest != Digest::UNKNOWN);
        if points.last().is_none_or(|last| last.run != point.run) {
            summarise(points.last_mut(), &mut medians);
            points.push(point);
        }
        medians.push(row.get(9)?);
    }
    summarise(points.last_mut(), &mut medians);
    Ok(points)
}

/// Points that a record states without launches.
fn stated(connection: &Connection, key: &SeriesKey) -> Result<Vec<HistoryPoint>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ABOUT}, stated_estimate.value
         FROM {WHICH} JOIN stated_estimate USING (series_id) JOIN run USING (run_id)
              JOIN identity USING (identity_id)
         WHERE {} ORDER BY run.started_us, run.id",
        IS_KEY.replace("AND value IS", "AND benchmark.value IS")
    ))?;
    let id = &key.benchmark;
    let mut rows = statement.query(named_params! {
        ":commit": keys::SOURCE_COMMIT, ":grade": keys::DOCTOR_GRADE,
        ":group": id.group, ":target": id.target, ":package": id.package, ":occurrence": id.occurrence,
        ":function": id.function, ":value": id.value, ":metric": key.metric.name, ":unit": key.metric.unit,
        ":machine": key.machine, ":config": key.config, ":recipe": key.recipe,
    })?;
    let mut points = Vec::new();
    while let Some(row) = rows.next()? {
        points.push(HistoryPoint { value: row.get(8)?, ..about(row)? });
    }
    Ok(points)
}

/// The columns of [`ABOUT`].
fn about(row: &rusqlite::Row<'_>) -> Result<HistoryPoint, Fault> {
    Ok(HistoryPoint {
        run: run_id(&row.get::<_, String>(0)?)?,
        kind: named("the kind of a run", row.get(1)?)?,
        status: named("the status of a run", row.get(2)?)?,
        started: Timestamp(row.get(3)?),
        value: f64::NAN,
        log_sd: None,
        launches: 0,
        commit: row.get(5)?,
        build: row.get(4)?,
        executable: None,
        grade: row.get(6)?,
        quarantined: row.get(7)?,
    })
}

/// Closes a point with the launch medians collected for it.
fn summarise(point: Option<&mut HistoryPoint>, medians: &mut Vec<f64>) {
    let Some(point) = point else { return };
    point.launches = u32::try_from(medians.len()).unwrap_or(u32::MAX);
    (point.value, point.log_sd) = nights::summarise(medians);
    medians.clear();
}
