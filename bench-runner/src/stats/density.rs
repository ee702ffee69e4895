//! Kernel density estimates for distribution charts.
//!
//! A chart's curve, not evidence: no verdict rests on a density.

use super::Sorted;
use super::moments::standard_deviation;

/// Silverman's rule of thumb: `0.9 · min(SD, IQR ÷ 1.34) · n^(−1/5)`.
///
/// # Edge cases
/// A zero interquartile range falls back to the SD alone; `None` when all values are equal or there is one only.
///
/// # Reference
/// Silverman, *Density Estimation for Statistics and Data Analysis* (1986), equation 3.31.
#[must_use]
pub fn silverman_bandwidth(sample: &Sorted) -> Option<f64> {
    let deviation = standard_deviation(sample.values())?;
    let robust = sample.interquartile_range() / 1.34;
    let spread = if robust > 0.0 { deviation.min(robust) } else { deviation };
    (spread > 0.0).then(|| 0.9 * spread * (sample.len() as f64).powf(-0.2))
}

/// Density at `x` with a Gaussian kernel of the given bandwidth.
///
/// # Units
/// One over the unit of the sample.
#[must_use]
pub fn density_at(sample: &Sorted, bandwidth: f64, x: f64) -> f64 {
    let scale = (2.0 * std::f64::consts::PI).sqrt() * bandwidth * sample.len() as f64;
    let sum: f64 = sample.values().iter().map(|value| (-0.5 * ((x - value) / bandwidth).powi(2)).exp()).sum();
    sum / scale
}

/// Density at `points` equally spaced places over the sample's range, widened by three bandwidths on both sides.
///
/// # Edge cases
/// `None` without a bandwidth (see [`silverman_bandwidth`]) or below two points.
#[must_use]
pub fn density_curve(sample: &Sorted, points: usize) -> Option<Vec<(f64, f64)>> {
    let bandwidth = silverman_bandwidth(sample)?;
    if points < 2 {
        return None;
    }
    let low = sample.minimum() - 3.0 * bandwidth;
    let step = (sample.maximum() + 3.0 * bandwidth - low) / (points - 1) as f64;
    Some(
        (0..points)
            .map(|i| {
                let x = low + step * i as f64;
                (x, density_at(sample, bandwidth, x))
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_encloses_an_area_of_one() {
        let sample = Sorted::new(&[1.0, 1.1, 1.15, 1.2, 1.9, 2.0]).unwrap();
        let curve = density_curve(&sample, 400).unwrap();
        let area: f64 = curve.windows(2).map(|w| (w[1].0 - w[0].0) * f64::midpoint(w[0].1, w[1].1)).sum();
        assert!((area - 1.0).abs() < 0.01, "{area}");
    }

    #[test]
    fn equal_values_have_no_density() {
        assert_eq!(density_curve(&Sorted::new(&[2.0, 2.0, 2.0]).unwrap(), 10), None);
        assert_eq!(silverman_bandwidth(&Sorted::new(&[2.0]).unwrap()), None);
    }
}
