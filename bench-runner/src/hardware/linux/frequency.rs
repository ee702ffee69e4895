//! Frequency policy: driver, governor, energy preference, turbo.
//!
//! A missing switch is never read as "off": in a guest it is hidden, elsewhere unknown.

use super::Host;
use crate::hardware::root::Reading;
use crate::hardware::sheet::{Outcome, Sheet, text};
use crate::model::fact::{FactValue, keys};

const CPUFREQ: &str = "/sys/devices/system/cpu/cpu*/cpufreq";

/// Writes the `frequency.*` facts.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    let driver = host.across_cpus("cpufreq/scaling_driver");
    let governor = host.across_cpus("cpufreq/scaling_governor");
    sheet.put(keys::FREQ_GOVERNOR, across(host, governor, "scaling_governor"));
    sheet.put(keys::FREQ_EPP, preference(host, driver.as_deref()));
    sheet.put(keys::FREQ_TURBO, turbo(host, driver.is_some()));
    sheet.put(keys::FREQ_MODE, mode(host, driver.as_deref()));
    sheet.put(keys::FREQ_BASE, highest(host, "base_frequency"));
    sheet.put(keys::FREQ_MAXIMUM, highest(host, "cpuinfo_max_freq"));
    sheet.put(keys::FREQ_LIMIT, highest(host, "scaling_max_freq"));
    sheet.put(keys::FREQ_DRIVER, across(host, driver, "scaling_driver"));
    sheet.put(keys::IDLE_DRIVER, host.words("sys/devices/system/cpu/cpuidle/current_driver"));
    sheet.put(keys::IDLE_GOVERNOR, host.words("sys/devices/system/cpu/cpuidle/current_governor_ro"));
}

/// `status` of the two drivers that have modes (`admin-guide/pm/intel_pstate`, `amd-pstate`).
fn mode(host: &Host<'_>, driver: Option<&str>) -> Outcome {
    let folders = ["sys/devices/system/cpu/intel_pstate/status", "sys/devices/system/cpu/amd_pstate/status"];
    for path in folders {
        let reading = host.root.read(path);
        if let Some(word) = reading.text()
            && matches!(word, "active" | "passive" | "guided" | "off")
        {
            return Outcome::ok(text(word), format!("/{path}"));
        }
        if let Some(outcome) = Outcome::of_failure(&reading, &format!("/{path}")) {
            return outcome;
        }
    }
    match driver {
        Some(driver) if !driver.contains("pstate") => {
            Outcome::not_applicable(format!("the driver {driver} has no modes"))
        }
        _ => host.missing("/sys/devices/system/cpu/{intel_pstate,amd_pstate}/status"),
    }
}

/// The highest frequency over all CPUs, stated in kHz.
fn highest(host: &Host<'_>, leaf: &str) -> Outcome {
    let path = format!("{CPUFREQ}/{leaf}");
    let kilohertz = host
        .cpus
        .iter()
        .filter_map(|index| {
            let reading = host.root.read(&format!("sys/devices/system/cpu/cpu{index}/cpufreq/{leaf}"));
            reading.text().and_then(|word| word.parse::<u32>().ok())
        })
        .filter(|kilohertz| (1_000..100_000_000).contains(kilohertz))
        .max();
    match kilohertz {
        Some(kilohertz) => Outcome::ok(FactValue::Integer(i64::from(kilohertz) * 1000), path),
        None => across(host, None, leaf),
    }
}

fn across(host: &Host<'_>, words: Option<String>, leaf: &str) -> Outcome {
    let path = format!("{CPUFREQ}/{leaf}");
    if let Some(words) = words {
        return Outcome::ok(text(words), path);
    }
    let first = host.root.read(&format!("sys/devices/system/cpu/cpu0/cpufreq/{leaf}"));
    Outcome::of_failure(&first, &path).unwrap_or_else(|| host.missing(&path))
}

fn preference(host: &Host<'_>, driver: Option<&str>) -> Outcome {
    let leaf = "energy_performance_preference";
    match (host.across_cpus(&format!("cpufreq/{leaf}")), driver) {
        // Only the active modes of intel_pstate and amd-pstate have a preference.
        (None, Some(driver)) => {
            Outcome::not_applicable(format!("the driver {driver} has no energy-performance preference"))
        }
        (words, _) => across(host, words, leaf),
    }
}

fn turbo(host: &Host<'_>, has_driver: bool) -> Outcome {
    let intel = "sys/devices/system/cpu/intel_pstate/no_turbo";
    let general = "sys/devices/system/cpu/cpufreq/boost";
    for (path, on) in [(intel, "0"), (general, "1")] {
        let reading = host.root.read(path);
        match &reading {
            Reading::Text(word) if matches!(word.as_str(), "0" | "1") => {
                return Outcome::ok(FactValue::Flag(word == on), format!("/{path}"));
            }
            Reading::Text(_) => return Outcome::unknown(format!("/{path}: neither 0 nor 1")),
            Reading::Absent => {}
            Reading::Denied => return Outcome::denied(format!("/{path}: permission denied")),
            Reading::Malformed(why) => return Outcome::unknown(format!("/{path}: {why}")),
        }
    }
    let source = "/sys/devices/system/cpu/cpufreq/policy*/boost";
    match policies(host).as_slice() {
        [] if has_driver => {
            Outcome::unknown("no boost switch: the driver has none, or the firmware took it away")
        }
        [] => host.missing("/sys/devices/system/cpu/{intel_pstate/no_turbo,cpufreq/boost}"),
        policies if policies.iter().all(|policy| policy == "1") => Outcome::ok(FactValue::Flag(true), source),
        policies if policies.iter().all(|policy| policy == "0") => {
            Outcome::ok(FactValue::Flag(false), source)
        }
        _ => Outcome::ok(text("mixed"), source),
    }
}

fn policies(host: &Host<'_>) -> Vec<String> {
    host.root
        .list("sys/devices/system/cpu/cpufreq")
        .iter()
        .filter(|name| name.starts_with("policy"))
        .filter_map(|name| {
            let reading = host.root.read(&format!("sys/devices/system/cpu/cpufreq/{name}/boost"));
            reading.text().map(str::to_owned)
        })
        .collect()
}
