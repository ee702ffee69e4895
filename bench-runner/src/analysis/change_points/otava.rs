//! The change points that Apache Otava 0.8.0 finds, index for index.
//!
//! For trust and for comparison: it keeps Otava's peculiarities (population deviations in a sample formula, a p-value after a
//! search, `≤` in the split and `<` in the merge) on purpose. The default engine is [`super::robust`].

use crate::stats::distributions::t_two_sided;
use crate::stats::pairwise::mean_and_deviation;

/// What Otava is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Points of one window of the split; at least 2.
    pub window: usize,
    /// Largest p-value of a change point that stays.
    pub max_p_value: f64,
    /// Smallest relative change that stays, as a share.
    pub min_magnitude: f64,
}

/// Otava's own defaults.
pub const DEFAULT: Settings = Settings { window: 50, max_p_value: 0.001, min_magnitude: 0.0 };

/// A change point as Otava reports it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtavaPoint {
    /// Index of the first value of the new level.
    pub index: usize,
    /// Mean between the point before and this one.
    pub mean_before: f64,
    /// Mean from this point to the next one.
    pub mean_after: f64,
    /// Otava's p-value; not an error rate, because the place was searched for. NaN for two equal constants.
    pub p_value: f64,
}

impl OtavaPoint {
    /// The larger of the changes forward and backward, as a share.
    #[must_use]
    pub fn magnitude(&self) -> f64 {
        let change = |from: f64, to: f64| if from == 0.0 { 0.0 } else { (to / from - 1.0).abs() };
        let (forward, backward) =
            (change(self.mean_before, self.mean_after), change(self.mean_after, self.mean_before));
        if backward > forward { backward } else { forward }
    }
}

/// Otava with its settings and working memory.
#[derive(Debug, Clone)]
pub struct OtavaCompat {
    settings: Settings,
    search: Search,
}

impl OtavaCompat {
    /// Prepares an engine; a window below 2 counts as 2.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let settings = Settings { window: settings.window.max(2), ..settings };
        Self { settings, search: Search::new(settings.window) }
    }

    /// The change points of a whole series.
    ///
    /// # Edge cases
    /// Gaps take the value before them, or the first one; a series of gaps only has no change point.
    #[must_use]
    pub fn analyze(&mut self, values: &[Option<f64>]) -> Vec<OtavaPoint> {
        self.analyze_filled(&filled(values))
    }

    /// The change points of a series without gaps.
    #[must_use]
    pub fn analyze_filled(&mut self, values: &[f64]) -> Vec<OtavaPoint> {
        let points = self.split(values, 0, Vec::new());
        self.merge(values, points)
    }

    /// The change points after `new` values were appended, given what was found before them.
    ///
    /// # Reference
    /// Otava's append mode: the split begins again about `new ÷ window + 4` windows before the end. As in Otava 0.8.0, where the
    /// merge works in place, the weak points that it remembers are the ones that were reported.
    #[must_use]
    pub fn extend(&mut self, values: &[f64], new: usize, before: &[OtavaPoint]) -> Vec<OtavaPoint> {
        let window = self.settings.window as f64;
        let latest = values.len() as f64 - (new as f64 / window + 4.0) * window;
        let mut start =
            before.iter().map(|point| point.index).rfind(|index| (*index as f64) < latest).unwrap_or(0);
        for step in (0..values.len()).step_by(self.settings.window / 2) {
            if (step as f64) < latest && start < step {
                start = step;
            }
        }
        let points = self.split(values, start, before.iter().map(|point| point.index).collect());
        self.merge(values, points)
    }

    /// The level of the first pass.
    fn weak_level(&self) -> f64 {
        match self.settings.max_p_value {
            p if p < 0.05 => p * 10.0,
            p if p < 0.5 => p * 2.0,
            p => p,
        }
    }

    /// Divides windows, the next one beginning at the last point found or half a window on, and pools what they find.
    fn split(&mut self, values: &[f64], mut start: usize, mut found: Vec<usize>) -> Vec<OtavaPoint> {
        let level = self.weak_level();
        while start < values.len() {
            let end = (start + self.settings.window).min(values.len());
            let new = self.search.divide(&values[start..end], level);
            let mut last = 0;
            for index in new.iter().map(|index| index + start) {
                last = index;
                if !found.contains(&index) {
                    found.push(index);
                }
            }
            start = last.max(start + self.settings.window / 2);
        }
        found.sort_unstable();
        let scratch = &mut self.search.scratch;
        (0..found.len()).map(|place| tested(values, &found, place, scratch)).collect()
    }

    /// Takes out the least credible point until all are credible and large enough.
    ///
    /// After a removal Otava 0.8.0 tests the two points behind the gap again; the one before it keeps its statistics.
    fn merge(&mut self, values: &[f64], mut points: Vec<OtavaPoint>) -> Vec<OtavaPoint> {
        loop {
            // The first of equals, and a comparison with NaN is false: Python's `max` and `min`.
            let extreme = |better: &dyn Fn(&OtavaPoint, &OtavaPoint) -> bool| {
                (1..points.len()).fold(0, |best, i| if better(&points[i], &points[best]) { i } else { best })
            };
            if points.is_empty() {
                return points;
            }
            let mut weakest = extreme(&|a, b| a.p_value > b.p_value);
            if points[weakest].p_value < self.settings.max_p_value {
                weakest = extreme(&|a, b| a.magnitude() < b.magnitude());
                if points[weakest].magnitude() > self.settings.min_magnitude {
                    return points;
                }
            }
            points.remove(weakest);
            let indices: Vec<usize> = points.iter().map(|point| point.index).collect();
            for place in weakest..(weakest + 2).min(points.len()) {
                points[place] = tested(values, &indices, place, &mut self.search.scratch);
            }
        }
    }
}

/// Gaps take the value before them; the first ones, the value after them.
#[must_use]
pub fn filled(values: &[Option<f64>]) -> Vec<f64> {
    let Some(mut last) = values.iter().copied().flatten().next() else { return Vec::new() };
    let fill = |value: &Option<f64>| {
        last = value.unwrap_or(last);
        last
    };
    values.iter().map(fill).collect()
}

/// The statistics of one point between its neighbors.
fn tested(values: &[f64], indices: &[usize], place: usize, scratch: &mut Vec<f64>) -> OtavaPoint {
    let index = indices[place];
    let from = if place == 0 { 0 } else { indices[place - 1] };
    let to = indices.get(place + 1).copied().unwrap_or(values.len());
    test(&values[from..index], &values[index..to], index, scratch)
}

/// Student's t with one variance, fed with population deviations.
fn test(left: &[f64], right: &[f64], index: usize, scratch: &mut Vec<f64>) -> OtavaPoint {
    let (mean_before, left_sd) = mean_and_deviation(left, scratch);
    let (mean_after, right_sd) = mean_and_deviation(right, scratch);
    let (n, m) = (left.len() as f64, right.len() as f64);
    let degrees = n + m - 2.0;
    let p_value = if degrees > 0.0 {
        let variance = ((n - 1.0) * (left_sd * left_sd) + (m - 1.0) * (right_sd * right_sd)) / degrees;
        let t = (mean_before - mean_after) / (variance * (1.0 / n + 1.0 / m)).sqrt();
        t_two_sided(t, degrees).unwrap_or(f64::NAN)
    } else {
        1.0
    };
    OtavaPoint { index, mean_before, mean_after, p_value }
}

/// The divisive search within one window: coefficients that depend on places only, and working memory.
#[derive(Debug, Clone)]
struct Search {
    window: usize,
    /// For `τ` = row + 1 and `κ` = column + 2 points from the start: `2(κ − τ) ÷ (κ(τ − 1))`, and `2τ ÷ (κ(κ − τ − 1))`.
    left: Vec<f64>,
    right: Vec<f64>,
    /// `distances[t·window + c]` is |xₜ − x꜀|, `rows` their sums along c from t + 1.
    distances: Vec<f64>,
    rows: Vec<f64>,
    /// Sums of `rows` over t from the last row up, one line for each.
    below: Vec<f64>,
    scratch: Vec<f64>,
}

/// The best place within one interval.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    index: usize,
    divergence: f64,
}

impl Search {
    fn new(window: usize) -> Self {
        let size = window * window;
        let (mut left, mut right) = (vec![0.0; size], vec![0.0; size]);
        for row in 0..window {
            for column in row..window {
                let (tau, kappa) = (row as f64 + 1.0, column as f64 + 2.0);
                if row > 0 {
                    left[row * window + column] = 2.0 * (kappa - tau) / (kappa * (tau - 1.0));
                }
                if column > row {
                    right[row * window + column] = 2.0 * tau / (kappa * (kappa - tau - 1.0));
                }
            }
        }
        let memory = vec![0.0; size];
        Self {
            window,
            left,
            right,
            distances: memory.clone(),
            rows: memory.clone(),
            below: memory,
            scratch: Vec::new(),
        }
    }

    /// The points at which the window divides, ascending.
    fn divide(&mut self, values: &[f64], level: f64) -> Vec<usize> {
        self.measure(values);
        let mut points: Vec<usize> = Vec::new();
        let mut bounds = vec![0, values.len()];
        let mut best = vec![self.candidate(0, values.len())];
        loop {
            let mut place = None;
            for (i, candidate) in best.iter().enumerate() {
                let Some(candidate) = candidate else { continue };
                let leads = place
                    .and_then(|p: usize| best[p])
                    .is_none_or(|leader| candidate.divergence > leader.divergence);
                if leads {
                    place = Some(i);
                }
            }
            let Some((place, candidate)) = place.and_then(|p| Some((p, best[p]?))) else { return points };
            let (from, to) = (bounds[place], bounds[place + 1]);
            let index = candidate.index;
            let found = test(&values[from..index], &values[index..to], index, &mut self.scratch);
            // A NaN is not significant.
            if found.p_value.is_nan() || found.p_value > level {
                return points;
            }
            points.insert(place, index);
            bounds.insert(place + 1, index);
            best[place] = self.candidate(from, index);
            best.insert(place + 1, self.candidate(index, to));
        }
    }

    /// All distances, and their sums to the right of the diagonal.
    fn measure(&mut self, values: &[f64]) {
        for (t, own) in values.iter().enumerate() {
            let mut sum = 0.0;
            for (c, other) in values.iter().enumerate().skip(t + 1) {
                let distance = (own - other).abs();
                self.distances[t * self.window + c] = distance;
                sum += distance;
                self.rows[t * self.window + c] = sum;
            }
        }
    }

    /// The split of `start..end` with the largest divergence, over all ends of its right part.
    ///
    /// # Reference
    /// Matteson and James, *A nonparametric approach for multiple change point analysis*, JASA 109 (2014), with exponent 1;
    /// the sums are added in Otava's order, since ties are decided by the last bit.
    fn candidate(&mut self, start: usize, end: usize) -> Option<Candidate> {
        let size = end - start - 1;
        if size == 0 {
            return None;
        }
        let window = self.window;
        // Row t of `below` holds, for each column, the sum of `rows` over the lines after t.
        for row in (0..size - 1).rev() {
            let (head, tail) = self.below.split_at_mut((row + 1) * window);
            let line = &mut head[row * window..];
            let first = row + 1;
            let source = &self.rows[(start + first) * window + start + 1..];
            for column in first..size {
                let lower = if first < size - 1 && column > first { tail[column] } else { 0.0 };
                line[column] = lower + source[column];
            }
        }
        let mut top = vec![0.0; size];
        let mut inside = 0.0;
        let mut best = Candidate { index: start + 1, divergence: f64::NEG_INFINITY };
        for row in 0..size {
            let source = &self.rows[(start + row) * window + start + 1..];
            let (left, right) = (&self.left[row * window..], &self.right[row * window..]);
            let below = &self.below[row * window..];
            for column in row..size {
                top[column] += source[column];
                let across = 2.0 / (column as f64 + 2.0) * (top[column] - inside);
                let after = if column > row { right[column] * below[column] } else { 0.0 };
                let divergence = across - left[column] * inside - after;
                if divergence > best.divergence {
                    best = Candidate { index: start + row + 1, divergence };
                }
            }
            inside += self.to_its_left(start, row);
        }
        Some(best)
    }

    /// Distances of the point after `row` from the points of the interval before it: those of the window, less those before the
    /// interval.
    fn to_its_left(&self, start: usize, row: usize) -> f64 {
        let column = start + row + 1;
        let over = |from: usize, to: usize| {
            (from..to).fold(0.0, |sum, t| sum + self.distances[t * self.window + column])
        };
        over(0, column) - over(0, start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rng::SplitMix64;

    /// The settings of the script, in its order.
    const SETTINGS: [(usize, f64, f64); 7] = [
        (50, 0.001, 0.0),
        (50, 0.0001, 0.0),
        (30, 0.01, 0.05),
        (30, 0.1, 0.05),
        (20, 0.001, 0.02),
        (7, 0.05, 0.0),
        (64, 0.5, 0.01),
    ];

    #[derive(serde::Deserialize)]
    struct Fixture {
        origin: String,
        indices: Vec<Vec<Vec<usize>>>,
    }

    /// A series as `scripts/reference/otava_reference.py` makes it.
    fn series(case: u64, rng: &mut SplitMix64) -> Vec<Option<f64>> {
        const SIZES: [usize; 6] = [12, 40, 90, 160, 300, 420];
        let pick = |of: u64| usize::try_from(case % of).unwrap();
        let length = 2 + rng.below(SIZES[pick(6)]);
        let count = rng.below(4);
        let rho = pick(3) as f64 * 0.3;
        let steps: Vec<(usize, f64)> =
            (0..count).map(|_| (rng.below(length), (rng.unit() - 0.5) * 0.6)).collect();
        let mut state = 0.0;
        (0..length)
            .map(|index| {
                let noise = rng.unit() + rng.unit() + rng.unit() + rng.unit() - 2.0;
                state = rho * state + noise;
                let mut value = 100.0 * (1.0 + 0.02 * state);
                match case % 7 {
                    1 if rng.unit() < 0.04 => value *= 1.3,
                    2 if rng.unit() < 0.5 => value += 6.0,
                    3 => value = value.floor(),
                    4 => value += 0.05 * index as f64,
                    5 => value = 100.0,
                    6 => value = (value - 100.0) * 0.25,
                    _ => {}
                }
                for (position, size) in &steps {
                    if *position <= index {
                        value *= 1.0 + size;
                    }
                }
                if case.is_multiple_of(5) && rng.unit() < 0.1 { None } else { Some(value) }
            })
            .collect()
    }

    /// The indices after the first part and after each chunk.
    fn answers(case: u64) -> Vec<Vec<usize>> {
        let mut rng = SplitMix64::new(77_000_000 + case);
        let values = filled(&series(case, &mut rng));
        if values.is_empty() {
            return Vec::new();
        }
        let (window, max_p_value, min_magnitude) = SETTINGS[usize::try_from(case / 7 % 7).unwrap()];
        let mut engine = OtavaCompat::new(Settings { window, max_p_value, min_magnitude });
        let mut end = if case % 4 == 3 { values.len().div_ceil(2) } else { values.len() };
        let mut found = engine.analyze_filled(&values[..end]);
        let indices = |found: &[OtavaPoint]| found.iter().map(|point| point.index).collect::<Vec<_>>();
        let mut result = vec![indices(&found)];
        while end < values.len() {
            let chunk = (1 + rng.below(40)).min(values.len() - end);
            end += chunk;
            found = engine.extend(&values[..end], chunk, &found);
            result.push(indices(&found));
        }
        result
    }

    #[test]
    fn indices_equal_otavas_on_all_series_with_gaps_and_appends() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../../tests/fixtures/change_points/otava.json")).unwrap();
        assert!(fixture.origin.starts_with("apache-otava 0.8.0"));
        assert!(fixture.indices.len() >= 1000);
        let changed =
            fixture.indices.iter().filter(|case| case.last().is_some_and(|points| !points.is_empty()));
        assert!(changed.count() >= 500);
        let wrong: Vec<u64> = (0..)
            .zip(&fixture.indices)
            .filter(|(case, expected)| answers(*case) != **expected)
            .map(|(case, _)| case)
            .collect();
        assert!(wrong.is_empty(), "{} series differ: {wrong:?}", wrong.len());
    }

    #[test]
    fn gaps_take_the_value_before_them() {
        assert_eq!(filled(&[None, Some(1.0), None, Some(2.0)]), [1.0, 1.0, 1.0, 2.0]);
        assert_eq!(filled(&[None, None]), [0.0; 0]);
        assert!(OtavaCompat::new(DEFAULT).analyze(&[None, None]).is_empty());
    }
}
