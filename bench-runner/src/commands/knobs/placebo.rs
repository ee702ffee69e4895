//! Placebo trials: arms that differ in their hash and in nothing that runs, or in a change that was planted.
//!
//! Each trial is measured and judged as `knobs try` would, alone, and added to a file of comma-separated values; a second
//! call goes on where the first one ended. Trials of a planted change count on a machine of grade A or B; others are made
//! again, kept, and told apart.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::super::stage::{self as stages, fresh_seed};
use super::super::{Session, machine};
use super::trying::{self, Bench};
use super::{HowArgs, PlaceboArgs};
use crate::analysis::doctor::{Inputs, diagnose};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::PreparedArm;
use crate::files::{self, Access};
use crate::model::fact::{Fact, Phase, keys};
use crate::model::knob::{KnobVerdict, Proof};
use crate::stats::proportion::clopper_pearson;

/// Largest file of evidence, in bytes.
const EVIDENCE_LIMIT: u64 = 16 << 20;
/// Word of the evidence for arms that differ in nothing that runs.
const PLACEBO: &str = "placebo";
/// Word of the evidence for arms with a planted change.
const PLANTED: &str = "planted";
/// Blocks of a placebo trial.
const BLOCKS: u32 = 8;
/// Most seconds of a trial of a planted change.
const PLANTED_SECONDS: f64 = 120.0;
/// Trials of a planted change for each that is wanted, at most: on a machine that is never fit it must end.
const MOST_TRIES: usize = 3;
/// Averages that remember our own trials; how busy the machine is now is looked at instead.
const OUR_OWN: [&str; 3] = [keys::LOAD_ONE, keys::LOAD_RUNNABLE, keys::LOAD_PRESSURE_CPU];
/// Head of the evidence.
const HEAD: &str = "kind,seed,verdict,change,low,high,pairs,seconds,grade";

/// Runs `knobs placebo`.
pub(super) fn run(args: &PlaceboArgs, session: &Session) -> Result<ExitCode, CliError> {
    let planted = args.planted.as_deref().map(planted).transpose()?;
    let file = session.folder.join(&args.evidence);
    let mut lines = earlier(&file)?;
    let kind = if planted.is_some() { PLANTED } else { PLACEBO };
    let config = stages::config(args.what.manifest_path.as_ref(), session)?;
    let mut stage = trying::stage(config, &args.how, session)?;
    let mut bench = Bench::new(&mut stage, session, (&args.what, &args.build))?;
    while is_wanting(&lines, kind, args.trials as usize) && !bench.stage.cancel.is_cancelled() {
        let seed = args.how.seed.unwrap_or_else(fresh_seed).wrapping_add(lines.len() as u64);
        let arms = match &planted {
            Some(arms) => arms.map_arms(&bench.base),
            None => unlike_in_hash(&bench.base, bench.stage.site.scratch.path(), lines.len())?,
        };
        let how = how(&args.how, seed, planted.is_some());
        let facts = facts_now(&bench, planted.is_some());
        let grade = diagnose(&facts, &Inputs::default()).grade;
        let failed = |why: String| CliError::new(exit_code::BENCH_FAILED, why);
        let ready = bench.pair("placebo".to_owned(), "knobs placebo".to_owned(), arms).map_err(failed)?;
        let mut skipped = Vec::new();
        let trials = bench.measure(&[ready], &how, &mut skipped)?;
        if let Some(skipped) = skipped.first() {
            return Err(failed(skipped.why.clone()));
        }
        if bench.stage.cancel.is_cancelled() {
            break;
        }
        for proof in trying::of_session(&bench, &trials)? {
            let seconds = bench.seconds(&proof)?;
            lines.push(format!("{kind},{seed},{},{seconds:.1},{grade:?}", shown(&proof)));
        }
        files::write(&file, format!("{HEAD}\n{}\n", lines.join("\n")).as_bytes(), Access::Default)?;
    }
    let interrupted = bench.stage.cancel.is_cancelled();
    bench.close()?;
    stage.progress.finish();
    session.answer(&summary(&lines, kind))?;
    Ok(if interrupted { exit_code::INTERRUPTED } else { exit_code::DONE })
}

/// Whether more trials are to be made: placebos count on any machine, planted changes on a fit one.
fn is_wanting(lines: &[String], kind: &str, wanted: usize) -> bool {
    let of_kind = lines.iter().filter(|line| line.starts_with(kind));
    if kind == PLACEBO {
        return of_kind.count() < wanted;
    }
    let tries = of_kind.clone().count();
    of_kind.filter(|line| is_fit(line)).count() < wanted && tries < MOST_TRIES * wanted
}

/// Whether a trial began on a machine of grade A or B.
fn is_fit(line: &str) -> bool {
    line.ends_with(",A") || line.ends_with(",B")
}

/// The machine as it is right now; with a look at who computes besides where the grade decides what counts.
fn facts_now(bench: &Bench<'_>, decides: bool) -> Vec<Fact> {
    let mut facts = bench.stage.site.readers.machine(&bench.base.suite.root, Phase::Start);
    facts.retain(|fact| !OUR_OWN.contains(&fact.key.as_str()));
    if decides {
        facts.extend(machine::window(Phase::Start));
    }
    facts
}

/// A fixed number of blocks for placebos, time for planted changes.
fn how(asked: &HowArgs, seed: u64, planted: bool) -> HowArgs {
    let blocks = if planted { asked.blocks } else { Some(asked.blocks.unwrap_or(BLOCKS)) };
    HowArgs { blocks, seed: Some(seed), budget: asked.budget.min(PLANTED_SECONDS), ..asked.clone() }
}

/// The lines of earlier calls.
fn earlier(file: &Path) -> Result<Vec<String>, CliError> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let wrong =
        || CliError::new(exit_code::USAGE, format!("`{}` is no evidence of placebo trials", file.display()));
    let text = String::from_utf8(files::read(file, EVIDENCE_LIMIT)?).map_err(|_| wrong())?;
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        return Err(wrong());
    }
    Ok(lines.map(str::to_owned).collect())
}

/// A variable with the values of the two arms.
struct Planted {
    name: String,
    values: [String; 2],
}

impl Planted {
    fn map_arms(&self, base: &PreparedArm) -> [PreparedArm; 2] {
        [0, 1].map(|side: usize| {
            base.again(|variant| {
                variant.name = format!("arm {side}");
                variant.environment.insert(self.name.clone(), self.values[side].clone());
            })
        })
    }
}

fn planted(text: &str) -> Result<Planted, CliError> {
    let parts = text.split_once('=').and_then(|(name, values)| Some((name, values.split_once(',')?)));
    match parts {
        Some((name, (old, new))) if !name.is_empty() && !name.contains('\0') => {
            Ok(Planted { name: name.to_owned(), values: [old.to_owned(), new.to_owned()] })
        }
        _ => Err(CliError::new(exit_code::USAGE, format!("`--planted {text}` is not NAME=A,B"))),
    }
}

/// Two copies of an arm whose executables differ in an unused string of equal length at their end, which no loader reads.
fn unlike_in_hash(base: &PreparedArm, folder: &Path, trial: usize) -> Result<[PreparedArm; 2], CliError> {
    let copy = |side: usize| -> Result<PreparedArm, CliError> {
        let mut arm = base.again(|variant| variant.name = format!("arm {side}"));
        for bench in &mut arm.suite.benches {
            let executable = &mut bench.executable;
            let path = folder.join(format!("{}-{side}", executable.executable.target));
            if path.exists() {
                std::fs::remove_file(&path)?;
            }
            std::fs::copy(&executable.path, &path)?;
            let mut file = OpenOptions::new().append(true).open(&path)?;
            write!(file, "placebo {trial:>16} arm {side:>3}")?;
            drop(file);
            let (digest, bytes) = files::sha256_file(&path)?;
            (executable.path, executable.executable.digest, executable.executable.bytes) =
                (path, digest, bytes);
        }
        Ok(arm)
    };
    Ok([copy(0)?, copy(1)?])
}

fn shown(proof: &Proof) -> String {
    let verdict = match proof.verdict {
        KnobVerdict::Verified => "verified",
        KnobVerdict::Harmful => "harmful",
        KnobVerdict::NoEffect => "no_effect",
        KnobVerdict::Inconclusive => "inconclusive",
    };
    let Some(row) = proof.rows.first() else { return format!("{verdict},,,,0") };
    let (low, high) = row
        .interval
        .map_or((String::new(), String::new()), |(low, high)| (format!("{low:.5}"), format!("{high:.5}")));
    format!("{verdict},{:.5},{low},{high},{}", row.change, row.pairs)
}

/// Counts, with the bound at 95 % that they allow.
fn summary(lines: &[String], kind: &str) -> String {
    let of_kind: Vec<&String> = lines.iter().filter(|line| line.starts_with(kind)).collect();
    let counted: Vec<&String> =
        of_kind.iter().copied().filter(|line| kind == PLACEBO || is_fit(line)).collect();
    let count = |among: &[&String], verdict: &str| {
        among.iter().filter(|line| line.split(',').nth(2) == Some(verdict)).count()
    };
    let (verified, harmful) = (count(&counted, "verified"), count(&counted, "harmful"));
    let (trials, fit) = (counted.len(), of_kind.iter().filter(|line| is_fit(line)).count());
    let (called, word) =
        if kind == PLACEBO { (verified + harmful, "wrongly called") } else { (verified, "found") };
    let bounds = clopper_pearson(called as u64, trials as u64, 0.95).unwrap_or((0.0, 1.0));
    let found = format!(
        "{trials} {kind} trials: {verified} verified, {harmful} harmful, {} no effect, {} inconclusive; {word} in {:.1} %, \
         between {:.2} and {:.2} % at 95 %",
        count(&counted, "no_effect"),
        count(&counted, "inconclusive"),
        100.0 * called as f64 / trials.max(1) as f64,
        bounds.0 * 100.0,
        bounds.1 * 100.0
    );
    if kind == PLACEBO {
        return format!("{found}; {fit} of them began on a machine of grade A or B");
    }
    let unfit: Vec<&String> = of_kind.into_iter().filter(|line| !is_fit(line)).collect();
    format!(
        "{found}; {} more began on a machine of a worse grade and were made again ({} verified, {} harmful)",
        unfit.len(),
        count(&unfit, "verified"),
        count(&unfit, "harmful")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(kind: &str, rows: &[(&str, &str)]) -> Vec<String> {
        rows.iter().map(|(verdict, grade)| format!("{kind},1,{verdict},0,,,16,2.0,{grade}")).collect()
    }

    #[test]
    fn placebos_count_everywhere_and_planted_changes_on_fit_machines() {
        let rows = [("verified", "B"), ("inconclusive", "C"), ("harmful", "C"), ("verified", "A")];
        let placebo = summary(&lines(PLACEBO, &rows), PLACEBO);
        assert!(placebo.starts_with("4 placebo trials: 2 verified, 1 harmful, 0 no effect, 1"), "{placebo}");
        assert!(
            placebo.contains("wrongly called in 75.0 %")
                && placebo.ends_with("2 of them began on a machine of grade A or B")
        );
        let planted = summary(&lines(PLANTED, &rows), PLANTED);
        // Both ends of the exact interval of 2 of 2: 0.025^(1/2) = 15.8 %.
        assert!(planted.contains("found in 100.0 %, between 15.81 and 100.00 % at 95 %"), "{planted}");
        assert!(planted.ends_with(
            "2 more began on a machine of a worse grade and were made again (0 verified, 1 harmful)"
        ));
    }

    #[test]
    fn unfit_trials_are_made_again_and_it_ends() {
        let check = |kind: &str, grades: &[&str], wanted: usize, expected: bool| {
            let rows: Vec<(&str, &str)> = grades.iter().map(|grade| ("verified", *grade)).collect();
            assert_eq!(is_wanting(&lines(kind, &rows), kind, wanted), expected, "{kind} {grades:?}");
        };
        check(PLACEBO, &[], 1, true);
        check(PLACEBO, &["C"], 1, false);
        check(PLANTED, &["C"], 1, true);
        check(PLANTED, &["C", "B"], 1, false);
        check(PLANTED, &["C", "C", "X"], 1, false);
    }
}
