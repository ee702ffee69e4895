//! A suite: the executables of some benches, what they contain, and what of it is measured.
//!
//! Executables come from a build, which is kept, or from the keep. Nothing is measured here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::built::build_facts;
use super::world::World;
use crate::clock;
use crate::config::Config;
use crate::criterion::build::{self as criterion_build, BenchExecutable, BuildRequest};
use crate::criterion::inventory::{self, Inventory, InventoryRequest};
use crate::criterion::probe::{self, Probe};
use crate::error::CliError;
use crate::executables::{KeepError, Note};
use crate::exit_code;
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::run::{Executable, Run};
use crate::process::SystemRunner;

/// One executable with what it contains and what of it will be measured.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The executable and what it needs to run.
    pub executable: BenchExecutable,
    /// Everything that it contains.
    pub inventory: Inventory,
    /// What of it is measured.
    pub selected: Vec<BenchmarkId>,
    /// Elements per iteration that the executable states for benchmarks that cannot declare them.
    pub elements: BTreeMap<String, u64>,
}

/// Executables with something to measure in them.
#[derive(Debug, Clone)]
pub struct Suite {
    /// By package and target.
    pub benches: Vec<Bench>,
    /// Facts about source, build, harness and code path.
    pub facts: Vec<Fact>,
    /// Doubts about building and listing.
    pub findings: Vec<Finding>,
    /// Root of the workspace.
    pub root: PathBuf,
}

impl Suite {
    /// The packages, joined by `+`.
    #[must_use]
    pub fn name(&self) -> String {
        let packages: BTreeSet<&str> =
            self.benches.iter().map(|bench| bench.executable.executable.package.as_str()).collect();
        packages.into_iter().collect::<Vec<_>>().join("+")
    }
}

/// Which benchmarks to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Name of a set.
    pub set: String,
    /// Regular expression on `target/full_id`.
    pub filter: Option<String>,
}

/// Builds, keeps, lists and selects. With `must_keep`, a build that cannot be kept is an error; else it is a finding.
///
/// # Errors
///
/// When it cannot be built or started, or nothing is selected.
pub fn build(
    request: &BuildRequest,
    selection: &Selection,
    must_keep: bool,
    world: &mut World<'_>,
) -> Result<Suite, CliError> {
    let progress = &*world.progress;
    let built =
        criterion_build::build(request, &SystemRunner, world.cancel, &mut |line| progress.detail(line))?;
    let mut findings = built.findings.clone();
    let mut executables = Vec::new();
    for executable in &built.executables {
        match keep(executable, &built.root, world) {
            Ok(kept) => executables.push(kept),
            Err(error) if must_keep => return Err(error.into()),
            Err(error) => {
                findings.push(not_kept(executable, &error));
                executables.push(executable.clone());
            }
        }
    }
    let mut suite = survey(&executables, &built.root, selection, world)?;
    suite.findings.splice(0..0, findings);
    let spoken: BTreeSet<&str> =
        suite.benches.iter().filter_map(|bench| bench.inventory.harness_version.as_deref()).collect();
    suite.facts.extend(build_facts(&built, request, &spoken, &SystemRunner));
    suite.facts.extend(world.site.readers.source(&built.root, Phase::Start));
    once(&mut suite.facts);
    Ok(suite)
}

/// Asks each executable what it contains, and selects.
fn survey(
    executables: &[BenchExecutable],
    root: &Path,
    selection: &Selection,
    world: &mut World<'_>,
) -> Result<Suite, CliError> {
    let mut suite =
        Suite { benches: Vec::new(), facts: Vec::new(), findings: Vec::new(), root: root.to_owned() };
    for executable in executables {
        world.progress.detail(&format!("listing {}", executable.executable.target));
        let ask = InventoryRequest {
            guard: &world.site.guard,
            bench: executable,
            patience: world.site.patience,
            scratch: world.site.scratch.path(),
        };
        let inventory = inventory::inventory(ask, world.cancel)?;
        suite.findings.extend(inventory.findings.iter().cloned());
        let said = if inventory.complete { probe::ask(ask, world.cancel)? } else { Probe::default() };
        if world.cancel.is_cancelled() {
            return Err(CliError::new(exit_code::INTERRUPTED, "interrupted before anything was measured"));
        }
        let backend = |key: &'static str| move |name| stated(key, name, "the executable's own probe");
        suite.facts.extend(said.backend.map(backend(keys::PROBE_BACKEND)));
        suite.facts.extend(said.signing_backend.map(backend(keys::PROBE_SIGNING_BACKEND)));
        let selected = select(&inventory.ids, world.config, selection)?;
        let executable = executable.clone();
        suite.benches.push(Bench { executable, inventory, selected, elements: said.elements });
    }
    if suite.benches.iter().all(|bench| bench.selected.is_empty()) {
        return Err(nothing_selected(&suite.benches, selection));
    }
    suite.benches.retain(|bench| !bench.selected.is_empty() || !bench.inventory.complete);
    Ok(suite)
}

/// Copies an executable to the keep; what is launched is the copy.
fn keep(bench: &BenchExecutable, root: &Path, world: &World<'_>) -> Result<BenchExecutable, KeepError> {
    let inside = bench.directory.strip_prefix(root).unwrap_or(Path::new("."));
    let directory: Vec<String> =
        inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let note = Note {
        executable: bench.executable.clone(),
        directory: directory.join("/"),
        environment: portable(&bench.environment),
        criterion_version: bench.criterion_version.clone(),
        machine: String::new(),
        kept: clock::now(),
    };
    let kept = world.site.keep(world.config).keep(&bench.path, &note)?;
    Ok(BenchExecutable { path: kept.path, ..bench.clone() })
}

/// The variables that name neither a path nor a person.
fn portable(environment: &BTreeMap<OsString, OsString>) -> BTreeMap<String, String> {
    let text = |(name, value): (&OsString, &OsString)| {
        let (name, value) = (name.to_str()?.to_owned(), value.to_str()?.to_owned());
        let path = value.split([':', ';']).any(|part| Path::new(part).is_absolute());
        let ours = ["CARGO", "CARGO_MANIFEST_PATH", "CARGO_PKG_AUTHORS", "CARGO_MANIFEST_DIR"]
            .contains(&name.as_str());
        (!path && !ours).then_some((name, value))
    };
    environment.iter().filter_map(text).collect()
}

fn not_kept(bench: &BenchExecutable, error: &KeepError) -> Finding {
    // The source names a path, which must not be stored.
    let why = match error {
        KeepError::File { source, .. } => source.kind().to_string(),
        KeepError::Note(_) => "its note cannot be written".to_owned(),
    };
    Finding {
        code: "executable-not-kept".to_owned(),
        severity: Severity::Info,
        subject: format!("{}/{}", bench.executable.package, bench.executable.target),
        evidence: format!("the executable could not be kept: {why}"),
        effect: "it cannot be launched again later, to confirm a change or to tell code from machine"
            .to_owned(),
        remedy: "make room in the folder of kept executables".to_owned(),
    }
}

/// The kept executables of a stored run, or those of them that are not kept any more.
///
/// # Errors
///
/// The executables that were pruned, changed, or built elsewhere.
pub fn kept_executables(
    run: &Run,
    root: &Path,
    world: &World<'_>,
) -> Result<Vec<BenchExecutable>, Vec<Executable>> {
    let keep = world.site.keep(world.config);
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for executable in &run.executables {
        let Some(kept) = keep.find(executable.digest) else {
            missing.push(executable.clone());
            continue;
        };
        let directory = root.join(&kept.note.directory);
        // The package may have moved since; a bench that reads no file does not care.
        let directory = if directory.is_dir() { directory } else { world.site.scratch.path().to_owned() };
        let mut environment: BTreeMap<OsString, OsString> =
            kept.note.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.insert("CARGO_MANIFEST_DIR".into(), directory.clone().into());
        found.push(BenchExecutable {
            executable: executable.clone(),
            path: kept.path,
            directory,
            environment,
            criterion_version: kept.note.criterion_version,
            processors: Vec::new(),
        });
    }
    if missing.is_empty() { Ok(found) } else { Err(missing) }
}

/// A suite of the kept executables of a stored run, of all its bench targets or those in `benches`, with the facts that the run has
/// about its code.
///
/// # Errors
///
/// When executables are not kept any more, cannot be started, or nothing is selected.
pub fn from_kept(
    mut run: Run,
    (root, benches): (&Path, &[String]),
    selection: &Selection,
    world: &mut World<'_>,
) -> Result<Suite, CliError> {
    run.executables.retain(|executable| benches.is_empty() || benches.contains(&executable.target));
    let executables = kept_executables(&run, root, world).map_err(|missing| pruned(&run, &missing))?;
    let mut suite = survey(&executables, root, selection, world)?;
    suite
        .facts
        .extend(run.facts.iter().filter(|fact| fact.phase == Phase::Start && about_code(&fact.key)).cloned());
    once(&mut suite.facts);
    Ok(suite)
}

/// Whether a fact belongs to the executables rather than to the machine.
pub(super) fn about_code(key: &str) -> bool {
    ["source.", "build.", "toolchain.", "harness.", "probe."].iter().any(|prefix| key.starts_with(prefix))
}

fn pruned(run: &Run, missing: &[Executable]) -> CliError {
    let names: Vec<&str> = missing.iter().map(|executable| executable.target.as_str()).collect();
    let what = if run.executables.is_empty() {
        format!("run {} has no executables", run.id)
    } else {
        format!("executables of run {} are not kept on this machine: {}", run.id, names.join(", "))
    };
    CliError::new(exit_code::NOT_COMPARABLE, what).hinted(Some(
        "whether its code differs is unknown; build its revision with `--variant NAME:rev=REV` instead"
            .to_owned(),
    ))
}

/// The benchmarks that set and filter select. A set `core` that nobody defined is everything.
///
/// # Errors
///
/// When a pattern of the set or the filter is no regular expression.
pub fn select(ids: &[BenchmarkId], config: &Config, plan: &Selection) -> Result<Vec<BenchmarkId>, CliError> {
    let compile = |pattern: &String| {
        Regex::new(pattern).map_err(|error| CliError::from_error(exit_code::CONFIGURATION, &error))
    };
    let patterns = match (plan.set.as_str(), config.sets.get(&plan.set)) {
        ("full", _) | (_, None) => None,
        (_, Some(patterns)) => Some(patterns.iter().map(compile).collect::<Result<Vec<_>, _>>()?),
    };
    let filter = plan.filter.as_ref().map(compile).transpose()?;
    let wanted = |id: &&BenchmarkId| {
        let name = BenchmarkId { occurrence: 0, ..(*id).clone() }.to_string();
        patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.is_match(&name)))
            && filter.as_ref().is_none_or(|filter| filter.is_match(&name))
    };
    Ok(ids.iter().filter(wanted).cloned().collect())
}

/// A bench that broke while it was asked what it contains is no empty suite.
fn nothing_selected(benches: &[Bench], plan: &Selection) -> CliError {
    if let Some(broken) = benches.iter().find(|bench| !bench.inventory.ended_well) {
        let evidence =
            broken.inventory.findings.last().map_or("it named nothing", |finding| &finding.evidence);
        let what =
            format!("bench `{}` failed before measuring: {evidence}", broken.executable.executable.target);
        let mut error = CliError::new(exit_code::BENCH_FAILED, what);
        let last_words = broken.inventory.stderr_tail.trim();
        if !last_words.is_empty() {
            error.causes.push(last_words.to_owned());
        }
        return error.hinted(Some("run it by hand with `cargo bench` to see it fail".to_owned()));
    }
    let all: Vec<String> =
        benches.iter().flat_map(|bench| bench.inventory.ids.iter().map(ToString::to_string)).collect();
    let filter = plan.filter.as_ref().map_or(String::new(), |filter| format!(" and filter `{filter}`"));
    let what = format!("set `{}`{filter} select none of {} benchmarks", plan.set, all.len());
    let hint = if all.is_empty() {
        "the benches were built and name no benchmark; does each call `criterion_main!`?".to_owned()
    } else {
        format!("there are {}", all.iter().take(8).cloned().collect::<Vec<_>>().join(", "))
    };
    CliError::new(exit_code::NOTHING, what).hinted(Some(hint))
}

/// A fact that is known.
#[must_use]
pub fn stated(key: &str, value: impl Into<String>, source: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(FactValue::Text(value.into())),
        unit: String::new(),
        status: FactStatus::Ok,
        source: source.to_owned(),
        phase: Phase::Start,
    }
}

/// Keeps each key once per phase; what was said later and more specifically stays.
pub fn once(facts: &mut Vec<Fact>) {
    let mut seen = BTreeSet::new();
    facts.reverse();
    facts.retain(|fact| seen.insert((fact.key.clone(), fact.phase)));
    facts.reverse();
}
