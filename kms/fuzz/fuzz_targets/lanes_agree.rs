//! Every lane gives the same verdict on the same bytes, whatever lies beside it, and every lane signs the same bytes.
#![no_main]

use std::num::NonZeroUsize;

use kms::parallel::{Scoped, verify_each, verify_many};
use kms::{Item, PublicKey, Rejected, Rule, Seed, Signature, SigningKey, Strict, Zip215};

/// A key of the input, with how the signature is made: found in the input, or good and then spoiled by it.
struct Case {
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

/// Takes 32 + 64 + 8 bytes per case.
fn cases(bytes: &[u8]) -> Vec<Case> {
    bytes.as_chunks::<104>().0.iter().take(40).filter_map(case).collect()
}

fn case(bytes: &[u8; 104]) -> Option<Case> {
    let key: &[u8; 32] = bytes[..32].try_into().ok()?;
    let spoil: &[u8; 64] = bytes[32..96].try_into().ok()?;
    let message = bytes[97..].to_vec();
    if bytes[96] & 1 == 0 {
        let key = PublicKey::from_bytes(key).ok()?;
        return Some(Case { key, message, signature: Signature::from_bytes(spoil) });
    }
    let signer = SigningKey::from_seed(&Seed::from_bytes(key));
    let made = signer.sign(&message);
    assert_eq!(signer.sign_parts(&[&message[..3], &message[3..]]), made);
    let mut signature = made.to_bytes();
    signature.iter_mut().zip(spoil).for_each(|(place, byte)| *place ^= byte);
    Some(Case { key: signer.public_key().clone(), message, signature: Signature::from_bytes(&signature) })
}

fn agree<R: Rule>(cases: &[Case], hot: &[PublicKey]) {
    let items: Vec<Item<'_>> = cases
        .iter()
        .map(|case| Item { key: &case.key, message: &case.message, signature: &case.signature })
        .collect();
    let verify = |item: &Item<'_>| R::verify(item.key, item.message, item.signature);
    let expected: Vec<_> = items.iter().map(verify).collect();
    assert_eq!(R::verify_many(&items), expected);
    let with_tables: Vec<Item<'_>> = items.iter().zip(hot).map(|(item, key)| Item { key, ..*item }).collect();
    assert_eq!(with_tables.iter().map(verify).collect::<Vec<_>>(), expected);
    assert_eq!(R::verify_many(&with_tables), expected);
    let mut verdicts = vec![Err(Rejected::NotVerified); items.len()];
    let threads = &Scoped::new(NonZeroUsize::MIN.saturating_add(1));
    verify_each::<R>(&items, &mut verdicts, threads).expect("one place each");
    assert_eq!(verdicts, expected);
    verify_many::<R>(&items, &mut verdicts, threads).expect("one place each");
    assert_eq!(verdicts, expected);
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let cases = cases(bytes);
    let hot: Vec<PublicKey> = cases.iter().map(|case| case.key.clone().with_table()).collect();
    agree::<Strict>(&cases, &hot);
    agree::<Zip215>(&cases, &hot);
});
