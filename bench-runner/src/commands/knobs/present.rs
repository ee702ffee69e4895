//! Verdicts and cards as a person or a program reads them: the sentence to act on first.

use std::fmt::Write as _;

use super::super::{Session, load};
use super::trying::Skipped;
use crate::analysis::knobs::{Rule, rule};
use crate::cli::Format;
use crate::error::CliError;
use crate::model::knob::{KnobGroup, KnobState, KnobVerdict, Proof, Recommendation};
use crate::report::format::{Dialect, change, percent, plural, timestamp};
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
        .filter_map(|proof| Some(Card::of(rule(&proof.knob), None, Some(proof))?.text()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// One card: the sentence to act on first, then labelled lines, and what to paste.
pub(super) struct Card {
    action: String,
    lines: Vec<(&'static str, String)>,
    paste: String,
}

/// Rows of a trial that a card shows.
const SHOWN_ROWS: usize = 4;

impl Card {
    /// The card of a rule, of advice, or of both; `None` of neither.
    pub(super) fn of(
        rule: Option<&Rule>,
        advice: Option<&Recommendation>,
        proof: Option<&Proof>,
    ) -> Option<Self> {
        let trial = rule.and_then(|rule| rule.trial.as_ref());
        let verdict = proof.map(|proof| proof.verdict);
        let action = match (verdict, advice, trial) {
            (Some(KnobVerdict::Harmful), _, Some(trial)) => format!("Do not do this here: {}", trial.action),
            (Some(KnobVerdict::Verified), _, Some(trial)) => trial.action.to_owned(),
            (_, Some(advice), _) => advice.action.clone(),
            (_, None, _) => rule?.question.to_owned(),
        };
        let mut card = Self { action, lines: Vec::new(), paste: String::new() };
        card.why(advice);
        if let Some((low, high)) =
            advice.and_then(|advice| advice.predicted_change).or(rule.and_then(|rule| rule.typical))
        {
            let shown = |value: f64| change(Dialect::Ascii, value, None);
            let range = match shown(low) == shown(high) {
                true => shown(low),
                false => format!("{} to {}", shown(low), shown(high)),
            };
            let basis = if advice.is_some() { "" } else { ", as others report" };
            card.line("predicted", format!("{range} time per operation{basis}"));
        }
        if let Some(proof) = proof {
            card.tried(proof);
        }
        card.price(rule, advice);
        if verdict != Some(KnobVerdict::Harmful) {
            let own = advice.map_or("", |advice| advice.how.as_str());
            let proven = trial.map_or("", |trial| trial.lines);
            let lines = if own.is_empty() || verdict == Some(KnobVerdict::Verified) && !proven.is_empty() {
                proven
            } else {
                own
            };
            lines.clone_into(&mut card.paste);
        }
        match (proof, trial, rule) {
            (Some(proof), _, _) => card.line("again", proof.again.clone()),
            (None, Some(_), Some(rule)) => card.line("try it", format!("bench-runner knobs try {}", rule.id)),
            (None, None, Some(rule)) if rule.group != KnobGroup::Measurement => {
                card.line("try it", "not here: it is explained only".to_owned());
            }
            _ => {}
        }
        if trial.is_some() {
            let when = "with another machine class, configuration, compiler, Cargo.lock, or commit that changes the benches; \
                        after 90 days";
            card.line("expires", when.to_owned());
        }
        if let Some(rule) = rule {
            let kind = if rule.state == KnobState::Information {
                "; for information: its price is yours to weigh"
            } else {
                ""
            };
            card.line("knob", format!("{}: {}{kind}", rule.id, rule.question));
        }
        Some(card)
    }

    fn line(&mut self, label: &'static str, words: String) {
        if !words.is_empty() {
            self.lines.push((label, words));
        }
    }

    fn why(&mut self, advice: Option<&Recommendation>) {
        let Some(advice) = advice else { return };
        self.line("because", advice.because.clone());
        for evidence in &advice.evidence {
            self.line(
                "evidence",
                format!("{} = {} (run {})", evidence.label, evidence.value, evidence.run.short()),
            );
        }
    }

    fn tried(&mut self, proof: &Proof) {
        self.line("tried", format!("{}: {}", verdict(proof), proof.reason));
        for row in proof.rows.iter().take(SHOWN_ROWS) {
            let level = format!("level {:.2} %, {} pairs", row.level * 100.0, row.pairs);
            self.line(
                "measured",
                format!("{} {} ({level})", row.subject, change(Dialect::Ascii, row.change, row.interval)),
            );
        }
        let times = plural(proof.times.into(), "time");
        self.line("where", format!("{}, {}, tried {times}", proof.hw_class, timestamp(proof.tried)));
        for changed in &proof.stale {
            self.line("stale", changed.clone());
        }
    }

    /// What it costs; advice says what it means for security among its risks.
    fn price(&mut self, rule: Option<&Rule>, advice: Option<&Recommendation>) {
        match (advice, rule) {
            (Some(advice), _) => {
                self.line("cost", advice.cost.clone());
                self.line("risk", advice.risk.clone());
            }
            (None, Some(rule)) => {
                self.line("cost", rule.cost.to_owned());
                self.line("risk", rule.risk.to_owned());
                self.line("security", rule.security.to_owned());
            }
            (None, None) => {}
        }
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.action);
        for (label, words) in &self.lines {
            _ = writeln!(text, "  {label:<11} {words}");
        }
        for line in self.paste.lines() {
            _ = writeln!(text, "  {:<11} {line}", "paste");
        }
        text
    }

    /// For a page.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.action);
        for (label, words) in &self.lines {
            _ = writeln!(text, "- **{label}:** {words}");
        }
        if !self.paste.is_empty() {
            _ = write!(text, "\n```text\n{}\n```\n", self.paste);
        }
        text
    }
}
