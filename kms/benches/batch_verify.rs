//! N verifications in one call, 128 bytes each: the amortised `zip215` batch, and the exact `strict` one.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use criterion::Bencher;
use kms::{Item, Rejected, Rule, Strict, Zip215};
use support::{MESSAGE, ROTATION, rotate, run, signed};

fn main() {
    run("batch_verify", |bencher, workload| match workload.group {
        Some("verify_batch") => many::<Zip215>(bencher, workload.elements, workload.elements),
        Some("verify_batch_one_key") => many::<Zip215>(bencher, workload.elements, 1),
        Some("verify_many_strict") => many::<Strict>(bencher, workload.elements, workload.elements),
        other => unreachable!("no code for {other:?}"),
    });
}

/// Measures one call on `size` signatures by `keys` different keys, on another batch each time.
fn many<R: Rule>(bencher: &mut Bencher<'_>, size: usize, keys: usize) {
    let inputs: Vec<_> = (0..ROTATION.div_ceil(size)).map(|_| signed(size, keys, MESSAGE)).collect();
    let batches: Vec<Vec<Item<'_>>> =
        inputs.iter().map(|batch| batch.iter().map(support::Signed::item).collect()).collect();
    let mut verdicts = vec![Err(Rejected::NotVerified); size];
    rotate(bencher, &batches, |items| {
        R::verify_many_into(items, &mut verdicts).expect("as many places as items");
        assert!(verdicts.iter().all(Result::is_ok), "every signature is good");
    });
}
