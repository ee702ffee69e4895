//! Verifying many signatures by the identities of their keys.
//!
//! An identity that is unknown or may not verify refuses its own item and no other.

use std::sync::Arc;

use ed25519_dalek::Signature;

use super::Keystore;
use super::key_set::KeySet;
use crate::error::KmsError;
use crate::key_id::KeyId;
use crate::rule::{Item, Rejected, Rule};

/// One signature to be verified by the identity of its key.
#[derive(Debug, Clone, Copy)]
pub struct SignedBy<'a> {
    /// The version that is said to have signed.
    pub id: &'a KeyId,
    /// The message.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

impl Keystore {
    /// Verifies many signatures under the rule `R` and gives for each what [`Keystore::verify_under`] gives.
    ///
    /// # Examples
    /// ```
    /// use kms::keystore::SignedBy;
    /// use kms::{KeySpec, Keystore, Label, Strict};
    ///
    /// let keystore = Keystore::new();
    /// let id = keystore.create(KeySpec::new(Label::new("acme")?, Label::new("log")?))?;
    /// let signature = keystore.sign(&id, b"one")?;
    /// let item = |message| SignedBy { id: &id, message, signature: &signature };
    /// let verdicts = keystore.verify_many_under::<Strict>(&[item(b"one"), item(b"two")]);
    /// assert!(verdicts[0].is_ok() && verdicts[1].is_err());
    /// # Ok::<(), kms::KmsError>(())
    /// ```
    #[must_use]
    pub fn verify_many_under<R: Rule>(&self, signed: &[SignedBy<'_>]) -> Vec<Result<(), KmsError>> {
        // The sets are held, so that their keys can be borrowed; a change meanwhile makes new sets.
        let sets: Vec<Result<Arc<KeySet>, KmsError>> =
            signed.iter().map(|signed| self.find(signed.id)).collect();
        let mut results = Vec::with_capacity(signed.len());
        let mut items = Vec::with_capacity(signed.len());
        for (signed, set) in signed.iter().zip(&sets) {
            let key = match set {
                Ok(set) => set.version(signed.id).and_then(|version| version.verifying(signed.id)),
                Err(_) => Err(KmsError::KeyNotFound { id: *signed.id }),
            };
            results.push(key.map(|key| {
                items.push(Item { key, message: signed.message, signature: signed.signature });
            }));
        }
        let mut verdicts = R::verify_many(&items).into_iter();
        for result in results.iter_mut().filter(|result| result.is_ok()) {
            // There is one verdict for each item, and one item for each result that is good so far.
            let verdict = verdicts.next().unwrap_or(Err(Rejected::NotVerified));
            *result = verdict.map_err(KmsError::from);
        }
        results
    }
}
