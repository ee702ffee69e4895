//! Bencher Metric Format: benchmarks with measures, one run a file; read and written.
//!
//! The format knows neither the machine nor the time, and units only by convention.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::export::Exported;
use super::foreign::{ForeignError, ForeignRun, Gatherer, MAX_OBJECTS, check_amount, finding, named};
use super::input;
use crate::model::estimate::Statistic;
use crate::model::finding::Severity;
use crate::model::units::Metric;

/// Name of the format in messages.
const FORMAT: &str = "Bencher Metric Format";
/// Target of its benchmarks.
const TARGET: &str = "bmf";
/// What Bencher takes the bounds for is up to the project; we write intervals of this level and say so.
const LEVEL: f64 = 0.95;

/// One measure of one benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Value {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// The file: benchmark, measure, value.
type File = BTreeMap<String, BTreeMap<String, Value>>;

/// Reads a file. `level` is the confidence level of its bounds, if whoever imports it knows one; without it the bounds,
/// which may be anything, are left out.
///
/// # Errors
///
/// [`ForeignError`]: no JSON of that shape, too much of something, or nothing usable.
pub fn parse(content: &[u8], level: Option<f64>) -> Result<Vec<ForeignRun>, ForeignError> {
    let text = input::text(content)?;
    let file: File = input::json(text, FORMAT, MAX_OBJECTS)?;
    let mut gatherer = Gatherer::new(TARGET, None);
    let (mut bounds, mut assumed) = (0_usize, 0_usize);
    for (name, measures) in file {
        for (measure, Value { value, lower_value, upper_value }) in measures {
            let (metric, known) = metric_of(&measure)?;
            assumed += usize::from(!known);
            let interval = lower_value.zip(upper_value);
            bounds += usize::from(level.is_none() && interval.is_some());
            let interval = interval.zip(level).map(|((low, high), level)| (low, high, level));
            gatherer.state(named(TARGET, &name)?, metric, (Statistic::Stated, value), interval);
        }
    }
    if assumed > 0 {
        gatherer.finding(direction_assumed(assumed));
    }
    if bounds > 0 {
        gatherer.finding(ranges_left_out(bounds));
    }
    let (runs, left_out) = match gatherer.finish() {
        Ok(run) => (vec![run], 0),
        Err(left_out) => (Vec::new(), left_out),
    };
    check_amount(&runs, left_out)?;
    Ok(runs)
}

/// The metric of a measure, and whether its unit and direction are known by convention.
fn metric_of(measure: &str) -> Result<(Metric, bool), ForeignError> {
    let metric = |name: &str, unit: &str| Metric { name: name.to_owned(), unit: unit.to_owned() };
    Ok(match measure {
        "latency" | "Latency" => (Metric::time(), true),
        "throughput" | "Throughput" => (metric("rate", "op/s"), true),
        "file-size" | "File Size" => (metric("file-size", "B"), true),
        "build-time" | "Build Time" => (metric("build-time", "s"), true),
        // Through the same limits and the same cleaning as names.
        other => (metric(&named(TARGET, other)?.group, "?"), false),
    })
}

/// Says that nobody stated which way is better.
pub(super) fn direction_assumed(count: usize) -> crate::model::finding::Finding {
    finding(
        "import-direction-assumed",
        Severity::Info,
        "",
        format!("the file does not say of {count} values whether more is better"),
        ("less is taken to be better", "read them the other way round where that is wrong"),
    )
}

/// Says that ranges were left out because nobody knows what they cover.
pub(super) fn ranges_left_out(count: usize) -> crate::model::finding::Finding {
    finding(
        "import-ranges-left-out",
        Severity::Info,
        "",
        format!("{count} ranges do not say what they cover: deviations, extremes or intervals"),
        (
            "the values stand without an interval",
            "if they are confidence intervals, import again into a new store with `--range-level 0.95` or as it may be",
        ),
    )
}

/// Writes one run. Only times, rates and sizes have a measure that other projects share; the rest keeps its own name.
///
/// # Errors
///
/// Fails only if a number is not finite, which no stored one is.
pub fn write(run: &Exported<'_>) -> Result<String, serde_json::Error> {
    let mut file = File::new();
    for result in run.results {
        let interval = result.estimate.interval.filter(|interval| (interval.level - LEVEL).abs() < 1e-9);
        let value = Value {
            value: result.estimate.value,
            lower_value: interval.map(|interval| interval.low),
            upper_value: interval.map(|interval| interval.high),
        };
        let name = super::export::name_of(&result.benchmark);
        file.entry(name).or_default().insert(measure_of(&result.metric), value);
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&file)?))
}

/// The measure of a metric.
fn measure_of(metric: &Metric) -> String {
    match (metric.name.as_str(), metric.unit.as_str()) {
        ("time", _) => "latency".to_owned(),
        ("rate", "op/s") => "throughput".to_owned(),
        ("custom" | "rate" | "score", unit) => slug(&format!("{} {unit}", metric.name)),
        (name, _) => slug(name),
    }
}

/// A text as a measure's slug: lower-case words joined by `-`, at most 64 characters.
fn slug(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-").chars().take(64).collect()
}

/// Whether a JSON object can be such a file: some benchmark has some measure with a value.
pub(super) fn looks_like(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Probe {
        #[expect(dead_code, reason = "its presence is the question")]
        value: f64,
    }
    serde_json::from_str::<BTreeMap<String, BTreeMap<String, Probe>>>(text).is_ok_and(|file| !file.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"a b": {"latency": {"value": 88.0, "lower_value": 87.5, "upper_value": 88.75},
        "throughput": {"value": 5.5}}, "c": {"wobble": {"value": 3}, "file-size": {"value": 0}}}"#;

    #[test]
    fn measures_become_metrics() {
        let run = parse(FILE.as_bytes(), None).unwrap().remove(0);
        let found: Vec<(String, &str, &str, f64)> = run
            .stated
            .iter()
            .map(|entry| {
                let metric = &entry.metric;
                (entry.benchmark.full_id(), metric.name.as_str(), metric.unit.as_str(), entry.estimate.value)
            })
            .collect();
        let expected = [("a b", "time", "ns", 88.0), ("a b", "rate", "op/s", 5.5), ("c", "wobble", "?", 3.0)];
        assert_eq!(found, expected.map(|(name, metric, unit, value)| (name.to_owned(), metric, unit, value)));
        let codes: Vec<&str> = run.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["import-direction-assumed", "import-ranges-left-out", "import-values-left-out"]);
        let interval = parse(FILE.as_bytes(), Some(0.99)).unwrap()[0].stated[0].estimate.interval.unwrap();
        assert_eq!((interval.low, interval.high, interval.level), (87.5, 88.75, 0.99));
    }

    #[test]
    fn slugs_are_words() {
        assert_eq!(slug("rate MB/s"), "rate-mb-s");
        assert!(looks_like(FILE) && !looks_like(r#"{"results": []}"#) && !looks_like("{}"));
    }
}
