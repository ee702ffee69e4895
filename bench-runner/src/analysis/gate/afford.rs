//! How suspects are measured again, and how many of them a time budget can settle.
//!
//! Suspects share their launches, and none of them can be decided before a number of blocks that grows with their count: when time is
//! short, to measure all of them is to settle none. The most unusual ones come first, and what had no time is said to be open.

use crate::stats::ceil_to_count;

/// Half as many blocks again as the fewest that can decide anything: those suffice for the largest changes alone.
pub const ROOM: f64 = 1.5;

/// Blocks of each bench target at most.
pub const MOST_BLOCKS: u32 = 60;

/// Seconds of warm-up of a launch that measures suspects again, at most; a run that warmed up shorter keeps its own.
pub const WARM_UP: f64 = 0.1;

/// Seconds of measuring of such a launch, at most: precision is bought with launches, which differ from one another by more than the
/// observations of one do.
pub const MEASURING: f64 = 0.2;

/// Observations of such a launch, at most: as few as Criterion allows.
pub const OBSERVATIONS: u32 = 10;

/// Seconds of a launch beside its benchmarks, for each of them.
const START: f64 = 0.05;

/// Launches of a block.
const LAUNCHES: f64 = 4.0;

/// Blocks without which a confidence sequence at the error `alpha` can refute nothing.
///
/// # Reference
/// A bet wins at most twice its stake in a block: `⌈log₂(2 ÷ α)⌉` (`stats::betting`).
#[must_use]
pub fn fewest_blocks(alpha: f64) -> u64 {
    ceil_to_count((2.0 / alpha).log2())
}

/// Seconds that one suspect adds to a block of four launches, when one iteration takes `iteration_seconds`.
///
/// Criterion measures at least one iteration an observation, however long it takes.
#[must_use]
pub fn seconds_of_block(iteration_seconds: f64, warm_up: f64, measuring: f64) -> f64 {
    let iteration = if iteration_seconds.is_finite() { iteration_seconds.max(0.0) } else { 0.0 };
    LAUNCHES * (START + warm_up.max(iteration) + measuring.max(f64::from(OBSERVATIONS) * iteration))
}

/// How many suspects, counted from the first, can be settled in `budget_seconds`.
///
/// `seconds_per_block` is what each of them adds to a block, `alpha_each` the error that each may have. The blocks reckoned with are
/// [`ROOM`] times the fewest that can decide, at most `most_blocks`.
///
/// # Edge cases
/// None when the first one alone needs more time. The later ones may be settled as well, if the first ones need less than that.
#[must_use]
pub fn affordable_suspects(
    seconds_per_block: &[f64],
    alpha_each: f64,
    budget_seconds: f64,
    most_blocks: u32,
) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "a number of blocks is far below 2^52")]
    let wanted = ROOM * fewest_blocks(alpha_each) as f64;
    let blocks = wanted.min(f64::from(most_blocks));
    let mut seconds = 0.0;
    seconds_per_block
        .iter()
        .take_while(|each| {
            seconds += *each;
            blocks * seconds <= budget_seconds
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_blocks_are_those_that_the_confidence_sequence_needs() {
        for alpha in [0.05, 0.01, 0.005, 0.005 / 11.0, 1e-6] {
            let fewest = usize::try_from(fewest_blocks(alpha)).unwrap();
            let at = |blocks: usize| crate::stats::betting::confidence_sequence(&vec![1.0; blocks], alpha);
            assert_eq!(at(fewest - 1), None, "{alpha}");
        }
        assert_eq!((fewest_blocks(0.05), fewest_blocks(0.005), fewest_blocks(0.005 / 11.0)), (6, 9, 13));
    }

    #[test]
    fn as_many_suspects_as_the_time_settles() {
        // 0.35 s a launch, 1.4 s a block; 2 suspects need 10 blocks, 15 with room.
        let each = seconds_of_block(1e-5, WARM_UP, MEASURING);
        assert!((each - 1.4).abs() < 1e-12, "{each}");
        let check = |suspects: usize, budget: f64, expected: usize| {
            let alpha = 0.005 / suspects as f64;
            let found = affordable_suspects(&vec![each; suspects], alpha, budget, MOST_BLOCKS);
            assert_eq!(found, expected, "{suspects} suspects in {budget} s");
        };
        check(0, 300.0, 0);
        check(2, 42.1, 2);
        check(2, 41.9, 1);
        check(2, 20.0, 0);
        // A night of a hundred series: 11 suspects, 19.5 blocks of 15.4 s.
        check(11, 300.4, 11);
        check(11, 300.0, 10);
        // 0.1 s an iteration: ten of them are a second, and warming up is one more.
        assert!((seconds_of_block(0.1, WARM_UP, MEASURING) - 4.0 * 1.15).abs() < 1e-12);
        assert!((seconds_of_block(f64::NAN, WARM_UP, MEASURING) - each).abs() < 1e-12);
        // What costs nothing but cannot be decided within the blocks there are is tried all the same.
        assert_eq!(affordable_suspects(&[1.0], 1e-30, 60.0, 60), 1);
    }
}
