//! What any foreign file comes down to: runs without a machine, their numbers, and doubts; and how they become records.
//!
//! Raw samples become a run of kind `imported`, numbers that are only stated a run of kind `summary`; a file with both
//! gives both. Names of people, addresses and messages in a file are never taken over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::clock;
use crate::files::{FilesError, sha256};
use crate::model::estimate::{ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use crate::model::fact::{Fact, FactStatus, FactValue, Phase};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::{BenchmarkId, Digest, Identity, RunId};
use crate::model::measurement::{Measurement, Observation, SamplingMode};
use crate::model::record::{LaunchMeasurement, RunRecord, StatedEstimate, list_digest, sample_digest};
use crate::model::run::{Capture, Launch, LaunchStatus, Run, RunKind, RunStatus};
use crate::model::units::{Metric, Throughput, Timestamp};

use super::input::MAX_BYTES;

/// Package of benchmarks whose file does not name one.
pub const IMPORTED: &str = "imported";
/// Longest name of a benchmark, in bytes.
pub const MAX_NAME: usize = 1024;
/// Most numbers of one file: observations and stated estimates together.
pub const MAX_POINTS: usize = 1_000_000;
/// Most runs of one file.
pub const MAX_RUNS: usize = 100_000;
/// Most objects of a foreign JSON file: two for each number, and some around them.
pub(super) const MAX_OBJECTS: usize = 3_000_000;

/// Why a foreign file cannot be taken in. Nothing of such a file is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FilesError),
    /// The standard input could not be read.
    #[error("cannot read the standard input")]
    Stream {
        /// What the system said.
        source: std::io::Error,
    },
    /// More bytes than this program is willing to hold.
    #[error("{}more than the limit of {MAX_BYTES} bytes", bytes.map_or_else(String::new, |bytes| format!("it has {bytes} bytes, ")))]
    TooLarge {
        /// Its length, where that is known without reading it.
        bytes: Option<u64>,
    },
    /// Not text.
    #[error("line {line} is not UTF-8 text")]
    Encoding {
        /// The first such line.
        line: usize,
    },
    /// Too much of something.
    #[error("{place} has more than the limit of {limit} {what}")]
    Limit {
        /// Line, path or name.
        place: String,
        /// Of what there is too much.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// Not the JSON of that format.
    #[error("this is not {format}: line {}, column {}", source.line(), source.column())]
    Malformed {
        /// The format that was expected.
        format: &'static str,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// Something in it makes no sense.
    #[error("{place}: {reason}")]
    Value {
        /// Line, path or name.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A version that is not known.
    #[error("this is {format} of version {found}; known: {known}")]
    Version {
        /// The format.
        format: &'static str,
        /// The version of the file.
        found: String,
        /// Those that are read.
        known: &'static str,
    },
    /// A run in it was changed or damaged.
    #[error("the part `{part}` of run {run} does not match its SHA-256")]
    Digest {
        /// The run.
        run: RunId,
        /// The first part that differs.
        part: String,
    },
    /// Nothing says what it is.
    #[error("its content is none of the known formats")]
    Unknown,
    /// A file of ours that has its own command.
    #[error("this is a file of the format `{schema}`")]
    Ours {
        /// What it says it is.
        schema: String,
    },
    /// Nothing usable is in it.
    #[error("there is no result in it{}", if *left_out > 0 { format!(" that can be used ({left_out} left out)") } else { String::new() })]
    Empty {
        /// Results that could not be used.
        left_out: usize,
    },
    /// Neither the file nor the command says when it was measured.
    #[error("nothing says when this was measured")]
    Undated,
}

impl ForeignError {
    /// Returns what to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File(error) => return error.hint(),
            Self::Stream { .. } => return None,
            Self::TooLarge { .. } => {
                "check that this is the file you meant, or split it; nothing was imported"
            }
            Self::Encoding { .. } => "save the file as UTF-8",
            Self::Limit { .. } => "check that this is the file you meant, or split it; nothing was imported",
            Self::Malformed { .. } => {
                "write the file again with its tool, or name another format with `--from`; nothing was imported"
            }
            Self::Value { .. } => {
                "correct that place, or write the file again with its tool; nothing was imported"
            }
            Self::Version { .. } => {
                "write it with a version of its tool that makes a known one, or update bench-runner"
            }
            Self::Digest { .. } => "the file was changed or cut off; export it again. Nothing was imported",
            Self::Unknown => "name the format with `--from`; `bench-runner import --help` lists them",
            Self::Ours { schema } if schema == super::bundle::SCHEMA => {
                "use `bench-runner bundle import FILE`"
            }
            Self::Ours { schema } if schema == super::summary::SCHEMA => {
                "use `bench-runner import summary FILE`"
            }
            Self::Ours { .. } => "only exports, bundles and summaries can be read back",
            Self::Empty { .. } => "check that the benchmarks ran to their end",
            Self::Undated => "say when with `--at TIME`, for example `--at 2025-11-05T19:37:00-06:00`",
        };
        Some(hint.to_owned())
    }
}

/// One measuring session in a foreign file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForeignRun {
    /// What was measured together.
    pub suite: String,
    /// When, if the file says so.
    pub started: Option<Timestamp>,
    /// What the file says about machine and source.
    pub facts: Vec<Fact>,
    /// Raw samples of one launch.
    pub measurements: Vec<Measurement>,
    /// Numbers without samples behind them.
    pub stated: Vec<StatedEstimate>,
    /// Doubts.
    pub findings: Vec<Finding>,
}

/// How the runs of a file are filed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filing {
    /// The owner's name for the machine that measured.
    pub machine: Option<String>,
    /// When, for runs whose file does not say so.
    pub at: Option<Timestamp>,
    /// Version of the recipe of identities.
    pub recipe: u32,
}

impl ForeignRun {
    /// Turns the run into what can be stored: one record, or two where raw and stated numbers are mixed.
    ///
    /// The id is made of time, machine, suite and numbers, so that importing twice gives the same run.
    ///
    /// # Errors
    ///
    /// [`ForeignError::Undated`] when neither the run nor the filing has a time.
    pub fn into_records(self, format: &str, filing: &Filing) -> Result<Vec<RunRecord>, ForeignError> {
        let Some(started) = self.started.or(filing.at) else { return Err(ForeignError::Undated) };
        let mut findings = self.findings;
        if self.started.is_none() {
            findings.push(time_assumed());
        }
        let assemble = |measurements: Vec<Measurement>, stated: Vec<StatedEstimate>| {
            let kind = if measurements.is_empty() { RunKind::Summary } else { RunKind::Imported };
            let inventory: BTreeSet<BenchmarkId> = (measurements.iter().map(|entry| &entry.benchmark))
                .chain(stated.iter().map(|entry| &entry.benchmark))
                .cloned()
                .collect();
            let machine = filing.machine.as_deref().unwrap_or(IMPORTED);
            let run = Run {
                id: run_id((started, machine, &self.suite), &measurements, &stated),
                kind,
                status: RunStatus::Complete,
                started,
                finished: None,
                suite: self.suite.clone(),
                title: Some(format!("imported from {format}")),
                identity: identity(filing),
                plan: None,
                inventory: inventory.into_iter().collect(),
                facts: self.facts.clone(),
                executables: Vec::new(),
                launches: if measurements.is_empty() { Vec::new() } else { vec![launch(started)] },
                findings: findings.clone(),
            };
            let measurements = measurements
                .into_iter()
                .map(|measurement| LaunchMeasurement { launch: 0, measurement })
                .collect();
            RunRecord { run, measurements, stated }
        };
        let mut records = Vec::new();
        if !self.measurements.is_empty() {
            records.push(assemble(self.measurements, Vec::new()));
        }
        if !self.stated.is_empty() {
            records.push(assemble(Vec::new(), self.stated));
        }
        Ok(records)
    }

    /// Number of observations and stated estimates.
    #[must_use]
    pub fn points(&self) -> usize {
        self.stated.len() + self.measurements.iter().map(|entry| entry.sample.len()).sum::<usize>()
    }
}

/// Results whose machine nobody wrote down belong to no known machine; a name given now is the owner's word for it.
fn identity(filing: &Filing) -> Identity {
    let unknown = || "?".to_owned();
    Identity {
        recipe: filing.recipe,
        hw_class: unknown(),
        machine: filing.machine.clone().unwrap_or_else(|| IMPORTED.to_owned()),
        label: filing.machine.clone(),
        config: unknown(),
        build: unknown(),
    }
}

/// The one launch of imported samples.
fn launch(started: Timestamp) -> Launch {
    Launch {
        ordinal: 0,
        round: 0,
        executable: Digest::UNKNOWN,
        package: IMPORTED.to_owned(),
        target: IMPORTED.to_owned(),
        status: LaunchStatus::Complete,
        capture: Some(Capture::Files),
        reason: None,
        harness_version: None,
        started,
        elapsed_seconds: 0.0,
        exit_code: None,
        covariates: None,
    }
}

/// The id of a run's content.
fn run_id(
    (started, machine, suite): (Timestamp, &str, &str),
    measurements: &[Measurement],
    stated: &[StatedEstimate],
) -> RunId {
    let mut parts = BTreeMap::from([
        ("machine".to_owned(), sha256(machine.as_bytes())),
        ("suite".to_owned(), sha256(suite.as_bytes())),
    ]);
    let name = |position: usize, benchmark: &BenchmarkId, metric: &Metric| {
        format!("{position:07} {}\0{benchmark}\0{}\0{}", benchmark.package, metric.name, metric.unit)
    };
    for (position, entry) in measurements.iter().enumerate() {
        let name = name(position, &entry.benchmark, &entry.metric);
        parts.insert(format!("measured {name}"), sample_digest(&entry.sample));
    }
    for (position, entry) in stated.iter().enumerate() {
        let name = name(position, &entry.benchmark, &entry.metric);
        parts.insert(format!("stated {name}"), sha256(&entry.estimate.value.to_bits().to_le_bytes()));
    }
    clock::run_id_of(started, list_digest(&parts))
}

/// Gathers the numbers of one foreign run and keeps count of what cannot be used.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    run: ForeignRun,
    /// How often each name and metric occurred.
    seen: BTreeMap<(BenchmarkId, Metric), u32>,
    /// Values that are zero, negative or not finite.
    unusable: usize,
    first_unusable: Option<String>,
}

impl Gatherer {
    /// Starts a run of a suite.
    pub(super) fn new(suite: &str, started: Option<Timestamp>) -> Self {
        let run = ForeignRun { suite: suite.to_owned(), started, ..ForeignRun::default() };
        Self { run, ..Self::default() }
    }

    /// Adds a fact that the file states.
    pub(super) fn fact(&mut self, key: &str, value: &str, source: &str) {
        if !value.is_empty() && value.len() <= MAX_NAME {
            self.run.facts.push(Fact {
                key: key.to_owned(),
                value: Some(FactValue::Text(without_homes(value))),
                unit: String::new(),
                status: FactStatus::Ok,
                source: source.to_owned(),
                phase: Phase::Start,
            });
        }
    }

    /// Adds a doubt.
    pub(super) fn finding(&mut self, finding: Finding) {
        self.run.findings.push(finding);
    }

    /// Adds a stated number and returns whether it was taken; one that is not above zero is counted and left out.
    pub(super) fn state(
        &mut self,
        benchmark: BenchmarkId,
        metric: Metric,
        (statistic, value): (Statistic, f64),
        interval: Option<(f64, f64, f64)>,
    ) -> bool {
        if !usable(value) {
            self.leave_out(&benchmark);
            return false;
        }
        let holds = |&(low, high, level): &(f64, f64, f64)| {
            low.is_finite() && high.is_finite() && low <= value && value <= high && level > 0.0 && level < 1.0
        };
        let interval = interval.filter(holds).map(|(low, high, level)| ConfidenceInterval {
            low,
            high,
            level,
            method: IntervalMethod::Stated,
        });
        let estimate = Estimate { statistic, value, interval, launches: 0, observations: 0 };
        let benchmark = self.distinct(benchmark, &metric);
        self.run.stated.push(StatedEstimate { benchmark, metric, throughput: Vec::new(), estimate });
        true
    }

    /// Adds what the number stated last declares as work per iteration.
    pub(super) fn declare(&mut self, throughput: Vec<Throughput>) {
        if let Some(last) = self.run.stated.last_mut() {
            last.throughput = throughput;
        }
    }

    /// Adds raw observations; those that are not above zero are counted and left out.
    pub(super) fn observe(&mut self, benchmark: BenchmarkId, metric: Metric, sample: Vec<Observation>) {
        let (sample, bad): (Vec<_>, Vec<_>) =
            sample.into_iter().partition(|entry| entry.iterations > 0 && usable(entry.total));
        bad.iter().for_each(|_| self.leave_out(&benchmark));
        if !sample.is_empty() {
            let benchmark = self.distinct(benchmark, &metric);
            self.run.measurements.push(Measurement {
                benchmark,
                metric,
                throughput: Vec::new(),
                sampling: SamplingMode::Flat,
                settings: None,
                sample,
            });
        }
    }

    /// Ends the run; `None` when nothing usable is in it, with the number of what was left out.
    pub(super) fn finish(mut self) -> Result<ForeignRun, usize> {
        if let (Some(first), count) = (self.first_unusable, self.unusable) {
            self.run.findings.push(finding(
                "import-values-left-out",
                Severity::Warning,
                &first,
                format!("{count} values are zero, negative or no numbers, the first of {first}"),
                ("they are missing in this run", "look at the tool that wrote the file"),
            ));
        }
        if self.run.stated.is_empty() && self.run.measurements.is_empty() {
            return Err(self.unusable);
        }
        Ok(self.run)
    }

    fn leave_out(&mut self, benchmark: &BenchmarkId) {
        self.unusable += 1;
        self.first_unusable.get_or_insert_with(|| benchmark.to_string());
    }

    /// Tells benchmarks of the same name apart by their order.
    fn distinct(&mut self, mut benchmark: BenchmarkId, metric: &Metric) -> BenchmarkId {
        let count = self.seen.entry((benchmark.clone(), metric.clone())).or_insert(0);
        benchmark.occurrence = *count;
        *count += 1;
        benchmark
    }
}

/// Whether a number can be a benchmark's value: ratios need it above zero.
fn usable(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// A benchmark that a file names by one text; names of home folders are taken out of it.
pub(super) fn named(target: &str, name: &str) -> Result<BenchmarkId, ForeignError> {
    named_with(IMPORTED, target, name, None)
}

/// A benchmark with package and value.
pub(super) fn named_with(
    package: &str,
    target: &str,
    name: &str,
    value: Option<&str>,
) -> Result<BenchmarkId, ForeignError> {
    for text in [package, target, name, value.unwrap_or_default()] {
        if text.len() > MAX_NAME {
            let start: String = text.chars().take(40).collect();
            let place = format!("the name `{start}…`");
            return Err(ForeignError::Limit { place, what: "bytes", limit: MAX_NAME });
        }
    }
    Ok(BenchmarkId {
        package: without_homes(package),
        target: without_homes(target),
        group: without_homes(name),
        function: None,
        value: value.map(without_homes),
        occurrence: 0,
    })
}

/// Takes home folders out of a text: nothing stored names a person.
pub(super) fn without_homes(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    let starts = ["/home/", "/Users/", "\\Users\\"];
    while let Some((at, start)) =
        starts.iter().filter_map(|start| rest.find(start).map(|at| (at, start))).min()
    {
        let (before, from) = rest.split_at(at);
        // A drive letter belongs to the folder.
        let cut = if start.starts_with('\\') && before.ends_with(':') {
            before.len().saturating_sub(2)
        } else {
            at
        };
        shown.push_str(before.get(..cut).unwrap_or(before));
        shown.push('~');
        let inner = from.get(start.len()..).unwrap_or_default();
        let end = inner.find(|c: char| "/\\ \t\"':,;".contains(c)).unwrap_or(inner.len());
        rest = inner.get(end..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

/// The moment that `text` names, as RFC 3339 or as a date and time with an offset.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    text.trim().parse::<jiff::Timestamp>().ok().map(|stamp| Timestamp(stamp.as_microsecond()))
}

/// The moment that a number of milliseconds since 1970 names; `None` outside the years 1970 to 9999.
pub(super) fn moment_of_millis(millis: i64) -> Option<Timestamp> {
    let known = jiff::Timestamp::from_millisecond(millis).is_ok() && millis >= 0;
    known.then_some(())?;
    millis.checked_mul(1000).map(Timestamp)
}

/// Checks the number of runs and points of a file.
pub(super) fn check_amount(runs: &[ForeignRun], left_out: usize) -> Result<(), ForeignError> {
    let limit = |what, limit| Err(ForeignError::Limit { place: "the file".to_owned(), what, limit });
    if runs.is_empty() {
        return Err(ForeignError::Empty { left_out });
    }
    if runs.len() > MAX_RUNS {
        return limit("runs", MAX_RUNS);
    }
    if runs.iter().map(ForeignRun::points).sum::<usize>() > MAX_POINTS {
        return limit("observations and estimates", MAX_POINTS);
    }
    Ok(())
}

/// A doubt about an imported run.
pub(super) fn finding(
    code: &str,
    severity: Severity,
    subject: &str,
    evidence: impl Into<String>,
    (effect, remedy): (&str, &str),
) -> Finding {
    Finding {
        code: code.to_owned(),
        severity,
        subject: subject.to_owned(),
        evidence: evidence.into(),
        effect: effect.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn time_assumed() -> Finding {
    finding(
        "import-time-assumed",
        Severity::Info,
        "",
        "the file does not say when it was measured",
        (
            "its place in a history is the time of the file, or the one given with `--at`",
            "give the time with `--at` where it matters",
        ),
    )
}

/// Reads a file with the limits of every import.
///
/// # Errors
///
/// [`ForeignError::TooLarge`] by its length alone, else [`ForeignError::File`].
pub fn read(path: &Path) -> Result<Vec<u8>, ForeignError> {
    super::input::read_file(path)
}

/// Reads a stream with the limits of every import.
///
/// # Errors
///
/// [`ForeignError::TooLarge`] once the limit is passed, else [`ForeignError::Stream`].
pub fn read_stream(stream: impl std::io::Read) -> Result<Vec<u8>, ForeignError> {
    super::input::read_stream(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_taken_out_of_names() {
        let check = |text: &str, expected: &str| assert_eq!(without_homes(text), expected);
        check("run /home/alice/bin/x --in /Users/alice", "run ~/bin/x --in ~");
        check("C:\\Users\\alice\\x.exe a", "~\\x.exe a");
        check("GET /api/users/7", "GET /api/users/7");
        check("/home/", "~");
    }

    fn gathered(values: &[f64]) -> Result<ForeignRun, usize> {
        let mut gatherer = Gatherer::new("s", None);
        for value in values {
            gatherer.state(named("t", "b").unwrap(), Metric::time(), (Statistic::Stated, *value), None);
        }
        gatherer.finish()
    }

    #[test]
    fn ids_depend_on_content_time_machine_and_nothing_else() {
        let id = |values: &[f64], at, machine: Option<&str>| {
            let filing = Filing { machine: machine.map(str::to_owned), at: Some(Timestamp(at)), recipe: 1 };
            gathered(values).unwrap().into_records("x", &filing).unwrap().remove(0).run.id
        };
        let base = id(&[1.0], 5_000, None);
        assert_eq!(base, id(&[1.0], 5_000, None));
        for other in [id(&[2.0], 5_000, None), id(&[1.0], 9_000, None), id(&[1.0], 5_000, Some("m"))] {
            assert_ne!(base, other);
        }
        let undated = gathered(&[1.0]).unwrap().into_records("x", &Filing::default());
        assert!(matches!(undated, Err(ForeignError::Undated)));
    }

    #[test]
    fn values_that_cannot_be_used_are_counted() {
        let run = gathered(&[1.0, 0.0, -1.0, f64::NAN, 2.0]).unwrap();
        assert_eq!(run.stated.len(), 2);
        assert_eq!(run.stated[1].benchmark.occurrence, 1);
        assert!(run.findings[0].evidence.starts_with("3 values are zero"), "{:?}", run.findings);
        assert_eq!(gathered(&[0.0]), Err(1));
    }

    #[test]
    fn names_are_limited() {
        assert!(named("t", &"x".repeat(MAX_NAME)).is_ok());
        assert!(matches!(
            named("t", &"x".repeat(MAX_NAME + 1)),
            Err(ForeignError::Limit { limit: MAX_NAME, .. })
        ));
    }

    #[test]
    fn moments_are_read_in_their_range() {
        assert_eq!(moment("2025-11-05T19:37:00-06:00"), Some(Timestamp(1_762_393_020_000_000)));
        assert_eq!(moment("yesterday"), None);
        assert_eq!(moment_of_millis(1_762_393_020_000), Some(Timestamp(1_762_393_020_000_000)));
        assert_eq!((moment_of_millis(i64::MAX), moment_of_millis(-1)), (None, None));
    }
}
