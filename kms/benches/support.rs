//! What the bench targets share: the one table of workloads, seeded inputs, and the hand-written `main`.
//!
//! A benchmark's id is spelled here and nowhere else; `tests/bench_ids.rs` compares the table with `ids.txt`.
//! Nothing here is timed: inputs are made before a measurement starts.

use std::io::Write as _;

use criterion::{Bencher, BenchmarkId, Criterion, Throughput};
use kms::{Item, PublicKey, Seed, Signature, SigningKey};

/// The length of a message unless the id says otherwise. Unit: bytes.
pub(crate) const MESSAGE: usize = 128;
/// How many different (key, message, signature) a measurement goes through in turn, so that the branch predictor and
/// the cache see a stream and not one signature over and over. A power of two.
pub(crate) const ROTATION: usize = 256;
/// The threads of the parallel workloads, as the founding note took them.
pub(crate) const THREADS: usize = 4;
/// The operations of one thread in the parallel workloads.
pub(crate) const OPS_PER_THREAD: usize = 1000;

/// Which runs measure a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Measured in every run: the founding note's seven and at most five more.
    Core,
    /// Measured in nightly runs.
    Full,
}

/// One benchmark.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    /// The bench target, `[[bench]] name`.
    pub(crate) target: &'static str,
    /// The Criterion group, or nothing for a benchmark that stands alone.
    pub(crate) group: Option<&'static str>,
    /// The name inside the group, or the whole id.
    pub(crate) name: &'static str,
    /// How many operations one iteration does. Unit: signatures or verifications.
    pub(crate) elements: usize,
    /// Which runs measure it.
    pub(crate) set: Set,
}

impl Workload {
    const fn core(
        target: &'static str,
        group: Option<&'static str>,
        name: &'static str,
        elements: usize,
    ) -> Self {
        Self { target, group, name, elements, set: Set::Core }
    }

    /// Writes the workload as JSON. No name has a character that JSON would escape.
    fn json(&self) -> String {
        let set = match self.set {
            Set::Core => "core",
            Set::Full => "full",
        };
        format!(r#"{{"id":"{}","elements":{},"set":"{set}"}}"#, self.id(), self.elements)
    }

    /// The id that Criterion reports.
    pub(crate) fn id(&self) -> String {
        self.group.map_or_else(|| self.name.to_owned(), |group| format!("{group}/{}", self.name))
    }
}

const PARALLEL: usize = THREADS * OPS_PER_THREAD;

/// Every benchmark of this crate.
pub(crate) const WORKLOADS: &[Workload] = &[
    Workload::core("sign_bench", None, "ed25519_sign_128B", 1),
    Workload::core("verify_bench", None, "ed25519_verify_128B", 1),
    Workload::core("verify_bench", None, "ed25519_verify_zip215_128B", 1),
    Workload::core("batch_verify", Some("verify_batch"), "8", 8),
    Workload::core("batch_verify", Some("verify_batch"), "32", 32),
    Workload::core("batch_verify", Some("verify_batch"), "64", 64),
    Workload::core("batch_verify", Some("verify_batch_one_key"), "64", 64),
    Workload::core("batch_verify", Some("verify_many_strict"), "64", 64),
    Workload::core("parallel_throughput", None, "parallel_sign_4x", PARALLEL),
    Workload::core("parallel_throughput", None, "parallel_verify_4x", PARALLEL),
    Workload::core("parallel_throughput", None, "parallel_verify_batch_4x", PARALLEL),
];

/// Runs one bench executable: every workload of `target`, in the order of the table.
///
/// With `BENCH_RUNNER_PROBE=1` in the environment it prints one line of JSON about what it runs on and measures nothing.
pub(crate) fn run(target: &str, mut bench: impl FnMut(&mut Bencher<'_>, &Workload)) {
    let workloads = || WORKLOADS.iter().filter(|workload| workload.target == target);
    if std::env::var_os("BENCH_RUNNER_PROBE").is_some_and(|value| value == "1") {
        let table: Vec<String> = workloads().map(Workload::json).collect();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", kms::probe::json_line(&format!("[{}]", table.join(","))))
            .expect("the probe's line is written");
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    for workload in workloads() {
        if let Some(name) = workload.group {
            let mut group = criterion.benchmark_group(name);
            group.throughput(Throughput::Elements(workload.elements as u64));
            // A size is a parameter, not a function: the observatory draws a curve over it.
            if workload.name.parse::<u64>().is_ok() {
                let id = BenchmarkId::from_parameter(workload.name);
                group.bench_function(id, |bencher| bench(bencher, workload));
            } else {
                group.bench_function(workload.name, |bencher| bench(bencher, workload));
            }
            group.finish();
        } else {
            // Criterion gives a throughput to groups only, and a group would prefix the id: the elements of these
            // workloads are in the probe's line.
            criterion.bench_function(workload.name, |bencher| bench(bencher, workload));
        }
    }
    criterion.final_summary();
}

/// Measures an operation on one input after the other, round and round.
pub(crate) fn rotate<T, R>(bencher: &mut Bencher<'_>, inputs: &[T], mut operation: impl FnMut(&T) -> R) {
    let mut inputs = inputs.iter().cycle();
    bencher.iter(|| inputs.next().map(&mut operation));
}

/// One signed message and the keys to it.
pub(crate) struct Signed {
    pub(crate) key: SigningKey,
    pub(crate) public: PublicKey,
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Signature,
}

impl Signed {
    /// Borrows what a verification needs.
    pub(crate) fn item(&self) -> Item<'_> {
        Item { key: &self.public, message: &self.message, signature: &self.signature }
    }
}

/// Makes `count` messages of `length` bytes, signed by `keys` different keys in turn. The same in every run.
pub(crate) fn signed(count: usize, keys: usize, length: usize) -> Vec<Signed> {
    (0..count)
        .map(|index| {
            let seed = stream(0, index % keys, 32);
            let key = SigningKey::from_seed(&Seed::from_bytes(seed[..].try_into().expect("32 bytes")));
            let message = stream(1, index, length);
            Signed { public: key.public_key().clone(), signature: key.sign(&message), message, key }
        })
        .collect()
}

/// A reproducible stream of bytes: SplitMix64 from a start that the kind and the index give.
///
/// # Reference
/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(crate) fn stream(kind: u64, index: usize, length: usize) -> Vec<u8> {
    let mut state = 0x6b6d_7300_0000_0000_u64 ^ (kind << 32) ^ index as u64;
    let mut words = std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    });
    words.by_ref().flat_map(u64::to_le_bytes).take(length).collect()
}
