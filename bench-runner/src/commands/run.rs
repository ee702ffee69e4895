//! `bench-runner run`: the main job. Build, measure in interleaved launches, store, report.

mod measure;
mod prepare;
mod profile;

use std::path::PathBuf;

use super::{Session, load, machine};
use crate::analysis::doctor::{Grade, Inputs, diagnose};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::report::RunReport;
use crate::model::run::{Run, RunStatus};
use crate::process::{self, Cancel};
use crate::report;
use crate::ui::{self, Progress};

/// Measure a suite, store the run and write its report
///
/// Builds the bench executables once, then measures every benchmark of the set in many short launches, in shuffled and
/// interleaved order. Every observation is stored as it comes. Ends with 0 once a complete run is stored.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to measure")]
pub struct Args {
    /// Cargo.toml of another workspace
    #[arg(long, value_name = "FILE")]
    pub(super) manifest_path: Option<PathBuf>,
    /// Package to measure; may be repeated
    #[arg(long, short, value_name = "NAME")]
    pub(super) package: Vec<String>,
    /// Bench target to measure; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) bench: Vec<String>,
    /// Only benchmarks whose `target/full_id` matches this regular expression
    #[arg(long, value_name = "REGEX")]
    pub(super) filter: Option<String>,
    /// Set of benchmarks instead of the profile's: `core`, `full`, or one of the configuration
    #[arg(long, value_name = "NAME")]
    pub(super) set: Option<String>,
    /// How to measure
    #[command(flatten)]
    pub(super) how: How,
    /// How to build
    #[command(flatten)]
    pub(super) build: BuildArgs,
    /// What to do around measuring
    #[command(flatten)]
    pub(super) around: Around,
}

/// How to measure.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to measure")]
pub(super) struct How {
    /// Profile: quick, standard, note, nightly, or one of the configuration
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Launches of each executable instead of the profile's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) launches: Option<u32>,
    /// Seed of the launch order, to repeat a run's order
    #[arg(long, value_name = "SEED")]
    pub(super) seed: Option<u64>,
    /// Seconds of silence, beyond what a bench announced, after which it is killed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) watchdog: Option<u32>,
}

/// How to build; the words are cargo's own.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to build")]
pub(super) struct BuildArgs {
    /// Features to enable, separated by commas
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    pub(super) features: Vec<String>,
    /// Enable all features
    #[arg(long)]
    pub(super) all_features: bool,
    /// Do not enable default features
    #[arg(long)]
    pub(super) no_default_features: bool,
    /// Compiler flags, added to the configured ones
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(super) rustflags: Option<String>,
    /// Cargo profile instead of `bench`
    #[arg(long, value_name = "NAME")]
    pub(super) cargo_profile: Option<String>,
    /// Refuse to change Cargo.lock
    #[arg(long)]
    pub(super) locked: bool,
    /// Refuse to use the network
    #[arg(long)]
    pub(super) offline: bool,
}

/// What to do around measuring.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Around the run")]
pub(super) struct Around {
    /// Label for this machine instead of its key
    #[arg(long, value_name = "NAME")]
    pub(super) machine: Option<String>,
    /// End with 122 instead of waiting when another measurement is running
    #[arg(long)]
    pub(super) no_wait: bool,
    /// End with 122 instead of measuring when the doctor says that this machine is unfit
    #[arg(long)]
    pub(super) require_fit: bool,
    /// Judge the budgets afterwards, and end with their exit code
    #[arg(long)]
    pub(super) gate: bool,
    /// Store the run and write no report
    #[arg(long)]
    pub(super) no_report: bool,
}

/// Runs the command.
///
/// # Errors
///
/// Whatever stops the run before it is stored; a run that has begun is stored as far as it got.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = prepare::config(args, session)?;
    let plan = prepare::plan(args, &config)?;
    if args.around.gate && config.budgets.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, "--gate was asked for and no budget is configured")
            .hinted(Some("add a `[[budget]]` to bench-runner.toml, or leave `--gate` out".to_owned())));
    }
    if !args.around.no_report {
        // A template that cannot be read is better found before an hour of measuring than after it.
        super::report::templates(&config)?;
    }
    let cancel = Cancel::new();
    interrupt(&cancel)?;
    let mut progress = Progress::new(session.style);
    let waiting = &mut |_: &std::path::Path| {
        progress
            .line("waiting: another measurement is running on this machine (--no-wait to give up instead)");
    };
    // Held until the end: two measurements at once would each be the other's noise.
    let _lock = process::lock::acquire(&machine::lock_path(session), !args.around.no_wait, &cancel, waiting)?;
    // Read before building, since the build itself would be the load that is found.
    let mut before =
        machine::facts(session, &session.folder, &config.store, crate::model::fact::Phase::Start);
    before.extend(machine::window(crate::model::fact::Phase::Start));
    if args.around.require_fit {
        let grade = diagnose(&before, &Inputs::default()).grade;
        if grade == Grade::X {
            return Err(CliError::new(exit_code::UNFIT, "this machine is unfit to measure right now")
                .hinted(Some("`bench-runner doctor` says why and what to do".to_owned())));
        }
    }
    // Opened before the long work, so that a store that cannot be used is not found out at its end.
    let mut store = load::open_to_write(&config)?;
    let suite = prepare::suite(args, session, (&config, &plan), &before, &cancel, &progress)?;
    let id = measure::run(&mut store, &suite, &plan, &config, &cancel, &mut progress)?;
    progress.finish();
    let content = load::report_of(&config, &store, &id)?;
    finish(args, session, &config, &content, cancel.is_cancelled())
}

/// Ctrl-C pulls the handle: the bench is killed, the run is stored as partial.
fn interrupt(cancel: &Cancel) -> Result<(), CliError> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || cancel.cancel())
        .map_err(|error| CliError::from_error(exit_code::FAILURE, &error))
}

/// Prints the summary and where the report is, and decides the exit code.
fn finish(
    args: &Args,
    session: &Session,
    config: &crate::config::Config,
    content: &RunReport,
    interrupted: bool,
) -> Result<ExitCode, CliError> {
    let stored = |error: CliError| {
        let id = &content.run.id;
        error.hinted(Some(format!("the run is stored; `bench-runner report {id}` writes its report later")))
    };
    let written = if args.around.no_report {
        None
    } else {
        Some(super::report::write(config, content, None).map_err(stored)?)
    };
    let paths = written
        .as_ref()
        .map(|files| (load::shown(session, &files.markdown), load::shown(session, &files.html)));
    let style = session.style;
    let text = match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/run", "version": 1,
            "run": content.run.id, "status": content.run.status,
            "markdown": paths.as_ref().map(|paths| &paths.0), "html": paths.as_ref().map(|paths| &paths.1),
        })
        .to_string(),
        Format::Markdown => report::markdown_with(&super::report::templates(config)?, content)?,
        Format::Csv => super::show::csv(content),
        Format::Text => {
            let mut text = report::terminal_summary(content, style.width, style.color, style.ascii);
            if let Some((markdown, html)) = &paths {
                text.push_str("\nreport:\n  ");
                text.push_str(&[markdown.as_str(), html.as_str()].join("\n  "));
                text.push('\n');
            }
            text
        }
    };
    session.answer(&text)?;
    Ok(exit(args, content, interrupted))
}

fn exit(args: &Args, content: &RunReport, interrupted: bool) -> ExitCode {
    let mut codes = Vec::new();
    if content.run.status != RunStatus::Complete {
        for reason in why_partial(&content.run) {
            ui::note(&format!("partial: {reason}"));
        }
        codes.push(exit_code::BENCH_FAILED);
        if interrupted {
            return exit_code::INTERRUPTED;
        }
    }
    if args.around.gate {
        codes.push(super::gate::code(&content.gates));
    }
    exit_code::strongest(&codes)
}

/// Why a run is partial, each reason once: of its executables and launches, not of each benchmark in them.
fn why_partial(run: &Run) -> Vec<&str> {
    let whole = |code: &str| {
        matches!(
            code,
            "launch-partial"
                | "inventory-incomplete"
                | "run-interrupted"
                | "run-broken"
                | "executable-abandoned"
        )
    };
    let mut reasons: Vec<&str> = Vec::new();
    for finding in run.findings.iter().filter(|finding| whole(&finding.code)) {
        if !reasons.contains(&finding.evidence.as_str()) {
            reasons.push(&finding.evidence);
        }
    }
    reasons
}
