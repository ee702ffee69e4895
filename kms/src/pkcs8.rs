//! Keys as other programs write them: PKCS#8 for secrets (v1 and v2), SubjectPublicKeyInfo for public keys, DER and PEM.
//!
//! The parsing is RustCrypto's; added here are size limits and the check that a public key inside a PKCS#8 v2 document
//! belongs to its secret.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
    PublicKeyBytes,
};
use zeroize::Zeroizing;

use crate::error::FormatError;
use crate::public_key::PublicKey;
use crate::signing_key::{Seed, SigningKey};

/// The longest document that is read. Unit: bytes.
pub const MAX_DOCUMENT: usize = 4096;

/// Reads a secret from PKCS#8 DER, version 1 or 2.
///
/// # Errors
/// [`FormatError::TooLong`], [`FormatError::Pkcs8`] when it is no Ed25519 key in PKCS#8,
/// [`FormatError::ForeignPublicKey`] when it has a public key that is not its secret's.
pub fn seed_from_der(der: &[u8]) -> Result<Seed, FormatError> {
    limit(der.len())?;
    checked(KeypairBytes::from_pkcs8_der(der).map_err(pkcs8)?)
}

/// Reads a secret from PKCS#8 PEM (`PRIVATE KEY`).
///
/// # Errors
/// As [`seed_from_der`].
pub fn seed_from_pem(pem: &str) -> Result<Seed, FormatError> {
    limit(pem.len())?;
    checked(KeypairBytes::from_pkcs8_pem(pem).map_err(pkcs8)?)
}

/// Writes a secret as PKCS#8 DER version 2, with its public key.
///
/// # Errors
/// [`FormatError::Pkcs8`] if it cannot be encoded; with 32-byte keys that does not happen.
pub fn seed_to_der(seed: &Seed) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    Ok(pair(seed).to_pkcs8_der().map_err(pkcs8)?.to_bytes())
}

/// Writes a secret as PKCS#8 PEM version 2, with its public key.
///
/// # Errors
/// As [`seed_to_der`].
pub fn seed_to_pem(seed: &Seed) -> Result<Zeroizing<String>, FormatError> {
    pair(seed).to_pkcs8_pem(LineEnding::LF).map_err(pkcs8)
}

/// Reads a public key from SubjectPublicKeyInfo DER.
///
/// # Errors
/// [`FormatError::TooLong`], [`FormatError::Spki`] when it is no Ed25519 key, [`FormatError::PublicKey`] when its bytes
/// are no point.
pub fn public_from_der(der: &[u8]) -> Result<PublicKey, FormatError> {
    limit(der.len())?;
    Ok(PublicKey::from_bytes(&PublicKeyBytes::from_public_key_der(der).map_err(spki)?.0)?)
}

/// Reads a public key from SubjectPublicKeyInfo PEM (`PUBLIC KEY`).
///
/// # Errors
/// As [`public_from_der`].
pub fn public_from_pem(pem: &str) -> Result<PublicKey, FormatError> {
    limit(pem.len())?;
    Ok(PublicKey::from_bytes(&PublicKeyBytes::from_public_key_pem(pem).map_err(spki)?.0)?)
}

/// Writes a public key as SubjectPublicKeyInfo DER.
///
/// # Errors
/// [`FormatError::Spki`] if it cannot be encoded; with a 32-byte key that does not happen.
pub fn public_to_der(key: &PublicKey) -> Result<Vec<u8>, FormatError> {
    Ok(PublicKeyBytes(key.to_bytes()).to_public_key_der().map_err(spki)?.into_vec())
}

/// Writes a public key as SubjectPublicKeyInfo PEM.
///
/// # Errors
/// As [`public_to_der`].
pub fn public_to_pem(key: &PublicKey) -> Result<String, FormatError> {
    PublicKeyBytes(key.to_bytes()).to_public_key_pem(LineEnding::LF).map_err(spki)
}

fn limit(length: usize) -> Result<(), FormatError> {
    if length > MAX_DOCUMENT {
        return Err(FormatError::TooLong { length, limit: MAX_DOCUMENT });
    }
    Ok(())
}

fn checked(pair: KeypairBytes) -> Result<Seed, FormatError> {
    let seed = Seed::from_bytes(&pair.secret_key);
    let foreign = pair.public_key.is_some_and(|public| {
        let own = SigningKey::from_seed(&seed);
        own.public_key().as_bytes() != &public.0
    });
    if foreign { Err(FormatError::ForeignPublicKey) } else { Ok(seed) }
}

fn pair(seed: &Seed) -> KeypairBytes {
    let public = SigningKey::from_seed(seed).public_key().to_bytes();
    KeypairBytes { secret_key: *seed.expose(), public_key: Some(PublicKeyBytes(public)) }
}

fn pkcs8(error: impl std::fmt::Display) -> FormatError {
    FormatError::Pkcs8 { reason: error.to_string() }
}

fn spki(error: impl std::fmt::Display) -> FormatError {
    FormatError::Spki { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410 §10.3: version 1, and version 2 with attributes and the public key.
    const V1: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    /// RFC 8410 §10.1.
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn the_examples_of_rfc_8410_are_read() {
        let seed = seed_from_pem(V1).unwrap();
        assert_eq!(seed.expose()[..4], [0xd4, 0xee, 0x72, 0xdb]);
        let public = public_from_pem(PUBLIC).unwrap();
        assert_eq!(SigningKey::from_seed(&seed).public_key(), &public);
        assert_eq!(public_to_pem(&public).unwrap(), PUBLIC);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for byte in 0..8 {
            let seed = Seed::from_bytes(&[byte; 32]);
            let public = SigningKey::from_seed(&seed).public_key().clone();
            assert_eq!(seed_from_der(&seed_to_der(&seed).unwrap()).unwrap().expose(), seed.expose());
            assert_eq!(seed_from_pem(&seed_to_pem(&seed).unwrap()).unwrap().expose(), seed.expose());
            assert_eq!(public_from_der(&public_to_der(&public).unwrap()).unwrap(), public);
        }
    }

    #[test]
    fn damaged_and_foreign_documents_are_refused() {
        let seed = Seed::from_bytes(&[1; 32]);
        let der = seed_to_der(&seed).unwrap();
        for length in 0..der.len() {
            assert!(seed_from_der(&der[..length]).is_err(), "cut to {length}");
        }
        for index in 0..der.len() {
            let mut changed = der.to_vec();
            changed[index] ^= 1;
            // Whatever is read after a change must not be the pair of another secret.
            let read = seed_from_der(&changed).map(|read| *read.expose() == *seed.expose());
            assert!(matches!(read, Err(_) | Ok(true)), "byte {index}");
        }
        let mut foreign = der.to_vec();
        let last = foreign.len() - 1;
        foreign[last] ^= 1;
        assert!(matches!(seed_from_der(&foreign), Err(FormatError::ForeignPublicKey)));
        let long = "-".repeat(MAX_DOCUMENT + 1);
        assert!(matches!(seed_from_pem(&long), Err(FormatError::TooLong { .. })));
        assert!(matches!(public_from_pem(V1), Err(FormatError::Spki { .. })));
        assert!(matches!(seed_from_pem(PUBLIC), Err(FormatError::Pkcs8 { .. })));
    }
}
