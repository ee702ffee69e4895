//! Verified knobs turned together: gains do not add up, so the whole is measured once more.

use super::super::{Session, stage as stages};
use super::trying::{self, Bench, Skipped};
use super::{StackArgs, load, present};
use crate::analysis::knobs::{Recipe as Sides, rule};
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::experiment::Variant;
use crate::model::knob::{KnobState, KnobVerdict, Proof};

/// Runs `knobs stack`.
pub(super) fn run(args: &StackArgs, session: &Session) -> Result<ExitCode, CliError> {
    let config = stages::config(args.what.manifest_path.as_ref(), session)?;
    let mut stage = trying::stage(config, &args.how, session)?;
    let now = load::newest(&stage.store)?;
    let proofs = load::proofs(&stage.store, &stage.config, now.as_ref().map(|run| (run, clock::now())))?;
    let (variant, taken, mut skipped) = together(&proofs);
    if taken.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, "no knob that could be stacked is verified and fresh")
            .hinted(Some("`bench-runner knobs try --all` tries them".to_owned())));
    }
    let mut bench = Bench::new(&mut stage, session, (&args.what, &args.build))?;
    bench.stage.progress.line(&format!("the stack: {}", taken.join(", ")));
    let not_ready = |why: String| CliError::new(exit_code::BUILD_FAILED, why);
    let turned = match variant.rustflags.is_empty() && variant.profile_settings.is_empty() {
        true => bench.base.again(|of_base| *of_base = variant),
        false => bench.built(variant).map_err(not_ready)?,
    };
    let words = format!("knobs stack{}", bench.words);
    let ready = bench.pair("stack".to_owned(), words, [bench.base.clone(), turned]).map_err(not_ready)?;
    let trials = bench.measure(&[ready], &args.how, &mut skipped)?;
    let found = trying::of_session(&bench, &trials)?;
    bench.close()?;
    stage.progress.finish();
    present::session(session, &found, &skipped)?;
    Ok(if found.is_empty() { exit_code::INCONCLUSIVE } else { exit_code::DONE })
}

/// The largest change for the better.
fn gain(proof: &Proof) -> f64 {
    proof.rows.iter().map(|row| row.change).fold(0.0, f64::min)
}

/// One variant of all verified and fresh knobs, the largest gain first; of two that turn the same thing the larger stays.
fn together(proofs: &[Proof]) -> (Variant, Vec<String>, Vec<Skipped>) {
    let mut newest: Vec<&Proof> = Vec::new();
    for proof in proofs {
        if newest.iter().all(|known| known.knob != proof.knob) {
            newest.push(proof);
        }
    }
    newest.retain(|proof| proof.verdict == KnobVerdict::Verified && proof.stale.is_empty());
    newest.sort_by(|a, b| gain(a).total_cmp(&gain(b)));
    let mut stack = Variant { name: "stack".to_owned(), ..Variant::default() };
    let (mut taken, mut skipped) = (Vec::new(), Vec::new());
    for proof in newest {
        let Some(found) = rule(&proof.knob).filter(|rule| rule.state == KnobState::Candidate) else {
            continue;
        };
        let Some(Sides::Arms { to, .. }) = found.trial.map(|trial| trial.recipe) else { continue };
        let one = to.variant(found.id);
        if dials(&one).iter().any(|dial| dials(&stack).contains(dial)) {
            let why = "a knob with a larger gain turns the same thing".to_owned();
            skipped.push(Skipped { knob: proof.knob.clone(), why });
            continue;
        }
        stack.rustflags.extend(one.rustflags);
        stack.without_flags.extend(one.without_flags);
        stack.profile_settings.extend(one.profile_settings);
        stack.environment.extend(one.environment);
        stack.affinity.extend(one.affinity);
        taken.push(proof.knob.clone());
    }
    (stack, taken, skipped)
}

/// What a variant turns.
fn dials(variant: &Variant) -> Vec<String> {
    let key = |flag: &String| flag.rsplit_once('=').map_or(flag.as_str(), |(key, _)| key).to_owned();
    let mut dials: Vec<String> = variant.rustflags.iter().map(key).collect();
    dials.extend(variant.profile_settings.keys().cloned());
    dials.extend(variant.environment.keys().cloned());
    dials.extend((!variant.affinity.is_empty()).then(|| "affinity".to_owned()));
    dials
}
