//! Tables of multiples of a point: a multiplication becomes additions, without any doubling.
//!
//! They are built from the public operations of `curve25519-dalek` and hold public data only: look-ups are not
//! constant-time and must never be driven by a secret.

use std::sync::OnceLock;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;

/// Multiples 1 to 8 of 16ⁱP for each of the 64 digits of a scalar in radix 16.
pub(crate) struct KeyTable(Box<[[EdwardsPoint; 8]]>);

impl KeyTable {
    /// The heap memory of one table. Unit: bytes.
    pub(crate) const BYTES: usize = 64 * size_of::<[EdwardsPoint; 8]>();

    pub(crate) fn new(point: &EdwardsPoint) -> Self {
        Self(rows(point, 64))
    }

    pub(crate) fn mul(&self, scalar: &Scalar) -> EdwardsPoint {
        sum(&self.0, &radix_16(scalar.as_bytes()))
    }
}

/// Multiples 1 to 128 of 256ⁱB for each of the 32 digits of a scalar in radix 256.
pub(crate) struct BaseTable(Box<[[EdwardsPoint; 128]]>);

impl BaseTable {
    /// The heap memory of the table. Unit: bytes.
    pub(crate) const BYTES: usize = 32 * size_of::<[EdwardsPoint; 128]>();

    /// Gives the process's one table, and builds it the first time.
    pub(crate) fn get() -> &'static Self {
        static TABLE: OnceLock<BaseTable> = OnceLock::new();
        TABLE.get_or_init(|| Self(rows(&ED25519_BASEPOINT_POINT, 32)))
    }

    pub(crate) fn mul(&self, scalar: &Scalar) -> EdwardsPoint {
        sum(&self.0, &radix_256(scalar.as_bytes()))
    }
}

/// Makes `count` rows of `N` multiples; each row starts at 2N times the start of the row before.
fn rows<const N: usize>(point: &EdwardsPoint, count: usize) -> Box<[[EdwardsPoint; N]]> {
    let mut start = *point;
    (0..count)
        .map(|_| {
            let mut multiple = EdwardsPoint::identity();
            let row = [(); N].map(|()| {
                multiple += start;
                multiple
            });
            start = multiple + multiple;
            row
        })
        .collect()
}

/// Adds the row's entry for each digit: digit d stands for d times the row's start, −N ≤ d ≤ N.
fn sum<const N: usize>(rows: &[[EdwardsPoint; N]], digits: &[i16]) -> EdwardsPoint {
    let mut total = EdwardsPoint::identity();
    for (row, &digit) in rows.iter().zip(digits) {
        let entry = usize::from(digit.unsigned_abs()).checked_sub(1).and_then(|index| row.get(index));
        match entry {
            Some(entry) if digit > 0 => total += entry,
            Some(entry) => total -= entry,
            None => {}
        }
    }
    total
}

/// Writes a scalar below 2²⁵³ with 64 digits from −8 to 8.
///
/// # Reference
/// Bernstein, Duif, Lange, Schwabe, Yang: "High-speed high-security signatures" (2011), §4.
fn radix_16(bytes: &[u8; 32]) -> [i16; 64] {
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = i16::from(byte & 15);
        pair[1] = i16::from(byte >> 4);
    }
    carry(&mut digits, 16);
    digits
}

/// Writes a scalar below 2²⁵³ with 32 digits from −128 to 128.
fn radix_256(bytes: &[u8; 32]) -> [i16; 32] {
    let mut digits = bytes.map(i16::from);
    carry(&mut digits, 256);
    digits
}

/// Moves what exceeds half the radix to the next digit. The top digit of a reduced scalar is small and keeps its carry.
fn carry(digits: &mut [i16], radix: i16) {
    let mut carry = 0;
    let last = digits.len() - 1;
    for digit in &mut digits[..last] {
        *digit += carry;
        carry = i16::from(*digit > radix / 2);
        *digit -= carry * radix;
    }
    digits[last] += carry;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scalars at the edges of the digits, and some in between.
    fn scalars() -> Vec<Scalar> {
        let small = (0_u64..20).chain([127, 128, 129, 255, 256, 257]).map(Scalar::from);
        let bytes = |byte: u8| Scalar::from_bytes_mod_order([byte; 32]);
        let patterns = [0x07, 0x08, 0x09, 0x0f, 0x77, 0x78, 0x7f, 0x80, 0x88, 0xf8, 0xff].map(bytes);
        let mut all: Vec<Scalar> = small.chain(patterns).collect();
        all.extend(all.clone().into_iter().map(|scalar| -scalar));
        all
    }

    #[test]
    fn digits_stay_in_range_and_sum_to_the_scalar() {
        for scalar in scalars() {
            let check = |digits: &[i16], radix: u64, half: u16| {
                let mut value = Scalar::ZERO;
                for &digit in digits.iter().rev() {
                    assert!(digit.unsigned_abs() <= half, "{digit}");
                    let magnitude = Scalar::from(u64::from(digit.unsigned_abs()));
                    let signed = if digit < 0 { -magnitude } else { magnitude };
                    value = value * Scalar::from(radix) + signed;
                }
                assert_eq!(value, scalar);
            };
            check(&radix_16(scalar.as_bytes()), 16, 8);
            check(&radix_256(scalar.as_bytes()), 256, 128);
        }
    }

    #[test]
    fn tables_multiply_as_the_library_does_even_points_with_torsion() {
        let torsion = curve25519_dalek::constants::EIGHT_TORSION;
        for point in [ED25519_BASEPOINT_POINT, ED25519_BASEPOINT_POINT + torsion[1], torsion[3]] {
            let table = KeyTable::new(&point);
            for scalar in scalars() {
                // The library multiplies by the scalar as an integer, as the table does.
                assert_eq!(table.mul(&scalar), point * scalar);
                assert_eq!(BaseTable::get().mul(&scalar), EdwardsPoint::mul_base(&scalar));
            }
        }
    }

    #[test]
    fn the_stated_memory_is_what_the_rows_take() {
        assert_eq!(size_of_val(&*KeyTable::new(&ED25519_BASEPOINT_POINT).0), KeyTable::BYTES);
        assert_eq!(size_of_val(&*BaseTable::get().0), BaseTable::BYTES);
    }
}
