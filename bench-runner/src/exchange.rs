//! Runs as files: what one store gives away and another takes in, and the formats of other tools.
//!
//! Files are parsed with limits and checked before anything is stored; nothing here opens a store. What each format keeps
//! and loses is in `docs/formats.md`.

pub mod benchfmt;
pub mod bmf;
pub mod bundle;
pub mod critcmp;
pub mod export;
pub mod foreign;
pub mod github_action;
pub mod history;
pub mod hyperfine;
mod input;
pub mod openmetrics;
pub mod rows;
pub mod sniff;
pub mod summary;
mod units;
