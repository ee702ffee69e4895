//! `bench-runner backfill A..B`: runs of earlier commits, oldest first, so that a history begins before today.

use std::collections::BTreeSet;

use super::run::{self, How, prepare};
use super::stage::{self, BuildArgs, Stage, StageWishes, WhatArgs, build_request};
use super::{Session, load};
use crate::analysis::identity;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::folder_of;
use crate::model::run::{RunKind, RunStatus};
use crate::process::SystemRunner;
use crate::report::format::plural;
use crate::store::RunFilter;
use crate::ui;
use crate::ui::table::{Align, Column, Table};
use crate::worktree::Repository;

/// Measure earlier commits, each built in a clean git worktree and stored under its own name
///
/// Takes every Nth commit after A up to and with B along first parents, oldest first. Commits that have a complete run on
/// this machine are passed over, so that it can be interrupted and started again. Commits that do not build are named and
/// left out. A history made of today's machine in one go says nothing about the machine's own nights. Runs stand in it by the
/// date of measuring: what is measured after runs of newer commits stands behind them, and is warned of; a store of its own
/// (`--store`) or `quarantine` keeps such runs apart.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `A..B`
    #[arg(value_name = "A..B")]
    range: String,
    /// Every Nth commit, counted back from B
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// Measure commits again that have a complete run on this machine
    #[arg(long)]
    again: bool,
    /// What to measure
    #[command(flatten)]
    what: WhatArgs,
    /// How to measure
    #[command(flatten)]
    how: How,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
    /// Label for this machine instead of its key
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// End with 122 instead of waiting when another measurement is running
    #[arg(long)]
    no_wait: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When the range cannot be read, or the store or cargo itself fails; runs that are stored stay.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = stage::config(args.what.manifest_path.as_ref(), session)?;
    let plan = prepare::plan(&args.what, &args.how, &config)?;
    let (from, to) = args.range.split_once("..").ok_or_else(|| {
        CliError::new(exit_code::USAGE, format!("`{}` is not a range", args.range))
            .hinted(Some("write two revisions with two dots between them, as `v1.0..main`".to_owned()))
    })?;
    let request = build_request(&args.what, &args.build, session, &config);
    let folder = folder_of(&request);
    let repository = Repository::open(&folder, &SystemRunner)?;
    let commits = every(repository.between(from, if to.is_empty() { "HEAD" } else { to })?, args.every);
    if commits.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, format!("`{}` holds no commit", args.range)));
    }
    let wishes =
        StageWishes { no_wait: args.no_wait, label: args.machine.clone(), watchdog: args.how.watchdog };
    let mut stage = Stage::open(session, config, &wishes, &mut |_| Ok(()))?;
    let measured = measured(&stage)?;
    let known: &[String] = if args.again { &[] } else { &measured };
    warn(&repository, &commits, known, &measured)?;
    let mut done = Vec::new();
    for (place, commit) in (1..).zip(&commits) {
        if stage.cancel.is_cancelled() {
            break;
        }
        let (outcome, run) = if known.contains(commit) {
            ("measured already", None)
        } else {
            stage.progress.line(&format!("commit {place} of {}: {}", commits.len(), &commit[..10]));
            match run::one(&request, Some(commit), &plan, &[], &mut stage.world()) {
                Ok(id) if stage.store.run(&id)?.status == RunStatus::Complete => ("complete", Some(id)),
                Ok(id) => ("partial", Some(id)),
                Err(error) if error.exit == exit_code::BUILD_FAILED => ("does not build", None),
                Err(error) if error.exit == exit_code::NOTHING => ("has no such benchmark", None),
                Err(error) if error.exit == exit_code::METADATA_FAILED => ("cannot be read by cargo", None),
                Err(error) => return Err(error),
            }
        };
        done.push((commit.clone(), repository.subject(commit)?, outcome, run));
    }
    stage.progress.finish();
    let table = Table {
        columns: [("commit", 0), ("outcome", 0), ("run", 1), ("subject", 2)]
            .map(|(title, drop_order)| Column { title, align: Align::Left, drop_order })
            .into(),
        rows: done
            .iter()
            .map(|(commit, subject, outcome, run)| {
                let run = run.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
                vec![commit[..10].to_owned(), (*outcome).to_owned(), run, subject.clone()]
            })
            .collect(),
    };
    let items: Vec<serde_json::Value> = done
        .iter()
        .map(
            |(commit, _, outcome, run)| serde_json::json!({"commit": commit, "outcome": outcome, "run": run}),
        )
        .collect();
    load::show(session, &table, "bench-runner/backfill", &items)?;
    if stage.cancel.is_cancelled() {
        return Ok(exit_code::INTERRUPTED);
    }
    let partial = done.iter().any(|(_, _, outcome, _)| *outcome == "partial");
    Ok(if partial { exit_code::BENCH_FAILED } else { exit_code::DONE })
}

/// Says so when what will be measured is older than what was: the line goes by dates of measuring, and would show a step that no
/// commit made.
fn warn(
    repository: &Repository<'_>,
    commits: &[String],
    known: &[String],
    measured: &[String],
) -> Result<(), CliError> {
    let Some(first) = commits.iter().find(|commit| !known.contains(commit)) else { return Ok(()) };
    // The range may end before what the machine has measured, and what is checked out may lie elsewhere.
    let last = commits.last().unwrap_or(first);
    let mut line = repository.between(first, last)?;
    line.extend(repository.between(first, "HEAD")?);
    let newer: BTreeSet<&String> = line.iter().filter(|commit| measured.contains(commit)).collect();
    if !newer.is_empty() {
        ui::note(&format!(
            "this machine has runs of {} newer than {}: what is measured now enters its histories at today's date, behind them, and \
             `trend` and `gate` see steps that no commit made; `--store` names a store apart, `quarantine` puts runs aside",
            plural(newer.len() as u64, "commit"),
            &first[..10]
        ));
    }
    Ok(())
}

/// Commits that have a complete run on this machine.
fn measured(stage: &Stage) -> Result<Vec<String>, CliError> {
    let filter = RunFilter {
        kind: Some(RunKind::Measured),
        status: Some(RunStatus::Complete),
        machine: Some(identity::machine(&stage.site.machine_id, stage.site.label.as_deref())),
        ..RunFilter::default()
    };
    let runs = stage.store.runs(&filter, u32::MAX)?;
    Ok(runs.into_iter().filter_map(|run| run.commit).collect())
}

/// Every Nth, counted back from the last, in their order.
fn every(commits: Vec<String>, step: u32) -> Vec<String> {
    let mut picked: Vec<String> = commits.into_iter().rev().step_by(step as usize).collect();
    picked.reverse();
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_commit_is_always_among_them() {
        let commits: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        assert_eq!(every(commits.clone(), 2), ["a", "c", "e"]);
        assert_eq!(every(commits.clone(), 3), ["b", "e"]);
        assert_eq!(every(commits.clone(), 9), ["e"]);
        assert_eq!(every(commits, 1).len(), 5);
    }
}
