//! `bench-runner gate init`: budgets proposed from history, to be pasted into the configuration.

use std::fmt::Write as _;

use super::judge::{lines_of, newest};
use crate::analysis::gate::history::belongs;
use crate::analysis::gate::propose::{FEWEST_NIGHTS, Proposal, propose};
use crate::cli::Format;
use crate::commands::{Session, load};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::ChangeState;
use crate::model::run::Run;
use crate::report::format::{Dialect, percent};
use crate::ui::table::{Align, Column, Table};

/// Propose budgets from history, with the false alarms that each would have raised
///
/// Each limit belongs to the hardware class of the run. The number of nights that would have failed is counted on the same nights
/// that the limit was chosen from: it is what has been, not what will be.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run whose benchmarks, machine and settings count; without it, the newest of this machine that may be judged
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Room above what history showed, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 3.0, value_parser = room)]
    room: f64,
}

fn room(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(room) if (0.0..=1000.0).contains(&room) => Ok(room),
        _ => Err(format!("`{text}` is not a share between 0 and 1000 per cent")),
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let id = match &args.run {
        Some(text) => store.resolve(text)?,
        None => newest(&store)?,
    };
    let run = store.run(&id)?;
    // The run itself is one of the nights.
    let mut comparable = store.comparable_runs(&id)?;
    comparable.push(id);
    let changes = store.changes()?;
    let proposals: Vec<Proposal> = lines_of(&store, &run)?
        .iter()
        .filter_map(|line| {
            let begin = changes
                .iter()
                .rev()
                .find(|change| belongs(change, line) && change.state == ChangeState::Accepted);
            propose(line, &comparable, begin.map(|change| &change.first_run), args.room / 100.0)
        })
        .collect();
    if proposals.is_empty() {
        let text = format!(
            "no series has {FEWEST_NIGHTS} comparable nights of at least 3 launches: there is nothing to propose from"
        );
        return Err(CliError::new(exit_code::NOTHING, text)
            .hinted(Some("measure more nights with the same settings".to_owned())));
    }
    match session.format {
        Format::Text => session.answer(&toml(&proposals, &run))?,
        Format::Markdown => session.answer(&format!("```toml\n{}```\n", toml(&proposals, &run)))?,
        Format::Csv | Format::Json | Format::Jsonl => {
            let items = proposals.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
            load::show(session, &table(&proposals), "bench-runner/proposals", &items)?;
        }
    }
    Ok(exit_code::DONE)
}

/// Budgets in the form of the configuration.
fn toml(proposals: &[Proposal], run: &Run) -> String {
    let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "# Proposed from the nights comparable with run {}, for that hardware class only.\n\
         # False alarms are counted on the same nights that the limits were chosen from.\n",
        run.id
    );
    for proposal in proposals {
        let name = proposal.benchmark.to_string();
        _ = write!(
            text,
            "\n# {} of {} nights would have failed (at most {}, 95 %), {} would have been inconclusive\n\
             [[budget]]\nid = {}\nbenchmark = {}\nlimit = \"{} ns\"\nhw_class = {}\n",
            proposal.failed,
            proposal.nights,
            percent(Dialect::Ascii, proposal.failed_at_most, 1),
            proposal.inconclusive,
            quote(&name),
            quote(&name),
            digits(proposal.limit_ns),
            quote(&run.identity.hw_class),
        );
    }
    text
}

/// A limit of three significant digits without rounding errors behind them.
fn digits(limit: f64) -> String {
    let decimals = if limit >= 100.0 { 0 } else { 6 };
    let text = format!("{limit:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

fn table(proposals: &[Proposal]) -> Table {
    let column = |title, align| Column { title, align, drop_order: 0 };
    Table {
        columns: vec![
            column("benchmark", Align::Left),
            column("limit_ns", Align::Right),
            column("nights", Align::Right),
            column("failed", Align::Right),
            column("inconclusive", Align::Right),
            column("failed_at_most", Align::Right),
        ],
        rows: proposals
            .iter()
            .map(|proposal| {
                vec![
                    proposal.benchmark.to_string(),
                    digits(proposal.limit_ns),
                    proposal.nights.to_string(),
                    proposal.failed.to_string(),
                    proposal.inconclusive.to_string(),
                    proposal.failed_at_most.to_string(),
                ]
            })
            .collect(),
    }
}
