//! Student's t and the normal distribution: probabilities and quantiles.
//!
//! Quantiles outside of 0…1 and impossible degrees of freedom give `None`, never a made-up number.

use super::special::{erfc, incomplete_beta};

/// Probability that a standard normal number is at most `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The number below which a standard normal number falls with probability `p`; `None` unless 0 < p < 1.
///
/// # Reference
/// Wichura, *Algorithm AS 241: the percentage points of the normal distribution*, Applied Statistics 37 (1988),
/// routine PPND16.
#[must_use]
pub fn normal_quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return Some(q * ratio(&CENTER_TOP, &CENTER_BOTTOM, 0.180_625 - q * q));
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = if r <= 5.0 {
        ratio(&MIDDLE_TOP, &MIDDLE_BOTTOM, r - 1.6)
    } else {
        ratio(&FAR_TOP, &FAR_BOTTOM, r - 5.0)
    };
    Some(if q < 0.0 { -size } else { size })
}

/// Quotient of two polynomials with ascending coefficients.
fn ratio(top: &[f64; 8], bottom: &[f64; 8], x: f64) -> f64 {
    let value = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
    value(top) / value(bottom)
}

const CENTER_TOP: [f64; 8] = [
    3.387_132_872_796_366_5,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_3e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const CENTER_BOTTOM: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_659_7e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_854e3,
];
const MIDDLE_TOP: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const MIDDLE_BOTTOM: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_TOP: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    2.965_605_718_285_048_7e-1,
    2.653_218_952_657_612_4e-2,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BOTTOM: [f64; 8] = [
    1.0,
    5.998_322_065_558_88e-1,
    1.369_298_809_227_358e-1,
    1.487_536_129_085_061_5e-2,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

/// Probability that Student's t with `degrees` of freedom is at most `t`; `None` unless `degrees` is above zero.
///
/// # Reference
/// Abramowitz and Stegun 26.7.1: `1 − ½·I_{ν/(ν+t²)}(ν/2, 1/2)` for `t ≥ 0`.
#[must_use]
pub fn t_cdf(t: f64, degrees: f64) -> Option<f64> {
    if !(degrees > 0.0 && degrees.is_finite() && !t.is_nan()) {
        return None;
    }
    if t.is_infinite() {
        return Some(if t > 0.0 { 1.0 } else { 0.0 });
    }
    let tail = upper_tail(t.abs(), degrees);
    Some(if t > 0.0 { 1.0 - tail } else { tail })
}

/// P(T > t) for `t ≥ 0`.
fn upper_tail(t: f64, degrees: f64) -> f64 {
    let sum = degrees + t * t;
    0.5 * incomplete_beta(0.5 * degrees, 0.5, degrees / sum, t * t / sum)
}

/// P(0 < T < t) for `t ≥ 0`: keeps its precision near zero, where the tail is close to one half.
fn center(t: f64, degrees: f64) -> f64 {
    let sum = degrees + t * t;
    0.5 * incomplete_beta(0.5, 0.5 * degrees, t * t / sum, degrees / sum)
}

/// Two-sided probability of a t at least as far from zero; `None` unless `degrees` is above zero.
#[must_use]
pub fn t_two_sided(t: f64, degrees: f64) -> Option<f64> {
    t_cdf(-t.abs(), degrees).map(|tail| (2.0 * tail).min(1.0))
}

/// The number below which Student's t falls with probability `p`.
///
/// # Edge cases
/// `None` unless 0 < p < 1 and `degrees` is above zero and finite.
///
/// # Reference
/// Inversion of [`t_cdf`] by Newton's method, kept inside a bracket by bisection.
#[must_use]
pub fn t_quantile(p: f64, degrees: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0 && degrees > 0.0 && degrees.is_finite()) {
        return None;
    }
    let tail = p.min(1.0 - p);
    // The smaller of tail and center is solved for, because it is the one that floating point knows precisely.
    let by_tail = tail < 0.25;
    let excess = |t: f64| {
        if by_tail { tail - upper_tail(t, degrees) } else { center(t, degrees) - (0.5 - tail) }
    };
    let (mut low, mut high) = (0.0, 1.0);
    while excess(high) < 0.0 && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    let scale = ln_density_scale(degrees);
    let mut t = f64::midpoint(low, high);
    for _ in 0..200 {
        let error = excess(t);
        if error > 0.0 {
            high = t;
        } else {
            low = t;
        }
        let density = (scale - 0.5 * (degrees + 1.0) * (t * t / degrees).ln_1p()).exp();
        let newton = t - error / density;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        let step = (next - t).abs();
        t = next;
        if step <= 1e-15 * t {
            break;
        }
    }
    Some(if p < 0.5 { -t } else { t })
}

/// Logarithm of the t density at zero.
fn ln_density_scale(degrees: f64) -> f64 {
    use super::special::ln_gamma;
    ln_gamma(0.5 * (degrees + 1.0)) - ln_gamma(0.5 * degrees) - 0.5 * (degrees * std::f64::consts::PI).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!(
            (actual - expected).abs() <= 1e-11 * expected.abs().max(1e-3),
            "{actual}, expected {expected}"
        );
    }

    #[test]
    fn table_values_come_out() {
        check(normal_quantile(0.975), 1.959_963_984_540_054);
        check(normal_quantile(1e-12), -7.034_483_825_301_131);
        check(Some(normal_cdf(1.959_963_984_540_054)), 0.975);
        check(t_quantile(0.975, 4.0), 2.776_445_105_197_799);
        check(t_quantile(0.975, 1.0), 12.706_204_736_174_698);
        check(t_quantile(0.5, 3.0), 0.0);
        check(t_cdf(0.0, 3.0), 0.5);
        check(t_cdf(1.0, 1.0), 0.75);
        check(t_two_sided(12.706_204_736_174_698, 1.0), 0.05);
    }

    #[test]
    fn impossible_questions_get_no_answer() {
        assert_eq!(normal_quantile(0.0), None);
        assert_eq!(normal_quantile(f64::NAN), None);
        assert_eq!(t_quantile(1.0, 3.0), None);
        assert_eq!(t_quantile(0.5, 0.0), None);
        assert_eq!(t_cdf(f64::NAN, 3.0), None);
        assert_eq!(t_cdf(f64::INFINITY, 3.0), Some(1.0));
    }
}
