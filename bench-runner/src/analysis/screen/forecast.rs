//! What a series is expected to show next, and how far off such expectations were.
//!
//! Several plain forecasters run side by side; the one that erred least on this series is used. Which one suits (a long
//! mean for white noise, a short one for drift, an autoregression for a machine with moods) is for the data to say.

use std::collections::VecDeque;

use crate::stats::Sorted;
use crate::stats::autocorrelation::clipped_ar1;
use crate::stats::order;
use crate::stats::scale::MAD_TO_SD;

/// Lengths of the recent past whose center is a forecast; the longest also feeds the autoregression.
pub(super) const WINDOWS: [usize; 5] = [1, 3, 9, 27, 60];

/// Number of forecasters: the windows and the autoregression.
pub(super) const FORECASTERS: usize = WINDOWS.len() + 1;

/// Past errors kept for each forecaster.
pub(super) const ERRORS_KEPT: usize = 60;

/// Errors that a forecaster needs before its scale is believed.
pub(super) const FEWEST_ERRORS: usize = 10;

/// Share cut from each end of a window before its mean is taken.
const TRIM: f64 = 0.2;

/// Smallest scale of a logarithm: nobody's clock and code are steadier than a ten-thousandth from night to night.
const SMALLEST_SCALE: f64 = 1e-4;

/// Sizes of errors are clipped at this many median-based standard deviations before their mean gives the scale.
const CLIP: f64 = 2.5;

/// Mean size of a standard normal number clipped at [`CLIP`]: `2(φ(0) − φ(c)) + 2c(1 − Φ(c))`.
const CLIPPED_MEAN: f64 = 0.793_876_286_444_609_1;

/// Values after which the autoregression is estimated again.
const REFRESH: usize = 5;

/// What a forecaster does, in words.
pub(super) fn name(forecaster: usize) -> &'static str {
    match forecaster {
        0 => "the last value",
        1 => "the median of the last 3",
        2 => "the trimmed mean of the last 9",
        3 => "the trimmed mean of the last 27",
        4 => "the trimmed mean of the last 60",
        _ => "an autoregression on the trimmed mean of the last 60",
    }
}

/// One forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Forecast {
    /// Expected logarithm.
    pub(super) value: f64,
    /// By how much a short segment makes the error larger than usual, at least 1.
    pub(super) inflation: f64,
}

/// The forecasts of all forecasters from the current segment; none when it is empty.
pub(super) fn forecasts(segment: &[f64], memory: f64) -> Option<[Forecast; FORECASTERS]> {
    let last = *segment.last()?;
    let mut all = [Forecast { value: last, inflation: 1.0 }; FORECASTERS];
    for (forecast, window) in all.iter_mut().zip(WINDOWS) {
        let used = window.min(segment.len());
        forecast.value = center(&segment[segment.len() - used..]);
        forecast.inflation = ((1.0 + 1.0 / used as f64) / (1.0 + 1.0 / window as f64)).sqrt();
    }
    let level = all[WINDOWS.len() - 1];
    all[WINDOWS.len()] = Forecast { value: level.value + memory * (last - level.value), ..level };
    Some(all)
}

/// Trimmed mean; up to three values their median.
fn center(values: &[f64]) -> f64 {
    let sorted = Sorted::new(values);
    sorted.map_or(
        f64::NAN,
        |sorted| if values.len() <= 3 { sorted.median() } else { sorted.trimmed_mean(TRIM) },
    )
}

/// What a series remembers: how its forecasters erred, with and without the machine's common factor taken out.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    plain: [Errors; FORECASTERS],
    cleaned: [Errors; FORECASTERS],
    coefficient: f64,
}

/// A chosen forecaster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    /// Its index.
    pub(super) forecaster: usize,
    /// Whether the common factor is taken out of its error.
    pub(super) cleaned: bool,
    /// Robust standard deviation of its past errors, of logarithms.
    pub(super) scale: f64,
}

impl Memory {
    /// The forecaster that erred least so far; with `cleaned` only among those without the common factor.
    pub(super) fn choose(&self, allowed: Allowed) -> Option<Choice> {
        let of = |cleaned: bool, errors: &[Errors; FORECASTERS]| {
            let scales = errors.iter().enumerate();
            scales
                .filter_map(|(forecaster, errors)| {
                    Some(Choice { forecaster, cleaned, scale: errors.scale()? })
                })
                .min_by(|a, b| a.scale.total_cmp(&b.scale))
        };
        let plain = (allowed != Allowed::Cleaned).then(|| of(false, &self.plain)).flatten();
        let cleaned = (allowed != Allowed::Plain).then(|| of(true, &self.cleaned)).flatten();
        [plain, cleaned].into_iter().flatten().min_by(|a, b| a.scale.total_cmp(&b.scale))
    }

    /// Notes tonight's errors, and estimates the memory of the series again from time to time.
    pub(super) fn learn(&mut self, value: f64, common: f64, forecasts: &[Forecast; FORECASTERS]) {
        for (index, forecast) in forecasts.iter().enumerate() {
            self.plain[index].push((value - forecast.value) / forecast.inflation);
            self.cleaned[index].push((value - common - forecast.value) / forecast.inflation);
        }
    }

    /// Estimates the autoregression from the current segment, after every few values.
    pub(super) fn refresh(&mut self, segment: &[f64]) {
        if segment.len().is_multiple_of(REFRESH) && segment.len() >= WINDOWS[3] {
            let recent = &segment[segment.len().saturating_sub(WINDOWS[4])..];
            self.coefficient = clipped_ar1(recent).unwrap_or(0.0);
        }
    }

    /// The coefficient of the autoregression.
    pub(super) fn coefficient(&self) -> f64 {
        self.coefficient
    }
}

/// Which errors may be chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Those that ignore the common factor.
    Plain,
    /// Those without the common factor.
    Cleaned,
    /// Whichever are smaller.
    Both,
}

/// The last errors of one forecaster, and their scale as of the last one.
#[derive(Debug, Clone, Default)]
struct Errors {
    recent: VecDeque<f64>,
    scale: f64,
}

impl Errors {
    fn push(&mut self, error: f64) {
        if self.recent.len() == ERRORS_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(error.abs());
        let mut sizes: Vec<f64> = self.recent.iter().copied().collect();
        let mean = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len() as f64;
        // Where most values are equal (coarse units), the median is zero; half of the mean size speaks then.
        let least = (0.5 * mean(&sizes)).max(SMALLEST_SCALE);
        let half = sizes.len() / 2;
        let (_, middle, _) = sizes.select_nth_unstable_by(half, f64::total_cmp);
        // The median alone wastes two thirds of the errors: its scatter would show as unusual residuals.
        let reach = CLIP * (MAD_TO_SD * *middle).max(least);
        sizes.iter_mut().for_each(|size| *size = size.min(reach));
        self.scale = (mean(&sizes) / CLIPPED_MEAN).max(least);
    }

    fn scale(&self) -> Option<f64> {
        (self.recent.len() >= FEWEST_ERRORS).then_some(self.scale)
    }
}

/// The median of `values`, each counting as much as its weight; of all but the one at `left_out`, if any.
///
/// `ascending` holds (value, weight, owner), sorted by value. `None` when no weight is left.
pub(super) fn weighted_median(ascending: &[(f64, f64, usize)], left_out: Option<usize>) -> Option<f64> {
    let counted = || ascending.iter().filter(|(_, _, owner)| Some(*owner) != left_out);
    let all: f64 = counted().map(|(_, weight, _)| weight).sum();
    let mut below = 0.0;
    for (value, weight, _) in counted() {
        below += weight;
        if below >= all / 2.0 {
            return Some(*value);
        }
    }
    None
}

/// The median size of `values`, as a normal standard deviation.
pub(super) fn scale_of(values: &VecDeque<f64>) -> Option<f64> {
    let sizes: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    order::median(&sizes).map(|median| MAD_TO_SD * median)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rng::SplitMix64;

    fn chosen(coefficient: f64, drift: f64) -> (usize, f64) {
        let (mut memory, mut rng, mut values, mut state) =
            (Memory::default(), SplitMix64::new(8), vec![0.0], 0.0);
        for night in 0..400 {
            state = coefficient * state + rng.normal();
            let value = state + drift * f64::from(night);
            let forecasts = forecasts(&values, memory.coefficient()).unwrap();
            memory.learn(value, 0.0, &forecasts);
            values.push(value);
            memory.refresh(&values);
        }
        let choice = memory.choose(Allowed::Plain).unwrap();
        (choice.forecaster, choice.scale)
    }

    #[test]
    fn each_kind_of_noise_gets_a_forecaster_that_suits() {
        let (white, scale) = chosen(0.0, 0.0);
        assert!(white >= 3 && (scale - 1.0).abs() < 0.25, "{white} {scale}");
        let (moody, scale) = chosen(0.8, 0.0);
        assert!((moody == 0 || moody == 1 || moody == 5) && scale < 1.4, "{moody} {scale}");
        let (drifting, _) = chosen(0.0, 0.2);
        assert!(drifting <= 2, "{drifting}");
    }

    #[test]
    fn the_mean_of_clipped_sizes_is_its_formula() {
        use crate::stats::distributions::normal_cdf;
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let expected = 2.0 * (density(0.0) - density(CLIP)) + 2.0 * CLIP * normal_cdf(-CLIP);
        assert!((CLIPPED_MEAN / expected - 1.0).abs() < 1e-12, "{expected}");
    }

    #[test]
    fn forecasters_are_named_after_their_windows() {
        for (index, window) in WINDOWS.iter().enumerate().skip(1) {
            assert!(name(index).ends_with(&window.to_string()), "{}", name(index));
        }
        assert!(name(FORECASTERS - 1).starts_with("an autoregression"));
    }

    #[test]
    fn short_segments_are_less_certain() {
        let short = forecasts(&[1.0, 2.0], 0.5).unwrap();
        let long = forecasts(&[1.0; 100], 0.5).unwrap();
        assert!(short[4].inflation > 1.2 && (long[4].inflation - 1.0).abs() < 1e-12);
        assert!((short[4].value - 1.5).abs() < 1e-12 && (short[5].value - 1.75).abs() < 1e-12);
        assert_eq!(forecasts(&[], 0.0), None);
    }

    #[test]
    fn heavy_values_pull_the_median() {
        let values = [(0.0, 1.0, 0), (1.0, 1.0, 1), (2.0, 5.0, 2)];
        assert_eq!(weighted_median(&values, None), Some(2.0));
        assert_eq!(weighted_median(&values, Some(2)), Some(0.0));
        assert_eq!(weighted_median(&[], None), None);
    }
}
