//! Criterion's own comparison of two samples, so that it can be judged on the same data as ours.
//!
//! It treats the observations of one process as independent; that is what is shown here, not mended.

use super::moments::{mean, variance};
use super::order::Sorted;
use super::rng::SplitMix64;

/// Criterion's significance level.
pub const SIGNIFICANCE: f64 = 0.05;
/// Criterion's noise threshold.
pub const NOISE: f64 = 0.01;
/// Criterion's confidence level.
const CONFIDENCE: f64 = 0.95;

/// What Criterion says about two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CriterionAnswer {
    /// Two-sided p of the bootstrapped t test.
    pub p_value: f64,
    /// Change of the mean, as a fraction.
    pub change: f64,
    /// 95 % percentile interval of that change.
    pub interval: (f64, f64),
    /// Whether it prints "improved" or "regressed".
    pub changed: bool,
}

/// Compares two samples of times per iteration as Criterion does.
///
/// `resamples` is 100 000 in Criterion; fewer make the answer coarser, not more cautious.
///
/// # Edge cases
/// `None` when a sample has fewer than two values, a mean is not above zero, or without resamples. As in Criterion, t
/// statistics that are not finite are left out, and two samples without any variance are not different.
///
/// # Reference
/// Criterion 0.8.2: `t_test` and `estimates` in `src/analysis/compare.rs`, `Distribution::p_value` in `src/stats/mod.rs`,
/// both bootstraps in `src/stats/univariate/`, `compare_to_threshold` in `src/report.rs`. The generator is ours.
#[must_use]
pub fn criterion_rule(
    candidate: &[f64],
    baseline: &[f64],
    resamples: u32,
    rng: &mut SplitMix64,
) -> Option<CriterionAnswer> {
    let (new, old) = (mean(candidate)?, mean(baseline)?);
    let usable = candidate.len() > 1 && baseline.len() > 1 && new > 0.0 && old > 0.0 && resamples > 0;
    if !usable {
        return None;
    }
    let observed = t(candidate, baseline);
    let pool = [candidate, baseline].concat();
    let mut drawn = vec![0.0; pool.len()];
    let mut null = Vec::with_capacity(resamples as usize);
    for _ in 0..resamples {
        draw(&pool, &mut drawn, rng);
        let (a, b) = drawn.split_at(candidate.len());
        null.push(t(a, b));
    }
    null.retain(|value| value.is_finite());
    let p_value = if null.is_empty() || !observed.is_finite() {
        1.0
    } else {
        let below = null.iter().filter(|value| **value < observed).count();
        2.0 * below.min(null.len() - below) as f64 / null.len() as f64
    };
    let interval = change_interval(candidate, baseline, resamples, rng)?;
    let beyond = interval.0 > NOISE || interval.1 < -NOISE;
    Some(CriterionAnswer {
        p_value,
        change: new / old - 1.0,
        interval,
        changed: p_value < SIGNIFICANCE && beyond,
    })
}

/// Criterion's bootstrap of the change of means: √n draws of the first sample, each with √n draws of the second.
fn change_interval(
    candidate: &[f64],
    baseline: &[f64],
    resamples: u32,
    rng: &mut SplitMix64,
) -> Option<(f64, f64)> {
    let outer = super::ceil_to_count(f64::from(resamples).sqrt()).max(1);
    let inner = u64::from(resamples).div_ceil(outer);
    let (mut a, mut b) = (vec![0.0; candidate.len()], vec![0.0; baseline.len()]);
    let mut changes = Vec::new();
    for _ in 0..outer {
        draw(candidate, &mut a, rng);
        let new = mean(&a)?;
        for _ in 0..inner {
            draw(baseline, &mut b, rng);
            changes.push(new / mean(&b)? - 1.0);
        }
    }
    let sorted = Sorted::from_vec(changes)?;
    Some((sorted.quantile((1.0 - CONFIDENCE) / 2.0), sorted.quantile(f64::midpoint(1.0, CONFIDENCE))))
}

fn draw(from: &[f64], into: &mut [f64], rng: &mut SplitMix64) {
    for place in into {
        *place = from[rng.below(from.len())];
    }
}

/// Welch's t statistic.
fn t(a: &[f64], b: &[f64]) -> f64 {
    let of = |values: &[f64]| (mean(values).unwrap_or(f64::NAN), variance(values).unwrap_or(f64::NAN));
    let ((mean_a, variance_a), (mean_b, variance_b)) = (of(a), of(b));
    (mean_a - mean_b) / (variance_a / a.len() as f64 + variance_b / b.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seed: u64, center: f64, sd: f64) -> Vec<f64> {
        let mut rng = SplitMix64::new(seed);
        (0..50).map(|_| center * (1.0 + sd * rng.normal())).collect()
    }

    #[track_caller]
    fn check(candidate: &[f64], baseline: &[f64], changed: bool) -> CriterionAnswer {
        let answer = criterion_rule(candidate, baseline, 4000, &mut SplitMix64::new(1)).unwrap();
        assert_eq!(answer.changed, changed, "{answer:?}");
        answer
    }

    #[test]
    fn it_says_what_criterion_says() {
        let base = sample(1, 100.0, 0.01);
        let slower = check(&sample(2, 105.0, 0.01), &base, true);
        assert!(slower.p_value < 0.001 && (slower.change - 0.05).abs() < 0.01);
        // The interval of a change of means is close to the normal one.
        let half = 1.96 * 1.05 * 0.01 * (2.0_f64 / 50.0).sqrt();
        assert!(((slower.interval.1 - slower.interval.0) / 2.0 / half - 1.0).abs() < 0.3, "{slower:?}");
        check(&sample(3, 100.0, 0.01), &base, false);
        // Significant, and within the noise threshold.
        let small = check(&sample(4, 100.8, 0.005), &base, false);
        assert!(small.p_value < 0.05, "{small:?}");
    }

    #[test]
    fn equal_constants_are_not_different_and_nothing_is_no_answer() {
        let constant = [5.0; 10];
        assert!(!check(&constant, &constant, false).changed);
        let mut rng = SplitMix64::new(1);
        assert_eq!(criterion_rule(&[1.0], &constant, 100, &mut rng), None);
        assert_eq!(criterion_rule(&constant, &constant, 0, &mut rng), None);
    }

    #[test]
    fn independent_normal_samples_keep_the_level() {
        let alarms = (0..300)
            .filter(|seed| {
                let (a, b) = (sample(2 * seed + 10, 1.0, 0.05), sample(2 * seed + 11, 1.0, 0.05));
                criterion_rule(&a, &b, 500, &mut SplitMix64::new(*seed)).unwrap().p_value < SIGNIFICANCE
            })
            .count();
        // 5 % of 300 within four standard errors.
        assert!((2..=30).contains(&alarms), "{alarms}");
    }
}
