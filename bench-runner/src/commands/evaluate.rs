//! `bench-runner evaluate`: what rules of judging are worth, on made-up noise or on a history.

mod calibrate;
mod change_points;
mod doses;

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Session, load};
use crate::analysis::evaluate::count::{Counts, share};
use crate::analysis::evaluate::families::Family;
use crate::analysis::evaluate::replay::{History, Point, replay};
use crate::analysis::evaluate::rules::{self, HistoryRule};
use crate::analysis::evaluate::simulate::{PAIR_SECONDS, Plan, Power, false_alarms, power};
use crate::error::CliError;
use crate::exchange::history;
use crate::exit_code::{self, ExitCode};
use crate::ui::Progress;
use crate::ui::table::{Align, Column, Table};

/// Sizes of the steps that are put in, as shares.
const STEPS: [f64; 5] = [0.01, 0.02, 0.03, 0.05, 0.1];

/// Nights times series that a replay takes on: beyond, a hostile file would keep it busy for hours.
const MOST_CELLS: usize = 100_000_000;

/// Say what rules of judging are worth, on made-up noise or on a history
///
/// Made-up noise: false alarms per 1000 values where nothing changed, nights that would have been red, and the share of steps
/// seen in the same night and within two. The noise of one night is 1 % and of one confirming pair 0.5 %. Intervals are exact
/// 95 % ones for independent values. History: alerts per 1000 values, real changes included.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this kind of noise; may be repeated
    #[arg(long, value_enum, value_name = "FAMILY")]
    family: Vec<FamilyName>,
    /// Series of the made-up suite
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    series: u32,
    /// Nights judged, for each kind of noise
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    nights: u32,
    /// Steps tried of each size; 0 leaves them out
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    steps: u32,
    /// Launches of which a night's value is the median, each with 1 % of noise; 1 gives the night itself 1 %
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    launches: u32,
    /// Seed of all noise
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Replay a history instead: comma-separated, with the columns suite, benchmark, unit, date_ms and value. With
    /// --change-points its residuals are the noise; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["family", "series", "nights", "steps", "launches"])]
    history: Vec<PathBuf>,
    /// Score the finding of steps instead, beside Apache Otava's
    #[arg(long, conflicts_with_all = ["family", "series", "nights", "steps", "launches"])]
    change_points: bool,
    /// Series of each kind that are scored or calibrated on
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    cases: u32,
    /// Which half of the histories: seen while the engine was made, held out, or all
    #[arg(long, value_enum, default_value_t = change_points::Half::HeldOut)]
    half: change_points::Half,
    /// Print the table that the default engine's thresholds come from
    #[arg(long, conflicts_with_all = ["family", "series", "nights", "steps", "history", "change_points"])]
    calibrate_change_points: bool,
    /// Judge the rules of experiments instead: false alarms of so many cases for each kind of noise, doses, coverage
    #[arg(long, conflicts_with_all = ["series", "nights", "steps", "launches", "history", "change_points", "calibrate_change_points"])]
    calibrate: bool,
    /// Judge stored experiments whose truth is known, as `scripts/known-dose.sh` makes them
    #[arg(long, conflicts_with_all = ["family", "series", "nights", "steps", "launches", "history", "change_points", "calibrate_change_points", "calibrate"])]
    known_doses: bool,
}

/// The kinds of noise by the names of the analysis.
#[derive(Debug, Clone, Copy)]
struct FamilyName(Family);

impl ValueEnum for FamilyName {
    fn value_variants<'a>() -> &'a [Self] {
        const NAMES: [FamilyName; Family::ALL.len()] = {
            let mut names = [FamilyName(Family::Normal); Family::ALL.len()];
            let mut index = 0;
            while index < names.len() {
                names[index] = FamilyName(Family::ALL[index]);
                index += 1;
            }
            names
        };
        &NAMES
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

/// Runs the command.
///
/// # Errors
///
/// When the history cannot be read or has nothing to judge.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    match args {
        _ if args.calibrate => calibrate::score(args, session),
        _ if args.known_doses => doses::score(session),
        _ if args.calibrate_change_points => change_points::calibrate(args, session),
        _ if args.change_points => change_points::score(args, session),
        _ if args.history.is_empty() => of_noise(args, session),
        _ => of_history(&args.history, session),
    }
}

/// What one rule did on one kind of noise.
#[derive(serde::Serialize)]
struct OnNoise {
    family: &'static str,
    rule: &'static str,
    description: &'static str,
    series: u32,
    seed: u64,
    launches: u32,
    counts: Counts,
    /// Minutes of measuring suspects again, per night; `None` for rules that measure nothing.
    confirmation_minutes: Option<f64>,
    /// Rate, and the ends of its exact 95 % interval.
    alerts_per_1000: Option<(f64, f64, f64)>,
    red_nights_percent: Option<(f64, f64, f64)>,
    power: Vec<Power>,
}

fn of_noise(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let all: Vec<Family> = args.family.iter().map(|name| name.0).collect();
    let families = if all.is_empty() { Family::ALL.to_vec() } else { all };
    let progress = Progress::new(session.style);
    let plan = Plan {
        series: args.series as usize,
        nights: args.nights as usize,
        seed: args.seed,
        launches: args.launches,
    };
    let mut results = Vec::new();
    for family in families {
        for rule in rules::all() {
            progress.detail(&format!("{} on {}", rule.name(), family.name()));
            let steps: &[f64] = if args.steps == 0 { &[] } else { &STEPS };
            let counts = false_alarms(&*rule, family, plan);
            results.push(OnNoise {
                family: family.name(),
                rule: rule.name(),
                description: rule.description(),
                series: args.series,
                seed: args.seed,
                launches: args.launches,
                confirmation_minutes: rule.confirms().then(|| minutes(&counts)),
                counts,
                alerts_per_1000: counts.alerts_per_1000(),
                red_nights_percent: counts.red_nights_percent(),
                power: power(&*rule, family, plan, steps, u64::from(args.steps)),
            });
        }
    }
    progress.finish();
    let items = results.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &noise_table(&results), "bench-runner/evaluation", &items)?;
    Ok(exit_code::DONE)
}

/// Minutes of measuring suspects again in a night, with the nightly profile.
fn minutes(counts: &Counts) -> f64 {
    PAIR_SECONDS * counts.pairs as f64 / 60.0 / counts.nights.max(1) as f64
}

const fn column(title: &'static str, align: Align, drop_order: u8) -> Column {
    Column { title, align, drop_order }
}

fn noise_table(results: &[OnNoise]) -> Table {
    let columns = vec![
        column("noise", Align::Left, 0),
        column("rule", Align::Left, 0),
        column("alerts/1000", Align::Right, 0),
        column("95 %", Align::Right, 4),
        column("red nights %", Align::Right, 0),
        column("95 % ", Align::Right, 5),
        column("machine", Align::Right, 6),
        column("suspects/night", Align::Right, 7),
        column("pairs/night", Align::Right, 9),
        column("minutes/night", Align::Right, 8),
        column("shifts as one", Align::Right, 6),
        column("1 %", Align::Right, 3),
        column("2 %", Align::Right, 2),
        column("3 %", Align::Right, 0),
        column("3 % in 2", Align::Right, 1),
        column("5 %", Align::Right, 1),
        column("10 %", Align::Right, 2),
    ];
    Table { columns, rows: results.iter().map(noise_row).collect() }
}

fn noise_row(result: &OnNoise) -> Vec<String> {
    let counts = &result.counts;
    let (alerts, alerts_interval) = rate(counts.alerts_per_1000(), 2);
    let (red, red_interval) = rate(counts.red_nights_percent(), 2);
    let per_night = |count: u64| {
        if counts.suspects == 0 {
            "-".to_owned()
        } else {
            format!("{:.1}", count as f64 / counts.nights as f64)
        }
    };
    let seen = |place: usize, two: bool| {
        let power = result.power.get(place);
        power.map_or_else(
            || "-".to_owned(),
            |p| rate(share(if two { p.within_two } else { p.same_night }, p.trials, 100.0), 1).0,
        )
    };
    vec![
        result.family.to_owned(),
        result.rule.to_owned(),
        alerts,
        alerts_interval,
        red,
        red_interval,
        counts.machine_events.to_string(),
        per_night(counts.suspects),
        per_night(counts.pairs),
        result.confirmation_minutes.map_or_else(|| "-".to_owned(), |minutes| format!("{minutes:.1}")),
        if counts.shifts == 0 {
            "-".to_owned()
        } else {
            format!("{} of {}", counts.shifts_as_one, counts.shifts)
        },
        seen(0, false),
        seen(1, false),
        seen(2, false),
        seen(2, true),
        seen(3, false),
        seen(4, false),
    ]
}

/// A rate and its interval as words; nothing judged is not zero.
fn rate(value: Option<(f64, f64, f64)>, digits: usize) -> (String, String) {
    let none = || ("-".to_owned(), "-".to_owned());
    value.map_or_else(none, |(rate, low, high)| {
        (format!("{rate:.digits$}"), format!("{low:.digits$} to {high:.digits$}"))
    })
}

/// What one rule did on a history.
#[derive(serde::Serialize)]
struct OnHistory {
    rule: &'static str,
    description: &'static str,
    series: usize,
    unusable: u64,
    suspects_only: bool,
    counts: Counts,
    alerts_per_1000: Option<(f64, f64, f64)>,
}

/// The rows of all files.
fn read_histories(files: &[PathBuf], session: &Session) -> Result<Vec<history::HistoryRow>, CliError> {
    let mut rows = Vec::new();
    for file in files {
        rows.extend(history::read(&session.folder.join(file))?);
    }
    Ok(rows)
}

fn of_history(files: &[PathBuf], session: &Session) -> Result<ExitCode, CliError> {
    let rows = read_histories(files, session)?;
    let points = rows.into_iter().map(|row| Point {
        suite: row.suite,
        series: format!("{}\u{1f}{}", row.benchmark, row.unit),
        date_ms: row.date_ms,
        value: row.value,
    });
    let history = History::new(points.collect());
    if history.nights.len().saturating_mul(history.series) > MOST_CELLS {
        let text =
            format!("{} nights of {} series are too many to replay", history.nights.len(), history.series);
        return Err(
            CliError::new(exit_code::USAGE, text).hinted(Some("replay one suite at a time".to_owned()))
        );
    }
    let judged = |rule: Box<dyn HistoryRule>| {
        let counts = replay(&*rule, &history);
        OnHistory {
            rule: rule.name(),
            description: rule.description(),
            series: history.series,
            unusable: history.unusable,
            suspects_only: rule.confirms(),
            counts,
            alerts_per_1000: counts.alerts_per_1000(),
        }
    };
    let results: Vec<OnHistory> = rules::all().into_iter().map(judged).collect();
    if results.iter().all(|result| result.counts.judged == 0) {
        let text = format!("no series has more than {} usable values: nothing was judged", rules::WARM_UP);
        return Err(CliError::new(exit_code::NOTHING, text));
    }
    let items = results.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &history_table(&results), "bench-runner/evaluation-history", &items)?;
    Ok(exit_code::DONE)
}

fn history_table(results: &[OnHistory]) -> Table {
    let columns = vec![
        column("rule", Align::Left, 0),
        column("judged", Align::Right, 2),
        column("alerts", Align::Right, 2),
        column("alerts/1000", Align::Right, 0),
        column("95 %", Align::Right, 1),
        column("episodes", Align::Right, 0),
        column("machine", Align::Right, 3),
    ];
    let row = |result: &OnHistory| {
        let (rate, interval) = rate(result.counts.alerts_per_1000(), 2);
        let note = if result.suspects_only { " (suspects)" } else { "" };
        vec![
            format!("{}{note}", result.rule),
            result.counts.judged.to_string(),
            result.counts.alerts.to_string(),
            rate,
            interval,
            result.counts.episodes.to_string(),
            result.counts.machine_events.to_string(),
        ]
    };
    Table { columns, rows: results.iter().map(row).collect() }
}
