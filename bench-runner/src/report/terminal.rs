//! The report as a few terminal lines: what happened, a table that never wraps, what to look at.
//!
//! Makes text; whoever prints it decides about width, colour and character set.

use crate::report::format::append;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::format::Dialect;
use super::view::brief;
use super::view::table::Cell;
use super::view::words::unmarked;
use super::{Recent, escape, format};
use crate::model::finding::Severity;
use crate::model::report::RunReport;

/// Narrowest table that is attempted.
const NARROWEST: usize = 40;
/// Narrowest column for names; a table that leaves less drops another column first.
const NAME: usize = 16;
/// Findings shown; the rest is counted.
const FINDINGS: usize = 5;

/// Writes the lines.
pub(super) fn summary(
    report: &RunReport,
    recent: &Recent,
    width: usize,
    (color, ascii): (bool, bool),
) -> String {
    let dialect = if ascii { Dialect::Ascii } else { Dialect::Terminal };
    let brief = brief(report, recent, dialect);
    let width = width.max(NARROWEST);
    let mut lines = Vec::new();
    // The answer is the first line: that the run is not whole, what moved, or at least what this is.
    for banner in &brief.head.banners {
        let text = format!("{}: {}", banner.title, banner.text);
        lines.extend(
            wrapped(&plain(&text, ascii), width).into_iter().map(|line| paint(&line, alarm(), color)),
        );
    }
    let sentences: Vec<String> =
        brief.sentences.iter().flat_map(|sentence| wrapped(&plain(sentence, ascii), width)).collect();
    let (answer, rest) = if brief.compared { (sentences, Vec::new()) } else { (Vec::new(), sentences) };
    lines.extend(answer);
    lines.extend(
        wrapped(&plain(&brief.title, ascii), width).into_iter().map(|line| paint(&line, bold(), color)),
    );
    let chips = brief.head.chips.iter().map(|chip| plain(&chip.text, ascii)).collect::<Vec<_>>().join(" | ");
    lines.extend(wrapped(&chips, width));
    lines.push(String::new());
    lines.extend(table(&brief.rows, width, color, ascii));
    lines.push(String::new());
    lines.extend(rest);
    lines.extend(findings(report, width, ascii));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn bold() -> Style {
    Style::new().bold()
}

fn alarm() -> Style {
    AnsiColor::Yellow.on_default()
}

fn tone(tone: &str) -> Style {
    match tone {
        "regressed" => AnsiColor::Red.on_default().bold(),
        "improved" => AnsiColor::Green.on_default(),
        "inconclusive" | "apart" => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    }
}

fn paint(text: &str, style: Style, color: bool) -> String {
    if color && style != Style::new() { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Text without marks and controls; in ASCII our own signs are replaced, and a name's other characters shown as `?`.
fn plain(text: &str, ascii: bool) -> String {
    let text = escape::visible(&unmarked(text), false);
    if !ascii {
        return text;
    }
    let replaced = [
        ("✓", "[ok]"),
        ("✗", "[x]"),
        ("▲", "[R]"),
        ("▼", "[I]"),
        ("≠", "[!]"),
        ("→", "->"),
        ("±", "+/-"),
        ("≤", "<="),
        ("≥", ">="),
        ("×", "x"),
        ("·", "-"),
        ("–", "-"),
        ("…", "..."),
        ("µ", "u"),
    ];
    let text = replaced.iter().fold(text, |text, (from, to)| text.replace(from, to));
    text.chars().map(|character| if character.is_ascii() { character } else { '?' }).collect()
}

/// Cuts to `width` columns.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for character in text.chars() {
        let mut longer = out.clone();
        longer.push(character);
        // Three dots read the same in every character set.
        if longer.width() + 3 > width {
            break;
        }
        out = longer;
    }
    out.push_str("...");
    out
}

/// Breaks at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&cut(word, width));
    }
    lines.push(line);
    lines
}

/// The results; columns go one by one, least needed first, until the rest fits.
fn table(rows: &[Vec<Cell>], width: usize, color: bool, ascii: bool) -> Vec<String> {
    if rows.is_empty() {
        return vec!["No result is stored for this run.".to_owned()];
    }
    let plus_minus = if ascii { "+/-" } else { "±" };
    let heads = ["benchmark", "value", plus_minus, "per element", "throughput", "previous", "newest runs"];
    let texts: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(&cell.text, ascii)).collect()).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            let widest = texts.iter().filter_map(|row| row.get(column)).map(|text| text.width()).max();
            let widest = widest.unwrap_or(0);
            if widest == 0 { 0 } else { widest.max(heads[column].width()) }
        })
        .collect();
    let mut shown: Vec<usize> = (1..heads.len()).filter(|column| widths[*column] > 0).collect();
    let needed = |shown: &[usize]| shown.iter().map(|column| widths[*column] + 2).sum::<usize>();
    // The line of blocks shows what `trend` says in words; throughput and the value per element repeat what the value says;
    // then the interval, then the previous run.
    for least in [6, 4, 3, 2, 5] {
        if needed(&shown) + widths[0].min(NAME) > width {
            shown.retain(|column| *column != least);
        }
    }
    let name = widths[0].min(width.saturating_sub(needed(&shown)).max(NAME));
    let pad = |text: &str, wide: usize| " ".repeat(wide.saturating_sub(text.width()));
    let mut lines = Vec::new();
    let mut head = format!("{}{}", heads[0], pad(heads[0], name));
    for column in &shown {
        append(&mut head, format_args!("  {}{}", pad(heads[*column], widths[*column]), heads[*column]));
    }
    lines.push(paint(&head, bold(), color));
    for (row, cells) in texts.iter().zip(rows) {
        let first = cut(&row[0], name);
        let mut line = format!("{first}{}", pad(&first, name));
        for column in &shown {
            let text = paint(&row[*column], tone(cells[*column].tone), color);
            append(&mut line, format_args!("  {}{text}", pad(&row[*column], widths[*column])));
        }
        lines.push(line.trim_end().to_owned());
    }
    let hidden: Vec<&str> = (1..heads.len())
        .filter(|column| widths[*column] > 0 && !shown.contains(column))
        .map(|column| heads[column])
        .collect();
    if !hidden.is_empty() {
        lines.push(cut(&format!("(not shown at {width} columns: {})", hidden.join(", ")), width));
    }
    lines
}

fn findings(report: &RunReport, width: usize, ascii: bool) -> Vec<String> {
    let findings: Vec<_> =
        report.run.findings.iter().filter(|finding| finding.severity >= Severity::Warning).collect();
    let mut lines = Vec::new();
    for finding in findings.iter().take(FINDINGS) {
        let mark = if finding.severity == Severity::Blocking { "!!" } else { "! " };
        let text = format!("{}: {} -> {}", finding.code, finding.evidence, finding.remedy);
        // What to do stands at the end, so that it is broken and never cut.
        for (place, line) in wrapped(&plain(&text, ascii), width - 3).iter().enumerate() {
            lines.push(format!("{} {line}", if place == 0 { mark } else { "  " }));
        }
    }
    if findings.len() > FINDINGS {
        let more = u64::try_from(findings.len() - FINDINGS).unwrap_or(u64::MAX);
        lines.push(format!("   and {} in the report", format::plural(more, "more finding")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_columns_not_bytes() {
        let check = |text: &str, width: usize, expected: &str| assert_eq!(cut(text, width), expected);
        check("short", 10, "short");
        check("0123456789", 8, "01234...");
        check("日本語日本語", 9, "日本語...");
    }

    #[test]
    fn a_line_of_blocks_leaves_first_when_it_is_narrow() {
        let cell = |text: &str| Cell::plain(text.to_owned());
        let rows = vec![vec![
            cell("sign"),
            cell("17.3 µs"),
            cell("±0.1 %"),
            cell(""),
            cell(""),
            cell(""),
            cell("▁▁▇▇"),
        ]];
        let wide = table(&rows, 60, false, false).join("\n");
        assert!(wide.contains("newest runs") && wide.contains("▁▁▇▇"), "{wide}");
        let narrow = table(&rows, 30, false, false).join("\n");
        assert!(narrow.contains("(not shown at 30 columns: "), "{narrow}");
        assert!(narrow.contains("±0.1 %") && !narrow.contains("▁▁▇▇"), "{narrow}");
    }

    #[test]
    fn wrapping_keeps_words() {
        assert_eq!(wrapped("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrapped("", 6), [""]);
    }

    #[test]
    fn controls_never_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{202e}", false), "a␛[31mb\u{fffd}");
        assert_eq!(plain("µs ± ✓ é", true), "us +/- [ok] ?");
    }
}
