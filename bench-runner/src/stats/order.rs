//! Statistics of order: quantiles, median, spread and fences of a sorted sample.
//!
//! Sorting happens once, in the type. Nothing here assumes a distribution.

use super::{floor_to_index, moments};

/// A sample in ascending order: not empty, every value finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted(Vec<f64>);

/// Tukey's fences: values outside the mild pair are outliers, outside the severe pair far outliers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TukeyFences {
    /// First quartile − 3 interquartile ranges.
    pub low_severe: f64,
    /// First quartile − 1.5 interquartile ranges.
    pub low_mild: f64,
    /// Third quartile + 1.5 interquartile ranges.
    pub high_mild: f64,
    /// Third quartile + 3 interquartile ranges.
    pub high_severe: f64,
}

impl Sorted {
    /// Sorts a copy of `values`; `None` when they are empty or one of them is not finite.
    #[must_use]
    pub fn new(values: &[f64]) -> Option<Self> {
        Self::from_vec(values.to_vec())
    }

    /// Sorts `values` in place; `None` when they are empty or one of them is not finite.
    #[must_use]
    pub fn from_vec(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        Some(Self(values))
    }

    /// Values in ascending order.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Number of values, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty, by construction")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Smallest value.
    #[must_use]
    pub fn minimum(&self) -> f64 {
        self.0[0]
    }

    /// Largest value.
    #[must_use]
    pub fn maximum(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// Quantile by linear interpolation between order statistics: position `p · (n − 1)`, "type 7".
    ///
    /// # Edge cases
    /// `p` is clamped to 0…1; NaN counts as 0.
    ///
    /// # Reference
    /// Hyndman and Fan, *Sample quantiles in statistical packages*, The American Statistician 50 (1996), definition 7;
    /// the default of R and NumPy.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        let last = self.0.len() - 1;
        let position = if p > 0.0 { p.min(1.0) * last as f64 } else { 0.0 };
        let below = floor_to_index(position).min(last);
        let above = (below + 1).min(last);
        let share = position - below as f64;
        self.0[below] + share * (self.0[above] - self.0[below])
    }

    /// Median: the middle value, or the mean of the two middle values.
    #[must_use]
    pub fn median(&self) -> f64 {
        middle(&self.0)
    }

    /// Third quartile − first quartile.
    #[must_use]
    pub fn interquartile_range(&self) -> f64 {
        self.quantile(0.75) - self.quantile(0.25)
    }

    /// Median of the absolute deviations from the median, not scaled (× 1.4826 estimates a normal SD).
    #[must_use]
    pub fn median_absolute_deviation(&self) -> f64 {
        let center = self.median();
        let mut deviations: Vec<f64> = self.0.iter().map(|value| (value - center).abs()).collect();
        deviations.sort_unstable_by(f64::total_cmp);
        middle(&deviations)
    }

    /// Mean of what is left after cutting `⌊fraction · n⌋` values at each end.
    ///
    /// # Edge cases
    /// A fraction of 0.5 or more leaves nothing; the median is returned. Negative fractions cut nothing.
    ///
    /// # Reference
    /// Wilcox, *Introduction to Robust Estimation and Hypothesis Testing*, §3.3; `scipy.stats.trim_mean`.
    #[must_use]
    pub fn trimmed_mean(&self, fraction: f64) -> f64 {
        let n = self.0.len();
        let cut = floor_to_index(fraction * n as f64);
        if 2 * cut >= n {
            return self.median();
        }
        moments::mean(&self.0[cut..n - cut]).unwrap_or_else(|| self.median())
    }

    /// Tukey's fences at 1.5 and 3 interquartile ranges beyond the quartiles.
    ///
    /// # Reference
    /// Tukey, *Exploratory Data Analysis* (1977), chapter 2.
    #[must_use]
    pub fn tukey_fences(&self) -> TukeyFences {
        let (low, high) = (self.quantile(0.25), self.quantile(0.75));
        let range = high - low;
        TukeyFences {
            low_severe: low - 3.0 * range,
            low_mild: low - 1.5 * range,
            high_mild: high + 1.5 * range,
            high_severe: high + 3.0 * range,
        }
    }
}

/// The middle of ascending values; callers guarantee that there is one.
pub(crate) fn middle(ascending: &[f64]) -> f64 {
    let half = ascending.len() / 2;
    if ascending.len() % 2 == 1 {
        ascending[half]
    } else {
        f64::midpoint(ascending[half - 1], ascending[half])
    }
}

/// Median of unsorted values; `None` when they are empty or one of them is not finite.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    Sorted::new(values).map(|sorted| sorted.median())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], p: f64, expected: f64) {
        let actual = Sorted::new(values).unwrap().quantile(p);
        assert!(
            (actual - expected).abs() < 1e-12,
            "quantile {p} of {values:?}: {actual}, expected {expected}"
        );
    }

    #[test]
    fn quantiles_follow_definition_seven() {
        check(&[4.0, 1.0, 3.0, 2.0], 0.25, 1.75);
        check(&[4.0, 1.0, 3.0, 2.0], 0.5, 2.5);
        check(&[1.0], 0.9, 1.0);
        check(&[1.0, 2.0], -1.0, 1.0);
        check(&[1.0, 2.0], 7.0, 2.0);
        check(&[1.0, 2.0], f64::NAN, 1.0);
    }

    #[test]
    fn empty_and_infinite_samples_are_refused() {
        assert!(Sorted::new(&[]).is_none());
        assert!(Sorted::new(&[1.0, f64::NAN]).is_none());
        assert!(Sorted::new(&[1.0, f64::INFINITY]).is_none());
    }

    #[test]
    fn trimming_everything_leaves_the_median() {
        let sorted = Sorted::new(&[1.0, 2.0, 30.0]).unwrap();
        assert!((sorted.trimmed_mean(0.5) - 2.0).abs() < 1e-12);
        assert!((sorted.trimmed_mean(-1.0) - 11.0).abs() < 1e-12);
    }

    #[test]
    fn fences_lie_around_the_quartiles() {
        let fences = Sorted::new(&[0.0, 1.0, 2.0, 3.0, 4.0]).unwrap().tukey_fences();
        assert_eq!(
            fences,
            TukeyFences { low_severe: -5.0, low_mild: -2.0, high_mild: 6.0, high_severe: 9.0 }
        );
    }
}
