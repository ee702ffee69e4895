//! `bench-runner plan`: what a wanted precision costs, from what a stored run showed.

use super::experiment::seconds;
use super::{Session, load};
use crate::analysis::calibrate::staleness;
use crate::analysis::planner::{MOST_LAUNCHES, Plan, PlanRow, SpreadFrom, Wish, plan};
use crate::cli::Format;
use crate::clock;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::calibration::Calibration;
use crate::model::measurement::Measurement;
use crate::model::record::RunRecord;
use crate::model::run::LaunchStatus;
use crate::report::format::{self, Dialect, append, percent, timestamp};
use crate::ui::table::{Align, Column, Table, printable, wrapped};

/// Calibrations that are looked through for one of the same configuration.
const MOST_CALIBRATIONS: u32 = 100;

/// Say how many launches a wanted precision takes, and how long
///
/// The spread between launches and within them comes from a stored run with two launches or more; between launches from the
/// calibration of its machine instead, where that rests on more launches. What Criterion will do in each launch is
/// predicted: linear or flat, iterations, seconds, and whether it will say "Unable to complete".
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run to plan from: `latest`, a run id, or four or more characters of its beginning or end
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
    /// Half width of the 95 % interval of each benchmark, such as `1%` or `0.01`
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    precision: f64,
    /// Most time, for example `90s`, `5m`, `1h30m`: says what precision that buys
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    budget: Option<f64>,
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be read, or the run has no two launches of any benchmark.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let record = store.record(&store.resolve(&args.run)?)?;
    let identity = &record.run.identity;
    let all = store.calibrations(Some(&identity.machine), MOST_CALIBRATIONS)?;
    let calibration = all.iter().find(|found| found.config == identity.config).or(all.first());
    let why_not =
        calibration.and_then(|found| staleness(found, (&identity.machine, &identity.config), clock::now()));
    let fresh = calibration.filter(|_| why_not.is_none());
    let measurements = complete(&record);
    let wish = Wish {
        precision: args.precision,
        budget_seconds: args.budget,
        session_variance: fresh.and_then(|found| found.session).map_or(0.0, |spread| spread.variance),
        ..costs(&record, &measurements)
    };
    let found = plan(&measurements, &wish, fresh.map_or(&[][..], |found| found.benchmarks.as_slice()));
    if found.rows.is_empty() {
        let text = format!("run {} has no benchmark with two launches that vary", record.run.id);
        return Err(CliError::new(exit_code::NOTHING, text)
            .hinted(Some("run it with `--launches 5` or more, and plan from that".to_owned())));
    }
    answer(&found, &wish, &basis(&found, calibration, why_not.as_deref()), session)?;
    Ok(exit_code::DONE)
}

/// Which spread of launches was planned with, in words.
fn basis(found: &Plan, calibration: Option<&Calibration>, why_not: Option<&str>) -> String {
    let Some(calibration) = calibration else {
        return "the spread of launches is that of the run; no calibration of its machine is stored\n"
            .to_owned();
    };
    let of = format!("the calibration of {}", timestamp(calibration.at));
    if let Some(why) = why_not {
        return format!("the spread of launches is that of the run: {of} does not count, since {why}\n");
    }
    let taken = found.rows.iter().filter(|row| row.spread_from == SpreadFrom::Calibration).count();
    match taken {
        0 => format!(
            "the spread of launches is that of the run: {of} rests on no more launches of these benchmarks\n"
        ),
        _ => format!(
            "the spread of launches is that of {of} for {taken} of {} benchmarks: it rests on more launches than the run\n",
            found.rows.len()
        ),
    }
}

/// Measurements of the launches that count.
fn complete(record: &RunRecord) -> Vec<(u32, Measurement)> {
    let counts = |ordinal: u32| {
        let mut launches = record.run.launches.iter();
        launches.any(|launch| launch.ordinal == ordinal && launch.status == LaunchStatus::Complete)
    };
    let entries = record.measurements.iter().filter(|entry| counts(entry.launch));
    entries.map(|entry| (entry.launch, entry.measurement.clone())).collect()
}

/// What launches of this run cost per benchmark, as they were measured.
fn costs(record: &RunRecord, measurements: &[(u32, Measurement)]) -> Wish {
    let count = measurements.len().max(1) as f64;
    let observed: f64 =
        measurements.iter().flat_map(|(_, found)| &found.sample).map(|pair| pair.total).sum::<f64>() / 1e9;
    let all: f64 = record
        .run
        .launches
        .iter()
        .filter(|launch| launch.status == LaunchStatus::Complete)
        .map(|launch| launch.elapsed_seconds)
        .sum();
    Wish {
        precision: 0.01,
        budget_seconds: None,
        // Never 0: a start costs something even where clocks are too coarse to see it.
        launch_seconds: ((all - observed) / count).max(1e-3),
        measuring_seconds: observed / count,
        session_variance: 0.0,
    }
}

fn answer(found: &Plan, wish: &Wish, basis: &str, session: &Session) -> Result<(), CliError> {
    let table = table(found);
    let text = match session.format {
        Format::Csv => table.csv(),
        Format::Json | Format::Jsonl => {
            let basis = basis.trim_end();
            serde_json::json!({"schema": "bench-runner/plan", "version": 1, "basis": basis, "plan": found})
                .to_string()
        }
        Format::Markdown => format!("{}{basis}\n{}", words(found, wish), table.markdown()),
        Format::Text => {
            let said = format!("{}{basis}", words(found, wish));
            let said = said.lines().flat_map(|line| wrapped(&printable(line), session.style.width));
            let said: String = said.map(|line| format!("{line}\n")).collect();
            format!("{said}\n{}", table.text(session.style.width))
        }
    };
    session.answer(&text)
}

fn words(found: &Plan, wish: &Wish) -> String {
    // What a launch spends on observing one benchmark: what is left of the whole without its start and warm-up.
    let window = found.seconds / (found.launches as f64 * found.rows.len() as f64) - wish.launch_seconds;
    let mut text = format!(
        "for ±{} take {} launches of {} observations, about {}:\n  `bench-runner run --launches {}`\n  \
         `sample_size = {}` and `measurement_seconds = {:.2}` in its profile\n",
        percent(Dialect::Terminal, wish.precision, 2),
        found.launches,
        found.observations,
        format::seconds(Dialect::Terminal, found.seconds),
        found.launches,
        found.observations,
        window.max(0.01),
    );
    if found.limited {
        append(
            &mut text,
            format_args!(
                "that is less than the precision needs: the budget or the limit of {MOST_LAUNCHES} launches allows no more\n"
            ),
        );
    }
    let warned = found.rows.iter().filter(|row| row.criterion.as_ref().is_some_and(|c| c.warns)).count();
    if warned > 0 {
        append(
            &mut text,
            format_args!(
                "Criterion will say \"Unable to complete\" for {warned} of {} benchmarks, and measure them all the same\n",
                found.rows.len()
            ),
        );
    }
    for (benchmark, why) in &found.without {
        append(&mut text, format_args!("no plan for {benchmark}: {why}\n"));
    }
    text
}

fn table(found: &Plan) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let columns = vec![
        column("benchmark", Align::Left, 0),
        column("SD within", Align::Right, 2),
        column("SD of launches", Align::Right, 1),
        column("seen in", Align::Left, 6),
        column("best samples", Align::Right, 3),
        column("launches", Align::Right, 0),
        column("±", Align::Right, 0),
        column("smallest change", Align::Right, 1),
        column("sampling", Align::Left, 4),
        column("iterations", Align::Right, 5),
        column("seconds", Align::Right, 4),
    ];
    let share = |value: f64| percent(Dialect::Terminal, value, 2);
    let none = || "-".to_owned();
    let row = |row: &PlanRow| {
        let criterion = row.criterion.as_ref();
        vec![
            row.benchmark.to_string(),
            share(row.within_sd),
            share(row.between_sd),
            match row.spread_from {
                SpreadFrom::Run => "run",
                SpreadFrom::Calibration => "calibration",
            }
            .to_owned(),
            row.observations.to_string(),
            row.launches.map_or_else(|| format!("over {MOST_LAUNCHES}"), |launches| launches.to_string()),
            share(row.half_width),
            row.smallest_change.map_or_else(none, share),
            criterion.map_or_else(none, |c| if c.linear { "linear" } else { "flat" }.to_owned()),
            criterion.map_or_else(none, |c| c.iterations.to_string()),
            criterion.map_or_else(none, |c| format!("{:.2}", c.seconds)),
        ]
    };
    Table { columns, rows: found.rows.iter().map(row).collect() }
}

/// `1%` or `0.01`.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 0.01));
    match number.trim().parse::<f64>() {
        Ok(value) if value > 0.0 && value * unit < 1.0 => Ok(value * unit),
        _ => Err("a share above 0 and below 1, such as 1% or 0.01".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        let check = |text: &str, expected: Option<f64>| assert_eq!(share(text).ok(), expected, "{text}");
        check("1%", Some(0.01));
        check("0.5 %", Some(0.005));
        check("0.02", Some(0.02));
        for wrong in ["0", "-1%", "100%", "one", ""] {
            check(wrong, None);
        }
    }
}
