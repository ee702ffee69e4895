//! The words of a store against the statements about them, and what they vouch for.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::OptionalExtension;

use super::super::chain::Link;
use super::super::error::Fault;
use super::super::words::{self, FOLDED, PRUNED, SORTS, STORE};
use super::super::{rehash, schema};
use super::Auditor;
use crate::model::ids::Digest;
use crate::model::seal::{Statement, Tampering, WORDS_CHAIN, Word};

/// Most characters of what a word says that are shown.
const SHOWN: usize = 160;

/// Which runs words say to be pruned or folded.
#[derive(Debug, Default)]
pub(super) struct Prunings {
    /// Signed as they were done: sort of word, and row of the run.
    signed: BTreeSet<(String, String)>,
    /// Not signed as they were done, with the number of the word.
    unsigned: BTreeMap<(String, String), u64>,
    /// The word from which on prunings are signed.
    since: Option<u64>,
}

/// What is known about a pruning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It was signed in the transaction that pruned.
    Signed,
    /// It is from before prunings were signed.
    Before,
    /// Nobody signed it.
    Forged,
}

impl Prunings {
    fn note(&mut self, kind: &str, key: String, (number, signed): (u64, bool)) {
        if ![PRUNED, FOLDED].contains(&kind) {
            return;
        }
        let of = (kind.to_owned(), key);
        if signed {
            self.signed.insert(of);
        } else {
            self.unsigned.entry(of).or_insert(number);
        }
    }

    /// What is known about the pruning or folding of a run.
    fn standing(&self, kind: &str, row: i64) -> Standing {
        let of = (kind.to_owned(), row.to_string());
        let before = |number: &u64| self.since.is_some_and(|since| *number < since);
        if self.signed.contains(&of) {
            Standing::Signed
        } else if self.unsigned.get(&of).is_some_and(before) {
            Standing::Before
        } else {
            Standing::Forged
        }
    }
}

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
            let listed = statement.about().is_some_and(|about| about.digest.sha256 == words::list(words));
            if !listed || link.last_word != words.last().map(|word| word.number) {
                self.found(place, Tampering::Edited, "statement", "it contradicts itself or its row");
            }
            let as_found = words::are_found(statement);
            for word in words {
                covered.insert(word.number);
                let marks = word.kind == STORE;
                if marks {
                    self.prunings.since.get_or_insert(word.number);
                }
                self.audit.words += u64::from(!marks);
                let said = self.word(place, word, &owners)?;
                if as_found && !marks {
                    let content = said.as_ref().map(|(_, content)| content.as_str());
                    self.doubts.found_words.push(shown(&word.kind, word.number, content));
                }
                if let Some((key, _)) = said {
                    self.prunings.note(&word.kind, key, (word.number, !as_found));
                }
            }
        }
        self.unsigned(&covered)?;
        self.strangers()?;
        for name in schema::foreign_triggers(self.connection)? {
            let detail = "it is none of this program's, and may have changed what was signed";
            self.found(("", 0), Tampering::Added, &format!("trigger {name}"), detail);
        }
        Ok(())
    }

    /// Reads one word again; returns its key and content if it says what was signed.
    fn word(
        &mut self,
        place: (&str, u64),
        word: &Word,
        owners: &BTreeMap<Digest, BTreeSet<u64>>,
    ) -> Result<Option<(String, String)>, Fault> {
        let name = format!("{} {}", word.kind, word.number);
        let number = i64::try_from(word.number).unwrap_or(i64::MAX);
        let key: Option<(String, String)> = self
            .connection
            .prepare_cached("SELECT kind, row_key FROM word WHERE word_id = ?1")?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((kind, key)) = key else {
            self.found(place, Tampering::Deleted, &name, "the record that it was added is gone");
            return Ok(None);
        };
        if kind != word.kind {
            self.found(place, Tampering::Edited, &name, format!("it was a word of the sort `{}`", word.kind));
            return Ok(None);
        }
        let content = words::content(self.connection, &kind, &key)?;
        match content.as_deref().map(words::digest) {
            None if word.sha256 == Digest::UNKNOWN => {}
            None => self.found(place, Tampering::Deleted, &name, "it is gone"),
            Some(actual) if actual == word.sha256 => return Ok(content.map(|content| (key, content))),
            Some(actual) => match owners.get(&actual).and_then(BTreeSet::first) {
                Some(other) => {
                    self.found(place, Tampering::Swapped, &name, format!("it says what word {other} said"));
                }
                None => self.found(place, Tampering::Edited, &name, "it does not say what was signed"),
            },
        }
        if let Some(run) = content.and_then(|content| words::pruned_run(&kind, &content)) {
            let detail = "what is left of it is not what was signed when it was pruned";
            self.found(place, Tampering::Edited, &run, detail);
        }
        Ok(None)
    }

    /// Finds words that no statement covers: at the end nobody has signed them yet, before it they were slipped in.
    fn unsigned(&mut self, covered: &BTreeSet<u64>) -> Result<(), Fault> {
        let last = covered.last().copied().unwrap_or(0);
        let mut statement =
            self.connection.prepare_cached("SELECT word_id, kind, row_key FROM word ORDER BY word_id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number = row.get::<_, i64>(0)?.unsigned_abs();
            let kind: String = row.get(1)?;
            if number > last && kind == STORE {
                self.prunings.since.get_or_insert(number);
            } else if number > last {
                let key: String = row.get(2)?;
                self.audit.unsigned_words += 1;
                let content = words::content(self.connection, &kind, &key)?;
                self.doubts.unsigned_words.push(shown(&kind, number, content.as_deref()));
                self.prunings.note(&kind, key, (number, false));
            } else if !covered.contains(&number) && !self.audit.heads.chains.is_empty() {
                let name = format!("{kind} {number}");
                self.found((WORDS_CHAIN, 0), Tampering::Added, &name, "it stands between signed words");
            }
        }
        Ok(())
    }

    /// Says what nobody signed of a run that counts as pruned or folded: whoever deletes could write that down as well.
    pub(super) fn pruning(
        &mut self,
        place: (&str, u64),
        (row, name): (i64, &str),
        (pruned, folded): (bool, bool),
    ) -> Result<(), Fault> {
        for (is, kind, what) in
            [(pruned, PRUNED, "observations: pruned"), (folded, FOLDED, "measurements: folded")]
        {
            match self.prunings.standing(kind, row) {
                Standing::Forged if is => {
                    let detail = format!("{what}, it is said, and nobody signed that");
                    self.found(place, Tampering::Deleted, name, detail);
                }
                Standing::Before
                    if is && !self.doubts.unsigned_prunings.iter().any(|known| known == name) =>
                {
                    self.doubts.unsigned_prunings.push(name.to_owned());
                }
                _ => {}
            }
        }
        // Nothing signed says what measurements of a folded run would have to be.
        let left = |counts: BTreeMap<String, u64>| counts.get("measurements").is_some_and(|count| *count > 0);
        if folded && left(rehash::counts(self.connection, row)?) {
            self.found(place, Tampering::Added, name, "measurements: they were folded, and some are there");
        }
        Ok(())
    }

    /// Finds rows that are no words though all rows of their table are.
    fn strangers(&mut self) -> Result<(), Fault> {
        for sort in SORTS {
            let (table, key, rows) = (sort.table, sort.key, sort.rows);
            let sql = format!(
                "SELECT {key} FROM {table} WHERE {rows} EXCEPT SELECT row_key FROM word WHERE kind = '{table}'"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let extra: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for key in extra {
                let name = format!("{table} with the key {key}");
                self.found((WORDS_CHAIN, 0), Tampering::Added, &name, "nothing records that it was added");
            }
        }
        Ok(())
    }
}

/// A word for people: sort, number, and the beginning of what it says.
fn shown(kind: &str, number: u64, content: Option<&str>) -> String {
    let content = content.unwrap_or("what it says is gone or was changed");
    let mut text: String = content.chars().take(SHOWN).collect();
    if text.len() < content.len() {
        text.push('…');
    }
    format!("{kind} {number}: {text}")
}
