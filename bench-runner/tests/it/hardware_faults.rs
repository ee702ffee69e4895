//! Faults that cannot be made for real without privileges, put into host trees: the doctor must name each.
//!
//! `scripts/doctor-faults.sh` runs this beside the faults that it makes for real, and counts the lines printed here.

use bench_runner::analysis::doctor::{CheckState, Grade, Inputs, diagnose};
use bench_runner::hardware::deltas;
use bench_runner::model::fact::{Fact, Phase};

use super::hardware_support::{facts_of, unchanged};

/// A fault: what to replace in which tree, and the check that must warn or block.
struct Fault {
    name: &'static str,
    tree: &'static str,
    from: &'static str,
    to: &'static str,
    check: &'static str,
    /// Whether it happens during the run: the change is read at its end.
    during: bool,
}

const fn fault(
    name: &'static str,
    tree: &'static str,
    (from, to): (&'static str, &'static str),
    check: &'static str,
) -> Fault {
    Fault { name, tree, from, to, check, during: false }
}

const fn during(
    name: &'static str,
    tree: &'static str,
    (from, to): (&'static str, &'static str),
    check: &'static str,
) -> Fault {
    Fault { name, tree, from, to, check, during: true }
}

const FAULTS: &[Fault] = &[
    fault(
        "battery",
        "intel-laptop-mains",
        (
            "AC/online\n1\n=== sys/class/power_supply/BAT0/type\nBattery\n=== sys/class/power_supply/BAT0/status\nCharging",
            "AC/online\n0\n=== sys/class/power_supply/BAT0/type\nBattery\n=== sys/class/power_supply/BAT0/status\nDischarging",
        ),
        "on-battery",
    ),
    fault(
        "low power mode",
        "hybrid-laptop",
        ("platform_profile\nperformance", "platform_profile\nlow-power"),
        "low-power-mode",
    ),
    fault(
        "slow preference",
        "intel-laptop-mains",
        ("preference\nbalance_performance", "preference\npower"),
        "frequency-policy",
    ),
    fault(
        "low clock",
        "amd-desktop",
        ("scaling_max_freq\n3800000", "scaling_max_freq\n1500000"),
        "frequency-capped",
    ),
    fault(
        "speed limit",
        "macos-intel-normal",
        ("CPU_Speed_Limit \t= 100", "CPU_Speed_Limit \t= 55"),
        "speed-limited",
    ),
    fault("heat", "two-socket-server", ("temp1_input\n41000", "temp1_input\n91000"), "hot"),
    fault(
        "memory pressure",
        "two-socket-server",
        ("pressure/memory\nsome avg10=0.00", "pressure/memory\nsome avg10=33.00"),
        "memory-pressure",
    ),
    fault(
        "memory limit",
        "two-socket-server",
        ("cgroup.controllers\n", "user.slice/memory.max\n268435456\n=== sys/fs/cgroup/cgroup.controllers\n"),
        "memory-limited",
    ),
    during(
        "throttling",
        "intel-laptop-mains",
        ("package_throttle_count\n5", "package_throttle_count\n9"),
        "throttled",
    ),
    during("swap", "intel-laptop-mains", ("pswpout 20", "pswpout 4020"), "swapped"),
    during("quota", "cloud-guest", ("nr_throttled 7", "nr_throttled 70"), "quota-stopped"),
    during(
        "stolen time",
        "cloud-guest",
        ("cpu  1000 0 500 90000 100 0 10 40", "cpu  1400 0 700 90400 100 0 10 940"),
        "steal",
    ),
    during(
        "governor changed",
        "amd-desktop",
        ("scaling_governor\nperformance", "scaling_governor\nschedutil"),
        "changed-during-run",
    ),
];

/// The facts of a run in which the fault is there from the start, or comes up during it.
fn run_with(fault: &Fault) -> Vec<Fact> {
    let change = |text: String| {
        let changed = text.replace(fault.from, fault.to);
        assert_ne!(changed, text, "{}: {} has no {:?}", fault.name, fault.tree, fault.from);
        changed
    };
    if !fault.during {
        return facts_of(fault.tree, change);
    }
    let mut facts = facts_of(fault.tree, unchanged);
    let end: Vec<Fact> =
        facts_of(fault.tree, change).into_iter().map(|fact| Fact { phase: Phase::End, ..fact }).collect();
    facts.extend(deltas(&facts, &end));
    facts.extend(end);
    facts
}

#[test]
fn every_fault_in_a_fixture_is_named_and_nothing_blocks_without_it() {
    let mut caught = 0;
    for fault in FAULTS {
        let state = |facts: &[Fact]| {
            let diagnosis = diagnose(facts, &Inputs::default());
            let outcome = diagnosis.checks.into_iter().find(|outcome| outcome.id == fault.check);
            (outcome.unwrap().state, diagnosis.grade)
        };
        let (found, grade) = state(&run_with(fault));
        let is_caught = matches!(found, CheckState::Warn | CheckState::Block) && grade >= Grade::C;
        let (without, _) = state(&facts_of(fault.tree, unchanged));
        assert!(
            !matches!(without, CheckState::Warn | CheckState::Block),
            "{} fires without its fault",
            fault.check
        );
        let word = if is_caught { "caught" } else { "missed" };
        println!("fault,fixture,{},{word},{}: {found:?}", fault.name, fault.check);
        caught += usize::from(is_caught);
    }
    println!("caught {caught} of {} faults in fixtures", FAULTS.len());
    assert_eq!(caught, FAULTS.len());
}
