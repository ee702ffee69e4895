//! Tables of multiples of a point: a multiplication becomes additions, without any doubling.
//!
//! They are built from the public operations of `curve25519-dalek` and hold public data only: look-ups are not
//! constant-time and must never be driven by a secret.

use std::sync::OnceLock;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;

/// How many bits a digit of a key's scalar has: more bits are fewer additions, and twice the memory each.
const KEY_WIDTH: usize = 5;
/// How many bits a digit of the base point's scalar has.
const BASE_WIDTH: usize = 8;

/// How many digits of a width a scalar below 2²⁵³ has.
const fn digits_of(width: usize) -> usize {
    253_usize.div_ceil(width)
}

/// How many multiples a row of a width holds.
const fn row_of(width: usize) -> usize {
    1 << (width - 1)
}

const KEY_DIGITS: usize = digits_of(KEY_WIDTH);
const KEY_ROW: usize = row_of(KEY_WIDTH);
const BASE_DIGITS: usize = digits_of(BASE_WIDTH);
const BASE_ROW: usize = row_of(BASE_WIDTH);

/// Multiples 1 to 16 of 32ⁱP for each digit of a scalar in radix 32.
pub(crate) struct KeyTable(Box<[[EdwardsPoint; KEY_ROW]]>);

impl KeyTable {
    /// The heap memory of one table. Unit: bytes.
    pub(crate) const BYTES: usize = KEY_DIGITS * size_of::<[EdwardsPoint; KEY_ROW]>();

    pub(crate) fn new(point: &EdwardsPoint) -> Self {
        Self(rows(point, KEY_DIGITS))
    }

    pub(crate) fn mul(&self, scalar: &Scalar) -> EdwardsPoint {
        sum(&self.0, &digits::<KEY_DIGITS>(scalar, KEY_WIDTH))
    }
}

/// Multiples 1 to 128 of 256ⁱB for each of the 32 digits of a scalar in radix 256.
pub(crate) struct BaseTable(Box<[[EdwardsPoint; BASE_ROW]]>);

impl BaseTable {
    /// The heap memory of the table. Unit: bytes.
    pub(crate) const BYTES: usize = BASE_DIGITS * size_of::<[EdwardsPoint; BASE_ROW]>();

    /// Gives the process's one table, and builds it the first time.
    pub(crate) fn get() -> &'static Self {
        static TABLE: OnceLock<BaseTable> = OnceLock::new();
        TABLE.get_or_init(|| Self(rows(&ED25519_BASEPOINT_POINT, BASE_DIGITS)))
    }

    pub(crate) fn mul(&self, scalar: &Scalar) -> EdwardsPoint {
        sum(&self.0, &digits::<BASE_DIGITS>(scalar, BASE_WIDTH))
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

/// Writes a reduced scalar with `N` digits from −2ʷ⁻¹ to 2ʷ⁻¹, where w is the width, 1 to 8 bits.
///
/// # Reference
/// Bernstein, Duif, Lange, Schwabe, Yang: "High-speed high-security signatures" (2011), §4, for w = 4.
fn digits<const N: usize>(scalar: &Scalar, width: usize) -> [i16; N] {
    let bytes = scalar.as_bytes();
    let (radix, mask) = (1_i16 << width, (1_u16 << width) - 1);
    let byte = |index: usize| bytes.get(index).copied().map_or(0, u16::from);
    let mut carry = 0;
    std::array::from_fn(|index| {
        let (at, shift) = (index * width / 8, index * width % 8);
        let window = ((byte(at) | byte(at + 1) << 8) >> shift) & mask;
        let digit = window.cast_signed() + carry;
        // What exceeds half the radix goes to the next digit. The top digit of a reduced scalar is too small for that.
        carry = i16::from(digit > radix / 2);
        digit - carry * radix
    })
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
            for width in 4..=8 {
                let half = 1_u16 << (width - 1);
                check(&digits::<64>(&scalar, width), 1 << width, half);
            }
            check(&digits::<KEY_DIGITS>(&scalar, KEY_WIDTH), 1 << KEY_WIDTH, 1 << (KEY_WIDTH - 1));
            check(&digits::<BASE_DIGITS>(&scalar, BASE_WIDTH), 1 << BASE_WIDTH, 1 << (BASE_WIDTH - 1));
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
