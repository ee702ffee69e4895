//! The sign that a run is alive: a locked file beside the store.
//!
//! The operating system frees the lock when the process ends, however it ends, so that a `running` run whose lock can be
//! taken has lost its process. Lock files are made and judged only inside a write transaction, which orders them.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::error::Fault;
use crate::model::ids::RunId;

/// A held lock; the file goes when it is dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    path: PathBuf,
    file: Option<File>,
}

impl RunLock {
    /// Takes the lock of `run`; `None` when another process holds it.
    pub(super) fn take(store: &Path, run: &RunId) -> Result<Option<Self>, Fault> {
        let path = lock_path(store, run);
        let fail = |source| Fault::Beside(path.clone(), "lock", source);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Windows removes no open file: close first. A file that stays behind is removed when the store is opened next.
        drop(self.file.take());
        drop(std::fs::remove_file(&self.path));
    }
}

/// Whether nobody holds the lock of `run`; makes and removes no file, and what cannot be found out counts as held.
pub(super) fn is_free(store: &Path, run: &RunId) -> bool {
    match File::open(lock_path(store, run)) {
        // A shared lock, so that two readers do not take each other for the measuring process.
        Ok(file) => file.try_lock_shared().is_ok(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Returns where the lock of `run` lies.
fn lock_path(store: &Path, run: &RunId) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{run}.lock"));
    store.with_file_name(name)
}

/// Lists the runs that have a lock file beside `store`, held or not.
pub(super) fn lock_files(store: &Path) -> Vec<RunId> {
    let prefix = format!("{}.", store.file_name().unwrap_or_default().to_string_lossy());
    let Ok(entries) = std::fs::read_dir(crate::files::folder_of(store)) else { return Vec::new() };
    let mut runs: Vec<RunId> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".lock")?.parse().ok()
        })
        .collect();
    runs.sort();
    runs
}
