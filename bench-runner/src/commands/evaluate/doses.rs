//! `bench-runner evaluate --known-doses`: stored experiments whose truth is known, since a variable set it.

use super::{column, load};
use crate::analysis::experiment::{FEWEST_BLOCKS, Rules, judge};
use crate::commands::Session;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::recompute;
use crate::model::comparison::Verdict;
use crate::model::experiment::Arm;
use crate::stats::order::median;
use crate::stats::proportion::clopper_pearson;
use crate::ui::table::{Align, Table};

/// Variable that tells a bench by how many percent its loop is longer.
const VARIABLE: &str = "BENCH_DOSE_PERCENT";
/// Seconds of Criterion's default comparison of one benchmark: twice 3 s of warm-up and 5 s of measuring.
const CRITERION_SECONDS: f64 = 16.0;
/// Experiments read at most.
const MOST: u32 = 1_000_000;

/// One trial.
#[derive(Debug, Clone, serde::Serialize)]
struct Trial {
    experiment: String,
    /// The dose in percent.
    dose: f64,
    blocks: u64,
    ratio: f64,
    student_low: f64,
    student_high: f64,
    student_covers: bool,
    rank_low: f64,
    rank_high: f64,
    rank_covers: bool,
    rule_covers: bool,
    /// Blocks after which the watched experiment would have ended; `None` when all of them left it undecided.
    decided_after: Option<u64>,
    regressed: bool,
    /// Seconds of launches until then, or of all of them.
    seconds: f64,
}

/// Prints coverage and time to verdict of each dose.
pub(super) fn score(session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    let rules = Rules { margin: config.margin, family_alpha: 1.0 - config.comparison_level };
    let mut trials = Vec::new();
    for listing in store.experiments(MOST)?.into_iter().rev().filter(|listing| listing.finished.is_some()) {
        let arms = store.experiment(&listing.id)?.arms;
        let Some(dose) = dose_of(&arms) else { continue };
        let outcome = recompute(&store, &listing.id, rules)?;
        for contrast in &outcome.result.contrasts {
            for (row, evidence) in contrast.rows.iter().zip(&contrast.evidence) {
                let (Some((low, high)), Some(ranks), Some(interval)) =
                    (evidence.t_interval, evidence.rank_interval, row.ratio_interval)
                else {
                    continue;
                };
                let truth = 1.0 + dose / 100.0;
                let (after, verdict) = watched(&evidence.differences, &rules);
                let all = evidence.differences.len() as u64;
                trials.push(Trial {
                    experiment: listing.id.to_string(),
                    dose,
                    blocks: all,
                    ratio: row.ratio,
                    student_low: low,
                    student_high: high,
                    student_covers: low <= truth && truth <= high,
                    rank_low: ranks.0,
                    rank_high: ranks.1,
                    rank_covers: ranks.0 <= truth && truth <= ranks.1,
                    rule_covers: interval.0 <= truth && truth <= interval.1,
                    decided_after: after,
                    regressed: verdict == Verdict::Regressed,
                    seconds: outcome.seconds * after.unwrap_or(all) as f64 / all.max(1) as f64,
                });
            }
        }
    }
    if trials.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, format!("no stored experiment sets {VARIABLE}"))
            .hinted(Some("`scripts/known-dose.sh` makes such experiments".to_owned())));
    }
    let items = trials.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &table(&trials, session), "bench-runner/evaluation-doses", &items)?;
    Ok(exit_code::DONE)
}

/// The dose between two arms in percent, when the variable says it on both.
fn dose_of(arms: &[Arm]) -> Option<f64> {
    let [baseline, candidate] = arms else { return None };
    let of = |arm: &Arm| arm.variant.environment.get(VARIABLE)?.parse::<f64>().ok();
    let (old, new) = (of(baseline)?, of(candidate)?);
    Some(100.0 * ((100.0 + new) / (100.0 + old) - 1.0))
}

/// Where the watched experiment would have ended.
fn watched(differences: &[f64], rules: &Rules) -> (Option<u64>, Verdict) {
    for blocks in (FEWEST_BLOCKS as usize)..=differences.len() {
        let verdict = judge(&differences[..blocks], rules, 1).verdict;
        if verdict != Verdict::Inconclusive {
            return (Some(blocks as u64), verdict);
        }
    }
    (None, Verdict::Inconclusive)
}

/// For a person one row a dose; as CSV one row a trial, since that is evidence.
fn table(trials: &[Trial], session: &Session) -> Table {
    if session.format == crate::cli::Format::Csv {
        return evidence(trials);
    }
    let columns = vec![
        column("dose", Align::Right, 0),
        column("trials", Align::Right, 0),
        column("ranks cover", Align::Right, 0),
        column("95 %", Align::Right, 1),
        column("Student covers", Align::Right, 3),
        column("rule covers", Align::Right, 1),
        column("decided", Align::Right, 2),
        column("regressed", Align::Right, 1),
        column("seconds", Align::Right, 0),
        column("Criterion", Align::Right, 2),
    ];
    let mut doses: Vec<f64> = trials.iter().map(|trial| trial.dose).collect();
    doses.sort_by(f64::total_cmp);
    doses.dedup();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let groups = doses.iter().map(|dose| (format!("{dose:.0} %"), Some(*dose)));
    for (name, dose) in groups.chain([("all".to_owned(), None)]) {
        let of: Vec<&Trial> = trials
            .iter()
            .filter(|trial| dose.is_none_or(|dose| trial.dose.total_cmp(&dose).is_eq()))
            .collect();
        let count = |is: fn(&Trial) -> bool| of.iter().filter(|trial| is(trial)).count() as u64;
        let all = of.len() as u64;
        let percent = |count: u64| format!("{:.1} %", 100.0 * count as f64 / all.max(1) as f64);
        let covers = count(|trial| trial.rank_covers);
        let seconds: Vec<f64> = of.iter().map(|trial| trial.seconds).collect();
        rows.push(vec![
            name,
            all.to_string(),
            percent(covers),
            clopper_pearson(covers, all, 0.95).map_or_else(
                || "-".to_owned(),
                |(low, high)| format!("{:.1} to {:.1} %", low * 100.0, high * 100.0),
            ),
            percent(count(|trial| trial.student_covers)),
            percent(count(|trial| trial.rule_covers)),
            percent(count(|trial| trial.decided_after.is_some())),
            percent(count(|trial| trial.regressed)),
            median(&seconds).map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}")),
            format!("{CRITERION_SECONDS:.0}"),
        ]);
    }
    Table { columns, rows }
}

fn evidence(trials: &[Trial]) -> Table {
    let columns = [
        "experiment",
        "dose_percent",
        "blocks",
        "ratio",
        "student_low",
        "student_high",
        "student_covers",
        "rank_low",
        "rank_high",
        "rank_covers",
        "rule_covers",
        "decided_after",
        "regressed",
        "seconds",
    ]
    .map(|title| column(title, Align::Left, 0))
    .to_vec();
    let row = |trial: &Trial| {
        vec![
            trial.experiment.clone(),
            format!("{:.3}", trial.dose),
            trial.blocks.to_string(),
            format!("{:.6}", trial.ratio),
            format!("{:.6}", trial.student_low),
            format!("{:.6}", trial.student_high),
            u8::from(trial.student_covers).to_string(),
            format!("{:.6}", trial.rank_low),
            format!("{:.6}", trial.rank_high),
            u8::from(trial.rank_covers).to_string(),
            u8::from(trial.rule_covers).to_string(),
            trial.decided_after.map_or_else(String::new, |blocks| blocks.to_string()),
            u8::from(trial.regressed).to_string(),
            format!("{:.3}", trial.seconds),
        ]
    };
    Table { columns, rows: trials.iter().map(row).collect() }
}
