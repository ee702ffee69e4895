//! Small runs to sign and to tamper with: every list has entries, and every run says something of its own.

use std::sync::Arc;

use super::NOW;
use crate::attest::{Key, Trust};
use crate::model::calibration::{Calibration, FalseAlarms, Location, Rates, SessionSpread};
use crate::model::covariates::Covariates;
use crate::model::decision::{Decision, DecisionKind, Evidence, Sighting, change_id};
use crate::model::estimate::{ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use crate::model::experiment::{
    Arm, Experiment, ExperimentLaunch, ExperimentResult, LaunchRole, Purpose, Variant,
};
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::{BenchmarkId, Digest, Identity, RunId};
use crate::model::knob::{KnobTrial, TrialKind};
use crate::model::measurement::{HarnessSettings, Measurement, Observation, SamplingMode};
use crate::model::record::{
    Alias, Annotation, LaunchMeasurement, NoteTarget, RunRecord, SeriesKey, StatedEstimate,
};
use crate::model::run::{Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use crate::model::seal::{Heads, Signer as _};
use crate::model::units::{Metric, Throughput, Timestamp};
use crate::stats::rng::SplitMix64;
use crate::store::{RunEnd, Store};

/// Two waivers.
fn waive(store: &mut Store) {
    for number in 0..2 {
        let decision = Decision {
            subject: format!("suite/sign/f{number}"),
            kind: DecisionKind::Waive,
            reason: "known".to_owned(),
            until: Some(Timestamp(NOW.0 + 10 + i64::from(number))),
            at: NOW,
        };
        store.decide(&decision).unwrap();
    }
}

/// A store with signed runs of two machines and signed words, keys that are trusted, and its heads.
pub(super) fn signed_store() -> (Store, Trust, Heads) {
    let key = Key::from_seed(&[42; 32]);
    let mut trust = Trust::default();
    trust.trust(&key.public(), Timestamp(0), None).unwrap();
    let mut store = Store::open_in_memory(NOW).unwrap();
    store.set_signer(Arc::new(key));
    for number in 0..4 {
        store.import_run(&record(number)).unwrap();
        let note = |kind: &str, target: NoteTarget, id: String| Annotation {
            target,
            id,
            kind: kind.to_owned(),
            text: format!("because of {number}"),
            at: Timestamp(NOW.0 + i64::from(number)),
        };
        let id = record(number).run.id.to_string();
        store.annotate(&note("remark", NoteTarget::Run, id.clone())).unwrap();
        if number < 2 {
            store.annotate(&note("waiver", NoteTarget::Finding, format!("{id}/noisy/launch"))).unwrap();
        }
    }
    waive(&mut store);
    let sighting = |number: u32| {
        let identity = record(number).run.identity;
        let series = SeriesKey {
            benchmark: benchmark(number),
            metric: Metric::time(),
            recipe: identity.recipe,
            machine: identity.machine,
            config: identity.config,
        };
        let first_run = record(number).run.id;
        Sighting {
            change: change_id(&series, &first_run),
            series,
            seen_run: first_run.clone(),
            first_run,
            evidence: Evidence::Suspect,
            ratio: 1.1,
            experiment: None,
            at: NOW,
        }
    };
    store.add_sightings(&[sighting(0), sighting(1)]).unwrap();
    store.set_baseline("main", &record(1).run.id, NOW).unwrap();
    store.set_baseline("release", &record(2).run.id, NOW).unwrap();
    for number in 0..2 {
        let alias =
            Alias { origin: "older".to_owned(), name: format!("f_{number}"), benchmark: benchmark(number) };
        store.add_alias(&alias).unwrap();
    }
    store.import_run(&summary(8)).unwrap();
    for number in [10, 11] {
        store.import_run(&small(number)).unwrap();
    }
    // All others are annotated; of these one keeps its measurements without observations, one only its points.
    assert_eq!(store.prune(Timestamp(i64::MAX), NOW, false).unwrap().runs.len(), 2);
    assert_eq!(store.fold(record(11).run.started, NOW, false).unwrap().runs, [record(10).run.id]);
    beside_an_experiment(&mut store);
    let origin = Key::from_seed(&[44; 32]);
    let statements = [b"one".to_vec(), b"two".to_vec()].map(|payload| origin.sign(payload).unwrap());
    store.keep_statements(&record(0).run.id, &statements).unwrap();
    let heads = store.heads().unwrap();
    (store, trust, heads)
}

/// An experiment of two arms with what was concluded from it: a calibration, and a trial of a knob.
fn beside_an_experiment(store: &mut Store) {
    let id: RunId = format!("01K9E{:021}", 0).parse().unwrap();
    // Arms without measurements: what is measured is tampered with elsewhere.
    let runs = [20, 21].map(|number| Run { status: RunStatus::Running, finished: None, ..small(number).run });
    let arm = |run: &Run| Arm {
        variant: Variant { name: run.suite.clone(), ..Variant::default() },
        run: run.id.clone(),
    };
    let experiment = Experiment {
        id: id.clone(),
        purpose: Purpose::Knob,
        started: NOW,
        finished: None,
        seed: 7,
        arms: runs.iter().map(arm).collect(),
        launches: Vec::new(),
    };
    store.begin_experiment(&experiment, &runs).unwrap();
    for position in 0..2 {
        let launch = ExperimentLaunch {
            position,
            block: 0,
            arm: position,
            side: position,
            role: LaunchRole::Test,
            launch: 0,
            contaminated: (position == 1).then(|| "load".to_owned()),
        };
        store.add_experiment_launch(&id, &launch).unwrap();
    }
    for run in &runs {
        let end = RunEnd {
            status: RunStatus::Complete,
            finished: Some(NOW),
            facts: Vec::new(),
            findings: Vec::new(),
        };
        store.finish_run(&run.id, &end).unwrap();
    }
    let result = ExperimentResult {
        contrasts: Vec::new(),
        control: None,
        blocks: 1,
        repeated: 1,
        findings: Vec::new(),
    };
    store.finish_experiment(&id, NOW, &result).unwrap();
    store.add_calibration(&calibration(&id)).unwrap();
    let trial = KnobTrial {
        knob: "build.lto".to_owned(),
        session: "one".to_owned(),
        planned: 1,
        kind: TrialKind::Arms,
        words: "knobs try build.lto".to_owned(),
    };
    store.add_knob_trial(&id, &trial).unwrap();
}

/// What decides how wide intervals between sessions are.
fn calibration(experiment: &RunId) -> Calibration {
    let rate = |nominal| FalseAlarms { nominal, alarms: 2, comparisons: 100, interval: None };
    Calibration {
        experiment: experiment.clone(),
        at: NOW,
        machine: "machine0".to_owned(),
        config: "power-mode=normal".to_owned(),
        comparisons: Vec::new(),
        rates: Rates {
            rule_5: rate(Some(0.05)),
            rule_1: rate(Some(0.01)),
            student_5: rate(Some(0.05)),
            student_1: rate(Some(0.01)),
            rank_5: None,
            rank_1: None,
            criterion: rate(None),
        },
        planned_blocks: 24,
        smallest_change: None,
        largest_smallest_change: None,
        session: Some(SessionSpread { variance: 4e-4, degrees: 3 }),
        best: Location::Median,
        locations: Vec::new(),
        benchmarks: Vec::new(),
    }
}

/// A record of stated numbers, with and without an interval.
fn summary(number: u32) -> RunRecord {
    let run = Run { kind: RunKind::Summary, ..small(number).run };
    let stated = |index: u32| StatedEstimate {
        benchmark: benchmark(index),
        metric: Metric::time(),
        throughput: vec![Throughput::Bytes(u64::from(index) + 8)],
        estimate: Estimate {
            statistic: Statistic::Stated,
            value: 17_309.0 + f64::from(index),
            interval: (index > 0).then_some(ConfidenceInterval {
                low: 17_000.0,
                high: 17_900.0,
                level: 0.95,
                method: IntervalMethod::Stated,
            }),
            launches: 0,
            observations: 0,
        },
    };
    RunRecord { run, measurements: Vec::new(), stated: (0..3).map(stated).collect() }
}

/// A run with one entry in most lists, which is quicker to read.
fn small(number: u32) -> RunRecord {
    let RunRecord { mut run, mut measurements, stated } = record(number);
    run.facts.truncate(1);
    run.launches.truncate(1);
    run.findings.truncate(1);
    run.inventory.truncate(1);
    measurements.truncate(2);
    RunRecord { run, measurements, stated }
}

/// One of the three benchmarks.
fn benchmark(number: u32) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: "suite".to_owned(),
        group: "sign".to_owned(),
        function: Some(format!("f{number}")),
        value: (number == 2).then(|| "64".to_owned()),
        occurrence: 0,
    }
}

/// A run of three benchmarks in two launches.
pub(super) fn record(number: u32) -> RunRecord {
    let fact = |key: &str, value: FactValue| Fact {
        key: key.to_owned(),
        value: Some(value),
        unit: String::new(),
        status: FactStatus::Ok,
        source: "read".to_owned(),
        phase: Phase::Start,
    };
    let started = Timestamp(NOW.0 + i64::from(number) * 1_000_000);
    let run = Run {
        id: format!("01K9B{number:021}").parse().unwrap(),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started,
        finished: Some(Timestamp(started.0 + 500)),
        suite: format!("suite {number}"),
        title: Some(format!("title {number}")),
        identity: Identity {
            recipe: 1,
            hw_class: "x86_64".to_owned(),
            machine: format!("machine{}", number % 2),
            label: Some("desk".to_owned()),
            config: "power-mode=normal".to_owned(),
            build: "rustc 1.95.0".to_owned(),
        },
        plan: Some(RunPlan {
            profile: "standard".to_owned(),
            set: "core".to_owned(),
            launches: 2,
            warm_up_seconds: Some(0.3),
            measurement_seconds: Some(1.0),
            sample_size: None,
            seed: u64::from(number),
            filter: None,
        }),
        inventory: (0..3).map(benchmark).collect(),
        facts: vec![
            fact(keys::SOURCE_COMMIT, FactValue::Text(format!("abc{number}"))),
            fact(keys::DOCTOR_GRADE, FactValue::Text("B".to_owned())),
            fact("load", FactValue::Number(f64::from(number))),
            fact("cpu.cores", FactValue::Integer(i64::from(number) + 4)),
        ],
        executables: vec![Executable {
            digest: Digest([7; 32]),
            bytes: 4_000_000,
            package: "kms".to_owned(),
            target: "suite".to_owned(),
        }],
        launches: (0..2).map(|ordinal| launch(number, ordinal, started)).collect(),
        findings: vec![finding(number, "noisy"), finding(number, "dirty-tree")],
    };
    RunRecord { run, measurements: measurements(number), stated: Vec::new() }
}

/// Three benchmarks in each of two launches.
fn measurements(number: u32) -> Vec<LaunchMeasurement> {
    let mut rng = SplitMix64::new(u64::from(number));
    let mut sample = || -> Vec<Observation> {
        let mut observe =
            |i: u64| Observation { iterations: i, total: (1000.0 * rng.unit() + 100.0).round() };
        (1..=6).map(&mut observe).collect()
    };
    let mut measurements = Vec::new();
    for launch in 0..2 {
        for index in 0..3 {
            let measurement = Measurement {
                benchmark: benchmark(index),
                metric: Metric::time(),
                throughput: vec![Throughput::Elements(u64::from(index) + 1)],
                sampling: SamplingMode::Linear,
                settings: Some(HarnessSettings { warm_up_ns: 3e8, measurement_ns: 1e9, sample_size: 6 }),
                sample: sample(),
            };
            measurements.push(LaunchMeasurement { launch, measurement });
        }
    }
    measurements
}

/// A complete launch.
fn launch(number: u32, ordinal: u32, started: Timestamp) -> Launch {
    Launch {
        ordinal,
        round: ordinal,
        executable: Digest([7; 32]),
        package: "kms".to_owned(),
        target: "suite".to_owned(),
        status: LaunchStatus::Complete,
        capture: None,
        reason: Some(format!("reason {number}")),
        harness_version: Some("0.8.2".to_owned()),
        started: Timestamp(started.0 + i64::from(ordinal)),
        elapsed_seconds: 1.5 + f64::from(number),
        exit_code: Some(0),
        covariates: Some(Covariates {
            cpu_user_seconds: Some(1.25 + f64::from(number)),
            involuntary_switches: Some(3 + u64::from(ordinal)),
            contention: Some(0.98),
            ..Covariates::default()
        }),
    }
}

/// A doubt that changes nothing.
fn finding(number: u32, code: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Info,
        subject: format!("launch {number}"),
        evidence: "3 of 4".to_owned(),
        effect: "wider".to_owned(),
        remedy: "again".to_owned(),
    }
}
