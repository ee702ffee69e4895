//! The rules of experiments on made-up launches whose truth is known: false alarms, power and coverage.
//!
//! Four launches make a block, in an order drawn at random as in an experiment; their noise is one of the families of
//! the evaluation kit, which goes on from launch to launch and from block to block.

use super::super::evaluate::families::{Family, Generator, NIGHT_SD};
use super::super::experiment::verdict;
use crate::model::comparison::Verdict;
use crate::stats::betting::confidence_sequence;
use crate::stats::interval::one_sample;
use crate::stats::order::median;
use crate::stats::rank::hodges_lehmann;
use crate::stats::rng::SplitMix64;
use crate::stats::sequential::WIDTHS;
use crate::stats::signed_rank::signed_rank_interval;

/// Blocks of a comparison with a number of blocks fixed beforehand.
pub const FIXED_BLOCKS: usize = 12;
/// Blocks after which a watched comparison ends undecided.
pub const MOST_BLOCKS: usize = 40;
/// Blocks before a watched comparison may end.
pub const FEWEST_BLOCKS: usize = 6;
/// Standard deviation of the difference of a block of independent launches.
pub const BLOCK_SD: f64 = 0.02;

/// Draws differences of blocks.
#[derive(Debug, Clone)]
struct Blocks {
    generator: Generator,
    order: SplitMix64,
}

impl Blocks {
    fn new(family: Family, seed: u64) -> Self {
        Self { generator: Generator::new(family, 1, seed), order: SplitMix64::new(seed ^ 0x5eed) }
    }

    /// The next difference, when the other side takes `1 + dose` times as long.
    fn next(&mut self, dose: f64) -> f64 {
        // Outer and inner launches of A B B A or B A A B.
        let [first, second, third, fourth] = [(); 4].map(|()| self.launch());
        let difference = f64::midpoint(second, third) - f64::midpoint(first, fourth);
        let sign = if self.order.unit() < 0.5 { 1.0 } else { -1.0 };
        sign * difference + dose.ln_1p()
    }

    fn launch(&mut self) -> f64 {
        self.generator.night().first().map_or(0.0, |value| value.ln()) * BLOCK_SD / NIGHT_SD
    }
}

/// The stakes against "no change", kept up block by block.
#[derive(Debug, Clone, Copy, Default)]
struct Stakes {
    above: [f64; WIDTHS.len()],
    below: [f64; WIDTHS.len()],
}

impl Stakes {
    /// Takes one difference and says the larger of the two logarithms of stakes.
    fn take(&mut self, difference: f64) -> f64 {
        for (place, lambda) in WIDTHS.iter().enumerate() {
            let x = 2.0 * lambda * difference;
            self.above[place] += std::f64::consts::LN_2 - (-x).exp().ln_1p();
            self.below[place] += std::f64::consts::LN_2 - x.exp().ln_1p();
        }
        log_mean(&self.above).max(log_mean(&self.below))
    }
}

fn log_mean(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + (logs.iter().map(|log| (log - largest).exp()).sum::<f64>() / logs.len() as f64).ln()
}

/// Comparisons in which nothing differed, and the alarms of each rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct NullCounts {
    /// Comparisons.
    pub comparisons: u64,
    /// The interval of experiments excluded no change after any of the blocks, at 5 %.
    pub rule_5: u64,
    /// The same at 1 %.
    pub rule_1: u64,
    /// Student's interval after the fixed number of blocks did, at 5 %.
    pub student_5: u64,
    /// The same at 1 %.
    pub student_1: u64,
    /// The signed-rank interval after the fixed number of blocks did, at 5 %.
    pub rank_5: u64,
    /// The same at 1 %.
    pub rank_1: u64,
}

/// Compares equal things so many times.
#[must_use]
pub fn false_alarms(family: Family, comparisons: u64, seed: u64) -> NullCounts {
    let mut blocks = Blocks::new(family, seed);
    let mut counts = NullCounts { comparisons, ..NullCounts::default() };
    for _ in 0..comparisons {
        let (mut stakes, mut highest) = (Stakes::default(), f64::NEG_INFINITY);
        let mut fixed = Vec::with_capacity(FIXED_BLOCKS);
        for block in 0..MOST_BLOCKS {
            let difference = blocks.next(0.0);
            highest = highest.max(stakes.take(difference));
            if block < FIXED_BLOCKS {
                fixed.push(difference);
            }
        }
        let student =
            |alpha: f64| one_sample(&fixed, 1.0 - alpha).is_some_and(|t| t.low > 0.0 || t.high < 0.0);
        let ranks = |alpha: f64| {
            signed_rank_interval(&fixed, 1.0 - alpha).is_some_and(|found| found.low > 0.0 || found.high < 0.0)
        };
        counts.rule_5 += u64::from(highest >= (2.0_f64 / 0.05).ln());
        counts.rule_1 += u64::from(highest >= (2.0_f64 / 0.01).ln());
        counts.student_5 += u64::from(student(0.05));
        counts.student_1 += u64::from(student(0.01));
        counts.rank_5 += u64::from(ranks(0.05));
        counts.rank_1 += u64::from(ranks(0.01));
    }
    counts
}

/// Trials with a known dose.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct DoseCounts {
    /// The dose, as a fraction.
    pub dose: f64,
    /// Trials.
    pub trials: u64,
    /// Trials whose watched experiment ended with the right direction.
    pub detected: u64,
    /// The same with Student's interval after the fixed number of blocks.
    pub student_detected: u64,
    /// Student's 95 % interval after the fixed number of blocks held the dose.
    pub student_covers: u64,
    /// The signed-rank interval after the fixed number of blocks lay above no change.
    pub rank_detected: u64,
    /// The 95 % signed-rank interval after the fixed number of blocks held the dose.
    pub rank_covers: u64,
    /// The 95 % interval of experiments held the dose when the experiment ended.
    pub rule_covers: u64,
    /// Median of the blocks until the end.
    pub median_blocks: f64,
}

/// Makes so many experiments with a known dose, judged at 5 % with the margin of reports.
#[must_use]
pub fn doses(family: Family, dose: f64, trials: u64, seed: u64) -> DoseCounts {
    let mut blocks = Blocks::new(family, seed);
    let truth = dose.ln_1p();
    let mut counts = DoseCounts { dose, trials, ..DoseCounts::default() };
    let mut lengths = Vec::new();
    for _ in 0..trials {
        let mut seen = Vec::with_capacity(MOST_BLOCKS);
        let (mut ended, mut interval) = (None, None);
        while seen.len() < MOST_BLOCKS && (ended.is_none() || seen.len() < FIXED_BLOCKS) {
            seen.push(blocks.next(dose));
            if ended.is_none() && seen.len() >= FEWEST_BLOCKS {
                interval = confidence_sequence(&seen, 0.05);
                let effect = hodges_lehmann(&seen).unwrap_or(0.0);
                let found = verdict(effect, interval, super::super::compare::STANDARD.margin);
                if found != Verdict::Inconclusive || seen.len() == MOST_BLOCKS {
                    ended = Some((found, seen.len()));
                }
            }
        }
        let (found, length) = ended.unwrap_or((Verdict::Inconclusive, MOST_BLOCKS));
        lengths.push(length as f64);
        let student = one_sample(&seen[..FIXED_BLOCKS], 0.95);
        counts.detected += u64::from(found == Verdict::Regressed);
        counts.student_detected += u64::from(student.is_some_and(|t| t.low > 0.0));
        counts.student_covers += u64::from(student.is_some_and(|t| t.low <= truth && truth <= t.high));
        let ranks = signed_rank_interval(&seen[..FIXED_BLOCKS], 0.95);
        counts.rank_detected += u64::from(ranks.is_some_and(|found| found.low > 0.0));
        counts.rank_covers += u64::from(ranks.is_some_and(|found| found.low <= truth && truth <= found.high));
        counts.rule_covers += u64::from(interval.is_some_and(|(low, high)| low <= truth && truth <= high));
    }
    counts.median_blocks = median(&lengths).unwrap_or(0.0);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::betting::{log_stake_above, log_stake_below};
    use crate::stats::moments::standard_deviation;

    #[test]
    fn stakes_kept_up_are_those_of_the_whole() {
        let mut blocks = Blocks::new(Family::HeavyTails, 3);
        let mut seen = Vec::new();
        let mut stakes = Stakes::default();
        for _ in 0..30 {
            let difference = blocks.next(0.01);
            seen.push(difference);
            let larger = stakes.take(difference);
            let whole = log_stake_above(&seen, 0.0).max(log_stake_below(&seen, 0.0));
            assert!((larger - whole).abs() < 1e-9, "{larger} {whole}");
        }
    }

    #[test]
    fn blocks_of_independent_launches_have_the_stated_deviation() {
        let mut blocks = Blocks::new(Family::Normal, 1);
        let drawn: Vec<f64> = (0..20_000).map(|_| blocks.next(0.0)).collect();
        assert!((standard_deviation(&drawn).unwrap() / BLOCK_SD - 1.0).abs() < 0.03);
    }

    #[test]
    fn false_alarms_stay_below_their_level_and_a_dose_is_seen() {
        for family in Family::ALL {
            let counts = false_alarms(family, 400, 1);
            // 5 % of 400 with four standard errors.
            assert!(counts.rule_5 <= 37 && counts.student_5 <= 37, "{}: {counts:?}", family.name());
            // Exact in every family: 4.25 %, with four standard errors to either side.
            assert!((2..=33).contains(&counts.rank_5), "{}: {counts:?}", family.name());
            let mut blocks = Blocks::new(family, 3);
            let held = (0..400)
                .filter(|_| {
                    let seen: Vec<f64> = (0..FIXED_BLOCKS).map(|_| blocks.next(0.02)).collect();
                    let truth = 0.02_f64.ln_1p();
                    signed_rank_interval(&seen, 0.95).is_some_and(|i| i.low <= truth && truth <= i.high)
                })
                .count();
            assert!((367..=398).contains(&held), "{}: {held}", family.name());
        }
        let seen = doses(Family::Normal, 0.05, 60, 1);
        assert!(seen.detected >= 54 && seen.student_covers >= 50 && seen.rule_covers >= 54, "{seen:?}");
        assert!(doses(Family::Normal, 0.0, 60, 2).detected <= 6);
    }
}
