//! The checks as one table: id, subject, threshold, effect, remedy and the function that judges.
//!
//! Thresholds are house rules; where a number was measured or taken from elsewhere, the effect says so.

use super::{CheckOutcome, CheckState, Gap, View};
use crate::model::fact::{self, Phase, keys};

/// One check.
pub(super) struct Check {
    pub(super) id: &'static str,
    /// Key of the fact it is about.
    pub(super) subject: &'static str,
    /// Whether grade A needs it to be decided.
    pub(super) decisive: bool,
    threshold: &'static str,
    effect: &'static str,
    remedy: &'static str,
    judge: fn(&View<'_>) -> Result<Judgement, Gap>,
}

/// A decided check: its state and the evidence.
type Judgement = (CheckState, String);

impl Check {
    /// Judges, and turns a gap into an undecided outcome.
    pub(super) fn run(&self, view: &View<'_>) -> CheckOutcome {
        let (state, evidence) = match (self.judge)(view) {
            Ok(judgement) => judgement,
            Err(Gap::Unknown(why)) => (CheckState::Unknown, why),
            Err(Gap::NotApplicable(why)) => (CheckState::NotApplicable, why),
        };
        CheckOutcome {
            id: self.id.to_owned(),
            state,
            evidence,
            threshold: self.threshold.to_owned(),
            effect: self.effect.to_owned(),
            remedy: self.remedy.to_owned(),
        }
    }
}

/// Every check, in the order of the page.
pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "on-battery",
        subject: keys::POWER_SOURCE,
        decisive: true,
        threshold: "blocks on anything but mains",
        effect: "on battery the firmware caps the CPU, and the cap moves with the charge",
        remedy: "plug in the power supply and start again",
        judge: |view| match view.words(keys::POWER_SOURCE)? {
            "mains" => Ok((CheckState::Ok, "on mains".to_owned())),
            source => Ok((CheckState::Block, format!("on {source}"))),
        },
    },
    Check {
        id: "low-power-mode",
        subject: keys::POWER_MODE,
        decisive: true,
        threshold: "blocks on low-power, power-saver, quiet and cool",
        effect: "the CPU runs far below its speed: Low Power Mode cost 43 to 45 % on the laptop of the founding record",
        remedy: "switch to the normal, balanced or performance mode in the power settings",
        judge: power_mode,
    },
    Check {
        id: "speed-limited",
        subject: keys::THERMAL_SPEED_LIMIT,
        decisive: false,
        threshold: "blocks below 100 %",
        effect: "the system holds the CPU back for heat or power",
        remedy: "let the machine cool down on a hard surface, and start again",
        judge: |view| {
            let percent = view.number(keys::THERMAL_SPEED_LIMIT, Phase::Start)?;
            let state = if percent < 100.0 { CheckState::Block } else { CheckState::Ok };
            Ok((state, format!("CPU speed limit {percent:.0} %")))
        },
    },
    Check {
        id: "battery-low",
        subject: keys::POWER_BATTERY,
        decisive: false,
        threshold: "warns below 25 %",
        effect: "some devices slow down while they charge from low, even on mains",
        remedy: "charge to more than 25 %",
        judge: |view| {
            let percent = view.number(keys::POWER_BATTERY, Phase::Start)?;
            let state = if percent < 25.0 { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("battery at {percent:.0} %")))
        },
    },
    Check {
        id: "frequency-policy",
        subject: keys::FREQ_GOVERNOR,
        decisive: true,
        threshold: "warns unless the governor is performance, or, with an active driver, the preference is performance or balance_performance",
        effect: "the clock follows the load, so that short benchmarks run before it has risen",
        remedy: "`cpupower frequency-set -g performance`, or set the energy-performance preference to performance",
        judge: frequency_policy,
    },
    Check {
        id: "turbo",
        subject: keys::FREQ_TURBO,
        decisive: false,
        threshold: "notes when on",
        effect: "turbo moves with temperature and with the load of the other cores",
        remedy: "nothing for absolute numbers; switch it off to compare two versions on a laptop",
        judge: |view| match view.flag(keys::FREQ_TURBO)? {
            true => Ok((CheckState::Note, "turbo is on".to_owned())),
            false => Ok((CheckState::Ok, "turbo is off".to_owned())),
        },
    },
    Check {
        id: "load",
        subject: keys::LOAD_ONE,
        decisive: false,
        threshold: "warns above 0.10 per usable core, blocks above 0.50",
        effect: "other work takes turns with the benchmark",
        remedy: "close other programs, or wait a minute for the load to fall",
        judge: |view| {
            let load = view.number(keys::LOAD_ONE, Phase::Start)?;
            let cores = usable_cores(view)?;
            let evidence = format!("load average {load:.2} on {cores:.0} usable cores");
            Ok((graded(load / cores, 0.10, 0.50), evidence))
        },
    },
    Check {
        id: "runnable",
        subject: keys::LOAD_RUNNABLE,
        decisive: false,
        threshold: "warns above 0.25 other runnable tasks per usable core, blocks at 1",
        effect: "the benchmark waits for a core",
        remedy: "close other programs, or wait for builds and updates to end",
        judge: |view| {
            let tasks = view.number(keys::LOAD_RUNNABLE, Phase::Start)?;
            let cores = usable_cores(view)?;
            let share = tasks / cores;
            let state = if share >= 1.0 { CheckState::Block } else { graded(share, 0.25, f64::INFINITY) };
            Ok((state, format!("{tasks:.0} other runnable tasks on {cores:.0} usable cores")))
        },
    },
    Check {
        id: "cpu-pressure",
        subject: keys::LOAD_PRESSURE_CPU,
        decisive: false,
        threshold: "warns above 2 % of the last 10 s, blocks above 10 %",
        effect: "runnable work waited for a core: 18 % was seen during a build, 90 % on a busy guest",
        remedy: "close other programs, or wait ten seconds",
        judge: |view| {
            let percent = view.number(keys::LOAD_PRESSURE_CPU, Phase::Start)?;
            Ok((graded(percent, 2.0, 10.0), format!("tasks waited {percent:.1} % of the last 10 s")))
        },
    },
    Check {
        id: "steal",
        subject: keys::LOAD_STEAL,
        decisive: false,
        threshold: "warns above 0.1 % of all CPU time, blocks above 1 %",
        effect: "the hypervisor gave the core to somebody else in the middle of a measurement",
        remedy: "measure at a quieter hour, or on a dedicated instance",
        judge: |view| {
            let stolen = view.number(keys::LOAD_STEAL, Phase::Delta)?;
            let all = view.number(keys::LOAD_TICKS, Phase::Delta)?;
            if all <= 0.0 {
                return Err(Gap::Unknown("no time passed between the readings".to_owned()));
            }
            let percent = 100.0 * stolen / all;
            Ok((graded(percent, 0.1, 1.0), format!("{percent:.2} % of all CPU time was stolen")))
        },
    },
    Check {
        id: "throttled",
        subject: keys::THERMAL_THROTTLES,
        decisive: false,
        threshold: "warns on any event during the run",
        effect: "the CPU was slowed down for its temperature",
        remedy: "let the machine cool down, and measure again",
        judge: |view| rose(view, keys::THERMAL_THROTTLES, "throttle events"),
    },
    Check {
        id: "swapped",
        subject: keys::MEMORY_SWAPPED,
        decisive: false,
        threshold: "warns on any page during the run",
        effect: "the system moved memory to disk and back while measuring",
        remedy: "close programs until the memory suffices, and measure again",
        judge: |view| rose(view, keys::MEMORY_SWAPPED, "pages swapped"),
    },
    Check {
        id: "quota-stopped",
        subject: keys::VIRT_QUOTA_STOPS,
        decisive: false,
        threshold: "warns on any stop during the run",
        effect: "the scheduler stopped the benchmark for its CPU quota",
        remedy: "raise the container's CPU quota, and measure again",
        judge: |view| rose(view, keys::VIRT_QUOTA_STOPS, "stops for the quota"),
    },
    Check {
        id: "cpu-quota",
        subject: keys::VIRT_CPU_QUOTA,
        decisive: false,
        threshold: "blocks below the threads of the widest benchmark, notes any other quota",
        effect: "threads beyond the quota are stopped for part of each period",
        remedy: "raise the container's CPU quota, or leave the parallel benchmarks out",
        judge: cpu_quota,
    },
    Check {
        id: "few-cores",
        subject: keys::CPU_CORES_USABLE,
        decisive: false,
        threshold: "warns below the threads of the widest benchmark",
        effect: "threads share cores: parallel results show the scheduler, not the scaling",
        remedy: "read parallel results of this machine with care, or measure them where there are more cores",
        judge: |view| {
            let cores = usable_cores(view)?;
            let threads = threads(view)?;
            let state = if cores < threads { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("{cores:.0} usable cores for {threads:.0} threads")))
        },
    },
    Check {
        id: "smt",
        subject: keys::CPU_SMT,
        decisive: false,
        threshold: "warns when on and a benchmark has more threads than there are cores, otherwise notes when on",
        effect: "two threads on one core slow each other down",
        remedy: "use one thread per physical core in parallel benchmarks",
        judge: smt,
    },
    Check {
        id: "aslr-off",
        subject: keys::OS_ASLR,
        decisive: false,
        threshold: "warns at 0",
        effect: "one fixed memory layout: precise and possibly biased, by 10 % in one case seen",
        remedy: "`sysctl kernel.randomize_va_space=2`, and take more launches instead",
        judge: |view| {
            let level = view.number(keys::OS_ASLR, Phase::Start)?;
            let state = if level < 1.0 { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("randomisation level {level:.0}")))
        },
    },
    Check {
        id: "virtual-machine",
        subject: keys::VIRT_HYPERVISOR,
        decisive: true,
        threshold: "notes any hypervisor; the grade is at most B",
        effect: "frequency, power and heat are hidden, and neighbours are unseen: absolute numbers mean less",
        remedy: "compare with runs of this kind of machine only, in interleaved order",
        judge: |view| match view.words(keys::VIRT_HYPERVISOR)? {
            "none" => Ok((CheckState::Ok, "no hypervisor".to_owned())),
            name => Ok((CheckState::Note, format!("hypervisor {name}"))),
        },
    },
    Check {
        id: "container",
        subject: keys::VIRT_CONTAINER,
        decisive: false,
        threshold: "notes any container",
        effect: "some facts describe the image and some the host",
        remedy: "none needed; keep the image's digest with the results",
        judge: |view| match view.words(keys::VIRT_CONTAINER)? {
            "none" => Ok((CheckState::Ok, "no mark of a container".to_owned())),
            name => Ok((CheckState::Note, format!("container {name}"))),
        },
    },
    Check {
        id: "memory-low",
        subject: keys::MEMORY_AVAILABLE,
        decisive: false,
        threshold: "warns below 10 % of the total",
        effect: "the system may start to swap while measuring",
        remedy: "close programs that hold memory",
        judge: |view| {
            let available = view.number(keys::MEMORY_AVAILABLE, Phase::Start)?;
            let total = view.number(keys::MEMORY_TOTAL, Phase::Start)?;
            if total <= 0.0 {
                return Err(Gap::Unknown("the total memory is zero".to_owned()));
            }
            let percent = 100.0 * available / total;
            let state = if percent < 10.0 { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("{percent:.0} % of {:.1} GiB available", gibibytes(total))))
        },
    },
    Check {
        id: "huge-pages",
        subject: keys::MEMORY_THP,
        decisive: false,
        threshold: "notes the mode always",
        effect: "whether a buffer gets huge pages then depends on fragmentation, and differs between launches",
        remedy: "none needed; take several launches",
        judge: |view| {
            let mode = view.words(keys::MEMORY_THP)?;
            let state = if mode == "always" { CheckState::Note } else { CheckState::Ok };
            Ok((state, format!("transparent huge pages: {mode}")))
        },
    },
    Check {
        id: "slow-clock",
        subject: keys::OS_CLOCKSOURCE,
        decisive: false,
        threshold: "warns unless the clock is read without a system call",
        effect: "each reading of the time costs a system call, which weighs on short benchmarks",
        remedy: "find out in the kernel log why the fast clock was given up",
        judge: |view| {
            let fast =
                ["tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "riscv_clocksource"];
            let clock = view.words(keys::OS_CLOCKSOURCE)?;
            let state = if fast.contains(&clock) { CheckState::Ok } else { CheckState::Warn };
            Ok((state, format!("clock source {clock}")))
        },
    },
    Check {
        id: "just-booted",
        subject: keys::OS_UPTIME,
        decisive: false,
        threshold: "warns below 120 s",
        effect: "services are still starting",
        remedy: "wait two minutes after booting",
        judge: |view| {
            let seconds = view.number(keys::OS_UPTIME, Phase::Start)?;
            let state = if seconds < 120.0 { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("up for {seconds:.0} s")))
        },
    },
    Check {
        id: "disk-full",
        subject: keys::DISK_FREE,
        decisive: false,
        threshold: "blocks below 2 GiB",
        effect: "building or storing may fail half-way",
        remedy: "free some space, or put the store on another disk",
        judge: |view| {
            let gibibytes = gibibytes(view.number(keys::DISK_FREE, Phase::Start)?);
            let state = if gibibytes < 2.0 { CheckState::Block } else { CheckState::Ok };
            Ok((state, format!("{gibibytes:.1} GiB free")))
        },
    },
    Check {
        id: "dirty-tree",
        subject: keys::SOURCE_DIRTY,
        decisive: false,
        threshold: "warns on any change that is not committed",
        effect: "the commit does not say what was measured",
        remedy: "commit or stash the changes before a run that others shall trust",
        judge: |view| match view.flag(keys::SOURCE_DIRTY)? {
            true => Ok((CheckState::Warn, "the work tree differs from the commit".to_owned())),
            false => Ok((CheckState::Ok, "the work tree is clean".to_owned())),
        },
    },
    Check {
        id: "debug-build",
        subject: keys::BUILD_PROFILE,
        decisive: false,
        threshold: "blocks on debug assertions and on optimisation levels 0 and 1, notes 2, s and z",
        effect: "code is timed that nobody ships",
        remedy: "set `opt-level = 3` and `debug-assertions = false` in `[profile.bench]`",
        judge: debug_build,
    },
    Check {
        id: "few-launches",
        subject: "",
        decisive: false,
        threshold: "warns below 5 launches",
        effect: "memory layout differs from launch to launch: processes of one binary were 25 % apart in one case seen",
        remedy: "plan at least 5 launches",
        judge: |view| {
            let launches = view.inputs.launches.ok_or_else(|| no_input("launches"))?;
            let state = if launches < 5 { CheckState::Warn } else { CheckState::Ok };
            Ok((state, format!("{launches} launches planned")))
        },
    },
    Check {
        id: "changed-during-run",
        subject: "",
        decisive: false,
        threshold: "warns when a setting differs between start and end",
        effect: "early and late launches ran on differently set machines",
        remedy: "find out what changed the setting, and measure again",
        judge: changed_during_run,
    },
];

fn no_input(what: &str) -> Gap {
    Gap::NotApplicable(format!("no {what} stated"))
}

fn graded(value: f64, warn_above: f64, block_above: f64) -> CheckState {
    if value > block_above {
        CheckState::Block
    } else if value > warn_above {
        CheckState::Warn
    } else {
        CheckState::Ok
    }
}

fn gibibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 30)
}

fn usable_cores(view: &View<'_>) -> Result<f64, Gap> {
    let cores = view.number(keys::CPU_CORES_USABLE, Phase::Start)?;
    if cores < 1.0 { Err(Gap::Unknown("no usable core is stated".to_owned())) } else { Ok(cores) }
}

#[expect(clippy::cast_precision_loss, reason = "thread counts stay far below 2^53")]
fn threads(view: &View<'_>) -> Result<f64, Gap> {
    view.inputs.threads.map(|threads| threads as f64).ok_or_else(|| no_input("number of threads"))
}

fn rose(view: &View<'_>, key: &str, what: &str) -> Result<Judgement, Gap> {
    let events = view.number(key, Phase::Delta)?;
    let state = if events > 0.0 { CheckState::Warn } else { CheckState::Ok };
    Ok((state, format!("{events:.0} {what} during the run")))
}

fn power_mode(view: &View<'_>) -> Result<Judgement, Gap> {
    let mode = view.words(keys::POWER_MODE)?;
    let state = match mode {
        "low-power" | "power-saver" | "quiet" | "cool" => CheckState::Block,
        "normal" | "balanced" | "balanced-performance" | "performance" | "ultimate-performance" => {
            CheckState::Ok
        }
        // Names that a vendor or the owner made up, and numbers whose meaning is not settled.
        other => return Err(Gap::Unknown(format!("power mode {other}: what it does is not known"))),
    };
    Ok((state, format!("power mode {mode}")))
}

fn frequency_policy(view: &View<'_>) -> Result<Judgement, Gap> {
    let driver = view.words(keys::FREQ_DRIVER)?;
    let governor = view.words(keys::FREQ_GOVERNOR)?;
    if governor == "performance" {
        return Ok((CheckState::Ok, format!("driver {driver}, governor performance")));
    }
    match view.words(keys::FREQ_EPP) {
        // With a preference the hardware decides, and `powersave` is the normal governor.
        Ok(preference) => {
            let fast = matches!(preference, "performance" | "balance_performance");
            let state = if fast { CheckState::Ok } else { CheckState::Warn };
            Ok((state, format!("driver {driver}, governor {governor}, preference {preference}")))
        }
        Err(Gap::NotApplicable(_)) => Ok((CheckState::Warn, format!("driver {driver}, governor {governor}"))),
        Err(gap) => Err(gap),
    }
}

fn cpu_quota(view: &View<'_>) -> Result<Judgement, Gap> {
    if view.words(keys::VIRT_CPU_QUOTA).is_ok_and(|words| words == "none") {
        return Ok((CheckState::Ok, "no CPU quota".to_owned()));
    }
    let quota = view.number(keys::VIRT_CPU_QUOTA, Phase::Start)?;
    match threads(view) {
        Ok(threads) if quota < threads => {
            Ok((CheckState::Block, format!("quota of {quota} cores for {threads:.0} threads")))
        }
        _ => Ok((CheckState::Note, format!("quota of {quota} cores"))),
    }
}

fn smt(view: &View<'_>) -> Result<Judgement, Gap> {
    if !view.flag(keys::CPU_SMT)? {
        return Ok((CheckState::Ok, "one thread per core".to_owned()));
    }
    let cores = view.number(keys::CPU_CORES_PHYSICAL, Phase::Start);
    match (threads(view), cores) {
        (Ok(threads), Ok(cores)) if threads > cores => {
            Ok((CheckState::Warn, format!("SMT is on, {threads:.0} threads on {cores:.0} physical cores")))
        }
        _ => Ok((CheckState::Note, "SMT is on".to_owned())),
    }
}

fn debug_build(view: &View<'_>) -> Result<Judgement, Gap> {
    let inputs = view.inputs;
    let (level, assertions) = match (inputs.opt_level.as_deref(), inputs.debug_assertions) {
        (None, None) => return Err(no_input("build settings")),
        (level, assertions) => (level, assertions),
    };
    if assertions == Some(true) {
        return Ok((CheckState::Block, "debug assertions are on".to_owned()));
    }
    match level {
        Some("3") if assertions == Some(false) => {
            Ok((CheckState::Ok, "opt-level 3, no debug assertions".to_owned()))
        }
        Some("3") | None => Err(Gap::Unknown("only half of the build settings is stated".to_owned())),
        Some("0" | "1") => Ok((CheckState::Block, format!("opt-level {}", level.unwrap_or_default()))),
        Some(level) => Ok((CheckState::Note, format!("opt-level {level}"))),
    }
}

/// Settings that somebody, or the system itself, can change while a run goes on.
const SETTINGS: &[&str] = &[
    keys::POWER_SOURCE,
    keys::POWER_MODE,
    keys::FREQ_GOVERNOR,
    keys::FREQ_EPP,
    keys::FREQ_TURBO,
    keys::CPU_SMT,
    keys::CPU_CORES_USABLE,
    keys::VIRT_CPU_QUOTA,
    keys::MEMORY_THP,
    keys::CPU_SIGNATURE,
    keys::TOOLCHAIN_RUSTC,
];

fn changed_during_run(view: &View<'_>) -> Result<Judgement, Gap> {
    let known = |key, phase| fact::find(view.facts, key, phase).and_then(|fact| fact.known_text());
    let pairs: Vec<(&str, String, String)> = SETTINGS
        .iter()
        .filter_map(|key| Some((*key, known(key, Phase::Start)?, known(key, Phase::End)?)))
        .collect();
    if pairs.is_empty() {
        return Err(Gap::NotApplicable("no facts from the end of a run".to_owned()));
    }
    let changes: Vec<String> = pairs
        .iter()
        .filter(|(_, start, end)| start != end)
        .map(|(key, start, end)| format!("{key} from {start} to {end}"))
        .collect();
    if changes.is_empty() {
        Ok((CheckState::Ok, format!("{} settings are the same at start and end", pairs.len())))
    } else {
        Ok((CheckState::Warn, changes.join(", ")))
    }
}
