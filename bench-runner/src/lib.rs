//! Benchmark observatory.

pub mod analysis;
pub mod model;
pub mod stats;

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
