//! How a knob is tried: settings of two arms, or benchmarks of one suite against one another; and what makes a trial void.
//!
//! Recipes are constants. Nothing is built or launched here.

use std::collections::{BTreeMap, BTreeSet};

use super::{NEVER_RECOMMENDED, Rule};
use crate::model::experiment::Variant;
use crate::model::fact::{Fact, Phase, keys, known};
use crate::model::knob::KnobState;
use crate::model::run::Run;
use crate::model::units::Timestamp;

/// Days after which a proof is stale whatever the facts say.
pub(super) const DAYS: i64 = 90;

/// How the code or the process of one arm is made, as constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Compiler flags to add.
    pub rustflags: &'static [&'static str],
    /// Beginnings of configured compiler flags to leave out.
    pub without: &'static [&'static str],
    /// Settings of the cargo profile.
    pub profile: &'static [(&'static str, &'static str)],
    /// Variables of the bench process.
    pub environment: &'static [(&'static str, &'static str)],
    /// Processors of the bench process.
    pub affinity: &'static [u32],
}

impl Setting {
    /// As the project is.
    pub const AS_IS: Self =
        Self { rustflags: &[], without: &[], profile: &[], environment: &[], affinity: &[] };

    /// Whether nothing has to be built for it.
    #[must_use]
    pub fn is_of_process(&self) -> bool {
        self.rustflags.is_empty() && self.without.is_empty() && self.profile.is_empty()
    }

    /// The variant of an arm.
    #[must_use]
    pub fn variant(&self, name: &str) -> Variant {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Variant {
            name: name.to_owned(),
            rustflags: own(self.rustflags),
            without_flags: own(self.without),
            profile_settings: map(self.profile),
            environment: map(self.environment),
            affinity: self.affinity.to_vec(),
            ..Variant::default()
        }
    }
}

/// What the sides of a trial are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Two arms.
    Arms {
        /// The baseline.
        from: Setting,
        /// The knob turned.
        to: Setting,
    },
    /// Pairs of benchmarks (`target/full_id`) of one suite: baseline and candidate, compared per element.
    Suite(&'static [(&'static str, &'static str)]),
}

/// How a knob is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// The sides.
    pub recipe: Recipe,
    /// The sentence to act on once it is verified.
    pub action: &'static str,
    /// Lines to paste.
    pub lines: &'static str,
    /// Shared library that must be installed; empty for none.
    pub library: &'static str,
}

impl Trial {
    /// A trial whose baseline is the project as it is.
    #[must_use]
    pub const fn to(to: Setting, action: &'static str, lines: &'static str) -> Self {
        Self { recipe: Recipe::Arms { from: Setting::AS_IS, to }, action, lines, library: "" }
    }

    /// A trial of benchmarks of one suite.
    #[must_use]
    pub const fn pairs(
        pairs: &'static [(&'static str, &'static str)],
        action: &'static str,
        lines: &'static str,
    ) -> Self {
        Self { recipe: Recipe::Suite(pairs), action, lines, library: "" }
    }
}

/// The facts in which the arms of a trial differ although the knob does not say so. Anything here makes the trial void.
#[must_use]
pub fn undeclared(from: (&Variant, &[Fact]), to: (&Variant, &[Fact])) -> Vec<String> {
    let declared = declared(from.0, to.0);
    let all: BTreeSet<&str> = [from.1, to.1]
        .into_iter()
        .flatten()
        .filter(|fact| fact.phase == Phase::Start)
        .map(|fact| fact.key.as_str())
        .collect();
    let mut found: Vec<String> = all
        .into_iter()
        .filter(|key| {
            known(from.1, key) != known(to.1, key) && !declared.iter().any(|may| key.starts_with(may))
        })
        .map(str::to_owned)
        .collect();
    if (&from.0.rev, &from.0.run) != (&to.0.rev, &to.0.run) {
        found.push(keys::SOURCE_COMMIT.to_owned());
    }
    found
}

/// What a difference of variants may change. A probe tells what the code chose, which is what a build knob is for.
fn declared(from: &Variant, to: &Variant) -> Vec<&'static str> {
    let mut may = Vec::new();
    if (&from.rustflags, &from.without_flags) != (&to.rustflags, &to.without_flags) {
        may.extend([keys::BUILD_FLAGS, keys::BUILD_TARGET_CPU, "probe."]);
    }
    if from.features != to.features {
        may.extend([keys::BUILD_FEATURES, "probe."]);
    }
    if from.profile_settings != to.profile_settings || from.cargo_profile != to.cargo_profile {
        may.push(keys::BUILD_PROFILE);
        let of_setting = |name: &str| from.profile_settings.get(name) != to.profile_settings.get(name);
        if of_setting("lto") || from.cargo_profile != to.cargo_profile {
            may.push(keys::BUILD_LTO);
        }
        if of_setting("codegen-units") || from.cargo_profile != to.cargo_profile {
            may.push(keys::BUILD_CODEGEN_UNITS);
        }
    }
    may
}

/// What changed between the run that a trial's baseline arm is and a later moment; empty while its verdict holds.
///
/// The commit counts only where the executables differ too: a commit that leaves them as they were changes nothing.
#[must_use]
pub fn holds(arm: &Run, now: &Run, at: Timestamp) -> Vec<String> {
    let mut changed = Vec::new();
    let mut note = |what: &str, old: &str, new: &str| {
        if old != new {
            changed.push(format!("{what}: {old} -> {new}"));
        }
    };
    note("hardware class", &arm.identity.hw_class, &now.identity.hw_class);
    note("configuration", &arm.identity.config, &now.identity.config);
    let text = |run: &Run, key: &str| known(&run.facts, key);
    for (name, key) in [
        ("compiler", keys::TOOLCHAIN_RUSTC),
        ("Cargo.lock", keys::BUILD_LOCK),
        ("commit", keys::SOURCE_COMMIT),
    ] {
        let (Some(old), Some(new)) = (text(arm, key), text(now, key)) else { continue };
        let same_code = key == keys::SOURCE_COMMIT
            && !now.executables.is_empty()
            && arm
                .executables
                .iter()
                .all(|executable| now.executables.iter().any(|other| other.digest == executable.digest));
        if !same_code {
            note(name, &short(&old), &short(&new));
        }
    }
    let days = (at.0 - arm.started.0) / 86_400_000_000;
    if days >= DAYS {
        changed.push(format!("age: {days} days"));
    }
    changed
}

/// Digests are told apart by their first digits.
fn short(text: &str) -> String {
    let digest = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest { text[..12].to_owned() } else { text.to_owned() }
}

/// Forbidden words in what a rule says or pastes. What a rule of information only *measures* is its price, not advice.
#[must_use]
pub fn recommends_the_forbidden(rule: &Rule) -> Option<String> {
    let texts = [rule.id, rule.question, rule.cost, rule.risk, rule.security, rule.see, rule.set];
    let mut text = texts.join(" ").to_lowercase();
    if let Some(trial) = &rule.trial {
        text.push_str(&trial.action.to_lowercase());
        text.push_str(&trial.lines.to_lowercase());
        if let (Recipe::Arms { to, .. }, KnobState::Candidate) = (&trial.recipe, rule.state) {
            text.push_str(&format!("{to:?}").to_lowercase());
        }
        if let Recipe::Suite(pairs) = &trial.recipe {
            // The strict equation is never traded for the cofactored one as if that were a gain.
            let strict = |name: &str| name.contains("strict") || name == "verify_bench/ed25519_verify_128B";
            let zip215 = |name: &str| name.contains("zip215") || name.contains("/verify_batch");
            if let Some((from, to)) =
                pairs.iter().find(|(from, to)| strict(from) && zip215(to) && !strict(to))
            {
                return Some(format!("{from} -> {to}"));
            }
        }
    }
    NEVER_RECOMMENDED.iter().find(|word| text.contains(**word)).map(|word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{fact, run};
    use super::*;
    use crate::model::ids::Digest;
    use crate::model::run::Executable;

    #[test]
    fn arms_may_differ_in_the_knob_alone() {
        let check = |to: Variant, facts: &[(&str, &str)], expected: &[&str]| {
            let base: Vec<Fact> =
                [(keys::BUILD_FLAGS, "none"), (keys::BUILD_LTO, "thin"), (keys::BUILD_LOCK, "a")]
                    .map(|(key, text)| fact(key, text))
                    .into();
            let mut other = base.clone();
            for (key, text) in facts {
                other.retain(|fact| fact.key != *key);
                other.push(fact(key, text));
            }
            assert_eq!(undeclared((&Variant::default(), &base), (&to, &other)), expected, "{facts:?}");
        };
        let flags = || Variant { rustflags: vec!["-Ca".to_owned()], ..Variant::default() };
        let lto = || Setting { profile: &[("lto", "fat")], ..Setting::AS_IS }.variant("x");
        check(Variant::default(), &[], &[]);
        check(flags(), &[(keys::BUILD_FLAGS, "-Ca"), (keys::PROBE_BACKEND, "x")], &[]);
        check(lto(), &[(keys::BUILD_LTO, "fat"), (keys::BUILD_PROFILE, "bench lto=fat")], &[]);
        check(lto(), &[(keys::BUILD_LTO, "fat"), (keys::BUILD_LOCK, "b")], &[keys::BUILD_LOCK]);
        check(lto(), &[(keys::BUILD_FLAGS, "-Cb")], &[keys::BUILD_FLAGS]);
        check(lto(), &[(keys::BUILD_CODEGEN_UNITS, "1")], &[keys::BUILD_CODEGEN_UNITS]);
        check(flags(), &[(keys::TOOLCHAIN_RUSTC, "other")], &[keys::TOOLCHAIN_RUSTC]);
        check(Variant { rev: Some("x".to_owned()), ..Variant::default() }, &[], &[keys::SOURCE_COMMIT]);
        let pinned = Setting { affinity: &[0], ..Setting::AS_IS };
        assert!(pinned.is_of_process());
        check(pinned.variant("p"), &[(keys::BUILD_FLAGS, "x")], &[keys::BUILD_FLAGS]);
    }

    #[test]
    fn facts_that_change_make_a_proof_stale_and_equal_code_does_not() {
        let arm = |facts: &[(&str, &str)]| {
            let mut run = run('A');
            run.facts = facts.iter().map(|(key, text)| fact(key, text)).collect();
            run.executables = vec![Executable {
                digest: Digest([1; 32]),
                bytes: 1,
                package: "p".to_owned(),
                target: "t".to_owned(),
            }];
            run
        };
        let then = arm(&[(keys::TOOLCHAIN_RUSTC, "1.95"), (keys::SOURCE_COMMIT, "aa")]);
        let at = then.started;
        let check = |now: &Run, at: Timestamp, expected: &[&str]| assert_eq!(holds(&then, now, at), expected);
        check(&then, at, &[]);
        let newer = arm(&[(keys::TOOLCHAIN_RUSTC, "1.96"), (keys::SOURCE_COMMIT, "aa")]);
        check(&newer, at, &["compiler: 1.95 -> 1.96"]);
        let mut commit = arm(&[(keys::TOOLCHAIN_RUSTC, "1.95"), (keys::SOURCE_COMMIT, "bb")]);
        check(&commit, at, &[]);
        commit.executables[0].digest = Digest([2; 32]);
        check(&commit, at, &["commit: aa -> bb"]);
        let mut configured = then.clone();
        configured.identity.config = "governor=powersave".to_owned();
        check(&configured, at, &["configuration: governor=? -> governor=powersave"]);
        check(&then, Timestamp(at.0 + 91 * 86_400_000_000), &["age: 91 days"]);
    }
}
