//! Benchmark observatory.

pub mod config;
pub mod exit_code;
pub mod model;

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
