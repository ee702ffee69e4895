//! Verification rules as types: [`Strict`] and [`Zip215`].
//!
//! Under each rule there is one verdict for one (key, message, signature), however it is verified: alone, among many,
//! or on several threads. [`Rule::verify_many_into`] is *defined* as the map of [`Rule::verify`]; the tests compare them.
//! dalek's own `verify_batch` is used nowhere: its verdict on crafted input depends on the other signatures in the batch.

mod many;
mod strict;
mod zip215;

use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Signature;
use sha2::{Digest, Sha512};

use crate::error::LengthMismatch;
use crate::public_key::PublicKey;

pub use strict::Strict;
pub use zip215::Zip215;

/// What a rule says about one signature.
pub type Verdict = Result<(), Rejected>;

/// Why a rule refuses a signature.
///
/// The reason is for people and tests; to a sender of signatures tell only that it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// S is not below the group order: a second signature for the same message would exist.
    #[error("the scalar S is not reduced")]
    ScalarNotReduced,
    /// The public key has order 1, 2, 4 or 8.
    #[error("the public key has small order")]
    SmallOrderKey,
    /// R encodes a point of order 1, 2, 4 or 8.
    #[error("the point R has small order")]
    SmallOrderR,
    /// R encodes no point of the curve.
    #[error("R is no point of the curve")]
    NotAPoint,
    /// The verification equation does not hold.
    #[error("the signature does not fit the key and the message")]
    Mismatch,
    /// Nothing has been verified in this place yet.
    #[error("not verified")]
    NotVerified,
}

/// One signature to be verified among many.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The key that is said to have signed.
    pub key: &'a PublicKey,
    /// The message.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

/// A verification rule. Implemented by [`Strict`] and [`Zip215`] only.
///
/// Everything a rule looks at is public, and it takes variable time: how long it takes tells what was refused, and why.
/// No call panics, whatever the bytes.
pub trait Rule: sealed::Sealed {
    /// The rule's name, as bench ids and records write it.
    const NAME: &'static str;

    /// Verifies one signature.
    ///
    /// # Errors
    /// The reason why the rule refuses the signature.
    fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> Verdict;

    /// Verifies many signatures into the caller's places: place `i` gets what [`Rule::verify`] says about item `i`.
    ///
    /// # Errors
    /// [`LengthMismatch`] when there is not exactly one place per item; no place is written then.
    fn verify_many_into(items: &[Item<'_>], verdicts: &mut [Verdict]) -> Result<(), LengthMismatch> {
        if items.len() != verdicts.len() {
            return Err(LengthMismatch { items: items.len(), places: verdicts.len() });
        }
        Self::fill(items, verdicts);
        Ok(())
    }

    /// Verifies many signatures and gives one verdict per item.
    #[must_use]
    fn verify_many(items: &[Item<'_>]) -> Vec<Verdict> {
        let mut verdicts = vec![Err(Rejected::NotVerified); items.len()];
        Self::fill(items, &mut verdicts);
        verdicts
    }
}

mod sealed {
    use super::{Item, Verdict};

    /// Keeps [`super::Rule`] closed: a foreign rule could break "one verdict".
    pub trait Sealed {
        /// Writes one verdict per item; the two slices are equally long.
        fn fill(items: &[Item<'_>], verdicts: &mut [Verdict]);
    }
}

/// Decodes S and refuses what is not below the group order.
fn scalar(signature: &Signature) -> Result<Scalar, Rejected> {
    Option::from(Scalar::from_canonical_bytes(*signature.s_bytes())).ok_or(Rejected::ScalarNotReduced)
}

/// Hashes R, A and the message: RFC 8032 §5.1.7, step 2.
fn challenge_hash(item: &Item<'_>) -> [u8; 64] {
    let hash = Sha512::new()
        .chain_update(item.signature.r_bytes())
        .chain_update(item.key.as_bytes())
        .chain_update(item.message);
    hash.finalize().into()
}
