//! Short ways to what the library says too: a page of a benchmark has a thousand times and numbers.
//!
//! Each answers only where it is sure, and says nothing else; nothing here rounds.

/// Powers of ten from the smallest one that numbers on pages come near.
const POWERS: [f64; 22] = [
    1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
    1e13, 1e14, 1e15,
];
/// Power of the first one.
const LOWEST: i32 = -6;

/// Power of ten of the leading digit of a positive number that no rounding, not even to one digit, can lift to the next one.
pub(super) fn exponent(size: f64) -> Option<i32> {
    let place = POWERS.partition_point(|power| *power <= size).checked_sub(1)?;
    // Rounding to one digit lifts from 9.5 on; a little less, since the product is rounded itself.
    (size < 9.4 * POWERS[place]).then(|| LOWEST + i32::try_from(place).unwrap_or(0))
}

/// Appends a number with the given digits after the point, as `{:.N}` writes it, and returns whether it did.
///
/// # Edge cases
///
/// Nothing for numbers that are large, not finite, or so near to the middle between two results that the product below could fall
/// on the wrong side.
pub(super) fn push_fixed(text: &mut String, value: f64, places: usize) -> bool {
    // The product is off by less than a millionth.
    const LARGEST: f64 = 1e9;
    const NEAR: f64 = 1e-3;
    let Some(power) = POWERS.get(usize::try_from(-LOWEST).unwrap_or(0) + places) else { return false };
    let scaled = value.abs() * power;
    let below = scaled.floor();
    let rest = scaled - below;
    if scaled.is_nan() || scaled >= LARGEST || (rest - 0.5).abs() < NEAR {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a milliard")]
    let mut digits = if rest > 0.5 { below + 1.0 } else { below } as u64;
    // Written from the end: the last digit first, at least one before the point.
    let mut digits_of = [0_u8; 24];
    let mut at = digits_of.len();
    let mut written = 0;
    while written <= places || digits > 0 {
        if written == places && places > 0 {
            at -= 1;
            digits_of[at] = b'.';
        }
        at -= 1;
        digits_of[at] = b'0' + u8::try_from(digits % 10).unwrap_or(0);
        digits /= 10;
        written += 1;
    }
    if value.is_sign_negative() {
        at -= 1;
        digits_of[at] = b'-';
    }
    text.extend(digits_of[at..].iter().map(|byte| char::from(*byte)));
    true
}

/// A point in time as RFC 3339 in UTC, for the years in which things are measured: 1970 to 9999, where the library has them.
///
/// # Reference
///
/// Howard Hinnant, *chrono-compatible low-level date algorithms*, `civil_from_days`.
pub(super) fn timestamp(seconds: i64) -> Option<String> {
    // The last moment of the calendar that the library knows.
    const LAST: i64 = 253_402_207_200;
    if !(0..=LAST).contains(&seconds) {
        return None;
    }
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months count from March, so that the odd day comes last.
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut text = String::with_capacity(20);
    let parts = [(year / 100, '\0'), (year % 100, '-'), (month, '-'), (day, 'T')];
    let times = [(second / 3600, ':'), (second / 60 % 60, ':'), (second % 60, 'Z')];
    for (number, after) in parts.into_iter().chain(times) {
        let digit = |value: i64| char::from(b'0' + u8::try_from(value).unwrap_or(0));
        text.push(digit(number / 10));
        text.push(digit(number % 10));
        if after != '\0' {
            text.push(after);
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::Timestamp;
    use crate::report::format;

    #[test]
    fn the_short_way_to_an_exponent_is_that_of_the_printed_number() {
        let printed = |value: f64, digits: usize| -> i32 {
            let text = format!("{value:.*e}", digits - 1);
            text.rsplit('e').next().unwrap().parse().unwrap()
        };
        let mut taken = 0;
        let mut check = |value: f64| {
            for digits in 1..=4 {
                assert_eq!(
                    format::exponent(value, digits),
                    printed(value, usize::try_from(digits).unwrap()),
                    "{value:e}"
                );
                assert_eq!(format::exponent(-value, digits), format::exponent(value, digits), "{value:e}");
            }
            taken += u32::from(exponent(value).is_some());
        };
        for power in -9..=18 {
            let power = 10.0_f64.powi(power);
            for mantissa in
                [1.0, 1.000_000_1, 2.5, 9.39, 9.4, 9.449_9, 9.5, 9.949, 9.95, 9.994_9, 9.995, 9.999_5]
            {
                let value = mantissa * power;
                for near in [value.next_down(), value, value.next_up()] {
                    check(near);
                }
            }
        }
        let mut value = 1.234_567e-8;
        while value < 1e17 {
            check(value);
            value *= 1.003_7;
        }
        assert!(taken > 10_000, "{taken}");
    }

    #[test]
    fn the_short_way_to_digits_is_that_of_the_library() {
        let fixed = |value: f64, places: usize| {
            let mut text = "=".to_owned();
            push_fixed(&mut text, value, places).then(|| text.split_off(1))
        };
        let mut taken = 0;
        let mut check = |value: f64| {
            for places in 0..=6 {
                for value in [value, -value] {
                    let found = fixed(value, places);
                    taken += u32::from(found.is_some());
                    if let Some(found) = found {
                        assert_eq!(found, format!("{value:.places$}"), "{value:e} with {places}");
                    }
                }
            }
        };
        for value in [
            0.0_f64,
            0.5,
            1.5,
            2.5,
            0.25,
            0.125,
            0.005,
            1.005,
            9.995,
            999.95,
            0.999_999_5,
            1e9,
            1e300,
            5e-324,
        ] {
            for near in [value.next_down(), value, value.next_up()] {
                check(near.abs());
            }
        }
        for odd in [f64::NAN, f64::INFINITY] {
            check(odd);
            assert_eq!(fixed(odd, 2), None);
        }
        let mut value = 1.234_567e-8;
        while value < 1e10 {
            check(value);
            value *= 1.003_7;
        }
        // Every tie and everything near one.
        (0..2000).for_each(|step| check(f64::from(step) / 16.0));
        assert!(taken > 100_000, "{taken}");
        assert_eq!(fixed(17.3094, 2).as_deref(), Some("17.31"));
        assert_eq!(fixed(0.0, 3).as_deref(), Some("0.000"));
        assert_eq!(fixed(-0.04, 1).as_deref(), Some("-0.0"));
        assert_eq!(fixed(99.96, 1).as_deref(), Some("100.0"));
        assert_eq!(fixed(1.0, 100), None);
    }

    #[test]
    fn the_short_way_to_a_time_is_that_of_the_calendar() {
        let check = |seconds: i64| {
            let calendar = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            assert_eq!(format::timestamp(Timestamp(seconds * 1_000_000)), calendar, "{seconds}");
        };
        for seconds in [-1, 0, 951_782_399, 951_782_400, 951_868_800, 4_107_542_399, 253_402_207_200] {
            check(seconds);
        }
        // A step that meets every day of the year, the end of February and every time of the day.
        (0..80_000).for_each(|step| check(step * 3_000_017));
        assert_eq!(timestamp(1_762_313_445).as_deref(), Some("2025-11-05T03:30:45Z"));
        for outside in [-1, i64::MIN, 253_402_207_201, i64::MAX] {
            assert_eq!(timestamp(outside), None);
        }
        assert!(jiff::Timestamp::from_second(253_402_207_201).is_err());
    }
}
