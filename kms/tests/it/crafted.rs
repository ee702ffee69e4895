//! Crafted signatures: every kind of A × every kind of R × several S, with the verdict computed without any point.
//!
//! A and R are written as xB + tT, where T generates the eight points of small order. Whether the equation holds is then
//! a question about the numbers x and t alone, which is answered here with scalar arithmetic: an oracle that shares no
//! point arithmetic with the code it judges.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use kms::{PublicKey, Rule as _, Signature, Strict, Zip215};
use sha2::{Digest as _, Sha512};

/// A point as xB + tT, in one of its encodings.
#[derive(Clone, Copy)]
struct Known {
    x: Scalar,
    t: u8,
    bytes: [u8; 32],
    canonical: bool,
}

/// One signature with its documented verdicts.
pub(crate) struct Case {
    pub(crate) key: PublicKey,
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Signature,
    pub(crate) strict: bool,
    pub(crate) zip215: bool,
    pub(crate) name: String,
}

/// Every kind of point: of small order in every encoding there is, and x times the base point plus each of the eight.
fn points(x: Scalar) -> Vec<Known> {
    let mut points = Vec::new();
    for (t, torsion) in (0_u8..8).zip(EIGHT_TORSION) {
        for x in [Scalar::ZERO, x] {
            points.push(Known { x, t, bytes: (B * x + torsion).compress().to_bytes(), canonical: true });
        }
    }
    let written = |low: u8, fill: u8, high: u8| {
        let mut bytes = [fill; 32];
        (bytes[0], bytes[31]) = (low, high);
        bytes
    };
    let order_four = |bytes: [u8; 32]| {
        let point = curve25519_dalek::edwards::CompressedEdwardsY(bytes).decompress().unwrap();
        (0_u8..8).zip(EIGHT_TORSION).find(|(_, torsion)| *torsion == point).unwrap().0
    };
    let odd: [(u8, [u8; 32]); 6] = [
        (0, written(1, 0, 0x80)),
        (0, written(0xee, 0xff, 0x7f)),
        (0, written(0xee, 0xff, 0xff)),
        (4, written(0xec, 0xff, 0xff)),
        (order_four(written(0xed, 0xff, 0x7f)), written(0xed, 0xff, 0x7f)),
        (order_four(written(0xed, 0xff, 0xff)), written(0xed, 0xff, 0xff)),
    ];
    points.extend(odd.map(|(t, bytes)| Known { x: Scalar::ZERO, t, bytes, canonical: false }));
    points
}

/// k of RFC 8032 §5.1.7, and its remainder by 8.
fn challenge(r: &Known, a: &Known, message: &[u8]) -> (Scalar, u8) {
    let hash = Sha512::new().chain_update(r.bytes).chain_update(a.bytes).chain_update(message).finalize();
    let k = Scalar::from_bytes_mod_order_wide(&hash.into());
    (k, k.as_bytes()[0] & 7)
}

/// Adds the group order to a reduced scalar; the sum stays below 2²⁵⁶.
fn plus_order(scalar: &Scalar) -> [u8; 32] {
    let order_minus_one = (-Scalar::ONE).to_bytes();
    let mut sum = [0; 32];
    let mut carry = 1;
    for ((sum, a), b) in sum.iter_mut().zip(scalar.as_bytes()).zip(order_minus_one) {
        carry += u16::from(*a) + u16::from(b);
        *sum = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    sum
}

/// Makes the signatures over some messages for every pair of points.
pub(crate) fn cases(messages: u8) -> Vec<Case> {
    let keys = points(Scalar::from_bytes_mod_order([0x5a; 32]));
    let nonces = points(Scalar::from_bytes_mod_order([0x33; 32]));
    let mut cases = Vec::new();
    for (ai, a) in keys.iter().enumerate() {
        let key = PublicKey::from_bytes(&a.bytes).unwrap();
        for (ri, r) in nonces.iter().enumerate() {
            for number in 0..messages {
                let message = vec![number; usize::from(number) * 7];
                let (k, k8) = challenge(r, a, &message);
                let s = r.x + k * a.x;
                let torsion_free = (r.t + k8 * a.t) % 8 == 0;
                let strict = torsion_free && a.x != Scalar::ZERO && r.x != Scalar::ZERO && r.canonical;
                let mut push = |kind: &str, s: [u8; 32], fits: bool| {
                    cases.push(Case {
                        key: key.clone(),
                        message: message.clone(),
                        signature: Signature::from_components(r.bytes, s),
                        strict: fits && strict,
                        zip215: fits,
                        name: format!("A{ai} R{ri} message {number} S {kind}"),
                    });
                };
                push("right", s.to_bytes(), true);
                push("plus L", plus_order(&s), false);
                push("plus one", (s + Scalar::ONE).to_bytes(), false);
            }
        }
    }
    cases
}

#[test]
fn every_combination_has_its_documented_verdict() {
    let cases = cases(4);
    let (mut strict, mut zip215) = (0, 0);
    for case in &cases {
        for key in [case.key.clone(), case.key.clone().with_table()] {
            let verdicts = (
                Strict::verify(&key, &case.message, &case.signature).is_ok(),
                Zip215::verify(&key, &case.message, &case.signature).is_ok(),
            );
            assert_eq!(verdicts, (case.strict, case.zip215), "{}, table {}", case.name, key.has_table());
        }
        let theirs = ed25519_dalek::VerifyingKey::from_bytes(case.key.as_bytes()).unwrap();
        let theirs = theirs.verify_strict(&case.message, &case.signature).is_ok();
        assert_eq!(theirs, case.strict, "dalek, {}", case.name);
        strict += usize::from(case.strict);
        zip215 += usize::from(case.zip215);
    }
    // 22 kinds of A, 22 of R, 4 messages, 3 S. About one in eight combinations with torsion cancels by chance.
    assert_eq!(cases.len(), 22 * 22 * 4 * 3);
    assert_eq!(zip215, cases.len() / 3);
    assert!((20..=80).contains(&strict), "{strict} of {} accepted under strict", cases.len());
}
