//! Signing and verifying messages of 32 bytes to 64 KiB: where hashing takes over from the curve.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use kms::{Rule as _, Strict};
use support::{number, rotate, run, signed};

fn main() {
    run("message_sizes", |bencher, workload| {
        let inputs = signed(16, 16, number(workload));
        match workload.group {
            Some("sign_message_bytes") => rotate(bencher, inputs, |signed| signed.key.sign(&signed.message)),
            Some("verify_message_bytes") => rotate(bencher, inputs, |signed| {
                Strict::verify(&signed.public, &signed.message, &signed.signature).expect("a good signature");
            }),
            other => unreachable!("no code for {other:?}"),
        }
    });
}
