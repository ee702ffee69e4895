//! The default engine on series whose truth is known.

use super::robust::{Robust, WINDOW};
use crate::model::change_point::{ChangeKind, ChangePoint};
use crate::stats::rng::SplitMix64;

fn noisy(seed: u64, level: impl Fn(usize) -> f64, n: usize) -> Vec<Option<f64>> {
    let mut rng = SplitMix64::new(seed);
    (0..n).map(|index| Some(level(index) * (0.01 * rng.normal()).exp())).collect()
}

fn changes(values: &[Option<f64>]) -> Vec<ChangePoint> {
    Robust::default().analyze(values).changes
}

#[track_caller]
fn check(values: &[Option<f64>], kind: ChangeKind, expected: &[usize], tolerance: usize) {
    let found = changes(values);
    let places: Vec<usize> =
        found.iter().filter(|change| change.kind == kind).map(|change| change.index).collect();
    let near = places.len() == expected.len()
        && places.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= tolerance);
    assert!(near, "{kind:?} at {places:?}, expected {expected:?}: {found:?}");
}

#[test]
fn steps_are_found_where_they_are_with_their_size() {
    let values = noisy(1, |i| if i < 80 { 50.0 } else { 55.0 }, 200);
    check(&values, ChangeKind::Step, &[80], 0);
    let step = &changes(&values)[0];
    let (low, high) = step.ratio_interval.unwrap();
    assert!(low < 1.1 && 1.1 < high && high / low < 1.02, "{step:?}");
    assert!((step.before - 50.0).abs() < 0.5 && (step.after - 55.0).abs() < 0.5, "{step:?}");
    assert!(step.end == 200 && step.p_value.unwrap() < 1e-6, "{step:?}");
}

#[test]
fn long_series_are_divided_everywhere_once() {
    let level = |i: usize| if (i / 190).is_multiple_of(2) { 100.0 } else { 108.0 };
    let expected: Vec<usize> = (1..).map(|k| k * 190).take_while(|place| *place < 3 * WINDOW).collect();
    let values = noisy(2, level, 3 * WINDOW + 30);
    check(&values, ChangeKind::Step, &expected, 2);
    let found = changes(&values);
    let steps: Vec<&ChangePoint> = found.iter().filter(|one| one.kind == ChangeKind::Step).collect();
    assert!(steps.windows(2).all(|pair| pair[0].end == pair[1].index), "{steps:?}");
}

#[test]
fn gaps_and_useless_values_are_skipped_and_counted() {
    let mut values = noisy(3, |i| if i < 60 { 50.0 } else { 60.0 }, 120);
    for index in (0..120).step_by(7) {
        values[index] = [None, Some(0.0), Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)][index % 5];
    }
    check(&values, ChangeKind::Step, &[60], 1);
    assert_eq!(Robust::default().analyze(&values).used, 120 - 18);
}

#[test]
fn spikes_and_short_excursions_are_no_steps() {
    let mut values = noisy(4, |_| 100.0, 150);
    values[40] = Some(130.0);
    for value in &mut values[90..94] {
        *value = Some(80.0);
    }
    check(&values, ChangeKind::Step, &[], 0);
    check(&values, ChangeKind::Spike, &[40, 90], 0);
    let spikes = changes(&values);
    assert!(spikes[1].end == 94 && (spikes[1].ratio - 0.8).abs() < 0.02, "{spikes:?}");
}

#[test]
fn slow_drift_has_its_own_name() {
    let values = noisy(5, |i| 100.0 * (0.0004 * i as f64).exp(), 250);
    check(&values, ChangeKind::Step, &[], 0);
    check(&values, ChangeKind::Drift, &[0], 5);
    let drift = &changes(&values)[0];
    assert!(drift.ratio > 1.06 && drift.ratio < 1.14 && drift.ratio_interval.is_none(), "{drift:?}");
}

#[test]
fn short_series_behave() {
    for n in 0..8 {
        assert!(changes(&noisy(6, |_| 10.0, n)).is_empty());
    }
    let values = noisy(7, |i| if i < 6 { 10.0 } else { 13.0 }, 12);
    check(&values, ChangeKind::Step, &[6], 0);
    assert!(Robust::default().analyze(&[None; 30]).scale.is_none());
}

#[test]
fn counts_without_noise_step_and_constants_do_not() {
    let values: Vec<Option<f64>> =
        (0..60).map(|i| Some(if i < 25 { 231_627.0 } else { 231_632.0 })).collect();
    check(&values, ChangeKind::Step, &[25], 0);
    assert!(changes(&[Some(5.0); 100]).is_empty());
}

#[test]
fn size_and_unit_do_not_matter() {
    let values = noisy(8, |i| if i < 70 { 1.0 } else { 1.06 }, 140);
    let scaled: Vec<Option<f64>> = values.iter().map(|value| value.map(|value| value * 3e9)).collect();
    let places = |values: &[Option<f64>]| {
        changes(values).iter().map(|change| (change.kind, change.index)).collect::<Vec<_>>()
    };
    assert_eq!(places(&values), places(&scaled));
}

#[test]
fn intervals_cover_the_true_size_about_as_often_as_they_say() {
    let (mut covered, mut all) = (0, 0);
    for seed in 0..300 {
        let values = noisy(1000 + seed, |i| if i < 60 { 100.0 } else { 105.0 }, 120);
        for step in changes(&values).iter().filter(|change| change.kind == ChangeKind::Step) {
            let (low, high) = step.ratio_interval.unwrap();
            covered += usize::from(low <= 1.05 && 1.05 <= high);
            all += 1;
        }
    }
    assert!(all >= 295, "{all}");
    // 95 % with room for the search for the place, and for three standard errors.
    let share = f64::from(u32::try_from(covered).unwrap()) / f64::from(u32::try_from(all).unwrap());
    assert!((0.90..=0.99).contains(&share), "{share}");
}
