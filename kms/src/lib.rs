#![doc = include_str!("../README.md")]
//!
//! The modules are listed below; each says what it deliberately does not do.

pub mod cache;
pub mod clock;
pub mod dsse;
pub mod error;
pub mod jwk;
pub mod jws;
pub mod key_id;
pub mod keystore;
pub mod parallel;
pub mod pkcs8;
pub mod probe;
pub mod public_key;
pub mod rule;
pub mod sealed;
pub mod signing_key;
mod table;

pub use ed25519_dalek::Signature;

pub use cache::{CacheLimits, KeyCache};
pub use error::KmsError;
pub use key_id::{KeyId, Label};
pub use keystore::{KeyInfo, KeySpec, KeyState, Keystore, Validity};
pub use probe::{CurveBackend, SigningBackend};
pub use public_key::PublicKey;
pub use rule::{Item, Rejected, Rule, Strict, Verdict, Zip215};
pub use signing_key::{Seed, SigningKey};

/// The version of this crate, as the `probe` of its bench executables reports it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
