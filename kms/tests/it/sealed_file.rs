//! The sealed file: what it keeps, and that every damage to it has its own clear error.

use std::fs;
use std::path::{Path, PathBuf};

use kms::clock::SetClock;
use kms::keystore::BackendError;
use kms::sealed::{KdfCost, SealedFile};
use kms::{KeyId, KeySpec, KeyState, Keystore, KmsError, Label};
use tempfile::TempDir;

/// As cheap as the key derivation gets: these tests are about files.
const CHEAP: KdfCost = KdfCost { memory: 8, passes: 1, lanes: 1 };
const PASSPHRASE: &[u8] = b"correct horse battery staple";

fn file(path: &Path) -> SealedFile {
    SealedFile::new(path, PASSPHRASE).cost(CHEAP)
}

fn open(file: SealedFile) -> Result<Keystore, KmsError> {
    Keystore::open(Box::new(file), SetClock::default())
}

/// Gives the backend's error of an attempt to open.
fn refused(file: SealedFile) -> BackendError {
    match open(file) {
        Err(KmsError::Backend(error)) => error,
        other => panic!("expected an error of the backend, got {other:?}"),
    }
}

/// Makes a folder with a keystore of one key with two versions.
fn keystore() -> (TempDir, PathBuf, KeyId) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let keystore = open(file(&path)).unwrap();
    let label = Label::new("sealed").unwrap();
    let id = keystore.create(KeySpec::new(label, label)).unwrap();
    keystore.rotate(&id).unwrap();
    (folder, path, id)
}

#[test]
fn keys_states_and_events_are_there_after_opening_again() {
    let (_folder, path, id) = keystore();
    let first = open(file(&path)).unwrap();
    let (listed, events, counter) = (first.list(), first.events(), first.counter());
    let signature = first.sign(&id.with_version(2), b"m").unwrap();
    assert!(first.sign(&id, b"m").is_err(), "version 1 was rotated out");
    drop(first);
    let again = open(file(&path)).unwrap();
    assert_eq!((again.list(), again.events(), again.counter()), (listed, events, counter));
    assert_eq!(again.sign(&id.with_version(2), b"m").unwrap(), signature);
    again.set_state(&id.with_version(2), KeyState::Destroyed).unwrap();
    drop(again);
    assert!(open(file(&path)).unwrap().sign(&id.with_version(2), b"m").is_err());
}

#[test]
fn no_secret_is_readable_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let keystore = open(file(&path)).unwrap();
    let label = Label::new("visible-label").unwrap();
    let id = keystore.create(KeySpec::new(label, label).exportable()).unwrap();
    let seed = keystore.export_seed(&id).unwrap();
    let bytes = fs::read(&path).unwrap();
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(b"KMSSEAL\n"));
    assert!(!holds(seed.expose()) && !holds(&seed.expose()[..8]) && !holds(b"visible-label"));
    assert!(!holds(keystore.public_key(&id).unwrap().as_bytes()));
}

#[test]
fn a_wrong_passphrase_says_so() {
    let (_folder, path, _) = keystore();
    for wrong in [&b""[..], b"correct horse battery stapl", b"correct horse battery staple "] {
        let error = refused(SealedFile::new(&path, wrong));
        assert!(matches!(error, BackendError::WrongPassphrase { .. }), "{error}");
    }
}

#[test]
fn every_prefix_and_every_longer_file_is_refused_by_its_length() {
    let (_folder, path, _) = keystore();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = refused(file(&path));
        assert!(matches!(error, BackendError::Length { .. }), "{length}: {error}");
    }
    fs::write(&path, [&whole[..], b"\0"].concat()).unwrap();
    assert!(matches!(refused(file(&path)), BackendError::Length { .. }));
}

#[test]
fn every_changed_byte_is_refused_with_an_error_that_fits_its_place() {
    let (_folder, path, _) = keystore();
    let whole = fs::read(&path).unwrap();
    for index in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut changed = whole.clone();
            changed[index] ^= bit;
            fs::write(&path, &changed).unwrap();
            let error = refused(file(&path));
            let fits = match index {
                0..8 => matches!(error, BackendError::NotSealed { .. }),
                8..10 => matches!(error, BackendError::NewerFormat { .. }),
                10..102 => matches!(error, BackendError::Damaged { .. }),
                _ => matches!(error, BackendError::Tampered { .. }),
            };
            assert!(fits, "byte {index}: {error}");
            assert!(error.hint().is_some());
        }
    }
    fs::write(&path, &whole).unwrap();
    open(file(&path)).unwrap();
}

/// Changes header bytes and makes the checksum fit again, as an attacker would.
fn forge(whole: &[u8], from: usize, bytes: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut forged = whole.to_vec();
    forged[from..from + bytes.len()].copy_from_slice(bytes);
    let checksum = Sha256::digest(&forged[..94]);
    forged[94..102].copy_from_slice(&checksum[..8]);
    forged
}

#[test]
fn a_forged_header_does_not_open() {
    let (_folder, path, _) = keystore();
    let whole = fs::read(&path).unwrap();
    let forged = |from: usize, bytes: &[u8]| {
        fs::write(&path, forge(&whole, from, bytes)).unwrap();
        refused(file(&path))
    };
    assert!(matches!(forged(38, &99_u64.to_le_bytes()), BackendError::Tampered { .. }), "counter");
    assert!(matches!(forged(46, &[0; 24]), BackendError::Tampered { .. }), "nonce");
    assert!(matches!(forged(22, &[0; 16]), BackendError::WrongPassphrase { .. }), "salt");
    assert!(matches!(forged(70, &[0; 16]), BackendError::WrongPassphrase { .. }), "check");
    // Neither all memory nor hours are spent on what a forged file asks for.
    assert!(matches!(forged(10, &u32::MAX.to_le_bytes()), BackendError::Parameters { .. }));
    assert!(matches!(forged(14, &u32::MAX.to_le_bytes()), BackendError::Parameters { .. }));
    assert!(matches!(forged(18, &0_u32.to_le_bytes()), BackendError::Parameters { .. }));
}

#[test]
fn an_older_copy_is_refused_where_the_counter_is_remembered() {
    let (folder, path, id) = keystore();
    let older = fs::read(&path).unwrap();
    let memory = folder.path().join("counter");
    let keystore = open(file(&path).counter_file(&memory)).unwrap();
    keystore.rotate(&id).unwrap();
    let counter = keystore.counter();
    drop(keystore);
    assert_eq!(fs::read_to_string(&memory).unwrap(), format!("{counter}\n"));
    open(file(&path).counter_file(&memory).least_counter(counter)).unwrap();

    fs::write(&path, &older).unwrap();
    let error = refused(file(&path).counter_file(&memory));
    assert!(matches!(error, BackendError::RolledBack { found, least, .. } if found < least), "{error}");
    assert!(matches!(refused(file(&path).least_counter(counter)), BackendError::RolledBack { .. }));
    open(file(&path)).expect("where nothing remembers, an older copy is not noticed");
    fs::remove_file(&path).unwrap();
    assert!(matches!(refused(file(&path).counter_file(&memory)), BackendError::RolledBack { found: 0, .. }));
    fs::write(&memory, "many").unwrap();
    assert!(matches!(refused(file(&path).counter_file(&memory)), BackendError::Content { .. }));
}

#[test]
fn one_keystore_at_a_time() {
    let (_folder, path, _) = keystore();
    let first = open(file(&path)).unwrap();
    assert!(matches!(refused(file(&path)), BackendError::Busy { .. }));
    drop(first);
    open(file(&path)).unwrap();
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path, _) = keystore();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = refused(file(&path));
    assert!(matches!(error, BackendError::Permissions { mode: 0o640, .. }), "{error}");
}

#[test]
fn a_change_that_cannot_be_written_does_not_happen() {
    let (folder, path, id) = keystore();
    let keystore = open(file(&path)).unwrap();
    let before = keystore.list();
    // A folder in the way of the new file makes writing fail, also for a privileged user.
    fs::create_dir(folder.path().join("keys.new")).unwrap();
    let error = keystore.rotate(&id).unwrap_err();
    assert!(matches!(error, KmsError::Backend(BackendError::Io { .. })), "{error}");
    assert_eq!(keystore.list(), before);
    fs::remove_dir(folder.path().join("keys.new")).unwrap();
    keystore.rotate(&id).unwrap();
    drop(keystore);
    assert_eq!(open(file(&path)).unwrap().list().len(), 3);
}
