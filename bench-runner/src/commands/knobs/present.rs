//! Verdicts and cards as a person or a program reads them: the sentence to act on first.

use std::fmt::Write as _;

use super::super::{Session, load};
use super::trying::Skipped;
use crate::analysis::knobs::{Rule, rule};
use crate::cli::Format;
use crate::error::CliError;
use crate::model::knob::{KnobState, KnobVerdict, Proof, Recommendation};
use crate::report::format::{Dialect, change, percent, timestamp};
use crate::ui::table::{Align, Column, Table};

/// The word for a verdict; a stale one says so first.
pub(super) fn verdict(proof: &Proof) -> String {
    let word = match proof.verdict {
        KnobVerdict::Verified => "[+] VERIFIED",
        KnobVerdict::Harmful => "[-] HARMFUL",
        KnobVerdict::NoEffect => "[=] NO EFFECT",
        KnobVerdict::Inconclusive => "[?] INCONCLUSIVE",
    };
    if proof.stale.is_empty() { word.to_owned() } else { format!("[!] STALE (was {})", &word[4..]) }
}

/// The strongest row: change with interval, and the smallest effect that would have been seen.
pub(super) fn strongest(proof: &Proof) -> (String, String) {
    let Some(row) = proof.rows.first() else { return ("-".to_owned(), "-".to_owned()) };
    let seen = row.visible_from.map_or_else(|| "-".to_owned(), |effect| percent(Dialect::Ascii, effect, 1));
    (change(Dialect::Ascii, row.change, row.interval), seen)
}

/// The answer of a session of trials.
pub(super) fn session(session: &Session, proofs: &[Proof], skipped: &[Skipped]) -> Result<(), CliError> {
    let table = table(proofs, skipped);
    let text = match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/knobs-try", "version": 1,
            "proofs": load::json_of(&proofs)?, "skipped": load::json_of(&skipped)?,
        })
        .to_string(),
        Format::Csv => table.csv(),
        Format::Markdown => format!("{}\n{}", table.markdown(), said(proofs, skipped)),
        Format::Text => format!("{}\n{}", table.text(session.style.width), said(proofs, skipped)),
    };
    session.answer(&text)
}

fn table(proofs: &[Proof], skipped: &[Skipped]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let mut rows: Vec<Vec<String>> = proofs
        .iter()
        .map(|proof| {
            let (change, seen) = strongest(proof);
            let pairs = proof.rows.iter().map(|row| row.pairs).min().unwrap_or(0);
            vec![verdict(proof), proof.knob.clone(), change, seen, pairs.to_string(), proof.reason.clone()]
        })
        .collect();
    rows.extend(skipped.iter().map(|skipped| {
        let nothing = || "-".to_owned();
        vec![
            "[ ] not tried".to_owned(),
            skipped.knob.clone(),
            nothing(),
            nothing(),
            nothing(),
            skipped.why.clone(),
        ]
    }));
    Table {
        columns: vec![
            column("verdict", Align::Left, 0),
            column("knob", Align::Left, 0),
            column("strongest change", Align::Right, 0),
            column("visible from", Align::Right, 2),
            column("pairs", Align::Right, 1),
            column("why", Align::Left, 3),
        ],
        rows,
    }
}

/// Why each verdict is what it is and what was not tried, then the cards of what is verified.
fn said(proofs: &[Proof], skipped: &[Skipped]) -> String {
    let mut text = String::new();
    for proof in proofs {
        _ = writeln!(text, "{}: {}", proof.knob, proof.reason);
    }
    for skipped in skipped {
        _ = writeln!(text, "{} was not tried: {}", skipped.knob, skipped.why);
    }
    format!("{text}\n{}", cards(proofs))
}

/// The cards of what is verified.
fn cards(proofs: &[Proof]) -> String {
    let verified = proofs.iter().filter(|proof| proof.verdict == KnobVerdict::Verified);
    verified
        .filter_map(|proof| Some(card(rule(&proof.knob)?, None, Some(proof))))
        .collect::<Vec<_>>()
        .join("\n")
}

/// One card: the sentence to act on, why, what trying showed, cost, risk, lines, and how to see it again.
pub(super) fn card(rule: &Rule, advice: Option<&Recommendation>, proof: Option<&Proof>) -> String {
    let trial = rule.trial.as_ref();
    let action = match (proof.map(|proof| proof.verdict), advice, trial) {
        (Some(KnobVerdict::Harmful), _, Some(trial)) => format!("Do not do this here: {}", trial.action),
        (Some(KnobVerdict::Verified), _, Some(trial)) => trial.action.to_owned(),
        (_, Some(advice), _) => advice.action.clone(),
        (_, None, _) => rule.question.to_owned(),
    };
    let mut text = format!("{action}\n");
    let mut line = |label: &str, words: &str| {
        if !words.is_empty() {
            _ = writeln!(text, "  {label:<11} {words}");
        }
    };
    line("knob", rule.id);
    line("question", rule.question);
    if rule.state == KnobState::Information {
        line("kind", "for information: the price is not ours to weigh");
    }
    if let Some(advice) = advice {
        line("because", &advice.because);
        for evidence in &advice.evidence {
            line(
                "evidence",
                &format!("{} = {} (run {})", evidence.label, evidence.value, evidence.run.short()),
            );
        }
    }
    let predicted = advice.and_then(|advice| advice.predicted_change).or(rule.typical);
    let shown = |value: f64| change(Dialect::Ascii, value, None);
    if let Some((low, high)) = predicted {
        line("predicted", &format!("{} to {} time per operation", shown(low), shown(high)));
    }
    if let Some(proof) = proof {
        line("tried", &format!("{}: {}", verdict(proof), proof.reason));
        for row in &proof.rows {
            let level = format!("level {:.2} %, {} pairs", row.level * 100.0, row.pairs);
            line(
                "measured",
                &format!("{} {} ({level})", row.subject, change(Dialect::Ascii, row.change, row.interval)),
            );
        }
        line(
            "where",
            &format!("{}, {}, tried {} times", proof.hw_class, timestamp(proof.tried), proof.times),
        );
        for changed in &proof.stale {
            line("stale", changed);
        }
    }
    line("cost", rule.cost);
    line("risk", rule.risk);
    line("security", rule.security);
    let how = advice.map_or("", |advice| advice.how.as_str());
    let lines = trial.map(|trial| trial.lines).filter(|lines| !lines.is_empty()).unwrap_or(how);
    if proof.is_none_or(|proof| proof.verdict != KnobVerdict::Harmful) {
        for pasted in lines.lines() {
            line("paste", pasted);
        }
    }
    match (proof, trial) {
        (Some(proof), _) => line("again", &proof.again),
        (None, Some(_)) => line("try it", &format!("bench-runner knobs try {}", rule.id)),
        (None, None) => line("try it", "not here: it is explained only"),
    }
    line(
        "expires",
        "with another machine class, configuration, compiler, Cargo.lock, or commit that changes the benches; after 90 days",
    );
    text
}
