//! The documents say what the program does: commands run as written, tables agree with the code that they describe.
//!
//! Tables between `<!-- name:begin -->` and `<!-- name:end -->` are rewritten by `UPDATE_DOCS=1 cargo test … documents`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bench_runner::analysis::doctor::{Inputs, diagnose};
use bench_runner::cli::Cli;
use bench_runner::config::{self, Config, Profile};
use bench_runner::exit_code;
use clap::CommandFactory;
use regex::Regex;

use super::cli_support::{World, founding, repository};

/// Documents that may show commands, by path in the repository.
fn documents() -> BTreeMap<String, String> {
    let mut names = vec!["README.md".to_owned(), "kms/README.md".to_owned(), "data/README.md".to_owned()];
    for entry in std::fs::read_dir(repository().join("bench-runner/docs")).unwrap() {
        names.push(format!("bench-runner/docs/{}", entry.unwrap().file_name().to_string_lossy()));
    }
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The commands that a document shows, each with the exit codes that it allows.
fn commands(text: &str) -> Vec<(Vec<&str>, Vec<i32>)> {
    let mut found = Vec::new();
    for block in text.split("\n```console\n").skip(1) {
        for line in block.split("\n```").next().unwrap().lines() {
            let Some(line) = line.strip_prefix("$ bench-runner ") else { continue };
            let (words, comment) = line.split_once(" # ").unwrap_or((line, ""));
            let codes = comment.trim_start().strip_prefix("exit ").map_or(vec![0], |codes| {
                codes.split(|c: char| !c.is_ascii_digit()).filter_map(|code| code.parse().ok()).collect()
            });
            found.push((words.split_whitespace().collect(), codes));
        }
    }
    found
}

#[test]
fn documented_commands_are_found_with_their_codes() {
    let text = "\n```console\n$ bench-runner list\noutput\n$ bench-runner show x  # exit 4: no such run\n\
                $ cargo test\n$ bench-runner doctor # exit 0 or 122\n```\n$ bench-runner never\n";
    let expected = [(vec!["list"], vec![0]), (vec!["show", "x"], vec![4]), (vec!["doctor"], vec![0, 122])];
    assert_eq!(commands(text), expected);
}

#[test]
fn documented_commands_run_as_written() {
    let world = World::new();
    world.write("bench-runner.toml", &read("bench-runner.toml"));
    world.write("data/founding/november-5.json", &std::fs::read_to_string(founding()).unwrap());
    world.answer(&["import", "summary", "data/founding/november-5.json"]).code(0);
    let mut ran = 0;
    for (name, text) in documents() {
        for (words, codes) in commands(&text) {
            let answer = world.answer(&words);
            let allowed = answer.code.is_some_and(|code| codes.contains(&code));
            assert!(allowed, "{name}: {words:?} ended with {:?}, not {codes:?}\n{}", answer.code, answer.err);
            ran += 1;
        }
    }
    assert!(ran >= 6, "only {ran} commands were found: has the form of the blocks changed?");
}

/// Compares the part of a document between its markers with what it should be, or writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the person who runs the tests asks for an update")]
fn generated(document: &str, marker: &str, expected: &str) {
    let text = read(document);
    let (begin, end) = (format!("<!-- {marker}:begin -->\n"), format!("<!-- {marker}:end -->"));
    let (before, rest) =
        text.split_once(&begin).unwrap_or_else(|| panic!("{document}: no marker `{}`", begin.trim()));
    let (found, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{document}: no marker `{end}`"));
    if found != expected && std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(repository().join(document), format!("{before}{begin}{expected}{end}{after}"))
            .unwrap();
    } else {
        assert_eq!(found, expected, "{document}: run the tests with UPDATE_DOCS=1 to write the table");
    }
}

#[test]
fn exit_codes_of_the_readme_are_the_programs() {
    generated("README.md", "exit-codes", &exit_code::markdown());
}

#[test]
fn the_catalogue_of_knobs_is_the_programs() {
    generated("bench-runner/docs/knobs.md", "knobs", &bench_runner::analysis::knobs::markdown());
}

#[test]
fn every_command_is_in_the_readme() {
    let text = read("README.md");
    let table = text.split("\n## Commands\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let names = Regex::new(r"`([a-z-]+)[^`]*`").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap());
    let told: BTreeSet<String> = rows
        .flat_map(|cell| names.captures_iter(cell).map(|found| found[1].to_owned()).collect::<Vec<_>>())
        .collect();
    let known: BTreeSet<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(told, known);
}

/// The defaults, as a workspace without configuration has them.
fn defaults() -> Config {
    config::load(None, Path::new("/")).unwrap()
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "the bench's own".to_owned(), |value| format!("{value} s"))
}

#[test]
fn the_table_of_profiles_is_the_default_one() {
    let row = |(name, profile): (&String, &Profile)| {
        let Profile { set, launches, warm_up_seconds, measurement_seconds, sample_size } = profile;
        let (warm_up, measurement) = (seconds(*warm_up_seconds), seconds(*measurement_seconds));
        let size = sample_size.map_or_else(|| "the bench's own".to_owned(), |size| size.to_string());
        format!("| `{name}` | `{set}` | {launches} | {warm_up} | {measurement} | {size} |\n")
    };
    let rows: String = defaults().profiles.iter().map(row).collect();
    let head = "| profile | set | launches | warm-up | measurement | observations |\n|---|---|---:|---:|---:|---:|\n";
    generated("bench-runner/docs/methodology.md", "profiles", &format!("{head}{rows}"));
}

#[test]
fn defaults_named_in_prose_and_configuration_are_the_programs() {
    let defaults = defaults();
    let (note, standard) = (&defaults.profiles["note"], &defaults.profiles["standard"]);
    let as_written = format!(
        "{} / {} / {}",
        seconds(note.warm_up_seconds),
        seconds(note.measurement_seconds),
        note.sample_size.unwrap()
    );
    let (triple, launches) =
        (Regex::new(r"\d+ s / \d+ s / \d+").unwrap(), Regex::new(r"(\d+) short launches").unwrap());
    let mut found = 0;
    for (name, text) in
        documents().into_iter().chain([("scripts/bench.sh".to_owned(), read("scripts/bench.sh"))])
    {
        for said in triple.find_iter(&text) {
            assert_eq!(said.as_str(), as_written, "{name}");
            found += 1;
        }
        for said in launches.captures_iter(&text) {
            assert_eq!(said[1], standard.launches.to_string(), "{name}");
            found += 1;
        }
    }
    assert!(found >= 3, "the README names the standard and the note profile, the script the latter");
    assert_eq!(defaults.default_profile, "standard");
    // The workspace's own file repeats some defaults, one profile of them as a comment.
    let file = read("bench-runner.toml");
    let world = World::new();
    world.write(
        "bench-runner.toml",
        &file.replace("\n# [profiles.quick]\n", "\n[profiles.quick]\n").replace("\n# set = ", "\nset = "),
    );
    let commented =
        Regex::new(r"(?m)^# ((?:launches|warm_up_seconds|measurement_seconds|sample_size) = )").unwrap();
    let text = world.read("bench-runner.toml");
    world.write("bench-runner.toml", &commented.replace_all(&text, "$1"));
    let own = config::load(Some(&world.path("bench-runner.toml")), Path::new("/")).unwrap();
    assert!(world.read("bench-runner.toml").contains("\n[profiles.quick]\nset = \"core\"\nlaunches = "));
    // The workspace may have profiles of its own besides.
    for (name, profile) in &defaults.profiles {
        assert_eq!(own.profiles.get(name), Some(profile), "{name}");
    }
    assert_eq!(
        (own.margin, own.comparison_level, own.default_profile),
        (defaults.margin, defaults.comparison_level, defaults.default_profile)
    );
}

/// Codes of findings in a source: of a literal `Finding`, and of `Finding::of_whole` and functions called `finding` that make one.
fn codes(source: &str) -> BTreeSet<String> {
    let code = source.split("\n#[cfg(test)]").next().unwrap();
    let patterns = [r#"\bcode: "([a-z0-9-]+)""#, r#"\b(?:finding|of_whole)\(\s*"([a-z0-9-]+)""#];
    let find = |pattern: &str| -> Vec<String> {
        Regex::new(pattern).unwrap().captures_iter(code).map(|found| found[1].to_owned()).collect()
    };
    patterns.into_iter().flat_map(find).collect()
}

#[test]
fn codes_are_found_in_sources() {
    let source = "Finding {\n code: \"one\".to_owned(),\n}; finding(\n   \"two\", x); Finding::of_whole(\"four\", x); finding(&format!(\"no\"));\n\
                  #[cfg(test)]\nmod tests { finding(\"three\") }";
    assert_eq!(codes(source), BTreeSet::from(["four", "one", "two"].map(str::to_owned)));
}

/// Codes that the sources of the library can emit, and those of the founding record.
fn emitted() -> BTreeSet<String> {
    // Findings of the checks are called as the checks.
    let checks = diagnose(&[], &Inputs::default()).checks;
    let mut found: BTreeSet<String> = checks.into_iter().map(|check| check.id).collect();
    found.extend(codes(&read("data/founding/november-5.json").replace("\"code\": ", "code: ")));
    let mut folders = vec![repository().join("bench-runner/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                found.extend(codes(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_finding_is_documented_and_every_documented_finding_exists() {
    let text = read("bench-runner/docs/findings.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let told: BTreeSet<String> = rows.map(|line| line.split('`').nth(1).unwrap().to_owned()).collect();
    let emitted = emitted();
    let missing: Vec<&String> = emitted.difference(&told).collect();
    let surplus: Vec<&String> = told.difference(&emitted).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "not documented: {missing:?}; not emitted: {surplus:?}"
    );
    assert!(told.len() > 30, "only {} codes were found", told.len());
}

#[test]
fn the_table_of_checks_is_the_doctors() {
    let row = |check: &bench_runner::analysis::doctor::CheckOutcome| {
        let cell = |text: &str| text.replace('|', "\\|");
        format!(
            "| `{}` | {} | {} | {} |\n",
            check.id,
            cell(&check.threshold),
            cell(&check.effect),
            cell(&check.remedy)
        )
    };
    let rows: String = diagnose(&[], &Inputs::default()).checks.iter().map(row).collect();
    let head = "| code | when | what it does to the numbers | what to do |\n|---|---|---|---|\n";
    generated("bench-runner/docs/findings.md", "checks", &format!("{head}{rows}"));
}

#[test]
fn the_table_of_facts_is_the_catalogue() {
    use bench_runner::hardware::WINDOW_KEYS;
    use bench_runner::model::fact::catalogue::{CATALOGUE, Entry, Role};

    let phases = |entry: &Entry| match (entry.role, entry.key) {
        (_, key) if WINDOW_KEYS.contains(&key) => "start",
        (Role::Build, _) if !entry.key.starts_with("toolchain.") => "start",
        (_, key) if key.starts_with("build.") || key.starts_with("harness.") || key.starts_with("probe.") => {
            "start"
        }
        (_, key) if COUNTED.contains(&key) => "start, end, delta",
        _ => "start, end",
    };
    let row = |entry: &Entry| {
        let unit = if entry.unit.is_empty() { "–" } else { entry.unit };
        let places = [entry.linux, entry.macos, entry.windows].map(|place| match place {
            "-" => "–".to_owned(),
            "the same" => "as Linux".to_owned(),
            place => place.to_owned(),
        });
        let [linux, macos, windows] = places;
        format!(
            "| `{}` | {unit} | {} | {} | {} | {linux} | {macos} | {windows} |\n",
            entry.key,
            entry.meaning,
            entry.role.word(),
            phases(entry)
        )
    };
    let rows: String = CATALOGUE.iter().map(row).collect();
    let head = "| key | unit | meaning | a change is | read at | Linux | macOS | Windows |\n|---|---|---|---|---|---|---|---|\n";
    generated("bench-runner/docs/facts.md", "facts", &format!("{head}{rows}"));
}

/// Counters of which a difference over the run is formed.
const COUNTED: [&str; 7] = [
    "memory.swapped",
    "virtualisation.quota_stops",
    "load.steal",
    "load.ticks",
    "load.switches",
    "load.interrupts",
    "thermal.throttles",
];

#[test]
fn every_counter_has_a_difference() {
    let keys: BTreeSet<String> =
        bench_runner::hardware::deltas(&[], &[]).into_iter().map(|fact| fact.key).collect();
    assert_eq!(keys, COUNTED.map(str::to_owned).into());
}
