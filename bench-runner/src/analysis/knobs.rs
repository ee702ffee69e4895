//! Knobs: rules as data, each with the question it asks of a run and the evidence it needs.
//!
//! A rule that fires yields a *candidate*: nothing was tried yet, and every predicted number says what it rests on. Rules
//! never propose weaker signatures, disabled mitigations or anything else on [`NEVER_RECOMMENDED`]; a test reads all texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::curve::CurveHints;
use super::words;
use crate::model::curve::{BatchCurve, ParallelScaling};
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::known;
use crate::model::gate::Budget;
use crate::model::ids::BenchmarkId;
use crate::model::knob::{Confidence, Evidence, KnobGroup, KnobState, Recommendation};
use crate::model::measurement::HarnessSettings;
use crate::model::run::{Run, RunKind};

mod batch;
mod build;
mod caller;
mod environment;
mod judging;
mod machine;
mod proofs;
mod rows;
mod sampling;
mod stale;
mod suite;
mod trial;
mod verdict;

pub use proofs::{count_verified, headline, in_place, paste, standing, with_proofs};
pub use stale::{holds, is_as_it_is};
pub use trial::{Recipe, Setting, Trial, recommends_the_forbidden, took_effect, undeclared};
pub use verdict::{Tried, prove};

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
    /// As `Samples`, and too little to be shown before a trial: listed, and a card only once it was tried.
    Trial,
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
    /// Commands that show how it is set now. For a person: nothing here ever runs them. Empty for none.
    pub see: &'static str,
    /// Commands or settings that turn it, where no trial has lines of its own. For a person as well. Empty for none.
    pub set: &'static str,
    /// How it is tried; `None` for knobs that are only explained.
    pub trial: Option<Trial>,
    /// Change of time that others report, low and high, where there is no evidence yet; `None` when unknown.
    pub typical: Option<(f64, f64)>,
    /// Looks for evidence; one answer per place where the knob could be turned.
    pub evidence: fn(&KnobInput<'_>) -> Vec<Fired>,
}

impl Rule {
    /// What to paste: `own` lines of a finding, else those of the trial, else those that turn it; before them what shows how it
    /// is set now.
    #[must_use]
    pub fn lines(&self, own: &str) -> String {
        let choices = [own, self.trial.map_or("", |trial| trial.lines), self.set];
        let turn = choices.into_iter().find(|lines| !lines.is_empty()).unwrap_or_default();
        match (self.see, turn) {
            ("", turn) => turn.to_owned(),
            (see, "") => format!("{SEE}\n{see}"),
            (see, turn) => format!("{SEE}\n{see}\n{TURN}\n{turn}"),
        }
    }

    /// What a project or a machine must have for this rule to have a meaning, beside what every project has; empty for nothing.
    #[must_use]
    pub fn requires(&self) -> &'static str {
        let anywhere = ["caller.batch-size", "caller.batch-crossover", "caller.batch-per-thread"];
        match (self.id, self.trial) {
            ("build.pgo", _) => "the program cargo-pgo",
            ("build.curve-backend" | "build.portable-backend", _) => "the crate curve25519-dalek",
            ("caller.hot-key-pair", _) => OF_KMS,
            (id, Some(Trial { recipe: Recipe::Suite(_), .. })) => {
                if anywhere.contains(&id) {
                    OF_KMS_TO_TRY
                } else {
                    OF_KMS
                }
            }
            (_, trial) => trial.map_or("", |trial| trial.library),
        }
    }

    /// The program that a rule is about, if it is none that every project has.
    #[must_use]
    pub fn program(&self) -> Option<&'static str> {
        self.requires().strip_prefix("the program ")
    }
}

/// Benchmarks that a rule knows by name.
const OF_KMS: &str = "benchmarks named as those of kms";
/// The same for a rule that finds evidence in any suite and is tried on named benchmarks.
const OF_KMS_TO_TRY: &str = "benchmarks named as those of kms to be tried; its evidence comes from any suite";

/// Heading of the commands that show how a knob is set now.
const SEE: &str = "# how it is now";
/// Heading of the commands that turn it.
const TURN: &str = "# to change it, by hand: bench-runner never does";

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
        }
    }
}

/// All rules, by group.
pub static RULES: &[&[Rule]] = &[
    &batch::RULES,
    &caller::RULES,
    &suite::RULES,
    &build::RULES,
    &environment::RULES,
    &machine::RULES,
    &judging::RULES,
    &sampling::RULES,
];

/// All rules in the order of the catalogue.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().flat_map(|rules| rules.iter())
}

/// The catalogue as a Markdown table, for the document.
#[must_use]
pub fn markdown() -> String {
    let mut text =
        "| knob | question | tried as | others report | cost | risk | security |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for rule in rules() {
        let tried = match rule.trial.map(|trial| trial.recipe) {
            None => "explained only",
            Some(Recipe::Arms { to, .. }) if to.is_of_process() => "two processes",
            Some(Recipe::Arms { .. }) => "two builds",
            Some(Recipe::Suite(_)) => "two benchmarks of kms",
        };
        let change = words::change;
        let typical = rule
            .typical
            .map_or_else(|| "-".to_owned(), |(low, high)| format!("{} to {}", change(low), change(high)));
        let kind = if rule.state == KnobState::Information { " (information)" } else { "" };
        let security = if rule.security.is_empty() { "-" } else { rule.security };
        let cells = [rule.question, tried, &typical, rule.cost, rule.risk, security].join(" | ");
        _ = writeln!(text, "| `{}`{kind} | {cells} |", rule.id);
    }
    text.push_str("\nCommands that show how a knob is set, and that turn it. They are for a person; nothing here runs them.\n");
    for rule in rules().filter(|rule| !rule.see.is_empty()) {
        _ = write!(text, "\n`{}`\n\n```sh\n{}\n```\n", rule.id, rule.lines(""));
    }
    text
}

/// The rule of that id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

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

/// Asks every rule about a run; strongest first. Rules that need a trial are left to [`all_candidates`].
///
/// Candidates come before information; within these, larger predicted gains first, then the order of the rules.
#[must_use]
pub fn recommend(input: &KnobInput<'_>) -> Vec<Recommendation> {
    sorted(rules().filter(|rule| rule.needs != Needs::Trial), input)
}

/// As [`recommend`], with the rules that need a trial.
#[must_use]
pub fn all_candidates(input: &KnobInput<'_>) -> Vec<Recommendation> {
    sorted(rules(), input)
}

fn sorted<'a>(rules: impl Iterator<Item = &'a Rule>, input: &KnobInput<'_>) -> Vec<Recommendation> {
    let mut found: Vec<Recommendation> = rules
        .filter(|rule| rule.needs == Needs::Estimates || input.run.kind != RunKind::Summary)
        .flat_map(|rule| (rule.evidence)(input).into_iter().map(|fired| card(rule, fired, input.run)))
        .collect();
    let gain =
        |card: &Recommendation| card.predicted_change.map_or(0.0, |(low, high)| f64::midpoint(low, high));
    found.sort_by(|a, b| a.state.cmp(&b.state).then_with(|| gain(a).total_cmp(&gain(b))));
    found
}

/// The action of a finding for which nothing but a fact speaks; the card says instead what would be tried.
const UNTRIED: &str = "Try it here before you keep it";

/// What to do about a knob that was not tried: what the trial would verify, or the question that it answers.
fn action(rule: &Rule, fired: &Fired) -> String {
    match (rule.trial.filter(|_| fired.action == UNTRIED), rule.state) {
        (None, _) => fired.action.clone(),
        (Some(_), KnobState::Information) => rule.question.to_owned(),
        (Some(trial), KnobState::Candidate) => {
            format!("{}, if a trial here verifies it", trial.what())
        }
    }
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
        action: action(rule, &fired),
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
        how: rule.lines(&fired.how),
        state: rule.state,
        proof: None,
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

#[cfg(test)]
mod catalogue_tests;
