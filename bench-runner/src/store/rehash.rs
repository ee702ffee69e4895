//! Reading a run again and hashing what is there: parts, measurements, summaries, nights.
//!
//! It says what the digests are now. Comparing them with what was stored or signed is done by its callers.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use sha2::{Digest as _, Sha256};

use super::error::Fault;
use super::nights::{self, SeriesDigests};
use super::text::{BENCHMARK_COLUMNS, benchmark, digest, exactly, named};
use super::{pack, read};
use crate::model::ids::Digest;
use crate::model::measurement::{Measurement, Observation};
use crate::model::record::{
    list_digest, measurement_digest_of, measurement_part, run_digests, sample_digest, stated_digest,
};
use crate::model::run::Run;
use crate::model::units::Metric;

/// A run as it is now.
#[derive(Debug)]
pub(super) struct Rehashed {
    /// The run without its measurements.
    pub(super) run: Run,
    /// Digests of all parts, computed again, `measurements`, `summaries` and `nights` included. Of a folded run
    /// `measurements` and `summaries` are missing; measurements that do not match their digest are left out.
    pub(super) parts: BTreeMap<String, Digest>,
    /// Measurements that do not match the digest in their row.
    pub(super) loose: Vec<Loose>,
    /// Whether count, median and minimum of each measurement follow from its sample, as far as there is one.
    pub(super) summaries_follow: bool,
    /// Whether the stored nights follow from the launches, as far as there are any.
    pub(super) nights_follow: bool,
    /// Whether the entries of its lists are numbered from 0 without a gap, as they are written.
    pub(super) numbered: bool,
    /// Whether observations were pruned.
    pub(super) pruned: bool,
    /// Whether measurements were folded.
    pub(super) folded: bool,
}

/// A measurement that does not match the digest in its row, taken apart to see whose sample it has.
#[derive(Debug)]
pub(super) struct Loose {
    /// Name of the part.
    pub(super) part: String,
    /// The digest in its row.
    pub(super) stored: Digest,
    /// Ordinal of its launch and what it says besides the observations; `None` when that cannot be read.
    header: Option<(u32, Measurement)>,
    /// Length and digest of its sample; `None` when there is none that can be unpacked.
    pub(super) sample: Option<(usize, Digest)>,
}

impl Loose {
    /// Whether the observations of `other` are the ones that belong here.
    pub(super) fn belongs(&self, other: &Self) -> bool {
        let (Some((launch, header)), Some((length, sample))) = (&self.header, other.sample) else {
            return false;
        };
        measurement_digest_of(*launch, header, length, sample).is_ok_and(|digest| digest == self.stored)
    }
}

/// Reads a finished run again and hashes it.
pub(super) fn run(connection: &Connection, row: i64, series: &mut SeriesDigests) -> Result<Rehashed, Fault> {
    let json = |error| Fault::content("a run", error);
    let run = read::run(connection, row)?;
    let mut parts = run_digests(&run).map_err(json)?;
    parts.insert("stated".to_owned(), stated_digest(&read::stated(connection, row)?).map_err(json)?);
    let (pruned, folded) = state(connection, row)?;
    let (mut loose, mut measured, mut summaries_follow) = (Vec::new(), BTreeMap::new(), true);
    each(connection, row, |found| {
        match found.actual(pruned) {
            Some(actual) if actual == found.stored => summaries_follow &= found.summary_follows,
            Some(_) | None => loose.push(Loose {
                part: found.part.clone(),
                stored: found.stored,
                header: found.header.clone().map(|header| (found.launch, header)),
                sample: found.sample,
            }),
        }
        if found.actual(pruned) == Some(found.stored) {
            measured.insert(found.part, found.stored);
        }
        Ok(())
    })?;
    let stored = nights::stored(connection, row)?;
    let nights_follow =
        nights::shared_follow(connection, row)? && (folded || nights::follow(connection, row, &stored)?);
    parts.insert("nights".to_owned(), nights::digest(connection, &stored, series)?);
    if !folded {
        parts.insert("summaries".to_owned(), summaries(connection, row)?);
        parts.insert("measurements".to_owned(), list_digest(&measured));
        parts.extend(measured);
    }
    let numbered = numbered(connection, row)?;
    Ok(Rehashed { run, parts, loose, summaries_follow, nights_follow, numbered, pruned, folded })
}

/// Whether the entries of a run's lists are numbered from 0 without a gap: their order is signed, their numbers are not.
fn numbered(connection: &Connection, row: i64) -> Result<bool, Fault> {
    let list = |table: &str| {
        format!(
            "(SELECT ifnull(min(ordinal), 0) = 0 AND ifnull(max(ordinal) + 1, 0) = count(*) FROM {table} WHERE run_id = ?1)"
        )
    };
    let lists = ["inventory", "fact", "run_executable", "finding", "stated_estimate"].map(list);
    let sql = format!("SELECT {}", lists.join(" AND "));
    Ok(connection.prepare_cached(&sql)?.query_row([row], |row| row.get(0))?)
}

/// Whether a run was pruned, and whether it was folded.
pub(super) fn state(connection: &Connection, row: i64) -> Result<(bool, bool), Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM pruned_run WHERE run_id = ?1),
                    EXISTS (SELECT 1 FROM folded_run WHERE run_id = ?1)",
        )?
        .query_row([row], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Counts the rows of the parts that are lists.
pub(super) fn counts(connection: &Connection, row: i64) -> Result<BTreeMap<String, u64>, Fault> {
    const LISTS: [&str; 7] =
        ["inventory", "facts", "executables", "launches", "findings", "stated", "measurements"];
    let mut statement = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM inventory WHERE run_id = ?1), (SELECT count(*) FROM fact WHERE run_id = ?1),
                (SELECT count(*) FROM run_executable WHERE run_id = ?1),
                (SELECT count(*) FROM launch WHERE run_id = ?1), (SELECT count(*) FROM finding WHERE run_id = ?1),
                (SELECT count(*) FROM stated_estimate WHERE run_id = ?1),
                (SELECT count(*) FROM launch JOIN measurement USING (launch_id) WHERE launch.run_id = ?1)",
    )?;
    let mut rows = statement.query([row])?;
    let mut counts = BTreeMap::new();
    if let Some(found) = rows.next()? {
        for (index, list) in LISTS.into_iter().enumerate() {
            counts.insert(list.to_owned(), found.get::<_, i64>(index)?.unsigned_abs());
        }
    }
    Ok(counts)
}

/// Returns the digest over what rows say besides the parts: who wrote the run, the text of its plan, and for each
/// measurement launch and position (4 bytes each), observations, and the bits of median and minimum (8 bytes each).
pub(super) fn summaries(connection: &Connection, row: i64) -> Result<Digest, Fault> {
    let mut hasher = Sha256::new();
    let (written_by, plan): (String, String) = connection
        .prepare_cached("SELECT written_by, plan_json FROM run WHERE run_id = ?1")?
        .query_row([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for text in [written_by, plan] {
        hasher.update(text);
        hasher.update([0]);
    }
    let mut statement = connection.prepare_cached(
        "SELECT launch.ordinal, position, observations, median, minimum
         FROM launch JOIN measurement USING (launch_id) WHERE launch.run_id = ?1 ORDER BY launch.ordinal, position",
    )?;
    let mut rows = statement.query([row])?;
    while let Some(row) = rows.next()? {
        hasher.update(row.get::<_, u32>(0)?.to_le_bytes());
        hasher.update(row.get::<_, u32>(1)?.to_le_bytes());
        hasher.update(row.get::<_, i64>(2)?.to_le_bytes());
        hasher.update(row.get::<_, f64>(3)?.to_bits().to_le_bytes());
        hasher.update(row.get::<_, f64>(4)?.to_bits().to_le_bytes());
    }
    Ok(Digest(hasher.finalize().into()))
}

/// One measurement as it is stored.
pub(super) struct Found {
    launch: u32,
    part: String,
    stored: Digest,
    header: Option<Measurement>,
    sample: Option<(usize, Digest)>,
    kept: Option<(usize, Digest)>,
    summary_follows: bool,
}

impl Found {
    /// The digest that follows from what is there: from the sample, or for a pruned run from the digest kept of it.
    fn actual(&self, pruned: bool) -> Option<Digest> {
        let header = self.header.as_ref()?;
        let (length, sample) = self.sample.or(self.kept.filter(|_| pruned))?;
        measurement_digest_of(self.launch, header, length, sample).ok()
    }
}

/// Hands every measurement of a run to `take`.
fn each(
    connection: &Connection,
    run: i64,
    mut take: impl FnMut(Found) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT launch.ordinal, measurement.position, {BENCHMARK_COLUMNS}, metric.name, metric.unit, throughput_json,
                sampling, settings_json, measurement.sha256, packed, pruned_sample.sha256, observations, median, minimum
         FROM launch JOIN measurement USING (launch_id) JOIN series USING (series_id) JOIN benchmark USING (benchmark_id)
              JOIN metric USING (metric_id) JOIN protocol USING (protocol_id) LEFT JOIN sample USING (measurement_id)
              LEFT JOIN pruned_sample USING (measurement_id)
         WHERE launch.run_id = ?1 ORDER BY launch.ordinal, measurement.position"
    ))?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        take(found(row)?)?;
    }
    Ok(())
}

/// Reads one measurement; what cannot be read is absent from it.
fn found(row: &Row<'_>) -> Result<Found, Fault> {
    let (launch, position): (u32, u32) = (row.get(0)?, row.get(1)?);
    let sample = match row.get_ref(14)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
        None => None,
        Some(packed) => pack::unpack(packed).ok(),
    };
    let observations: i64 = row.get(16)?;
    let (median, minimum): (f64, f64) = (row.get(17)?, row.get(18)?);
    let summary_follows = sample.as_ref().is_none_or(|sample| {
        usize::try_from(observations).is_ok_and(|count| count == sample.len())
            && super::write::summary_of(sample).is_some_and(|(m, least)| {
                m.to_bits() == median.to_bits() && least.to_bits() == minimum.to_bits()
            })
    });
    let of = |sample: &Vec<Observation>| (sample.len(), sample_digest(sample));
    let kept = match (row.get::<_, Option<[u8; 32]>>(15)?, usize::try_from(observations)) {
        (Some(kept), Ok(count)) => Some((count, Digest(kept))),
        _ => None,
    };
    Ok(Found {
        launch,
        part: measurement_part(launch, position),
        stored: digest(&row.get::<_, Vec<u8>>(13)?)?,
        header: header(row).ok(),
        sample: sample.as_ref().map(of),
        kept,
        summary_follows,
    })
}

/// Reads a measurement without its observations.
fn header(row: &Row<'_>) -> Result<Measurement, Fault> {
    Ok(Measurement {
        benchmark: benchmark(row, 2)?,
        metric: Metric { name: row.get(8)?, unit: row.get(9)? },
        throughput: exactly("a throughput", &row.get::<_, String>(10)?)?,
        sampling: named("a sampling mode", row.get(11)?)?,
        settings: exactly("harness settings", &row.get::<_, String>(12)?)?,
        sample: Vec::new(),
    })
}
