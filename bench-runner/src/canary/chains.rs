//! Chains of dependent instructions: each step needs the result of the step before.
//!
//! Additions and exclusive ors mixed, or multiplications and exclusive ors mixed, cannot be folded by a compiler that
//! does not know the operands; `black_box` hides them.

use std::hint::black_box;

/// Steps of one call.
pub(super) const STEPS: u32 = 24_000;
/// Steps written out in the body of a loop, so that its counter costs little beside them.
const UNROLLED: u32 = 12;

/// A chain of [`STEPS`] × (addition, exclusive or): two cycles a step where both take one.
#[inline(never)]
pub(super) fn add_xor() {
    let (first, second) = (black_box(0x9e37_79b9_7f4a_7c15_u64), black_box(0x2545_f491_4f6c_dd1d_u64));
    let mut value = black_box(1_u64);
    for _ in 0..STEPS / UNROLLED {
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
        value = value.wrapping_add(first) ^ second;
    }
    black_box(value);
}

/// A chain of [`STEPS`] × (multiplication, exclusive or): the multiplier's latency and one cycle a step.
#[inline(never)]
pub(super) fn multiply_xor() {
    let (first, second) = (black_box(0x9e37_79b9_7f4a_7c15_u64), black_box(0x2545_f491_4f6c_dd1d_u64));
    let mut value = black_box(1_u64);
    for _ in 0..STEPS / UNROLLED {
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
        value = value.wrapping_mul(first) ^ second;
    }
    black_box(value);
}
