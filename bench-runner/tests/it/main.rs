//! The integration tests of bench-runner: one binary, so that they link once.

mod tidy;
