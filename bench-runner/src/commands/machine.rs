//! The facts of this machine, for the commands that need them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Session;
use crate::clock;
use crate::files::{self, Access};
use crate::hardware::{self, OsKind, Root, Snapshot, Window, World};
use crate::model::fact::{Fact, Phase};
use crate::process::SystemRunner;
use crate::source;

/// Facts about machine and toolchain; `folder` decides which toolchain answers.
pub(super) fn facts(session: &Session, folder: &Path, store: &Path, phase: Phase) -> Vec<Fact> {
    let disk = store.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned();
    let snapshot = Snapshot::take(&disk).with_environment(&session.environment);
    let root = Root::new(Path::new("/"));
    let world = World {
        root: &root,
        os: OsKind::current(),
        runner: &SystemRunner,
        folder,
        rustc: session.variable("RUSTC").unwrap_or("rustc"),
        cargo: session.variable("CARGO").unwrap_or("cargo"),
        snapshot: &snapshot,
    };
    hardware::capture(&world, phase)
}

/// How long is slept between the two readings of [`window`].
const WINDOW: Duration = Duration::from_millis(400);

/// How busy the machine is while we sleep: what averages over a minute cannot say right after a build.
pub(super) fn window(phase: Phase) -> Vec<Fact> {
    let root = Root::new(Path::new("/"));
    let (before, started) = (Window::open(&root, OsKind::current()), Instant::now());
    std::thread::sleep(WINDOW);
    before.close(&Window::open(&root, OsKind::current()), started.elapsed().as_secs_f64(), phase)
}

/// Facts about the source that is measured.
pub(super) fn source_facts(folder: &Path, phase: Phase) -> Vec<Fact> {
    source::capture(folder, "git", &SystemRunner, phase)
}

/// The bytes that tell this machine from others; only a keyed hash of them is ever stored.
///
/// Where the operating system has no id, a random one is kept in an owner-only file beside the store.
pub(super) fn machine_id(store: &Path) -> Vec<u8> {
    if let Some(id) = hardware::machine_id(&Root::new(Path::new("/"))) {
        return id;
    }
    let file = files::folder_of(store).join("machine-id");
    files::read(&file, 1024).unwrap_or_else(|_| {
        let fresh = clock::new_run_id(clock::now()).to_string().into_bytes();
        // If it cannot be kept, the next run belongs to another machine: a series too many, never one too few.
        files::write(&file, &fresh, Access::OwnerOnly).ok();
        fresh
    })
}

/// The one file that all measurers of this machine lock, whoever runs them.
pub(super) fn lock_path(session: &Session) -> PathBuf {
    session.variable("BENCH_RUNNER_LOCK").map_or_else(
        || {
            if cfg!(unix) { PathBuf::from("/tmp") } else { std::env::temp_dir() }
                .join("bench-runner-measuring.lock")
        },
        PathBuf::from,
    )
}
