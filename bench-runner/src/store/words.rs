//! Words: what is added beside runs, in the order of adding, and the statements about them.
//!
//! A transaction signs as added only what it added itself. What it finds without a signature it signs as found: that fixes
//! what it says from then on, and vouches for nothing before.

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest as _, Sha256};

use super::chain::{End, append};
use super::error::Fault;
use super::schema;
use crate::model::ids::Digest;
use crate::model::record::list_digest;
use crate::model::seal::{Predicate, Signer, Statement, WORDS_CHAIN, Word};

/// Most words in one statement; more are signed in several.
const MOST_WORDS: u32 = 1000;

/// Ends the name of a statement about words that were there already, without a signature.
const FOUND: &str = "/found";

/// The sort of word that says of a run that its observations were pruned.
pub(super) const PRUNED: &str = "pruned_run";
/// The sort of word that says of a run that its measurements were folded.
pub(super) const FOLDED: &str = "folded_run";
/// The sort of word that a store gets once: from it on, prunings are signed.
pub(super) const STORE: &str = "store";

/// A sort of word: a table whose rows are words, under the name of the table.
#[derive(Debug)]
pub(super) struct Sort {
    /// The table.
    pub(super) table: &'static str,
    /// The key of a row as text, in SQL.
    pub(super) key: &'static str,
    /// Which rows are words, in SQL.
    pub(super) rows: &'static str,
    /// The content of the row with the key `?1` as JSON, in SQL.
    content: &'static str,
}

/// All sorts of words.
pub(super) const SORTS: &[Sort] = &[
    Sort {
        table: "annotation",
        key: "CAST(annotation_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(target, target_id, kind, text, at_us) FROM annotation
                  WHERE annotation_id = CAST(?1 AS INTEGER) AND CAST(annotation_id AS TEXT) = ?1",
    },
    Sort {
        table: "segment",
        key: "CAST(segment_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(package, target, group_name, function, value, occurrence, name, unit, recipe, machine,
                                    config, run.id, state, reason, at_us)
                  FROM segment JOIN series USING (series_id) JOIN benchmark USING (benchmark_id)
                       JOIN metric USING (metric_id) JOIN run ON run.run_id = first_run_id
                  WHERE segment_id = CAST(?1 AS INTEGER) AND CAST(segment_id AS TEXT) = ?1",
    },
    Sort {
        table: "sighting",
        key: "CAST(sighting_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(change_id, package, target, group_name, function, value, occurrence, name, unit, recipe,
                                    machine, config, first.id, seen.id, evidence, ratio, experiment, at_us)
                  FROM sighting JOIN series USING (series_id) JOIN benchmark USING (benchmark_id)
                       JOIN metric USING (metric_id) JOIN run AS first ON first.run_id = first_run_id
                       JOIN run AS seen ON seen.run_id = seen_run_id
                  WHERE sighting_id = CAST(?1 AS INTEGER) AND CAST(sighting_id AS TEXT) = ?1",
    },
    Sort {
        table: "decision",
        key: "CAST(decision_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(subject, kind, reason, until_us, at_us) FROM decision
                  WHERE decision_id = CAST(?1 AS INTEGER) AND CAST(decision_id AS TEXT) = ?1",
    },
    Sort {
        table: "baseline",
        key: "CAST(baseline_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(name, run.id, at_us) FROM baseline JOIN run USING (run_id)
                  WHERE baseline_id = CAST(?1 AS INTEGER) AND CAST(baseline_id AS TEXT) = ?1",
    },
    Sort {
        table: "alias",
        key: "json_array(origin, name)",
        rows: "1",
        content: "SELECT json_array(origin, name, package, target, group_name, function, value, occurrence)
                  FROM alias JOIN benchmark USING (benchmark_id)
                  WHERE json_array(origin, name) = ?1",
    },
    Sort {
        table: "experiment",
        key: "CAST(experiment_id AS TEXT)",
        rows: "finished_us IS NOT NULL",
        content: "SELECT json_array(id, purpose, started_us, finished_us, seed, result_json, written_by,
                      (SELECT json_group_array(json_array(ordinal, run.id, variant_json))
                       FROM (SELECT * FROM experiment_arm ORDER BY ordinal) AS arm JOIN run USING (run_id)
                       WHERE arm.experiment_id = experiment.experiment_id),
                      (SELECT json_group_array(json_array(position, block, arm, side, role, launch, contaminated))
                       FROM (SELECT * FROM experiment_launch ORDER BY position) AS turn
                       WHERE turn.experiment_id = experiment.experiment_id))
                  FROM experiment WHERE experiment_id = CAST(?1 AS INTEGER) AND CAST(experiment_id AS TEXT) = ?1",
    },
    Sort {
        table: "calibration",
        key: "CAST(experiment_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(experiment.id, machine, at_us, calibration.result_json)
                  FROM calibration JOIN experiment USING (experiment_id)
                  WHERE experiment_id = CAST(?1 AS INTEGER) AND CAST(experiment_id AS TEXT) = ?1",
    },
    Sort {
        table: "knob_trial",
        key: "CAST(experiment_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(experiment.id, knob, session, trial_json)
                  FROM knob_trial JOIN experiment USING (experiment_id)
                  WHERE experiment_id = CAST(?1 AS INTEGER) AND CAST(experiment_id AS TEXT) = ?1",
    },
    Sort {
        table: "origin_link",
        key: "run_id || '/' || ordinal",
        rows: "1",
        content: "SELECT json_array(run.id, ordinal, hex(payload), key_id, hex(signature))
                  FROM origin_link JOIN run USING (run_id)
                  WHERE run_id = CAST(?1 AS INTEGER) AND run_id || '/' || ordinal = ?1",
    },
    Sort {
        table: PRUNED,
        key: "CAST(run_id AS TEXT)",
        rows: "1",
        content: "SELECT json_array(run.id, at_us) FROM pruned_run JOIN run USING (run_id)
                  WHERE run_id = CAST(?1 AS INTEGER) AND CAST(run_id AS TEXT) = ?1",
    },
    Sort {
        table: FOLDED,
        key: "CAST(run_id AS TEXT)",
        rows: "1",
        // What the digest of its summaries covered besides the measurements, which goes with them.
        content: "SELECT json_array(run.id, at_us, written_by, plan_json) FROM folded_run JOIN run USING (run_id)
                  WHERE run_id = CAST(?1 AS INTEGER) AND CAST(run_id AS TEXT) = ?1",
    },
    Sort {
        table: STORE,
        key: "CAST(one AS TEXT)",
        rows: "1",
        content: "SELECT json_array(store_id, created_us) FROM store WHERE CAST(one AS TEXT) = ?1",
    },
];

/// Reads the number of the newest word, 0 before the first.
pub(super) fn newest(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection
        .prepare_cached("SELECT ifnull(max(word_id), 0) FROM word")?
        .query_row([], |row| row.get(0))?)
}

/// Reads the last word that a statement covers, 0 before the first.
fn covered(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT last_word FROM link WHERE chain_id = (SELECT chain_id FROM chain WHERE name = ?1)
             ORDER BY position DESC LIMIT 1",
        )?
        .query_row([WORDS_CHAIN], |row| row.get::<_, Option<i64>>(0))
        .optional()?
        .flatten()
        .unwrap_or(0))
}

/// Appends statements about the words that none covers yet: as added those after `before`, which was the newest when this
/// transaction began, and as found the others. Nearly always there are none, which costs two look-ups.
pub(super) fn link(connection: &Connection, signer: &dyn Signer, before: i64) -> Result<(), Fault> {
    loop {
        let (covered, newest) = (covered(connection)?, newest(connection)?);
        if newest <= covered {
            return Ok(());
        }
        let (until, manner) = if covered < before {
            (before, FOUND)
        } else if schema::foreign_triggers(connection)?.is_empty() {
            (newest, "")
        } else {
            // A trigger of somebody else's may have added words to this very transaction.
            (newest, FOUND)
        };
        let mut statement = connection.prepare_cached(
            "SELECT word_id, kind, row_key FROM word WHERE word_id > ?1 AND word_id <= ?2 ORDER BY word_id LIMIT ?3",
        )?;
        let found: Vec<(i64, String, String)> = statement
            .query_map((covered, until, MOST_WORDS), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let mut words = Vec::with_capacity(found.len());
        for (number, kind, key) in found {
            // A row that vanished before it was signed must not stop everybody else from writing.
            let sha256 =
                content(connection, &kind, &key)?.map_or(Digest::UNKNOWN, |content| digest(&content));
            words.push(Word { number: number.unsigned_abs(), kind, sha256 });
        }
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return Ok(()) };
        let (name, last_word) = (format!("words/{}-{}{manner}", first.number, last.number), last.number);
        let end = End { name, digest: list(&words), run: None, last_word: i64::try_from(last_word).ok() };
        append(connection, signer, WORDS_CHAIN, end, |predicate| Predicate { words, ..predicate })?;
    }
}

/// Whether a statement covers its words as found: nobody signed them when they were added.
pub(super) fn are_found(statement: &Statement) -> bool {
    statement.about().is_some_and(|about| about.name.ends_with(FOUND))
}

/// Returns the digest over a list of words.
pub(super) fn list(words: &[Word]) -> Digest {
    list_digest(
        &words.iter().map(|word| (format!("{:020}/{}", word.number, word.kind), word.sha256)).collect(),
    )
}

/// Returns the content of a word; `None` when its row is gone, or when there is no such sort of word.
pub(super) fn content(connection: &Connection, kind: &str, key: &str) -> Result<Option<String>, Fault> {
    let Some(sort) = SORTS.iter().find(|sort| sort.table == kind) else { return Ok(None) };
    Ok(connection.prepare_cached(sort.content)?.query_row([key], |row| row.get(0)).optional()?)
}

/// Returns the id of the run that a word about pruning speaks of.
pub(super) fn pruned_run(kind: &str, content: &str) -> Option<String> {
    let values: Vec<serde_json::Value> =
        [PRUNED, FOLDED].contains(&kind).then(|| serde_json::from_str(content).ok()).flatten()?;
    values.first()?.as_str().map(str::to_owned)
}

/// Returns the digest of the content of a word.
pub(super) fn digest(content: &str) -> Digest {
    Digest(Sha256::digest(content).into())
}
