//! Looks for a dependence of signing time on the secret, in the manner of dudect, with a planted leak as control.
//!
//! `cargo run --release -p kms --example timing -- 200000`
//!
//! Two classes of inputs are timed in random order: one fixed secret, and a fresh random secret each time. Welch's t
//! compares their times; beyond 4.5 either way they differ with near certainty. The control signs and then does work
//! that depends on a bit of the secret: if its |t| stays low, the machine is too noisy to see anything and the other lines
//! say nothing. A low |t| is no proof of constant time; it reports, and asserts nothing.
//!
//! # Reference
//! Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", DATE 2017.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use kms::{Seed, Signature, SigningKey};

/// The messages of one batch-signing call.
const BATCH: usize = 8;

/// Mean and variance, updated value by value (Welford 1962).
#[derive(Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

/// Welch's t statistic of two samples.
fn welch(a: &Moments, b: &Moments) -> f64 {
    (a.mean - b.mean) / (a.variance() / a.count + b.variance() / b.count).sqrt()
}

/// Makes the t of both classes for an operation on a prepared secret, without the slowest tenth, which is noise.
fn measure<K>(samples: usize, random: &mut SplitMix, prepare: impl Fn(Seed) -> K, run: impl Fn(&K)) -> f64 {
    // One set bit per byte, four on average in the other class: the planted leak has something to show.
    let fixed = [0x01; 32];
    let mut times: Vec<(bool, f64)> = Vec::with_capacity(samples);
    for _ in 0..samples {
        let class = random.next() & 1 == 1;
        // Both classes draw and prepare, so that the caches see the same work before the timed part.
        let drawn = random.bytes();
        let prepared = prepare(Seed::from_bytes(if class { &fixed } else { &drawn }));
        let start = Instant::now();
        run(black_box(&prepared));
        times.push((class, start.elapsed().as_secs_f64()));
    }
    let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_by(f64::total_cmp);
    let limit = sorted[samples * 9 / 10];
    let mut classes = [Moments::default(), Moments::default()];
    // The first tenth warms up.
    for (class, time) in times.into_iter().skip(samples / 10).filter(|(_, time)| *time <= limit) {
        classes[usize::from(class)].add(time);
    }
    welch(&classes[0], &classes[1])
}

/// A reproducible generator; the classes only have to be unrelated to the machine's noise.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next().to_le_bytes()));
        bytes
    }
}

fn main() -> io::Result<()> {
    let samples = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000).max(1000);
    let mut random = SplitMix(0x6b6d73);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Welch's t of fixed against random secrets, {samples} samples each line (|t| > 4.5: they differ)"
    )?;

    let sign = measure(
        samples,
        &mut random,
        |seed| SigningKey::from_seed(&seed),
        |key| {
            black_box(key.sign(b"message"));
        },
    );
    writeln!(out, "sign               t = {sign:8.2}")?;
    let many = measure(
        samples,
        &mut random,
        |seed| SigningKey::from_seed(&seed),
        |key| {
            let mut places = [Signature::from_bytes(&[0; 64]); BATCH];
            black_box(key.sign_many_into(&[&b"message"[..]; BATCH], &mut places)).expect("one place each");
            black_box(places);
        },
    );
    writeln!(out, "sign_many, {BATCH} each  t = {many:8.2}")?;
    let expand = measure(
        samples,
        &mut random,
        |seed| seed,
        |seed| {
            black_box(SigningKey::from_seed(seed));
        },
    );
    writeln!(out, "expand the seed    t = {expand:8.2}")?;
    let leak = measure(
        samples,
        &mut random,
        |seed| (SigningKey::from_seed(&seed), seed),
        |(key, seed)| {
            black_box(key.sign(b"message"));
            // The planted leak: some 100 ns more for every set bit among the first eight of the seed.
            for _ in 0..400 * seed.expose()[0].count_ones() {
                black_box(seed);
            }
        },
    );
    writeln!(out, "planted leak       t = {leak:8.2}   (the control: must be far beyond 4.5)")
}
