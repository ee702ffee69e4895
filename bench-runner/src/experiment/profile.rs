//! What the cargo profile sets where cargo's messages are silent: link-time optimisation, code generation units,
//! packages with settings of their own.
//!
//! Read from the root manifest and the environment. Profiles in cargo's own configuration files are not read.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::criterion::build::Build;
use crate::files;
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};

/// Largest manifest that is read, in bytes.
const MANIFEST_LIMIT: u64 = 1 << 20;

/// Facts about the profile's settings.
pub(super) fn facts(built: &Build, environment: &BTreeMap<OsString, OsString>) -> Vec<Fact> {
    let profile = &built.profile;
    let setting = |name: &str| {
        effective(&profile.name, name, profile.manifest.get(name).map(String::as_str), environment)
    };
    let manifest = files::read(&built.root.join("Cargo.toml"), MANIFEST_LIMIT)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<toml::Table>().ok());
    let overrides = match &manifest {
        Some(manifest) => Ok((
            FactValue::List(overrides(manifest, &profile.name)),
            "the root manifest, `[profile.*.package]`".to_owned(),
        )),
        None => Err("the root manifest could not be read".to_owned()),
    };
    let of_text = |found: Result<(String, String), String>| {
        found.map(|(value, source)| (FactValue::Text(value), source))
    };
    vec![
        fact(keys::BUILD_LTO, of_text(setting("lto"))),
        fact(keys::BUILD_CODEGEN_UNITS, of_text(setting("codegen-units"))),
        fact(keys::BUILD_OVERRIDES, overrides),
    ]
}

fn fact(key: &str, found: Result<(FactValue, String), String>) -> Fact {
    let (value, status, source) = match found {
        Ok((value, source)) => (Some(value), FactStatus::Ok, source),
        Err(reason) => (None, FactStatus::Unknown, reason),
    };
    Fact { key: key.to_owned(), value, unit: String::new(), status, source, phase: Phase::Start }
}

/// The value of a setting and who sets it.
///
/// The profile's own variable is above the manifest. What it inherits cannot be told apart from what it sets, so that
/// a variable for `release` beside a manifest that speaks too leaves the setting unknown.
///
/// Reference: the Cargo Book, "Profiles" and "Configuration", `profile.<name>`.
fn effective(
    profile: &str,
    setting: &str,
    manifest: Option<&str>,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<(String, String), String> {
    let variable = |profile: &str| {
        let upper = |text: &str| text.to_uppercase().replace('-', "_");
        format!("CARGO_PROFILE_{}_{}", upper(profile), upper(setting))
    };
    let set = |name: &str| {
        // Words such as `thin` and numbers; nothing else is a value of these settings.
        let value = environment.get(OsStr::new(name))?.to_str()?;
        (value.len() <= 8 && value.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| value.to_owned())
    };
    let (own, inherited) = (variable(profile), variable("release"));
    match (set(&own), manifest, set(&inherited)) {
        (Some(value), _, _) => Ok((value, own)),
        (None, Some(_), Some(_)) => Err(format!("both the manifest and {inherited} speak of it")),
        (None, Some(value), None) => Ok((value.to_owned(), "the root manifest".to_owned())),
        (None, None, Some(value)) => Ok((value, inherited)),
        (None, None, None) => {
            Ok(("cargo's default".to_owned(), "neither manifest nor environment".to_owned()))
        }
    }
}

/// Packages that `profile`, or the release profile that it builds on, treats differently.
fn overrides(manifest: &toml::Table, profile: &str) -> Vec<String> {
    let profiles = manifest.get("profile").and_then(toml::Value::as_table);
    let mut found: Vec<String> = [profile, "release"]
        .iter()
        .filter_map(|name| profiles?.get(*name)?.get("package")?.as_table())
        .flat_map(|packages| packages.keys().cloned())
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_own_variable_is_above_the_manifest() {
        let check = |variables: &[(&str, &str)], manifest: Option<&str>, expected: Result<&str, ()>| {
            let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
            let found = effective("bench", "codegen-units", manifest, &environment);
            assert_eq!(
                found.as_ref().map(|(value, _)| value.as_str()).map_err(|_| ()),
                expected,
                "{variables:?}"
            );
        };
        let (own, release) = ("CARGO_PROFILE_BENCH_CODEGEN_UNITS", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS");
        check(&[], None, Ok("cargo's default"));
        check(&[], Some("4"), Ok("4"));
        check(&[(own, "1")], Some("4"), Ok("1"));
        check(&[(release, "2")], None, Ok("2"));
        check(&[(release, "2")], Some("4"), Err(()));
        check(&[(own, "1"), (release, "2")], Some("4"), Ok("1"));
        check(&[(own, "/home/canary")], None, Ok("cargo's default"));
    }

    #[test]
    fn packages_with_settings_of_their_own_are_named() {
        let manifest: toml::Table =
            "[profile.release.package.slow]\nopt-level = 1\n[profile.bench.package.\"*\"]\n\
                                     opt-level = 3\n[profile.dev.package.other]\nopt-level = 0\n"
                .parse()
                .unwrap();
        assert_eq!(overrides(&manifest, "bench"), ["*", "slow"]);
        assert!(overrides(&toml::Table::new(), "bench").is_empty());
    }
}
