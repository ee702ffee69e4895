//! A small store for the pages: three machines, thirteen benchmarks with hostile names among them, 31 nights with a
//! slowdown, a speed-up, a new compiler and a missing week. Seeded, so that equal calls give equal stores.

use std::path::Path;

#[path = "made_up_knob.rs"]
mod knob;

use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use bench_runner::model::finding::{Finding, Severity};
use bench_runner::model::ids::{BenchmarkId, Digest, Identity};
use bench_runner::model::measurement::{HarnessSettings, Measurement, Observation, SamplingMode};
use bench_runner::model::record::{LaunchMeasurement, RunRecord};
use bench_runner::model::run::{Capture, Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};
use bench_runner::stats::rng::SplitMix64;
use bench_runner::store::{OpenMode, Store};

/// 2026-10-20T22:07:00Z.
const FIRST: i64 = 1_792_534_020_000_000;
/// Nights.
const NIGHTS: u32 = 31;
const LAUNCHES: u32 = 5;
const OBSERVATIONS: u32 = 10;

/// Names that strangers may write.
pub(crate) const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "nul\0\u{1b}[31mred|pipe`tick`",
    "right\u{202e}tfel 🦀 ünïcödé",
    "\" onload=\"alert(1)\" ](javascript:alert(1)) ]]> --> </style></svg></script>",
    "long",
];

/// What is measured: target, group, value, elements per iteration, nanoseconds.
const SUITE: [(&str, &str, Option<&str>, u64, f64); 8] = [
    ("sign_bench", "ed25519_sign_128B", None, 1, 17_309.0),
    ("verify_bench", "ed25519_verify_128B", None, 1, 33_659.0),
    ("batch_verify", "verify_batch", Some("8"), 8, 171_240.0),
    ("batch_verify", "verify_batch", Some("32"), 32, 636_040.0),
    ("batch_verify", "verify_batch", Some("64"), 64, 1_242_500.0),
    ("parallel_throughput", "parallel_sign_4x", None, 4000, 20_047_000.0),
    ("keystore", "lookup", Some("1000"), 1, 412.0),
    ("keystore", "rotate", None, 1, 98_400.0),
];

struct Machine {
    key: &'static str,
    label: Option<&'static str>,
    class: &'static str,
    config: &'static str,
    speed: f64,
    noise: f64,
    grade: &'static str,
}

const MACHINES: [Machine; 3] = [
    Machine {
        key: "9f3c5d2ab1e84470",
        label: Some("laptop"),
        class: "x86_64/intel-core-i5-8257u/4c8t/16g",
        config: "governor=powersave;power-mode=balanced;power-source=mains",
        speed: 1.0,
        noise: 0.004,
        grade: "B",
    },
    Machine {
        key: "0123456789abcdef",
        label: Some("server"),
        class: "x86_64/amd-epyc-9354p/32c64t/256g",
        config: "governor=performance;power-mode=normal;power-source=mains",
        speed: 0.57,
        noise: 0.002,
        grade: "A",
    },
    Machine {
        key: "<b>machine</b>\u{202e}",
        label: None,
        class: "aarch64/<i>unknown</i>/4c4t/8g",
        config: "governor=?;power-mode=?;power-source=\"><script>",
        speed: 3.5,
        noise: 0.02,
        grade: "X",
    },
];

/// Fills a new store at `path`.
pub(crate) fn store(path: &Path) {
    let (mut store, _) = Store::open(path, OpenMode::ReadWrite, Timestamp(FIRST)).expect("the store opens");
    for night in 0..NIGHTS {
        for (number, machine) in (0_u32..).zip(&MACHINES) {
            // A missing week of the laptop; the third machine is young and then silent.
            let away = match number {
                0 => (12..18).contains(&night),
                2 => !(20..27).contains(&night),
                _ => false,
            };
            if !away {
                store.import_run(&record(machine, number, night)).expect("the run is stored");
            }
        }
    }
    knob::tried(&mut store);
}

/// The benchmarks: those of the suite, then the hostile ones.
fn inventory() -> Vec<(BenchmarkId, u64, f64)> {
    let id = |target: &str, group: &str, value: Option<&str>| BenchmarkId {
        package: "kms".to_owned(),
        target: target.to_owned(),
        group: group.to_owned(),
        function: None,
        value: value.map(str::to_owned),
        occurrence: 0,
    };
    let mut all: Vec<(BenchmarkId, u64, f64)> = SUITE
        .iter()
        .map(|(target, group, value, elements, time)| (id(target, group, *value), *elements, *time))
        .collect();
    for name in HOSTILE {
        let name = if name == "long" { "x".repeat(300) } else { name.to_owned() };
        all.push((id("hostile", &name, None), 1, 1234.5));
    }
    all
}

/// By how much a benchmark differs from its first level.
fn level(place: usize, machine: u32, night: u32) -> f64 {
    match (place, machine) {
        // verify_batch/32 got slower on the server, and stayed so.
        (3, 1) if night >= 24 => 1.062,
        (5, 0 | 1) if night >= 22 => 0.93,
        // Nearly three weeks old, and nobody decided about it.
        (7, 1) if night >= 11 => 1.11,
        _ => 1.0,
    }
}

fn record(machine: &Machine, number: u32, night: u32) -> RunRecord {
    let started = Timestamp(FIRST + i64::from(night) * 86_400_000_000 + i64::from(number) * 1_700_000_000);
    let all = inventory();
    let mut rng = SplitMix64::new(u64::from(night) << 8 | u64::from(number));
    let mut measurements = Vec::new();
    for launch in 0..LAUNCHES {
        for (place, (id, elements, time)) in all.iter().enumerate() {
            let center =
                time * machine.speed * level(place, number, night) * (machine.noise * rng.normal()).exp();
            // The first benchmark is sampled as Criterion does by itself: 20, 40, 60 … iterations.
            let linear = place == 0;
            let sample = (0..OBSERVATIONS)
                .map(|number| {
                    let iterations = if linear { 20 * (u64::from(number) + 1) } else { 100 };
                    let each = center * (1.0 + 0.003 * rng.normal().abs());
                    #[expect(clippy::cast_precision_loss, reason = "iterations are few")]
                    let total = (iterations as f64 * each).round().max(1.0);
                    Observation { iterations, total }
                })
                .collect();
            measurements.push(LaunchMeasurement {
                launch,
                measurement: Measurement {
                    benchmark: id.clone(),
                    metric: Metric::time(),
                    throughput: vec![Throughput::Elements(*elements)],
                    sampling: if linear { SamplingMode::Linear } else { SamplingMode::Flat },
                    settings: Some(HarnessSettings {
                        warm_up_ns: 3e8,
                        measurement_ns: 1e9,
                        sample_size: u64::from(OBSERVATIONS),
                    }),
                    sample,
                },
            });
        }
    }
    RunRecord { measurements, stated: Vec::new(), run: run(machine, (number, night), started, &all) }
}

fn run(
    machine: &Machine,
    (number, night): (u32, u32),
    started: Timestamp,
    all: &[(BenchmarkId, u64, f64)],
) -> Run {
    let rustc = if night < 14 { "rustc 1.94.1" } else { "rustc 1.95.0" };
    Run {
        id: format!("01K9B{number:01}{night:020}").parse().expect("a valid run id"),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started,
        finished: Some(Timestamp(started.0 + 240_000_000)),
        suite: "kms".to_owned(),
        title: None,
        identity: Identity {
            recipe: 1,
            hw_class: machine.class.to_owned(),
            machine: machine.key.to_owned(),
            label: machine.label.map(str::to_owned),
            config: machine.config.to_owned(),
            build: format!("{rustc} x86_64-unknown-linux-gnu"),
        },
        plan: Some(RunPlan {
            profile: "nightly".to_owned(),
            set: "core".to_owned(),
            launches: LAUNCHES,
            warm_up_seconds: Some(0.3),
            measurement_seconds: Some(1.0),
            sample_size: Some(OBSERVATIONS),
            seed: 1,
            filter: None,
        }),
        inventory: all.iter().map(|(id, ..)| id.clone()).collect(),
        facts: facts(machine, night, rustc),
        executables: vec![Executable {
            digest: Digest([u8::try_from(night).unwrap_or(0); 32]),
            bytes: 4_000_000,
            package: "kms".to_owned(),
            target: "suite".to_owned(),
        }],
        launches: (0..LAUNCHES).map(|ordinal| launch(ordinal, night, started)).collect(),
        findings: if number == 2 {
            vec![Finding {
                code: "throttled".to_owned(),
                severity: Severity::Warning,
                subject: String::new(),
                evidence: "throttled in 14 % of the time <u>hot</u>".to_owned(),
                effect: "values are too high and scatter".to_owned(),
                remedy: "cool it, then run again".to_owned(),
            }]
        } else {
            Vec::new()
        },
    }
}

fn launch(ordinal: u32, night: u32, started: Timestamp) -> Launch {
    Launch {
        ordinal,
        round: ordinal,
        executable: Digest([u8::try_from(night).unwrap_or(0); 32]),
        package: "kms".to_owned(),
        target: "suite".to_owned(),
        status: LaunchStatus::Complete,
        capture: Some(Capture::Socket),
        reason: None,
        harness_version: Some("0.8.2".to_owned()),
        started: Timestamp(started.0 + i64::from(ordinal) * 20_000_000),
        elapsed_seconds: 19.5,
        exit_code: Some(0),
        covariates: None,
    }
}

fn facts(machine: &Machine, night: u32, rustc: &str) -> Vec<Fact> {
    let fact = |key: &str, value: FactValue, unit: &str| Fact {
        key: key.to_owned(),
        value: Some(value),
        unit: unit.to_owned(),
        status: FactStatus::Ok,
        source: "made up".to_owned(),
        phase: Phase::Start,
    };
    let text = |value: &str| FactValue::Text(value.to_owned());
    let mut rng = SplitMix64::new(u64::from(night) ^ 0x636f);
    let commit = format!("{:016x}{:016x}{:08x}", rng.next_u64(), rng.next_u64(), rng.next_u64() >> 32);
    let describe = match night {
        10 => "v1.4.0".to_owned(),
        29 => "v1.5.0".to_owned(),
        _ => format!("v1.4.0-{night}-g{}", &commit[..9]),
    };
    vec![
        fact(keys::CPU_MODEL, text(machine.class), ""),
        fact(keys::CPU_CORES_USABLE, FactValue::Integer(4), ""),
        fact(keys::OS_KERNEL, text(if night < 19 { "6.12.43" } else { "6.12.48" }), ""),
        fact(keys::POWER_SOURCE, text("mains"), ""),
        fact(keys::CANARY_CLOCK, FactValue::Number(if machine.speed < 1.0 { 3.8 } else { 3.1 }), "GHz"),
        fact(keys::DOCTOR_GRADE, text(machine.grade), ""),
        fact(keys::TOOLCHAIN_RUSTC, text(rustc), ""),
        fact(keys::BUILD_FLAGS, text("-C target-cpu=native"), ""),
        fact(keys::BUILD_PROFILE, text("bench: opt-level=3"), ""),
        fact(keys::BUILD_FEATURES, text("default"), ""),
        fact(keys::BUILD_LOCK, text("c0ffee"), ""),
        fact(keys::SOURCE_COMMIT, text(&commit), ""),
        fact(keys::SOURCE_DIRTY, FactValue::Flag(false), ""),
        fact(keys::SOURCE_DESCRIBE, text(&describe), ""),
        fact(keys::HARNESS_CRITERION, text("0.8.2"), ""),
        fact(keys::HARNESS_RUNNER, text("0.1.0"), ""),
    ]
}

/// What is configured beside the store.
pub(crate) const CONFIG: &str = "store = \"observatory.sqlite\"\nreports = \"site\"\n\n\
    [[describe]]\npattern = '^batch_verify/'\ntitle = \"Batch verify\"\n\
    measures = \"Wall time to verify N signatures in one call.\"\nelement = \"verification\"\n\n\
    [[curve]]\npattern = '^batch_verify/verify_batch/'\nkind = \"batch\"\nsingle = [\"verify_bench/ed25519_verify_128B\"]\n\n\
    [[budget]]\nid = \"sign_128B\"\nbenchmark = \"sign_bench/ed25519_sign_128B\"\nlimit = \"18.0 us\"\n\
    hw_class = \"x86_64/intel-core-i5-8257u/4c8t/16g\"\n\n\
    [[budget]]\nid = \"batch_32\"\nbenchmark = \"batch_verify/verify_batch/32\"\nlimit = \"370 us\"\n\
    hw_class = \"x86_64/amd-epyc-9354p/32c64t/256g\"\n";
