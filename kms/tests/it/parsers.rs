//! Every parser against arbitrary and half-right input: it answers, it never panics, and what it reads it writes again.

use kms::dsse::Envelope;
use kms::jwk::{self, Jwks};
use kms::keystore::Snapshot;
use kms::{KeyId, PublicKey, Seed, Signature, SigningKey, jws, pkcs8};
use proptest::prelude::*;

fn key() -> SigningKey {
    SigningKey::from_seed(&Seed::from_bytes(&[42; 32]))
}

/// Puts some bytes in place of others.
fn spoil(text: &[u8], from: usize, remove: usize, insert: &[u8]) -> Vec<u8> {
    let from = from % (text.len() + 1);
    let end = (from + remove).min(text.len());
    [&text[..from], insert, &text[end..]].concat()
}

/// Gives the bytes to every parser of text.
fn read_text(text: &str) {
    if let Ok(id) = text.parse::<KeyId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(envelope) = Envelope::from_json(text) {
        assert_eq!(Envelope::from_json(&envelope.to_json().unwrap()).unwrap(), envelope);
    }
    if let Ok(set) = Jwks::from_json(text) {
        assert_eq!(Jwks::from_json(&set.to_json().unwrap()).unwrap(), set);
    }
    if let Ok(public) = jwk::public_from_json(text) {
        assert_eq!(jwk::public_from_json(&jwk::public_to_json(&public, None).unwrap()).unwrap(), public);
    }
    if let Ok(seed) = jwk::seed_from_json(text) {
        assert_eq!(
            *jwk::public_from_json(text).unwrap().as_bytes(),
            *SigningKey::from_seed(&seed).public_key().as_bytes()
        );
    }
    if let Ok(seed) = pkcs8::seed_from_pem(text) {
        assert!(pkcs8::seed_from_pem(&pkcs8::seed_to_pem(&seed).unwrap()).is_ok());
    }
    if let Ok(public) = pkcs8::public_from_pem(text) {
        assert!(pkcs8::public_from_pem(&pkcs8::public_to_pem(&public).unwrap()).is_ok());
    }
    let mut keys = Jwks::new();
    keys.insert("kid", key().public_key().clone());
    if let Ok(verified) = jws::verify(text, &keys) {
        assert_eq!(verified.kid, "kid");
        assert_eq!(verified.payload, b"payload");
    }
}

fn read_bytes(bytes: &[u8]) {
    if let Ok(snapshot) = Snapshot::decode(bytes) {
        assert_eq!(*snapshot.encode(), bytes);
    }
    if let Ok(seed) = pkcs8::seed_from_der(bytes) {
        assert!(pkcs8::seed_from_der(&pkcs8::seed_to_der(&seed).unwrap()).is_ok());
    }
    if let Ok(public) = pkcs8::public_from_der(bytes) {
        assert_eq!(pkcs8::public_from_der(&pkcs8::public_to_der(&public).unwrap()).unwrap(), public);
    }
    if let Ok(public) = PublicKey::from_slice(bytes) {
        assert_eq!(public.as_bytes(), bytes);
    }
    assert_eq!(Signature::from_slice(bytes).is_ok(), bytes.len() == 64);
}

/// One good document of every kind.
fn documents() -> Vec<Vec<u8>> {
    let (key, seed) = (key(), Seed::from_bytes(&[42; 32]));
    let public = key.public_key();
    let mut set = Jwks::new();
    set.insert("kid", public.clone());
    let envelope = Envelope::new("text/plain", b"payload".to_vec()).signed_by(&key, Some("kid"));
    vec![
        b"tenant/purpose/ed25519/000102030405060708090a0b0c0d0e0f#v12".to_vec(),
        envelope.to_json().unwrap().into_bytes(),
        set.to_json().unwrap().into_bytes(),
        jwk::seed_to_json(&seed, Some("kid")).unwrap().as_bytes().to_vec(),
        jws::sign(&key, "kid", b"payload").into_bytes(),
        pkcs8::seed_to_pem(&seed).unwrap().as_bytes().to_vec(),
        pkcs8::public_to_pem(public).unwrap().into_bytes(),
        pkcs8::seed_to_der(&seed).unwrap().to_vec(),
        pkcs8::public_to_der(public).unwrap(),
        public.as_bytes().to_vec(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_input_never_panics(bytes: Vec<u8>, text: String) {
        read_bytes(&bytes);
        read_text(&text);
    }

    #[test]
    fn spoiled_documents_never_panic(which: usize, from: usize, remove in 0_usize..6, insert: [u8; 3], length in 0_usize..4) {
        let documents = documents();
        let spoiled = spoil(&documents[which % documents.len()], from, remove, &insert[..length.min(3)]);
        read_bytes(&spoiled);
        read_text(&String::from_utf8_lossy(&spoiled));
    }
}

#[test]
fn the_good_documents_are_read() {
    for document in documents() {
        read_bytes(&document);
        if let Ok(text) = std::str::from_utf8(&document) {
            read_text(text);
        }
    }
    let text = |index: usize| String::from_utf8(documents()[index].clone()).unwrap();
    assert!(text(0).parse::<KeyId>().is_ok());
    assert!(Envelope::from_json(&text(1)).is_ok() && Jwks::from_json(&text(2)).is_ok());
    assert!(jwk::seed_from_json(&text(3)).is_ok() && pkcs8::seed_from_pem(&text(5)).is_ok());
}
