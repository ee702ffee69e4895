//! `bench-runner gate [RUN]`: the budgets judged on a stored run.

use super::{Session, load};
use crate::analysis::gate::{GateSummary, summarize};
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::gate::{GateOutcome, GateVerdict, Per};
use crate::report::format::{Dialect, Scale, percent};
use crate::ui::table::{Align, Column, Table};

/// Judge the budgets of the configuration on a stored run
///
/// The whole interval decides: inside is a pass, outside a failure, straddling is inconclusive. A budget of another
/// machine class is listed as not applicable.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `latest`, a run id, or four or more characters of its beginning or end
    #[arg(default_value = "latest", value_name = "RUN")]
    run: String,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, there is no such run, or no budget is configured.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    if config.budgets.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, "no budget is configured: nothing was judged")
            .hinted(Some("add a `[[budget]]` to bench-runner.toml".to_owned())));
    }
    let content = load::report_of(&config, &store, &store.resolve(&args.run)?)?;
    let items = content.gates.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &table(&content.gates), "bench-runner/gate", &items)?;
    Ok(code(&content.gates))
}

/// The exit code of all outcomes together.
pub(super) fn code(outcomes: &[GateOutcome]) -> ExitCode {
    match summarize(outcomes) {
        GateSummary::Passed => exit_code::DONE,
        GateSummary::Failed => exit_code::GATE_FAILED,
        GateSummary::Missing => exit_code::COVERAGE,
        GateSummary::Inconclusive => exit_code::INCONCLUSIVE,
        // Nothing was judged: that is not a pass.
        GateSummary::NotComparable | GateSummary::NotApplicable => exit_code::NOT_COMPARABLE,
        GateSummary::NoBudgets => exit_code::NOTHING,
    }
}

fn table(outcomes: &[GateOutcome]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("budget", Align::Left, 0),
            column("verdict", Align::Left, 0),
            column("limit", Align::Right, 0),
            column("value", Align::Right, 0),
            column("headroom", Align::Right, 1),
            column("why", Align::Left, 2),
        ],
        rows: outcomes.iter().map(row).collect(),
    }
}

fn row(outcome: &GateOutcome) -> Vec<String> {
    let verdict = match outcome.verdict {
        GateVerdict::Pass => "pass",
        GateVerdict::Fail => "FAIL",
        GateVerdict::Inconclusive => "inconclusive",
        GateVerdict::NotComparable => "not comparable",
        GateVerdict::NotApplicable => "not applicable",
        GateVerdict::Missing => "MISSING",
    };
    let per = match outcome.budget.per {
        Per::Iteration => "",
        Per::Element => "/op",
    };
    // One unit a row, chosen from its smallest value.
    let scale =
        Scale::time(Dialect::Ascii, [Some(outcome.budget.limit_ns), outcome.value_ns].into_iter().flatten());
    let time = |value: f64| format!("{}{per}", scale.show(value, None));
    vec![
        outcome.budget.id.clone(),
        verdict.to_owned(),
        time(outcome.budget.limit_ns),
        outcome.value_ns.map_or_else(|| "-".to_owned(), time),
        outcome.headroom.map_or_else(|| "-".to_owned(), |room| percent(Dialect::Ascii, room, 1)),
        outcome.reason.clone(),
    ]
}
