//! The Atom feed of changes, and a badge for a README.

use std::fmt::Write as _;

use super::measure::{self};
use super::{Site, benchmark_path, escape};
use crate::model::gate::GateVerdict;
use crate::model::site::{ChangeLog, Overview};
use crate::model::trend::Tonight;
use crate::report::format;
use crate::report::view::words::unmarked;

/// Entries of the feed.
const ENTRIES: usize = 50;

/// Writes the feed: the newest steps, each with a stable name. Its links are relative, as the site may lie anywhere.
#[must_use]
pub fn atom(site: &Site, log: &ChangeLog) -> String {
    let updated = log.newest.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), format::timestamp);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>Benchmark \
         changes</title>\n<id>urn:bench-runner:changes</id>\n<updated>{updated}</updated>\n<author><name>bench-runner</name>\
         </author>\n<link href=\"changes.html\"/>\n"
    );
    for (line, step) in log.found.iter().take(ENTRIES) {
        let worse = (step.ratio > 1.0) != line.metric.bigger_is_better();
        let title = format!(
            "{} {} {} on {}",
            measure::name(&line.benchmark),
            if worse { "got slower" } else { "got faster" },
            measure::change(step.ratio, step.ratio_interval),
            site.machine_name(&line.machine)
        );
        let text = format!(
            "{}; {}; first run {}",
            measure::levels(&line.metric, step.levels.0, step.levels.1),
            unmarked(&measure::commits(&step.commits)),
            step.first_run
        );
        let name = super::slug(&format!("{}/{}/{}", line.benchmark.long_name(), line.machine, line.config));
        _ = writeln!(
            out,
            "<entry><title>{}</title><id>urn:bench-runner:change:{}:{name}</id><updated>{}</updated>\
             <link href=\"{}\"/><summary>{}</summary></entry>",
            xml(&title),
            step.first_run,
            format::timestamp(step.started),
            benchmark_path(&line.benchmark),
            xml(&text)
        );
    }
    out.push_str("</feed>\n");
    out
}

/// Escaped, and without the characters that XML refuses.
fn xml(text: &str) -> String {
    escape::html(&escape::visible(text, false))
}

/// Writes the badge: one word on the newest night.
#[must_use]
pub fn badge(overview: &Overview) -> String {
    let slower: usize = overview.trend.slower.iter().map(|change| change.members.len()).sum();
    let broken = overview.budgets.iter().filter(|(_, gate)| gate.verdict == GateVerdict::Fail).count();
    let (word, color) = match overview.trend.tonight {
        Tonight::Slower => (format!("{slower} slower"), "#b34700"),
        _ if broken > 0 => (format!("{broken} over budget"), "#b34700"),
        Tonight::Fine => ("fine".to_owned(), "#0072b2"),
        Tonight::CannotTell => ("cannot tell".to_owned(), "#57606a"),
        Tonight::Nothing => ("nothing measured".to_owned(), "#57606a"),
    };
    let width = 16 + 7 * word.len();
    let (whole, middle) = (88 + width, 88 + width / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"benchmarks: {word}\">\
         <title>benchmarks: {word}</title><rect width=\"{whole}\" height=\"20\" rx=\"3\" fill=\"#3d444d\"/>\
         <path fill=\"{color}\" d=\"M88 0h{}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{}z\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"44\" y=\"14\">benchmarks</text><text x=\"{middle}\" y=\"14\">{word}</text></g></svg>\n",
        width - 3,
        width - 3
    )
}
