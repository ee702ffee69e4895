//! What the standard library and `sysinfo` say about the running machine, taken once and handed on as data.
//!
//! Only what `sysinfo` reports truthfully is taken: not its frequency, which is the time-stamp counter's rate in
//! a guest, and not its host name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::sheet::{Outcome, Sheet, count, text};
use crate::model::fact::{FactValue, keys};

/// Values that do not come from files below the root.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Architecture that this program was compiled for.
    pub arch: String,
    /// Threads that the process may run at once: affinity and control group quota, rounded as std does.
    pub usable: Option<usize>,
    /// Physical cores.
    pub cores_physical: Option<usize>,
    /// Logical cores.
    pub cores_logical: Option<usize>,
    /// Total memory in bytes.
    pub memory_total: Option<u64>,
    /// Available memory in bytes.
    pub memory_available: Option<u64>,
    /// Total swap in bytes.
    pub swap: Option<u64>,
    /// Name and version of the operating system.
    pub os: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Seconds since boot.
    pub uptime: Option<u64>,
    /// Load average over one minute.
    pub load: Option<f64>,
    /// Free space of the disk that holds the store, in bytes.
    pub disk_free: Option<u64>,
    /// Name that the hypervisor gives itself in CPUID leaf 0x40000000, for example `KVMKVMKVM`.
    pub hypervisor_signature: Option<String>,
    /// Size of a page in bytes.
    pub page_size: Option<u64>,
    /// What of the environment may be told.
    pub environment: Option<Environment>,
}

/// What of the environment may be told: its size, and the settings of an allow-list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Bytes of all names and values with their separators, as they lie above the stack.
    pub size: u64,
    /// `NAME=value` where the value is a plain word or number, otherwise `NAME is set`; sorted.
    pub steering: Vec<String>,
}

/// Variables that steer allocators, thread pools and the loading of libraries.
const STEERING: &[&str] = &[
    "DYLD_INSERT_LIBRARIES",
    "GLIBC_TUNABLES",
    "GOMAXPROCS",
    "LD_BIND_NOW",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "MALLOC_CONF",
    "MALLOC_PERTURB_",
    "MIMALLOC_LARGE_OS_PAGES",
    "OMP_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "RUST_MIN_STACK",
    "TOKIO_WORKER_THREADS",
    "_RJEM_MALLOC_CONF",
];

impl Environment {
    /// Takes what may be told from all `variables`.
    #[must_use]
    pub fn of(variables: &BTreeMap<OsString, OsString>) -> Self {
        // `NAME=value` and the byte that ends it.
        let size = variables.iter().map(|(name, value)| (name.len() + value.len() + 2) as u64).sum();
        let told = |name: &&str| {
            let value = variables.get(&OsString::from(name))?;
            // Only short numbers and switches are told: anything else could be a path or a secret.
            let value = value.to_str().filter(|value| {
                (1..=4).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
            Some(value.map_or_else(|| format!("{name} is set"), |value| format!("{name}={value}")))
        };
        Self { size, steering: STEERING.iter().filter_map(told).collect() }
    }
}

impl Snapshot {
    /// Asks the running machine; `store` is a folder on the disk that will hold the store.
    #[must_use]
    pub fn take(store: &Path) -> Self {
        let wanted = RefreshKind::nothing()
            .with_memory(MemoryRefreshKind::everything())
            .with_cpu(CpuRefreshKind::nothing());
        let system = System::new_with_specifics(wanted).ok();
        let above_zero = |read: fn(&System) -> u64| system.as_ref().map(read).filter(|bytes| *bytes > 0);
        Self {
            arch: std::env::consts::ARCH.to_owned(),
            usable: std::thread::available_parallelism().ok().map(Into::into),
            cores_physical: System::physical_core_count().ok(),
            cores_logical: system.as_ref().map(|system| system.cpus().len()).filter(|count| *count > 0),
            memory_total: above_zero(System::total_memory),
            memory_available: above_zero(System::available_memory),
            swap: system.as_ref().map(System::total_swap),
            os: operating_system(),
            kernel: System::kernel_version().ok(),
            uptime: System::uptime().ok(),
            load: System::load_average().ok().map(|load| load.one),
            disk_free: disk_free(store),
            hypervisor_signature: hypervisor_signature(),
            page_size: page_size(),
            environment: None,
        }
    }

    /// The same snapshot with what `variables` may tell.
    #[must_use]
    pub fn with_environment(mut self, variables: &BTreeMap<OsString, OsString>) -> Self {
        self.environment = Some(Environment::of(variables));
        self
    }

    /// Writes what the readers of the system left open.
    pub(super) fn fill(&self, sheet: &mut Sheet) {
        let mut put = |key, value: Option<FactValue>, source: &str, missing: &str| {
            let outcome = value.map_or_else(|| Outcome::unknown(missing), |value| Outcome::ok(value, source));
            sheet.put_if_unknown(key, outcome);
        };
        let arch = (!self.arch.is_empty()).then(|| text(self.arch.clone()));
        put(keys::CPU_ARCH, arch, "architecture this program was compiled for", "not stated");
        let usable = "std available_parallelism (affinity and control group quota)";
        put(
            keys::CPU_CORES_USABLE,
            self.usable.map(count),
            usable,
            "std available_parallelism gave no answer",
        );
        let silent = "sysinfo gave no answer";
        put(keys::CPU_CORES_PHYSICAL, self.cores_physical.map(count), "sysinfo", silent);
        put(keys::CPU_CORES_LOGICAL, self.cores_logical.map(count), "sysinfo", silent);
        put(keys::MEMORY_TOTAL, self.memory_total.map(count), "sysinfo", silent);
        put(keys::MEMORY_AVAILABLE, self.memory_available.map(count), "sysinfo", silent);
        put(keys::MEMORY_SWAP, self.swap.map(count), "sysinfo", silent);
        put(keys::OS_NAME, self.os.clone().map(text), "sysinfo", silent);
        put(keys::OS_KERNEL, self.kernel.clone().map(text), "sysinfo", silent);
        put(keys::OS_UPTIME, self.uptime.map(count), "sysinfo", silent);
        put(keys::LOAD_ONE, self.load.map(FactValue::Number), "sysinfo", silent);
        let disk = "statvfs of the folder of the store";
        put(keys::DISK_FREE, self.disk_free.map(count), disk, "free space could not be read on this system");
        put(keys::MEMORY_PAGE, self.page_size.map(count), "sysconf", "not asked on this system");
        let environment = self.environment.as_ref();
        let unseen = "the environment was not handed over";
        let size = environment.map(|environment| count(environment.size));
        put(keys::PROCESS_ENVIRONMENT_SIZE, size, "names and values of all variables", unseen);
        let steering = environment.map(|environment| FactValue::List(environment.steering.clone()));
        put(keys::PROCESS_ENVIRONMENT, steering, "an allow-list of variables", unseen);
    }
}

#[cfg(unix)]
fn page_size() -> Option<u64> {
    u64::try_from(rustix::param::page_size()).ok()
}

#[cfg(not(unix))]
fn page_size() -> Option<u64> {
    None
}

fn operating_system() -> Option<String> {
    let name = System::name().ok()?;
    Some(System::os_version().map_or_else(|_| name.clone(), |version| format!("{name} {version}")))
}

/// Free bytes for an unprivileged user on the disk of `folder`, or of its nearest ancestor that exists.
#[cfg(unix)]
fn disk_free(folder: &Path) -> Option<u64> {
    let existing = folder.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("."));
    let status = rustix::fs::statvfs(existing).ok()?;
    status.f_bavail.checked_mul(status.f_frsize)
}

#[cfg(not(unix))]
fn disk_free(_folder: &Path) -> Option<u64> {
    None
}

/// CPUID: leaf 1, ECX bit 31 says that there is a hypervisor, leaf 0x40000000 says which.
#[cfg(target_arch = "x86_64")]
fn hypervisor_signature() -> Option<String> {
    use core::arch::x86_64::__cpuid;

    if __cpuid(1).ecx >> 31 == 0 {
        return None;
    }
    let leaf = __cpuid(0x4000_0000);
    let bytes: Vec<u8> = [leaf.ebx, leaf.ecx, leaf.edx].iter().flat_map(|word| word.to_le_bytes()).collect();
    let signature: String =
        bytes.into_iter().filter(|byte| byte.is_ascii_graphic() || *byte == b' ').map(char::from).collect();
    Some(signature.trim().to_owned()).filter(|signature| !signature.is_empty())
}

#[cfg(not(target_arch = "x86_64"))]
fn hypervisor_signature() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_its_size_and_no_secret() {
        let variables: BTreeMap<OsString, OsString> = [
            ("RAYON_NUM_THREADS", "4"),
            ("LD_PRELOAD", "/home/canary/lib.so"),
            ("RUST_LOG", "canary"),
            ("CANARY_TOKEN", "1234"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        let told = Environment::of(&variables);
        assert_eq!(told.steering, ["LD_PRELOAD is set", "RAYON_NUM_THREADS=4", "RUST_LOG is set"]);
        assert_eq!(told.size, 20 + 31 + 16 + 18);
        assert!(!format!("{told:?}").to_lowercase().contains("canary"));
    }
}
