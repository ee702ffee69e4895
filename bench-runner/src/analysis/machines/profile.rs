//! One machine over time: configurations, noise, and the facts that changed.
//!
//! Everything comes from stored runs; what is said of the machine today is the doctor's.

use std::collections::BTreeMap;

use super::clock;
use crate::model::fact::{Phase, keys, known};
use crate::model::history::History;
use crate::model::ids::RunId;
use crate::model::machines::{FactStep, MachineProfile, Mode, Noise};
use crate::model::record::MachineListing;
use crate::model::run::Run;
use crate::stats::order::median;

/// Puts one machine's runs in order: configurations, noise, and the facts that changed.
///
/// `runs` are in any order; `histories` are the series of this machine, from which the noise of each run comes.
#[must_use]
pub fn profile(machine: &MachineListing, runs: &[Run], histories: &[History]) -> MachineProfile {
    let mut runs: Vec<&Run> = runs.iter().collect();
    runs.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    let mut spreads: BTreeMap<&RunId, Vec<f64>> = BTreeMap::new();
    for point in histories.iter().flat_map(|history| &history.points) {
        spreads.entry(&point.run).or_default().extend(point.log_sd);
    }
    let noise = runs.iter().map(|run| {
        let spread = spreads.get(&run.id).map(Vec::as_slice).unwrap_or_default();
        let repeated = run
            .launches
            .iter()
            .filter(|launch| launch.covariates.as_ref().is_some_and(|noticed| noticed.repeated));
        Noise {
            run: run.id.clone(),
            started: run.started,
            log_sd: median(spread),
            benchmarks: u32::try_from(spread.len()).unwrap_or(u32::MAX),
            clock_ghz: clock(run),
            repeated: (
                u32::try_from(repeated.count()).unwrap_or(u32::MAX),
                u32::try_from(run.launches.len()).unwrap_or(u32::MAX),
            ),
            grade: known(&run.facts, keys::DOCTOR_GRADE),
        }
    });
    MachineProfile {
        machine: machine.clone(),
        modes: modes(&runs),
        noise: noise.collect(),
        steps: fact_steps(&runs),
    }
}

fn modes(runs: &[&Run]) -> Vec<Mode> {
    let mut found: Vec<Mode> = Vec::new();
    for run in runs {
        let config = &run.identity.config;
        if let Some(mode) = found.iter_mut().find(|mode| mode.config == *config) {
            mode.runs += 1;
            mode.latest = run.started;
        } else {
            found.push(Mode { config: config.clone(), runs: 1, first: run.started, latest: run.started });
        }
    }
    found.sort_by(|a, b| (b.latest, &b.config).cmp(&(a.latest, &a.config)));
    found
}

/// Facts that say something about one moment, not about the machine: they differ in every run.
fn is_passing(key: &str) -> bool {
    ["load.", "canary.", "source.", "doctor.", "thermal."].iter().any(|prefix| key.starts_with(prefix))
        || [
            keys::MEMORY_AVAILABLE,
            keys::MEMORY_SWAPPED,
            keys::OS_UPTIME,
            keys::DISK_FREE,
            keys::POWER_BATTERY,
            keys::CPU_FREQUENCY,
            keys::VIRT_QUOTA_STOPS,
        ]
        .contains(&key)
}

/// Returns the facts whose value changed from one run to the next in which it is known; `runs` are oldest first.
///
/// Facts that say something about one moment, such as load and temperature, are left out.
#[must_use]
pub fn fact_steps(runs: &[&Run]) -> Vec<FactStep> {
    let mut last: BTreeMap<&str, String> = BTreeMap::new();
    let mut found = Vec::new();
    for run in runs {
        for fact in run.facts.iter().filter(|fact| fact.phase == Phase::Start && !is_passing(&fact.key)) {
            let Some(value) = fact.known_text() else { continue };
            let before = last.insert(&fact.key, value.clone());
            if let Some(before) = before.filter(|before| *before != value) {
                found.push(FactStep {
                    run: run.id.clone(),
                    started: run.started,
                    key: fact.key.clone(),
                    before,
                    after: value,
                });
            }
        }
    }
    found
}
