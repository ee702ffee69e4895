//! Tests of what all readers share.

use super::*;

#[test]
fn brands_without_a_model_are_recognised() {
    let check = |brand: &str, expected: bool| assert_eq!(is_modelless(brand), expected, "{brand}");
    check("AMD EPYC", true);
    check("AMD EPYC Processor", true);
    check("AMD EPYC-Milan Processor", true);
    check("Intel(R) Xeon(R) Processor @ 2.90GHz", true);
    check("Intel Xeon Processor (Skylake, IBRS)", true);
    check("Common KVM processor", true);
    check("QEMU Virtual CPU version 2.5+", true);
    check("AMD EPYC 7763 64-Core Processor", false);
    check("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", false);
    check("Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz", false);
    check("AMD Ryzen 7 5800X 8-Core Processor", false);
    check("Apple M1", false);
}

fn counter(value: Option<i64>, status: FactStatus, phase: Phase) -> Fact {
    Fact {
        key: keys::LOAD_STEAL.to_owned(),
        value: value.map(FactValue::Integer),
        unit: "ticks".to_owned(),
        status,
        source: "test".to_owned(),
        phase,
    }
}

#[test]
fn differences_of_counters_are_honest() {
    use FactStatus::{Derived, Hidden, NotApplicable, Ok as Known, Unknown};
    let check = |before: Fact, after: Fact, status: FactStatus, value: Option<i64>| {
        let deltas = deltas(&[before], &[after]);
        assert_eq!(deltas.len(), COUNTERS.len());
        let steal = fact::find(&deltas, keys::LOAD_STEAL, Phase::Delta).unwrap();
        assert_eq!((steal.status, steal.value.clone()), (status, value.map(FactValue::Integer)));
    };
    let at = |value, status, phase| counter(value, status, phase);
    check(at(Some(5), Known, Phase::Start), at(Some(9), Known, Phase::End), Derived, Some(4));
    check(at(Some(5), Known, Phase::Start), at(Some(5), Known, Phase::End), Derived, Some(0));
    check(at(Some(9), Known, Phase::Start), at(Some(5), Known, Phase::End), Unknown, None);
    check(at(Some(9), Known, Phase::Start), at(None, Unknown, Phase::End), Unknown, None);
    check(at(None, Hidden, Phase::Start), at(None, Hidden, Phase::End), Hidden, None);
    check(at(None, NotApplicable, Phase::Start), at(None, NotApplicable, Phase::End), NotApplicable, None);
    check(at(Some(5), Known, Phase::End), at(Some(9), Known, Phase::End), Unknown, None);
}

#[test]
fn the_running_machine_is_captured() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = Snapshot::take(folder.path());
    assert!(snapshot.usable.is_some_and(|cores| cores > 0));
    assert!(snapshot.memory_total.is_some_and(|bytes| bytes > 1 << 20));
    let world = World {
        root: &Root::new(Path::new("/")),
        os: OsKind::current(),
        runner: &crate::process::SystemRunner,
        folder: folder.path(),
        rustc: "rustc",
        cargo: "cargo",
        snapshot: &snapshot,
    };
    let facts = capture(&world, Phase::Start);
    let found: Vec<&str> = facts.iter().map(|fact| fact.key.as_str()).collect();
    assert_eq!(found, MACHINE_KEYS);
    assert!(fact::known(&facts, keys::MEMORY_TOTAL).is_some());
    assert!(fact::known(&facts, keys::CPU_CORES_USABLE).is_some());
    for fact in &facts {
        let has_value = fact.status.is_known() || fact.status == FactStatus::Placeholder;
        assert_eq!(fact.value.is_some(), has_value, "{fact:?}");
    }
}
