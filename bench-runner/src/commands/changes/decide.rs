//! Deciding about changes: by name, whether the gate noted them or the trend found them, alone or with what moved together.

use super::super::trend::MOST_NIGHTS;
use super::super::{Session, load};
use super::find;
use super::search::{NOT_FOUND, Search, changes};
use crate::cli::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::{Decision, DecisionKind, Evidence, Sighting};
use crate::model::record::SeriesKey;
use crate::model::trend::TrendReport;
use crate::model::units::Timestamp;

/// A decision.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Names of changes, or four or more characters of their beginnings
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// About everything as well that moved together with them, as `trend` shows it
    #[arg(long)]
    together: bool,
    /// Nights to look back, as `trend` was told to where it showed the change; without it, as far as it takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_NIGHTS)))]
    nights: Option<u32>,
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be used, there is no such change, or the reason is empty; then nothing is decided. Decisions are stored one by
/// one: where the store fails at a later one, the ones before it stay.
pub(super) fn run(args: &Args, kind: DecisionKind, session: &Session) -> Result<ExitCode, CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::new(exit_code::USAGE, "the reason is empty"));
    }
    let now = clock::now();
    let config = session.config()?;
    let mut store = load::open_to_write(&config)?;
    let noted = store.changes()?;
    let mut search = Search::new(&config, &store, args.nights)?;
    let mut names: Vec<String> = Vec::new();
    for id in &args.ids {
        let name = match find(&noted, id) {
            Ok(change) => change.id.clone(),
            Err(error) if error.exit == exit_code::NOTHING => {
                search.find(id)?.ok_or_else(|| error.hinted(Some(NOT_FOUND.to_owned())))?.moved.name
            }
            Err(error) => return Err(error),
        };
        if args.together
            && let Some(hit) = search.find(&name)?
        {
            names.extend(hit.change.members.into_iter().map(|moved| moved.name));
        }
        names.push(name);
    }
    let seen = search.reports;
    names.sort();
    names.dedup();
    let new: Vec<Sighting> = names
        .iter()
        .filter(|name| !noted.iter().any(|change| change.id == **name))
        .filter_map(|name| seen.iter().find_map(|report| sighting(report, name, now)))
        .collect();
    if !new.is_empty() {
        store.add_sightings(&new)?;
    }
    let decisions: Vec<Decision> = names
        .into_iter()
        .map(|subject| Decision { subject, kind, reason: args.reason.clone(), until: None, at: now })
        .collect();
    for decision in &decisions {
        store.decide(decision)?;
    }
    answer(&decisions, kind, session)?;
    Ok(exit_code::DONE)
}

fn answer(decisions: &[Decision], kind: DecisionKind, session: &Session) -> Result<(), CliError> {
    let word = match kind {
        DecisionKind::Accept => "accepted",
        DecisionKind::Fix => "fixed",
        _ => "noise",
    };
    let lines = |separator: &str| -> String {
        let lines: Vec<String> =
            decisions.iter().map(|decision| format!("{}{separator}{word}", decision.subject)).collect();
        lines.join("\n")
    };
    session.answer(&match session.format {
        Format::Json => {
            let all = decisions.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
            serde_json::json!({"schema": "bench-runner/decisions", "version": 1, "decisions": all})
                .to_string()
        }
        Format::Jsonl => {
            let all = decisions.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
            all.iter().map(|decision| format!("{decision}\n")).collect()
        }
        Format::Csv => format!("change,state\n{}", lines(",")),
        Format::Text | Format::Markdown => lines(" "),
    })
}

/// Notes what the trend found: seen in history, in the newest run of its machine.
fn sighting(report: &TrendReport, name: &str, at: Timestamp) -> Option<Sighting> {
    let mut members =
        changes(report).flat_map(|change| change.members.iter().map(move |moved| (change, moved)));
    let (change, moved) = members.find(|(_, moved)| moved.name == name)?;
    let machine = report.machines.get(change.machine)?;
    Some(Sighting {
        change: moved.name.clone(),
        series: SeriesKey {
            benchmark: moved.benchmark.clone(),
            metric: moved.metric.clone(),
            recipe: machine.recipe,
            machine: machine.machine.clone(),
            config: machine.config.clone(),
        },
        first_run: moved.first.clone(),
        seen_run: machine.run.clone(),
        evidence: Evidence::Suspect,
        ratio: moved.ratio,
        experiment: None,
        at,
    })
}
