//! The secret half: a seed, and the signing key that is expanded from it once.
//!
//! Both overwrite themselves when dropped and never show themselves in `Debug`. No function takes a public key beside
//! a secret one: a signature made with a foreign public key gives the secret away, so the pair is always derived.

use std::fmt;

use curve25519_dalek::edwards::EdwardsPoint;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::KmsError;
use crate::public_key::PublicKey;

/// The 32 secret bytes an Ed25519 key is derived from (RFC 8032 §5.1.5).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes the bytes of a seed. The caller's copy stays the caller's to overwrite.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// Draws a new seed from the operating system.
    ///
    /// # Errors
    /// [`KmsError::Entropy`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, KmsError> {
        let mut seed = Self([0; 32]);
        fill_random(&mut seed.0)?;
        Ok(seed)
    }

    /// Shows the secret bytes, for writing them where they belong.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(<secret>)")
    }
}

/// Fills a buffer with randomness of the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), KmsError> {
    getrandom::fill(bytes).map_err(|error| KmsError::Entropy { reason: error.to_string() })
}

/// A signing key, expanded once: signing hashes neither the seed nor computes the public key again.
///
/// Timing: [`SigningKey::sign`] takes a time that depends on the message's length and not on the key or the message,
/// as far as `ed25519-dalek`'s constant-time base multiplication reaches.
pub struct SigningKey {
    expanded: ExpandedSecretKey,
    verifying: VerifyingKey,
    public: PublicKey,
}

impl SigningKey {
    /// Expands a seed.
    #[must_use]
    pub fn from_seed(seed: &Seed) -> Self {
        let mut hash: Zeroizing<[u8; 64]> = Zeroizing::new([0; 64]);
        hash.copy_from_slice(&Sha512::digest(seed.expose()));
        let expanded = ExpandedSecretKey::from_bytes(&hash);
        let point = EdwardsPoint::mul_base(&expanded.scalar);
        Self { verifying: VerifyingKey::from(point), public: PublicKey::from_point(point), expanded }
    }

    /// Draws a new key from the operating system.
    ///
    /// # Errors
    /// [`KmsError::Entropy`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, KmsError> {
        Ok(Self::from_seed(&Seed::generate()?))
    }

    /// Gives the public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message (RFC 8032 §5.1.6, pure Ed25519). Allocates nothing.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        raw_sign::<Sha512>(&self.expanded, message, &self.verifying)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let seed = Seed::from_bytes(&[0xab; 32]);
        let key = SigningKey::from_seed(&seed);
        let text = format!("{seed:?} {key:?}");
        assert!(text.contains("<secret>"), "{text}");
        assert!(!text.contains("171") && !text.contains("abab"), "{text}");
    }

    #[test]
    fn signatures_equal_those_of_the_library_below() {
        use ed25519_dalek::Signer as _;
        for byte in 0..=32_u8 {
            let theirs = ed25519_dalek::SigningKey::from_bytes(&[byte; 32]);
            let ours = SigningKey::from_seed(&Seed::from_bytes(&[byte; 32]));
            assert_eq!(ours.public_key().as_bytes(), theirs.verifying_key().as_bytes());
            for length in [0, 1, 47, 48, 111, 112, 175, 176, 1023] {
                let message = vec![byte; length];
                assert_eq!(
                    ours.sign(&message).to_bytes(),
                    theirs.sign(&message).to_bytes(),
                    "{byte} {length}"
                );
            }
        }
    }
}
