//! Everything in which two runs differ, each with the kind of cause it would be and how it can move time.
//!
//! Numbers that wander by themselves (load, pressure) count only beyond a threshold.

use crate::model::explain::{Cause, Change};
use crate::model::fact::{Fact, FactValue, Phase, find, keys, known};
use crate::model::run::Run;

/// A fact of words that can move time.
struct Known {
    key: &'static str,
    cause: Option<Cause>,
    how: &'static str,
}

const fn entry(key: &'static str, cause: Cause, how: &'static str) -> Known {
    Known { key, cause: Some(cause), how }
}

/// Facts of words that can move time; everything else is listed without a cause.
const TABLE: &[Known] = &[
    entry(keys::SOURCE_COMMIT, Cause::Code, "other source"),
    entry(keys::SOURCE_DIRTY, Cause::Code, "source that no commit names"),
    entry(keys::TOOLCHAIN_RUSTC, Cause::Toolchain, "other compiler"),
    entry(keys::TOOLCHAIN_LLVM, Cause::Toolchain, "other code generator"),
    entry(keys::BUILD_FLAGS, Cause::Toolchain, "other compiler flags"),
    entry(keys::BUILD_PROFILE, Cause::Toolchain, "other profile settings"),
    entry(keys::BUILD_TARGET_CPU, Cause::Toolchain, "other instructions may be used"),
    entry(keys::BUILD_FEATURES, Cause::Toolchain, "other features compiled in"),
    entry(keys::BUILD_LOCK, Cause::Toolchain, "other versions of dependencies"),
    entry(keys::FREQ_DRIVER, Cause::Environment, VISIBLE_CLOCK),
    entry(keys::FREQ_GOVERNOR, Cause::Environment, VISIBLE_CLOCK),
    entry(keys::FREQ_EPP, Cause::Environment, VISIBLE_CLOCK),
    entry(keys::FREQ_TURBO, Cause::Environment, VISIBLE_CLOCK),
    entry(keys::POWER_MODE, Cause::Environment, VISIBLE_CLOCK),
    entry(keys::POWER_SOURCE, Cause::Environment, VISIBLE_CLOCK),
    entry(keys::THERMAL_SPEED_LIMIT, Cause::Environment, VISIBLE_CLOCK),
    entry(keys::CPU_MODEL, Cause::Environment, "another processor"),
    entry(keys::CPU_SIGNATURE, Cause::Environment, "another processor"),
    entry(keys::CPU_FEATURES, Cause::Environment, "other instructions at run time"),
    entry(keys::CPU_MICROCODE, Cause::Environment, "other microcode"),
    entry(keys::CPU_CORES_USABLE, Cause::Environment, "fewer or more cores: parallel benchmarks"),
    entry(keys::CPU_SMT, Cause::Environment, "siblings share a core: parallel benchmarks"),
    entry(keys::MEMORY_TOTAL, Cause::Environment, "other memory"),
    entry(keys::MEMORY_THP, Cause::Environment, "other page sizes"),
    entry(keys::OS_NAME, Cause::Environment, "another system"),
    entry(keys::OS_KERNEL, Cause::Environment, "another kernel"),
    entry(keys::OS_ASLR, Cause::Environment, "other memory layout"),
    entry(keys::OS_MITIGATIONS, Cause::Environment, "system calls and branches cost otherwise"),
    entry(keys::OS_CLOCKSOURCE, Cause::Environment, "the timer costs otherwise"),
    entry(keys::VIRT_HYPERVISOR, Cause::Environment, "another hypervisor"),
    entry(keys::VIRT_CONTAINER, Cause::Environment, "another container runtime"),
    entry(keys::VIRT_CPU_QUOTA, Cause::Environment, "the control group is stopped beyond its quota"),
    entry("process.affinity", Cause::Environment, "other cores: parallel benchmarks, and neighbours"),
    Known { key: keys::PROBE_BACKEND, cause: None, how: "another code path was chosen" },
    Known { key: keys::HARNESS_RUNNER, cause: None, how: "" },
];

/// What is said of facts whose effect the clock canary would show.
const VISIBLE_CLOCK: &str = "the clock of the core";
/// What is said of facts whose effect the contention canary or the CPU share would show.
const VISIBLE_LOAD: &str = "others use the machine meanwhile";

/// A number that wanders by itself, and the difference from which on it counts.
struct Wandering {
    key: &'static str,
    phase: Phase,
    threshold: f64,
    how: &'static str,
}

const WANDERING: &[Wandering] = &[
    // At the end, when the benches themselves are part of both.
    Wandering { key: keys::LOAD_ONE, phase: Phase::End, threshold: 1.0, how: VISIBLE_LOAD },
    Wandering { key: keys::LOAD_RUNNABLE, phase: Phase::End, threshold: 2.0, how: VISIBLE_LOAD },
    Wandering { key: keys::LOAD_PRESSURE_CPU, phase: Phase::End, threshold: 10.0, how: VISIBLE_LOAD },
    Wandering { key: keys::THERMAL_THROTTLES, phase: Phase::Delta, threshold: 1.0, how: VISIBLE_CLOCK },
    Wandering {
        key: keys::VIRT_QUOTA_STOPS,
        phase: Phase::Delta,
        threshold: 1.0,
        how: "stopped for the quota",
    },
    Wandering { key: keys::MEMORY_SWAPPED, phase: Phase::Delta, threshold: 100.0, how: "the system swapped" },
];

/// Whether the canaries would show the effect of `change`: where they show none, it had none.
pub(super) fn is_visible(change: &Change) -> bool {
    change.how == VISIBLE_CLOCK || change.how == VISIBLE_LOAD
}

/// Everything that is known on both sides and differs.
///
/// # Edge cases
/// A fact that is known on one side only is listed without a cause: that it could be read is no change of the machine.
#[must_use]
pub fn changes(before: &Run, after: &Run) -> Vec<Change> {
    let mut found = Vec::new();
    for (key, old, new) in [
        ("machine", &before.identity.machine, &after.identity.machine),
        ("hw_class", &before.identity.hw_class, &after.identity.hw_class),
        ("config", &before.identity.config, &after.identity.config),
    ] {
        if old != new {
            let how = if key == "config" { "another configuration" } else { "another machine" };
            found.push(change(key, old.clone(), new.clone(), Some(Cause::Environment), how));
        }
    }
    for Known { key, cause, how } in TABLE {
        let (old, new) = (known(&before.facts, key), known(&after.facts, key));
        match (old, new) {
            (Some(old), Some(new)) if old != new => found.push(change(key, old, new, *cause, how)),
            (Some(old), None) => found.push(change(key, old, "unknown".to_owned(), None, "")),
            (None, Some(new)) => found.push(change(key, "unknown".to_owned(), new, None, "")),
            _ => {}
        }
    }
    found.extend(WANDERING.iter().filter_map(|fact| wandered(fact, before, after)));
    found.extend(steal(before, after));
    found.extend(protocol(before, after));
    found
}

fn change(key: &str, before: String, after: String, cause: Option<Cause>, how: &str) -> Change {
    Change { key: key.to_owned(), before, after, cause, how: how.to_owned() }
}

fn wandered(fact: &Wandering, before: &Run, after: &Run) -> Option<Change> {
    let [old, new] = [before, after].map(|run| number(find(&run.facts, fact.key, fact.phase)));
    let (old, new) = (old?, new?);
    ((new - old).abs() >= fact.threshold)
        .then(|| change(fact.key, old.to_string(), new.to_string(), Some(Cause::Environment), fact.how))
}

/// Share of the machine's time that the hypervisor took during each run, when it differs by a percentage point.
fn steal(before: &Run, after: &Run) -> Option<Change> {
    let share = |run: &Run| {
        let of = |key| number(find(&run.facts, key, Phase::Delta));
        Some(of(keys::LOAD_STEAL)? / of(keys::LOAD_TICKS).filter(|ticks| *ticks > 0.0)?)
    };
    let (old, new) = (share(before)?, share(after)?);
    let text = |share: f64| format!("{:.1} %", 100.0 * share);
    ((new - old).abs() >= 0.01).then(|| {
        change(keys::LOAD_STEAL, text(old), text(new), Some(Cause::Environment), "the hypervisor took time")
    })
}

#[expect(clippy::cast_precision_loss, reason = "counters of one run stay far below 2^53")]
pub(super) fn number(fact: Option<&Fact>) -> Option<f64> {
    let fact = fact.filter(|fact| fact.status.is_known())?;
    match fact.value {
        Some(FactValue::Number(number)) => Some(number),
        Some(FactValue::Integer(whole)) => Some(whole as f64),
        _ => None,
    }
}

/// Settings of the harness, as the comparison of runs names them.
fn protocol(before: &Run, after: &Run) -> impl Iterator<Item = Change> {
    let splits = crate::analysis::compare::differences(before, after);
    splits.into_iter().filter(|found| is_protocol(&found.key)).map(|found| {
        let unknown = [&found.baseline, &found.candidate].contains(&&"unknown".to_owned());
        let cause = (!unknown).then_some(Cause::Protocol);
        change(&found.key, found.baseline, found.candidate, cause, "measured otherwise")
    })
}

/// Whether a key names how it was measured.
pub(super) fn is_protocol(key: &str) -> bool {
    [keys::HARNESS_CRITERION, "plan.warm_up", "plan.measurement", "plan.sample_size"].contains(&key)
}
