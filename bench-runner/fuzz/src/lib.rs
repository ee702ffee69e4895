//! What every importer promises, whatever the bytes: no panic, an error with words, or records that can be stored.

use std::collections::BTreeSet;

use bench_runner::exchange::foreign::{Filing, ForeignError};
use bench_runner::exchange::sniff::{self, Format};
use bench_runner::exchange::export;
use bench_runner::model::record::RunRecord;
use bench_runner::model::units::Timestamp;
use bench_runner::store;

/// Reads `content` as `format` and checks what came out.
pub fn check(content: &[u8], format: Format) {
    let filing = Filing { machine: None, at: Some(Timestamp(1_700_000_000_000_000)), recipe: 1 };
    for level in [None, Some(0.95)] {
        match sniff::records(content, format, level, &filing) {
            Ok(records) => records.iter().for_each(|record| check_record(record, format)),
            Err(error) => check_error(&error),
        }
    }
}

/// An error says something and what to do.
pub fn check_error(error: &ForeignError) {
    assert!(!error.to_string().is_empty());
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()));
}

/// A record can be packed, hashed and written, and is the same when it is read back.
fn check_record(record: &RunRecord, format: Format) {
    // Of our own export only the digests are promised; the store refuses what its runs say wrongly.
    if format == Format::Json {
        return;
    }
    assert!(record.measurements.is_empty() != record.stated.is_empty());
    let mut seen = BTreeSet::new();
    for entry in &record.measurements {
        let measurement = &entry.measurement;
        let packed = store::pack(&measurement.sample).expect("observations can be stored");
        assert_eq!(store::unpack(&packed).expect("and read"), measurement.sample);
        assert!(seen.insert((measurement.benchmark.clone(), measurement.metric.clone())), "a benchmark twice");
    }
    for entry in &record.stated {
        assert!(entry.estimate.value.is_finite() && entry.estimate.value > 0.0);
        assert!(entry.estimate.interval.is_none_or(|interval| {
            interval.low <= entry.estimate.value && entry.estimate.value <= interval.high
        }));
        assert!(seen.insert((entry.benchmark.clone(), entry.metric.clone())), "a benchmark twice");
    }
    let text = export::opening() + &export::run(record, true).expect("it can be written") + export::closing();
    assert_eq!(export::parse(text.as_bytes()).expect("and read"), std::slice::from_ref(record));
}
