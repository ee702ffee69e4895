//! The rules of the house as tests: layers, sizes, module docs, prints and clocks.
//!
//! The layer table is read from ARCHITECTURE.md, so the document and the check cannot drift apart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files below `folder` with the given extension, sorted, as (path relative to the repository, content).
fn sources(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![repository().join(folder)];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(&current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "fixtures" {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path.strip_prefix(repository()).unwrap().to_string_lossy().replace('\\', "/");
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn rust_sources() -> Vec<(String, String)> {
    ["bench-runner/src", "bench-runner/tests", "bench-runner/benches", "kms/src", "kms/tests", "kms/benches"]
        .iter()
        .filter(|folder| repository().join(folder).is_dir())
        .flat_map(|folder| sources(folder, "rs"))
        .collect()
}

/// The table between the markers of ARCHITECTURE.md: module to the modules it may import.
fn layers() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let table =
        text.split("<!-- layers:begin -->").nth(1).unwrap().split("<!-- layers:end -->").next().unwrap();
    let rows = table.lines().skip(3).filter(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let imports = cells[3].split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        (cells[1].to_owned(), imports.collect())
    })
    .collect()
}

/// The top-level module that a file of `bench-runner/src` belongs to.
fn module_of(name: &str) -> &str {
    let inner = name.strip_prefix("bench-runner/src/").unwrap();
    inner.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The top-level modules named by `crate::` paths in `content`, `use crate::{a, b}` included.
fn imports(content: &str) -> BTreeSet<String> {
    let paths = Regex::new(r"crate::(?:\{([^}]*)\}|([a-z_]+))").unwrap();
    let first = Regex::new(r"(?:^|,)\s*([a-z_]+)").unwrap();
    let mut found = BTreeSet::new();
    for line in content.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for capture in paths.captures_iter(line) {
            match (capture.get(1), capture.get(2)) {
                (Some(list), _) => {
                    found.extend(first.captures_iter(list.as_str()).map(|name| name[1].to_owned()));
                }
                (None, Some(name)) => _ = found.insert(name.as_str().to_owned()),
                (None, None) => unreachable!("one of the two groups matches"),
            }
        }
    }
    found
}

/// What breaks the table, given files and the table: pure, so that the check itself can be tested.
fn forbidden_imports(files: &[(String, String)], layers: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, content) in files {
        let module = module_of(name);
        let Some(allowed) = layers.get(module) else {
            if module != "main" {
                problems.push(format!("{name}: module `{module}` has no row in ARCHITECTURE.md"));
            }
            continue;
        };
        for import in imports(content) {
            if import != module && layers.contains_key(&import) && !allowed.contains(&import) {
                problems.push(format!("{name}: `{module}` may not import `{import}`"));
            }
        }
    }
    problems
}

#[test]
fn tidy_layers_hold() {
    let problems = forbidden_imports(&sources("bench-runner/src", "rs"), &layers());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn tidy_layers_would_notice_a_forbidden_import() {
    let planted = [
        ("bench-runner/src/stats/quantile.rs".to_owned(), "use crate::model::units::Metric;\n".to_owned()),
        ("bench-runner/src/report.rs".to_owned(), "use crate::{model::ids, store::Store};\n".to_owned()),
        ("bench-runner/src/newcomer.rs".to_owned(), String::new()),
    ];
    let problems = forbidden_imports(&planted, &layers());
    assert_eq!(
        problems,
        [
            "bench-runner/src/stats/quantile.rs: `stats` may not import `model`",
            "bench-runner/src/report.rs: `report` may not import `store`",
            "bench-runner/src/newcomer.rs: module `newcomer` has no row in ARCHITECTURE.md",
        ]
    );
}

#[test]
fn tidy_layers_are_acyclic() {
    let layers = layers();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < layers.len() {
        let ready: Vec<_> = layers
            .iter()
            .filter(|(name, imports)| {
                // `cli` and `commands` share the argument types; they count as one layer.
                !done.contains(name.as_str())
                    && imports.iter().all(|import| done.contains(import.as_str()) || pair(name, import))
            })
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(
            !ready.is_empty(),
            "a cycle among {:?}",
            layers.keys().filter(|name| !done.contains(name.as_str()))
        );
        done.extend(ready);
    }
}

fn pair(a: &str, b: &str) -> bool {
    matches!((a, b), ("cli", "commands") | ("commands", "cli"))
}

#[test]
fn tidy_every_file_says_what_it_is_for() {
    for (name, content) in rust_sources() {
        // A crate whose README is its documentation includes that file instead.
        let documented = content.starts_with("//!") || content.starts_with("#![doc = include_str!");
        assert!(documented, "{name}: starts without module documentation");
    }
}

#[test]
fn tidy_files_stay_short_or_say_why() {
    for (name, content) in rust_sources() {
        let lines = content.lines().count();
        let reason = content.lines().take(15).any(|line| line.contains("Length:"));
        assert!(
            lines <= 500 || reason,
            "{name}: {lines} lines; split it, or give a `Length:` reason at its top"
        );
    }
    let main = std::fs::read_to_string(repository().join("bench-runner/src/main.rs")).unwrap();
    assert!(main.lines().count() <= 15, "main.rs grows");
}

/// A rough count that needs no parser: from `fn` to the closing brace at the same indentation (the code is formatted).
fn longest_function(content: &str) -> (usize, String) {
    let start = Regex::new(r"^(\s*)(?:pub(?:\([a-z]+\))? )?(?:const )?(?:unsafe )?fn ([a-z_0-9]+)").unwrap();
    let lines: Vec<&str> = content.lines().collect();
    let mut longest = (0, String::new());
    for (index, line) in lines.iter().enumerate() {
        let Some(found) = start.captures(line) else { continue };
        let close = format!("{}}}", &found[1]);
        let length = lines[index..].iter().position(|line| *line == close).map_or(0, |end| end + 1);
        if length > longest.0 {
            longest = (length, found[2].to_owned());
        }
    }
    longest
}

#[test]
fn tidy_functions_stay_short() {
    for (name, content) in rust_sources() {
        let (length, function) = longest_function(&content);
        assert!(length <= 72, "{name}: `{function}` has {length} lines (70 and its signature's brace)");
    }
}

#[test]
fn tidy_prints_clocks_and_environments_stay_in_their_places() {
    let rules = [
        (
            r"\be?print(ln)?!\(",
            &["bench-runner/src/ui", "bench-runner/src/commands", "bench-runner/src/lib.rs"][..],
        ),
        (r"SystemTime::now|Timestamp::now\(|Zoned::now", &["bench-runner/src/clock.rs"][..]),
        (r"std::env::var|env::vars", &["bench-runner/src/commands", "bench-runner/src/ui"][..]),
        (r"Command::new\(", &["bench-runner/src/process"][..]),
        (r"process::exit\(", &[][..]),
    ];
    for (name, content) in sources("bench-runner/src", "rs") {
        let code = content.split("\n#[cfg(test)]").next().unwrap();
        for (pattern, places) in &rules {
            if places.iter().any(|place| name.starts_with(place)) {
                continue;
            }
            let found = Regex::new(pattern).unwrap();
            let line = code.lines().find(|line| !line.trim_start().starts_with("//") && found.is_match(line));
            assert!(line.is_none(), "{name}: `{}` belongs into {places:?}", line.unwrap_or_default().trim());
        }
    }
}

#[test]
fn tidy_scripts_stay_short() {
    for file in std::fs::read_dir(repository().join("scripts")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() && path.extension().is_none_or(|extension| extension != "py") {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 60, "{}: {lines} lines; logic belongs into Rust", path.display());
        }
    }
}

#[test]
fn tidy_documents_link_to_files_that_exist() {
    let link = Regex::new(r"\]\(([^)#]+)[^)]*\)").unwrap();
    let mut documents = sources("bench-runner/docs", "md");
    for name in
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "kms/README.md", "data/README.md"]
    {
        documents.push((name.to_owned(), std::fs::read_to_string(repository().join(name)).unwrap()));
    }
    for (name, content) in documents {
        let folder = repository().join(&name).parent().unwrap().to_owned();
        for target in link.captures_iter(&content).map(|found| found[1].to_owned()) {
            let outside = target.starts_with("http") || target.starts_with("mailto:");
            assert!(outside || folder.join(&target).exists(), "{name}: link to `{target}` leads nowhere");
        }
    }
}
