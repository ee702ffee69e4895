//! Foreign units: times become nanoseconds where the factor is exact and the unit is named; everything else stays.
//!
//! Nothing is guessed: an unknown unit is kept as it is written.

use crate::model::units::Metric;

/// What stands for a unit that nobody wrote down.
const UNKNOWN: &str = "?";

/// Units of time by their spellings, with what one of them is in nanoseconds.
const TIMES: [(&[&str], f64); 4] = [
    (&["ns", "nsec", "nanosecond", "nanoseconds"], 1.0),
    (&["us", "\u{b5}s", "\u{3bc}s", "usec", "microsecond", "microseconds"], 1e3),
    (&["ms", "msec", "millisecond", "milliseconds"], 1e6),
    (&["s", "sec", "second", "seconds"], 1e9),
];

/// Endings that say "per iteration", which every value here is.
const PER_ITERATION: [&str; 4] = ["/op", "/iter", "/iteration", "/call"];

/// Returns nanoseconds per `unit`, if it is a unit of time, alone or per iteration.
pub(super) fn nanoseconds_per(unit: &str) -> Option<f64> {
    let unit = without_ending(unit);
    TIMES.iter().find(|(names, _)| names.contains(&unit)).map(|(_, factor)| *factor)
}

/// Returns the metric that a value in `unit` belongs to, and the factor that takes the value there.
///
/// # Edge cases
///
/// A time of which more is better (a time until failure) is no benchmark's time per iteration: it stays a score.
pub(super) fn metric_of(unit: &str, bigger_is_better: bool) -> (Metric, f64) {
    let unit = unit.trim();
    let metric = |name: &str, unit: &str| Metric { name: name.to_owned(), unit: unit.to_owned() };
    let written = if unit.is_empty() { UNKNOWN } else { unit };
    if bigger_is_better {
        let name = if unit.contains("/s") { "rate" } else { "score" };
        return (metric(name, written), 1.0);
    }
    if let Some(factor) = nanoseconds_per(unit) {
        return (Metric::time(), factor);
    }
    match without_ending(unit) {
        "B" | "byte" | "bytes" => (metric("bytes", "B"), 1.0),
        "allocs" => (metric("allocations", "allocs"), 1.0),
        _ => (metric("custom", written), 1.0),
    }
}

/// Takes "per iteration" off a unit.
fn without_ending(unit: &str) -> &str {
    PER_ITERATION.iter().find_map(|ending| unit.strip_suffix(ending)).unwrap_or(unit).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_converted_and_the_rest_is_kept() {
        let check = |unit: &str, bigger, name: &str, kept: &str, factor: f64| {
            let (metric, found) = metric_of(unit, bigger);
            assert_eq!((metric.name.as_str(), metric.unit.as_str()), (name, kept), "{unit}");
            assert!((found - factor).abs() < 0.5, "{unit}: {found}");
        };
        check("ns/iter", false, "time", "ns", 1.0);
        check("µs", false, "time", "ns", 1e3);
        check("msec", false, "time", "ns", 1e6);
        check("sec/op", false, "time", "ns", 1e9);
        check("B/op", false, "bytes", "B", 1.0);
        check("allocs/op", false, "allocations", "allocs", 1.0);
        check("", false, "custom", "?", 1.0);
        check("Minutes", false, "custom", "Minutes", 1.0);
        check("ops/sec", true, "rate", "ops/sec", 1.0);
        check("frames", true, "score", "frames", 1.0);
        check("s", true, "score", "s", 1.0);
        assert!(metric_of("MB/s", true).0.bigger_is_better() && !metric_of("s", false).0.bigger_is_better());
    }
}
