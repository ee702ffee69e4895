//! The facts of this machine, for the commands that need them.

use std::path::{Path, PathBuf};

use super::Session;
use crate::hardware::{self, OsKind, Root, Snapshot, World};
use crate::model::fact::{Fact, Phase};
use crate::process::SystemRunner;
use crate::source;

/// Facts about machine and toolchain; `folder` decides which toolchain answers.
pub(super) fn facts(session: &Session, folder: &Path, store: &Path, phase: Phase) -> Vec<Fact> {
    let disk = store.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned();
    let snapshot = Snapshot::take(&disk);
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

/// Facts about the source that is measured.
pub(super) fn source_facts(folder: &Path, phase: Phase) -> Vec<Fact> {
    source::capture(folder, "git", &SystemRunner, phase)
}

/// The bytes that tell this machine from others; only a keyed hash of them is ever stored.
pub(super) fn machine_id(store: &Path) -> Vec<u8> {
    hardware::machine_id(&Root::new(Path::new("/"))).unwrap_or_else(|| {
        // Without an id of the operating system, the place of the store stands for the machine.
        store.as_os_str().as_encoded_bytes().to_vec()
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
