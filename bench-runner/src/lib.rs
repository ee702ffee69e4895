//! Benchmark observatory.

pub mod analysis;
pub mod hardware;
pub mod model;
pub mod process;
pub mod source;

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
