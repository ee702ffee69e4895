//! The keystore: keys by identity, held in memory.
//!
//! A lookup takes a shared lock only as long as it takes to copy a pointer: nobody signs or verifies under the lock.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use ed25519_dalek::Signature;

use crate::error::KmsError;
use crate::key_id::{KeyId, Label};
use crate::public_key::PublicKey;
use crate::rule::{Rule, Strict};
use crate::signing_key::{Seed, SigningKey, fill_random};

/// Keys by identity, shared between threads by reference.
///
/// # Examples
/// ```
/// use kms::{Keystore, Label};
///
/// let keystore = Keystore::new();
/// let id = keystore.create(Label::new("acme")?, Label::new("passport")?)?;
/// let signature = keystore.sign(&id, b"hello")?;
/// keystore.verify(&id, b"hello", &signature)?;
/// assert!(keystore.verify(&id, b"other", &signature).is_err());
/// # Ok::<(), kms::KmsError>(())
/// ```
#[derive(Debug, Default)]
pub struct Keystore {
    keys: RwLock<BTreeMap<KeyId, Arc<SigningKey>>>,
}

impl Keystore {
    /// Makes an empty keystore.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a key from the operating system's randomness and gives its identity.
    ///
    /// # Errors
    /// [`KmsError::Entropy`] when the operating system gives no randomness.
    pub fn create(&self, tenant: Label, purpose: Label) -> Result<KeyId, KmsError> {
        self.insert(tenant, purpose, &Seed::generate()?)
    }

    /// Puts a key with a given seed into the store and gives its identity.
    ///
    /// # Errors
    /// [`KmsError::Entropy`] when the operating system gives no randomness for the identity.
    pub fn insert(&self, tenant: Label, purpose: Label, seed: &Seed) -> Result<KeyId, KmsError> {
        let mut set = [0; 16];
        fill_random(&mut set)?;
        let id = KeyId::new(tenant, purpose, set, 1);
        let key = Arc::new(SigningKey::from_seed(seed));
        // A poisoned lock means that a writer panicked between two whole states of the map: both are sound.
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(id, key);
        Ok(id)
    }

    /// Gives the public key of an identity.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`] when the store has no such key.
    pub fn public_key(&self, id: &KeyId) -> Result<PublicKey, KmsError> {
        Ok(self.find(id)?.public_key().clone())
    }

    /// Signs a message. Allocates nothing.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`] when the store has no such key.
    pub fn sign(&self, id: &KeyId, message: &[u8]) -> Result<Signature, KmsError> {
        Ok(self.find(id)?.sign(message))
    }

    /// Verifies a signature under [`Strict`].
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`] when the store has no such key, [`KmsError::Rejected`] when the rule refuses.
    pub fn verify(&self, id: &KeyId, message: &[u8], signature: &Signature) -> Result<(), KmsError> {
        self.verify_under::<Strict>(id, message, signature)
    }

    /// Verifies a signature under a named rule.
    ///
    /// # Errors
    /// As [`Keystore::verify`].
    pub fn verify_under<R: Rule>(
        &self,
        id: &KeyId,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), KmsError> {
        Ok(R::verify(self.find(id)?.public_key(), message, signature)?)
    }

    fn find(&self, id: &KeyId) -> Result<Arc<SigningKey>, KmsError> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(id).cloned().ok_or(KmsError::KeyNotFound { id: *id })
    }
}
