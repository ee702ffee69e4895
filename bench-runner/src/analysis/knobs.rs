//! Knobs: rules as data, each with the question it asks of a run and the evidence it needs.
//!
//! A rule that fires yields a *candidate*: nothing was tried yet, and every predicted number says what it rests on. Rules
//! never propose weaker signatures, disabled mitigations or anything else on [`NEVER_RECOMMENDED`]; a test reads all texts.

use std::collections::BTreeMap;

use super::curve::CurveHints;
use crate::model::curve::{BatchCurve, ParallelScaling};
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::known;
use crate::model::gate::Budget;
use crate::model::ids::BenchmarkId;
use crate::model::knob::{Confidence, Evidence, KnobGroup, KnobState, Recommendation};
use crate::model::measurement::HarnessSettings;
use crate::model::run::{Run, RunKind};

mod batch;
mod caller;
mod environment;
mod judging;
mod sampling;

/// Everything a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct KnobInput<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its results.
    pub results: &'a [BenchmarkResult],
    /// Batch curves found in the results.
    pub curves: &'a [BatchCurve],
    /// Parallel benchmarks found in the results.
    pub parallel: &'a [ParallelScaling],
    /// Configured budgets.
    pub budgets: &'a [Budget],
    /// The owner's hints about families.
    pub hints: &'a CurveHints,
    /// Effective harness settings per benchmark; may be empty, the plan of the run is used then.
    pub settings: &'a BTreeMap<BenchmarkId, HarnessSettings>,
}

/// What a rule needs before it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Estimates are enough: also asked of a record without raw samples.
    Estimates,
    /// A run whose suite and machine are at hand: not asked of a record.
    Samples,
}

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable id of the knob.
    pub id: &'static str,
    /// Where the knob is turned.
    pub group: KnobGroup,
    /// The question, answered by `evidence`.
    pub question: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Candidate or information.
    pub state: KnobState,
    /// What turning it costs.
    pub cost: &'static str,
    /// What can go wrong.
    pub risk: &'static str,
    /// What it means for security; empty for nothing.
    pub security: &'static str,
    /// Looks for evidence; one answer per place where the knob could be turned.
    pub evidence: fn(&KnobInput<'_>) -> Vec<Fired>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// The sentence to act on.
    pub action: String,
    /// Why, in words with numbers.
    pub because: String,
    /// Labels and values of the numbers it rests on.
    pub evidence: Vec<(String, String)>,
    /// Predicted change of time per operation, low and high; `None` if not a speed gain.
    pub predicted_change: Option<(f64, f64)>,
    /// Confidence in the prediction.
    pub confidence: Confidence,
    /// Lines to paste or a command; empty when there is none.
    pub how: String,
    /// A caution that the owner attached to the benchmarks concerned; empty for none.
    pub caution: String,
    /// Information in this case although the rule yields candidates: it has a price that is not ours to weigh.
    pub only_information: bool,
}

impl Fired {
    /// A finding without prediction, command or caution.
    fn new(action: String, because: String, evidence: Vec<(String, String)>) -> Self {
        Self {
            action,
            because,
            evidence,
            predicted_change: None,
            confidence: Confidence::High,
            how: String::new(),
            caution: String::new(),
            only_information: false,
        }
    }
}

/// All rules, by group.
pub static RULES: &[&[Rule]] =
    &[&batch::RULES, &caller::RULES, &environment::RULES, &judging::RULES, &sampling::RULES];

/// Words that no recommendation may contain: what they stand for is never worth a gain.
pub static NEVER_RECOMMENDED: &[&str] = &[
    "mitigations=off",
    "disable mitigations",
    "disabling mitigations",
    "nospectre",
    "randomize_va_space",
    "disable aslr",
    "disabling aslr",
    "no-pie",
    "relro",
    "stack protector",
    "instead of verify_strict",
    "legacy_compatibility",
    "skip verification",
    "panic=abort",
    "panic = \"abort\"",
    "undervolt",
    "variable-time",
];

/// Asks every rule about a run; strongest first.
///
/// Candidates come before information; within these, larger predicted gains first, then the order of the rules.
#[must_use]
pub fn recommend(input: &KnobInput<'_>) -> Vec<Recommendation> {
    let mut found: Vec<Recommendation> = RULES
        .iter()
        .flat_map(|rules| rules.iter())
        .filter(|rule| rule.needs == Needs::Estimates || input.run.kind != RunKind::Summary)
        .flat_map(|rule| (rule.evidence)(input).into_iter().map(|fired| card(rule, fired, input.run)))
        .collect();
    let gain =
        |card: &Recommendation| card.predicted_change.map_or(0.0, |(low, high)| f64::midpoint(low, high));
    found.sort_by(|a, b| a.state.cmp(&b.state).then_with(|| gain(a).total_cmp(&gain(b))));
    found
}

fn card(rule: &Rule, fired: Fired, run: &Run) -> Recommendation {
    let mut risk = rule.risk.to_owned();
    for caution in [rule.security, &fired.caution].into_iter().filter(|caution| !caution.is_empty()) {
        risk.push_str("; security: ");
        risk.push_str(caution);
    }
    Recommendation {
        knob: rule.id.to_owned(),
        group: rule.group,
        action: fired.action,
        because: fired.because,
        evidence: fired
            .evidence
            .into_iter()
            .map(|(label, value)| Evidence { label, value, run: run.id.clone() })
            .collect(),
        predicted_change: fired.predicted_change,
        confidence: fired.confidence,
        cost: rule.cost.to_owned(),
        risk,
        how: fired.how,
        state: if fired.only_information { KnobState::Information } else { rule.state },
    }
}

impl KnobInput<'_> {
    /// The usable text of a fact.
    fn fact(&self, key: &str) -> Option<String> {
        known(&self.run.facts, key)
    }

    /// Effective settings of a benchmark: as the harness reported them, else as the run planned them.
    fn settings_of(&self, id: &BenchmarkId) -> Option<HarnessSettings> {
        self.settings.get(id).cloned().or_else(|| {
            let plan = self.run.plan.as_ref()?;
            Some(HarnessSettings {
                warm_up_ns: plan.warm_up_seconds? * 1e9,
                measurement_ns: plan.measurement_seconds? * 1e9,
                sample_size: u64::from(plan.sample_size?),
            })
        })
    }

    /// Results that measure time.
    fn timed(&self) -> impl Iterator<Item = &BenchmarkResult> {
        self.results.iter().filter(|result| result.metric.is_time())
    }
}

#[cfg(test)]
mod tests;
