//! `bench-runner bundle export|import|push|pull`: runs as files, one by one or through a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Session, load};
use crate::analysis::machines::{Unlike, like};
use crate::attest::{self, Trust};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exchange::bundle::{self, Bundle, BundleError};
use crate::exit_code::{self, ExitCode};
use crate::files::{self, Access};
use crate::model::ids::{Digest, RunId};
use crate::model::run::RunStatus;
use crate::model::seal::{RUN_PREDICATE, SignatureVerdict, Signed, Statement};
use crate::store::{Imported, RunFilter, Store, StoreError};
use crate::ui::table::{Align, Column, Table};

/// Write a run to one file with digests of its parts, or read such a file; exchange runs through a folder
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write a stored run to a file
    Export {
        /// `latest`, a run id, or four or more characters of its beginning or end
        #[arg(value_name = "RUN")]
        run: String,
        /// File to write instead of `RUN.bundle.json` in the current folder
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        /// NAME,CLOCK,CORE: write the run of a machine that is made up from it, with so many times its clock and cycles, and
        /// marked as synthetic
        #[arg(long, value_name = "NAME,CLOCK,CORE", hide = true, value_parser = made_up)]
        made_up: Option<MadeUp>,
    },
    /// Store the run of a file that a trusted key signed; storing it twice changes nothing
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Take it though no trusted key signed it
        #[arg(long)]
        unsigned: bool,
    },
    /// Write every finished run that a folder does not hold yet
    Push {
        /// The folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Store every run of a folder that a trusted key signed
    Pull {
        /// The folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Take unsigned runs too
        #[arg(long)]
        unsigned: bool,
    },
}

/// Runs the command.
///
/// # Errors
///
/// When the store or the file cannot be read or written, or a digest does not match.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    match &args.action {
        Action::Export { run, out, made_up: Some(made) } => {
            let store = load::open_to_read(&config)?;
            let MadeUp { name, clock, core } = made;
            let unlike = Unlike { name, clock: *clock, core: *core };
            let id = clock::new_run_id(clock::now());
            let record = like(&store.record(&store.resolve(run)?)?, id.clone(), unlike);
            let file = session.folder.join(out.clone().unwrap_or_else(|| bundle::file_name(&id)));
            bundle::write(&file, &record)?;
            load::written(session, &file)?;
        }
        Action::Export { run, out, made_up: None } => {
            let store = load::open_to_read(&config)?;
            let id = store.resolve(run)?;
            let file = session.folder.join(out.clone().unwrap_or_else(|| bundle::file_name(&id)));
            let bytes = bundle::to_signed_bytes(&store.record(&id)?, &store.statements(&id)?)?;
            files::write(&file, &bytes, Access::Default)?;
            load::written(session, &file)?;
        }
        Action::Import { file, unsigned } => {
            let bundle =
                read(&session.folder.join(file)).map_err(|error| error.about(&file.display().to_string()))?;
            import(session, &config, &bundle, *unsigned)?;
        }
        Action::Push { folder } => return push(session, &config, &session.folder.join(folder)),
        Action::Pull { folder, unsigned } => {
            return pull(session, &config, &session.folder.join(folder), *unsigned);
        }
    }
    Ok(exit_code::DONE)
}

/// A machine that is made up.
#[derive(Debug, Clone)]
struct MadeUp {
    name: String,
    clock: f64,
    core: f64,
}

/// `NAME,CLOCK,CORE`.
fn made_up(text: &str) -> Result<MadeUp, String> {
    let factor = |word: &str| word.parse::<f64>().ok().filter(|factor| (0.01..=100.0).contains(factor));
    let parts: Vec<&str> = text.split(',').collect();
    match parts.as_slice() {
        [name, clock, core] if !name.is_empty() => match (factor(clock), factor(core)) {
            (Some(clock), Some(core)) => Ok(MadeUp { name: (*name).to_owned(), clock, core }),
            _ => Err("both factors lie between 0.01 and 100".to_owned()),
        },
        _ => Err("write a name and two factors, such as half,0.5,1".to_owned()),
    }
}

/// Reads a bundle; no signature is checked.
fn read(path: &Path) -> Result<Bundle, CliError> {
    Ok(bundle::parse(&files::read(path, bundle::MAX_BYTES)?)?)
}

/// What became of one run or file.
struct Line {
    name: String,
    outcome: &'static str,
    reason: String,
    bad: bool,
}

impl Line {
    fn new(name: &str, outcome: &'static str) -> Self {
        Self { name: name.to_owned(), outcome, reason: String::new(), bad: false }
    }

    fn because(name: &str, outcome: &'static str, reason: impl Into<String>, bad: bool) -> Self {
        Self { reason: reason.into(), bad, ..Self::new(name, outcome) }
    }
}

/// Stores the run of a bundle that somebody named.
fn import(session: &Session, config: &Config, bundle: &Bundle, unsigned: bool) -> Result<(), CliError> {
    let id = &bundle.record.run.id;
    let judged = Judged::of(&load::trust(config)?, bundle)?;
    let mut store = load::open_to_write(config)?;
    // About a run that is stored already nothing is believed that was not known.
    let known = store.contains(id)?;
    let refusal = judged.refusal().filter(|refusal| refusal.bad || !unsigned && !known);
    if let Some(Refusal { reason, hint, bad }) = refusal {
        let exit = if bad { exit_code::INTEGRITY } else { exit_code::FAILURE };
        return Err(CliError::new(exit, format!("run {id} was not stored: {reason}")).hinted(Some(hint)));
    }
    let outcome = store.import_run(&bundle.record)?;
    if !known || judged.is_good() {
        store.keep_statements(id, &judged.kept)?;
    }
    load::stored(session, id.as_str(), outcome)
}

/// Writes the finished runs that the folder does not hold.
fn push(session: &Session, config: &Config, folder: &Path) -> Result<ExitCode, CliError> {
    let store = load::open_to_read(config)?;
    let runs = store.runs(&RunFilter::default(), u32::MAX)?;
    each(session, runs.iter().rev(), |run| {
        let name = run.id.as_str();
        if run.status == RunStatus::Running {
            return Ok(Line::because(name, "skipped", "it is running", false));
        }
        let file = folder.join(bundle::file_name(&run.id));
        if file.exists() { Ok(there(&store, &run.id, &file)?) } else { written(&store, &run.id, &file) }
    })
}

/// Compares a file of the folder with the run of its name.
fn there(store: &Store, run: &RunId, file: &Path) -> Result<Line, StoreError> {
    let name = run.as_str();
    // Other statements about the same content do not make it another run, and a folded run is one still: its list of
    // measurements has a digest of its own.
    let parts = |digests: BTreeMap<String, Digest>| -> BTreeMap<String, Digest> {
        digests.into_iter().filter(|(part, _)| !part.contains('/')).collect()
    };
    let ours = parts(store.digests(run)?);
    Ok(match stated(file).map(parts) {
        Ok(found) if found == ours => Line::new(name, "already there"),
        Ok(_) => Line::because(name, "refused", "the folder has other content under its name", true),
        Err(error) => {
            let reason =
                format!("the file in the folder is damaged: {}; delete it and push again", error.message);
            Line::because(name, "refused", reason, true)
        }
    })
}

/// Writes a run into the folder.
fn written(store: &Store, run: &RunId, file: &Path) -> Result<Line, CliError> {
    let name = run.as_str();
    match store.record(run) {
        Ok(record) => {
            let bytes = bundle::to_signed_bytes(&record, &store.statements(run)?)?;
            files::write(file, &bytes, Access::Default)?;
            Ok(Line::new(name, "written"))
        }
        Err(StoreError::Pruned { .. }) => {
            Ok(Line::because(name, "skipped", "its observations were pruned", false))
        }
        Err(error @ StoreError::Content { .. }) => {
            Ok(Line::because(name, "refused", error.to_string(), true))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a bundle states about its content.
#[derive(Deserialize)]
struct Stated {
    schema: String,
    version: u64,
    digests: BTreeMap<String, Digest>,
}

/// Reads the digests that a bundle states. The file must be whole; whether its content matches them is not looked at, which
/// `pull` does: a push looks at every file each time.
fn stated(file: &Path) -> Result<BTreeMap<String, Digest>, CliError> {
    let bytes = files::read(file, bundle::MAX_BYTES)?;
    let found: Stated = serde_json::from_slice(&bytes).map_err(|source| BundleError::Malformed { source })?;
    if found.schema != bundle::SCHEMA {
        return Err(BundleError::NotABundle { found: found.schema.chars().take(80).collect() }.into());
    }
    if found.version != u64::from(bundle::VERSION) {
        return Err(BundleError::Version { found: found.version }.into());
    }
    Ok(found.digests)
}

/// Stores the runs of a folder that a trusted key signed.
fn pull(session: &Session, config: &Config, folder: &Path, unsigned: bool) -> Result<ExitCode, CliError> {
    let trust = load::trust(config)?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|error| {
            CliError::from_error(exit_code::FAILURE, &error).about(&folder.display().to_string())
        })?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(".bundle.json"));
    paths.sort();
    let mut store = load::open_to_write(config)?;
    each(session, paths, |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match read(&path) {
            Ok(bundle) => take(&mut store, &trust, &name, &bundle, unsigned),
            Err(error) => Ok(Line::because(&name, "refused", error.message, true)),
        }
    })
}

/// Does something for each, and shows what became of them. An error ends it, after what was done until then was shown.
fn each<T>(
    session: &Session,
    items: impl IntoIterator<Item = T>,
    mut work: impl FnMut(T) -> Result<Line, CliError>,
) -> Result<ExitCode, CliError> {
    let mut lines = Vec::new();
    for item in items {
        match work(item) {
            Ok(line) => lines.push(line),
            Err(error) => {
                show(session, &lines)?;
                return Err(error);
            }
        }
    }
    show(session, &lines)
}

/// Stores one run if its signature allows it.
fn take(
    store: &mut Store,
    trust: &Trust,
    name: &str,
    bundle: &Bundle,
    unsigned: bool,
) -> Result<Line, CliError> {
    let judged = Judged::of(trust, bundle)?;
    if let Some(refusal) = judged.refusal().filter(|_| !(unsigned && judged.verdict.is_none())) {
        let hint = if judged.verdict.is_none() { " (--unsigned takes it)" } else { "" };
        return Ok(Line::because(name, "refused", format!("{}{hint}", refusal.reason), refusal.bad));
    }
    match store.import_run(&bundle.record) {
        Ok(outcome) => {
            store.keep_statements(&bundle.record.run.id, &judged.kept)?;
            Ok(Line::new(name, if outcome == Imported::Added { "stored" } else { "already there" }))
        }
        // These are about the run, and others may be stored all the same.
        Err(
            error @ (StoreError::Conflict { .. } | StoreError::Invalid { .. } | StoreError::Content { .. }),
        ) => Ok(Line::because(name, "refused", error.to_string(), true)),
        Err(error) => Err(error.into()),
    }
}

/// What the statements of a bundle are worth.
struct Judged {
    /// The best verdict on them; `None` without any.
    verdict: Option<SignatureVerdict>,
    /// The name of the first key.
    key: String,
    /// The statements that may be right.
    kept: Vec<Signed>,
}

/// Why a run is not taken.
struct Refusal {
    reason: String,
    hint: String,
    /// Whether something is wrong with the bundle itself.
    bad: bool,
}

impl Judged {
    /// Checks the statements of a bundle; one that speaks of other content is bad, whoever signed it.
    fn of(trust: &Trust, bundle: &Bundle) -> Result<Self, CliError> {
        let digests =
            bundle.record.digests().map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
        let speaks = |signed: &Signed| {
            let statement = Statement::parse(&signed.payload).ok()?;
            let about = statement.about()?;
            let parts = digests.iter().filter(|(part, _)| !part.contains('/'));
            let same = statement.predicate_type == RUN_PREDICATE
                && about.name == bundle.record.run.id.as_str()
                && parts.clone().all(|(part, digest)| statement.predicate.parts.get(part) == Some(digest));
            same.then_some(statement.predicate.at)
        };
        let mut verdicts = Vec::new();
        let mut kept = Vec::new();
        for signed in &bundle.statements {
            let verdict = match speaks(signed) {
                Some(at) => attest::check(trust, &[(signed, Some(at))], load::threads()).remove(0),
                None => SignatureVerdict::Bad,
            };
            if verdict != SignatureVerdict::Bad {
                kept.push(signed.clone());
            }
            verdicts.push(verdict);
        }
        let order = [
            SignatureVerdict::Good,
            SignatureVerdict::Bad,
            SignatureVerdict::Expired,
            SignatureVerdict::UnknownKey,
        ];
        let key = bundle.statements.first().map_or_else(|| "?".to_owned(), |signed| signed.key_id.clone());
        Ok(Self { verdict: order.into_iter().find(|verdict| verdicts.contains(verdict)), key, kept })
    }

    fn is_good(&self) -> bool {
        self.verdict == Some(SignatureVerdict::Good)
    }

    /// Why a run with these statements is not taken; `None` when a trusted key signed it.
    fn refusal(&self) -> Option<Refusal> {
        let (reason, hint) = match &self.verdict {
            Some(SignatureVerdict::Good) => return None,
            None => ("nobody signed it".to_owned(), "`--unsigned` takes it"),
            Some(SignatureVerdict::UnknownKey) => (
                format!("nobody trusts the key {} (`bench-runner key trust`)", self.key),
                "`bench-runner key show` prints the public key where it was signed; `--unsigned` takes it all the same",
            ),
            Some(SignatureVerdict::Expired) => {
                ("its key was not trusted at that time".to_owned(), "`--unsigned` takes it all the same")
            }
            Some(SignatureVerdict::Bad) => (
                "its signature does not belong to it".to_owned(),
                "get the file again from where it was made",
            ),
        };
        let bad = self.verdict == Some(SignatureVerdict::Bad);
        Some(Refusal { reason, hint: hint.to_owned(), bad })
    }
}

/// Shows what became of each, and says whether something is wrong.
fn show(session: &Session, lines: &[Line]) -> Result<ExitCode, CliError> {
    let column = |title, drop_order| Column { title, align: Align::Left, drop_order };
    let table = Table {
        columns: vec![column("what", 0), column("outcome", 0), column("reason", 0)],
        rows: lines
            .iter()
            .map(|line| vec![line.name.clone(), line.outcome.to_owned(), line.reason.clone()])
            .collect(),
    };
    let items: Vec<_> = lines
        .iter()
        .map(|line| serde_json::json!({"what": line.name, "outcome": line.outcome, "reason": line.reason}))
        .collect();
    load::show(session, &table, "bench-runner/exchange", &items)?;
    Ok(if lines.iter().any(|line| line.bad) { exit_code::INTEGRITY } else { exit_code::DONE })
}
