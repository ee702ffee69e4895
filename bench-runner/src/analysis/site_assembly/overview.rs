//! The first page and the list of changes: order, counts, staleness.

use crate::analysis::trend::FRESH;
use crate::model::gate::GateOutcome;
use crate::model::record::{MachineListing, RunListing};
use crate::model::site::{LevelStep, LineSummary, MachineStanding, Overview, Standing};
use crate::model::trend::TrendReport;

/// A machine with what its newest run says: listing, run, grade, noise, doubts.
pub type MachineInput = (MachineListing, RunListing, Option<String>, Option<f64>, Vec<String>);

/// What the first page is made of.
#[derive(Debug, Clone)]
pub struct OverviewInput {
    /// What the trend says at the newest run.
    pub trend: TrendReport,
    /// Machines.
    pub machines: Vec<MachineInput>,
    /// All lines.
    pub lines: Vec<LineSummary>,
    /// Budgets by machine.
    pub budgets: Vec<(String, GateOutcome)>,
    /// Runs with a page, newest first.
    pub recent: Vec<RunListing>,
    /// Runs in the store and runs with a page.
    pub runs: (u32, u32),
}

/// Puts the first page in order.
#[must_use]
pub fn overview(input: OverviewInput) -> Overview {
    let newest_run =
        input.machines.iter().map(|machine| &machine.1).max_by_key(|run| (run.started, run.id.clone()));
    let newest = newest_run.map(|run| run.started);
    let commit = newest_run.and_then(|run| run.commit.clone());
    let mut suites: Vec<String> = input.machines.iter().map(|machine| machine.1.suite.clone()).collect();
    suites.sort();
    suites.dedup();
    let mut lines = input.lines;
    lines.sort_by(|a, b| {
        (a.standing.cmp(&b.standing))
            .then(size(b).total_cmp(&size(a)))
            .then_with(|| (&a.benchmark, &a.machine, &a.config).cmp(&(&b.benchmark, &b.machine, &b.config)))
    });
    let mut machines: Vec<MachineStanding> = input
        .machines
        .into_iter()
        .map(|(machine, latest, grade, noise, doubts)| {
            let of = |standing: Standing| {
                let mine = lines.iter().filter(|line| line.machine == machine.machine);
                u32::try_from(mine.filter(|line| line.standing == standing).count()).unwrap_or(u32::MAX)
            };
            MachineStanding {
                stale: newest.is_some_and(|newest| newest.0.saturating_sub(latest.started.0) > FRESH),
                counts: Standing::ALL.map(of),
                machine,
                latest,
                grade,
                noise,
                doubts,
            }
        })
        .collect();
    machines.sort_by(|a, b| {
        (b.counts[0].cmp(&a.counts[0])).then_with(|| a.machine.machine.cmp(&b.machine.machine))
    });
    Overview {
        trend: input.trend,
        suites,
        newest,
        commit,
        machines,
        lines,
        budgets: input.budgets,
        runs: input.runs,
        recent: input.recent,
    }
}

/// How far a line moved, whichever way.
fn size(line: &LineSummary) -> f64 {
    line.moved.as_ref().map_or(0.0, |moved| moved.ratio.ln().abs())
}

/// Steps of all lines, newest first, at most `most`.
#[must_use]
pub fn feed_of(lines: &[LineSummary], most: usize) -> Vec<(LineSummary, LevelStep)> {
    let mut found: Vec<(&LineSummary, &LevelStep)> =
        lines.iter().flat_map(|line| line.steps.iter().map(move |step| (line, step))).collect();
    found.sort_by(|(a, x), (b, y)| {
        (y.started.cmp(&x.started)).then_with(|| (&a.benchmark, &a.machine).cmp(&(&b.benchmark, &b.machine)))
    });
    found.truncate(most);
    found.into_iter().map(|(line, step)| (line.clone(), step.clone())).collect()
}
