//! What a step has to explain, by the length of the window: made by
//! `bench-runner evaluate --calibrate-change-points --cases 4000 --seed 20261123`.
//!
//! The table is data. It is not to be edited by hand, and not to be fitted to a history.

/// Share of windows without any step in which one may be found, in the worst of the null families.
pub const FALSE_SHARE: f64 = 0.045;

/// Gain that every step has to bring: short series have few candidates, so that their share alone would ask for nothing.
pub const LEAST: f64 = 12.0;

/// Length of a window and gain in twice the log-likelihood that each step has to bring.
pub const TABLE: &[(usize, f64)] = &[
    (8, 12.0),
    (12, 12.0),
    (16, 12.0),
    (24, 12.5),
    (32, 12.8),
    (48, 12.0),
    (64, 13.1),
    (96, 14.7),
    (128, 15.7),
    (200, 16.3),
    (280, 15.3),
    (400, 14.8),
];

/// The gain for a window of `length` values, linear in the logarithm of the length between the rows of the table.
#[must_use]
pub fn of(length: usize) -> f64 {
    let place = TABLE.partition_point(|row| row.0 < length);
    let (Some(above), Some(below)) = (TABLE.get(place), place.checked_sub(1).and_then(|p| TABLE.get(p)))
    else {
        // Outside of the table its nearest row counts.
        return TABLE.get(place).or(TABLE.last()).map_or(f64::INFINITY, |row| row.1);
    };
    let share = (length as f64 / below.0 as f64).ln() / (above.0 as f64 / below.0 as f64).ln();
    below.1 + share * (above.1 - below.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_exact_and_between_them_lies_a_mean() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (length, gain) in TABLE {
            assert!((of(*length) - gain).abs() < 1e-12 && *gain >= LEAST);
        }
        for pair in TABLE.windows(2) {
            let (low, high) = (pair[0].1.min(pair[1].1), pair[0].1.max(pair[1].1));
            assert!((low..=high).contains(&of(usize::midpoint(pair[0].0, pair[1].0))));
        }
        assert!((of(1) - TABLE[0].1).abs() < 1e-12);
        assert!((of(9999) - TABLE[TABLE.len() - 1].1).abs() < 1e-12);
    }
}
