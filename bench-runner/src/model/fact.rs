//! Facts about the machine, the build and the harness: a value **and** how far it can be trusted.

use serde::{Deserialize, Serialize};

pub mod catalogue;

/// What became of the attempt to read a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactStatus {
    /// Read, and believed.
    Ok,
    /// Could not be found out; the source says why.
    Unknown,
    /// The system refused the permission.
    Denied,
    /// A hypervisor or container hides it.
    Hidden,
    /// A value is shown that is known not to be real (a constant made up by the hypervisor).
    Placeholder,
    /// The question has no meaning here (the battery of a server).
    NotApplicable,
    /// Computed from other facts or measured, not read.
    Derived,
}

impl FactStatus {
    /// Whether the value may be used in a conclusion.
    #[must_use]
    pub fn is_known(self) -> bool {
        matches!(self, Self::Ok | Self::Derived)
    }
}

/// The value of a fact. Numbers are in base units; the unit stands beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Flag(bool),
    /// A count, a size, a frequency.
    Integer(i64),
    /// A real number.
    Number(f64),
    /// Words.
    Text(String),
    /// Several words, sorted.
    List(Vec<String>),
}

/// When the fact was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the first launch.
    Start,
    /// After the last launch.
    End,
    /// The difference of a counter between start and end.
    Delta,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Stable dotted key from [`keys`].
    pub key: String,
    /// The value; `None` unless the status is `ok`, `derived` or `placeholder`.
    pub value: Option<FactValue>,
    /// Unit of a number: `Hz`, `B`, `%`, `ms`; empty for words and counts.
    pub unit: String,
    /// How far to trust it.
    pub status: FactStatus,
    /// Where it was read, and for anything but `ok` why not. Never a home path, user or host name.
    pub source: String,
    /// When it was read.
    pub phase: Phase,
}

impl Fact {
    /// The value as text for keys and tables, if it may be used in a conclusion.
    #[must_use]
    pub fn known_text(&self) -> Option<String> {
        if !self.status.is_known() {
            return None;
        }
        Some(match self.value.as_ref()? {
            FactValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            FactValue::Integer(number) => number.to_string(),
            FactValue::Number(number) => number.to_string(),
            FactValue::Text(text) => text.clone(),
            FactValue::List(items) => items.join(","),
        })
    }
}

/// Looks up the fact `key` in `phase`.
#[must_use]
pub fn find<'a>(facts: &'a [Fact], key: &str, phase: Phase) -> Option<&'a Fact> {
    facts.iter().find(|fact| fact.key == key && fact.phase == phase)
}

/// Looks up the usable text of the fact `key` as read at the start of a run.
#[must_use]
pub fn known(facts: &[Fact], key: &str) -> Option<String> {
    find(facts, key, Phase::Start)?.known_text()
}

/// The stable keys, one constant each: readers, checks, identity and pages share them.
pub mod keys {
    /// Brand string of the CPU.
    pub const CPU_MODEL: &str = "cpu.model";
    /// CPU vendor as the processor reports it.
    pub const CPU_VENDOR: &str = "cpu.vendor";
    /// `family/model/stepping`.
    pub const CPU_SIGNATURE: &str = "cpu.signature";
    /// Instruction set extensions that matter to arithmetic, a sorted list.
    pub const CPU_FEATURES: &str = "cpu.features";
    /// Microcode revision.
    pub const CPU_MICROCODE: &str = "cpu.microcode";
    /// Target architecture, for example `x86_64`.
    pub const CPU_ARCH: &str = "cpu.arch";
    /// Physical cores.
    pub const CPU_CORES_PHYSICAL: &str = "cpu.cores_physical";
    /// Logical cores.
    pub const CPU_CORES_LOGICAL: &str = "cpu.cores_logical";
    /// Cores that this process may use (affinity and quota).
    pub const CPU_CORES_USABLE: &str = "cpu.cores_usable";
    /// Logical cores that are switched on.
    pub const CPU_CORES_ONLINE: &str = "cpu.cores_online";
    /// Simultaneous multithreading on or off.
    pub const CPU_SMT: &str = "cpu.smt";
    /// Processor packages (sockets).
    pub const CPU_PACKAGES: &str = "cpu.packages";
    /// Memory nodes.
    pub const CPU_NUMA: &str = "cpu.numa_nodes";
    /// Kinds of cores: `uniform`, or logical cores of each kind such as `8 performance, 8 efficiency`.
    pub const CPU_KINDS: &str = "cpu.core_kinds";
    /// CPUs kept out of the scheduler, a list such as `2-3`; `none` when there are none.
    pub const CPU_ISOLATED: &str = "cpu.isolated";
    /// Whether the time-stamp counter runs at one rate whatever the core does.
    pub const CPU_TSC: &str = "cpu.tsc_invariant";
    /// Frequency as the operating system claims it, in Hz.
    pub const CPU_FREQUENCY: &str = "cpu.frequency";
    /// Caches per level, a list such as `L1d 32768 B`.
    pub const CPU_CACHES: &str = "cpu.caches";
    /// Frequency scaling driver.
    pub const FREQ_DRIVER: &str = "frequency.driver";
    /// Frequency governor.
    pub const FREQ_GOVERNOR: &str = "frequency.governor";
    /// Energy-performance preference.
    pub const FREQ_EPP: &str = "frequency.epp";
    /// Turbo or boost.
    pub const FREQ_TURBO: &str = "frequency.turbo";
    /// Mode of the driver: active, passive or guided.
    pub const FREQ_MODE: &str = "frequency.driver_mode";
    /// Base frequency, in Hz.
    pub const FREQ_BASE: &str = "frequency.base";
    /// Highest frequency of the hardware, in Hz.
    pub const FREQ_MAXIMUM: &str = "frequency.maximum";
    /// Highest frequency that the policy allows, in Hz.
    pub const FREQ_LIMIT: &str = "frequency.limit";
    /// Driver of the idle states.
    pub const IDLE_DRIVER: &str = "idle.driver";
    /// Governor of the idle states.
    pub const IDLE_GOVERNOR: &str = "idle.governor";
    /// Power mode: platform profile, Low Power Mode, power scheme.
    pub const POWER_MODE: &str = "power.mode";
    /// `mains` or `battery`.
    pub const POWER_SOURCE: &str = "power.source";
    /// Battery charge in percent.
    pub const POWER_BATTERY: &str = "power.battery";
    /// Sustained power limit of the package, in W.
    pub const POWER_LIMIT: &str = "power.limit";
    /// Total memory in bytes.
    pub const MEMORY_TOTAL: &str = "memory.total";
    /// Available memory in bytes.
    pub const MEMORY_AVAILABLE: &str = "memory.available";
    /// Total swap in bytes.
    pub const MEMORY_SWAP: &str = "memory.swap";
    /// Pages swapped in and out since boot, a counter.
    pub const MEMORY_SWAPPED: &str = "memory.swapped";
    /// Transparent huge pages mode.
    pub const MEMORY_THP: &str = "memory.thp";
    /// When the kernel compacts memory to make huge pages.
    pub const MEMORY_THP_DEFRAG: &str = "memory.thp_defrag";
    /// Size of a page in bytes.
    pub const MEMORY_PAGE: &str = "memory.page_size";
    /// Memory limit of the control group in bytes; `none` when there is certainly none.
    pub const MEMORY_LIMIT: &str = "memory.limit";
    /// Operating system name and version.
    pub const OS_NAME: &str = "os.name";
    /// Kernel release.
    pub const OS_KERNEL: &str = "os.kernel";
    /// How the kernel may be preempted, as its build says: `PREEMPT_DYNAMIC` and the like.
    pub const OS_PREEMPTION: &str = "os.preemption";
    /// Kernel parameters that move numbers, an allow-list; everything else on the command line is left out.
    pub const OS_OPTIONS: &str = "os.kernel_options";
    /// Address space layout randomisation: 0, 1 or 2 on Linux.
    pub const OS_ASLR: &str = "os.aslr";
    /// CPU vulnerability mitigations, a sorted list.
    pub const OS_MITIGATIONS: &str = "os.mitigations";
    /// Clock source of the kernel.
    pub const OS_CLOCKSOURCE: &str = "os.clocksource";
    /// Seconds since boot.
    pub const OS_UPTIME: &str = "os.uptime";
    /// Whether the hard-lockup watchdog interrupts each core.
    pub const OS_WATCHDOG: &str = "os.nmi_watchdog";
    /// Whether the kernel moves pages between memory nodes on its own.
    pub const OS_NUMA_BALANCING: &str = "os.numa_balancing";
    /// Whether the scheduler groups tasks by session.
    pub const OS_AUTOGROUP: &str = "os.autogroup";
    /// Vendor and product name of the computer, the board or the instance type.
    pub const BOARD_PRODUCT: &str = "board.product";
    /// Version and date of the firmware.
    pub const BOARD_FIRMWARE: &str = "board.firmware";
    /// Hypervisor, `none` when there is certainly none.
    pub const VIRT_HYPERVISOR: &str = "virtualisation.hypervisor";
    /// Container runtime, `none` when there is certainly none.
    pub const VIRT_CONTAINER: &str = "virtualisation.container";
    /// CPU quota of the control group in cores; the word `none` when there is certainly no quota.
    pub const VIRT_CPU_QUOTA: &str = "virtualisation.cpu_quota";
    /// Periods in which the control group was stopped for its quota, a counter.
    pub const VIRT_QUOTA_STOPS: &str = "virtualisation.quota_stops";
    /// What translates our instructions: `none`, `rosetta`, `other-processor`.
    pub const VIRT_TRANSLATION: &str = "virtualisation.translation";
    /// Load average over one minute.
    pub const LOAD_ONE: &str = "load.one";
    /// Runnable tasks besides ourselves.
    pub const LOAD_RUNNABLE: &str = "load.runnable";
    /// CPU pressure, `some avg10`, in percent.
    pub const LOAD_PRESSURE_CPU: &str = "load.pressure_cpu";
    /// Memory pressure, `some avg10`, in percent.
    pub const LOAD_PRESSURE_MEMORY: &str = "load.pressure_memory";
    /// Input and output pressure, `some avg10`, in percent.
    pub const LOAD_PRESSURE_IO: &str = "load.pressure_io";
    /// Tasks waiting for a disk.
    pub const LOAD_BLOCKED: &str = "load.blocked";
    /// Cores that were busy during a short window in which we slept.
    pub const LOAD_BUSY_NOW: &str = "load.busy_now";
    /// CPU pressure during the same window, in percent.
    pub const LOAD_PRESSURE_NOW: &str = "load.pressure_now";
    /// Kinds of programs under way that disturb a measurement, with their number; never their names.
    pub const LOAD_PROGRAMS: &str = "load.programs";
    /// Time stolen by the hypervisor, in clock ticks.
    pub const LOAD_STEAL: &str = "load.steal";
    /// All time of all CPUs since boot, in clock ticks: what steal is a share of.
    pub const LOAD_TICKS: &str = "load.ticks";
    /// Context switches of the whole system since boot, a counter.
    pub const LOAD_SWITCHES: &str = "load.switches";
    /// Interrupts since boot, a counter.
    pub const LOAD_INTERRUPTS: &str = "load.interrupts";
    /// Thermal throttle events, a counter.
    pub const THERMAL_THROTTLES: &str = "thermal.throttles";
    /// Speed that the system allows the CPU for heat or power, in percent of the full speed.
    pub const THERMAL_SPEED_LIMIT: &str = "thermal.speed_limit";
    /// Hottest sensor of the processor, in °C.
    pub const THERMAL_TEMPERATURE: &str = "thermal.temperature";
    /// CPUs that this process may run on, a list such as `0-3`.
    pub const PROCESS_AFFINITY: &str = "process.affinity";
    /// Niceness of this process, -20 to 19.
    pub const PROCESS_NICE: &str = "process.nice";
    /// Scheduling policy of this process: `other`, `batch`, `idle`, `fifo`, `rr`, `deadline`.
    pub const PROCESS_POLICY: &str = "process.policy";
    /// Whether a debugger or tracer holds this process.
    pub const PROCESS_TRACED: &str = "process.traced";
    /// System call filter on this process: `none`, `strict`, `filter`.
    pub const PROCESS_SECCOMP: &str = "process.seccomp";
    /// Whether speculative store bypass is switched off for this process.
    pub const PROCESS_SPECULATION: &str = "process.speculation";
    /// Variables that steer allocators, thread pools and loading, an allow-list.
    pub const PROCESS_ENVIRONMENT: &str = "process.environment";
    /// Size of all variables in bytes: it shifts the stack.
    pub const PROCESS_ENVIRONMENT_SIZE: &str = "process.environment_size";
    /// Free space of the disk that holds the store, in bytes.
    pub const DISK_FREE: &str = "disk.free";
    /// `rustc` version line.
    pub const TOOLCHAIN_RUSTC: &str = "toolchain.rustc";
    /// LLVM version of that compiler.
    pub const TOOLCHAIN_LLVM: &str = "toolchain.llvm";
    /// Host triple of the compiler.
    pub const TOOLCHAIN_HOST: &str = "toolchain.host";
    /// Commit of the compiler.
    pub const TOOLCHAIN_COMMIT: &str = "toolchain.commit";
    /// Cargo version line.
    pub const TOOLCHAIN_CARGO: &str = "toolchain.cargo";
    /// Effective compiler flags after merging configuration and environment.
    pub const BUILD_FLAGS: &str = "build.flags";
    /// Cargo profile and its settings.
    pub const BUILD_PROFILE: &str = "build.profile";
    /// Link-time optimisation as set by profile or environment.
    pub const BUILD_LTO: &str = "build.lto";
    /// Code generation units as set by profile or environment.
    pub const BUILD_CODEGEN_UNITS: &str = "build.codegen_units";
    /// Packages for which the manifest sets a profile of their own, a sorted list.
    pub const BUILD_OVERRIDES: &str = "build.overrides";
    /// `target-cpu` as resolved by the compiler.
    pub const BUILD_TARGET_CPU: &str = "build.target_cpu";
    /// Features asked of cargo.
    pub const BUILD_FEATURES: &str = "build.features";
    /// SHA-256 of `Cargo.lock`.
    pub const BUILD_LOCK: &str = "build.lock";
    /// Commit that was measured.
    pub const SOURCE_COMMIT: &str = "source.commit";
    /// Whether the work tree differed from that commit.
    pub const SOURCE_DIRTY: &str = "source.dirty";
    /// Branch, if any.
    pub const SOURCE_BRANCH: &str = "source.branch";
    /// Nearest tag with distance, as `git describe --tags` says it.
    pub const SOURCE_DESCRIBE: &str = "source.describe";
    /// Time of the commit, RFC 3339 with its offset as committed.
    pub const SOURCE_COMMIT_TIME: &str = "source.commit_time";
    /// Version of Criterion that the benches spoke with.
    pub const HARNESS_CRITERION: &str = "harness.criterion";
    /// Version of bench-runner.
    pub const HARNESS_RUNNER: &str = "harness.runner";
    /// Grade of the machine as the doctor saw it: A, B, C or X.
    pub const DOCTOR_GRADE: &str = "doctor.grade";
    /// Clock of the core as a chain of dependent instructions shows it, in GHz.
    pub const CANARY_CLOCK: &str = "canary.clock_ghz";
    /// Best time of a loop of independent instructions over its median: 1 is undisturbed.
    pub const CANARY_CONTENTION: &str = "canary.contention";
    /// Best rate of that loop, in operations per nanosecond.
    pub const CANARY_THROUGHPUT: &str = "canary.throughput";
    /// Time of one dependent read from 16 MiB, in nanoseconds.
    pub const CANARY_MEMORY: &str = "canary.memory_ns";
    /// Cost of asking the monotonic clock, in nanoseconds.
    pub const CANARY_TIMER: &str = "canary.timer_ns";
    /// The word `yes` in the facts of a machine that was made up for a trial.
    pub const MACHINE_SYNTHETIC: &str = "machine.synthetic";
    /// What a suite's own probe printed about the code path it runs.
    pub const PROBE_BACKEND: &str = "probe.backend";
    /// What a suite's own probe printed about the code that signs, where it says so apart.
    pub const PROBE_SIGNING_BACKEND: &str = "probe.signing_backend";
}
