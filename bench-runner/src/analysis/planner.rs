//! What a wanted precision costs: observations per launch, launches and seconds, from what a stored run showed.
//!
//! It plans with the spread of one run, or of the calibration of its machine where that rests on more launches; a noisier day
//! needs more. Criterion's own choices are predicted with `stats::criterion_plan`.

use std::collections::BTreeMap;

use crate::model::calibration::BenchmarkNoise;
use crate::model::ids::BenchmarkId;
use crate::model::measurement::{Measurement, SamplingMode};
use crate::stats::criterion_plan::{Mode, plan as criterion_plan};
use crate::stats::moments::{mean, variance};
use crate::stats::order::median;
use crate::stats::power::minimum_detectable_effect;
use crate::stats::variance::{VarianceSplit, best_observations_per_launch, launches_for_half_width, split};

/// Fewest observations that Criterion takes.
pub const FEWEST_OBSERVATIONS: u64 = 10;
/// Most launches that are proposed: beyond, the answer is that the precision cannot be had.
pub const MOST_LAUNCHES: u64 = 1000;

/// Launches of one block of a calibration: both sides twice.
pub const LAUNCHES_OF_BLOCK: u64 = 4;

/// Where the spread that launches add was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpreadFrom {
    /// In the run that is planned from.
    Run,
    /// In the calibration of its machine: it rests on more launches.
    Calibration,
}

/// What is wanted, and what launches cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// Half width of the 95 % interval, as a fraction.
    pub precision: f64,
    /// Seconds at most for everything; `None` is no limit.
    pub budget_seconds: Option<f64>,
    /// Seconds that a benchmark of a launch takes before its first observation: warm-up and its share of the start.
    pub launch_seconds: f64,
    /// Seconds that the observations of a benchmark of a launch take together, as they were measured.
    pub measuring_seconds: f64,
    /// Variance of the level of one session, from calibration; 0 when it is not known.
    pub session_variance: f64,
}

/// What Criterion will do in each launch.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Prediction {
    /// Linear rather than flat sampling.
    pub linear: bool,
    /// Iterations of all observations together.
    pub iterations: u64,
    /// Seconds of measuring.
    pub seconds: f64,
    /// Whether Criterion prints "Unable to complete".
    pub warns: bool,
}

/// The plan of one benchmark.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlanRow {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// Launches that the spread between launches was estimated from.
    pub seen_launches: u64,
    /// Where that spread was seen.
    pub spread_from: SpreadFrom,
    /// The same spread as the run alone shows it, as a fraction; `None` with a single launch.
    pub run_between_sd: Option<f64>,
    /// Standard deviation of an observation within a launch, as a fraction.
    pub within_sd: f64,
    /// Standard deviation that launches add, as a fraction.
    pub between_sd: f64,
    /// Observations per launch that cost least.
    pub observations: u64,
    /// Launches for the precision; `None` when not even many suffice.
    pub launches: Option<u64>,
    /// Seconds of those launches.
    pub seconds: Option<f64>,
    /// Half width of the 95 % interval that the plan, or what the budget allows of it, gives.
    pub half_width: f64,
    /// Smallest change between two such runs that shows with 90 % probability at 5 %, sessions included.
    pub smallest_change: Option<f64>,
    /// What Criterion will do in each launch.
    pub criterion: Option<Prediction>,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Plan {
    /// Each benchmark that has a plan, in order of its name.
    pub rows: Vec<PlanRow>,
    /// Benchmarks without one, and why.
    pub without: Vec<(BenchmarkId, String)>,
    /// Launches of every executable, so that the most demanding benchmark is served, within the budget.
    pub launches: u64,
    /// Observations per launch and benchmark.
    pub observations: u64,
    /// Seconds of the whole.
    pub seconds: f64,
    /// Whether the budget allows less than the precision needs.
    pub limited: bool,
}

/// Plans a run from the measurements of a stored one.
///
/// All benchmarks of an executable are launched together, and a launch costs all of them; so the plan is one number of
/// launches, that of the most demanding benchmark.
///
/// `calibrated` is what a calibration of the same machine and configuration says of its benchmarks; empty without one. Where it
/// rests on more launches than the run, the spread that launches add is its spread of launch medians. What its short launches
/// leave of the noise within them is in that number, so that the plan rather asks for too many launches than for too few.
///
/// # Edge cases
/// Benchmarks without any variation have no row, nor have those with a single launch that `calibrated` does not know. Without
/// rows everything is 0.
///
/// # Reference
/// Kalibera and Jones (2013), as in `stats::variance`; session variance adds to a single session's mean and is no
/// matter of more launches.
#[must_use]
pub fn plan(measurements: &[(u32, Measurement)], wish: &Wish, calibrated: &[BenchmarkNoise]) -> Plan {
    let mut rows = Vec::new();
    let mut without = Vec::new();
    for (benchmark, found) in grouped(measurements) {
        let noise = calibrated.iter().find(|noise| noise.benchmark == *benchmark && noise.metric.is_time());
        match draft(&found, wish, noise) {
            Ok(draft) => rows.push((benchmark.clone(), draft, found)),
            Err(why) => without.push((benchmark.clone(), why.to_owned())),
        }
    }
    let observations = rows.iter().map(|(_, draft, _)| draft.observations).max().unwrap_or(0);
    let count = rows.len() as f64;
    let each = |observations: u64, own: u64| {
        wish.launch_seconds + wish.measuring_seconds * observations as f64 / own.max(1) as f64
    };
    let own = rows.iter().map(|(_, draft, _)| draft.seen_observations).max().unwrap_or(1);
    let wanted = rows
        .iter()
        .map(|(_, draft, _)| {
            launches_for_half_width(&draft.split, observations as f64, wish.precision).unwrap_or(u64::MAX)
        })
        .max()
        .unwrap_or(0);
    let affordable = wish.budget_seconds.map_or(MOST_LAUNCHES, |budget| {
        crate::stats::floor_to_index(budget / (count * each(observations, own))) as u64
    });
    let launches = wanted.min(affordable).min(MOST_LAUNCHES);
    let seconds = launches as f64 * count * each(observations, own);
    let rows: Vec<PlanRow> = rows
        .into_iter()
        .map(|(benchmark, draft, found)| {
            let needed = launches_for_half_width(&draft.split, observations as f64, wish.precision)
                .filter(|launches| *launches <= MOST_LAUNCHES);
            let of_launch = draft.split.between + draft.split.within / observations as f64;
            let variance = of_launch / launches.max(1) as f64;
            let error = (2.0 * (variance + wish.session_variance)).sqrt();
            let degrees = 2.0 * (launches as f64 - 1.0);
            PlanRow {
                benchmark,
                seen_launches: draft.launches,
                spread_from: draft.spread_from,
                run_between_sd: draft.of_run.map(|split| split.between.sqrt()),
                within_sd: draft.split.within.sqrt(),
                between_sd: draft.split.between.sqrt(),
                observations: draft.observations,
                launches: needed,
                seconds: needed.map(|launches| launches as f64 * each(observations, own)),
                half_width: 1.96 * variance.sqrt(),
                smallest_change: minimum_detectable_effect(error, degrees, 0.05, super::compare::POWER)
                    .map(f64::exp_m1),
                criterion: prediction(&found, observations, wish.measuring_seconds),
            }
        })
        .collect();
    Plan { rows, without, launches, observations, seconds, limited: wanted > launches }
}

/// Predicts what Criterion does with a benchmark that takes so long per iteration.
#[must_use]
pub fn predict(iteration_ns: f64, observations: u64, measuring_seconds: f64) -> Option<Prediction> {
    criterion_plan(Mode::Auto, iteration_ns, observations, measuring_seconds * 1e9).map(|plan| Prediction {
        linear: plan.linear,
        iterations: plan.iterations,
        seconds: plan.predicted_ns / 1e9,
        warns: plan.warns,
    })
}

/// What one benchmark showed.
struct Draft {
    split: VarianceSplit,
    /// The split of the run alone.
    of_run: Option<VarianceSplit>,
    /// Launches behind the spread between launches.
    launches: u64,
    spread_from: SpreadFrom,
    observations: u64,
    seen_observations: u64,
}

fn grouped(measurements: &[(u32, Measurement)]) -> BTreeMap<&BenchmarkId, Vec<&Measurement>> {
    let mut found: BTreeMap<&BenchmarkId, Vec<&Measurement>> = BTreeMap::new();
    for (_, measurement) in measurements.iter().filter(|(_, measurement)| measurement.metric.is_time()) {
        found.entry(&measurement.benchmark).or_default().push(measurement);
    }
    found
}

fn draft(found: &[&Measurement], wish: &Wish, noise: Option<&BenchmarkNoise>) -> Result<Draft, &'static str> {
    let logs: Vec<Vec<f64>> = found
        .iter()
        .map(|measurement| measurement.sample.iter().map(|pair| pair.per_iteration().ln()).collect())
        .collect();
    let of_run = split(&logs);
    let (own, more) =
        (logs.len() as u64, noise.map_or(0, |noise| LAUNCHES_OF_BLOCK * u64::from(noise.blocks)));
    let (split, launches, spread_from) = match (of_run, noise.filter(|_| more > own)) {
        (_, Some(noise)) => (calibrated_split(&logs, noise), more, SpreadFrom::Calibration),
        (Some(split), None) => (Some(split), own, SpreadFrom::Run),
        (None, None) if own < 2 => return Err("fewer than two launches: what launches add is unknown"),
        (None, None) => (None, own, SpreadFrom::Run),
    };
    let split = split.ok_or("nothing varies, or a launch has a single observation")?;
    let seen = found.iter().map(|measurement| measurement.sample.len() as u64).max().unwrap_or(1);
    let observation_seconds = wish.measuring_seconds / seen.max(1) as f64;
    // Where launches add nothing, more observations always pay: those of the run are kept.
    let best = best_observations_per_launch(&split, wish.launch_seconds, observation_seconds).unwrap_or(seen);
    Ok(Draft {
        split,
        of_run,
        launches,
        spread_from,
        observations: best.clamp(FEWEST_OBSERVATIONS, seen.max(FEWEST_OBSERVATIONS)),
        seen_observations: seen,
    })
}

/// The noise within launches as the run has it, and the spread between launches as calibration measured it.
fn calibrated_split(logs: &[Vec<f64>], noise: &BenchmarkNoise) -> Option<VarianceSplit> {
    let inside: Vec<f64> = logs.iter().filter_map(|launch| variance(launch)).collect();
    let within = mean(&inside)?;
    let observations = logs.len() as f64 / logs.iter().map(|launch| 1.0 / launch.len() as f64).sum::<f64>();
    let between = noise.launch_sd.powi(2);
    let all = between + within / observations;
    (all > 0.0).then(|| VarianceSplit { within, between, observations, launch_share: between / all })
}

fn prediction(found: &[&Measurement], observations: u64, measuring_seconds: f64) -> Option<Prediction> {
    let values: Vec<f64> = found
        .iter()
        .filter(|measurement| measurement.sampling != SamplingMode::Other)
        .flat_map(|measurement| measurement.sample.iter().map(|pair| pair.per_iteration()))
        .collect();
    predict(median(&values)?, observations, measuring_seconds)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{benchmark, noisy_launches};
    use super::*;
    use crate::model::units::Metric;

    const WISH: Wish = Wish {
        precision: 0.01,
        budget_seconds: None,
        launch_seconds: 0.4,
        measuring_seconds: 1.0,
        session_variance: 0.0,
    };

    #[test]
    fn a_finer_precision_costs_four_times_as_much() {
        let data = noisy_launches("t", "f", 1e6, 12, 0.02);
        let plan_at = |precision: f64| plan(&data, &Wish { precision, ..WISH }, &[]);
        let (coarse, fine) = (plan_at(0.01), plan_at(0.005));
        let ratio = fine.launches as f64 / coarse.launches as f64;
        assert!((ratio / 4.0 - 1.0).abs() < 0.25, "{} {}", coarse.launches, fine.launches);
        assert!(coarse.rows[0].half_width <= 0.01 && !coarse.limited, "{coarse:?}");
        assert!((coarse.seconds / coarse.rows[0].seconds.unwrap() - 1.0).abs() < 1e-9, "{coarse:?}");
        assert!(coarse.rows[0].smallest_change.unwrap() > coarse.rows[0].half_width);
    }

    #[test]
    fn a_budget_limits_and_says_what_it_gives() {
        let data = noisy_launches("t", "f", 1e6, 12, 0.02);
        let free = plan(&data, &WISH, &[]);
        let short = plan(&data, &Wish { budget_seconds: Some(free.seconds / 3.0), ..WISH }, &[]);
        assert!(short.limited && short.launches < free.launches && short.seconds <= free.seconds / 3.0);
        assert!(short.rows[0].half_width > WISH.precision, "{short:?}");
        assert_eq!(short.rows[0].launches, free.rows[0].launches);
    }

    #[test]
    fn sessions_are_a_floor_that_launches_do_not_lower() {
        let data = noisy_launches("t", "f", 1e6, 12, 0.02);
        let row = &plan(&data, &Wish { session_variance: 0.02_f64.powi(2), ..WISH }, &[]).rows[0];
        assert!(row.smallest_change.unwrap() > 3.2 * 0.02 * 2.0_f64.sqrt(), "{row:?}");
    }

    #[test]
    fn one_launch_has_no_plan_and_says_why() {
        let none = plan(&noisy_launches("t", "f", 1e6, 1, 0.02), &WISH, &[]);
        assert_eq!((none.rows.len(), none.without.len(), none.launches), (0, 1, 0));
        assert!(none.without[0].1.contains("two launches"));
        assert_eq!(plan(&[], &WISH, &[]).seconds.to_bits(), 0.0_f64.to_bits());
    }

    /// A calibration of the benchmark of [`noisy_launches`] with so many blocks.
    fn calibrated(blocks: u32, launch_sd: f64) -> BenchmarkNoise {
        BenchmarkNoise {
            benchmark: benchmark("t", "f", None),
            metric: Metric::time(),
            executable: None,
            blocks,
            block_sd: launch_sd,
            launch_sd,
            level: 0.0,
            level_variance: 0.0,
            smallest_change: None,
        }
    }

    #[test]
    fn the_spread_of_launches_is_that_of_more_launches() {
        let data = noisy_launches("t", "f", 1e6, 12, 0.02);
        let own = plan(&data, &WISH, &[]);
        let check = |noise: &[BenchmarkNoise], from, launches: u64, sd: f64| {
            let plan = plan(&data, &WISH, noise);
            let row = &plan.rows[0];
            assert_eq!((row.spread_from, row.seen_launches), (from, launches), "{row:?}");
            assert!((row.between_sd - sd).abs() < 1e-12, "{row:?}");
            assert_eq!(row.run_between_sd, Some(own.rows[0].between_sd));
            plan.launches
        };
        let of_run = own.rows[0].between_sd;
        assert_eq!(check(&[], SpreadFrom::Run, 12, of_run), own.launches);
        // Three blocks are twelve launches: no more than the run has.
        assert_eq!(check(&[calibrated(3, 0.05)], SpreadFrom::Run, 12, of_run), own.launches);
        let calm = check(&[calibrated(40, 0.005)], SpreadFrom::Calibration, 160, 0.005);
        let wild = check(&[calibrated(40, 0.05)], SpreadFrom::Calibration, 160, 0.05);
        assert!(calm < own.launches && own.launches < wild, "{calm} {} {wild}", own.launches);
        // The 97 that (1.96 · 5 % ÷ 1 %)² says, and a little for the noise within launches.
        assert!((97..=104).contains(&wild), "{wild}");
        let other = BenchmarkNoise { benchmark: benchmark("t", "g", None), ..calibrated(40, 0.05) };
        check(&[other], SpreadFrom::Run, 12, of_run);
    }

    #[test]
    fn one_launch_has_a_plan_where_calibration_knows_the_rest() {
        let data = noisy_launches("t", "f", 1e6, 1, 0.02);
        let found = plan(&data, &WISH, &[calibrated(40, 0.03)]);
        let row = &found.rows[0];
        assert_eq!((row.seen_launches, row.run_between_sd, found.without.len()), (160, None, 0), "{row:?}");
        assert!((30..=40).contains(&found.launches), "{found:?}");
    }

    #[test]
    fn slow_benchmarks_are_warned_about() {
        let slow = predict(1e9, 20, 1.0).unwrap();
        assert!(slow.warns && !slow.linear && (slow.seconds - 20.0).abs() < 1e-9);
        let fast = predict(1e4, 20, 1.0).unwrap();
        assert!(!fast.warns && fast.linear && (fast.seconds - 1.0).abs() < 0.05, "{fast:?}");
    }
}
