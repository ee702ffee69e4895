//! Nothing stored or shown names a person, a host, a path or a secret: end to end through the real executable.
//!
//! A suite is copied into a home folder whose every name is a canary, with a token in its remote address and secrets in
//! the environment; then every file that was written, and everything that was said, is searched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cli_support::{World, repository};

/// Words that must appear nowhere.
const CANARIES: [&str; 9] = [
    "canaryuser",
    "canaryhost",
    "canaryhome",
    "canarytoken",
    "canarysecret",
    "canarypath",
    "canarymail",
    "canaryperson",
    "canaryproxy",
];

const HOME: &str = "canaryhome/canaryuser";

/// Copies the fixture workspace without what was built.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            if entry.file_name() != "target" {
                copy(&source, &target);
            }
        } else {
            std::fs::copy(source, target).unwrap();
        }
    }
}

/// A world with the suite in the home folder, as a repository.
fn world() -> World {
    let world = World::new();
    let suite = world.path(HOME).join("suite");
    copy(&repository().join("bench-runner/tests/fixtures/suites/current"), &suite);
    git(&suite, &["init", "--quiet", "--initial-branch", "main"]);
    git(&suite, &["add", "."]);
    git(&suite, &["commit", "--quiet", "--message", "by canaryperson"]);
    git(&suite, &["remote", "add", "origin", "https://canaryuser:canarytoken@canaryhost.example/suite.git"]);
    world
}

#[expect(clippy::disallowed_methods, reason = "the repository is made as a person makes it")]
fn git(folder: &Path, words: &[&str]) {
    let mut command = std::process::Command::new("git");
    for (role, value) in [("NAME", "canaryperson"), ("EMAIL", "canarymail@canaryhost.example")] {
        command.env(format!("GIT_AUTHOR_{role}"), value).env(format!("GIT_COMMITTER_{role}"), value);
    }
    let status = command.args(words).current_dir(folder).status().unwrap();
    assert!(status.success(), "git {words:?}");
}

/// The command as that person starts it.
fn answer(world: &World, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = world.command(words);
    let home = world.path(HOME);
    // Cargo and rustup keep their places: only names are to be foreign, not the toolchain.
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let set =
            variable(name).unwrap_or_else(|| PathBuf::from(variable("HOME").unwrap()).join(folder).into());
        command.env(name, set);
    }
    command
        .env("HOME", &home)
        .env("USER", "canaryuser")
        .env("LOGNAME", "canaryuser")
        .env("HOSTNAME", "canaryhost")
        .env("SECRET_TOKEN", "canarysecret")
        .env("AWS_SECRET_ACCESS_KEY", "canarysecret")
        .env("HTTPS_PROXY", "http://canaryuser:canarysecret@canaryproxy.example:1")
        .env("MALLOC_CONF", "prof_prefix:/canarypath/heap")
        .env("RUSTFLAGS", "--remap-path-prefix=/canaryhome/canaryuser=/canarypath -L /canarypath/lib")
        .env("CARGO_TARGET_DIR", world.path("target"));
    let answer = world.finish(command, words);
    (answer.code, answer.out, answer.err)
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Every file of the world but the suite itself and what cargo built of it.
fn written(world: &World) -> BTreeMap<String, Vec<u8>> {
    let (root, mut folders) = (world.path(""), vec![world.path("")]);
    let mut files = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if name == "target" || name == "canaryhome" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

#[track_caller]
fn clean(what: &str, bytes: &[u8], more: &[&str]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for canary in CANARIES.iter().chain(more) {
        if let Some(place) = text.find(&canary.to_lowercase()) {
            let shown: String =
                text[..place].chars().rev().take(120).collect::<String>().chars().rev().collect();
            panic!("{what} holds `{canary}`: …{shown}");
        }
    }
}

#[test]
fn no_name_host_path_or_secret_is_stored_or_rendered() {
    let world = world();
    let manifest = format!("{HOME}/suite/Cargo.toml");
    let run = [
        "run",
        "--config",
        "bench-runner.toml",
        "--locked",
        "--offline",
        "--manifest-path",
        &manifest,
        "-p",
        "plain",
        "--bench",
        "fake",
        "--launches",
        "2",
    ];
    let place = world.path("").canonicalize().unwrap();
    let place = place.to_str().unwrap().trim_end_matches('/').to_owned();
    let (code, out, err) = answer(&world, &run);
    assert_eq!(code, Some(0), "{out}\n{err}");
    clean("the answer of run", out.as_bytes(), &[&place]);
    clean("the progress of run", err.as_bytes(), &[&place]);
    // Every form of what is stored.
    for words in [
        &["show"][..],
        &["show", "--format", "json"],
        &["show", "--format", "markdown"],
        &["show", "--format", "csv"],
        &["list", "--format", "json"],
        &["machines", "--format", "json"],
        &["doctor", "--all"],
        &["doctor", "--format", "json"],
        &["bundle", "export", "latest", "--out", "run.json"],
        &["report", "latest", "--out", "again"],
    ] {
        let (code, out, err) = answer(&world, words);
        assert!(matches!(code, Some(0 | 122)), "{words:?}: {out}\n{err}");
        clean(&words.join(" "), out.as_bytes(), &[&place]);
        clean(&words.join(" "), err.as_bytes(), &[&place]);
    }
    let files = written(&world);
    for name in ["store.sqlite", "run.json", "again/report.md", "again/report.html"] {
        assert!(files.contains_key(name), "{name} is missing among {:?}", files.keys());
    }
    for (name, bytes) in &files {
        clean(name, bytes, &[&place]);
    }
    // The search can find: what the flags became is there, and the path is not.
    let store = String::from_utf8_lossy(&files["run.json"]);
    assert!(
        store.contains("<path#") && store.contains("MALLOC_CONF is set"),
        "the flags were not captured at all"
    );
}
