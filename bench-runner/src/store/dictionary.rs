//! Rows that many others share, such as benchmarks and identities: found or added, never changed.

use rusqlite::{Connection, Params};

use crate::model::ids::{BenchmarkId, Identity};
use crate::model::units::Metric;

/// Returns the key of a dictionary row, adding the row when it is new. Only inside a write transaction.
pub(super) fn intern(
    connection: &Connection,
    find: &str,
    insert: &str,
    content: impl Params + Clone,
) -> rusqlite::Result<i64> {
    let found = connection.prepare_cached(find)?.query_row(content.clone(), |row| row.get(0));
    match found {
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            connection.prepare_cached(insert)?.execute(content)?;
            Ok(connection.last_insert_rowid())
        }
        other => other,
    }
}

/// Returns the row of an identity, adding it when it is new.
pub(super) fn intern_identity(connection: &Connection, identity: &Identity) -> rusqlite::Result<i64> {
    intern(
        connection,
        "SELECT identity_id FROM identity
         WHERE machine = ?3 AND config = ?5 AND build = ?6 AND hw_class = ?2 AND recipe = ?1 AND label IS ?4",
        "INSERT INTO identity (recipe, hw_class, machine, label, config, build) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            identity.recipe,
            &identity.hw_class,
            &identity.machine,
            &identity.label,
            &identity.config,
            &identity.build,
        ),
    )
}

/// Returns the row of a benchmark, adding it when it is new.
pub(super) fn intern_benchmark(connection: &Connection, benchmark: &BenchmarkId) -> rusqlite::Result<i64> {
    intern(
        connection,
        "SELECT benchmark_id FROM benchmark
         WHERE group_name = ?3 AND target = ?2 AND package = ?1 AND occurrence = ?6 AND function IS ?4 AND value IS ?5",
        "INSERT INTO benchmark (package, target, group_name, function, value, occurrence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            &benchmark.package,
            &benchmark.target,
            &benchmark.group,
            &benchmark.function,
            &benchmark.value,
            benchmark.occurrence,
        ),
    )
}

/// Returns the row of a series, adding it when it is new.
pub(super) fn intern_series(
    connection: &Connection,
    identity: &Identity,
    benchmark: &BenchmarkId,
    metric: &Metric,
) -> rusqlite::Result<i64> {
    let benchmark = intern_benchmark(connection, benchmark)?;
    let metric = intern(
        connection,
        "SELECT metric_id FROM metric WHERE name = ?1 AND unit = ?2",
        "INSERT INTO metric (name, unit) VALUES (?1, ?2)",
        (&metric.name, &metric.unit),
    )?;
    intern(
        connection,
        "SELECT series_id FROM series
         WHERE benchmark_id = ?1 AND metric_id = ?2 AND machine = ?4 AND config = ?5 AND recipe = ?3",
        "INSERT INTO series (benchmark_id, metric_id, recipe, machine, config) VALUES (?1, ?2, ?3, ?4, ?5)",
        (benchmark, metric, identity.recipe, &identity.machine, &identity.config),
    )
}
