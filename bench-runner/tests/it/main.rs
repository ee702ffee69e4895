//! The one binary of integration tests.

mod hardware_programs;
mod hardware_roots;
