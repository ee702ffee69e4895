//! Sections of release notes, from an experiment or from stored runs; what may not be compared is refused with the reasons.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::compare::{CompareSettings, Side, compare};
use crate::analysis::explain::changes;
use crate::analysis::release::{allowed_differences, arm_refusals, one_sided, refusals, rows, shared_blocks};
use crate::commands::load;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::experiment::Outcome;
use crate::model::comparison::Comparison;
use crate::model::estimate::BenchmarkResult;
use crate::model::experiment::Variant;
use crate::model::explain::Cause;
use crate::model::fact::{keys, known};
use crate::model::ids::BenchmarkId;
use crate::model::record::{NoteTarget, RunListing};
use crate::model::release::{Refused, ReleaseNotes, ReleaseRow, ReleaseSection, ReleaseSource};
use crate::model::run::{Run, RunKind, RunStatus};
use crate::store::{QUARANTINE, RELEASE, RunFilter, Store};

/// Newest runs of a release on a machine that are tried until two may be compared.
const TRIED: usize = 5;

/// Launches of a run below which its limits say so.
const FEW_LAUNCHES: usize = 5;

/// A run with its results.
type Loaded = (Run, Vec<BenchmarkResult>);

/// Fills the notes from an experiment with the two releases.
///
/// # Errors
///
/// When the experiment is not about these two commits, or cannot be read.
pub(super) fn from_experiment(
    notes: &mut ReleaseNotes,
    store: &Store,
    outcome: &Outcome,
) -> Result<(), CliError> {
    let experiment = &outcome.experiment;
    let revs: Vec<Option<&str>> = experiment.arms.iter().map(|arm| arm.variant.rev.as_deref()).collect();
    if revs != [Some(notes.commits.0.as_str()), Some(notes.commits.1.as_str())] {
        let text = format!("experiment {} did not measure these two commits", experiment.id);
        return Err(CliError::new(exit_code::NOT_COMPARABLE, text)
            .hinted(Some("`--measure` makes one that does".to_owned())));
    }
    let [from, to] = experiment.arms.as_slice() else { return Ok(()) };
    let old = load::with_results(store, &from.run)?;
    let new = load::with_results(store, &to.run)?;
    let mut reasons = variant_differences(&from.variant, &to.variant);
    // Arms of equal executables were not launched, and nothing is claimed of them.
    if !outcome.equal {
        reasons.extend(arm_refusals(&old.0, &new.0));
    }
    if !reasons.is_empty() {
        notes.refused.push(Refused { from: from.run.clone(), to: to.run.clone(), reasons });
        return Ok(());
    }
    let compared = outcome.result.contrasts.first().map_or(&[][..], |contrast| &contrast.rows);
    let source = if outcome.equal {
        ReleaseSource::EqualExecutables { id: experiment.id.clone() }
    } else {
        ReleaseSource::Experiment { id: experiment.id.clone(), blocks: outcome.result.blocks }
    };
    let mut made = section((&old, &new), source, with_intervals(compared, &old.1, &new.1));
    made.limits.extend(own_ways(&to.variant));
    let shared = shared_blocks(&old.0, &new.0);
    made.limits.extend(
        shared.iter().map(|finding| format!("both sides: {}; {}.", finding.evidence, finding.effect)),
    );
    // Arms hold what both sides have; what one of them lacks is a finding that names the side.
    let first = format!("`{}` has it", from.variant.name);
    for finding in outcome.result.findings.iter().filter(|finding| finding.code == "benchmark-one-sided") {
        let list = if finding.evidence.starts_with(&first) { &mut made.removed } else { &mut made.new };
        if !list.contains(&finding.subject) {
            list.push(finding.subject.clone());
            list.sort();
        }
    }
    let doubts = outcome.result.findings.iter().filter(|finding| finding.code != "benchmark-one-sided");
    made.limits.extend(doubts.map(|finding| format!("{}; {}.", finding.evidence, finding.effect)));
    notes.sections.push(made);
    Ok(())
}

/// What differs between two variants besides name and revision: then a difference is not that of the releases alone.
fn variant_differences(from: &Variant, to: &Variant) -> Vec<String> {
    let differs = |(old, new): ((&'static str, String), (&'static str, String))| {
        (old.1 != new.1)
            .then(|| format!("the variants: {} {} against {}", old.0, shown(&old.1), shown(&new.1)))
    };
    ways(from).into_iter().zip(ways(to)).filter_map(differs).collect()
}

/// How both releases were built or launched otherwise than the project says, a sentence.
fn own_ways(variant: &Variant) -> Option<String> {
    let own = ways(variant).into_iter().filter(|(_, value)| !value.is_empty());
    let own: Vec<String> = own.map(|(name, value)| format!("{name} {value}")).collect();
    (!own.is_empty())
        .then(|| format!("both releases were made otherwise than the project says: {}.", own.join("; ")))
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "as the project says" } else { value }
}

/// Everything that a variant changes besides the revision, as text; empty where it changes nothing.
fn ways(variant: &Variant) -> Vec<(&'static str, String)> {
    // By name, so that a new field does not go unnoticed here.
    let Variant {
        name: _,
        rev: _,
        run,
        rustflags,
        without_flags,
        features,
        cargo_profile,
        profile_settings,
        environment,
        affinity,
    } = variant;
    let pairs = |map: &BTreeMap<String, String>| {
        map.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    let processors = affinity.iter().map(ToString::to_string).collect::<Vec<_>>();
    vec![
        ("kept executables of run", run.as_ref().map_or_else(String::new, ToString::to_string)),
        ("compiler flags", rustflags.join(" ")),
        ("compiler flags left out", without_flags.join(" ")),
        ("features", features.join(" ")),
        ("cargo profile", cargo_profile.clone().unwrap_or_default()),
        ("profile settings", pairs(profile_settings)),
        ("variables", pairs(environment)),
        ("processors", processors.join(",")),
    ]
}

/// Fills the notes from stored runs of the two commits.
///
/// # Errors
///
/// When one of the commits was never measured, or the store cannot be read.
pub(super) fn from_history(
    notes: &mut ReleaseNotes,
    store: &Store,
    config: &Config,
    machine: Option<&str>,
) -> Result<(), CliError> {
    let filter = RunFilter {
        kind: Some(RunKind::Measured),
        machine: machine.map(str::to_owned),
        ..RunFilter::default()
    };
    let all = store.runs(&filter, u32::MAX)?;
    let of = |commit: &str, tag: &str| -> Result<Vec<Run>, CliError> {
        let runs = clean_runs(store, &all, commit)?;
        if runs.is_empty() {
            let text = format!("no stored run measured {tag} ({})", &commit[..10.min(commit.len())]);
            return Err(CliError::new(exit_code::NOTHING, text).hinted(Some(
                "`--measure` builds both releases and measures them in turns; `run --rev` and `backfill` measure one"
                    .to_owned(),
            )));
        }
        Ok(runs)
    };
    let (old, new) = (of(&notes.commits.0, &notes.from)?, of(&notes.commits.1, &notes.to)?);
    let mut places: BTreeMap<_, Vec<&Run>> = BTreeMap::new();
    for run in &new {
        places.entry(place(run)).or_default().push(run);
    }
    for (here, runs) in &places {
        match pair(&old, runs) {
            Some((from, to)) => {
                // What is known about sessions of this machine widens the intervals.
                let settings = load::settings_of(config, store, to)?;
                notes.sections.push(from_runs(store, (from, to), &settings)?);
            }
            None => notes.refused.extend(refused(&old, runs, here)),
        }
    }
    // What the older release was measured on and the newer one was not is said as well.
    let known: BTreeSet<_> = places.keys().copied().collect();
    let mut left: BTreeMap<_, &Run> = BTreeMap::new();
    for run in old.iter().filter(|run| !known.contains(&place(run))) {
        left.entry(place(run)).or_insert(run);
    }
    for run in left.into_values() {
        let there = notes.refused.iter().any(|one| one.from == run.id);
        if let Some(to) = new.first().filter(|_| !there) {
            let reasons = refusals(run, to);
            notes.refused.push(Refused { from: run.id.clone(), to: to.id.clone(), reasons });
        }
    }
    Ok(())
}

fn place(run: &Run) -> (&str, &str, u32) {
    (&run.identity.machine, &run.identity.config, run.identity.recipe)
}

/// Runs of exactly a commit, newest first: not put aside, and without changes that no commit names.
fn clean_runs(store: &Store, all: &[RunListing], commit: &str) -> Result<Vec<Run>, CliError> {
    let mut runs = Vec::new();
    let finished = all.iter().filter(|run| run.status != RunStatus::Running);
    for listing in finished.filter(|run| run.commit.as_deref() == Some(commit)) {
        let run = store.run(&listing.id)?;
        let notes = store.annotations(NoteTarget::Run, run.id.as_str())?;
        let last = notes.iter().rfind(|note| note.kind == QUARANTINE || note.kind == RELEASE);
        let aside = last.is_some_and(|note| note.kind == QUARANTINE);
        if !aside && known(&run.facts, keys::SOURCE_DIRTY).as_deref() != Some("yes") {
            runs.push(run);
        }
    }
    Ok(runs)
}

/// The newest pair that may be compared.
fn pair<'a>(old: &'a [Run], new: &[&'a Run]) -> Option<(&'a Run, &'a Run)> {
    let here = place(new.first()?);
    let old: Vec<&Run> = old.iter().filter(|run| place(run) == here).take(TRIED).collect();
    new.iter().take(TRIED).find_map(|to| {
        let from = old.iter().find(|from| refusals(from, to).is_empty())?;
        Some((*from, *to))
    })
}

/// Why the runs of one place were not compared: against the older run that is most alike.
fn refused(old: &[Run], new: &[&Run], here: &(&str, &str, u32)) -> Option<Refused> {
    let to = new.first()?;
    let likeness = |run: &&Run| {
        let there = place(run);
        (there == *here, there.0 == here.0)
    };
    // Of equals the first, which is the newest.
    let from = old.iter().rev().max_by_key(likeness)?;
    Some(Refused { from: from.id.clone(), to: to.id.clone(), reasons: refusals(from, to) })
}

fn from_runs(
    store: &Store,
    (from, to): (&Run, &Run),
    settings: &CompareSettings,
) -> Result<ReleaseSection, CliError> {
    let (old, new) = (load::with_results(store, &from.id)?, load::with_results(store, &to.id)?);
    let compared =
        compare(Side { run: &old.0, results: &old.1 }, Side { run: &new.0, results: &new.1 }, settings);
    let days = to.started.0.abs_diff(from.started.0) / 86_400_000_000;
    let source = ReleaseSource::History { days: u32::try_from(days).unwrap_or(u32::MAX) };
    let mut made = section((&old, &new), source, with_intervals(&compared.rows, &old.1, &new.1));
    made.limits.insert(0, between_sessions(settings.session_variance));
    Ok(made)
}

/// What the intervals of two sessions hold, a sentence. `variance` is that of the difference of two sessions, 0 when unknown.
fn between_sessions(variance: f64) -> String {
    if variance > 0.0 {
        let spread = 100.0 * variance.sqrt().exp_m1();
        format!(
            "what the machine does between two sessions is in the intervals as its calibration knows it: a standard deviation \
             of {spread:.1} % between them."
        )
    } else {
        "what the machine did between the two runs is not in the intervals: no calibration that counts knows it.".to_owned()
    }
}

/// Rows with the intervals of their values, where an estimate holds the value that is shown.
fn with_intervals(
    compared: &[Comparison],
    old: &[BenchmarkResult],
    new: &[BenchmarkResult],
) -> Vec<ReleaseRow> {
    rows(compared, |newer, row| {
        let (results, value) = if newer { (new, row.candidate_value) } else { (old, row.baseline_value) };
        let result = results.iter().find(|one| one.benchmark == row.benchmark && one.metric == row.metric)?;
        let interval = result.estimate.interval?;
        (interval.low <= value && value <= interval.high).then_some((interval.low, interval.high))
    })
}

fn section((old, new): (&Loaded, &Loaded), source: ReleaseSource, rows: Vec<ReleaseRow>) -> ReleaseSection {
    let (from, to) = (&old.0, &new.0);
    let (removed, new_ones) = one_sided(&benchmarks(old), &benchmarks(new));
    let compiler = |run: &Run| known(&run.facts, keys::TOOLCHAIN_RUSTC);
    ReleaseSection {
        identity: to.identity.clone(),
        runs: (from.id.clone(), to.id.clone()),
        launches: (launches(from), launches(to)),
        criterion: criterion(to),
        sampling: sampling(to),
        compilers: (compiler(from), compiler(to)),
        rows,
        new: new_ones,
        removed,
        differences: allowed_differences(from, to),
        limits: limits(from, to, &source),
        source,
    }
}

/// What a run was asked for and what it measured.
fn benchmarks((run, results): &Loaded) -> Vec<BenchmarkId> {
    let mut ids = run.inventory.clone();
    ids.extend(results.iter().map(|result| result.benchmark.clone()));
    ids
}

fn launches(run: &Run) -> u32 {
    u32::try_from(run.launches.iter().filter(|launch| launch.counts()).count()).unwrap_or(u32::MAX)
}

fn criterion(run: &Run) -> Option<String> {
    let spoken: BTreeSet<&str> =
        run.launches.iter().filter_map(|launch| launch.harness_version.as_deref()).collect();
    (!spoken.is_empty()).then(|| spoken.into_iter().collect::<Vec<_>>().join(" and "))
}

fn sampling(run: &Run) -> String {
    let Some(plan) = &run.plan else { return "sampling as the benches set it".to_owned() };
    let seconds = |value: Option<f64>, what: &str| {
        value.map_or_else(|| format!("the bench's own {what}"), |seconds| format!("{seconds} s of {what}"))
    };
    format!(
        "{}, {}, {} per launch",
        seconds(plan.warm_up_seconds, "warm-up"),
        seconds(plan.measurement_seconds, "measuring"),
        plan.sample_size.map_or_else(
            || "the bench's own number of observations".to_owned(),
            |size| format!("{size} observations")
        )
    )
}

/// What limits the numbers, a sentence each.
fn limits(from: &Run, to: &Run, source: &ReleaseSource) -> Vec<String> {
    let mut found = Vec::new();
    for run in [from, to] {
        if let Some(grade) = known(&run.facts, keys::DOCTOR_GRADE) {
            found.push(format!("the doctor graded the machine {grade} at the start of run {}.", run.id));
        }
        if matches!(source, ReleaseSource::History { .. }) && (launches(run) as usize) < FEW_LAUNCHES {
            found.push(format!("run {} has {} launches only.", run.id, launches(run)));
        }
    }
    if let Some(what) = known(&to.facts, keys::VIRT_HYPERVISOR).filter(|what| what != "none") {
        found.push(format!("a virtual machine ({what}): neighbors are not seen."));
    }
    for change in changes(from, to).iter().filter(|change| change.cause == Some(Cause::Environment)) {
        found.push(format!("{} was {} and {}: {}.", change.key, change.before, change.after, change.how));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_may_differ_in_name_and_revision_alone() {
        let arm =
            |name: &str| Variant { name: name.to_owned(), rev: Some(name.to_owned()), ..Variant::default() };
        let check = |change: &dyn Fn(&mut Variant), word: &str| {
            let mut new = arm("new");
            change(&mut new);
            let found = variant_differences(&arm("old"), &new);
            assert!(matches!(found.as_slice(), [one] if one.contains(word)), "{word}: {found:?}");
            // Turned on both sides it is no difference, and is said.
            let mut old = new.clone();
            old.name = "old".to_owned();
            assert_eq!(variant_differences(&old, &new), [""; 0]);
            assert!(own_ways(&new).is_some_and(|text| text.contains(word)), "{word}");
        };
        assert_eq!(variant_differences(&arm("old"), &arm("new")), [""; 0]);
        assert_eq!(own_ways(&arm("new")), None);
        check(&|arm| arm.rustflags = vec!["-Ctarget-cpu=native".to_owned()], "-Ctarget-cpu=native");
        check(&|arm| arm.without_flags = vec!["--cfg=backend=".to_owned()], "--cfg=backend=");
        check(&|arm| arm.features = vec!["simd".to_owned()], "simd");
        check(&|arm| arm.cargo_profile = Some("release".to_owned()), "release");
        check(&|arm| drop(arm.profile_settings.insert("lto".to_owned(), "fat".to_owned())), "lto=fat");
        check(&|arm| drop(arm.environment.insert("THREADS".to_owned(), "1".to_owned())), "THREADS=1");
        check(&|arm| arm.affinity = vec![0, 1], "0,1");
        check(&|arm| arm.run = "01K9B000000000000000000000".parse().ok(), "01K9B000000000000000000000");
    }

    #[test]
    fn what_lies_between_sessions_is_in_the_intervals_or_not() {
        assert!(between_sessions(0.0).contains("is not in the intervals"));
        let known = between_sessions(0.02_f64.powi(2));
        assert!(known.contains("is in the intervals") && known.contains("2.0 %"), "{known}");
    }
}
