//! Exports through the executable: what is written keeps to its format, and comes back with equal numbers.

use std::collections::BTreeMap;

use bench_runner::model::measurement::Observation;
use bench_runner::model::record::{RunRecord, StatedEstimate};
use bench_runner::model::run::RunKind;
use bench_runner::store::RunFilter;
use regex::Regex;
use serde_json::Value;

use super::cli_support::{World, repository};
use super::exchange_support::{STARTED, world};

/// Medians per iteration by benchmark (its name with the package) and launch, computed here and not by the product.
fn medians(record: &RunRecord) -> BTreeMap<(String, u32), f64> {
    let median = |sample: &[Observation]| {
        let mut values: Vec<f64> = sample.iter().map(|observation| observation.per_iteration()).collect();
        values.sort_by(f64::total_cmp);
        f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
    };
    let entry = |entry: &bench_runner::model::record::LaunchMeasurement| {
        let measurement = &entry.measurement;
        ((measurement.benchmark.to_string(), entry.launch), median(&measurement.sample))
    };
    record.measurements.iter().map(entry).collect()
}

/// What `export` writes to the standard output.
#[track_caller]
fn export(world: &World, words: &[&str]) -> String {
    world.answer(&[&["export"], words].concat()).code(0).out
}

/// Imports `text` into a world of its own, and returns the only record.
#[track_caller]
fn imported(name: &str, text: &str, words: &[&str]) -> RunRecord {
    let world = World::new();
    world.write(name, text);
    world.answer(&[&["import", name], words].concat()).code(0);
    let runs = world.store().runs(&RunFilter::default(), 2).unwrap();
    assert_eq!(runs.len(), 1);
    world.store().record(&runs[0].id).unwrap()
}

#[track_caller]
fn same(found: f64, expected: f64, ulps: f64, what: &str) {
    assert!((found / expected - 1.0).abs() <= ulps * f64::EPSILON, "{what}: {found} is not {expected}");
}

#[test]
fn our_own_export_comes_back_to_the_last_bit() {
    let (world, record) = world();
    world.with_history();
    let text = export(&world, &["--all", "--to", "json"]);
    let other = World::new();
    other.write("all.json", &text);
    other.answer(&["import", "all.json"]).code(0).shows(&["json: 2 runs (2 new, 0 already stored)"]);
    for run in world.store().runs(&RunFilter::default(), 10).unwrap() {
        assert_eq!(other.store().record(&run.id).unwrap(), world.store().record(&run.id).unwrap());
    }
    assert_eq!(export(&other, &["--all", "--to", "json"]), text, "equal stores, equal bytes");
    world.write("all.json", &text);
    world.answer(&["import", "all.json"]).code(0).shows(&["(0 new, 2 already stored)"]);
    let forged = text.replacen("\"suite\":\"kms\"", "\"suite\":\"kmt\"", 1);
    other.write("forged.json", &forged);
    other.answer(&["import", "forged.json"]).code(123).says(&[
        "forged.json",
        "does not match its SHA-256",
        "hint:",
    ]);
    let one = export(&world, &[record.run.id.as_str(), "--to", "json"]);
    assert_eq!(imported("one.json", &one, &[]), record);
}

#[test]
fn our_own_export_keeps_to_its_published_schema() {
    let (world, _) = world();
    world.with_history();
    let path = repository().join("bench-runner/docs/export.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let file: Value = serde_json::from_str(&export(&world, &["--all", "--to", "json"])).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    // A schema that admits anything would not notice these.
    for (place, value) in [
        ("/version", Value::from(2)),
        ("/runs/0/run/id", Value::from("short")),
        ("/runs/0/run/launches", Value::Null),
        ("/runs/1/measurements/0/measurement/sample/0/iterations", Value::from(0)),
        ("/runs/0/stated/0/estimate/value", Value::from("fast")),
    ] {
        let mut wrong = file.clone();
        *wrong.pointer_mut(place).unwrap_or_else(|| panic!("{place} is not there")) = value;
        assert!(!validator.is_valid(&wrong), "{place}");
    }
}

/// The grammar of golang.org/x/perf/benchfmt as patterns, apart from the product's own reader.
#[track_caller]
fn check_benchfmt(text: &str) -> usize {
    let config = Regex::new(r"^[\p{Ll}][^\s\p{Lu}:]*:([ \t]+\S.*)?$").unwrap();
    let skipped = Regex::new(r"^# (run: [0-9A-Z]{26}|started: \S+)$").unwrap();
    let unit = Regex::new(r"^Unit \S+( \S+=\S+)+$").unwrap();
    let result =
        Regex::new(r"^Benchmark[A-Z]\S* [1-9][0-9]{0,18}( [0-9]+(\.[0-9]+)?(e-?[0-9]+)? \S+)+$").unwrap();
    let procs = Regex::new(r"^Benchmark\S*[^0-9]-[0-9]+ ").unwrap();
    let mut results = 0;
    for line in text.lines() {
        assert!(line.len() < 65_536 && !line.contains('\r'));
        if result.is_match(line) {
            results += 1;
            // The only number of processors that we write is the one that says "this is none".
            assert!(procs.find(line).is_none_or(|found| found.as_str().ends_with("-1 ")), "{line}");
        } else {
            assert!(
                config.is_match(line) || unit.is_match(line) || skipped.is_match(line),
                "neither configuration nor unit nor result: {line}"
            );
        }
    }
    results
}

#[test]
fn benchfmt_has_a_line_per_launch_and_comes_back() {
    let (world, record) = world();
    world.with_history();
    let text = export(&world, &[record.run.id.as_str(), "--to", "benchfmt"]);
    assert_eq!(check_benchfmt(&text), 16, "{text}");
    assert_eq!(check_benchfmt(&export(&world, &["--all", "--to", "benchfmt"])), 16 + 7);
    for line in ["cpu: Test CPU @ 2.00GHz", "commit: abc123", "pkg: kms", "Unit MB/s better=higher"] {
        assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
    }
    let back = imported("go.txt", &text, &[]);
    assert_eq!(
        (back.run.kind, back.run.started, back.run.suite.as_str()),
        (RunKind::Imported, STARTED, "kms")
    );
    let expected = medians(&record);
    let names = [
        ("Sign_bench/sign", "sign_bench/sign"),
        ("Sign_bench/batch_of_all/n-8", "sign_bench/batch of all/n-8"),
        ("Sign_bench/a,_\"quoted\"_\\_name/ü", "sign_bench/a, \"quoted\" \\ name/ü"),
        ("Sign_bench/stream", "sign_bench/stream"),
    ];
    for (written, ours) in names {
        let entry = back
            .measurements
            .iter()
            .find(|entry| entry.measurement.benchmark.group == written)
            .unwrap_or_else(|| panic!("{written} did not come back"));
        assert_eq!(entry.measurement.benchmark.package, "kms");
        assert_eq!(entry.measurement.metric.bigger_is_better(), written.ends_with("stream"));
        for (launch, observation) in (0..).zip(&entry.measurement.sample) {
            same(observation.per_iteration(), expected[&(ours.to_owned(), launch)], 1.0, written);
        }
        assert_eq!(entry.measurement.sample.len(), 4);
    }
}

/// What the product says about the run: value and interval by name.
fn results(world: &World, run: &str) -> BTreeMap<String, (f64, f64, f64)> {
    let report = world.answer(&["show", run, "--format", "json"]).code(0).json();
    let find = |value: &Value| -> Vec<Value> {
        value
            .pointer("/results")
            .or_else(|| value.pointer("/report/results"))
            .unwrap()
            .as_array()
            .unwrap()
            .clone()
    };
    let name = |benchmark: &Value| {
        let parts = ["package", "target", "group", "function", "value"];
        parts.iter().filter_map(|part| benchmark[part].as_str()).collect::<Vec<_>>().join("/")
    };
    find(&report)
        .iter()
        .map(|result| {
            let estimate = &result["estimate"];
            let number = |value: &Value| value.as_f64().unwrap();
            let interval = &estimate["interval"];
            let numbers = (number(&estimate["value"]), number(&interval["low"]), number(&interval["high"]));
            (name(&result["benchmark"]), numbers)
        })
        .collect()
}

#[track_caller]
fn check_estimates(stated: &[StatedEstimate], expected: &BTreeMap<String, (f64, f64, f64)>, count: usize) {
    assert_eq!(stated.len(), count);
    for entry in stated {
        let name = &entry.benchmark.group;
        let (value, low, high) = expected.get(name).unwrap_or_else(|| panic!("{name} is not ours"));
        let interval = entry.estimate.interval.unwrap_or_else(|| panic!("{name} lost its interval"));
        assert_eq!(
            (entry.estimate.value, interval.low, interval.high, interval.level),
            (*value, *low, *high, 0.95),
            "{name}"
        );
    }
}

#[test]
fn estimates_and_intervals_come_back_from_bmf_and_the_action() {
    let (world, record) = world();
    let run = record.run.id.as_str();
    let expected = results(&world, run);
    assert_eq!(expected.len(), 4);
    let bmf = imported("bmf.json", &export(&world, &[run, "--to", "bmf"]), &["--range-level", "0.95"]);
    check_estimates(&bmf.stated, &expected, 4);
    // The input array has one direction: what is better bigger stays out, and the command says so.
    let answer = world.answer(&["export", run, "--to", "github-action-benchmark"]).code(0);
    assert!(answer.err.contains("1 results of which more is better are left out"), "{}", answer.err);
    check_estimates(&imported("input.json", &answer.out, &[]).stated, &expected, 3);
    // A page has both, in suites of their own.
    let other = World::new();
    other.write("data.js", &export(&world, &["--all", "--to", "github-action-benchmark"]));
    other.answer(&["import", "data.js"]).code(0);
    let mut stated = Vec::new();
    for run in other.store().runs(&RunFilter::default(), 10).unwrap() {
        assert_eq!((run.commit.as_deref(), run.started), (Some("abc123"), STARTED));
        stated.extend(other.store().stated(&run.id).unwrap());
    }
    check_estimates(&stated, &expected, 4);
    let rates: Vec<bool> = stated.iter().map(|entry| entry.metric.bigger_is_better()).collect();
    assert_eq!(rates.iter().filter(|rate| **rate).count(), 1);
}

#[test]
fn rows_hold_one_launch_each() {
    let (world, record) = world();
    world.with_history();
    let expected = medians(&record);
    let lines = export(&world, &["--all", "--to", "jsonl"]);
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 16 + 7);
    for row in rows.iter().filter(|row| !row["launch"].is_null()) {
        let parts = ["target", "group", "function", "value"];
        let name = parts.iter().filter_map(|part| row[part].as_str()).collect::<Vec<_>>().join("/");
        let launch = u32::try_from(row["launch"].as_u64().unwrap()).unwrap();
        same(row["median"].as_f64().unwrap(), expected[&(name, launch)], 0.0, "a row");
    }
    assert_eq!(rows.iter().filter(|row| row["stated"].is_number()).count(), 7);
    let csv = export(&world, &["--all", "--to", "csv"]);
    let header = csv.lines().next().unwrap();
    assert_eq!(csv.lines().filter(|line| *line == header).count(), 1);
    assert!(csv.contains("\"a, \"\"quoted\"\" \\ name\""), "{csv}");
    let columns = header.split(',').count();
    assert_eq!(columns, rows[0].as_object().unwrap().len());
    let plain = csv.lines().find(|line| line.contains(",stream,")).unwrap();
    assert_eq!(plain.split(',').count(), columns);
    let series = export(&world, &["--series", "^sign_bench/stream$", "--to", "jsonl"]);
    assert_eq!(series.lines().count(), 4);
}

#[test]
fn openmetrics_keeps_its_grammar() {
    let (world, _) = world();
    world.with_history();
    let text = export(&world, &["--all", "--to", "openmetrics"]);
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let meta = Regex::new(r"^# (TYPE|UNIT|HELP) ([a-z_:][a-z0-9_:]*) (.+)$").unwrap();
    let sample = Regex::new(
        r#"^([a-z_:][a-z0-9_:]*)\{([a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*)\} (-?[0-9.]+(e-?[0-9]+)?)$"#,
    )
    .unwrap();
    let (mut family, mut seen) = (String::new(), Vec::new());
    let mut kinds = BTreeMap::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(found) = meta.captures(line) {
            if found[1] == *"TYPE" {
                family = found[2].to_owned();
                assert!(kinds.insert(family.clone(), found[3].to_owned()).is_none(), "{family} stands twice");
            }
            assert_eq!(found[2], family);
            assert!(found[1] != *"UNIT" || family.ends_with(&format!("_{}", &found[3])), "{line}");
        } else {
            let found = sample.captures(line).unwrap_or_else(|| panic!("no sample: {line}"));
            let ending = if kinds[&family] == "info" { "_info" } else { "" };
            assert_eq!(found[1], format!("{family}{ending}"));
            seen.push(format!("{}{{{}}}", &found[1], &found[2]));
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "a sample stands twice");
    assert!(text.contains("benchmark=\"kms/sign_bench/a, \\\"quoted\\\" \\\\ name/ü\""), "{text}");
    assert!(!text.contains("commit=\"abc123\",number"), "a commit is no label of a number");
}

#[test]
fn exports_go_to_files_and_refuse_what_a_format_cannot_hold() {
    let (world, record) = world();
    let run = record.run.id.as_str();
    world.answer(&["export", run, "--to", "csv", "--out", "out/rows.csv"]).code(0).shows(&["rows.csv"]);
    assert_eq!(world.read("out/rows.csv"), export(&world, &[run, "--to", "csv"]));
    let check = |words: &[&str], code: i32, parts: &[&str]| drop(world.answer(words).code(code).says(parts));
    check(&["export", "--all", "--to", "bmf"], 2, &["`bmf` holds one run a file", "hint:"]);
    check(&["export", "--series", "x", "--to", "json"], 2, &["`json` holds whole runs", "hint:"]);
    check(&["export", "--series", "(", "--to", "csv"], 2, &["--series"]);
    check(&["export", "--series", "nothing", "--to", "csv"], 4, &["no benchmark of the runs matches"]);
    check(&["export", "--all", "--machine", "other", "--to", "csv"], 4, &["no finished run"]);
    check(&["export", "--to", "csv"], 2, &[]);
    check(&["export", run, "--all", "--to", "csv"], 2, &[]);
}
