//! From a stored run to everything that the gate says about it.

use std::collections::{BTreeMap, BTreeSet};

use super::confirm::Measurer;
use crate::analysis::census::{CensusInput, census};
use crate::analysis::gate::calibrated::{doubt, weigh};
use crate::analysis::gate::confirm::{Confirm, confirm};
use crate::analysis::gate::history::{Past, Suspect, look};
use crate::analysis::gate::layout::layout_spread;
use crate::analysis::gate::total::{Parts, conclude, sightings};
use crate::analysis::identity;
use crate::analysis::screen::{HISTORY_ONLY, SUSPECTS};
use crate::commands::{load, machine};
use crate::config::Config;
use crate::error::CliError;
use crate::model::calibration::Calibration;
use crate::model::decision::{Change, Decision};
use crate::model::gate::GateReport;
use crate::model::history::Line;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::NoteTarget;
use crate::model::report::RunReport;
use crate::model::run::{Run, RunKind, RunStatus};
use crate::model::units::Timestamp;
use crate::store::{OpenMode, QUARANTINE, RELEASE, RunFilter, Store};
use crate::ui;

/// Runs looked through for one that may be judged.
const LOOKED_THROUGH: u32 = 200;

/// The newest run of this machine that may be judged; the newest of all when there is none, which then says why not.
pub(super) fn newest(store: &Store) -> Result<RunId, CliError> {
    let here = identity::machine(&machine::machine_id(store.path()), None);
    let filter = RunFilter {
        kind: Some(RunKind::Measured),
        status: Some(RunStatus::Complete),
        machine: Some(here),
        ..RunFilter::default()
    };
    for listing in store.runs(&filter, LOOKED_THROUGH)? {
        if store.run(&listing.id)?.is_eligible() && quarantine(store, &listing.id)?.is_none() {
            return Ok(listing.id);
        }
    }
    Ok(store.resolve("latest")?)
}

/// Why a run was put aside, if the last word is that it was.
fn quarantine(store: &Store, run: &RunId) -> Result<Option<String>, CliError> {
    let notes = store.annotations(NoteTarget::Run, run.as_str())?;
    let last = notes.into_iter().rfind(|note| note.kind == QUARANTINE || note.kind == RELEASE);
    Ok(last.filter(|note| note.kind == QUARANTINE).map(|note| note.text))
}

/// What the store knows about a run and the line that it stands in.
struct Known {
    content: RunReport,
    quarantined: Option<String>,
    lines: Vec<Line>,
    comparable: Vec<RunId>,
    reference: Option<(RunId, Vec<BenchmarkId>)>,
    renames: BTreeMap<String, BenchmarkId>,
    changes: Vec<Change>,
    decisions: Vec<Decision>,
    calibration: Option<Calibration>,
}

impl Known {
    fn load(config: &Config, run: &RunId) -> Result<Self, CliError> {
        let store = load::open_to_read(config)?;
        let content = load::report_of(config, &store, run)?;
        let reference = match store.same_selection_before(run)? {
            Some(before) => {
                let inventory = store.run(&before)?.inventory;
                Some((before, inventory))
            }
            None => None,
        };
        Ok(Self {
            quarantined: quarantine(&store, run)?,
            lines: lines_of(&store, &content.run)?,
            comparable: store.comparable_runs(run)?,
            reference,
            renames: store.renames()?,
            changes: store.changes()?,
            decisions: store.decisions()?,
            calibration: load::fresh_calibration(&store, &content.run)?,
            content,
        })
    }
}

/// The lines of the run's machine and configuration that its benchmarks stand in.
pub(super) fn lines_of(store: &Store, run: &Run) -> Result<Vec<Line>, CliError> {
    let inventory: BTreeSet<&BenchmarkId> = run.inventory.iter().collect();
    let who = &run.identity;
    let keys = store.series(None)?.into_iter().filter(|key| {
        inventory.contains(&key.benchmark)
            && key.machine == who.machine
            && key.config == who.config
            && key.recipe == who.recipe
    });
    keys.map(|key| Ok(store.line(&key)?)).collect()
}

/// Judges a run; with a measurer, suspects are measured again. What was found is noted in the store.
pub(super) fn judge(
    config: &Config,
    run: &RunId,
    now: Timestamp,
    mut measurer: Option<Measurer<'_>>,
) -> Result<GateReport, CliError> {
    let known = Known::load(config, run)?;
    let past = Past {
        run: &known.content.run,
        quarantined: known.quarantined.as_deref(),
        lines: &known.lines,
        comparable: &known.comparable,
        changes: &known.changes,
        decisions: &known.decisions,
        now,
    };
    // Without a second measurement the loose level would name a tenth of all innocent series.
    let mut seen = look(&past, if measurer.is_some() { SUSPECTS } else { HISTORY_ONLY });
    let machine = confirm(&mut seen, run, measurer.as_mut().map(|measurer| measurer as &mut dyn Confirm));
    // Nothing is measured any more: others may have the machine.
    drop(measurer);
    weigh(&mut seen, known.calibration.as_ref());
    let breaks: BTreeSet<&RunId> = known.changes.iter().map(|change| &change.first_run).collect();
    let census = census(&CensusInput {
        run: &known.content.run,
        outcomes: &seen.outcomes,
        not_judged: &seen.not_judged,
        reference: known.reference.as_ref().map(|(run, inventory)| (run, inventory.as_slice())),
        renames: &known.renames,
        decisions: &known.decisions,
    });
    let suspects = seen.suspects.clone();
    let mut report = conclude(Parts {
        run: &known.content.run,
        quarantined: known.quarantined.as_deref(),
        budgets: known.content.gates.clone(),
        layout: layout_spread(&known.lines, &known.comparable, &breaks),
        look: seen,
        machine,
        census,
        decisions: &known.decisions,
        now,
        margin: config.margin,
    });
    report.findings.extend(doubt(&report, known.content.calibration.as_ref()));
    note(config, &report, &suspects, now);
    Ok(report)
}

/// Notes what was found. A store that cannot be written does not take the answer away; it is said.
fn note(config: &Config, report: &GateReport, suspects: &[Suspect], now: Timestamp) {
    let found = sightings(report, suspects, config.margin, now);
    if found.is_empty() {
        return;
    }
    let written = Store::open(&config.store, OpenMode::ReadWrite, now)
        .and_then(|(mut store, _)| store.add_sightings(&found));
    if let Err(error) = written {
        ui::note(&format!("warning: {} changes could not be noted in the store: {error}", found.len()));
    }
}
