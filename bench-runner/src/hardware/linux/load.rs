//! How busy the machine is: load, runnable tasks, pressure, stolen time.
//!
//! One reading; shares over time come from the difference of two.

use super::Host;
use crate::hardware::Window;
use crate::hardware::root::{Reading, Root};
use crate::hardware::sheet::{Outcome, Sheet, count};
use crate::model::fact::{FactValue, keys};

/// Writes the `load.*` facts.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    let (load, runnable) = load_average(host);
    sheet.put(keys::LOAD_ONE, load);
    sheet.put(keys::LOAD_RUNNABLE, runnable);
    for (key, resource) in [
        (keys::LOAD_PRESSURE_CPU, "cpu"),
        (keys::LOAD_PRESSURE_MEMORY, "memory"),
        (keys::LOAD_PRESSURE_IO, "io"),
    ] {
        sheet.put(key, pressure(host, resource));
    }
    let (steal, ticks) = cpu_time(host);
    sheet.put(keys::LOAD_STEAL, steal);
    sheet.put(keys::LOAD_TICKS, ticks);
    let table = host.root.read_beginning("proc/stat", STAT_LIMIT);
    for (key, name) in [
        (keys::LOAD_SWITCHES, "ctxt"),
        (keys::LOAD_INTERRUPTS, "intr"),
        (keys::LOAD_BLOCKED, "procs_blocked"),
    ] {
        sheet.put(key, counter(host, &table, name));
    }
}

/// `/proc/stat` has one line with a number for each interrupt, long on servers.
const STAT_LIMIT: u64 = 1 << 20;

/// The first number of the line `name` of `/proc/stat`.
fn counter(host: &Host<'_>, table: &Reading, name: &str) -> Outcome {
    let Some(text) = table.text() else {
        return Outcome::of_failure(table, "/proc/stat").unwrap_or_else(|| host.missing("/proc/stat"));
    };
    let number = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.split(' ').next()?.parse::<u64>().ok());
    number.map_or_else(
        || Outcome::unknown(format!("/proc/stat: no {name}")),
        |number| Outcome::ok(count(number), format!("/proc/stat {name}")),
    )
}

/// The counters of a short window: busy and all ticks, CPUs, microseconds of waiting.
pub(in crate::hardware) fn window(root: &Root) -> Window {
    let reading = root.read_beginning("proc/stat", STAT_LIMIT);
    let table = reading.text().unwrap_or_default();
    let fields: Option<Vec<u64>> = table
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))
        .and_then(|line| line.split_whitespace().take(8).map(|word| word.parse().ok()).collect());
    let ticks = fields.filter(|fields| fields.len() == 8).map(|fields| {
        let all = fields.iter().fold(0_u64, |sum, field| sum.saturating_add(*field));
        // Idle and waiting for a disk are not busy.
        (all.saturating_sub(fields[3]).saturating_sub(fields[4]), all)
    });
    let is_cpu = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let cpus = u32::try_from(table.lines().filter(is_cpu).count()).unwrap_or(u32::MAX);
    let pressure = root.read("proc/pressure/cpu");
    let waited = pressure
        .text()
        .and_then(|table| table.lines().find_map(|line| line.strip_prefix("some ")))
        .and_then(|line| line.split_whitespace().find_map(|field| field.strip_prefix("total=")))
        .and_then(|word| word.parse().ok());
    Window { ticks, cpus, waited }
}

/// `0.46 0.17 0.12 4/93 11215`: three averages, runnable over all tasks, last process id (`proc(5)`).
fn load_average(host: &Host<'_>) -> (Outcome, Outcome) {
    let line = match host.read("proc/loadavg") {
        Ok(line) => line,
        Err(outcome) => return (outcome.clone(), outcome),
    };
    let malformed = || Outcome::unknown("/proc/loadavg: not in its documented form");
    let fields: Vec<&str> = line.split_whitespace().collect();
    let load = fields.first().and_then(|word| word.parse::<f64>().ok()).filter(|load| is_plausible(*load));
    let load = load.map_or_else(malformed, |load| Outcome::ok(FactValue::Number(load), "/proc/loadavg"));
    let runnable = fields
        .get(3)
        .and_then(|word| word.split_once('/'))
        .and_then(|(runnable, _)| runnable.parse::<u64>().ok())
        .map_or_else(malformed, |tasks| {
            Outcome::ok(count(tasks.saturating_sub(1)), "/proc/loadavg, fourth field less one for ourselves")
        });
    (load, runnable)
}

/// Whether a load or a percentage can be real: finite, not negative.
fn is_plausible(number: f64) -> bool {
    (0.0..1e6).contains(&number)
}

/// `some avg10=1.77 avg60=… total=…` (`Documentation/accounting/psi.rst`).
fn pressure(host: &Host<'_>, resource: &str) -> Outcome {
    let path = format!("/proc/pressure/{resource}");
    let reading = host.root.read(&path);
    if reading == Reading::Absent {
        // The kernel of a guest is its own: a missing file is a build option, not the hypervisor's doing.
        return Outcome::unknown(format!("{path} is missing: this kernel does not account for pressure"));
    }
    let percent = reading
        .text()
        .and_then(|table| table.lines().find_map(|line| line.strip_prefix("some ")))
        .and_then(|line| line.split_whitespace().find_map(|field| field.strip_prefix("avg10=")))
        .and_then(|word| word.parse::<f64>().ok())
        .filter(|percent| is_plausible(*percent));
    match percent {
        Some(percent) => Outcome::ok(FactValue::Number(percent), format!("{path} some avg10")),
        None => Outcome::of_failure(&reading, &path)
            .unwrap_or_else(|| Outcome::unknown(format!("{path}: no line `some avg10=`"))),
    }
}

/// `cpu  user nice system idle iowait irq softirq steal guest guest_nice` in clock ticks (`proc(5)`).
fn cpu_time(host: &Host<'_>) -> (Outcome, Outcome) {
    let reading = host.root.read_beginning("proc/stat", 4096);
    let Some(table) = reading.text() else {
        let outcome =
            Outcome::of_failure(&reading, "/proc/stat").unwrap_or_else(|| host.missing("/proc/stat"));
        return (outcome.clone(), outcome);
    };
    let ticks: Option<Vec<u64>> = table
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))
        .and_then(|line| line.split_whitespace().take(8).map(|word| word.parse().ok()).collect());
    match ticks.as_deref() {
        Some(fields @ [_, _, _, _, _, _, _, steal]) => {
            let total = fields.iter().fold(0_u64, |sum, field| sum.saturating_add(*field));
            (
                Outcome::ok(count(*steal), "/proc/stat cpu, eighth field"),
                Outcome::ok(count(total), "/proc/stat cpu, sum of the first eight fields"),
            )
        }
        _ => {
            let outcome = Outcome::unknown("/proc/stat: no cpu line with eight fields");
            (outcome.clone(), outcome)
        }
    }
}
