//! Measuring suspects again: the kept executable of an earlier run against that of the run under judgement, in turns.
//!
//! Whatever stands in the way becomes the answer *unknown* with its reason: a gate that could not measure did not pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::analysis::experiment::{FEWEST_BLOCKS, Rules, Stopping};
use crate::analysis::gate::afford::{
    MEASURING, MOST_BLOCKS, OBSERVATIONS, WARM_UP, affordable_suspects, fewest_blocks, seconds_of_block,
};
use crate::analysis::gate::confirm::{Asked, Confirm, nothing};
use crate::analysis::words::count;
use crate::commands::Session;
use crate::commands::stage::{Stage, StageWishes, fresh_seed};
use crate::config::Config;
use crate::criterion::build::BuildRequest;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::executables::Keep;
use crate::experiment::{Outcome, Recipe, Request, Selection, measure, prepare};
use crate::model::comparison::{Comparison, Verdict};
use crate::model::experiment::{Purpose, RowEvidence, Variant};
use crate::model::gate::{Confirmation, SeriesAnswer};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::run::Run;
use crate::model::units::Metric;

/// Earlier runs of a suspect that are looked through for kept executables.
const LOOKED_THROUGH: usize = 20;

/// What measuring again needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// The session.
    pub(super) session: &'a Session,
    /// The configuration.
    pub(super) config: &'a Config,
    /// Cargo.toml of the workspace, where it is not in the current folder.
    pub(super) manifest: Option<&'a PathBuf>,
    /// Seconds for all suspects together.
    pub(super) budget_seconds: f64,
    /// Measure suspects again although both executables are equal.
    pub(super) measure_equal: bool,
}

impl<'a> How<'a> {
    /// The one who measures; on the stage of a run that has just ended, if there is one.
    pub(super) fn measurer(self, stage: Option<Stage>) -> Measurer<'a> {
        Measurer { how: self, stage }
    }
}

/// Measures by experiment.
pub(super) struct Measurer<'a> {
    how: How<'a>,
    /// Set up already; else it is when there is something to measure.
    stage: Option<Stage>,
}

impl Confirm for Measurer<'_> {
    fn confirm(&mut self, candidate: &RunId, asked: &[Asked]) -> Vec<Confirmation> {
        let unknown = |reason: &str| -> Vec<Confirmation> {
            asked.iter().map(|one| nothing(SeriesAnswer::Unknown, one.alpha, reason.to_owned())).collect()
        };
        self.all(candidate, asked).unwrap_or_else(|error| unknown(&error.message))
    }

    fn measures_equal(&self) -> bool {
        self.how.measure_equal
    }
}

impl Measurer<'_> {
    /// One experiment for each baseline that suspects share.
    fn all(&mut self, candidate: &RunId, asked: &[Asked]) -> Result<Vec<Confirmation>, CliError> {
        let mut stage = match self.stage.take() {
            Some(stage) => stage,
            None => {
                let (config, wishes) = (self.how.config.clone(), StageWishes::default());
                Stage::open(self.how.session, config, &wishes, &mut |_| Ok(()))?
            }
        };
        let keep = stage.site.keep(&stage.config);
        let run = stage.store.run(candidate)?;
        // Whether an executable of a run is kept is found out by reading it: once is enough.
        let mut kept = Kept { keep, seen: BTreeMap::new() };
        let mut answers: Vec<Option<Confirmation>> = vec![None; asked.len()];
        let mut waiting: Vec<Waiting<'_>> = Vec::new();
        for (place, one) in asked.iter().enumerate() {
            if !kept.has(&run, &one.benchmark) {
                let text = format!("its executable of run {candidate} is not kept on this machine");
                answers[place] = Some(nothing(SeriesAnswer::Unknown, one.alpha, text));
            } else if let Some(baseline) = baseline(&stage, &mut kept, one)? {
                waiting.push(Waiting { place, asked: one, baseline });
            } else {
                answers[place] = Some(pruned(one));
            }
        }
        let mut left = self.how.budget_seconds;
        while !waiting.is_empty() && !stage.cancel.is_cancelled() {
            let now = affordable(&waiting, settings(&run), left);
            if now == 0 {
                break;
            }
            let wave: Vec<Waiting<'_>> = waiting.drain(..now).collect();
            left -= self.wave(&mut stage, &run, (&wave, waiting.len()), left, &mut answers);
        }
        stage.progress.finish();
        for one in waiting {
            answers[one.place] = Some(self.no_time(one.asked));
        }
        let silent = |one: &Asked| nothing(SeriesAnswer::Unknown, one.alpha, "not measured".to_owned());
        Ok(asked.iter().zip(answers).map(|(one, given)| given.unwrap_or_else(|| silent(one))).collect())
    }

    /// Measures suspects that fit into the time that is left, one experiment for each baseline that they share, and returns the seconds
    /// that it took.
    fn wave(
        &self,
        stage: &mut Stage,
        run: &Run,
        (wave, later): (&[Waiting<'_>], usize),
        left: f64,
        answers: &mut [Option<Confirmation>],
    ) -> f64 {
        let mut groups: BTreeMap<&RunId, Vec<&Waiting<'_>>> = BTreeMap::new();
        for one in wave {
            groups.entry(&one.baseline).or_default().push(one);
        }
        let (mut used, mut open) = (0.0, wave.len());
        for (baseline, group) in groups {
            let budget = (left - used).max(0.0) * group.len() as f64 / open.max(1) as f64;
            open -= group.len();
            let asked: Vec<&Asked> = group.iter().map(|one| one.asked).collect();
            let words = match later {
                0 => String::new(),
                more => format!("; {more} more if time is left"),
            };
            stage.progress.line(&format!(
                "measuring {} again, against run {baseline}: at least {}, at most {budget:.0} s{words}",
                count(asked.len() as u64, "suspect"),
                count(fewest_blocks(asked[0].alpha), "block"),
            ));
            let measured = self.group(stage, (baseline, run), &asked, budget);
            if let Ok(outcome) = &measured {
                used += outcome.seconds;
            }
            for one in group {
                answers[one.place] = Some(match &measured {
                    Ok(outcome) => answer(outcome, one.asked, baseline),
                    Err(error) => nothing(SeriesAnswer::Unknown, one.asked.alpha, error.message.clone()),
                });
            }
        }
        used
    }

    /// A suspect that more unusual ones left no time for.
    fn no_time(&self, asked: &Asked) -> Confirmation {
        let needed = count(fewest_blocks(asked.alpha), "block");
        let budget = self.how.budget_seconds;
        let text = format!("no time was left of {budget:.0} s to measure it again in {needed} or more");
        nothing(SeriesAnswer::Inconclusive, asked.alpha, text)
    }

    /// One experiment: the suspects' benchmarks alone.
    fn group(
        &self,
        stage: &mut Stage,
        (baseline, run): (&RunId, &Run),
        asked: &[&Asked],
        budget_seconds: f64,
    ) -> Result<Outcome, CliError> {
        let arm = |name: &str, run: &RunId| Variant {
            name: name.to_owned(),
            run: Some(run.clone()),
            ..Variant::default()
        };
        let variants = [arm("baseline", baseline), arm("candidate", &run.id)];
        let session = self.how.session;
        let mut build = BuildRequest::new(&session.folder);
        build.cargo = session.variable("CARGO").unwrap_or("cargo").into();
        build.manifest = self.how.manifest.map(|manifest| session.folder.join(manifest));
        build.environment = session.environment.clone();
        // Other executables of these runs may have been pruned: they are not asked for.
        let targets: BTreeSet<&String> = asked.iter().map(|one| &one.benchmark.target).collect();
        build.benches = targets.into_iter().cloned().collect();
        let recipe = Recipe {
            request: build,
            selection: Selection { set: "full".to_owned(), filter: Some(filter(asked)) },
            keep_worktrees: false,
        };
        let request = Request {
            purpose: Purpose::Confirm,
            settings: settings(run),
            stopping: Stopping::Sequential {
                fewest: FEWEST_BLOCKS,
                most: MOST_BLOCKS,
                budget_seconds: Some(budget_seconds),
            },
            control_every: 0,
            // The experiment shares it among its rows again.
            rules: Rules {
                margin: self.how.config.margin,
                family_alpha: asked.iter().map(|one| one.alpha).sum(),
            },
            seed: fresh_seed(),
            measure_equal: self.how.measure_equal,
        };
        let mut world = stage.world();
        let arms = prepare(&variants, &recipe, &mut world)?;
        let measured = measure(&request, &arms.arms, &mut world);
        let closed = arms.close(&world);
        let outcome = measured?;
        closed?;
        Ok(outcome)
    }
}

/// A suspect with the run that it is to be measured against.
struct Waiting<'a> {
    place: usize,
    asked: &'a Asked,
    baseline: RunId,
}

/// Shorter than the launches of a night: a decision needs many of them.
fn settings(run: &Run) -> LaunchSettings {
    let plan = run.plan.as_ref();
    let at_most = |own: Option<f64>, most: f64| Some(own.unwrap_or(most).min(most));
    LaunchSettings {
        warm_up_seconds: at_most(plan.and_then(|plan| plan.warm_up_seconds), WARM_UP),
        measurement_seconds: at_most(plan.and_then(|plan| plan.measurement_seconds), MEASURING),
        sample_size: Some(OBSERVATIONS),
    }
}

/// How many suspects, the most unusual first, `budget_seconds` are enough for.
fn affordable(waiting: &[Waiting<'_>], settings: LaunchSettings, budget_seconds: f64) -> usize {
    let (warm_up, measuring) =
        (settings.warm_up_seconds.unwrap_or(WARM_UP), settings.measurement_seconds.unwrap_or(MEASURING));
    let each: Vec<f64> = waiting
        .iter()
        .map(|one| {
            let seconds = one.asked.value.filter(|_| one.asked.metric == Metric::time());
            seconds_of_block(seconds.unwrap_or(0.0) * 1e-9, warm_up, measuring)
        })
        .collect();
    affordable_suspects(
        &each,
        waiting.first().map_or(1.0, |one| one.asked.alpha),
        budget_seconds,
        MOST_BLOCKS,
    )
}

/// The kept executables, and what was found out about them.
struct Kept {
    keep: Keep,
    seen: BTreeMap<(RunId, String, String), bool>,
}

impl Kept {
    /// Whether the executable of a run that has a benchmark is kept.
    fn has(&mut self, run: &Run, benchmark: &BenchmarkId) -> bool {
        let key = (run.id.clone(), benchmark.package.clone(), benchmark.target.clone());
        let keep = &self.keep;
        *self.seen.entry(key).or_insert_with(|| {
            let mut its = run.executables.iter().filter(|executable| {
                executable.package == benchmark.package && executable.target == benchmark.target
            });
            its.any(|executable| keep.find(executable.digest).is_some())
        })
    }
}

/// The first of a suspect's baselines whose executable is kept.
fn baseline(stage: &Stage, kept: &mut Kept, asked: &Asked) -> Result<Option<RunId>, CliError> {
    for (run, _) in asked.baselines.iter().take(LOOKED_THROUGH) {
        if kept.has(&stage.store.run(run)?, &asked.benchmark) {
            return Ok(Some(run.clone()));
        }
    }
    Ok(None)
}

fn pruned(asked: &Asked) -> Confirmation {
    let looked = asked.baselines.len().min(LOOKED_THROUGH);
    let text = format!("of {looked} earlier runs of its level none has its executable kept on this machine");
    nothing(SeriesAnswer::Unknown, asked.alpha, text)
}

/// Exactly the suspects' benchmarks.
fn filter(asked: &[&Asked]) -> String {
    let names: BTreeSet<String> = asked
        .iter()
        .map(|one| {
            let mut id = one.benchmark.clone();
            // Occurrences of one id cannot be told apart by a filter; they are measured together.
            id.occurrence = 0;
            regex::escape(&id.to_string())
        })
        .collect();
    format!("^(?:{})$", names.into_iter().collect::<Vec<_>>().join("|"))
}

/// What an experiment says about one suspect.
fn answer(outcome: &Outcome, asked: &Asked, baseline: &RunId) -> Confirmation {
    let rows = outcome.result.contrasts.iter().flat_map(|contrast| {
        contrast.rows.iter().enumerate().map(|(place, row)| (row, contrast.evidence.get(place)))
    });
    let found =
        rows.into_iter().find(|(row, _)| row.benchmark == asked.benchmark && row.metric == asked.metric);
    let mut made = match found {
        Some((row, evidence)) => decided(row, evidence, asked.alpha),
        None if is_equal(outcome, asked) => nothing(
            SeriesAnswer::Refuted,
            asked.alpha,
            "both runs have the same executable, so the code cannot be the cause".to_owned(),
        ),
        None => {
            let why = outcome.result.findings.first();
            let why = why.map_or_else(|| "it was not measured".to_owned(), |found| found.evidence.clone());
            nothing(SeriesAnswer::Unknown, asked.alpha, why)
        }
    };
    made.baseline = Some(baseline.clone());
    made.experiment = Some(outcome.experiment.id.clone());
    made
}

/// Whether the executable of a suspect was found to be that of its baseline.
fn is_equal(outcome: &Outcome, asked: &Asked) -> bool {
    let name = format!("{}/{}", asked.benchmark.package, asked.benchmark.target);
    let mut findings = outcome.result.findings.iter();
    outcome.equal || findings.any(|finding| finding.code == "executables-equal" && finding.subject == name)
}

fn decided(row: &Comparison, evidence: Option<&RowEvidence>, alpha: f64) -> Confirmation {
    let answer = match row.verdict {
        Verdict::Regressed => SeriesAnswer::Regressed,
        Verdict::Improved => SeriesAnswer::Improved,
        Verdict::Unchanged => SeriesAnswer::Refuted,
        Verdict::Inconclusive => SeriesAnswer::Inconclusive,
        Verdict::NotComparable => SeriesAnswer::Unknown,
    };
    let blocks = evidence.map_or(0, |evidence| evidence.differences.len());
    Confirmation {
        ratio: Some(row.ratio).filter(|ratio| ratio.is_finite()),
        interval: row.ratio_interval,
        blocks: u32::try_from(blocks).unwrap_or(u32::MAX),
        steps: evidence.map_or_else(Vec::new, |evidence| evidence.steps.clone()),
        ..nothing(answer, alpha, row.reason.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_selects_the_suspects_and_nothing_else() {
        let asked = |group: &str| Asked {
            benchmark: BenchmarkId {
                package: "p".to_owned(),
                target: "t".to_owned(),
                group: group.to_owned(),
                function: None,
                value: None,
                occurrence: 0,
            },
            metric: Metric::time(),
            baselines: Vec::new(),
            alpha: 0.01,
            value: None,
        };
        let (one, other) = (asked("a.b(1)"), asked("c|d"));
        let filter = regex::Regex::new(&filter(&[&one, &other])).unwrap();
        for (name, expected) in
            [("t/a.b(1)", true), ("t/c|d", true), ("t/axb(1)", false), ("t/a.b(1)/x", false), ("t/c", false)]
        {
            assert_eq!(filter.is_match(name), expected, "{name}");
        }
    }
}
