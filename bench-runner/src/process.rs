//! Edge: other programs. The only place that starts a process.
//!
//! Programs are started directly, never through a shell, with a time limit and an output limit, and behind the
//! [`ProcessRunner`] trait so that readers of tool output can be tested with recorded answers. What the output
//! means is decided by the callers.

mod cancel;
mod drain;
pub mod guard;
pub mod lock;
mod recorded;
mod request;
mod system;
mod usage;

pub use cancel::{Cancel, CancelHook};
pub use drain::{Drain, Keep};
pub use guard::{GUARD_WORD, guard_main};
pub use recorded::RecordedRunner;
pub use request::{ProcessError, ProcessOutput, ProcessRequest};
pub use system::{SystemRunner, stream};
pub use usage::Usage;

/// Runs a program to its end.
pub trait ProcessRunner {
    /// Starts the program, waits for it and returns its status and output.
    ///
    /// A status other than zero is not an error here: the output says it.
    ///
    /// # Errors
    /// When the program cannot be started, does not end within its time limit, or was cancelled.
    fn run(&self, request: &ProcessRequest) -> Result<ProcessOutput, ProcessError>;
}
