//! Layer 0: statistics. Slices of numbers in, numbers out.
//!
//! Nothing here knows what a benchmark is, reads a file, asks for the time or draws an unseeded random number.
//! Preconditions are types ([`Sorted`]) or an `Option` result; the formulas and their limits are explained in
//! `docs/statistics.md`, and checked against an independent implementation in `tests/fixtures/stats`.

pub mod autocorrelation;
pub mod betting;
pub mod bootstrap;
pub mod criterion_plan;
pub mod criterion_rule;
pub mod density;
pub mod distributions;
pub mod interval;
pub mod modes;
pub mod moments;
pub mod multiplicity;
pub mod order;
pub mod pairwise;
pub mod power;
pub mod proportion;
pub mod rank;
pub mod rng;
pub mod scale;
pub mod sequential;
pub mod sign_flip;
pub mod signed_rank;
pub mod special;
pub mod tail;
pub mod variance;

#[cfg(test)]
mod reference_tests;

pub use order::Sorted;

/// Turns a small non-negative number into an index, rounding down.
///
/// # Edge cases
/// Negative numbers and NaN give 0.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturating by definition of `as`"
)]
pub(crate) fn floor_to_index(value: f64) -> usize {
    value.floor() as usize
}

/// Turns a non-negative number into a count, rounding up.
///
/// # Edge cases
/// Negative numbers and NaN give 0; numbers beyond the range give its end.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturating by definition of `as`"
)]
pub(crate) fn ceil_to_count(value: f64) -> u64 {
    value.ceil() as u64
}
