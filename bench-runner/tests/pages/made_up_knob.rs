//! One trial of a knob on the server: ten blocks, in which link-time optimisation makes signing an eighth faster.

use bench_runner::model::comparison::{Comparison, Verdict};
use bench_runner::model::experiment::{
    Arm, Contrast, Experiment, ExperimentLaunch, ExperimentResult, LaunchRole, Purpose, Variant,
};
use bench_runner::model::ids::{BenchmarkId, RunId};
use bench_runner::model::knob::{KnobTrial, TrialKind};
use bench_runner::model::measurement::{Measurement, Observation, SamplingMode};
use bench_runner::model::run::{Launch, Run, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};
use bench_runner::stats::rng::SplitMix64;
use bench_runner::store::{RunEnd, Store};

use super::{FIRST, MACHINES, NIGHTS, inventory, launch, run};

/// Blocks of the trial; every fifth has the baseline on both sides.
const BLOCKS: u32 = 10;
/// What the knob gives signing, as a logarithm.
const GAIN: f64 = -0.13;

/// Stores the trial.
pub(super) fn tried(store: &mut Store) {
    let started = Timestamp(FIRST + i64::from(NIGHTS - 1) * 86_400_000_000 + 7_200_000_000);
    let benchmarks: Vec<(BenchmarkId, f64)> =
        inventory().into_iter().take(2).map(|(id, _, time)| (id, time * MACHINES[1].speed)).collect();
    let arms: Vec<Run> = [7, 8].into_iter().map(|number| arm(number, started, &benchmarks)).collect();
    let variant = |name: &str| Variant { name: name.to_owned(), ..Variant::default() };
    let experiment = Experiment {
        id: id(9),
        purpose: Purpose::Knob,
        started,
        finished: None,
        seed: 1,
        arms: ["as it is", "build.lto-fat"]
            .into_iter()
            .zip(&arms)
            .map(|(name, run)| Arm { variant: variant(name), run: run.id.clone() })
            .collect(),
        launches: Vec::new(),
    };
    store.begin_experiment(&experiment, &arms).expect("the experiment begins");
    let trial = KnobTrial {
        knob: "build.lto-fat".to_owned(),
        session: "one".to_owned(),
        planned: 1,
        kind: TrialKind::Arms,
        words: "knobs try build.lto-fat".to_owned(),
    };
    store.add_knob_trial(&experiment.id, &trial).expect("the trial is stored");
    let (mut rng, mut ordinals, mut position) = (SplitMix64::new(77), [0_u32; 2], 0);
    for block in 0..BLOCKS {
        let control = block % 5 == 4;
        for side in [0_u32, 1, 1, 0] {
            let arm = if control { 0 } else { side };
            let place = usize::try_from(arm).expect("two arms");
            let ordinal = ordinals[place];
            ordinals[place] += 1;
            let of = &arms[place].id;
            store.add_launch(of, &launch_of(ordinal, started)).expect("the launch is stored");
            for (number, (id, time)) in benchmarks.iter().enumerate() {
                let moved = if arm == 1 && number == 0 { GAIN } else { 0.0 };
                let center = time * (moved + 0.002 * rng.normal()).exp();
                store.insert_measurement(of, ordinal, &measured(id, center, &mut rng)).expect("stored");
            }
            let entry = ExperimentLaunch {
                position,
                block,
                arm,
                side,
                role: if control { LaunchRole::Control } else { LaunchRole::Test },
                launch: ordinal,
                contaminated: None,
            };
            store.add_experiment_launch(&experiment.id, &entry).expect("the launch is in its block");
            position += 1;
        }
    }
    let end = RunEnd {
        status: RunStatus::Complete,
        finished: Some(Timestamp(started.0 + 600_000_000)),
        facts: Vec::new(),
        findings: Vec::new(),
    };
    for arm in &arms {
        store.finish_run(&arm.id, &end).expect("the arm ends");
    }
    store
        .finish_experiment(&experiment.id, Timestamp(started.0 + 600_000_000), &result(&arms, &benchmarks))
        .expect("it ends");
}

fn id(number: u32) -> RunId {
    format!("01K9B{number:01}{:020}", 0).parse().expect("a valid run id")
}

fn arm(number: u32, started: Timestamp, benchmarks: &[(BenchmarkId, f64)]) -> Run {
    let whole = run(&MACHINES[1], (1, NIGHTS - 1), started, &inventory());
    Run {
        id: id(number),
        status: RunStatus::Running,
        finished: None,
        launches: Vec::new(),
        inventory: benchmarks.iter().map(|(id, _)| id.clone()).collect(),
        ..whole
    }
}

fn launch_of(ordinal: u32, started: Timestamp) -> Launch {
    launch(ordinal, NIGHTS - 1, started)
}

fn measured(id: &BenchmarkId, center: f64, rng: &mut SplitMix64) -> Measurement {
    Measurement {
        benchmark: id.clone(),
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(1)],
        sampling: SamplingMode::Flat,
        settings: None,
        sample: (0..10)
            .map(|_| Observation {
                iterations: 100,
                total: (100.0 * center * (1.0 + 0.002 * rng.normal().abs())).round().max(1.0),
            })
            .collect(),
    }
}

/// What was concluded when it ended; the proof on the page is computed from the launches again.
fn result(arms: &[Run], benchmarks: &[(BenchmarkId, f64)]) -> ExperimentResult {
    let rows = benchmarks.iter().enumerate().map(|(number, (id, time))| {
        let ratio = if number == 0 { GAIN.exp() } else { 1.0 };
        Comparison {
            benchmark: id.clone(),
            metric: Metric::time(),
            baseline: arms[0].id.clone(),
            candidate: arms[1].id.clone(),
            baseline_value: *time,
            candidate_value: time * ratio,
            ratio,
            ratio_interval: Some((ratio * 0.996, ratio * 1.004)),
            level: 0.99,
            margin: 0.02,
            minimum_detectable_effect: Some(0.004),
            verdict: if number == 0 { Verdict::Improved } else { Verdict::Unchanged },
            reason: "made up".to_owned(),
        }
    });
    let contrast = Contrast {
        baseline: "as it is".to_owned(),
        candidate: "build.lto-fat".to_owned(),
        rows: rows.collect(),
        evidence: Vec::new(),
    };
    ExperimentResult {
        contrasts: vec![contrast],
        control: None,
        blocks: BLOCKS,
        repeated: 0,
        findings: Vec::new(),
    }
}
