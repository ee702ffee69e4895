//! Costs of statistics and analysis: what a report of one run has to pay before it is rendered.
//!
//! Sizes follow the budgets: 112 benchmarks, 5 launches (Student's t) or 20 (bootstrap), 100 observations each.

#[path = "runs.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod runs;
#[path = "support.rs"]
#[expect(dead_code, reason = "the paths of the table are for its test")]
mod support;

use std::hint::black_box;

use bench_runner::analysis::compare::{STANDARD, Side, compare};
use bench_runner::analysis::estimate::{estimate, estimate_run};
use bench_runner::model::measurement::Measurement;
use bench_runner::model::run::Run;
use bench_runner::stats::rng::SplitMix64;
use bench_runner::stats::{Sorted, bootstrap, distributions, rank, sign_flip};
use criterion::Bencher;
use runs::{Shape, record};

/// The run behind the analysis.
const RUN: Shape = Shape { benchmarks: 112, launches: 5, observations: 100 };

fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut rng = SplitMix64::new(seed);
    (0..n).map(|_| 1e6 * (1.0 + 0.01 * rng.normal())).collect()
}

fn loaded(shape: Shape) -> (Run, Vec<(u32, Measurement)>) {
    let record = record(shape, 1);
    (record.run, record.measurements.into_iter().map(|entry| (entry.launch, entry.measurement)).collect())
}

fn one(bencher: &mut Bencher<'_>, launches: u32) {
    let (_, data) = loaded(Shape { benchmarks: 1, launches, ..RUN });
    let borrowed: Vec<(u32, &Measurement)> = data.iter().map(|(launch, m)| (*launch, m)).collect();
    bencher.iter(|| estimate(black_box(&borrowed)));
}

fn analysis(bencher: &mut Bencher<'_>, id: &str) {
    let (run, data) = loaded(RUN);
    if id == "analysis_112x5/estimate_run" {
        return bencher.iter(|| estimate_run(&run.inventory, black_box(&data)));
    }
    let results = estimate_run(&run.inventory, &data);
    let side = Side { run: &run, results: &results };
    bencher.iter(|| compare(black_box(side), black_box(side), &STANDARD));
}

fn statistics(bencher: &mut Bencher<'_>, name: &str) {
    let values = noise(1, 300);
    let (a, b) = (noise(2, 20), noise(3, 20));
    match name {
        "statistics/sort_300" => bencher.iter(|| Sorted::new(black_box(&values))),
        "statistics/bootstrap_median_300x2000" => {
            let sorted = Sorted::new(&values).expect("finite values");
            bencher.iter(|| bootstrap::medians(black_box(&sorted), 2000, &mut SplitMix64::new(1)));
        }
        "statistics/t_quantile" => {
            bencher.iter(|| distributions::t_quantile(black_box(0.975), black_box(7.3)));
        }
        "statistics/mann_whitney_20_20" => {
            bencher.iter(|| rank::mann_whitney(black_box(&a), black_box(&b)));
        }
        "statistics/sign_flip_20" => {
            let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
            bencher.iter(|| sign_flip::sign_flip(black_box(&differences), 1));
        }
        other => unreachable!("no code for {other}"),
    }
}

fn main() {
    support::run("stats", |bencher, id| match id {
        "analysis_112x5/estimate_run" | "analysis_112x5/compare" => analysis(bencher, id),
        "estimate_one/1" => one(bencher, 1),
        "estimate_one/5" => one(bencher, 5),
        "estimate_one/20" => one(bencher, 20),
        name => statistics(bencher, name),
    });
}
