//! What the bench targets share: the one table of workloads, seeded inputs, the measured calls that several targets
//! make, and the `main` of every target.
//!
//! A benchmark's id is spelled here and nowhere else; `tests/bench_ids.rs` compares the table with `ids.txt`.
//! Inputs are made before a measurement starts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use criterion::{Bencher, BenchmarkId, Criterion, Throughput};
use kms::parallel::{Scoped, Spawn, sign_each, verify_each, verify_many};
use kms::{Item, PublicKey, Rejected, Rule, Seed, Signature, SigningKey, Strict, Zip215};

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
    const fn full(target: &'static str, group: &'static str, name: &'static str, elements: usize) -> Self {
        Self { target, group: Some(group), name, elements, set: Set::Full }
    }

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
    Workload::full("batch_sweep", "verify_batch", "1", 1),
    Workload::full("batch_sweep", "verify_batch", "2", 2),
    Workload::full("batch_sweep", "verify_batch", "4", 4),
    Workload::full("batch_sweep", "verify_batch", "16", 16),
    Workload::full("batch_sweep", "verify_batch", "94", 94),
    Workload::full("batch_sweep", "verify_batch", "95", 95),
    Workload::full("batch_sweep", "verify_batch", "128", 128),
    Workload::full("batch_sweep", "verify_batch", "256", 256),
    Workload::full("batch_sweep", "verify_batch", "512", 512),
    Workload::full("batch_sweep", "verify_batch", "1024", 1024),
    Workload::full("batch_sweep", "verify_batch_one_key", "8", 8),
    Workload::full("batch_sweep", "verify_batch_one_key", "32", 32),
    Workload::full("batch_sweep", "verify_batch_one_key", "256", 256),
    Workload::full("batch_sweep", "verify_many_strict", "8", 8),
    Workload::full("batch_sweep", "verify_many_strict", "32", 32),
    Workload::full("batch_sweep", "verify_many_strict", "256", 256),
    Workload::full("batch_sweep", "sign_many", "8", 8),
    Workload::full("batch_sweep", "sign_many", "32", 32),
    Workload::full("batch_sweep", "sign_many", "256", 256),
    Workload::full("message_sizes", "sign_message_bytes", "32", 1),
    Workload::full("message_sizes", "sign_message_bytes", "1024", 1),
    Workload::full("message_sizes", "sign_message_bytes", "8192", 1),
    Workload::full("message_sizes", "sign_message_bytes", "65536", 1),
    Workload::full("message_sizes", "verify_message_bytes", "32", 1),
    Workload::full("message_sizes", "verify_message_bytes", "1024", 1),
    Workload::full("message_sizes", "verify_message_bytes", "8192", 1),
    Workload::full("message_sizes", "verify_message_bytes", "65536", 1),
    Workload::full("bad_signatures", "verify_many_strict_64_bad", "0", 64),
    Workload::full("bad_signatures", "verify_many_strict_64_bad", "1", 64),
    Workload::full("bad_signatures", "verify_many_strict_64_bad", "16", 64),
    Workload::full("bad_signatures", "verify_batch_64_bad", "0", 64),
    Workload::full("bad_signatures", "verify_batch_64_bad", "1", 64),
    Workload::full("bad_signatures", "verify_batch_64_bad", "16", 64),
    Workload::full("hot_keys", "verify_one", "from_bytes", 1),
    Workload::full("hot_keys", "verify_one", "decoded", 1),
    Workload::full("hot_keys", "verify_one", "cached", 1),
    Workload::full("hot_keys", "verify_one", "table", 1),
    Workload::full("hot_keys", "verify_many_64", "decoded", 64),
    Workload::full("hot_keys", "verify_many_64", "table", 64),
    Workload::full("hot_keys", "prepare_key", "decode", 1),
    Workload::full("hot_keys", "prepare_key", "table", 1),
    Workload::full("hot_keys", "prepare_key", "expand_seed", 1),
    Workload::full("keystore", "keystore_sign", "raw_key", 1),
    Workload::full("keystore", "keystore_sign", "by_id", 1),
    Workload::full("keystore", "keystore_sign", "by_id_among_10000", 1),
    Workload::full("keystore", "keystore_sign", "primary_under_rotation", 1),
    Workload::full("keystore", "keystore_lookup", "verifying_key", 1),
    Workload::full("keystore", "keystore_change", "rotate", 1),
    Workload::full("parallel_scaling", "parallel_sign_threads", "1", PARALLEL),
    Workload::full("parallel_scaling", "parallel_sign_threads", "2", PARALLEL),
    Workload::full("parallel_scaling", "parallel_sign_threads", "4", PARALLEL),
    Workload::full("parallel_scaling", "parallel_sign_threads", "8", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_threads", "1", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_threads", "2", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_threads", "4", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_threads", "8", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_threads", "1", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_threads", "2", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_threads", "4", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_threads", "8", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_part", "64", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_part", "500", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_part", "2000", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_part", "64", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_part", "250", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_part", "500", PARALLEL),
    Workload::full("parallel_scaling", "parallel_verify_batch_part", "2000", PARALLEL),
    Workload::full("parallel_pool", "parallel_pool_2", "sign_scoped", PARALLEL),
    Workload::full("parallel_pool", "parallel_pool_2", "sign_pool", PARALLEL),
    Workload::full("parallel_pool", "parallel_pool_2", "verify_scoped", PARALLEL),
    Workload::full("parallel_pool", "parallel_pool_2", "verify_pool", PARALLEL),
    Workload::full("parallel_pool", "parallel_pool_2", "verify_batch_scoped", PARALLEL),
    Workload::full("parallel_pool", "parallel_pool_2", "verify_batch_pool", PARALLEL),
    Workload::full("envelopes", "jws", "sign", 1),
    Workload::full("envelopes", "jws", "verify", 1),
    Workload::full("envelopes", "dsse", "sign", 1),
    Workload::full("envelopes", "dsse", "verify", 1),
    Workload::full("sealed_file", "sealed_file_slow", "open", 1),
    Workload::full("sealed_file", "sealed_file_slow", "save", 1),
    // Only where `peers` is built: the target needs the feature of that name.
    Workload::full("peers", "peers/sign", "kms", 1),
    Workload::full("peers", "peers/sign", "ed25519-dalek", 1),
    Workload::full("peers", "peers/sign", "ed25519-zebra", 1),
    Workload::full("peers", "peers/sign", "ed25519-consensus", 1),
    Workload::full("peers", "peers/sign", "ring", 1),
    Workload::full("peers", "peers/sign", "graviola", 1),
    Workload::full("peers", "peers/sign", "aws-lc-rs", 1),
    Workload::full("peers", "peers/sign", "libsodium", 1),
    Workload::full("peers", "peers/verify", "kms", 1),
    Workload::full("peers", "peers/verify", "ed25519-dalek", 1),
    Workload::full("peers", "peers/verify", "ed25519-zebra", 1),
    Workload::full("peers", "peers/verify", "ed25519-consensus", 1),
    Workload::full("peers", "peers/verify", "ring", 1),
    Workload::full("peers", "peers/verify", "graviola", 1),
    Workload::full("peers", "peers/verify", "aws-lc-rs", 1),
    Workload::full("peers", "peers/verify", "libsodium", 1),
    Workload::full("peers", "peers/verify_hot", "kms", 1),
    Workload::full("peers", "peers/verify_hot", "kms-table", 1),
    Workload::full("peers", "peers/verify_hot", "ed25519-dalek", 1),
    Workload::full("peers", "peers/verify_hot", "ed25519-zebra", 1),
    Workload::full("peers", "peers/verify_hot", "ed25519-consensus", 1),
    Workload::full("peers", "peers/verify_hot", "ring", 1),
    Workload::full("peers", "peers/verify_hot", "graviola", 1),
    Workload::full("peers", "peers/verify_hot", "aws-lc-rs", 1),
    Workload::full("peers", "peers/verify_hot", "libsodium", 1),
    Workload::full("peers", "peers/verify_strict", "kms", 1),
    Workload::full("peers", "peers/verify_strict", "ed25519-dalek", 1),
    Workload::full("peers", "peers/verify_zip215", "kms", 1),
    Workload::full("peers", "peers/verify_zip215", "ed25519-zebra", 1),
    Workload::full("peers", "peers/verify_zip215", "ed25519-consensus", 1),
    Workload::full("peers", "peers/verify_many_strict_64", "kms", 64),
    Workload::full("peers", "peers/verify_many_strict_64", "ed25519-dalek", 64),
    Workload::full("peers", "peers/sign_2_threads", "kms", PARALLEL),
    Workload::full("peers", "peers/sign_2_threads", "ed25519-dalek", PARALLEL),
    Workload::full("peers", "peers/sign_2_threads", "ed25519-zebra", PARALLEL),
    Workload::full("peers", "peers/sign_2_threads", "ed25519-consensus", PARALLEL),
    Workload::full("peers", "peers/sign_2_threads", "ring", PARALLEL),
    Workload::full("peers", "peers/sign_2_threads", "graviola", PARALLEL),
    Workload::full("peers", "peers/sign_2_threads", "aws-lc-rs", PARALLEL),
    Workload::full("peers", "peers/sign_2_threads", "libsodium", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "kms", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "ed25519-dalek", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "ed25519-zebra", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "ed25519-consensus", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "ring", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "graviola", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "aws-lc-rs", PARALLEL),
    Workload::full("peers", "peers/verify_2_threads", "libsodium", PARALLEL),
    Workload::full("peers", "peers/verify_batch_8", "kms", 8),
    Workload::full("peers", "peers/verify_batch_8", "ed25519-dalek", 8),
    Workload::full("peers", "peers/verify_batch_8", "ed25519-zebra", 8),
    Workload::full("peers", "peers/verify_batch_8", "ed25519-consensus", 8),
    Workload::full("peers", "peers/verify_batch_32", "kms", 32),
    Workload::full("peers", "peers/verify_batch_32", "ed25519-dalek", 32),
    Workload::full("peers", "peers/verify_batch_32", "ed25519-zebra", 32),
    Workload::full("peers", "peers/verify_batch_32", "ed25519-consensus", 32),
    Workload::full("peers", "peers/verify_batch_64", "kms", 64),
    Workload::full("peers", "peers/verify_batch_64", "ed25519-dalek", 64),
    Workload::full("peers", "peers/verify_batch_64", "ed25519-zebra", 64),
    Workload::full("peers", "peers/verify_batch_64", "ed25519-consensus", 64),
    Workload::full("peers", "peers/verify_batch_256", "kms", 256),
    Workload::full("peers", "peers/verify_batch_256", "ed25519-dalek", 256),
    Workload::full("peers", "peers/verify_batch_256", "ed25519-zebra", 256),
    Workload::full("peers", "peers/verify_batch_256", "ed25519-consensus", 256),
    Workload::full("peers", "peers/verify_batch_one_key_8", "kms", 8),
    Workload::full("peers", "peers/verify_batch_one_key_8", "ed25519-dalek", 8),
    Workload::full("peers", "peers/verify_batch_one_key_8", "ed25519-zebra", 8),
    Workload::full("peers", "peers/verify_batch_one_key_8", "ed25519-consensus", 8),
    Workload::full("peers", "peers/verify_batch_one_key_32", "kms", 32),
    Workload::full("peers", "peers/verify_batch_one_key_32", "ed25519-dalek", 32),
    Workload::full("peers", "peers/verify_batch_one_key_32", "ed25519-zebra", 32),
    Workload::full("peers", "peers/verify_batch_one_key_32", "ed25519-consensus", 32),
    Workload::full("peers", "peers/verify_batch_one_key_64", "kms", 64),
    Workload::full("peers", "peers/verify_batch_one_key_64", "ed25519-dalek", 64),
    Workload::full("peers", "peers/verify_batch_one_key_64", "ed25519-zebra", 64),
    Workload::full("peers", "peers/verify_batch_one_key_64", "ed25519-consensus", 64),
    Workload::full("peers", "peers/verify_batch_one_key_256", "kms", 256),
    Workload::full("peers", "peers/verify_batch_one_key_256", "ed25519-dalek", 256),
    Workload::full("peers", "peers/verify_batch_one_key_256", "ed25519-zebra", 256),
    Workload::full("peers", "peers/verify_batch_one_key_256", "ed25519-consensus", 256),
];

/// The groups whose one iteration takes so long that ten samples have to do.
const SLOW_GROUPS: &[&str] = &["sealed_file_slow"];

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
            if SLOW_GROUPS.contains(&name) {
                group.sample_size(10);
            }
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

/// The number that a workload's name is.
pub(crate) fn number(workload: &Workload) -> usize {
    workload.name.parse().expect("the name is a number")
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

/// Measures one call of `verify_many_into` on `size` signatures by `keys` different keys, on another batch each time.
///
/// The last `bad` signatures of a batch are of another message.
pub(crate) fn many<R: Rule>(bencher: &mut Bencher<'_>, size: usize, keys: usize, bad: usize) {
    let count = ROTATION.div_ceil(size) * size;
    let inputs = spoiled(count, keys, MESSAGE, (size, bad));
    let batches: Vec<Vec<Item<'_>>> =
        inputs.chunks(size).map(|batch| batch.iter().map(Signed::item).collect()).collect();
    let mut verdicts = vec![Err(Rejected::NotVerified); size];
    rotate(bencher, &batches, |items| {
        R::verify_many_into(items, &mut verdicts).expect("as many places as items");
        let accepted = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        assert_eq!(accepted, size - bad, "the verdicts are the known ones");
    });
}

/// Threads that are started for each call.
pub(crate) fn scoped(threads: usize) -> Scoped {
    Scoped::new(NonZeroUsize::new(threads).expect("some threads"))
}

/// Measures signing of all messages on some threads.
pub(crate) fn parallel_sign(bencher: &mut Bencher<'_>, on: &impl Spawn) {
    let inputs = signed(ROTATION, 1, MESSAGE);
    let messages: Vec<&[u8]> =
        inputs.iter().cycle().take(PARALLEL).map(|signed| &signed.message[..]).collect();
    let mut signatures = vec![Signature::from_bytes(&[0; 64]); PARALLEL];
    bencher.iter(|| {
        sign_each(&inputs[0].key, &messages, &mut signatures, on).expect("one place each");
        signatures[PARALLEL - 1]
    });
}

/// Measures verifying all items on some threads: one by one under `Strict`, or as batches under `Zip215`.
pub(crate) fn parallel_verify(bencher: &mut Bencher<'_>, on: &impl Spawn, batch: bool) {
    let inputs = signed(ROTATION, ROTATION, MESSAGE);
    let items: Vec<Item<'_>> = inputs.iter().cycle().take(PARALLEL).map(Signed::item).collect();
    let mut verdicts = vec![Err(Rejected::NotVerified); PARALLEL];
    bencher.iter(|| {
        let done = if batch {
            verify_many::<Zip215>(&items, &mut verdicts, on)
        } else {
            verify_each::<Strict>(&items, &mut verdicts, on)
        };
        done.expect("one place each");
        assert!(verdicts.iter().all(Result::is_ok), "every signature is good");
    });
}

/// Gives `count` messages of `length` bytes, signed by `keys` different keys in turn. The same in every run.
pub(crate) fn signed(count: usize, keys: usize, length: usize) -> &'static [Signed] {
    spoiled(count, keys, length, (count, 0))
}

/// The same, where in each group of `size` the last `bad` messages are not those that were signed.
///
/// Criterion calls a benchmark's closure once for each observation; the inputs are made at the first call and kept, so
/// that a launch does not spend most of its time on signing them again.
pub(crate) fn spoiled(
    count: usize,
    keys: usize,
    length: usize,
    (size, bad): (usize, usize),
) -> &'static [Signed] {
    type Made = BTreeMap<[usize; 5], &'static [Signed]>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("making inputs does not panic");
    made.entry([count, keys, length, size, bad]).or_insert_with(|| {
        let mut inputs = make_signed(count, keys, length);
        for group in inputs.chunks_mut(size) {
            group.iter_mut().rev().take(bad).for_each(|signed| signed.message[0] ^= 1);
        }
        Vec::leak(inputs)
    })
}

/// Makes the inputs.
pub(crate) fn make_signed(count: usize, keys: usize, length: usize) -> Vec<Signed> {
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
