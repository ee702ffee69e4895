//! `kill -9` of the runner at moments from start to end: the store opens, earlier runs are whole, no bench survives.
//!
//! Ten rounds, or `KILL_ROUNDS`; `scripts/kill-runs.sh` asks for a hundred and keeps the counts that `KILL_LOG` gets.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bench_runner::clock;
use bench_runner::model::run::RunStatus;
use bench_runner::stats::rng::SplitMix64;
use bench_runner::store::{OpenMode, RunFilter, Store};

use super::cli_support::World;

/// What became of the rounds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Runs that had begun when the runner was killed.
    begun: u32,
    partial: u32,
    complete: u32,
    /// Rounds after which something earlier was damaged, or a bench survived.
    lost: u32,
}

/// How many processes carry `mark` in their environment: the runner, its guard and the bench of a round do.
fn alive(mark: &Path) -> usize {
    let mark = mark.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbered = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let marked = numbered.filter(|entry| {
        // Gone meanwhile, or a zombie, whose environment is empty: neither is alive.
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark)
    });
    marked.count()
}

/// Kills one round after `moment`. Returns how many processes it had then, and whether all were gone within two seconds.
fn round(world: &World, moment: Option<Duration>) -> (usize, bool) {
    let words = ["-p", "suite", "--bench", "normal", "--bench", "faults", "--launches", "3", "--no-report"];
    let mark = world.path("round");
    std::fs::create_dir_all(&mark).unwrap();
    let mut command = world.measuring(&words);
    // Scratch folders of the round lie in its own folder, whose path marks its processes.
    let mut child = command.env("TMPDIR", &mark).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let Some(moment) = moment else {
        assert_eq!(child.wait().unwrap().code(), Some(0));
        return (0, true);
    };
    std::thread::sleep(moment);
    let before = alive(&mark);
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(2);
    while alive(&mark) > 0 {
        if Instant::now() > deadline {
            return (before, false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    (before, true)
}

/// Ids and states of all runs, after the store has been opened by a writer.
fn runs(world: &World) -> Result<Vec<(String, RunStatus)>, String> {
    let text = |error: bench_runner::store::StoreError| error.to_string();
    let path = world.path("store.sqlite");
    let (store, _) = Store::open(&path, OpenMode::ReadWrite, clock::now()).map_err(text)?;
    let listed = store.runs(&RunFilter::default(), 10_000).map_err(text)?;
    for run in &listed {
        let broken = store.verify(&run.id).map_err(text)?;
        if !broken.is_empty() {
            return Err(format!("run {}: {}", run.id, broken.join(", ")));
        }
    }
    Ok(listed.into_iter().map(|run| (run.id.to_string(), run.status)).collect())
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "rounds and log are asked for by the script, through the environment"
)]
fn a_killed_runner_loses_nothing() {
    let rounds: u32 = std::env::var("KILL_ROUNDS").map_or(10, |text| text.parse().unwrap());
    let world = World::new();
    world.with_history();
    // Builds what is missing; the second time shows how long a round takes.
    round(&world, None);
    let start = Instant::now();
    round(&world, None);
    let whole = start.elapsed();
    let mut known = runs(&world).unwrap();
    let mut rng = SplitMix64::new(20_251_105);
    let (mut counts, mut problems, mut most) = (Counts::default(), Vec::new(), 0);
    for number in 0..rounds {
        // One moment in each slice of the run, so that few rounds cover it from start to end.
        let moment = whole.mul_f64((f64::from(number) + rng.unit()) / f64::from(rounds));
        let (processes, gone) = round(&world, Some(moment));
        most = most.max(processes);
        let mut problem = (!gone).then(|| "a process survived for 2 s".to_owned());
        match runs(&world) {
            Ok(now) => {
                let is_new = |run: &&(String, RunStatus)| !known.iter().any(|(id, _)| *id == run.0);
                for (_, status) in now.iter().filter(is_new) {
                    counts.begun += 1;
                    counts.partial += u32::from(*status == RunStatus::Partial);
                    counts.complete += u32::from(*status == RunStatus::Complete);
                }
                if known.iter().any(|run| !now.contains(run)) {
                    problem = Some("an earlier run is missing or changed".to_owned());
                }
                known = now;
            }
            Err(error) => problem = Some(error),
        }
        counts.lost += u32::from(problem.is_some());
        problems.extend(problem.map(|problem| format!("round {number}, killed after {moment:?}: {problem}")));
    }
    if let Ok(log) = std::env::var("KILL_LOG") {
        let class = world.store().runs(&RunFilter::default(), 1).unwrap().remove(0).identity.hw_class;
        let Counts { begun, partial, complete, lost } = counts;
        std::fs::write(log, format!("{class},{rounds},{begun},{partial},{complete},{lost}\n")).unwrap();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(counts.begun, counts.partial + counts.complete, "a run is still called running: {counts:?}");
    assert!(counts.partial > 0, "no kill met a run: {counts:?}");
    assert!(
        most >= 3,
        "never were runner, guard and bench seen at once: what survives would not be seen either"
    );
}
