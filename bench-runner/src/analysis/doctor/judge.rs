//! The judgements that take more than a few lines, and the small arithmetic that checks share.
//!
//! Pure; the table in `checks` says what each is for.

use super::checks::Judgement;
use super::{CheckState, Gap, View};
use crate::model::fact::{self, Phase, keys};

pub(super) fn no_input(what: &str) -> Gap {
    Gap::NotApplicable(format!("no {what} stated"))
}

pub(super) fn graded(value: f64, warn_above: f64, block_above: f64) -> CheckState {
    if value > block_above {
        CheckState::Block
    } else if value > warn_above {
        CheckState::Warn
    } else {
        CheckState::Ok
    }
}

pub(super) fn gibibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 30)
}

pub(super) fn usable_cores(view: &View<'_>) -> Result<f64, Gap> {
    let cores = view.number(keys::CPU_CORES_USABLE, Phase::Start)?;
    if cores < 1.0 { Err(Gap::Unknown("no usable core is stated".to_owned())) } else { Ok(cores) }
}

#[expect(clippy::cast_precision_loss, reason = "thread counts stay far below 2^53")]
pub(super) fn threads(view: &View<'_>) -> Result<f64, Gap> {
    view.inputs.threads.map(|threads| threads as f64).ok_or_else(|| no_input("number of threads"))
}

/// Cores that were busy a moment ago while we slept; `None` where nobody measured.
fn busy_now(view: &View<'_>) -> Option<f64> {
    view.number(keys::LOAD_BUSY_NOW, Phase::Start).ok()
}

/// Busy cores per usable core from which the machine is taken.
pub(super) const TAKEN: f64 = 0.45;
/// Busy cores below which the machine is quiet.
pub(super) const QUIET: f64 = 0.15;

/// The average over a minute remembers the build that came before: it blocks only while the machine is still busy.
pub(super) fn load(view: &View<'_>) -> Result<Judgement, Gap> {
    let load = view.number(keys::LOAD_ONE, Phase::Start)?;
    let cores = usable_cores(view)?;
    let evidence = format!("load average {load:.2} on {cores:.0} usable cores");
    match (graded(load / cores, 0.10, 0.50), busy_now(view)) {
        (CheckState::Block, Some(busy)) if busy < TAKEN * cores => {
            Ok((CheckState::Warn, format!("{evidence}, but {busy:.2} cores are busy right now")))
        }
        (state, _) => Ok((state, evidence)),
    }
}

/// One look at the queue catches tasks that are gone a moment later: the window afterwards decides.
pub(super) fn runnable(view: &View<'_>) -> Result<Judgement, Gap> {
    let tasks = view.number(keys::LOAD_RUNNABLE, Phase::Start)?;
    let cores = usable_cores(view)?;
    let share = tasks / cores;
    let state = if share >= 1.0 { CheckState::Block } else { graded(share, 0.25, f64::INFINITY) };
    let evidence = format!("{tasks:.0} other runnable tasks on {cores:.0} usable cores");
    match (state, busy_now(view)) {
        (CheckState::Block | CheckState::Warn, Some(busy)) if busy < QUIET => {
            Ok((CheckState::Ok, format!("{evidence}, and {busy:.2} cores busy a moment later")))
        }
        (CheckState::Block, Some(busy)) if busy < TAKEN * cores => Ok((CheckState::Warn, evidence)),
        _ => Ok((state, evidence)),
    }
}

/// The average over ten seconds remembers too; the same counter over the window does not.
pub(super) fn cpu_pressure(view: &View<'_>) -> Result<Judgement, Gap> {
    let percent = view.number(keys::LOAD_PRESSURE_CPU, Phase::Start)?;
    let evidence = format!("tasks waited {percent:.1} % of the last 10 s");
    match (graded(percent, 2.0, 10.0), view.number(keys::LOAD_PRESSURE_NOW, Phase::Start)) {
        (CheckState::Block, Ok(now)) if now <= 10.0 => {
            Ok((CheckState::Warn, format!("{evidence}, and {now:.1} % right now")))
        }
        (state, _) => Ok((state, evidence)),
    }
}

pub(super) fn rose(view: &View<'_>, key: &str, what: &str) -> Result<Judgement, Gap> {
    let events = view.number(key, Phase::Delta)?;
    let state = if events > 0.0 { CheckState::Warn } else { CheckState::Ok };
    Ok((state, format!("{events:.0} {what} during the run")))
}

pub(super) fn power_mode(view: &View<'_>) -> Result<Judgement, Gap> {
    let mode = view.words(keys::POWER_MODE)?;
    let state = match mode {
        "low-power" | "power-saver" | "quiet" | "cool" => CheckState::Block,
        "normal" | "balanced" | "balanced-performance" | "performance" | "ultimate-performance" => {
            CheckState::Ok
        }
        // Names that a vendor or the owner made up, and numbers whose meaning is not settled.
        other => return Err(Gap::Unknown(format!("power mode {other}: what it does is not known"))),
    };
    Ok((state, format!("power mode {mode}")))
}

pub(super) fn frequency_policy(view: &View<'_>) -> Result<Judgement, Gap> {
    let driver = view.words(keys::FREQ_DRIVER)?;
    let governor = view.words(keys::FREQ_GOVERNOR)?;
    if governor == "performance" {
        return Ok((CheckState::Ok, format!("driver {driver}, governor performance")));
    }
    match view.words(keys::FREQ_EPP) {
        // With a preference the hardware decides, and `powersave` is the normal governor.
        Ok(preference) => {
            let fast = matches!(preference, "performance" | "balance_performance");
            let state = if fast { CheckState::Ok } else { CheckState::Warn };
            Ok((state, format!("driver {driver}, governor {governor}, preference {preference}")))
        }
        Err(Gap::NotApplicable(_)) => Ok((CheckState::Warn, format!("driver {driver}, governor {governor}"))),
        Err(gap) => Err(gap),
    }
}

pub(super) fn cpu_quota(view: &View<'_>) -> Result<Judgement, Gap> {
    if view.words(keys::VIRT_CPU_QUOTA).is_ok_and(|words| words == "none") {
        return Ok((CheckState::Ok, "no CPU quota".to_owned()));
    }
    let quota = view.number(keys::VIRT_CPU_QUOTA, Phase::Start)?;
    match threads(view) {
        Ok(threads) if quota < threads => {
            Ok((CheckState::Block, format!("quota of {quota} cores for {threads:.0} threads")))
        }
        _ => Ok((CheckState::Note, format!("quota of {quota} cores"))),
    }
}

pub(super) fn smt(view: &View<'_>) -> Result<Judgement, Gap> {
    if !view.flag(keys::CPU_SMT)? {
        return Ok((CheckState::Ok, "one thread per core".to_owned()));
    }
    let cores = view.number(keys::CPU_CORES_PHYSICAL, Phase::Start);
    match (threads(view), cores) {
        (Ok(threads), Ok(cores)) if threads > cores => {
            Ok((CheckState::Warn, format!("SMT is on, {threads:.0} threads on {cores:.0} physical cores")))
        }
        _ => Ok((CheckState::Note, "SMT is on".to_owned())),
    }
}

pub(super) fn debug_build(view: &View<'_>) -> Result<Judgement, Gap> {
    let inputs = view.inputs;
    let (level, assertions) = match (inputs.opt_level.as_deref(), inputs.debug_assertions) {
        (None, None) => return Err(no_input("build settings")),
        (level, assertions) => (level, assertions),
    };
    if assertions == Some(true) {
        return Ok((CheckState::Block, "debug assertions are on".to_owned()));
    }
    match level {
        Some("3") if assertions == Some(false) => {
            Ok((CheckState::Ok, "opt-level 3, no debug assertions".to_owned()))
        }
        Some("3") | None => Err(Gap::Unknown("only half of the build settings is stated".to_owned())),
        Some("0" | "1") => Ok((CheckState::Block, format!("opt-level {}", level.unwrap_or_default()))),
        Some(level) => Ok((CheckState::Note, format!("opt-level {level}"))),
    }
}

/// Settings that somebody, or the system itself, can change while a run goes on.
const SETTINGS: &[&str] = &[
    keys::POWER_SOURCE,
    keys::POWER_MODE,
    keys::FREQ_GOVERNOR,
    keys::FREQ_EPP,
    keys::FREQ_TURBO,
    keys::CPU_SMT,
    keys::CPU_CORES_USABLE,
    keys::VIRT_CPU_QUOTA,
    keys::MEMORY_THP,
    keys::CPU_SIGNATURE,
    keys::TOOLCHAIN_RUSTC,
];

pub(super) fn changed_during_run(view: &View<'_>) -> Result<Judgement, Gap> {
    let known = |key, phase| fact::find(view.facts, key, phase).and_then(|fact| fact.known_text());
    let pairs: Vec<(&str, String, String)> = SETTINGS
        .iter()
        .filter_map(|key| Some((*key, known(key, Phase::Start)?, known(key, Phase::End)?)))
        .collect();
    if pairs.is_empty() {
        return Err(Gap::NotApplicable("no facts from the end of a run".to_owned()));
    }
    let changes: Vec<String> = pairs
        .iter()
        .filter(|(_, start, end)| start != end)
        .map(|(key, start, end)| format!("{key} from {start} to {end}"))
        .collect();
    if changes.is_empty() {
        Ok((CheckState::Ok, format!("{} settings are the same at start and end", pairs.len())))
    } else {
        Ok((CheckState::Warn, changes.join(", ")))
    }
}
