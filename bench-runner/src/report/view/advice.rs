//! What to take away, what to turn, and what the budgets say.
//!
//! Recommendations and gate verdicts arrive decided; takeaways restate numbers of the sections above.

use serde::Serialize;

use super::family::{self, Group};
use super::table::{Cell, Kind, Table};
use super::words::{self, code, strong};
use super::{Context, headline, interpret, real};
use crate::model::gate::{GateOutcome, GateVerdict, Per};
use crate::model::knob::{
    Confidence, KnobGroup, KnobState, KnobVerdict, Proof, Recommendation, TRIED_IN_VAIN,
};
use crate::report::format::{self, Dialect, Scale};

/// More single operations than this are counted, not listed.
const LISTED: usize = 6;
/// Rows of a trial that a card shows.
const PROVEN_ROWS: usize = 3;

/// One recommendation as a card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Knob {
    /// What to do.
    pub action: String,
    /// Where it is turned.
    pub group: &'static str,
    /// Stable id.
    pub id: String,
    /// Why; empty where only its trial speaks for it.
    pub because: String,
    /// Label, value and run of each number behind it.
    pub evidence: Vec<(String, String, String)>,
    /// Predicted change, or that none is predicted; empty where only its trial speaks for it.
    pub predicted: String,
    /// How sure that is; empty without a prediction.
    pub confidence: &'static str,
    /// What it costs.
    pub cost: String,
    /// What can go wrong.
    pub risk: String,
    /// Lines to paste; empty for none.
    pub how: String,
    /// Whether it was tried.
    pub state: &'static str,
    /// What trying it showed: labels and words, the verdict first; empty when it was not tried.
    pub proof: Vec<(&'static str, String)>,
}

/// All recommendations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Knobs {
    /// Cards, strongest first.
    pub cards: Vec<Knob>,
    /// What to say when there is none.
    pub empty: String,
}

/// Budgets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gates {
    /// One sentence.
    pub summary: String,
    /// One row per budget.
    pub table: Table,
}

/// Writes the short list.
pub(super) fn takeaways(context: &Context<'_>, groups: &[Group<'_>]) -> Vec<String> {
    let mut takeaways = Vec::new();
    let dialect = context.dialect;
    let singles = interpret::singles(context);
    if !singles.is_empty() && singles.len() <= LISTED {
        let items: Vec<String> = singles
            .iter()
            .map(|result| {
                let name = code(&context.name(&result.benchmark));
                let element = groups
                    .iter()
                    .find(|group| group.results.iter().any(|other| other.benchmark == result.benchmark))
                    .map_or("op", Group::element);
                let rate = family::rate(context, result, element).unwrap_or_default();
                format!("{name} {} ({rate})", strong(&family::value(context, result)))
            })
            .collect();
        takeaways.push(format!("{}: {}.", strong("Single operation"), items.join(", ")));
    }
    for curve in &context.report.batch_curves {
        let Some(best) = interpret::best(curve) else { continue };
        let saving = curve.single.as_ref().map(|(_, alone)| {
            format!(
                ", {} against the single operation",
                format::change(dialect, best.per_element_ns / alone - 1.0, None)
            )
        });
        let enough = interpret::smallest_as_good(curve, best).filter(|point| point.size != best.size);
        let enough =
            enough.map(|point| format!("; {} is within 5 % of that", interpret::size(context, point.size)));
        takeaways.push(format!(
            "{}: {} {} per element at {}{}{}.",
            strong("Batch"),
            code(&curve.name),
            strong(&Scale::time(dialect, [best.per_element_ns]).show(best.per_element_ns, None)),
            interpret::size(context, best.size),
            saving.unwrap_or_default(),
            enough.unwrap_or_default()
        ));
    }
    let parallel: Vec<String> = context
        .report
        .parallel
        .iter()
        .map(|scaling| {
            let rate = format::rate(dialect, real(scaling.operations) * 1e9 / scaling.total_ns, "op");
            format!(
                "{} {} on {} threads, {} efficient",
                code(&context.name(&scaling.benchmark)),
                strong(&rate),
                scaling.threads,
                format::percent(dialect, scaling.efficiency, 0)
            )
        })
        .collect();
    if !parallel.is_empty() {
        takeaways.push(format!("{}: {}.", strong("Parallel"), parallel.join("; ")));
    }
    takeaways.push(format!("{}: {}", strong("History"), history(context)));
    if let Some(gates) = headline::gates(context) {
        takeaways.push(format!("{}: {}", strong("Budgets"), gates.trim_start_matches("Gates: ")));
    }
    takeaways
}

/// The counts of the comparison, or that there is none.
fn history(context: &Context<'_>) -> String {
    context.report.previous.as_ref().map_or_else(
        || headline::against(context),
        |previous| format!("{} since run {}.", headline::counts(previous), code(previous.baseline.short())),
    )
}

/// Writes the cards.
pub(super) fn knobs(context: &Context<'_>) -> Knobs {
    Knobs {
        cards: context.report.recommendations.iter().map(|knob| card(context, knob)).collect(),
        empty: "No rule found a knob worth turning in the stored evidence of this run.".to_owned(),
    }
}

/// What is predicted, and how sure that is.
pub(crate) fn predicted(dialect: Dialect, knob: &Recommendation) -> (String, &'static str) {
    let Some((low, high)) = knob.predicted_change else {
        let nothing = match knob.group {
            _ if knob.knob == TRIED_IN_VAIN => "no change of speed, as measured",
            KnobGroup::Measurement => "no change of speed: it makes the numbers surer",
            _ => "no figure: what it brings shows once it is measured",
        };
        return (nothing.to_owned(), "");
    };
    let show = |value| format::change(dialect, value, None);
    let range = match show(low) == show(high) {
        true => show(low),
        false => format!("{} to {}", show(low), show(high)),
    };
    let confidence = match knob.confidence {
        Confidence::Low => "low: rests on a model",
        Confidence::Medium => "medium: measured numbers, extrapolated",
        Confidence::High => "high: measured numbers, within their range",
    };
    (format!("{range} time per operation"), confidence)
}

fn card(context: &Context<'_>, knob: &Recommendation) -> Knob {
    // What only its trial speaks for has the trial's words and numbers, which stand below; nothing is predicted of it.
    let only_tried = knob.proof.as_ref().is_some_and(|proof| proof.reason == knob.because);
    let (predicted, confidence) =
        if only_tried { (String::new(), "") } else { predicted(context.dialect, knob) };
    Knob {
        action: knob.action.clone(),
        group: match knob.group {
            KnobGroup::Caller => "in the caller",
            KnobGroup::Build => "in the build",
            KnobGroup::Machine => "on the machine",
            KnobGroup::Measurement => "in the measurement",
        },
        id: knob.knob.clone(),
        because: if only_tried { String::new() } else { super::capital_sentence(&knob.because) },
        evidence: knob
            .evidence
            .iter()
            .map(|evidence| (evidence.label.clone(), evidence.value.clone(), evidence.run.short().to_owned()))
            .collect(),
        predicted,
        confidence,
        cost: knob.cost.clone(),
        risk: knob.risk.clone(),
        how: knob.how.clone(),
        proof: knob.proof.as_ref().map(|proof| proven(context.dialect, proof)).unwrap_or_default(),
        state: state(knob),
    }
}

/// Whether it was tried, where trying has a meaning.
fn state(knob: &Recommendation) -> &'static str {
    match knob.state {
        KnobState::Candidate if knob.proof.is_some() || knob.knob == TRIED_IN_VAIN => "tried",
        KnobState::Candidate if knob.group == KnobGroup::Measurement => "about how we measure",
        KnobState::Candidate => "not tried yet",
        KnobState::Information => "for information: its price is yours to weigh",
    }
}

/// The word for what trying a knob showed; a stale one says so first.
pub(in crate::report) fn verdict(proof: &Proof) -> String {
    let word = match proof.verdict {
        KnobVerdict::Verified => "VERIFIED",
        KnobVerdict::Harmful => "HARMFUL",
        KnobVerdict::NoEffect => "NO EFFECT",
        KnobVerdict::Inconclusive => "INCONCLUSIVE",
    };
    if proof.stale.is_empty() { word.to_owned() } else { format!("STALE, was {word}") }
}

/// What trying a knob showed: verdict, what was measured, where and when, what made it stale, how to repeat it.
pub(in crate::report) fn proven(dialect: Dialect, proof: &Proof) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Tried", format!("{}: {}", strong(&verdict(proof)), proof.reason))];
    for row in proof.rows.iter().take(PROVEN_ROWS) {
        let change = format::change(dialect, row.change, row.interval);
        lines
            .push(("Measured", format!("{} {change} ({} pairs of launches)", code(&row.subject), row.pairs)));
    }
    let times = format::plural(proof.times.into(), "time");
    lines.push((
        "Where",
        format!("{}, {}, tried {times}", code(&proof.hw_class), format::timestamp(proof.tried)),
    ));
    lines.extend(proof.stale.iter().map(|changed| ("Changed since", changed.clone())));
    lines.push(("Again", code(&proof.again)));
    lines
}

/// Writes the budgets.
pub(super) fn gates(context: &Context<'_>) -> Gates {
    let mut table = Table::new(
        "Budgets judged on this run",
        &[
            ("Verdict", Kind::Text),
            ("Gate", Kind::Code),
            ("Limit", Kind::Number),
            ("Value", Kind::Number),
            ("Interval", Kind::Number),
            ("Headroom", Kind::Number),
            ("Why", Kind::Text),
        ],
    );
    for outcome in &context.report.gates {
        table.rows.push(gate(context, outcome));
    }
    let summary = if context.report.gates.is_empty() {
        "No budget is configured.".to_owned()
    } else {
        let class = code(&context.report.run.identity.hw_class);
        let line = headline::gates(context).unwrap_or_default();
        let elsewhere =
            context.report.gates.iter().filter(|gate| gate.verdict == GateVerdict::NotApplicable).count();
        let rest = if elsewhere == 0 {
            String::new()
        } else {
            format!(
                " Listed without a verdict: {elsewhere} bound to another machine class or configuration than {class}."
            )
        };
        format!("{line}{rest}")
    };
    table.note =
        "A gate passes when the whole interval lies at or below its limit, and fails when the whole \
                  interval lies above it; anything between is inconclusive."
            .to_owned();
    Gates { summary, table }
}

fn gate(context: &Context<'_>, outcome: &GateOutcome) -> Vec<Cell> {
    let dialect = context.dialect;
    let bounds = outcome.interval_ns.map(|(low, high)| [low, high]);
    let row =
        [outcome.budget.limit_ns].into_iter().chain(outcome.value_ns).chain(bounds.into_iter().flatten());
    let scale = Scale::time(dialect, row);
    let per = match outcome.budget.per {
        Per::Iteration => "",
        Per::Element => "/op",
    };
    let width = outcome.interval_ns.map(|(low, high)| (high - low) / 2.0);
    let unknown = || dialect.nothing().to_owned();
    vec![
        Cell::toned(words::gate(outcome.verdict, dialect), words::gate_tone(outcome.verdict)),
        Cell::plain(outcome.budget.id.clone()),
        Cell::plain(format!("≤ {}{per}", scale.show(outcome.budget.limit_ns, None))),
        Cell::plain(
            outcome.value_ns.map_or_else(unknown, |value| format!("{}{per}", scale.show(value, width))),
        ),
        Cell::plain(outcome.interval_ns.map_or_else(unknown, |(low, high)| scale.range(low, high))),
        Cell::plain(outcome.headroom.map_or_else(unknown, |room| format::percent(dialect, room, 1))),
        Cell::plain(outcome.reason.clone()),
    ]
}
