//! Signed statements about runs and words, chained so that what was changed later can be found and named.
//!
//! The payloads are in-toto Statements, the signatures are those of DSSE envelopes. Which keys are trusted, and how a
//! signature is made, is decided elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::{Digest, RunId};
use super::units::Timestamp;

/// Type of the payload of every envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Type of every payload.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What a statement about a run says, first version.
pub const RUN_PREDICATE: &str = "urn:bench-runner:run:v1";
/// What a statement about words says, first version.
pub const WORDS_PREDICATE: &str = "urn:bench-runner:words:v1";
/// Name of the chain of words.
pub const WORDS_CHAIN: &str = "words";

/// Returns the name of the chain of a machine's runs.
#[must_use]
pub fn machine_chain(machine: &str) -> String {
    format!("machine/{machine}")
}

/// A statement about one run or about words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Always [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about: one subject.
    pub subject: Vec<Subject>,
    /// [`RUN_PREDICATE`] or [`WORDS_PREDICATE`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is said.
    pub predicate: Predicate,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The id of the run, or `words/FIRST-LAST`.
    pub name: String,
    /// Digest of the list of parts, or of the list of words.
    pub digest: SubjectDigest,
}

/// The digest of a subject under the name of its algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectDigest {
    /// SHA-256.
    pub sha256: Digest,
}

/// What is said about the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predicate {
    /// Id of the store.
    pub store: RunId,
    /// Name of the chain in that store.
    pub chain: String,
    /// Place in the chain, from 1.
    pub position: u64,
    /// SHA-256 of the payload before it in the chain; `None` for the first.
    pub previous: Option<Digest>,
    /// When it was signed.
    pub at: Timestamp,
    /// Start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Digests of the parts of a run: measurements enter as one list.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Digest>,
    /// How many entries the parts have that are lists: tells what was deleted from what was edited.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// The words, in the order in which they were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
}

/// A word or decision that a statement covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Its number in the store.
    pub number: u64,
    /// Sort of word: the name of its table.
    pub kind: String,
    /// SHA-256 of its content.
    pub sha256: Digest,
}

impl Statement {
    /// Makes a statement.
    #[must_use]
    pub fn new(name: String, sha256: Digest, predicate: Predicate) -> Self {
        let predicate_type = if predicate.words.is_empty() { RUN_PREDICATE } else { WORDS_PREDICATE };
        Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject { name, digest: SubjectDigest { sha256 } }],
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// Writes the statement as the bytes that are signed.
    ///
    /// # Errors
    ///
    /// Never for statements made here.
    pub fn payload(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// When it is no statement with exactly one subject, of a type that this version knows.
    pub fn parse(payload: &[u8]) -> Result<Self, String> {
        let statement: Self = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        if statement.kind != STATEMENT_TYPE {
            return Err(format!("its type is `{}`", statement.kind));
        }
        if statement.subject.len() != 1 {
            return Err(format!("it has {} subjects", statement.subject.len()));
        }
        match statement.predicate_type.as_str() {
            RUN_PREDICATE | WORDS_PREDICATE => Ok(statement),
            other => Err(format!("its predicate `{other}` is not known")),
        }
    }

    /// Returns the only subject of a statement that was made or parsed here.
    #[must_use]
    pub fn about(&self) -> Option<&Subject> {
        self.subject.first()
    }
}

/// Returns the digest under which the next statement of a chain names this payload.
#[must_use]
pub fn payload_digest(payload: &[u8]) -> Digest {
    Digest(Sha256::digest(payload).into())
}

/// A payload with one signature over its DSSE encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The bytes of a [`Statement`].
    pub payload: Vec<u8>,
    /// Name of the key: a hint for finding it, no proof.
    pub key_id: String,
    /// The signature.
    pub signature: [u8; 64],
}

/// Signs payloads. The store calls it inside the transaction that the statement speaks of.
pub trait Signer: std::fmt::Debug + Send + Sync {
    /// Signs the DSSE encoding of `payload` as [`PAYLOAD_TYPE`].
    ///
    /// # Errors
    ///
    /// Why it cannot be signed; the transaction is rolled back.
    fn sign(&self, payload: Vec<u8>) -> Result<Signed, String>;
}

/// What a check of one signature found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// A trusted key made it while it was valid.
    Good,
    /// Nobody trusts a key of that name; whether the signature is right is unknown.
    UnknownKey,
    /// A trusted key made it, outside the time for which it is trusted.
    Expired,
    /// The signature does not belong to payload and key.
    Bad,
}

/// The end of one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Place of the newest statement.
    pub position: u64,
    /// SHA-256 of its payload.
    pub sha256: Digest,
}

/// The ends of all chains of a store: remembered elsewhere, they show what was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// The store.
    pub store: RunId,
    /// The ends by name of the chain.
    pub chains: BTreeMap<String, ChainHead>,
}

impl Heads {
    /// Returns twelve hexadecimal digits that change with every statement; `None` when nothing was signed.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        if self.chains.is_empty() {
            return None;
        }
        let mut hasher = Sha256::new();
        hasher.update(self.store.as_str());
        for (name, head) in &self.chains {
            hasher.update([0]);
            hasher.update(name);
            hasher.update([0]);
            hasher.update(head.position.to_le_bytes());
            hasher.update(head.sha256.0);
        }
        Some(Digest(hasher.finalize().into()).short())
    }
}

/// What was done to stored content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tampering {
    /// Something is other than it was signed.
    Edited,
    /// Something signed is gone.
    Deleted,
    /// Something is there that was not signed with the rest.
    Added,
    /// Two signed things stand in each other's place.
    Swapped,
    /// The end of a chain that was there before is gone.
    Truncated,
    /// A key that nobody trusts signed it, or one outside its time.
    Untrusted,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Name of the chain.
    pub chain: String,
    /// Place in the chain, from 1; 0 where the chain as a whole is meant or nothing was signed.
    pub position: u64,
    /// What was done.
    pub what: Tampering,
    /// To which run, word or statement.
    pub subject: String,
    /// Which part of it, and how that shows.
    pub detail: String,
}

/// What checking a store against its chains found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// What is wrong, in the order of chains and positions: the first is the first bad link.
    pub problems: Vec<Problem>,
    /// Runs that were signed and checked.
    pub signed: u64,
    /// Words that were signed and checked.
    pub words: u64,
    /// Finished runs that nobody signed, oldest first. That is no fault.
    pub unsigned: Vec<RunId>,
    /// Words that nobody signed yet.
    pub unsigned_words: u64,
    /// Runs whose observations were pruned; their digests were checked.
    pub pruned: u64,
    /// Runs whose measurements were folded; their nights were checked.
    pub folded: u64,
    /// Whether remembered ends of chains were compared: without them a cut off end cannot be excluded.
    pub against_head: bool,
    /// The ends of the chains as they are now.
    pub heads: Heads,
}
