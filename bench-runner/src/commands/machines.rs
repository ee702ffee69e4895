//! `bench-runner machines [ID]`: who measured, in which modes, how noisily, and what changed on the way.

use std::fmt::Write as _;

use super::{Session, load};
use crate::analysis::machines::profile;
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::{Fact, Phase};
use crate::model::machines::MachineProfile;
use crate::model::record::MachineListing;
use crate::model::run::{Run, RunKind};
use crate::report::format::{Dialect, percent, timestamp};
use crate::store::{RunFilter, Store};
use crate::ui::table::{Align, Column, Table};

/// Runs of a machine that are looked at, the newest.
const LOOKED_AT: u32 = 1000;

/// List machines, or show one: its modes, its noise over time, the facts that changed, and those of its newest run
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
    let profile = profile_of(&store, machine)?;
    let text = match session.format {
        Format::Csv => super::facts::table(&start).csv(),
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/machine", "version": 2,
            "profile": load::json_of(&profile)?, "facts": load::json_of(&start)?,
        })
        .to_string(),
        Format::Markdown => page(&profile, &super::facts::table(&start).markdown(), &Table::markdown),
        Format::Text => {
            let width = session.style.width;
            page(&profile, &super::facts::text(&start, width), &|table| table.text(width))
        }
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

/// Reads what the store has about a machine and puts it in order.
fn profile_of(store: &Store, machine: &MachineListing) -> Result<MachineProfile, CliError> {
    let filter = RunFilter { machine: Some(machine.machine.clone()), ..RunFilter::default() };
    let mut runs: Vec<Run> = Vec::new();
    for listed in store.runs(&filter, LOOKED_AT)? {
        if listed.kind == RunKind::Measured {
            runs.push(store.run(&listed.id)?);
        }
    }
    let mut histories = Vec::new();
    for key in store.series(None)? {
        if key.machine == machine.machine && key.recipe == machine.recipe {
            histories.push(store.history(&key)?);
        }
    }
    Ok(profile(machine, &runs, &histories))
}

/// The profile as sections, then the facts.
fn page(profile: &MachineProfile, facts: &str, show: &dyn Fn(&Table) -> String) -> String {
    let machine = &profile.machine;
    let label = machine.label.as_ref().map_or(String::new(), |label| format!(" ({label})"));
    let mut text = format!("{}{label}\n{}\n\n", machine.machine, machine.hw_class);
    _ = write!(text, "Modes seen\n\n{}", show(&mode_table(profile)));
    _ = write!(text, "\nNoise over time\n\n{}", show(&noise_table(profile)));
    if profile.steps.is_empty() {
        text.push_str("\nNo fact changed between runs in which it was known.\n");
    } else {
        _ = write!(text, "\nFacts that changed\n\n{}", show(&step_table(profile)));
    }
    _ = write!(text, "\nFacts of its newest run\n\n{facts}");
    text
}

fn mode_table(profile: &MachineProfile) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("configuration", Align::Left, 0),
            column("runs", Align::Right, 0),
            column("first", Align::Left, 2),
            column("latest", Align::Left, 1),
        ],
        rows: profile
            .modes
            .iter()
            .map(|mode| {
                vec![
                    mode.config.clone(),
                    mode.runs.to_string(),
                    timestamp(mode.first),
                    timestamp(mode.latest),
                ]
            })
            .collect(),
    }
}

fn noise_table(profile: &MachineProfile) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let unknown = || "unknown".to_owned();
    Table {
        columns: vec![
            column("started", Align::Left, 0),
            column("run", Align::Left, 2),
            column("launch to launch", Align::Right, 0),
            column("benchmarks", Align::Right, 3),
            column("clock GHz", Align::Right, 1),
            column("made again", Align::Right, 1),
            column("grade", Align::Left, 1),
        ],
        rows: profile
            .noise
            .iter()
            .map(|noise| {
                vec![
                    timestamp(noise.started),
                    noise.run.to_string(),
                    noise.log_sd.map_or_else(unknown, |spread| percent(Dialect::Ascii, spread.exp_m1(), 2)),
                    noise.benchmarks.to_string(),
                    noise.clock_ghz.map_or_else(unknown, |ghz| format!("{ghz:.2}")),
                    format!("{} of {}", noise.repeated.0, noise.repeated.1),
                    noise.grade.clone().unwrap_or_else(unknown),
                ]
            })
            .collect(),
    }
}

fn step_table(profile: &MachineProfile) -> Table {
    let column = |title, drop_order| Column { title, align: Align::Left, drop_order };
    Table {
        columns: vec![
            column("since", 0),
            column("fact", 0),
            column("before", 0),
            column("after", 0),
            column("run", 1),
        ],
        rows: profile
            .steps
            .iter()
            .map(|step| {
                vec![
                    timestamp(step.started),
                    step.key.clone(),
                    step.before.clone(),
                    step.after.clone(),
                    step.run.to_string(),
                ]
            })
            .collect(),
    }
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
