//! Verifying many items exactly: every item by its own equation, while up to 32 results share one field inversion.
//!
//! Writing a point as bytes takes an inversion, and Montgomery's trick makes one of many. The groups have fixed sizes so
//! that nothing is allocated; two sizes keep a short rest from paying for a long group.

use curve25519_dalek::edwards::EdwardsPoint;

use super::{Item, Rejected, Verdict};

/// The two halves of verifying one item; what lies between them is writing the point as bytes.
pub(super) struct Halves {
    /// Gives \[S\]B − \[k\]A, or refuses before that.
    pub(super) expected: fn(&Item<'_>) -> Result<EdwardsPoint, Rejected>,
    /// Judges by the point and its encoding.
    pub(super) judge: fn(&Item<'_>, &EdwardsPoint, &[u8; 32]) -> Verdict,
}

impl Halves {
    /// Verifies one item.
    pub(super) fn one(&self, item: &Item<'_>) -> Verdict {
        let point = (self.expected)(item)?;
        (self.judge)(item, &point, point.compress().as_bytes())
    }

    /// Verifies equally many items as there are places.
    pub(super) fn many(&self, items: &[Item<'_>], verdicts: &mut [Verdict]) {
        let (items, verdicts) = self.groups::<32>(items, verdicts);
        let (items, verdicts) = self.groups::<8>(items, verdicts);
        for (item, verdict) in items.iter().zip(verdicts) {
            *verdict = self.one(item);
        }
    }

    /// Verifies as many whole groups of `N` as there are, and gives back the rest.
    fn groups<'i, 'v, 'a, const N: usize>(
        &self,
        items: &'i [Item<'a>],
        verdicts: &'v mut [Verdict],
    ) -> (&'i [Item<'a>], &'v mut [Verdict]) {
        let (groups, rest) = items.as_chunks::<N>();
        let (verdict_groups, verdict_rest) = verdicts.as_chunks_mut::<N>();
        let mut points = [EdwardsPoint::default(); N];
        for (items, verdicts) in groups.iter().zip(verdict_groups) {
            for ((item, verdict), point) in items.iter().zip(verdicts.iter_mut()).zip(&mut points) {
                // A refused item leaves a valid older point in its place, whose encoding nobody reads.
                *verdict = (self.expected)(item).map(|expected| *point = expected);
            }
            let encoded = EdwardsPoint::compress_batch(&points);
            for (((item, verdict), point), encoded) in items.iter().zip(verdicts).zip(&points).zip(&encoded) {
                if verdict.is_ok() {
                    *verdict = (self.judge)(item, point, encoded.as_bytes());
                }
            }
        }
        (rest, verdict_rest)
    }
}
