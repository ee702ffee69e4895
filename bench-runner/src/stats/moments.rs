//! Means, variances, a line through the origin, and the correlation of neighbours.
//!
//! Sums run in the order of the slice, so equal input gives equal bits. Nothing here is robust against outliers.

/// Arithmetic mean; `None` for an empty slice.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample variance with the divisor `n − 1`, by two passes; `None` below two values.
#[must_use]
pub fn variance(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let center = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    Some(squares / (values.len() - 1) as f64)
}

/// Square root of [`variance`].
#[must_use]
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    variance(values).map(f64::sqrt)
}

/// Geometric mean, `exp(mean(ln x))`; `None` when empty or when a value is not above zero.
#[must_use]
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.iter().any(|value| value.is_nan() || *value <= 0.0) {
        return None;
    }
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    mean(&logs).map(f64::exp)
}

/// A least-squares line through the origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// `Σxy ÷ Σx²`.
    pub slope: f64,
    /// `1 − Σ(y − slope·x)² ÷ Σ(y − mean)²`; negative when the line fits worse than the mean does.
    pub r_squared: f64,
}

/// Fits a line through the origin to pairs of `x` and `y`.
///
/// # Edge cases
/// `None` when the lengths differ, there are fewer than two pairs, all `x` are zero, or all `y` are equal (R² would be
/// undefined).
///
/// # Reference
/// Criterion 0.8.2, `src/stats/bivariate/regression.rs`: the same two formulas, so that our slope equals Criterion's.
#[must_use]
pub fn line_through_origin(x: &[f64], y: &[f64]) -> Option<Line> {
    if x.len() != y.len() || x.len() < 2 {
        return None;
    }
    let xy: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
    let xx: f64 = x.iter().map(|x| x * x).sum();
    let center = mean(y)?;
    let total: f64 = y.iter().map(|y| (y - center).powi(2)).sum();
    if xx <= 0.0 || total <= 0.0 {
        return None;
    }
    let slope = xy / xx;
    let residual: f64 = x.iter().zip(y).map(|(x, y)| (y - slope * x).powi(2)).sum();
    Some(Line { slope, r_squared: 1.0 - residual / total })
}

/// An ordinary least-squares line `y = intercept + slope·x`.
///
/// # Edge cases
/// `None` when the lengths differ, there are fewer than two pairs, or all `x` are equal.
#[must_use]
pub fn line_with_intercept(x: &[f64], y: &[f64]) -> Option<(f64, f64)> {
    if x.len() != y.len() || x.len() < 2 {
        return None;
    }
    let (x_mean, y_mean) = (mean(x)?, mean(y)?);
    let xx: f64 = x.iter().map(|x| (x - x_mean).powi(2)).sum();
    let xy: f64 = x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    (xx > 0.0).then(|| {
        let slope = xy / xx;
        (y_mean - slope * x_mean, slope)
    })
}

/// Correlation of each value with its successor: `Σ(xᵢ − m)(xᵢ₊₁ − m) ÷ Σ(xᵢ − m)²`.
///
/// Observations that remember their predecessor carry less information than their number suggests.
///
/// # Edge cases
/// `None` below three values or when all are equal.
///
/// # Reference
/// Box, Jenkins, *Time Series Analysis*, §2.1.5 (the biased estimator r₁).
#[must_use]
pub fn lag_one_autocorrelation(values: &[f64]) -> Option<f64> {
    if values.len() < 3 {
        return None;
    }
    let center = mean(values)?;
    let total: f64 = values.iter().map(|value| (value - center).powi(2)).sum();
    let neighbors: f64 = values.windows(2).map(|pair| (pair[0] - center) * (pair[1] - center)).sum();
    (total > 0.0).then(|| neighbors / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_short_slices_have_no_answer() {
        assert_eq!(mean(&[]), None);
        assert_eq!(variance(&[1.0]), None);
        assert_eq!(geometric_mean(&[1.0, 0.0]), None);
        assert_eq!(geometric_mean(&[1.0, f64::NAN]), None);
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(lag_one_autocorrelation(&[1.0, 1.0, 1.0]), None);
        assert_eq!(line_through_origin(&[1.0, 2.0], &[3.0, 3.0]), None);
        assert_eq!(line_with_intercept(&[2.0, 2.0], &[1.0, 3.0]), None);
    }

    #[test]
    fn a_perfect_line_is_found() {
        let line = line_through_origin(&[1.0, 2.0, 3.0], &[2.5, 5.0, 7.5]).unwrap();
        assert!((line.slope - 2.5).abs() < 1e-12 && (line.r_squared - 1.0).abs() < 1e-12);
        let (intercept, slope) = line_with_intercept(&[1.0, 2.0, 3.0], &[5.0, 7.0, 9.0]).unwrap();
        assert!((intercept - 3.0).abs() < 1e-12 && (slope - 2.0).abs() < 1e-12);
    }

    #[test]
    fn alternating_values_are_negatively_correlated() {
        let r = lag_one_autocorrelation(&[1.0, -1.0, 1.0, -1.0]).unwrap();
        assert!((r + 0.75).abs() < 1e-12);
    }
}
