//! `compare --machines`, `machines ID`, `explain` and `canary` as a person calls them, on machines made up for the purpose.

use bench_runner::clock;
use bench_runner::exchange::bundle;
use bench_runner::model::covariates::Covariates;
use bench_runner::model::decision::{Evidence, Sighting, change_id};
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use bench_runner::model::ids::{BenchmarkId, Digest, Identity, RunId};
use bench_runner::model::measurement::{Measurement, Observation, SamplingMode};
use bench_runner::model::record::{LaunchMeasurement, RunRecord, SeriesKey};
use bench_runner::model::run::{Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use bench_runner::model::units::{Metric, Timestamp};
use bench_runner::stats::rng::SplitMix64;
use bench_runner::store::{OpenMode, Store};

use super::cli_support::World;

/// What one made-up machine is.
#[derive(Clone, Copy)]
struct Made {
    /// Last character of the run's id.
    last: char,
    name: &'static str,
    ghz: f64,
    /// Cycles of the first benchmark; the others take twice, three and four times as many.
    cycles: f64,
    commit: &'static str,
    executable: u8,
    rustc: &'static str,
}

const REFERENCE: Made = Made {
    last: 'A',
    name: "fast",
    ghz: 3.0,
    cycles: 30_000.0,
    commit: "1111111111111111",
    executable: 1,
    rustc: "rustc 1.95.0",
};

fn fact(key: &str, value: FactValue) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(value),
        unit: String::new(),
        status: FactStatus::Derived,
        source: "made up".to_owned(),
        phase: Phase::Start,
    }
}

fn identity(made: Made) -> Identity {
    Identity {
        recipe: 1,
        hw_class: format!("x86_64/{}/4c4t/8g", made.name),
        machine: format!("{}00000000", made.name),
        label: Some(made.name.to_owned()),
        config: "governor=?".to_owned(),
        build: made.rustc.to_owned(),
    }
}

fn run(made: Made, inventory: Vec<BenchmarkId>, launches: Vec<Launch>) -> Run {
    let words = |key, text: &str| fact(key, FactValue::Text(text.to_owned()));
    Run {
        id: format!("01K9BWV7G0000000000000000{}", made.last).parse().unwrap(),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started: Timestamp(1_762_393_020_000_000 + i64::from(u32::from(made.last)) * 1_000_000),
        finished: Some(Timestamp(1_762_393_220_000_000)),
        suite: "kms".to_owned(),
        title: None,
        identity: identity(made),
        plan: Some(RunPlan {
            profile: "standard".to_owned(),
            set: "core".to_owned(),
            launches: 8,
            warm_up_seconds: Some(0.2),
            measurement_seconds: Some(0.5),
            sample_size: Some(10),
            seed: 1,
            filter: None,
        }),
        inventory,
        facts: vec![
            words(keys::SOURCE_COMMIT, made.commit),
            words(keys::SOURCE_DIRTY, "no"),
            words(keys::TOOLCHAIN_RUSTC, made.rustc),
            words(keys::BUILD_FLAGS, "none"),
            words(keys::BUILD_PROFILE, "bench"),
            words(keys::BUILD_LOCK, "l"),
            words(keys::MACHINE_SYNTHETIC, "yes"),
            fact(keys::CANARY_CLOCK, FactValue::Number(made.ghz)),
        ],
        executables: vec![Executable {
            digest: Digest([made.executable; 32]),
            bytes: 1000,
            package: "kms".to_owned(),
            target: "t".to_owned(),
        }],
        launches,
        findings: Vec::new(),
    }
}

fn benchmark(index: u32) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: "t".to_owned(),
        group: format!("b{index}"),
        function: None,
        value: None,
        occurrence: 0,
    }
}

/// A run with four benchmarks in eight launches; each launch scatters by 0.3 %.
fn record(made: Made) -> RunRecord {
    let mut rng = SplitMix64::new(u64::from(u32::from(made.last)));
    let ids: Vec<BenchmarkId> = (1..=4).map(benchmark).collect();
    let mut measurements = Vec::new();
    let launch = |ordinal: u32| Launch {
        ordinal,
        round: ordinal,
        executable: Digest([made.executable; 32]),
        package: "kms".to_owned(),
        target: "t".to_owned(),
        status: LaunchStatus::Complete,
        capture: None,
        reason: None,
        harness_version: Some("0.8.2".to_owned()),
        started: Timestamp(1_762_393_020_000_000),
        elapsed_seconds: 2.0,
        exit_code: Some(0),
        covariates: Some(Covariates {
            cpu_user_seconds: Some(1.98),
            cpu_system_seconds: Some(0.0),
            clock_ghz: Some(made.ghz),
            contention: Some(0.99),
            ..Covariates::default()
        }),
    };
    for ordinal in 0..8 {
        for (index, id) in (1_u32..).zip(&ids) {
            let time = f64::from(index) * made.cycles / made.ghz * (0.003 * rng.normal()).exp();
            measurements.push(LaunchMeasurement {
                launch: ordinal,
                measurement: Measurement {
                    benchmark: id.clone(),
                    metric: Metric::time(),
                    throughput: Vec::new(),
                    sampling: SamplingMode::Flat,
                    settings: None,
                    sample: vec![Observation { iterations: 10, total: 10.0 * time }; 10],
                },
            });
        }
    }
    RunRecord { run: run(made, ids, (0..8).map(launch).collect()), measurements, stated: Vec::new() }
}

/// Brings a made-up machine into the world as a bundle.
fn arrive(world: &World, made: Made) {
    let file = world.path(&format!("{}.json", made.last));
    bundle::write(&file, &record(made)).unwrap();
    world.answer(&["bundle", "import", file.to_str().unwrap(), "--unsigned"]).code(0);
}

#[test]
fn machines_stand_side_by_side_with_what_differs_on_top() {
    let world = World::new();
    let founding = world.with_history();
    arrive(&world, REFERENCE);
    // The same core at two thirds of the clock, and a core that takes 20 % more cycles.
    arrive(&world, Made { last: 'B', name: "slow", ghz: 2.0, ..REFERENCE });
    arrive(&world, Made { last: 'C', name: "other", cycles: 36_000.0, ..REFERENCE });
    let words = ["compare", "--machines", "fast", "slow", "other", &founding];
    let answer = world.answer(&words).code(0).shows(&["*synthetic*", "stated numbers, without samples"]);
    let differs = answer.out.find("What differs").unwrap();
    assert!(answer.out.find("Geometric mean").unwrap() > differs, "{}", answer.out);
    let first = answer.out.lines().next().unwrap();
    assert!(
        first.starts_with("slow against fast: 4 benchmarks, +") && first.ends_with(" % in time"),
        "{first}"
    );
    assert!(answer.out.contains("hw_class: x86_64/fast/4c4t/8g | x86_64/slow/4c4t/8g"), "{}", answer.out);
    // Each other machine is drawn: four rows, an axis with 0 on it, and what the signs mean.
    let drawn = answer.out.lines().filter(|line| line.ends_with('%') && line.contains('●')).count();
    assert_eq!(drawn, 8, "{}", answer.out);
    assert_eq!(answer.out.matches("on a logarithmic axis").count(), 2, "{}", answer.out);
    let markdown = world.answer(&[&words[..], &["--format", "markdown"]].concat()).code(0);
    markdown.shows(&[
        "# Machines on commit `",
        "## slow against fast",
        "```text",
        "Made by `bench-runner compare --machines",
    ]);
    let json = world.answer(&[&words[..], &["--format", "json"]].concat()).code(0).json();
    let cell = |row: usize, side: usize, key: &str| {
        json["comparison"]["rows"][row]["cells"][side][key].as_f64().unwrap()
    };
    for row in 0..4 {
        assert!((cell(row, 0, "ratio") - 1.5).abs() < 0.01 && (cell(row, 0, "per_cycle") - 1.0).abs() < 0.01);
        assert!((cell(row, 1, "ratio") - 1.2).abs() < 0.01 && (cell(row, 1, "per_cycle") - 1.2).abs() < 0.01);
    }
    assert_eq!(json["comparison"]["stated"].as_array().unwrap().len(), 1);
    let csv = world.answer(&[&words[..], &["--format", "csv"]].concat()).code(0);
    assert!(csv.out.contains("the clock") && csv.out.contains("the core: +"), "{}", csv.out);
    // Without names: every machine that measured the commit of the newest run, and the records.
    let all = world.answer(&["compare", "--machines", "--format", "json"]).code(0).json();
    assert_eq!(all["comparison"]["sides"].as_array().unwrap().len(), 3);
}

#[test]
fn other_code_and_other_toolchains_are_121() {
    let world = World::new();
    arrive(&world, REFERENCE);
    arrive(&world, Made { last: 'B', name: "later", commit: "2222222222222222", executable: 2, ..REFERENCE });
    arrive(&world, Made { last: 'C', name: "newer", rustc: "rustc 1.96.0", executable: 3, ..REFERENCE });
    let later = world.answer(&["compare", "--machines", "fast", "later"]).code(121);
    later.says(&["cannot stand beside the reference", "it measured commit 222222222222, not 111111111111"]);
    let newer = world.answer(&["compare", "--machines", "fast", "newer"]).code(121);
    newer.says(&["toolchain.rustc is `rustc 1.96.0`, not `rustc 1.95.0`"]);
    world.answer(&["compare", "--machines", "fast"]).code(4).says(&["only one machine"]);
    world.answer(&["compare"]).code(2);
}

#[test]
fn a_machine_is_shown_with_its_modes_and_its_noise() {
    let world = World::new();
    arrive(&world, REFERENCE);
    arrive(&world, Made { last: 'B', rustc: "rustc 1.96.0", ..REFERENCE });
    let shown = world.answer(&["machines", "fast"]).code(0);
    shown.shows(&["Modes seen", "Noise over time", "Facts that changed", "rustc 1.96.0", "3.00"]);
    let json = world.answer(&["machines", "fast", "--format", "json"]).code(0).json();
    let noise = json["profile"]["noise"].as_array().unwrap();
    assert_eq!(noise.len(), 2);
    let spread = noise[0]["log_sd"].as_f64().unwrap();
    assert!(spread > 0.0005 && spread < 0.01, "{spread}");
    world.answer(&["machines", "nobody"]).code(4).says(&["no machine is called `nobody`"]);
}

#[test]
fn a_shift_is_explained_from_what_is_stored() {
    let world = World::new();
    arrive(&world, REFERENCE);
    // A new commit, and a clock at two thirds: everything takes one and a half times as long.
    let slow = Made { ghz: 2.0, commit: "2222222222222222", executable: 2, ..REFERENCE };
    arrive(&world, Made { last: 'B', ..slow });
    arrive(
        &world,
        Made { last: 'C', cycles: 33_000.0, commit: "2222222222222222", executable: 2, ..REFERENCE },
    );
    let id = |last: char| format!("01K9BWV7G0000000000000000{last}");
    let clock = world.answer(&["explain", &id('A'), &id('B')]).code(0);
    clock.shows(&["environment (rule 9)\n", "clock by the canary: -33.3 %", "all series follow one factor"]);
    let code = world.answer(&["explain", &id('A'), &id('C'), "--format", "json"]).code(0).json();
    assert_eq!(code["explanation"]["cause"], "code");
    assert_eq!(code["explanation"]["rule"], 12);
    let one = world.answer(&["explain", &id('A'), &id('C'), "--benchmark", "t/b2", "--format", "markdown"]);
    one.code(0).shows(&["**code**", "| t/b2 |"]);
    world.answer(&["explain", &id('A'), "--benchmark", "t/none"]).code(4).says(&["no benchmark `t/none`"]);
    world.answer(&["explain", &id('A'), &id('A')]).code(2).says(&["both sides are run"]);
    // The executables of a bundle are not on this machine.
    let replay = world.answer(&["explain", &id('A'), &id('C'), "--replay"]);
    assert_ne!(replay.code, Some(0), "{}", replay.out);
}

/// Notes that the second benchmark changed with the run whose id ends so.
fn note_change(world: &World, first: char, ratio: f64) -> String {
    let id = |last: char| -> RunId { format!("01K9BWV7G0000000000000000{last}").parse().unwrap() };
    let series = SeriesKey {
        benchmark: benchmark(2),
        metric: Metric::time(),
        recipe: 1,
        machine: identity(REFERENCE).machine,
        config: identity(REFERENCE).config,
    };
    let change = change_id(&series, &id(first));
    let sighting = Sighting {
        change: change.clone(),
        series,
        first_run: id(first),
        seen_run: id(first),
        evidence: Evidence::Confirmed,
        ratio,
        experiment: None,
        at: Timestamp(1_762_393_300_000_000),
    };
    let mut store = Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap().0;
    store.add_sightings(&[sighting]).unwrap();
    change
}

#[test]
fn a_change_is_explained_between_the_runs_it_stands_between() {
    let world = World::new();
    arrive(&world, REFERENCE);
    let later = Made { cycles: 33_000.0, commit: "2222222222222222", executable: 2, ..REFERENCE };
    arrive(&world, Made { last: 'B', ..later });
    arrive(&world, Made { last: 'C', ..later });
    let change = note_change(&world, 'B', 1.1);
    let id = |last: char| format!("01K9BWV7G0000000000000000{last}");
    let head = format!("change {change}: t/b2 +10.0 %, as last seen");
    let (before, after) = (format!("A  {}", id('A')), format!("B  {}", id('B')));
    world.answer(&["explain", &change]).code(0).shows(&[&head, &before, &after, "code (rule 12)\n"]);
    // The beginning of its name is enough, and it asks about its own benchmark.
    let short = world.answer(&["explain", &change[..6], "--format", "json"]).code(0).json();
    assert_eq!(short["change"]["id"], change.as_str());
    assert_eq!(short["explanation"]["benchmark"]["group"], "b2");
    world.answer(&["explain", &change, &id('C')]).code(2).says(&["stands between two runs of its own"]);
    let first = note_change(&world, 'A', 0.9);
    world.answer(&["explain", &first]).code(121).says(&["was measured before the change"]);
    world.answer(&["explain", &id('A'), &id('B')]).code(0).shows(&["code (rule 12)\n"]);
}

#[test]
fn canaries_are_printed_beside_what_the_system_claims() {
    let world = World::new();
    let answer = world.answer(&["canary", "--pairs", "2", "--quick"]).code(0);
    answer.shows(&["clock GHz", "contention", "of 2 pairs agree within 1 %; the system claims"]);
    let json = world.answer(&["canary", "--pairs", "1", "--format", "json"]).code(0).json();
    assert_eq!(json["pairs"].as_array().unwrap().len(), 1);
    assert_eq!(json["pairs"][0]["first"].as_array().unwrap().len(), 5);
}

#[test]
fn a_measured_run_has_canaries_and_covariates_that_survive_a_bundle() {
    let world = World::new();
    let answer =
        world.measure(&["-p", "suite", "--bench", "normal", "--no-report", "--format", "json"]).code(0);
    let id = answer.json()["run"].as_str().unwrap().parse().unwrap();
    let record = world.store().record(&id).unwrap();
    for key in [keys::CANARY_CLOCK, keys::CANARY_CONTENTION, keys::CANARY_MEMORY] {
        for phase in [Phase::Start, Phase::End, Phase::Delta] {
            assert!(
                record.run.facts.iter().any(|fact| fact.key == key && fact.phase == phase),
                "{key} {phase:?}"
            );
        }
    }
    for launch in &record.run.launches {
        let noticed = launch.covariates.as_ref().unwrap();
        assert!(noticed.contention.is_some(), "{noticed:?}");
        #[cfg(unix)]
        assert!(noticed.cpu_seconds().unwrap() > 0.0, "{noticed:?}");
    }
    let digests = record.digests().unwrap();
    assert!(digests.contains_key("covariates"));
    assert_eq!(world.store().verify(&id).unwrap(), [""; 0]);
    let back = bundle::from_bytes(&bundle::to_bytes(&record).unwrap()).unwrap();
    assert_eq!(back, record);
    // Changing them is found, and named.
    let mut other = record.clone();
    other.run.launches[0].covariates.as_mut().unwrap().repeated = true;
    let changed = other.digests().unwrap();
    let differing: Vec<&String> =
        digests.keys().filter(|part| digests.get(*part) != changed.get(*part)).collect();
    assert_eq!(differing, ["covariates"]);
    // Without them a run has the digests that it had before there were any.
    for launch in &mut other.run.launches {
        launch.covariates = None;
    }
    let bare = other.digests().unwrap();
    assert!(!bare.contains_key("covariates") && bare["launches"] == digests["launches"]);
    assert!(!serde_json::to_string(&other.run.launches).unwrap().contains("covariates"));
}
