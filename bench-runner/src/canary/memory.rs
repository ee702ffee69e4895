//! Dependent reads in random order from a field larger than any second-level cache: the latency of what lies behind it.
//!
//! The field is 16 MiB, which a shared third level may or may not hold: neighbours and page sizes both show.

use std::hint::black_box;

use super::times;

/// Cache lines in the field.
const LINES: usize = 1 << 18;
/// Numbers in a line of 64 bytes.
const PER_LINE: usize = 16;
/// Reads of one series.
const READS: u32 = 8_000;
/// Series of which the best counts.
const SERIES: u32 = 6;

/// Nanoseconds of one read, the best series of several; `None` when the timer shows nothing.
pub(super) fn read() -> Option<f64> {
    let field = cycle();
    let mut place = 0_u32;
    let mut best = f64::INFINITY;
    for _ in 0..SERIES {
        let sorted = times(std::time::Duration::ZERO, || {
            for _ in 0..READS {
                place = field.get(place as usize).copied().unwrap_or(0);
            }
            black_box(place);
        });
        best = best.min(*sorted.first()?);
    }
    let one = best / f64::from(READS);
    (one > 0.0).then_some(one)
}

/// A field in which each line names the next, all lines in one cycle (Sattolo's shuffle).
fn cycle() -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(LINES).unwrap_or(0)).collect();
    // SplitMix-like steps: the order must look random to a prefetcher, nothing more.
    let mut state = 1_u64;
    for last in (1..order.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from((state >> 33) % last as u64).unwrap_or(0);
        order.swap(last, other);
    }
    let mut field = vec![0_u32; LINES * PER_LINE];
    let line = u32::try_from(PER_LINE).unwrap_or(0);
    for (from, to) in order.iter().zip(order.iter().cycle().skip(1)) {
        field[(from * line) as usize] = to * line;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_one_cycle_through_all_lines() {
        let field = cycle();
        let (mut place, mut steps) = (0_u32, 0);
        loop {
            place = field[place as usize];
            steps += 1;
            if place == 0 {
                break;
            }
        }
        assert_eq!(steps, LINES);
    }
}
