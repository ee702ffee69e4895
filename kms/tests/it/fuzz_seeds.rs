//! The inputs that the fuzz targets start from are good documents of this version: else fuzzing starts from nothing.
//!
//! `cargo test -p kms --test it -- --ignored write_the_fuzz_seeds` writes them again after a change of a format.

use std::fs;
use std::path::PathBuf;

use kms::clock::SetClock;
use kms::dsse::Envelope;
use kms::jwk::{self, Jwks};
use kms::keystore::Snapshot;
use kms::sealed::{KdfCost, SealedFile};
use kms::{KeyId, KeySpec, Keystore, Label, Seed, SigningKey, jws, pkcs8};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds")
}

/// The documents that are the same whenever they are made: target, name, content.
fn documents() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let seed = Seed::from_bytes(&[42; 32]);
    let key = SigningKey::from_seed(&seed);
    let public = key.public_key();
    let mut set = Jwks::new();
    set.insert("kid", public.clone());
    let envelope = Envelope::new("text/plain", b"payload".to_vec()).signed_by(&key, Some("kid"));
    let mut lanes = Vec::new();
    for (number, kind) in (0_u8..).zip([1, 1, 0, 1]) {
        lanes.extend(if kind == 1 { [number; 32] } else { public.to_bytes() });
        // Spoils one bit of the third good signature, and none of the others.
        lanes.extend([[0; 63].as_slice(), &[u8::from(number == 3)], &[kind], b"message"].concat());
    }
    vec![
        ("key_id", "id", b"tenant/purpose/ed25519/000102030405060708090a0b0c0d0e0f#v12".to_vec()),
        ("dsse", "signed", envelope.to_json().unwrap().into_bytes()),
        ("jwk", "set", set.to_json().unwrap().into_bytes()),
        ("jwk", "public", jwk::public_to_json(public, Some("kid")).unwrap().into_bytes()),
        ("jwk", "secret", jwk::seed_to_json(&seed, Some("kid")).unwrap().as_bytes().to_vec()),
        ("jws", "token", jws::sign(&key, "kid", b"payload").into_bytes()),
        ("pkcs8", "secret.der", pkcs8::seed_to_der(&seed).unwrap().to_vec()),
        ("pkcs8", "public.der", pkcs8::public_to_der(public).unwrap()),
        ("pkcs8", "secret.pem", pkcs8::seed_to_pem(&seed).unwrap().as_bytes().to_vec()),
        ("pkcs8", "public.pem", pkcs8::public_to_pem(public).unwrap().into_bytes()),
        ("lanes_agree", "four", lanes),
    ]
}

/// Gives a committed seed.
fn seed(target: &str, name: &str) -> Vec<u8> {
    let path = folder().join(target).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_fuzz_seeds_are_good_documents() {
    for (target, name, content) in documents() {
        assert!(seed(target, name) == content, "{target}/{name} is out of date, see the top of this file");
    }
    // These two hold a random key; that they are read must do.
    let snapshot = seed("snapshot", "two-versions");
    assert_eq!(*Snapshot::decode(&snapshot).unwrap().encode(), snapshot);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, seed("sealed", "whole")).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let file = SealedFile::new(&path, b"passphrase");
    let keystore = Keystore::open(Box::new(file), SetClock::default()).unwrap();
    assert_eq!(keystore.list().len(), 2);
    assert!(keystore.list().iter().all(|info| info.id.to_string().parse::<KeyId>().is_ok()));
}

/// Keeps what a keystore saves.
#[derive(Debug, Clone, Default)]
struct Tape(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl kms::keystore::Backend for Tape {
    fn persistent(&self) -> bool {
        true
    }

    fn load(&mut self) -> Result<Option<Snapshot>, kms::keystore::BackendError> {
        Ok(None)
    }

    fn save(&mut self, snapshot: &Snapshot) -> Result<(), kms::keystore::BackendError> {
        *self.0.lock().unwrap() = snapshot.encode().to_vec();
        Ok(())
    }
}

#[test]
#[ignore = "writes the files of fuzz/seeds: run after a change of a format"]
fn write_the_fuzz_seeds() {
    let write = |target: &str, name: &str, content: &[u8]| {
        fs::create_dir_all(folder().join(target)).unwrap();
        fs::write(folder().join(target).join(name), content).unwrap();
    };
    for (target, name, content) in documents() {
        write(target, name, &content);
    }
    let fill = |keystore: Keystore| {
        let label = Label::new("fuzz").unwrap();
        let id = keystore.create(KeySpec::new(label, label)).unwrap();
        keystore.rotate(&id).unwrap();
    };
    let tape = Tape::default();
    fill(Keystore::open(Box::new(tape.clone()), SetClock::default()).unwrap());
    write("snapshot", "two-versions", &tape.0.lock().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let cost = KdfCost { memory: 8, passes: 1, lanes: 1 };
    let file = SealedFile::new(&path, b"passphrase").cost(cost);
    fill(Keystore::open(Box::new(file), SetClock::default()).unwrap());
    write("sealed", "whole", &fs::read(&path).unwrap());
}
