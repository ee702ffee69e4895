//! What was done to this process: affinity, niceness, tracer, filters.
//!
//! The benches inherit all of it. Nothing about other processes is read here.

use super::Host;
use crate::hardware::sheet::{Outcome, Sheet, text};
use crate::model::fact::{FactValue, keys};

/// Writes the `process.*` facts.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    let status = host.read("proc/self/status");
    let field = |name: &str| -> Result<String, Outcome> {
        let table = status.as_ref().map_err(Clone::clone)?;
        table
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(|value| value.trim().to_owned())
            .ok_or_else(|| Outcome::unknown(format!("/proc/self/status: no {name}")))
    };
    let told = |name: &str, read: fn(&str) -> Option<FactValue>| match field(name) {
        Ok(value) => read(&value).map_or_else(
            || Outcome::unknown(format!("/proc/self/status {name}: not in its documented form")),
            |value| Outcome::ok(value, format!("/proc/self/status {name}")),
        ),
        Err(outcome) => outcome,
    };
    sheet.put(
        keys::PROCESS_AFFINITY,
        told("Cpus_allowed_list", |list| super::count_list(list).map(|_| text(list))),
    );
    sheet.put(
        keys::PROCESS_TRACED,
        told("TracerPid", |word| word.parse::<u32>().ok().map(|pid| FactValue::Flag(pid != 0))),
    );
    sheet.put(keys::PROCESS_SECCOMP, told("Seccomp", filter));
    sheet.put(keys::PROCESS_SPECULATION, told("Speculation_Store_Bypass", speculation));
    let (nice, policy) = scheduling(host);
    sheet.put(keys::PROCESS_NICE, nice);
    sheet.put(keys::PROCESS_POLICY, policy);
}

fn filter(word: &str) -> Option<FactValue> {
    let name = match word {
        "0" => "none",
        "1" => "strict",
        "2" => "filter",
        _ => return None,
    };
    Some(text(name))
}

/// The words that the kernel has for it (`Documentation/userspace-api/spec_ctrl.rst`).
fn speculation(words: &str) -> Option<FactValue> {
    let known = [
        "not vulnerable",
        "thread force mitigated",
        "thread mitigated",
        "thread vulnerable",
        "globally mitigated",
        "vulnerable",
        "unknown",
    ];
    known.contains(&words).then(|| text(words))
}

/// Niceness and policy, fields 19 and 41 of `/proc/self/stat` (`proc(5)`), counted after the name in brackets.
fn scheduling(host: &Host<'_>) -> (Outcome, Outcome) {
    let line = match host.read("proc/self/stat") {
        Ok(line) => line,
        Err(outcome) => return (outcome.clone(), outcome),
    };
    let fields: Vec<&str> = line.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let malformed = || Outcome::unknown("/proc/self/stat: not in its documented form");
    let nice =
        fields.get(16).and_then(|word| word.parse::<i64>().ok()).filter(|nice| (-20..20).contains(nice));
    let nice =
        nice.map_or_else(malformed, |nice| Outcome::ok(FactValue::Integer(nice), "/proc/self/stat nice"));
    let policy = fields.get(38).and_then(|word| {
        Some(match word.parse::<u8>().ok()? {
            0 => "other",
            1 => "fifo",
            2 => "rr",
            3 => "batch",
            5 => "idle",
            6 => "deadline",
            _ => return None,
        })
    });
    let policy = policy.map_or_else(malformed, |name| Outcome::ok(text(name), "/proc/self/stat policy"));
    (nice, policy)
}
