//! Runs in one SQLite file: every observation, exactly, and nothing ever changed after the end of its run.
//!
//! Other processes may write to the same file at the same time, and this one may be killed at any moment. What is stored
//! is whole; what is missing is named. No statistic is computed here beyond a median for lists. Tables: `docs/schema.md`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};

use crate::model::ids::RunId;
use crate::model::seal::Signer;
use crate::model::units::Timestamp;

mod audit;
mod before;
mod bulk;
mod calibration;
mod chain;
mod covariates;
mod decisions;
mod dictionary;
mod error;
mod experiment;
mod fingerprint;
mod history;
mod keep;
mod knobs;
mod lines;
mod listing;
mod lock;
mod medians;
mod nights;
mod notes;
mod pack;
mod read;
mod recover;
mod rehash;
mod schema;
mod seal;
#[cfg(test)]
mod tests;
mod text;
mod words;
mod write;

pub use audit::{Audited, Claim, Doubts, Remembered};
pub use bulk::BulkNight;
pub use error::StoreError;
pub use fingerprint::fingerprint;
pub use history::{HistoryFilter, LineRow, LineState, QUARANTINE, RELEASE};
pub use keep::{Check, Pruned};
pub use lines::RENAME;
pub use listing::RunFilter;
pub use medians::LaunchMedians;
pub use notes::BaselineName;
pub use pack::{MAX_OBSERVATIONS, PackError, pack, unpack};
pub use write::{Imported, RunEnd};

use error::{Fault, classify};
use lock::RunLock;
use schema::Kind;

/// How long a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Reading and writing; the file and its folder are made when missing.
    ReadWrite,
    /// Reading only, also from folders that cannot be written to. Nothing is made, migrated or recovered.
    ReadOnly,
}

/// What happened while a store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Whether the store is new.
    pub created: bool,
    /// The older schema it was migrated from.
    pub migrated_from: Option<i64>,
    /// The copy made before that migration.
    pub backup: Option<PathBuf>,
    /// Runs whose process had died; they are partial now.
    pub recovered: Vec<RunId>,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Whether there is a file, with locks and backups beside it.
    on_disk: bool,
    /// The runs that this process is measuring.
    locks: BTreeMap<RunId, RunLock>,
    /// Signs what is stored from now on.
    signer: Option<Arc<dyn Signer>>,
    /// What lines of history need to know about runs.
    runs: RefCell<history::Runs>,
}

impl Store {
    /// Opens the store at `path`; `now` dates what has to be written for that.
    ///
    /// Opening for writing creates or migrates the store (after a backup) and marks the runs of dead processes partial.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a file that is not a store of this or an older version is never written to.
    pub fn open(path: &Path, mode: OpenMode, now: Timestamp) -> Result<(Self, Opened), StoreError> {
        Self::open_on(path, mode, now, schema::LADDER)
    }

    /// Opens a new empty store that lives in memory, for tests and trials.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when SQLite has no memory.
    pub fn open_in_memory(now: Timestamp) -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|error| classify(&path, "opening", error))?;
        let mut store = Self::around(connection, path, false);
        store.prepare()?;
        schema::migrate(&mut store.connection, &store.path, schema::LADDER, now)?;
        Ok(store)
    }

    /// A store around an open connection.
    fn around(connection: Connection, path: PathBuf, on_disk: bool) -> Self {
        // Each question keeps its statement: more than the 16 that are kept otherwise.
        connection.set_prepared_statement_cache_capacity(96);
        Self { connection, path, on_disk, locks: BTreeMap::new(), signer: None, runs: RefCell::default() }
    }

    /// The connection, for tests that damage what is stored.
    #[cfg(test)]
    pub(crate) fn raw(&self) -> &Connection {
        &self.connection
    }

    /// A copy in memory, for tests that damage what is stored.
    #[cfg(test)]
    pub(crate) fn copy(&self) -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        rusqlite::backup::Backup::new(&self.connection, &mut connection).unwrap().step(-1).unwrap();
        Self::around(connection, self.path.clone(), false)
    }

    /// Lets `signer` sign every run that ends and every word that is added from now on, in their own transactions. Words that
    /// are there without a signature are signed as found with the next of them.
    pub fn set_signer(&mut self, signer: Arc<dyn Signer>) {
        self.signer = Some(signer);
    }

    /// Opens with a given ladder of migrations.
    fn open_on(
        path: &Path,
        mode: OpenMode,
        now: Timestamp,
        ladder: &[&str],
    ) -> Result<(Self, Opened), StoreError> {
        check_file(path, mode)?;
        match mode {
            OpenMode::ReadWrite => Self::open_to_write(path, now, ladder),
            OpenMode::ReadOnly => Ok((Self::open_to_read(path, ladder)?, Opened::default())),
        }
    }

    /// Opens for reading and writing.
    fn open_to_write(path: &Path, now: Timestamp, ladder: &[&str]) -> Result<(Self, Opened), StoreError> {
        let folder = crate::files::folder_of(path);
        let beside = |doing| {
            move |source| StoreError::Beside { path: crate::files::folder_of(path).to_owned(), doing, source }
        };
        std::fs::create_dir_all(folder).map_err(beside("make the folder"))?;
        // Through links, so that everyone who opens this file looks for its locks in the same place.
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(_) => folder
                .canonicalize()
                .map_err(beside("find the folder"))?
                .join(path.file_name().unwrap_or_default()),
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&path, flags).map_err(|error| classify(&path, "opening", error))?;
        let mut store = Self::around(connection, path, true);
        store.prepare()?;
        let kind = schema::identify(&store.connection, &store.path, ladder)?;
        // SQLite falls back to reading in silence.
        if store.connection.is_readonly(MAIN_DB).map_err(|error| classify(&store.path, "opening", error))? {
            return Err(StoreError::ReadOnly { path: store.path.clone(), doing: "opening", source: None });
        }
        if kind == Kind::Empty {
            // Pruning can then give space back without writing everything anew.
            let set = store.connection.pragma_update(None, "auto_vacuum", "INCREMENTAL");
            set.map_err(|error| classify(&store.path, "opening", error))?;
        }
        store.use_write_ahead_log()?;
        let mut opened = Opened::default();
        if kind != Kind::Ours(schema::newest(ladder)) {
            let migrated = schema::migrate(&mut store.connection, &store.path, ladder, now)?;
            opened.created = migrated.created;
            opened.migrated_from = migrated.from;
            opened.backup = migrated.backup;
        }
        opened.recovered = store.recover()?;
        Ok((store, opened))
    }

    /// Opens for reading, without leaving a trace where that is possible.
    fn open_to_read(path: &Path, ladder: &[&str]) -> Result<Self, StoreError> {
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let attempt = |connection: rusqlite::Result<Connection>| {
            let connection = connection.map_err(|error| classify(path, "opening", error))?;
            let store = Self::around(connection, path.to_owned(), true);
            store.prepare()?;
            let kind = schema::identify(&store.connection, path, ladder)?;
            Ok((store, kind))
        };
        let (store, kind) = match attempt(Connection::open_with_flags(path, read_only)) {
            // A store in write-ahead mode needs a shared index beside it even for reading. Where that cannot be made, the
            // file may be read as it is if nobody can be changing it and nothing waits in its log.
            Err(
                StoreError::CannotOpen { source, .. }
                | StoreError::Full { source, .. }
                | StoreError::ReadOnly { source: Some(source), .. },
            ) => {
                if has_unmerged_log(path) {
                    return Err(StoreError::UnmergedLog { path: path.to_owned(), source });
                }
                let Some(address) = immutable_address(path) else {
                    return Err(StoreError::CannotOpen { path: path.to_owned(), source });
                };
                attempt(Connection::open_with_flags(address, read_only | OpenFlags::SQLITE_OPEN_URI))?
            }
            other => other?,
        };
        match kind {
            Kind::Ours(found) if found == schema::newest(ladder) => Ok(store),
            Kind::Ours(found) => {
                Err(StoreError::Older { path: path.to_owned(), found, known: schema::newest(ladder) })
            }
            Kind::Empty => Err(StoreError::NoRuns { path: path.to_owned() }),
        }
    }

    /// Sets what SQLite forgets with every connection.
    fn prepare(&self) -> Result<(), StoreError> {
        let set = || {
            self.connection.busy_timeout(BUSY_TIMEOUT)?;
            // Only an empty file takes this: packed samples leave less unused space in larger pages.
            self.connection.pragma_update(None, "page_size", 8192)?;
            self.connection.pragma_update(None, "foreign_keys", true)?;
            // One plan for a statement, whatever is bound to it: some would be parsed anew with every question.
            self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            // So that replacing a row counts as deleting it, which the triggers forbid.
            self.connection.pragma_update(None, "recursive_triggers", true)?;
            // A file from elsewhere must not run functions through its schema.
            self.connection.pragma_update(None, "trusted_schema", false)?;
            self.connection.pragma_update(None, "synchronous", "FULL")
        };
        set().map_err(|error| classify(&self.path, "opening", error))
    }

    /// Switches to write-ahead logging: readers never wait, and a killed writer leaves no half transaction.
    fn use_write_ahead_log(&self) -> Result<(), StoreError> {
        let deadline = Instant::now() + BUSY_TIMEOUT;
        loop {
            let answer = self
                .connection
                .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
            match answer {
                // File systems without shared memory keep the older journal, which is as safe and only slower.
                Ok(_) => {
                    // 2 MB of log instead of 8: a small disk fills later.
                    let merge = self.connection.pragma_update(None, "wal_autocheckpoint", 256);
                    return merge.map_err(|error| classify(&self.path, "opening", error));
                }
                // SQLite does not wait here when two processes create the store at once.
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && Instant::now() < deadline =>
                {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(classify(&self.path, "opening", error)),
            }
        }
    }

    /// Returns where the store is, `:memory:` for one in memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the id that tells this store from others, and when it was made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn identity(&self) -> Result<(RunId, Timestamp), StoreError> {
        self.read("reading the store's id", |connection| {
            let (id, created): (String, i64) =
                connection.query_row("SELECT store_id, created_us FROM store", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let id = id.parse().map_err(|error| Fault::content("the store's id", error))?;
            Ok((id, Timestamp(created)))
        })
    }

    /// Runs `work` in one immediate transaction, which is rolled back on any error.
    fn write<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let attempt = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let before = self.signer.as_ref().map(|_| words::newest(&transaction)).transpose()?;
            let value = work(&transaction)?;
            if let (Some(signer), Some(before)) = (&self.signer, before) {
                words::link(&transaction, signer.as_ref(), before)?;
            }
            transaction.commit()?;
            Ok(value)
        };
        attempt().map_err(|fault: Fault| fault.at(&self.path, doing))
    }

    /// Runs `work` on one consistent state of the store.
    fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let attempt = || {
            // A deferred transaction that only reads keeps its snapshot; dropping it ends it.
            let transaction = self.connection.unchecked_transaction()?;
            work(&transaction)
        };
        attempt().map_err(|fault: Fault| fault.at(&self.path, doing))
    }
}

/// Looks at the file before SQLite does, so that a foreign file is neither changed nor surrounded by journals.
fn check_file(path: &Path, mode: OpenMode) -> Result<(), StoreError> {
    let not_a_store =
        |reason: &str| Err(StoreError::NotAStore { path: path.to_owned(), reason: reason.to_owned() });
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return not_a_store("it is a folder"),
        Ok(metadata) if !metadata.is_file() => return not_a_store("it is not a regular file"),
        Ok(metadata) if metadata.len() == 0 && mode == OpenMode::ReadOnly => {
            return Err(StoreError::NoRuns { path: path.to_owned() });
        }
        Ok(metadata) if metadata.len() == 0 => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return match mode {
                OpenMode::ReadWrite => Ok(()),
                OpenMode::ReadOnly => Err(StoreError::Missing { path: path.to_owned() }),
            };
        }
        Err(source) => return Err(StoreError::Beside { path: path.to_owned(), doing: "look at", source }),
    }
    let beside = |source| StoreError::Beside { path: path.to_owned(), doing: "read", source };
    let mut header = Vec::new();
    std::fs::File::open(path).map_err(beside)?.take(72).read_to_end(&mut header).map_err(beside)?;
    if !header.starts_with(b"SQLite format 3\0") {
        return not_a_store("it is not an SQLite database");
    }
    // A store killed while it was new has its number still in the log; SQLite is asked again once the file is open.
    match header.get(68..72).map(|bytes| bytes.iter().fold(0_i64, |id, &byte| id << 8 | i64::from(byte))) {
        Some(0 | schema::APPLICATION_ID) => Ok(()),
        Some(_) => not_a_store("it is an SQLite database of another program"),
        None => not_a_store("it is cut off"),
    }
}

/// Whether the write-ahead log beside the store holds anything.
fn has_unmerged_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(PathBuf::from(log)).is_ok_and(|metadata| metadata.len() > 0)
}

/// Returns the address under which SQLite reads the file without locks or journals; `None` for paths beyond Unicode.
fn immutable_address(path: &Path) -> Option<OsString> {
    let absolute = path.canonicalize().ok()?;
    let mut address = "file:".to_owned();
    for byte in absolute.to_str()?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                address.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => address.push('/'),
            _ => {
                let hexadecimal = b"0123456789ABCDEF";
                address.push('%');
                address.push(char::from(hexadecimal[usize::from(byte >> 4)]));
                address.push(char::from(hexadecimal[usize::from(byte & 15)]));
            }
        }
    }
    address.push_str("?immutable=1");
    Some(address.into())
}
