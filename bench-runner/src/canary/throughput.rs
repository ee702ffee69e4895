//! Independent multiplications and additions, as many as the core can start at once: what a neighbour on the same core
//! takes away first.
//!
//! The best time shows the core alone; the median shows how often it was alone.

use std::hint::black_box;
use std::time::Duration;

use super::times;

/// Rounds of one call.
const ROUNDS: u32 = 6_000;
/// Operations of one round.
const OPERATIONS: f64 = 8.0;

/// What the loop says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throughput {
    /// Best time over median, 0 to 1.
    pub(super) contention: f64,
    /// Operations per nanosecond at its best.
    pub(super) per_nanosecond: f64,
}

/// Four chains of multiplications and four of additions that do not wait for one another.
#[inline(never)]
fn independent() {
    let factor = black_box(0x9e37_79b9_7f4a_7c15_u64);
    let mask = black_box(0x2545_f491_4f6c_dd1d_u64);
    let [mut a, mut b, mut c, mut d] = black_box([1_u64, 3, 5, 7]);
    let [mut e, mut f, mut g, mut h] = black_box([2_u64, 4, 6, 8]);
    for _ in 0..ROUNDS {
        a = a.wrapping_mul(factor);
        b = b.wrapping_mul(factor);
        c = c.wrapping_mul(factor);
        d = d.wrapping_mul(factor);
        e = e.wrapping_add(factor) ^ mask;
        f = f.wrapping_add(factor) ^ mask;
        g = g.wrapping_add(factor) ^ mask;
        h = h.wrapping_add(factor) ^ mask;
    }
    black_box([a, b, c, d, e, f, g, h]);
}

/// Repeats the loop for `span`.
pub(super) fn read(span: Duration) -> Option<Throughput> {
    let sorted = times(span, independent);
    let (best, median) = (*sorted.first()?, *sorted.get(sorted.len() / 2)?);
    let possible = best > 0.0 && median >= best;
    possible.then(|| Throughput {
        contention: best / median,
        per_nanosecond: f64::from(ROUNDS) * OPERATIONS / best,
    })
}
