//! `bench-runner export`: stored runs in the formats of other tools.
//!
//! `--to` says what is written, `--format` how the command answers; without `--out` the content is the answer.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::ValueEnum;
use regex::Regex;

use super::{Session, load};
use crate::error::CliError;
use crate::exchange::export::{self as own, Exported};
use crate::exchange::github_action::{self, PageWriter};
use crate::exchange::openmetrics::OpenMetrics;
use crate::exchange::{benchfmt, bmf, rows};
use crate::exit_code::{self, ExitCode};
use crate::files::{self, Access};
use crate::model::ids::RunId;
use crate::model::run::RunStatus;
use crate::store::{RunFilter, Store};
use crate::ui;

/// Write stored runs in the format of another tool
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(false)))]
pub struct Args {
    /// `latest`, a run id, or four or more characters of its beginning or end
    #[arg(value_name = "RUN", group = "which")]
    run: Option<String>,
    /// All finished runs, oldest first
    #[arg(long, group = "which")]
    all: bool,
    /// All finished runs, of them only benchmarks whose `target/id` matches
    #[arg(long, value_name = "REGEX", group = "which")]
    series: Option<String>,
    /// Of `--all` or `--series` only runs of this machine key or label
    #[arg(long, value_name = "MACHINE", conflicts_with = "run")]
    machine: Option<String>,
    /// Format to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: To,
    /// File to write instead of the standard output
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Formats that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// Everything that is stored, versioned; `docs/export.schema.json` describes it
    Json,
    /// Text of Go benchmarks, one line per launch, for benchstat
    Benchfmt,
    /// Bencher Metric Format, one run
    Bmf,
    /// Input array of github-action-benchmark for one run, `data.js` for several
    GithubActionBenchmark,
    /// Newest results as OpenMetrics text
    Openmetrics,
    /// Comma-separated values, one row per launch
    Csv,
    /// JSON lines, one row per launch
    Jsonl,
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be read, the format cannot hold what was asked for, or the file cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let pattern = args.series.as_deref().map(pattern).transpose()?;
    if pattern.is_some() && args.to == To::Json {
        return Err(usage("`json` holds whole runs", "leave out `--series`, or choose `jsonl` or `csv`"));
    }
    if args.run.is_none() && args.to == To::Bmf {
        return Err(usage("`bmf` holds one run a file", "name a run, or choose another format"));
    }
    let store = load::open_to_read(&session.config()?)?;
    let runs = selected(args, &store)?;
    let mut output = Output { sink: Vec::new(), stdout: args.out.is_none().then_some(session) };
    write(args, (&store, &runs), pattern.as_ref(), &mut output)?;
    if let Some(out) = &args.out {
        let file = session.folder.join(out);
        files::write(&file, &output.sink, Access::Default)?;
        load::written(session, &file)?;
    }
    Ok(exit_code::DONE)
}

/// Where the content goes: at once to the standard output, or into memory until the file can be written whole.
struct Output<'a> {
    sink: Vec<u8>,
    stdout: Option<&'a Session>,
}

impl Output<'_> {
    fn put(&mut self, text: &str) -> Result<(), CliError> {
        match self.stdout {
            Some(session) => session.answer_part(text),
            None => {
                self.sink.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
    }
}

/// The runs to write, oldest first.
fn selected(args: &Args, store: &Store) -> Result<Vec<RunId>, CliError> {
    if let Some(run) = &args.run {
        return Ok(vec![store.resolve(run)?]);
    }
    let filter = RunFilter { machine: args.machine.clone(), ..RunFilter::default() };
    let mut listed = store.runs(&filter, u32::MAX)?;
    listed.retain(|run| run.status != RunStatus::Running);
    if args.to == To::Openmetrics {
        // The list is newest first; of one suite, machine and configuration the newest run speaks.
        let mut seen = BTreeSet::new();
        listed.retain(|run| {
            let identity = run.identity.clone();
            seen.insert((run.suite.clone(), identity.label.unwrap_or(identity.machine), identity.config))
        });
    }
    listed.reverse();
    if listed.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, "no finished run is stored that could be written")
            .hinted(Some("`bench-runner list` shows what is stored".to_owned())));
    }
    Ok(listed.into_iter().map(|run| run.id).collect())
}

/// Writes the runs one after the other; only one is in memory at a time.
fn write(
    args: &Args,
    (store, runs): (&Store, &[RunId]),
    pattern: Option<&Regex>,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let json = |error: serde_json::Error| CliError::from_error(exit_code::FAILURE, &error);
    let (mut page, mut metrics) = (PageWriter::default(), OpenMetrics::default());
    let mut first = true;
    if args.to == To::Json {
        output.put(&own::opening())?;
    }
    for id in runs {
        let record = store.record(id)?;
        if record.run.status == RunStatus::Partial && args.to != To::Json {
            ui::note(&format!("run {id} is partial: something is missing in it"));
        }
        if args.to == To::Json {
            output.put(&own::run(&record, first).map_err(json)?)?;
            first = false;
            continue;
        }
        let mut results = load::results_of(&record);
        results
            .retain(|result| pattern.is_none_or(|pattern| pattern.is_match(&result.benchmark.to_string())));
        if results.is_empty() {
            continue;
        }
        let exported = Exported { record: &record, results: &results };
        match args.to {
            To::Json => {}
            To::Benchfmt => output.put(&benchfmt::write(&exported))?,
            To::Bmf => output.put(&bmf::write(&exported).map_err(json)?)?,
            To::Csv => output.put(&rows::csv(&exported, first))?,
            To::Jsonl => output.put(&rows::json_lines(&exported))?,
            To::Openmetrics => metrics.add(&exported),
            To::GithubActionBenchmark if args.run.is_some() => {
                let (text, left_out) = github_action::array(&exported).map_err(json)?;
                if left_out > 0 {
                    ui::note(&format!(
                        "{left_out} results of which more is better are left out of the array"
                    ));
                }
                output.put(&text)?;
            }
            To::GithubActionBenchmark => page.add(&exported),
        }
        first = false;
    }
    match args.to {
        To::Json => output.put(own::closing()),
        _ if first => Err(CliError::new(exit_code::NOTHING, "no benchmark of the runs matches")),
        To::Openmetrics => output.put(&metrics.finish()),
        To::GithubActionBenchmark if args.run.is_none() => output.put(&page.finish().map_err(json)?),
        _ => Ok(()),
    }
}

fn pattern(text: &str) -> Result<Regex, CliError> {
    Regex::new(text).map_err(|error| CliError::from_error(exit_code::USAGE, &error).about("--series"))
}

fn usage(message: &str, hint: &str) -> CliError {
    CliError::new(exit_code::USAGE, message).hinted(Some(hint.to_owned()))
}
