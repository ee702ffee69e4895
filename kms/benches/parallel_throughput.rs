//! 4 threads with 1000 operations each; starting and joining the threads is part of what is measured.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use support::{THREADS, parallel_sign, parallel_verify, run, scoped};

fn main() {
    run("parallel_throughput", |bencher, workload| match workload.name {
        "parallel_sign_4x" => parallel_sign(bencher, &scoped(THREADS)),
        "parallel_verify_4x" => parallel_verify(bencher, &scoped(THREADS), false),
        "parallel_verify_batch_4x" => parallel_verify(bencher, &scoped(THREADS), true),
        other => unreachable!("no code for {other}"),
    });
}
