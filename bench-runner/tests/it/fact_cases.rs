//! Every fact of the catalogue has three fixtures: it says one thing, it says another (or has no meaning), it is not known.
//!
//! Host trees give most of them; the rest comes from recorded programs, counters and builds. What cannot have three is
//! listed with its reason, and only that. A new fact without fixtures fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use bench_runner::analysis::doctor::{Inputs, diagnose};
use bench_runner::canary::{self, Clock, Readings};
use bench_runner::criterion::build::{Build, BuildRequest, Features, ProfileSettings};
use bench_runner::criterion::flags::Flags;
use bench_runner::experiment::build_facts;
use bench_runner::hardware::{OsKind, Root, WINDOW_KEYS, Window};
use bench_runner::model::fact::catalogue::CATALOGUE;
use bench_runner::model::fact::{Fact, FactStatus, Phase, keys};
use bench_runner::model::ids::Digest;
use bench_runner::process::RecordedRunner;
use bench_runner::source::{self, SOURCE_KEYS};

use super::hardware_support::{TREES, facts_of, unchanged};

/// Trees in which one file says something else than in all others.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("kvm-guest", "TracerPid:\t0", "TracerPid:\t77"),
    ("kvm-guest", "procs_blocked 0", "procs_blocked 3"),
    ("kvm-guest", "proc/pressure/memory\nsome avg10=0.00", "proc/pressure/memory\nsome avg10=33.00"),
    ("kvm-guest", "@environment 2048", "@environment 4096"),
    ("intel-laptop-mains", "rustc 1.95.0 (59807616e 2026-04-14)", "rustc 1.96.0 (0123456789 2026-06-01)"),
    ("intel-laptop-mains", "commit-hash: 5980", "commit-hash: 0000"),
    ("intel-laptop-mains", "LLVM version: 22.1.2", "LLVM version: 23.0.0"),
    ("intel-laptop-mains", "cargo 1.95.0 (f2d3ce0bd 2026-03-21)", "cargo 1.96.0 (0123456789 2026-06-01)"),
];

/// Facts that cannot have all three.
const FEWER: &[(&str, &str)] = &[
    (keys::CPU_ARCH, "compiled in: it is always known"),
    (keys::BUILD_PROFILE, "we ask cargo for it: it is always known"),
    (keys::BUILD_FLAGS, "we resolve them before we build: they are always known"),
    (keys::BUILD_FEATURES, "words of the command line: they are always known"),
    (keys::HARNESS_RUNNER, "compiled in: it is always known, and the same in one build"),
    (keys::PROBE_BACKEND, "said by the executables of a suite: `criterion::probe` tests its three cases"),
    (keys::PROBE_SIGNING_BACKEND, "said by the executables of a suite, as the backend"),
    (keys::MACHINE_SYNTHETIC, "a mark: it is there or it is not"),
];

/// What was seen of each fact: known texts, and whether it was without meaning or not known.
#[derive(Default)]
struct Seen {
    known: BTreeMap<String, BTreeSet<String>>,
    meaningless: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

impl Seen {
    /// Notes facts; one of `keys` that is not among them is not known.
    fn note(&mut self, facts: &[Fact], keys: &[&str]) {
        for fact in facts {
            let key = fact.key.clone();
            if let Some(text) = fact.known_text() {
                self.known.entry(key).or_default().insert(text);
            } else if fact.status == FactStatus::NotApplicable {
                self.meaningless.insert(key);
            } else {
                self.unknown.insert(key);
            }
        }
        let missing = keys.iter().filter(|key| !facts.iter().any(|fact| fact.key == **key));
        self.unknown.extend(missing.map(|key| (*key).to_owned()));
    }

    /// What is missing of the three.
    fn lacks(&self, key: &str) -> Vec<&'static str> {
        let known = self.known.get(key).map_or(0, BTreeSet::len);
        let mut lacking = Vec::new();
        if known == 0 {
            lacking.push("a fixture in which it is known");
        }
        if known < 2 && !self.meaningless.contains(key) {
            lacking.push("one in which it says something else or has no meaning");
        }
        if !self.unknown.contains(key) {
            lacking.push("one in which it is not known");
        }
        lacking
    }
}

/// The facts of all trees, and what the doctor says of them.
fn machines(seen: &mut Seen) {
    let mut note = |facts: Vec<Fact>| {
        seen.note(&facts, &[keys::DOCTOR_GRADE]);
        seen.note(&[diagnose(&facts, &Inputs::default()).grade_fact(Phase::Start)], &[]);
    };
    for tree in TREES {
        note(facts_of(tree, unchanged));
    }
    for (tree, from, to) in OTHERWISE {
        note(facts_of(tree, |text| {
            assert!(text.contains(from), "{tree} has no {from:?}");
            text.replace(from, to)
        }));
    }
}

/// The facts of a repository of which git says so.
fn sources(seen: &mut Seen) {
    let git = |commit: char, changes: &str, branch: &str, tag: &str, day: u32| {
        RecordedRunner::new()
            .with("git rev-parse --is-inside-work-tree", 0, "true\n")
            .with("git rev-parse --verify --quiet HEAD^{commit}", 0, &commit.to_string().repeat(40))
            .with("git status --porcelain", 0, changes)
            .with("git symbolic-ref --quiet --short HEAD", 0, branch)
            .with("git describe --tags HEAD", 0, tag)
            .with(
                "git -c log.showSignature=false show --no-patch --format=%cI HEAD",
                0,
                &format!("2026-11-{day:02}T19:37:00-06:00\n"),
            )
    };
    let [clean, changed] =
        [git('a', "", "main", "v1.2.0", 5), git('b', " M src/lib.rs\n", "next", "v1.3.0", 6)];
    for runner in [clean, changed, RecordedRunner::new()] {
        seen.note(&source::capture(std::path::Path::new("."), "git", &runner, Phase::Start), SOURCE_KEYS);
    }
}

/// The window between two readings of counters: idle, busy, and without counters.
fn windows(seen: &mut Seen) {
    let folder = tempfile::tempdir().unwrap();
    let read = |counters: Option<(u32, u32, u32)>| {
        let root = folder.path().join(format!("{counters:?}"));
        if let Some((busy, idle, waited)) = counters {
            std::fs::create_dir_all(root.join("proc/pressure")).unwrap();
            let stat = format!("cpu  {busy} 0 0 {idle} 0 0 0 0\ncpu0 {busy} 0 0 {idle} 0 0 0 0\n");
            std::fs::write(root.join("proc/stat"), stat).unwrap();
            let pressure = format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={waited}\n");
            std::fs::write(root.join("proc/pressure/cpu"), pressure).unwrap();
        }
        Window::open(&Root::new(&root), OsKind::Linux)
    };
    let before = read(Some((100, 900, 0)));
    for later in [read(Some((100, 1000, 0))), read(Some((150, 950, 90_000))), read(None)] {
        seen.note(&before.close(&later, 0.5, Phase::Start), WINDOW_KEYS);
    }
}

fn canaries(seen: &mut Seen) {
    let machine = |ghz: f64, contention: f64| Readings {
        clock: Some(Clock { ghz, multiply_cycles: 3.0 }),
        contention: Some(contention),
        throughput: Some(ghz),
        memory_ns: Some(80.0 / ghz),
        timer_ns: Some(20.0 / ghz),
    };
    for readings in [machine(3.7, 1.0), machine(2.6, 0.7), Readings::default()] {
        seen.note(&canary::facts(&readings, Phase::Start), &[]);
    }
}

/// What one build is made of.
struct Made<'a> {
    manifest: Option<&'a str>,
    settings: &'a [(&'a str, &'a str)],
    flags: &'a [&'a str],
    features: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
    lock: Option<u8>,
    spoken: Option<&'a str>,
    compiler: Option<&'a str>,
}

impl Made<'_> {
    fn facts(&self) -> Vec<Fact> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(manifest) = self.manifest {
            std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        }
        let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let built = Build {
            root: folder.path().to_owned(),
            target_directory: None,
            executables: Vec::new(),
            profile: ProfileSettings {
                name: "bench".to_owned(),
                opt_level: "3".to_owned(),
                manifest: pairs(self.settings),
                ..ProfileSettings::default()
            },
            flags: Flags { configured: own(self.flags), ..Flags::default() },
            lock: self.lock.map(|byte| Digest([byte; 32])),
            findings: Vec::new(),
        };
        let mut request = BuildRequest::new(folder.path());
        request.features = Features { names: own(self.features), ..Features::default() };
        request.environment = self
            .variables
            .iter()
            .map(|&(name, value)| (OsString::from(name), OsString::from(value)))
            .collect();
        let runner = RecordedRunner::new();
        let runner = match self.compiler {
            Some(listing) => runner.with("rustc --print target-cpus", 0, listing),
            None => runner,
        };
        build_facts(&built, &request, &self.spoken.into_iter().collect(), &runner)
    }
}

fn builds(seen: &mut Seen) {
    let all: Vec<&str> = CATALOGUE
        .iter()
        .map(|entry| entry.key)
        .filter(|key| key.starts_with("build.") || key.starts_with("harness."))
        .collect();
    let plain = Made {
        manifest: Some(""),
        settings: &[],
        flags: &[],
        features: &[],
        variables: &[],
        lock: Some(1),
        spoken: Some("0.8.2"),
        compiler: Some("    x86-64 - This is the default target CPU for the current build target."),
    };
    let tuned = Made {
        manifest: Some("[profile.release.package.slow]\nopt-level = 1\n"),
        settings: &[("lto", "fat"), ("codegen-units", "1")],
        flags: &["-Ctarget-cpu=x86-64-v3"],
        features: &["fast"],
        lock: Some(2),
        spoken: Some("0.7.0"),
        ..plain
    };
    // Two places speak of both settings, and nothing else can be read.
    let unreadable = Made {
        manifest: None,
        settings: tuned.settings,
        variables: &[("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "4")],
        lock: None,
        spoken: None,
        compiler: None,
        ..plain
    };
    for made in [&plain, &tuned, &unreadable] {
        seen.note(&made.facts(), &all);
    }
}

#[test]
fn every_fact_of_the_catalogue_has_its_three_fixtures() {
    let mut seen = Seen::default();
    machines(&mut seen);
    sources(&mut seen);
    windows(&mut seen);
    canaries(&mut seen);
    builds(&mut seen);
    let mut wrong = Vec::new();
    for entry in CATALOGUE {
        let lacking = seen.lacks(entry.key);
        let excused = FEWER.iter().any(|(key, _)| *key == entry.key);
        if excused && lacking.is_empty() {
            wrong.push(format!("{} has all three and needs no excuse", entry.key));
        } else if !excused {
            wrong.extend(lacking.iter().map(|what| format!("{} lacks {what}", entry.key)));
        }
    }
    assert!(wrong.is_empty(), "facts without their fixtures:\n{}", wrong.join("\n"));
    assert!(CATALOGUE.len() - FEWER.len() >= 60);
}

#[test]
fn the_recorded_guest_shows_enough() {
    let facts = facts_of("kvm-guest", unchanged);
    let read = facts.iter().filter(|fact| fact.status == FactStatus::Ok).count();
    assert!(read >= 25, "{read}");
}
