//! Benchmark observatory.

pub mod hardware;
pub mod model;
pub mod process;

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
