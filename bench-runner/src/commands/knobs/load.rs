//! From stored trials to what they prove, and from a stored run to its cards.

use std::collections::{BTreeMap, BTreeSet};

use super::super::load;
use crate::analysis::curve::{CurveHints, batch_curves, parallel_scaling};
use crate::analysis::experiment::{LaunchMedian, Rules};
use crate::analysis::knobs::{KnobInput, Tried, all_candidates, count_verified, holds, is_as_it_is, prove};
use crate::config::Config;
use crate::error::CliError;
use crate::model::experiment::{Experiment, Variant};
use crate::model::finding::Finding;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::knob::{KnobTrial, Proof, Recommendation};
use crate::model::run::{LaunchStatus, Run};
use crate::model::units::Timestamp;
use crate::stats::order::median;
use crate::store::{Store, StoreError};

/// How strictly trials are judged.
pub(in super::super) fn rules(config: &Config) -> Rules {
    Rules { margin: config.margin, family_alpha: 1.0 - config.comparison_level }
}

/// The arms of a trial, the baseline first: how each was made, and the run that it is.
type Arms = Vec<(Variant, Run)>;

/// What a stored trial says, and what decides whether it still holds.
#[derive(Debug)]
struct Told {
    /// Held against nothing yet.
    proof: Proof,
    arms: Arms,
    interrupted: bool,
}

/// What stored trials say. Their launches are read and judged once, and held against as many runs as one likes.
#[derive(Debug, Default)]
pub(in super::super) struct Trials(Vec<Told>);

impl Trials {
    /// Reads and judges the trials of one suite, or of all.
    ///
    /// A trial whose process died is left out, since nobody knows what it would have said; so is one whose observations were pruned.
    pub(in super::super) fn of(
        store: &Store,
        config: &Config,
        suite: Option<&str>,
    ) -> Result<Self, CliError> {
        Self::read(store, config, (suite, None))
    }

    /// The same for one session.
    pub(super) fn of_session(store: &Store, config: &Config, session: &str) -> Result<Self, CliError> {
        Self::read(store, config, (None, Some(session)))
    }

    fn read(
        store: &Store,
        config: &Config,
        (suite, session): (Option<&str>, Option<&str>),
    ) -> Result<Self, CliError> {
        let mut sessions: BTreeMap<String, Vec<(Tried, Arms)>> = BTreeMap::new();
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        for (id, trial) in store.knob_trials()? {
            if session.is_some_and(|session| session != trial.session) {
                *times.entry(trial.knob).or_default() += 1;
                continue;
            }
            let experiment = store.experiment(&id)?;
            let Some(first) = experiment.arms.first() else { continue };
            // Facts are read before observations, of which there are thousands.
            let base = store.run(&first.run)?;
            if suite.is_some_and(|suite| suite != base.suite) {
                continue;
            }
            *times.entry(trial.knob.clone()).or_default() += 1;
            let mut arms = vec![(first.variant.clone(), base)];
            for arm in &experiment.arms[1..] {
                arms.push((arm.variant.clone(), store.run(&arm.run)?));
            }
            let name = trial.session.clone();
            if let Some(tried) = tried(store, trial, experiment, &arms)? {
                sessions.entry(name).or_default().push((tried, arms));
            }
        }
        let mut told = Vec::new();
        for session in sessions.into_values() {
            let (session, arms): (Vec<Tried>, Vec<_>) = session.into_iter().unzip();
            let said = prove(&session, &rules(config));
            for ((tried, arms), (verdict, reason, rows)) in session.into_iter().zip(arms).zip(said) {
                let proof = Proof {
                    experiment: tried.experiment.id,
                    tried: tried.experiment.started,
                    hw_class: arms[0].1.identity.hw_class.clone(),
                    verdict,
                    reason,
                    rows,
                    stale: Vec::new(),
                    times: times.get(&tried.trial.knob).copied().unwrap_or(1),
                    again: format!("bench-runner {}", tried.trial.words),
                    knob: tried.trial.knob,
                };
                told.push(Told { proof, arms, interrupted: tried.interrupted });
            }
        }
        Ok(Self(told))
    }

    /// What they prove of the suite of a run, newest first; stale where something changed between them and the run, looked at from
    /// some moment. Without a run, what they proved when they were made.
    pub(in super::super) fn at(&self, now: Option<(&Run, Timestamp)>) -> Vec<Proof> {
        let of_suite = |told: &&Told| now.is_none_or(|(now, _)| told.arms[0].1.suite == now.suite);
        let held = |told: &Told| Proof {
            stale: now.map(|(now, at)| holds(&told.arms, now, at)).unwrap_or_default(),
            ..told.proof.clone()
        };
        let mut found: Vec<Proof> = self.0.iter().filter(of_suite).map(held).collect();
        found.sort_by(|a, b| b.tried.cmp(&a.tried).then_with(|| b.experiment.cmp(&a.experiment)));
        count_verified(&mut found);
        found
    }

    /// Knobs of which a trial holds that came to its end.
    pub(super) fn ended(&self, now: Option<(&Run, Timestamp)>) -> BTreeSet<String> {
        let cut: BTreeSet<&RunId> =
            self.0.iter().filter(|told| told.interrupted).map(|told| &told.proof.experiment).collect();
        let ended = |proof: &Proof| proof.stale.is_empty() && !cut.contains(&proof.experiment);
        self.at(now).into_iter().filter(ended).map(|proof| proof.knob).collect()
    }
}

/// One trial with its launches; `None` when its observations were pruned.
fn tried(
    store: &Store,
    trial: KnobTrial,
    experiment: Experiment,
    arms: &[(Variant, Run)],
) -> Result<Option<Tried>, CliError> {
    let (mut medians, mut elements) = (Vec::new(), BTreeMap::new());
    for (arm, (_, run)) in (0..).zip(arms) {
        let measurements = match store.measurements(&run.id) {
            Ok(measurements) => measurements,
            Err(StoreError::Pruned { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        for entry in measurements {
            let measured = entry.measurement;
            let values: Vec<f64> = measured.sample.iter().map(|pair| pair.per_iteration()).collect();
            if let Some(count) = measured.throughput.iter().find_map(|throughput| throughput.elements()) {
                elements.insert(measured.benchmark.clone(), count);
            }
            medians.extend(median(&values).map(|median| LaunchMedian {
                arm,
                launch: entry.launch,
                benchmark: measured.benchmark,
                metric: measured.metric,
                median,
            }));
        }
    }
    let said = store.experiment_result(&experiment.id)?.map(|result| result.findings).unwrap_or_default();
    let has = |code: &str| said.iter().any(|finding| finding.code == code);
    let inventory = arms[0].1.inventory.clone();
    Ok(Some(Tried {
        equal: is_equal(&inventory, &experiment, &said),
        interrupted: has("experiment-interrupted"),
        failed: failures(&said, arms),
        trial,
        experiment,
        medians,
        elements,
        inventory,
    }))
}

/// Whether nothing was launched because nothing can differ. Where something was to be launched and was not, nobody knows.
fn is_equal(inventory: &[BenchmarkId], experiment: &Experiment, said: &[Finding]) -> bool {
    inventory.is_empty()
        && experiment.launches.is_empty()
        && said.iter().any(|finding| finding.code == "executables-equal")
}

/// Sentences about benches that failed; what an interruption broke off did not.
fn failures(said: &[Finding], arms: &[(Variant, Run)]) -> Vec<String> {
    let interrupted = said.iter().any(|finding| finding.code == "experiment-interrupted");
    let fails = |finding: &&Finding| {
        finding.code == "executable-abandoned" || finding.code == "launch-partial" && !interrupted
    };
    let targets: BTreeSet<&str> = said.iter().filter(fails).map(|finding| finding.subject.as_str()).collect();
    let broke = |run: &Run, target: &str| {
        run.launches.iter().any(|launch| launch.target == target && launch.status != LaunchStatus::Complete)
    };
    targets
        .into_iter()
        .map(|target| match arms.first().is_some_and(|(_, base)| broke(base, target)) {
            true => format!("{target} fails"),
            false => format!("{target} fails with the knob turned"),
        })
        .collect()
}

/// The newest thing that was measured: a run, or the newest arm of a trial that is the project as it is. What proofs are held
/// against.
pub(super) fn newest(store: &Store) -> Result<Option<Run>, CliError> {
    let run = store.resolve("latest").ok().map(|id| store.run(&id)).transpose()?;
    let (mut as_it_is, mut any) = (None, None);
    for (id, _) in store.knob_trials()?.iter().rev() {
        let Some(arm) = store.experiment(id)?.arms.into_iter().next() else { continue };
        if is_as_it_is(&arm.variant) {
            as_it_is = Some(store.run(&arm.run)?);
            break;
        }
        any = any.or(Some(arm.run));
    }
    let trial = match (as_it_is, any) {
        (None, Some(arm)) => Some(store.run(&arm)?),
        (arm, _) => arm,
    };
    Ok(match (run, trial) {
        (Some(run), Some(trial)) if trial.suite == run.suite && trial.started > run.started => Some(trial),
        (Some(run), _) => Some(run),
        (None, trial) => trial,
    })
}

/// All candidates of a stored run, those that need a trial among them.
pub(super) fn candidates(
    config: &Config,
    store: &Store,
    run: &RunId,
) -> Result<Vec<Recommendation>, CliError> {
    let (run, results) = load::with_results(store, run)?;
    let hints: CurveHints = load::hints(&config.curves)?;
    Ok(all_candidates(&KnobInput {
        run: &run,
        results: &results,
        curves: &batch_curves(&results, &hints),
        parallel: &parallel_scaling(&results, &run.facts, &hints),
        budgets: &config.budgets,
        hints: &hints,
        settings: &BTreeMap::new(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::examples::{benchmark, run};
    use crate::model::experiment::Purpose;
    use crate::model::finding::Severity;
    use crate::model::knob::KnobVerdict;

    fn finding(code: &str, subject: &str) -> Finding {
        Finding {
            subject: subject.to_owned(),
            ..Finding::of_whole(code, Severity::Blocking, String::new(), "", "")
        }
    }

    #[test]
    fn benches_that_fail_are_named_and_interrupted_ones_are_not() {
        let check = |said: &[Finding], expected: &[&str]| assert_eq!(failures(said, &[]), expected);
        check(&[], &[]);
        check(&[finding("executables-equal", "p/t")], &[]);
        let broken = [finding("launch-partial", "t"), finding("executable-abandoned", "t")];
        check(&broken, &["t fails with the knob turned"]);
        let cut = [finding("launch-partial", "t"), finding("experiment-interrupted", "")];
        check(&cut, &[]);
    }

    /// One of two targets was equal, and the other was not launched before the trial was broken off.
    #[test]
    fn what_was_not_launched_is_not_equal() {
        let none = Experiment {
            id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            purpose: Purpose::Knob,
            started: Timestamp(0),
            finished: None,
            seed: 0,
            arms: Vec::new(),
            launches: Vec::new(),
        };
        let said = [finding("executables-equal", "p/t"), finding("experiment-interrupted", "")];
        let open = [benchmark("u", "f", None)];
        assert!(is_equal(&[], &none, &said[..1]));
        assert!(!is_equal(&open, &none, &said));
        assert!(!is_equal(&[], &none, &said[1..]));
    }

    fn told(knob: &str, started: i64, interrupted: bool) -> Told {
        let mut base = run('A');
        base.started = Timestamp(started);
        base.executables.clear();
        let proof = Proof {
            experiment: format!("01K9BWV7G000000000000000{started:02}").parse().unwrap(),
            knob: knob.to_owned(),
            tried: Timestamp(started),
            hw_class: base.identity.hw_class.clone(),
            verdict: KnobVerdict::Inconclusive,
            reason: String::new(),
            rows: Vec::new(),
            stale: Vec::new(),
            times: 1,
            again: String::new(),
        };
        Told { proof, arms: vec![(Variant::default(), base)], interrupted }
    }

    /// An interrupted trial is made again, whatever it says so far; one that came to its end is not.
    #[test]
    fn what_was_interrupted_is_not_done() {
        let ended = |told: Vec<Told>| Trials(told).ended(None).into_iter().collect::<Vec<_>>();
        assert_eq!(ended(vec![told("a", 1, true), told("b", 2, false)]), ["b"]);
        assert_eq!(ended(vec![told("a", 1, true), told("a", 2, false)]), ["a"]);
        assert_eq!(ended(Vec::new()), [""; 0]);
    }

    /// What is read once is held against each run anew, and only against runs of its suite.
    #[test]
    fn trials_are_held_against_each_run() {
        let trials = Trials(vec![told("a", 1, false), told("b", 2, false)]);
        let names = |proofs: &[Proof]| proofs.iter().map(|proof| proof.knob.clone()).collect::<Vec<_>>();
        assert_eq!(names(&trials.at(None)), ["b", "a"]);
        let mut now = run('B');
        now.identity.hw_class = "other".to_owned();
        let held = trials.at(Some((&now, Timestamp(3))));
        assert!(held.iter().all(|proof| proof.stale[0].starts_with("hardware class: ")), "{held:?}");
        assert!(trials.at(None).iter().all(|proof| proof.stale.is_empty()));
        now.suite = "other".to_owned();
        assert!(trials.at(Some((&now, Timestamp(3)))).is_empty());
    }
}
