//! Wilcoxon's signed-rank interval of a center of symmetry: exact whatever the distribution, for a number of values fixed
//! beforehand.
//!
//! If the signs of the distances from the center are independent fair coins, which a random order of the two sides makes
//! them, the chance to miss the center is known exactly. Tails, spikes, or noise that goes on from value to value do not
//! change it, as they change Student's.

use super::distributions::normal_quantile;
use super::order::middle;

/// Number of values up to which the distribution of the statistic is counted exactly.
pub const EXACT_LIMIT: usize = 100;

/// An interval of a center.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankInterval {
    /// Hodges–Lehmann center.
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// How often such intervals hold the center: at least the level asked for, and seldom much more.
    pub coverage: f64,
}

/// The signed-rank interval at `level`.
///
/// # Edge cases
/// `None` for a level outside of 0…1, for a value that is not finite, and with so few values that nothing can be refuted:
/// at least `log₂(2 ÷ (1 − level))` are needed, six at 95 %. With equal values, or values of a coarse unit, it holds the
/// center more often than `coverage` says.
///
/// # Reference
/// Wilcoxon, Biometrics Bulletin 1 (1945); Hollander, Wolfe, *Nonparametric Statistical Methods*, §3.3: the (k+1)-th smallest
/// and largest mean of two values, for the greatest k with `P(W ≤ k) ≤ (1 − level) ÷ 2`.
#[must_use]
pub fn signed_rank_interval(values: &[f64], level: f64) -> Option<RankInterval> {
    if !(level > 0.0 && level < 1.0) || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let (outside, tail) = refuted(values.len(), f64::midpoint(1.0, -level))?;
    let mut means: Vec<f64> = values
        .iter()
        .enumerate()
        .flat_map(|(index, a)| values[index..].iter().map(move |b| f64::midpoint(*a, *b)))
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let (low, high) = (*means.get(outside)?, *means.get(means.len() - 1 - outside)?);
    Some(RankInterval { estimate: middle(&means), low, high, coverage: 1.0 - 2.0 * tail })
}

/// Means of two values that are left out on each side so that the center lies among them with a probability of at most `tail`,
/// and that probability.
fn refuted(n: usize, tail: f64) -> Option<(usize, f64)> {
    let all = n * (n + 1) / 2;
    if n > EXACT_LIMIT {
        let (n, all) = (n as f64, all as f64);
        let sd = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
        let least = all / 2.0 + normal_quantile(tail)? * sd - 0.5;
        return (least >= 0.0).then(|| (super::floor_to_index(least), tail));
    }
    // chance[w]: of the sum w of the ranks with a positive sign, one rank after the other.
    let mut chance = vec![0.0; all / 2 + 1];
    chance[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..chance.len()).rev() {
            let with = if sum >= rank { chance[sum - rank] } else { 0.0 };
            chance[sum] = f64::midpoint(chance[sum], with);
        }
    }
    let (mut below, mut found) = (0.0, None);
    for (sum, chance) in chance.iter().enumerate() {
        below += chance;
        if below > tail {
            break;
        }
        found = Some((sum, below));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::interval::one_sample;
    use crate::stats::rng::SplitMix64;

    /// Greatest sums of ranks that are refuted at 5 % on two sides, from the printed tables.
    #[test]
    fn critical_values_are_those_of_the_tables() {
        let table = [
            (6, 0),
            (7, 2),
            (8, 3),
            (9, 5),
            (10, 8),
            (11, 10),
            (12, 13),
            (15, 25),
            (20, 52),
            (25, 89),
            (30, 137),
        ];
        for (n, critical) in table {
            let (outside, tail) = refuted(n, 0.025).unwrap();
            assert_eq!(outside, critical, "{n}");
            assert!(tail <= 0.025, "{n}: {tail}");
        }
        assert_eq!(refuted(5, 0.025), None);
        assert_eq!(signed_rank_interval(&[1.0; 5], 0.95), None);
        assert_eq!(signed_rank_interval(&[1.0; 9], 1.0), None);
        assert_eq!(signed_rank_interval(&[1.0, f64::NAN, 2.0, 3.0, 4.0, 5.0, 6.0], 0.95), None);
    }

    /// 12 values, as many as the blocks of a simulated comparison: all patterns of signs counted one by one.
    #[test]
    fn the_chance_to_miss_is_the_share_of_all_sign_patterns() {
        let sizes: Vec<f64> = (1..=12).map(|rank| f64::from(rank).powi(3)).collect();
        let missed = (0..1_u32 << sizes.len())
            .filter(|pattern| {
                let signed: Vec<f64> = sizes
                    .iter()
                    .enumerate()
                    .map(|(bit, size)| if pattern >> bit & 1 == 1 { *size } else { -size })
                    .collect();
                let found = signed_rank_interval(&signed, 0.95).unwrap();
                found.low > 0.0 || found.high < 0.0
            })
            .count();
        let coverage = signed_rank_interval(&sizes, 0.95).unwrap().coverage;
        assert!((coverage - (1.0 - missed as f64 / 4096.0)).abs() < 1e-12, "{coverage} {missed}");
        assert!((coverage - 0.957_520).abs() < 1e-6, "{coverage}");
    }

    #[test]
    fn many_values_go_on_where_counting_ends() {
        let (exact, _) = refuted(EXACT_LIMIT, 0.025).unwrap();
        let (next, _) = refuted(EXACT_LIMIT + 1, 0.025).unwrap();
        // The critical value grows by about half of the number of values each time.
        assert!(next > exact + 25 && next < exact + 70, "{exact} {next}");
    }

    #[test]
    fn normal_values_give_about_the_width_of_students() {
        let mut rng = SplitMix64::new(5);
        let mut widths = (0.0, 0.0);
        for _ in 0..300 {
            let values: Vec<f64> = (0..12).map(|_| rng.normal()).collect();
            let (rank, t) =
                (signed_rank_interval(&values, 0.95).unwrap(), one_sample(&values, 0.95).unwrap());
            widths = (widths.0 + rank.high - rank.low, widths.1 + t.high - t.low);
            assert!(rank.low <= rank.estimate && rank.estimate <= rank.high);
        }
        assert!((widths.0 / widths.1 - 1.0).abs() < 0.1, "{widths:?}");
    }
}
