//! Signing keys and trust: the only module that touches secret keys. It knows files and signatures, no store.
//!
//! Statements are signed as DSSE envelopes with kms. What a statement says, and what was changed since, is decided elsewhere.

mod key;
mod trust;

use std::io;
use std::path::PathBuf;

pub use key::Key;
pub use trust::{Trust, TrustedKey, check};

/// Why a key or a list of trusted keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttestError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] crate::files::FilesError),
    /// A key that others may read.
    #[error("the signing key `{}` can be read by others (mode {mode:o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A key that would be overwritten.
    #[error("there is a signing key at `{}` already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file whose state cannot be found out.
    #[error("cannot look at `{}`", path.display())]
    Look {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that holds no key.
    #[error("`{}` holds no signing key", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: kms::error::FormatError,
    },
    /// No randomness for a new key.
    #[error("no signing key could be made")]
    Generate {
        /// What kms said.
        source: kms::KmsError,
    },
    /// A list of trusted keys that cannot be read.
    #[error("`{}` is not a list of trusted keys: {reason}", path.display())]
    NoTrust {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Text that is no public key.
    #[error("`{text}` is not a public key of 64 hexadecimal digits")]
    NotPublic {
        /// The beginning of the text.
        text: String,
    },
    /// A key that is not in the list.
    #[error("no trusted key is called `{id}`")]
    Unknown {
        /// What was asked for.
        id: String,
    },
}

impl AttestError {
    /// Returns what to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File(error) => return error.hint(),
            Self::Exposed { path, .. } => return Some(format!("run `chmod 600 '{}'`", path.display())),
            Self::Exists { .. } => {
                "`bench-runner key rotate` makes a new one and keeps trusting what the old one signed"
            }
            Self::NoKey { .. } => "move the file away and make a new key with `bench-runner key new`",
            Self::NoTrust { .. } => {
                "restore the file from a backup, or move it away and trust the keys again"
            }
            Self::NotPublic { .. } => {
                "`bench-runner key show` prints the public key on the machine that signs"
            }
            Self::Unknown { .. } => "`bench-runner key show` lists the trusted keys",
            Self::Look { .. } | Self::Generate { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
