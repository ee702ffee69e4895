//! The machine: facts as a reader asks for them, and what is not known about it.
//!
//! A fact is never shown without its status; a missing one is "unknown" with the reason, never "off".

use std::collections::BTreeMap;

use crate::report::format::append;
use serde::Serialize;

use super::table::{Cell, Kind, Table};
use super::words::code;
use super::{Context, family::capitalised};
use crate::model::fact::catalogue::moves_by_itself;
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, find, keys, known};
use crate::model::run::RunKind;
use crate::report::format::{self, Dialect, Scale};

/// One line of the machine's description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is about.
    pub label: String,
    /// What is known, and what is not.
    pub text: String,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Machine {
    /// The lines that a reader asks for first.
    pub lines: Vec<Line>,
    /// What changed between start and end of the run; empty for nothing.
    pub changes: Vec<String>,
    /// What could not be found out, in one sentence; empty for nothing.
    pub unknown: String,
    /// All facts, including build and source.
    pub table: Table,
}

/// Label that the owner gave, else the CPU, else the class.
pub(super) fn name(context: &Context<'_>) -> String {
    let run = &context.report.run;
    let cpu = || known(&run.facts, keys::CPU_MODEL);
    run.identity.label.clone().or_else(cpu).unwrap_or_else(|| run.identity.hw_class.clone())
}

/// Writes the section.
pub(super) fn machine(context: &Context<'_>) -> Machine {
    let identity = &context.report.run.identity;
    let mut lines = vec![
        line("Processor", processor(context)),
        line("Memory", joined(context, &[("", keys::MEMORY_TOTAL), ("swap", keys::MEMORY_SWAP)])),
        line("System", system(context)),
        line("Power", power(context)),
        line("Load at start", load(context)),
    ];
    lines.push(line(
        "Class",
        format!("{}, configuration {}", code(&identity.hw_class), code(&identity.config)),
    ));
    let label = identity.label.as_ref().map(|label| format!("{}, ", code(label)));
    let machine = format!("{}key {}", label.unwrap_or_default(), code(&identity.machine));
    lines.push(line("Machine", machine));
    lines.extend(calibration(context).map(|text| line("Calibration", text)));
    Machine { lines, changes: changes(context), unknown: unknown(context), table: table(context) }
}

/// What equal executables looked like on this machine; nothing for runs that were not measured here.
fn calibration(context: &Context<'_>) -> Option<String> {
    if context.report.run.kind != RunKind::Measured {
        return None;
    }
    let command = code("bench-runner calibrate");
    let Some(note) = &context.report.calibration else {
        return Some(format!("never; how often this machine shows false changes is unknown until {command}"));
    };
    let share = |value: f64| format::percent(context.dialect, value, 1);
    let mut text = format!("calibrated on {}", format::timestamp(note.at));
    for (name, alarms) in [("A/A false alarms", &note.alarms), ("Criterion's own rule", &note.criterion)] {
        append(&mut text, format_args!("; {name} {} of {}", alarms.alarms, alarms.comparisons));
        if let Some((low, high)) = alarms.interval {
            append(&mut text, format_args!(" (95 % interval {} to {})", share(low), share(high)));
        }
    }
    if let Some(smallest) = note.smallest_change {
        let smallest = format::percent(context.dialect, smallest, 2);
        append(&mut text, format_args!("; smallest change {smallest} in {} blocks", note.planned_blocks));
    }
    append(&mut text, format_args!("; steadiest summary of a launch: {}", note.best.name()));
    if let Some(why) = &note.stale {
        append(&mut text, format_args!("; it does not count for this run: {why}, see {command}"));
    }
    Some(text)
}

fn line(label: &str, text: String) -> Line {
    Line { label: label.to_owned(), text }
}

/// The value of a fact, or "unknown" with the reason; `None` when the run has no such fact at all.
fn said(context: &Context<'_>, key: &str) -> Option<String> {
    find(&context.report.run.facts, key, Phase::Start).map(|fact| shown(context.dialect, fact))
}

/// The value of a known fact.
fn value(context: &Context<'_>, key: &str) -> Option<String> {
    find(&context.report.run.facts, key, Phase::Start)
        .filter(|fact| fact.status.is_known() && fact.value.is_some())
        .map(|fact| shown(context.dialect, fact))
}

/// Joins labelled facts; a fact that was never looked for is left out, one that was not found says so.
fn joined(context: &Context<'_>, parts: &[(&str, &str)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .filter_map(|(label, key)| {
            let text = said(context, key)?;
            Some(if label.is_empty() { text } else { format!("{label} {text}") })
        })
        .collect();
    if parts.is_empty() { not_read(context) } else { parts.join(", ") }
}

/// Why a fact is missing altogether.
pub(super) fn not_read(context: &Context<'_>) -> String {
    match context.report.run.kind {
        RunKind::Measured => "unknown (not read in this run)",
        RunKind::Imported => "unknown (not part of what was imported)",
        RunKind::Summary => "unknown (not stated by the record)",
    }
    .to_owned()
}

fn processor(context: &Context<'_>) -> String {
    let mut text = said(context, keys::CPU_MODEL).unwrap_or_else(|| not_read(context));
    let counts = [
        (keys::CPU_CORES_PHYSICAL, "physical cores"),
        (keys::CPU_CORES_LOGICAL, "logical"),
        (keys::CPU_CORES_USABLE, "usable by this process"),
    ];
    for (key, word) in counts {
        match (value(context, key), said(context, key)) {
            (Some(count), _) => append(&mut text, format_args!(", {count} {word}")),
            (None, Some(why)) => append(&mut text, format_args!(", {word} {why}")),
            (None, None) => {}
        }
    }
    if let Some(frequency) = value(context, keys::CPU_FREQUENCY) {
        append(&mut text, format_args!(", {frequency} as the system claims"));
    }
    text
}

fn system(context: &Context<'_>) -> String {
    let mut text = joined(context, &[("", keys::OS_NAME), ("kernel", keys::OS_KERNEL), ("", keys::CPU_ARCH)]);
    for (key, word) in [(keys::VIRT_HYPERVISOR, "hypervisor"), (keys::VIRT_CONTAINER, "container")] {
        if let Some(value) = said(context, key) {
            append(&mut text, format_args!(", {word} {value}"));
        }
    }
    text
}

/// What is known is said in full; what is not is gathered by reason, since on a guest one reason holds for all.
fn power(context: &Context<'_>) -> String {
    let parts = [
        ("mode", keys::POWER_MODE),
        ("source", keys::POWER_SOURCE),
        ("governor", keys::FREQ_GOVERNOR),
        ("preference", keys::FREQ_EPP),
        ("turbo", keys::FREQ_TURBO),
    ];
    let facts = &context.report.run.facts;
    let mut said = Vec::new();
    let mut unknown: BTreeMap<FactStatus, Vec<String>> = BTreeMap::new();
    for (label, key) in parts {
        match (value(context, key), find(facts, key, Phase::Start)) {
            (Some(text), _) => said.push(format!("{label} {text}")),
            (None, Some(fact)) => unknown.entry(fact.status).or_default().push(label.to_owned()),
            (None, None) => {}
        }
    }
    let gathered = |(status, labels): (&FactStatus, &Vec<String>)| {
        let why = match status {
            FactStatus::Hidden => "unknown: hidden by the hypervisor or container",
            FactStatus::Denied => "unknown: the system refuses to tell",
            FactStatus::NotApplicable => "not applicable here",
            FactStatus::Placeholder => "unknown: the value shown is made up",
            FactStatus::Unknown | FactStatus::Ok | FactStatus::Derived => "unknown",
        };
        format!("{} {why}", super::words::list(labels))
    };
    said.extend(unknown.iter().map(gathered));
    if said.is_empty() { not_read(context) } else { said.join("; ") }
}

fn load(context: &Context<'_>) -> String {
    joined(
        context,
        &[
            ("average over one minute", keys::LOAD_ONE),
            ("runnable tasks", keys::LOAD_RUNNABLE),
            ("CPU pressure", keys::LOAD_PRESSURE_CPU),
        ],
    )
}

/// The value with its unit and, unless it is simply known, its status and reason.
pub(super) fn shown(dialect: Dialect, fact: &Fact) -> String {
    let value = fact.value.as_ref().map(|value| value_text(dialect, value, &fact.unit));
    match (fact.status, value) {
        (FactStatus::Ok | FactStatus::Derived, Some(value)) => value,
        (FactStatus::Placeholder, Some(value)) => format!("{value} (not real: {})", fact.source),
        (FactStatus::NotApplicable, _) => format!("not applicable ({})", fact.source),
        (FactStatus::Hidden, _) => format!("unknown (hidden: {})", fact.source),
        (FactStatus::Denied, _) => format!("unknown (permission refused: {})", fact.source),
        (_, _) => format!("unknown ({})", fact.source),
    }
}

fn value_text(dialect: Dialect, value: &FactValue, unit: &str) -> String {
    match value {
        FactValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        FactValue::Text(text) => text.clone(),
        FactValue::List(items) => items.join(", "),
        FactValue::Integer(number) => match u64::try_from(*number) {
            Ok(count) if unit == "B" || unit == "Hz" || unit == "s" => {
                number_text(dialect, super::real(count), unit)
            }
            _ if unit.is_empty() => number.to_string(),
            _ => format!("{number}{}{unit}", dialect.gap()),
        },
        FactValue::Number(number) => number_text(dialect, *number, unit),
    }
}

fn number_text(dialect: Dialect, number: f64, unit: &str) -> String {
    match unit {
        "B" => format::bytes(dialect, number),
        "s" => format::seconds(dialect, number),
        "Hz" => Scale::si(dialect, "Hz", [number]).show(number, None),
        "" => trimmed(number),
        _ => format!("{}{}{unit}", trimmed(number), dialect.gap()),
    }
}

/// At most two digits after the point, none when they are zero.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What people call a fact.
pub(in crate::report) fn label(key: &str) -> String {
    let known = LABELS.iter().find(|(known, _)| *known == key).map(|(_, label)| (*label).to_owned());
    known.unwrap_or_else(|| {
        let word = |word: &str| match word {
            "cpu" | "os" | "io" | "numa" | "nmi" | "tsc" | "thp" | "lto" => word.to_uppercase(),
            "ghz" => "GHz".to_owned(),
            _ => word.to_owned(),
        };
        capitalised(&key.split(['.', '_']).map(word).collect::<Vec<_>>().join(" "))
    })
}

const LABELS: [(&str, &str); 49] = [
    (keys::CPU_MODEL, "CPU model"),
    (keys::CPU_VENDOR, "CPU vendor"),
    (keys::CPU_SIGNATURE, "CPU family/model/stepping"),
    (keys::CPU_FEATURES, "CPU features"),
    (keys::CPU_MICROCODE, "CPU microcode"),
    (keys::CPU_ARCH, "Architecture"),
    (keys::CPU_CORES_PHYSICAL, "Physical cores"),
    (keys::CPU_CORES_LOGICAL, "Logical cores"),
    (keys::CPU_CORES_USABLE, "Usable cores"),
    (keys::CPU_SMT, "Simultaneous multithreading"),
    (keys::CPU_FREQUENCY, "CPU frequency (claimed)"),
    (keys::CPU_CACHES, "CPU caches"),
    (keys::FREQ_DRIVER, "Frequency driver"),
    (keys::FREQ_GOVERNOR, "Frequency governor"),
    (keys::FREQ_EPP, "Energy-performance preference"),
    (keys::FREQ_TURBO, "Turbo"),
    (keys::POWER_MODE, "Power mode"),
    (keys::POWER_SOURCE, "Power source"),
    (keys::POWER_BATTERY, "Battery charge"),
    (keys::MEMORY_TOTAL, "Memory"),
    (keys::MEMORY_AVAILABLE, "Available memory"),
    (keys::MEMORY_SWAP, "Swap"),
    (keys::MEMORY_THP, "Transparent huge pages"),
    (keys::OS_NAME, "Operating system"),
    (keys::OS_KERNEL, "Kernel"),
    (keys::OS_ASLR, "Address space randomisation"),
    (keys::OS_MITIGATIONS, "CPU vulnerability mitigations"),
    (keys::OS_CLOCKSOURCE, "Clock source"),
    (keys::OS_UPTIME, "Uptime"),
    (keys::VIRT_HYPERVISOR, "Hypervisor"),
    (keys::VIRT_CONTAINER, "Container"),
    (keys::VIRT_CPU_QUOTA, "CPU quota"),
    (keys::LOAD_ONE, "Load average, 1 min"),
    (keys::LOAD_RUNNABLE, "Other runnable tasks"),
    (keys::LOAD_PRESSURE_CPU, "CPU pressure"),
    (keys::LOAD_STEAL, "Stolen time"),
    (keys::THERMAL_THROTTLES, "Thermal throttle events"),
    (keys::DISK_FREE, "Free disk space"),
    (keys::TOOLCHAIN_RUSTC, "rustc"),
    (keys::TOOLCHAIN_LLVM, "LLVM"),
    (keys::TOOLCHAIN_HOST, "Compiler's host"),
    (keys::TOOLCHAIN_CARGO, "Cargo"),
    (keys::BUILD_TARGET_CPU, "Target CPU"),
    (keys::BUILD_LOCK, "Cargo.lock, SHA-256"),
    (keys::SOURCE_COMMIT, "Commit"),
    (keys::SOURCE_DIRTY, "Uncommitted changes"),
    (keys::SOURCE_BRANCH, "Branch"),
    (keys::HARNESS_CRITERION, "Criterion"),
    (keys::HARNESS_RUNNER, "bench-runner"),
];

fn changes(context: &Context<'_>) -> Vec<String> {
    let facts = &context.report.run.facts;
    let mut changes = Vec::new();
    for fact in facts {
        let text = shown(context.dialect, fact);
        match fact.phase {
            Phase::End if !moves_by_itself(&fact.key) => {
                let Some(before) = find(facts, &fact.key, Phase::Start) else { continue };
                // A counter's difference has its own fact; its two readings always differ.
                let counted = find(facts, &fact.key, Phase::Delta).is_some();
                if !counted && (before.value != fact.value || before.status != fact.status) {
                    changes.push(format!(
                        "{}: {} → {text}",
                        label(&fact.key),
                        shown(context.dialect, before)
                    ));
                }
            }
            Phase::Delta if moved(fact) && !moves_by_itself(&fact.key) => {
                changes.push(format!("{}: {text} during the run", label(&fact.key)));
            }
            Phase::Start | Phase::End | Phase::Delta => {}
        }
    }
    changes
}

/// Whether a difference is something else than zero.
fn moved(fact: &Fact) -> bool {
    match fact.value {
        Some(FactValue::Integer(number)) => number != 0,
        Some(FactValue::Number(number)) => number.abs() > 0.0,
        _ => false,
    }
}

fn unknown(context: &Context<'_>) -> String {
    let facts = context.report.run.facts.iter().filter(|fact| {
        fact.phase == Phase::Start && !fact.status.is_known() && fact.status != FactStatus::NotApplicable
    });
    let names: Vec<String> = facts.map(|fact| label(&fact.key)).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("Not known: {}. The reasons stand in the table of facts.", names.join(", "))
}

fn table(context: &Context<'_>) -> Table {
    let mut table = Table::new(
        "All facts of this run",
        &[
            ("Fact", Kind::Text),
            ("Value", Kind::Text),
            ("Status", Kind::Text),
            ("When", Kind::Text),
            ("Source", Kind::Text),
        ],
    );
    let facts = &context.report.run.facts;
    // A fact that reads the same at the end says nothing new; its row at the start stands for both.
    let said = |fact: &&Fact| {
        let start = find(facts, &fact.key, Phase::Start);
        fact.phase == Phase::End
            && start.is_some_and(|start| start.value == fact.value && start.status == fact.status)
    };
    let again = facts.iter().filter(said).count() as u64;
    if again > 0 {
        table.note = format!("{} read the same at the end of the run.", format::plural(again, "more fact"));
    }
    for fact in facts.iter().filter(|fact| !said(fact)) {
        let value = match (fact.value.as_ref(), fact.status) {
            (Some(value), _) => value_text(context.dialect, value, &fact.unit),
            (None, FactStatus::NotApplicable) => context.dialect.nothing().to_owned(),
            (None, _) => "unknown".to_owned(),
        };
        let (status, tone) = match fact.status {
            FactStatus::Ok => ("read", ""),
            FactStatus::Derived => ("derived", ""),
            FactStatus::Unknown => ("unknown", "inconclusive"),
            FactStatus::Denied => ("denied", "inconclusive"),
            FactStatus::Hidden => ("hidden", "inconclusive"),
            FactStatus::Placeholder => ("not real", "inconclusive"),
            FactStatus::NotApplicable => ("not applicable", "quiet"),
        };
        let when = match fact.phase {
            Phase::Start => "start",
            Phase::End => "end",
            Phase::Delta => "difference",
        };
        table.rows.push(vec![
            Cell::plain(label(&fact.key)),
            Cell::plain(value),
            Cell::toned(status, tone),
            Cell::plain(when.to_owned()),
            Cell::plain(fact.source.clone()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_has_a_name_that_people_use() {
        let check = |key: &str, expected: &str| assert_eq!(label(key), expected);
        check(keys::CPU_SMT, "Simultaneous multithreading");
        check("cpu.core_kinds", "CPU core kinds");
        check("os.nmi_watchdog", "OS NMI watchdog");
        check("canary.clock_ghz", "Canary clock GHz");
        check("frequency.maximum", "Frequency maximum");
    }
}
