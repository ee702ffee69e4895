//! The computer around the processor: product, firmware, sensors, power limit.
//!
//! Serial numbers and identifiers lie beside these files and are not read.

use super::Host;
use crate::hardware::root::Reading;
use crate::hardware::sheet::{Outcome, Sheet, text};
use crate::model::fact::{FactValue, keys};

const DMI: &str = "sys/class/dmi/id";
const TREE: &str = "proc/device-tree/model";
const POWER_LIMIT: &str = "sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw";

/// Names of `hwmon` drivers whose sensors sit in the processor.
const SENSORS: &[&str] = &["coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"];
/// Types of thermal zones that stand for the processor.
const ZONES: &[&str] = &["x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc-thermal", "soc_thermal"];

/// Writes the facts about board, temperature and power limit.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    sheet.put(keys::BOARD_PRODUCT, product(host));
    sheet.put(keys::BOARD_FIRMWARE, firmware(host));
    sheet.put(keys::THERMAL_TEMPERATURE, temperature(host));
    sheet.put(keys::POWER_LIMIT, power_limit(host));
}

/// Texts that firmware holds where nobody filled one in, or that QEMU makes up.
pub(in crate::hardware) fn is_filler(words: &str) -> bool {
    let lower = words.trim().to_lowercase();
    let fillers = [
        "",
        "to be filled by o.e.m.",
        "default string",
        "system manufacturer",
        "system product name",
        "system version",
        "not specified",
        "not applicable",
        "o.e.m.",
        "none",
        "unknown",
        "kvm",
        "virtual machine",
    ];
    fillers.contains(&lower.as_str()) || lower.starts_with("standard pc")
}

fn product(host: &Host<'_>) -> Outcome {
    let read = |leaf: &str| host.root.read(&format!("{DMI}/{leaf}")).text().map(str::to_owned);
    let pairs = [("sys_vendor", "product_name"), ("board_vendor", "board_name")];
    let mut made_up = None;
    for (vendor, name) in pairs {
        let Some(name) = read(name) else { continue };
        let vendor = read(vendor).filter(|vendor| !is_filler(vendor));
        let words = vendor.map_or_else(|| name.clone(), |vendor| format!("{vendor} {name}"));
        if !is_filler(&name) {
            return Outcome::ok(text(words), format!("/{DMI}"));
        }
        made_up.get_or_insert(words);
    }
    if let Some(words) = made_up {
        return Outcome::placeholder(text(words), format!("/{DMI}: filler, not the name of a product"));
    }
    match host.root.read(TREE).text() {
        Some(model) => Outcome::ok(text(model), format!("/{TREE}")),
        None => refused(host, &format!("{DMI}/product_name")),
    }
}

fn firmware(host: &Host<'_>) -> Outcome {
    let path = format!("{DMI}/bios_version");
    let reading = host.root.read(&path);
    match reading.text() {
        Some(version) if is_filler(version) => {
            Outcome::placeholder(text(version), format!("/{path}: filler"))
        }
        Some(version) => {
            let date = host.root.read(&format!("{DMI}/bios_date"));
            let words = date.text().map_or_else(|| version.to_owned(), |date| format!("{version} ({date})"));
            Outcome::ok(text(words), format!("/{path}, bios_date"))
        }
        None if host.root.exists(TREE) => Outcome::not_applicable("a device-tree board states no firmware"),
        None => refused(host, &path),
    }
}

/// Why the file at `path` gave no text.
fn refused(host: &Host<'_>, path: &str) -> Outcome {
    Outcome::of_failure(&host.root.read(path), &format!("/{path}"))
        .unwrap_or_else(|| host.missing(&format!("/{path}")))
}

/// The hottest sensor in °C: `hwmon` first, thermal zones where there is none.
fn temperature(host: &Host<'_>) -> Outcome {
    let mut hottest: Option<(i32, &str)> = None;
    let mut note = |reading: Option<i32>, source| {
        // Sensors that are switched off show zero or nonsense.
        if let Some(degrees) = reading.filter(|millidegrees| (1_000..150_000).contains(millidegrees))
            && hottest.is_none_or(|(known, _)| degrees > known)
        {
            hottest = Some((degrees, source));
        }
    };
    let number = |path: &str| host.root.read(path).text().and_then(|word| word.parse::<i32>().ok());
    for chip in host.root.list("sys/class/hwmon") {
        let folder = format!("sys/class/hwmon/{chip}");
        if host.root.read(&format!("{folder}/name")).text().is_none_or(|name| !SENSORS.contains(&name)) {
            continue;
        }
        let inputs = host.root.list(&folder);
        for leaf in inputs.iter().filter(|leaf| leaf.starts_with("temp") && leaf.ends_with("_input")) {
            note(
                number(&format!("{folder}/{leaf}")),
                "/sys/class/hwmon, the hottest sensor of the processor",
            );
        }
    }
    for zone in host.root.list("sys/class/thermal") {
        let folder = format!("sys/class/thermal/{zone}");
        if host.root.read(&format!("{folder}/type")).text().is_some_and(|kind| ZONES.contains(&kind)) {
            note(number(&format!("{folder}/temp")), "/sys/class/thermal, the hottest zone of the processor");
        }
    }
    match hottest {
        Some((millidegrees, source)) => {
            Outcome::ok(FactValue::Number(f64::from(millidegrees) / 1000.0), source)
        }
        None => host.missing("/sys/class/hwmon, /sys/class/thermal: a sensor of the processor"),
    }
}

fn power_limit(host: &Host<'_>) -> Outcome {
    match host.read(POWER_LIMIT).map(|word| word.parse::<u32>()) {
        Ok(Ok(microwatts)) if microwatts > 0 => {
            Outcome::ok(FactValue::Number(f64::from(microwatts) / 1e6), format!("/{POWER_LIMIT}"))
        }
        Ok(_) => Outcome::unknown(format!("/{POWER_LIMIT}: no limit in microwatts")),
        // Container runtimes mask the folder, because its counters leak what others compute.
        Err(_) if host.root.read(POWER_LIMIT) == Reading::Absent => {
            host.missing_or_masked(&format!("/{POWER_LIMIT}"))
        }
        Err(outcome) => outcome,
    }
}
