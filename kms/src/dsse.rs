//! DSSE envelopes: a payload with its type and signatures over both.
//!
//! # Reference
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>, version 1. What the payload means is the
//! caller's business; a `keyid` is a hint and never decides anything.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};

use crate::error::{FormatError, KmsError};
use crate::key_id::KeyId;
use crate::keystore::Keystore;
use crate::public_key::PublicKey;
use crate::rule::{Rule as _, Strict};
use crate::signing_key::SigningKey;

/// The longest envelope that is read. Unit: bytes.
pub const MAX_ENVELOPE: usize = 64 * 1024 * 1024;
/// The most signatures that are read: verifying costs signatures times keys.
pub const MAX_SIGNATURES: usize = 64;

/// A payload with its type and its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<(Option<String>, Signature)>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

/// Not enough different keys signed the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} of the trusted keys signed the envelope, {needed} are needed")]
pub struct TooFewSignatures {
    /// How many different trusted keys signed.
    pub found: usize,
    /// How many are needed.
    pub needed: usize,
}

/// Encodes type and payload so that no other pair has the same bytes: what is signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = pae_head(payload_type, payload).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

fn pae_head(payload_type: &str, payload: &[u8]) -> String {
    format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len())
}

impl Envelope {
    /// Makes an envelope without signatures.
    #[must_use]
    pub fn new(payload_type: impl Into<String>, payload: Vec<u8>) -> Self {
        Self { payload_type: payload_type.into(), payload, signatures: Vec::new() }
    }

    /// Adds a signature of a key that verifiers may know as `keyid`.
    #[must_use]
    pub fn signed_by(mut self, key: &SigningKey, keyid: Option<&str>) -> Self {
        let head = pae_head(&self.payload_type, &self.payload);
        let signature = key.sign_parts(&[head.as_bytes(), &self.payload]);
        self.signatures.push((keyid.map(str::to_owned), signature));
        self
    }

    /// Adds a signature of the primary version of a key set; its `keyid` is that version's identity.
    ///
    /// # Errors
    /// As [`Keystore::sign_with_primary`].
    pub fn signed_with_primary(mut self, keystore: &Keystore, id: &KeyId) -> Result<Self, KmsError> {
        let (id, signature) = keystore.sign_with_primary(id, &pae(&self.payload_type, &self.payload))?;
        self.signatures.push((Some(id.to_string()), signature));
        Ok(self)
    }

    /// Gives the payload's type.
    ///
    /// # Edge cases
    /// Until [`Envelope::verify`] has accepted it, this is what the sender claims.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// Gives the payload before anything was verified, for showing what was refused.
    #[must_use]
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Gives the payload if at least `threshold` different keys of `trusted` signed it, under [`Strict`].
    ///
    /// # Errors
    /// [`TooFewSignatures`]. One key that signs twice, or stands twice in `trusted`, counts once.
    pub fn verify(&self, trusted: &[PublicKey], threshold: NonZeroUsize) -> Result<&[u8], TooFewSignatures> {
        let signed = pae(&self.payload_type, &self.payload);
        let accepts = |key: &&PublicKey| {
            self.signatures.iter().any(|(_, signature)| Strict::verify(key, &signed, signature).is_ok())
        };
        let found = trusted.iter().collect::<BTreeSet<_>>().into_iter().filter(accepts).count();
        if found >= threshold.get() {
            Ok(&self.payload)
        } else {
            Err(TooFewSignatures { found, needed: threshold.get() })
        }
    }

    /// Reads an envelope. Both base64 alphabets are read, as the protocol asks; padding is required.
    ///
    /// # Errors
    /// [`FormatError::TooLong`], [`FormatError::Dsse`].
    pub fn from_json(text: &str) -> Result<Self, FormatError> {
        if text.len() > MAX_ENVELOPE {
            return Err(FormatError::TooLong { length: text.len(), limit: MAX_ENVELOPE });
        }
        let wire: Wire = serde_json::from_str(text).map_err(dsse)?;
        if wire.signatures.len() > MAX_SIGNATURES {
            return Err(dsse(format!("more than {MAX_SIGNATURES} signatures")));
        }
        let signatures = wire.signatures.into_iter().map(|WireSignature { keyid, sig }| {
            Ok((keyid, Signature::from_slice(&decode(&sig)?).map_err(|_| dsse("a signature has 64 bytes"))?))
        });
        Ok(Self {
            payload: decode(&wire.payload)?,
            payload_type: wire.payload_type,
            signatures: signatures.collect::<Result<_, FormatError>>()?,
        })
    }

    /// Writes the envelope.
    ///
    /// # Errors
    /// [`FormatError::Dsse`] if it cannot be encoded; with text members that does not happen.
    pub fn to_json(&self) -> Result<String, FormatError> {
        let signature = |(keyid, signature): &(Option<String>, Signature)| WireSignature {
            keyid: keyid.clone(),
            sig: STANDARD.encode(signature.to_bytes()),
        };
        let wire = Wire {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        serde_json::to_string(&wire).map_err(dsse)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, FormatError> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(dsse)
}

fn dsse(reason: impl std::fmt::Display) -> FormatError {
    FormatError::Dsse { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing_key::Seed;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&Seed::from_bytes(&[byte; 32]))
    }

    fn envelope() -> Envelope {
        Envelope::new("http://example.com/HelloWorld", b"hello world".to_vec())
    }

    #[test]
    fn the_encoding_is_the_one_of_the_protocol() {
        let bytes = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(pae("é", b""), "DSSEv1 2 é 0 ".as_bytes());
    }

    #[test]
    fn what_is_written_is_read_and_verifies() {
        let signed = envelope().signed_by(&key(1), Some("one")).signed_by(&key(2), None);
        let read = Envelope::from_json(&signed.to_json().unwrap()).unwrap();
        assert_eq!(read, signed);
        let trusted = [key(1).public_key().clone(), key(2).public_key().clone()];
        let two = NonZeroUsize::new(2).unwrap();
        assert_eq!(read.verify(&trusted, two), Ok(&b"hello world"[..]));
        assert_eq!(read.verify(&[], ONE), Err(TooFewSignatures { found: 0, needed: 1 }));
        let url = signed.to_json().unwrap().replace('+', "-").replace("/", "_");
        assert!(Envelope::from_json(&url.replace("http:__example.com_", "http://example.com/")).is_ok());
    }

    #[test]
    fn one_key_counts_once() {
        let twice = envelope().signed_by(&key(1), Some("a")).signed_by(&key(1), Some("b"));
        let trusted = [key(1).public_key().clone(), key(1).public_key().clone()];
        assert!(twice.verify(&trusted, ONE).is_ok());
        let two = NonZeroUsize::new(2).unwrap();
        assert_eq!(twice.verify(&trusted, two), Err(TooFewSignatures { found: 1, needed: 2 }));
    }

    #[test]
    fn a_change_of_type_or_payload_is_refused_and_a_wrong_keyid_is_not() {
        let trusted = [key(1).public_key().clone()];
        let json = envelope().signed_by(&key(1), Some("one")).to_json().unwrap();
        let verdict = |from: &str, to: &str| {
            let changed = json.replace(from, to);
            assert_ne!(changed, json);
            Envelope::from_json(&changed).unwrap().verify(&trusted, ONE).is_ok()
        };
        assert!(!verdict("HelloWorld", "HelloWorlD"));
        assert!(!verdict("aGVsbG8", "aGVsbG9"));
        assert!(verdict("\"one\"", "\"other\""));
        for broken in ["{}", "", "[]", r#"{"payload":"!","payloadType":"","signatures":[]}"#] {
            assert!(Envelope::from_json(broken).is_err(), "{broken}");
        }
        let many = envelope();
        let many = (0..=MAX_SIGNATURES).fold(many, |envelope, _| envelope.signed_by(&key(1), None));
        assert!(matches!(Envelope::from_json(&many.to_json().unwrap()), Err(FormatError::Dsse { .. })));
    }
}
