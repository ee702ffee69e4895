//! `run --metric instructions`: each benchmark counted twice, stored as another metric of its series.
//!
//! A run of counts is a run of its own: a tripwire and an attribution, no gate judges it and no report of time has it.

use std::collections::BTreeMap;

use super::measure::begin;
use super::prepare::Ready;
use crate::clock;
use crate::criterion::instructions::{CountRequest, InstructionsError, count, version};
use crate::error::CliError;
use crate::exit_code;
use crate::experiment::{Bench, World, stated};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::RunId;
use crate::model::measurement::{Measurement, Observation, SamplingMode};
use crate::model::run::{Launch, LaunchStatus, RunPlan, RunStatus};
use crate::model::units::Metric;
use crate::process::SystemRunner;
use crate::store::RunEnd;

/// How often each benchmark is counted: twice tells whether it counts the same.
pub(super) const COUNTS: u32 = 2;
/// Name of the profile of such runs, so that no run of time takes one for the run before it.
pub(super) const PROFILE: &str = "instructions";

/// Asks for Valgrind before anything is built.
pub(super) fn check() -> Result<String, CliError> {
    version(&SystemRunner).map_err(|error| refused(&error))
}

fn refused(error: &InstructionsError) -> CliError {
    CliError::from_error(exit_code::UNFIT, error).hinted(error.hint())
}

/// Counts every selected benchmark and closes the run; returns its id even when it is partial.
pub(super) fn run(
    ready: &Ready,
    plan: &RunPlan,
    valgrind: &str,
    world: &mut World<'_>,
) -> Result<RunId, CliError> {
    let mut begun = begin(ready, plan);
    begun.title = Some("instructions, counted".to_owned());
    begun.facts.push(stated("harness.valgrind", valgrind, "valgrind --version"));
    world.store.begin_run(&begun)?;
    let mut counting = Counting { counts: BTreeMap::new(), findings: Vec::new(), complete: true };
    let mut ordinal = 0;
    for round in 0..COUNTS {
        for bench in &ready.suite.benches {
            if !world.cancel.is_cancelled() {
                counting.launch(&begun.id, bench, (ordinal, round), world)?;
                ordinal += 1;
            }
        }
    }
    counting.complete &= !world.cancel.is_cancelled() && ordinal > 0;
    counting.unstable();
    let status = if counting.complete { RunStatus::Complete } else { RunStatus::Partial };
    let end = RunEnd { status, finished: Some(clock::now()), facts: Vec::new(), findings: counting.findings };
    world.store.finish_run(&begun.id, &end)?;
    Ok(begun.id)
}

struct Counting {
    counts: BTreeMap<String, Vec<u64>>,
    findings: Vec<Finding>,
    complete: bool,
}

impl Counting {
    /// Counts all benchmarks of one executable once.
    fn launch(
        &mut self,
        run: &RunId,
        bench: &Bench,
        (ordinal, round): (u32, u32),
        world: &mut World<'_>,
    ) -> Result<(), CliError> {
        let executable = &bench.executable.executable;
        let started = std::time::Instant::now();
        let mut row = Launch {
            ordinal,
            round,
            executable: executable.digest,
            package: executable.package.clone(),
            target: executable.target.clone(),
            status: LaunchStatus::Running,
            capture: None,
            reason: None,
            harness_version: bench.inventory.harness_version.clone(),
            started: clock::now(),
            elapsed_seconds: 0.0,
            exit_code: None,
            covariates: None,
        };
        world.store.add_launch(run, &row)?;
        for id in &bench.selected {
            let full_id = id.full_id();
            world.progress.detail(&format!("{id}: counting instructions"));
            let request = CountRequest {
                guard: &world.site.guard,
                bench: &bench.executable,
                full_id: &full_id,
                scratch: world.site.scratch.path(),
            };
            let counted = if id.occurrence == 0 {
                count(request, world.cancel)
            } else {
                // Equal ids cannot be told apart on the command line.
                Err(InstructionsError::Nothing { id: full_id.clone() })
            };
            match counted {
                Ok(counted) => {
                    self.counts.entry(id.to_string()).or_default().push(counted);
                    let measurement = Measurement {
                        benchmark: id.clone(),
                        metric: Metric { name: "instructions".to_owned(), unit: "instructions".to_owned() },
                        throughput: Vec::new(),
                        sampling: SamplingMode::Flat,
                        settings: None,
                        sample: vec![Observation { iterations: 1, total: counted as f64 }],
                    };
                    world.store.insert_measurement(run, ordinal, &measurement)?;
                }
                Err(error) => {
                    row.reason.get_or_insert_with(|| format!("{id}: {error}"));
                    self.failed(id.to_string(), &error);
                }
            }
        }
        row.status = if row.reason.is_none() { LaunchStatus::Complete } else { LaunchStatus::Partial };
        row.elapsed_seconds = started.elapsed().as_secs_f64();
        self.complete &= row.status == LaunchStatus::Complete;
        world.progress.line(&format!(
            "count {:>2}/{COUNTS}  {:<24} {:>6.1} s",
            round + 1,
            row.target,
            row.elapsed_seconds
        ));
        world.store.finish_launch(run, &row)?;
        Ok(())
    }

    fn failed(&mut self, subject: String, error: &InstructionsError) {
        let finding = Finding {
            code: "launch-partial".to_owned(),
            severity: Severity::Blocking,
            subject,
            evidence: error.to_string(),
            effect: "it has no count".to_owned(),
            remedy: error.hint().unwrap_or_else(|| "count again".to_owned()),
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Says which benchmarks do not count the same twice.
    fn unstable(&mut self) {
        let differ =
            self.counts.iter().filter(|(_, counts)| counts.windows(2).any(|pair| pair[0] != pair[1]));
        let found: Vec<Finding> = differ
            .map(|(name, counts)| Finding {
                code: "count-unstable".to_owned(),
                severity: Severity::Warning,
                subject: name.clone(),
                evidence: format!("{counts:?} instructions in {} counts", counts.len()),
                effect: "a difference of that size between runs means nothing".to_owned(),
                remedy: "look for random inputs, hash seeds and addresses that decide".to_owned(),
            })
            .collect();
        self.findings.extend(found);
    }
}
