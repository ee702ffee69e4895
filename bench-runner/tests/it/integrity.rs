//! Signing, verifying, exchanging and keeping, as a person meets them; and envelopes against another implementation.

use std::num::NonZeroUsize;

use bench_runner::attest::{Trust, check};
use bench_runner::exchange::bundle;
use bench_runner::model::seal::{PAYLOAD_TYPE, SignatureVerdict, Statement};
use bench_runner::model::units::Timestamp;
use rusqlite::Connection;

use super::cli_support::{World, founding};

fn unguarded(world: &World, sql: &str) {
    let connection = Connection::open(world.path("store.sqlite")).unwrap();
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn what_is_stored_is_signed_and_changes_are_named_with_123() {
    let world = World::new();
    world.answer(&["import", "summary", &founding()]).code(0).says(&["made the signing key ed25519-"]);
    assert!(world.path("keys/signing-key.pem").is_file());
    world.answer(&["key", "show"]).code(0).shows(&["ed25519-", "yes"]);
    let good = ["verify", "--write-head", "head.json"];
    world.answer(&good).code(0).shows(&["1 signed runs", "head: ", "cannot be excluded", "as it was signed"]);
    let answer = world.answer(&["verify", "--head", "head.json"]).code(0);
    assert!(!answer.out.contains("cannot be excluded"), "{}", answer.out);
    let report = world.answer(&["verify", "--format", "json"]).code(0).json();
    assert_eq!((&report["schema"], &report["audit"]["signed"]), (&"bench-runner/verify".into(), &1.into()));
    unguarded(&world, "UPDATE stated_estimate SET value = value * 0.9 WHERE ordinal = 0");
    world.answer(&["verify"]).code(123).shows(&["edited", "stated"]);
    world.answer(&["db", "check"]).code(123).shows(&["stated"]);
    unguarded(&world, "DELETE FROM link");
    world.answer(&["verify", "--head", "head.json"]).code(123).shows(&["truncated"]);
}

#[test]
fn without_a_key_runs_are_unsigned_and_that_is_no_fault() {
    let world = World::configured("\n[integrity]\nsign = false\n");
    world.answer(&["import", "summary", &founding()]).code(0);
    assert!(!world.path("keys").exists());
    world.answer(&["verify"]).code(0).shows(&["nothing is signed", "unsigned: 1 runs, which is no fault"]);
}

#[test]
fn a_folder_carries_signed_runs_and_trust_decides() {
    let (ours, theirs) = (World::new(), World::new());
    ours.answer(&["import", "summary", &founding()]).code(0);
    let folder = ours.path("shared").display().to_string();
    ours.answer(&["bundle", "push", &folder]).code(0).shows(&["written"]);
    ours.answer(&["bundle", "push", &folder]).code(0).shows(&["already there"]);
    theirs
        .answer(&["bundle", "pull", &folder, "--format", "csv"])
        .code(0)
        .shows(&["refused", "nobody trusts the key"]);
    let keys = ours.answer(&["key", "show", "--format", "json"]).json();
    let public = keys["items"][0]["public"].as_str().unwrap().to_owned();
    theirs.answer(&["key", "trust", &public, "--since", "2020-01-01"]).code(0).shows(&["ed25519-"]);
    theirs.answer(&["bundle", "pull", &folder]).code(0).shows(&["stored"]);
    theirs.answer(&["bundle", "pull", &folder]).code(0).shows(&["already there"]);
    theirs.answer(&["verify"]).code(0).shows(&["1 signed runs"]);
    // What the origin signed goes on with the run.
    let on = theirs.path("on").display().to_string();
    theirs.answer(&["bundle", "push", &on]).code(0);
    let file = std::fs::read_dir(theirs.path("on")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(bundle::parse(&std::fs::read(&file).unwrap()).unwrap().statements.len(), 2);
    // A changed run is refused and named, whatever it is signed with.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"suite\":\"", "\"suite\":\"x", 1)).unwrap();
    ours.answer(&["bundle", "pull", &on, "--format", "csv"])
        .code(123)
        .shows(&["refused", "does not match its SHA-256"]);
    let key = keys["items"][0]["id"].as_str().unwrap();
    theirs.answer(&["key", "distrust", key]).code(0);
    std::fs::write(&file, text).unwrap();
}

#[test]
fn keys_are_rotated_and_old_signatures_count() {
    let world = World::new();
    world.answer(&["key", "new"]).code(0).shows(&["yes"]);
    world.answer(&["key", "new"]).code(1).says(&["there is a signing key", "key rotate"]);
    world.answer(&["import", "summary", &founding()]).code(0);
    world.answer(&["key", "rotate"]).code(0).shows(&["yes", "no"]);
    world.answer(&["verify"]).code(0);
    let keys = world.answer(&["key", "show", "--format", "json"]).json();
    let old = keys["items"].as_array().unwrap().iter().find(|key| key["signs"] == false).unwrap();
    world.answer(&["key", "distrust", old["id"].as_str().unwrap()]).code(0);
    world.answer(&["verify"]).code(123).shows(&["untrusted"]);
    world.answer(&["key", "distrust", "nobody"]).code(4).says(&["no trusted key is called `nobody`"]);
}

#[test]
fn a_store_is_checked_copied_and_filled_with_made_up_lines() {
    let world = World::new();
    let made = ["db", "generate", "--machines", "5", "--benchmarks", "3", "--nights", "60"];
    world.answer(&made).code(0).shows(&["runs and", "points in store.sqlite"]);
    world.answer(&made).code(97).says(&["it has runs"]);
    world.answer(&["db", "check"]).code(0).shows(&["sound"]);
    world.answer(&["db", "backup", "copy.sqlite"]).code(0).shows(&["copy.sqlite"]);
    world.answer(&["db", "backup", "copy.sqlite"]).code(97);
    world.answer(&["--store", "copy.sqlite", "db", "check"]).code(0).shows(&["sound"]);
    let measured = world.answer(&["db", "measure", "--lines", "10", "--format", "json"]).code(0).json();
    assert_eq!(measured["series"], 18, "three benchmarks on five machines, one of which was replaced");
    world.answer(&["db", "prune", "--samples-older-than", "1d", "--dry-run"]).code(0).shows(&["0 runs"]);
    world.answer(&["db", "prune", "--samples-older-than", "1y", "--fold-older-than", "1d"]).code(2);
}

/// The fixtures and what another implementation says about them come from `scripts/reference/dsse.py`.
#[test]
fn envelopes_agree_with_another_implementation() {
    let ours = include_bytes!("../fixtures/seal/run.bundle.json");
    let public = include_str!("../fixtures/seal/public.txt").trim();
    let verified: serde_json::Value =
        serde_json::from_str(include_str!("../fixtures/seal/verified.json")).unwrap();
    let mut trust = Trust::default();
    let id = trust.trust(public, Timestamp(0), None).unwrap();
    let bundle = bundle::parse(ours).unwrap();
    let signed = &bundle.statements[0];
    let claims = [(signed, Some(Timestamp(1)))];
    assert_eq!(check(&trust, &claims, NonZeroUsize::MIN), [SignatureVerdict::Good]);
    let statement = Statement::parse(&signed.payload).unwrap();
    assert_eq!(verified["keyid"], id);
    assert_eq!(verified["payloadType"], PAYLOAD_TYPE);
    assert_eq!(verified["subject"], bundle.record.run.id.as_str());
    assert_eq!(verified["sha256"], statement.about().unwrap().digest.sha256.to_string());
    assert_eq!(verified["changed_payload_refused"], true);
    // The other way round: an envelope that the other implementation signed.
    let theirs: bundle::Envelope = serde_json::from_value(verified["envelope"].clone()).unwrap();
    let signed = theirs.open().unwrap();
    let id = trust.trust(verified["public"].as_str().unwrap(), Timestamp(0), None).unwrap();
    assert_eq!(signed[0].key_id, id);
    let claims = [(&signed[0], Some(Timestamp(1)))];
    assert_eq!(check(&trust, &claims, NonZeroUsize::MIN), [SignatureVerdict::Good]);
}
