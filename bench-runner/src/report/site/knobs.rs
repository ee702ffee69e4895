//! Knobs: what to turn first, on what evidence, and what turning it gave.

use super::block::{Block, Cell, Document, Grid};
use super::measure::{self, PAGE, minute};
use crate::model::comparison::Verdict;
use crate::model::experiment::{Contrast, ExperimentListing, ExperimentResult};
use crate::model::knob::{KnobGroup, Recommendation};
use crate::model::site::KnobBoard;
use crate::report::format::plural;
use crate::report::view::table::Kind;
use crate::report::view::words::{self, code, strong};
use crate::report::view::{advice, total};

/// Cards at most.
const CARDS: usize = 40;
/// Rows of one experiment at most.
const ROWS: usize = 12;

/// Writes the page.
#[must_use]
pub fn knobs(board: &KnobBoard) -> Document {
    let mut page = Document::new("knobs.html", "Benchmark observatory", "Knobs");
    page.line = match board.advice.first() {
        Some((machine, first)) => {
            let what = match &first.proof {
                Some(proof) => format!("Tried: {}.", proof.reason.trim_end_matches('.')),
                None => format!("Not tried yet; predicted: {}.", advice::predicted(PAGE, first).0),
            };
            format!("First: {} (on {}). {what}", strong(&first.action), code(machine))
        }
        None => "No rule found a knob worth turning in the newest runs.".to_owned(),
    };
    page.command = "bench-runner knobs list".to_owned();
    let mut tried = Vec::new();
    for (listing, result) in &board.tried {
        tried.extend(outcome(listing, result.as_ref()));
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

/// One experiment with its contrasts.
fn outcome(listing: &ExperimentListing, result: Option<&ExperimentResult>) -> Vec<Block> {
    let arms: Vec<String> = listing.arms.iter().map(|arm| code(arm)).collect();
    let title = format!("{} of {}", words::list(&arms), minute(listing.started));
    let mut blocks = vec![Block::Heading(title)];
    let Some(result) = result else {
        blocks.push(Block::Text("It broke off; nothing is concluded.".to_owned()));
        return blocks;
    };
    for contrast in &result.contrasts {
        blocks.push(Block::Table(table(contrast, result.blocks)));
    }
    blocks
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
