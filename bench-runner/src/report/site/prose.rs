//! The two pages of words: how to get the data, and how each number is made.

use super::Site;
use super::block::{Block, Document, Item};
use super::measure::PAGE;
use crate::report::format;
use crate::report::view::words::code;

/// Writes the page about the data.
#[must_use]
pub fn data(site: &Site) -> Document {
    let mut page = Document::new("data.html", "Benchmark observatory", "Data");
    page.line = "Every number of these pages comes from one SQLite file; every table can be copied as Markdown, CSV or JSON."
        .to_owned();
    page.command = "bench-runner export --help".to_owned();
    page.section(
        "copy",
        "From a page",
        vec![Block::Text(
            "Above each table are buttons that copy it as Markdown, CSV or JSON. What is copied ends with the command that \
             makes the same table. Without scripts the tables can be selected as text."
                .to_owned(),
        )],
    );
    page.section(
        "export",
        "From the store",
        vec![
            Block::Text("Stored runs in the formats of other tools, and in our own versioned JSON:".to_owned()),
            Block::Code(
                "bench-runner export --help\nbench-runner list --format csv\nbench-runner show latest --format json\n\
                 bench-runner compare RUN_A RUN_B --format json\nbench-runner changes list --format jsonl"
                    .to_owned(),
            ),
        ],
    );
    page.section(
        "whole",
        "Whole runs, signed",
        vec![
            Block::Text("A bundle holds one run with every observation and its signature; it can be checked elsewhere.".to_owned()),
            Block::Code("bench-runner bundle --help\nbench-runner verify\nbench-runner key show".to_owned()),
        ],
    );
    let items = [
        ("index.md", "The first page as Markdown"),
        ("changes.md", "Changes as Markdown"),
        ("machines.md", "Machines as Markdown"),
        ("compare.md", "Comparisons as Markdown"),
        ("gates.md", "Budgets as Markdown"),
        ("releases.md", "Releases as Markdown"),
        ("knobs.md", "Knobs as Markdown"),
        ("changes.atom", "Changes as an Atom feed"),
        ("badge.svg", "A badge for a README"),
    ];
    let items = items
        .iter()
        .filter(|(path, _)| site.has(path))
        .map(|(path, text)| Item { text: (*text).to_owned(), link: Some((*path).to_owned()) });
    page.section("twins", "Beside these pages", vec![Block::List(items.collect())]);
    page
}

/// The numbers that the page about the method states; they come from the code that uses them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Margin within which a change does not matter.
    pub margin: f64,
    /// 1 minus the chance of any false alarm in one comparison.
    pub comparison_level: f64,
    /// Confidence level of single intervals.
    pub level: f64,
    /// Values that a history needs.
    pub fewest: usize,
    /// Nights after which a step is no news any more.
    pub nights: u32,
}

/// Writes the page about the method.
#[must_use]
pub fn method(site: &Site, parameters: &Parameters) -> Document {
    let mut page = Document::new("method.html", "Benchmark observatory", "Method");
    page.line = "How each number on these pages is made, with the settings of this site.".to_owned();
    page.command = "bench-runner config".to_owned();
    let percent = |value| format::percent(PAGE, value, 1);
    let facts = [
        ("Value", "Median over launches of the medians of their observations, per iteration. A launch is one fresh process; most of the variance of a run comes from the process.".to_owned()),
        ("Interval", format!("{} interval over launches: Student's t on logarithms for few launches, a hierarchical bootstrap for many. Trends use Student's t. A number without launches says that it has no interval.", percent(parameters.level))),
        ("Size of a change", "The new value over the old one, less one: −6.9 % is 6.9 % less time, which is faster. It is said nowhere the other way round.".to_owned()),
        ("Comparison of two runs", format!("Regressed or improved: the whole interval excludes “no change”, and the change is at least the margin of {}. Unchanged: the whole interval lies within the margin. The chance of any false alarm in one comparison is {}.", percent(parameters.margin), percent(1.0 - parameters.comparison_level))),
        ("Tonight", format!("What `bench-runner trend` says at the start of the newest run, over {} nights: the first page asks the same code and words it alike. The clock is not asked, so that the same store gives the same pages on any day; your browser says when the newest run is long ago.", parameters.nights)),
        ("Got slower, got faster", format!("The level changed by more than {} within the window and stayed, and nobody decided about it. Steps that fall together on one machine are one row. The list begins with the largest change.", percent(parameters.margin))),
        ("As before", format!("Judged against at least {} nights, and nothing found. It is not a proof that nothing changed; “would show” in a comparison is the smallest change that would have been seen with a probability of 90 %.", parameters.fewest)),
        ("Cannot tell", "Unusual tonight without an answer from measuring again, too little history, or a run that is partial or put aside.".to_owned()),
        ("Not run", "Measured before, and by no run of tonight: a run belongs to tonight for a night and a half.".to_owned()),
        ("Step, drift, spike", "Found by a robust engine on logarithms that weighs steps against slow wandering and keeps its false alarms per series at a calibrated share. The page of a benchmark searches its whole history, tonight the newest 120 nights: sizes may differ in their last digits.".to_owned()),
        ("Fit", "The doctor's grade of the machine at the start of the run: A, B, C, or X for unfit.".to_owned()),
        ("Noise", "Median over benchmarks of the standard deviation of the logarithms of the launch medians of one run.".to_owned()),
        ("Not comparable", "Runs of unlike machines, configurations or harness settings are not compared. Machines stand side by side only on the same commit, built alike.".to_owned()),
    ];
    let facts = facts.into_iter().map(|(term, text)| (term.to_owned(), text)).collect();
    page.section("numbers", "Numbers and words", vec![Block::Facts(facts)]);
    page.section(
        "pages",
        "These pages",
        vec![
            Block::Text(format!(
                "They are files: no server, no request, no other file. The same store gives the same bytes. Press {} for the keys; \
                 everything can be read without scripts.",
                code("?")
            )),
            Block::List(
                site.link("data.html".to_owned())
                    .map(|link| Item { text: "How to get the numbers".to_owned(), link: Some(link) })
                    .into_iter()
                    .collect(),
            ),
        ],
    );
    page
}
