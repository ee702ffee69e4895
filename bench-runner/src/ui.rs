//! What a person sees in the terminal: the answer on stdout, progress and warnings on stderr.
//!
//! Nothing here decides anything. A closed pipe is not an error: the answer was not wanted to its end.

mod progress;
pub mod table;

use std::io::{IsTerminal, Write};

use anstream::AutoStream;

pub use progress::Progress;

/// How to show things in this terminal.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether to use colour on stdout.
    pub color: bool,
    /// Whether stderr can redraw a line.
    pub live: bool,
    /// Whether to print progress at all.
    pub quiet: bool,
    /// ASCII only.
    pub ascii: bool,
    /// Columns of the terminal; 80 when unknown.
    pub width: usize,
}

/// What the user and the environment ask of the terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// `Some(true)` for `--color always`, `Some(false)` for `never`.
    pub color: Option<bool>,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set and not `0`.
    pub force_color: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
    /// `CI` is set: no live line.
    pub ci: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// `--ascii`.
    pub ascii: bool,
    /// `COLUMNS`, where it is a number.
    pub columns: Option<usize>,
}

impl Style {
    /// Decides from the wishes and from what stdout and stderr are.
    #[must_use]
    pub fn detect(wishes: Wishes) -> Self {
        let plain = wishes.no_color || wishes.dumb;
        let color = wishes.color.unwrap_or(wishes.force_color || (!plain && std::io::stdout().is_terminal()));
        let width = wishes
            .columns
            .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
            .unwrap_or(80);
        Self {
            color,
            live: !wishes.ci && !wishes.dumb && std::io::stderr().is_terminal(),
            quiet: wishes.quiet,
            ascii: wishes.ascii,
            width: width.clamp(40, 200),
        }
    }
}

/// Writes an answer to stdout, without colour codes where they are not wanted.
///
/// # Errors
///
/// When stdout cannot be written, except that a closed pipe counts as success.
pub fn answer(text: &str, style: Style) -> std::io::Result<()> {
    let choice = if style.color { anstream::ColorChoice::Always } else { anstream::ColorChoice::Never };
    let mut out = AutoStream::new(std::io::stdout().lock(), choice);
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a part of an answer to stdout as it is: content for programs has no colour to take out and no line to end.
///
/// # Errors
///
/// As [`answer`].
pub fn answer_part(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes one line to stderr. A stderr that is gone cannot be told, so its errors are dropped.
pub fn note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "{text}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_flag_then_environment() {
        let color = |wishes| Style::detect(wishes).color;
        assert!(color(Wishes { color: Some(true), no_color: true, ..Wishes::default() }));
        assert!(!color(Wishes { color: Some(false), force_color: true, ..Wishes::default() }));
        assert!(color(Wishes { force_color: true, ..Wishes::default() }));
        assert!(!color(Wishes { no_color: true, ..Wishes::default() }));
    }

    #[test]
    fn width_is_bounded() {
        let width = |columns| Style::detect(Wishes { columns: Some(columns), ..Wishes::default() }).width;
        assert_eq!((width(0), width(80), width(9999)), (40, 80, 200));
    }
}
