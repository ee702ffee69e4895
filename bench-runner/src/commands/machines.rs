//! `bench-runner machines [ID]`: who measured.

use super::{Session, load};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::FactValue;
use crate::model::fact::{Fact, FactStatus, Phase};
use crate::model::record::MachineListing;
use crate::report::format::{self, Dialect, timestamp};
use crate::ui::table::{Align, Column, Table};

/// List machines, or show one with the facts of its newest run
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Machine key or label
    #[arg(value_name = "MACHINE")]
    machine: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, or there is no such machine.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let store = load::open_to_read(&session.config()?)?;
    let machines = store.machines()?;
    let Some(wanted) = &args.machine else {
        let items = machines.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
        load::show(session, &table(&machines), "bench-runner/machines", &items)?;
        return Ok(exit_code::DONE);
    };
    let known =
        |machine: &&MachineListing| machine.machine == *wanted || machine.label.as_ref() == Some(wanted);
    let machine = machines.iter().find(known).ok_or_else(|| {
        CliError::new(exit_code::NOTHING, format!("no machine is called `{wanted}`"))
            .hinted(Some("`bench-runner machines` lists them".to_owned()))
    })?;
    let facts: Vec<Fact> = store.run(&machine.latest_run)?.facts;
    let start: Vec<&Fact> = facts.iter().filter(|fact| fact.phase == Phase::Start).collect();
    let items = start.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &fact_table(&start), "bench-runner/machine", &items)?;
    Ok(exit_code::DONE)
}

fn table(machines: &[MachineListing]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("machine", Align::Left, 0),
            column("hardware class", Align::Left, 0),
            column("runs", Align::Right, 1),
            column("latest", Align::Left, 2),
            column("configurations", Align::Left, 3),
        ],
        rows: machines
            .iter()
            .map(|machine| {
                vec![
                    machine.label.clone().unwrap_or_else(|| machine.machine.clone()),
                    machine.hw_class.clone(),
                    machine.runs.to_string(),
                    timestamp(machine.latest),
                    machine.configs.join(" | "),
                ]
            })
            .collect(),
    }
}

/// Facts as a table: a value is never shown without its status.
pub(super) fn fact_table(facts: &[&Fact]) -> Table {
    let column = |title, drop_order| Column { title, align: Align::Left, drop_order };
    Table {
        columns: vec![column("fact", 0), column("status", 0), column("value", 0), column("source", 1)],
        rows: facts
            .iter()
            .map(|fact| {
                let status = match fact.status {
                    FactStatus::Ok => "ok",
                    FactStatus::Unknown => "unknown",
                    FactStatus::Denied => "denied",
                    FactStatus::Hidden => "hidden",
                    FactStatus::Placeholder => "placeholder",
                    FactStatus::NotApplicable => "not applicable",
                    FactStatus::Derived => "derived",
                };
                let value = value_text(fact);
                vec![fact.key.clone(), status.to_owned(), value, fact.source.clone()]
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
