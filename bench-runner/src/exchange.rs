//! Runs as files: what one store gives away and another takes in.
//!
//! Files are parsed with limits and checked before anything is stored; nothing here opens a store.

pub mod bundle;
pub mod history;
pub mod summary;
