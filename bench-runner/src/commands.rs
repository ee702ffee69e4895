//! The commands: load, compute, present, and return an exit code. No logic worth a unit test lives here.
//!
//! The only place, with `ui`, that reads the environment; edges get what they need as arguments.

pub mod alias;
pub mod backfill;
pub mod baseline;
pub mod bisect;
pub mod bundle;
pub mod calibrate;
pub mod canary;
mod cause;
pub mod changes;
pub mod compare;
pub mod completions;
pub mod config;
pub mod db;
pub mod doctor;
pub mod evaluate;
pub mod experiment;
pub mod explain;
pub mod export;
mod facts;
pub mod gate;
pub mod import;
pub mod key;
pub mod knobs;
pub mod list;
mod load;
mod machine;
pub mod machines;
pub mod man;
pub mod plan;
pub mod quarantine;
pub mod release_notes;
pub mod report;
pub mod run;
mod sheet;
pub mod show;
pub mod site;
mod stage;
mod steps;
mod threads;
pub mod trend;
pub mod verify;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::{Cli, ColorChoice, Command, Format, Global};
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::ui::{Style, Wishes};

/// What every command starts from.
#[derive(Debug, Clone)]
pub struct Session {
    /// Form of the answer.
    pub format: Format,
    /// How to show it.
    pub style: Style,
    /// The process environment, read once.
    pub environment: BTreeMap<OsString, OsString>,
    /// The current folder.
    pub folder: PathBuf,
    global: Global,
}

impl Session {
    /// Reads the environment and the terminal.
    ///
    /// # Errors
    ///
    /// When the current folder does not exist any more.
    pub fn new(global: &Global) -> Result<Self, CliError> {
        let environment: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        let set = |name: &str| environment.get(&OsString::from(name)).is_some_and(|value| !value.is_empty());
        let text = |name: &str| environment.get(&OsString::from(name)).and_then(|value| value.to_str());
        let style = Style::detect(Wishes {
            color: match global.color {
                ColorChoice::Auto => None,
                ColorChoice::Always => Some(true),
                ColorChoice::Never => Some(false),
            },
            no_color: set("NO_COLOR"),
            force_color: text("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            dumb: text("TERM") == Some("dumb"),
            ci: set("CI"),
            quiet: global.quiet,
            ascii: global.ascii,
            columns: text("COLUMNS").and_then(|value| value.parse().ok()),
        });
        let folder = std::env::current_dir()?;
        Ok(Self { format: global.format, style, environment, folder, global: global.clone() })
    }

    /// The configuration beside `start`, or the file that the command line names.
    ///
    /// # Errors
    ///
    /// When it is malformed; the error has line, column and the nearest name.
    pub fn config_near(&self, start: &Path) -> Result<Config, CliError> {
        let file = match &self.global.config {
            Some(file) => Some(self.folder.join(file)),
            None => crate::config::find(start),
        };
        let mut config = crate::config::load(file.as_deref(), &self.folder)?;
        if let Some(store) = &self.global.store {
            config.store = self.folder.join(store);
        }
        if let Some(folder) = self.keys_folder() {
            config.integrity.key.get_or_insert_with(|| folder.join("signing-key.pem"));
            config.integrity.trusted.get_or_insert_with(|| folder.join("trusted-keys.json"));
        }
        Ok(config)
    }

    /// The user's own folder for keys: that of `BENCH_RUNNER_KEYS`, else where the system keeps data of programs.
    fn keys_folder(&self) -> Option<PathBuf> {
        let below =
            |name: &str, rest: &str| self.variable(name).map(|folder| PathBuf::from(folder).join(rest));
        self.variable("BENCH_RUNNER_KEYS")
            .map(PathBuf::from)
            .or_else(|| below("XDG_DATA_HOME", "bench-runner"))
            .or_else(|| match () {
                () if cfg!(windows) => below("LOCALAPPDATA", "bench-runner"),
                () if cfg!(target_os = "macos") => below("HOME", "Library/Application Support/bench-runner"),
                () => below("HOME", ".local/share/bench-runner"),
            })
    }

    /// Whether the command line names a configuration file.
    #[must_use]
    pub fn names_config(&self) -> bool {
        self.global.config.is_some()
    }

    /// The configuration beside the current folder.
    ///
    /// # Errors
    ///
    /// As [`Session::config_near`].
    pub fn config(&self) -> Result<Config, CliError> {
        self.config_near(&self.folder)
    }

    /// A variable of the environment that is set, not empty and Unicode.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(&OsString::from(name))
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// Writes the answer to stdout.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written; a closed pipe is not an error.
    pub fn answer(&self, text: &str) -> Result<(), CliError> {
        Ok(crate::ui::answer(text, self.style)?)
    }

    /// Writes a part of a long answer to stdout as it is, byte for byte.
    ///
    /// # Errors
    ///
    /// As [`Session::answer`].
    pub fn answer_part(&self, text: &str) -> Result<(), CliError> {
        Ok(crate::ui::answer_part(text)?)
    }
}

/// Runs what the command line asks for.
///
/// # Errors
///
/// Whatever stops the command, with the exit code to end with.
pub fn dispatch(cli: &Cli) -> Result<ExitCode, CliError> {
    let session = Session::new(&cli.global)?;
    match &cli.command {
        Command::Run(args) => run::run(args, &session),
        Command::Report(args) => report::run(args, &session),
        Command::List(args) => list::run(args, &session),
        Command::Show(args) => show::run(args, &session),
        Command::Site(args) => site::run(args, &session),
        Command::Machines(args) => machines::run(args, &session),
        Command::Doctor(args) => doctor::run(args, &session),
        Command::Compare(args) => compare::run(args, &session),
        Command::Baseline(args) => baseline::run(args, &session),
        Command::Explain(args) => explain::run(args, &session),
        Command::Calibrate(args) => calibrate::run(args, &session),
        Command::Plan(args) => plan::run(args, &session),
        Command::Canary(args) => canary::run(args, &session),
        Command::Gate(args) => gate::run(args, &session),
        Command::Changes(args) => changes::run(args, &session),
        Command::Alias(args) => alias::run(args, &session),
        Command::Quarantine(args) => quarantine::run(args, &session),
        Command::Trend(args) => trend::run(args, &session),
        Command::ReleaseNotes(args) => release_notes::run(args, &session),
        Command::Evaluate(args) => evaluate::run(args, &session),
        Command::Experiment(args) => experiment::run(args, &session),
        Command::Backfill(args) => backfill::run(args, &session),
        Command::Bisect(args) => bisect::run(args, &session),
        Command::Import(args) => import::run(args, &session),
        Command::Export(args) => export::run(args, &session),
        Command::Bundle(args) => bundle::run(args, &session),
        Command::Verify(args) => verify::run(args, &session),
        Command::Key(args) => key::run(args, &session),
        Command::Knobs(args) => knobs::run(args, &session),
        Command::Db(args) => db::run(args, &session),
        Command::Config(args) => config::run(args, &session),
        Command::Completions(args) => completions::run(args, &session),
        Command::Man(args) => man::run(args, &session),
    }
}
