//! JSON Web Keys for Ed25519 (RFC 7517, RFC 8037): one key, and sets of public keys that follow rotation.
//!
//! Base64url is read strictly: no padding, no other alphabet, no stray bits, so that a key has one text.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{FormatError, KmsError};
use crate::key_id::KeyId;
use crate::keystore::Keystore;
use crate::public_key::PublicKey;
use crate::signing_key::{Seed, SigningKey};

/// The longest key that is read. Unit: bytes.
pub const MAX_KEY: usize = 16 * 1024;
/// The longest set of keys that is read. Unit: bytes.
pub const MAX_SET: usize = 1024 * 1024;

/// The members of a key that matter here; others are ignored, as RFC 7517 §4 says.
#[derive(Serialize, Deserialize)]
struct Wire {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.d.zeroize();
    }
}

impl Wire {
    fn public(key: &PublicKey, kid: Option<&str>) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: Some("Ed25519".to_owned()),
            x: Some(URL_SAFE_NO_PAD.encode(key.as_bytes())),
            d: None,
            kid: kid.map(str::to_owned),
            alg: Some("EdDSA".to_owned()),
            usage: Some("sig".to_owned()),
        }
    }

    /// Tells whether this key is for what is done here. Other keys of a set are skipped, not refused.
    fn is_ours(&self) -> bool {
        let fits =
            |value: &Option<String>, wanted: &str| value.as_deref().is_none_or(|value| value == wanted);
        self.kty == "OKP"
            && self.crv.as_deref() == Some("Ed25519")
            && fits(&self.alg, "EdDSA")
            && fits(&self.usage, "sig")
    }

    fn decode_public(&self) -> Result<PublicKey, FormatError> {
        if !self.is_ours() {
            return Err(FormatError::Jwk { reason: "it is no Ed25519 signature key".to_owned() });
        }
        let x = self.x.as_deref().ok_or_else(|| jwk("it has no `x`"))?;
        Ok(PublicKey::from_bytes(&*decode_32(x)?)?)
    }
}

fn jwk(reason: impl std::fmt::Display) -> FormatError {
    FormatError::Jwk { reason: reason.to_string() }
}

fn decode_32(text: &str) -> Result<Zeroizing<[u8; 32]>, FormatError> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(jwk)?);
    let mut array = Zeroizing::new([0; 32]);
    if bytes.len() != array.len() {
        return Err(jwk("a key has 32 bytes"));
    }
    array.copy_from_slice(&bytes);
    Ok(array)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, limit: usize) -> Result<T, FormatError> {
    if text.len() > limit {
        return Err(FormatError::TooLong { length: text.len(), limit });
    }
    serde_json::from_str(text).map_err(jwk)
}

/// Reads a public key.
///
/// # Errors
/// [`FormatError::TooLong`], [`FormatError::Jwk`] when it is no Ed25519 key, [`FormatError::PublicKey`].
pub fn public_from_json(text: &str) -> Result<PublicKey, FormatError> {
    parse::<Wire>(text, MAX_KEY)?.decode_public()
}

/// Reads a secret key.
///
/// # Errors
/// As [`public_from_json`], and [`FormatError::ForeignPublicKey`] when `x` is not the public key of `d`.
pub fn seed_from_json(text: &str) -> Result<Seed, FormatError> {
    let wire: Wire = parse(text, MAX_KEY)?;
    let public = wire.decode_public()?;
    let d = wire.d.as_deref().ok_or_else(|| jwk("it has no `d`"))?;
    let seed = Seed::from_bytes(&*decode_32(d)?);
    if *SigningKey::from_seed(&seed).public_key() == public {
        Ok(seed)
    } else {
        Err(FormatError::ForeignPublicKey)
    }
}

/// Writes a public key.
///
/// # Errors
/// [`FormatError::Jwk`] if it cannot be encoded; with text members that does not happen.
pub fn public_to_json(key: &PublicKey, kid: Option<&str>) -> Result<String, FormatError> {
    serde_json::to_string(&Wire::public(key, kid)).map_err(jwk)
}

/// Writes a secret key, with its public key.
///
/// # Errors
/// As [`public_to_json`].
pub fn seed_to_json(seed: &Seed, kid: Option<&str>) -> Result<Zeroizing<String>, FormatError> {
    let mut wire = Wire::public(SigningKey::from_seed(seed).public_key(), kid);
    wire.d = Some(URL_SAFE_NO_PAD.encode(seed.expose()));
    serde_json::to_string(&wire).map(Zeroizing::new).map_err(jwk)
}

/// Computes the key's SHA-256 thumbprint, base64url.
///
/// # Reference
/// RFC 7638 §3, RFC 8037 §2 and appendix A.3.
#[must_use]
pub fn thumbprint(key: &PublicKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

/// Public keys by their `kid`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jwks {
    keys: BTreeMap<String, PublicKey>,
}

#[derive(Serialize, Deserialize)]
struct WireSet {
    keys: Vec<Wire>,
}

impl Jwks {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a key in under a name, in place of the one that was there.
    pub fn insert(&mut self, kid: impl Into<String>, key: PublicKey) {
        self.keys.insert(kid.into(), key);
    }

    /// Collects every version of a key set that may verify; the `kid` is the version's identity.
    ///
    /// # Errors
    /// [`KmsError::KeyNotFound`].
    pub fn of(keystore: &Keystore, id: &KeyId) -> Result<Self, KmsError> {
        keystore.info(id)?;
        let own =
            keystore.list().into_iter().filter(|info| info.id.set() == id.set() && info.state.verifies());
        Ok(Self { keys: own.map(|info| (info.id.to_string(), info.public)).collect() })
    }

    /// Finds a key.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.get(kid)
    }

    /// Gives the keys in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.keys.iter().map(|(kid, key)| (kid.as_str(), key))
    }

    /// Reads a set. Keys of other kinds and uses are skipped, as RFC 7517 §5 says.
    ///
    /// # Errors
    /// [`FormatError::TooLong`], [`FormatError::Jwk`] when an Ed25519 key has no `kid` or shares it with another,
    /// [`FormatError::PublicKey`].
    pub fn from_json(text: &str) -> Result<Self, FormatError> {
        let mut keys = BTreeMap::new();
        for wire in parse::<WireSet>(text, MAX_SET)?.keys {
            if !wire.is_ours() {
                continue;
            }
            let kid = wire.kid.clone().ok_or_else(|| jwk("a key of a set has no `kid`"))?;
            if keys.insert(kid, wire.decode_public()?).is_some() {
                return Err(jwk("two keys of a set share a `kid`"));
            }
        }
        Ok(Self { keys })
    }

    /// Writes the set.
    ///
    /// # Errors
    /// As [`public_to_json`].
    pub fn to_json(&self) -> Result<String, FormatError> {
        let keys = self.iter().map(|(kid, key)| Wire::public(key, Some(kid))).collect();
        serde_json::to_string(&WireSet { keys }).map_err(jwk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendices A.1 and A.3.
    const SECRET: &str = r#"{"kty":"OKP","crv":"Ed25519",
        "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn the_example_of_rfc_8037_is_read_and_has_its_thumbprint() {
        let seed = seed_from_json(SECRET).unwrap();
        let public = public_from_json(SECRET).unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let written = seed_to_json(&seed, Some("name")).unwrap();
        assert_eq!(seed_from_json(&written).unwrap().expose(), seed.expose());
        assert!(!public_to_json(&public, None).unwrap().contains("\"d\""));
    }

    fn check_refused(text: &str, part: &str) {
        let error = seed_from_json(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn another_text_for_the_same_key_is_refused() {
        let good = SECRET;
        check_refused(&good.replace("URo\"", "URp\""), "last symbol");
        check_refused(&good.replace("URo\"", "URo=\""), "padding");
        check_refused(&good.replace('_', "/"), "symbol");
        check_refused(&good.replace("Ed25519", "Ed448"), "no Ed25519");
        check_refused(&good.replace("OKP", "EC"), "no Ed25519");
        check_refused(&good.replace("11qY", "21qY"), "");
        check_refused(&good.replace(r#""kty""#, r#""kty":"OKP","kty""#), "duplicate");
        check_refused(&good.replace("nWGx", "nWGy"), "does not belong");
        check_refused("{}", "kty");
        check_refused(&" ".repeat(MAX_KEY + 1), "longer");
    }

    #[test]
    fn a_set_skips_foreign_keys_and_refuses_equal_names() {
        let key = public_from_json(SECRET).unwrap();
        let one = public_to_json(&key, Some("a")).unwrap();
        let foreign = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"X25519","x":""}"#;
        let set = Jwks::from_json(&format!(r#"{{"keys":[{one},{foreign}]}}"#)).unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), [("a", &key)]);
        assert_eq!(Jwks::from_json(&set.to_json().unwrap()).unwrap(), set);
        assert!(Jwks::from_json(&format!(r#"{{"keys":[{one},{one}]}}"#)).is_err());
        let nameless = public_to_json(&key, None).unwrap();
        assert!(Jwks::from_json(&format!(r#"{{"keys":[{nameless}]}}"#)).is_err());
    }
}
