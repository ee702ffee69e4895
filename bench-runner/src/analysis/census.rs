//! How much of a suite was judged, and what is not there any more.
//!
//! A benchmark that nobody judged is named with the reason: silence would read as a pass.

use std::collections::{BTreeMap, BTreeSet};

use super::gate::history::waiver_of;
use crate::model::decision::Decision;
use crate::model::gate::{Census, CensusRow, NotJudged, SeriesOutcome};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::run::Run;

/// What a census is made of.
#[derive(Debug, Clone, Copy)]
pub struct CensusInput<'a> {
    /// The run.
    pub run: &'a Run,
    /// What was said about its series.
    pub outcomes: &'a [SeriesOutcome],
    /// Why an outcome is not judged, by its place.
    pub not_judged: &'a BTreeMap<usize, NotJudged>,
    /// The run before that was asked for the same benchmarks, with its inventory.
    pub reference: Option<(&'a RunId, &'a [BenchmarkId])>,
    /// Where renamed benchmarks go on, by their old long name.
    pub renames: &'a BTreeMap<String, BenchmarkId>,
    /// Decisions, oldest first.
    pub decisions: &'a [Decision],
}

/// Counts what was judged, benchmark by benchmark.
///
/// # Edge cases
/// A benchmark counted in several metrics is judged when one of them is. One that was renamed did not vanish.
#[must_use]
pub fn census(input: &CensusInput<'_>) -> Census {
    let expected: BTreeSet<&BenchmarkId> = input.run.inventory.iter().collect();
    let mut reasons: BTreeMap<&BenchmarkId, Option<NotJudged>> =
        expected.iter().map(|id| (*id, Some(NotJudged::NotMeasured))).collect();
    for (place, outcome) in input.outcomes.iter().enumerate() {
        let id = &outcome.series.benchmark;
        let reason = input.not_judged.get(&place).cloned();
        match reasons.get(id) {
            Some(None) => {}
            Some(Some(NotJudged::NotMeasured)) | None => _ = reasons.insert(id, reason),
            Some(Some(_)) if reason.is_none() => _ = reasons.insert(id, None),
            Some(Some(_)) => {}
        }
    }
    let mut rows: Vec<CensusRow> = reasons
        .into_iter()
        .map(|(id, reason)| CensusRow { benchmark: id.clone(), reason, waiver: None })
        .collect();
    for id in input.reference.iter().flat_map(|(_, inventory)| inventory.iter()) {
        if !expected.contains(id) && !goes_on(id, &expected, input.renames) {
            let names = [id.to_string(), id.long_name()];
            let waiver = waiver_of(input.decisions, &[&names[0], &names[1]]);
            rows.push(CensusRow { benchmark: id.clone(), reason: Some(NotJudged::Removed), waiver });
        }
    }
    rows.sort_by(|a, b| a.benchmark.cmp(&b.benchmark));
    rows.dedup_by(|a, b| a.benchmark == b.benchmark);
    Census { reference: input.reference.map(|(run, _)| run.clone()), rows }
}

/// Whether a benchmark is there under a later name.
fn goes_on(
    id: &BenchmarkId,
    expected: &BTreeSet<&BenchmarkId>,
    renames: &BTreeMap<String, BenchmarkId>,
) -> bool {
    let mut name = renames.get(&id.long_name());
    // A chain is not longer than the number of names; the store refuses circles.
    for _ in 0..=renames.len() {
        match name {
            Some(later) if expected.contains(later) => return true,
            Some(later) => name = renames.get(&later.long_name()),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::examples::{benchmark, run};
    use super::*;

    fn suite() -> Vec<BenchmarkId> {
        (0..12).map(|i| benchmark("t", "g", Some(&i.to_string()))).collect()
    }

    fn count(inventory: Vec<BenchmarkId>, renames: &BTreeMap<String, BenchmarkId>) -> Census {
        let (mut tonight, before) = (run('B'), run('A'));
        tonight.inventory = inventory;
        census(&CensusInput {
            run: &tonight,
            outcomes: &[],
            not_judged: &BTreeMap::new(),
            reference: Some((&before.id, &suite())),
            renames,
            decisions: &[],
        })
    }

    #[test]
    fn every_benchmark_that_is_dropped_is_noticed() {
        assert_eq!(count(suite(), &BTreeMap::new()).vanished().count(), 0);
        for place in 0..suite().len() {
            let mut left = suite();
            let dropped = left.remove(place);
            let census = count(left, &BTreeMap::new());
            let vanished: Vec<&BenchmarkId> = census.vanished().map(|row| &row.benchmark).collect();
            assert_eq!(vanished, [&dropped]);
            assert_eq!(census.rows.len(), suite().len());
        }
        assert_eq!(count(Vec::new(), &BTreeMap::new()).vanished().count(), suite().len());
    }

    #[test]
    fn a_renamed_benchmark_did_not_vanish() {
        let mut left = suite();
        let old = left.remove(3);
        let (middle, new) = (benchmark("t", "middle", None), benchmark("t", "new", None));
        left.push(new.clone());
        let renames = BTreeMap::from([(old.long_name(), middle.clone()), (middle.long_name(), new)]);
        assert_eq!(count(left.clone(), &renames).vanished().count(), 0);
        assert_eq!(count(left, &BTreeMap::new()).vanished().count(), 1);
        // A circle, which the store refuses, ends.
        let circle = BTreeMap::from([(old.long_name(), middle.clone()), (middle.long_name(), old)]);
        let mut without = suite();
        without.remove(3);
        assert_eq!(count(without, &circle).vanished().count(), 1);
    }
}
