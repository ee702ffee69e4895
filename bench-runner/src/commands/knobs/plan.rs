//! How long the launches of a trial are, how many blocks it makes, and when it ends.

use super::HowArgs;
use crate::analysis::experiment::{FEWEST_BLOCKS, Stopping};
use crate::experiment::PreparedArm;

/// Blocks of a trial at most.
const MOST_BLOCKS: u32 = 200;
/// Seconds of a launch beside its benchmarks, roughly.
const START: f64 = 0.03;
/// Blocks of each bench target that a trial should have time for: 32 pairs of launches, twice the least that can decide anything
/// over 40 knobs and 4 benchmarks at 5 %.
const WANTED_BLOCKS: f64 = 16.0;
/// Room for control blocks and for those that are repeated.
const SPARE: f64 = 1.25;

/// When a trial ends.
pub(super) fn stopping(asked: Option<u32>, in_suite: bool, affordable: u32, cap: f64) -> Stopping {
    match (asked, in_suite) {
        (Some(blocks), _) => Stopping::Fixed { blocks },
        // Equal arms: the pairs of benchmarks are what is decided, and they need every launch. How long a launch takes shows once
        // it is made: a harness makes its fewest iterations whatever time it is given.
        (None, true) => Stopping::Within { blocks: affordable, budget_seconds: cap },
        (None, false) => {
            Stopping::Sequential { fewest: FEWEST_BLOCKS, most: MOST_BLOCKS, budget_seconds: Some(cap) }
        }
    }
}

/// Seconds of one launch for each of its benchmarks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Length {
    pub(super) warm_up: f64,
    pub(super) measuring: f64,
}

/// As long as lets [`WANTED_BLOCKS`] blocks of each bench target fit into the cap, controls and repeated blocks included: a verdict
/// over many knobs asks for many pairs of launches, and short launches give more of them than long ones.
pub(super) fn length((targets, benchmarks): (f64, f64), how: &HowArgs, cap: f64) -> Length {
    let set = cap / (4.0 * WANTED_BLOCKS * SPARE);
    let each = (set - targets * START) / benchmarks.max(1.0);
    Length {
        warm_up: how.warm_up.unwrap_or((each * 0.25).clamp(0.005, 0.03)),
        measuring: how.measuring.unwrap_or((each * 0.75).clamp(0.02, 0.1)),
    }
}

/// Bench targets and benchmarks of an arm.
pub(super) fn size(arm: &PreparedArm) -> (f64, f64) {
    let benchmarks: usize = arm.suite.benches.iter().map(|bench| bench.selected.len()).sum();
    (arm.suite.benches.len() as f64, benchmarks as f64)
}

/// Blocks of four launches that fit into the cap, at least three.
pub(super) fn affordable((targets, benchmarks): (f64, f64), length: Length, cap: f64) -> u32 {
    let launches = targets * START + benchmarks * (length.warm_up + length.measuring);
    let fits = cap / (4.0 * launches);
    (3..=20).take_while(|blocks| f64::from(*blocks) <= fits).last().unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a knob may take is kept where its blocks are many, and where the harness takes longer than it is asked to.
    #[test]
    fn every_trial_has_a_budget_unless_blocks_were_asked_for() {
        for in_suite in [true, false] {
            assert_eq!(stopping(None, in_suite, 12, 14.0).budget(), Some(14.0));
            assert_eq!(stopping(Some(7), in_suite, 12, 14.0), Stopping::Fixed { blocks: 7 });
        }
        // The pairs of a suite need every launch of every block.
        assert_eq!(stopping(None, true, 12, 14.0).planned(), Some(12));
        assert_eq!(stopping(None, false, 12, 14.0).planned(), None);
    }

    #[test]
    fn launches_are_as_long_as_the_budget_allows() {
        let how = HowArgs {
            budget: 600.0,
            blocks: None,
            warm_up: None,
            measuring: None,
            seed: None,
            machine: None,
            no_wait: false,
        };
        let long = Length { warm_up: 0.03, measuring: 0.1 };
        assert_eq!(length((3.0, 4.0), &how, 600.0), long);
        let short = length((3.0, 4.0), &how, 600.0 / 41.0);
        assert!(short.measuring >= 0.02 && short.measuring < 0.05, "{short:?}");
        // What is between the bounds lets the wanted blocks fit.
        let cap = 24.0;
        let between = length((3.0, 4.0), &how, cap);
        assert!(between.measuring > short.measuring && between.measuring < long.measuring, "{between:?}");
        let blocks = affordable((3.0, 4.0), between, cap);
        assert!(f64::from(blocks) >= WANTED_BLOCKS, "{blocks}");
        let asked = HowArgs { warm_up: Some(0.2), measuring: Some(0.7), ..how };
        assert_eq!(length((3.0, 4.0), &asked, 1.0), Length { warm_up: 0.2, measuring: 0.7 });
    }
}
