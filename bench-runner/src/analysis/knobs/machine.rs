//! Knobs of operating system and hardware: tried on the bench process alone where that needs no privileges, else explained.
//!
//! The machine itself is never changed.

use super::build::{setting, untried};
use super::{Fired, KnobInput, Needs, Rule, Setting, Trial};
use crate::model::fact::{FactValue, Phase, find, keys};
use crate::model::knob::{KnobGroup, KnobState};

/// What most entries share.
const BASE: Rule = Rule {
    id: "",
    group: KnobGroup::Machine,
    question: "",
    needs: Needs::Trial,
    state: KnobState::Candidate,
    cost: "one variable or command of whoever starts the process",
    risk: "it holds for this process alone",
    security: "",
    trial: None,
    typical: None,
    evidence: |_| Vec::new(),
};
/// An entry that explains, from facts.
const EXPLAINED: Rule =
    Rule { needs: Needs::Samples, cost: "settings of the machine, which only its owner changes", ..BASE };
/// An entry about the allocator.
const ALLOCATOR: Rule = Rule {
    typical: Some((-0.05, 0.02)),
    risk: "more memory; helps only code that allocates while it is measured",
    evidence: |input| setting(input, keys::OS_NAME, |_| cfg!(target_os = "linux")),
    ..BASE
};

const fn variables(variables: &'static [(&'static str, &'static str)]) -> Setting {
    Setting { environment: variables, ..Setting::AS_IS }
}

const fn processors(numbers: &'static [u32]) -> Setting {
    Setting { affinity: numbers, ..Setting::AS_IS }
}

pub(super) static RULES: [Rule; 16] = [
    Rule {
        id: "machine.pin-first",
        question: "Is the process better off when it may use the first processor alone?",
        cost: "threads of the process share one processor",
        trial: Some(Trial::to(
            processors(&[0]),
            "Pin single-threaded work to one processor",
            "taskset --cpu-list 0 PROGRAM",
        )),
        typical: Some((-0.02, 0.01)),
        evidence: free_to_move,
        ..BASE
    },
    Rule {
        id: "machine.pin-second",
        question: "Is the second processor, which serves fewer interrupts, a better place than any?",
        cost: "threads of the process share one processor",
        trial: Some(Trial::to(
            processors(&[1]),
            "Pin single-threaded work to the second processor",
            "taskset --cpu-list 1 PROGRAM",
        )),
        typical: Some((-0.02, 0.01)),
        evidence: free_to_move,
        ..BASE
    },
    Rule {
        id: "machine.allocator-jemalloc",
        question: "Would the allocator jemalloc, where it is installed, be faster?",
        trial: Some(Trial {
            library: "libjemalloc.so.2",
            ..Trial::to(
                variables(&[("LD_PRELOAD", "libjemalloc.so.2")]),
                "Use jemalloc",
                "LD_PRELOAD=libjemalloc.so.2 PROGRAM",
            )
        }),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.allocator-mimalloc",
        question: "Would the allocator mimalloc, where it is installed, be faster?",
        trial: Some(Trial {
            library: "libmimalloc.so.2",
            ..Trial::to(
                variables(&[("LD_PRELOAD", "libmimalloc.so.2")]),
                "Use mimalloc",
                "LD_PRELOAD=libmimalloc.so.2 PROGRAM",
            )
        }),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.malloc-arenas",
        question: "Does one arena of the C allocator serve as well as one per thread?",
        trial: Some(Trial::to(
            variables(&[("MALLOC_ARENA_MAX", "1")]),
            "Let the C allocator keep one arena",
            "MALLOC_ARENA_MAX=1 PROGRAM",
        )),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.malloc-huge-pages",
        question: "Do huge pages help the heap?",
        trial: Some(Trial::to(
            variables(&[("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")]),
            "Let the C allocator ask for huge pages",
            "GLIBC_TUNABLES=glibc.malloc.hugetlb=1 PROGRAM",
        )),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.malloc-keep",
        question: "Does the heap go back to the system too eagerly?",
        trial: Some(Trial::to(
            variables(&[("MALLOC_TRIM_THRESHOLD_", "268435456"), ("MALLOC_MMAP_THRESHOLD_", "268435456")]),
            "Let the C allocator keep what it got",
            "MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=268435456 PROGRAM",
        )),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.malloc-cache",
        question: "What is the thread cache of the C allocator worth?",
        state: KnobState::Information,
        trial: Some(Trial::to(
            variables(&[("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0")]),
            "The thread cache of the allocator is not needed here",
            "",
        )),
        typical: Some((0.0, 0.05)),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.thread-stack",
        question: "Does the size of the stacks of new threads matter to what starts threads?",
        trial: Some(Trial::to(
            variables(&[("RUST_MIN_STACK", "262144")]),
            "Give threads smaller stacks",
            "RUST_MIN_STACK=262144 PROGRAM",
        )),
        typical: Some((-0.02, 0.01)),
        evidence: |input| match input.parallel.first() {
            Some(parallel) => untried("threads", &parallel.benchmark.to_string()),
            None => Vec::new(),
        },
        ..BASE
    },
    Rule {
        id: "machine.neighbour",
        question: "Does a neighbour on the same core take throughput away?",
        evidence: |input| {
            let share = input.fact(keys::CANARY_CONTENTION).and_then(|text| text.parse::<f64>().ok());
            share.filter(|share| *share < 0.9).map_or_else(Vec::new, |share| {
                explained(
                    "Measure when the sibling of the core is idle, or on a machine without neighbours",
                    keys::CANARY_CONTENTION,
                    &format!("{share:.2}, where 1 is undisturbed"),
                )
            })
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.heat",
        question: "Was the processor throttled for heat while it was measured?",
        evidence: |input| {
            let found = find(&input.run.facts, keys::THERMAL_THROTTLES, Phase::Delta)
                .and_then(|fact| fact.value.as_ref());
            match found {
                Some(FactValue::Integer(events)) if *events > 0 => explained(
                    "Cool the machine, or pause between benchmarks",
                    keys::THERMAL_THROTTLES,
                    &format!("{events} events during the run"),
                ),
                _ => Vec::new(),
            }
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.memory-nodes",
        question: "Does the machine have more than one memory node?",
        typical: Some((-0.2, 0.0)),
        evidence: |input| {
            fires(
                input,
                keys::CPU_NUMA,
                |nodes| nodes.parse::<u32>().is_ok_and(|nodes| nodes > 1),
                "Bind the process to one memory node: numactl --cpunodebind=0 --membind=0 PROGRAM",
            )
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.core-kinds",
        question: "Are there slow and fast cores?",
        typical: Some((-0.5, 0.0)),
        evidence: |input| {
            fires(
                input,
                keys::CPU_KINDS,
                |kinds| kinds.contains("efficiency"),
                "Keep the process on fast cores: taskset with the numbers of the performance cores",
            )
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.watchdog",
        question: "Does the hard-lockup watchdog interrupt every core?",
        state: KnobState::Information,
        typical: Some((-0.005, 0.0)),
        evidence: |input| {
            fires(
                input,
                keys::OS_WATCHDOG,
                |on| on == "yes" || on == "on" || on == "1",
                "The watchdog takes a performance counter and some interrupts: sysctl kernel.nmi_watchdog=0 gives them back",
            )
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.translation",
        question: "Are the instructions translated from another processor's?",
        typical: Some((-0.5, -0.1)),
        evidence: |input| {
            fires(
                input,
                keys::VIRT_TRANSLATION,
                |by| by != "none",
                "Build for the processor that the machine really has",
            )
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.programs",
        question: "Do programs run beside the benches that are known to disturb?",
        evidence: |input| {
            fires(
                input,
                keys::LOAD_PROGRAMS,
                |programs| !programs.is_empty() && programs != "none",
                "Stop what else is running before measuring",
            )
        },
        ..EXPLAINED
    },
];

fn fires(input: &KnobInput<'_>, key: &str, when: fn(&str) -> bool, action: &str) -> Vec<Fired> {
    input.fact(key).filter(|text| when(text)).map_or_else(Vec::new, |text| explained(action, key, &text))
}

fn explained(action: &str, key: &str, value: &str) -> Vec<Fired> {
    vec![Fired::new(action.to_owned(), format!("{key} is {value}"), vec![(key.to_owned(), value.to_owned())])]
}

/// More than one processor to be moved between.
fn free_to_move(input: &KnobInput<'_>) -> Vec<Fired> {
    setting(input, keys::CPU_CORES_USABLE, |cores| cores.parse::<f64>().is_ok_and(|cores| cores >= 2.0))
}
