//! Facts about the machine, the build and the harness: a value **and** how far it can be trusted.

use serde::{Deserialize, Serialize};

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
    /// Simultaneous multithreading on or off.
    pub const CPU_SMT: &str = "cpu.smt";
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
    /// Power mode: platform profile, Low Power Mode, power scheme.
    pub const POWER_MODE: &str = "power.mode";
    /// `mains` or `battery`.
    pub const POWER_SOURCE: &str = "power.source";
    /// Battery charge in percent.
    pub const POWER_BATTERY: &str = "power.battery";
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
    /// Operating system name and version.
    pub const OS_NAME: &str = "os.name";
    /// Kernel release.
    pub const OS_KERNEL: &str = "os.kernel";
    /// Address space layout randomisation: 0, 1 or 2 on Linux.
    pub const OS_ASLR: &str = "os.aslr";
    /// CPU vulnerability mitigations, a sorted list.
    pub const OS_MITIGATIONS: &str = "os.mitigations";
    /// Clock source of the kernel.
    pub const OS_CLOCKSOURCE: &str = "os.clocksource";
    /// Seconds since boot.
    pub const OS_UPTIME: &str = "os.uptime";
    /// Hypervisor, `none` when there is certainly none.
    pub const VIRT_HYPERVISOR: &str = "virtualisation.hypervisor";
    /// Container runtime, `none` when there is certainly none.
    pub const VIRT_CONTAINER: &str = "virtualisation.container";
    /// CPU quota of the control group in cores; the word `none` when there is certainly no quota.
    pub const VIRT_CPU_QUOTA: &str = "virtualisation.cpu_quota";
    /// Periods in which the control group was stopped for its quota, a counter.
    pub const VIRT_QUOTA_STOPS: &str = "virtualisation.quota_stops";
    /// Load average over one minute.
    pub const LOAD_ONE: &str = "load.one";
    /// Runnable tasks besides ourselves.
    pub const LOAD_RUNNABLE: &str = "load.runnable";
    /// CPU pressure, `some avg10`, in percent.
    pub const LOAD_PRESSURE_CPU: &str = "load.pressure_cpu";
    /// Time stolen by the hypervisor, in clock ticks.
    pub const LOAD_STEAL: &str = "load.steal";
    /// All time of all CPUs since boot, in clock ticks: what steal is a share of.
    pub const LOAD_TICKS: &str = "load.ticks";
    /// Thermal throttle events, a counter.
    pub const THERMAL_THROTTLES: &str = "thermal.throttles";
    /// Speed that the system allows the CPU for heat or power, in percent of the full speed.
    pub const THERMAL_SPEED_LIMIT: &str = "thermal.speed_limit";
    /// Free space of the disk that holds the store, in bytes.
    pub const DISK_FREE: &str = "disk.free";
    /// `rustc` version line.
    pub const TOOLCHAIN_RUSTC: &str = "toolchain.rustc";
    /// LLVM version of that compiler.
    pub const TOOLCHAIN_LLVM: &str = "toolchain.llvm";
    /// Host triple of the compiler.
    pub const TOOLCHAIN_HOST: &str = "toolchain.host";
    /// Cargo version line.
    pub const TOOLCHAIN_CARGO: &str = "toolchain.cargo";
    /// Effective compiler flags after merging configuration and environment.
    pub const BUILD_FLAGS: &str = "build.flags";
    /// Cargo profile and its settings.
    pub const BUILD_PROFILE: &str = "build.profile";
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
