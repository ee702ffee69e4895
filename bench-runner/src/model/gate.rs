//! Budgets and what became of them.

use serde::{Deserialize, Serialize};

use super::ids::BenchmarkId;

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
