//! One launch: one process of one bench executable, and the proof whether it delivered everything.
//!
//! A launch is complete when the bench greeted, every expected benchmark began, started and completed, the counts
//! agree, all totals are finite and above zero, the stream ended after the last group, and the exit code is 0.
//! Anything else is partial, with a reason and the names of what is missing. What to launch, when and how often is
//! decided by the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::build::BenchExecutable;
use super::capture::{Attempt, Captured, capture};
use super::files::{self, FileEntry, Limits};
use super::finding;
use super::inventory::Inventory;
use super::session::End;
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::measurement::Measurement;
use crate::model::run::{Capture, LaunchStatus};
use crate::process::{Cancel, ProcessError, Usage};

/// Longest filter argument in bytes; Linux refuses single arguments from 128 KiB on.
const FILTER_LIMIT: usize = 100 << 10;
/// Names listed in a reason before it says "and more".
const NAMES_SHOWN: usize = 3;

/// Something that happened during a launch.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The bench greeted.
    Connected {
        /// Criterion's version.
        version: String,
    },
    /// A benchmark warms up.
    Warmup {
        /// Which one.
        id: BenchmarkId,
        /// Planned length in nanoseconds.
        ns: f64,
    },
    /// A benchmark is measured.
    Measuring {
        /// Which one.
        id: BenchmarkId,
        /// Expected length in nanoseconds.
        estimate_ns: f64,
        /// Observations to come.
        sample_count: u64,
    },
    /// A benchmark was measured. Over a socket, the bench waits until this was dealt with.
    Measured(Box<Measurement>),
}

/// Wish of the receiver of events to end the launch, with the reason to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Why, for example `the store is full`.
    pub reason: String,
}

/// Settings passed on the command line; group-level settings in the bench's code beat them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LaunchSettings {
    /// Warm-up in seconds; `None` leaves the bench's own.
    pub warm_up_seconds: Option<f64>,
    /// Measurement time in seconds; `None` leaves the bench's own.
    pub measurement_seconds: Option<f64>,
    /// Observations; `None` leaves the bench's own. Criterion refuses less than 10.
    pub sample_size: Option<u32>,
}

/// What to launch.
#[derive(Debug)]
pub struct LaunchRequest<'a> {
    /// Executable whose `main` serves as guard: bench-runner itself.
    pub guard: &'a Path,
    /// The bench.
    pub bench: &'a BenchExecutable,
    /// Everything that this bench contains.
    pub inventory: &'a Inventory,
    /// What of it to run.
    pub selected: &'a [BenchmarkId],
    /// Settings.
    pub settings: LaunchSettings,
    /// How long the bench may be silent beyond the time that it announced.
    pub patience: Duration,
    /// Folder for short-lived files; it must exist.
    pub scratch: &'a Path,
    /// Whether to offer the socket; without it the files are read.
    pub socket: bool,
}

/// What came of a launch.
#[derive(Debug)]
pub struct LaunchOutcome {
    /// Complete or partial.
    pub status: LaunchStatus,
    /// Why it is partial.
    pub reason: Option<String>,
    /// How it was captured; `None` when nothing was.
    pub capture: Option<Capture>,
    /// Criterion's version as the bench greeted.
    pub harness_version: Option<String>,
    /// Exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// Signal that ended it, on Unix.
    pub signal: Option<i32>,
    /// Wall-clock time of the process.
    pub elapsed: Duration,
    /// What the process used; `None` where the system does not tell.
    pub usage: Option<Usage>,
    /// What was handed on as measured, in order.
    pub measured: Vec<BenchmarkId>,
    /// What was selected and not measured, as the inventory names it.
    pub missing: Vec<BenchmarkId>,
    /// Doubts.
    pub findings: Vec<Finding>,
    /// End of standard output, for people; it may name paths and must not be stored.
    pub stdout_tail: String,
    /// End of standard error, for people; it may name paths and must not be stored.
    pub stderr_tail: String,
}

/// Why a launch could not even be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The bench could not be started.
    #[error("cannot launch a bench")]
    Process(#[from] ProcessError),
    /// No socket can be opened.
    #[error("cannot listen on the loopback interface")]
    Listen {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No short-lived folder can be made.
    #[error("cannot create a folder in {}", path.display())]
    Scratch {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The names of the selected benchmarks do not fit into one argument.
    #[error("the names of {count} selected benchmarks take {bytes} bytes, more than an argument may have")]
    SelectionTooLong {
        /// Benchmarks selected.
        count: usize,
        /// Length of the filter in bytes.
        bytes: usize,
    },
}

impl LaunchError {
    /// What the user can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Process(error) => error.hint(),
            Self::Listen { .. } => Some("allow connections on 127.0.0.1 for this user".to_owned()),
            Self::Scratch { path, .. } => Some(format!("check space and permissions of {}", path.display())),
            Self::SelectionTooLong { .. } => {
                Some("select whole bench targets instead of single names".to_owned())
            }
        }
    }
}

/// Runs one launch to its end and judges it.
///
/// # Errors
/// When it could not be tried. Everything that happens afterwards is an outcome.
pub fn launch(
    request: &LaunchRequest<'_>,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event) -> Result<(), Stop>,
) -> Result<LaunchOutcome, LaunchError> {
    let scratch = |source| LaunchError::Scratch { path: request.scratch.to_owned(), source };
    let home = tempfile::Builder::new().prefix("criterion-").tempdir_in(request.scratch).map_err(scratch)?;
    let args = arguments(request)?;
    let attempt = Attempt {
        guard: request.guard,
        bench: request.bench,
        args,
        home: home.path(),
        socket: request.socket,
        patience: request.patience,
        allowance: request.patience.saturating_add(silent_span(request.settings)),
        probe: false,
    };
    let mut captured = capture(&attempt, cancel, on_event)?;
    let mut notes = Vec::new();
    if let Some(hello) = captured.hello.take_if(|hello| !hello.is_supported()) {
        notes.push(unsupported(&hello.version_text(), hello.protocol, hello.format));
        captured = capture(&Attempt { socket: false, ..attempt }, cancel, on_event)?;
    }
    let read = read_files(request, &mut captured, home.path(), on_event);
    notes.append(&mut captured.books.findings);
    Ok(judge(request, captured, read, notes))
}

fn unsupported(version: &str, protocol: u16, format: u16) -> Finding {
    let evidence =
        format!("Criterion {version} speaks protocol {protocol} in format {format}; known is 1 in 1");
    let words =
        ("its files were read instead: settings and units are unknown", "check for a newer bench-runner");
    finding("protocol-unknown", Severity::Warning, "", evidence, words)
}

/// Longest time without any output that is normal for one benchmark of a bench that does not connect.
fn silent_span(settings: LaunchSettings) -> Duration {
    let seconds = settings.warm_up_seconds.unwrap_or(3.0) + settings.measurement_seconds.unwrap_or(5.0);
    Duration::try_from_secs_f64(3.0 * seconds).unwrap_or_default()
}

fn arguments(request: &LaunchRequest<'_>) -> Result<Vec<OsString>, LaunchError> {
    // Without a socket Criterion analyses and plots: both are kept as small as it allows, the sample is what counts.
    let mut args: Vec<OsString> = ["--bench", "--noplot", "--nresamples", "1001"].map(OsString::from).into();
    let mut flag = |name: &str, value: Option<String>| {
        args.extend(value.into_iter().flat_map(|value| [OsString::from(name), OsString::from(value)]));
    };
    flag("--warm-up-time", request.settings.warm_up_seconds.map(|seconds| seconds.to_string()));
    flag("--measurement-time", request.settings.measurement_seconds.map(|seconds| seconds.to_string()));
    flag("--sample-size", request.settings.sample_size.map(|size| size.to_string()));
    if let Some(filter) = request.inventory.filter(request.selected) {
        if filter.len() > FILTER_LIMIT {
            let count = request.selected.len();
            return Err(LaunchError::SelectionTooLong { count, bytes: filter.len() });
        }
        args.push(filter.into());
    }
    Ok(args)
}

/// What was read from files, when the bench did not connect.
#[derive(Debug, Default)]
struct Read {
    measured: Vec<BenchmarkId>,
    findings: Vec<Finding>,
    stopped: Option<Stop>,
}

fn read_files(
    request: &LaunchRequest<'_>,
    captured: &mut Captured,
    home: &Path,
    on_event: &mut dyn FnMut(Event) -> Result<(), Stop>,
) -> Read {
    let mut read = Read::default();
    if captured.hello.is_some() {
        return read;
    }
    let scan = match files::scan(home, "new", &Limits::default()) {
        Ok(scan) => scan,
        // The error names a path, which must not be stored.
        Err(_) => {
            let evidence = "the folder of the results cannot be read";
            let words = ("nothing could be read", "check the permissions of the temporary folder");
            read.findings.push(finding("result-torn", Severity::Blocking, "", evidence, words));
            return read;
        }
    };
    read.findings = scan.findings;
    let names = (&request.bench.executable.package, &request.bench.executable.target);
    let mut occurrences = BTreeMap::new();
    let mut assumed = 0;
    for entry in scan.entries {
        assumed += usize::from(!entry.unit_known);
        let measurement = into_measurement(entry, names.0, names.1, &mut occurrences);
        let id = measurement.benchmark.clone();
        if let Err(stop) = on_event(Event::Measured(Box::new(measurement))) {
            read.stopped = Some(stop);
            return read;
        }
        read.measured.push(id);
    }
    if assumed > 0 {
        read.findings.push(unit_assumed(assumed));
    }
    read
}

/// The finding about files that do not name their unit.
pub(super) fn unit_assumed(count: usize) -> Finding {
    let evidence = format!("the files of {count} benchmarks do not name a unit; nanoseconds are assumed");
    let words =
        ("a custom measurement would be mistaken for time", "none, unless a bench uses a custom measurement");
    finding("unit-assumed", Severity::Info, "", evidence, words)
}

/// A result read from files as a measurement; equal ids are numbered in order of appearance.
pub(super) fn into_measurement(
    entry: FileEntry,
    package: &str,
    target: &str,
    occurrences: &mut BTreeMap<BenchmarkId, u32>,
) -> Measurement {
    let mut benchmark = BenchmarkId {
        package: package.to_owned(),
        target: target.to_owned(),
        group: entry.group,
        function: entry.function,
        value: entry.value,
        occurrence: 0,
    };
    let count = occurrences.entry(benchmark.clone()).or_insert(0);
    benchmark.occurrence = *count;
    *count += 1;
    Measurement {
        benchmark,
        metric: entry.metric,
        throughput: entry.throughput,
        sampling: entry.sampling,
        settings: None,
        sample: entry.sample,
    }
}

/// The proof of completeness.
fn judge(request: &LaunchRequest<'_>, captured: Captured, read: Read, notes: Vec<Finding>) -> LaunchOutcome {
    let measured = if captured.hello.is_some() { captured.books.measured.clone() } else { read.measured };
    let missing = request.inventory.missing(request.selected, &measured);
    let mut findings = notes;
    findings.extend(read.findings);
    findings.extend(leftovers(&captured));
    findings.extend(unexpected(request, &measured));
    let stopped = match &captured.end {
        Some(End::Stopped(stop)) => Some(stop.reason.clone()),
        _ => read.stopped.map(|stop| stop.reason),
    };
    let mut reasons: Vec<String> =
        stopped.or_else(|| disturbance(&captured, &measured)).into_iter().collect();
    if !missing.is_empty() {
        reasons.push(missing_words(&missing, request.selected.len()));
    }
    if measured.is_empty() && missing.is_empty() {
        reasons.push("nothing was measured".to_owned());
    }
    if !request.inventory.complete {
        reasons.push("nobody knows whether that is all: the inventory is incomplete".to_owned());
    }
    // A refused measurement that nobody asked for is still a defect of this launch.
    if missing.is_empty() && !captured.books.refused.is_empty() {
        reasons.push("a measurement was refused".to_owned());
    }
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    for id in &missing {
        findings.push(missing_finding(id, reason.as_deref().unwrap_or_default(), &captured));
    }
    let capture = match (captured.hello.is_some(), measured.is_empty()) {
        (true, _) => Some(Capture::Socket),
        (false, false) => Some(Capture::Files),
        (false, true) => None,
    };
    LaunchOutcome {
        status: if reason.is_none() { LaunchStatus::Complete } else { LaunchStatus::Partial },
        reason,
        capture,
        harness_version: captured.hello.map(|hello| hello.version_text()),
        exit_code: captured.ended.code,
        signal: captured.ended.signal,
        elapsed: captured.ended.elapsed,
        usage: captured.ended.usage,
        measured,
        missing,
        findings,
        stdout_tail: captured.stdout,
        stderr_tail: captured.stderr,
    }
}

/// The first thing that went wrong with the process or its connection.
fn disturbance(captured: &Captured, measured: &[BenchmarkId]) -> Option<String> {
    if captured.cancelled && captured.ended.code != Some(0) {
        return Some("cancelled".to_owned());
    }
    if let Some(hung) = &captured.hung {
        return Some(format!("hung: {hung}"));
    }
    let inside = inside(captured).map(|place| format!(" {place}")).unwrap_or_default();
    // A stream that carried nonsense made us kill the bench: the nonsense is the cause.
    match &captured.end {
        Some(End::Failed(error)) if !matches!(error, super::socket::SocketError::Truncated) => {
            return Some(error.to_string());
        }
        _ => {}
    }
    match (captured.ended.code, captured.ended.signal) {
        (Some(0), _) => {}
        (Some(101), _) => return Some(format!("it panicked (exit code 101){inside}")),
        (Some(code), _) => return Some(format!("exit code {code}{inside}")),
        // A bench that hangs up inside a message is killed for it, or ends first: the same thing happened to it.
        (None, Some(signal)) if matches!(&captured.end, Some(End::Failed(_))) => {
            return Some(format!("the connection ended inside a message{inside}, killed by signal {signal}"));
        }
        (None, Some(signal)) => return Some(format!("killed by signal {signal}{inside}")),
        (None, None) => return Some(format!("it ended without an exit code{inside}")),
    }
    if let Some(End::Failed(error)) = &captured.end {
        return Some(format!("{error}{inside}"));
    }
    if captured.hello.is_none() && measured.is_empty() {
        return Some("it exited with code 0 but neither connected nor wrote results".to_owned());
    }
    (!inside.is_empty()).then(|| format!("it exited with code 0{inside}"))
}

/// Where the bench was when it ended, if it was in the middle of something.
fn inside(captured: &Captured) -> Option<String> {
    let benchmark = captured.books.unfinished().map(|id| format!("inside the benchmark {id}"));
    benchmark.or_else(|| captured.books.open_group.as_ref().map(|group| format!("inside the group {group}")))
}

fn missing_words(missing: &[BenchmarkId], selected: usize) -> String {
    let names: Vec<String> = missing.iter().take(NAMES_SHOWN).map(ToString::to_string).collect();
    let more = match missing.len().saturating_sub(NAMES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} of {selected} benchmarks missing: {}{more}", missing.len(), names.join(", "))
}

fn missing_finding(id: &BenchmarkId, reason: &str, captured: &Captured) -> Finding {
    let refused = captured.books.refused.get(id);
    let evidence = refused.map_or_else(|| reason.to_owned(), |problem| format!("it was refused: {problem}"));
    let words =
        ("the launch is partial and its run not eligible for a gate", "mend the benchmark and run again");
    finding("benchmark-missing", Severity::Blocking, id.to_string(), evidence, words)
}

fn leftovers(captured: &Captured) -> Vec<Finding> {
    // A process that we killed had no chance to tidy up.
    let own_end = captured.ended.code.is_some();
    let evidence = match (captured.held_open, captured.ended.left_processes && own_end) {
        (true, _) => "a process started by the bench kept the connection open after the bench ended",
        (false, true) => "the bench ended and left processes behind, which were killed",
        (false, false) => return Vec::new(),
    };
    let words = (
        "such a process may have used the CPU while others were measured",
        "end child processes in the bench",
    );
    vec![finding("bench-left-process", Severity::Warning, "", evidence, words)]
}

fn unexpected(request: &LaunchRequest<'_>, measured: &[BenchmarkId]) -> Vec<Finding> {
    let known: BTreeSet<String> = request.inventory.names();
    let words =
        ("it is missing in other launches", "make the set of benchmarks independent of time and environment");
    let surprising = measured.iter().filter(|id| !known.contains(&request.inventory.name_of(id)));
    let evidence = "it was measured but is not in the inventory of the same executable";
    surprising
        .map(|id| finding("benchmark-unexpected", Severity::Warning, id.to_string(), evidence, words))
        .collect()
}
