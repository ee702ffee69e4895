//! Which kinds of programs are under way that disturb a measurement.
//!
//! Names of processes are compared with a list and never kept; only kinds and their numbers are. Our own process and
//! those that started it do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::Host;
use crate::hardware::sheet::{Outcome, Sheet};
use crate::model::fact::{FactValue, keys};

/// Most processes that are looked at.
const LIMIT: usize = 2048;

/// Kinds by the name of the program (at most 15 characters, as the kernel keeps it), and whether a sleeping one counts:
/// compilers sleep only while they wait for each other.
const KINDS: &[(&str, bool, &[&str])] = &[
    ("antivirus", false, &["clamscan", "clamdscan", "clamd", "freshclam"]),
    ("backup", false, &["borg", "duplicity", "restic", "rsync"]),
    ("benchmark", false, &["bench-runner", "hyperfine", "sysbench", "stress", "stress-ng"]),
    ("browser", false, &["chrome", "chromium", "firefox", "Web Content"]),
    (
        "compiler",
        true,
        &["cc1", "cc1plus", "clang", "clang++", "collect2", "ghc", "ld", "ld.lld", "lto1", "rustc"],
    ),
    ("container engine", false, &["containerd", "dockerd", "podman"]),
    ("indexer", false, &["baloo_file", "tracker-extract", "tracker-miner-f", "updatedb", "updatedb.mlocat"]),
    (
        "package manager",
        false,
        &["apt-get", "aptd", "dnf", "dpkg", "packagekitd", "pacman", "unattended-upgr"],
    ),
    ("virtual machine", false, &["qemu-system-aar", "qemu-system-x86", "VBoxHeadless"]),
];

/// Writes the fact.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    sheet.put(keys::LOAD_PROGRAMS, programs(host));
}

fn programs(host: &Host<'_>) -> Outcome {
    let processes: Vec<u32> =
        host.root.list("proc").iter().filter_map(|name| name.parse().ok()).take(LIMIT).collect();
    if processes.is_empty() {
        return Outcome::unknown("/proc shows no process");
    }
    let ours = ours(host);
    let mut found: BTreeMap<&str, u32> = BTreeMap::new();
    for process in processes.into_iter().filter(|process| !ours.contains(process)) {
        let Some((name, state, _)) = stat(host, &process.to_string()) else { continue };
        let kind = KINDS.iter().find(|(_, _, names)| names.contains(&name.as_str()));
        if let Some((kind, sleeping_too, _)) = kind
            && (*sleeping_too && state != 'Z' || matches!(state, 'R' | 'D'))
        {
            *found.entry(kind).or_default() += 1;
        }
    }
    let list = found.into_iter().map(|(kind, number)| format!("{kind} {number}")).collect();
    Outcome::ok(FactValue::List(list), "/proc/*/stat, names against a list of kinds")
}

/// This process and those that started it.
fn ours(host: &Host<'_>) -> BTreeSet<u32> {
    let mut ours = BTreeSet::new();
    let own = host.root.read("proc/self/stat");
    let mut next = own.text().and_then(|line| line.split(' ').next()?.parse::<u32>().ok());
    while let Some(process) = next.filter(|process| *process > 0) {
        if !ours.insert(process) {
            break;
        }
        next = stat(host, &process.to_string()).map(|(_, _, parent)| parent);
    }
    ours
}

/// Name, state and parent from `pid (name) S parent …` (`proc(5)`); the name may hold brackets and spaces.
fn stat(host: &Host<'_>, process: &str) -> Option<(String, char, u32)> {
    let reading = host.root.read(&format!("proc/{process}/stat"));
    let (before, after) = reading.text()?.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let mut fields = after.split_whitespace();
    Some((name, fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
