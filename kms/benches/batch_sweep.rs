//! Batches of 1 to 1024, around the step from Straus to Pippenger at 94/95, and batch signing.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use criterion::Bencher;
use kms::{Signature, Strict, Zip215};
use support::{MESSAGE, many, run, signed};

fn main() {
    run("batch_sweep", |bencher, workload| {
        let size = workload.elements;
        match workload.group {
            Some("verify_batch") => many::<Zip215>(bencher, size, size, 0),
            Some("verify_batch_one_key") => many::<Zip215>(bencher, size, 1, 0),
            Some("verify_many_strict") => many::<Strict>(bencher, size, size, 0),
            Some("sign_many") => sign_many(bencher, size),
            other => unreachable!("no code for {other:?}"),
        }
    });
}

fn sign_many(bencher: &mut Bencher<'_>, size: usize) {
    let inputs = signed(size, 1, MESSAGE);
    let messages: Vec<&[u8]> = inputs.iter().map(|signed| &signed.message[..]).collect();
    let mut signatures = vec![Signature::from_bytes(&[0; 64]); size];
    bencher.iter(|| {
        inputs[0].key.sign_many_into(&messages, &mut signatures).expect("one place each");
        signatures[size - 1]
    });
}
