//! Knobs of the build: compiler flags and settings of the cargo profile, from the facts of the build that was measured.
//!
//! Most are listed and not shown before they were tried here: what others report of them says little about one crate.

use super::{Fired, KnobInput, Needs, Recipe, Rule, Setting, Trial, UNTRIED};
use crate::model::fact::keys;
use crate::model::knob::{Confidence, KnobGroup, KnobState};

/// What most entries share. Each says its own cost and risk; that another build is another line of history holds for all.
const BASE: Rule = Rule {
    id: "",
    group: KnobGroup::Build,
    question: "",
    needs: Needs::Trial,
    state: KnobState::Candidate,
    cost: "",
    risk: "",
    security: "",
    see: "",
    set: "",
    trial: None,
    typical: None,
    evidence: |_| Vec::new(),
};
/// A build for a newer processor.
const NEWER: Rule = Rule { typical: Some((-0.03, 0.04)), ..BASE };

const fn profile(settings: &'static [(&'static str, &'static str)]) -> Setting {
    Setting { profile: settings, ..Setting::AS_IS }
}

const fn flags(flags: &'static [&'static str]) -> Setting {
    Setting { rustflags: flags, ..Setting::AS_IS }
}

pub(super) static RULES: [Rule; 21] = [
    Rule {
        id: "build.lto-fat",
        question: "Is link-time optimisation anything less than fat?",
        risk: "gains differ by crate and by compiler version, and may turn into a loss",
        cost: "minutes of linking, and memory for all crates at once",
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
        risk: "inlining across crates moves code about: unrelated benchmarks may shift by a layout",
        cost: "some more time for each link",
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
        risk: "what costs nothing today costs something once a hot function moves to another crate",
        cost: "speed where calls cross crates, for a quicker link",
        trial: Some(
            Trial::to(
                profile(&[("lto", "off")]),
                "Build without link-time optimisation: it costs speed here",
                "[profile.release]\nlto = \"off\"",
            )
            .or_unmoved("Build without link-time optimisation: it buys nothing here"),
        ),
        typical: Some((0.0, 0.1)),
        evidence: |input| setting(input, keys::BUILD_LTO, |lto| matches!(lto, "thin" | "fat" | "true")),
        ..BASE
    },
    Rule {
        id: "build.codegen-units-1",
        question: "Is the crate compiled in more than one piece?",
        risk: "another order of functions is another layout: small gains may be luck, hence the trial",
        cost: "each crate compiles on one core: a longer build",
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
        risk: "where the crate is cut is the choice of the compiler and moves with the code",
        cost: "perhaps some inlining; the build is quicker",
        trial: Some(
            Trial::to(
                profile(&[("codegen-units", "4")]),
                "Compile the crate in four pieces",
                "[profile.release]\ncodegen-units = 4",
            )
            .or_unmoved("Compile the crate in four pieces: as fast as in one, and quicker to build"),
        ),
        typical: Some((0.0, 0.05)),
        evidence: |input| setting(input, keys::BUILD_CODEGEN_UNITS, |units| units == "1"),
        ..BASE
    },
    Rule {
        id: "build.codegen-units-16",
        question: "Would sixteen pieces, cargo's default, be as fast as one?",
        risk: "a hot function and its caller may land in different pieces after an unrelated change",
        cost: "more lost inlining than with four pieces; the build is quickest",
        trial: Some(
            Trial::to(
                profile(&[("codegen-units", "16")]),
                "Compile the crate in sixteen pieces",
                "[profile.release]\ncodegen-units = 16",
            )
            .or_unmoved("Compile the crate in sixteen pieces: as fast as in one, and quicker to build"),
        ),
        typical: Some((0.0, 0.08)),
        evidence: |input| setting(input, keys::BUILD_CODEGEN_UNITS, |units| units == "1"),
        ..BASE
    },
    Rule {
        id: "build.opt-level-2",
        question: "Does the third level of optimisation pay here?",
        risk: "loops that today gain nothing from the third level may do so tomorrow",
        cost: "less unrolling and vectorising; the code is smaller and builds sooner",
        trial: Some(
            Trial::to(
                profile(&[("opt-level", "2")]),
                "Build with opt-level = 2",
                "[profile.release]\nopt-level = 2",
            )
            .or_unmoved("Build with opt-level = 2: as fast here as the third level, and quicker to build"),
        ),
        typical: Some((-0.02, 0.05)),
        evidence: |input| setting(input, keys::BUILD_PROFILE, |profile| profile.contains("opt-level=3")),
        ..BASE
    },
    Rule {
        id: "build.opt-level-3",
        question: "Is the highest level of optimisation left out?",
        risk: "code that no longer fits into the instruction cache can be slower than at the level before",
        cost: "a larger executable and a longer build",
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
        risk: "vector loops suffer most: measure the ones that matter, not the average",
        state: KnobState::Information,
        cost: "speed, for size",
        trial: Some(
            Trial::to(
                profile(&[("opt-level", "s")]),
                "Build for size",
                "[profile.release]\nopt-level = \"s\"",
            )
            .or_unmoved("Build for size: it costs no time here"),
        ),
        typical: Some((0.0, 0.5)),
        evidence: |input| setting(input, keys::BUILD_PROFILE, |profile| profile.contains("opt-level=3")),
        ..BASE
    },
    Rule {
        id: "build.overflow-checks",
        question: "What do checks for arithmetic overflow cost?",
        risk: "a program that overflows by design stops where it went on",
        state: KnobState::Information,
        cost: "time, for a panic instead of a wrapped number",
        security: "overflow checks turn a silent error into a stop",
        trial: Some(
            Trial::to(
                profile(&[("overflow-checks", "true")]),
                "Keep overflow checks in the release build",
                "[profile.release]\noverflow-checks = true",
            )
            .or_unmoved("Keep overflow checks in the release build: they cost nothing here"),
        ),
        typical: Some((0.0, 0.1)),
        evidence: |input| {
            setting(input, keys::BUILD_PROFILE, |profile| profile.contains("overflow-checks=false"))
        },
        ..BASE
    },
    Rule {
        id: "build.debug-assertions",
        question: "Are debug assertions on in what is measured?",
        risk: "earlier numbers timed the assertions too, and are another line of history",
        cost: "nothing in the release build, which has none anyway",
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
        risk: "earlier numbers timed a crate cut into many pieces, and are another line of history",
        cost: "the whole crate is compiled anew after each change",
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
        risk: "illegal instructions on any older processor; two machines with the same flag run different code",
        cost: "a build for each kind of processor that it shall run on",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=native"]),
            "Build for exactly this processor",
            "# .cargo/config.toml\n[target.'cfg(target_arch = \"x86_64\")']\nrustflags = [\"-Ctarget-cpu=native\"]",
        )),
        evidence: |input| generation(input, "avx2"),
        ..NEWER
    },
    Rule {
        id: "build.target-cpu-v2",
        question: "Would code for x86-64-v2 (SSE4.2) be faster?",
        risk: "an illegal instruction there, at the first use and not at the start",
        cost: "processors from before about 2009 are left out",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=x86-64-v2"]),
            "Build for x86-64-v2",
            "# .cargo/config.toml\n[build]\nrustflags = [\"-Ctarget-cpu=x86-64-v2\"]",
        )),
        evidence: |input| generation(input, "sse4_2"),
        ..NEWER
    },
    Rule {
        id: "build.target-cpu-v3",
        question: "Would code for x86-64-v3 (AVX2) be faster?",
        risk: "an illegal instruction there; what chooses its vectors at run time gains nothing more",
        cost: "processors without AVX2 are left out: before about 2013, and some small ones since",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=x86-64-v3"]),
            "Build for x86-64-v3",
            "# .cargo/config.toml\n[build]\nrustflags = [\"-Ctarget-cpu=x86-64-v3\"]",
        )),
        evidence: |input| generation(input, "avx2"),
        ..NEWER
    },
    Rule {
        id: "build.target-cpu-v4",
        question: "Would code for x86-64-v4 (AVX-512) be faster?",
        risk: "an illegal instruction there; some older servers lower their clock while wide vectors run",
        cost: "processors without AVX-512 are left out, which are most desktops and laptops",
        trial: Some(Trial::to(
            flags(&["-Ctarget-cpu=x86-64-v4"]),
            "Build for x86-64-v4",
            "# .cargo/config.toml\n[build]\nrustflags = [\"-Ctarget-cpu=x86-64-v4\"]",
        )),
        evidence: |input| generation(input, "avx512f"),
        ..NEWER
    },
    Rule {
        id: "build.frame-pointers",
        question: "What do frame pointers cost, with which profilers see whole call stacks?",
        risk: "short functions feel it most; leaf functions may still go without",
        state: KnobState::Information,
        cost: "one register and a few instructions in each function",
        trial: Some(
            Trial::to(
                flags(&["-Cforce-frame-pointers=yes"]),
                "Keep frame pointers",
                "# .cargo/config.toml\n[build]\nrustflags = [\"-Cforce-frame-pointers=yes\"]",
            )
            .or_unmoved("Keep frame pointers: they cost nothing here"),
        ),
        typical: Some((0.0, 0.03)),
        evidence: |input| setting(input, keys::BUILD_FLAGS, |flags| !flags.contains("frame-pointers")),
        ..BASE
    },
    Rule {
        id: "build.inline-threshold",
        question: "Would more inlining help?",
        risk: "what one benchmark gains by inlining, another loses by a fuller instruction cache",
        cost: "a larger executable, and a flag of LLVM that the compiler does not promise to keep",
        trial: Some(Trial::to(
            flags(&["-Cllvm-args=-inline-threshold=1000"]),
            "Let the compiler inline more",
            "# .cargo/config.toml\n[build]\nrustflags = [\"-Cllvm-args=-inline-threshold=1000\"]",
        )),
        typical: Some((-0.05, 0.05)),
        evidence: |input| setting(input, keys::BUILD_FLAGS, |flags| !flags.contains("inline-threshold")),
        ..BASE
    },
    Rule {
        id: "build.portable-backend",
        question: "What does the portable arithmetic backend of curve25519-dalek cost, compared with the chosen one?",
        risk: "none to the results; it is slower wherever the processor has vectors",
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
            action: "Use the portable backend",
            unmoved: "Use the portable backend: it costs nothing here",
            lines: "# .cargo/config.toml\n[build]\nrustflags = ['--cfg=curve25519_dalek_backend=\"serial\"']",
            library: "",
        }),
        typical: Some((0.0, 1.5)),
        evidence: |input| setting(input, keys::PROBE_BACKEND, |backend| backend != "serial"),
        ..BASE
    },
    Rule {
        id: "build.panic-abort",
        question: "How does the time change when a panic ends the process instead of unwinding it?",
        risk: "what catches a panic, such as a server that drops one request, ends instead; so do its other requests",
        state: KnobState::Information,
        cost: "unwinding, for smaller code; cargo ignores the setting in the profile of benches, so a flag tries it",
        security: "whoever finds one input that panics stops the whole process",
        trial: Some(
            Trial::to(flags(&["-Cpanic=abort"]), "Do without unwinding", "")
                .or_unmoved("Keep unwinding: it costs nothing here"),
        ),
        typical: Some((-0.03, 0.01)),
        evidence: |input| setting(input, keys::BUILD_FLAGS, |flags| !flags.contains("panic")),
        ..BASE
    },
    Rule {
        id: "build.pgo",
        question: "Would a build that was made after a profile of its real calls be faster?",
        risk: "a profile of benches makes benches fast: it has to come from the calls that count, and anew for each change",
        state: KnobState::Information,
        cost: "two builds with a run between them, and a profile to keep beside the code",
        security: "the compiler may put branches where there were none: check again what must take the same time for every secret",
        see: "cargo pgo info    # is it installed, with the tools that it needs?",
        set: "cargo install cargo-pgo && rustup component add llvm-tools\n\
              cargo pgo bench    # collects a profile and names its FILE\n\
              bench-runner experiment --variant plain \\\n  \
              --variant pgo:rustflags=-Cprofile-use=FILE",
        typical: Some((-0.1, 0.01)),
        evidence: |input| {
            let plain = input.fact(keys::BUILD_FLAGS).filter(|flags| !flags.contains("profile-use"));
            plain.map_or_else(Vec::new, |flags| {
                let because =
                    "it takes a program of its own, a profile and two builds, so that no trial is made here";
                let evidence = vec![(keys::BUILD_FLAGS.to_owned(), flags)];
                let action =
                    "Build after a profile of the calls that count, and measure it in turns with this build";
                vec![Fired {
                    confidence: Confidence::Low,
                    ..Fired::new(action.to_owned(), because.to_owned(), evidence)
                }]
            })
        },
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
        ..Fired::new(UNTRIED.to_owned(), format!("{key} is {text}"), vec![(key.to_owned(), text.to_owned())])
    }]
}

/// Fires for a build without `target-cpu` on a processor that has `feature`.
fn generation(input: &KnobInput<'_>, feature: &str) -> Vec<Fired> {
    let features = input.fact(keys::CPU_FEATURES).unwrap_or_default();
    let has = features.split(',').any(|name| name.trim() == feature);
    let plain = input.fact(keys::BUILD_FLAGS).filter(|flags| !flags.contains("target-cpu"));
    if has && plain.is_some() { untried(keys::CPU_FEATURES, feature) } else { Vec::new() }
}
