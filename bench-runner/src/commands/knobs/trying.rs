//! Trying knobs: everything is built and checked first, then measured one knob after the other, then judged together.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::stage::{self, Stage, StageWishes, build_request, check_selection, fresh_seed};
use super::super::{Session, load as stored};
use super::plan::{affordable, length, size, stopping};
use super::{HowArgs, TryArgs, load, present};
use crate::analysis::experiment::CONTROL_EVERY;
use crate::analysis::knobs::{Recipe as Sides, Rule, Setting, Trial, rule, rules, took_effect, undeclared};
use crate::clock;
use crate::config::Config;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::{Arms, PreparedArm, Recipe, Request, Selection, measure, prepare, select};
use crate::model::experiment::{Purpose, Variant};
use crate::model::ids::{BenchmarkId, Digest};
use crate::model::knob::{KnobTrial, Proof, TrialKind};

/// Observations of each launch: as few as Criterion allows, since precision is bought with launches.
const OBSERVATIONS: u32 = 10;
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
        without_effect(&base, &turned).map_or(Ok(()), Err)?;
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
        let time = match how.blocks {
            Some(blocks) => format!("{blocks} blocks each, however long they take"),
            None => format!("{cap:.0} s each, and one block of each target at least"),
        };
        self.stage.progress.line(&format!("measuring {planned} knobs, {time}; everything is built"));
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
        let stopping = stopping(how.blocks, in_suite, affordable(size(&ready.arms[0]), length, cap), cap);
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

/// Why two builds do not differ in a knob of the build that they were made for: it was so already, or it changed nothing that can be
/// seen. Equal executables of builds whose facts differ are an answer, and no such case.
fn without_effect(base: &PreparedArm, turned: &PreparedArm) -> Option<String> {
    let plain = |variant: &Variant| (variant.rustflags.len(), variant.profile_settings.len());
    if base.variant.without_flags == turned.variant.without_flags
        && plain(&base.variant) == (0, 0)
        && plain(&turned.variant) == (0, 0)
    {
        return None;
    }
    let digests = |arm: &PreparedArm| -> BTreeSet<Digest> {
        arm.suite.benches.iter().map(|bench| bench.executable.executable.digest).collect()
    };
    let seen = took_effect((&base.variant, &base.suite.facts), (&turned.variant, &turned.suite.facts));
    let differs = seen.unwrap_or_else(|| digests(base) != digests(turned));
    (!differs).then(|| "it is so already, or turning it did not take effect in the build".to_owned())
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
    if let Some(wanted) = to.architecture().filter(|wanted| *wanted != std::env::consts::ARCH) {
        return Err(format!("its flags are for {wanted} processors"));
    }
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
    let mut found = load::Trials::of_session(store, config, session)?.at(None);
    found.reverse();
    Ok(found)
}

/// Knobs that were tried to the end, and whose proof still holds.
fn holding(stage: &Stage) -> Result<BTreeSet<String>, CliError> {
    let now = load::newest(&stage.store)?;
    let suite = now.as_ref().map(|run| run.suite.as_str());
    let trials = load::Trials::of(&stage.store, &stage.config, suite)?;
    Ok(trials.ended(now.as_ref().map(|run| (run, clock::now()))))
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
    Ok(exit(interrupted, &proofs))
}

/// How a command that tried something ends.
pub(super) fn exit(interrupted: bool, proofs: &[Proof]) -> ExitCode {
    match (interrupted, proofs.is_empty()) {
        (true, _) => exit_code::INTERRUPTED,
        (false, true) => exit_code::INCONCLUSIVE,
        (false, false) => exit_code::DONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_shows_in_the_exit_code() {
        assert_eq!(exit(true, &[]), exit_code::INTERRUPTED);
        assert_eq!(exit(false, &[]), exit_code::INCONCLUSIVE);
    }
}
