//! Verdicts and cards as a person or a program reads them: the sentence to act on first.

use std::fmt::Write as _;

use super::super::{Session, load};
use super::trying::Skipped;
use crate::analysis::knobs::{Rule, headline, paste, rule};
use crate::cli::Format;
use crate::error::CliError;
use crate::model::knob::{KnobGroup, KnobState, KnobVerdict, Proof, Recommendation};
use crate::report::format::{Dialect, change, percent, plural, timestamp};
use crate::ui::table::{Align, Column, Table, escape_markdown, printable, wrapped};

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
        Format::Markdown => format!("{}\n{}", table.markdown(), said(proofs, skipped, None)),
        Format::Text => {
            let width = session.style.width;
            format!("{}\n{}", table.text(width), said(proofs, skipped, Some(width)))
        }
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

/// Why each verdict is what it is and what was not tried, then the cards of what is verified; text of that width, or Markdown.
fn said(proofs: &[Proof], skipped: &[Skipped], width: Option<usize>) -> String {
    let lines = proofs
        .iter()
        .map(|proof| format!("{}: {}", proof.knob, proof.reason))
        .chain(skipped.iter().map(|skipped| format!("{} was not tried: {}", skipped.knob, skipped.why)));
    let mut text = String::new();
    for line in lines {
        match width {
            Some(width) => {
                for line in wrapped(&printable(&line), width) {
                    _ = writeln!(text, "{line}");
                }
            }
            None => _ = writeln!(text, "- {}", escape_markdown(&line)),
        }
    }
    let verified = proofs.iter().filter(|proof| proof.verdict == KnobVerdict::Verified);
    let cards: Vec<String> = verified
        .filter_map(|proof| {
            let card = Card::of(rule(&proof.knob), None, Some(proof))?;
            Some(width.map_or_else(|| card.markdown(), |width| card.text(width)))
        })
        .collect();
    format!("{text}\n{}", cards.join("\n"))
}

/// One card: the sentence to act on first, then labelled lines, and what to paste.
pub(super) struct Card {
    action: String,
    lines: Vec<(&'static str, String)>,
    paste: String,
    after: Vec<(&'static str, String)>,
}

/// Rows of a trial that a card shows.
const SHOWN_ROWS: usize = 4;
/// Columns of the labels.
const LABEL: usize = 12;

impl Card {
    /// The card of a rule, of advice, or of both; `None` of neither.
    pub(super) fn of(
        rule: Option<&Rule>,
        advice: Option<&Recommendation>,
        proof: Option<&Proof>,
    ) -> Option<Self> {
        let own = advice.map(|advice| advice.action.as_str());
        // A card of a report has its proof and says already what follows from it.
        let is_told = advice.is_some_and(|advice| advice.proof.is_some());
        let action = match (own, rule, proof) {
            (_, Some(rule), Some(proof)) if !is_told => headline(rule, proof, own),
            (Some(own), _, _) => own.to_owned(),
            (None, rule, _) => rule?.question.to_owned(),
        };
        let mut card = Self { action, lines: Vec::new(), paste: String::new(), after: Vec::new() };
        card.why(advice, proof);
        card.predicted(rule, advice);
        if let Some(proof) = proof {
            card.tried(proof);
        }
        card.price(rule, advice);
        let how = advice.map_or("", |advice| advice.how.as_str());
        card.paste = match rule.filter(|_| !is_told) {
            Some(rule) => paste(rule, proof, how),
            None => how.to_owned(),
        };
        card.next(rule, proof);
        Some(card)
    }

    /// The card with whether the program that its rule is about is here.
    pub(super) fn with_program(mut self, rule: &Rule, is_here: bool) -> Self {
        let word = if is_here { "is" } else { "is not" };
        for (label, words) in &mut self.after {
            if *label == "needs" {
                *words = format!("{}, which {word} installed here", rule.requires());
            }
        }
        self
    }

    fn line(&mut self, label: &'static str, words: String) {
        if !words.is_empty() {
            self.lines.push((label, words));
        }
    }

    fn why(&mut self, advice: Option<&Recommendation>, proof: Option<&Proof>) {
        let Some(advice) = advice else { return };
        // What only its trial speaks for has the trial's words, which stand below.
        if proof.is_none_or(|proof| proof.reason != advice.because) {
            self.line("because", advice.because.clone());
        }
        let mut run = "";
        for evidence in &advice.evidence {
            // Said once, and again where it changes.
            let of = if run == evidence.run.short() {
                String::new()
            } else {
                format!(" (run {})", evidence.run.short())
            };
            run = evidence.run.short();
            self.line("evidence", format!("{} = {}{of}", evidence.label, evidence.value));
        }
    }

    /// What is predicted from this run, else what others report.
    fn predicted(&mut self, rule: Option<&Rule>, advice: Option<&Recommendation>) {
        let own = advice.and_then(|advice| advice.predicted_change);
        let Some((low, high)) = own.or(rule.and_then(|rule| rule.typical)) else { return };
        let shown = |value: f64| change(Dialect::Ascii, value, None);
        let range = match shown(low) == shown(high) {
            true => shown(low),
            false => format!("{} to {}", shown(low), shown(high)),
        };
        let basis = if own.is_some() { "" } else { ", as others report it" };
        self.line("predicted", format!("{range} time per operation{basis}"));
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
        self.line("where", proof.hw_class.clone());
        self.line("when", format!("{}, tried {times}", timestamp(proof.tried)));
        for changed in &proof.stale {
            self.line("stale", changed.clone());
        }
    }

    /// What it costs; advice says what it means for security among its risks.
    fn price(&mut self, rule: Option<&Rule>, advice: Option<&Recommendation>) {
        match (advice, rule) {
            (Some(advice), _) => {
                self.line("cost", advice.cost.clone());
                let mut parts = advice.risk.split(SECURITY);
                self.line("risk", parts.next().unwrap_or_default().to_owned());
                for part in parts {
                    self.line("security", part.to_owned());
                }
            }
            (None, Some(rule)) => {
                self.line("cost", rule.cost.to_owned());
                self.line("risk", rule.risk.to_owned());
                self.line("security", rule.security.to_owned());
            }
            (None, None) => {}
        }
    }

    /// What stands after the lines to paste: how to try it or prove it again, and which knob this is.
    fn next(&mut self, rule: Option<&Rule>, proof: Option<&Proof>) {
        let trial = rule.and_then(|rule| rule.trial.as_ref());
        match (proof, trial, rule) {
            (Some(proof), _, _) => {
                self.after.push(("again", proof.again.clone()));
                self.after.push(("expires", EXPIRES.to_owned()));
            }
            (None, Some(_), Some(rule)) => {
                self.after.push(("try it", format!("bench-runner knobs try {}", rule.id)));
            }
            (None, None, Some(rule)) if rule.group != KnobGroup::Measurement => {
                self.after.push(("try it", "not here: it is explained only".to_owned()));
            }
            _ => {}
        }
        if let Some(rule) = rule {
            let kind = if rule.state == KnobState::Information {
                " (for information: its price is yours to weigh)"
            } else {
                ""
            };
            if !rule.requires().is_empty() {
                self.after.push(("needs", rule.requires().to_owned()));
            }
            self.after.push(("knob", format!("{}: {}{kind}", rule.id, rule.question)));
        }
    }

    /// For a terminal of that width. What is to be pasted is never broken.
    pub(super) fn text(&self, width: usize) -> String {
        let mut text = String::new();
        for line in wrapped(&printable(&self.action), width) {
            _ = writeln!(text, "{line}");
        }
        let labelled = |text: &mut String, lines: &[(&'static str, String)]| {
            let mut before = "";
            for (label, words) in lines {
                let shown = if *label == before { "" } else { label };
                before = label;
                // What is to be typed stays on one line.
                let typed = matches!(*label, "again" | "try it");
                let room = if typed { usize::MAX } else { width.saturating_sub(LABEL + 2) };
                for (place, line) in wrapped(&printable(words), room).iter().enumerate() {
                    let shown = if place == 0 { shown } else { "" };
                    _ = writeln!(text, "  {shown:<LABEL$}{line}");
                }
            }
        };
        labelled(&mut text, &self.lines);
        if !self.paste.is_empty() {
            text.push_str("  paste\n");
        }
        for line in self.paste.lines() {
            _ = writeln!(text, "    {line}");
        }
        labelled(&mut text, &self.after);
        text
    }

    /// For a page.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.action);
        let labelled = |text: &mut String, lines: &[(&'static str, String)]| {
            for (label, words) in lines {
                _ = writeln!(text, "- **{label}:** {words}");
            }
        };
        labelled(&mut text, &self.lines);
        if !self.paste.is_empty() {
            _ = write!(text, "\n```text\n{}\n```\n\n", self.paste);
        }
        labelled(&mut text, &self.after);
        text
    }
}

/// What stands between a risk and its meaning for security.
const SECURITY: &str = "; security: ";
/// Until when a proof holds.
const EXPIRES: &str = "after 90 days, or with another machine class, configuration, compiler, Cargo.lock, or commit that changes \
                       the benches";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::knobs::rules;
    use crate::model::comparison::Verdict;
    use crate::model::knob::{Confidence, Evidence, ProofRow};
    use crate::model::units::Timestamp;

    fn advice(rule: &Rule) -> Recommendation {
        let run: crate::model::ids::RunId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let number =
            |label: &str| Evidence { label: label.to_owned(), value: "1 µs".to_owned(), run: run.clone() };
        Recommendation {
            knob: rule.id.to_owned(),
            group: rule.group,
            action: "Do what this card says before anything else is done about it, and look at it again afterwards".to_owned(),
            because: "of the numbers".to_owned(),
            evidence: vec![number("t/one"), number("t/two")],
            predicted_change: Some((-0.3, -0.1)),
            confidence: Confidence::Medium,
            cost: rule.cost.to_owned(),
            risk: format!("{}; security: {}; security: the owner's caution", rule.risk, rule.security),
            how: rule.lines(""),
            state: rule.state,
            proof: None,
        }
    }

    fn proof(rule: &Rule, verdict: KnobVerdict) -> Proof {
        Proof {
            experiment: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            knob: rule.id.to_owned(),
            tried: Timestamp(0),
            hw_class: "x86_64/test/2c2t/4g".to_owned(),
            verdict,
            reason: "faster: t/one -20.0 % (-22.0 % to -18.0 %), t/two -19.0 % (-21.0 % to -17.0 %)"
                .to_owned(),
            rows: vec![ProofRow {
                subject: "t/one".to_owned(),
                change: -0.2,
                interval: Some((-0.22, -0.18)),
                level: 0.9975,
                pairs: 20,
                visible_from: Some(0.01),
                verdict: Verdict::Improved,
            }],
            stale: Vec::new(),
            times: 2,
            again: "bench-runner knobs try KNOB".to_owned(),
        }
    }

    /// Every card in both forms: the sentence to act on first, nothing wider than 80 columns but what is to be typed, no label
    /// without words.
    #[test]
    fn cards_fit_80_columns_and_begin_with_what_to_do() {
        for rule in rules() {
            let (given, proven) = (advice(rule), proof(rule, KnobVerdict::Verified));
            let harmful = proof(rule, KnobVerdict::Harmful);
            for (advice, proof) in
                [(None, None), (Some(&given), None), (Some(&given), Some(&proven)), (None, Some(&harmful))]
            {
                let card = Card::of(Some(rule), advice, proof).unwrap();
                let (text, page) = (card.text(80), card.markdown());
                assert!(page.starts_with(&format!("## {}\n", card.action)), "{page}");
                assert!(
                    !text.starts_with(' ') && card.action.starts_with(text.lines().next().unwrap()),
                    "{text}"
                );
                for line in text.lines() {
                    assert!(line.chars().count() <= 80, "{}: {line}", rule.id);
                    assert_eq!(line.trim_end(), line, "{}", rule.id);
                }
                for (label, words) in card.lines.iter().chain(&card.after) {
                    assert!(!label.is_empty() && !words.is_empty(), "{}", rule.id);
                    assert!(page.contains(&format!("- **{label}:** {words}\n")), "{page}");
                }
                let pasted = |line: &str| text.contains(&format!("    {line}\n")) && page.contains(line);
                assert!(card.paste.lines().all(pasted), "{text}");
            }
        }
    }

    #[test]
    fn a_card_says_each_thing_once_and_in_its_place() {
        let rule = rule("machine.governor").unwrap();
        let given = advice(rule);
        let text = Card::of(Some(rule), Some(&given), None).unwrap().text(80);
        assert_eq!(text.matches("(run ").count(), 1, "{text}");
        assert!(
            text.contains("  security    none; setting it takes") && !text.contains("; security: "),
            "{text}"
        );
        assert!(text.contains("the owner's caution"), "{text}");
        let places =
            ["because", "evidence", "predicted", "cost", "risk", "security", "paste", "try it", "knob"].map(
                |label| text.find(&format!("\n  {label}")).unwrap_or_else(|| panic!("no {label}: {text}")),
            );
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{text}");
        // What others report is said to be theirs; what a run predicts is not.
        let typical = super::rule("machine.core-kinds").unwrap();
        assert!(Card::of(Some(typical), None, None).unwrap().text(80).contains("as others report it"));
        assert!(!text.contains("as others report it"));
        // What does harm has nothing to be pasted.
        let harmful = proof(super::rule("build.lto-fat").unwrap(), KnobVerdict::Harmful);
        let card = Card::of(super::rule("build.lto-fat"), None, Some(&harmful)).unwrap();
        assert!(card.action.starts_with("Do not do this here: ") && card.paste.is_empty());
        // A price is told and not advised against; where it is nothing, that is the sentence.
        let checks = super::rule("build.overflow-checks").unwrap();
        let card = |verdict| Card::of(Some(checks), None, Some(&proof(checks, verdict))).unwrap();
        assert!(card(KnobVerdict::Harmful).action.starts_with(checks.question));
        assert!(card(KnobVerdict::NoEffect).action.ends_with("they cost nothing here"));
        assert!(!card(KnobVerdict::Harmful).paste.is_empty());
        // Stale harm commands nothing.
        let old = Proof { stale: vec!["age: 91 days".to_owned()], ..harmful };
        let card = Card::of(super::rule("build.lto-fat"), None, Some(&old)).unwrap();
        assert!(card.action.starts_with("Try again whether"), "{}", card.action);
        // Nothing is made of nothing.
        assert!(Card::of(None, None, None).is_none());
    }
}
