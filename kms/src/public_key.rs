//! A public key, decoded and judged once, so that a verification neither decodes it nor asks about it again.
//!
//! It accepts every encoding of a curve point, as ZIP 215 does; what a rule refuses is recorded here and refused there.

use std::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};

use crate::error::PublicKeyError;

/// A decoded Ed25519 public key.
///
/// # Units
/// [`PublicKey::BYTES_IN_MEMORY`] bytes each, without heap memory.
///
/// # Edge cases
/// Two encodings of one point are two different keys: the encoding is what is hashed and signed for.
#[derive(Clone, Copy)]
pub struct PublicKey {
    encoded: [u8; 32],
    /// The point's negative: the equation needs −A, never A.
    minus_point: EdwardsPoint,
    small_order: bool,
}

impl PublicKey {
    /// How much memory a decoded key takes. Unit: bytes.
    pub const BYTES_IN_MEMORY: usize = size_of::<Self>();

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
        Ok(Self { encoded: *bytes, minus_point: -point, small_order: point.is_small_order() })
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

    pub(crate) fn minus_point(&self) -> &EdwardsPoint {
        &self.minus_point
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
