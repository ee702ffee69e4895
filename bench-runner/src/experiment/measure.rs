//! The blocks of an experiment: launched, stored as they come, and looked at after each.

use std::collections::BTreeMap;
use std::time::Instant;

use super::arms::{self, PreparedArm};
use super::equal::{self, Target};
use super::launching::{LaunchPlan, launch_once};
use super::outcome::Outcome;
use super::suite::once;
use super::told;
use super::world::World;
use crate::analysis::doctor::{Inputs, diagnose};
use crate::analysis::experiment::{
    BlockOrder, Conclusion, Conditions, FEWEST_CONTROLS, LaunchMedian, Rules, Sequencer, Stopping, conclude,
    judge, samples,
};
use crate::analysis::identity::identify;
use crate::clock;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::exit_code;
use crate::model::comparison::Verdict;
use crate::model::experiment::{Arm, Experiment, ExperimentLaunch, LaunchRole, Purpose};
use crate::model::fact::{Fact, Phase};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::run::{Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use crate::stats::rng::SplitMix64;
use crate::store::RunEnd;

/// Blocks of one target that may fail one after the other before it is left alone.
const FAILURES_TOLERATED: u32 = 2;

/// How to measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What for.
    pub purpose: Purpose,
    /// Settings of each launch.
    pub settings: LaunchSettings,
    /// When to stop.
    pub stopping: Stopping,
    /// One block in so many is a control; 0 for none.
    pub control_every: u32,
    /// How strictly to judge.
    pub rules: Rules,
    /// Seed of the order.
    pub seed: u64,
    /// Whether to measure although all executables are equal, as calibration does.
    pub measure_equal: bool,
}

/// Measures prepared arms, the baseline first, and stores everything.
///
/// # Errors
///
/// When there are fewer than two arms, when they have no benchmark in common, when a bench could not be started, or when
/// the store failed. Benches that fail and interruptions are part of the outcome.
pub fn measure(request: &Request, arms: &[PreparedArm], world: &mut World<'_>) -> Result<Outcome, CliError> {
    if arms.len() < 2 {
        return Err(CliError::new(exit_code::USAGE, "an experiment needs two arms or more"));
    }
    let mut arms = arms.to_vec();
    arms::level(&mut arms);
    let (targets, mut findings) = equal::targets(&arms);
    if targets.is_empty() {
        let names: Vec<&str> = arms.iter().map(|arm| arm.variant.name.as_str()).collect();
        let what = format!("{} have no benchmark in common", names.join(", "));
        return Err(CliError::new(exit_code::NOTHING, what));
    }
    let skipped = |target: &Target<'_>| target.equal && !request.measure_equal;
    findings.extend(targets.iter().filter(|target| skipped(target)).map(equal::no_effect));
    let targets: Vec<Target<'_>> = targets.into_iter().filter(|target| !skipped(target)).collect();
    let (experiment, runs) = begin(request, &arms, &targets, world);
    world.store.begin_experiment(&experiment, &runs)?;
    let mut measuring = Measuring {
        request,
        states: (0..).zip(&targets).map(|(index, target)| State::new(index, target, request)).collect(),
        ordinals: vec![0; arms.len()],
        complete: vec![true; arms.len()],
        medians: Vec::new(),
        ended: Vec::new(),
        blocks: 0,
        started: Instant::now(),
        rows: (arms.len() - 1) * targets.iter().map(|target| target.common.len()).sum::<usize>(),
        experiment,
        findings,
        world,
    };
    measuring.blocks()?;
    measuring.close(&arms, &runs, targets.is_empty())
}

/// The experiment and the runs of its arms as they are known before the first launch.
fn begin(
    request: &Request,
    arms: &[PreparedArm],
    targets: &[Target<'_>],
    world: &World<'_>,
) -> (Experiment, Vec<Run>) {
    let started = clock::now();
    let shared: Vec<Fact> = world.site.readers.machine(&arms[0].suite.root, Phase::Start);
    let runs: Vec<Run> = arms
        .iter()
        .map(|arm| {
            let mut facts = shared.clone();
            facts.extend(arm.suite.facts.iter().cloned());
            once(&mut facts);
            let label = world.site.label.as_deref();
            Run {
                id: clock::new_run_id(started),
                kind: RunKind::Measured,
                status: RunStatus::Running,
                started,
                finished: None,
                suite: arm.suite.name(),
                title: Some(format!("arm {} of an experiment", arm.variant.name)),
                identity: identify(&facts, &world.site.machine_id, label),
                plan: Some(RunPlan {
                    profile: "experiment".to_owned(),
                    set: "experiment".to_owned(),
                    launches: 2 * request.stopping.most_blocks(),
                    warm_up_seconds: request.settings.warm_up_seconds,
                    measurement_seconds: request.settings.measurement_seconds,
                    sample_size: request.settings.sample_size,
                    seed: request.seed,
                    filter: None,
                }),
                inventory: targets.iter().flat_map(|target| target.common.iter().cloned()).collect(),
                facts,
                executables: arm
                    .suite
                    .benches
                    .iter()
                    .map(|bench| bench.executable.executable.clone())
                    .collect(),
                launches: Vec::new(),
                findings: arm.suite.findings.clone(),
            }
        })
        .collect();
    let experiment = Experiment {
        id: clock::new_run_id(started),
        purpose: request.purpose,
        started,
        finished: None,
        seed: request.seed,
        arms: arms
            .iter()
            .zip(&runs)
            .map(|(arm, run)| Arm { variant: arm.variant.clone(), run: run.id.clone() })
            .collect(),
        launches: Vec::new(),
    };
    (experiment, runs)
}

/// One bench target under way.
struct State<'a> {
    target: &'a Target<'a>,
    sequencer: Sequencer,
    conditions: Conditions,
    open: Vec<BenchmarkId>,
    tests: u32,
    controls: u32,
    failures: u32,
    /// Blocks that were disturbed and repeated.
    repeats: u32,
    /// Blocks that were disturbed and count, since no more may be repeated.
    overlooked: u32,
    /// Whether the budget is used up for this target.
    out_of_time: bool,
    /// Seconds of the last block.
    seconds: f64,
}

impl<'a> State<'a> {
    fn new(index: u64, target: &'a Target<'a>, request: &Request) -> Self {
        let arms = u32::try_from(target.benches.len()).unwrap_or(u32::MAX);
        // Each target has an order of its own, which does not depend on when the others end.
        let seed = SplitMix64::new(request.seed.wrapping_add(index)).next_u64();
        Self {
            target,
            sequencer: Sequencer::new(seed, arms, request.control_every),
            conditions: Conditions::default(),
            open: target.common.clone(),
            tests: 0,
            controls: 0,
            failures: 0,
            repeats: 0,
            overlooked: 0,
            out_of_time: false,
            seconds: 0.0,
        }
    }

    fn is_done(&self, request: &Request) -> bool {
        let wanted = if request.control_every == 0 { 0 } else { FEWEST_CONTROLS };
        self.failures >= FAILURES_TOLERATED
            || self.out_of_time
            || request.stopping.is_done(self.tests, self.controls, wanted, self.open.len())
    }

    /// The next block; a fixed number of tests is never exceeded while a control is still wanted.
    fn next_order(&mut self, request: &Request) -> BlockOrder {
        match request.stopping.planned() {
            Some(blocks) if self.tests >= blocks => self.sequencer.block(LaunchRole::Control),
            _ => self.sequencer.next_block(),
        }
    }

    /// Whether another block of it may be repeated.
    fn may_repeat(&self, request: &Request) -> bool {
        self.repeats < request.stopping.repeats_allowed(self.tests + self.controls)
    }

    fn name(&self) -> &str {
        &self.target.benches[0].executable.executable.target
    }
}

/// How a block ended.
enum BlockEnd {
    Counts,
    Disturbed,
    Failed,
    Cancelled,
}

/// An experiment under way.
struct Measuring<'a, 'w> {
    request: &'a Request,
    states: Vec<State<'a>>,
    /// Next ordinal in the run of each arm.
    ordinals: Vec<u32>,
    /// Whether every launch of an arm so far was complete.
    complete: Vec<bool>,
    medians: Vec<LaunchMedian>,
    /// The launches that ended, for judging the next.
    ended: Vec<Launch>,
    blocks: u32,
    started: Instant,
    rows: usize,
    experiment: Experiment,
    findings: Vec<Finding>,
    world: &'a mut World<'w>,
}

impl Measuring<'_, '_> {
    /// One block of each target that is not done, in shuffled order, round after round.
    fn blocks(&mut self) -> Result<(), CliError> {
        let mut rng = SplitMix64::new(self.request.seed ^ 0x726f_756e_6473);
        loop {
            let mut order: Vec<usize> =
                (0..self.states.len()).filter(|index| !self.states[*index].is_done(self.request)).collect();
            if order.is_empty() {
                return Ok(());
            }
            for last in (1..order.len()).rev() {
                order.swap(last, rng.below(last + 1));
            }
            for index in order {
                if self.world.cancel.is_cancelled() {
                    return Ok(());
                }
                // Others may have shorter blocks.
                self.states[index].out_of_time = self.is_out_of_time(index);
                if !self.states[index].out_of_time {
                    self.one_block(index)?;
                }
            }
        }
    }

    /// Whether the next block of a target would end after the budget; the first one never does.
    fn is_out_of_time(&self, index: usize) -> bool {
        let Some(budget) = self.request.stopping.budget() else { return false };
        let state = &self.states[index];
        state.seconds > 0.0 && state.seconds > budget - self.started.elapsed().as_secs_f64()
    }

    /// What time and disturbances left.
    fn shortcomings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let stopping = self.request.stopping;
        if let (Some(late), Some(budget)) =
            (self.states.iter().find(|state| state.out_of_time), stopping.budget())
        {
            let open: usize = self.states.iter().map(|state| state.open.len()).sum();
            let left = match stopping.planned() {
                Some(blocks) => format!("after {} of {blocks} blocks of {}", late.tests, late.name()),
                None => format!("with {open} benchmarks undecided"),
            };
            findings.push(told::budget_used(budget, &left));
        }
        let overlooked: u32 = self.states.iter().map(|state| state.overlooked).sum();
        if overlooked > 0 {
            findings.push(told::overlooked(overlooked, self.blocks));
        }
        findings
    }

    /// A block, and its repetitions as long as they are disturbed and may be repeated.
    fn one_block(&mut self, index: usize) -> Result<(), CliError> {
        let mut order = self.states[index].next_order(self.request);
        loop {
            let begun = Instant::now();
            let end = self.block(index, &order)?;
            let state = &mut self.states[index];
            state.seconds = begun.elapsed().as_secs_f64();
            match end {
                BlockEnd::Counts => {
                    state.failures = 0;
                    match order.role {
                        LaunchRole::Test => state.tests += 1,
                        LaunchRole::Control => state.controls += 1,
                    }
                    self.look(index);
                    self.tell(index, order.role);
                    return Ok(());
                }
                BlockEnd::Disturbed => {
                    state.repeats += 1;
                    order = self.states[index].sequencer.block(order.role);
                    if self.world.cancel.is_cancelled() || self.is_out_of_time(index) {
                        return Ok(());
                    }
                }
                BlockEnd::Failed => {
                    state.failures += 1;
                    if state.failures >= FAILURES_TOLERATED {
                        let name = state.name().to_owned();
                        self.abandoned(&name);
                    }
                    return Ok(());
                }
                BlockEnd::Cancelled => return Ok(()),
            }
        }
    }

    /// The launches of one block.
    fn block(&mut self, index: usize, order: &BlockOrder) -> Result<BlockEnd, CliError> {
        let state = &mut self.states[index];
        let selected = if state.open.is_empty() { state.target.common.clone() } else { state.open.clone() };
        let limit = state.conditions.limit(selected.len());
        let block = self.blocks;
        self.blocks += 1;
        let (may_repeat, mut overlooked) = (self.states[index].may_repeat(self.request), false);
        for slot in &order.slots {
            if self.world.cancel.is_cancelled() {
                return Ok(BlockEnd::Cancelled);
            }
            let arm = slot.arm as usize;
            let plan = LaunchPlan {
                bench: self.states[index].target.benches[arm],
                selected: &selected,
                settings: self.request.settings,
                ordinal: self.ordinals[arm],
                round: block,
                earlier: &self.ended,
                may_repeat: false,
            };
            let run = self.experiment.arms[arm].run.clone();
            let launched = launch_once(self.world, &run, plan)?;
            self.ordinals[arm] += 1;
            let failed = launched.row.status != LaunchStatus::Complete;
            let slow = self.states[index].conditions.note(slot.arm, launched.row.elapsed_seconds, limit);
            let taints = launched.row.covariates.as_ref().map(|noticed| noticed.taints.join("; "));
            let slow = slow.or(taints.filter(|taints| !taints.is_empty()));
            // Once no block may be repeated any more, blocks count as they are: a finding tells how many were.
            overlooked |= slow.is_some() && !may_repeat;
            let slow = slow.filter(|_| may_repeat);
            let contaminated = if failed { launched.row.reason.clone() } else { slow };
            let row = ExperimentLaunch {
                position: u32::try_from(self.experiment.launches.len()).unwrap_or(u32::MAX),
                block,
                arm: slot.arm,
                side: slot.side,
                role: order.role,
                launch: launched.row.ordinal,
                contaminated,
            };
            self.world.store.add_experiment_launch(&self.experiment.id, &row)?;
            let disturbed = row.contaminated.is_some();
            self.experiment.launches.push(row);
            self.medians.extend(launched.medians.into_iter().map(|(benchmark, metric, median)| {
                LaunchMedian { arm: slot.arm, launch: launched.row.ordinal, benchmark, metric, median }
            }));
            let reason = launched.row.reason.clone();
            self.ended.push(launched.row);
            if failed {
                self.complete[arm] = false;
                self.failed(index, reason);
                return Ok(if self.world.cancel.is_cancelled() {
                    BlockEnd::Cancelled
                } else {
                    BlockEnd::Failed
                });
            }
            if disturbed {
                return Ok(BlockEnd::Disturbed);
            }
        }
        self.states[index].overlooked += u32::from(overlooked);
        Ok(BlockEnd::Counts)
    }

    /// Looks at the blocks so far: what is decided is not launched again.
    fn look(&mut self, index: usize) {
        // A calibration measures how often the rule errs: it must not stop where it is sure of itself.
        let fixed = self.request.stopping.planned().is_some();
        if fixed || self.request.purpose == Purpose::Calibrate {
            return;
        }
        let rows = samples(&self.experiment.launches, &self.medians);
        let mut undecided: BTreeMap<&BenchmarkId, bool> = BTreeMap::new();
        for ((against, benchmark, _), found) in &rows {
            if against.is_some() {
                let judged = judge(&found.differences, &self.request.rules, self.rows);
                *undecided.entry(benchmark).or_default() |= judged.verdict == Verdict::Inconclusive;
            }
        }
        let target = self.states[index].target;
        let is_open = |id: &&BenchmarkId| undecided.get(id).copied().unwrap_or(true);
        self.states[index].open = target.common.iter().filter(is_open).cloned().collect();
    }

    fn tell(&mut self, index: usize, role: LaunchRole) {
        let state = &self.states[index];
        let role = if role == LaunchRole::Control { "control" } else { "test" };
        let open = match self.request.stopping.planned() {
            Some(blocks) => format!("{} of {blocks} blocks", state.tests),
            None => format!("{} of {} benchmarks undecided", state.open.len(), state.target.common.len()),
        };
        self.world.progress.line(&format!(
            "block {:>3}  {:<24} {role:<7} {:>6.1} s  {open}",
            self.blocks,
            state.name(),
            state.seconds,
        ));
    }

    fn failed(&mut self, index: usize, reason: Option<String>) {
        let name = self.states[index].name().to_owned();
        let reason = reason.unwrap_or_else(|| "unknown reason".to_owned());
        self.world.progress.line(&format!("a launch of {name} failed: {reason}"));
        let finding = told::launch_partial(&name, &reason);
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn abandoned(&mut self, name: &str) {
        self.findings.push(told::abandoned(name, FAILURES_TOLERATED));
    }

    /// Closes the runs and the experiment, and concludes.
    fn close(mut self, arms: &[PreparedArm], runs: &[Run], equal: bool) -> Result<Outcome, CliError> {
        let seconds = self.started.elapsed().as_secs_f64();
        let interrupted =
            self.world.cancel.is_cancelled() && self.states.iter().any(|s| !s.is_done(self.request));
        if interrupted {
            self.findings.push(Finding {
                code: "experiment-interrupted".to_owned(),
                severity: Severity::Warning,
                subject: String::new(),
                evidence: format!("interrupted after {} launches", self.experiment.launches.len()),
                effect: "what is not decided is inconclusive".to_owned(),
                remedy: "run it again".to_owned(),
            });
        }
        let after = self.world.site.readers.machine(&arms[0].suite.root, Phase::End);
        for (index, run) in runs.iter().enumerate() {
            let mut facts = after.clone();
            facts.extend(crate::hardware::deltas(&run.facts, &facts));
            let all: Vec<Fact> = run.facts.iter().chain(&facts).cloned().collect();
            let findings = diagnose(&all, &Inputs::default()).findings;
            let whole = self.complete[index] && self.ordinals[index] > 0 && !interrupted;
            let status = if whole { RunStatus::Complete } else { RunStatus::Partial };
            let end = RunEnd { status, finished: Some(clock::now()), facts, findings };
            self.world.store.finish_run(&run.id, &end)?;
        }
        let rules = self.request.rules;
        let mut result = conclude(Conclusion { experiment: &self.experiment, medians: &self.medians, rules });
        result.findings.extend(self.shortcomings());
        result.findings.extend(self.findings);
        let finished = clock::now();
        self.experiment.finished = Some(finished);
        self.world.store.finish_experiment(&self.experiment.id, finished, &result)?;
        Ok(Outcome { experiment: self.experiment, result, equal, interrupted, seconds })
    }
}
