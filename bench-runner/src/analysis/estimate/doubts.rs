//! Doubts about one benchmark's data, as findings: few launches, two clumps, long tails, short observations, plans that
//! do not fit their window.
//!
//! Screens with stated thresholds. They explain a wide interval or warn of a narrow one; they change no number.

use super::LaunchData;
use crate::analysis::words;
use crate::model::finding::{Finding, Severity};
use crate::model::measurement::{Measurement, SamplingMode};
use crate::stats::modes::two_modes;
use crate::stats::moments::{lag_one_autocorrelation, mean, standard_deviation};
use crate::stats::variance::VarianceSplit;

/// Launches below which a benchmark counts as thinly replicated.
const WANTED_LAUNCHES: usize = 5;
/// Share of the variance of a launch mean above which launches dominate.
const LAUNCH_SHARE: f64 = 0.5;
/// Relative standard deviation of the launch medians below which nobody needs to care.
const LAUNCH_DEVIATION: f64 = 0.01;
/// Ashman's D above which a sample counts as two clumps; a uniform sample has 3.5.
const SEPARATION: f64 = 4.0;
/// Relative distance of the clumps below which they do not matter.
const MODE_DISTANCE: f64 = 0.02;
/// 95th percentile over median above which a tail counts as long.
const TAIL: f64 = 1.1;
/// Total of one observation below which reading the clock (about 50 ns) exceeds 0.05 % of it.
const SHORT_NS: f64 = 100_000.0;
/// Measured over planned time above which a plan counts as overrun.
const OVERRUN: f64 = 1.25;

/// All doubts about the launches of one benchmark.
pub(super) fn of(
    first: &Measurement,
    data: &[LaunchData<'_>],
    split: Option<&VarianceSplit>,
) -> Vec<Finding> {
    let subject = first.benchmark.to_string();
    let doubts = [
        few_launches(data),
        launch_variance(data, split),
        two_clumps(data),
        long_tail(data),
        short_observations(first, data),
        overrun(first, data),
        step_of_one(data),
    ];
    doubts.into_iter().flatten().map(|finding| Finding { subject: subject.clone(), ..finding }).collect()
}

fn few_launches(data: &[LaunchData<'_>]) -> Option<Finding> {
    let launches = data.len();
    if launches == 1 {
        let memory = lag_one_autocorrelation(&data[0].values)
            .map_or(String::new(), |r| format!(", lag-1 autocorrelation {r:.2}"));
        return Some(Finding::of_whole(
            "single-launch",
            Severity::Warning,
            format!("1 launch with {}{memory}", words::count(data[0].values.len() as u64, "observation")),
            "the interval covers noise within this one process only; another launch may differ by far more",
            "measure with at least 5 launches",
        ));
    }
    (launches < WANTED_LAUNCHES).then(|| {
        let effect = if launches < super::REPLICATED_LAUNCHES {
            "the interval covers noise within the launches only, not between them"
        } else {
            "the interval is wide, because few launches say little about their spread"
        };
        let severity = if launches < super::REPLICATED_LAUNCHES { Severity::Warning } else { Severity::Info };
        let evidence = format!("{launches} launches");
        Finding::of_whole("few-launches", severity, evidence, effect, "measure with at least 5 launches")
    })
}

fn launch_variance(data: &[LaunchData<'_>], split: Option<&VarianceSplit>) -> Option<Finding> {
    let split = split.filter(|split| split.launch_share > LAUNCH_SHARE)?;
    let medians: Vec<f64> = data.iter().map(|launch| launch.sorted.median()).collect();
    let deviation = standard_deviation(&medians)? / mean(&medians)?;
    (data.len() >= super::REPLICATED_LAUNCHES && deviation > LAUNCH_DEVIATION).then(|| {
        Finding::of_whole(
            "launch-variance",
            Severity::Info,
            format!(
                "{} of the variance of a launch mean comes from the launch; launch medians differ with a standard deviation of {}",
                words::share(split.launch_share),
                words::percent(deviation)
            ),
            "more observations per launch would not narrow the interval",
            "spend the time on more and shorter launches",
        )
    })
}

/// Whether at least half of the launches show it.
fn in_most(data: &[LaunchData<'_>], count: usize) -> bool {
    count > 0 && 2 * count >= data.len()
}

fn two_clumps(data: &[LaunchData<'_>]) -> Option<Finding> {
    let clumps: Vec<_> = data
        .iter()
        .filter_map(|launch| two_modes(&launch.sorted).map(|modes| (launch, modes)))
        .filter(|(_, modes)| {
            modes.separation > SEPARATION && modes.high - modes.low > MODE_DISTANCE * modes.low
        })
        .collect();
    let (launch, modes) = clumps.first()?;
    in_most(data, clumps.len()).then(|| {
        let metric = &launch.measurement.metric;
        Finding::of_whole(
            "two-modes",
            Severity::Warning,
            format!(
                "the observations of {} of {} launches fall into two clumps; launch {}: {} of the observations around {}, the others around {}",
                clumps.len(),
                data.len(),
                launch.launch,
                words::share(modes.high_share),
                words::quantity(modes.high, metric),
                words::quantity(modes.low, metric),
            ),
            "the median jumps when the shares of the clumps change a little",
            "look for frequency steps, a busy sibling core or migrations; compare the clumps, not only the median",
        )
    })
}

fn long_tail(data: &[LaunchData<'_>]) -> Option<Finding> {
    let ratios: Vec<f64> =
        data.iter().map(|launch| launch.sorted.quantile(0.95) / launch.sorted.median()).collect();
    let long = ratios.iter().filter(|ratio| **ratio > TAIL).count();
    in_most(data, long).then(|| {
        let worst = ratios.iter().copied().fold(0.0, f64::max);
        Finding::of_whole(
            "long-tail",
            Severity::Info,
            format!(
                "in {long} of {} launches the 95th percentile exceeds the median by more than 10 %, at worst by {}",
                data.len(),
                words::percent(worst - 1.0)
            ),
            "means and slopes are pulled upwards; the median is not",
            "close other work on the machine; if the tail is the program's own, state its percentile too",
        )
    })
}

fn short_observations(first: &Measurement, data: &[LaunchData<'_>]) -> Option<Finding> {
    if !first.metric.is_time() {
        return None;
    }
    let shortest = data
        .iter()
        .filter_map(|launch| {
            let totals: Vec<f64> = launch.measurement.sample.iter().map(|o| o.total).collect();
            crate::stats::order::median(&totals)
        })
        .fold(f64::INFINITY, f64::min);
    (shortest < SHORT_NS).then(|| {
        Finding::of_whole(
            "short-observations",
            Severity::Warning,
            format!("half of a launch's observations take less than {}", words::time(shortest)),
            "reading the clock takes about 50 ns of each observation and its resolution shows in the values",
            "ask for a longer measurement time or a smaller sample size, so that each observation iterates more often",
        )
    })
}

fn overrun(first: &Measurement, data: &[LaunchData<'_>]) -> Option<Finding> {
    let planned = first.settings.as_ref()?.measurement_ns;
    if !first.metric.is_time() || planned <= 0.0 {
        return None;
    }
    let spent = data.iter().map(|launch| launch.measurement.sample.iter().map(|o| o.total).sum::<f64>());
    let worst = spent.fold(0.0, f64::max);
    (worst > OVERRUN * planned).then(|| {
        Finding::of_whole(
            "plan-overrun",
            Severity::Info,
            format!(
                "a launch measured for {} where {} were asked",
                words::seconds(worst),
                words::seconds(planned)
            ),
            "the run takes longer than its profile says; the numbers are sound",
            "reduce the sample size or ask for flat sampling",
        )
    })
}

fn step_of_one(data: &[LaunchData<'_>]) -> Option<Finding> {
    let found = data.iter().any(|launch| {
        launch.measurement.sampling == SamplingMode::Linear
            && launch.measurement.sample.first().is_some_and(|observation| observation.iterations == 1)
    });
    found.then(|| {
        Finding::of_whole(
            "linear-step-one",
            Severity::Info,
            "linear sampling starts with a single iteration".to_owned(),
            "the first observations rest on one or few iterations and scatter more than the last ones",
            "reduce the sample size or ask for flat sampling",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::estimate_run;
    use crate::analysis::examples::{benchmark, measurement, noisy_launches};
    use crate::model::measurement::{HarnessSettings, Measurement, Observation, SamplingMode};
    use crate::stats::rng::SplitMix64;

    #[track_caller]
    fn check(measurements: &[(u32, Measurement)], expected: &[&str]) {
        let findings = estimate_run(&[], measurements).remove(0).findings;
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, expected, "{findings:#?}");
        assert!(findings.iter().all(|f| f.subject == "t/f" && !f.remedy.is_empty() && !f.effect.is_empty()));
    }

    fn shaped(launches: u32, shape: impl Fn(usize, &mut SplitMix64) -> f64) -> Vec<(u32, Measurement)> {
        let mut rng = SplitMix64::new(21);
        (0..launches)
            .map(|launch| {
                let values: Vec<f64> = (0..100).map(|i| 1e6 * shape(i, &mut rng)).collect();
                (launch, measurement(benchmark("t", "f", None), &values))
            })
            .collect()
    }

    #[test]
    fn steady_launches_raise_no_doubt() {
        check(&shaped(6, |_, rng| 1.0 + 0.01 * rng.normal()), &[]);
    }

    #[test]
    fn thin_replication_is_named() {
        check(&noisy_launches("t", "f", 1e6, 1, 0.0), &["single-launch"]);
        check(&noisy_launches("t", "f", 1e6, 2, 0.0), &["few-launches"]);
        check(&noisy_launches("t", "f", 1e6, 4, 0.0), &["few-launches"]);
        check(&noisy_launches("t", "f", 1e6, 8, 0.05), &["launch-variance"]);
    }

    #[test]
    fn odd_shapes_are_named() {
        check(
            &shaped(6, |i, rng| if i % 3 == 0 { 1.08 } else { 1.0 } + 0.005 * rng.normal()),
            &["two-modes"],
        );
        check(&shaped(6, |_, rng| 1.0 - 0.1 * (1.0 - rng.unit()).ln()), &["long-tail"]);
    }

    #[test]
    fn plans_that_do_not_fit_are_named() {
        let mut launches = shaped(6, |_, rng| 1.0 + 0.01 * rng.normal());
        for (_, measurement) in &mut launches {
            measurement.settings =
                Some(HarnessSettings { warm_up_ns: 0.0, measurement_ns: 50e6, sample_size: 100 });
        }
        check(&launches, &["plan-overrun"]);
        for (_, measurement) in &mut launches {
            measurement.settings = None;
            measurement.sampling = SamplingMode::Linear;
        }
        check(&launches, &["linear-step-one"]);
        for (_, measurement) in &mut launches {
            for observation in &mut measurement.sample {
                *observation = Observation { iterations: 2, total: observation.total / 100.0 };
            }
        }
        check(&launches, &["short-observations"]);
    }

    /// Thresholds that prose repeats.
    #[test]
    fn the_document_states_the_thresholds() {
        use super::*;
        let document = include_str!("../../../docs/statistics.md");
        for sentence in [
            format!("1 launch; fewer than {WANTED_LAUNCHES} |"),
            format!("more than {:.0} % of the variance of a launch mean", LAUNCH_SHARE * 100.0),
            format!("scatter by more than {:.0} %", LAUNCH_DEVIATION * 100.0),
            format!("Ashman's D > {SEPARATION} and means more than {:.0} % apart", MODE_DISTANCE * 100.0),
            format!("95th percentile > {TAIL} × median"),
            format!("median observation below {:.0} µs", SHORT_NS / 1000.0),
            format!("measured > {OVERRUN} × asked time"),
        ] {
            assert!(document.contains(&sentence), "docs/statistics.md does not say: {sentence}");
        }
    }
}
