//! The keystore against a model that is too simple to be wrong, under threads, and with a backend that fails.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use kms::clock::SetClock;
use kms::keystore::{Backend, BackendError, Event, EventKind, Snapshot, verify_chain};
use kms::{KeyId, KeySpec, KeyState, Keystore, KmsError, Label, PublicKey, Seed, Validity};

use crate::random::Random;

fn spec() -> KeySpec {
    KeySpec::new(Label::new("tenant").unwrap(), Label::new("purpose").unwrap())
}

/// Saves into memory, and fails when told to.
#[derive(Debug, Default, Clone)]
struct Tape {
    saved: Arc<Mutex<Vec<u8>>>,
    failing: Arc<AtomicBool>,
}

impl Backend for Tape {
    fn persistent(&self) -> bool {
        true
    }

    fn load(&mut self) -> Result<Option<Snapshot>, BackendError> {
        let saved = self.saved.lock().unwrap();
        if saved.is_empty() { Ok(None) } else { Snapshot::decode(&saved).map(Some) }
    }

    fn save(&mut self, snapshot: &Snapshot) -> Result<(), BackendError> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(BackendError::Entropy { reason: "told to fail".to_owned() });
        }
        let bytes = snapshot.encode();
        assert!(
            bytes.capacity() - bytes.len() < bytes.len(),
            "the size is known before the secrets are written"
        );
        *self.saved.lock().unwrap() = bytes.to_vec();
        Ok(())
    }
}

fn open(tape: &Tape) -> Keystore {
    Keystore::open(Box::new(tape.clone()), SetClock::default()).unwrap()
}

/// What the model knows of a version.
#[derive(Clone, Copy)]
struct Model {
    state: KeyState,
    primary: bool,
}

/// Compares what every version may do with what the model says.
fn compare(keystore: &Keystore, model: &BTreeMap<KeyId, Model>) {
    let listed: Vec<KeyId> = keystore.list().iter().map(|info| info.id).collect();
    assert_eq!(listed.len(), model.len());
    for (id, expected) in model {
        let info = keystore.info(id).unwrap();
        assert_eq!((info.state, info.primary), (expected.state, expected.primary), "{id}");
        assert_eq!(info.has_secret, expected.state != KeyState::Destroyed, "{id}");
        let signed = keystore.sign(id, b"m");
        assert_eq!(signed.is_ok(), expected.state == KeyState::Enabled, "{id}");
        if let Ok(signature) = signed {
            keystore.verify(id, b"m", &signature).unwrap();
            assert_eq!(keystore.verify_any(id, b"m", &signature).unwrap(), *id);
        }
        let may_verify = keystore.verifying_key(id).is_ok();
        assert_eq!(may_verify, matches!(expected.state, KeyState::Enabled | KeyState::VerifyOnly));
    }
}

/// Does one random change to both; the keystore must accept it exactly when the model does.
fn step(keystore: &Keystore, model: &mut BTreeMap<KeyId, Model>, random: &mut Random) {
    let ids: Vec<KeyId> = model.keys().copied().collect();
    let action = if ids.is_empty() { 0 } else { random.below(8) };
    if action == 0 {
        if ids.len() < 12 {
            let id = keystore.create(spec()).unwrap();
            model.insert(id, Model { state: KeyState::Enabled, primary: true });
        }
        return;
    }
    let id = ids[random.below(ids.len())];
    let before = model[&id].state;
    match action {
        1 if ids.len() < 40 => {
            let added = keystore.add_version(&id).unwrap();
            model.insert(added, Model { state: KeyState::Enabled, primary: false });
        }
        2 if ids.len() < 40 => {
            let added = keystore.rotate(&id).unwrap();
            model.insert(added, Model { state: KeyState::Enabled, primary: false });
            promote(model, &added);
        }
        3 | 4 => {
            let done = keystore.promote(&id).is_ok();
            assert_eq!(done, before == KeyState::Enabled);
            if done {
                promote(model, &id);
            }
        }
        _ => {
            let states = [
                KeyState::Enabled,
                KeyState::Enabled,
                KeyState::VerifyOnly,
                KeyState::Disabled,
                KeyState::Destroyed,
            ];
            let state = states[random.below(states.len())];
            let done = keystore.set_state(&id, state).is_ok();
            assert_eq!(done, before != KeyState::Destroyed);
            if done {
                model.get_mut(&id).unwrap().state = state;
            }
        }
    }
}

fn promote(model: &mut BTreeMap<KeyId, Model>, id: &KeyId) {
    for (other, entry) in model.iter_mut().filter(|(other, _)| other.set() == id.set()) {
        if entry.primary && other != id && entry.state == KeyState::Enabled {
            entry.state = KeyState::VerifyOnly;
        }
        entry.primary = other == id;
    }
}

#[test]
fn random_changes_lead_where_the_model_says_also_after_opening_again() {
    for start in 0..12 {
        let (tape, mut random) = (Tape::default(), Random::new(start));
        let mut keystore = open(&tape);
        let mut model = BTreeMap::new();
        for number in 0..60 {
            let (before, listed) = (keystore.events(), keystore.list());
            if random.below(6) == 0 {
                tape.failing.store(true, Ordering::Relaxed);
                assert!(matches!(keystore.create(spec()), Err(KmsError::Backend(_))));
                tape.failing.store(false, Ordering::Relaxed);
                assert_eq!((keystore.events(), keystore.list()), (before, listed));
            }
            step(&keystore, &mut model, &mut random);
            if number % 20 == 19 {
                keystore = open(&tape);
            }
        }
        compare(&keystore, &model);
        assert_eq!(verify_chain(&keystore.events()), Ok(()));
        let opened = open(&tape);
        assert_eq!(opened.counter(), keystore.counter());
        assert_eq!((opened.list(), opened.events()), (keystore.list(), keystore.events()));
    }
}

#[test]
fn rotation_does_not_stop_signing() {
    let keystore = Keystore::new();
    let id = keystore.create(spec()).unwrap();
    let done = AtomicBool::new(false);
    let signed = std::thread::scope(|scope| {
        let signers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut versions = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        let (version, signature) = keystore.sign_with_primary(&id, b"m").unwrap();
                        keystore.verify(&version, b"m", &signature).unwrap();
                        versions.push(version.version());
                    }
                    versions
                })
            })
            .collect();
        for _ in 0..200 {
            keystore.rotate(&id).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        signers.into_iter().map(|signer| signer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(signed.iter().all(|versions| versions.is_sorted()), "a thread never sees an older primary again");
    assert_eq!(keystore.list().len(), 201);
    assert_eq!(keystore.sign_with_primary(&id, b"m").unwrap().0.version(), 201);
}

#[test]
fn a_window_binds_signing_and_not_verifying() {
    let clock = Arc::new(SetClock::default());
    let keystore = Keystore::with_clock(Arc::clone(&clock));
    let window = Validity { not_before: Some(10), not_after: Some(20) };
    let id = keystore.create(spec().valid(window)).unwrap();
    let check = |now: u64, may: bool| {
        clock.set(now);
        let signed = keystore.sign(&id, b"m");
        assert_eq!(signed.is_ok(), may, "at {now}");
        signed.ok()
    };
    check(9, false);
    check(10, true);
    let signature = check(20, true).unwrap();
    check(21, false);
    keystore.verify(&id, b"m", &signature).unwrap();
    assert!(matches!(keystore.sign(&id, b"m"), Err(KmsError::OutsideValidity { now: 21, .. })));
    keystore.set_validity(&id, Validity::default()).unwrap();
    keystore.sign(&id, b"m").unwrap();
}

#[test]
fn secrets_leave_only_where_it_was_allowed_at_creation() {
    for keystore in [Keystore::new(), open(&Tape::default())] {
        let seed = Seed::from_bytes(&[7; 32]);
        let kept = keystore.import_seed(spec(), &seed).unwrap();
        assert!(matches!(keystore.export_seed(&kept), Err(KmsError::NotExportable { .. })));
        let open = keystore.import_seed(spec().exportable(), &seed).unwrap();
        assert_eq!(keystore.export_seed(&open).unwrap().expose(), seed.expose());
        assert_eq!(keystore.events().last().unwrap().kind, EventKind::SecretExported);
        keystore.set_state(&open, KeyState::Destroyed).unwrap();
        assert!(matches!(keystore.export_seed(&open), Err(KmsError::NoSecret { .. })));
    }
}

#[test]
fn a_public_key_verifies_only_and_must_be_an_honest_one() {
    let keystore = Keystore::new();
    let signer = kms::SigningKey::generate().unwrap();
    let id = keystore.import_public(spec(), signer.public_key().clone()).unwrap();
    keystore.verify(&id, b"m", &signer.sign(b"m")).unwrap();
    assert!(keystore.sign(&id, b"m").is_err());
    assert!(matches!(keystore.set_state(&id, KeyState::Enabled), Err(KmsError::NoSecret { .. })));
    let mut identity = [0; 32];
    identity[0] = 1;
    let torsion = curve25519_dalek::constants::EIGHT_TORSION[1];
    let mixed = curve25519_dalek::edwards::CompressedEdwardsY(*signer.public_key().as_bytes());
    let mixed = (mixed.decompress().unwrap() + torsion).compress().to_bytes();
    // y = p + 3 is on the curve and its canonical encoding is y = 3.
    let mut large = [0xff; 32];
    (large[0], large[31]) = (0xf0, 0x7f);
    for bytes in [identity, mixed, large] {
        let key = PublicKey::from_bytes(&bytes).unwrap();
        assert!(matches!(keystore.import_public(spec(), key), Err(KmsError::WeakKey { .. })), "{bytes:?}");
    }
}

#[test]
fn a_key_is_found_under_its_own_labels_only() {
    let keystore = Keystore::new();
    let id = keystore.create(spec()).unwrap();
    let other = Label::new("other").unwrap();
    for wrong in [
        KeyId::new(other, *id.purpose(), *id.set(), 1),
        KeyId::new(*id.tenant(), other, *id.set(), 1),
        id.with_version(2),
        id.with_version(u32::MAX),
    ] {
        assert!(matches!(keystore.sign(&wrong, b"m"), Err(KmsError::KeyNotFound { .. })), "{wrong}");
        assert!(keystore.set_state(&wrong, KeyState::Destroyed).is_err());
    }
    keystore.sign(&id, b"m").unwrap();
}

#[test]
fn a_changed_event_breaks_the_chain() {
    let keystore = Keystore::new();
    let id = keystore.create(spec()).unwrap();
    for _ in 0..4 {
        keystore.rotate(&id).unwrap();
    }
    let events = keystore.events();
    let broken = |change: &dyn Fn(&mut Vec<Event>)| {
        let mut events = events.clone();
        change(&mut events);
        verify_chain(&events).is_err()
    };
    assert!(!broken(&|_| {}));
    assert!(broken(&|events| events[3].at += 1));
    assert!(broken(&|events| events[3].kind = EventKind::Promoted));
    assert!(broken(&|events| events[3].id = events[3].id.with_version(9)));
    assert!(broken(&|events| events.retain(|event| event.number != 4)));
    assert!(broken(&|events| events[0].previous[0] = 1));
    assert!(broken(&|events| events[0].number = 0));
    assert!(!broken(&|events| events.retain(|event| event.number != 1)), "a log may begin later");
    assert!(broken(&|events| events.swap(2, 3)));
}

#[test]
fn any_change_of_the_saved_bytes_is_an_error_or_other_content() {
    let tape = Tape::default();
    let keystore = open(&tape);
    let id = keystore.create(spec()).unwrap();
    keystore.rotate(&id).unwrap();
    let bytes = tape.saved.lock().unwrap().clone();
    assert_eq!(*Snapshot::decode(&bytes).unwrap().encode(), bytes, "one content has one encoding");
    for length in 0..bytes.len() {
        assert!(Snapshot::decode(&bytes[..length]).is_err(), "cut to {length}");
    }
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 0x41;
        if let Ok(snapshot) = Snapshot::decode(&changed) {
            assert_eq!(*snapshot.encode(), changed, "byte {index}");
        }
    }
}

#[test]
fn a_version_zero_in_the_saved_log_is_refused() {
    let tape = Tape::default();
    open(&tape).create(spec()).unwrap();
    let mut bytes = tape.saved.lock().unwrap().clone();
    // The last event ends with its version and the hash before it.
    let at = bytes.len() - 32 - 4;
    assert_eq!(bytes[at..at + 4], [1, 0, 0, 0]);
    bytes[at] = 0;
    assert!(Snapshot::decode(&bytes).is_err());
}

#[test]
fn numbers_that_cannot_be_counted_on_from_are_refused() {
    let tape = Tape::default();
    let keystore = open(&tape);
    keystore.create(spec()).unwrap();
    let mut bytes = tape.saved.lock().unwrap().clone();
    bytes[1..9].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(Snapshot::decode(&bytes).is_err(), "the counter");

    let mut events = keystore.events();
    events[0].number = u64::MAX;
    let mut next = events[0];
    (next.number, next.previous) = (0, events[0].hash());
    events = vec![events[0], next];
    assert_eq!(verify_chain(&events).unwrap_err().number, 0);
}

#[test]
fn a_long_log_gives_up_its_oldest_events() {
    use kms::keystore::MAX_EVENTS;
    let keystore = Keystore::with_clock(SetClock::default());
    let id = keystore.create(spec()).unwrap();
    for _ in 0..MAX_EVENTS {
        keystore.set_validity(&id, Validity::default()).unwrap();
    }
    let events = keystore.events();
    assert!((MAX_EVENTS / 2..=MAX_EVENTS).contains(&events.len()));
    assert!(events[0].number > 1);
    assert_eq!(verify_chain(&events), Ok(()));
    assert_eq!(events.last().unwrap().number, MAX_EVENTS as u64 + 1);
}

#[test]
fn many_by_identity_is_the_map_of_one_by_identity() {
    use kms::keystore::SignedBy;
    let keystore = Keystore::new();
    let ids: Vec<KeyId> = (0..5).map(|_| keystore.create(spec()).unwrap()).collect();
    let signatures: Vec<_> = ids.iter().map(|id| keystore.sign(id, b"m").unwrap()).collect();
    keystore.set_state(&ids[1], KeyState::Disabled).unwrap();
    keystore.set_state(&ids[2], KeyState::VerifyOnly).unwrap();
    let unknown = ids[3].with_version(7);
    let signed: Vec<SignedBy<'_>> = (0..40)
        .map(|number| SignedBy {
            id: if number % 11 == 3 { &unknown } else { &ids[number % 5] },
            message: if number % 7 == 0 { b"another" } else { b"m" },
            signature: &signatures[number % 5],
        })
        .collect();
    let text = |result: Result<(), KmsError>| format!("{result:?}");
    let check = |many: Vec<Result<(), KmsError>>, one: &dyn Fn(&SignedBy<'_>) -> Result<(), KmsError>| {
        let many: Vec<String> = many.into_iter().map(text).collect();
        let single: Vec<String> = signed.iter().map(|signed| text(one(signed))).collect();
        assert_eq!(many, single);
        assert!(
            ["Ok(())", "State", "KeyNotFound", "Mismatch"]
                .iter()
                .all(|part| { many.iter().any(|result| result.contains(part)) })
        );
    };
    check(keystore.verify_many_under::<kms::Strict>(&signed), &|signed| {
        keystore.verify(signed.id, signed.message, signed.signature)
    });
    check(keystore.verify_many_under::<kms::Zip215>(&signed), &|signed| {
        keystore.verify_under::<kms::Zip215>(signed.id, signed.message, signed.signature)
    });
}
