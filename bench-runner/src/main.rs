//! The `bench-runner` executable: everything is in the library, so that tests can call it.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench_runner::main()
}
