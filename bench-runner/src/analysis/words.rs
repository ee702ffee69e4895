//! Numbers as words for reasons and evidence: one place, so that all sentences round alike.
//!
//! Sentences only. Tables and pages format for themselves in `report`.

/// A time in nanoseconds with four significant digits and a fitting unit.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (scaled, unit) = match nanoseconds.abs() {
        n if n < 999.95 => (nanoseconds, "ns"),
        n if n < 999.95e3 => (nanoseconds / 1e3, "µs"),
        n if n < 999.95e6 => (nanoseconds / 1e6, "ms"),
        _ => (nanoseconds / 1e9, "s"),
    };
    format!("{} {unit}", significant(scaled, 4))
}

/// A value in the unit of its metric: times get a fitting unit, others four digits and the unit as it is.
pub(crate) fn quantity(value: f64, metric: &crate::model::units::Metric) -> String {
    if metric.is_time() { time(value) } else { format!("{} {}", significant(value, 4), metric.unit) }
}

/// Seconds with one decimal: `28.7 s`.
pub(crate) fn seconds(nanoseconds: f64) -> String {
    format!("{:.1} s", nanoseconds / 1e9)
}

/// A rate of operations with the given time each, as `51.5 k/s`.
pub(crate) fn rate(per_second: f64) -> String {
    let (scaled, prefix) = match per_second {
        r if r >= 999.5e6 => (per_second / 1e9, "G"),
        r if r >= 999.5e3 => (per_second / 1e6, "M"),
        r if r >= 999.5 => (per_second / 1e3, "k"),
        _ => (per_second, ""),
    };
    format!("{} {prefix}/s", significant(scaled, 3))
}

/// An unsigned share: 0.734 is `73 %`.
pub(crate) fn share(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

/// An unsigned percentage with two significant digits below ten: 0.0312 is `3.1 %`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{} %", significant(fraction * 100.0, if fraction.abs() < 0.0995 { 2 } else { 3 }))
}

/// A signed change: 0.0312 is `+3.1 %`; without a sign where the digits show no direction.
pub(crate) fn change(fraction: f64) -> String {
    let text = format!("{:+.1} %", fraction * 100.0);
    if matches!(text.as_str(), "+0.0 %" | "-0.0 %") { "0.0 %".to_owned() } else { text }
}

/// A number with its noun, in the plural unless it is one.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// At most `shown` names, then how many more.
pub(crate) fn list(names: &[String], shown: usize) -> String {
    let text = names.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > shown { format!("{text} and {} more", names.len() - shown) } else { text }
}

fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let mut decimals = digits;
    for power in [1.0, 10.0, 100.0, 1000.0] {
        // Half a unit of the last digit is added, so that 9.9996 counts as two digits before the point.
        let rounded = value.abs() + 0.5 * 10.0_f64.powi(-i32::try_from(decimals).unwrap_or(0));
        if rounded >= power {
            decimals = decimals.saturating_sub(1);
        }
    }
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_to_their_digits() {
        for (actual, expected) in [
            (time(17_309.0), "17.31 µs"),
            (time(999.97), "1.000 µs"),
            (time(1_242_500.0), "1.242 ms"),
            (time(0.5), "0.5000 ns"),
            (seconds(28.717e9), "28.7 s"),
            (rate(51_509.0), "51.5 k/s"),
            (rate(199_531.0), "200 k/s"),
            (rate(12.0), "12.0 /s"),
            (share(0.7335), "73 %"),
            (percent(0.0312), "3.1 %"),
            (percent(0.4183), "41.8 %"),
            (change(-0.4), "-40.0 %"),
            (change(0.000_4), "0.0 %"),
            (change(-0.000_4), "0.0 %"),
            (count(1, "launch"), "1 launch"),
            (count(3, "size"), "3 sizes"),
        ] {
            assert_eq!(actual, expected);
        }
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(list(&names, 2), "a, b and 1 more");
        assert_eq!(list(&names, 3), "a, b, c");
    }
}
