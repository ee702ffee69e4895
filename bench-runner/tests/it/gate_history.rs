//! `gate` against history, `changes`, `alias` and `quarantine`, on nights written into a store: nothing is timed.

use bench_runner::executables::{Keep, Note};
use bench_runner::model::ids::{BenchmarkId, Digest, Identity};
use bench_runner::model::measurement::{Measurement, Observation, SamplingMode};
use bench_runner::model::record::{LaunchMeasurement, RunRecord};
use bench_runner::model::run::{Capture, Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use bench_runner::model::units::{Metric, Timestamp};
use bench_runner::stats::rng::SplitMix64;
use bench_runner::store::{OpenMode, Store};
use bench_runner::{clock, config, files};
use serde_json::Value;

use super::cli_support::{World, repository};

const CLASS: &str = "x86_64/test/2c2t/4g";
const SERIES: usize = 12;
const LAUNCHES: u32 = 3;
/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

fn benchmark(group: &str) -> BenchmarkId {
    BenchmarkId {
        package: "suite".to_owned(),
        target: "t".to_owned(),
        group: group.to_owned(),
        function: None,
        value: None,
        occurrence: 0,
    }
}

pub(crate) fn names() -> Vec<String> {
    (0..SERIES).map(|series| format!("g{series:02}")).collect()
}

/// A launch of the one executable of a night.
fn launch(ordinal: u32, executable: Digest, started: Timestamp) -> Launch {
    Launch {
        ordinal,
        round: ordinal,
        executable,
        package: "suite".to_owned(),
        target: "t".to_owned(),
        status: LaunchStatus::Complete,
        capture: Some(Capture::Socket),
        reason: None,
        harness_version: Some("0.8.2".to_owned()),
        started,
        elapsed_seconds: 1.0,
        exit_code: Some(0),
        covariates: None,
    }
}

/// What a launch measured: launches lie 0.1 % apart, the middle one on the value.
fn measurement(group: &str, value: f64, launch: u32) -> LaunchMeasurement {
    let total = value * (1.0 + 0.001 * (f64::from(launch) - 1.0));
    LaunchMeasurement {
        launch,
        measurement: Measurement {
            benchmark: benchmark(group),
            metric: Metric::time(),
            throughput: Vec::new(),
            sampling: SamplingMode::Flat,
            settings: None,
            sample: vec![Observation { iterations: 1, total }; 3],
        },
    }
}

fn identity() -> Identity {
    Identity {
        recipe: 1,
        hw_class: CLASS.to_owned(),
        machine: "0123456789abcdef".to_owned(),
        label: None,
        config: "governor=performance".to_owned(),
        build: "rustc 1.95.0".to_owned(),
    }
}

/// One night of a suite: the value of each benchmark, and an executable of its own.
pub(crate) fn night(number: u32, values: &[(String, f64)]) -> RunRecord {
    let digest = Digest([u8::try_from(number % 251 + 1).unwrap(); 32]);
    let started = Timestamp(1_700_000_000_000_000 + i64::from(number) * DAY);
    let run = Run {
        id: format!("01K9B{number:021}").parse().unwrap(),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started,
        finished: Some(started),
        suite: "suite".to_owned(),
        title: None,
        identity: identity(),
        plan: Some(RunPlan {
            profile: "nightly".to_owned(),
            set: "full".to_owned(),
            launches: LAUNCHES,
            warm_up_seconds: Some(0.3),
            measurement_seconds: Some(1.0),
            sample_size: Some(20),
            seed: 1,
            filter: None,
        }),
        inventory: values.iter().map(|(group, _)| benchmark(group)).collect(),
        facts: Vec::new(),
        executables: vec![Executable {
            digest,
            bytes: 1,
            package: "suite".to_owned(),
            target: "t".to_owned(),
        }],
        launches: (0..LAUNCHES).map(|ordinal| launch(ordinal, digest, started)).collect(),
        findings: Vec::new(),
    };
    let measurements = (0..LAUNCHES)
        .flat_map(|ordinal| values.iter().map(move |(group, value)| measurement(group, *value, ordinal)));
    RunRecord { run, measurements: measurements.collect(), stated: Vec::new() }
}

/// A world whose store gets nights with 1 % of noise.
pub(crate) struct Nights {
    pub(crate) world: World,
    rng: SplitMix64,
    pub(crate) count: u32,
}

impl Nights {
    pub(crate) fn new(nights: u32, configuration: &str) -> Self {
        let mut made = Self { world: World::configured(configuration), rng: SplitMix64::new(4), count: 0 };
        made.add(nights, |_| 1.0);
        made
    }

    /// Adds nights in which each benchmark is `factor` times its usual value.
    pub(crate) fn add(&mut self, nights: u32, factor: impl Fn(&str) -> f64) {
        self.add_named(nights, &names(), factor);
    }

    pub(crate) fn add_named(&mut self, nights: u32, names: &[String], factor: impl Fn(&str) -> f64) {
        let path = self.world.path("store.sqlite");
        let mut store = Store::open(&path, OpenMode::ReadWrite, clock::now()).unwrap().0;
        for _ in 0..nights {
            let values: Vec<(String, f64)> = names
                .iter()
                .map(|name| (name.clone(), 1000.0 * factor(name) * (0.01 * self.rng.normal()).exp()))
                .collect();
            store.import_run(&night(self.count, &values)).unwrap();
            self.count += 1;
        }
    }

    pub(crate) fn latest(&self) -> String {
        format!("01K9B{:021}", self.count - 1)
    }

    #[track_caller]
    pub(crate) fn gate(&self, more: &[&str], code: i32) -> Value {
        let words = [&["gate", "--no-confirm", "--format", "json"], more].concat();
        self.world.answer(&words).code(code).json()["report"].clone()
    }
}

fn step(name: &str) -> f64 {
    if name == "g03" { 1.1 } else { 1.0 }
}

fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn series<'a>(report: &'a Value, group: &str) -> &'a Value {
    let all = report["series"].as_array().unwrap();
    all.iter().find(|one| one["series"]["benchmark"]["group"] == group).unwrap()
}

#[test]
fn quiet_nights_pass_and_a_step_is_seen_named_and_decided() {
    let mut nights = Nights::new(45, "");
    let report = nights.gate(&[], 0);
    assert!(codes(&report).is_empty(), "{report}");
    assert_eq!(report["census"]["rows"].as_array().unwrap().len(), SERIES);
    nights.world.answer(&["changes"]).code(0);
    nights.add(1, step);
    let report = nights.gate(&[], 120);
    assert_eq!(codes(&report), ["suspect-open"]);
    let suspect = series(&report, "g03");
    assert_eq!(suspect["answer"], "inconclusive");
    assert!((suspect["ratio"].as_f64().unwrap() - 1.1).abs() < 0.04);
    let id = suspect["change"].as_str().unwrap().to_owned();
    // The words say the same, and each step with its threshold when asked.
    nights.world.answer(&["gate", "--no-confirm"]).code(120).shows(&[&id, "t/g03", "12 of 12 benchmarks"]);
    nights.world.answer(&["gate", "--no-confirm", "--explain"]).code(120).shows(&[
        "expected value: ",
        "common factor of the night: ",
        "tail probability: ",
        "against 5.00e-4: at or below the level",
        "adjusted probability: ",
    ]);
    // Asked again, it is the same change.
    assert_eq!(series(&nights.gate(&[], 120), "g03")["change"], id.as_str());
    let list = nights.world.answer(&["changes", "list", "--format", "json"]).code(0).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!((&list["items"][0]["state"], &list["items"][0]["id"]), (&"new".into(), &id.as_str().into()));
    // Waived until a day that comes.
    nights.world.answer(&["gate", "waive", &id, "--reason", "known", "--until", "2199-12-31"]).code(0);
    assert_eq!(codes(&nights.gate(&[], 0)), ["waived"]);
    for words in [
        vec!["gate", "waive", &id, "--reason", "known", "--until", "2001-01-01"],
        vec!["gate", "waive", &id, "--reason", " ", "--until", "2199-12-31"],
        vec!["gate", "waive", &id, "--reason", "known", "--until", "soon"],
        vec!["changes", "accept", &id, "--reason", ""],
    ] {
        nights.world.answer(&words).code(2);
    }
    nights.world.answer(&["gate", "waive", "nobody", "--reason", "x", "--until", "2199-12-31"]).code(4);
    nights.world.answer(&["changes", "accept", "nobody", "--reason", "x"]).code(4);
    // Accepted: the next nights are judged against the new level, and the name is found by its beginning.
    nights.world.answer(&["changes", "accept", &id[..6], "--reason", "meant"]).code(0);
    nights.add(3, step);
    let report = nights.gate(&[], 0);
    assert!((series(&report, "g03")["expected"].as_f64().unwrap() / 1100.0 - 1.0).abs() < 0.03, "{report}");
    nights.world.answer(&["changes"]).code(0).shows(&["accepted", "meant"]);
    nights.world.answer(&["changes", "list", "--open", "--format", "csv"]).code(0);
}

#[test]
fn all_series_moving_together_is_one_finding() {
    let mut nights = Nights::new(45, "");
    nights.add(1, |_| 1.05);
    let report = nights.gate(&[], 120);
    assert_eq!(codes(&report), ["machine-shift"]);
    assert!((report["machine"]["ratio"].as_f64().unwrap() - 1.05).abs() < 0.01);
}

#[test]
fn every_dropped_benchmark_is_noticed_and_a_renamed_one_goes_on() {
    let mut nights = Nights::new(40, "");
    for dropped in 0..SERIES {
        let mut left = names();
        let gone = left.remove(dropped);
        // All of them are compared with the last whole night.
        nights.add_named(1, &left, |_| 1.0);
        let report = nights.gate(&[], 117);
        assert_eq!(codes(&report), ["benchmark-vanished"], "{gone}");
        assert!(report["findings"][0]["subject"].as_str().unwrap().ends_with(&gone));
        nights.add(1, |_| 1.0);
    }
    let mut renamed = names();
    renamed[3] = "new name".to_owned();
    nights.add_named(1, &renamed, |_| 1.0);
    let report = nights.gate(&[], 117);
    assert!(codes(&report).contains(&"history-short"), "the new one has no history");
    nights.world.answer(&["alias", "t/g03", "t/new name"]).code(0);
    let report = nights.gate(&[], 0);
    let line = series(&report, "new name");
    assert_eq!(line["earlier_names"][0]["group"], "g03");
    assert!(line["history"].as_u64().unwrap() >= 40, "{line}");
    nights.world.answer(&["alias", "t/g03", "t/new name"]).code(0).shows(&["already"]);
    nights.world.answer(&["alias", "t/new name", "t/g03"]).code(97).says(&["leads back"]);
    nights.world.answer(&["alias", "t/nobody", "t/g03"]).code(4);
}

#[test]
fn a_run_put_aside_is_not_judged_and_not_judged_with() {
    let mut nights = Nights::new(45, "");
    nights.add(1, step);
    let latest = nights.latest();
    nights.world.answer(&["quarantine", &latest, "--reason", "the fan broke"]).code(0);
    nights.world.answer(&["gate", &latest, "--no-confirm"]).code(4);
    nights.add(1, step);
    let report = nights.gate(&[], 120);
    assert_eq!(series(&report, "g03")["history"], 45, "the night put aside does not count");
    nights.world.answer(&["quarantine", &latest, "--release", "--reason", "it did not"]).code(0);
    nights.gate(&[&latest], 120);
}

#[test]
fn a_short_history_is_no_pass() {
    let nights = Nights::new(10, "");
    nights.world.answer(&["gate", "--no-confirm"]).code(4).says(&["no budget is configured", "history"]);
    let budget = format!(
        "\n[[budget]]\nid = \"g03\"\nbenchmark = \"t/g03\"\nlimit = \"2 us\"\nhw_class = \"{CLASS}\"\n"
    );
    let nights = Nights::new(10, &budget);
    assert_eq!(codes(&nights.gate(&[], 0)), ["history-short"], "the budget is what passes");
}

#[test]
fn proposed_budgets_can_be_pasted_and_pass() {
    let nights = Nights::new(40, "");
    let answer = nights.world.answer(&["gate", "init"]).code(0);
    assert!(answer.out.contains("of 40 nights would have failed (at most "), "{}", answer.out);
    nights.world.configure(&answer.out);
    let answer = nights.world.answer(&["gate", "--no-confirm", "--format", "json"]).code(0).json();
    assert_eq!(answer["items"].as_array().unwrap().len(), SERIES);
    assert!(answer["items"].as_array().unwrap().iter().all(|item| item["verdict"] == "pass"));
    let few = Nights::new(5, "");
    few.world.answer(&["gate", "init"]).code(4).says(&["nothing to propose from"]);
}

#[test]
fn hostile_names_stay_names_in_every_form() {
    let hostile = "</testcase>&\"'\u{1b}[2J\n::error::100%|`x`\u{202e}\u{fffe}";
    let mut all = names();
    all[3] = hostile.to_owned();
    let mut nights = Nights::new(0, "");
    nights.add_named(45, &all, |_| 1.0);
    nights.add_named(1, &all, |name| if name == hostile { 1.1 } else { 1.0 });
    nights.world.write("summary.md", "before\n");
    let words = ["gate", "--no-confirm", "--junit", "gate.xml", "--github"];
    let mut command = nights.world.command(&words);
    command.env("GITHUB_STEP_SUMMARY", "summary.md");
    let answer = nights.world.finish(command, &words).code(120);
    let xml = nights.world.read("gate.xml");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    assert_eq!(cases.len(), 2 * SERIES, "history and coverage");
    let errors: Vec<_> = document.descendants().filter(|node| node.has_tag_name("error")).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].parent_element().unwrap().attribute("name").unwrap().contains("</testcase>&\"'"));
    assert_eq!(document.root_element().attribute("errors"), Some("1"));
    // One line a command, whatever is in the name.
    let commands: Vec<&str> = answer.err.lines().filter(|line| line.contains("::")).collect();
    assert!(
        !commands.is_empty() && commands.iter().all(|line| line.starts_with("::warning title=")),
        "{}",
        answer.err
    );
    assert!(!answer.err.contains('\u{1b}') && !answer.out.contains(['\u{1b}', '\u{202e}']));
    let summary = nights.world.read("summary.md");
    assert!(summary.starts_with("before\n## Benchmark gate: "), "{summary}");
    assert!(summary.contains("suspect-open") && summary.contains(r"\</testcase>"), "{summary}");
    assert!(!summary.replace(r"\<", "").contains('<'), "{summary}");
    // Without the file there is no summary, and that is said.
    nights.world.answer(&words).code(120).says(&["no step summary"]);
}

/// Keeps the executable of a run once more under another digest: a byte behind its end is never loaded.
fn rebuilt(world: &World, record: &RunRecord) -> Executable {
    let config = config::load(Some(&world.path("bench-runner.toml")), &world.path("")).unwrap();
    let keep = Keep::new(&config.executables, record.run.identity.machine.clone());
    let kept = keep.find(record.run.executables[0].digest).expect("`run` keeps what it built");
    let mut content = std::fs::read(&kept.path).unwrap();
    content.push(0);
    std::fs::copy(&kept.path, world.path("rebuilt")).unwrap();
    std::fs::write(world.path("rebuilt"), &content).unwrap();
    let executable = Executable {
        digest: files::sha256(&content),
        bytes: content.len() as u64,
        ..record.run.executables[0].clone()
    };
    let note = Note { executable: executable.clone(), ..kept.note };
    keep.keep(&world.path("rebuilt"), &note).unwrap();
    executable
}

/// Equal executables are measured where that is asked for: a gate that errs would confirm something here. What the clock says is
/// not asserted.
fn measured_again_all_the_same(world: &World, same: &str, manifest: &str) {
    let again = ["gate", same, "--format", "json", "--measure-equal", "--confirm-budget", "20s"];
    let again = [&again[..], &["--manifest-path", manifest]].concat();
    let suspect = series(&world.answer(&again).json()["report"], "same").clone();
    assert!(suspect["confirmation"]["blocks"].as_u64().unwrap() >= 6, "{suspect}");
}

/// A run is judged against the nights before it as soon as it is measured; a busy machine may block that, and is told so.
fn judged_when_it_is_measured(world: &World, words: &[&str]) {
    let words = [words, &["--gate", "--confirm-budget", "5s", "--format", "json"]].concat();
    let judged = world.measure(&words).json();
    let tonight = series(&judged["gate"]["report"], "same");
    assert!(tonight["history"].as_u64().unwrap() >= 160, "{judged}");
    assert!(judged["gate"]["exit"]["code"].is_number() && judged["run"].is_string(), "{judged}");
}

/// A real bench, measured again by a real experiment. The nights before are invented around one real run; the last one claims to
/// be 30 % slower, with an executable of another digest and equal code. What the clock then says is not asserted.
#[test]
fn a_suspect_is_measured_again_by_experiment() {
    let world = World::new();
    let words = ["-p", "suite", "--bench", "normal", "--filter", "same", "--launches", "3", "--no-report"];
    world.measure(&words).code(0);
    let mut store = Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap().0;
    let real = store.record(&store.resolve("latest").unwrap()).unwrap();
    let other = rebuilt(&world, &real);
    let mut rng = SplitMix64::new(9);
    let mut add = |number: i64, factor: f64, executable: &Executable| {
        let mut copy = real.clone();
        copy.run.findings.clear();
        copy.run.id = format!("01K9B{:021}", 1000 + number).parse().unwrap();
        copy.run.started = Timestamp(real.run.started.0 + number * DAY);
        copy.run.executables = vec![executable.clone()];
        copy.run.launches.iter_mut().for_each(|launch| launch.executable = executable.digest);
        let factor = factor * (0.01 * rng.normal()).exp();
        let samples = copy.measurements.iter_mut().map(|entry| &mut entry.measurement.sample);
        samples.flatten().for_each(|observation| observation.total *= factor);
        store.import_run(&copy).unwrap();
        copy.run.id.to_string()
    };
    for number in -160..0 {
        add(number, 1.0, &real.run.executables[0]);
    }
    let same = add(1, 1.3, &real.run.executables[0]);
    let slower = add(2, 1.3, &other);
    drop(store);
    // Equal executables are found out without measuring.
    let report = world.answer(&["gate", &same, "--format", "json"]).code(0).json()["report"].clone();
    let suspect = series(&report, "same");
    assert_eq!(suspect["answer"], "refuted", "{suspect}");
    assert!(suspect["reason"].as_str().unwrap().contains("same executable"), "{suspect}");
    let manifest = repository().join("bench-runner/tests/fixtures/suites/current/Cargo.toml");
    measured_again_all_the_same(&world, &same, manifest.to_str().unwrap());
    judged_when_it_is_measured(&world, &words);
    let words = [
        "gate",
        &slower,
        "--format",
        "json",
        "--confirm-budget",
        "20s",
        "--manifest-path",
        manifest.to_str().unwrap(),
    ];
    let answer = world.finish(world.command(&words), &words);
    let report = answer.json()["report"].clone();
    let suspect = series(&report, "same").clone();
    let again = &suspect["confirmation"];
    assert!(
        again["experiment"].is_string() && again["blocks"].as_u64().unwrap() >= 6,
        "{suspect}\n{}",
        answer.err
    );
    assert_ne!(suspect["answer"], "unknown", "{suspect}");
    assert!(again["baseline"].is_string() && !again["steps"].as_array().unwrap().is_empty(), "{suspect}");
    // Gone from the folder, it is unknown and says so.
    std::fs::remove_dir_all(
        config::load(Some(&world.path("bench-runner.toml")), &world.path("")).unwrap().executables,
    )
    .unwrap();
    let report = world.finish(world.command(&words), &words).code(120).json()["report"].clone();
    assert_eq!(series(&report, "same")["answer"], "unknown");
    assert!(codes(&report).contains(&"suspect-open"));
}
