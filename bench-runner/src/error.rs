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

    /// Names what it is about, unless the message does so already.
    #[must_use]
    pub fn about(mut self, subject: &str) -> Self {
        if !self.message.contains(subject) {
            self.message = format!("{subject}: {}", self.message);
        }
        self
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

impl From<crate::store::StoreError> for CliError {
    fn from(error: crate::store::StoreError) -> Self {
        use crate::store::StoreError as E;
        let exit = match &error {
            E::NoSuchRun { .. } | E::Pruned { .. } | E::NoRuns { .. } | E::Missing { .. } => {
                exit_code::NOTHING
            }
            E::Ambiguous { .. } => exit_code::USAGE,
            E::Content { .. } | E::Conflict { .. } => exit_code::INTEGRITY,
            _ => exit_code::STORE,
        };
        Self::from_error(exit, &error).hinted(error.hint())
    }
}

impl From<crate::attest::AttestError> for CliError {
    fn from(error: crate::attest::AttestError) -> Self {
        let exit = match &error {
            crate::attest::AttestError::NotPublic { .. } => exit_code::USAGE,
            crate::attest::AttestError::Unknown { .. } => exit_code::NOTHING,
            _ => exit_code::FAILURE,
        };
        Self::from_error(exit, &error).hinted(error.hint())
    }
}

impl From<crate::files::FilesError> for CliError {
    fn from(error: crate::files::FilesError) -> Self {
        Self::from_error(exit_code::FAILURE, &error).hinted(error.hint())
    }
}

impl From<crate::report::ReportError> for CliError {
    fn from(error: crate::report::ReportError) -> Self {
        Self::from_error(exit_code::CONFIGURATION, &error).hinted(error.hint())
    }
}

impl From<crate::criterion::build::BuildError> for CliError {
    fn from(error: crate::criterion::build::BuildError) -> Self {
        use crate::criterion::build::BuildError as E;
        let exit = match &error {
            E::Metadata { .. } => exit_code::METADATA_FAILED,
            E::NoBenches { .. } | E::Unknown { .. } => exit_code::NOTHING,
            E::Compile { .. } => exit_code::BUILD_FAILED,
            E::Process(cause) => process_exit(cause),
            _ => exit_code::FAILURE,
        };
        let mut made = Self::from_error(exit, &error).hinted(error.hint());
        if let E::Compile { diagnostics } = &error {
            made.causes.push(diagnostics.trim_end().to_owned());
        }
        made
    }
}

impl From<crate::criterion::launch::LaunchError> for CliError {
    fn from(error: crate::criterion::launch::LaunchError) -> Self {
        use crate::criterion::launch::LaunchError as E;
        let exit = match &error {
            E::Process(cause) => process_exit(cause),
            _ => exit_code::FAILURE,
        };
        Self::from_error(exit, &error).hinted(error.hint())
    }
}

impl From<crate::criterion::import::ImportError> for CliError {
    fn from(error: crate::criterion::import::ImportError) -> Self {
        Self::from_error(exit_code::NOTHING, &error).hinted(error.hint())
    }
}

impl From<crate::process::lock::LockError> for CliError {
    fn from(error: crate::process::lock::LockError) -> Self {
        use crate::process::lock::LockError as E;
        let exit = match &error {
            E::Busy { .. } => exit_code::UNFIT,
            E::Cancelled => exit_code::INTERRUPTED,
            _ => exit_code::FAILURE,
        };
        Self::from_error(exit, &error).hinted(error.hint())
    }
}

/// A program that was cancelled was interrupted by the user; anything else is a failure.
fn process_exit(error: &crate::process::ProcessError) -> ExitCode {
    match error {
        crate::process::ProcessError::Cancelled { .. } => exit_code::INTERRUPTED,
        _ => exit_code::FAILURE,
    }
}

impl From<crate::exchange::bundle::BundleError> for CliError {
    fn from(error: crate::exchange::bundle::BundleError) -> Self {
        use crate::exchange::bundle::BundleError as E;
        let exit = if matches!(error, E::Digest { .. }) { exit_code::INTEGRITY } else { exit_code::FAILURE };
        Self::from_error(exit, &error).hinted(error.hint())
    }
}

impl From<crate::executables::KeepError> for CliError {
    fn from(error: crate::executables::KeepError) -> Self {
        Self::from_error(exit_code::FAILURE, &error).hinted(error.hint())
    }
}

impl From<crate::worktree::WorktreeError> for CliError {
    fn from(error: crate::worktree::WorktreeError) -> Self {
        use crate::worktree::WorktreeError as E;
        let exit = match &error {
            E::NoCommit { .. } | E::NoRepository { .. } => exit_code::USAGE,
            E::Process(cause) => process_exit(cause),
            _ => exit_code::FAILURE,
        };
        Self::from_error(exit, &error).hinted(error.hint())
    }
}

impl From<crate::exchange::summary::SummaryError> for CliError {
    fn from(error: crate::exchange::summary::SummaryError) -> Self {
        Self::from_error(exit_code::FAILURE, &error).hinted(error.hint())
    }
}

impl From<crate::exchange::history::HistoryError> for CliError {
    fn from(error: crate::exchange::history::HistoryError) -> Self {
        Self::from_error(exit_code::FAILURE, &error).hinted(error.hint())
    }
}

impl From<crate::exchange::foreign::ForeignError> for CliError {
    fn from(error: crate::exchange::foreign::ForeignError) -> Self {
        use crate::exchange::foreign::ForeignError as E;
        let exit = match &error {
            E::Digest { .. } => exit_code::INTEGRITY,
            E::Empty { .. } => exit_code::NOTHING,
            E::Undated => exit_code::USAGE,
            _ => exit_code::FAILURE,
        };
        Self::from_error(exit, &error).hinted(error.hint())
    }
}
