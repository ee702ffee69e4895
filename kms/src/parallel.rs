//! The same work on several threads, the caller's own or threads started for one call: results in the order of the input.
//!
//! Every function gives what its single-threaded counterpart gives. There is no pool behind them and no state between
//! calls: what runs the work is an argument, [`Scoped`] or anything else that implements [`Spawn`]. Signing is as constant
//! in time as [`SigningKey::sign`]; how the messages are spread depends on their number alone.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use ed25519_dalek::Signature;

use crate::error::LengthMismatch;
use crate::rule::{Item, Rejected, Rule, Verdict};
use crate::signing_key::SigningKey;

/// Something that runs a piece of work on several threads and waits for it.
///
/// With the feature `rayon` a `rayon::ThreadPool` is one. Another pool takes one method:
///
/// ```
/// use std::num::NonZeroUsize;
/// use kms::parallel::{Spawn, sign_each};
/// use kms::{Signature, SigningKey};
///
/// /// No threads at all, as a test may want it.
/// struct Here;
///
/// impl Spawn for Here {
///     fn threads(&self) -> NonZeroUsize {
///         NonZeroUsize::MIN
///     }
///
///     fn run(&self, _: NonZeroUsize, work: &(dyn Fn() + Sync)) {
///         work();
///     }
/// }
///
/// let key = SigningKey::generate()?;
/// let mut signatures = [Signature::from_bytes(&[0; 64]); 2];
/// sign_each(&key, &[b"one", b"two"], &mut signatures, &Here)?;
/// assert_eq!(signatures[1], key.sign(b"two"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Spawn {
    /// Tells how many threads work at once.
    fn threads(&self) -> NonZeroUsize;

    /// Calls `work` up to `times` times, at least once, on as many threads as there are; returns when all calls did.
    ///
    /// Each call takes parts of the work until none is left, so a call that comes late, or never, changes no result.
    ///
    /// # Panics
    /// When a call panics; the others end first.
    fn run(&self, times: NonZeroUsize, work: &(dyn Fn() + Sync));

    /// Chooses how many items a thread takes at a time: a quarter of an equal share, and at least `least`.
    ///
    /// Smaller parts even out a thread that was held up; larger ones amortise more. `least` is what the work itself needs
    /// to amortise, and is given up before threads stay without work.
    ///
    /// # Units
    /// Items.
    fn part(&self, items: usize, least: usize) -> NonZeroUsize {
        let share = items.div_ceil(self.threads().get());
        let part = share.div_ceil(PARTS_PER_THREAD).max(least.min(share));
        NonZeroUsize::new(part).unwrap_or(NonZeroUsize::MIN)
    }
}

/// How many parts a thread's equal share is cut into, where the parts stay long enough.
const PARTS_PER_THREAD: usize = 4;
/// The least items of a part that are worth a look into the queue. Unit: items.
const LEAST_SINGLE: usize = 16;
/// The least items of a batch inside threads: the length of a whole combination. Unit: items.
const LEAST_BATCH: usize = 256;

/// Threads that are started for one call and end with it; the calling thread is one of them.
///
/// # Units
/// Starting a thread costs some 10 to 50 µs: worth it from about a hundred signatures on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scoped {
    threads: NonZeroUsize,
}

impl Scoped {
    /// Takes up to `threads` threads.
    #[must_use]
    pub fn new(threads: NonZeroUsize) -> Self {
        Self { threads }
    }

    /// Takes as many threads as this process may run at once, one where that is not known.
    #[must_use]
    pub fn available() -> Self {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

impl Spawn for Scoped {
    fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    fn run(&self, times: NonZeroUsize, work: &(dyn Fn() + Sync)) {
        let threads = times.min(self.threads).get();
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
    }
}

/// Runs on the pool's threads, which live on: no thread is started, and none of another pool is used.
#[cfg(feature = "rayon")]
impl Spawn for rayon::ThreadPool {
    fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.current_num_threads()).unwrap_or(NonZeroUsize::MIN)
    }

    fn run(&self, times: NonZeroUsize, work: &(dyn Fn() + Sync)) {
        let threads = times.min(self.threads()).get();
        self.scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|_| work());
            }
            work();
        });
    }
}

/// Signs every message with one key.
///
/// # Errors
/// [`LengthMismatch`] when there is not exactly one place per message; no place is written then.
///
/// # Panics
/// When [`Spawn::run`] does: no kind of input makes it.
pub fn sign_each(
    key: &SigningKey,
    messages: &[&[u8]],
    signatures: &mut [Signature],
    on: &impl Spawn,
) -> Result<(), LengthMismatch> {
    parts((messages, signatures), LEAST_SINGLE, on, |messages, signatures| {
        for (message, signature) in messages.iter().zip(signatures) {
            *signature = key.sign(message);
        }
    })
}

/// Verifies every item alone under the rule `R`.
///
/// # Errors
/// [`LengthMismatch`] when there is not exactly one place per item; no place is written then.
///
/// # Panics
/// When [`Spawn::run`] does: no kind of input makes it.
pub fn verify_each<R: Rule>(
    items: &[Item<'_>],
    verdicts: &mut [Verdict],
    on: &impl Spawn,
) -> Result<(), LengthMismatch> {
    parts((items, verdicts), LEAST_SINGLE, on, |items, verdicts| {
        for (item, verdict) in items.iter().zip(verdicts) {
            *verdict = R::verify(item.key, item.message, item.signature);
        }
    })
}

/// Verifies the items under the rule `R` as batches inside the threads: same verdicts, less work.
///
/// # Errors
/// [`LengthMismatch`] when there is not exactly one place per item; no place is written then.
///
/// # Panics
/// When [`Spawn::run`] does: no kind of input makes it.
pub fn verify_many<R: Rule>(
    items: &[Item<'_>],
    verdicts: &mut [Verdict],
    on: &impl Spawn,
) -> Result<(), LengthMismatch> {
    parts((items, verdicts), LEAST_BATCH, on, |items, verdicts| {
        if R::verify_many_into(items, verdicts).is_err() {
            verdicts.fill(Err(Rejected::NotVerified));
        }
    })
}

/// Cuts input and output into parts that the threads take, one after the other, until none is left.
fn parts<I: Sync, O: Send>(
    (input, output): (&[I], &mut [O]),
    least: usize,
    on: &impl Spawn,
    work: impl Fn(&[I], &mut [O]) + Sync,
) -> Result<(), LengthMismatch> {
    if input.len() != output.len() {
        return Err(LengthMismatch { items: input.len(), places: output.len() });
    }
    let part = on.part(input.len(), least).get();
    let Some(times) = NonZeroUsize::new(input.len().div_ceil(part)) else { return Ok(()) };
    let queue = Mutex::new(input.chunks(part).zip(output.chunks_mut(part)));
    on.run(times, &|| {
        loop {
            // Nothing that may panic runs under the lock, so what is behind it is whole.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((input, output)) = next else { return };
            work(input, output);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn threads(count: usize) -> Scoped {
        Scoped::new(NonZeroUsize::new(count).unwrap())
    }

    #[test]
    fn parts_are_long_enough_and_leave_no_thread_without_work() {
        let check = |count: usize, items: usize, least: usize, part: usize| {
            assert_eq!(threads(count).part(items, least).get(), part, "{count} threads, {items} items");
        };
        check(2, 4000, 16, 500);
        check(2, 4000, 256, 500);
        check(4, 1000, 256, 250);
        check(4, 100, 16, 16);
        check(4, 8, 16, 2);
        check(4, 3, 256, 1);
        check(4, 0, 256, 1);
        check(1, 4000, 256, 1000);
    }

    /// Starts fewer calls than it was asked for, as a busy pool does.
    struct Late;

    impl Spawn for Late {
        fn threads(&self) -> NonZeroUsize {
            NonZeroUsize::new(8).unwrap()
        }

        fn run(&self, _: NonZeroUsize, work: &(dyn Fn() + Sync)) {
            work();
        }
    }

    #[test]
    fn every_part_is_worked_on_once_whoever_runs_it() {
        let input: Vec<usize> = (0..1000).collect();
        let check = |on: &dyn Fn(&mut [usize], &AtomicUsize)| {
            let (mut output, calls) = (vec![0; 1000], AtomicUsize::new(0));
            on(&mut output, &calls);
            assert!(output.iter().zip(&input).all(|(out, input)| *out == input + 1));
            assert!(calls.into_inner() > 1);
        };
        let work = |calls: &AtomicUsize, input: &[usize], output: &mut [usize]| {
            calls.fetch_add(1, Ordering::Relaxed);
            output.iter_mut().zip(input).for_each(|(out, input)| *out += input + 1);
        };
        check(&|output, calls| parts((&input, output), 16, &threads(3), |i, o| work(calls, i, o)).unwrap());
        check(&|output, calls| parts((&input, output), 16, &Late, |i, o| work(calls, i, o)).unwrap());
        #[cfg(feature = "rayon")]
        check(&|output, calls| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
            assert_eq!(pool.threads().get(), 2);
            parts((&input, output), 16, &pool, |i, o| work(calls, i, o)).unwrap();
            // Also from inside the pool, where its own thread waits.
            pool.install(|| parts((&input, &mut [0; 1000]), 16, &pool, |i, o| work(calls, i, o)).unwrap());
        });
    }
}
