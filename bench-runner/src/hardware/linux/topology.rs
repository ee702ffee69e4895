//! How the processors are laid out: switched on, packages, memory nodes, kinds of cores, isolation.
//!
//! Counting physical cores stays with the processor's own facts, because the hardware class needs it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Host, count_list};
use crate::hardware::root::Reading;
use crate::hardware::sheet::{Outcome, Sheet, count, text};
use crate::model::fact::{FactValue, keys};

/// Writes the facts about layout.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    sheet.put(keys::CPU_CORES_ONLINE, counted(host, "sys/devices/system/cpu/online"));
    sheet.put(keys::CPU_NUMA, counted(host, "sys/devices/system/node/online"));
    sheet.put(keys::CPU_PACKAGES, packages(host));
    sheet.put(keys::CPU_KINDS, kinds(host));
    sheet.put(keys::CPU_ISOLATED, isolated(host));
    sheet.put(keys::CPU_TSC, invariant_counter(host));
}

/// The number of members of a list such as `0-3`.
fn counted(host: &Host<'_>, path: &str) -> Outcome {
    match host.read(path).map(|list| count_list(&list)) {
        Ok(Some(members)) => Outcome::ok(count(members), format!("/{path}")),
        Ok(None) => Outcome::unknown(format!("/{path}: not a list of numbers")),
        Err(outcome) => outcome,
    }
}

fn packages(host: &Host<'_>) -> Outcome {
    let leaf = "topology/physical_package_id";
    let path = format!("/sys/devices/system/cpu/cpu*/{leaf}");
    let ids: BTreeSet<i64> = host
        .cpus
        .iter()
        .filter_map(|index| {
            let reading = host.root.read(&format!("sys/devices/system/cpu/cpu{index}/{leaf}"));
            reading.text().and_then(|word| word.parse().ok())
        })
        .collect();
    if ids.is_empty() {
        return host.missing(&path);
    }
    // Arm boards without such a notion state -1.
    if ids.iter().all(|id| *id < 0) {
        return Outcome::unknown(format!("{path}: the firmware does not number its packages"));
    }
    Outcome::ok(count(ids.len()), path)
}

/// Intel's hybrid processors list their CPUs by kind; elsewhere the kernel states each CPU's relative capacity.
fn kinds(host: &Host<'_>) -> Outcome {
    let members = |path: &str| host.root.read(path).text().and_then(count_list);
    let (fast, slow) = (members("sys/devices/cpu_core/cpus"), members("sys/devices/cpu_atom/cpus"));
    if let (Some(fast), Some(slow)) = (fast, slow) {
        let words = format!("{fast} performance, {slow} efficiency");
        return Outcome::ok(text(words), "/sys/devices/cpu_core/cpus, /sys/devices/cpu_atom/cpus");
    }
    if let Some(name) = &host.guest {
        return Outcome::hidden(format!("the hypervisor ({name}) shows all virtual CPUs alike"));
    }
    let mut capacities: BTreeMap<u32, u32> = BTreeMap::new();
    for index in &host.cpus {
        let reading = host.root.read(&format!("sys/devices/system/cpu/cpu{index}/cpu_capacity"));
        if let Some(capacity) = reading.text().and_then(|word| word.parse().ok()) {
            *capacities.entry(capacity).or_default() += 1;
        }
    }
    let source = "/sys/devices/system/cpu/cpu*/cpu_capacity";
    match capacities.len() {
        // One performance counter unit for all cores, which hybrid processors of Intel do not have.
        0 if host.root.exists("sys/devices/cpu/type") => {
            Outcome::derived(text("uniform"), "one performance counter unit /sys/devices/cpu for all cores")
        }
        0 => Outcome::unknown(format!("{source} is missing, and no unit /sys/devices/cpu")),
        1 => Outcome::ok(text("uniform"), source),
        _ => {
            let parts: Vec<String> = capacities
                .iter()
                .rev()
                .map(|(capacity, cores)| format!("{cores} of capacity {capacity}"))
                .collect();
            Outcome::ok(text(parts.join(", ")), source)
        }
    }
}

fn isolated(host: &Host<'_>) -> Outcome {
    let path = "sys/devices/system/cpu/isolated";
    match host.root.read(path) {
        Reading::Text(list) if list.is_empty() => Outcome::ok(text("none"), format!("/{path}")),
        Reading::Text(list) if count_list(&list).is_some() => Outcome::ok(text(list), format!("/{path}")),
        Reading::Text(_) => Outcome::unknown(format!("/{path}: not a list of CPUs")),
        other => Outcome::of_failure(&other, &format!("/{path}"))
            .unwrap_or_else(|| host.missing(&format!("/{path}"))),
    }
}

fn invariant_counter(host: &Host<'_>) -> Outcome {
    if host.cpuinfo.processors() == 0 {
        return host.cpuinfo_failure.clone().unwrap_or_else(|| Outcome::unknown("/proc/cpuinfo is missing"));
    }
    if !host.cpuinfo.is_x86() {
        return Outcome::not_applicable("only x86 processors have a time-stamp counter");
    }
    let both = host.cpuinfo.has_flag("constant_tsc") && host.cpuinfo.has_flag("nonstop_tsc");
    Outcome::ok(FactValue::Flag(both), "/proc/cpuinfo flags constant_tsc and nonstop_tsc")
}
