//! From launches of equal executables to what may be believed on this machine.
//!
//! Nothing differs between the two sides, so every difference found is a false one. The unit is the block: observations
//! of a launch, and launches of a block, are never counted as if they were independent.

use std::collections::BTreeMap;

use super::compare::POWER;
use super::experiment::{LaunchMedian, samples};
use crate::model::calibration::{
    BenchmarkNoise, Calibration, CalibrationNote, FalseAlarms, Location, LocationScore, NullComparison,
    Rates, SessionSpread,
};
use crate::model::experiment::Experiment;
use crate::model::history::HistoryPoint;
use crate::model::ids::{BenchmarkId, Digest};
use crate::model::run::Run;
use crate::model::units::{Metric, Timestamp};
use crate::stats::betting::{log_stake_above, log_stake_below};
use crate::stats::criterion_rule::criterion_rule;
use crate::stats::interval::one_sample;
use crate::stats::moments::{mean, standard_deviation, variance};
use crate::stats::order::{Sorted, median};
use crate::stats::power::minimum_detectable_effect;
use crate::stats::proportion::clopper_pearson;
use crate::stats::rank::hodges_lehmann;
use crate::stats::rng::{SplitMix64, seed_of};
use crate::stats::signed_rank::signed_rank_interval;

pub mod simulate;

/// Blocks of one comparison of equal executables.
pub const BLOCKS_PER_COMPARISON: usize = 10;
/// Fewest blocks that still make a comparison: below, the rule at 1 % cannot raise an alarm.
pub const FEWEST_BLOCKS_PER_COMPARISON: usize = 8;
/// Blocks of the experiment that the smallest changes are stated for.
pub const PLANNED_BLOCKS: u32 = 20;
/// Days after which a calibration does not count any more.
pub const STALE_AFTER_DAYS: i64 = 30;
/// Resamples of Criterion's rule; Criterion draws 100 000, which moves an answer only where p is close to 5 %.
pub const CRITERION_RESAMPLES: u32 = 10_000;
/// Share that the trimmed mean leaves out on each side.
const TRIMMED: f64 = 0.2;

/// What one launch observed of one benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchSample {
    /// Arm that was launched.
    pub arm: u32,
    /// Ordinal of the launch in the run of its arm.
    pub launch: u32,
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Values per iteration.
    pub values: Vec<f64>,
}

/// The level of one benchmark in one session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionLevel {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// The executable: only sessions of the same one are held against one another.
    pub executable: Digest,
    /// Whether it is a night of a history rather than a calibration: their launches are set up differently.
    pub night: bool,
    /// Mean logarithm of the launch medians.
    pub level: f64,
    /// Variance of that mean, from the launches.
    pub variance: f64,
}

/// What a calibration is computed from.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationInput<'a> {
    /// The experiment, two arms of equal executables.
    pub experiment: &'a Experiment,
    /// The run of its first arm.
    pub run: &'a Run,
    /// What all launches of both arms observed.
    pub samples: &'a [LaunchSample],
    /// Other sessions on the same machine in the same configuration.
    pub sessions: &'a [SessionLevel],
}

/// Computes a calibration.
///
/// # Edge cases
/// `None` without two blocks that count for any benchmark.
#[must_use]
pub fn calibrate(input: CalibrationInput<'_>) -> Option<Calibration> {
    let rows = rows(input, Location::Median);
    let mut comparisons = Vec::new();
    let mut benchmarks = Vec::new();
    let pairs = criterion_pairs(input);
    for ((benchmark, metric), differences) in &rows {
        comparisons.extend(compared(benchmark, differences, pairs.get(&(*benchmark, *metric))));
        benchmarks.extend(noise(input, benchmark, metric, differences));
    }
    if benchmarks.is_empty() {
        return None;
    }
    let locations: Vec<LocationScore> = Location::ALL.into_iter().filter_map(|at| score(input, at)).collect();
    // The median stays where another one is not steadier.
    let best = locations.iter().fold(None, |best: Option<&LocationScore>, score| match best {
        Some(best) if best.block_sd <= score.block_sd => Some(best),
        _ => Some(score),
    });
    let smallest: Vec<f64> = benchmarks.iter().filter_map(|noise| noise.smallest_change).collect();
    let own: Vec<SessionLevel> = levels(&benchmarks);
    let all: Vec<&SessionLevel> = own.iter().chain(input.sessions).collect();
    Some(Calibration {
        experiment: input.experiment.id.clone(),
        at: input.experiment.finished.unwrap_or(input.experiment.started),
        machine: input.run.identity.machine.clone(),
        config: input.run.identity.config.clone(),
        rates: rates(&comparisons),
        planned_blocks: PLANNED_BLOCKS,
        smallest_change: median(&smallest),
        largest_smallest_change: smallest.iter().copied().reduce(f64::max),
        session: session_spread(&all),
        best: best.map_or(Location::Median, |score| score.location),
        locations,
        comparisons,
        benchmarks,
    })
}

/// The levels that a calibration saw, for the next one to be held against.
#[must_use]
pub fn levels(benchmarks: &[BenchmarkNoise]) -> Vec<SessionLevel> {
    let of = |noise: &BenchmarkNoise| {
        Some(SessionLevel {
            benchmark: noise.benchmark.clone(),
            executable: noise.executable?,
            night: false,
            level: noise.level,
            variance: noise.level_variance,
        })
    };
    benchmarks.iter().filter_map(of).collect()
}

/// The level of a benchmark in one night; `None` where executable or spread are unknown.
#[must_use]
pub fn level_of_night(benchmark: &BenchmarkId, point: &HistoryPoint) -> Option<SessionLevel> {
    let executable = point.executable.filter(|_| point.is_eligible() && point.launches > 1)?;
    let level = point.value.ln();
    // A median of normal values varies π/2 times as much as their mean.
    let variance = std::f64::consts::FRAC_PI_2 * point.log_sd?.powi(2) / f64::from(point.launches);
    let benchmark = benchmark.clone();
    level.is_finite().then_some(SessionLevel { benchmark, executable, night: true, level, variance })
}

/// Spread between sessions of the same executables beyond what launches explain.
///
/// # Edge cases
/// `None` when no executable has two sessions. Sessions closer together than their launches explain give 0.
///
/// # Reference
/// The one-way random model, by moments: the pooled `S²(levels) − mean(level variance)`, clipped at 0.
#[must_use]
pub fn session_spread(levels: &[&SessionLevel]) -> Option<SessionSpread> {
    let mut groups: BTreeMap<(&BenchmarkId, [u8; 32], bool), Vec<&SessionLevel>> = BTreeMap::new();
    for level in levels {
        groups.entry((&level.benchmark, level.executable.0, level.night)).or_default().push(level);
    }
    let (mut sum, mut degrees) = (0.0, 0_u32);
    for group in groups.values().filter(|group| group.len() > 1) {
        let values: Vec<f64> = group.iter().map(|level| level.level).collect();
        let inside: Vec<f64> = group.iter().map(|level| level.variance).collect();
        let more = u32::try_from(group.len() - 1).unwrap_or(u32::MAX);
        sum += f64::from(more) * (variance(&values)? - mean(&inside)?);
        degrees = degrees.saturating_add(more);
    }
    (degrees > 0).then(|| SessionSpread { variance: (sum / f64::from(degrees)).max(0.0), degrees })
}

/// The variance that a comparison of two sessions has to add to its squared standard error: that of their difference.
#[must_use]
pub fn session_variance(calibration: &Calibration) -> f64 {
    calibration.session.map_or(0.0, |spread| 2.0 * spread.variance)
}

/// The alarms of several calibrations together.
#[must_use]
pub fn pooled(calibrations: &[Calibration]) -> Rates {
    let all: Vec<NullComparison> =
        calibrations.iter().flat_map(|calibration| calibration.comparisons.iter().cloned()).collect();
    rates(&all)
}

/// Why a calibration does not count for a machine, its configuration and a moment; `None` while it does.
#[must_use]
pub fn staleness(
    calibration: &Calibration,
    (machine, config): (&str, &str),
    now: Timestamp,
) -> Option<String> {
    const DAY: i64 = 86_400_000_000;
    if calibration.machine != machine {
        return Some("it was made on another machine".to_owned());
    }
    if calibration.config != config {
        return Some("the configuration of the machine has changed since".to_owned());
    }
    let days = now.0.saturating_sub(calibration.at.0) / DAY;
    (days > STALE_AFTER_DAYS).then(|| format!("it is {days} days old, more than {STALE_AFTER_DAYS}"))
}

/// What a report says about a calibration.
#[must_use]
pub fn note(calibration: &Calibration, stale: Option<String>) -> CalibrationNote {
    CalibrationNote {
        at: calibration.at,
        alarms: calibration.rates.rule_5.clone(),
        criterion: calibration.rates.criterion.clone(),
        smallest_change: calibration.smallest_change,
        planned_blocks: calibration.planned_blocks,
        best: calibration.best,
        stale,
    }
}

/// Counts alarms, with the exact interval of their rate.
#[must_use]
pub fn alarms(nominal: Option<f64>, alarms: u64, comparisons: u64) -> FalseAlarms {
    FalseAlarms { nominal, alarms, comparisons, interval: clopper_pearson(alarms, comparisons, 0.95) }
}

fn rates(comparisons: &[NullComparison]) -> Rates {
    let count = |of: fn(&NullComparison) -> bool| comparisons.iter().filter(|c| of(c)).count() as u64;
    let all = comparisons.len() as u64;
    let known = |nominal, of: fn(&NullComparison) -> Option<bool>| {
        let answers: Vec<bool> = comparisons.iter().filter_map(of).collect();
        let found = answers.iter().filter(|alarm| **alarm).count() as u64;
        (!answers.is_empty()).then(|| alarms(Some(nominal), found, answers.len() as u64))
    };
    let sum = |of: fn(&NullComparison) -> u32| comparisons.iter().map(|c| u64::from(of(c))).sum();
    Rates {
        rule_5: alarms(Some(0.05), count(|c| c.alarm_5), all),
        rule_1: alarms(Some(0.01), count(|c| c.alarm_1), all),
        student_5: alarms(Some(0.05), count(|c| c.student_5), all),
        student_1: alarms(Some(0.01), count(|c| c.student_1), all),
        rank_5: known(0.05, |c| c.rank_5),
        rank_1: known(0.01, |c| c.rank_1),
        criterion: alarms(None, sum(|c| c.criterion_changed), sum(|c| c.criterion_pairs)),
    }
}

/// One number for the values of a launch.
#[must_use]
pub fn located(values: &[f64], at: Location) -> Option<f64> {
    let sorted = Sorted::new(values)?;
    match at {
        Location::Median => Some(sorted.median()),
        Location::TrimmedMean => Some(sorted.trimmed_mean(TRIMMED)),
        Location::Minimum => Some(sorted.minimum()),
        Location::HodgesLehmann => hodges_lehmann(values),
    }
}

type Rows<'a> = BTreeMap<(&'a BenchmarkId, &'a Metric), Vec<f64>>;

/// Differences of the blocks of each benchmark, each launch being summed up by one location.
fn rows(input: CalibrationInput<'_>, at: Location) -> Rows<'_> {
    let located = |sample: &LaunchSample| {
        Some(LaunchMedian {
            arm: sample.arm,
            launch: sample.launch,
            benchmark: sample.benchmark.clone(),
            metric: sample.metric.clone(),
            median: located(&sample.values, at)?,
        })
    };
    let medians: Vec<LaunchMedian> = input.samples.iter().filter_map(located).collect();
    let mut found = samples(&input.experiment.launches, &medians);
    let mut rows = Rows::new();
    for sample in input.samples {
        let key = (&sample.benchmark, &sample.metric);
        if let Some(row) = found.remove(&(Some(1), key.0.clone(), key.1.clone())) {
            rows.insert(key, row.differences);
        }
    }
    rows
}

/// Cuts the blocks of a benchmark into comparisons.
fn compared(benchmark: &BenchmarkId, differences: &[f64], pairs: Option<&Vec<bool>>) -> Vec<NullComparison> {
    let size = differences.len().min(BLOCKS_PER_COMPARISON);
    if size < FEWEST_BLOCKS_PER_COMPARISON {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (group, blocks) in differences.chunks_exact(size).enumerate() {
        let student =
            |alpha: f64| one_sample(blocks, 1.0 - alpha).is_some_and(|t| t.low > 0.0 || t.high < 0.0);
        let ranks = |alpha: f64| {
            signed_rank_interval(blocks, 1.0 - alpha).is_some_and(|found| found.low > 0.0 || found.high < 0.0)
        };
        let of_blocks =
            pairs.and_then(|pairs| pairs.get(group * size..(group + 1) * size)).unwrap_or_default();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        found.push(NullComparison {
            benchmark: benchmark.clone(),
            first_block: count(group * size),
            blocks: count(size),
            effect: hodges_lehmann(blocks).unwrap_or(0.0),
            block_sd: standard_deviation(blocks).unwrap_or(0.0),
            alarm_5: alarms_at_any_look(blocks, 0.05),
            alarm_1: alarms_at_any_look(blocks, 0.01),
            student_5: student(0.05),
            student_1: student(0.01),
            rank_5: Some(ranks(0.05)),
            rank_1: Some(ranks(0.01)),
            criterion_changed: count(of_blocks.iter().filter(|changed| **changed).count()),
            criterion_pairs: count(of_blocks.len()),
        });
    }
    found
}

/// Whether the interval that holds whenever one stops excludes no change after any of these blocks.
fn alarms_at_any_look(differences: &[f64], alpha: f64) -> bool {
    let needed = (2.0 / alpha).ln();
    (1..=differences.len()).any(|blocks| {
        let seen = &differences[..blocks];
        log_stake_above(seen, 0.0) >= needed || log_stake_below(seen, 0.0) >= needed
    })
}

/// Criterion's answer to the first launches of both sides of each block that counts.
fn criterion_pairs(input: CalibrationInput<'_>) -> BTreeMap<(&BenchmarkId, &Metric), Vec<bool>> {
    let mut of_launch: BTreeMap<(u32, u32), Vec<&LaunchSample>> = BTreeMap::new();
    for sample in input.samples {
        of_launch.entry((sample.arm, sample.launch)).or_default().push(sample);
    }
    let mut blocks: BTreeMap<u32, [Option<(u32, u32)>; 2]> = BTreeMap::new();
    let launches = &input.experiment.launches;
    let disturbed = |block: u32| launches.iter().any(|l| l.block == block && l.contaminated.is_some());
    for launch in launches.iter().filter(|launch| !disturbed(launch.block)) {
        let sides = blocks.entry(launch.block).or_default();
        let side = &mut sides[usize::from(launch.arm > 0)];
        side.get_or_insert((launch.arm, launch.launch));
    }
    let mut answers: BTreeMap<(&BenchmarkId, &Metric), Vec<bool>> = BTreeMap::new();
    for [old, new] in blocks.values() {
        let of =
            |key: &Option<(u32, u32)>| key.and_then(|key| of_launch.get(&key)).cloned().unwrap_or_default();
        let candidates = of(new);
        for baseline in of(old) {
            let same = |other: &&&LaunchSample| {
                other.benchmark == baseline.benchmark && other.metric == baseline.metric
            };
            let Some(candidate) = candidates.iter().find(same) else { continue };
            let mut rng = SplitMix64::new(seed_of(candidate.values.iter().chain(&baseline.values)));
            let answer = criterion_rule(&candidate.values, &baseline.values, CRITERION_RESAMPLES, &mut rng);
            let key = (&baseline.benchmark, &baseline.metric);
            answers.entry(key).or_default().extend(answer.map(|answer| answer.changed));
        }
    }
    answers
}

/// What the blocks and launches of one benchmark say about its noise.
fn noise(
    input: CalibrationInput<'_>,
    benchmark: &BenchmarkId,
    metric: &Metric,
    differences: &[f64],
) -> Option<BenchmarkNoise> {
    let of_it = |sample: &&LaunchSample| sample.benchmark == *benchmark && sample.metric == *metric;
    let medians = input.samples.iter().filter(of_it).filter_map(|sample| median(&sample.values));
    let logs: Vec<f64> = medians.map(f64::ln).filter(|log| log.is_finite()).collect();
    let block_sd = standard_deviation(differences)?;
    let launch_variance = variance(&logs)?;
    let executable =
        input.run.executables.iter().find(|executable| {
            executable.package == benchmark.package && executable.target == benchmark.target
        });
    Some(BenchmarkNoise {
        benchmark: benchmark.clone(),
        metric: metric.clone(),
        executable: executable.map(|executable| executable.digest),
        blocks: u32::try_from(differences.len()).unwrap_or(u32::MAX),
        block_sd,
        launch_sd: launch_variance.sqrt(),
        level: mean(&logs)?,
        level_variance: launch_variance / logs.len() as f64,
        smallest_change: noise_floor(block_sd, PLANNED_BLOCKS),
    })
}

/// The noise floor of so many blocks: the smallest change that they show with 90 % probability, as a fraction.
///
/// `block_sd` is the standard deviation of block differences of logarithms, as calibration measured it.
///
/// # Edge cases
/// `None` below two blocks, and where nothing varied.
///
/// # Reference
/// `exp((t_{0.975, b−1} + t_{0.9, b−1}) · s ÷ √b) − 1`; see `stats::power`.
#[must_use]
pub fn noise_floor(block_sd: f64, blocks: u32) -> Option<f64> {
    let blocks = f64::from(blocks);
    minimum_detectable_effect(block_sd / blocks.sqrt(), blocks - 1.0, 0.05, POWER)
        .map(f64::exp_m1)
        .filter(|change| *change > 0.0)
}

/// Whether the rule of experiments raised more false alarms than it promises, beyond doubt.
///
/// The exact 95 % interval of the rate at the 5 % level lies above the level.
#[must_use]
pub fn breaks_its_promise(alarms: &FalseAlarms) -> bool {
    alarms.nominal.zip(alarms.interval).is_some_and(|(nominal, (low, _))| low > nominal)
}

/// How much one location varies between blocks, as the median over the benchmarks.
fn score(input: CalibrationInput<'_>, location: Location) -> Option<LocationScore> {
    let deviations: Vec<f64> =
        rows(input, location).values().filter_map(|differences| standard_deviation(differences)).collect();
    Some(LocationScore {
        location,
        block_sd: median(&deviations)?,
        benchmarks: u32::try_from(deviations.len()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests;
