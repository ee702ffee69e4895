//! A confidence sequence for the center of symmetric differences: valid whenever one looks, and whenever one stops.
//!
//! Under "the center is c" the sign of each `d − c` is a fair coin, whatever its size. Whoever bets the fraction
//! `tanh(λ|d − c|)` on "above" multiplies the stake by `2 ÷ (1 + exp(−2λ(d − c)))`; the stake is a martingale, so the
//! chance that it ever exceeds 1/α is at most α. No normality, no known variance, no fixed number of differences.

use super::sequential::WIDTHS;

/// Natural logarithm of the stake of a bet that the center lies above `center`: the mean over λ ∈ [`WIDTHS`] of
/// `∏ 2 ÷ (1 + exp(−2λ(dᵢ − center)))`.
///
/// It falls as `center` rises, so that the centers that it refutes are all those below some bound. It grows by at most
/// `ln 2` with each difference. Values that are not finite are left out.
///
/// # Reference
/// The likelihood ratio of signs given sizes; Ville (1939). `exp(λd − λ²d²/2)` of [`super::sequential`] is a lower bound
/// of each factor (de la Peña, Annals of Probability 27, 1999), so this is never the weaker one.
#[must_use]
pub fn log_stake_above(differences: &[f64], center: f64) -> f64 {
    let logs = WIDTHS.map(|lambda| {
        let of = |d: &f64| std::f64::consts::LN_2 - softplus(-2.0 * lambda * (d - center));
        differences.iter().filter(|d| d.is_finite()).map(of).sum::<f64>()
    });
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + (logs.iter().map(|log| (log - largest).exp()).sum::<f64>() / WIDTHS.len() as f64).ln()
}

/// The same for "below".
#[must_use]
pub fn log_stake_below(differences: &[f64], center: f64) -> f64 {
    let mirrored: Vec<f64> = differences.iter().map(|d| -d).collect();
    log_stake_above(&mirrored, -center)
}

/// The centers that the differences seen so far do not refute, each side at `alpha / 2`.
///
/// Stopping whenever one likes, the chance that it does not hold the center is at most `alpha`.
///
/// # Edge cases
/// `None` for an `alpha` outside of 0…1, and with so few differences that nothing can be refuted yet: at least
/// `log₂(2 ÷ alpha)` are needed. Bounds are exact to 1e-9.
#[must_use]
pub fn confidence_sequence(differences: &[f64], alpha: f64) -> Option<(f64, f64)> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    let low = lower_bound(differences, alpha / 2.0)?;
    let mirrored: Vec<f64> = differences.iter().map(|d| -d).collect();
    Some((low, -lower_bound(&mirrored, alpha / 2.0)?))
}

/// The largest center that is refuted from above at `alpha`.
fn lower_bound(differences: &[f64], alpha: f64) -> Option<f64> {
    let needed = -alpha.ln();
    let least = differences.iter().copied().filter(|d| d.is_finite()).fold(f64::INFINITY, f64::min);
    let most = differences.iter().copied().filter(|d| d.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    if !least.is_finite() {
        return None;
    }
    // Far enough below every difference each factor is as good as 2 at the largest λ; one further step at the smallest.
    let mut refuted = least - 32.0;
    if log_stake_above(differences, refuted) < needed {
        return None;
    }
    let mut open = most;
    while open - refuted > 1e-9 {
        let middle = f64::midpoint(refuted, open);
        if log_stake_above(differences, middle) >= needed {
            refuted = middle;
        } else {
            open = middle;
        }
    }
    Some(refuted)
}

/// `ln(1 + exp(x))` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::super::rng::SplitMix64;
    use super::*;

    #[test]
    fn the_stake_is_a_fair_game() {
        // Over all patterns of signs the mean stake is exactly 1.
        let sizes = [0.001, 0.02, 0.3, 0.004, 0.05, 0.6, 0.007, 0.08, 0.9, 0.01];
        let patterns = 1_u32 << sizes.len();
        let total: f64 = (0..patterns)
            .map(|pattern| {
                let signed: Vec<f64> = sizes
                    .iter()
                    .enumerate()
                    .map(|(bit, size)| if pattern >> bit & 1 == 1 { *size } else { -size })
                    .collect();
                log_stake_above(&signed, 0.0).exp()
            })
            .sum();
        assert!((total / f64::from(patterns) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn known_stakes_come_out() {
        // One difference of 0.01: the mean over λ of 2 ÷ (1 + exp(−0.02λ)).
        let expected: f64 =
            WIDTHS.iter().map(|lambda| 2.0 / (1.0 + (-0.02 * lambda).exp())).sum::<f64>() / 6.0;
        assert!((log_stake_above(&[0.01], 0.0) - expected.ln()).abs() < 1e-12);
        assert!((log_stake_below(&[-0.01], 0.0) - expected.ln()).abs() < 1e-12);
        // Far away every factor is 2.
        assert!((log_stake_above(&[0.0; 7], -100.0) - 7.0 * 2.0_f64.ln()).abs() < 1e-12);
        assert!((log_stake_above(&[f64::NAN], 0.0)).abs() < 1e-12);
    }

    #[test]
    fn few_differences_refute_nothing_and_more_narrow_it() {
        // Each side needs 2ⁿ ≥ 40.
        assert_eq!(confidence_sequence(&[0.1; 5], 0.05), None);
        let (low, high) = confidence_sequence(&[0.1; 6], 0.05).unwrap();
        assert!(low < 0.1 && high > 0.1);
        let (nearer, closer) = confidence_sequence(&[0.1; 12], 0.05).unwrap();
        assert!(nearer > low && closer < high && nearer < 0.1, "{low} {nearer}");
        assert_eq!(confidence_sequence(&[], 0.05), None);
        assert_eq!(confidence_sequence(&[0.1; 12], 0.0), None);
    }

    #[test]
    fn it_moves_with_its_data() {
        let data: Vec<f64> = (0..20).map(|i| 0.01 * f64::from(i % 5) - 0.02).collect();
        let moved: Vec<f64> = data.iter().map(|d| d + 0.3).collect();
        let (a, b) = (confidence_sequence(&data, 0.01).unwrap(), confidence_sequence(&moved, 0.01).unwrap());
        assert!((a.0 + 0.3 - b.0).abs() < 1e-8 && (a.1 + 0.3 - b.1).abs() < 1e-8);
        assert!((a.0 + a.1).abs() < 1e-8, "symmetric data: {a:?}");
    }

    #[test]
    fn looking_after_every_difference_keeps_the_level() {
        // Heavy-tailed and symmetric; a true center of 0.02 is looked for after each of 60 differences.
        let (trials, alpha) = (1000, 0.05);
        let mut rng = SplitMix64::new(41);
        let mut missed = 0;
        for _ in 0..trials {
            let mut data = Vec::new();
            let lost = (0..60).any(|_| {
                data.push(0.02 + 0.01 * rng.normal() / rng.unit().max(0.05));
                log_stake_above(&data, 0.02) >= -(alpha / 2.0_f64).ln()
                    || log_stake_below(&data, 0.02) >= -(alpha / 2.0_f64).ln()
            });
            missed += i32::from(lost);
        }
        assert!(missed > 0 && f64::from(missed) <= alpha * f64::from(trials), "{missed}");
    }
}
