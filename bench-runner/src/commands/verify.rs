//! `bench-runner verify`: what is stored against what was signed.

#[cfg(test)]
mod tamper;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Session, load};
use crate::attest::{self, Trust};
use crate::cli::Format;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::files::{self, Access};
use crate::model::ids::RunId;
use crate::model::seal::{Audit, Heads, Problem, SignatureVerdict, Tampering};
use crate::store::{Claim, Store};
use crate::ui::table::{Align, Column, Table};

/// Largest file of remembered heads, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Name of the format of remembered heads.
const HEADS: &str = "bench-runner/heads";

/// Check stored runs and words against what was signed
///
/// Reads everything that was signed again, checks signatures and chains, and names what was edited, deleted, added,
/// swapped or cut off, the first bad place first. Ends with 123 when something is wrong. Runs that nobody signed are
/// listed, and are no fault.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read only this run again; chains are followed all the same
    #[arg(value_name = "RUN", conflicts_with = "all")]
    run: Option<String>,
    /// Read every run again, which is what happens without a name too
    #[arg(long)]
    all: bool,
    /// Heads of an earlier time; without them it cannot be excluded that the end of a chain was cut off
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Write the heads to this file if nothing is wrong; keep it elsewhere
    #[arg(long, value_name = "FILE")]
    write_head: Option<PathBuf>,
}

/// A file of remembered heads.
#[derive(Debug, Serialize, Deserialize)]
struct HeadsFile {
    schema: String,
    version: u32,
    heads: Heads,
}

/// Runs the command.
///
/// # Errors
///
/// When store, keys or heads cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let only = args.run.as_ref().map(|text| store.resolve(text)).transpose()?;
    let remembered = args.head.as_ref().map(|file| read_heads(&session.folder.join(file))).transpose()?;
    let mut audit = audit(&config, &store, remembered.as_ref(), only.as_ref())?;
    // Nobody signed these; their digests still show damage.
    for id in audit.unsigned.clone().iter().filter(|id| only.as_ref().is_none_or(|only| only == *id)) {
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
    if let Some(file) = args.write_head.as_ref().filter(|_| audit.problems.is_empty()) {
        let content = HeadsFile { schema: HEADS.to_owned(), version: 1, heads: audit.heads.clone() };
        let mut bytes = load::json_of(&content)?.to_string().into_bytes();
        bytes.push(b'\n');
        files::write(&session.folder.join(file), &bytes, Access::Default)?;
    }
    show(session, &audit)?;
    Ok(if audit.problems.is_empty() { exit_code::DONE } else { exit_code::INTEGRITY })
}

/// Checks a store with the trusted keys of the configuration.
pub(super) fn audit(
    config: &Config,
    store: &Store,
    remembered: Option<&Heads>,
    only: Option<&RunId>,
) -> Result<Audit, CliError> {
    audit_with(&load::trust(config)?, store, remembered, only)
}

/// Checks a store with given keys.
fn audit_with(
    trust: &Trust,
    store: &Store,
    remembered: Option<&Heads>,
    only: Option<&RunId>,
) -> Result<Audit, CliError> {
    let check = |claims: &[Claim<'_>]| -> Vec<SignatureVerdict> {
        let claims: Vec<_> = claims.iter().map(|claim| (claim.signed, claim.at)).collect();
        attest::check(trust, &claims, load::threads())
    };
    Ok(store.audit(remembered, only, check)?)
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
fn show(session: &Session, audit: &Audit) -> Result<(), CliError> {
    let table = table(&audit.problems);
    let text = match session.format {
        Format::Json => serde_json::json!({
            "schema": "bench-runner/verify", "version": 1, "head": audit.heads.short(), "audit": audit,
        })
        .to_string(),
        Format::Jsonl => {
            let lines = audit.problems.iter().map(|problem| Ok(format!("{}\n", load::json_of(problem)?)));
            lines.collect::<Result<String, CliError>>()?
        }
        Format::Csv => table.csv(),
        Format::Markdown => format!("{}\n{}", table.markdown(), words(audit)),
        Format::Text if audit.problems.is_empty() => words(audit),
        Format::Text => format!("{}\n{}", table.text(session.style.width), words(audit)),
    };
    session.answer(&text)
}

/// What was checked, in sentences.
fn words(audit: &Audit) -> String {
    let mut text = String::new();
    let outcome = match audit.problems.len() {
        0 if audit.signed + audit.words == 0 => "nothing is signed in this store".to_owned(),
        0 => "everything that was signed is as it was signed".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        count => format!("{count} things are wrong, the first bad place first"),
    };
    _ = writeln!(text, "{outcome}");
    _ = writeln!(
        text,
        "checked: {} signed runs ({} pruned, {} folded), {} signed words",
        audit.signed, audit.pruned, audit.folded, audit.words
    );
    if !audit.unsigned.is_empty() {
        _ = writeln!(text, "unsigned: {} runs, which is no fault:", audit.unsigned.len());
        for id in audit.unsigned.iter().take(10) {
            _ = writeln!(text, "  {id}");
        }
        if audit.unsigned.len() > 10 {
            _ = writeln!(text, "  and {} more", audit.unsigned.len() - 10);
        }
    }
    if audit.unsigned_words > 0 {
        _ = writeln!(text, "unsigned: {} words", audit.unsigned_words);
    }
    if let Some(head) = audit.heads.short() {
        _ = writeln!(text, "head: {head}");
        for (chain, head) in &audit.heads.chains {
            _ = writeln!(text, "  {chain}: statement {}, {}", head.position, head.sha256.short());
        }
    }
    if !audit.against_head {
        text.push_str(
            "Without a remembered head (--head FILE) it cannot be excluded that the end of a chain was cut off.\n",
        );
    }
    text
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
