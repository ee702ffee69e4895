//! The same work on several threads: scoped threads, one contiguous share each, results in the order of the input.
//!
//! Every function gives what its single-threaded counterpart gives. It keeps no pool and no state between calls.

use std::num::NonZeroUsize;

use ed25519_dalek::Signature;

use crate::error::LengthMismatch;
use crate::rule::{Item, Rejected, Rule, Verdict};
use crate::signing_key::SigningKey;

/// Signs every message with one key, on up to `threads` threads.
///
/// # Errors
/// [`LengthMismatch`] when there is not exactly one place per message; no place is written then.
pub fn sign_each(
    key: &SigningKey,
    messages: &[&[u8]],
    signatures: &mut [Signature],
    threads: NonZeroUsize,
) -> Result<(), LengthMismatch> {
    shares(messages, signatures, threads, |messages, signatures| {
        for (message, signature) in messages.iter().zip(signatures) {
            *signature = key.sign(message);
        }
    })
}

/// Verifies every item alone under the rule `R`, on up to `threads` threads.
///
/// # Errors
/// [`LengthMismatch`] when there is not exactly one place per item; no place is written then.
pub fn verify_each<R: Rule>(
    items: &[Item<'_>],
    verdicts: &mut [Verdict],
    threads: NonZeroUsize,
) -> Result<(), LengthMismatch> {
    shares(items, verdicts, threads, |items, verdicts| {
        for (item, verdict) in items.iter().zip(verdicts) {
            *verdict = R::verify(item.key, item.message, item.signature);
        }
    })
}

/// Verifies the items as one batch per thread under the rule `R`: same verdicts, less work.
///
/// # Errors
/// [`LengthMismatch`] when there is not exactly one place per item; no place is written then.
pub fn verify_many<R: Rule>(
    items: &[Item<'_>],
    verdicts: &mut [Verdict],
    threads: NonZeroUsize,
) -> Result<(), LengthMismatch> {
    shares(items, verdicts, threads, |items, verdicts| {
        if R::verify_many_into(items, verdicts).is_err() {
            verdicts.fill(Err(Rejected::NotVerified));
        }
    })
}

/// Splits input and output into equal shares and gives each to a thread; the last share stays on this one.
fn shares<I: Sync, O: Send>(
    input: &[I],
    output: &mut [O],
    threads: NonZeroUsize,
    work: impl Fn(&[I], &mut [O]) + Sync,
) -> Result<(), LengthMismatch> {
    if input.len() != output.len() {
        return Err(LengthMismatch { items: input.len(), places: output.len() });
    }
    let share = input.len().div_ceil(threads.get()).max(1);
    let work = &work;
    std::thread::scope(|scope| {
        let mut parts = input.chunks(share).zip(output.chunks_mut(share));
        let own = parts.next_back();
        for (input, output) in parts {
            scope.spawn(move || work(input, output));
        }
        if let Some((input, output)) = own {
            work(input, output);
        }
    });
    Ok(())
}
