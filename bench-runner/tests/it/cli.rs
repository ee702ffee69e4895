//! The command line without measuring: usage, configuration, forms of an answer, width, completions, man pages.

use std::io::pipe;

use bench_runner::cli::Cli;
use clap::CommandFactory;
use unicode_width::UnicodeWidthStr;

use super::cli_support::{World, founding};

#[test]
fn wrong_usage_is_2_and_says_what_exists() {
    let world = World::new();
    let check = |words: &[&str], parts: &[&str]| drop(world.answer(words).code(2).says(parts));
    check(&[], &["Usage: bench-runner [OPTIONS] <COMMAND>"]);
    check(&["lst"], &["unrecognized subcommand 'lst'", "similar subcommands exist", "'list'"]);
    check(&["list", "--limit", "many"], &["invalid value 'many'", "--limit"]);
    check(&["run", "--launches", "0"], &["'0'", "1..=1000"]);
    check(&["list", "--format", "xml"], &["possible values: text, markdown, json, jsonl, csv"]);
    check(
        &["run", "--profile", "fast"],
        &["no profile is called `fast`", "hint: there are nightly, note, quick, standard, tiny"],
    );
    check(&["run", "--set", "some"], &["no set is called `some`", "hint: sets are `core`, `full`"]);
    check(
        &["run", "--filter", "sum("],
        &["`--filter sum(` is not a regular expression", "unclosed group", "hint: write a literal `(`"],
    );
    assert!(!world.path("store.sqlite").exists(), "wrong usage made a store");
}

#[test]
fn malformed_configuration_is_96_with_line_and_column() {
    let check = |text: &str, parts: &[&str]| {
        let world = World::new();
        let kept = world.with_history();
        world.write("bench-runner.toml", text);
        for words in [&["list"][..], &["run"], &["config"]] {
            world.answer(words).code(96).says(parts).says(&["bench-runner.toml"]);
        }
        world.configure("");
        world.keeps(&kept);
    };
    check("store = \"x\"\n\nlevl = 3\n", &["line 3, column 1", "unknown field `levl`"]);
    check("[judge]\nmargn = 0.1\n", &["line 2, column 1", "hint: did you mean `margin`?"]);
    check("store = \"x\"\nreports = [\n", &["line 2"]);
    check("watchdog_seconds = \"long\"\n", &["line 1, column 20", "invalid type: string \"long\""]);
    check("[judge]\nmargin = 7.0\n", &["judge.margin must lie between 0 and 1"]);
    check("default_profile = \"fast\"\n", &["`fast` is not a profile", "hint: `bench-runner config`"]);
    let world = World::new();
    world.answer(&["--config", "other.toml", "list"]).code(96).says(&["cannot read", "other.toml", "hint:"]);
}

#[test]
fn template_errors_are_96_and_leave_no_half_report() {
    let world = World::configured("");
    let kept = world.with_history();
    let text = world.read("bench-runner.toml");
    world.write("bench-runner.toml", &format!("templates = \"own\"\n{text}"));
    let check = |name: &str, template: &str, parts: &[&str]| {
        world.write(&format!("own/{name}"), template);
        world.answer(&["report", "latest"]).code(96).says(parts).says(&["hint:"]);
        assert!(!world.path("reports").exists(), "{name}: half a report was written");
        std::fs::remove_file(world.path(&format!("own/{name}"))).unwrap();
    };
    check("note.md", "one\n{% if %}\n", &["template `note.md`", "line 2"]);
    check("note.md", "one\n{{ page.nothing }}\n", &["template `note.md`", "line 2"]);
    check("note.html", "{{ page.title | unheard_of }}", &["template `note.html`", "line 1"]);
    world.keeps(&kept);
    world.answer(&["report"]).code(0);
    // Before anything is built or measured.
    world.write("own/note.md", "{% if %}");
    let answer = world.answer(&["run"]).code(96).says(&["template `note.md`"]);
    assert!(!answer.err.contains("building"), "{}", answer.err);
}

/// Every command that answers, on a store that holds the founding record three times.
const ANSWERING: [&[&str]; 13] = [
    &["compare", "ONE", "OTHER"],
    &["baseline", "first", "ONE"],
    &["baseline", "list"],
    &["list"],
    &["show"],
    &["machines"],
    &["machines", "founding-laptop"],
    &["doctor"],
    &["config"],
    &["report"],
    &["gate"],
    &["bundle", "export", "latest"],
    &["import", "summary", "FOUNDING"],
];

/// A budget of the founding laptop.
const BUDGET: &str = r#"
[[budget]]
id = "sign_128B"
benchmark = "sign_bench/ed25519_sign_128B"
limit = "18.0 us"
hw_class = "x86_64/intel-core-i5-8257u/4c8t/16g"
"#;

/// Runs one of [`ANSWERING`] with more words.
fn ask(world: &World, words: &[&str], more: &[&str]) -> super::cli_support::Answer {
    let (founding, twins) = (founding(), world.with_twins());
    let machine = world.store().machines().unwrap().remove(0).machine;
    let word = |word: &&str| match *word {
        "FOUNDING" => founding.clone(),
        "ONE" => twins[0].to_owned(),
        "OTHER" => twins[1].to_owned(),
        "founding-laptop" => machine.clone(),
        other => other.to_owned(),
    };
    let words: Vec<String> = words.iter().chain(more).map(word).collect();
    world.answer(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn json_of_every_command_is_versioned() {
    let world = World::configured(BUDGET);
    world.with_history();
    for words in ANSWERING {
        for format in ["json", "jsonl"] {
            let answer = ask(&world, words, &["--format", format]);
            let lines: Vec<&str> =
                if format == "json" { vec![&answer.out] } else { answer.out.lines().collect() };
            assert!(!lines.is_empty(), "{words:?}: {}", answer.err);
            for line in lines {
                let value: serde_json::Value = serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{words:?} {format}: {error}: {line}"));
                // A line of a list is one item; what is one object anyway names its schema.
                if format == "json" {
                    assert!(
                        value["schema"].as_str().unwrap().starts_with("bench-runner/"),
                        "{words:?}: {line}"
                    );
                    assert!(value["version"].as_u64().unwrap() >= 1, "{words:?}: {line}");
                }
            }
        }
    }
    // A ratio table needs groups with functions, and somebody to be compared with.
    world
        .answer(&["show", "--table", "^no-such", "--against", "x"])
        .code(4)
        .says(&["no group with functions"]);
    world.answer(&["show", "--table", "(", "--against", "x"]).code(2).says(&["is not a regular expression"]);
    world.answer(&["show", "--table", "x"]).code(2).says(&["--against"]);
    let answer = world.answer(&["show", "nothing", "--format", "json"]).code(4);
    let error: serde_json::Value = serde_json::from_str(&answer.err).unwrap();
    assert_eq!((&error["schema"], &error["version"]), (&"bench-runner/error".into(), &1.into()));
    assert_eq!(error["error"]["code"], 4);
    assert_eq!(error["error"]["hints"][0], "`bench-runner list` shows the runs");
}

#[test]
fn csv_and_markdown_have_one_shape() {
    let world = World::configured(BUDGET);
    world.with_history();
    for words in ANSWERING {
        let csv = ask(&world, words, &["--format", "csv"]).out;
        if words != ["report"] {
            let fields = fields_of(csv.lines().next().unwrap());
            assert!(fields.iter().all(|field| !field.is_empty()), "{words:?}: {csv}");
            assert!(csv.lines().count() > 1, "{words:?}: {csv}");
            for line in csv.lines() {
                assert_eq!(fields_of(line).len(), fields.len(), "{words:?}: {line}");
            }
        }
        let markdown = ask(&world, words, &["--format", "markdown"]).out;
        assert!(!markdown.trim().is_empty() && !markdown.contains('\u{1b}'), "{words:?}: {markdown}");
        if matches!(words[0], "list" | "machines" | "gate" | "doctor") {
            let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
            assert!(rows.len() > 2 && rows[1].starts_with("| ---"), "{words:?}: {markdown}");
        }
    }
}

/// The fields of one line of RFC 4180 without line breaks in fields.
fn fields_of(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

/// Words that are names, paths and keys: they are never cut, because they are copied.
const LONG_WORD: usize = 36;

#[track_caller]
fn fits(what: &str, text: &str) {
    for line in text.lines() {
        let longest = line.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or(0);
        assert!(line.width() <= 80 || longest > LONG_WORD, "{what}: {} columns: {line}", line.width());
    }
}

#[test]
fn text_fits_eighty_columns() {
    let world = World::configured(BUDGET);
    world.with_history();
    for words in ANSWERING.iter().filter(|words| words[0] != "config") {
        fits(&words.join(" "), &ask(&world, words, &[]).out);
    }
    fits("doctor --all", &world.answer(&["doctor", "--all"]).out);
    let mut command = Cli::command().term_width(80);
    for part in command.get_subcommands_mut() {
        fits("help", &part.clone().term_width(80).render_long_help().to_string());
    }
    fits("help", &command.render_long_help().to_string());
}

#[test]
fn colour_is_asked_for() {
    let world = World::new();
    world.with_history();
    let colored = |words: &[&str], variable: Option<(&str, &str)>| {
        let mut command = world.command(words);
        command.envs(variable);
        world.finish(command, words).code(0).out.contains('\u{1b}')
    };
    assert!(!colored(&["show"], None), "stdout is no terminal");
    assert!(colored(&["show", "--color", "always"], None));
    assert!(colored(&["show"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!colored(&["show", "--color", "never"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!colored(&["show"], Some(("NO_COLOR", "1"))));
    assert!(world.answer(&["show", "--ascii"]).code(0).out.is_ascii());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let world = World::new();
    world.with_history();
    for words in [&["list"][..], &["show", "--format", "json"], &["completions", "bash"]] {
        let (reader, writer) = pipe().unwrap();
        let mut command = world.command(words);
        command.stdout(writer);
        drop(reader);
        // The writer goes with the command, and nobody reads.
        let status = command.status().unwrap();
        assert_eq!(status.code(), Some(0), "{words:?}");
    }
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let world = World::new();
    let commands: Vec<String> =
        Cli::command().get_subcommands().map(|part| part.get_name().to_owned()).collect();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = world.answer(&["completions", shell]).code(0).out;
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell} does not know {command}");
        }
    }
    world.answer(&["man", "pages"]).code(0);
    for command in &commands {
        let page = world.read(&format!("pages/bench-runner-{command}.1"));
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let answer = world.answer(&["man", "pages", "--format", "json"]).code(0);
    assert_eq!(answer.json()["path"], "pages");
    world.write("file", "");
    world.answer(&["man", "file"]).code(1).says(&["hint: check that `file` is a writable folder"]);
}

#[test]
fn help_names_every_exit_code() {
    let world = World::new();
    let help = world.answer(&["--help"]).code(0).out;
    assert!(help.contains(bench_runner::exit_code::table().trim_end()), "{help}");
}

#[test]
fn waiting_ends_in_time_and_says_what_for() {
    let world = World::new();
    world.answer(&["doctor", "--wait", "soon"]).code(2).says(&["a whole number with s, m or h"]);
    let answer = world.answer(&["doctor", "--wait", "1s", "--format", "json"]);
    let diagnosis = &answer.json()["diagnosis"];
    let stands = |check: &&serde_json::Value| {
        check["passes"] == true && (check["state"] == "warn" || check["state"] == "block")
    };
    let left = diagnosis["checks"].as_array().unwrap().iter().filter(stands).count();
    let unfit = diagnosis["grade"] == "X" || left > 0;
    assert_eq!(answer.code, Some(if unfit { 122 } else { 0 }), "{}", answer.err);
    assert!(left == 0 || answer.err.contains("waiting up to"), "{}", answer.err);
}
