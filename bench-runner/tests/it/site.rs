//! The site from the command line: what it writes, what it leaves alone, and that equal stores give equal bytes.

use std::collections::BTreeMap;
use std::path::Path;

use bench_runner::model::estimate::BenchmarkResult;
use bench_runner::report::{Templates, site};
use serde_json::Value;

#[path = "../pages/made_up.rs"]
pub(crate) mod made_up;

/// Writes the site in `folder` and returns what the command said.
fn write(folder: &Path, more: &[&str]) -> Value {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bench-runner"));
    command.current_dir(folder).args(["site", "--format", "json"]).args(more);
    let output = command.assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn prepare(folder: &Path) {
    std::fs::write(folder.join("bench-runner.toml"), made_up::CONFIG).unwrap();
    made_up::store(&folder.join("observatory.sqlite"));
}

/// All files below `folder`.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn equal_stores_give_equal_bytes_and_a_second_time_writes_nothing() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    prepare(first.path());
    let told = write(first.path(), &[]);
    let pages = files(&first.path().join("site"));
    assert_eq!(told["written"], told["pages"]);
    let again = write(first.path(), &[]);
    assert_eq!(again["written"], 0, "{again}");
    assert_eq!(files(&first.path().join("site")), pages);
    // The same store in another folder, into another folder below it.
    for name in ["bench-runner.toml", "observatory.sqlite"] {
        std::fs::copy(first.path().join(name), second.path().join(name)).unwrap();
    }
    write(second.path(), &["--out", "elsewhere/deep"]);
    assert_eq!(files(&second.path().join("elsewhere/deep")), pages);
}

#[test]
fn pages_keep_their_size_links_lead_somewhere_and_names_stay_inert() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    std::fs::create_dir_all(folder.path().join("site")).unwrap();
    std::fs::write(folder.path().join("site/own.html"), "mine").unwrap();
    write(folder.path(), &["--max-bytes", "3000"]);
    let pages = files(&folder.path().join("site"));
    assert_eq!(pages["own.html"], b"mine");
    assert!(pages["index.html"].len() <= 150_000, "{}", pages["index.html"].len());
    let link = regex::Regex::new("href=\"([^\"]*)\"").unwrap();
    for (name, content) in &pages {
        let text = String::from_utf8(content.clone()).unwrap();
        assert!(content.len() <= 500_000, "{name} has {} bytes", content.len());
        if name.ends_with(".md") {
            assert!(content.len() <= 3000, "{name} has {} bytes", content.len());
        }
        // In Markdown such names stand between backticks.
        let mut acts = ["<script>alert", "<img", "<b>machine"].iter();
        assert!(name.ends_with(".md") || acts.all(|act| !text.contains(act)), "{name}");
        assert!(!text.contains('\u{202e}') && !text.contains('\0') && !text.contains('\u{1b}'), "{name}");
        if !name.ends_with(".html") || name == "own.html" {
            continue;
        }
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()) {
            if target.starts_with('#') || target == "data:," {
                continue;
            }
            let path = match target.strip_prefix("../") {
                Some(path) => path.to_owned(),
                None => target.clone(),
            };
            assert!(pages.contains_key(&path), "{name} leads to {target}, which is not there");
        }
    }
    let index = String::from_utf8(pages["index.html"].clone()).unwrap();
    assert!(index.contains("2 benchmarks got slower"), "{}", &index[index.find("answer").unwrap()..][..300]);
    for path in ["changes.html", "machines.html", "releases.html", "knobs.html", "compare.html"] {
        assert!(index.contains(&format!("href=\"{path}\"")), "{path} is one click away");
    }
    let releases = String::from_utf8(pages["releases.html"].clone()).unwrap();
    assert!(releases.contains("v1.4.0 → v1.5.0"), "the two tags are compared");
}

/// One telling: the first page asks the same code as `trend`, and says the same in the same order.
#[test]
fn the_first_page_says_what_trend_says() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    write(folder.path(), &[]);
    let read = |name: &str| std::fs::read_to_string(folder.path().join("site").join(name)).unwrap();
    // A page has other spaces and another minus than a Markdown file, and nothing else.
    let plain = |text: &str| text.replace('\u{a0}', " ").replace('\u{2212}', "-");
    let page = plain(&read("index.md"));
    let command = regex::Regex::new("bench-runner (trend --nights 30 --now [0-9TZ:-]+)").unwrap();
    let words = command.captures(&page).unwrap()[1].to_owned();
    let trend = |format: &str| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bench-runner"));
        command.current_dir(folder.path()).args(words.split(' ')).args(["--format", format]);
        String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
    };
    let (sheet, report) = (trend("markdown"), trend("json"));
    let report = &serde_json::from_str::<Value>(&report).unwrap()["trend"];
    let line = sheet.lines().find(|line| line.contains("got slower")).unwrap();
    assert!(page.lines().any(|said| said == line.trim_matches('*')), "{line}\n{page}");
    let section = |title: &str| {
        let after =
            page.split(&format!("\n## {title}")).nth(1).unwrap_or_else(|| panic!("no section {title}"));
        after.split("\n## ").next().unwrap().to_owned()
    };
    for (list, title) in [
        ("slower", "Needs attention"),
        ("undecided", "Could not tell"),
        ("faster", "Good news"),
        ("not_run", "Not run"),
    ] {
        let told = report[list].as_array().unwrap();
        let said = section(&format!("{title} ({})", told.len()));
        let mut from = 0;
        // Of many that say the same, the first are named.
        for one in told.iter().take(8) {
            let of = one["members"].get(0).unwrap_or(one);
            let group = of["benchmark"]["group"].as_str().unwrap();
            if group.len() < 60 && group.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                let at = said[from..].find(group).unwrap_or_else(|| panic!("{list} {group}: {said}"));
                from += at;
            }
        }
    }
    let moved = section("Needs attention");
    assert!(report["slower"].as_array().unwrap().len() >= 2, "{report}");
    for change in report["slower"].as_array().unwrap() {
        let commits = &change["commits"];
        let short = |commit: &Value| commit.as_str().unwrap()[..10].to_owned();
        let between = format!("{}..{}", short(&commits[0]), short(&commits[1]));
        assert!(moved.contains(&between), "{between}: {moved}");
    }
    // Every line of every machine is on the page somewhere: in a list, or counted among the others.
    assert!(page.contains("## Every other line") && page.contains("## What was checked"));
}

#[test]
fn a_page_that_is_no_page_any_more_goes_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    write(folder.path(), &["--all"]);
    let site = folder.path().join("site");
    let all = files(&site).len();
    std::fs::write(site.join("run/own.html"), "mine").unwrap();
    let manifest = std::fs::read_to_string(site.join("site.json")).unwrap();
    // A path that leaves the folder was never ours.
    std::fs::write(folder.path().join("outside.txt"), "mine").unwrap();
    let planted = manifest.replacen(
        "\"pages\": {",
        "\"pages\": {\n    \"../outside.txt\": {\"input\": \"\", \"sha256\": \"\", \"bytes\": 4},\n    \"run/gone.html\": {\"input\": \"\", \"sha256\": \"\", \"bytes\": 4},",
        1,
    );
    assert_ne!(planted, manifest);
    std::fs::write(site.join("site.json"), planted).unwrap();
    std::fs::write(site.join("run/gone.html"), "gone").unwrap();
    let told = write(folder.path(), &["--all"]);
    assert_eq!(told["removed"], 1, "{told}");
    assert!(!site.join("run/gone.html").exists());
    assert!(site.join("run/own.html").exists() && folder.path().join("outside.txt").exists());
    assert_eq!(files(&site).len(), all + 1);
}

#[test]
fn a_benchmark_of_many_machines_has_a_page_that_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let config = "store = \"observatory.sqlite\"\nreports = \"site\"\n";
    std::fs::write(folder.path().join("bench-runner.toml"), config).unwrap();
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bench-runner"));
    command.current_dir(folder.path()).args(["--quiet", "db", "generate"]);
    command.args(["--machines", "9", "--benchmarks", "3", "--nights", "400"]).assert().success();
    write(folder.path(), &[]);
    let mut whole = 0;
    for (name, content) in files(&folder.path().join("site")) {
        assert!(content.len() <= 500_000, "{name} has {} bytes", content.len());
        let text = String::from_utf8(content).unwrap();
        if !name.starts_with("benchmark/") {
            continue;
        }
        let drawn = text.matches("<section id=\"place-").count();
        let (_, others) = text.split_once("id=\"others\"").unwrap_or_default();
        let rows = others.split("<tbody>").nth(1).map_or(0, |body| body.matches("<tr>").count());
        assert_eq!(drawn + rows, text.matches("<li class=\"chip ").count(), "{name} leaves a line out");
        assert!(drawn >= 4, "{name} draws {drawn}");
        assert_eq!(rows > 0, text.contains(&format!("it draws the {drawn} lines")), "{name} says so");
        whole += usize::from(rows == 0);
    }
    assert!(whole < 3, "no page had to leave charts out");
}

#[test]
fn a_run_of_two_hundred_benchmarks_is_split_into_pages_that_stay_small() {
    let report = crate::report_fixture::large(200);
    let templates = Templates::built_in();
    let path = site::run_path(&report.run.id);
    let made = site::Site::new(&templates, vec![path.clone()], &[]).unwrap();
    let pages = site::run(&made, &templates, &report).unwrap();
    assert!(pages.len() > 1, "one page of {} bytes", pages[0].1.len());
    assert_eq!(pages[0].0, path);
    for (name, text) in &pages {
        assert!(text.len() <= 500_000, "{name} has {} bytes", text.len());
        for (other, _) in &pages {
            assert!(text.contains(&format!("href=\"../{other}\"")), "{name} does not lead to {other}");
        }
    }
    let summary = &pages[0].1;
    let named = |result: &BenchmarkResult| {
        summary.contains(result.benchmark.value.as_deref().unwrap_or(&result.benchmark.group))
    };
    assert!(report.results.iter().all(named), "every result is on the first page");
}
