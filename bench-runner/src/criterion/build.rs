//! Builds bench executables with cargo and finds out everything needed to run them without it.
//!
//! Only bench targets are built, never the libtest harness of libraries. Cargo runs in the root of the target
//! workspace, so that its configuration applies. Nothing is run here.

mod environment;
mod plan;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cargo_metadata::{Artifact, BuildScript, Message, Metadata};
use sha2::{Digest as _, Sha256};

use super::flags::{self, Flags, FlagsError};
use super::metadata;
use crate::model::finding::Finding;
use crate::model::ids::Digest;
use crate::model::run::Executable;
use crate::process::{self, Cancel, ProcessError, ProcessRequest, ProcessRunner};

/// Lines of a failed build that are kept.
const DIAGNOSTIC_LINES: usize = 400;
/// Cargo features asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// By name.
    pub names: Vec<String>,
    /// All of them.
    pub all: bool,
    /// Not the default ones.
    pub no_default: bool,
}

/// What to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// The cargo program.
    pub cargo: OsString,
    /// Folder from which cargo looks for a manifest.
    pub directory: PathBuf,
    /// Manifest; `None` lets cargo look for it.
    pub manifest: Option<PathBuf>,
    /// Packages; empty means what cargo would choose.
    pub packages: Vec<String>,
    /// Bench targets; empty means all.
    pub benches: Vec<String>,
    /// Features.
    pub features: Features,
    /// Profile; `None` means `bench`.
    pub profile: Option<String>,
    /// Refuse to change `Cargo.lock`.
    pub locked: bool,
    /// Refuse the network.
    pub offline: bool,
    /// Compiler flags besides those configured.
    pub extra_flags: Vec<String>,
    /// Beginnings of configured flags that are left out.
    pub without_flags: Vec<String>,
    /// Settings of the profile besides those of the manifest, for example `lto` to `fat`.
    pub profile_settings: BTreeMap<String, String>,
    /// Where to build; `None` means the workspace's own place, or one of its own for other flags.
    pub target_directory: Option<PathBuf>,
    /// The environment that we were started with.
    pub environment: BTreeMap<OsString, OsString>,
}

impl BuildRequest {
    /// Everything that cargo would bench in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            cargo: "cargo".into(),
            directory: directory.into(),
            manifest: None,
            packages: Vec::new(),
            benches: Vec::new(),
            features: Features::default(),
            profile: None,
            locked: false,
            offline: false,
            extra_flags: Vec::new(),
            without_flags: Vec::new(),
            profile_settings: BTreeMap::new(),
            target_directory: None,
            environment: BTreeMap::new(),
        }
    }

    fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or("bench")
    }
}

/// A bench executable and what it needs to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchExecutable {
    /// Digest, size, package and target.
    pub executable: Executable,
    /// The file.
    pub path: PathBuf,
    /// Root of its package: its working directory.
    pub directory: PathBuf,
    /// Variables that cargo would set.
    pub environment: BTreeMap<OsString, OsString>,
    /// Version of Criterion that its package is locked to.
    pub criterion_version: Option<String>,
    /// Processors that it may use; empty is all.
    pub processors: Vec<u32>,
}

/// Settings of the profile as far as cargo tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileSettings {
    /// Its name.
    pub name: String,
    /// Optimization level as built.
    pub opt_level: String,
    /// Debug information as built.
    pub debuginfo: String,
    /// Whether debug assertions are on.
    pub debug_assertions: bool,
    /// Whether integer overflow is checked.
    pub overflow_checks: bool,
    /// What the root manifest or the request sets besides: `lto`, `codegen-units`, `panic` and others; not set means cargo's default.
    pub manifest: BTreeMap<String, String>,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Root of the workspace.
    pub root: PathBuf,
    /// Where it was built, if not in the workspace's own place.
    pub target_directory: Option<PathBuf>,
    /// The executables by package and target.
    pub executables: Vec<BenchExecutable>,
    /// The profile.
    pub profile: ProfileSettings,
    /// The compiler flags.
    pub flags: Flags,
    /// SHA-256 of `Cargo.lock`.
    pub lock: Option<Digest>,
    /// What was left out, and why.
    pub findings: Vec<Finding>,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Cargo could not be started, or was cancelled.
    #[error("cargo did not run to its end")]
    Process(#[from] ProcessError),
    /// The workspace cannot be read.
    #[error("cargo cannot read the workspace: {message}")]
    Metadata {
        /// What cargo said.
        message: String,
    },
    /// A package or bench target that was asked for does not exist.
    #[error("there is no {what} named `{name}`; there is: {known}")]
    Unknown {
        /// `package` or `bench target`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What exists.
        known: String,
    },
    /// There is nothing to measure.
    #[error("no Criterion bench found in {packages}{details}")]
    NoBenches {
        /// Where was looked.
        packages: String,
        /// Bench targets that were left out, with the reason.
        details: String,
        /// Targets that run under libtest because `harness = false` is missing.
        without_harness_line: Vec<String>,
    },
    /// The compiler refused.
    #[error("the benches do not compile")]
    Compile {
        /// What cargo and the compiler said.
        diagnostics: String,
    },
    /// The flags cannot be resolved.
    #[error("cannot resolve the compiler flags")]
    Flags(#[from] FlagsError),
    /// A file that was built cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl BuildError {
    /// What the user can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Process(error) => error.hint(),
            Self::Metadata { .. } => Some("give a folder with a Cargo.toml, or `--manifest-path`".to_owned()),
            Self::NoBenches { without_harness_line, .. } => Some(match without_harness_line.as_slice() {
                [] => {
                    "add a `[[bench]]` target with `harness = false` that calls `criterion_main!`".to_owned()
                }
                names => format!("add `harness = false` to the `[[bench]]` entries of {}", names.join(", ")),
            }),
            Self::Compile { .. } => {
                Some("mend the errors above; `cargo bench --no-run` shows them too".to_owned())
            }
            Self::Flags(error) => error.hint(),
            Self::Unknown { .. } | Self::Read { .. } => None,
        }
    }
}

/// Builds what `request` asks for; `progress` gets cargo's messages line by line.
///
/// # Errors
/// When the workspace cannot be read, holds no Criterion bench, or does not compile.
pub fn build(
    request: &BuildRequest,
    runner: &dyn ProcessRunner,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&str),
) -> Result<Build, BuildError> {
    let workspace = read_workspace(request, runner)?;
    let plan = plan::plan(request, &workspace)?;
    let root = workspace.workspace_root.clone().into_std_path_buf();
    let flags =
        flags::resolve(&root, &request.environment, &request.extra_flags)?.without(&request.without_flags);
    let own_place = flags
        .differ_from_cargo()
        .then(|| workspace.target_directory.as_std_path().join("bench-runner").join(flags.short_digest()));
    // Cargo runs in the root: a relative place was meant from where the request starts.
    let asked = request.target_directory.as_ref().map(|folder| request.directory.join(folder));
    let asked = asked.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
    let target_directory = asked.or(own_place);
    let command = command(request, &plan, &root, &flags, target_directory.as_deref());
    let output = run_cargo(&command, cancel, progress)?;
    let lock = root.join("Cargo.lock");
    let lock_table = metadata::read_toml(&lock).unwrap_or_default();
    let libraries = environment::library_path(request, runner, &root, &output);
    let mut executables = Vec::new();
    for artifact in &output.benches {
        let package = workspace.packages.iter().find(|package| package.id == artifact.package_id);
        if let (Some(package), Some(path)) = (package, &artifact.executable) {
            let environment =
                environment::environment(request, package, &flags, (&libraries, &output.scripts));
            let version = package.version.to_string();
            executables.push(BenchExecutable {
                executable: describe(package.name.as_str(), &artifact.target.name, path.as_std_path())?,
                path: path.clone().into_std_path_buf(),
                directory: package
                    .manifest_path
                    .parent()
                    .map_or_else(|| root.clone(), |p| p.as_std_path().into()),
                environment,
                criterion_version: metadata::criterion_version(&lock_table, &package.name, &version),
                processors: Vec::new(),
            });
        }
    }
    executables.sort_by(|a, b| {
        let key =
            |bench: &'_ BenchExecutable| (bench.executable.package.clone(), bench.executable.target.clone());
        key(a).cmp(&key(b))
    });
    let manifest = metadata::read_toml(&root.join("Cargo.toml")).unwrap_or_default();
    let profile = profile(request, &output.benches, &manifest);
    let lock = lock.is_file().then(|| digest(&lock)).transpose()?.map(|(digest, _)| digest);
    Ok(Build { root, target_directory, executables, profile, flags, lock, findings: plan.findings })
}

fn read_workspace(request: &BuildRequest, runner: &dyn ProcessRunner) -> Result<Metadata, BuildError> {
    let mut asking = ProcessRequest::new(&request.cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--color", "never"])
        .directory(&request.directory)
        .timeout(Duration::from_secs(120))
        .output_limit(256 << 20);
    if let Some(manifest) = &request.manifest {
        asking = asking.arg("--manifest-path").arg(manifest);
    }
    if request.offline {
        asking = asking.arg("--offline");
    }
    let output = runner.run(&asking)?;
    if !output.success() {
        let message = output.stderr_text().trim().trim_start_matches("error: ").to_owned();
        return Err(BuildError::Metadata { message });
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| BuildError::Metadata { message: error.to_string() })
}

fn command(
    request: &BuildRequest,
    plan: &plan::Plan,
    root: &Path,
    flags: &Flags,
    target_directory: Option<&Path>,
) -> ProcessRequest {
    let mut command = ProcessRequest::new(&request.cargo)
        .args(["bench", "--no-run", "--message-format=json-render-diagnostics", "--color", "never"])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .directory(root);
    for package in &plan.packages {
        command = command.arg("--package").arg(package);
    }
    for target in &plan.targets {
        command = command.arg("--bench").arg(target);
    }
    if !request.features.names.is_empty() {
        command = command.arg("--features").arg(request.features.names.join(","));
    }
    let switches = [
        (request.features.all, "--all-features"),
        (request.features.no_default, "--no-default-features"),
        (request.locked, "--locked"),
        (request.offline, "--offline"),
    ];
    command = command.args(switches.into_iter().filter(|(on, _)| *on).map(|(_, switch)| switch));
    if let Some(profile) = &request.profile {
        command = command.arg("--profile").arg(profile);
    }
    for (name, value) in &request.profile_settings {
        let setting = format!("profile.{}.{name}={}", request.profile_name(), as_toml(value));
        command = command.arg("--config").arg(setting);
    }
    if let Some(folder) = target_directory {
        command = command.arg("--target-dir").arg(folder);
    }
    if flags.differ_from_cargo() {
        command = command.env("CARGO_ENCODED_RUSTFLAGS", flags.encoded());
    }
    command
}

/// A setting as TOML: a truth value or a number as it is, anything else as a string.
fn as_toml(value: &str) -> String {
    let bare = matches!(value, "true" | "false") || value.parse::<i64>().is_ok();
    if bare { value.to_owned() } else { toml::Value::String(value.to_owned()).to_string() }
}

/// Where a request would build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Root of the workspace.
    pub root: PathBuf,
    /// The workspace's own target folder.
    pub target: PathBuf,
}

/// Finds the workspace of a request without building anything.
///
/// # Errors
/// When cargo cannot read the workspace.
pub fn place(request: &BuildRequest, runner: &dyn ProcessRunner) -> Result<Place, BuildError> {
    let workspace = read_workspace(request, runner)?;
    Ok(Place {
        root: workspace.workspace_root.into_std_path_buf(),
        target: workspace.target_directory.into_std_path_buf(),
    })
}

/// What cargo reported.
#[derive(Debug, Default)]
struct Output {
    benches: Vec<Artifact>,
    scripts: Vec<BuildScript>,
}

fn run_cargo(
    command: &ProcessRequest,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&str),
) -> Result<Output, BuildError> {
    let mut output = Output::default();
    let mut said = VecDeque::new();
    let ended = process::stream(command, cancel, &mut |is_error, line| {
        if is_error {
            progress(line);
            said.push_back(line.to_owned());
            if said.len() > DIAGNOSTIC_LINES {
                said.pop_front();
            }
            return;
        }
        match serde_json::from_str(line) {
            Ok(Message::CompilerArtifact(artifact)) if artifact.target.is_bench() => {
                output.benches.push(artifact);
            }
            Ok(Message::BuildScriptExecuted(script)) => output.scripts.push(script),
            // Other messages, and those that only a newer cargo sends, do not matter here.
            Ok(_) | Err(_) => {}
        }
    })?;
    if ended.success() {
        Ok(output)
    } else {
        Err(BuildError::Compile { diagnostics: said.into_iter().collect::<Vec<_>>().join("\n") })
    }
}

fn describe(package: &str, target: &str, path: &Path) -> Result<Executable, BuildError> {
    let (digest, bytes) = digest(path)?;
    Ok(Executable { digest, bytes, package: package.to_owned(), target: target.to_owned() })
}

/// SHA-256 and length of a file.
fn digest(path: &Path) -> Result<(Digest, u64), BuildError> {
    let failed = |source| BuildError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 256 << 10];
    let mut length = 0;
    loop {
        let count = file.read(&mut chunk).map_err(failed)?;
        if count == 0 {
            return Ok((Digest(hash.finalize().into()), length));
        }
        hash.update(&chunk[..count]);
        length += count as u64;
    }
}

fn profile(request: &BuildRequest, benches: &[Artifact], manifest: &toml::Table) -> ProfileSettings {
    let name = request.profile_name().to_owned();
    let mut manifest = metadata::profile_settings(manifest, &name);
    manifest.extend(request.profile_settings.clone());
    let Some(built) = benches.first().map(|artifact| &artifact.profile) else {
        return ProfileSettings { name, manifest, ..ProfileSettings::default() };
    };
    ProfileSettings {
        name,
        opt_level: built.opt_level.clone(),
        debuginfo: built.debuginfo.to_string(),
        debug_assertions: built.debug_assertions,
        overflow_checks: built.overflow_checks,
        manifest,
    }
}
