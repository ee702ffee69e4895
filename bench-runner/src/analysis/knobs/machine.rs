//! Knobs of operating system and hardware: tried on the bench process alone where that needs no privileges, else explained.
//!
//! The machine itself is never changed.

use super::build::{setting, untried};
use super::{Fired, KnobInput, Needs, Rule, Setting, Trial};
use crate::model::fact::{FactValue, Phase, find, keys};
use crate::model::knob::{KnobGroup, KnobState};

/// What most entries share. What turning a knob costs and risks is never shared: each says its own.
const BASE: Rule = Rule {
    id: "",
    group: KnobGroup::Machine,
    question: "",
    needs: Needs::Trial,
    state: KnobState::Candidate,
    cost: "",
    risk: "",
    security: "",
    see: "",
    set: "",
    trial: None,
    typical: None,
    evidence: |_| Vec::new(),
};
/// An entry that explains, from facts.
const EXPLAINED: Rule = Rule { needs: Needs::Samples, ..BASE };
/// An entry about the allocator.
const ALLOCATOR: Rule = Rule {
    typical: Some((-0.05, 0.02)),
    // The GNU C library is what these settings are for; the compiler's own name for the machine tells.
    evidence: |input| setting(input, keys::TOOLCHAIN_HOST, |host| host.contains("-linux-gnu")),
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
        cost: "all threads of the process share one processor: for single-threaded work alone",
        risk: "processor 0 often serves most interrupts, and work of others on it can no longer be dodged by moving",
        security: "none: anybody may pin a process of their own",
        see: "taskset --cpu-list --pid PID",
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
        cost: "one processor for all threads, and a number that names another core on another machine",
        risk: "where processor 1 is the second thread of core 0, a busy processor 0 takes up to half of it",
        security: "none: anybody may pin a process of their own",
        see: "lscpu --extended=CPU,CORE,NODE\ncat /proc/interrupts",
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
        cost: "one more library to ship and to update, and memory that is given back seconds later",
        risk: "only code that allocates while it is measured gains; a static executable ignores it without a word",
        security: "the library runs inside of the process: take it from the distribution and follow its updates",
        see: "ldconfig -p | grep jemalloc",
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
        cost: "one more library to ship and to update, and pages that each thread keeps for itself",
        risk: "what one thread allocates and another frees comes back late, so that a pipeline of threads may lose",
        security: "its hardened build is slower than the plain one: measure the one that would be shipped",
        see: "ldconfig -p | grep mimalloc",
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
        cost: "threads that allocate at the same moment wait for one lock",
        risk: "memory is saved with few threads and time is lost with many: measure with as many as are used",
        security: "none: the same allocator with the same checks",
        see: "grep VmRSS /proc/PID/status",
        trial: Some(
            Trial::to(
                variables(&[("MALLOC_ARENA_MAX", "1")]),
                "Let the C allocator keep one arena",
                "MALLOC_ARENA_MAX=1 PROGRAM",
            )
            .or_unmoved("Let the C allocator keep one arena where memory is short: it costs no time here"),
        ),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.malloc-huge-pages",
        question: "Do huge pages help the heap?",
        cost: "memory in steps of 2 MiB: a heap full of holes takes more of it",
        risk: "the kernel may stop a process to make room for a page; work that fits into 2 MiB gains nothing",
        security: "none: pages are cleared before they are handed out, as always",
        see: "cat /sys/kernel/mm/transparent_hugepage/enabled\ngrep AnonHugePages /proc/PID/smaps_rollup",
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
        cost: "up to 256 MiB that the process does not need any more stay with it",
        risk: "a service that peaks once keeps its peak, and what runs beside it may have to swap",
        security: "what was freed stays mapped for longer: keys must be erased before they are freed",
        see: "grep VmRSS /proc/PID/status",
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
        cost: "time: without the cache each small allocation goes the long way",
        risk: "it tells what allocations cost, and is no setting to ship",
        security: "none: it is turned for the measured process and no longer than that",
        trial: Some(
            Trial::to(
                variables(&[("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0")]),
                "Do without the thread cache of the allocator",
                "",
            )
            .or_unmoved("The thread cache of the allocator is not needed here"),
        ),
        typical: Some((0.0, 0.05)),
        ..ALLOCATOR
    },
    Rule {
        id: "machine.thread-stack",
        question: "Does the size of the stacks of new threads matter to what starts threads?",
        cost: "256 KiB for each thread that Rust starts instead of 2 MiB: less room for recursion and large arrays",
        risk: "a thread that needs more ends the process, perhaps only with an input that no test has",
        security: "the guard page makes a stack that is too small a crash; whoever chooses the input may cause it",
        see: "echo ${RUST_MIN_STACK:-2097152}",
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
        cost: "half of the threads of the machine stay idle while it measures, or a machine without neighbours is paid for",
        risk: "a server that keeps its siblings off for good has less capacity; with and without are two lines of history",
        security: "an idle sibling sees nothing of what the core computes: this errs on the safe side",
        see: "cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
        set: "echo off | sudo tee /sys/devices/system/cpu/smt/control    # on: back again",
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
        cost: "minutes of waiting between benchmarks, or better cooling",
        risk: "the first launches after a pause run on a cold processor and are faster: pause before each alike",
        security: "none",
        see: "grep . /sys/class/thermal/thermal_zone*/temp\n\
              grep . /sys/devices/system/cpu/cpu0/thermal_throttle/*_count  # Intel\n\
              pmset -g therm    # macOS",
        set: "bench-runner doctor --wait 10m    # waits until nothing is in the way",
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
        cost: "the processors and the memory of the other nodes stay unused",
        risk: "a process that needs more memory than its node has is ended instead of served from the next one",
        security: "none: anybody may bind a process of their own",
        see: "numactl --hardware",
        set: "numactl --cpunodebind=0 --membind=0 PROGRAM",
        typical: Some((-0.2, 0.0)),
        evidence: |input| {
            fires(
                input,
                keys::CPU_NUMA,
                |nodes| nodes.parse::<u32>().is_ok_and(|nodes| nodes > 1),
                "Bind the process to one memory node",
            )
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.core-kinds",
        question: "Are there slow and fast cores?",
        cost: "the slow cores stay unused, and the process competes for the fast ones with all that needs them",
        risk: "numbers of cores differ by model, so that a list may name the slow ones elsewhere; macOS takes hints alone",
        security: "none: anybody may pin a process of their own",
        see: "cat /sys/devices/cpu_core/cpus    # Intel\n\
              grep . /sys/devices/system/cpu/cpu*/cpu_capacity    # Arm",
        set: "taskset --cpu-list \"$(cat /sys/devices/cpu_core/cpus)\" PROGRAM",
        typical: Some((-0.5, 0.0)),
        evidence: |input| {
            fires(
                input,
                keys::CPU_KINDS,
                |kinds| kinds.contains("efficiency"),
                "Keep the process on the fast cores",
            )
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.watchdog",
        question: "Does the hard-lockup watchdog interrupt every core?",
        state: KnobState::Information,
        cost: "a core that hangs with its interrupts off is no longer noticed",
        risk: "a machine that locks up stays so until a person comes, for half a per cent at most",
        security: "availability: a machine that others depend on keeps it on",
        see: "cat /proc/sys/kernel/nmi_watchdog",
        set: "sudo sysctl kernel.nmi_watchdog=0    # 1 brings it back",
        typical: Some((-0.005, 0.0)),
        evidence: |input| {
            fires(
                input,
                keys::OS_WATCHDOG,
                |on| on == "yes" || on == "on" || on == "1",
                "The watchdog takes a performance counter and some interrupts of every core",
            )
        },
        ..EXPLAINED
    },
    Rule {
        id: "machine.translation",
        question: "Are the instructions translated from another processor's?",
        cost: "a toolchain and a build for the processor that is really there",
        risk: "numbers of the native build are another line of history: the old ones timed the translator too",
        security: "none: the same sources, and a toolchain from its usual place",
        see: "sysctl -n sysctl.proc_translated    # macOS: 1 is translated\nrustc -vV | grep host",
        set: "rustup target add aarch64-apple-darwin\ncargo build --release --target aarch64-apple-darwin",
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
        cost: "somebody's time: what may be stopped, for how long, and who starts it again",
        risk: "what was put off catches up later, perhaps during the next run; users do have such programs beside theirs",
        security: "scanners and updaters are put off for the run, never switched off",
        see: "ps -eo pcpu,comm --sort=-pcpu | head",
        set: "bench-runner doctor --wait 10m    # waits until nothing is in the way",
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
