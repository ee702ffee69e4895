//! Does a sample fall into two clumps?
//!
//! A screen that raises a doubt; it proves nothing about causes and does not count more than two clumps.

use super::Sorted;

/// The best cut of a sample into a lower and an upper part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoModes {
    /// Mean of the lower part.
    pub low: f64,
    /// Mean of the upper part.
    pub high: f64,
    /// Share of the values in the upper part, 0 to 1.
    pub high_share: f64,
    /// Ashman's D: distance of the means in units of the spread within the parts. One normal clump gives about 2.7,
    /// a uniform sample 3.5.
    pub separation: f64,
}

/// Cuts a sample in two so that the variance within the parts is least, each part holding at least a tenth.
///
/// # Edge cases
/// `None` below 20 values or when all values are equal. Parts without any spread give an infinite separation.
///
/// # Reference
/// Otsu, *A threshold selection method from gray-level histograms* (1979) for the cut; Ashman, Bird, Zepf,
/// *Detecting bimodality in astronomical datasets* (1994) for `D = √2·|μ₁ − μ₂| ÷ √(σ₁² + σ₂²)`.
#[must_use]
pub fn two_modes(sample: &Sorted) -> Option<TwoModes> {
    let values = sample.values();
    let n = values.len();
    if n < 20 || sample.maximum() <= sample.minimum() {
        return None;
    }
    // Centring keeps the running sums of squares from cancelling.
    let center = sample.median();
    let total = values.iter().fold((0.0, 0.0), |sums, value| add(sums, value - center));
    let edge = n.div_ceil(10);
    let mut lower = values[..edge].iter().fold((0.0, 0.0), |sums, value| add(sums, value - center));
    let mut best: Option<(f64, TwoModes)> = None;
    for (cut, value) in values.iter().enumerate().take(n - edge + 1).skip(edge) {
        let (k, rest) = (cut as f64, (n - cut) as f64);
        let upper = (total.0 - lower.0, total.1 - lower.1);
        let within_low = (lower.1 - lower.0 * lower.0 / k).max(0.0);
        let within_high = (upper.1 - upper.0 * upper.0 / rest).max(0.0);
        let cost = within_low + within_high;
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            let distance = upper.0 / rest - lower.0 / k;
            let spread = (within_low / k + within_high / rest).sqrt();
            let modes = TwoModes {
                low: center + lower.0 / k,
                high: center + upper.0 / rest,
                high_share: rest / n as f64,
                separation: std::f64::consts::SQRT_2 * distance / spread,
            };
            best = Some((cost, modes));
        }
        lower = add(lower, value - center);
    }
    best.map(|(_, modes)| modes)
}

fn add(sums: (f64, f64), value: f64) -> (f64, f64) {
    (sums.0 + value, sums.1 + value * value)
}

#[cfg(test)]
mod tests {
    use super::super::rng::SplitMix64;
    use super::*;

    fn separation(shift: f64, every: usize) -> f64 {
        let mut rng = SplitMix64::new(5);
        let values: Vec<f64> =
            (0..400).map(|i| 100.0 + rng.normal() + if i % every == 0 { shift } else { 0.0 }).collect();
        two_modes(&Sorted::new(&values).unwrap()).unwrap().separation
    }

    #[test]
    fn one_clump_stays_below_four_and_two_rise_above() {
        assert!(separation(0.0, 2) < 3.2, "{}", separation(0.0, 2));
        assert!(separation(8.0, 2) > 6.0);
        assert!(separation(8.0, 5) > 6.0);
    }

    #[test]
    fn small_or_constant_samples_are_not_judged() {
        assert_eq!(two_modes(&Sorted::new(&[1.0; 40]).unwrap()), None);
        assert_eq!(two_modes(&Sorted::new(&[1.0, 2.0]).unwrap()), None);
    }
}
