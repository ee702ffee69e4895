//! A machine that is made up from a run of a real one: the same code under another clock and on another core.
//!
//! For trying comparisons of machines where there is only one. The mark `machine.synthetic` goes with it wherever it is
//! shown; nothing else tells it from a machine that was measured.

use super::super::identity;
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::model::ids::RunId;
use crate::model::record::RunRecord;

/// How the made-up machine differs from the real one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unlike<'a> {
    /// Its name, which becomes its label.
    pub name: &'a str,
    /// Its clock over that of the real machine.
    pub clock: f64,
    /// Cycles that it takes over those that the real machine takes.
    pub core: f64,
}

/// Makes up the run `id` of a machine from the record of a real one: each time is multiplied by `core ÷ clock`.
///
/// # Edge cases
/// Stated estimates are left out: nothing was measured there to be made up from.
#[must_use]
pub fn like(record: &RunRecord, id: RunId, unlike: Unlike<'_>) -> RunRecord {
    let Unlike { name, clock, core } = unlike;
    let mut made = record.clone();
    made.stated = Vec::new();
    made.run.title = Some(format!("made up from run {}", record.run.id));
    made.run.id = id;
    for entry in &mut made.measurements {
        for observation in &mut entry.measurement.sample {
            observation.total *= core / clock;
        }
    }
    for launch in &mut made.run.launches {
        if let Some(noticed) = &mut launch.covariates {
            noticed.clock_ghz = noticed.clock_ghz.map(|ghz| ghz * clock);
        }
    }
    let facts = &mut made.run.facts;
    let replaced = [keys::MACHINE_SYNTHETIC, keys::CPU_MODEL];
    facts.retain(|fact| !replaced.contains(&fact.key.as_str()));
    for fact in facts.iter_mut().filter(|fact| fact.key == keys::CANARY_CLOCK) {
        if let Some(FactValue::Number(ghz)) = &mut fact.value {
            *ghz *= clock;
        }
    }
    facts.push(stated(keys::MACHINE_SYNTHETIC, FactValue::Text("yes".to_owned())));
    facts.push(stated(keys::CPU_MODEL, FactValue::Text(format!("synthetic {name} 1"))));
    made.run.identity = identity::identify(&made.run.facts, name.as_bytes(), Some(name));
    made
}

fn stated(key: &str, value: FactValue) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(value),
        unit: String::new(),
        status: FactStatus::Derived,
        source: "made up".to_owned(),
        phase: Phase::Start,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{benchmark, fact, measurement, run};
    use super::*;
    use crate::model::fact::known;
    use crate::model::record::LaunchMeasurement;

    #[test]
    fn times_follow_clock_and_core_and_the_mark_is_there() {
        let mut real = run('A');
        let mut clock = fact(keys::CANARY_CLOCK, "");
        clock.value = Some(FactValue::Number(3.0));
        real.facts = vec![clock, fact(keys::CPU_ARCH, "x86_64"), fact(keys::CPU_MODEL, "Real 9000")];
        let measured = measurement(benchmark("t", "f", None), &[100.0, 110.0]);
        let record = RunRecord {
            run: real,
            measurements: vec![LaunchMeasurement { launch: 0, measurement: measured }],
            stated: Vec::new(),
        };
        let id: RunId = "01K9BWV7G0000000000000000Z".parse().unwrap();
        let made = like(&record, id.clone(), Unlike { name: "half", clock: 0.5, core: 1.2 });
        let per_iteration = |record: &RunRecord| record.measurements[0].measurement.sample[0].per_iteration();
        assert!((per_iteration(&made) / per_iteration(&record) - 2.4).abs() < 1e-12);
        assert_eq!(known(&made.run.facts, keys::CANARY_CLOCK).as_deref(), Some("1.5"));
        assert_eq!(known(&made.run.facts, keys::MACHINE_SYNTHETIC).as_deref(), Some("yes"));
        assert_eq!((made.run.identity.machine.as_str(), &made.run.id), ("label:half", &id));
        assert!(made.run.identity.hw_class.starts_with("x86_64/synthetic-half-1/"));
        assert_eq!(made.run.executables, record.run.executables);
    }
}
