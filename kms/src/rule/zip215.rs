//! The `zip215` rule: cofactored, for protocols whose participants must agree on every signature.
//!
//! Because the equation is multiplied by the cofactor, a random linear combination of many signatures has the same
//! verdict as each of them alone: the batch may be amortised. Where the combination fails, every item is asked alone.

use std::iter::once;
use std::num::NonZeroUsize;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use ed25519_dalek::Signature;
use sha2::{Digest, Sha512};

use super::many::Halves;
use super::sealed::Sealed;
use super::{Item, Rejected, Rule, Verdict, challenge_hash, scalar};
use crate::error::LengthMismatch;
use crate::probe::{CurveBackend, curve_backend};
use crate::public_key::PublicKey;

/// Accepts exactly when S is below the group order, A and R decode (non-canonical encodings included), and
/// \[8\]\[S\]B = \[8\]R + \[8\]\[k\]A.
///
/// # Reference
/// <https://zips.z.cash/zip-0215>
///
/// # Edge cases
/// Keys and R of small order are accepted: with such a key many messages share one signature. Take [`super::Strict`]
/// unless the protocol says ZIP 215.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zip215;

/// The largest combination. One refused signature costs the whole chunk a second look, and a longer chunk saves little.
///
/// Measured with `examples/chunk_costs.rs`, AMD Zen 4 shared with other work, least of 100 rounds, µs per item with
/// different keys, before anything was filled up:
///
/// | items | 8 | 32 | 64 | 94 | 95 | 128 | 192 | 256 | 384 |
/// |---|---|---|---|---|---|---|---|---|---|
/// | AVX-512 IFMA | 11.5 | 10.3 | 10.2 | 10.0 | 9.0 | 8.7 | 8.4 | 8.3 | 8.1 |
/// | AVX2 | 19.2 | 16.6 | 16.1 | 16.0 | 14.8 | 14.1 | 13.2 | 12.9 | – |
///
/// It falls all the way: a call is best cut into as few chunks as the bound allows, and short calls not at all.
const MAX_CHUNK: usize = 256;

/// From so many points on `curve25519-dalek` changes from Straus' to Pippenger's algorithm.
const PIPPENGER: usize = 190;

/// Chooses the chunks of a call: equally long ones, so that no short rest is left over.
///
/// Equal chunks of a long call have at least 129 items and, with different keys, 259 points: none falls back to Straus.
fn chunk(items: usize) -> usize {
    items.div_ceil(items.div_ceil(MAX_CHUNK).max(1)).max(1)
}

/// From so many points on Straus' algorithm is not run on all of them at once.
///
/// Its table takes 1280 bytes per point in one allocation. From 128 KiB on glibc maps and unmaps the pages of such an
/// allocation with every call: at 129 points, a batch of 64, that was 80 page faults and a quarter of the time (AMD Zen 4,
/// virtual machine; `MALLOC_MMAP_THRESHOLD_=4194304` made them go away).
const SPLIT: usize = 101;

/// Tells from how many points on a combination is filled up with terms of zero until Pippenger's algorithm is taken.
///
/// `curve25519-dalek`'s step suits AVX2; there, what is too long for one table is multiplied in two halves, which costs
/// their doublings twice. With AVX-512 IFMA, where memory weighs more than arithmetic, filling up costs about as much as
/// halves at 105 points, and less beyond (the second table of `examples/chunk_costs.rs`).
fn fill_from(backend: CurveBackend) -> usize {
    if backend == CurveBackend::Avx512Ifma { SPLIT } else { PIPPENGER }
}

/// Separates these coefficients from every other use of SHA-512 over the same bytes.
const DOMAIN: &[u8] = b"kms zip215 batch coefficients v1";

const HALVES: Halves = Halves { expected, judge };

impl Rule for Zip215 {
    const NAME: &'static str = "zip215";

    fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> Verdict {
        HALVES.one(&Item { key, message, signature })
    }
}

impl Sealed for Zip215 {
    fn fill(items: &[Item<'_>], verdicts: &mut [Verdict]) {
        fill(items, verdicts, chunk(items.len()));
    }
}

impl Zip215 {
    /// Verifies many signatures in combinations of at most `chunk` items, instead of the length that suits this library.
    ///
    /// For callers that bound what one bad signature costs (its chunk is looked at once more, item by item), and for
    /// measuring: `examples/chunk_costs.rs` finds the library's own lengths with it. Verdicts are those of
    /// [`Rule::verify`], as always.
    ///
    /// # Errors
    /// [`LengthMismatch`] when there is not exactly one place per item; no place is written then.
    pub fn verify_many_in_chunks(
        items: &[Item<'_>],
        verdicts: &mut [Verdict],
        chunk: NonZeroUsize,
    ) -> Result<(), LengthMismatch> {
        if items.len() != verdicts.len() {
            return Err(LengthMismatch { items: items.len(), places: verdicts.len() });
        }
        fill(items, verdicts, chunk.get());
        Ok(())
    }
}

/// Writes one verdict per item: a combination per chunk, and every item of a chunk alone where it does not hold.
fn fill(items: &[Item<'_>], verdicts: &mut [Verdict], chunk: usize) {
    let mut work = Combination::default();
    for (items, verdicts) in items.chunks(chunk).zip(verdicts.chunks_mut(chunk)) {
        if items.len() > 1 && work.holds(items) {
            verdicts.fill(Ok(()));
        } else {
            HALVES.many(items, verdicts);
        }
    }
}

/// Computes \[S\]B − \[k\]A, the point that R may differ from by a point of small order.
fn expected(item: &Item<'_>) -> Result<EdwardsPoint, Rejected> {
    let s = scalar(item.signature)?;
    let k = Scalar::from_bytes_mod_order_wide(&challenge_hash(item));
    Ok(item.key.combine(&k, &s))
}

fn judge(item: &Item<'_>, expected: &EdwardsPoint, encoded: &[u8; 32]) -> Verdict {
    // Equal bytes mean equal points; only a signature that is bad or crafted needs R decoded.
    if encoded == item.signature.r_bytes() {
        return Ok(());
    }
    let r = CompressedEdwardsY(*item.signature.r_bytes()).decompress().ok_or(Rejected::NotAPoint)?;
    if (expected - r).is_small_order() { Ok(()) } else { Err(Rejected::Mismatch) }
}

/// Computes the sum of scalars times points. Nothing where a point is missing.
fn multiply(scalars: &[Scalar], points: &[Option<EdwardsPoint>]) -> Option<EdwardsPoint> {
    EdwardsPoint::optional_multiscalar_mul(scalars, points.iter().copied())
}

/// The buffers of one random linear combination, used again for every chunk of a call.
#[derive(Default)]
struct Combination {
    challenges: Vec<[u8; 64]>,
    responses: Vec<Scalar>,
    coefficients: Vec<Scalar>,
    by_key: Vec<usize>,
    scalars: Vec<Scalar>,
    points: Vec<Option<EdwardsPoint>>,
}

impl Combination {
    /// Tells whether \[8\](−Σ zᵢSᵢ B + Σ zᵢRᵢ + Σ zᵢkᵢ Aᵢ) is the identity.
    ///
    /// True for a set with a refused signature only with probability 2⁻¹²⁸ per attempt: z is drawn from a hash of
    /// everything it multiplies, so it cannot be known before the signatures are fixed.
    fn holds(&mut self, items: &[Item<'_>]) -> bool {
        self.responses.clear();
        for item in items {
            match scalar(item.signature) {
                Ok(s) => self.responses.push(s),
                Err(_) => return false,
            }
        }
        self.challenges.clear();
        self.challenges.extend(items.iter().map(challenge_hash));
        self.draw_coefficients(items);
        self.scalars.clear();
        self.points.clear();
        let base: Scalar = self.responses.iter().zip(&self.coefficients).map(|(s, z)| s * z).sum();
        self.scalars.extend(once(-base).chain(self.coefficients.iter().copied()));
        self.points.push(Some(ED25519_BASEPOINT_POINT));
        self.points
            .extend(items.iter().map(|item| CompressedEdwardsY(*item.signature.r_bytes()).decompress()));
        self.add_keys(items);
        self.sum().is_some_and(|sum| sum.mul_by_cofactor().is_identity())
    }

    /// Multiplies and adds all terms. Nothing where a point does not decode.
    fn sum(&mut self) -> Option<EdwardsPoint> {
        let count = self.points.len();
        if (fill_from(curve_backend())..PIPPENGER).contains(&count) {
            self.scalars.resize(PIPPENGER, Scalar::ZERO);
            self.points.resize(PIPPENGER, Some(EdwardsPoint::default()));
        } else if (SPLIT..PIPPENGER).contains(&count) {
            let (scalars, more_scalars) = self.scalars.split_at(count / 2);
            let (points, more_points) = self.points.split_at(count / 2);
            return Some(multiply(scalars, points)? + multiply(more_scalars, more_points)?);
        }
        multiply(&self.scalars, &self.points)
    }

    /// Draws one 128-bit coefficient per item from a hash of all challenges and responses.
    ///
    /// The challenge hash covers R, A and the message; S is added because the coefficient multiplies it too.
    fn draw_coefficients(&mut self, items: &[Item<'_>]) {
        let mut hash = Sha512::new().chain_update(DOMAIN).chain_update((items.len() as u64).to_le_bytes());
        for (challenge, item) in self.challenges.iter().zip(items) {
            hash.update(challenge);
            hash.update(item.signature.s_bytes());
        }
        let seed: [u8; 64] = hash.finalize().into();
        self.coefficients.clear();
        for (counter, _) in (0_u64..).zip(items.chunks(4)) {
            let block: [u8; 64] =
                Sha512::new().chain_update(seed).chain_update(counter.to_le_bytes()).finalize().into();
            self.coefficients.extend(block.chunks_exact(16).map(|bytes| {
                let mut low = [0; 16];
                low.copy_from_slice(bytes);
                Scalar::from(u128::from_le_bytes(low))
            }));
        }
        self.coefficients.truncate(items.len());
    }

    /// Adds one term per distinct key: equal keys share a multiplication.
    fn add_keys(&mut self, items: &[Item<'_>]) {
        self.by_key.clear();
        self.by_key.extend(0..items.len());
        self.by_key.sort_unstable_by_key(|&index| items[index].key.as_bytes());
        let mut last: Option<&PublicKey> = None;
        for &index in &self.by_key {
            let k = Scalar::from_bytes_mod_order_wide(&self.challenges[index]);
            let term = self.coefficients[index] * k;
            let key = items[index].key;
            match self.scalars.last_mut() {
                Some(sum) if last == Some(key) => *sum += term,
                _ => {
                    self.scalars.push(term);
                    // The key holds −A for the single equation; negating it back costs two subtractions.
                    self.points.push(Some(-key.minus_point()));
                    last = Some(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_equal_and_none_of_a_long_call_is_short() {
        for items in 0..3000_usize {
            let chunk = chunk(items);
            assert!((1..=MAX_CHUNK).contains(&chunk), "{items}");
            let rest = if items == 0 { 0 } else { (items - 1) % chunk + 1 };
            let lost = chunk - rest.min(chunk);
            assert!(items == 0 || lost < items.div_ceil(chunk).max(1), "{items}: {chunk}, last {rest}");
            assert!(items <= MAX_CHUNK || rest > 94, "{items}: {chunk}, last {rest}");
        }
        assert_eq!([1, 64, 256, 257, 512, 1000].map(chunk), [1, 64, 256, 129, 256, 250]);
    }
}
