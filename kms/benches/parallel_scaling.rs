//! The work of `parallel_throughput` on 1 to 8 threads: how far more threads help. And on 2 threads with parts of
//! different lengths, where a thread takes one part after the other.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use std::num::NonZeroUsize;

use kms::parallel::{Scoped, Spawn};
use support::{number, parallel_sign, parallel_verify, run, scoped};

/// Two threads that take parts of a stated length.
struct Parts {
    threads: Scoped,
    length: NonZeroUsize,
}

impl Spawn for Parts {
    fn threads(&self) -> NonZeroUsize {
        self.threads.threads()
    }

    fn run(&self, times: NonZeroUsize, work: &(dyn Fn() + Sync)) {
        self.threads.run(times, work);
    }

    fn part(&self, _: usize, _: usize) -> NonZeroUsize {
        self.length
    }
}

fn main() {
    run("parallel_scaling", |bencher, workload| {
        let number = number(workload);
        let parts = || Parts { threads: scoped(2), length: NonZeroUsize::new(number).expect("some items") };
        match workload.group {
            Some("parallel_sign_threads") => parallel_sign(bencher, &scoped(number)),
            Some("parallel_verify_threads") => parallel_verify(bencher, &scoped(number), false),
            Some("parallel_verify_batch_threads") => parallel_verify(bencher, &scoped(number), true),
            Some("parallel_verify_part") => parallel_verify(bencher, &parts(), false),
            Some("parallel_verify_batch_part") => parallel_verify(bencher, &parts(), true),
            other => unreachable!("no code for {other:?}"),
        }
    });
}
