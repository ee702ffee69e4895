//! Power: mode, mains or battery, charge, and whether the processor was throttled.
//!
//! Only supplies of the system count: the battery of a mouse says nothing about the processor.

use super::Host;
use crate::hardware::World;
use crate::hardware::program::ask;
use crate::hardware::root::Reading;
use crate::hardware::sheet::{Outcome, Sheet, count, text};
use crate::model::fact::{FactValue, keys};

const SUPPLIES: &str = "sys/class/power_supply";

/// Writes the `power.*` and `thermal.*` facts.
pub(super) fn collect(host: &Host<'_>, world: &World<'_>, sheet: &mut Sheet) {
    sheet.put(keys::POWER_MODE, mode(host, world));
    let supplies = supplies(host);
    sheet.put(keys::POWER_SOURCE, source(host, &supplies));
    sheet.put(keys::POWER_BATTERY, charge(host, &supplies));
    sheet.put(keys::THERMAL_THROTTLES, throttles(host));
    sheet.put(keys::THERMAL_SPEED_LIMIT, Outcome::not_applicable("Linux states no speed limit"));
}

fn mode(host: &Host<'_>, world: &World<'_>) -> Outcome {
    let path = "sys/firmware/acpi/platform_profile";
    let reading = host.root.read(path);
    match &reading {
        Reading::Text(word) if !word.is_empty() => return Outcome::ok(text(word), format!("/{path}")),
        Reading::Denied => return Outcome::denied(format!("/{path}: permission denied")),
        Reading::Text(_) | Reading::Absent | Reading::Malformed(_) => {}
    }
    if host.guest.is_some() || host.container.is_some() {
        return host.missing_or_masked(&format!("/{path}"));
    }
    if host.cpus.is_empty() {
        return Outcome::unknown("/sys is not readable");
    }
    match ask(world, "powerprofilesctl", &["get"]) {
        Ok(answer) if matches!(answer.trim(), "power-saver" | "balanced" | "performance") => {
            Outcome::ok(text(answer.trim()), "`powerprofilesctl get`")
        }
        Ok(_) => Outcome::unknown("`powerprofilesctl get`: an answer that is not known"),
        Err(_) => Outcome::not_applicable(
            "no platform profile and no power-profiles daemon: there is no mode to set",
        ),
    }
}

/// One supply of the system.
struct Supply {
    is_battery: bool,
    online: Option<bool>,
    status: Option<String>,
    capacity: Option<i64>,
}

fn supplies(host: &Host<'_>) -> Vec<Supply> {
    host.root
        .list(SUPPLIES)
        .iter()
        .filter_map(|name| {
            let read =
                |leaf: &str| host.root.read(&format!("{SUPPLIES}/{name}/{leaf}")).text().map(str::to_owned);
            // Scope `Device` marks the batteries of mice, headsets and pens.
            if read("scope").is_some_and(|scope| scope == "Device") {
                return None;
            }
            Some(Supply {
                is_battery: read("type")? == "Battery",
                // USB supplies say 2 for a programmable supply that is connected.
                online: read("online").map(|word| word != "0"),
                status: read("status"),
                capacity: read("capacity").and_then(|word| word.parse().ok()),
            })
        })
        .collect()
}

fn source(host: &Host<'_>, supplies: &[Supply]) -> Outcome {
    let from = format!("/{SUPPLIES}");
    let adapters: Vec<bool> =
        supplies.iter().filter(|supply| !supply.is_battery).filter_map(|supply| supply.online).collect();
    let batteries: Vec<&str> = supplies
        .iter()
        .filter(|supply| supply.is_battery)
        .filter_map(|supply| supply.status.as_deref())
        .collect();
    if supplies.is_empty() {
        return no_supply(host);
    }
    if adapters.contains(&true) {
        return Outcome::ok(text("mains"), format!("{from}/*/online"));
    }
    if batteries.contains(&"Discharging") {
        return Outcome::ok(text("battery"), format!("{from}/*/status"));
    }
    if batteries.iter().any(|status| matches!(*status, "Charging" | "Full" | "Not charging")) {
        return Outcome::derived(text("mains"), format!("{from}/*/status: the battery is not discharging"));
    }
    if !adapters.is_empty() && !batteries.is_empty() {
        return Outcome::derived(text("battery"), format!("{from}/*/online: no adapter is connected"));
    }
    Outcome::unknown(format!("{from}: the supplies do not tell"))
}

/// Nothing is listed: what that means depends on the machine.
fn no_supply(host: &Host<'_>) -> Outcome {
    if let Some(name) = &host.guest {
        return Outcome::hidden(format!(
            "/{SUPPLIES} is empty: the hypervisor ({name}) does not show the supply"
        ));
    }
    if host.cpus.is_empty() {
        return Outcome::unknown("/sys is not readable");
    }
    // SMBIOS chassis types 3 to 7, 13, 17 and 23 to 25 are desktops and servers (DMTF DSP0134, 7.4.1).
    let chassis = host.root.read("sys/class/dmi/id/chassis_type");
    let stationary = chassis
        .text()
        .and_then(|word| word.parse::<u32>().ok())
        .is_some_and(|kind| matches!(kind, 3..=7 | 13 | 17 | 23..=25));
    if stationary {
        Outcome::derived(text("mains"), "no battery, and the chassis is a desktop or server")
    } else {
        Outcome::not_applicable(format!("/{SUPPLIES} is empty: no battery and no adapter to ask"))
    }
}

fn charge(host: &Host<'_>, supplies: &[Supply]) -> Outcome {
    let charges = supplies
        .iter()
        .filter(|supply| supply.is_battery)
        .filter_map(|supply| supply.capacity)
        .filter(|percent| (0..=100).contains(percent));
    if let Some(lowest) = charges.min() {
        return Outcome::ok(FactValue::Integer(lowest), format!("/{SUPPLIES}/*/capacity, the lowest"));
    }
    if supplies.iter().any(|supply| supply.is_battery) {
        return Outcome::unknown(format!("/{SUPPLIES}: the battery states no charge"));
    }
    match &host.guest {
        Some(name) => {
            Outcome::hidden(format!("/{SUPPLIES}: the hypervisor ({name}) does not show a battery"))
        }
        None if host.cpus.is_empty() => Outcome::unknown("/sys is not readable"),
        None => Outcome::not_applicable(format!("/{SUPPLIES}: no battery")),
    }
}

/// Sum of the core counters and the largest package counter, which every core of a package repeats.
fn throttles(host: &Host<'_>) -> Outcome {
    let mut cores: Option<u64> = None;
    let mut package = 0;
    for index in &host.cpus {
        let read = |leaf: &str| {
            let path = format!("sys/devices/system/cpu/cpu{index}/thermal_throttle/{leaf}");
            host.root.read(&path).text().and_then(|word| word.parse::<u64>().ok())
        };
        if let Some(events) = read("core_throttle_count") {
            cores = Some(cores.unwrap_or(0).saturating_add(events));
        }
        package = package.max(read("package_throttle_count").unwrap_or(0));
    }
    let path = "/sys/devices/system/cpu/cpu*/thermal_throttle";
    let other_vendor = host.cpuinfo.vendor().is_some_and(|vendor| vendor != "GenuineIntel");
    match cores {
        Some(cores) => Outcome::ok(count(cores.saturating_add(package)), path),
        None if host.guest.is_none() && other_vendor => {
            Outcome::unknown("only Intel processors have a throttle counter on Linux")
        }
        None => host.missing_or_masked(path),
    }
}
