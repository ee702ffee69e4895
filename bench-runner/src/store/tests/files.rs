//! Stores as files: interrupted runs, full disks, migrations, foreign files.

use std::path::PathBuf;

use rusqlite::Connection;

use super::super::*;
use super::{NOW, bench, end, id, launch, measure, measurement, new_run};
use crate::model::measurement::{Measurement, Observation};
use crate::model::run::{LaunchStatus, RunStatus};

fn open(path: &Path) -> (Store, Opened) {
    Store::open(path, OpenMode::ReadWrite, NOW).unwrap()
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/observatory.sqlite");
    (folder, path)
}

#[test]
fn a_run_without_its_process_becomes_partial() {
    let (_folder, path) = place();
    let (mut store, opened) = open(&path);
    assert!(opened.created);
    let earlier = measure(&mut store, new_run(1), &end(RunStatus::Complete));
    store.begin_run(&new_run(2)).unwrap();
    store.add_launch(&id(2), &launch(0, LaunchStatus::Complete)).unwrap();
    store.insert_measurement(&id(2), 0, &measurement(bench("f", None), 9.0)).unwrap();
    store.add_launch(&id(2), &launch(1, LaunchStatus::Running)).unwrap();
    // While it lives, a second opener leaves it alone.
    let (second, opened) = open(&path);
    assert_eq!(opened, Opened::default());
    assert_eq!(second.run(&id(2)).unwrap().status, RunStatus::Running);
    let (reader, _) = Store::open(&path, OpenMode::ReadOnly, NOW).unwrap();
    let status = |store: &Store| store.runs(&RunFilter::default(), 1).unwrap()[0].status;
    assert_eq!(
        (status(&reader), reader.run(&id(2)).unwrap().status),
        (RunStatus::Running, RunStatus::Running)
    );
    drop(store);
    // A reader writes nothing, and tells what the next writer will make of it.
    let told = reader.record(&id(2)).unwrap();
    assert_eq!((status(&reader), told.run.status), (RunStatus::Partial, RunStatus::Partial));
    assert_eq!(reader.run(&id(2)).unwrap(), told.run);
    let outline = reader.outlines(&[id(2)]).unwrap().remove(0);
    assert_eq!((outline.status, outline.findings), (told.run.status, told.run.findings.clone()));
    assert!(reader.has_unfinished_runs().unwrap(), "nobody has closed it yet");
    assert_eq!(reader.resolve("latest").unwrap(), id(1));
    let (third, opened) = open(&path);
    assert_eq!(opened.recovered, [id(2)]);
    let run = third.run(&id(2)).unwrap();
    assert_eq!(third.record(&id(2)).unwrap(), told);
    assert_eq!((run.status, run.finished), (RunStatus::Partial, None));
    assert!(!third.has_unfinished_runs().unwrap());
    assert_eq!(run.launches[0].status, LaunchStatus::Complete);
    assert_eq!(run.launches[1].status, LaunchStatus::Partial);
    assert!(run.launches[1].reason.as_ref().unwrap().contains("ended"));
    assert_eq!(run.findings.last().unwrap().code, "run-interrupted");
    assert!(run.findings.last().unwrap().evidence.contains("1 of 2 started launches"));
    assert_eq!(third.verify(&id(2)).unwrap(), Vec::<String>::new());
    assert_eq!(third.measurements(&id(2)).unwrap().len(), 1);
    assert_eq!(third.record(&id(1)).unwrap(), earlier);
    assert_eq!(lock::lock_files(third.path()), []);
    assert_eq!(open(&path).1.recovered, []);
}

#[cfg(unix)]
#[test]
fn a_living_run_is_seen_through_a_link() {
    let (folder, path) = place();
    let (mut store, _) = open(&path);
    store.begin_run(&new_run(1)).unwrap();
    let link = folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (reader, _) = Store::open(&link, OpenMode::ReadOnly, NOW).unwrap();
    assert_eq!(reader.run(&id(1)).unwrap().status, RunStatus::Running);
    drop(store);
    assert_eq!(reader.run(&id(1)).unwrap().status, RunStatus::Partial);
}

#[test]
fn a_full_disk_loses_nothing_stored_before() {
    let (_folder, path) = place();
    let (mut store, _) = open(&path);
    let earlier = measure(&mut store, new_run(1), &end(RunStatus::Complete));
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update(None, "max_page_count", pages + 8).unwrap();
    store.begin_run(&new_run(2)).unwrap();
    store.add_launch(&id(2), &launch(0, LaunchStatus::Running)).unwrap();
    let noise = |seed: u64| (0..900).map(move |i: u64| (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12);
    let mut stored = 0;
    let error = loop {
        let sample = noise(stored).map(|n| Observation { iterations: n % 97 + 1, total: n as f64 }).collect();
        let next = Measurement { sample, ..measurement(bench(&format!("f{stored}"), None), 1.0) };
        match store.insert_measurement(&id(2), 0, &next) {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the disk never filled up");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("intact"));
    assert_eq!(store.measurements(&id(2)).unwrap().len() as u64, stored);
    drop(store);
    let (store, opened) = open(&path);
    assert_eq!(opened.recovered, [id(2)]);
    assert_eq!(store.record(&id(1)).unwrap(), earlier);
    assert_eq!(store.verify(&id(2)).unwrap(), Vec::<String>::new());
}

#[test]
fn older_stores_are_backed_up_and_migrated() {
    let (_folder, path) = place();
    let (mut store, _) = open(&path);
    let earlier = measure(&mut store, new_run(1), &end(RunStatus::Complete));
    drop(store);
    let ladder =
        [schema::LADDER, &["CREATE TABLE later (x INTEGER NOT NULL) STRICT; INSERT INTO later VALUES (5)"]]
            .concat();
    let read_only = Store::open_on(&path, OpenMode::ReadOnly, NOW, &ladder).unwrap_err();
    assert!(matches!(read_only, StoreError::Older { found, known, .. } if known == found + 1), "{read_only}");
    let (store, opened) = Store::open_on(&path, OpenMode::ReadWrite, NOW, &ladder).unwrap();
    let newest = schema::newest(schema::LADDER);
    assert_eq!(opened.migrated_from, Some(newest));
    assert!(!opened.created);
    let backup = opened.backup.unwrap();
    assert!(
        backup.ends_with(format!("backups/observatory-v{newest}-20251106T013700Z.sqlite")),
        "{}",
        backup.display()
    );
    assert_eq!(store.record(&id(1)).unwrap(), earlier);
    drop(store);
    // The backup is a whole store of the older schema; the store itself is now too new for that version.
    let (copy, opened) = open(&backup);
    assert_eq!(opened, Opened::default());
    assert_eq!(copy.record(&id(1)).unwrap(), earlier);
    let newer = Store::open(&path, OpenMode::ReadWrite, NOW).unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found, .. } if found == newest + 1), "{newer}");
    let (_, again) = Store::open_on(&path, OpenMode::ReadWrite, NOW, &ladder).unwrap();
    assert_eq!(again, Opened::default());
}

#[test]
fn what_was_no_word_becomes_one_before_that_of_the_store() {
    let (_folder, path) = place();
    let (mut store, _) = Store::open_on(&path, OpenMode::ReadWrite, NOW, &schema::LADDER[..8]).unwrap();
    for number in [1, 2] {
        measure(&mut store, new_run(number), &end(RunStatus::Complete));
    }
    let later = Timestamp(i64::MAX);
    assert_eq!(store.prune(later, NOW, false).unwrap().runs.len(), 2);
    assert_eq!(store.fold(new_run(2).started, NOW, false).unwrap().runs, [id(1)]);
    drop(store);
    let (store, opened) = open(&path);
    assert_eq!(opened.migrated_from, Some(8));
    let words = |store: &Store| -> Vec<String> {
        let mut statement =
            store.connection.prepare("SELECT kind || ' ' || row_key FROM word ORDER BY word_id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(words(&store), ["pruned_run 1", "pruned_run 2", "folded_run 1", "store 1"]);
    drop(store);
    // From then on they are words as they come.
    let (mut store, _) = open(&path);
    assert_eq!(store.fold(later, NOW, false).unwrap().runs, [id(2)]);
    assert_eq!(words(&store).last().unwrap(), "folded_run 2");
}

#[test]
fn a_failed_migration_changes_nothing() {
    let (_folder, path) = place();
    let earlier = measure(&mut open(&path).0, new_run(1), &end(RunStatus::Complete));
    let ladder =
        [schema::LADDER, &["CREATE TABLE later (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)"]].concat();
    let error = Store::open_on(&path, OpenMode::ReadWrite, NOW, &ladder).unwrap_err();
    assert!(matches!(&error, StoreError::Migration { backup: Some(copy), .. } if copy.is_file()), "{error}");
    let (store, opened) = open(&path);
    assert_eq!(opened, Opened::default());
    assert_eq!(store.record(&id(1)).unwrap(), earlier);
}

#[test]
fn foreign_files_are_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, content: &[u8], reason: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        for mode in [OpenMode::ReadWrite, OpenMode::ReadOnly] {
            let error = Store::open(&path, mode, NOW).unwrap_err();
            assert!(matches!(error, StoreError::NotAStore { .. }), "{name}: {error:?}");
            assert!(error.to_string().contains(reason), "{name}: {error}");
            assert!(error.hint().is_some());
        }
        assert_eq!(std::fs::read(&path).unwrap(), content, "{name} was changed");
    };
    check("text", b"sign_bench 17.3 us\n", "not an SQLite database");
    check("cut", b"SQLite format 3\0\x10\x00", "cut off");
    for (name, sql) in [
        ("plain", "CREATE TABLE t (x)"),
        ("marked", "PRAGMA application_id = 77; CREATE TABLE t (x)"),
        ("numbered", "PRAGMA user_version = 3; CREATE TABLE t (x)"),
    ] {
        let made = folder.path().join(format!("{name}.made"));
        Connection::open(&made).unwrap().execute_batch(sql).unwrap();
        check(name, &std::fs::read(made).unwrap(), "another program");
    }
    let mut entries: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    entries.retain(|name| !["text", "cut", "plain", "marked", "numbered"].map(OsString::from).contains(name));
    assert_eq!(entries.len(), 3, "journals were left beside foreign files: {entries:?}");
    let error = Store::open(folder.path(), OpenMode::ReadWrite, NOW).unwrap_err();
    assert!(error.to_string().contains("folder"), "{error}");
}

#[test]
fn missing_and_empty_files_are_told_apart() {
    let (folder, path) = place();
    assert!(matches!(Store::open(&path, OpenMode::ReadOnly, NOW), Err(StoreError::Missing { .. })));
    assert!(!path.parent().unwrap().exists(), "reading made a folder");
    let empty = folder.path().join("empty.sqlite");
    std::fs::write(&empty, b"").unwrap();
    assert!(matches!(Store::open(&empty, OpenMode::ReadOnly, NOW), Err(StoreError::NoRuns { .. })));
    let (store, opened) = open(&empty);
    assert!(opened.created);
    assert_eq!(store.identity().unwrap().1, NOW);
}

#[test]
fn a_run_of_two_hundred_benchmarks_stays_small() {
    // Whole pages of the file, with rows, digests and indexes; the dictionaries are there since the first run.
    let check = |observations: u64, step: u64, budget: i64| {
        let mut store = Store::open_in_memory(NOW).unwrap();
        let pages = |store: &Store| -> i64 {
            let count: i64 =
                store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
            count
                * store.connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0)).unwrap()
        };
        let mut sizes = Vec::new();
        // Pages fill in steps: only the growth over many runs is the growth of a run.
        for number in 1..=12 {
            let mut run = new_run(number);
            run.inventory = (0..200).map(|i| bench("f", Some(&i.to_string()))).collect();
            store.begin_run(&run).unwrap();
            store.add_launch(&id(number), &launch(0, LaunchStatus::Running)).unwrap();
            for (index, benchmark) in (0_u32..).zip(&run.inventory) {
                let sample = pack::tests::realistic(observations, step, 17_309.0 + f64::from(index));
                let next = Measurement { sample, ..measurement(benchmark.clone(), 1.0) };
                store.insert_measurement(&id(number), 0, &next).unwrap();
            }
            store.finish_launch(&id(number), &launch(0, LaunchStatus::Complete)).unwrap();
            store.finish_run(&id(number), &end(RunStatus::Complete)).unwrap();
            sizes.push(pages(&store));
        }
        let grown = (sizes[11] - sizes[1]) / 10;
        assert!(grown <= budget, "{observations} observations: {grown} bytes per run");
    };
    // The wish was 80 kB; about 84 is what rows, digests and two indexes leave of it. See docs/budgets.md.
    check(100, 57, 88_000);
    check(300, 19, 300_000);
}
