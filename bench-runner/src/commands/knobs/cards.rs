//! The cards of a run, as its report has them: what rules found in it, with what trials showed.

use super::super::{Session, load as stored};
use super::CardsArgs;
use super::present::Card;
use crate::analysis::knobs::rule;
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::knob::Recommendation;
use crate::report::format::{Dialect, change};
use crate::ui::table::{Align, Column, Table};

/// Runs `knobs cards`.
pub(super) fn cards(args: &CardsArgs, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = stored::open_to_read(&config)?;
    let run = store.resolve(&args.run)?;
    let advice = stored::report_of(&config, &store, &run)?.recommendations;
    let shown = |as_text: &dyn Fn(&Card) -> String| -> String {
        let cards = advice.iter().filter_map(|one| Card::of(rule(&one.knob), Some(one), one.proof.as_ref()));
        cards.map(|card| as_text(&card)).collect::<Vec<_>>().join("\n")
    };
    let text = match session.format {
        Format::Text if advice.is_empty() => "no rule found anything worth turning".to_owned(),
        Format::Text => shown(&|card| card.text(session.style.width)),
        Format::Markdown => shown(&Card::markdown),
        Format::Csv => table(&advice).csv(),
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/knobs-cards", "version": 1, "run": run, "cards": stored::json_of(&advice)?,
        })
        .to_string(),
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

fn table(advice: &[Recommendation]) -> Table {
    let column = |title| Column { title, align: Align::Left, drop_order: 0 };
    let row = |one: &Recommendation| {
        let predicted = one.predicted_change.map_or_else(String::new, |(low, high)| {
            format!("{} to {}", change(Dialect::Ascii, low, None), change(Dialect::Ascii, high, None))
        });
        let tried = one.proof.as_ref().map_or_else(String::new, super::present::verdict);
        vec![one.knob.clone(), one.action.clone(), predicted, tried]
    };
    Table {
        columns: ["knob", "action", "predicted", "tried"].map(column).into(),
        rows: advice.iter().map(row).collect(),
    }
}
