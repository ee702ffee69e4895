//! What a key costs before and while it verifies: from bytes, decoded, from the cache, with a table of multiples.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use std::sync::OnceLock;

use criterion::Bencher;
use kms::{CacheLimits, Item, KeyCache, PublicKey, Rejected, Rule as _, Seed, SigningKey, Strict};
use support::{MESSAGE, ROTATION, Signed, make_signed, rotate, run, signed, stream};

/// So many different keys are verified in turn; their tables take some 2 MB, which a large L2 cache does not hold whole.
const KEYS: usize = 16;

fn main() {
    run("hot_keys", |bencher, workload| match (workload.group, workload.name) {
        (Some("prepare_key"), name) => prepare(bencher, name),
        (Some("verify_one"), name) => one(bencher, name),
        (Some("verify_many_64"), name) => many(bencher, name == "table"),
        (other, _) => unreachable!("no code for {other:?}"),
    });
}

/// The inputs with plain keys or with keys that carry their table, made once each.
fn inputs(table: bool) -> &'static [Signed] {
    static TABLED: OnceLock<Vec<Signed>> = OnceLock::new();
    if !table {
        return signed(ROTATION, KEYS, MESSAGE);
    }
    TABLED.get_or_init(|| {
        let mut inputs = make_signed(ROTATION, KEYS, MESSAGE);
        let keys: Vec<PublicKey> =
            inputs[..KEYS].iter().map(|signed| signed.public.clone().with_table()).collect();
        for (signed, key) in inputs.iter_mut().zip(keys.iter().cycle()) {
            signed.public = key.clone();
        }
        inputs
    })
}

fn one(bencher: &mut Bencher<'_>, name: &str) {
    let inputs = inputs(name == "table");
    let verify = |signed: &Signed, key: &PublicKey| {
        Strict::verify(key, &signed.message, &signed.signature).expect("a good signature");
    };
    match name {
        "from_bytes" => rotate(bencher, inputs, |signed| {
            let key = PublicKey::from_bytes(signed.public.as_bytes()).expect("a key");
            verify(signed, &key);
        }),
        "cached" => {
            // Without tables, so that this differs from `decoded` by the cache alone on every machine.
            let cache = KeyCache::new(CacheLimits { keys: 1024, tables: 0, table_after: 1 });
            rotate(bencher, inputs, |signed| {
                cache.with(signed.public.as_bytes(), |key| verify(signed, key)).expect("a key");
            });
        }
        "decoded" | "table" => rotate(bencher, inputs, |signed| verify(signed, &signed.public)),
        other => unreachable!("no code for {other}"),
    }
}

fn many(bencher: &mut Bencher<'_>, table: bool) {
    let inputs = inputs(table);
    let items: Vec<Item<'_>> = inputs.iter().map(Signed::item).collect();
    let batches: Vec<&[Item<'_>]> = items.chunks(64).collect();
    let mut verdicts = [Err(Rejected::NotVerified); 64];
    rotate(bencher, &batches, |items| {
        Strict::verify_many_into(items, &mut verdicts).expect("as many places as items");
        assert!(verdicts.iter().all(Result::is_ok), "every signature is good");
    });
}

fn prepare(bencher: &mut Bencher<'_>, name: &str) {
    let seeds: Vec<Seed> = (0..ROTATION)
        .map(|index| Seed::from_bytes(&stream(0, index, 32).try_into().expect("32 bytes")))
        .collect();
    let keys: Vec<PublicKey> =
        seeds.iter().map(|seed| SigningKey::from_seed(seed).public_key().clone()).collect();
    match name {
        "decode" => rotate(bencher, &keys, |key| PublicKey::from_bytes(key.as_bytes())),
        "table" => rotate(bencher, &keys, |key| key.clone().with_table()),
        "expand_seed" => rotate(bencher, &seeds, SigningKey::from_seed),
        other => unreachable!("no code for {other}"),
    }
}
