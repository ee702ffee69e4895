//! The page of budgets and the benches name the same benchmarks, and every named script exists.

#[path = "../../benches/support.rs"]
#[expect(dead_code, reason = "the test reads the table only")]
mod support;

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use support::{BENCHMARKS, Benchmark};

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The words in code type of the tables of a page.
fn code_of_tables(page: &str) -> BTreeSet<String> {
    let code = Regex::new("`([^`]+)`").unwrap();
    let rows = page.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| code.captures_iter(row).map(|found| found[1].to_owned()).collect::<Vec<_>>())
        .collect()
}

/// Bench ids of the tables: words of at least three parts that begin with a bench target.
fn ids_of_tables(page: &str) -> BTreeSet<String> {
    let targets: BTreeSet<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.target).collect();
    let is_id = |word: &String| {
        let parts: Vec<&str> = word.split('/').collect();
        parts.len() >= 3 && targets.contains(parts[0])
    };
    code_of_tables(page).into_iter().filter(is_id).collect()
}

#[test]
fn page_and_benches_name_the_same_benchmarks() {
    let benches: BTreeSet<String> = BENCHMARKS.iter().map(Benchmark::path).collect();
    assert_eq!(benches.len(), BENCHMARKS.len(), "two benches have the same id");
    assert_eq!(ids_of_tables(&read("docs/budgets.md")), benches, "left: docs/budgets.md, right: benches");
}

#[test]
fn words_that_are_no_ids_are_told_apart() {
    let page =
        "| `store/pack/100`, `store_run` | `store/nothing` | `scripts/a/b` |\n`store/pack/300` in a text\n";
    assert_eq!(ids_of_tables(page), BTreeSet::from(["store/pack/100".to_owned()]));
}

#[test]
fn every_benchmark_has_code_in_its_target() {
    for benchmark in BENCHMARKS {
        let source = read(&format!("benches/{}.rs", benchmark.target));
        let arm = format!("\"{}\"", benchmark.id());
        assert!(source.contains(&arm), "benches/{}.rs has no arm {arm}", benchmark.target);
        assert!(benchmark.elements > 0, "{} declares no throughput", benchmark.path());
    }
}

#[test]
fn every_id_in_the_sources_is_in_the_table() {
    let arm = Regex::new("\"([a-z0-9_]+/[A-Za-z0-9_]+)\"").unwrap();
    let targets: BTreeSet<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.target).collect();
    for target in targets {
        let known: BTreeSet<String> =
            BENCHMARKS.iter().filter(|benchmark| benchmark.target == target).map(Benchmark::id).collect();
        let source = read(&format!("benches/{target}.rs"));
        for found in arm.captures_iter(&source) {
            assert!(known.contains(&found[1]), "benches/{target}.rs: {} is not in the table", &found[1]);
        }
    }
}

#[test]
fn every_bench_target_of_the_manifest_is_in_the_table() {
    let manifest = read("Cargo.toml");
    let declared: BTreeSet<&str> = manifest
        .split("[[bench]]")
        .skip(1)
        .filter_map(|part| part.split("name = \"").nth(1)?.split('"').next())
        .collect();
    let used: BTreeSet<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.target).collect();
    assert_eq!(declared, used);
}

#[test]
fn named_scripts_exist() {
    let scripts: Vec<String> = code_of_tables(&read("docs/budgets.md"))
        .into_iter()
        .filter(|word| word.starts_with("scripts/") && !word.contains(' '))
        .collect();
    assert!(!scripts.is_empty());
    for script in scripts {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&script).is_file(),
            "{script} is missing"
        );
    }
}
