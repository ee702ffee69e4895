//! What has to be known before the first launch: configuration, plan, executables, inventory, facts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use regex::Regex;

use super::Args;
use crate::analysis::doctor::{Inputs, diagnose};
use crate::analysis::identity::identify;
use crate::clock;
use crate::commands::{Session, machine};
use crate::config::{Config, Profile};
use crate::criterion::build::{self, BenchExecutable, Build, BuildRequest, Features};
use crate::criterion::inventory::{self, Inventory, InventoryRequest};
use crate::criterion::probe::{self, Probe};
use crate::error::CliError;
use crate::exit_code;
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::model::finding::Finding;
use crate::model::ids::{BenchmarkId, Identity};
use crate::model::run::RunPlan;
use crate::process::{Cancel, ProcessRequest, ProcessRunner, SystemRunner};
use crate::ui::Progress;

/// One executable with what it contains and what of it will be measured.
pub(super) struct Bench {
    pub(super) executable: BenchExecutable,
    pub(super) inventory: Inventory,
    pub(super) selected: Vec<BenchmarkId>,
    /// Elements per iteration that the executable states for benchmarks that cannot declare them.
    pub(super) elements: BTreeMap<String, u64>,
}

/// Everything that measuring needs.
pub(super) struct Suite {
    pub(super) benches: Vec<Bench>,
    pub(super) name: String,
    pub(super) identity: Identity,
    pub(super) facts: Vec<Fact>,
    pub(super) findings: Vec<Finding>,
    pub(super) guard: std::path::PathBuf,
    pub(super) patience: Duration,
    pub(super) scratch: tempfile::TempDir,
    /// What the doctor is told besides the facts.
    pub(super) doctor: Inputs,
    /// Reads the facts again when the run ends.
    pub(super) facts_after: Box<dyn Fn() -> Vec<Fact>>,
}

/// The configuration of a run.
///
/// Without `--manifest-path`, or with `--config`, it is the session's own. For another workspace, what describes the
/// suite (packages, sets, profiles, words, families, budgets) comes from beside *that* workspace's root, or is default;
/// where things are kept (store, reports, templates) and how strictly is judged stays the session's.
pub(super) fn config(args: &Args, session: &Session) -> Result<Config, CliError> {
    let own = session.config()?;
    let Some(manifest) = args.manifest_path.as_ref().filter(|_| !session.names_config()) else {
        return Ok(own);
    };
    let root = workspace_root(&session.folder.join(manifest), session)?;
    let file = root.join(crate::config::FILE_NAME);
    let same =
        |own: &std::path::PathBuf| file.is_file() && own.canonicalize().ok() == file.canonicalize().ok();
    if own.file.as_ref().is_some_and(same) {
        return Ok(own);
    }
    let theirs = crate::config::load(file.is_file().then_some(file.as_path()), &session.folder)?;
    Ok(Config {
        file: own.file,
        store: own.store,
        founding: own.founding,
        reports: own.reports,
        templates: own.templates,
        margin: own.margin,
        comparison_level: own.comparison_level,
        ..theirs
    })
}

/// Root of the workspace that a manifest belongs to, as cargo finds it.
fn workspace_root(manifest: &Path, session: &Session) -> Result<std::path::PathBuf, CliError> {
    let request = ProcessRequest::new(session.variable("CARGO").unwrap_or("cargo"))
        .args(["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"])
        .arg(manifest);
    let output = SystemRunner
        .run(&request)
        .map_err(|error| CliError::from_error(exit_code::METADATA_FAILED, &error))?;
    if !output.success() {
        let text = format!("cargo cannot read the workspace: {}", output.stderr_text().trim());
        return Err(CliError::new(exit_code::METADATA_FAILED, text)
            .hinted(Some("`--manifest-path` takes the path of a Cargo.toml".to_owned())));
    }
    let found = std::path::PathBuf::from(output.stdout_text().trim());
    Ok(found.parent().unwrap_or(Path::new(".")).to_owned())
}

/// Resolves what was typed and what is configured: nothing optional is left open.
pub(super) fn plan(args: &Args, config: &Config) -> Result<RunPlan, CliError> {
    let name = args.how.profile.as_ref().unwrap_or(&config.default_profile);
    let profile: &Profile = config.profiles.get(name).ok_or_else(|| {
        let known: Vec<&str> = config.profiles.keys().map(String::as_str).collect();
        CliError::new(exit_code::USAGE, format!("no profile is called `{name}`"))
            .hinted(Some(format!("there are {}", known.join(", "))))
    })?;
    let set = args.set.clone().unwrap_or_else(|| profile.set.clone());
    if !matches!(set.as_str(), "core" | "full") && !config.sets.contains_key(&set) {
        return Err(CliError::new(exit_code::USAGE, format!("no set is called `{set}`"))
            .hinted(Some("sets are `core`, `full` and those under `[suite.sets]`".to_owned())));
    }
    if let Some(filter) = &args.filter {
        Regex::new(filter).map_err(|error| {
            let mut made =
                CliError::new(exit_code::USAGE, format!("`--filter {filter}` is not a regular expression"));
            made.causes.push(error.to_string());
            made.hinted(Some(
                "write a literal `(`, `[`, `+`, `.` or `?` with a backslash before it".to_owned(),
            ))
        })?;
    }
    #[expect(clippy::cast_sign_loss, reason = "any 64 bits are a good seed")]
    let fresh = clock::now().0 as u64;
    Ok(RunPlan {
        profile: name.clone(),
        set,
        launches: args.how.launches.unwrap_or(profile.launches),
        warm_up_seconds: profile.warm_up_seconds,
        measurement_seconds: profile.measurement_seconds,
        sample_size: profile.sample_size,
        seed: args.how.seed.unwrap_or(fresh),
        filter: args.filter.clone(),
    })
}

/// Builds, lists, selects, and completes the facts.
pub(super) fn suite(
    args: &Args,
    session: &Session,
    (config, plan): (&Config, &RunPlan),
    before: &[Fact],
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Suite, CliError> {
    progress.line("building bench executables");
    let built = build::build(&request(args, session, config), &SystemRunner, cancel, &mut |line| {
        progress.detail(line);
    })?;
    let scratch = tempfile::Builder::new().prefix("bench-runner-").tempdir()?;
    let guard = std::env::current_exe()?;
    let patience = args.how.watchdog.map_or(Duration::from_secs_f64(config.watchdog_seconds), |seconds| {
        Duration::from_secs(u64::from(seconds))
    });
    // In the root that was built, whose toolchain file decides; and only now, so that counters leave the build out.
    let mut facts = machine::facts(session, &built.root, &config.store, Phase::Start);
    facts.extend(before.iter().filter(|fact| REMEMBERED.contains(&fact.key.as_str())).cloned());
    let mut findings = built.findings.clone();
    let mut benches = Vec::new();
    for executable in &built.executables {
        progress.detail(&format!("listing {}", executable.executable.target));
        let ask = InventoryRequest { guard: &guard, bench: executable, patience, scratch: scratch.path() };
        let inventory = inventory::inventory(ask, cancel)?;
        findings.extend(inventory.findings.iter().cloned());
        let said = if inventory.complete { probe::ask(ask, cancel)? } else { Probe::default() };
        if cancel.is_cancelled() {
            return Err(CliError::new(exit_code::INTERRUPTED, "interrupted before anything was measured"));
        }
        let backend = |backend| stated(keys::PROBE_BACKEND, backend, "the executable's own probe");
        facts.extend(said.backend.map(backend));
        let selected = select(&inventory.ids, config, plan)?;
        benches.push(Bench { executable: executable.clone(), inventory, selected, elements: said.elements });
    }
    if benches.iter().all(|bench| bench.selected.is_empty()) {
        return Err(nothing_selected(&benches, plan));
    }
    benches.retain(|bench| !bench.selected.is_empty() || !bench.inventory.complete);
    facts.extend(build_facts(&built, &benches, args));
    facts.extend(super::profile::facts(&built, &session.environment));
    facts.extend(machine::source_facts(&built.root, Phase::Start));
    // After the build and the listing: averages still remember them, the window does not.
    facts.extend(machine::window(Phase::Start));
    once(&mut facts);
    let doctor = doctor_inputs(plan, &built);
    facts.push(diagnose(&facts, &doctor).grade_fact(Phase::Start));
    let identity = identify(&facts, &machine::machine_id(&config.store), args.around.machine.as_deref());
    let packages: BTreeSet<&str> =
        benches.iter().map(|bench| bench.executable.executable.package.as_str()).collect();
    let name = packages.into_iter().collect::<Vec<_>>().join("+");
    Ok(Suite {
        benches,
        name,
        identity,
        facts,
        findings,
        guard,
        patience,
        scratch,
        doctor,
        facts_after: after(session, config, &built.root),
    })
}

/// What plan and build tell the doctor. Threads are not known: benchmarks do not declare them.
fn doctor_inputs(plan: &RunPlan, built: &Build) -> Inputs {
    let profile = &built.profile;
    let is_told = !profile.opt_level.is_empty();
    Inputs {
        threads: None,
        launches: Some(u64::from(plan.launches)),
        opt_level: is_told.then(|| profile.opt_level.clone()),
        debug_assertions: is_told.then_some(profile.debug_assertions),
    }
}

/// Facts at the end of the run: machine and source, since both can change while it runs.
fn after(session: &Session, config: &Config, root: &Path) -> Box<dyn Fn() -> Vec<Fact>> {
    let (session, store, root) = (session.clone(), config.store.clone(), root.to_owned());
    Box::new(move || {
        let mut facts = machine::facts(&session, &root, &store, Phase::End);
        facts.extend(machine::source_facts(&root, Phase::End));
        facts
    })
}

fn request(args: &Args, session: &Session, config: &Config) -> BuildRequest {
    let mut request = BuildRequest::new(&session.folder);
    request.cargo = session.variable("CARGO").unwrap_or("cargo").into();
    request.manifest = args.manifest_path.as_ref().map(|manifest| session.folder.join(manifest));
    request.packages = if args.package.is_empty() { config.packages.clone() } else { args.package.clone() };
    request.benches = args.bench.clone();
    request.features = Features {
        names: args.build.features.clone(),
        all: args.build.all_features,
        no_default: args.build.no_default_features,
    };
    request.profile = args.build.cargo_profile.clone();
    request.locked = args.build.locked;
    request.offline = args.build.offline;
    let words = args.build.rustflags.as_deref().unwrap_or_default().split_whitespace();
    request.extra_flags = words.map(str::to_owned).collect();
    request.environment = session.environment.clone();
    request
}

/// The benchmarks that set and filter select. A set `core` that nobody defined is everything.
fn select(ids: &[BenchmarkId], config: &Config, plan: &RunPlan) -> Result<Vec<BenchmarkId>, CliError> {
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

/// Load figures that look back: read after a build they would show the build.
const REMEMBERED: [&str; 4] =
    [keys::LOAD_ONE, keys::LOAD_PRESSURE_CPU, keys::LOAD_PRESSURE_IO, keys::LOAD_PRESSURE_MEMORY];

/// A bench that broke while it was asked what it contains is no empty suite.
fn nothing_selected(benches: &[Bench], plan: &RunPlan) -> CliError {
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

fn stated(key: &str, value: impl Into<String>, source: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(FactValue::Text(value.into())),
        unit: String::new(),
        status: FactStatus::Ok,
        source: source.to_owned(),
        phase: Phase::Start,
    }
}

/// Facts about build and harness.
fn build_facts(built: &Build, benches: &[Bench], args: &Args) -> Vec<Fact> {
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
    let flags = built.flags.effective().join(" ");
    let features = match (args.build.all_features, args.build.no_default_features) {
        (true, _) => "all".to_owned(),
        (false, true) => format!("no default; {}", args.build.features.join(",")),
        (false, false) => format!("default; {}", args.build.features.join(",")),
    };
    let versions: BTreeSet<&str> =
        benches.iter().filter_map(|bench| bench.inventory.harness_version.as_deref()).collect();
    let versions = versions.into_iter().collect::<Vec<_>>().join(", ");
    let mut facts = vec![
        stated(keys::BUILD_PROFILE, settings.join(" "), "cargo's build messages and the root manifest"),
        stated(
            keys::BUILD_FLAGS,
            if flags.is_empty() { "none".to_owned() } else { redact_paths(&flags) },
            "cargo configuration merged with the environment",
        ),
        stated(keys::BUILD_FEATURES, features.trim_end_matches("; "), "command line"),
        stated(keys::HARNESS_RUNNER, env!("CARGO_PKG_VERSION"), "bench-runner"),
    ];
    if !versions.is_empty() {
        facts.push(stated(keys::HARNESS_CRITERION, versions, "the benches' greeting"));
    }
    if let Some(lock) = built.lock {
        facts.push(stated(keys::BUILD_LOCK, lock.to_string(), "Cargo.lock"));
    }
    facts
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

/// Each key once per phase; what was said later and more specifically stays.
fn once(facts: &mut Vec<Fact>) {
    let mut seen = BTreeSet::new();
    facts.reverse();
    facts.retain(|fact| seen.insert((fact.key.clone(), fact.phase)));
    facts.reverse();
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
