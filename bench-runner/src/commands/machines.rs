//! `bench-runner machines [ID]`: who measured.

use super::{Session, load};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::{Fact, Phase};
use crate::model::record::MachineListing;
use crate::report::format::timestamp;
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
    if session.format == Format::Text {
        session.answer(&super::facts::text(&start, session.style.width))?;
    } else {
        load::show(session, &super::facts::table(&start), "bench-runner/machine", &items)?;
    }
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
