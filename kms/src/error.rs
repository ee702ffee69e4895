//! What can go wrong in the keystore and in decoding, as one typed error each.
//!
//! A refused signature is not an error of the keystore: it is a [`crate::Rejected`] and lives beside the rules.

use crate::key_id::KeyId;

/// What the keystore could not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KmsError {
    /// No key of this identity is in the store.
    #[error("no key `{id}` in this keystore")]
    KeyNotFound {
        /// The identity that was asked for.
        id: KeyId,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {reason}")]
    Entropy {
        /// What the operating system said.
        reason: String,
    },
    /// The bytes are no public key.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// The text is no key identity.
    #[error(transparent)]
    KeyId(#[from] KeyIdError),
    /// The list of verdicts has another length than the list of items.
    #[error(transparent)]
    Length(#[from] LengthMismatch),
    /// The signature was refused by the rule.
    #[error("signature refused: {0}")]
    Rejected(#[from] crate::rule::Rejected),
}

impl KmsError {
    /// Says what to do next, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::KeyNotFound { .. } => {
                Some("list the keys of the store, or create the key first".to_owned())
            }
            Self::Entropy { .. } => {
                Some("check that the process may read the system's random source".to_owned())
            }
            Self::KeyId(_) => {
                Some("write it as tenant/purpose/ed25519/<32 hexadecimal digits>#v<version>".to_owned())
            }
            Self::Length(_) => Some("pass one verdict slot per item".to_owned()),
            Self::PublicKey(_) | Self::Rejected(_) => None,
        }
    }
}

/// Why bytes are no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// The length differs from 32 bytes.
    #[error("a public key has 32 bytes, got {got}")]
    Length {
        /// The number of bytes given.
        got: usize,
    },
    /// The bytes encode no point of the curve.
    #[error("the bytes are no point of the curve")]
    NotAPoint,
}

/// Why a text is no key identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyIdError {
    /// The text does not have the four parts and a version.
    #[error("a key identity has the form tenant/purpose/ed25519/<id>#v<version>")]
    Form,
    /// A label is empty, too long, or has a character outside `a-z 0-9 . _ -`.
    #[error("the {part} has 1 to 32 of the characters a-z 0-9 . _ -")]
    Label {
        /// Which label: `tenant` or `purpose`.
        part: &'static str,
    },
    /// The algorithm is not `ed25519`.
    #[error("the algorithm is not `ed25519`")]
    Algorithm,
    /// The identity is not 32 lower-case hexadecimal digits.
    #[error("the identity has 32 lower-case hexadecimal digits")]
    Hex,
    /// The version is not a number from 1 without leading zeros.
    #[error("the version is a number from 1 to 4294967295 without leading zeros")]
    Version,
}

/// The list of verdicts has another length than the list of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{items} items need {items} places, got {places}")]
pub struct LengthMismatch {
    /// The number of items.
    pub items: usize,
    /// The number of places for their results.
    pub places: usize,
}
