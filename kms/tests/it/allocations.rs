//! What signing and verifying take from the heap, counted by a counting allocator per thread.

use allocation_counter::measure;
use kms::{
    CacheLimits, Item, KeyCache, KeySpec, Keystore, Label, Rejected, Rule, Seed, Signature, SigningKey,
    Strict, Zip215,
};

/// Counts the allocations of an operation, after one warming call that may fill tables made once per process.
fn allocations(mut operation: impl FnMut()) -> u64 {
    operation();
    measure(&mut operation).count_total
}

#[test]
fn signing_allocates_nothing() {
    let key = SigningKey::from_seed(&Seed::from_bytes(&[1; 32]));
    let messages = [&b"message"[..]; 45];
    let mut places = [Signature::from_bytes(&[0; 64]); 45];
    assert_eq!(allocations(|| places[0] = key.sign(messages[0])), 0);
    assert_eq!(allocations(|| key.sign_many_into(&messages, &mut places).unwrap()), 0);

    let keystore = Keystore::new();
    let id = keystore.create(KeySpec::new(Label::new("t").unwrap(), Label::new("p").unwrap())).unwrap();
    assert_eq!(allocations(|| places[0] = keystore.sign(&id, messages[0]).unwrap()), 0);
    assert_eq!(allocations(|| keystore.verify(&id, messages[0], &places[0]).unwrap()), 0);
}

#[test]
fn verifying_allocates_nothing_but_for_the_combination() {
    let key = SigningKey::from_seed(&Seed::from_bytes(&[1; 32]));
    let signature = key.sign(b"message");
    let cold = key.public_key().clone();
    let hot = cold.clone().with_table();
    for public in [&cold, &hot] {
        assert_eq!(allocations(|| Strict::verify(public, b"message", &signature).unwrap()), 0);
        assert_eq!(allocations(|| Zip215::verify(public, b"message", &signature).unwrap()), 0);
        let items = vec![Item { key: public, message: b"message", signature: &signature }; 100];
        let mut places = vec![Err(Rejected::NotVerified); 100];
        assert_eq!(allocations(|| Strict::verify_many_into(&items, &mut places).unwrap()), 0);
        assert!(places.iter().all(Result::is_ok));
        // The multiscalar multiplication of curve25519-dalek allocates; the own part takes six buffers per call.
        let count = allocations(|| Zip215::verify_many_into(&items, &mut places).unwrap());
        assert!((1..=40).contains(&count), "{count}");
        assert!(places.iter().all(Result::is_ok));
    }
}

#[test]
fn a_hit_in_the_cache_allocates_nothing() {
    let key = SigningKey::from_seed(&Seed::from_bytes(&[1; 32]));
    let (bytes, signature) = (key.public_key().to_bytes(), key.sign(b"message"));
    let cache = KeyCache::new(CacheLimits { keys: 8, tables: 1, table_after: 1 });
    let verify = || cache.with(&bytes, |key| Strict::verify(key, b"message", &signature)).unwrap().unwrap();
    assert_eq!(allocations(verify), 0);
    assert_eq!(cache.tables(), 1);
}

#[test]
fn a_full_cache_stays_within_its_stated_memory() {
    let limits = CacheLimits { keys: 64, tables: 3, table_after: 2 };
    let keys: Vec<[u8; 32]> = (0..200_u8)
        .map(|byte| SigningKey::from_seed(&Seed::from_bytes(&[byte; 32])).public_key().to_bytes())
        .collect();
    let warm = SigningKey::from_seed(&Seed::from_bytes(&[1; 32]));
    let table = warm.public_key().clone().with_table();
    assert!(Strict::verify(&table, b"m", &warm.sign(b"m")).is_ok());
    let mut cache = None;
    let taken = measure(|| {
        let filled = cache.insert(KeyCache::new(limits));
        for key in keys.iter().chain(&keys).flat_map(|key| [key; 3]) {
            filled.with(key, |_| ()).unwrap();
        }
    });
    let cache = cache.unwrap();
    assert_eq!((cache.len(), cache.tables() <= 3), (64, true));
    let bound = i64::try_from(limits.memory()).unwrap();
    assert!((bound / 2..=bound).contains(&taken.bytes_current), "{} of {bound} bytes", taken.bytes_current);
}
