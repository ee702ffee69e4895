//! Seeded mutations of good signatures, compared with `ed25519-dalek`'s `verify_strict` and with the own batch.

use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use kms::{Item, PublicKey, Rule as _, Seed, Signature, SigningKey, Strict, Zip215};

use crate::random::Random;

/// One input: key bytes, message, signature bytes.
#[derive(Clone)]
struct Input {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
}

/// Good signatures of 16 keys, made once: signing for every case would take most of the time.
static GOOD: LazyLock<Vec<Input>> = LazyLock::new(|| {
    let mut random = Random::new(0x600d);
    (0..1024_u32)
        .map(|number| {
            let key = SigningKey::from_seed(&Seed::from_bytes(&[number.to_le_bytes()[0] % 16; 32]));
            let message: Vec<u8> = (0..random.below(300)).map(|index| index.to_le_bytes()[0]).collect();
            let signature = key.sign(&message).to_bytes();
            Input { key: key.public_key().to_bytes(), message, signature }
        })
        .collect()
});

/// Makes the case of a number, always the same: a good signature, or one with a single change.
fn mutant(case: u64) -> Input {
    let mut random = Random::new(case);
    let Input { mut key, mut message, mut signature } = GOOD[random.below(GOOD.len())].clone();
    let small = curve25519_dalek::constants::EIGHT_TORSION[random.below(8)];
    let length = message.len();
    match random.below(10) {
        0 => {}
        1 => signature[random.below(64)] ^= 1 << random.below(8),
        2 => key[random.below(32)] ^= 1 << random.below(8),
        3 if length > 0 => message[random.below(length)] ^= 1 << random.below(8),
        4 => message.push(0),
        5 => key = GOOD[random.below(GOOD.len())].key,
        6 => key = add(key, small),
        7 => {
            let r = add(signature[..32].try_into().unwrap(), small);
            signature[..32].copy_from_slice(&r);
        }
        8 => {
            let s = plus_order(&signature[32..]);
            signature[32..].copy_from_slice(&s);
        }
        _ => signature[32..].copy_from_slice(&random.bytes::<32>()),
    }
    Input { key, message, signature }
}

/// Adds the group order to a scalar: the same scalar, written in a way that must be refused.
fn plus_order(scalar: &[u8]) -> [u8; 32] {
    let minus_one = (-curve25519_dalek::Scalar::ONE).to_bytes();
    let mut carry = 1;
    std::array::from_fn(|index| {
        let sum = u16::from(scalar[index]) + u16::from(minus_one[index]) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    })
}

fn add(bytes: [u8; 32], point: curve25519_dalek::EdwardsPoint) -> [u8; 32] {
    let known = curve25519_dalek::edwards::CompressedEdwardsY(bytes).decompress().unwrap();
    (known + point).compress().to_bytes()
}

/// What a comparison came to.
#[derive(Default)]
struct Tally {
    compared: u64,
    accepted: u64,
    /// What differed, in words.
    differences: Vec<String>,
}

impl Tally {
    fn check(&mut self, same: bool, what: &str, case: u64) {
        if !same {
            self.differences.push(format!("{what}: case {case}"));
        }
    }

    fn add(mut self, other: Self) -> Self {
        self.compared += other.compared;
        self.accepted += other.accepted;
        self.differences.extend(other.differences);
        self
    }
}

/// Compares the verdicts on the cases of a range with `verify_strict`, and those of every `batches`th group in a batch.
fn compare(cases: Range<u64>, batches: usize) -> Tally {
    let mut tally = Tally::default();
    let mut decoded = Vec::new();
    let first = cases.start;
    for case in cases {
        let mutant = mutant(case);
        let ours = PublicKey::from_bytes(&mutant.key);
        let theirs = ed25519_dalek::VerifyingKey::from_bytes(&mutant.key);
        tally.check(ours.is_ok() == theirs.is_ok(), "decoding the key", case);
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else { continue };
        let signature = Signature::from_bytes(&mutant.signature);
        let verdict = Strict::verify(&ours, &mutant.message, &signature);
        let expected = theirs.verify_strict(&mutant.message, &signature).is_ok();
        tally.check(verdict.is_ok() == expected, "alone", case);
        tally.compared += 1;
        tally.accepted += u64::from(expected);
        decoded.push((ours, mutant.message, signature, verdict));
    }
    for group in decoded.chunks(37).step_by(batches) {
        let items: Vec<Item<'_>> =
            group.iter().map(|(key, message, signature, _)| Item { key, message, signature }).collect();
        let expected: Vec<_> = group.iter().map(|(.., verdict)| *verdict).collect();
        tally.check(Strict::verify_many(&items) == expected, "a strict batch of the part from", first);
        let single: Vec<_> =
            items.iter().map(|item| Zip215::verify(item.key, item.message, item.signature)).collect();
        tally.check(Zip215::verify_many(&items) == single, "a zip215 batch of the part from", first);
    }
    tally
}

/// The same in parts of 1200 cases, on as many threads as there are processors.
fn compare_on_all_processors(parts: u64, batches: usize) -> Tally {
    const PART: u64 = 1200;
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return tally;
            }
            tally = tally.add(compare(part * PART..(part + 1) * PART, batches));
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).fold(Tally::default(), Tally::add)
    })
}

#[test]
fn a_million_mutated_signatures_have_the_verdict_of_verify_strict() {
    let tally = compare_on_all_processors(900, 16);
    assert_eq!(tally.differences, [""; 0]);
    assert!(tally.compared >= 1_000_000, "{}", tally.compared);
    // Neither side of the comparison is rare.
    assert!((tally.compared / 10..tally.compared / 3).contains(&tally.accepted), "{}", tally.accepted);
}

#[test]
#[ignore = "ten million cases: scripts/differential.sh runs it in release and keeps the counts"]
fn mutated_signatures_have_the_verdict_of_verify_strict_ten_million_times() {
    let tally = compare_on_all_processors(9000, 4);
    println!("differential,mutations,{},{},{}", tally.compared, tally.accepted, tally.differences.len());
    assert_eq!(tally.differences, [""; 0]);
    assert!(tally.compared >= 10_000_000, "{}", tally.compared);
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_have_the_verdict_of_verify_strict(
        key: [u8; 32],
        message: Vec<u8>,
        r: [u8; 32],
        s: [u8; 32],
    ) {
        let signature = Signature::from_components(r, s);
        if let Ok(ours) = PublicKey::from_bytes(&key) {
            let theirs = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
            let verdict = Strict::verify(&ours, &message, &signature);
            proptest::prop_assert_eq!(verdict.is_ok(), theirs.verify_strict(&message, &signature).is_ok());
        }
    }
}
