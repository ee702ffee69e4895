//! A key in PKCS#8 or SubjectPublicKeyInfo that is read is written to something that reads the same.
#![no_main]

use kms::pkcs8;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(seed) = pkcs8::seed_from_der(bytes) {
        let written = pkcs8::seed_to_der(&seed).expect("what was read can be written");
        assert_eq!(pkcs8::seed_from_der(&written).expect("and read again").expose(), seed.expose());
    }
    if let Ok(public) = pkcs8::public_from_der(bytes) {
        let written = pkcs8::public_to_der(&public).expect("what was read can be written");
        assert_eq!(pkcs8::public_from_der(&written).expect("and read again"), public);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(seed) = pkcs8::seed_from_pem(text) {
        let written = pkcs8::seed_to_pem(&seed).expect("what was read can be written");
        assert_eq!(pkcs8::seed_from_pem(&written).expect("and read again").expose(), seed.expose());
    }
    if let Ok(public) = pkcs8::public_from_pem(text) {
        let written = pkcs8::public_to_pem(&public).expect("what was read can be written");
        assert_eq!(pkcs8::public_from_pem(&written).expect("and read again"), public);
    }
});
