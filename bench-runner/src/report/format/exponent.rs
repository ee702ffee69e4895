//! How large a number is as it will be printed, on which digits and units depend.

/// Power of ten of the leading digit after rounding to `digits` significant digits; 0 for zero.
pub(super) fn exponent(value: f64, digits: i32) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    let logarithm = value.abs().log10();
    #[expect(clippy::cast_possible_truncation, reason = "from -324 to 308")]
    let power = logarithm.floor() as i32;
    // Away from a power of ten no rounding, not even to one digit, reaches the next one; near it the printed number decides.
    if (1e-9..0.97).contains(&(logarithm - f64::from(power))) {
        return power;
    }
    let places = usize::try_from(digits - 1).unwrap_or(0);
    let text = format!("{:.*e}", places, value.abs());
    text.rsplit('e').next().and_then(|power| power.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_is_that_of_the_printed_number() {
        for place in 0..60_000_i32 {
            // All sizes, and around each power of ten everything that could be rounded up to it.
            let value = 10.0_f64.powi(place % 24 - 8) * (0.9 + 1e-5 * f64::from(place / 24) * 8.0);
            for (digits, places) in (1..=4).zip(0..) {
                let printed = format!("{value:.places$e}");
                assert_eq!(
                    exponent(-value, digits).to_string(),
                    printed.split_once('e').unwrap().1,
                    "{value:e}"
                );
            }
        }
    }
}
