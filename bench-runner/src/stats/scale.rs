//! Robust scale: how far values scatter when some of them are far out.
//!
//! Both estimators aim at the standard deviation of a normal sample; neither corrects for small samples.

use super::order::{Sorted, middle};

/// Factor that turns a median absolute deviation into a normal standard deviation: `1 ÷ Φ⁻¹(3/4)`.
pub const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// Factor of [`qn`]: `1 ÷ (√2 · Φ⁻¹(5/8))`.
pub const QN_TO_SD: f64 = 2.219_144_465_985_076;

/// Median absolute deviation from the median, times [`MAD_TO_SD`]; `None` when empty or not finite.
///
/// # Edge cases
/// 0 when more than half of the values are equal.
///
/// # Reference
/// Hampel, *The influence curve and its role in robust estimation*, JASA 69 (1974). Efficiency 37 % at the normal.
#[must_use]
pub fn mad(values: &[f64]) -> Option<f64> {
    Some(MAD_TO_SD * Sorted::new(values)?.median_absolute_deviation())
}

/// Median of the absolute values, times [`MAD_TO_SD`]: the scale of residuals whose center is zero by construction.
///
/// # Edge cases
/// `None` when empty or not finite.
#[must_use]
pub fn about_zero(residuals: &[f64]) -> Option<f64> {
    let sizes: Vec<f64> = residuals.iter().map(|value| value.abs()).collect();
    Some(MAD_TO_SD * middle(Sorted::from_vec(sizes)?.values()))
}

/// The k-th smallest distance between two values, k = h(h − 1)/2 with h = ⌊n/2⌋ + 1, times [`QN_TO_SD`].
///
/// It needs no center, so that it suits lopsided samples; efficiency 82 % at the normal.
///
/// # Edge cases
/// `None` below two values or when one is not finite. Memory grows with n².
///
/// # Reference
/// Rousseeuw and Croux, *Alternatives to the median absolute deviation*, JASA 88 (1993), without the small-sample factor.
#[must_use]
pub fn qn(values: &[f64]) -> Option<f64> {
    let sorted = Sorted::new(values)?;
    let ascending = sorted.values();
    let half = ascending.len() / 2 + 1;
    let mut distances: Vec<f64> = ascending
        .iter()
        .enumerate()
        .flat_map(|(index, low)| ascending[index + 1..].iter().map(move |high| high - low))
        .collect();
    if distances.is_empty() {
        return None;
    }
    let (_, kth, _) = distances.select_nth_unstable_by(half * (half - 1) / 2 - 1, f64::total_cmp);
    Some(QN_TO_SD * *kth)
}

#[cfg(test)]
mod tests {
    use super::super::distributions::normal_quantile;
    use super::super::moments::mean;
    use super::super::rng::SplitMix64;
    use super::*;

    #[test]
    fn the_factors_are_their_formulas() {
        assert!((MAD_TO_SD * normal_quantile(0.75).unwrap() - 1.0).abs() < 1e-14);
        assert!((QN_TO_SD * std::f64::consts::SQRT_2 * normal_quantile(0.625).unwrap() - 1.0).abs() < 1e-14);
    }

    #[test]
    fn both_find_the_scale_of_normal_noise_beside_outliers() {
        let mut rng = SplitMix64::new(3);
        let values: Vec<f64> =
            (0..2000).map(|i| if i % 50 == 0 { 900.0 } else { 2.0 * rng.normal() }).collect();
        let found = [mad(&values).unwrap(), about_zero(&values).unwrap(), qn(&values).unwrap()];
        assert!(
            (mean(&found).unwrap() - 2.0).abs() < 0.2 && found.iter().all(|s| (s - 2.0).abs() < 0.25),
            "{found:?}"
        );
    }

    #[test]
    fn small_samples_have_known_values() {
        // Distances of 1, 2, 4: 1, 2, 3; h = 2, so that the first one counts.
        assert!((qn(&[4.0, 1.0, 2.0]).unwrap() - QN_TO_SD).abs() < 1e-12);
        assert_eq!(qn(&[1.0]), None);
        assert_eq!(mad(&[]), None);
        assert_eq!(about_zero(&[f64::NAN]), None);
    }
}
