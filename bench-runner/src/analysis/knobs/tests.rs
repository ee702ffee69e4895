//! The rules on the founding record, on measured runs, and against the list of what is never recommended.
//!
//! All numbers are made up or taken from the founding note; nothing here is measured.

use std::collections::BTreeMap;

use super::super::curve::{CurveHints, batch_curves, parallel_scaling};
use super::super::estimate::estimate_run;
use super::super::examples::{benchmark, fact, founding, measurement, noisy_launches, run, stated};
use super::*;
use crate::model::fact::{FactStatus, keys};
use crate::model::gate::Per;
use crate::model::units::Throughput;
use crate::stats::rng::SplitMix64;

fn ask(
    run: &Run,
    results: &[BenchmarkResult],
    budgets: &[Budget],
    hints: &CurveHints,
) -> Vec<Recommendation> {
    recommend(&KnobInput {
        run,
        results,
        curves: &batch_curves(results, hints),
        parallel: &parallel_scaling(results, &run.facts, hints),
        budgets,
        hints,
        settings: &BTreeMap::new(),
    })
}

fn founding_cards() -> Vec<Recommendation> {
    let (run, results, budgets) = founding();
    ask(&run, &results, &budgets, &CurveHints::kms())
}

fn ids(cards: &[Recommendation]) -> Vec<&str> {
    cards.iter().map(|card| card.knob.as_str()).collect()
}

#[track_caller]
fn card<'a>(cards: &'a [Recommendation], id: &str) -> &'a Recommendation {
    cards.iter().find(|card| card.knob == id).unwrap_or_else(|| panic!("no {id} in {:?}", ids(cards)))
}

#[test]
fn the_founding_record_triggers_exactly_its_seven_rules() {
    let cards = founding_cards();
    let mut found = ids(&cards);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "caller.batch-per-thread",
            "caller.batch-sweep",
            "caller.thread-efficiency",
            "measure.gate-configuration",
            "measure.launches",
            "measure.sampling-plan",
            "measure.statistic-label",
        ]
    );
    assert_eq!(cards[0].knob, "caller.batch-per-thread");
}

#[test]
fn the_founding_cards_carry_the_recomputed_numbers() {
    let cards = founding_cards();
    for (id, texts) in [
        (
            "caller.batch-per-thread",
            &["4 × 50.3 k/s × 0.733 ≈ 148 k/s", "-40.9 % time per operation", "chunks of 32"][..],
        ),
        ("caller.thread-efficiency", &["73 %", "speed-up 2.93", "parallel_verify_4x"]),
        ("caller.batch-sweep", &["beyond 64", "94, 95, 128, 256", "until then 32 is enough", "at 95 items"]),
        (
            "measure.sampling-plan",
            &[
                "verify_batch/32",
                "28.7 s where 15.0 s",
                "--measurement-time 20 would not help: 28.7 s",
                "15.1 s",
            ],
        ),
        ("measure.gate-configuration", &["3 budgets", "power-mode=normal;power-source=mains"]),
        ("measure.statistic-label", &["slope under linear sampling and a mean under flat", "7 of 7"]),
        ("measure.launches", &["one process"]),
    ] {
        let card = card(&cards, id);
        let all = format!("{} {} {}", card.action, card.because, card.how);
        for text in texts {
            assert!(all.contains(text), "`{text}` is not in the card {id}: {all}");
        }
        assert!(!card.evidence.is_empty(), "{id} has no evidence");
    }
    let combined = card(&cards, "caller.batch-per-thread");
    assert!(combined.risk.contains("security: batch verification uses the cofactored equation"));
    let (low, high) = combined.predicted_change.unwrap();
    assert!((low + 0.4095).abs() < 0.001 && low < high && high < 0.0);
}

/// A run whose launches scatter, with the kms names.
fn measured(launches: u32, deviation: f64) -> (Run, Vec<BenchmarkResult>) {
    let (_, record, _) = founding();
    let mut rng = SplitMix64::new(4);
    let mut data = Vec::new();
    for result in &record {
        for launch in 0..launches {
            let center = result.estimate.value * (deviation * rng.normal()).exp();
            let values: Vec<f64> = (0..40).map(|_| center * (1.0 + 0.002 * rng.normal())).collect();
            let mut one = measurement(result.benchmark.clone(), &values);
            one.throughput = vec![Throughput::Elements(result.elements().unwrap())];
            data.push((launch, one));
        }
    }
    (run('M'), estimate_run(&[], &data))
}

#[test]
fn a_well_measured_run_is_not_told_to_measure_again() {
    let (run, results) = measured(10, 0.002);
    let cards = ask(&run, &results, &[], &CurveHints::kms());
    for absent in ["measure.launches", "measure.launch-count", "measure.window", "measure.statistic-label"] {
        assert!(!ids(&cards).contains(&absent), "{absent}");
    }
    assert!(ids(&cards).contains(&"caller.hot-key-pair"));
}

#[test]
fn noisy_launches_get_the_computed_number() {
    let (run, results) = measured(5, 0.03);
    let cards = ask(&run, &results, &[], &CurveHints::kms());
    let asked = card(&cards, "measure.launch-count");
    // About (1.96 · σ ÷ 1 %)² with σ between 1.5 and 5 %.
    let launches: u32 = asked.how.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((10..=120).contains(&launches), "{}", asked.how);
}

#[test]
fn an_optimum_inside_the_sweep_names_its_size_and_losing_batches_are_named() {
    let id = |size: &str| benchmark("batch_verify", "verify_batch", Some(size));
    let results = [
        stated(benchmark("verify_bench", "ed25519_verify_zip215_128B", None), 1, 30_000.0, None),
        stated(id("1"), 1, 39_000.0, None),
        stated(id("32"), 32, 32.0 * 15_000.0, None),
        stated(id("256"), 256, 256.0 * 15_200.0, None),
    ];
    let cards = ask(&run('M'), &results, &[], &CurveHints::kms());
    let size = card(&cards, "caller.batch-size");
    assert!(size.action.contains("Batch 32 operations") && size.because.contains("-50.0 %"), "{size:?}");
    assert!(size.risk.contains("cofactored"));
    let crossover = card(&cards, "caller.batch-crossover");
    assert!(crossover.action.contains("up to 1 items; from 32 on"), "{}", crossover.action);
    assert!(!ids(&cards).contains(&"caller.batch-sweep"));
}

/// The founding record with one more benchmark, whose threads verify in batches.
fn with_batched_threads(operations: u64, total_ns: f64) -> Vec<Recommendation> {
    let (run, mut results, _) = founding();
    let id = benchmark("parallel_throughput", "parallel_verify_batch_4x", None);
    results.push(stated(id, operations, total_ns, None));
    ask(&run, &results, &[], &CurveHints::kms())
}

#[test]
fn batched_threads_with_few_items_are_asked_about_their_chunks() {
    let cards = with_batched_threads(32, 0.3e6);
    let chunk = card(&cards, "caller.chunk-per-thread");
    assert!(chunk.because.contains("the 8 items of each thread spend at least 11.8 %"), "{}", chunk.because);
    assert!(!ids(&with_batched_threads(4000, 25e6)).contains(&"caller.chunk-per-thread"));
}

#[test]
fn a_measured_combination_of_threads_and_batches_replaces_the_prediction() {
    let cards = with_batched_threads(4000, 25e6);
    let combined = card(&cards, "caller.batch-per-thread");
    assert!(combined.because.contains("measured in parallel_throughput/parallel_verify_batch_4x: 160 k/s"));
    assert_eq!(combined.confidence, Confidence::High);
    let (low, high) = combined.predicted_change.unwrap();
    assert!((low - (25.0 / 45.89 - 1.0)).abs() < 1e-9 && (low - high).abs() < 1e-12);
    // When the combination was tried and gains nothing, nothing is advised.
    assert!(!ids(&with_batched_threads(4000, 46e6)).contains(&"caller.batch-per-thread"));
}

/// Strict single verification must never be traded for the batch's weaker equation as if that were a gain.
#[test]
fn batches_under_another_equation_are_no_card() {
    let (run, mut results, _) = founding();
    assert!(ids(&ask(&run, &results, &[], &CurveHints::kms())).contains(&"caller.batch-per-thread"));
    // Measured, the benchmark of that name is the strict rule; beside the other rule it is another operation anyway.
    let measured = Run { kind: RunKind::Measured, ..run.clone() };
    for id in ["caller.batch-per-thread", "caller.batch-size"] {
        assert!(!ids(&ask(&measured, &results, &[], &CurveHints::kms())).contains(&id), "{id}");
    }
    results.push(stated(benchmark("verify_bench", "ed25519_verify_zip215_128B", None), 1, 33_000.0, None));
    assert!(!ids(&ask(&run, &results, &[], &CurveHints::kms())).contains(&"caller.batch-per-thread"));
}

#[test]
fn a_machine_without_budgets_gets_limits_and_their_false_alarms() {
    let results = estimate_run(&[], &noisy_launches("t", "f", 1e6, 10, 0.03));
    let elsewhere = Budget {
        id: "b".to_owned(),
        benchmark: "t/f".to_owned(),
        limit_ns: 1e6,
        per: Per::Iteration,
        hw_class: "another/kind".to_owned(),
        config: None,
    };
    let cards = ask(&run('M'), &results, std::slice::from_ref(&elsewhere), &CurveHints::default());
    let found = card(&cards, "measure.gate-proposal");
    assert!(
        found.because.starts_with("none of 1 budget belongs to")
            && found.because.contains("one of 741 nights")
    );
    assert!(found.evidence[0].value.starts_with("limit 1.") && found.how.contains("gate init"));
    let ours = Budget { hw_class: run('M').identity.hw_class, ..elsewhere };
    assert!(
        !ids(&ask(&run('M'), &results, &[ours], &CurveHints::default())).contains(&"measure.gate-proposal")
    );
    // One launch says nothing of how launches differ.
    let alone = estimate_run(&[], &noisy_launches("t", "f", 1e6, 1, 0.03));
    assert!(!ids(&ask(&run('M'), &alone, &[], &CurveHints::default())).contains(&"measure.gate-proposal"));
}

#[test]
fn a_pair_of_names_of_kms_tells_what_a_decoded_key_saves() {
    let results = [("from_bytes", 33_000.0), ("decoded", 29_000.0)]
        .map(|(name, time)| stated(benchmark("hot_keys", "verify_one", Some(name)), 1, time, None));
    let cards = ask(&run('M'), &results, &[], &CurveHints::kms());
    assert!(card(&cards, "caller.hot-key-cache").how.contains("KeyCache"));
    assert!(!ids(&cards).contains(&"caller.hot-key-pair"));
}

#[track_caller]
fn check_facts(facts: &[(&str, &str)], expected: &[&str]) {
    let (_, results) = measured(10, 0.002);
    let mut run = run('M');
    run.facts = facts.iter().map(|(key, text)| fact(key, text)).collect();
    let environment: Vec<String> = ask(&run, &results, &[], &CurveHints::kms())
        .into_iter()
        .map(|card| card.knob)
        .filter(|id| id.starts_with("build.") || id.starts_with("machine."))
        .collect();
    assert_eq!(environment, expected, "{facts:?}");
}

#[test]
fn facts_decide_about_build_and_machine() {
    check_facts(&[], &[]);
    let ifma = (keys::CPU_FEATURES, "avx2,avx512f,avx512ifma");
    check_facts(&[ifma, (keys::PROBE_BACKEND, "avx2")], &["build.curve-backend"]);
    check_facts(&[ifma, (keys::PROBE_BACKEND, "avx512-ifma")], &[]);
    check_facts(&[(keys::CPU_FEATURES, "avx2"), (keys::PROBE_BACKEND, "serial")], &["build.curve-backend"]);
    check_facts(&[(keys::CPU_FEATURES, "avx2"), (keys::PROBE_BACKEND, "avx2")], &[]);
    check_facts(&[(keys::BUILD_FLAGS, "-C target-cpu=native")], &["build.target-cpu"]);
    check_facts(&[(keys::POWER_SOURCE, "battery")], &["machine.power-mode"]);
    check_facts(&[(keys::POWER_SOURCE, "mains"), (keys::POWER_MODE, "normal")], &[]);
    check_facts(&[(keys::POWER_MODE, "power-saver")], &["machine.power-mode"]);
    check_facts(&[(keys::FREQ_GOVERNOR, "powersave"), (keys::FREQ_DRIVER, "intel_pstate")], &[]);
    check_facts(&[(keys::FREQ_GOVERNOR, "powersave")], &["machine.governor"]);
    check_facts(&[(keys::FREQ_EPP, "balance_power")], &["machine.governor"]);
    check_facts(&[(keys::VIRT_CPU_QUOTA, "2")], &["machine.quota"]);
    check_facts(&[(keys::VIRT_CPU_QUOTA, "4")], &[]);
}

#[test]
fn hidden_facts_fire_nothing() {
    let (_, results) = measured(10, 0.002);
    let mut run = run('M');
    run.facts = vec![fact(keys::POWER_SOURCE, "battery"), fact(keys::FREQ_GOVERNOR, "powersave")];
    for fact in &mut run.facts {
        fact.status = FactStatus::Placeholder;
    }
    let cards = ask(&run, &results, &[], &CurveHints::kms());
    assert!(!ids(&cards).iter().any(|id| id.starts_with("machine.")));
}

#[test]
fn hot_keys_and_crowded_threads_are_found() {
    let (_, mut results, _) = founding();
    results.push(stated(benchmark("verify_bench", "verify_cold_key", None), 1, 33_000.0, None));
    results.push(stated(benchmark("verify_bench", "verify_hot_key", None), 1, 29_000.0, None));
    let mut run = run('M');
    run.facts = vec![fact(keys::CPU_CORES_USABLE, "2")];
    let cards = ask(&run, &results, &[], &CurveHints::kms());
    assert!(card(&cards, "caller.hot-key-cache").because.contains("12.1 %"));
    assert!(card(&cards, "caller.thread-count").because.contains("4 threads share 2 usable cores"));
    assert!(!ids(&cards).contains(&"caller.hot-key-pair"));
    // What hot and cold mean in another crate is not known, nor what it verifies.
    let advice_on_keys = |results: &[BenchmarkResult]| {
        let cards = ask(&run, results, &[], &CurveHints::kms());
        cards.iter().filter(|card| card.knob.starts_with("caller.hot-key")).count()
    };
    assert_eq!(advice_on_keys(&results), 1);
    let mut verifies: Vec<BenchmarkResult> = founding().1;
    assert_eq!(advice_on_keys(&verifies), 1);
    for of_others in results.iter_mut().chain(&mut verifies) {
        of_others.benchmark.package = "cache".to_owned();
    }
    assert_eq!((advice_on_keys(&results), advice_on_keys(&verifies)), (0, 0));
}

#[test]
fn a_budget_within_the_noise_is_loosened_by_computation() {
    let results = estimate_run(&[], &noisy_launches("t", "f", 1e6, 10, 0.03));
    let value = results[0].estimate.value;
    let budget = |limit_ns: f64| Budget {
        id: "b".to_owned(),
        benchmark: "t/f".to_owned(),
        limit_ns,
        per: Per::Iteration,
        hw_class: run('M').identity.hw_class,
        config: Some("governor=?".to_owned()),
    };
    let tight = ask(&run('M'), &results, &[budget(value * 1.03)], &CurveHints::default());
    assert!(card(&tight, "measure.gate-margin").because.contains("3.0 % above"));
    let roomy = ask(&run('M'), &results, &[budget(value * 1.5)], &CurveHints::default());
    assert!(!ids(&roomy).contains(&"measure.gate-margin"));
    assert!(!ids(&roomy).contains(&"measure.gate-configuration"));
}

#[test]
fn odd_shapes_and_short_windows_reach_the_cards() {
    let mut rng = SplitMix64::new(2);
    let mut data = Vec::new();
    for launch in 0..6 {
        let two: Vec<f64> =
            (0..80).map(|i| if i % 2 == 0 { 1e6 } else { 1.2e6 } * (1.0 + 0.003 * rng.normal())).collect();
        data.push((launch, measurement(benchmark("t", "two", None), &two)));
        let wide: Vec<f64> = (0..10).map(|_| 5e4 * (1.0 + 0.08 * rng.normal().abs())).collect();
        data.push((launch, measurement(benchmark("t", "wide", None), &wide)));
    }
    let mut results = estimate_run(&[], &data);
    results[1].launch_variance_share = Some(0.1);
    let cards = ask(&run('M'), &results, &[], &CurveHints::default());
    assert!(!card(&cards, "measure.modes").evidence.is_empty());
    assert!(card(&cards, "measure.short-observations").because.contains("t/wide"));
    assert!(card(&cards, "measure.window").how.starts_with("measurement_seconds = "));
}

#[test]
fn there_are_enough_rules_with_unique_ids_and_complete_texts() {
    let all: Vec<&Rule> = RULES.iter().flat_map(|rules| rules.iter()).collect();
    assert!(all.len() >= 14, "{}", all.len());
    let mut ids: Vec<&str> = all.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
    for rule in all {
        assert!(
            rule.question.ends_with('?') && !rule.cost.is_empty() && !rule.risk.is_empty(),
            "{}",
            rule.id
        );
    }
}

/// No text of any rule, and no card on any of the runs above, proposes what must never be proposed.
#[test]
fn nothing_on_the_forbidden_list_is_recommended() {
    let mut texts: Vec<String> = RULES
        .iter()
        .flat_map(|rules| rules.iter())
        .map(|rule| format!("{} {} {} {} {}", rule.id, rule.question, rule.cost, rule.risk, rule.security))
        .collect();
    let (mut machine, results) = measured(5, 0.03);
    machine.facts = vec![
        fact(keys::CPU_FEATURES, "avx2,avx512ifma"),
        fact(keys::PROBE_BACKEND, "serial"),
        fact(keys::BUILD_FLAGS, "-C target-cpu=native"),
        fact(keys::POWER_SOURCE, "battery"),
        fact(keys::FREQ_GOVERNOR, "powersave"),
        fact(keys::VIRT_CPU_QUOTA, "1"),
        fact(keys::OS_ASLR, "2"),
        fact(keys::OS_MITIGATIONS, "spectre_v2"),
    ];
    let mut cards = founding_cards();
    cards.extend(ask(&machine, &results, &[], &CurveHints::kms()));
    assert!(cards.len() > 15, "{:?}", ids(&cards));
    texts.extend(cards.iter().map(|c| format!("{} {} {} {} {}", c.action, c.because, c.cost, c.risk, c.how)));
    for text in texts {
        let lower = text.to_lowercase();
        for forbidden in NEVER_RECOMMENDED {
            assert!(!lower.contains(forbidden), "`{forbidden}` in: {text}");
        }
    }
}
