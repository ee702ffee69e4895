//! The guard with real processes: exit codes pass through, and no bench outlives its runner.
#![cfg(unix)]
use std::path::Path;
use std::time::{Duration, Instant};

use bench_runner::process::guard::{Ended, Guarded};
use bench_runner::process::{ProcessRequest, ProcessRunner, SystemRunner};

use super::criterion_support::{guard, scratch};

fn shell(script: &str) -> ProcessRequest {
    ProcessRequest::new("sh").args(["-c", script]).output_limit(100)
}

fn run(script: &str) -> (Ended, String, String) {
    let mut guarded = Guarded::start(guard(), &shell(script), || {}).unwrap();
    let ended = guarded.wait().unwrap();
    let (stdout, stderr) = guarded.tails();
    (ended, stdout, stderr)
}

fn check(script: &str, code: Option<i32>, signal: Option<i32>, left: bool) {
    let (ended, ..) = run(script);
    assert_eq!((ended.code, ended.signal, ended.left_processes), (code, signal, left), "{script}");
}

#[test]
fn ends_are_passed_on() {
    check("exit 0", Some(0), None, false);
    check("exit 101", Some(101), None, false);
    check("kill -SEGV $$", None, Some(11), false);
    check("kill -KILL $$", None, Some(9), false);
    check("exit 139", Some(139), None, false);
    check("sleep 600 & exit 5", Some(5), None, true);
}

#[test]
fn input_is_closed_and_output_is_kept() {
    let (ended, stdout, stderr) = run("cat; echo out; echo err >&2");
    assert_eq!((ended.code, stdout.as_str(), stderr.as_str()), (Some(0), "out\n", "err\n"));
    let (_, stdout, _) = run("seq 1 1000");
    assert!(stdout.len() <= 100 && stdout.ends_with("\n999\n1000\n"), "{stdout}");
}

#[test]
fn program_that_cannot_be_started_is_told() {
    let mut guarded =
        Guarded::start(guard(), &ProcessRequest::new("/no/such/bench").output_limit(1000), || {}).unwrap();
    assert_eq!(guarded.wait().unwrap().code, Some(127));
    assert!(guarded.tails().1.contains("cannot start bench"), "{}", guarded.tails().1);
}

#[test]
fn guard_without_a_program_refuses() {
    let output = SystemRunner.run(&ProcessRequest::new(guard()).arg("__guard")).unwrap();
    assert_eq!(
        (output.code, output.stderr_text().as_str()),
        (Some(127), "bench-runner guard: no program was given\n")
    );
}

#[test]
fn dead_guard_takes_the_bench_with_it() {
    // The bench kills its guard, as an impatient user could.
    let (ended, ..) = run("kill -KILL $PPID; sleep 600");
    assert_eq!((ended.code, ended.signal, ended.left_processes), (None, Some(9), true));
}

#[test]
fn dropping_ends_the_bench() {
    let guarded = Guarded::start(guard(), &shell("sleep 600"), || {}).unwrap();
    let group = guarded.group();
    drop(guarded);
    assert!(gone_within_two_seconds(group));
}

/// Variable that turns [`runner_that_is_killed`] into a runner, and names the file for its process group.
const RUNNER: &str = "BENCH_RUNNER_TEST_GROUP_FILE";

#[test]
#[ignore = "not a test of its own: the process that `bench_dies_with_a_killed_runner` starts and kills"]
#[expect(clippy::disallowed_methods, reason = "a process of its own, told by its parent what to do")]
fn runner_that_is_killed() {
    let Ok(file) = std::env::var(RUNNER) else { return };
    let script = "trap '' TERM INT HUP; sleep 600 & sleep 600; sleep 600";
    let mut guarded = Guarded::start(guard(), &shell(script), || {}).unwrap();
    let partial = Path::new(&file).with_extension("partial");
    std::fs::write(&partial, guarded.group().to_string()).unwrap();
    std::fs::rename(&partial, &file).unwrap();
    guarded.wait().unwrap();
}

#[test]
fn bench_dies_with_a_killed_runner() {
    let folder = tempfile::tempdir_in(scratch()).unwrap();
    let file = folder.path().join("group");
    let own = std::env::current_exe().unwrap();
    // A shell starts the runner, waits until the bench runs, and kills the runner as nothing else can be killed.
    let script = format!(
        "'{}' --exact criterion_guard::runner_that_is_killed --ignored >/dev/null 2>&1 & \
         while ! test -f '{}'; do sleep 0.05; done; sleep 0.2; kill -KILL $!",
        own.display(),
        file.display()
    );
    let request = shell(&script).env(RUNNER, &file).timeout(Duration::from_secs(60));
    assert!(SystemRunner.run(&request).unwrap().success());
    let group = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    assert!(gone_within_two_seconds(group), "a bench outlived its runner");
}

/// The one promise about time: it is part of the guard's contract.
fn gone_within_two_seconds(group: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(2);
    let members = shell(&format!("ps -A -o pgid=,stat= | awk '$1 == {group} && $2 !~ /^Z/'"));
    loop {
        if SystemRunner.run(&members).unwrap().stdout.is_empty() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
