//! `bench-runner release-notes --from TAG --to TAG`: what a release did to performance, and nothing that the data does not say.

mod gather;
mod splice;

use std::path::PathBuf;

use super::experiment::{LAUNCH, MOST_BLOCKS, of_profile, seconds};
use super::stage::{self, BuildArgs, Stage, StageWishes, WhatArgs, build_request, fresh_seed, named_profile};
use super::{Session, load, sheet};
use crate::analysis::experiment::{CONTROL_EVERY, FEWEST_BLOCKS, Rules, Stopping};
use crate::config::Config;
use crate::criterion::build::BuildRequest;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::{Recipe, Request, Selection, folder_of, measure, prepare, recompute};
use crate::model::experiment::{Purpose, Variant};
use crate::model::ids::RunId;
use crate::model::release::ReleaseNotes;
use crate::process::SystemRunner;
use crate::report::release_sheet;
use crate::ui;
use crate::ui::table::quote_csv;
use crate::worktree::Repository;

/// Write what a release did to performance, and claim nothing else
///
/// Numbers come from stored runs of the two commits on the same machine in the same configuration, or with `--measure` from an
/// experiment in which both are built and measured in turns. A change is claimed only where the whole interval of the ratio is
/// beyond 1; numbers whose environments differ are refused, and when nothing else is left the command ends with 121.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The older release: a tag or any revision
    #[arg(long, value_name = "TAG")]
    from: String,
    /// The newer release
    #[arg(long, value_name = "TAG")]
    to: String,
    /// Only stored runs of this machine, by key or label
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Put the note between `<!-- bench-runner:TAG:begin -->` and `<!-- bench-runner:TAG:end -->` of this file
    #[arg(long, value_name = "FILE")]
    splice: Option<PathBuf>,
    /// Write `release.md`, `release.html` and `release.json` into this folder too
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build both releases and measure them in turns; where one does not build, stored runs are used, and the note says so
    #[arg(long)]
    measure: bool,
    /// Use a stored experiment with the two releases instead of measuring again
    #[arg(long, value_name = "EXPERIMENT", conflicts_with = "measure")]
    experiment: Option<String>,
    /// What to measure
    #[command(flatten)]
    what: WhatArgs,
    /// How to measure
    #[command(flatten)]
    how: How,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
}

/// How to measure.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to measure")]
struct How {
    /// Most time for measuring, for example `90s`, `5m`, `1h30m`
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = seconds)]
    budget: f64,
    /// So many blocks, whatever they say and however long they take
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000), conflicts_with = "budget")]
    blocks: Option<u32>,
    /// Take set, warm-up, measuring time and observations from a profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Seed of the order, to repeat it
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// End with 122 instead of waiting when another measurement is running
    #[arg(long)]
    no_wait: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When a tag does not resolve or both are one commit, no run measured one of them, or the store or a file cannot be used.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = stage::config(args.what.manifest_path.as_ref(), session)?;
    let request = build_request(&args.what, &args.build, session, &config);
    let folder = folder_of(&request);
    let repository = Repository::open(&folder, &SystemRunner)?;
    let commits = (repository.commit(&args.from)?, repository.commit(&args.to)?);
    if commits.0 == commits.1 {
        let text = format!("`{}` and `{}` are the same commit", args.from, args.to);
        return Err(CliError::new(exit_code::USAGE, text));
    }
    // Before the long work: markers that are not there are found out at once.
    let splicing = args.splice.as_ref().map(|file| splice::Place::find(&session.folder.join(file), &args.to));
    let splicing = splicing.transpose()?;
    let mut notes = ReleaseNotes {
        from: args.from.clone(),
        to: args.to.clone(),
        commits,
        margin: config.margin,
        sections: Vec::new(),
        refused: Vec::new(),
        not_measured: None,
        command: String::new(),
    };
    let experiment = match (&args.experiment, args.measure) {
        (Some(text), _) => Some(load::open_to_read(&config)?.resolve_experiment(text)?),
        (None, true) => match measured(args, session, &config, &request) {
            Ok(id) => Some(id),
            Err(error) if [exit_code::BUILD_FAILED, exit_code::METADATA_FAILED].contains(&error.exit) => {
                ui::note(&format!("{}; stored runs are used instead", error.message));
                notes.not_measured = Some(error.message);
                None
            }
            Err(error) => return Err(error),
        },
        (None, false) => None,
    };
    let store = load::open_to_read(&config)?;
    match &experiment {
        Some(id) => {
            let outcome = recompute(&store, id, rules(&config))?;
            gather::from_experiment(&mut notes, &store, &outcome)?;
        }
        None => gather::from_history(&mut notes, &store, &config, args.machine.as_deref())?,
    }
    notes.command = command(args, experiment.as_ref());
    show(args, &notes, &config, session)?;
    if notes.sections.is_empty() {
        return Ok(exit_code::NOT_COMPARABLE);
    }
    if let Some(place) = splicing {
        place.write(&crate::report::sheet_markdown(
            &super::report::templates(&config)?,
            &release_sheet(&notes, crate::report::format::Dialect::Markdown),
        )?)?;
    }
    Ok(exit_code::DONE)
}

fn show(args: &Args, notes: &ReleaseNotes, config: &Config, session: &Session) -> Result<(), CliError> {
    let made = sheet::Made {
        sheet: &|dialect| release_sheet(notes, dialect),
        json: serde_json::json!({
            "schema": "bench-runner/release-notes", "version": 1, "notes": load::json_of(notes)?,
        }),
        csv: csv(notes),
        name: "release",
    };
    sheet::show(&made, args.out.as_deref(), config, session)
}

/// The command that makes the same note from the same store.
fn command(args: &Args, experiment: Option<&RunId>) -> String {
    let mut words = format!("bench-runner release-notes --from {} --to {}", args.from, args.to);
    match (experiment, &args.machine) {
        (Some(id), _) => words.push_str(&format!(" --experiment {id}")),
        (None, Some(machine)) => words.push_str(&format!(" --machine {machine}")),
        (None, None) => {}
    }
    words
}

fn rules(config: &Config) -> Rules {
    Rules { margin: config.margin, family_alpha: 1.0 - config.comparison_level }
}

/// Builds both releases and measures them in turns.
fn measured(
    args: &Args,
    session: &Session,
    config: &Config,
    request: &BuildRequest,
) -> Result<RunId, CliError> {
    let how = &args.how;
    let profile = named_profile(how.profile.as_deref(), config)?;
    let set = args.what.set.clone().unwrap_or_else(|| profile.1.set.clone());
    stage::check_selection(&set, args.what.filter.as_deref(), config)?;
    let settings = how.profile.as_ref().map_or(Ok(LAUNCH), |name| of_profile(name, config))?;
    let wishes = StageWishes { no_wait: how.no_wait, ..StageWishes::default() };
    let mut stage = Stage::open(session, config.clone(), &wishes, &mut |_| Ok(()))?;
    let arm = |rev: &String| Variant { name: rev.clone(), rev: Some(rev.clone()), ..Variant::default() };
    let recipe = Recipe {
        request: request.clone(),
        selection: Selection { set, filter: args.what.filter.clone() },
        keep_worktrees: false,
    };
    let asked = Request {
        purpose: Purpose::Release,
        settings,
        stopping: match how.blocks {
            Some(blocks) => Stopping::Fixed { blocks },
            None => Stopping::Sequential {
                fewest: FEWEST_BLOCKS,
                most: MOST_BLOCKS,
                budget_seconds: Some(how.budget),
            },
        },
        control_every: CONTROL_EVERY,
        rules: rules(config),
        seed: how.seed.unwrap_or_else(fresh_seed),
        measure_equal: false,
    };
    let mut world = stage.world();
    let arms = prepare(&[arm(&args.from), arm(&args.to)], &recipe, &mut world)?;
    let outcome = measure(&asked, &arms.arms, &mut world);
    let closed = arms.close(&world);
    let outcome = outcome?;
    closed?;
    stage.progress.finish();
    if outcome.interrupted {
        return Err(CliError::new(exit_code::INTERRUPTED, "the experiment was interrupted"));
    }
    Ok(outcome.experiment.id)
}

fn csv(notes: &ReleaseNotes) -> String {
    let mut text =
        "machine,config,benchmark,unit,before,after,ratio,low,high,claim,run_before,run_after\n".to_owned();
    for section in &notes.sections {
        for row in &section.rows {
            let one = &row.comparison;
            let bound = |pick: fn((f64, f64)) -> f64| {
                one.ratio_interval.map_or_else(String::new, |interval| pick(interval).to_string())
            };
            let cells = [
                quote_csv(&section.identity.machine),
                quote_csv(&section.identity.config),
                quote_csv(&one.benchmark.long_name()),
                quote_csv(&one.metric.unit),
                one.baseline_value.to_string(),
                one.candidate_value.to_string(),
                one.ratio.to_string(),
                bound(|interval| interval.0),
                bound(|interval| interval.1),
                format!("{:?}", row.claim).to_lowercase(),
                section.runs.0.to_string(),
                section.runs.1.to_string(),
            ];
            text.push_str(&cells.join(","));
            text.push('\n');
        }
    }
    text
}
