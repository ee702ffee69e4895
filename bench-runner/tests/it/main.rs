//! The one integration-test binary: one module per subject.

#[cfg(test)] // Clippy grants tests their `unwrap` only inside this attribute.
mod store;
