//! The machine-wide measuring lock: two measurements at once would measure each other.
//!
//! Advisory, held by an open file, and therefore released when the holder dies. Where the file lies is the caller's
//! decision; its content means nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;

use super::Cancel;

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another measurement holds it.
    #[error("another measurement is running on this machine (lock {})", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be opened or created.
    #[error("cannot open the lock file {}", path.display())]
    Open {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file system does not lock.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Cancelled while waiting.
    #[error("cancelled while another measurement was running")]
    Cancelled,
}

impl LockError {
    /// What the user can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Busy { .. } => {
                Some("wait for it, or run without `--no-wait` to queue behind it".to_owned())
            }
            Self::Open { path, .. } => {
                Some(format!("check that {} is a plain file that you may read", path.display()))
            }
            Self::Lock { path, .. } => Some(format!("move {} to a local file system", path.display())),
            Self::Cancelled => None,
        }
    }
}

/// The lock, held until this is dropped or the process dies.
#[derive(Debug)]
pub struct MeasuringLock {
    _file: File,
}

/// Takes the lock at `path`; when it is held by another process, waits for it if `wait`, after one call of `on_wait`.
///
/// The file is created readable and writable for everyone, so that all users of the machine share it, and a symbolic
/// link in its place is refused.
///
/// # Errors
/// When it is held and `wait` is false, when the file cannot be opened or locked, when `cancel` was pulled.
pub fn acquire(
    path: &Path,
    wait: bool,
    cancel: &Cancel,
    on_wait: &mut dyn FnMut(&Path),
) -> Result<MeasuringLock, LockError> {
    let open = |source| LockError::Open { path: path.to_owned(), source };
    let failed = |source| LockError::Lock { path: path.to_owned(), source };
    let file = open_shared(path).map_err(open)?;
    if !file.metadata().map_err(open)?.is_file() {
        return Err(open(io::Error::other("it is not a plain file")));
    }
    match file.try_lock() {
        Ok(()) => return Ok(MeasuringLock { _file: file }),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
        Err(TryLockError::WouldBlock) if !wait => return Err(LockError::Busy { path: path.to_owned() }),
        Err(TryLockError::WouldBlock) => {}
    }
    on_wait(path);
    // A blocking lock cannot be interrupted, so it waits on a thread of its own. When cancelled, that thread
    // stays behind and gives the lock back as soon as it gets it.
    let (sender, outcome) = channel();
    let locked = sender.clone();
    thread::spawn(move || {
        let result = file.lock().map(|()| file);
        locked.send(Some(result)).ok();
    });
    let _hook = cancel.on_cancel(move || {
        sender.send(None).ok();
    });
    match outcome.recv() {
        Ok(Some(Ok(file))) => Ok(MeasuringLock { _file: file }),
        Ok(Some(Err(source))) => Err(failed(source)),
        Ok(None) | Err(_) => Err(LockError::Cancelled),
    }
}

/// Opens the file or creates it for everyone.
///
/// Opening comes first and without the wish to create: kernels refuse to open another user's file in a sticky folder
/// such as `/tmp` when creation is asked for.
fn open_shared(path: &Path) -> io::Result<File> {
    for _attempt in 0..3 {
        match options().write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return options().open(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        match options().write(true).create_new(true).open(path) {
            Ok(file) => {
                allow_everyone(&file)?;
                return Ok(file);
            }
            // Someone else created it in between.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the file keeps appearing and disappearing"))
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::NONBLOCK;
    options.read(true).mode(0o666).custom_flags(flags.bits().cast_signed());
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// The mode given at creation is reduced by the umask; this is not.
#[cfg(unix)]
fn allow_everyone(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn allow_everyone(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> impl FnMut(&Path) {
        |path: &Path| panic!("waited for {}", path.display())
    }

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("measuring.lock");
        let cancel = Cancel::new();
        let held = acquire(&path, false, &cancel, &mut never()).unwrap();
        let busy = acquire(&path, false, &cancel, &mut never()).unwrap_err();
        assert!(matches!(busy, LockError::Busy { .. }), "{busy}");
        let mut held = Some(held);
        let second = acquire(&path, true, &cancel, &mut |_| drop(held.take()));
        assert!(second.is_ok(), "{second:?}");
    }

    #[test]
    fn waiting_can_be_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("measuring.lock");
        let cancel = Cancel::new();
        let held = acquire(&path, true, &cancel, &mut never()).unwrap();
        let puller = cancel.clone();
        let error = acquire(&path, true, &cancel, &mut |_| puller.cancel()).unwrap_err();
        assert!(matches!(error, LockError::Cancelled), "{error}");
        drop(held);
    }

    #[cfg(unix)]
    #[test]
    fn everyone_may_use_it_and_links_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("measuring.lock");
        drop(acquire(&path, false, &Cancel::new(), &mut never()).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o666);
        let link = folder.path().join("link.lock");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for odd in [link.as_path(), folder.path(), &folder.path().join("absent/lock")] {
            let error = acquire(odd, false, &Cancel::new(), &mut never()).unwrap_err();
            assert!(matches!(error, LockError::Open { .. }), "{error}");
        }
    }
}
