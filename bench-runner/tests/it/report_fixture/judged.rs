//! What is concluded from the fixture's numbers: comparison, curves, gates, knobs.

use bench_runner::model::comparison::{Comparison, Difference, RunComparison, Verdict};
use bench_runner::model::curve::{BatchCurve, CurvePoint, ParallelScaling};
use bench_runner::model::estimate::BenchmarkResult;
use bench_runner::model::fact::keys;
use bench_runner::model::gate::{Budget, GateOutcome, GateVerdict, Per};
use bench_runner::model::ids::RunId;
use bench_runner::model::knob::{Confidence, Evidence, KnobGroup, KnobState, Recommendation};

use super::{id, run_id};

pub(super) fn comparison(results: &[BenchmarkResult]) -> RunComparison {
    let baseline = run_id("K3P8XW5R1A");
    let candidate = run_id("M7Q2ZK9T4V");
    let verdicts = [
        (Verdict::Unchanged, 1.002, 0.004),
        (Verdict::Unchanged, 0.998, 0.005),
        (Verdict::Unchanged, 1.004, 0.006),
        (Verdict::Regressed, 1.045, 0.006),
        (Verdict::Inconclusive, 1.012, 0.024),
        (Verdict::Improved, 0.94, 0.011),
        (Verdict::Unchanged, 1.001, 0.009),
    ];
    let mut rows: Vec<Comparison> = results
        .iter()
        .zip(verdicts)
        .map(|(result, (verdict, ratio, half))| Comparison {
            benchmark: result.benchmark.clone(),
            metric: result.metric.clone(),
            baseline: baseline.clone(),
            candidate: candidate.clone(),
            baseline_value: result.estimate.value / ratio,
            candidate_value: result.estimate.value,
            ratio,
            ratio_interval: Some((ratio - half, ratio + half)),
            level: 0.95,
            margin: 0.01,
            minimum_detectable_effect: Some(half * 1.7),
            verdict,
            reason: match verdict {
                Verdict::Regressed => "the whole interval lies above +1 %".to_owned(),
                Verdict::Improved => "the whole interval lies below -1 %".to_owned(),
                Verdict::Unchanged => "the whole interval lies within ±1 %".to_owned(),
                _ => "the interval of ±2.4 % is wider than the margin; about 40 launches would do".to_owned(),
            },
        })
        .collect();
    rows.sort_by_key(|row| row.verdict);
    RunComparison {
        baseline,
        candidate,
        differences: vec![
            Difference {
                key: keys::SOURCE_COMMIT.to_owned(),
                baseline: "9be0d115c3aa".to_owned(),
                candidate: "4f2c1a9d0b7e".to_owned(),
                splits_series: false,
            },
            Difference {
                key: keys::OS_KERNEL.to_owned(),
                baseline: "6.12.43".to_owned(),
                candidate: "6.12.48".to_owned(),
                splits_series: false,
            },
        ],
        rows,
        missing: vec![id("sign_bench", "ed25519_sign_1KiB", None)],
        new: Vec::new(),
        geometric_mean: Some((0.9998, 7)),
    }
}

pub(super) fn curves(results: &[BenchmarkResult]) -> Vec<BatchCurve> {
    let points = results.iter().filter(|result| result.benchmark.target == "batch_verify").map(|result| {
        let size = result.elements().unwrap();
        let count = f64::from(u32::try_from(size).unwrap());
        CurvePoint {
            benchmark: result.benchmark.clone(),
            size,
            per_element_ns: result.estimate.value / count,
            interval_ns: result.estimate.interval.map(|it| (it.low / count, it.high / count)),
        }
    });
    let verify = &results[1];
    vec![BatchCurve {
        name: "batch_verify/verify_batch".to_owned(),
        single: Some((verify.benchmark.clone(), verify.estimate.value)),
        points: points.collect(),
    }]
}

pub(super) fn parallel(results: &[BenchmarkResult]) -> Vec<ParallelScaling> {
    [(5, 0), (6, 1)]
        .map(|(place, single)| {
            let (result, single) = (&results[place], &results[single]);
            let speed_up = 4000.0 * single.estimate.value / result.estimate.value;
            ParallelScaling {
                benchmark: result.benchmark.clone(),
                single: single.benchmark.clone(),
                threads: 4,
                usable_cores: Some(4),
                operations: 4000,
                total_ns: result.estimate.value,
                single_ns: single.estimate.value,
                speed_up,
                efficiency: speed_up / 4.0,
            }
        })
        .to_vec()
}

pub(super) fn gates(results: &[BenchmarkResult]) -> Vec<GateOutcome> {
    let gate = |name: &str, place: usize, limit: f64, per: Per, verdict: GateVerdict, reason: &str| {
        let result = &results[place];
        let count = match per {
            Per::Iteration => 1.0,
            Per::Element => f64::from(u32::try_from(result.elements().unwrap()).unwrap()),
        };
        let value = result.estimate.value / count;
        let judged = verdict != GateVerdict::NotApplicable;
        GateOutcome {
            budget: Budget {
                id: name.to_owned(),
                benchmark: result.benchmark.to_string(),
                limit_ns: limit,
                per,
                hw_class: "x86_64/intel-core-i5-8257u/4c8t/16g".to_owned(),
                config: None,
            },
            benchmark: Some(result.benchmark.clone()),
            value_ns: judged.then_some(value),
            interval_ns: result
                .estimate
                .interval
                .filter(|_| judged)
                .map(|it| (it.low / count, it.high / count)),
            headroom: judged.then_some(1.0 - value / limit),
            verdict,
            reason: reason.to_owned(),
        }
    };
    vec![
        gate(
            "sign_128B",
            0,
            18_000.0,
            Per::Iteration,
            GateVerdict::Pass,
            "the whole interval lies below the limit",
        ),
        gate(
            "verify_128B",
            1,
            35_000.0,
            Per::Iteration,
            GateVerdict::Pass,
            "the whole interval lies below the limit",
        ),
        gate(
            "verify_batch_32",
            3,
            19_900.0,
            Per::Element,
            GateVerdict::Inconclusive,
            "the interval straddles the limit",
        ),
        gate(
            "sign_128B_ci",
            0,
            12_000.0,
            Per::Iteration,
            GateVerdict::NotApplicable,
            "bound to another machine class",
        ),
    ]
}

pub(super) fn recommendations(run: &RunId) -> Vec<Recommendation> {
    let evidence = |label: &str, value: &str| Evidence {
        label: label.to_owned(),
        value: value.to_owned(),
        run: run.clone(),
    };
    vec![
        Recommendation {
            knob: "caller.batch-size".to_owned(),
            group: KnobGroup::Caller,
            action: "Verify in batches of 32 to 64 wherever requests arrive together.".to_owned(),
            because: "One verification costs 33.7 µs alone and 19.5 µs in a batch of 64; beyond 32 only 2 % more is \
                      gained"
                .to_owned(),
            evidence: vec![
                evidence("`ed25519_verify_128B`", "33.7 µs"),
                evidence("`verify_batch/64` per op", "19.5 µs"),
            ],
            predicted_change: Some((-0.42, -0.40)),
            confidence: Confidence::High,
            cost: "latency: the first of 64 waits 1.2 ms".to_owned(),
            risk: "one bad signature fails the batch; verify singly to find it".to_owned(),
            how: "for chunk in pending.chunks(64) {\n    keystore.verify_batch(chunk)?;\n}".to_owned(),
            state: KnobState::Candidate,
            proof: None,
        },
        Recommendation {
            knob: "measurement.launches".to_owned(),
            group: KnobGroup::Measurement,
            action: "Run 20 launches instead of 12 to see changes of 1 %.".to_owned(),
            because: "83 % of the variance comes from the launch".to_owned(),
            evidence: vec![evidence("half width of `verify_batch/64`", "±0.4 %")],
            predicted_change: None,
            confidence: Confidence::Medium,
            cost: "3 minutes more per run".to_owned(),
            risk: "none".to_owned(),
            how: String::new(),
            state: KnobState::Candidate,
            proof: None,
        },
    ]
}
