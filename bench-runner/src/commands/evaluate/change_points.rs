//! `bench-runner evaluate --change-points`: how well steps are found, beside Otava; and the calibration of the default engine.

use std::collections::BTreeMap;

use super::{Args, column, load, read_histories};
use crate::analysis::change_points::otava::{self, Settings};
use crate::analysis::evaluate::steps::{self, Case, Hits, Lead, Source};
use crate::commands::Session;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::ui::Progress;
use crate::ui::table::{Align, Table};

/// Resamples behind the interval of a lead.
const RESAMPLES: u32 = 2000;

/// The margin at which changes of 2 % and less are left out by both engines.
const MARGIN: f64 = 0.02;

/// An engine may find a step in one of so many series without a change, in every family.
const FALSE_SERIES: usize = 20;

/// Which series of the histories count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Half {
    /// Those that were looked at while the engine was made
    Development,
    /// The others
    HeldOut,
    /// Both halves
    All,
}

/// One engine on one kind of noise.
#[derive(serde::Serialize)]
struct Scored {
    table: &'static str,
    noise: &'static str,
    series: usize,
    seed: u64,
    engine: String,
    hits: Hits,
    f1: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    /// How far the default engine with the same margin is ahead of this one.
    lead_of_ours: Option<Lead>,
}

/// A family without any change.
#[derive(serde::Serialize)]
struct Innocent {
    table: &'static str,
    #[serde(flatten)]
    counts: steps::Nothing,
}

/// Prints F1 on injected steps and the false steps of each null family.
pub(super) fn score(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let progress = Progress::new(session.style);
    let residuals = residuals(args, session)?;
    let count = args.cases as usize;
    let made_up = steps::cases(Source::MadeUp, &[], count, args.seed);
    let real = steps::cases(Source::Real, &residuals, count, args.seed ^ 0x5EA1);
    let all: Vec<Case> = real.iter().chain(&made_up).cloned().collect();
    let mut sets = vec![("all", all), ("made up", made_up)];
    if !real.is_empty() {
        sets.push(("real", real));
    }
    let engines = engines(&sets[0].1, args, &progress);
    let mut rows = Vec::new();
    for (noise, cases) in &sets {
        let ours = [0.0, MARGIN].map(|margin| (margin, steps::ours(cases, margin)));
        for (margin, hits) in &ours {
            rows.push(scored(args.seed, noise, our_name(*margin), hits, None));
        }
        for (name, margin, settings) in &engines {
            progress.detail(&format!("{name} on {noise}"));
            let hits = steps::otava(*settings, cases);
            let against = &ours[usize::from(*margin > 0.0)].1;
            let lead = steps::lead(against, &hits, RESAMPLES, args.seed);
            rows.push(scored(args.seed, noise, name.clone(), &hits, lead));
        }
    }
    let innocent: Vec<Innocent> = steps::NULL_FAMILIES
        .into_iter()
        .map(|family| {
            progress.detail(&format!("nothing but {}", family.name()));
            Innocent { table: "nothing", counts: steps::nothing(family, count, args.seed) }
        })
        .collect();
    progress.finish();
    let mut items = rows.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    for row in &innocent {
        items.push(load::json_of(row)?);
    }
    load::show(session, &table(&rows, &innocent), "bench-runner/evaluation-change-points", &items)?;
    Ok(exit_code::DONE)
}

fn our_name(margin: f64) -> String {
    if margin > 0.0 { format!("ours, above {:.0} %", margin * 100.0) } else { "ours".to_owned() }
}

/// Otava with its defaults, and its best settings on these very series: of the p-value, of the window as well, of all, and of
/// all that keep to the share of false steps that the default engine is held to.
fn engines(cases: &[Case], args: &Args, progress: &Progress) -> Vec<(String, f64, Settings)> {
    let mut grid: Vec<(Settings, f64)> = steps::otava_grid()
        .into_iter()
        .map(|settings| {
            progress.detail(&format!("Otava, window {}, p {:e}", settings.window, settings.max_p_value));
            (settings, steps::total(&steps::otava(settings, cases)).f1().unwrap_or(0.0))
        })
        .collect();
    let best = |allowed: &dyn Fn(&Settings) -> bool| {
        let allowed = grid.iter().filter(|(settings, _)| allowed(settings));
        allowed.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(otava::DEFAULT, |(settings, _)| *settings)
    };
    let plain = |settings: &Settings| settings.min_magnitude <= 0.0;
    let mut chosen = vec![
        ("default", otava::DEFAULT),
        ("best p", best(&|settings| plain(settings) && settings.window == otava::DEFAULT.window)),
        ("best p, window", best(&plain)),
        ("best p, window, magnitude", best(&|settings| !plain(settings))),
    ];
    grid.sort_by(|a, b| b.1.total_cmp(&a.1));
    let innocent = |settings: &Settings| {
        progress.detail(&format!("Otava, p {:e} where nothing changed", settings.max_p_value));
        steps::otava_keeps_to(*settings, FALSE_SERIES, args.cases as usize, args.seed)
    };
    let as_innocent = grid.iter().map(|(settings, _)| *settings).find(innocent);
    chosen.extend(as_innocent.map(|settings| ("best of as few false steps", settings)));
    let named = |(name, settings): (&str, Settings)| {
        let Settings { window, max_p_value, min_magnitude } = settings;
        (format!("Otava {name} ({window}, {max_p_value:e}, {min_magnitude})"), min_magnitude, settings)
    };
    chosen.into_iter().map(named).collect()
}

fn scored(seed: u64, noise: &'static str, engine: String, hits: &[Hits], lead: Option<Lead>) -> Scored {
    let total = steps::total(hits);
    Scored {
        table: "steps",
        noise,
        series: hits.len(),
        seed,
        engine,
        hits: total,
        f1: total.f1(),
        precision: total.precision(),
        recall: total.recall(),
        lead_of_ours: lead,
    }
}

/// The residuals of the histories that were asked for.
fn residuals(args: &Args, session: &Session) -> Result<Vec<Vec<f64>>, CliError> {
    if args.history.is_empty() {
        return Ok(Vec::new());
    }
    let mut series: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    for row in read_histories(&args.history, session)? {
        let name = format!("{},{},{}", row.suite, row.benchmark, row.unit);
        series.entry(name).or_default().push((row.date_ms, row.value));
    }
    let counts = |name: &str| match args.half {
        Half::All => true,
        Half::Development => steps::is_development_half(name),
        Half::HeldOut => !steps::is_development_half(name),
    };
    let chosen = series.into_iter().filter(|(name, _)| counts(name));
    let found: Vec<Vec<f64>> = chosen
        .filter_map(|(_, mut points)| {
            points.sort_by_key(|point| point.0);
            steps::residuals(&points.into_iter().map(|point| point.1).collect::<Vec<_>>())
        })
        .collect();
    if found.is_empty() {
        let text =
            format!("no series of this half has {} values: there is no noise to draw from", steps::FEWEST);
        return Err(CliError::new(exit_code::NOTHING, text));
    }
    Ok(found)
}

fn table(rows: &[Scored], innocent: &[Innocent]) -> Table {
    let columns = vec![
        column("noise", Align::Left, 0),
        column("engine", Align::Left, 0),
        column("F1", Align::Right, 0),
        column("precision", Align::Right, 2),
        column("recall", Align::Right, 2),
        column("our lead", Align::Right, 0),
        column("95 %", Align::Right, 1),
    ];
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let mut lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let lead = row.lead_of_ours;
            vec![
                row.noise.to_owned(),
                row.engine.clone(),
                number(row.f1),
                number(row.precision),
                number(row.recall),
                number(lead.map(|lead| lead.lead)),
                lead.map_or_else(|| "-".to_owned(), |lead| format!("{:.3} to {:.3}", lead.low, lead.high)),
            ]
        })
        .collect();
    for Innocent { counts, .. } in innocent {
        let share = |count: u64| format!("{:.1} %", 100.0 * count as f64 / counts.series as f64);
        let said = format!(
            "false: ours {}, drift only {}, Otava {}",
            share(counts.with_steps),
            share(counts.with_drift_only),
            share(counts.with_otava)
        );
        let none = || "-".to_owned();
        let noise = format!("no step: {}", counts.family.name());
        lines.push(vec![noise, said, none(), none(), none(), none(), none()]);
    }
    Table { columns, rows: lines }
}

/// Prints the rows of the default engine's table of thresholds.
pub(super) fn calibrate(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let progress = Progress::new(session.style);
    let mut rows = Vec::new();
    for length in steps::LENGTHS {
        progress.detail(&format!("{length} values"));
        rows.extend(steps::calibrate(length, args.cases as usize, args.seed));
    }
    progress.finish();
    let columns = vec![
        column("length", Align::Right, 0),
        column("gain", Align::Right, 0),
        column("family", Align::Left, 0),
    ];
    let line = |row: &steps::Calibrated| {
        vec![row.length.to_string(), format!("{:.1}", row.gain), row.family.name().to_owned()]
    };
    let table = Table { columns, rows: rows.iter().map(line).collect() };
    let items = rows.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &table, "bench-runner/calibration-change-points", &items)?;
    Ok(exit_code::DONE)
}
