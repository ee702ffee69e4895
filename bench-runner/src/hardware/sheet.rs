//! The sheet on which readers write what they found: at most one fact per key, and a status for every key.
//!
//! Readers state an [`Outcome`]; the key decides the unit. A key that no reader wrote becomes `unknown`.

use std::collections::BTreeMap;

use super::root::Reading;
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, catalogue, keys};

/// Every key about the machine and its toolchain, in the order of the page; all are present in every capture.
pub const MACHINE_KEYS: &[&str] = &[
    keys::CPU_MODEL,
    keys::CPU_VENDOR,
    keys::CPU_SIGNATURE,
    keys::CPU_FEATURES,
    keys::CPU_MICROCODE,
    keys::CPU_ARCH,
    keys::CPU_CORES_PHYSICAL,
    keys::CPU_CORES_LOGICAL,
    keys::CPU_CORES_ONLINE,
    keys::CPU_CORES_USABLE,
    keys::CPU_SMT,
    keys::CPU_PACKAGES,
    keys::CPU_NUMA,
    keys::CPU_KINDS,
    keys::CPU_ISOLATED,
    keys::CPU_TSC,
    keys::CPU_FREQUENCY,
    keys::CPU_CACHES,
    keys::FREQ_DRIVER,
    keys::FREQ_MODE,
    keys::FREQ_GOVERNOR,
    keys::FREQ_EPP,
    keys::FREQ_TURBO,
    keys::FREQ_BASE,
    keys::FREQ_MAXIMUM,
    keys::FREQ_LIMIT,
    keys::IDLE_DRIVER,
    keys::IDLE_GOVERNOR,
    keys::POWER_MODE,
    keys::POWER_SOURCE,
    keys::POWER_BATTERY,
    keys::POWER_LIMIT,
    keys::MEMORY_TOTAL,
    keys::MEMORY_AVAILABLE,
    keys::MEMORY_LIMIT,
    keys::MEMORY_PAGE,
    keys::MEMORY_SWAP,
    keys::MEMORY_SWAPPED,
    keys::MEMORY_THP,
    keys::MEMORY_THP_DEFRAG,
    keys::OS_NAME,
    keys::OS_KERNEL,
    keys::OS_PREEMPTION,
    keys::OS_OPTIONS,
    keys::OS_ASLR,
    keys::OS_MITIGATIONS,
    keys::OS_CLOCKSOURCE,
    keys::OS_WATCHDOG,
    keys::OS_NUMA_BALANCING,
    keys::OS_AUTOGROUP,
    keys::OS_UPTIME,
    keys::BOARD_PRODUCT,
    keys::BOARD_FIRMWARE,
    keys::VIRT_HYPERVISOR,
    keys::VIRT_CONTAINER,
    keys::VIRT_TRANSLATION,
    keys::VIRT_CPU_QUOTA,
    keys::VIRT_QUOTA_STOPS,
    keys::LOAD_ONE,
    keys::LOAD_RUNNABLE,
    keys::LOAD_BLOCKED,
    keys::LOAD_PROGRAMS,
    keys::LOAD_PRESSURE_CPU,
    keys::LOAD_PRESSURE_MEMORY,
    keys::LOAD_PRESSURE_IO,
    keys::LOAD_STEAL,
    keys::LOAD_TICKS,
    keys::LOAD_SWITCHES,
    keys::LOAD_INTERRUPTS,
    keys::THERMAL_THROTTLES,
    keys::THERMAL_SPEED_LIMIT,
    keys::THERMAL_TEMPERATURE,
    keys::PROCESS_AFFINITY,
    keys::PROCESS_NICE,
    keys::PROCESS_POLICY,
    keys::PROCESS_TRACED,
    keys::PROCESS_SECCOMP,
    keys::PROCESS_SPECULATION,
    keys::PROCESS_ENVIRONMENT,
    keys::PROCESS_ENVIRONMENT_SIZE,
    keys::DISK_FREE,
    keys::TOOLCHAIN_RUSTC,
    keys::TOOLCHAIN_COMMIT,
    keys::TOOLCHAIN_LLVM,
    keys::TOOLCHAIN_HOST,
    keys::TOOLCHAIN_CARGO,
];

/// What a reader has to say about one key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    value: Option<FactValue>,
    status: FactStatus,
    source: String,
}

impl Outcome {
    /// Read and believed.
    pub(super) fn ok(value: FactValue, source: impl Into<String>) -> Self {
        Self { value: Some(value), status: FactStatus::Ok, source: source.into() }
    }

    /// Concluded from something else that was read.
    pub(super) fn derived(value: FactValue, source: impl Into<String>) -> Self {
        Self { value: Some(value), status: FactStatus::Derived, source: source.into() }
    }

    /// Shown by the system, and known not to be real.
    pub(super) fn placeholder(value: FactValue, source: impl Into<String>) -> Self {
        Self { value: Some(value), status: FactStatus::Placeholder, source: source.into() }
    }

    /// Could not be found out.
    pub(super) fn unknown(source: impl Into<String>) -> Self {
        Self { value: None, status: FactStatus::Unknown, source: source.into() }
    }

    /// Kept from us by a hypervisor or container.
    pub(super) fn hidden(source: impl Into<String>) -> Self {
        Self { value: None, status: FactStatus::Hidden, source: source.into() }
    }

    /// Refused by the system.
    pub(super) fn denied(source: impl Into<String>) -> Self {
        Self { value: None, status: FactStatus::Denied, source: source.into() }
    }

    /// Without meaning on this machine.
    pub(super) fn not_applicable(source: impl Into<String>) -> Self {
        Self { value: None, status: FactStatus::NotApplicable, source: source.into() }
    }

    /// The outcome of a file that did not give text; `None` when it did or when it is absent.
    pub(super) fn of_failure(reading: &Reading, path: &str) -> Option<Self> {
        match reading {
            Reading::Text(_) | Reading::Absent => None,
            Reading::Denied => Some(Self::denied(format!("{path}: permission denied"))),
            Reading::Malformed(why) => Some(Self::unknown(format!("{path}: {why}"))),
        }
    }

    /// Whether there is a value that may be used in a conclusion.
    pub(super) fn is_known(&self) -> bool {
        self.status.is_known()
    }
}

/// A value of words.
pub(super) fn text(words: impl Into<String>) -> FactValue {
    FactValue::Text(words.into())
}

/// A count; a number beyond the range of the store is cut to its end.
pub(super) fn count(number: impl TryInto<i64>) -> FactValue {
    FactValue::Integer(number.try_into().unwrap_or(i64::MAX))
}

/// Outcomes by key, for one phase.
#[derive(Debug)]
pub(super) struct Sheet {
    phase: Phase,
    outcomes: BTreeMap<&'static str, Outcome>,
}

impl Sheet {
    /// An empty sheet.
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase, outcomes: BTreeMap::new() }
    }

    /// Writes an outcome, replacing an earlier one.
    pub(super) fn put(&mut self, key: &'static str, outcome: Outcome) {
        self.outcomes.insert(key, outcome);
    }

    /// Writes an outcome where nothing is known yet; a better reason for not knowing is kept.
    pub(super) fn put_if_unknown(&mut self, key: &'static str, outcome: Outcome) {
        let known = self.outcomes.get(key).is_some_and(|present| present.status != FactStatus::Unknown);
        if !known && (outcome.is_known() || !self.outcomes.contains_key(key)) {
            self.put(key, outcome);
        }
    }

    /// The usable words under `key`, if there are any.
    pub(super) fn known_text(&self, key: &str) -> Option<String> {
        match self.outcomes.get(key) {
            Some(Outcome { value: Some(FactValue::Text(words)), status, .. }) if status.is_known() => {
                Some(words.clone())
            }
            _ => None,
        }
    }

    /// The facts of all `keys` in their order; what nobody wrote is unknown because `reason`.
    pub(super) fn into_facts(mut self, keys: &[&'static str], reason: &str) -> Vec<Fact> {
        keys.iter()
            .map(|key| {
                let outcome = self.outcomes.remove(key).unwrap_or_else(|| Outcome::unknown(reason));
                Fact {
                    key: (*key).to_owned(),
                    unit: unit(key, outcome.value.as_ref()).to_owned(),
                    value: outcome.value,
                    status: outcome.status,
                    source: outcome.source,
                    phase: self.phase,
                }
            })
            .collect()
    }
}

/// The unit of a numeric value under `key`; words have none.
fn unit(key: &str, value: Option<&FactValue>) -> &'static str {
    if !matches!(value, Some(FactValue::Integer(_) | FactValue::Number(_))) {
        return "";
    }
    catalogue::entry(key).map_or("", |entry| entry.unit)
}
