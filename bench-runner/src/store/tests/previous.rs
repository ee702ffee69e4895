//! Which run is the one before: whatever the comparison would refuse is passed over.

use super::super::*;
use super::{NOW, bench, end, fact, finding, id, launch, measure, new_run};
use crate::model::fact::{FactValue, Phase, keys};
use crate::model::finding::Severity;
use crate::model::run::{Launch, LaunchStatus, Run, RunStatus};

/// Seventeen runs that differ from one another in what a comparison looks at.
fn unlike_runs() -> Store {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let change = |number: u32, change: &dyn Fn(&mut Run)| {
        let mut run = new_run(number);
        change(&mut run);
        run
    };
    measure(&mut store, change(1, &|_| {}), &end(RunStatus::Complete));
    measure(
        &mut store,
        change(2, &|run| run.identity.build = "rustc 2".to_owned()),
        &end(RunStatus::Complete),
    );
    measure(&mut store, change(3, &|_| {}), &end(RunStatus::Partial));
    measure(
        &mut store,
        change(4, &|run| run.identity.config = "battery".to_owned()),
        &end(RunStatus::Complete),
    );
    measure(&mut store, change(5, &|run| run.identity.machine = "f00".to_owned()), &end(RunStatus::Complete));
    measure(&mut store, change(6, &|run| run.suite = "other".to_owned()), &end(RunStatus::Complete));
    let full = |run: &mut Run| run.plan.as_mut().unwrap().set = "full".to_owned();
    measure(&mut store, change(7, &full), &end(RunStatus::Complete));
    let foreign = |run: &mut Run| run.inventory = vec![bench("unshared", None)];
    measure(&mut store, change(8, &foreign), &end(RunStatus::Complete));
    let blocked = |run: &mut Run| run.findings.push(finding("changed-machine", Severity::Blocking));
    measure(&mut store, change(9, &blocked), &end(RunStatus::Complete));
    measure(&mut store, change(10, &|run| run.identity.recipe = 2), &end(RunStatus::Complete));
    let quick = |run: &mut Run| run.plan.as_mut().unwrap().profile = "quick".to_owned();
    measure(&mut store, change(11, &quick), &end(RunStatus::Complete));
    measure(&mut store, change(12, &|_| {}), &end(RunStatus::Complete));
    let slow = |run: &mut Run| run.plan.as_mut().unwrap().measurement_seconds = Some(15.0);
    measure(&mut store, change(13, &slow), &end(RunStatus::Complete));
    let warm = |run: &mut Run| run.plan.as_mut().unwrap().warm_up_seconds = Some(1.0);
    measure(&mut store, change(14, &warm), &end(RunStatus::Complete));
    let small = |run: &mut Run| run.plan.as_mut().unwrap().sample_size = None;
    measure(&mut store, change(15, &small), &end(RunStatus::Complete));
    let larger = |run: &mut Run| run.identity.hw_class = "x86_64/other".to_owned();
    measure(&mut store, change(16, &larger), &end(RunStatus::Complete));
    let harness = new_run(17);
    store.begin_run(&harness).unwrap();
    let other = Launch { harness_version: Some("0.9.0".to_owned()), ..launch(0, LaunchStatus::Complete) };
    store.add_launch(&harness.id, &other).unwrap();
    store.finish_run(&harness.id, &end(RunStatus::Complete)).unwrap();
    store
}

#[test]
fn the_run_before_must_be_comparable() {
    let mut store = unlike_runs();
    for number in [13, 14, 15, 16, 17] {
        assert_eq!(store.previous_comparable(&id(number)).unwrap(), None, "run {number}");
    }
    // A launch that said nothing leaves the fact; two runs that say the same are comparable again.
    let mut harness = new_run(18);
    harness.facts =
        vec![fact(keys::HARNESS_CRITERION, Some(FactValue::Text("0.9.0".to_owned())), Phase::Start)];
    store.begin_run(&harness).unwrap();
    let silent = Launch { harness_version: None, ..launch(0, LaunchStatus::Complete) };
    store.add_launch(&harness.id, &silent).unwrap();
    store.finish_run(&harness.id, &end(RunStatus::Complete)).unwrap();
    assert_eq!(store.previous_comparable(&id(18)).unwrap(), Some(id(17)));
    assert_eq!(
        store.previous_comparable(&id(12)).unwrap(),
        Some(id(2)),
        "the same profile first, whatever the build"
    );
    assert_eq!(
        store.previous_comparable(&id(11)).unwrap(),
        Some(id(2)),
        "another profile if there is no other"
    );
    assert_eq!(store.previous_comparable(&id(2)).unwrap(), Some(id(1)));
    assert_eq!(store.previous_comparable(&id(1)).unwrap(), None);
    // All at once say the same.
    let all: Vec<RunId> = (1..=18).map(id).collect();
    let found = store.previous_of(&all).unwrap();
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), all);
    for (run, before) in &found {
        assert_eq!(*before, store.previous_comparable(run).unwrap(), "{run}");
    }
    let some = store.previous_of(&[id(12), id(1), id(99)]).unwrap();
    assert_eq!(some, BTreeMap::from([(id(1), None), (id(12), Some(id(2)))]), "99 is no run");
    assert_eq!(store.previous_of(&[]).unwrap(), BTreeMap::new());
}
