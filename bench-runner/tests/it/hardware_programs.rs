//! Recorded-by-writing outputs of macOS and Windows programs, and the toolchain.
//!
//! See `tests/fixtures/roots/ORIGIN.md`: none of these outputs was taken from a running system.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bench_runner::analysis::{doctor, identity};
use bench_runner::hardware::{self, OsKind, Root, Snapshot, World};
use bench_runner::model::fact::{Fact, FactStatus, Phase, find};
use bench_runner::process::{ProcessError, ProcessOutput, ProcessRequest, ProcessRunner};

/// Answers by the beginning of the line, because `sysctl` is asked for many names at once.
struct Written {
    answers: BTreeMap<String, String>,
}

impl ProcessRunner for Written {
    fn run(&self, request: &ProcessRequest) -> Result<ProcessOutput, ProcessError> {
        let line = request.line();
        let answer = match self.answers.get(&line) {
            Some(answer) => answer,
            None if line.starts_with("sysctl ") => {
                self.answers.get("sysctl").ok_or(ProcessError::NotFound { program: line })?
            }
            None => return Err(ProcessError::NotFound { program: line }),
        };
        // `sysctl` fails when it does not know one of the names.
        let code = i32::from(request.line().starts_with("sysctl "));
        Ok(ProcessOutput { code: Some(code), stdout: answer.clone().into(), ..ProcessOutput::default() })
    }
}

fn read(name: &str) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/roots/programs");
    let text = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
    let mut parts = text.split("\n=== ");
    let mut statements = BTreeMap::new();
    for line in parts.next().unwrap().lines() {
        if let Some((name, value)) = line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            statements.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut answers = statements.get("base").map(|base| read(base).1).unwrap_or_default();
    for part in parts {
        let (line, answer) = part.split_once('\n').unwrap();
        answers.insert(line.to_owned(), answer.to_owned());
    }
    (statements, answers)
}

fn facts_of(name: &str, os: OsKind) -> Vec<Fact> {
    let (statements, mut answers) = read(name);
    answers.insert(
        "rustc -vV".to_owned(),
        "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-apple-darwin\nrelease: 1.95.0\n\
         LLVM version: 22.1.2\n"
            .to_owned(),
    );
    answers.insert("cargo -V".to_owned(), "cargo 1.95.0 (f2d3ce0bd 2026-03-21)\n".to_owned());
    let snapshot = Snapshot {
        arch: statements["arch"].clone(),
        usable: statements.get("usable").map(|cores| cores.parse().unwrap()),
        cores_physical: Some(8),
        cores_logical: Some(16),
        memory_total: Some(34_274_754_560),
        os: Some("Windows 11 (26100)".to_owned()),
        ..Snapshot::default()
    };
    let world = World {
        root: &Root::new(Path::new("/nonexistent")),
        os,
        runner: &Written { answers },
        folder: Path::new("."),
        rustc: "rustc",
        cargo: "cargo",
        snapshot: &snapshot,
    };
    hardware::capture(&world, Phase::Start)
}

fn check(facts: &[Fact], expected: &[(&str, FactStatus, Option<&str>)]) {
    for (key, status, words) in expected {
        let fact = find(facts, key, Phase::Start).unwrap();
        assert_eq!((fact.status, fact.known_text().as_deref()), (*status, *words), "{key}: {}", fact.source);
    }
}

use FactStatus::{Derived, NotApplicable, Ok as Known, Unknown};

#[test]
fn an_intel_mac_in_normal_mode_is_the_founding_class() {
    let facts = facts_of("macos-intel-normal", OsKind::MacOs);
    check(
        &facts,
        &[
            ("cpu.model", Known, Some("Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz")),
            ("cpu.signature", Known, Some("6/142/10")),
            (
                "cpu.features",
                Known,
                Some("adx,aes,avx,avx2,bmi1,bmi2,erms,fma,pclmulqdq,sse4_1,sse4_2,ssse3"),
            ),
            ("cpu.microcode", Known, Some("244")),
            ("cpu.cores_physical", Known, Some("4")),
            ("cpu.cores_logical", Known, Some("8")),
            ("cpu.smt", Derived, Some("yes")),
            ("cpu.frequency", Known, Some("1400000000")),
            ("cpu.caches", Known, Some("L1d 32768 B,L1i 32768 B,L2 262144 B,L3 6291456 B")),
            ("memory.total", Known, Some("17179869184")),
            ("memory.swap", Known, Some("2147483648")),
            ("memory.thp", NotApplicable, None),
            ("os.name", Known, Some("macOS 15.6.1")),
            ("os.kernel", Known, Some("24.6.0")),
            ("os.aslr", Unknown, None),
            ("power.mode", Known, Some("normal")),
            ("power.source", Known, Some("mains")),
            ("power.battery", Known, Some("97")),
            ("thermal.speed_limit", Known, Some("100")),
            ("virtualisation.hypervisor", Known, Some("none")),
            ("load.one", Known, Some("1.52")),
            ("frequency.governor", NotApplicable, None),
            ("frequency.turbo", Unknown, None),
            ("toolchain.rustc", Known, Some("rustc 1.95.0 (59807616e 2026-04-14)")),
            ("toolchain.llvm", Known, Some("22.1.2")),
            ("toolchain.host", Known, Some("x86_64-apple-darwin")),
            ("toolchain.cargo", Known, Some("cargo 1.95.0 (f2d3ce0bd 2026-03-21)")),
        ],
    );
    assert_eq!(identity::hardware_class(&facts), "x86_64/intel-core-i5-8257u/4c8t/16g");
    let json = serde_json::to_string(&facts).unwrap();
    assert!(!json.contains("4653155"), "the identifier of the battery is kept");
}

#[test]
fn low_power_mode_is_the_same_machine_in_another_configuration() {
    let normal = identity::identify(&facts_of("macos-intel-normal", OsKind::MacOs), b"id", None);
    let facts = facts_of("macos-intel-low-power", OsKind::MacOs);
    check(
        &facts,
        &[
            ("power.mode", Known, Some("low-power")),
            ("power.source", Known, Some("battery")),
            ("power.battery", Known, Some("19")),
            ("thermal.speed_limit", Known, Some("62")),
        ],
    );
    let low = identity::identify(&facts, b"id", None);
    assert_eq!((&low.hw_class, &low.machine), (&normal.hw_class, &normal.machine));
    assert_ne!(low.config, normal.config);
    let diagnosis = doctor::diagnose(&facts, &doctor::Inputs::default());
    assert_eq!(diagnosis.grade, doctor::Grade::X);
    let blocking: Vec<&str> = diagnosis
        .checks
        .iter()
        .filter(|outcome| outcome.state == doctor::CheckState::Block)
        .map(|outcome| outcome.id.as_str())
        .collect();
    assert_eq!(blocking, ["on-battery", "low-power-mode", "speed-limited"]);
}

#[test]
fn an_apple_processor_has_no_signature_and_its_power_number_is_not_interpreted() {
    let facts = facts_of("macos-m1", OsKind::MacOs);
    check(
        &facts,
        &[
            ("cpu.model", Known, Some("Apple M1 Pro")),
            ("cpu.vendor", Derived, Some("Apple")),
            ("cpu.signature", NotApplicable, None),
            ("cpu.microcode", NotApplicable, None),
            ("cpu.features", Known, Some("aes,asimd,pmull,sha2,sha3,sha512")),
            ("cpu.frequency", Unknown, None),
            ("cpu.smt", Derived, Some("no")),
            ("power.mode", Known, Some("powermode-2")),
            ("power.source", Known, Some("mains")),
            ("power.battery", NotApplicable, None),
            ("thermal.speed_limit", Unknown, None),
            ("memory.swap", Known, Some("0")),
            ("load.one", Known, Some("0.25")),
        ],
    );
    assert_eq!(identity::hardware_class(&facts), "aarch64/apple-m1-pro/8c8t/16g");
    let diagnosis = doctor::diagnose(&facts, &doctor::Inputs::default());
    let mode = diagnosis.checks.iter().find(|outcome| outcome.id == "low-power-mode").unwrap();
    assert_eq!(mode.state, doctor::CheckState::Unknown);
}

#[test]
fn windows_schemes_are_known_by_their_identifier_in_any_language() {
    let facts = facts_of("windows-balanced", OsKind::Windows);
    check(
        &facts,
        &[
            ("cpu.model", Known, Some("AMD Ryzen 7 5800X 8-Core Processor")),
            ("cpu.vendor", Known, Some("AuthenticAMD")),
            ("cpu.signature", Known, Some("25/33/2")),
            ("cpu.microcode", Known, Some("0xa20120a")),
            ("cpu.frequency", Known, Some("3800000000")),
            ("cpu.cores_physical", Known, Some("8")),
            ("memory.total", Known, Some("34274754560")),
            ("os.name", Known, Some("Windows 11 (26100)")),
            ("power.mode", Known, Some("balanced")),
            ("power.source", Unknown, None),
            ("frequency.turbo", Known, Some("yes")),
            ("frequency.governor", NotApplicable, None),
            ("virtualisation.hypervisor", Unknown, None),
        ],
    );
    assert_eq!(identity::hardware_class(&facts), "x86_64/amd-ryzen-7-5800x/8c16t/32g");
    let saver = facts_of("windows-saver-german", OsKind::Windows);
    check(&saver, &[("power.mode", Known, Some("power-saver")), ("frequency.turbo", Unknown, None)]);
    let own = facts_of("windows-own-scheme", OsKind::Windows);
    check(&own, &[("power.mode", Known, Some("custom")), ("frequency.turbo", Known, Some("no"))]);
    assert!(!serde_json::to_string(&own).unwrap().contains("Canary"));
}

#[test]
fn silent_programs_leave_every_fact_unknown_or_without_meaning() {
    let silent = Written { answers: BTreeMap::new() };
    for os in [OsKind::MacOs, OsKind::Windows, OsKind::Linux, OsKind::Other] {
        let world = World {
            root: &Root::new(Path::new("/nonexistent")),
            os,
            runner: &silent,
            folder: Path::new("."),
            rustc: "rustc",
            cargo: "cargo",
            snapshot: &Snapshot::default(),
        };
        let facts = hardware::capture(&world, Phase::Start);
        assert_eq!(facts.len(), hardware::MACHINE_KEYS.len());
        for fact in &facts {
            assert!(matches!(fact.status, Unknown | NotApplicable), "{os:?}: {fact:?}");
            assert!(fact.value.is_none() && !fact.source.is_empty(), "{os:?}: {fact:?}");
        }
    }
}
