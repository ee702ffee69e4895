//! One verification over 128 bytes with a decoded key, under each rule.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use kms::{Rule, Strict, Zip215};
use support::{MESSAGE, ROTATION, Signed, rotate, run, signed};

fn main() {
    run("verify_bench", |bencher, workload| {
        let inputs = signed(ROTATION, ROTATION, MESSAGE);
        match workload.name {
            "ed25519_verify_128B" => rotate(bencher, inputs, verify::<Strict>),
            "ed25519_verify_zip215_128B" => rotate(bencher, inputs, verify::<Zip215>),
            other => unreachable!("no code for {other}"),
        }
    });
}

fn verify<R: Rule>(signed: &Signed) {
    R::verify(&signed.public, &signed.message, &signed.signature).expect("a good signature");
}
