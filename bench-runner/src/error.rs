//! The one error that a command may end with: what failed, why, what to do next, and the exit code.
//!
//! Edges have their own typed errors and know nothing of this one.

use std::error::Error;
use std::fmt::Write as _;

use crate::exit_code::{self, ExitCode};

/// A failure as the user sees it.
#[derive(Debug)]
pub struct CliError {
    /// The code to end with.
    pub exit: ExitCode,
    /// What failed, a lower-case fragment.
    pub message: String,
    /// Why, outermost cause first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

impl CliError {
    /// A failure without a deeper cause.
    #[must_use]
    pub fn new(exit: ExitCode, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A failure made of an error and its chain of sources.
    #[must_use]
    pub fn from_error(exit: ExitCode, error: &dyn Error) -> Self {
        let mut made = Self::new(exit, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some libraries repeat their source in their own text; once is enough.
            if !made.message.contains(&text) {
                made.causes.push(text);
            }
            source = cause.source();
        }
        made
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hinted(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// The text for stderr.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("error: {}\n", self.message);
        for cause in &self.causes {
            _ = writeln!(text, "  caused by: {cause}");
        }
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    /// The same for `--format json`.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::json!({
            "schema": "bench-runner/error", "version": 1,
            "error": {
                "code": self.exit.code, "meaning": self.exit.meaning,
                "message": self.message, "causes": self.causes, "hints": self.hints,
            }
        })
        .to_string()
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::from_error(exit_code::FAILURE, &error)
    }
}

impl From<crate::config::ConfigError> for CliError {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::from_error(exit_code::CONFIGURATION, &error).hinted(error.hint())
    }
}
