//! Secrets are gone from the process's memory once their owner is: the memory is read back and searched.
//!
//! Linux only, through `/proc/self`. What is searched for is kept inverted, so that the search cannot find itself.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use kms::{KeySpec, KeyState, Keystore, Label, Seed, SigningKey};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroize as _;

/// A secret, every bit inverted.
struct Inverted([u8; 32]);

impl Inverted {
    fn of(secret: &[u8]) -> Self {
        let mut inverted = [0; 32];
        for (place, byte) in inverted.iter_mut().zip(secret) {
            *place = !byte;
        }
        Self(inverted)
    }

    fn is_at(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(byte, inverted)| *byte == !inverted)
    }
}

/// Counts the places in the writable memory of this process that hold the secret.
///
/// The buffer that memory is read into is itself such a place; it is overwritten after each piece.
fn copies(secret: &Inverted) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = Vec::new();
    let mut found = 0;
    for line in maps.lines() {
        let mut fields = line.split(' ');
        let (range, mode) = (fields.next().unwrap(), fields.next().unwrap());
        if !mode.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let start = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        buffer.clear();
        memory.seek(SeekFrom::Start(start)).unwrap();
        if memory.by_ref().take(end - start).read_to_end(&mut buffer).is_ok() {
            found += buffer.windows(32).filter(|window| secret.is_at(window)).count();
        }
        buffer.zeroize();
    }
    found
}

/// What follows from a seed and must be as secret: the seed, the scalar's clamped bytes, the prefix.
fn secrets(seed: &Seed) -> [Inverted; 3] {
    let mut hash = [0; 64];
    Sha512::new().chain_update(seed.expose()).finalize_into((&mut hash).into());
    let prefix = Inverted::of(&hash[32..]);
    hash[0] &= 248;
    hash[31] = hash[31] & 63 | 64;
    let clamped = Inverted::of(&hash[..32]);
    hash.zeroize();
    [Inverted::of(seed.expose()), clamped, prefix]
}

#[test]
fn nothing_secret_is_left_after_a_key_is_dropped_or_destroyed() {
    let seed = Seed::generate().unwrap();
    let secrets = secrets(&seed);
    let key = SigningKey::from_seed(&seed);
    let spec = KeySpec::new(Label::new("t").unwrap(), Label::new("p").unwrap()).exportable();
    let keystore = Keystore::new();
    let id = keystore.import_seed(spec, &seed).unwrap();
    assert_eq!(keystore.sign(&id, b"message").unwrap(), key.sign(b"message"));
    // The control: while somebody owns them, the search finds the seed and the prefix.
    assert!(copies(&secrets[0]) >= 2, "the seed is here and in the exportable key");
    assert!(copies(&secrets[2]) >= 2, "the prefix is in both signing keys");

    drop(seed);
    drop(key);
    keystore.rotate(&id).unwrap();
    assert!(copies(&secrets[0]) >= 1);
    keystore.set_state(&id, KeyState::Destroyed).unwrap();
    let left: Vec<usize> = secrets.iter().map(copies).collect();
    assert_eq!(left, [0, 0, 0], "copies of the seed, the clamped scalar and the prefix");
}
