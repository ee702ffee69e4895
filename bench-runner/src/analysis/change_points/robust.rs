//! The default engine: steps, slow drift and spikes told apart, at an error rate that is calibrated for each length.
//!
//! Values are taken as logarithms, brought back to their neighborhood, and explained by levels that may wander; a step has to explain more.
//! Long series are analyzed in overlapping windows, each on its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::candidates::{Shortest, Sums, candidates};
use super::levels::{Filter, LANES, Lanes, SPEEDS};
use super::noise::{Noise, SMALLEST_SCALE};
use super::threshold;
use crate::model::change_point::{ChangeKind, ChangePoint};
use crate::stats::distributions::{t_quantile, t_two_sided};

/// Values of one window.
pub const WINDOW: usize = 400;

/// Values between the beginnings of two windows.
pub const STRIDE: usize = WINDOW / 2;

/// Values that a series needs before anything is said about it.
pub const FEWEST: usize = 8;

/// Values that a level between two steps has at least; what comes and goes within fewer is an excursion.
pub const SHORTEST_LEVEL: usize = 15;

/// Values that a level at the beginning or the end of a window has at least.
pub const SHORTEST_END: usize = 4;

/// Contrast, in standard errors, from which a place is a candidate.
const CANDIDATE: f64 = 2.8;

/// What steps and wandering together must bring beyond either, in twice the log-likelihood: steps leave some of a drift behind.
pub const MIXTURE: f64 = 6.0;

/// Noise scales from the median of its neighborhood at which a value is a spike.
pub const SPIKE: f64 = 5.0;

/// Standard errors between the ends of a level from which wandering is reported as drift.
pub const DRIFT: f64 = 4.0;

/// Confidence level of the intervals, each for its own change.
pub const LEVEL: f64 = 0.95;

const SHORTEST: Shortest = Shortest { inside: SHORTEST_LEVEL, end: SHORTEST_END };

static FILTER: LazyLock<Filter> = LazyLock::new(|| Filter::new(WINDOW));

/// What is known of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Changes in the order of their indices.
    pub changes: Vec<ChangePoint>,
    /// Values that could be used: finite and above zero.
    pub used: usize,
    /// Robust standard deviation of the logarithms within a level, in the latest window; `None` below [`FEWEST`] values.
    pub scale: Option<f64>,
    /// What a value remembers of the one before it, 0 to 0.9, in the latest window.
    pub memory: Option<f64>,
}

impl Analysis {
    /// The steps alone.
    pub fn steps(&self) -> impl Iterator<Item = &ChangePoint> {
        self.changes.iter().filter(|change| change.kind == ChangeKind::Step)
    }
}

/// The engine with its working memory.
#[derive(Debug, Clone, Default)]
pub struct Robust {
    clipped: Vec<f64>,
    scratch: Vec<f64>,
    sums: Sums,
    /// Student's quantile for each number of degrees of freedom that was met: it costs as much as a window.
    reaches: BTreeMap<usize, f64>,
}

/// One way to explain a window.
#[derive(Debug, Clone, PartialEq)]
struct Explanation {
    places: Vec<usize>,
    /// Twice the log-likelihood with the best speed, up to a constant of the window.
    score: f64,
    lane: usize,
}

/// What one window said, indices relative to its beginning.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WindowAnswer {
    pub(super) changes: Vec<ChangePoint>,
    pub(super) noise: Noise,
    /// Level at the end, as a logarithm.
    pub(super) level: f64,
}

impl Robust {
    /// Analyzes a series.
    ///
    /// # Edge cases
    /// Gaps, and values that are not finite or not above zero, are left out; indices count them. Below [`FEWEST`] usable values
    /// nothing is found.
    #[must_use]
    pub fn analyze(&mut self, values: &[Option<f64>]) -> Analysis {
        let (indices, logs): (Vec<usize>, Vec<f64>) = usable(values).unzip();
        let answers: Vec<(usize, WindowAnswer)> = windows(logs.len())
            .filter_map(|from| {
                let to = (from + WINDOW).min(logs.len());
                Some((from, self.window(&logs[from..to])?))
            })
            .collect();
        combine(&answers.iter().collect::<Vec<_>>(), &indices, values.len())
    }

    /// Places of the steps in logarithms without gaps: what [`Self::analyze`] finds, without sizes.
    #[must_use]
    pub fn step_indices(&mut self, logs: &[f64]) -> Vec<usize> {
        let values: Vec<Option<f64>> = logs.iter().map(|log| Some(log.exp())).collect();
        self.analyze(&values).steps().map(|step| step.index).collect()
    }

    /// The largest penalty for a step at which a window of logarithms would still have one: what calibration looks at.
    ///
    /// # Edge cases
    /// `None` below [`FEWEST`] or above [`WINDOW`] values.
    #[must_use]
    pub fn evidence(&mut self, logs: &[f64]) -> Option<f64> {
        if !(FEWEST..=WINDOW).contains(&logs.len()) {
            return None;
        }
        let noise = self.prepare(logs);
        let explanations = self.explanations(noise);
        let nothing = explanations.last()?.score;
        let gains = explanations.iter().filter(|one| !one.places.is_empty());
        Some(gains.map(|one| (one.score - nothing) / one.places.len() as f64).fold(0.0, f64::max))
    }

    /// Analyzes at most [`WINDOW`] logarithms.
    pub(super) fn window(&mut self, logs: &[f64]) -> Option<WindowAnswer> {
        if logs.len() < FEWEST {
            return None;
        }
        let noise = self.prepare(logs);
        let penalty = threshold::of(logs.len());
        let net = |one: &Explanation| one.score - penalty * one.places.len() as f64;
        // Of equals the last one: the simplest.
        let chosen = self.explanations(noise).into_iter().max_by(|a, b| net(a).total_cmp(&net(b)))?;
        let fits = self.fits(&chosen, noise, logs);
        let mut changes = match fits.ends.len() {
            0 | 1 => Vec::new(),
            _ => fits.steps(self.reach(fits.degrees)),
        };
        changes.extend(fits.drifts());
        changes.extend(self.spikes(logs, noise));
        changes.sort_by_key(|change| (change.index, change.kind));
        Some(WindowAnswer { changes, noise, level: fits.ends.last().map_or(0.0, |end| end.last) })
    }

    fn reach(&mut self, degrees: usize) -> f64 {
        let quantile = || t_quantile(0.5 + LEVEL / 2.0, degrees as f64).unwrap_or(f64::INFINITY);
        *self.reaches.entry(degrees).or_insert_with(quantile)
    }

    fn prepare(&mut self, logs: &[f64]) -> Noise {
        let noise = Noise::of(logs, &mut self.scratch);
        noise.clip(logs, &mut self.clipped);
        self.sums.set(&self.clipped);
        noise
    }

    /// All explanations on the way from the candidates to none, the weakest step leaving first.
    fn explanations(&self, noise: Noise) -> Vec<Explanation> {
        let n = self.clipped.len();
        let least = CANDIDATE * noise.scale * noise.inflation().sqrt();
        let mut places = candidates(&self.sums, SHORTEST, least);
        for place in 0..places.len() {
            self.refine(&mut places, place);
        }
        let mut parts: Vec<Part> =
            stretches(&places, n).map(|(from, to)| self.part(from, to, noise)).collect();
        let mut explanations = Vec::with_capacity(places.len() + 1);
        loop {
            explanations.push(explain(&places, &parts, n));
            if places.is_empty() {
                return explanations;
            }
            let weakest = self.weakest(&places);
            places.remove(weakest);
            if weakest > 0 {
                self.refine(&mut places, weakest - 1);
            }
            self.refine(&mut places, weakest);
            parts.remove(weakest);
            for (place, (from, to)) in stretches(&places, n).enumerate() {
                if (parts[place].from, parts[place].to) != (from, to) {
                    parts[place] = self.part(from, to, noise);
                }
            }
        }
    }

    fn part(&self, from: usize, to: usize, noise: Noise) -> Part {
        Part { from, to, squares: FILTER.run(self.clipped[from..to].iter().copied(), noise.memory).squares }
    }

    /// Moves a place to the best split between its neighbors.
    fn refine(&self, places: &mut [usize], place: usize) {
        if place < places.len() {
            let (from, to) = around(places, place, self.clipped.len());
            if let Some((best, _)) = self.sums.best_split(from, to, SHORTEST) {
                places[place] = best;
            }
        }
    }

    /// The place whose removal costs least, by the sum of squares.
    fn weakest(&self, places: &[usize]) -> usize {
        let cost = |place: usize| {
            let (from, to) = around(places, place, self.clipped.len());
            let (a, b) = (self.sums.moments(from, places[place]), self.sums.moments(places[place], to));
            (a.mean - b.mean).powi(2) / (1.0 / a.count + 1.0 / b.count)
        };
        let costs = (0..places.len()).map(|place| (place, cost(place)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(place, _)| place)
    }

    /// Levels on both sides of each place of an explanation.
    fn fits(&self, chosen: &Explanation, noise: Noise, logs: &[f64]) -> Fits {
        let n = self.clipped.len();
        let kept = logs.iter().zip(&self.clipped).filter(|(raw, clipped)| raw.total_cmp(clipped).is_eq());
        // A clipped value says less than its scatter suggests: Huber's E[ψ′].
        let slope = (kept.count() as f64 / n as f64).max(0.5);
        let lane = chosen.lane;
        let mut squares = 0.0;
        let mut ends = Vec::with_capacity(chosen.places.len() + 1);
        for (from, to) in stretches(&chosen.places, n) {
            let values = &self.clipped[from..to];
            let forward = FILTER.run(values.iter().copied(), noise.memory);
            let backward = FILTER.run(values.iter().rev().copied(), noise.memory);
            squares += forward.squares[lane];
            let variance = FILTER.variance(to - from)[lane];
            ends.push(Ends { from, to, first: backward.level[lane], last: forward.level[lane], variance });
        }
        let degrees = (n - ends.len()).max(1);
        let unit = (squares / degrees as f64).max(SMALLEST_SCALE * SMALLEST_SCALE) / (slope * slope);
        Fits { ends, unit, degrees, speed: SPEEDS[lane] }
    }

    /// Runs of values far from their neighborhood, each run on one side of it.
    fn spikes(&self, logs: &[f64], noise: Noise) -> Vec<ChangePoint> {
        let far = (SPIKE * noise.scale).max(1e-6) - noise.reach();
        let side = |index: usize| {
            let distance = logs[index] - self.clipped[index];
            if distance.abs() > far { distance.signum() } else { 0.0 }
        };
        let mut found = Vec::new();
        let mut index = 0;
        while index < logs.len() {
            let sign = side(index);
            let mut end = index + 1;
            if sign.abs() > 0.5 {
                while end < logs.len() && (side(end) - sign).abs() < 0.5 {
                    end += 1;
                }
                let center = self.clipped[index] - sign * noise.reach();
                let mean = logs[index..end].iter().sum::<f64>() / (end - index) as f64;
                found.push(change(ChangeKind::Spike, (index, end), center, mean - center));
            }
            index = end;
        }
        found
    }
}

/// A stretch of one level.
#[derive(Debug, Clone, Copy)]
struct Part {
    from: usize,
    to: usize,
    squares: Lanes,
}

/// The level at both ends of a stretch.
#[derive(Debug, Clone, Copy)]
struct Ends {
    from: usize,
    to: usize,
    first: f64,
    last: f64,
    variance: f64,
}

/// Levels of a whole window.
struct Fits {
    ends: Vec<Ends>,
    /// Variance of one value, as far as long means are concerned.
    unit: f64,
    degrees: usize,
    speed: f64,
}

impl Fits {
    /// The steps; their intervals reach `reach` standard errors to each side.
    fn steps(&self, reach: f64) -> Vec<ChangePoint> {
        let pairs = self.ends.windows(2);
        let step = |pair: &[Ends]| {
            let (before, after) = (pair[0], pair[1]);
            let size = after.first - before.last;
            let variance = before.variance + after.variance + self.speed * self.speed;
            let error = (self.unit * variance).sqrt();
            let mut found = change(ChangeKind::Step, (after.from, after.to), before.last, size);
            found.ratio_interval = Some(((size - reach * error).exp(), (size + reach * error).exp()));
            found.p_value = t_two_sided(size / error, self.degrees as f64);
            found
        };
        pairs.map(step).collect()
    }

    fn drifts(&self) -> Vec<ChangePoint> {
        let wandered = |ends: &&Ends| {
            let error = (2.0 * self.unit * ends.variance).sqrt();
            self.speed > 0.0 && (ends.last - ends.first).abs() > DRIFT * error
        };
        let drift =
            |ends: &Ends| change(ChangeKind::Drift, (ends.from, ends.to), ends.first, ends.last - ends.first);
        self.ends.iter().filter(wandered).map(drift).collect()
    }
}

fn change(kind: ChangeKind, (index, end): (usize, usize), before: f64, size: f64) -> ChangePoint {
    ChangePoint {
        kind,
        index,
        end,
        before: before.exp(),
        after: (before + size).exp(),
        ratio: size.exp(),
        ratio_interval: None,
        level: LEVEL,
        p_value: None,
    }
}

/// The best speed for the stretches between `places`.
fn explain(places: &[usize], parts: &[Part], n: usize) -> Explanation {
    let count = n as f64;
    // As little as rounding leaves of a series without any noise.
    let floor = count * (0.1 * SMALLEST_SCALE).powi(2);
    let mut best = Explanation { places: places.to_vec(), score: f64::NEG_INFINITY, lane: 0 };
    for lane in 0..LANES {
        let squares: f64 = parts.iter().map(|part| part.squares[lane]).sum();
        let determinants: f64 =
            parts.iter().map(|part| FILTER.log_determinant(part.to - part.from)[lane]).sum();
        let mixture = if lane > 0 && !places.is_empty() { MIXTURE } else { 0.0 };
        let score = -count * (squares + floor).ln() - determinants - mixture;
        if score > best.score {
            (best.score, best.lane) = (score, lane);
        }
    }
    best
}

/// The stretches between places of a window of `n` values.
fn stretches(places: &[usize], n: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(places.iter().copied());
    starts.zip(places.iter().copied().chain(std::iter::once(n)))
}

/// The neighbors of a place.
fn around(places: &[usize], place: usize, n: usize) -> (usize, usize) {
    let from = if place == 0 { 0 } else { places[place - 1] };
    (from, places.get(place + 1).copied().unwrap_or(n))
}

/// Index and logarithm of each value that has one.
pub(super) fn usable(values: &[Option<f64>]) -> impl Iterator<Item = (usize, f64)> {
    let all = values.iter().enumerate();
    all.filter_map(|(index, value)| {
        value.filter(|value| *value > 0.0 && value.is_finite()).map(|value| (index, value.ln()))
    })
}

/// Beginnings of the windows of `n` values; the last window is the first that reaches the end.
pub(super) fn windows(n: usize) -> impl Iterator<Item = usize> {
    let more = n.saturating_sub(WINDOW).div_ceil(STRIDE);
    (0..=more).map(|window| window * STRIDE)
}

/// Puts together what the windows said: each speaks for the places that it sees from both sides, and a little beyond them, since
/// two windows may place one step on both sides of their border.
pub(super) fn combine(answers: &[&(usize, WindowAnswer)], indices: &[usize], values: usize) -> Analysis {
    const MARGIN: usize = STRIDE / 2;
    let n = indices.len();
    let at = |place: usize| indices.get(place).copied().unwrap_or(values);
    let mut changes: Vec<ChangePoint> = Vec::new();
    for (number, (from, answer)) in answers.iter().enumerate() {
        let own_from = if number == 0 { 0 } else { from + MARGIN };
        let own_to = if number + 1 == answers.len() { n } else { from + WINDOW - MARGIN };
        for change in &answer.changes {
            let (index, end) = (from + change.index, from + change.end);
            let mine = match change.kind {
                // A drift has no place: the window's own part of it counts.
                ChangeKind::Drift => index < own_to && end > own_from,
                _ => (own_from.saturating_sub(SHORTEST_END)..own_to + SHORTEST_END).contains(&index),
            };
            if mine {
                let (index, end) = match change.kind {
                    ChangeKind::Drift => (index.max(own_from), end.min(own_to)),
                    _ => (index, end),
                };
                join(&mut changes, ChangePoint { index, end, ..change.clone() });
            }
        }
    }
    changes.sort_by_key(|change| (change.index, change.kind));
    let mut next = n;
    for change in changes.iter_mut().rev() {
        if change.kind == ChangeKind::Step {
            (change.end, next) = (next, change.index);
        }
    }
    for change in &mut changes {
        // The index after the last value, not that of the next usable one: gaps belong to nobody.
        change.end = at(change.end - 1) + 1;
        change.index = at(change.index);
    }
    let latest = answers.last().map(|answer| answer.1.noise);
    Analysis {
        changes,
        used: n,
        scale: latest.map(|noise| noise.scale),
        memory: latest.map(|noise| noise.memory),
    }
}

/// Adds a change, unless the window before has said the same.
fn join(changes: &mut Vec<ChangePoint>, new: ChangePoint) {
    let known = match new.kind {
        // No window holds two steps that are nearer: they are one, placed differently by two windows.
        ChangeKind::Step => {
            changes.iter().any(|old| old.kind == new.kind && old.index.abs_diff(new.index) < SHORTEST_LEVEL)
        }
        ChangeKind::Spike => {
            changes.iter().any(|old| old.kind == new.kind && old.index <= new.end && new.index <= old.end)
        }
        ChangeKind::Drift => {
            let last = changes.iter_mut().rev().find(|old| old.kind == new.kind);
            let goes_on = last.filter(|old| new.index == old.end && (new.ratio > 1.0) == (old.ratio > 1.0));
            goes_on
                .map(|old| {
                    old.end = new.end;
                    old.after = new.after;
                    old.ratio = old.after / old.before;
                })
                .is_some()
        }
    };
    if !known {
        changes.push(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two windows that place changes at these indices of the series.
    #[track_caller]
    fn check(kind: ChangeKind, first: &[usize], second: &[usize], expected: &[usize]) {
        let says = |from: usize, places: &[usize]| {
            let of = |place: &usize| change(kind, (place - from, place - from + 1), 0.0, 0.05);
            let noise = Noise { scale: 0.01, memory: 0.0 };
            (from, WindowAnswer { changes: places.iter().map(of).collect(), noise, level: 0.0 })
        };
        let (a, b) = (says(0, first), says(STRIDE, second));
        let indices: Vec<usize> = (0..WINDOW + STRIDE).collect();
        let found = combine(&[&a, &b], &indices, indices.len());
        let places: Vec<usize> = found.changes.iter().map(|change| change.index).collect();
        assert_eq!(places, expected, "{kind:?} {first:?} {second:?}");
    }

    #[test]
    fn what_lies_on_the_border_of_two_windows_is_said_once() {
        use ChangeKind::{Spike, Step};
        let border = STRIDE + STRIDE / 2;
        check(Step, &[border], &[border], &[border]);
        // Each of the two would leave it to the other one.
        check(Step, &[border + 1], &[border - 1], &[border + 1]);
        check(Spike, &[border + 1], &[border - 1], &[border - 1, border + 1]);
        // Each of the two says it.
        check(Step, &[border - 2], &[border + 2], &[border - 2]);
        check(Step, &[border - 9], &[border + 3], &[border - 9]);
        check(Spike, &[border - 1], &[border], &[border - 1]);
        // Two steps stay two, and what a window sees from one side only stays with its neighbor.
        check(Step, &[border - 12, border + 3], &[border + 3], &[border - 12, border + 3]);
        check(Step, &[border + 50], &[border + 40], &[border + 40]);
        check(Step, &[20, border - 50], &[border - 40, border + 200], &[20, border - 50, border + 200]);
    }
}
