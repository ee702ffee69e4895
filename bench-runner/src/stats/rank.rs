//! Tests and shifts by ranks: Mann–Whitney and Hodges–Lehmann.
//!
//! They assume independent values: feed them launches, never the observations of one process.

use super::Sorted;
use super::distributions::normal_cdf;
use super::order::middle;

/// What a rank test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// U of the first sample: pairs in which it is larger, ties counting half.
    pub u: f64,
    /// Two-sided probability of a U at least as far from its middle.
    pub p_value: f64,
    /// Whether the probability was counted exactly.
    pub exact: bool,
}

/// Sum of both sample sizes up to which [`mann_whitney`] counts exactly.
pub const EXACT_LIMIT: usize = 60;

/// Mann–Whitney's test: exact for small samples without ties, else by the normal approximation.
///
/// # Edge cases
/// `None` when a sample is empty or holds a value that is not finite.
#[must_use]
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<RankTest> {
    if a.len() + b.len() <= EXACT_LIMIT
        && let Some(test) = mann_whitney_exact(a, b)
    {
        return Some(test);
    }
    mann_whitney_normal(a, b)
}

/// Mann–Whitney's test by counting all arrangements.
///
/// # Edge cases
/// `None` when a sample is empty, holds a value that is not finite, or when two values are equal.
///
/// # Reference
/// Mann and Whitney (1947): the number of arrangements with statistic u follows
/// `f(u; m, n) = f(u − n; m − 1, n) + f(u; m, n − 1)`.
#[must_use]
pub fn mann_whitney_exact(a: &[f64], b: &[f64]) -> Option<RankTest> {
    let ranks = ranks(a, b)?;
    if ranks.ties > 0.0 {
        return None;
    }
    let (m, n) = (a.len(), b.len());
    let smaller = super::floor_to_index(ranks.u.min((m * n) as f64 - ranks.u));
    // ways[j][u]: arrangements of the i first values among j of the other sample; built up over i.
    let mut ways = vec![vec![0.0; smaller + 1]; n + 1];
    for row in &mut ways {
        row[0] = 1.0;
    }
    for _ in 0..m {
        let mut next = vec![vec![0.0; smaller + 1]; n + 1];
        next[0][0] = 1.0;
        for j in 1..=n {
            for u in 0..=smaller {
                let without = next[j - 1][u];
                let with = if u >= j { ways[j][u - j] } else { 0.0 };
                next[j][u] = without + with;
            }
        }
        ways = next;
    }
    let all = (1..=m).fold(1.0, |product, i| product * (n + i) as f64 / i as f64);
    let p_value = (2.0 * ways[n].iter().sum::<f64>() / all).min(1.0);
    Some(RankTest { u: ranks.u, p_value, exact: true })
}

/// Mann–Whitney's test by the normal approximation with continuity and tie corrections.
///
/// # Edge cases
/// `None` when a sample is empty or holds a value that is not finite. All values equal give a probability of 1.
///
/// # Reference
/// Hollander, Wolfe, *Nonparametric Statistical Methods*, §4.1; `scipy.stats.mannwhitneyu(method="asymptotic")`.
#[must_use]
pub fn mann_whitney_normal(a: &[f64], b: &[f64]) -> Option<RankTest> {
    let ranks = ranks(a, b)?;
    let (m, n) = (a.len() as f64, b.len() as f64);
    let total = m + n;
    let variance = m * n / 12.0 * ((total + 1.0) - ranks.ties / (total * (total - 1.0)));
    let larger = ranks.u.max(m * n - ranks.u);
    let p_value = if variance > 0.0 {
        let z = (larger - m * n / 2.0 - 0.5) / variance.sqrt();
        (2.0 * normal_cdf(-z)).min(1.0)
    } else {
        1.0
    };
    Some(RankTest { u: ranks.u, p_value, exact: false })
}

struct Ranks {
    u: f64,
    /// Σ(t³ − t) over groups of t equal values.
    ties: f64,
}

fn ranks(a: &[f64], b: &[f64]) -> Option<Ranks> {
    if a.is_empty() || b.is_empty() || a.iter().chain(b).any(|value| !value.is_finite()) {
        return None;
    }
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|v| (*v, true)).chain(b.iter().map(|v| (*v, false))).collect();
    all.sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0);
    // `total_cmp` tells −0 from 0, a comparison of the values does not: ties are judged by value.
    for group in all.chunk_by(|x, y| x.0 >= y.0) {
        let size = group.len() as f64;
        let rank = before as f64 + f64::midpoint(size, 1.0);
        rank_sum += rank * group.iter().filter(|(_, first)| *first).count() as f64;
        ties += size * size * size - size;
        before += group.len();
    }
    let m = a.len() as f64;
    Some(Ranks { u: rank_sum - m * (m + 1.0) / 2.0, ties })
}

/// Hodges–Lehmann's location of one sample: the median of all pairwise means `(xᵢ + xⱼ) ÷ 2`, i ≤ j.
///
/// # Edge cases
/// `None` when empty or when a value is not finite. Work and memory grow with n².
///
/// # Reference
/// Hodges and Lehmann, Annals of Mathematical Statistics 34 (1963).
#[must_use]
pub fn hodges_lehmann(values: &[f64]) -> Option<f64> {
    let sorted = Sorted::new(values)?;
    let values = sorted.values();
    let mut means: Vec<f64> = values
        .iter()
        .enumerate()
        .flat_map(|(i, low)| values[i..].iter().map(move |high| f64::midpoint(*low, *high)))
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    Some(middle(&means))
}

/// Hodges–Lehmann's shift from `a` to `b`: the median of all differences `bⱼ − aᵢ`.
///
/// # Edge cases
/// `None` when a sample is empty or holds a value that is not finite.
#[must_use]
pub fn hodges_lehmann_shift(a: &[f64], b: &[f64]) -> Option<f64> {
    let differences = a.iter().flat_map(|a| b.iter().map(move |b| b - a)).collect();
    Sorted::from_vec(differences).map(|sorted| sorted.median())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_separation_of_four_and_four_has_the_known_probability() {
        let test = mann_whitney(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]).unwrap();
        assert!(test.exact && test.u.abs() < 1e-12);
        assert!((test.p_value - 2.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn ties_go_to_the_approximation_and_equal_samples_are_no_evidence() {
        let test = mann_whitney(&[1.0, 1.0], &[1.0, 1.0]).unwrap();
        assert!(!test.exact && (test.p_value - 1.0).abs() < 1e-12);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[f64::NAN], &[1.0]), None);
    }

    #[test]
    fn a_far_outlier_hardly_moves_the_location() {
        assert!((hodges_lehmann(&[1.0, 2.0, 3.0, 4.0, 1000.0]).unwrap() - 3.0).abs() < 1e-12);
        assert!((hodges_lehmann_shift(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]).unwrap() - 10.0).abs() < 1e-12);
    }
}
