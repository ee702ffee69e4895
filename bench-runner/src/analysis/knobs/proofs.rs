//! Cards with what trials showed: which proof stands for a knob, which sentence it puts first, and what there is to paste then.
//!
//! What a trial says, and whether it still holds, is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::words;
use super::{Fired, Recipe, Rule, card, rule};
use crate::model::fact::Fact;
use crate::model::knob::{
    Confidence, Evidence, KnobState, KnobVerdict, Proof, ProofRow, Recommendation, TRIED_IN_VAIN,
};
use crate::model::run::Run;

/// Knobs named in one sentence.
const LISTED: usize = 6;

/// The proof that stands for a knob, of proofs in order of time, the newest first: the newest that holds and decided something,
/// else the newest that holds, else the newest.
///
/// A short trial that could not tell takes nothing from one that could; how often it came out so is said beside it.
#[must_use]
pub fn standing<'a>(proofs: &'a [Proof], knob: &str) -> Option<&'a Proof> {
    let of_knob = || proofs.iter().filter(|proof| proof.knob == knob);
    let decided = |proof: &&Proof| proof.stale.is_empty() && proof.verdict != KnobVerdict::Inconclusive;
    of_knob()
        .find(decided)
        .or_else(|| of_knob().find(|proof| proof.stale.is_empty()))
        .or_else(|| of_knob().next())
}

/// Adds to the reason of each proof how many trials of its knob verified it, where there were several and one did.
pub fn count_verified(proofs: &mut [Proof]) {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for proof in proofs.iter() {
        let (verified, all) = counts.entry(proof.knob.clone()).or_default();
        *all += 1;
        *verified += usize::from(proof.verdict == KnobVerdict::Verified);
    }
    for proof in proofs {
        if let Some((verified @ 1.., all @ 2..)) = counts.get(&proof.knob) {
            _ = write!(proof.reason, "; verified in {verified} of {all} trials");
        }
    }
}

/// Whether a build with these facts has a knob turned already.
#[must_use]
pub fn in_place(rule: &Rule, facts: &[Fact]) -> bool {
    match rule.trial.map(|trial| trial.recipe) {
        Some(Recipe::Arms { to, .. }) => to.is_in_place(facts),
        _ => false,
    }
}

/// The sentence to act on first, once a knob was tried; `own` is what the evidence of a run says.
///
/// A gain says what to do, a loss not to do it. What is measured for information is a price and never advice: its question comes
/// first, with the number. Where it is the point of a knob that nothing moves, that is its yes. A stale proof commands nothing.
#[must_use]
pub fn headline(rule: &Rule, proof: &Proof, own: Option<&str>) -> String {
    use KnobState::{Candidate, Information};
    use KnobVerdict::{Harmful, Inconclusive, NoEffect, Verified};
    let plain = || own.unwrap_or(rule.question).to_owned();
    let Some(trial) = rule.trial else { return plain() };
    let what = trial.what();
    match (proof.stale.is_empty(), rule.state, proof.verdict) {
        (false, Candidate, Verified) if own.is_none() => format!("{what}, if a trial here verifies it again"),
        (false, Candidate, Harmful) => format!("Try again whether it still does harm: {what}"),
        (false, ..) | (true, _, Inconclusive) => plain(),
        (true, _, NoEffect) if !trial.unmoved.is_empty() => trial.unmoved.to_owned(),
        (true, Candidate, Verified) => trial.action.to_owned(),
        (true, Candidate, Harmful) => format!("Do not do this here: {what}"),
        (true, Candidate, NoEffect) => format!("Not worth it here: {what}"),
        (true, Information, _) => {
            let price = proof.rows.first().map(|row| format!(" {} here", words::change(row.change)));
            let own = own.filter(|own| *own != rule.question).map(|own| format!(". {own}"));
            format!("{}{}{}", rule.question, price.unwrap_or_default(), own.unwrap_or_default())
        }
    }
}

/// What to paste once a knob was tried; `own` are the lines of a finding. Nothing where it is not to be turned.
#[must_use]
pub fn paste(rule: &Rule, proof: Option<&Proof>, own: &str) -> String {
    let (lines, unmoved) = rule.trial.map_or(("", ""), |trial| (trial.lines, trial.unmoved));
    let of_gain = rule.state == KnobState::Candidate;
    match proof.map(|proof| (proof.stale.is_empty(), proof.verdict)) {
        Some((_, KnobVerdict::Harmful)) if of_gain => String::new(),
        Some((true, KnobVerdict::NoEffect)) if of_gain && unmoved.is_empty() => String::new(),
        Some((true, KnobVerdict::Verified)) if !lines.is_empty() => rule.lines(""),
        _ if own.is_empty() => rule.lines(""),
        _ => own.to_owned(),
    }
}

/// Gives cards what trying showed, newest proof first in `proofs`; one that says something without a card gets one.
///
/// Information never becomes a candidate, whatever a trial says. Cards whose knob is proven to gain come first.
#[must_use]
pub fn with_proofs(mut cards: Vec<Recommendation>, proofs: &[Proof], run: &Run) -> Vec<Recommendation> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for newest in proofs {
        if !seen.insert(&newest.knob) {
            continue;
        }
        let (Some(rule), Some(proof)) = (rule(&newest.knob), standing(proofs, &newest.knob)) else {
            continue;
        };
        if is_in_vain(rule, proof) {
            // What was tried and does nothing here is not advised: it stands on a card of its own.
            cards.retain(|card| !is_about(rule, card));
            continue;
        }
        let mut known = false;
        for card in cards.iter_mut().filter(|card| is_about(rule, card)) {
            tell(card, rule, proof, run);
            known = true;
        }
        if !known && says_something(rule, proof) {
            cards.push(proven(rule, proof, run));
        }
    }
    cards.extend(in_vain(proofs));
    let rank = |card: &Recommendation| match &card.proof {
        Some(proof) if proof.verdict == KnobVerdict::Verified && proof.stale.is_empty() => 0,
        Some(proof) if proof.verdict == KnobVerdict::Harmful => 2,
        _ if card.knob == TRIED_IN_VAIN => 3,
        _ => 1,
    };
    cards.sort_by_key(|card| (card.state, rank(card)));
    cards
}

/// Whether the trial of a rule tries what a card says: a finding with lines of its own may be about another size or backend.
fn is_about(rule: &Rule, card: &Recommendation) -> bool {
    card.knob == rule.id && rule.trial.is_some_and(|trial| card.how.contains(trial.lines))
}

/// Whether a gain was looked for here, and there is none.
fn is_in_vain(rule: &Rule, proof: &Proof) -> bool {
    proof.stale.is_empty()
        && proof.verdict == KnobVerdict::NoEffect
        && rule.state == KnobState::Candidate
        && rule.trial.is_some_and(|trial| trial.unmoved.is_empty())
}

/// Whether a proof is worth a card although no evidence of the run asks for it.
fn says_something(rule: &Rule, proof: &Proof) -> bool {
    match proof.verdict {
        KnobVerdict::Verified | KnobVerdict::Harmful => rule.trial.is_some(),
        KnobVerdict::NoEffect => {
            proof.stale.is_empty() && rule.trial.is_some_and(|trial| !trial.unmoved.is_empty())
        }
        KnobVerdict::Inconclusive => false,
    }
}

/// Puts what a trial showed onto a card.
fn tell(card: &mut Recommendation, rule: &Rule, proof: &Proof, run: &Run) {
    card.action = headline(rule, proof, Some(&card.action));
    card.how = paste(rule, Some(proof), &card.how);
    keep(card, rule, proof, run);
    card.proof = Some(proof.clone());
}

/// A verified knob that the run had turned already is to be kept; there is nothing to paste.
fn keep(card: &mut Recommendation, rule: &Rule, proof: &Proof, run: &Run) {
    let gains = rule.state == KnobState::Candidate && proof.verdict == KnobVerdict::Verified;
    if gains && proof.stale.is_empty() && in_place(rule, &run.facts) {
        card.action = format!("Keep what is in place already: {}", card.action);
        card.how.clear();
    }
}

/// The card of a knob for which nothing but its trial speaks.
fn proven(rule: &Rule, proof: &Proof, run: &Run) -> Recommendation {
    let made = Fired::new(headline(rule, proof, None), proof.reason.clone(), Vec::new());
    let mut made = card(rule, made, run);
    made.how = paste(rule, Some(proof), "");
    keep(&mut made, rule, proof, run);
    Recommendation { proof: Some(proof.clone()), ..made }
}

/// One card for all knobs that were tried for a gain and have none: what to leave alone is worth knowing too.
fn in_vain(proofs: &[Proof]) -> Option<Recommendation> {
    let knobs: BTreeSet<&str> = proofs.iter().map(|proof| proof.knob.as_str()).collect();
    let refuted: Vec<(&Rule, &Proof)> = knobs
        .into_iter()
        .filter_map(|knob| Some((rule(knob)?, standing(proofs, knob)?)))
        .filter(|(rule, proof)| is_in_vain(rule, proof))
        .collect();
    let (first, _) = refuted.first()?;
    let names: Vec<String> = refuted.iter().map(|(_, proof)| proof.knob.clone()).collect();
    let evidence = refuted.iter().map(|(_, proof)| Evidence {
        label: proof.knob.clone(),
        value: proof.rows.first().map_or_else(|| proof.reason.clone(), strongest),
        run: proof.experiment.clone(),
    });
    // Equal executables were not launched.
    let launched = refuted.iter().filter(|(_, proof)| !proof.rows.is_empty()).count();
    let because = [
        (launched, "tried here in turns with the project as it is, and moved nothing beyond the margin"),
        (refuted.len() - launched, "not launched, since with and without it the executables are the same"),
    ];
    let because: Vec<String> = because
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {} {what}", words::count(count as u64, "knob"), was(count)))
        .collect();
    Some(Recommendation {
        knob: TRIED_IN_VAIN.to_owned(),
        group: first.group,
        action: format!("Leave as it is: {}", words::list(&names, LISTED)),
        because: because.join("; "),
        evidence: evidence.collect(),
        predicted_change: None,
        confidence: Confidence::High,
        cost: "none: nothing is to be done".to_owned(),
        risk: "another machine, compiler or code may say otherwise".to_owned(),
        how: String::new(),
        state: KnobState::Candidate,
        proof: None,
    })
}

fn was(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// The strongest row of a proof in words.
fn strongest(row: &ProofRow) -> String {
    let interval = row
        .interval
        .map_or(String::new(), |(low, high)| format!(" [{}, {}]", words::change(low), words::change(high)));
    format!("{} {}{interval}", row.subject, words::change(row.change))
}

#[cfg(test)]
mod tests;
