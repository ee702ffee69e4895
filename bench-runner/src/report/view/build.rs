//! Harness and build: what ran, how often, with which compiler and flags, from which source.
//!
//! Everything another person needs to run the same code; nothing about what the numbers say.

use crate::report::format::append;
use std::collections::BTreeSet;

use serde::Serialize;

use super::table::{Kind, Table};
use super::words::code;
use super::{Context, family, interpret, machine};
use crate::model::fact::{Phase, find, keys, known};
use crate::model::run::{Capture, LaunchStatus, RunKind, RunPlan};
use crate::report::format;

/// Harness and build settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Build {
    /// The lines, label and text.
    pub lines: Vec<(String, String)>,
    /// The executables by digest.
    pub executables: Table,
}

/// Writes the section.
pub(super) fn build(context: &Context<'_>) -> Build {
    let mut lines = Vec::new();
    let mut line = |label: &str, text: String| lines.push((label.to_owned(), text));
    line("Plan", plan(context));
    line("Launches", launches(context));
    line("Statistic", statistic(context));
    if let Some(share) = interpret::launch_share(context, &context.report.results) {
        line("Variance", share);
    }
    line("Criterion", criterion(context));
    for (label, key) in [
        ("Compiler", keys::TOOLCHAIN_RUSTC),
        ("Flags", keys::BUILD_FLAGS),
        ("Target CPU", keys::BUILD_TARGET_CPU),
        ("Profile", keys::BUILD_PROFILE),
        ("Features", keys::BUILD_FEATURES),
        ("Code path", keys::PROBE_BACKEND),
        ("Signing code", keys::PROBE_SIGNING_BACKEND),
        ("Cargo.lock", keys::BUILD_LOCK),
    ] {
        if let Some(text) = said(context, key) {
            line(label, text);
        }
    }
    line("Source", source(context));
    Build { lines, executables: executables(context) }
}

/// A fact as code when it is known, with the reason when it is not.
fn said(context: &Context<'_>, key: &str) -> Option<String> {
    let fact = find(&context.report.run.facts, key, Phase::Start)?;
    let text = machine::shown(context.dialect, fact);
    Some(if fact.status.is_known() && !text.is_empty() { code(&text) } else { text })
}

fn plan(context: &Context<'_>) -> String {
    let Some(plan) = &context.report.run.plan else {
        return match context.report.run.kind {
            RunKind::Summary => "unknown (the record states no plan)".to_owned(),
            RunKind::Imported | RunKind::Measured => "unknown (no plan is stored)".to_owned(),
        };
    };
    let mut text = format!(
        "profile {}, set {}: {} of each executable, order shuffled with seed {}",
        code(&plan.profile),
        code(&plan.set),
        format::plural(u64::from(plan.launches), "launch"),
        plan.seed
    );
    if let Some(filter) = &plan.filter {
        append(&mut text, format_args!(", filter {}", code(filter)));
    }
    append(&mut text, format_args!("; {}", settings(plan)));
    text
}

/// What was passed to Criterion, as its own options.
fn settings(plan: &RunPlan) -> String {
    let mut options = Vec::new();
    let seconds = |value: f64| {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    options.extend(plan.warm_up_seconds.map(|value| format!("--warm-up-time {}", seconds(value))));
    options.extend(plan.measurement_seconds.map(|value| format!("--measurement-time {}", seconds(value))));
    options.extend(plan.sample_size.map(|value| format!("--sample-size {value}")));
    let own = [
        (plan.warm_up_seconds.is_none(), "warm-up"),
        (plan.measurement_seconds.is_none(), "measurement time"),
        (plan.sample_size.is_none(), "sample size"),
    ];
    let own: Vec<String> = own.iter().filter(|(own, _)| *own).map(|(_, word)| (*word).to_owned()).collect();
    let mut text = if options.is_empty() {
        "no Criterion option".to_owned()
    } else {
        format!("Criterion with {}", code(&options.join(" ")))
    };
    if !own.is_empty() {
        append(&mut text, format_args!("; {} as each bench sets it", super::words::list(&own)));
    }
    text
}

fn launches(context: &Context<'_>) -> String {
    let launches = &context.report.run.launches;
    if launches.is_empty() {
        return "none stored".to_owned();
    }
    let complete = launches.iter().filter(|launch| launch.status == LaunchStatus::Complete).count();
    let seconds: f64 = launches.iter().map(|launch| launch.elapsed_seconds).sum();
    let captured = |kind| launches.iter().any(|launch| launch.capture == Some(kind));
    let how = match (captured(Capture::Socket), captured(Capture::Files)) {
        (true, false) => "captured over Criterion's socket protocol",
        (false, true) => "captured from Criterion's files",
        (true, true) => {
            "captured over Criterion's socket protocol and, where a bench does not speak it, from its files"
        }
        (false, false) => "nothing captured",
    };
    format!(
        "{complete} of {} complete, {} in all, {how}",
        launches.len(),
        format::seconds(context.dialect, seconds)
    )
}

/// Names the statistics and intervals in use.
fn statistic(context: &Context<'_>) -> String {
    let mut kinds: Vec<String> = Vec::new();
    for result in &context.report.results {
        let interval = result.estimate.interval.map_or_else(
            || "no interval stated".to_owned(),
            |interval| {
                format!(
                    "{} interval: {}",
                    format::percent(context.dialect, interval.level, 0),
                    family::method_words(interval.method)
                )
            },
        );
        let kind = format!("{}; {interval}", result.estimate.statistic.words());
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() { "none (no result)".to_owned() } else { kinds.join(". Also: ") }
}

fn criterion(context: &Context<'_>) -> String {
    let versions: BTreeSet<&str> =
        context.report.run.launches.iter().filter_map(|launch| launch.harness_version.as_deref()).collect();
    if versions.is_empty() {
        return said(context, keys::HARNESS_CRITERION)
            .unwrap_or_else(|| "unknown (no launch stated a version)".to_owned());
    }
    let versions: Vec<String> = versions.into_iter().map(code).collect();
    format!("{} as the benches state it", super::words::list(&versions))
}

fn source(context: &Context<'_>) -> String {
    let facts = &context.report.run.facts;
    let Some(commit) = said(context, keys::SOURCE_COMMIT) else {
        return machine::not_read(context);
    };
    let tree = match known(facts, keys::SOURCE_DIRTY).as_deref() {
        Some("yes") => ", with uncommitted changes: the commit alone does not give this code",
        Some(_) => ", no uncommitted changes",
        None => ", unknown whether with uncommitted changes",
    };
    let branch = known(facts, keys::SOURCE_BRANCH).map(|branch| format!(" on {}", code(&branch)));
    format!("commit {commit}{}{tree}", branch.unwrap_or_default())
}

fn executables(context: &Context<'_>) -> Table {
    let mut table = Table::new(
        "Bench executables",
        &[("Bench", Kind::Code), ("Package", Kind::Code), ("Size", Kind::Number), ("SHA-256", Kind::Code)],
    );
    for executable in &context.report.run.executables {
        // Sizes stay far below 2^53 bytes.
        let size = format::bytes(context.dialect, super::real(executable.bytes));
        table.push([
            executable.target.clone(),
            executable.package.clone(),
            size,
            executable.digest.to_string(),
        ]);
    }
    table.note = "Equal digests are the only proof that two runs ran the same code.".to_owned();
    table
}

/// What else it takes to get the same numbers.
pub(super) fn reproduce_notes(context: &Context<'_>) -> Vec<String> {
    let run = &context.report.run;
    if run.kind != RunKind::Measured {
        return vec![
            "The report can be made again from the store; the measurement itself was not made here."
                .to_owned(),
        ];
    }
    let mut notes =
        vec!["The report is made from the store alone: the same store gives the same bytes.".to_owned()];
    if let Some(plan) = &run.plan {
        let commit = known(&run.facts, keys::SOURCE_COMMIT);
        let at = commit.map(|commit| format!(" at commit {}", code(&commit)));
        let filter = plan.filter.as_ref().map(|filter| format!(" --filter '{filter}'")).unwrap_or_default();
        let command = format!(
            "bench-runner run --profile {} --set {} --launches {} --seed {}{filter}",
            plan.profile, plan.set, plan.launches, plan.seed
        );
        notes.push(format!(
            "To measure again, run {}{}, on a machine of class {}.",
            code(&command),
            at.unwrap_or_default(),
            code(&run.identity.hw_class)
        ));
    }
    notes
}
