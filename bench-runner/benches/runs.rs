//! Runs as the measuring loop leaves them: seeded observations, all machine facts, whole launches.
//!
//! Equal calls give equal runs. Nothing here is timed.

use std::path::Path;

use bench_runner::hardware::MACHINE_KEYS;
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase};
use bench_runner::model::ids::{BenchmarkId, Digest, Identity};
use bench_runner::model::measurement::{HarnessSettings, Measurement, Observation, SamplingMode};
use bench_runner::model::record::{LaunchMeasurement, RunRecord};
use bench_runner::model::run::{Capture, Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};
use bench_runner::stats::rng::SplitMix64;
use tempfile::TempDir;

/// 2025-11-06T01:37:00Z.
pub(crate) const STARTED: Timestamp = Timestamp(1_762_393_020_000_000);
/// Benchmarks of one family: they share a group and differ in their value.
const FAMILY: u32 = 8;

/// How large a run is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Benchmarks, each measured in every launch.
    pub(crate) benchmarks: u32,
    /// Launches.
    pub(crate) launches: u32,
    /// Observations per benchmark and launch.
    pub(crate) observations: u64,
}

/// Makes the complete run of that number; later numbers began later. All are of one machine and may be compared.
pub(crate) fn record(shape: Shape, number: u32) -> RunRecord {
    let started = Timestamp(STARTED.0 + i64::from(number) * 3_600_000_000);
    let inventory: Vec<BenchmarkId> = (0..shape.benchmarks).map(benchmark).collect();
    let measurements = (0..shape.launches).flat_map(|launch| {
        inventory.iter().zip(0_u32..).map(move |(id, index)| LaunchMeasurement {
            launch,
            measurement: measurement(id.clone(), shape.observations, u64::from(index), (number, launch)),
        })
    });
    RunRecord {
        measurements: measurements.collect(),
        stated: Vec::new(),
        run: Run {
            id: format!("01K9B{number:021}").parse().expect("a valid run id"),
            kind: RunKind::Measured,
            status: RunStatus::Complete,
            started,
            finished: Some(Timestamp(started.0 + 240_000_000)),
            suite: "kms".to_owned(),
            title: None,
            identity: identity(),
            plan: Some(plan(shape)),
            inventory,
            facts: facts(),
            executables: vec![Executable {
                digest: Digest([7; 32]),
                bytes: 4_000_000,
                package: "kms".to_owned(),
                target: "suite".to_owned(),
            }],
            launches: (0..shape.launches).map(|ordinal| launch(ordinal, started)).collect(),
            findings: Vec::new(),
        },
    }
}

/// A folder on the disk of the build and not in memory: writing has to reach a disk as it does in production.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("the build folder can be written")
}

/// Observations as Criterion's linear sampling makes them when it may take 50 ms for each: 1 s for 20, 5 s for 100, 15 s
/// for 300. There is 1 % of noise, and one spike of 30 % in fifty.
pub(crate) fn sample(observations: u64, per_iteration: f64, seed: u64) -> Vec<Observation> {
    let mut rng = SplitMix64::new(seed);
    // The i-th observation has i · step iterations, and all of them together take the time.
    let steps = real(observations * (observations + 1) / 2);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and above zero")]
    let step = (real(observations) * 5e7 / (steps * per_iteration)).ceil() as u64;
    let mut observe = |index: u64| {
        let iterations = index * step;
        let spike = if rng.unit() < 0.02 { 0.3 } else { 0.0 };
        let total = real(iterations) * per_iteration * (1.0 + 0.01 * rng.normal() + spike);
        Observation { iterations, total: total.max(1.0).round() }
    };
    (1..=observations).map(&mut observe).collect()
}

fn benchmark(index: u32) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: "suite".to_owned(),
        group: format!("family_{}", index / FAMILY),
        function: None,
        value: Some((1 << (index % FAMILY)).to_string()),
        occurrence: 0,
    }
}

fn measurement(id: BenchmarkId, observations: u64, index: u64, (number, launch): (u32, u32)) -> Measurement {
    let seed = (u64::from(number) << 40) | (u64::from(launch) << 20) | index;
    // Launches differ by half a percent, as processes do.
    let center = (17_309.0 + 100.0 * real(index)) * (1.0 + 0.005 * SplitMix64::new(!seed).normal());
    Measurement {
        benchmark: id,
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(1 << (index % u64::from(FAMILY)))],
        sampling: SamplingMode::Linear,
        settings: Some(HarnessSettings {
            warm_up_ns: 3e8,
            measurement_ns: 5e7 * real(observations),
            sample_size: observations,
        }),
        sample: sample(observations, center, seed),
    }
}

fn launch(ordinal: u32, started: Timestamp) -> Launch {
    Launch {
        ordinal,
        round: ordinal,
        executable: Digest([7; 32]),
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

fn identity() -> Identity {
    Identity {
        recipe: 1,
        hw_class: "x86_64/intel-core-i5-8257u/4c8t/16g".to_owned(),
        machine: "0123456789abcdef".to_owned(),
        label: None,
        config: "governor=performance;power-mode=normal;power-source=mains".to_owned(),
        build: "rustc 1.95.0".to_owned(),
    }
}

fn plan(shape: Shape) -> RunPlan {
    RunPlan {
        profile: "standard".to_owned(),
        set: "core".to_owned(),
        launches: shape.launches,
        warm_up_seconds: Some(0.3),
        measurement_seconds: Some(0.05 * real(shape.observations)),
        sample_size: u32::try_from(shape.observations).ok(),
        seed: 1,
        filter: None,
    }
}

/// As many facts as a real run has, read at its start and again at its end.
fn facts() -> Vec<Fact> {
    let fact = |phase: Phase| {
        move |key: &&str| Fact {
            key: (*key).to_owned(),
            value: Some(FactValue::Text(format!("the value of {key}"))),
            unit: String::new(),
            status: FactStatus::Ok,
            source: format!("/sys/devices/system/{key}"),
            phase,
        }
    };
    MACHINE_KEYS.iter().map(fact(Phase::Start)).chain(MACHINE_KEYS.iter().map(fact(Phase::End))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn real(number: u64) -> f64 {
    number as f64
}
