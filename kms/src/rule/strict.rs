//! The `strict` rule: cofactorless, exact, equal to `ed25519-dalek`'s `verify_strict`.
//!
//! dalek decompresses R to ask whether it has small order. That is not needed: the equation compares R's bytes with a
//! canonical encoding, so an accepted R of small order is one of eight byte strings. They are compared instead.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Signature;

use super::many::Halves;
use super::sealed::Sealed;
use super::{Item, Rejected, Rule, Verdict, challenge_hash, scalar};
use crate::public_key::PublicKey;

/// The canonical encodings of the eight points of small order.
///
/// # Reference
/// `curve25519_dalek::constants::EIGHT_TORSION`, compressed; a test compares them.
const SMALL_ORDER: [[u8; 32]; 8] = {
    let identity = first(1, 0);
    let order_two = {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xec;
        bytes[31] = 0x7f;
        bytes
    };
    let low = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    let high = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    [identity, order_two, first(0, 0), first(0, 0x80), low, signed(low), high, signed(high)]
};

const fn first(byte: u8, last: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = byte;
    bytes[31] = last;
    bytes
}

const fn signed(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes[31] |= 0x80;
    bytes
}

/// Accepts exactly when S is below the group order, neither A nor R has small order, and the encoding of
/// \[S\]B − \[k\]A equals R's bytes. This is the rule to take unless a consensus protocol asks for [`super::Zip215`].
///
/// # Edge cases
/// A non-canonical encoding of R is never accepted. A non-canonical encoding of a *key* of large order is taken, as
/// dalek does; [`PublicKey::is_canonical`] refuses it where keys are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strict;

const HALVES: Halves = Halves { expected, judge };

impl Rule for Strict {
    const NAME: &'static str = "strict";

    fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> Verdict {
        HALVES.one(&Item { key, message, signature })
    }
}

impl Sealed for Strict {
    fn fill(items: &[Item<'_>], verdicts: &mut [Verdict]) {
        HALVES.many(items, verdicts);
    }
}

/// Computes \[S\]B − \[k\]A, the point whose encoding R has to be.
fn expected(item: &Item<'_>) -> Result<EdwardsPoint, Rejected> {
    let s = scalar(item.signature)?;
    if item.key.is_small_order() {
        return Err(Rejected::SmallOrderKey);
    }
    if SMALL_ORDER.contains(item.signature.r_bytes()) {
        return Err(Rejected::SmallOrderR);
    }
    let k = Scalar::from_bytes_mod_order_wide(&challenge_hash(item));
    Ok(item.key.combine(&k, &s))
}

fn judge(item: &Item<'_>, _: &EdwardsPoint, encoded: &[u8; 32]) -> Verdict {
    if encoded == item.signature.r_bytes() { Ok(()) } else { Err(Rejected::Mismatch) }
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;

    use super::*;

    #[test]
    fn the_table_holds_the_eight_small_order_encodings() {
        let mut expected: Vec<[u8; 32]> =
            EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
        let mut table = SMALL_ORDER.to_vec();
        expected.sort_unstable();
        table.sort_unstable();
        assert_eq!(table, expected);
    }
}
