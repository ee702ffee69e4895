//! Known ratios, refusals, and a profile.

use super::*;
use crate::analysis::estimate::estimate_run;
use crate::analysis::examples::{fact, founding, noisy_launches, run};
use crate::model::fact::{Fact, FactStatus};
use crate::model::ids::Digest;
use crate::model::record::MachineListing;
use crate::model::run::Executable;
use crate::model::units::Timestamp;

fn number(key: &str, value: f64) -> Fact {
    Fact { value: Some(FactValue::Number(value)), status: FactStatus::Derived, ..fact(key, "") }
}

/// A machine called `name` with a clock, at a clean commit.
fn machine(last: char, name: &str, ghz: Option<f64>) -> Run {
    let mut made = run(last);
    made.identity.machine = name.to_owned();
    made.facts = vec![
        fact(keys::SOURCE_COMMIT, "aaaaaaaaaaaaaaaa"),
        fact(keys::SOURCE_DIRTY, "no"),
        fact(keys::TOOLCHAIN_RUSTC, "rustc 1.95.0"),
    ];
    made.facts.extend(ghz.map(|ghz| number(keys::CANARY_CLOCK, ghz)));
    made
}

fn results(location: f64) -> Vec<BenchmarkResult> {
    estimate_run(&[], &noisy_launches("t", "f", location, 10, 0.004))
}

#[test]
fn a_known_clock_ratio_is_taken_out_of_the_cycles() {
    // The same core at 2.0 instead of 3.0 GHz takes 1.5 times as long, and as many cycles.
    let (fast, slow) = (machine('A', "one", Some(3.0)), machine('B', "two", Some(2.0)));
    let (old, new) = (results(1e6), results(1.5e6));
    let sides = [Side { run: &fast, results: &old }, Side { run: &slow, results: &new }];
    let found = compare_machines(&sides, 0.05).unwrap();
    let cell = found.rows[0].cells[0].as_ref().unwrap();
    assert!((cell.ratio - 1.5).abs() < 1e-9, "{cell:?}");
    assert!((cell.per_cycle.unwrap() - 1.0).abs() < 1e-9, "{cell:?}");
    let (low, high) = cell.per_cycle_interval.unwrap();
    assert!(low < 1.0 && high > 1.0 && cell.ratio_interval.unwrap().0 > 1.4);
    assert_eq!(clock_or_core(cell, 0.02), "the clock");
    let mean = found.means[0].unwrap();
    assert!((mean.0 - 1.5).abs() < 1e-9 && (mean.1.unwrap() - 1.0).abs() < 1e-9 && mean.2 == 1);
    let named: Vec<&str> = found.differences.iter().map(|difference| difference.key.as_str()).collect();
    assert_eq!(named, ["machine", keys::CANARY_CLOCK]);
    // A core that needs 20 % more cycles at the same clock.
    let other = machine('B', "two", Some(3.0));
    let new = results(1.2e6);
    let sides = [Side { run: &fast, results: &old }, Side { run: &other, results: &new }];
    let found = compare_machines(&sides, 0.05).unwrap();
    assert_eq!(clock_or_core(found.rows[0].cells[0].as_ref().unwrap(), 0.02), "the core: +20.0 % in cycles");
}

#[test]
fn without_both_clocks_there_are_no_cycles() {
    let (one, two) = (machine('A', "one", Some(3.0)), machine('B', "two", None));
    let (old, new) = (results(1e6), results(1.5e6));
    let sides = [Side { run: &one, results: &old }, Side { run: &two, results: &new }];
    let found = compare_machines(&sides, 0.05).unwrap();
    let cell = found.rows[0].cells[0].as_ref().unwrap();
    assert_eq!((cell.per_cycle, cell.per_cycle_interval), (None, None));
    assert_eq!(clock_or_core(cell, 0.02), "");
    assert_eq!(found.means[0].unwrap().1, None);
}

#[track_caller]
fn refused(change: impl Fn(&mut Run), reason: &str) {
    let reference = machine('A', "one", None);
    let mut other = machine('B', "two", None);
    change(&mut other);
    let data = results(1e6);
    let sides = [Side { run: &reference, results: &data }, Side { run: &other, results: &data }];
    let refusal = compare_machines(&sides, 0.05).unwrap_err();
    assert!(refusal.run == other.id && refusal.reason.contains(reason), "{refusal:?}");
}

#[test]
fn other_code_and_other_builds_are_refused_and_unknown_is_not_the_same() {
    let set = |run: &mut Run, key: &str, text: &str| {
        run.facts.retain(|fact| fact.key != key);
        run.facts.push(fact(key, text));
    };
    refused(|run| set(run, keys::SOURCE_COMMIT, "bbbb"), "measured commit bbbb");
    refused(|run| set(run, keys::SOURCE_DIRTY, "yes"), "not clean");
    refused(|run| set(run, keys::TOOLCHAIN_RUSTC, "rustc 1.96.0"), "toolchain.rustc is `rustc 1.96.0`");
    refused(|run| set(run, keys::BUILD_FLAGS, "-C x"), "one side only");
    refused(|run| run.facts.clear(), "nobody knows");
    refused(|run| run.status = RunStatus::Partial, "complete");
    refused(|run| run.kind = RunKind::Imported, "imported");
    // The same files need no facts to vouch for them.
    let file = Executable { digest: Digest([3; 32]), bytes: 1, package: "p".into(), target: "t".into() };
    let (mut one, mut two) = (machine('A', "one", None), machine('B', "two", None));
    two.facts.clear();
    (one.executables, two.executables) = (vec![file.clone()], vec![file]);
    let data = results(1e6);
    let sides = [Side { run: &one, results: &data }, Side { run: &two, results: &data }];
    assert!(compare_machines(&sides, 0.05).is_ok());
}

#[test]
fn a_record_without_samples_stands_apart() {
    let reference = machine('A', "one", None);
    let (record, stated, _) = founding();
    let data = results(1e6);
    let sides = [Side { run: &record, results: &stated }, Side { run: &reference, results: &data }];
    let found = compare_machines(&sides, 0.05).unwrap();
    assert_eq!((found.sides.len(), found.stated.len()), (1, 1));
    assert_eq!(found.stated[0].numbers.len(), stated.len());
    let alone = [Side { run: &record, results: &stated }];
    assert!(compare_machines(&alone, 0.05).unwrap_err().reason.contains("no measured run"));
}

#[test]
fn one_box_in_two_configurations_has_two_names() {
    let one = machine('A', "one", None);
    let mut pinned = machine('B', "one", None);
    pinned.identity.config = "cores=1".to_owned();
    let names: Vec<String> = describe(&[&one, &pinned]).into_iter().map(|side| side.name).collect();
    assert_eq!(names, ["one (governor=?)", "one (cores=1)"]);
}

#[test]
fn a_profile_lists_modes_noise_and_the_facts_that_changed() {
    let mut runs: Vec<Run> = ('A'..='C').map(|last| machine(last, "one", Some(3.0))).collect();
    for (index, run) in (0_i64..).zip(&mut runs) {
        run.started = Timestamp(index * 1_000_000);
        let kernel = if index < 2 { "6.1" } else { "6.2" };
        run.facts.push(fact(keys::OS_KERNEL, kernel));
        run.facts.push(fact(keys::LOAD_ONE, &index.to_string()));
    }
    runs[1].identity.config = "power=battery".to_owned();
    let machine = MachineListing {
        recipe: 1,
        machine: "one".to_owned(),
        hw_class: "?".to_owned(),
        label: None,
        configs: Vec::new(),
        runs: 3,
        first: runs[0].started,
        latest: runs[2].started,
        latest_run: runs[2].id.clone(),
    };
    runs.reverse();
    let found = profile(&machine, &runs, &[]);
    let modes: Vec<(&str, u32)> = found.modes.iter().map(|mode| (mode.config.as_str(), mode.runs)).collect();
    assert_eq!(modes, [("governor=?", 2), ("power=battery", 1)]);
    assert_eq!(found.noise.len(), 3);
    assert_eq!((found.noise[0].log_sd, found.noise[0].clock_ghz), (None, Some(3.0)));
    let steps: Vec<(&str, &str, &str)> = found
        .steps
        .iter()
        .map(|step| (step.key.as_str(), step.before.as_str(), step.after.as_str()))
        .collect();
    assert_eq!(steps, [(keys::OS_KERNEL, "6.1", "6.2")]);
}
