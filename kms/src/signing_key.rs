//! The secret half: a seed, and the signing key that is expanded from it once.
//!
//! Both overwrite themselves when dropped and never show themselves in `Debug`. No function takes a public key beside
//! a secret one: a signature made with a foreign public key gives the secret away, so the pair is always derived.

use std::fmt;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use ed25519_dalek::Signature;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{KmsError, LengthMismatch};
use crate::public_key::PublicKey;

pub(crate) mod second;

use second::Second;

/// The 32 secret bytes an Ed25519 key is derived from (RFC 8032 §5.1.5).
///
/// They lie on the heap: moving a `Seed` moves a pointer and leaves no copy of the secret behind.
#[derive(Clone)]
pub struct Seed(Box<Zeroizing<[u8; 32]>>);

impl Seed {
    /// Takes the bytes of a seed. The caller's copy stays the caller's to overwrite.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut seed = Self::zero();
        seed.0.copy_from_slice(bytes);
        seed
    }

    /// Draws a new seed from the operating system.
    ///
    /// # Errors
    /// [`KmsError::Entropy`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, KmsError> {
        let mut seed = Self::zero();
        fill_random(&mut seed.0[..])?;
        Ok(seed)
    }

    fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; 32])))
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
/// The secret part lies on the heap, so that moving the key leaves no copy of it behind.
///
/// # Units
/// [`SigningKey::BYTES_IN_MEMORY`] bytes each.
///
/// # Edge cases
/// Timing: signing takes a time that depends on the lengths of the messages and on nothing else, as far as the
/// constant-time base multiplication and scalar arithmetic of `curve25519-dalek` reach, and those of `graviola` where
/// [`crate::probe::signing_backend`] names it.
///
/// With the feature `graviola` the key also holds that library's form of it, which keeps the seed. No function gives it
/// away, and it is overwritten with the rest.
pub struct SigningKey {
    secret: Box<Expanded>,
    public: PublicKey,
    second: Second,
}

/// What RFC 8032 §5.1.5 derives from the seed: the scalar, and the prefix that makes the nonces.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Expanded {
    scalar: Scalar,
    prefix: [u8; 32],
}

impl SigningKey {
    /// How much memory an expanded key takes. Unit: bytes.
    pub const BYTES_IN_MEMORY: usize = size_of::<Self>() + size_of::<Expanded>() + Second::BYTES;

    /// Expands a seed.
    #[must_use]
    pub fn from_seed(seed: &Seed) -> Self {
        let mut hash: Zeroizing<[u8; 64]> = Zeroizing::new([0; 64]);
        Sha512::new().chain_update(seed.expose()).finalize_into((&mut *hash).into());
        let mut low: Zeroizing<[u8; 32]> = Zeroizing::new([0; 32]);
        low.copy_from_slice(&hash[..32]);
        *low = clamp_integer(*low);
        let mut secret = Box::new(Expanded { scalar: Scalar::ZERO, prefix: [0; 32] });
        secret.scalar = Scalar::from_bytes_mod_order(*low);
        secret.prefix.copy_from_slice(&hash[32..]);
        let public = PublicKey::from_point(EdwardsPoint::mul_base(&secret.scalar));
        Self { secret, public, second: Second::from_seed(seed) }
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
        self.second.sign(message).unwrap_or_else(|| self.sign_first(&[message]))
    }

    /// Signs a message that lies in several pieces, as if they were one. Allocates nothing.
    ///
    /// # Edge cases
    /// Several pieces are always signed with `curve25519-dalek`: the second backend takes one slice only, and joining
    /// the pieces would take memory.
    #[must_use]
    pub fn sign_parts(&self, parts: &[&[u8]]) -> Signature {
        match parts {
            [message] => self.sign(message),
            parts => self.sign_first(parts),
        }
    }

    /// Signs with `curve25519-dalek`.
    fn sign_first(&self, parts: &[&[u8]]) -> Signature {
        let nonce = self.nonce(parts);
        let r = EdwardsPoint::mul_base(&nonce).compress();
        self.respond(&nonce, r.as_bytes(), parts)
    }

    /// Signs many messages into the caller's places: place `i` gets exactly what [`SigningKey::sign`] gives message `i`.
    ///
    /// Costs less than signing one by one with `curve25519-dalek`, because up to 32 signatures share one field inversion.
    /// The second backend is faster still without sharing, so where there is one each message is signed on its own.
    /// Allocates nothing.
    ///
    /// # Errors
    /// [`LengthMismatch`] when there is not exactly one place per message; no place is written then.
    pub fn sign_many_into(
        &self,
        messages: &[&[u8]],
        signatures: &mut [Signature],
    ) -> Result<(), LengthMismatch> {
        if messages.len() != signatures.len() {
            return Err(LengthMismatch { items: messages.len(), places: signatures.len() });
        }
        if self.second.is_there() {
            self.sign_each(messages, signatures);
        } else {
            self.sign_sharing(messages, signatures);
        }
        Ok(())
    }

    fn sign_each(&self, messages: &[&[u8]], signatures: &mut [Signature]) {
        for (message, signature) in messages.iter().zip(signatures) {
            *signature = self.sign(message);
        }
    }

    /// Signs with `curve25519-dalek`, in groups that share field inversions.
    fn sign_sharing(&self, messages: &[&[u8]], signatures: &mut [Signature]) {
        let (messages, signatures) = self.share_inversions::<32>(messages, signatures);
        let (messages, signatures) = self.share_inversions::<8>(messages, signatures);
        self.sign_each(messages, signatures);
    }

    /// Signs as many whole groups of `N` as there are, and gives back the rest.
    fn share_inversions<'m, 's, 'a, const N: usize>(
        &self,
        messages: &'m [&'a [u8]],
        signatures: &'s mut [Signature],
    ) -> (&'m [&'a [u8]], &'s mut [Signature]) {
        let (groups, rest) = messages.as_chunks::<N>();
        let (places, places_rest) = signatures.as_chunks_mut::<N>();
        for (messages, places) in groups.iter().zip(places) {
            let nonces = Zeroizing::new(messages.map(|message| *self.nonce(&[message])));
            let points = std::array::from_fn(|index| EdwardsPoint::mul_base(&nonces[index]));
            let encoded = EdwardsPoint::compress_batch::<N>(&points);
            for (((nonce, r), message), place) in nonces.iter().zip(&encoded).zip(messages).zip(places) {
                *place = self.respond(nonce, r.as_bytes(), &[message]);
            }
        }
        (rest, places_rest)
    }

    /// Derives the secret nonce of a message. It is overwritten when dropped.
    fn nonce(&self, parts: &[&[u8]]) -> Zeroizing<Scalar> {
        let mut hash = Sha512::new().chain_update(self.secret.prefix);
        parts.iter().for_each(|part| hash.update(part));
        let mut wide: Zeroizing<[u8; 64]> = Zeroizing::new([0; 64]);
        hash.finalize_into((&mut *wide).into());
        Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
    }

    /// Computes S = r + k·a and puts the signature together.
    fn respond(&self, nonce: &Scalar, r: &[u8; 32], parts: &[&[u8]]) -> Signature {
        let mut hash = Sha512::new().chain_update(r).chain_update(self.public.as_bytes());
        parts.iter().for_each(|part| hash.update(part));
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        Signature::from_components(*r, (k * self.secret.scalar + nonce).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl signature::Signer<Signature> for SigningKey {
    fn try_sign(&self, message: &[u8]) -> Result<Signature, signature::Error> {
        Ok(self.sign(message))
    }
}

impl signature::MultipartSigner<Signature> for SigningKey {
    fn try_multipart_sign(&self, message: &[&[u8]]) -> Result<Signature, signature::Error> {
        Ok(self.sign_parts(message))
    }
}

impl signature::KeypairRef for SigningKey {
    type VerifyingKey = PublicKey;
}

impl AsRef<PublicKey> for SigningKey {
    fn as_ref(&self) -> &PublicKey {
        &self.public
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
    fn the_traits_of_the_signature_crate_do_the_same() {
        fn signed_by<K>(key: &K) -> Signature
        where
            K: signature::Signer<Signature> + signature::MultipartSigner<Signature> + signature::Keypair,
            K::VerifyingKey: signature::Verifier<Signature> + signature::MultipartVerifier<Signature>,
        {
            use signature::{MultipartVerifier as _, Verifier as _};
            let signature = key.sign(b"message");
            assert_eq!(key.multipart_sign(&[b"mess", b"age"]), signature);
            assert!(key.verifying_key().verify(b"message", &signature).is_ok());
            assert!(key.verifying_key().verify(b"another", &signature).is_err());
            assert!(key.verifying_key().multipart_verify(&[b"mes", b"sage"], &signature).is_ok());
            signature
        }
        let key = SigningKey::from_seed(&Seed::from_bytes(&[3; 32]));
        assert_eq!(signed_by(&key), key.sign(b"message"));
    }

    #[test]
    fn many_signatures_equal_single_ones_in_order() {
        let key = SigningKey::from_seed(&Seed::from_bytes(&[3; 32]));
        let texts: Vec<Vec<u8>> = (0..75_u8).map(|byte| vec![byte; usize::from(byte)]).collect();
        for count in 0..=texts.len() {
            let messages: Vec<&[u8]> = texts[..count].iter().map(Vec::as_slice).collect();
            let expected: Vec<Signature> = messages.iter().map(|message| key.sign(message)).collect();
            let mut places = vec![Signature::from_bytes(&[0; 64]); count];
            assert_eq!(key.sign_many_into(&messages, &mut places), Ok(()));
            assert_eq!(places, expected, "{count}");
            // Whichever backend the call takes, the shared inversions are tested.
            places.fill(Signature::from_bytes(&[0; 64]));
            key.sign_sharing(&messages, &mut places);
            assert_eq!(places, expected, "{count}");
        }
        let mut places = [Signature::from_bytes(&[0; 64]); 2];
        let error = key.sign_many_into(&[b"one"], &mut places);
        assert_eq!(error, Err(LengthMismatch { items: 1, places: 2 }));
        assert_eq!(key.sign_parts(&[b"a", b"", b"bc"]), key.sign(b"abc"));
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
    #[test]
    fn both_backends_give_the_same_bytes_for_every_length() {
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(70_000).collect();
        let lengths = (0..=600).chain((1..=70).map(|thousand| thousand * 1000));
        for (byte, length) in (0..=u8::MAX).cycle().zip(lengths) {
            let key = SigningKey::from_seed(&Seed::from_bytes(&[byte; 32]));
            let first = key.sign_first(&[&text[..length]]);
            if let Some(second) = key.second.sign(&text[..length]) {
                assert_eq!(second, first, "{length}");
            }
            assert_eq!(key.sign(&text[..length]), first, "{length}");
            assert_eq!(key.second.is_there(), second::is_available());
        }
    }
}
