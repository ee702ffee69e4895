//! Deciding about changes: by name, whether the gate noted them or the trend found them, alone or with what moved together.

use super::super::trend::{self, Wish};
use super::super::{Session, load};
use super::{SHORTEST, find};
use crate::analysis::trend::FEWEST_NIGHTS;
use crate::cli::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::{Decision, DecisionKind, Evidence, Sighting};
use crate::model::record::SeriesKey;
use crate::model::trend::{Moved, TrendChange, TrendReport};
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
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be used, there is no such change, or the reason is empty. Then nothing is decided.
pub(super) fn run(args: &Args, kind: DecisionKind, session: &Session) -> Result<ExitCode, CliError> {
    if args.reason.trim().is_empty() {
        return Err(CliError::new(exit_code::USAGE, "the reason is empty"));
    }
    let now = clock::now();
    let config = session.config()?;
    let mut store = load::open_to_write(&config)?;
    let noted = store.changes()?;
    let unknown = args.ids.iter().any(|id| find(&noted, id).is_err());
    // All that there is to find is read only when it is needed: nearly always the gate has noted the change.
    let seen = if unknown || args.together {
        let newest = Some(trend::newest_night(&store)?);
        let wish = Wish { nights: Some(FEWEST_NIGHTS), now: newest, ..Wish::default() };
        Some(trend::report_of(&wish, &config, &store)?)
    } else {
        None
    };
    let mut names: Vec<String> = Vec::new();
    for id in &args.ids {
        let name = match (find(&noted, id), &seen) {
            (Ok(change), _) => change.id.clone(),
            (Err(error), Some(report)) if error.exit == exit_code::NOTHING => {
                let (_, moved) = found(report, id)?.ok_or(error)?;
                moved.name.clone()
            }
            (Err(error), _) => return Err(error),
        };
        let together = seen
            .iter()
            .filter(|_| args.together)
            .flat_map(changes)
            .find(|change| change.members.iter().any(|moved| moved.name == name));
        names.extend(together.iter().flat_map(|change| &change.members).map(|moved| moved.name.clone()));
        names.push(name);
    }
    names.sort();
    names.dedup();
    if let Some(report) = &seen {
        let known = |name: &str| noted.iter().any(|change| change.id == name);
        let new: Vec<Sighting> = changes(report)
            .flat_map(|change| change.members.iter().map(move |moved| (change, moved)))
            .filter(|(_, moved)| names.contains(&moved.name) && !known(&moved.name))
            .filter_map(|(change, moved)| sighting(report, change, moved, now))
            .collect();
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

/// Everything that a trend lists.
pub(super) fn changes(report: &TrendReport) -> impl Iterator<Item = &TrendChange> {
    report.slower.iter().chain(&report.faster).chain(&report.decided)
}

/// The one change of a trend whose name begins so, and the benchmark of it that has the name.
///
/// # Errors
///
/// When several do.
pub(super) fn found<'a>(
    report: &'a TrendReport,
    id: &str,
) -> Result<Option<(&'a TrendChange, &'a Moved)>, CliError> {
    let mut matching: Vec<(&TrendChange, &Moved)> = changes(report)
        .flat_map(|change| change.members.iter().map(move |moved| (change, moved)))
        .filter(|(_, moved)| moved.name == id || id.len() >= SHORTEST && moved.name.starts_with(id))
        .collect();
    if let [_, _, ..] = matching.as_slice() {
        let names: Vec<&str> = matching.iter().map(|(_, moved)| moved.name.as_str()).collect();
        return Err(CliError::new(exit_code::USAGE, format!("`{id}` means several changes"))
            .hinted(Some(format!("write one of: {}", names.join(", ")))));
    }
    Ok(matching.pop())
}

/// Notes what the trend found: seen in history, in the newest run of its machine.
fn sighting(report: &TrendReport, change: &TrendChange, moved: &Moved, at: Timestamp) -> Option<Sighting> {
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
