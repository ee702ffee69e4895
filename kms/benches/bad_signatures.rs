//! Batches of 64 with 0, 1 and 16 bad signatures: what a sender of bad signatures costs under each rule.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use kms::{Strict, Zip215};
use support::{many, number, run};

fn main() {
    run("bad_signatures", |bencher, workload| match workload.group {
        Some("verify_many_strict_64_bad") => many::<Strict>(bencher, 64, 64, number(workload)),
        Some("verify_batch_64_bad") => many::<Zip215>(bencher, 64, 64, number(workload)),
        other => unreachable!("no code for {other:?}"),
    });
}
