//! What a comparison could have seen: minimum detectable effect and the launches for a wanted one.
//!
//! Planning numbers: they use central t quantiles (as the common tables do), which is accurate to about one launch.

use super::distributions::t_quantile;

/// The smallest true difference that a two-sided t test at `alpha` shows with probability `power`.
///
/// # Units
/// That of `standard_error`.
///
/// # Edge cases
/// `None` when a probability is outside of 0…1 or the degrees of freedom are impossible.
///
/// # Reference
/// `(t_{1−α/2, ν} + t_{power, ν}) · SE`; Bloom, *Minimum detectable effects*, Evaluation Review 19 (1995).
#[must_use]
pub fn minimum_detectable_effect(standard_error: f64, degrees: f64, alpha: f64, power: f64) -> Option<f64> {
    let sum = t_quantile(1.0 - alpha / 2.0, degrees)? + t_quantile(power, degrees)?;
    Some(sum * standard_error)
}

/// Launches per side so that an unpaired comparison shows `effect` with probability `power`, at most `limit`.
///
/// # Edge cases
/// `None` when even `limit` launches do not suffice, or for impossible numbers.
#[must_use]
pub fn launches_per_side(
    standard_deviation: f64,
    effect: f64,
    alpha: f64,
    power: f64,
    limit: u32,
) -> Option<u32> {
    (2..=limit).find(|&n| {
        let count = f64::from(n);
        let standard_error = standard_deviation * (2.0 / count).sqrt();
        minimum_detectable_effect(standard_error, 2.0 * (count - 1.0), alpha, power)
            .is_some_and(|smallest| smallest <= effect)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(deviation: f64, effect: f64, expected: u32) {
        assert_eq!(launches_per_side(deviation, effect, 0.01, 0.9, 2000), Some(expected));
    }

    #[test]
    fn the_planning_table_comes_out() {
        check(0.0025, 0.01, 4);
        check(0.005, 0.01, 10);
        check(0.01, 0.01, 32);
        check(0.02, 0.01, 121);
        check(0.02, 0.02, 32);
        check(0.05, 0.05, 32);
    }

    #[test]
    fn hopeless_noise_is_said_to_be_so() {
        assert_eq!(launches_per_side(0.5, 0.01, 0.01, 0.9, 100), None);
        assert_eq!(minimum_detectable_effect(0.1, 0.0, 0.05, 0.9), None);
    }
}
