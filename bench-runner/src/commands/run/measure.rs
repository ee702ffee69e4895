//! The launches: shuffled within each round, every observation stored as it comes.

use std::collections::BTreeMap;

use super::prepare::{Bench, Suite};
use crate::analysis::doctor::diagnose;
use crate::clock;
use crate::config::Config;
use crate::criterion::launch::{Event, LaunchOutcome, LaunchRequest, LaunchSettings, Stop, launch};
use crate::error::CliError;
use crate::hardware;
use crate::model::fact::{Fact, Phase};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::RunId;
use crate::model::measurement::Measurement;
use crate::model::run::{Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use crate::model::units::Throughput;
use crate::process::Cancel;
use crate::stats::rng::SplitMix64;
use crate::store::{RunEnd, Store, StoreError};
use crate::ui::Progress;

/// Launches of one executable that may fail one after the other before it is left alone.
const FAILURES_TOLERATED: u32 = 2;

/// A run under way.
struct Measuring<'a> {
    store: &'a mut Store,
    suite: &'a Suite,
    plan: &'a RunPlan,
    cancel: &'a Cancel,
    progress: &'a mut Progress,
    run: RunId,
    ordinal: u32,
    /// Launches that were not complete, by index of the executable.
    failures: BTreeMap<usize, u32>,
    /// Seconds of the last launch, by index of the executable: the best forecast of the next.
    last_seconds: BTreeMap<usize, f64>,
    findings: Vec<Finding>,
    complete: bool,
}

/// Measures the whole plan and closes the run; returns its id even when it is partial.
pub(super) fn run(
    store: &mut Store,
    suite: &Suite,
    plan: &RunPlan,
    config: &Config,
    cancel: &Cancel,
    progress: &mut Progress,
) -> Result<RunId, CliError> {
    let begun = begin(suite, plan);
    store.begin_run(&begun)?;
    let complete = suite.benches.iter().all(|bench| bench.inventory.complete);
    let mut measuring = Measuring {
        store,
        suite,
        plan,
        cancel,
        progress,
        run: begun.id.clone(),
        ordinal: 0,
        failures: BTreeMap::new(),
        last_seconds: BTreeMap::new(),
        findings: Vec::new(),
        complete,
    };
    measuring.announce(config);
    let outcome = measuring.rounds();
    if let Err(error) = &outcome {
        measuring.broken(error);
    }
    let closed = measuring.close(&begun.facts);
    // What stopped the run says more than that it could not be closed afterwards.
    outcome.and(closed)?;
    Ok(begun.id)
}

/// The run as it is known before the first launch.
fn begin(suite: &Suite, plan: &RunPlan) -> Run {
    let started = clock::now();
    Run {
        id: clock::new_run_id(started),
        kind: RunKind::Measured,
        status: RunStatus::Running,
        started,
        finished: None,
        suite: suite.name.clone(),
        title: None,
        identity: suite.identity.clone(),
        plan: Some(plan.clone()),
        inventory: suite.benches.iter().flat_map(|bench| bench.selected.iter().cloned()).collect(),
        facts: suite.facts.clone(),
        executables: suite.benches.iter().map(|bench| bench.executable.executable.clone()).collect(),
        launches: Vec::new(),
        findings: suite.findings.clone(),
    }
}

impl Measuring<'_> {
    /// Says what is about to happen and how long it will take.
    fn announce(&mut self, config: &Config) {
        let benchmarks: usize = self.suite.benches.iter().map(|bench| bench.selected.len()).sum();
        let total: f64 = (0..self.suite.benches.len()).map(|index| self.forecast(index)).sum::<f64>()
            * f64::from(self.plan.launches);
        self.progress.expect(total);
        self.progress.line(&format!(
            "measuring {benchmarks} benchmarks in {} launches (profile {}, set {}), {}; store {}",
            self.plan.launches * u32::try_from(self.suite.benches.len()).unwrap_or(u32::MAX),
            self.plan.profile,
            self.plan.set,
            self.progress.left(),
            config.store.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        ));
    }

    /// Seconds that the next launch of an executable should take.
    fn forecast(&self, index: usize) -> f64 {
        let per_benchmark =
            self.plan.warm_up_seconds.unwrap_or(3.0) + self.plan.measurement_seconds.unwrap_or(5.0);
        let count = u32::try_from(self.suite.benches[index].selected.len()).unwrap_or(u32::MAX);
        self.last_seconds.get(&index).copied().unwrap_or(per_benchmark * f64::from(count))
    }

    /// All rounds; ends early when the store fails or the user interrupts.
    fn rounds(&mut self) -> Result<(), CliError> {
        let mut rng = SplitMix64::new(self.plan.seed);
        'rounds: for round in 0..self.plan.launches {
            let mut order: Vec<usize> = (0..self.suite.benches.len()).collect();
            shuffle(&mut order, &mut rng);
            for (place, &index) in order.iter().enumerate() {
                if self.cancel.is_cancelled() {
                    self.complete = false;
                    break 'rounds;
                }
                if self.failures.get(&index).copied().unwrap_or(0) >= FAILURES_TOLERATED {
                    self.abandoned(index, round);
                    continue;
                }
                self.one_launch(round, index)?;
                let rounds_left = f64::from(self.plan.launches - round - 1);
                let all: f64 = order.iter().map(|&index| self.forecast(index)).sum();
                let rest: f64 = order[place + 1..].iter().map(|&index| self.forecast(index)).sum();
                self.progress.expect(rounds_left * all + rest);
            }
        }
        // Whoever interrupts after the last launch has a complete run all the same.
        if self.cancel.is_cancelled() && !self.complete {
            self.interrupted();
        }
        Ok(())
    }

    /// Something other than a bench stopped the run: it is partial, whatever was measured.
    fn broken(&mut self, error: &CliError) {
        self.complete = false;
        self.findings.push(Finding {
            code: "run-broken".to_owned(),
            severity: Severity::Blocking,
            subject: String::new(),
            evidence: format!("stopped in launch {} (exit code {})", self.ordinal, error.exit.code),
            effect: "the run is partial; no gate judges it".to_owned(),
            remedy: format!("mend it ({}) and run again", error.exit.meaning),
        });
    }

    fn interrupted(&mut self) {
        self.findings.push(Finding {
            code: "run-interrupted".to_owned(),
            severity: Severity::Blocking,
            subject: String::new(),
            evidence: format!("interrupted after {} launches", self.ordinal),
            effect: "the run is partial; no gate judges it".to_owned(),
            remedy: "run it again".to_owned(),
        });
    }

    /// Says once that an executable is not launched any more.
    fn abandoned(&mut self, index: usize, round: u32) {
        let target = &self.suite.benches[index].executable.executable.target;
        if self
            .findings
            .iter()
            .any(|finding| finding.code == "executable-abandoned" && finding.subject == *target)
        {
            return;
        }
        let evidence = format!(
            "{target} failed {FAILURES_TOLERATED} times in a row: {round} of {} launches tried",
            self.plan.launches
        );
        self.progress.line(&evidence);
        self.findings.push(Finding {
            code: "executable-abandoned".to_owned(),
            severity: Severity::Blocking,
            subject: target.clone(),
            evidence,
            effect: "its other launches were not tried; the run is partial".to_owned(),
            remedy: "mend the bench and run it again".to_owned(),
        });
    }

    /// One launch from its row in the store to its judgement.
    fn one_launch(&mut self, round: u32, index: usize) -> Result<(), CliError> {
        let bench = &self.suite.benches[index];
        let mut row = launch_row(self.ordinal, round, bench);
        self.store.add_launch(&self.run, &row)?;
        let request = LaunchRequest {
            guard: &self.suite.guard,
            bench: &bench.executable,
            inventory: &bench.inventory,
            selected: &bench.selected,
            settings: LaunchSettings {
                warm_up_seconds: self.plan.warm_up_seconds,
                measurement_seconds: self.plan.measurement_seconds,
                sample_size: self.plan.sample_size,
            },
            patience: self.suite.patience,
            scratch: self.suite.scratch.path(),
            socket: true,
        };
        let mut failure: Option<StoreError> = None;
        let (store, run, ordinal, progress) = (&mut *self.store, &self.run, self.ordinal, &*self.progress);
        let outcome = launch(&request, self.cancel, &mut |event| {
            store_event(event, bench, store, run, ordinal, progress).map_err(|error| {
                let reason = error.to_string();
                failure = Some(error);
                Stop { reason }
            })
        });
        let outcome = outcome?;
        if let Some(error) = failure {
            // The disk may be full: the row stays as it is, and the next writer marks it.
            self.complete = false;
            return Err(error.into());
        }
        self.finish_launch(&mut row, index, &outcome)
    }

    fn finish_launch(
        &mut self,
        row: &mut Launch,
        index: usize,
        outcome: &LaunchOutcome,
    ) -> Result<(), CliError> {
        row.status = outcome.status;
        row.capture = outcome.capture;
        row.reason = outcome.reason.clone();
        row.harness_version = outcome.harness_version.clone();
        row.elapsed_seconds = outcome.elapsed.as_secs_f64();
        row.exit_code = outcome.exit_code;
        self.store.finish_launch(&self.run, row)?;
        self.last_seconds.insert(index, row.elapsed_seconds);
        self.ordinal += 1;
        for finding in &outcome.findings {
            if !self.findings.contains(finding) && !self.suite.findings.contains(finding) {
                self.findings.push(finding.clone());
            }
        }
        let state = if outcome.status == LaunchStatus::Complete {
            self.failures.remove(&index);
            "complete".to_owned()
        } else {
            *self.failures.entry(index).or_insert(0) += 1;
            self.complete = false;
            self.missing(row, outcome);
            format!(
                "PARTIAL: {}\n{}",
                row.reason.as_deref().unwrap_or("unknown"),
                indented(&outcome.stderr_tail)
            )
        };
        self.progress.line(&format!(
            "launch {:>3}  round {:>2}/{}  {:<24} {:>6.1} s  {state}",
            row.ordinal + 1,
            row.round + 1,
            self.plan.launches,
            row.target,
            row.elapsed_seconds,
        ));
        Ok(())
    }

    /// Says what became of a partial launch; its reason names the benchmarks that it did not deliver.
    fn missing(&mut self, row: &Launch, outcome: &LaunchOutcome) {
        // People count from 1, as the progress and the report do.
        let number = row.ordinal + 1;
        let nothing = if outcome.missing.is_empty() { "; no benchmark is missing" } else { "" };
        let reason = row.reason.as_deref().unwrap_or("unknown reason");
        self.findings.push(Finding {
            code: "launch-partial".to_owned(),
            severity: Severity::Blocking,
            subject: format!("launch {number} ({})", row.target),
            evidence: format!("launch {number} of {}: {reason}{nothing}", row.target),
            effect: "the run is partial; no gate judges it".to_owned(),
            remedy: "mend the bench and run it again".to_owned(),
        });
    }

    /// Reads the facts again, adds the doctor's findings, and closes the run.
    fn close(&mut self, start: &[Fact]) -> Result<(), CliError> {
        let mut facts = (self.suite.facts_after)();
        facts.extend(hardware::deltas(start, &facts));
        let all: Vec<Fact> = start.iter().chain(&facts).cloned().collect();
        let diagnosis = diagnose(&all, &self.suite.doctor);
        facts.push(diagnosis.grade_fact(Phase::End));
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(diagnosis.findings);
        let measured = self.ordinal > 0;
        let status = if self.complete && measured { RunStatus::Complete } else { RunStatus::Partial };
        self.store
            .finish_run(&self.run, &RunEnd { status, finished: Some(clock::now()), facts, findings })?;
        Ok(())
    }
}

/// What a launch is before it starts.
fn launch_row(ordinal: u32, round: u32, bench: &Bench) -> Launch {
    Launch {
        ordinal,
        round,
        executable: bench.executable.executable.digest,
        package: bench.executable.executable.package.clone(),
        target: bench.executable.executable.target.clone(),
        status: LaunchStatus::Running,
        capture: None,
        reason: None,
        harness_version: None,
        started: clock::now(),
        elapsed_seconds: 0.0,
        exit_code: None,
    }
}

/// Stores a measurement; everything else only moves the live line.
fn store_event(
    event: Event,
    bench: &Bench,
    store: &mut Store,
    run: &RunId,
    ordinal: u32,
    progress: &Progress,
) -> Result<(), StoreError> {
    match event {
        Event::Connected { .. } => {}
        Event::Warmup { id, .. } => progress.detail(&format!("{id}: warming up, {}", progress.left())),
        Event::Measuring { id, estimate_ns, .. } => {
            progress.detail(&format!("{id}: measuring for {:.1} s, {}", estimate_ns / 1e9, progress.left()));
        }
        Event::Measured(measurement) => {
            store.insert_measurement(run, ordinal, &with_elements(*measurement, bench))?;
        }
    }
    Ok(())
}

/// Adds the elements that the executable's probe states where the harness could not declare any.
fn with_elements(mut measurement: Measurement, bench: &Bench) -> Measurement {
    if measurement.throughput.is_empty()
        && let Some(elements) = bench.elements.get(&measurement.benchmark.full_id())
    {
        measurement.throughput.push(Throughput::Elements(*elements));
    }
    measurement
}

/// Fisher and Yates' shuffle.
fn shuffle(order: &mut [usize], rng: &mut SplitMix64) {
    for last in (1..order.len()).rev() {
        order.swap(last, rng.below(last + 1));
    }
}

/// The end of what a bench printed, for the person who watches; it is not stored.
///
/// Criterion's remark that it ignores `--noplot` is left out: we ask for it in case the bench does not connect.
fn indented(tail: &str) -> String {
    let ours = |line: &&str| line.starts_with("Warning: --noplot will be ignored");
    let lines: Vec<&str> = tail.trim_end().lines().filter(|line| !ours(line)).collect();
    let from = lines.len().saturating_sub(8);
    lines[from..].iter().map(|line| format!("    | {line}\n")).collect::<String>().trim_end().to_owned()
}
