//! The nightly trend: whether tonight is fine, what moved since when, what cannot be told, and what was looked at.
//!
//! Numbers and answers only; how they are worded is decided by the view.

use serde::{Deserialize, Serialize};

use super::decision::ChangeState;
use super::explain::StepCause;
use super::ids::{BenchmarkId, RunId};
use super::units::{Metric, Timestamp};

/// The answer to "is tonight fine?", the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tonight {
    /// No machine measured anything within the last night and a half.
    Nothing,
    /// A benchmark is slower than it was, and nobody decided about it.
    Slower,
    /// Something is unusual and unsettled, a machine is missing, or too little could be judged.
    CannotTell,
    /// Every benchmark that was judged is as before or faster.
    Fine,
}

/// One machine in one configuration, as tonight shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineNight {
    /// Key of the machine.
    pub machine: String,
    /// Owner's label.
    pub label: Option<String>,
    /// Kind of hardware.
    pub hw_class: String,
    /// Coarse configuration, the power mode among it.
    pub config: String,
    /// Version of the recipe that made these keys.
    pub recipe: u32,
    /// Its newest run.
    pub run: RunId,
    /// Start of that run.
    pub started: Timestamp,
    /// Commit that it measured, if it is known.
    pub commit: Option<String>,
    /// Whether it belongs to the night that the report is about.
    pub fresh: bool,
    /// Why the run cannot be judged; `None` when it can.
    pub unfit: Option<String>,
    /// Common factor of tonight, when all of its benchmarks moved together beyond what this machine does.
    pub shift: Option<f64>,
    /// Whether earlier code, measured again, moved as well: the machine moved, not the code.
    pub shift_is_machine: bool,
    /// The doctor's grade at its start.
    pub grade: Option<String>,
    /// Median over series of the standard deviation of the logarithms of their launch medians, tonight.
    pub noise: Option<f64>,
    /// Median of the same over the nights before.
    pub usual_noise: Option<f64>,
    /// Whether it measured, per night of the window, oldest first.
    pub nights: Vec<bool>,
    /// Nights without a run since its first one in the window.
    pub missed: u32,
    /// Benchmarks of tonight's runs that were judged.
    pub judged: u32,
    /// Benchmarks of tonight's runs.
    pub benchmarks: u32,
}

/// How a change is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// Measured again in turns with earlier code, and there.
    Confirmed,
    /// The nights show it; it was not measured again, or that settled nothing.
    History,
    /// The nights show it; measured again in turns the code does not: something else moved.
    NotTheCode,
}

/// One benchmark of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Level before, per iteration.
    pub before: f64,
    /// Level since, per iteration.
    pub after: f64,
    /// `after ÷ before`.
    pub ratio: f64,
    /// Interval of the ratio, 95 % for this change alone; `None` where nothing supports one.
    pub interval: Option<(f64, f64)>,
    /// First run of its new level.
    pub first: RunId,
    /// Name of the change, by which it is decided about; it is made from the line and that run.
    pub name: String,
    /// The same name, if the store has noted the change.
    pub change: Option<String>,
    /// Value per night of the window, oldest first; `None` where it was not measured.
    pub values: Vec<Option<f64>>,
}

/// Series of one machine that moved together: one cause, one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendChange {
    /// Which machine, by its place in the report's list.
    pub machine: usize,
    /// The series, largest move first; at least one.
    pub members: Vec<Moved>,
    /// Common ratio, turned round where more is better: above 1 is worse.
    pub ratio: f64,
    /// Interval of the same, 95 %.
    pub interval: Option<(f64, f64)>,
    /// Whether the level moved slowly, so that no single run explains it.
    pub drift: bool,
    /// Last run of the old level, if it is in the store.
    pub last_before: Option<RunId>,
    /// First run of the new level.
    pub first: RunId,
    /// Start of that run.
    pub since: Timestamp,
    /// Runs on the new level, that one included.
    pub runs: u32,
    /// Runs of the line that moved most: up to two before its step and up to two from it on, the nearest first.
    pub around: (Vec<RunId>, Vec<RunId>),
    /// Commits of the two runs, where they are known: the cause lies after the first and not after the second.
    pub commits: (Option<String>, Option<String>),
    /// How it is known.
    pub known_by: KnownBy,
    /// Where it stands.
    pub state: ChangeState,
    /// Reason of the decision about it; of a new one, why an earlier decision does not hold any more.
    pub reason: Option<String>,
    /// What it is put down to; `None` when that was not looked at.
    pub cause: Option<StepCause>,
}

/// One benchmark of tonight about which nothing can be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undecided {
    /// Which machine, by its place in the report's list.
    pub machine: usize,
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// Tonight's value over the expected one, if something was expected.
    pub ratio: Option<f64>,
    /// Whether it is unusual, and so speaks against "fine"; otherwise it is not judged yet.
    pub suspect: bool,
    /// Why.
    pub reason: String,
}

/// A benchmark that its machine measured before, and not tonight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// Which machine, by its place in the report's list.
    pub machine: usize,
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// The last run that measured it.
    pub last: RunId,
    /// Start of that run.
    pub at: Timestamp,
}

/// What the answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checked {
    /// Benchmarks of tonight's runs, over all machines.
    pub benchmarks: u32,
    /// Those that were judged.
    pub judged: u32,
    /// Lines of history that were searched for changes.
    pub lines: u32,
    /// Runs of the window.
    pub runs: u32,
    /// Changes smaller than the margin, which are not listed.
    pub small: u32,
    /// Changes that went back to the level before, which are not listed.
    pub reverted: u32,
}

/// The trend of all machines, or of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendReport {
    /// The moment that the report is about.
    pub now: Timestamp,
    /// Nights of the window.
    pub nights: u32,
    /// Whether it is about imported runs, which are never judged.
    pub imported: bool,
    /// Change that does not matter, as a fraction.
    pub margin: f64,
    /// Is tonight fine?
    pub tonight: Tonight,
    /// Start of the newest run of all, if there is any.
    pub newest: Option<Timestamp>,
    /// Machines, those with a run tonight first.
    pub machines: Vec<MachineNight>,
    /// What is slower and nobody decided about, the worst first.
    pub slower: Vec<TrendChange>,
    /// What is faster.
    pub faster: Vec<TrendChange>,
    /// Changes about which somebody decided.
    pub decided: Vec<TrendChange>,
    /// What could not be told, suspects first.
    pub undecided: Vec<Undecided>,
    /// What was not run.
    pub not_run: Vec<NotRun>,
    /// What the answer rests on.
    pub checked: Checked,
}
