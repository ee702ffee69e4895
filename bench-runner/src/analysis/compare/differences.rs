//! In what two runs differ, shown before any number.
//!
//! Compares identity, plan and facts as text. It does not weigh which difference explains a change.

use std::collections::BTreeSet;

use crate::model::comparison::Difference;
use crate::model::fact::{keys, known};
use crate::model::run::Run;

/// Everything known in which two runs differ, those that split series first.
///
/// Machine, hardware class, configuration, key recipe, Criterion's version and the sampling settings split series;
/// toolchain, flags, commit, kernel and the like are noted. The number of launches splits nothing: the intervals know.
#[must_use]
pub fn differences(baseline: &Run, candidate: &Run) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |key: &str, old: String, new: String, splits_series: bool| {
        if old != new {
            found.push(Difference { key: key.to_owned(), baseline: old, candidate: new, splits_series });
        }
    };
    let (a, b) = (&baseline.identity, &candidate.identity);
    note("machine", a.machine.clone(), b.machine.clone(), true);
    note("hw_class", a.hw_class.clone(), b.hw_class.clone(), true);
    note("config", a.config.clone(), b.config.clone(), true);
    note("key recipe", a.recipe.to_string(), b.recipe.to_string(), true);
    note(keys::HARNESS_CRITERION, criterion_version(baseline), criterion_version(candidate), true);
    for (key, old, new) in sampling(baseline, candidate) {
        note(key, old, new, true);
    }
    for (key, old, new) in planning(baseline, candidate) {
        note(key, old, new, false);
    }
    for key in NOTED {
        let text = |run: &Run| known(&run.facts, key).unwrap_or_else(|| "unknown".to_owned());
        note(key, text(baseline), text(candidate), false);
    }
    found
}

/// Facts that are shown when they differ, but split no series.
const NOTED: [&str; 15] = [
    keys::SOURCE_COMMIT,
    keys::SOURCE_DIRTY,
    keys::TOOLCHAIN_RUSTC,
    keys::TOOLCHAIN_LLVM,
    keys::BUILD_FLAGS,
    keys::BUILD_PROFILE,
    keys::BUILD_TARGET_CPU,
    keys::BUILD_FEATURES,
    keys::BUILD_LOCK,
    keys::PROBE_BACKEND,
    keys::PROBE_SIGNING_BACKEND,
    keys::OS_NAME,
    keys::OS_KERNEL,
    keys::CPU_MICROCODE,
    keys::HARNESS_RUNNER,
];

fn criterion_version(run: &Run) -> String {
    let spoken: BTreeSet<&str> =
        run.launches.iter().filter_map(|launch| launch.harness_version.as_deref()).collect();
    if spoken.is_empty() {
        return known(&run.facts, keys::HARNESS_CRITERION).unwrap_or_else(|| "unknown".to_owned());
    }
    spoken.into_iter().collect::<Vec<_>>().join("+")
}

fn sampling(a: &Run, b: &Run) -> [(&'static str, String, String); 3] {
    let seconds = |value: Option<f64>| value.map_or("the bench's own".to_owned(), |s| format!("{s} s"));
    let size = |value: Option<u32>| value.map_or("the bench's own".to_owned(), |n| n.to_string());
    let (a, b) = (a.plan.as_ref(), b.plan.as_ref());
    [
        (
            "plan.warm_up",
            seconds(a.and_then(|p| p.warm_up_seconds)),
            seconds(b.and_then(|p| p.warm_up_seconds)),
        ),
        (
            "plan.measurement",
            seconds(a.and_then(|p| p.measurement_seconds)),
            seconds(b.and_then(|p| p.measurement_seconds)),
        ),
        ("plan.sample_size", size(a.and_then(|p| p.sample_size)), size(b.and_then(|p| p.sample_size))),
    ]
}

fn planning(a: &Run, b: &Run) -> [(&'static str, String, String); 2] {
    let profile = |run: &Run| run.plan.as_ref().map_or("none".to_owned(), |plan| plan.profile.clone());
    let launches = |run: &Run| run.plan.as_ref().map_or("none".to_owned(), |plan| plan.launches.to_string());
    [("plan.profile", profile(a), profile(b)), ("plan.launches", launches(a), launches(b))]
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{fact, run};
    use super::*;

    #[test]
    fn toolchain_commit_and_launches_are_noted_but_split_nothing() {
        let (mut old, mut new) = (run('A'), run('B'));
        old.facts = vec![fact(keys::SOURCE_COMMIT, "aaa")];
        new.facts = vec![fact(keys::SOURCE_COMMIT, "bbb"), fact(keys::TOOLCHAIN_RUSTC, "rustc 1.96.0")];
        new.plan.as_mut().unwrap().launches = 20;
        let found = differences(&old, &new);
        let keys: Vec<(&str, bool)> = found.iter().map(|d| (d.key.as_str(), d.splits_series)).collect();
        assert_eq!(keys, [("plan.launches", false), ("source.commit", false), ("toolchain.rustc", false)]);
        assert_eq!(found[2].baseline, "unknown");
    }
}
