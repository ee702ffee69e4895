//! The pages that say something about everything: the first one, lists, machines, comparisons, the feed and the badge.

use super::super::gather::{Known, doubts, place};
use super::super::knobs::board;
use super::super::manifest::{Files, Made};
use super::{Said, Work, digest, twin};
use crate::analysis::change_points::robust::FEWEST;
use crate::analysis::site_assembly::{LEVEL, MachineInput, OverviewInput, feed_of, overview};
use crate::error::CliError;
use crate::exit_code;
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::{self, keys};
use crate::model::run::{RunKind, RunStatus};
use crate::model::site::{
    ChangeLog, LineSummary, MachinePage, MachineStanding, Overview, PreparedComparison, Standing,
};
use crate::report::site::{self, Parameters};
use crate::stats::order::median;
use crate::store::Store;

/// Steps on the page of changes at most.
const STEPS: usize = 400;
/// Moved lines on the page of a machine.
const MOVED: usize = 25;

/// A page, or a file that is made like one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Page<'a> {
    Index,
    Benchmarks,
    Changes,
    Machines,
    Machine(&'a MachineStanding),
    Comparisons,
    Comparison(&'a PreparedComparison),
    Gates,
    Releases,
    Knobs,
    Data,
    Method,
    Feed,
    Badge,
}

/// All of them, what takes longest first, so that no thread waits for another at the end.
pub(super) fn pages<'a>(known: &'a Known, overview: &'a Overview) -> Vec<Page<'a>> {
    let machines = overview.machines.iter().map(Page::Machine);
    let comparisons = known.comparisons.iter().map(Page::Comparison);
    let rest = [
        Page::Changes,
        Page::Benchmarks,
        Page::Index,
        Page::Machines,
        Page::Comparisons,
        Page::Gates,
        Page::Releases,
        Page::Knobs,
        Page::Data,
        Page::Method,
        Page::Feed,
        Page::Badge,
    ];
    machines.chain(comparisons).chain(rest).collect()
}

impl Work<'_> {
    /// The first page's content.
    pub(super) fn overview(&self, lines: Vec<LineSummary>) -> Overview {
        let known = self.known;
        let mut machines: Vec<MachineInput> = Vec::new();
        let mut budgets = Vec::new();
        for machine in &known.machines {
            let mine = |run: &&crate::model::record::RunListing| run.identity.machine == machine.machine;
            let measured = known.runs.iter().filter(mine).find(|run| run.kind == RunKind::Measured);
            let Some(latest) = measured.or_else(|| known.runs.iter().find(mine)) else { continue };
            let facts = known
                .facts
                .get(&machine.machine)
                .and_then(|runs| runs.iter().find(|run| run.id == latest.id));
            let newest = known.newest.get(&place(latest)).filter(|newest| newest.report.run.id == latest.id);
            let noise = newest.and_then(|newest| noise(&newest.report.results));
            let grade = facts.and_then(|run| fact::known(&run.facts, keys::DOCTOR_GRADE));
            let mut doubtful = facts.map(doubts).unwrap_or_default();
            if latest.status == RunStatus::Partial {
                doubtful.insert(
                    0,
                    "the newest run is partial: something that was planned was not measured".to_owned(),
                );
            }
            machines.push((machine.clone(), latest.clone(), grade, noise, doubtful));
        }
        for (place, newest) in &known.newest {
            budgets.extend(newest.report.gates.iter().map(|gate| (place.0.clone(), gate.clone())));
        }
        let recent =
            known.runs.iter().filter(|run| known.pages.contains(&run.id)).take(30).cloned().collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let pages = known.pages.iter().filter(|run| known.by_id.contains_key(*run)).count();
        overview(OverviewInput {
            trend: self.trend.clone(),
            machines,
            lines,
            budgets,
            recent,
            runs: (count(known.runs.len()), count(pages)),
        })
    }

    fn changes(&self, overview: &Overview) -> ChangeLog {
        ChangeLog {
            noted: self.known.changes.clone(),
            found: feed_of(&overview.lines, STEPS),
            decisions: self.known.decisions.clone(),
            newest: overview.newest,
        }
    }

    /// Writes one page, and its Markdown twin where it has one.
    pub(super) fn document(
        &self,
        store: &Store,
        files: &Files,
        said: &Said,
        page: Page<'_>,
    ) -> Result<Vec<Made>, CliError> {
        let overview = &said.overview;
        let put = |path: &str, text: &str| files.put(path, &digest(&[text]), text);
        let (site, known) = (&self.site, self.known);
        let document = match page {
            Page::Index => site::index(site, overview),
            Page::Benchmarks => site::benchmarks(site, overview),
            Page::Changes => site::changes(site, &self.changes(overview)),
            Page::Machines => site::machines(site, &overview.machines, &known.side)?,
            Page::Machine(standing) => site::machine(site, &self.machine(standing, said)?)?,
            Page::Comparisons => site::comparisons(site, &known.comparisons),
            Page::Comparison(one) => site::comparison(site, one)?,
            Page::Gates => site::gates(site, overview, &known.decisions),
            Page::Releases => site::releases(site, &known.releases),
            Page::Knobs => {
                let (board, proofs) = board(store, site, known)?;
                site::knobs(&board, &proofs)
            }
            Page::Data => site::data(site),
            Page::Method => site::method(site, &self.parameters()),
            Page::Feed => return Ok(vec![put("changes.atom", &site::atom(site, &self.changes(overview)))?]),
            Page::Badge => return Ok(vec![put("badge.svg", &site::badge(overview))?]),
        };
        let mut made = vec![put(&document.path, &site.html(&document)?)?];
        if let Some(twin) = twin(&document.path).filter(|twin| site.has(twin)) {
            made.push(put(&twin, &site.markdown(&document, self.most))?);
        }
        Ok(made)
    }

    fn parameters(&self) -> Parameters {
        Parameters {
            margin: self.config.margin,
            comparison_level: self.config.comparison_level,
            level: LEVEL,
            fewest: FEWEST,
            nights: self.trend.nights,
        }
    }

    fn machine(&self, standing: &MachineStanding, said: &Said) -> Result<MachinePage, CliError> {
        let key = &standing.machine.machine;
        let runs = self.known.facts.get(key).map(Vec::as_slice).unwrap_or_default();
        let place = self.known.machines.iter().position(|machine| *machine == standing.machine);
        let profile = place.and_then(|place| said.profiles.get(place)).cloned();
        let profile = profile.ok_or_else(|| CliError::new(exit_code::FAILURE, "a machine has no profile"))?;
        let moved = |line: &&LineSummary| {
            line.machine == *key && matches!(line.standing, Standing::Slower | Standing::Faster)
        };
        Ok(MachinePage {
            standing: standing.clone(),
            profile,
            facts: runs.last().map(|run| run.facts.clone()).unwrap_or_default(),
            runs: self
                .known
                .runs
                .iter()
                .filter(|run| run.identity.machine == *key)
                .take(30)
                .cloned()
                .collect(),
            lines: said.overview.lines.iter().filter(moved).take(MOVED).cloned().collect(),
        })
    }
}

/// Median over benchmarks of the spread of the launch medians, as a standard deviation of logarithms.
fn noise(results: &[BenchmarkResult]) -> Option<f64> {
    let spread = |result: &BenchmarkResult| {
        let logs: Vec<f64> = result.launches.iter().map(|launch| launch.median.ln()).collect();
        crate::stats::moments::standard_deviation(&logs)
    };
    median(&results.iter().filter_map(spread).collect::<Vec<f64>>())
}
