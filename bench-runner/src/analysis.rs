//! Layer 1: from observations to conclusions.
//!
//! Pure functions over `model` and `stats`: no file, no clock, no environment, no unseeded randomness, no words about
//! layout. What is decided here is shown by `report` and stored by nobody: it can always be computed again.

pub mod compare;
pub mod curve;
pub mod doctor;
pub mod estimate;
pub mod gate;
pub mod identity;
pub mod knobs;
pub mod report_assembly;
pub(crate) mod words;

#[cfg(test)]
pub(crate) mod examples;
