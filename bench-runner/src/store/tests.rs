//! Round trips, names, lists and immutability, on stores in memory; files are in `tests/files.rs`.

use super::*;
use crate::model::estimate::{ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::{BenchmarkId, Digest, Identity};
use crate::model::measurement::{HarnessSettings, Measurement, Observation, SamplingMode};
use crate::model::record::{
    Alias, Annotation, LaunchMeasurement, NoteTarget, RunRecord, SeriesKey, StatedEstimate,
};
use crate::model::run::{Capture, Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use crate::model::units::{Metric, Throughput};

mod files;
mod history;
mod previous;

const NOW: Timestamp = Timestamp(1_762_393_020_000_000);

fn id(number: u32) -> RunId {
    format!("01K9B{number:021}").parse().unwrap()
}

fn bench(function: &str, value: Option<&str>) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: "sign_bench".to_owned(),
        group: "Signatur·Prüfung/ä".to_owned(),
        function: (!function.is_empty()).then(|| function.to_owned()),
        value: value.map(str::to_owned),
        occurrence: 0,
    }
}

fn fact(key: &str, value: Option<FactValue>, phase: Phase) -> Fact {
    let status = if value.is_some() { FactStatus::Ok } else { FactStatus::Hidden };
    Fact { key: key.to_owned(), value, unit: "Hz".to_owned(), status, source: "read".to_owned(), phase }
}

fn finding(code: &str, severity: Severity) -> Finding {
    Finding {
        code: code.to_owned(),
        severity,
        subject: "launch 1".to_owned(),
        evidence: "3 of 4".to_owned(),
        effect: "wider".to_owned(),
        remedy: "again".to_owned(),
    }
}

fn launch(ordinal: u32, status: LaunchStatus) -> Launch {
    Launch {
        ordinal,
        round: ordinal / 2,
        executable: Digest([7; 32]),
        package: "kms".to_owned(),
        target: "sign_bench".to_owned(),
        status,
        capture: (status == LaunchStatus::Complete).then_some(Capture::Socket),
        reason: (status == LaunchStatus::Partial).then(|| "exit 3".to_owned()),
        harness_version: Some("0.8.2".to_owned()),
        started: Timestamp(NOW.0 + i64::from(ordinal)),
        elapsed_seconds: 0.1 + f64::from(ordinal),
        exit_code: (status != LaunchStatus::Running).then_some(0),
        covariates: None,
    }
}

fn measurement(benchmark: BenchmarkId, base: f64) -> Measurement {
    Measurement {
        benchmark,
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(8), Throughput::Bytes(128)],
        sampling: SamplingMode::Linear,
        settings: Some(HarnessSettings { warm_up_ns: 3e9, measurement_ns: 5e9, sample_size: 5 }),
        sample: (1..=5)
            .map(|i| Observation { iterations: i * 10, total: base * f64::from(u32::try_from(i).unwrap()) })
            .collect(),
    }
}

fn new_run(number: u32) -> Run {
    Run {
        id: id(number),
        kind: RunKind::Measured,
        status: RunStatus::Running,
        started: Timestamp(NOW.0 + i64::from(number) * 1_000_000),
        finished: None,
        suite: "kms".to_owned(),
        title: None,
        identity: Identity {
            recipe: 1,
            hw_class: "x86_64/intel-core-i5-8257u/4c8t/16g".to_owned(),
            machine: "0123456789abcdef".to_owned(),
            label: None,
            config: "power-mode=normal".to_owned(),
            build: "rustc 1.95.0".to_owned(),
        },
        plan: Some(RunPlan {
            profile: "standard".to_owned(),
            set: "core".to_owned(),
            launches: 2,
            warm_up_seconds: None,
            measurement_seconds: Some(5.0),
            sample_size: Some(100),
            seed: u64::MAX,
            filter: Some("sign".to_owned()),
        }),
        inventory: vec![bench("", None), bench("f", Some("8")), bench("f", Some(""))],
        facts: vec![
            fact(keys::SOURCE_COMMIT, Some(FactValue::Text("abc123".to_owned())), Phase::Start),
            fact("number.whole", Some(FactValue::Number(2.0)), Phase::Start),
            fact("number.integer", Some(FactValue::Integer(2)), Phase::Start),
            fact("flag", Some(FactValue::Flag(false)), Phase::Start),
            fact("list", Some(FactValue::List(vec!["a".to_owned(), "b".to_owned()])), Phase::Start),
            fact("nothing", None, Phase::Start),
        ],
        executables: vec![Executable {
            digest: Digest([7; 32]),
            bytes: 1 << 40,
            package: "kms".to_owned(),
            target: "sign_bench".to_owned(),
        }],
        launches: Vec::new(),
        findings: vec![finding("dirty-tree", Severity::Info)],
    }
}

fn end(status: RunStatus) -> RunEnd {
    RunEnd {
        status,
        finished: Some(Timestamp(NOW.0 + 999)),
        facts: vec![fact("load.steal", Some(FactValue::Integer(3)), Phase::Delta)],
        findings: vec![finding("noisy", Severity::Warning)],
    }
}

/// Writes a whole run event by event and returns what should be read back.
fn measure(store: &mut Store, mut run: Run, end: &RunEnd) -> RunRecord {
    store.begin_run(&run).unwrap();
    let mut measurements = Vec::new();
    for ordinal in 0..2 {
        store.add_launch(&run.id, &launch(ordinal, LaunchStatus::Running)).unwrap();
        for (benchmark, base) in run.inventory.clone().into_iter().zip([17.5, 1730.0, 40.0]) {
            let measurement = measurement(benchmark, base + f64::from(ordinal));
            store.insert_measurement(&run.id, ordinal, &measurement).unwrap();
            measurements.push(LaunchMeasurement { launch: ordinal, measurement });
        }
        store.finish_launch(&run.id, &launch(ordinal, LaunchStatus::Complete)).unwrap();
        run.launches.push(launch(ordinal, LaunchStatus::Complete));
    }
    store.finish_run(&run.id, end).unwrap();
    run.status = end.status;
    run.finished = end.finished;
    run.facts.extend(end.facts.iter().cloned());
    run.findings.extend(end.findings.iter().cloned());
    RunRecord { run, measurements, stated: Vec::new() }
}

fn summary_record(number: u32) -> RunRecord {
    let mut run = new_run(number);
    run.kind = RunKind::Summary;
    run.status = RunStatus::Complete;
    run.plan = None;
    let stated = |function: &str, interval| StatedEstimate {
        benchmark: bench(function, None),
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(4000)],
        estimate: Estimate {
            statistic: Statistic::CriterionTypical,
            value: 20_047_000.0,
            interval,
            launches: 0,
            observations: 0,
        },
    };
    let interval = ConfidenceInterval { low: 17.1, high: 17.3, level: 0.95, method: IntervalMethod::Stated };
    RunRecord { run, measurements: Vec::new(), stated: vec![stated("z", None), stated("a", Some(interval))] }
}

#[test]
fn a_run_comes_back_as_it_was_given() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let expected = measure(&mut store, new_run(1), &end(RunStatus::Complete));
    assert_eq!(store.record(&id(1)).unwrap(), expected);
    assert_eq!(store.digests(&id(1)).unwrap(), expected.digests().unwrap());
    assert_eq!(store.verify(&id(1)).unwrap(), Vec::<String>::new());
    let summary = summary_record(2);
    assert_eq!(store.import_run(&summary).unwrap(), Imported::Added);
    assert_eq!(store.record(&id(2)).unwrap(), summary);
}

#[test]
fn imports_are_idempotent_and_never_overwrite() {
    let mut source = Store::open_in_memory(NOW).unwrap();
    let record = measure(&mut source, new_run(1), &end(RunStatus::Partial));
    let mut store = Store::open_in_memory(NOW).unwrap();
    assert_eq!(store.import_run(&record).unwrap(), Imported::Added);
    assert_eq!(store.import_run(&record).unwrap(), Imported::AlreadyThere);
    assert_eq!(store.record(&id(1)).unwrap(), record);
    let mut other = record.clone();
    other.measurements[3].measurement.sample[2].total += 1.0;
    let error = store.import_run(&other).unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict { part, .. } if part == "measurement/0001/0000"),
        "{error}"
    );
    let mut running = record.clone();
    running.run.id = id(9);
    running.run.status = RunStatus::Running;
    assert!(matches!(store.import_run(&running), Err(StoreError::Invalid { .. })));
    running.run.status = RunStatus::Partial;
    running.run.launches[0].status = LaunchStatus::Running;
    assert!(matches!(store.import_run(&running), Err(StoreError::Invalid { .. })));
    assert_eq!(store.runs(&RunFilter::default(), 10).unwrap().len(), 1);
    assert_eq!(store.record(&id(1)).unwrap(), record);
}

#[test]
fn impossible_content_is_refused_and_leaves_nothing() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let mut run = new_run(1);
    run.facts.push(fact("nan", Some(FactValue::Number(f64::NAN)), Phase::Start));
    assert!(matches!(store.begin_run(&run), Err(StoreError::Invalid { .. })));
    assert!(matches!(store.run(&run.id), Err(StoreError::NoSuchRun { .. })));
    run.facts.pop();
    store.begin_run(&run).unwrap();
    assert!(matches!(store.begin_run(&run), Err(StoreError::Invalid { .. })));
    let good = measurement(bench("f", None), 3.0);
    let check = |store: &mut Store, launch: u32, measurement: &Measurement| {
        let error = store.insert_measurement(&run.id, launch, measurement).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. } | StoreError::Sqlite { .. }), "{error}");
    };
    check(&mut store, 0, &good);
    store.add_launch(&run.id, &launch(0, LaunchStatus::Running)).unwrap();
    check(&mut store, 0, &Measurement { sample: Vec::new(), ..good.clone() });
    let impossible = vec![Observation { iterations: 0, total: 1.0 }];
    check(&mut store, 0, &Measurement { sample: impossible, ..good.clone() });
    store.insert_measurement(&run.id, 0, &good).unwrap();
    check(&mut store, 0, &good);
    assert_eq!(store.measurements(&run.id).unwrap().len(), 1);
}

#[test]
fn finished_runs_never_change() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let record = measure(&mut store, new_run(1), &end(RunStatus::Complete));
    let immutable = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::Immutable { .. })), "{result:?}");
    };
    immutable(store.insert_measurement(&id(1), 0, &measurement(bench("new", None), 1.0)));
    immutable(store.add_launch(&id(1), &launch(2, LaunchStatus::Running)));
    immutable(store.finish_launch(&id(1), &launch(1, LaunchStatus::Partial)));
    immutable(store.finish_run(&id(1), &end(RunStatus::Partial)));
    let tables = [
        ("run", "status = 'partial'"),
        ("launch", "reason = 'x'"),
        ("measurement", "median = 1.0"),
        ("sample", "packed = x'00'"),
        ("fact", "phase = 'end'"),
        ("finding", "code = 'x'"),
        ("inventory", "benchmark_id = 1"),
        ("run_executable", "package = 'x'"),
        ("part_digest", "part = 'x'"),
    ];
    for (table, change) in tables {
        for sql in [format!("UPDATE {table} SET {change}"), format!("DELETE FROM {table}")] {
            let error = store.connection.execute(&sql, []).unwrap_err();
            assert!(error.to_string().contains("immutable"), "{sql}: {error}");
        }
    }
    assert_eq!(store.record(&id(1)).unwrap(), record);
}

#[test]
fn a_run_is_complete_only_if_its_launches_are() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let mut check = |number: u32, launches: &[LaunchStatus]| {
        store.begin_run(&new_run(number)).unwrap();
        for (ordinal, status) in (0..).zip(launches) {
            store.add_launch(&id(number), &launch(ordinal, *status)).unwrap();
        }
        let error = store.finish_run(&id(number), &end(RunStatus::Complete)).unwrap_err();
        assert!(error.to_string().contains("cannot be complete"), "{error}");
        assert_eq!(store.run(&id(number)).unwrap().status, RunStatus::Running, "the refusal changed nothing");
        store.finish_run(&id(number), &end(RunStatus::Partial)).unwrap();
        let run = store.run(&id(number)).unwrap();
        for launch in &run.launches {
            assert_ne!(launch.status, LaunchStatus::Running);
            assert_eq!(launch.reason.is_some(), launch.status == LaunchStatus::Partial);
        }
        assert_eq!(store.verify(&id(number)).unwrap(), Vec::<String>::new());
    };
    check(1, &[]);
    check(2, &[LaunchStatus::Complete, LaunchStatus::Partial]);
    check(3, &[LaunchStatus::Complete, LaunchStatus::Running]);
}

/// Lets a test damage what the triggers protect.
fn damage(store: &Store, sql: &str) {
    let triggers: Vec<String> = store
        .connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for name in triggers {
        store.connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    assert!(store.connection.execute(sql, []).unwrap() > 0, "{sql} changed nothing");
}

#[test]
fn damage_is_found_and_named() {
    let check = |sql: &str, parts: &[&str]| {
        let mut store = Store::open_in_memory(NOW).unwrap();
        measure(&mut store, new_run(1), &end(RunStatus::Complete));
        damage(&store, sql);
        assert_eq!(store.verify(&id(1)).unwrap(), parts, "{sql}");
    };
    let first = ["measurement/0000/0000", "measurements"];
    check(
        "UPDATE sample SET packed = substr(packed, 1, length(packed) - 1) WHERE measurement_id = 1",
        &first,
    );
    check("UPDATE sample SET packed = x'' WHERE measurement_id = 1", &first);
    check("DELETE FROM sample WHERE measurement_id = 1", &first);
    check(
        "UPDATE sample SET packed = (SELECT packed FROM sample WHERE measurement_id = 2) WHERE measurement_id = 1",
        &first,
    );
    check("UPDATE measurement SET sha256 = zeroblob(32) WHERE measurement_id = 1", &first);
    check("UPDATE finding SET evidence = '4 of 4' WHERE ordinal = 0", &["findings"]);
    check("UPDATE run SET started_us = started_us + 1", &["run"]);
    check("UPDATE fact_text SET value_json = '\"def456\"' WHERE key = 'source.commit'", &["facts", "nights"]);
    check("UPDATE launch SET exit_code = 1 WHERE ordinal = 1", &["launches"]);
    check("UPDATE run SET plan_json = 'null'", &["plan"]);
}

#[test]
fn a_torn_sample_is_an_error_not_a_number() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    measure(&mut store, new_run(1), &end(RunStatus::Complete));
    damage(&store, "UPDATE sample SET packed = substr(packed, 1, 6) WHERE measurement_id = 2");
    let error = store.measurements(&id(1)).unwrap_err();
    assert!(matches!(error, StoreError::Content { .. }), "{error}");
    assert!(error.to_string().contains("Signatur·Prüfung/ä/f/8"), "{error}");
}

#[test]
fn runs_are_found_by_every_name() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    assert!(matches!(store.resolve("latest"), Err(StoreError::NoRuns { .. })));
    store.import_run(&summary_record(99)).unwrap();
    assert_eq!(store.resolve("latest").unwrap(), id(99));
    measure(&mut store, new_run(1), &end(RunStatus::Complete));
    measure(&mut store, new_run(2), &end(RunStatus::Partial));
    store.begin_run(&new_run(3)).unwrap();
    assert_eq!(store.resolve("latest").unwrap(), id(2));
    assert_eq!(store.resolve(id(1).as_str()).unwrap(), id(1));
    assert_eq!(store.resolve(&id(1).as_str().to_lowercase()).unwrap(), id(1));
    assert_eq!(store.resolve(id(1).short()).unwrap(), id(1));
    let error = store.resolve("01K9").unwrap_err();
    assert!(matches!(&error, StoreError::Ambiguous { candidates, .. } if candidates.len() == 4), "{error}");
    for unknown in ["01", "%%%%", "ZZZZZZ", "", id(7).as_str()] {
        assert!(matches!(store.resolve(unknown), Err(StoreError::NoSuchRun { .. })), "{unknown}");
    }
    store.set_baseline("v1.0", &id(2), NOW).unwrap();
    store.set_baseline("v1.0", &id(1), NOW).unwrap();
    assert_eq!(store.resolve("v1.0").unwrap(), id(1));
    assert_eq!(store.baseline("none").unwrap(), None);
    store.set_baseline("old", &id(2), NOW).unwrap();
    let names: Vec<(String, RunId)> =
        store.baselines().unwrap().into_iter().map(|found| (found.name, found.run)).collect();
    assert_eq!(names, [("old".to_owned(), id(2)), ("v1.0".to_owned(), id(1))]);
}

#[test]
fn lists_are_ordered_filtered_and_counted() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    for number in [2, 1, 3] {
        measure(&mut store, new_run(number), &end(RunStatus::Complete));
    }
    store.import_run(&summary_record(4)).unwrap();
    let list = |filter: RunFilter, limit| -> Vec<RunId> {
        store.runs(&filter, limit).unwrap().into_iter().map(|run| run.id).collect()
    };
    assert_eq!(list(RunFilter::default(), 9), [id(4), id(3), id(2), id(1)]);
    assert_eq!(list(RunFilter::default(), 1), [id(4)]);
    assert_eq!(list(RunFilter { kind: Some(RunKind::Summary), ..RunFilter::default() }, 9), [id(4)]);
    let since = Some(Timestamp(NOW.0 + 2_000_000));
    let until = Some(Timestamp(NOW.0 + 4_000_000));
    assert_eq!(list(RunFilter { since, until, ..RunFilter::default() }, 9), [id(3), id(2)]);
    assert_eq!(list(RunFilter { suite: Some("other".to_owned()), ..RunFilter::default() }, 9), []);
    let measured = &store.runs(&RunFilter::default(), 9).unwrap()[1];
    assert_eq!((measured.benchmarks, measured.launches, measured.findings), (3, 2, 2));
    assert_eq!(measured.commit.as_deref(), Some("abc123"));
    assert_eq!((measured.profile.as_deref(), measured.set.as_deref()), (Some("standard"), Some("core")));
    let machines = store.machines().unwrap();
    assert_eq!(machines.len(), 1);
    assert_eq!((machines[0].runs, &machines[0].latest_run), (4, &id(4)));
}

#[test]
fn series_hold_one_point_per_launch() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    for number in [2, 1] {
        measure(&mut store, new_run(number), &end(RunStatus::Complete));
    }
    let keys = store.series(Some(&bench("", None))).unwrap();
    assert_eq!(keys.len(), 1);
    let points = store.series_points(&keys[0]).unwrap();
    let order: Vec<_> = points.iter().map(|point| (point.run.clone(), point.launch)).collect();
    assert_eq!(order, [(id(1), 0), (id(1), 1), (id(2), 0), (id(2), 1)]);
    // Every observation is i × 17.5 ns over i × 10 iterations.
    assert!((points[0].median - 1.75).abs() < 1e-12 && (points[0].minimum - 1.75).abs() < 1e-12);
    assert_eq!(points[0].observations, 5);
    assert_eq!(store.series(None).unwrap().len(), 3);
    let unknown = SeriesKey { config: "other".to_owned(), ..keys[0].clone() };
    assert_eq!(store.series_points(&unknown).unwrap(), []);
}

#[test]
fn notes_and_aliases_are_added_once() {
    let mut store = Store::open_in_memory(NOW).unwrap();
    let note = |text: &str, at| Annotation {
        target: NoteTarget::Run,
        id: id(1).to_string(),
        kind: "remark".to_owned(),
        text: text.to_owned(),
        at,
    };
    let (late, early) = (note("late", Timestamp(2)), note("early", Timestamp(1)));
    assert!(store.annotate(&late).unwrap());
    assert!(store.annotate(&early).unwrap());
    assert!(!store.annotate(&late).unwrap());
    assert_eq!(store.annotations(NoteTarget::Run, id(1).as_str()).unwrap(), [early, late]);
    let alias = Alias { origin: "ron-kms".to_owned(), name: "sign".to_owned(), benchmark: bench("f", None) };
    assert!(store.add_alias(&alias).unwrap());
    assert!(!store.add_alias(&alias).unwrap());
    let other = Alias { benchmark: bench("g", None), ..alias.clone() };
    assert!(matches!(store.add_alias(&other), Err(StoreError::Invalid { .. })));
    assert_eq!(store.aliases().unwrap(), [alias]);
}
