//! Lines of history: one point per run of a series, from the summaries of its launches.
//!
//! Runs that are arms of an experiment are not nights and are left out.

use rusqlite::{Connection, named_params};

use super::Store;
use super::error::{Fault, StoreError};
use super::text::{named, run_id};
use crate::model::fact::keys;
use crate::model::history::{History, HistoryPoint};
use crate::model::ids::Digest;
use crate::model::record::SeriesKey;
use crate::model::units::Timestamp;

/// Kind of the annotation that puts a run aside.
pub const QUARANTINE: &str = "quarantine";
/// Kind of the annotation that takes it back.
pub const RELEASE: &str = "release";

impl Store {
    /// Returns the points of a series, one per run with a launch of it or a stated estimate, oldest first.
    ///
    /// Running runs and arms of experiments are left out; partial, imported and quarantined ones are in it and say so.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn history(&self, key: &SeriesKey) -> Result<History, StoreError> {
        self.read("reading a history", |connection| {
            let mut points = measured(connection, key)?;
            points.extend(stated(connection, key)?);
            points.sort_by(|a, b| (a.started, &a.run).cmp(&(b.started, &b.run)));
            Ok(History { key: key.clone(), points })
        })
    }
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
    let logs: Vec<f64> = medians.iter().map(|median| median.ln()).collect();
    medians.sort_by(f64::total_cmp);
    let middle = medians.len() / 2;
    point.value = if medians.len() % 2 == 1 {
        medians[middle]
    } else {
        f64::midpoint(medians[middle - 1], medians[middle])
    };
    if logs.len() >= 2 {
        #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 launches")]
        let count = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / count;
        point.log_sd =
            Some((logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt());
    }
    medians.clear();
}
