//! `bench-runner bundle export|import|push|pull`: runs as files, one by one or through a folder.

use std::path::{Path, PathBuf};

use super::{Session, load};
use crate::analysis::machines::{Unlike, like};
use crate::attest::{self, Trust};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exchange::bundle::{self, Bundle};
use crate::exit_code::{self, ExitCode};
use crate::files::{self, Access};
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
    /// Store the run of a file; storing it twice changes nothing
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
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
        Action::Import { file } => {
            let Bundle { record, statements } =
                read(&session.folder.join(file)).map_err(|error| error.about(&file.display().to_string()))?;
            let mut store = load::open_to_write(&config)?;
            let outcome = store.import_run(&record)?;
            store.keep_statements(&record.run.id, &statements)?;
            load::stored(session, record.run.id.as_str(), outcome)?;
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

/// Writes the finished runs that the folder does not hold.
fn push(session: &Session, config: &Config, folder: &Path) -> Result<ExitCode, CliError> {
    let store = load::open_to_read(config)?;
    let mut lines = Vec::new();
    for run in store.runs(&RunFilter::default(), u32::MAX)?.iter().rev() {
        let name = run.id.as_str();
        let file = folder.join(bundle::file_name(&run.id));
        if run.status == RunStatus::Running {
            lines.push(Line::because(name, "skipped", "it is running", false));
            continue;
        }
        if file.exists() {
            // Other statements about the same content do not make it another run.
            let there = read(&file)?
                .record
                .digests()
                .map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
            let same = there == store.digests(&run.id)?;
            lines.push(match same {
                true => Line::new(name, "already there"),
                false => Line::because(name, "refused", "the folder has other content under its name", true),
            });
            continue;
        }
        match store.record(&run.id) {
            Ok(record) => {
                let bytes = bundle::to_signed_bytes(&record, &store.statements(&run.id)?)?;
                files::write(&file, &bytes, Access::Default)?;
                lines.push(Line::new(name, "written"));
            }
            Err(StoreError::Pruned { .. }) => {
                lines.push(Line::because(name, "skipped", "its observations were pruned", false));
            }
            Err(error) => return Err(error.into()),
        }
    }
    show(session, &lines)
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
    let mut lines = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        lines.push(match read(&path) {
            Ok(bundle) => take(&mut store, &trust, &name, &bundle, unsigned)?,
            Err(error) => Line::because(&name, "refused", error.message, true),
        });
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
    let verdict = judge(trust, bundle)?;
    match verdict {
        Some(SignatureVerdict::Good) => {}
        None if unsigned => {}
        None => return Ok(Line::because(name, "refused", "nobody signed it (--unsigned takes it)", false)),
        Some(SignatureVerdict::UnknownKey) => {
            let key = bundle.statements.first().map_or("?", |signed| &signed.key_id);
            let reason = format!("nobody trusts the key {key} (`bench-runner key trust`)");
            return Ok(Line::because(name, "refused", reason, false));
        }
        Some(SignatureVerdict::Expired) => {
            return Ok(Line::because(name, "refused", "its key was not trusted at that time", false));
        }
        Some(SignatureVerdict::Bad) => {
            return Ok(Line::because(name, "refused", "its signature does not belong to it", true));
        }
    }
    match store.import_run(&bundle.record) {
        Ok(outcome) => {
            store.keep_statements(&bundle.record.run.id, &bundle.statements)?;
            Ok(Line::new(name, if outcome == Imported::Added { "stored" } else { "already there" }))
        }
        Err(error @ StoreError::Conflict { .. }) => {
            Ok(Line::because(name, "refused", error.to_string(), true))
        }
        Err(error) => Err(error.into()),
    }
}

/// The best verdict on the statements of a bundle; one that speaks of other content is bad, whoever signed it.
fn judge(trust: &Trust, bundle: &Bundle) -> Result<Option<SignatureVerdict>, CliError> {
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
    for signed in &bundle.statements {
        verdicts.push(match speaks(signed) {
            Some(at) => attest::check(trust, &[(signed, Some(at))], load::threads()).remove(0),
            None => SignatureVerdict::Bad,
        });
    }
    let order = [
        SignatureVerdict::Good,
        SignatureVerdict::Bad,
        SignatureVerdict::Expired,
        SignatureVerdict::UnknownKey,
    ];
    Ok(order.into_iter().find(|verdict| verdicts.contains(verdict)))
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
