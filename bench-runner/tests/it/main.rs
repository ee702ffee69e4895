//! The one integration-test binary: one link step instead of many.

mod criterion_build;
mod criterion_faults;
mod criterion_guard;
mod criterion_support;
