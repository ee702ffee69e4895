//! `bench-runner gate [RUN]`: budgets and history judged on a stored run, with the exit code of both together.

mod confirm;
mod init;
mod judge;
mod show;
mod waive;

use std::path::PathBuf;

use clap::ValueEnum;

use super::stage::Stage;
use super::{Session, load};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::files::{self, Access};
use crate::model::gate::{GateReport, Signal};
use crate::model::ids::RunId;
use crate::report;
use crate::ui;

/// Largest step summary that is added to, in bytes; the service that shows it takes no larger one.
const MOST_SUMMARY: u64 = 1 << 20;

/// Judge a stored run: budgets, and each series against its history
///
/// Budgets: the whole interval decides; inside is a pass, outside a failure, straddling is inconclusive. History: a screen names
/// suspects, which are measured again in turns with an earlier executable; only what that confirms fails. How much was judged
/// stands beside every verdict. Where several outcomes apply, the strongest exit code wins: 100, 117, 121, 120, 118.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do instead of judging
    #[command(subcommand)]
    action: Option<Action>,
    /// How to judge
    #[command(flatten)]
    judge: Judge,
}

/// What to do instead of judging.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Propose budgets from history, with the false alarms that each would have raised
    Init(init::Args),
    /// Let a change, a budget or a vanished benchmark not count until a day
    Waive(waive::Args),
}

/// How to judge.
#[derive(Debug, clap::Args)]
struct Judge {
    /// `latest`, a run id, or four or more characters of its beginning or end; without it, the newest run of this machine that
    /// may be judged
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Measure nothing again: what the screen finds at its strict level is inconclusive
    #[arg(long)]
    no_confirm: bool,
    /// Time for measuring suspects again, such as `90s`, `5m` or `1h`
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = super::experiment::seconds)]
    confirm_budget: f64,
    /// Measure suspects again although their executable is that of the earlier run: what is confirmed then is a false answer
    #[arg(long, conflicts_with = "no_confirm")]
    measure_equal: bool,
    /// Cargo.toml of the workspace that was measured, where it is not in the current folder
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
    /// Outcomes that shall end with a code of their own although they fail nothing
    #[arg(long, value_enum, value_name = "OUTCOME")]
    fail_on: Vec<FailOn>,
    /// Print how each answer came about, step by step
    #[arg(long)]
    explain: bool,
    /// Write the answers as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Add a summary to the file that `GITHUB_STEP_SUMMARY` names, and print annotations to stderr
    #[arg(long)]
    github: bool,
}

/// Outcomes that may be asked to end with a code of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A confirmed improvement ends with 118.
    Improved,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, there is no such run, or there is nothing to judge by.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    match &args.action {
        Some(Action::Init(args)) => init::run(args, session),
        Some(Action::Waive(args)) => waive::run(args, session),
        None => judge_run(&args.judge, session),
    }
}

fn judge_run(args: &Judge, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let run = {
        let store = load::open_to_read(&config)?;
        match &args.run {
            Some(text) => store.resolve(text)?,
            None => judge::newest(&store)?,
        }
    };
    let now = clock::now();
    let how = confirm::How {
        session,
        config: &config,
        budget_seconds: args.confirm_budget,
        measure_equal: args.measure_equal,
        manifest: args.manifest_path.as_ref(),
    };
    let measurer = (!args.no_confirm).then(|| how.measurer(None));
    let report = judge::judge(&config, &run, now, measurer)?;
    if judged_nothing(&config, &report) {
        return Err(CliError::new(exit_code::NOTHING, NOTHING_JUDGED).hinted(Some(
            "add a `[[budget]]` to bench-runner.toml (`gate init` proposes some), or measure more nights"
                .to_owned(),
        )));
    }
    let exit = exit_of(&report, args.fail_on.contains(&FailOn::Improved));
    if let Some(file) = &args.junit {
        files::write(&session.folder.join(file), report::junit(&report).as_bytes(), Access::Default)?;
    }
    if args.github {
        tell_github(session, &report, exit)?;
    }
    show::show(session, &report, exit, args.explain)?;
    Ok(exit)
}

/// What is said where nothing could be judged.
pub(super) const NOTHING_JUDGED: &str =
    "no budget is configured, and no series has enough history: nothing was judged";

/// Whether there was nothing to judge a run by. That is no pass.
fn judged_nothing(config: &Config, report: &GateReport) -> bool {
    config.budgets.is_empty() && report.census.judged() == 0 && report.signals == [Signal::NotComparable]
}

/// How a run is judged that has just been measured.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --gate")]
pub(super) struct Afterwards {
    /// Measure nothing again: what the screen finds at its strict level is inconclusive
    #[arg(long, requires = "gate")]
    no_confirm: bool,
    /// Time for measuring suspects again, such as `90s`, `5m` or `1h`
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = super::experiment::seconds, requires = "gate")]
    confirm_budget: f64,
    /// Measure suspects again although their executable is that of the earlier run: what is confirmed then is a false answer
    #[arg(long, requires = "gate", conflicts_with = "no_confirm")]
    measure_equal: bool,
    /// Print how each answer came about, step by step
    #[arg(long, requires = "gate")]
    explain: bool,
}

/// What the gate says about a run that has just been measured.
pub(super) struct Judged {
    report: GateReport,
    explain: bool,
    /// How it ends: [`exit_code::NOTHING`] when there was nothing to judge by.
    pub(super) exit: ExitCode,
}

/// Judges a run that has just been measured on `stage`, which is given up: budgets and history, as `gate` does.
pub(super) fn afterwards(
    args: &Afterwards,
    session: &Session,
    stage: Stage,
    run: &RunId,
    manifest: Option<&PathBuf>,
) -> Result<Judged, CliError> {
    let config = stage.config.clone();
    let how = confirm::How {
        session,
        config: &config,
        budget_seconds: args.confirm_budget,
        measure_equal: args.measure_equal,
        manifest,
    };
    let measurer = (!args.no_confirm).then(|| how.measurer(Some(stage)));
    let report = judge::judge(&config, run, clock::now(), measurer)?;
    let exit = if judged_nothing(&config, &report) { exit_code::NOTHING } else { exit_of(&report, false) };
    Ok(Judged { report, explain: args.explain, exit })
}

impl Judged {
    /// The words of `gate`, in the form that the session asks for.
    pub(super) fn words(&self, session: &Session) -> String {
        show::words(session, &self.report, self.exit, self.explain)
    }

    /// The object of `gate --format json`.
    pub(super) fn object(&self) -> Result<serde_json::Value, CliError> {
        show::object(&self.report, self.exit, self.explain)
    }
}

/// Adds to the step summary, and prints annotations where the service reads them too.
fn tell_github(session: &Session, report: &GateReport, exit: ExitCode) -> Result<(), CliError> {
    match session.variable("GITHUB_STEP_SUMMARY") {
        Some(path) => {
            let path = session.folder.join(path);
            let mut text = if path.is_file() { files::read(&path, MOST_SUMMARY)? } else { Vec::new() };
            text.extend_from_slice(report::github::summary(report, exit.meaning).as_bytes());
            files::write(&path, &text, Access::Default)?;
        }
        None => ui::note("GITHUB_STEP_SUMMARY is not set: no step summary was written"),
    }
    let annotations = report::github::annotations(report);
    if !annotations.is_empty() {
        ui::note(annotations.trim_end());
    }
    Ok(())
}

/// The exit code of a report: the strongest of what speaks for one.
fn exit_of(report: &GateReport, improved_counts: bool) -> ExitCode {
    let codes: Vec<ExitCode> = report
        .signals
        .iter()
        .filter(|signal| improved_counts || **signal != Signal::Improved)
        .map(|signal| code_of(*signal))
        .collect();
    exit_code::strongest(&codes)
}

/// The code that a signal speaks for.
fn code_of(signal: Signal) -> ExitCode {
    match signal {
        Signal::Failed => exit_code::GATE_FAILED,
        Signal::Coverage => exit_code::COVERAGE,
        Signal::NotComparable => exit_code::NOT_COMPARABLE,
        Signal::Inconclusive => exit_code::INCONCLUSIVE,
        Signal::Improved => exit_code::IMPROVED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gate::{Census, LayoutSpread};
    use crate::model::units::Timestamp;

    fn report(signals: &[Signal]) -> GateReport {
        GateReport {
            run: "01K9BWV7G0000000000000000A".parse().unwrap(),
            started: Timestamp(0),
            budgets: Vec::new(),
            series: Vec::new(),
            machine: None,
            census: Census::default(),
            layout: LayoutSpread { sd: None, rebuilt: 0, same: 0 },
            multiplicity: String::new(),
            findings: Vec::new(),
            signals: signals.to_vec(),
        }
    }

    /// Every combination of outcomes against the documented order, written down by number.
    #[test]
    fn the_strongest_outcome_decides_in_every_combination() {
        let all = [
            (Signal::Failed, 100),
            (Signal::Coverage, 117),
            (Signal::NotComparable, 121),
            (Signal::Inconclusive, 120),
            (Signal::Improved, 118),
        ];
        for set in 0..1_u32 << all.len() {
            let present: Vec<(Signal, u8)> =
                all.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, one)| *one).collect();
            let signals: Vec<Signal> = present.iter().map(|(signal, _)| *signal).collect();
            // The list above is in the documented order, strongest first.
            let asked = present.first().map_or(0, |(_, code)| *code);
            assert_eq!(exit_of(&report(&signals), true).code, asked, "{signals:?}");
            let unasked = if asked == 118 { 0 } else { asked };
            assert_eq!(exit_of(&report(&signals), false).code, unasked, "{signals:?}");
        }
    }
}
