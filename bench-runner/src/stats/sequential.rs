//! A test that may be looked at after every pair: an e-process on symmetric differences.
//!
//! Under "no change" a randomized order makes each difference symmetric about zero. Then `exp(λΣd − λ²Σd²/2)` is a
//! supermartingale for every λ, so is each mixture over λ, and the chance that it ever exceeds 1/α is at most α. No
//! normality, no known variance, no fixed number of pairs.

use super::special::erfc_scaled;

/// Widths τ of the normal mixtures over λ, in units of one over the difference, equally weighted.
///
/// λ ≈ mean ÷ mean square is best for an effect. Differences of logarithms between 0.1 % and 50 % ask for λ between about
/// 1 and 500; a factor of 4 between neighbors costs at most 0.2 in the logarithm.
pub const WIDTHS: [f64; 6] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];

/// The running evidence about the center of symmetric differences.
///
/// # Reference
/// de la Peña, *A general class of exponential inequalities for martingales and ratios*, Annals of Probability 27 (1999);
/// Robbins, *Statistical methods related to the law of the iterated logarithm* (1970) for the mixture; Ville (1939).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence {
    /// Number of differences.
    pub count: u64,
    /// Σd.
    pub sum: f64,
    /// Σd².
    pub squares: f64,
}

impl Evidence {
    /// Evidence of all `differences`.
    #[must_use]
    pub fn of(differences: &[f64]) -> Self {
        let mut evidence = Self::default();
        for difference in differences {
            evidence.push(*difference);
        }
        evidence
    }

    /// Adds a difference. One that is not finite is left out: it can be neither for nor against a change.
    pub fn push(&mut self, difference: f64) {
        if difference.is_finite() {
            self.count += 1;
            self.sum += difference;
            self.squares += difference * difference;
        }
    }

    /// Natural logarithm of the e-value against "the center is 0", for changes in either direction:
    /// mean over τ of `exp(τ²S² ÷ (2(1 + τ²V))) ÷ √(1 + τ²V)`.
    #[must_use]
    pub fn log_e_two_sided(&self) -> f64 {
        log_mean_exp(WIDTHS.map(|tau| {
            let spread = 1.0 + tau * tau * self.squares;
            0.5 * (tau * self.sum).powi(2) / spread - 0.5 * spread.ln()
        }))
    }

    /// Natural logarithm of the e-value against "the center is 0 or below": the same with half-normal mixtures over λ > 0,
    /// mean over τ of `2Φ(z)·exp(z²/2) ÷ √(1 + τ²V)` with `z = τS ÷ √(1 + τ²V)`.
    ///
    /// It stays valid for negative centers, because `f(x) = exp(x − x²/2)` has `f(z − δ) + f(−z − δ) ≤ 2` for `δ ≥ 0`.
    #[must_use]
    pub fn log_e_above(&self) -> f64 {
        log_mean_exp(WIDTHS.map(|tau| {
            let spread = 1.0 + tau * tau * self.squares;
            let z = tau * self.sum / spread.sqrt();
            log_twice_mills(z) - 0.5 * spread.ln()
        }))
    }

    /// Natural logarithm of the e-value against "the center is 0 or above".
    #[must_use]
    pub fn log_e_below(&self) -> f64 {
        Self { sum: -self.sum, ..*self }.log_e_above()
    }

    /// The evidence as if every difference had been `shift` larger.
    #[must_use]
    pub fn shifted(&self, shift: f64) -> Self {
        let n = self.count as f64;
        Self {
            count: self.count,
            sum: self.sum + n * shift,
            // The exact sum of squares is not negative; rounding must not make it so.
            squares: (self.squares + 2.0 * shift * self.sum + n * shift * shift).max(0.0),
        }
    }

    /// Natural logarithm of the e-value against "the center is `tolerance` or more away from 0": the smaller one of the two sides.
    ///
    /// Beyond the symmetry that random order gives when nothing changed, it needs that a change shifts the differences
    /// without making them lopsided.
    #[must_use]
    pub fn log_e_within(&self, tolerance: f64) -> f64 {
        self.shifted(-tolerance).log_e_below().min(self.shifted(tolerance).log_e_above())
    }
}

/// `ln(2Φ(z)·exp(z²/2))`, without overflow on the right and underflow on the left.
fn log_twice_mills(z: f64) -> f64 {
    if z <= 0.0 {
        // 2Φ(z) = erfc(−z/√2), and the exponential is the scaling.
        erfc_scaled(-z * std::f64::consts::FRAC_1_SQRT_2).ln()
    } else {
        0.5 * z * z + (2.0 * super::distributions::normal_cdf(z)).ln()
    }
}

/// `ln(mean(exp(x)))`.
fn log_mean_exp(logs: [f64; WIDTHS.len()]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
    largest + (sum / WIDTHS.len() as f64).ln()
}

/// What a sequential test has found so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Neither yet: measure another pair, or stop and call it inconclusive.
    Open,
    /// The center is above zero.
    Above,
    /// The center is below zero.
    Below,
    /// The center lies within the tolerance.
    Within,
}

/// The band around zero in which a center counts as no change, and the error of saying so wrongly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Half the width of the band, in the unit of the differences.
    pub size: f64,
    /// Chance of certifying a center that lies outside.
    pub alpha: f64,
}

/// The sequential test: looks after every pair, and what it once found it keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialTest {
    evidence: Evidence,
    alpha: f64,
    tolerance: Option<Tolerance>,
    largest: f64,
    above_lower: bool,
    below_upper: bool,
    decision: Decision,
}

impl SequentialTest {
    /// Starts with the error `alpha` for the answer "changed", and that of the tolerance for "within".
    ///
    /// # Edge cases
    /// `None` unless both errors are between 0 and 1 and the size of a tolerance is above zero and finite.
    #[must_use]
    pub fn new(alpha: f64, tolerance: Option<Tolerance>) -> Option<Self> {
        let error = |alpha: f64| alpha > 0.0 && alpha < 1.0;
        let possible =
            error(alpha) && tolerance.is_none_or(|t| t.size > 0.0 && t.size.is_finite() && error(t.alpha));
        possible.then_some(Self {
            evidence: Evidence::default(),
            alpha,
            tolerance,
            largest: 0.0,
            above_lower: false,
            below_upper: false,
            decision: Decision::Open,
        })
    }

    /// Takes one more difference and says what is known now. The first answer that is not open stays.
    pub fn push(&mut self, difference: f64) -> Decision {
        self.evidence.push(difference);
        let log_e = self.evidence.log_e_two_sided();
        self.largest = self.largest.max(log_e);
        if let Some(tolerance) = self.tolerance {
            // Each side may be rejected at its own time: both hypotheses keep their level.
            let needed = -tolerance.alpha.ln();
            self.above_lower |= self.evidence.shifted(tolerance.size).log_e_above() >= needed;
            self.below_upper |= self.evidence.shifted(-tolerance.size).log_e_below() >= needed;
        }
        if self.decision == Decision::Open {
            if log_e >= -self.alpha.ln() {
                self.decision = if self.evidence.sum > 0.0 { Decision::Above } else { Decision::Below };
            } else if self.above_lower && self.below_upper {
                self.decision = Decision::Within;
            }
        }
        self.decision
    }

    /// What is known so far.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// The sums so far.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// Always-valid p-value of "no change": one over the largest e-value so far, at most 1.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        (-self.largest).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rng::SplitMix64;
    use super::*;

    /// Answers among `trials` sequences of at most `pairs` normal differences: (changed, within, mean pairs).
    fn simulate(mean: f64, sd: f64, tolerance: f64, seed: u64) -> (f64, f64, f64) {
        let (trials, pairs) = (400, 200);
        let mut rng = SplitMix64::new(seed);
        let (mut changed, mut within, mut used) = (0, 0, 0);
        for _ in 0..trials {
            let mut test =
                SequentialTest::new(0.01, Some(Tolerance { size: tolerance, alpha: 0.01 })).unwrap();
            for _ in 0..pairs {
                used += 1;
                if test.push(mean + sd * rng.normal()) != Decision::Open {
                    break;
                }
            }
            match test.decision() {
                Decision::Above | Decision::Below => changed += 1,
                Decision::Within => within += 1,
                Decision::Open => {}
            }
        }
        let share = |count: i32| f64::from(count) / f64::from(trials);
        (share(changed), share(within), f64::from(used) / f64::from(trials))
    }

    #[test]
    fn nothing_is_certified_and_a_change_is_found() {
        let (changed, within, pairs) = simulate(0.0, 0.01, 0.02, 1);
        assert!(changed <= 0.01 && within >= 0.99 && pairs < 20.0, "{changed} {within} {pairs}");
        let (changed, within, pairs) = simulate(0.02, 0.01, 0.02, 2);
        assert!(changed >= 0.98 && within <= 0.01 && pairs < 20.0, "{changed} {within} {pairs}");
        let (changed, _, faster) = simulate(0.04, 0.01, 0.02, 3);
        assert!(changed >= 0.99 && faster < pairs, "{changed} {faster}");
    }

    #[test]
    fn signs_alone_keep_the_level() {
        // The worst symmetric differences: every pattern of 14 signs, each looked at after every pair.
        let (patterns, alpha) = (1_u32 << 14, 0.05);
        let found = (0..patterns)
            .filter(|pattern| {
                let mut test = SequentialTest::new(alpha, None).unwrap();
                (0..14).any(|bit| {
                    test.push(if pattern >> bit & 1 == 1 { 0.03 } else { -0.03 }) != Decision::Open
                })
            })
            .count();
        assert!(found > 0 && found as f64 <= alpha * f64::from(patterns), "{found} of {patterns}");
    }

    #[test]
    fn the_first_answer_stays() {
        let mut test = SequentialTest::new(0.05, None).unwrap();
        while test.push(0.1) == Decision::Open {}
        let p = test.p_value();
        for _ in 0..100 {
            assert_eq!(test.push(-0.1), Decision::Above);
        }
        assert!(p <= 0.05 && test.p_value() <= p);
        assert!(SequentialTest::new(0.05, Some(Tolerance { size: 0.0, alpha: 0.05 })).is_none());
        assert!(SequentialTest::new(1.0, None).is_none());
    }

    #[test]
    fn shifting_the_sums_equals_shifting_the_differences() {
        let differences = [0.01, -0.02, 0.005, f64::NAN];
        let shifted = Evidence::of(&differences).shifted(0.03);
        let direct = Evidence::of(&differences.map(|difference| difference + 0.03));
        assert_eq!(shifted.count, 3);
        assert!((shifted.sum - direct.sum).abs() < 1e-15 && (shifted.squares - direct.squares).abs() < 1e-15);
    }
}
