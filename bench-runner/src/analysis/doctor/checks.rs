//! The checks as one table: id, subject, threshold, effect, remedy and the function that judges.
//!
//! Thresholds are house rules; where a number was measured or taken from elsewhere, the effect says so.

use super::judge::{
    changed_during_run, cpu_pressure, cpu_quota, debug_build, frequency_policy, gibibytes, graded, load,
    no_input, power_mode, rose, runnable, smt, threads, usable_cores,
};
use super::{CheckOutcome, CheckState, Gap, View};
use crate::model::fact::{Phase, keys};

/// One check.
pub(super) struct Check {
    pub(super) id: &'static str,
    /// Key of the fact it is about.
    pub(super) subject: &'static str,
    /// Whether grade A needs it to be decided.
    pub(super) decisive: bool,
    /// Whether what it finds may pass by waiting, or by a hand on the machine.
    pub(super) passes: bool,
    pub(super) threshold: &'static str,
    pub(super) effect: &'static str,
    pub(super) remedy: &'static str,
    pub(super) judge: fn(&View<'_>) -> Result<Judgement, Gap>,
}

/// A decided check: its state and the evidence.
pub(super) type Judgement = (CheckState, String);

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
            passes: self.passes,
            evidence,
            threshold: self.threshold.to_owned(),
            effect: self.effect.to_owned(),
            remedy: self.remedy.to_owned(),
        }
    }
}

/// Every check, in the order of the page.
pub(super) fn all() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().chain(super::disturbances::CHECKS)
}

/// The checks of the machine, its settings and the plan.
const CHECKS: &[Check] = &[
    Check {
        id: "on-battery",
        subject: keys::POWER_SOURCE,
        decisive: true,
        passes: true,
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
        passes: true,
        threshold: "blocks on low-power, power-saver, quiet and cool",
        effect: "the CPU runs far below its speed: leaving Low Power Mode cut latency by 43 to 45 % on the founding laptop",
        remedy: "switch to the normal, balanced or performance mode in the power settings",
        judge: power_mode,
    },
    Check {
        id: "speed-limited",
        subject: keys::THERMAL_SPEED_LIMIT,
        decisive: false,
        passes: true,
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
        passes: true,
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
        passes: false,
        threshold: "warns unless the governor is performance, or, with an active driver, the preference is performance or balance_performance",
        effect: "the clock follows the load, so that short benchmarks run before it has risen",
        remedy: "`cpupower frequency-set -g performance`, or set the energy-performance preference to performance",
        judge: frequency_policy,
    },
    Check {
        id: "turbo",
        subject: keys::FREQ_TURBO,
        decisive: false,
        passes: false,
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
        passes: true,
        threshold: "warns above 0.10 per usable core, blocks above 0.50 unless the machine is quiet right now",
        effect: "other work takes turns with the benchmark",
        remedy: "close other programs, or wait a minute for the load to fall",
        judge: load,
    },
    Check {
        id: "runnable",
        subject: keys::LOAD_RUNNABLE,
        decisive: false,
        passes: true,
        threshold: "warns above 0.25 other runnable tasks per usable core, blocks at 1; what is gone a moment later does not count",
        effect: "the benchmark waits for a core",
        remedy: "close other programs, or wait for builds and updates to end",
        judge: runnable,
    },
    Check {
        id: "cpu-pressure",
        subject: keys::LOAD_PRESSURE_CPU,
        decisive: false,
        passes: true,
        threshold: "warns above 2 % of the last 10 s, blocks above 10 % unless nothing waits right now",
        effect: "runnable work waited for a core: 18 % was seen during a build, 90 % on a busy guest",
        remedy: "close other programs, or wait ten seconds",
        judge: cpu_pressure,
    },
    Check {
        id: "steal",
        subject: keys::LOAD_STEAL,
        decisive: false,
        passes: false,
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
        passes: false,
        threshold: "warns on any event during the run",
        effect: "the CPU was slowed down for its temperature",
        remedy: "let the machine cool down, and measure again",
        judge: |view| rose(view, keys::THERMAL_THROTTLES, "throttle events"),
    },
    Check {
        id: "swapped",
        subject: keys::MEMORY_SWAPPED,
        decisive: false,
        passes: false,
        threshold: "warns on any page during the run",
        effect: "the system moved memory to disk and back while measuring",
        remedy: "close programs until the memory suffices, and measure again",
        judge: |view| rose(view, keys::MEMORY_SWAPPED, "pages swapped"),
    },
    Check {
        id: "quota-stopped",
        subject: keys::VIRT_QUOTA_STOPS,
        decisive: false,
        passes: false,
        threshold: "warns on any stop during the run",
        effect: "the scheduler stopped the benchmark for its CPU quota",
        remedy: "raise the container's CPU quota, and measure again",
        judge: |view| rose(view, keys::VIRT_QUOTA_STOPS, "stops for the quota"),
    },
    Check {
        id: "cpu-quota",
        subject: keys::VIRT_CPU_QUOTA,
        decisive: false,
        passes: false,
        threshold: "blocks below the threads of the widest benchmark, notes any other quota",
        effect: "threads beyond the quota are stopped for part of each period",
        remedy: "raise the container's CPU quota, or leave the parallel benchmarks out",
        judge: cpu_quota,
    },
    Check {
        id: "few-cores",
        subject: keys::CPU_CORES_USABLE,
        decisive: false,
        passes: false,
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
        passes: false,
        threshold: "warns when on and a benchmark has more threads than there are cores, otherwise notes when on",
        effect: "two threads on one core slow each other down",
        remedy: "use one thread per physical core in parallel benchmarks",
        judge: smt,
    },
    Check {
        id: "aslr-off",
        subject: keys::OS_ASLR,
        decisive: false,
        passes: false,
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
        passes: false,
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
        passes: false,
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
        passes: true,
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
        passes: false,
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
        passes: false,
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
        passes: true,
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
        passes: true,
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
        passes: false,
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
        passes: false,
        threshold: "blocks on debug assertions and on optimisation levels 0 and 1, notes 2, s and z",
        effect: "code is timed that nobody ships",
        remedy: "set `opt-level = 3` and `debug-assertions = false` in `[profile.bench]`",
        judge: debug_build,
    },
    Check {
        id: "few-launches",
        subject: "",
        decisive: false,
        passes: false,
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
        passes: false,
        threshold: "warns when a setting differs between start and end",
        effect: "early and late launches ran on differently set machines",
        remedy: "find out what changed the setting, and measure again",
        judge: changed_during_run,
    },
];
