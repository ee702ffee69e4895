//! Experiments: the order of launches, which blocks count, and what they say.
//!
//! Pure: an order comes from a seed, a verdict from stored launches. When to launch what, and the clock, are the
//! application's business.

mod conclude;
mod condition;
mod judge;
mod order;

pub use conclude::{Conclusion, LaunchMedian, Samples, conclude, samples};
pub use condition::{Conditions, SLOWER, THROTTLE};
pub use judge::{Judged, Rules, judge, verdict};
pub use order::{BlockOrder, Sequencer, Slot};

/// Fewest blocks of a sequential experiment.
pub const FEWEST_BLOCKS: u32 = 6;
/// Fewest control blocks, where there are any.
pub const FEWEST_CONTROLS: u32 = 2;
/// One block in this many is a control.
pub const CONTROL_EVERY: u32 = 5;
/// Share of the counted blocks of a target that may have been repeated because something disturbed them.
pub const MOST_REPEATED: f64 = 0.25;
/// Blocks of a target that may be repeated however few count yet.
pub const FEWEST_REPEATS: u32 = 2;

/// When an experiment ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stopping {
    /// After so many blocks that count, whatever they say.
    Fixed {
        /// Blocks.
        blocks: u32,
    },
    /// After so many blocks that count, whatever they say, or when time is used up.
    Within {
        /// Blocks of each bench target at most.
        blocks: u32,
        /// Seconds of measuring at most.
        budget_seconds: f64,
    },
    /// As soon as every benchmark is decided, or when time or blocks are used up.
    Sequential {
        /// Blocks of each bench target at least.
        fewest: u32,
        /// Blocks of each bench target at most.
        most: u32,
        /// Seconds of measuring at most; `None` is no limit.
        budget_seconds: Option<f64>,
    },
}

impl Stopping {
    /// Whether a target with so many counted blocks, controls and undecided rows needs no further block.
    #[must_use]
    pub fn is_done(&self, blocks: u32, controls: u32, wanted_controls: u32, undecided: usize) -> bool {
        match *self {
            Self::Fixed { blocks: planned } | Self::Within { blocks: planned, .. } => {
                blocks >= planned && controls >= wanted_controls
            }
            Self::Sequential { fewest, most, .. } => {
                blocks >= most || (blocks >= fewest && controls >= wanted_controls && undecided == 0)
            }
        }
    }

    /// Blocks at most that count.
    #[must_use]
    pub fn most_blocks(&self) -> u32 {
        match *self {
            Self::Fixed { blocks } | Self::Within { blocks, .. } => blocks,
            Self::Sequential { most, .. } => most,
        }
    }

    /// Seconds of measuring at most; `None` is no limit.
    #[must_use]
    pub fn budget(&self) -> Option<f64> {
        match *self {
            Self::Fixed { .. } => None,
            Self::Within { budget_seconds, .. } => Some(budget_seconds),
            Self::Sequential { budget_seconds, .. } => budget_seconds,
        }
    }

    /// Blocks that are launched whatever the ones before them say; `None` when what is decided ends it.
    #[must_use]
    pub fn planned(&self) -> Option<u32> {
        match *self {
            Self::Fixed { blocks } | Self::Within { blocks, .. } => Some(blocks),
            Self::Sequential { .. } => None,
        }
    }

    /// How many blocks of a target may have been repeated when `counted` count: a quarter of them, and [`FEWEST_REPEATS`] at first.
    #[must_use]
    pub fn repeats_allowed(&self, counted: u32) -> u32 {
        let share = f64::from(counted.min(self.most_blocks())) * MOST_REPEATED;
        u32::try_from(crate::stats::ceil_to_count(share)).unwrap_or(u32::MAX).max(FEWEST_REPEATS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constants that prose repeats.
    #[test]
    fn the_documents_state_the_constants() {
        let methodology = include_str!("../../docs/methodology.md");
        let statistics = include_str!("../../docs/statistics.md");
        let widths = crate::stats::sequential::WIDTHS.map(|width| format!("{width}")).join(", ");
        for (document, sentence) in [
            (methodology, format!("At least {FEWEST_BLOCKS} blocks and {FEWEST_CONTROLS} controls")),
            (methodology, format!("more than {SLOWER} times as long")),
            (
                methodology,
                "One block in five is a **control**"
                    .replace("five", ["", "", "", "", "", "five"][CONTROL_EVERY as usize]),
            ),
            (methodology, "up to a quarter of its counted blocks, two at first".to_owned()),
            (statistics, format!("over λ ∈ {{{widths}}} falls")),
        ] {
            assert!(document.contains(&sentence), "not said: {sentence}");
        }
        assert!((MOST_REPEATED - 0.25).abs() < 1e-12, "a quarter");
    }

    #[test]
    fn an_experiment_ends_when_all_is_decided_or_nothing_is_left() {
        let stopping = Stopping::Sequential { fewest: 6, most: 40, budget_seconds: None };
        assert!(!stopping.is_done(5, 2, 2, 0));
        assert!(!stopping.is_done(6, 1, 2, 0));
        assert!(stopping.is_done(6, 2, 2, 0));
        assert!(!stopping.is_done(39, 9, 2, 1));
        assert!(stopping.is_done(40, 9, 2, 1));
        assert_eq!(stopping.most_blocks(), 40);
        let allowed = [0, 8, 9, 40, 400].map(|counted| stopping.repeats_allowed(counted));
        assert_eq!(allowed, [2, 2, 3, 10, 10]);
        let fixed = Stopping::Fixed { blocks: 8 };
        assert!(!fixed.is_done(7, 0, 0, 0) && fixed.is_done(8, 0, 0, 3));
        let within = Stopping::Within { blocks: 8, budget_seconds: 5.0 };
        assert!(!within.is_done(7, 0, 0, 0) && within.is_done(8, 0, 0, 3));
        assert_eq!((within.most_blocks(), within.planned(), within.budget()), (8, Some(8), Some(5.0)));
        assert_eq!((fixed.planned(), fixed.budget()), (Some(8), None));
        assert_eq!((stopping.planned(), stopping.budget()), (None, None));
        assert_eq!(fixed.repeats_allowed(6), 2);
    }
}
