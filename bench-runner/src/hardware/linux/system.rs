//! Memory, swap, huge pages, operating system, randomisation, mitigations, clock.
//!
//! How the kernel was built and started is read elsewhere.

use super::Host;
use crate::hardware::sheet::{Outcome, Sheet, count, text};
use crate::model::fact::{FactValue, keys};

/// Writes the `memory.*` and `os.*` facts.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    memory(host, sheet);
    sheet.put(keys::MEMORY_SWAPPED, swapped(host));
    sheet.put(keys::MEMORY_THP, huge_pages(host, "enabled"));
    sheet.put(keys::MEMORY_THP_DEFRAG, huge_pages(host, "defrag"));
    sheet.put(keys::OS_NAME, os_name(host));
    sheet.put(keys::OS_KERNEL, host.words("proc/sys/kernel/osrelease"));
    sheet.put(keys::OS_ASLR, randomisation(host));
    sheet.put(keys::OS_MITIGATIONS, mitigations(host));
    let clock = "sys/devices/system/clocksource/clocksource0/current_clocksource";
    sheet.put(keys::OS_CLOCKSOURCE, host.words(clock));
    sheet.put(keys::OS_UPTIME, uptime(host));
}

fn memory(host: &Host<'_>, sheet: &mut Sheet) {
    let meminfo = host.read("proc/meminfo");
    for (key, field) in [
        (keys::MEMORY_TOTAL, "MemTotal"),
        (keys::MEMORY_AVAILABLE, "MemAvailable"),
        (keys::MEMORY_SWAP, "SwapTotal"),
    ] {
        let outcome = match &meminfo {
            Ok(table) => kibibytes(table, field).map_or_else(
                || Outcome::unknown(format!("/proc/meminfo: no {field}")),
                |bytes| Outcome::ok(count(bytes), format!("/proc/meminfo {field}")),
            ),
            Err(outcome) => outcome.clone(),
        };
        sheet.put(key, outcome);
    }
}

/// Bytes of a line such as `MemTotal:  24684084 kB`.
fn kibibytes(table: &str, field: &str) -> Option<u64> {
    let rest = table.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn swapped(host: &Host<'_>) -> Outcome {
    let table = match host.read("proc/vmstat") {
        Ok(table) => table,
        Err(outcome) => return outcome,
    };
    let pages =
        |field: &str| table.lines().find_map(|line| line.strip_prefix(field)?.trim().parse::<u64>().ok());
    match (pages("pswpin "), pages("pswpout ")) {
        (Some(into), Some(out)) => {
            Outcome::ok(count(into.saturating_add(out)), "/proc/vmstat pswpin + pswpout")
        }
        _ => Outcome::unknown("/proc/vmstat: no pswpin and pswpout"),
    }
}

fn huge_pages(host: &Host<'_>, leaf: &str) -> Outcome {
    let path = format!("sys/kernel/mm/transparent_hugepage/{leaf}");
    match host.read(&path) {
        Ok(choices) => match choices.split_once('[').and_then(|(_, rest)| rest.split_once(']')) {
            Some((chosen, _)) => Outcome::ok(text(chosen), format!("/{path}")),
            None => Outcome::unknown(format!("/{path}: no choice in brackets")),
        },
        Err(outcome) => outcome,
    }
}

fn os_name(host: &Host<'_>) -> Outcome {
    let release = host.read("etc/os-release").or_else(|_| host.read("usr/lib/os-release"));
    let Ok(release) = release else { return Outcome::unknown("/etc/os-release is missing") };
    let field = |name: &str| {
        release.lines().find_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix('=')?.trim();
            let value = value.trim_matches(|quote| matches!(quote, '"' | '\'')).trim();
            (!value.is_empty()).then(|| value.to_owned())
        })
    };
    let Some(name) = field("PRETTY_NAME").or_else(|| field("NAME")) else {
        return Outcome::unknown("/etc/os-release: no name");
    };
    let source = match &host.container {
        Some(runtime) => format!("/etc/os-release of the container image ({runtime})"),
        None => "/etc/os-release".to_owned(),
    };
    Outcome::ok(text(name), source)
}

/// The system's level, unless it is switched off for this process and its children (`personality(2)`,
/// `ADDR_NO_RANDOMIZE`).
fn randomisation(host: &Host<'_>) -> Outcome {
    let personality = host.root.read("proc/self/personality");
    let bits = personality.text().and_then(|word| u32::from_str_radix(word, 16).ok());
    if bits.is_some_and(|bits| bits & 0x0004_0000 != 0) {
        return Outcome::ok(FactValue::Integer(0), "/proc/self/personality: switched off for this process");
    }
    let path = "proc/sys/kernel/randomize_va_space";
    match host.read(path).map(|word| word.parse::<i64>()) {
        Ok(Ok(level @ 0..=2)) => Outcome::ok(FactValue::Integer(level), format!("/{path}")),
        Ok(_) => Outcome::unknown(format!("/{path}: not 0, 1 or 2")),
        Err(outcome) => outcome,
    }
}

/// Everything that the processor is affected by, with what is done about it.
fn mitigations(host: &Host<'_>) -> Outcome {
    let folder = "sys/devices/system/cpu/vulnerabilities";
    let names = host.root.list(folder);
    let states: Vec<(&String, String)> = names
        .iter()
        .filter_map(|name| {
            let reading = host.root.read(&format!("{folder}/{name}"));
            reading.text().map(|state| (name, state.to_owned()))
        })
        .collect();
    if states.is_empty() {
        return host.missing(&format!("/{folder}"));
    }
    let affected = states
        .into_iter()
        .filter(|(_, state)| state != "Not affected")
        .map(|(name, state)| format!("{name}: {state}"))
        .collect();
    Outcome::ok(FactValue::List(affected), format!("/{folder}, without those that do not affect it"))
}

fn uptime(host: &Host<'_>) -> Outcome {
    match host.read("proc/uptime") {
        Ok(words) => match words.split(['.', ' ']).next().and_then(|seconds| seconds.parse::<u64>().ok()) {
            Some(seconds) => Outcome::ok(count(seconds), "/proc/uptime"),
            None => Outcome::unknown("/proc/uptime: no number"),
        },
        Err(outcome) => outcome,
    }
}
