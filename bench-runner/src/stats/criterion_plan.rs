//! What Criterion will do with a benchmark, before it does it.
//!
//! A replica of the plan in Criterion 0.8.2 (`SamplingMode::choose_sampling_mode`,
//! `ActualSamplingMode::iteration_counts` in its `src/lib.rs`). It knows nothing of warm-up noise: Criterion plans with the mean of
//! its own warm-up, which differs from the later result.

use super::ceil_to_count;

/// Sampling mode asked of Criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Criterion chooses.
    Auto,
    /// d, 2d, 3d … iterations.
    Linear,
    /// The same count each time.
    Flat,
}

/// The plan that results.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Linear (true) or flat (false).
    pub linear: bool,
    /// Iterations of the first observation: d under linear sampling, the count of each under flat.
    pub step: u64,
    /// Iterations of all observations together.
    pub iterations: u64,
    /// Predicted measuring time in nanoseconds, without warm-up.
    pub predicted_ns: f64,
    /// Whether Criterion prints "Unable to complete …" (it then measures all observations anyway).
    pub warns: bool,
    /// Sample size that Criterion's warning recommends; `None` without a warning.
    pub recommended_sample_size: Option<u64>,
}

/// Predicts Criterion's plan for an expected time per iteration, a sample size and a measurement time.
///
/// # Units
/// Nanoseconds.
///
/// # Edge cases
/// `None` when a time is not finite and above zero or the sample size is 0.
///
/// # Reference
/// Criterion 0.8.2, `src/lib.rs`. Linear: `d = ⌈T ÷ (met · n(n+1)/2)⌉`; flat when the linear plan would take more than
/// 2·T: `⌈T ÷ n ÷ met⌉` iterations each. The warning appears when that number is 1.
#[must_use]
pub fn plan(mode: Mode, iteration_ns: f64, sample_size: u64, measurement_ns: f64) -> Option<Plan> {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    if !positive(iteration_ns) || !positive(measurement_ns) || sample_size == 0 {
        return None;
    }
    let n = sample_size as f64;
    let total_runs = n * (n + 1.0) / 2.0;
    let linear_step = ceil_to_count(measurement_ns / iteration_ns / total_runs).max(1);
    let linear_ns = total_runs * linear_step as f64 * iteration_ns;
    let linear = match mode {
        Mode::Linear => true,
        Mode::Flat => false,
        Mode::Auto => linear_ns <= 2.0 * measurement_ns,
    };
    let (step, iterations, recommended) = if linear {
        let runs = sample_size.saturating_mul(sample_size.saturating_add(1)) / 2;
        (linear_step, runs.saturating_mul(linear_step), linear_recommendation(measurement_ns / iteration_ns))
    } else {
        let step = ceil_to_count(measurement_ns / n / iteration_ns).max(1);
        (step, sample_size.saturating_mul(step), rounded_recommendation(measurement_ns / iteration_ns))
    };
    let warns = step == 1;
    Some(Plan {
        linear,
        step,
        iterations,
        predicted_ns: iterations as f64 * iteration_ns,
        warns,
        recommended_sample_size: warns.then_some(recommended),
    })
}

fn linear_recommendation(c: f64) -> u64 {
    rounded_recommendation(((4.0 * c).sqrt() - 1.0) / 2.0)
}

/// Rounds down to a multiple of ten, at least ten, as Criterion does.
fn rounded_recommendation(size: f64) -> u64 {
    (super::floor_to_index(size) as u64 / 10 * 10).max(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: f64 = 1e9;

    #[track_caller]
    fn check(iteration_ns: f64, seconds: f64, linear: bool, step: u64, predicted_s: f64) {
        let plan = plan(Mode::Auto, iteration_ns, 300, seconds * SECOND).unwrap();
        assert_eq!((plan.linear, plan.step, plan.warns), (linear, step, step == 1), "{plan:?}");
        assert!((plan.predicted_ns / SECOND - predicted_s).abs() < 0.05, "{plan:?}");
    }

    /// The seven benchmarks of the founding record at 15 s and 300 observations.
    #[test]
    fn the_founding_record_is_planned_as_criterion_did() {
        check(17_309.0, 15.0, true, 20, 15.63);
        check(33_659.0, 15.0, true, 10, 15.20);
        check(171_240.0, 15.0, true, 2, 15.46);
        check(636_040.0, 15.0, true, 1, 28.72);
        check(1_242_500.0, 15.0, false, 41, 15.28);
        check(20_047_000.0, 15.0, false, 3, 18.04);
        check(45_890_000.0, 15.0, false, 2, 27.53);
    }

    #[test]
    fn a_longer_window_does_not_help_but_flat_sampling_does() {
        check(636_040.0, 20.0, true, 1, 28.72);
        let flat = plan(Mode::Flat, 636_040.0, 300, 15.0 * SECOND).unwrap();
        assert!(!flat.warns && (flat.predicted_ns / SECOND - 15.07).abs() < 0.01, "{flat:?}");
        let linear = plan(Mode::Linear, 636_040.0, 300, 15.0 * SECOND).unwrap();
        assert_eq!(linear.recommended_sample_size, Some(150));
    }

    #[test]
    fn slow_routines_run_every_observation_anyway() {
        let plan = plan(Mode::Auto, SECOND, 100, 5.0 * SECOND).unwrap();
        assert_eq!((plan.linear, plan.step, plan.iterations), (false, 1, 100));
        assert_eq!(plan.recommended_sample_size, Some(10));
        assert!((plan.predicted_ns - 100.0 * SECOND).abs() < 1.0);
    }

    #[test]
    fn impossible_settings_have_no_plan() {
        for (time, size, window) in [(0.0, 10, 1.0), (1.0, 0, 1.0), (1.0, 10, f64::NAN), (-1.0, 10, 1.0)] {
            assert_eq!(plan(Mode::Auto, time, size, window), None);
        }
    }
}
