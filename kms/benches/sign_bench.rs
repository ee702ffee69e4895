//! One signature over 128 bytes, through the in-memory keystore: look the key up, sign.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use kms::{KeySpec, Keystore, Label, Seed};
use support::{MESSAGE, ROTATION, run, stream};

fn main() {
    run("sign_bench", |bencher, _| {
        let keystore = Keystore::new();
        let label = Label::new("bench").expect("a label");
        let seed: [u8; 32] = stream(0, 0, 32).try_into().expect("32 bytes");
        let id = keystore.import_seed(KeySpec::new(label, label), &Seed::from_bytes(&seed)).expect("a key");
        let messages: Vec<Vec<u8>> = (0..ROTATION).map(|index| stream(1, index, MESSAGE)).collect();
        support::rotate(bencher, &messages, |message| keystore.sign(&id, message).expect("a signature"));
    });
}
