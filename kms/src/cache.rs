//! A bounded cache of decoded public keys, for callers that get keys as bytes with every message.
//!
//! What is looked up is the whole encoding and what is kept follows from it alone, so nobody can make the cache answer
//! with another key or another verdict. A flood of new keys can only cost the time of decoding again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::error::PublicKeyError;
use crate::probe::{CurveBackend, curve_backend};
use crate::public_key::PublicKey;

/// How much a [`KeyCache`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// The most keys kept. Unit: keys.
    pub keys: usize,
    /// The most tables of multiples kept at once, [`PublicKey::TABLE_BYTES`] bytes each. Unit: tables.
    pub tables: usize,
    /// From which use of a key on a table is built for it, while there is room. Unit: uses.
    pub table_after: u32,
}

impl CacheLimits {
    /// Gives the limits that suit a curve backend: tables only where an addition chain beats the backend's own way.
    ///
    /// With AVX-512 IFMA the backend's doublings are so cheap that a table saves nothing; elsewhere it does.
    #[must_use]
    pub fn for_backend(backend: CurveBackend) -> Self {
        let tables = if backend == CurveBackend::Avx512Ifma { 0 } else { 64 };
        Self { keys: 1024, tables, table_after: 32 }
    }

    /// Gives the most memory that a cache with these limits takes, without the shared base table. Unit: bytes.
    ///
    /// # Edge cases
    /// An estimate from above: the ordered map's nodes are counted as twice what their content takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let per_key = size_of::<Slot>() + size_of::<Entry>() + 2 * size_of::<([u8; 32], usize)>() + 64;
        self.keys * per_key + self.tables * PublicKey::TABLE_BYTES
    }
}

impl Default for CacheLimits {
    /// Takes the limits for the backend that this process runs on.
    fn default() -> Self {
        Self::for_backend(curve_backend())
    }
}

/// Decoded public keys by their encoding, shared between threads by reference.
///
/// # Examples
/// ```
/// use kms::{KeyCache, Rule, SigningKey, Strict};
///
/// let key = SigningKey::generate()?;
/// let (bytes, signature) = (key.public_key().to_bytes(), key.sign(b"hello"));
/// let cache = KeyCache::default();
/// assert!(cache.with(&bytes, |key| Strict::verify(key, b"hello", &signature))?.is_ok());
/// # Ok::<(), kms::KmsError>(())
/// ```
#[derive(Debug)]
pub struct KeyCache {
    limits: CacheLimits,
    state: RwLock<State>,
    tables: Arc<AtomicU32>,
}

#[derive(Debug, Default)]
struct State {
    index: BTreeMap<[u8; 32], usize>,
    slots: Vec<Slot>,
    hand: usize,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    /// Set by every hit, cleared by the sweep: a key that was used since the last round is kept for another.
    used: AtomicBool,
}

#[derive(Debug)]
struct Entry {
    plain: PublicKey,
    uses: AtomicU32,
    tabled: OnceLock<(PublicKey, TablePlace)>,
}

/// One of the places for tables. It is free again when the table is gone, whoever held it last.
#[derive(Debug)]
struct TablePlace(Arc<AtomicU32>);

impl Drop for TablePlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for KeyCache {
    fn default() -> Self {
        Self::new(CacheLimits::default())
    }
}

impl KeyCache {
    /// Makes an empty cache.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        Self { limits, state: RwLock::default(), tables: Arc::default() }
    }

    /// Gives the limits.
    #[must_use]
    pub fn limits(&self) -> &CacheLimits {
        &self.limits
    }

    /// Gives the number of keys kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.read().unwrap_or_else(PoisonError::into_inner).slots.len()
    }

    /// Tells whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the number of tables kept now.
    #[must_use]
    pub fn tables(&self) -> u32 {
        self.tables.load(Ordering::Relaxed)
    }

    /// Calls `use_key` with the decoded key. No lock is held meanwhile, and a hit allocates nothing.
    ///
    /// # Errors
    /// [`PublicKeyError::NotAPoint`] when the bytes are no key; such bytes are not kept.
    pub fn with<T>(
        &self,
        bytes: &[u8; 32],
        use_key: impl FnOnce(&PublicKey) -> T,
    ) -> Result<T, PublicKeyError> {
        let entry = match self.find(bytes) {
            Some(entry) => entry,
            None => self.insert(PublicKey::from_bytes(bytes)?),
        };
        let uses = entry.uses.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if uses == self.limits.table_after.max(1) {
            // Exactly one thread sees this count: nobody builds the same table twice.
            if let Some(place) = self.reserve_table() {
                entry.tabled.get_or_init(|| (entry.plain.clone().with_table(), place));
            }
        }
        Ok(use_key(entry.tabled.get().map_or(&entry.plain, |(key, _)| key)))
    }

    fn find(&self, bytes: &[u8; 32]) -> Option<Arc<Entry>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let slot = state.slots.get(*state.index.get(bytes)?)?;
        slot.used.store(true, Ordering::Relaxed);
        Some(Arc::clone(&slot.entry))
    }

    fn insert(&self, key: PublicKey) -> Arc<Entry> {
        let bytes = key.to_bytes();
        let entry = Arc::new(Entry { plain: key, uses: AtomicU32::new(0), tabled: OnceLock::new() });
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if self.limits.keys == 0 {
            return entry;
        }
        // Another thread may have been faster between the two locks; its entry has the same content.
        if let Some(slot) = state.index.get(&bytes).and_then(|&index| state.slots.get(index)) {
            return Arc::clone(&slot.entry);
        }
        let slot = Slot { entry: Arc::clone(&entry), used: AtomicBool::new(false) };
        if state.slots.len() < self.limits.keys {
            let index = state.slots.len();
            state.slots.push(slot);
            state.index.insert(bytes, index);
        } else {
            let index = state.sweep();
            let old = std::mem::replace(&mut state.slots[index], slot);
            state.index.remove(old.entry.plain.as_bytes());
            state.index.insert(bytes, index);
        }
        entry
    }

    /// Takes one of the places for a table, if one is free.
    fn reserve_table(&self) -> Option<TablePlace> {
        let limit = u32::try_from(self.limits.tables).unwrap_or(u32::MAX);
        let more = |count: u32| (count < limit).then_some(count + 1);
        let taken = self.tables.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        taken.then(|| TablePlace(Arc::clone(&self.tables)))
    }
}

impl State {
    /// Finds the slot to give up: the first one, from where the last sweep ended, that was not used since.
    fn sweep(&mut self) -> usize {
        loop {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            if !std::mem::take(self.slots[index].used.get_mut()) {
                return index;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Rule as _, Strict};
    use crate::signing_key::{Seed, SigningKey};

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&Seed::from_bytes(&[byte; 32]))
    }

    /// Looks a key up `times` times and verifies with it each time; tells whether it ended up with a table.
    fn check(cache: &KeyCache, byte: u8, times: u32) -> bool {
        let key = key(byte);
        let signature = key.sign(&[byte]);
        let bytes = key.public_key().to_bytes();
        let mut tabled = false;
        for _ in 0..times {
            let seen = cache.with(&bytes, |key| {
                assert_eq!(key.as_bytes(), &bytes);
                assert!(Strict::verify(key, &[byte], &signature).is_ok());
                assert!(Strict::verify(key, b"another", &signature).is_err());
                key.has_table()
            });
            tabled = seen.unwrap();
        }
        tabled
    }

    #[test]
    fn it_keeps_no_more_than_its_limits() {
        let cache = KeyCache::new(CacheLimits { keys: 4, tables: 2, table_after: 3 });
        for byte in 0..40 {
            check(&cache, byte, 5);
            assert!(cache.len() <= 4 && cache.tables() <= 2);
            let state = cache.state.read().unwrap();
            assert_eq!(state.index.len(), state.slots.len());
        }
        assert_eq!(cache.len(), 4);
    }

    #[test]
    fn a_table_comes_with_use_and_its_place_returns_with_the_key() {
        let cache = KeyCache::new(CacheLimits { keys: 1, tables: 1, table_after: 3 });
        assert!(!check(&cache, 1, 2));
        assert!(check(&cache, 1, 1));
        assert_eq!(cache.tables(), 1);
        assert!(!check(&cache, 2, 1));
        assert_eq!(cache.tables(), 0);
        assert!(check(&cache, 2, 2));
    }

    #[test]
    fn a_used_key_survives_a_sweep() {
        let cache = KeyCache::new(CacheLimits { keys: 3, tables: 0, table_after: 1 });
        for byte in 0..3 {
            check(&cache, byte, 1);
        }
        check(&cache, 1, 1);
        for byte in 3..5 {
            check(&cache, byte, 1);
        }
        assert!(cache.find(key(1).public_key().as_bytes()).is_some());
        assert!(cache.find(key(0).public_key().as_bytes()).is_none());
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_kept() {
        let cache = KeyCache::default();
        let mut bytes = [0; 32];
        bytes[0] = 2;
        assert_eq!(cache.with(&bytes, |_| ()), Err(PublicKeyError::NotAPoint));
        assert!(cache.is_empty());
        let none = KeyCache::new(CacheLimits { keys: 0, tables: 0, table_after: 1 });
        check(&none, 1, 3);
        assert!(none.is_empty());
    }
}
