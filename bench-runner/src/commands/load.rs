//! From a stored run to the content of its report: what several commands share.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use super::knobs::Trials;
use super::{Session, import};
use crate::analysis::calibrate::{note, session_variance, staleness};
use crate::analysis::compare::{CompareSettings, Side, compare};
use crate::analysis::curve::{CurveHint, CurveHints, CurveKind as HintKind};
use crate::analysis::knobs::with_proofs;
use crate::analysis::report_assembly::{AssemblyInput, assemble, results};
use crate::attest::{Key, Trust};
use crate::cli::Format;
use crate::clock;
use crate::config::{Config, Curve, CurveKind};
use crate::error::CliError;
use crate::exit_code;
use crate::model::calibration::Calibration;
use crate::model::comparison::RunComparison;
use crate::model::estimate::BenchmarkResult;
use crate::model::ids::RunId;
use crate::model::measurement::Measurement;
use crate::model::record::RunRecord;
use crate::model::report::RunReport;
use crate::model::run::Run;
use crate::model::seal::{ChainHead, Statement, payload_digest};
use crate::report::Recent;
use crate::store::{HistoryFilter, Imported, OpenMode, Opened, Store};
use crate::ui;
use crate::ui::table::Table;

/// Calibrations of a machine that are looked through for one of the right configuration.
const MOST_CALIBRATIONS: u32 = 100;

/// Runs that a line of blocks shows.
const BLOCKS: usize = 20;

/// Opens the configured store for reading.
pub(super) fn open_to_read(config: &Config) -> Result<Store, CliError> {
    Ok(Store::open(&config.store, OpenMode::ReadOnly, clock::now())?.0)
}

/// Opens the configured store for writing; founding records that it does not hold yet are stored first.
pub(super) fn open_to_write(config: &Config) -> Result<Store, CliError> {
    // Before the store is made: a broken record must not leave a store without its beginning.
    let founding =
        config.founding.iter().map(|file| import::read_summary(file)).collect::<Result<Vec<_>, _>>()?;
    let mut store = open_signing(config)?;
    for record in &founding {
        // A corrected file does not change history; `import summary` says so.
        if !store.contains(&record.record.run.id)? {
            import::store_summary(&mut store, record)?;
        }
    }
    Ok(store)
}

/// Opens the configured store for writing, with the key that signs what is written; founding records have no part in it.
pub(super) fn open_signing(config: &Config) -> Result<Store, CliError> {
    let (mut store, opened) = Store::open(&config.store, OpenMode::ReadWrite, clock::now())?;
    tell(&opened);
    if let Some(key) = signing_key(config) {
        store.set_signer(Arc::new(key));
        store.sign_runs(&opened.recovered)?;
    }
    Ok(store)
}

/// Whether what is written now would be signed: a key is configured, and it is there.
pub(super) fn has_signer(config: &Config) -> bool {
    config.integrity.sign && config.integrity.key.as_ref().is_some_and(|path| path.exists())
}

/// The key that signs, made and trusted on first use. Without one nothing is signed, and that is said.
fn signing_key(config: &Config) -> Option<Key> {
    let path = config.integrity.key.as_ref().filter(|_| config.integrity.sign)?;
    let key = Key::load(path).and_then(|found| match found {
        Some(key) => Ok(key),
        None => {
            let key = Key::create(path, false)?;
            ui::note(&format!("made the signing key {} (`bench-runner key show`)", key.id()));
            if let Some(file) = &config.integrity.trusted {
                let mut trust = Trust::load(file)?;
                trust.trust(&key.public(), clock::now(), None)?;
                trust.save(file)?;
            }
            Ok(key)
        }
    });
    key.map_err(|error| {
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        ui::note(&format!("nothing is signed: {error}{hint}"));
    })
    .ok()
}

/// The trusted keys of the configuration.
pub(super) fn trust(config: &Config) -> Result<Trust, CliError> {
    Ok(config.integrity.trusted.as_ref().map(|file| Trust::load(file)).transpose()?.unwrap_or_default())
}

/// How many threads check signatures.
pub(super) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Place and digest of the statement that the measuring store made about a run.
///
/// A run that came in a bundle brings it along, so that its report is the same wherever it is rendered; what this store
/// added to its own chain when it took the run in is for `verify`.
pub(super) fn seal_of(store: &Store, run: &RunId) -> Result<Option<ChainHead>, CliError> {
    let own = store.identity()?.0;
    let statements = store.statements(run)?;
    let mut heads: Vec<(bool, ChainHead)> = Vec::new();
    for signed in &statements {
        if let Ok(statement) = Statement::parse(&signed.payload) {
            let head =
                ChainHead { position: statement.predicate.position, sha256: payload_digest(&signed.payload) };
            heads.push((statement.predicate.store == own, head));
        }
    }
    // A stable sort: the first of the other stores' statements, else our own.
    heads.sort_by_key(|(is_own, _)| *is_own);
    Ok(heads.into_iter().next().map(|(_, head)| head))
}

/// Says what happened while the store was opened.
fn tell(opened: &Opened) {
    if let (Some(from), Some(backup)) = (opened.migrated_from, &opened.backup) {
        ui::note(&format!(
            "store migrated from schema {from}; a copy of the old one is `{}`",
            backup.display()
        ));
    }
    for run in &opened.recovered {
        ui::note(&format!("run {run} had been interrupted; it is marked partial, what it measured is kept"));
    }
}

/// A stored run in the form that the analysis reads.
struct Loaded {
    run: Run,
    measurements: Vec<(u32, Measurement)>,
    stated: Vec<BenchmarkResult>,
}

impl Loaded {
    fn new(record: RunRecord) -> Self {
        let stated = record.stated.into_iter().map(|stated| BenchmarkResult {
            benchmark: stated.benchmark,
            metric: stated.metric,
            throughput: stated.throughput,
            estimate: stated.estimate,
            launches: Vec::new(),
            launch_variance_share: None,
            findings: Vec::new(),
        });
        Self {
            run: record.run,
            stated: stated.collect(),
            measurements: record
                .measurements
                .into_iter()
                .map(|entry| (entry.launch, entry.measurement))
                .collect(),
        }
    }

    /// What the run says about its benchmarks.
    fn results(&self) -> Vec<BenchmarkResult> {
        results(&self.run, &self.measurements, &self.stated)
    }
}

/// What a stored run says about its benchmarks.
pub(super) fn results_in(record: &RunRecord) -> Vec<BenchmarkResult> {
    Loaded::new(record.clone()).results()
}

/// Values of the newest runs that compare with `run`, that one last: what a line of blocks is drawn from.
///
/// Empty below three runs: two are what a comparison says in numbers.
pub(super) fn recent(store: &Store, run: &Run) -> Result<Recent, CliError> {
    let mut runs = store.comparable_runs(&run.id)?;
    runs.drain(..runs.len().saturating_sub(BLOCKS - 1));
    runs.push(run.id.clone());
    let Some(first) = runs.first().filter(|_| runs.len() > 2) else { return Ok(Recent::new()) };
    let filter = HistoryFilter {
        machine: Some(run.identity.machine.clone()),
        config: Some(run.identity.config.clone()),
        since: Some(store.run(first)?.started),
    };
    let mut found = Recent::new();
    store.histories(&filter, |history| {
        let value = |run: &RunId| {
            let point = history.points.iter().find(|point| point.run == *run && point.is_eligible());
            point.map(|point| point.value)
        };
        let values: Vec<Option<f64>> = runs.iter().map(value).collect();
        found.insert((history.key.benchmark, history.key.metric), values);
    })?;
    Ok(found)
}

/// Gathers everything that a report of `run` shows.
pub(super) fn report_of(config: &Config, store: &Store, run: &RunId) -> Result<RunReport, CliError> {
    let loaded = Loaded::new(store.record(run)?);
    let trials = Trials::of(store, config, Some(&loaded.run.suite))?;
    assembled(config, store, &trials, &loaded)
}

/// The same with trials that were judged already, for who makes many reports.
pub(super) fn report_with(
    config: &Config,
    store: &Store,
    trials: &Trials,
    run: &RunId,
) -> Result<RunReport, CliError> {
    assembled(config, store, trials, &Loaded::new(store.record(run)?))
}

fn assembled(
    config: &Config,
    store: &Store,
    trials: &Trials,
    loaded: &Loaded,
) -> Result<RunReport, CliError> {
    let run = &loaded.run.id;
    let earlier = store.previous_comparable(run)?.map(|id| with_results(store, &id)).transpose()?;
    let previous = earlier.as_ref().map(|(run, results)| Side { run, results });
    let report = assemble(AssemblyInput {
        run: &loaded.run,
        measurements: &loaded.measurements,
        stated: &loaded.stated,
        previous,
        budgets: &config.budgets,
        descriptions: &config.descriptions,
        hints: &hints(&config.curves)?,
        compare: &settings_of(config, store, &loaded.run)?,
        reproduce: &format!("bench-runner report {run}"),
    });
    let calibration = calibration_of(store, &loaded.run)?.map(|(found, stale)| note(&found, stale));
    // Held against the run and its start. A later trial of the same code speaks for an earlier run too: its card says when it was.
    let proofs = trials.at(Some((&loaded.run, loaded.run.started)));
    let recommendations = with_proofs(report.recommendations, &proofs, &loaded.run);
    Ok(RunReport { seal: seal_of(store, run)?, calibration, recommendations, ..report })
}

/// Compares two stored runs, the older one first.
pub(super) fn comparison_of(
    config: &Config,
    store: &Store,
    (baseline, candidate): (&RunId, &RunId),
) -> Result<RunComparison, CliError> {
    let (old, new) = (with_results(store, baseline)?, with_results(store, candidate)?);
    Ok(compare(
        Side { run: &old.0, results: &old.1 },
        Side { run: &new.0, results: &new.1 },
        &settings_of(config, store, &new.0)?,
    ))
}

/// A stored run with the results computed from it.
pub(super) fn with_results(store: &Store, run: &RunId) -> Result<(Run, Vec<BenchmarkResult>), CliError> {
    let loaded = Loaded::new(store.record(run)?);
    let results = loaded.results();
    Ok((loaded.run, results))
}

/// The newest calibration of the machine and configuration of a run, and why it does not count for the run.
///
/// It is held against the start of the run rather than against today, so that the report of a run stays what it is.
fn calibration_of(store: &Store, run: &Run) -> Result<Option<(Calibration, Option<String>)>, CliError> {
    let identity = &run.identity;
    let all = store.calibrations(Some(&identity.machine), MOST_CALIBRATIONS)?;
    let same = all.iter().find(|found| found.config == identity.config).or(all.first()).cloned();
    Ok(same.map(|found| {
        let stale = staleness(&found, (&identity.machine, &identity.config), run.started);
        (found, stale)
    }))
}

/// The calibration that counts for a run, if there is one.
pub(super) fn fresh_calibration(store: &Store, run: &Run) -> Result<Option<Calibration>, CliError> {
    Ok(calibration_of(store, run)?.filter(|(_, stale)| stale.is_none()).map(|(found, _)| found))
}

/// How strictly a run is compared with others: what is known about sessions on its machine included.
pub(super) fn settings_of(config: &Config, store: &Store, run: &Run) -> Result<CompareSettings, CliError> {
    let session_variance =
        fresh_calibration(store, run)?.map_or(0.0, |calibration| session_variance(&calibration));
    Ok(CompareSettings { session_variance, ..settings(config) })
}

/// How strictly runs are compared where nothing is known about sessions.
pub(super) fn settings(config: &Config) -> CompareSettings {
    CompareSettings {
        margin: config.margin,
        family_alpha: 1.0 - config.comparison_level,
        session_variance: 0.0,
    }
}

/// The configured families as the analysis wants them.
pub(super) fn hints(curves: &[Curve]) -> Result<CurveHints, CliError> {
    let hint = |curve: &Curve| {
        let pattern = regex::Regex::new(&curve.pattern)
            .map_err(|error| CliError::from_error(exit_code::CONFIGURATION, &error))?;
        Ok(CurveHint {
            pattern,
            singles: curve.single.clone(),
            kind: match curve.kind {
                CurveKind::Batch => HintKind::Batch { steps: curve.steps.clone() },
                CurveKind::Parallel => HintKind::Parallel { threads: curve.threads, batched: curve.batched },
            },
            caution: curve.caution.clone(),
        })
    };
    Ok(CurveHints(curves.iter().map(hint).collect::<Result<_, CliError>>()?))
}

/// Shows a table in the asked form; the two JSON forms are one object, or one line a row.
pub(super) fn show(
    session: &Session,
    table: &Table,
    schema: &str,
    items: &[serde_json::Value],
) -> Result<(), CliError> {
    let text = match session.format {
        Format::Text => table.text(session.style.width),
        Format::Markdown => table.markdown(),
        Format::Csv => table.csv(),
        Format::Json => serde_json::json!({"schema": schema, "version": 1, "items": items}).to_string(),
        Format::Jsonl => items.iter().map(|item| format!("{item}\n")).collect(),
    };
    session.answer(&text)
}

/// Says that a run is in the store now, or was there before.
pub(super) fn stored(session: &Session, run: &str, outcome: Imported) -> Result<(), CliError> {
    let (word, key) = match outcome {
        Imported::Added => ("stored", "added"),
        Imported::AlreadyThere => ("already stored", "already_there"),
    };
    let object = serde_json::json!({
        "schema": "bench-runner/stored", "version": 1, "run": run, "outcome": key,
    });
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => object.to_string(),
        Format::Text | Format::Markdown => format!("{run} {word}"),
        Format::Csv => format!("run,outcome\n{run},{key}"),
    })
}

/// Says which file or folder was written.
pub(super) fn written(session: &Session, path: &Path) -> Result<(), CliError> {
    let path = shown(session, path);
    let object = serde_json::json!({"schema": "bench-runner/file", "version": 1, "path": path});
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => object.to_string(),
        Format::Text | Format::Markdown => path,
        Format::Csv => format!("path\n{}", ui::table::quote_csv(&path)),
    })
}

/// A value as JSON; the types are ours and always have one.
pub(super) fn json_of<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, CliError> {
    serde_json::to_value(value).map_err(|error| CliError::from_error(exit_code::FAILURE, &error))
}

/// A path as it is shown to a person: relative to the current folder where it lies below it.
pub(super) fn shown(session: &Session, path: &Path) -> String {
    path.strip_prefix(&session.folder).unwrap_or(path).display().to_string()
}
