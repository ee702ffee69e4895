//! What came of an experiment, now or when it is read from the store again.

use crate::analysis::experiment::{Conclusion, LaunchMedian, Rules, conclude};
use crate::error::CliError;
use crate::model::experiment::{Experiment, ExperimentResult};
use crate::model::ids::RunId;
use crate::stats::order::median;
use crate::store::Store;

/// What came of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The experiment as it is stored.
    pub experiment: Experiment,
    /// What it says.
    pub result: ExperimentResult,
    /// Whether nothing was measured because all executables are equal.
    pub equal: bool,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Seconds of measuring.
    pub seconds: f64,
}

/// Reads an experiment and concludes again from its stored observations.
///
/// # Errors
///
/// When it is not in the store, or an observation does not match its digest.
pub fn recompute(store: &Store, id: &RunId, rules: Rules) -> Result<Outcome, CliError> {
    let experiment = store.experiment(id)?;
    let mut medians = Vec::new();
    for (arm, found) in (0..).zip(&experiment.arms) {
        for entry in store.measurements(&found.run)? {
            let values: Vec<f64> = entry.measurement.sample.iter().map(|pair| pair.per_iteration()).collect();
            medians.extend(median(&values).map(|median| LaunchMedian {
                arm,
                launch: entry.launch,
                benchmark: entry.measurement.benchmark,
                metric: entry.measurement.metric,
                median,
            }));
        }
    }
    let mut result = conclude(Conclusion { experiment: &experiment, medians: &medians, rules });
    // What was seen while measuring cannot be computed again.
    let then = store.experiment_result(id)?.map(|stored| stored.findings).unwrap_or_default();
    for finding in then {
        if result.findings.iter().all(|known| known.code != finding.code || known.subject != finding.subject)
        {
            result.findings.push(finding);
        }
    }
    let has = |code: &str| result.findings.iter().any(|finding| finding.code == code);
    let (equal, interrupted) = (
        experiment.launches.is_empty() && has("executables-equal"),
        experiment.finished.is_none() || has("experiment-interrupted"),
    );
    let mut seconds = 0.0;
    for arm in &experiment.arms {
        seconds += store.run(&arm.run)?.launches.iter().map(|launch| launch.elapsed_seconds).sum::<f64>();
    }
    Ok(Outcome { experiment, result, equal, interrupted, seconds })
}
