//! The time-travel control: the kept executables of both runs, measured today in turns.
//!
//! If the old executable is today what it was then, the machine did not change; if old and new are alike today, the code
//! did not. One benchmark is replayed, in processes that run nothing else: what it shares with others of its target
//! (caches, heap) may differ a little from the runs.

use std::path::PathBuf;

use super::super::stage::{Stage, StageWishes};
use super::super::{Session, load};
use crate::analysis::experiment::{CONTROL_EVERY, Rules, Stopping};
use crate::config::Config;
use crate::criterion::build::BuildRequest;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::exit_code;
use crate::experiment::{Outcome, Recipe, Request, Selection, measure, prepare};
use crate::model::estimate::BenchmarkResult;
use crate::model::experiment::{Purpose, Variant};
use crate::model::explain::Replay;
use crate::model::ids::BenchmarkId;
use crate::model::run::Run;
use crate::stats::interval::welch;

/// Confidence level of both ratios.
const LEVEL: f64 = 0.95;

/// What to replay.
#[derive(Debug)]
pub(super) struct What<'a> {
    /// The benchmark.
    pub(super) benchmark: &'a BenchmarkId,
    /// Blocks of four launches.
    pub(super) blocks: u32,
    /// Cargo.toml of another workspace.
    pub(super) manifest: Option<PathBuf>,
}

/// Measures the kept executables of `before` and `after` in turns on one benchmark.
///
/// # Errors
///
/// When both runs ran the same executable, when one is not kept any more, or when it could not be measured.
pub(super) fn replay(
    session: &Session,
    config: Config,
    (before, results): (&Run, &[BenchmarkResult]),
    after: &Run,
    what: What<'_>,
) -> Result<Replay, CliError> {
    let What { benchmark, blocks, manifest } = what;
    let wishes = StageWishes { no_wait: false, label: before.identity.label.clone(), watchdog: None };
    let mut request = BuildRequest::new(&session.folder);
    request.cargo = session.variable("CARGO").unwrap_or("cargo").into();
    request.packages.clone_from(&config.packages);
    request.manifest = manifest.map(|manifest| session.folder.join(manifest));
    request.environment = session.environment.clone();
    let mut stage = Stage::open(session, config, &wishes, &mut |_| Ok(()))?;
    let name = BenchmarkId { occurrence: 0, ..benchmark.clone() }.to_string();
    let filter = format!("^{}$", regex::escape(&name));
    let recipe = Recipe {
        request,
        selection: Selection { set: "full".to_owned(), filter: Some(filter) },
        keep_worktrees: false,
    };
    let kept = |name: &str, run: &Run| Variant {
        name: name.to_owned(),
        run: Some(run.id.clone()),
        ..Variant::default()
    };
    let how = Request {
        purpose: Purpose::Replay,
        settings: settings(before),
        stopping: Stopping::Fixed { blocks },
        control_every: CONTROL_EVERY,
        rules: Rules { margin: stage.config.margin, family_alpha: 1.0 - stage.config.comparison_level },
        seed: super::super::stage::fresh_seed(),
        measure_equal: false,
    };
    let mut world = stage.world();
    let arms = prepare(&[kept("old", before), kept("new", after)], &recipe, &mut world)?;
    let measured = measure(&how, &arms.arms, &mut world);
    let closed = arms.close(&world);
    let outcome = measured?;
    closed?;
    stage.progress.finish();
    concluded(&outcome, &stage, results, benchmark)
}

/// The settings of the first run: its executable can be compared with itself only when it is measured alike.
fn settings(before: &Run) -> LaunchSettings {
    let plan = before.plan.as_ref();
    LaunchSettings {
        warm_up_seconds: plan.and_then(|plan| plan.warm_up_seconds),
        measurement_seconds: plan.and_then(|plan| plan.measurement_seconds),
        sample_size: plan.and_then(|plan| plan.sample_size),
    }
}

fn concluded(
    outcome: &Outcome,
    stage: &Stage,
    then: &[BenchmarkResult],
    benchmark: &BenchmarkId,
) -> Result<Replay, CliError> {
    if outcome.equal {
        return Err(CliError::new(
            exit_code::USAGE,
            "both runs ran the same executable: the code cannot be the cause",
        )
        .hinted(Some("`explain` without `--replay` says what changed around it".to_owned())));
    }
    let row = outcome.result.contrasts.first().and_then(|contrast| {
        let place = contrast.rows.iter().position(|row| row.benchmark == *benchmark)?;
        let row = contrast.rows.get(place)?;
        let interval = contrast.evidence.get(place).and_then(|evidence| evidence.t_interval);
        Some((row.ratio, interval.or(row.ratio_interval)?))
    });
    let today = match outcome.experiment.arms.first() {
        Some(arm) => load::with_results(&stage.store, &arm.run)?.1,
        None => Vec::new(),
    };
    let (Some(new_over_old), Some(today_over_then)) = (row, against(&today, then, benchmark)) else {
        return Err(CliError::new(exit_code::INCONCLUSIVE, "the replay was too short to say anything")
            .hinted(Some(format!("`bench-runner experiment --show {}` shows it", outcome.experiment.id))));
    };
    Ok(Replay { experiment: Some(outcome.experiment.id.clone()), new_over_old, today_over_then })
}

/// The old executable today over the old executable then.
fn against(
    today: &[BenchmarkResult],
    then: &[BenchmarkResult],
    benchmark: &BenchmarkId,
) -> Option<(f64, (f64, f64))> {
    let logs = |results: &[BenchmarkResult]| -> Option<Vec<f64>> {
        let result = results.iter().find(|result| result.benchmark == *benchmark)?;
        Some(result.launches.iter().map(|launch| launch.median.ln()).collect())
    };
    let t = welch(&logs(then)?, &logs(today)?, LEVEL, 0.0)?;
    Some((t.estimate.exp(), (t.low.exp(), t.high.exp())))
}
