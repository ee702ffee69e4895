//! Tests of the checks: each fires, stays silent, and admits that it does not know.

use std::collections::BTreeSet;

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

fn list(items: &[&str]) -> Value {
    Value(FactValue::List(items.iter().map(|item| (*item).to_owned()).collect()))
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
        start(keys::FREQ_GOVERNOR, "powersave".into()),
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
        start(keys::LOAD_BUSY_NOW, 0.02.into()),
        start(keys::LOAD_PRESSURE_NOW, 0.0.into()),
        start(keys::LOAD_PRESSURE_IO, 0.0.into()),
        start(keys::LOAD_PRESSURE_MEMORY, 0.0.into()),
        start(keys::LOAD_PROGRAMS, list(&[])),
        start(keys::THERMAL_TEMPERATURE, 41.5.into()),
        start(keys::FREQ_LIMIT, 4_700_000_000_i64.into()),
        start(keys::FREQ_MAXIMUM, 4_700_000_000_i64.into()),
        start(keys::CPU_KINDS, "uniform".into()),
        start(keys::CPU_NUMA, 1.into()),
        start(keys::CPU_CORES_ONLINE, 8.into()),
        start(keys::CPU_TSC, true.into()),
        start(keys::PROCESS_AFFINITY, "0-7".into()),
        start(keys::PROCESS_NICE, 0.into()),
        start(keys::PROCESS_POLICY, "other".into()),
        start(keys::PROCESS_TRACED, false.into()),
        start(keys::PROCESS_SPECULATION, "thread vulnerable".into()),
        start(keys::PROCESS_ENVIRONMENT, list(&[])),
        start(keys::VIRT_TRANSLATION, "none".into()),
        start(keys::MEMORY_LIMIT, "none".into()),
        start(keys::OS_OPTIONS, list(&[])),
        start(keys::OS_WATCHDOG, false.into()),
        start(keys::OS_NUMA_BALANCING, false.into()),
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

/// How a fixture differs from the quiet desktop.
enum Change {
    /// One fact has another value.
    Fact(&'static str, Value, Phase),
    /// The caller states something else.
    Inputs(fn(&mut Inputs)),
}

/// One row: the check, what makes it fire, and how it then stands.
fn firing() -> Vec<(&'static str, Change, CheckState)> {
    use CheckState::{Block, Note, Warn};
    use Phase::{Delta, End, Start};
    let fact = |id, key, value: Value, phase, state| (id, Change::Fact(key, value, phase), state);
    vec![
        fact("on-battery", keys::POWER_SOURCE, "battery".into(), Start, Block),
        fact("low-power-mode", keys::POWER_MODE, "low-power".into(), Start, Block),
        fact("speed-limited", keys::THERMAL_SPEED_LIMIT, 99.into(), Start, Block),
        fact("battery-low", keys::POWER_BATTERY, 24.into(), Start, Warn),
        fact("frequency-policy", keys::FREQ_EPP, "power".into(), Start, Warn),
        fact("turbo", keys::FREQ_TURBO, true.into(), Start, Note),
        fact("load", keys::LOAD_ONE, 0.81.into(), Start, Warn),
        fact("runnable", keys::LOAD_RUNNABLE, 3.into(), Start, Warn),
        fact("cpu-pressure", keys::LOAD_PRESSURE_CPU, 2.1.into(), Start, Warn),
        fact("steal", keys::LOAD_STEAL, 11.into(), Delta, Warn),
        fact("steal", keys::LOAD_STEAL, 101.into(), Delta, Block),
        fact("throttled", keys::THERMAL_THROTTLES, 1.into(), Delta, Warn),
        fact("swapped", keys::MEMORY_SWAPPED, 1.into(), Delta, Warn),
        fact("quota-stopped", keys::VIRT_QUOTA_STOPS, 1.into(), Delta, Warn),
        fact("cpu-quota", keys::VIRT_CPU_QUOTA, 1.5.into(), Start, Block),
        fact("cpu-quota", keys::VIRT_CPU_QUOTA, 4.0.into(), Start, Note),
        fact("few-cores", keys::CPU_CORES_USABLE, 3.into(), Start, Warn),
        fact("smt", keys::CPU_SMT, true.into(), Start, Note),
        fact("aslr-off", keys::OS_ASLR, 0.into(), Start, Warn),
        fact("virtual-machine", keys::VIRT_HYPERVISOR, "kvm".into(), Start, Note),
        fact("container", keys::VIRT_CONTAINER, "docker".into(), Start, Note),
        fact("memory-low", keys::MEMORY_AVAILABLE, (1 << 30).into(), Start, Warn),
        fact("huge-pages", keys::MEMORY_THP, "always".into(), Start, Note),
        fact("slow-clock", keys::OS_CLOCKSOURCE, "hpet".into(), Start, Warn),
        fact("just-booted", keys::OS_UPTIME, 119.into(), Start, Warn),
        fact("disk-full", keys::DISK_FREE, ((2 << 30) - 1).into(), Start, Block),
        fact("dirty-tree", keys::SOURCE_DIRTY, true.into(), Start, Warn),
        fact("changed-during-run", keys::POWER_MODE, "performance".into(), End, Warn),
        fact("busy-now", keys::LOAD_BUSY_NOW, 0.16.into(), Start, Warn),
        fact("busy-now", keys::LOAD_BUSY_NOW, 3.6.into(), Start, Block),
        fact("io-pressure", keys::LOAD_PRESSURE_IO, 5.1.into(), Start, Warn),
        fact("memory-pressure", keys::LOAD_PRESSURE_MEMORY, 1.1.into(), Start, Warn),
        fact("memory-pressure", keys::LOAD_PRESSURE_MEMORY, 10.1.into(), Start, Block),
        fact("other-programs", keys::LOAD_PROGRAMS, list(&["compiler 2"]), Start, Warn),
        fact("other-programs", keys::LOAD_PROGRAMS, list(&["benchmark 1"]), Start, Block),
        fact("hot", keys::THERMAL_TEMPERATURE, 80.5.into(), Start, Warn),
        fact("hot", keys::THERMAL_TEMPERATURE, 96.0.into(), Start, Block),
        fact("frequency-capped", keys::FREQ_LIMIT, 2_000_000_000_i64.into(), Start, Warn),
        fact("hybrid-cores", keys::CPU_KINDS, "4 performance, 4 efficiency".into(), Start, Warn),
        fact("memory-nodes", keys::CPU_NUMA, 2.into(), Start, Note),
        fact("pinned", keys::PROCESS_AFFINITY, "0,4-5".into(), Start, Note),
        fact("low-priority", keys::PROCESS_NICE, 10.into(), Start, Warn),
        fact("low-priority", keys::PROCESS_POLICY, "idle".into(), Start, Warn),
        fact("traced", keys::PROCESS_TRACED, true.into(), Start, Block),
        fact("translated", keys::VIRT_TRANSLATION, "rosetta".into(), Start, Block),
        fact("slowed-process", keys::PROCESS_SPECULATION, "thread force mitigated".into(), Start, Warn),
        fact("slowed-process", keys::PROCESS_SPECULATION, "globally mitigated".into(), Start, Note),
        fact("steered", keys::PROCESS_ENVIRONMENT, list(&["LD_PRELOAD is set"]), Start, Warn),
        fact("steered", keys::PROCESS_ENVIRONMENT, list(&["RAYON_NUM_THREADS=2"]), Start, Note),
        fact("memory-limited", keys::MEMORY_LIMIT, (1 << 29).into(), Start, Warn),
        fact("memory-limited", keys::MEMORY_LIMIT, (4_i64 << 30).into(), Start, Note),
        fact("boot-options", keys::OS_OPTIONS, list(&["mitigations=off"]), Start, Note),
        fact("kernel-noise", keys::OS_NUMA_BALANCING, true.into(), Start, Note),
        fact("counter-varies", keys::CPU_TSC, false.into(), Start, Warn),
        ("few-launches", Change::Inputs(|inputs| inputs.launches = Some(4)), Warn),
        ("debug-build", Change::Inputs(|inputs| inputs.debug_assertions = Some(true)), Block),
    ]
}

/// A check counts only with a fixture in which it fires, one in which it is silent, and one in which it does not know.
#[test]
fn every_check_has_its_three_fixtures() {
    let ids = |of: &Diagnosis, wanted: &[CheckState]| -> BTreeSet<String> {
        let checks = of.checks.iter().filter(|outcome| wanted.contains(&outcome.state));
        checks.map(|outcome| outcome.id.clone()).collect()
    };
    let all: BTreeSet<String> =
        diagnose(&[], &Inputs::default()).checks.into_iter().map(|outcome| outcome.id).collect();
    let fires: BTreeSet<String> = firing().into_iter().map(|(id, _, _)| id.to_owned()).collect();
    let silent = ids(&diagnose(&quiet(), &inputs()), &[CheckState::Ok]);
    let undecided =
        ids(&diagnose(&[], &Inputs::default()), &[CheckState::Unknown, CheckState::NotApplicable]);
    for (what, has) in [("fires", fires), ("is silent", silent), ("does not know", undecided)] {
        let lacking: Vec<&String> = all.difference(&has).collect();
        assert!(lacking.is_empty(), "no fixture in which it {what}: {lacking:?}");
    }
}

/// Facts of the quiet desktop after `change`; a changed start setting is the same at the end.
fn changed(change: &Change) -> (Vec<Fact>, Inputs) {
    let (mut facts, mut inputs) = (quiet(), inputs());
    match change {
        Change::Fact(key, value, phase) => {
            facts.retain(|fact| (fact.key.as_str(), fact.phase) != (*key, *phase));
            if *phase == Phase::Start {
                facts.retain(|fact| (fact.key.as_str(), fact.phase) != (*key, Phase::End));
            }
            facts.push(Fact { value: Some(value.0.clone()), ..fact(key, 0, *phase) });
        }
        Change::Inputs(apply) => apply(&mut inputs),
    }
    // One setting is always seen twice, so that the comparison of start and end has something to compare.
    facts.push(fact(keys::TOOLCHAIN_RUSTC, "rustc 1.95.0", Phase::Start));
    facts.push(fact(keys::TOOLCHAIN_RUSTC, "rustc 1.95.0", Phase::End));
    (facts, inputs)
}

#[test]
fn each_check_fires_and_only_it() {
    let mut fired = BTreeSet::new();
    for (id, change, expected) in firing() {
        let (facts, inputs) = changed(&change);
        // A load or queue that the window does not confirm is another test's business.
        let diagnosis = diagnose(&confirmed(facts, id), &inputs);
        for outcome in
            diagnosis.checks.iter().filter(|outcome| !(id == "runnable" && outcome.id == "busy-now"))
        {
            let wanted = if outcome.id == id { expected } else { CheckState::Ok };
            assert_eq!(outcome.state, wanted, "{id}: {outcome:?}");
        }
        let finding = diagnosis.findings.iter().find(|finding| finding.code == id).unwrap();
        assert!(!finding.evidence.is_empty() && !finding.effect.is_empty() && !finding.remedy.is_empty());
        let grade = match expected {
            CheckState::Block => Grade::X,
            CheckState::Warn => Grade::C,
            _ if id == "virtual-machine" => Grade::B,
            _ => Grade::A,
        };
        assert_eq!(diagnosis.grade, grade, "{id}");
        fired.insert(id.to_owned());
    }
    let all: BTreeSet<String> =
        diagnose(&[], &Inputs::default()).checks.into_iter().map(|outcome| outcome.id).collect();
    assert_eq!(fired, all, "every check has a fixture in which it fires");
}

/// A queue of tasks counts only where the window afterwards is busy too.
fn confirmed(mut facts: Vec<Fact>, id: &str) -> Vec<Fact> {
    if id == "runnable" {
        facts.retain(|fact| fact.key != keys::LOAD_BUSY_NOW);
        facts.push(fact(keys::LOAD_BUSY_NOW, 1.0, Phase::Start));
    }
    facts
}

#[test]
fn each_check_is_undecided_without_its_fact() {
    for (id, change, _) in firing() {
        let (mut facts, mut inputs) = (quiet(), inputs());
        match change {
            Change::Fact(key, ..) => {
                for fact in facts.iter_mut().filter(|fact| fact.key == key) {
                    (fact.status, fact.value) = (FactStatus::Unknown, None);
                }
            }
            Change::Inputs(_) => inputs = Inputs { threads: inputs.threads, ..Inputs::default() },
        }
        let is = state(&diagnose(&facts, &inputs), id);
        assert!(matches!(is, CheckState::Unknown | CheckState::NotApplicable), "{id} is {is:?}");
    }
}

#[test]
fn averages_that_remember_a_build_are_judged_by_the_window() {
    use CheckState::{Block, Ok as Fine, Warn};
    let check = |id: &str, key: &str, value: f64, window: Option<(f64, f64)>, expected: CheckState| {
        let mut facts = with(key, value, Phase::Start);
        facts.retain(|fact| !matches!(fact.key.as_str(), keys::LOAD_BUSY_NOW | keys::LOAD_PRESSURE_NOW));
        if let Some((busy, pressure)) = window {
            facts.push(fact(keys::LOAD_BUSY_NOW, busy, Phase::Start));
            facts.push(fact(keys::LOAD_PRESSURE_NOW, pressure, Phase::Start));
        }
        assert_eq!(state(&diagnose(&facts, &inputs()), id), expected, "{id} {value} {window:?}");
    };
    // Without a window the averages decide, as they must.
    check("load", keys::LOAD_ONE, 4.1, None, Block);
    check("load", keys::LOAD_ONE, 4.1, Some((0.0, 0.0)), Warn);
    check("load", keys::LOAD_ONE, 4.1, Some((3.6, 0.0)), Block);
    check("load", keys::LOAD_ONE, 0.1, Some((3.6, 0.0)), Fine);
    check("runnable", keys::LOAD_RUNNABLE, 8.0, None, Block);
    check("runnable", keys::LOAD_RUNNABLE, 8.0, Some((0.1, 0.0)), Fine);
    check("runnable", keys::LOAD_RUNNABLE, 8.0, Some((1.0, 0.0)), Warn);
    check("runnable", keys::LOAD_RUNNABLE, 8.0, Some((3.6, 0.0)), Block);
    check("cpu-pressure", keys::LOAD_PRESSURE_CPU, 10.1, None, Block);
    check("cpu-pressure", keys::LOAD_PRESSURE_CPU, 10.1, Some((0.0, 0.3)), Warn);
    check("cpu-pressure", keys::LOAD_PRESSURE_CPU, 10.1, Some((0.0, 30.0)), Block);
}

#[test]
fn only_what_may_pass_is_waited_for() {
    let mut facts = with(keys::LOAD_BUSY_NOW, 4.0, Phase::Start);
    facts.retain(|fact| fact.key != keys::SOURCE_DIRTY);
    facts.push(fact(keys::SOURCE_DIRTY, true, Phase::Start));
    let diagnosis = diagnose(&facts, &inputs());
    assert_eq!(diagnosis.passing(), ["busy-now"]);
    let grade = diagnosis.grade_fact(Phase::End);
    assert_eq!((grade.known_text().as_deref(), grade.phase), (Some("X"), Phase::End));
    assert_eq!(diagnose(&quiet(), &inputs()).passing(), [""; 0]);
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
    let ids: BTreeSet<&str> = diagnosis.checks.iter().map(|outcome| outcome.id.as_str()).collect();
    assert_eq!(ids.len(), diagnosis.checks.len());
    assert!(ids.len() >= 30);
}
