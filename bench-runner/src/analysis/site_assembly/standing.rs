//! How each line stands, as the trend says it: looked up, never judged a second time.
//!
//! A line that the trend does not mention was either judged and found as before, or was no part of tonight; both are said.

use std::collections::BTreeMap;

use crate::analysis::change_points::group::NEAR;
use crate::analysis::trend::FRESH;
use crate::analysis::words;
use crate::model::change_point::ChangeKind;
use crate::model::decision::ChangeState;
use crate::model::explain::StepCause;
use crate::model::history::History;
use crate::model::ids::BenchmarkId;
use crate::model::run::RunKind;
use crate::model::site::{Moved, SiteLine, Standing};
use crate::model::trend::{self, KnownBy, NotRun, TrendChange, TrendReport, Undecided};
use crate::model::units::Metric;

/// How a line stands, why in words, and by how much it moved.
pub type Answer = (Standing, String, Option<Moved>);

/// One series of a machine: the machine by its place in the report, the benchmark, the metric.
type Series<'a> = (usize, &'a BenchmarkId, &'a Metric);

/// The trend, ready to be asked about one line after the other.
#[derive(Debug)]
pub struct Told<'a> {
    report: &'a TrendReport,
    places: BTreeMap<(&'a str, &'a str, u32), usize>,
    /// The first one of a series is what it stands by.
    moved: BTreeMap<Series<'a>, Vec<(&'a TrendChange, &'a trend::Moved)>>,
    open: BTreeMap<(usize, &'a BenchmarkId), &'a Undecided>,
    missing: BTreeMap<(usize, &'a BenchmarkId), &'a NotRun>,
}

impl<'a> Told<'a> {
    /// Sorts what the trend says by line.
    #[must_use]
    pub fn new(report: &'a TrendReport) -> Self {
        let mut places = BTreeMap::new();
        for (place, night) in report.machines.iter().enumerate() {
            places.entry((night.machine.as_str(), night.config.as_str(), night.recipe)).or_insert(place);
        }
        let mut moved: BTreeMap<_, Vec<_>> = BTreeMap::new();
        // What is slower comes first: of several changes of one line it is the one that needs somebody.
        for change in report.slower.iter().chain(&report.faster).chain(&report.decided) {
            for member in &change.members {
                let series = (change.machine, &member.benchmark, &member.metric);
                moved.entry(series).or_default().push((change, member));
            }
        }
        let open = report.undecided.iter().map(|one| ((one.machine, &one.benchmark), one)).collect();
        let missing = report.not_run.iter().map(|one| ((one.machine, &one.benchmark), one)).collect();
        Self { report, places, moved, open, missing }
    }

    /// Returns how a line stands.
    ///
    /// # Edge cases
    /// A line of imported values or of a record is never judged, and says so.
    #[must_use]
    pub fn about(&self, history: &History) -> Answer {
        let key = &history.key;
        let Some(last) = history.points.last() else {
            return (Standing::CannotTell, "there is no value yet".to_owned(), None);
        };
        if last.kind != RunKind::Measured {
            let reason =
                "its newest value is imported or stated by a record; only what is measured here is judged";
            return (Standing::CannotTell, reason.to_owned(), None);
        }
        let Some(place) = self.places.get(&(key.machine.as_str(), key.config.as_str(), key.recipe)) else {
            let window = words::count(u64::from(self.report.nights), "night");
            let reason = format!("nothing was measured here within the last {window}");
            return (Standing::NotRun, reason, None);
        };
        let changes = self.moved.get(&(*place, &key.benchmark, &key.metric));
        if let Some((change, member)) = changes.and_then(|changes| changes.first()) {
            return moved(change, member, key.metric.bigger_is_better());
        }
        if let Some(open) = self.open.get(&(*place, &key.benchmark)) {
            return (Standing::CannotTell, open.reason.clone(), None);
        }
        let night = &self.report.machines[*place];
        if !night.fresh {
            let reason = format!("its machine measured nothing after run {}", night.run.short());
            return (Standing::NotRun, reason, None);
        }
        // A benchmark may have been measured today and still not by the run that tonight is judged by.
        let missing = self.missing.contains_key(&(*place, &key.benchmark));
        if missing || self.report.now.0.saturating_sub(last.started.0) > FRESH {
            let reason =
                format!("its machine measured without it; the last value is of run {}", last.run.short());
            return (Standing::NotRun, reason, None);
        }
        (Standing::Quiet, "judged against its history, and nothing found".to_owned(), None)
    }

    /// Returns what the trend puts each step of a line down to, in their order.
    ///
    /// # Edge cases
    /// `None` for steps that the trend does not speak of: older ones, small ones, and those that it asked no run about. The trend
    /// looks at fewer nights than the line: a step of one belongs to the nearest of the other, of the same kind and direction.
    #[must_use]
    pub fn causes(&self, line: &SiteLine) -> Vec<Option<StepCause>> {
        let (key, points) = (&line.history.key, &line.history.points);
        let mut found = vec![None; line.steps.len()];
        let place = self.places.get(&(key.machine.as_str(), key.config.as_str(), key.recipe));
        let changes = place.and_then(|place| self.moved.get(&(*place, &key.benchmark, &key.metric)));
        for (change, member) in changes.into_iter().flatten() {
            let Some(cause) = &change.cause else { continue };
            let Some(first) = points.iter().rposition(|point| point.run == member.first) else { continue };
            let kind = if change.drift { ChangeKind::Drift } else { ChangeKind::Step };
            let alike = line.steps.iter().enumerate().filter(|(_, step)| {
                let near = change.drift || step.index.abs_diff(first) <= NEAR;
                near && step.kind == kind && (step.ratio > 1.0) == (member.ratio > 1.0)
            });
            if let Some((step, _)) = alike.min_by_key(|(_, step)| step.index.abs_diff(first)) {
                found[step].get_or_insert_with(|| cause.clone());
            }
        }
        found
    }
}

fn moved(change: &TrendChange, member: &trend::Moved, bigger_is_better: bool) -> Answer {
    if change.state != ChangeState::New {
        let word = match change.state {
            ChangeState::Accepted => "accepted",
            ChangeState::Fixed => "fixed",
            ChangeState::Noise | ChangeState::New => "noise",
        };
        let why = change.reason.as_ref().map_or_else(String::new, |why| format!(", {why}"));
        return (Standing::Quiet, format!("somebody decided about its change: {word}{why}"), None);
    }
    let how = match (change.drift, change.known_by) {
        (true, _) => "a slow drift",
        (false, KnownBy::Confirmed) => "measured again and confirmed",
        (false, KnownBy::NotTheCode) => "measured again: not the code",
        (false, KnownBy::History) => "seen in history",
    };
    let others = u64::try_from(change.members.len()).unwrap_or(u64::MAX).saturating_sub(1);
    let others = match others {
        0 => String::new(),
        many => format!("; {} moved with it", words::count(many, "other benchmark")),
    };
    let stayed = words::count(u64::from(change.runs), "run");
    let worse = (member.ratio > 1.0) != bigger_is_better;
    let answer = Moved {
        ratio: member.ratio,
        interval: member.interval,
        since: change.first.clone(),
        started: change.since,
        before: change.last_before.clone(),
        commits: change.commits.clone(),
        runs: change.runs,
        change: member.change.clone(),
    };
    let standing = if worse { Standing::Slower } else { Standing::Faster };
    (standing, format!("the level changed and stayed for {stayed}; {how}{others}"), Some(answer))
}
