//! Shares: how often something happened among trials, with an exact interval.
//!
//! The interval takes trials as independent; counts from one correlated history are not, and their interval is too narrow.

use super::special::incomplete_beta;

/// The exact two-sided interval of a probability after `successes` in `trials`.
///
/// # Edge cases
/// `None` without trials, with more successes than trials, or unless 0 < `level` < 1. No success gives a lower bound of
/// 0, all successes an upper bound of 1.
///
/// # Reference
/// Clopper and Pearson, Biometrika 26 (1934): quantiles of the beta distribution, found here by bisection.
#[must_use]
pub fn clopper_pearson(successes: u64, trials: u64, level: f64) -> Option<(f64, f64)> {
    if trials == 0 || successes > trials || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    let (k, n) = (successes as f64, trials as f64);
    let low = if successes == 0 { 0.0 } else { beta_quantile(tail, k, n - k + 1.0) };
    let high = if successes == trials { 1.0 } else { 1.0 - beta_quantile(tail, n - k, k + 1.0) };
    Some((low, high))
}

/// The number below which a beta variable falls with probability `p`, by bisection to full precision.
fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if incomplete_beta(a, b, middle, 1.0 - middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(successes: u64, trials: u64, expected: (f64, f64)) {
        let (low, high) = clopper_pearson(successes, trials, 0.95).unwrap();
        assert!((low - expected.0).abs() < 1e-9 && (high - expected.1).abs() < 1e-9, "{low} to {high}");
    }

    #[test]
    fn textbook_intervals_come_out() {
        check(0, 50, (0.0, 1.0 - 0.025_f64.powf(1.0 / 50.0)));
        check(50, 50, (0.025_f64.powf(1.0 / 50.0), 1.0));
        check(1, 1, (0.025, 1.0));
        check(5, 10, (0.187_086_028_447_398_7, 0.812_913_971_552_601_3));
    }

    #[test]
    fn impossible_counts_have_no_interval() {
        assert_eq!(clopper_pearson(0, 0, 0.95), None);
        assert_eq!(clopper_pearson(2, 1, 0.95), None);
        assert_eq!(clopper_pearson(1, 2, 1.0), None);
    }
}
