//! Signing, verifying, exchanging and keeping, as a person meets them; and envelopes against another implementation.

use std::num::NonZeroUsize;

use bench_runner::attest::{Trust, check};
use bench_runner::exchange::bundle;
use bench_runner::model::seal::{PAYLOAD_TYPE, SignatureVerdict, Statement};
use bench_runner::model::units::Timestamp;
use rusqlite::Connection;

use super::cli_support::{World, founding};
use super::gate_history::night;

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
    theirs
        .answer(&["bundle", "pull", &folder, "--format", "csv"])
        .code(0)
        .shows(&["refused", "its key was not trusted at that time"]);
    // What this store signed when it took the run in counts all the same.
    theirs.answer(&["verify"]).code(0);
}

#[test]
fn what_nobody_signed_is_said_first_and_is_never_signed_away() {
    let world = World::new();
    let run = world.with_history();
    world.answer(&["verify", "--strict"]).code(0);
    let connection = Connection::open(world.path("store.sqlite")).unwrap();
    let forged = "INSERT INTO decision (subject, kind, reason, until_us, at_us) VALUES ('t/a', 'waive', 'forged', 9, 5)";
    connection.execute(forged, []).unwrap();
    drop(connection);
    let answer = world.answer(&["verify"]).code(0).shows(&["forged"]);
    assert!(answer.out.starts_with("UNSIGNED: 1 word was added without the key"), "{}", answer.out);
    world.answer(&["verify", "--strict"]).code(123);
    // The next word is signed as added, and this one as found.
    world.answer(&["quarantine", &run, "--reason", "later"]).code(0);
    let answer = world.answer(&["verify"]).code(0).shows(&["found: 1 words", "forged"]);
    assert!(!answer.out.contains("UNSIGNED"), "{}", answer.out);
    world.answer(&["verify", "--strict"]).code(123);
    let json = world.answer(&["verify", "--format", "json"]).code(0).json();
    assert_eq!(json["doubts"]["found_words"].as_array().unwrap().len(), 1);
    // Without a key nobody expects a signature.
    let quiet = World::configured("\n[integrity]\nsign = false\n");
    let run = quiet.with_history();
    quiet.answer(&["quarantine", &run, "--reason", "later"]).code(0);
    let answer = quiet.answer(&["verify"]).code(0).shows(&["words that no statement covers"]);
    assert!(answer.out.starts_with("nothing is signed"), "{}", answer.out);
}

#[test]
fn heads_are_not_replaced_by_those_of_a_store_that_was_cut_off() {
    let world = World::new();
    let run = world.with_history();
    let words = ["verify", "--write-head", "head.json"];
    world.answer(&words).code(0).shows(&["the heads were written to head.json"]);
    let first = world.read("head.json");
    world.answer(&["quarantine", &run, "--reason", "later"]).code(0);
    world.answer(&words).code(0);
    let kept = world.read("head.json");
    assert_ne!(first, kept, "a longer chain replaces its older head");
    // One statement, as `run` and reports print it.
    let json = world.answer(&["verify", "--format", "json"]).code(0).json();
    let (chain, head) = json["audit"]["heads"]["chains"].as_object().unwrap().iter().next_back().unwrap();
    let (place, sha256) = (head["position"].as_u64().unwrap(), head["sha256"].as_str().unwrap());
    assert_eq!(chain, "words");
    let short = format!("{place}:{}", &sha256[..12]);
    for text in [short.clone(), format!("words:{short}"), format!("words:{place}:{sha256}")] {
        world.answer(&["verify", "--head", &text]).code(0).shows(&["The remembered statement is there"]);
    }
    unguarded(&world, "DELETE FROM link WHERE link_id = (SELECT max(link_id) FROM link)");
    world.answer(&["verify", "--head", &short]).code(123).shows(&["truncated"]);
    world
        .answer(&words)
        .code(123)
        .shows(&["truncated", "nothing was written to head.json"])
        .says(&["nothing was written to `head.json`"]);
    assert_eq!(world.read("head.json"), kept);
    world.write("head.json", "torn");
    world.answer(&words).code(1).says(&["does not hold remembered heads"]);
    assert_eq!(world.read("head.json"), "torn");
}

#[test]
fn a_file_is_taken_when_a_trusted_key_signed_it_or_somebody_says_so() {
    let ours = World::new();
    ours.with_history();
    ours.answer(&["bundle", "export", "latest", "--out", "run.json"]).code(0);
    let text = ours.read("run.json");
    let other = || {
        let world = World::new();
        world.write("run.json", &text);
        world
    };
    let words = ["bundle", "import", "run.json"];
    let refusing = other();
    refusing.answer(&words).code(1).says(&["nobody trusts the key", "--unsigned"]);
    refusing.answer(&["verify"]).code(0).shows(&["checked: 0 signed runs"]);
    let taking = other();
    taking.answer(&[&words[..], &["--unsigned"]].concat()).code(0).shows(&["stored"]);
    // About what is there already nothing is asked.
    taking.answer(&words).code(0).shows(&["already stored"]);
    let trusting = other();
    let keys = ours.answer(&["key", "show", "--format", "json"]).json();
    let public = keys["items"][0]["public"].as_str().unwrap();
    trusting.answer(&["key", "trust", public, "--since", "2020-01-01"]).code(0);
    trusting.answer(&words).code(0).shows(&["stored"]);
    // A signature of something else is no lack of one.
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let signature = read["envelopes"][0]["signatures"][0]["sig"].as_str().unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let spoiled = text.replacen(signature, &format!("{first}{}", &signature[1..]), 1);
    let spoiling = other();
    spoiling.answer(&["key", "trust", public, "--since", "2020-01-01"]).code(0);
    spoiling.write("run.json", &spoiled);
    for more in [&[][..], &["--unsigned"]] {
        spoiling.answer(&[&words[..], more].concat()).code(123).says(&["does not belong to it"]);
    }
}

#[test]
fn one_bad_file_of_a_folder_ends_neither_push_nor_pull() {
    let world = World::new();
    let ids = world.with_twins();
    let folder = world.path("shared").display().to_string();
    world.answer(&["bundle", "push", &folder]).code(0);
    let file = |id: &str| format!("shared/{id}.bundle.json");
    let text = world.read(&file(ids[0]));
    world.write(&file(ids[0]), &text[..text.len() / 2]);
    std::fs::remove_file(world.path(&file(ids[1]))).unwrap();
    let answer = world.answer(&["bundle", "push", &folder, "--format", "csv"]).code(123);
    let answer = answer.shows(&["is damaged", "written"]);
    assert_eq!(answer.out.lines().count(), 3, "{}", answer.out);
    // A run that cannot be stored, before one that can.
    let values = [("a".to_owned(), 1000.0)];
    let mut bad = night(0, &values);
    bad.run.launches.reverse();
    std::fs::create_dir(world.path("more")).unwrap();
    for record in [bad, night(1, &values)] {
        bundle::write(&world.path("more").join(bundle::file_name(&record.run.id)), &record).unwrap();
    }
    let more = world.path("more").display().to_string();
    let answer = world.answer(&["bundle", "pull", &more, "--unsigned", "--format", "csv"]).code(123);
    answer.shows(&["launches are not in order", "stored"]);
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
