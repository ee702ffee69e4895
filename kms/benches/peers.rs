//! The same operations on kms and on the libraries one could take instead. Only with the feature `peers`.
//!
//! Keys are expanded and decoded beforehand wherever a library can do that. In `sign` and
//! `verify` each library does what it does by default, and the rules differ: `kms` refuses what others may accept. Like is
//! compared with like in `verify_strict`, `verify_many_strict_64`, `verify_zip215` and `verify_batch_*`. Each library is checked before it is measured.
//! Whether `kms` signs with its second backend is the feature `graviola`, which the probe reports.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use std::convert::Infallible;

use aws_lc_rs::signature as aws;
use criterion::Bencher;
use ed25519_dalek::Signer as _;
use graviola::signing::eddsa::{Ed25519SigningKey, Ed25519VerifyingKey};
use kms::{PublicKey, Rule as _, Seed, Signature, SigningKey, Strict, Zip215};
use libsodium_rs::crypto_sign as sodium;
use ring::signature as ring_signature;
use support::{MESSAGE, ROTATION, Signed, many, rotate, run, signed, stream};

fn main() {
    run("peers", |bencher, workload| {
        let size = workload.elements;
        match workload.group {
            Some("peers/sign" | "peers/sign_2_threads") => sign(&mut measure(bencher, size), workload.name),
            Some("peers/verify" | "peers/verify_2_threads") => {
                verify(&mut measure(bencher, size), workload.name);
            }
            Some("peers/verify_hot") => {
                verify(&mut Measure { keys: HOT_KEYS, ..measure(bencher, size) }, workload.name);
            }
            Some("peers/verify_strict") => verify_strict(&mut measure(bencher, size), workload.name),
            Some("peers/verify_zip215") => verify_zip215(&mut measure(bencher, size), workload.name),
            Some("peers/verify_many_strict_64") => many_strict(bencher, workload.name, size),
            Some(group) if group.starts_with("peers/verify_batch_one_key_") => {
                batch(bencher, workload.name, size, 1);
            }
            Some(group) if group.starts_with("peers/verify_batch_") => {
                batch(bencher, workload.name, size, size);
            }
            other => unreachable!("no code for {other:?}"),
        }
    });
}

/// So few keys verify in turn where they are called hot; their tables take about 1 MB.
const HOT_KEYS: usize = 8;

/// How an operation on one input is measured: one input after the other, or many of them on two threads.
struct Measure<'a, 'b> {
    bencher: &'a mut Bencher<'b>,
    operations: usize,
    /// Different keys among the inputs.
    keys: usize,
}

fn measure<'a, 'b>(bencher: &'a mut Bencher<'b>, operations: usize) -> Measure<'a, 'b> {
    Measure { bencher, operations, keys: ROTATION }
}

impl Measure<'_, '_> {
    /// Every library goes through the same loop and the same threads.
    fn run<T: Sync, R>(&mut self, inputs: &[T], operation: impl Fn(&T) -> R + Sync) {
        if self.operations == 1 {
            return rotate(self.bencher, inputs, operation);
        }
        let half = self.operations / 2;
        let work = || {
            for input in inputs.iter().cycle().take(half) {
                std::hint::black_box(operation(input));
            }
        };
        self.bencher.iter(|| {
            std::thread::scope(|scope| {
                scope.spawn(work);
                work();
            });
        });
    }
}

fn sign(bencher: &mut Measure<'_, '_>, library: &str) {
    match library {
        "kms" => sign_with(
            bencher,
            |seed| SigningKey::from_seed(&Seed::from_bytes(seed)),
            |key, message| key.sign(message).to_bytes(),
        ),
        "ed25519-dalek" => sign_with(bencher, ed25519_dalek::SigningKey::from_bytes, |key, message| {
            key.sign(message).to_bytes()
        }),
        "ed25519-zebra" => {
            sign_with(bencher, ed25519_zebra::SigningKey::from_bytes, |key, message| {
                key.sign(message).to_bytes()
            });
        }
        "ed25519-consensus" => sign_with(
            bencher,
            |seed| ed25519_consensus::SigningKey::from(*seed),
            |key, message| key.sign(message).to_bytes(),
        ),
        "ring" => sign_with(
            bencher,
            |seed| ring_signature::Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed"),
            |key, message| key.sign(message).as_ref().try_into().expect("64 bytes"),
        ),
        "graviola" => sign_with(
            bencher,
            |seed| Ed25519SigningKey::from_bytes(seed).expect("a seed"),
            Ed25519SigningKey::sign,
        ),
        "aws-lc-rs" => sign_with(
            bencher,
            |seed| aws::Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed"),
            |key, message| key.sign(message).as_ref().try_into().expect("64 bytes"),
        ),
        "libsodium" => sign_with(
            bencher,
            |seed| sodium::keypair_from_seed(seed).expect("a seed").into_tuple().1,
            |key, message| sodium::sign_detached(message, key).expect("a signature"),
        ),
        other => unreachable!("no code for {other}"),
    }
}

/// Measures signing with the same keys and messages in every library. All must give the same bytes.
fn sign_with<K: Sync>(
    bencher: &mut Measure<'_, '_>,
    expand: impl Fn(&[u8; 32]) -> K,
    sign: impl Fn(&K, &[u8]) -> [u8; 64] + Sync,
) {
    let keys = (0..ROTATION).map(|index| stream(0, index, 32).try_into().expect("32 bytes"));
    let inputs: Vec<(K, &Signed)> =
        keys.map(|seed| expand(&seed)).zip(signed(ROTATION, ROTATION, MESSAGE)).collect();
    for (key, expected) in &inputs {
        assert_eq!(sign(key, &expected.message), expected.signature.to_bytes(), "Ed25519 is deterministic");
    }
    bencher.run(&inputs, |(key, signed)| sign(key, &signed.message));
}

fn kms_key(bytes: &[u8; 32]) -> PublicKey {
    PublicKey::from_bytes(bytes).expect("a key")
}

fn dalek_key(bytes: &[u8; 32]) -> ed25519_dalek::VerifyingKey {
    ed25519_dalek::VerifyingKey::from_bytes(bytes).expect("a key")
}

fn kms_strict(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    Strict::verify(key, message, &Signature::from_bytes(signature)).is_ok()
}

/// The same rule on both sides: what `ed25519-dalek` calls strict.
fn verify_strict(bencher: &mut Measure<'_, '_>, library: &str) {
    match library {
        "kms" => verify_with(bencher, kms_key, kms_strict),
        "ed25519-dalek" => verify_with(bencher, dalek_key, |key, message, signature| {
            key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
        }),
        other => unreachable!("no code for {other}"),
    }
}

/// The same rule on all sides: ZIP 215.
fn verify_zip215(bencher: &mut Measure<'_, '_>, library: &str) {
    match library {
        "kms" => verify_with(bencher, kms_key, |key, message, signature| {
            Zip215::verify(key, message, &Signature::from_bytes(signature)).is_ok()
        }),
        zebra_or_consensus => verify(bencher, zebra_or_consensus),
    }
}

/// A strict batch, against as many calls of what has the same verdict.
fn many_strict(bencher: &mut Bencher<'_>, library: &str, size: usize) {
    match library {
        "kms" => many::<Strict>(bencher, size, size, 0),
        "ed25519-dalek" => {
            let inputs = signed(ROTATION, ROTATION, MESSAGE);
            let keyed: Vec<_> =
                inputs.iter().map(|signed| (dalek_key(signed.public.as_bytes()), signed)).collect();
            let batches: Vec<_> = keyed.chunks(size).collect();
            rotate(bencher, &batches, |batch| {
                for (key, signed) in *batch {
                    key.verify_strict(&signed.message, &signed.signature).expect("a good signature");
                }
            });
        }
        other => unreachable!("no code for {other}"),
    }
}

fn verify(bencher: &mut Measure<'_, '_>, library: &str) {
    match library {
        "kms" => verify_with(bencher, kms_key, kms_strict),
        "kms-table" => verify_with(bencher, |bytes| kms_key(bytes).with_table(), kms_strict),
        "ed25519-dalek" => verify_with(bencher, dalek_key, |key, message, signature| {
            ed25519_dalek::Verifier::verify(key, message, &Signature::from_bytes(signature)).is_ok()
        }),
        "ed25519-zebra" => verify_with(
            bencher,
            |bytes| ed25519_zebra::VerificationKey::try_from(*bytes).expect("a key"),
            |key, message, signature| key.verify(&Signature::from_bytes(signature), message).is_ok(),
        ),
        "ed25519-consensus" => verify_with(
            bencher,
            |bytes| ed25519_consensus::VerificationKey::try_from(*bytes).expect("a key"),
            |key, message, signature| {
                key.verify(&ed25519_consensus::Signature::from(*signature), message).is_ok()
            },
        ),
        // It has no decoded form of a key; nor has libsodium.
        "ring" => verify_with(
            bencher,
            |bytes| ring_signature::UnparsedPublicKey::new(&ring_signature::ED25519, *bytes),
            |key, message, signature| key.verify(message, signature).is_ok(),
        ),
        "graviola" => verify_with(
            bencher,
            |bytes| Ed25519VerifyingKey::from_bytes(bytes).expect("a key"),
            |key, message, signature| key.verify(signature, message).is_ok(),
        ),
        "aws-lc-rs" => verify_with(
            bencher,
            |bytes| aws::ParsedPublicKey::new(&aws::ED25519, bytes).expect("a key"),
            |key, message, signature| key.verify_sig(message, signature).is_ok(),
        ),
        "libsodium" => verify_with(
            bencher,
            |bytes| sodium::PublicKey::from_bytes(bytes).expect("a key"),
            |key, message, signature| sodium::verify_detached(signature, message, key),
        ),
        other => unreachable!("no code for {other}"),
    }
}

/// Measures verifying good signatures; first makes sure that the library refuses a bad one.
fn verify_with<K: Sync>(
    bencher: &mut Measure<'_, '_>,
    decode: impl Fn(&[u8; 32]) -> K,
    verify: impl Fn(&K, &[u8], &[u8; 64]) -> bool + Sync,
) {
    let signed = signed(ROTATION, bencher.keys, MESSAGE);
    // Every key once: what a library prepares for a key that verifies many signatures is shared by them.
    let keys: Vec<K> = signed[..bencher.keys].iter().map(|signed| decode(signed.public.as_bytes())).collect();
    let inputs: Vec<(&K, &[u8], [u8; 64])> = signed
        .iter()
        .zip(keys.iter().cycle())
        .map(|(signed, key)| (key, &signed.message[..], signed.signature.to_bytes()))
        .collect();
    let (key, _, signature) = &inputs[0];
    assert!(!verify(key, b"another message", signature), "a bad signature is refused");
    bencher.run(&inputs, |(key, message, signature)| {
        assert!(verify(key, message, signature), "a good signature");
    });
}

fn batch(bencher: &mut Bencher<'_>, library: &str, size: usize, keys: usize) {
    // The batches that `many` makes for kms.
    let count = ROTATION.div_ceil(size) * size;
    let batches: Vec<&[Signed]> = signed(count, keys, MESSAGE).chunks(size).collect();
    match library {
        "kms" => many::<Zip215>(bencher, size, keys, 0),
        "ed25519-dalek" => dalek_batch(bencher, &batches),
        "ed25519-zebra" => queued(
            bencher,
            &batches,
            |signed| {
                let key = ed25519_zebra::VerificationKeyBytes::from(signed.public.to_bytes());
                (key, signed.signature)
            },
            |items, random| {
                let mut verifier = ed25519_zebra::batch::Verifier::new();
                items.iter().for_each(|((key, signature), message)| {
                    verifier.queue((*key, *signature, message));
                });
                verifier.verify(random).is_ok()
            },
        ),
        "ed25519-consensus" => queued(
            bencher,
            &batches,
            |signed| {
                let key = ed25519_consensus::VerificationKeyBytes::from(signed.public.to_bytes());
                (key, ed25519_consensus::Signature::from(signed.signature.to_bytes()))
            },
            |items, random| {
                let mut verifier = ed25519_consensus::batch::Verifier::new();
                items.iter().for_each(|((key, signature), message)| {
                    verifier.queue((*key, *signature, message));
                });
                verifier.verify(random).is_ok()
            },
        ),
        other => unreachable!("no code for {other}"),
    }
}

fn dalek_batch(bencher: &mut Bencher<'_>, batches: &[&[Signed]]) {
    type Prepared<'a> = (Vec<&'a [u8]>, Vec<Signature>, Vec<ed25519_dalek::VerifyingKey>);
    let key =
        |signed: &Signed| ed25519_dalek::VerifyingKey::from_bytes(signed.public.as_bytes()).expect("a key");
    let prepared: Vec<Prepared<'_>> = batches
        .iter()
        .map(|batch| {
            let messages = batch.iter().map(|signed| &signed.message[..]).collect();
            let signatures = batch.iter().map(|signed| signed.signature).collect();
            (messages, signatures, batch.iter().map(key).collect())
        })
        .collect();
    rotate(bencher, &prepared, |(messages, signatures, keys)| {
        ed25519_dalek::verify_batch(messages, signatures, keys).expect("every signature is good");
    });
}

/// Measures a library whose batch is a queue that is filled, and then verified with randomness of the caller.
fn queued<T>(
    bencher: &mut Bencher<'_>,
    batches: &[&[Signed]],
    prepare: impl Fn(&Signed) -> T,
    verify: impl Fn(&[(T, &[u8])], &mut Cheap) -> bool,
) {
    let prepared: Vec<Vec<(T, &[u8])>> = batches
        .iter()
        .map(|batch| batch.iter().map(|signed| (prepare(signed), &signed.message[..])).collect())
        .collect();
    let mut random = Cheap(0);
    rotate(bencher, &prepared, |items| assert!(verify(items, &mut random), "every signature is good"));
}

/// Numbers that cost nothing, so that no system call is measured. Good for measuring only: an attacker can guess them.
struct Cheap(u64);

impl Cheap {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    fn next_half(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

impl rand_core::TryRng for Cheap {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_half())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Cheap {}

impl rand_core_06::RngCore for Cheap {
    fn next_u32(&mut self) -> u32 {
        self.next_half()
    }

    fn next_u64(&mut self) -> u64 {
        self.next()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill(bytes);
        Ok(())
    }
}

impl rand_core_06::CryptoRng for Cheap {}
