//! What is remembered of a store from an earlier time against its chains as they are.

use super::super::chain::Link;
use super::super::error::Fault;
use super::Auditor;
use crate::model::seal::{Heads, Statement, Tampering, payload_digest};

/// What is remembered of a store from an earlier time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// The ends of its chains.
    Heads(Heads),
    /// One statement, as `run` and reports print it.
    Statement {
        /// Its chain; `None` where only the place is known.
        chain: Option<String>,
        /// Its place, from 1.
        position: u64,
        /// The beginning of the SHA-256 of its payload, lower case.
        sha256: String,
    },
}

impl Auditor<'_> {
    /// Compares the chains with what is remembered of them.
    pub(super) fn compare(&mut self, remembered: &Remembered, links: &[Link]) -> Result<(), Fault> {
        match remembered {
            Remembered::Heads(heads) => self.ends(heads, links),
            Remembered::Statement { chain, position, sha256 } => {
                return self.statement((chain.as_deref(), *position, sha256), links);
            }
        }
        Ok(())
    }

    /// Compares the ends of the chains with remembered ones.
    fn ends(&mut self, remembered: &Heads, links: &[Link]) {
        self.audit.against_head = true;
        if remembered.store != self.audit.heads.store {
            let detail = format!("the remembered heads are of the store {}", remembered.store);
            self.found(("", 0), Tampering::Edited, "store", detail);
        }
        for (chain, head) in &remembered.chains {
            let end = self.audit.heads.chains.get(chain).map_or(0, |now| now.position);
            if end < head.position {
                let detail = format!("{} statements are missing at the end", head.position - end);
                self.found((chain, end + 1), Tampering::Truncated, "statement", detail);
                continue;
            }
            let there = links.iter().find(|link| link.chain == *chain && link.position == head.position);
            if there.is_some_and(|link| payload_digest(&link.signed.payload) != head.sha256) {
                let detail = "it is not the one that was remembered: the chain was written again";
                self.found((chain, head.position), Tampering::Edited, "statement", detail);
            }
        }
    }

    /// Looks for one remembered statement.
    fn statement(
        &mut self,
        (chain, position, sha256): (Option<&str>, u64, &str),
        links: &[Link],
    ) -> Result<(), Fault> {
        let is_it = |signed: &[u8]| payload_digest(signed).to_string().starts_with(sha256);
        let mut there = links
            .iter()
            .filter(|link| link.position == position && chain.is_none_or(|chain| chain == link.chain))
            .peekable();
        let is_there = there.peek().is_some();
        if there.any(|link| is_it(&link.signed.payload)) {
            return Ok(());
        }
        if self.is_elsewhere(position, is_it)? {
            self.doubts.elsewhere = true;
            return Ok(());
        }
        let place = (chain.unwrap_or_default(), position);
        // Without its name any chain may be meant; that one is as long says nothing about another.
        if is_there && chain.is_some() {
            let detail = "it is not the one that was remembered: the chain was written again";
            self.found(place, Tampering::Edited, "statement", detail);
        } else {
            let detail = "no chain has the remembered statement at this place";
            self.found(place, Tampering::Truncated, "statement", detail);
        }
        Ok(())
    }

    /// Whether another store signed a statement of that place and content about a run that is here.
    fn is_elsewhere(&self, position: u64, is_it: impl Fn(&[u8]) -> bool) -> Result<bool, Fault> {
        let mut statement = self.connection.prepare_cached("SELECT payload FROM origin_link")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let payload: Vec<u8> = row.get(0)?;
            let read = Statement::parse(&payload).ok();
            // One of this store that was moved there is missing from its chain all the same.
            let other = read.is_some_and(|statement| {
                statement.predicate.position == position
                    && statement.predicate.store != self.audit.heads.store
            });
            if other && is_it(&payload) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
