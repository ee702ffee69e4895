//! A JSON Web Key or a set of them that is read is written to something that reads the same.
#![no_main]

use kms::SigningKey;
use kms::jwk::{self, Jwks};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(set) = Jwks::from_json(text) {
        let written = set.to_json().expect("what was read can be written");
        assert_eq!(Jwks::from_json(&written).expect("and read again"), set);
    }
    if let Ok(public) = jwk::public_from_json(text) {
        let written = jwk::public_to_json(&public, None).expect("what was read can be written");
        assert_eq!(jwk::public_from_json(&written).expect("and read again"), public);
    }
    // A document with both halves is only read when they belong together.
    if let Ok(seed) = jwk::seed_from_json(text) {
        let public = jwk::public_from_json(text).expect("a secret key names its public one");
        assert_eq!(&public, SigningKey::from_seed(&seed).public_key());
    }
});
