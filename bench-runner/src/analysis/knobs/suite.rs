//! Knobs in the caller's code that a suite measures side by side: two of its benchmarks, compared per element.
//!
//! The names are those of `kms`; in any other suite these rules find no pair and stay silent.

use super::super::words;
use super::{Fired, KnobInput, Needs, Recipe, Rule, Trial};
use crate::model::estimate::BenchmarkResult;
use crate::model::knob::{Confidence, KnobGroup, KnobState};

/// A difference smaller than this is not worth a card.
const WORTHWHILE: f64 = 0.03;

const BASE: Rule = Rule {
    id: "",
    group: KnobGroup::Caller,
    question: "",
    needs: Needs::Estimates,
    state: KnobState::Candidate,
    cost: "",
    risk: "",
    security: "",
    see: "",
    set: "",
    trial: None,
    typical: None,
    evidence: |_| Vec::new(),
};

/// What batches mean for security.
const COFACTORED: &str = "both sides use the cofactored rule (ZIP-215); callers bound to the strict rule stay with strict \
     single verification";

macro_rules! pairs {
    ($name:ident, $($from:literal => $to:literal),+) => {
        const $name: &[(&str, &str)] = &[$(($from, $to)),+];
    };
}

pairs!(TABLE, "hot_keys/verify_one/decoded" => "hot_keys/verify_one/table");
pairs!(ONE_KEY, "batch_verify/verify_batch/64" => "batch_verify/verify_batch_one_key/64");
pairs!(STRICT, "verify_bench/ed25519_verify_128B" => "batch_verify/verify_many_strict/64");
pairs!(POOL, "parallel_pool/parallel_pool_2/sign_scoped" => "parallel_pool/parallel_pool_2/sign_pool",
             "parallel_pool/parallel_pool_2/verify_scoped" => "parallel_pool/parallel_pool_2/verify_pool");
pairs!(BAD, "bad_signatures/verify_batch_64_bad/0" => "bad_signatures/verify_batch_64_bad/1");
pairs!(LOOKUP, "keystore/keystore_sign/by_id" => "keystore/keystore_sign/raw_key");
pairs!(TWO, "parallel_scaling/parallel_sign_threads/1" => "parallel_scaling/parallel_sign_threads/2");
pairs!(FOUR, "parallel_scaling/parallel_sign_threads/2" => "parallel_scaling/parallel_sign_threads/4");
pairs!(CLIFF, "batch_sweep/verify_batch/94" => "batch_sweep/verify_batch/95");
pairs!(LARGE, "batch_verify/verify_batch/64" => "batch_sweep/verify_batch/256");
pairs!(SMALL_CHUNKS, "parallel_scaling/parallel_verify_batch_part/64" => "parallel_scaling/parallel_verify_batch_part/500");

pub(super) static RULES: [Rule; 11] = [
    Rule {
        id: "caller.key-table",
        question: "Would a precomputed table pay for keys that verify very often?",
        risk: "with many keys the tables no longer fit into the cache of the processor, and the gain turns round",
        cost: "memory of a table for each hot key, and the time to make it",
        security: "tables of public keys only; drop one when its key is revoked",
        trial: Some(Trial::pairs(
            TABLE,
            "Keep a precomputed table for the hottest public keys",
            "let key = public_key.with_table();   // once per hot key",
        )),
        typical: Some((-0.3, 0.0)),
        evidence: |input| gains(input, TABLE, "Keep a precomputed table for the hottest public keys"),
        ..BASE
    },
    Rule {
        id: "caller.batch-one-key",
        question: "Are batches cheaper when all their signatures are of one key?",
        risk: "collecting for one key takes longer than for all: the first signature waits for it",
        cost: "sorting what is to be verified by key",
        security: COFACTORED,
        trial: Some(Trial::pairs(
            ONE_KEY,
            "Group signatures of one key into one batch",
            "items.sort_by_key(|item| item.key.to_bytes());   // then cut batches",
        )),
        typical: Some((-0.3, 0.0)),
        evidence: |input| gains(input, ONE_KEY, "Group signatures of one key into one batch"),
        ..BASE
    },
    Rule {
        id: "caller.strict-batch",
        question: "Does collecting signatures pay under the strict rule?",
        risk: "none to the verdicts; the wait buys no speed",
        state: KnobState::Information,
        cost: "latency of collecting",
        security: "strict verdicts are given one by one: that is what strict means",
        trial: Some(
            Trial::pairs(STRICT, "Collect signatures under the strict rule too", "")
                .or_unmoved(STRICT_UNMOVED),
        ),
        typical: Some((-0.02, 0.02)),
        evidence: strict,
        ..BASE
    },
    Rule {
        id: "caller.thread-pool",
        question: "Is starting threads for each piece of work dearer than a pool?",
        risk: "one slow task holds up what else the pool is for; size and lifetime have to be managed",
        cost: "a pool that lives as long as the process",
        trial: Some(Trial::pairs(
            POOL,
            "Keep worker threads in a pool",
            "// pool is a rayon::ThreadPool\nkms::parallel::sign_each(&key, &messages, &mut signatures, &pool)?;",
        )),
        typical: Some((-0.05, 0.02)),
        evidence: |input| gains(input, POOL, "Keep worker threads in a pool"),
        ..BASE
    },
    Rule {
        id: "caller.bad-signatures",
        question: "What does one bad signature in a batch cost?",
        risk: "it grows with the number of bad signatures, until all are verified singly and the batch on top",
        state: KnobState::Information,
        cost: "time of finding it, paid by whoever is attacked",
        security: "whoever can send bad signatures can make batches as slow as single verification and slower",
        trial: Some(
            Trial::pairs(BAD, "Batch whatever comes", "").or_unmoved("Batches bear bad signatures here"),
        ),
        typical: Some((0.5, 2.5)),
        evidence: |input| {
            price(input, BAD, "Limit batches to senders that are known to send good signatures")
        },
        ..BASE
    },
    Rule {
        id: "caller.key-lookup",
        question: "Does finding the key by its name cost a noticeable part of signing?",
        risk: "a handle that outlives a rotation signs with the old key",
        cost: "a handle that the caller keeps",
        security: "a kept handle must not outlive the revocation of its key",
        trial: Some(Trial::pairs(
            LOOKUP,
            "Keep the resolved key instead of looking it up for each signature",
            "",
        )),
        typical: Some((-0.05, 0.0)),
        evidence: |input| {
            gains(input, LOOKUP, "Keep the resolved key instead of looking it up for each signature")
        },
        ..BASE
    },
    Rule {
        id: "caller.two-threads",
        question: "Do two threads do nearly twice the work of one?",
        risk: "on a loaded server the second thread takes its time from other requests",
        cost: "two threads that are started or kept, and work that comes in large enough pieces",
        trial: Some(Trial::pairs(
            TWO,
            "Use two threads for bulk signing",
            "use kms::parallel::{Scoped, sign_each};\n\
             let two = Scoped::new(NonZeroUsize::new(2).expect(\"2 is above 0\"));\n\
             sign_each(&key, &messages, &mut signatures, &two)?;",
        )),
        typical: Some((-0.5, 0.0)),
        evidence: |input| gains(input, TWO, "Use two threads for bulk signing"),
        ..BASE
    },
    Rule {
        id: "caller.four-threads",
        question: "Do four threads do more than two?",
        risk: "on two cores with four threads of hardware the gain depends on what the siblings do",
        cost: "four threads, of which two are idle where there are two cores",
        trial: Some(Trial::pairs(
            FOUR,
            "Use four threads for bulk signing",
            "use kms::parallel::{Scoped, sign_each};\n\
             let four = Scoped::new(NonZeroUsize::new(4).expect(\"4 is above 0\"));\n\
             sign_each(&key, &messages, &mut signatures, &four)?;",
        )),
        typical: Some((-0.5, 0.05)),
        evidence: |input| gains(input, FOUR, "Use four threads for bulk signing"),
        ..BASE
    },
    Rule {
        id: "caller.batch-cliff",
        question: "Is there a step where the batch algorithm changes, between 94 and 95 items?",
        risk: "the step belongs to one version of the library and one backend: a new one may move it",
        cost: "a least size of batches: fewer than that wait or go singly",
        security: COFACTORED,
        trial: Some(Trial::pairs(
            CLIFF,
            "Make batches of 95 or more rather than of 94",
            "const LEAST: usize = 95;   // fewer wait, or are verified singly",
        )),
        typical: Some((-0.1, 0.1)),
        evidence: |input| gains(input, CLIFF, "Make batches of 95 or more rather than of 94"),
        ..BASE
    },
    Rule {
        id: "caller.batch-large",
        question: "Are batches of 256 cheaper per signature than batches of 64?",
        risk: "one bad signature sends four times as many back to be verified singly",
        cost: "latency of collecting four times as many",
        security: COFACTORED,
        trial: Some(Trial::pairs(
            LARGE,
            "Batch 256 where there are that many",
            "use kms::Rule;\nfor batch in items.chunks(256) {\n    verdicts.extend(kms::Zip215::verify_many(batch));\n}",
        )),
        typical: Some((-0.35, 0.0)),
        evidence: |input| gains(input, LARGE, "Batch 256 where there are that many"),
        ..BASE
    },
    Rule {
        id: "caller.part-size",
        question: "Are parts of 64 items too small for threads that verify in batches?",
        risk: "with few items some threads get nothing to do",
        cost: "fewer, larger parts: the last one is waited for longer",
        security: COFACTORED,
        trial: Some(Trial::pairs(
            SMALL_CHUNKS,
            "Give each thread parts of 500 items",
            "for part in items.chunks(500) { /* one task of a thread */ }",
        )),
        typical: Some((-0.3, 0.0)),
        evidence: |input| gains(input, SMALL_CHUNKS, "Give each thread parts of 500 items"),
        ..BASE
    },
];

/// What a trial that moves nothing says about batches under the strict rule, and what a run says without one.
const STRICT_UNMOVED: &str =
    "Under the strict rule batching does not pay: keep decoded keys of hot signers, and use threads";

/// A key that is decoded for each call, and one that is kept.
pub(super) const DECODED: &[(&str, &str)] =
    &[("hot_keys/verify_one/from_bytes", "hot_keys/verify_one/decoded")];

/// The trials of rules that are older than this table: the same questions, answered on the spot.
pub(super) const BATCH_SIZE: Trial = Trial {
    recipe: Recipe::Suite(&[("verify_bench/ed25519_verify_zip215_128B", "batch_verify/verify_batch/32")]),
    action: "Batch 32 verifications where the protocol allows the cofactored rule already",
    unmoved: "",
    lines: "use kms::Rule;\nfor batch in items.chunks(32) {\n    verdicts.extend(kms::Zip215::verify_many(batch));\n}",
    library: "",
};
pub(super) const BATCH_PER_THREAD: Trial = Trial {
    recipe: Recipe::Suite(&[(
        "batch_verify/verify_batch/64",
        "parallel_throughput/parallel_verify_batch_4x",
    )]),
    // Threads that repeat single verifications of the batch's own rule are not in the suite, and the strict rule is no baseline
    // for batches: what is tried is one thread against several, all with batches.
    action: "Verify batches on all threads instead of on one",
    unmoved: "",
    lines: "use kms::parallel::{Scoped, verify_many};\n\
            verify_many::<kms::Zip215>(&items, &mut verdicts, &Scoped::available())?;",
    library: "",
};
pub(super) const HOT_KEYS: Trial = Trial {
    recipe: Recipe::Suite(&[("hot_keys/verify_one/from_bytes", "hot_keys/verify_one/cached")]),
    action: "Keep the decoded form of keys that are used again in a cache",
    unmoved: "",
    // Without tables, as it is tried: these are a knob of their own.
    lines: "use kms::{CacheLimits, KeyCache, Rule, Strict};\n\
            let limits = CacheLimits { tables: 0, ..CacheLimits::default() };\n\
            let cache = KeyCache::new(limits);   // once\n\
            cache.with(&bytes, |key| Strict::verify(key, message, &signature))??;",
    library: "",
};
pub(super) const SMALL_BATCHES: Trial = Trial {
    recipe: Recipe::Suite(&[("batch_sweep/verify_batch/1", "verify_bench/ed25519_verify_zip215_128B")]),
    action: "Verify single signatures singly, not as batches of one",
    unmoved: "",
    lines: "use kms::Rule;\n\
            let verdicts = match items {\n    \
                [one] => vec![kms::Zip215::verify(one.key, one.message, one.signature)],\n    \
                many => kms::Zip215::verify_many(many),\n\
            };",
    library: "",
};

fn find<'a>(input: &'a KnobInput<'_>, name: &str) -> Option<&'a BenchmarkResult> {
    input.timed().find(|result| result.benchmark.to_string() == name)
}

fn per_element(result: &BenchmarkResult) -> f64 {
    result.estimate.value / result.elements().unwrap_or(1).max(1) as f64
}

/// Change per element of each pair that the run has.
fn changes<'a>(
    input: &'a KnobInput<'_>,
    pairs: &[(&str, &str)],
) -> Vec<(&'a BenchmarkResult, &'a BenchmarkResult, f64)> {
    let change = |(from, to): &(&str, &str)| {
        let (old, new) = (find(input, from)?, find(input, to)?);
        Some((old, new, per_element(new) / per_element(old) - 1.0))
    };
    pairs.iter().filter_map(change).collect()
}

fn fired(action: &str, old: &BenchmarkResult, new: &BenchmarkResult, change: f64) -> Fired {
    Fired::new(
        action.to_owned(),
        format!(
            "{} per element in {}, {} in {} ({})",
            words::time(per_element(new)),
            new.benchmark,
            words::time(per_element(old)),
            old.benchmark,
            words::change(change)
        ),
        [old, new]
            .map(|result| (format!("{} per element", result.benchmark), words::time(per_element(result))))
            .into(),
    )
}

/// Fires where the second benchmark of a pair is faster.
fn gains(input: &KnobInput<'_>, pairs: &[(&str, &str)], action: &str) -> Vec<Fired> {
    let best = changes(input, pairs).into_iter().min_by(|a, b| a.2.total_cmp(&b.2));
    best.filter(|(_, _, change)| *change <= -WORTHWHILE).map_or_else(Vec::new, |(old, new, change)| {
        vec![Fired {
            predicted_change: Some((change, change)),
            confidence: Confidence::Medium,
            ..fired(action, old, new, change)
        }]
    })
}

/// Fires where the second benchmark of a pair is slower: what something costs.
fn price(input: &KnobInput<'_>, pairs: &[(&str, &str)], action: &str) -> Vec<Fired> {
    let worst = changes(input, pairs).into_iter().max_by(|a, b| a.2.total_cmp(&b.2));
    worst
        .filter(|(_, _, change)| *change >= WORTHWHILE)
        .map_or_else(Vec::new, |(old, new, change)| vec![fired(action, old, new, change)])
}

/// Under the strict rule collecting gains nothing, which is worth saying; what helps there is said instead.
fn strict(input: &KnobInput<'_>) -> Vec<Fired> {
    let Some((old, new, change)) = changes(input, STRICT).into_iter().next() else { return Vec::new() };
    if change <= -WORTHWHILE {
        return Vec::new();
    }
    vec![fired(STRICT_UNMOVED, old, new, change)]
}
