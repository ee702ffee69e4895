//! No token verifies but one that somebody signed: the key here signed one payload.
#![no_main]

use std::sync::LazyLock;

use kms::jwk::Jwks;
use kms::{Seed, SigningKey, jws};

static KEYS: LazyLock<Jwks> = LazyLock::new(|| {
    let mut keys = Jwks::new();
    keys.insert("kid", SigningKey::from_seed(&Seed::from_bytes(&[42; 32])).public_key().clone());
    keys
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(verified) = jws::verify(text, &KEYS) {
        assert_eq!((verified.kid.as_str(), &verified.payload[..]), ("kid", &b"payload"[..]));
    }
});
