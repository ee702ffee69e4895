//! What each launch of a run measured, by its median alone: enough to compare two runs, and there after pruning.
//!
//! Observations are not read and digests not checked: for claims about a run read its record.

use super::error::StoreError;
use super::text::{BENCHMARK_COLUMNS, benchmark};
use super::{Store, write};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::units::Metric;

/// One benchmark of a run by the medians of its launches.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchMedians {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Ordinal of each complete launch, its median per iteration and its number of observations, in the order of launches.
    pub launches: Vec<(u32, f64, u32)>,
}

impl Store {
    /// Returns the medians of a run by benchmark and metric, in the order in which the store first saw them.
    ///
    /// # Edge cases
    ///
    /// Launches that are not complete, and disturbed ones that were made again, are left out. A run whose measurements were
    /// folded has none.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when they cannot be read.
    pub fn launch_medians(&self, run: &RunId) -> Result<Vec<LaunchMedians>, StoreError> {
        self.read("reading the medians of a run", |connection| {
            let row = write::require(connection, run)?;
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {BENCHMARK_COLUMNS}, metric.name, metric.unit, launch.ordinal, median, observations, series_id
                 FROM launch JOIN measurement USING (launch_id) JOIN series USING (series_id)
                      JOIN benchmark USING (benchmark_id) JOIN metric USING (metric_id)
                 WHERE launch.run_id = ?1 AND launch.status = 'complete'
                   AND NOT EXISTS (SELECT 1 FROM launch_covariates AS c
                                   WHERE c.launch_id = launch.launch_id AND c.repeated)
                 ORDER BY series_id, launch.ordinal, position"
            ))?;
            let mut rows = statement.query([row])?;
            let mut found: Vec<LaunchMedians> = Vec::new();
            let mut last = None;
            while let Some(row) = rows.next()? {
                let series: i64 = row.get(11)?;
                let launch = (row.get(8)?, row.get(9)?, row.get(10)?);
                match found.last_mut() {
                    Some(one) if last == Some(series) => one.launches.push(launch),
                    _ => {
                        let metric = Metric { name: row.get(6)?, unit: row.get(7)? };
                        let benchmark = benchmark(row, 0)?;
                        found.push(LaunchMedians { benchmark, metric, launches: vec![launch] });
                    }
                }
                last = Some(series);
            }
            Ok(found)
        })
    }
}
