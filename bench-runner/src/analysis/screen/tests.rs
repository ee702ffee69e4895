//! Nights of small suites, to the point where they are an event or an alert.

use super::*;
use crate::stats::rng::SplitMix64;

/// The night after 120 quiet ones, in which each series is `factors` times its level.
fn last_night(settings: Settings, factors: &[f64]) -> Night {
    let mut screen = Screen::new(settings, AcceptedShifts::default());
    let mut rng = SplitMix64::new(12);
    let mut night = |factors: &[f64]| {
        let values: Vec<Option<f64>> =
            factors.iter().map(|factor| Some(100.0 * factor * (0.01 * rng.normal()).exp())).collect();
        screen.night(0, &values)
    };
    for _ in 0..120 {
        night(&vec![1.0; factors.len()]);
    }
    night(factors)
}

#[test]
fn a_small_suite_that_moves_as_one_is_one_event() {
    let alerts = |night: &Night| night.series.iter().filter(|v| matches!(v.answer, Answer::Alert(_))).count();
    let check = |settings, factors: &[f64], expected: (usize, bool)| {
        let night = last_night(settings, factors);
        assert_eq!((alerts(&night), night.machine.is_some()), expected, "{factors:?}: {night:?}");
    };
    check(HISTORY_ONLY, &[1.3, 1.3], (0, true));
    check(HISTORY_ONLY, &[0.7, 0.7, 0.7, 0.7], (0, true));
    check(HISTORY_ONLY, &[1.3, 1.0], (1, false));
    check(HISTORY_ONLY, &[1.3, 0.7], (2, false));
    // One series is no suite; and what can be measured again is.
    check(HISTORY_ONLY, &[1.3], (1, false));
    check(SUSPECTS, &[1.3, 1.3], (2, false));
    let ratio = last_night(HISTORY_ONLY, &[1.3, 1.3, 1.3]).machine.unwrap().exp();
    assert!((ratio - 1.3).abs() < 0.05, "{ratio}");
}
