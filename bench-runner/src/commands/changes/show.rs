//! All about one change: what the trend shows of it, what it is put down to, when it was seen, and what was decided.

use super::super::cause::Causes;
use super::super::trend::{self, MOST_NIGHTS};
use super::super::{Session, load};
use super::search::{Hit, NOT_FOUND, Search};
use super::{evidence, find, state};
use crate::analysis::trend::{FEWEST_NIGHTS, NIGHT};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::{Change, Decision, DecisionKind};
use crate::model::explain::StepCause;
use crate::model::trend::{Moved, TrendChange};
use crate::report::format::{Dialect, Scale, change as percent_change, plural, timestamp};
use crate::ui::table::{Align, Column, Table};

/// Benchmarks that moved together and are named; the rest is counted, and `--format json` has all.
const TOGETHER: usize = 12;

/// Everything that is known about one change.
struct Known {
    noted: Option<Change>,
    trend: Option<(TrendChange, Moved)>,
    cause: Option<StepCause>,
    decisions: Vec<Decision>,
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be read or there is no such change.
pub(super) fn run(id: &str, nights: Option<u32>, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let changes = store.changes()?;
    let noted = find(&changes, id);
    let now = trend::newest_night(&store)?;
    // As far back as the change lies, so that the trend reaches it.
    let reaching = |change: &Change| {
        let back = now.0.saturating_sub(change.first_started.0) / NIGHT + 2;
        u32::try_from(back).unwrap_or(MOST_NIGHTS).clamp(FEWEST_NIGHTS, MOST_NIGHTS)
    };
    let nights = nights.or(noted.as_ref().ok().map(|change| reaching(change)));
    let name = noted.as_ref().map_or(id, |change| change.id.as_str());
    let hit = Search::new(&config, &store, nights)?.find(name)?;
    let mut causes = Causes::new(&config, &store);
    let (noted, cause) = match (noted, &hit) {
        (Ok(change), _) => (Some(change.clone()), super::cause(&store, change, &mut causes)?),
        (Err(_), Some(hit)) => (None, trend::cause_of(&hit.change, hit.imported, &mut causes)?),
        (Err(error), None) if error.exit == exit_code::NOTHING => {
            return Err(error.hinted(Some(NOT_FOUND.to_owned())));
        }
        (Err(error), None) => return Err(error),
    };
    let name = noted.as_ref().map_or_else(
        || hit.as_ref().map_or_else(|| id.to_owned(), |hit| hit.moved.name.clone()),
        |change| change.id.clone(),
    );
    let trend = hit.map(|Hit { change, moved, .. }| (change, moved));
    let mut decisions = store.decisions()?;
    decisions.retain(|decision| decision.subject == name);
    let known = Known { noted, trend, cause, decisions };
    let item = serde_json::json!({
        "change": name,
        "noted": load::json_of(&known.noted)?,
        "trend": load::json_of(&known.trend.as_ref().map(|(change, _)| change))?,
        "cause": load::json_of(&known.cause)?,
        "decisions": load::json_of(&known.decisions)?,
    });
    load::show(session, &known.table(&name), "bench-runner/change", &[item])?;
    Ok(exit_code::DONE)
}

impl Known {
    fn table(&self, name: &str) -> Table {
        let mut rows: Vec<(&str, String)> = vec![("change", name.to_owned())];
        let state = match (&self.trend, &self.noted) {
            (Some((change, _)), _) => state(change.state),
            (None, Some(change)) => state(change.state),
            (None, None) => "new",
        };
        rows.push(("state", state.to_owned()));
        if let Some((change, moved)) = &self.trend {
            rows.extend(in_the_trend(change, moved));
        } else if let Some(change) = &self.noted {
            rows.push(("benchmark", change.series.benchmark.to_string()));
            rows.push(("size", percent_change(Dialect::Ascii, change.ratio - 1.0, None)));
            rows.push(("since", format!("{}, run {}", timestamp(change.first_started), change.first_run)));
            let text = "not listed: smaller than the margin, gone back, or put aside";
            rows.push(("trend", text.to_owned()));
        }
        let cause = self.cause.as_ref().map_or_else(
            || "not looked at".to_owned(),
            |cause| format!("{}: {}", cause.cause.word(), cause.why),
        );
        rows.push(("cause", cause));
        if let Some((before, after)) = self.cause.as_ref().and_then(|cause| cause.runs.as_ref()) {
            rows.push(("told by", format!("bench-runner explain {} {}", before.short(), after.short())));
        }
        rows.push(match &self.noted {
            Some(change) => {
                let nights = plural(u64::from(change.sightings), "night");
                ("seen", format!("{} by the gate, in {nights}", evidence(change.evidence)))
            }
            None => ("seen", "in history; the gate noted nothing".to_owned()),
        });
        if let Some(experiment) = self.noted.as_ref().and_then(|change| change.experiment.as_ref()) {
            rows.push(("measured again", format!("bench-runner experiment --show {}", experiment.short())));
        }
        for decision in &self.decisions {
            let word = match decision.kind {
                DecisionKind::Accept => "accepted",
                DecisionKind::Fix => "fixed",
                DecisionKind::Noise => "noise",
                DecisionKind::Waive => "waived",
            };
            rows.push(("decided", format!("{} {word}: {}", timestamp(decision.at), decision.reason)));
        }
        let column = |title| Column { title, align: Align::Left, drop_order: 0 };
        Table {
            columns: vec![column("what"), column("answer")],
            rows: rows.into_iter().map(|(what, answer)| vec![what.to_owned(), answer]).collect(),
        }
    }
}

/// What the trend shows of it.
fn in_the_trend(change: &TrendChange, moved: &Moved) -> Vec<(&'static str, String)> {
    let interval = moved.interval.map(|(low, high)| (low - 1.0, high - 1.0));
    let scale = Scale::metric(Dialect::Ascii, &moved.metric, [moved.before, moved.after]);
    let level = format!("{} -> {}", scale.show(moved.before, None), scale.show(moved.after, None));
    let commit = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut rows = vec![
        ("benchmark", moved.benchmark.to_string()),
        ("size", percent_change(Dialect::Ascii, moved.ratio - 1.0, interval)),
        ("level", level),
        ("since", format!("{}, run {}", timestamp(change.since), change.first)),
    ];
    if let Some(before) = &change.last_before {
        rows.push(("run before", before.to_string()));
    }
    rows.push(("commits", format!("{}..{}", commit(&change.commits.0), commit(&change.commits.1))));
    rows.push(("runs on it", change.runs.to_string()));
    if change.drift {
        rows.push(("kind", "a slow drift, no step".to_owned()));
    }
    let others: Vec<String> = change
        .members
        .iter()
        .filter(|other| other.name != moved.name)
        .map(|other| format!("{} ({})", other.benchmark, other.name))
        .collect();
    if !others.is_empty() {
        rows.push(("moved together", crate::report::capped(&others, TOGETHER)));
    }
    if let Some(reason) = &change.reason {
        rows.push(("reason", reason.clone()));
    }
    rows
}
