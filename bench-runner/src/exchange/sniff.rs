//! Which format a file has, from its content alone, and reading it as that.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::foreign::{Filing, ForeignError, ForeignRun, MAX_OBJECTS};
use super::{benchfmt, bmf, critcmp, export, github_action, hyperfine, input};
use crate::model::record::RunRecord;

/// A format that can be read from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Our own export.
    Json,
    /// `critcmp --export`.
    Critcmp,
    /// hyperfine's JSON, versions 1.x and schema version 2.
    Hyperfine,
    /// The text of Go benchmarks.
    Benchfmt,
    /// Bencher Metric Format.
    Bmf,
    /// `data.js` of github-action-benchmark, or its input array.
    GithubActionBenchmark,
}

impl Format {
    /// The name as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Critcmp => "critcmp",
            Self::Hyperfine => "hyperfine",
            Self::Benchfmt => "benchfmt",
            Self::Bmf => "bmf",
            Self::GithubActionBenchmark => "github-action-benchmark",
        }
    }
}

/// The fields by which JSON formats are told apart.
#[derive(Deserialize, Default)]
struct Probe {
    schema: Option<String>,
    entries: Option<IgnoredAny>,
    results: Option<IgnoredAny>,
    benchmarks: Option<IgnoredAny>,
}

/// Finds out the format of `content`.
///
/// # Errors
///
/// [`ForeignError::Unknown`] when nothing fits, [`ForeignError::Malformed`] when it looks like JSON and is none, and the
/// limits on size and nesting.
pub fn sniff(content: &[u8]) -> Result<Format, ForeignError> {
    let text = input::text(content)?;
    let start = text.trim_start();
    if start.starts_with(github_action::PREFIX) {
        return Ok(Format::GithubActionBenchmark);
    }
    if start.starts_with('[') {
        _ = input::json::<IgnoredAny>(text, "JSON", MAX_OBJECTS)?;
        return Ok(Format::GithubActionBenchmark);
    }
    if start.starts_with('{') {
        // An export has more objects than others may have.
        let ours = start.get(..200).unwrap_or(start).contains(export::SCHEMA);
        let objects = if ours { usize::MAX } else { MAX_OBJECTS };
        _ = input::json::<IgnoredAny>(text, "JSON", objects)?;
        // A field of one of these names with another meaning (a benchmark called `schema`) is no reason to fail.
        let probe: Probe = serde_json::from_str(text).unwrap_or_default();
        return match probe {
            Probe { schema: Some(schema), .. } if schema == export::SCHEMA => Ok(Format::Json),
            Probe { schema: Some(schema), .. } => {
                Err(ForeignError::Ours { schema: schema.chars().take(80).collect() })
            }
            Probe { entries: Some(_), .. } => Ok(Format::GithubActionBenchmark),
            _ if bmf::looks_like(text) => Ok(Format::Bmf),
            Probe { results: Some(_), .. } => Ok(Format::Hyperfine),
            Probe { benchmarks: Some(_), .. } => Ok(Format::Critcmp),
            _ => Err(ForeignError::Unknown),
        };
    }
    if benchfmt::looks_like(text) { Ok(Format::Benchfmt) } else { Err(ForeignError::Unknown) }
}

/// Reads `content` as `format` into records that can be stored. `level` is the confidence level of ranges and bounds, if
/// whoever imports them knows one.
///
/// # Errors
///
/// [`ForeignError`] with the place; then nothing of the file may be stored.
pub fn records(
    content: &[u8],
    format: Format,
    level: Option<f64>,
    filing: &Filing,
) -> Result<Vec<RunRecord>, ForeignError> {
    let runs = match format {
        Format::Json => return export::parse(content),
        Format::Critcmp => critcmp::parse(content)?,
        Format::Hyperfine => hyperfine::parse(content)?,
        Format::Benchfmt => benchfmt::parse(content)?,
        Format::Bmf => bmf::parse(content, level)?,
        Format::GithubActionBenchmark => github_action::parse(content, level)?,
    };
    let into = |run: ForeignRun| run.into_records(format.name(), filing);
    Ok(runs.into_iter().map(into).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        let check =
            |text: &str, expected: Format| assert_eq!(sniff(text.as_bytes()).ok(), Some(expected), "{text}");
        check("window.BENCHMARK_DATA = {", Format::GithubActionBenchmark);
        check(r#"{"lastUpdate": 1, "entries": {}}"#, Format::GithubActionBenchmark);
        check(r#"[{"name": "a"}]"#, Format::GithubActionBenchmark);
        check("\u{feff} {\"results\": []}", Format::Hyperfine);
        check(r#"{"name": "b", "benchmarks": {}}"#, Format::Critcmp);
        check(r#"{"schema": {"latency": {"value": 1}}}"#, Format::Bmf);
        check(r#"{"schema": "bench-runner/export", "version": 9}"#, Format::Json);
        check("goos: linux\nBenchmarkX 1 2 ns/op\n", Format::Benchfmt);
    }

    #[test]
    fn other_content_is_refused_by_what_it_is() {
        let check = |text: &str, expected: &str| {
            let error = sniff(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
        };
        check("", "none of the known formats");
        check("Dear diary,\n", "none of the known formats");
        check("{}", "none of the known formats");
        check("{\"results\": [\n", "this is not JSON: line 2");
        check(r#"{"schema": "bench-runner/bundle"}"#, "`bench-runner/bundle`");
        check(&"[".repeat(100_000), "64 levels of nesting");
        check(&"{\"a\":".repeat(100_000), "64 levels of nesting");
    }
}
