//! Linux: small files of `/proc` and `/sys`, read below a root.
//!
//! One file per theme; this one decides what kind of machine it is, because that decides what a missing file
//! means: hidden in a guest, unknown elsewhere.

mod board;
mod cgroup;
mod cpu;
mod cpuinfo;
mod frequency;
mod kernel;
mod load;
mod power;
mod process;
mod programs;
mod system;
mod topology;
mod virtualisation;

use super::World;
use super::root::{Reading, Root};
use super::sheet::{Outcome, Sheet, text};
use cpuinfo::CpuInfo;

pub(super) use board::is_filler;
pub(super) use load::window;

/// What the readers share.
struct Host<'a> {
    root: &'a Root,
    cpuinfo: CpuInfo,
    /// Why `/proc/cpuinfo` gave nothing.
    cpuinfo_failure: Option<Outcome>,
    /// Name of the hypervisor when this certainly is a guest.
    guest: Option<String>,
    /// Name of the container runtime when there is a mark of one.
    container: Option<String>,
    /// Indices of the CPUs that `/sys` lists.
    cpus: Vec<u32>,
}

/// Writes every fact that Linux files tell.
pub(super) fn collect(world: &World<'_>, sheet: &mut Sheet) {
    let reading = world.root.read_beginning("proc/cpuinfo", 1 << 20);
    let cpuinfo = CpuInfo::parse(reading.text().unwrap_or_default());
    let mut host = Host {
        root: world.root,
        cpuinfo_failure: Outcome::of_failure(&reading, "/proc/cpuinfo"),
        cpuinfo,
        guest: None,
        container: None,
        cpus: cpu_indices(world.root),
    };
    virtualisation::collect(&mut host, world.snapshot, sheet);
    cpu::collect(&host, sheet);
    topology::collect(&host, sheet);
    board::collect(&host, sheet);
    frequency::collect(&host, sheet);
    power::collect(&host, world, sheet);
    system::collect(&host, sheet);
    kernel::collect(&host, sheet);
    process::collect(&host, sheet);
    programs::collect(&host, sheet);
    load::collect(&host, sheet);
    cgroup::collect(&host, sheet);
}

/// Writes the facts that are cheap enough to be read around each launch: load and control groups.
pub(super) fn counters(root: &Root, sheet: &mut Sheet) {
    let host = Host {
        root,
        cpuinfo: CpuInfo::parse(""),
        cpuinfo_failure: None,
        guest: None,
        container: None,
        cpus: Vec::new(),
    };
    load::collect(&host, sheet);
    cgroup::collect(&host, sheet);
}

impl Host<'_> {
    /// The outcome of a file or folder that is not there: hidden in a guest, otherwise unknown.
    ///
    /// A guest has a kernel of its own, so that a missing file of `/proc` is never the hypervisor's doing.
    fn missing(&self, path: &str) -> Outcome {
        match &self.guest {
            Some(name)
                if ["/sys/devices", "/sys/firmware", "/sys/class"]
                    .iter()
                    .any(|folder| path.starts_with(folder)) =>
            {
                Outcome::hidden(format!("{path} is missing: the hypervisor ({name}) does not show it"))
            }
            _ => Outcome::unknown(format!("{path} is missing")),
        }
    }

    /// Like [`Host::missing`], for files that container runtimes mask.
    fn missing_or_masked(&self, path: &str) -> Outcome {
        match (&self.guest, &self.container) {
            (None, Some(name)) => {
                Outcome::hidden(format!("{path} is missing: the container ({name}) masks it"))
            }
            _ => self.missing(path),
        }
    }

    /// The text at `path`, or the outcome that says why there is none.
    fn read(&self, path: &str) -> Result<String, Outcome> {
        let reading = self.root.read(path);
        match &reading {
            Reading::Text(words) if words.is_empty() => Err(Outcome::unknown(format!("/{path} is empty"))),
            Reading::Text(words) => Ok(words.clone()),
            Reading::Absent => Err(self.missing(&format!("/{path}"))),
            Reading::Denied | Reading::Malformed(_) => {
                Err(Outcome::of_failure(&reading, &format!("/{path}"))
                    .unwrap_or_else(|| Outcome::unknown(path)))
            }
        }
    }

    /// The text at `path` as a fact of words.
    fn words(&self, path: &str) -> Outcome {
        match self.read(path) {
            Ok(words) => Outcome::ok(text(words), format!("/{path}")),
            Err(outcome) => outcome,
        }
    }

    /// The sorted, distinct texts of `cpu*/leaf` over all CPUs, joined by `+`; `None` without any.
    fn across_cpus(&self, leaf: &str) -> Option<String> {
        let mut words: Vec<String> = self
            .cpus
            .iter()
            .filter_map(|index| {
                let reading = self.root.read(&format!("sys/devices/system/cpu/cpu{index}/{leaf}"));
                reading.text().filter(|words| !words.is_empty()).map(str::to_owned)
            })
            .collect();
        words.sort();
        words.dedup();
        (!words.is_empty()).then(|| words.join("+"))
    }
}

fn cpu_indices(root: &Root) -> Vec<u32> {
    let names = root.list("sys/devices/system/cpu");
    let mut indices: Vec<u32> =
        names.iter().filter_map(|name| name.strip_prefix("cpu")?.parse().ok()).collect();
    indices.sort_unstable();
    indices
}

/// Number of CPUs in a list such as `0-3,8-11`.
fn count_list(list: &str) -> Option<u32> {
    list.trim().split(',').try_fold(0_u32, |sum, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted() {
        let check = |list: &str, expected: Option<u32>| assert_eq!(count_list(list), expected, "{list:?}");
        check("0", Some(1));
        check("0-7", Some(8));
        check("0-3,8-11\n", Some(8));
        check("0,2", Some(2));
        check("", None);
        check("7-0", None);
        check("0-x", None);
        check("0-4294967295,1", None);
    }
}
