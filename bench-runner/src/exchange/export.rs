//! Our own export: one run or a whole history as one JSON file, every observation in it, each part with its digest.
//!
//! Its shape is published as `docs/export.schema.json`. A bundle carries one run between stores; an export is for whoever
//! wants all of it, and can be read back as well.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::foreign::{ForeignError, MAX_POINTS, MAX_RUNS};
use super::input;
use crate::model::estimate::BenchmarkResult;
use crate::model::ids::{BenchmarkId, Digest};
use crate::model::record::{LaunchMeasurement, RunRecord, StatedEstimate};
use crate::model::run::{Run, RunStatus};
use crate::model::units::Timestamp;

/// Name of the format.
pub const SCHEMA: &str = "bench-runner/export";
/// Version of the format that is written, and the only one that is read.
pub const VERSION: u64 = 1;
/// Name of the format in messages.
const FORMAT: &str = "an export of bench-runner";
/// Most objects of a file: each observation is one.
const MAX_OBJECTS: usize = 10_000_000;

/// A run as the writers of all formats get it.
#[derive(Debug, Clone, Copy)]
pub struct Exported<'a> {
    /// The run with its observations.
    pub record: &'a RunRecord,
    /// What they say: the results to write, in the order of the inventory.
    pub results: &'a [BenchmarkResult],
}

/// One run as it is written.
#[derive(Serialize)]
struct Written<'a> {
    digests: BTreeMap<String, Digest>,
    run: &'a Run,
    measurements: &'a [LaunchMeasurement],
    stated: &'a [StatedEstimate],
}

/// One run as it is read.
#[derive(Deserialize)]
struct Parsed {
    digests: BTreeMap<String, Digest>,
    run: Run,
    measurements: Vec<LaunchMeasurement>,
    stated: Vec<StatedEstimate>,
}

/// What a file of ours begins with.
#[derive(Deserialize)]
struct Header {
    schema: String,
    version: serde_json::Value,
}

/// The runs of a file.
#[derive(Deserialize)]
struct File {
    runs: Vec<Parsed>,
}

/// Returns what comes before the first run.
#[must_use]
pub fn opening() -> String {
    format!("{{\"schema\":\"{SCHEMA}\",\"version\":{VERSION},\"runs\":[")
}

/// Writes one run; `first` tells whether it needs a comma.
///
/// # Errors
///
/// Fails only if a part of the run cannot be written as JSON.
pub fn run(record: &RunRecord, first: bool) -> Result<String, serde_json::Error> {
    let written = Written {
        digests: record.digests()?,
        run: &record.run,
        measurements: &record.measurements,
        stated: &record.stated,
    };
    let comma = if first { "\n" } else { ",\n" };
    Ok(format!("{comma}{}", serde_json::to_string(&written)?))
}

/// Returns what comes after the last run.
#[must_use]
pub fn closing() -> &'static str {
    "\n]}\n"
}

/// Reads an export and checks every digest. Runs keep their ids; fields that this version does not know are ignored.
///
/// # Errors
///
/// [`ForeignError`]: another format or version, a part that differs from its digest, a run that is still running, too much
/// of something, or no run.
pub fn parse(content: &[u8]) -> Result<Vec<RunRecord>, ForeignError> {
    let text = input::text(content)?;
    let Header { schema, version } = input::json(text, FORMAT, MAX_OBJECTS)?;
    if schema != SCHEMA {
        return Err(ForeignError::Ours { schema: schema.chars().take(80).collect() });
    }
    if version.as_u64() != Some(VERSION) {
        let found: String = version.to_string().chars().take(40).collect();
        return Err(ForeignError::Version { format: FORMAT, found, known: "1" });
    }
    let file: File = input::json(text, FORMAT, MAX_OBJECTS)?;
    let records = file.runs.into_iter().map(Parsed::check).collect::<Result<Vec<_>, _>>()?;
    let observations = |record: &RunRecord| {
        record.measurements.iter().map(|entry| entry.measurement.sample.len()).sum::<usize>()
            + record.stated.len()
    };
    let limit = |what, limit| Err(ForeignError::Limit { place: "the file".to_owned(), what, limit });
    match records.len() {
        0 => Err(ForeignError::Empty { left_out: 0 }),
        runs if runs > MAX_RUNS => limit("runs", MAX_RUNS),
        _ if records.iter().map(observations).sum::<usize>() > 8 * MAX_POINTS => {
            limit("observations and estimates", 8 * MAX_POINTS)
        }
        _ => Ok(records),
    }
}

impl Parsed {
    /// Checks the digests of a run.
    fn check(self) -> Result<RunRecord, ForeignError> {
        let Self { digests: stated_digests, run, measurements, stated } = self;
        let id = run.id.clone();
        let value = |reason: String| ForeignError::Value { place: format!("run {id}"), reason };
        if run.status == RunStatus::Running {
            return Err(value("it is still running".to_owned()));
        }
        let record = RunRecord { run, measurements, stated };
        let digests = record.digests().map_err(|error| value(error.to_string()))?;
        let differs = |part: &&String| stated_digests.get(*part) != digests.get(*part);
        match digests.keys().chain(stated_digests.keys()).find(differs) {
            Some(part) => Err(ForeignError::Digest { run: id, part: part.chars().take(80).collect() }),
            None => Ok(record),
        }
    }
}

/// The name of a benchmark in formats that have one text for it: `package/target/full_id`, without a package that nobody
/// named.
#[must_use]
pub fn name_of(benchmark: &BenchmarkId) -> String {
    let known = benchmark.package != super::foreign::IMPORTED;
    if known { format!("{}/{benchmark}", benchmark.package) } else { benchmark.to_string() }
}

/// A time as RFC 3339 in UTC.
///
/// # Edge cases
///
/// A time that no calendar holds is written as its number of microseconds.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.0).map_or_else(|_| time.0.to_string(), |stamp| stamp.to_string())
}
