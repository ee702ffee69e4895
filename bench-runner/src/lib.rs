//! Benchmark observatory.

pub mod clock;
pub mod exchange;
pub mod files;
pub mod model;
pub mod store;

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
