//! Signs of numbers: the dialect's minus, a plus where a change is meant, none where the digits show nothing.

use super::{Dialect, append};

/// Bytes that a number with its unit and interval mostly needs.
pub(super) const ROOM: usize = 40;

/// Appends a number with the dialect's minus and no plus.
pub(super) fn push_signless(text: &mut String, dialect: Dialect, value: f64, places: usize) {
    let start = text.len();
    append(text, format_args!("{value:.places$}"));
    if let Some(digits) = text[start..].strip_prefix('-') {
        // A rounded-away minus would claim a direction that the digits do not show.
        let nothing = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        text.replace_range(start..=start, if nothing { "" } else { dialect.minus() });
    }
}

/// A number with the dialect's minus and no plus.
pub(super) fn signless(dialect: Dialect, value: f64, places: usize) -> String {
    let mut text = String::with_capacity(ROOM);
    push_signless(&mut text, dialect, value, places);
    text
}

/// Prints a fraction as percent with the given digits after the point, always signed.
pub(super) fn signed_percent(dialect: Dialect, fraction: f64, places: usize) -> String {
    let mut text = String::with_capacity(ROOM);
    if fraction > 0.0 {
        text.push('+');
    }
    push_signless(&mut text, dialect, fraction * 100.0, places);
    // A plus where all digits are zero would claim a direction, too.
    if text.starts_with('+') && text.bytes().skip(1).all(|byte| matches!(byte, b'0' | b'.')) {
        text.remove(0);
    }
    text
}
