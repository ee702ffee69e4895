//! Writing `benchfmt`: a header of configuration, then one line per launch and benchmark.
//!
//! A line is a launch, not an observation: observations of one process resemble one another, and `benchstat` would take
//! them for independent repetitions and be too sure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::export::{Exported, rfc3339};
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::{keys, known};
use crate::model::ids::BenchmarkId;
use crate::model::units::Metric;

/// Writes one run; a history is one after the other, each with its own configuration.
#[must_use]
pub fn write(run: &Exported<'_>) -> String {
    let mut text = header(run);
    let bigger: BTreeSet<String> = run
        .results
        .iter()
        .filter(|result| result.metric.bigger_is_better())
        .map(|result| unit_of(&result.metric))
        .collect();
    for unit in bigger {
        _ = writeln!(text, "Unit {unit} better=higher");
    }
    let iterations = iterations(run);
    let mut package = None;
    for result in run.results {
        if package != Some(&result.benchmark.package) {
            package = Some(&result.benchmark.package);
            _ = writeln!(text, "pkg: {}", line(&result.benchmark.package));
        }
        lines(&mut text, result, &iterations);
    }
    text
}

/// The configuration of a run. A key without a value takes that of a run before it back.
fn header(exported: &Exported<'_>) -> String {
    let run = &exported.record.run;
    let fact = |key| known(&run.facts, key).unwrap_or_default();
    let pairs = [
        ("goos", fact(keys::OS_NAME)),
        ("goarch", fact(keys::CPU_ARCH)),
        ("cpu", fact(keys::CPU_MODEL)),
        ("machine", run.identity.label.clone().unwrap_or_else(|| run.identity.machine.clone())),
        ("configuration", run.identity.config.clone()),
        ("toolchain", fact(keys::TOOLCHAIN_RUSTC)),
        ("commit", fact(keys::SOURCE_COMMIT)),
        ("suite", run.suite.clone()),
    ];
    // As configuration these would give each run a table of its own in benchstat.
    let mut text = format!("# run: {}\n{} {}\n", run.id, super::STARTED, rfc3339(run.started));
    for (key, value) in pairs {
        let value = line(&value);
        let gap = if value.is_empty() { "" } else { " " };
        _ = writeln!(text, "{key}:{gap}{value}");
    }
    text
}

/// What a launch measured, to be found by launch, benchmark and metric.
type Key<'a> = (u32, &'a BenchmarkId, &'a Metric);

/// Iterations of each launch.
fn iterations<'a>(run: &Exported<'a>) -> BTreeMap<Key<'a>, u64> {
    let mut found = BTreeMap::new();
    for entry in &run.record.measurements {
        let measurement = &entry.measurement;
        let sum = measurement.sample.iter().fold(0_u64, |sum, one| sum.saturating_add(one.iterations));
        found.insert((entry.launch, &measurement.benchmark, &measurement.metric), sum);
    }
    found
}

/// The lines of one result.
fn lines(text: &mut String, result: &BenchmarkResult, iterations: &BTreeMap<Key<'_>, u64>) {
    let name = name(result);
    let unit = unit_of(&result.metric);
    if result.launches.is_empty() {
        _ = writeln!(text, "Benchmark{name} 1 {} {unit}", result.estimate.value);
    }
    for launch in &result.launches {
        let count = iterations.get(&(launch.launch, &result.benchmark, &result.metric)).copied().unwrap_or(1);
        // Go's reader counts in 64 bits with a sign.
        let count = count.clamp(1, i64::MAX.unsigned_abs());
        _ = writeln!(text, "Benchmark{name} {count} {} {unit}", launch.median);
    }
}

/// The name after `Benchmark`: one word, with a capital as in Go, and no ending that reads as a number of processors.
fn name(result: &BenchmarkResult) -> String {
    let mut name: String = result
        .benchmark
        .to_string()
        .chars()
        .map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c })
        .collect();
    if let Some(first) = name.chars().next().filter(char::is_ascii_lowercase) {
        name.replace_range(..1, &first.to_ascii_uppercase().to_string());
    }
    if super::split_procs(&name).1.is_some() {
        name.push_str("-1");
    }
    name
}

/// The unit as Go writes it, one word.
fn unit_of(metric: &Metric) -> String {
    match (metric.name.as_str(), metric.unit.as_str()) {
        ("time", _) => "ns/op".to_owned(),
        ("bytes", "B") => "B/op".to_owned(),
        ("allocations", _) => "allocs/op".to_owned(),
        ("custom" | "rate" | "score", unit) => word(unit),
        (name, unit) => word(&format!("{name}-{unit}")),
    }
}

/// A text without blanks.
fn word(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join("_")
}

/// A text on one line.
fn line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ").trim().to_owned()
}
