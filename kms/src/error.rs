//! What can go wrong in the keystore and in decoding, as one typed error each.
//!
//! A refused signature is not an error of the keystore: it is a [`crate::Rejected`] and lives beside the rules.

use crate::key_id::KeyId;
use crate::keystore::{BackendError, KeyState};

/// What the keystore could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KmsError {
    /// No key of this identity is in the store.
    #[error("no key `{id}` in this keystore")]
    KeyNotFound {
        /// The identity that was asked for.
        id: KeyId,
    },
    /// The version's state does not allow it.
    #[error("key `{id}` is {state} and may not {action}")]
    State {
        /// The version.
        id: KeyId,
        /// Its state.
        state: KeyState,
        /// What was tried.
        action: &'static str,
    },
    /// The version may not sign at this time.
    #[error("key `{id}` may not sign at this time ({now} ms since 1970)")]
    OutsideValidity {
        /// The version.
        id: KeyId,
        /// The time. Unit: milliseconds since 1970-01-01 00:00 UTC.
        now: u64,
    },
    /// The store has only the public half, or the secret was destroyed.
    #[error("the secret of key `{id}` is not here")]
    NoSecret {
        /// The version.
        id: KeyId,
    },
    /// The key set was not created exportable.
    #[error("the secret of key `{id}` may not be exported")]
    NotExportable {
        /// The version.
        id: KeyId,
    },
    /// The public key is none that an honest generator makes.
    #[error("the public key is refused: {reason}")]
    WeakKey {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key set has as many versions as it can have.
    #[error("key `{id}` is the last of {limit} possible versions")]
    TooManyVersions {
        /// The newest version.
        id: KeyId,
        /// The most versions of one key set.
        limit: usize,
    },
    /// The backend could not read or write the keys.
    #[error("the keys could not be read or written")]
    Backend(#[from] BackendError),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {reason}")]
    Entropy {
        /// What the operating system said.
        reason: String,
    },
    /// The text or document is no key.
    #[error(transparent)]
    Format(#[from] FormatError),
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
            Self::State { state: KeyState::Destroyed, .. } => {
                Some("create or rotate to another key".to_owned())
            }
            Self::State { .. } => Some("sign with the primary version, or enable this one".to_owned()),
            Self::OutsideValidity { .. } => Some("rotate to a version that is valid now".to_owned()),
            Self::NotExportable { .. } => Some("rotate to a key set that is created exportable".to_owned()),
            Self::TooManyVersions { .. } => Some("create a new key set".to_owned()),
            Self::Backend(error) => error.hint(),
            Self::Format(error) => error.hint(),
            Self::NoSecret { .. } | Self::WeakKey { .. } | Self::PublicKey(_) | Self::Rejected(_) => None,
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

/// Why a text or a document is no key, or no envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The input is longer than what is read.
    #[error("the input has {length} bytes, longer than the {limit} that are read")]
    TooLong {
        /// Its length. Unit: bytes.
        length: usize,
        /// The longest input. Unit: bytes.
        limit: usize,
    },
    /// No Ed25519 secret in PKCS#8.
    #[error("no Ed25519 key in PKCS#8: {reason}")]
    Pkcs8 {
        /// What the parser said.
        reason: String,
    },
    /// No Ed25519 public key in SubjectPublicKeyInfo.
    #[error("no Ed25519 public key: {reason}")]
    Spki {
        /// What the parser said.
        reason: String,
    },
    /// No Ed25519 JSON Web Key.
    #[error("no JSON Web Key: {reason}")]
    Jwk {
        /// What is wrong.
        reason: String,
    },
    /// No DSSE envelope.
    #[error("no DSSE envelope: {reason}")]
    Dsse {
        /// What is wrong.
        reason: String,
    },
    /// The public key beside a secret is another one's: signing with such a pair would give the secret away.
    #[error("the public key does not belong to the secret")]
    ForeignPublicKey,
    /// The bytes are no public key.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
}

impl FormatError {
    /// Says what to do next, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::TooLong { .. } => "check that this is the right file",
            Self::Pkcs8 { .. } => "expected: `PRIVATE KEY` (PKCS#8) with algorithm Ed25519, not encrypted",
            Self::Spki { .. } => "expected: `PUBLIC KEY` (SubjectPublicKeyInfo) with algorithm Ed25519",
            Self::Jwk { .. } => "expected: kty OKP, crv Ed25519, x and d in base64url without padding",
            Self::ForeignPublicKey => "do not use this document; import the secret alone if it is yours",
            Self::Dsse { .. } | Self::PublicKey(_) => return None,
        };
        Some(text.to_owned())
    }
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
