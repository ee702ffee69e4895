//! Machines side by side on the same code, and one machine over time.
//!
//! The sides are independent runs, so that intervals are over launches; nothing here claims a cause. Whoever measured
//! other code or built it otherwise is refused, not "adjusted".

mod like;
mod profile;
#[cfg(test)]
mod tests;

use super::compare::Side;
use super::words;
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::{FactValue, Phase, find, keys, known};
use crate::model::ids::RunId;
use crate::model::machines::{
    MachineCell, MachineComparison, MachineRow, MachineSide, SideDifference, StatedMachine, StatedNumber,
};
use crate::model::run::{Run, RunKind, RunStatus};
use crate::stats::interval::welch;
use crate::stats::moments::geometric_mean;

pub use like::{Unlike, like};
pub use profile::{fact_steps, profile};

/// Why runs cannot stand for machines side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The run that does not fit.
    pub run: RunId,
    /// Why, in words.
    pub reason: String,
}

/// What must be the same on all sides besides the commit: how the code was made.
const BUILT: [&str; 5] =
    [keys::TOOLCHAIN_RUSTC, keys::BUILD_FLAGS, keys::BUILD_PROFILE, keys::BUILD_FEATURES, keys::BUILD_LOCK];

/// Facts that are shown when the sides differ in them.
const SHOWN: [&str; 26] = [
    keys::MACHINE_SYNTHETIC,
    keys::CPU_MODEL,
    keys::CPU_SIGNATURE,
    keys::CPU_ARCH,
    keys::CPU_CORES_PHYSICAL,
    keys::CPU_CORES_LOGICAL,
    keys::CPU_CORES_USABLE,
    keys::CPU_SMT,
    keys::CPU_FREQUENCY,
    keys::CPU_CACHES,
    keys::CPU_FEATURES,
    keys::CPU_MICROCODE,
    keys::FREQ_GOVERNOR,
    keys::FREQ_TURBO,
    keys::POWER_MODE,
    keys::POWER_SOURCE,
    keys::MEMORY_TOTAL,
    keys::MEMORY_THP,
    keys::OS_NAME,
    keys::OS_KERNEL,
    keys::OS_ASLR,
    keys::VIRT_HYPERVISOR,
    keys::VIRT_CPU_QUOTA,
    keys::TOOLCHAIN_HOST,
    keys::BUILD_TARGET_CPU,
    keys::PROBE_BACKEND,
];

/// Compares machines by one run each; the first is the reference. Records without samples are shown apart.
///
/// Each interval holds at `1 − family_alpha ÷ (rows × machines)`. Cycles are time × clock: where the ratio of times
/// differs from 1 and that of cycles does not, the clock is what differs and not the core.
///
/// # Errors
/// The first side that measured another commit, was built otherwise, or is not a complete measured run. Unknown is
/// refused too, unless the executables are the same files.
pub fn compare_machines(sides: &[Side<'_>], family_alpha: f64) -> Result<MachineComparison, Refusal> {
    let (records, sides): (Vec<&Side<'_>>, Vec<&Side<'_>>) =
        sides.iter().partition(|side| side.run.kind == RunKind::Summary);
    let Some((reference, others)) = sides.split_first() else {
        let run = records.first().map(|side| side.run.id.clone());
        return Err(Refusal {
            run: run.unwrap_or_else(nobody),
            reason: "there is no measured run to compare with".to_owned(),
        });
    };
    for side in &sides {
        fits(reference.run, side.run).map_err(|reason| Refusal { run: side.run.id.clone(), reason })?;
    }
    let pairs: usize = others.iter().map(|other| shared(reference.results, other.results)).sum();
    let level = 1.0 - family_alpha / pairs.max(1) as f64;
    let all: Vec<&Run> = sides.iter().map(|side| side.run).collect();
    let described = describe(&all);
    let clocks: Vec<Option<f64>> = described.iter().map(|side| side.clock_ghz).collect();
    let rows: Vec<MachineRow> = reference
        .results
        .iter()
        .map(|old| MachineRow {
            benchmark: old.benchmark.clone(),
            metric: old.metric.clone(),
            reference: old.estimate.value,
            cells: others
                .iter()
                .zip(clocks.iter().skip(1))
                .map(|(side, clock)| cell(old, side.results, (clocks[0], *clock), level))
                .collect(),
        })
        .collect();
    Ok(MachineComparison {
        commit: known(&reference.run.facts, keys::SOURCE_COMMIT).unwrap_or_else(|| "unknown".to_owned()),
        differences: differences(&all),
        means: (0..others.len()).map(|side| mean_of(&rows, side)).collect(),
        sides: described,
        level,
        rows,
        stated: records.into_iter().map(stated).collect(),
    })
}

/// The run id of no run, for a refusal that concerns none.
fn nobody() -> RunId {
    match "0".repeat(26).parse() {
        Ok(id) => id,
        Err(_) => unreachable!("26 zeros are a run id"),
    }
}

/// Says why `run` cannot stand beside `reference`.
fn fits(reference: &Run, run: &Run) -> Result<(), String> {
    match (run.kind, run.status) {
        (RunKind::Measured, RunStatus::Complete) => {}
        (RunKind::Imported, _) => return Err("it was imported, its origin is not verified".to_owned()),
        _ => return Err("it is not a complete measured run".to_owned()),
    }
    let digests = |run: &Run| {
        let mut all: Vec<_> = run.executables.iter().map(|executable| executable.digest).collect();
        all.sort();
        all
    };
    if !run.executables.is_empty() && digests(reference) == digests(run) {
        return Ok(());
    }
    let both = |key| (known(&reference.facts, key), known(&run.facts, key));
    match both(keys::SOURCE_COMMIT) {
        (Some(old), Some(new)) if old == new => {}
        (Some(old), Some(new)) => {
            return Err(format!("it measured commit {}, not {}", brief(&new), brief(&old)));
        }
        _ => return Err("nobody knows whether it measured the same commit".to_owned()),
    }
    if both(keys::SOURCE_DIRTY) != (Some("no".to_owned()), Some("no".to_owned())) {
        return Err("the commit is the same, but a work tree was not clean, or nobody knows".to_owned());
    }
    for key in BUILT {
        match both(key) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) => return Err(format!("{key} is `{new}`, not `{old}`")),
            (None, None) => {}
            _ => return Err(format!("{key} is known on one side only")),
        }
    }
    Ok(())
}

fn brief(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// Rows that two sides share and that can have an interval.
fn shared(old: &[BenchmarkResult], new: &[BenchmarkResult]) -> usize {
    old.iter()
        .filter(|old| partner(old, new).is_some_and(|new| new.launches.len().min(old.launches.len()) > 1))
        .count()
}

fn partner<'a>(old: &BenchmarkResult, results: &'a [BenchmarkResult]) -> Option<&'a BenchmarkResult> {
    results.iter().find(|new| {
        new.benchmark == old.benchmark && new.metric == old.metric && new.throughput == old.throughput
    })
}

fn cell(
    old: &BenchmarkResult,
    results: &[BenchmarkResult],
    clocks: (Option<f64>, Option<f64>),
    level: f64,
) -> Option<MachineCell> {
    let new = partner(old, results)?;
    let logs = |result: &BenchmarkResult| -> Vec<f64> {
        result.launches.iter().map(|launch| launch.median.ln()).collect()
    };
    let ratio = new.estimate.value / old.estimate.value;
    let interval = welch(&logs(old), &logs(new), level, 0.0).map(|t| {
        // The ratio shown is that of the medians; the interval keeps it.
        (t.low.min(ratio.ln()).exp(), t.high.max(ratio.ln()).exp())
    });
    let clock = old.metric.is_time().then(|| Some(clocks.1? / clocks.0?)).flatten();
    Some(MachineCell {
        value: new.estimate.value,
        ratio,
        ratio_interval: interval,
        per_cycle: clock.map(|clock| ratio * clock),
        per_cycle_interval: clock.zip(interval).map(|(clock, (low, high))| (low * clock, high * clock)),
    })
}

fn mean_of(rows: &[MachineRow], side: usize) -> Option<(f64, Option<f64>, u32)> {
    let cells: Vec<&MachineCell> =
        rows.iter().filter_map(|row| row.cells.get(side).and_then(Option::as_ref)).collect();
    let ratios: Vec<f64> = cells.iter().map(|cell| cell.ratio).collect();
    let cycles: Vec<f64> = cells.iter().filter_map(|cell| cell.per_cycle).collect();
    let whole = cycles.len() == ratios.len();
    let mean = geometric_mean(&ratios)?;
    Some((mean, geometric_mean(&cycles).filter(|_| whole), u32::try_from(ratios.len()).unwrap_or(u32::MAX)))
}

/// Sides with names that tell them apart.
fn describe(runs: &[&Run]) -> Vec<MachineSide> {
    let plain = |run: &Run| run.identity.label.clone().unwrap_or_else(|| run.identity.machine.clone());
    runs.iter()
        .map(|run| {
            let name = plain(run);
            let shared = runs.iter().filter(|other| plain(other) == name).count() > 1;
            let also = runs
                .iter()
                .filter(|other| plain(other) == name && other.identity.config == run.identity.config)
                .count()
                > 1;
            let name = match (shared, also) {
                (false, _) => name,
                (true, false) => format!("{name} ({})", run.identity.config),
                (true, true) => format!("{name} (run {})", run.id.short()),
            };
            MachineSide {
                run: run.id.clone(),
                name,
                identity: run.identity.clone(),
                clock_ghz: clock(run),
                synthetic: known(&run.facts, keys::MACHINE_SYNTHETIC).is_some_and(|word| word == "yes"),
            }
        })
        .collect()
}

/// Clock of a run by the canary: at its start, in GHz.
fn clock(run: &Run) -> Option<f64> {
    let fact = find(&run.facts, keys::CANARY_CLOCK, Phase::Start).filter(|fact| fact.status.is_known())?;
    match fact.value {
        Some(FactValue::Number(number)) if number > 0.0 => Some(number),
        _ => None,
    }
}

fn differences(runs: &[&Run]) -> Vec<SideDifference> {
    let mut found = Vec::new();
    let mut note = |key: &str, values: Vec<String>| {
        if values.iter().any(|value| *value != values[0]) {
            found.push(SideDifference { key: key.to_owned(), values });
        }
    };
    note("machine", runs.iter().map(|run| run.identity.machine.clone()).collect());
    note("hw_class", runs.iter().map(|run| run.identity.hw_class.clone()).collect());
    note("config", runs.iter().map(|run| run.identity.config.clone()).collect());
    for key in SHOWN {
        let text = |run: &&Run| known(&run.facts, key).unwrap_or_else(|| "unknown".to_owned());
        note(key, runs.iter().map(text).collect());
    }
    let clock = |run: &&Run| clock(run).map_or("unknown".to_owned(), |ghz| format!("{ghz:.2} GHz"));
    note(keys::CANARY_CLOCK, runs.iter().map(clock).collect());
    found
}

fn stated(side: &Side<'_>) -> StatedMachine {
    let identity = side.run.identity.clone();
    StatedMachine {
        run: side.run.id.clone(),
        name: side
            .run
            .title
            .clone()
            .or_else(|| identity.label.clone())
            .unwrap_or_else(|| identity.machine.clone()),
        identity,
        numbers: side
            .results
            .iter()
            .map(|result| StatedNumber {
                benchmark: result.benchmark.clone(),
                metric: result.metric.clone(),
                value: result.estimate.value,
                interval: result.estimate.interval.map(|interval| (interval.low, interval.high)),
            })
            .collect(),
    }
}

/// What a cell says in words: is it the clock or the core?
///
/// # Edge cases
/// Without an interval or a clock nothing is said.
#[must_use]
pub fn clock_or_core(cell: &MachineCell, margin: f64) -> String {
    let (Some((low, high)), Some(cycles), Some((cycles_low, cycles_high))) =
        (cell.ratio_interval, cell.per_cycle, cell.per_cycle_interval)
    else {
        return String::new();
    };
    let within = |low: f64, high: f64| low.ln() > -margin.ln_1p() && high.ln() < margin.ln_1p();
    let differs =
        |low: f64, high: f64, ratio: f64| (low > 1.0 || high < 1.0) && ratio.ln().abs() >= margin.ln_1p();
    let time = differs(low, high, cell.ratio);
    let core = differs(cycles_low, cycles_high, cycles);
    match (time, core) {
        (true, false) if within(cycles_low, cycles_high) => "the clock".to_owned(),
        (true, true) => format!("the core: {} in cycles", words::change(cycles - 1.0)),
        (false, true) => format!("the clock hides {} in cycles", words::change(cycles - 1.0)),
        (false, false) if within(low, high) => "alike".to_owned(),
        _ => "cannot be told".to_owned(),
    }
}
