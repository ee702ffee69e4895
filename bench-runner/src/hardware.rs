//! Edge: facts about the machine and its toolchain, each with a value, a status and a source.
//!
//! [`capture`] is total: it never fails, and every key of [`MACHINE_KEYS`] is present whatever could be read.
//! Unknown is never "off": what a hypervisor does not show is `hidden`, what it makes up is `placeholder`.
//! The machine is only read, never changed; host name, user, serial numbers and paths are not read at all.
//!
//! The Linux readers were run on a KVM guest only; laptops, desktops and containers are covered by written
//! fixtures. The readers of macOS and Windows are parsers of the output of `sysctl`, `pmset`, `sw_vers`, `reg`
//! and `powercfg` as documented: they are tested everywhere, and were never run on those systems.

mod linux;
mod machine_id;
mod macos;
mod program;
mod root;
mod sheet;
mod snapshot;
mod toolchain;
mod window;
mod windows;

use std::path::Path;

pub use machine_id::machine_id;
pub use root::{Reading, Root};
pub use sheet::MACHINE_KEYS;
pub use snapshot::{Environment, Snapshot};
pub use window::{WINDOW_KEYS, Window};

use self::sheet::{Outcome, Sheet, text};
use crate::model::fact::{self, Fact, FactStatus, FactValue, Phase, keys};
use crate::process::ProcessRunner;

/// Which readers apply. A value and not a `cfg`, so that all of them are tested everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OsKind {
    /// Files of `/proc` and `/sys`.
    Linux,
    /// `sysctl`, `pmset`, `sw_vers`.
    MacOs,
    /// `reg`, `powercfg`.
    Windows,
    /// Only what the snapshot tells.
    Other,
}

impl OsKind {
    /// The system that this program was compiled for.
    #[must_use]
    pub fn current() -> Self {
        match std::env::consts::OS {
            "linux" => Self::Linux,
            "macos" => Self::MacOs,
            "windows" => Self::Windows,
            _ => Self::Other,
        }
    }
}

/// Everything that a capture may look at.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Root of the file system: `/`, or a fixture.
    pub root: &'a Root,
    /// Which readers apply.
    pub os: OsKind,
    /// Starts the few programs that are asked.
    pub runner: &'a dyn ProcessRunner,
    /// Folder in which `rustc` and `cargo` are asked, because a toolchain file there decides which answer.
    pub folder: &'a Path,
    /// The compiler, normally `rustc`, or what the `RUSTC` variable says.
    pub rustc: &'a str,
    /// Cargo, normally `cargo`.
    pub cargo: &'a str,
    /// What the standard library and `sysinfo` say about the running machine.
    pub snapshot: &'a Snapshot,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("os", &self.os).finish_non_exhaustive()
    }
}

/// Reads every fact about the machine and its toolchain.
///
/// # Edge cases
/// Total: a machine on which nothing can be read gives all keys of [`MACHINE_KEYS`] with the reasons why.
#[must_use]
pub fn capture(world: &World<'_>, phase: Phase) -> Vec<Fact> {
    let mut sheet = Sheet::new(phase);
    match world.os {
        OsKind::Linux => linux::collect(world, &mut sheet),
        OsKind::MacOs => macos::collect(world, &mut sheet),
        OsKind::Windows => windows::collect(world, &mut sheet),
        OsKind::Other => {}
    }
    world.snapshot.fill(&mut sheet);
    note_modelless_brand(&mut sheet);
    toolchain::collect(world, &mut sheet);
    sheet.into_facts(MACHINE_KEYS, "no reader for this system")
}

/// Counters that are read around each launch.
const LAUNCH_COUNTERS: &[&str] = &[keys::LOAD_STEAL, keys::LOAD_TICKS, keys::VIRT_QUOTA_STOPS];

/// Reads only the counters around a launch: a few small files, no program.
#[must_use]
pub fn counters(root: &Root, os: OsKind, phase: Phase) -> Vec<Fact> {
    let mut sheet = Sheet::new(phase);
    if os == OsKind::Linux {
        linux::counters(root, &mut sheet);
    }
    sheet.into_facts(LAUNCH_COUNTERS, "no reader for this system")
}

/// A brand string without a model number is what a hypervisor shows for many different processors.
fn note_modelless_brand(sheet: &mut Sheet) {
    let Some(brand) = sheet.known_text(keys::CPU_MODEL) else { return };
    if is_modelless(&brand) {
        let source = "brand string without a model number; family, model and stepping identify this CPU";
        sheet.put(keys::CPU_MODEL, Outcome::placeholder(text(brand), source));
    }
}

/// Whether `brand` names a family only, such as `AMD EPYC`, or is a name that QEMU makes up.
fn is_modelless(brand: &str) -> bool {
    let lower = brand.to_lowercase();
    let made_up = ["common kvm processor", "common 32-bit kvm processor", "qemu virtual cpu"];
    if made_up.iter().any(|name| lower.contains(name)) {
        return true;
    }
    let families = ["amd epyc", "intel(r) xeon(r)", "intel xeon", "amd ryzen", "intel core"];
    let rest = families.iter().find_map(|family| lower.strip_prefix(family));
    rest.is_some_and(|rest| {
        let before_clock = rest.split('@').next().unwrap_or_default();
        !before_clock.chars().any(|character| character.is_ascii_digit())
    })
}

/// Keys of counters that only ever rise while a machine is up.
const COUNTERS: &[&str] = &[
    keys::MEMORY_SWAPPED,
    keys::VIRT_QUOTA_STOPS,
    keys::LOAD_STEAL,
    keys::LOAD_TICKS,
    keys::LOAD_SWITCHES,
    keys::LOAD_INTERRUPTS,
    keys::THERMAL_THROTTLES,
];

/// How far each counter rose from the facts of phase `start` to those of phase `end`.
///
/// # Edge cases
/// A counter that is missing on either side, or that fell, gives an `unknown` difference with the reason.
#[must_use]
pub fn deltas(start: &[Fact], end: &[Fact]) -> Vec<Fact> {
    let mut sheet = Sheet::new(Phase::Delta);
    for key in COUNTERS {
        let before = fact::find(start, key, Phase::Start);
        let after = fact::find(end, key, Phase::End);
        sheet.put(key, difference(before, after));
    }
    sheet.into_facts(COUNTERS, "not a counter")
}

fn difference(before: Option<&Fact>, after: Option<&Fact>) -> Outcome {
    let number = |fact: Option<&Fact>| match fact {
        Some(Fact { value: Some(FactValue::Integer(number)), status, .. }) if status.is_known() => {
            Some(*number)
        }
        _ => None,
    };
    match (number(before), number(after)) {
        (Some(before), Some(after)) if after >= before => {
            Outcome::derived(FactValue::Integer(after - before), "end minus start")
        }
        (Some(_), Some(_)) => Outcome::unknown("the counter fell between start and end"),
        _ => match before.map(|fact| fact.status) {
            Some(FactStatus::Hidden) => Outcome::hidden("the counter is hidden"),
            Some(FactStatus::NotApplicable) => Outcome::not_applicable("there is no such counter here"),
            _ => Outcome::unknown("the counter was not read at start and end"),
        },
    }
}

#[cfg(test)]
mod tests;
