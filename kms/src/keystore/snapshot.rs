//! Everything a keystore holds, and its bytes: what a backend saves and loads.
//!
//! The bytes hold secrets in the clear; a backend has to encrypt them. The format is little-endian, without options and
//! with every length checked, so that one content has one encoding.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::backend::BackendError;
use super::event::{Event, EventKind, MAX_EVENTS, verify_chain};
use super::key_set::{KeySet, KeyState, Validity, Version};
use crate::key_id::{KeyId, Label};
use crate::public_key::PublicKey;
use crate::signing_key::{Seed, SigningKey};

const FORMAT: u8 = 1;
/// The most versions of one key set.
pub(super) const MAX_VERSIONS: usize = 10_000;
const MAX_SETS: usize = 1_000_000;
/// Nobody counts so far; what a file says must leave room to count on.
const MAX_COUNTER: u64 = u64::MAX / 2;
const SET_BYTES: usize = 2 * 33 + 16 + 1 + 4 + 4;
const VERSION_BYTES: usize = 1 + 8 + 18 + 32 + 33;
const EVENT_BYTES: usize = 8 + 8 + 2 + 2 * 33 + 16 + 4 + 32;

/// Everything a keystore holds at one moment.
pub struct Snapshot {
    pub(super) counter: u64,
    pub(super) sets: Vec<Arc<KeySet>>,
    pub(super) events: Vec<Event>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("counter", &self.counter)
            .field("sets", &self.sets.len())
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Gives the number of changes that led here. It only ever grows.
    #[must_use]
    pub fn counter(&self) -> u64 {
        self.counter
    }

    /// Writes everything, **secrets in the clear**, into memory that is overwritten when dropped.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let versions: usize = self.sets.iter().map(|set| set.versions.len()).sum();
        let size =
            17 + self.sets.len() * SET_BYTES + versions * VERSION_BYTES + self.events.len() * EVENT_BYTES;
        // The right size from the start: a growing vector would leave copies of secrets behind.
        let mut out = Zeroizing::new(Vec::with_capacity(size));
        out.push(FORMAT);
        out.extend(self.counter.to_le_bytes());
        put_length(&mut out, self.sets.len());
        for set in &self.sets {
            put_label(&mut out, &set.tenant);
            put_label(&mut out, &set.purpose);
            out.extend(set.set);
            out.push(u8::from(set.exportable));
            out.extend(set.primary.to_le_bytes());
            put_length(&mut out, set.versions.len());
            set.versions.iter().for_each(|version| put_version(&mut out, version));
        }
        put_length(&mut out, self.events.len());
        for event in &self.events {
            out.extend(event.number.to_le_bytes());
            out.extend(event.at.to_le_bytes());
            out.extend(event.kind.code());
            put_label(&mut out, event.id.tenant());
            put_label(&mut out, event.id.purpose());
            out.extend(event.id.set());
            out.extend(event.id.version().to_le_bytes());
            out.extend(event.previous);
        }
        out
    }

    /// Reads what [`Snapshot::encode`] wrote.
    ///
    /// # Errors
    /// [`BackendError::Content`] when it is anything else, or when the event log's chain is broken.
    pub fn decode(bytes: &[u8]) -> Result<Self, BackendError> {
        let mut reader = Reader { rest: bytes };
        if reader.byte()? != FORMAT {
            return Err(content("another format of the content"));
        }
        let counter = reader.u64()?;
        if counter > MAX_COUNTER {
            return Err(content("a counter within the limits"));
        }
        let sets = reader.length(MAX_SETS)?;
        let sets = (0..sets).map(|_| reader.set().map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        if !sets.is_sorted_by(|a, b| a.set < b.set) {
            return Err(content("key sets in order, each once"));
        }
        let events = reader.length(2 * MAX_EVENTS)?;
        let events = (0..events).map(|_| reader.event()).collect::<Result<Vec<_>, _>>()?;
        if !reader.rest.is_empty() {
            return Err(content("bytes after the end"));
        }
        if verify_chain(&events).is_err() {
            return Err(content("an unbroken event log"));
        }
        Ok(Self { counter, sets, events })
    }
}

fn content(reason: &'static str) -> BackendError {
    BackendError::Content { reason }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_label(out: &mut Vec<u8>, label: &Label) {
    out.push(u8::try_from(label.as_str().len()).unwrap_or(u8::MAX));
    out.extend(label.as_str().as_bytes());
}

fn put_version(out: &mut Vec<u8>, version: &Version) {
    out.push(version.state.code());
    out.extend(version.created.to_le_bytes());
    for moment in [version.validity.not_before, version.validity.not_after] {
        out.push(u8::from(moment.is_some()));
        moment.iter().for_each(|moment| out.extend(moment.to_le_bytes()));
    }
    out.extend(version.public.as_bytes());
    out.push(u8::from(version.seed.is_some()));
    version.seed.iter().for_each(|seed| out.extend(seed.expose()));
}

/// Reads from the front and never past the end.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<&[u8; N], BackendError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(content("more bytes"))?;
        self.rest = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, BackendError> {
        Ok(self.take::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, BackendError> {
        Ok(u32::from_le_bytes(*self.take()?))
    }

    fn u64(&mut self) -> Result<u64, BackendError> {
        Ok(u64::from_le_bytes(*self.take()?))
    }

    fn flag(&mut self) -> Result<bool, BackendError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(content("a flag of 0 or 1")),
        }
    }

    fn length(&mut self, limit: usize) -> Result<usize, BackendError> {
        let length = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        if length > limit { Err(content("a length within the limits")) } else { Ok(length) }
    }

    fn label(&mut self) -> Result<Label, BackendError> {
        let length = usize::from(self.byte()?);
        let (head, rest) = self.rest.split_at_checked(length).ok_or(content("more bytes"))?;
        self.rest = rest;
        let text = std::str::from_utf8(head).map_err(|_| content("a label"))?;
        Label::new(text).map_err(|_| content("a label"))
    }

    fn moment(&mut self) -> Result<Option<u64>, BackendError> {
        if self.flag()? { self.u64().map(Some) } else { Ok(None) }
    }

    fn set(&mut self) -> Result<KeySet, BackendError> {
        let (tenant, purpose, set) = (self.label()?, self.label()?, *self.take()?);
        let (exportable, primary) = (self.flag()?, self.u32()?);
        let count = self.length(MAX_VERSIONS)?;
        let versions = (0..count).map(|_| self.version()).collect::<Result<Vec<_>, _>>()?;
        let primary_exists = (1..=count).contains(&usize::try_from(primary).unwrap_or(0));
        if !primary_exists {
            return Err(content("a primary version"));
        }
        Ok(KeySet { tenant, purpose, set, exportable, primary, versions })
    }

    fn version(&mut self) -> Result<Version, BackendError> {
        let state = KeyState::from_code(self.byte()?).ok_or(content("a state"))?;
        let created = self.u64()?;
        let validity = Validity { not_before: self.moment()?, not_after: self.moment()? };
        let public = PublicKey::from_bytes(self.take()?).map_err(|_| content("a public key"))?;
        let seed = if self.flag()? { Some(Seed::from_bytes(self.take()?)) } else { None };
        let signing = seed.as_ref().map(|seed| Arc::new(SigningKey::from_seed(seed)));
        // The stored public key is never signed with; it only has to be the one that the seed gives.
        if signing.as_ref().is_some_and(|signing| *signing.public_key() != public) {
            return Err(content("a public key that belongs to its secret"));
        }
        if state == KeyState::Destroyed && seed.is_some() {
            return Err(content("no secret of a destroyed key"));
        }
        Ok(Version { state, created, validity, public, seed, signing })
    }

    fn event(&mut self) -> Result<Event, BackendError> {
        let (number, at) = (self.u64()?, self.u64()?);
        if number > MAX_COUNTER {
            return Err(content("an event's number within the limits"));
        }
        let kind = EventKind::from_code(*self.take()?).ok_or(content("a kind of event"))?;
        let (tenant, purpose, set, version) = (self.label()?, self.label()?, *self.take()?, self.u32()?);
        // An identity counts from 1, and makes 1 of 0: one content would have two encodings.
        if version == 0 {
            return Err(content("a version from 1"));
        }
        let id = KeyId::new(tenant, purpose, set, version);
        Ok(Event { number, at, kind, id, previous: *self.take()? })
    }
}
