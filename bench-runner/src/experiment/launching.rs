//! One launch of one bench, from its row in the store to its end; every observation is stored as it comes.

use super::suite::Bench;
use super::watch::Watch;
use super::world::World;
use crate::clock;
use crate::criterion::launch::{Event, LaunchOutcome, LaunchRequest, LaunchSettings, Stop, launch};
use crate::error::CliError;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::measurement::Measurement;
use crate::model::run::{Launch, LaunchStatus};
use crate::model::units::{Metric, Throughput};
use crate::stats::order::median;
use crate::store::StoreError;

/// Which launch to make.
#[derive(Debug, Clone, Copy)]
pub struct LaunchPlan<'a> {
    /// The bench.
    pub bench: &'a Bench,
    /// What of it to run.
    pub selected: &'a [BenchmarkId],
    /// Settings of the harness.
    pub settings: LaunchSettings,
    /// Ordinal in its run.
    pub ordinal: u32,
    /// Round, or block of an experiment.
    pub round: u32,
    /// The launches of its run before it, to see what is usual.
    pub earlier: &'a [Launch],
    /// Whether it may be made again when something disturbed it; the caller has to do so.
    pub may_repeat: bool,
}

/// What came of a launch.
#[derive(Debug)]
pub struct Launched {
    /// Its row as it is stored.
    pub row: Launch,
    /// What the harness said.
    pub outcome: LaunchOutcome,
    /// Median per iteration of each benchmark that was measured.
    pub medians: Vec<(BenchmarkId, Metric, f64)>,
}

/// Makes one launch of a run that has begun, and stores it.
///
/// # Errors
///
/// When the bench could not be started, or when the store failed; the row is then left as it is, and the next writer
/// marks it. A bench that fails is an outcome.
pub fn launch_once(world: &mut World<'_>, run: &RunId, plan: LaunchPlan<'_>) -> Result<Launched, CliError> {
    let mut row = launch_row(plan);
    world.store.add_launch(run, &row)?;
    let request = LaunchRequest {
        guard: &world.site.guard,
        bench: &plan.bench.executable,
        inventory: &plan.bench.inventory,
        selected: plan.selected,
        settings: plan.settings,
        patience: world.site.patience,
        scratch: world.site.scratch.path(),
        socket: true,
    };
    let watch = Watch::begin();
    let mut failure: Option<StoreError> = None;
    let mut medians = Vec::new();
    let outcome = launch(&request, world.cancel, &mut |event| {
        take_event(event, plan, (&mut *world, run), &mut medians).map_err(|error| {
            let reason = error.to_string();
            failure = Some(error);
            Stop { reason }
        })
    })?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    row.status = outcome.status;
    row.capture = outcome.capture;
    row.reason = outcome.reason.clone();
    row.harness_version = outcome.harness_version.clone();
    row.elapsed_seconds = outcome.elapsed.as_secs_f64();
    row.exit_code = outcome.exit_code;
    let mut noticed = watch.end(&row, outcome.usage, plan.earlier);
    let disturbed = row.status == LaunchStatus::Complete && !noticed.taints.is_empty();
    noticed.repeated = plan.may_repeat && disturbed && !world.cancel.is_cancelled();
    row.covariates = Some(noticed);
    world.store.finish_launch(run, &row)?;
    Ok(Launched { row, outcome, medians })
}

/// What a launch is before it starts.
fn launch_row(plan: LaunchPlan<'_>) -> Launch {
    let executable = &plan.bench.executable.executable;
    Launch {
        ordinal: plan.ordinal,
        round: plan.round,
        executable: executable.digest,
        package: executable.package.clone(),
        target: executable.target.clone(),
        status: LaunchStatus::Running,
        capture: None,
        reason: None,
        harness_version: None,
        started: clock::now(),
        elapsed_seconds: 0.0,
        exit_code: None,
        covariates: None,
    }
}

/// Stores a measurement; everything else only moves the live line.
fn take_event(
    event: Event,
    plan: LaunchPlan<'_>,
    (world, run): (&mut World<'_>, &RunId),
    medians: &mut Vec<(BenchmarkId, Metric, f64)>,
) -> Result<(), StoreError> {
    let progress = &*world.progress;
    match event {
        Event::Connected { .. } => {}
        Event::Warmup { id, .. } => progress.detail(&format!("{id}: warming up, {}", progress.left())),
        Event::Measuring { id, estimate_ns, .. } => {
            progress.detail(&format!("{id}: measuring for {:.1} s, {}", estimate_ns / 1e9, progress.left()));
        }
        Event::Measured(measurement) => {
            let measurement = with_elements(*measurement, plan.bench);
            let values: Vec<f64> = measurement.sample.iter().map(|pair| pair.per_iteration()).collect();
            medians.extend(
                median(&values)
                    .map(|value| (measurement.benchmark.clone(), measurement.metric.clone(), value)),
            );
            world.store.insert_measurement(run, plan.ordinal, &measurement)?;
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
