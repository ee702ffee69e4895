//! The screen's segments from the default engine: a value is judged against values since the latest step.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::robust::{Robust, WINDOW};
use crate::analysis::screen::Segmenter;

/// Values by which a series has to grow before it is looked at again.
pub const EVERY: usize = 4;

/// Accepted shifts, and the steps that the engine finds after them.
///
/// Only the last [`WINDOW`] values since the accepted shift are looked at, again after every [`EVERY`] new ones; a step once
/// found stays.
#[derive(Debug, Clone, Default)]
pub struct FoundSteps {
    accepted: BTreeMap<usize, usize>,
    found: RefCell<Found>,
}

#[derive(Debug, Clone, Default)]
struct Found {
    engine: Robust,
    /// For each series how many values were looked at, and where the level that holds begins.
    starts: BTreeMap<usize, (usize, usize)>,
}

impl Segmenter for FoundSteps {
    fn start(&self, series: usize, values: &[f64]) -> usize {
        let accepted = self.accepted.get(&series).copied().unwrap_or(0);
        let mut found = self.found.borrow_mut();
        let (seen, start) = found.starts.get(&series).copied().unwrap_or((0, 0));
        let mut start = start.max(accepted);
        if values.len() >= seen + EVERY {
            let from = start.max(values.len().saturating_sub(WINDOW)).min(values.len());
            if let Some(step) = found.engine.step_indices(&values[from..]).last() {
                start = from + step;
            }
            found.starts.insert(series, (values.len(), start));
        }
        start.min(values.len())
    }

    fn accept(&mut self, series: usize, index: usize) {
        let start = self.accepted.entry(series).or_insert(index);
        *start = index.max(*start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rng::SplitMix64;

    #[test]
    fn a_segment_begins_at_the_latest_step_or_acceptance() {
        let mut rng = SplitMix64::new(6);
        let logs: Vec<f64> = (0..200).map(|i| 0.01 * rng.normal() + if i < 90 { 0.0 } else { 0.1 }).collect();
        let mut segments = FoundSteps::default();
        assert_eq!(segments.start(0, &logs[..80]), 0);
        assert_eq!(segments.start(0, &logs), 90);
        assert_eq!(segments.start(1, &logs[..40]), 0);
        segments.accept(0, 150);
        assert_eq!(segments.start(0, &logs), 150);
        assert_eq!(segments.start(0, &logs[..120]), 120);
    }
}
