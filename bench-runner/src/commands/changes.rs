//! `bench-runner changes`: what the gate found, and what was decided about it.

use super::{Session, load};
use crate::cli::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::{Change, ChangeState, Decision, DecisionKind, Evidence};
use crate::report::format::{Dialect, change as percent_change, timestamp};
use crate::ui::table::{Align, Column, Table};

/// Fewest characters of a change's name that may stand for it.
const SHORTEST: usize = 4;

/// List changes that the gate found, and decide about them
///
/// A change is *new* until somebody decides: `accept` means that the new level is meant and a new segment of the line begins
/// with it; `fix` that its cause was repaired, and the nights between are no part of the noise; `noise` that nothing changed. Decisions
/// are added, never overwritten; the last one counts.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do; without it, the list is shown
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with changes.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List them, the newest last
    List {
        /// Only those that nobody decided about
        #[arg(long)]
        open: bool,
    },
    /// The new level is meant: history goes on from there
    Accept(Decide),
    /// Its cause was repaired
    Fix(Decide),
    /// Nothing changed
    Noise(Decide),
}

/// A decision.
#[derive(Debug, clap::Args)]
struct Decide {
    /// Name of the change, or four or more characters of its beginning
    #[arg(value_name = "ID")]
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be used, there is no such change, or the reason is empty.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let (kind, decide) = match &args.action {
        None | Some(Action::List { open: false }) => return list(session, false),
        Some(Action::List { open: true }) => return list(session, true),
        Some(Action::Accept(decide)) => (DecisionKind::Accept, decide),
        Some(Action::Fix(decide)) => (DecisionKind::Fix, decide),
        Some(Action::Noise(decide)) => (DecisionKind::Noise, decide),
    };
    if decide.reason.trim().is_empty() {
        return Err(CliError::new(exit_code::USAGE, "the reason is empty"));
    }
    let mut store = load::open_to_write(&session.config()?)?;
    let changes = store.changes()?;
    let change = find(&changes, &decide.id)?;
    let decision = Decision {
        subject: change.id.clone(),
        kind,
        reason: decide.reason.clone(),
        until: None,
        at: clock::now(),
    };
    store.decide(&decision)?;
    let word = match kind {
        DecisionKind::Accept => "accepted",
        DecisionKind::Fix => "fixed",
        _ => "noise",
    };
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => {
            let decision = load::json_of(&decision)?;
            serde_json::json!({"schema": "bench-runner/decision", "version": 1, "decision": decision})
                .to_string()
        }
        Format::Csv => format!("change,state\n{},{word}", change.id),
        Format::Text | Format::Markdown => format!("{} {word}", change.id),
    })?;
    Ok(exit_code::DONE)
}

/// Whether a text names a change: all of its name, or enough of its beginning.
pub(super) fn is_called(change: &Change, text: &str) -> bool {
    change.id == text || text.len() >= SHORTEST && change.id.starts_with(text)
}

/// The one change whose name begins so.
pub(super) fn find<'a>(changes: &'a [Change], id: &str) -> Result<&'a Change, CliError> {
    let found: Vec<&Change> = changes.iter().filter(|change| is_called(change, id)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(CliError::new(exit_code::NOTHING, format!("no change is called `{id}`"))
            .hinted(Some("`bench-runner changes list` shows what there is".to_owned()))),
        several => {
            let names: Vec<&str> = several.iter().map(|change| change.id.as_str()).collect();
            Err(CliError::new(exit_code::USAGE, format!("`{id}` means several changes"))
                .hinted(Some(format!("write one of: {}", names.join(", ")))))
        }
    }
}

fn list(session: &Session, open: bool) -> Result<ExitCode, CliError> {
    let store = load::open_to_read(&session.config()?)?;
    let changes: Vec<Change> =
        store.changes()?.into_iter().filter(|change| !open || change.state == ChangeState::New).collect();
    let items = changes.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &table(&changes), "bench-runner/changes", &items)?;
    Ok(exit_code::DONE)
}

fn table(changes: &[Change]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("change", Align::Left, 0),
            column("state", Align::Left, 0),
            column("seen", Align::Left, 0),
            column("benchmark", Align::Left, 0),
            column("size", Align::Right, 0),
            column("since run", Align::Left, 3),
            column("of", Align::Left, 2),
            column("nights", Align::Right, 4),
            column("why", Align::Left, 1),
        ],
        rows: changes.iter().map(row).collect(),
    }
}

fn row(change: &Change) -> Vec<String> {
    let state = match change.state {
        ChangeState::New => "new",
        ChangeState::Accepted => "accepted",
        ChangeState::Fixed => "fixed",
        ChangeState::Noise => "noise",
    };
    let evidence = match change.evidence {
        Evidence::Suspect => "suspect",
        Evidence::Confirmed => "confirmed",
        Evidence::Refuted => "gone",
    };
    vec![
        change.id.clone(),
        state.to_owned(),
        evidence.to_owned(),
        change.series.benchmark.to_string(),
        percent_change(Dialect::Ascii, change.ratio - 1.0, None),
        change.first_run.short().to_owned(),
        timestamp(change.first_started),
        change.sightings.to_string(),
        change.decision.as_ref().map_or_else(String::new, |decision| decision.reason.clone()),
    ]
}
