//! Layer 1: conclusions from facts and numbers.

pub mod doctor;
pub mod identity;
