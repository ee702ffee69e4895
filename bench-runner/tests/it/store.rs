//! Stores and processes: kills, two writers, folders without write permission, the dump of the first schema.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bench_runner::clock;
use bench_runner::exchange::{bundle, summary};
use bench_runner::model::ids::{BenchmarkId, Digest, Identity, RunId};
use bench_runner::model::measurement::{Measurement, Observation, SamplingMode};
use bench_runner::model::run::{Capture, Launch, LaunchStatus, Run, RunKind, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};
use bench_runner::store::{Imported, OpenMode, RunEnd, RunFilter, Store, StoreError};

/// Names the store that a child process of these tests writes to.
const CHILD_STORE: &str = "BENCH_RUNNER_TEST_STORE";
/// How many measurements a child takes; without it, it goes on until it is killed.
const CHILD_MEASUREMENTS: &str = "BENCH_RUNNER_TEST_MEASUREMENTS";

const NOW: Timestamp = Timestamp(1_780_000_000_000_000);

fn founding() -> summary::Summary {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    summary::read(&root.join("data/founding/november-5.json")).unwrap()
}

fn run(id: RunId) -> Run {
    Run {
        id,
        kind: RunKind::Measured,
        status: RunStatus::Running,
        started: NOW,
        finished: None,
        suite: "kms".to_owned(),
        title: None,
        identity: Identity {
            recipe: 1,
            hw_class: "x86_64/test/2c2t/4g".to_owned(),
            machine: "0123456789abcdef".to_owned(),
            label: None,
            config: "governor=?".to_owned(),
            build: "rustc 1.95.0".to_owned(),
        },
        plan: None,
        inventory: (0..3).map(benchmark).collect(),
        facts: Vec::new(),
        executables: Vec::new(),
        launches: Vec::new(),
        findings: Vec::new(),
    }
}

fn benchmark(number: u64) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: "sign_bench".to_owned(),
        group: "sign".to_owned(),
        function: None,
        value: Some(number.to_string()),
        occurrence: 0,
    }
}

fn launch(status: LaunchStatus) -> Launch {
    Launch {
        ordinal: 0,
        round: 0,
        executable: Digest([1; 32]),
        package: "kms".to_owned(),
        target: "sign_bench".to_owned(),
        status,
        capture: Some(Capture::Socket),
        reason: None,
        harness_version: None,
        started: NOW,
        elapsed_seconds: 1.0,
        exit_code: None,
        covariates: None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn measurement(number: u64) -> Measurement {
    Measurement {
        benchmark: benchmark(number),
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(1)],
        sampling: SamplingMode::Linear,
        settings: None,
        sample: (1..=100)
            .map(|i| Observation { iterations: i * 57, total: (i * 57 * 17_309 + number * i % 1013) as f64 })
            .collect(),
    }
}

fn open(path: &Path) -> Store {
    Store::open(path, OpenMode::ReadWrite, NOW).unwrap().0
}

/// What a child process does; run by itself as a test it does nothing.
#[test]
fn child_process_measures() {
    let Some(path) = std::env::var_os(CHILD_STORE) else { return };
    let wanted: Option<u64> =
        std::env::var_os(CHILD_MEASUREMENTS).map(|text| text.to_str().unwrap().parse().unwrap());
    let mut store = open(Path::new(&path));
    let id = clock::new_run_id(clock::now());
    store.begin_run(&run(id.clone())).unwrap();
    store.add_launch(&id, &launch(LaunchStatus::Running)).unwrap();
    for number in 0..wanted.unwrap_or(u64::MAX) {
        store.insert_measurement(&id, 0, &measurement(number)).unwrap();
    }
    store.finish_launch(&id, &launch(LaunchStatus::Complete)).unwrap();
    let end =
        RunEnd { status: RunStatus::Complete, finished: Some(NOW), facts: Vec::new(), findings: Vec::new() };
    store.finish_run(&id, &end).unwrap();
}

/// Starts this test program again as a measuring process.
#[expect(clippy::disallowed_methods, reason = "the child must be a real process that can be killed")]
fn start_child(store: &Path, measurements: Option<u64>) -> Child {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::child_process_measures"]).env(CHILD_STORE, store);
    if let Some(count) = measurements {
        command.env(CHILD_MEASUREMENTS, count.to_string());
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until the run that `seen` does not know has at least `count` measurements.
fn wait_for_measurements(store: &Store, seen: &BTreeSet<RunId>, count: u32) -> RunId {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let runs = store.runs(&RunFilter::default(), 100).unwrap();
        if let Some(new) = runs.into_iter().find(|run| !seen.contains(&run.id) && run.benchmarks >= count) {
            return new.id;
        }
        assert!(Instant::now() < deadline, "the child stored nothing");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn kills_leave_a_whole_store_and_a_partial_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("observatory.sqlite");
    let record = founding().record;
    let mut store = open(&path);
    store.import_run(&record).unwrap();
    let mut seen = BTreeSet::from([record.run.id.clone()]);
    for count in [1, 2, 5, 11] {
        let mut child = start_child(&path, None);
        let id = wait_for_measurements(&store, &seen, count);
        child.kill().unwrap();
        child.wait().unwrap();
        drop(store);
        let (reopened, opened) = Store::open(&path, OpenMode::ReadWrite, NOW).unwrap();
        store = reopened;
        assert_eq!(opened.recovered, std::slice::from_ref(&id));
        let killed = store.run(&id).unwrap();
        assert_eq!(killed.status, RunStatus::Partial);
        assert_eq!(killed.launches[0].status, LaunchStatus::Partial);
        assert!(killed.findings.iter().any(|finding| finding.code == "run-interrupted"));
        let stored = store.measurements(&id).unwrap();
        assert!(stored.len() >= count as usize);
        for (number, entry) in (0..).zip(&stored) {
            assert_eq!(entry.measurement, measurement(number));
        }
        seen.insert(id);
        for id in &seen {
            assert_eq!(store.verify(id).unwrap(), Vec::<String>::new(), "{id}");
        }
        assert_eq!(store.record(&record.run.id).unwrap(), record);
    }
}

#[test]
fn two_processes_measure_into_one_store() {
    let folder = tempfile::tempdir().unwrap();
    // Neither finds a store: they also create it at the same time.
    let path = folder.path().join("data/observatory.sqlite");
    let mut children = [start_child(&path, Some(60)), start_child(&path, Some(60))];
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let (store, opened) = Store::open(&path, OpenMode::ReadWrite, NOW).unwrap();
    assert_eq!(opened.recovered, []);
    let runs = store.runs(&RunFilter::default(), 10).unwrap();
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!((run.status, run.benchmarks), (RunStatus::Complete, 60));
        assert_eq!(store.verify(&run.id).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn two_threads_of_one_process_measure_into_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("observatory.sqlite");
    let work = |path: PathBuf| {
        let mut store = open(&path);
        let id = clock::new_run_id(NOW);
        store.begin_run(&run(id.clone())).unwrap();
        store.add_launch(&id, &launch(LaunchStatus::Complete)).unwrap();
        for number in 0..30 {
            store.insert_measurement(&id, 0, &measurement(number)).unwrap();
        }
        let end =
            RunEnd { status: RunStatus::Complete, finished: None, facts: Vec::new(), findings: Vec::new() };
        store.finish_run(&id, &end).unwrap();
        id
    };
    let ids = std::thread::scope(|scope| {
        let threads = [0, 1].map(|_| scope.spawn(|| work(path.clone())));
        threads.map(|thread| thread.join().unwrap())
    });
    let store = open(&path);
    for id in ids {
        assert_eq!(store.measurements(&id).unwrap().len(), 30);
    }
}

#[test]
fn bundles_carry_runs_between_stores() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = open(&folder.path().join("a.sqlite"));
    let mut target = open(&folder.path().join("b.sqlite"));
    let id = clock::new_run_id(NOW);
    source.begin_run(&run(id.clone())).unwrap();
    source.add_launch(&id, &launch(LaunchStatus::Complete)).unwrap();
    for number in 0..5 {
        source.insert_measurement(&id, 0, &measurement(number)).unwrap();
    }
    let end = RunEnd { status: RunStatus::Complete, finished: None, facts: Vec::new(), findings: Vec::new() };
    source.finish_run(&id, &end).unwrap();
    for record in [source.record(&id).unwrap(), founding().record] {
        let path = folder.path().join(bundle::file_name(&record.run.id));
        bundle::write(&path, &record).unwrap();
        let read = bundle::read(&path).unwrap();
        assert_eq!(target.import_run(&read).unwrap(), Imported::Added);
        assert_eq!(target.import_run(&read).unwrap(), Imported::AlreadyThere);
        let again = bundle::to_bytes(&target.record(&record.run.id).unwrap()).unwrap();
        assert_eq!(again, std::fs::read(&path).unwrap());
    }
    assert_eq!(target.digests(&id).unwrap(), source.digests(&id).unwrap());
}

#[test]
fn the_founding_record_is_imported_once() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let founding = founding();
    for expected in [Imported::Added, Imported::AlreadyThere] {
        assert_eq!(store.import_run(&founding.record).unwrap(), expected);
        for alias in &founding.aliases {
            assert_eq!(store.add_alias(alias).unwrap(), expected == Imported::Added);
        }
        for note in &founding.annotations {
            assert_eq!(store.annotate(note).unwrap(), expected == Imported::Added);
        }
    }
    assert_eq!(store.resolve("latest").unwrap(), founding.record.run.id);
    assert_eq!(store.resolve("November5").unwrap_err().to_string(), "no run is called `November5`");
    assert_eq!(store.resolve("n0vember5").unwrap(), founding.record.run.id);
}

/// Runs `work` without root's right to ignore file modes, so that the test means the same for every user.
#[cfg(target_os = "linux")]
fn as_ordinary_user(work: impl FnOnce() + Send) {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    std::thread::scope(|scope| {
        // Capabilities belong to threads: the rest of the process keeps them.
        scope
            .spawn(|| {
                let mut sets = capabilities(None).unwrap();
                let override_modes = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
                sets.effective.remove(override_modes);
                sets.permitted.remove(override_modes);
                set_capabilities(None, sets).unwrap();
                work();
            })
            .join()
            .unwrap();
    });
}

#[cfg(all(unix, not(target_os = "linux")))]
fn as_ordinary_user(work: impl FnOnce() + Send) {
    work();
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn read_only_folders_can_be_read_and_say_that_they_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("read only # ä%20?");
    let path = place.join("observatory.sqlite");
    let record = founding().record;
    open(&path).import_run(&record).unwrap();
    set_mode(&path, 0o444);
    set_mode(&place, 0o555);
    as_ordinary_user(|| {
        let (store, _) = Store::open(&path, OpenMode::ReadOnly, NOW).unwrap();
        assert_eq!(store.record(&record.run.id).unwrap(), record);
        let error = Store::open(&path, OpenMode::ReadWrite, NOW).unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("writable"));
        let new = Store::open(&place.join("new.sqlite"), OpenMode::ReadWrite, NOW).unwrap_err();
        assert!(matches!(new, StoreError::CannotOpen { .. } | StoreError::ReadOnly { .. }), "{new:?}");
        assert!(new.hint().is_some());
        let below = Store::open(&place.join("below/new.sqlite"), OpenMode::ReadWrite, NOW).unwrap_err();
        assert!(matches!(below, StoreError::Beside { .. }), "{below:?}");
    });
    // The file alone may be written: its journal still cannot be made.
    set_mode(&path, 0o644);
    as_ordinary_user(|| {
        let error = Store::open(&path, OpenMode::ReadWrite, NOW).unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. }), "{error:?}");
        assert!(error.hint().is_some());
    });
    set_mode(&place, 0o755);
    assert_eq!(open(&path).record(&record.run.id).unwrap(), record);
}

#[cfg(unix)]
#[test]
fn a_log_that_nobody_can_merge_is_not_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("copy");
    std::fs::create_dir(&place).unwrap();
    let original = folder.path().join("observatory.sqlite");
    let path = place.join("observatory.sqlite");
    let record = founding().record;
    let mut store = open(&original);
    store.import_run(&record).unwrap();
    // A copy of the file and its log while the store is open, without the shared index.
    for suffix in ["", "-wal"] {
        let name = format!("observatory.sqlite{suffix}");
        std::fs::copy(folder.path().join(&name), place.join(&name)).unwrap();
    }
    set_mode(&place, 0o555);
    as_ordinary_user(|| {
        let error = Store::open(&path, OpenMode::ReadOnly, NOW).unwrap_err();
        assert!(matches!(error, StoreError::UnmergedLog { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("-wal"));
    });
    set_mode(&place, 0o755);
    assert_eq!(open(&path).record(&record.run.id).unwrap(), record);
}

#[test]
fn reading_needs_no_write_and_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("observatory.sqlite");
    let record = founding().record;
    open(&path).import_run(&record).unwrap();
    let (mut store, _) = Store::open(&path, OpenMode::ReadOnly, NOW).unwrap();
    let error = store.begin_run(&run(clock::new_run_id(NOW))).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert_eq!(store.record(&record.run.id).unwrap(), record);
}

/// The dump of a store as the first schema wrote it; every later version must read it.
const FIRST_DUMP: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stores/schema-1.sql"));

#[test]
fn stores_of_the_first_schema_open_and_keep_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("observatory.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch(FIRST_DUMP).unwrap();
    let (store, opened) = Store::open(&path, OpenMode::ReadWrite, NOW).unwrap();
    assert!(!opened.created);
    assert_eq!(store.runs(&RunFilter::default(), 10).unwrap().len(), 2);
    let summary = store.record(&founding().record.run.id).unwrap();
    assert_eq!(summary.stated.len(), 7);
    let measured = store.resolve("latest").unwrap();
    let samples = store.measurements(&measured).unwrap();
    assert_eq!(samples.len(), 3);
    for (number, entry) in (0..).zip(&samples) {
        assert_eq!(entry.measurement, measurement(number));
    }
    for run in store.runs(&RunFilter::default(), 10).unwrap() {
        assert_eq!(store.verify(&run.id).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn released_migrations_do_not_change() {
    let objects = |path: &Path| -> Vec<String> {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let dumped = folder.path().join("dumped.sqlite");
    let made = folder.path().join("made.sqlite");
    rusqlite::Connection::open(&dumped).unwrap().execute_batch(FIRST_DUMP).unwrap();
    let first = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/0001-first.sql"));
    rusqlite::Connection::open(&made).unwrap().execute_batch(first).unwrap();
    assert_eq!(objects(&dumped), objects(&made), "migration 1 was released: write a new one instead");
}
