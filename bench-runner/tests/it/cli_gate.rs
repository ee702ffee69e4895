//! `gate` and `run --gate`: which exit code each outcome has, on a run that was really measured.

use std::sync::OnceLock;

use bench_runner::clock;
use bench_runner::model::finding::Severity;
use bench_runner::model::record::RunRecord;
use bench_runner::model::run::RunStatus;
use bench_runner::store::{OpenMode, Store};

use super::cli_support::{World, founding};

/// A complete run of three launches. What the doctor thinks of this machine is left out: it may block every gate here.
fn record() -> &'static RunRecord {
    static RECORD: OnceLock<RunRecord> = OnceLock::new();
    RECORD.get_or_init(|| {
        let world = World::new();
        world.measure(&["-p", "suite", "--bench", "normal", "--launches", "3", "--no-report"]).code(0);
        let store = world.store();
        let mut record = store.record(&store.resolve("latest").unwrap()).unwrap();
        record.run.findings.retain(|finding| finding.severity != Severity::Blocking);
        record
    })
}

fn budget(benchmark: &str, limit: &str, class: &str) -> String {
    let id = format!("{benchmark} {limit} {}", class.split('/').next().unwrap());
    format!(
        "\n[[budget]]\nid = \"{id}\"\nbenchmark = \"{benchmark}\"\nlimit = \"{limit}\"\nhw_class = \"{class}\"\n"
    )
}

/// A world that holds `record` and these budgets.
fn world(record: &RunRecord, budgets: &[String]) -> World {
    let world = World::configured(&budgets.concat());
    let mut store = Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap().0;
    store.import_run(record).unwrap();
    world
}

#[track_caller]
fn check(record: &RunRecord, budgets: &[String], code: i32, verdicts: &[&str]) {
    let world = world(record, budgets);
    let answer = world.answer(&["gate", "--format", "json"]).code(code);
    let items = answer.json()["items"].as_array().unwrap().clone();
    let found: Vec<&str> = items.iter().map(|item| item["verdict"].as_str().unwrap()).collect();
    assert_eq!(found, verdicts);
    assert!(items.iter().all(|item| !item["reason"].as_str().unwrap().is_empty()), "{items:?}");
    // The same in words, with the reasons.
    world.answer(&["gate"]).code(code).shows(&["budget", "verdict", "why"]);
}

#[test]
fn each_outcome_has_its_code() {
    let class = record().run.identity.hw_class.as_str();
    let pass = budget("normal/same", "1 s", class);
    let fail = budget("normal/same", "0.000001 ns", class);
    let missing = budget("normal/absent", "1 s", class);
    let elsewhere = budget("normal/same", "1 s", "z80/one/1c1t/1g");
    check(record(), std::slice::from_ref(&pass), 0, &["pass"]);
    check(record(), std::slice::from_ref(&fail), 100, &["fail"]);
    check(record(), std::slice::from_ref(&missing), 117, &["missing"]);
    check(record(), std::slice::from_ref(&elsewhere), 121, &["not_applicable"]);
    check(record(), &[pass.clone(), elsewhere], 0, &["pass", "not_applicable"]);
    check(record(), &[pass.clone(), missing.clone()], 117, &["pass", "missing"]);
    check(record(), &[missing, fail, pass], 100, &["missing", "fail", "pass"]);
    // Steps are no time.
    check(record(), &[budget("normal/counted", "1 s", class)], 121, &["not_comparable"]);
}

#[test]
fn one_launch_is_inconclusive_and_a_partial_run_not_comparable() {
    let budgets = [budget("normal/same", "1 s", &record().run.identity.hw_class)];
    let mut single = record().clone();
    single.run.launches.truncate(1);
    single.measurements.retain(|entry| entry.launch == 0);
    check(&single, &budgets, 120, &["inconclusive"]);
    let mut partial = record().clone();
    partial.run.status = RunStatus::Partial;
    check(&partial, &budgets, 121, &["not_comparable"]);
}

#[test]
fn the_founding_record_is_never_judged() {
    let budgets = [budget("sign_bench/ed25519_sign_128B", "18.0 us", "x86_64/intel-core-i5-8257u/4c8t/16g")];
    let world = World::configured(&budgets.concat());
    world.answer(&["import", "summary", &founding()]).code(0);
    world.answer(&["gate"]).code(121).shows(&["sign_bench/ed25519_sign_128B 18.0", "not comparable"]);
}

#[test]
fn runs_may_end_with_the_code_of_their_gate() {
    let world = World::configured(&budget("normal/same", "1 s", "z80/one/1c1t/1g"));
    let words = ["-p", "suite", "--bench", "normal", "--filter", "same", "--no-report"];
    world.measure(&words).code(0);
    world.measure(&[&words[..], &["--gate"]].concat()).code(121);
    assert_eq!(world.answer(&["show", "--format", "json"]).json()["run"]["status"], "complete");
    // Without a budget and a history nothing is judged, which is no pass; the run is stored all the same.
    let bare = World::new();
    bare.measure(&[&words[..], &["--gate"]].concat()).code(4).says(&["nothing was judged"]);
    assert_eq!(bare.answer(&["show", "--format", "json"]).json()["run"]["status"], "complete");
    bare.misbehave("panic", &["--gate"]).code(119);
    bare.measure(&["--no-confirm"]).code(2).says(&["--gate"]);
    // A broken bench is the stronger reason.
    world.misbehave("panic", &["--gate"]).code(119);
}
