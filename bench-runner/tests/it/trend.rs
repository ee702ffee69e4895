//! `trend` on nights written into a store, and `scripts/nightly.sh` with a stand-in for the program: nothing is timed.

use bench_runner::model::decision::{Decision, DecisionKind};
use bench_runner::model::fact::keys;
use bench_runner::model::ids::Digest;
use bench_runner::model::units::Timestamp;
use bench_runner::store::{OpenMode, Store};
use serde_json::Value;

use super::cli_support::{Answer, World, repository};
use super::gate_history::{DAY, Nights, names, night};
use super::release::fact;

/// Two hours after the newest night.
fn now(nights: &Nights) -> String {
    moment(i64::from(nights.count) - 1, 2)
}

fn moment(night: i64, hours: i64) -> String {
    let micros = 1_700_000_000_000_000 + night * DAY + hours * DAY / 24;
    bench_runner::report::format::timestamp(Timestamp(micros))
}

fn answer(nights: &Nights, more: &[&str]) -> Answer {
    let now = now(nights);
    nights.world.answer(&[&["trend", "--now", &now], more].concat())
}

#[track_caller]
fn json(nights: &Nights) -> Value {
    answer(nights, &["--format", "json"]).code(0).json()["trend"].clone()
}

/// The benchmarks of each change of a list.
fn moved(report: &Value, list: &str) -> Vec<Vec<String>> {
    let changes = report[list].as_array().unwrap();
    let group = |one: &Value| one["benchmark"]["group"].as_str().unwrap().to_owned();
    changes.iter().map(|change| change["members"].as_array().unwrap().iter().map(group).collect()).collect()
}

fn step(name: &str) -> f64 {
    if name == "g03" { 1.1 } else { 1.0 }
}

#[test]
fn the_first_line_says_how_tonight_is() {
    let mut nights = Nights::new(45, "");
    let first = |nights: &Nights| answer(nights, &[]).code(0).out.lines().next().unwrap().to_owned();
    assert_eq!(
        first(&nights),
        "Fine: 12 of 12 benchmarks judged on 1 machine, none slower; measured 2 hours"
    );
    let late = nights.world.answer(&["trend", "--now", &moment(50, 0)]).code(0);
    assert!(late.out.starts_with("Nothing was measured since 2023-12-28T22:13:20Z (6 days"), "{}", late.out);
    let early = nights.world.answer(&["trend", "--now", &moment(-9, 0)]).code(4);
    assert!(early.out.starts_with("Nothing was ever measured."), "{}", early.out);
    nights.world.answer(&["trend", "--machine", "nobody"]).code(4).says(&["nobody", "machines"]);
    nights.world.answer(&["trend", "--now", "yesterday"]).code(2);
    nights.add(1, step);
    let line = first(&nights);
    assert!(line.starts_with("Cannot tell: 1 benchmark is unusual tonight"), "{line}");
    assert_eq!(json(&nights)["undecided"][0]["benchmark"]["group"], "g03");
    nights.add(5, step);
    let line = first(&nights);
    assert!(line.starts_with("1 benchmark got slower; the worst is t/g03 on 01234567: +"), "{line}");
}

#[test]
fn a_step_is_dated_sized_and_leaves_when_it_is_decided() {
    let mut nights = Nights::new(45, "");
    nights.add(1, step);
    let change = nights.gate(&[], 120)["series"][0]["change"].as_str().unwrap().to_owned();
    nights.add(7, step);
    let report = json(&nights);
    assert_eq!(report["tonight"], "slower");
    assert_eq!(moved(&report, "slower"), [["g03"]]);
    let slower = &report["slower"][0];
    let (low, high) = (slower["interval"][0].as_f64().unwrap(), slower["interval"][1].as_f64().unwrap());
    assert!(low < 1.1 && 1.1 < high && low > 1.05 && high < 1.15, "{slower}");
    // The engine may be off by a night where the noise is larger than a part of the step.
    let first: u32 = slower["first"].as_str().unwrap()[5..].parse().unwrap();
    assert!((44..=46).contains(&first), "{slower}");
    assert_eq!(slower["runs"].as_u64(), Some(u64::from(nights.count - first)));
    assert_eq!(slower["members"][0]["change"], change.as_str(), "it is the change that the gate noted");
    assert_eq!(slower["members"][0]["values"].as_array().unwrap().len(), 30);
    nights.world.answer(&["changes", "accept", &change, "--reason", "meant so"]).code(0);
    let report = json(&nights);
    assert_eq!(
        (moved(&report, "slower").len(), moved(&report, "decided")),
        (0, vec![vec!["g03".to_owned()]])
    );
    answer(&nights, &["--format", "markdown"]).code(0).shows(&["## Decided (1)", "accepted: meant so"]);
}

#[test]
fn what_moves_together_is_one_row_and_good_news_is_apart() {
    let mut nights = Nights::new(45, "");
    nights.add(8, |name| match name {
        "g02" | "g05" | "g09" => 1.1,
        "g07" => 0.9,
        _ => 1.0,
    });
    let report = json(&nights);
    let mut slower = moved(&report, "slower");
    slower.iter_mut().for_each(|names| names.sort());
    assert_eq!(slower, [["g02", "g05", "g09"]]);
    assert_eq!(moved(&report, "faster"), [["g07"]]);
    answer(&nights, &["--format", "markdown"])
        .code(0)
        .shows(&["3 benchmarks got slower in 1 step", "Good news (1)"]);
    answer(&nights, &["--format", "csv"])
        .code(0)
        .shows(&["slower,0123456789abcdef,suite/t/g02,1.", "faster,"]);
    // It goes back after so few nights that it was no level: nothing is news any more.
    nights.add(20, |_| 1.0);
    let report = json(&nights);
    assert_eq!((moved(&report, "slower").len(), moved(&report, "faster").len()), (0, 0), "{report}");
    assert_eq!(report["tonight"], "fine");
}

#[test]
fn a_step_that_only_history_shows_can_be_decided_about_with_what_moved_together() {
    let mut nights = Nights::new(45, "");
    nights.add(8, |name| if matches!(name, "g02" | "g05") { 1.1 } else { 1.0 });
    let report = json(&nights);
    let members = report["slower"][0]["members"].as_array().unwrap();
    assert_eq!((report["slower"].as_array().unwrap().len(), members.len()), (1, 2));
    assert!(members.iter().all(|one| one["change"].is_null()), "no gate was asked");
    let names: Vec<&str> = members.iter().map(|one| one["name"].as_str().unwrap()).collect();
    answer(&nights, &["--format", "markdown"]).code(0).shows(&[names[0], "unknown: "]);
    let shown = nights.world.answer(&["changes", "show", &names[0][..6]]).code(0);
    shown.shows(&[names[0], "since", "moved together", names[1], "the gate noted nothing"]);
    nights.world.answer(&["changes", "list"]).code(0);
    nights.world.answer(&["changes", "show", "c0000000"]).code(4).says(&["no change is called"]);
    nights.world.answer(&["changes", "accept", names[0], "c0000000", "--reason", "x"]).code(4);
    assert!(nights.world.store().changes().unwrap().is_empty(), "all or nothing");
    let decided = ["changes", "accept", names[0], "--together", "--reason", "a safer table"];
    nights.world.answer(&decided).code(0).shows(&names);
    let report = json(&nights);
    assert_eq!((moved(&report, "slower").len(), moved(&report, "decided").len()), (0, 1), "{report}");
    assert_eq!(report["decided"][0]["reason"], "a safer table");
    let listed = nights.world.answer(&["changes", "list", "--format", "json"]).code(0).json();
    let states: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|item| item["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["accepted", "accepted"]);
    assert_eq!(listed["items"][0]["cause"]["cause"], "unknown");
    nights.world.answer(&["changes", "show", names[0]]).code(0).shows(&["accepted: a safer table"]);
}

#[test]
fn a_repair_that_repaired_nothing_is_news_again() {
    let mut nights = Nights::new(45, "");
    nights.add(8, step);
    let name = json(&nights)["slower"][0]["members"][0]["name"].as_str().unwrap().to_owned();
    nights.world.answer(&["changes", "noise", &name, "--reason", "the fan"]).code(0);
    assert_eq!(json(&nights)["tonight"], "fine");
    let path = nights.world.path("store.sqlite");
    let mut store = Store::open(&path, OpenMode::ReadWrite, bench_runner::clock::now()).unwrap().0;
    let decision = Decision {
        subject: name,
        kind: DecisionKind::Fix,
        reason: "inlined".to_owned(),
        until: None,
        at: Timestamp(1_700_000_000_000_000 + i64::from(nights.count - 1) * DAY + 1),
    };
    store.decide(&decision).unwrap();
    drop(store);
    let report = json(&nights);
    assert_eq!(report["decided"][0]["state"], "fixed", "no night since: who knows");
    nights.add(3, step);
    let report = json(&nights);
    assert_eq!(report["slower"][0]["state"], "new", "{report}");
    assert_eq!(report["slower"][0]["reason"], "said to be fixed (inlined), and still there in 3 runs since");
}

/// A night with all that tells code from machine; its commit and executable are those of `code`.
fn told(nights: &mut Nights, code: u8, factor: f64) {
    let values: Vec<(String, f64)> = names()
        .into_iter()
        .map(|name| {
            let own = if name == "g03" { factor } else { 1.0 };
            (name, 1000.0 * own * (1.0 + 0.002 * f64::from(nights.count % 7)))
        })
        .collect();
    let mut record = night(nights.count, &values);
    let commit = format!("{code:040x}");
    let facts = [
        (keys::SOURCE_COMMIT, commit.as_str()),
        (keys::SOURCE_DIRTY, "no"),
        (keys::TOOLCHAIN_RUSTC, "rustc 1.95.0"),
        (keys::BUILD_FLAGS, "none"),
        (keys::BUILD_PROFILE, "bench"),
        (keys::BUILD_LOCK, "l1"),
        (keys::HARNESS_CRITERION, "0.8.2"),
    ];
    record.run.facts.extend(facts.map(|(key, value)| fact(key, value)));
    record.run.executables[0].digest = Digest([code; 32]);
    record.run.launches.iter_mut().for_each(|launch| launch.executable = Digest([code; 32]));
    let path = nights.world.path("store.sqlite");
    let mut store = Store::open(&path, OpenMode::ReadWrite, bench_runner::clock::now()).unwrap().0;
    store.import_run(&record).unwrap();
    nights.count += 1;
}

#[test]
fn a_step_carries_the_label_that_the_runs_around_it_give_also_after_pruning() {
    let mut nights = Nights::new(0, "");
    (0..30).for_each(|_| told(&mut nights, 1, 1.0));
    (0..10).for_each(|_| told(&mut nights, 2, 1.2));
    let cause = |nights: &Nights| json(nights)["slower"][0]["cause"].clone();
    let label = cause(&nights);
    assert_eq!(label["cause"], "code", "{label}");
    assert_eq!(label["runs"][1], format!("01K9B{:021}", 30), "{label}");
    answer(&nights, &["--format", "markdown"]).code(0).shows(&["| code  |", "this is what differs"]);
    nights.world.answer(&["db", "prune", "--samples-older-than", "1d"]).code(0);
    assert_eq!(cause(&nights), label, "medians are enough");
    nights.world.answer(&["db", "prune", "--samples-older-than", "1d", "--fold-older-than", "1d"]).code(0);
    let label = cause(&nights);
    assert_eq!(label["cause"], "unknown");
    assert!(label["why"].as_str().unwrap().contains("not in the store"), "{label}");
    // The same executable on both sides is never code.
    let mut nights = Nights::new(0, "");
    (0..30).for_each(|_| told(&mut nights, 1, 1.0));
    (0..10).for_each(|_| told(&mut nights, 1, 1.2));
    assert_eq!(cause(&nights)["cause"], "environment");
}

#[test]
fn gaps_missing_benchmarks_and_a_shift_of_the_machine_are_seen() {
    let mut nights = Nights::new(40, "");
    nights.count += 3;
    nights.add(2, |_| 1.0);
    let left: Vec<String> = names().into_iter().filter(|name| name != "g11").collect();
    nights.add_named(1, &left, |_| 1.0);
    let report = json(&nights);
    assert_eq!(report["machines"][0]["missed"], 3);
    let measured = report["machines"][0]["nights"].as_array().unwrap();
    assert_eq!(measured.iter().filter(|night| **night == Value::Bool(false)).count(), 3);
    assert_eq!(report["not_run"][0]["benchmark"]["group"], "g11");
    assert_eq!(report["not_run"].as_array().unwrap().len(), 1);
    answer(&nights, &["--ascii"]).code(0).shows(&["Not run (1)", "...###"]);
    nights.add(1, |_| 1.06);
    let report = json(&nights);
    assert_eq!(report["tonight"], "cannot_tell");
    assert!((report["machines"][0]["shift"].as_f64().unwrap() - 1.06).abs() < 0.02, "{report}");
    answer(&nights, &[]).code(0).shows(&["moved together by +"]);
}

#[test]
fn equal_stores_give_equal_pages_in_every_form() {
    let mut nights = Nights::new(45, "");
    nights.add(8, step);
    let run = || answer(&nights, &["--out", "pages", "--format", "markdown"]).code(0).out;
    let page = run();
    let files =
        || ["trend.md", "trend.html", "trend.json"].map(|name| nights.world.read(&format!("pages/{name}")));
    let before = files();
    assert_eq!((run(), files()), (page.clone(), before.clone()));
    assert_eq!(before[0], page);
    assert!(before[1].contains("Content-Security-Policy") && !before[1].contains("<script"));
    assert!(before[1].contains("▇") || before[1].contains("█"), "the nights are drawn");
    let json: Value = serde_json::from_str(&before[2]).unwrap();
    assert_eq!((&json["schema"], &json["version"]), (&"bench-runner/trend".into(), &1.into()));
    let ascii = answer(&nights, &["--ascii"]).code(0).out;
    assert!(ascii.is_ascii(), "{ascii}");
    assert!(ascii.lines().all(|line| line.len() <= 80), "{ascii}");
}

/// A stand-in for the program that notes how it was called; `trend --has` answers 0 once `run` was called.
const STAND_IN: &str = r#"#!/bin/sh
echo "$*" >>calls
case $1 in
  trend) [ "$2" != --has ] || [ -f measured ] || exit 4 ;;
  run) touch measured ;;
  gate) exit 100 ;;
  site) exit 2 ;;
  doctor) exit 122 ;;
esac
"#;

#[test]
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "the script under test is started as cron starts it")]
fn a_night_is_safe_to_run_twice_and_ends_as_its_gate() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.write("stand-in", STAND_IN);
    std::fs::set_permissions(world.path("stand-in"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let git = |args: &[&str]| {
        let who =
            ["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false"];
        let mut command = std::process::Command::new("git");
        let output = command.args(who).args(args).current_dir(world.path("")).output().unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let night = |args: &[&str]| {
        let mut command = std::process::Command::new(repository().join("scripts/nightly.sh"));
        command
            .args(args)
            .env("NIGHTLY_FOLDER", world.path(""))
            .env("NIGHTLY_RUNNER", world.path("stand-in"));
        let code = command.output().unwrap().status.code();
        let calls = world.read("calls");
        std::fs::remove_file(world.path("calls")).unwrap();
        (code, calls)
    };
    let has = format!("trend --has {commit}\n");
    let rest = "gate\ntrend --out reports/nightly\nsite --help\n";
    let measured = "doctor --wait 10m\nrun --profile nightly\n";
    assert_eq!(night(&[]), (Some(100), format!("{has}{measured}{rest}")));
    assert_eq!(night(&[]), (Some(100), format!("{has}{rest}")), "the second time nothing is measured");
    assert_eq!(night(&["--again"]), (Some(100), format!("{measured}{rest}")));
    let short = night(&["--again", "--wait", "1s", "--profile", "quick", "--out", "x"]).1;
    assert!(short.contains("doctor --wait 1s\nrun --profile quick\ngate\ntrend --out x\n"), "{short}");
}

#[test]
fn a_commit_of_this_machine_is_known_for_one_night() {
    let world = World::new();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    world.answer(&["trend", "--has", commit]).code(4);
    world.measure(&["-p", "suite", "--bench", "normal", "--no-report"]);
    let stored = world.store().runs(&bench_runner::store::RunFilter::default(), 9).unwrap();
    // The suite lies in this repository, so its commit is known wherever there is one.
    if let Some(commit) = stored.first().and_then(|run| run.commit.clone()) {
        world.answer(&["trend", "--has", &commit]).code(0);
        world.answer(&["trend", "--has", commit.get(1..).unwrap()]).code(4);
        let tomorrow = bench_runner::clock::now().0 + DAY;
        let text = bench_runner::report::format::timestamp(Timestamp(tomorrow));
        world.answer(&["trend", "--has", &commit, "--now", &text]).code(4);
    }
}
