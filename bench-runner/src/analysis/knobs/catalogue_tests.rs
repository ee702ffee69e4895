//! The catalogue as a whole: each rule fires and is silent where it should, and nothing forbidden is in it.

use std::collections::BTreeMap;

use super::super::curve::{CurveHints, batch_curves, parallel_scaling};
use super::super::examples::{benchmark, fact, run, stated};
use super::*;
use crate::model::fact::{Phase, keys};

/// Facts, and benchmarks as target, group, value, elements and total nanoseconds.
type SceneOf<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str, &'a str, u64, f64)]);
type Scene = SceneOf<'static>;

fn ask(scene: SceneOf<'_>) -> Vec<String> {
    let mut run = run('M');
    run.facts = scene.0.iter().map(|(key, text)| fact(key, text)).collect();
    for fact in run.facts.iter_mut().filter(|fact| fact.key == keys::THERMAL_THROTTLES) {
        fact.phase = Phase::Delta;
        fact.value = Some(crate::model::fact::FactValue::Integer(3));
    }
    let results: Vec<BenchmarkResult> = scene
        .1
        .iter()
        .map(|(target, group, value, elements, total)| {
            let value = Some(*value).filter(|value| !value.is_empty());
            stated(benchmark(target, group, value), *elements, *total, None)
        })
        .collect();
    let hints = CurveHints::kms();
    let cards = all_candidates(&KnobInput {
        run: &run,
        results: &results,
        curves: &batch_curves(&results, &hints),
        parallel: &parallel_scaling(&results, &run.facts, &hints),
        budgets: &[],
        hints: &hints,
        settings: &BTreeMap::new(),
    });
    cards.into_iter().map(|card| card.knob).collect()
}

const OPTIMISED: Scene =
    (&[(keys::BUILD_PROFILE, "bench opt-level=3 debug-assertions=false overflow-checks=false")], &[]);
const POOR: Scene = (
    &[(keys::BUILD_PROFILE, "bench opt-level=1 debug-assertions=true overflow-checks=true incremental=true")],
    &[],
);
const THIN: Scene = (&[(keys::BUILD_LTO, "thin")], &[]);
const FAT: Scene = (&[(keys::BUILD_LTO, "fat")], &[]);
const NO_LTO: Scene = (&[(keys::BUILD_LTO, "off")], &[]);
const ONE_UNIT: Scene = (&[(keys::BUILD_CODEGEN_UNITS, "1")], &[]);
const MANY_UNITS: Scene = (&[(keys::BUILD_CODEGEN_UNITS, "16")], &[]);
const WIDE: Scene = (&[(keys::BUILD_FLAGS, "none"), (keys::CPU_FEATURES, "avx2,avx512f,sse4_2")], &[]);
const TUNED: Scene = (
    &[
        (keys::BUILD_FLAGS, "-Ctarget-cpu=native -Cforce-frame-pointers=yes -Cllvm-args=-inline-threshold=9"),
        (keys::CPU_FEATURES, "avx2,avx512f,sse4_2"),
    ],
    &[],
);
const NOTHING: Scene = (&[], &[]);

/// A pair of benchmarks, the second with `after` nanoseconds per element where the first has 100.
macro_rules! pair {
    ($a:literal, $b:literal, $c:literal, $d:literal, $e:literal, $f:literal, $after:literal) => {
        (&[], &[($a, $b, $c, 1, 100.0), ($d, $e, $f, 2, 2.0 * $after)])
    };
}

/// For each rule that looks at facts or at pairs of names: a scene in which it fires, and one in which it is silent.
const CASES: &[(&str, Scene, Scene)] = &[
    ("build.lto-fat", THIN, FAT),
    ("build.lto-thin", NO_LTO, THIN),
    ("build.lto-off", FAT, NO_LTO),
    ("build.codegen-units-1", MANY_UNITS, ONE_UNIT),
    ("build.codegen-units-4", ONE_UNIT, MANY_UNITS),
    ("build.codegen-units-16", ONE_UNIT, MANY_UNITS),
    ("build.opt-level-2", OPTIMISED, POOR),
    ("build.opt-level-3", POOR, OPTIMISED),
    ("build.opt-level-s", OPTIMISED, POOR),
    ("build.overflow-checks", OPTIMISED, POOR),
    ("build.debug-assertions", POOR, OPTIMISED),
    ("build.incremental", POOR, OPTIMISED),
    ("build.target-cpu-native", WIDE, TUNED),
    ("build.target-cpu-v2", WIDE, TUNED),
    ("build.target-cpu-v3", WIDE, TUNED),
    ("build.target-cpu-v4", WIDE, TUNED),
    ("build.frame-pointers", WIDE, TUNED),
    ("build.inline-threshold", WIDE, TUNED),
    ("build.panic-abort", WIDE, (&[(keys::BUILD_FLAGS, "-Cpanic=abort")], &[])),
    ("build.pgo", WIDE, (&[(keys::BUILD_FLAGS, "-Cprofile-use=<path#1>")], &[])),
    (
        "build.portable-backend",
        (&[(keys::PROBE_BACKEND, "avx2")], &[]),
        (&[(keys::PROBE_BACKEND, "serial")], &[]),
    ),
    ("machine.pin-first", (&[(keys::CPU_CORES_USABLE, "4")], &[]), (&[(keys::CPU_CORES_USABLE, "1")], &[])),
    ("machine.pin-second", (&[(keys::CPU_CORES_USABLE, "4")], &[]), (&[(keys::CPU_CORES_USABLE, "1")], &[])),
    (
        "machine.neighbour",
        (&[(keys::CANARY_CONTENTION, "0.6")], &[]),
        (&[(keys::CANARY_CONTENTION, "0.99")], &[]),
    ),
    ("machine.heat", (&[(keys::THERMAL_THROTTLES, "3")], &[]), NOTHING),
    ("machine.memory-nodes", (&[(keys::CPU_NUMA, "2")], &[]), (&[(keys::CPU_NUMA, "1")], &[])),
    (
        "machine.core-kinds",
        (&[(keys::CPU_KINDS, "8 performance, 8 efficiency")], &[]),
        (&[(keys::CPU_KINDS, "uniform")], &[]),
    ),
    ("machine.watchdog", (&[(keys::OS_WATCHDOG, "yes")], &[]), (&[(keys::OS_WATCHDOG, "no")], &[])),
    (
        "machine.translation",
        (&[(keys::VIRT_TRANSLATION, "rosetta")], &[]),
        (&[(keys::VIRT_TRANSLATION, "none")], &[]),
    ),
    (
        "machine.programs",
        (&[(keys::LOAD_PROGRAMS, "compiler 2")], &[]),
        (&[(keys::LOAD_PROGRAMS, "none")], &[]),
    ),
    (
        "machine.thread-stack",
        (
            &[],
            &[
                ("parallel_throughput", "parallel_sign_4x", "", 4000, 5e6),
                ("sign_bench", "ed25519_sign_128B", "", 1, 1e4),
            ],
        ),
        NOTHING,
    ),
    (
        "caller.key-table",
        pair!("hot_keys", "verify_one", "decoded", "hot_keys", "verify_one", "table", 80.0),
        pair!("hot_keys", "verify_one", "decoded", "hot_keys", "verify_one", "table", 99.0),
    ),
    (
        "caller.batch-one-key",
        pair!("batch_verify", "verify_batch", "64", "batch_verify", "verify_batch_one_key", "64", 70.0),
        pair!("batch_verify", "verify_batch", "64", "batch_verify", "verify_batch_one_key", "64", 120.0),
    ),
    (
        "caller.strict-batch",
        pair!("verify_bench", "ed25519_verify_128B", "", "batch_verify", "verify_many_strict", "64", 99.0),
        pair!("verify_bench", "ed25519_verify_128B", "", "batch_verify", "verify_many_strict", "64", 60.0),
    ),
    (
        "caller.thread-pool",
        pair!(
            "parallel_pool",
            "parallel_pool_2",
            "sign_scoped",
            "parallel_pool",
            "parallel_pool_2",
            "sign_pool",
            90.0
        ),
        pair!(
            "parallel_pool",
            "parallel_pool_2",
            "sign_scoped",
            "parallel_pool",
            "parallel_pool_2",
            "sign_pool",
            110.0
        ),
    ),
    (
        "caller.bad-signatures",
        pair!(
            "bad_signatures",
            "verify_batch_64_bad",
            "0",
            "bad_signatures",
            "verify_batch_64_bad",
            "1",
            250.0
        ),
        pair!(
            "bad_signatures",
            "verify_batch_64_bad",
            "0",
            "bad_signatures",
            "verify_batch_64_bad",
            "1",
            101.0
        ),
    ),
    (
        "caller.key-lookup",
        pair!("keystore", "keystore_sign", "by_id", "keystore", "keystore_sign", "raw_key", 90.0),
        pair!("keystore", "keystore_sign", "by_id", "keystore", "keystore_sign", "raw_key", 99.0),
    ),
    (
        "caller.two-threads",
        pair!(
            "parallel_scaling",
            "parallel_sign_threads",
            "1",
            "parallel_scaling",
            "parallel_sign_threads",
            "2",
            55.0
        ),
        pair!(
            "parallel_scaling",
            "parallel_sign_threads",
            "1",
            "parallel_scaling",
            "parallel_sign_threads",
            "2",
            105.0
        ),
    ),
    (
        "caller.four-threads",
        pair!(
            "parallel_scaling",
            "parallel_sign_threads",
            "2",
            "parallel_scaling",
            "parallel_sign_threads",
            "4",
            55.0
        ),
        pair!(
            "parallel_scaling",
            "parallel_sign_threads",
            "2",
            "parallel_scaling",
            "parallel_sign_threads",
            "4",
            105.0
        ),
    ),
    (
        "caller.batch-cliff",
        pair!("batch_sweep", "verify_batch", "94", "batch_sweep", "verify_batch", "95", 90.0),
        pair!("batch_sweep", "verify_batch", "94", "batch_sweep", "verify_batch", "95", 103.0),
    ),
    (
        "caller.batch-large",
        pair!("batch_verify", "verify_batch", "64", "batch_sweep", "verify_batch", "256", 70.0),
        pair!("batch_verify", "verify_batch", "64", "batch_sweep", "verify_batch", "256", 100.0),
    ),
    (
        "caller.part-size",
        pair!(
            "parallel_scaling",
            "parallel_verify_batch_part",
            "64",
            "parallel_scaling",
            "parallel_verify_batch_part",
            "500",
            70.0
        ),
        pair!(
            "parallel_scaling",
            "parallel_verify_batch_part",
            "64",
            "parallel_scaling",
            "parallel_verify_batch_part",
            "500",
            100.0
        ),
    ),
];

#[test]
fn each_rule_fires_and_is_silent_where_it_should() {
    for (id, fires, silent) in CASES {
        let has = |scene: &Scene| ask(*scene).iter().any(|found| found == id);
        assert!(has(fires), "{id} does not fire");
        assert!(!has(silent), "{id} fires where it should be silent");
    }
    assert_eq!(ask(NOTHING), [""; 0], "nothing is known, and something is said");
    // The allocator's rules speak of the GNU C library, wherever the run is looked at.
    let allocators = |host| {
        let found = ask((&[(keys::TOOLCHAIN_HOST, host)], &[]));
        found.iter().filter(|id| id.contains("alloc")).count()
    };
    assert_eq!(allocators("aarch64-unknown-linux-gnu"), 6);
    for host in ["aarch64-apple-darwin", "x86_64-unknown-linux-musl", "x86_64-pc-windows-msvc"] {
        assert_eq!(allocators(host), 0, "{host}");
    }
    let elsewhere = include_str!("tests.rs");
    for rule in rules() {
        let tested = CASES.iter().any(|(id, _, _)| *id == rule.id)
            || elsewhere.contains(&format!("\"{}\"", rule.id))
            || rule.id.contains("alloc");
        assert!(tested, "{} has no case", rule.id);
    }
}

#[test]
fn the_catalogue_is_large_enough_and_complete() {
    assert!(rules().count() >= 40, "{}", rules().count());
    let tryable = rules().filter(|rule| rule.trial.is_some()).count();
    assert!(tryable >= 20, "{tryable}");
    for group in [KnobGroup::Caller, KnobGroup::Build, KnobGroup::Machine, KnobGroup::Measurement] {
        assert!(rules().any(|rule| rule.group == group), "{group:?}");
    }
    for one in rules() {
        assert_eq!(rules().filter(|other| other.id == one.id).count(), 1, "{}", one.id);
        assert!(one.question.ends_with('?') && !one.cost.is_empty() && !one.risk.is_empty(), "{}", one.id);
        let trial = one.trial.as_ref();
        assert!(trial.is_none_or(|trial| !trial.action.is_empty()), "{}", one.id);
    }
}

/// What a knob costs and what can go wrong is its own: one text for many tells a reader nothing.
#[test]
fn no_two_knobs_share_their_words() {
    let words: Vec<&str> = "none|unknown|none known|a change in the caller|build time".split('|').collect();
    for one in rules() {
        assert!(
            !words.contains(&one.cost) && !words.contains(&one.risk),
            "{}: {} / {}",
            one.id,
            one.cost,
            one.risk
        );
        for other in rules().filter(|other| other.id > one.id) {
            assert!(one.cost != other.cost, "{} and {} cost the same: {}", one.id, other.id, one.cost);
            assert!(one.risk != other.risk, "{} and {} risk the same: {}", one.id, other.id, one.risk);
            assert!(one.question != other.question, "{} and {}", one.id, other.id);
        }
    }
}

/// Knobs of the machine say what they mean for security and how they are seen and turned; a line fits a narrow page.
#[test]
fn knobs_of_the_machine_come_with_their_commands() {
    for one in rules().filter(|rule| rule.group == KnobGroup::Machine) {
        assert!(!one.security.is_empty(), "{} says nothing of security", one.id);
        let measured_only = one.state == KnobState::Information && one.trial.is_some();
        assert!(measured_only || !one.see.is_empty(), "{} does not say how it is seen", one.id);
        let lines = one.lines("");
        assert!(measured_only || lines.contains(SEE) && lines.contains(TURN), "{}: {lines}", one.id);
        assert!(lines.lines().all(|line| line.chars().count() <= 76), "{}: {lines}", one.id);
    }
    // Lines of a finding come before those of the trial, and both before what turns it.
    let rule = rule("machine.heat").unwrap();
    assert!(rule.lines("own").ends_with("\nown") && rule.lines("").ends_with(rule.set));
    let plain = super::rule("build.lto-fat").unwrap();
    assert_eq!(plain.lines(""), "[profile.release]\nlto = \"fat\"");
}

/// A card that nothing but a fact speaks for says what would be tried, and none says the same as another.
#[test]
fn untried_knobs_say_what_to_try() {
    let made = |id: &str| {
        let untried = Fired::new(UNTRIED.to_owned(), String::new(), Vec::new());
        card(rule(id).unwrap(), untried, &run('M')).action
    };
    assert_eq!(made("build.lto-fat"), "Build with fat link-time optimisation, if a trial here verifies it");
    assert_eq!(made("build.lto-off"), "Build without link-time optimisation, if a trial here verifies it");
    assert_eq!(made("build.overflow-checks"), "What do checks for arithmetic overflow cost?");
    let all: std::collections::BTreeSet<String> =
        rules().filter(|rule| rule.trial.is_some()).map(|rule| made(rule.id)).collect();
    assert_eq!(all.len(), rules().filter(|rule| rule.trial.is_some()).count());
}

/// Constants that prose repeats.
#[test]
fn the_documents_state_the_constants() {
    use super::{batch, caller, judging, stale};
    let statistics = include_str!("../../../docs/statistics.md");
    let catalogue = include_str!("../../../docs/knobs.md");
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    for (document, sentence) in [
        (statistics, format!("the smallest size within {} of the best", percent(batch::NEAR_BEST - 1.0))),
        (statistics, format!("asked about above {}", percent(batch::CHUNK_OVERHEAD))),
        (statistics, format!("less than {} standard deviations between launches", judging::DEVIATIONS)),
        (statistics, format!("and at least {}, above the result", percent(judging::LEAST_MARGIN))),
        (statistics, format!("passed once in {} on one side", judging::ONCE_IN_NIGHTS)),
        (catalogue, format!("or {} days passed", stale::DAYS)),
        (statistics, format!("· {} ÷ α) blocks", crate::stats::sequential::WIDTHS.len())),
        (catalogue, format!("a batch costs at most {} of it", percent(batch::COMBINE_BELOW))),
        (catalogue, format!("less than {} of their ideal", percent(caller::EFFICIENT))),
        (catalogue, format!("more than {} of the operation", percent(caller::KEY_SHARE))),
    ] {
        assert!(document.contains(&sentence), "not said: {sentence}");
    }
    // 1 ÷ (1 − Φ(3)).
    let once = 1.0 / (1.0 - crate::stats::distributions::normal_cdf(judging::DEVIATIONS));
    assert!((once - f64::from(judging::ONCE_IN_NIGHTS)).abs() < 0.5, "{once}");
}

#[test]
fn nothing_forbidden_is_in_the_catalogue() {
    for one in rules() {
        assert_eq!(recommends_the_forbidden(one), None, "{}", one.id);
    }
    // The rule itself sees what it is there for.
    let weaker = |from: &'static [(&'static str, &'static str)]| {
        let trial = Some(Trial::pairs(from, "Verify less", ""));
        recommends_the_forbidden(&Rule { trial, ..*rule("caller.batch-size").unwrap() })
    };
    assert!(
        weaker(&[("verify_bench/ed25519_verify_128B", "verify_bench/ed25519_verify_zip215_128B")]).is_some()
    );
    assert!(weaker(&[("verify_bench/ed25519_verify_128B", "batch_verify/verify_batch/64")]).is_some());
    // Neither name says its rule in so many words.
    let threads = "parallel_throughput/parallel_verify_4x";
    assert!(weaker(&[("hot_keys/verify_one/decoded", "batch_verify/verify_batch_one_key/64")]).is_some());
    assert_eq!(
        weaker(&[("parallel_throughput/parallel_verify_4x", "parallel_throughput/parallel_verify_batch_4x")]),
        Some(format!("{threads} -> parallel_throughput/parallel_verify_batch_4x"))
    );
    assert_eq!(weaker(&[("verify_bench/ed25519_verify_zip215_128B", "batch_verify/verify_batch/64")]), None);
    let unmoved = Trial::to(Setting::AS_IS, "", "").or_unmoved("Build with panic=abort");
    let told = Rule { trial: Some(unmoved), ..*rule("build.lto-fat").unwrap() };
    assert_eq!(recommends_the_forbidden(&told).as_deref(), Some("panic=abort"));
    let hardening =
        Trial::to(Setting { rustflags: &["-Crelro-level=off"], ..Setting::AS_IS }, "Harden less", "");
    let unsafe_rule = Rule { trial: Some(hardening), ..*rule("build.lto-fat").unwrap() };
    assert_eq!(recommends_the_forbidden(&unsafe_rule).as_deref(), Some("relro"));
}

/// A rule that knows benchmarks by name says whose names they are, and one that needs a program or a crate says which.
#[test]
fn rules_say_what_they_need() {
    let needs = |id: &str| rule(id).unwrap().requires();
    for one in rules() {
        let by_name = matches!(one.trial.map(|trial| trial.recipe), Some(Recipe::Suite(_)));
        assert_eq!(
            by_name || one.id == "caller.hot-key-pair",
            one.requires().contains("of kms"),
            "{}",
            one.id
        );
    }
    assert!(needs("caller.batch-size").contains("evidence comes from any suite"));
    assert!(!needs("caller.key-table").contains("any suite"));
    assert_eq!(needs("build.curve-backend"), "the crate curve25519-dalek");
    assert_eq!(needs("machine.allocator-mimalloc"), "libmimalloc.so.2");
    assert_eq!(needs("build.lto-fat"), "");
    assert_eq!(rule("build.pgo").unwrap().program(), Some("cargo-pgo"));
    assert_eq!(rule("build.curve-backend").unwrap().program(), None);
}
