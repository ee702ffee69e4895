//! `bench-runner explain A B`, `explain CHANGE`: why benchmarks moved between two runs.

mod replay;
mod sides;

use std::fmt::Write as _;

use super::{Session, load};
use crate::analysis::compare::Side;
use crate::analysis::explain::{Question, explain};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::decision::Change;
use crate::model::estimate::BenchmarkResult;
use crate::model::explain::{Explanation, Replay, Sameness, Shift};
use crate::model::ids::BenchmarkId;
use crate::report::format::{Dialect, change};
use crate::ui::table::{Align, Column, Table, escape_markdown, printable, wrapped};

/// Say why benchmarks moved between two runs: code, toolchain, environment, protocol, mixed, or unknown
///
/// Instead of two runs, name a change as `changes list` shows it: then its first run stands against the last one before it.
///
/// Everything that the records hold is weighed by a fixed table of rules: facts, canaries, the factor common to all series,
/// executables, toolchain, harness settings. Where the evidence is missing the answer is `unknown`. An unchanged
/// executable is never blamed. `--replay` measures the kept executables of both runs today, in turns: it decides between
/// code and environment.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The first run: `latest`, a run id, or four or more characters of its beginning or end; or a change
    #[arg(value_name = "RUN_A|CHANGE")]
    before: String,
    /// The second run; the latest one without a name
    #[arg(value_name = "RUN_B")]
    after: Option<String>,
    /// Only this benchmark's move is asked about, as `target/full_id`; the others still tell what is common
    #[arg(long, value_name = "ID")]
    benchmark: Option<String>,
    /// Cargo.toml of another workspace, for a replay
    #[arg(long, value_name = "FILE", requires = "replay")]
    manifest_path: Option<std::path::PathBuf>,
    /// Measure the kept executables of both runs today, in turns, on that benchmark, or on the one that moved most
    #[arg(long)]
    replay: bool,
    /// Blocks of the replay, of four launches each
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(2..=1000), requires = "replay")]
    blocks: u32,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, or there is no such run, change or benchmark.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = super::stage::config(args.manifest_path.as_ref(), session)?;
    let store = load::open_to_read(&config)?;
    let asked = sides::sides(args, &store)?;
    let (before, after) =
        (load::with_results(&store, &asked.before)?, load::with_results(&store, &asked.after)?);
    let wanted = args.benchmark.as_ref().map(|text| named(text, &after.1)).transpose()?;
    let benchmark = wanted.or(asked.benchmark);
    let settings = load::settings_of(&config, &store, &after.0)?;
    let ask = |replay: Option<&Replay>| {
        explain(&Question {
            before: Side { run: &before.0, results: &before.1 },
            after: Side { run: &after.0, results: &after.1 },
            benchmark: benchmark.as_ref(),
            replay,
            settings: &settings,
        })
    };
    let mut found = ask(None);
    if args.replay {
        // The store is opened again for writing.
        drop(store);
        let most = found.shifts.first().map(|shift| shift.benchmark.clone());
        let Some(replayed) = benchmark.clone().or(most) else {
            return Err(CliError::new(exit_code::NOTHING, "the runs have no benchmark in common"));
        };
        let what =
            replay::What { benchmark: &replayed, blocks: args.blocks, manifest: args.manifest_path.clone() };
        let measured = replay::replay(session, config, (&before.0, &before.1), &after.0, what)?;
        found = ask(Some(&measured));
        found.evidence.push(format!("replayed: {replayed}"));
    }
    session.answer(&shown(session, &found, asked.change.as_ref(), (&before.1, &after.1))?)?;
    Ok(exit_code::DONE)
}

/// The benchmark that a text names in a run.
fn named(text: &str, results: &[BenchmarkResult]) -> Result<BenchmarkId, CliError> {
    let mut matching = results.iter().map(|result| &result.benchmark).filter(|id| id.to_string() == text);
    matching.next().cloned().ok_or_else(|| {
        CliError::new(exit_code::NOTHING, format!("the second run has no benchmark `{text}`"))
            .hinted(Some("`bench-runner show RUN` lists them".to_owned()))
    })
}

/// Results of both runs.
type Results<'a> = (&'a [BenchmarkResult], &'a [BenchmarkResult]);

fn shown(
    session: &Session,
    found: &Explanation,
    of: Option<&Change>,
    results: Results<'_>,
) -> Result<String, CliError> {
    let table = table(&found.shifts, results);
    Ok(match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/explain", "version": 1,
            "explanation": load::json_of(found)?, "change": load::json_of(&of)?,
        })
        .to_string(),
        Format::Csv => table.csv(),
        Format::Markdown => page(found, of, &table.markdown(), None),
        Format::Text => {
            let width = session.style.width;
            page(found, of, &table.text(width), Some(width))
        }
    })
}

/// The label first; then what it rests on, what would settle it, and the series. `width` is that of a terminal, none in Markdown.
fn page(found: &Explanation, of: Option<&Change>, table: &str, width: Option<usize>) -> String {
    let inert = |words: &str| if width.is_none() { escape_markdown(words) } else { printable(words) };
    let item = |words: &str| {
        let lines = wrapped(&inert(words), width.map_or(usize::MAX, |width| width.saturating_sub(2)));
        format!("- {}\n", lines.join("\n  "))
    };
    let (open, close) = if width.is_none() { ("**", "**") } else { ("", "") };
    let mut text = format!("{open}{}{close} (rule {})\n\n", found.cause.word(), found.rule);
    if let Some(of) = of {
        let size = change(Dialect::Ascii, of.ratio - 1.0, None);
        let benchmark = inert(&of.series.benchmark.to_string());
        _ = write!(text, "change {}: {benchmark} {size}, as last seen\n\n", of.id);
    }
    let bullet = if width.is_none() { "- " } else { "" };
    _ = write!(text, "{bullet}A  {}\n{bullet}B  {}\n\n", found.before, found.after);
    found.evidence.iter().for_each(|line| text.push_str(&item(line)));
    if !found.next.is_empty() {
        // Our own words, with marks of code.
        let next = format!("What would settle it: {}", found.next);
        _ = writeln!(text, "\n{}", wrapped(&next, width.unwrap_or(usize::MAX)).join("\n"));
    }
    let silent: Vec<String> = found
        .changes
        .iter()
        .filter(|change| change.cause.is_none())
        .map(|change| format!("{}: {} -> {}", change.key, change.before, change.after))
        .collect();
    if !silent.is_empty() {
        _ = writeln!(text, "\nAlso different, without a known effect on time:\n");
        silent.iter().for_each(|line| text.push_str(&item(line)));
    }
    _ = write!(text, "\n{table}");
    text
}

/// The size of a shift as `compare` shows it, of the medians over launches; the rules look at the means of their logarithms.
fn size(shift: &Shift, (before, after): Results<'_>) -> String {
    let of = |results: &[BenchmarkResult]| {
        let mut mine = results.iter().filter(|result| result.benchmark == shift.benchmark);
        mine.next().map(|result| result.estimate.value)
    };
    let ratio = of(before).zip(of(after)).map_or(shift.ratio, |(old, new)| new / old);
    let interval = shift.interval.map(|(low, high)| (low.min(ratio) - 1.0, high.max(ratio) - 1.0));
    change(Dialect::Ascii, ratio - 1.0, interval)
}

fn table(shifts: &[Shift], results: Results<'_>) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("benchmark", Align::Left, 0),
            column("change", Align::Right, 0),
            column("moved", Align::Left, 0),
            column("executable", Align::Left, 1),
        ],
        rows: shifts
            .iter()
            .map(|shift| {
                let moved = match (shift.moved, shift.interval) {
                    (true, _) => "yes",
                    (false, Some(_)) => "no",
                    (false, None) => "unknown",
                };
                let executable = match shift.executable {
                    Sameness::Same => "the same",
                    Sameness::Different => "different",
                    Sameness::Unknown => "unknown",
                };
                vec![
                    shift.benchmark.to_string(),
                    size(shift, results),
                    moved.to_owned(),
                    executable.to_owned(),
                ]
            })
            .collect(),
    }
}
