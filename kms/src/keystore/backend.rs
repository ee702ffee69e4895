//! Where a keystore writes its keys: the one trait, and the backend that writes nothing.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::snapshot::Snapshot;

/// A place for the keys of one keystore.
///
/// The keystore calls [`Backend::save`] with everything before a change becomes visible; a change that cannot be saved
/// does not happen.
pub trait Backend: Send + fmt::Debug {
    /// Tells whether saving does anything. If not, the keystore keeps no seeds that it does not need.
    fn persistent(&self) -> bool;

    /// Reads everything, or nothing if nothing was saved yet.
    ///
    /// # Errors
    /// [`BackendError`], whatever the backend met.
    fn load(&mut self) -> Result<Option<Snapshot>, BackendError>;

    /// Writes everything, all or nothing.
    ///
    /// # Errors
    /// [`BackendError`], whatever the backend met; what was saved before is then still there.
    fn save(&mut self, snapshot: &Snapshot) -> Result<(), BackendError>;
}

/// Keeps keys in memory only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory;

impl Backend for Memory {
    fn persistent(&self) -> bool {
        false
    }

    fn load(&mut self) -> Result<Option<Snapshot>, BackendError> {
        Ok(None)
    }

    fn save(&mut self, _: &Snapshot) -> Result<(), BackendError> {
        Ok(())
    }
}

/// Why keys could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// A file could not be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is no sealed keystore.
    #[error("`{path}` is no sealed keystore")]
    NotSealed {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this crate.
    #[error("`{path}` has format {found}, this version reads up to {known}")]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
        /// The newest format that is known here.
        known: u16,
    },
    /// The file ends too early or has bytes after its end.
    #[error("`{path}` has {found} bytes where its header says {expected}")]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length. Unit: bytes.
        found: u64,
        /// The length its header says. Unit: bytes.
        expected: u64,
    },
    /// The header's checksum does not fit: damaged in storage or in transit.
    #[error("the header of `{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is another than the one the file was sealed with.
    #[error("wrong passphrase for `{path}`")]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is right, but the content was changed.
    #[error("the content of `{path}` was changed after it was sealed")]
    Tampered {
        /// The file.
        path: PathBuf,
    },
    /// The file is older than what was already seen.
    #[error("`{path}` has counter {found}, at least {least} is expected: an older copy was put in its place")]
    RolledBack {
        /// The file.
        path: PathBuf,
        /// Its counter.
        found: u64,
        /// The least counter that is accepted.
        least: u64,
    },
    /// Another keystore has the file open.
    #[error("`{path}` is open in another keystore")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner may read or write the file.
    #[error("`{path}` is open to others (mode {mode:o})")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key derivation was asked for with parameters outside the limits.
    #[error("the key derivation parameters are outside the limits: {reason}")]
    Parameters {
        /// Which limit.
        reason: String,
    },
    /// The decrypted content cannot be understood.
    #[error("the keys are not readable: {reason}")]
    Content {
        /// What was expected.
        reason: &'static str,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {reason}")]
    Entropy {
        /// What the operating system said.
        reason: String,
    },
}

impl BackendError {
    /// Says what to do next, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Io { .. } => "check that the folder exists and that the owner may write there",
            Self::NotSealed { .. } => "name the file that the keystore was saved to",
            Self::NewerFormat { .. } => "open it with the version that wrote it, or a newer one",
            Self::Length { .. } | Self::Damaged { .. } | Self::Tampered { .. } => {
                "restore the file from a backup"
            }
            Self::WrongPassphrase { .. } => "try the passphrase again",
            Self::RolledBack { .. } => "put the newest file back; if it is lost, lower the counter knowingly",
            Self::Busy { .. } => "close the other keystore first",
            Self::Permissions { .. } => "take the permissions of group and others away (mode 600)",
            Self::Parameters { .. } => "use 8 KiB to 1 GiB of memory, 1 to 16 passes and 1 to 16 lanes",
            Self::Content { .. } | Self::Entropy { .. } => return None,
        };
        Some(text.to_owned())
    }
}
