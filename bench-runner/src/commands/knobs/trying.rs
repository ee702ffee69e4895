//! Trying knobs: everything is built and checked first, then measured one knob after the other, then judged together.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::stage::{self, Stage, StageWishes, build_request, check_selection, fresh_seed};
use super::super::{Session, load as stored};
use super::{HowArgs, TryArgs, load, present};
use crate::analysis::experiment::{CONTROL_EVERY, FEWEST_BLOCKS, Stopping};
use crate::analysis::knobs::{Recipe as Sides, Rule, Setting, Trial, rule, rules, undeclared};
use crate::clock;
use crate::config::Config;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::{Arms, PreparedArm, Recipe, Request, Selection, measure, prepare, select};
use crate::model::experiment::{Purpose, Variant};
use crate::model::ids::BenchmarkId;
use crate::model::knob::{KnobTrial, Proof, TrialKind};

/// Observations of each launch: as few as Criterion allows, since precision is bought with launches.
const OBSERVATIONS: u32 = 10;
/// Blocks of a trial at most.
const MOST_BLOCKS: u32 = 200;
/// Seconds of a launch beside its benchmarks, roughly.
const START: f64 = 0.03;
/// Blocks of each bench target that a trial should have time for: 32 pairs of launches, twice the least that can decide anything
/// over 40 knobs and 4 benchmarks at 5 %.
const WANTED_BLOCKS: f64 = 16.0;
/// Room for control blocks and for those that are repeated.
const SPARE: f64 = 1.25;
/// Folders in which a shared library may be.
const LIBRARIES: [&str; 6] = [
    "/lib",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
];

/// A knob that is not measured, and why.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Skipped {
    pub(super) knob: String,
    pub(super) why: String,
}

/// A knob that is ready to be measured.
pub(super) struct Ready {
    pub(super) knob: String,
    pub(super) words: String,
    pub(super) kind: TrialKind,
    pub(super) arms: Vec<PreparedArm>,
}

/// What all trials of an invocation share.
pub(super) struct Bench<'a> {
    pub(super) stage: &'a mut Stage,
    pub(super) recipe: Recipe,
    /// The project as it is, with every benchmark.
    pub(super) base: PreparedArm,
    /// Benchmarks that arms are compared on.
    pub(super) core: BTreeSet<BenchmarkId>,
    /// Words of the command line that select and build.
    pub(super) words: String,
    worktrees: Vec<Arms>,
}

impl<'a> Bench<'a> {
    /// Builds the project as it is.
    pub(super) fn new(
        stage: &'a mut Stage,
        session: &Session,
        (what, build): (&stage::WhatArgs, &stage::BuildArgs),
    ) -> Result<Self, CliError> {
        let known = stage.config.sets.contains_key("knobs");
        let set = what.set.clone().unwrap_or_else(|| if known { "knobs" } else { "core" }.to_owned());
        check_selection(&set, what.filter.as_deref(), &stage.config)?;
        let mut recipe = Recipe {
            request: build_request(what, build, session, &stage.config),
            selection: Selection { set: "full".to_owned(), filter: None },
            keep_worktrees: false,
        };
        let as_is = Setting::AS_IS.variant("as it is");
        let arms = prepare(&[as_is], &recipe, &mut stage.world())?;
        let base = arms.arms[0].clone();
        let wanted = Selection { set, filter: what.filter.clone() };
        let mut core = BTreeSet::new();
        for bench in &base.suite.benches {
            core.extend(select(&bench.inventory.ids, &stage.config, &wanted)?);
        }
        if core.is_empty() {
            return Err(CliError::new(
                exit_code::NOTHING,
                format!("the set `{}` selects nothing", wanted.set),
            )
            .hinted(Some("give another one with `--set` or `--filter`".to_owned())));
        }
        if recipe.request.benches.is_empty() {
            let targets: BTreeSet<&String> = core.iter().map(|id| &id.target).collect();
            recipe.request.benches = targets.into_iter().cloned().collect();
        }
        Ok(Self { stage, recipe, base, core, words: words(what, build), worktrees: vec![arms] })
    }

    /// Makes the arms of a knob ready, or says why it cannot be tried here.
    pub(super) fn ready(&mut self, rule: &Rule, trial: &Trial) -> Result<Ready, String> {
        let words = format!("knobs try {}{}", rule.id, self.words);
        match trial.recipe {
            Sides::Suite(pairs) => {
                let pairs = self.pairs(pairs)?;
                let wanted: BTreeSet<BenchmarkId> =
                    pairs.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect();
                let kind = TrialKind::Suite(pairs);
                let arm = restricted(&self.base, &wanted);
                let again = arm.again(|variant| "the same again".clone_into(&mut variant.name));
                Ok(Ready { knob: rule.id.to_owned(), words, kind, arms: vec![arm, again] })
            }
            Sides::Arms { from, to } => {
                missing(trial, &to)?;
                let base = self
                    .arm(from, from.variant(if from == Setting::AS_IS { "as it is" } else { "without" }))?;
                let turned = self.arm(to, to.variant(rule.id))?;
                self.pair(rule.id.to_owned(), words, [base, turned])
            }
        }
    }

    /// Two arms of which nothing but the variant may differ.
    pub(super) fn pair(
        &self,
        knob: String,
        words: String,
        [base, turned]: [PreparedArm; 2],
    ) -> Result<Ready, String> {
        let undeclared =
            undeclared((&base.variant, &base.suite.facts), (&turned.variant, &turned.suite.facts));
        if !undeclared.is_empty() {
            return Err(format!("the arms differ in more than the knob: {}", undeclared.join(", ")));
        }
        Ok(Ready {
            knob,
            words,
            kind: TrialKind::Arms,
            arms: [base, turned].map(|arm| restricted(&arm, &self.core)).into(),
        })
    }

    /// The arm of a setting: the base with another environment, or a build of its own.
    pub(super) fn arm(&mut self, setting: Setting, variant: Variant) -> Result<PreparedArm, String> {
        if setting.is_of_process() {
            return Ok(self.base.again(|of_base| *of_base = variant));
        }
        self.built(variant)
    }

    /// A build of its own.
    pub(super) fn built(&mut self, variant: Variant) -> Result<PreparedArm, String> {
        let arms =
            prepare(&[variant], &self.recipe, &mut self.stage.world()).map_err(|error| error.message)?;
        let arm = arms.arms[0].clone();
        self.worktrees.push(arms);
        Ok(arm)
    }

    /// The pairs of names that this suite has.
    fn pairs(&self, names: &[(&str, &str)]) -> Result<Vec<(BenchmarkId, BenchmarkId)>, String> {
        let ids = || self.base.suite.benches.iter().flat_map(|bench| &bench.inventory.ids);
        let find = |name: &str| ids().find(|id| id.to_string() == name).cloned();
        let found: Vec<_> = names.iter().filter_map(|(from, to)| Some((find(from)?, find(to)?))).collect();
        if found.is_empty() {
            let names: Vec<String> = names.iter().map(|(from, to)| format!("{from} and {to}")).collect();
            return Err(format!("the suite does not have {}", names.join("; ")));
        }
        Ok(found)
    }

    /// Measures what is ready and stores what was tried; returns the session.
    pub(super) fn measure(
        &mut self,
        ready: &[Ready],
        how: &HowArgs,
        skipped: &mut Vec<Skipped>,
    ) -> Result<String, CliError> {
        let session = clock::new_run_id(clock::now()).to_string();
        let planned = u32::try_from(ready.len()).unwrap_or(u32::MAX);
        let cap = how.budget / f64::from(planned.max(1));
        self.stage
            .progress
            .line(&format!("measuring {planned} knobs, at most {cap:.0} s each; everything is built"));
        for (index, ready) in ready.iter().enumerate() {
            if self.stage.cancel.is_cancelled() {
                skipped.push(Skipped { knob: ready.knob.clone(), why: "interrupted".to_owned() });
                continue;
            }
            self.stage.progress.line(&format!("knob {} of {planned}: {}", index + 1, ready.knob));
            let request = self.request(ready, how, (cap, planned), index as u64);
            match measure(&request, &ready.arms, &mut self.stage.world()) {
                Ok(outcome) => {
                    let trial = KnobTrial {
                        knob: ready.knob.clone(),
                        session: session.clone(),
                        planned,
                        kind: ready.kind.clone(),
                        words: ready.words.clone(),
                    };
                    self.stage.store.add_knob_trial(&outcome.experiment.id, &trial)?;
                }
                Err(error) if error.exit == exit_code::STORE => return Err(error),
                Err(error) => skipped.push(Skipped { knob: ready.knob.clone(), why: error.message }),
            }
        }
        Ok(session)
    }

    fn request(&self, ready: &Ready, how: &HowArgs, (cap, planned): (f64, u32), index: u64) -> Request {
        let in_suite = matches!(ready.kind, TrialKind::Suite(_));
        let length = length(size(&ready.arms[0]), how, cap);
        let stopping = match (how.blocks, in_suite) {
            (Some(blocks), _) => Stopping::Fixed { blocks },
            // Equal arms: the pairs of benchmarks are what is decided, and they need every launch.
            (None, true) => Stopping::Fixed { blocks: affordable(size(&ready.arms[0]), length, cap) },
            (None, false) => {
                Stopping::Sequential { fewest: FEWEST_BLOCKS, most: MOST_BLOCKS, budget_seconds: Some(cap) }
            }
        };
        let mut rules = load::rules(&self.stage.config);
        rules.family_alpha /= f64::from(planned.max(1));
        Request {
            purpose: Purpose::Knob,
            settings: LaunchSettings {
                warm_up_seconds: Some(length.warm_up),
                measurement_seconds: Some(length.measuring),
                sample_size: Some(OBSERVATIONS),
            },
            stopping,
            control_every: if in_suite { 0 } else { CONTROL_EVERY },
            rules,
            seed: how.seed.unwrap_or_else(fresh_seed).wrapping_add(index),
            measure_equal: in_suite,
        }
    }

    /// Seconds that the launches of a trial took.
    pub(super) fn seconds(&self, proof: &Proof) -> Result<f64, CliError> {
        let store = &self.stage.store;
        let mut seconds = 0.0;
        for arm in &store.experiment(&proof.experiment)?.arms {
            seconds += store.run(&arm.run)?.launches.iter().map(|launch| launch.elapsed_seconds).sum::<f64>();
        }
        Ok(seconds)
    }

    /// Removes what was checked out.
    pub(super) fn close(self) -> Result<(), CliError> {
        let world = self.stage.world();
        self.worktrees.into_iter().try_for_each(|arms| arms.close(&world))
    }
}

/// Seconds of one launch for each of its benchmarks.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Length {
    warm_up: f64,
    measuring: f64,
}

/// As long as lets [`WANTED_BLOCKS`] blocks of each bench target fit into the cap, controls and repeated blocks included: a verdict
/// over many knobs asks for many pairs of launches, and short launches give more of them than long ones.
fn length((targets, benchmarks): (f64, f64), how: &HowArgs, cap: f64) -> Length {
    let set = cap / (4.0 * WANTED_BLOCKS * SPARE);
    let each = (set - targets * START) / benchmarks.max(1.0);
    Length {
        warm_up: how.warm_up.unwrap_or((each * 0.25).clamp(0.005, 0.03)),
        measuring: how.measuring.unwrap_or((each * 0.75).clamp(0.02, 0.1)),
    }
}

/// Bench targets and benchmarks of an arm.
fn size(arm: &PreparedArm) -> (f64, f64) {
    let benchmarks: usize = arm.suite.benches.iter().map(|bench| bench.selected.len()).sum();
    (arm.suite.benches.len() as f64, benchmarks as f64)
}

/// Blocks of four launches that fit into the cap, at least three.
fn affordable((targets, benchmarks): (f64, f64), length: Length, cap: f64) -> u32 {
    let launches = targets * START + benchmarks * (length.warm_up + length.measuring);
    let fits = cap / (4.0 * launches);
    (3..=20).take_while(|blocks| f64::from(*blocks) <= fits).last().unwrap_or(3)
}

/// An arm with nothing but the wanted benchmarks.
pub(super) fn restricted(arm: &PreparedArm, wanted: &BTreeSet<BenchmarkId>) -> PreparedArm {
    let mut arm = arm.clone();
    for bench in &mut arm.suite.benches {
        bench.selected.retain(|id| wanted.contains(id));
    }
    arm.suite.benches.retain(|bench| !bench.selected.is_empty());
    arm
}

/// Says what this machine lacks for a trial.
fn missing(trial: &Trial, to: &Setting) -> Result<(), String> {
    let processors = stored::threads().get();
    if to.affinity.iter().any(|number| *number as usize >= processors) {
        return Err(format!("there are {processors} processors"));
    }
    if !to.affinity.is_empty() && !cfg!(target_os = "linux") {
        return Err("processors can be chosen on Linux only".to_owned());
    }
    let there = |folder: &&str| Path::new(folder).join(trial.library).exists();
    if !trial.library.is_empty() && !LIBRARIES.iter().any(there) {
        return Err(format!("{} is not installed", trial.library));
    }
    Ok(())
}

/// Words of the command line that select and build, to repeat it. Paths stay out of the store.
fn words(what: &stage::WhatArgs, build: &stage::BuildArgs) -> String {
    let mut words = Vec::new();
    words.extend(what.package.iter().map(|name| format!("--package {name}")));
    words.extend(what.bench.iter().map(|name| format!("--bench {name}")));
    words.extend(what.filter.iter().map(|filter| format!("--filter '{filter}'")));
    words.extend(what.set.iter().map(|set| format!("--set {set}")));
    if !build.features.is_empty() {
        words.push(format!("--features {}", build.features.join(",")));
    }
    words.iter().map(|word| format!(" {word}")).collect()
}

/// The rules that the command line names.
fn chosen(args: &TryArgs) -> Result<Vec<&'static Rule>, CliError> {
    if args.all {
        return Ok(rules().filter(|rule| rule.trial.is_some()).collect());
    }
    let one = |id: &String| {
        let found = rule(id).ok_or_else(|| {
            CliError::new(exit_code::USAGE, format!("no knob is called `{id}`"))
                .hinted(Some("`bench-runner knobs list` names them".to_owned()))
        })?;
        if found.trial.is_none() {
            return Err(CliError::new(exit_code::USAGE, format!("`{id}` is explained only"))
                .hinted(Some(format!("`bench-runner knobs show {id}` says what to do"))));
        }
        Ok(found)
    };
    args.knobs.iter().map(one).collect()
}

/// Opens the stage of a command that tries knobs.
pub(super) fn stage(config: Config, how: &HowArgs, session: &Session) -> Result<Stage, CliError> {
    let wishes = StageWishes { no_wait: how.no_wait, label: how.machine.clone(), watchdog: None };
    Stage::open(session, config, &wishes, &mut |_| Ok(()))
}

/// What the trials of a session say.
pub(super) fn of_session(bench: &Bench<'_>, session: &str) -> Result<Vec<Proof>, CliError> {
    let Stage { store, config, .. } = &*bench.stage;
    let mut found = load::proofs_of(store, config, None, Some(session))?;
    found.reverse();
    Ok(found)
}

/// Knobs whose newest proof still holds.
fn holding(stage: &Stage) -> Result<BTreeSet<String>, CliError> {
    let now = load::newest(&stage.store)?;
    let proofs = load::proofs(&stage.store, &stage.config, now.as_ref().map(|run| (run, clock::now())))?;
    Ok(proofs.into_iter().filter(|proof| proof.stale.is_empty()).map(|proof| proof.knob).collect())
}

/// Runs `knobs try`.
pub(super) fn run(args: &TryArgs, session: &Session) -> Result<ExitCode, CliError> {
    let mut rules = chosen(args)?;
    let config = stage::config(args.what.manifest_path.as_ref(), session)?;
    let mut stage = stage(config, &args.how, session)?;
    if args.missing {
        let done = holding(&stage)?;
        rules.retain(|rule| !done.contains(rule.id));
        if rules.is_empty() {
            stage.progress.line("all of them were tried, and what that showed still holds");
            stage.progress.finish();
            present::session(session, &[], &[])?;
            return Ok(exit_code::DONE);
        }
    }
    let mut bench = Bench::new(&mut stage, session, (&args.what, &args.build))?;
    let (mut ready, mut skipped) = (Vec::new(), Vec::new());
    for rule in rules {
        let Some(trial) = &rule.trial else { continue };
        if bench.stage.cancel.is_cancelled() {
            break;
        }
        match bench.ready(rule, trial) {
            Ok(one) => ready.push(one),
            Err(why) => {
                bench.stage.progress.line(&format!("{} is not tried: {why}", rule.id));
                skipped.push(Skipped { knob: rule.id.to_owned(), why });
            }
        }
    }
    let trials = bench.measure(&ready, &args.how, &mut skipped)?;
    let proofs = of_session(&bench, &trials)?;
    let interrupted = bench.stage.cancel.is_cancelled();
    bench.close()?;
    stage.progress.finish();
    present::session(session, &proofs, &skipped)?;
    Ok(match (interrupted, proofs.is_empty()) {
        (true, _) => exit_code::INTERRUPTED,
        (false, true) => exit_code::INCONCLUSIVE,
        (false, false) => exit_code::DONE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_are_as_long_as_the_budget_allows() {
        let how = HowArgs {
            budget: 600.0,
            blocks: None,
            warm_up: None,
            measuring: None,
            seed: None,
            machine: None,
            no_wait: false,
        };
        let long = Length { warm_up: 0.03, measuring: 0.1 };
        assert_eq!(length((3.0, 4.0), &how, 600.0), long);
        let short = length((3.0, 4.0), &how, 600.0 / 41.0);
        assert!(short.measuring >= 0.02 && short.measuring < 0.05, "{short:?}");
        // What is between the bounds lets the wanted blocks fit.
        let cap = 24.0;
        let between = length((3.0, 4.0), &how, cap);
        assert!(between.measuring > short.measuring && between.measuring < long.measuring, "{between:?}");
        let blocks = affordable((3.0, 4.0), between, cap);
        assert!(f64::from(blocks) >= WANTED_BLOCKS, "{blocks}");
        let asked = HowArgs { warm_up: Some(0.2), measuring: Some(0.7), ..how };
        assert_eq!(length((3.0, 4.0), &asked, 1.0), Length { warm_up: 0.2, measuring: 0.7 });
    }
}
