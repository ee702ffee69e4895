//! Knobs of the build: compiler flags and settings of the cargo profile, from the facts of the build that was measured.
//!
//! Most are listed and not shown before they were tried here: what others report of them says little about one crate.

use super::{Fired, KnobInput, Needs, Recipe, Rule, Setting, Trial};
use crate::model::fact::keys;
use crate::model::knob::{Confidence, KnobGroup, KnobState};

/// What most entries share.
const BASE: Rule = Rule {
    id: "",
    group: KnobGroup::Build,
    question: "",
    needs: Needs::Trial,
    state: KnobState::Candidate,
    cost: "build time",
    risk: "another build is another line of history",
    security: "",
    trial: None,
    typical: None,
    evidence: |_| Vec::new(),
};
/// What a build for a newer processor costs.
const NEWER: Rule = Rule {
    cost: "the executable needs that generation of processors or a newer one",
    risk: "illegal instructions on older machines; numbers are another line of history",
    typical: Some((-0.03, 0.04)),
    ..BASE
};

const fn profile(settings: &'static [(&'static str, &'static str)]) -> Setting {
    Setting { profile: settings, ..Setting::AS_IS }
}

const fn flags(flags: &'static [&'static str]) -> Setting {
    Setting { rustflags: flags, ..Setting::AS_IS }
}

pub(super) static RULES: [Rule; 19] = [
    Rule {
        id: "build.lto-fat",
        question: "Is link-time optimisation anything less than fat?",
        trial: Some(Trial::to(
            profile(&[("lto", "fat")]),
            "Build with fat link-time optimisation",
            "[profile.release]\nlto = \"fat\"",
        )),
        typical: Some((-0.06, 0.02)),
        evidence: |input| setting(input, keys::BUILD_LTO, |lto| lto != "fat" && lto != "true"),
        ..BASE
    },
    Rule {
        id: "build.lto-thin",
        question: "Is there no link-time optimisation across crates?",
        trial: Some(Trial::to(
            profile(&[("lto", "thin")]),
            "Build with thin link-time optimisation",
            "[profile.release]\nlto = \"thin\"",
        )),
        typical: Some((-0.1, 0.01)),
        evidence: |input| {
            setting(input, keys::BUILD_LTO, |lto| lto == "off" || lto == "false" || lto == "cargo's default")
        },
        ..BASE
    },
    Rule {
        id: "build.lto-off",
        question: "What does link-time optimisation buy for the build time that it takes?",
        cost: "speed, for a quicker build",
        trial: Some(Trial::to(
            profile(&[("lto", "off")]),
            "Build without link-time optimisation: it buys nothing here",
            "[profile.release]\nlto = \"off\"",
        )),
        typical: Some((0.0, 0.1)),
        evidence: |input| setting(input, keys::BUILD_LTO, |lto| matches!(lto, "thin" | "fat" | "true")),
        ..BASE
    },
    Rule {
        id: "build.codegen-units-1",
        question: "Is the crate compiled in more than one piece?",
        trial: Some(Trial::to(
            profile(&[("codegen-units", "1")]),
            "Compile the crate in one piece",
            "[profile.release]\ncodegen-units = 1",
        )),
        typical: Some((-0.05, 0.01)),
        evidence: |input| setting(input, keys::BUILD_CODEGEN_UNITS, |units| units != "1"),
        ..BASE
    },
    Rule {
        id: "build.codegen-units-4",
        question: "Would four pieces be as fast as one, and quicker to build?",
        cost: "none when nothing is lost",
        trial: Some(Trial::to(
            profile(&[("codegen-units", "4")]),
            "Compile the crate in four pieces",
            "[profile.release]\ncodegen-units = 4",
        )),
        typical: Some((0.0, 0.05)),
        evidence: |input| setting(input, keys::BUILD_CODEGEN_UNITS, |units| units == "1"),
        ..BASE
    },
    Rule {
        id: "build.codegen-units-16",
        question: "Would sixteen pieces, cargo's default, be as fast as one?",
        cost: "none when nothing is lost",
        trial: Some(Trial::to(
            profile(&[("codegen-units", "16")]),
            "Compile the crate in sixteen pieces",
            "[profile.release]\ncodegen-units = 16",
        )),
        typical: Some((0.0, 0.08)),
        evidence: |input| setting(input, keys::BUILD_CODEGEN_UNITS, |units| units == "1"),
        ..BASE
    },
    Rule {
        id: "build.opt-level-2",
        question: "Does the third level of optimisation pay here?",
        trial: Some(Trial::to(
            profile(&[("opt-level", "2")]),
            "Build with opt-level = 2",
            "[profile.release]\nopt-level = 2",
        )),
        typical: Some((-0.02, 0.05)),
        evidence: |input| setting(input, keys::BUILD_PROFILE, |profile| profile.contains("opt-level=3")),
        ..BASE
    },
    Rule {
        id: "build.opt-level-3",
        question: "Is the highest level of optimisation left out?",
        trial: Some(Trial::to(
            profile(&[("opt-level", "3")]),
            "Build with opt-level = 3",
            "[profile.release]\nopt-level = 3",
        )),
        typical: Some((-0.3, 0.02)),
        evidence: |input| {
            setting(input, keys::BUILD_PROFILE, |profile| {
                profile.contains("opt-level=") && !profile.contains("opt-level=3")
            })
        },
        ..BASE
    },
    Rule {
        id: "build.opt-level-s",
        question: "What does a small executable cost in time?",
        state: KnobState::Information,
        cost: "speed, for size",
        trial: Some(Trial::to(
            profile(&[("opt-level", "s")]),
            "Build for size: it costs no time here",
            "[profile.release]\nopt-level = \"s\"",
        )),
        typical: Some((0.0, 0.5)),
        evidence: |input| setting(input, keys::BUILD_PROFILE, |profile| profile.contains("opt-level=3")),
        ..BASE
    },
    Rule {
        id: "build.overflow-checks",
        question: "What do checks for arithmetic overflow cost?",
        state: KnobState::Information,
        cost: "time, for a panic instead of a wrapped number",
        security: "overflow checks turn a silent error into a stop",
        trial: Some(Trial::to(
            profile(&[("overflow-checks", "true")]),
            "Keep overflow checks in the release build: they cost nothing here",
            "[profile.release]\noverflow-checks = true",
        )),
        typical: Some((0.0, 0.1)),
        evidence: |input| {
            setting(input, keys::BUILD_PROFILE, |profile| profile.contains("overflow-checks=false"))
        },
        ..BASE
    },
    Rule {
        id: "build.debug-assertions",
        question: "Are debug assertions on in what is measured?",
        cost: "none for numbers that speak of the release build",
        trial: Some(Trial::to(
            profile(&[("debug-assertions", "false")]),
            "Measure without debug assertions",
            "[profile.bench]\ndebug-assertions = false",
        )),
        typical: Some((-0.5, 0.0)),
        evidence: |input| {
            setting(input, keys::BUILD_PROFILE, |profile| profile.contains("debug-assertions=true"))
        },
        ..BASE
    },
    Rule {
        id: "build.incremental",
        question: "Is what is measured built incrementally?",
        trial: Some(Trial::to(
            profile(&[("incremental", "false")]),
            "Measure what is built in one go",
            "[profile.bench]\nincremental = false",
        )),
        typical: Some((-0.2, 0.0)),
        evidence: |input| setting(input, keys::BUILD_PROFILE, |profile| profile.contains("incremental=true")),
        ..BASE
    },
    Rule {
        id: "build.target-cpu-native",
        question: "Would code for exactly this processor be faster?",
        cost: "the executable runs on this kind of processor only",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=native"]),
            "Build for exactly this processor",
            "[target.'cfg(target_arch = \"x86_64\")']\nrustflags = [\"-Ctarget-cpu=native\"]",
        )),
        evidence: |input| generation(input, "avx2"),
        ..NEWER
    },
    Rule {
        id: "build.target-cpu-v2",
        question: "Would code for x86-64-v2 (SSE4.2) be faster?",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=x86-64-v2"]),
            "Build for x86-64-v2",
            "rustflags = [\"-Ctarget-cpu=x86-64-v2\"]",
        )),
        evidence: |input| generation(input, "sse4_2"),
        ..NEWER
    },
    Rule {
        id: "build.target-cpu-v3",
        question: "Would code for x86-64-v3 (AVX2) be faster?",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=x86-64-v3"]),
            "Build for x86-64-v3",
            "rustflags = [\"-Ctarget-cpu=x86-64-v3\"]",
        )),
        evidence: |input| generation(input, "avx2"),
        ..NEWER
    },
    Rule {
        id: "build.target-cpu-v4",
        question: "Would code for x86-64-v4 (AVX-512) be faster?",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=x86-64-v4"]),
            "Build for x86-64-v4",
            "rustflags = [\"-Ctarget-cpu=x86-64-v4\"]",
        )),
        evidence: |input| generation(input, "avx512f"),
        ..NEWER
    },
    Rule {
        id: "build.frame-pointers",
        question: "What do frame pointers cost, with which profilers see whole call stacks?",
        state: KnobState::Information,
        cost: "a register",
        trial: Some(Trial::to(
            flags(&["-Cforce-frame-pointers=yes"]),
            "Keep frame pointers: they cost nothing here",
            "rustflags = [\"-Cforce-frame-pointers=yes\"]",
        )),
        typical: Some((0.0, 0.03)),
        evidence: |input| setting(input, keys::BUILD_FLAGS, |flags| !flags.contains("frame-pointers")),
        ..BASE
    },
    Rule {
        id: "build.inline-threshold",
        question: "Would more inlining help?",
        cost: "a larger executable",
        trial: Some(Trial::to(
            flags(&["-Cllvm-args=-inline-threshold=1000"]),
            "Let the compiler inline more",
            "rustflags = [\"-Cllvm-args=-inline-threshold=1000\"]",
        )),
        typical: Some((-0.05, 0.05)),
        evidence: |input| setting(input, keys::BUILD_FLAGS, |flags| !flags.contains("inline-threshold")),
        ..BASE
    },
    Rule {
        id: "build.portable-backend",
        question: "What does the portable arithmetic backend of curve25519-dalek cost, compared with the chosen one?",
        state: KnobState::Information,
        cost: "speed, for code without vector instructions",
        security: "all backends compute the same signatures",
        trial: Some(Trial {
            recipe: Recipe::Arms {
                from: Setting::AS_IS,
                to: Setting {
                    without: &["--cfg=curve25519_dalek_backend"],
                    rustflags: &["--cfg=curve25519_dalek_backend=\"serial\""],
                    ..Setting::AS_IS
                },
            },
            action: "Use the portable backend: it costs nothing here",
            lines: "rustflags = ['--cfg=curve25519_dalek_backend=\"serial\"']",
            library: "",
        }),
        typical: Some((0.0, 1.5)),
        evidence: |input| setting(input, keys::PROBE_BACKEND, |backend| backend != "serial"),
        ..BASE
    },
];

/// A rule that fires on the known text of one fact; what it would gain is only known from a trial.
pub(super) fn setting(input: &KnobInput<'_>, key: &str, fires: fn(&str) -> bool) -> Vec<Fired> {
    let Some(text) = input.fact(key).filter(|text| fires(text)) else { return Vec::new() };
    untried(key, &text)
}

/// The card of a knob that nothing but a fact speaks for.
pub(super) fn untried(key: &str, text: &str) -> Vec<Fired> {
    vec![Fired {
        confidence: Confidence::Low,
        ..Fired::new(
            "Try it here before you keep it".to_owned(),
            format!("{key} is {text}"),
            vec![(key.to_owned(), text.to_owned())],
        )
    }]
}

/// Fires for a build without `target-cpu` on a processor that has `feature`.
fn generation(input: &KnobInput<'_>, feature: &str) -> Vec<Fired> {
    let features = input.fact(keys::CPU_FEATURES).unwrap_or_default();
    let has = features.split(',').any(|name| name.trim() == feature);
    let plain = input.fact(keys::BUILD_FLAGS).filter(|flags| !flags.contains("target-cpu"));
    if has && plain.is_some() { untried(keys::CPU_FEATURES, feature) } else { Vec::new() }
}
