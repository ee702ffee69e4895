//! Numbers to text: one unit per row, no more digits than the interval supports, a sign on every change.
//!
//! The only place that scales or rounds a number for people; charts, pages and terminal tables all come here.
//! It decides nothing about what a number means.

mod exponent;
mod signs;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::model::units::{Metric, Timestamp};
use exponent::exponent;
use signs::{ROOM, push_signless, signed_percent, signless};

/// Significant digits of a value whose interval does not call for fewer.
const VALUE_DIGITS: i32 = 4;
/// Significant digits of an interval's half width that may still be shown.
const WIDTH_DIGITS: i32 = 2;
/// Digits after the point that are never exceeded.
const MOST_DECIMALS: i32 = 6;

/// Where a text will be read; decides signs and spaces, never digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A page: U+2212 as minus, no-break space before units.
    Html,
    /// A Markdown file: ASCII minus, plain space, Greek letters allowed.
    Markdown,
    /// A terminal that shows Unicode.
    Terminal,
    /// A terminal or log that shows ASCII alone.
    Ascii,
}

impl Dialect {
    /// The minus sign.
    #[must_use]
    pub fn minus(self) -> &'static str {
        if self == Self::Html { "\u{2212}" } else { "-" }
    }

    /// The space between a number and its unit.
    #[must_use]
    pub fn gap(self) -> &'static str {
        if self == Self::Html { "\u{a0}" } else { " " }
    }

    /// The sign before a half width.
    #[must_use]
    pub fn plus_minus(self) -> &'static str {
        if self == Self::Ascii { "+/-" } else { "±" }
    }

    /// The sign of a range of values.
    #[must_use]
    pub fn dash(self) -> &'static str {
        if self == Self::Ascii { "-" } else { "–" }
    }

    /// The sign of a multiple.
    #[must_use]
    pub fn times(self) -> &'static str {
        if self == Self::Ascii { "x" } else { "×" }
    }

    /// The word shown where there is no value.
    #[must_use]
    pub fn nothing(self) -> &'static str {
        if self == Self::Ascii { "-" } else { "–" }
    }

    fn symbol(self, unit: &'static str) -> &'static str {
        if self == Self::Ascii && unit == "µs" { "us" } else { unit }
    }
}

/// Returns the digits after the point for `value` with an interval of `half_width` around it.
///
/// Four significant digits, but never finer than two digits of the half width.
///
/// # Units
///
/// Both arguments in the unit that will be printed.
#[must_use]
pub fn decimals(value: f64, half_width: Option<f64>) -> usize {
    let by_value = VALUE_DIGITS - 1 - exponent(value, VALUE_DIGITS);
    let by_width = match half_width {
        Some(width) if width > 0.0 && width.is_finite() => WIDTH_DIGITS - 1 - exponent(width, WIDTH_DIGITS),
        _ => MOST_DECIMALS,
    };
    usize::try_from(by_value.min(by_width).clamp(0, MOST_DECIMALS)).unwrap_or(0)
}

/// One unit, shared by all values of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    dialect: Dialect,
    divisor: f64,
    prefix: &'static str,
    unit: Cow<'static, str>,
}

const TIME: [(f64, &str); 5] = [(1e-3, "ps"), (1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")];
const DECIMAL: [(f64, &str); 5] = [(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")];
const BINARY: [(f64, &str); 5] = [
    (1.0, "B"),
    (1024.0, "KiB"),
    (1_048_576.0, "MiB"),
    (1_073_741_824.0, "GiB"),
    (1_099_511_627_776.0, "TiB"),
];

/// Picks the largest step that the smallest value still fills after rounding to four digits.
fn step(values: impl IntoIterator<Item = f64>, steps: &'static [(f64, &'static str)]) -> (f64, &'static str) {
    let smallest = values
        .into_iter()
        .map(f64::abs)
        .filter(|value| *value > 0.0 && value.is_finite())
        .min_by(f64::total_cmp)
        .unwrap_or(1.0);
    let fits = |(divisor, _): &&(f64, &str)| {
        let scaled = smallest / divisor;
        // 999.96 prints as 1000.0 with four digits: the rounded value decides, not the exact one.
        exponent(scaled, VALUE_DIGITS) >= 0
    };
    steps.iter().rev().find(fits).copied().unwrap_or(steps[0])
}

impl Scale {
    /// Chooses the time unit for `values` in nanoseconds.
    #[must_use]
    pub fn time(dialect: Dialect, values: impl IntoIterator<Item = f64>) -> Self {
        let (divisor, unit) = step(values, &TIME);
        Self { dialect, divisor, prefix: "", unit: dialect.symbol(unit).into() }
    }

    /// Chooses the unit for `values` of `metric`.
    #[must_use]
    pub fn metric(dialect: Dialect, metric: &Metric, values: impl IntoIterator<Item = f64>) -> Self {
        match metric.unit.as_str() {
            "ns" => Self::time(dialect, values),
            "B" => Self::bytes(dialect, values),
            unit => Self::si(dialect, unit, values),
        }
    }

    /// Chooses a decimal prefix (k, M, G, T) for `values` of any other unit.
    #[must_use]
    pub fn si(dialect: Dialect, unit: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (divisor, prefix) = step(values, &DECIMAL);
        Self { dialect, divisor, prefix, unit: unit.to_owned().into() }
    }

    /// Chooses a binary unit for `values` in bytes.
    #[must_use]
    pub fn bytes(dialect: Dialect, values: impl IntoIterator<Item = f64>) -> Self {
        let (divisor, unit) = step(values, &BINARY);
        Self { dialect, divisor, prefix: "", unit: unit.into() }
    }

    /// `value` in this unit.
    #[must_use]
    pub fn scaled(&self, value: f64) -> f64 {
        value / self.divisor
    }

    /// The unit with its prefix, for example `µs` or `k op/s`.
    #[must_use]
    pub fn unit(&self) -> String {
        [self.prefix, self.between(), &self.unit].concat()
    }

    /// What stands between the prefix and the unit.
    fn between(&self) -> &'static str {
        // `k op/s` keeps its space; a prefix in front of a one-word symbol (GHz) does not have one.
        if self.prefix.is_empty() || !self.unit.contains('/') { "" } else { self.dialect.gap() }
    }

    /// The number alone, with digits as [`decimals`] allows for `half_width` in base units.
    #[must_use]
    pub fn number(&self, value: f64, half_width: Option<f64>) -> String {
        let scaled = self.scaled(value);
        let places = decimals(scaled, half_width.map(|width| self.scaled(width)));
        let mut text = String::with_capacity(ROOM);
        push_signless(&mut text, self.dialect, scaled, places);
        text
    }

    /// The number with its unit.
    #[must_use]
    pub fn show(&self, value: f64, half_width: Option<f64>) -> String {
        self.attach(self.number(value, half_width))
    }

    /// The bounds of an interval with the unit once: `17.29–17.33 µs`.
    ///
    /// Bounds that would print like each other get as many further digits as it takes to tell them apart, up to
    /// two digits of the half width.
    #[must_use]
    pub fn range(&self, low: f64, high: f64) -> String {
        let (low, high) = (self.scaled(low), self.scaled(high));
        let half_width = (high - low) / 2.0;
        let finest = if half_width > 0.0 {
            usize::try_from((WIDTH_DIGITS - 1 - exponent(half_width, WIDTH_DIGITS)).clamp(0, MOST_DECIMALS))
                .unwrap_or(0)
        } else {
            0
        };
        let mut places = decimals(high, Some(half_width));
        while places < finest && format!("{low:.places$}") == format!("{high:.places$}") {
            places += 1;
        }
        let bounds = format!(
            "{}{}{}",
            signless(self.dialect, low, places),
            self.dialect.dash(),
            signless(self.dialect, high, places)
        );
        self.attach(bounds)
    }

    /// Appends the unit to a number.
    fn attach(&self, mut number: String) -> String {
        if !self.prefix.is_empty() || !self.unit.is_empty() {
            [self.dialect.gap(), self.prefix, self.between(), &self.unit]
                .iter()
                .for_each(|part| number.push_str(part));
        }
        number
    }
}

/// Prints a change relative to the older side with its interval: `+4.5 % [+3.9, +5.1]`.
///
/// # Units
///
/// Fractions: 0.045 is 4.5 %.
#[must_use]
pub fn change(dialect: Dialect, value: f64, interval: Option<(f64, f64)>) -> String {
    let Some((low, high)) = interval else {
        let mut text = signed_percent(dialect, value, 1);
        text.push_str(dialect.gap());
        text.push('%');
        return text;
    };
    // One digit of the half width, and never more than a hundredth of a percent: nobody acts on less.
    let places = usize::try_from(-exponent((high - low) * 50.0, 1)).unwrap_or(0).clamp(1, 2);
    format!(
        "{}{gap}% [{},{gap}{}]",
        signed_percent(dialect, value, places),
        signed_percent(dialect, low, places),
        signed_percent(dialect, high, places),
        gap = dialect.gap()
    )
}

/// Prints a fraction as percent without a sign of its own: `86.3 %`.
#[must_use]
pub fn percent(dialect: Dialect, fraction: f64, places: usize) -> String {
    format!("{}{}%", signless(dialect, fraction * 100.0, places), dialect.gap())
}

/// Prints a relative half width with two significant digits: `±0.14 %`.
#[must_use]
pub fn half_width(dialect: Dialect, fraction: f64) -> String {
    let value = fraction * 100.0;
    let places = usize::try_from((WIDTH_DIGITS - 1 - exponent(value, WIDTH_DIGITS)).clamp(0, 3)).unwrap_or(0);
    let mut text = String::with_capacity(ROOM);
    text.push_str(dialect.plus_minus());
    push_signless(&mut text, dialect, value, places);
    text.push_str(dialect.gap());
    text.push('%');
    text
}

/// Prints a multiple: `1.94×`.
#[must_use]
pub fn multiple(dialect: Dialect, value: f64) -> String {
    format!("{}{}", signless(dialect, value, decimals(value, None).min(2)), dialect.times())
}

/// Prints a rate of `per_second` things: `57.77 k op/s`.
#[must_use]
pub fn rate(dialect: Dialect, per_second: f64, thing: &str) -> String {
    Scale::si(dialect, &format!("{thing}/s"), [per_second]).show(per_second, None)
}

/// Prints a number of bytes with a binary unit.
#[must_use]
pub fn bytes(dialect: Dialect, value: f64) -> String {
    let scale = Scale::bytes(dialect, [value]);
    if scale.unit() == "B" { format!("{value:.0}{}B", dialect.gap()) } else { scale.show(value, None) }
}

/// Prints a span of seconds as a person would say it: `4 min 12 s`.
#[must_use]
pub fn seconds(dialect: Dialect, value: f64) -> String {
    let gap = dialect.gap();
    if !value.is_finite() || value < 0.0 {
        return "unknown".to_owned();
    }
    if value < 60.0 {
        return format!("{value:.*}{gap}s", usize::from(value < 10.0));
    }
    let minutes = (value / 60.0).floor();
    if minutes < 60.0 {
        return format!("{minutes:.0}{gap}min {:.0}{gap}s", (value - minutes * 60.0).floor());
    }
    let hours = (minutes / 60.0).floor();
    format!("{hours:.0}{gap}h {:.0}{gap}min", minutes - hours * 60.0)
}

/// Prints a whole number, with a space between groups of three digits from 10000 on.
#[must_use]
pub fn count(dialect: Dialect, value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push_str(dialect.gap());
        }
        text.push(digit);
    }
    text
}

/// Appends `words` to `text`.
pub(crate) fn append(text: &mut String, words: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(words).unwrap_or_default();
}

/// Prints `number` things: the plural adds `s`, or `es` after `ch`, `sh`, `s` and `x`.
#[must_use]
pub fn plural(number: u64, thing: &str) -> String {
    let hisses = ["ch", "sh", "s", "x"].iter().any(|end| thing.ends_with(end));
    let ending = match (number, hisses) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{number} {thing}{ending}")
}

/// Prints the day of a point in time in UTC, for example `2025-11-05`.
#[must_use]
pub fn day(time: Timestamp) -> String {
    timestamp(time).chars().take(10).collect()
}

/// Prints a point in time as RFC 3339 in UTC, to the second.
#[must_use]
pub fn timestamp(time: Timestamp) -> String {
    let seconds = time.0.div_euclid(1_000_000);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "unknown (outside the calendar)".to_owned(), |stamp| stamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_things_have_their_plural() {
        let check = |number: u64, thing: &str, expected: &str| assert_eq!(plural(number, thing), expected);
        check(1, "launch", "1 launch");
        check(0, "launch", "0 launches");
        check(2, "run", "2 runs");
        check(3, "finding", "3 findings");
    }

    #[test]
    fn digits_follow_value_and_half_width() {
        let check = |value: f64, width: Option<f64>, expected: usize| {
            assert_eq!(decimals(value, width), expected, "{value} ± {width:?}");
        };
        check(17.3094, None, 2);
        check(17.3094, Some(0.024), 2);
        check(17.3094, Some(0.24), 2);
        check(17.3094, Some(1.5), 1);
        check(17.3094, Some(15.0), 0);
        check(1.2425, Some(0.0017), 3);
        check(0.0, None, 3);
        check(999.96, None, 0);
        check(999.94, None, 1);
        check(0.000_012_34, None, 6);
        check(17.0, Some(0.0), 2);
        check(17.0, Some(f64::NAN), 2);
    }

    #[test]
    fn one_unit_comes_from_the_smallest_value_after_rounding() {
        let check = |values: &[f64], expected: &str| {
            let scale = Scale::time(Dialect::Markdown, values.iter().copied());
            assert_eq!(scale.show(values[0], None), expected, "{values:?}");
        };
        check(&[999.94], "999.9 ns");
        check(&[999.96], "1.000 µs");
        check(&[17_309.0], "17.31 µs");
        check(&[1_242_500.0], "1.242 ms");
        check(&[1_242_500.0, 19_410.0], "1242 µs");
        check(&[1_242_500.0, 0.0], "1.242 ms");
        check(&[0.0], "0.000 ns");
        check(&[0.5], "500.0 ps");
        check(&[3.2e9], "3.200 s");
        check(&[f64::NAN], "NaN ns");
    }

    #[test]
    fn intervals_stay_distinguishable() {
        let check = |low: f64, high: f64, expected: &str| {
            assert_eq!(Scale::time(Dialect::Markdown, [low, high]).range(low, high), expected);
        };
        check(17_286.0, 17_333.0, "17.29–17.33 µs");
        check(17_309.0, 17_309.4, "17.3090–17.3094 µs");
        check(17_309.0, 17_309.0, "17.31–17.31 µs");
        check(1_240_900.0, 1_244_200.0, "1.241–1.244 ms");
        check(990.0, 1010.0, "990–1010 ns");
    }

    #[test]
    fn changes_are_signed_with_their_interval() {
        let check = |value: f64, interval: Option<(f64, f64)>, dialect: Dialect, expected: &str| {
            assert_eq!(change(dialect, value, interval), expected);
        };
        check(0.045, Some((0.039, 0.051)), Dialect::Markdown, "+4.5 % [+3.9, +5.1]");
        check(0.0451, Some((0.0447, 0.0455)), Dialect::Markdown, "+4.51 % [+4.47, +4.55]");
        check(0.045, Some((0.015, 0.075)), Dialect::Markdown, "+4.5 % [+1.5, +7.5]");
        check(
            -0.06,
            Some((-0.072, -0.049)),
            Dialect::Html,
            "\u{2212}6.0\u{a0}% [\u{2212}7.2,\u{a0}\u{2212}4.9]",
        );
        check(-0.000_01, None, Dialect::Markdown, "0.0 %");
        check(0.000_01, Some((-0.007, 0.007_01)), Dialect::Markdown, "0.0 % [-0.7, +0.7]");
        check(0.0, Some((0.0, 0.0)), Dialect::Markdown, "0.0 % [0.0, 0.0]");
        check(1.5, Some((0.2, 2.8)), Dialect::Ascii, "+150.0 % [+20.0, +280.0]");
    }

    #[test]
    fn rates_widths_and_sizes() {
        let check = |text: String, expected: &str| assert_eq!(text, expected);
        check(rate(Dialect::Markdown, 57_773.0, "op"), "57.77 k op/s");
        check(rate(Dialect::Markdown, 999.0, "op"), "999.0 op/s");
        check(half_width(Dialect::Markdown, 0.001_36), "±0.14 %");
        check(half_width(Dialect::Ascii, 0.0999), "+/-10 %");
        check(half_width(Dialect::Markdown, 0.0), "±0.0 %");
        check(bytes(Dialect::Markdown, 17_179_869_184.0), "16.00 GiB");
        check(bytes(Dialect::Markdown, 512.0), "512 B");
        check(multiple(Dialect::Markdown, 1.944), "1.94×");
        check(multiple(Dialect::Ascii, 12.345), "12.35x");
        check(percent(Dialect::Markdown, 0.8633, 1), "86.3 %");
        check(Scale::si(Dialect::Markdown, "Hz", [1.4e9]).show(1.4e9, None), "1.400 GHz");
        check(count(Dialect::Markdown, 4000), "4000");
        check(count(Dialect::Markdown, 1_234_567), "1 234 567");
    }

    #[test]
    fn spans_and_moments() {
        let check = |text: String, expected: &str| assert_eq!(text, expected);
        check(seconds(Dialect::Markdown, 1.25), "1.2 s");
        check(seconds(Dialect::Markdown, 42.0), "42 s");
        check(seconds(Dialect::Markdown, 252.9), "4 min 12 s");
        check(seconds(Dialect::Markdown, 7_260.0), "2 h 1 min");
        check(seconds(Dialect::Markdown, f64::NAN), "unknown");
        check(timestamp(Timestamp(1_762_393_020_123_456)), "2025-11-06T01:37:00Z");
        check(timestamp(Timestamp(-1)), "1969-12-31T23:59:59Z");
        check(timestamp(Timestamp(i64::MAX)), "unknown (outside the calendar)");
    }
}
