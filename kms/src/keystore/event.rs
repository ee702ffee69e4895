//! What happened to the keys, as a chain: every event carries the hash of the one before.
//!
//! Who changes, drops or reorders an event breaks the chain. It says nothing about single signatures, and it cannot
//! tell that its *end* was cut off: for that, keep the last hash somewhere else. Of a very long log the oldest events are
//! given up; the number of the first one shows it.

use sha2::{Digest as _, Sha256};

use super::key_set::KeyState;
use crate::key_id::KeyId;

/// The most events kept.
pub const MAX_EVENTS: usize = 100_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A key set was created with a new secret.
    Created,
    /// A secret or a public key was brought in from outside.
    Imported,
    /// A version was added.
    VersionAdded,
    /// A version became the one that signs.
    Promoted,
    /// A version's state was changed.
    StateChanged(KeyState),
    /// A version's validity was changed.
    ValidityChanged,
    /// A secret was exported.
    SecretExported,
}

impl EventKind {
    pub(super) fn code(self) -> [u8; 2] {
        match self {
            Self::Created => [1, 0],
            Self::Imported => [2, 0],
            Self::VersionAdded => [3, 0],
            Self::Promoted => [4, 0],
            Self::StateChanged(state) => [5, state.code()],
            Self::ValidityChanged => [6, 0],
            Self::SecretExported => [7, 0],
        }
    }

    pub(super) fn from_code(code: [u8; 2]) -> Option<Self> {
        match code {
            [1, 0] => Some(Self::Created),
            [2, 0] => Some(Self::Imported),
            [3, 0] => Some(Self::VersionAdded),
            [4, 0] => Some(Self::Promoted),
            [5, state] => KeyState::from_code(state).map(Self::StateChanged),
            [6, 0] => Some(Self::ValidityChanged),
            [7, 0] => Some(Self::SecretExported),
            _ => None,
        }
    }
}

/// One link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// When it happened. Unit: milliseconds since 1970-01-01 00:00 UTC.
    pub at: u64,
    /// What happened.
    pub kind: EventKind,
    /// To which version.
    pub id: KeyId,
    /// The hash of the event before, zeros for the first.
    pub previous: [u8; 32],
}

impl Event {
    /// Makes the event that follows `last`. Behind the last number of all comes 0, which [`verify_chain`] refuses.
    pub(super) fn after(last: Option<&Self>, at: u64, kind: EventKind, id: KeyId) -> Self {
        let previous = last.map_or([0; 32], Self::hash);
        Self { number: last.map_or(1, |last| last.number.wrapping_add(1)), at, kind, id, previous }
    }

    /// Computes the SHA-256 of the event, its predecessor's hash included.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let hash = Sha256::new()
            .chain_update(b"kms event v1\0")
            .chain_update(self.number.to_le_bytes())
            .chain_update(self.at.to_le_bytes())
            .chain_update(self.kind.code())
            .chain_update(self.previous)
            .chain_update(self.id.to_string());
        hash.finalize().into()
    }
}

/// The chain does not hold at an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event log is broken at event {number}")]
pub struct ChainBroken {
    /// The number of the first event that does not follow from the one before.
    pub number: u64,
}

/// Checks that every event follows from the one before. Event 1 has to follow from nothing; a log that begins later is
/// checked from where it begins.
///
/// # Errors
/// [`ChainBroken`] with the first event that does not fit.
pub fn verify_chain(events: &[Event]) -> Result<(), ChainBroken> {
    let follows = |event: &Event, last| *event == Event::after(last, event.at, event.kind, event.id);
    let broken = |event: &Event| Err(ChainBroken { number: event.number });
    match events.first() {
        Some(first) if first.number <= 1 && !follows(first, None) => return broken(first),
        _ => {}
    }
    let counts_up = |pair: &[Event]| pair[0].number < pair[1].number;
    let unfit = events.windows(2).find(|pair| !counts_up(pair) || !follows(&pair[1], Some(&pair[0])));
    unfit.map_or(Ok(()), |pair| broken(&pair[1]))
}
