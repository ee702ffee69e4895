//! What each run contributes to a line of history, computed once when the run ends and kept beside it.
//!
//! The rows follow from launches and stated estimates: they can be made again, and are compared with what was kept.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use super::text::series_key;
use crate::model::fact::keys;
use crate::model::ids::Digest;

/// One point of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Night {
    /// Row of the series.
    pub(super) series: i64,
    /// 0: from launches; from 1: stated.
    pub(super) ordinal: i64,
    /// Median of the launch medians.
    pub(super) value: f64,
    /// Standard deviation of their logarithms.
    pub(super) log_sd: Option<f64>,
    /// How many launches.
    pub(super) launches: u32,
    /// The executable of the first of them.
    pub(super) code: Option<Digest>,
}

/// Digests of series by row, so that each is made once.
pub(super) type SeriesDigests = BTreeMap<i64, Digest>;

/// Computes the points of a run from its launches and stated estimates, by series and ordinal.
pub(super) fn of_run(connection: &Connection, run: i64) -> rusqlite::Result<Vec<Night>> {
    points(connection, run, false)
}

/// Whether the points that were kept of a run follow from it.
///
/// Points from before disturbed launches were left out follow as well: a finished run is not changed.
pub(super) fn follow(connection: &Connection, run: i64, stored: &[Night]) -> rusqlite::Result<bool> {
    Ok(stored == of_run(connection, run)? || stored == points(connection, run, true)?)
}

fn points(connection: &Connection, run: i64, disturbed: bool) -> rusqlite::Result<Vec<Night>> {
    let mut nights = measured(connection, run, disturbed)?;
    let mut statement = connection
        .prepare_cached("SELECT series_id, value FROM stated_estimate WHERE run_id = ?1 ORDER BY ordinal")?;
    let mut rows = statement.query([run])?;
    let mut stated: BTreeMap<i64, i64> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let series = row.get(0)?;
        let ordinal = stated.entry(series).or_default();
        *ordinal += 1;
        let ordinal = *ordinal;
        nights.push(Night { series, ordinal, value: row.get(1)?, log_sd: None, launches: 0, code: None });
    }
    nights.sort_by_key(|night| (night.series, night.ordinal));
    Ok(nights)
}

/// Points with launches behind them; launches in whose stead another was made count only when `disturbed` ones are asked for.
fn measured(connection: &Connection, run: i64, disturbed: bool) -> rusqlite::Result<Vec<Night>> {
    let mut statement = connection.prepare_cached(
        "SELECT series_id, median, executable_sha256 FROM launch JOIN measurement USING (launch_id)
         WHERE launch.run_id = ?1 AND launch.status = 'complete'
           AND (?2 OR NOT EXISTS (SELECT 1 FROM launch_covariates AS c
                                  WHERE c.launch_id = launch.launch_id AND c.repeated))
         ORDER BY launch.ordinal, position",
    )?;
    let mut rows = statement.query((run, disturbed))?;
    let mut lines: BTreeMap<i64, (Digest, Vec<f64>)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let series = row.get(0)?;
        match lines.get_mut(&series) {
            Some((_, medians)) => medians.push(row.get(1)?),
            None => {
                lines.insert(series, (Digest(row.get(2)?), vec![row.get(1)?]));
            }
        }
    }
    let point = |(series, (code, mut medians)): (i64, (Digest, Vec<f64>))| {
        let (value, log_sd) = summarise(&mut medians);
        let launches = u32::try_from(medians.len()).unwrap_or(u32::MAX);
        let code = Some(code).filter(|code| *code != Digest::UNKNOWN);
        Night { series, ordinal: 0, value, log_sd, launches, code }
    };
    Ok(lines.into_iter().map(point).collect())
}

/// Median of launch medians (at least one, in launch order), and from two on the standard deviation of their logarithms.
pub(super) fn summarise(medians: &mut [f64]) -> (f64, Option<f64>) {
    // The order of adding up is that of the launches: sorting first would change the last bit.
    let logs: Vec<f64> = medians.iter().map(|median| median.ln()).collect();
    medians.sort_by(f64::total_cmp);
    let middle = medians.len() / 2;
    let value = if medians.len() % 2 == 1 {
        medians[middle]
    } else {
        f64::midpoint(medians[middle - 1], medians[middle])
    };
    if logs.len() < 2 {
        return (value, None);
    }
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 launches")]
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let squares = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>();
    (value, Some((squares / (count - 1.0)).sqrt()))
}

/// Writes the points of a run that is about to end.
pub(super) fn fill(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    for night in of_run(connection, run)? {
        let code = night.code.map(|code| intern_code(connection, code)).transpose()?;
        insert(connection, run, &night, code)?;
    }
    close(connection, run)
}

/// Writes one point.
pub(super) fn insert(
    connection: &Connection,
    run: i64,
    night: &Night,
    code: Option<i64>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO night (series_id, run_id, ordinal, value, log_sd, launches, code_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            night.series,
            run,
            night.ordinal,
            night.value,
            night.log_sd,
            night.launches,
            code
        ])?;
    Ok(())
}

/// The first fact of a run under a key, in SQL: `?1` is the run, the key has the given number.
fn fact(key: u8) -> String {
    format!(
        "(SELECT value_json ->> '$' FROM fact JOIN fact_text USING (fact_text_id)
          WHERE fact.run_id = ?1 AND phase = 'start' AND key = ?{key}
            AND fact_text.status IN ('ok', 'derived') LIMIT 1)"
    )
}

/// Says that all points of a run are written, with what they share.
pub(super) fn close(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    let (source, grade) = (fact(2), fact(3));
    connection
        .prepare_cached(&format!(
            "INSERT INTO night_run (run_id, source, grade) VALUES (?1, {source}, {grade})"
        ))?
        .execute((run, keys::SOURCE_COMMIT, keys::DOCTOR_GRADE))?;
    Ok(())
}

/// Whether what the points of a run share follows from its facts.
pub(super) fn shared_follow(connection: &Connection, run: i64) -> rusqlite::Result<bool> {
    let (source, grade) = (fact(2), fact(3));
    connection
        .prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM night_run WHERE run_id = ?1 AND source IS {source} AND grade IS {grade})"
        ))?
        .query_row((run, keys::SOURCE_COMMIT, keys::DOCTOR_GRADE), |row| row.get(0))
}

/// Writes the points of all finished runs that have none: what the migration leaves to do.
pub(super) fn fill_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT run_id FROM run WHERE status <> 'running' ORDER BY run_id")?;
    let runs: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    runs.into_iter().try_for_each(|run| fill(connection, run))
}

/// Returns the row of an executable, adding it when it is new.
pub(super) fn intern_code(connection: &Connection, code: Digest) -> rusqlite::Result<i64> {
    super::dictionary::intern(
        connection,
        "SELECT code_id FROM code WHERE sha256 = ?1",
        "INSERT INTO code (sha256) VALUES (?1)",
        [code.0],
    )
}

/// Reads the points of a run as they were kept, by series and ordinal.
pub(super) fn stored(connection: &Connection, run: i64) -> rusqlite::Result<Vec<Night>> {
    let mut statement = connection.prepare_cached(
        "SELECT night.series_id, ordinal, night.value, log_sd, launches, code.sha256
         FROM run JOIN identity USING (identity_id) CROSS JOIN series
              ON series.machine = identity.machine AND series.config = identity.config
                 AND series.recipe = identity.recipe
              CROSS JOIN night ON night.series_id = series.series_id AND night.run_id = run.run_id
              LEFT JOIN code USING (code_id)
         WHERE run.run_id = ?1 ORDER BY night.series_id, ordinal",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Night {
            series: row.get(0)?,
            ordinal: row.get(1)?,
            value: row.get(2)?,
            log_sd: row.get(3)?,
            launches: row.get(4)?,
            code: row.get::<_, Option<[u8; 32]>>(5)?.map(Digest),
        })
    };
    statement.query_map([run], read)?.collect()
}

/// Returns the digest over points: for each, in the order of the digests of their series, that digest, the ordinal, the
/// bits of value and spread, the launches and the executable; integers and bits little-endian, what is absent as zeros.
pub(super) fn digest(
    connection: &Connection,
    nights: &[Night],
    known: &mut SeriesDigests,
) -> rusqlite::Result<Digest> {
    let mut lines = Vec::with_capacity(nights.len());
    for night in nights {
        let series = match known.get(&night.series) {
            Some(digest) => *digest,
            None => {
                let digest = series_digest(connection, night.series)?;
                known.insert(night.series, digest);
                digest
            }
        };
        let mut line = [0_u8; 97];
        line[..32].copy_from_slice(&series.0);
        line[32..40].copy_from_slice(&night.ordinal.to_le_bytes());
        line[40..48].copy_from_slice(&night.value.to_bits().to_le_bytes());
        line[48] = u8::from(night.log_sd.is_some());
        line[49..57].copy_from_slice(&night.log_sd.unwrap_or(0.0).to_bits().to_le_bytes());
        line[57..61].copy_from_slice(&night.launches.to_le_bytes());
        line[61..93].copy_from_slice(&night.code.map_or([0; 32], |code| code.0));
        lines.push(line);
    }
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    lines.iter().for_each(|line| hasher.update(line));
    Ok(Digest(hasher.finalize().into()))
}

/// Returns the digest of the key of a series.
fn series_digest(connection: &Connection, series: i64) -> rusqlite::Result<Digest> {
    let key = connection
        .prepare_cached(&format!("{} WHERE series_id = ?1", super::text::SERIES_KEYS))?
        .query_row([series], |row| series_key(row, 0))?;
    let json =
        serde_json::to_vec(&key).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok(Digest(Sha256::digest(json).into()))
}
