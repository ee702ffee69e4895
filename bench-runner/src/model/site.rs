//! What the pages of the site show, decided and unformatted.
//!
//! One value per page or part of a page. Words, units and layout are the business of `report::site`.

use serde::{Deserialize, Serialize};

use super::change_point::ChangeKind;
use super::comparison::RunComparison;
use super::decision::{Change, ChangeState, Decision};
use super::experiment::{ExperimentListing, ExperimentResult};
use super::fact::Fact;
use super::gate::GateOutcome;
use super::history::History;
use super::ids::{BenchmarkId, Identity, RunId};
use super::knob::Recommendation;
use super::machines::{MachineComparison, MachineProfile};
use super::record::{MachineListing, RunListing};
use super::report::Distribution;
use super::trend::TrendReport;
use super::units::{Metric, Timestamp};

/// How a line stands by the trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Worse than the level before, and nobody decided about it.
    Slower,
    /// Better than the level before, and nobody decided about it.
    Faster,
    /// The evidence does not allow an answer.
    CannotTell,
    /// No run of tonight measured it.
    NotRun,
    /// Judged and found as before, or somebody decided about its change.
    Quiet,
}

impl Standing {
    /// All answers in the order of pages.
    pub const ALL: [Self; 5] = [Self::Slower, Self::Faster, Self::CannotTell, Self::NotRun, Self::Quiet];
}

/// A change of level in a line, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelStep {
    /// Step, drift or spike.
    pub kind: ChangeKind,
    /// Index of its first point in the line.
    pub index: usize,
    /// First run of the new level.
    pub first_run: RunId,
    /// Start of that run.
    pub started: Timestamp,
    /// Last run of the old level, if there is one.
    pub last_before: Option<RunId>,
    /// Commits of the last run before and of the first run after, where known.
    pub commits: (Option<String>, Option<String>),
    /// Level before and after, in the unit of the metric.
    pub levels: (f64, f64),
    /// New level over old.
    pub ratio: f64,
    /// Interval of the ratio, where something supports one.
    pub ratio_interval: Option<(f64, f64)>,
    /// Runs at the new level so far.
    pub runs: u32,
    /// Where it stands.
    pub state: ChangeState,
    /// Name of the change, if the gate noted it.
    pub change: Option<String>,
}

/// One line of history with what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiteLine {
    /// The points, oldest first.
    pub history: History,
    /// Interval of each point; `None` below two launches.
    pub intervals: Vec<Option<(f64, f64)>>,
    /// Confidence level of the intervals.
    pub level: f64,
    /// Steps, drifts and spikes in the order of time.
    pub steps: Vec<LevelStep>,
    /// How it stands.
    pub standing: Standing,
    /// Why, in words with numbers.
    pub reason: String,
    /// The change behind the standing: new over old, its interval, and the first run of the new level.
    pub moved: Option<Moved>,
    /// The absolute budget of the benchmark in this place, judged on the newest run.
    pub budget: Option<GateOutcome>,
}

/// By how much a line moved, and since when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// New over old; above 1 is larger.
    pub ratio: f64,
    /// Interval of the ratio.
    pub interval: Option<(f64, f64)>,
    /// First run of the new level.
    pub since: RunId,
    /// Its start.
    pub started: Timestamp,
    /// Last run before, if known.
    pub before: Option<RunId>,
    /// Commits of the run before and of the first run after.
    pub commits: (Option<String>, Option<String>),
    /// Runs at the new level.
    pub runs: u32,
    /// Name of the change, if the gate noted it.
    pub change: Option<String>,
}

/// What other pages say about one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineSummary {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Key of the machine.
    pub machine: String,
    /// Configuration.
    pub config: String,
    /// How it stands.
    pub standing: Standing,
    /// Why.
    pub reason: String,
    /// Newest value and its interval.
    pub value: Option<(f64, Option<(f64, f64)>)>,
    /// The newest run of the line and its start.
    pub latest: Option<(RunId, Timestamp)>,
    /// The change behind the standing.
    pub moved: Option<Moved>,
    /// Newest values, oldest first; `None` for a point that is not judged with.
    pub recent: Vec<Option<f64>>,
    /// Steps that nobody decided about, or that the gate noted.
    pub steps: Vec<LevelStep>,
    /// Points in all.
    pub points: u32,
}

/// A machine on the first page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineStanding {
    /// The machine.
    pub machine: MachineListing,
    /// Its newest run.
    pub latest: RunListing,
    /// The doctor's grade at its newest run, if one was stored.
    pub grade: Option<String>,
    /// Median spread of launch medians in its newest run, as the standard deviation of logarithms.
    pub noise: Option<f64>,
    /// Lines per standing, in the order of [`Standing::ALL`].
    pub counts: [u32; 5],
    /// Whether its newest run is much older than the newest run of all.
    pub stale: bool,
    /// Blocking findings and warnings of its newest run, in words.
    pub doubts: Vec<String>,
}

/// The first page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// What the trend says at the newest run: the answer of the page.
    pub trend: TrendReport,
    /// Suites in the store.
    pub suites: Vec<String>,
    /// Start of the newest run; everything is dated against it.
    pub newest: Option<Timestamp>,
    /// Commit of the newest run.
    pub commit: Option<String>,
    /// Machines, those with open questions first.
    pub machines: Vec<MachineStanding>,
    /// All lines, the largest move first within a standing.
    pub lines: Vec<LineSummary>,
    /// Budgets judged on the newest run of each machine: machine key, outcome.
    pub budgets: Vec<(String, GateOutcome)>,
    /// Runs in the store and runs with a page.
    pub runs: (u32, u32),
    /// Newest runs with a page, newest first.
    pub recent: Vec<RunListing>,
}

/// Distributions of one benchmark in one place: its newest run and the comparable one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NowAndBefore {
    /// The newest run.
    pub run: RunId,
    /// Its observations by launch.
    pub now: Distribution,
    /// The run before and its observations.
    pub before: Option<(RunId, Distribution)>,
}

/// The page of one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkPage {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What it measures, in its owner's words.
    pub measures: Option<String>,
    /// One per place, with the name of its machine and the observations of its newest run.
    pub places: Vec<Place>,
}

/// What happened on the way of a line besides the code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// A tag was measured.
    Release {
        /// Its name.
        tag: String,
    },
    /// The machine came from another configuration.
    Configuration {
        /// The one before.
        before: String,
    },
    /// A fact of the machine changed.
    Fact {
        /// Fact key.
        key: String,
        /// Value before.
        before: String,
        /// Value from then on.
        after: String,
    },
}

/// A place on a line at which something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The first run with it.
    pub run: RunId,
    /// Start of that run.
    pub started: Timestamp,
    /// What it is.
    pub what: Happening,
}

/// A line on the page of its benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Label or key of the machine.
    pub name: String,
    /// Its line.
    pub line: SiteLine,
    /// What happened on its way, oldest first.
    pub marks: Vec<Mark>,
    /// Elements of one iteration in the newest run, if the benchmark states them.
    pub elements: Option<u64>,
    /// Observations of the newest run; `None` when they are not stored.
    pub samples: Option<NowAndBefore>,
}

/// The page of one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachinePage {
    /// How it stands.
    pub standing: MachineStanding,
    /// Over time.
    pub profile: MachineProfile,
    /// Facts of its newest run.
    pub facts: Vec<Fact>,
    /// Its newest runs, newest first.
    pub runs: Vec<RunListing>,
    /// Its lines that need a look.
    pub lines: Vec<LineSummary>,
}

/// Machines side by side, or why they cannot stand so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideBySide {
    /// The comparison.
    pub comparison: Option<MachineComparison>,
    /// Why there is none, or why a machine is left out.
    pub refused: Vec<String>,
}

/// A prepared comparison of two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreparedComparison {
    /// Why it was prepared, for example `newest against the run before`.
    pub label: String,
    /// Who measured the candidate.
    pub identity: Identity,
    /// Starts of both runs.
    pub started: (Timestamp, Timestamp),
    /// The comparison.
    pub comparison: RunComparison,
}

/// Two tagged runs and what may be said about them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseStep {
    /// Tags, the older first.
    pub tags: (String, String),
    /// The comparison.
    pub comparison: PreparedComparison,
}

/// The list of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeLog {
    /// What the gate noted, newest first.
    pub noted: Vec<Change>,
    /// Steps that the histories show, newest first, with their line.
    pub found: Vec<(LineSummary, LevelStep)>,
    /// Decisions about anything, newest first.
    pub decisions: Vec<Decision>,
    /// Date of the feed.
    pub newest: Option<Timestamp>,
}

/// What could be turned, and what turning it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnobBoard {
    /// Name of the machine and what its newest run suggests.
    pub advice: Vec<(String, Recommendation)>,
    /// Experiments that turned a knob, newest first.
    pub tried: Vec<(ExperimentListing, Option<ExperimentResult>)>,
}
