//! The keystore: key sets with versions and states, rotation, import and export, and a log of what happened.
//!
//! A lookup takes a shared lock only as long as it takes to copy a pointer: nobody signs or verifies under the lock, and
//! a rotation never waits for a signature. A change is saved by the backend before anybody sees it.

mod backend;
mod event;
mod key_set;
mod manage;
mod many;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ed25519_dalek::Signature;

use crate::clock::{Clock, SystemClock};
use crate::error::KmsError;
use crate::key_id::KeyId;
use crate::public_key::PublicKey;
use crate::rule::{Rule, Strict};

pub use backend::{Backend, BackendError, Memory};
pub use event::{ChainBroken, Event, EventKind, MAX_EVENTS, verify_chain};
pub use key_set::{KeyInfo, KeySpec, KeyState, Validity};
pub use many::SignedBy;
pub use snapshot::Snapshot;

use key_set::KeySet;

/// Keys by identity, shared between threads by reference.
///
/// # Examples
/// ```
/// use kms::{KeySpec, Keystore, Label};
///
/// let keystore = Keystore::new();
/// let spec = KeySpec::new(Label::new("acme")?, Label::new("passport")?);
/// let first = keystore.create(spec)?;
/// let signature = keystore.sign(&first, b"hello")?;
///
/// // After a rotation the new version signs, and the old one still verifies.
/// let second = keystore.rotate(&first)?;
/// assert_eq!(second.version(), 2);
/// assert!(keystore.sign(&first, b"hello").is_err());
/// keystore.verify(&first, b"hello", &signature)?;
/// assert_eq!(keystore.verify_any(&second, b"hello", &signature)?, first);
/// # Ok::<(), kms::KmsError>(())
/// ```
#[derive(Debug)]
pub struct Keystore {
    sets: RwLock<BTreeMap<[u8; 16], Arc<KeySet>>>,
    writer: Mutex<Writer>,
    clock: Box<dyn Clock>,
}

/// What only the one who changes something needs.
#[derive(Debug)]
struct Writer {
    backend: Box<dyn Backend>,
    counter: u64,
    events: Vec<Event>,
}

impl Default for Keystore {
    fn default() -> Self {
        Self::new()
    }
}

impl Keystore {
    /// Makes an empty keystore in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// Makes an empty keystore in memory that takes the time from `clock`.
    #[must_use]
    pub fn with_clock(clock: impl Clock + 'static) -> Self {
        let writer = Writer { backend: Box::new(Memory), counter: 0, events: Vec::new() };
        Self { sets: RwLock::default(), writer: Mutex::new(writer), clock: Box::new(clock) }
    }

    /// Opens the keystore that a backend holds, or an empty one if it holds none yet.
    ///
    /// # Errors
    /// [`KmsError::Backend`], whatever the backend met.
    pub fn open(mut backend: Box<dyn Backend>, clock: impl Clock + 'static) -> Result<Self, KmsError> {
        let loaded = backend.load()?;
        let snapshot = loaded.unwrap_or(Snapshot { counter: 0, sets: Vec::new(), events: Vec::new() });
        let sets = snapshot.sets.into_iter().map(|set| (set.set, set)).collect();
        let writer = Writer { backend, counter: snapshot.counter, events: snapshot.events };
        Ok(Self { sets: RwLock::new(sets), writer: Mutex::new(writer), clock: Box::new(clock) })
    }

    /// Signs a message with exactly this version. Allocates nothing.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::State`] when the version may not sign, [`KmsError::OutsideValidity`],
    /// [`KmsError::NoSecret`] when only its public half is here.
    pub fn sign(&self, id: &KeyId, message: &[u8]) -> Result<Signature, KmsError> {
        let set = self.find(id)?;
        Ok(set.version(id)?.signing(id, || self.clock.now())?.sign(message))
    }

    /// Signs a message with the primary version of the key set that `id` names, and says which version that is.
    ///
    /// # Errors
    /// As [`Keystore::sign`], about the primary version.
    pub fn sign_with_primary(&self, id: &KeyId, message: &[u8]) -> Result<(KeyId, Signature), KmsError> {
        let set = self.find(id)?;
        let primary = id.with_version(set.primary);
        let key = set.version(&primary)?.signing(&primary, || self.clock.now())?;
        Ok((primary, key.sign(message)))
    }

    /// Signs a message that names the key that signs it: `build` gets the primary version's identity and gives the
    /// message. A rotation meanwhile cannot come between the name and the signature.
    ///
    /// # Errors
    /// As [`Keystore::sign_with_primary`].
    pub fn sign_built_with_primary(
        &self,
        id: &KeyId,
        build: impl FnOnce(&KeyId) -> Vec<u8>,
    ) -> Result<(KeyId, Signature), KmsError> {
        let set = self.find(id)?;
        let primary = id.with_version(set.primary);
        let key = set.version(&primary)?.signing(&primary, || self.clock.now())?;
        Ok((primary, key.sign(&build(&primary))))
    }

    /// Signs many messages with exactly this version into the caller's places, as
    /// [`crate::SigningKey::sign_many_into`] does.
    ///
    /// # Errors
    /// As [`Keystore::sign`], and [`KmsError::Length`].
    pub fn sign_many_into(
        &self,
        id: &KeyId,
        messages: &[&[u8]],
        signatures: &mut [Signature],
    ) -> Result<(), KmsError> {
        let set = self.find(id)?;
        let key = set.version(id)?.signing(id, || self.clock.now())?;
        Ok(key.sign_many_into(messages, signatures)?)
    }

    /// Verifies a signature of exactly this version under [`Strict`]. Allocates nothing.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::State`] when the version may not verify, [`KmsError::Rejected`] when the
    /// rule refuses the signature.
    pub fn verify(&self, id: &KeyId, message: &[u8], signature: &Signature) -> Result<(), KmsError> {
        self.verify_under::<Strict>(id, message, signature)
    }

    /// Verifies a signature of exactly this version under a named rule.
    ///
    /// # Errors
    /// As [`Keystore::verify`].
    pub fn verify_under<R: Rule>(
        &self,
        id: &KeyId,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), KmsError> {
        let set = self.find(id)?;
        Ok(R::verify(set.version(id)?.verifying(id)?, message, signature)?)
    }

    /// Verifies a signature of any version of the key set that `id` names, under [`Strict`], and says which it was.
    ///
    /// The primary version is tried first, then the others from the newest.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], or [`KmsError::Rejected`] with the primary version's reason.
    pub fn verify_any(&self, id: &KeyId, message: &[u8], signature: &Signature) -> Result<KeyId, KmsError> {
        let set = self.find(id)?;
        let primary = id.with_version(set.primary);
        let verdict = |id: &KeyId| -> Result<(), KmsError> {
            Ok(Strict::verify(set.version(id)?.verifying(id)?, message, signature)?)
        };
        let refused = match verdict(&primary) {
            Ok(()) => return Ok(primary),
            Err(refused) => refused,
        };
        let others = (1..=set.newest().version()).rev().map(|number| id.with_version(number));
        others.filter(|other| *other != primary).find(|other| verdict(other).is_ok()).ok_or(refused)
    }

    /// Gives the decoded key of a version that may verify, for verifying many signatures at once.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::State`] when the version may not verify.
    pub fn verifying_key(&self, id: &KeyId) -> Result<PublicKey, KmsError> {
        self.find(id)?.version(id)?.verifying(id).cloned()
    }

    /// Gives the public key of a version, whatever its state.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`].
    pub fn public_key(&self, id: &KeyId) -> Result<PublicKey, KmsError> {
        Ok(self.find(id)?.version(id)?.public.clone())
    }

    /// Gives what anybody may know of a version.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`].
    pub fn info(&self, id: &KeyId) -> Result<KeyInfo, KmsError> {
        let set = self.find(id)?;
        Ok(set.info(*id, set.version(id)?))
    }

    /// Lists every version of every key set, ordered by the key sets' numbers and then by version.
    #[must_use]
    pub fn list(&self) -> Vec<KeyInfo> {
        let sets: Vec<Arc<KeySet>> = self.read(|sets| sets.values().cloned().collect());
        sets.iter().flat_map(|set| set.ids().map(|(id, version)| set.info(id, version))).collect()
    }

    /// Gives the log of what happened, from the oldest event kept; [`MAX_EVENTS`] are kept.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).events.clone()
    }

    /// Gives the number of changes so far; with a persistent backend it goes on where the saved one ended.
    #[must_use]
    pub fn counter(&self) -> u64 {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).counter
    }

    /// Reads the map under the shared lock. A poisoned lock means that a writer panicked, and writers put whole values
    /// into the map: what is there is sound.
    fn read<T>(&self, read: impl FnOnce(&BTreeMap<[u8; 16], Arc<KeySet>>) -> T) -> T {
        read(&self.sets.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, id: &KeyId) -> Result<Arc<KeySet>, KmsError> {
        self.read(|sets| sets.get(id.set()).cloned())
            .filter(|set| set.names(id))
            .ok_or(KmsError::KeyNotFound { id: *id })
    }
}
