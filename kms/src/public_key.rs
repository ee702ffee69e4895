//! A public key, decoded and judged once, so that a verification neither decodes it nor asks about it again.
//!
//! It accepts every encoding of a curve point, as ZIP 215 does; what a rule refuses is recorded here and refused there.

use std::fmt;
use std::sync::Arc;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Signature;

use crate::error::PublicKeyError;
use crate::rule::{Rule as _, Strict};
use crate::table::{BaseTable, KeyTable};

/// A decoded Ed25519 public key.
///
/// # Units
/// [`PublicKey::BYTES_IN_MEMORY`] bytes each, without heap memory.
///
/// # Edge cases
/// Two encodings of one point are two different keys: the encoding is what is hashed and signed for.
///
/// Cloning shares the table of multiples that [`PublicKey::with_table`] may have added.
#[derive(Clone)]
pub struct PublicKey {
    encoded: [u8; 32],
    /// The point's negative: the equation needs −A, never A.
    minus_point: EdwardsPoint,
    small_order: bool,
    table: Option<Arc<KeyTable>>,
}

impl PublicKey {
    /// How much memory a decoded key takes. Unit: bytes.
    pub const BYTES_IN_MEMORY: usize = size_of::<Self>();

    /// How much heap memory a table of multiples takes. Unit: bytes.
    pub const TABLE_BYTES: usize = KeyTable::BYTES;

    /// How much heap memory the shared table of the base point takes. Unit: bytes.
    pub const BASE_TABLE_BYTES: usize = BaseTable::BYTES;

    /// Decodes a key.
    ///
    /// # Errors
    /// [`PublicKeyError::NotAPoint`] when no point of the curve has this encoding.
    ///
    /// # Edge cases
    /// Encodings with y ≥ 2²⁵⁵ − 19, and x = 0 with a set sign bit, are taken as ZIP 215 says;
    /// [`PublicKey::is_canonical`] tells them apart.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let point = CompressedEdwardsY(*bytes).decompress().ok_or(PublicKeyError::NotAPoint)?;
        Ok(Self { encoded: *bytes, minus_point: -point, small_order: point.is_small_order(), table: None })
    }

    /// Decodes a key from a slice.
    ///
    /// # Errors
    /// [`PublicKeyError::Length`] unless there are 32 bytes; else as [`PublicKey::from_bytes`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        let bytes = bytes.try_into().map_err(|_| PublicKeyError::Length { got: bytes.len() })?;
        Self::from_bytes(bytes)
    }

    /// Makes the key of a point that is known to be a multiple of the base point by a secret scalar.
    pub(crate) fn from_point(point: EdwardsPoint) -> Self {
        Self {
            encoded: point.compress().to_bytes(),
            minus_point: -point,
            small_order: point.is_small_order(),
            table: None,
        }
    }

    /// Gives the 32 bytes the key was decoded from.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.encoded
    }

    /// Copies the 32 bytes the key was decoded from.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.encoded
    }

    /// Tells whether the point has order 1, 2, 4 or 8: such a key "signs" almost any message.
    #[must_use]
    pub fn is_small_order(&self) -> bool {
        self.small_order
    }

    /// Tells whether the bytes are the one encoding that RFC 8032 §5.1.2 gives this point.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        (-self.minus_point).compress().as_bytes() == &self.encoded
    }

    /// Tells whether the point lies in the prime-order group, as every honestly made key does.
    ///
    /// Costs about as much as a signature verification; meant for the moment a key is registered.
    #[must_use]
    pub fn is_torsion_free(&self) -> bool {
        self.minus_point.is_torsion_free()
    }

    /// Adds a table of multiples, which makes exact verifications with this key cheaper on CPUs without AVX-512 IFMA.
    ///
    /// The table holds public data only, and changes no verdict. Building it costs as much as several verifications:
    /// `prepare_key/table` among the benches measures it.
    ///
    /// # Units
    /// [`PublicKey::TABLE_BYTES`] bytes of heap memory per key; and once per process [`PublicKey::BASE_TABLE_BYTES`],
    /// which the first verification with any table builds.
    #[must_use]
    pub fn with_table(self) -> Self {
        let table = self.table.unwrap_or_else(|| Arc::new(KeyTable::new(&self.minus_point)));
        Self { table: Some(table), ..self }
    }

    /// Tells whether the key carries a table of multiples.
    #[must_use]
    pub fn has_table(&self) -> bool {
        self.table.is_some()
    }

    /// Computes \[S\]B − \[k\]A in variable time: everything here is public.
    pub(crate) fn combine(&self, k: &Scalar, s: &Scalar) -> EdwardsPoint {
        match &self.table {
            Some(table) => table.mul(k) + BaseTable::get().mul(s),
            None => EdwardsPoint::vartime_double_scalar_mul_basepoint(k, &self.minus_point, s),
        }
    }

    pub(crate) fn minus_point(&self) -> &EdwardsPoint {
        &self.minus_point
    }
}

/// Verifies under [`Strict`]: a caller who knows only the trait gets the safe rule.
impl signature::Verifier<Signature> for PublicKey {
    fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), signature::Error> {
        Strict::verify(self, message, signature).map_err(|_| signature::Error::new())
    }
}

/// Verifies under [`Strict`]. Several pieces are joined in memory first.
impl signature::MultipartVerifier<Signature> for PublicKey {
    fn multipart_verify(&self, parts: &[&[u8]], signature: &Signature) -> Result<(), signature::Error> {
        Strict::verify(self, &parts.concat(), signature).map_err(|_| signature::Error::new())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.encoded.cmp(&other.encoded)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encoded.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl TryFrom<&[u8]> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        Self::from_slice(bytes)
    }
}
