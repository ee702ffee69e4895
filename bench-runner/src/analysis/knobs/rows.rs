//! From the launches of a trial to the differences that it is judged by, and what its control says.
//!
//! A block gives one difference. Where a session is so large that its blocks could refute nothing at its level, each pair of
//! neighbouring launches gives one instead: more of them, each noisier. Which it is follows from counts alone.

use std::collections::BTreeMap;

use super::super::experiment::{LaunchMedian, Rules, judge};
use super::verdict::Tried;
use crate::model::comparison::Verdict;
use crate::model::experiment::{ExperimentLaunch, LaunchRole};
use crate::model::ids::BenchmarkId;
use crate::model::knob::TrialKind;
use crate::stats::moments::mean;
use crate::stats::sequential::WIDTHS;

/// Differences of one row, and what the row is called.
pub(super) struct Row {
    pub(super) subject: String,
    pub(super) differences: Vec<f64>,
    /// Pairs of launches behind the differences.
    pub(super) pairs: usize,
}

/// Blocks without which nothing small can be refuted at the level at which measuring stops, in so many tests.
///
/// A difference doubles the stake at most, and only in the bets whose λ is large enough for it: a stake is the mean over all of
/// [`WIDTHS`], so that one of them alone must be able to carry it.
pub(super) fn blocks_needed(tests: f64, family_alpha: f64) -> f64 {
    (2.0 * tests * WIDTHS.len() as f64 / family_alpha).log2()
}

/// The rows of a trial.
pub(super) fn rows_of(tried: &Tried, rules: &Rules) -> Vec<Row> {
    match &tried.trial.kind {
        TrialKind::Arms => {
            let found = pairs(&tried.experiment.launches, &tried.medians, LaunchRole::Test);
            let tests = found.len().max(1) as f64 * f64::from(tried.trial.planned.max(1));
            let needed = blocks_needed(tests, rules.family_alpha);
            let row = |(id, blocks): (BenchmarkId, Vec<Vec<f64>>)| Row {
                subject: id.to_string(),
                pairs: blocks.iter().map(Vec::len).sum(),
                differences: if (blocks.len() as f64) < needed {
                    blocks.concat()
                } else {
                    blocks.iter().filter_map(|block| mean(block)).collect()
                },
            };
            found.into_iter().map(row).collect()
        }
        TrialKind::Suite(pairs) => pairs.iter().map(|pair| in_suite(tried, pair)).collect(),
    }
}

/// Differences of neighbouring launches of the two sides, candidate minus baseline, by benchmark and block. The order of each pair
/// is drawn at random and reversed for the next, so that a drift makes bets fall, never rise.
fn pairs(
    launches: &[ExperimentLaunch],
    medians: &[LaunchMedian],
    role: LaunchRole,
) -> BTreeMap<BenchmarkId, Vec<Vec<f64>>> {
    let of_launch = by_launch(medians);
    let mut blocks: BTreeMap<u32, Vec<&ExperimentLaunch>> = BTreeMap::new();
    for launch in launches.iter().filter(|launch| launch.role == role) {
        blocks.entry(launch.block).or_default().push(launch);
    }
    let mut found: BTreeMap<BenchmarkId, Vec<Vec<f64>>> = BTreeMap::new();
    for block in blocks.values().filter(|block| block.iter().all(|launch| launch.contaminated.is_none())) {
        let mut of_block: BTreeMap<&BenchmarkId, Vec<f64>> = BTreeMap::new();
        for pair in block.chunks_exact(2) {
            let (old, new) = if pair[0].side == 0 { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
            let (Some(old_medians), Some(new_medians)) =
                (of_launch.get(&(old.arm, old.launch)), of_launch.get(&(new.arm, new.launch)))
            else {
                continue;
            };
            if old.side == new.side {
                continue;
            }
            for (id, before) in old_medians {
                if let Some(after) = new_medians.get(id) {
                    of_block.entry(id).or_default().push((after / before).ln());
                }
            }
        }
        for (id, differences) in of_block {
            found.entry(id.clone()).or_default().push(differences);
        }
    }
    found
}

type OfLaunch<'a> = BTreeMap<(u32, u32), BTreeMap<&'a BenchmarkId, f64>>;

fn by_launch(medians: &[LaunchMedian]) -> OfLaunch<'_> {
    let mut found: OfLaunch<'_> = BTreeMap::new();
    for entry in medians.iter().filter(|entry| entry.metric.is_time() && entry.median > 0.0) {
        found.entry((entry.arm, entry.launch)).or_default().insert(&entry.benchmark, entry.median);
    }
    found
}

/// One benchmark of the suite against another, per element: within a launch where one executable has both, else in the
/// order in which they were launched.
fn in_suite(tried: &Tried, (from, to): &(BenchmarkId, BenchmarkId)) -> Row {
    let of_launch = by_launch(&tried.medians);
    let per_element = |id: &BenchmarkId| -> BTreeMap<u32, ((u32, u32), f64)> {
        let elements = tried.elements.get(id).copied().unwrap_or(1).max(1) as f64;
        tried
            .experiment
            .launches
            .iter()
            .filter(|launch| launch.contaminated.is_none())
            .filter_map(|launch| {
                let key = (launch.arm, launch.launch);
                let median = of_launch.get(&key)?.get(id)?;
                Some((launch.position, (key, median / elements)))
            })
            .collect()
    };
    let (old, new) = (per_element(from), per_element(to));
    let shared = old.keys().any(|position| new.contains_key(position));
    let differences: Vec<f64> = if shared {
        old.iter().filter_map(|(at, (_, before))| Some((new.get(at)?.1 / before).ln())).collect()
    } else {
        old.values().zip(new.values()).map(|((_, before), (_, after))| (after / before).ln()).collect()
    };
    let pairs = differences.len();
    Row { subject: format!("{from} -> {to}"), differences, pairs }
}

/// What the control of a trial says: the baseline against itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Control {
    /// There is none.
    Absent,
    /// Equal sides were called different in this benchmark.
    Differs(BenchmarkId),
    /// They were not; smallest change that it would have shown in each benchmark, as a fraction, where it can show any.
    Agrees(Option<f64>),
}

impl Control {
    /// What is to be said beside a verdict on changes of some size. A control that could not have shown them is no control.
    pub(super) fn doubt(&self, size: f64) -> Option<&'static str> {
        match self {
            Self::Absent => Some("no control"),
            Self::Agrees(visible) if visible.is_none_or(|visible| visible > size) => {
                Some("control too short to tell")
            }
            Self::Agrees(_) | Self::Differs(_) => None,
        }
    }
}

/// Judges the control. A trial of one suite has two equal arms, which are its control.
pub(super) fn control(tried: &Tried, rules: Rules) -> Control {
    let role = match tried.trial.kind {
        TrialKind::Arms => LaunchRole::Control,
        TrialKind::Suite(_) => LaunchRole::Test,
    };
    let found = pairs(&tried.experiment.launches, &tried.medians, role);
    let rows = found.len();
    let mut smallest = Some(0.0_f64);
    for (id, blocks) in &found {
        let judged = judge(&blocks.concat(), &rules, rows);
        if matches!(judged.verdict, Verdict::Improved | Verdict::Regressed) {
            return Control::Differs(id.clone());
        }
        smallest = smallest.zip(judged.minimum_detectable_effect).map(|(most, visible)| most.max(visible));
    }
    if found.is_empty() { Control::Absent } else { Control::Agrees(smallest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the number of blocks from which on blocks are judged, one bet alone refutes; one block fewer and it could not.
    #[test]
    fn blocks_are_enough_when_one_bet_can_carry_the_stake() {
        for tests in [1.0, 4.0, 176.0] {
            let alpha = 0.05 / tests;
            let needed = crate::stats::ceil_to_count(blocks_needed(tests, 0.05));
            let stake = |blocks: u64| {
                // Differences that only the largest λ tells from nothing.
                let differences = vec![0.002; usize::try_from(blocks).unwrap()];
                crate::stats::betting::log_stake_above(&differences, 0.0)
            };
            assert!(stake(needed + 1) >= (2.0 / alpha).ln(), "{tests} tests, {needed} blocks");
            assert!(stake(needed - 1) < (2.0 / alpha).ln(), "{tests} tests, {needed} blocks");
        }
    }
}
