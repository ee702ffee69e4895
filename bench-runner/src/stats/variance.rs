//! Where the variance comes from, launches or observations, and how to spend the next minute of measuring.
//!
//! Two levels only. Builds and boots redraw layout as well; that needs history, not one run.

use super::ceil_to_count;
use super::moments::{mean, variance};

/// Variance of one observation and of one launch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceSplit {
    /// T₁²: mean variance of the observations within a launch.
    pub within: f64,
    /// T₂²: variance that launches add on their own, `max(0, S₂² − T₁² ÷ r)`.
    pub between: f64,
    /// r: harmonic mean of the numbers of observations per launch.
    pub observations: f64,
    /// Share of the variance of a launch mean that comes from the launch, 0 to 1.
    pub launch_share: f64,
}

/// Splits the variance of values grouped by launch.
///
/// # Edge cases
/// `None` below two launches, when a launch has fewer than two observations, or when nothing varies at all.
///
/// # Reference
/// Kalibera and Jones, *Rigorous benchmarking in reasonable time*, ISMM 2013, §6: unbiased estimates T₁² and T₂², here
/// clipped at zero.
#[must_use]
pub fn split(launches: &[Vec<f64>]) -> Option<VarianceSplit> {
    let means: Vec<f64> = launches.iter().filter_map(|launch| mean(launch)).collect();
    let inside: Vec<f64> = launches.iter().filter_map(|launch| variance(launch)).collect();
    if inside.len() != launches.len() {
        return None;
    }
    let within = mean(&inside)?;
    let of_means = variance(&means)?;
    let reciprocal: f64 = launches.iter().map(|launch| 1.0 / launch.len() as f64).sum();
    let observations = launches.len() as f64 / reciprocal;
    let between = (of_means - within / observations).max(0.0);
    let all = between + within / observations;
    (all > 0.0).then(|| VarianceSplit { within, between, observations, launch_share: between / all })
}

/// The number of observations per launch that costs least for a given precision, at least 1.
///
/// `launch_cost` is what starting a launch costs before its first observation, `observation_cost` what one observation
/// costs, in one unit of time.
///
/// # Edge cases
/// `None` when launches add no variance (more observations always pay) or a cost is not above zero.
///
/// # Reference
/// Kalibera and Jones (2013), §6.2: `r₁ = ⌈√(c₂ ÷ c₁ · T₁² ÷ T₂²)⌉`.
#[must_use]
pub fn best_observations_per_launch(
    split: &VarianceSplit,
    launch_cost: f64,
    observation_cost: f64,
) -> Option<u64> {
    let usable = split.between > 0.0 && launch_cost > 0.0 && observation_cost > 0.0;
    usable
        .then(|| ceil_to_count((launch_cost / observation_cost * split.within / split.between).sqrt()).max(1))
}

/// Launches needed so that the 95 % interval of the mean is within ± `half_width`, in the unit of the values.
///
/// # Edge cases
/// `None` when `half_width` or `observations` is not above zero. At least 2.
///
/// # Reference
/// `P = ⌈(1.96 · √(T₂² + T₁² ÷ n) ÷ h)²⌉`, from the variance of a mean of launch means. It uses the normal quantile and
/// is therefore slightly optimistic below about ten launches.
#[must_use]
pub fn launches_for_half_width(split: &VarianceSplit, observations: f64, half_width: f64) -> Option<u64> {
    if !(half_width > 0.0 && observations > 0.0) {
        return None;
    }
    let of_launch_mean = split.between + split.within / observations;
    Some(ceil_to_count(1.96_f64.powi(2) * of_launch_mean / half_width.powi(2)).max(2))
}

#[cfg(test)]
mod tests {
    use super::super::rng::SplitMix64;
    use super::*;

    #[test]
    fn simulated_levels_are_recovered() {
        let mut rng = SplitMix64::new(42);
        let launches: Vec<Vec<f64>> = (0..400)
            .map(|_| {
                let shift = 3.0 * rng.normal();
                (0..50).map(|_| 100.0 + shift + 5.0 * rng.normal()).collect()
            })
            .collect();
        let split = split(&launches).unwrap();
        assert!((split.within / 25.0 - 1.0).abs() < 0.05, "{split:?}");
        assert!((split.between / 9.0 - 1.0).abs() < 0.2, "{split:?}");
        assert!(split.launch_share > 0.92 && split.launch_share < 0.97, "{split:?}");
    }

    #[test]
    fn the_planner_follows_its_formula() {
        let split = VarianceSplit { within: 25.0, between: 1.0, observations: 10.0, launch_share: 0.3 };
        assert_eq!(best_observations_per_launch(&split, 4.0, 1.0), Some(10));
        assert_eq!(launches_for_half_width(&split, 25.0, 1.0), Some(8));
        let steady = VarianceSplit { between: 0.0, ..split };
        assert_eq!(best_observations_per_launch(&steady, 4.0, 1.0), None);
        assert_eq!(launches_for_half_width(&steady, 25.0, 0.0), None);
    }

    #[test]
    fn one_launch_or_no_variation_cannot_be_split() {
        assert_eq!(split(&[vec![1.0, 2.0]]), None);
        assert_eq!(split(&[vec![1.0, 1.0], vec![1.0, 1.0]]), None);
        assert_eq!(split(&[vec![1.0, 2.0], vec![1.0]]), None);
    }
}
