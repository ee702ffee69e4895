//! Steps of many series that have one cause: same boundary of runs, same machine, similar size.
//!
//! The caller passes the steps of one machine. What the cause is, it does not say.

use crate::stats::distributions::normal_quantile;

/// Boundaries of runs that two steps of one group may lie apart.
pub const NEAR: usize = 2;

/// Standard errors of their distance that two sizes of one group may lie apart.
pub const ALIKE: f64 = 3.0;

/// Smallest distance of sizes, as logarithms, that counts as one: 0.5 %.
pub const RESOLUTION: f64 = 0.005;

/// A step of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesStep {
    /// Which series, by the caller's numbers.
    pub series: usize,
    /// Number of the first run of the new level, counted the same way for all series.
    pub run: usize,
    /// Logarithm of the ratio.
    pub log_ratio: f64,
    /// Standard error of `log_ratio`; above zero.
    pub standard_error: f64,
}

/// Steps with one common factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The steps, by series.
    pub members: Vec<SeriesStep>,
    /// First and last run of the members' steps.
    pub runs: (usize, usize),
    /// The common factor.
    pub ratio: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
}

/// Groups the steps of one machine; a step that is alone is a group of one. Groups come in the order of their first run.
///
/// # Edge cases
/// Steps whose size or error is not finite, or whose error is not above zero, are left out.
#[must_use]
pub fn group(steps: &[SeriesStep]) -> Vec<Group> {
    let usable = |step: &&SeriesStep| {
        step.log_ratio.is_finite() && step.standard_error.is_finite() && step.standard_error > 0.0
    };
    let mut left: Vec<SeriesStep> = steps.iter().filter(usable).copied().collect();
    left.sort_by(|a, b| (a.run, a.series).cmp(&(b.run, b.series)).then(a.log_ratio.total_cmp(&b.log_ratio)));
    let mut groups = Vec::new();
    while let Some(first) = left.first().copied() {
        // The most exact step near the first one knows best what the common factor is.
        let near = left.iter().filter(|step| step.run - first.run <= NEAR && alike(step, &first));
        let center =
            near.min_by(|a, b| a.standard_error.total_cmp(&b.standard_error)).copied().unwrap_or(first);
        let (mut members, mut others) = (Vec::new(), Vec::new());
        for step in left {
            let taken = members.iter().any(|member: &SeriesStep| member.series == step.series);
            let belongs = step.run - first.run <= NEAR && alike(&step, &center) && !taken;
            if belongs { members.push(step) } else { others.push(step) }
        }
        if members.is_empty() {
            members.push(others.remove(0));
        }
        left = others;
        groups.push(summed_up(members));
    }
    groups
}

fn alike(a: &SeriesStep, b: &SeriesStep) -> bool {
    let error = a.standard_error.hypot(b.standard_error);
    (a.log_ratio - b.log_ratio).abs() <= (ALIKE * error).max(RESOLUTION)
        && a.log_ratio.is_sign_positive() == b.log_ratio.is_sign_positive()
}

/// The common factor by random effects.
///
/// # Reference
/// DerSimonian and Laird, *Meta-analysis in clinical trials*, Controlled Clinical Trials 7 (1986).
fn summed_up(mut members: Vec<SeriesStep>) -> Group {
    members.sort_by_key(|step| step.series);
    let mean = |extra: f64| {
        let weights: Vec<f64> =
            members.iter().map(|step| 1.0 / (step.standard_error.powi(2) + extra)).collect();
        let sum: f64 = weights.iter().sum();
        let weighted: f64 = weights.iter().zip(&members).map(|(weight, step)| weight * step.log_ratio).sum();
        (weighted / sum, sum, weights.iter().map(|weight| weight * weight).sum::<f64>())
    };
    let (fixed, sum, squares) = mean(0.0);
    let excess: f64 =
        members.iter().map(|step| ((step.log_ratio - fixed) / step.standard_error).powi(2)).sum();
    let freedom = members.len() as f64 - 1.0;
    let between = if freedom > 0.0 { ((excess - freedom) / (sum - squares / sum)).max(0.0) } else { 0.0 };
    let (common, sum, _) = mean(between);
    let reach = normal_quantile(0.975).unwrap_or(f64::INFINITY) / sum.sqrt();
    let runs = members.iter().map(|step| step.run);
    Group {
        runs: (runs.clone().min().unwrap_or(0), runs.max().unwrap_or(0)),
        members,
        ratio: common.exp(),
        interval: ((common - reach).exp(), (common + reach).exp()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(series: usize, run: usize, log_ratio: f64) -> SeriesStep {
        SeriesStep { series, run, log_ratio, standard_error: 0.002 }
    }

    #[track_caller]
    fn check(steps: &[SeriesStep], expected: &[&[usize]]) {
        let found: Vec<Vec<usize>> =
            group(steps).iter().map(|group| group.members.iter().map(|step| step.series).collect()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn same_place_and_size_are_one_finding() {
        check(&[step(0, 50, 0.03), step(1, 51, 0.031), step(2, 50, 0.029)], &[&[0, 1, 2]]);
        check(&[step(0, 50, 0.03), step(1, 50, -0.03)], &[&[0], &[1]]);
        check(&[step(0, 50, 0.03), step(1, 53, 0.03)], &[&[0], &[1]]);
        check(
            &[step(0, 50, 0.03), step(1, 50, 0.30), step(2, 50, 0.031), step(3, 51, 0.3)],
            &[&[0, 2], &[1, 3]],
        );
        check(&[step(0, 50, 0.03), step(0, 52, 0.03)], &[&[0], &[0]]);
        check(&[SeriesStep { standard_error: 0.0, ..step(0, 1, 0.1) }, step(1, 1, f64::NAN)], &[]);
    }

    #[test]
    fn the_common_factor_is_inside_its_interval_and_sharper_than_one_member() {
        let groups = group(&[step(0, 5, 0.030), step(1, 5, 0.031), step(2, 5, 0.032), step(3, 6, 0.029)]);
        let (low, high) = groups[0].interval;
        assert!((groups[0].ratio.ln() - 0.0305).abs() < 1e-9 && groups[0].runs == (5, 6));
        // Homogeneous: 1.96 · 0.002 ÷ √4.
        assert!(((high / low).ln() / 2.0 - 1.959_964 * 0.001).abs() < 1e-6);
    }
}
