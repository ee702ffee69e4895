//! What `verify` checked and could not vouch for, in sentences.

use std::fmt::Write as _;

use super::Said;
use crate::commands::{Session, load};
use crate::store::{Audited, Doubts};

/// Most lines of one list.
const LISTED: usize = 10;

/// What was checked, in sentences; what nobody signed comes first where there is a key to sign with.
pub(super) fn words(session: &Session, audited: &Audited, said: &Said) -> String {
    let Audited { audit, doubts } = audited;
    let mut text = String::new();
    if said.signer && !doubts.unsigned_words.is_empty() {
        let count = doubts.unsigned_words.len();
        _ = writeln!(
            text,
            "UNSIGNED: {} without the key; whoever can write the file can say this",
            added(count)
        );
    }
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
        let ids: Vec<String> = audit.unsigned.iter().map(ToString::to_string).collect();
        list(&mut text, &format!("unsigned: {} runs, which is no fault:", ids.len()), &ids);
    }
    doubted(&mut text, doubts);
    if let Some(head) = audit.heads.short() {
        _ = writeln!(text, "head: {head}");
        for (chain, head) in &audit.heads.chains {
            _ = writeln!(text, "  {chain}: statement {}, {}", head.position, head.sha256.short());
        }
    }
    if doubts.elsewhere {
        text.push_str("The remembered statement is one that another store signed: only there it shows what was cut off.\n");
    } else if said.statement && audit.problems.is_empty() {
        text.push_str("The remembered statement is there; what was signed after it may have been cut off.\n");
    }
    if !audit.against_head {
        text.push_str(
            "Without a remembered head (--head FILE) it cannot be excluded that the end of a chain was cut off.\n",
        );
    }
    if let Some((file, written)) = &said.written {
        let outcome = if *written { "the heads were written to" } else { "nothing was written to" };
        _ = writeln!(text, "{outcome} {}", load::shown(session, file));
    }
    text
}

/// What no signature vouches for.
fn doubted(text: &mut String, doubts: &Doubts) {
    let lists = [
        (&doubts.unsigned_words, "unsigned: ", " that no statement covers:"),
        (
            &doubts.found_words,
            "found: ",
            " covered since they were found; nobody signed that they were added:",
        ),
    ];
    for (words, before, after) in lists {
        if !words.is_empty() {
            list(text, &format!("{before}{} words{after}", words.len()), words);
        }
    }
    let runs = &doubts.unsigned_prunings;
    if !runs.is_empty() {
        let title = format!("pruned, unsigned: {} runs, from before prunings were signed:", runs.len());
        list(text, &title, runs);
    }
}

fn added(count: usize) -> String {
    if count == 1 { "1 word was added".to_owned() } else { format!("{count} words were added") }
}

/// A title and the first lines of a list.
fn list(text: &mut String, title: &str, lines: &[String]) {
    _ = writeln!(text, "{title}");
    for line in lines.iter().take(LISTED) {
        _ = writeln!(text, "  {line}");
    }
    if lines.len() > LISTED {
        _ = writeln!(text, "  and {} more", lines.len() - LISTED);
    }
}
