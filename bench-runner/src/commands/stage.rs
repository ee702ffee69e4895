//! What a command that measures sets up: lock, interrupt, progress, store, and the readers of facts.
//!
//! The library beneath gets them as one value, so that calibration, gates and experiments measure alike.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;

use super::{Session, load, machine};
use crate::clock;
use crate::config::{Config, Profile};
use crate::criterion::build::{BuildRequest, Features};
use crate::error::CliError;
use crate::exit_code;
use crate::experiment::{Readers, Site, World};
use crate::model::fact::{Fact, Phase};
use crate::process::{self, Cancel, ProcessRequest, ProcessRunner, SystemRunner};
use crate::store::Store;
use crate::ui::Progress;

/// Everything that measuring needs, set up once per command.
pub(super) struct Stage {
    pub(super) config: Config,
    pub(super) cancel: Cancel,
    pub(super) progress: Progress,
    pub(super) store: Store,
    pub(super) site: Site,
    /// Held until the end: two measurements at once would each be the other's noise.
    _lock: process::lock::MeasuringLock,
}

/// What the command line says about the stage.
#[derive(Debug, Clone, Default)]
pub(super) struct StageWishes {
    /// Give up instead of waiting for another measurement.
    pub(super) no_wait: bool,
    /// The owner's name for this machine.
    pub(super) label: Option<String>,
    /// Seconds of silence after which a bench is killed, instead of the configured ones.
    pub(super) watchdog: Option<u32>,
}

impl Stage {
    /// Takes the lock, opens the store for writing, and lets Ctrl-C end what is measured.
    ///
    /// `check` runs once the lock is held and before anything else happens.
    pub(super) fn open(
        session: &Session,
        config: Config,
        wishes: &StageWishes,
        check: &mut dyn FnMut(&Config) -> Result<(), CliError>,
    ) -> Result<Self, CliError> {
        let cancel = Cancel::new();
        interrupt(&cancel)?;
        let progress = Progress::new(session.style);
        let lock = lock(session, &progress, &cancel, wishes.no_wait)?;
        check(&config)?;
        // Opened before the long work, so that a store that cannot be used is not found out at its end.
        let store = load::open_to_write(&config)?;
        let site = site(session, &config, wishes)?;
        Ok(Self { config, cancel, progress, store, site, _lock: lock })
    }

    /// The world as the library wants it.
    pub(super) fn world(&mut self) -> World<'_> {
        World {
            store: &mut self.store,
            config: &self.config,
            cancel: &self.cancel,
            progress: &mut self.progress,
            site: &self.site,
        }
    }
}

/// Waits for the lock of this machine, and says so.
pub(super) fn lock(
    session: &Session,
    progress: &Progress,
    cancel: &Cancel,
    no_wait: bool,
) -> Result<process::lock::MeasuringLock, CliError> {
    let waiting = &mut |_: &Path| {
        progress
            .line("waiting: another measurement is running on this machine (--no-wait to give up instead)");
    };
    Ok(process::lock::acquire(&machine::lock_path(session), !no_wait, cancel, waiting)?)
}

/// Ctrl-C pulls the handle: the bench is killed, what was measured is stored.
pub(super) fn interrupt(cancel: &Cancel) -> Result<(), CliError> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || cancel.cancel())
        .map_err(|error| CliError::from_error(exit_code::FAILURE, &error))
}

/// Where measuring happens.
pub(super) fn site(session: &Session, config: &Config, wishes: &StageWishes) -> Result<Site, CliError> {
    Ok(Site {
        environment: session.environment.clone(),
        folder: session.folder.clone(),
        guard: std::env::current_exe()?,
        patience: wishes.watchdog.map_or(Duration::from_secs_f64(config.watchdog_seconds), |seconds| {
            Duration::from_secs(u64::from(seconds))
        }),
        scratch: tempfile::Builder::new().prefix("bench-runner-").tempdir()?,
        machine_id: machine::machine_id(&config.store),
        label: wishes.label.clone(),
        readers: Box::new(OfThisMachine { session: session.clone(), store: config.store.clone() }),
    })
}

/// The readers of this machine.
struct OfThisMachine {
    session: Session,
    store: PathBuf,
}

impl Readers for OfThisMachine {
    fn machine(&self, folder: &Path, phase: Phase) -> Vec<Fact> {
        machine::facts(&self.session, folder, &self.store, phase)
    }

    fn source(&self, folder: &Path, phase: Phase) -> Vec<Fact> {
        machine::source_facts(folder, phase)
    }
}

/// The configuration of a run.
///
/// Without `--manifest-path`, or with `--config`, it is the session's own. For another workspace, what describes the
/// suite (packages, sets, profiles, words, families, budgets) comes from beside *that* workspace's root, or is default;
/// where things are kept (store, reports, templates) and how strictly is judged stays the session's.
pub(super) fn config(manifest: Option<&PathBuf>, session: &Session) -> Result<Config, CliError> {
    let own = session.config()?;
    let Some(manifest) = manifest.filter(|_| !session.names_config()) else {
        return Ok(own);
    };
    let root = workspace_root(&session.folder.join(manifest), session)?;
    let file = root.join(crate::config::FILE_NAME);
    let same = |own: &PathBuf| file.is_file() && own.canonicalize().ok() == file.canonicalize().ok();
    if own.file.as_ref().is_some_and(same) {
        return Ok(own);
    }
    let theirs = crate::config::load(file.is_file().then_some(file.as_path()), &session.folder)?;
    Ok(Config {
        file: own.file,
        store: own.store,
        executables: own.executables,
        executables_cap: own.executables_cap,
        founding: own.founding,
        reports: own.reports,
        templates: own.templates,
        integrity: own.integrity,
        margin: own.margin,
        comparison_level: own.comparison_level,
        ..theirs
    })
}

/// Root of the workspace that a manifest belongs to, as cargo finds it.
fn workspace_root(manifest: &Path, session: &Session) -> Result<PathBuf, CliError> {
    let request = ProcessRequest::new(session.variable("CARGO").unwrap_or("cargo"))
        .args(["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"])
        .arg(manifest);
    let output = SystemRunner
        .run(&request)
        .map_err(|error| CliError::from_error(exit_code::METADATA_FAILED, &error))?;
    if !output.success() {
        let text = format!("cargo cannot read the workspace: {}", output.stderr_text().trim());
        return Err(CliError::new(exit_code::METADATA_FAILED, text)
            .hinted(Some("`--manifest-path` takes the path of a Cargo.toml".to_owned())));
    }
    let found = PathBuf::from(output.stdout_text().trim());
    Ok(found.parent().unwrap_or(Path::new(".")).to_owned())
}

/// What to build, in the words that commands share.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to measure")]
pub(super) struct WhatArgs {
    /// Cargo.toml of another workspace
    #[arg(long, value_name = "FILE")]
    pub(super) manifest_path: Option<PathBuf>,
    /// Package to measure; may be repeated
    #[arg(long, short, value_name = "NAME")]
    pub(super) package: Vec<String>,
    /// Bench target to measure; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) bench: Vec<String>,
    /// Only benchmarks whose `target/full_id` matches this regular expression
    #[arg(long, value_name = "REGEX")]
    pub(super) filter: Option<String>,
    /// Set of benchmarks instead of the profile's: `core`, `full`, or one of the configuration
    #[arg(long, value_name = "NAME")]
    pub(super) set: Option<String>,
}

/// How to build; the words are cargo's own.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to build")]
pub(super) struct BuildArgs {
    /// Features to enable, separated by commas
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    pub(super) features: Vec<String>,
    /// Enable all features
    #[arg(long)]
    pub(super) all_features: bool,
    /// Do not enable default features
    #[arg(long)]
    pub(super) no_default_features: bool,
    /// Compiler flags, added to the configured ones
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(super) rustflags: Option<String>,
    /// Cargo profile instead of `bench`
    #[arg(long, value_name = "NAME")]
    pub(super) cargo_profile: Option<String>,
    /// Refuse to change Cargo.lock
    #[arg(long)]
    pub(super) locked: bool,
    /// Refuse to use the network
    #[arg(long)]
    pub(super) offline: bool,
}

/// The build that the command line asks for, in the working tree.
pub(super) fn build_request(
    what: &WhatArgs,
    build: &BuildArgs,
    session: &Session,
    config: &Config,
) -> BuildRequest {
    let mut request = BuildRequest::new(&session.folder);
    request.cargo = session.variable("CARGO").unwrap_or("cargo").into();
    request.manifest = what.manifest_path.as_ref().map(|manifest| session.folder.join(manifest));
    request.packages = if what.package.is_empty() { config.packages.clone() } else { what.package.clone() };
    request.benches = what.bench.clone();
    request.features = Features {
        names: build.features.clone(),
        all: build.all_features,
        no_default: build.no_default_features,
    };
    request.profile = build.cargo_profile.clone();
    request.locked = build.locked;
    request.offline = build.offline;
    let words = build.rustflags.as_deref().unwrap_or_default().split_whitespace();
    request.extra_flags = words.map(str::to_owned).collect();
    request.environment = session.environment.clone();
    request
}

/// The profile of that name, or the configured default, with its name.
pub(super) fn named_profile<'a>(
    name: Option<&str>,
    config: &'a Config,
) -> Result<(&'a str, &'a Profile), CliError> {
    let name = name.unwrap_or(&config.default_profile);
    let found = config.profiles.get_key_value(name);
    found.map(|(name, profile)| (name.as_str(), profile)).ok_or_else(|| {
        let known: Vec<&str> = config.profiles.keys().map(String::as_str).collect();
        CliError::new(exit_code::USAGE, format!("no profile is called `{name}`"))
            .hinted(Some(format!("there are {}", known.join(", "))))
    })
}

/// Refuses sets that do not exist and filters that are no regular expression.
pub(super) fn check_selection(set: &str, filter: Option<&str>, config: &Config) -> Result<(), CliError> {
    if !matches!(set, "core" | "full") && !config.sets.contains_key(set) {
        return Err(CliError::new(exit_code::USAGE, format!("no set is called `{set}`"))
            .hinted(Some("sets are `core`, `full` and those under `[suite.sets]`".to_owned())));
    }
    if let Some(filter) = filter {
        Regex::new(filter).map_err(|error| {
            let mut made =
                CliError::new(exit_code::USAGE, format!("`--filter {filter}` is not a regular expression"));
            made.causes.push(error.to_string());
            made.hinted(Some(
                "write a literal `(`, `[`, `+`, `.` or `?` with a backslash before it".to_owned(),
            ))
        })?;
    }
    Ok(())
}

/// A seed that nobody chose.
pub(super) fn fresh_seed() -> u64 {
    #[expect(clippy::cast_sign_loss, reason = "any 64 bits are a good seed")]
    let fresh = clock::now().0 as u64;
    fresh
}
