//! Recorded answers in place of real programs, for tests of the readers of tool output.
//!
//! Starts nothing: what was not recorded does not exist.

use std::collections::BTreeMap;

use super::{ProcessError, ProcessOutput, ProcessRequest, ProcessRunner};

/// Answers requests from a table keyed by [`ProcessRequest::line`].
#[derive(Debug, Clone, Default)]
pub struct RecordedRunner {
    answers: BTreeMap<String, ProcessOutput>,
}

impl RecordedRunner {
    /// Knows no program at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that `line` ends with `code` and prints `stdout`.
    #[must_use]
    pub fn with(self, line: &str, code: i32, stdout: &str) -> Self {
        let output = ProcessOutput { code: Some(code), stdout: stdout.into(), ..ProcessOutput::default() };
        self.with_output(line, output)
    }

    /// Records the whole answer to `line`.
    #[must_use]
    pub fn with_output(mut self, line: &str, output: ProcessOutput) -> Self {
        self.answers.insert(line.to_owned(), output);
        self
    }
}

impl ProcessRunner for RecordedRunner {
    fn run(&self, request: &ProcessRequest) -> Result<ProcessOutput, ProcessError> {
        let unknown = || ProcessError::NotFound { program: request.name() };
        self.answers.get(&request.line()).cloned().ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_what_was_recorded_and_nothing_else() {
        let runner = RecordedRunner::new().with("git rev-parse HEAD", 0, "abc\n");
        let known = runner.run(&ProcessRequest::new("git").args(["rev-parse", "HEAD"])).unwrap();
        assert!(known.success());
        assert_eq!(known.stdout_text(), "abc\n");
        let unknown = runner.run(&ProcessRequest::new("git").arg("status")).unwrap_err();
        assert_eq!(unknown.to_string(), "cannot find the program `git`");
    }
}
