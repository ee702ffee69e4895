//! Where the current level of a series begins.
//!
//! A value is judged against values of its own segment only. This version knows the shifts that somebody accepted; a
//! change-point engine can take its place behind the same trait.

use std::collections::BTreeMap;

/// Divides the values of a series into segments of one level.
pub trait Segmenter {
    /// Index of the first value of the segment that the next value of `series` belongs to, at most `values.len()`.
    ///
    /// `values` are the logarithms so far, oldest first; nothing later is known.
    fn start(&self, series: usize, values: &[f64]) -> usize;

    /// Notes that a new level begins with the value at `index`: known, explained, and no longer news.
    fn accept(&mut self, series: usize, index: usize);
}

/// The segmenter that believes what was accepted, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcceptedShifts(BTreeMap<usize, usize>);

impl Segmenter for AcceptedShifts {
    fn start(&self, series: usize, values: &[f64]) -> usize {
        self.0.get(&series).copied().unwrap_or(0).min(values.len())
    }

    fn accept(&mut self, series: usize, index: usize) {
        let start = self.0.entry(series).or_insert(index);
        *start = index.max(*start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_accepted_shift_counts() {
        let mut shifts = AcceptedShifts::default();
        let values = [0.0; 10];
        assert_eq!(shifts.start(3, &values), 0);
        shifts.accept(3, 7);
        shifts.accept(3, 4);
        assert_eq!((shifts.start(3, &values), shifts.start(2, &values)), (7, 0));
        assert_eq!(shifts.start(3, &values[..5]), 5);
    }
}
