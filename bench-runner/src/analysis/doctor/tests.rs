//! Tests of the checks: each fires, stays silent, and admits that it does not know.

use super::*;
use crate::model::fact::keys;

fn fact(key: &str, value: impl Into<Value>, phase: Phase) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(value.into().0),
        unit: String::new(),
        status: FactStatus::Ok,
        source: "test".to_owned(),
        phase,
    }
}

/// Lets tests write plain literals.
struct Value(FactValue);

impl From<&str> for Value {
    fn from(words: &str) -> Self {
        Self(FactValue::Text(words.to_owned()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(FactValue::Integer(number))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self(FactValue::Number(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self(FactValue::Flag(flag))
    }
}

/// A quiet desktop that every check is content with.
fn quiet() -> Vec<Fact> {
    let start = |key, value: Value| fact(key, value, Phase::Start);
    let mut facts = vec![
        start(keys::POWER_SOURCE, "mains".into()),
        start(keys::POWER_MODE, "balanced".into()),
        start(keys::THERMAL_SPEED_LIMIT, 100.into()),
        start(keys::POWER_BATTERY, 80.into()),
        start(keys::FREQ_DRIVER, "intel_pstate".into()),
        start(keys::FREQ_GOVERNOR, "performance".into()),
        start(keys::FREQ_EPP, "performance".into()),
        start(keys::FREQ_TURBO, false.into()),
        start(keys::LOAD_ONE, 0.1.into()),
        start(keys::LOAD_RUNNABLE, 0.into()),
        start(keys::LOAD_PRESSURE_CPU, 0.3.into()),
        start(keys::CPU_CORES_USABLE, 8.into()),
        start(keys::CPU_CORES_PHYSICAL, 8.into()),
        start(keys::CPU_SMT, false.into()),
        start(keys::VIRT_CPU_QUOTA, "none".into()),
        start(keys::VIRT_HYPERVISOR, "none".into()),
        start(keys::VIRT_CONTAINER, "none".into()),
        start(keys::OS_ASLR, 2.into()),
        start(keys::OS_CLOCKSOURCE, "tsc".into()),
        start(keys::OS_UPTIME, 4000.into()),
        start(keys::MEMORY_TOTAL, (16 << 30).into()),
        start(keys::MEMORY_AVAILABLE, (8 << 30).into()),
        start(keys::MEMORY_THP, "madvise".into()),
        start(keys::DISK_FREE, (20 << 30).into()),
        start(keys::SOURCE_DIRTY, false.into()),
    ];
    facts.extend([
        fact(keys::LOAD_STEAL, 0, Phase::Delta),
        fact(keys::LOAD_TICKS, 10_000, Phase::Delta),
        fact(keys::THERMAL_THROTTLES, 0, Phase::Delta),
        fact(keys::MEMORY_SWAPPED, 0, Phase::Delta),
        fact(keys::VIRT_QUOTA_STOPS, 0, Phase::Delta),
        fact(keys::POWER_MODE, "balanced", Phase::End),
    ]);
    facts
}

fn inputs() -> Inputs {
    Inputs {
        threads: Some(4),
        launches: Some(8),
        opt_level: Some("3".to_owned()),
        debug_assertions: Some(false),
    }
}

/// The quiet desktop with one fact replaced.
fn with(key: &str, value: impl Into<Value>, phase: Phase) -> Vec<Fact> {
    let mut facts = quiet();
    facts.retain(|fact| (fact.key.as_str(), fact.phase) != (key, phase));
    facts.push(fact(key, value, phase));
    facts
}

fn state(diagnosis: &Diagnosis, id: &str) -> CheckState {
    diagnosis.checks.iter().find(|outcome| outcome.id == id).unwrap().state
}

#[test]
fn a_quiet_desktop_is_grade_a() {
    let diagnosis = diagnose(&quiet(), &inputs());
    assert_eq!(diagnosis.grade, Grade::A, "{:#?}", diagnosis.findings);
    assert_eq!(diagnosis.findings, []);
    assert!(diagnosis.checks.iter().all(|outcome| outcome.state == CheckState::Ok), "{diagnosis:#?}");
}

#[test]
fn each_check_fires_and_only_it() {
    use CheckState::{Block, Note, Warn};
    let check = |id: &str, key: &str, value: Value, phase: Phase, expected: CheckState| {
        let diagnosis = diagnose(&with(key, value, phase), &inputs());
        for outcome in &diagnosis.checks {
            let wanted = if outcome.id == id { expected } else { CheckState::Ok };
            assert_eq!(outcome.state, wanted, "{id}: {outcome:?}");
        }
        let finding = &diagnosis.findings[0];
        assert_eq!(finding.code, id);
        assert!(!finding.evidence.is_empty() && !finding.effect.is_empty() && !finding.remedy.is_empty());
        let grade = match expected {
            Block => Grade::X,
            Warn => Grade::C,
            _ if id == "virtual-machine" => Grade::B,
            _ => Grade::A,
        };
        assert_eq!(diagnosis.grade, grade, "{id}");
    };
    let start = Phase::Start;
    check("on-battery", keys::POWER_SOURCE, "battery".into(), start, Block);
    check("speed-limited", keys::THERMAL_SPEED_LIMIT, 99.into(), start, Block);
    check("battery-low", keys::POWER_BATTERY, 24.into(), start, Warn);
    check("turbo", keys::FREQ_TURBO, true.into(), start, Note);
    check("load", keys::LOAD_ONE, 0.81.into(), start, Warn);
    check("load", keys::LOAD_ONE, 4.1.into(), start, Block);
    check("runnable", keys::LOAD_RUNNABLE, 3.into(), start, Warn);
    check("runnable", keys::LOAD_RUNNABLE, 8.into(), start, Block);
    check("cpu-pressure", keys::LOAD_PRESSURE_CPU, 2.1.into(), start, Warn);
    check("cpu-pressure", keys::LOAD_PRESSURE_CPU, 10.1.into(), start, Block);
    check("steal", keys::LOAD_STEAL, 11.into(), Phase::Delta, Warn);
    check("steal", keys::LOAD_STEAL, 101.into(), Phase::Delta, Block);
    check("throttled", keys::THERMAL_THROTTLES, 1.into(), Phase::Delta, Warn);
    check("swapped", keys::MEMORY_SWAPPED, 1.into(), Phase::Delta, Warn);
    check("quota-stopped", keys::VIRT_QUOTA_STOPS, 1.into(), Phase::Delta, Warn);
    check("cpu-quota", keys::VIRT_CPU_QUOTA, 1.5.into(), start, Block);
    check("cpu-quota", keys::VIRT_CPU_QUOTA, 4.0.into(), start, Note);
    check("few-cores", keys::CPU_CORES_USABLE, 3.into(), start, Warn);
    check("smt", keys::CPU_SMT, true.into(), start, Note);
    check("aslr-off", keys::OS_ASLR, 0.into(), start, Warn);
    check("virtual-machine", keys::VIRT_HYPERVISOR, "kvm".into(), start, Note);
    check("container", keys::VIRT_CONTAINER, "docker".into(), start, Note);
    check("memory-low", keys::MEMORY_AVAILABLE, (1 << 30).into(), start, Warn);
    check("huge-pages", keys::MEMORY_THP, "always".into(), start, Note);
    check("slow-clock", keys::OS_CLOCKSOURCE, "hpet".into(), start, Warn);
    check("just-booted", keys::OS_UPTIME, 119.into(), start, Warn);
    check("disk-full", keys::DISK_FREE, ((2 << 30) - 1).into(), start, Block);
    check("dirty-tree", keys::SOURCE_DIRTY, true.into(), start, Warn);
    check("changed-during-run", keys::POWER_MODE, "performance".into(), Phase::End, Warn);
    for mode in ["low-power", "power-saver", "quiet", "cool"] {
        let mut facts = with(keys::POWER_MODE, mode, start);
        facts.retain(|fact| fact.phase != Phase::End);
        assert_eq!(state(&diagnose(&facts, &inputs()), "low-power-mode"), Block, "{mode}");
    }
}

#[test]
fn frequency_policy_looks_at_the_preference_of_active_drivers() {
    let check = |driver: &str, governor: &str, preference: Option<&str>, expected: CheckState| {
        let mut facts = quiet();
        facts.retain(|fact| !fact.key.starts_with("frequency."));
        facts.push(fact(keys::FREQ_DRIVER, driver, Phase::Start));
        facts.push(fact(keys::FREQ_GOVERNOR, governor, Phase::Start));
        let mut epp = fact(keys::FREQ_EPP, preference.unwrap_or("-"), Phase::Start);
        if preference.is_none() {
            (epp.value, epp.status) = (None, FactStatus::NotApplicable);
        }
        facts.push(epp);
        assert_eq!(state(&diagnose(&facts, &inputs()), "frequency-policy"), expected, "{driver} {governor}");
    };
    check("intel_pstate", "powersave", Some("balance_performance"), CheckState::Ok);
    check("intel_pstate", "powersave", Some("performance"), CheckState::Ok);
    check("intel_pstate", "powersave", Some("balance_power"), CheckState::Warn);
    check("amd-pstate-epp", "powersave", Some("power"), CheckState::Warn);
    check("acpi-cpufreq", "schedutil", None, CheckState::Warn);
    check("acpi-cpufreq", "performance", None, CheckState::Ok);
    check("cpufreq-dt", "performance+powersave", None, CheckState::Warn);
}

#[test]
fn what_is_not_known_is_never_ok() {
    let from_inputs = ["debug-build", "few-launches"];
    for status in [FactStatus::Unknown, FactStatus::Denied, FactStatus::Hidden, FactStatus::Placeholder] {
        let mut facts = quiet();
        facts.retain(|fact| fact.phase != Phase::End);
        for fact in &mut facts {
            fact.status = status;
        }
        let diagnosis = diagnose(&facts, &inputs());
        assert_eq!(diagnosis.grade, Grade::B, "{status:?}");
        for outcome in &diagnosis.checks {
            let expected = match outcome.id.as_str() {
                id if from_inputs.contains(&id) => CheckState::Ok,
                "changed-during-run" => CheckState::NotApplicable,
                _ => CheckState::Unknown,
            };
            assert_eq!(outcome.state, expected, "{status:?} {outcome:?}");
        }
        assert_eq!(diagnosis.findings.len(), 1);
        assert_eq!(diagnosis.findings[0].code, "checks-undecided");
    }
    let nothing = diagnose(&[], &Inputs::default());
    assert_eq!(nothing.grade, Grade::B);
    assert!(
        nothing
            .checks
            .iter()
            .all(|outcome| { matches!(outcome.state, CheckState::Unknown | CheckState::NotApplicable) })
    );
}

#[test]
fn what_happens_during_a_run_is_judged_after_it() {
    let ids = ["steal", "throttled", "swapped", "quota-stopped"];
    let check = |phases: &[Phase], expected: CheckState| {
        let mut facts = quiet();
        facts.retain(|fact| phases.contains(&fact.phase));
        let diagnosis = diagnose(&facts, &inputs());
        for id in ids {
            assert_eq!(state(&diagnosis, id), expected, "{id} {phases:?}");
        }
    };
    check(&[Phase::Start], CheckState::NotApplicable);
    check(&[Phase::Start, Phase::End], CheckState::Unknown);
    check(&[Phase::Start, Phase::End, Phase::Delta], CheckState::Ok);
}

#[test]
fn inputs_are_judged() {
    let check = |change: fn(&mut Inputs), id: &str, expected: CheckState| {
        let mut inputs = inputs();
        change(&mut inputs);
        assert_eq!(state(&diagnose(&quiet(), &inputs), id), expected, "{id} {inputs:?}");
    };
    check(|inputs| inputs.opt_level = Some("0".to_owned()), "debug-build", CheckState::Block);
    check(|inputs| inputs.opt_level = Some("2".to_owned()), "debug-build", CheckState::Note);
    check(|inputs| inputs.opt_level = None, "debug-build", CheckState::Unknown);
    check(|inputs| inputs.debug_assertions = None, "debug-build", CheckState::Unknown);
    check(|inputs| inputs.debug_assertions = Some(true), "debug-build", CheckState::Block);
    check(|inputs| inputs.launches = Some(4), "few-launches", CheckState::Warn);
    check(|inputs| inputs.launches = None, "few-launches", CheckState::NotApplicable);
    check(|inputs| inputs.threads = Some(9), "few-cores", CheckState::Warn);
    check(|inputs| inputs.threads = None, "few-cores", CheckState::NotApplicable);
}

#[test]
fn the_worst_comes_first_and_ids_are_unique() {
    let mut facts = with(keys::POWER_SOURCE, "battery", Phase::Start);
    facts.retain(|fact| !matches!(fact.key.as_str(), keys::FREQ_TURBO | keys::SOURCE_DIRTY | keys::OS_ASLR));
    facts.push(fact(keys::FREQ_TURBO, true, Phase::Start));
    facts.push(fact(keys::SOURCE_DIRTY, true, Phase::Start));
    let diagnosis = diagnose(&facts, &inputs());
    let codes: Vec<&str> = diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["on-battery", "dirty-tree", "turbo", "checks-undecided"]);
    let ids: std::collections::BTreeSet<&str> =
        diagnosis.checks.iter().map(|outcome| outcome.id.as_str()).collect();
    assert_eq!(ids.len(), diagnosis.checks.len());
    assert!(ids.len() >= 18);
}
