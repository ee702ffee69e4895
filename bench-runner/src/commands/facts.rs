//! Facts for a person: grouped text that fits the terminal, and one table for everything else.
//!
//! A value is never shown without its status, and a missing one never without its reason.

use crate::model::fact::{Fact, FactStatus, FactValue, catalogue};
use crate::report::format::{self, Dialect};
use crate::ui::table::{Align, Column, Table};

/// Column at which values begin.
const VALUES: usize = 21;

/// Facts under the first part of their key, in the order of the catalogue; keys that it does not know come last.
///
/// What is simply known stands as its value; for anything else the status comes first and the reason after it.
pub(super) fn text(facts: &[&Fact], width: usize) -> String {
    let place = |key: &str| catalogue::CATALOGUE.iter().position(|entry| entry.key == key);
    let mut sorted: Vec<&Fact> = facts.to_vec();
    sorted.sort_by_key(|fact| (place(&fact.key).unwrap_or(usize::MAX), fact.key.clone(), fact.phase));
    let mut text = String::new();
    let mut group = "";
    for fact in sorted {
        let (first, rest) = fact.key.split_once('.').unwrap_or(("other", &fact.key));
        if first != group {
            group = first;
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(group);
            text.push('\n');
        }
        let value = value_text(fact);
        let said = match (fact.status, value.is_empty()) {
            (FactStatus::Ok | FactStatus::Derived, false) => value,
            (FactStatus::Ok | FactStatus::Derived, true) => "none".to_owned(),
            (status, true) => format!("{}: {}", word(status), fact.source),
            (status, false) => format!("{value} ({}: {})", word(status), fact.source),
        };
        let line = format!("  {rest:<width$} {said}", width = VALUES - 3);
        text.push_str(&super::doctor::wrap(&line, width, &" ".repeat(VALUES)));
    }
    text
}

fn word(status: FactStatus) -> &'static str {
    match status {
        FactStatus::Ok => "ok",
        FactStatus::Unknown => "unknown",
        FactStatus::Denied => "denied",
        FactStatus::Hidden => "hidden",
        FactStatus::Placeholder => "placeholder",
        FactStatus::NotApplicable => "not applicable",
        FactStatus::Derived => "derived",
    }
}

/// Facts as a table: a value is never shown without its status.
pub(super) fn table(facts: &[&Fact]) -> Table {
    let column = |title, drop_order| Column { title, align: Align::Left, drop_order };
    Table {
        columns: vec![column("fact", 0), column("status", 0), column("value", 0), column("source", 1)],
        rows: facts
            .iter()
            .map(|fact| {
                let value = value_text(fact);
                vec![fact.key.clone(), word(fact.status).to_owned(), value, fact.source.clone()]
            })
            .collect(),
    }
}

/// The value with its unit; empty where there is none.
fn value_text(fact: &Fact) -> String {
    let number = |number: f64| match fact.unit.as_str() {
        "B" => format::bytes(Dialect::Ascii, number),
        "s" => format::seconds(Dialect::Ascii, number),
        "Hz" => format::Scale::si(Dialect::Ascii, "Hz", [number]).show(number, None),
        unit => format!("{number} {unit}").trim_end().to_owned(),
    };
    match &fact.value {
        None => String::new(),
        #[expect(clippy::cast_precision_loss, reason = "shown with four digits")]
        Some(FactValue::Integer(whole)) => number(*whole as f64),
        Some(FactValue::Number(real)) => number(*real),
        Some(FactValue::Flag(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(FactValue::Text(text)) => text.clone(),
        Some(FactValue::List(items)) => items.join(", "),
    }
}
