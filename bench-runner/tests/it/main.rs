//! The integration tests, one binary: each module tests one subject through the library's public face.

mod report;
mod report_fixture;
mod tidy;
