//! The arms of an experiment, ready to be launched: built from clean worktrees, or taken from the keep.
//!
//! Arms that are prepared once may be measured in many experiments.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::suite::{self, Selection, Suite};
use super::world::World;
use crate::criterion::build::{self as criterion_build, BuildRequest, Place};
use crate::error::CliError;
use crate::exit_code;
use crate::model::experiment::Variant;
use crate::model::fact::Phase;
use crate::process::SystemRunner;
use crate::worktree::{Repository, Worktree};

/// Variable that makes the environments of all arms equally long.
const PAD: &str = "BENCH_RUNNER_PAD";

/// What all arms share.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The build in the working tree, without what the variants change.
    pub request: BuildRequest,
    /// What to measure.
    pub selection: Selection,
    /// Whether worktrees stay when the arms are closed.
    pub keep_worktrees: bool,
}

/// One arm, ready to be launched.
#[derive(Debug, Clone)]
pub struct PreparedArm {
    /// How it was made.
    pub variant: Variant,
    /// Its executables, with environment and processors of the variant.
    pub suite: Suite,
}

impl PreparedArm {
    /// The same executables as another arm: with `change` applied to its variant, of which environment and processors
    /// have an effect.
    #[must_use]
    pub fn again(&self, change: impl FnOnce(&mut Variant)) -> Self {
        let mut arm = self.clone();
        for bench in &mut arm.suite.benches {
            for name in arm.variant.environment.keys() {
                bench.executable.environment.remove(&OsString::from(name));
            }
        }
        change(&mut arm.variant);
        arm.apply();
        arm
    }

    /// Gives the executables the environment and processors of the variant.
    fn apply(&mut self) {
        for bench in &mut self.suite.benches {
            let words = self.variant.environment.iter();
            bench.executable.environment.extend(words.map(|(name, value)| (name.into(), value.into())));
            bench.executable.processors.clone_from(&self.variant.affinity);
        }
    }
}

/// Prepared arms and the worktrees that they run in.
#[derive(Debug, Default)]
pub struct Arms {
    /// The arms, the baseline first.
    pub arms: Vec<PreparedArm>,
    worktrees: Vec<Worktree>,
    /// From where git is asked.
    folder: PathBuf,
    keep: bool,
}

impl Arms {
    /// Removes the worktrees, or says where they stay.
    ///
    /// # Errors
    ///
    /// When git cannot be run.
    pub fn close(self, world: &World<'_>) -> Result<(), CliError> {
        for worktree in self.worktrees {
            if self.keep {
                world.progress.line(&format!("kept the worktree `{}`", worktree.keep().display()));
            } else {
                Repository::open(&self.folder, &SystemRunner)
                    .and_then(|repository| repository.remove(worktree))?;
            }
        }
        Ok(())
    }
}

/// Prepares one arm per variant, in their order.
///
/// # Errors
///
/// When a revision does not resolve or build, executables of a run are not kept any more, processors cannot be chosen
/// here, or nothing is selected.
pub fn prepare(variants: &[Variant], recipe: &Recipe, world: &mut World<'_>) -> Result<Arms, CliError> {
    let folder = folder_of(&recipe.request);
    let mut arms = Arms { keep: recipe.keep_worktrees, folder, ..Arms::default() };
    let place = criterion_build::place(&recipe.request, &SystemRunner)?;
    for variant in variants {
        if !variant.affinity.is_empty() && !cfg!(target_os = "linux") {
            let what = format!("variant `{}`: processors can be chosen on Linux only", variant.name);
            return Err(CliError::new(exit_code::USAGE, what));
        }
        let about = |error: CliError| error.about(&format!("variant `{}`", variant.name));
        let mut variant = variant.clone();
        let suite = match (&variant.run, &variant.rev) {
            (Some(run), _) => {
                let run = world.store.run(run)?;
                suite::from_kept(run, (&place.root, &recipe.request.benches), &recipe.selection, world)
                    .map_err(about)?
            }
            (None, Some(rev)) => {
                let worktree = check_out(&recipe.request, rev, world).map_err(about)?;
                world.progress.line(&format!("building {} ({})", variant.name, &worktree.commit[..10]));
                let request = request_in(&changed(&recipe.request, &variant), &place, &worktree);
                // The name that was given may mean another commit tomorrow.
                variant.rev = Some(worktree.commit.clone());
                arms.worktrees.push(worktree);
                build(&request, recipe, world).map_err(about)?
            }
            (None, None) => {
                world.progress.line(&format!("building {} (the working tree)", variant.name));
                build(&changed(&recipe.request, &variant), recipe, world).map_err(about)?
            }
        };
        let mut arm = PreparedArm { variant, suite };
        arm.apply();
        arms.arms.push(arm);
    }
    world.site.keep(world.config).prune(world.config.executables_cap, &pinned(&arms.arms, world)?)?;
    Ok(arms)
}

/// Folder of the manifest that a request builds.
#[must_use]
pub fn folder_of(request: &BuildRequest) -> PathBuf {
    let manifest = request.manifest.as_ref().and_then(|manifest| manifest.parent());
    manifest.map_or_else(|| request.directory.clone(), |manifest| request.directory.join(manifest))
}

/// Checks a revision of the project of `request` out into a clean worktree.
///
/// # Errors
///
/// When there is no such revision or no repository, or git refuses.
pub fn check_out(request: &BuildRequest, rev: &str, world: &World<'_>) -> Result<Worktree, CliError> {
    let folder = folder_of(request);
    let repository = Repository::open(&folder, &SystemRunner)?;
    let commit = repository.commit(rev)?;
    world.progress.detail(&format!("checking out {rev}"));
    Ok(repository.check_out(&commit)?)
}

/// The request of a build in the working tree as one in a worktree, in a target folder that all revisions with the same
/// settings share.
///
/// # Errors
///
/// When cargo cannot read the workspace of the working tree.
pub fn request_at(request: &BuildRequest, worktree: &Worktree) -> Result<BuildRequest, CliError> {
    let place = criterion_build::place(request, &SystemRunner)?;
    Ok(request_in(request, &place, worktree))
}

/// A build with the toolchain facts of its own folder.
fn build(request: &BuildRequest, recipe: &Recipe, world: &mut World<'_>) -> Result<Suite, CliError> {
    let mut suite = suite::build(request, &recipe.selection, true, world)?;
    let facts = world.site.readers.machine(&suite.root, Phase::Start);
    suite.facts.extend(facts.into_iter().filter(|fact| fact.key.starts_with("toolchain.")));
    suite::once(&mut suite.facts);
    Ok(suite)
}

/// The shared request with the changes of a variant.
fn changed(request: &BuildRequest, variant: &Variant) -> BuildRequest {
    let mut request = request.clone();
    request.extra_flags.extend(variant.rustflags.iter().cloned());
    request.without_flags.extend(variant.without_flags.iter().cloned());
    request.features.names.extend(variant.features.iter().cloned());
    if variant.cargo_profile.is_some() {
        request.profile.clone_from(&variant.cargo_profile);
    }
    request.profile_settings.extend(variant.profile_settings.clone());
    request
}

fn request_in(request: &BuildRequest, place: &Place, worktree: &Worktree) -> BuildRequest {
    let settings = format!(
        "{:?} {:?} {:?} {:?}{}",
        request.extra_flags,
        request.features,
        request.profile,
        request.profile_settings,
        request.without_flags.join(" ")
    );
    let name = crate::files::sha256(settings.as_bytes()).short();
    let file = request.manifest.as_ref().and_then(|manifest| manifest.file_name());
    BuildRequest {
        directory: worktree.folder.clone(),
        manifest: file.map(|name| worktree.folder.join(name)),
        target_directory: Some(place.target.join("bench-runner").join("targets").join(name)),
        ..request.clone()
    }
}

/// Pads the environments: their length moves the stack, and with it what is measured.
pub(super) fn level(arms: &mut [PreparedArm]) {
    let length = |environment: &BTreeMap<OsString, OsString>| -> usize {
        environment.iter().map(|(name, value)| name.len() + value.len() + 2).sum()
    };
    let mut longest: BTreeMap<(String, String), usize> = BTreeMap::new();
    let key = |bench: &suite::Bench| {
        (bench.executable.executable.package.clone(), bench.executable.executable.target.clone())
    };
    for bench in arms.iter_mut().flat_map(|arm| &mut arm.suite.benches) {
        bench.executable.environment.remove(&OsString::from(PAD));
        let most = longest.entry(key(bench)).or_default();
        *most = (*most).max(length(&bench.executable.environment));
    }
    for bench in arms.iter_mut().flat_map(|arm| &mut arm.suite.benches) {
        let most = longest.get(&key(bench)).copied().unwrap_or_default();
        let missing = most.saturating_sub(length(&bench.executable.environment));
        bench.executable.environment.insert(PAD.into(), "x".repeat(missing).into());
    }
}

/// What must not be pruned: what the store needs, and what is about to be launched.
fn pinned(
    arms: &[PreparedArm],
    world: &World<'_>,
) -> Result<std::collections::BTreeSet<crate::model::ids::Digest>, CliError> {
    let mut pinned = world.store.pinned_executables()?;
    let benches = arms.iter().flat_map(|arm| &arm.suite.benches);
    pinned.extend(benches.map(|bench| bench.executable.executable.digest));
    Ok(pinned)
}
