//! How well levels that may wander explain a stretch of values: the local level model, for a few speeds of wandering at once.
//!
//! The filter's gains depend on places only, so they are computed once and a stretch costs a few multiplications a value.

/// Standard deviations of one night's wandering, in units of the noise of a night.
pub(super) const SPEEDS: [f64; LANES] = [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15];

/// Number of speeds.
pub(super) const LANES: usize = 8;

/// One number for each speed.
pub(super) type Lanes = [f64; LANES];

/// The gains of the filter for stretches up to a length.
///
/// # Reference
/// Durbin and Koopman, *Time Series Analysis by State Space Methods* (2012), ch. 2: the local level model with a diffuse first
/// level; the determinant is that of the model with a fixed first level.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    gain: Vec<Lanes>,
    inverse: Vec<Lanes>,
    variance: Vec<Lanes>,
    log_determinant: Vec<Lanes>,
}

/// What the filter says at the end of a stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// Sum of the squared innovations, each in units of its variance.
    pub(super) squares: Lanes,
    /// Level at the last value.
    pub(super) level: Lanes,
}

impl Filter {
    /// Prepares stretches of up to `longest` values.
    pub(super) fn new(longest: usize) -> Self {
        let mut filter = Self {
            gain: vec![[0.0; LANES]; longest],
            inverse: vec![[0.0; LANES]; longest],
            variance: vec![[1.0; LANES]; longest],
            log_determinant: vec![[0.0; LANES]; longest + 1],
        };
        for (lane, speed) in SPEEDS.iter().enumerate() {
            let (mut known, mut diffuse) = (0.0, 1.0);
            for place in 1..longest {
                known += speed * speed;
                diffuse += speed * speed;
                let determinant = filter.log_determinant[place][lane] + f64::ln_1p(known);
                filter.log_determinant[place + 1][lane] = determinant;
                filter.inverse[place][lane] = 1.0 / (diffuse + 1.0);
                filter.gain[place][lane] = diffuse / (diffuse + 1.0);
                known /= known + 1.0;
                diffuse /= diffuse + 1.0;
                filter.variance[place][lane] = diffuse;
            }
        }
        filter
    }

    /// Logarithm of the determinant for a stretch of `length` values.
    pub(super) fn log_determinant(&self, length: usize) -> &Lanes {
        &self.log_determinant[length]
    }

    /// Variance of the level at the end of a stretch of `length` ≥ 1 values, in units of the noise's variance.
    pub(super) fn variance(&self, length: usize) -> &Lanes {
        &self.variance[length - 1]
    }

    /// Runs over values of which each one remembers a share of the one before it.
    pub(super) fn run(&self, values: impl Iterator<Item = f64>, memory: f64) -> Fit {
        let scale = 1.0 / (1.0 - memory);
        let mut fit = Fit { squares: [0.0; LANES], level: [0.0; LANES] };
        let mut before = 0.0;
        for (place, value) in values.enumerate() {
            if place == 0 {
                fit.level = [value; LANES];
            } else {
                let own = (value - memory * before) * scale;
                let (gain, inverse) = (&self.gain[place], &self.inverse[place]);
                for lane in 0..LANES {
                    let innovation = own - fit.level[lane];
                    fit.squares[lane] += innovation * innovation * inverse[lane];
                    fit.level[lane] += gain[lane] * innovation;
                }
            }
            before = value;
        }
        fit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::moments;

    #[test]
    fn without_wandering_it_is_mean_and_sum_of_squares() {
        let values = [3.0, 1.0, 4.0, 1.0, 5.0];
        let filter = Filter::new(10);
        let fit = filter.run(values.iter().copied(), 0.0);
        assert!((fit.level[0] - 2.8).abs() < 1e-12);
        assert!((fit.squares[0] - 4.0 * moments::variance(&values).unwrap()).abs() < 1e-12);
        assert!((filter.variance(5)[0] - 0.2).abs() < 1e-12);
        assert!(filter.log_determinant(5)[0].abs() < 1e-12);
    }

    #[test]
    fn with_wandering_it_is_generalized_least_squares() {
        // Three values, speed q: V = I + q²·[[0,0,0],[0,1,1],[0,1,2]]; its determinant is (1 + q²)(1 + 2q²) − q⁴.
        let q = SPEEDS[7] * SPEEDS[7];
        let filter = Filter::new(3);
        let determinant = (1.0 + q) * (1.0 + 2.0 * q) - q * q;
        assert!((filter.log_determinant(3)[7] - determinant.ln()).abs() < 1e-12);
        // Residual sum of squares by V⁻¹, found by hand for y = (0, 0, 1) through the innovations of the diffuse filter.
        let p = 1.0 + q;
        let first_gain = p / (p + 1.0);
        let p = first_gain + q;
        let fit = filter.run([0.0, 0.0, 1.0].into_iter(), 0.0);
        assert!((fit.squares[7] - 1.0 / (p + 1.0)).abs() < 1e-12);
        assert!((fit.level[7] - p / (p + 1.0)).abs() < 1e-12);
    }
}
