//! Knobs: what to turn first, on what evidence, and what turning it gave.

use std::collections::BTreeMap;

use super::block::{Block, Cell, Document, Grid};
use super::measure::{self, PAGE, minute};
use crate::model::comparison::Verdict;
use crate::model::experiment::{Contrast, ExperimentListing, ExperimentResult};
use crate::model::ids::RunId;
use crate::model::knob::{KnobGroup, Proof, Recommendation};
use crate::model::site::KnobBoard;
use crate::report::format::{change, percent, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::{self, code, strong};
use crate::report::view::{advice, total};

/// Cards at most.
const CARDS: usize = 40;
/// Rows of one experiment at most.
const ROWS: usize = 12;

/// Writes the page; `proofs` are what trials showed, by experiment.
#[must_use]
pub fn knobs(board: &KnobBoard, proofs: &BTreeMap<RunId, Proof>) -> Document {
    let mut page = Document::new("knobs.html", "Benchmark observatory", "Knobs");
    page.line = match board.advice.first() {
        Some((machine, first)) => {
            let what = match &first.proof {
                // The rest of the reason stands on the card.
                Some(proof) => {
                    let reason = proof.reason.split(';').next().unwrap_or_default();
                    format!("Tried: {}: {}.", advice::verdict(proof), reason.trim_end_matches('.'))
                }
                None => format!("Not tried yet; predicted: {}.", advice::predicted(PAGE, first).0),
            };
            format!("First: {} (on {}). {what}", strong(&first.action), code(machine))
        }
        None => "No rule found a knob worth turning in the newest runs.".to_owned(),
    };
    page.command = "bench-runner knobs list".to_owned();
    let mut tried = Vec::new();
    for (listing, result) in &board.tried {
        tried.extend(outcome(listing, result.as_ref(), proofs.get(&listing.id)));
    }
    for (place, (machine, advice)) in board.advice.iter().take(CARDS).enumerate() {
        let title = format!("{}. {}", place + 1, crate::report::escape::visible(&advice.action, false));
        page.section(
            &format!("knob-{}", place + 1),
            &words::unmarked(&title).replace('`', ""),
            card(machine, advice),
        );
    }
    if tried.is_empty() {
        tried.push(Block::Text(
            "Nothing was tried yet. A trial measures the project with and without a knob in turns on one machine, and says what turning gave."
                .to_owned(),
        ));
        tried.push(Block::Code("bench-runner knobs list --tryable\nbench-runner knobs try KNOB".to_owned()));
    }
    page.section("tried", "Tried, and what it gave", tried);
    page
}

fn card(machine: &str, advice: &Recommendation) -> Vec<Block> {
    let (predicted, confidence) = advice::predicted(PAGE, advice);
    let place = match advice.group {
        KnobGroup::Caller => "in the caller",
        KnobGroup::Build => "in the build",
        KnobGroup::Machine => "on the machine",
        KnobGroup::Measurement => "in the measurement",
    };
    // A card that only its trial speaks for repeats the trial's words and predicts nothing.
    let only_tried = advice.proof.as_ref().is_some_and(|proof| proof.reason == advice.because);
    let mut facts = Vec::new();
    if !only_tried {
        facts.push(("Predicted".to_owned(), strong(&predicted)));
        if !confidence.is_empty() {
            facts.push(("Confidence".to_owned(), confidence.to_owned()));
        }
    }
    let proof = advice.proof.iter().flat_map(|proof| advice::proven(PAGE, proof));
    facts.extend(proof.map(|(label, words)| (label.to_owned(), words)));
    if !only_tried {
        facts.push(("Why".to_owned(), advice.because.clone()));
    }
    facts.extend([
        ("Cost".to_owned(), advice.cost.clone()),
        ("Risk".to_owned(), advice.risk.clone()),
        ("Place".to_owned(), format!("{place}, by the newest run on {}", code(machine))),
    ]);
    for evidence in advice.evidence.iter().take(8) {
        let text = format!("{}: {} (run {})", evidence.label, evidence.value, code(evidence.run.short()));
        facts.push(("Evidence".to_owned(), text));
    }
    let mut blocks = vec![Block::Facts(facts)];
    if !advice.how.is_empty() {
        blocks.push(Block::Code(advice.how.clone()));
    }
    blocks
}

/// One experiment with what it proved; with its contrasts where it was no trial of a knob.
fn outcome(
    listing: &ExperimentListing,
    result: Option<&ExperimentResult>,
    proof: Option<&Proof>,
) -> Vec<Block> {
    let arms: Vec<String> = listing.arms.iter().map(|arm| code(arm)).collect();
    let what = proof.map_or_else(|| words::list(&arms), |proof| code(&proof.knob));
    let mut blocks = vec![Block::Heading(format!("{what} of {}", minute(listing.started)))];
    if let Some(proof) = proof {
        let facts = advice::proven(PAGE, proof).into_iter().filter(|(label, _)| *label != "Measured");
        blocks.push(Block::Facts(facts.map(|(label, words)| (label.to_owned(), words)).collect()));
        // The two arms of a trial within one suite are equal: what it compares stands in its rows.
        blocks.extend((!proof.rows.is_empty()).then(|| Block::Table(rows_of(proof))));
        return blocks;
    }
    let Some(result) = result else {
        blocks.push(Block::Text("It broke off; nothing is concluded.".to_owned()));
        return blocks;
    };
    for contrast in &result.contrasts {
        blocks.push(Block::Table(table(contrast, result.blocks)));
    }
    blocks
}

/// The rows of a trial, judged together with the rest of its session.
fn rows_of(proof: &Proof) -> Grid {
    let columns = [
        ("Verdict", Kind::Text),
        ("Benchmark", Kind::Text),
        ("Change", Kind::Number),
        ("Visible from", Kind::Number),
        ("Pairs", Kind::Number),
    ];
    let mut grid = Grid::new(format!("What {} was measured on", proof.knob), &columns);
    for row in proof.rows.iter().take(ROWS) {
        let seen = row.visible_from.map_or_else(|| PAGE.nothing().to_owned(), |seen| percent(PAGE, seen, 1));
        grid.rows.push(vec![
            Cell::toned(words::verdict(row.verdict, PAGE), words::verdict_tone(row.verdict)),
            Cell::text(code(&row.subject)),
            Cell::text(change(PAGE, row.change, row.interval)).by(1.0 + row.change),
            Cell::text(seen),
            Cell::text(row.pairs.to_string()),
        ]);
    }
    let rest = proof.rows.len().saturating_sub(ROWS);
    if rest > 0 {
        grid.note = format!("{} more are not listed.", plural(total(rest), "row"));
    }
    grid
}

fn table(contrast: &Contrast, blocks: u32) -> Grid {
    let mut grid = Grid::new(
        format!("{} against {}", contrast.candidate, contrast.baseline),
        &[("Verdict", Kind::Text), ("Benchmark", Kind::Text), ("Change", Kind::Number), ("Why", Kind::Text)],
    );
    let mut rows: Vec<_> = contrast.rows.iter().collect();
    rows.sort_by_key(|row| (row.verdict == Verdict::Unchanged, row.verdict));
    for row in rows.iter().take(ROWS) {
        grid.rows.push(vec![
            Cell::toned(words::verdict(row.verdict, PAGE), words::verdict_tone(row.verdict)),
            Cell::text(code(&measure::name(&row.benchmark))),
            Cell::text(measure::change(row.ratio, row.ratio_interval)).by(row.ratio),
            Cell::text(row.reason.clone()),
        ]);
    }
    let rest = contrast.rows.len().saturating_sub(ROWS);
    let rest = if rest == 0 {
        String::new()
    } else {
        format!(" {} more are not listed.", plural(total(rest), "row"))
    };
    grid.note = format!(
        "{} that count, each experiment judged by itself. A card judges all knobs that were tried together: its interval is at least as wide, \
         and with few blocks its last digits may differ.{rest}",
        plural(u64::from(blocks), "block")
    );
    grid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::experiment::Purpose;
    use crate::model::knob::{Confidence, KnobState, KnobVerdict, ProofRow};
    use crate::model::units::Timestamp;

    fn proof(verdict: KnobVerdict, stale: &[&str]) -> Proof {
        Proof {
            experiment: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            knob: "caller.key-table".to_owned(),
            tried: Timestamp(0),
            hw_class: "x".to_owned(),
            verdict,
            reason: "faster: t/a -> t/b -50.0 %; judged alone".to_owned(),
            rows: vec![ProofRow {
                subject: "t/a -> t/b".to_owned(),
                change: -0.5,
                interval: Some((-0.6, -0.4)),
                level: 0.99,
                pairs: 32,
                visible_from: Some(0.03),
                verdict: Verdict::Improved,
            }],
            stale: stale.iter().map(|&text| text.to_owned()).collect(),
            times: 1,
            again: "bench-runner knobs try caller.key-table".to_owned(),
        }
    }

    /// A trial within one suite has two equal arms: its page shows what was compared, and what it proved.
    #[test]
    fn a_trial_shows_its_verdict_and_its_rows() {
        let page = |stale: &[&str]| {
            let proof = proof(KnobVerdict::Verified, stale);
            let listing = ExperimentListing {
                id: proof.experiment.clone(),
                purpose: Purpose::Knob,
                started: Timestamp(0),
                finished: Some(Timestamp(1)),
                arms: vec!["as it is".to_owned(), "the same again".to_owned()],
                launches: 64,
            };
            let card = Recommendation {
                knob: proof.knob.clone(),
                group: KnobGroup::Caller,
                action: "Keep a table".to_owned(),
                because: "numbers".to_owned(),
                evidence: Vec::new(),
                predicted_change: None,
                confidence: Confidence::High,
                cost: "memory".to_owned(),
                risk: "none".to_owned(),
                how: String::new(),
                state: KnobState::Candidate,
                proof: Some(proof.clone()),
            };
            let board = KnobBoard { advice: vec![("m".to_owned(), card)], tried: vec![(listing, None)] };
            knobs(&board, &BTreeMap::from([(proof.experiment.clone(), proof)]))
        };
        let fresh = page(&[]);
        assert!(fresh.line.ends_with("Tried: VERIFIED: faster: t/a -> t/b -50.0 %."), "{}", fresh.line);
        assert!(page(&["compiler: 1 -> 2"]).line.contains("Tried: STALE, was VERIFIED: faster"));
        let tried = fresh.sections.iter().find(|section| section.id == "tried").unwrap();
        let shown = format!("{:?}", tried.blocks);
        for words in ["VERIFIED", "t/a -> t/b", "caller.key-table", "knobs try caller.key-table"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert!(!shown.contains("the same again"), "{shown}");
    }
}
