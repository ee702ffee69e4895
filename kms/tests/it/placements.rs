//! One verdict however a signature travels: the batch is compared with single verification, item by item.
//!
//! Crafted, good and bad signatures are put at every place of batches of 1 to 65 with good and bad neighbours.

use std::num::NonZeroUsize;

use kms::parallel::{self, Scoped};
use kms::{Item, Rejected, Rule, Seed, SigningKey, Strict, Verdict, Zip215};

use crate::crafted::{Case, cases};
use crate::random::Random;

/// Makes good signatures of several keys, some of them by the same key.
fn good(count: u8) -> Vec<Case> {
    (0..count)
        .map(|number| {
            let key = SigningKey::from_seed(&Seed::from_bytes(&[number % 24; 32]));
            let message = vec![number; usize::from(number)];
            Case {
                signature: key.sign(&message),
                key: key.public_key().clone(),
                message,
                strict: true,
                zip215: true,
                name: format!("good {number}"),
            }
        })
        .collect()
}

/// A pool of items with the verdict of single verification.
struct Pool {
    cases: Vec<Case>,
    good: usize,
}

impl Pool {
    fn new() -> Self {
        let mut cases = good(64);
        let good = cases.len();
        // The tables must not change a verdict in a batch either: every third key carries one.
        for (number, mut case) in crate::crafted::cases(2).into_iter().enumerate() {
            if number % 97 == 0 {
                case.key = case.key.with_table();
            }
            cases.push(case);
        }
        Self { cases, good }
    }

    fn singles<R: Rule>(&self) -> Vec<Verdict> {
        self.cases.iter().map(|case| R::verify(&case.key, &case.message, &case.signature)).collect()
    }

    fn items<'a>(&'a self, picks: &[usize]) -> Vec<Item<'a>> {
        let item = |&pick: &usize| {
            let case = &self.cases[pick];
            Item { key: &case.key, message: &case.message, signature: &case.signature }
        };
        picks.iter().map(item).collect()
    }
}

/// What a comparison came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Placed {
    placements: usize,
    accepted: usize,
    differences: Vec<String>,
}

/// Puts crafted items at every place of every size with three kinds of neighbours, round after round.
fn place<R: Rule>(pool: &Pool, rounds: std::ops::Range<usize>) -> Placed {
    let singles = pool.singles::<R>();
    let mut placed = Placed::default();
    let mut verdicts = [Err(Rejected::NotVerified); 65];
    for round in rounds {
        let mut random = Random::new(0x215 + round as u64);
        for size in 1..=65 {
            for place in 0..size {
                // Kind 0: all neighbours good; 1: some bad; 2: all crafted.
                let kind = (place + round) % 3;
                let mut picks: Vec<usize> = (0..size)
                    .map(|_| match kind {
                        0 => random.below(pool.good),
                        1 if random.below(8) > 0 => random.below(pool.good),
                        _ => pool.good + random.below(pool.cases.len() - pool.good),
                    })
                    .collect();
                picks[place] = pool.good + random.below(pool.cases.len() - pool.good);
                let verdicts = &mut verdicts[..size];
                R::verify_many_into(&pool.items(&picks), verdicts).unwrap();
                for (pick, verdict) in picks.iter().zip(verdicts) {
                    if *verdict != singles[*pick] {
                        let name = &pool.cases[*pick].name;
                        placed.differences.push(format!("{} {size}/{place}: {name}", R::NAME));
                    }
                }
                placed.placements += 1;
                placed.accepted += usize::from(singles[picks[place]].is_ok());
            }
        }
    }
    placed
}

#[test]
fn a_batch_is_the_map_of_single_verification() {
    let pool = Pool::new();
    for (placed, rounds) in [(place::<Strict>(&pool, 0..4), 4), (place::<Zip215>(&pool, 0..6), 6)] {
        assert_eq!(placed.differences, [""; 0]);
        assert_eq!(placed.placements, rounds * 2145);
        assert!(placed.accepted > 0 && placed.accepted < placed.placements);
    }
}

#[test]
#[ignore = "half a million placements: scripts/differential.sh runs it in release and keeps the counts"]
fn a_batch_is_the_map_of_single_verification_half_a_million_times() {
    let pool = &Pool::new();
    std::thread::scope(|scope| {
        let strict = scope.spawn(|| ("placements-strict", place::<Strict>(pool, 0..240)));
        let zip215 = scope.spawn(|| ("placements-zip215", place::<Zip215>(pool, 0..240)));
        for (name, placed) in [strict, zip215].map(|thread| thread.join().unwrap()) {
            let Placed { placements, accepted, differences } = placed;
            println!("differential,{name},{placements},{accepted},{}", differences.len());
            assert_eq!(differences, [""; 0]);
            assert!(placements >= 500_000, "{placements}");
        }
    });
}

#[test]
fn long_batches_cross_the_algorithm_step_and_the_chunks() {
    let pool = Pool::new();
    let check = |picks: &[usize], strict: &[Verdict], zip215: &[Verdict]| {
        let expect = |singles: &[Verdict]| picks.iter().map(|&pick| singles[pick]).collect::<Vec<_>>();
        let items = pool.items(picks);
        assert_eq!(Strict::verify_many(&items), expect(strict));
        assert_eq!(Zip215::verify_many(&items), expect(zip215));
    };
    let (strict, zip215) = (pool.singles::<Strict>(), pool.singles::<Zip215>());
    let mut random = Random::new(94);
    for size in [70, 71, 72, 73, 93, 94, 95, 96, 127, 128, 189, 190, 191, 255, 256, 257, 513, 1024] {
        let all_good: Vec<usize> = (0..size).map(|index| index % pool.good).collect();
        check(&all_good, &strict, &zip215);
        let mut one_bad = all_good;
        one_bad[random.below(size)] = pool.cases.len() - 1;
        check(&one_bad, &strict, &zip215);
    }
}

#[test]
fn threads_change_no_verdict_and_no_order() {
    let pool = Pool::new();
    let mut random = Random::new(4);
    for (threads, size) in [(1, 10), (2, 0), (2, 1), (3, 100), (4, 257), (16, 5), (7, 64)] {
        let threads = &Scoped::new(NonZeroUsize::new(threads).unwrap());
        let picks: Vec<usize> = (0..size).map(|_| random.below(pool.cases.len())).collect();
        let items = pool.items(&picks);
        let mut verdicts = vec![Err(Rejected::NotVerified); size];
        parallel::verify_each::<Strict>(&items, &mut verdicts, threads).unwrap();
        assert_eq!(verdicts, Strict::verify_many(&items));
        parallel::verify_many::<Zip215>(&items, &mut verdicts, threads).unwrap();
        assert_eq!(verdicts, Zip215::verify_many(&items));
        parallel::verify_many::<Strict>(&items, &mut verdicts, threads).unwrap();
        assert_eq!(verdicts, Strict::verify_many(&items));

        let key = SigningKey::from_seed(&Seed::from_bytes(&[9; 32]));
        let messages: Vec<&[u8]> = items.iter().map(|item| item.message).collect();
        let mut signatures = vec![kms::Signature::from_bytes(&[0; 64]); size];
        parallel::sign_each(&key, &messages, &mut signatures, threads).unwrap();
        assert!(messages.iter().zip(&signatures).all(|(message, signature)| *signature == key.sign(message)));
        assert!(parallel::sign_each(&key, &messages, &mut [], threads).is_err() || size == 0);
    }
}

#[test]
fn the_pool_has_every_verdict() {
    let seen = |singles: Vec<Verdict>| {
        let mut texts: Vec<String> = singles.iter().map(|verdict| format!("{verdict:?}")).collect();
        texts.sort();
        texts.dedup();
        texts
    };
    let pool = Pool::new();
    assert_eq!(
        seen(pool.singles::<Strict>()),
        ["Err(Mismatch)", "Err(ScalarNotReduced)", "Err(SmallOrderKey)", "Err(SmallOrderR)", "Ok(())"]
    );
    assert_eq!(seen(pool.singles::<Zip215>()), ["Err(Mismatch)", "Err(ScalarNotReduced)", "Ok(())"]);
    assert_eq!(cases(1).len(), 22 * 22 * 3);
}
