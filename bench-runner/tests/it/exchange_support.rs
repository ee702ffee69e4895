//! A measured run made of integers, and a page of years made of them: what the tests of exchange write and read.

use std::fmt::Write as _;

use bench_runner::clock;
use bench_runner::files::sha256;
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use bench_runner::model::ids::{BenchmarkId, Identity};
use bench_runner::model::measurement::{Measurement, Observation, SamplingMode};
use bench_runner::model::record::{LaunchMeasurement, RunRecord};
use bench_runner::model::run::{Capture, Executable, Launch, LaunchStatus, Run, RunKind, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};
use bench_runner::store::{OpenMode, Store};

use super::cli_support::World;

/// Start of the run.
pub(crate) const STARTED: Timestamp = Timestamp(1_762_393_020_000_000);

/// `SplitMix64`: the state grows by 0x9E3779B97F4A7C15, and is mixed by two multiplications.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn benchmark(target: &str, group: &str, value: Option<&str>) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: target.to_owned(),
        group: group.to_owned(),
        function: None,
        value: value.map(str::to_owned),
        occurrence: 0,
    }
}

fn launch(ordinal: u32) -> Launch {
    Launch {
        ordinal,
        round: ordinal,
        executable: sha256(b"executable"),
        package: "kms".to_owned(),
        target: "sign_bench".to_owned(),
        status: LaunchStatus::Complete,
        capture: Some(Capture::Socket),
        reason: None,
        harness_version: Some("0.8.0".to_owned()),
        started: Timestamp(STARTED.0 + i64::from(ordinal) * 1_000_000),
        elapsed_seconds: 0.5,
        exit_code: Some(0),
        covariates: None,
    }
}

/// What is measured: a plain name, one that would be misread, one with a comma and quotes, and a rate.
fn measured() -> Vec<(BenchmarkId, Metric)> {
    let rate = Metric { name: "rate".to_owned(), unit: "MB/s".to_owned() };
    vec![
        (benchmark("sign_bench", "sign", None), Metric::time()),
        (benchmark("sign_bench", "batch of all", Some("n-8")), Metric::time()),
        (benchmark("sign_bench", "a, \"quoted\" \\ name", Some("ü")), Metric::time()),
        (benchmark("sign_bench", "stream", None), rate),
    ]
}

/// A measured, complete run with four launches of all that.
pub(crate) fn record() -> RunRecord {
    let mut random = SplitMix(7);
    let mut measurements = Vec::new();
    for ordinal in 0..4 {
        for (benchmark, metric) in measured() {
            let sample = (1..=12)
                .map(|step| Observation {
                    iterations: step * 7,
                    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                    total: (step * 7 * (17_000 + random.below(900))) as f64,
                })
                .collect();
            let measurement = Measurement {
                benchmark,
                metric,
                throughput: vec![Throughput::Elements(8)],
                sampling: SamplingMode::Linear,
                settings: None,
                sample,
            };
            measurements.push(LaunchMeasurement { launch: ordinal, measurement });
        }
    }
    let fact = |key: &str, text: &str| Fact {
        key: key.to_owned(),
        value: Some(FactValue::Text(text.to_owned())),
        unit: String::new(),
        status: FactStatus::Ok,
        source: "test".to_owned(),
        phase: Phase::Start,
    };
    let run = Run {
        id: "01K9BCYNK0AAAAAAAAAAAAAAAA".parse().unwrap(),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started: STARTED,
        finished: Some(Timestamp(STARTED.0 + 9_000_000)),
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
        inventory: measured().into_iter().map(|(benchmark, _)| benchmark).collect(),
        facts: vec![fact(keys::SOURCE_COMMIT, "abc123"), fact(keys::CPU_MODEL, "Test CPU @ 2.00GHz")],
        executables: vec![Executable {
            digest: sha256(b"executable"),
            bytes: 10,
            package: "kms".to_owned(),
            target: "sign_bench".to_owned(),
        }],
        launches: (0..4).map(launch).collect(),
        findings: Vec::new(),
    };
    RunRecord { run, measurements, stated: Vec::new() }
}

/// A world whose store holds that run.
pub(crate) fn world() -> (World, RunRecord) {
    let world = World::new();
    let record = record();
    let mut store = Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap().0;
    store.import_run(&record).unwrap();
    (world, record)
}

/// Benchmarks of the page.
pub(crate) const PAGE_BENCHMARKS: u64 = 20;

/// The value of a benchmark of the page at a commit, in nanoseconds: a level of its own, and noise of up to 5 %.
pub(crate) fn page_value(commit: u64, benchmark: u64) -> u64 {
    let level = 1_000 * (benchmark + 1);
    level + SplitMix(commit * 1_000 + benchmark).below(level / 20)
}

/// A `data.js` of that many commits, one a day, in the layout of the action.
pub(crate) fn page(commits: u64) -> String {
    page_of(commits, page_value)
}

/// The same with other values, by commit and benchmark.
pub(crate) fn page_of(commits: u64, value: impl Fn(u64, u64) -> u64) -> String {
    let mut text = "window.BENCHMARK_DATA = {\n  \"lastUpdate\": 0,\n  \"repoUrl\": \"\",\n  \"entries\": {\n    \"Suite\": [".to_owned();
    for commit in 0..commits {
        let comma = if commit == 0 { "" } else { "," };
        let date = 1_600_000_000_000 + commit * 86_400_000;
        write!(
            text,
            "{comma}\n{{\"commit\": {{\"id\": \"{commit:040x}\", \"message\": \"m\", \"timestamp\": \"2020-09-13T12:26:40Z\", \
             \"url\": \"u\"}}, \"date\": {date}, \"tool\": \"cargo\", \"benches\": ["
        )
        .unwrap();
        for benchmark in 0..PAGE_BENCHMARKS {
            let comma = if benchmark == 0 { "" } else { "," };
            let value = value(commit, benchmark);
            write!(text, "{comma}{{\"name\": \"bench {benchmark}\", \"value\": {value}, \"range\": \"± 7\", \"unit\": \"ns/iter\"}}")
                .unwrap();
        }
        text.push_str("]}");
    }
    text.push_str("]}}");
    text
}
