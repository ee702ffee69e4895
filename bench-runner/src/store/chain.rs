//! Chains of signed statements: what is appended when a run ends, and how chains are read. Words are in `words`.
//!
//! Place and predecessor are decided inside the transaction of what is signed. Keys are the signer's business; what a
//! chain is worth is found out by `audit`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::dictionary::intern;
use super::error::{Fault, StoreError};
use super::text::run_id;
use super::{Store, nights, rehash, write};
use crate::clock;
use crate::model::ids::{Digest, RunId};
use crate::model::record::list_digest;
use crate::model::run::{Run, RunStatus};
use crate::model::seal::{
    ChainHead, Heads, Predicate, Signed, Signer, Statement, machine_chain, payload_digest,
};

/// A statement as it is stored.
#[derive(Debug)]
pub(super) struct Link {
    /// Name of its chain.
    pub(super) chain: String,
    /// Its place according to its row.
    pub(super) position: u64,
    /// Row of the run that it is about.
    pub(super) run: Option<i64>,
    /// The last word that it covers.
    pub(super) last_word: Option<u64>,
    /// The statement and its signature.
    pub(super) signed: Signed,
}

impl Store {
    /// Returns the ends of all chains.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn heads(&self) -> Result<Heads, StoreError> {
        self.read("reading the ends of the chains", heads)
    }

    /// Returns what this store, and the stores before it, signed about a run: its own statement first.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when the store cannot be read.
    pub fn statements(&self, run: &RunId) -> Result<Vec<Signed>, StoreError> {
        self.read("reading statements", |connection| {
            let row = write::require(connection, run)?;
            let mut statement = connection.prepare_cached(
                "SELECT payload, key_id, signature FROM
                     (SELECT -1 AS ordinal, payload, key_id, signature FROM link WHERE run_id = ?1
                      UNION ALL SELECT ordinal, payload, key_id, signature FROM origin_link WHERE run_id = ?1)
                 ORDER BY ordinal",
            )?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Signed { payload: row.get(0)?, key_id: row.get(1)?, signature: row.get(2)? })
            };
            Ok(statement.query_map([row], read)?.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what other stores signed about a stored run; what is kept already is not kept twice.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be written.
    pub fn keep_statements(&mut self, run: &RunId, statements: &[Signed]) -> Result<(), StoreError> {
        self.write("keeping statements", |tx| {
            let row = write::require(tx, run)?;
            let mut insert = tx.prepare_cached(
                "INSERT INTO origin_link (run_id, ordinal, payload, key_id, signature)
                 SELECT ?1, (SELECT count(*) FROM origin_link WHERE run_id = ?1), ?2, ?3, ?4
                 WHERE NOT EXISTS (SELECT 1 FROM origin_link WHERE run_id = ?1 AND payload = ?2 AND signature = ?4)
                   AND NOT EXISTS (SELECT 1 FROM link WHERE run_id = ?1 AND payload = ?2)",
            )?;
            for signed in statements {
                insert.execute(params![row, signed.payload, signed.key_id, signed.signature])?;
            }
            Ok(())
        })
    }

    /// Signs finished runs that have no statement yet, such as those that opening the store recovered. Returns how many.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be written. Without a signer nothing is done.
    pub fn sign_runs(&mut self, runs: &[RunId]) -> Result<u32, StoreError> {
        let Some(signer) = self.signer.clone().filter(|_| !runs.is_empty()) else { return Ok(0) };
        self.write("signing runs", |tx| {
            let mut count = 0;
            for id in runs {
                let row = write::require(tx, id)?;
                let signed: bool = tx
                    .prepare_cached("SELECT EXISTS (SELECT 1 FROM link WHERE run_id = ?1)")?
                    .query_row([row], |row| row.get(0))?;
                let run = super::read::run(tx, row)?;
                if !signed && run.status != RunStatus::Running {
                    let stored = super::read::digests(tx, row)?;
                    link_run(tx, signer.as_ref(), (row, &run), &stored)?;
                    count += 1;
                }
            }
            Ok(count)
        })
    }
}

/// Appends the statement about a run that ends in this transaction.
pub(super) fn link_run(
    connection: &Connection,
    signer: &dyn Signer,
    (row, run): (i64, &Run),
    digests: &BTreeMap<String, Digest>,
) -> Result<(), Fault> {
    let mut parts: BTreeMap<String, Digest> = digests
        .iter()
        .filter(|(name, _)| !name.contains('/'))
        .map(|(name, digest)| (name.clone(), *digest))
        .collect();
    let subject = list_digest(&parts);
    let points = nights::stored(connection, row)?;
    parts.insert("nights".to_owned(), nights::digest(connection, &points, &mut BTreeMap::new())?);
    parts.insert("summaries".to_owned(), rehash::summaries(connection, row)?);
    let end = End { name: run.id.to_string(), digest: subject, run: Some(row), last_word: None };
    let chain = machine_chain(&run.identity.machine);
    let counts = rehash::counts(connection, row)?;
    append(connection, signer, &chain, end, |predicate| Predicate {
        started: Some(run.started),
        parts,
        counts,
        ..predicate
    })
}

/// What is particular to a new statement.
pub(super) struct End {
    /// What it is about.
    pub(super) name: String,
    /// The digest of that.
    pub(super) digest: Digest,
    /// The row of the run that it is about.
    pub(super) run: Option<i64>,
    /// The last word that it covers.
    pub(super) last_word: Option<i64>,
}

/// Appends a statement to a chain.
pub(super) fn append(
    connection: &Connection,
    signer: &dyn Signer,
    chain: &str,
    end: End,
    complete: impl FnOnce(Predicate) -> Predicate,
) -> Result<(), Fault> {
    let chain_row = intern(
        connection,
        "SELECT chain_id FROM chain WHERE name = ?1",
        "INSERT INTO chain (name) VALUES (?1)",
        [chain],
    )?;
    let before: Option<(u64, Vec<u8>)> = connection
        .prepare_cached(
            "SELECT position, payload FROM link WHERE chain_id = ?1 ORDER BY position DESC LIMIT 1",
        )?
        .query_row([chain_row], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))
        .optional()?;
    let predicate = complete(Predicate {
        store: store_id(connection)?,
        chain: chain.to_owned(),
        position: before.as_ref().map_or(1, |(position, _)| position + 1),
        previous: before.map(|(_, payload)| payload_digest(&payload)),
        at: clock::now(),
        started: None,
        parts: BTreeMap::new(),
        counts: BTreeMap::new(),
        words: Vec::new(),
    });
    let position = i64::try_from(predicate.position).unwrap_or(i64::MAX);
    let payload = Statement::new(end.name, end.digest, predicate)
        .payload()
        .map_err(|error| Fault::invalid("a statement", error))?;
    let signed = signer.sign(payload).map_err(|reason| Fault::invalid("a statement", reason))?;
    connection
        .prepare_cached(
            "INSERT INTO link (chain_id, position, run_id, last_word, payload, key_id, signature)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            chain_row,
            position,
            end.run,
            end.last_word,
            signed.payload,
            signed.key_id,
            signed.signature
        ])?;
    Ok(())
}

/// Reads the id of the store.
pub(super) fn store_id(connection: &Connection) -> Result<RunId, Fault> {
    run_id(
        &connection
            .prepare_cached("SELECT store_id FROM store")?
            .query_row([], |row| row.get::<_, String>(0))?,
    )
}

/// Reads all statements, by chain and position.
pub(super) fn links(connection: &Connection) -> Result<Vec<Link>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT chain.name, position, run_id, last_word, payload, key_id, signature
         FROM link JOIN chain USING (chain_id) ORDER BY chain.name, position",
    )?;
    let mut rows = statement.query([])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        links.push(Link {
            chain: row.get(0)?,
            position: row.get::<_, i64>(1)?.unsigned_abs(),
            run: row.get(2)?,
            last_word: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
            signed: Signed { payload: row.get(4)?, key_id: row.get(5)?, signature: row.get(6)? },
        });
    }
    Ok(links)
}

/// Reads the ends of all chains.
pub(super) fn heads(connection: &Connection) -> Result<Heads, Fault> {
    heads_of(connection, store_id(connection)?)
}

/// Reads the ends of all chains of a store of that id.
pub(super) fn heads_of(connection: &Connection, store: RunId) -> Result<Heads, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT chain.name, link.position, payload
         FROM chain JOIN link ON link.chain_id = chain.chain_id
              AND link.position = (SELECT max(position) FROM link AS last WHERE last.chain_id = chain.chain_id)",
    )?;
    let mut rows = statement.query([])?;
    let mut chains = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let position = row.get::<_, i64>(1)?.unsigned_abs();
        let sha256 = payload_digest(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?);
        chains.insert(row.get(0)?, ChainHead { position, sha256 });
    }
    Ok(Heads { store, chains })
}
