//! What a gate says about a run: budgets, the judgement against history, and how much of the suite was judged.

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::ids::{BenchmarkId, RunId};
use super::record::SeriesKey;
use super::step::Step;
use super::units::Timestamp;

/// What a limit is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Time of one iteration.
    Iteration,
    /// Time of one element: iteration time over declared elements.
    Element,
}

/// An absolute limit on one benchmark, bound to one kind of machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Name in the configuration, for example `sign_128B`.
    pub id: String,
    /// `target/full_id` of the benchmark.
    pub benchmark: String,
    /// Limit in nanoseconds.
    pub limit_ns: f64,
    /// Per iteration or per element.
    pub per: Per,
    /// Hardware class it was set on; judged nowhere else.
    pub hw_class: String,
    /// Configuration it was set in; `None` judges every configuration of the class.
    pub config: Option<String>,
}

/// What a budget says about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// The whole interval lies at or below the limit.
    Pass,
    /// The whole interval lies above the limit.
    Fail,
    /// The interval straddles the limit.
    Inconclusive,
    /// The run is partial, imported or blocked, or the estimate has no interval.
    NotComparable,
    /// The budget belongs to another machine class or configuration.
    NotApplicable,
    /// The benchmark was not measured in this run. Missing is never a pass.
    Missing,
}

/// One budget judged on one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// The budget.
    pub budget: Budget,
    /// The benchmark it was resolved to, if the run has it.
    pub benchmark: Option<BenchmarkId>,
    /// Value compared, in nanoseconds per iteration or element.
    pub value_ns: Option<f64>,
    /// Interval of the value, in the same unit.
    pub interval_ns: Option<(f64, f64)>,
    /// Room left: 1 − value ÷ limit; negative when broken.
    pub headroom: Option<f64>,
    /// The answer.
    pub verdict: GateVerdict,
    /// Why, in words with numbers.
    pub reason: String,
}

/// What history and a second measurement say about one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesAnswer {
    /// Slower, and measured again to be so.
    Regressed,
    /// Faster, and measured again to be so: worth a look, broken benchmarks are fast.
    Improved,
    /// Unusual, and measuring again did not settle it, or was not asked for.
    Inconclusive,
    /// Unusual, and it cannot be measured again: what would be needed is gone.
    Unknown,
    /// Unusual at first; measured again, no change of the code.
    Refuted,
    /// An earlier alert of the same series is being watched.
    Watched,
    /// Nothing unusual.
    Quiet,
    /// Not judged; the census says why.
    NotJudged,
}

/// What measuring again said about one suspect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Regressed, improved, refuted, inconclusive or unknown.
    pub answer: SeriesAnswer,
    /// Candidate over baseline; `None` when nothing was measured.
    pub ratio: Option<f64>,
    /// Interval of the ratio.
    pub interval: Option<(f64, f64)>,
    /// Chance of a false answer that this suspect was given.
    pub alpha: f64,
    /// Run whose executable was the baseline.
    pub baseline: Option<RunId>,
    /// The experiment, if one was made.
    pub experiment: Option<RunId>,
    /// Blocks that counted.
    pub blocks: u32,
    /// Why, in words with numbers.
    pub reason: String,
    /// How the measuring came to it, step by step.
    pub steps: Vec<Step>,
}

/// A decision that something does not count for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Why.
    pub reason: String,
    /// First moment at which it does not count any more.
    pub until: Timestamp,
}

/// One series judged against its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesOutcome {
    /// Which line.
    pub series: SeriesKey,
    /// Earlier names under which the line was measured.
    pub earlier_names: Vec<BenchmarkId>,
    /// The answer.
    pub answer: SeriesAnswer,
    /// Tonight's value in the unit of the metric; `None` without one.
    pub value: Option<f64>,
    /// What history let expect, in the same unit; `None` when it was not judged.
    pub expected: Option<f64>,
    /// Value over expected, the machine's common factor taken out where it was used; `None` when not judged.
    pub ratio: Option<f64>,
    /// One-sided probability of a residual this far out; `None` when not judged.
    pub p_value: Option<f64>,
    /// The same, adjusted for all series judged tonight (Holm).
    pub adjusted_p: Option<f64>,
    /// Earlier values that it was judged with.
    pub history: u32,
    /// Name of the change, where the series is or was a suspect.
    pub change: Option<String>,
    /// What measuring again said.
    pub confirmation: Option<Confirmation>,
    /// Why it does not count, if somebody decided so.
    pub waiver: Option<Waiver>,
    /// Why, in words with numbers.
    pub reason: String,
    /// How the answer came about, step by step.
    pub steps: Vec<Step>,
}

/// Why a benchmark was not judged against history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotJudged {
    /// No run before has it.
    New,
    /// Fewer earlier values than are needed.
    ShortHistory {
        /// Values there are.
        have: u32,
        /// Values needed.
        need: u32,
    },
    /// The machine has too few residuals for a tail.
    ShortMachine,
    /// The run was put aside.
    Quarantined,
    /// The run is partial or not of the kind that is judged.
    NotEligible,
    /// All of its history was measured with other settings.
    OtherSettings,
    /// It is in the inventory, and no complete launch measured it.
    NotMeasured,
    /// The comparable run before has it, this one does not: it vanished.
    Removed,
}

/// One benchmark of the census.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusRow {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// Why it was not judged; `None` when it was.
    pub reason: Option<NotJudged>,
    /// Why its absence does not count, if somebody decided so.
    pub waiver: Option<Waiver>,
}

/// How much of the suite was judged against history. It stands beside every verdict.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Census {
    /// The run whose inventory is what should be there; `None` without one.
    pub reference: Option<RunId>,
    /// Every benchmark of this run and of the reference, in order.
    pub rows: Vec<CensusRow>,
}

impl Census {
    /// Benchmarks judged.
    #[must_use]
    pub fn judged(&self) -> usize {
        self.rows.iter().filter(|row| row.reason.is_none()).count()
    }

    /// Benchmarks that should be there and are not.
    pub fn vanished(&self) -> impl Iterator<Item = &CensusRow> {
        self.rows.iter().filter(|row| row.reason == Some(NotJudged::Removed))
    }
}

/// All series of the machine moved together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineShift {
    /// By how much, as a ratio.
    pub ratio: f64,
    /// Series that it was seen in.
    pub series: u32,
    /// What measuring the steadiest series again said; inconclusive when nothing was measured.
    pub answer: SeriesAnswer,
}

/// What rebuilds that change nothing do to results on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LayoutSpread {
    /// Standard deviation of the logarithm that another executable adds between two nights; `None` while unknown.
    pub sd: Option<f64>,
    /// Pairs of neighboring nights with different executables.
    pub rebuilt: u32,
    /// Pairs of neighboring nights with the same executable.
    pub same: u32,
}

/// What speaks for which exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A budget is broken or a regression is confirmed.
    Failed,
    /// A benchmark that should be there is not.
    Coverage,
    /// The run, or a budget that applies, cannot be judged.
    NotComparable,
    /// Something is open.
    Inconclusive,
    /// An improvement is confirmed.
    Improved,
}

/// Everything that a gate says about one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// The run.
    pub run: RunId,
    /// Its start.
    pub started: Timestamp,
    /// Budgets judged.
    pub budgets: Vec<GateOutcome>,
    /// Series judged against their history, those that need a person first.
    pub series: Vec<SeriesOutcome>,
    /// Whether the whole machine moved.
    pub machine: Option<MachineShift>,
    /// How much was judged.
    pub census: Census,
    /// What rebuilds do on this machine.
    pub layout: LayoutSpread,
    /// How many tests were made at once and how their error is kept, in words.
    pub multiplicity: String,
    /// What a person has to know, one for each cause.
    pub findings: Vec<Finding>,
    /// What speaks for which exit code, each once.
    pub signals: Vec<Signal>,
}
