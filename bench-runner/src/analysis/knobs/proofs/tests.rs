//! What proofs make of cards: over the whole catalogue, and one case of each kind.

use super::super::super::examples::{fact, run};
use super::super::{Trial, rules};
use super::*;
use crate::model::comparison::Verdict;
use crate::model::fact::keys;
use crate::model::ids::RunId;
use crate::model::units::Timestamp;
use KnobVerdict::{Harmful, Inconclusive, NoEffect, Verified};

fn proof(knob: &str, verdict: KnobVerdict, stale: &[&str]) -> Proof {
    let change = match verdict {
        Verified => -0.12,
        Harmful => 0.12,
        NoEffect | Inconclusive => 0.001,
    };
    let row = ProofRow {
        subject: "t/f".to_owned(),
        change,
        interval: Some((change - 0.01, change + 0.01)),
        level: 0.99,
        pairs: 32,
        visible_from: Some(0.02),
        verdict: Verdict::Inconclusive,
    };
    Proof {
        experiment: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<RunId>().unwrap(),
        knob: knob.to_owned(),
        tried: Timestamp(0),
        hw_class: "x".to_owned(),
        verdict,
        reason: "because".to_owned(),
        rows: vec![row],
        stale: stale.iter().map(|&text| text.to_owned()).collect(),
        times: 1,
        again: "bench-runner knobs try".to_owned(),
    }
}

/// The card of a finding with that sentence and those lines.
fn found(id: &str, action: &str, how: &str) -> Recommendation {
    let fired = Fired { how: how.to_owned(), ..Fired::new(action.to_owned(), String::new(), Vec::new()) };
    card(rule(id).unwrap(), fired, &run('M'))
}

fn tried() -> impl Iterator<Item = (&'static Rule, Trial)> {
    rules().filter_map(|rule| Some((rule, rule.trial?)))
}

/// A loss is advised against in words that were tried, and without those of another answer. A price never becomes advice.
#[test]
fn harm_is_advised_against_and_a_price_is_not() {
    for (rule, trial) in tried() {
        let harmful = proof(rule.id, Harmful, &[]);
        let own = found(rule.id, "Do what the evidence says", "");
        for cards in [Vec::new(), vec![own]] {
            let fired = !cards.is_empty();
            let made = with_proofs(cards, std::slice::from_ref(&harmful), &run('M'));
            let [card] = made.as_slice() else { panic!("{}: {made:#?}", rule.id) };
            if rule.state == KnobState::Information {
                assert!(!card.action.contains("Do not"), "{}", card.action);
                assert!(
                    card.action.starts_with(&format!("{} +12.0 % here", rule.question)),
                    "{}",
                    card.action
                );
                assert_eq!(card.action.ends_with("Do what the evidence says"), fired, "{}", card.action);
                assert_eq!(card.how, rule.lines(""), "{}", rule.id);
            } else {
                assert_eq!(card.action, format!("Do not do this here: {}", trial.what()));
                assert!(!card.action.contains("nothing here") && card.how.is_empty(), "{}", card.action);
            }
        }
    }
}

/// Where it is the point that nothing moves, that is what the card says; where a gain was looked for, the card goes.
#[test]
fn no_effect_is_an_answer_where_it_was_asked_for() {
    let mut answers = 0;
    for (rule, trial) in tried() {
        let nothing = proof(rule.id, NoEffect, &[]);
        for cards in [Vec::new(), vec![found(rule.id, "Do it", "")]] {
            let made = with_proofs(cards, std::slice::from_ref(&nothing), &run('M'));
            let [card] = made.as_slice() else { panic!("{}: {made:#?}", rule.id) };
            if trial.unmoved.is_empty() {
                assert_eq!((card.knob.as_str(), rule.state), (TRIED_IN_VAIN, KnobState::Candidate));
            } else {
                assert_eq!((card.knob.as_str(), card.action.as_str()), (rule.id, trial.unmoved));
                assert_eq!(card.how, rule.lines(""), "{}", rule.id);
                answers += 1;
            }
        }
        assert!(rule.state == KnobState::Candidate || !trial.unmoved.is_empty(), "{} has no price", rule.id);
        assert!(!trial.action.contains("nothing here"), "{}: said of a gain", rule.id);
    }
    assert_eq!(answers, 2 * 13);
    let strict = headline(rule("caller.strict-batch").unwrap(), &proof("x", NoEffect, &[]), None);
    assert!(strict.starts_with("Under the strict rule batching does not pay: keep decoded keys"), "{strict}");
}

/// What does not hold any more commands nothing, and what could not tell changes nothing.
#[test]
fn stale_proofs_and_open_ones_command_nothing() {
    for (rule, trial) in tried() {
        for verdict in [Verified, Harmful, NoEffect, Inconclusive] {
            let stale = headline(rule, &proof(rule.id, verdict, &["compiler: 1 -> 2"]), None);
            assert!(!stale.starts_with("Do not") && stale != trial.unmoved, "{stale}");
            assert_ne!(stale, trial.action);
        }
        let open = headline(rule, &proof(rule.id, Inconclusive, &[]), Some("own"));
        assert_eq!(open, "own");
    }
    let fat = rule("build.lto-fat").unwrap();
    let stale = |verdict| headline(fat, &proof("build.lto-fat", verdict, &["x"]), None);
    assert_eq!(stale(Verified), "Build with fat link-time optimisation, if a trial here verifies it again");
    assert_eq!(stale(Harmful), "Try again whether it still does harm: Build with fat link-time optimisation");
    assert_eq!(stale(NoEffect), fat.question);
}

#[test]
fn proofs_come_onto_cards_and_get_cards_of_their_own() {
    let check = |proofs: &[Proof], expected: &[(&str, KnobVerdict, bool)]| {
        let cards = with_proofs(Vec::new(), proofs, &run('M'));
        let found: Vec<(&str, KnobVerdict, bool)> = cards
            .iter()
            .filter_map(|card| {
                let proof = card.proof.as_ref()?;
                Some((card.knob.as_str(), proof.verdict, proof.stale.is_empty()))
            })
            .collect();
        assert_eq!(found, expected);
    };
    let stale = proof("build.lto-fat", Verified, &["compiler: 1 -> 2"]);
    check(&[], &[]);
    check(std::slice::from_ref(&stale), &[("build.lto-fat", Verified, false)]);
    check(&[proof("build.lto-fat", Verified, &[]), stale], &[("build.lto-fat", Verified, true)]);
    check(&[proof("build.lto-fat", Inconclusive, &[])], &[]);
    let harmful = proof("build.target-cpu-native", Harmful, &[]);
    let both = [harmful, proof("build.lto-fat", Verified, &[])];
    check(&both, &[("build.lto-fat", Verified, true), ("build.target-cpu-native", Harmful, true)]);
    // What is no knob of the catalogue gets no card.
    check(&[proof("stack", Verified, &[]), proof("placebo", Harmful, &[])], &[]);
    // Information stays information.
    let price = with_proofs(Vec::new(), &[proof("build.overflow-checks", Verified, &[])], &run('M'));
    assert_eq!(price[0].state, KnobState::Information);
}

/// A trial of another machine, or a short one that could not tell, does not hide one that holds and decided.
#[test]
fn the_newest_that_holds_and_decided_stands() {
    let check = |proofs: &[(KnobVerdict, bool)], expected: Option<usize>| {
        let proofs: Vec<Proof> = proofs
            .iter()
            .zip(0..)
            .map(|((verdict, fresh), at)| Proof {
                tried: Timestamp(100 - at),
                ..proof("build.lto-fat", *verdict, if *fresh { &[] } else { &["hardware class: a -> b"] })
            })
            .collect();
        let stands = standing(&proofs, "build.lto-fat");
        let place = stands.map(|stands| proofs.iter().position(|proof| proof.tried == stands.tried).unwrap());
        assert_eq!(place, expected, "{proofs:#?}");
        assert_eq!(standing(&proofs, "build.lto-thin"), None);
    };
    check(&[], None);
    check(&[(Verified, true), (Harmful, true)], Some(0));
    check(&[(Harmful, false), (Verified, true)], Some(1));
    check(&[(Inconclusive, true), (Verified, true)], Some(1));
    check(&[(Inconclusive, true), (Verified, false)], Some(0));
    check(&[(NoEffect, true), (Verified, true)], Some(0));
    check(&[(Verified, false), (Harmful, false)], Some(0));
    // The card and the sentence about what was in vain follow it.
    let hidden = [proof("build.lto-fat", Inconclusive, &[]), proof("build.lto-fat", NoEffect, &[])];
    assert_eq!(with_proofs(Vec::new(), &hidden, &run('M'))[0].knob, TRIED_IN_VAIN);
    // How often it came out so is said.
    let mut counted = vec![
        proof("build.lto-fat", Inconclusive, &[]),
        proof("build.lto-fat", Verified, &[]),
        proof("build.lto-thin", Verified, &[]),
    ];
    count_verified(&mut counted);
    let reasons: Vec<&str> = counted.iter().map(|proof| proof.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["because; verified in 1 of 2 trials", "because; verified in 1 of 2 trials", "because"]
    );
}

#[test]
fn what_was_tried_in_vain_stands_on_one_card() {
    let equal = |knob: &str| Proof { rows: Vec::new(), ..proof(knob, NoEffect, &[]) };
    let nothing = [
        proof("build.lto-fat", NoEffect, &[]),
        proof("build.lto-fat", Verified, &[]),
        proof("build.opt-level-3", NoEffect, &["compiler: 1 -> 2"]),
        proof("machine.pin-first", NoEffect, &[]),
        equal("build.inline-threshold"),
        proof("stack", NoEffect, &[]),
        proof("placebo", NoEffect, &[]),
    ];
    let cards = with_proofs(Vec::new(), &nothing, &run('M'));
    let [card] = cards.as_slice() else { panic!("{cards:#?}") };
    assert_eq!(card.action, "Leave as it is: build.inline-threshold, build.lto-fat, machine.pin-first");
    // What was never launched is not said to have been.
    assert_eq!(
        card.because,
        "2 knobs were tried here in turns with the project as it is, and moved nothing beyond the margin; \
         1 knob was not launched, since with and without it the executables are the same"
    );
    assert_eq!(card.evidence.len(), 3);
}

/// A proof stands on the sentence that was tried, and on no card about something else.
#[test]
fn a_proof_stands_on_what_was_tried() {
    let size = |number: u32| {
        let how = format!(
            "use kms::Rule;\nfor batch in items.chunks({number}) {{\n    verdicts.extend(kms::Zip215::verify_many(batch));\n}}"
        );
        found("caller.batch-size", &format!("Batch {number} operations"), &how)
    };
    let verified = proof("caller.batch-size", Verified, &[]);
    let with = |card| with_proofs(vec![card], std::slice::from_ref(&verified), &run('M'));
    let same = with(size(32));
    assert_eq!(same.len(), 1);
    assert!(same[0].action.starts_with("Batch 32 verifications where the protocol allows"), "{same:#?}");
    let other = with(size(64));
    assert_eq!(other.len(), 2, "{other:#?}");
    assert!(other[0].action.starts_with("Batch 32 ") && other[0].proof.is_some());
    assert_eq!((other[1].action.as_str(), &other[1].proof), ("Batch 64 operations", &None));
    // Nor does it take away the card of another size.
    let refuted = proof("caller.batch-size", NoEffect, &[]);
    let left = with_proofs(vec![size(64), size(32)], &[refuted], &run('M'));
    let actions: Vec<&str> = left.iter().map(|card| card.action.as_str()).collect();
    assert_eq!(actions, ["Batch 64 operations", "Leave as it is: caller.batch-size"]);
    // The names that are tried are those of the lines to paste.
    let cache = rule("caller.hot-key-cache").unwrap().trial.unwrap();
    assert!(cache.lines.contains("KeyCache") && format!("{:?}", cache.recipe).contains("verify_one/cached"));
}

/// A verified knob that the run had turned already is to be kept, and there is nothing to paste.
#[test]
fn what_is_in_place_is_kept() {
    let verified = [proof("build.curve-backend", Verified, &[])];
    let action = |flags: &str| {
        let mut run = run('M');
        run.facts = vec![fact(keys::BUILD_FLAGS, flags)];
        let card = with_proofs(Vec::new(), &verified, &run).remove(0);
        (card.action, card.how.is_empty())
    };
    let sentence = "Let verification use the AVX-512 IFMA backend";
    assert_eq!(action("none"), (sentence.to_owned(), false));
    let kept = format!("Keep what is in place already: {sentence}");
    assert_eq!(action("--cfg=curve25519_dalek_backend=\"avx512\""), (kept, true));
}
