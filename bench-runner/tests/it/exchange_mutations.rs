//! Fixtures of every format, damaged in thousands of reproducible ways: no panic, an error with words, or sound records.
//!
//! The fuzz targets in `bench-runner/fuzz` go further; this is what every test run can afford.

use bench_runner::exchange::foreign::Filing;
use bench_runner::exchange::sniff::{self, Format};
use bench_runner::exchange::{bundle, export, history, summary};
use bench_runner::model::units::Timestamp;
use bench_runner::store;

use super::cli_support::{founding, repository};
use super::exchange_support::{SplitMix, record};

/// Damaged copies of each fixture; `EXCHANGE_MUTATIONS` asks for more.
const COPIES: u64 = 300;

/// What a number, a name or a structure may be replaced by.
const WORDS: [&str; 16] = [
    "0",
    "-1",
    "1e308",
    "1e-320",
    "18446744073709551615",
    "null",
    "[]",
    "{}",
    "\"\"",
    "true",
    "\u{feff}",
    "\\u0000",
    "[[[[",
    "}}",
    "\n",
    "9999999999999999",
];

/// Damages `content` once to four times.
fn damaged(content: &[u8], random: &mut SplitMix) -> Vec<u8> {
    let mut bytes = content.to_vec();
    for _ in 0..=random.below(4) {
        let length = bytes.len() as u64 + 1;
        let place = |at: u64| usize::try_from(at).unwrap();
        let (from, span) = (place(random.below(length)), place(random.below(24)));
        let to = (from + span).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(from),
            1 => drop(bytes.drain(from..to)),
            2 => {
                let part = bytes[from..to].to_vec();
                let at = place(random.below(length));
                bytes.splice(at..at, part);
            }
            3 if from < bytes.len() => bytes[from] ^= 1 << random.below(8),
            _ => {
                // Where a value stands: after a colon, a comma or a blank.
                let at =
                    (from..bytes.len()).find(|at| b":, ".contains(&bytes[*at])).map_or(from, |at| at + 1);
                let end = (at..bytes.len()).find(|end| b",}] \n".contains(&bytes[*end])).unwrap_or(at);
                let word = WORDS[place(random.below(WORDS.len() as u64))];
                bytes.splice(at..end, word.bytes());
            }
        }
    }
    bytes
}

/// Reads `content` as `format` and checks what comes out; returns whether it was taken.
fn check(content: &[u8], format: Format) -> bool {
    let filing = Filing { machine: None, at: Some(Timestamp(1_700_000_000_000_000)), recipe: 1 };
    let records = match sniff::records(content, format, Some(0.95), &filing) {
        Ok(records) => records,
        Err(error) => {
            assert!(!error.to_string().is_empty() && error.hint().is_some(), "{error:?}");
            return false;
        }
    };
    for record in &records {
        for entry in &record.measurements {
            let packed = store::pack(&entry.measurement.sample).unwrap();
            assert_eq!(store::unpack(&packed).unwrap(), entry.measurement.sample);
        }
        for entry in &record.stated {
            let (value, interval) = (entry.estimate.value, entry.estimate.interval);
            assert!(value.is_finite() && value > 0.0);
            assert!(interval.is_none_or(|interval| interval.low <= value && value <= interval.high));
        }
        let text = export::opening() + &export::run(record, true).unwrap() + export::closing();
        assert_eq!(export::parse(text.as_bytes()).unwrap(), std::slice::from_ref(record));
    }
    true
}

/// Damages a fixture many times, and returns how many copies were taken.
#[expect(clippy::disallowed_methods, reason = "the person who runs the tests asks for more")]
fn survivors(content: &[u8], read: impl Fn(&[u8]) -> bool) -> (u64, u64) {
    let copies =
        std::env::var("EXCHANGE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(COPIES);
    let taken = (0..copies).filter(|copy| read(&damaged(content, &mut SplitMix(*copy)))).count() as u64;
    (taken, copies)
}

#[track_caller]
fn check_fixture(name: &str, format: Format) {
    let content =
        std::fs::read(repository().join("bench-runner/tests/fixtures/exchange").join(name)).unwrap();
    assert!(check(&content, format), "{name} itself is read");
    let (taken, copies) = survivors(&content, |bytes| {
        // Whatever the content looks like after that must be read or refused as well.
        if let Ok(found) = sniff::sniff(bytes) {
            check(bytes, found);
        }
        check(bytes, format)
    });
    assert!(0 < taken && taken < copies, "{name}: {taken} of {copies} were taken");
}

#[test]
fn damaged_files_of_other_tools_are_read_or_refused() {
    check_fixture("hyperfine/v1.json", Format::Hyperfine);
    check_fixture("hyperfine/v2.json", Format::Hyperfine);
    check_fixture("critcmp/before.json", Format::Critcmp);
    check_fixture("benchfmt/go.txt", Format::Benchfmt);
    check_fixture("bmf/bmf.json", Format::Bmf);
    check_fixture("github_action/data.js", Format::GithubActionBenchmark);
    check_fixture("github_action/input.json", Format::GithubActionBenchmark);
}

#[test]
fn damaged_files_of_ours_are_read_as_they_were_or_refused() {
    let original = record();
    let text = export::opening() + &export::run(&original, true).unwrap() + export::closing();
    // What is taken in spite of the damage says the same: only blanks and unknown fields can differ.
    survivors(text.as_bytes(), |bytes| {
        export::parse(bytes).is_ok_and(|records| {
            assert_eq!(records, std::slice::from_ref(&original));
            true
        })
    });
    survivors(&bundle::to_bytes(&original).unwrap(), |bytes| {
        bundle::from_bytes(bytes).is_ok_and(|record| {
            assert_eq!(record, original);
            true
        })
    });
    survivors(&std::fs::read(founding()).unwrap(), |bytes| {
        summary::from_bytes(bytes).is_ok_and(|summary| summary.record.digests().is_ok())
    });
    let history = "suite,benchmark,unit,date_ms,value\n\"a, \"\"b\"\"\",x,ns,5,1.5\nc,d,,6,7\n";
    survivors(history.as_bytes(), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        history::parse(&text).is_ok_and(|rows| rows.iter().all(|row| row.value.is_finite()))
    });
}
