//! What changed between a trial and a later run, which makes its proof stale.
//!
//! Code is told by executables first, then by compiler, lock file and commit. Nothing is read here.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::experiment::Variant;
use crate::model::fact::{keys, known};
use crate::model::run::Run;
use crate::model::units::Timestamp;

/// Days after which a proof is stale whatever the facts say.
pub(super) const DAYS: i64 = 90;

/// What is known about the code of a trial and of a later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// One arm has no executable that the run does not have.
    Same,
    /// Each arm has an executable of which the run has another version.
    Other,
    /// The run has other benches, or none of the arms is the project as it is.
    Unknown,
}

fn code(arms: &[(Variant, Run)], now: &Run) -> Code {
    let same = |arm: &Run| {
        let has = |digest| now.executables.iter().any(|other| other.digest == digest);
        !arm.executables.is_empty() && arm.executables.iter().all(|one| has(one.digest))
    };
    if arms.iter().any(|(_, arm)| same(arm)) {
        return Code::Same;
    }
    let other = |arm: &Run| {
        arm.executables.iter().any(|one| {
            let mut namesakes = now
                .executables
                .iter()
                .filter(|other| (&other.package, &other.target) == (&one.package, &one.target));
            namesakes.next().is_some_and(|found| found.digest != one.digest)
        })
    };
    let as_it_is = arms.iter().any(|(variant, _)| is_as_it_is(variant));
    if as_it_is && arms.iter().all(|(_, arm)| other(arm)) { Code::Other } else { Code::Unknown }
}

/// Whether an arm is the project as it is.
#[must_use]
pub fn is_as_it_is(variant: &Variant) -> bool {
    *variant == Variant { name: variant.name.clone(), ..Variant::default() }
}

/// What changed between the arms of a trial and a later run, looked at from some moment; empty while its verdict holds.
///
/// Code is told by its executables first: while the run has those of any arm, another compiler, lock file or commit changed
/// nothing. What one side knows and the other does not counts as changed.
#[must_use]
pub fn holds(arms: &[(Variant, Run)], now: &Run, at: Timestamp) -> Vec<String> {
    let Some((_, base)) = arms.first() else { return vec!["its arms are not stored".to_owned()] };
    let mut changed = Vec::new();
    let mut note = |what: &str, old: Option<&str>, new: Option<&str>| {
        if old != new {
            let shown = |text: Option<&str>| text.map_or_else(|| "unknown".to_owned(), short);
            changed.push(format!("{what}: {} -> {}", shown(old), shown(new)));
        }
    };
    note("hardware class", Some(&base.identity.hw_class), Some(&now.identity.hw_class));
    note("configuration", Some(&base.identity.config), Some(&now.identity.config));
    let code = code(arms, now);
    if code != Code::Same {
        let text = |run: &Run, key: &str| known(&run.facts, key);
        for (name, key) in [
            ("compiler", keys::TOOLCHAIN_RUSTC),
            ("Cargo.lock", keys::BUILD_LOCK),
            ("commit", keys::SOURCE_COMMIT),
        ] {
            note(name, text(base, key).as_deref(), text(now, key).as_deref());
        }
    }
    if code == Code::Other {
        // The build of the knob turned is as good as that of the project as it was: it may have been adopted since.
        let builds: Vec<BTreeMap<&str, &str>> = arms.iter().map(|(_, arm)| build_of(arm)).collect();
        let present = build_of(now);
        if !builds.contains(&present) {
            let names: BTreeSet<&str> = builds[0].keys().chain(present.keys()).copied().collect();
            for name in names {
                note(&format!("build {name}"), builds[0].get(name).copied(), present.get(name).copied());
            }
        }
    }
    let days = (at.0 - base.started.0) / 86_400_000_000;
    if days >= DAYS {
        changed.push(format!("age: {days} days"));
    }
    if changed.is_empty() && code == Code::Other {
        changed.push("executables: others than those of the trial".to_owned());
    }
    if changed.is_empty() && code == Code::Unknown && known(&now.facts, keys::SOURCE_COMMIT).is_none() {
        changed.push("code: neither a commit nor an executable tells that it is the same".to_owned());
    }
    changed
}

/// The parts of the key of a build that do not name the compiler, which has a line of its own.
fn build_of(run: &Run) -> BTreeMap<&str, &str> {
    let parts = run.identity.build.split(';').filter_map(|part| part.split_once('='));
    parts.filter(|(name, _)| !["rustc", "llvm", "host"].contains(name)).collect()
}

/// Digests are told apart by their first digits.
fn short(text: &str) -> String {
    let digest = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest { text[..12].to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{fact, run};
    use super::*;
    use crate::model::ids::Digest;
    use crate::model::run::Executable;

    fn arm(facts: &[(&str, &str)], digest: u8) -> Run {
        let mut run = run('A');
        run.facts = facts.iter().map(|(key, text)| fact(key, text)).collect();
        run.identity.build = "features=;flags=none;profile=bench;rustc=1;target-cpu=x".to_owned();
        run.executables = vec![Executable {
            digest: Digest([digest; 32]),
            bytes: 1,
            package: "p".to_owned(),
            target: "t".to_owned(),
        }];
        run
    }

    const THEN: [(&str, &str); 3] =
        [(keys::TOOLCHAIN_RUSTC, "1.95"), (keys::BUILD_LOCK, "l"), (keys::SOURCE_COMMIT, "aa")];

    /// Both arms of a trial of the project as it is: executables 1 and 2.
    fn trial() -> Vec<(Variant, Run)> {
        let turned = Variant { rustflags: vec!["-Ca".to_owned()], ..Variant::default() };
        let mut other = arm(&THEN, 2);
        other.identity.build = other.identity.build.replace("none", "-Ca");
        vec![(Variant::default(), arm(&THEN, 1)), (turned, other)]
    }

    #[test]
    fn facts_that_change_make_a_proof_stale_and_equal_code_does_not() {
        let at = run('A').started;
        let check = |now: &Run, at: Timestamp, expected: &[&str]| {
            assert_eq!(holds(&trial(), now, at), expected, "{:?} {:?}", now.facts, now.identity);
        };
        let changed = |key: &str, text: &str, digest: u8| {
            let facts = THEN.map(|(name, old)| (name, if name == key { text } else { old }));
            arm(&facts, digest)
        };
        check(&arm(&THEN, 1), at, &[]);
        // The knob was adopted since: the code is that of the other arm.
        check(&arm(&THEN, 2), at, &[]);
        check(&changed(keys::SOURCE_COMMIT, "bb", 1), at, &[]);
        check(&changed(keys::SOURCE_COMMIT, "bb", 2), at, &[]);
        check(&changed(keys::SOURCE_COMMIT, "bb", 3), at, &["commit: aa -> bb"]);
        check(&changed(keys::TOOLCHAIN_RUSTC, "1.96", 3), at, &["compiler: 1.95 -> 1.96"]);
        check(&changed(keys::BUILD_LOCK, "m", 3), at, &["Cargo.lock: l -> m"]);
        // A changed work tree of the same commit.
        check(&arm(&THEN, 3), at, &["executables: others than those of the trial"]);
        let mut flags = arm(&THEN, 3);
        flags.identity.build = flags.identity.build.replace("none", "-Cb");
        check(&flags, at, &["build flags: none -> -Cb"]);
        let mut configured = arm(&THEN, 1);
        configured.identity.config = "governor=powersave".to_owned();
        check(&configured, at, &["configuration: governor=? -> governor=powersave"]);
        let mut elsewhere = arm(&THEN, 1);
        elsewhere.identity.hw_class = "other".to_owned();
        check(&elsewhere, at, &["hardware class: x86_64/test/2c2t/4g -> other"]);
        check(&arm(&THEN, 1), Timestamp(at.0 + 91 * 86_400_000_000), &["age: 91 days"]);
    }

    #[test]
    fn what_is_unknown_does_not_hold() {
        let at = run('A').started;
        let check = |now: &Run, expected: &[&str]| assert_eq!(holds(&trial(), now, at), expected);
        check(&arm(&THEN[1..], 3), &["compiler: 1.95 -> unknown"]);
        check(&arm(&THEN[..2], 3), &["commit: aa -> unknown"]);
        // Other benches of the same commit: the commit tells.
        let mut others = arm(&THEN, 3);
        others.executables[0].target = "u".to_owned();
        check(&others, &[]);
        // Nothing tells that the code is the same.
        let mut blind = trial();
        blind.iter_mut().for_each(|(_, arm)| arm.facts.clear());
        others.facts.clear();
        let said = holds(&blind, &others, at);
        assert_eq!(said, ["code: neither a commit nor an executable tells that it is the same"]);
        assert_eq!(holds(&[], &others, at), ["its arms are not stored"]);
        // Where no arm is the project as it is, other executables are no news; the commit is.
        let mut neither = trial();
        neither[0].0.without_flags.push("-C".to_owned());
        assert_eq!(holds(&neither, &arm(&THEN, 3), at), [""; 0]);
        let commit = [(keys::SOURCE_COMMIT, "bb")];
        let later = arm(&[&THEN[..2], &commit[..]].concat(), 3);
        assert_eq!(holds(&neither, &later, at), ["commit: aa -> bb"]);
    }
}
