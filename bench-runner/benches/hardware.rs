//! Cost of capturing the facts of the machine that it runs on: from files alone, and with every program asked.
//!
//! The input is the machine itself, so that the numbers of two machines are not about the same work.

#[path = "support.rs"]
#[expect(dead_code, reason = "the paths of the table are for its test")]
mod support;

use std::path::Path;

use bench_runner::hardware::{OsKind, Root, Snapshot, World, capture};
use bench_runner::model::fact::{Fact, Phase};
use bench_runner::process::{ProcessRunner, RecordedRunner, SystemRunner};
use bench_runner::source;

/// All facts about the machine, with `runner` to answer for programs.
fn machine(folder: &Path, runner: &dyn ProcessRunner) -> Vec<Fact> {
    let world = World {
        root: &Root::new(Path::new("/")),
        os: OsKind::current(),
        runner,
        folder,
        rustc: "rustc",
        cargo: "cargo",
        snapshot: &Snapshot::take(folder),
    };
    capture(&world, Phase::Start)
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    support::run("hardware", |bencher, id| match id {
        // Knows no program: every fact that needs one is unknown at once.
        "capture/files" => bencher.iter(|| machine(folder, &RecordedRunner::new())),
        "capture/files_and_programs" => bencher.iter(|| {
            let mut facts = machine(folder, &SystemRunner);
            facts.extend(source::capture(folder, "git", &SystemRunner, Phase::Start));
            facts
        }),
        other => unreachable!("no code for {other}"),
    });
}
