//! Checks of what disturbs right now, and of what was done to this process and its kernel.
//!
//! The same table as in `checks`; thresholds are house rules unless the effect names a source.

use super::checks::{Check, Judgement};
use super::judge::{QUIET, TAKEN, gibibytes, graded, usable_cores};
use super::{CheckState, Gap, View};
use crate::model::fact::{Phase, keys};

/// The checks, in the order of the page.
pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "busy-now",
        subject: keys::LOAD_BUSY_NOW,
        decisive: false,
        passes: true,
        threshold: "warns above 0.15 busy cores while we sleep, blocks from 0.45 per usable core",
        effect: "somebody else computes: cores, caches, memory and turbo are shared with them",
        remedy: "end the other work, or wait for it",
        judge: busy_now,
    },
    Check {
        id: "io-pressure",
        subject: keys::LOAD_PRESSURE_IO,
        decisive: false,
        passes: true,
        threshold: "warns above 5 % of the last 10 s",
        effect: "something moves much data: interrupts and the page cache disturb",
        remedy: "wait for the copying, indexing or backup to end",
        judge: |view| {
            let percent = view.number(keys::LOAD_PRESSURE_IO, Phase::Start)?;
            let state = graded(percent, 5.0, f64::INFINITY);
            Ok((state, format!("tasks waited for a disk {percent:.1} % of the last 10 s")))
        },
    },
    Check {
        id: "memory-pressure",
        subject: keys::LOAD_PRESSURE_MEMORY,
        decisive: false,
        passes: true,
        threshold: "warns above 1 % of the last 10 s, blocks above 10 %",
        effect: "the system looks for memory while the benchmark runs",
        remedy: "close programs that hold memory",
        judge: |view| {
            let percent = view.number(keys::LOAD_PRESSURE_MEMORY, Phase::Start)?;
            Ok((
                graded(percent, 1.0, 10.0),
                format!("tasks waited for memory {percent:.1} % of the last 10 s"),
            ))
        },
    },
    Check {
        id: "other-programs",
        subject: keys::LOAD_PROGRAMS,
        decisive: false,
        passes: true,
        threshold: "blocks on another benchmark, warns on compilers, updates, backups, indexers and browsers under way",
        effect: "their load comes and goes in the middle of a measurement",
        remedy: "let them end, or pause them",
        judge: |view| {
            let programs = view.list(keys::LOAD_PROGRAMS)?;
            let state = if programs.iter().any(|kind| kind.starts_with("benchmark ")) {
                CheckState::Block
            } else if programs.is_empty() {
                CheckState::Ok
            } else {
                CheckState::Warn
            };
            let shown =
                if programs.is_empty() { "none of the known kinds".to_owned() } else { programs.join(", ") };
            Ok((state, format!("programs under way: {shown}")))
        },
    },
    Check {
        id: "hot",
        subject: keys::THERMAL_TEMPERATURE,
        decisive: false,
        passes: true,
        threshold: "warns above 80 °C at the start, blocks above 95 °C",
        effect: "the processor is about to be slowed down for its temperature",
        remedy: "let the machine cool down first",
        judge: |view| {
            let degrees = view.number(keys::THERMAL_TEMPERATURE, Phase::Start)?;
            Ok((graded(degrees, 80.0, 95.0), format!("hottest sensor at {degrees:.0} °C")))
        },
    },
    Check {
        id: "frequency-capped",
        subject: keys::FREQ_LIMIT,
        decisive: false,
        passes: false,
        threshold: "warns when the policy allows less than 97 % of the hardware's highest frequency",
        effect: "the numbers are those of a slower processor, and comparable only with themselves",
        remedy: "`cpupower frequency-set -u` with the hardware's maximum, unless the cap is intended",
        judge: |view| {
            let limit = view.number(keys::FREQ_LIMIT, Phase::Start)?;
            let highest = view.number(keys::FREQ_MAXIMUM, Phase::Start)?;
            if highest <= 0.0 {
                return Err(Gap::Unknown("the highest frequency is zero".to_owned()));
            }
            let percent = 100.0 * limit / highest;
            let state = if percent < 97.0 { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("at most {percent:.0} % of {:.2} GHz", highest / 1e9)))
        },
    },
    Check {
        id: "hybrid-cores",
        subject: keys::CPU_KINDS,
        decisive: false,
        passes: false,
        threshold: "warns on unlike cores unless the process is kept to some CPUs, then notes",
        effect: "a launch may land on a slow core: two modes in one benchmark",
        remedy: "start bench-runner with `taskset` on the fast cores, which the benches inherit",
        judge: |view| match view.words(keys::CPU_KINDS)? {
            "uniform" => Ok((CheckState::Ok, "all cores are alike".to_owned())),
            kinds => {
                let kept = is_pinned(view).is_ok_and(|pinned| pinned);
                Ok((if kept { CheckState::Note } else { CheckState::Warn }, format!("unlike cores: {kinds}")))
            }
        },
    },
    Check {
        id: "memory-nodes",
        subject: keys::CPU_NUMA,
        decisive: false,
        passes: false,
        threshold: "notes more than one memory node",
        effect: "memory on the other node is slower, and where it lies differs between launches",
        remedy: "start bench-runner with `numactl --cpunodebind=0 --membind=0`",
        judge: |view| {
            let nodes = view.number(keys::CPU_NUMA, Phase::Start)?;
            let state = if nodes > 1.0 { CheckState::Note } else { CheckState::Ok };
            Ok((state, format!("memory nodes: {nodes:.0}")))
        },
    },
    Check {
        id: "pinned",
        subject: keys::PROCESS_AFFINITY,
        decisive: false,
        passes: false,
        threshold: "notes when the process may use fewer CPUs than are switched on",
        effect: "numbers are those of the chosen cores; parallel benchmarks see fewer",
        remedy: "none if intended; otherwise start it without `taskset`",
        judge: |view| {
            let state = if is_pinned(view)? { CheckState::Note } else { CheckState::Ok };
            Ok((state, format!("may run on CPUs {}", view.words(keys::PROCESS_AFFINITY)?)))
        },
    },
    Check {
        id: "low-priority",
        subject: keys::PROCESS_NICE,
        decisive: false,
        passes: false,
        threshold: "warns above niceness 0 and on the policies batch and idle",
        effect: "everything else goes first, and the benches inherit it",
        remedy: "start bench-runner without `nice` or `chrt`",
        judge: |view| {
            let nice = view.number(keys::PROCESS_NICE, Phase::Start)?;
            let policy = view.words(keys::PROCESS_POLICY)?;
            let low = nice > 0.0 || matches!(policy, "batch" | "idle");
            let state = if low { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("niceness {nice:.0}, policy {policy}")))
        },
    },
    Check {
        id: "traced",
        subject: keys::PROCESS_TRACED,
        decisive: false,
        passes: false,
        threshold: "blocks under a debugger or tracer",
        effect: "system calls and signals stop the process",
        remedy: "start it without the tracer",
        judge: |view| match view.flag(keys::PROCESS_TRACED)? {
            true => Ok((CheckState::Block, "a tracer holds this process".to_owned())),
            false => Ok((CheckState::Ok, "no tracer".to_owned())),
        },
    },
    Check {
        id: "translated",
        subject: keys::VIRT_TRANSLATION,
        decisive: false,
        passes: false,
        threshold: "blocks on any translation of instructions",
        effect: "the translator is timed, not the code",
        remedy: "build bench-runner and the suite for this processor",
        judge: |view| match view.words(keys::VIRT_TRANSLATION)? {
            "none" => Ok((CheckState::Ok, "instructions run as they are".to_owned())),
            name => Ok((CheckState::Block, format!("instructions are translated: {name}"))),
        },
    },
    Check {
        id: "slowed-process",
        subject: keys::PROCESS_SPECULATION,
        decisive: false,
        passes: false,
        threshold: "warns when speculative store bypass is switched off for this process, notes when for all",
        effect: "loads wait for earlier stores: slower than the same code elsewhere",
        remedy: "run outside the sandbox that switched it off, or compare only inside it",
        judge: |view| {
            let words = view.words(keys::PROCESS_SPECULATION)?;
            let state = match words {
                "thread mitigated" | "thread force mitigated" => CheckState::Warn,
                "globally mitigated" => CheckState::Note,
                "unknown" => return Err(Gap::Unknown("the kernel does not know".to_owned())),
                _ => CheckState::Ok,
            };
            Ok((state, format!("speculative store bypass: {words}")))
        },
    },
    Check {
        id: "steered",
        subject: keys::PROCESS_ENVIRONMENT,
        decisive: false,
        passes: false,
        threshold: "warns on a preloaded library, notes other variables that steer allocators and threads",
        effect: "another allocator or thread count than users have",
        remedy: "unset the variable, or keep it for every run",
        judge: |view| {
            let set = view.list(keys::PROCESS_ENVIRONMENT)?;
            let preloads = |item: &String| item.starts_with("LD_PRELOAD") || item.starts_with("DYLD_INSERT");
            let state = if set.iter().any(preloads) {
                CheckState::Warn
            } else if set.is_empty() {
                CheckState::Ok
            } else {
                CheckState::Note
            };
            let shown = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
            Ok((state, format!("steering variables: {shown}")))
        },
    },
    Check {
        id: "memory-limited",
        subject: keys::MEMORY_LIMIT,
        decisive: false,
        passes: false,
        threshold: "warns below 1 GiB, notes any other limit",
        effect: "the page cache counts too: files are read again, and large inputs may kill the bench",
        remedy: "raise the container's memory limit",
        judge: |view| {
            if view.words(keys::MEMORY_LIMIT).is_ok_and(|words| words == "none") {
                return Ok((CheckState::Ok, "no memory limit".to_owned()));
            }
            let limit = gibibytes(view.number(keys::MEMORY_LIMIT, Phase::Start)?);
            let state = if limit < 1.0 { CheckState::Warn } else { CheckState::Note };
            Ok((state, format!("memory limit of {limit:.1} GiB")))
        },
    },
    Check {
        id: "boot-options",
        subject: keys::OS_OPTIONS,
        decisive: false,
        passes: false,
        threshold: "notes any kernel parameter that moves numbers",
        effect: "numbers of a kernel that was started in a special way",
        remedy: "none if intended; keep the parameters for every run",
        judge: |view| {
            let options = view.list(keys::OS_OPTIONS)?;
            let state = if options.is_empty() { CheckState::Ok } else { CheckState::Note };
            let shown = if options.is_empty() { "none".to_owned() } else { options.join(" ") };
            Ok((state, format!("kernel parameters: {shown}")))
        },
    },
    Check {
        id: "kernel-noise",
        subject: keys::OS_WATCHDOG,
        decisive: false,
        passes: false,
        threshold: "notes the hard-lockup watchdog and automatic memory balancing when on",
        effect: "small periodic interrupts, and pages that move between nodes",
        remedy: "`sysctl kernel.nmi_watchdog=0 kernel.numa_balancing=0` for the last percent",
        judge: kernel_noise,
    },
    Check {
        id: "counter-varies",
        subject: keys::CPU_TSC,
        decisive: false,
        passes: false,
        threshold: "warns when the time-stamp counter's rate is not constant",
        effect: "the fast clock may be given up in the middle of a run",
        remedy: "look for `tsc` in the kernel log; use a machine with an invariant counter",
        judge: |view| match view.flag(keys::CPU_TSC)? {
            true => Ok((CheckState::Ok, "the counter has one rate".to_owned())),
            false => Ok((CheckState::Warn, "constant_tsc or nonstop_tsc is missing".to_owned())),
        },
    },
];

fn busy_now(view: &View<'_>) -> Result<Judgement, Gap> {
    let busy = view.number(keys::LOAD_BUSY_NOW, Phase::Start)?;
    let cores = usable_cores(view)?;
    let state = if busy >= TAKEN * cores {
        CheckState::Block
    } else if busy > QUIET {
        CheckState::Warn
    } else {
        CheckState::Ok
    };
    Ok((state, format!("{busy:.2} cores busy while we slept, {cores:.0} usable")))
}

/// Whether the process may use fewer CPUs than are switched on.
fn is_pinned(view: &View<'_>) -> Result<bool, Gap> {
    let list = view.words(keys::PROCESS_AFFINITY)?;
    let online = view.number(keys::CPU_CORES_ONLINE, Phase::Start)?;
    let members = |part: &str| -> Option<f64> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(last.parse::<f64>().ok()? - first.parse::<f64>().ok()? + 1.0)
    };
    let allowed: Option<f64> = list.split(',').map(members).sum();
    allowed
        .map(|allowed| allowed < online)
        .ok_or_else(|| Gap::Unknown(format!("{list} is not a list of CPUs")))
}

/// Either setting may be missing from the kernel; both missing is a kernel without such noise to switch off.
fn kernel_noise(view: &View<'_>) -> Result<Judgement, Gap> {
    let settings = [("watchdog", keys::OS_WATCHDOG), ("memory balancing", keys::OS_NUMA_BALANCING)];
    let mut on = Vec::new();
    let mut missing = 0;
    for (name, key) in settings {
        match view.flag(key) {
            Ok(true) => on.push(name),
            Ok(false) => {}
            Err(Gap::NotApplicable(_)) => missing += 1,
            Err(gap) => return Err(gap),
        }
    }
    if missing == settings.len() {
        return Err(Gap::NotApplicable("this kernel has neither".to_owned()));
    }
    if on.is_empty() {
        return Ok((CheckState::Ok, "watchdog and memory balancing are off".to_owned()));
    }
    Ok((CheckState::Note, format!("on: {}", on.join(", "))))
}
