//! `bench-runner run`: the main job. Build, measure in interleaved launches, store, report.

mod instructions;
mod measure;
pub(super) mod prepare;

use super::stage::{self, BuildArgs, Stage, StageWishes, WhatArgs, build_request};
use super::{Session, gate, load, machine};
use crate::analysis::doctor::{Grade, Inputs, diagnose};
use crate::cli::Format;
use crate::criterion::build::BuildRequest;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::{World, check_out, folder_of, request_at};
use crate::model::fact::{Fact, Phase};
use crate::model::ids::RunId;
use crate::model::report::RunReport;
use crate::model::run::{Run, RunPlan, RunStatus};
use crate::process::SystemRunner;
use crate::report;
use crate::ui;
use crate::worktree::Repository;

/// Measure a suite, store the run and write its report
///
/// Builds the bench executables once, then measures every benchmark of the set in many short launches, in shuffled and
/// interleaved order. Every observation is stored as it comes. Ends with 0 once a complete run is stored.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to measure
    #[command(flatten)]
    pub(super) what: WhatArgs,
    /// Measure this revision, built in a clean git worktree, instead of the working tree
    #[arg(long, value_name = "REV", help_heading = "What to measure")]
    pub(super) rev: Option<String>,
    /// What is counted: time, or instructions by Valgrind (a tripwire beside time; nothing judges them)
    #[arg(long, value_enum, default_value_t = MetricName::Time, help_heading = "How to measure")]
    pub(super) metric: MetricName,
    /// How to measure
    #[command(flatten)]
    pub(super) how: How,
    /// How to build
    #[command(flatten)]
    pub(super) build: BuildArgs,
    /// What to do around measuring
    #[command(flatten)]
    pub(super) around: Around,
    /// How to judge afterwards
    #[command(flatten)]
    afterwards: gate::Afterwards,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum MetricName {
    /// Wall-clock time.
    Time,
    /// Instructions of one call, each counted twice.
    Instructions,
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
    /// Judge the run afterwards as `gate` does, budgets and history, suspects measured again, and end with that exit code
    #[arg(long)]
    pub(super) gate: bool,
    /// Do not sign the run
    #[arg(long)]
    pub(super) no_sign: bool,
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
    let mut config = stage::config(args.what.manifest_path.as_ref(), session)?;
    config.integrity.sign &= !args.around.no_sign;
    let mut plan = prepare::plan(&args.what, &args.how, &config)?;
    let valgrind = match args.metric {
        MetricName::Time => None,
        MetricName::Instructions if args.around.gate || args.rev.is_some() => {
            let what = "--metric instructions goes with neither --gate nor --rev";
            return Err(CliError::new(exit_code::USAGE, what));
        }
        MetricName::Instructions => {
            plan = RunPlan {
                profile: instructions::PROFILE.to_owned(),
                launches: instructions::COUNTS,
                warm_up_seconds: None,
                measurement_seconds: None,
                sample_size: None,
                ..plan
            };
            Some(instructions::check()?)
        }
    };
    if !args.around.no_report {
        // A template that cannot be read is better found before an hour of measuring than after it.
        super::report::templates(&config)?;
    }
    let wishes = StageWishes {
        no_wait: args.around.no_wait,
        label: args.around.machine.clone(),
        watchdog: args.how.watchdog,
    };
    let mut before = Vec::new();
    let mut stage = Stage::open(session, config, &wishes, &mut |config| {
        // Read before building, since the build itself would be the load that is found.
        before = machine::facts(session, &session.folder, &config.store, Phase::Start);
        before.extend(machine::window(Phase::Start));
        if args.around.require_fit && diagnose(&before, &Inputs::default()).grade == Grade::X {
            return Err(CliError::new(exit_code::UNFIT, "this machine is unfit to measure right now")
                .hinted(Some("`bench-runner doctor` says why and what to do".to_owned())));
        }
        Ok(())
    })?;
    let request = build_request(&args.what, &args.build, session, &stage.config);
    let mut world = stage.world();
    let id = match &valgrind {
        None => one(&request, args.rev.as_deref(), &plan, &before, &mut world)?,
        Some(valgrind) => {
            let ready = prepare::ready(&request, &plan, &before, &mut world)?;
            instructions::run(&ready, &plan, valgrind, &mut world)?
        }
    };
    stage.progress.finish();
    let content = load::report_of(&stage.config, &stage.store, &id)?;
    finish(args, session, stage, &content)
}

/// One run from building to its end, of the working tree or of a revision; partial ones are returned as well.
pub(super) fn one(
    request: &BuildRequest,
    rev: Option<&str>,
    plan: &RunPlan,
    before: &[Fact],
    world: &mut World<'_>,
) -> Result<RunId, CliError> {
    let Some(rev) = rev else {
        return measure::run(&prepare::ready(request, plan, before, world)?, plan, world);
    };
    let worktree = check_out(request, rev, world)?;
    let inside = request_at(request, &worktree)?;
    let measured =
        prepare::ready(&inside, plan, before, world).and_then(|ready| measure::run(&ready, plan, world));
    let folder = folder_of(request);
    let removed = Repository::open(&folder, &SystemRunner).and_then(|repository| repository.remove(worktree));
    // What stopped the run says more than that its worktree could not be removed.
    let id = measured?;
    removed?;
    Ok(id)
}

/// Writes the report, judges where that was asked for, prints the summary, and decides the exit code.
fn finish(args: &Args, session: &Session, stage: Stage, content: &RunReport) -> Result<ExitCode, CliError> {
    let config = stage.config.clone();
    let interrupted = stage.cancel.is_cancelled();
    let stored = |error: CliError| {
        let id = &content.run.id;
        error.hinted(Some(format!("the run is stored; `bench-runner report {id}` writes its report later")))
    };
    let written = if args.around.no_report {
        None
    } else {
        Some(super::report::write(&config, content, None).map_err(stored)?)
    };
    let judged = if args.around.gate && !interrupted {
        let manifest = args.what.manifest_path.as_ref();
        Some(gate::afterwards(&args.afterwards, session, stage, &content.run.id, manifest).map_err(stored)?)
    } else {
        drop(stage);
        None
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
            "gate": judged.as_ref().map(gate::Judged::object).transpose()?,
        })
        .to_string(),
        Format::Markdown => {
            let mut text = report::markdown_with(&super::report::templates(&config)?, content)?;
            text.extend(judged.iter().map(|judged| format!("\n{}", judged.words(session))));
            text
        }
        Format::Csv => super::show::csv(content),
        Format::Text => {
            let mut text = report::terminal_summary(content, style.width, style.color, style.ascii);
            if let Some((markdown, html)) = &paths {
                text.push_str("\nreport:\n  ");
                text.push_str(&[markdown.as_str(), html.as_str()].join("\n  "));
                text.push('\n');
            }
            text.push_str(&sealed(content));
            text.extend(judged.iter().map(|judged| format!("\n{}", judged.words(session))));
            text
        }
    };
    session.answer(&text)?;
    let gate = judged.map(|judged| judged.exit);
    // A run that is whole and was not judged, since somebody had enough, did not pass.
    let gate = gate.or_else(|| args.around.gate.then_some(exit_code::INTERRUPTED));
    Ok(exit(content, gate, interrupted))
}

/// What was signed about the run, for the end of the summary.
fn sealed(content: &RunReport) -> String {
    content.seal.map_or_else(
        || "not signed\n".to_owned(),
        |seal| format!("signed: statement {} of its chain, {}\n", seal.position, seal.sha256.short()),
    )
}

/// The strongest of what the run and its gate end with.
fn exit(content: &RunReport, gate: Option<ExitCode>, interrupted: bool) -> ExitCode {
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
    match gate {
        // A partial run is never judged: that it is partial says more.
        Some(code) if code == exit_code::NOTHING && !codes.is_empty() => {}
        Some(code) => {
            if code == exit_code::NOTHING {
                ui::note(gate::NOTHING_JUDGED);
            }
            codes.push(code);
        }
        None => {}
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
