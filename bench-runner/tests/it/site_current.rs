//! A site that is made again: nothing is done for the same store, what was touched is repaired, and whatever was there before, the
//! bytes are those of a site made from nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bench_runner::model::ids::RunId;
use bench_runner::model::run::{Run, RunStatus};
use bench_runner::model::units::Timestamp;
use bench_runner::store::{OpenMode, RunFilter, Store};
use serde_json::Value;

use crate::site::{files, made_up};

const DAY: i64 = 86_400_000_000;

/// A folder with a store, its configuration, and a site.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(place.path("bench-runner.toml"), made_up::CONFIG).unwrap();
        made_up::store(&place.path("observatory.sqlite"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> Store {
        let path = self.path("observatory.sqlite");
        Store::open(&path, OpenMode::ReadWrite, Timestamp(0)).unwrap().0
    }

    /// Writes the site into `out` and returns how many files were written.
    fn write(&self, out: &str, more: &[&str]) -> u64 {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bench-runner"));
        command.current_dir(&self.folder).args(["site", "--format", "json", "--out", out]).args(more);
        let output = command.assert().success().get_output().stdout.clone();
        let told: Value = serde_json::from_slice(&output).unwrap();
        let listed = listed(&self.path(out));
        assert_eq!(told["pages"], listed.len(), "{told}");
        let bytes: u64 = listed.values().map(|content| content.len() as u64).sum();
        assert_eq!(told["bytes"], bytes, "{told}");
        told["written"].as_u64().unwrap()
    }

    /// Writes the site again, and once more from nothing into another folder: the two must not differ. Returns how many files
    /// were written.
    fn again(&self, what: &str, more: &[&str]) -> u64 {
        let written = self.write("site", more);
        let fresh = tempfile::tempdir_in(self.folder.path()).unwrap();
        self.write(&fresh.path().to_string_lossy(), more);
        same(what, &files(&self.path("site")), &files(fresh.path()));
        written
    }
}

/// Says which files differ, rather than printing them.
fn same(what: &str, found: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{what}");
    for (name, content) in found {
        assert!(*content == expected[name], "{what}: {name} differs");
    }
}

/// The files that the manifest lists.
fn listed(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = files(folder);
    let manifest: Value = serde_json::from_slice(&found["site.json"]).unwrap();
    found.retain(|name, _| manifest["pages"].get(name).is_some());
    found
}

/// The newest run of each machine.
fn newest(store: &Store) -> Vec<RunId> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for run in store.runs(&RunFilter::default(), 1000).unwrap() {
        if !seen.contains(&run.identity.machine) {
            seen.push(run.identity.machine);
            found.push(run.id);
        }
    }
    found
}

#[test]
fn the_same_store_is_done_with_at_once_and_what_was_touched_is_repaired() {
    let place = Place::new();
    let all = place.write("site", &[]);
    let made = files(&place.path("site"));
    assert_eq!(place.write("site", &[]), 0);
    same("made again", &files(&place.path("site")), &made);
    let run = made.keys().find(|name| name.starts_with("run/") && name.ends_with(".html")).unwrap().clone();
    let benchmark = made.keys().find(|name| name.starts_with("benchmark/")).unwrap().clone();
    // Another byte of the same size, a file cut off, one that is gone, one that is a folder now.
    for name in [run.as_str(), benchmark.as_str(), "index.html", "compare.md"] {
        let path = place.path("site").join(name);
        let mut edited = made[name].clone();
        let middle = edited.len() / 2;
        edited[middle] ^= 1;
        std::fs::write(&path, &edited).unwrap();
        assert_eq!(place.write("site", &[]), 1, "{name} edited");
        std::fs::write(&path, &made[name][..middle]).unwrap();
        assert_eq!(place.write("site", &[]), 1, "{name} cut off");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(place.write("site", &[]), 1, "{name} gone");
        same(name, &files(&place.path("site")), &made);
    }
    // The time of a file tells nothing.
    std::fs::write(place.path("site").join(&run), &made[&run]).unwrap();
    assert_eq!(place.write("site", &[]), 0);
    std::fs::remove_dir_all(place.path("site")).unwrap();
    assert_eq!(place.write("site", &[]), all);
    same("made from nothing", &files(&place.path("site")), &made);
}

#[test]
fn whatever_became_of_the_manifest_the_pages_are_the_same() {
    let place = Place::new();
    place.write("site", &[]);
    let made = files(&place.path("site"));
    let manifest = place.path("site/site.json");
    let good = made["site.json"].clone();
    let text = String::from_utf8(good.clone()).unwrap();
    let swapped = {
        // Two pages that changed places: every digest in it is one that it had before.
        let value: Value = serde_json::from_str(&text).unwrap();
        let of = |name: &str| value["pages"][name]["sha256"].as_str().unwrap().to_owned();
        let (one, other) = (of("index.html"), of("gates.html"));
        text.replace(&one, "here").replace(&other, &one).replace("here", &other)
    };
    for (what, content) in [
        ("empty", Vec::new()),
        ("cut off", good[..good.len() / 2].to_vec()),
        ("no text", vec![0xff; 4096]),
        ("deep", "[".repeat(1 << 20).into_bytes()),
        ("another file", b"{\"schema\": \"other\", \"version\": 7}".to_vec()),
        ("swapped", swapped.into_bytes()),
    ] {
        std::fs::write(&manifest, content).unwrap();
        assert_eq!(place.write("site", &[]), 0, "{what}: the pages were as they should be");
        same(what, &files(&place.path("site")), &made);
    }
    std::fs::remove_file(&manifest).unwrap();
    let page = place.path("site/gates.html");
    std::fs::write(&page, "mine").unwrap();
    assert_eq!(place.write("site", &[]), 1, "a page that is in the way is written");
    same("no manifest", &files(&place.path("site")), &made);
    // Larger than anything that this program writes, and a folder: neither stops it.
    std::fs::File::create(&manifest).unwrap().set_len(65 << 20).unwrap();
    assert_eq!(place.write("site", &[]), 0);
    same("huge", &files(&place.path("site")), &made);
}

#[test]
fn a_night_leaves_the_bytes_of_a_site_made_from_nothing() {
    let place = Place::new();
    let all = place.write("site", &[]);
    // What somebody said about a run.
    let runs = newest(&place.store());
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bench-runner"));
    command.current_dir(&place.folder).env("BENCH_RUNNER_KEYS", place.path("keys"));
    command.args(["quarantine", runs[0].as_str(), "--reason", "the fan broke"]).assert().success();
    let written = place.again("a word", &[]);
    assert!(written > 0 && written < all, "{written} of {all}");
    // One more run of each machine, a little slower.
    let mut store = place.store();
    for (number, id) in (0_i64..).zip(&runs) {
        let mut record = store.record(id).unwrap();
        record.run.id = format!("01K9C{number:01}00000000000000000031").parse().unwrap();
        record.run.started = Timestamp(record.run.started.0 + 9 * DAY);
        record.run.finished = record.run.finished.map(|at| Timestamp(at.0 + 9 * DAY));
        for entry in &mut record.measurements {
            for observation in &mut entry.measurement.sample {
                observation.total = (observation.total * 1.07).round();
            }
        }
        store.import_run(&record).unwrap();
    }
    drop(store);
    let written = place.again("a night", &[]);
    assert!(written > 0 && written < all, "{written} of {all}");
    // Other wishes and other settings give other pages, and the old ones when they are taken back.
    place.again("every run", &["--all"]);
    place.again("short twins", &["--max-bytes", "1000"]);
    place.again("as before", &[]);
    let config = place.path("bench-runner.toml");
    std::fs::write(&config, format!("{}\n[judge]\nmargin = 0.2\n", made_up::CONFIG)).unwrap();
    assert!(place.again("a wide margin", &[]) > 0);
    std::fs::write(&config, made_up::CONFIG).unwrap();
    place.again("the usual margin", &[]);
    assert_eq!(place.write("site", &[]), 0);
}

/// A run that has no end yet is not on the pages, and one whose process died is: the store does not tell the two apart.
#[test]
fn a_run_that_ends_without_a_word_is_noticed() {
    let place = Place::new();
    let mut store = place.store();
    let last = store.run(&newest(&store)[0]).unwrap();
    let begun = Run {
        id: "01K9D000000000000000000031".parse().unwrap(),
        status: RunStatus::Running,
        started: Timestamp(last.started.0 + DAY),
        finished: None,
        facts: Vec::new(),
        launches: Vec::new(),
        findings: Vec::new(),
        ..last
    };
    store.begin_run(&begun).unwrap();
    place.write("site", &[]);
    let page = place.path("site/run").join(format!("{}.html", begun.id));
    assert!(!page.exists(), "it is still being measured");
    let manifest: Value = serde_json::from_slice(&files(&place.path("site"))["site.json"]).unwrap();
    assert_eq!(manifest["store"], "", "the store alone does not say what is on the pages");
    drop(store);
    assert!(place.write("site", &[]) > 0, "its process is gone, and the store did not change");
    assert!(page.exists());
    place.again("a dead run", &[]);
}
