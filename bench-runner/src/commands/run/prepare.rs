//! What has to be known before the first launch: plan, executables, inventory, facts.

use super::How;
use crate::analysis::doctor::{Inputs, diagnose};
use crate::analysis::identity::identify;
use crate::commands::machine;
use crate::commands::stage::{WhatArgs, check_selection, fresh_seed, named_profile};
use crate::config::Config;
use crate::criterion::build::BuildRequest;
use crate::error::CliError;
use crate::experiment::{self, Selection, Suite, World};
use crate::model::fact::{Fact, Phase, keys, known};
use crate::model::ids::Identity;
use crate::model::run::RunPlan;

/// A suite with everything that its run is begun with.
pub(super) struct Ready {
    pub(super) suite: Suite,
    pub(super) identity: Identity,
    pub(super) facts: Vec<Fact>,
    /// What the doctor is told besides the facts.
    pub(super) doctor: Inputs,
}

/// Resolves what was typed and what is configured: nothing optional is left open.
pub(in crate::commands) fn plan(what: &WhatArgs, how: &How, config: &Config) -> Result<RunPlan, CliError> {
    let (name, profile) = named_profile(how.profile.as_deref(), config)?;
    let set = what.set.clone().unwrap_or_else(|| profile.set.clone());
    check_selection(&set, what.filter.as_deref(), config)?;
    Ok(RunPlan {
        profile: name.to_owned(),
        set,
        launches: how.launches.unwrap_or(profile.launches),
        warm_up_seconds: profile.warm_up_seconds,
        measurement_seconds: profile.measurement_seconds,
        sample_size: profile.sample_size,
        seed: how.seed.unwrap_or_else(fresh_seed),
        filter: what.filter.clone(),
    })
}

/// Builds, lists, selects, and completes the facts.
pub(super) fn ready(
    request: &BuildRequest,
    plan: &RunPlan,
    before: &[Fact],
    world: &mut World<'_>,
) -> Result<Ready, CliError> {
    world.progress.line("building bench executables");
    let selection = Selection { set: plan.set.clone(), filter: plan.filter.clone() };
    // In a target folder that revisions share, the next build replaces what this one made.
    let must_keep = request.target_directory.is_some();
    let suite = experiment::build(request, &selection, must_keep, world)?;
    world.site.keep(world.config).prune(world.config.executables_cap, &pinned(&suite, world)?)?;
    // In the root that was built, whose toolchain file decides; and only now, so that counters leave the build out.
    let mut facts = world.site.readers.machine(&suite.root, Phase::Start);
    facts.extend(before.iter().filter(|fact| REMEMBERED.contains(&fact.key.as_str())).cloned());
    facts.extend(suite.facts.iter().cloned());
    // After the build and the listing: averages still remember them, the window does not.
    facts.extend(machine::window(Phase::Start));
    experiment::once(&mut facts);
    let doctor = doctor_inputs(plan, &facts);
    facts.push(diagnose(&facts, &doctor).grade_fact(Phase::Start));
    let identity = identify(&facts, &world.site.machine_id, world.site.label.as_deref());
    Ok(Ready { suite, identity, facts, doctor })
}

/// What plan and build tell the doctor. Threads are not known: benchmarks do not declare them.
fn doctor_inputs(plan: &RunPlan, facts: &[Fact]) -> Inputs {
    let profile = known(facts, keys::BUILD_PROFILE).unwrap_or_default();
    let setting = |name: &str| {
        let value = profile.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    Inputs {
        threads: None,
        launches: Some(u64::from(plan.launches)),
        opt_level: setting("opt-level"),
        debug_assertions: setting("debug-assertions").and_then(|word| word.parse().ok()),
    }
}

/// What must not be pruned: what the store needs, and what is about to be launched.
fn pinned(
    suite: &Suite,
    world: &World<'_>,
) -> Result<std::collections::BTreeSet<crate::model::ids::Digest>, CliError> {
    let mut pinned = world.store.pinned_executables()?;
    pinned.extend(suite.benches.iter().map(|bench| bench.executable.executable.digest));
    Ok(pinned)
}

/// Load figures that look back: read after a build they would show the build.
const REMEMBERED: [&str; 4] =
    [keys::LOAD_ONE, keys::LOAD_PRESSURE_CPU, keys::LOAD_PRESSURE_IO, keys::LOAD_PRESSURE_MEMORY];
