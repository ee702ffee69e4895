//! Faults made for real, and an idle machine: `scripts/doctor-faults.sh` runs these two, nothing else does.
//!
//! They keep the machine busy, or need it idle, so that they are ignored in an ordinary test run. Everything started
//! here is killed again, and nothing on the machine is changed.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::cli_support::{World, executable};

/// A child that is killed when the fault ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "faults are programs that run beside the program under test")]
fn start(words: &[&str]) -> Running {
    let child = Command::new(words[0]).args(&words[1..]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    Running(child)
}

/// A world that is a clean repository, so that the state of the sources is known.
#[expect(clippy::disallowed_methods, reason = "the repository is made as a person makes it")]
fn world() -> World {
    let world = World::new();
    world.write(".gitignore", "rustc\n");
    for words in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "start"],
    ] {
        assert!(Command::new("git").args(words).current_dir(world.path("")).status().unwrap().success());
    }
    world
}

/// The doctor's answer when it is started behind `words`, with a variable.
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a person starts it")]
fn doctor(world: &World, before: &[&str], variable: Option<(&str, &str)>) -> serde_json::Value {
    let words: Vec<&str> = before
        .iter()
        .copied()
        .chain([executable().to_str().unwrap(), "doctor", "--format", "json"])
        .collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(world.path("")).envs(variable);
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
}

fn state(answer: &serde_json::Value, check: &str) -> String {
    let checks = answer["diagnosis"]["checks"].as_array().unwrap();
    let found = checks.iter().find(|outcome| outcome["id"] == check).unwrap();
    found["state"].as_str().unwrap().to_owned()
}

#[test]
#[ignore = "makes the machine busy; run by scripts/doctor-faults.sh"]
fn real_faults_are_named() {
    let world = world();
    let hog = ["sh", "-c", "while :; do :; done"];
    let mut judged: Vec<(&str, &str, String)> = Vec::new();
    let mut note = |name, check, answer: &serde_json::Value| judged.push((name, check, state(answer, check)));
    {
        let cores = std::thread::available_parallelism().unwrap().get();
        let _hogs: Vec<Running> = (0..cores).map(|_| start(&hog)).collect();
        note("CPU hogs", "busy-now", &doctor(&world, &[], None));
    }
    {
        let _hog = start(&["taskset", "-c", "0", "sh", "-c", "while :; do :; done"]);
        note("busy sibling", "busy-now", &doctor(&world, &[], None));
    }
    {
        std::fs::copy("/bin/sleep", world.path("rustc")).unwrap();
        let _compiler = start(&[world.path("rustc").to_str().unwrap(), "60"]);
        note("another build", "other-programs", &doctor(&world, &[], None));
    }
    note("low priority", "low-priority", &doctor(&world, &["nice", "-n", "10"], None));
    note("pinned to a core", "pinned", &doctor(&world, &["taskset", "-c", "0"], None));
    note("randomisation off", "aslr-off", &doctor(&world, &["setarch", "-R"], None));
    note("preloaded library", "steered", &doctor(&world, &[], Some(("LD_PRELOAD", "libc.so.6"))));
    world.write("uncommitted", "");
    note("dirty tree", "dirty-tree", &doctor(&world, &[], None));
    let mut missed = 0;
    for (name, check, state) in &judged {
        let caught = matches!(state.as_str(), "warn" | "block") || (*check == "pinned" && state == "note");
        println!("fault,real,{name},{},{check}: {state}", if caught { "caught" } else { "missed" });
        missed += usize::from(!caught);
    }
    println!("caught {} of {} real faults", judged.len() - missed, judged.len());
    assert_eq!(missed, 0);
}

#[test]
#[ignore = "needs an idle machine; run by scripts/doctor-faults.sh"]
fn an_idle_machine_is_never_blocked() {
    const TRIES: usize = 50;
    let world = world();
    let (mut blocks, mut busiest, mut slowest) = (0, 0.0_f64, 0.0_f64);
    for _ in 0..TRIES {
        let started = Instant::now();
        let answer = doctor(&world, &[], None);
        slowest = slowest.max(started.elapsed().as_secs_f64());
        let facts = answer["facts"].as_array().unwrap();
        let busy = facts.iter().find(|fact| fact["key"] == "load.busy_now").unwrap();
        busiest = busiest.max(busy["value"].as_f64().unwrap_or(0.0));
        if answer["diagnosis"]["grade"] == "X" {
            blocks += 1;
            println!("blocked: {}", answer["diagnosis"]["findings"][0]);
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "tries,real,idle machine,{blocks} of {TRIES} blocked,busiest window {busiest} cores; load average {}; slowest answer \
         {slowest:.2} s",
        load.trim()
    );
    println!("false blocks: {blocks} of {TRIES}; slowest answer {slowest:.2} s");
    assert_eq!(blocks, 0);
}
