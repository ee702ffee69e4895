//! Lines of history: what becomes a point, in which order, and what is left out.

use super::super::*;
use super::{NOW, bench, end, id, measure, new_run, summary_record};
use crate::model::covariates::Covariates;
use crate::model::decision::{Decision, DecisionKind, Evidence, Sighting};
use crate::model::history::HistoryPoint;
use crate::model::ids::Digest;
use crate::model::record::{Annotation, NoteTarget, SeriesKey};
use crate::model::run::{Run, RunKind, RunStatus};
use crate::model::units::Metric;

fn key(function: &str, value: Option<&str>) -> SeriesKey {
    let identity = new_run(1).identity;
    SeriesKey {
        benchmark: bench(function, value),
        metric: Metric::time(),
        recipe: identity.recipe,
        machine: identity.machine,
        config: identity.config,
    }
}

fn points(store: &Store, function: &str, value: Option<&str>) -> Vec<HistoryPoint> {
    store.history(&key(function, value)).unwrap().points
}

#[test]
fn a_point_summarises_the_launches_of_its_run() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    measure(&mut store, new_run(2), &end(RunStatus::Complete));
    measure(&mut store, new_run(1), &end(RunStatus::Partial));
    let found = points(&store, "f", Some("8"));
    assert_eq!(found.iter().map(|point| point.run.clone()).collect::<Vec<_>>(), [id(1), id(2)]);
    // Launch medians are 173.0 and 173.1 (1730 i / 10 i and 1731 i / 10 i); ln(173.1 / 173) / sqrt(2) is their spread.
    let point = &found[1];
    assert!((point.value - 173.05).abs() < 1e-9, "{}", point.value);
    assert!((point.log_sd.unwrap() - (173.1_f64 / 173.0).ln() / 2.0_f64.sqrt()).abs() < 1e-12);
    assert_eq!((point.launches, point.commit.as_deref()), (2, Some("abc123")));
    assert_eq!(point.executable, Some(Digest([7; 32])));
    assert!(point.is_eligible() && !found[0].is_eligible(), "a partial run is shown and not judged with");
    assert!(points(&store, "nobody", None).is_empty());
}

#[test]
fn lines_by_their_place_are_the_lines_by_their_key() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    for number in 1..=3 {
        measure(&mut store, new_run(number), &end(RunStatus::Complete));
    }
    let lines = store.lines().unwrap();
    assert_eq!(lines.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), store.series(None).unwrap());
    let check = |store: &Store| {
        let found = store.histories_at(&lines).unwrap();
        let expected: Vec<_> = lines.iter().map(|(key, _)| store.history(key).unwrap()).collect();
        assert_eq!(found, expected);
        assert!(found.iter().any(|history| history.points.len() > 1));
    };
    check(&store);
    // What was said after the runs were read counts as well.
    let why = Annotation {
        target: NoteTarget::Run,
        id: id(2).to_string(),
        kind: QUARANTINE.to_owned(),
        text: "noisy".to_owned(),
        at: NOW,
    };
    store.annotate(&why).unwrap();
    check(&store);
    let found = store.histories_at(&lines).unwrap();
    let mut points = found.iter().flat_map(|history| &history.points);
    assert!(points.any(|point| point.quarantined.as_deref() == Some("noisy")), "{found:?}");
    assert!(store.histories_at(&[]).unwrap().is_empty());
}

#[test]
fn outlines_are_runs_without_what_only_a_report_of_one_needs() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    measure(&mut store, new_run(1), &end(RunStatus::Complete));
    measure(&mut store, new_run(2), &end(RunStatus::Partial));
    store.import_run(&summary_record(3)).unwrap();
    let asked = [id(2), id(3), id(1), id(2)];
    let found = store.outlines(&asked).unwrap();
    let expected = asked.map(|id| {
        let whole = store.run(&id).unwrap();
        Run { inventory: Vec::new(), executables: Vec::new(), ..whole }
    });
    assert_eq!(found, expected);
    assert!(!found[0].facts.is_empty() && !found[0].launches.is_empty());
    assert!(matches!(store.outlines(&[id(1), id(9)]), Err(StoreError::NoSuchRun { .. })));
}

#[test]
fn a_disturbed_launch_that_was_made_again_is_no_part_of_a_point() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let mut record = measure(&mut store, new_run(1), &end(RunStatus::Complete));
    let medians = |store: &Store, number: u32| -> Vec<(u32, f64)> {
        let all = store.launch_medians(&id(number)).unwrap();
        let one = all.into_iter().find(|one| one.benchmark == bench("f", Some("8"))).unwrap();
        one.launches.iter().map(|(launch, median, _)| (*launch, *median)).collect()
    };
    assert_eq!(medians(&store, 1), [(0, 173.0), (1, 173.1)]);
    record.run.id = id(2);
    record.run.started = Timestamp(NOW.0 + 2_000_000);
    record.run.launches[1].covariates = Some(Covariates { repeated: true, ..Covariates::default() });
    store.import_run(&record).unwrap();
    let found = points(&store, "f", Some("8"));
    assert_eq!(found.iter().map(|point| point.launches).collect::<Vec<_>>(), [2, 1]);
    assert!((found[1].value - 173.0).abs() < 1e-9, "{}", found[1].value);
    assert_eq!(medians(&store, 2), [(0, 173.0)]);
    assert!(store.odd_histories().unwrap().is_empty());
    assert!(store.verify(&id(2)).unwrap().is_empty());
}

#[test]
fn stated_values_are_points_without_launches() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    store.import_run(&summary_record(2)).unwrap();
    let found = points(&store, "a", None);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].launches, found[0].log_sd), (RunKind::Summary, 0, None));
    assert!(found[0].value > 2e7 && !found[0].is_eligible());
}

#[test]
fn quarantine_is_a_word_that_can_be_taken_back_and_arms_are_no_nights() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    measure(&mut store, new_run(1), &end(RunStatus::Complete));
    measure(&mut store, new_run(2), &end(RunStatus::Complete));
    let mut say = |kind: &str, at: i64| {
        let note = Annotation {
            target: NoteTarget::Run,
            id: id(1).to_string(),
            kind: kind.to_owned(),
            text: "the fan broke".to_owned(),
            at: Timestamp(at),
        };
        store.annotate(&note).unwrap();
        points(&store, "f", Some("8"))[0].quarantined.clone()
    };
    assert_eq!(say("remark", 1), None);
    assert_eq!(say(QUARANTINE, 2).as_deref(), Some("the fan broke"));
    assert_eq!(say(RELEASE, 3), None);
    let arm =
        "INSERT INTO experiment VALUES (1, '01K9B0000000000000000000ZZ', 'compare', 1, NULL, '1', NULL, '0');
               INSERT INTO experiment_arm SELECT 1, 0, run_id, '{}' FROM run WHERE id LIKE '%2';";
    store.connection.execute_batch(arm).unwrap();
    assert_eq!(points(&store, "f", Some("8")).len(), 1);
}

#[test]
fn executables_of_baselines_and_of_the_last_four_nights_are_pinned() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    for number in 1..=7_u8 {
        let mut run = new_run(number.into());
        run.executables[0].digest = Digest([number; 32]);
        measure(&mut store, run, &end(RunStatus::Complete));
    }
    let pinned = |store: &Store| -> Vec<u8> {
        store.pinned_executables().unwrap().iter().map(|digest| digest.0[0]).collect()
    };
    assert_eq!(pinned(&store), [4, 5, 6, 7]);
    store.set_baseline("release", &id(2), Timestamp(NOW.0 + 1)).unwrap();
    assert_eq!(pinned(&store), [2, 4, 5, 6, 7]);
    // What a change was confirmed with is measured against until somebody decides.
    let experiment = "01K9B0000000000000000000ZZ";
    let arm = format!(
        "INSERT INTO experiment VALUES (1, '{experiment}', 'confirm', 1, NULL, '1', NULL, '0');
         INSERT INTO experiment_arm SELECT 1, 0, run_id, '{{}}' FROM run WHERE id LIKE '%1';"
    );
    store.connection.execute_batch(&arm).unwrap();
    let series = store.series(None).unwrap().remove(0);
    let sighting = Sighting {
        change: "c00000000001".to_owned(),
        series,
        first_run: id(3),
        seen_run: id(3),
        evidence: Evidence::Confirmed,
        ratio: 1.1,
        experiment: Some(experiment.parse().unwrap()),
        at: NOW,
    };
    store.add_sightings(&[sighting]).unwrap();
    assert_eq!(pinned(&store), [1, 2, 4, 5, 6, 7]);
    let decided = Decision {
        subject: "c00000000001".to_owned(),
        kind: DecisionKind::Accept,
        reason: "wanted".to_owned(),
        until: None,
        at: Timestamp(NOW.0 + 2),
    };
    store.decide(&decided).unwrap();
    assert_eq!(pinned(&store), [2, 4, 5, 6, 7]);
}
