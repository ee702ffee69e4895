//! From the stored launches of an experiment to its result; it can be computed again at any time.

use std::collections::{BTreeMap, BTreeSet};

use super::super::words;
use super::judge::{Rules, judge};
use crate::model::comparison::{Comparison, Verdict};
use crate::model::experiment::{
    Contrast, Experiment, ExperimentLaunch, ExperimentResult, LaunchRole, RowEvidence,
};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::units::Metric;
use crate::stats::order::median;

/// Median of one benchmark in one launch.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchMedian {
    /// Arm that was launched.
    pub arm: u32,
    /// Ordinal of the launch in the run of its arm.
    pub launch: u32,
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Median per iteration.
    pub median: f64,
}

/// Launches that each side of a block has.
const LAUNCHES_OF_A_SIDE: usize = 2;

/// What the counted blocks of one row hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples {
    /// One difference per block, in the order of measuring.
    pub differences: Vec<f64>,
    /// Medians of the baseline's launches in those blocks.
    pub baseline: Vec<f64>,
    /// Medians of the other side's launches.
    pub candidate: Vec<f64>,
}

/// Which comparison a row belongs to: an arm against the baseline, or the baseline against itself.
type Against = Option<u32>;

/// The samples of every row: key `Some(arm)` for an arm against the baseline, `None` for the control.
///
/// A block counts for a row when nothing disturbed it and both sides have the benchmark in the same number of launches, at least two:
/// a block that was broken off in its middle has one of each, and the drift in between does not cancel.
#[must_use]
pub fn samples(
    launches: &[ExperimentLaunch],
    medians: &[LaunchMedian],
) -> BTreeMap<(Against, BenchmarkId, Metric), Samples> {
    let mut of_launch: BTreeMap<(u32, u32), Vec<&LaunchMedian>> = BTreeMap::new();
    for median in medians {
        of_launch.entry((median.arm, median.launch)).or_default().push(median);
    }
    let mut blocks: BTreeMap<u32, Vec<&ExperimentLaunch>> = BTreeMap::new();
    for launch in launches {
        blocks.entry(launch.block).or_default().push(launch);
    }
    let mut rows: BTreeMap<(Against, BenchmarkId, Metric), Samples> = BTreeMap::new();
    for block in blocks.values().filter(|block| block.iter().all(|launch| launch.contaminated.is_none())) {
        // Medians of each side, by what they are compared for.
        let mut sides: BTreeMap<(Against, &BenchmarkId, &Metric), [Vec<f64>; 2]> = BTreeMap::new();
        let others: BTreeSet<u32> = block.iter().map(|launch| launch.arm).filter(|arm| *arm > 0).collect();
        for launch in block {
            for found in of_launch.get(&(launch.arm, launch.launch)).into_iter().flatten() {
                let key = (&found.benchmark, &found.metric);
                let mut put = |against, side: usize| {
                    let place: &mut [Vec<f64>; 2] = sides.entry((against, key.0, key.1)).or_default();
                    place[side].push(found.median);
                };
                match (launch.role, launch.arm) {
                    (LaunchRole::Control, _) => put(None, usize::from(launch.side > 0)),
                    (LaunchRole::Test, 0) => others.iter().for_each(|arm| put(Some(*arm), 0)),
                    (LaunchRole::Test, arm) => put(Some(arm), 1),
                }
            }
        }
        for ((against, benchmark, metric), [old, new]) in sides {
            let positive = old.iter().chain(&new).all(|median| *median > 0.0);
            if old.len() < LAUNCHES_OF_A_SIDE || old.len() != new.len() || !positive {
                continue;
            }
            let row = rows.entry((against, benchmark.clone(), metric.clone())).or_default();
            row.differences.push(mean_log(&new) - mean_log(&old));
            row.baseline.extend(old);
            row.candidate.extend(new);
        }
    }
    rows
}

fn mean_log(medians: &[f64]) -> f64 {
    medians.iter().map(|median| median.ln()).sum::<f64>() / medians.len() as f64
}

/// What is concluded from.
#[derive(Debug, Clone, Copy)]
pub struct Conclusion<'a> {
    /// The experiment with its launches.
    pub experiment: &'a Experiment,
    /// The medians of all launches of all arms.
    pub medians: &'a [LaunchMedian],
    /// How strictly.
    pub rules: Rules,
}

/// Judges every row; the level of each is `1 − family_alpha ÷ rows of the arms`.
#[must_use]
pub fn conclude(input: Conclusion<'_>) -> ExperimentResult {
    let Conclusion { experiment, medians, rules } = input;
    let found = samples(&experiment.launches, medians);
    let rows = found.keys().filter(|(against, _, _)| against.is_some()).count();
    let mut contrasts: Vec<Contrast> = (1..experiment.arms.len())
        .map(|arm| contrast(experiment, &found, u32::try_from(arm).ok(), (rules, rows)))
        .collect();
    for contrast in &mut contrasts {
        order(contrast);
    }
    let has_control = experiment.launches.iter().any(|launch| launch.role == LaunchRole::Control);
    let control = has_control.then(|| contrast(experiment, &found, None, (rules, rows)));
    let (counted, repeated) = blocks(&experiment.launches);
    let mut findings = Vec::new();
    findings.extend(disturbed(counted, repeated));
    findings.extend(control.as_ref().and_then(control_differs));
    ExperimentResult { contrasts, control, blocks: counted, repeated, findings }
}

/// Blocks that count, and blocks that were put aside.
fn blocks(launches: &[ExperimentLaunch]) -> (u32, u32) {
    let all: BTreeSet<u32> = launches.iter().map(|launch| launch.block).collect();
    let aside: BTreeSet<u32> =
        launches.iter().filter(|launch| launch.contaminated.is_some()).map(|launch| launch.block).collect();
    let count = |blocks: usize| u32::try_from(blocks).unwrap_or(u32::MAX);
    (count(all.len() - aside.len()), count(aside.len()))
}

fn contrast(
    experiment: &Experiment,
    found: &BTreeMap<(Against, BenchmarkId, Metric), Samples>,
    against: Against,
    (rules, rows): (Rules, usize),
) -> Contrast {
    let arm = |index: u32| experiment.arms.get(index as usize);
    let (baseline, candidate) = (arm(0), arm(against.unwrap_or(0)));
    let name = |arm: Option<&crate::model::experiment::Arm>| {
        arm.map_or_else(String::new, |arm| arm.variant.name.clone())
    };
    let mut made = Contrast {
        baseline: name(baseline),
        candidate: name(candidate),
        rows: Vec::new(),
        evidence: Vec::new(),
    };
    let (Some(baseline), Some(candidate)) = (baseline, candidate) else { return made };
    for ((_, benchmark, metric), samples) in found.iter().filter(|((of, _, _), _)| *of == against) {
        let judged = judge(&samples.differences, &rules, rows.max(1));
        let value = |medians: &[f64]| median(medians).unwrap_or(f64::NAN);
        made.rows.push(Comparison {
            benchmark: benchmark.clone(),
            metric: metric.clone(),
            baseline: baseline.run.clone(),
            candidate: candidate.run.clone(),
            baseline_value: value(&samples.baseline),
            candidate_value: value(&samples.candidate),
            ratio: judged.ratio.unwrap_or(1.0),
            ratio_interval: judged.interval,
            level: judged.level,
            margin: rules.margin,
            minimum_detectable_effect: judged.minimum_detectable_effect,
            verdict: judged.verdict,
            reason: judged.reason,
        });
        made.evidence.push(RowEvidence {
            differences: samples.differences.clone(),
            launches: u32::try_from(samples.baseline.len() + samples.candidate.len()).unwrap_or(u32::MAX),
            t_interval: judged.t_interval,
            rank_interval: judged.rank_interval,
            steps: judged.steps,
        });
    }
    made
}

/// What needs a person comes first, as in a comparison of runs.
fn order(contrast: &mut Contrast) {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Regressed => 0,
        Verdict::Improved => 1,
        Verdict::Inconclusive => 2,
        Verdict::NotComparable => 3,
        Verdict::Unchanged => 4,
    };
    let mut rows: Vec<(Comparison, RowEvidence)> =
        contrast.rows.drain(..).zip(contrast.evidence.drain(..)).collect();
    rows.sort_by(|(a, _), (b, _)| {
        rank(a.verdict)
            .cmp(&rank(b.verdict))
            .then_with(|| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()))
            .then_with(|| a.benchmark.cmp(&b.benchmark))
    });
    (contrast.rows, contrast.evidence) = rows.into_iter().unzip();
}

fn disturbed(counted: u32, repeated: u32) -> Option<Finding> {
    let share = f64::from(repeated) / f64::from((counted + repeated).max(1));
    (repeated > 0).then(|| Finding {
        code: "experiment-disturbed".to_owned(),
        severity: if share > 0.1 { Severity::Warning } else { Severity::Info },
        subject: String::new(),
        evidence: format!(
            "{repeated} of {} blocks were disturbed and repeated ({})",
            counted + repeated,
            words::share(share)
        ),
        effect: "they are stored and do not count".to_owned(),
        remedy: "let nothing else run while measuring".to_owned(),
    })
}

/// Equal executables were called different: the machine shows changes that are not there.
fn control_differs(control: &Contrast) -> Option<Finding> {
    let different: Vec<String> = control
        .rows
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::Regressed | Verdict::Improved))
        .map(|row| row.benchmark.to_string())
        .collect();
    (!different.is_empty()).then(|| Finding {
        code: "experiment-control-differs".to_owned(),
        severity: Severity::Warning,
        subject: String::new(),
        evidence: format!(
            "the baseline against itself was called different in {} of {} rows: {}",
            different.len(),
            control.rows.len(),
            words::list(&different, 4)
        ),
        effect: "the verdicts of the same rows may be as wrong".to_owned(),
        remedy: "measure again on a quiet machine".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::order::Sequencer;
    use super::*;
    use crate::model::experiment::{Arm, Purpose, Variant};
    use crate::model::units::Timestamp;
    use crate::stats::rng::SplitMix64;

    fn benchmark(name: &str) -> BenchmarkId {
        BenchmarkId {
            package: "p".to_owned(),
            target: "t".to_owned(),
            group: name.to_owned(),
            function: None,
            value: None,
            occurrence: 0,
        }
    }

    /// An experiment of two arms, the second `factor` times as slow, on a machine that drifts by 1 % per launch.
    fn simulated(blocks: usize, factor: f64, disturbed: Option<u32>) -> (Experiment, Vec<LaunchMedian>) {
        let mut sequencer = Sequencer::new(1, 2, 5);
        let mut rng = SplitMix64::new(2);
        let (mut launches, mut medians, mut ordinals) = (Vec::new(), Vec::new(), [0_u32; 2]);
        for block in 0..blocks {
            let order = sequencer.next_block();
            for slot in order.slots {
                let position = u32::try_from(launches.len()).unwrap();
                let ordinal = &mut ordinals[slot.arm as usize];
                let block = u32::try_from(block).unwrap();
                let contaminated = (disturbed == Some(block)).then(|| "noise".to_owned());
                launches.push(ExperimentLaunch {
                    position,
                    block,
                    arm: slot.arm,
                    side: slot.side,
                    role: order.role,
                    launch: *ordinal,
                    contaminated: contaminated.clone(),
                });
                let odd = if contaminated.is_some() { 9.0 } else { 1.0 };
                let speed = if slot.arm == 1 { factor } else { 1.0 };
                medians.push(LaunchMedian {
                    arm: slot.arm,
                    launch: *ordinal,
                    benchmark: benchmark("b"),
                    metric: Metric::time(),
                    median: 100.0 * odd * speed * (0.01 * f64::from(position) + 0.002 * rng.normal()).exp(),
                });
                *ordinal += 1;
            }
        }
        let arm = |name: &str, run: &str| Arm {
            variant: Variant { name: name.to_owned(), ..Variant::default() },
            run: run.parse().unwrap(),
        };
        let arms = vec![arm("old", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), arm("new", "01ARZ3NDEKTSV4RRFFQ69G5FAW")];
        let experiment = Experiment {
            id: "01ARZ3NDEKTSV4RRFFQ69G5FAX".parse().unwrap(),
            purpose: Purpose::Compare,
            started: Timestamp(0),
            finished: None,
            seed: 1,
            arms,
            launches,
        };
        (experiment, medians)
    }

    fn concluded(blocks: usize, factor: f64, disturbed: Option<u32>) -> ExperimentResult {
        let (experiment, medians) = simulated(blocks, factor, disturbed);
        let rules = Rules { margin: 0.02, family_alpha: 0.05 };
        conclude(Conclusion { experiment: &experiment, medians: &medians, rules })
    }

    #[test]
    fn drift_cancels_and_the_factor_comes_out() {
        let result = concluded(20, 1.10, None);
        let row = &result.contrasts[0].rows[0];
        assert_eq!(row.verdict, Verdict::Regressed, "{row:?}");
        assert!((row.ratio - 1.10).abs() < 0.003, "{row:?}");
        assert_eq!(
            (result.contrasts[0].baseline.as_str(), result.contrasts[0].candidate.as_str()),
            ("old", "new")
        );
        let evidence = &result.contrasts[0].evidence[0];
        assert_eq!((evidence.differences.len(), evidence.launches), (16, 64));
        let control = result.control.unwrap();
        assert_eq!((control.rows.len(), control.evidence[0].differences.len()), (1, 4));
        assert!((control.rows[0].ratio - 1.0).abs() < 0.004, "{control:?}");
        assert_eq!((result.blocks, result.repeated), (20, 0));
        assert_eq!(result.findings, []);
    }

    #[test]
    fn a_disturbed_block_does_not_count_and_is_told() {
        let result = concluded(20, 1.0, Some(3));
        assert_eq!(result.contrasts[0].rows[0].verdict, Verdict::Unchanged, "{result:?}");
        assert_eq!((result.blocks, result.repeated), (19, 1));
        assert_eq!(result.findings[0].code, "experiment-disturbed");
    }

    #[test]
    fn a_block_that_broke_off_does_not_count() {
        let (mut experiment, medians) = simulated(10, 1.0, None);
        let whole = samples(&experiment.launches, &medians);
        experiment.launches.pop();
        let broken = samples(&experiment.launches, &medians);
        // Half of it is no block either: one launch of each side, with the drift between them.
        experiment.launches.pop();
        assert_eq!(samples(&experiment.launches, &medians), broken);
        let count =
            |rows: &BTreeMap<_, Samples>| -> usize { rows.values().map(|row| row.differences.len()).sum() };
        assert_eq!(count(&broken) + 1, count(&whole));
    }
}
