//! How much a value remembers of its predecessor, when some values are far out.
//!
//! The plain estimate lives in `moments`; this one is for residuals of a history with spikes and steps.

use super::moments;
use super::order::Sorted;
use super::scale::MAD_TO_SD;

/// Values are clipped at this many robust standard deviations from their median before they are correlated.
pub const CLIP: f64 = 2.5;

/// Largest coefficient that is returned: at 1 there would be no level to return to.
pub const LARGEST: f64 = 0.95;

/// The coefficient of a first-order autoregression, from values clipped at [`CLIP`], within 0…[`LARGEST`].
///
/// A single spike moves the plain estimate towards zero and a step towards one; clipping bounds the former, and the
/// caller keeps the latter out by passing one segment. Negative estimates count as 0: alternation is not a memory that a
/// forecast should use.
///
/// # Edge cases
/// `None` below three values or when one is not finite. 0 when half of the values are equal.
///
/// # Reference
/// The lag-1 estimate of Box and Jenkins on winsorized values (Huber's ψ with c = 2.5).
#[must_use]
pub fn clipped_ar1(values: &[f64]) -> Option<f64> {
    if values.len() < 3 {
        return None;
    }
    let sorted = Sorted::new(values)?;
    let reach = CLIP * MAD_TO_SD * sorted.median_absolute_deviation();
    let center = sorted.median();
    let clipped: Vec<f64> = values.iter().map(|value| value.clamp(center - reach, center + reach)).collect();
    Some(moments::lag_one_autocorrelation(&clipped).unwrap_or(0.0).clamp(0.0, LARGEST))
}

#[cfg(test)]
mod tests {
    use super::super::rng::SplitMix64;
    use super::*;

    fn series(coefficient: f64, spikes: bool) -> Vec<f64> {
        let mut rng = SplitMix64::new(5);
        let mut state = 0.0;
        (0..4000)
            .map(|i| {
                state = coefficient * state + rng.normal();
                if spikes && i % 40 == 0 { state + 50.0 } else { state }
            })
            .collect()
    }

    #[test]
    fn the_coefficient_is_found_beside_spikes() {
        for coefficient in [0.0, 0.3, 0.6] {
            let clean = clipped_ar1(&series(coefficient, false)).unwrap();
            let spiked = clipped_ar1(&series(coefficient, true)).unwrap();
            assert!((clean - coefficient).abs() < 0.05, "{clean} for {coefficient}");
            assert!((spiked - coefficient).abs() < 0.15, "{spiked} for {coefficient} with spikes");
        }
        let plain = moments::lag_one_autocorrelation(&series(0.6, true)).unwrap();
        assert!(plain < 0.3, "the plain estimate would do as well: {plain}");
    }

    #[test]
    fn alternation_and_constants_remember_nothing() {
        assert_eq!(clipped_ar1(&[1.0, -1.0, 1.0, -1.0]), Some(0.0));
        assert_eq!(clipped_ar1(&[2.0; 5]), Some(0.0));
        assert_eq!(clipped_ar1(&[1.0, 2.0]), None);
    }
}
