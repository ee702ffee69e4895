//! The work of `parallel_throughput` on 2 threads: started for each call, or of a pool that lives on. Feature `rayon`.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use support::{parallel_sign, parallel_verify, run, scoped};

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    run("parallel_pool", |bencher, workload| match workload.name {
        "sign_scoped" => parallel_sign(bencher, &scoped(2)),
        "sign_pool" => parallel_sign(bencher, &pool),
        "verify_scoped" => parallel_verify(bencher, &scoped(2), false),
        "verify_pool" => parallel_verify(bencher, &pool, false),
        "verify_batch_scoped" => parallel_verify(bencher, &scoped(2), true),
        "verify_batch_pool" => parallel_verify(bencher, &pool, true),
        other => unreachable!("no code for {other}"),
    });
}
