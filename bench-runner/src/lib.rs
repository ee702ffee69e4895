//! Benchmark observatory.

pub mod criterion;
pub mod model;
pub mod process;

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == process::GUARD_WORD) {
        return process::guard_main(words);
    }
    std::process::ExitCode::SUCCESS
}
