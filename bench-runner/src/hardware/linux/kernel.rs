//! How the kernel was built and started: preemption, chosen parameters, and small periodic disturbances.
//!
//! Of the kernel's command line only parameters on a list are taken, since the rest can hold addresses and names.

use super::Host;
use crate::hardware::root::Reading;
use crate::hardware::sheet::{Outcome, Sheet, text};
use crate::model::fact::{FactValue, keys};

/// Parameters that move numbers (`admin-guide/kernel-parameters`).
const OPTIONS: &[&str] = &[
    "amd_pstate",
    "clocksource",
    "idle",
    "intel_idle.max_cstate",
    "intel_pstate",
    "irqaffinity",
    "isolcpus",
    "maxcpus",
    "mitigations",
    "nmi_watchdog",
    "no_turbo",
    "nohz",
    "nohz_full",
    "nokaslr",
    "nopti",
    "nosmt",
    "nospectre_v1",
    "nospectre_v2",
    "nowatchdog",
    "nr_cpus",
    "numa",
    "numa_balancing",
    "pcie_aspm",
    "preempt",
    "processor.max_cstate",
    "rcu_nocbs",
    "skew_tick",
    "spec_store_bypass_disable",
    "spectre_v2",
    "threadirqs",
    "transparent_hugepage",
    "tsc",
];

/// Words of the kernel's version line that say how it may be preempted.
const PREEMPTION: &[&str] = &["PREEMPT_RT", "PREEMPT_LAZY", "PREEMPT_DYNAMIC", "PREEMPT"];

/// Writes the facts about the kernel.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    sheet.put(keys::OS_PREEMPTION, preemption(host));
    sheet.put(keys::OS_OPTIONS, options(host));
    sheet.put(keys::OS_WATCHDOG, switch(host, "nmi_watchdog"));
    sheet.put(keys::OS_NUMA_BALANCING, switch(host, "numa_balancing"));
    sheet.put(keys::OS_AUTOGROUP, switch(host, "sched_autogroup_enabled"));
}

/// `#1 SMP PREEMPT_DYNAMIC Mon …`: the words before the date; a kernel without preemption says nothing.
fn preemption(host: &Host<'_>) -> Outcome {
    match host.read("proc/sys/kernel/version") {
        Ok(line) => {
            let found = PREEMPTION.iter().find(|word| line.split_whitespace().any(|said| said == **word));
            let source = "/proc/sys/kernel/version";
            Outcome::ok(text(found.map_or("none", |word| *word)), source)
        }
        Err(outcome) => outcome,
    }
}

fn options(host: &Host<'_>) -> Outcome {
    let path = "/proc/cmdline";
    let line = match host.root.read("proc/cmdline") {
        Reading::Text(line) => line,
        other => {
            return Outcome::of_failure(&other, path).unwrap_or_else(|| host.missing(path));
        }
    };
    // Values are words and lists of numbers; anything else is not repeated.
    let plain = |value: &str| {
        value.len() <= 40
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b",-_:.".contains(&byte))
    };
    let mut found: Vec<String> = line
        .split_whitespace()
        .filter_map(|word| {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            OPTIONS.contains(&name).then(|| match value {
                None => name.to_owned(),
                Some(value) if plain(value) => format!("{name}={value}"),
                Some(_) => format!("{name} is set"),
            })
        })
        .collect();
    found.sort();
    found.dedup();
    Outcome::ok(FactValue::List(found), format!("{path}, parameters of an allow-list"))
}

/// A switch of `/proc/sys/kernel`; where the folder is readable, a missing one is a kernel built without it.
fn switch(host: &Host<'_>, name: &str) -> Outcome {
    let path = format!("proc/sys/kernel/{name}");
    match host.root.read(&path) {
        // Automatic balancing has modes above 1.
        Reading::Text(word) => match word.parse::<u8>() {
            Ok(level) => Outcome::ok(FactValue::Flag(level > 0), format!("/{path}")),
            Err(_) => Outcome::unknown(format!("/{path}: not a number")),
        },
        Reading::Absent if host.root.exists("proc/sys/kernel/osrelease") => {
            Outcome::not_applicable(format!("no /{path}: this kernel is built without it"))
        }
        other => Outcome::of_failure(&other, &format!("/{path}"))
            .unwrap_or_else(|| host.missing(&format!("/{path}"))),
    }
}
