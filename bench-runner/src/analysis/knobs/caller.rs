//! Rules about the caller's threads and keys.

use super::super::words;
use super::batch::KMS;
use super::suite::DECODED;
use super::{Fired, KnobInput, Needs, Rule};
use crate::model::curve::ParallelScaling;
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::keys;
use crate::model::knob::{Confidence, KnobGroup, KnobState};

/// Efficiency below which threads are worth a question.
pub(super) const EFFICIENT: f64 = 0.8;
/// Benchmarks named in a sentence before it says how many more.
const NAMED: usize = 4;
/// Share of an operation that preparing its key must cost before a cache is worth it.
pub(super) const KEY_SHARE: f64 = 0.05;

pub(super) static RULES: [Rule; 4] = [
    Rule {
        id: "caller.thread-efficiency",
        group: KnobGroup::Caller,
        question: "Do threads reach less than 80 % of their ideal speed-up?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "a sweep over the number of threads, and a person who reads it",
        risk: "the ceiling may be the machine's: all cores rarely run at the clock of one",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: thread_efficiency,
    },
    Rule {
        id: "caller.thread-count",
        group: KnobGroup::Caller,
        question: "Are there more threads than cores that this process may use?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "a number of threads that is asked of the machine instead of written down",
        risk: "where threads wait for anything but the processor, more of them than cores are right",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: thread_count,
    },
    Rule {
        id: "caller.hot-key-cache",
        group: KnobGroup::Caller,
        question: "Does preparing the key cost more than 5 % of the operation?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "memory for decoded keys, and a rule for dropping them",
        risk: "stale entries after a key is revoked",
        security: "cache public keys only, and drop an entry when its key is revoked",
        see: "",
        set: "",
        trial: Some(super::suite::HOT_KEYS),
        typical: None,
        evidence: hot_keys,
    },
    Rule {
        id: "caller.hot-key-pair",
        group: KnobGroup::Caller,
        question: "Is the cost of preparing a key unknown, because the suite lacks a pair of benchmarks?",
        needs: Needs::Samples,
        state: KnobState::Information,
        cost: "two more benchmarks in the suite",
        risk: "two benchmarks more to wait for in each run",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: key_pair_missing,
    },
];

fn thread_efficiency(input: &KnobInput<'_>) -> Vec<Fired> {
    let mut slow: Vec<&ParallelScaling> =
        input.parallel.iter().filter(|parallel| parallel.efficiency < EFFICIENT).collect();
    // One card for all of them, led by the worst: the cause is looked for once.
    slow.sort_by(|a, b| a.efficiency.total_cmp(&b.efficiency));
    let Some(worst) = slow.first() else { return Vec::new() };
    let mut evidence = Vec::new();
    for parallel in &slow {
        let text = format!(
            "{} for {} operations, speed-up {:.2}, {} of the ideal",
            words::time(parallel.total_ns),
            parallel.operations,
            parallel.speed_up,
            words::share(parallel.efficiency)
        );
        evidence.push((parallel.benchmark.to_string(), text));
    }
    evidence.push((worst.single.to_string(), words::time(worst.single_ns)));
    vec![Fired {
        predicted_change: Some((worst.efficiency - 1.0, 0.0)),
        confidence: Confidence::Low,
        how: format!("run {} with 1, 2, 4 … threads and compare the speed-up at each step", worst.benchmark),
        ..Fired::new(
            format!(
                "Find out why {} threads reach {} of their ideal in {}",
                worst.threads,
                words::share(worst.efficiency),
                worst.benchmark
            ),
            format!(
                "speed-up {:.2} over {}; lower clocks on all cores, shared caches, locks and allocation are the usual causes",
                worst.speed_up, worst.single
            ),
            evidence,
        )
    }]
}

fn thread_count(input: &KnobInput<'_>) -> Vec<Fired> {
    let crowded: Vec<(&ParallelScaling, u64)> = input
        .parallel
        .iter()
        .filter_map(|parallel| {
            Some((parallel, parallel.usable_cores.filter(|cores| *cores < parallel.threads)?))
        })
        .collect();
    let Some((first, cores)) = crowded.first() else { return Vec::new() };
    let names: Vec<String> = crowded.iter().map(|(parallel, _)| parallel.benchmark.to_string()).collect();
    vec![Fired::new(
        format!("Use {} for {} on this machine", words::count(*cores, "thread"), words::list(&names, NAMED)),
        format!("{} threads share {}", first.threads, words::count(*cores, "usable core")),
        vec![(
            keys::CPU_CORES_USABLE.to_owned(),
            input.fact(keys::CPU_CORES_USABLE).unwrap_or_else(|| cores.to_string()),
        )],
    )]
}

/// Benchmarks of `kms`: what `cold`, `hot` and `verify` mean in the names of another crate is not known.
fn of_kms<'a>(input: &'a KnobInput<'_>) -> impl Iterator<Item = &'a BenchmarkResult> {
    input.timed().filter(|result| result.benchmark.package == KMS)
}

/// Pairs of benchmarks of `kms` that differ in a decoded key alone, with the share that it saves: names that differ in `cold` and
/// `hot`, and a pair that is named.
fn pairs<'a>(input: &'a KnobInput<'_>) -> Vec<(&'a BenchmarkResult, &'a BenchmarkResult, f64)> {
    let named = |name: &str| of_kms(input).find(|result| result.benchmark.to_string() == name);
    let warm = |cold: &str| match DECODED.iter().find(|(from, _)| *from == cold) {
        Some(&(_, to)) => named(to),
        None => cold.contains("cold").then(|| cold.replace("cold", "hot")).and_then(|name| named(&name)),
    };
    of_kms(input)
        .filter_map(|cold| {
            let hot = warm(&cold.benchmark.to_string())?;
            Some((cold, hot, 1.0 - hot.estimate.value / cold.estimate.value))
        })
        .collect()
}

fn hot_keys(input: &KnobInput<'_>) -> Vec<Fired> {
    let worth = pairs(input).into_iter().filter(|(_, _, saved)| *saved > KEY_SHARE);
    worth
        .map(|(cold, hot, saved)| Fired {
            predicted_change: Some((-saved, 0.0)),
            confidence: Confidence::High,
            ..Fired::new(
                "Keep the decoded form of keys that are used again".to_owned(),
                format!("preparing the key takes {} of {}", words::percent(saved), cold.benchmark),
                [cold, hot]
                    .map(|result| (result.benchmark.to_string(), words::time(result.estimate.value)))
                    .into(),
            )
        })
        .collect()
}

fn key_pair_missing(input: &KnobInput<'_>) -> Vec<Fired> {
    let verify = of_kms(input).find(|result| result.benchmark.group.contains("verify"));
    let Some(verify) = verify.filter(|_| pairs(input).is_empty()) else { return Vec::new() };
    vec![Fired {
        how: "bench-runner run --set full   # where the suite has such a pair; else add two benchmarks, …cold… and …hot…"
            .to_owned(),
        ..Fired::new(
            "Measure what preparing a key costs: with a key decoded for each call, and with one that is kept".to_owned(),
            "no two benchmarks of this run differ only in whether the key is decoded already".to_owned(),
            vec![(verify.benchmark.to_string(), words::time(verify.estimate.value))],
        )
    }]
}
