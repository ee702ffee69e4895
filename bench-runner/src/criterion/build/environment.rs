//! The variables that cargo would set for a bench at run time.
//!
//! Benches are started without cargo, and some look for their package, their data or their shared libraries.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use cargo_metadata::{BuildScript, Package};

use super::super::flags::Flags;
use super::{BuildRequest, Output};
use crate::process::{ProcessRequest, ProcessRunner};

/// Where programs look for shared libraries.
const LIBRARY_PATH: &str = if cfg!(windows) {
    "PATH"
} else if cfg!(target_os = "macos") {
    "DYLD_FALLBACK_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// Folders in which the benches find shared libraries, as cargo would set them, before what is set already.
pub(super) fn library_path(
    request: &BuildRequest,
    runner: &dyn ProcessRunner,
    root: &Path,
    output: &Output,
) -> Option<OsString> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for path in output.scripts.iter().flat_map(|script| &script.linked_paths) {
        let path = path.as_str();
        folders.push(path.split_once('=').map_or(path, |(_kind, path)| path).into());
    }
    let built = output.benches.iter().filter_map(|artifact| artifact.executable.as_ref()?.parent());
    for folder in built {
        folders.push(folder.as_std_path().to_owned());
        folders.extend(folder.parent().map(|parent| parent.as_std_path().to_owned()));
    }
    // Only benches linked to the standard library as a shared library need this; they say so themselves if it fails.
    let asking = ProcessRequest::new("rustc").args(["--print", "target-libdir"]).directory(root);
    if let Ok(answer) = runner.run(&asking)
        && answer.success()
    {
        folders.push(answer.stdout_text().trim().into());
    }
    let set = request.environment.get(OsStr::new(LIBRARY_PATH));
    folders.extend(set.iter().flat_map(|value| std::env::split_paths(value)));
    let mut seen = BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    std::env::join_paths(folders).ok()
}

/// Variables that cargo sets for a bench at run time.
///
/// Reference: the Cargo Book, "Environment variables Cargo sets for crates".
pub(super) fn environment(
    request: &BuildRequest,
    package: &Package,
    flags: &Flags,
    (libraries, scripts): (&Option<OsString>, &[BuildScript]),
) -> BTreeMap<OsString, OsString> {
    let mut set = BTreeMap::new();
    for (name, (value, force)) in &flags.variables {
        if *force || !request.environment.contains_key(OsStr::new(name)) {
            set.insert(OsString::from(name), value.clone());
        }
    }
    if let Some(script) = scripts.iter().find(|script| script.package_id == package.id) {
        set.insert("OUT_DIR".into(), script.out_dir.as_std_path().into());
        set.extend(script.env.iter().map(|(name, value)| (name.into(), value.into())));
    }
    if let Some(libraries) = libraries {
        set.insert(LIBRARY_PATH.into(), libraries.clone());
    }
    let version = &package.version;
    let folder = package.manifest_path.parent().map(|folder| folder.to_string());
    let optional = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let named = [
        ("CARGO", request.cargo.to_string_lossy().into_owned()),
        ("CARGO_MANIFEST_DIR", folder.unwrap_or_default()),
        ("CARGO_MANIFEST_PATH", package.manifest_path.to_string()),
        ("CARGO_PKG_NAME", package.name.to_string()),
        ("CARGO_PKG_VERSION", version.to_string()),
        ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
        ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
        ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
        ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
        ("CARGO_PKG_AUTHORS", package.authors.join(":")),
        ("CARGO_PKG_DESCRIPTION", optional(package.description.as_deref())),
        ("CARGO_PKG_HOMEPAGE", optional(package.homepage.as_deref())),
        ("CARGO_PKG_REPOSITORY", optional(package.repository.as_deref())),
        ("CARGO_PKG_LICENSE", optional(package.license.as_deref())),
        ("CARGO_PKG_LICENSE_FILE", optional(package.license_file.as_ref().map(|path| path.as_str()))),
        ("CARGO_PKG_README", optional(package.readme.as_ref().map(|path| path.as_str()))),
        (
            "CARGO_PKG_RUST_VERSION",
            package.rust_version.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
    ];
    set.extend(named.map(|(name, value)| (OsString::from(name), OsString::from(value))));
    set
}
