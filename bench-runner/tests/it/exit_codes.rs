//! The table of exit codes, each produced by the program itself. What takes a child to be killed or a confirmation to be measured
//! has a test of its own, which the table names and looks into.

use std::collections::BTreeSet;

use bench_runner::exit_code::{self, ExitCode};
use bench_runner::process::{Cancel, lock};

use super::cli_support::{World, founding, repository};
use super::gate_history::Nights;

/// How a code is produced.
enum How {
    /// Here, by a function that returns the code that the program ended with.
    Here(fn() -> Option<i32>),
    /// By a function of another file, which asserts the code.
    There(&'static str, &'static str),
}

/// A budget on the made-up nights.
fn budget(benchmark: &str, limit: &str, class: &str) -> String {
    format!(
        "\n[[budget]]\nid = \"b\"\nbenchmark = \"{benchmark}\"\nlimit = \"{limit}\"\nhw_class = \"{class}\"\n"
    )
}

/// The code of `gate` on made-up nights under one budget.
fn gate(nights: u32, budget: &str) -> Option<i32> {
    Nights::new(nights, budget).world.answer(&["gate", "--no-confirm"]).code
}

/// The class of the made-up nights.
const CLASS: &str = "x86_64/test/2c2t/4g";

fn answer(words: &[&str]) -> Option<i32> {
    World::new().answer(words).code
}

fn measure(words: &[&str]) -> Option<i32> {
    World::new().measure(words).code
}

fn unexpected() -> Option<i32> {
    let world = World::new();
    world.write("file", "");
    world.answer(&["man", "file"]).code
}

fn configured(text: &str) -> Option<i32> {
    let world = World::new();
    world.write("bench-runner.toml", text);
    world.answer(&["list"]).code
}

fn no_store() -> Option<i32> {
    let world = World::new();
    world.write("store.sqlite", "Dear diary,\n");
    world.answer(&["list"]).code
}

fn busy() -> Option<i32> {
    let world = World::new();
    let held = lock::acquire(&world.path("measuring.lock"), false, &Cancel::new(), &mut |_| {}).unwrap();
    let code = world.measure(&["-p", "suite", "--bench", "normal", "--no-wait"]).code;
    drop(held);
    code
}

fn tampered() -> Option<i32> {
    let world = World::new();
    world.answer(&["import", "summary", &founding()]).code(0);
    let connection = rusqlite::Connection::open(world.path("store.sqlite")).unwrap();
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    connection.execute("UPDATE stated_estimate SET value = value * 0.9", []).unwrap();
    world.answer(&["verify"]).code
}

/// A night whose benchmark is 10 % slower than ever, and nobody measures it again.
fn unsettled() -> Option<i32> {
    let mut nights = Nights::new(45, "");
    nights.add(1, |name| if name == "g03" { 1.1 } else { 1.0 });
    nights.world.answer(&["gate", "--no-confirm"]).code
}

/// The table: one way to each code.
const TABLE: &[(ExitCode, How)] = &[
    (exit_code::DONE, How::Here(|| gate(10, &budget("t/g03", "2 us", CLASS)))),
    (exit_code::FAILURE, How::Here(unexpected)),
    (exit_code::USAGE, How::Here(|| answer(&["run", "--launches", "0"]))),
    (exit_code::NOTHING, How::Here(|| answer(&["list"]))),
    (exit_code::CONFIGURATION, How::Here(|| configured("levl = 3\n"))),
    (exit_code::STORE, How::Here(no_store)),
    (exit_code::GATE_FAILED, How::Here(|| gate(10, &budget("t/g03", "1 ns", CLASS)))),
    (exit_code::BUILD_FAILED, How::Here(|| measure(&["-p", "broken"]))),
    (exit_code::METADATA_FAILED, How::Here(|| answer(&["run", "--manifest-path", "nowhere/Cargo.toml"]))),
    (exit_code::COVERAGE, How::Here(|| gate(10, &budget("t/absent", "1 s", CLASS)))),
    (
        exit_code::IMPROVED,
        How::There("gate_improved.rs", "a_confirmed_improvement_is_no_failure_and_has_a_code_of_its_own"),
    ),
    (exit_code::BENCH_FAILED, How::Here(|| World::new().misbehave("panic", &[]).code)),
    (exit_code::INCONCLUSIVE, How::Here(unsettled)),
    (exit_code::NOT_COMPARABLE, How::Here(|| gate(10, &budget("t/g03", "2 us", "z80/one/1c1t/1g")))),
    (exit_code::UNFIT, How::Here(busy)),
    (exit_code::INTEGRITY, How::Here(tampered)),
    (
        exit_code::INTERRUPTED,
        How::There("cli_run.rs", "an_interrupted_run_is_130_and_keeps_what_was_measured"),
    ),
];

#[test]
fn every_exit_code_is_produced_by_the_program() {
    let told: BTreeSet<u8> = TABLE.iter().map(|(exit, _)| exit.code).collect();
    let known: BTreeSet<u8> = exit_code::ALL.iter().map(|exit| exit.code).collect();
    assert_eq!((told, TABLE.len()), (known, exit_code::ALL.len()), "the table has each code once");
    for (exit, how) in TABLE {
        match how {
            How::Here(produce) => assert_eq!(produce(), Some(exit.code.into()), "{}", exit.meaning),
            How::There(file, function) => {
                let path = repository().join("bench-runner/tests/it").join(file);
                let source = std::fs::read_to_string(path).unwrap();
                let body = source.split(&format!("#[test]\nfn {function}() {{\n")).nth(1);
                let body = body.and_then(|rest| rest.split("\n}\n").next());
                let asserts = [format!(".code({})", exit.code), format!("Some({})", exit.code)];
                let found = body.is_some_and(|body| asserts.iter().any(|words| body.contains(words)));
                assert!(found, "{file} has no test `{function}` that asserts {}", exit.code);
            }
        }
    }
}

/// Whatever measures or judges, an empty suite ends with a code that is not 0.
#[test]
fn an_empty_suite_never_ends_with_0() {
    let world = World::new();
    let suite = repository().join("bench-runner/tests/fixtures/suites/current/Cargo.toml");
    let manifest = suite.to_str().unwrap();
    let fixed = ["--locked", "--manifest-path", manifest, "-p", "empty"];
    for words in [
        &["run"][..],
        &["run", "--gate"],
        &["run", "--no-report", "--metric", "time"],
        &["calibrate"],
        &["experiment", "--variant", "a:env.A=1", "--variant", "b:env.A=2"],
        &["knobs", "try", "machine.malloc-arenas"],
    ] {
        let words = [words, &["--config", "bench-runner.toml"], &fixed].concat();
        let mut command = world.command(&words);
        let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/current");
        command.env("CARGO_TARGET_DIR", target);
        world.finish(command, &words).code(4).says(&["no Criterion bench found in empty"]);
    }
    // A filter that selects nothing is an empty suite too.
    world.measure(&["-p", "suite", "--bench", "normal", "--filter", "^zzz$", "--gate"]).code(4);
    // A stored run without any benchmark, after nights that had some: nothing was judged, and all of it is gone.
    let mut nights = Nights::new(40, "");
    nights.add_named(1, &[], |_| 1.0);
    let latest = nights.latest();
    nights.world.answer(&["gate", &latest, "--no-confirm"]).code(117).shows(&["benchmark-vanished"]);
    // And one that never had any.
    let mut bare = Nights::new(0, "");
    bare.add_named(1, &[], |_| 1.0);
    let latest = bare.latest();
    bare.world.answer(&["gate", &latest, "--no-confirm"]).code(4).says(&["nothing was judged"]);
    nights.world.answer(&["compare", &nights.latest(), &format!("01K9B{:021}", 3)]).code(121);
}
