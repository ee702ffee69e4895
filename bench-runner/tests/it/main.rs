//! The integration tests, one binary: each module tests one subject through the library's public face.

mod criterion_build;
mod criterion_faults;
mod criterion_guard;
mod criterion_support;
mod evaluate;
#[cfg(test)]
mod hardware_programs;
#[cfg(test)]
mod hardware_roots;
mod report;
mod report_fixture;
#[cfg(test)]
mod store;
mod tidy;
