//! The evaluation kit: what a rule of judging is worth, on noise whose truth is known and on real histories.
//!
//! It judges rules, not benchmarks, and it says nothing about a machine: the generated noise is nobody's.

pub mod count;
pub mod families;
pub mod replay;
pub mod rules;
pub mod simulate;
pub mod steps;
