//! Windows: parsers of the output of `reg query` and `powercfg`.
//!
//! Written from the documentation of Microsoft, and never run on Windows. Words that Windows translates are not
//! looked at; power schemes are known by their identifier, and a scheme of the owner's own is called `custom`.

use super::World;
use super::linux::is_filler;
use super::program::ask;
use super::sheet::{Outcome, Sheet, text};
use crate::model::fact::{FactValue, keys};

const BOARD: &str = r"HKLM\HARDWARE\DESCRIPTION\System\BIOS";
const PROCESSOR: &str = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0";

/// Writes every fact that the programs of Windows tell.
pub(super) fn collect(world: &World<'_>, sheet: &mut Sheet) {
    let registry = ask(world, "reg", &["query", PROCESSOR]);
    match &registry {
        Ok(output) => processor(output, sheet),
        Err(reason) => {
            for key in [keys::CPU_MODEL, keys::CPU_VENDOR, keys::CPU_SIGNATURE, keys::CPU_MICROCODE] {
                sheet.put(key, Outcome::unknown(reason.clone()));
            }
        }
    }
    let scheme = ask(world, "powercfg", &["/getactivescheme"]);
    sheet.put(keys::POWER_MODE, scheme.map_or_else(Outcome::unknown, |output| power_scheme(&output)));
    let boost = ask(world, "powercfg", &["/qh", "SCHEME_CURRENT", "SUB_PROCESSOR", "PERFBOOSTMODE"]);
    sheet.put(keys::FREQ_TURBO, boost.map_or_else(Outcome::unknown, |output| boost_mode(&output)));
    match ask(world, "reg", &["query", BOARD]) {
        Ok(output) => board(&output, sheet),
        Err(reason) => {
            for key in [keys::BOARD_PRODUCT, keys::BOARD_FIRMWARE] {
                sheet.put(key, Outcome::unknown(reason.clone()));
            }
        }
    }
    not_there(sheet);
}

/// What Windows does not have, and what is not read on it.
fn not_there(sheet: &mut Sheet) {
    for key in [keys::FREQ_DRIVER, keys::FREQ_MODE, keys::FREQ_GOVERNOR, keys::FREQ_EPP] {
        sheet.put(key, Outcome::not_applicable("Windows has no such setting; the power scheme decides"));
    }
    for key in [
        keys::CPU_ISOLATED,
        keys::IDLE_DRIVER,
        keys::IDLE_GOVERNOR,
        keys::LOAD_BLOCKED,
        keys::LOAD_ONE,
        keys::LOAD_PRESSURE_CPU,
        keys::LOAD_PRESSURE_IO,
        keys::LOAD_PRESSURE_MEMORY,
        keys::LOAD_RUNNABLE,
        keys::MEMORY_LIMIT,
        keys::MEMORY_THP,
        keys::MEMORY_THP_DEFRAG,
        keys::OS_AUTOGROUP,
        keys::OS_CLOCKSOURCE,
        keys::OS_NUMA_BALANCING,
        keys::OS_OPTIONS,
        keys::OS_PREEMPTION,
        keys::OS_WATCHDOG,
        keys::PROCESS_NICE,
        keys::PROCESS_POLICY,
        keys::PROCESS_SECCOMP,
        keys::PROCESS_SPECULATION,
        keys::VIRT_CPU_QUOTA,
        keys::VIRT_QUOTA_STOPS,
    ] {
        sheet.put(key, Outcome::not_applicable("a Unix notion"));
    }
    for key in [
        keys::CPU_CACHES,
        keys::CPU_CORES_ONLINE,
        keys::CPU_FEATURES,
        keys::CPU_KINDS,
        keys::CPU_NUMA,
        keys::CPU_PACKAGES,
        keys::CPU_SMT,
        keys::CPU_TSC,
        keys::FREQ_BASE,
        keys::FREQ_LIMIT,
        keys::FREQ_MAXIMUM,
        keys::LOAD_INTERRUPTS,
        keys::LOAD_PROGRAMS,
        keys::LOAD_STEAL,
        keys::LOAD_SWITCHES,
        keys::LOAD_TICKS,
        keys::MEMORY_SWAPPED,
        keys::OS_ASLR,
        keys::OS_MITIGATIONS,
        keys::POWER_BATTERY,
        keys::POWER_LIMIT,
        keys::POWER_SOURCE,
        keys::PROCESS_AFFINITY,
        keys::PROCESS_TRACED,
        keys::THERMAL_SPEED_LIMIT,
        keys::THERMAL_TEMPERATURE,
        keys::THERMAL_THROTTLES,
        keys::VIRT_CONTAINER,
        keys::VIRT_HYPERVISOR,
        keys::VIRT_TRANSLATION,
    ] {
        sheet.put(key, Outcome::unknown("not read on Windows"));
    }
}

/// Product and firmware of the registry's copy of the firmware tables.
fn board(output: &str, sheet: &mut Sheet) {
    let filled = |name: &str| value(output, name).filter(|words| !is_filler(words));
    let product = match (filled("SystemManufacturer"), value(output, "SystemProductName")) {
        (_, Some(name)) if is_filler(name) => {
            Outcome::placeholder(text(name), "registry, SystemProductName: filler, not the name of a product")
        }
        (Some(vendor), Some(name)) => {
            Outcome::ok(text(format!("{vendor} {name}")), "registry, SystemProductName")
        }
        (None, Some(name)) => Outcome::ok(text(name), "registry, SystemProductName"),
        (_, None) => Outcome::unknown("registry: no SystemProductName"),
    };
    sheet.put(keys::BOARD_PRODUCT, product);
    let firmware = match (filled("BIOSVersion"), value(output, "BIOSReleaseDate")) {
        (Some(version), Some(date)) => {
            Outcome::ok(text(format!("{version} ({date})")), "registry, BIOSVersion and BIOSReleaseDate")
        }
        (Some(version), None) => Outcome::ok(text(version), "registry, BIOSVersion"),
        (None, _) => Outcome::unknown("registry: no BIOSVersion"),
    };
    sheet.put(keys::BOARD_FIRMWARE, firmware);
}

/// The data of `    Name    REG_SZ    data`.
fn value<'a>(output: &'a str, name: &str) -> Option<&'a str> {
    output.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(name)?.trim_start();
        let (kind, data) = rest.split_once(char::is_whitespace)?;
        let data = data.trim();
        (kind.starts_with("REG_") && !data.is_empty() && data.len() <= 1024).then_some(data)
    })
}

fn processor(output: &str, sheet: &mut Sheet) {
    let told = |found: Option<FactValue>, name: &str| match found {
        Some(found) => Outcome::ok(found, format!("registry, {name}")),
        None => Outcome::unknown(format!("registry: no {name}")),
    };
    let model = value(output, "ProcessorNameString").map(text);
    sheet.put(keys::CPU_MODEL, told(model, "ProcessorNameString"));
    let vendor = value(output, "VendorIdentifier").map(text);
    sheet.put(keys::CPU_VENDOR, told(vendor, "VendorIdentifier"));
    let signature = value(output, "Identifier").and_then(signature).map(text);
    sheet.put(keys::CPU_SIGNATURE, told(signature, "Identifier"));
    let microcode = value(output, "Update Revision").and_then(revision).map(text);
    sheet.put(keys::CPU_MICROCODE, told(microcode, "Update Revision"));
    let frequency = value(output, "~MHz")
        .and_then(|data| i64::from_str_radix(data.strip_prefix("0x")?, 16).ok())
        .filter(|megahertz| (1..100_000).contains(megahertz));
    // The registry holds the base frequency measured at boot.
    let frequency = frequency.map(|megahertz| FactValue::Integer(megahertz * 1_000_000));
    sheet.put(keys::CPU_FREQUENCY, told(frequency, "~MHz, the base frequency"));
}

/// `Intel64 Family 6 Model 142 Stepping 10` as `6/142/10`.
fn signature(identifier: &str) -> Option<String> {
    let words: Vec<&str> = identifier.split_whitespace().collect();
    let after = |name: &str| {
        let place = words.iter().position(|word| *word == name)?;
        words.get(place + 1)?.parse::<u32>().ok()
    };
    Some(format!("{}/{}/{}", after("Family")?, after("Model")?, after("Stepping")?))
}

/// Eight bytes, the upper four of which are the revision, least significant byte first.
fn revision(data: &str) -> Option<String> {
    let upper = data.get(8..16).filter(|_| data.len() == 16)?;
    let bytes = u32::from_str_radix(upper, 16).ok()?;
    Some(format!("0x{:x}", bytes.swap_bytes()))
}

/// `Power Scheme GUID: 381b4222-f694-41f0-9685-ff5bb260df2e  (Balanced)`; the words are translated, the GUID is
/// not.
fn power_scheme(output: &str) -> Outcome {
    let is_guid =
        |word: &&str| word.len() == 36 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let Some(guid) = output.split_whitespace().find(is_guid) else {
        return Outcome::unknown("`powercfg /getactivescheme`: no identifier");
    };
    let name = match guid.to_ascii_lowercase().as_str() {
        "381b4222-f694-41f0-9685-ff5bb260df2e" => "balanced",
        "8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c" => "performance",
        "a1841308-3541-4fab-bc81-f71556f20b4a" => "power-saver",
        "e9a42b02-d5df-448d-aa00-03f14749eb61" => "ultimate-performance",
        _ => "custom",
    };
    Outcome::ok(text(name), "`powercfg /getactivescheme`")
}

/// The last two numbers of the answer are the setting on mains and on battery; 0 is disabled.
fn boost_mode(output: &str) -> Outcome {
    let numbers: Vec<u32> = output
        .split_whitespace()
        .filter_map(|word| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok())
        .collect();
    match numbers.as_slice() {
        [.., mains, battery] if (*mains == 0) == (*battery == 0) => {
            Outcome::ok(FactValue::Flag(*mains != 0), "`powercfg /qh` PERFBOOSTMODE")
        }
        [.., _, _] => Outcome::unknown("`powercfg /qh` PERFBOOSTMODE: differs between mains and battery"),
        _ => Outcome::unknown("`powercfg /qh` PERFBOOSTMODE: no setting"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_become_signatures() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(signature(text).as_deref(), expected);
        check("Intel64 Family 6 Model 142 Stepping 10", Some("6/142/10"));
        check("AMD64 Family 25 Model 33 Stepping 2", Some("25/33/2"));
        check("ARMv8 (64-bit) Family 8 Model D4C Revision 201", None);
        check("", None);
    }

    #[test]
    fn revisions_are_the_upper_half() {
        assert_eq!(revision("00000000F0000000").as_deref(), Some("0xf0"));
        assert_eq!(revision("F0"), None);
        assert_eq!(revision("0000000000é0000"), None);
    }
}
