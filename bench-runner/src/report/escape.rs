//! Makes text from outside inert: in HTML, in Markdown, in a terminal.
//!
//! Names of benchmarks, facts and commits are written by strangers. Nothing here decides whether a text is
//! acceptable; every text is shown, with what could act replaced by something that can only be read.

use minijinja::value::Value;
use minijinja::{AutoEscape, Error, ErrorKind, Output, State};

/// Name of the escaping mode of `.md` templates.
pub(super) const MARKDOWN: &str = "markdown";

/// What stands for a control or direction character; others stand for themselves. Line ends and tabs do so when `lines` is set.
fn stand_in(character: char, lines: bool) -> char {
    match character {
        ' '..='~' => character,
        '\n' | '\t' if lines => character,
        '\n' | '\r' | '\t' if !lines => ' ',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // C1 controls drive terminals; direction marks and overrides reorder what is around them;
        // separators end lines; the byte order mark and zero-width space hide.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        other => other,
    }
}

/// Replaces control and direction characters by visible stand-ins; keeps line ends and tabs when `lines` is set.
#[must_use]
pub(super) fn visible(text: &str, lines: bool) -> String {
    text.chars().map(|character| stand_in(character, lines)).collect()
}

/// Escapes `text` for an HTML text node or a quoted attribute.
#[must_use]
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    html_into(&mut out, text);
    out
}

/// Appends `text` as [`html`] returns it. Pages have a hundred thousand texts, and next to none holds what has to be replaced:
/// what lies between is copied in one go.
pub(super) fn html_into(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, character) in text.char_indices() {
        let entity = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            other => {
                let shown = stand_in(other, true);
                if shown != other {
                    out.push_str(&text[from..at]);
                    out.push(shown);
                    from = at + other.len_utf8();
                }
                continue;
            }
        };
        out.push_str(&text[from..at]);
        out.push_str(entity);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

/// Escapes `text` so that a Markdown reader shows it as it is, on one line, also inside a table.
///
/// `start` says that the text may stand where a block begins, where a dash makes a list and a `#` a heading.
/// Marks that act nowhere near where they stand stay as they are, so that the plain text reads well.
#[must_use]
pub(super) fn markdown(text: &str, start: bool) -> String {
    let flat = visible(text, false);
    let mut out = String::with_capacity(flat.len() + 8);
    let mut previous = ' ';
    let mut rest = flat.trim().chars().peekable();
    while let Some(character) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        let first = start && out.is_empty();
        // An underscore or a tilde within a word starts nothing.
        let inside = previous.is_alphanumeric() && next.is_alphanumeric();
        let acts = match character {
            '\\' | '`' | '*' | '|' | '<' | '$' => true,
            '_' | '~' => !inside,
            '[' => first || next == '^' || previous == '!',
            // Without a target behind it a bracket makes no link.
            ']' => matches!(next, '(' | '[' | ':'),
            '#' | '>' | '=' => first,
            '+' | '-' => first && matches!(next, ' ' | '+' | '-'),
            // Schemes, so that a name does not become a link by itself.
            ':' => next == '/',
            '&' => next.is_alphanumeric() || next == '#',
            '.' | ')' => {
                start && next == ' ' && !out.is_empty() && out.bytes().all(|byte| byte.is_ascii_digit())
            }
            _ => false,
        };
        if acts {
            out.push('\\');
        }
        out.push(character);
        previous = character;
    }
    out
}

/// Wraps `text` in a Markdown code span that no backtick in it can end; `table` also guards pipes.
#[must_use]
pub(super) fn markdown_code(text: &str, table: bool) -> String {
    let flat = visible(text, false);
    let flat = flat.trim();
    if flat.is_empty() {
        return "–".to_owned();
    }
    let longest = flat.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Inside a table a pipe ends the cell even within code, unless escaped; outside the backslash would show.
    let body = if table { flat.replace('|', "\\|") } else { flat.to_owned() };
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{body}{pad}{fence}")
}

/// Wraps lines in a fenced block that nothing in them can end.
#[must_use]
pub(super) fn markdown_fence(text: &str) -> String {
    let body = visible(text, true);
    let longest = body.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", body.trim_end())
}

/// Shortens `text` to `most` characters, the last one an ellipsis when something was cut.
#[must_use]
pub(super) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// Shortens `text` to `most` characters from its beginning: of the names of one suite the ends tell them apart.
#[must_use]
pub(super) fn shorten_start(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(count - most.saturating_sub(1)).collect();
    format!("…{kept}")
}

/// Writes a template value with the escaping of the template's format.
pub(super) fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let undefined = || Error::new(ErrorKind::UndefinedError, "a value that the view does not have");
    if value.is_undefined() {
        return Err(undefined());
    }
    let shown;
    let text = match value.as_str() {
        Some(text) => text,
        None if value.is_none() => return Err(undefined()),
        None => {
            shown = value.to_string();
            &shown
        }
    };
    let written = match state.auto_escape() {
        // Whole pages come this way: they are not copied once more.
        _ if value.is_safe() => out.write_str(text),
        AutoEscape::Html => out.write_str(&html(text)),
        AutoEscape::Custom(_) => out.write_str(&markdown(text, true)),
        _ => out.write_str(text),
    };
    written.map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_escapes_what_acts_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(markdown(text, true), expected, "{text:?}");
        check("ed25519_sign_128B", "ed25519_sign_128B");
        check("a|b", "a\\|b");
        check("<script>", "\\<script>");
        check("`code`", "\\`code\\`");
        check("two\nlines", "two lines");
        check("# heading", "\\# heading");
        check("- item", "\\- item");
        check("--- rule", "\\--- rule");
        check("1. item", "1\\. item");
        check("> quote", "\\> quote");
        check("+4.5 % [+3.9, +5.1]", "+4.5 % [+3.9, +5.1]");
        check("17.31 µs", "17.31 µs");
        check("_emphasis_", "\\_emphasis\\_");
        check("[x](y)", "\\[x\\](y)");
        check("see [x]: y", "see [x\\]: y");
        check("![x](y)", "!\\[x\\](y)");
        check("[ ] task", "\\[ ] task");
        check("a [^1] b", "a \\[^1] b");
        check("$x$", "\\$x\\$");
        check("https://example.org", "https\\://example.org");
        check("&lt;", "\\&lt;");
        check("nul\0", "nul␀");
        check("a\u{202e}b", "a\u{fffd}b");
        assert_eq!(markdown("- a", false), "- a");
    }

    #[test]
    fn code_spans_outgrow_their_backticks() {
        let check =
            |text: &str, table: bool, expected: &str| assert_eq!(markdown_code(text, table), expected);
        check("plain", true, "`plain`");
        check("a`b", true, "`` a`b ``");
        check("``", false, "``` `` ```");
        check("a|b", true, "`a\\|b`");
        check("a|b", false, "`a|b`");
        check("", true, "–");
    }

    #[test]
    fn html_escapes_and_keeps_lines() {
        let check = |text: &str, expected: &str| assert_eq!(html(text), expected);
        check("<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
        check("a\nb", "a\nb");
        check("\u{1b}[31m", "␛[31m");
        check("🦀", "🦀");
        check("", "");
        check("17.31\u{a0}µs ±0.14\u{a0}%", "17.31\u{a0}µs ±0.14\u{a0}%");
        check(
            "&&\u{202e}<µ>\r\u{7f}\t\u{85}ende\u{feff}",
            "&amp;&amp;\u{fffd}&lt;µ&gt;␍␡\t\u{fffd}ende\u{fffd}",
        );
        check("\"a\" & 'b'", "&quot;a&quot; &amp; &#39;b&#39;");
    }

    #[test]
    fn fences_and_shortening() {
        assert_eq!(markdown_fence("a\n```\nb\n"), "````text\na\n```\nb\n````");
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten_start("abcdef", 4), "…def");
        assert_eq!(shorten_start("äöü", 3), "äöü");
    }
}
