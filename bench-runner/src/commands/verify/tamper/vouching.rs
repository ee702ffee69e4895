//! What nobody signed: deletions that call themselves pruning, words that were slipped in, and statements that are remembered.

use std::sync::Arc;

use super::example::{record, signed_store};
use super::{NOW, audit, audited, unguard};
use crate::attest::{Key, Trust};
use crate::commands::verify::audit_with;
use crate::model::decision::{Decision, DecisionKind};
use crate::model::record::{Annotation, NoteTarget};
use crate::model::seal::{Audit, Signer, Statement, Tampering, payload_digest};
use crate::model::units::Timestamp;
use crate::store::{Audited, Remembered, Store};

/// Deletes the measurements of a run as folding does, by hand, and writes down that they were folded.
const DRESSED: &str = "
    INSERT INTO pruned_run VALUES (1, 5);
    INSERT INTO folded_run VALUES (1, 5);
    INSERT INTO pruned_sample SELECT measurement_id, zeroblob(32)
        FROM measurement JOIN launch USING (launch_id) WHERE run_id = 1;
    DELETE FROM sample WHERE measurement_id IN
        (SELECT measurement_id FROM measurement JOIN launch USING (launch_id) WHERE run_id = 1);
    DELETE FROM pruned_sample WHERE measurement_id IN
        (SELECT measurement_id FROM measurement JOIN launch USING (launch_id) WHERE run_id = 1);
    DELETE FROM measurement WHERE launch_id IN (SELECT launch_id FROM launch WHERE run_id = 1);";

/// A waiver that nobody with the key decided on.
const FORGED: &str = "INSERT INTO decision (subject, kind, reason, until_us, at_us)
    VALUES ('suite/sign/f2', 'waive', 'forged', 9, 5)";

fn signer() -> Arc<dyn Signer> {
    Arc::new(Key::from_seed(&[42; 32]))
}

fn waive(store: &mut Store) {
    let decision = Decision {
        subject: "suite/sign/f1".to_owned(),
        kind: DecisionKind::Waive,
        reason: "known".to_owned(),
        until: Some(NOW),
        at: NOW,
    };
    store.decide(&decision).unwrap();
}

fn note() -> Annotation {
    Annotation {
        target: NoteTarget::Run,
        id: record(0).run.id.to_string(),
        kind: "remark".to_owned(),
        text: "later".to_owned(),
        at: NOW,
    }
}

/// Whether an audit says of run 1 that something was deleted.
fn is_deleted(audit: &Audit) -> bool {
    let id = record(0).run.id.to_string();
    audit.problems.iter().any(|problem| problem.what == Tampering::Deleted && problem.subject == id)
}

#[test]
fn pruning_and_folding_keep_the_chain_valid() {
    let (mut store, trust, heads) = signed_store();
    let line = store.series(None).unwrap().remove(0);
    let before = store.history(&line).unwrap();
    let later = Timestamp(i64::MAX);
    // Annotated runs and arms are kept; nothing else is left here to prune.
    assert_eq!(store.prune(later, NOW, true).unwrap().kept.len(), 6);
    let mut plain = Store::open_in_memory(NOW).unwrap();
    plain.set_signer(Arc::new(Key::from_seed(&[42; 32])));
    for number in 0..4 {
        plain.import_run(&record(number)).unwrap();
    }
    plain.set_baseline("main", &record(3).run.id, NOW).unwrap();
    let plain_heads = plain.heads().unwrap();
    let lines = plain.series(None).unwrap();
    let histories = |store: &Store| {
        format!("{:?}", lines.iter().map(|key| store.history(key).unwrap()).collect::<Vec<_>>())
    };
    let as_measured = histories(&plain);
    // Without the key nothing that is signed is deleted: it would be a deletion.
    let pruned = plain.copy().prune(later, NOW, false).unwrap();
    assert_eq!((pruned.runs.len(), pruned.kept.len()), (0, 4));
    assert!(pruned.kept.iter().filter(|(_, reason)| reason.contains("without the key")).count() == 3);
    let pruned = plain.prune(later, NOW, false).unwrap();
    assert_eq!((pruned.runs.len(), pruned.samples, pruned.kept.len()), (3, 18, 1));
    assert!(matches!(plain.record(&record(0).run.id), Err(crate::store::StoreError::Pruned { .. })));
    let audit = audit(&trust, &plain, Some(&plain_heads));
    assert_eq!((audit.problems, audit.pruned), (Vec::new(), 3));
    assert_eq!(plain.copy().fold(later, NOW, false).unwrap().kept.len(), 3);
    assert_eq!(plain.fold(later, NOW, false).unwrap().runs.len(), 3);
    let audit = self::audit(&trust, &plain, Some(&plain_heads));
    assert_eq!((audit.problems, audit.pruned, audit.folded), (Vec::new(), 0, 3));
    assert_eq!(histories(&plain), as_measured, "lines of history lose nothing");
    assert_eq!(plain.odd_histories().unwrap(), []);
    assert!(plain.check(|_| {}).unwrap().is_sound());
    unguard(plain.raw());
    plain.raw().execute("UPDATE night SET value = value * 1.01 WHERE run_id = 1", []).unwrap();
    let audit = self::audit(&trust, &plain, Some(&plain_heads));
    assert!(
        audit.problems.iter().any(|problem| problem.detail.starts_with("nights")),
        "{:?}",
        audit.problems
    );
    assert_eq!((store.history(&line).unwrap(), heads), (before, store.heads().unwrap()));
}

#[test]
fn a_deletion_dressed_as_pruning_is_a_deletion() {
    let (store, trust, heads) = signed_store();
    // Through the triggers, which make words of it; and around them, without a trace.
    for guarded in [true, false] {
        let mut copy = store.copy();
        if !guarded {
            unguard(copy.raw());
        }
        copy.raw().execute_batch(DRESSED).unwrap();
        assert!(is_deleted(&audit(&trust, &copy, Some(&heads))), "{guarded}");
        // The next word does not sign it away.
        copy.set_signer(signer());
        waive(&mut copy);
        assert!(is_deleted(&audit(&trust, &copy, Some(&heads))), "{guarded}, later");
    }
    // Measurements in a folded run were never signed.
    let copy = store.copy();
    unguard(copy.raw());
    let again = "INSERT INTO measurement SELECT measurement_id + 1000,
            (SELECT launch_id FROM launch JOIN folded_run USING (run_id) LIMIT 1), position, series_id, protocol_id,
            observations, median, minimum, sha256
        FROM measurement LIMIT 1";
    assert_eq!(copy.raw().execute(again, []).unwrap(), 1);
    let found = audit(&trust, &copy, Some(&heads)).problems;
    assert!(found.iter().any(|problem| problem.what == Tampering::Added), "{found:?}");
}

#[test]
fn prunings_from_before_they_were_signed_are_listed() {
    let (store, trust, _) = signed_store();
    // As a migration leaves a store that was pruned before: the words are there, and then that of the store.
    store
        .raw()
        .execute_batch(
            "DROP TRIGGER link_is_kept; DROP TRIGGER word_is_closed;
             DELETE FROM link WHERE chain_id = (SELECT chain_id FROM chain WHERE name = 'words');
             UPDATE word SET word_id = 1000 WHERE kind = 'store'",
        )
        .unwrap();
    let pruned: Vec<String> = [10, 11].iter().map(|number| record(*number).run.id.to_string()).collect();
    let listed = |store: &Store| {
        let Audited { audit, mut doubts } = audited(&trust, store, None);
        assert_eq!(audit.problems, []);
        doubts.unsigned_prunings.sort();
        assert_eq!(doubts.unsigned_prunings, pruned);
        (doubts.unsigned_words.len(), doubts.found_words.len())
    };
    assert_eq!(listed(&store), (22, 0));
    let mut store = store.copy();
    store.set_signer(signer());
    waive(&mut store);
    assert_eq!(listed(&store), (0, 22));
    // From then on what nobody signed is a deletion.
    store.raw().execute_batch(DRESSED).unwrap();
    assert!(is_deleted(&audit(&trust, &store, None)));
    waive(&mut store);
    assert!(is_deleted(&audit(&trust, &store, None)));
}

#[test]
fn words_that_were_slipped_in_are_never_signed_as_added() {
    let (mut store, trust, heads) = signed_store();
    store.raw().execute(FORGED, []).unwrap();
    let Audited { audit, doubts } = audited(&trust, &store, Some(&heads));
    assert_eq!((audit.problems, audit.unsigned_words), (Vec::new(), 1));
    assert!(matches!(doubts.unsigned_words.as_slice(), [one] if one.contains("\"forged\"")), "{doubts:?}");
    waive(&mut store);
    let Audited { audit, doubts } = audited(&trust, &store, Some(&heads));
    assert_eq!((audit.problems, audit.words, audit.unsigned_words), (Vec::new(), 24, 0));
    assert!(matches!(doubts.found_words.as_slice(), [one] if one.contains("\"forged\"")), "{doubts:?}");
    // It stays one, whatever is signed later, and is fixed.
    waive(&mut store);
    assert_eq!(audited(&trust, &store, None).doubts, doubts);
    unguard(store.raw());
    store.raw().execute("UPDATE decision SET until_us = 10 WHERE reason = 'forged'", []).unwrap();
    let found = self::audit(&trust, &store, None).problems;
    assert!(matches!(found.as_slice(), [problem] if problem.what == Tampering::Edited), "{found:?}");
}

#[test]
fn a_trigger_of_somebody_else_is_named_and_its_words_are_not_signed_as_added() {
    let (mut store, trust, _) = signed_store();
    let trigger = format!("CREATE TRIGGER helper AFTER INSERT ON annotation BEGIN {FORGED}; END");
    store.raw().execute_batch(&trigger).unwrap();
    store.annotate(&note()).unwrap();
    let Audited { audit, doubts } = audited(&trust, &store, None);
    assert!(
        matches!(audit.problems.as_slice(), [problem] if problem.subject == "trigger helper"),
        "{:?}",
        audit.problems
    );
    assert!(doubts.found_words.iter().any(|word| word.contains("\"forged\"")), "{doubts:?}");
    // Gone again, it leaves its trace; and a guard that was written otherwise is none of ours either.
    store.raw().execute_batch("DROP TRIGGER helper; DROP TRIGGER decision_is_kept").unwrap();
    let Audited { audit, doubts } = audited(&trust, &store, None);
    assert_eq!((audit.problems, doubts.found_words.len()), (Vec::new(), 2));
    store
        .raw()
        .execute_batch("CREATE TRIGGER decision_is_kept BEFORE DELETE ON decision BEGIN SELECT 1; END")
        .unwrap();
    let found = self::audit(&trust, &store, None).problems;
    assert!(
        matches!(found.as_slice(), [problem] if problem.subject == "trigger decision_is_kept"),
        "{found:?}"
    );
}

#[test]
fn a_word_of_no_known_sort_stops_nobody() {
    let (mut store, trust, _) = signed_store();
    store.raw().execute("INSERT INTO word (kind, row_key) VALUES ('nonsense', '1')", []).unwrap();
    assert_eq!(audited(&trust, &store, None).doubts.unsigned_words.len(), 1);
    waive(&mut store);
    assert_eq!(audited(&trust, &store, None).doubts.found_words.len(), 1);
}

#[test]
fn a_statement_about_words_cannot_stand_for_a_run() {
    let (store, trust, heads) = signed_store();
    let mut copy = store.copy();
    copy.import_run(&record(9)).unwrap();
    assert_eq!(audit(&trust, &copy, Some(&heads)).unsigned, [record(9).run.id]);
    unguard(copy.raw());
    let hide = "UPDATE link SET run_id = (SELECT max(run_id) FROM run)
                WHERE link_id = (SELECT min(link_id) FROM link WHERE run_id IS NULL)";
    assert_eq!(copy.raw().execute(hide, []).unwrap(), 1);
    let found = audit(&trust, &copy, Some(&heads));
    assert!(found.unsigned.is_empty() && found.problems.len() == 1, "{:?}", found.problems);
}

#[test]
fn calibrations_and_trials_are_signed() {
    let (store, trust, _) = signed_store();
    unguard(store.raw());
    let check = |sql: &str, subject: &str| {
        let copy = store.copy();
        assert!(copy.raw().execute(sql, []).unwrap() > 0, "{sql}");
        let found = audit(&trust, &copy, None).problems;
        assert!(found.iter().any(|problem| problem.subject.starts_with(subject)), "{sql}: {found:?}");
    };
    check("UPDATE calibration SET result_json = replace(result_json, '0.0004', '0.04')", "calibration ");
    check("UPDATE knob_trial SET trial_json = replace(trial_json, 'lto', 'opt')", "knob_trial ");
    check("UPDATE origin_link SET key_id = 'another'", "origin_link ");
    check("DELETE FROM calibration", "calibration ");
}

#[test]
fn one_remembered_statement_shows_what_was_cut_off() {
    let (mut store, trust, _) = signed_store();
    let id = record(2).run.id;
    let signed = store.statements(&id).unwrap().remove(0);
    let statement = Statement::parse(&signed.payload).unwrap().predicate;
    let remembered = |chain: Option<&str>, sha256: String| Remembered::Statement {
        chain: chain.map(str::to_owned),
        position: statement.position,
        sha256,
    };
    let digest = payload_digest(&signed.payload);
    let look = |store: &Store, trust: &Trust, remembered: Remembered| {
        audit_with(trust, store, &[remembered], None).unwrap()
    };
    for chain in [None, Some(statement.chain.as_str())] {
        let found = look(&store, &trust, remembered(chain, digest.short()));
        assert_eq!((found.audit.problems, found.audit.against_head), (Vec::new(), false));
        let other = look(&store, &trust, remembered(chain, "0123456789ab".to_owned())).audit.problems;
        assert_eq!(other.len(), 1, "{other:?}");
    }
    // A store that took the run in tells that the statement is of another one.
    let mut taking = Store::open_in_memory(Timestamp(NOW.0 + 1)).unwrap();
    taking.set_signer(signer());
    taking.import_run(&record(2)).unwrap();
    taking.keep_statements(&id, std::slice::from_ref(&signed)).unwrap();
    let elsewhere = look(&taking, &trust, remembered(None, digest.short()));
    assert_eq!((elsewhere.audit.problems, elsewhere.doubts.elsewhere), (Vec::new(), true));
    // Cut off, and hidden among those of other stores.
    unguard(store.raw());
    store.raw().execute("DELETE FROM link WHERE payload = ?1", [&signed.payload]).unwrap();
    store.keep_statements(&id, &[signed]).unwrap();
    let found = look(&store, &trust, remembered(None, digest.short()));
    assert!(!found.doubts.elsewhere);
    assert!(found.audit.problems.iter().any(|problem| problem.what == Tampering::Truncated));
}
