//! Measuring suspects again: the kept executable of an earlier run against that of the run under judgement, in turns.
//!
//! Whatever stands in the way becomes the answer *unknown* with its reason: a gate that could not measure did not pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::analysis::experiment::{FEWEST_BLOCKS, Rules, Stopping};
use crate::analysis::gate::confirm::{Asked, Confirm, nothing};
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
use crate::model::ids::RunId;
use crate::model::run::Run;

/// Blocks of each bench target at most.
const MOST_BLOCKS: u32 = 60;

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
        if !kept(&keep, &run) {
            let text = format!("the executables of run {candidate} are not kept on this machine");
            return Err(CliError::new(crate::exit_code::NOT_COMPARABLE, text));
        }
        let mut groups: BTreeMap<RunId, Vec<usize>> = BTreeMap::new();
        // Whether a run's executables are kept is found out by reading them: once is enough.
        let mut seen: BTreeMap<RunId, bool> = BTreeMap::new();
        let mut answers: Vec<Option<Confirmation>> = vec![None; asked.len()];
        for (place, one) in asked.iter().enumerate() {
            match baseline(&stage, &keep, one, &mut seen)? {
                Some(baseline) => groups.entry(baseline).or_default().push(place),
                None => answers[place] = Some(pruned(one)),
            }
        }
        let mut left = self.how.budget_seconds;
        let mut waiting: usize = groups.values().map(Vec::len).sum();
        for (baseline, places) in groups {
            let budget = left * places.len() as f64 / waiting.max(1) as f64;
            waiting -= places.len();
            let group: Vec<&Asked> = places.iter().map(|place| &asked[*place]).collect();
            let measured = self.group(&mut stage, (&baseline, &run), &group, budget);
            if let Ok(outcome) = &measured {
                left = (left - outcome.seconds).max(0.0);
            }
            for (place, one) in places.iter().zip(group) {
                answers[*place] = Some(match &measured {
                    Ok(outcome) => answer(outcome, one, &baseline),
                    Err(error) => nothing(SeriesAnswer::Unknown, one.alpha, error.message.clone()),
                });
            }
        }
        stage.progress.finish();
        let silent = |one: &Asked| nothing(SeriesAnswer::Unknown, one.alpha, "not measured".to_owned());
        Ok(asked.iter().zip(answers).map(|(one, given)| given.unwrap_or_else(|| silent(one))).collect())
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
        let recipe = Recipe {
            request: build,
            selection: Selection { set: "full".to_owned(), filter: Some(filter(asked)) },
            keep_worktrees: false,
        };
        let plan = run.plan.as_ref();
        let request = Request {
            purpose: Purpose::Confirm,
            settings: LaunchSettings {
                warm_up_seconds: plan.and_then(|plan| plan.warm_up_seconds),
                measurement_seconds: plan.and_then(|plan| plan.measurement_seconds),
                sample_size: plan.and_then(|plan| plan.sample_size),
            },
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
        stage.progress.line(&format!("measuring {} suspects again, against run {baseline}", asked.len()));
        let mut world = stage.world();
        let arms = prepare(&variants, &recipe, &mut world)?;
        let measured = measure(&request, &arms.arms, &mut world);
        let closed = arms.close(&world);
        let outcome = measured?;
        closed?;
        Ok(outcome)
    }
}

/// Whether every executable of a run is kept.
fn kept(keep: &Keep, run: &Run) -> bool {
    !run.executables.is_empty()
        && run.executables.iter().all(|executable| keep.find(executable.digest).is_some())
}

/// The first of a suspect's baselines whose executables are kept.
fn baseline(
    stage: &Stage,
    keep: &Keep,
    asked: &Asked,
    seen: &mut BTreeMap<RunId, bool>,
) -> Result<Option<RunId>, CliError> {
    for (run, _) in asked.baselines.iter().take(LOOKED_THROUGH) {
        let known = seen.get(run).copied();
        let there = match known {
            Some(there) => there,
            None => kept(keep, &stage.store.run(run)?),
        };
        seen.insert(run.clone(), there);
        if there {
            return Ok(Some(run.clone()));
        }
    }
    Ok(None)
}

fn pruned(asked: &Asked) -> Confirmation {
    let looked = asked.baselines.len().min(LOOKED_THROUGH);
    let text = format!("of {looked} earlier runs of its level none has its executables kept on this machine");
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
        None if outcome.equal => nothing(
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
    use crate::model::ids::BenchmarkId;
    use crate::model::units::Metric;

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
