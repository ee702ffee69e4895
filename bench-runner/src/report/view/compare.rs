//! This run against the previous comparable one: what differs first, then the verdicts.
//!
//! Verdicts arrive decided; this file orders, counts and words them.

use serde::Serialize;

use super::table::{Cell, Kind, Table};
use super::words::{self, code};
use super::{Context, Figure, figures, headline};
use crate::model::comparison::{Comparison, RunComparison, Verdict};
use crate::model::fact::keys;
use crate::model::run::RunKind;
use crate::report::ReportError;
use crate::report::format::{self, Dialect, Scale};

/// The comparison with the previous comparable run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Versus {
    /// One sentence with the counts, or why there is no comparison.
    pub summary: String,
    /// What differs between the two runs; empty when nothing does.
    pub differences: Table,
    /// Whether there is a comparison at all.
    pub present: bool,
    /// Rows that need a reader: everything but unchanged.
    pub changed: Table,
    /// Unchanged rows, folded in pages.
    pub unchanged: Table,
    /// Words on the fold.
    pub fold: String,
    /// Benchmarks that only one side has, and the geometric mean.
    pub remarks: Vec<String>,
    /// The forest plot, in pages only.
    pub figures: Vec<Figure>,
}

/// Writes the section.
pub(super) fn versus(context: &Context<'_>) -> Result<Versus, ReportError> {
    let Some(previous) = &context.report.previous else { return Ok(absent(context)) };
    let (unchanged, changed): (Vec<_>, Vec<_>) =
        previous.rows.iter().partition(|row| row.verdict == Verdict::Unchanged);
    let margin = unchanged.iter().map(|row| row.margin).max_by(f64::total_cmp);
    let fold = match margin {
        Some(margin) => format!(
            "= {} unchanged within {}{}",
            unchanged.len(),
            context.dialect.plus_minus(),
            format::percent(context.dialect, margin, 1)
        ),
        None => "= 0 unchanged".to_owned(),
    };
    Ok(Versus {
        summary: headline::against(context),
        differences: differences(previous),
        present: true,
        changed: table(context, "Changed, inconclusive or not comparable", &changed),
        unchanged: table(context, "Unchanged", &unchanged),
        fold,
        remarks: remarks(context, previous),
        figures: figures::comparison(context, previous)?,
    })
}

/// The verdicts counted, and how far the changes behind those that moved reach: `2 regressed (+5.8 % to +10.9 %), 10 unchanged`.
pub(in crate::report) fn counted(rows: &[Comparison], dialect: Dialect) -> String {
    let size = |ratio: f64| format::change(dialect, ratio - 1.0, None);
    let parts = headline::VERDICTS.into_iter().filter_map(|(verdict, word)| {
        let mut ratios: Vec<f64> =
            rows.iter().filter(|row| row.verdict == verdict).map(|row| row.ratio).collect();
        // The smaller change first, whichever way.
        ratios.sort_by(|a, b| (a - 1.0).abs().total_cmp(&(b - 1.0).abs()));
        let (least, most) = (ratios.first()?, ratios.last()?);
        let reach = match (verdict, ratios.len()) {
            (Verdict::Regressed | Verdict::Improved, 1) => format!(" ({})", size(*least)),
            (Verdict::Regressed | Verdict::Improved, _) => format!(" ({} to {})", size(*least), size(*most)),
            _ => String::new(),
        };
        Some(format!("{} {word}{reach}", ratios.len()))
    });
    let parts: Vec<String> = parts.collect();
    match rows.len() as u64 {
        0 => "no benchmark is on both sides".to_owned(),
        rows => format!("{} on both sides: {}", format::plural(rows, "benchmark"), parts.join(", ")),
    }
}

fn absent(context: &Context<'_>) -> Versus {
    let summary = match context.report.run.kind {
        RunKind::Measured => {
            "There is no earlier comparable run in this store: same machine, configuration, suite, sampling settings and \
             Criterion version. The next run will be compared with this one."
        }
        RunKind::Imported => "An imported run is shown by itself: its origin is not verified.",
        RunKind::Summary => {
            "A record without raw samples is never compared as if it had them. Its numbers stand beside later ones, \
             without a verdict."
        }
    };
    let none = || Table::new("", &[]);
    Versus {
        summary: summary.to_owned(),
        differences: none(),
        present: false,
        changed: none(),
        unchanged: none(),
        fold: String::new(),
        remarks: Vec::new(),
        figures: Vec::new(),
    }
}

fn differences(previous: &RunComparison) -> Table {
    let mut table = Table::new(
        "What differs between the two runs",
        &[
            ("What", Kind::Text),
            ("Previous run", Kind::Code),
            ("This run", Kind::Code),
            ("Effect", Kind::Text),
        ],
    );
    for difference in &previous.differences {
        let effect = if difference.splits_series {
            Cell::toned("≠ makes the runs incomparable", "apart")
        } else if difference.key == keys::SOURCE_COMMIT {
            Cell::plain("the change under test".to_owned())
        } else {
            Cell::plain("may explain a change".to_owned())
        };
        table.rows.push(vec![
            Cell::plain(super::machine::label(&difference.key)),
            Cell::plain(difference.baseline.clone()),
            Cell::plain(difference.candidate.clone()),
            effect,
        ]);
    }
    table
}

fn table(context: &Context<'_>, caption: &str, rows: &[&Comparison]) -> Table {
    let mut table = Table::new(
        caption,
        &[
            ("Verdict", Kind::Text),
            ("Benchmark", Kind::Code),
            ("Previous", Kind::Number),
            ("This run", Kind::Number),
            ("Change", Kind::Number),
            ("Margin", Kind::Number),
            ("Would show", Kind::Number),
            ("Why", Kind::Text),
        ],
    );
    let (reasons, together) = words::shared(&rows.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>());
    table.note = words::together((&reasons, &together));
    for (row, reason) in rows.iter().zip(reasons) {
        let scale = Scale::metric(context.dialect, &row.metric, [row.baseline_value, row.candidate_value]);
        let sensitivity = row.minimum_detectable_effect.map_or_else(
            || "unknown".to_owned(),
            |effect| format!("≥ {}", format::percent(context.dialect, effect, 1)),
        );
        table.rows.push(vec![
            Cell::toned(words::verdict(row.verdict, context.dialect), words::verdict_tone(row.verdict)),
            Cell::plain(context.name(&row.benchmark)),
            Cell::plain(scale.show(row.baseline_value, None)),
            Cell::plain(scale.show(row.candidate_value, None)),
            Cell::plain(context.change(row)),
            Cell::plain(format!(
                "{}{}",
                context.dialect.plus_minus(),
                format::percent(context.dialect, row.margin, 1)
            )),
            Cell::plain(sensitivity),
            Cell::plain(reason),
        ]);
    }
    table.drop_empty_columns();
    table
}

fn remarks(context: &Context<'_>, previous: &RunComparison) -> Vec<String> {
    let mut remarks = Vec::new();
    let names = |ids: &[crate::model::ids::BenchmarkId]| {
        words::list(&ids.iter().map(|id| code(&context.name(id))).collect::<Vec<_>>())
    };
    if !previous.missing.is_empty() {
        remarks.push(format!("Missing here, present in the previous run: {}.", names(&previous.missing)));
    }
    if !previous.new.is_empty() {
        remarks.push(format!("New here: {}.", names(&previous.new)));
    }
    if previous.rows.iter().any(|row| row.minimum_detectable_effect.is_some()) {
        remarks.push(
            "“Would show” is the smallest change that this pair of runs would have shown with a probability of 90 %."
                .to_owned(),
        );
    }
    if let Some((mean, count)) = previous.geometric_mean {
        remarks.push(format!(
            "Geometric mean of {}: {}, without an interval.",
            format::plural(u64::from(count), "comparable row"),
            format::change(context.dialect, mean - 1.0, None)
        ));
    }
    remarks
}
