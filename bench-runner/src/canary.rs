//! Edge: small workloads with a known number of instructions, to time the machine itself.
//!
//! A hypervisor can hide frequency, governor and neighbours; it cannot hide how long a chain of dependent instructions
//! takes. Everything is portable Rust kept alive by `black_box`; results are `derived`, never `ok`. What a changed
//! canary means is decided by analysis. Formulas and assumptions: `docs/explain.md`.

mod chains;
mod clock;
mod memory;
mod throughput;

use std::time::{Duration, Instant};

use crate::model::fact::{self, Fact, FactStatus, FactValue, Phase, keys};

pub use clock::{CROSS_CHECK, Clock};

/// What all canaries say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Readings {
    /// Clock of the core; `Err` says why it is not believed.
    pub clock: Option<Clock>,
    /// Best time over median of the throughput loop, 0 to 1.
    pub contention: Option<f64>,
    /// Operations per nanosecond of the throughput loop at its best.
    pub throughput: Option<f64>,
    /// Nanoseconds of one dependent read beyond the second cache level.
    pub memory_ns: Option<f64>,
    /// Nanoseconds of one look at the monotonic clock.
    pub timer_ns: Option<f64>,
}

/// How long the canaries may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// About 100 ms: all canaries, before and after a run.
    Full,
    /// About 2 ms: clock and contention, before a launch.
    Quick,
}

impl Effort {
    /// How long the core is kept busy first, so that it leaves its idle frequency.
    fn warm_up(self) -> Duration {
        match self {
            Self::Full => Duration::from_millis(15),
            Self::Quick => Duration::from_micros(300),
        }
    }

    /// How long each loop is repeated.
    fn each(self) -> Duration {
        match self {
            Self::Full => Duration::from_millis(15),
            Self::Quick => Duration::from_micros(500),
        }
    }
}

/// Times the machine. The calling thread is busy meanwhile; nothing is changed.
#[must_use]
pub fn read(effort: Effort) -> Readings {
    let started = Instant::now();
    while started.elapsed() < effort.warm_up() {
        chains::add_xor();
    }
    let each = effort.each();
    let throughput = throughput::read(each);
    let full = effort == Effort::Full;
    Readings {
        clock: Some(clock::read(each)),
        contention: throughput.map(|found| found.contention),
        throughput: throughput.map(|found| found.per_nanosecond),
        memory_ns: full.then(memory::read).flatten(),
        timer_ns: full.then(timer),
    }
}

/// Nanoseconds of one look at the monotonic clock: the best of many short series.
fn timer() -> f64 {
    const SERIES: u32 = 64;
    const LOOKS: u32 = 32;
    let mut best = f64::INFINITY;
    for _ in 0..SERIES {
        let started = Instant::now();
        for _ in 0..LOOKS {
            std::hint::black_box(Instant::now());
        }
        best = best.min(nanoseconds(started.elapsed()) / f64::from(LOOKS + 1));
    }
    best
}

/// A duration as a number.
fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// Times `work` again and again for `span`, at least three times; sorted, in nanoseconds.
fn times(span: Duration, mut work: impl FnMut()) -> Vec<f64> {
    const MOST: usize = 4096;
    let mut found = Vec::new();
    let started = Instant::now();
    while found.len() < 3 || (started.elapsed() < span && found.len() < MOST) {
        let begun = Instant::now();
        work();
        found.push(nanoseconds(begun.elapsed()));
    }
    found.sort_by(f64::total_cmp);
    found
}

/// The readings as facts of `phase`.
#[must_use]
pub fn facts(readings: &Readings, phase: Phase) -> Vec<Fact> {
    let clock = readings.clock.and_then(Clock::believed);
    let doubt = readings.clock.map_or("not read", |clock| clock.source());
    vec![
        row(keys::CANARY_CLOCK, "GHz", clock, doubt, phase),
        row(
            keys::CANARY_CONTENTION,
            "",
            readings.contention,
            "best over median of independent multiplications and additions",
            phase,
        ),
        row(
            keys::CANARY_THROUGHPUT,
            "op/ns",
            readings.throughput,
            "best rate of independent multiplications and additions",
            phase,
        ),
        row(
            keys::CANARY_MEMORY,
            "ns",
            readings.memory_ns,
            "dependent reads in random order from 16 MiB, best of several",
            phase,
        ),
        row(
            keys::CANARY_TIMER,
            "ns",
            readings.timer_ns,
            "monotonic clock read in series, best of many",
            phase,
        ),
    ]
}

/// By how much the canaries changed from the start to the end of a run.
#[must_use]
pub fn deltas(facts: &[Fact]) -> Vec<Fact> {
    let number = |key: &str, phase| match fact::find(facts, key, phase) {
        Some(Fact { value: Some(FactValue::Number(number)), status, .. }) if status.is_known() => {
            Some(*number)
        }
        _ => None,
    };
    [(keys::CANARY_CLOCK, "GHz"), (keys::CANARY_CONTENTION, ""), (keys::CANARY_MEMORY, "ns")]
        .into_iter()
        .map(|(key, unit)| {
            let change = number(key, Phase::Start).zip(number(key, Phase::End)).map(|(old, new)| new - old);
            row(key, unit, change, "end minus start", Phase::Delta)
        })
        .collect()
}

/// A fact whose number was measured; without a number it is unknown.
fn row(key: &str, unit: &str, number: Option<f64>, source: &str, phase: Phase) -> Fact {
    let number = number.filter(|number| number.is_finite());
    Fact {
        key: key.to_owned(),
        value: number.map(FactValue::Number),
        unit: number.map_or("", |_| unit).to_owned(),
        status: if number.is_some() { FactStatus::Derived } else { FactStatus::Unknown },
        source: source.to_owned(),
        phase,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_canary_gives_a_fact_that_is_derived_or_unknown() {
        let readings = read(Effort::Full);
        let start = facts(&readings, Phase::Start);
        assert_eq!(start.len(), 5);
        for fact in &start {
            let known = fact.status == FactStatus::Derived;
            assert!(known || fact.status == FactStatus::Unknown, "{fact:?}");
            assert_eq!(fact.value.is_some(), known, "{fact:?}");
        }
        let contention = readings.contention.unwrap();
        assert!(contention > 0.0 && contention <= 1.0, "{contention}");
        assert!(readings.memory_ns.unwrap() > 0.0 && readings.timer_ns.unwrap() > 0.0);
        let quick = read(Effort::Quick);
        assert!(quick.contention.is_some() && quick.memory_ns.is_none());
    }

    #[test]
    fn a_change_is_known_only_when_both_ends_are() {
        let some = Readings { contention: Some(0.9), memory_ns: Some(80.0), ..Readings::default() };
        let more = Readings { contention: Some(0.75), ..Readings::default() };
        let mut all = facts(&some, Phase::Start);
        all.extend(facts(&more, Phase::End));
        let found = deltas(&all);
        assert_eq!(found[0].status, FactStatus::Unknown);
        assert!(matches!(found[1].value, Some(FactValue::Number(change)) if (change + 0.15).abs() < 1e-12));
        assert_eq!((found[2].status, found[2].phase), (FactStatus::Unknown, Phase::Delta));
    }
}
