//! Facts about a build: profile, flags, processor, features, locked dependencies, and the harness that the benches speak.
//!
//! Made from what cargo and the compiler said. Nothing is built here, and nothing stored names a path.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use regex::Regex;

use super::profile;
use super::suite::stated;
use crate::criterion::build::{Build, BuildRequest, Features};
use crate::criterion::target_cpu;
use crate::model::fact::{Fact, keys};
use crate::process::ProcessRunner;

/// Facts about what was built as `request` asked, by benches that spoke with the versions `spoken` of Criterion.
///
/// # Edge cases
/// Without a lock file, or without a version, the fact concerned is left out: nothing stands for it.
#[must_use]
pub fn build_facts(
    built: &Build,
    request: &BuildRequest,
    spoken: &BTreeSet<&str>,
    runner: &dyn ProcessRunner,
) -> Vec<Fact> {
    let flags = built.flags.effective().join(" ");
    let flags = if flags.is_empty() { "none".to_owned() } else { redact_paths(&flags) };
    let features = features(&request.features);
    let mut facts = vec![
        stated(keys::BUILD_PROFILE, settings(built), "cargo's build messages and the root manifest"),
        stated(keys::BUILD_FLAGS, flags, "cargo configuration merged with the environment"),
        stated(keys::BUILD_FEATURES, features, "command line"),
        stated(keys::HARNESS_RUNNER, env!("CARGO_PKG_VERSION"), "bench-runner"),
    ];
    if !spoken.is_empty() {
        let versions = spoken.iter().copied().collect::<Vec<_>>().join(", ");
        facts.push(stated(keys::HARNESS_CRITERION, versions, "the benches' greeting"));
    }
    if let Some(lock) = built.lock {
        facts.push(stated(keys::BUILD_LOCK, lock.to_string(), "Cargo.lock"));
    }
    let rustc = request.environment.get(OsStr::new("RUSTC")).filter(|name| !name.is_empty());
    let rustc = rustc.map_or(OsStr::new("rustc"), |name| name.as_os_str());
    facts.push(target_cpu::fact(&built.flags, rustc, &built.root, runner));
    facts.extend(profile::facts(built, &request.environment));
    facts
}

/// The profile by name, with what cargo built with and what the manifest sets besides.
fn settings(built: &Build) -> String {
    let profile = &built.profile;
    let mut settings = vec![
        profile.name.clone(),
        format!("opt-level={}", profile.opt_level),
        format!("debug-assertions={}", profile.debug_assertions),
        format!("overflow-checks={}", profile.overflow_checks),
    ];
    // What cargo says it built with stands already; the manifest adds what cargo does not tell.
    let told = ["opt-level", "debug-assertions", "overflow-checks"];
    let more = profile.manifest.iter().filter(|(name, _)| !told.contains(&name.as_str()));
    settings.extend(more.map(|(name, value)| format!("{name}={value}")));
    settings.join(" ")
}

fn features(asked: &Features) -> String {
    let words = match (asked.all, asked.no_default) {
        (true, _) => "all".to_owned(),
        (false, true) => format!("no default; {}", asked.names.join(",")),
        (false, false) => format!("default; {}", asked.names.join(",")),
    };
    words.trim_end_matches("; ").to_owned()
}

/// Nothing stored names a path: an absolute one anywhere within a flag becomes a mark with a short digest.
fn redact_paths(flags: &str) -> String {
    let start = Regex::new(r"(^|[\s=,:]|-[LI])(/[^\s,:]*|[A-Za-z]:[\\/][^\s,]*)");
    let Ok(start) = start else { return "<flags that cannot be shown>".to_owned() };
    let mark = |found: &regex::Captures<'_>| {
        format!("{}<path#{}>", &found[1], &crate::files::sha256(found[2].as_bytes()).short()[..8])
    };
    start.replace_all(flags, mark).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_absolute_path_survives_in_flags() {
        for flags in [
            "-L/home/alice/lib",
            "-L native=/home/alice/lib",
            "-Clink-arg=-Wl,-rpath,/home/alice/lib",
            "--remap-path-prefix=/home/alice=x",
            "-Cprofile-use=C:\\Users\\alice\\p.profdata",
            "/home/alice/x",
        ] {
            let shown = redact_paths(flags);
            assert!(!shown.contains("alice") && shown.contains("<path#"), "{flags}: {shown}");
        }
        let plain = r#"--cfg=curve25519_dalek_backend="avx512" -Ctarget-cpu=native -Clto=thin"#;
        assert_eq!(redact_paths(plain), plain);
    }
}
