//! What to turn first, by the newest runs, and what experiments say about knobs that were turned.

use std::collections::BTreeMap;

use super::gather::Known;
use crate::error::CliError;
use crate::model::experiment::Purpose;
use crate::model::ids::RunId;
use crate::model::knob::{Confidence, KnobState, KnobVerdict, Proof, Recommendation};
use crate::model::site::KnobBoard;
use crate::report::site::Site;
use crate::store::Store;

/// Experiments looked through for knobs that were turned.
const EXPERIMENTS: u32 = 200;

/// Advice of the newest runs, each knob once and the surest first, what was tried, and what each trial proved.
pub(super) fn board(
    store: &Store,
    site: &Site,
    known: &Known,
) -> Result<(KnobBoard, BTreeMap<RunId, Proof>), CliError> {
    let mut advice: BTreeMap<&str, (String, &Recommendation)> = BTreeMap::new();
    for newest in known.newest.values() {
        let name = site.machine_name(&newest.report.run.identity.machine);
        for one in &newest.report.recommendations {
            let other = advice.get(one.knob.as_str());
            if other.is_none_or(|(_, other)| order(one) < order(other)) {
                advice.insert(&one.knob, (name.clone(), one));
            }
        }
    }
    let mut advice: Vec<(String, Recommendation)> =
        advice.into_values().map(|(name, one)| (name, one.clone())).collect();
    advice.sort_by(|a, b| order(&a.1).cmp(&order(&b.1)).then_with(|| a.1.knob.cmp(&b.1.knob)));
    let mut tried = Vec::new();
    for listing in store.experiments(EXPERIMENTS)? {
        if listing.purpose == Purpose::Knob {
            let result = store.experiment_result(&listing.id)?;
            tried.push((listing, result));
        }
    }
    Ok((KnobBoard { advice, tried }, proofs(known)))
}

/// What each trial proved, by experiment: stale where it holds for none of the newest runs.
fn proofs(known: &Known) -> BTreeMap<RunId, Proof> {
    let mut found = BTreeMap::new();
    for newest in known.newest.values() {
        let run = &newest.report.run;
        for proof in known.trials.at(Some((run, run.started))) {
            if proof.stale.is_empty() || !found.contains_key(&proof.experiment) {
                found.insert(proof.experiment.clone(), proof);
            }
        }
    }
    // Trials of suites of which no run is stored speak for themselves.
    for proof in known.trials.at(None) {
        found.entry(proof.experiment.clone()).or_insert(proof);
    }
    found
}

/// What may be tried before what only informs, what a trial verified first and what it found harmful last; then what promises
/// speed before what does not, the surer first, then the larger gain.
fn order(one: &Recommendation) -> (bool, u8, bool, std::cmp::Reverse<Confidence>, i64) {
    #[expect(clippy::cast_possible_truncation, reason = "a share of a million")]
    let gain = one.predicted_change.map_or(0, |(low, _)| (low * 1e6) as i64);
    let proven = match &one.proof {
        Some(proof) if proof.verdict == KnobVerdict::Verified && proof.stale.is_empty() => 0,
        Some(proof) if proof.verdict == KnobVerdict::Harmful => 2,
        _ => 1,
    };
    (
        one.state == KnobState::Information,
        proven,
        one.predicted_change.is_none(),
        std::cmp::Reverse(one.confidence),
        gain,
    )
}
