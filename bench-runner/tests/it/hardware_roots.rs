//! Host trees: every fact of every tree has the status and value that its origin demands.
//!
//! See `tests/fixtures/roots/ORIGIN.md` for where the trees and the expectations come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bench_runner::analysis::{doctor, identity};
use bench_runner::hardware::{self, MACHINE_KEYS, OsKind, Root, Snapshot, World};
use bench_runner::model::fact::{Fact, FactStatus, Phase, known};
use bench_runner::process::RecordedRunner;

use super::hardware_support::{
    Host, TREES, expected, facts_of, folder, status_word, text_of, unchanged, value_words,
};

/// The trees of Linux machines of which something can be read.
fn linux() -> impl Iterator<Item = &'static str> {
    let other = |tree: &str| tree.starts_with("macos") || tree.starts_with("windows");
    TREES.iter().copied().filter(move |tree| !other(tree) && !["nothing", "locked-down"].contains(tree))
}

#[test]
fn every_fact_of_every_tree_is_as_its_origin_demands() {
    let mut wrong = Vec::new();
    let mut statuses: BTreeMap<&str, BTreeSet<FactStatus>> = BTreeMap::new();
    for tree in TREES {
        let (expected, _) = expected(tree);
        let facts = facts_of(tree, unchanged);
        let listed: Vec<&str> =
            MACHINE_KEYS.iter().copied().filter(|key| !expected.contains_key(*key)).collect();
        if !listed.is_empty() {
            wrong.push(format!("{tree}: not listed: {listed:?}"));
        }
        for (key, (status, value)) in &expected {
            let Some(fact) = facts.iter().find(|fact| fact.key == *key) else {
                wrong.push(format!("{tree}: {key} is no fact"));
                continue;
            };
            let key = MACHINE_KEYS.iter().find(|known| *known == key).unwrap();
            statuses.entry(key).or_default().insert(fact.status);
            let (is_status, is_value) = (status_word(fact.status), value_words(fact));
            if (&is_status, &is_value) != (status, value) {
                wrong.push(format!(
                    "{tree}: {key} should be {status} {value}, is {is_status} {is_value} ({})",
                    fact.source
                ));
            }
            assert!(!fact.source.is_empty(), "{tree}: {key} has no source");
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    for (key, statuses) in &statuses {
        assert!(statuses.iter().any(|status| status.is_known()), "{key} is known in no tree");
        // The architecture is compiled in: it is always known.
        let gap = statuses.iter().any(|status| !status.is_known() && *status != FactStatus::Placeholder);
        assert!(gap || *key == "cpu.arch", "{key} is missing in no tree");
    }
    assert!(TREES.len() >= 15 && statuses.len() == MACHINE_KEYS.len() && statuses.len() >= 60);
}

#[test]
fn every_tree_has_its_origin_and_every_status_occurs() {
    let origins = fs::read_to_string(folder().join("ORIGIN.md")).unwrap();
    let mut statuses = BTreeSet::new();
    for tree in TREES {
        let row = origins.lines().find(|line| line.contains(&format!("`{tree}`")));
        let row = row.unwrap_or_else(|| panic!("ORIGIN.md says nothing of {tree}"));
        assert!(row.contains("**recorded**") || row.contains("**written**"), "{row}");
        statuses.extend(facts_of(tree, unchanged).iter().map(|fact| fact.status));
    }
    assert_eq!(statuses.len(), 7, "{statuses:?}");
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(tree) = name.strip_suffix(".tree") {
            assert!(TREES.contains(&tree), "{tree} is not tested");
        }
    }
}

#[test]
fn identities_and_diagnoses_follow() {
    let mut wrong = Vec::new();
    for tree in TREES {
        let facts = facts_of(tree, unchanged);
        // Only some trees are judged for a suite with a parallel benchmark of four threads.
        let threads = ["cloud-guest", "docker-server", "kvm-guest"].contains(tree).then_some(4);
        let diagnosis = doctor::diagnose(&facts, &doctor::Inputs { threads, ..doctor::Inputs::default() });
        for (name, value) in expected(tree).1 {
            let is = match name.as_str() {
                "hw_class" => identity::hardware_class(&facts),
                "config" => identity::configuration(&facts),
                "check grade" => format!("{:?}", diagnosis.grade),
                check => {
                    let id = check.strip_prefix("check ").unwrap();
                    let outcome = diagnosis.checks.iter().find(|outcome| outcome.id == id).unwrap();
                    serde_json::to_value(outcome.state).unwrap().as_str().unwrap().to_owned()
                }
            };
            if is != value {
                wrong.push(format!("{tree}: {name} should be {value}, is {is}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_two_machines_share_a_class() {
    // Trees of one machine in several modes.
    let twins =
        ["intel-laptop-battery", "macos-intel-low-power", "windows-own-scheme", "windows-saver-german"];
    let machines: Vec<&&str> = TREES.iter().filter(|tree| !twins.contains(tree)).collect();
    let classes: BTreeSet<String> =
        machines.iter().map(|tree| identity::hardware_class(&facts_of(tree, unchanged))).collect();
    assert_eq!(classes.len(), machines.len(), "{classes:?}");
    for (twin, of) in [
        ("intel-laptop-battery", "intel-laptop-mains"),
        ("macos-intel-low-power", "macos-intel-normal"),
        ("windows-own-scheme", "windows-balanced"),
        ("windows-saver-german", "windows-balanced"),
    ] {
        let [twin, of] = [twin, of].map(|tree| identity::identify(&facts_of(tree, unchanged), b"id", None));
        assert_eq!((&twin.hw_class, &twin.machine), (&of.hw_class, &of.machine));
        assert_ne!(twin.config, of.config, "another mode of one machine is another configuration");
    }
}

/// The tree after the `n`-th reboot: another kernel, release, clock and microcode, and a little more or less memory.
fn rebooted(text: &str, n: u64) -> String {
    let total: u64 = text
        .split_once("MemTotal:")
        .and_then(|(_, rest)| rest.trim_start().split_once(' ')?.0.parse().ok())
        .unwrap();
    // The kernel keeps a few more or fewer megabytes for itself.
    let reserved = format!("=== proc/meminfo\nMemTotal:       {} kB\n", total - 2_500 * n);
    let release = format!("=== proc/sys/kernel/osrelease\n7.{n}.0-next-");
    let name = format!("=== etc/os-release\nPRETTY_NAME=\"Another {n}\"\n");
    let changes = [
        ("=== proc/sys/kernel/osrelease\n", release.as_str()),
        ("=== proc/uptime\n", "=== proc/uptime\n1"),
        ("=== proc/meminfo\n", reserved.as_str()),
        ("=== etc/os-release\n", name.as_str()),
        ("=== proc/stat\n", "=== proc/stat\nbtime 1\n"),
        ("microcode\t: 0x", "microcode\t: 0x9"),
        ("cpu MHz\t\t: ", "cpu MHz\t\t: 1"),
    ];
    changes.iter().fold(text.to_owned(), |text, (from, to)| text.replacen(from, to, 1))
}

#[test]
fn twenty_reboots_with_updates_make_no_new_machine() {
    for tree in linux() {
        let text = text_of(tree);
        let mut host = Host::new(&text);
        let before = identity::identify(&host.facts(), b"id", None);
        for n in 1..=20 {
            host.become_like(&rebooted(&text, n));
            let facts = host.facts();
            assert_eq!(known(&facts, "os.name").unwrap(), format!("Another {n}"), "{tree} was not changed");
            assert_eq!(identity::identify(&facts, b"id", None), before, "{tree}, reboot {n}");
        }
    }
}

/// Facts may appear and vanish with a reader or a kernel: the machine and its class stay.
#[test]
fn a_fact_that_turns_known_makes_no_new_machine() {
    let class =
        ["cpu.arch", "cpu.model", "cpu.vendor", "cpu.signature", "cpu.cores", "memory.total", "virtual"];
    for tree in TREES.iter().filter(|tree| **tree != "nothing") {
        let facts = facts_of(tree, unchanged);
        let before = identity::identify(&facts, b"id", None);
        for place in 0..facts.len() {
            if class.iter().any(|part| facts[place].key.starts_with(part)) {
                continue;
            }
            for status in [FactStatus::Hidden, FactStatus::Unknown, FactStatus::Denied] {
                let mut less = facts.clone();
                (less[place].status, less[place].value) = (status, None);
                let after = identity::identify(&less, b"id", None);
                assert_eq!((&after.hw_class, &after.machine), (&before.hw_class, &before.machine), "{tree}");
            }
        }
        // What the class is made of beside a brand: each of them may be missing without another key.
        let without =
            |key: &str| -> Vec<Fact> { facts.iter().filter(|fact| fact.key != key).cloned().collect() };
        let machine = identity::identify(&without("memory.total"), b"id", None).machine;
        assert_eq!(machine, before.machine, "{tree}: the machine never depends on a fact");
    }
}

#[test]
fn switches_change_the_configuration_and_not_the_machine() {
    let check = |tree: &str, changes: &[(&str, &str)]| {
        let before = identity::identify(&facts_of(tree, unchanged), b"id", None);
        let change = |text: String| {
            changes.iter().fold(text, |text, (from, to)| {
                assert!(text.contains(from), "{tree} has no {from}");
                text.replace(from, to)
            })
        };
        let after = identity::identify(&facts_of(tree, change), b"id", None);
        assert_eq!(
            (&after.hw_class, &after.machine),
            (&before.hw_class, &before.machine),
            "{tree}: {changes:?}"
        );
        assert_ne!(after.config, before.config, "{tree}: {changes:?}");
    };
    check("intel-laptop-mains", &[("@usable 8", "@usable 4")]);
    check("intel-laptop-mains", &[("platform_profile\nbalanced", "platform_profile\nlow-power")]);
    check(
        "intel-laptop-mains",
        &[("AC/online\n1", "AC/online\n0"), ("status\nCharging", "status\nDischarging")],
    );
    check("intel-laptop-mains", &[("no_turbo\n0", "no_turbo\n1")]);
    check("amd-laptop", &[("get\npower-saver", "get\nbalanced")]);
    check("macos-intel-normal", &[(" lowpowermode         0", " lowpowermode         1")]);
    // SMT off: the siblings go offline and each core is listed alone.
    check(
        "intel-laptop-mains",
        &[
            ("smt/control\non", "smt/control\noff"),
            ("smt/active\n1", "smt/active\n0"),
            ("cpu/online\n0-7", "cpu/online\n0-3"),
            ("cpu{0,4}/topology/core_cpus_list\n0,4", "cpu{0}/topology/core_cpus_list\n0"),
            ("cpu{1,5}/topology/core_cpus_list\n1,5", "cpu{1}/topology/core_cpus_list\n1"),
            ("cpu{2,6}/topology/core_cpus_list\n2,6", "cpu{2}/topology/core_cpus_list\n2"),
            ("cpu{3,7}/topology/core_cpus_list\n3,7", "cpu{3}/topology/core_cpus_list\n3"),
            ("@usable 8", "@usable 4"),
        ],
    );
    check("amd-desktop", &[("smt/active\n0", "smt/active\n1")]);
    check("cloud-guest", &[("@usable 2", "@usable 1")]);
    // A quota alone, even one that leaves the number of usable threads as it is.
    check("cloud-guest", &[("cpu.max\n150000 100000", "cpu.max\n180000 100000")]);
    check("two-socket-server", &[("cpu.max\nmax 100000", "cpu.max\n4000000 100000")]);
    check("amd-desktop", &[("scaling_governor\nperformance", "scaling_governor\nschedutil")]);
}

#[test]
fn pulling_the_plug_is_seen() {
    let check = |online: &str, status: &str, expected: Option<&str>| {
        let facts = facts_of("intel-laptop-mains", |text| {
            text.replace("AC/online\n1", &format!("AC/online\n{online}"))
                .replace("BAT0/status\nCharging", &format!("BAT0/status\n{status}"))
        });
        assert_eq!(known(&facts, "power.source").as_deref(), expected, "{online} {status}");
    };
    check("1", "Full", Some("mains"));
    check("1", "Discharging", Some("mains"));
    check("0", "Discharging", Some("battery"));
    // Charging without the adapter that is listed: another one feeds it.
    check("0", "Charging", Some("mains"));
    check("0", "Unknown", Some("battery"));
}

#[test]
fn hostile_contents_never_stop_a_capture() {
    let hostile = [
        "",
        "\u{0}",
        "-1",
        "99999999999999999999999999",
        "NaN inf",
        "\u{202e}[x] 1/2 : = \n a:b:c - d",
        "🦀",
    ];
    for tree in ["kvm-guest", "intel-laptop-mains", "cloud-guest", "macos-m1", "windows-balanced"] {
        for content in hostile {
            let facts = facts_of(tree, |text| {
                let mut parts = text.split("\n=== ");
                let head = parts.next().unwrap().to_owned();
                parts.fold(head, |all, part| {
                    let path = part.split_once('\n').map_or(part, |(path, _)| path);
                    format!("{all}\n=== {path}\n{content}")
                })
            });
            assert_eq!(facts.len(), MACHINE_KEYS.len());
            let diagnosis = doctor::diagnose(&facts, &doctor::Inputs::default());
            assert_ne!(diagnosis.grade, doctor::Grade::A, "{tree} {content:?}");
            for key in ["load.one", "os.aslr", "load.steal", "process.traced", "frequency.maximum"] {
                assert_eq!(known(&facts, key), None, "{tree} {key} {content:?}");
            }
        }
    }
}

#[test]
fn silent_programs_leave_every_fact_unknown_or_without_meaning() {
    for os in [OsKind::MacOs, OsKind::Windows, OsKind::Linux, OsKind::Other] {
        let world = World {
            root: &Root::new(Path::new("/nonexistent")),
            os,
            runner: &RecordedRunner::new(),
            folder: Path::new("."),
            rustc: "rustc",
            cargo: "cargo",
            snapshot: &Snapshot::default(),
        };
        let facts = hardware::capture(&world, Phase::Start);
        assert_eq!(facts.len(), MACHINE_KEYS.len());
        for fact in &facts {
            assert!(
                matches!(fact.status, FactStatus::Unknown | FactStatus::NotApplicable),
                "{os:?}: {fact:?}"
            );
            assert!(fact.value.is_none() && !fact.source.is_empty(), "{os:?}: {fact:?}");
        }
    }
}

#[test]
fn nothing_personal_is_captured() {
    for tree in TREES {
        let facts = facts_of(tree, |text| {
            let canaries = "\n=== etc/hostname\ncanary\n=== proc/sys/kernel/hostname\ncanary\n\
                            === sys/class/dmi/id/product_uuid\ncanary\n=== sys/class/dmi/id/product_serial\ncanary\n\
                            === proc/self/environ\ncanary\n=== proc/77/stat\n77 (canary) R 1 1 1 0\n\
                            === proc/cmdline\nroot=/dev/canary host=canary ip=1.2.3.4::canary isolcpus=/canary";
            let text = text.replace("session-2.scope", "canary.scope").replace("4f2a", "canary");
            if text.contains("@os ") { text } else { text + canaries }
        });
        let json = serde_json::to_string(&facts).unwrap();
        assert!(!json.to_lowercase().contains("canary"), "{tree}: {json}");
        assert!(!json.contains("00112233445566778899aabbccddeeff"), "{tree}");
        assert!(!json.contains("4653155"), "{tree}: the identifier of the battery is kept");
        assert!(!json.contains("/tmp"), "{tree}: the root's own place is told");
    }
}
