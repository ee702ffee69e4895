//! Records of estimates: read or refused.
#![no_main]

use bench_runner::exchange::summary;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    if let Ok(summary) = summary::from_bytes(content) {
        assert!(summary.record.stated.iter().all(|stated| stated.estimate.value > 0.0));
        summary.record.digests().expect("it can be hashed");
    }
});
