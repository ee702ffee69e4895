//! Small words shared by all sections: names as code, verdicts, joined lists.
//!
//! Sentences carry code and strong marks as private characters, so that no name, whatever it contains, can end
//! its own mark; [`rich`] turns a sentence into pieces again.

use crate::model::comparison::Verdict;
use crate::model::finding::Severity;
use crate::model::gate::GateVerdict;
use crate::model::ids::BenchmarkId;
use crate::report::format::Dialect;

const CODE: (char, char) = ('\u{e000}', '\u{e001}');
const STRONG: (char, char) = ('\u{e002}', '\u{e003}');

/// One piece of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Plain(&'a str),
    /// A name or command.
    Code(&'a str),
    /// The number that the sentence is about.
    Strong(&'a str),
}

/// Marks a name as code.
#[must_use]
pub fn code(name: &str) -> String {
    marked(CODE, name)
}

/// Marks a number as the point of its sentence.
#[must_use]
pub fn strong(text: &str) -> String {
    marked(STRONG, text)
}

fn marked((open, close): (char, char), text: &str) -> String {
    let mut out = String::with_capacity(text.len() + open.len_utf8() + close.len_utf8());
    out.push(open);
    out.extend(text.chars().filter(|character| !is_mark(*character)));
    out.push(close);
    out
}

/// Whether a character is one of the private marks.
fn is_mark(character: char) -> bool {
    ('\u{e000}'..='\u{e003}').contains(&character)
}

/// Removes the private marks, for formats without typefaces.
#[must_use]
pub fn unmarked(text: &str) -> String {
    text.chars().filter(|character| !is_mark(*character)).collect()
}

/// Whether [`rich`] could find more in a sentence than one plain piece; told from its bytes, and sometimes yes for nothing.
pub(crate) fn may_be_rich(text: &str) -> bool {
    // The private marks begin with this byte in UTF-8, and hardly anything else does.
    const MARK: u8 = 0xee;
    text.bytes().any(|byte| byte == b'`' || byte == MARK)
}

/// Splits a sentence into its pieces; pairs of backticks, as rules write them, count as code too.
#[must_use]
pub fn rich(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find([CODE.0, STRONG.0, '`']) {
        let (before, from) = rest.split_at(start);
        let mut characters = from.chars();
        let open = characters.next().unwrap_or('`');
        let after = characters.as_str();
        let close = match open {
            '\u{e000}' => CODE.1,
            '\u{e002}' => STRONG.1,
            other => other,
        };
        let Some(end) = after.find(close) else { break };
        let body = &after[..end];
        pieces.push(Piece::Plain(before));
        pieces.push(if open == STRONG.0 { Piece::Strong(body) } else { Piece::Code(body) });
        rest = &after[end + close.len_utf8()..];
    }
    pieces.push(Piece::Plain(rest));
    pieces.retain(|piece| !matches!(piece, Piece::Plain("")));
    pieces
}

/// Name of a benchmark within its report: the full id, with the target in front where it is needed to tell two apart.
#[must_use]
pub fn name(id: &BenchmarkId, all: &[&BenchmarkId]) -> String {
    let full = id.full_id();
    let twins = all.iter().filter(|other| other.full_id() == full).count();
    let twin_targets =
        all.iter().filter(|other| other.full_id() == full && other.target == id.target).count();
    if twin_targets > 1 && all.iter().any(|other| other.full_id() == full && other.package != id.package) {
        format!("{}/{id}", id.package)
    } else if twins > 1 {
        id.to_string()
    } else {
        full
    }
}

/// Name of a benchmark that shares its full id with another one of its target: Criterion joins group, function and value by `/`,
/// so that only the parts tell them apart.
#[must_use]
pub fn parted(id: &BenchmarkId) -> String {
    let [function, value] = [("function", &id.function), ("value", &id.value)]
        .map(|(word, part)| part.as_ref().map_or_else(String::new, |part| format!(", {word} {part}")));
    format!("{} (group {}{function}{value})", id.full_id(), id.group)
}

/// Joins words as a person would: `a, b and c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Lists at most `most` items and says how many more there are.
#[must_use]
pub fn capped(items: &[String], most: usize) -> String {
    match items.len().saturating_sub(most) {
        // One more takes no more room than saying so.
        0 | 1 => list(items),
        more => format!("{} and {more} more", items[..most].join(", ")),
    }
}

/// What is left of each reason once the parts that all of them share are told together, and those parts.
///
/// Parts stand between semicolons. A reason of one part keeps it, unless all reasons are the same.
#[must_use]
pub fn shared(reasons: &[&str]) -> (Vec<String>, String) {
    let parts: Vec<Vec<&str>> = reasons.iter().map(|reason| reason.split("; ").collect()).collect();
    if parts.len() > 1 && parts.iter().all(|one| *one == parts[0]) {
        return (vec![String::new(); parts.len()], reasons[0].to_owned());
    }
    // The first part is the reason proper and stays where it is.
    let tails: Vec<&[&str]> = parts.iter().map(|one| &one[1..]).filter(|tail| !tail.is_empty()).collect();
    let common: Vec<&str> = match tails.as_slice() {
        [first, rest @ ..] if !rest.is_empty() => {
            first.iter().copied().filter(|part| rest.iter().all(|tail| tail.contains(part))).collect()
        }
        _ => Vec::new(),
    };
    let left = parts.iter().map(|one| {
        let kept = one[1..].iter().filter(|part| !common.contains(part));
        one[..1].iter().chain(kept).copied().collect::<Vec<_>>().join("; ")
    });
    (left.collect(), common.join("; "))
}

/// The sentence below a table for what its reasons share, beside what is left of them; empty where they share nothing.
#[must_use]
pub fn together((left, shared): (&[String], &str)) -> String {
    if shared.is_empty() {
        return String::new();
    }
    let rows = if left.iter().all(String::is_empty) { "In all rows" } else { "Unless a row says otherwise" };
    format!("{rows}: {shared}.")
}

/// Glyph and word of a verdict.
#[must_use]
pub fn verdict(value: Verdict, dialect: Dialect) -> String {
    let (glyph, ascii, word) = match value {
        Verdict::Regressed => ("▲", "[R]", "regressed"),
        Verdict::Improved => ("▼", "[I]", "improved"),
        Verdict::Unchanged => ("=", "[=]", "unchanged"),
        Verdict::Inconclusive => ("?", "[?]", "inconclusive"),
        Verdict::NotComparable => ("≠", "[!]", "not comparable"),
    };
    format!("{} {word}", if dialect == Dialect::Ascii { ascii } else { glyph })
}

/// Class of a verdict.
#[must_use]
pub fn verdict_tone(value: Verdict) -> &'static str {
    match value {
        Verdict::Regressed => "regressed",
        Verdict::Improved => "improved",
        Verdict::Unchanged => "unchanged",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotComparable => "apart",
    }
}

/// Glyph and word of a gate's answer.
#[must_use]
pub fn gate(value: GateVerdict, dialect: Dialect) -> String {
    let (glyph, ascii, word) = match value {
        GateVerdict::Pass => ("✓", "[ok]", "pass"),
        GateVerdict::Fail => ("✗", "[F]", "fail"),
        GateVerdict::Inconclusive => ("?", "[?]", "inconclusive"),
        GateVerdict::NotComparable => ("≠", "[!]", "not comparable"),
        GateVerdict::NotApplicable => ("–", "[-]", "not applicable"),
        GateVerdict::Missing => ("✗", "[M]", "missing"),
    };
    format!("{} {word}", if dialect == Dialect::Ascii { ascii } else { glyph })
}

/// Class of a gate's answer.
#[must_use]
pub fn gate_tone(value: GateVerdict) -> &'static str {
    match value {
        GateVerdict::Pass => "pass",
        GateVerdict::Fail | GateVerdict::Missing => "fail",
        GateVerdict::Inconclusive => "inconclusive",
        GateVerdict::NotComparable => "apart",
        GateVerdict::NotApplicable => "quiet",
    }
}

/// Word of a severity.
#[must_use]
pub fn severity(value: Severity) -> &'static str {
    match value {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Blocking => "blocking",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_counted() {
        let items: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let check = |most: usize, expected: &str| assert_eq!(capped(&items, most), expected);
        check(4, "a, b, c and d");
        check(3, "a, b, c and d");
        check(2, "a, b and 2 more");
        assert_eq!(capped(&[], 2), "");
    }

    #[test]
    fn what_all_reasons_share_is_told_once() {
        let check = |reasons: &[&str], left: &[&str], together: &str| {
            assert_eq!(
                shared(reasons),
                (left.iter().map(|text| (*text).to_owned()).collect(), together.to_owned())
            );
        };
        check(&[], &[], "");
        check(&["a; b"], &["a; b"], "");
        check(&["a; b; c", "d; b; c; e"], &["a", "d; e"], "b; c");
        check(&["a; b", "a; b"], &["", ""], "a; b");
        check(&["a; b", "a; c"], &["a; b", "a; c"], "");
        check(&["a; b", "lonely", "c; b"], &["a", "lonely", "c"], "b");
        check(&["a; b", "lonely"], &["a; b", "lonely"], "");
    }

    fn id(package: &str, target: &str, group: &str) -> BenchmarkId {
        BenchmarkId {
            package: package.to_owned(),
            target: target.to_owned(),
            group: group.to_owned(),
            function: None,
            value: None,
            occurrence: 0,
        }
    }

    #[test]
    fn no_name_ends_its_own_mark() {
        let hostile = "a`b\u{e001}c";
        let sentence = format!("before {} after", code(hostile));
        assert_eq!(rich(&sentence), [Piece::Plain("before "), Piece::Code("a`bc"), Piece::Plain(" after")]);
    }

    #[test]
    fn sentences_split_into_pieces() {
        let check = |text: &str, expected: &[Piece<'_>]| assert_eq!(rich(text), expected, "{text:?}");
        check("", &[]);
        check("plain", &[Piece::Plain("plain")]);
        check("set `x = 1`.", &[Piece::Plain("set "), Piece::Code("x = 1"), Piece::Plain(".")]);
        check("one ` alone", &[Piece::Plain("one ` alone")]);
        check(&strong("3 µs"), &[Piece::Strong("3 µs")]);
        for text in ["", "plain µs", "set `x = 1`.", "one ` alone", &strong("3 µs"), &code("a")] {
            assert!(
                may_be_rich(text) || rich(text).iter().all(|piece| *piece == Piece::Plain(text)),
                "{text:?}"
            );
        }
        assert!(
            !may_be_rich("17.31\u{a0}µs ±0.14\u{a0}%")
                && may_be_rich(&code("a"))
                && may_be_rich(&strong("b"))
        );
    }

    #[test]
    fn names_are_as_long_as_needed() {
        let (a, b, c) = (id("p", "one", "sign"), id("p", "two", "sign"), id("p", "one", "verify"));
        let d = id("q", "one", "sign");
        let check =
            |of: &BenchmarkId, all: &[&BenchmarkId], expected: &str| assert_eq!(name(of, all), expected);
        check(&c, &[&a, &b, &c], "verify");
        check(&a, &[&a, &b, &c], "one/sign");
        check(&a, &[&a, &d], "p/one/sign");
    }

    #[test]
    fn one_full_id_of_two_structures_is_told_apart_by_its_parts() {
        let whole = id("p", "one", "sign/64");
        let parts = BenchmarkId { value: Some("64".to_owned()), ..id("p", "one", "sign") };
        assert_eq!(whole.to_string(), parts.to_string());
        assert_eq!(parted(&whole), "sign/64 (group sign/64)");
        assert_eq!(parted(&parts), "sign/64 (group sign, value 64)");
    }

    #[test]
    fn lists_read_well() {
        let check = |items: &[&str], expected: &str| {
            let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
            assert_eq!(list(&items), expected);
        };
        check(&[], "");
        check(&["a"], "a");
        check(&["a", "b"], "a and b");
        check(&["a", "b", "c"], "a, b and c");
    }
}
