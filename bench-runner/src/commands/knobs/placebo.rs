//! Placebo trials: arms that differ in their hash and in nothing that runs, or in a change that was planted.
//!
//! Each trial is measured and judged as `knobs try` would, alone, and added to a file of comma-separated values; a second
//! call goes on where the first one ended.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::super::Session;
use super::super::stage::{self as stages, fresh_seed};
use super::trying::{self, Bench};
use super::{HowArgs, PlaceboArgs};
use crate::analysis::doctor::{Inputs, diagnose};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::PreparedArm;
use crate::files::{self, Access};
use crate::model::fact::Phase;
use crate::model::knob::{KnobVerdict, Proof};
use crate::stats::proportion::clopper_pearson;

/// Largest file of evidence, in bytes.
const EVIDENCE_LIMIT: u64 = 16 << 20;
/// Blocks of a placebo trial.
const BLOCKS: u32 = 8;
/// Most seconds of a trial of a planted change.
const PLANTED_SECONDS: f64 = 120.0;
/// Head of the evidence.
const HEAD: &str = "kind,seed,verdict,change,low,high,pairs,seconds,grade";

/// Runs `knobs placebo`.
pub(super) fn run(args: &PlaceboArgs, session: &Session) -> Result<ExitCode, CliError> {
    let planted = args.planted.as_deref().map(planted).transpose()?;
    let file = session.folder.join(&args.evidence);
    let mut lines = earlier(&file)?;
    let kind = if planted.is_some() { "planted" } else { "placebo" };
    let config = stages::config(args.what.manifest_path.as_ref(), session)?;
    let mut stage = trying::stage(config, &args.how, session)?;
    let mut bench = Bench::new(&mut stage, session, (&args.what, &args.build))?;
    let done = |lines: &[String]| lines.iter().filter(|line| line.starts_with(kind)).count();
    while done(&lines) < args.trials as usize && !bench.stage.cancel.is_cancelled() {
        let seed = args.how.seed.unwrap_or_else(fresh_seed).wrapping_add(lines.len() as u64);
        let arms = match &planted {
            Some(arms) => arms.map_arms(&bench.base),
            None => unlike_in_hash(&bench.base, bench.stage.site.scratch.path(), lines.len())?,
        };
        let how = how(&args.how, seed, planted.is_some());
        let facts = bench.stage.site.readers.machine(&bench.base.suite.root, Phase::Start);
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
    let count = |verdict: &str| of_kind.iter().filter(|line| line.split(',').nth(2) == Some(verdict)).count();
    let (verified, harmful) = (count("verified"), count("harmful"));
    let trials = of_kind.len();
    let fit = of_kind.iter().filter(|line| line.ends_with(",A") || line.ends_with(",B")).count();
    let called = if kind == "placebo" { verified + harmful } else { verified };
    let bounds = clopper_pearson(called as u64, trials as u64, 0.95).unwrap_or((0.0, 1.0));
    format!(
        "{trials} {kind} trials, {fit} of them on a machine of grade A or B: {verified} verified, {harmful} harmful, {} no \
         effect, {} inconclusive; {} between {:.2} and {:.2} % at 95 %",
        count("no_effect"),
        count("inconclusive"),
        if kind == "placebo" { "wrongly called" } else { "found" },
        bounds.0 * 100.0,
        bounds.1 * 100.0
    )
}
