<<<<<<< HEAD
//! The integration tests of bench-runner: one binary, so that they link once.

mod tidy;
=======
//! The integration tests, one binary: each module tests one subject through the library's public face.

mod report;
mod report_fixture;
>>>>>>> wip-report
