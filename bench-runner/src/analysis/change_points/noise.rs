//! Scale and memory of a series from its differences, and values far from their neighborhood brought back to it.
//!
//! Differences hardly see steps: one step moves one difference at lag 1 and two at lag 2.

/// Differences beyond this many times their scale count as that much.
const REACH: f64 = 3.0;

/// Two-sided 80 % point of the normal distribution.
const NORMAL_80: f64 = 1.281_551_565_544_600_4;

/// Share of the differences below which the scale is read: high enough that two modes are scatter, low enough for spikes.
const SHARE: (usize, usize) = (4, 5);

/// Largest memory that is assumed.
const LARGEST_MEMORY: f64 = 0.9;

/// Smallest scale of logarithms that is assumed, for counts that hardly ever change.
pub(super) const SMALLEST_SCALE: f64 = 1e-7;

/// Values on each side that make a value's neighborhood.
pub(super) const NEIGHBORS: usize = 9;

/// Values on each side that the latest values keep: the neighborhood shrinks towards the end, so that a fresh level shows soon.
const NEIGHBORS_AT_END: usize = 2;

/// Values further than this many scales from the median of their neighborhood are brought back to it.
const CLIP: f64 = 1.3;

/// Scatter of a series and what a value remembers of the one before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Noise {
    /// Standard deviation of a value.
    pub(super) scale: f64,
    /// Coefficient of a first-order autoregression.
    pub(super) memory: f64,
}

impl Noise {
    /// The noise of at least three values.
    ///
    /// For an autoregression with coefficient ρ the mean squares of the differences at lags 1 and 2 are 2σ²(1 − ρ) and
    /// 2σ²(1 − ρ²), so that their quotient is 1 + ρ.
    pub(super) fn of(values: &[f64], scratch: &mut Vec<f64>) -> Self {
        scratch.clear();
        scratch.extend(values.windows(2).map(|pair| (pair[1] - pair[0]).abs()));
        let place = (scratch.len() * SHARE.0 / SHARE.1).min(scratch.len() - 1);
        let (_, quantile, _) = scratch.select_nth_unstable_by(place, f64::total_cmp);
        let difference = *quantile / NORMAL_80;
        if difference < SMALLEST_SCALE {
            return Self { scale: SMALLEST_SCALE, memory: 0.0 };
        }
        let reach = REACH * difference;
        let mean_square = |lag: usize| {
            let pairs = values.iter().zip(&values[lag..]);
            let squares = pairs.map(|(before, after)| (after - before).abs().min(reach).powi(2));
            squares.sum::<f64>() / (values.len() - lag) as f64
        };
        let memory = (mean_square(2) / mean_square(1) - 1.0).clamp(0.0, LARGEST_MEMORY);
        Self { scale: difference / (2.0 * (1.0 - memory)).sqrt(), memory }
    }

    /// How many times the variance of a long mean exceeds that of independent values.
    pub(super) fn inflation(self) -> f64 {
        (1.0 + self.memory) / (1.0 - self.memory)
    }

    /// How far from the median of its neighborhood a value may be.
    pub(super) fn reach(self) -> f64 {
        CLIP * self.scale
    }

    /// The values, each at most [`CLIP`] scales from the median of its neighborhood, which is shifted inwards at the beginning and
    /// shrinks towards the end.
    pub(super) fn clip(self, values: &[f64], clipped: &mut Vec<f64>) {
        let n = values.len();
        let neighbors = neighbors(n);
        let width = (2 * neighbors + 1).min(n);
        let reach = self.reach();
        let mut window = [0.0; WIDTH];
        window[..width].copy_from_slice(&values[..width]);
        window[..width].sort_unstable_by(f64::total_cmp);
        let mut start = 0;
        clipped.clear();
        for (place, value) in values.iter().enumerate() {
            let after = n - 1 - place;
            let median = if after < neighbors && n > width {
                let half = after.max(NEIGHBORS_AT_END);
                let from = (place - half).min(n - (2 * half + 1));
                median_of(&mut window, &values[from..=from + 2 * half])
            } else {
                let from = place.saturating_sub(neighbors).min(n - width);
                if from > start {
                    exchange(&mut window[..width], values[start], values[start + width]);
                    start = from;
                }
                window[width / 2]
            };
            clipped.push(value.clamp(median - reach, median + reach));
        }
    }
}

/// Neighbors on each side in a series of `n`: a quarter of a short one, so that half of it can be a level.
fn neighbors(n: usize) -> usize {
    NEIGHBORS.min(n / 4).max(NEIGHBORS_AT_END)
}

/// Values of a whole neighborhood.
const WIDTH: usize = 2 * NEIGHBORS + 1;

/// The middle of an odd number of values, at most [`WIDTH`].
fn median_of(scratch: &mut [f64; WIDTH], values: &[f64]) -> f64 {
    let window = &mut scratch[..values.len()];
    window.copy_from_slice(values);
    *window.select_nth_unstable_by(values.len() / 2, f64::total_cmp).1
}

/// Takes `old` out of sorted values and puts `new` in.
fn exchange(sorted: &mut [f64], old: f64, new: f64) {
    let mut place = sorted.iter().position(|value| value.total_cmp(&old).is_eq()).unwrap_or(0);
    while place + 1 < sorted.len() && sorted[place + 1] < new {
        sorted[place] = sorted[place + 1];
        place += 1;
    }
    while place > 0 && sorted[place - 1] > new {
        sorted[place] = sorted[place - 1];
        place -= 1;
    }
    sorted[place] = new;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rng::SplitMix64;

    #[test]
    fn the_document_states_the_clipping() {
        let document = include_str!("../../../docs/statistics.md");
        let words = format!("within {CLIP} scales of the median of its {WIDTH} neighbors");
        assert!(document.contains(&words), "{words}");
        // Half of the neighborhood and one more outweigh the rest.
        assert!(NEIGHBORS + 1 == 10 && document.contains("fewer than ten values at the very beginning"));
    }

    fn series(memory: f64, step: f64) -> Vec<f64> {
        let mut rng = SplitMix64::new(8);
        let mut state = 0.0;
        let mut next = |i: u32| {
            state = memory * state + (1.0 - memory * memory).sqrt() * rng.normal();
            state + if i >= 1000 { step } else { 0.0 } + if i.is_multiple_of(97) { 30.0 } else { 0.0 }
        };
        (0..2000).map(&mut next).collect()
    }

    #[test]
    fn scale_and_memory_are_found_beside_spikes_and_a_step() {
        for memory in [0.0, 0.3, 0.6] {
            for step in [0.0, 20.0] {
                let noise = Noise::of(&series(memory, step), &mut Vec::new());
                assert!((noise.memory - memory).abs() < 0.12, "{noise:?} for {memory}");
                assert!((noise.scale - 1.0).abs() < 0.15, "{noise:?} for {memory}");
            }
        }
    }

    #[test]
    fn the_running_median_is_the_median_of_each_neighborhood() {
        let mut rng = SplitMix64::new(2);
        for length in [3, 18, 19, 20, 60] {
            let values: Vec<f64> = (0..length).map(|_| (10.0 * rng.unit()).floor()).collect();
            let mut clipped = Vec::new();
            // No reach: what is left are the medians.
            Noise { scale: 0.0, memory: 0.0 }.clip(&values, &mut clipped);
            for (place, found) in clipped.iter().enumerate() {
                let after = length - 1 - place;
                let half = if length > 5 { after.clamp(2, (length / 4).clamp(2, 9)) } else { 2 };
                let width = (2 * half + 1).min(length);
                let from = place.saturating_sub(half).min(length - width);
                let mut window = values[from..from + width].to_vec();
                window.sort_by(f64::total_cmp);
                assert_eq!(found.to_bits(), window[width / 2].to_bits(), "{place} of {length}");
            }
        }
    }

    #[test]
    fn counts_that_hardly_change_have_the_smallest_scale() {
        let values: Vec<f64> = (0..40).map(|i| if i < 20 { 1.0 } else { 2.0 }).collect();
        assert_eq!(Noise::of(&values, &mut Vec::new()), Noise { scale: SMALLEST_SCALE, memory: 0.0 });
    }
}
