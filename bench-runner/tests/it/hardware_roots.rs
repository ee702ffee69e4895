//! Host trees: every fact of every tree has the status and value that its origin demands.
//!
//! See `tests/fixtures/roots/ORIGIN.md` for where the trees and the expectations come from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bench_runner::analysis::{doctor, identity};
use bench_runner::hardware::{self, MACHINE_KEYS, OsKind, Root, Snapshot, World};
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase, known};
use bench_runner::process::RecordedRunner;

const TREES: &[&str] = &[
    "kvm-guest",
    "intel-laptop-mains",
    "intel-laptop-battery",
    "amd-desktop",
    "raspberry-pi",
    "cloud-guest",
    "docker-server",
    "nothing",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/roots")
}

/// Writes the files of a tree below `root` and returns its statements.
fn unpack(tree: &str, root: &Path) -> BTreeMap<String, String> {
    let mut statements = BTreeMap::new();
    let mut parts = tree.split("\n=== ");
    for line in parts.next().unwrap().lines() {
        if let Some((name, value)) = line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            statements.insert(name.to_owned(), value.to_owned());
        }
    }
    for part in parts {
        let (path, content) = part.split_once('\n').unwrap_or((part, ""));
        for path in expand(path) {
            let place = root.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, format!("{content}\n")).unwrap();
        }
    }
    statements
}

/// `a{0-1,3}b` as `a0b`, `a1b`, `a3b`.
fn expand(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (list, after) = rest.split_once('}').unwrap();
    list.split(',')
        .flat_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            first.parse::<u32>().unwrap()..=last.parse().unwrap()
        })
        .map(|number| format!("{before}{number}{after}"))
        .collect()
}

/// Captures the facts of the tree after `change` was applied to its text.
fn facts_of(tree: &str, change: impl Fn(String) -> String) -> Vec<Fact> {
    let text = fs::read_to_string(folder().join(format!("{tree}.tree"))).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let statements = unpack(&change(text), temporary.path());
    let number = |name: &str| statements.get(name).map(|value| value.parse::<u64>().unwrap());
    let snapshot = Snapshot {
        arch: statements["arch"].clone(),
        usable: number("usable").map(|cores| usize::try_from(cores).unwrap()),
        disk_free: number("disk"),
        hypervisor_signature: statements.get("hypervisor").cloned(),
        ..Snapshot::default()
    };
    let world = World {
        root: &Root::new(temporary.path()),
        os: OsKind::Linux,
        runner: &RecordedRunner::new(),
        folder: temporary.path(),
        rustc: "rustc",
        cargo: "cargo",
        snapshot: &snapshot,
    };
    hardware::capture(&world, Phase::Start)
}

fn unchanged(text: String) -> String {
    text
}

fn status_word(status: FactStatus) -> String {
    serde_json::to_value(status).unwrap().as_str().unwrap().to_owned()
}

fn value_words(fact: &Fact) -> String {
    match &fact.value {
        None => "-".to_owned(),
        Some(FactValue::Text(words)) => words.clone(),
        Some(FactValue::List(words)) => words.join(","),
        Some(FactValue::Flag(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(FactValue::Integer(number)) => number.to_string(),
        Some(FactValue::Number(number)) => number.to_string(),
    }
}

#[test]
fn every_fact_of_every_tree_is_as_its_origin_demands() {
    let mut wrong = Vec::new();
    for tree in TREES {
        let expected = fs::read_to_string(folder().join(format!("{tree}.expected"))).unwrap();
        let facts = facts_of(tree, unchanged);
        let mut seen = 0;
        for line in expected.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.splitn(3, " | ").collect();
            let [key, status, value] = fields[..] else { continue };
            let fact = facts.iter().find(|fact| fact.key == key).unwrap();
            seen += 1;
            let (is_status, is_value) = (status_word(fact.status), value_words(fact));
            if (is_status.as_str(), is_value.as_str()) != (status, value) {
                wrong.push(format!(
                    "{tree}: {key} should be {status} {value}, is {is_status} {is_value} ({})",
                    fact.source
                ));
            }
            assert!(!fact.source.is_empty(), "{tree}: {key} has no source");
        }
        // The four facts of the toolchain come from programs.
        assert_eq!(seen, MACHINE_KEYS.len() - 4, "{tree}: a fact is missing among the expectations");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn identities_and_diagnoses_follow() {
    for tree in TREES {
        let expected = fs::read_to_string(folder().join(format!("{tree}.expected"))).unwrap();
        let facts = facts_of(tree, unchanged);
        // Only some trees are judged for a suite with a parallel benchmark of four threads.
        let threads = ["cloud-guest", "docker-server", "kvm-guest"].contains(tree).then_some(4);
        let diagnosis = doctor::diagnose(&facts, &doctor::Inputs { threads, ..doctor::Inputs::default() });
        for line in expected.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(" | ").collect();
            match fields[..] {
                ["hw_class", class] => assert_eq!(identity::hardware_class(&facts), class, "{tree}"),
                ["config", config] => assert_eq!(identity::configuration(&facts), config, "{tree}"),
                ["check grade", grade] => {
                    assert_eq!(format!("{:?}", diagnosis.grade), grade, "{tree}: {:#?}", diagnosis.findings);
                }
                [check, state] => {
                    let id = check.strip_prefix("check ").unwrap();
                    let outcome = diagnosis.checks.iter().find(|outcome| outcome.id == id).unwrap();
                    let is = serde_json::to_value(outcome.state).unwrap();
                    assert_eq!(is.as_str(), Some(state), "{tree}: {outcome:?}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn no_two_machines_share_a_class() {
    let classes: std::collections::BTreeSet<String> = TREES
        .iter()
        .filter(|tree| **tree != "intel-laptop-battery")
        .map(|tree| identity::hardware_class(&facts_of(tree, unchanged)))
        .collect();
    assert_eq!(classes.len(), TREES.len() - 1);
}

#[test]
fn updates_and_reboots_make_no_new_machine() {
    for tree in TREES.iter().filter(|tree| **tree != "nothing") {
        let before = identity::identify(&facts_of(tree, unchanged), b"id", None);
        let change = |text: String| {
            let total: u64 = text
                .split_once("MemTotal:")
                .and_then(|(_, rest)| rest.trim_start().split_once(' ')?.0.parse().ok())
                .unwrap();
            // The kernel keeps a few more or fewer megabytes for itself.
            let reserved = format!("=== proc/meminfo\nMemTotal:       {} kB\n", total - 40_000);
            let changes = [
                ("=== proc/sys/kernel/osrelease\n", "=== proc/sys/kernel/osrelease\n7.1.0-next-"),
                ("=== proc/uptime\n", "=== proc/uptime\n1"),
                ("=== proc/meminfo\n", reserved.as_str()),
                ("=== etc/os-release\n", "=== etc/os-release\nPRETTY_NAME=\"Another 1\"\n"),
                ("=== proc/stat\n", "=== proc/stat\nbtime 1\n"),
                ("microcode\t: 0x", "microcode\t: 0x9"),
                ("cpu MHz\t\t: ", "cpu MHz\t\t: 1"),
            ];
            changes.iter().fold(text, |text, (from, to)| text.replacen(from, to, 1))
        };
        let facts = facts_of(tree, change);
        assert_eq!(known(&facts, "os.name").as_deref(), Some("Another 1"), "{tree} was not changed");
        assert_eq!(identity::identify(&facts, b"id", None), before, "{tree}");
    }
}

#[test]
fn switches_change_the_configuration_and_not_the_machine() {
    let check = |tree: &str, from: &str, to: &str| {
        let before = identity::identify(&facts_of(tree, unchanged), b"id", None);
        let change = |text: String| {
            assert!(text.contains(from), "{tree} has no {from}");
            text.replacen(from, to, 1)
        };
        let after = identity::identify(&facts_of(tree, change), b"id", None);
        assert_eq!((&after.hw_class, &after.machine), (&before.hw_class, &before.machine), "{tree}: {to}");
        assert_ne!(after.config, before.config, "{tree}: {to}");
    };
    check("intel-laptop-mains", "@usable 8", "@usable 4");
    check("intel-laptop-mains", "platform_profile\nbalanced", "platform_profile\nlow-power");
    check("intel-laptop-mains", "no_turbo\n0", "no_turbo\n1");
    check("amd-desktop", "smt/active\n0", "smt/active\n1");
    check("cloud-guest", "@usable 2", "@usable 1");
    check("amd-desktop", "scaling_governor\nperformance", "scaling_governor\nschedutil");
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
    for tree in ["kvm-guest", "intel-laptop-mains", "cloud-guest"] {
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
            for key in ["memory.total", "load.one", "os.aslr", "load.steal", "os.uptime", "cpu.frequency"] {
                assert_eq!(known(&facts, key), None, "{tree} {key} {content:?}");
            }
        }
    }
}

#[test]
fn nothing_personal_is_captured() {
    for tree in TREES {
        let facts = facts_of(tree, |text| {
            let canaries = "\n=== proc/cmdline\ncanary\n=== etc/hostname\ncanary\n=== proc/sys/kernel/hostname\ncanary\n\
                            === sys/class/dmi/id/product_uuid\ncanary\n=== sys/class/dmi/id/product_serial\ncanary\n\
                            === proc/self/environ\ncanary";
            text.replace("session-2.scope", "canary.scope").replace("4f2a", "canary") + canaries
        });
        let json = serde_json::to_string(&facts).unwrap();
        assert!(!json.to_lowercase().contains("canary"), "{tree}: {json}");
        assert!(!json.contains("00112233445566778899aabbccddeeff"), "{tree}");
        assert!(!json.contains("/tmp"), "{tree}: the root's own place is told");
    }
}
