//! Rules about statistics and gates: what a number is called, where a budget belongs, and how far it is from the noise.

use super::super::words;
use super::{Fired, KnobInput, Needs, Rule};
use crate::model::estimate::{BenchmarkResult, Statistic};
use crate::model::gate::{Budget, Per};
use crate::model::knob::{Confidence, KnobGroup, KnobState};
use crate::stats::moments::standard_deviation;

/// Least margin of a budget above what is measured.
pub(super) const LEAST_MARGIN: f64 = 0.03;
/// Standard deviations between launches that a budget should leave room for.
pub(super) const DEVIATIONS: f64 = 3.0;

/// Pieces of evidence that a card shows.
const SHOWN: usize = 4;

/// One over the probability of lying beyond that many standard deviations on one side: 1 ÷ (1 − Φ(3)).
pub(super) const ONCE_IN_NIGHTS: u32 = 741;

pub(super) static RULES: [Rule; 5] = [
    Rule {
        id: "measure.gate-proposal",
        group: KnobGroup::Measurement,
        question: "Is there no budget for this kind of machine?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "one entry per budget, and a decision when one is broken",
        risk: "a limit from one night knows nothing of how nights differ: let history propose it",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: gate_proposal,
    },
    Rule {
        id: "measure.statistic-label",
        group: KnobGroup::Measurement,
        question: "Is a number called a median although it is a slope or a mean?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "a word",
        risk: "readers ask why yesterday's number had another name",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: statistic_label,
    },
    Rule {
        id: "measure.gate-configuration",
        group: KnobGroup::Measurement,
        question: "Is an absolute budget bound to a machine class but to no configuration?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "one line per budget",
        risk: "a machine whose configuration changes has no budget until one is set for it",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: gate_configuration,
    },
    Rule {
        id: "measure.gate-margin",
        group: KnobGroup::Measurement,
        question: "Is a budget closer to the result than three standard deviations between launches?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "a looser gate sees small regressions later",
        risk: "a slow creep fits below a loose limit: history judges that",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: gate_margin,
    },
    Rule {
        id: "measure.modes",
        group: KnobGroup::Measurement,
        question: "Do observations fall into two clumps or trail off?",
        needs: Needs::Samples,
        state: KnobState::Information,
        cost: "a look at the distribution chart",
        risk: "a clump has a cause more often than not, and finding it can take long",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: modes,
    },
];

/// Benchmarks with a finding of the given code, and its evidence.
pub(super) fn with_finding(input: &KnobInput<'_>, code: &str) -> Vec<(String, String)> {
    let of = |result: &BenchmarkResult| {
        let found = result.findings.iter().find(|finding| finding.code == code)?;
        Some((result.benchmark.to_string(), found.evidence.clone()))
    };
    input.results.iter().filter_map(of).collect()
}

fn statistic_label(input: &KnobInput<'_>) -> Vec<Fired> {
    let stated: Vec<&BenchmarkResult> = input
        .results
        .iter()
        .filter(|result| {
            matches!(
                result.estimate.statistic,
                Statistic::CriterionTypical | Statistic::Slope | Statistic::Mean
            )
        })
        .collect();
    let Some(first) = stated.first() else { return Vec::new() };
    let evidence = (first.benchmark.to_string(), first.estimate.statistic.words().to_owned());
    vec![Fired::new(
        "Name the statistic beside each number, and show the median of launch medians".to_owned(),
        format!(
            "the middle number of Criterion's printed line is a slope under linear sampling and a mean under flat sampling, never a median; {} of {} are such numbers",
            stated.len(),
            words::count(input.results.len() as u64, "benchmark")
        ),
        vec![evidence],
    )]
}

fn here<'a>(input: &'a KnobInput<'_>) -> impl Iterator<Item = &'a Budget> {
    input.budgets.iter().filter(|budget| budget.hw_class == input.run.identity.hw_class)
}

fn gate_configuration(input: &KnobInput<'_>) -> Vec<Fired> {
    let unbound: Vec<&Budget> = here(input).filter(|budget| budget.config.is_none()).collect();
    if unbound.is_empty() {
        return Vec::new();
    }
    let evidence = unbound
        .iter()
        .map(|budget| (budget.id.clone(), format!("{} on any configuration", words::time(budget.limit_ns))));
    vec![Fired {
        how: format!("config = \"{}\"", input.run.identity.config),
        ..Fired::new(
            "Bind each absolute budget to the configuration it was set in".to_owned(),
            format!(
                "{} on {} without a configuration key would fail on the same machine in another power mode without any change of code",
                words::count(unbound.len() as u64, "budget"),
                input.run.identity.hw_class
            ),
            evidence.collect(),
        )
    }]
}

fn gate_margin(input: &KnobInput<'_>) -> Vec<Fired> {
    here(input)
        .filter(|budget| budget.config.as_ref().is_none_or(|config| *config == input.run.identity.config))
        .filter_map(|budget| {
            let result =
                input.results.iter().find(|result| result.benchmark.to_string() == budget.benchmark)?;
            tight(budget, result)
        })
        .collect()
}

/// Limits that three standard deviations between launches ask for, where no budget belongs to this kind of machine.
fn gate_proposal(input: &KnobInput<'_>) -> Vec<Fired> {
    if here(input).next().is_some() {
        return Vec::new();
    }
    let limit = |result: &BenchmarkResult| {
        let (_, wanted) = room(result)?;
        let limit = words::time(result.estimate.value * (1.0 + wanted));
        Some((
            result.benchmark.to_string(),
            format!("limit {limit}, {} above the result", words::percent(wanted)),
        ))
    };
    let evidence: Vec<(String, String)> = input.timed().filter_map(limit).take(SHOWN).collect();
    if evidence.is_empty() {
        return Vec::new();
    }
    vec![Fired {
        confidence: Confidence::Medium,
        how: "# from 10 comparable nights on, with the false alarms of each limit\nbench-runner gate init"
            .to_owned(),
        ..Fired::new(
            "Let history propose budgets for this kind of machine: it has none".to_owned(),
            format!(
                "none of {} belongs to {}; limits that are three standard deviations between launches above the result, and \
                 at least {}, would be broken by chance in about one of {ONCE_IN_NIGHTS} nights, if nights differ as launches do",
                words::count(input.budgets.len() as u64, "budget"),
                input.run.identity.hw_class,
                words::percent(LEAST_MARGIN)
            ),
            evidence,
        )
    }]
}

/// Standard deviation of the logarithms of the launch medians, and how far above the result a budget should lie.
fn room(result: &BenchmarkResult) -> Option<(f64, f64)> {
    if result.launches.len() < super::super::estimate::REPLICATED_LAUNCHES {
        return None;
    }
    let logs: Vec<f64> = result.launches.iter().map(|launch| launch.median.ln()).collect();
    let deviation = standard_deviation(&logs)?;
    Some((deviation, LEAST_MARGIN.max(DEVIATIONS * deviation)))
}

fn tight(budget: &Budget, result: &BenchmarkResult) -> Option<Fired> {
    let divisor = match budget.per {
        Per::Iteration => 1.0,
        Per::Element => result.elements().filter(|elements| *elements > 0)? as f64,
    };
    let (deviation, wanted) = room(result)?;
    let value = result.estimate.value / divisor;
    let margin = budget.limit_ns / value - 1.0;
    (margin > 0.0 && margin < wanted).then(|| {
        let limit = value * (1.0 + wanted);
        Fired {
            how: format!("limit = \"{}\"", words::time(limit)),
            ..Fired::new(
                format!("Loosen the budget {} to {}", budget.id, words::time(limit)),
                format!(
                    "it lies {} above the result, while launches differ with a standard deviation of {}: it would fail by chance",
                    words::percent(margin),
                    words::percent(deviation)
                ),
                vec![
                    (budget.benchmark.clone(), words::time(value)),
                    ("limit".to_owned(), words::time(budget.limit_ns)),
                ],
            )
        }
    })
}

fn modes(input: &KnobInput<'_>) -> Vec<Fired> {
    let mut found = with_finding(input, "two-modes");
    found.extend(with_finding(input, "long-tail"));
    if found.is_empty() {
        return Vec::new();
    }
    let concerned = found.len();
    // All of them stand among the doubts; a card shows enough to act on.
    found.truncate(SHOWN);
    if concerned > SHOWN {
        found.push((
            "further observations".to_owned(),
            format!("{} more, among the doubts", concerned - SHOWN),
        ));
    }
    vec![Fired::new(
        "Look at the distributions before trusting a small change".to_owned(),
        "clumps come from frequency steps, a busy sibling core or memory layout; a tail from other work on the machine"
            .to_owned(),
        found,
    )]
}
