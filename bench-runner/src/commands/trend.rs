//! `bench-runner trend`: is tonight fine, what moved since when, and what was looked at.

mod gather;

use std::path::PathBuf;

use super::{Session, load, machine, sheet};
use crate::analysis::identity;
use crate::analysis::trend::NIGHT;
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::run::{RunKind, RunStatus};
use crate::model::trend::TrendReport;
use crate::model::units::Timestamp;
use crate::report::format::{append, timestamp};
use crate::report::trend_sheet;
use crate::store::RunFilter;
use crate::ui::table::quote_csv;

pub(super) use gather::{MOST_NIGHTS, Wish, cause_of, newest_night, put_down, report_of};

/// Age in microseconds up to which a run counts for [`Args::has`]: less than a night, so that the next night is measured anew.
const SAME_NIGHT: i64 = NIGHT / 4 * 3;

/// Say whether tonight is fine, and what moved since when
///
/// The first line answers: fine, how many got slower, cannot tell, or since when nothing was measured. Then what needs a person,
/// worst first, with the nights as a line of blocks, the commits between which it happened, and the cause as far as the records
/// tell; what could not be told and why; good news; machines with their noise and missed nights; what was not run; what was
/// checked. Steps that move together are one row. Nothing is measured, and nothing in the store changes. `--imported` searches
/// the histories that `import` brought in, and judges nothing. Ends with 4 when nothing was ever measured, otherwise with 0:
/// `gate` is what fails a night.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this machine, by key or label
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Nights to look back, 30 by default, and of imported histories all, up to ten years
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_NIGHTS)))]
    nights: Option<u32>,
    /// Search imported histories instead of measured nights; what counts as now is then their newest run
    #[arg(long)]
    imported: bool,
    /// Write `trend.md`, `trend.html` and `trend.json` into this folder too
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The moment that counts as now, as RFC 3339, for a trend as it was or would be
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<Timestamp>,
    /// Only end with 0 when this machine has a complete run of that commit tonight, else with 4
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["machine", "out", "imported"])]
    has: Option<String>,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let stamp: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Ok(Timestamp(stamp.as_microsecond()))
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, or there is no such machine.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    if let Some(commit) = &args.has {
        return has(commit, &config, args.now.unwrap_or_else(clock::now));
    }
    let store = load::open_to_read(&config)?;
    let machine = args.machine.as_deref();
    let wish = Wish { machine, nights: args.nights, now: args.now, imported: args.imported };
    let mut report = report_of(&wish, &config, &store)?;
    put_down(&mut report, &config, &store)?;
    let imported = if args.imported { " --imported" } else { "" };
    let mut command = format!("bench-runner trend{imported} --nights {}", report.nights);
    if let Some(machine) = machine {
        append(&mut command, format_args!(" --machine {machine}"));
    }
    append(&mut command, format_args!(" --now {}", timestamp(report.now)));
    let made = sheet::Made {
        sheet: &|dialect| trend_sheet(&report, &command, dialect),
        json: serde_json::json!({
            "schema": "bench-runner/trend", "version": 1, "trend": load::json_of(&report)?,
        }),
        csv: csv(&report),
        name: "trend",
    };
    sheet::show(&made, args.out.as_deref(), &config, session)?;
    Ok(if report.newest.is_none() { exit_code::NOTHING } else { exit_code::DONE })
}

/// Whether this machine measured a commit tonight. A store that is not there yet has measured nothing.
fn has(commit: &str, config: &Config, now: Timestamp) -> Result<ExitCode, CliError> {
    if !config.store.exists() {
        return Ok(exit_code::NOTHING);
    }
    let store = load::open_to_read(config)?;
    let filter = RunFilter {
        kind: Some(RunKind::Measured),
        status: Some(RunStatus::Complete),
        machine: Some(identity::machine(&machine::machine_id(&config.store), None)),
        since: Some(Timestamp(now.0.saturating_sub(SAME_NIGHT))),
        ..RunFilter::default()
    };
    let runs = store.runs(&filter, u32::MAX)?;
    let there = runs.iter().any(|run| run.commit.as_deref() == Some(commit));
    Ok(if there { exit_code::DONE } else { exit_code::NOTHING })
}

fn csv(report: &TrendReport) -> String {
    let mut text =
        "list,machine,benchmark,ratio,low,high,since,first_run,runs,commit_before,commit,state,change,cause\n"
            .to_owned();
    let lists = [("slower", &report.slower), ("faster", &report.faster), ("decided", &report.decided)];
    for (name, changes) in lists {
        for change in changes {
            for moved in &change.members {
                let bound = |pick: fn((f64, f64)) -> f64| {
                    moved.interval.map_or_else(String::new, |interval| pick(interval).to_string())
                };
                let machine = report.machines.get(change.machine).map_or("", |one| one.machine.as_str());
                let state = format!("{:?}", change.state).to_lowercase();
                let cells = [
                    name.to_owned(),
                    quote_csv(machine),
                    quote_csv(&moved.benchmark.long_name()),
                    moved.ratio.to_string(),
                    bound(|interval| interval.0),
                    bound(|interval| interval.1),
                    timestamp(change.since),
                    change.first.to_string(),
                    change.runs.to_string(),
                    change.commits.0.clone().unwrap_or_default(),
                    change.commits.1.clone().unwrap_or_default(),
                    state,
                    moved.name.clone(),
                    change.cause.as_ref().map_or("", |cause| cause.cause.word()).to_owned(),
                ];
                text.push_str(&cells.join(","));
                text.push('\n');
            }
        }
    }
    text
}
