//! Confidence intervals from Student's t: one sample, paired differences, two samples.
//!
//! The caller decides what the numbers are (here usually logarithms of launch medians) and what replicates what.

use super::distributions::t_quantile;
use super::moments::{mean, variance};

/// A t interval with everything needed to explain it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TInterval {
    /// The mean, or the difference of means.
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Standard error of the estimate.
    pub standard_error: f64,
    /// Degrees of freedom.
    pub degrees: f64,
}

/// Student's interval of a mean; for paired data pass the differences.
///
/// # Edge cases
/// `None` below two values or for a level outside of 0…1. Equal values give an interval without width.
///
/// # Reference
/// Student (1908): `mean ± t_{(1+level)/2, n−1} · s ÷ √n`.
#[must_use]
pub fn one_sample(values: &[f64], level: f64) -> Option<TInterval> {
    let n = values.len() as f64;
    let standard_error = (variance(values)? / n).sqrt();
    around(mean(values)?, standard_error, n - 1.0, level)
}

/// Welch's interval of `mean(b) − mean(a)`: the two sides may differ in number and variance.
///
/// `shared_variance` is added to the squared standard error: variation that both groups share within but not between
/// each other (sessions on one machine), known from calibration; 0 when unknown. It is treated as known exactly.
///
/// # Edge cases
/// `None` when a side has fewer than two values or `shared_variance` is negative or not finite. When both sides have
/// no variance at all, the degrees of freedom are `n₁ + n₂ − 2`.
///
/// # Reference
/// Welch, Biometrika 34 (1947), with Satterthwaite's degrees of freedom.
#[must_use]
pub fn welch(a: &[f64], b: &[f64], level: f64, shared_variance: f64) -> Option<TInterval> {
    if !(shared_variance >= 0.0 && shared_variance.is_finite()) {
        return None;
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (from_a, from_b) = (variance(a)? / n, variance(b)? / m);
    let squared = from_a + from_b;
    let degrees = if squared > 0.0 {
        squared.powi(2) / (from_a.powi(2) / (n - 1.0) + from_b.powi(2) / (m - 1.0))
    } else {
        n + m - 2.0
    };
    around(mean(b)? - mean(a)?, (squared + shared_variance).sqrt(), degrees, level)
}

fn around(estimate: f64, standard_error: f64, degrees: f64, level: f64) -> Option<TInterval> {
    let half = t_quantile(f64::midpoint(1.0, level), degrees)? * standard_error;
    Some(TInterval { estimate, low: estimate - half, high: estimate + half, standard_error, degrees })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_textbook_interval_comes_out() {
        let interval = one_sample(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).unwrap();
        assert!((interval.low - 1.036_756_838_522_439).abs() < 1e-12);
        assert!((interval.high - 4.963_243_161_477_561).abs() < 1e-12);
    }

    #[test]
    fn single_values_and_strange_levels_have_no_interval() {
        assert_eq!(one_sample(&[1.0], 0.95), None);
        assert_eq!(one_sample(&[1.0, 2.0], 1.5), None);
        assert_eq!(welch(&[1.0], &[1.0, 2.0], 0.95, 0.0), None);
        assert_eq!(welch(&[1.0, 2.0], &[1.0, 2.0], 0.95, -1.0), None);
    }

    #[test]
    fn shared_variance_widens_and_constant_sides_do_not_divide_by_zero() {
        let narrow = welch(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0], 0.95, 0.0).unwrap();
        let wide = welch(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0], 0.95, 0.5).unwrap();
        assert!(wide.high > narrow.high && wide.low < narrow.low);
        let constant = welch(&[1.0, 1.0], &[2.0, 2.0], 0.95, 0.0).unwrap();
        assert!((constant.estimate - 1.0).abs() < 1e-12 && (constant.degrees - 2.0).abs() < 1e-12);
    }
}
