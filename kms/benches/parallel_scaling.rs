//! The work of `parallel_throughput` on 1, 2 and 8 threads: how far more threads help.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use support::{number, parallel_sign, parallel_verify, run};

fn main() {
    run("parallel_scaling", |bencher, workload| match workload.group {
        Some("parallel_sign_threads") => parallel_sign(bencher, number(workload)),
        Some("parallel_verify_threads") => parallel_verify(bencher, number(workload), false),
        Some("parallel_verify_batch_threads") => parallel_verify(bencher, number(workload), true),
        other => unreachable!("no code for {other:?}"),
    });
}
