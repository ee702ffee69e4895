//! Host trees as worlds: files below a temporary root, outputs of programs, and what does not come from either.
//!
//! Not a test itself. The format is described in `tests/fixtures/roots/ORIGIN.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bench_runner::hardware::{self, Environment, OsKind, Root, Snapshot, World};
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase};
use bench_runner::process::{ProcessError, ProcessOutput, ProcessRequest, ProcessRunner};

/// Every tree that stands for a machine.
pub(crate) const TREES: &[&str] = &[
    "amd-desktop",
    "amd-laptop",
    "azure-guest",
    "cloud-guest",
    "docker-server",
    "graviton",
    "hybrid-laptop",
    "intel-laptop-battery",
    "intel-laptop-mains",
    "kvm-guest",
    "locked-down",
    "macos-intel-low-power",
    "macos-intel-normal",
    "macos-m1",
    "nothing",
    "qemu-guest",
    "raspberry-pi",
    "two-socket-server",
    "windows-balanced",
    "windows-own-scheme",
    "windows-saver-german",
    "wsl",
];

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/roots")
}

/// The text of a tree after that of the trees and parts that it builds on; a later file replaces an earlier one.
pub(crate) fn text_of(tree: &str) -> String {
    let name = if tree == "distribution" { "distribution.part".to_owned() } else { format!("{tree}.tree") };
    let own = fs::read_to_string(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (head, files) = own.split_once("\n=== ").map_or((own.trim_end(), String::new()), |(head, files)| {
        (head, format!("\n=== {}", files.trim_end()))
    });
    let (mut heads, mut bodies) = (String::new(), String::new());
    for line in head.lines() {
        if let Some(base) = line.strip_prefix("@base ").or_else(|| line.strip_prefix("@include ")) {
            let text = text_of(base);
            let (head, files) = text.split_once("\n=== ").unwrap_or((&text, ""));
            heads.push_str(head);
            heads.push('\n');
            bodies.push_str("\n=== ");
            bodies.push_str(files);
        } else {
            heads.push_str(line);
            heads.push('\n');
        }
    }
    format!("{}{bodies}{files}", heads.trim_end())
}

/// What a tree states besides files: the last statement of a name counts, except for lists.
struct Statements(Vec<(String, String)>);

impl Statements {
    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.one(name).map(|value| value.parse().unwrap())
    }
}

/// Answers by the line, or by the program alone, because `sysctl` is asked for many names at once.
struct Written(BTreeMap<String, String>);

impl ProcessRunner for Written {
    fn run(&self, request: &ProcessRequest) -> Result<ProcessOutput, ProcessError> {
        let line = request.line();
        let program = line.split(' ').next().unwrap_or_default();
        let (answer, code) = match (self.0.get(&line), self.0.get(program)) {
            (Some(answer), _) => (answer, 0),
            // `sysctl` fails when it does not know one of the names.
            (None, Some(answer)) => (answer, 1),
            (None, None) => return Err(ProcessError::NotFound { program: line }),
        };
        Ok(ProcessOutput { code: Some(code), stdout: answer.clone().into(), ..ProcessOutput::default() })
    }
}

/// `a{0-1,3}b` as `a0b`, `a1b`, `a3b`.
fn expand(path: &str) -> Vec<(String, String)> {
    let Some((before, rest)) = path.split_once('{') else { return vec![(path.to_owned(), String::new())] };
    let (list, after) = rest.split_once('}').unwrap();
    numbers(list).map(|number| (format!("{before}{number}{after}"), number.to_string())).collect()
}

fn numbers(list: &str) -> impl Iterator<Item = u32> + '_ {
    list.split(',').flat_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        first.parse::<u32>().unwrap()..=last.parse().unwrap()
    })
}

/// A tree whose files lie in a folder; what changes is written anew, the rest stays.
pub(crate) struct Host {
    temporary: tempfile::TempDir,
    statements: Statements,
    programs: BTreeMap<String, String>,
    written: BTreeMap<String, String>,
}

impl Host {
    pub(crate) fn new(text: &str) -> Self {
        let mut host = Self {
            temporary: tempfile::tempdir().unwrap(),
            statements: Statements(Vec::new()),
            programs: BTreeMap::new(),
            written: BTreeMap::new(),
        };
        host.become_like(text);
        host
    }

    /// Takes the statements and files of `text`; files that it does not name stay.
    pub(crate) fn become_like(&mut self, text: &str) {
        let mut parts = text.split("\n=== ");
        let statements = parts
            .next()
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix('@')?.split_once(' '))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.statements = Statements(statements.collect());
        let cpus = self.statements.one("cpus").unwrap_or("0").to_owned();
        // Of several files with one path the last counts, so that only it is written.
        let mut sections = BTreeMap::new();
        for (place, part) in parts.enumerate() {
            let (path, content) = part.split_once('\n').unwrap_or((part, ""));
            sections.insert(path, (place, content.replace("{cpus}", &cpus)));
        }
        let mut sections: Vec<_> = sections.into_iter().collect();
        sections.sort_by_key(|(_, (place, _))| *place);
        for (path, (_, content)) in sections {
            if let Some(line) = path.strip_prefix("$ ") {
                self.programs.insert(line.to_owned(), content);
            } else if self.written.get(path) != Some(&content) {
                self.write(path, &content);
                self.written.insert(path.to_owned(), content);
            }
        }
        for path in self.statements.all("without") {
            fs::remove_file(self.temporary.path().join(path)).ok();
        }
    }

    fn write(&self, path: &str, content: &str) {
        // `path [0-7]` repeats its content with each number for `{n}`.
        let (path, content) = match path.split_once(" [") {
            Some((path, list)) => {
                let each = numbers(list.trim_end_matches(']'));
                let all: Vec<String> =
                    each.map(|number| content.replace("{n}", &number.to_string())).collect();
                (path, all.join("\n\n"))
            }
            None => (path, content.to_owned()),
        };
        for (path, number) in expand(path) {
            let place = self.temporary.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, format!("{}\n", content.replace("{n}", &number))).unwrap();
        }
    }

    pub(crate) fn facts(&self) -> Vec<Fact> {
        let statements = &self.statements;
        let os = match statements.one("os") {
            Some("macos") => OsKind::MacOs,
            Some("windows") => OsKind::Windows,
            _ => OsKind::Linux,
        };
        let size = |name: &str| statements.number(name).map(|number| usize::try_from(number).unwrap());
        let environment =
            |size| Environment { size, steering: statements.all("steering").map(str::to_owned).collect() };
        let snapshot = Snapshot {
            arch: statements.one("arch").unwrap().to_owned(),
            usable: size("usable"),
            cores_physical: size("physical"),
            cores_logical: size("logical"),
            memory_total: statements.number("memory"),
            os: statements.one("name").map(str::to_owned),
            disk_free: statements.number("disk"),
            hypervisor_signature: statements.one("hypervisor").map(str::to_owned),
            page_size: statements.number("page"),
            environment: statements.number("environment").map(environment),
            ..Snapshot::default()
        };
        let root = Root::new(self.temporary.path()).refusing(statements.all("refused").map(str::to_owned));
        let world = World {
            root: &root,
            os,
            runner: &Written(self.programs.clone()),
            folder: self.temporary.path(),
            rustc: "rustc",
            cargo: "cargo",
            snapshot: &snapshot,
        };
        hardware::capture(&world, Phase::Start)
    }
}

/// Captures the facts of the tree after `change` was applied to its text.
pub(crate) fn facts_of(tree: &str, change: impl Fn(String) -> String) -> Vec<Fact> {
    Host::new(&change(text_of(tree))).facts()
}

pub(crate) fn unchanged(text: String) -> String {
    text
}

pub(crate) fn status_word(status: FactStatus) -> String {
    serde_json::to_value(status).unwrap().as_str().unwrap().to_owned()
}

/// The value as `.expected` files write it.
pub(crate) fn value_words(fact: &Fact) -> String {
    match &fact.value {
        None => "-".to_owned(),
        Some(FactValue::Text(words)) => words.clone(),
        Some(FactValue::List(words)) if words.is_empty() => "(empty)".to_owned(),
        Some(FactValue::List(words)) => words.join(","),
        Some(FactValue::Flag(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(FactValue::Integer(number)) => number.to_string(),
        Some(FactValue::Number(number)) => number.to_string(),
    }
}

/// Expected status and value by key.
pub(crate) type ExpectedFacts = BTreeMap<String, (String, String)>;

/// What is expected of the facts, and the other lines of the file: identity and checks.
pub(crate) fn expected(tree: &str) -> (ExpectedFacts, Vec<(String, String)>) {
    let name = format!("{tree}.expected");
    let text = fs::read_to_string(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (mut facts, mut others) = (BTreeMap::new(), Vec::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.splitn(3, " | ").collect();
        match fields[..] {
            [keys, status, value] => {
                for key in keys.split(", ") {
                    let before = facts.insert(key.to_owned(), (status.to_owned(), value.to_owned()));
                    assert!(before.is_none(), "{name}: {key} is listed twice");
                }
            }
            [name, value] => others.push((name.to_owned(), value.to_owned())),
            _ => {}
        }
    }
    (facts, others)
}
