//! Which launches were disturbed: a rule that treats all arms alike.
//!
//! The limit of a block is one number for all of its launches, made of what came before it. Under "no change" the arms
//! stay exchangeable, so that leaving a block out favours neither.

use std::collections::BTreeMap;

use super::super::words;

/// A launch that takes this many times as long as its kind usually does was disturbed.
pub const SLOWER: f64 = 1.5;
/// Earlier launches of each arm before anything is called disturbed.
pub const THROTTLE: usize = 3;

/// What the launches of one bench target took so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    seconds: BTreeMap<u32, Vec<f64>>,
    selected: usize,
}

impl Conditions {
    /// Seconds that a launch of the next block may take; `None` while too little is known.
    ///
    /// [`SLOWER`] times the median of the arm that is slowest. With another number of benchmarks selected, it starts anew.
    #[must_use]
    pub fn limit(&mut self, selected: usize) -> Option<f64> {
        if selected != self.selected {
            self.seconds.clear();
            self.selected = selected;
        }
        if self.seconds.is_empty() || self.seconds.values().any(|seconds| seconds.len() < THROTTLE) {
            return None;
        }
        let medians = self.seconds.values().filter_map(|seconds| crate::stats::order::median(seconds));
        medians.max_by(f64::total_cmp).map(|slowest| SLOWER * slowest)
    }

    /// Takes note of a launch and says why it was disturbed, if it was.
    pub fn note(&mut self, arm: u32, seconds: f64, limit: Option<f64>) -> Option<String> {
        self.seconds.entry(arm).or_default().push(seconds);
        let limit = limit.filter(|limit| seconds > *limit)?;
        Some(format!(
            "the launch took {}, more than the limit of {}",
            words::seconds(seconds * 1e9),
            words::seconds(limit * 1e9)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_needs_a_past_of_every_arm_and_starts_anew_with_the_selection() {
        let mut conditions = Conditions::default();
        assert_eq!(conditions.limit(4), None);
        for _ in 0..THROTTLE {
            assert_eq!(conditions.note(0, 1.0, None), None);
            assert_eq!(conditions.note(1, 2.0, None), None);
        }
        let limit = conditions.limit(4).unwrap();
        assert!((limit - 3.0).abs() < 1e-12, "the slowest arm decides: {limit}");
        assert_eq!(conditions.note(0, 2.9, Some(limit)), None, "no arm is held to a limit of its own");
        let why = conditions.note(0, 3.5, Some(limit)).unwrap();
        assert_eq!(why, "the launch took 3.5 s, more than the limit of 3.0 s");
        assert_eq!(conditions.limit(3), None);
    }
}
