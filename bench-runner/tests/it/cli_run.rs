//! `run` on suites that misbehave, machines that are busy, sources that git does not know: code, words, nothing lost.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use bench_runner::clock;
use bench_runner::model::run::RunStatus;
use bench_runner::process::{Cancel, lock};
use bench_runner::store::{OpenMode, RunFilter, Store};

use super::cli_support::{World, repository};

#[test]
fn nothing_to_measure_says_why() {
    let world = World::new();
    let kept = world.with_history();
    let check = |words: &[&str], code: i32, parts: &[&str]| drop(world.measure(words).code(code).says(parts));
    check(&["-p", "empty"], 4, &["no Criterion bench found in empty", "hint: add a `[[bench]]` target"]);
    check(
        &["-p", "forgotten"],
        4,
        &[
            "forgotten/declared: `harness = false` is missing",
            "hint: add `harness = false` to the `[[bench]]`",
        ],
    );
    check(&["-p", "sweet"], 4, &["no package named `sweet`", "there is: "]);
    check(&["-p", "suite", "--bench", "norml"], 4, &["no bench target named `norml`", "normal"]);
    check(
        &["-p", "suite", "--bench", "normal", "--filter", "^zzz$"],
        4,
        &["filter `^zzz$` select none of 5 benchmarks", "hint: there are normal/same"],
    );
    check(
        &["-p", "plain", "--bench", "mute"],
        4,
        &["select none of 0 benchmarks", "hint:", "criterion_main!"],
    );
    check(&["-p", "broken"], 101, &["do not compile", "mismatched types", "hint: mend the errors above"]);
    let nowhere = ["run", "--manifest-path", "nowhere/Cargo.toml"];
    world.answer(&nowhere).code(102).says(&["cargo cannot read the workspace", "does not exist", "hint:"]);
    world.write("torn/Cargo.toml", "[package\n");
    let torn = ["run", "--config", "bench-runner.toml", "--manifest-path", "torn/Cargo.toml"];
    world.answer(&torn).code(102).says(&["unclosed table", "torn/Cargo.toml:1:9", "hint:"]);
    world.keeps(&kept);
    assert_eq!(world.store().runs(&RunFilter::default(), 9).unwrap().len(), 1, "nothing was measured");
}

#[test]
fn benches_that_break_make_partial_runs_that_name_what_is_missing() {
    let world = World::new();
    let kept = world.with_history();
    let check = |scenario: &str, more: &[&str], reason: &str, missing: &[&str], measured: usize| {
        let answer = world.misbehave(scenario, more).code(119);
        let reasons: Vec<&str> = answer.err.lines().filter(|line| line.starts_with("partial: ")).collect();
        assert!(reasons.len() == 1 && reasons[0].contains(reason), "{scenario}: {reasons:?}\n{}", answer.err);
        let shown = world.answer(&["show"]).code(0);
        let one_line = shown.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["partial", "not eligible for gates", reason].iter().chain(missing) {
            assert!(one_line.contains(part), "{scenario}: {part:?} is not shown:\n{}", shown.out);
        }
        let store = world.store();
        let listed = store.runs(&RunFilter::default(), 1).unwrap().remove(0);
        assert_eq!(listed.status, RunStatus::Partial, "{scenario}");
        assert_eq!(store.measurements(&listed.id).unwrap().len(), measured, "{scenario}");
        world.keeps(listed.id.as_str());
        world.keeps(&kept);
    };
    let two = ["second", "third"];
    check("panic", &[], "it panicked (exit code 101) inside the benchmark faults/second", &two, 1);
    check("abort", &[], "killed by signal 6 inside the benchmark faults/second", &two, 1);
    check("exit", &[], "it exited with code 0 inside the benchmark faults/second", &two, 1);
    check("zero", &[], "1 of 3 benchmarks missing: faults/second", &["second"], 2);
    check("hang", &["--watchdog", "1"], "hung: warm-up of faults/second lasted for 1.0 s", &two, 1);
    // The broken executable is left alone after two failures; the other one is measured as planned.
    let mut both =
        world.measuring(&["-p", "suite", "--bench", "faults", "--bench", "normal", "--launches", "4"]);
    both.args(["--no-report", "--filter", "/(first|second|third|same)$"]).env("SCENARIO", "panic");
    world.finish(both, &["both"]).code(119);
    let store = world.store();
    let run = store.run(&store.resolve("latest").unwrap()).unwrap();
    let of = |target: &str| run.launches.iter().filter(|launch| launch.target == target).count();
    assert_eq!((of("faults"), of("normal")), (2, 4));
}

#[test]
fn odd_names_and_repeated_ids_are_complete_and_rendered() {
    let world = World::new();
    let mut names = world.measuring(&["-p", "suite", "--bench", "faults"]);
    names.env("SCENARIO", "names");
    world.finish(names, &["names"]).code(0).shows(&["complete", "größe/日本語/🦀", "report.html"]);
    let id = world.store().resolve("latest").unwrap();
    for (file, crab) in [("report.md", "größe/日本語/🦀"), ("report.html", "größe/日本語/🦀")] {
        let page = world.read(&format!("reports/{id}/{file}"));
        let has = |name: &str| assert!(page.contains(name), "{file} lacks {name}");
        has(crab);
        has(&"long-".repeat(60));
        has(&"ä".repeat(150));
    }
    let shown = world.answer(&["show", "--format", "json"]).code(0);
    assert_eq!(shown.json()["results"].as_array().unwrap().len(), 8);
    world.misbehave("duplicates", &[]).code(0);
    let shown = world.answer(&["show", "--format", "json"]).code(0);
    let findings = shown.json()["run"]["findings"].as_array().unwrap().clone();
    assert!(findings.iter().any(|finding| finding["code"] == "id-repeated"), "{findings:?}");
    assert_eq!(shown.json()["run"]["status"], "complete");
    // Two structures that Criterion writes alike are told apart, wherever there is room for it.
    let mut wide = world.command(&["show"]);
    wide.env("COLUMNS", "200");
    world.finish(wide, &["show"]).code(0).shows(&["(group first/part)", "(group first, function part)"]);
}

#[test]
fn equal_stores_give_equal_bytes_wherever_they_are_rendered() {
    let world = World::new();
    world.measure(&["-p", "suite", "--bench", "normal", "--launches", "3", "--no-report"]).code(0);
    let read = |world: &World, folder: &str| {
        world.answer(&["report", "latest", "--out", folder]).code(0);
        (world.read(&format!("{folder}/report.md")), world.read(&format!("{folder}/report.html")))
    };
    let first = read(&world, "once");
    assert!(first == read(&world, "again"), "rendered twice");
    // Same content in another store, elsewhere. Only the comparison with earlier runs may differ, and there is none.
    world.answer(&["bundle", "export", "latest", "--out", "run.json"]).code(0);
    let other = World::new();
    std::fs::copy(world.path("run.json"), other.path("run.json")).unwrap();
    let stored = other.answer(&["bundle", "import", "run.json", "--unsigned", "--format", "json"]).code(0);
    assert_eq!(
        (&stored.json()["schema"], &stored.json()["outcome"]),
        (&"bench-runner/stored".into(), &"added".into())
    );
    assert!(first == read(&other, "elsewhere"), "rendered elsewhere");
    // Neither the pages nor the bundle know where they were made.
    let place = world.path("");
    let place = place.to_str().unwrap().trim_end_matches('/');
    for text in [&first.0, &first.1, &world.read("run.json")] {
        assert!(!text.contains(place), "a path was stored");
    }
}

/// Values of the facts about the source, of the newest run.
fn source(world: &World) -> [String; 3] {
    let store = world.store();
    let facts = store.run(&store.resolve("latest").unwrap()).unwrap().facts;
    ["source.commit", "source.dirty", "source.branch"].map(|key| {
        let fact = facts.iter().find(|fact| fact.key == key).unwrap();
        fact.known_text().unwrap_or_else(|| format!("{:?}: {}", fact.status, fact.source))
    })
}

/// Every program of `PATH` but git, as links in a folder.
#[expect(clippy::disallowed_methods, reason = "the test narrows the path that it was given")]
fn path_without_git(world: &World) -> std::path::PathBuf {
    let folder = world.path("programs");
    std::fs::create_dir_all(&folder).unwrap();
    for place in std::env::split_paths(&std::env::var("PATH").unwrap()) {
        for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
            if entry.file_name() != "git" {
                // The first of a name wins, as in the path itself.
                std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name())).ok();
            }
        }
    }
    folder
}

#[expect(clippy::disallowed_methods, reason = "git is the world that is tested against")]
fn git(world: &World, words: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(words);
    let output = command.current_dir(world.path("source")).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn sources_without_git_dirty_or_detached_are_measured_and_told() {
    let world = World::new();
    let fixture = repository().join("bench-runner/tests/fixtures/suites/current/plain/benches/fake.rs");
    world.write("source/benches/fake.rs", &std::fs::read_to_string(fixture).unwrap());
    world.write("source/lib.rs", "");
    let manifest = "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
                    [lib]\npath = \"lib.rs\"\n\n[[bench]]\nname = \"fake\"\nharness = false\n";
    world.write("source/Cargo.toml", manifest);
    let run = |path: Option<&std::path::Path>| {
        let words =
            ["run", "--config", "bench-runner.toml", "--no-report", "--manifest-path", "source/Cargo.toml"];
        let mut command = world.command(&words);
        command.env("CARGO_TARGET_DIR", world.path("target"));
        // No repository above the temporary folder may answer instead.
        command.env("GIT_CEILING_DIRECTORIES", world.path(""));
        command.envs(path.map(|path| ("PATH", path)));
        world.finish(command, &words).code(0);
        source(&world)
    };
    let [commit, ..] = run(None);
    assert_eq!(commit, "NotApplicable: not a git repository");

    git(&world, &["init", "--quiet", "--initial-branch=trunk"]);
    git(&world, &["add", "."]);
    git(&world, &["commit", "--quiet", "-m", "first"]);
    let [commit, dirty, branch] = run(None);
    assert_eq!((commit.len(), branch.as_str()), (40, "trunk"));
    assert_eq!(dirty, "no", "a fresh commit");

    let [commit, ..] = run(Some(&path_without_git(&world)));
    assert!(commit.starts_with("Unknown: ") && commit.contains("git"), "{commit}");

    git(&world, &["checkout", "--quiet", "--detach"]);
    world.write("source/lib.rs", "//! Changed.\n");
    let [commit, dirty, branch] = run(None);
    assert_eq!((commit.len(), dirty.as_str()), (40, "yes"));
    assert!(branch.contains("detached"), "{branch}");
    let shown = world.answer(&["show", "--format", "json"]).code(0);
    let findings = shown.json()["run"]["findings"].as_array().unwrap().clone();
    assert!(findings.iter().any(|finding| finding["code"] == "dirty-tree"), "{findings:?}");
}

/// Reads what a child says until `part` comes, and keeps reading behind it so that the child never blocks.
fn wait_for(child: &mut Child, part: &str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut all) = (String::new(), String::new());
    while lines.read_line(&mut line).unwrap() > 0 {
        all.push_str(&line);
        if line.contains(part) {
            std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
            return;
        }
        line.clear();
    }
    panic!("{part:?} was never said:\n{all}");
}

fn interrupt(child: &Child) {
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
}

#[test]
fn a_busy_machine_is_waited_for_or_122() {
    let world = World::new();
    let normal = ["-p", "suite", "--bench", "normal", "--filter", "same", "--no-report"];
    let held = lock::acquire(&world.path("measuring.lock"), false, &Cancel::new(), &mut |_| {}).unwrap();
    let parts =
        ["another measurement is running on this machine", "hint: wait for it, or run without `--no-wait`"];
    world.measure(&[&normal[..], &["--no-wait"]].concat()).code(122).says(&parts);
    assert!(!world.path("store.sqlite").exists());

    let start = || {
        let mut command = world.measuring(&normal);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for(&mut child, "waiting: another measurement is running");
        child
    };
    let mut impatient = start();
    interrupt(&impatient);
    assert_eq!(impatient.wait().unwrap().code(), Some(130), "interrupted while it waited");
    let mut patient = start();
    drop(held);
    assert_eq!(patient.wait().unwrap().code(), Some(0), "the lock was given back");
    assert_eq!(world.store().runs(&RunFilter::default(), 9).unwrap().len(), 1);
}

/// The newest run with at least one measurement, as soon as there is one.
fn first_measurement(world: &World) -> bench_runner::model::ids::RunId {
    let newest = |store: &Store| store.runs(&RunFilter::default(), 1).ok()?.pop().map(|run| run.id);
    loop {
        if world.path("store.sqlite").exists() {
            // Not readable before the runner has finished making it.
            let opened = Store::open(&world.path("store.sqlite"), OpenMode::ReadOnly, clock::now());
            let measured = |store: &Store, id: &_| !store.measurements(id).unwrap().is_empty();
            if let Ok((store, _)) = opened
                && let Some(id) = newest(&store).filter(|id| measured(&store, id))
            {
                return id;
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn an_interrupted_run_is_130_and_keeps_what_was_measured() {
    let world = World::new();
    // Rendering after an interrupt must not be in the way either: the report is written.
    let mut command = world.measuring(&["-p", "suite", "--bench", "faults"]);
    command.env("SCENARIO", "hang").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let id = first_measurement(&world);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let run = world.store().run(&id).unwrap();
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(world.store().measurements(&id).unwrap().len(), 1);
    let codes: Vec<&str> = run.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert!(codes.contains(&"run-interrupted"), "{codes:?}");
    world.keeps(id.as_str());
    world.answer(&["show"]).code(0).shows(&["partial", "first"]);
    assert!(world.path(&format!("reports/{id}/report.html")).is_file());
}

#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::disallowed_methods, reason = "a small disk is made by programs of the system")]
fn a_full_disk_is_97_and_loses_nothing() {
    let world = World::new();
    let kept = world.with_history();
    std::fs::create_dir(world.path("disk")).unwrap();
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .current_dir(world.path(""));
        command
    };
    if !inside("mount -t tmpfs -o size=64k tmpfs disk").status().is_ok_and(|status| status.success()) {
        eprintln!(
            "not tested: no small disk can be made here; the store's own tests fill a store by its page limit"
        );
        return;
    }
    let measuring = world.measuring(&["-p", "suite", "--bench", "normal", "--launches", "99", "--no-report"]);
    let words: Vec<String> = std::iter::once(measuring.get_program())
        .chain(measuring.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    // The store lies on a disk that has room for a run to begin and not for 99 launches of it.
    let script = format!(
        "mount -t tmpfs -o size=2400k tmpfs disk && cp store.sqlite disk && {{ {} --store disk/store.sqlite; }}; \
         code=$?; cp disk/store.sqlite* . ; exit $code",
        words.join(" ")
    );
    let mut command = inside(&script);
    command.envs(measuring.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let parts =
        ["no space is left for the store", "hint: free some space on that disk", "everything stored before"];
    let answer = world.finish(command, &["full disk"]).code(97).says(&parts).says(&["launch   1"]);
    assert!(!answer.err.contains("panicked"), "{}", answer.err);
    world.keeps(&kept);
    // The next writer finds the run that could not be closed.
    world.answer(&["import", "summary", &super::cli_support::founding()]).code(0).says(&["marked partial"]);
    let newest = world.store().runs(&RunFilter::default(), 1).unwrap().remove(0);
    assert_eq!(newest.status, RunStatus::Partial);
    assert!(!world.store().measurements(&newest.id).unwrap().is_empty());
    world.keeps(newest.id.as_str());
}
