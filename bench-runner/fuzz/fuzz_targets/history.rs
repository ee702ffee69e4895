//! Histories as comma-separated values: read or refused.
#![no_main]

use bench_runner::exchange::history;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(rows) = history::parse(text) {
        assert!(rows.iter().all(|row| row.value.is_finite()));
    }
});
