//! A confirmed improvement, from two real executables of which one does a sixth of the work of the other.

use std::path::Path;

use bench_runner::clock;
use bench_runner::model::record::RunRecord;
use bench_runner::model::units::Timestamp;
use bench_runner::stats::rng::SplitMix64;
use bench_runner::store::{OpenMode, Store};

use super::cli_support::{Answer, World, repository};
use super::gate_history::DAY;

fn answer(world: &World, words: &[&str]) -> Answer {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/spin");
    let mut command = world.command(words);
    command.env("CARGO_TARGET_DIR", target);
    world.finish(command, words)
}

fn store(world: &World) -> Store {
    Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap().0
}

/// Measures the suite as it is now, and puts the run aside: what the doctor thinks of this machine must not decide here.
fn measured(world: &World) -> RunRecord {
    let run = ["run", "--locked", "--launches", "3", "--filter", "varied", "--no-report", "--format", "json"];
    let id = answer(world, &run).code(0).json()["run"].as_str().unwrap().to_owned();
    answer(world, &["quarantine", &id, "--reason", "its copies are judged instead"]).code(0);
    store(world).record(&id.parse().unwrap()).unwrap()
}

/// Stores `record` again as the night of that number, with its values times `factor`.
fn night(store: &mut Store, record: &RunRecord, start: Timestamp, number: i64, factor: f64) -> String {
    let mut copy = record.clone();
    copy.run.findings.clear();
    copy.run.id = format!("01K9B{:021}", 1000 + number).parse().unwrap();
    copy.run.started = Timestamp(start.0 + number * DAY);
    let samples = copy.measurements.iter_mut().map(|entry| &mut entry.measurement.sample);
    samples.flatten().for_each(|observation| observation.total *= factor);
    store.import_run(&copy).unwrap();
    copy.run.id.to_string()
}

#[test]
fn a_confirmed_improvement_is_no_failure_and_has_a_code_of_its_own() {
    let world = World::new();
    let suite = repository().join("bench-runner/tests/fixtures/suites/spin");
    for name in ["Cargo.toml", "Cargo.lock", "suite/Cargo.toml", "suite/lib.rs", "suite/benches/spin.rs"] {
        world.write(name, &std::fs::read_to_string(suite.join(name)).unwrap());
    }
    let library = world.read("suite/lib.rs");
    world.write("suite/lib.rs", &library.replace("300", "1800"));
    let slow = measured(&world);
    world.write("suite/lib.rs", &library);
    let fast = measured(&world);
    let calibrate = ["calibrate", "--locked", "--filter", "varied", "--blocks", "8", "--warm-up", "0.01"];
    answer(&world, &[&calibrate[..], &["--measuring", "0.02"]].concat()).code(0);
    assert_ne!(slow.run.executables[0].digest, fast.run.executables[0].digest);
    let mut rng = SplitMix64::new(7);
    let mut open = store(&world);
    for number in -160..0 {
        night(&mut open, &slow, slow.run.started, number, (0.01 * rng.normal()).exp());
    }
    let tonight = night(&mut open, &fast, slow.run.started, 1, 1.0);
    drop(open);
    let gate = ["gate", &tonight, "--confirm-budget", "40s", "--explain"];
    let said = answer(&world, &[&gate[..], &["--fail-on", "improved"]].concat()).code(118);
    said.shows(&[
        "improved",
        "improvement-confirmed",
        "measured again: ",
        "noise floor: ",
        "as calibration measured this machine",
        "speaks for exit code: 118",
    ]);
}
