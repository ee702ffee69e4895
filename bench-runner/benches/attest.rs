//! Costs of integrity: verifying ten thousand signed runs, everything stored hashed again, and signing one statement.
//!
//! The runs are small (4 benchmarks, 1 launch, 10 observations, 12 facts): what is measured is the chain, not SHA-256.

#[path = "runs.rs"]
#[expect(dead_code, reason = "the other bench writes to a disk")]
mod runs;
#[path = "support.rs"]
#[expect(dead_code, reason = "the paths of the table are for its test")]
mod support;

use std::cell::LazyCell;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bench_runner::attest::{Key, Trust, check};
use bench_runner::model::seal::{Audit, Signer as _};
use bench_runner::model::units::Timestamp;
use bench_runner::store::{Claim, Store};
use runs::{STARTED, Shape, record};

const RUNS: u32 = 10_000;
const SHAPE: Shape = Shape { benchmarks: 4, launches: 1, observations: 10 };
const FACTS: usize = 12;

fn key() -> Key {
    Key::from_seed(&[42; 32])
}

/// A store in memory with ten thousand signed runs, and the keys that are trusted.
fn signed() -> (Store, Trust) {
    let mut store = Store::open_in_memory(STARTED).expect("a store in memory");
    store.set_signer(Arc::new(key()));
    for number in 0..RUNS {
        let mut record = record(SHAPE, number);
        record.run.facts.truncate(FACTS);
        store.import_run(&record).expect("the run is stored");
    }
    let mut trust = Trust::default();
    trust.trust(&key().public(), Timestamp(0), None).expect("a public key");
    (store, trust)
}

fn verify(store: &Store, trust: &Trust) -> Audit {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let audit = store.audit(&[], None, |claims: &[Claim<'_>]| {
        let claims: Vec<_> = claims.iter().map(|claim| (claim.signed, claim.at)).collect();
        check(trust, &claims, threads)
    });
    let audit = audit.expect("the store is read").audit;
    assert!(audit.problems.is_empty() && audit.signed == u64::from(RUNS), "{:?}", audit.problems.first());
    audit
}

fn main() {
    // Made when it is first needed: a filter or a listing does not need it.
    let store = LazyCell::new(signed);
    support::run("attest", |bencher, id| match id {
        "verify/10000_runs" => {
            let (store, trust) = &*store;
            bencher.iter(|| verify(store, trust));
        }
        "sign/statement" => {
            let (key, payload) = (key(), vec![b'x'; 1300]);
            bencher.iter(|| key.sign(payload.clone()));
        }
        other => unreachable!("no code for {other}"),
    });
}
