//! The ladder of migrations, from an empty file to the newest schema, and the copy made before climbing.
//!
//! A migration that was released never changes; `docs/schema.md` explains the tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rusqlite::{Connection, MAIN_DB, TransactionBehavior};

use super::error::{StoreError, classify};
use crate::clock;
use crate::model::units::Timestamp;

/// Marks the file as ours: the letters `KBOb` at offset 68.
pub(super) const APPLICATION_ID: i64 = 0x4b42_4f62;

/// The migrations in order; the first leads from 0 to 1.
pub(super) const LADDER: &[&str] = &[
    include_str!("../../migrations/0001-first.sql"),
    include_str!("../../migrations/0002-experiments.sql"),
    include_str!("../../migrations/0003-decisions.sql"),
    include_str!("../../migrations/0004-integrity.sql"),
    include_str!("../../migrations/0005-covariates.sql"),
    SCALE,
    include_str!("../../migrations/0007-knobs.sql"),
    include_str!("../../migrations/0008-calibration.sql"),
    include_str!("../../migrations/0009-vouched.sql"),
];

/// The migration after which the points of all older runs are computed, in the same transaction.
const SCALE: &str = include_str!("../../migrations/0006-scale.sql");

/// What a file is, as far as its header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing is in it yet.
    Empty,
    /// Ours, at this schema.
    Ours(i64),
}

/// What climbing the ladder did.
#[derive(Debug, Default)]
pub(super) struct Migrated {
    /// Whether this call created the schema.
    pub(super) created: bool,
    /// The schema of an older store before.
    pub(super) from: Option<i64>,
    /// The copy made of it.
    pub(super) backup: Option<PathBuf>,
}

/// Returns the number of the newest schema of `ladder`.
pub(super) fn newest(ladder: &[&str]) -> i64 {
    i64::try_from(ladder.len()).unwrap_or(i64::MAX)
}

/// Says what the open file is.
///
/// # Errors
///
/// [`StoreError::NotAStore`] for databases of other programs, [`StoreError::Newer`].
pub(super) fn identify(connection: &Connection, path: &Path, ladder: &[&str]) -> Result<Kind, StoreError> {
    let fail = |error| classify(path, "reading its header", error);
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fail)?;
    let version = version(connection).map_err(fail)?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    if application == 0 && version == 0 && objects == 0 {
        return Ok(Kind::Empty);
    }
    if application != APPLICATION_ID {
        let reason = "it is an SQLite database of another program".to_owned();
        return Err(StoreError::NotAStore { path: path.to_owned(), reason });
    }
    if version > newest(ladder) {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: newest(ladder) });
    }
    Ok(Kind::Ours(version))
}

/// Climbs from whatever schema the file has to the newest, one transaction per step.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    ladder: &[&str],
    now: Timestamp,
) -> Result<Migrated, StoreError> {
    let from = version(connection).map_err(|error| classify(path, "reading its schema", error))?;
    let backup = if from > 0 && from < newest(ladder) && path.is_file() {
        Some(back_up(connection, path, from, now)?)
    } else {
        None
    };
    let mut created = false;
    for (to, sql) in (1..).zip(ladder) {
        let climbed = climb(connection, to, sql, now).map_err(|source| match source.sqlite_error_code() {
            // A full disk or a lock has its own remedy, which matters more than the migration.
            Some(
                rusqlite::ErrorCode::DiskFull
                | rusqlite::ErrorCode::DatabaseBusy
                | rusqlite::ErrorCode::ReadOnly
                | rusqlite::ErrorCode::CannotOpen,
            ) => classify(path, "migrating", source),
            _ => StoreError::Migration { path: path.to_owned(), to, backup: backup.clone(), source },
        })?;
        created |= climbed && to == 1;
    }
    let migrated = from > 0 && from < newest(ladder);
    Ok(Migrated { created, from: migrated.then_some(from), backup })
}

/// Runs one migration unless somebody else has done it meanwhile; returns whether it ran.
fn climb(connection: &mut Connection, to: i64, sql: &str, now: Timestamp) -> rusqlite::Result<bool> {
    if version(connection)? >= to {
        return Ok(false);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&transaction)? >= to {
        return Ok(false);
    }
    transaction.execute_batch(sql)?;
    if sql == SCALE {
        super::nights::fill_all(&transaction)?;
    }
    if to == 1 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        let store_id = clock::new_run_id(now);
        transaction.execute(
            "INSERT INTO store (one, store_id, created_us) VALUES (1, ?1, ?2)",
            (store_id.as_str(), now.0),
        )?;
    }
    transaction.pragma_update(None, "user_version", to)?;
    transaction.commit()?;
    Ok(true)
}

/// Returns the names of triggers that are not of the newest schema, or are written otherwise there, in order.
///
/// Whoever can write the file can leave a trigger in it, which then acts in the transactions of this program.
pub(super) fn foreign_triggers(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    static OURS: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let ours = match OURS.get() {
        Some(ours) => ours,
        None => {
            let empty = Connection::open_in_memory()?;
            LADDER.iter().try_for_each(|sql| empty.execute_batch(sql))?;
            let found = triggers(&empty)?;
            OURS.get_or_init(|| found)
        }
    };
    let mut found = triggers(connection)?;
    found.retain(|name, sql| ours.get(name) != Some(sql));
    Ok(found.into_keys().collect())
}

/// Reads the triggers of a file by name; how their text is broken into lines means nothing.
fn triggers(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement =
        connection.prepare_cached("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")?;
    let read = |row: &rusqlite::Row<'_>| {
        let sql: String = row.get(1)?;
        Ok((row.get(0)?, sql.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    statement.query_map([], read)?.collect()
}

/// Reads the number of the schema.
fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Copies the open store to `backups/` beside it through SQLite's backup interface, which sees the write-ahead log too.
fn back_up(connection: &Connection, path: &Path, from: i64, now: Timestamp) -> Result<PathBuf, StoreError> {
    let folder = crate::files::folder_of(path).join("backups");
    let beside = |doing| move |source| StoreError::Beside { path: folder_for_error(path), doing, source };
    std::fs::create_dir_all(&folder).map_err(beside("make the folder"))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{stem}-v{from}-{}", clock::compact_utc(now));
    let mut target = folder.join(format!("{name}.sqlite"));
    let mut copy = 2;
    while target.exists() {
        target = folder.join(format!("{name}-{copy}.sqlite"));
        copy += 1;
    }
    // Under its final name only when it is whole.
    let unfinished = target.with_extension("unfinished");
    let copied = connection
        .backup(MAIN_DB, &unfinished, None::<fn(rusqlite::backup::Progress)>)
        .map_err(|error| classify(&unfinished, "copying the store before a migration", error))
        .and_then(|()| std::fs::rename(&unfinished, &target).map_err(beside("rename the backup in")))
        .and_then(|()| crate::files::sync_folder(&folder).map_err(beside("flush")));
    if let Err(error) = copied {
        drop(std::fs::remove_file(&unfinished));
        return Err(error);
    }
    Ok(target)
}

/// Returns the folder of backups, for messages.
fn folder_for_error(path: &Path) -> PathBuf {
    crate::files::folder_of(path).join("backups")
}
