//! `bench-runner baseline NAME [RUN]`: a name of its own for a run, to compare with later; `baseline list` shows the names.
//!
//! A name may be given again: earlier meanings stay in the store. The executables of a baseline are never pruned.

use super::{Session, load};
use crate::cli::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::{keys, known};
use crate::model::record::{Annotation, NoteTarget};
use crate::model::run::Run;
use crate::report::format::timestamp;
use crate::store::{BaselineName, QUARANTINE, RELEASE, Store};
use crate::ui::table::{Align, Column, Table};

/// Longest name, in characters.
const LONGEST: usize = 80;
/// Longest note, in characters.
const LONGEST_NOTE: usize = 400;
/// Words that mean something else where a name is expected.
const TAKEN: [&str; 3] = ["latest", "list", "help"];
/// What is said instead of an empty list.
const NONE: &str = "no run has a name yet; `bench-runner baseline NAME [RUN]` gives it one";

/// Give a run a name to compare with later, and keep its executables
///
/// `compare NAME` then means that run, until the name is given to another one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    /// What to do instead of giving a name
    #[command(subcommand)]
    action: Option<Action>,
    /// The name, such as `v1.0` or `before-the-rewrite`
    #[arg(value_name = "NAME", required = true)]
    name: Option<String>,
    /// `latest`, a run id, another baseline, or four or more characters of an id's beginning or end
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
    /// Why this run, for whoever reads the list
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// What to do instead of giving a name.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the names, newest first: run, machine, commit, note
    List,
}

/// Runs the command.
///
/// # Errors
///
/// When the name is none, there is no such run, or the store cannot be read or written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    match (&args.action, &args.name) {
        (None, Some(name)) => give(name, args, session),
        _ => list(session),
    }
}

/// Gives a name.
fn give(name: &str, args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let given = name.trim();
    let odd = given.is_empty() || TAKEN.contains(&given) || given.chars().any(char::is_control);
    if odd || given.chars().count() > LONGEST {
        let text = format!("`{}` cannot be the name of a baseline", name.escape_debug());
        return Err(CliError::new(exit_code::USAGE, text).hinted(Some(format!(
            "a name has 1 to {LONGEST} characters, and is none of {}",
            TAKEN.map(|word| format!("`{word}`")).join(", ")
        ))));
    }
    let note = args.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > LONGEST_NOTE || note.chars().any(char::is_control)) {
        let text = format!("a note has one line and at most {LONGEST_NOTE} characters");
        return Err(CliError::new(exit_code::USAGE, text));
    }
    let mut store = load::open_to_write(&session.config()?)?;
    let run = store.resolve(&args.run)?;
    let at = clock::now();
    store.set_baseline(given, &run, at)?;
    if let Some(note) = note {
        store.annotate(&Annotation {
            target: NoteTarget::Run,
            id: run.to_string(),
            kind: kind(given),
            text: note.to_owned(),
            at,
        })?;
    }
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/baseline", "version": 1, "name": given, "run": run, "note": note,
        })
        .to_string(),
        Format::Csv => format!("name,run\n{},{run}", crate::ui::table::quote_csv(given)),
        Format::Text | Format::Markdown => format!("`{given}` is run {run}"),
    })?;
    Ok(exit_code::DONE)
}

/// The kind of the annotation that holds the note of a name.
fn kind(name: &str) -> String {
    format!("baseline {name}")
}

/// One name with what it stands for.
#[derive(serde::Serialize)]
struct Named {
    name: String,
    run: String,
    started: String,
    given: String,
    machine: String,
    hw_class: String,
    commit: Option<String>,
    note: Option<String>,
    put_aside: Option<String>,
}

/// Lists the names.
fn list(session: &Session) -> Result<ExitCode, CliError> {
    let store = load::open_to_read(&session.config()?)?;
    let found = store.baselines()?.iter().map(|name| named(&store, name)).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() && matches!(session.format, Format::Text | Format::Markdown) {
        session.answer(NONE)?;
        return Ok(exit_code::DONE);
    }
    let items = found.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &table(&found), "bench-runner/baselines", &items)?;
    Ok(exit_code::DONE)
}

fn named(store: &Store, baseline: &BaselineName) -> Result<Named, CliError> {
    let run: Run = store.run(&baseline.run)?;
    let notes = store.annotations(NoteTarget::Run, run.id.as_str())?;
    let last = |kinds: &[&str]| notes.iter().rfind(|note| kinds.contains(&note.kind.as_str()));
    let aside = last(&[QUARANTINE, RELEASE]).filter(|note| note.kind == QUARANTINE);
    Ok(Named {
        note: last(&[&kind(&baseline.name)]).map(|note| note.text.clone()),
        put_aside: aside.map(|note| note.text.clone()),
        name: baseline.name.clone(),
        run: run.id.to_string(),
        started: timestamp(run.started),
        given: timestamp(baseline.at),
        commit: known(&run.facts, keys::SOURCE_COMMIT),
        hw_class: run.identity.hw_class,
        machine: run.identity.label.unwrap_or(run.identity.machine),
    })
}

fn table(found: &[Named]) -> Table {
    let column = |title, drop_order| Column { title, align: Align::Left, drop_order };
    let row = |one: &Named| {
        let commit = one.commit.as_deref().map_or("?", |commit| commit.get(..10).unwrap_or(commit));
        let aside = one.put_aside.as_ref().map(|why| format!("put aside: {why}"));
        let words: Vec<String> = one.note.iter().cloned().chain(aside).collect();
        vec![
            one.name.clone(),
            one.run.clone(),
            one.started.clone(),
            one.machine.clone(),
            commit.to_owned(),
            if words.is_empty() { "-".to_owned() } else { words.join("; ") },
            one.given.clone(),
        ]
    };
    Table {
        columns: vec![
            column("name", 0),
            column("run", 0),
            column("measured", 2),
            column("machine", 3),
            column("commit", 4),
            column("note", 1),
            column("given", 5),
        ],
        rows: found.iter().map(row).collect(),
    }
}
