//! How a verdict of the screen came about: every number that took part.

/// The numbers behind one verdict. Logarithms are natural ones of the value in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detail {
    /// Expected logarithm, without the common factor of tonight.
    pub expected: f64,
    /// Which forecaster was used, in words.
    pub forecaster: &'static str,
    /// Earlier values of the series.
    pub history: usize,
    /// Those of them since the last accepted shift.
    pub segment: usize,
    /// Logarithm of what all other series share tonight.
    pub common: f64,
    /// Whether the common factor was taken out.
    pub cleaned: bool,
    /// Logarithm of value over expected, after the common factor where it was taken out.
    pub change: f64,
    /// Robust standard deviation of such changes so far, widened in short segments.
    pub scale: f64,
    /// Change over scale.
    pub residual: f64,
    /// One-sided probability of such a residual; `None` when not judged.
    pub p_value: Option<f64>,
    /// Level in the direction of the change.
    pub level: f64,
    /// Own residuals of the series that lie as far out in the same direction.
    pub own: usize,
    /// How many of those are allowed.
    pub allowed: f64,
    /// Residuals of the machine behind the probability.
    pub pool: usize,
}
