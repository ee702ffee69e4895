//! What measuring needs from the outside, handed in by the command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::analysis::identity;
use crate::config::Config;
use crate::executables::Keep;
use crate::model::fact::{Fact, Phase};
use crate::process::Cancel;
use crate::store::Store;
use crate::ui::Progress;

/// Readers of facts.
pub trait Readers {
    /// Facts about machine and toolchain; `folder` decides which toolchain answers.
    fn machine(&self, folder: &Path, phase: Phase) -> Vec<Fact>;
    /// Facts about the source in `folder`.
    fn source(&self, folder: &Path, phase: Phase) -> Vec<Fact>;
}

/// Where measuring happens: what does not change while a command runs.
pub struct Site {
    /// The environment that we were started with.
    pub environment: BTreeMap<OsString, OsString>,
    /// The current folder.
    pub folder: PathBuf,
    /// Executable whose `main` serves as guard: bench-runner itself.
    pub guard: PathBuf,
    /// How long a bench may be silent beyond what it announced.
    pub patience: Duration,
    /// Folder for short-lived files.
    pub scratch: tempfile::TempDir,
    /// What tells this machine from others; only a keyed hash of it is stored.
    pub machine_id: Vec<u8>,
    /// The owner's name for it.
    pub label: Option<String>,
    /// Readers of facts.
    pub readers: Box<dyn Readers>,
}

impl Site {
    /// The kept executables of this machine.
    #[must_use]
    pub fn keep(&self, config: &Config) -> Keep {
        Keep::new(&config.executables, identity::machine(&self.machine_id, None))
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Everything that measuring works with.
#[derive(Debug)]
pub struct World<'a> {
    /// The store, open for writing.
    pub store: &'a mut Store,
    /// The configuration.
    pub config: &'a Config,
    /// Stops what is under way.
    pub cancel: &'a Cancel,
    /// Progress for people.
    pub progress: &'a mut Progress,
    /// Where it happens.
    pub site: &'a Site,
}
