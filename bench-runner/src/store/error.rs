//! What can go wrong with a store, and what to do about it.
//!
//! SQLite's codes are sorted here, once, into the few cases that a person can act on.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::pack::PackError;
use crate::model::ids::RunId;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no file to read.
    #[error("there is no store at `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{}` is not a store of this program: {reason}", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The file was written by a newer version of this program.
    #[error("`{}` was written by a newer version: its schema is {found}, this version knows up to {known}", path.display())]
    Newer {
        /// The store.
        path: PathBuf,
        /// Schema of the store.
        found: i64,
        /// Newest schema known here.
        known: i64,
    },
    /// The file was written by an older version, and it must not be written to.
    #[error("`{}` has schema {found} and was opened only for reading; this version reads schema {known}", path.display())]
    Older {
        /// The store.
        path: PathBuf,
        /// Schema of the store.
        found: i64,
        /// Schema needed here.
        known: i64,
    },
    /// File or folder cannot be written to.
    #[error("`{}` cannot be written to ({doing})", path.display())]
    ReadOnly {
        /// The store.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said, if it was asked.
        source: Option<rusqlite::Error>,
    },
    /// A read-only store has changes in its write-ahead log that cannot be read without writing.
    #[error("`{}` has unmerged changes in its write-ahead log and cannot be opened without writing", path.display())]
    UnmergedLog {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file cannot be opened.
    #[error("cannot open the store `{}`", path.display())]
    CannotOpen {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A folder or file beside the store cannot be made, read or locked.
    #[error("cannot {doing} `{}`", path.display())]
    Beside {
        /// The folder or file.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full.
    #[error("no space is left for the store `{}` ({doing})", path.display())]
    Full {
        /// The store.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Somebody else kept the store locked for too long.
    #[error("the store `{}` stayed locked by another program for 10 s ({doing})", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file is damaged.
    #[error("the store `{}` is damaged ({doing})", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Stored content cannot be read back.
    #[error("{what} in the store `{}` cannot be read: {reason}", path.display())]
    Content {
        /// The store.
        path: PathBuf,
        /// Which part of which run.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Content that may not be stored.
    #[error("{what} cannot be stored: {reason}")]
    Invalid {
        /// Which part.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A finished run was to be changed.
    #[error("a finished run never changes ({doing})")]
    Immutable {
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// There is no run at all.
    #[error("the store `{}` holds no run yet", path.display())]
    NoRuns {
        /// The store.
        path: PathBuf,
    },
    /// No run has that name.
    #[error("no run is called `{text}`")]
    NoSuchRun {
        /// What was asked for.
        text: String,
    },
    /// Several runs have a name that begins or ends like that.
    #[error("`{text}` can mean {} runs: {}", candidates.len(), candidates.iter().map(RunId::as_str).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The runs, oldest first; at most ten.
        candidates: Vec<RunId>,
    },
    /// A run of the same id with other content is already stored.
    #[error("run {id} is already stored with other content: the part `{part}` differs")]
    Conflict {
        /// The run.
        id: RunId,
        /// The first part that differs.
        part: String,
    },
    /// The observations of a run were pruned or folded, and somebody needs them.
    #[error("the observations of run {id} were pruned")]
    Pruned {
        /// The run.
        id: RunId,
    },
    /// A migration failed and was rolled back.
    #[error("the store `{}` could not be migrated to schema {to}", path.display())]
    Migration {
        /// The store, unchanged.
        path: PathBuf,
        /// Schema that was to be reached.
        to: i64,
        /// The copy made before, if there was anything to copy.
        backup: Option<PathBuf>,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Anything else that SQLite says.
    #[error("the store `{}` failed ({doing})", path.display())]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Returns what to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } | Self::NoRuns { .. } => "measure something first with `bench-runner run`",
            Self::NotAStore { .. } => "name another file with `--store`; this one was not touched",
            Self::Newer { .. } => {
                "update bench-runner, or name another file with `--store`; this one was not touched"
            }
            Self::Older { .. } => "copy the store to a folder that may be written to and open it there once",
            Self::ReadOnly { .. } => {
                "make file and folder writable, or name another file with `--store`; reading commands work as it is"
            }
            Self::UnmergedLog { .. } => {
                "copy the store with its `-wal` file to a folder that may be written to and open it there once"
            }
            Self::CannotOpen { .. } => "check that the path names a file and that its folder may be read",
            Self::Beside { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space on that disk and run again; everything stored before is intact"
                }
                _ => "the store keeps lock files and backups beside it: make its folder writable",
            },
            Self::Full { .. } => {
                "free some space on that disk and run again; everything stored before is intact"
            }
            Self::Busy { .. } => "wait for the other program to finish, or end it, and try again",
            Self::Damaged { .. } => {
                "keep a copy of the file, then restore the newest one from `backups/` or import exported bundles"
            }
            Self::Content { .. } => {
                "the rest of the store can be read; import an exported bundle into a new store"
            }
            Self::Immutable { .. } => "add a new run or an annotation instead",
            Self::Ambiguous { .. } => "give more characters of the id",
            Self::NoSuchRun { .. } => "`bench-runner list` shows the runs",
            Self::Pruned { .. } => {
                "its line of history is kept, and so is what it signs; observations may be in a backup or a bundle"
            }
            Self::Conflict { .. } => {
                "nothing was changed; import it into another store with `--store` to look at the difference"
            }
            Self::Migration { .. } => {
                "the store is unchanged; the older version of bench-runner still opens it"
            }
            Self::Invalid { .. } | Self::Sqlite { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// What fails inside a transaction, before it is known for which store.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite.
    Sql(rusqlite::Error),
    /// Stored content makes no sense: what, why.
    Content(String, String),
    /// Given content may not be stored: what, why.
    Invalid(String, String),
    /// A file beside the store.
    Beside(PathBuf, &'static str, io::Error),
    /// An error that is already complete.
    Done(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Done(error)
    }
}

impl Fault {
    /// For content that was given.
    pub(super) fn invalid(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Invalid(what.into(), reason.to_string())
    }

    /// For content that was stored.
    pub(super) fn content(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Content(what.into(), reason.to_string())
    }

    /// The reason in words, for what is reported and does not end the work.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Sql(error) => error.to_string(),
            Self::Content(what, reason) | Self::Invalid(what, reason) => format!("{what}: {reason}"),
            Self::Beside(.., error) => error.to_string(),
            Self::Done(error) => error.to_string(),
        }
    }

    /// Completes the error with the store and what was being done.
    pub(super) fn at(self, path: &Path, doing: &'static str) -> StoreError {
        match self {
            Self::Sql(source) => classify(path, doing, source),
            Self::Content(what, reason) => StoreError::Content { path: path.to_owned(), what, reason },
            Self::Invalid(what, reason) => StoreError::Invalid { what, reason },
            Self::Beside(path, doing, source) => StoreError::Beside { path, doing, source },
            Self::Done(error) => error,
        }
    }
}

impl From<PackError> for Fault {
    fn from(error: PackError) -> Self {
        Self::invalid("a sample", error)
    }
}

/// Sorts SQLite's codes into the cases that a person can act on.
pub(super) fn classify(path: &Path, doing: &'static str, source: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path, doing, source },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path, doing, source },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::ReadOnly { path, doing, source: Some(source) }
        }
        Some(ErrorCode::CannotOpen) => StoreError::CannotOpen { path, source },
        Some(ErrorCode::NotADatabase) => {
            StoreError::NotAStore { path, reason: "SQLite does not recognise it".to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, doing, source },
        Some(ErrorCode::ConstraintViolation) if source.to_string().contains("immutable:") => {
            StoreError::Immutable { doing, source }
        }
        _ => StoreError::Sqlite { path, doing, source },
    }
}
