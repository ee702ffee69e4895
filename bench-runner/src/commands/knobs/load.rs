//! From stored trials to what they prove, and from a stored run to its cards.

use std::collections::BTreeMap;

use super::super::load;
use crate::analysis::curve::{CurveHints, batch_curves, parallel_scaling};
use crate::analysis::experiment::{LaunchMedian, Rules};
use crate::analysis::knobs::{KnobInput, Tried, all_candidates, holds, prove};
use crate::config::Config;
use crate::error::CliError;
use crate::model::ids::RunId;
use crate::model::knob::{KnobTrial, Proof, Recommendation};
use crate::model::run::Run;
use crate::model::units::Timestamp;
use crate::stats::order::median;
use crate::store::Store;

/// How strictly trials are judged.
pub(in super::super) fn rules(config: &Config) -> Rules {
    Rules { margin: config.margin, family_alpha: 1.0 - config.comparison_level }
}

/// One trial with its launches.
pub(super) fn tried(store: &Store, id: &RunId, trial: KnobTrial) -> Result<Tried, CliError> {
    let experiment = store.experiment(id)?;
    let (mut medians, mut elements) = (Vec::new(), BTreeMap::new());
    for (arm, found) in (0..).zip(&experiment.arms) {
        for entry in store.measurements(&found.run)? {
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
    let said = store.experiment_result(id)?.map(|result| result.findings).unwrap_or_default();
    let equal =
        experiment.launches.is_empty() && said.iter().any(|finding| finding.code == "executables-equal");
    Ok(Tried { trial, experiment, medians, elements, equal })
}

/// What all stored trials of a suite prove, newest first; stale where something changed between them and `now`, a run and the
/// moment from which it is looked at.
///
/// A trial whose process died is left out: nobody knows what it would have said.
pub(in super::super) fn proofs(
    store: &Store,
    config: &Config,
    now: Option<(&Run, Timestamp)>,
) -> Result<Vec<Proof>, CliError> {
    proofs_of(store, config, now, None)
}

/// The same for one session, or for all.
pub(super) fn proofs_of(
    store: &Store,
    config: &Config,
    now: Option<(&Run, Timestamp)>,
    only: Option<&str>,
) -> Result<Vec<Proof>, CliError> {
    let mut sessions: BTreeMap<String, Vec<Tried>> = BTreeMap::new();
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for (id, trial) in store.knob_trials()? {
        *times.entry(trial.knob.clone()).or_default() += 1;
        if only.is_some_and(|only| only != trial.session) {
            continue;
        }
        sessions.entry(trial.session.clone()).or_default().push(tried(store, &id, trial)?);
    }
    let mut found = Vec::new();
    for session in sessions.into_values() {
        let said = prove(&session, &rules(config));
        for (tried, (verdict, reason, rows)) in session.into_iter().zip(said) {
            let Some(arm) = tried.experiment.arms.first() else { continue };
            let arm = store.run(&arm.run)?;
            if now.is_some_and(|(now, _)| now.suite != arm.suite) {
                continue;
            }
            found.push(Proof {
                experiment: tried.experiment.id,
                tried: tried.experiment.started,
                hw_class: arm.identity.hw_class.clone(),
                verdict,
                reason,
                rows,
                stale: now.map(|(now, at)| holds(&arm, now, at)).unwrap_or_default(),
                times: times.get(&tried.trial.knob).copied().unwrap_or(1),
                again: format!("bench-runner {}", tried.trial.words),
                knob: tried.trial.knob,
            });
        }
    }
    found.sort_by(|a, b| b.tried.cmp(&a.tried).then_with(|| b.experiment.cmp(&a.experiment)));
    Ok(found)
}

/// The newest thing that was measured: a run, or the baseline arm of the newest trial. What proofs are held against.
pub(super) fn newest(store: &Store) -> Result<Option<Run>, CliError> {
    let run = store.resolve("latest").ok().map(|id| store.run(&id)).transpose()?;
    let trial = match store.knob_trials()?.last() {
        Some((id, _)) => store.experiment(id)?.arms.first().map(|arm| store.run(&arm.run)).transpose()?,
        None => None,
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
