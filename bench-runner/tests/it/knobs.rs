//! Knobs on a real suite with a planted gain: a loop that is shorter behind a cfg. One test for all that builds, since builds
//! take a while.

use std::path::Path;

use serde_json::Value;

use super::cli_support::{Answer, World, repository};
use super::time_travel::{commit, git};

/// The suite `spin`, whose loop is a sixth as long with the cfg that a knob of the catalogue turns: a dose that a busy machine
/// shows too.
fn project() -> World {
    let world = World::new();
    let suite = repository().join("bench-runner/tests/fixtures/suites/spin");
    for name in ["Cargo.toml", "Cargo.lock", "suite/Cargo.toml", "suite/lib.rs", "suite/benches/spin.rs"] {
        world.write(name, &std::fs::read_to_string(suite.join(name)).unwrap());
    }
    let planted = r#"if cfg!(curve25519_dalek_backend = "avx512") { 50 } else { 300 };"#;
    world.write("suite/lib.rs", &world.read("suite/lib.rs").replace("300;", planted));
    world.write(".gitignore", "/target\n/data\n/reports\n/keys\nstore.sqlite*\n*.lock\n!Cargo.lock\n");
    git(&world, &["init", "-q", "-b", "main"]);
    commit(&world);
    world
}

fn answer(world: &World, words: &[&str]) -> Answer {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/spin-knobs");
    let mut command = world.command(words);
    command.env("CARGO_TARGET_DIR", target);
    world.finish(command, words)
}

fn proof<'a>(answer: &'a Value, knob: &str) -> &'a Value {
    let proofs = answer["proofs"].as_array().unwrap();
    proofs.iter().find(|proof| proof["knob"] == knob).unwrap_or_else(|| panic!("{answer:#}"))
}

#[test]
fn a_planted_gain_is_verified_and_nothing_else_is() {
    let world = project();
    let tried = answer(
        &world,
        &[
            "knobs",
            "try",
            "build.curve-backend",
            "machine.malloc-arenas",
            "caller.key-table",
            "--set",
            "full",
            "--blocks",
            "10",
            "--measuring",
            "0.05",
            "--seed",
            "5",
            "--format",
            "json",
        ],
    );
    let found = tried.code(0).json();
    let planted = proof(&found, "build.curve-backend");
    assert_eq!(planted["verdict"], "verified", "{planted:#}");
    let change = planted["rows"][0]["change"].as_f64().unwrap();
    assert!((-0.95..-0.5).contains(&change), "{planted:#}");
    assert_eq!(planted["rows"][0]["subject"], "spin/varied");
    assert_ne!(proof(&found, "machine.malloc-arenas")["verdict"], "verified", "{found:#}");
    // A suite without the benchmarks of a rule says so.
    assert_eq!(found["skipped"][0]["knob"], "caller.key-table");
    let shown = answer(&world, &["knobs", "show", "build.curve-backend"]).code(0);
    shown.shows(&["[+] VERIFIED", "paste", "again", "knobs try build.curve-backend --set full"]);
    answer(&world, &["knobs", "list", "--tryable"]).code(0).shows(&["[+] VERIFIED", "build.lto-fat"]);
    let stacked = answer(
        &world,
        &["knobs", "stack", "--set", "full", "--blocks", "8", "--measuring", "0.05", "--format", "json"],
    );
    assert_eq!(proof(&stacked.code(0).json(), "stack")["verdict"], "verified");
    assert_eq!(world.store().knob_trials().unwrap().len(), 3);
    a_commit_makes_it_stale_and_a_repeated_proof_revives_it(&world);
}

/// Another commit of what is measured, and a run of it.
fn a_commit_makes_it_stale_and_a_repeated_proof_revives_it(world: &World) {
    world.write("suite/lib.rs", &world.read("suite/lib.rs").replace("300", "310"));
    commit(world);
    answer(world, &["run", "--locked", "--no-report"]).code(0);
    let show = ["knobs", "show", "build.curve-backend"];
    answer(world, &show).code(0).shows(&["[!] STALE (was VERIFIED)", "stale", "commit: "]);
    answer(world, &["knobs", "list", "--tryable"]).code(0).shows(&["[!] STALE"]);
    let again =
        ["knobs", "try", "build.curve-backend", "--set", "full", "--blocks", "10", "--measuring", "0.05"];
    answer(world, &again).code(0).shows(&["[+] VERIFIED"]);
    let revived = answer(world, &show).code(0).shows(&["[+] VERIFIED", "tried 2 times"]);
    assert!(!revived.out.contains("STALE"), "{}", revived.out);
    answer(world, &["knobs", "cards", "--format", "markdown"])
        .code(0)
        .shows(&["## Let verification use", "VERIFIED"]);
    // What holds is not tried again.
    answer(world, &[&again[..], &["--missing"]].concat()).code(0).says(&["still holds"]);
}

/// The lines that cards offer to paste, as they are offered: what does not compile here would not compile there.
mod sketches {
    use std::num::NonZeroUsize;

    use kms::{Item, PublicKey, Signature, SigningKey, Verdict};

    type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

    pub(super) fn batches(items: &[Item<'_>], verdicts: &mut Vec<Verdict>) {
        use kms::Rule;
        for batch in items.chunks(32) {
            verdicts.extend(kms::Zip215::verify_many(batch));
        }
    }

    pub(super) fn large_batches(items: &[Item<'_>], verdicts: &mut Vec<Verdict>) {
        use kms::Rule;
        for batch in items.chunks(256) {
            verdicts.extend(kms::Zip215::verify_many(batch));
        }
    }

    pub(super) fn threads(items: Vec<Item<'_>>, mut verdicts: Vec<Verdict>) -> Outcome<Vec<Verdict>> {
        use kms::parallel::{Scoped, verify_many};
        verify_many::<kms::Zip215>(&items, &mut verdicts, &Scoped::available())?;
        Ok(verdicts)
    }

    pub(super) fn cached(bytes: [u8; 32], message: &[u8], signature: Signature) -> Outcome<usize> {
        use kms::{CacheLimits, KeyCache, Rule, Strict};
        let limits = CacheLimits { tables: 0, ..CacheLimits::default() };
        let cache = KeyCache::new(limits); // once
        cache.with(&bytes, |key| Strict::verify(key, message, &signature))??;
        Ok(cache.len())
    }

    pub(super) fn single(items: &[Item<'_>]) -> usize {
        use kms::Rule;
        let verdicts = match items {
            [one] => vec![kms::Zip215::verify(one.key, one.message, one.signature)],
            many => kms::Zip215::verify_many(many),
        };
        verdicts.iter().filter(|verdict| verdict.is_ok()).count()
    }

    pub(super) fn table(public_key: PublicKey) -> bool {
        let key = public_key.with_table(); // once per hot key
        key.has_table()
    }

    pub(super) fn by_key(items: &mut [Item<'_>]) {
        items.sort_by_key(|item| item.key.to_bytes()); // then cut batches
    }

    type Signatures = Vec<Signature>;

    pub(super) fn two(
        key: SigningKey,
        messages: Vec<&[u8]>,
        mut signatures: Signatures,
    ) -> Outcome<Signatures> {
        use kms::parallel::{Scoped, sign_each};
        let two = Scoped::new(NonZeroUsize::new(2).expect("2 is above 0"));
        sign_each(&key, &messages, &mut signatures, &two)?;
        Ok(signatures)
    }

    pub(super) fn four(
        key: SigningKey,
        messages: Vec<&[u8]>,
        mut signatures: Signatures,
    ) -> Outcome<Signatures> {
        use kms::parallel::{Scoped, sign_each};
        let four = Scoped::new(NonZeroUsize::new(4).expect("4 is above 0"));
        sign_each(&key, &messages, &mut signatures, &four)?;
        Ok(signatures)
    }
}

/// What is offered to be pasted stands above, compiled, and does what it says.
#[test]
fn lines_to_paste_compile_and_work() {
    let flat = |text: &str| text.split_whitespace().collect::<String>();
    let source = flat(include_str!("knobs.rs"));
    let mut found = 0;
    for rule in bench_runner::analysis::knobs::rules() {
        let lines = rule.trial.map_or("", |trial| trial.lines);
        // A pool is an optional feature of kms, which this crate does not build.
        let about_kms = lines.contains("kms::") || lines.contains("item.key") || lines.contains("with_table");
        if about_kms && rule.id != "caller.thread-pool" {
            assert!(source.contains(&flat(lines)), "{}: {lines}", rule.id);
            found += 1;
        }
    }
    assert_eq!(found, 9, "sketches against kms");
    let (key, other) = (kms::SigningKey::generate().unwrap(), kms::SigningKey::generate().unwrap());
    let (public, others) = (key.public_key().clone(), other.public_key().clone());
    let zero = || vec![kms::Signature::from_bytes(&[0; 64]); 2];
    let messages: Vec<&[u8]> = vec![b"one", b"two"];
    let signatures = sketches::two(key, messages.clone(), zero()).unwrap();
    let foreign = sketches::four(other, messages.clone(), zero()).unwrap();
    let item = |message, signature, key| kms::Item { key, message, signature };
    let mut items = vec![
        item(messages[0], &signatures[0], &public),
        item(messages[1], &signatures[1], &public),
        item(messages[1], &foreign[0], &others),
    ];
    sketches::by_key(&mut items);
    let right = |verdicts: &[kms::Verdict]| verdicts.iter().filter(|verdict| verdict.is_ok()).count();
    let mut verdicts = Vec::new();
    sketches::batches(&items, &mut verdicts);
    sketches::large_batches(&items, &mut verdicts);
    assert_eq!((verdicts.len(), right(&verdicts)), (6, 4));
    assert_eq!(sketches::single(&items), 2);
    verdicts.truncate(items.len());
    assert_eq!(right(&sketches::threads(items, verdicts).unwrap()), 2);
    assert_eq!(sketches::cached(public.to_bytes(), messages[0], signatures[0]).unwrap(), 1);
    assert!(sketches::cached(others.to_bytes(), messages[0], signatures[0]).is_err());
    assert!(sketches::table(public));
}

#[test]
fn what_cannot_be_tried_is_said() {
    let world = World::new();
    world
        .answer(&["knobs", "try", "no.such-knob"])
        .code(2)
        .says(&["no knob is called `no.such-knob`", "hint: "]);
    world.answer(&["knobs", "try", "machine.heat"]).code(2).says(&["is explained only"]);
    world.answer(&["knobs", "try"]).code(2);
    world.answer(&["knobs", "show", "no.such-knob"]).code(4).says(&["no knob is called"]);
    world.answer(&["knobs", "show", "machine.heat"]).code(0).shows(&["explained only"]);
    // What a rule needs beside what every project has is said, and whether a program is there.
    let profiled = world.answer(&["knobs", "show", "build.pgo", "--format", "json"]).code(0).json();
    assert!(profiled["installed"].is_boolean() && profiled["needs"] == "the program cargo-pgo");
    world.answer(&["knobs", "show", "build.pgo"]).code(0).shows(&["the program cargo-pgo, which is"]);
    world.answer(&["knobs", "show", "caller.key-table"]).code(0).shows(&["benchmarks named as those of kms"]);
    let listed = world.answer(&["knobs", "list", "--format", "json"]).code(0).json();
    let of_kms = |item: &&Value| item["needs"].as_str().is_some_and(|needs| needs.contains("of kms"));
    assert!(listed["items"].as_array().unwrap().iter().filter(of_kms).count() > 10);
    world.write("mix.toml", "\"^verify_bench/\" = 3\n\"^sign_bench/\" = 1\n");
    world.answer(&["knobs", "list", "--mix", "mix.toml"]).code(0).shows(&["build.lto-fat"]);
    world.write("mix.toml", "\"(\" = 3\n");
    world.answer(&["knobs", "list", "--mix", "mix.toml"]).code(2).says(&["is no regular expression"]);
    world.write("mix.toml", "\"a\" = 0\n");
    world.answer(&["knobs", "list", "--mix", "mix.toml"]).code(2).says(&["add up to nothing"]);
}
