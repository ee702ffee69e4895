//! From the stored launches of trials to their verdicts, judged together with Holm's method.
//!
//! A block gives one difference. Where a session is so large that its blocks could refute nothing at its level, each pair of
//! neighbouring launches gives one instead: more of them, each noisier. Which it is follows from counts alone.
//! Computed anew whenever it is shown. What a trial was made with is checked before it is measured, not here.

use std::collections::BTreeMap;

use super::super::experiment::{LaunchMedian, Rules, judge};
use super::super::words;
use crate::model::comparison::Verdict;
use crate::model::experiment::{Experiment, ExperimentLaunch, LaunchRole};
use crate::model::ids::BenchmarkId;
use crate::model::knob::{KnobTrial, KnobVerdict, ProofRow, TrialKind};
use crate::stats::betting::{log_stake_above, log_stake_below};
use crate::stats::moments::mean;

/// One trial as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// What was tried.
    pub trial: KnobTrial,
    /// Its experiment.
    pub experiment: Experiment,
    /// Medians of all launches of time.
    pub medians: Vec<LaunchMedian>,
    /// Elements per iteration, 1 where none are declared.
    pub elements: BTreeMap<BenchmarkId, u64>,
    /// Whether nothing was measured because the arms are equal.
    pub equal: bool,
}

/// Verdict, reason and rows of one trial.
type Said = (KnobVerdict, String, Vec<ProofRow>);

/// Differences of one row, and what the row is called.
struct Row {
    subject: String,
    differences: Vec<f64>,
    /// Pairs of launches behind the differences.
    pairs: usize,
}

/// Judges the trials of one session, in their order.
///
/// Each row's p-value is that of the bets behind the intervals, Bonferroni over the rows of a trial; Holm's method over
/// the trials that the session meant to make decides at which level each is judged. *Verified* and *harmful* hold at that
/// level; *no effect* at the level of the trial alone, since a session cannot make it false.
#[must_use]
pub fn prove(session: &[Tried], rules: &Rules) -> Vec<Said> {
    let rows: Vec<Vec<Row>> = session.iter().map(|tried| rows_of(tried, rules)).collect();
    let strength: Vec<f64> = rows.iter().map(|rows| strength(rows)).collect();
    let planned =
        session.iter().map(|tried| tried.trial.planned as usize).max().unwrap_or(0).max(session.len());
    let mut order: Vec<usize> = (0..session.len()).collect();
    order.sort_by(|a, b| strength[*a].total_cmp(&strength[*b]));
    let mut levels = vec![rules.family_alpha; session.len()];
    // Where one is not rejected none after it is: they are all judged at the level of that one.
    let mut remaining = planned;
    for index in order {
        levels[index] = rules.family_alpha / remaining.max(1) as f64;
        if strength[index] <= levels[index] {
            remaining -= 1;
        }
    }
    (0..session.len())
        .map(|index| {
            let strict = Rules { family_alpha: levels[index], ..*rules };
            one(&session[index], &rows[index], (strict, *rules))
        })
        .collect()
}

/// The smallest Bonferroni-corrected p-value of a trial's rows: 2 ÷ stake, by Ville's inequality.
fn strength(rows: &[Row]) -> f64 {
    let p = |row: &Row| {
        let stake = log_stake_above(&row.differences, 0.0).max(log_stake_below(&row.differences, 0.0));
        if row.differences.is_empty() { 1.0 } else { (2.0 * (-stake).exp()).min(1.0) }
    };
    let least = rows.iter().map(p).fold(1.0, f64::min);
    (least * rows.len().max(1) as f64).min(1.0)
}

fn one(tried: &Tried, rows: &[Row], (strict, plain): (Rules, Rules)) -> Said {
    if tried.equal {
        return (
            KnobVerdict::NoEffect,
            "both arms have the same executable, environment and processors: no effect is possible"
                .to_owned(),
            Vec::new(),
        );
    }
    let shown =
        |rules: &Rules| -> Vec<ProofRow> { rows.iter().map(|row| shown(row, rules, rows.len())).collect() };
    let mut found = shown(&strict);
    sort(&mut found);
    if let Some(reason) = control_differs(tried, plain) {
        return (KnobVerdict::Inconclusive, reason, found);
    }
    let names = |wanted: Verdict| -> Vec<String> {
        found.iter().filter(|row| row.verdict == wanted).map(words_of).collect()
    };
    let (better, worse) = (names(Verdict::Improved), names(Verdict::Regressed));
    // A guard counts against a gain at the level of the trial alone.
    let mut at_own_level = shown(&plain);
    sort(&mut at_own_level);
    let guards: Vec<String> =
        at_own_level.iter().filter(|row| row.verdict == Verdict::Regressed).map(words_of).collect();
    let list = |names: &[String]| words::list(names, 4);
    match (better.is_empty(), worse.is_empty()) {
        (false, true) if guards.is_empty() => {
            (KnobVerdict::Verified, format!("faster: {}", list(&better)), found)
        }
        (false, _) => {
            let hurt = if worse.is_empty() { &guards } else { &worse };
            (KnobVerdict::Harmful, format!("helps {} and hurts {}", list(&better), list(hurt)), found)
        }
        (true, false) => (KnobVerdict::Harmful, format!("slower: {}", list(&worse)), found),
        (true, true) => undecided(rows, at_own_level, found, plain.margin),
    }
}

/// No change was found: either there is none, or it could not have been seen.
fn undecided(rows: &[Row], own: Vec<ProofRow>, found: Vec<ProofRow>, margin: f64) -> Said {
    if !own.is_empty() && own.iter().all(|row| row.verdict == Verdict::Unchanged) {
        let reason = format!("every interval lies within ±{}", words::percent(margin));
        return (KnobVerdict::NoEffect, reason, own);
    }
    let pairs = rows.iter().map(|row| row.pairs).min().unwrap_or(0);
    let seen = found
        .iter()
        .filter_map(|row| row.visible_from)
        .fold(None, |most: Option<f64>, effect| Some(most.map_or(effect, |most| most.max(effect))));
    let reason = match seen {
        Some(effect) => format!(
            "{}; this data would have shown changes from {} on",
            words::count(pairs as u64, "pair"),
            words::percent(effect)
        ),
        None => format!("{}: too few to say anything at this level", words::count(pairs as u64, "pair")),
    };
    (KnobVerdict::Inconclusive, reason, found)
}

fn words_of(row: &ProofRow) -> String {
    let interval = row
        .interval
        .map_or(String::new(), |(low, high)| format!(" ({} to {})", words::change(low), words::change(high)));
    format!("{} {}{interval}", row.subject, words::change(row.change))
}

/// The strongest change first.
fn sort(rows: &mut [ProofRow]) {
    rows.sort_by(|a, b| {
        let decided = |row: &ProofRow| !matches!(row.verdict, Verdict::Improved | Verdict::Regressed);
        decided(a)
            .cmp(&decided(b))
            .then_with(|| b.change.ln_1p().abs().total_cmp(&a.change.ln_1p().abs()))
            .then_with(|| a.subject.cmp(&b.subject))
    });
}

fn shown(row: &Row, rules: &Rules, rows: usize) -> ProofRow {
    let judged = judge(&row.differences, rules, rows);
    ProofRow {
        subject: row.subject.clone(),
        change: judged.ratio.unwrap_or(1.0) - 1.0,
        interval: judged.interval.map(|(low, high)| (low - 1.0, high - 1.0)),
        level: judged.level,
        pairs: u32::try_from(row.pairs).unwrap_or(u32::MAX),
        visible_from: judged.minimum_detectable_effect,
        verdict: judged.verdict,
    }
}

fn rows_of(tried: &Tried, rules: &Rules) -> Vec<Row> {
    match &tried.trial.kind {
        TrialKind::Arms => {
            let found = pairs(&tried.experiment.launches, &tried.medians, LaunchRole::Test);
            let tests = found.len().max(1) as f64 * f64::from(tried.trial.planned.max(1));
            // Blocks without which nothing can be refuted at the level at which measuring stops.
            let needed = (2.0 * tests / rules.family_alpha).log2();
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

/// Equal sides were called different. A trial of one suite has two equal arms, which are its control.
fn control_differs(tried: &Tried, rules: Rules) -> Option<String> {
    let role = match tried.trial.kind {
        TrialKind::Arms => LaunchRole::Control,
        TrialKind::Suite(_) => LaunchRole::Test,
    };
    let control = pairs(&tried.experiment.launches, &tried.medians, role);
    let rows = control.len();
    let different = control.iter().find(|(_, blocks)| {
        matches!(judge(&blocks.concat(), &rules, rows).verdict, Verdict::Improved | Verdict::Regressed)
    });
    different.map(|(id, _)| format!("the control differs: equal sides were called different in {id}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::benchmark;
    use super::*;
    use crate::analysis::experiment::Sequencer;
    use crate::model::experiment::{Arm, Purpose, Variant};
    use crate::model::units::{Metric, Timestamp};
    use crate::stats::rng::SplitMix64;

    const RULES: Rules = Rules { margin: 0.02, family_alpha: 0.05 };

    /// A trial of so many blocks, in which each benchmark of arm 1 is shifted by a logarithm.
    fn tried(blocks: usize, shifts: &[f64], noise: f64, seed: u64) -> Tried {
        let mut rng = SplitMix64::new(seed);
        let mut sequencer = Sequencer::new(seed, 2, 5);
        let (mut launches, mut medians, mut ordinals) = (Vec::new(), Vec::new(), [0_u32; 2]);
        for block in 0..u32::try_from(blocks).unwrap() {
            let order = sequencer.next_block();
            for slot in &order.slots {
                let ordinal = &mut ordinals[slot.arm as usize];
                launches.push(ExperimentLaunch {
                    position: u32::try_from(launches.len()).unwrap(),
                    block,
                    arm: slot.arm,
                    side: slot.side,
                    role: order.role,
                    launch: *ordinal,
                    contaminated: None,
                });
                for (index, shift) in shifts.iter().enumerate() {
                    let moved = if slot.arm == 1 { *shift } else { 0.0 };
                    medians.push(LaunchMedian {
                        arm: slot.arm,
                        launch: *ordinal,
                        benchmark: benchmark("t", &format!("f{index}"), None),
                        metric: Metric::time(),
                        median: (10.0 + moved + noise * rng.normal()).exp(),
                    });
                }
                *ordinal += 1;
            }
        }
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let arm = |name: &str| Arm {
            variant: Variant { name: name.to_owned(), ..Variant::default() },
            run: id.parse().unwrap(),
        };
        Tried {
            trial: KnobTrial {
                knob: "build.lto-fat".to_owned(),
                session: "s".to_owned(),
                planned: 1,
                kind: TrialKind::Arms,
                words: "build.lto-fat".to_owned(),
            },
            experiment: Experiment {
                id: id.parse().unwrap(),
                purpose: Purpose::Knob,
                started: Timestamp(0),
                finished: None,
                seed,
                arms: vec![arm("a"), arm("b")],
                launches,
            },
            medians,
            elements: BTreeMap::new(),
            equal: false,
        }
    }

    #[track_caller]
    fn check(tried: Tried, expected: KnobVerdict, words: &str) {
        let said = prove(&[tried], &RULES).remove(0);
        assert_eq!(said.0, expected, "{said:?}");
        assert!(said.1.contains(words), "{}", said.1);
    }

    #[test]
    fn the_verdicts() {
        check(tried(12, &[-0.1, 0.0], 0.004, 1), KnobVerdict::Verified, "faster: t/f0 -9.");
        check(tried(12, &[0.1, 0.0], 0.004, 2), KnobVerdict::Harmful, "slower: t/f0");
        check(tried(12, &[-0.1, 0.1], 0.004, 3), KnobVerdict::Harmful, "and hurts t/f1");
        check(tried(20, &[0.0, 0.001], 0.003, 4), KnobVerdict::NoEffect, "within ±2.0 %");
        check(tried(10, &[-0.02], 0.1, 5), KnobVerdict::Inconclusive, "would have shown changes from");
        check(tried(2, &[-0.5], 0.001, 6), KnobVerdict::Inconclusive, "too few");
        check(Tried { equal: true, ..tried(0, &[], 0.1, 7) }, KnobVerdict::NoEffect, "no effect is possible");
    }

    /// A drift within blocks cancels over a block and not within a pair; what measuring calls decided stays so.
    #[test]
    fn blocks_are_used_where_there_are_enough() {
        let rows = |planned| {
            let mut one = tried(12, &[-0.1], 0.004, 11);
            one.trial.planned = planned;
            let row = rows_of(&one, &RULES).remove(0);
            (row.differences.len(), row.pairs)
        };
        let (blocks, pairs) = rows(1);
        assert_eq!(pairs, 2 * blocks);
        assert_eq!(rows(1000), (pairs, pairs));
    }

    #[test]
    fn a_session_asks_for_more_than_a_trial_alone() {
        let alone = tried(7, &[-0.1], 0.004, 8);
        assert_eq!(prove(std::slice::from_ref(&alone), &RULES)[0].0, KnobVerdict::Verified);
        let mut one_of_many = alone;
        one_of_many.trial.planned = 1000;
        assert_eq!(prove(&[one_of_many], &RULES)[0].0, KnobVerdict::Inconclusive);
    }

    /// Equal arms, a fixed number of blocks: at most one trial in twenty may be called anything.
    #[test]
    fn noise_is_not_proven() {
        let called = (0..400)
            .map(|seed| prove(&[tried(10, &[0.0, 0.0], 0.03, 1000 + seed)], &RULES).remove(0).0)
            .filter(|verdict| matches!(verdict, KnobVerdict::Verified | KnobVerdict::Harmful))
            .count();
        assert!(called <= 20, "{called}");
    }

    #[test]
    fn benchmarks_of_one_suite_are_compared_per_element() {
        let ids = [0, 1].map(|index| benchmark("t", &format!("f{index}"), None));
        let mut suite = tried(10, &[0.0, 0.0], 0.004, 9);
        suite.trial.kind = TrialKind::Suite(vec![(ids[0].clone(), ids[1].clone())]);
        check(suite.clone(), KnobVerdict::NoEffect, "within");
        suite.elements.insert(ids[1].clone(), 2);
        check(suite.clone(), KnobVerdict::Verified, "t/f0 -> t/f1 -50.");
        // Sides that should be equal and are not make everything else doubtful.
        let mut broken = tried(10, &[0.2, 0.2], 0.004, 10);
        broken.trial.kind = suite.trial.kind;
        check(broken, KnobVerdict::Inconclusive, "the control differs");
    }
}
