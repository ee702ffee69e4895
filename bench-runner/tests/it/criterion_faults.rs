//! Launches of benches that misbehave: nothing partial is ever called complete, and what is missing is named.

use std::time::Duration;

use bench_runner::criterion::inventory::Naming;
use bench_runner::criterion::launch::Stop;
use bench_runner::model::measurement::SamplingMode;
use bench_runner::model::run::{Capture, LaunchStatus};
use bench_runner::model::units::{Metric, Throughput};

use super::criterion_support::{Play, Played, ask, bench, misbehaving, name, play};

fn run(target: &str, scenario: &str) -> Played {
    play(&misbehaving(target, scenario), &Play::default())
}

/// What is true of every launch, whatever happened.
#[track_caller]
fn check_books(played: &Played) {
    let outcome = &played.outcome;
    let delivered: Vec<_> = played.measurements.iter().map(|m| m.benchmark.clone()).collect();
    assert_eq!(outcome.measured, delivered, "what is reported as measured was handed on");
    assert!(played.measurements.iter().all(|m| !m.sample.is_empty()));
    let valid = |total: f64| total.is_finite() && total > 0.0;
    assert!(played.measurements.iter().flat_map(|m| &m.sample).all(|o| o.iterations > 0 && valid(o.total)));
    let named: Vec<_> = outcome.findings.iter().filter(|f| f.code == "benchmark-missing").collect();
    assert_eq!(named.len(), outcome.missing.len(), "every missing benchmark has its finding");
    assert_eq!(outcome.status == LaunchStatus::Complete, outcome.reason.is_none());
}

#[track_caller]
fn complete(played: &Played, capture: Capture, measured: &[&str]) {
    check_books(played);
    assert_eq!(played.outcome.status, LaunchStatus::Complete, "{:#?}", played.outcome);
    assert_eq!((played.outcome.capture, played.outcome.exit_code), (Some(capture), Some(0)));
    assert_eq!(played.measured(), measured);
    assert_eq!(played.missing(), [""; 0]);
}

#[track_caller]
fn partial(played: &Played, reason: &str, measured: &[&str], missing: &[&str]) {
    check_books(played);
    assert_eq!(played.outcome.status, LaunchStatus::Partial, "{:#?}", played.outcome);
    assert!(
        played.reason().contains(reason),
        "{reason:?} is not in {:?}\n{:#?}",
        played.reason(),
        played.outcome
    );
    assert_eq!((played.measured(), played.missing()), (words(measured), words(missing)));
}

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

const ALL: [&str; 3] = ["first", "second", "third"];

#[test]
fn well_behaved_bench_is_complete() {
    let played = play(&bench("normal"), &Play::default());
    complete(&played, Capture::Socket, &["same", "sum/slice/8", "sum/slice/64", "sum/pair", "counted"]);
    assert_eq!(played.inventory.naming, Naming::Ids);
    assert_eq!(played.inventory.ids, played.outcome.measured);
    assert_eq!(played.outcome.harness_version.as_deref(), Some("0.8.2"));
    assert_eq!(played.codes(), [""; 0]);
    assert_eq!(played.events[..4], ["connected", "warm-up", "measuring", "measured"]);
    let of = |id: &str| played.measurements.iter().find(|m| name(&m.benchmark) == id).unwrap();
    assert_eq!(of("sum/slice/8").throughput, [Throughput::Elements(8)]);
    assert_eq!(of("sum/pair").throughput, [Throughput::ElementsAndBytes { elements: 2, bytes: 16 }]);
    assert_eq!(of("same").metric, Metric::time());
    let settings = of("same").settings.clone().unwrap();
    assert_eq!((settings.sample_size, of("same").sample.len()), (10, 10));
    assert!((settings.measurement_ns - 2e7).abs() < 1.0 && (settings.warm_up_ns - 1e7).abs() < 1.0);
    let counted = of("counted");
    assert_eq!(counted.metric, Metric { name: "custom".to_owned(), unit: "steps".to_owned() });
    // 3000 thousandths per observation, whatever the number of iterations.
    assert!(counted.sample.iter().all(|o| (o.total - 3.0).abs() < 1e-9), "{counted:?}");
    assert_eq!(counted.sampling, SamplingMode::Linear);
}

#[test]
fn selection_runs_what_was_selected() {
    let only = |names: &[&'static str]| Play { only: names.to_vec(), ..Play::default() };
    let played = play(&bench("normal"), &only(&["sum/slice/8", "counted"]));
    complete(&played, Capture::Socket, &["sum/slice/8", "counted"]);
    assert_eq!(played.codes(), [""; 0]);
}

#[test]
fn criterion_of_three_years_ago_is_understood() {
    let played = play(&bench("older"), &Play::default());
    complete(&played, Capture::Socket, &["plain", "größe/f/128"]);
    assert_eq!(played.outcome.harness_version.as_deref(), Some("0.5.1"));
    assert_eq!(played.measurements[1].throughput, [Throughput::Bytes(128)]);
    assert!(played.measurements[1].settings.is_some());
    let selected = play(&bench("older"), &Play { only: vec!["größe/f/128"], ..Play::default() });
    complete(&selected, Capture::Socket, &["größe/f/128"]);
}

#[test]
fn ends_in_the_middle_are_partial() {
    let check = |scenario: &str, reason: &str, code: Option<i32>| {
        let played = run("faults", scenario);
        partial(&played, reason, &["first"], &["second", "third"]);
        assert!(played.reason().ends_with("2 of 3 benchmarks missing: faults/second, faults/third"));
        assert_eq!(played.outcome.exit_code, code, "{scenario}");
    };
    check("panic", "it panicked (exit code 101) inside the benchmark faults/second", Some(101));
    check("exit", "it exited with code 0 inside the benchmark faults/second", Some(0));
    check("abort", "killed by signal 6 inside the benchmark faults/second", None);
    let played = run("faults", "panic");
    assert!(played.outcome.stderr_tail.contains("as planned"), "{}", played.outcome.stderr_tail);
}

#[test]
fn hanging_benches_are_ended() {
    let impatient = Play { patience: Duration::from_millis(1500), ..Play::default() };
    let played = play(&misbehaving("faults", "hang"), &impatient);
    partial(&played, "hung: warm-up of faults/second lasted for 1.5 s", &["first"], &["second", "third"]);
    let played = play(&misbehaving("faults", "linger"), &impatient);
    partial(&played, "hung: nothing after permission to go on for 1.5 s", &ALL, &[]);
}

#[test]
fn zero_times_are_refused() {
    let played = run("faults", "zero");
    partial(&played, "1 of 3 benchmarks missing: faults/second", &["first", "third"], &["second"]);
    assert_eq!(played.codes(), ["sample-invalid", "benchmark-missing"]);
}

#[test]
fn exit_code_after_complete_results_counts() {
    let played = run("faults", "code");
    partial(&played, "exit code 3", &ALL, &[]);
    assert_eq!(played.outcome.exit_code, Some(3));
}

#[test]
fn equal_ids_are_kept_apart() {
    let played = run("faults", "duplicates");
    let all = ["first", "same", "same#2", "first/part", "first/part", "second", "third", "same#3"];
    complete(&played, Capture::Socket, &all);
    assert_eq!(played.inventory.ids, played.outcome.measured);
    let codes: Vec<_> = played.inventory.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["id-repeated"; 2]);
    // The same id in another target is another benchmark.
    let other = ask(&bench("normal"));
    assert_eq!(other.ids[0].full_id(), "same");
    assert!(!played.inventory.ids.contains(&other.ids[0]));
}

#[test]
fn names_keep_their_length_and_characters() {
    let played = run("faults", "names");
    let long = "long-".repeat(60);
    let wide = "ä".repeat(150) + "tail";
    let all = [
        "first",
        &long,
        &wide,
        "größe/日本語/🦀",
        "a/b/c/d/e/f",
        "a/b/regex (.*)+[a-z]|\\d?^$",
        "second",
        "third",
    ];
    complete(&played, Capture::Socket, &all);
    let parts = &played.outcome.measured[4];
    assert_eq!((parts.function.as_deref(), parts.value.as_deref()), (Some("c/d"), Some("e/f")));
    let only =
        Play { only: vec!["a/b/regex (.*)+[a-z]|\\d?^$", "größe/日本語/🦀"], ..Play::default() };
    let selected = play(&misbehaving("faults", "names"), &only);
    complete(&selected, Capture::Socket, &["größe/日本語/🦀", "a/b/regex (.*)+[a-z]|\\d?^$"]);
}

#[test]
fn files_are_read_when_the_bench_does_not_connect() {
    for scenario in ["files", "refused"] {
        let played = run("faults", scenario);
        complete(&played, Capture::Files, &ALL);
        assert_eq!(played.inventory.naming, Naming::Titles);
        assert_eq!(played.outcome.harness_version, None);
        assert_eq!(played.codes(), ["unit-assumed"]);
        assert_eq!(played.measurements[0].sample.len(), 10);
    }
    // Titles are cut after 100 bytes; the files tell the whole id.
    let played = run("faults", "titles");
    assert_eq!(played.outcome.status, LaunchStatus::Complete, "{:#?}", played.outcome);
    assert!(played.measured().contains(&"long-".repeat(60)));
    check_books(&played);
}

#[test]
fn torn_files_are_left_out() {
    let played = run("faults", "torn");
    partial(&played, "2 of 3 benchmarks missing", &["third"], &["first", "second"]);
    let torn = played.outcome.findings.iter().filter(|finding| finding.code == "result-torn");
    let evidence: Vec<_> = torn.map(|finding| finding.evidence.as_str()).collect();
    assert_eq!(
        evidence,
        [
            "`benchmark.json`, which is written last, is missing",
            "`tukey.json` is newer than `benchmark.json`, which is written last"
        ]
    );
}

#[test]
fn benches_may_change_directory() {
    complete(&run("faults", "directory"), Capture::Socket, &ALL);
}

#[test]
fn floods_of_output_are_drained() {
    let played = run("faults", "prints");
    complete(&played, Capture::Socket, &ALL);
    assert!(played.outcome.stdout_tail.len() <= 16 << 10);
    assert!(played.outcome.stdout_tail.ends_with("the last words\n"));
}

#[test]
fn children_left_behind_are_killed_and_told() {
    let played = run("faults", "child");
    complete(&played, Capture::Socket, &ALL);
    assert_eq!(played.codes(), ["bench-left-process"]);
}

#[test]
fn connection_held_by_a_stranger_does_not_block() {
    let played = run("fake", "inherited");
    complete(&played, Capture::Socket, &["one", "two"]);
    assert_eq!(played.codes(), ["bench-left-process"]);
}

#[test]
fn benchmarks_that_appear_from_nowhere_are_told() {
    let played = run("faults", "surprise");
    complete(&played, Capture::Socket, &["first", "second", "third", "surprise"]);
    assert_eq!(played.codes(), ["benchmark-unexpected"]);
}

#[test]
fn cancelled_launches_end_at_once() {
    let cancelling = Play {
        react: |cancel, kind| {
            if kind == "warm-up" {
                cancel.cancel();
            }
            Ok(())
        },
        ..Play::default()
    };
    partial(&play(&misbehaving("faults", "hang"), &cancelling), "cancelled", &[], &ALL);
}

#[test]
fn receivers_of_events_can_stop_a_launch() {
    let full = Play {
        react: |_, kind| match kind {
            "measured" => Err(Stop { reason: "the store is full".to_owned() }),
            _ => Ok(()),
        },
        ..Play::default()
    };
    let played = play(&misbehaving("faults", ""), &full);
    // It was delivered but not accepted: nobody may count on it.
    assert_eq!(played.outcome.status, LaunchStatus::Partial);
    assert_eq!(played.missing(), ALL);
    assert!(played.reason().starts_with("the store is full; "), "{}", played.reason());
}

#[test]
fn strange_protocols_are_survived() {
    let fake = |scenario: &str| run("fake", scenario);
    complete(&fake(""), Capture::Socket, &["one", "two"]);
    let unknown = fake("unknown");
    complete(&unknown, Capture::Socket, &["one", "two"]);
    assert_eq!(unknown.codes(), ["message-unknown"]);
    let check = |scenario: &str, reason: &str| partial(&fake(scenario), reason, &["one"], &["two"]);
    check("truncated", "the connection ended inside a message inside the benchmark fake/two");
    check("huge", "a message of 4294967295 bytes was announced");
    check("nonsense", "a message cannot be read: not CBOR");
    for scenario in ["malformed", "nan", "uneven", "count", "total", "unannounced"] {
        check(scenario, "1 of 2 benchmarks missing: fake/two");
    }
    let refused = |scenario: &str| {
        let findings = fake(scenario).outcome.findings;
        findings.into_iter().find(|finding| finding.code == "sample-invalid").unwrap().evidence
    };
    assert_eq!(refused("nan"), "observation 1 took NaN for 2 iterations");
    assert_eq!(refused("uneven"), "3 iteration counts but 2 totals");
    assert_eq!(refused("count"), "4 observations were announced, 3 arrived");
    assert_eq!(refused("total"), "7 iterations were announced, 6 arrived");
    assert_eq!(refused("unannounced"), "its start was never announced");
}

#[test]
fn future_protocols_fall_back_to_files() {
    let played = run("fake", "protocol");
    assert!(!played.inventory.complete, "{:?}", played.inventory);
    assert_eq!(played.outcome.status, LaunchStatus::Partial);
    assert!(played.codes().contains(&"protocol-unknown"), "{:?}", played.codes());
}

#[test]
fn programs_without_criterion_are_told_apart() {
    let played = play(&bench("mute"), &Play::default());
    assert!(!played.inventory.complete);
    let evidence = &played.inventory.findings[0].evidence;
    assert_eq!(evidence, "it ended well but named no benchmark: it may not be a Criterion bench");
    assert_eq!(played.outcome.capture, None);
    partial(&played, "neither connected nor wrote results", &[], &[]);
}
