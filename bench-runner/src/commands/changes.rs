//! `bench-runner changes`: what the gate and the trend found, and what was decided about it.

mod decide;
mod search;
mod show;

use super::cause::{Causes, Step};
use super::trend::MOST_NIGHTS;
use super::{Session, load};
use crate::cli::Format;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::{Change, ChangeState, DecisionKind, Evidence};
use crate::model::explain::StepCause;
use crate::model::ids::RunId;
use crate::report::format::{Dialect, change as percent_change, timestamp};
use crate::store::Store;
use crate::ui::table::{Align, Column, Table};

/// Fewest characters of a change's name that may stand for it.
const SHORTEST: usize = 4;

/// Runs on each side of a change that may tell what it comes from.
const ASKED: usize = 2;

/// List changes of level, and decide about them
///
/// A change is *new* until somebody decides: `accept` means that the new level is meant and a new segment of the line begins
/// with it; `fix` that its cause was repaired, and the nights between are no part of the noise; `noise` that nothing changed. Decisions
/// are added, never overwritten; the last one counts. The list holds what the gate noted; steps that `trend` found have names
/// as well, and are noted when somebody decides about them. A change that was fixed and is still there is new again in `trend`.
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
    /// All about one: size, levels, runs and commits around it, what moved with it, cause, sightings and decisions
    Show {
        /// Name of the change, or four or more characters of its beginning
        #[arg(value_name = "ID")]
        id: String,
        /// Nights to look back, as `trend` was told to; without it, as far as it takes
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_NIGHTS)))]
        nights: Option<u32>,
    },
    /// The new level is meant: history goes on from there
    Accept(decide::Args),
    /// Its cause was repaired
    Fix(decide::Args),
    /// Nothing changed
    Noise(decide::Args),
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be used, there is no such change, or the reason is empty.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    match &args.action {
        None | Some(Action::List { open: false }) => list(session, false),
        Some(Action::List { open: true }) => list(session, true),
        Some(Action::Show { id, nights }) => show::run(id, *nights, session),
        Some(Action::Accept(args)) => decide::run(args, DecisionKind::Accept, session),
        Some(Action::Fix(args)) => decide::run(args, DecisionKind::Fix, session),
        Some(Action::Noise(args)) => decide::run(args, DecisionKind::Noise, session),
    }
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
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let changes: Vec<Change> =
        store.changes()?.into_iter().filter(|change| !open || change.state == ChangeState::New).collect();
    let causes = causes(&config, &store, &changes)?;
    let items = changes
        .iter()
        .zip(&causes)
        .map(|(change, cause)| {
            let mut item = load::json_of(change)?;
            item["cause"] = load::json_of(cause)?;
            Ok(item)
        })
        .collect::<Result<Vec<_>, CliError>>()?;
    if changes.is_empty() && matches!(session.format, Format::Text | Format::Markdown) {
        let which = if open { "No change is open" } else { "The gate has noted no change" };
        session.answer(&format!("{which}. `bench-runner trend` searches the histories for steps."))?;
    } else {
        load::show(session, &table(&changes, &causes), "bench-runner/changes", &items)?;
    }
    Ok(exit_code::DONE)
}

/// What each change is put down to, the newest looked into first: there may be more than anybody wants to wait for.
fn causes(config: &Config, store: &Store, changes: &[Change]) -> Result<Vec<Option<StepCause>>, CliError> {
    let mut causes = Causes::new(config, store);
    let mut found = Vec::with_capacity(changes.len());
    for change in changes.iter().rev() {
        found.push(cause(store, change, &mut causes)?);
    }
    found.reverse();
    Ok(found)
}

/// What a noted change is put down to.
fn cause(store: &Store, change: &Change, causes: &mut Causes<'_>) -> Result<Option<StepCause>, CliError> {
    let points = store.line(&change.series)?.history.points;
    let eligible: Vec<&RunId> =
        points.iter().filter(|point| point.is_eligible()).map(|point| &point.run).collect();
    let Some(place) = eligible.iter().position(|run| **run == change.first_run) else {
        return Ok(Some(StepCause::unknown("its first run is put aside or not complete")));
    };
    let (before, after) = eligible.split_at(place);
    let before: Vec<RunId> = before.iter().rev().take(ASKED).map(|run| (*run).clone()).collect();
    let after: Vec<RunId> = after.iter().take(ASKED).map(|run| (*run).clone()).collect();
    let benchmark = &change.series.benchmark;
    causes.of(Step { benchmark, ratio: change.ratio, before: &before, after: &after })
}

fn table(changes: &[Change], causes: &[Option<StepCause>]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("change", Align::Left, 0),
            column("state", Align::Left, 0),
            column("seen", Align::Left, 0),
            column("benchmark", Align::Left, 0),
            column("size", Align::Right, 0),
            column("cause", Align::Left, 0),
            column("since run", Align::Left, 3),
            column("of", Align::Left, 2),
            column("nights", Align::Right, 4),
            column("why", Align::Left, 1),
        ],
        rows: changes.iter().zip(causes).map(|(change, cause)| row(change, cause.as_ref())).collect(),
    }
}

fn row(change: &Change, cause: Option<&StepCause>) -> Vec<String> {
    vec![
        change.id.clone(),
        state(change.state).to_owned(),
        evidence(change.evidence).to_owned(),
        change.series.benchmark.to_string(),
        percent_change(Dialect::Ascii, change.ratio - 1.0, None),
        cause.map_or("not looked at", |cause| cause.cause.word()).to_owned(),
        change.first_run.short().to_owned(),
        timestamp(change.first_started),
        change.sightings.to_string(),
        change.decision.as_ref().map_or_else(String::new, |decision| decision.reason.clone()),
    ]
}

fn state(state: ChangeState) -> &'static str {
    match state {
        ChangeState::New => "new",
        ChangeState::Accepted => "accepted",
        ChangeState::Fixed => "fixed",
        ChangeState::Noise => "noise",
    }
}

fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Suspect => "suspect",
        Evidence::Confirmed => "confirmed",
        Evidence::Refuted => "gone",
    }
}
