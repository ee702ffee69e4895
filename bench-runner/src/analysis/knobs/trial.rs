//! How a knob is tried: settings of two arms, or benchmarks of one suite against one another; and what makes a trial void.
//! What makes its proof stale is told elsewhere.
//!
//! Recipes are constants. Nothing is built or launched here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{NEVER_RECOMMENDED, Rule};
use crate::model::experiment::Variant;
use crate::model::fact::{Fact, Phase, keys, known};
use crate::model::knob::KnobState;

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

    /// The processor architecture that the flags are for, as Rust names it; `None` for any.
    #[must_use]
    pub fn architecture(&self) -> Option<&'static str> {
        let is_x86 = |flag: &&str| flag.contains("x86-64") || flag.contains("avx");
        self.rustflags.iter().any(is_x86).then_some("x86_64")
    }

    /// Whether a build with these facts has the setting already. What belongs to the process is not stored and counts as not set.
    #[must_use]
    pub fn is_in_place(&self, facts: &[Fact]) -> bool {
        let text = |key| known(facts, key).unwrap_or_default();
        // Cargo takes flags in one word or in two.
        let flags = text(keys::BUILD_FLAGS).replace("-C ", "-C").replace("--cfg ", "--cfg=");
        let has_flag = |flag: &&str| flags.split(' ').any(|word| word == *flag);
        let has_setting = |(name, value): &(&str, &str)| match *name {
            "lto" => text(keys::BUILD_LTO) == *value,
            "codegen-units" => text(keys::BUILD_CODEGEN_UNITS) == *value,
            _ => text(keys::BUILD_PROFILE).split(' ').any(|word| word == format!("{name}={value}")),
        };
        let of_build = !self.rustflags.is_empty() || !self.profile.is_empty();
        let of_process = !self.environment.is_empty() || !self.affinity.is_empty();
        of_build && !of_process && self.rustflags.iter().all(has_flag) && self.profile.iter().all(has_setting)
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
    /// The sentence to act on once it is shown that nothing moves: for knobs whose point that is, such as a quicker build or the
    /// price of a check. Empty for knobs that are turned for a gain alone.
    pub unmoved: &'static str,
    /// Lines to paste.
    pub lines: &'static str,
    /// Shared library that must be installed; empty for none.
    pub library: &'static str,
}

impl Trial {
    /// A trial whose baseline is the project as it is.
    #[must_use]
    pub const fn to(to: Setting, action: &'static str, lines: &'static str) -> Self {
        Self { recipe: Recipe::Arms { from: Setting::AS_IS, to }, action, unmoved: "", lines, library: "" }
    }

    /// A trial of benchmarks of one suite.
    #[must_use]
    pub const fn pairs(
        pairs: &'static [(&'static str, &'static str)],
        action: &'static str,
        lines: &'static str,
    ) -> Self {
        Self { recipe: Recipe::Suite(pairs), action, unmoved: "", lines, library: "" }
    }

    /// The same trial with a sentence for the case that nothing moves.
    #[must_use]
    pub const fn or_unmoved(self, unmoved: &'static str) -> Self {
        Self { unmoved, ..self }
    }

    /// The action without what follows a colon, which only one of its answers would show.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.action.split(": ").next().unwrap_or(self.action)
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

/// Whether the facts of two builds show that a knob of the build was turned: a fact that tells of it differs.
///
/// `None` when no such fact is known of both, or when the knob is none of the build: then only the executables can tell.
#[must_use]
pub fn took_effect(from: (&Variant, &[Fact]), to: (&Variant, &[Fact])) -> Option<bool> {
    let mut telling = Vec::new();
    if (&from.0.rustflags, &from.0.without_flags) != (&to.0.rustflags, &to.0.without_flags) {
        telling.push(keys::BUILD_FLAGS);
    }
    if from.0.features != to.0.features {
        telling.push(keys::BUILD_FEATURES);
    }
    // What cargo does not tell of a build is in no fact.
    for (setting, key) in [
        ("lto", keys::BUILD_LTO),
        ("codegen-units", keys::BUILD_CODEGEN_UNITS),
        ("opt-level", keys::BUILD_PROFILE),
        ("debug-assertions", keys::BUILD_PROFILE),
        ("overflow-checks", keys::BUILD_PROFILE),
    ] {
        if from.0.profile_settings.get(setting) != to.0.profile_settings.get(setting) {
            telling.push(key);
        }
    }
    let differs = |key: &str| Some(known(from.1, key)? != known(to.1, key)?);
    let answers: Vec<bool> = telling.into_iter().filter_map(differs).collect();
    if answers.is_empty() { None } else { Some(answers.contains(&true)) }
}

/// Forbidden words in what a rule says or pastes. What a rule of information only *measures* is its price, not advice.
#[must_use]
pub fn recommends_the_forbidden(rule: &Rule) -> Option<String> {
    let texts = [rule.id, rule.question, rule.cost, rule.risk, rule.security, rule.see, rule.set];
    let mut text = texts.join(" ").to_lowercase();
    if let Some(trial) = &rule.trial {
        for words in [trial.action, trial.unmoved, trial.lines] {
            _ = write!(text, " {}", words.to_lowercase());
        }
        if let (Recipe::Arms { to, .. }, KnobState::Candidate) = (&trial.recipe, rule.state) {
            text.push_str(&format!("{to:?}").to_lowercase());
        }
        if let Recipe::Suite(pairs) = &trial.recipe {
            // The strict equation is never traded for the cofactored one as if that were a gain.
            if let Some((from, to)) =
                pairs.iter().find(|(from, to)| !is_cofactored(from) && is_cofactored(to))
            {
                return Some(format!("{from} -> {to}"));
            }
        }
    }
    NEVER_RECOMMENDED.iter().find(|word| text.contains(**word)).map(|word| (*word).to_owned())
}

/// Whether a benchmark of `kms` verifies under the cofactored rule: batches that are not said to be strict, and what says so. Every
/// other benchmark of `kms` that verifies is strict.
fn is_cofactored(name: &str) -> bool {
    !name.contains("strict") && (name.contains("zip215") || name.contains("verify_batch"))
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::fact;
    use super::*;

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
    fn a_knob_of_the_build_shows_in_a_fact_or_did_not_take_effect() {
        let check = |to: &Setting, facts: &[(&str, &str)], expected: Option<bool>| {
            let all = [keys::BUILD_FLAGS, keys::BUILD_LTO, keys::BUILD_PROFILE, keys::BUILD_CODEGEN_UNITS];
            let base: Vec<Fact> = all.map(|key| fact(key, "as it is")).into();
            let mut other = base.clone();
            for (key, text) in facts {
                other.retain(|fact| fact.key != *key);
                other.push(fact(key, text));
            }
            let found = took_effect((&Variant::default(), &base), (&to.variant("x"), &other));
            assert_eq!(found, expected, "{to:?} {facts:?}");
            // A fact that nobody knows tells nothing.
            assert_eq!(took_effect((&Variant::default(), &[]), (&to.variant("x"), &[])), None);
        };
        let flags = Setting { rustflags: &["-Ca"], ..Setting::AS_IS };
        let profile = |settings| Setting { profile: settings, ..Setting::AS_IS };
        check(&flags, &[(keys::BUILD_FLAGS, "-Ca")], Some(true));
        check(&flags, &[(keys::BUILD_TARGET_CPU, "other")], Some(false));
        check(&profile(&[("lto", "fat")]), &[(keys::BUILD_LTO, "fat")], Some(true));
        check(&profile(&[("lto", "fat")]), &[], Some(false));
        check(&profile(&[("codegen-units", "1")]), &[], Some(false));
        check(&profile(&[("opt-level", "2")]), &[(keys::BUILD_PROFILE, "opt-level=2")], Some(true));
        check(&profile(&[("incremental", "false")]), &[], None);
        check(&Setting { affinity: &[0], ..Setting::AS_IS }, &[], None);
    }

    #[test]
    fn what_a_build_has_already_is_seen() {
        let check = |setting: Setting, facts: &[(&str, &str)], expected: bool| {
            let facts: Vec<Fact> = facts.iter().map(|(key, text)| fact(key, text)).collect();
            assert_eq!(setting.is_in_place(&facts), expected, "{setting:?} {facts:?}");
        };
        let flags = Setting { rustflags: &["--cfg=a=\"b\"", "-Cx=1"], ..Setting::AS_IS };
        check(flags, &[(keys::BUILD_FLAGS, "--cfg a=\"b\" -C x=1 -Cy")], true);
        check(flags, &[(keys::BUILD_FLAGS, "--cfg=a=\"b\"")], false);
        check(flags, &[], false);
        let profile = |settings| Setting { profile: settings, ..Setting::AS_IS };
        check(profile(&[("lto", "fat")]), &[(keys::BUILD_LTO, "fat")], true);
        check(profile(&[("lto", "fat")]), &[(keys::BUILD_LTO, "thin")], false);
        check(profile(&[("codegen-units", "1")]), &[(keys::BUILD_CODEGEN_UNITS, "1")], true);
        check(profile(&[("opt-level", "2")]), &[(keys::BUILD_PROFILE, "bench opt-level=2 x=y")], true);
        check(profile(&[("opt-level", "2")]), &[(keys::BUILD_PROFILE, "bench opt-level=3")], false);
        check(Setting::AS_IS, &[], false);
        check(Setting { environment: &[("A", "1")], ..Setting::AS_IS }, &[], false);
        let x86 = Setting { rustflags: &["-Ctarget-cpu=x86-64-v3"], ..Setting::AS_IS };
        assert_eq!((x86.architecture(), profile(&[("lto", "fat")]).architecture()), (Some("x86_64"), None));
    }
}
