//! N verifications in one call, 128 bytes each: the amortised `zip215` batch, and the exact `strict` one.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use kms::{Strict, Zip215};
use support::{many, run};

fn main() {
    run("batch_verify", |bencher, workload| {
        let size = workload.elements;
        match workload.group {
            Some("verify_batch") => many::<Zip215>(bencher, size, size, 0),
            Some("verify_batch_one_key") => many::<Zip215>(bencher, size, 1, 0),
            Some("verify_many_strict") => many::<Strict>(bencher, size, size, 0),
            other => unreachable!("no code for {other:?}"),
        }
    });
}
