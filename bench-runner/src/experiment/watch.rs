//! What is noticed around one launch: canary and counters before, counters and usage after.
//!
//! Used by whoever launches a bench. Nothing is read while the bench runs.

use std::path::Path;

use crate::analysis::contamination;
use crate::canary::{self, Clock, Effort};
use crate::hardware::{self, OsKind, Root};
use crate::model::covariates::Covariates;
use crate::model::fact::{self, Fact, FactValue, Phase, keys};
use crate::model::run::Launch;
use crate::process::Usage;

/// What was read before a launch.
#[derive(Debug)]
pub struct Watch {
    readings: canary::Readings,
    before: Vec<Fact>,
}

impl Watch {
    /// Reads canary and counters; takes about 2 ms.
    #[must_use]
    pub fn begin() -> Self {
        let before = counters(Phase::Start);
        Self { readings: canary::read(Effort::Quick), before }
    }

    /// What was noticed about `launch`, which ended and used `usage`; `earlier` are the launches of its run before it.
    #[must_use]
    pub fn end(self, launch: &Launch, usage: Option<Usage>, earlier: &[Launch]) -> Covariates {
        let after = counters(Phase::End);
        let rise = |key: &str| {
            let number = |facts: &[Fact], phase| match fact::find(facts, key, phase)?.value {
                Some(FactValue::Integer(number)) => Some(number),
                _ => None,
            };
            u64::try_from(number(&after, Phase::End)? - number(&self.before, Phase::Start)?).ok()
        };
        let mut noticed = Covariates {
            cpu_user_seconds: usage.map(|usage| usage.user_seconds),
            cpu_system_seconds: usage.map(|usage| usage.system_seconds),
            voluntary_switches: usage.map(|usage| usage.voluntary_switches),
            involuntary_switches: usage.map(|usage| usage.involuntary_switches),
            major_faults: usage.map(|usage| usage.major_faults),
            peak_memory_bytes: usage.and_then(|usage| usage.peak_memory_bytes),
            steal_ticks: rise(keys::LOAD_STEAL),
            all_ticks: rise(keys::LOAD_TICKS),
            quota_stops: rise(keys::VIRT_QUOTA_STOPS),
            clock_ghz: self.readings.clock.and_then(Clock::believed),
            contention: self.readings.contention,
            taints: Vec::new(),
            repeated: false,
        };
        noticed.taints = contamination::taints(launch, &noticed, earlier);
        noticed
    }
}

fn counters(phase: Phase) -> Vec<Fact> {
    hardware::counters(&Root::new(Path::new("/")), OsKind::current(), phase)
}

/// The canaries before or after a run, as facts.
#[must_use]
pub fn canaries(phase: Phase) -> Vec<Fact> {
    canary::facts(&canary::read(Effort::Full), phase)
}
