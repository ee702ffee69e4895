//! Published vectors: RFC 8032 §7.1 for signing, all of Wycheproof's Ed25519 cases for both rules, alone and among many.

use kms::{Item, PublicKey, Rejected, Rule, Seed, Signature, SigningKey, Strict, Zip215};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Seed, public key, message, signature. The 1023-byte case of the section comes below, with its message from Wycheproof.
const RFC_8032: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

#[test]
fn rfc_8032_keys_and_signatures() {
    for [seed, public, message, signature] in RFC_8032 {
        let key = SigningKey::from_seed(&Seed::from_bytes(&hex(seed).try_into().unwrap()));
        let (message, expected) = (hex(message), Signature::from_slice(&hex(signature)).unwrap());
        assert_eq!(key.public_key().to_string(), public);
        assert_eq!(key.sign(&message), expected);
        assert_eq!(Strict::verify(key.public_key(), &message, &expected), Ok(()));
        assert_eq!(Zip215::verify(key.public_key(), &message, &expected), Ok(()));
    }
}

/// The section's case of 1023 bytes. Seed and public key are typed in from the RFC; Wycheproof carries its message and its
/// signature, so that they need not stand here a second time.
#[test]
fn rfc_8032_the_long_message() {
    let seed = hex("f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5");
    let public = hex("278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e");
    let key = SigningKey::from_seed(&Seed::from_bytes(&seed.try_into().unwrap()));
    assert_eq!(key.public_key().as_bytes().as_slice(), public);
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let group = set.test_groups.iter().find(|group| *group.key.pk == *public).unwrap();
    let case = group.tests.iter().find(|case| case.msg.len() == 1023).unwrap();
    assert_eq!(key.sign(&case.msg).to_bytes().as_slice(), case.sig.as_slice());
}

/// Says what a rule makes of one Wycheproof case: a wrong length never reaches the rule and is refused by the type.
fn accepts<R: Rule>(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    let verdict = R::verify(key, message, &signature);
    let item = Item { key, message, signature: &signature };
    for size in [1, 2, 8, 33] {
        assert_eq!(R::verify_many(&vec![item; size]), vec![verdict; size]);
    }
    verdict.is_ok()
}

#[test]
fn wycheproof_has_one_documented_verdict_per_rule() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut cases, mut lenient) = (0, Vec::new());
    for group in &set.test_groups {
        let key = PublicKey::from_slice(&group.key.pk).unwrap();
        for test in &group.tests {
            cases += 1;
            let valid = test.result == TestResult::Valid;
            assert_eq!(accepts::<Strict>(&key, &test.msg, &test.sig), valid, "strict, tcId {}", test.tc_id);
            if accepts::<Zip215>(&key, &test.msg, &test.sig) != valid {
                lenient.push(test.tc_id);
            }
        }
    }
    assert_eq!(cases, 151);
    // ZIP 215 takes a key whose x is 0 with a set sign bit; RFC 8032 does not.
    assert_eq!(lenient, [151]);
}

#[test]
fn a_place_that_was_not_verified_is_refused() {
    assert_eq!(Strict::verify_many(&[]), vec![]);
    let key = SigningKey::from_seed(&Seed::from_bytes(&[7; 32]));
    let signature = key.sign(b"m");
    let item = Item { key: key.public_key(), message: b"m", signature: &signature };
    let mut places = [Err(Rejected::NotVerified); 3];
    let error = Strict::verify_many_into(&[item; 2], &mut places).unwrap_err();
    assert_eq!((error.items, error.places), (2, 3));
    assert_eq!(places, [Err(Rejected::NotVerified); 3]);
}
