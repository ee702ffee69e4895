//! `bench-runner verify`: what is stored against what was signed.

#[cfg(test)]
mod tamper;

mod words;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Session, load};
use crate::attest::{self, Trust};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::files::{self, Access};
use crate::model::ids::RunId;
use crate::model::seal::{Heads, Problem, SignatureVerdict, Tampering};
use crate::store::{Audited, Claim, Doubts, Remembered, Store};
use crate::ui;
use crate::ui::table::{Align, Column, Table};

/// Largest file of remembered heads, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Name of the format of remembered heads.
const HEADS: &str = "bench-runner/heads";

/// Check stored runs and words against what was signed
///
/// Reads everything that was signed again, checks signatures and chains, and names what was edited, deleted, added,
/// swapped or cut off, the first bad place first. Ends with 123 when something is wrong. What nobody signed is listed, and is
/// no fault unless `--strict` is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read only this run again; chains are followed all the same
    #[arg(value_name = "RUN", conflicts_with = "all")]
    run: Option<String>,
    /// Read every run again, which is what happens without a name too
    #[arg(long)]
    all: bool,
    /// Heads of an earlier time: a file of `--write-head`, or one statement as `run` and reports print it, as PLACE:SHA256 or
    /// CHAIN:PLACE:SHA256; without them it cannot be excluded that the end of a chain was cut off
    #[arg(long, value_name = "HEAD")]
    head: Option<String>,
    /// Write the heads to this file if nothing is wrong; keep it elsewhere. Heads that it holds already are compared first
    #[arg(long, value_name = "FILE")]
    write_head: Option<PathBuf>,
    /// End with 123 too when runs, words or prunings are there that nobody signed when they were added
    #[arg(long)]
    strict: bool,
}

/// A file of remembered heads.
#[derive(Debug, Serialize, Deserialize)]
struct HeadsFile {
    schema: String,
    version: u32,
    heads: Heads,
}

/// What the answer says besides what was found.
struct Said {
    /// Whether what is written now would be signed.
    signer: bool,
    /// Whether one statement was looked for.
    statement: bool,
    /// The file for heads, and whether it was written.
    written: Option<(PathBuf, bool)>,
}

/// Runs the command.
///
/// # Errors
///
/// When store, keys or heads cannot be read, or the heads cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let only = args.run.as_ref().map(|text| store.resolve(text)).transpose()?;
    let mut remembered: Vec<Remembered> = Vec::new();
    remembered.extend(args.head.as_ref().map(|text| head(text, session)).transpose()?);
    let target = args.write_head.as_ref().map(|file| session.folder.join(file));
    // A store that was cut off must not replace what would show it.
    if let Some(file) = target.as_ref().filter(|file| file.exists()) {
        remembered.push(Remembered::Heads(read_heads(file)?));
    }
    let mut audited = audit_with(&load::trust(&config)?, &store, &remembered, only.as_ref())?;
    let audit = &mut audited.audit;
    // Nobody signed these; their digests still show damage.
    for id in audit.unsigned.iter().filter(|id| only.as_ref().is_none_or(|only| only == *id)) {
        for part in store.verify(id)? {
            audit.problems.push(Problem {
                chain: String::new(),
                position: 0,
                what: Tampering::Edited,
                subject: id.to_string(),
                detail: format!("{part}: it does not match its SHA-256"),
            });
        }
    }
    let sound = audit.problems.is_empty();
    if let Some(file) = target.as_ref() {
        if sound {
            write_heads(file, &audit.heads)?;
        } else {
            ui::note(&format!("nothing was written to `{}`", load::shown(session, file)));
        }
    }
    let said = Said {
        signer: load::has_signer(&config),
        statement: remembered.iter().any(|one| matches!(one, Remembered::Statement { .. })),
        written: target.map(|file| (file, sound)),
    };
    show(session, &audited, &said)?;
    let vouched = audited.audit.unsigned.is_empty() && is_empty(&audited.doubts);
    Ok(if sound && (vouched || !args.strict) { exit_code::DONE } else { exit_code::INTEGRITY })
}

/// Whether a signature vouches for every word and pruning.
fn is_empty(doubts: &Doubts) -> bool {
    doubts.unsigned_words.is_empty() && doubts.found_words.is_empty() && doubts.unsigned_prunings.is_empty()
}

/// Checks a store with given keys.
fn audit_with(
    trust: &Trust,
    store: &Store,
    remembered: &[Remembered],
    only: Option<&RunId>,
) -> Result<Audited, CliError> {
    let check = |claims: &[Claim<'_>]| -> Vec<SignatureVerdict> {
        let claims: Vec<_> = claims.iter().map(|claim| (claim.signed, claim.at)).collect();
        attest::check(trust, &claims, load::threads())
    };
    Ok(store.audit(remembered, only, check)?)
}

/// What `--head` names: a file, or one statement.
fn head(text: &str, session: &Session) -> Result<Remembered, CliError> {
    let file = session.folder.join(text);
    match statement(text).filter(|_| !file.exists()) {
        Some(statement) => Ok(statement),
        None => Ok(Remembered::Heads(read_heads(&file)?)),
    }
}

/// Reads `PLACE:SHA256` or `CHAIN:PLACE:SHA256`; the digest may be cut after twelve digits.
fn statement(text: &str) -> Option<Remembered> {
    let (rest, sha256) = text.rsplit_once(':')?;
    let digits = (12..=64).contains(&sha256.len()) && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (chain, position) = match rest.rsplit_once(':') {
        Some((chain, position)) => (Some(chain.to_owned()), position),
        None => (None, rest),
    };
    let position = position.parse().ok().filter(|position| digits && *position > 0)?;
    Some(Remembered::Statement { chain, position, sha256: sha256.to_ascii_lowercase() })
}

/// Writes heads to a file.
fn write_heads(file: &Path, heads: &Heads) -> Result<(), CliError> {
    let content = HeadsFile { schema: HEADS.to_owned(), version: 1, heads: heads.clone() };
    let mut bytes = load::json_of(&content)?.to_string().into_bytes();
    bytes.push(b'\n');
    Ok(files::write(file, &bytes, Access::Default)?)
}

/// Reads remembered heads.
fn read_heads(file: &Path) -> Result<Heads, CliError> {
    let wrong = |reason: String| {
        CliError::new(
            exit_code::FAILURE,
            format!("`{}` does not hold remembered heads: {reason}", file.display()),
        )
        .hinted(Some("`bench-runner verify --write-head FILE` writes such a file".to_owned()))
    };
    let read: HeadsFile =
        serde_json::from_slice(&files::read(file, MAX_BYTES)?).map_err(|error| wrong(error.to_string()))?;
    if read.schema == HEADS && read.version == 1 {
        Ok(read.heads)
    } else {
        Err(wrong(format!("it is `{}` version {}", read.schema, read.version)))
    }
}

/// Prints what was found.
fn show(session: &Session, audited: &Audited, said: &Said) -> Result<(), CliError> {
    let audit = &audited.audit;
    let table = table(&audit.problems);
    let words = || words::words(session, audited, said);
    let text = match session.format {
        Format::Json => serde_json::json!({
            "schema": "bench-runner/verify", "version": 1, "head": audit.heads.short(), "audit": audit,
            "doubts": audited.doubts, "written": said.written.as_ref().map(|(_, written)| written),
        })
        .to_string(),
        Format::Jsonl => {
            let lines = audit.problems.iter().map(|problem| Ok(format!("{}\n", load::json_of(problem)?)));
            lines.collect::<Result<String, CliError>>()?
        }
        Format::Csv => table.csv(),
        Format::Markdown => format!("{}\n{}", table.markdown(), words()),
        Format::Text if audit.problems.is_empty() => words(),
        Format::Text => format!("{}\n{}", table.text(session.style.width), words()),
    };
    session.answer(&text)
}

fn table(problems: &[Problem]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("what", Align::Left, 0),
            column("where", Align::Left, 0),
            column("detail", Align::Left, 0),
            column("place", Align::Right, 1),
            column("chain", Align::Left, 2),
        ],
        rows: problems
            .iter()
            .map(|problem| {
                vec![
                    word(problem.what).to_owned(),
                    problem.subject.clone(),
                    problem.detail.clone(),
                    problem.position.to_string(),
                    problem.chain.clone(),
                ]
            })
            .collect(),
    }
}

/// The word for what was done.
fn word(what: Tampering) -> &'static str {
    match what {
        Tampering::Edited => "edited",
        Tampering::Deleted => "deleted",
        Tampering::Added => "added",
        Tampering::Swapped => "swapped",
        Tampering::Truncated => "truncated",
        Tampering::Untrusted => "untrusted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_from_a_file() {
        let check = |text: &str, expected: Option<(Option<&str>, u64)>| {
            let found = statement(text).map(|found| match found {
                Remembered::Statement { chain, position, sha256 } => {
                    assert_eq!(sha256, "0123456789ab", "{text}");
                    (chain, position)
                }
                Remembered::Heads(_) => panic!("{text}"),
            });
            let expected = expected.map(|(chain, position)| (chain.map(str::to_owned), position));
            assert_eq!(found, expected, "{text}");
        };
        check("12:0123456789AB", Some((None, 12)));
        check("machine/0f:12:0123456789ab", Some((Some("machine/0f"), 12)));
        check("words:1:0123456789ab", Some((Some("words"), 1)));
        for file in [
            "head.json",
            "0123456789ab",
            "0:0123456789ab",
            "12:0123456789a",
            "12:0123456789ag",
            "c:/head.json",
        ] {
            check(file, None);
        }
    }
}
