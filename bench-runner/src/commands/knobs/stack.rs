//! Verified knobs turned together: gains do not add up, so the whole is measured once more.

use std::collections::BTreeSet;

use super::super::{Session, stage as stages};
use super::trying::{self, Bench, Skipped};
use super::{StackArgs, load, present};
use crate::analysis::knobs::{Recipe as Sides, in_place, rule, standing};
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::comparison::Verdict;
use crate::model::experiment::Variant;
use crate::model::fact::Fact;
use crate::model::knob::{KnobState, KnobVerdict, Proof};

/// Runs `knobs stack`.
pub(super) fn run(args: &StackArgs, session: &Session) -> Result<ExitCode, CliError> {
    let config = stages::config(args.what.manifest_path.as_ref(), session)?;
    let mut stage = trying::stage(config, &args.how, session)?;
    let now = load::newest(&stage.store)?;
    let trials = load::Trials::of(&stage.store, &stage.config, now.as_ref().map(|run| run.suite.as_str()))?;
    let proofs = trials.at(now.as_ref().map(|run| (run, clock::now())));
    if together(&proofs, &[]).1.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, "no knob that could be stacked is verified and fresh")
            .hinted(Some("`bench-runner knobs try --all` tries them".to_owned())));
    }
    let mut bench = Bench::new(&mut stage, session, (&args.what, &args.build))?;
    // What the project has already is in both arms: only what it lacks is stacked.
    let (variant, taken, mut skipped) = together(&proofs, &bench.base.suite.facts);
    if taken.is_empty() {
        bench.close()?;
        stage.progress.finish();
        present::session(session, &[], &skipped)?;
        return Ok(exit_code::NOTHING);
    }
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
    let interrupted = bench.stage.cancel.is_cancelled();
    bench.close()?;
    stage.progress.finish();
    present::session(session, &found, &skipped)?;
    Ok(trying::exit(interrupted, &found))
}

/// The largest change for the better that is beyond doubt.
pub(super) fn gain(proof: &Proof) -> f64 {
    let decided = proof.rows.iter().filter(|row| row.verdict == Verdict::Improved);
    decided.map(|row| row.change).fold(0.0, f64::min)
}

/// One variant of all verified and fresh knobs, the largest gain first; of two that turn the same thing the larger stays, and what a
/// build with these facts has already is left out.
fn together(proofs: &[Proof], facts: &[Fact]) -> (Variant, Vec<String>, Vec<Skipped>) {
    let knobs: BTreeSet<&str> = proofs.iter().map(|proof| proof.knob.as_str()).collect();
    let mut standing: Vec<&Proof> = knobs.into_iter().filter_map(|knob| standing(proofs, knob)).collect();
    standing.retain(|proof| proof.verdict == KnobVerdict::Verified && proof.stale.is_empty());
    standing.sort_by(|a, b| gain(a).total_cmp(&gain(b)));
    let mut stack = Variant { name: "stack".to_owned(), ..Variant::default() };
    let (mut taken, mut skipped) = (Vec::new(), Vec::new());
    for proof in standing {
        let Some(found) = rule(&proof.knob).filter(|rule| rule.state == KnobState::Candidate) else {
            continue;
        };
        if in_place(found, facts) {
            let why = "the project has it already".to_owned();
            skipped.push(Skipped { knob: proof.knob.clone(), why });
            continue;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::{FactStatus, FactValue, Phase, keys};
    use crate::model::knob::ProofRow;
    use crate::model::units::Timestamp;

    fn proof(knob: &str, verdict: KnobVerdict, rows: &[(f64, Verdict)]) -> Proof {
        let row = |(change, verdict): &(f64, Verdict)| ProofRow {
            subject: "t/f".to_owned(),
            change: *change,
            interval: None,
            level: 0.95,
            pairs: 1,
            visible_from: None,
            verdict: *verdict,
        };
        Proof {
            experiment: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            knob: knob.to_owned(),
            tried: Timestamp(0),
            hw_class: String::new(),
            verdict,
            reason: String::new(),
            rows: rows.iter().map(row).collect(),
            stale: Vec::new(),
            times: 1,
            again: String::new(),
        }
    }

    #[test]
    fn a_gain_is_what_is_beyond_doubt() {
        let rows = [(-0.1, Verdict::Improved), (-0.4, Verdict::Inconclusive), (0.1, Verdict::Regressed)];
        assert!((gain(&proof("x", KnobVerdict::Verified, &rows)) + 0.1).abs() < 1e-12);
        assert!(gain(&proof("x", KnobVerdict::Verified, &[])).abs() < 1e-12);
    }

    #[test]
    fn what_the_project_has_is_not_stacked() {
        let better = [(-0.1, Verdict::Improved)];
        let verified = |knob: &str| proof(knob, KnobVerdict::Verified, &better);
        let proofs = [
            proof("build.lto-fat", KnobVerdict::Inconclusive, &[]),
            verified("build.lto-fat"),
            verified("build.codegen-units-1"),
            verified("build.overflow-checks"),
            proof("build.opt-level-3", KnobVerdict::Harmful, &[]),
        ];
        let (variant, taken, skipped) = together(&proofs, &[]);
        assert_eq!((taken.len(), skipped.len(), variant.profile_settings.len()), (2, 0, 2), "{taken:?}");
        let fat = Fact {
            key: keys::BUILD_LTO.to_owned(),
            value: Some(FactValue::Text("fat".to_owned())),
            unit: String::new(),
            status: FactStatus::Ok,
            source: String::new(),
            phase: Phase::Start,
        };
        let (_, taken, skipped) = together(&proofs, &[fat]);
        assert_eq!(taken, ["build.codegen-units-1"]);
        assert_eq!(
            (skipped[0].knob.as_str(), skipped[0].why.as_str()),
            ("build.lto-fat", "the project has it already")
        );
    }
}
