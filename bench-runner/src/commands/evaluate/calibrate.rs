//! `bench-runner evaluate --calibrate`: the rules of experiments on made-up launches whose truth is known.

use super::{Args, Family, column, load};
use crate::analysis::calibrate::alarms;
use crate::analysis::calibrate::simulate::{DoseCounts, NullCounts, doses, false_alarms};
use crate::commands::Session;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::calibration::FalseAlarms;
use crate::ui::Progress;
use crate::ui::table::{Align, Table};

/// The doses that are put in, as fractions.
const DOSES: [f64; 4] = [0.01, 0.02, 0.05, 0.10];
/// Trials with a dose at most: each is an experiment of its own.
const MOST_TRIALS: u64 = 4000;
/// How far above its nominal level the upper 95 % bound of a rate may lie.
const SLACK: f64 = 1.2;

/// One family.
#[derive(serde::Serialize)]
struct OfFamily {
    family: &'static str,
    seed: u64,
    null: NullCounts,
    rule_5: FalseAlarms,
    rule_1: FalseAlarms,
    student_5: FalseAlarms,
    student_1: FalseAlarms,
    rank_5: FalseAlarms,
    rank_1: FalseAlarms,
    /// Whether the upper bounds of all six rates are within 1.2 times their level.
    holds: bool,
    doses: Vec<DoseCounts>,
}

/// Prints false alarms, power and coverage of each family.
pub(super) fn score(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let progress = Progress::new(session.style);
    let chosen: Vec<Family> = args.family.iter().map(|name| name.0).collect();
    let families = if chosen.is_empty() { Family::ALL.to_vec() } else { chosen };
    let mut results = Vec::new();
    for family in families {
        progress.detail(family.name());
        let null = false_alarms(family, u64::from(args.cases), args.seed);
        let trials = u64::from(args.cases).min(MOST_TRIALS);
        let of = |nominal, count| alarms(Some(nominal), count, null.comparisons);
        let rates = [
            of(0.05, null.rule_5),
            of(0.01, null.rule_1),
            of(0.05, null.student_5),
            of(0.01, null.student_1),
            of(0.05, null.rank_5),
            of(0.01, null.rank_1),
        ];
        let holds = rates.iter().all(within);
        let [rule_5, rule_1, student_5, student_1, rank_5, rank_1] = rates;
        results.push(OfFamily {
            family: family.name(),
            seed: args.seed,
            null,
            rule_5,
            rule_1,
            student_5,
            student_1,
            rank_5,
            rank_1,
            holds,
            doses: DOSES.iter().map(|dose| doses(family, *dose, trials, args.seed)).collect(),
        });
    }
    progress.finish();
    let items = results.iter().map(load::json_of).collect::<Result<Vec<_>, _>>()?;
    load::show(session, &table(&results), "bench-runner/evaluation-calibration", &items)?;
    Ok(exit_code::DONE)
}

fn within(found: &FalseAlarms) -> bool {
    found.interval.zip(found.nominal).is_some_and(|((_, high), nominal)| high <= SLACK * nominal)
}

fn table(results: &[OfFamily]) -> Table {
    let columns = vec![
        column("noise", Align::Left, 0),
        column("dose", Align::Right, 0),
        column("trials", Align::Right, 3),
        column("rule 5 %", Align::Right, 0),
        column("rule 1 %", Align::Right, 1),
        column("ranks 5 %", Align::Right, 2),
        column("ranks 1 %", Align::Right, 4),
        column("Student 5 %", Align::Right, 5),
        column("Student 1 %", Align::Right, 7),
        column("seen", Align::Right, 0),
        column("seen by ranks", Align::Right, 5),
        column("seen by Student", Align::Right, 7),
        column("rule covers", Align::Right, 3),
        column("ranks cover", Align::Right, 0),
        column("Student covers", Align::Right, 4),
        column("blocks", Align::Right, 6),
    ];
    let share = |count: u64, all: u64| format!("{:.2} %", 100.0 * count as f64 / all.max(1) as f64);
    let bound = |found: &FalseAlarms| match (found.rate(), found.interval) {
        (Some(rate), Some((_, high))) => format!("{:.2} (≤ {:.2}) %", rate * 100.0, high * 100.0),
        _ => "-".to_owned(),
    };
    let mut rows = Vec::new();
    for result in results {
        let none = || "-".to_owned();
        let mut row = vec![result.family.to_owned(), "none".to_owned(), result.null.comparisons.to_string()];
        let rates = [
            &result.rule_5,
            &result.rule_1,
            &result.rank_5,
            &result.rank_1,
            &result.student_5,
            &result.student_1,
        ];
        row.extend(rates.map(bound));
        row.extend(std::iter::repeat_with(none).take(7));
        rows.push(row);
        for found in &result.doses {
            let of = |count| share(count, found.trials);
            let mut row = vec![
                result.family.to_owned(),
                format!("{:.0} %", found.dose * 100.0),
                found.trials.to_string(),
            ];
            row.extend(std::iter::repeat_with(none).take(6));
            row.extend([
                of(found.detected),
                of(found.rank_detected),
                of(found.student_detected),
                of(found.rule_covers),
                of(found.rank_covers),
                of(found.student_covers),
                format!("{:.0}", found.median_blocks),
            ]);
            rows.push(row);
        }
    }
    Table { columns, rows }
}
