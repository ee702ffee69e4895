//! Whether this machine, as it is now, gives numbers worth keeping.
//!
//! Pure checks over facts: each has a threshold, evidence, an effect and a remedy. A fact that could not be read
//! makes its check `unknown`, never `ok`. Nothing is changed and nothing is waited for; the caller decides what a
//! grade means.

mod checks;
mod disturbances;
mod judge;

use serde::{Deserialize, Serialize};

use crate::model::fact::{self, Fact, FactStatus, FactValue, Phase};
use crate::model::finding::{Finding, Severity};

/// What the facts do not tell, and the caller knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Threads of the widest benchmark of the suite.
    pub threads: Option<u64>,
    /// Launches planned of each executable.
    pub launches: Option<u64>,
    /// Optimisation level of the bench profile, as cargo states it: `0` to `3`, `s`, `z`.
    pub opt_level: Option<String>,
    /// Whether the bench profile has debug assertions.
    pub debug_assertions: Option<bool>,
}

/// How far the machine's numbers can be trusted as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Real hardware, nothing to complain about, nothing decisive unknown.
    A,
    /// No warning, but virtual, or something decisive could not be read.
    B,
    /// At least one warning.
    C,
    /// At least one check blocks: the numbers must not become a baseline.
    X,
}

/// What came of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Within the threshold.
    Ok,
    /// Good to know, and no reason for doubt by itself.
    Note,
    /// The numbers may mislead.
    Warn,
    /// The numbers must not be used for a decision.
    Block,
    /// The facts it needs could not be read.
    Unknown,
    /// The question has no meaning on this machine or in this situation.
    NotApplicable,
}

/// One check with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// Stable id in kebab case; it is the code of its finding too.
    pub id: String,
    /// Result.
    pub state: CheckState,
    /// Whether what it finds may pass by waiting, or by a hand on the machine.
    pub passes: bool,
    /// What was seen, with numbers and units, or why nothing was seen.
    pub evidence: String,
    /// When it warns or blocks, in words with numbers.
    pub threshold: String,
    /// What it does to the numbers.
    pub effect: String,
    /// What to do about it.
    pub remedy: String,
}

/// All checks and what follows from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The whole in one letter.
    pub grade: Grade,
    /// What is worth saying, worst first, then in the order of the checks.
    pub findings: Vec<Finding>,
    /// Every check in its fixed order.
    pub checks: Vec<CheckOutcome>,
}

/// Runs every check over `facts` of any phases.
///
/// Checks of the present state look at the facts of phase `start`, checks of what happened during a run at those of
/// phase `delta`.
///
/// # Edge cases
/// Without any fact every check that needs one is unknown and the grade is B, never A.
#[must_use]
pub fn diagnose(facts: &[Fact], inputs: &Inputs) -> Diagnosis {
    let view = View { facts, inputs };
    let judged: Vec<(&checks::Check, CheckOutcome)> =
        checks::all().map(|check| (check, check.run(&view))).collect();
    let any = |state| judged.iter().any(|(_, outcome)| outcome.state == state);
    let decisive_unknown =
        judged.iter().any(|(check, outcome)| check.decisive && outcome.state == CheckState::Unknown);
    let grade = if any(CheckState::Block) {
        Grade::X
    } else if any(CheckState::Warn) {
        Grade::C
    } else if decisive_unknown || view.is_virtual() {
        Grade::B
    } else {
        Grade::A
    };
    let mut findings: Vec<Finding> =
        judged.iter().filter_map(|(check, outcome)| finding(check, outcome)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings.extend(unknowns(&judged));
    Diagnosis { grade, findings, checks: judged.into_iter().map(|(_, outcome)| outcome).collect() }
}

fn finding(check: &checks::Check, outcome: &CheckOutcome) -> Option<Finding> {
    let severity = match outcome.state {
        CheckState::Block => Severity::Blocking,
        CheckState::Warn => Severity::Warning,
        CheckState::Note => Severity::Info,
        CheckState::Ok | CheckState::Unknown | CheckState::NotApplicable => return None,
    };
    Some(Finding {
        code: outcome.id.clone(),
        severity,
        subject: check.subject.to_owned(),
        evidence: outcome.evidence.clone(),
        effect: outcome.effect.clone(),
        remedy: outcome.remedy.clone(),
    })
}

/// One finding for all checks that could not be decided, so that a guest's list stays readable.
fn unknowns(judged: &[(&checks::Check, CheckOutcome)]) -> Option<Finding> {
    let ids: Vec<&str> = judged
        .iter()
        .filter(|(_, outcome)| outcome.state == CheckState::Unknown)
        .map(|(_, outcome)| outcome.id.as_str())
        .collect();
    (!ids.is_empty()).then(|| Finding {
        code: "checks-undecided".to_owned(),
        severity: Severity::Info,
        subject: String::new(),
        evidence: format!(
            "{} of {} checks could not be decided: {}",
            ids.len(),
            judged.len(),
            ids.join(", ")
        ),
        effect: "what they look for may be present and unseen".to_owned(),
        remedy: "none on this machine; the source of each fact says why it could not be read".to_owned(),
    })
}

/// Facts as the checks ask for them.
struct View<'a> {
    facts: &'a [Fact],
    inputs: &'a Inputs,
}

/// Why a check cannot be judged.
enum Gap {
    Unknown(String),
    NotApplicable(String),
}

impl Diagnosis {
    /// The grade as a fact, to be stored with a run.
    #[must_use]
    pub fn grade_fact(&self, phase: Phase) -> Fact {
        let count = |state| self.checks.iter().filter(|check| check.state == state).count();
        Fact {
            key: fact::keys::DOCTOR_GRADE.to_owned(),
            value: Some(FactValue::Text(format!("{:?}", self.grade))),
            unit: String::new(),
            status: FactStatus::Derived,
            source: format!(
                "{} checks: {} block, {} warn, {} unknown",
                self.checks.len(),
                count(CheckState::Block),
                count(CheckState::Warn),
                count(CheckState::Unknown)
            ),
            phase,
        }
    }

    /// Ids of the checks that warn or block and may pass by waiting.
    #[must_use]
    pub fn passing(&self) -> Vec<&str> {
        let stands = |check: &&CheckOutcome| {
            check.passes && matches!(check.state, CheckState::Warn | CheckState::Block)
        };
        self.checks.iter().filter(stands).map(|check| check.id.as_str()).collect()
    }
}

impl View<'_> {
    /// The value of a fact that may be used in a conclusion.
    fn value(&self, key: &str, phase: Phase) -> Result<&FactValue, Gap> {
        let Some(fact) = fact::find(self.facts, key, phase) else {
            let after_a_run = self.facts.iter().any(|fact| fact.phase != Phase::Start);
            return Err(match phase {
                Phase::Delta if !after_a_run => Gap::NotApplicable("judged after a run".to_owned()),
                Phase::Delta => Gap::Unknown(format!("{key}: the difference was not formed")),
                Phase::Start | Phase::End => Gap::Unknown(format!("{key} was not read")),
            });
        };
        let status = match fact.status {
            FactStatus::Ok | FactStatus::Derived => {
                return fact.value.as_ref().ok_or_else(|| Gap::Unknown(format!("{key} has no value")));
            }
            FactStatus::NotApplicable => return Err(Gap::NotApplicable(format!("{key}: {}", fact.source))),
            FactStatus::Unknown => "unknown",
            FactStatus::Denied => "denied",
            FactStatus::Hidden => "hidden",
            FactStatus::Placeholder => "a placeholder",
        };
        Err(Gap::Unknown(format!("{key} is {status}: {}", fact.source)))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and sizes stay far below 2^53")]
    fn number(&self, key: &str, phase: Phase) -> Result<f64, Gap> {
        match self.value(key, phase)? {
            FactValue::Integer(number) => Ok(*number as f64),
            FactValue::Number(number) if number.is_finite() => Ok(*number),
            _ => Err(Gap::Unknown(format!("{key} is not a number"))),
        }
    }

    fn words(&self, key: &str) -> Result<&str, Gap> {
        match self.value(key, Phase::Start)? {
            FactValue::Text(words) => Ok(words),
            _ => Err(Gap::Unknown(format!("{key} is not in words"))),
        }
    }

    fn list(&self, key: &str) -> Result<&[String], Gap> {
        match self.value(key, Phase::Start)? {
            FactValue::List(items) => Ok(items),
            _ => Err(Gap::Unknown(format!("{key} is not a list"))),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, Gap> {
        match self.value(key, Phase::Start)? {
            FactValue::Flag(flag) => Ok(*flag),
            FactValue::Text(words) => Err(Gap::Unknown(format!("{key} is {words}"))),
            _ => Err(Gap::Unknown(format!("{key} is neither yes nor no"))),
        }
    }

    fn is_virtual(&self) -> bool {
        fact::known(self.facts, fact::keys::VIRT_HYPERVISOR).is_some_and(|name| name != "none")
    }
}

#[cfg(test)]
mod tests;
