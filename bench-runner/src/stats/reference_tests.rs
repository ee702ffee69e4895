//! Every deterministic statistic against an independent implementation, on a thousand inputs each.
//!
//! Inputs are made here exactly as `scripts/reference/stats_reference.py` makes them; only its outputs are stored.

use super::rng::SplitMix64;
use super::sequential::Evidence;
use super::{
    Sorted, autocorrelation, bootstrap, density, distributions, interval, moments, multiplicity, proportion,
    rank, scale, sign_flip, signed_rank, variance,
};

#[derive(serde::Deserialize)]
struct Fixture {
    family: u64,
    columns: Vec<String>,
    rows: Vec<Vec<Option<f64>>>,
}

/// Compares `actual(case, rng)` with every row of a fixture to 1e-9, relative or (below one) to `floor`.
#[track_caller]
fn check(text: &str, floor: f64, actual: impl Fn(u64, &mut SplitMix64) -> Vec<Option<f64>>) {
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    assert!(fixture.rows.len() >= 1000);
    let mut compared = 0;
    for (case, expected) in (0..).zip(&fixture.rows) {
        let row = actual(case, &mut SplitMix64::new(fixture.family * 1_000_000 + case));
        assert_eq!(row.len(), expected.len());
        for ((name, actual), expected) in fixture.columns.iter().zip(row).zip(expected) {
            match (actual, expected) {
                (Some(actual), Some(expected)) => {
                    let error = (actual - expected).abs();
                    assert!(
                        error <= 1e-9 * expected.abs().max(floor),
                        "{name} of case {case}: {actual}, reference {expected}"
                    );
                    compared += 1;
                }
                (actual, expected) => assert_eq!(actual, *expected, "{name} of case {case}"),
            }
        }
    }
    assert!(compared >= 1000, "{compared} values compared");
}

fn values(rng: &mut SplitMix64, case: u64, n: usize) -> Vec<f64> {
    (0..n)
        .map(|_| {
            let u = rng.unit();
            match case % 3 {
                0 => 100.0 + 10.0 * u,
                1 => 100.0 / (1.0 - 0.999 * u),
                _ => 100.0 + (8.0 * u).floor(),
            }
        })
        .collect()
}

#[test]
fn one_sample_statistics_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/sample.json"), 1e-3, |case, rng| {
        let n = 3 + rng.below(60);
        let x = values(rng, case, n);
        let sorted = Sorted::new(&x).unwrap();
        let iterations: Vec<f64> = (1..=n).map(|i| i as f64).collect();
        let totals: Vec<f64> = iterations.iter().zip(&x).map(|(i, x)| i * x).collect();
        let line = moments::line_through_origin(&iterations, &totals);
        let bandwidth = density::silverman_bandwidth(&sorted);
        let interval = interval::one_sample(&x, 0.95).filter(|interval| interval.standard_error > 0.0);
        vec![
            Some(sorted.quantile(0.1)),
            Some(sorted.quantile(0.25)),
            Some(sorted.median()),
            Some(sorted.quantile(0.95)),
            Some(sorted.median_absolute_deviation()),
            Some(sorted.trimmed_mean(0.1)),
            moments::mean(&x),
            moments::variance(&x),
            moments::geometric_mean(&x),
            line.map(|line| line.slope),
            line.map(|line| line.r_squared),
            moments::lag_one_autocorrelation(&x),
            bandwidth.map(|width| density::density_at(&sorted, width, 101.0)),
            rank::hodges_lehmann(&x),
            interval.map(|interval| (interval.high - interval.low) / 2.0),
        ]
    });
}

#[test]
fn two_sample_statistics_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/two_samples.json"), 1e-3, |case, rng| {
        let n = 2 + rng.below(12);
        let a = values(rng, case, n);
        let m = 2 + rng.below(12);
        let b: Vec<f64> = values(rng, case, m).iter().map(|value| 1.02 * value).collect();
        let welch = interval::welch(&a, &b, 0.99, 0.0).filter(|interval| interval.standard_error > 0.0);
        let normal = rank::mann_whitney_normal(&a, &b).unwrap();
        vec![
            welch.map(|interval| interval.estimate),
            welch.map(|interval| (interval.high - interval.low) / 2.0),
            welch.map(|interval| interval.degrees),
            Some(normal.u),
            rank::mann_whitney_exact(&a, &b).map(|test| test.p_value),
            Some(normal.p_value),
            rank::hodges_lehmann_shift(&a, &b),
        ]
    });
}

#[test]
fn distributions_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/distributions.json"), 0.0, |case, rng| {
        let degrees = if case % 2 == 1 { 0.5 + 60.0 * rng.unit() } else { 1.0 + rng.below(5000) as f64 };
        let t = 16.0 * rng.unit() - 8.0;
        let p = if case % 3 == 0 { rng.unit() * 1e-6 } else { rng.unit() };
        let z = 20.0 * rng.unit() - 14.0;
        vec![
            distributions::t_cdf(t, degrees),
            distributions::t_quantile(p, degrees),
            Some(distributions::normal_cdf(z)),
            distributions::normal_quantile(p),
        ]
    });
}

#[test]
fn sign_flips_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/sign_flip.json"), 0.0, |case, rng| {
        let n = 1 + rng.below(10);
        let differences: Vec<f64> = values(rng, case, n).iter().map(|value| value - 101.0).collect();
        vec![sign_flip::sign_flip(&differences, case)]
    });
}

#[test]
fn bootstraps_given_the_same_indices_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/bootstrap.json"), 1e-3, |case, rng| {
        let count = 2 + rng.below(5);
        let mut raw = Vec::new();
        for _ in 0..count {
            let n = 5 + rng.below(10);
            raw.push(values(rng, case, n));
        }
        let groups: Vec<Sorted> = raw.iter().map(|values| Sorted::new(values).unwrap()).collect();
        // The indices are drawn in the same order as by the seeded function, which is checked against them.
        let mut seeded = rng.clone();
        let by_seed = bootstrap::hierarchical_medians(&groups, 20, &mut seeded);
        let estimates: Vec<f64> = (0..20)
            .map(|_| {
                let (mut picked, mut positions) = (Vec::new(), Vec::new());
                for _ in &groups {
                    let launch = rng.below(groups.len());
                    let n = groups[launch].len();
                    picked.push(launch);
                    positions.push((0..n).map(|_| rng.below(n)).collect());
                }
                bootstrap::hierarchical_median_of_picked(&groups, &picked, &positions).unwrap()
            })
            .collect();
        assert_eq!(by_seed, estimates);
        let (low, high) = bootstrap::percentile_interval(estimates, 0.95).unwrap();
        let ascending: Vec<Vec<f64>> = groups.iter().map(|group| group.values().to_vec()).collect();
        let split = variance::split(&ascending);
        let means = bootstrap::resample(groups[0].values(), 20, rng, moments::mean);
        let (mean_low, mean_high) = bootstrap::percentile_interval(means, 0.95).unwrap();
        vec![
            Some(low),
            Some(high),
            split.map(|split| split.within),
            split.map(|split| split.between),
            split.map(|split| split.launch_share),
            Some(mean_low),
            Some(mean_high),
        ]
    });
}

#[test]
fn corrections_for_many_tests_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/multiplicity.json"), 1e-3, |_, rng| {
        let p: Vec<f64> = (0..6).map(|_| rng.unit().powi(4)).collect();
        let both = [multiplicity::benjamini_hochberg(&p).unwrap(), multiplicity::holm(&p).unwrap()];
        both.concat().into_iter().map(Some).collect()
    });
}

#[test]
fn exact_intervals_of_shares_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/proportion.json"), 1e-3, |case, rng| {
        let n = 1 + rng.below(if case % 2 == 1 { 10_000 } else { 60 });
        let k = rng.below(n + 1);
        let level = 0.8 + 0.199 * rng.unit();
        let (low, high) = proportion::clopper_pearson(k as u64, n as u64, level).unwrap();
        vec![Some(low), Some(high)]
    });
}

#[test]
fn robust_scales_match_the_reference() {
    check(include_str!("../../tests/fixtures/stats/robust.json"), 1e-3, |case, rng| {
        let n = 3 + rng.below(60);
        let x = values(rng, case, n);
        let residuals: Vec<f64> = x.iter().map(|value| value - 101.0).collect();
        let memory = autocorrelation::clipped_ar1(&x);
        vec![scale::mad(&x), scale::about_zero(&residuals), scale::qn(&x), memory]
    });
}

/// Where means of two values leave no room between them, the reference says nothing; here the bounds are one value then.
#[test]
fn signed_rank_intervals_are_what_the_exact_test_does_not_refute() {
    check(include_str!("../../tests/fixtures/stats/signed_rank.json"), 1e-3, |case, rng| {
        let n = 6 + rng.below(20);
        let x: Vec<f64> = values(rng, case, n).iter().map(|value| value - 101.0).collect();
        let found = signed_rank::signed_rank_interval(&x, 0.95).filter(|found| found.low < found.high);
        vec![found.map(|found| found.low), found.map(|found| found.high)]
    });
}

#[test]
fn e_values_match_arbitrary_precision() {
    check(include_str!("../../tests/fixtures/stats/sequential.json"), 1e-3, |case, rng| {
        let size = [0.002, 0.02, 0.2][usize::try_from(case % 3).unwrap()];
        let drift = 2.0 * rng.unit() - 1.0;
        let n = 1 + rng.below(40);
        let d: Vec<f64> = (0..n).map(|_| size * (2.0 * rng.unit() - 1.0 + drift)).collect();
        let evidence = Evidence::of(&d);
        vec![
            Some(evidence.log_e_two_sided()),
            Some(evidence.log_e_above()),
            Some(evidence.log_e_below()),
            Some(evidence.log_e_within(size)),
        ]
    });
}
