//! What may be claimed of a release: comparisons turned into claims, and whole comparisons refused.
//!
//! A claim needs the whole interval of the ratio beyond 1 and an effect of at least the margin. Numbers of two machines,
//! configurations or kernels are not softened: they are refused.

use std::collections::BTreeSet;

use super::compare::differences;
use super::explain::changes;
use crate::model::comparison::{Comparison, Difference, Verdict};
use crate::model::explain::Cause;
use crate::model::fact::keys;
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::release::{Claim, ReleaseRow};
use crate::model::run::{Run, RunKind, RunStatus};

/// Says why numbers of two runs must not stand in one note; empty when they may.
///
/// Beyond what splits series, facts of the environment that are known on both sides and differ forbid it: kernel, microcode,
/// mitigations, container and the like. What wanders by itself, as load does, does not.
#[must_use]
pub fn refusals(from: &Run, to: &Run) -> Vec<String> {
    let mut found = Vec::new();
    for (name, run) in [("older", from), ("newer", to)] {
        let why = match (run.kind, run.status) {
            (RunKind::Summary, _) => "is a record of estimates without raw samples",
            (RunKind::Imported, _) => "was imported: its origin is not verified",
            (RunKind::Measured, RunStatus::Running | RunStatus::Partial) => "is not complete",
            (RunKind::Measured, RunStatus::Complete) if !run.is_eligible() => "has a blocking finding",
            (RunKind::Measured, RunStatus::Complete) => continue,
        };
        found.push(format!("the {name} run {why}"));
    }
    let splits = differences(from, to).into_iter().filter(|difference| difference.splits_series);
    found.extend(splits.map(|one| format!("{}: {} against {}", one.key, one.baseline, one.candidate)));
    for change in changes(from, to) {
        let environment = change.cause == Some(Cause::Environment) && !wanders(&change.key);
        let words = format!("{}: {} against {}", change.key, change.before, change.after);
        if environment && !found.contains(&words) {
            found.push(words);
        }
    }
    found
}

/// Says why the arms of one experiment are no two releases; empty when they may be.
///
/// As [`refusals`], but what blocks both arms alike, such as an unfit machine, lies on both sides of each block: it is a limit
/// (see [`shared_blocks`]) and no refusal.
#[must_use]
pub fn arm_refusals(from: &Run, to: &Run) -> Vec<String> {
    let shared = shared_blocks(from, to);
    let without = |run: &Run| {
        let findings = run.findings.iter().filter(|finding| !shared.contains(finding)).cloned().collect();
        Run { findings, ..run.clone() }
    };
    refusals(&without(from), &without(to))
}

/// The blocking findings that two runs share.
#[must_use]
pub fn shared_blocks<'a>(from: &'a Run, to: &Run) -> Vec<&'a Finding> {
    let blocks = from.findings.iter().filter(|finding| finding.severity == Severity::Blocking);
    blocks.filter(|finding| to.findings.contains(finding)).collect()
}

/// Whether a fact moves by itself from hour to hour.
fn wanders(key: &str) -> bool {
    ["load.", "thermal."].iter().any(|prefix| key.starts_with(prefix))
        || [keys::MEMORY_SWAPPED, keys::VIRT_QUOTA_STOPS].contains(&key)
}

/// What differs and forbids nothing: shown beside the numbers.
#[must_use]
pub fn allowed_differences(from: &Run, to: &Run) -> Vec<Difference> {
    differences(from, to).into_iter().filter(|difference| !difference.splits_series).collect()
}

/// What may be said of one comparison.
///
/// # Edge cases
/// Without an interval, or with one that contains 1, nothing is claimed, whatever the verdict says.
#[must_use]
pub fn claim(row: &Comparison) -> Claim {
    let Some((low, high)) = row.ratio_interval else { return Claim::None };
    let margin = 1.0 + row.margin;
    let up = low > 1.0 && row.ratio >= margin;
    let down = high < 1.0 && row.ratio <= 1.0 / margin;
    let worse = if row.metric.bigger_is_better() { down } else { up };
    match row.verdict {
        Verdict::Regressed | Verdict::Improved if up || down => {
            if worse {
                Claim::Slower
            } else {
                Claim::Faster
            }
        }
        Verdict::Unchanged => Claim::Unchanged,
        _ => Claim::None,
    }
}

/// Rows with their claims and the intervals of both values, slower first, each kind by size.
#[must_use]
pub fn rows(
    comparisons: &[Comparison],
    interval: impl Fn(bool, &Comparison) -> Option<(f64, f64)>,
) -> Vec<ReleaseRow> {
    let row = |comparison: &Comparison| ReleaseRow {
        before: interval(false, comparison),
        after: interval(true, comparison),
        claim: claim(comparison),
        comparison: comparison.clone(),
    };
    let mut rows: Vec<ReleaseRow> = comparisons.iter().map(row).collect();
    rows.sort_by(|a, b| {
        let size = |row: &ReleaseRow| row.comparison.ratio.ln().abs();
        let name = |row: &ReleaseRow| (row.comparison.benchmark.clone(), row.comparison.metric.clone());
        a.claim.cmp(&b.claim).then(size(b).total_cmp(&size(a))).then_with(|| name(a).cmp(&name(b)))
    });
    rows
}

/// Benchmarks without a partner on the other side: removed ones and new ones.
#[must_use]
pub fn one_sided(from: &[BenchmarkId], to: &[BenchmarkId]) -> (Vec<String>, Vec<String>) {
    let without = |of: &[BenchmarkId], other: &[BenchmarkId]| -> Vec<String> {
        let lonely = of.iter().filter(|id| !other.contains(id)).map(ToString::to_string);
        let names: BTreeSet<String> = lonely.collect();
        names.into_iter().collect()
    };
    (without(from, to), without(to, from))
}

#[cfg(test)]
mod tests {
    use super::super::examples::{benchmark, run};
    use super::*;
    use crate::model::units::Metric;

    fn row(ratio: f64, interval: Option<(f64, f64)>, verdict: Verdict) -> Comparison {
        Comparison {
            benchmark: benchmark("t", "f", None),
            metric: Metric::time(),
            baseline: run('A').id,
            candidate: run('B').id,
            baseline_value: 100.0,
            candidate_value: 100.0 * ratio,
            ratio,
            ratio_interval: interval,
            level: 0.95,
            margin: 0.02,
            minimum_detectable_effect: None,
            verdict,
            reason: String::new(),
        }
    }

    #[track_caller]
    fn check(ratio: f64, interval: Option<(f64, f64)>, verdict: Verdict, expected: Claim) {
        assert_eq!(claim(&row(ratio, interval, verdict)), expected);
    }

    #[test]
    fn a_claim_needs_the_whole_interval_beyond_one_whatever_the_verdict_says() {
        check(1.1, Some((1.05, 1.15)), Verdict::Regressed, Claim::Slower);
        check(0.9, Some((0.85, 0.95)), Verdict::Improved, Claim::Faster);
        check(1.1, Some((0.99, 1.21)), Verdict::Regressed, Claim::None);
        check(0.9, Some((0.8, 1.0)), Verdict::Improved, Claim::None);
        check(1.1, None, Verdict::Regressed, Claim::None);
        check(1.01, Some((1.005, 1.015)), Verdict::Regressed, Claim::None);
        check(1.1, Some((1.05, 1.15)), Verdict::NotComparable, Claim::None);
        check(1.0, Some((0.99, 1.01)), Verdict::Unchanged, Claim::Unchanged);
        check(1.1, Some((1.05, 1.15)), Verdict::Inconclusive, Claim::None);
        let rate = Metric { name: "rate".to_owned(), unit: "op/s".to_owned() };
        let more = Comparison { metric: rate, ..row(1.1, Some((1.05, 1.15)), Verdict::Regressed) };
        assert_eq!(claim(&more), Claim::Faster, "more of a rate is better");
    }

    #[test]
    fn slower_comes_first_and_refusals_name_both_values() {
        let given = [
            row(0.5, Some((0.4, 0.6)), Verdict::Improved),
            row(1.1, Some((1.05, 1.15)), Verdict::Regressed),
            row(1.5, Some((1.4, 1.6)), Verdict::Regressed),
        ];
        let ordered: Vec<f64> = rows(&given, |_, _| None).iter().map(|row| row.comparison.ratio).collect();
        assert_eq!(ordered, [1.5, 1.1, 0.5]);
        let (from, mut to) = (run('A'), run('B'));
        assert_eq!(refusals(&from, &to), [""; 0]);
        to.identity.config = "governor=powersave".to_owned();
        let reasons = refusals(&from, &to);
        assert_eq!(reasons, [format!("config: {} against governor=powersave", from.identity.config)]);
    }

    #[test]
    fn what_blocks_both_arms_alike_is_no_refusal() {
        let finding = |evidence: &str| Finding {
            code: "load".to_owned(),
            severity: Severity::Blocking,
            subject: String::new(),
            evidence: evidence.to_owned(),
            effect: String::new(),
            remedy: String::new(),
        };
        let (mut from, mut to) = (run('A'), run('B'));
        from.findings.push(finding("busy"));
        assert_eq!(arm_refusals(&from, &to), ["the older run has a blocking finding"]);
        to.findings.push(finding("busy"));
        assert_eq!((arm_refusals(&from, &to), shared_blocks(&from, &to).len()), (Vec::new(), 1));
        assert_eq!(refusals(&from, &to).len(), 2, "of two sessions each blocks");
        to.findings.push(finding("torn"));
        assert_eq!(arm_refusals(&from, &to), ["the newer run has a blocking finding"]);
    }
}
