//! The words of a store against the statements about them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::OptionalExtension;

use super::super::chain::{self, Link};
use super::super::error::Fault;
use super::Auditor;
use crate::model::ids::Digest;
use crate::model::seal::{Statement, Tampering, WORDS_CHAIN, Word};

impl Auditor<'_> {
    /// Reads every signed word again.
    pub(super) fn words(&mut self, links: &[Link], read: &[Result<Statement, String>]) -> Result<(), Fault> {
        let signed: Vec<_> = links
            .iter()
            .zip(read)
            .filter_map(|(link, read)| read.as_ref().ok().map(|statement| (link, statement)))
            .filter(|(_, statement)| statement.predicate.chain == WORDS_CHAIN)
            .collect();
        let mut owners: BTreeMap<Digest, BTreeSet<u64>> = BTreeMap::new();
        for word in signed.iter().flat_map(|(_, statement)| &statement.predicate.words) {
            owners.entry(word.sha256).or_default().insert(word.number);
        }
        let mut covered = BTreeSet::new();
        for (link, statement) in &signed {
            let place = (link.chain.as_str(), link.position);
            let words = &statement.predicate.words;
            let listed =
                statement.about().is_some_and(|about| about.digest.sha256 == chain::words_digest(words));
            if !listed || link.last_word != words.last().map(|word| word.number) {
                self.found(place, Tampering::Edited, "statement", "it contradicts itself or its row");
            }
            for word in words {
                covered.insert(word.number);
                self.audit.words += 1;
                self.word(place, word, &owners)?;
            }
        }
        self.strangers(&covered)
    }

    /// Reads one word again.
    fn word(
        &mut self,
        place: (&str, u64),
        word: &Word,
        owners: &BTreeMap<Digest, BTreeSet<u64>>,
    ) -> Result<(), Fault> {
        let name = format!("{} {}", word.kind, word.number);
        let number = i64::try_from(word.number).unwrap_or(i64::MAX);
        let key: Option<(String, String)> = self
            .connection
            .prepare_cached("SELECT kind, row_key FROM word WHERE word_id = ?1")?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((kind, key)) = key else {
            self.found(place, Tampering::Deleted, &name, "the record that it was added is gone");
            return Ok(());
        };
        if kind != word.kind {
            self.found(place, Tampering::Edited, &name, format!("it was a word of the sort `{}`", word.kind));
            return Ok(());
        }
        match chain::word_digest(self.connection, &kind, &key)? {
            None if word.sha256 == Digest::UNKNOWN => {}
            None => self.found(place, Tampering::Deleted, &name, "it is gone"),
            Some(actual) if actual == word.sha256 => {}
            Some(actual) => match owners.get(&actual).and_then(BTreeSet::first) {
                Some(other) => {
                    self.found(place, Tampering::Swapped, &name, format!("it says what word {other} said"));
                }
                None => self.found(place, Tampering::Edited, &name, "it does not say what was signed"),
            },
        }
        Ok(())
    }

    /// Finds words that no statement covers though later ones are covered, and rows that are no words at all.
    fn strangers(&mut self, covered: &BTreeSet<u64>) -> Result<(), Fault> {
        let last = covered.last().copied().unwrap_or(0);
        let mut statement =
            self.connection.prepare_cached("SELECT word_id, kind FROM word ORDER BY word_id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number = row.get::<_, i64>(0)?.unsigned_abs();
            if number > last {
                self.audit.unsigned_words += 1;
            } else if !covered.contains(&number) && !self.audit.heads.chains.is_empty() {
                let name = format!("{} {number}", row.get::<_, String>(1)?);
                self.found((WORDS_CHAIN, 0), Tampering::Added, &name, "it stands between signed words");
            }
        }
        for (kind, _) in chain::WORDS {
            let key = match *kind {
                "alias" => "json_array(origin, name)".to_owned(),
                kind => format!("CAST({kind}_id AS TEXT)"),
            };
            let done = if *kind == "experiment" { "WHERE finished_us IS NOT NULL" } else { "" };
            let sql = format!(
                "SELECT {key} FROM {kind} {done} EXCEPT SELECT row_key FROM word WHERE kind = '{kind}'"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let extra: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for key in extra {
                let name = format!("{kind} with the key {key}");
                self.found((WORDS_CHAIN, 0), Tampering::Added, &name, "nothing records that it was added");
            }
        }
        Ok(())
    }
}
