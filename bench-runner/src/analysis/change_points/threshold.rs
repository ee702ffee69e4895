//! What a step has to explain, by the length of the window: made by `bench-runner evaluate --calibrate-change-points`.
//!
//! The table is data. It is not to be edited by hand, and not to be fitted to a history.

/// Share of windows without any step in which one may be found, in the worst of the null families.
pub const FALSE_SHARE: f64 = 0.03;

/// Length of a window and gain in twice the log-likelihood that each step has to bring.
pub const TABLE: &[(usize, f64)] = &[(8, 15.0), (400, 16.0)];

/// The gain for a window of `length` values, linear in the logarithm of the length between the rows of the table.
#[must_use]
pub fn of(length: usize) -> f64 {
    let place = TABLE.partition_point(|row| row.0 < length);
    let (Some(above), Some(below)) = (TABLE.get(place), place.checked_sub(1).and_then(|p| TABLE.get(p))) else {
        // Outside of the table its nearest row counts.
        return TABLE.get(place).or(TABLE.last()).map_or(f64::INFINITY, |row| row.1);
    };
    let share = (length as f64 / below.0 as f64).ln() / (above.0 as f64 / below.0 as f64).ln();
    below.1 + share * (above.1 - below.1)
}
