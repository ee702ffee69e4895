//! Changes of level in a series: steps, drifts and spikes told apart.
//!
//! Two engines on slices of values in the order of time: [`robust`], the default, and [`otava`], which finds what Apache Otava
//! finds. Nothing here knows runs, commits or causes.

mod candidates;
pub mod group;
mod levels;
mod noise;
pub mod otava;
pub mod robust;
pub mod segments;
pub mod stream;
pub mod threshold;

#[cfg(test)]
mod tests;
