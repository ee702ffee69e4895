//! `bench-runner show [RUN]`: one run in the terminal.

mod ratios;

use super::{Session, load};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::report::RunReport;
use crate::report;
use crate::ui::table::{Align, Column, Table};

/// Show one run: verdicts, results, findings
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `latest`, a run id, or four or more characters of its beginning or end
    #[arg(default_value = "latest", value_name = "RUN")]
    run: String,
    /// Only a table of ratios between the functions of the groups that match, as `target/group`
    #[arg(long, value_name = "REGEX", requires = "against")]
    table: Option<String>,
    /// The function that the others of its group are divided by; the first named one that a group has is taken
    #[arg(long, value_name = "FUNCTION", requires = "table")]
    against: Vec<String>,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, or there is no such run.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let content = load::report_of(&config, &store, &store.resolve(&args.run)?)?;
    if let Some(pattern) = &args.table {
        return ratios::run(&content, pattern, &args.against, session);
    }
    let style = session.style;
    let text = match session.format {
        Format::Text => {
            let recent = load::recent(&store, &content.run)?;
            report::terminal_summary_with(&content, &recent, style.width, style.color, style.ascii)
        }
        Format::Markdown => report::markdown_with(&super::report::templates(&config)?, &content)?,
        Format::Json => report::json(&content)?,
        Format::Jsonl => {
            let mut report = load::json_of(&content)?;
            report["schema"] = "bench-runner/report".into();
            report["version"] = 1.into();
            report.to_string()
        }
        Format::Csv => csv(&content),
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

/// The results as comma-separated values in base units.
pub(super) fn csv(content: &RunReport) -> String {
    let column = |title| Column { title, align: Align::Left, drop_order: 0 };
    let optional = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let rows = content.results.iter().map(|result| {
        let estimate = &result.estimate;
        vec![
            content.run.id.to_string(),
            result.benchmark.package.clone(),
            result.benchmark.to_string(),
            result.metric.name.clone(),
            result.metric.unit.clone(),
            estimate.statistic.words().to_owned(),
            estimate.value.to_string(),
            optional(estimate.interval.map(|interval| interval.low)),
            optional(estimate.interval.map(|interval| interval.high)),
            optional(estimate.interval.map(|interval| interval.level)),
            estimate.launches.to_string(),
            estimate.observations.to_string(),
            result.elements().map_or_else(String::new, |elements| elements.to_string()),
            estimate.interval.map_or_else(String::new, |interval| word(interval.method)),
            word(content.run.status),
            word(content.run.kind),
            content.run.identity.machine.clone(),
        ]
    });
    let titles = [
        "run",
        "package",
        "benchmark",
        "metric",
        "unit",
        "statistic",
        "value",
        "low",
        "high",
        "level",
        "launches",
        "observations",
        "elements",
        "interval_method",
        "run_status",
        "run_kind",
        "machine",
    ];
    Table { columns: titles.map(column).to_vec(), rows: rows.collect() }.csv()
}

/// A value of an enumeration as its JSON spells it.
fn word(value: impl serde::Serialize) -> String {
    load::json_of(&value).ok().and_then(|json| json.as_str().map(str::to_owned)).unwrap_or_default()
}
