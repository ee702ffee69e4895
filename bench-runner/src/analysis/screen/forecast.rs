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
    /// Those of the forecasters first, then the same without the common factor.
    errors: Errors,
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
        let of = |cleaned: bool| {
            let (_, scales) = self.errors.scales()?.split_at(if cleaned { FORECASTERS } else { 0 });
            let choices = scales.iter().take(FORECASTERS).enumerate();
            choices
                .map(|(forecaster, scale)| Choice { forecaster, cleaned, scale: *scale })
                .min_by(|a, b| a.scale.total_cmp(&b.scale))
        };
        let plain = (allowed != Allowed::Cleaned).then(|| of(false)).flatten();
        let cleaned = (allowed != Allowed::Plain).then(|| of(true)).flatten();
        [plain, cleaned].into_iter().flatten().min_by(|a, b| a.scale.total_cmp(&b.scale))
    }

    /// Notes tonight's errors, and estimates the memory of the series again from time to time.
    pub(super) fn learn(&mut self, value: f64, common: f64, forecasts: &[Forecast; FORECASTERS]) {
        let mut errors = [0.0; KINDS];
        for (index, forecast) in forecasts.iter().enumerate() {
            errors[index] = (value - forecast.value) / forecast.inflation;
            errors[FORECASTERS + index] = (value - common - forecast.value) / forecast.inflation;
        }
        self.errors.push(errors);
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

/// Kinds of errors: of each forecaster, with the common factor and without.
const KINDS: usize = 2 * FORECASTERS;

/// Sizes of the last errors of each kind, and their scales as of the last ones.
///
/// All kinds are summed side by side, and each keeps its sizes in order: this is done for every series and night.
#[derive(Debug, Clone, Default)]
struct Errors {
    /// One row a night; full, it goes round.
    recent: Vec<[f64; KINDS]>,
    /// The oldest row.
    oldest: usize,
    /// The same sizes, ascending.
    ascending: [Vec<f64>; KINDS],
    scales: [f64; KINDS],
}

impl Errors {
    fn push(&mut self, errors: [f64; KINDS]) {
        let sizes = errors.map(f64::abs);
        if self.recent.len() < ERRORS_KEPT {
            self.recent.push(sizes);
            for (ascending, size) in self.ascending.iter_mut().zip(&sizes) {
                ascending.insert(place(ascending, *size), *size);
            }
        } else {
            let gone = std::mem::replace(&mut self.recent[self.oldest], sizes);
            self.oldest = (self.oldest + 1) % ERRORS_KEPT;
            for ((ascending, gone), size) in self.ascending.iter_mut().zip(&gone).zip(&sizes) {
                exchange(ascending, *gone, *size);
            }
        }
        let count = self.recent.len() as f64;
        let mean = self.sums(&[f64::INFINITY; KINDS]).map(|sum| sum / count);
        let mut least = [0.0; KINDS];
        let mut reach = [0.0; KINDS];
        for kind in 0..KINDS {
            // Where most values are equal (coarse units), the median is zero; half of the mean size speaks then.
            least[kind] = (0.5 * mean[kind]).max(SMALLEST_SCALE);
            let middle = self.ascending[kind][self.recent.len() / 2];
            // The median alone wastes two thirds of the errors: its scatter would show as unusual residuals.
            reach[kind] = CLIP * (MAD_TO_SD * middle).max(least[kind]);
        }
        let clipped = self.sums(&reach).map(|sum| sum / count);
        for kind in 0..KINDS {
            self.scales[kind] = (clipped[kind] / CLIPPED_MEAN).max(least[kind]);
        }
    }

    /// Sums of the sizes, each no larger than `reach`, in the order of the nights.
    fn sums(&self, reach: &[f64; KINDS]) -> [f64; KINDS] {
        let mut sums = [0.0; KINDS];
        let (latest, earlier) = self.recent.split_at(self.oldest);
        for row in earlier.iter().chain(latest) {
            for kind in 0..KINDS {
                sums[kind] += if row[kind] < reach[kind] { row[kind] } else { reach[kind] };
            }
        }
        sums
    }

    fn scales(&self) -> Option<&[f64; KINDS]> {
        (self.recent.len() >= FEWEST_ERRORS).then_some(&self.scales)
    }
}

/// Where a value stands or would stand.
fn place(ascending: &[f64], value: f64) -> usize {
    ascending.partition_point(|other| other.total_cmp(&value).is_lt())
}

/// Puts one value in the place of another and keeps the order.
fn exchange(ascending: &mut [f64], gone: f64, new: f64) {
    let (from, to) = (place(ascending, gone), place(ascending, new));
    if from < to {
        ascending[from..to].rotate_left(1);
        ascending[to - 1] = new;
    } else {
        ascending[to..=from].rotate_right(1);
        ascending[to] = new;
    }
}

/// The medians of weighted values that leave one of them out.
///
/// The sums below each value are made once; only where rounding could tell two neighbors apart is the sum made anew.
#[derive(Debug)]
pub(super) struct LeaveOneOut<'a> {
    ascending: &'a [(f64, f64, usize)],
    /// Weight up to and with each value.
    up_to: Vec<f64>,
    whole: Option<f64>,
}

impl<'a> LeaveOneOut<'a> {
    /// Takes what [`weighted_median`] takes.
    pub(super) fn new(ascending: &'a [(f64, f64, usize)]) -> Self {
        let mut sum = 0.0;
        let up_to = ascending.iter().map(|(_, weight, _)| {
            sum += weight;
            sum
        });
        Self { up_to: up_to.collect(), whole: weighted_median(ascending, None), ascending }
    }

    /// The median of all.
    pub(super) fn whole(&self) -> Option<f64> {
        self.whole
    }

    /// The median without the value at this place.
    pub(super) fn without(&self, left_out: usize) -> Option<f64> {
        let (_, weight, owner) = *self.ascending.get(left_out)?;
        let all = self.up_to.last()? - weight;
        // Beyond what the rounding of some ten thousand additions can do.
        let tie = 1e-9 * (all + weight);
        let (low, high) = (all / 2.0 - tie, all / 2.0 + tie);
        let reached = |least: f64| {
            let before = self.up_to[..left_out].partition_point(|sum| *sum < least);
            if before < left_out {
                return before;
            }
            let after = &self.up_to[left_out + 1..];
            left_out + 1 + after.partition_point(|sum| sum - weight < least)
        };
        let place = reached(high);
        if place < self.ascending.len() && reached(low) == place {
            return Some(self.ascending[place].0);
        }
        weighted_median(self.ascending, Some(owner))
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

    #[test]
    fn leaving_each_one_out_is_what_leaving_it_out_is() {
        let mut rng = SplitMix64::new(21);
        for round in 0..60 {
            // Few, equal, and many weights that differ.
            let weight = |draw: f64| if round % 3 == 0 { 1.0 } else { 10.0_f64.powf(4.0 * draw) };
            let mut values: Vec<(f64, f64, usize)> =
                (0..2 + round).map(|owner| (rng.normal(), weight(rng.unit()), owner)).collect();
            values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let medians = LeaveOneOut::new(&values);
            assert_eq!(medians.whole(), weighted_median(&values, None));
            for (place, (.., owner)) in values.iter().enumerate() {
                assert_eq!(medians.without(place), weighted_median(&values, Some(*owner)), "{round} {place}");
            }
        }
        assert_eq!(LeaveOneOut::new(&[(1.0, 2.0, 0)]).without(0), None);
    }

    #[test]
    fn scales_are_those_of_the_last_errors() {
        let mut rng = SplitMix64::new(22);
        let (mut errors, mut all) = (Errors::default(), Vec::new());
        for night in 0..200 {
            // Coarse values, so that equal ones come and go.
            let row: [f64; KINDS] = std::array::from_fn(|_| (rng.normal() * 8.0).round() / 8.0);
            errors.push(row);
            all.push(row);
            let recent = &all[all.len().saturating_sub(ERRORS_KEPT)..];
            assert_eq!(errors.scales().is_some(), night + 1 >= FEWEST_ERRORS);
            for kind in 0..KINDS {
                let sizes: Vec<f64> = recent.iter().map(|row| row[kind].abs()).collect();
                let mut ascending = sizes.clone();
                ascending.sort_by(f64::total_cmp);
                let mean = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len() as f64;
                let least = (0.5 * mean(&sizes)).max(SMALLEST_SCALE);
                let reach = CLIP * (MAD_TO_SD * ascending[sizes.len() / 2]).max(least);
                let clipped: Vec<f64> = sizes.iter().map(|size| size.min(reach)).collect();
                let expected = (mean(&clipped) / CLIPPED_MEAN).max(least);
                assert!((errors.scales[kind] / expected - 1.0).abs() < 1e-12, "{night} {kind}");
                assert_eq!(errors.ascending[kind], ascending, "{night} {kind}");
            }
        }
    }
}
