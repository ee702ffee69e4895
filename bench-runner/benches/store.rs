//! Costs of the store: writing a run of 200 benchmarks to a disk, reading it, one line of history, packing.
//!
//! The store already has one run, so that names are known as they are every night but the first.

#[path = "runs.rs"]
mod runs;
#[path = "support.rs"]
#[expect(dead_code, reason = "the paths of the table are for its test")]
mod support;

use std::cell::LazyCell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bench_runner::model::fact::Phase;
use bench_runner::model::ids::RunId;
use bench_runner::model::record::{RunRecord, SeriesKey};
use bench_runner::model::run::{Launch, LaunchStatus, Run, RunStatus};
use bench_runner::store::{OpenMode, RunEnd, Store, StoreError, pack, unpack};
use criterion::{BatchSize, Bencher};
use runs::{STARTED, Shape, record, sample, scratch};
use tempfile::TempDir;

/// The budgets' run: 200 benchmarks in one launch.
const SMALL: Shape = Shape { benchmarks: 200, launches: 1, observations: 100 };
const LARGE: Shape = Shape { benchmarks: 200, launches: 1, observations: 300 };
/// Runs behind the series query: 50 × 200 = 10 000 points, 50 of them in the series.
const HISTORY: u32 = 50;

fn open(path: &Path, mode: OpenMode) -> Store {
    Store::open(path, mode, STARTED).expect("the store opens").0
}

/// A run taken apart into the events of its measuring.
struct Events<'a> {
    record: &'a RunRecord,
    begun: Run,
    end: RunEnd,
}

impl<'a> Events<'a> {
    fn new(record: &'a RunRecord) -> Self {
        let run = &record.run;
        let (facts, at_end) = run.facts.iter().cloned().partition(|fact| fact.phase == Phase::Start);
        let begun =
            Run { status: RunStatus::Running, finished: None, launches: Vec::new(), facts, ..run.clone() };
        let end = RunEnd { status: run.status, finished: run.finished, facts: at_end, findings: Vec::new() };
        Self { record, begun, end }
    }

    /// Writes the run as `bench-runner run` does: one transaction per event, each on the disk before the next.
    fn write(&self, store: &mut Store) -> Result<(), StoreError> {
        let id = &self.begun.id;
        store.begin_run(&self.begun)?;
        for launch in &self.record.run.launches {
            store.add_launch(id, &Launch { status: LaunchStatus::Running, ..launch.clone() })?;
            for entry in self.record.measurements.iter().filter(|entry| entry.launch == launch.ordinal) {
                store.insert_measurement(id, launch.ordinal, &entry.measurement)?;
            }
            store.finish_launch(id, launch)?;
        }
        store.finish_run(id, &self.end)
    }
}

/// A closed store with one run, and the run to add.
struct Prepared {
    folder: TempDir,
    first: RunId,
    next: RunRecord,
}

impl Prepared {
    fn new(shape: Shape) -> Self {
        let (folder, first, next) = (scratch(), record(shape, 1), record(shape, 2));
        let prepared = Self { folder, first: first.run.id.clone(), next };
        open(&prepared.path(), OpenMode::ReadWrite).import_run(&first).expect("the run is stored");
        prepared.tell_size(shape);
        prepared
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("observatory.sqlite")
    }

    /// A copy of the store in a folder of its own, open for writing.
    fn copy(&self) -> (TempDir, Store) {
        let folder = scratch();
        let path = folder.path().join("observatory.sqlite");
        std::fs::copy(self.path(), &path).expect("the store is copied");
        (folder, open(&path, OpenMode::ReadWrite))
    }

    /// Says by how many bytes a run makes the file grow, on average over ten; a test of the store holds the budget on it.
    fn tell_size(&self, shape: Shape) {
        let (folder, mut store) = self.copy();
        for number in 2..=11 {
            store.import_run(&record(shape, number)).expect("the run is stored");
        }
        drop(store);
        let size = |path: &Path| path.metadata().expect("the store has a size").len();
        let grown = (size(&folder.path().join("observatory.sqlite")) - size(&self.path())) / 10;
        let line = format!("{} benchmarks × {} observations", shape.benchmarks, shape.observations);
        writeln!(std::io::stderr().lock(), "{line}: {grown} B on disk per run").expect("stderr is open");
    }
}

/// Measures a writer on one copy of the store after the other; closing the store is part of it.
fn writing<T>(
    bencher: &mut Bencher<'_>,
    prepared: &Prepared,
    write: impl Fn(&mut Store) -> Result<T, StoreError>,
) {
    let routine = |(folder, mut store): (TempDir, Store)| {
        let written = write(&mut store).expect("the run is stored");
        drop(store);
        // Handed out, so that removing the folder is not measured.
        (written, folder)
    };
    bencher.iter_batched(|| prepared.copy(), routine, BatchSize::PerIteration);
}

fn reading(bencher: &mut Bencher<'_>, prepared: &Prepared) {
    let store = open(&prepared.path(), OpenMode::ReadOnly);
    bencher.iter_with_large_drop(|| store.record(&prepared.first).expect("the run is read"));
}

/// A store with fifty runs, and one of its two hundred lines.
fn history() -> (TempDir, Store, SeriesKey) {
    let folder = scratch();
    let path = folder.path().join("observatory.sqlite");
    let mut store = open(&path, OpenMode::ReadWrite);
    for number in 0..HISTORY {
        store.import_run(&record(Shape { observations: 10, ..SMALL }, number)).expect("the run is stored");
    }
    let key = store.series(None).expect("the series are listed").swap_remove(100);
    (folder, open(&path, OpenMode::ReadOnly), key)
}

fn packing(bencher: &mut Bencher<'_>, observations: u64) {
    let sample = sample(observations, 17_309.0, 1);
    bencher.iter(|| pack(&sample));
}

fn unpacking(bencher: &mut Bencher<'_>, observations: u64) {
    let packed = pack(&sample(observations, 17_309.0, 1)).expect("a valid sample");
    bencher.iter(|| unpack(&packed));
}

fn main() {
    // Made when they are first needed: a filter or a listing needs none of them.
    let small = LazyCell::new(|| Prepared::new(SMALL));
    let large = LazyCell::new(|| Prepared::new(LARGE));
    let history = LazyCell::new(history);
    let storing = |bencher: &mut Bencher<'_>, prepared: &Prepared| {
        let events = Events::new(&prepared.next);
        writing(bencher, prepared, |store| events.write(store));
    };
    let importing = |bencher: &mut Bencher<'_>, prepared: &Prepared| {
        writing(bencher, prepared, |store| store.import_run(&prepared.next));
    };
    support::run("store", |bencher, id| match id {
        "store_run/200x100" => storing(bencher, &small),
        "store_run/200x300" => storing(bencher, &large),
        "import_run/200x100" => importing(bencher, &small),
        "import_run/200x300" => importing(bencher, &large),
        "read_run/200x100" => reading(bencher, &small),
        "read_run/200x300" => reading(bencher, &large),
        "series_points/50_of_10000" => {
            let (_, store, key) = &*history;
            bencher.iter(|| store.series_points(key));
        }
        "history/50_of_10000" => {
            let (_, store, key) = &*history;
            bencher.iter(|| store.history(key));
        }
        "pack/100" => packing(bencher, 100),
        "pack/300" => packing(bencher, 300),
        "unpack/100" => unpacking(bencher, 100),
        "unpack/300" => unpacking(bencher, 300),
        other => unreachable!("no code for {other}"),
    });
}
