//! Is tonight fine? Stored nights, the gate's changes and what was measured again become one answer.
//!
//! Nothing is measured here. Steps and drifts come from `change_points`, unusual values of tonight from the gate's screen;
//! both leave out what somebody put aside.

mod lines;
mod moves;
mod open;
mod places;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::gate::history::{Look, Past, look};
use super::screen::HISTORY_ONLY;
use crate::model::comparison::Verdict;
use crate::model::decision::{Change, ChangeState, Decision};
use crate::model::history::{HistoryPoint, Line};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::RunListing;
use crate::model::run::{Run, RunKind, RunStatus};
use crate::model::trend::{Checked, MachineNight, NotRun, Tonight, TrendChange, TrendReport, Undecided};
use crate::model::units::{Metric, Timestamp};

pub use lines::joined;
pub use places::tonight;

/// Microseconds of a night with its day.
pub const NIGHT: i64 = 86_400_000_000;

/// Age in microseconds up to which a run belongs to tonight: one and a half nights, so that a late start is no gap.
pub const FRESH: i64 = NIGHT + NIGHT / 2;

/// Nights that are read at least: the screen and the change points need more than a page shows.
pub const FEWEST_NIGHTS: u32 = 120;

/// A benchmark of a run that the gate measured again.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// The run that was suspected.
    pub run: RunId,
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// What the experiment said.
    pub verdict: Verdict,
    /// Its interval of the ratio.
    pub interval: Option<(f64, f64)>,
}

/// A run of tonight with what it may be judged with.
#[derive(Debug, Clone)]
pub struct TonightRun {
    /// The run.
    pub run: Run,
    /// Why it was put aside, if somebody did.
    pub quarantined: Option<String>,
    /// Runs that it may be judged with, oldest first.
    pub comparable: Vec<RunId>,
}

/// Everything that the trend of some machines is made of.
#[derive(Debug, Clone, Copy)]
pub struct TrendInput<'a> {
    /// What the trend is about. Lines of imported runs are searched for steps and drift, and nothing is judged.
    pub frame: Frame,
    /// Measured runs that are read, or the imported ones, newest first.
    pub runs: &'a [RunListing],
    /// Runs of tonight, as [`tonight`] names them.
    pub tonight: &'a [TonightRun],
    /// Lines of history over what is read, under their present names.
    pub lines: &'a [Line],
    /// Runs that may be judged with one another, a set for each way of measuring; of imported runs none is needed.
    pub alike: &'a [BTreeSet<RunId>],
    /// Changes seen by the gate.
    pub changes: &'a [Change],
    /// Decisions, oldest first.
    pub decisions: &'a [Decision],
    /// What the gate measured again.
    pub again: &'a [Again],
}

impl TrendInput<'_> {
    /// The points of a line that are searched, oldest first. Runs that were measured in another way are not compared: of several
    /// ways the one of tonight counts, and the one with the most nights if tonight has several.
    ///
    /// # Edge cases
    /// Of a line that was not measured tonight it is the way of its newest run. A run in no set has no point here.
    fn points<'a>(&self, line: &'a Line) -> Vec<&'a HistoryPoint> {
        let all = line.history.points.iter();
        let known: Vec<&HistoryPoint> =
            all.filter(|point| self.counts(point) && point.started <= self.frame.now).collect();
        if self.frame.imported {
            return known;
        }
        let ways: Vec<Option<usize>> =
            known.iter().map(|point| self.alike.iter().position(|runs| runs.contains(&point.run))).collect();
        let nights = |way: usize| ways.iter().filter(|other| **other == Some(way)).count();
        let is_tonight = |point: &HistoryPoint| places::is_fresh(point.started, self.frame.now);
        let chosen = known
            .iter()
            .zip(&ways)
            .filter(|(point, _)| is_tonight(point))
            .filter_map(|(_, way)| *way)
            .max_by_key(|way| nights(*way))
            .or_else(|| ways.iter().rev().copied().flatten().next());
        let of_it = known.into_iter().zip(ways).filter(|(_, way)| way.is_some() && *way == chosen);
        of_it.map(|(point, _)| point).collect()
    }

    /// Whether a point is part of what is searched: of measured runs those that may be judged with, of imported ones all that are
    /// complete and not put aside.
    fn counts(&self, point: &HistoryPoint) -> bool {
        if self.frame.imported {
            let from_elsewhere = point.kind != RunKind::Measured;
            from_elsewhere && point.status == RunStatus::Complete && point.quarantined.is_none()
        } else {
            point.is_eligible()
        }
    }

    /// Night of a moment, from 0 for the oldest of the window; `None` outside.
    fn night(&self, at: Timestamp) -> Option<usize> {
        let ago = self.frame.now.0.checked_sub(at.0).filter(|ago| *ago >= 0)? / NIGHT;
        usize::try_from(i64::from(self.frame.nights) - 1 - ago).ok()
    }
}

/// What one machine, or several, contribute to the trend. Machines do not know each other, so that each can be read and let go
/// before the next one is.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    machines: Vec<MachineNight>,
    /// Whether a machine that measured lately did not tonight.
    missing: bool,
    newest: Option<Timestamp>,
    slower: Vec<TrendChange>,
    faster: Vec<TrendChange>,
    decided: Vec<TrendChange>,
    undecided: Vec<Undecided>,
    not_run: Vec<NotRun>,
    checked: Checked,
}

/// What the trend is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// The moment that the report is about.
    pub now: Timestamp,
    /// Nights of the window.
    pub nights: u32,
    /// Whether it is about imported runs.
    pub imported: bool,
    /// Change that does not matter, as a fraction.
    pub margin: f64,
}

/// Makes the part of some machines: all of their runs and lines are in `input`.
///
/// # Edge cases
/// A run after `now` belongs to no night.
#[must_use]
pub fn part(input: &TrendInput<'_>) -> Part {
    let places = places::places(input);
    let mut checked = Checked {
        lines: count(input.lines.len()),
        runs: count(input.runs.iter().filter(|run| input.night(run.started).is_some()).count()),
        ..Checked::default()
    };
    let found = moves::found(input, &places, &mut checked);
    let (decided, open): (Vec<_>, Vec<_>) = found.into_iter().partition(|c| c.state != ChangeState::New);
    let (slower, faster): (Vec<_>, Vec<_>) = open.into_iter().partition(|change| change.ratio > 1.0);
    let mut machines: Vec<MachineNight> = places.iter().map(|place| place.night.clone()).collect();
    let mut undecided = Vec::new();
    for tonight in places::standing(input) {
        let Some(machine) = places.iter().position(|place| place.holds(&tonight.run)) else { continue };
        let seen = screened(input, tonight);
        let shift = open::shift(input, &seen);
        if let Some(shift) = &shift {
            machines[machine].shift = Some(shift.factor.exp());
            machines[machine].shift_is_machine =
                open::is_machine(input, open::last_runs(tonight, shift.nights));
        }
        let listed: Vec<&TrendChange> = [&slower, &faster, &decided]
            .into_iter()
            .flatten()
            .filter(|change| change.machine == machine)
            .collect();
        for (place, outcome) in seen.outcomes.iter().enumerate() {
            machines[machine].benchmarks += 1;
            machines[machine].judged += u32::from(!seen.not_judged.contains_key(&place));
            let question = open::question(input, tonight, outcome, machine);
            let explained = |question: &Undecided| {
                question.suspect
                    && (shift.as_ref().is_some_and(|shift| shift.of_each)
                        || open::is_explained(input, &listed, outcome, &tonight.run.id))
            };
            undecided.extend(question.filter(|question| !explained(question)));
        }
    }
    checked.benchmarks = machines.iter().map(|machine| machine.benchmarks).sum();
    checked.judged = machines.iter().map(|machine| machine.judged).sum();
    Part {
        missing: places.iter().any(|place| place.is_missing(&places)),
        not_run: not_run(input, &places),
        newest: input.runs.iter().map(|run| run.started).filter(|at| *at <= input.frame.now).max(),
        machines,
        slower,
        faster,
        decided,
        undecided,
        checked,
    }
}

/// Makes the trend of the parts of all machines.
///
/// Nights are spans of 24 hours that end at `now`. *Nothing* wins over everything else; then slower, then what cannot be
/// told, then *fine*.
///
/// # Edge cases
/// Without any run the answer is *nothing*. Imported runs are never *fine*: nothing of them is judged.
#[must_use]
pub fn trend(frame: Frame, parts: Vec<Part>) -> TrendReport {
    let mut report = TrendReport {
        now: frame.now,
        nights: frame.nights,
        imported: frame.imported,
        margin: frame.margin,
        tonight: Tonight::Nothing,
        newest: parts.iter().filter_map(|part| part.newest).max(),
        machines: Vec::new(),
        slower: Vec::new(),
        faster: Vec::new(),
        decided: Vec::new(),
        undecided: Vec::new(),
        not_run: Vec::new(),
        checked: Checked::default(),
    };
    let missing = parts.iter().any(|part| part.missing);
    for part in parts {
        let first = report.machines.len();
        report.machines.extend(part.machines);
        let moved = |mut change: TrendChange| {
            change.machine += first;
            change
        };
        report.slower.extend(part.slower.into_iter().map(moved));
        report.faster.extend(part.faster.into_iter().map(moved));
        report.decided.extend(part.decided.into_iter().map(moved));
        let open = part.undecided.into_iter();
        report.undecided.extend(open.map(|one| Undecided { machine: one.machine + first, ..one }));
        let not_run = part.not_run.into_iter();
        report.not_run.extend(not_run.map(|one| NotRun { machine: one.machine + first, ..one }));
        report.checked = added(&report.checked, &part.checked);
    }
    in_order(&mut report);
    report.tonight = answer(&report, missing);
    report
}

fn added(a: &Checked, b: &Checked) -> Checked {
    Checked {
        benchmarks: a.benchmarks + b.benchmarks,
        judged: a.judged + b.judged,
        lines: a.lines + b.lines,
        runs: a.runs + b.runs,
        small: a.small + b.small,
        reverted: a.reverted + b.reverted,
    }
}

/// Machines with a run tonight first, then by name; what moved most first; the rest by machine.
fn in_order(report: &mut TrendReport) {
    let machines = std::mem::take(&mut report.machines);
    let mut order: Vec<usize> = (0..machines.len()).collect();
    order.sort_by(|a, b| {
        let name = |at: usize| {
            let night = &machines[at];
            (!night.fresh, &night.label, &night.machine, &night.config, night.recipe)
        };
        name(*a).cmp(&name(*b))
    });
    let mut place = vec![0; machines.len()];
    for (now, before) in order.iter().enumerate() {
        place[*before] = now;
    }
    report.machines = order.iter().map(|before| machines[*before].clone()).collect();
    for changes in [&mut report.slower, &mut report.faster, &mut report.decided] {
        changes.iter_mut().for_each(|change| change.machine = place[change.machine]);
        changes.sort_by(|a, b| {
            let key = |change: &TrendChange| {
                let benchmark = change.members.first().map(|moved| moved.benchmark.clone());
                (change.machine, change.first.clone(), benchmark)
            };
            b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()).then_with(|| key(a).cmp(&key(b)))
        });
    }
    report.undecided.iter_mut().for_each(|one| one.machine = place[one.machine]);
    report
        .undecided
        .sort_by(|a, b| (!a.suspect, a.machine, &a.benchmark).cmp(&(!b.suspect, b.machine, &b.benchmark)));
    report.not_run.iter_mut().for_each(|one| one.machine = place[one.machine]);
    report.not_run.sort_by(|a, b| (a.machine, a.at, &a.benchmark).cmp(&(b.machine, b.at, &b.benchmark)));
}

fn answer(report: &TrendReport, missing: bool) -> Tonight {
    let mut fresh = report.machines.iter().filter(|machine| machine.fresh).peekable();
    if fresh.peek().is_none() {
        Tonight::Nothing
    } else if !report.slower.is_empty() {
        Tonight::Slower
    } else if missing
        || report.undecided.iter().any(|one| one.suspect)
        || fresh.any(|machine| machine.unfit.is_some())
        || report.machines.iter().any(|machine| machine.shift.is_some() && !machine.shift_is_machine)
        || report.checked.judged == 0
    {
        Tonight::CannotTell
    } else {
        Tonight::Fine
    }
}

/// What the screen says about the benchmarks of a run.
fn screened(input: &TrendInput<'_>, tonight: &TonightRun) -> Look {
    let who = &tonight.run.identity;
    let inventory: BTreeSet<&BenchmarkId> = tonight.run.inventory.iter().collect();
    let belongs = |line: &Line| {
        let key = &line.history.key;
        inventory.contains(&key.benchmark)
            && (&key.machine, &key.config, key.recipe) == (&who.machine, &who.config, who.recipe)
    };
    let lines: Cow<'_, [Line]> = if input.lines.iter().all(belongs) {
        Cow::Borrowed(input.lines)
    } else {
        Cow::Owned(input.lines.iter().filter(|line| belongs(line)).cloned().collect())
    };
    let past = Past {
        run: &tonight.run,
        quarantined: tonight.quarantined.as_deref(),
        lines: &lines,
        comparable: &tonight.comparable,
        changes: input.changes,
        decisions: input.decisions,
        now: input.frame.now,
    };
    look(&past, HISTORY_ONLY)
}

/// Benchmarks of the window whose machine measured tonight without them.
fn not_run(input: &TrendInput<'_>, places: &[places::Place<'_>]) -> Vec<NotRun> {
    let measured: BTreeMap<usize, BTreeSet<&BenchmarkId>> = places
        .iter()
        .enumerate()
        .map(|(machine, place)| {
            let runs = input.tonight.iter().filter(|tonight| place.holds(&tonight.run));
            (machine, runs.flat_map(|tonight| &tonight.run.inventory).collect())
        })
        .filter(|(_, inventory): &(usize, BTreeSet<_>)| !inventory.is_empty())
        .collect();
    let mut found = Vec::new();
    for line in input.lines {
        let key = &line.history.key;
        let Some(machine) = places.iter().position(|place| place.is_of(key)) else { continue };
        let Some(inventory) = measured.get(&machine) else { continue };
        let Some(last) = line.history.points.iter().rfind(|point| point.started <= input.frame.now) else {
            continue;
        };
        if !inventory.contains(&key.benchmark) && input.night(last.started).is_some() {
            let benchmark = key.benchmark.clone();
            found.push(NotRun { machine, benchmark, last: last.run.clone(), at: last.started });
        }
    }
    // Of several lines of one benchmark the one that was measured last counts.
    found.sort_by(|a, b| (a.machine, &a.benchmark, b.at).cmp(&(b.machine, &b.benchmark, a.at)));
    found.dedup_by(|a, b| (a.machine, &a.benchmark) == (b.machine, &b.benchmark));
    found
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
