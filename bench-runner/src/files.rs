//! Files written whole or not at all, read with a limit, and hashed.
//!
//! A reader never sees half a file, even after a crash: content goes to a temporary file in the same folder, is flushed
//! to the disk, and then takes the name. Nothing here knows what the files mean.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::model::ids::Digest;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// Reading failed.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Writing failed; a file that had this name before still has its old content.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is larger than this program is willing to hold in memory.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
}

impl FilesError {
    /// Returns what to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space on that disk and try again; nothing was lost".to_owned())
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("choose a folder that you may write to, or change its permissions".to_owned())
                }
                io::ErrorKind::NotFound => Some("check the spelling of the path".to_owned()),
                _ => None,
            },
            Self::TooLarge { .. } => {
                Some("check that this is the file you meant; real ones are far smaller".to_owned())
            }
        }
    }
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever the user's settings let read new files.
    Default,
    /// The owner alone, from the first byte on. Without effect where files have no owner's mode (Windows).
    OwnerOnly,
}

/// Writes `content` to `path`, whole or not at all; folders above it are made.
///
/// # Errors
///
/// [`FilesError::Write`]; then the old content, if any, is still there and no temporary file is left.
pub fn write(path: &Path, content: &[u8], access: Access) -> Result<(), FilesError> {
    write_inner(path, content, access).map_err(|source| FilesError::Write { path: path.to_owned(), source })
}

/// Does the work of [`write`] with plain errors.
fn write_inner(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The user's mask still takes its bits away from 0666, as for any new file.
        let mode = if access == Access::OwnerOnly { 0o600 } else { 0o666 };
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Makes a rename in `folder` durable.
///
/// # Errors
///
/// What the system said. Systems on which folders cannot be flushed report success.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        match File::open(folder)?.sync_all() {
            // Some network and union file systems refuse to flush a folder; the rename itself has happened.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}

/// Returns the folder that holds `path`, `.` for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Reads `path` if it holds at most `limit` bytes.
///
/// # Errors
///
/// [`FilesError::TooLarge`] without having read more than `limit` + 1 bytes, else [`FilesError::Read`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FilesError> {
    let fail = |source| FilesError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    let mut content = Vec::new();
    // The size in the folder is not trusted: devices and pipes have none, and files grow.
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(fail)?;
    if u64::try_from(content.len()).is_ok_and(|length| length <= limit) {
        Ok(content)
    } else {
        Err(FilesError::TooLarge { path: path.to_owned(), limit })
    }
}

/// Returns the SHA-256 of `content`.
#[must_use]
pub fn sha256(content: &[u8]) -> Digest {
    Digest(Sha256::digest(content).into())
}

/// Returns the SHA-256 and the size in bytes of the file at `path`, reading it piece by piece.
///
/// # Errors
///
/// [`FilesError::Read`].
pub fn sha256_file(path: &Path) -> Result<(Digest, u64), FilesError> {
    let fail = |source| FilesError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(fail)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((Digest(hasher.finalize().into()), size)),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                size += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fail(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn writes_replace_whole_files_and_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/report.md");
        write(&path, b"first, longer", Access::Default).unwrap();
        write(&path, b"second", Access::Default).unwrap();
        assert_eq!(read(&path, 100).unwrap(), b"second");
        assert_eq!(names(path.parent().unwrap()), ["report.md"]);
    }

    #[test]
    fn failed_write_keeps_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        // A folder of that name cannot be replaced by a file, for root neither.
        let path = folder.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        let error = write(&path, b"x", Access::Default).unwrap_err();
        assert!(matches!(error, FilesError::Write { .. }), "{error:?}");
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn read_stops_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five");
        write(&path, b"12345", Access::Default).unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(matches!(read(&path, 4), Err(FilesError::TooLarge { limit: 4, .. })));
        let missing = read(&folder.path().join("none"), 4).unwrap_err();
        assert!(missing.hint().unwrap().contains("spelling"));
    }

    #[cfg(unix)]
    #[test]
    fn owner_only_files_are_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, b"open", Access::Default).unwrap();
        write(&path, b"closed", Access::OwnerOnly).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn hashes_of_bytes_and_files_agree_with_the_standard() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc").to_string(), expected);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        write(&path, b"abc", Access::Default).unwrap();
        let (digest, size) = sha256_file(&path).unwrap();
        assert_eq!((digest.to_string().as_str(), size), (expected, 3));
    }
}
