//! The pages of the site: decided values of [`crate::model::site`] become documents, documents become HTML and Markdown.
//!
//! A document is a list of sections made of blocks, so that a page and its Markdown twin say the same. Nothing is read,
//! judged or measured here.

mod benchmarks;
pub mod block;
mod changes;
mod compare;
mod cut;
mod feed;
mod gates;
mod html;
mod index;
mod knobs;
mod line;
mod machine;
mod machines;
mod markdown;
mod measure;
mod others;
#[cfg(test)]
mod palette;
mod prose;
mod releases;
mod run;
mod samples;
mod tonight;
mod trend;

use std::collections::BTreeMap;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

pub use benchmarks::benchmarks;
pub use block::Document;
pub use changes::changes;
pub use compare::{comparison, comparison_path, comparisons};
pub use cut::cut;
pub use feed::{atom, badge};
pub use gates::gates;
pub use index::index;
pub use knobs::knobs;
pub use line::{Causes, benchmark};
pub use machine::machine;
pub use machines::machines;
pub use prose::{Parameters, data, method};
pub use releases::releases;
pub use run::{RunPages, neighbors, run};

use super::render::{Templates, environment, failed, safe};
use super::{ReportError, escape};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::MachineListing;

const SHELL: &str = include_str!("../../../templates/site.html");
const STYLE: &str = include_str!("../../../templates/site.css");
const SCRIPT: &str = include_str!("../../../templates/site.js");

/// The place of the sections in the shell: what stands before it and behind it are templates of their own, so that the sections,
/// nearly all of a page, are written once.
const BODY: &str = "{{ body }}";
/// Names of the two.
const HEAD: &str = "site.html";
const TAIL: &str = "site.html, behind the sections";

/// The pages that every page links to: path, word.
const NAVIGATION: [(&str, &str); 10] = [
    ("index.html", "Tonight"),
    ("benchmarks.html", "Benchmarks"),
    ("changes.html", "Changes"),
    ("machines.html", "Machines"),
    ("compare.html", "Compare"),
    ("gates.html", "Gates"),
    ("releases.html", "Releases"),
    ("knobs.html", "Knobs"),
    ("data.html", "Data"),
    ("method.html", "Method"),
];

/// Writes documents with one set of templates, prepared once.
#[derive(Debug)]
pub struct Site {
    environment: minijinja::Environment<'static>,
    /// Shared by all pages.
    style: minijinja::Value,
    script: minijinja::Value,
    policy: String,
    present: Vec<String>,
    /// Id of the oldest run with a page.
    oldest_run: Option<String>,
    names: BTreeMap<String, String>,
}

impl Site {
    /// Prepares the templates. `present` are the paths of the pages that the site has: nothing links to others. `machines`
    /// gives keys their names.
    ///
    /// # Errors
    ///
    /// [`ReportError`] for a style sheet that would end its own element.
    pub fn new(
        templates: &Templates,
        present: Vec<String>,
        machines: &[MachineListing],
    ) -> Result<Self, ReportError> {
        let style = format!("{}\n{STYLE}", templates.source("page.css"));
        if style.to_ascii_lowercase().contains("</style") {
            return Err(ReportError::Stylesheet);
        }
        let hash =
            |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
             form-action 'none'",
            hash(&style),
            hash(SCRIPT)
        );
        let mut environment = environment(HEAD)?;
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
        let (head, tail) = SHELL.split_once(BODY).unwrap_or((SHELL, ""));
        environment.add_template(HEAD, head).map_err(failed(HEAD))?;
        environment.add_template(TAIL, tail).map_err(failed(TAIL))?;
        let mut present = present;
        present.sort();
        // Ids sort by time.
        let runs = present.iter().filter_map(|path| path.strip_prefix("run/")?.strip_suffix(".html"));
        let oldest_run = runs.min().map(str::to_owned);
        let names = machines.iter().map(|machine| (machine.machine.clone(), name_of(machine)));
        let (style, script) = (safe(style), safe(SCRIPT.to_owned()));
        Ok(Self { environment, style, script, policy, present, oldest_run, names: names.collect() })
    }

    /// Whether the site has the page at `path`.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.present.binary_search_by(|known| known.as_str().cmp(path)).is_ok()
    }

    /// The page at `path`, if there is one.
    pub(crate) fn link(&self, path: String) -> Option<String> {
        self.has(&path).then_some(path)
    }

    /// The page of a run, if there is one. Nearly all runs of a long line are older than every page, which is known at once.
    pub(crate) fn run_link(&self, run: &RunId) -> Option<String> {
        let oldest = self.oldest_run.as_deref()?;
        if run.as_str() < oldest { None } else { self.link(run_path(run)) }
    }

    /// Label of a machine, or its key.
    #[must_use]
    pub fn machine_name(&self, key: &str) -> String {
        self.names.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// Everything besides the data that decides what a page looks like: part of what its digest covers.
    #[must_use]
    pub fn look(&self) -> String {
        let mut hasher = Sha256::new();
        // Each page of a benchmark leads to the ones beside it.
        let beside = self.present.iter().filter(|path| path.starts_with("benchmark/")).map(String::as_str);
        for part in [self.policy.as_str(), SHELL, env!("CARGO_PKG_VERSION")].into_iter().chain(beside) {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        crate::model::ids::Digest(hasher.finalize().into()).to_string()
    }

    /// Writes `document` as one HTML page that needs nothing else.
    ///
    /// # Errors
    ///
    /// [`ReportError::Template`] when the shell cannot be rendered.
    pub fn html(&self, document: &Document) -> Result<String, ReportError> {
        let up = up(&document.path);
        let values = minijinja::context! {
            title => document.title.as_str(),
            kicker => document.kicker.as_str(),
            line => safe(super::render::rich_html(&document.line)),
            dated => document.dated.map(super::format::timestamp),
            chips => safe(html::chips(&document.chips)),
            side => safe(html::side(document)),
            footer => safe(html::footer(document)),
            feed => self.has("changes.atom").then(|| format!("{up}changes.atom")),
            navigation => safe(self.navigation(&document.path) + &self.beside(&document.path)),
            policy => safe(self.policy.clone()),
            style => self.style.clone(),
            script => self.script.clone(),
        };
        let part = |name: &str| {
            let template = self.environment.get_template(name).map_err(failed(name))?;
            template.render(&values).map_err(failed(name))
        };
        let mut page = html::sections(part(HEAD)?, document, up);
        page.push_str(&part(TAIL)?);
        Ok(page)
    }

    /// Writes `document` as Markdown, cut at `most` bytes with the rest stated.
    #[must_use]
    pub fn markdown(&self, document: &Document, most: Option<usize>) -> String {
        cut(&markdown::document(document), most)
    }

    /// The bar that leads to the other pages.
    fn navigation(&self, path: &str) -> String {
        let up = up(path);
        let items = NAVIGATION.iter().filter(|(target, _)| self.has(target)).map(|(target, word)| {
            let here = if *target == path { " aria-current=\"page\"" } else { "" };
            format!("<li><a href=\"{up}{target}\"{here}>{word}</a>")
        });
        format!("<ul>{}</ul>", items.collect::<String>())
    }
}

impl Site {
    /// The pages before and behind that of a benchmark or machine, in the order of their names.
    fn beside(&self, path: &str) -> String {
        let word = match path.split_once('/') {
            Some(("benchmark", _)) => "benchmark",
            Some(("machine", _)) => "machine",
            _ => return String::new(),
        };
        let Ok(place) = self.present.binary_search_by(|known| known.as_str().cmp(path)) else {
            return String::new();
        };
        let near = [("prev", "previous", place.checked_sub(1)), ("next", "next", Some(place + 1))];
        let items = near.into_iter().filter_map(|(way, said, place)| {
            let target = self.present.get(place?)?;
            let same = target.split_once('/').is_some_and(|(folder, _)| folder == word);
            same.then(|| format!("<li><a rel=\"{way}\" href=\"../{target}\">{said} {word}</a>"))
        });
        let items: String = items.collect();
        if items.is_empty() { items } else { format!("<ul class=\"parts\">{items}</ul>") }
    }
}

/// The way from a page to the root of the site.
fn up(path: &str) -> &'static str {
    if path.contains('/') { "../" } else { "" }
}

/// Label of a machine, or its key.
#[must_use]
pub fn name_of(machine: &MachineListing) -> String {
    machine.label.clone().unwrap_or_else(|| machine.machine.clone())
}

/// A file name made from any text: what is readable of it, and eight digits that keep two texts apart.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut readable = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            readable.push(character.to_ascii_lowercase());
        } else if !readable.ends_with('-') {
            readable.push('-');
        }
        if readable.len() >= 60 {
            break;
        }
    }
    let digest = crate::model::ids::Digest(Sha256::digest(text.as_bytes()).into()).to_string();
    let readable = readable.trim_matches('-');
    format!("{readable}{}{}", if readable.is_empty() { "" } else { "-" }, &digest[..8])
}

/// Path of a benchmark's page.
#[must_use]
pub fn benchmark_path(id: &BenchmarkId) -> String {
    format!("benchmark/{}.html", slug(&id.long_name()))
}

/// Path of a run's page.
#[must_use]
pub fn run_path(id: &RunId) -> String {
    format!("run/{id}.html")
}

/// Path of a machine's page.
#[must_use]
pub fn machine_path(key: &str) -> String {
    format!("machine/{}.html", slug(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_one_kind_lead_to_each_other() {
        let paths = ["benchmark/a.html", "benchmark/b.html", "index.html", "machine/m.html"];
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let site = Site::new(&Templates::built_in(), paths, &[]).unwrap();
        let check = |path: &str, expected: &str| assert_eq!(site.beside(path), expected, "{path}");
        check(
            "benchmark/a.html",
            "<ul class=\"parts\"><li><a rel=\"next\" href=\"../benchmark/b.html\">next benchmark</a></ul>",
        );
        check(
            "benchmark/b.html",
            "<ul class=\"parts\"><li><a rel=\"prev\" href=\"../benchmark/a.html\">previous benchmark</a></ul>",
        );
        check("machine/m.html", "");
        check("index.html", "");
        check("benchmark/gone.html", "");
    }

    #[test]
    fn a_page_is_the_shell_around_its_sections() {
        let (head, tail) = SHELL.split_once(BODY).unwrap();
        assert!(
            head.contains("<main") && tail.contains("</main>") && tail.contains("{{ script }}"),
            "{tail}"
        );
        let site = Site::new(&Templates::built_in(), Vec::new(), &[]).unwrap();
        let mut document = Document::new("index.html", "", "A & B");
        document.section("s", "Here", vec![block::Block::Text("words".to_owned())]);
        let page = site.html(&document).unwrap();
        let inside = page.split_once("<main id=\"content\">\n").unwrap().1.split_once("\n</main>").unwrap().0;
        assert_eq!(inside, "<section id=\"s\"><h2>Here</h2>\n<p>words</p>\n</section>\n");
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(page.contains("<title>A &amp; B</title>") && page.contains(SCRIPT));
    }

    #[test]
    fn slugs_are_short_safe_and_distinct() {
        let check = |text: &str, start: &str| {
            let slug = slug(text);
            assert!(slug.starts_with(start) && slug.len() <= 69, "{slug}");
            assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{slug}");
        };
        check("kms/sign_bench/ed25519_sign_128B", "kms-sign-bench-ed25519-sign-128b-");
        check("../../etc/passwd", "etc-passwd-");
        check("\u{202e}\u{0}😀", "");
        check(&"x".repeat(300), "xxx");
        assert_ne!(slug("a/b"), slug("a-b"));
    }
}
