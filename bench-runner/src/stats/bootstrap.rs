//! Bootstrap intervals: seeded, and also with given indices so that they can be checked.
//!
//! The hierarchical version resamples launches first and observations within them second, because launches are what
//! is replicated. With few launches it is too narrow; callers use Student's t there.

use super::Sorted;
use super::rng::SplitMix64;

/// The percentile interval of bootstrap estimates: quantiles (type 7) at `(1 ∓ level) ÷ 2`.
///
/// # Edge cases
/// `None` without estimates or when one of them is not finite.
///
/// # Reference
/// Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapter 13.
#[must_use]
pub fn percentile_interval(estimates: Vec<f64>, level: f64) -> Option<(f64, f64)> {
    let sorted = Sorted::from_vec(estimates)?;
    Some((sorted.quantile((1.0 - level) / 2.0), sorted.quantile(f64::midpoint(1.0, level))))
}

/// A statistic of the values picked by `indices`.
///
/// # Panics
/// When an index is out of range.
pub fn statistic_of_picked(
    values: &[f64],
    indices: &[usize],
    statistic: impl Fn(&[f64]) -> Option<f64>,
) -> Option<f64> {
    let picked: Vec<f64> = indices.iter().map(|index| values[*index]).collect();
    statistic(&picked)
}

/// Bootstrap estimates of any statistic: `resamples` times as many values as there are, drawn with replacement.
///
/// # Edge cases
/// Resamples for which the statistic has no answer are left out.
pub fn resample(
    values: &[f64],
    resamples: u32,
    rng: &mut SplitMix64,
    statistic: impl Fn(&[f64]) -> Option<f64>,
) -> Vec<f64> {
    let mut indices = vec![0; values.len()];
    (0..resamples)
        .filter_map(|_| {
            indices.fill_with(|| rng.below(values.len()));
            statistic_of_picked(values, &indices, &statistic)
        })
        .collect()
}

/// Median of the values at the given positions of an ascending sample, by counting instead of sorting.
///
/// # Edge cases
/// `None` without positions.
///
/// # Panics
/// When a position is out of range.
pub fn median_of_picked(sample: &Sorted, positions: impl IntoIterator<Item = usize>) -> Option<f64> {
    let mut counts = vec![0_u32; sample.len()];
    count_median(sample, positions, &mut counts)
}

/// As [`median_of_picked`], reusing `counts`, which must be at least as long as the sample.
fn count_median(
    sample: &Sorted,
    positions: impl IntoIterator<Item = usize>,
    counts: &mut [u32],
) -> Option<f64> {
    let counts = &mut counts[..sample.len()];
    counts.fill(0);
    let mut drawn = 0_u32;
    for position in positions {
        counts[position] += 1;
        drawn += 1;
    }
    if drawn == 0 {
        return None;
    }
    let (lower_rank, upper_rank) = ((drawn - 1) / 2, drawn / 2);
    let mut seen = 0;
    let mut lower = None;
    for (value, count) in sample.values().iter().zip(counts.iter()) {
        seen += count;
        if lower.is_none() && seen > lower_rank {
            lower = Some(*value);
        }
        if seen > upper_rank {
            return lower.map(|lower| f64::midpoint(lower, *value));
        }
    }
    None
}

/// Bootstrap estimates of the median of one sample.
pub fn medians(sample: &Sorted, resamples: u32, rng: &mut SplitMix64) -> Vec<f64> {
    let n = sample.len();
    let mut counts = vec![0; n];
    (0..resamples).filter_map(|_| count_median(sample, (0..n).map(|_| rng.below(n)), &mut counts)).collect()
}

/// The median of launch medians for one given hierarchical resample.
///
/// `launches` names the launches picked; `positions[k]` the positions, in ascending order of value, of the
/// observations picked within the k-th of them.
///
/// # Edge cases
/// `None` when nothing is picked.
///
/// # Panics
/// When an index or position is out of range.
#[must_use]
pub fn hierarchical_median_of_picked(
    groups: &[Sorted],
    launches: &[usize],
    positions: &[Vec<usize>],
) -> Option<f64> {
    let inner = launches
        .iter()
        .zip(positions)
        .map(|(launch, positions)| median_of_picked(&groups[*launch], positions.iter().copied()));
    Sorted::from_vec(inner.collect::<Option<Vec<f64>>>()?).map(|sorted| sorted.median())
}

/// Bootstrap estimates of the median of launch medians: launches drawn with replacement, then as many observations as
/// each drawn launch has, with replacement.
///
/// # Reference
/// Davison and Hinkley, *Bootstrap Methods and their Application* (1997), §3.8, scheme with replacement at both levels;
/// Kalibera and Jones (2013) use the same for benchmarks.
pub fn hierarchical_medians(groups: &[Sorted], resamples: u32, rng: &mut SplitMix64) -> Vec<f64> {
    let longest = groups.iter().map(Sorted::len).max().unwrap_or(0);
    let mut counts = vec![0; longest];
    let mut estimates = Vec::with_capacity(resamples as usize);
    for _ in 0..resamples {
        let mut inner = Vec::with_capacity(groups.len());
        for _ in groups {
            let group = &groups[rng.below(groups.len())];
            let n = group.len();
            inner.extend(count_median(group, (0..n).map(|_| rng.below(n)), &mut counts));
        }
        estimates.extend(Sorted::from_vec(inner).map(|sorted| sorted.median()));
    }
    estimates
}

#[cfg(test)]
mod tests {
    use super::super::order::median;
    use super::*;

    #[test]
    fn counting_and_sorting_agree_on_medians() {
        let mut rng = SplitMix64::new(3);
        for n in 1..40 {
            let values: Vec<f64> = (0..n).map(|_| (rng.unit() * 9.0).floor()).collect();
            let sorted = Sorted::new(&values).unwrap();
            let picks: Vec<usize> = (0..n).map(|_| rng.below(n)).collect();
            let slow = median(&picks.iter().map(|i| sorted.values()[*i]).collect::<Vec<_>>());
            assert_eq!(median_of_picked(&sorted, picks), slow);
        }
        assert_eq!(median_of_picked(&Sorted::new(&[1.0]).unwrap(), []), None);
    }

    #[test]
    fn equal_seeds_give_equal_intervals_and_more_launch_noise_a_wider_one() {
        let groups = |spread: f64| -> Vec<Sorted> {
            let mut rng = SplitMix64::new(8);
            (0..20)
                .map(|_| {
                    let shift = spread * rng.normal();
                    Sorted::from_vec((0..30).map(|_| 100.0 + shift + rng.normal()).collect()).unwrap()
                })
                .collect()
        };
        let interval = |spread: f64| {
            let estimates = hierarchical_medians(&groups(spread), 1000, &mut SplitMix64::new(1));
            percentile_interval(estimates, 0.95).unwrap()
        };
        assert_eq!(interval(1.0), interval(1.0));
        let (narrow, wide) = (interval(0.1), interval(5.0));
        assert!(wide.1 - wide.0 > 5.0 * (narrow.1 - narrow.0), "{narrow:?} {wide:?}");
    }

    #[test]
    fn nothing_in_gives_nothing_out() {
        assert_eq!(percentile_interval(Vec::new(), 0.95), None);
        assert_eq!(hierarchical_medians(&[], 3, &mut SplitMix64::new(1)), Vec::<f64>::new());
        assert_eq!(hierarchical_median_of_picked(&[], &[], &[]), None);
    }
}
