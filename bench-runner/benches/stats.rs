//! Costs of statistics and analysis: what a report of one run has to pay before it is rendered.
//!
//! Sizes follow the budgets: 112 benchmarks, 5 launches (Student's t) or 20 (bootstrap), 100 observations each.

use std::hint::black_box;

use bench_runner::analysis::compare::{STANDARD, Side, compare};
use bench_runner::analysis::estimate::{estimate, estimate_run};
use bench_runner::model::ids::{BenchmarkId, Identity};
use bench_runner::model::measurement::{Measurement, Observation, SamplingMode};
use bench_runner::model::run::{Run, RunKind, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};
use bench_runner::stats::rng::SplitMix64;
use bench_runner::stats::{Sorted, bootstrap, distributions, rank, sign_flip};
use criterion::{BenchmarkId as Id, Criterion, criterion_group, criterion_main};

const BENCHMARKS: usize = 112;
const OBSERVATIONS: usize = 100;

fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut rng = SplitMix64::new(seed);
    (0..n).map(|_| 1e6 * (1.0 + 0.01 * rng.normal())).collect()
}

fn measurements(benchmarks: usize, launches: u32) -> Vec<(u32, Measurement)> {
    let of = |benchmark: usize, launch: u32| Measurement {
        benchmark: BenchmarkId {
            package: "kms".to_owned(),
            target: "suite".to_owned(),
            group: format!("benchmark_{benchmark}"),
            function: None,
            value: None,
            occurrence: 0,
        },
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(1)],
        sampling: SamplingMode::Linear,
        settings: None,
        sample: (1..)
            .zip(noise(1000 * benchmark as u64 + u64::from(launch), OBSERVATIONS))
            .map(|(iterations, value)| Observation { iterations, total: iterations as f64 * value })
            .collect(),
    };
    (0..benchmarks)
        .flat_map(|benchmark| (0..launches).map(move |launch| (launch, of(benchmark, launch))))
        .collect()
}

fn run() -> Run {
    Run {
        id: "01K9BWV7G00000000000000000".parse().expect("a valid run id"),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started: Timestamp(0),
        finished: None,
        suite: "kms".to_owned(),
        title: None,
        identity: Identity {
            recipe: 1,
            hw_class: String::new(),
            machine: String::new(),
            label: None,
            config: String::new(),
            build: String::new(),
        },
        plan: None,
        inventory: Vec::new(),
        facts: Vec::new(),
        executables: Vec::new(),
        launches: Vec::new(),
        findings: Vec::new(),
    }
}

fn statistics(c: &mut Criterion) {
    let values = noise(1, 300);
    let sorted = Sorted::new(&values).expect("finite values");
    let (a, b) = (noise(2, 20), noise(3, 20));
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    c.bench_function("sort_300", |bench| bench.iter(|| Sorted::new(black_box(&values))));
    c.bench_function("bootstrap_median_300x2000", |bench| {
        bench.iter(|| bootstrap::medians(black_box(&sorted), 2000, &mut SplitMix64::new(1)));
    });
    c.bench_function("t_quantile", |bench| bench.iter(|| distributions::t_quantile(black_box(0.975), 7.3)));
    c.bench_function("mann_whitney_20_20", |bench| {
        bench.iter(|| rank::mann_whitney(black_box(&a), black_box(&b)));
    });
    c.bench_function("sign_flip_20", |bench| bench.iter(|| sign_flip::sign_flip(black_box(&differences), 1)));
}

fn analysis(c: &mut Criterion) {
    let mut group = c.benchmark_group("estimate_one");
    for launches in [1, 5, 20] {
        let data = measurements(1, launches);
        let borrowed: Vec<(u32, &Measurement)> = data.iter().map(|(launch, m)| (*launch, m)).collect();
        group.bench_with_input(Id::from_parameter(launches), &borrowed, |bench, data| {
            bench.iter(|| estimate(black_box(data)));
        });
    }
    group.finish();
    let data = measurements(BENCHMARKS, 5);
    c.bench_function("estimate_run_112x5", |bench| bench.iter(|| estimate_run(&[], black_box(&data))));
    let (run, results) = (run(), estimate_run(&[], &data));
    c.bench_function("compare_112x5", |bench| {
        let side = Side { run: &run, results: &results };
        bench.iter(|| compare(black_box(side), black_box(side), &STANDARD));
    });
}

criterion_group!(benches, statistics, analysis);
criterion_main!(benches);
