//! Rows for notebooks: one per launch and benchmark as comma-separated values or as JSON lines.
//!
//! A number that a record only states is a row without a launch.

use serde_json::{Value, json};

use super::export::{Exported, rfc3339};
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::{keys, known};
use crate::model::measurement::LaunchSummary;
use crate::model::run::Run;

/// One row: the names of the columns and their values, in order. Numbers are per iteration in `unit`.
type Row = Vec<(&'static str, Value)>;

/// The rows of a run.
fn rows(exported: &Exported<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for result in exported.results {
        let about = about(&exported.record.run, result);
        let launches: Vec<Option<&LaunchSummary>> = match result.launches.as_slice() {
            [] => vec![None],
            launches => launches.iter().map(Some).collect(),
        };
        for launch in launches {
            rows.push([about.clone(), measured(launch), stated(result, launch.is_none())].concat());
        }
    }
    rows
}

/// What a row is about.
fn about(run: &Run, result: &BenchmarkResult) -> Row {
    let benchmark = &result.benchmark;
    vec![
        ("run", run.id.as_str().into()),
        ("run_kind", json!(run.kind)),
        ("run_status", json!(run.status)),
        ("started", rfc3339(run.started).into()),
        ("suite", run.suite.as_str().into()),
        ("machine", run.identity.machine.as_str().into()),
        ("hw_class", run.identity.hw_class.as_str().into()),
        ("config", run.identity.config.as_str().into()),
        ("commit", json!(known(&run.facts, keys::SOURCE_COMMIT))),
        ("package", benchmark.package.as_str().into()),
        ("target", benchmark.target.as_str().into()),
        ("group", benchmark.group.as_str().into()),
        ("function", json!(benchmark.function)),
        ("value", json!(benchmark.value)),
        ("occurrence", benchmark.occurrence.into()),
        ("metric", result.metric.name.as_str().into()),
        ("unit", result.metric.unit.as_str().into()),
        ("elements", json!(result.elements())),
    ]
}

/// What one launch measured; nothing without a launch.
fn measured(launch: Option<&LaunchSummary>) -> Row {
    let number = |of: fn(&LaunchSummary) -> f64| json!(launch.map(of));
    vec![
        ("launch", json!(launch.map(|launch| launch.launch))),
        ("observations", json!(launch.map(|launch| launch.observations))),
        ("minimum", number(|launch| launch.minimum)),
        ("lower_quartile", number(|launch| launch.lower_quartile)),
        ("median", number(|launch| launch.median)),
        ("upper_quartile", number(|launch| launch.upper_quartile)),
        ("maximum", number(|launch| launch.maximum)),
        ("mean", number(|launch| launch.mean)),
        ("slope", json!(launch.and_then(|launch| launch.slope))),
    ]
}

/// What a record states without launches; nothing in other rows.
fn stated(result: &BenchmarkResult, is_stated: bool) -> Row {
    let estimate = Some(&result.estimate).filter(|_| is_stated);
    let interval = estimate.and_then(|estimate| estimate.interval);
    vec![
        ("stated", json!(estimate.map(|estimate| estimate.value))),
        ("stated_statistic", json!(estimate.map(|estimate| estimate.statistic.words()))),
        ("stated_low", json!(interval.map(|interval| interval.low))),
        ("stated_high", json!(interval.map(|interval| interval.high))),
        ("stated_level", json!(interval.map(|interval| interval.level))),
    ]
}

/// Writes the rows of a run as JSON lines.
#[must_use]
pub fn json_lines(run: &Exported<'_>) -> String {
    let field = |(name, value): &(&str, Value)| format!("\"{name}\":{value}");
    let line = |row: &Row| format!("{{{}}}\n", row.iter().map(field).collect::<Vec<_>>().join(","));
    rows(run).iter().map(line).collect()
}

/// Writes the rows of a run as comma-separated values (RFC 4180); `header` puts the names of the columns in front.
#[must_use]
pub fn csv(run: &Exported<'_>, header: bool) -> String {
    let rows = rows(run);
    let names = |row: &Row| row.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",") + "\n";
    let cells = |row: &Row| row.iter().map(|(_, value)| cell(value)).collect::<Vec<_>>().join(",") + "\n";
    let head = rows.first().filter(|_| header).map(names);
    head.into_iter().chain(rows.iter().map(cells)).collect()
}

/// One value; text with a comma, a quote or a line end in it is quoted, nothing is an empty cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            // A spreadsheet would run a text that begins like a formula.
            let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
            let quote = text.contains([',', '"', '\n', '\r']);
            if quote { format!("\"{guard}{}\"", text.replace('"', "\"\"")) } else { format!("{guard}{text}") }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_guarded() {
        let check = |text: &str, expected: &str| assert_eq!(cell(&text.into()), expected);
        check("plain", "plain");
        check("a,\"b\"", "\"a,\"\"b\"\"\"");
        check("=1+1", "'=1+1");
        assert_eq!((cell(&Value::Null), cell(&1.5.into())), (String::new(), "1.5".to_owned()));
    }
}
