//! From the stored launches of trials to their verdicts, judged together with Holm's method.
//!
//! Computed anew whenever it is shown. What a trial was made with is checked before it is measured, not here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::experiment::{LaunchMedian, Rules, judge};
use super::super::words;
use super::rows::{Control, Row, control, rows_of};
use crate::model::comparison::Verdict;
use crate::model::experiment::Experiment;
use crate::model::ids::BenchmarkId;
use crate::model::knob::{KnobTrial, KnobVerdict, ProofRow, TrialKind};
use crate::stats::betting::{log_stake_above, log_stake_below};

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
    /// Benchmarks that were to be measured.
    pub inventory: Vec<BenchmarkId>,
    /// Sentences about benches that failed.
    pub failed: Vec<String>,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Whether nothing was measured because the arms are equal.
    pub equal: bool,
}

/// Verdict, reason and rows of one trial.
type Said = (KnobVerdict, String, Vec<ProofRow>);

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
            one(&session[index], &rows[index], (strict, *rules), planned)
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

/// The rows of a trial, judged: at the level of its session, and at that of the trial alone.
struct Judged {
    found: Vec<ProofRow>,
    own: Vec<ProofRow>,
}

impl Judged {
    fn new(rows: &[Row], (strict, plain): (Rules, Rules)) -> Self {
        let shown = |rules: &Rules| -> Vec<ProofRow> {
            let mut found: Vec<ProofRow> = rows.iter().map(|row| shown(row, rules, rows.len())).collect();
            sort(&mut found);
            found
        };
        Self { found: shown(&strict), own: shown(&plain) }
    }
}

fn one(tried: &Tried, rows: &[Row], (strict, plain): (Rules, Rules), planned: usize) -> Said {
    if tried.equal {
        return (
            KnobVerdict::NoEffect,
            "both arms have the same executable, environment and processors: no effect is possible"
                .to_owned(),
            Vec::new(),
        );
    }
    let judged = Judged::new(rows, (strict, plain));
    let control = control(tried, plain);
    if let Control::Differs(id) = &control {
        let reason = format!("the control differs: equal sides were called different in {id}");
        return (KnobVerdict::Inconclusive, reason, judged.found);
    }
    let (verdict, mut reason, rows) = decided(tried, rows, judged, plain.margin);
    let size = match verdict {
        KnobVerdict::NoEffect => plain.margin,
        _ => rows.first().map_or(0.0, |row| row.change.abs()),
    };
    if verdict != KnobVerdict::Inconclusive
        && let Some(doubt) = control.doubt(size)
    {
        _ = write!(reason, "; {doubt}");
    }
    if tried.interrupted {
        reason.push_str("; interrupted");
    }
    // *No effect* is said at the level of the trial alone, however many there are.
    match planned {
        _ if verdict == KnobVerdict::NoEffect => {}
        1 => reason.push_str("; judged alone"),
        _ => _ = write!(reason, "; one of {planned} knobs judged together"),
    }
    (verdict, reason, rows)
}

/// What the rows say together, where the control does not speak against them.
fn decided(tried: &Tried, rows: &[Row], judged: Judged, margin: f64) -> Said {
    let names = |rows: &[ProofRow], wanted: Verdict| -> Vec<String> {
        rows.iter().filter(|row| row.verdict == wanted).map(words_of).collect()
    };
    let better = names(&judged.found, Verdict::Improved);
    let worse = names(&judged.found, Verdict::Regressed);
    // A guard counts against a gain at the level of the trial alone.
    let guards = names(&judged.own, Verdict::Regressed);
    let mut open = names(&judged.own, Verdict::Inconclusive);
    open.extend(unmeasured(tried, rows).into_iter().map(|id| format!("{id} (not measured)")));
    let list = |names: &[String]| words::list(names, 4);
    let failed = tried.failed.join("; ");
    match (better.is_empty(), worse.is_empty()) {
        (false, true) if guards.is_empty() && failed.is_empty() => {
            let rest =
                if open.is_empty() { String::new() } else { format!("; not decided: {}", list(&open)) };
            (KnobVerdict::Verified, format!("faster: {}{rest}", list(&better)), judged.found)
        }
        // What fails is not recommended, however fast the rest is.
        (false, true) if guards.is_empty() => {
            (KnobVerdict::Inconclusive, format!("{failed}; faster: {}", list(&better)), judged.found)
        }
        (false, _) => {
            let hurt = if worse.is_empty() { &guards } else { &worse };
            (KnobVerdict::Harmful, format!("helps {} and hurts {}", list(&better), list(hurt)), judged.found)
        }
        (true, false) => (KnobVerdict::Harmful, format!("slower: {}", list(&worse)), judged.found),
        (true, true) if failed.is_empty() => undecided(rows, judged, &open, margin),
        (true, true) => (KnobVerdict::Inconclusive, failed, judged.found),
    }
}

/// Benchmarks of time that were to be measured and of which no block counts.
fn unmeasured<'a>(tried: &'a Tried, rows: &[Row]) -> Vec<&'a BenchmarkId> {
    if matches!(tried.trial.kind, TrialKind::Suite(_)) {
        return Vec::new();
    }
    let with_row: BTreeSet<&str> = rows.iter().map(|row| row.subject.as_str()).collect();
    let of_other_units: BTreeSet<&BenchmarkId> =
        tried.medians.iter().filter(|entry| !entry.metric.is_time()).map(|entry| &entry.benchmark).collect();
    let is_missing =
        |id: &&BenchmarkId| !with_row.contains(id.to_string().as_str()) && !of_other_units.contains(id);
    tried.inventory.iter().filter(is_missing).collect()
}

/// No change was found: either there is none, or it could not have been seen.
fn undecided(rows: &[Row], judged: Judged, open: &[String], margin: f64) -> Said {
    let Judged { found, own } = judged;
    if open.is_empty() && !own.is_empty() && own.iter().all(|row| row.verdict == Verdict::Unchanged) {
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

#[cfg(test)]
mod tests {
    use super::super::super::examples::benchmark;
    use super::*;
    use crate::analysis::experiment::Sequencer;
    use crate::model::experiment::{Arm, ExperimentLaunch, LaunchRole, Purpose, Variant};
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
            inventory: (0..shifts.len()).map(|index| benchmark("t", &format!("f{index}"), None)).collect(),
            failed: Vec::new(),
            interrupted: false,
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

    /// More data never tells less: also where judging goes over from pairs to blocks.
    #[test]
    fn power_does_not_fall_when_blocks_are_added() {
        for blocks in 10..=30 {
            for seed in 0..5 {
                let mut one = tried(blocks, &[-0.1, 0.0, 0.0, 0.0], 0.004, 400 + seed);
                one.trial.planned = 44;
                let said = prove(&[one], &RULES).remove(0);
                assert_eq!(said.0, KnobVerdict::Verified, "{blocks} blocks, seed {seed}: {said:?}");
            }
        }
    }

    /// What crashes with the knob turned, or was never measured, is not recommended for what else gets faster.
    #[test]
    fn a_knob_that_fails_a_bench_is_not_verified() {
        let gain = || tried(12, &[-0.1, 0.0], 0.004, 1);
        let failed = || vec!["u fails with the knob turned".to_owned()];
        check(
            Tried { failed: failed(), ..gain() },
            KnobVerdict::Inconclusive,
            "u fails with the knob turned",
        );
        let still = tried(20, &[0.0, 0.001], 0.003, 4);
        check(Tried { failed: failed(), ..still.clone() }, KnobVerdict::Inconclusive, "u fails");
        let slower = tried(12, &[0.1, 0.0], 0.004, 2);
        check(Tried { failed: failed(), ..slower }, KnobVerdict::Harmful, "slower: t/f0");
        let missing = |mut one: Tried| {
            one.inventory.push(benchmark("u", "gone", None));
            one
        };
        check(missing(gain()), KnobVerdict::Verified, "not decided: u/gone (not measured)");
        check(missing(still), KnobVerdict::Inconclusive, "would have shown");
        // What is not a time has no row and is not missed.
        let mut other_unit = missing(tried(20, &[0.0, 0.001], 0.003, 4));
        let metric = Metric { name: "instructions".to_owned(), ..Metric::time() };
        other_unit.medians.push(LaunchMedian {
            benchmark: benchmark("u", "gone", None),
            metric,
            ..other_unit.medians[0].clone()
        });
        check(other_unit, KnobVerdict::NoEffect, "within");
    }

    #[test]
    fn what_is_not_decided_is_said_beside_a_gain() {
        let mut one = tried(12, &[-0.1, 0.0], 0.004, 1);
        let mut rng = SplitMix64::new(9);
        for entry in one.medians.iter_mut().filter(|entry| entry.benchmark.group == "f1") {
            entry.median *= (0.1 * rng.normal()).exp();
        }
        check(one, KnobVerdict::Verified, "not decided: t/f1 ");
        let said = prove(&[tried(20, &[-0.1, 0.0], 0.002, 1)], &RULES).remove(0);
        assert!(!said.1.contains("not decided"), "{}", said.1);
    }

    /// A verdict says how good its control was, and among how many it was judged.
    #[test]
    fn a_verdict_says_what_its_control_and_its_session_were() {
        let long = || tried(60, &[-0.1, 0.0], 0.004, 1);
        let said = |one: Tried| prove(&[one], &RULES).remove(0).1;
        assert!(!said(long()).contains("control"), "{}", said(long()));
        let mut none = long();
        none.experiment.launches.retain(|launch| launch.role == LaunchRole::Test);
        assert!(said(none).contains("; no control"));
        assert!(said(tried(12, &[-0.1, 0.0], 0.004, 1)).contains("; control too short to tell"));
        assert!(said(long()).ends_with("; judged alone"), "{}", said(long()));
        let mut many = long();
        many.trial.planned = 44;
        assert!(said(many).ends_with("; one of 44 knobs judged together"));
        assert!(said(Tried { interrupted: true, ..long() }).contains("; interrupted"));
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
