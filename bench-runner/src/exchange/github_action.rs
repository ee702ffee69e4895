//! github-action-benchmark: the `data.js` of its pages (years of a project's history), and the array that it takes as input.
//!
//! Each entry of a page becomes a run with its commit and date. Authors, messages and addresses are not taken over.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::bmf::{direction_assumed, ranges_left_out};
use super::foreign::{
    ForeignError, ForeignRun, Gatherer, IMPORTED, MAX_OBJECTS, check_amount, moment_of_millis, named,
};
use super::{input, units};
use crate::model::estimate::Statistic;
use crate::model::fact::keys;

mod write;

pub use write::{PageWriter, array, page};

/// Name of the format in messages.
const FORMAT: &str = "data of github-action-benchmark";
/// What a page's data begins with.
pub(super) const PREFIX: &str = "window.BENCHMARK_DATA";
/// Level of the relative margin of error that Benchmark.js prints.
const BENCHMARK_JS_LEVEL: f64 = 0.95;

/// The data of a page.
#[derive(Deserialize)]
struct Page {
    entries: BTreeMap<String, Vec<Entry>>,
}

/// What one commit added to a suite.
#[derive(Deserialize)]
struct Entry {
    commit: Commit,
    date: i64,
    #[serde(default)]
    tool: String,
    benches: Vec<Bench>,
}

/// The parts of a commit that are kept.
#[derive(Deserialize)]
struct Commit {
    id: String,
    #[serde(default)]
    timestamp: String,
}

/// One number.
#[derive(Deserialize)]
struct Bench {
    name: String,
    /// Absent where a tool wrote `null`, which JavaScript makes of what is no number.
    value: Option<f64>,
    #[serde(default, deserialize_with = "words")]
    range: String,
    #[serde(default, deserialize_with = "words")]
    unit: String,
    #[serde(default, deserialize_with = "words")]
    extra: String,
}

/// Text that some tools write as a number or leave out.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        Text(String),
        Number(serde_json::Number),
        None(()),
    }
    Ok(match Words::deserialize(deserializer)? {
        Words::Text(text) => text,
        Words::Number(number) => number.to_string(),
        Words::None(()) => String::new(),
    })
}

/// Reads a page's data, with or without the assignment in front of it, or an input array.
///
/// `level` is the confidence level of its ranges, if whoever imports it knows one. Without it only those ranges become
/// intervals whose tool or text says what they cover.
///
/// # Errors
///
/// [`ForeignError`]: no JSON of that shape, a date outside the calendar, too much of something, or nothing usable.
pub fn parse(content: &[u8], level: Option<f64>) -> Result<Vec<ForeignRun>, ForeignError> {
    let text = body(input::text(content)?);
    if text.starts_with('[') {
        let benches: Vec<Bench> = input::json(text, FORMAT, MAX_OBJECTS)?;
        let assumed = benches.len();
        let mut gatherer = Gatherer::new(IMPORTED, None);
        gather(&mut gatherer, IMPORTED, "customSmallerIsBetter", benches, level)?;
        gatherer.finding(direction_assumed(assumed));
        let (runs, left_out) = match gatherer.finish() {
            Ok(run) => (vec![run], 0),
            Err(left_out) => (Vec::new(), left_out),
        };
        check_amount(&runs, left_out)?;
        return Ok(runs);
    }
    let page: Page = input::json(text, FORMAT, MAX_OBJECTS)?;
    let (mut runs, mut left_out) = (Vec::new(), 0);
    for (suite, entries) in page.entries {
        for (position, entry) in entries.into_iter().enumerate() {
            match run_of(&suite, position, entry, level)?.finish() {
                Ok(run) => runs.push(run),
                Err(count) => left_out += count,
            }
        }
    }
    check_amount(&runs, left_out)?;
    Ok(runs)
}

/// Takes the assignment and a semicolon off a page's data.
fn body(text: &str) -> &str {
    let text = text.trim();
    let assigned = text.strip_prefix(PREFIX).and_then(|rest| rest.trim_start().strip_prefix('='));
    assigned.map_or(text, |rest| rest.trim().trim_end_matches(';').trim_end())
}

/// Gathers one entry of a page.
fn run_of(suite: &str, position: usize, entry: Entry, level: Option<f64>) -> Result<Gatherer, ForeignError> {
    let Some(started) = moment_of_millis(entry.date) else {
        let suite: String = suite.chars().take(80).collect();
        let reason = format!("its date {} is no number of milliseconds between 1970 and 9999", entry.date);
        return Err(ForeignError::Value { place: format!("entries.{suite}[{position}]"), reason });
    };
    // Through the limits and the cleaning of names.
    let suite = named(suite, "")?.target;
    let mut gatherer = Gatherer::new(&suite, Some(started));
    gatherer.fact(keys::SOURCE_COMMIT, &entry.commit.id, "data.js");
    gatherer.fact(keys::SOURCE_COMMIT_TIME, &entry.commit.timestamp, "data.js");
    gather(&mut gatherer, &suite, &entry.tool, entry.benches, level)?;
    Ok(gatherer)
}

/// Gathers the numbers of one entry.
fn gather(
    gatherer: &mut Gatherer,
    target: &str,
    tool: &str,
    benches: Vec<Bench>,
    level: Option<f64>,
) -> Result<(), ForeignError> {
    // As the action's own page decides it; tools that it learns later are taken for smaller-is-better, as it does.
    let bigger = matches!(tool, "benchmarkjs" | "pytest" | "customBiggerIsBetter");
    let mut ranges = 0;
    for bench in benches {
        let (metric, factor) = units::metric_of(&bench.unit, bigger);
        let value = bench.value.unwrap_or(f64::NAN);
        let interval = interval(&bench, tool, value, level);
        ranges += usize::from(interval.is_none() && !bench.range.trim().is_empty());
        let interval = interval.map(|(low, high, level)| (low * factor, high * factor, level));
        let benchmark = named(target, &bench.name)?;
        gatherer.state(benchmark, metric, (statistic(tool), value * factor), interval);
    }
    if ranges > 0 {
        gatherer.finding(ranges_left_out(ranges));
    }
    Ok(())
}

/// What the numbers of a tool are, as the action takes them out of its output.
fn statistic(tool: &str) -> Statistic {
    match tool {
        "cargo" | "julia" => Statistic::Median,
        "go" | "googlecpp" | "catch2" | "benchmarkdotnet" | "benchmarkjs" | "jmh" => Statistic::Mean,
        _ => Statistic::Stated,
    }
}

/// The interval of a number in its own unit: ours word by word, Benchmark.js's by its definition, others if told so.
fn interval(bench: &Bench, tool: &str, value: f64, level: Option<f64>) -> Option<(f64, f64, f64)> {
    if let Some(ours) = write::read_back(&bench.extra) {
        return Some(ours);
    }
    let known = if tool == "benchmarkjs" { Some(BENCHMARK_JS_LEVEL) } else { level };
    let half = half_width(&bench.range, value)?;
    known.map(|level| (value - half, value + half, level))
}

/// Half of the width that a range such as `± 23`, `+/- 1.5%` or `0.2` gives; `None` for other words.
fn half_width(range: &str, value: f64) -> Option<f64> {
    let text =
        ["±", "+/-", "+-"].iter().fold(range.trim(), |text, sign| text.strip_prefix(sign).unwrap_or(text));
    let text = text.trim();
    let (number, factor) = match text.strip_suffix('%') {
        Some(number) => (number, value / 100.0),
        None => (text, 1.0),
    };
    let half = number.trim().replace(',', "").parse::<f64>().ok()? * factor;
    (half.is_finite() && half >= 0.0).then_some(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(tool: &str, benches: &str) -> String {
        format!(
            r#"window.BENCHMARK_DATA = {{"lastUpdate": 5, "repoUrl": "https://example.org", "entries": {{"Suite": [
            {{"commit": {{"author": {{"name": "A Person"}}, "id": "abc123", "message": "m",
              "timestamp": "2024-01-01T00:00:00+01:00", "url": "u"}}, "date": 1704063600000, "tool": "{tool}",
              "benches": [{benches}]}}]}}}};"#
        )
    }

    #[track_caller]
    fn check(tool: &str, bench: &str, level: Option<f64>, expected: &str) {
        let run = parse(page_of(tool, bench).as_bytes(), level).unwrap().remove(0);
        let entry = &run.stated[0];
        let interval = entry.estimate.interval.map(|i| (i.low, i.high, i.level));
        let shown = format!(
            "{} {} {} {:?} {interval:?}",
            entry.metric.name, entry.metric.unit, entry.estimate.value, entry.estimate.statistic
        );
        assert_eq!(shown, expected, "{tool} {bench}");
    }

    #[test]
    fn tools_decide_direction_statistic_and_range() {
        let bench = |value: &str| format!(r#"{{"name": "b", {value}}}"#);
        let cargo = bench(r#""value": 100, "unit": "ns/iter", "range": "± 2""#);
        check("cargo", &cargo, None, "time ns 100 Median None");
        check("cargo", &cargo, Some(0.9), "time ns 100 Median Some((98.0, 102.0, 0.9))");
        let js = bench(r#""value": 200, "unit": "ops/sec", "range": "±0.5%""#);
        check("benchmarkjs", &js, None, "rate ops/sec 200 Mean Some((199.0, 201.0, 0.95))");
        let small = bench(r#""value": 1.5, "unit": "ms", "range": 0.5, "extra": null"#);
        check("customSmallerIsBetter", &small, None, "time ns 1500000 Stated None");
        check(
            "customBiggerIsBetter",
            &bench(r#""value": 3, "unit": "frames""#),
            None,
            "score frames 3 Stated None",
        );
        check(
            "pytest",
            &bench(r#""value": 3, "unit": "iter/sec", "range": "stddev: 0.1""#),
            Some(0.9),
            "rate iter/sec 3 Stated None",
        );
        check("anything", &bench(r#""value": 3"#), None, "custom ? 3 Stated None");
    }

    #[test]
    fn entries_keep_commit_and_date_and_no_person() {
        let run = parse(page_of("go", r#"{"name": "b", "value": 2, "unit": "ns/op"}"#).as_bytes(), None)
            .unwrap()
            .remove(0);
        assert_eq!((run.suite.as_str(), run.started), ("Suite", moment_of_millis(1_704_063_600_000)));
        let facts: Vec<(String, Option<String>)> =
            run.facts.iter().map(|fact| (fact.key.clone(), fact.known_text())).collect();
        let expected =
            [(keys::SOURCE_COMMIT, "abc123"), (keys::SOURCE_COMMIT_TIME, "2024-01-01T00:00:00+01:00")];
        assert_eq!(facts, expected.map(|(key, text)| (key.to_owned(), Some(text.to_owned()))));
        assert!(!format!("{run:?}").contains("Person"));
    }

    #[test]
    fn nulls_repeated_names_and_bad_dates_are_told() {
        let two = r#"{"name": "b", "value": null}, {"name": "b", "value": 1}, {"name": "b", "value": 2}"#;
        let run = parse(page_of("go", two).as_bytes(), None).unwrap().remove(0);
        let names: Vec<String> = run.stated.iter().map(|entry| entry.benchmark.to_string()).collect();
        assert_eq!(names, ["Suite/b", "Suite/b#2"]);
        assert_eq!(run.findings[0].code, "import-values-left-out");
        let late = page_of("go", two).replace("1704063600000", "99999999999999999");
        let error = parse(late.as_bytes(), None).unwrap_err();
        assert!(error.to_string().starts_with("entries.Suite[0]: its date"), "{error}");
        assert!(matches!(
            parse(b"window.BENCHMARK_DATA = {\"entries\": {}}", None),
            Err(ForeignError::Empty { .. })
        ));
        assert!(matches!(parse(b"window.BENCHMARK_DATA = [", None), Err(ForeignError::Malformed { .. })));
    }

    #[test]
    fn half_widths_are_numbers_or_shares() {
        let check =
            |range: &str, expected: Option<f64>| assert_eq!(half_width(range, 200.0), expected, "{range}");
        check("± 1,234", Some(1234.0));
        check("+/- 3", Some(3.0));
        check("±1.5%", Some(3.0));
        check("stddev: 2", None);
        check("", None);
        check("-3", None);
    }
}
