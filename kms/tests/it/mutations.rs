//! Seeded mutations of good signatures, compared with `ed25519-dalek`'s `verify_strict` and with the own batch.

use kms::{Item, PublicKey, Rule as _, Seed, Signature, SigningKey, Strict, Zip215};

use crate::random::Random;

/// One mutated input: key bytes, message, signature bytes.
struct Mutant {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
}

fn mutant(case: u64) -> Mutant {
    let mut random = Random::new(case);
    let key = SigningKey::from_seed(&Seed::from_bytes(&[random.next().to_le_bytes()[0] % 16; 32]));
    let length = random.below(300);
    let mut message: Vec<u8> = (0..length).map(|index| index.to_le_bytes()[0]).collect();
    let mut signature = key.sign(&message).to_bytes();
    let mut key = key.public_key().to_bytes();
    let small = curve25519_dalek::constants::EIGHT_TORSION[random.below(8)];
    match random.below(9) {
        0 => {}
        1 => signature[random.below(64)] ^= 1 << random.below(8),
        2 => key[random.below(32)] ^= 1 << random.below(8),
        3 if length > 0 => message[random.below(length)] ^= 1 << random.below(8),
        4 => message.push(0),
        5 => key = SigningKey::from_seed(&Seed::from_bytes(&random.bytes())).public_key().to_bytes(),
        6 => key = add(key, small),
        7 => {
            let r = add(signature[..32].try_into().unwrap(), small);
            signature[..32].copy_from_slice(&r);
        }
        _ => signature[32..].copy_from_slice(&random.bytes::<32>()),
    }
    Mutant { key, message, signature }
}

fn add(bytes: [u8; 32], point: curve25519_dalek::EdwardsPoint) -> [u8; 32] {
    let known = curve25519_dalek::edwards::CompressedEdwardsY(bytes).decompress().unwrap();
    (known + point).compress().to_bytes()
}

/// Compares the verdicts on the cases of a range; gives how many were compared and how many accepted.
fn compare(cases: std::ops::Range<u64>) -> (u64, u64) {
    let (mut compared, mut accepted) = (0, 0);
    let mut decoded = Vec::new();
    for case in cases {
        let mutant = mutant(case);
        let ours = PublicKey::from_bytes(&mutant.key);
        let theirs = ed25519_dalek::VerifyingKey::from_bytes(&mutant.key);
        assert_eq!(ours.is_ok(), theirs.is_ok(), "decoding the key of case {case}");
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else { continue };
        let signature = Signature::from_bytes(&mutant.signature);
        let verdict = Strict::verify(&ours, &mutant.message, &signature);
        let expected = theirs.verify_strict(&mutant.message, &signature).is_ok();
        assert_eq!(verdict.is_ok(), expected, "case {case}");
        compared += 1;
        accepted += u64::from(expected);
        decoded.push((ours, mutant.message, signature, verdict));
    }
    for group in decoded.chunks(37) {
        let items: Vec<Item<'_>> =
            group.iter().map(|(key, message, signature, _)| Item { key, message, signature }).collect();
        let expected: Vec<_> = group.iter().map(|(.., verdict)| *verdict).collect();
        assert_eq!(Strict::verify_many(&items), expected);
        let single: Vec<_> =
            items.iter().map(|item| Zip215::verify(item.key, item.message, item.signature)).collect();
        assert_eq!(Zip215::verify_many(&items), single);
    }
    (compared, accepted)
}

#[test]
fn mutated_signatures_have_the_verdict_of_verify_strict() {
    let (compared, accepted) = compare(0..20_000);
    assert!(compared > 17_000, "{compared}");
    assert!((1_500..8_000).contains(&accepted), "{accepted}");
}

#[test]
#[ignore = "ten million cases: run in release before a release, `cargo test -p kms --release -- --ignored`"]
fn mutated_signatures_have_the_verdict_of_verify_strict_ten_million_times() {
    let compared: u64 = (0..1000).map(|part| compare(part * 12_000..(part + 1) * 12_000).0).sum();
    assert!(compared >= 10_000_000, "{compared}");
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
