//! Builds the fixture suites once and plays their scenarios.
//!
//! Not a test itself. The suites are workspaces of their own below `tests/fixtures/suites`.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use bench_runner::criterion::build::{BenchExecutable, Build, BuildError, BuildRequest, build};
use bench_runner::criterion::inventory::{Inventory, InventoryRequest, inventory};
use bench_runner::criterion::launch::{Event, LaunchOutcome, LaunchRequest, LaunchSettings, Stop, launch};
use bench_runner::model::ids::BenchmarkId;
use bench_runner::model::measurement::Measurement;
use bench_runner::process::{Cancel, SystemRunner};

/// Long enough for a busy machine, short enough for a test that hangs by mistake.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// The executable that serves as guard.
pub(crate) fn guard() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_bench-runner"))
}

/// A folder of this test binary in the target directory.
pub(crate) fn scratch() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scratch");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What builds a fixture suite.
pub(crate) fn request(suite: &str, packages: &[&str]) -> BuildRequest {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/suites").join(suite);
    BuildRequest {
        packages: packages.iter().map(|&package| package.to_owned()).collect(),
        locked: true,
        target_directory: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites").join(suite)),
        ..BuildRequest::new(folder)
    }
}

pub(crate) fn built(request: &BuildRequest) -> Result<Build, BuildError> {
    build(request, &SystemRunner, &Cancel::new(), &mut |_| {})
}

/// One bench of a suite, built once per test run.
pub(crate) fn bench(target: &str) -> BenchExecutable {
    static CURRENT: OnceLock<Build> = OnceLock::new();
    static OLDER: OnceLock<Build> = OnceLock::new();
    let build = match target {
        "older" => OLDER.get_or_init(|| built(&request("older", &[])).unwrap()),
        _ => CURRENT.get_or_init(|| built(&request("current", &["suite", "plain"])).unwrap()),
    };
    build.executables.iter().find(|bench| bench.executable.target == target).unwrap().clone()
}

/// The bench `target` set to misbehave as `scenario` says.
pub(crate) fn misbehaving(target: &str, scenario: &str) -> BenchExecutable {
    let mut bench = bench(target);
    bench.environment.insert("SCENARIO".into(), scenario.into());
    bench
}

pub(crate) fn ask(bench: &BenchExecutable) -> Inventory {
    let request = InventoryRequest { guard: guard(), bench, patience: PATIENT, scratch: &scratch() };
    inventory(request, &Cancel::new()).unwrap()
}

/// One launch of a scenario and everything it said.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) inventory: Inventory,
    pub(crate) outcome: LaunchOutcome,
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) events: Vec<&'static str>,
}

impl Played {
    pub(crate) fn reason(&self) -> &str {
        self.outcome.reason.as_deref().unwrap_or_default()
    }

    pub(crate) fn codes(&self) -> Vec<&str> {
        self.outcome.findings.iter().map(|finding| finding.code.as_str()).collect()
    }

    pub(crate) fn measured(&self) -> Vec<String> {
        self.outcome.measured.iter().map(name).collect()
    }

    pub(crate) fn missing(&self) -> Vec<String> {
        self.outcome.missing.iter().map(name).collect()
    }
}

/// Full id and occurrence.
pub(crate) fn name(id: &BenchmarkId) -> String {
    let occurrence = if id.occurrence > 0 { format!("#{}", id.occurrence + 1) } else { String::new() };
    id.full_id() + &occurrence
}

/// How to play.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) patience: Duration,
    pub(crate) cancel: Cancel,
    /// Called with each kind of event; may pull the handle or stop.
    pub(crate) react: fn(&Cancel, &'static str) -> Result<(), Stop>,
    /// Names to select; empty means all.
    pub(crate) only: Vec<&'static str>,
}

impl Default for Play {
    fn default() -> Self {
        Self { patience: PATIENT, cancel: Cancel::new(), react: |_, _| Ok(()), only: Vec::new() }
    }
}

/// Asks a bench what it contains, then runs it with short settings.
pub(crate) fn play(bench: &BenchExecutable, play: &Play) -> Played {
    let inventory = ask(bench);
    let chosen = |id: &&BenchmarkId| play.only.is_empty() || play.only.contains(&name(id).as_str());
    let selected: Vec<BenchmarkId> = inventory.ids.iter().filter(chosen).cloned().collect();
    let settings = LaunchSettings {
        warm_up_seconds: Some(0.01),
        measurement_seconds: Some(0.02),
        sample_size: Some(10),
    };
    let request = LaunchRequest {
        guard: guard(),
        bench,
        inventory: &inventory,
        selected: &selected,
        settings,
        patience: play.patience,
        scratch: &scratch(),
        socket: true,
    };
    let (mut measurements, mut events) = (Vec::new(), Vec::new());
    let outcome = launch(&request, &play.cancel, &mut |event| {
        let kind = match &event {
            Event::Connected { .. } => "connected",
            Event::Warmup { .. } => "warm-up",
            Event::Measuring { .. } => "measuring",
            Event::Measured(_) => "measured",
        };
        events.push(kind);
        if let Event::Measured(measurement) = event {
            measurements.push(*measurement);
        }
        (play.react)(&play.cancel, kind)
    });
    Played { outcome: outcome.unwrap(), inventory, measurements, events }
}

/// The environment as far as the tests set it.
pub(crate) fn variables(pairs: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
    pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}
