//! `bench-runner bisect BENCH --good A --bad B`: the commit that changed a benchmark, by experiment.
//!
//! The two ends are measured first: how far they are apart decides what a step must tell. Each step launches the good end
//! and the commit in the middle in turns; one that stays undecided is repeated with more time, and then ends the search
//! with the range that is left.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Session;
use super::experiment::{LAUNCH, MOST_BLOCKS, of_profile, seconds};
use super::stage::{self, BuildArgs, Stage, StageWishes, WhatArgs, build_request, fresh_seed};
use crate::analysis::experiment::{CONTROL_EVERY, FEWEST_BLOCKS, Rules, Stopping};
use crate::cli::Format;
use crate::criterion::build::BuildRequest;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::{
    Arms, Outcome, PreparedArm, Recipe, Request, Selection, folder_of, measure, prepare,
};
use crate::model::comparison::{Comparison, Verdict};
use crate::model::experiment::{Purpose, Variant};
use crate::model::ids::RunId;
use crate::process::SystemRunner;
use crate::worktree::Repository;

/// How often a step may be repeated, each time with twice the time.
const ATTEMPTS: u32 = 3;

/// Find the commit that changed a benchmark, by experiment
///
/// Measures good against bad first, then halves the commits between them. Each step is decided by interleaved launches with
/// an interval that holds whenever one stops; the chance that any step is wrong grows with them and is printed. Commits that do not build are passed over. Ends with 0 when a commit was
/// found, and with 120 when a range is left or the ends do not differ.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The benchmark, as `target/full_id`
    #[arg(value_name = "BENCH")]
    benchmark: String,
    /// A revision before the change
    #[arg(long, value_name = "REV")]
    good: String,
    /// A revision with the change
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    bad: String,
    /// Most time for measuring one step; a step that stays undecided gets twice and four times as much
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = seconds)]
    budget: f64,
    /// Take warm-up, measuring time and observations of a launch from a profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Cargo.toml of another workspace
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<std::path::PathBuf>,
    /// Package to measure; may be repeated
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
    /// Seed of the orders, to repeat them
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// End with 122 instead of waiting when another measurement is running
    #[arg(long)]
    no_wait: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When a side does not resolve or build, the benchmark is missing on one, or the store fails.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = stage::config(args.manifest_path.as_ref(), session)?;
    let what = WhatArgs {
        manifest_path: args.manifest_path.clone(),
        package: args.package.clone(),
        bench: args.benchmark.split_once('/').map(|(target, _)| vec![target.to_owned()]).unwrap_or_default(),
        filter: None,
        set: None,
    };
    let request = build_request(&what, &args.build, session, &config);
    let folder = folder_of(&request);
    let repository = Repository::open(&folder, &SystemRunner)?;
    let mut commits = vec![repository.commit(&args.good)?];
    commits.extend(repository.between(&args.good, &args.bad)?);
    if commits.len() < 2 || commits.last() != Some(&repository.commit(&args.bad)?) {
        let what = format!("`{}` is not an ancestor of `{}`", args.good, args.bad);
        return Err(CliError::new(exit_code::USAGE, what));
    }
    let settings = args.profile.as_ref().map_or(Ok(LAUNCH), |name| of_profile(name, &config))?;
    let wishes = StageWishes { no_wait: args.no_wait, ..StageWishes::default() };
    let stage = Stage::open(session, config, &wishes, &mut |_| Ok(()))?;
    let mut search = Search {
        args,
        request,
        stage,
        tested: Vec::new(),
        settings,
        seed: args.seed.unwrap_or_else(fresh_seed),
    };
    let found = search.search(&commits);
    search.stage.progress.finish();
    let answer = found?;
    let subject = repository.subject(&commits[answer.bad])?;
    present(session, &search, &commits, (&answer, &subject))?;
    if search.stage.cancel.is_cancelled() {
        return Ok(exit_code::INTERRUPTED);
    }
    Ok(if answer.is_found() { exit_code::DONE } else { exit_code::INCONCLUSIVE })
}

/// What is known: the change lies after `good` and not after `bad` (places among the commits).
struct Answer {
    good: usize,
    bad: usize,
    /// Ratio of the ends; `None` when they do not differ.
    effect: Option<f64>,
    skipped: BTreeSet<usize>,
}

impl Answer {
    fn is_found(&self) -> bool {
        self.effect.is_some() && self.bad == self.good + 1
    }
}

/// One experiment of the search.
struct Tested {
    commit: String,
    experiment: Option<RunId>,
    words: String,
    /// Chance that its answer is wrong, at most; 0 where executables tell.
    alpha: f64,
}

/// Which side a commit is on.
enum Side {
    Good,
    Bad,
    Unknown,
}

struct Search<'a> {
    args: &'a Args,
    request: BuildRequest,
    stage: Stage,
    tested: Vec<Tested>,
    settings: LaunchSettings,
    seed: u64,
}

impl Search<'_> {
    fn search(&mut self, commits: &[String]) -> Result<Answer, CliError> {
        let last = commits.len() - 1;
        let mut answer = Answer { good: 0, bad: last, effect: None, skipped: BTreeSet::new() };
        let ends = self.arms(&[commits[0].clone(), commits[last].clone()])?;
        let margin = self.stage.config.margin;
        let row = self.decided(&ends.arms, margin, &commits[last])?;
        if let Some(row) = row.filter(|row| matches!(row.verdict, Verdict::Regressed | Verdict::Improved)) {
            answer.effect = Some(row.ratio);
            // Half way between the ends, on the scale of logarithms: nearer to good, or nearer to bad?
            let half = (0.5 * row.ratio.ln().abs()).exp_m1();
            self.halve(commits, &ends.arms, (half, row.verdict), &mut answer)?;
        }
        ends.close(&self.stage.world())?;
        Ok(answer)
    }

    fn halve(
        &mut self,
        commits: &[String],
        ends: &[PreparedArm],
        (half, bad): (f64, Verdict),
        answer: &mut Answer,
    ) -> Result<(), CliError> {
        while let Some(middle) = middle(answer) {
            if self.stage.cancel.is_cancelled() {
                break;
            }
            let arms = match self.arms(&commits[middle..=middle]) {
                Ok(arms) => arms,
                Err(error)
                    if [exit_code::BUILD_FAILED, exit_code::NOTHING, exit_code::METADATA_FAILED]
                        .contains(&error.exit) =>
                {
                    self.step(
                        &commits[middle],
                        None,
                        "does not build, or has no such benchmark; passed over",
                    );
                    answer.skipped.insert(middle);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let side = self.side(ends, &arms.arms[0], (half, bad), &commits[middle])?;
            arms.close(&self.stage.world())?;
            match side {
                Side::Good => answer.good = middle,
                Side::Bad => answer.bad = middle,
                Side::Unknown => break,
            }
        }
        Ok(())
    }

    /// On which side a commit is, without measuring where its executable tells.
    fn side(
        &mut self,
        ends: &[PreparedArm],
        arm: &PreparedArm,
        (half, bad): (f64, Verdict),
        commit: &str,
    ) -> Result<Side, CliError> {
        let digests = |arm: &PreparedArm| -> Vec<_> {
            arm.suite.benches.iter().map(|bench| bench.executable.executable.digest).collect()
        };
        if digests(arm) == digests(&ends[0]) {
            self.step(commit, None, "the same executable as the good end");
            return Ok(Side::Good);
        }
        if digests(arm) == digests(&ends[1]) {
            self.step(commit, None, "the same executable as the bad end");
            return Ok(Side::Bad);
        }
        let row = self.decided(&[ends[0].clone(), arm.clone()], half, commit)?;
        Ok(match row.map(|row| row.verdict) {
            Some(verdict) if verdict == bad => Side::Bad,
            // A change the other way is not the one that is looked for.
            Some(Verdict::Unchanged | Verdict::Regressed | Verdict::Improved) => Side::Good,
            _ => Side::Unknown,
        })
    }

    /// The row of the benchmark, measured with more and more time until it is decided.
    fn decided(
        &mut self,
        arms: &[PreparedArm],
        margin: f64,
        commit: &str,
    ) -> Result<Option<Comparison>, CliError> {
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            self.seed = self.seed.wrapping_add(1);
            let request = Request {
                purpose: Purpose::Bisect,
                settings: self.settings,
                stopping: Stopping::Sequential {
                    fewest: FEWEST_BLOCKS,
                    most: MOST_BLOCKS << attempt,
                    budget_seconds: Some(self.args.budget * f64::from(1_u32 << attempt)),
                },
                control_every: CONTROL_EVERY,
                rules: Rules { margin, family_alpha: 1.0 - self.stage.config.comparison_level },
                seed: self.seed,
                measure_equal: false,
            };
            let outcome = measure(&request, arms, &mut self.stage.world())?;
            let row = outcome.result.contrasts.first().and_then(|contrast| contrast.rows.first()).cloned();
            let words = row.as_ref().map_or_else(|| said(&outcome), |row| row.reason.clone());
            self.step(commit, Some(outcome.experiment.id.clone()), &words);
            if let Some(step) = self.tested.last_mut().filter(|_| !outcome.equal) {
                step.alpha = request.rules.family_alpha;
            }
            let decided = row.as_ref().is_some_and(|row| row.verdict != Verdict::Inconclusive);
            last = row;
            if decided || outcome.equal || self.stage.cancel.is_cancelled() {
                break;
            }
        }
        Ok(last)
    }

    fn arms(&mut self, commits: &[String]) -> Result<Arms, CliError> {
        let variants: Vec<Variant> = commits
            .iter()
            .map(|commit| Variant {
                name: commit[..10].to_owned(),
                rev: Some(commit.clone()),
                ..Variant::default()
            })
            .collect();
        let filter = format!("^{}$", regex::escape(&self.args.benchmark));
        let recipe = Recipe {
            request: self.request.clone(),
            selection: Selection { set: "full".to_owned(), filter: Some(filter) },
            keep_worktrees: false,
        };
        prepare(&variants, &recipe, &mut self.stage.world())
    }

    fn step(&mut self, commit: &str, experiment: Option<RunId>, words: &str) {
        self.stage.progress.line(&format!("{}: {words}", &commit[..10]));
        self.tested.push(Tested {
            commit: commit.to_owned(),
            experiment,
            words: words.to_owned(),
            alpha: 0.0,
        });
    }
}

/// How many answers of the search rest on measuring, and the chance that any of them is wrong, at most: each has its own, and
/// one that is repeated has it again (Boole's inequality).
fn error_at_most(tested: &[Tested]) -> (usize, f64) {
    let measured: Vec<f64> = tested.iter().map(|step| step.alpha).filter(|alpha| *alpha > 0.0).collect();
    (measured.len(), measured.iter().sum::<f64>().min(1.0))
}

fn said(outcome: &Outcome) -> String {
    if outcome.equal {
        "equal executables: no effect is possible".to_owned()
    } else {
        "nothing was measured".to_owned()
    }
}

/// The commit nearest to the middle of the range that was not passed over.
fn middle(answer: &Answer) -> Option<usize> {
    let center = answer.good.midpoint(answer.bad);
    (answer.good + 1..answer.bad)
        .filter(|place| !answer.skipped.contains(place))
        .min_by_key(|place| place.abs_diff(center))
}

fn present(
    session: &Session,
    search: &Search<'_>,
    commits: &[String],
    (answer, subject): (&Answer, &str),
) -> Result<(), CliError> {
    let benchmark = &search.args.benchmark;
    let (measured, error) = error_at_most(&search.tested);
    if matches!(session.format, Format::Json | Format::Jsonl) {
        let steps: Vec<_> = search
            .tested
            .iter()
            .map(|step| serde_json::json!({"commit": step.commit, "experiment": step.experiment, "why": step.words}))
            .collect();
        let object = serde_json::json!({
            "schema": "bench-runner/bisect", "version": 1, "benchmark": benchmark,
            "culprit": answer.is_found().then(|| &commits[answer.bad]),
            "good": commits[answer.good], "bad": commits[answer.bad], "ratio": answer.effect, "steps": steps,
            "measured_steps": measured, "error_at_most": error,
        });
        return session.answer(&object.to_string());
    }
    let mut text = String::new();
    for step in &search.tested {
        let experiment =
            step.experiment.as_ref().map_or_else(String::new, |id| format!("  (experiment {id})"));
        _ = writeln!(text, "{}  {}{experiment}", &step.commit[..10], step.words);
    }
    match answer.effect {
        None => _ = writeln!(text, "\nno difference of {benchmark} was shown between the ends"),
        Some(_) if answer.is_found() => {
            _ = writeln!(text, "\n{} changed {benchmark}: {subject}", commits[answer.bad]);
        }
        Some(_) => {
            let left = &commits[answer.good + 1..=answer.bad];
            _ = writeln!(text, "\n{benchmark} changed in one of {} commits:", left.len());
            for commit in left {
                _ = writeln!(text, "  {commit}");
            }
        }
    }
    if let Some(ratio) = answer.effect {
        _ = writeln!(text, "the ends differ by {:+.1} %", (ratio - 1.0) * 100.0);
    }
    if measured > 0 {
        let steps =
            if measured == 1 { "1 measured step".to_owned() } else { format!("{measured} measured steps") };
        _ = writeln!(
            text,
            "{steps}: the chance that any of them is wrong, and the answer with it, is at most {:.0} %",
            100.0 * error
        );
    }
    session.answer(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_the_answer_is_that_of_all_steps_together() {
        let check = |alphas: &[f64], expected: (usize, f64)| {
            let step = |alpha: &f64| Tested {
                commit: String::new(),
                experiment: None,
                words: String::new(),
                alpha: *alpha,
            };
            let (count, error) = error_at_most(&alphas.iter().map(step).collect::<Vec<_>>());
            assert_eq!(count, expected.0, "{alphas:?}");
            assert!((error - expected.1).abs() < 1e-12, "{alphas:?}: {error}");
        };
        check(&[], (0, 0.0));
        // Where executables tell nothing can go wrong; a step that is repeated counts each time.
        check(&[0.05, 0.0, 0.05, 0.05], (3, 0.15));
        check(&[0.05; 30], (30, 1.0));
    }

    #[test]
    fn the_middle_avoids_what_was_passed_over() {
        let check = |good, bad, skipped: &[usize], expected| {
            let answer = Answer { good, bad, effect: Some(1.1), skipped: skipped.iter().copied().collect() };
            assert_eq!(middle(&answer), expected, "{good} {bad} {skipped:?}");
        };
        check(0, 8, &[], Some(4));
        check(0, 8, &[4], Some(3));
        check(0, 2, &[1], None);
        check(3, 4, &[], None);
        let answer = Answer { good: 3, bad: 4, effect: Some(1.2), skipped: BTreeSet::new() };
        assert!(answer.is_found() && !Answer { effect: None, ..answer }.is_found());
    }
}
