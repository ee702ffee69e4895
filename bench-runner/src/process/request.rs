//! What to start and what came of it.
//!
//! Plain data; nothing here starts anything.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One program to start, with everything it may see beyond the inherited environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessRequest {
    /// Name looked up in `PATH`, or a path.
    pub program: OsString,
    /// Arguments, passed on as they are.
    pub args: Vec<OsString>,
    /// Working directory; `None` keeps ours.
    pub directory: Option<PathBuf>,
    /// Changes to the inherited environment: a value sets, `None` removes.
    pub environment: BTreeMap<OsString, Option<OsString>>,
    /// Longest run time.
    pub timeout: Duration,
    /// Bytes kept of each output stream; the rest is read and dropped.
    pub output_limit: usize,
    /// Processors that a guarded program may use; empty is all. Without effect on programs that run without a guard.
    pub processors: Vec<u32>,
}

impl ProcessRequest {
    /// Asks for `program` without arguments, with 10 s and 1 MiB per stream.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            directory: None,
            environment: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            output_limit: 1 << 20,
            processors: Vec::new(),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = A>, A: Into<OsString>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), Some(value.into()));
        self
    }

    /// Removes one environment variable.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), None);
        self
    }

    /// Sets the longest run time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many bytes of each output stream are kept.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Sets the processors that a guarded program may use; none means all.
    #[must_use]
    pub fn processors(mut self, processors: &[u32]) -> Self {
        self.processors = processors.to_vec();
        self
    }

    /// The program and its arguments joined by blanks, for messages and recordings; not for a shell.
    ///
    /// # Examples
    /// ```
    /// use bench_runner::process::ProcessRequest;
    /// let request = ProcessRequest::new("git").args(["rev-parse", "HEAD"]);
    /// assert_eq!(request.line(), "git rev-parse HEAD");
    /// ```
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.program.to_string_lossy().into_owned();
        for arg in &self.args {
            line.push(' ');
            line.push_str(&arg.to_string_lossy());
        }
        line
    }

    /// The program's name without its folder, for messages.
    pub(super) fn name(&self) -> String {
        Path::new(&self.program).file_name().unwrap_or(OsStr::new("?")).to_string_lossy().into_owned()
    }
}

/// Status and output of a program that ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessOutput {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Signal that ended it, on Unix.
    pub signal: Option<i32>,
    /// Standard output, at most the limit of the request.
    pub stdout: Vec<u8>,
    /// Standard error, at most the limit of the request.
    pub stderr: Vec<u8>,
    /// Whether output beyond the limit was dropped.
    pub truncated: bool,
}

impl ProcessOutput {
    /// Whether it ended with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Why a program did not run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// There is no such program.
    #[error("cannot find the program `{program}`")]
    NotFound {
        /// Its name.
        program: String,
    },
    /// The system refused to start it.
    #[error("cannot start `{program}`")]
    Start {
        /// Its name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It was started, but watching it failed.
    #[error("lost track of `{program}`")]
    Watch {
        /// Its name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It took too long and was killed.
    #[error("`{program}` did not end within {seconds} s and was killed")]
    TimedOut {
        /// Its name.
        program: String,
        /// The limit in seconds.
        seconds: u64,
    },
    /// The run was cancelled and the program killed.
    #[error("`{program}` was killed because the run was cancelled")]
    Cancelled {
        /// Its name.
        program: String,
    },
}

impl ProcessError {
    /// What the user can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { program } => Some(format!("install `{program}` or put it into PATH")),
            Self::Start { program, .. } => {
                Some(format!("check that `{program}` may be executed and that the working directory exists"))
            }
            Self::TimedOut { program, .. } => {
                Some(format!("run `{program}` by hand to see what it waits for"))
            }
            Self::Watch { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// Sorts an error of starting `program` into not found or refused.
    pub(super) fn starting(request: &ProcessRequest, source: io::Error) -> Self {
        let program = request.name();
        let directory_exists = request.directory.as_ref().is_none_or(|directory| directory.is_dir());
        if source.kind() == io::ErrorKind::NotFound && directory_exists {
            Self::NotFound { program }
        } else {
            Self::Start { program, source }
        }
    }
}
