//! The launches: shuffled within each round, every observation stored as it comes.
//!
//! A launch that something disturbed is made again at once, within a tenth of the plan; both are kept.

use std::collections::BTreeMap;

use super::prepare::Ready;
use crate::analysis::contamination::{self, extra_launches};
use crate::analysis::doctor::diagnose;
use crate::canary;
use crate::clock;
use crate::criterion::launch::{LaunchOutcome, LaunchSettings};
use crate::error::CliError;
use crate::experiment::{LaunchPlan, Launched, World, canaries, launch_once};
use crate::hardware;
use crate::model::fact::{Fact, Phase};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::RunId;
use crate::model::run::{Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use crate::stats::rng::SplitMix64;
use crate::store::RunEnd;

/// Launches of one executable that may fail one after the other before it is left alone.
const FAILURES_TOLERATED: u32 = 2;

/// A run under way.
struct Measuring<'a, 'w> {
    world: &'a mut World<'w>,
    ready: &'a Ready,
    plan: &'a RunPlan,
    run: RunId,
    ordinal: u32,
    /// Launches that were not complete, by index of the executable.
    failures: BTreeMap<usize, u32>,
    /// Seconds of the last launch, by index of the executable: the best forecast of the next.
    last_seconds: BTreeMap<usize, f64>,
    findings: Vec<Finding>,
    complete: bool,
    /// The launches that ended, for judging the next.
    ended: Vec<Launch>,
    /// Launches that may still be made again because something disturbed them.
    extra: u32,
}

/// Measures the whole plan and closes the run; returns its id even when it is partial.
pub(super) fn run(ready: &Ready, plan: &RunPlan, world: &mut World<'_>) -> Result<RunId, CliError> {
    let mut begun = begin(ready, plan);
    begun.facts.extend(canaries(Phase::Start));
    world.store.begin_run(&begun)?;
    let complete = ready.suite.benches.iter().all(|bench| bench.inventory.complete);
    let mut measuring = Measuring {
        world,
        ready,
        plan,
        run: begun.id.clone(),
        ordinal: 0,
        failures: BTreeMap::new(),
        last_seconds: BTreeMap::new(),
        findings: Vec::new(),
        complete,
        ended: Vec::new(),
        extra: extra_launches(plan.launches * u32::try_from(ready.suite.benches.len()).unwrap_or(u32::MAX)),
    };
    measuring.announce();
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
pub(super) fn begin(ready: &Ready, plan: &RunPlan) -> Run {
    let suite = &ready.suite;
    let started = clock::now();
    Run {
        id: clock::new_run_id(started),
        kind: RunKind::Measured,
        status: RunStatus::Running,
        started,
        finished: None,
        suite: suite.name(),
        title: None,
        identity: ready.identity.clone(),
        plan: Some(plan.clone()),
        inventory: suite.benches.iter().flat_map(|bench| bench.selected.iter().cloned()).collect(),
        facts: ready.facts.clone(),
        executables: suite.benches.iter().map(|bench| bench.executable.executable.clone()).collect(),
        launches: Vec::new(),
        findings: suite.findings.clone(),
    }
}

impl Measuring<'_, '_> {
    /// Says what is about to happen and how long it will take.
    fn announce(&mut self) {
        let benchmarks: usize = self.ready.suite.benches.iter().map(|bench| bench.selected.len()).sum();
        let total: f64 = (0..self.ready.suite.benches.len()).map(|index| self.forecast(index)).sum::<f64>()
            * f64::from(self.plan.launches);
        self.world.progress.expect(total);
        self.world.progress.line(&format!(
            "measuring {benchmarks} benchmarks in {} launches (profile {}, set {}), {}; store {}",
            self.plan.launches * u32::try_from(self.ready.suite.benches.len()).unwrap_or(u32::MAX),
            self.plan.profile,
            self.plan.set,
            self.world.progress.left(),
            self.world
                .config
                .store
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        ));
    }

    /// Seconds that the next launch of an executable should take.
    fn forecast(&self, index: usize) -> f64 {
        let per_benchmark =
            self.plan.warm_up_seconds.unwrap_or(3.0) + self.plan.measurement_seconds.unwrap_or(5.0);
        let count = u32::try_from(self.ready.suite.benches[index].selected.len()).unwrap_or(u32::MAX);
        self.last_seconds.get(&index).copied().unwrap_or(per_benchmark * f64::from(count))
    }

    /// All rounds; ends early when the store fails or the user interrupts.
    fn rounds(&mut self) -> Result<(), CliError> {
        let mut rng = SplitMix64::new(self.plan.seed);
        'rounds: for round in 0..self.plan.launches {
            let mut order: Vec<usize> = (0..self.ready.suite.benches.len()).collect();
            shuffle(&mut order, &mut rng);
            for (place, &index) in order.iter().enumerate() {
                if self.world.cancel.is_cancelled() {
                    self.complete = false;
                    break 'rounds;
                }
                if self.failures.get(&index).copied().unwrap_or(0) >= FAILURES_TOLERATED {
                    self.abandoned(index, round);
                    continue;
                }
                while self.one_launch(round, index)? {}
                let rounds_left = f64::from(self.plan.launches - round - 1);
                let all: f64 = order.iter().map(|&index| self.forecast(index)).sum();
                let rest: f64 = order[place + 1..].iter().map(|&index| self.forecast(index)).sum();
                self.world.progress.expect(rounds_left * all + rest);
            }
        }
        // Whoever interrupts after the last launch has a complete run all the same.
        if self.world.cancel.is_cancelled() && !self.complete {
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
        let target = &self.ready.suite.benches[index].executable.executable.target;
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
        self.world.progress.line(&evidence);
        self.findings.push(Finding {
            code: "executable-abandoned".to_owned(),
            severity: Severity::Blocking,
            subject: target.clone(),
            evidence,
            effect: "its other launches were not tried; the run is partial".to_owned(),
            remedy: "mend the bench and run it again".to_owned(),
        });
    }

    /// One launch from its row in the store to its judgement; returns whether it has to be made again.
    fn one_launch(&mut self, round: u32, index: usize) -> Result<bool, CliError> {
        let bench = &self.ready.suite.benches[index];
        let plan = LaunchPlan {
            bench,
            selected: &bench.selected,
            settings: LaunchSettings {
                warm_up_seconds: self.plan.warm_up_seconds,
                measurement_seconds: self.plan.measurement_seconds,
                sample_size: self.plan.sample_size,
            },
            ordinal: self.ordinal,
            round,
            earlier: &self.ended,
            may_repeat: self.extra > 0,
        };
        match launch_once(self.world, &self.run, plan) {
            Ok(launched) => {
                self.judged(index, &launched);
                let again = launched.row.covariates.as_ref().is_some_and(|noticed| noticed.repeated);
                self.extra -= u32::from(again);
                self.ended.push(launched.row);
                Ok(again)
            }
            Err(error) => {
                self.complete = false;
                Err(error)
            }
        }
    }

    fn judged(&mut self, index: usize, Launched { row, outcome, .. }: &Launched) {
        self.last_seconds.insert(index, row.elapsed_seconds);
        self.ordinal += 1;
        for finding in &outcome.findings {
            if !self.findings.contains(finding) && !self.ready.suite.findings.contains(finding) {
                self.findings.push(finding.clone());
            }
        }
        let state = if outcome.status == LaunchStatus::Complete {
            self.failures.remove(&index);
            let again = row.covariates.as_ref().is_some_and(|noticed| noticed.repeated);
            if again { "complete, but disturbed: made again" } else { "complete" }.to_owned()
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
        self.world.progress.line(&format!(
            "launch {:>3}  round {:>2}/{}  {:<24} {:>6.1} s  {state}",
            row.ordinal + 1,
            row.round + 1,
            self.plan.launches,
            row.target,
            row.elapsed_seconds,
        ));
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
        let site = self.world.site;
        let root = &self.ready.suite.root;
        // Machine and source, since both can change while it runs.
        let mut facts = site.readers.machine(root, Phase::End);
        facts.extend(site.readers.source(root, Phase::End));
        facts.extend(hardware::deltas(start, &facts));
        facts.extend(canaries(Phase::End));
        let mut all: Vec<Fact> = start.iter().chain(&facts).cloned().collect();
        facts.extend(canary::deltas(&all));
        all.extend(canary::deltas(&all));
        let diagnosis = diagnose(&all, &self.ready.doctor);
        facts.push(diagnosis.grade_fact(Phase::End));
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(contamination::finding(&self.ended));
        findings.extend(diagnosis.findings);
        let measured = self.ordinal > 0;
        let status = if self.complete && measured { RunStatus::Complete } else { RunStatus::Partial };
        self.world
            .store
            .finish_run(&self.run, &RunEnd { status, finished: Some(clock::now()), facts, findings })?;
        Ok(())
    }
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
