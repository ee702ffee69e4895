//! critcmp's export.
#![no_main]

use bench_runner::exchange::sniff::Format;

libfuzzer_sys::fuzz_target!(|content: &[u8]| bench_runner_fuzz::check(content, Format::Critcmp));
