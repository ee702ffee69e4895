//! `bench-runner site`: the folder of static pages, written where they changed.
//!
//! Loads, decides and renders in a few threads; what a page shows is decided in `analysis::site_assembly` and said in
//! `report::site`.

mod gather;
mod knobs;
mod manifest;
mod origin;
mod pages;

use std::path::PathBuf;
use std::time::Duration;

use super::{Session, load, trend};
use crate::cli::Format;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::run::{RunKind, RunStatus};
use crate::model::trend::TrendReport;
use crate::model::units::Timestamp;
use crate::process::{ProcessRequest, ProcessRunner as _, SystemRunner};
use crate::report::Templates;
use crate::store::RunFilter;
use crate::ui;

/// Newest runs looked through for one that is not running.
const LOOKED_AT: u32 = 50;

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// Write the pages of the observatory: one folder, no server, no request
///
/// The folder holds the first page (is tonight fine?), a page per benchmark, machine and run, changes, comparisons, gates,
/// releases, knobs, and Markdown twins. Only pages whose data changed are written; the same store gives the same bytes.
/// Runs older than the newest thirty of their machine have no page unless something cites them: `report RUN` writes them, or
/// `--all`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to write into instead of the configured one for reports
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Open the first page in the system's browser
    #[arg(long)]
    open: bool,
    /// Give every run a page
    #[arg(long)]
    all: bool,
    /// Cut each Markdown twin at this many bytes and say what is left out
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<usize>,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, a template is wrong, or a page cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let out = args.out.as_ref().map_or_else(|| config.reports.clone(), |out| session.folder.join(out));
    let templates = super::report::templates(&config)?;
    let (program, store) = origin::of(&config, &templates, (args.all, args.max_bytes));
    let files = manifest::Files::open(&out, program, store);
    let written = match files.unchanged() {
        Some(written) => written,
        None => make(args, &config, &templates, files)?,
    };
    let index = out.join("index.html");
    let shown = load::shown(session, &index);
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/site", "version": 1, "index": shown,
            "pages": written.pages, "written": written.written, "removed": written.removed, "bytes": written.bytes,
        })
        .to_string(),
        Format::Csv => format!("index,pages,written,removed\n{},{},{},{}", ui::table::quote_csv(&shown), written.pages, written.written, written.removed),
        Format::Text | Format::Markdown => format!(
            "{shown}\n{} files, {} written, {} removed, the others are as they were",
            written.pages, written.written, written.removed
        ),
    })?;
    if args.open {
        open(&index);
    }
    Ok(exit_code::DONE)
}

/// Reads the store, makes the pages that are not current, and writes those that differ.
fn make(
    args: &Args,
    config: &Config,
    templates: &Templates,
    mut files: manifest::Files,
) -> Result<manifest::Written, CliError> {
    keep_memory();
    // Two readings of the store that share nothing: each has its own connection.
    let (known, trend) = std::thread::scope(|scope| {
        let trend = scope.spawn(|| tonight(config));
        (gather::gather(config, args.all), trend.join())
    });
    let trend = trend
        .map_err(|_| CliError::new(exit_code::FAILURE, "the thread that reads the trend panicked"))??;
    let known = known?;
    let settled = known.settled;
    pages::write(config, templates, (known, trend), args.max_bytes, &mut files)?;
    files.finish(settled)
}

/// Lets glibc keep the memory of one page for the next: it gives large pieces back to the system at once, until it has seen a
/// larger one come and go (mallopt(3), `M_MMAP_THRESHOLD`), and getting them again costs a tenth of the whole. Elsewhere this does
/// nothing, and nothing is written to the piece.
fn keep_memory() {
    const PIECE: usize = 16 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(PIECE)));
}

/// What `trend` says at the newest run. The clock is not asked, so that the same store gives the same pages on any day.
fn tonight(config: &Config) -> Result<TrendReport, CliError> {
    let store = load::open_to_read(config)?;
    let newest = |kind| -> Result<Option<i64>, CliError> {
        let runs = store.runs(&RunFilter { kind, ..RunFilter::default() }, LOOKED_AT)?;
        Ok(runs.into_iter().find(|run| run.status != RunStatus::Running).map(|run| run.started.0))
    };
    // Without a run of our own there is nothing to say about tonight, and still a date to say it at.
    let newest = match newest(Some(RunKind::Measured))? {
        Some(newest) => newest,
        None => newest(None)?.unwrap_or(0),
    };
    // A whole second: commands are given moments as text.
    let second = newest.div_euclid(SECOND) + i64::from(newest.rem_euclid(SECOND) > 0);
    let now = Timestamp(second * SECOND);
    let wish = trend::Wish { now: Some(now), ..trend::Wish::default() };
    let mut report = trend::report_of(&wish, config, &store)?;
    trend::put_down(&mut report, config, &store)?;
    Ok(report)
}

/// Asks the system to open a file; a system without a browser is no failure.
fn open(index: &std::path::Path) {
    let (program, first): (&str, &[&str]) = match () {
        () if cfg!(windows) => ("cmd", &["/C", "start", ""]),
        () if cfg!(target_os = "macos") => ("open", &[]),
        () => ("xdg-open", &[]),
    };
    let request =
        ProcessRequest::new(program).args(first.iter().copied()).arg(index).timeout(Duration::from_secs(10));
    if !SystemRunner.run(&request).is_ok_and(|output| output.success()) {
        ui::note("the system opened no browser; open the file above in one");
    }
}
