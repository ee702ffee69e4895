//! Finding out the format, and reading it as what was found.
#![no_main]

use bench_runner::exchange::sniff;

libfuzzer_sys::fuzz_target!(|content: &[u8]| match sniff::sniff(content) {
    Ok(format) => bench_runner_fuzz::check(content, format),
    Err(error) => bench_runner_fuzz::check_error(&error),
});
