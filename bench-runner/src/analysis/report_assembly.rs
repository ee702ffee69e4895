//! Everything a report of one run shows, decided in one pure step.
//!
//! Collects what the other modules of this layer compute; formats nothing and reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::compare::{CompareSettings, Side, compare};
use super::curve::{CurveHints, batch_curves, parallel_scaling};
use super::estimate::estimate_borrowed;
use super::gate;
use super::knobs::{KnobInput, recommend};
use crate::model::estimate::BenchmarkResult;
use crate::model::finding::{Finding, Severity};
use crate::model::gate::Budget;
use crate::model::ids::BenchmarkId;
use crate::model::measurement::{HarnessSettings, Measurement};
use crate::model::report::{Description, Distribution, RunReport};
use crate::model::run::{LaunchStatus, Run};

/// What is known about a run, and what its owner configured.
#[derive(Debug, Clone, Copy)]
pub struct AssemblyInput<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its measurements, each with the ordinal of its launch.
    pub measurements: &'a [(u32, Measurement)],
    /// Estimates that a record without raw samples states; empty otherwise.
    pub stated: &'a [BenchmarkResult],
    /// The previous comparable run with its results from [`results`].
    pub previous: Option<Side<'a>>,
    /// Configured budgets.
    pub budgets: &'a [Budget],
    /// Configured descriptions.
    pub descriptions: &'a [Description],
    /// Configured hints about families.
    pub hints: &'a CurveHints,
    /// How strictly to compare with the previous run.
    pub compare: &'a CompareSettings,
    /// The command that makes this report again.
    pub reproduce: &'a str,
}

/// The results of a run: estimated from its measurements, and stated ones for benchmarks without any.
///
/// Complete launches count. A benchmark that only broken launches measured gets a result from those, with a finding.
#[must_use]
pub fn results(
    run: &Run,
    measurements: &[(u32, Measurement)],
    stated: &[BenchmarkResult],
) -> Vec<BenchmarkResult> {
    let mut results = estimate_borrowed(&run.inventory, &usable(run, measurements));
    let broken = broken(run);
    for result in &mut results {
        if result.launches.iter().any(|launch| broken.contains(&launch.launch)) {
            result.findings.push(from_broken_launches(result));
        }
    }
    let measured: BTreeSet<BenchmarkId> = results.iter().map(|result| result.benchmark.clone()).collect();
    results.extend(stated.iter().filter(|result| !measured.contains(&result.benchmark)).cloned());
    results
}

/// Assembles the report of one run.
///
/// # Edge cases
/// A run without results gives an empty but complete report; nothing is invented for it.
#[must_use]
pub fn assemble(input: AssemblyInput<'_>) -> RunReport {
    let run = input.run;
    let mut results = results(run, input.measurements, input.stated);
    in_the_owners_order(&mut results, input.descriptions);
    let batch_curves = batch_curves(&results, input.hints);
    let parallel = parallel_scaling(&results, &run.facts, input.hints);
    let recommendations = recommend(&KnobInput {
        run,
        results: &results,
        curves: &batch_curves,
        parallel: &parallel,
        budgets: input.budgets,
        hints: input.hints,
        settings: &settings(input.measurements),
    });
    RunReport {
        run: run.clone(),
        distributions: distributions(&results, &usable(run, input.measurements)),
        previous: input
            .previous
            .map(|previous| compare(previous, Side { run, results: &results }, input.compare)),
        previous_started: input.previous.map(|previous| previous.run.started),
        gates: gate::judge(run, &results, input.budgets),
        recommendations,
        batch_curves,
        parallel,
        results,
        descriptions: input.descriptions.to_vec(),
        reproduce: input.reproduce.to_owned(),
        seal: None,
        calibration: None,
    }
}

/// Sorts results by the first description that matches each; what nobody described stays behind, in its order.
fn in_the_owners_order(results: &mut [BenchmarkResult], descriptions: &[Description]) {
    let patterns: Vec<Option<Regex>> =
        descriptions.iter().map(|words| Regex::new(&words.pattern).ok()).collect();
    results.sort_by_cached_key(|result| {
        let name = result.benchmark.to_string();
        let matching =
            patterns.iter().position(|pattern| pattern.as_ref().is_some_and(|p| p.is_match(&name)));
        matching.unwrap_or(usize::MAX)
    });
}

/// Ordinals of the launches that did not complete.
fn broken(run: &Run) -> BTreeSet<u32> {
    run.launches
        .iter()
        .filter(|launch| launch.status != LaunchStatus::Complete)
        .map(|launch| launch.ordinal)
        .collect()
}

/// Measurements of complete launches, and of broken ones where a benchmark has nothing else. Launches that were repeated
/// because something disturbed them are left out whole.
fn usable<'a>(run: &Run, measurements: &'a [(u32, Measurement)]) -> Vec<(u32, &'a Measurement)> {
    let broken = broken(run);
    let repeated: BTreeSet<u32> = run
        .launches
        .iter()
        .filter(|launch| launch.covariates.as_ref().is_some_and(|noticed| noticed.repeated))
        .map(|launch| launch.ordinal)
        .collect();
    let measurements = || measurements.iter().filter(|(launch, _)| !repeated.contains(launch));
    let whole: BTreeSet<&BenchmarkId> = measurements()
        .filter(|(launch, _)| !broken.contains(launch))
        .map(|(_, measurement)| &measurement.benchmark)
        .collect();
    measurements()
        .filter(|(launch, measurement)| !broken.contains(launch) || !whole.contains(&measurement.benchmark))
        .map(|(launch, measurement)| (*launch, measurement))
        .collect()
}

fn from_broken_launches(result: &BenchmarkResult) -> Finding {
    Finding {
        code: "partial-launch-data".to_owned(),
        severity: Severity::Warning,
        subject: result.benchmark.to_string(),
        evidence: "only launches that did not complete measured this benchmark".to_owned(),
        effect: "the number may come from a disturbed process".to_owned(),
        remedy: "find out why the launches broke, and run again".to_owned(),
    }
}

/// Effective settings per benchmark as the harness reported them; the earliest launch decides.
fn settings(measurements: &[(u32, Measurement)]) -> BTreeMap<BenchmarkId, HarnessSettings> {
    let mut found = BTreeMap::new();
    for (_, measurement) in measurements {
        if let Some(settings) = &measurement.settings {
            found.entry(measurement.benchmark.clone()).or_insert_with(|| settings.clone());
        }
    }
    found
}

/// Raw values per iteration for the charts, in the order of the results; only what a result rests on.
fn distributions(results: &[BenchmarkResult], measurements: &[(u32, &Measurement)]) -> Vec<Distribution> {
    let samples: BTreeMap<_, _> = measurements
        .iter()
        .map(|(launch, measurement)| ((&measurement.benchmark, &measurement.metric, *launch), measurement))
        .collect();
    let of = |result: &BenchmarkResult| -> Vec<Vec<f64>> {
        let launches = result.launches.iter();
        launches
            .filter_map(|summary| samples.get(&(&result.benchmark, &result.metric, summary.launch)))
            .map(|measurement| measurement.sample.iter().map(|o| o.per_iteration()).collect())
            .collect()
    };
    results
        .iter()
        .map(|result| Distribution { benchmark: result.benchmark.clone(), launches: of(result) })
        .filter(|distribution| !distribution.launches.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::compare::STANDARD;
    use super::super::examples::{benchmark, founding, measurement, noisy_launches, run};
    use super::*;
    use crate::model::comparison::Verdict;
    use crate::model::gate::GateVerdict;
    use crate::model::ids::Digest;
    use crate::model::run::Launch;
    use crate::model::units::Timestamp;

    fn input<'a>(run: &'a Run, hints: &'a CurveHints) -> AssemblyInput<'a> {
        AssemblyInput {
            run,
            measurements: &[],
            stated: &[],
            previous: None,
            budgets: &[],
            descriptions: &[],
            hints,
            compare: &STANDARD,
            reproduce: "bench-runner report",
        }
    }

    fn launch(ordinal: u32, status: LaunchStatus) -> Launch {
        Launch {
            ordinal,
            round: 0,
            executable: Digest([0; 32]),
            package: "kms".to_owned(),
            target: "t".to_owned(),
            status,
            capture: None,
            reason: None,
            harness_version: None,
            started: Timestamp(0),
            elapsed_seconds: 1.0,
            exit_code: Some(0),
            covariates: None,
        }
    }

    #[test]
    fn the_founding_record_assembles_into_a_full_report() {
        let (record, stated, budgets) = founding();
        let hints = CurveHints::kms();
        let report = assemble(AssemblyInput { stated: &stated, budgets: &budgets, ..input(&record, &hints) });
        assert_eq!(report.results, stated);
        assert_eq!((report.batch_curves.len(), report.parallel.len()), (1, 2));
        assert_eq!((report.recommendations.len(), report.gates.len()), (7, 3));
        assert!(report.gates.iter().all(|gate| gate.verdict == GateVerdict::NotComparable));
        assert_eq!(report.distributions, []);
        assert_eq!(
            report,
            assemble(AssemblyInput { stated: &stated, budgets: &budgets, ..input(&record, &hints) })
        );
    }

    #[test]
    fn a_measured_run_is_compared_with_the_previous_one() {
        let (old, new) = (run('A'), run('B'));
        let hints = CurveHints::default();
        let before = noisy_launches("t", "f", 1e6, 8, 0.002);
        let after = noisy_launches("t", "f", 1.1e6, 8, 0.002);
        let old_results = results(&old, &before, &[]);
        let report = assemble(AssemblyInput {
            measurements: &after,
            previous: Some(Side { run: &old, results: &old_results }),
            ..input(&new, &hints)
        });
        assert_eq!(report.previous.unwrap().rows[0].verdict, Verdict::Regressed);
        assert_eq!(report.previous_started, Some(old.started));
        assert_eq!(report.distributions[0].launches.len(), 8);
        assert_eq!(report.distributions[0].launches[0].len(), 60);
    }

    #[test]
    fn broken_launches_count_only_where_nothing_else_exists() {
        let mut run = run('A');
        run.launches = vec![launch(0, LaunchStatus::Complete), launch(1, LaunchStatus::Partial)];
        let whole = benchmark("t", "whole", None);
        let torn = benchmark("t", "torn", None);
        let data = vec![
            (0, measurement(whole.clone(), &[1e6, 1.1e6])),
            (1, measurement(whole, &[9e6, 9e6])),
            (1, measurement(torn, &[2e6, 2.2e6])),
        ];
        let found = results(&run, &data, &[]);
        let by_name = |name: &str| found.iter().find(|r| r.benchmark.group == name).unwrap();
        assert_eq!(by_name("whole").estimate.launches, 1);
        assert!(by_name("whole").estimate.value < 2e6);
        let codes: Vec<&str> = by_name("torn").findings.iter().map(|f| f.code.as_str()).collect();
        assert!(codes.contains(&"partial-launch-data"), "{codes:?}");
        assert!(!by_name("whole").findings.iter().any(|f| f.code == "partial-launch-data"));
    }
}
