//! How unusual a value is among earlier ones, beyond the largest of them too.
//!
//! Inside the sample the empirical share counts; in its upper tail a generalized Pareto distribution continues it. No
//! distribution is assumed for the rest.

use super::floor_to_index;
use super::order::Sorted;

/// Share of the sample that the tail is fitted to, where that is between [`FEWEST`] and [`MOST`] values.
pub const TAIL_SHARE: f64 = 0.05;

/// Fewest values in the tail for a fit. A sample of which they would be more than a fifth has only its empirical share.
pub const FEWEST: usize = 20;

/// Most values in the tail: the farther out it begins, the less its form is a guess.
pub const MOST: usize = 100;

/// Bounds of the shape ξ: never a tail that ends (that would be a claim of impossibility), and never beyond the range in which
/// the estimator works.
pub const SHAPES: (f64, f64) = (0.0, 0.45);

/// Parameters that the tail is fitted with; each makes a value far out less unlikely than the fit says, by 1 ÷ count of ξ.
pub const PARAMETERS: f64 = 2.0;

/// A sample with a fitted upper tail.
#[derive(Debug, Clone)]
pub struct UpperTail {
    ascending: Sorted,
    fit: Option<Pareto>,
}

/// A generalized Pareto distribution of the excess over a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pareto {
    /// Where the tail begins.
    pub threshold: f64,
    /// Number of values above the threshold.
    pub count: usize,
    /// ξ: 0 decays like an exponential, above like a power.
    pub shape: f64,
    /// σ, in the unit of the values.
    pub scale: f64,
}

impl UpperTail {
    /// Fits the tail of `values`; `None` when they are empty or one of them is not finite.
    #[must_use]
    pub fn new(values: &[f64]) -> Option<Self> {
        let ascending = Sorted::new(values)?;
        let fit = fit(ascending.values());
        Some(Self { ascending, fit })
    }

    /// Number of values behind it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ascending.len()
    }

    /// Whether there are no values; never true, by construction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The fitted tail, if there were enough values above its threshold.
    #[must_use]
    pub fn pareto(&self) -> Option<Pareto> {
        self.fit
    }

    /// Probability of a value at least as large as `x`: `(1 + #{values ≥ x}) ÷ (n + 1)` up to the threshold, beyond it
    /// `(k + 1) ÷ (n + 1) · (1 + ξ'·(x − u) ÷ σ)^(−1/ξ')` with `ξ' = ξ + 2 ÷ k`.
    ///
    /// The fit is uncertain, and a tail of few values more so. Of an exponential tail whose scale is the mean of k values, a new
    /// value exceeds s scales with the probability `(1 + s ÷ k)^(−k)`, which is the term with ξ' = 1 ÷ k; ξ is estimated as well.
    ///
    /// # Edge cases
    /// Never 0. NaN gives 1.
    ///
    /// # Reference
    /// Phipson and Smyth (2010) for the added one; Pickands (1975) for the tail; Smith (1999) for predicting from a fitted one.
    #[must_use]
    pub fn p_value(&self, x: f64) -> f64 {
        if x.is_nan() {
            return 1.0;
        }
        let values = self.ascending.values();
        let n = values.len() as f64;
        match self.fit {
            Some(pareto) if x > pareto.threshold => ((pareto.count as f64 + 1.0) / (n + 1.0)
                * pareto.predictive().survival(x - pareto.threshold))
            .max(f64::MIN_POSITIVE),
            _ => {
                let below = values.partition_point(|value| *value < x);
                (1 + values.len() - below) as f64 / (n + 1.0)
            }
        }
    }
}

impl Pareto {
    /// What the next excess follows, as far as is known from so many.
    fn predictive(self) -> Self {
        Self { shape: self.shape + PARAMETERS / self.count as f64, ..self }
    }

    /// Probability that an excess is at least `excess`, which is not negative.
    #[must_use]
    pub fn survival(&self, excess: f64) -> f64 {
        let steps = excess / self.scale;
        if self.shape.abs() < 1e-9 {
            (-steps).exp()
        } else {
            (-(self.shape * steps).ln_1p() / self.shape).exp()
        }
    }
}

/// Fits by probability-weighted moments: `ξ = 2 − b₀ ÷ (b₀ − 2·b₁)`, `σ = 2·b₀·b₁ ÷ (b₀ − 2·b₁)`, where b₀ is the mean
/// excess and b₁ the mean of excess times the share of excesses above it.
///
/// Hosking and Wallis, Technometrics 29 (1987), with k = −ξ. Where ξ leaves its bounds, σ is refitted to the mean:
/// `σ = b₀·(1 − ξ)`.
fn fit(ascending: &[f64]) -> Option<Pareto> {
    let n = ascending.len();
    let count = floor_to_index(TAIL_SHARE * n as f64).clamp(FEWEST, MOST);
    if count * 5 > n {
        return None;
    }
    let threshold = ascending[n - count - 1];
    let k = count as f64;
    let excesses = ascending[n - count..].iter().map(|value| value - threshold);
    let (mut b0, mut b1) = (0.0, 0.0);
    for (index, excess) in excesses.enumerate() {
        b0 += excess / k;
        b1 += excess / k * (k - 1.0 - index as f64) / (k - 1.0);
    }
    let gap = b0 - 2.0 * b1;
    if b0 <= 0.0 || !b0.is_finite() {
        return None;
    }
    let raw = if gap > 0.0 { 2.0 - b0 / gap } else { SHAPES.0 };
    let shape = raw.clamp(SHAPES.0, SHAPES.1);
    let inside = raw > SHAPES.0 && raw < SHAPES.1;
    let scale = if inside { 2.0 * b0 * b1 / gap } else { b0 * (1.0 - shape) };
    (scale > 0.0).then_some(Pareto { threshold, count, shape, scale })
}

#[cfg(test)]
mod tests {
    use super::super::distributions::normal_cdf;
    use super::super::rng::SplitMix64;
    use super::*;

    #[test]
    fn the_parameters_of_a_pareto_sample_are_found() {
        for shape in [0.1, 0.3] {
            // The plain quantiles of the distribution, so that nothing is left to chance; a tail of a tail keeps ξ.
            let n = 20_000;
            let values: Vec<f64> = (0..n)
                .map(|i| ((1.0 - (f64::from(i) + 0.5) / f64::from(n)).powf(-shape) - 1.0) / shape)
                .collect();
            let fitted = UpperTail::new(&values).unwrap().pareto().unwrap();
            assert!((fitted.shape - shape).abs() < 0.02, "{fitted:?}");
            let expected = 1.0 + shape * fitted.threshold;
            assert!((fitted.scale / expected - 1.0).abs() < 0.02, "{fitted:?}, scale {expected}");
        }
    }

    #[test]
    fn tails_of_normal_noise_come_close_to_the_truth_and_stay_above_it() {
        let mut rng = SplitMix64::new(21);
        let values: Vec<f64> = (0..20_000).map(|_| rng.normal()).collect();
        let tail = UpperTail::new(&values).unwrap();
        for z in [0.5, 1.0, 2.0, 3.0, 4.0] {
            let ratio = tail.p_value(z) / normal_cdf(-z);
            assert!(ratio > 0.8 && ratio < 6.0, "{ratio} times the truth at {z}");
        }
        assert!(tail.p_value(9.0) > normal_cdf(-9.0) && tail.p_value(9.0) < 1e-6);
    }

    #[test]
    fn short_tails_promise_less() {
        // The 99.9 % point of an exponential distribution: samples of 200 find it more likely than it is, those of 4000 about right.
        let mean = |n: usize| {
            let mut rng = SplitMix64::new(3);
            let draws = (0..200).map(|_| {
                let values: Vec<f64> = (0..n).map(|_| -(1.0 - rng.unit()).ln()).collect();
                UpperTail::new(&values).unwrap().p_value(1000.0_f64.ln())
            });
            draws.sum::<f64>() / 200.0
        };
        let (few, many) = (mean(200), mean(4000));
        assert!(few > 0.0015 && few < 0.01, "{few}");
        assert!(many > 0.0008 && many < 0.0016, "{many}");
    }

    #[test]
    fn small_samples_use_the_empirical_share() {
        let tail = UpperTail::new(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(tail.pareto(), None);
        for (x, expected) in [(0.0, 1.0), (2.0, 0.75), (3.5, 0.25), (f64::NAN, 1.0)] {
            assert!((tail.p_value(x) - expected).abs() < 1e-12, "{x}");
        }
        assert!(UpperTail::new(&[]).is_none());
    }

    #[test]
    fn equal_values_have_no_tail_to_fit() {
        let tail = UpperTail::new(&[1.0; 500]).unwrap();
        assert_eq!((tail.pareto(), tail.len(), tail.is_empty()), (None, 500, false));
        assert!(tail.p_value(1.1) < 0.01);
    }
}
