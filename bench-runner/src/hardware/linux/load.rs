//! How busy the machine is: load, runnable tasks, pressure, stolen time.
//!
//! One reading; shares over time come from the difference of two.

use super::Host;
use crate::hardware::root::Reading;
use crate::hardware::sheet::{Outcome, Sheet, count};
use crate::model::fact::{FactValue, keys};

/// Writes the `load.*` facts.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    let (load, runnable) = load_average(host);
    sheet.put(keys::LOAD_ONE, load);
    sheet.put(keys::LOAD_RUNNABLE, runnable);
    sheet.put(keys::LOAD_PRESSURE_CPU, pressure(host));
    let (steal, ticks) = cpu_time(host);
    sheet.put(keys::LOAD_STEAL, steal);
    sheet.put(keys::LOAD_TICKS, ticks);
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
fn pressure(host: &Host<'_>) -> Outcome {
    let reading = host.root.read("proc/pressure/cpu");
    if reading == Reading::Absent {
        // The kernel of a guest is its own: a missing file is a build option, not the hypervisor's doing.
        return Outcome::unknown("/proc/pressure/cpu is missing: this kernel does not account for pressure");
    }
    let percent = reading
        .text()
        .and_then(|table| table.lines().find_map(|line| line.strip_prefix("some ")))
        .and_then(|line| line.split_whitespace().find_map(|field| field.strip_prefix("avg10=")))
        .and_then(|word| word.parse::<f64>().ok())
        .filter(|percent| is_plausible(*percent));
    match percent {
        Some(percent) => Outcome::ok(FactValue::Number(percent), "/proc/pressure/cpu some avg10"),
        None => Outcome::of_failure(&reading, "/proc/pressure/cpu")
            .unwrap_or_else(|| Outcome::unknown("/proc/pressure/cpu: no line `some avg10=`")),
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
