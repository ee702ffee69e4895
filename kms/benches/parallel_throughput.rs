//! 4 threads with 1000 operations each; starting and joining the threads is part of what is measured.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use std::num::NonZeroUsize;

use criterion::Bencher;
use kms::parallel::{sign_each, verify_each, verify_many};
use kms::{Item, Rejected, Signature, Strict, Zip215};
use support::{MESSAGE, OPS_PER_THREAD, ROTATION, THREADS, run, signed};

const TOTAL: usize = THREADS * OPS_PER_THREAD;

fn main() {
    run("parallel_throughput", |bencher, workload| {
        let threads = NonZeroUsize::new(THREADS).expect("some threads");
        match workload.name {
            "parallel_sign_4x" => sign(bencher, threads),
            "parallel_verify_4x" => {
                verify(bencher, |items, verdicts| {
                    verify_each::<Strict>(items, verdicts, threads).expect("one place each");
                });
            }
            "parallel_verify_batch_4x" => {
                verify(bencher, |items, verdicts| {
                    verify_many::<Zip215>(items, verdicts, threads).expect("one place each");
                });
            }
            other => unreachable!("no code for {other}"),
        }
    });
}

fn sign(bencher: &mut Bencher<'_>, threads: NonZeroUsize) {
    let inputs = signed(ROTATION, 1, MESSAGE);
    let messages: Vec<&[u8]> = inputs.iter().cycle().take(TOTAL).map(|signed| &signed.message[..]).collect();
    let mut signatures = vec![Signature::from_bytes(&[0; 64]); TOTAL];
    bencher.iter(|| {
        sign_each(&inputs[0].key, &messages, &mut signatures, threads).expect("one place each");
        signatures[TOTAL - 1]
    });
}

fn verify(bencher: &mut Bencher<'_>, mut run: impl FnMut(&[Item<'_>], &mut [kms::Verdict])) {
    let inputs = signed(ROTATION, ROTATION, MESSAGE);
    let items: Vec<Item<'_>> = inputs.iter().cycle().take(TOTAL).map(support::Signed::item).collect();
    let mut verdicts = vec![Err(Rejected::NotVerified); TOTAL];
    bencher.iter(|| {
        run(&items, &mut verdicts);
        assert!(verdicts.iter().all(Result::is_ok), "every signature is good");
    });
}
