//! Foreign formats through the executable: what comes in, what is refused, what goes out and comes back.

use std::path::PathBuf;

use bench_runner::model::record::StatedEstimate;
use bench_runner::model::run::RunKind;
use bench_runner::store::RunFilter;
use serde_json::Value;

use super::cli_support::{World, repository};
use super::exchange_support::{PAGE_BENCHMARKS, STARTED, page, page_of, page_value};

fn fixture(name: &str) -> String {
    let path: PathBuf = repository().join("bench-runner/tests/fixtures/exchange").join(name);
    path.to_str().unwrap().to_owned()
}

/// Imports a file and returns the answer.
#[track_caller]
fn import(world: &World, words: &[&str]) -> Value {
    world.answer(&[&["import"], words, &["--format", "json"]].concat()).code(0).json()
}

#[track_caller]
fn check_fixture(name: &str, format: &str, (runs, observations, estimates): (usize, u64, u64)) {
    let world = World::new();
    let file = fixture(name);
    let first = import(&world, &[&file]);
    assert_eq!(first["format"], format, "{name}");
    assert_eq!(
        (first["observations"].as_u64(), first["estimates"].as_u64()),
        (Some(observations), Some(estimates)),
        "{name}"
    );
    let outcomes = |answer: &Value| -> Vec<String> {
        answer["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["outcome"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(outcomes(&first), vec!["added"; runs], "{name}");
    let second = import(&world, &[&file, "--from", format]);
    assert_eq!(outcomes(&second), vec!["already_there"; runs], "{name}");
    for run in world.store().runs(&RunFilter::default(), 100).unwrap() {
        world.keeps(run.id.as_str());
        world.answer(&["show", run.id.as_str()]).code(0);
        let record = world.store().record(&run.id).unwrap();
        assert_ne!(record.run.kind, RunKind::Measured);
        assert!(
            !serde_json::to_string(&record).unwrap().to_lowercase().contains("person"),
            "{name} names a person"
        );
    }
}

#[test]
fn every_format_is_recognised_taken_once_and_shown() {
    check_fixture("hyperfine/v1.json", "hyperfine", (1, 3, 0));
    check_fixture("hyperfine/v2.json", "hyperfine", (1, 3, 0));
    check_fixture("critcmp/before.json", "critcmp", (1, 0, 1));
    check_fixture("benchfmt/go.txt", "benchfmt", (1, 8, 0));
    check_fixture("bmf/bmf.json", "bmf", (1, 0, 3));
    check_fixture("github_action/data.js", "github-action-benchmark", (4, 0, 7));
    check_fixture("github_action/input.json", "github-action-benchmark", (1, 0, 1));
}

#[test]
fn a_page_of_years_becomes_a_history() {
    let world = World::new();
    let commits = 60;
    world.write("data.js", &page(commits));
    world.answer(&["import", "data.js"]).code(0).shows(&[
        "github-action-benchmark: 60 runs (60 new, 0 already stored)",
        "1200 stated estimates",
        "import-ranges-left-out in 60 runs",
    ]);
    let listed = world.answer(&["list", "-n", "1000", "--format", "json"]).code(0).json();
    let listed = listed["items"].as_array().unwrap();
    assert_eq!(listed.len() as u64, commits);
    assert!(listed.iter().all(|run| run["kind"] == "summary" && run["benchmarks"] == PAGE_BENCHMARKS));
    let store = world.store();
    let series = store.series(None).unwrap();
    assert_eq!(series.len() as u64, PAGE_BENCHMARKS);
    let mut points = 0;
    for key in &series {
        let number: u64 = key.benchmark.group.strip_prefix("bench ").unwrap().parse().unwrap();
        let history = store.history(key).unwrap();
        for (commit, point) in (0_u64..).zip(&history.points) {
            assert_eq!(
                point.value.to_string(),
                page_value(commit, number).to_string(),
                "{} at {commit}",
                key.benchmark
            );
            assert_eq!(point.commit.as_deref(), Some(format!("{commit:040x}").as_str()));
            points += 1;
        }
    }
    assert_eq!(points, 1200);
    // A page that has grown adds what is new; the rest is there.
    world.write("data.js", &page(commits + 1));
    world.answer(&["import", "data.js"]).code(0).shows(&["61 runs (1 new, 60 already stored)"]);
}

#[test]
fn the_trend_of_a_page_of_years_is_searched_and_not_judged() {
    let world = World::new();
    // Benchmarks 3 and 4 get slower together at commit 90, benchmark 7 faster at commit 130.
    let value = |commit: u64, benchmark: u64| {
        let factor = match benchmark {
            3 | 4 if commit >= 90 => 125,
            7 if commit >= 130 => 80,
            _ => 100,
        };
        page_value(commit, benchmark) * factor / 100
    };
    world.write("data.js", &page_of(180, value));
    world.answer(&["import", "data.js", "--machine", "ci"]).code(0).shows(&["3600 stated estimates"]);
    world.answer(&["trend"]).code(4).shows(&["Nothing was ever measured"]);
    let words = ["trend", "--imported", "--machine", "ci"];
    let json = world.answer(&[&words[..], &["--format", "json"]].concat()).code(0).json()["trend"].clone();
    let moved = |list: &str| -> Vec<Vec<String>> {
        let group = |one: &Value| one["benchmark"]["group"].as_str().unwrap().to_owned();
        let members = |change: &Value| change["members"].as_array().unwrap().iter().map(group).collect();
        json[list].as_array().unwrap().iter().map(members).collect()
    };
    assert_eq!(moved("faster"), [["bench 7"]]);
    let mut slower = moved("slower");
    slower.iter_mut().for_each(|names| names.sort());
    assert_eq!(slower, [["bench 3", "bench 4"]]);
    let step = &json["slower"][0];
    let commit = |place: usize| step["commits"][place].as_str().unwrap().to_owned();
    assert_eq!((commit(0), commit(1)), (format!("{:040x}", 89), format!("{:040x}", 90)), "{step}");
    assert!((step["ratio"].as_f64().unwrap() - 1.25).abs() < 0.02, "{step}");
    assert_eq!(step["cause"]["cause"], "unknown");
    assert_eq!((json["tonight"].as_str(), json["imported"].as_bool()), (Some("slower"), Some(true)));
    assert_eq!(json["undecided"], Value::Array(Vec::new()));
    let page = world.answer(&[&words[..], &["--format", "markdown", "--out", "pages"]].concat()).code(0);
    page.shows(&[
        "Imported, never judged: of 20 lines over 180 runs, 2 got worse in 1 step, 1 better in 1 step",
        "One character for 3 nights",
        "no imported number is judged",
    ]);
    assert!(world.read("pages/trend.html").contains("bench 3"));
    // The command on the page makes the same page.
    let text = world.read("pages/trend.md");
    let command =
        text.lines().rev().find_map(|line| line.split_once("bench-runner trend --imported")).unwrap().1;
    let again: Vec<&str> = command.trim_end_matches(['`', '.']).split_whitespace().collect();
    let again = [&["trend", "--imported"], again.as_slice(), &["--format", "markdown"]].concat();
    assert_eq!(world.answer(&again).code(0).out, text);
    world.answer(&["trend", "--imported", "--machine", "nobody"]).code(4);
}

#[test]
fn ranges_are_intervals_only_where_somebody_says_so() {
    let stated = |words: &[&str]| -> StatedEstimate {
        let world = World::new();
        let file = fixture("github_action/data.js");
        import(&world, &[&[file.as_str()], words].concat());
        let runs = world
            .store()
            .runs(&RunFilter { suite: Some("Rust".to_owned()), ..RunFilter::default() }, 1)
            .unwrap();
        world.store().stated(&runs[0].id).unwrap().remove(0)
    };
    assert_eq!(stated(&[]).estimate.interval, None);
    let interval = stated(&["--range-level", "0.9"]).estimate.interval.unwrap();
    assert_eq!((interval.low, interval.high, interval.level), (977.0, 1027.0, 0.9));
    World::new()
        .answer(&["import", "x", "--range-level", "95"])
        .code(2)
        .says(&["not between 0 and 1", "hint:"]);
}

#[test]
fn the_standard_input_needs_a_time() {
    let world = World::new();
    let text = std::fs::read_to_string(fixture("benchfmt/go.txt")).unwrap();
    let piped = |words: &[&str]| {
        let mut command = assert_cmd::Command::from_std(world.command(words));
        command.write_stdin(text.clone()).output().unwrap()
    };
    let refused = piped(&["import", "-"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the standard input: nothing says when this was measured") && said.contains("--at"),
        "{said}"
    );
    let taken = piped(&["import", "-", "--at", "2025-11-05T19:37:00-06:00", "--machine", "attic"]);
    assert_eq!(taken.status.code(), Some(0), "{}", String::from_utf8_lossy(&taken.stderr));
    let run = world
        .store()
        .runs(&RunFilter { machine: Some("attic".to_owned()), ..RunFilter::default() }, 2)
        .unwrap()
        .remove(0);
    assert_eq!((run.started, run.kind, run.commit.as_deref()), (STARTED, RunKind::Imported, Some("abc")));
    world.answer(&["import", "-", "--at", "noon"]).code(2).says(&["--at", "hint: write it like"]);
}

/// Writes `text` to a file, and checks that it is refused with all these words and leaves the store alone.
#[track_caller]
fn refused(name: &str, text: &str, code: i32, parts: &[&str]) {
    let world = World::new();
    let kept = world.with_history();
    world.write(name, text);
    let said = world.answer(&["import", name]).code(code).says(&[name, "hint:"]).says(parts);
    assert_eq!(said.out, "");
    assert_eq!(world.store().runs(&RunFilter::default(), 10).unwrap().len(), 1);
    world.keeps(&kept);
}

#[test]
fn what_cannot_be_imported_says_where_and_why() {
    refused("diary.txt", "Dear diary,\n", 1, &["none of the known formats", "--from"]);
    refused("deep.json", &"{\"a\":[".repeat(500_000), 1, &["line 1", "limit of 64 levels of nesting"]);
    refused(
        "deep.js",
        &format!("window.BENCHMARK_DATA = {}", "[".repeat(500_000)),
        1,
        &["64 levels of nesting"],
    );
    refused("torn.json", "{\"results\": [\n  {\"command\": ", 1, &["line 2"]);
    refused(
        "new.json",
        "{\"schema_version\": 3, \"results\": []}",
        1,
        &["version 3", "known: none (1.x) and 2"],
    );
    refused(
        "own.json",
        "{\"schema\": \"bench-runner/export\", \"version\": 2, \"runs\": []}",
        1,
        &["version 2", "known: 1"],
    );
    refused("bundle.json", "{\"schema\": \"bench-runner/bundle\"}", 1, &["bundle import"]);
    refused(
        "go.txt",
        "BenchmarkA 1 2 ns/op\nBenchmarkB 1 x ns/op\n",
        1,
        &["line 2 of benchfmt: a value is no number"],
    );
    refused("empty.json", "{\"results\": []}", 4, &["there is no result in it"]);
    refused(
        "name.json",
        &format!("{{\"{}\": {{\"latency\": {{\"value\": 1}}}}}}", "x".repeat(2000)),
        1,
        &["the name `xxx", "1024 bytes"],
    );
}

#[test]
fn a_file_of_a_gibibyte_is_refused_by_its_length() {
    let world = World::new();
    // Sparse: it has that length and takes no space.
    std::fs::File::create(world.path("huge.json")).unwrap().set_len(1 << 30).unwrap();
    let parts = ["huge.json", "it has 1073741824 bytes, more than the limit of 268435456 bytes", "hint:"];
    world.answer(&["import", "huge.json"]).code(1).says(&parts);
}
