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
