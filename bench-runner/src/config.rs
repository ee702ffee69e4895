//! `bench-runner.toml`: one file, beside the workspace it speaks of, every default written out here.
//!
//! Reads text and gives typed values. It knows nothing of stores, benches or pages, and it does not look at the
//! environment. A mistake is reported with file, line, column and the nearest name that exists.

mod defaults;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::gate::{Budget, Per};
use crate::model::report::Description;

/// The name of the configuration file.
pub const FILE_NAME: &str = "bench-runner.toml";

/// Upper limit of the file's size in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file exists and cannot be read.
    #[error("cannot read configuration `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The text is malformed, or a name in it is not known.
    #[error("configuration `{path}`, line {line}, column {column}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// A value is well-formed and makes no sense.
    #[error("configuration `{path}`: {message}")]
    Value {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl ConfigError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("check that the path is a readable file".to_owned()),
            Self::Malformed { suggestion: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            Self::Malformed { .. } | Self::Value { .. } => {
                Some("`bench-runner config` prints every setting with its default".to_owned())
            }
        }
    }
}

/// How to measure: one profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name of the set of benchmarks: `core`, `full`, or one under `[suite.sets]`.
    pub set: String,
    /// Launches of each executable, at least 1.
    pub launches: u32,
    /// Warm-up in seconds; absent leaves each bench its own.
    pub warm_up_seconds: Option<f64>,
    /// Measurement time in seconds; absent leaves each bench its own.
    pub measurement_seconds: Option<f64>,
    /// Observations per benchmark and launch, at least 10 (Criterion's minimum).
    pub sample_size: Option<u32>,
}

/// Which benchmarks belong together as a curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Regular expression on `target/full_id` of the family.
    pub pattern: String,
    /// `batch` or `parallel`.
    pub kind: CurveKind,
    /// `target/full_id` of the single operation; the first that a run has is taken.
    #[serde(default)]
    pub single: Vec<String>,
    /// Threads, for `parallel`.
    pub threads: Option<u64>,
    /// Whether each thread batches, for `parallel`.
    #[serde(default)]
    pub batched: bool,
    /// Sizes at which the code is known to change its algorithm, for `batch`.
    #[serde(default)]
    pub steps: Vec<u64>,
    /// What a caller must know before preferring this family to the single operation.
    #[serde(default)]
    pub caution: String,
}

/// What varies along a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveKind {
    /// The batch size: the benchmark's value.
    Batch,
    /// The number of threads.
    Parallel,
}

/// The whole configuration, resolved: defaults filled in, paths absolute or relative to the current folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// The file it came from; `None` when there is none and all is default.
    pub file: Option<PathBuf>,
    /// The store.
    pub store: PathBuf,
    /// Summary records that the store begins with; those that are missing are stored whenever it is opened for writing.
    pub founding: Vec<PathBuf>,
    /// Where built executables are kept.
    pub executables: PathBuf,
    /// Bytes that kept executables may take; what is pinned stays whatever it takes.
    pub executables_cap: u64,
    /// Where reports are written.
    pub reports: PathBuf,
    /// Folder with templates that replace the built-in ones.
    pub templates: Option<PathBuf>,
    /// Packages measured when the command line names none; empty means every package with benches.
    pub packages: Vec<String>,
    /// Named sets: regular expressions on `target/full_id`.
    pub sets: BTreeMap<String, Vec<String>>,
    /// Profiles by name.
    pub profiles: BTreeMap<String, Profile>,
    /// The profile used when none is named.
    pub default_profile: String,
    /// Seconds without progress, beyond what a bench announced, after which it is killed.
    pub watchdog_seconds: f64,
    /// Margin within which a change does not matter, as a fraction.
    pub margin: f64,
    /// 1 minus the probability of any false alarm in one comparison of two runs. Intervals beside single numbers, by which
    /// budgets are judged, always have a level of 95 %.
    pub comparison_level: f64,
    /// Owner's words about benchmarks.
    pub descriptions: Vec<Description>,
    /// Families of benchmarks.
    pub curves: Vec<Curve>,
    /// Absolute budgets.
    pub budgets: Vec<Budget>,
    /// Whether and with what runs are signed.
    pub integrity: Integrity,
}

/// Whether runs are signed, and where the keys are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Integrity {
    /// Whether runs and words are signed.
    pub sign: bool,
    /// The signing key; `None` stands for the one in the user's own folder.
    pub key: Option<PathBuf>,
    /// The list of trusted keys; `None` stands for the one in the user's own folder.
    pub trusted: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wire {
    store: Option<PathBuf>,
    founding: Vec<PathBuf>,
    reports: Option<PathBuf>,
    templates: Option<PathBuf>,
    default_profile: Option<String>,
    watchdog_seconds: Option<f64>,
    suite: WireSuite,
    judge: WireJudge,
    keep: WireKeep,
    integrity: WireIntegrity,
    profiles: BTreeMap<String, Profile>,
    describe: Vec<WireDescription>,
    curve: Vec<Curve>,
    budget: Vec<WireBudget>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireSuite {
    packages: Vec<String>,
    sets: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireJudge {
    margin: Option<f64>,
    comparison_level: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireKeep {
    folder: Option<PathBuf>,
    cap_mib: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireIntegrity {
    sign: Option<bool>,
    key: Option<PathBuf>,
    trusted: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDescription {
    pattern: String,
    title: String,
    measures: String,
    #[serde(default = "operation")]
    element: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBudget {
    id: String,
    benchmark: String,
    limit: String,
    #[serde(default = "iteration")]
    per: Per,
    hw_class: String,
    config: Option<String>,
}

fn operation() -> String {
    "operation".to_owned()
}

fn iteration() -> Per {
    Per::Iteration
}

/// Finds the configuration file of `start`: in that folder or the nearest one above it.
#[must_use]
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
}

/// Reads the configuration from `file`, or takes the defaults; relative paths start at the file's folder,
/// or at `base` when there is no file.
///
/// # Errors
///
/// When the file cannot be read, is larger than 1 MiB, is malformed, or holds a value that makes no sense.
pub fn load(file: Option<&Path>, base: &Path) -> Result<Config, ConfigError> {
    let Some(path) = file else {
        return resolve(Wire::default(), None, base);
    };
    let read = |source| ConfigError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(read)?.len() > MAX_BYTES {
        return Err(ConfigError::Value { path: path.to_owned(), message: "larger than 1 MiB".to_owned() });
    }
    let content = std::fs::read_to_string(path).map_err(read)?;
    let wire = toml::from_str(&content).map_err(|error| text::malformed(path, &content, &error))?;
    resolve(wire, Some(path), path.parent().unwrap_or(base))
}

fn resolve(wire: Wire, file: Option<&Path>, folder: &Path) -> Result<Config, ConfigError> {
    let wrong =
        |message| ConfigError::Value { path: file.unwrap_or(Path::new(FILE_NAME)).to_owned(), message };
    let at = |path: PathBuf| folder.join(path);
    let mut profiles = defaults::profiles();
    profiles.extend(wire.profiles);
    let budgets = wire.budget.into_iter().map(budget).collect::<Result<_, _>>().map_err(wrong)?;
    let config = Config {
        file: file.map(Path::to_owned),
        store: at(wire.store.unwrap_or_else(|| defaults::STORE.into())),
        founding: wire.founding.into_iter().map(at).collect(),
        executables: at(wire.keep.folder.unwrap_or_else(|| defaults::EXECUTABLES.into())),
        executables_cap: u64::from(wire.keep.cap_mib.unwrap_or(defaults::EXECUTABLES_CAP_MIB)) << 20,
        reports: at(wire.reports.unwrap_or_else(|| defaults::REPORTS.into())),
        templates: wire.templates.map(at),
        packages: wire.suite.packages,
        sets: wire.suite.sets,
        profiles,
        default_profile: wire.default_profile.unwrap_or_else(|| defaults::PROFILE.to_owned()),
        watchdog_seconds: wire.watchdog_seconds.unwrap_or(defaults::WATCHDOG_SECONDS),
        margin: wire.judge.margin.unwrap_or(defaults::MARGIN),
        comparison_level: wire.judge.comparison_level.unwrap_or(defaults::COMPARISON_LEVEL),
        descriptions: wire.describe.into_iter().map(description).collect(),
        curves: wire.curve,
        budgets,
        integrity: Integrity {
            sign: wire.integrity.sign.unwrap_or(true),
            key: wire.integrity.key.map(at),
            trusted: wire.integrity.trusted.map(at),
        },
    };
    check(&config).map_err(wrong)?;
    Ok(config)
}

fn description(wire: WireDescription) -> Description {
    Description { pattern: wire.pattern, title: wire.title, measures: wire.measures, element: wire.element }
}

fn budget(wire: WireBudget) -> Result<Budget, String> {
    let limit_ns = text::duration_ns(&wire.limit).ok_or_else(|| {
        format!("budget `{}`: limit `{}` is not a time such as `18.0 us`", wire.id, wire.limit)
    })?;
    Ok(Budget {
        id: wire.id,
        benchmark: wire.benchmark,
        limit_ns,
        per: wire.per,
        hw_class: wire.hw_class,
        config: wire.config,
    })
}

/// Values that parse and make no sense.
fn check(config: &Config) -> Result<(), String> {
    for (name, profile) in &config.profiles {
        if !matches!(profile.set.as_str(), "core" | "full") && !config.sets.contains_key(&profile.set) {
            return Err(format!(
                "profile `{name}` selects set `{}`, which `[suite.sets]` does not define",
                profile.set
            ));
        }
        if profile.launches == 0 || profile.launches > 1000 {
            return Err(format!("profile `{name}`: launches must lie between 1 and 1000"));
        }
        if profile.sample_size.is_some_and(|size| !(10..=100_000).contains(&size)) {
            return Err(format!("profile `{name}`: sample_size must lie between 10 and 100000"));
        }
        for seconds in [profile.warm_up_seconds, profile.measurement_seconds].into_iter().flatten() {
            if !(seconds > 0.0 && seconds <= 3600.0) {
                return Err(format!("profile `{name}`: a time must lie above 0 and at most at 3600 s"));
            }
        }
    }
    if !config.profiles.contains_key(&config.default_profile) {
        return Err(format!("default_profile `{}` is not a profile", config.default_profile));
    }
    if !(config.margin > 0.0 && config.margin < 1.0) {
        return Err("judge.margin must lie between 0 and 1 (0.02 is 2 %)".to_owned());
    }
    if !(0.5..1.0).contains(&config.comparison_level) {
        return Err("judge.comparison_level must lie between 0.5 and 1".to_owned());
    }
    if !(config.watchdog_seconds >= 1.0 && config.watchdog_seconds.is_finite()) {
        return Err("watchdog_seconds must be at least 1".to_owned());
    }
    let patterns = config.sets.values().flatten().chain(config.descriptions.iter().map(|d| &d.pattern));
    for pattern in patterns.chain(config.curves.iter().map(|curve| &curve.pattern)) {
        regex::Regex::new(pattern).map_err(|error| format!("pattern `{pattern}`: {error}"))?;
    }
    let mut ids: Vec<_> = config.budgets.iter().map(|budget| &budget.id).collect();
    ids.sort();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two budgets are called `{}`", pair[0])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(content: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        std::fs::write(&file, content).unwrap();
        load(Some(&file), folder.path())
    }

    #[test]
    fn defaults_need_no_file() {
        let config = load(None, Path::new("/somewhere")).unwrap();
        assert_eq!(config.store, Path::new("/somewhere/data/observatory.sqlite"));
        assert_eq!(config.profiles.keys().collect::<Vec<_>>(), ["nightly", "note", "quick", "standard"]);
        assert_eq!(config.profiles["note"].measurement_seconds, Some(15.0));
    }

    #[test]
    fn a_misspelt_name_is_located_and_corrected() {
        let error = load_text("store = \"x\"\n\n[profiles.fast]\nset = \"core\"\nlauches = 3\n").unwrap_err();
        let ConfigError::Malformed { line, column, ref suggestion, .. } = error else { panic!("{error}") };
        assert_eq!((line, column), (5, 1), "{error}");
        assert_eq!(suggestion.as_deref(), Some("launches"));
        assert_eq!(error.hint().unwrap(), "did you mean `launches`?");
    }

    #[test]
    fn broken_text_has_line_and_column() {
        let error = load_text("store = \"x\"\nreports = [").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }

    #[test]
    fn senseless_values_are_refused() {
        let check = |content: &str, part: &str| {
            let error = load_text(content).unwrap_err().to_string();
            assert!(error.contains(part), "{content}: {error}");
        };
        check("default_profile = \"fast\"", "`fast` is not a profile");
        check("[judge]\nmargin = 2.0", "judge.margin");
        check("[profiles.a]\nset = \"core\"\nlaunches = 0", "between 1 and 1000");
        check("[profiles.a]\nset = \"tiny\"\nlaunches = 1", "does not define");
        check("[suite.sets]\ncore = [\"(\"]", "pattern `(`");
        check(
            "[[budget]]\nid = \"a\"\nbenchmark = \"b\"\nlimit = \"18 parsecs\"\nhw_class = \"x\"",
            "not a time such as",
        );
    }

    #[test]
    fn budgets_are_read_in_base_units() {
        let config = load_text(
            "[[budget]]\nid = \"a\"\nbenchmark = \"t/b\"\nlimit = \"18.0 µs\"\nper = \"element\"\nhw_class = \"x\"",
        )
        .unwrap();
        assert!((config.budgets[0].limit_ns - 18_000.0).abs() < 1e-9);
        assert_eq!(config.budgets[0].per, Per::Element);
    }
}
