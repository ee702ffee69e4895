//! Compiler flags as cargo would resolve them, merged with those of the environment.
//!
//! `RUSTFLAGS` *replaces* what `.cargo/config.toml` says, silently: a bench would then be built without the flags that
//! its project chose. Here they are merged, and what is in effect is always reported. Sets no variable itself.
//!
//! Reference: the Cargo Book, "Configuration", `build.rustflags`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Variable that holds flags separated by the unit separator.
const ENCODED: &str = "CARGO_ENCODED_RUSTFLAGS";
/// Variable that holds flags separated by blanks.
const PLAIN: &str = "RUSTFLAGS";
/// Separator of [`ENCODED`].
const SEPARATOR: char = '\u{1f}';

/// Why flags could not be resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlagsError {
    /// Cargo's configuration cannot be read.
    #[error("cannot read cargo's configuration")]
    Configuration(#[from] cargo_config2::Error),
    /// A flag holds the separator of the variable that must carry it.
    #[error("the compiler flag {flag:?} holds a control character")]
    Unencodable {
        /// The flag.
        flag: String,
    },
}

impl FlagsError {
    /// What the user can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Configuration(_) => {
                Some("run `cargo check` in the workspace: it names the file and line".to_owned())
            }
            Self::Unencodable { .. } => Some("remove the flag".to_owned()),
        }
    }
}

/// Compiler flags and where they come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// Configured in files or in `CARGO_BUILD_…`, `CARGO_TARGET_…` variables.
    pub configured: Vec<String>,
    /// From `CARGO_ENCODED_RUSTFLAGS`, else from `RUSTFLAGS`.
    pub environment: Vec<String>,
    /// Asked for by the caller.
    pub extra: Vec<String>,
    /// Whether configured flags were left out.
    pub reduced: bool,
    /// Target triples configured with `build.target`; empty means the host.
    pub targets: Vec<String>,
    /// Variables of the `[env]` table, to be set unless already set.
    pub variables: BTreeMap<String, (OsString, bool)>,
}

impl Flags {
    /// All flags in effect, in order of increasing precedence.
    #[must_use]
    pub fn effective(&self) -> Vec<String> {
        [&self.configured, &self.environment, &self.extra].into_iter().flatten().cloned().collect()
    }

    /// Whether cargo, left alone, would build with other flags.
    #[must_use]
    pub fn differ_from_cargo(&self) -> bool {
        let environment_replaces = !self.environment.is_empty() && !self.configured.is_empty();
        environment_replaces || !self.extra.is_empty() || self.reduced
    }

    /// Leaves out the configured flags that begin with one of `beginnings`. A flag in two words is seen as one, so that
    /// `--cfg name` and `--cfg=name` are the same.
    #[must_use]
    pub fn without(mut self, beginnings: &[String]) -> Self {
        let mut reduced = false;
        for flags in [&mut self.configured, &mut self.environment] {
            let mut kept = Vec::new();
            let mut words = std::mem::take(flags).into_iter().peekable();
            while let Some(word) = words.next() {
                let value = if word == "--cfg" || word == "-C" { words.next() } else { None };
                let glue = if word == "--cfg" { "=" } else { "" };
                let whole = format!("{word}{glue}{}", value.as_deref().unwrap_or_default());
                if beginnings.iter().any(|beginning| whole.starts_with(beginning.as_str())) {
                    reduced = true;
                } else {
                    kept.push(word);
                    kept.extend(value);
                }
            }
            *flags = kept;
        }
        self.reduced |= reduced;
        self
    }

    /// The value of `CARGO_ENCODED_RUSTFLAGS` that makes cargo use the merged flags.
    #[must_use]
    pub fn encoded(&self) -> String {
        self.effective().join(&SEPARATOR.to_string())
    }

    /// Twelve hexadecimal digits that name this set of flags.
    #[must_use]
    pub fn short_digest(&self) -> String {
        let digest = Sha256::digest(self.encoded().as_bytes());
        crate::model::ids::Digest(digest.into()).short()
    }
}

/// Resolves the flags for a build in the folder `root` under `environment`, with `extra` flags of the caller.
///
/// # Errors
/// When cargo's configuration cannot be read, or a flag cannot be passed on.
pub fn resolve(
    root: &Path,
    environment: &BTreeMap<OsString, OsString>,
    extra: &[String],
) -> Result<Flags, FlagsError> {
    // The crate lets `CARGO_…_RUSTFLAGS` replace lists of the files; cargo joins them, so that is done below.
    let without_flags = environment.iter().filter(|(name, _)| !name.to_string_lossy().ends_with(PLAIN));
    let options = cargo_config2::ResolveOptions::default().env(without_flags);
    let config = cargo_config2::Config::load_with_options(root, options)?;
    let targets = config.build_target_for_cli(std::iter::empty::<&str>())?;
    let triples = config.build_target_for_config(std::iter::empty::<&str>())?;
    let configured = match triples.first() {
        Some(triple) => configured(&config, triple.triple(), environment)?,
        None => Vec::new(),
    };
    let variables =
        config.env.iter().map(|(name, value)| (name.clone(), (value.value.clone(), value.force))).collect();
    let flags = Flags {
        configured,
        environment: from_environment(environment),
        extra: extra.to_vec(),
        reduced: false,
        targets,
        variables,
    };
    match flags.effective().into_iter().find(|flag| flag.contains(SEPARATOR)) {
        Some(flag) => Err(FlagsError::Unencodable { flag }),
        None => Ok(flags),
    }
}

/// The configured flags for `triple`: those of its `[target]` tables, or else those of `[build]`.
fn configured(
    config: &cargo_config2::Config,
    triple: &str,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<Vec<String>, FlagsError> {
    let variable =
        |name: &str| environment.get(std::ffi::OsStr::new(name)).map(|value| value.to_string_lossy());
    let of_build = config.build.rustflags.clone().map(|flags| flags.flags).unwrap_or_default();
    let resolved = config.rustflags(triple)?.map(|flags| flags.flags).unwrap_or_default();
    // What is resolved is either of the target or, when the target says nothing, of the build.
    let mut of_target = if resolved == of_build { Vec::new() } else { resolved };
    let name = format!("CARGO_TARGET_{}_RUSTFLAGS", triple.to_uppercase().replace(['-', '.'], "_"));
    of_target.extend(variable(&name).map(|text| split(&text, ' ')).unwrap_or_default());
    if !of_target.is_empty() {
        return Ok(of_target);
    }
    let more = variable("CARGO_BUILD_RUSTFLAGS").map(|text| split(&text, ' ')).unwrap_or_default();
    Ok([of_build, more].concat())
}

fn split(text: &str, separator: char) -> Vec<String> {
    text.split(separator).map(str::trim).filter(|flag| !flag.is_empty()).map(str::to_owned).collect()
}

/// The flags of the environment; as in cargo, the encoded variable wins.
fn from_environment(environment: &BTreeMap<OsString, OsString>) -> Vec<String> {
    let get = |name: &str| environment.get(std::ffi::OsStr::new(name)).map(|value| value.to_string_lossy());
    match (get(ENCODED), get(PLAIN)) {
        (Some(encoded), _) => split(&encoded, SEPARATOR),
        (None, Some(plain)) => split(&plain, ' '),
        (None, None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_left_out_by_their_beginning() {
        let check = |flags: &[&str], kept: &[&str]| {
            let own = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>();
            let flags = Flags { configured: own(flags), ..Flags::default() };
            let left = flags.clone().without(&own(&["--cfg=backend=", "-Ctarget-cpu="]));
            assert_eq!(left.configured, own(kept), "{flags:?}");
            assert_eq!(left.reduced, left.configured != flags.configured);
            assert_eq!(left.differ_from_cargo(), left.reduced);
        };
        check(&["--cfg=backend=\"a\"", "-Copt-level=2"], &["-Copt-level=2"]);
        check(&["--cfg", "backend=\"a\"", "--cfg", "other"], &["--cfg", "other"]);
        check(&["-C", "target-cpu=native", "-C", "lto"], &["-C", "lto"]);
        check(&["--cfg=backends", "-Ctarget-cpus"], &["--cfg=backends", "-Ctarget-cpus"]);
        check(&[], &[]);
    }

    const CONFIG: &str =
        "[target.'cfg(not(target_os = \"none\"))']\nrustflags = ['--cfg=observed=\"yes\"']\n";

    fn check(config: &str, environment: &[(&str, &str)], extra: &[&str], effective: &[&str], differ: bool) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".cargo")).unwrap();
        std::fs::write(folder.path().join(".cargo/config.toml"), config).unwrap();
        let environment =
            environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let extra: Vec<String> = extra.iter().map(|&flag| flag.to_owned()).collect();
        let flags = resolve(folder.path(), &environment.collect(), &extra).unwrap();
        assert_eq!(flags.effective(), effective, "{config}");
        assert_eq!(flags.differ_from_cargo(), differ);
    }

    #[test]
    fn configuration_environment_and_extra_are_merged() {
        let cfg = "--cfg=observed=\"yes\"";
        check("", &[], &[], &[], false);
        check(CONFIG, &[], &[], &[cfg], false);
        check(
            CONFIG,
            &[("RUSTFLAGS", "-Ctarget-cpu=native  -g")],
            &[],
            &[cfg, "-Ctarget-cpu=native", "-g"],
            true,
        );
        check(CONFIG, &[("RUSTFLAGS", "")], &["-g"], &[cfg, "-g"], true);
        check("", &[("RUSTFLAGS", "-g")], &[], &["-g"], false);
        let both = [("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}a b"), ("RUSTFLAGS", "-g")];
        check(CONFIG, &both, &[], &[cfg, "--cfg", "a b"], true);
        check(CONFIG, &[("CARGO_BUILD_RUSTFLAGS", "-v")], &[], &[cfg], false);
        check("[build]\nrustflags = '-g'\n", &[("CARGO_BUILD_RUSTFLAGS", "-v")], &[], &["-g", "-v"], false);
    }

    #[test]
    fn sets_of_flags_have_their_own_name() {
        let set = |flags: &[&str]| Flags {
            extra: flags.iter().map(|&f| f.to_owned()).collect(),
            ..Flags::default()
        };
        assert_eq!(set(&["a b"]).short_digest().len(), 12);
        assert_ne!(set(&["a b"]).short_digest(), set(&["a", "b"]).short_digest());
    }
}
