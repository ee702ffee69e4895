//! Pages of runs: the report within the site, split where one page would be too large.

use std::fmt::Write as _;

use super::block::{Block, Item};
use super::{SCRIPT, STYLE, Site, comparison_path, run_path};
use crate::model::ids::RunId;
use crate::model::report::RunReport;
use crate::report::format::Dialect;
use crate::report::render::{Surroundings, Templates, html_within};
use crate::report::{ReportError, view};

/// Bytes of a page from which on its charts move to pages of their own.
const MOST_BYTES: usize = 480_000;
/// Benchmarks of a page of charts.
const PART: usize = 24;

/// The pages of one run: path and text, the first one under [`run_path`].
pub type RunPages = Vec<(String, String)>;

/// Writes the pages of a run.
///
/// # Errors
///
/// [`ReportError`] as [`crate::report::html_with`].
pub fn run(site: &Site, templates: &Templates, report: &RunReport) -> Result<RunPages, ReportError> {
    let path = run_path(&report.run.id);
    let before = report.previous.as_ref().map(|previous| &previous.baseline);
    let near: String = neighbors(site, &report.run.id, before)
        .iter()
        .map(|(target, words)| {
            let rel = if target.starts_with("run/") { " rel=\"prev\"" } else { "" };
            format!("<li><a{rel} href=\"../{target}\">{words}</a>")
        })
        .collect();
    let beside = if near.is_empty() { String::new() } else { format!("<ul class=\"parts\">{near}</ul>") };
    let mut around = Surroundings {
        navigation: bar(site, &path, &beside),
        style: format!("\n{STYLE}"),
        script: SCRIPT.to_owned(),
        command: format!("bench-runner show {}", report.run.id),
    };
    let write = |report: &RunReport, around: &Surroundings| {
        html_within(templates, "note.html", &view::page(report, Dialect::Html)?, around)
    };
    let whole = write(report, &around)?;
    if whole.len() <= MOST_BYTES {
        return Ok(vec![(path, whole)]);
    }
    let parts: Vec<(String, RunReport)> = report
        .results
        .chunks(PART)
        .enumerate()
        .map(|(number, results)| {
            let mine = |id| results.iter().any(|result| result.benchmark == id);
            let part = RunReport {
                results: results.to_vec(),
                distributions: report
                    .distributions
                    .iter()
                    .filter(|one| mine(one.benchmark.clone()))
                    .cloned()
                    .collect(),
                batch_curves: report
                    .batch_curves
                    .iter()
                    .filter(|curve| curve.points.first().is_some_and(|point| mine(point.benchmark.clone())))
                    .cloned()
                    .collect(),
                parallel: report.parallel.iter().filter(|one| mine(one.benchmark.clone())).cloned().collect(),
                previous: None,
                previous_started: None,
                gates: Vec::new(),
                recommendations: Vec::new(),
                ..report.clone()
            };
            (format!("run/{}-{}.html", report.run.id, number + 1), part)
        })
        .collect();
    let mut links = String::new();
    for (number, (target, _)) in parts.iter().enumerate() {
        _ = write!(links, "<li><a href=\"../{target}\">charts {}</a>", number + 1);
    }
    let more = format!("<ul class=\"parts\"><li><a href=\"../{path}\">summary</a>{links}{near}</ul>");
    around.navigation = bar(site, &path, &more);
    // The first page has every result; launches and observations are on the pages of charts.
    let mut summary = RunReport { distributions: Vec::new(), ..report.clone() };
    for result in &mut summary.results {
        result.launches.clear();
    }
    let mut pages = vec![(path.clone(), write(&summary, &around)?)];
    for (target, part) in &parts {
        around.navigation = bar(site, target, &more);
        pages.push((target.clone(), write(part, &around)?));
    }
    Ok(pages)
}

/// Pages of the site that belong beside a run: the one before, and the comparison with it. Target and words.
#[must_use]
pub fn neighbors(site: &Site, run: &RunId, before: Option<&RunId>) -> Vec<(String, &'static str)> {
    let Some(before) = before else { return Vec::new() };
    let near = [(run_path(before), "run before"), (comparison_path(before, run), "compared with it")];
    near.into_iter().filter(|(path, _)| site.has(path)).collect()
}

/// The bar above a report.
fn bar(site: &Site, path: &str, more: &str) -> String {
    format!(
        "<nav class=\"bar\" aria-label=\"Pages\"><div class=\"wide\">{}{more}</div></nav>",
        site.navigation(path)
    )
}

impl Site {
    /// The page of a run whose observations were pruned: what is left of it are its points in the trends.
    #[must_use]
    pub fn pruned(&self, run: &RunId) -> super::Document {
        let mut page = super::Document::new(run_path(run), "Run", format!("Run {run}"));
        page.line =
            "The observations of this run were pruned; its values stand in the trends of its benchmarks."
                .to_owned();
        page.command = format!("bench-runner show {run}");
        let ways = [
            ("benchmarks.html", "All benchmarks with their newest values"),
            ("machines.html", "Machines"),
            ("index.html", "Is tonight fine?"),
        ];
        let items = ways.iter().filter(|(path, _)| self.has(path));
        let items =
            items.map(|(path, text)| Item { text: (*text).to_owned(), link: Some((*path).to_owned()) });
        page.section("ways", "Where to go on", vec![Block::List(items.collect())]);
        page
    }
}
