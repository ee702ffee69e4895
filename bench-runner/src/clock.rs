//! The one place that asks for the time of day, and the names that are made of it.
//!
//! Everything else is handed a [`Timestamp`], so that tests choose it. It measures no durations: those come from
//! `std::time::Instant` or from the harness.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::ids::{Digest, RunId};
use crate::model::units::Timestamp;

/// Returns the current time.
///
/// # Edge cases
///
/// A clock set before 1970 gives a negative time; one beyond the range of 64 bits is held at its end.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that may ask")]
pub fn now() -> Timestamp {
    from_system(SystemTime::now())
}

/// Converts a time of the operating system, for example of a file, to a timestamp.
#[must_use]
pub fn from_system(time: SystemTime) -> Timestamp {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Timestamp(match time.duration_since(UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    })
}

/// Makes a new run id for a run that starts at `started`: 48 bits of time in milliseconds and 80 random bits.
///
/// # Edge cases
///
/// A time before 1970 counts as 1970. Ids of one millisecond are in random order.
#[must_use]
pub fn new_run_id(started: Timestamp) -> RunId {
    let millis = u64::try_from(started.0 / 1000).unwrap_or(0);
    let id = ulid::Ulid::from_datetime(UNIX_EPOCH + Duration::from_millis(millis)).to_string();
    match id.parse() {
        Ok(id) => id,
        Err(_) => unreachable!("a ULID is 26 characters of Crockford base 32"),
    }
}

/// Makes the id of an imported run from its start and a digest of its content, so that importing twice gives one run.
#[must_use]
pub fn run_id_of(started: Timestamp, content: Digest) -> RunId {
    let millis = u64::try_from(started.0 / 1000).unwrap_or(0);
    let mut random = [0; 16];
    random.copy_from_slice(&content.0[..16]);
    let id = ulid::Ulid::from_parts(millis, u128::from_be_bytes(random)).to_string();
    match id.parse() {
        Ok(id) => id,
        Err(_) => unreachable!("a ULID is 26 characters of Crockford base 32"),
    }
}

/// Writes `time` as `20251105T193700Z`, for file names.
///
/// # Edge cases
///
/// A time that no calendar holds is written as its number of microseconds.
#[must_use]
pub fn compact_utc(time: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(time.0) {
        Ok(stamp) => stamp.strftime("%Y%m%dT%H%M%SZ").to_string(),
        Err(_) => time.0.to_string(),
    }
}

/// Reads a day such as `2026-12-31` and returns its end: the first moment of the day after, in UTC.
///
/// # Edge cases
///
/// `None` for anything that is no day of the calendar.
#[must_use]
pub fn end_of_day(text: &str) -> Option<Timestamp> {
    let day: jiff::civil::Date = text.parse().ok()?;
    // Dates with a time are parsed as dates too; a waiver ends with a day.
    if text.len() != "2026-12-31".len() {
        return None;
    }
    let next = jiff::tz::TimeZone::UTC.to_timestamp(day.tomorrow().ok()?.at(0, 0, 0, 0)).ok()?;
    Some(Timestamp(next.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_sort_by_time_and_differ_within_one_millisecond() {
        let at = Timestamp(1_762_393_020_000_000);
        let (one, other) = (new_run_id(at), new_run_id(at));
        assert_ne!(one, other);
        assert_eq!(one.as_str()[..10], other.as_str()[..10]);
        assert!(one < new_run_id(Timestamp(at.0 + 1000)));
        assert!(new_run_id(Timestamp(-5)).as_str().starts_with("0000000000"));
    }

    #[test]
    fn system_times_convert_on_both_sides_of_1970() {
        assert_eq!(from_system(UNIX_EPOCH + Duration::from_micros(7)), Timestamp(7));
        assert_eq!(from_system(UNIX_EPOCH - Duration::from_micros(7)), Timestamp(-7));
        // 2024-01-01T00:00:00Z: a clock that reads earlier than this source was written is not the current time.
        assert!(now() > Timestamp(1_704_067_200_000_000));
    }

    #[test]
    fn days_end_where_the_next_begins() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(end_of_day(text).map(|end| end.0 / 1_000_000), expected, "{text}");
        };
        check("1970-01-01", Some(86_400));
        check("2024-02-28", Some(1_709_164_800));
        check("2023-02-29", None);
        check("tomorrow", None);
        check("2024-01-01T05:00", None);
    }

    #[test]
    fn compact_times_sort_as_text() {
        assert_eq!(compact_utc(Timestamp(1_762_393_020_000_000)), "20251106T013700Z");
        assert_eq!(compact_utc(Timestamp(i64::MAX)), i64::MAX.to_string());
    }
}
