//! Many tests at once: adjusted p-values, and e-values under any dependence.
//!
//! Which error is controlled differs: Holm the chance of any false discovery, the two others the expected share of
//! false ones among the discoveries.

/// Benjamini–Hochberg adjusted p-values, in the order given: the smallest false-discovery rate at which each is found.
///
/// Valid for independent or positively dependent tests only; benchmarks of one machine-night are dependent, so that
/// this is a screen and [`e_bh`] is what decides.
///
/// # Edge cases
/// `None` when a value is NaN or outside of 0…1. Empty in, empty out.
///
/// # Reference
/// Benjamini and Hochberg, *Controlling the false discovery rate*, JRSS B 57 (1995).
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Option<Vec<f64>> {
    let order = ascending(p_values)?;
    let n = p_values.len() as f64;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least = 1.0_f64;
    for (rank, &index) in order.iter().enumerate().rev() {
        least = least.min(p_values[index] * n / (rank as f64 + 1.0));
        adjusted[index] = least;
    }
    Some(adjusted)
}

/// Holm's adjusted p-values, in the order given: the smallest family-wise error at which each is found.
///
/// Valid under any dependence.
///
/// # Edge cases
/// `None` when a value is NaN or outside of 0…1. Empty in, empty out.
///
/// # Reference
/// Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6 (1979).
#[must_use]
pub fn holm(p_values: &[f64]) -> Option<Vec<f64>> {
    let order = ascending(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut most = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        most = most.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = most;
    }
    Some(adjusted)
}

/// Which of many e-values are discoveries at the false-discovery rate `alpha`, in the order given.
///
/// The k largest are found for the greatest k whose k-th largest e-value is at least `n ÷ (alpha·k)`. Valid under any
/// dependence. When all hypotheses are true, the chance of a single discovery is at most `alpha`.
///
/// # Edge cases
/// Infinite e-values are discoveries. `None` when a value is negative or NaN or `alpha` is not within 0…1 (both ends
/// excluded).
///
/// # Reference
/// Wang and Ramdas, *False discovery rate control with e-values*, JRSS B 84 (2022).
#[must_use]
pub fn e_bh(e_values: &[f64], alpha: f64) -> Option<Vec<bool>> {
    if !(alpha > 0.0 && alpha < 1.0) || e_values.iter().any(|e| e.is_nan() || *e < 0.0) {
        return None;
    }
    let mut descending = e_values.to_vec();
    descending.sort_unstable_by(|a, b| b.total_cmp(a));
    let n = e_values.len() as f64;
    let needed = |found: usize| n / (alpha * found as f64);
    let found = (1..=descending.len()).rev().find(|&k| descending[k - 1] >= needed(k));
    let least = found.map_or(f64::INFINITY, |k| descending[k - 1]);
    Some(e_values.iter().map(|e| found.is_some() && *e >= least).collect())
}

/// Indices from the smallest p-value to the largest; `None` when one of them is no probability.
fn ascending(p_values: &[f64]) -> Option<Vec<usize>> {
    if p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return None;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        assert!(actual.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{actual:?}, {expected:?}");
    }

    #[test]
    fn adjusted_values_keep_the_order_given() {
        let p = [0.04, 0.01, 0.03, 0.5];
        check(&benjamini_hochberg(&p).unwrap(), &[0.16 / 3.0, 0.04, 0.16 / 3.0, 0.5]);
        check(&holm(&p).unwrap(), &[0.09, 0.04, 0.09, 0.5]);
        check(&benjamini_hochberg(&[]).unwrap(), &[]);
        check(&holm(&[0.9, 0.8]).unwrap(), &[1.0, 1.0]);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert_eq!(benjamini_hochberg(&[0.1, f64::NAN]), None);
        assert_eq!(holm(&[-0.1]), None);
        assert_eq!(e_bh(&[f64::NAN], 0.1), None);
        assert_eq!(e_bh(&[1.0], 0.0), None);
    }

    #[test]
    fn e_values_need_less_when_several_are_large() {
        // n = 4, alpha = 0.1: one alone needs 40, two need 20 each, three 13.3 each.
        assert_eq!(e_bh(&[39.0, 1.0, 0.0, 2.0], 0.1).unwrap(), [false; 4]);
        assert_eq!(e_bh(&[39.0, 1.0, 21.0, 2.0], 0.1).unwrap(), [true, false, true, false]);
        assert_eq!(e_bh(&[15.0, 14.0, 13.5, 2.0], 0.1).unwrap(), [true, true, true, false]);
        assert_eq!(e_bh(&[f64::INFINITY, 0.0], 0.1).unwrap(), [true, false]);
        assert_eq!(e_bh(&[], 0.1).unwrap(), Vec::<bool>::new());
    }
}
