//! Stores that cannot be used, and runs that cannot be found, as a person meets them: code, words, nothing lost.

use bench_runner::clock;
use bench_runner::model::run::{RunKind, RunStatus};
use bench_runner::store::{OpenMode, RunFilter, Store};
use rusqlite::Connection;

use super::cli_support::{World, founding};

/// Commands that read and one that writes.
fn check(world: &World, reading: i32, writing: i32, parts: &[&str]) {
    world.answer(&["list"]).code(reading).says(parts);
    world.answer(&["show"]).code(reading).says(parts);
    world.answer(&["report"]).code(reading).says(parts);
    world.answer(&["import", "summary", &founding()]).code(writing).says(parts);
}

#[test]
fn a_file_that_is_no_store_is_97_and_stays_as_it_is() {
    let world = World::new();
    world.write("store.sqlite", "Dear diary,\n");
    check(
        &world,
        97,
        97,
        &["store.sqlite", "is not an SQLite database", "hint: name another file with `--store`"],
    );
    // Found out before anything is built.
    let answer = world.measure(&["-p", "suite"]).code(97).says(&["is not an SQLite database"]);
    assert!(!answer.err.contains("building"), "{}", answer.err);
    assert_eq!(world.read("store.sqlite"), "Dear diary,\n");
}

#[test]
fn a_database_of_another_program_is_97_and_stays_as_it_is() {
    let world = World::new();
    let connection = Connection::open(world.path("store.sqlite")).unwrap();
    connection.execute_batch("CREATE TABLE diary (day TEXT); PRAGMA application_id = 7;").unwrap();
    drop(connection);
    let before = std::fs::read(world.path("store.sqlite")).unwrap();
    check(&world, 97, 97, &["store.sqlite", "not a store of this program", "this one was not touched"]);
    assert_eq!(std::fs::read(world.path("store.sqlite")).unwrap(), before);
}

#[test]
fn a_store_of_a_newer_version_is_97_and_stays_as_it_is() {
    let world = World::new();
    let kept = world.with_history();
    let version = |number: i64| {
        let connection = Connection::open(world.path("store.sqlite")).unwrap();
        let before: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        connection.pragma_update(None, "user_version", number).unwrap();
        before
    };
    let known = version(99);
    check(&world, 97, 97, &["written by a newer version", "its schema is 99", "hint: update bench-runner"]);
    version(known);
    world.keeps(&kept);
}

/// Starts commands without root's right to ignore file modes; started programs get the rest of root's rights back.
#[cfg(target_os = "linux")]
fn as_ordinary_user(work: impl FnOnce() + Send) {
    use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            for right in [CapabilitySet::DAC_OVERRIDE, CapabilitySet::DAC_READ_SEARCH] {
                // Who may not give it up does not have it.
                remove_capability_from_bounding_set(right).ok();
            }
            work();
        });
        work.join().unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_store_is_read_and_not_written() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let kept = world.with_history();
    let mode = |name: &str, mode| {
        std::fs::set_permissions(world.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("store.sqlite", 0o444);
    mode("", 0o555);
    as_ordinary_user(|| {
        world.answer(&["list"]).code(0).shows(&[&kept]);
        world.answer(&["show"]).code(0);
        let parts = ["cannot be written to", "hint: make file and folder writable"];
        world.answer(&["import", "summary", &founding()]).code(97).says(&parts);
        world.answer(&["report"]).code(1).says(&["reports", "Permission denied", "hint:"]);
        world.answer(&["bundle", "export", "latest"]).code(1).says(&["Permission denied", "hint:"]);
    });
    mode("", 0o755);
    world.keeps(&kept);
}

#[test]
fn no_store_and_no_run_are_4() {
    let world = World::new();
    for words in [&["list"][..], &["show"], &["report"], &["machines"], &["bundle", "export", "latest"]] {
        let parts = ["there is no store at", "hint: measure something first with `bench-runner run`"];
        world.answer(words).code(4).says(&parts);
    }
    assert!(!world.path("store.sqlite").exists(), "reading made a store");
    drop(Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap());
    world.answer(&["show"]).code(4).says(&["holds no run yet", "hint: measure something first"]);
    world.answer(&["list"]).code(0);
    world.with_history();
    world.answer(&["show", "zzzz"]).code(4).says(&["no run is called `zzzz`", "hint: `bench-runner list`"]);
    world.answer(&["machines", "zzzz"]).code(4).says(&["no machine is called `zzzz`", "hint:"]);
    world.answer(&["gate"]).code(4).says(&["no budget is configured", "hint: add a `[[budget]]`"]);
}

#[test]
fn an_ambiguous_run_is_2_and_names_the_candidates() {
    let world = World::new();
    world.with_history();
    let ids = world.with_twins();
    for command in ["show", "report"] {
        let parts = ["`01ARZ3` can mean 2 runs", ids[0], ids[1], "hint: give more characters of the id"];
        world.answer(&[command, "01ARZ3"]).code(2).says(&parts);
    }
    world.answer(&["show", "g5faw"]).code(0);
    world.answer(&["compare", ids[0], ids[0]]).code(2).says(&["both sides are run", "hint:"]);
    // Records without raw samples are shown side by side, and no verdict is made of them.
    world.answer(&["compare", ids[0], ids[1]]).code(121);
}

#[test]
fn imports_say_what_was_wrong() {
    let world = World::new();
    let kept = world.with_history();
    let check = |words: &[&str], code: i32, parts: &[&str]| drop(world.answer(words).code(code).says(parts));
    check(&["import", "summary", "absent.json"], 1, &["absent.json", "hint:"]);
    world.write("torn.json", "{\"schema\": ");
    check(&["import", "summary", "torn.json"], 1, &["torn.json", "hint:"]);
    check(&["import", "criterion", "absent"], 4, &["absent", "hint:"]);
    check(&["bundle", "import", "torn.json"], 1, &["torn.json", "hint:"]);
    world.answer(&["bundle", "export", "latest", "--out", "run.json"]).code(0);
    world.answer(&["bundle", "import", "run.json"]).code(0).shows(&["already stored"]);
    let bundle = world.read("run.json");
    let forged = bundle.replacen("17309", "15000", 1);
    assert_ne!(forged, bundle, "the founding number is in the bundle");
    world.write("forged.json", &forged);
    check(&["bundle", "import", "forged.json"], 123, &["forged.json", "does not match its SHA-256", "hint:"]);
    world.keeps(&kept);
}

/// Writes one result as Criterion leaves it, with the last file missing if it shall be torn.
fn result(world: &World, name: &str, torn: bool) {
    world.write(&format!("criterion/{name}/new/sample.json"), SAMPLE);
    if !torn {
        let marker = format!(r#"{{"group_id": "{name}", "function_id": null, "value_str": null}}"#);
        world.write(&format!("criterion/{name}/new/benchmark.json"), &marker);
    }
}

const SAMPLE: &str = r#"{"sampling_mode": "Flat", "iters": [2.0, 2.0, 2.0], "times": [20.0, 22.0, 24.0]}"#;

#[test]
fn criterion_results_are_imported_once_and_say_what_is_unknown() {
    let world = World::new();
    result(&world, "whole", false);
    let import = |more: &[&str], word: &str| -> String {
        let words = [&["import", "criterion", "criterion", "--format", "json"], more].concat();
        let answer = world.answer(&words).code(0).json();
        assert_eq!(answer["outcome"], word);
        answer["run"].as_str().unwrap().to_owned()
    };
    let first = import(&[], "added");
    assert_eq!(import(&[], "already_there"), first);
    let here = import(&["--here"], "added");
    assert_eq!(import(&["--here"], "already_there"), here);
    let run = |id: &str| world.store().run(&id.parse().unwrap()).unwrap();
    assert!(run(&first).facts.is_empty() && !run(&here).facts.is_empty());
    assert_eq!(run(&here).findings.last().unwrap().code, "facts-read-later");
    assert_eq!(run(&here).status, RunStatus::Complete);
    result(&world, "cut", true);
    let torn = run(&import(&[], "added"));
    assert_eq!(torn.status, RunStatus::Partial);
    assert!(torn.launches[0].reason.as_ref().unwrap().contains("torn"));
    let csv = world.answer(&["show", &here, "--format", "csv"]).code(0).out;
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][13..], ["interval_method", "run_status", "run_kind", "machine"]);
    assert_eq!(rows[1][13..16], ["within_launch_bootstrap", "complete", "imported"]);
    assert_eq!(rows[1][16], run(&here).identity.machine);
}

#[test]
fn a_founding_record_that_failed_is_made_up_for() {
    let world = World::new();
    let settings = world.read("bench-runner.toml");
    world.write("bench-runner.toml", &format!("founding = [\"founding.json\"]\n{settings}"));
    world.write("founding.json", "{\"schema\": ");
    result(&world, "whole", false);
    let import = ["import", "criterion", "criterion"];
    world.answer(&import).code(1).says(&["founding.json", "hint:"]);
    assert!(!world.path("store.sqlite").exists(), "a store without its beginning");
    // The store is there before the record is.
    drop(Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap());
    world.write("founding.json", &std::fs::read_to_string(founding()).unwrap());
    world.answer(&import).code(0);
    world.answer(&import).code(0).shows(&["already stored"]);
    let runs = world.store().runs(&RunFilter::default(), 10).unwrap();
    let summaries: Vec<_> = runs.iter().filter(|run| run.kind == RunKind::Summary).collect();
    assert_eq!((runs.len(), summaries.len()), (2, 1));
    world.keeps(summaries[0].id.as_str());
}
