//! The time-travel control for real: a loop becomes longer between two runs, and the kept executables of both are measured
//! again in turns. The dose is large, since tests run on machines that do other things as well.

use std::path::Path;

use bench_runner::process::{ProcessRequest, ProcessRunner, SystemRunner};

use super::cli_support::{Answer, World, repository};

/// A world that is a git repository of the suite `spin`.
fn project() -> World {
    let world = World::new();
    let suite = repository().join("bench-runner/tests/fixtures/suites/spin");
    for name in ["Cargo.toml", "Cargo.lock", "suite/Cargo.toml", "suite/lib.rs", "suite/benches/spin.rs"] {
        world.write(name, &std::fs::read_to_string(suite.join(name)).unwrap());
    }
    world.write(".gitignore", "/target\n/data\n/reports\n/keys\nstore.sqlite*\n*.lock\n!Cargo.lock\n");
    git(&world, &["init", "-q", "-b", "main"]);
    commit(&world);
    world
}

pub(crate) fn git(world: &World, args: &[&str]) {
    let who = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false"];
    let request = ProcessRequest::new("git").args(who).args(args).directory(world.path(""));
    let output = SystemRunner.run(&request).unwrap();
    assert!(output.success(), "{args:?}: {}", output.stderr_text());
}

pub(crate) fn commit(world: &World) {
    git(world, &["add", "."]);
    git(world, &["commit", "-q", "-m", "one more"]);
}

fn answer(world: &World, words: &[&str]) -> Answer {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/spin-time");
    let mut command = world.command(words);
    command.env("CARGO_TARGET_DIR", target);
    world.finish(command, words)
}

/// Measures; three launches, because an interval needs more than one.
fn measured(world: &World) -> String {
    let words = ["run", "--locked", "--no-report", "--launches", "3", "--format", "json"];
    answer(world, &words).code(0).json()["run"].as_str().unwrap().to_owned()
}

#[test]
fn an_old_executable_measured_again_tells_code_from_machine() {
    let world = project();
    let before = measured(&world);
    world.write("suite/lib.rs", &world.read("suite/lib.rs").replace("300", "1200"));
    commit(&world);
    let after = measured(&world);
    let words = ["explain", &before, &after, "--replay", "--blocks", "4", "--benchmark", "spin/varied"];
    let found = answer(&world, &[&words[..], &["--format", "json"]].concat()).code(0).json();
    let explained = &found["explanation"];
    let (ratio, bounds) = (&explained["replay"]["new_over_old"][0], &explained["replay"]["new_over_old"][1]);
    assert!(ratio.as_f64().unwrap() > 2.0 && bounds[0].as_f64().unwrap() > 1.0, "{explained:#}");
    // A machine that moved meanwhile makes it mixed; nothing makes it the machine's or the compiler's alone.
    let cause = explained["cause"].as_str().unwrap();
    assert!(cause == "code" || cause == "mixed", "{explained:#}");
    let stored = explained["replay"]["experiment"].as_str().unwrap();
    answer(&world, &["experiment", "--show", stored]).code(0).shows(&["spin/varied"]);
    // The same code again: there is nothing to travel to.
    let again = measured(&world);
    answer(&world, &["explain", &after, &again, "--replay"])
        .code(2)
        .says(&["both runs ran the same executable"]);
}
