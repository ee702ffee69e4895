//! hyperfine's JSON export, of versions 1.x and of schema version 2: whole commands, every execution kept.
//!
//! Means of user and system time without the executions behind them (version 1) are left out; the timings of the two
//! versions are not compared by anyone here, although version 2 starts no shell.

use std::collections::BTreeMap;

use regex::{Captures, Regex};
use serde::Deserialize;

use super::foreign::{
    ForeignError, ForeignRun, Gatherer, MAX_OBJECTS, check_amount, finding, moment, named_with,
};
use super::{foreign, input};
use crate::model::estimate::Statistic;
use crate::model::fact::keys;
use crate::model::finding::Severity;
use crate::model::ids::BenchmarkId;
use crate::model::measurement::Observation;
use crate::model::units::Metric;

/// Name of the format in messages.
const FORMAT: &str = "a hyperfine export";
/// Suite and target of its benchmarks.
const TARGET: &str = "hyperfine";
/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

/// The fields that tell the versions apart.
#[derive(Deserialize)]
struct Header {
    schema_version: Option<serde_json::Number>,
}

/// The export of versions 1.x.
#[derive(Deserialize)]
struct One {
    results: Vec<OneResult>,
}

/// One command in versions 1.x; times in seconds.
#[derive(Deserialize)]
struct OneResult {
    command: String,
    mean: f64,
    times: Option<Vec<f64>>,
    memory_usage_byte: Option<Vec<f64>>,
    exit_codes: Option<Vec<Option<i64>>>,
    #[serde(default)]
    parameters: BTreeMap<String, Text>,
}

/// A parameter: hyperfine writes text, its forks write numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Words(String),
    Number(serde_json::Number),
    Flag(bool),
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Words(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// The export of schema version 2.
#[derive(Deserialize)]
struct Two {
    #[serde(default)]
    metadata: Metadata,
    results: Vec<TwoResult>,
}

/// Where and when version 2 measured.
#[derive(Deserialize, Default)]
struct Metadata {
    start_time: Option<String>,
    #[serde(default)]
    platform: Platform,
}

/// The system, as version 2 names it.
#[derive(Deserialize, Default)]
struct Platform {
    os: Option<String>,
    architecture: Option<String>,
}

/// One command in version 2.
#[derive(Deserialize)]
struct TwoResult {
    command: String,
    name: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    measurements: Vec<Execution>,
}

/// A parameter of version 2.
#[derive(Deserialize)]
struct Parameter {
    value: Text,
}

/// One execution of a command in version 2.
#[derive(Deserialize)]
struct Execution {
    time_wall_clock: Quantity,
    time_user: Option<Quantity>,
    time_system: Option<Quantity>,
    memory_peak_resident: Option<Quantity>,
    exit_code: Option<i64>,
}

/// A number with its unit.
#[derive(Deserialize)]
struct Quantity {
    value: f64,
    unit: Option<String>,
}

/// Reads an export of either version.
///
/// # Errors
///
/// [`ForeignError`]: no JSON of that shape, a schema version other than 2, units other than seconds and bytes, too much
/// of something, or nothing that can be used.
pub fn parse(content: &[u8]) -> Result<Vec<ForeignRun>, ForeignError> {
    let text = input::text(content)?;
    let Header { schema_version } = input::json(text, FORMAT, MAX_OBJECTS)?;
    let gathered = match schema_version {
        None => one(input::json(text, FORMAT, MAX_OBJECTS)?)?,
        Some(version) if version.as_u64() == Some(2) => two(input::json(text, FORMAT, MAX_OBJECTS)?)?,
        Some(version) => {
            let found = version.to_string();
            return Err(ForeignError::Version { format: FORMAT, found, known: "none (1.x) and 2" });
        }
    };
    let (runs, left_out) = match gathered.finish() {
        Ok(run) => (vec![run], 0),
        Err(left_out) => (Vec::new(), left_out),
    };
    check_amount(&runs, left_out)?;
    Ok(runs)
}

/// Gathers an export of versions 1.x.
fn one(file: One) -> Result<Gatherer, ForeignError> {
    let mut gatherer = Gatherer::new(TARGET, None);
    let mut failed = 0;
    for result in file.results {
        let benchmark = benchmark(&result.command, &result.parameters, Text::to_string)?;
        failed += failures(result.exit_codes.iter().flatten().copied());
        match result.times {
            Some(times) if !times.is_empty() => {
                let sample = times.into_iter().map(|time| once(time * SECOND)).collect();
                gatherer.observe(benchmark.clone(), Metric::time(), sample);
            }
            _ => {
                let mean = (Statistic::Mean, result.mean * SECOND);
                gatherer.state(benchmark.clone(), Metric::time(), mean, None);
            }
        }
        // Systems that cannot tell report zero for each execution.
        let memory = result.memory_usage_byte.unwrap_or_default();
        if memory.iter().any(|bytes| *bytes > 0.0) {
            gatherer.observe(benchmark, peak_memory(), memory.into_iter().map(once).collect());
        }
    }
    tell_failures(&mut gatherer, failed);
    Ok(gatherer)
}

/// Gathers an export of schema version 2.
fn two(file: Two) -> Result<Gatherer, ForeignError> {
    let started = file.metadata.start_time.as_deref().and_then(moment);
    let mut gatherer = Gatherer::new(TARGET, started);
    let platform = file.metadata.platform;
    gatherer.fact(keys::OS_NAME, platform.os.as_deref().unwrap_or_default(), TARGET);
    gatherer.fact(keys::CPU_ARCH, platform.architecture.as_deref().unwrap_or_default(), TARGET);
    let mut failed = 0;
    for result in file.results {
        let name = result.name.as_deref().unwrap_or(&result.command);
        let benchmark = benchmark(name, &result.parameters, |parameter| parameter.value.to_string())?;
        failed += failures(result.measurements.iter().map(|execution| execution.exit_code));
        // Named metrics, so that user and system time do not count as the time of an iteration.
        let metric = |name: &str| Metric { name: name.to_owned(), unit: "ns".to_owned() };
        let mut add = |metric: Metric, unit: &str, factor: f64, of: fn(&Execution) -> Option<&Quantity>| {
            let mut sample = Vec::new();
            for quantity in result.measurements.iter().filter_map(of) {
                sample.push(once(quantity.number(unit, &benchmark)? * factor));
            }
            // A system that cannot tell reports zero; that is no observation to speak of.
            if metric.is_time() || sample.iter().any(|observation| observation.total > 0.0) {
                gatherer.observe(benchmark.clone(), metric, sample);
            }
            Ok::<(), ForeignError>(())
        };
        add(Metric::time(), "second", SECOND, |execution| Some(&execution.time_wall_clock))?;
        add(metric("user_time"), "second", SECOND, |execution| execution.time_user.as_ref())?;
        add(metric("system_time"), "second", SECOND, |execution| execution.time_system.as_ref())?;
        add(peak_memory(), "byte", 1.0, |execution| execution.memory_peak_resident.as_ref())?;
    }
    tell_failures(&mut gatherer, failed);
    Ok(gatherer)
}

impl Quantity {
    /// The number, if it is in `unit` or says no unit.
    fn number(&self, unit: &str, benchmark: &BenchmarkId) -> Result<f64, ForeignError> {
        match self.unit.as_deref() {
            None => Ok(self.value),
            Some(found) if found == unit => Ok(self.value),
            Some(found) => {
                let shown: String = found.chars().take(40).collect();
                let reason = format!("a measurement is in `{shown}`, expected `{unit}`");
                Err(ForeignError::Value { place: benchmark.to_string(), reason })
            }
        }
    }
}

/// One execution of a command.
fn once(total: f64) -> Observation {
    Observation { iterations: 1, total }
}

fn peak_memory() -> Metric {
    Metric { name: "peak_memory".to_owned(), unit: "B".to_owned() }
}

/// The benchmark of a command and its parameters; folders in the command are cut down to the last name.
fn benchmark<T>(
    command: &str,
    parameters: &BTreeMap<String, T>,
    show: impl Fn(&T) -> String,
) -> Result<BenchmarkId, ForeignError> {
    let words: Vec<String> =
        parameters.iter().map(|(name, value)| without_folders(&format!("{name}={}", show(value)))).collect();
    let value = (!words.is_empty()).then(|| words.join(","));
    named_with(foreign::IMPORTED, TARGET, &without_folders(command), value.as_deref())
}

/// Cuts absolute paths down to their last name: nothing stored names a path.
fn without_folders(command: &str) -> String {
    let Ok(path) = Regex::new(r#"(^|[\s=,"'(])((?:[A-Za-z]:)?[\\/][^\s,"')]*)"#) else {
        return String::new();
    };
    let shorten = |found: &Captures<'_>| {
        let last = found[2].trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
        format!("{}{last}", &found[1])
    };
    path.replace_all(command, shorten).into_owned()
}

/// Number of executions that did not end with 0; a missing code is a signal.
fn failures(codes: impl Iterator<Item = Option<i64>>) -> usize {
    codes.filter(|code| *code != Some(0)).count()
}

fn tell_failures(gatherer: &mut Gatherer, failed: usize) {
    if failed > 0 {
        gatherer.finding(finding(
            "import-command-failed",
            Severity::Warning,
            "",
            format!("{failed} executions ended with a code other than 0 or by a signal"),
            ("their times are kept, and may be those of a failure", "mend the command and measure again"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"results": [
        {"command": "/usr/bin/sort --in=/home/alice/x", "mean": 0.5, "stddev": null, "median": 0.5, "user": 0.1,
         "system": 0.1, "min": 0.5, "max": 0.5, "times": [0.5, 0.25], "exit_codes": [0, 1], "unknown": {"a": []},
         "parameters": {"n": "3", "a": "x"}, "memory_usage_byte": [1024, 0]},
        {"command": "sleep 1", "mean": 1.001, "stddev": null, "median": 1.0, "user": 0.0, "system": 0.0, "min": 1.0,
         "max": 1.0, "exit_codes": [0]}]}"#;

    #[test]
    fn version_one_keeps_executions_and_states_the_rest() {
        let run = parse(ONE.as_bytes()).unwrap().remove(0);
        let measured = &run.measurements[0];
        assert_eq!(measured.benchmark.to_string(), "hyperfine/sort --in=x/a=x,n=3");
        let totals: Vec<f64> = measured.sample.iter().map(|observation| observation.total).collect();
        assert_eq!(totals, [5e8, 2.5e8]);
        assert_eq!(run.measurements[1].metric, peak_memory());
        assert_eq!(run.stated[0].estimate.value.to_bits(), (1.001_f64 * 1e9).to_bits());
        let codes: Vec<&str> = run.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["import-command-failed", "import-values-left-out"]);
    }

    const TWO: &str = r#"{"schema_version": 2,
        "metadata": {"hyperfine_version": "2.0.0", "start_time": "2026-01-02T03:04:05Z", "platform": {"os": "linux"}},
        "primary_metric": "time_wall_clock",
        "results": [{"command": "sleep 1", "name": "nap", "parameters": {"n": {"value": "7"}}, "measurements": [
          {"time_wall_clock": {"value": 1.5, "unit": "second"}, "time_user": {"value": 0.5, "unit": "second"},
           "memory_peak_resident": {"value": 2048, "unit": "byte"}, "exit_code": 0}], "summary": {}}]}"#;

    #[test]
    fn version_two_keeps_every_metric() {
        let run = parse(TWO.as_bytes()).unwrap().remove(0);
        let found: Vec<(&str, f64)> = run
            .measurements
            .iter()
            .map(|entry| (entry.metric.name.as_str(), entry.sample[0].total))
            .collect();
        assert_eq!(found, [("time", 1.5e9), ("user_time", 5e8), ("peak_memory", 2048.0)]);
        assert_eq!(run.measurements[0].benchmark.to_string(), "hyperfine/nap/n=7");
        assert_eq!(run.started, moment("2026-01-02T03:04:05Z"));
        assert_eq!(run.facts[0].key, keys::OS_NAME);
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn other_versions_units_and_shapes_are_refused() {
        refused(&TWO.replacen('2', "3", 1), "a hyperfine export of version 3; known: none (1.x) and 2");
        refused(
            &TWO.replacen("\"second\"", "\"minute\"", 1),
            "hyperfine/nap/n=7: a measurement is in `minute`",
        );
        refused(r#"{"results": []}"#, "there is no result in it");
        refused("{\"results\": [\n{\"command\": 3}]}", "line 2, column 13");
        refused("{\"results\": ", "this is not a hyperfine export: line 1");
    }
}
