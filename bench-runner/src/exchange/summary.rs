//! Records of estimates without samples: results that somebody wrote down, such as the founding note.
//!
//! They become runs of kind `summary` with their own identity. Nothing is added that the record does not say, and a value
//! that it does not give stays absent.

use std::path::Path;

use serde::Deserialize;

use crate::files::{self, FilesError};
use crate::model::estimate::{ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use crate::model::fact::Fact;
use crate::model::finding::Finding;
use crate::model::ids::{BenchmarkId, Identity, RunId};
use crate::model::record::{Alias, Annotation, NoteTarget, RunRecord, StatedEstimate};
use crate::model::run::{Run, RunKind, RunPlan, RunStatus};
use crate::model::units::{Metric, Throughput, Timestamp};

/// Name of the format.
pub const SCHEMA: &str = "bench-runner/summary";
/// The only version of the format.
pub const VERSION: u64 = 1;
/// Largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 4 << 20;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FilesError),
    /// The content is not JSON of the right shape.
    #[error("the record is malformed at line {}, column {}", source.line(), source.column())]
    Malformed {
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The file is something else.
    #[error(
        "this is not a record of estimates: its schema is `{schema}` version {version}, expected `{SCHEMA}` version {VERSION}"
    )]
    NotASummary {
        /// What it says it is.
        schema: String,
        /// The version it says it has.
        version: u64,
    },
    /// The start is not a moment in time.
    #[error("the start `{text}` of the record is not a time with an offset")]
    Time {
        /// What is written there.
        text: String,
        /// What the parser said.
        source: jiff::Error,
    },
    /// An estimate makes no sense.
    #[error("the estimate of {benchmark} makes no sense: {reason}")]
    Estimate {
        /// Which benchmark.
        benchmark: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl SummaryError {
    /// Returns what to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Time { .. } => Some("write it like `2025-11-05T19:37:00-06:00`".to_owned()),
            Self::NotASummary { .. } => Some("other formats have their own `import` command".to_owned()),
            Self::Malformed { .. } | Self::Estimate { .. } => {
                Some("correct the file; `data/README.md` describes its fields".to_owned())
            }
        }
    }
}

/// A record, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The run and its stated estimates.
    pub record: RunRecord,
    /// Names that the record's author uses for the benchmarks.
    pub aliases: Vec<Alias>,
    /// What the record says besides numbers.
    pub annotations: Vec<Annotation>,
}

/// What any file of ours begins with.
#[derive(Deserialize)]
struct Header {
    schema: String,
    version: u64,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(
        dead_code,
        reason = "checked through the header; named here because unknown fields are refused"
    )]
    schema: String,
    #[expect(
        dead_code,
        reason = "checked through the header; named here because unknown fields are refused"
    )]
    version: u64,
    /// Any remark to readers of the file.
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    comment: String,
    id: RunId,
    title: String,
    /// RFC 3339.
    started: String,
    suite: String,
    identity: Identity,
    plan: Option<RunPlan>,
    facts: Vec<Fact>,
    #[serde(default)]
    findings: Vec<Finding>,
    estimates: Vec<Stated>,
    /// Who uses the aliases of the estimates.
    origin: String,
    #[serde(default)]
    notes: Vec<Note>,
}

/// One estimate in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    benchmark: BenchmarkId,
    metric: Metric,
    throughput: Vec<Throughput>,
    statistic: Statistic,
    low: Option<f64>,
    value: f64,
    high: Option<f64>,
    level: Option<f64>,
    #[serde(default)]
    aliases: Vec<String>,
}

/// One statement in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    kind: String,
    text: String,
}

/// Reads a record from `path`.
///
/// # Errors
///
/// [`SummaryError`].
pub fn read(path: &Path) -> Result<Summary, SummaryError> {
    from_bytes(&files::read(path, MAX_BYTES)?)
}

/// Reads a record.
///
/// # Errors
///
/// [`SummaryError`]: another format or version, unknown fields, an interval that does not contain its estimate.
pub fn from_bytes(bytes: &[u8]) -> Result<Summary, SummaryError> {
    let malformed = |source| SummaryError::Malformed { source };
    let Header { schema, version } = serde_json::from_slice(bytes).map_err(malformed)?;
    if schema != SCHEMA || version != VERSION {
        return Err(SummaryError::NotASummary { schema: schema.chars().take(80).collect(), version });
    }
    let file: File = serde_json::from_slice(bytes).map_err(malformed)?;
    let started = match file.started.parse::<jiff::Timestamp>() {
        Ok(stamp) => Timestamp(stamp.as_microsecond()),
        Err(source) => return Err(SummaryError::Time { text: file.started, source }),
    };
    let mut stated = Vec::with_capacity(file.estimates.len());
    let mut aliases = Vec::new();
    for estimate in file.estimates {
        let names = estimate.aliases.iter().map(|name| Alias {
            origin: file.origin.clone(),
            name: name.clone(),
            benchmark: estimate.benchmark.clone(),
        });
        aliases.extend(names);
        stated.push(estimate.check()?);
    }
    let note = |note: Note| Annotation {
        target: NoteTarget::Run,
        id: file.id.to_string(),
        kind: note.kind,
        text: note.text,
        at: started,
    };
    let annotations = file.notes.into_iter().map(note).collect();
    let run = Run {
        kind: RunKind::Summary,
        status: RunStatus::Complete,
        started,
        finished: None,
        suite: file.suite,
        title: Some(file.title),
        identity: file.identity,
        plan: file.plan,
        inventory: stated.iter().map(|estimate| estimate.benchmark.clone()).collect(),
        facts: file.facts,
        executables: Vec::new(),
        launches: Vec::new(),
        findings: file.findings,
        id: file.id,
    };
    Ok(Summary { record: RunRecord { run, measurements: Vec::new(), stated }, aliases, annotations })
}

impl Stated {
    /// Turns what is written into an estimate, or says what is wrong with it.
    fn check(self) -> Result<StatedEstimate, SummaryError> {
        let fail = |reason| Err(SummaryError::Estimate { benchmark: self.benchmark.to_string(), reason });
        if !(self.value.is_finite() && self.value > 0.0) {
            return fail("its value is not above zero");
        }
        let interval = match (self.low, self.high, self.level) {
            (None, None, None) => None,
            (Some(low), Some(high), Some(level)) => {
                if !(0.0 < low && low <= self.value && self.value <= high && high.is_finite()) {
                    return fail("its interval does not contain its value");
                }
                if !(0.0 < level && level < 1.0) {
                    return fail("its confidence level is not between 0 and 1");
                }
                Some(ConfidenceInterval { low, high, level, method: IntervalMethod::Stated })
            }
            _ => return fail("low, high and level belong together"),
        };
        Ok(StatedEstimate {
            estimate: Estimate {
                statistic: self.statistic,
                value: self.value,
                interval,
                launches: 0,
                observations: 0,
            },
            benchmark: self.benchmark,
            metric: self.metric,
            throughput: self.throughput,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUNDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/founding/november-5.json");

    #[test]
    fn the_founding_record_is_what_the_note_says() {
        let summary = read(Path::new(FOUNDING)).unwrap();
        let run = &summary.record.run;
        // 2025-11-05T19:37 at −06:00, in the id as well.
        assert_eq!(run.started, Timestamp(1_762_393_020_000_000));
        assert_eq!(run.id.as_str()[..10], crate::clock::new_run_id(run.started).as_str()[..10]);
        assert_eq!((run.kind, run.status), (RunKind::Summary, RunStatus::Complete));
        assert!(!run.is_eligible());
        assert_eq!(run.identity.hw_class, "x86_64/intel-core-i5-8257u/4c8t/16g");
        let plan = run.plan.as_ref().unwrap();
        let harness = (plan.warm_up_seconds, plan.measurement_seconds, plan.sample_size);
        assert_eq!(harness, (Some(8.0), Some(15.0), Some(300)));
        let check = |name: &str, elements: u64, bounds: Option<(f64, f64)>, value: f64| {
            let stated = summary.record.stated.iter().find(|s| s.benchmark.to_string() == name).unwrap();
            assert_eq!(stated.throughput, [Throughput::Elements(elements)], "{name}");
            assert!((stated.estimate.value - value).abs() < 1e-6, "{name}");
            assert_eq!(stated.estimate.interval.map(|i| (i.low, i.high)), bounds, "{name}");
            assert_eq!(stated.estimate.statistic, Statistic::CriterionTypical);
        };
        check("sign_bench/ed25519_sign_128B", 1, Some((17_286.0, 17_333.0)), 17_309.0);
        check("verify_bench/ed25519_verify_128B", 1, Some((33_617.0, 33_701.0)), 33_659.0);
        check("batch_verify/verify_batch/8", 8, Some((170_970.0, 171_510.0)), 171_240.0);
        check("batch_verify/verify_batch/32", 32, Some((634_800.0, 637_470.0)), 636_040.0);
        check("batch_verify/verify_batch/64", 64, Some((1_240_900.0, 1_244_200.0)), 1_242_500.0);
        check("parallel_throughput/parallel_sign_4x", 4000, None, 20_047_000.0);
        check("parallel_throughput/parallel_verify_4x", 4000, None, 45_890_000.0);
        assert_eq!(summary.record.stated.len(), 7);
        assert_eq!(summary.aliases.len(), 7);
        assert!(summary.annotations.iter().any(|note| note.text.contains("43–45 %")));
        assert!(run.findings.iter().any(|finding| finding.subject == "batch_verify/verify_batch/32"));
    }

    /// Replaces `from` by `to` in the founding record and returns the error.
    fn spoiled(from: &str, to: &str) -> SummaryError {
        let text = std::fs::read_to_string(FOUNDING).unwrap();
        assert!(text.contains(from), "{from}");
        from_bytes(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    }

    #[test]
    fn senseless_records_are_refused() {
        let malformed = spoiled("\"title\"", "\"titel\"");
        assert!(matches!(malformed, SummaryError::Malformed { .. }), "{malformed}");
        assert!(matches!(spoiled("bench-runner/summary", "other"), SummaryError::NotASummary { .. }));
        assert!(matches!(
            spoiled("\"version\": 1", "\"version\": 9"),
            SummaryError::NotASummary { version: 9, .. }
        ));
        let time = spoiled("2025-11-05T19:37:00-06:00", "5 November");
        assert!(matches!(time, SummaryError::Time { .. }) && time.hint().unwrap().contains("2025"));
        let check = |from: &str, to: &str, reason: &str| {
            let error = spoiled(from, to);
            assert!(
                matches!(error, SummaryError::Estimate { .. }) && error.to_string().contains(reason),
                "{error}"
            );
        };
        check("\"low\": 17286.0", "\"low\": 17310.0", "does not contain");
        check("\"low\": 17286.0", "\"low\": null", "belong together");
        check("\"level\": 0.95", "\"level\": 95", "between 0 and 1");
        check("\"value\": 20047000.0", "\"value\": -1.0", "above zero");
    }
}
