//! What happened on the way of a line besides the code: releases, other configurations, facts of the machine that changed.
//!
//! Facts are those of stored runs; a mark says what was recorded, never that it is a cause.

use crate::analysis::machines::fact_steps;
use crate::model::fact::{keys, known};
use crate::model::run::{Run, RunStatus};
use crate::model::site::{Happening, Mark};

/// Beginnings of the facts that a line shows when they change; toolchain and build have their own mark.
const SHOWN: [&str; 9] = [
    "cpu.",
    "frequency.",
    "idle.",
    "power.",
    "memory.",
    "os.",
    "board.",
    "virtualisation.",
    "harness.criterion",
];

/// Returns the tag that a run measured exactly, if it did.
///
/// # Edge cases
/// A run with uncommitted changes, or some commits after a tag, measured no tag.
#[must_use]
pub fn tag(run: &Run) -> Option<String> {
    let described = known(&run.facts, keys::SOURCE_DESCRIBE)?;
    let dirty = known(&run.facts, keys::SOURCE_DIRTY).is_some_and(|dirty| dirty == "yes");
    let mut parts = described.rsplitn(3, '-');
    let distant = parts.next().is_some_and(|last| {
        last.strip_prefix('g').is_some_and(|hex| hex.len() >= 4 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    }) && parts.next().is_some_and(|count| count.bytes().all(|b| b.is_ascii_digit()));
    (!dirty && !distant && !described.is_empty() && run.status == RunStatus::Complete).then_some(described)
}

/// Returns the marks of one machine in one configuration, oldest first; `runs` are all of the machine, oldest first.
#[must_use]
pub fn marks(runs: &[Run], config: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mark = |run: &Run, what| Mark { run: run.id.clone(), started: run.started, what };
    for pair in runs.windows(2) {
        let [before, run] = pair else { continue };
        if run.identity.config == config && before.identity.config != config {
            marks.push(mark(run, Happening::Configuration { before: before.identity.config.clone() }));
        }
    }
    let mine: Vec<&Run> = runs.iter().filter(|run| run.identity.config == config).collect();
    let mut last = None;
    for run in &mine {
        if let Some(tag) = tag(run).filter(|tag| last.as_ref() != Some(tag)) {
            last = Some(tag.clone());
            marks.push(mark(run, Happening::Release { tag }));
        }
    }
    let steps = fact_steps(&mine);
    let shown = steps.into_iter().filter(|step| SHOWN.iter().any(|start| step.key.starts_with(start)));
    marks.extend(shown.map(|step| Mark {
        run: step.run,
        started: step.started,
        what: Happening::Fact { key: step.key, before: step.before, after: step.after },
    }));
    marks.sort_by(|a, b| (a.started, &a.run, &a.what).cmp(&(b.started, &b.run, &b.what)));
    marks
}
