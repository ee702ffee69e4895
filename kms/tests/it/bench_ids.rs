//! The ids of the benchmarks are a promise to the stored history: this test makes a rename visible.

#[path = "../../benches/support.rs"]
#[expect(dead_code, reason = "the test reads the table only")]
mod support;

use std::collections::BTreeSet;

use support::{Set, WORKLOADS};

const COMMITTED: &str = include_str!("../../benches/ids.txt");

#[test]
fn the_ids_equal_the_committed_list() {
    let table: String = WORKLOADS
        .iter()
        .map(|workload| {
            let set = if workload.set == Set::Core { "core" } else { "full" };
            format!("{set} {} {} {}\n", workload.target, workload.id(), workload.elements)
        })
        .collect();
    assert_eq!(table, COMMITTED, "a renamed benchmark loses its history: change ids.txt only on purpose");
}

#[test]
fn ids_are_unique_and_the_core_set_stays_small() {
    let ids: BTreeSet<String> = WORKLOADS.iter().map(support::Workload::id).collect();
    assert_eq!(ids.len(), WORKLOADS.len());
    let core = WORKLOADS.iter().filter(|workload| workload.set == Set::Core).count();
    assert!(core <= 12, "{core} core workloads: the founding note's seven and at most five more");
}

#[test]
fn every_bench_target_of_the_manifest_is_in_the_table() {
    let manifest = include_str!("../../Cargo.toml");
    let declared: BTreeSet<&str> = manifest
        .split("[[bench]]")
        .skip(1)
        .filter_map(|part| part.split("name = \"").nth(1)?.split('"').next())
        .collect();
    let used: BTreeSet<&str> = WORKLOADS.iter().map(|workload| workload.target).collect();
    assert_eq!(declared, used);
}
