//! What a workspace says about its benches: manifests, features, profile, lock file.
//!
//! `cargo metadata` does not tell whether a bench target has `harness = false`, nor what a profile sets: those are
//! read from the manifests. Nothing is built here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{Package, Target};
use toml::{Table, Value};

/// Names under which Criterion's harness is published, the original last.
const HARNESSES: [&str; 3] = ["codspeed-criterion-compat", "criterion2", "criterion"];

/// Whether a bench target brings its own `main`, as Criterion needs it.
pub(super) fn has_own_harness(manifest: &Table, target: &str) -> bool {
    let benches = manifest.get("bench").and_then(Value::as_array);
    let named = |bench: &&Value| bench.get("name").and_then(Value::as_str) == Some(target);
    let entry = benches.and_then(|benches| benches.iter().find(named));
    entry.and_then(|bench| bench.get("harness")).and_then(Value::as_bool) == Some(false)
}

/// The bench targets of a package.
pub(super) fn bench_targets(package: &Package) -> impl Iterator<Item = &Target> {
    package.targets.iter().filter(|target| target.is_bench())
}

/// The features that are on: those asked for, the default ones unless refused, and what they imply.
pub(super) fn enabled_features(package: &Package, asked: &super::build::Features) -> BTreeSet<String> {
    if asked.all {
        return package.features.keys().cloned().collect();
    }
    let mut pending: Vec<String> = asked.names.clone();
    if !asked.no_default {
        pending.push("default".to_owned());
    }
    let mut enabled = BTreeSet::new();
    while let Some(name) = pending.pop() {
        // `package/feature` asks one package of several.
        let name = match name.split_once('/') {
            Some((owner, feature)) if owner == package.name.as_str() => feature.to_owned(),
            _ => name,
        };
        if let Some(implied) = package.features.get(&name)
            && enabled.insert(name)
        {
            pending.extend(implied.iter().cloned());
        }
    }
    enabled
}

/// Features that a target requires and that are off.
pub(super) fn lacking_features(target: &Target, enabled: &BTreeSet<String>) -> Vec<String> {
    target.required_features.iter().filter(|feature| !enabled.contains(*feature)).cloned().collect()
}

/// Settings of a profile that cargo's messages do not tell, as the root manifest says.
///
/// Reference: the Cargo Book, "Profiles".
pub(super) fn profile_settings(root: &Table, name: &str) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut current = name.to_owned();
    // A chain of `inherits` is short; a circle, which cargo refuses, must not keep us.
    for _ in 0..16 {
        let table = root.get("profile").and_then(|profiles| profiles.get(&current)).and_then(Value::as_table);
        for key in ["lto", "codegen-units", "opt-level", "debug", "panic", "strip", "incremental"] {
            if let Some(value) = table.and_then(|table| table.get(key)) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                settings.entry(key.to_owned()).or_insert(text);
            }
        }
        let inherits = table.and_then(|table| table.get("inherits")).and_then(Value::as_str);
        current = match (current.as_str(), inherits) {
            ("release" | "dev", _) => break,
            ("test", _) => "dev".to_owned(),
            (_, Some(parent)) => parent.to_owned(),
            (_, None) => "release".to_owned(),
        };
    }
    settings
}

/// The version of Criterion that a package was locked to.
pub(super) fn criterion_version(lock: &Table, package: &str, version: &str) -> Option<String> {
    let packages = lock.get("package")?.as_array()?;
    let text = |value: &'_ Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let entry = packages.iter().find(|entry| {
        let same = |key: &str, wanted: &str| entry.get(key).and_then(Value::as_str) == Some(wanted);
        same("name", package) && same("version", version) && entry.get("source").is_none()
    })?;
    let dependencies = entry.get("dependencies")?.as_array()?;
    for harness in HARNESSES {
        for dependency in dependencies.iter().filter_map(Value::as_str) {
            let mut words = dependency.split(' ');
            if words.next() == Some(harness) {
                let named = |entry: &&Value| entry.get("name").and_then(Value::as_str) == Some(harness);
                let only = || packages.iter().find(named).and_then(|entry| text(entry, "version"));
                return words.next().map(str::to_owned).or_else(only);
            }
        }
    }
    None
}

/// Reads a manifest or lock file of at most 16 MiB.
pub(super) fn read_toml(path: &Path) -> Option<Table> {
    let length = path.metadata().ok()?.len();
    if length > 16 << 20 {
        return None;
    }
    std::fs::read_to_string(path).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harness_must_be_refused_explicitly() {
        let manifest: Table =
            "[[bench]]\nname = \"a\"\nharness = false\n[[bench]]\nname = \"b\"\n".parse().unwrap();
        let check = |target: &str, expected: bool| assert_eq!(has_own_harness(&manifest, target), expected);
        check("a", true);
        check("b", false);
        check("discovered", false);
        assert!(!has_own_harness(&Table::new(), "a"));
    }

    #[test]
    fn profiles_inherit() {
        let root: Table = "[profile.release]\nlto = true\ncodegen-units = 4\n\
             [profile.bench]\nlto = \"thin\"\n\
             [profile.night]\ninherits = \"bench\"\ncodegen-units = 1\n\
             [profile.circle]\ninherits = \"circle\"\n"
            .parse()
            .unwrap();
        let check = |name: &str, lto: Option<&str>, units: Option<&str>| {
            let settings = profile_settings(&root, name);
            assert_eq!(settings.get("lto").map(String::as_str), lto, "{name}");
            assert_eq!(settings.get("codegen-units").map(String::as_str), units, "{name}");
        };
        check("bench", Some("thin"), Some("4"));
        check("night", Some("thin"), Some("1"));
        check("release", Some("true"), Some("4"));
        check("dev", None, None);
        check("circle", None, None);
    }

    #[test]
    fn lock_tells_the_version_even_when_there_are_two() {
        let lock: Table =
            "[[package]]\nname = \"one\"\nversion = \"0.1.0\"\ndependencies = [\"criterion 0.5.1\"]\n\
             [[package]]\nname = \"two\"\nversion = \"0.1.0\"\ndependencies = [\"a\", \"criterion\"]\n\
             [[package]]\nname = \"none\"\nversion = \"0.1.0\"\n\
             [[package]]\nname = \"criterion\"\nversion = \"0.8.2\"\nsource = \"registry\"\n"
                .parse()
                .unwrap();
        let check = |package: &str, expected: Option<&str>| {
            assert_eq!(criterion_version(&lock, package, "0.1.0").as_deref(), expected, "{package}");
        };
        check("one", Some("0.5.1"));
        check("two", Some("0.8.2"));
        check("none", None);
        check("absent", None);
    }
}
