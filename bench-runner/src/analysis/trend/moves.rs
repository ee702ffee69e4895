//! What moved within the window and stayed: steps, drifts and the gate's changes, one line for each cause.

use std::collections::BTreeMap;

use super::places::Place;
use super::{TrendInput, count};
use crate::analysis::change_points::group::{self, Group, NEAR, RESOLUTION, SeriesStep};
use crate::analysis::change_points::robust::Robust;
use crate::analysis::words;
use crate::model::change_point::{ChangeKind, ChangePoint};
use crate::model::comparison::Verdict;
use crate::model::decision::{Change, ChangeState, Evidence, change_id};
use crate::model::history::{HistoryPoint, Line};
use crate::model::ids::RunId;
use crate::model::trend::{Checked, KnownBy, Moved, TrendChange};
use crate::stats::distributions::normal_quantile;
use crate::stats::order::median;

/// Share of a move that has to be left for it to count as still there.
const STAYED: f64 = 0.5;

/// Points on each side from which the level around a change of the gate is taken.
const AROUND: usize = 10;

/// Runs on each side of a step that may tell what it comes from.
const ASKED: usize = 2;

/// A move of one line.
struct Found<'a> {
    line: &'a Line,
    /// Eligible points, oldest first.
    points: Vec<&'a HistoryPoint>,
    /// Place of the first point of the new level among them.
    first: usize,
    /// Place of its run among the runs of the machine.
    run: usize,
    before: f64,
    after: f64,
    interval: Option<(f64, f64)>,
    drift: bool,
    change: Option<&'a Change>,
    /// Runs since somebody said that it was repaired, if it is still there in them.
    unrepaired: Option<u32>,
    /// Steps that it consists of, where each alone is smaller than the margin.
    stairs: Option<usize>,
}

impl Found<'_> {
    fn ratio(&self) -> f64 {
        self.after / self.before
    }

    /// Positive where it is worse.
    fn worse(&self) -> f64 {
        let sign = if self.line.history.key.metric.bigger_is_better() { -1.0 } else { 1.0 };
        sign * self.ratio().ln()
    }

    fn step(&self, series: usize) -> SeriesStep {
        let reach = 2.0 * normal_quantile(0.975).unwrap_or(2.0);
        let error = self.interval.map_or(RESOLUTION, |(low, high)| (high / low).ln() / reach);
        let standard_error = if error.is_finite() && error > 0.0 { error } else { RESOLUTION };
        SeriesStep { series, run: self.run, log_ratio: self.worse(), standard_error }
    }

    fn state(&self) -> ChangeState {
        match self.change {
            // A repair that changed nothing settles nothing.
            Some(change) if self.unrepaired.is_none() => change.state,
            _ => ChangeState::New,
        }
    }

    /// Why it stands where it stands, as somebody said.
    fn reason(&self) -> Option<String> {
        let decision = self.change.and_then(|change| change.decision.as_ref());
        let Some(decision) = decision.filter(|_| self.stairs.is_none() || self.state() != ChangeState::New)
        else {
            let steps = u64::try_from(self.stairs?).unwrap_or(u64::MAX);
            return Some(format!(
                "{}, each smaller than the margin, add up to it",
                words::count(steps, "step")
            ));
        };
        Some(match self.unrepaired {
            None => decision.reason.clone(),
            Some(runs) => format!(
                "said to be fixed ({}), and still there in {} since",
                decision.reason,
                words::count(u64::from(runs), "run")
            ),
        })
    }

    /// The name of the change: that of the store, where it has one.
    fn name(&self) -> String {
        match self.change {
            Some(change) => change.id.clone(),
            None => change_id(&self.line.history.key, &self.points[self.first].run),
        }
    }

    fn known_by(&self) -> KnownBy {
        match self.change.map(|change| change.evidence) {
            Some(Evidence::Confirmed) => KnownBy::Confirmed,
            Some(Evidence::Refuted) => KnownBy::NotTheCode,
            Some(Evidence::Suspect) | None => KnownBy::History,
        }
    }
}

/// Everything that moved, the worst first.
pub(super) fn found(input: &TrendInput<'_>, places: &[Place<'_>], checked: &mut Checked) -> Vec<TrendChange> {
    let mut engine = Robust::default();
    let mut of_place: BTreeMap<usize, Vec<Found<'_>>> = BTreeMap::new();
    for line in input.lines {
        let Some(machine) = places.iter().position(|place| place.is_of(&line.history.key)) else { continue };
        let found = of_line(input, &places[machine], line, &mut engine, checked);
        of_place.entry(machine).or_default().extend(found);
    }
    let mut changes = Vec::new();
    for (machine, found) in of_place {
        // What somebody decided about stays apart from what is open, and confirmed from presumed.
        let mut kinds: BTreeMap<_, Vec<Found<'_>>> = BTreeMap::new();
        for one in found {
            kinds.entry((one.state(), one.known_by(), one.drift)).or_default().push(one);
        }
        for found in kinds.into_values() {
            let steps: Vec<SeriesStep> = found.iter().enumerate().map(|(n, one)| one.step(n)).collect();
            for group in group::group(&steps) {
                changes.extend(summed_up(input, machine, &group, &found));
            }
        }
    }
    changes.sort_by(|a, b| {
        b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()).then_with(|| {
            let key = |change: &TrendChange| {
                (change.machine, change.first.clone(), change.members[0].benchmark.clone())
            };
            key(a).cmp(&key(b))
        })
    });
    changes
}

fn of_line<'a>(
    input: &TrendInput<'a>,
    place: &Place<'_>,
    line: &'a Line,
    engine: &mut Robust,
    checked: &mut Checked,
) -> Vec<Found<'a>> {
    let points = input.points(line);
    let values: Vec<Option<f64>> = points.iter().map(|point| Some(point.value)).collect();
    let analysis = engine.analyze(&values);
    let moves: Vec<&ChangePoint> =
        analysis.changes.iter().filter(|change| change.kind != ChangeKind::Spike).collect();
    let level = moves.last().map_or(0.0, |change| change.after);
    let stored: Vec<&Change> = input.changes.iter().filter(|change| is_of(change, line)).collect();
    let mut taken = Vec::new();
    let mut found = Vec::new();
    let mut small = Vec::new();
    for change in moves {
        let Some(point) = points.get(change.index) else { continue };
        let Some(run) = place.ordinal(&point.run) else { continue };
        let near = stored.iter().find(|stored| {
            let at = place.ordinal(&stored.first_run);
            at.is_some_and(|at| at.abs_diff(run) <= NEAR) && (stored.ratio > 1.0) == (change.ratio > 1.0)
        });
        taken.extend(near.map(|stored| stored.id.clone()));
        // A drift is news as long as it goes on, however long ago it began.
        let last = if change.kind == ChangeKind::Drift { change.end.saturating_sub(1) } else { change.index };
        let news = points.get(last).is_some_and(|point| input.night(point.started).is_some());
        if change.ratio.ln().abs() < input.frame.margin.ln_1p() {
            small.push(Small { change, run, news, near: near.copied() });
        } else if news && (level / change.before).ln() / change.ratio.ln() < STAYED {
            checked.reverted += 1;
        } else if news {
            found.push(Found {
                line,
                points: points.clone(),
                first: change.index,
                run,
                before: change.before,
                after: change.after,
                interval: change.ratio_interval,
                drift: change.kind == ChangeKind::Drift,
                change: near.copied(),
                unrepaired: near.and_then(|near| unrepaired(near, (change.before, change.ratio), &points)),
                stairs: None,
            });
        }
    }
    found.extend(staircases(input, (line, &points), small, checked));
    let others = stored.into_iter().filter(|change| !taken.contains(&change.id));
    found.extend(others.filter_map(|change| of_gate(input, place, (line, &points), change)));
    found
}

/// Runs since a change was said to be fixed, if its level is nearer to the new one than to the one before in them.
fn unrepaired(change: &Change, (before, ratio): (f64, f64), points: &[&HistoryPoint]) -> Option<u32> {
    let decided = change.decision.as_ref().filter(|_| change.state == ChangeState::Fixed)?.at;
    let since: Vec<f64> =
        points.iter().filter(|point| point.started >= decided).map(|point| point.value).collect();
    let left = (median(&since)? / before).ln() / ratio.ln();
    (left >= STAYED).then(|| count(since.len()))
}

/// A step smaller than the margin.
#[derive(Debug, Clone, Copy)]
struct Small<'a, 'b> {
    change: &'b ChangePoint,
    /// Place of its run among the runs of the machine.
    run: usize,
    /// Whether it belongs to the window.
    news: bool,
    /// What the store has noted there.
    near: Option<&'a Change>,
}

/// Small steps that add up to the margin: whoever climbs a staircase gets as high as by one step.
///
/// All nights that are read count, because stairs are climbed slowly; the last step must be of the window, or it is no news. Whoever
/// decides about a small step decides about all of its direction up to then.
fn staircases<'a>(
    input: &TrendInput<'a>,
    (line, points): (&'a Line, &[&'a HistoryPoint]),
    small: Vec<Small<'a, '_>>,
    checked: &mut Checked,
) -> Vec<Found<'a>> {
    let meant = |near: &&Change| matches!(near.state, ChangeState::Accepted | ChangeState::Noise);
    let decided = small.iter().filter_map(|one| one.near).filter(meant);
    let decided = decided.max_by_key(|near| near.decision.as_ref().map(|decision| decision.at));
    let settled = |one: &Small<'_, '_>| {
        let decision = decided.and_then(|near| near.decision.as_ref().map(|decision| (near, decision)));
        decision.is_some_and(|(near, decision)| {
            points[one.change.index].started <= decision.at && (one.change.ratio > 1.0) == (near.ratio > 1.0)
        })
    };
    let (settled, open): (Vec<_>, Vec<_>) = small.into_iter().partition(settled);
    let mut found = Vec::new();
    for (steps, change) in [(settled, decided), (open, None)] {
        let sum: f64 = steps.iter().map(|step| step.change.ratio.ln()).sum();
        let news = steps.last().is_some_and(|last| last.news);
        match steps.first().filter(|_| news && sum.abs() >= input.frame.margin.ln_1p()) {
            Some(first) => found.push(Found {
                line,
                points: points.to_vec(),
                first: first.change.index,
                run: first.run,
                before: first.change.before,
                after: first.change.before * sum.exp(),
                interval: None,
                drift: true,
                change,
                unrepaired: None,
                stairs: Some(steps.len()),
            }),
            None => checked.small += count(steps.iter().filter(|step| step.news).count()),
        }
    }
    found
}

/// A change that the gate confirmed and that history is still too short to show.
fn of_gate<'a>(
    input: &TrendInput<'a>,
    place: &Place<'_>,
    (line, points): (&'a Line, &[&'a HistoryPoint]),
    change: &'a Change,
) -> Option<Found<'a>> {
    let counts = change.evidence == Evidence::Confirmed
        && matches!(change.state, ChangeState::New | ChangeState::Accepted);
    input.night(change.first_started).filter(|_| counts)?;
    let run = place.ordinal(&change.first_run)?;
    let first = points.iter().position(|point| point.run == change.first_run)?;
    let level =
        |points: &[&HistoryPoint]| median(&points.iter().map(|point| point.value).collect::<Vec<f64>>());
    let before = level(&points[first.saturating_sub(AROUND)..first])?;
    let now = level(&points[first.max(points.len().saturating_sub(AROUND))..])?;
    if (now / before).ln() / change.ratio.ln() < STAYED {
        return None;
    }
    let again = input.again.iter().rev().find(|again| {
        again.run == change.first_run
            && again.benchmark == change.series.benchmark
            && matches!(again.verdict, Verdict::Regressed | Verdict::Improved)
    });
    Some(Found {
        line,
        points: points.to_vec(),
        first,
        run,
        before,
        // The ratio is the one that was measured in turns; the level before is that of the nights.
        after: before * change.ratio,
        interval: again.and_then(|again| again.interval),
        drift: false,
        change: Some(change),
        unrepaired: None,
        stairs: None,
    })
}

fn is_of(change: &Change, line: &Line) -> bool {
    let (key, of) = (&line.history.key, &change.series);
    (key.benchmark == of.benchmark || line.earlier_names.contains(&of.benchmark))
        && (&key.metric, key.recipe, &key.machine, &key.config)
            == (&of.metric, of.recipe, &of.machine, &of.config)
}

fn summed_up(
    input: &TrendInput<'_>,
    machine: usize,
    group: &Group,
    found: &[Found<'_>],
) -> Option<TrendChange> {
    let mut members: Vec<&Found<'_>> = group.members.iter().map(|step| &found[step.series]).collect();
    members.sort_by(|a, b| {
        b.worse().abs().total_cmp(&a.worse().abs()).then_with(|| a.line.history.key.cmp(&b.line.history.key))
    });
    let earliest = members.iter().min_by_key(|one| one.run)?;
    let point = earliest.points[earliest.first];
    let before = earliest.first.checked_sub(1).map(|place| earliest.points[place]);
    let reason = members.iter().find_map(|one| one.reason());
    let lead = members.first()?;
    // Where one member says nothing about its error, an interval of all of them would be invented.
    let supported = members.iter().all(|one| one.interval.is_some());
    Some(TrendChange {
        machine,
        ratio: group.ratio,
        // Of a metric of which more is better the group's ratio is turned round, and so is its interval.
        interval: supported.then_some(group.interval),
        drift: lead.drift,
        last_before: before.map(|point| point.run.clone()),
        first: point.run.clone(),
        around: around(lead),
        since: point.started,
        runs: count(earliest.points.len() - earliest.first),
        commits: (before.and_then(|point| point.commit.clone()), point.commit.clone()),
        known_by: lead.known_by(),
        state: lead.state(),
        reason,
        cause: None,
        members: members.iter().map(|one| moved(input, one)).collect(),
    })
}

/// The runs of a line around a step, the nearest first; without a place there are none.
fn around(one: &Found<'_>) -> (Vec<RunId>, Vec<RunId>) {
    if one.drift {
        return (Vec::new(), Vec::new());
    }
    let (before, after) = one.points.split_at(one.first);
    let name = |point: &&HistoryPoint| point.run.clone();
    (before.iter().rev().take(ASKED).map(name).collect(), after.iter().take(ASKED).map(name).collect())
}

fn moved(input: &TrendInput<'_>, one: &Found<'_>) -> Moved {
    let mut values = vec![None; input.frame.nights as usize];
    for point in &one.points {
        if let Some(night) = input.night(point.started) {
            values[night] = Some(point.value);
        }
    }
    Moved {
        benchmark: one.line.history.key.benchmark.clone(),
        metric: one.line.history.key.metric.clone(),
        before: one.before,
        after: one.after,
        ratio: one.ratio(),
        interval: one.interval,
        first: one.points[one.first].run.clone(),
        name: one.name(),
        change: one.change.map(|change| change.id.clone()),
        values,
    }
}
