//! One signing key in a file of its owner: made once, read on every write, never shown.

use std::fmt;
use std::path::Path;

use kms::dsse::pae;
use kms::{Seed, SigningKey, pkcs8};

use super::AttestError;
use crate::files::{self, Access};
use crate::model::ids::Digest;
use crate::model::seal::{PAYLOAD_TYPE, Signed, Signer};

/// Largest file that is read as a key, in bytes.
const MAX_BYTES: u64 = 4096;

/// A signing key. Its `Debug` shows its name only.
pub struct Key {
    key: SigningKey,
    id: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Key {
    /// Reads the key at `path`; `None` when there is no such file.
    ///
    /// # Errors
    ///
    /// [`AttestError::Exposed`] when others than the owner may read it (Unix), [`AttestError::NoKey`], or that it cannot be
    /// read.
    pub fn load(path: &Path) -> Result<Option<Self>, AttestError> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AttestError::Look { path: path.to_owned(), source }),
            #[cfg(unix)]
            Ok(metadata) => {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = metadata.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    return Err(AttestError::Exposed { path: path.to_owned(), mode });
                }
            }
            #[cfg(not(unix))]
            Ok(_) => {}
        }
        let bytes = files::read(path, MAX_BYTES)?;
        let text = String::from_utf8_lossy(&bytes);
        let seed = pkcs8::seed_from_pem(&text)
            .map_err(|source| AttestError::NoKey { path: path.to_owned(), source })?;
        Ok(Some(Self::of(&seed)))
    }

    /// Makes a new key and writes it to `path` as PKCS#8, readable for its owner alone.
    ///
    /// # Errors
    ///
    /// [`AttestError::Exists`] unless `replace`; [`AttestError`] when it cannot be made or written.
    pub fn create(path: &Path, replace: bool) -> Result<Self, AttestError> {
        if path.exists() && !replace {
            return Err(AttestError::Exists { path: path.to_owned() });
        }
        let seed = Seed::generate().map_err(|source| AttestError::Generate { source })?;
        let pem = pkcs8::seed_to_pem(&seed)
            .map_err(|source| AttestError::NoKey { path: path.to_owned(), source })?;
        files::write(path, pem.as_bytes(), Access::OwnerOnly)?;
        Ok(Self::of(&seed))
    }

    /// The key of a seed, for tests and benches.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::of(&Seed::from_bytes(seed))
    }

    fn of(seed: &Seed) -> Self {
        let key = SigningKey::from_seed(seed);
        let id = key_id(key.public_key().as_bytes());
        Self { key, id }
    }

    /// The key's name: `ed25519-` and the first 16 hexadecimal digits of the SHA-256 of the public key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public key as 64 hexadecimal digits.
    #[must_use]
    pub fn public(&self) -> String {
        Digest(self.key.public_key().to_bytes()).to_string()
    }
}

impl Signer for Key {
    fn sign(&self, payload: Vec<u8>) -> Result<Signed, String> {
        let signature = self.key.sign(&pae(PAYLOAD_TYPE, &payload)).to_bytes();
        Ok(Signed { payload, key_id: self.id.clone(), signature })
    }
}

/// Returns the name of a public key.
pub(super) fn key_id(public: &[u8; 32]) -> String {
    format!("ed25519-{}", &files::sha256(public).to_string()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_for_its_owner_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/signing-key.pem");
        assert!(Key::load(&path).unwrap().is_none());
        let made = Key::create(&path, false).unwrap();
        let read = Key::load(&path).unwrap().unwrap();
        assert_eq!((read.id(), read.public()), (made.id(), made.public()));
        assert!(matches!(Key::create(&path, false), Err(AttestError::Exists { .. })));
        assert_ne!(Key::create(&path, true).unwrap().id(), made.id());
        assert!(!format!("{read:?}").contains(&read.public()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            assert!(matches!(Key::load(&path), Err(AttestError::Exposed { mode: 0o640, .. })));
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::write(&path, "Dear diary").unwrap();
        assert!(matches!(Key::load(&path), Err(AttestError::NoKey { .. })));
    }
}
