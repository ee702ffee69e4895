//! Compact JSON Web Signatures with EdDSA (RFC 7515, RFC 8037).
//!
//! The algorithm is fixed and the key is found by `kid` in a set the caller trusts: nothing in a token chooses how it is
//! verified. Claims and times are the caller's business.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};

use crate::error::KmsError;
use crate::jwk::Jwks;
use crate::key_id::KeyId;
use crate::keystore::Keystore;
use crate::rule::{Rejected, Rule as _, Strict};
use crate::signing_key::SigningKey;

/// The longest token that is read. Unit: bytes.
pub const MAX_TOKEN: usize = 1024 * 1024;

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// The token is longer than [`MAX_TOKEN`].
    #[error("the token has {length} bytes, more than {MAX_TOKEN}")]
    TooLong {
        /// Its length. Unit: bytes.
        length: usize,
    },
    /// The token is not three base64url parts with a header in JSON.
    #[error("no compact JWS: {reason}")]
    Form {
        /// What is wrong.
        reason: String,
    },
    /// The algorithm is not `EdDSA`; `none` is among those refused.
    #[error("the algorithm is `{alg}`, only `EdDSA` is accepted")]
    Algorithm {
        /// The algorithm the header names.
        alg: String,
    },
    /// The header asks for an extension.
    #[error("the header has `{member}`, which is not supported")]
    Extension {
        /// The member.
        member: &'static str,
    },
    /// The header names no key, or one that is not in the set.
    #[error("the key `{kid}` is not in the set")]
    Key {
        /// The name, empty if there is none.
        kid: String,
    },
    /// The signature was refused.
    #[error("signature refused: {0}")]
    Rejected(#[from] Rejected),
}

impl JwsError {
    /// Says what to do next, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Algorithm { .. } => {
                Some("ask the issuer for tokens signed with EdDSA over Ed25519".to_owned())
            }
            Self::Key { .. } => Some("fetch the issuer's key set again: it may have rotated".to_owned()),
            Self::TooLong { .. } | Self::Form { .. } | Self::Extension { .. } | Self::Rejected(_) => None,
        }
    }
}

#[derive(Serialize)]
struct NewHeader<'a> {
    alg: &'static str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
    b64: Option<serde::de::IgnoredAny>,
}

/// What a token says, after its signature was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The key that signed.
    pub kid: String,
    /// The content.
    pub payload: Vec<u8>,
}

/// Signs a payload with a key that verifiers know as `kid`.
#[must_use]
pub fn sign(key: &SigningKey, kid: &str, payload: &[u8]) -> String {
    let input = signing_input(kid, payload);
    finish(&input, &key.sign(input.as_bytes()))
}

/// Signs a payload with the primary version of a key set; `kid` is that version's identity.
///
/// # Errors
/// As [`Keystore::sign_with_primary`].
pub fn sign_with_primary(keystore: &Keystore, id: &KeyId, payload: &[u8]) -> Result<String, KmsError> {
    let mut input = String::new();
    let (_, signature) = keystore.sign_built_with_primary(id, |primary| {
        input = signing_input(&primary.to_string(), payload);
        input.clone().into_bytes()
    })?;
    Ok(finish(&input, &signature))
}

/// Verifies a token under [`Strict`] with the key of the set that its `kid` names.
///
/// # Errors
/// [`JwsError`], whatever is wrong first.
pub fn verify(token: &str, keys: &Jwks) -> Result<Verified, JwsError> {
    if token.len() > MAX_TOKEN {
        return Err(JwsError::TooLong { length: token.len() });
    }
    let (input, signature) = token.rsplit_once('.').ok_or_else(|| form("it has no parts"))?;
    let (header, payload) = input.split_once('.').ok_or_else(|| form("it has two parts"))?;
    // A fourth part would leave a dot in the payload, which base64url does not have.
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(form)?;
    if header.alg != "EdDSA" {
        return Err(JwsError::Algorithm { alg: header.alg });
    }
    for (member, value) in [("crit", &header.crit), ("b64", &header.b64)] {
        if value.is_some() {
            return Err(JwsError::Extension { member });
        }
    }
    let kid = header.kid.unwrap_or_default();
    let Some(key) = keys.get(&kid) else { return Err(JwsError::Key { kid }) };
    let signature = Signature::from_slice(&decode(signature)?).map_err(form)?;
    Strict::verify(key, input.as_bytes(), &signature)?;
    Ok(Verified { kid, payload: decode(payload)? })
}

fn signing_input(kid: &str, payload: &[u8]) -> String {
    // A struct of two texts always becomes JSON.
    let header = serde_json::to_vec(&NewHeader { alg: "EdDSA", kid }).unwrap_or_default();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

fn finish(input: &str, signature: &Signature) -> String {
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode(part).map_err(form)
}

fn form(reason: impl std::fmt::Display) -> JwsError {
    JwsError::Form { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwk::seed_from_json;
    use crate::keystore::{KeySpec, KeyState};
    use crate::{Label, Seed};

    #[test]
    fn the_example_of_rfc_8037_has_its_signature() {
        let secret = r#"{"kty":"OKP","crv":"Ed25519",
            "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = SigningKey::from_seed(&seed_from_json(secret).unwrap());
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let expected =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(finish(input, &key.sign(input.as_bytes())), format!("{input}.{expected}"));
    }

    fn key() -> (SigningKey, Jwks) {
        let key = SigningKey::from_seed(&Seed::from_bytes(&[1; 32]));
        let mut keys = Jwks::new();
        keys.insert("me", key.public_key().clone());
        (key, keys)
    }

    /// Signs a hand-written header and gives the error of verifying it.
    fn refused(header: &str) -> String {
        let (key, keys) = key();
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"));
        let token = finish(&input, &key.sign(input.as_bytes()));
        verify(&token, &keys).unwrap_err().to_string()
    }

    #[test]
    fn headers_that_ask_for_something_else_are_refused_even_when_signed() {
        for (header, part) in [
            (r#"{"alg":"none","kid":"me"}"#, "`none`"),
            (r#"{"alg":"None","kid":"me"}"#, "`None`"),
            (r#"{"alg":"eddsa","kid":"me"}"#, "`eddsa`"),
            (r#"{"alg":"HS256","kid":"me"}"#, "`HS256`"),
            (r#"{"kid":"me"}"#, "alg"),
            (r#"{"alg":"EdDSA","alg":"none","kid":"me"}"#, "duplicate"),
            (r#"{"alg":"EdDSA"}"#, "key ``"),
            (r#"{"alg":"EdDSA","kid":"you"}"#, "key `you`"),
            (r#"{"alg":"EdDSA","kid":"me","crit":["exp"]}"#, "`crit`"),
            (r#"{"alg":"EdDSA","kid":"me","b64":false}"#, "`b64`"),
            (r#"["EdDSA"]"#, "no compact"),
        ] {
            let error = refused(header);
            assert!(error.contains(part), "{header}: {error}");
        }
    }

    #[test]
    fn any_other_text_than_the_signed_one_is_refused() {
        let (key, keys) = key();
        let token = sign(&key, "me", b"payload");
        let expected = Verified { kid: "me".to_owned(), payload: b"payload".to_vec() };
        assert_eq!(verify(&token, &keys), Ok(expected));
        for index in 0..token.len() {
            for symbol in ["A", "B", "_", "=", "+", ".", " "] {
                let changed = format!("{}{symbol}{}", &token[..index], &token[index + 1..]);
                assert!(changed == token || verify(&changed, &keys).is_err(), "{changed}");
            }
            assert!(verify(&token[..index], &keys).is_err());
        }
        assert!(verify(&format!("{token}="), &keys).is_err());
        assert!(verify(&format!("{token}."), &keys).is_err());
        let long = "a".repeat(MAX_TOKEN + 1);
        assert_eq!(verify(&long, &keys), Err(JwsError::TooLong { length: MAX_TOKEN + 1 }));
    }

    #[test]
    fn tokens_follow_rotation() {
        let keystore = Keystore::new();
        let label = Label::new("jwt").unwrap();
        let first = keystore.create(KeySpec::new(label, label)).unwrap();
        let old = sign_with_primary(&keystore, &first, b"old").unwrap();
        let second = keystore.rotate(&first).unwrap();
        let new = sign_with_primary(&keystore, &first, b"new").unwrap();
        let keys = Jwks::of(&keystore, &first).unwrap();
        assert_eq!(verify(&old, &keys).unwrap().kid, first.to_string());
        assert_eq!(verify(&new, &keys).unwrap().kid, second.to_string());
        keystore.set_state(&first, KeyState::Disabled).unwrap();
        let keys = Jwks::of(&keystore, &first).unwrap();
        assert!(matches!(verify(&old, &keys), Err(JwsError::Key { .. })));
        assert!(verify(&new, &keys).is_ok());
    }
}
