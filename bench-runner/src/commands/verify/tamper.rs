//! Random edits, deletions, swaps and truncations of signed content: each must be found against a remembered head, and named.

mod example;
mod vouching;

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::audit_with;
use crate::attest::{Key, Trust};
use crate::model::ids::RunId;
use crate::model::seal::{Audit, Heads, Tampering};
use crate::model::units::Timestamp;
use crate::stats::rng::SplitMix64;
use crate::store::{Audited, Doubts, Remembered, Store};
use example::{record, signed_store};

const NOW: Timestamp = Timestamp(1_762_393_020_000_000);

/// What an audit says and cannot vouch for.
fn audited(trust: &Trust, store: &Store, heads: Option<&Heads>) -> Audited {
    let remembered: Vec<Remembered> = heads.cloned().map(Remembered::Heads).into_iter().collect();
    audit_with(trust, store, &remembered, None).unwrap()
}

/// What an audit says.
fn audit(trust: &Trust, store: &Store, heads: Option<&Heads>) -> Audit {
    audited(trust, store, heads).audit
}

/// Takes away what the schema itself would notice.
fn unguard(connection: &Connection) {
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
}

/// Tables whose rows are signed content or decide what it means, and the columns of them that mean nothing.
const TABLES: &[(&str, &[&str])] = &[
    ("run", &[]),
    ("launch", &[]),
    ("launch_covariates", &[]),
    ("measurement", &[]),
    ("sample", &[]),
    ("fact", &[]),
    ("finding", &[]),
    ("inventory", &[]),
    ("run_executable", &[]),
    ("stated_estimate", &[]),
    ("part_digest", &[]),
    ("origin_link", &[]),
    ("pruned_run", &[]),
    ("pruned_sample", &[]),
    ("folded_run", &[]),
    ("experiment", &[]),
    ("experiment_arm", &[]),
    ("experiment_launch", &[]),
    ("calibration", &[]),
    ("knob_trial", &[]),
    ("night", &[]),
    ("night_run", &[]),
    ("annotation", &[]),
    ("baseline", &[]),
    ("alias", &[]),
    ("decision", &[]),
    ("sighting", &[]),
    ("identity", &[]),
    ("benchmark", &[]),
    ("metric", &[]),
    ("series", &[]),
    ("protocol", &[]),
    ("fact_text", &[]),
    ("executable", &[]),
    ("code", &[]),
    ("word", &[]),
    ("chain", &[]),
    // The row's own number, and the name of the key, which is a hint: a wrong one is found all the same.
    ("link", &["link_id"]),
    ("store", &["one"]),
];

/// Tables of which a lost row is a deletion that can be told from an edit.
const LISTS: &[&str] = &[
    "run",
    "launch",
    "measurement",
    "sample",
    "fact",
    "finding",
    "inventory",
    "run_executable",
    "stated_estimate",
    "part_digest",
    "origin_link",
    "pruned_run",
    "pruned_sample",
    "folded_run",
    "experiment",
    "calibration",
    "knob_trial",
    "annotation",
    "baseline",
    "alias",
    "decision",
    "sighting",
    "word",
];

/// One row: its table, the columns of its key with their values, and all columns with theirs.
struct Row {
    table: &'static str,
    key: Vec<(String, Value)>,
    columns: Vec<(String, Value)>,
}

impl Row {
    /// Picks a row at random.
    fn pick(connection: &Connection, table: &'static str, rng: &mut SplitMix64) -> Option<Self> {
        let mut statement =
            connection.prepare(&format!("SELECT name, pk FROM pragma_table_info('{table}')")).unwrap();
        let names: Vec<(String, bool)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? > 0)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let count: u32 =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        let count = usize::try_from(count).unwrap();
        if count == 0 {
            return None;
        }
        let list = names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let keys: Vec<&str> = names.iter().filter(|(_, key)| *key).map(|(name, _)| name.as_str()).collect();
        let sql = format!(
            "SELECT {list} FROM {table} ORDER BY {} LIMIT 1 OFFSET {}",
            keys.join(", "),
            rng.below(count)
        );
        let read = |row: &rusqlite::Row<'_>| {
            (0..names.len()).map(|index| row.get::<_, Value>(index)).collect::<Result<Vec<_>, _>>()
        };
        let values = connection.query_row(&sql, [], read).unwrap();
        let columns: Vec<(String, Value)> = names.iter().map(|(name, _)| name.clone()).zip(values).collect();
        let key = columns
            .iter()
            .zip(&names)
            .filter(|(_, (_, key))| *key)
            .map(|(column, _)| column.clone())
            .collect();
        Some(Self { table, key, columns })
    }

    fn condition(&self, first: usize) -> String {
        let parts = self.key.iter().zip(first..).map(|((name, _), number)| format!("{name} = ?{number}"));
        parts.collect::<Vec<_>>().join(" AND ")
    }

    fn key_values(&self) -> impl Iterator<Item = Value> + '_ {
        self.key.iter().map(|(_, value)| value.clone())
    }

    fn value(&self, column: &str) -> Option<&Value> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, value)| value)
    }

    /// Changes one column; whether the schema allowed it.
    fn set(&self, connection: &Connection, column: &str, value: Value) -> bool {
        let sql = format!("UPDATE {} SET {column} = ?1 WHERE {}", self.table, self.condition(2));
        let parameters = std::iter::once(value).chain(self.key_values());
        connection.execute(&sql, params_from_iter(parameters)) == Ok(1)
    }

    fn delete(&self, connection: &Connection) -> bool {
        let sql = format!("DELETE FROM {} WHERE {}", self.table, self.condition(1));
        connection.execute(&sql, params_from_iter(self.key_values())) == Ok(1)
    }

    /// What a finding about this row must name; `None` for what many runs or words share.
    fn name(&self, connection: &Connection) -> Option<String> {
        let of_run = |id: &Value| {
            connection
                .query_row("SELECT id FROM run WHERE run_id = ?1", [id], |row| row.get::<_, String>(0))
                .ok()
        };
        let of_launch = |id: &Value| {
            let run = connection
                .query_row("SELECT run_id FROM launch WHERE launch_id = ?1", [id], |row| row.get(0));
            run.ok().as_ref().and_then(of_run)
        };
        match self.table {
            "annotation" | "baseline" | "alias" | "decision" | "sighting" | "origin_link" | "pruned_run"
            | "folded_run" | "experiment" | "calibration" | "knob_trial" => {
                let key = match self.key.as_slice() {
                    [(_, Value::Integer(number))] => number.to_string(),
                    [(_, Value::Integer(run)), (_, Value::Integer(ordinal))] => format!("{run}/{ordinal}"),
                    [(_, Value::Text(origin)), (_, Value::Text(name))] => {
                        format!("[\"{origin}\",\"{name}\"]")
                    }
                    _ => return None,
                };
                word_named(connection, self.table, &key)
            }
            "experiment_arm" | "experiment_launch" => match self.value("experiment_id") {
                Some(Value::Integer(number)) => word_named(connection, "experiment", &number.to_string()),
                _ => None,
            },
            "word" => match (self.value("kind"), self.value("word_id")) {
                (Some(Value::Text(kind)), Some(Value::Integer(number))) => Some(format!("{kind} {number}")),
                _ => None,
            },
            "measurement" => self.value("launch_id").and_then(of_launch),
            "sample" | "pruned_sample" => {
                let sql = "SELECT launch_id FROM measurement WHERE measurement_id = ?1";
                let launch =
                    connection.query_row(sql, [self.value("measurement_id")?], |row| row.get(0)).ok()?;
                of_launch(&launch)
            }
            "link" | "chain" | "store" => None,
            _ => self.value("run_id").and_then(of_run),
        }
    }
}

/// What a finding calls the word about a row.
fn word_named(connection: &Connection, kind: &str, key: &str) -> Option<String> {
    let sql = "SELECT kind || ' ' || word_id FROM word WHERE kind = ?1 AND row_key = ?2";
    connection.query_row(sql, (kind, key), |row| row.get(0)).ok()
}

/// Another value of the same type.
fn other(value: &Value, rng: &mut SplitMix64) -> Value {
    match value {
        Value::Null => Value::Integer(1 + i64::try_from(rng.below(9)).unwrap()),
        Value::Integer(number) => Value::Integer(number + if rng.below(2) == 0 { 1 } else { -1 }),
        Value::Real(number) if rng.below(2) == 0 => Value::Real(f64::from_bits(number.to_bits() + 1)),
        Value::Real(number) => Value::Real(number * 1.01 + 0.5),
        Value::Text(text) => {
            let mut bytes = text.clone().into_bytes();
            let letters = b"abcxyz0123456789 ,.\"[]{}";
            let letter = letters[rng.below(letters.len())];
            match rng.below(3) {
                0 => bytes.insert(rng.below(bytes.len() + 1), letter),
                1 if !bytes.is_empty() => _ = bytes.remove(rng.below(bytes.len())),
                _ if bytes.is_empty() => bytes.push(letter),
                _ => {
                    let at = rng.below(bytes.len());
                    bytes[at] = if bytes[at] == letter { b'_' } else { letter };
                }
            }
            String::from_utf8(bytes).map_or(Value::Null, Value::Text)
        }
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            match bytes.len() {
                0 => bytes.push(1),
                length => bytes[rng.below(length)] ^= 1 << rng.below(8),
            }
            Value::Blob(bytes)
        }
    }
}

/// What a finding must say: what was done, and to what; `None` where several answers are right.
type Expected = (Option<Tampering>, Option<String>);

fn edit(connection: &Connection, rng: &mut SplitMix64) -> Option<Expected> {
    let (table, without) = TABLES[rng.below(TABLES.len())];
    let row = Row::pick(connection, table, rng)?;
    let name = row.name(connection);
    let (column, value) = &row.columns[rng.below(row.columns.len())];
    let changed = other(value, rng);
    let allowed = !without.contains(&column.as_str()) && changed != *value;
    (allowed && row.set(connection, column, changed)).then_some((None, name))
}

fn delete(connection: &Connection, rng: &mut SplitMix64) -> Option<Expected> {
    let (table, _) = TABLES[rng.below(TABLES.len() - 1)];
    let row = Row::pick(connection, table, rng)?;
    let name = row.name(connection);
    let told = LISTS.contains(&table).then_some(Tampering::Deleted);
    row.delete(connection).then_some((told, name))
}

/// Exchanges what two rows of a table say.
fn swap(connection: &Connection, rng: &mut SplitMix64) -> Option<Expected> {
    let tables: [(&'static str, &[&str], bool); 6] = [
        ("sample", &["packed"], true),
        ("annotation", &["text", "at_us", "kind", "target", "target_id"], true),
        ("run", &["id"], true),
        ("fact_text", &["value_json"], false),
        ("night", &["value"], false),
        ("link", &["payload", "signature"], true),
    ];
    let (table, columns, told) = tables[rng.below(tables.len())];
    let (one, two) = (Row::pick(connection, table, rng)?, Row::pick(connection, table, rng)?);
    let same = columns.iter().all(|column| one.value(column) == two.value(column));
    if same || one.key == two.key {
        return None;
    }
    let name = one.name(connection);
    // Through values that nothing else has, so that unique columns do not stand in the way.
    for column in columns {
        let aside = match one.value(column)? {
            Value::Text(text) if *column == "id" => Value::Text(format!("{}Z", &text[..25])),
            Value::Text(_) if *column == "target" => Value::Text("store".to_owned()),
            Value::Text(text) => Value::Text(format!("{text} aside")),
            Value::Integer(number) => Value::Integer(number + 1_000_000_007),
            other => other.clone(),
        };
        let (first, second) = (one.value(column)?.clone(), two.value(column)?.clone());
        if !(one.set(connection, column, aside)
            && two.set(connection, column, first)
            && one.set(connection, column, second))
        {
            return None;
        }
    }
    Some((told.then_some(Tampering::Swapped), name.filter(|_| table != "run")))
}

/// Cuts off the end of a chain, with or without what it speaks of.
fn truncate(connection: &Connection, rng: &mut SplitMix64) -> Option<Expected> {
    let chain = Row::pick(connection, "chain", rng)?;
    let chain = chain.value("chain_id")?.clone();
    let last: u32 = connection
        .query_row("SELECT max(position) FROM link WHERE chain_id = ?1", [&chain], |row| row.get(0))
        .ok()?;
    let keep = u32::try_from(rng.below(usize::try_from(last).unwrap())).unwrap();
    if rng.below(2) == 0 {
        connection
            .execute("DELETE FROM run WHERE run_id IN (SELECT run_id FROM link WHERE chain_id = ?1 AND position > ?2)", (&chain, keep))
            .ok()?;
        connection
            .execute(
                "DELETE FROM word WHERE word_id > ifnull((SELECT last_word FROM link WHERE chain_id = ?1 AND position = ?2),
                     CASE WHEN (SELECT name FROM chain WHERE chain_id = ?1) = 'words' THEN 0 ELSE 1000000 END)",
                (&chain, keep),
            )
            .ok()?;
    }
    connection.execute("DELETE FROM link WHERE chain_id = ?1 AND position > ?2", (&chain, keep)).ok()?;
    Some((Some(Tampering::Truncated), None))
}

/// Does one thing at random and says what it was.
fn tamper(connection: &Connection, rng: &mut SplitMix64) -> (&'static str, Expected) {
    type Way = fn(&Connection, &mut SplitMix64) -> Option<Expected>;
    let ways: [(&str, Way); 4] = [("edit", edit), ("delete", delete), ("swap", swap), ("truncate", truncate)];
    let (name, way) = ways[rng.below(ways.len())];
    loop {
        connection.execute_batch("SAVEPOINT attempt").unwrap();
        let done = way(connection, rng);
        let end = if done.is_some() { "RELEASE attempt" } else { "ROLLBACK TO attempt; RELEASE attempt" };
        connection.execute_batch(end).unwrap();
        if let Some(expected) = done {
            return (name, expected);
        }
    }
}

/// Whether an audit says what was expected.
fn says(audit: &Audit, (what, name): &Expected) -> bool {
    let told = |what: &Tampering| audit.problems.iter().any(|problem| problem.what == *what);
    let named = |name: &String| audit.problems.iter().any(|problem| problem.subject == *name);
    !audit.problems.is_empty() && what.as_ref().is_none_or(told) && name.as_ref().is_none_or(named)
}

/// Tampers `count` times, each time with a fresh copy, and returns how often by what was done.
fn campaign(count: u64, seed: u64) -> BTreeMap<&'static str, u64> {
    let (store, trust, heads) = signed_store();
    unguard(store.raw());
    let mut done = BTreeMap::new();
    for trial in 0..count {
        let mut rng = SplitMix64::new(seed + trial);
        let copy = store.copy();
        let (way, expected) = tamper(copy.raw(), &mut rng);
        let audit = audit(&trust, &copy, Some(&heads));
        assert!(
            says(&audit, &expected),
            "seed {}: {way}, expected {expected:?}, found {:#?}",
            seed + trial,
            audit.problems
        );
        *done.entry(way).or_insert(0) += 1;
    }
    done
}

#[test]
fn a_store_as_it_was_signed_has_no_fault() {
    let (store, trust, heads) = signed_store();
    let Audited { audit, doubts } = audited(&trust, &store, Some(&heads));
    assert_eq!(audit.problems, []);
    assert_eq!((audit.signed, audit.words, audit.unsigned_words), (9, 22, 0));
    assert_eq!((audit.pruned, audit.folded), (1, 1));
    assert_eq!(audit.unsigned, Vec::<RunId>::new());
    assert_eq!(doubts, Doubts::default());
    // Every table is tampered with.
    for (table, _) in TABLES {
        let rows: u32 =
            store.raw().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert!(rows > 0, "{table} is empty");
    }
    assert!(audit.against_head && heads.short().is_some());
    // Growing is no fault, and nobody trusts a stranger.
    let mut grown = store.copy();
    grown.set_signer(Arc::new(Key::from_seed(&[43; 32])));
    grown.import_run(&record(9)).unwrap();
    let audit = self::audit(&trust, &grown, Some(&heads));
    assert!(matches!(audit.problems.as_slice(), [problem] if problem.what == Tampering::Untrusted));
    // What nobody signed is listed.
    let mut unsigned = store.copy();
    unsigned.import_run(&record(9)).unwrap();
    let audit = self::audit(&trust, &unsigned, None);
    assert_eq!(
        (audit.problems.len(), audit.unsigned, audit.against_head),
        (0, vec![record(9).run.id], false)
    );
}

#[test]
fn without_remembered_heads_a_cut_off_end_is_not_seen() {
    let (store, trust, heads) = signed_store();
    unguard(store.raw());
    let cut = "DELETE FROM link WHERE chain_id = 1 AND position = (SELECT max(position) FROM link WHERE chain_id = 1)";
    assert_eq!(store.raw().execute(cut, []).unwrap(), 1);
    assert_eq!(audit(&trust, &store, None).problems, []);
    let found = audit(&trust, &store, Some(&heads)).problems;
    assert!(matches!(found.as_slice(), [problem] if problem.what == Tampering::Truncated), "{found:?}");
}

#[test]
fn five_hundred_random_changes_are_found_and_named() {
    let done = campaign(500, 1);
    assert_eq!(done.values().sum::<u64>(), 500);
    assert!(done.len() == 4 && done.values().all(|count| *count > 80), "{done:?}");
}

#[test]
#[ignore = "takes minutes: cargo test --release -p bench-runner --lib tamper -- --ignored --nocapture"]
fn twelve_thousand_random_changes_are_found_and_named() {
    let done = campaign(12_000, 1_000_000);
    println!("all found against remembered heads and named: {done:?}");
}
