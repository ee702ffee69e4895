//! `bench-runner import FILE`: the formats of other tools, and our own export.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::super::{Session, load};
use super::criterion;
use crate::analysis::identity::recipe;
use crate::cli::Format as Answer;
use crate::clock;
use crate::error::CliError;
use crate::exchange::foreign::{self, Filing, ForeignError};
use crate::exchange::sniff::{self, Format};
use crate::exit_code::{self, ExitCode};
use crate::model::record::RunRecord;
use crate::model::run::RunKind;
use crate::model::units::Timestamp;
use crate::report::format::timestamp;
use crate::store::{Imported, Store};

/// What `import` takes besides its sub-commands.
#[derive(Debug, clap::Args)]
pub(super) struct FileArgs {
    /// File of another tool, `-` for the standard input; a folder is read as Criterion's
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// Format of the file, instead of finding it out from its content
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Option<From>,
    /// Your name for the machine that measured, if the file does not say which it was
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// When it was measured (RFC 3339), where the file does not say so; else the time of the file counts
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The ranges and bounds in the file are confidence intervals of this level
    #[arg(long, value_name = "LEVEL")]
    range_level: Option<f64>,
}

/// Formats that `--from` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// What `bench-runner export --to json` writes
    Json,
    /// What `critcmp --export` writes
    Critcmp,
    /// hyperfine's JSON, 1.x and schema version 2
    Hyperfine,
    /// Text of Go benchmarks
    Benchfmt,
    /// Bencher Metric Format
    Bmf,
    /// `data.js` of github-action-benchmark, or its input array
    GithubActionBenchmark,
}

impl From {
    fn format(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Critcmp => Format::Critcmp,
            Self::Hyperfine => Format::Hyperfine,
            Self::Benchfmt => Format::Benchfmt,
            Self::Bmf => Format::Bmf,
            Self::GithubActionBenchmark => Format::GithubActionBenchmark,
        }
    }
}

/// What became of the runs of a file.
#[derive(Default)]
struct Taken {
    runs: Vec<(String, Imported)>,
    observations: usize,
    estimates: usize,
    /// Code and evidence of the doubts, with the number of runs that have them.
    findings: BTreeMap<(String, String), usize>,
    span: Option<(Timestamp, Timestamp)>,
}

/// Runs the command.
pub(super) fn run(args: &FileArgs, session: &Session) -> Result<ExitCode, CliError> {
    let Some(file) = &args.file else { return Err(CliError::new(exit_code::USAGE, "no file is named")) };
    let path = session.folder.join(file);
    let stream = file.as_os_str() == "-";
    if !stream && path.is_dir() {
        let (id, outcome) = criterion::store(session, file, None, false)?;
        load::stored(session, id.as_str(), outcome)?;
        return Ok(exit_code::DONE);
    }
    let shown = if stream { "the standard input".to_owned() } else { file.display().to_string() };
    let about = |error: ForeignError| CliError::from(error).about(&shown);
    let filing = filing(args, (!stream).then_some(path.as_path()))?;
    let content = if stream { foreign::read_stream(std::io::stdin().lock()) } else { foreign::read(&path) };
    let content = content.map_err(about)?;
    let format = match args.from {
        Some(from) => from.format(),
        None => sniff::sniff(&content).map_err(about)?,
    };
    let records = sniff::records(&content, format, args.range_level, &filing).map_err(about)?;
    let mut store = load::open_to_write(&session.config()?)?;
    let taken = take(&mut store, &records, format)?;
    session.answer(&answer(&taken, format, session.format))?;
    Ok(exit_code::DONE)
}

/// How the runs are to be filed.
fn filing(args: &FileArgs, path: Option<&Path>) -> Result<Filing, CliError> {
    if args.range_level.is_some_and(|level| !(level > 0.0 && level < 1.0)) {
        return Err(CliError::new(exit_code::USAGE, "`--range-level` is not between 0 and 1")
            .hinted(Some("give a share, for example 0.95".to_owned())));
    }
    let at = match &args.at {
        Some(text) => {
            let parsed = text.parse::<jiff::Timestamp>().map_err(|error| {
                CliError::from_error(exit_code::USAGE, &error)
                    .about("--at")
                    .hinted(Some("write it like `2025-11-05T19:37:00-06:00`".to_owned()))
            })?;
            Some(Timestamp(parsed.as_microsecond()))
        }
        None => path
            .and_then(|path| std::fs::metadata(path).ok())
            .and_then(|metadata| metadata.modified().ok())
            .map(clock::from_system),
    };
    Ok(Filing { machine: args.machine.clone(), at, recipe: recipe(&[]) })
}

/// Stores the records.
fn take(store: &mut Store, records: &[RunRecord], format: Format) -> Result<Taken, CliError> {
    let mut taken = Taken::default();
    for record in records {
        let run = &record.run;
        // The id of a foreign run is made of its numbers; what else is told about them may change with the options.
        // Our own runs keep their ids, and the store compares every part.
        let known = format != Format::Json && store.contains(&run.id)?;
        let outcome = if known { Imported::AlreadyThere } else { store.import_run(record)? };
        taken.runs.push((run.id.to_string(), outcome));
        taken.observations +=
            record.measurements.iter().map(|entry| entry.measurement.sample.len()).sum::<usize>();
        taken.estimates += record.stated.len();
        if run.kind != RunKind::Measured {
            for finding in &run.findings {
                *taken.findings.entry((finding.code.clone(), finding.effect.clone())).or_default() += 1;
            }
        }
        let (first, last) = taken.span.unwrap_or((run.started, run.started));
        taken.span = Some((first.min(run.started), last.max(run.started)));
    }
    Ok(taken)
}

/// Says what was taken.
fn answer(taken: &Taken, format: Format, form: Answer) -> String {
    let word = |outcome: Imported| match outcome {
        Imported::Added => "added",
        Imported::AlreadyThere => "already_there",
    };
    let object =
        |(run, outcome): &(String, Imported)| serde_json::json!({"run": run, "outcome": word(*outcome)});
    match form {
        Answer::Json => serde_json::json!({
            "schema": "bench-runner/imported", "version": 1, "format": format.name(),
            "observations": taken.observations, "estimates": taken.estimates,
            "runs": taken.runs.iter().map(object).collect::<Vec<_>>(),
            "findings": taken.findings.iter().map(|((code, effect), runs)| {
                serde_json::json!({"code": code, "effect": effect, "runs": runs})
            }).collect::<Vec<_>>(),
        })
        .to_string(),
        Answer::Jsonl => taken.runs.iter().map(|run| format!("{}\n", object(run))).collect(),
        Answer::Csv => {
            let rows = taken.runs.iter().map(|(run, outcome)| format!("{run},{}\n", word(*outcome)));
            std::iter::once("run,outcome\n".to_owned()).chain(rows).collect()
        }
        Answer::Text | Answer::Markdown => text(taken, format),
    }
}

/// The same in words.
fn text(taken: &Taken, format: Format) -> String {
    let added = taken.runs.iter().filter(|(_, outcome)| *outcome == Imported::Added).count();
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut lines = vec![format!(
        "{}: {} ({added} new, {} already stored) with {} and {}",
        format.name(),
        plural(taken.runs.len(), "run"),
        taken.runs.len() - added,
        plural(taken.observations, "observation"),
        plural(taken.estimates, "stated estimate"),
    )];
    match (taken.runs.as_slice(), taken.span) {
        ([(run, _)], _) => lines.push(format!("run {run}")),
        (_, Some((first, last))) => lines.push(format!("from {} to {}", timestamp(first), timestamp(last))),
        _ => {}
    }
    let told = taken
        .findings
        .iter()
        .map(|((code, effect), runs)| format!("{code} in {}: {effect}", plural(*runs, "run")));
    lines.extend(told);
    lines.join("\n")
}
