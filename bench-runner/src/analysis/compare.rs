//! Two runs → what differs between them, and per benchmark one of five answers.
//!
//! Launches are what is compared; observations within a launch are not replicates. The interval covers launch-to-launch
//! variation of these two sessions. What a machine does between sessions it can only cover when the caller passes the
//! variance known from calibration. Nothing here searches for a cause.

use std::collections::BTreeMap;

use super::words;
use crate::model::comparison::{Comparison, Difference, RunComparison, Verdict};
use crate::model::estimate::BenchmarkResult;
use crate::model::ids::BenchmarkId;
use crate::model::run::{Run, RunKind, RunStatus};
use crate::model::units::Metric;
use crate::stats::interval::welch;
use crate::stats::moments::geometric_mean;
use crate::stats::power::minimum_detectable_effect;

mod differences;
mod explain;

pub use differences::differences;
pub use explain::explain;

/// A run with the results computed from it.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its results.
    pub results: &'a [BenchmarkResult],
}

/// How strictly two runs are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompareSettings {
    /// Change that does not matter, as a fraction.
    pub margin: f64,
    /// Probability of any false "regressed" or "improved" among all rows of one comparison, 0 to 1.
    pub family_alpha: f64,
    /// Variance of the logarithm of a result between two sessions of one unchanged executable on this machine, from
    /// calibration; 0 when it is not known.
    pub session_variance: f64,
}

/// Margin and level that reports use.
pub const STANDARD: CompareSettings =
    CompareSettings { margin: 0.02, family_alpha: 0.05, session_variance: 0.0 };

/// Probability with which the minimum detectable effect would have been shown.
pub const POWER: f64 = 0.9;

/// Compares a candidate with a baseline.
///
/// Every row is judged at the level `1 − family_alpha ÷ rows` (Bonferroni), so that a comparison of many benchmarks
/// does not raise more false alarms than one of few. *Regressed* and *improved* need the whole interval on one side of
/// no change and an effect of at least the margin; *unchanged* needs the whole interval within the margin.
///
/// # Edge cases
/// When a run is not a complete measured one, or an identity part that splits series differs, every row is *not
/// comparable*. Rows with fewer than two launches on a side are *inconclusive*.
#[must_use]
pub fn compare(baseline: Side<'_>, candidate: Side<'_>, settings: &CompareSettings) -> RunComparison {
    let differences = differences(baseline.run, candidate.run);
    let obstacle = obstacle(baseline.run, candidate.run, &differences);
    let Matched { pairs, missing, new } = matched(baseline.results, candidate.results);
    let judged = pairs.iter().filter(|(old, new)| old.launches.len() > 1 && new.launches.len() > 1).count();
    let judge = Judge {
        baseline: baseline.run,
        candidate: candidate.run,
        settings,
        level: 1.0 - settings.family_alpha / judged.max(1) as f64,
        rows: judged,
        obstacle,
    };
    let mut rows: Vec<Comparison> = pairs.into_iter().map(|(old, new)| judge.row(old, new)).collect();
    rows.sort_by(|a, b| {
        (severity(a.verdict), &b.ratio.ln().abs())
            .partial_cmp(&(severity(b.verdict), &a.ratio.ln().abs()))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| a.benchmark.cmp(&b.benchmark))
    });
    let ratios: Vec<f64> =
        rows.iter().filter(|row| row.verdict != Verdict::NotComparable).map(|row| row.ratio).collect();
    RunComparison {
        baseline: baseline.run.id.clone(),
        candidate: candidate.run.id.clone(),
        differences,
        geometric_mean: geometric_mean(&ratios)
            .map(|mean| (mean, u32::try_from(ratios.len()).unwrap_or(u32::MAX))),
        rows,
        missing,
        new,
    }
}

/// Which results stand against which.
struct Matched<'a> {
    /// Baseline and candidate, in the order of benchmarks.
    pairs: Vec<(&'a BenchmarkResult, &'a BenchmarkResult)>,
    /// Benchmarks of which the baseline has a result without a partner.
    missing: Vec<BenchmarkId>,
    /// Benchmarks of which the candidate has a result without a partner.
    new: Vec<BenchmarkId>,
}

/// Pairs results of the same benchmark and metric.
///
/// A benchmark that is counted in one way here and in another there is paired as well, so that it is seen to be not
/// comparable instead of gone.
fn matched<'a>(baseline: &'a [BenchmarkResult], candidate: &'a [BenchmarkResult]) -> Matched<'a> {
    let keyed =
        |results: &'a [BenchmarkResult]| -> BTreeMap<(&'a BenchmarkId, &'a Metric), &'a BenchmarkResult> {
            results.iter().map(|result| ((&result.benchmark, &result.metric), result)).collect()
        };
    let (old, mut new) = (keyed(baseline), keyed(candidate));
    let same: BTreeMap<_, _> = old.keys().filter_map(|key| new.remove(key).map(|new| (*key, new))).collect();
    let mut found = Matched { pairs: Vec::new(), missing: Vec::new(), new: Vec::new() };
    for (key, old) in old {
        let other = || {
            let other = *new.keys().find(|other| other.0 == key.0)?;
            new.remove(&other)
        };
        match same.get(&key).copied().or_else(other) {
            Some(new) => found.pairs.push((old, new)),
            None => found.missing.push(key.0.clone()),
        }
    }
    found.new.extend(new.keys().map(|key| key.0.clone()));
    found.missing.dedup();
    found.new.dedup();
    found
}

/// Order of the rows: what needs a person comes first.
fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Regressed => 0,
        Verdict::Improved => 1,
        Verdict::Inconclusive => 2,
        Verdict::NotComparable => 3,
        Verdict::Unchanged => 4,
    }
}

/// Why the two runs must not be compared at all.
fn obstacle(baseline: &Run, candidate: &Run, differences: &[Difference]) -> Option<String> {
    for (name, run) in [("baseline", baseline), ("candidate", candidate)] {
        let why = match (run.kind, run.status) {
            (RunKind::Summary, _) => "is a record of estimates without raw samples",
            (RunKind::Imported, _) => "was imported, its origin is not verified",
            (RunKind::Measured, RunStatus::Running | RunStatus::Partial) => "is not complete",
            (RunKind::Measured, RunStatus::Complete) if !run.is_eligible() => "has a blocking finding",
            (RunKind::Measured, RunStatus::Complete) => continue,
        };
        return Some(format!("the {name} run {why}"));
    }
    let splitting: Vec<String> =
        differences.iter().filter(|d| d.splits_series).map(|d| d.key.clone()).collect();
    (!splitting.is_empty()).then(|| format!("the runs differ in {}", words::list(&splitting, 4)))
}

struct Judge<'a> {
    baseline: &'a Run,
    candidate: &'a Run,
    settings: &'a CompareSettings,
    level: f64,
    rows: usize,
    obstacle: Option<String>,
}

impl Judge<'_> {
    fn row(&self, old: &BenchmarkResult, new: &BenchmarkResult) -> Comparison {
        let mut row = Comparison {
            benchmark: new.benchmark.clone(),
            metric: new.metric.clone(),
            baseline: self.baseline.id.clone(),
            candidate: self.candidate.id.clone(),
            baseline_value: old.estimate.value,
            candidate_value: new.estimate.value,
            ratio: new.estimate.value / old.estimate.value,
            ratio_interval: None,
            level: self.level,
            margin: self.settings.margin,
            minimum_detectable_effect: None,
            verdict: Verdict::NotComparable,
            reason: String::new(),
        };
        if let Some(obstacle) = &self.obstacle {
            row.reason.clone_from(obstacle);
        } else if old.metric != new.metric || old.throughput != new.throughput {
            "the metric or the declared work per iteration differs".clone_into(&mut row.reason);
        } else {
            self.judge(old, new, &mut row);
        }
        row
    }

    fn judge(&self, old: &BenchmarkResult, new: &BenchmarkResult, row: &mut Comparison) {
        let logs = |result: &BenchmarkResult| -> Vec<f64> {
            result.launches.iter().map(|launch| launch.median.ln()).collect()
        };
        let (a, b) = (logs(old), logs(new));
        let Some(t) = welch(&a, &b, self.level, self.settings.session_variance) else {
            row.verdict = Verdict::Inconclusive;
            row.reason = format!(
                "{} against {}: without at least two launches on each side nothing is known about launch-to-launch variation",
                a.len(),
                b.len()
            );
            return;
        };
        // The ratio shown is that of the medians; where the mean of the logarithms disagrees, the interval keeps both.
        let effect = row.ratio.ln();
        let (low, high) = (t.low.min(effect), t.high.max(effect));
        row.ratio_interval = Some((low.exp(), high.exp()));
        row.minimum_detectable_effect =
            minimum_detectable_effect(t.standard_error, t.degrees, 1.0 - self.level, POWER).map(f64::exp_m1);
        let margin = self.settings.margin.ln_1p();
        let within = low > -margin && high < margin;
        (row.verdict, row.reason) = if within {
            (Verdict::Unchanged, format!("the whole interval lies within ±{}", self.margin()))
        } else if low > 0.0 && effect >= margin {
            (Verdict::Regressed, self.beyond("slower"))
        } else if high < 0.0 && effect <= -margin {
            (Verdict::Improved, self.beyond("faster"))
        } else if low > 0.0 || high < 0.0 {
            let text = format!("a change, but it may be smaller than the margin of {}", self.margin());
            (Verdict::Inconclusive, text)
        } else {
            let smallest = row.minimum_detectable_effect.map_or("unknown".to_owned(), words::percent);
            (Verdict::Inconclusive, format!("this data would show changes from {smallest} on"))
        };
        row.reason = format!(
            "{}; {} against {} launches; level {:.2} % over {} judged rows",
            row.reason,
            a.len(),
            b.len(),
            self.level * 100.0,
            self.rows
        );
        let changed = matches!(row.verdict, Verdict::Regressed | Verdict::Improved);
        if changed && self.same_executable(&row.benchmark) {
            row.reason.push_str("; both runs ran the same executable, so the code cannot be the cause");
        }
    }

    /// By how much is not said again: the row has its change, and a second number for it could only differ.
    fn beyond(&self, word: &str) -> String {
        format!(
            "{word}: the whole interval is beyond no change, and the change beyond the margin of {}",
            self.margin()
        )
    }

    fn margin(&self) -> String {
        words::percent(self.settings.margin)
    }

    fn same_executable(&self, id: &BenchmarkId) -> bool {
        let digest = |run: &Run| {
            let mut of_target = run
                .executables
                .iter()
                .filter(|executable| executable.package == id.package && executable.target == id.target);
            of_target.next().map(|executable| executable.digest)
        };
        digest(self.baseline).is_some_and(|old| digest(self.candidate) == Some(old))
    }
}

#[cfg(test)]
mod tests {
    use super::super::estimate::estimate_run;
    use super::super::examples::{fact, founding, measurement, noisy_launches, run};
    use super::*;
    use crate::model::fact::keys;
    use crate::model::finding::{Finding, Severity};
    use crate::model::ids::Digest;
    use crate::model::measurement::Measurement;
    use crate::model::run::Executable;
    use crate::stats::rng::SplitMix64;

    fn scaled(launches: u32, deviation: f64, factor: f64, seed: u64) -> Vec<BenchmarkResult> {
        let mut rng = SplitMix64::new(seed);
        let mut data = noisy_launches("t", "f", 1e6, launches, 0.0);
        for (_, measurement) in &mut data {
            let shift = factor * (deviation * rng.normal()).exp();
            for observation in &mut measurement.sample {
                observation.total *= shift;
            }
        }
        estimate_run(&[], &data)
    }

    fn verdict(launches: u32, deviation: f64, factor: f64) -> Comparison {
        let (old, new) = (run('A'), run('B'));
        let baseline = scaled(launches, deviation, 1.0, 5);
        let candidate = scaled(launches, deviation, factor, 6);
        compare(Side { run: &old, results: &baseline }, Side { run: &new, results: &candidate }, &STANDARD)
            .rows
            .remove(0)
    }

    #[track_caller]
    fn check(launches: u32, deviation: f64, factor: f64, expected: Verdict) {
        let row = verdict(launches, deviation, factor);
        assert_eq!(row.verdict, expected, "{row:?}");
        let replicated = launches > 1;
        assert_eq!(row.ratio_interval.is_some() && row.minimum_detectable_effect.is_some(), replicated);
    }

    #[test]
    fn the_four_answers_on_comparable_runs() {
        check(10, 0.005, 1.05, Verdict::Regressed);
        check(10, 0.005, 0.95, Verdict::Improved);
        check(10, 0.005, 1.0, Verdict::Unchanged);
        check(5, 0.05, 1.03, Verdict::Inconclusive);
        check(10, 0.001, 1.017, Verdict::Unchanged);
        check(1, 0.0, 1.5, Verdict::Inconclusive);
    }

    #[test]
    fn a_change_about_as_large_as_the_margin_is_inconclusive_and_says_so() {
        let row = verdict(10, 0.003, 1.016);
        assert_eq!(row.verdict, Verdict::Inconclusive, "{row:?}");
        assert!(row.reason.starts_with("a change, but"), "{}", row.reason);
    }

    #[test]
    fn whatever_forbids_comparing_is_named() {
        let baseline = scaled(5, 0.01, 1.0, 1);
        let mut cases: Vec<(Run, &str)> = Vec::new();
        let mut other = run('B');
        other.identity.machine = "ffff".to_owned();
        cases.push((other, "differ in machine"));
        let mut other = run('B');
        other.identity.config = "governor=powersave".to_owned();
        cases.push((other, "differ in config"));
        let mut other = run('B');
        other.facts = vec![fact(keys::HARNESS_CRITERION, "0.7.0")];
        cases.push((other, "differ in harness.criterion"));
        let mut other = run('B');
        other.plan.as_mut().unwrap().measurement_seconds = Some(5.0);
        cases.push((other, "differ in plan.measurement"));
        let mut other = run('B');
        other.status = RunStatus::Partial;
        cases.push((other, "candidate run is not complete"));
        let mut other = run('B');
        other.kind = RunKind::Imported;
        cases.push((other, "was imported"));
        let mut other = run('B');
        other.findings = vec![Finding {
            code: "x".to_owned(),
            severity: Severity::Blocking,
            subject: String::new(),
            evidence: String::new(),
            effect: String::new(),
            remedy: String::new(),
        }];
        cases.push((other, "blocking finding"));
        let old = run('A');
        for (new, expected) in cases {
            let comparison = compare(
                Side { run: &old, results: &baseline },
                Side { run: &new, results: &baseline },
                &STANDARD,
            );
            assert_eq!(comparison.rows[0].verdict, Verdict::NotComparable);
            assert!(comparison.rows[0].reason.contains(expected), "{}", comparison.rows[0].reason);
            assert_eq!(comparison.geometric_mean, None);
        }
    }

    #[test]
    fn a_record_without_samples_is_never_compared() {
        let (record, results, _) = founding();
        let side = Side { run: &record, results: &results };
        let comparison = compare(side, side, &STANDARD);
        assert!(comparison.rows.iter().all(|row| row.verdict == Verdict::NotComparable));
    }

    #[test]
    fn equal_executables_are_mentioned_and_missing_ones_listed() {
        let (mut old, mut new) = (run('A'), run('B'));
        let executable = Executable {
            digest: Digest([7; 32]),
            bytes: 1,
            package: "kms".to_owned(),
            target: "t".to_owned(),
        };
        old.executables = vec![executable.clone()];
        new.executables = vec![executable];
        let baseline = scaled(8, 0.002, 1.0, 5);
        let mut candidate = scaled(8, 0.002, 1.2, 6);
        let extra: Vec<(u32, Measurement)> =
            vec![(0, measurement(super::super::examples::benchmark("t", "g", None), &[1.0, 2.0]))];
        candidate.extend(estimate_run(&[], &extra));
        let comparison = compare(
            Side { run: &old, results: &baseline },
            Side { run: &new, results: &candidate },
            &STANDARD,
        );
        assert!(comparison.rows[0].reason.ends_with("the code cannot be the cause"));
        assert_eq!((comparison.missing.len(), comparison.new.len()), (0, 1));
        let (mean, count) = comparison.geometric_mean.unwrap();
        assert!((mean - 1.2).abs() < 0.01 && count == 1);
    }

    #[test]
    fn metrics_of_one_benchmark_are_rows_of_their_own() {
        let (old, new) = (run('A'), run('B'));
        let cycles = Metric { name: "cycles".to_owned(), unit: "cycles".to_owned() };
        let time = scaled(8, 0.002, 1.0, 5);
        let counted: Vec<BenchmarkResult> = scaled(8, 0.002, 1.2, 5)
            .into_iter()
            .map(|r| BenchmarkResult { metric: cycles.clone(), ..r })
            .collect();
        let both = [time.clone(), counted.clone()].concat();
        let of = |a: &[BenchmarkResult], b: &[BenchmarkResult]| {
            compare(Side { run: &old, results: a }, Side { run: &new, results: b }, &STANDARD)
        };
        let found = of(&both, &both);
        assert_eq!(found.rows.len(), 2);
        assert!(found.rows.iter().all(|row| row.verdict == Verdict::Unchanged));
        let found = of(&both, &time);
        assert_eq!((found.rows.len(), found.missing.len(), found.new.len()), (1, 1, 0));
        assert_eq!(found.rows[0].metric, Metric::time());
        let found = of(&time, &counted);
        assert_eq!((found.rows[0].verdict, found.missing.len()), (Verdict::NotComparable, 0));
        assert!(found.rows[0].reason.starts_with("the metric"), "{}", found.rows[0].reason);
    }

    /// Twenty rows without any change, many times: the family must not cry wolf more often than it says.
    #[test]
    fn comparisons_of_unchanged_code_rarely_raise_an_alarm() {
        let mut rng = SplitMix64::new(99);
        let (old, new) = (run('A'), run('B'));
        let mut side = || -> Vec<BenchmarkResult> {
            let mut data = Vec::new();
            for bench in 0..20 {
                for launch in 0..6 {
                    let value = 1e6 * (0.03 * rng.normal()).exp();
                    let id = super::super::examples::benchmark("t", &format!("b{bench}"), None);
                    data.push((launch, measurement(id, &[value, value])));
                }
            }
            estimate_run(&[], &data)
        };
        let nights = 200;
        let alarms = (0..nights)
            .filter(|_| {
                let (baseline, candidate) = (side(), side());
                let comparison = compare(
                    Side { run: &old, results: &baseline },
                    Side { run: &new, results: &candidate },
                    &STANDARD,
                );
                comparison
                    .rows
                    .iter()
                    .any(|row| matches!(row.verdict, Verdict::Regressed | Verdict::Improved))
            })
            .count();
        assert!(alarms <= 18, "{alarms} of {nights} comparisons raised a false alarm");
    }

    #[test]
    fn a_known_session_variance_calms_the_verdict() {
        let (old, new) = (run('A'), run('B'));
        let (baseline, candidate) = (scaled(10, 0.005, 1.0, 5), scaled(10, 0.005, 1.05, 6));
        let calm = CompareSettings { session_variance: 0.05_f64.powi(2), ..STANDARD };
        let comparison =
            compare(Side { run: &old, results: &baseline }, Side { run: &new, results: &candidate }, &calm);
        assert_eq!(comparison.rows[0].verdict, Verdict::Inconclusive);
    }
}
