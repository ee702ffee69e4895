//! Changes of level in a series: steps, drifts and spikes told apart.
//!
//! Two engines on slices of values in the order of time: [`robust`], the default, and [`otava`], which finds what Apache Otava
//! finds. Nothing here knows runs, commits or causes.

mod candidates;
mod levels;
mod noise;
pub mod otava;
pub mod robust;
pub mod threshold;
