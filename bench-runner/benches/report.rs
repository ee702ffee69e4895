//! Cost of reports: one stored run of 112 benchmarks up to its two files, writing alone, and the small pages that people
//! read.

#[path = "../tests/it/report_fixture.rs"]
mod report_fixture;
#[path = "runs.rs"]
mod runs;
#[path = "support.rs"]
#[expect(dead_code, reason = "the paths of the table are for its test")]
mod support;

use bench_runner::analysis::compare::{STANDARD, Side};
use bench_runner::analysis::curve::CurveHints;
use bench_runner::analysis::report_assembly::{AssemblyInput, assemble, results};
use bench_runner::model::estimate::BenchmarkResult;
use bench_runner::model::ids::RunId;
use bench_runner::model::measurement::Measurement;
use bench_runner::model::record::RunRecord;
use bench_runner::model::report::RunReport;
use bench_runner::model::run::Run;
use bench_runner::report::{self, ReportError};
use bench_runner::store::{OpenMode, Store};
use criterion::Bencher;
use runs::{STARTED, Shape, record, scratch};
use tempfile::TempDir;

/// The budget's run in the standard profile.
const STANDARD_RUN: Shape = Shape { benchmarks: 112, launches: 12, observations: 20 };

/// A run as the analysis wants it.
struct Loaded {
    run: Run,
    measurements: Vec<(u32, Measurement)>,
}

impl Loaded {
    fn new(record: RunRecord) -> Self {
        let measurements = record.measurements.into_iter();
        Self {
            run: record.run,
            measurements: measurements.map(|entry| (entry.launch, entry.measurement)).collect(),
        }
    }
}

/// What `bench-runner report` computes once both runs are read: estimates of both, comparison, knobs.
fn decide(this: &Loaded, previous: &Loaded) -> RunReport {
    let earlier: Vec<BenchmarkResult> = results(&previous.run, &previous.measurements, &[]);
    assemble(AssemblyInput {
        run: &this.run,
        measurements: &this.measurements,
        stated: &[],
        previous: Some(Side { run: &previous.run, results: &earlier }),
        budgets: &[],
        descriptions: &[],
        hints: &CurveHints::default(),
        compare: &STANDARD,
        reproduce: "bench-runner report",
    })
}

fn write(made: &RunReport) -> Result<(String, String), ReportError> {
    Ok((report::markdown(made)?, report::html(made)?))
}

/// A store with two comparable runs, and the id of the later one.
fn store() -> (TempDir, Store, RunId) {
    let folder = scratch();
    let path = folder.path().join("observatory.sqlite");
    let mut store = Store::open(&path, OpenMode::ReadWrite, STARTED).expect("the store opens").0;
    for number in 1..=2 {
        store.import_run(&record(STANDARD_RUN, number)).expect("the run is stored");
    }
    let latest = store.resolve("latest").expect("there is a run");
    (folder, Store::open(&path, OpenMode::ReadOnly, STARTED).expect("the store opens").0, latest)
}

/// Everything between a run id and the two texts.
fn from_store(store: &Store, id: &RunId) -> (String, String) {
    let read = |id: &RunId| Loaded::new(store.record(id).expect("the run is read"));
    let previous = store.previous_comparable(id).expect("the store is read").expect("there is one before");
    write(&decide(&read(id), &read(&previous))).expect("the report is written")
}

fn one_run(bencher: &mut Bencher<'_>, id: &str) {
    let load = |number| Loaded::new(record(STANDARD_RUN, number));
    let (previous, this) = (load(1), load(2));
    if id == "one_run_112/assemble" {
        bencher.iter_with_large_drop(|| decide(&this, &previous));
    } else {
        bencher.iter(|| write(&decide(&this, &previous)));
    }
}

fn main() {
    support::run("report", |bencher, id| match id {
        "one_run_112/assemble" | "one_run_112/assemble_and_write" => one_run(bencher, id),
        "one_run_112/from_store" => {
            let (_folder, store, latest) = store();
            bencher.iter(|| from_store(&store, &latest));
        }
        "report_112/html" => {
            let made = report_fixture::large(112);
            bencher.iter(|| report::html(&made));
        }
        "report_112/markdown" => {
            let made = report_fixture::large(112);
            bencher.iter(|| report::markdown(&made));
        }
        "report_112/json" => {
            let made = report_fixture::large(112);
            bencher.iter(|| report::json(&made));
        }
        "report_html/measured" => html(bencher, &report_fixture::measured()),
        "report_html/founding" => html(bencher, &report_fixture::founding()),
        "report_html/partial" => html(bencher, &report_fixture::partial()),
        "report_html/hostile" => html(bencher, &report_fixture::hostile()),
        other => unreachable!("no code for {other}"),
    });
}

fn html(bencher: &mut Bencher<'_>, made: &RunReport) {
    bencher.iter(|| report::html(made));
}
