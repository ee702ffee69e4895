//! macOS: parsers of the output of `sysctl`, `sw_vers` and `pmset`.
//!
//! Written from the manual pages and published outputs, and never run on a Mac. Whatever a program does not
//! print stays unknown. `pmset` also prints the identifier of the battery, which is not kept.

use std::collections::BTreeMap;

use super::World;
use super::program::{ask, ask_partly};
use super::sheet::{Outcome, Sheet, count, text};
use crate::model::fact::{FactValue, keys};

/// The names asked of `sysctl`; those that a Mac does not have are left out of its answer.
const NAMES: &[&str] = &[
    "machdep.cpu.brand_string",
    "machdep.cpu.vendor",
    "machdep.cpu.family",
    "machdep.cpu.model",
    "machdep.cpu.stepping",
    "machdep.cpu.microcode_version",
    "machdep.cpu.features",
    "machdep.cpu.leaf7_features",
    "hw.physicalcpu_max",
    "hw.logicalcpu_max",
    "hw.memsize",
    "hw.cpufrequency",
    "hw.l1icachesize",
    "hw.l1dcachesize",
    "hw.l2cachesize",
    "hw.l3cachesize",
    "hw.optional.AdvSIMD",
    "hw.optional.arm.FEAT_AES",
    "hw.optional.arm.FEAT_PMULL",
    "hw.optional.arm.FEAT_SHA256",
    "hw.optional.arm.FEAT_SHA512",
    "hw.optional.arm.FEAT_SHA3",
    "kern.osrelease",
    "kern.hv_vmm_present",
    "vm.loadavg",
    "vm.swapusage",
    "hw.activecpu",
    "hw.packages",
    "hw.nperflevels",
    "hw.perflevel0.logicalcpu_max",
    "hw.perflevel1.logicalcpu_max",
    "hw.cpufrequency_max",
    "hw.pagesize",
    "hw.model",
    "sysctl.proc_translated",
];

/// Writes every fact that the programs of macOS tell.
pub(super) fn collect(world: &World<'_>, sheet: &mut Sheet) {
    match ask_partly(world, "sysctl", NAMES) {
        Ok(output) => from_sysctl(&table(&output), sheet),
        Err(reason) => {
            for key in [keys::CPU_MODEL, keys::VIRT_HYPERVISOR, keys::OS_KERNEL] {
                sheet.put(key, Outcome::unknown(reason.clone()));
            }
        }
    }
    let name = match ask(world, "sw_vers", &[]) {
        Ok(output) => os_name(&table(&output)),
        Err(reason) => Outcome::unknown(reason),
    };
    sheet.put(keys::OS_NAME, name);
    let settings = ask(world, "pmset", &["-g"]);
    sheet.put(keys::POWER_MODE, settings.map_or_else(Outcome::unknown, |output| power_mode(&output)));
    match ask(world, "pmset", &["-g", "ps"]) {
        Ok(output) => {
            sheet.put(keys::POWER_SOURCE, power_source(&output));
            sheet.put(keys::POWER_BATTERY, charge(&output));
        }
        Err(reason) => {
            sheet.put(keys::POWER_SOURCE, Outcome::unknown(reason.clone()));
            sheet.put(keys::POWER_BATTERY, Outcome::unknown(reason));
        }
    }
    let limit = ask(world, "pmset", &["-g", "therm"]);
    sheet.put(keys::THERMAL_SPEED_LIMIT, limit.map_or_else(Outcome::unknown, |output| speed_limit(&output)));
    not_there(sheet);
}

/// What macOS does not have or does not say.
fn not_there(sheet: &mut Sheet) {
    for key in [keys::FREQ_DRIVER, keys::FREQ_MODE, keys::FREQ_GOVERNOR, keys::FREQ_EPP, keys::FREQ_LIMIT] {
        sheet.put(key, Outcome::not_applicable("macOS has no such setting"));
    }
    for key in [
        keys::CPU_ISOLATED,
        keys::IDLE_DRIVER,
        keys::IDLE_GOVERNOR,
        keys::LOAD_PRESSURE_CPU,
        keys::LOAD_PRESSURE_IO,
        keys::LOAD_PRESSURE_MEMORY,
        keys::MEMORY_LIMIT,
        keys::MEMORY_THP,
        keys::MEMORY_THP_DEFRAG,
        keys::OS_AUTOGROUP,
        keys::OS_CLOCKSOURCE,
        keys::OS_NUMA_BALANCING,
        keys::OS_OPTIONS,
        keys::OS_PREEMPTION,
        keys::OS_WATCHDOG,
        keys::PROCESS_AFFINITY,
        keys::PROCESS_SECCOMP,
        keys::PROCESS_SPECULATION,
        keys::VIRT_CPU_QUOTA,
        keys::VIRT_QUOTA_STOPS,
    ] {
        sheet.put(key, Outcome::not_applicable("a Linux notion"));
    }
    sheet.put(keys::CPU_NUMA, Outcome::not_applicable("Macs have one memory node"));
    sheet.put(keys::CPU_TSC, Outcome::not_applicable("macOS hides the counter behind its own clock"));
    sheet.put(keys::VIRT_CONTAINER, Outcome::not_applicable("macOS runs no containers of its own"));
    for key in [
        keys::BOARD_FIRMWARE,
        keys::FREQ_BASE,
        keys::FREQ_TURBO,
        keys::LOAD_BLOCKED,
        keys::LOAD_INTERRUPTS,
        keys::LOAD_PROGRAMS,
        keys::LOAD_RUNNABLE,
        keys::LOAD_STEAL,
        keys::LOAD_SWITCHES,
        keys::LOAD_TICKS,
        keys::MEMORY_SWAPPED,
        keys::OS_ASLR,
        keys::OS_MITIGATIONS,
        keys::POWER_LIMIT,
        keys::PROCESS_NICE,
        keys::PROCESS_POLICY,
        keys::PROCESS_TRACED,
        keys::THERMAL_TEMPERATURE,
        keys::THERMAL_THROTTLES,
    ] {
        sheet.put(key, Outcome::unknown("not read on macOS"));
    }
}

/// Lines `name: value` as a table.
fn table(output: &str) -> BTreeMap<&str, &str> {
    output
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(_, value)| !value.is_empty() && value.len() <= 4096)
        .collect()
}

fn from_sysctl(table: &BTreeMap<&str, &str>, sheet: &mut Sheet) {
    let mut words = |key, name: &str| {
        let found = table.get(name).map(|value| text(*value));
        sheet.put(key, told(found, name));
    };
    words(keys::CPU_MODEL, "machdep.cpu.brand_string");
    words(keys::OS_KERNEL, "kern.osrelease");
    words(keys::BOARD_PRODUCT, "hw.model");
    let number = |name: &str| table.get(name).and_then(|value| value.parse::<i64>().ok());
    for (key, name) in [
        (keys::CPU_CORES_PHYSICAL, "hw.physicalcpu_max"),
        (keys::CPU_CORES_LOGICAL, "hw.logicalcpu_max"),
        (keys::MEMORY_TOTAL, "hw.memsize"),
        (keys::CPU_FREQUENCY, "hw.cpufrequency"),
        (keys::CPU_CORES_ONLINE, "hw.activecpu"),
        (keys::CPU_PACKAGES, "hw.packages"),
        (keys::FREQ_MAXIMUM, "hw.cpufrequency_max"),
        (keys::MEMORY_PAGE, "hw.pagesize"),
    ] {
        sheet.put(key, told(number(name).map(FactValue::Integer), name));
    }
    processor(table, sheet);
    sheet.put(keys::CPU_KINDS, kinds(table));
    let translation = match table.get("sysctl.proc_translated") {
        Some(&"1") => Some(text("rosetta")),
        Some(&"0") => Some(text("none")),
        _ => None,
    };
    sheet.put(keys::VIRT_TRANSLATION, told(translation, "sysctl.proc_translated"));
    let smt = match (number("hw.physicalcpu_max"), number("hw.logicalcpu_max")) {
        (Some(physical), Some(logical)) => {
            Outcome::derived(FactValue::Flag(logical > physical), "logical against physical cores")
        }
        _ => Outcome::unknown("`sysctl`: no core counts"),
    };
    sheet.put(keys::CPU_SMT, smt);
    let caches: Vec<String> = [
        ("L1d", "hw.l1dcachesize"),
        ("L1i", "hw.l1icachesize"),
        ("L2", "hw.l2cachesize"),
        ("L3", "hw.l3cachesize"),
    ]
    .iter()
    .filter_map(|(level, name)| {
        number(name).filter(|bytes| *bytes > 0).map(|bytes| format!("{level} {bytes} B"))
    })
    .collect();
    let caches = (!caches.is_empty()).then_some(FactValue::List(caches));
    sheet.put(keys::CPU_CACHES, told(caches, "hw.l1dcachesize to hw.l3cachesize"));
    let guest = match table.get("kern.hv_vmm_present") {
        Some(&"0") => Some(text("none")),
        Some(&"1") => Some(text("unnamed")),
        _ => None,
    };
    sheet.put(keys::VIRT_HYPERVISOR, told(guest, "kern.hv_vmm_present"));
    // `{ 1.52 1.61 1.70 }`
    let load = table
        .get("vm.loadavg")
        .and_then(|value| value.split_whitespace().nth(1)?.replace(',', ".").parse::<f64>().ok())
        .filter(|load| (0.0..1e6).contains(load));
    sheet.put(keys::LOAD_ONE, told(load.map(FactValue::Number), "vm.loadavg"));
    // `total = 2048.00M  used = 1024.00M  free = 1024.00M  (encrypted)`
    let swap = table
        .get("vm.swapusage")
        .and_then(|value| value.strip_prefix("total = ")?.split_whitespace().next()?.strip_suffix('M'))
        .and_then(|megabytes| megabytes.split(['.', ',']).next()?.parse::<u64>().ok())
        .and_then(|megabytes| megabytes.checked_mul(1024 * 1024));
    sheet.put(keys::MEMORY_SWAP, told(swap.map(count), "vm.swapusage"));
}

/// Levels of performance: 0 is the fastest.
fn kinds(table: &BTreeMap<&str, &str>) -> Outcome {
    let number = |name: &str| table.get(name).and_then(|value| value.parse::<u32>().ok());
    let levels = ["hw.perflevel0.logicalcpu_max", "hw.perflevel1.logicalcpu_max"].map(number);
    match (number("hw.nperflevels"), levels) {
        (Some(1), _) => Outcome::ok(text("uniform"), "`sysctl hw.nperflevels`"),
        (Some(2), [Some(fast), Some(slow)]) => {
            let words = format!("{fast} performance, {slow} efficiency");
            Outcome::ok(text(words), "`sysctl hw.perflevel0, hw.perflevel1`")
        }
        (Some(levels), _) => Outcome::unknown(format!("`sysctl`: {levels} levels that are not known")),
        (None, _) => told(None, "hw.nperflevels"),
    }
}

/// Vendor, signature, microcode and features: Intel states them, Apple's own processors do not.
fn processor(table: &BTreeMap<&str, &str>, sheet: &mut Sheet) {
    let apple = table.get("machdep.cpu.brand_string").is_some_and(|brand| brand.starts_with("Apple"));
    let vendor = match table.get("machdep.cpu.vendor") {
        Some(vendor) => Outcome::ok(text(*vendor), "`sysctl machdep.cpu.vendor`"),
        None if apple => Outcome::derived(text("Apple"), "the brand string"),
        None => told(None, "machdep.cpu.vendor"),
    };
    sheet.put(keys::CPU_VENDOR, vendor);
    let part = |name: &str| table.get(name).copied();
    let signature =
        match (part("machdep.cpu.family"), part("machdep.cpu.model"), part("machdep.cpu.stepping")) {
            (Some(family), Some(model), Some(stepping)) => {
                Outcome::ok(text(format!("{family}/{model}/{stepping}")), "`sysctl machdep.cpu`")
            }
            _ if apple => Outcome::not_applicable("the brand string identifies processors of Apple"),
            _ => told(None, "machdep.cpu.family"),
        };
    sheet.put(keys::CPU_SIGNATURE, signature);
    let microcode = match part("machdep.cpu.microcode_version") {
        None if apple => Outcome::not_applicable("only x86 processors state a microcode revision"),
        revision => told(revision.map(text), "machdep.cpu.microcode_version"),
    };
    sheet.put(keys::CPU_MICROCODE, microcode);
    sheet.put(
        keys::CPU_FEATURES,
        told(features(table).map(FactValue::List), "features of machdep.cpu and hw.optional"),
    );
    if apple {
        let source = "Apple's processors state no frequency without privileges";
        sheet.put(keys::CPU_FREQUENCY, Outcome::unknown(source));
        sheet.put(keys::FREQ_MAXIMUM, Outcome::unknown(source));
    }
}

/// Extensions under the names that Linux uses, so that machines compare.
fn features(table: &BTreeMap<&str, &str>) -> Option<Vec<String>> {
    let intel = [
        ("SSSE3", "ssse3"),
        ("SSE4.1", "sse4_1"),
        ("SSE4.2", "sse4_2"),
        ("AES", "aes"),
        ("PCLMULQDQ", "pclmulqdq"),
        ("AVX1.0", "avx"),
        ("FMA", "fma"),
        ("AVX2", "avx2"),
        ("BMI1", "bmi1"),
        ("BMI2", "bmi2"),
        ("ADX", "adx"),
        ("ERMS", "erms"),
        ("SHA", "sha_ni"),
        ("AVX512F", "avx512f"),
        ("AVX512IFMA", "avx512ifma"),
        ("AVX512VL", "avx512vl"),
    ];
    let arm = [
        ("hw.optional.AdvSIMD", "asimd"),
        ("hw.optional.arm.FEAT_AES", "aes"),
        ("hw.optional.arm.FEAT_PMULL", "pmull"),
        ("hw.optional.arm.FEAT_SHA256", "sha2"),
        ("hw.optional.arm.FEAT_SHA512", "sha512"),
        ("hw.optional.arm.FEAT_SHA3", "sha3"),
    ];
    let stated: Vec<&str> = ["machdep.cpu.features", "machdep.cpu.leaf7_features"]
        .iter()
        .filter_map(|name| table.get(name))
        .flat_map(|words| words.split_whitespace())
        .collect();
    let mut found: Vec<String> = intel
        .iter()
        .filter(|(name, _)| stated.contains(name))
        .chain(arm.iter().filter(|(name, _)| table.get(name) == Some(&"1")))
        .map(|(_, name)| (*name).to_owned())
        .collect();
    found.sort();
    (!found.is_empty()).then_some(found)
}

fn told(value: Option<FactValue>, name: &str) -> Outcome {
    match value {
        Some(value) => Outcome::ok(value, format!("`sysctl {name}`")),
        None => Outcome::unknown(format!("`sysctl`: no {name}")),
    }
}

/// The name and version of `sw_vers`; the build number is left out, as it changes with every update.
fn os_name(table: &BTreeMap<&str, &str>) -> Outcome {
    match (table.get("ProductName"), table.get("ProductVersion")) {
        (Some(name), Some(version)) => Outcome::ok(text(format!("{name} {version}")), "`sw_vers`"),
        _ => Outcome::unknown("`sw_vers`: no ProductName and ProductVersion"),
    }
}

/// Low Power Mode from the settings in use.
///
/// `lowpowermode` is 0 or 1. Macs with a high-power mode print `powermode` instead, whose numbers are described
/// differently by different sources: the number is kept and not interpreted.
fn power_mode(output: &str) -> Outcome {
    let setting = |name: &str| {
        output.lines().find_map(|line| {
            let mut fields = line.split_whitespace();
            if fields.next()? == name { fields.next()?.parse::<u8>().ok() } else { None }
        })
    };
    match (setting("lowpowermode"), setting("powermode")) {
        (Some(0), _) => Outcome::ok(text("normal"), "`pmset -g` lowpowermode 0"),
        (Some(1), _) => Outcome::ok(text("low-power"), "`pmset -g` lowpowermode 1"),
        (None, Some(number)) => {
            Outcome::ok(text(format!("powermode-{number}")), "`pmset -g` powermode, kept as a number")
        }
        _ => Outcome::unknown("`pmset -g`: neither lowpowermode nor powermode"),
    }
}

/// `Now drawing from 'AC Power'`.
fn power_source(output: &str) -> Outcome {
    let source = "`pmset -g ps`";
    match output.split_once("drawing from '").and_then(|(_, rest)| rest.split_once('\'')) {
        Some(("AC Power", _)) => Outcome::ok(text("mains"), source),
        Some(("Battery Power", _)) => Outcome::ok(text("battery"), source),
        Some(("UPS Power", _)) => Outcome::ok(text("battery"), "`pmset -g ps`: an uninterruptible supply"),
        _ => Outcome::unknown("`pmset -g ps`: no known supply"),
    }
}

/// ` -InternalBattery-0 (id=…) 97%; charging; 0:20 remaining present: true`.
fn charge(output: &str) -> Outcome {
    let Some(line) = output.lines().find(|line| line.trim_start().starts_with("-InternalBattery")) else {
        let answered = output.contains("drawing from");
        return if answered {
            Outcome::not_applicable("`pmset -g ps`: no battery")
        } else {
            Outcome::unknown("`pmset -g ps`: no known answer")
        };
    };
    let percent = line.split_once('%').and_then(|(before, _)| {
        before.rsplit(|other: char| !other.is_ascii_digit()).next()?.parse::<i64>().ok()
    });
    match percent {
        Some(percent @ 0..=100) => Outcome::ok(FactValue::Integer(percent), "`pmset -g ps`"),
        _ => Outcome::unknown("`pmset -g ps`: the battery states no charge"),
    }
}

/// `CPU_Speed_Limit = 100`; Macs that were never limited print a note instead.
fn speed_limit(output: &str) -> Outcome {
    let limit = output.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        if name.trim() == "CPU_Speed_Limit" { value.trim().parse::<i64>().ok() } else { None }
    });
    match limit {
        Some(percent @ 0..=100) => {
            Outcome::ok(FactValue::Integer(percent), "`pmset -g therm` CPU_Speed_Limit")
        }
        _ => Outcome::unknown("`pmset -g therm`: no CPU_Speed_Limit"),
    }
}
