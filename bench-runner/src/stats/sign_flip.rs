//! The sign-flip test: under "no change" each paired difference is as likely negative as positive.
//!
//! The only assumption is symmetry, which a random order of the two sides guarantees by design.

use super::rng::SplitMix64;

/// Number of differences up to which all sign patterns are counted.
pub const EXACT_LIMIT: usize = 20;

/// Random patterns drawn above that limit.
pub const DRAWS: u32 = 100_000;

/// Two-sided probability that random signs give a sum at least as far from zero as the observed one.
///
/// Exact up to [`EXACT_LIMIT`] differences, then from [`DRAWS`] seeded random patterns, counting the observed one, so
/// that the result is never zero and the test stays valid.
///
/// # Edge cases
/// `None` when empty or when a value is not finite. Sums within a relative 1e-12 of the observed one count as equal.
///
/// # Reference
/// Fisher, *The Design of Experiments* (1935), §21; Phipson and Smyth, *Permutation p-values should never be zero*
/// (2010), for the drawn version.
#[must_use]
pub fn sign_flip(differences: &[f64], seed: u64) -> Option<f64> {
    if differences.is_empty() || differences.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let size: f64 = differences.iter().map(|value| value.abs()).sum();
    let observed = differences.iter().sum::<f64>().abs() - 1e-12 * size;
    Some(if differences.len() <= EXACT_LIMIT {
        exact(differences, observed)
    } else {
        drawn(differences, observed, seed)
    })
}

fn exact(differences: &[f64], observed: f64) -> f64 {
    // The first sign is fixed: flipping all signs mirrors the sum, and the test is two-sided.
    let free = differences.len() - 1;
    far_patterns(differences[0], &differences[1..], observed) as f64 / (1_u64 << free) as f64
}

/// How many sign patterns of the rest bring the sum at least as far as the observed one; depth at most the limit.
fn far_patterns(sum: f64, rest: &[f64], observed: f64) -> u64 {
    match rest.split_first() {
        None => u64::from(sum.abs() >= observed),
        Some((next, rest)) => {
            far_patterns(sum + next, rest, observed) + far_patterns(sum - next, rest, observed)
        }
    }
}

fn drawn(differences: &[f64], observed: f64, seed: u64) -> f64 {
    let mut rng = SplitMix64::new(seed);
    let far = (0..DRAWS)
        .filter(|_| {
            let mut signs = 0;
            let sum = differences.iter().enumerate().fold(0.0, |sum, (i, value)| {
                if i % 64 == 0 {
                    signs = rng.next_u64();
                }
                let negative = signs >> (i % 64) & 1 == 1;
                if negative { sum - value } else { sum + value }
            });
            sum.abs() >= observed
        })
        .count();
    (far as f64 + 1.0) / (f64::from(DRAWS) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_equal_signs_give_two_in_two_hundred_and_fifty_six() {
        let p = sign_flip(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 0).unwrap();
        assert!((p - 2.0 / 256.0).abs() < 1e-12);
    }

    #[test]
    fn all_zero_is_no_evidence_and_nothing_is_no_answer() {
        assert_eq!(sign_flip(&[0.0, 0.0], 0), Some(1.0));
        assert_eq!(sign_flip(&[], 0), None);
        assert_eq!(sign_flip(&[f64::INFINITY], 0), None);
    }

    #[test]
    fn drawn_patterns_agree_with_a_known_probability() {
        // 24 equal differences of which 17 are positive: P(|2·Bin(24, ½) − 24| ≥ 10) = 0.0639.
        let differences: Vec<f64> = (0..24).map(|i| if i < 17 { 1.0 } else { -1.0 }).collect();
        let p = sign_flip(&differences, 3).unwrap();
        assert!((p - 0.0639).abs() < 0.004, "{p}");
    }
}
