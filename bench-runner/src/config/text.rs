//! Text into values: durations, and error positions with suggestions.

use std::path::Path;

use super::ConfigError;

/// Parses a time such as `18.0 us`, `20.5µs`, `1.2 ms` into nanoseconds.
///
/// # Edge cases
///
/// `None` for a missing or unknown unit and for anything that is not above zero.
pub(super) fn duration_ns(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_')))?;
    let number: f64 = text[..split].replace('_', "").parse().ok()?;
    let scale = match text[split..].trim() {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    (number > 0.0).then_some(number * scale)
}

/// Turns the parser's error into one with a line, a column and the nearest name that exists.
pub(super) fn malformed(path: &Path, content: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start.min(content.len()));
    let before = content.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = error.message().lines().next().unwrap_or("malformed").to_owned();
    let suggestion = suggestion(&message);
    ConfigError::Malformed { path: path.to_owned(), line, column, message, suggestion }
}

/// Serde lists the names it knows in back ticks: ``unknown field `a`, expected one of `b`, `c` ``.
fn suggestion(message: &str) -> Option<String> {
    let mut names = message.split('`').skip(1).step_by(2);
    let given = names.next().filter(|_| message.starts_with("unknown "))?;
    names
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text, expected: Option<f64>| assert_eq!(duration_ns(text), expected, "{text}");
        check("18.0 us", Some(18_000.0));
        check("18µs", Some(18_000.0));
        check(" 1_000 ns ", Some(1000.0));
        check("2 s", Some(2e9));
        check("18", None);
        check("-18 us", None);
        check("0 us", None);
        check("us", None);
        check("1.2.3 ms", None);
    }
}
