//! Model values as the text of columns, and back.
//!
//! Enums are written as their serde names, structures as JSON; both are checked when they are read.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Fault;
use crate::model::ids::{BenchmarkId, Digest, RunId};
use crate::model::record::SeriesKey;
use crate::model::units::Metric;

/// Writes a unit-like enum as its serde name.
pub(super) fn name_of<T: Serialize>(what: &'static str, value: T) -> Result<String, Fault> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        Ok(other) => Err(Fault::invalid(what, format!("`{other}` is not a name"))),
        Err(error) => Err(Fault::invalid(what, error)),
    }
}

/// Reads a unit-like enum from its serde name.
pub(super) fn named<T: DeserializeOwned>(what: &'static str, name: String) -> Result<T, Fault> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(|error| Fault::content(what, error))
}

/// Writes a structure as JSON.
pub(super) fn json_of<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::invalid(what, error))
}

/// Reads a structure from JSON.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, json: &str) -> Result<T, Fault> {
    serde_json::from_str(json).map_err(|error| Fault::content(what, error))
}

/// Reads a structure from the very JSON that [`json_of`] writes of it: another spelling was not written here.
pub(super) fn exactly<T: DeserializeOwned + Serialize>(what: &'static str, json: &str) -> Result<T, Fault> {
    let value = from_json(what, json)?;
    if json_of(what, &value)? == json {
        Ok(value)
    } else {
        Err(Fault::content(what, "it is spelled in another way than it is written"))
    }
}

/// Reads a digest from its 32 bytes.
pub(super) fn digest(bytes: &[u8]) -> Result<Digest, Fault> {
    bytes.try_into().map(Digest).map_err(|_| Fault::content("a digest", "it does not have 32 bytes"))
}

/// Reads a run id.
pub(super) fn run_id(text: &str) -> Result<RunId, Fault> {
    text.parse().map_err(|error| Fault::content("a run id", error))
}

/// Converts a stored number to a narrower type.
pub(super) fn narrow<T: TryFrom<i64>>(what: &'static str, value: i64) -> Result<T, Fault> {
    T::try_from(value).map_err(|_| Fault::content(what, format!("{value} is out of range")))
}

/// Columns of a benchmark in the order in which [`benchmark`] reads them.
pub(super) const BENCHMARK_COLUMNS: &str = "benchmark.package, benchmark.target, benchmark.group_name, benchmark.function, benchmark.value, benchmark.occurrence";

/// Reads a benchmark from six columns that begin at `first`.
pub(super) fn benchmark(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<BenchmarkId> {
    Ok(BenchmarkId {
        package: row.get(first)?,
        target: row.get(first + 1)?,
        group: row.get(first + 2)?,
        function: row.get(first + 3)?,
        value: row.get(first + 4)?,
        occurrence: row.get(first + 5)?,
    })
}

/// Selects the keys of series in the order in which [`series_key`] reads them.
pub(super) const SERIES_KEYS: &str =
    "SELECT benchmark.package, benchmark.target, benchmark.group_name, benchmark.function, benchmark.value,
            benchmark.occurrence, metric.name, metric.unit, series.recipe, series.machine, series.config, series.series_id
     FROM series JOIN benchmark USING (benchmark_id) JOIN metric USING (metric_id)";

/// Reads the key of a series from eleven columns that begin at `first`.
pub(super) fn series_key(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<SeriesKey> {
    Ok(SeriesKey {
        benchmark: benchmark(row, first)?,
        metric: Metric { name: row.get(first + 6)?, unit: row.get(first + 7)? },
        recipe: row.get(first + 8)?,
        machine: row.get(first + 9)?,
        config: row.get(first + 10)?,
    })
}
