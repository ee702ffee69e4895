//! Every fact in one table: unit, meaning, where each system states it, and what a change of it means.
//!
//! The readers take units from here, the document `docs/facts.md` is written from here, and pages ask here which
//! facts move by themselves. It reads nothing.
//!
//! Length: one table with a row of four lines for each fact; splitting it would hide gaps.

use super::keys;

/// What a change of a fact means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Part of the hardware class: another value is another kind of machine.
    Class,
    /// Part of the configuration: another value splits the series of one machine.
    Configuration,
    /// Part of the build key.
    Build,
    /// Splits nothing; a change is worth a mark beside the numbers.
    Marker,
    /// Moves by itself from second to second.
    State,
    /// A counter: its difference over a run says something.
    Counter,
}

impl Role {
    /// The word of the document.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Configuration => "configuration",
            Self::Build => "build",
            Self::Marker => "marker",
            Self::State => "state",
            Self::Counter => "counter",
        }
    }
}

/// One kind of fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Stable key.
    pub key: &'static str,
    /// Unit of its number; empty for words, flags and counts.
    pub unit: &'static str,
    /// What a change of it means.
    pub role: Role,
    /// What it says, a fragment.
    pub meaning: &'static str,
    /// Where Linux states it; `-` for nowhere.
    pub linux: &'static str,
    /// Where macOS states it; `-` for nowhere.
    pub macos: &'static str,
    /// Where Windows states it; `-` for nowhere.
    pub windows: &'static str,
}

/// Looks up the entry of `key`.
#[must_use]
pub fn entry(key: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.key == key)
}

/// Whether a fact moves by itself and says nothing by moving.
#[must_use]
pub fn moves_by_itself(key: &str) -> bool {
    entry(key).is_some_and(|entry| entry.role == Role::State)
}

macro_rules! catalogue {
    ($($key:ident $role:ident $unit:literal $meaning:literal $linux:literal $macos:literal $windows:literal;)*) => {
        /// Every fact, in the order of the page.
        pub const CATALOGUE: &[Entry] = &[$(Entry {
            key: keys::$key,
            unit: $unit,
            role: Role::$role,
            meaning: $meaning,
            linux: $linux,
            macos: $macos,
            windows: $windows,
        }),*];
    };
}

catalogue! {
    CPU_MODEL Class "" "brand string of the CPU; a brand without a model number is a placeholder"
        "/proc/cpuinfo model name, part numbers on Arm" "sysctl machdep.cpu.brand_string" "registry ProcessorNameString";
    CPU_VENDOR Class "" "CPU vendor as the processor reports it"
        "/proc/cpuinfo vendor_id, implementer on Arm" "sysctl machdep.cpu.vendor" "registry VendorIdentifier";
    CPU_SIGNATURE Class "" "family/model/stepping, implementer/part/revision on Arm"
        "/proc/cpuinfo" "sysctl machdep.cpu" "registry Identifier";
    CPU_FEATURES Marker "" "instruction set extensions that matter to arithmetic"
        "/proc/cpuinfo flags, Features" "sysctl machdep.cpu, hw.optional" "-";
    CPU_MICROCODE Marker "" "microcode revision; what a hypervisor makes up is a placeholder"
        "/sys/…/cpu0/microcode/version, /proc/cpuinfo" "sysctl machdep.cpu.microcode_version" "registry Update Revision";
    CPU_ARCH Class "" "target architecture of this program"
        "compiled in" "compiled in" "compiled in";
    CPU_CORES_PHYSICAL Class "" "physical cores"
        "/sys/…/cpu*/topology" "sysctl hw.physicalcpu_max" "sysinfo";
    CPU_CORES_LOGICAL Class "" "logical cores, whether switched on or not"
        "/sys/…/cpu/present" "sysctl hw.logicalcpu_max" "sysinfo";
    CPU_CORES_ONLINE Marker "" "logical cores that are switched on"
        "/sys/…/cpu/online" "sysctl hw.activecpu" "-";
    CPU_CORES_USABLE Configuration "" "threads that this process may run at once, by affinity and quota"
        "std available_parallelism" "std available_parallelism" "std available_parallelism";
    CPU_SMT Configuration "" "whether cores run two threads at once"
        "/sys/…/cpu/smt" "logical against physical cores" "-";
    CPU_PACKAGES Marker "" "processor packages (sockets)"
        "/sys/…/cpu*/topology/physical_package_id" "sysctl hw.packages" "-";
    CPU_NUMA Marker "" "memory nodes"
        "/sys/devices/system/node/online" "-" "-";
    CPU_KINDS Marker "" "uniform, or the logical cores of each kind"
        "/sys/devices/cpu_core, cpu_atom, cpu*/cpu_capacity" "sysctl hw.nperflevels, hw.perflevel*" "-";
    CPU_ISOLATED Marker "" "CPUs kept out of the scheduler"
        "/sys/…/cpu/isolated" "-" "-";
    CPU_TSC Marker "" "whether the time-stamp counter has one rate"
        "/proc/cpuinfo constant_tsc, nonstop_tsc" "-" "-";
    CPU_FREQUENCY State "Hz" "frequency as the system claims it; in a guest the counter's rate, a placeholder"
        "scaling_cur_freq, /proc/cpuinfo cpu MHz" "sysctl hw.cpufrequency (nominal)" "registry ~MHz (base)";
    CPU_CACHES Marker "" "caches per level"
        "/sys/…/cpu0/cache" "sysctl hw.l1dcachesize to hw.l3cachesize" "-";
    FREQ_DRIVER Marker "" "frequency scaling driver"
        "/sys/…/cpufreq/scaling_driver" "-" "-";
    FREQ_MODE Marker "" "mode of the driver: active, passive, guided, off"
        "/sys/…/intel_pstate/status, amd_pstate/status" "-" "-";
    FREQ_GOVERNOR Configuration "" "frequency governor, of all CPUs"
        "/sys/…/cpufreq/scaling_governor" "-" "-";
    FREQ_EPP Configuration "" "energy-performance preference, of all CPUs"
        "/sys/…/cpufreq/energy_performance_preference" "-" "-";
    FREQ_TURBO Configuration "" "turbo or boost"
        "intel_pstate/no_turbo, cpufreq/boost, policy*/boost" "-" "powercfg PERFBOOSTMODE";
    FREQ_BASE Marker "Hz" "base frequency"
        "/sys/…/cpu0/cpufreq/base_frequency" "-" "-";
    FREQ_MAXIMUM Marker "Hz" "highest frequency of the hardware"
        "/sys/…/cpu*/cpufreq/cpuinfo_max_freq, the highest" "sysctl hw.cpufrequency_max" "-";
    FREQ_LIMIT Marker "Hz" "highest frequency that the policy allows"
        "/sys/…/cpu*/cpufreq/scaling_max_freq, the highest" "-" "-";
    IDLE_DRIVER Marker "" "driver of the idle states"
        "/sys/…/cpuidle/current_driver" "-" "-";
    IDLE_GOVERNOR Marker "" "governor of the idle states"
        "/sys/…/cpuidle/current_governor_ro" "-" "-";
    POWER_MODE Configuration "" "power mode: platform profile, Low Power Mode, power scheme"
        "platform_profile, powerprofilesctl" "pmset -g" "powercfg /getactivescheme";
    POWER_SOURCE Configuration "" "mains or battery"
        "/sys/class/power_supply" "pmset -g ps" "-";
    POWER_BATTERY State "%" "battery charge"
        "/sys/class/power_supply" "pmset -g ps" "-";
    POWER_LIMIT Marker "W" "sustained power limit of the package"
        "/sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw" "-" "-";
    MEMORY_TOTAL Class "B" "total memory; the class rounds it up to what is sold"
        "/proc/meminfo" "sysctl hw.memsize" "sysinfo";
    MEMORY_AVAILABLE State "B" "memory that can be had without swapping"
        "/proc/meminfo" "sysinfo" "sysinfo";
    MEMORY_LIMIT Marker "B" "memory limit of the control group"
        "memory.max, memory.limit_in_bytes" "-" "-";
    MEMORY_PAGE Marker "B" "size of a page"
        "sysconf" "sysctl hw.pagesize" "-";
    MEMORY_SWAP Marker "B" "total swap"
        "/proc/meminfo" "sysctl vm.swapusage" "sysinfo";
    MEMORY_SWAPPED Counter "pages" "pages swapped in and out since boot"
        "/proc/vmstat pswpin, pswpout" "-" "-";
    MEMORY_THP Configuration "" "transparent huge pages"
        "/sys/kernel/mm/transparent_hugepage/enabled" "-" "-";
    MEMORY_THP_DEFRAG Marker "" "when memory is compacted for huge pages"
        "/sys/kernel/mm/transparent_hugepage/defrag" "-" "-";
    OS_NAME Marker "" "operating system and version"
        "/etc/os-release" "sw_vers" "sysinfo";
    OS_KERNEL Marker "" "kernel release"
        "/proc/sys/kernel/osrelease" "sysctl kern.osrelease" "sysinfo";
    OS_PREEMPTION Marker "" "how the kernel may be preempted"
        "/proc/sys/kernel/version, its known words" "-" "-";
    OS_OPTIONS Marker "" "kernel parameters that move numbers, an allow-list"
        "/proc/cmdline" "-" "-";
    OS_ASLR Marker "" "address space randomisation, 0 to 2, also as switched off for this process"
        "/proc/sys/kernel/randomize_va_space, /proc/self/personality" "-" "-";
    OS_MITIGATIONS Marker "" "what is done about CPU vulnerabilities"
        "/sys/…/cpu/vulnerabilities" "-" "-";
    OS_CLOCKSOURCE Marker "" "clock source of the kernel"
        "/sys/…/clocksource0/current_clocksource" "-" "-";
    OS_WATCHDOG Marker "" "whether the hard-lockup watchdog interrupts each core"
        "/proc/sys/kernel/nmi_watchdog" "-" "-";
    OS_NUMA_BALANCING Marker "" "whether pages move between memory nodes on their own"
        "/proc/sys/kernel/numa_balancing" "-" "-";
    OS_AUTOGROUP Marker "" "whether tasks are scheduled by session"
        "/proc/sys/kernel/sched_autogroup_enabled" "-" "-";
    OS_UPTIME State "s" "seconds since boot"
        "/proc/uptime" "sysinfo" "sysinfo";
    BOARD_PRODUCT Marker "" "vendor and product of computer, board or instance type; filler is a placeholder"
        "/sys/class/dmi/id, /proc/device-tree/model" "sysctl hw.model" "registry SystemProductName";
    BOARD_FIRMWARE Marker "" "version and date of the firmware"
        "/sys/class/dmi/id/bios_version, bios_date" "-" "registry BIOSVersion";
    VIRT_HYPERVISOR Class "" "hypervisor, none when there is certainly none"
        "CPUID, firmware, device tree" "sysctl kern.hv_vmm_present" "-";
    VIRT_CONTAINER Marker "" "container runtime, none when there is no mark of one"
        "marks of the runtimes" "-" "-";
    VIRT_TRANSLATION Marker "" "what translates our instructions"
        "/proc/cpuinfo against the compiled architecture" "sysctl sysctl.proc_translated" "-";
    VIRT_CPU_QUOTA Configuration "cores" "CPU quota of the control groups above; part of the key where there is one"
        "cpu.max, cpu.cfs_quota_us" "-" "-";
    VIRT_QUOTA_STOPS Counter "" "periods in which the group was stopped for its quota"
        "cpu.stat nr_throttled" "-" "-";
    LOAD_ONE State "" "load average over one minute"
        "/proc/loadavg" "sysctl vm.loadavg" "-";
    LOAD_RUNNABLE State "" "runnable tasks besides ourselves"
        "/proc/loadavg, fourth field" "-" "-";
    LOAD_BLOCKED State "" "tasks waiting for a disk"
        "/proc/stat procs_blocked" "-" "-";
    LOAD_BUSY_NOW State "cores" "cores that were busy during a short window in which we slept"
        "/proc/stat, two readings" "-" "-";
    LOAD_PROGRAMS State "" "kinds of programs under way that disturb a measurement"
        "/proc/*/comm against a list" "-" "-";
    LOAD_PRESSURE_CPU State "%" "tasks waiting for a core, average of 10 s"
        "/proc/pressure/cpu" "-" "-";
    LOAD_PRESSURE_NOW State "%" "tasks waiting for a core during the short window"
        "/proc/pressure/cpu total, two readings" "-" "-";
    LOAD_PRESSURE_MEMORY State "%" "tasks waiting for memory, average of 10 s"
        "/proc/pressure/memory" "-" "-";
    LOAD_PRESSURE_IO State "%" "tasks waiting for a disk, average of 10 s"
        "/proc/pressure/io" "-" "-";
    LOAD_STEAL Counter "ticks" "time stolen by the hypervisor"
        "/proc/stat, eighth field" "-" "-";
    LOAD_TICKS State "ticks" "all time of all CPUs since boot: what steal is a share of"
        "/proc/stat" "-" "-";
    LOAD_SWITCHES State "" "context switches of the system since boot"
        "/proc/stat ctxt" "-" "-";
    LOAD_INTERRUPTS State "" "interrupts since boot"
        "/proc/stat intr" "-" "-";
    THERMAL_THROTTLES Counter "" "thermal throttle events"
        "/sys/…/cpu*/thermal_throttle (Intel)" "-" "-";
    THERMAL_SPEED_LIMIT Marker "%" "speed that the system allows for heat or power"
        "-" "pmset -g therm CPU_Speed_Limit" "-";
    THERMAL_TEMPERATURE State "°C" "hottest sensor of the processor"
        "/sys/class/hwmon, /sys/class/thermal" "-" "-";
    PROCESS_AFFINITY Marker "" "CPUs that this process may run on"
        "/proc/self/status Cpus_allowed_list" "-" "-";
    PROCESS_NICE Marker "" "niceness of this process"
        "/proc/self/stat" "-" "-";
    PROCESS_POLICY Marker "" "scheduling policy of this process"
        "/proc/self/stat" "-" "-";
    PROCESS_TRACED Marker "" "whether a debugger or tracer holds this process"
        "/proc/self/status TracerPid" "-" "-";
    PROCESS_SECCOMP Marker "" "system call filter on this process"
        "/proc/self/status Seccomp" "-" "-";
    PROCESS_SPECULATION Marker "" "speculative store bypass of this process"
        "/proc/self/status" "-" "-";
    PROCESS_ENVIRONMENT Marker "" "variables that steer allocators, threads and loading, an allow-list"
        "the environment" "the environment" "the environment";
    PROCESS_ENVIRONMENT_SIZE Marker "B" "size of all variables; it shifts the stack"
        "the environment" "the environment" "the environment";
    DISK_FREE State "B" "free space of the disk that holds the store"
        "statvfs" "statvfs" "-";
    TOOLCHAIN_RUSTC Build "" "compiler version"
        "rustc -vV" "rustc -vV" "rustc -vV";
    TOOLCHAIN_COMMIT Marker "" "commit of the compiler"
        "rustc -vV" "rustc -vV" "rustc -vV";
    TOOLCHAIN_LLVM Build "" "LLVM version of that compiler"
        "rustc -vV" "rustc -vV" "rustc -vV";
    TOOLCHAIN_HOST Build "" "host triple of the compiler"
        "rustc -vV" "rustc -vV" "rustc -vV";
    TOOLCHAIN_CARGO Marker "" "cargo version"
        "cargo -V" "cargo -V" "cargo -V";
    BUILD_FLAGS Build "" "effective compiler flags; paths become digests"
        "cargo configuration and environment" "the same" "the same";
    BUILD_PROFILE Build "" "cargo profile and its settings"
        "cargo's build messages, the root manifest" "the same" "the same";
    BUILD_LTO Marker "" "link-time optimisation"
        "CARGO_PROFILE_*, the root manifest" "the same" "the same";
    BUILD_CODEGEN_UNITS Marker "" "code generation units"
        "CARGO_PROFILE_*, the root manifest" "the same" "the same";
    BUILD_OVERRIDES Marker "" "packages with a profile of their own"
        "the root manifest" "the same" "the same";
    BUILD_TARGET_CPU Build "" "processor that code is made for, native and the default resolved by the compiler"
        "the effective flags, rustc --print target-cpus" "the same" "the same";
    BUILD_FEATURES Build "" "features asked of cargo"
        "command line" "the same" "the same";
    BUILD_LOCK Marker "" "SHA-256 of Cargo.lock"
        "Cargo.lock" "the same" "the same";
    SOURCE_COMMIT Marker "" "commit that was measured"
        "git rev-parse" "the same" "the same";
    SOURCE_DIRTY Marker "" "whether the work tree differed from that commit"
        "git status --porcelain" "the same" "the same";
    SOURCE_BRANCH Marker "" "branch, if any"
        "git symbolic-ref" "the same" "the same";
    SOURCE_DESCRIBE Marker "" "nearest tag with distance"
        "git describe --tags" "the same" "the same";
    SOURCE_COMMIT_TIME Marker "" "time of the commit"
        "git show" "the same" "the same";
    HARNESS_CRITERION Configuration "" "version of Criterion that the benches spoke with; another one is not compared"
        "the benches' greeting" "the same" "the same";
    HARNESS_RUNNER Marker "" "version of bench-runner"
        "compiled in" "the same" "the same";
    PROBE_BACKEND Marker "" "what a suite's own probe says about the code path it runs"
        "the executable's probe" "the same" "the same";
    PROBE_SIGNING_BACKEND Marker "" "what a suite's own probe says about the library that signs"
        "the executable's probe" "the same" "the same";
    DOCTOR_GRADE Marker "" "grade of the doctor, A to X, at start and end of a run"
        "the checks" "the same" "the same";
    CANARY_CLOCK State "GHz" "clock of the core as a chain of dependent instructions shows it"
        "measured" "the same" "the same";
    CANARY_CONTENTION State "" "best time of a loop of independent instructions over its median; 1 is undisturbed"
        "measured" "the same" "the same";
    CANARY_THROUGHPUT State "op/ns" "best rate of that loop"
        "measured" "the same" "the same";
    CANARY_MEMORY State "ns" "time of one dependent read from 16 MiB"
        "measured" "the same" "the same";
    CANARY_TIMER State "ns" "cost of asking the monotonic clock"
        "measured" "the same" "the same";
    MACHINE_SYNTHETIC Marker "" "yes in the facts of a machine that was made up for a trial"
        "the generator" "the same" "the same";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_has_one_entry() {
        let source = include_str!("../fact.rs");
        let keys: BTreeSet<&str> = source
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub const ")?.split('"').nth(1))
            .collect();
        let told: BTreeSet<&str> = CATALOGUE.iter().map(|entry| entry.key).collect();
        assert_eq!(told, keys);
        assert_eq!(told.len(), CATALOGUE.len(), "a key has two entries");
        assert!(told.len() >= 100, "only {} facts", told.len());
    }

    #[test]
    fn what_moves_by_itself_is_known() {
        assert!(moves_by_itself(keys::LOAD_ONE) && moves_by_itself(keys::OS_UPTIME));
        assert!(!moves_by_itself(keys::POWER_MODE) && !moves_by_itself("no.such"));
    }
}
