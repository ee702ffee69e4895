//! A bundle that is read is written to the same bytes as any other bundle of that run.
#![no_main]

use bench_runner::exchange::bundle;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    if let Ok(record) = bundle::from_bytes(content)
        && let Ok(written) = bundle::to_bytes(&record)
    {
        assert_eq!(bundle::from_bytes(&written).expect("what was written can be read"), record);
    }
});
