//! Where the mean may have changed: the best split of each of many intervals of all lengths.
//!
//! Candidates are proposed generously; what they are worth is decided elsewhere.

/// Sums of values and of their squares up to each place.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    values: Vec<f64>,
    squares: Vec<f64>,
}

/// Values that a level must hold before it is one: between two steps, and at an end of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shortest {
    /// Between two steps.
    pub(super) inside: usize,
    /// Before the first and after the last step.
    pub(super) end: usize,
}

/// Number, mean and sum of squared distances from the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
}

impl Sums {
    /// Starts anew; the first value is subtracted from all, so that large levels cost no precision.
    pub(super) fn set(&mut self, values: &[f64]) {
        let origin = values.first().copied().unwrap_or(0.0);
        for sums in [&mut self.values, &mut self.squares] {
            sums.clear();
            sums.push(0.0);
        }
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in values.iter().map(|value| value - origin) {
            sum += value;
            squares += value * value;
            self.values.push(sum);
            self.squares.push(squares);
        }
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.values.len() - 1
    }

    /// The moments of `from..to`, which must not be empty; the mean is relative to the first value of all.
    pub(super) fn moments(&self, from: usize, to: usize) -> Moments {
        let count = (to - from) as f64;
        let sum = self.values[to] - self.values[from];
        let squares = self.squares[to] - self.squares[from];
        Moments { count, mean: sum / count, squares: (squares - sum * sum / count).max(0.0) }
    }

    /// The place in `from..to` that divides it best, and the distance of the means in units of one value's deviation there.
    ///
    /// # Edge cases
    /// `None` when the interval is too short for two levels.
    pub(super) fn best_split(&self, from: usize, to: usize, shortest: Shortest) -> Option<(usize, f64)> {
        let first = from + if from == 0 { shortest.end } else { shortest.inside };
        let last = to.checked_sub(if to == self.len() { shortest.end } else { shortest.inside })?;
        if first > last {
            return None;
        }
        let (base, count) = (self.values[from], (to - from) as f64);
        let mean = (self.values[to] - base) / count;
        let mut best = (first, -1.0);
        let mut left = (first - from) as f64;
        for (place, sum) in (first..=last).zip(&self.values[first..=last]) {
            let excess = sum - base - mean * left;
            let contrast = excess * excess / (left * (count - left));
            if contrast > best.1 {
                best = (place, contrast);
            }
            left += 1.0;
        }
        Some((best.0, (best.1.max(0.0) * count).sqrt()))
    }
}

/// A split of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    contrast: f64,
    place: usize,
    from: usize,
    to: usize,
}

/// Places, ascending, whose contrast is above `least`: the largest first, then whatever lies in intervals without one.
///
/// # Reference
/// Kovács, Bühlmann, Li and Munk, *Seeded binary segmentation*, Biometrika 110 (2023), decay 1/√2, greedy selection.
pub(super) fn candidates(sums: &Sums, shortest: Shortest, least: f64) -> Vec<usize> {
    let n = sums.len();
    let mut splits = Vec::new();
    let mut length = n as f64;
    while length >= 2.0 * shortest.end as f64 {
        let whole = crate::stats::floor_to_index(length);
        let count = crate::stats::floor_to_index((2.0 * n as f64 / length).ceil()).max(2) - 1;
        for k in 0..count {
            let from = if count == 1 { 0 } else { k * (n - whole) / (count - 1) };
            let to = from + whole;
            if let Some((place, contrast)) = sums.best_split(from, to, shortest)
                && contrast > least
            {
                splits.push(Split { contrast, place, from, to });
            }
        }
        length *= std::f64::consts::FRAC_1_SQRT_2;
    }
    // Equal contrasts in order of place: the answer must not depend on the sorting algorithm.
    splits.sort_unstable_by(|a, b| {
        b.contrast.total_cmp(&a.contrast).then_with(|| (a.place, a.from, a.to).cmp(&(b.place, b.from, b.to)))
    });
    let mut places: Vec<usize> = Vec::new();
    for split in splits {
        if places.iter().all(|place| *place <= split.from || *place >= split.to) {
            places.push(split.place);
        }
    }
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORTEST: Shortest = Shortest { inside: 10, end: 5 };

    fn sums(values: &[f64]) -> Sums {
        let mut sums = Sums::default();
        sums.set(values);
        sums
    }

    #[test]
    fn moments_are_those_of_the_slice() {
        let sums = sums(&[10.0, 11.0, 13.0, 18.0]);
        assert_eq!(sums.moments(1, 4), Moments { count: 3.0, mean: 4.0, squares: 26.0 });
    }

    #[test]
    fn a_bump_has_two_candidates_at_its_sides() {
        let values: Vec<f64> =
            (0..100).map(|i| f64::from(u8::from((40..60).contains(&i))) + 0.01 * f64::from(i % 3)).collect();
        assert_eq!(candidates(&sums(&values), SHORTEST, 2.0), [40, 60]);
        assert!(candidates(&sums(&[1.0; 50]), SHORTEST, 0.1).is_empty());
    }

    #[test]
    fn ends_may_be_shorter_than_levels_between_steps() {
        let values: Vec<f64> = (0..30).map(|i| if i < 25 { 0.0 } else { 1.0 }).collect();
        let sums = sums(&values);
        assert_eq!(sums.best_split(0, 30, SHORTEST).map(|split| split.0), Some(25));
        assert_eq!(sums.best_split(5, 28, SHORTEST).map(|split| split.0), Some(18));
        assert_eq!(sums.best_split(5, 20, SHORTEST), None);
    }
}
