//! Checking a store against its chains of signed statements: what was edited, deleted, added, swapped or cut off.
//!
//! Signatures are checked by the caller, who knows the keys. Everything else is read again and hashed again here.

mod remembered;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::chain::{self, Link};
use super::error::{Fault, StoreError};
use super::nights::SeriesDigests;
use super::rehash::{self, Loose};
use super::text::run_id;
use super::{Store, write};
use crate::model::ids::{Digest, RunId};
use crate::model::record::list_digest;
use crate::model::seal::{
    Audit, Heads, Problem, RUN_PREDICATE, SignatureVerdict, Signed, Statement, Subject, Tampering,
    machine_chain, payload_digest,
};
use crate::model::units::Timestamp;
use words::Prunings;

pub use remembered::Remembered;

/// Stands for an id that cannot be read.
const NO_STORE: &str = "00000000000000000000000000";

/// A signed payload and the moment at which it says that it was signed.
#[derive(Debug)]
pub struct Claim<'a> {
    /// Payload, key and signature.
    pub signed: &'a Signed,
    /// The moment; `None` when the payload cannot be read.
    pub at: Option<Timestamp>,
}

/// What nothing contradicts and nobody vouches for either.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Doubts {
    /// Words that no statement covers: sort, number and what they say.
    pub unsigned_words: Vec<String>,
    /// Words that a statement covers as found: it fixes what they say since then, and nobody signed that they were added.
    pub found_words: Vec<String>,
    /// Signed runs that were pruned or folded before that was signed.
    pub unsigned_prunings: Vec<String>,
    /// Whether a remembered statement is one that another store signed: only there it shows what was cut off.
    pub elsewhere: bool,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// What contradicts a signature, and what was checked.
    pub audit: Audit,
    /// What no signature vouches for.
    pub doubts: Doubts,
}

impl Store {
    /// Reads everything that was signed again and compares it with what was signed.
    ///
    /// `remembered` is known from an earlier time: only with it is it noticed that the end of a chain was cut off. `only`
    /// restricts the reading of runs to one; the chains are followed as a whole all the same. `check` gives one verdict for
    /// each signature, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`] for `only`, or [`StoreError`] when the file itself cannot be read.
    pub fn audit(
        &self,
        remembered: &[Remembered],
        only: Option<&RunId>,
        check: impl FnOnce(&[Claim<'_>]) -> Vec<SignatureVerdict>,
    ) -> Result<Audited, StoreError> {
        self.read("auditing", |connection| {
            let only = only.map(|id| write::require(connection, id)).transpose()?;
            let links = chain::links(connection)?;
            let read: Vec<Result<Statement, String>> =
                links.iter().map(|link| Statement::parse(&link.signed.payload)).collect();
            let claims: Vec<Claim<'_>> = links
                .iter()
                .zip(&read)
                .map(|(link, read)| Claim {
                    signed: &link.signed,
                    at: read.as_ref().ok().map(|statement| statement.predicate.at),
                })
                .collect();
            let verdicts = check(&claims);
            // A store whose id was destroyed is still audited: no statement was signed for the one that stands for it.
            let store = chain::store_id(connection).or_else(|_| run_id(NO_STORE))?;
            let heads = chain::heads_of(connection, store)?;
            let mut auditor = Auditor::new(connection, heads, only);
            auditor.chains(&links, &read, &verdicts);
            for one in remembered {
                auditor.compare(one, &links)?;
            }
            // Words first: they say which runs were pruned.
            auditor.words(&links, &read)?;
            auditor.contents(&links, &read)?;
            auditor.finish()
        })
    }
}

/// One pass over a store.
struct Auditor<'a> {
    connection: &'a Connection,
    only: Option<i64>,
    audit: Audit,
    doubts: Doubts,
    prunings: Prunings,
    /// Measurements whose observations are not the signed ones: chain, position, run, and themselves.
    loose: Vec<(String, u64, String, Loose)>,
    series: SeriesDigests,
}

impl<'a> Auditor<'a> {
    fn new(connection: &'a Connection, heads: Heads, only: Option<i64>) -> Self {
        let audit = Audit {
            problems: Vec::new(),
            signed: 0,
            words: 0,
            unsigned: Vec::new(),
            unsigned_words: 0,
            pruned: 0,
            folded: 0,
            against_head: false,
            heads,
        };
        Self {
            connection,
            only,
            audit,
            doubts: Doubts::default(),
            prunings: Prunings::default(),
            loose: Vec::new(),
            series: SeriesDigests::new(),
        }
    }

    fn found(
        &mut self,
        (chain, position): (&str, u64),
        what: Tampering,
        subject: &str,
        detail: impl Into<String>,
    ) {
        let (chain, subject, detail) = (chain.to_owned(), subject.to_owned(), detail.into());
        self.audit.problems.push(Problem { chain, position, what, subject, detail });
    }

    /// Follows each chain: places, predecessors, signatures.
    fn chains(&mut self, links: &[Link], read: &[Result<Statement, String>], verdicts: &[SignatureVerdict]) {
        let mut before: Option<(&Link, bool)> = None;
        for (index, link) in links.iter().enumerate() {
            let last = before.filter(|(last, _)| last.chain == link.chain);
            let expected = last.map_or(1, |(last, _)| last.position + 1);
            for missing in expected..link.position {
                self.found(
                    (&link.chain, missing),
                    Tampering::Deleted,
                    "statement",
                    "it is missing from its chain",
                );
            }
            let whole = self.one(link, &read[index], verdicts.get(index));
            if let (Ok(statement), true) = (&read[index], whole) {
                let previous = last.map(|(last, _)| payload_digest(&last.signed.payload));
                let follows = expected == link.position && statement.predicate.previous != previous;
                if follows && last.is_none_or(|(_, whole)| whole) {
                    let detail = "the statement after it names another digest";
                    self.found(
                        (&link.chain, expected.saturating_sub(1)),
                        Tampering::Edited,
                        "statement",
                        detail,
                    );
                }
            }
            before = Some((link, whole));
        }
    }

    /// Judges one statement by itself; returns whether it is the one that was signed for this place.
    fn one(
        &mut self,
        link: &Link,
        read: &Result<Statement, String>,
        verdict: Option<&SignatureVerdict>,
    ) -> bool {
        let place = (link.chain.as_str(), link.position);
        let statement = match read {
            Ok(statement) => statement,
            Err(reason) => {
                self.found(place, Tampering::Edited, "statement", format!("it cannot be read: {reason}"));
                return false;
            }
        };
        let (said, subject) =
            (&statement.predicate, statement.about().map_or("statement", |about| &about.name));
        match verdict {
            Some(SignatureVerdict::Good) => {}
            Some(SignatureVerdict::UnknownKey) => {
                let detail = format!("nobody trusts the key `{}`", link.signed.key_id);
                self.found(place, Tampering::Untrusted, subject, detail);
            }
            Some(SignatureVerdict::Expired) => {
                let detail = format!("the key `{}` was not trusted at that time", link.signed.key_id);
                self.found(place, Tampering::Untrusted, subject, detail);
            }
            Some(SignatureVerdict::Bad) | None => {
                self.found(
                    place,
                    Tampering::Edited,
                    subject,
                    "the signature does not belong to the statement",
                );
                return false;
            }
        }
        if said.store != self.audit.heads.store {
            self.found(
                place,
                Tampering::Edited,
                subject,
                format!("it was signed for the store {}", said.store),
            );
            return false;
        }
        if (said.chain.as_str(), said.position) != place {
            let detail = format!("it was signed for place {} of {}", said.position, said.chain);
            self.found(place, Tampering::Swapped, subject, detail);
            return false;
        }
        // A statement about words that claims a run would hide that nobody signed it.
        let about_run = statement.predicate_type == RUN_PREDICATE;
        if about_run && link.last_word.is_some() || !about_run && link.run.is_some() {
            self.found(place, Tampering::Edited, subject, "its row says that it is about something else");
        }
        true
    }

    /// Reads every signed run again.
    fn contents(&mut self, links: &[Link], read: &[Result<Statement, String>]) -> Result<(), Fault> {
        let statements = || read.iter().filter_map(|read| read.as_ref().ok());
        let mut owners: BTreeMap<(&str, Digest), BTreeSet<&str>> = BTreeMap::new();
        for statement in statements() {
            let name = statement.about().map_or("", |about| &about.name);
            for (part, digest) in &statement.predicate.parts {
                owners.entry((part, *digest)).or_default().insert(name);
            }
        }
        for (link, statement) in links.iter().zip(read) {
            let Ok(statement) = statement else { continue };
            if statement.predicate_type != RUN_PREDICATE || self.only.is_some() && self.only != link.run {
                continue;
            }
            match self.content(link, statement, &owners) {
                Err(Fault::Sql(error)) if error.sqlite_error_code().is_some() => {
                    return Err(Fault::Sql(error));
                }
                Err(fault) => {
                    let name = statement.about().map_or("", |about| &about.name);
                    let detail = format!("it cannot be read: {}", fault.words());
                    self.found((&link.chain, link.position), Tampering::Edited, name, detail);
                }
                Ok(()) => {}
            }
        }
        self.exchanged();
        Ok(())
    }

    /// Reads one signed run again.
    fn content(
        &mut self,
        link: &Link,
        statement: &Statement,
        owners: &BTreeMap<(&str, Digest), BTreeSet<&str>>,
    ) -> Result<(), Fault> {
        let place = (link.chain.as_str(), link.position);
        let Some(about) = statement.about() else { return Ok(()) };
        let id: Option<String> = self
            .connection
            .prepare_cached("SELECT id FROM run WHERE run_id = ?1")?
            .query_row([link.run], |row| row.get(0))
            .optional()?;
        if id.as_deref() != Some(about.name.as_str()) {
            let elsewhere = match run_id(&about.name) {
                Ok(id) => write::row_of(self.connection, &id)?.is_some(),
                Err(_) => false,
            };
            match (id, elsewhere) {
                (_, true) => {
                    self.found(
                        place,
                        Tampering::Swapped,
                        &about.name,
                        "its row belongs to another statement",
                    );
                }
                (Some(_), false) => {
                    self.found(place, Tampering::Edited, &about.name, "run: its id is another");
                }
                (None, false) => self.found(place, Tampering::Deleted, &about.name, "the run is gone"),
            }
            return Ok(());
        }
        self.parts(link, (statement, about), owners)
    }

    /// Compares the parts of a run that is where it belongs.
    fn parts(
        &mut self,
        link: &Link,
        (statement, about): (&Statement, &Subject),
        owners: &BTreeMap<(&str, Digest), BTreeSet<&str>>,
    ) -> Result<(), Fault> {
        let place = (link.chain.as_str(), link.position);
        let row = link.run.unwrap_or_default();
        let signed = &statement.predicate.parts;
        let now = rehash::run(self.connection, row, &mut self.series)?;
        self.audit.signed += 1;
        self.audit.pruned += u64::from(now.pruned && !now.folded);
        self.audit.folded += u64::from(now.folded);
        if machine_chain(&now.run.identity.machine) != statement.predicate.chain {
            self.found(place, Tampering::Edited, &about.name, "run: its machine is not the one of the chain");
        }
        let listed: BTreeMap<String, Digest> = signed
            .iter()
            .filter(|(part, _)| !matches!(part.as_str(), "nights" | "summaries"))
            .map(|(part, digest)| (part.clone(), *digest))
            .collect();
        if list_digest(&listed) != about.digest.sha256 {
            self.found(place, Tampering::Edited, &about.name, "the statement contradicts itself");
        }
        for (part, digest) in signed {
            let actual = now.parts.get(part);
            let gone = now.folded && matches!(part.as_str(), "measurements" | "summaries");
            if gone || actual == Some(digest) || part == "measurements" && !now.loose.is_empty() {
                continue;
            }
            let other =
                actual.and_then(|actual| owners.get(&(part.as_str(), *actual))).and_then(BTreeSet::first);
            match other.filter(|other| **other != about.name) {
                Some(other) => {
                    self.found(
                        place,
                        Tampering::Swapped,
                        &about.name,
                        format!("{part}: it is that of {other}"),
                    );
                }
                None => self.differs(place, (row, statement), part)?,
            }
        }
        let unsigned = |part: &&String| !part.contains('/') && !signed.contains_key(*part);
        if let Some(extra) = now.parts.keys().find(unsigned) {
            self.found(place, Tampering::Added, &about.name, format!("{extra}: a part that was not signed"));
        }
        if !now.nights_follow {
            self.found(place, Tampering::Edited, &about.name, "nights: they do not follow from the launches");
        }
        if !now.numbered {
            self.found(place, Tampering::Edited, &about.name, "lists: their entries are numbered otherwise");
        }
        if !now.summaries_follow {
            self.found(
                place,
                Tampering::Edited,
                &about.name,
                "summaries: they do not follow from the observations",
            );
        }
        self.pruning(place, (row, &about.name), (now.pruned, now.folded))?;
        for loose in now.loose {
            self.loose.push((link.chain.clone(), link.position, about.name.clone(), loose));
        }
        self.stored_digests(place, row, (&about.name, signed))
    }

    /// Says how a part differs: a list may have lost or gained entries.
    fn differs(
        &mut self,
        place: (&str, u64),
        (row, statement): (i64, &Statement),
        part: &str,
    ) -> Result<(), Fault> {
        let name = statement.about().map_or("", |about| &about.name);
        let counts = rehash::counts(self.connection, row)?;
        let (what, detail) = match (counts.get(part), statement.predicate.counts.get(part)) {
            (Some(now), Some(then)) if now < then => {
                (Tampering::Deleted, format!("{part}: {now} are left of {then}"))
            }
            (Some(now), Some(then)) if now > then => {
                (Tampering::Added, format!("{part}: {now} instead of {then}"))
            }
            _ => (Tampering::Edited, format!("{part}: it does not match its SHA-256")),
        };
        self.found(place, what, name, detail);
        Ok(())
    }

    /// Compares the digests that stand beside the parts with the signed ones.
    fn stored_digests(
        &mut self,
        place: (&str, u64),
        row: i64,
        (name, signed): (&str, &BTreeMap<String, Digest>),
    ) -> Result<(), Fault> {
        let mut statement =
            self.connection.prepare_cached("SELECT part, sha256 FROM part_digest WHERE run_id = ?1")?;
        let stored: BTreeMap<String, Digest> = statement
            .query_map([row], |row| Ok((row.get(0)?, Digest(row.get(1)?))))?
            .collect::<Result<_, _>>()?;
        for (part, digest) in
            signed.iter().filter(|(part, _)| !matches!(part.as_str(), "nights" | "summaries"))
        {
            match stored.get(part) {
                Some(found) if found == digest => {}
                Some(_) => {
                    self.found(
                        place,
                        Tampering::Edited,
                        name,
                        format!("{part}: the digest beside it was changed"),
                    );
                }
                None => self.found(
                    place,
                    Tampering::Deleted,
                    name,
                    format!("{part}: the digest beside it is gone"),
                ),
            }
        }
        if let Some(extra) = stored.keys().find(|part| !signed.contains_key(*part)) {
            self.found(
                place,
                Tampering::Added,
                name,
                format!("{extra}: a digest of a part that was not signed"),
            );
        }
        Ok(())
    }

    /// Tells observations that were exchanged from those that were changed or lost.
    fn exchanged(&mut self) {
        let loose = std::mem::take(&mut self.loose);
        for (index, (chain, position, name, this)) in loose.iter().enumerate() {
            let mut others = loose.iter().enumerate().filter(|(other, _)| *other != index);
            let (what, detail) = match others.find(|(_, (.., other))| this.belongs(other)) {
                Some((_, (_, _, run, other))) => (
                    Tampering::Swapped,
                    format!("{}: its observations stand at {run} {}", this.part, other.part),
                ),
                None if this.sample.is_none() => {
                    (Tampering::Deleted, format!("{}: its observations are gone or torn", this.part))
                }
                None => (Tampering::Edited, format!("{}: it does not match its SHA-256", this.part)),
            };
            self.found((chain, *position), what, name, detail);
        }
    }

    /// Lists the runs that nobody signed and puts the problems in order.
    fn finish(mut self) -> Result<Audited, Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM run WHERE status <> 'running'
               AND NOT EXISTS (SELECT 1 FROM link WHERE link.run_id = run.run_id) ORDER BY started_us, id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            match run_id(&id) {
                Ok(id) => self.audit.unsigned.push(id),
                Err(_) => self.found(("", 0), Tampering::Edited, &id, "this is no id of a run"),
            }
        }
        self.audit.problems.sort();
        self.audit.problems.dedup();
        Ok(Audited { audit: self.audit, doubts: self.doubts })
    }
}
