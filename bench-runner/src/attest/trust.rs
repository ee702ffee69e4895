//! Which public keys are trusted, from when until when, and whether signatures are theirs.
//!
//! The list is a file that people may read and edit. The moment of a signature is what the statement itself says: a stolen
//! key can lie about it, which is why a key is best distrusted as a whole when it was stolen.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use kms::dsse::pae;
use kms::{CacheLimits, Item, PublicKey, Signature, Strict, parallel, probe};
use serde::{Deserialize, Serialize};

use super::AttestError;
use super::key::key_id;
use crate::files::{self, Access};
use crate::model::ids::Digest;
use crate::model::seal::{PAYLOAD_TYPE, SignatureVerdict, Signed};
use crate::model::units::Timestamp;

/// Largest list that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Name of the format.
const SCHEMA: &str = "bench-runner/trusted-keys";
/// Signatures from which on a table of multiples of a key is worth making.
const HOT: usize = 64;

/// A public key that is trusted for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedKey {
    /// Its name, which follows from the key.
    pub id: String,
    /// The key: 64 hexadecimal digits.
    pub public: Digest,
    /// First moment of which a signature counts.
    pub since: Timestamp,
    /// First moment of which it does not count any more.
    pub until: Option<Timestamp>,
}

/// The keys that somebody trusts, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    keys: BTreeMap<String, TrustedKey>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    schema: String,
    version: u32,
    keys: Vec<TrustedKey>,
}

impl Trust {
    /// Reads the list at `path`; a missing file is an empty list.
    ///
    /// # Errors
    ///
    /// [`AttestError::NoTrust`] for another file, a newer version, or a name that does not follow from its key.
    pub fn load(path: &Path) -> Result<Self, AttestError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let wrong = |reason: String| AttestError::NoTrust { path: path.to_owned(), reason };
        let wire: Wire = serde_json::from_slice(&files::read(path, MAX_BYTES)?)
            .map_err(|error| wrong(error.to_string()))?;
        if wire.schema != SCHEMA || wire.version != 1 {
            return Err(wrong(format!("it is `{}` version {}", wire.schema, wire.version)));
        }
        let mut trust = Self::default();
        for key in wire.keys {
            if key.id != key_id(&key.public.0) {
                return Err(wrong(format!("the name `{}` does not belong to its key", key.id)));
            }
            trust.keys.insert(key.id.clone(), key);
        }
        Ok(trust)
    }

    /// Writes the list to `path`, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`AttestError::File`].
    pub fn save(&self, path: &Path) -> Result<(), AttestError> {
        let wire =
            Wire { schema: SCHEMA.to_owned(), version: 1, keys: self.keys.values().cloned().collect() };
        let mut text = serde_json::to_vec_pretty(&wire)
            .map_err(|error| AttestError::NoTrust { path: path.to_owned(), reason: error.to_string() })?;
        text.push(b'\n');
        Ok(files::write(path, &text, Access::Default)?)
    }

    /// The keys by name.
    pub fn keys(&self) -> impl Iterator<Item = &TrustedKey> {
        self.keys.values()
    }

    /// Trusts a public key for a time; a key that is in the list already gets the new time. Returns its name.
    ///
    /// # Errors
    ///
    /// [`AttestError::NotPublic`] for text that is no public key.
    pub fn trust(
        &mut self,
        public: &str,
        since: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<String, AttestError> {
        let not_public = || AttestError::NotPublic { text: public.chars().take(80).collect() };
        let public: Digest = public.trim().parse().map_err(|_| not_public())?;
        let point = PublicKey::from_bytes(&public.0).map_err(|_| not_public())?;
        if point.is_small_order() || !point.is_canonical() {
            return Err(not_public());
        }
        let id = key_id(&public.0);
        self.keys.insert(id.clone(), TrustedKey { id: id.clone(), public, since, until });
        Ok(id)
    }

    /// Trusts a key no longer than until `until`; with `None` what it signed before does not count any more either.
    ///
    /// # Errors
    ///
    /// [`AttestError::Unknown`].
    pub fn distrust(&mut self, id: &str, until: Option<Timestamp>) -> Result<(), AttestError> {
        let key = self.keys.get_mut(id).ok_or_else(|| AttestError::Unknown { id: id.to_owned() })?;
        key.until = Some(until.unwrap_or(key.since));
        Ok(())
    }
}

/// Checks signatures, strictly, many at once and on up to `threads` threads; `at` is when each was made.
#[must_use]
pub fn check(
    trust: &Trust,
    claims: &[(&Signed, Option<Timestamp>)],
    threads: NonZeroUsize,
) -> Vec<SignatureVerdict> {
    let tables = claims.len() >= HOT && CacheLimits::for_backend(probe::curve_backend()).tables > 0;
    let mut keys: BTreeMap<&str, (PublicKey, &TrustedKey)> = BTreeMap::new();
    for key in trust.keys() {
        if let Ok(point) = PublicKey::from_bytes(&key.public.0) {
            keys.insert(&key.id, (if tables { point.with_table() } else { point }, key));
        }
    }
    let mut verdicts = vec![SignatureVerdict::UnknownKey; claims.len()];
    let mut known = Vec::new();
    for (index, (signed, at)) in claims.iter().enumerate() {
        if let Some((point, key)) = keys.get(signed.key_id.as_str()) {
            let message = pae(PAYLOAD_TYPE, &signed.payload);
            known.push((index, point, *key, *at, message, Signature::from_bytes(&signed.signature)));
        }
    }
    let items: Vec<Item<'_>> =
        known.iter().map(|(_, key, _, _, message, signature)| Item { key, message, signature }).collect();
    let mut answers = vec![Err(kms::Rejected::NotVerified); items.len()];
    if parallel::verify_many::<Strict>(&items, &mut answers, &parallel::Scoped::new(threads)).is_err() {
        return vec![SignatureVerdict::Bad; claims.len()];
    }
    for ((index, _, key, at, ..), answer) in known.iter().zip(answers) {
        let in_time = at.is_some_and(|at| at >= key.since && key.until.is_none_or(|until| at < until));
        verdicts[*index] = match answer {
            Err(_) => SignatureVerdict::Bad,
            Ok(()) if in_time => SignatureVerdict::Good,
            Ok(()) => SignatureVerdict::Expired,
        };
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attest::Key;
    use crate::model::seal::Signer as _;

    #[test]
    fn a_signature_is_good_for_its_key_its_payload_and_its_time() {
        let (ours, theirs) = (Key::from_seed(&[1; 32]), Key::from_seed(&[2; 32]));
        let mut trust = Trust::default();
        let id = trust.trust(&ours.public(), Timestamp(10), Some(Timestamp(20))).unwrap();
        assert_eq!(id, ours.id());
        let good = ours.sign(b"{}".to_vec()).unwrap();
        let verdict = |trust: &Trust, signed: &Signed, at: i64| {
            check(trust, &[(signed, Some(Timestamp(at)))], NonZeroUsize::MIN).remove(0)
        };
        assert_eq!(verdict(&trust, &good, 10), SignatureVerdict::Good);
        assert_eq!(verdict(&trust, &good, 9), SignatureVerdict::Expired);
        assert_eq!(verdict(&trust, &good, 20), SignatureVerdict::Expired);
        assert_eq!(verdict(&trust, &theirs.sign(b"{}".to_vec()).unwrap(), 15), SignatureVerdict::UnknownKey);
        assert_eq!(
            verdict(&trust, &Signed { payload: b"[]".to_vec(), ..good.clone() }, 15),
            SignatureVerdict::Bad
        );
        // The name of a key proves nothing.
        let forged = Signed { key_id: id.clone(), ..theirs.sign(b"{}".to_vec()).unwrap() };
        assert_eq!(verdict(&trust, &forged, 15), SignatureVerdict::Bad);
        trust.distrust(&id, None).unwrap();
        assert_eq!(verdict(&trust, &good, 15), SignatureVerdict::Expired);
        assert!(matches!(trust.distrust("nobody", None), Err(AttestError::Unknown { .. })));
    }

    #[test]
    fn the_list_comes_back_and_damage_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trusted-keys.json");
        assert_eq!(Trust::load(&path).unwrap(), Trust::default());
        let mut trust = Trust::default();
        trust.trust(&Key::from_seed(&[1; 32]).public(), Timestamp(10), None).unwrap();
        trust.save(&path).unwrap();
        assert_eq!(Trust::load(&path).unwrap(), trust);
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [("ed25519-", "ed25519-0"), ("\"version\": 1", "\"version\": 2"), ("[", "{")] {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert!(matches!(Trust::load(&path), Err(AttestError::NoTrust { .. })), "{from}");
        }
        for no_key in ["", "00", &"0".repeat(64), &"f".repeat(64)] {
            assert!(
                matches!(trust.trust(no_key, Timestamp(0), None), Err(AttestError::NotPublic { .. })),
                "{no_key}"
            );
        }
    }
}
