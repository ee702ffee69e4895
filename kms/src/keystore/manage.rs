//! What changes a keystore: create, import, add, promote, rotate, states, export.
//!
//! Every change goes through [`Keystore::commit`]: one at a time, saved first, visible afterwards, then logged for good.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::event::{Event, EventKind, MAX_EVENTS};
use super::key_set::{KeySet, KeySpec, KeyState, Validity, Version};
use super::snapshot::{MAX_VERSIONS, Snapshot};
use super::{Keystore, Writer};
use crate::error::KmsError;
use crate::key_id::KeyId;
use crate::public_key::PublicKey;
use crate::signing_key::{Seed, fill_random};

impl Keystore {
    /// Creates a key set with one version from the operating system's randomness.
    ///
    /// # Errors
    /// [`KmsError::Entropy`], [`KmsError::Backend`] when it cannot be saved.
    pub fn create(&self, spec: KeySpec) -> Result<KeyId, KmsError> {
        self.add_set(spec, &Seed::generate()?, EventKind::Created)
    }

    /// Brings a secret in as version 1 of a new key set.
    ///
    /// # Errors
    /// As [`Keystore::create`].
    pub fn import_seed(&self, spec: KeySpec, seed: &Seed) -> Result<KeyId, KmsError> {
        self.add_set(spec, seed, EventKind::Imported)
    }

    /// Brings a public key in as version 1 of a new key set; that version verifies and cannot sign.
    ///
    /// # Errors
    /// [`KmsError::WeakKey`] when the key is not the canonical encoding of a point in the prime-order group, which every
    /// honestly made key is; [`KmsError::Entropy`], [`KmsError::Backend`].
    pub fn import_public(&self, spec: KeySpec, public: PublicKey) -> Result<KeyId, KmsError> {
        let reason = if public.is_small_order() {
            Some("it has small order")
        } else if !public.is_canonical() {
            Some("its encoding is not canonical")
        } else if !public.is_torsion_free() {
            Some("it is not in the prime-order group")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(KmsError::WeakKey { reason });
        }
        let version = Version {
            state: KeyState::VerifyOnly,
            created: self.clock.now(),
            validity: spec.validity,
            public,
            seed: None,
            signing: None,
        };
        self.insert(spec, version, EventKind::Imported)
    }

    /// Adds a version to a key set without letting it sign by default: the first half of a staged rotation.
    ///
    /// It can verify at once, so that every verifier knows it before the first signature; [`Keystore::promote`] is the
    /// second half.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::Entropy`], [`KmsError::TooManyVersions`], [`KmsError::Backend`].
    pub fn add_version(&self, id: &KeyId) -> Result<KeyId, KmsError> {
        let seed = Seed::generate()?;
        self.change(id, |set, now, keep| {
            let id = push_version(set, &seed, keep, now)?;
            Ok((vec![(EventKind::VersionAdded, id)], id))
        })
    }

    /// Makes a version the one that signs by default; the one before it verifies only from now on.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::State`] when the version is not enabled, [`KmsError::NoSecret`],
    /// [`KmsError::Backend`].
    pub fn promote(&self, id: &KeyId) -> Result<(), KmsError> {
        self.change(id, |set, _, _| Ok((promote(set, id)?, ())))
    }

    /// Adds a version and promotes it in one step; gives its identity.
    ///
    /// # Errors
    /// As [`Keystore::add_version`].
    pub fn rotate(&self, id: &KeyId) -> Result<KeyId, KmsError> {
        let seed = Seed::generate()?;
        self.change(id, |set, now, keep| {
            let id = push_version(set, &seed, keep, now)?;
            let mut events = vec![(EventKind::VersionAdded, id)];
            events.extend(promote(set, &id)?);
            Ok((events, id))
        })
    }

    /// Changes what a version may be used for. [`KeyState::Destroyed`] overwrites its secret and is final.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::State`] when the version is destroyed, [`KmsError::NoSecret`] when a
    /// version without a secret is to be enabled, [`KmsError::Backend`].
    pub fn set_state(&self, id: &KeyId, state: KeyState) -> Result<(), KmsError> {
        self.change(id, |set, _, _| {
            let version = set.version_mut(id)?;
            version.change_state(id, state)?;
            if state == KeyState::Enabled && version.signing.is_none() {
                return Err(KmsError::NoSecret { id: *id });
            }
            Ok((vec![(EventKind::StateChanged(state), *id)], ()))
        })
    }

    /// Changes when a version may sign.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::Backend`].
    pub fn set_validity(&self, id: &KeyId, validity: Validity) -> Result<(), KmsError> {
        self.change(id, |set, _, _| {
            set.version_mut(id)?.validity = validity;
            Ok((vec![(EventKind::ValidityChanged, *id)], ()))
        })
    }

    /// Gives the secret of a version, if its key set was created exportable. The export is logged before it is given.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`], [`KmsError::NotExportable`], [`KmsError::NoSecret`] when it is destroyed or was never
    /// here, [`KmsError::Backend`].
    pub fn export_seed(&self, id: &KeyId) -> Result<Seed, KmsError> {
        self.change(id, |set, _, _| {
            if !set.exportable {
                return Err(KmsError::NotExportable { id: *id });
            }
            let seed = set.version(id)?.seed.clone().ok_or(KmsError::NoSecret { id: *id })?;
            Ok((vec![(EventKind::SecretExported, *id)], seed))
        })
    }

    fn add_set(&self, spec: KeySpec, seed: &Seed, kind: EventKind) -> Result<KeyId, KmsError> {
        let keep = self.writer.lock().unwrap_or_else(PoisonError::into_inner).backend.persistent();
        self.insert(spec, Version::new(&spec, seed, keep, self.clock.now()), kind)
    }

    fn insert(&self, spec: KeySpec, version: Version, kind: EventKind) -> Result<KeyId, KmsError> {
        let mut number = [0; 16];
        fill_random(&mut number)?;
        let KeySpec { tenant, purpose, exportable, .. } = spec;
        let set = KeySet { tenant, purpose, set: number, exportable, primary: 1, versions: vec![version] };
        let id = set.id(1);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.commit(&mut writer, set, &[(kind, id)])?;
        Ok(id)
    }

    /// Changes a copy of a key set and commits it. `change` gets the time and whether seeds are kept.
    fn change<T>(
        &self,
        id: &KeyId,
        change: impl FnOnce(&mut KeySet, u64, bool) -> Result<(Vec<(EventKind, KeyId)>, T), KmsError>,
    ) -> Result<T, KmsError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut set = KeySet::clone(&*self.find(id)?);
        let (events, result) = change(&mut set, self.clock.now(), writer.backend.persistent())?;
        self.commit(&mut writer, set, &events)?;
        Ok(result)
    }

    /// Saves a changed key set with its events, then lets everybody see it.
    fn commit(&self, writer: &mut Writer, set: KeySet, kinds: &[(EventKind, KeyId)]) -> Result<(), KmsError> {
        let now = self.clock.now();
        let set = Arc::new(set);
        let known = writer.events.len();
        for &(kind, id) in kinds {
            let event = Event::after(writer.events.last(), now, kind, id);
            writer.events.push(event);
        }
        if writer.backend.persistent() {
            let mut sets: BTreeMap<_, _> = self.read(Clone::clone);
            sets.insert(set.set, Arc::clone(&set));
            let snapshot = Snapshot {
                counter: writer.counter + 1,
                sets: sets.into_values().collect(),
                events: std::mem::take(&mut writer.events),
            };
            let saved = writer.backend.save(&snapshot);
            writer.events = snapshot.events;
            if let Err(error) = saved {
                writer.events.truncate(known);
                return Err(error.into());
            }
        }
        writer.counter += 1;
        if writer.events.len() > MAX_EVENTS {
            // A tenth at once, so that the log is not moved for every event.
            writer.events.drain(..MAX_EVENTS / 10);
        }
        self.sets.write().unwrap_or_else(PoisonError::into_inner).insert(set.set, set);
        Ok(())
    }
}

fn push_version(set: &mut KeySet, seed: &Seed, keep: bool, now: u64) -> Result<KeyId, KmsError> {
    let newest = set.newest();
    if set.versions.len() >= MAX_VERSIONS {
        return Err(KmsError::TooManyVersions { id: newest, limit: MAX_VERSIONS });
    }
    let spec = KeySpec {
        tenant: set.tenant,
        purpose: set.purpose,
        exportable: set.exportable,
        validity: Validity::default(),
    };
    set.versions.push(Version::new(&spec, seed, keep, now));
    Ok(set.newest())
}

fn promote(set: &mut KeySet, id: &KeyId) -> Result<Vec<(EventKind, KeyId)>, KmsError> {
    let version = set.version(id)?;
    if version.state != KeyState::Enabled {
        return Err(KmsError::State { id: *id, state: version.state, action: "be promoted" });
    }
    if version.signing.is_none() {
        return Err(KmsError::NoSecret { id: *id });
    }
    let mut events = vec![(EventKind::Promoted, *id)];
    let before = set.id(set.primary);
    let old = set.version_mut(&before)?;
    if before != *id && old.state == KeyState::Enabled {
        old.state = KeyState::VerifyOnly;
        events.push((EventKind::StateChanged(KeyState::VerifyOnly), before));
    }
    set.primary = id.version();
    Ok(events)
}
