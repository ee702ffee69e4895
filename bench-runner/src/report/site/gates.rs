//! Budgets on every machine: value, headroom, waivers.

use super::Site;
use super::block::{Block, Cell, Document, Grid};
use super::measure::{PAGE, benchmark_cell, machine_cell, minute};
use crate::model::decision::{Decision, DecisionKind};
use crate::model::gate::{GateOutcome, GateVerdict, Per};
use crate::model::site::Overview;
use crate::report::format::{self, Scale};
use crate::report::view::table::Kind;
use crate::report::view::words::{self, capped, code};

/// Broken budgets named in the first line.
const BROKEN: usize = 4;

/// Writes the page.
#[must_use]
pub fn gates(site: &Site, overview: &Overview, decisions: &[Decision]) -> Document {
    let mut page = Document::new("gates.html", "Benchmark observatory", "Gates");
    let applying: Vec<&(String, GateOutcome)> =
        overview.budgets.iter().filter(|(_, gate)| gate.verdict != GateVerdict::NotApplicable).collect();
    let count = |verdict| applying.iter().filter(|(_, gate)| gate.verdict == verdict).count();
    page.line = if overview.budgets.is_empty() {
        format!("No budget is configured. {} proposes some from the history.", code("bench-runner gate init"))
    } else {
        let (hold, broken) = (count(GateVerdict::Pass), count(GateVerdict::Fail));
        let open = applying.len() - hold - broken;
        let failed = applying.iter().filter(|(_, gate)| gate.verdict == GateVerdict::Fail);
        let failed: Vec<String> = failed
            .map(|(machine, gate)| {
                format!("{} on {}", code(&gate.budget.id), code(&site.machine_name(machine)))
            })
            .collect();
        match (applying.len(), broken) {
            (0, _) => "No budget was set for a machine of this store.".to_owned(),
            (all, 0) => format!("{hold} of {all} budgets hold, none is broken, {open} without an answer."),
            (all, _) => format!(
                "{broken} of {all} budgets broken: {}; {hold} {}, {open} without an answer.",
                capped(&failed, BROKEN),
                if hold == 1 { "holds" } else { "hold" }
            ),
        }
    };
    page.command = "bench-runner gate".to_owned();
    if !applying.is_empty() {
        page.section("budgets", "Budgets", vec![Block::Table(table(site, &applying))]);
    }
    let elsewhere = overview.budgets.len() - applying.len();
    if elsewhere > 0 {
        let text = format!(
            "{elsewhere} pairs of budget and machine have no verdict: the budget was set for other hardware or another configuration."
        );
        page.section("elsewhere", "Not judged", vec![Block::Quiet(text)]);
    }
    let waived: Vec<&Decision> = decisions.iter().filter(|one| one.kind == DecisionKind::Waive).collect();
    if !waived.is_empty() {
        let mut grid = Grid::new(
            "Waivers",
            &[("About", Kind::Code), ("Until", Kind::Text), ("Since", Kind::Text), ("Why", Kind::Text)],
        );
        for one in waived {
            grid.rows.push(vec![
                Cell::text(one.subject.clone()),
                Cell::text(one.until.map_or_else(|| "unknown".to_owned(), minute)),
                Cell::text(minute(one.at)),
                Cell::text(one.reason.clone()),
            ]);
        }
        page.section("waivers", "Waivers", vec![Block::Table(grid)]);
    }
    page.section(
        "rule",
        "How it is judged",
        vec![Block::Text(
            "A budget holds when the whole interval lies at or below its limit, and is broken when the whole interval lies \
             above it; anything between is inconclusive. A benchmark that was not measured never holds."
                .to_owned(),
        )],
    );
    page
}

fn table(site: &Site, outcomes: &[&(String, GateOutcome)]) -> Grid {
    let mut grid = Grid::new(
        "Budgets on the newest run of each machine",
        &[
            ("Verdict", Kind::Text),
            ("Budget", Kind::Code),
            ("Benchmark", Kind::Text),
            ("Machine", Kind::Text),
            ("Limit", Kind::Number),
            ("Value", Kind::Number),
            ("Headroom", Kind::Number),
            ("Why", Kind::Text),
        ],
    );
    for (machine, gate) in outcomes {
        let scale = Scale::time(PAGE, [gate.budget.limit_ns].into_iter().chain(gate.value_ns));
        let per = if gate.budget.per == Per::Element { "/op" } else { "" };
        let width = gate.interval_ns.map(|(low, high)| (high - low) / 2.0);
        let value = gate.value_ns.map_or_else(
            || "unknown".to_owned(),
            |value| match width {
                Some(width) => format!(
                    "{}{per} {}",
                    scale.show(value, Some(width)),
                    format::half_width(PAGE, width / value)
                ),
                None => format!("{}{per} (no interval)", scale.show(value, None)),
            },
        );
        let benchmark =
            gate.benchmark.as_ref().map_or_else(|| Cell::text(PAGE.nothing()), |id| benchmark_cell(site, id));
        grid.rows.push(vec![
            Cell::toned(words::gate(gate.verdict, PAGE), words::gate_tone(gate.verdict)),
            Cell::text(gate.budget.id.clone()),
            benchmark,
            machine_cell(site, machine),
            Cell::text(format!("≤ {}{per}", scale.show(gate.budget.limit_ns, None))).by(gate.budget.limit_ns),
            Cell::text(value).by(gate.value_ns.unwrap_or(f64::NAN)),
            Cell::text(
                gate.headroom.map_or_else(|| "unknown".to_owned(), |room| format::percent(PAGE, room, 1)),
            )
            .by(gate.headroom.unwrap_or(f64::NAN)),
            Cell::text(gate.reason.clone()),
        ]);
    }
    grid
}
