//! Histories under the present names of their benchmarks.
//!
//! What a store does for one line is done here for all of them at once, on what was read.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::history::{History, Line};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::SeriesKey;

/// Joins the histories of renamed benchmarks: their points go on under the present name.
///
/// `renames` gives the name that an old one (`package/target/full_id`) goes on under.
///
/// # Edge cases
/// Where one run has points of several names, that of the newest name counts. Names that lead in a circle are left as they are.
#[must_use]
pub fn joined(histories: Vec<History>, renames: &BTreeMap<String, BenchmarkId>) -> Vec<Line> {
    if renames.is_empty() {
        let line = |history| Line { history, earlier_names: Vec::new() };
        return histories.into_iter().map(line).collect();
    }
    // How far a name is from the present one, so that newer names come first.
    let mut of_key: BTreeMap<SeriesKey, Vec<(usize, History)>> = BTreeMap::new();
    for history in histories {
        let (steps, benchmark) = present(&history.key.benchmark, renames);
        let key = SeriesKey { benchmark, ..history.key.clone() };
        of_key.entry(key).or_default().push((steps, history));
    }
    let line = |(key, mut parts): (SeriesKey, Vec<(usize, History)>)| {
        parts.sort_by_key(|(steps, _)| *steps);
        let mut known: BTreeSet<RunId> = BTreeSet::new();
        let mut line = Line { history: History { key, points: Vec::new() }, earlier_names: Vec::new() };
        for (steps, part) in parts {
            if steps > 0 {
                line.earlier_names.push(part.key.benchmark);
            }
            let fresh: Vec<_> = part.points.into_iter().filter(|point| !known.contains(&point.run)).collect();
            known.extend(fresh.iter().map(|point| point.run.clone()));
            line.history.points.extend(fresh);
        }
        line.history.points.sort_by(|a, b| (a.started, &a.run).cmp(&(b.started, &b.run)));
        line
    };
    of_key.into_iter().map(line).collect()
}

fn present(name: &BenchmarkId, renames: &BTreeMap<String, BenchmarkId>) -> (usize, BenchmarkId) {
    let mut at = name;
    for steps in 0..=renames.len() {
        match renames.get(&at.long_name()) {
            Some(next) => at = next,
            None => return (steps, at.clone()),
        }
    }
    (0, name.clone())
}
