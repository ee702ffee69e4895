//! Costs of finding change points: whole analyses by both engines, and one value appended.
//!
//! Series have 1 % of noise with spikes and a step every 150 values; elements are values.

#[path = "support.rs"]
#[expect(dead_code, reason = "the paths of the table are for its test")]
mod support;

use std::hint::black_box;

use bench_runner::analysis::change_points::otava::{DEFAULT, OtavaCompat};
use bench_runner::analysis::change_points::robust::Robust;
use bench_runner::analysis::change_points::stream::Stream;
use bench_runner::stats::rng::SplitMix64;
use criterion::{BatchSize, Bencher};

fn series(n: usize) -> Vec<f64> {
    let mut rng = SplitMix64::new(n as u64);
    (0..n)
        .map(|index| {
            let level = if (index / 150).is_multiple_of(2) { 100.0 } else { 105.0 };
            let spike = if rng.unit() < 0.02 { 1.2 } else { 1.0 };
            level * spike * (0.01 * rng.normal()).exp()
        })
        .collect()
}

fn robust(bencher: &mut Bencher<'_>, n: usize) {
    let values: Vec<Option<f64>> = series(n).into_iter().map(Some).collect();
    let mut engine = Robust::default();
    bencher.iter(|| engine.analyze(black_box(&values)));
}

fn otava(bencher: &mut Bencher<'_>, n: usize) {
    let values = series(n);
    let mut engine = OtavaCompat::new(DEFAULT);
    bencher.iter(|| engine.analyze_filled(black_box(&values)));
}

/// A hundred values appended to `n`: the last window's analyses fall into them as often as they do.
fn append(bencher: &mut Bencher<'_>, n: usize) {
    let values = series(n + 100);
    let mut stream = Stream::default();
    for value in &values[..n] {
        stream.append(Some(*value));
    }
    bencher.iter_batched_ref(
        || stream.clone(),
        |stream| {
            for value in &values[n..] {
                stream.append(black_box(Some(*value)));
            }
        },
        BatchSize::LargeInput,
    );
}

fn main() {
    support::run("change_points", |bencher, id| match id {
        "robust/200" => robust(bencher, 200),
        "robust/4000" => robust(bencher, 4000),
        "otava_compat/200" => otava(bencher, 200),
        "otava_compat/4000" => otava(bencher, 4000),
        "append_100/1000" => append(bencher, 1000),
        "append_100/100000" => append(bencher, 100_000),
        other => unreachable!("no code for {other}"),
    });
}
