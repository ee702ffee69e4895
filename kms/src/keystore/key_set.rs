//! What the keystore knows of a key: versions of one key set, their states, and who may sign when.
//!
//! Plain values; who changes them and when they are written is decided in `keystore`.

use std::fmt;
use std::sync::Arc;

use crate::error::KmsError;
use crate::key_id::{KeyId, Label};
use crate::public_key::PublicKey;
use crate::signing_key::{Seed, SigningKey};

/// What a version of a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyState {
    /// It signs and verifies.
    Enabled,
    /// It verifies what it signed earlier; the state of a version that was rotated out.
    VerifyOnly,
    /// It does neither until it is enabled again.
    Disabled,
    /// Its secret is overwritten. It stays as a name in the list and comes back no more.
    Destroyed,
}

impl KeyState {
    /// Gives the state's name in events, files and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::VerifyOnly => "verify-only",
            Self::Disabled => "disabled",
            Self::Destroyed => "destroyed",
        }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Enabled => 1,
            Self::VerifyOnly => 2,
            Self::Disabled => 3,
            Self::Destroyed => 4,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Enabled, Self::VerifyOnly, Self::Disabled, Self::Destroyed]
            .into_iter()
            .find(|state| state.code() == code)
    }

    /// Tells whether signatures of a version in this state are verified.
    #[must_use]
    pub fn verifies(self) -> bool {
        matches!(self, Self::Enabled | Self::VerifyOnly)
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// When a version may sign. Verifying is not bound to it: a signature stays good after its key's time is over, and
/// [`KeyState::Disabled`] is there to say otherwise.
///
/// # Units
/// Milliseconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// The first moment at which it may sign.
    pub not_before: Option<u64>,
    /// The last moment at which it may sign.
    pub not_after: Option<u64>,
}

impl Validity {
    pub(super) fn is_open(&self) -> bool {
        self.not_before.is_none() && self.not_after.is_none()
    }

    pub(super) fn holds(&self, now: u64) -> bool {
        self.not_before.is_none_or(|first| first <= now) && self.not_after.is_none_or(|last| now <= last)
    }
}

/// What a new key set is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    pub(super) tenant: Label,
    pub(super) purpose: Label,
    pub(super) exportable: bool,
    pub(super) validity: Validity,
}

impl KeySpec {
    /// Describes a key set whose secrets never leave the keystore and which may sign at any time.
    #[must_use]
    pub fn new(tenant: Label, purpose: Label) -> Self {
        Self { tenant, purpose, exportable: false, validity: Validity::default() }
    }

    /// Allows the secrets of this key set to be exported. It cannot be changed later.
    #[must_use]
    pub fn exportable(self) -> Self {
        Self { exportable: true, ..self }
    }

    /// Sets when the first version may sign.
    #[must_use]
    pub fn valid(self, validity: Validity) -> Self {
        Self { validity, ..self }
    }
}

/// What anybody may know of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The version's identity.
    pub id: KeyId,
    /// What it may be used for.
    pub state: KeyState,
    /// Whether it is the version that signs when none is named.
    pub primary: bool,
    /// Whether the store has its secret.
    pub has_secret: bool,
    /// Whether its secret may be exported.
    pub exportable: bool,
    /// When it may sign.
    pub validity: Validity,
    /// When it came into the store. Unit: milliseconds since 1970-01-01 00:00 UTC.
    pub created: u64,
    /// Its public half.
    pub public: PublicKey,
}

/// One version of a key set.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) state: KeyState,
    pub(super) created: u64,
    pub(super) validity: Validity,
    pub(super) public: PublicKey,
    /// Kept only where it is needed: for export, or for a backend that writes it.
    pub(super) seed: Option<Seed>,
    pub(super) signing: Option<Arc<SigningKey>>,
}

/// All versions of one key. Version `n` is at place `n - 1`: versions are added and never removed.
#[derive(Clone)]
pub(crate) struct KeySet {
    pub(super) tenant: Label,
    pub(super) purpose: Label,
    pub(super) set: [u8; 16],
    pub(super) exportable: bool,
    pub(super) primary: u32,
    pub(super) versions: Vec<Version>,
}

impl KeySet {
    pub(super) fn id(&self, version: u32) -> KeyId {
        KeyId::new(self.tenant, self.purpose, self.set, version)
    }

    /// The identity with the number of the newest version.
    pub(super) fn newest(&self) -> KeyId {
        self.id(u32::try_from(self.versions.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (KeyId, &Version)> {
        (1..).zip(&self.versions).map(|(number, version)| (self.id(number), version))
    }

    /// Finds a version; the labels must be right too, so that a key is never used under another tenant's name.
    pub(super) fn version(&self, id: &KeyId) -> Result<&Version, KmsError> {
        let index = usize::try_from(id.version() - 1).ok();
        let found = index.and_then(|index| self.versions.get(index));
        found.filter(|_| self.names(id)).ok_or(KmsError::KeyNotFound { id: *id })
    }

    pub(super) fn version_mut(&mut self, id: &KeyId) -> Result<&mut Version, KmsError> {
        let names = self.names(id);
        let index = usize::try_from(id.version() - 1).ok();
        let found = index.and_then(|index| self.versions.get_mut(index));
        found.filter(|_| names).ok_or(KmsError::KeyNotFound { id: *id })
    }

    pub(super) fn names(&self, id: &KeyId) -> bool {
        (&self.tenant, &self.purpose, &self.set) == (id.tenant(), id.purpose(), id.set())
    }

    pub(super) fn info(&self, id: KeyId, version: &Version) -> KeyInfo {
        KeyInfo {
            id,
            state: version.state,
            primary: self.primary == id.version(),
            has_secret: version.signing.is_some(),
            exportable: self.exportable,
            validity: version.validity,
            created: version.created,
            public: version.public.clone(),
        }
    }
}

impl Version {
    pub(super) fn new(spec: &KeySpec, seed: &Seed, keep_seed: bool, now: u64) -> Self {
        let signing = SigningKey::from_seed(seed);
        Self {
            state: KeyState::Enabled,
            created: now,
            validity: spec.validity,
            public: signing.public_key().clone(),
            seed: (spec.exportable || keep_seed).then(|| seed.clone()),
            signing: Some(Arc::new(signing)),
        }
    }

    /// Gives the key that signs, if this version may sign. The clock is asked only if the version has a window.
    pub(super) fn signing(&self, id: &KeyId, now: impl FnOnce() -> u64) -> Result<&SigningKey, KmsError> {
        if self.state != KeyState::Enabled {
            return Err(KmsError::State { id: *id, state: self.state, action: "sign" });
        }
        if !self.validity.is_open() {
            let now = now();
            if !self.validity.holds(now) {
                return Err(KmsError::OutsideValidity { id: *id, now });
            }
        }
        self.signing.as_deref().ok_or(KmsError::NoSecret { id: *id })
    }

    /// Gives the key that verifies, if this version may verify.
    pub(super) fn verifying(&self, id: &KeyId) -> Result<&PublicKey, KmsError> {
        if self.state.verifies() {
            Ok(&self.public)
        } else {
            Err(KmsError::State { id: *id, state: self.state, action: "verify" })
        }
    }

    /// Changes the state, or says why it cannot. Going to `Destroyed` drops the secrets, which overwrites them.
    pub(super) fn change_state(&mut self, id: &KeyId, state: KeyState) -> Result<(), KmsError> {
        if self.state == KeyState::Destroyed {
            return Err(KmsError::State { id: *id, state: self.state, action: "change its state" });
        }
        if state == KeyState::Destroyed {
            self.seed = None;
            self.signing = None;
        }
        self.state = state;
        Ok(())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("newest", &self.newest()).finish_non_exhaustive()
    }
}
