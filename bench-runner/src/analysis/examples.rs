//! Runs, results and measurements for the tests of this layer.
//!
//! The founding record is copied from the note; everything else is seeded noise.

use crate::model::comparison::Verdict;
use crate::model::estimate::{BenchmarkResult, ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use crate::model::fact::{Fact, FactStatus, FactValue, Phase};
use crate::model::gate::{Budget, Per};
use crate::model::ids::{BenchmarkId, Identity};
use crate::model::measurement::{Measurement, Observation, SamplingMode};
use crate::model::run::{Run, RunKind, RunPlan, RunStatus};
use crate::model::step::Step;
use crate::model::units::{Metric, Throughput, Timestamp};
use crate::stats::rng::SplitMix64;

pub(crate) const FOUNDING_CLASS: &str = "x86_64/intel-core-i5-8257u/4c8t/16g";

pub(crate) fn benchmark(target: &str, group: &str, value: Option<&str>) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: target.to_owned(),
        group: group.to_owned(),
        function: None,
        value: value.map(str::to_owned),
        occurrence: 0,
    }
}

/// Flat sampling, one iteration per observation.
pub(crate) fn measurement(benchmark: BenchmarkId, values: &[f64]) -> Measurement {
    Measurement {
        benchmark,
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(1)],
        sampling: SamplingMode::Flat,
        settings: None,
        sample: values.iter().map(|&total| Observation { iterations: 1, total }).collect(),
    }
}

/// Launches whose locations scatter log-normally around `location` and whose observations scatter by 0.5 %.
pub(crate) fn noisy_launches(
    target: &str,
    group: &str,
    location: f64,
    launches: u32,
    launch_deviation: f64,
) -> Vec<(u32, Measurement)> {
    let mut rng = SplitMix64::new(1);
    (0..launches)
        .map(|launch| {
            let center = location * (launch_deviation * rng.normal()).exp();
            let values: Vec<f64> = (0..60).map(|_| center * (1.0 + 0.005 * rng.normal())).collect();
            (launch, measurement(benchmark(target, group, None), &values))
        })
        .collect()
}

pub(crate) fn fact(key: &str, text: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(FactValue::Text(text.to_owned())),
        unit: String::new(),
        status: FactStatus::Ok,
        source: "test".to_owned(),
        phase: Phase::Start,
    }
}

/// A complete measured run without facts; `last` is the last character of its id.
pub(crate) fn run(last: char) -> Run {
    Run {
        id: format!("01K9BWV7G0000000000000000{last}").parse().unwrap(),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started: Timestamp(1_762_393_020_000_000),
        finished: None,
        suite: "kms".to_owned(),
        title: None,
        identity: Identity {
            recipe: 1,
            hw_class: "x86_64/test/2c2t/4g".to_owned(),
            machine: "0123456789abcdef".to_owned(),
            label: None,
            config: "governor=?".to_owned(),
            build: "rustc 1.95.0".to_owned(),
        },
        plan: Some(RunPlan {
            profile: "standard".to_owned(),
            set: "core".to_owned(),
            launches: 8,
            warm_up_seconds: Some(0.2),
            measurement_seconds: Some(0.5),
            sample_size: Some(50),
            seed: 1,
            filter: None,
        }),
        inventory: Vec::new(),
        facts: Vec::new(),
        executables: Vec::new(),
        launches: Vec::new(),
        findings: Vec::new(),
    }
}

/// A result as a record states it: no launches.
pub(crate) fn stated(
    id: BenchmarkId,
    elements: u64,
    value: f64,
    bounds: Option<(f64, f64)>,
) -> BenchmarkResult {
    BenchmarkResult {
        benchmark: id,
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(elements)],
        estimate: Estimate {
            statistic: Statistic::CriterionTypical,
            value,
            interval: bounds.map(|(low, high)| ConfidenceInterval {
                low,
                high,
                level: 0.95,
                method: IntervalMethod::Stated,
            }),
            launches: 0,
            observations: 0,
        },
        launches: Vec::new(),
        launch_variance_share: None,
        findings: Vec::new(),
    }
}

/// The founding record: the note of November 5, 2025, as estimates.
pub(crate) fn founding() -> (Run, Vec<BenchmarkResult>, Vec<Budget>) {
    let mut record = run('F');
    record.kind = RunKind::Summary;
    record.identity.hw_class = FOUNDING_CLASS.to_owned();
    record.identity.config = "power-mode=normal;power-source=mains".to_owned();
    record.facts = vec![
        fact("cpu.cores_physical", "4"),
        fact("cpu.cores_logical", "8"),
        fact("power.mode", "normal"),
        fact("power.source", "mains"),
        fact("build.flags", "-C target-cpu=native"),
    ];
    record.plan = Some(RunPlan {
        profile: "note".to_owned(),
        set: "core".to_owned(),
        launches: 1,
        warm_up_seconds: Some(8.0),
        measurement_seconds: Some(15.0),
        sample_size: Some(300),
        seed: 0,
        filter: None,
    });
    let batch = |size: &str| benchmark("batch_verify", "verify_batch", Some(size));
    let results = vec![
        stated(benchmark("sign_bench", "ed25519_sign_128B", None), 1, 17_309.0, Some((17_286.0, 17_333.0))),
        stated(
            benchmark("verify_bench", "ed25519_verify_128B", None),
            1,
            33_659.0,
            Some((33_617.0, 33_701.0)),
        ),
        stated(batch("8"), 8, 171_240.0, Some((170_970.0, 171_510.0))),
        stated(batch("32"), 32, 636_040.0, Some((634_800.0, 637_470.0))),
        stated(batch("64"), 64, 1_242_500.0, Some((1_240_900.0, 1_244_200.0))),
        stated(benchmark("parallel_throughput", "parallel_sign_4x", None), 4000, 20_047_000.0, None),
        stated(benchmark("parallel_throughput", "parallel_verify_4x", None), 4000, 45_890_000.0, None),
    ];
    let budget = |id: &str, benchmark: &str, limit_ns: f64, per: Per| Budget {
        id: id.to_owned(),
        benchmark: benchmark.to_owned(),
        limit_ns,
        per,
        hw_class: FOUNDING_CLASS.to_owned(),
        config: None,
    };
    let budgets = vec![
        budget("sign_128B", "sign_bench/ed25519_sign_128B", 18_000.0, Per::Iteration),
        budget("verify_128B", "verify_bench/ed25519_verify_128B", 35_000.0, Per::Iteration),
        budget("verify_batch_32", "batch_verify/verify_batch/32", 20_500.0, Per::Element),
    ];
    (record, results, budgets)
}

/// A run id that sorts by its number.
pub(crate) fn run_id(number: u32) -> crate::model::ids::RunId {
    format!("01K9B{number:021}").parse().unwrap()
}

/// A machine of a trend with one judged benchmark and nothing to be said about it.
pub(crate) fn machine_night(
    machine: &str,
    run: crate::model::ids::RunId,
    started: Timestamp,
) -> crate::model::trend::MachineNight {
    crate::model::trend::MachineNight {
        machine: machine.to_owned(),
        label: None,
        hw_class: "h".to_owned(),
        config: "c".to_owned(),
        recipe: 1,
        run,
        started,
        commit: None,
        fresh: true,
        unfit: None,
        shift: None,
        shift_is_machine: false,
        grade: None,
        noise: None,
        usual_noise: None,
        nights: vec![true; 30],
        missed: 0,
        judged: 1,
        benchmarks: 1,
    }
}

/// A line of kms/t/`group` with one eligible point a night: (value, number of the executable).
pub(crate) fn line(group: &str, points: &[(f64, u32)]) -> crate::model::history::Line {
    let point = |(night, (value, build)): (usize, &(f64, u32))| {
        let night = u32::try_from(night).unwrap();
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&build.to_be_bytes());
        crate::model::history::HistoryPoint {
            run: run_id(night),
            kind: RunKind::Measured,
            status: RunStatus::Complete,
            started: Timestamp(i64::from(night)),
            value: *value,
            log_sd: Some(0.005),
            launches: 5,
            commit: None,
            build: String::new(),
            executable: Some(crate::model::ids::Digest(digest)),
            grade: None,
            quarantined: None,
        }
    };
    let identity = run('A').identity;
    crate::model::history::Line {
        history: crate::model::history::History {
            key: crate::model::record::SeriesKey {
                benchmark: benchmark("t", group, None),
                metric: Metric::time(),
                recipe: identity.recipe,
                machine: identity.machine,
                config: identity.config,
            },
            points: points.iter().enumerate().map(point).collect(),
        },
        earlier_names: Vec::new(),
    }
}

/// An answer about a change, found again from the numbers and thresholds of its printed steps alone; `None` when there are no bounds.
pub(crate) fn answer_of(steps: &[Step]) -> Option<Verdict> {
    let held = |name: &str| {
        let step = steps.iter().find(|step| step.name == name)?;
        step.value.zip(step.threshold)
    };
    let (effect, margin) = held("effect")?;
    let (low, least) = held("lower bound of the change")?;
    let (high, most) = held("upper bound of the change")?;
    Some(match held("bound nearest to no change").map(|(bound, none)| bound > none) {
        _ if low > least && high < most => Verdict::Unchanged,
        Some(true) if effect >= margin => Verdict::Regressed,
        Some(false) if effect <= margin => Verdict::Improved,
        _ => Verdict::Inconclusive,
    })
}
