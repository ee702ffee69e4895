//! What the keystore adds to the raw operation: look-up, state, and rotation in the background.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use criterion::Bencher;
use kms::{KeyId, KeySpec, Keystore, Label, Seed, SigningKey};
use support::{MESSAGE, ROTATION, rotate, run, stream};

fn main() {
    run("keystore", |bencher, workload| match workload.name {
        "raw_key" => {
            let key = SigningKey::from_seed(&seed(0));
            rotate(bencher, &messages(), |message| key.sign(message));
        }
        "by_id" => by_id(bencher, 1),
        "by_id_among_10000" => by_id(bencher, 10_000),
        "primary_under_rotation" => under_rotation(bencher),
        "verifying_key" => {
            let (keystore, ids) = filled(ROTATION);
            rotate(bencher, ids, |id| keystore.verifying_key(id).expect("a key"));
        }
        "rotate" => {
            let (keystore, ids) = filled(1);
            bencher.iter_batched(
                || keystore.create(spec()).expect("a key"),
                |id| keystore.rotate(&id).expect("a version"),
                criterion::BatchSize::SmallInput,
            );
            assert_eq!(ids.len(), 1);
        }
        other => unreachable!("no code for {other}"),
    });
}

fn spec() -> KeySpec {
    let label = Label::new("bench").expect("a label");
    KeySpec::new(label, label)
}

fn seed(index: usize) -> Seed {
    Seed::from_bytes(&stream(0, index, 32).try_into().expect("32 bytes"))
}

fn messages() -> Vec<Vec<u8>> {
    (0..ROTATION).map(|index| stream(1, index, MESSAGE)).collect()
}

/// A keystore with that many keys; each size is made once, since Criterion calls the closures once per observation.
fn filled(keys: usize) -> &'static (Keystore, Vec<KeyId>) {
    static MADE: Mutex<BTreeMap<usize, &'static (Keystore, Vec<KeyId>)>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("making keys does not panic");
    made.entry(keys).or_insert_with(|| {
        let keystore = Keystore::new();
        let ids = (0..keys).map(|index| keystore.import_seed(spec(), &seed(index)).expect("a key")).collect();
        Box::leak(Box::new((keystore, ids)))
    })
}

fn by_id(bencher: &mut Bencher<'_>, keys: usize) {
    let (keystore, ids) = filled(keys);
    let inputs: Vec<(KeyId, Vec<u8>)> = ids.iter().copied().cycle().zip(messages()).collect();
    rotate(bencher, &inputs, |(id, message)| keystore.sign(id, message).expect("a signature"));
}

/// Signs while another thread rotates another key set every millisecond: a writer must not stop the signers.
fn under_rotation(bencher: &mut Bencher<'_>) {
    let (keystore, ids) = filled(2);
    let (stop, messages) = (AtomicBool::new(false), messages());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut id = ids[1];
            while !stop.load(Ordering::Relaxed) {
                // A short key set: copying thousands of versions would be what is measured.
                let next = if id.version() < 64 { keystore.rotate(&id) } else { keystore.create(spec()) };
                id = next.expect("a version");
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        rotate(bencher, &messages, |message| {
            keystore.sign_with_primary(&ids[0], message).expect("a signature")
        });
        stop.store(true, Ordering::Relaxed);
    });
}
