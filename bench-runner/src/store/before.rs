//! The runs before several runs, asked for at once: what [`Store::previous_comparable`] says of each.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::Store;
use super::error::{Fault, StoreError};
use super::listing::criterion_version;
use super::text::run_id;
use crate::model::fact::keys;
use crate::model::ids::RunId;

/// A run that was asked about, or that may be an answer.
struct Candidate {
    row: i64,
    id: RunId,
    profile: Option<String>,
    /// Whether it may be an answer.
    usable: bool,
    /// Whether it was asked about.
    asked: bool,
    /// Equal for runs that have in common all that a comparison needs.
    class: i64,
}

impl Store {
    /// Returns the newest run before each of `runs` that it may be compared with, as [`Store::previous_comparable`] does.
    ///
    /// One look at all runs that may be an answer, instead of one for each run that was asked about.
    ///
    /// # Edge cases
    ///
    /// A run that the store does not have is not in the answer.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn previous_of(&self, runs: &[RunId]) -> Result<BTreeMap<RunId, Option<RunId>>, StoreError> {
        self.read("looking for the runs before", |connection| {
            let candidates = candidates(connection, runs)?;
            let mut found = BTreeMap::new();
            for class in candidates.chunk_by(|a, b| a.class == b.class) {
                for (place, run) in class.iter().enumerate().filter(|(_, run)| run.asked) {
                    let earlier = || class[..place].iter().rev().filter(|earlier| earlier.usable);
                    let alike = earlier().filter(|earlier| earlier.profile == run.profile);
                    let others = earlier().filter(|earlier| earlier.profile != run.profile);
                    let mut before = None;
                    for earlier in alike.chain(others) {
                        if share_a_benchmark(connection, run.row, earlier.row)? {
                            before = Some(earlier.id.clone());
                            break;
                        }
                    }
                    found.insert(run.id.clone(), before);
                }
            }
            Ok(found)
        })
    }
}

/// The runs that were asked about and those that may be an answer, by class and then by time.
fn candidates(connection: &Connection, runs: &[RunId]) -> Result<Vec<Candidate>, Fault> {
    let asked: Vec<&str> = runs.iter().map(RunId::as_str).collect();
    let asked = serde_json::Value::from(asked).to_string();
    // Ranks are those of equal values: numbers by size, nothing equal to nothing, as `IS` has it.
    let mut statement = connection.prepare_cached(&format!(
        "WITH usable AS MATERIALIZED (
             SELECT run_id FROM run WHERE kind = 'measured' AND status = 'complete'
                AND NOT EXISTS (SELECT 1 FROM experiment_arm WHERE experiment_arm.run_id = run.run_id)
                AND NOT EXISTS (SELECT 1 FROM pruned_run WHERE pruned_run.run_id = run.run_id)
                AND NOT EXISTS (SELECT 1 FROM finding WHERE finding.run_id = run.run_id AND severity = 'blocking')),
         asked AS MATERIALIZED (SELECT run_id FROM run WHERE id IN (SELECT value FROM json_each(?1))),
         these AS MATERIALIZED (SELECT run_id FROM usable UNION SELECT run_id FROM asked)
         SELECT run.run_id, run.id, run.profile,
                run.run_id IN (SELECT run_id FROM usable), run.run_id IN (SELECT run_id FROM asked),
                dense_rank() OVER (ORDER BY machine, config, recipe, hw_class, suite, set_name,
                                            plan_json ->> '$.warm_up_seconds', plan_json ->> '$.measurement_seconds',
                                            plan_json ->> '$.sample_size', {}) AS class
         FROM these JOIN run USING (run_id) JOIN identity USING (identity_id)
         ORDER BY class, run.started_us, run.id",
        criterion_version("run"),
    ))?;
    let mut rows = statement.query((asked, keys::HARNESS_CRITERION))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Candidate {
            row: row.get(0)?,
            id: run_id(&row.get::<_, String>(1)?)?,
            profile: row.get(2)?,
            usable: row.get(3)?,
            asked: row.get(4)?,
            class: row.get(5)?,
        });
    }
    Ok(found)
}

/// Whether two runs were to measure a benchmark in common.
fn share_a_benchmark(connection: &Connection, a: i64, b: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM inventory AS a JOIN inventory AS b USING (benchmark_id)
                            WHERE a.run_id = ?1 AND b.run_id = ?2)",
        )?
        .query_row((a, b), |row| row.get(0))
}
