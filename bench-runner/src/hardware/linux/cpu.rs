//! Which processor it is: brand, signature, features, microcode, topology, caches.
//!
//! Frequency policy is read elsewhere; the frequency here is only what the system claims.

use std::collections::BTreeSet;

use super::{Host, count_list};
use crate::hardware::sheet::{Outcome, Sheet, count, text};
use crate::model::fact::{FactValue, keys};

/// Writes the `cpu.*` facts.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    identity(host, sheet);
    sheet.put(keys::CPU_MICROCODE, microcode(host));
    sheet.put(keys::CPU_FREQUENCY, frequency(host));
    topology(host, sheet);
    sheet.put(keys::CPU_CACHES, caches(host));
}

fn identity(host: &Host<'_>, sheet: &mut Sheet) {
    let info = &host.cpuinfo;
    let lacking = |what: &str| {
        host.cpuinfo_failure.clone().unwrap_or_else(|| Outcome::unknown(format!("/proc/cpuinfo: no {what}")))
    };
    let model = match (info.field("model name"), info.arm_names()) {
        (Some(brand), _) => Outcome::ok(text(brand), "/proc/cpuinfo model name"),
        (None, Some(names)) => Outcome::derived(text(names), "name of the part number in /proc/cpuinfo"),
        (None, None) => lacking("model name"),
    };
    sheet.put(keys::CPU_MODEL, model);
    let vendor =
        info.vendor().map_or_else(|| lacking("vendor"), |vendor| Outcome::ok(text(vendor), "/proc/cpuinfo"));
    sheet.put(keys::CPU_VENDOR, vendor);
    let signature = info.signature().map_or_else(
        || lacking("family and model"),
        |signature| Outcome::ok(text(signature), "/proc/cpuinfo family, model, stepping"),
    );
    sheet.put(keys::CPU_SIGNATURE, signature);
    let features = info.extensions().map_or_else(
        || lacking("flags"),
        |features| {
            Outcome::ok(FactValue::List(features), "/proc/cpuinfo flags, those that matter to arithmetic")
        },
    );
    sheet.put(keys::CPU_FEATURES, features);
}

/// KVM states a constant revision to guests: `0x01000065` on AMD, `0x1` on Intel (Linux, `arch/x86/kvm`); Hyper-V
/// states `0xffffffff`.
fn microcode(host: &Host<'_>) -> Outcome {
    let path = "sys/devices/system/cpu/cpu0/microcode/version";
    let file = host.root.read(path);
    let (value, source) = match (file.text(), host.cpuinfo.field("microcode")) {
        (Some(value), _) => (value.to_owned(), "/sys/devices/system/cpu/cpu0/microcode/version"),
        (None, Some(value)) => (value.to_owned(), "/proc/cpuinfo microcode"),
        (None, None) if !host.cpuinfo.is_x86() && host.cpuinfo.processors() > 0 => {
            return Outcome::not_applicable("only x86 processors state a microcode revision");
        }
        (None, None) => return host.missing(&format!("/{path}")),
    };
    let number = value.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match (number, &host.guest) {
        (Some(0x0100_0065 | 0x1), Some(_)) => {
            Outcome::placeholder(text(value), format!("{source}: the constant that KVM shows to every guest"))
        }
        (Some(0xffff_ffff), _) => Outcome::placeholder(
            text(value),
            format!("{source}: all bits set, as Hyper-V shows to every guest"),
        ),
        (_, Some(name)) => Outcome::ok(text(value), format!("{source}: as the hypervisor ({name}) shows it")),
        (_, None) => Outcome::ok(text(value), source),
    }
}

fn frequency(host: &Host<'_>) -> Outcome {
    let path = "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq";
    if let Some(kilohertz) = host.root.read(path).text().and_then(|words| words.parse::<u32>().ok()) {
        return Outcome::ok(FactValue::Integer(i64::from(kilohertz) * 1000), format!("/{path}"));
    }
    let Some(megahertz) = host.cpuinfo.field("cpu MHz").and_then(|words| words.parse::<f64>().ok()) else {
        return host.missing(&format!("/{path}"));
    };
    let Some(hertz) = hertz(megahertz) else {
        return Outcome::unknown("/proc/cpuinfo cpu MHz: not a frequency");
    };
    if host.guest.is_some() {
        let source = "/proc/cpuinfo cpu MHz: in a guest, the rate of the time-stamp counter";
        Outcome::placeholder(count(hertz), source)
    } else {
        Outcome::ok(count(hertz), "/proc/cpuinfo cpu MHz")
    }
}

/// Megahertz as whole hertz, if they are a plausible frequency.
fn hertz(megahertz: f64) -> Option<u64> {
    if !(1.0..100_000.0).contains(&megahertz) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 1e11 by the check above"
    )]
    Some((megahertz * 1e6).round() as u64)
}

fn topology(host: &Host<'_>, sheet: &mut Sheet) {
    let present = host.root.read("sys/devices/system/cpu/present");
    let logical = match present.text().and_then(count_list) {
        Some(cpus) => Outcome::ok(count(cpus), "/sys/devices/system/cpu/present"),
        None if host.cpuinfo.processors() > 0 => {
            Outcome::ok(count(host.cpuinfo.processors()), "processors online in /proc/cpuinfo")
        }
        None => host.missing("/sys/devices/system/cpu/present"),
    };
    sheet.put(keys::CPU_CORES_LOGICAL, logical);
    let source = "distinct cores in /sys/devices/system/cpu/cpu*/topology";
    let physical = match (physical_cores(host), &host.guest) {
        (Some(cores), Some(name)) => {
            Outcome::ok(count(cores), format!("{source}: as configured in the hypervisor ({name})"))
        }
        (Some(cores), None) => Outcome::ok(count(cores), source),
        (None, _) => host.missing("/sys/devices/system/cpu/cpu*/topology"),
    };
    sheet.put(keys::CPU_CORES_PHYSICAL, physical);
    sheet.put(keys::CPU_SMT, smt(host));
}

/// Counts cores by the list of CPUs that share one, or by package and core id on kernels without that list.
///
/// A CPU that is offline has no topology; its core is counted through its sibling.
fn physical_cores(host: &Host<'_>) -> Option<usize> {
    let mut cores = BTreeSet::new();
    for index in &host.cpus {
        let read = |leaf: &str| {
            let path = format!("sys/devices/system/cpu/cpu{index}/topology/{leaf}");
            host.root.read(&path).text().map(str::to_owned)
        };
        if let Some(siblings) = read("core_cpus_list").or_else(|| read("thread_siblings_list")) {
            cores.insert(siblings);
        } else if let (Some(package), Some(core)) = (read("physical_package_id"), read("core_id")) {
            cores.insert(format!("{package}/{core}"));
        }
    }
    (!cores.is_empty()).then_some(cores.len())
}

fn smt(host: &Host<'_>) -> Outcome {
    let source = "/sys/devices/system/cpu/smt/control";
    let control = match host.read("sys/devices/system/cpu/smt/control") {
        Ok(control) => control,
        Err(outcome) => return outcome,
    };
    let active = host.root.read("sys/devices/system/cpu/smt/active");
    match (control.as_str(), active.text(), &host.guest) {
        (_, Some("1"), _) => Outcome::ok(FactValue::Flag(true), "/sys/devices/system/cpu/smt/active"),
        (shown, _, Some(name)) => Outcome::placeholder(
            text(shown),
            format!("{source}: in a guest ({name}) the virtual CPUs may still share a core"),
        ),
        // "on" means that siblings may be used; without an active one there are none.
        ("off" | "forceoff" | "notsupported", _, None) | ("on", Some("0"), None) => {
            Outcome::ok(FactValue::Flag(false), format!("{source}: {control}"))
        }
        ("notimplemented", _, None) => match physical_cores(host) {
            Some(cores) => {
                Outcome::derived(FactValue::Flag(host.cpus.len() > cores), "logical against physical cores")
            }
            None => Outcome::unknown(format!("{source}: notimplemented")),
        },
        _ => Outcome::unknown(format!("{source}: a word that is not known")),
    }
}

fn caches(host: &Host<'_>) -> Outcome {
    let folder = "sys/devices/system/cpu/cpu0/cache";
    let mut levels: Vec<String> = host
        .root
        .list(folder)
        .iter()
        .filter(|entry| entry.starts_with("index"))
        .filter_map(|entry| {
            let read =
                |leaf: &str| host.root.read(&format!("{folder}/{entry}/{leaf}")).text().map(str::to_owned);
            let kind = match read("type")?.as_str() {
                "Data" => "d",
                "Instruction" => "i",
                _ => "",
            };
            Some(format!("L{}{kind} {} B", read("level")?, cache_bytes(&read("size")?)?))
        })
        .collect();
    levels.sort();
    if levels.is_empty() {
        return host.missing(&format!("/{folder}/index*"));
    }
    let source = match &host.guest {
        Some(name) => format!("/{folder}: the last level is what the hypervisor ({name}) shows"),
        None => format!("/{folder}"),
    };
    Outcome::ok(FactValue::List(levels), source)
}

/// Bytes of a size such as `32K` or `8M`.
fn cache_bytes(size: &str) -> Option<u64> {
    let (digits, factor) = match size.strip_suffix('K') {
        Some(digits) => (digits, 1024),
        None => size.strip_suffix('M').map_or((size, 1), |digits| (digits, 1024 * 1024)),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_frequencies_are_read_or_refused() {
        let check = |size: &str, expected: Option<u64>| assert_eq!(cache_bytes(size), expected, "{size}");
        check("32K", Some(32_768));
        check("8M", Some(8_388_608));
        check("512", Some(512));
        check("", None);
        check("18446744073709551615K", None);
        assert_eq!(hertz(2596.126), Some(2_596_126_000));
        assert_eq!(hertz(0.0), None);
        assert_eq!(hertz(f64::NAN), None);
        assert_eq!(hertz(f64::INFINITY), None);
    }
}
