//! Ed25519 signing core.
